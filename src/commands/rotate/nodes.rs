//! The control-plane nodes, whose key files are replaced.

use clap::Args;

use crate::cluster::format::SettingsFormat;
use crate::config::nodes::node_path;
use crate::error::{Error, Result};

/// The control-plane nodes, whose key files are replaced.
#[derive(Args, Debug)]
pub(crate) struct Nodes {
    /// Where sa-signer.key and sa-signer.pub lie on a control-plane node
    #[arg(long, value_name = "DIR", default_value = "/etc/kubernetes/pki/irsa", value_parser = node_path)]
    pub(crate) node_dir: String,
    /// The distribution, as in 'irsactl flags': it says who owns the key file
    #[arg(
        long,
        value_enum,
        default_value = "flags",
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    pub(crate) format: SettingsFormat,
}

impl Nodes {
    /// Refuses a distribution that keeps keys elsewhere than in files of the nodes.
    pub(crate) fn check(&self) -> Result<()> {
        if self.format.has_node_files() {
            Ok(())
        } else {
            Err(Error::refused(format!(
                "cannot say how {} takes another signing key",
                self.format.name()
            ))
            .because("its keys are not files of the control-plane nodes")
            .hint("publish the new key ('irsactl rotate prepare'), set both in the way of the distribution ('irsactl flags --format' prints its form), and go on with --token FILE; 'irsactl rotate retire' is for all"))
        }
    }
}
