//! `--adopt-key`: the cluster's own public keys are published, and its signing key stays on its nodes.

use std::path::PathBuf;

use clap::Args;

/// Whose key is published.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct AdoptOptions {
    /// Publish the cluster's own key, which stays on its nodes: from sa.pub, a certificate or the
    /// JWK Set of kubectl get --raw /openid/v1/jwks; - for standard input; repeat it for several
    #[arg(long, value_name = "FILE")]
    pub(crate) adopt_key: Vec<PathBuf>,
}
