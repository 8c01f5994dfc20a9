//! The command line: the subcommands in the order of the pipeline, and the global options.

use clap::{Parser, Subcommand};

use crate::commands::{
    apply, bootstrap, completions, config, destroy, discovery, echoer, emit, explain, flags, jwks,
    keygen, man, migrate, policy, provider, publish, report, role, rotate, thumbprint, token,
    verify, webhook,
};
use crate::config::Global;
use crate::config::deferred::Deferred;

/// Make a self-managed Kubernetes cluster an OpenID Connect issuer that AWS trusts (IRSA)
///
/// signing key > JWK Set > discovery document > S3 > TLS thumbprint > IAM provider > kube-apiserver
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, max_term_width = 100, disable_help_subcommand = true)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    #[allow(missing_docs)] // clap would print a doc comment here as help
    pub global: Global,
    #[command(subcommand)]
    #[allow(missing_docs)] // as above
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  irsactl keygen
  irsactl bootstrap --cluster demo --region us-west-2 --dry-run
  irsactl bootstrap --cluster demo --region us-west-2 --yes

Exit codes: 0 done, 1 failed, 2 changes pending (--detailed-exitcode), 3 a check failed or drift,
  4 refused, 5 interrupted part-way, 64 usage, 77 no credentials or permission, 124 timeout, 130 SIGINT,
  143 SIGTERM";

/// One subcommand a step of the pipeline.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Generate the RSA signing key, or check the one that is there
    Keygen(Deferred<keygen::Keygen>),
    /// Print the JWK Set, keys.json
    Jwks(Deferred<jwks::Jwks>),
    /// Print the discovery document, discovery.json
    Discovery(Deferred<discovery::Discovery>),
    /// Publish both documents on S3, public by bucket policy
    Publish(Deferred<publish::Publish>),
    /// Print the TLS thumbprint of an issuer
    Thumbprint(Deferred<thumbprint::ThumbprintArgs>),
    /// Create or update the IAM OpenID Connect provider
    Provider(Deferred<provider::ProviderArgs>),
    /// Print the kube-apiserver settings
    Flags(Deferred<flags::Flags>),
    /// Do all of it in order, and read everything back
    Bootstrap(Deferred<bootstrap::Bootstrap>),
    /// Create or update an IAM role that service accounts assume
    Role(Deferred<role::RoleArgs>),
    /// Replace the signing key in steps, with no token refused on the way
    Rotate(Deferred<rotate::Rotate>),
    /// Change the issuer of a cluster that runs, in stages
    Migrate(Deferred<migrate::MigrateArgs>),
    /// Remove roles, provider and documents of an issuer, in the safe order
    Destroy(Deferred<destroy::Destroy>),
    /// Carry out the plan that a dry run saved, or refuse when something has changed since
    Apply(Deferred<apply::Apply>),
    /// Print the manifests of the pod identity webhook
    Webhook(Deferred<webhook::Webhook>),
    /// Print a Job that proves in the cluster that a service account has its role
    Echoer(Deferred<echoer::Echoer>),
    /// Prove that AWS accepts the issuer's tokens, or name what is wrong
    Verify(Deferred<verify::Verify>),
    /// Write what a reviewer wants to see of an issuer on one HTML page
    Report(Deferred<report::ReportArgs>),
    /// Say what an error message of STS, S3 or kube-apiserver means
    Explain(Deferred<explain::Explain>),
    /// Mint a test token, or take any token apart
    Token(Deferred<token::TokenArgs>),
    /// Print the least-privilege IAM policy that a command needs
    Policy(Deferred<policy::Policy>),
    /// Print the issuer in the language of another tool, such as Terraform
    Emit(Deferred<emit::Emit>),
    /// Print what the cluster file, the flags and the environment come to
    Config(Deferred<config::Config>),
    /// Print a completion script for a shell
    Completions(Deferred<completions::Completions>),
    /// Print the manual page, or write one for each command
    Man(Deferred<man::Man>),
}
