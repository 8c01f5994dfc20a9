//! The command line: the subcommands in the order of the pipeline, and the global options.

use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::{
    apply, bootstrap, completions, config, destroy, discovery, echoer, emit, explain, flags, jwks,
    keygen, man, migrate, policy, provider, publish, report, role, rotate, thumbprint, token,
    verify, webhook,
};
use crate::config::Global;
use crate::config::deferred::Deferred;
use crate::config::parse::{Origin, Unparsed, parse};
use crate::converge::saved_plan;
use crate::converge::stop::Stop;
use crate::error::{Error, Exit, Result};
use crate::plan::saved::SavedPlan;

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
    /// Explain an error message from STS, S3 or kube-apiserver
    Explain(Deferred<explain::Explain>),
    /// Mint a test token, or take any token apart
    Token(Deferred<token::TokenArgs>),
    /// Print the least-privilege IAM policy that a command needs
    Policy(Deferred<policy::Policy>),
    /// Print the issuer in the language of another tool, such as Terraform
    Emit(Deferred<emit::Emit>),
    /// Print the effective configuration and the source of each value
    Config(Deferred<config::Config>),
    /// Print a completion script for a shell
    Completions(Deferred<completions::Completions>),
    /// Print the manual page, or write one for each command
    Man(Deferred<man::Man>),
}

/// Runs the subcommand to its end, to `--timeout` or to a signal, whichever comes first.
pub fn run(mut cli: Cli) -> Result<Exit> {
    if let Command::Apply(Deferred(args)) = cli.command {
        cli = of_saved_plan(&cli.global, args.saved()?)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|e| Error::failed("cannot start").because(e))?;
    let outcome = runtime.block_on(async {
        let stop = Stop::new(cli.global.timeout);
        tokio::select! {
            // In this order: a command that sees the time run out itself knows more to say.
            biased;
            outcome = cli.command.run(&cli.global, &stop) => outcome,
            error = stop.reason() => Err(error),
        }
    });
    // Name lookups and prompts run on a thread of their own, and must not hold the process up.
    runtime.shutdown_background();
    outcome.map_err(|error| match &cli.global.saved {
        Some(saved) => apply::refused(error, saved),
        None => error,
    })
}

impl Command {
    async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        match self {
            Self::Keygen(Deferred(args)) => args.run(global, stop).await,
            Self::Jwks(Deferred(args)) => args.run(global).await,
            Self::Discovery(Deferred(args)) => args.run(global).await,
            Self::Publish(Deferred(args)) => args.run(global, stop).await,
            Self::Thumbprint(Deferred(args)) => args.run(global).await,
            Self::Provider(Deferred(args)) => args.run(global, stop).await,
            Self::Flags(Deferred(args)) => args.run(global).await,
            Self::Bootstrap(Deferred(args)) => args.run(global, stop).await,
            Self::Role(Deferred(args)) => args.run(global, stop).await,
            Self::Rotate(Deferred(args)) => args.run(global, stop).await,
            Self::Migrate(Deferred(args)) => args.run(global).await,
            Self::Destroy(Deferred(args)) => args.run(global, stop).await,
            Self::Apply(_) => Err(Error::refused("cannot apply this plan")
                .because("it is one of 'irsactl apply' itself")),
            Self::Webhook(Deferred(args)) => args.run(global).await,
            Self::Echoer(Deferred(args)) => args.run(global).await,
            Self::Verify(Deferred(args)) => args.run(global, stop).await,
            Self::Report(Deferred(args)) => args.run(global, stop).await,
            Self::Explain(Deferred(args)) => args.run(global),
            Self::Token(Deferred(args)) => args.run(global).await,
            Self::Policy(Deferred(args)) => args.run(global).await,
            Self::Emit(Deferred(args)) => args.run(global, stop).await,
            Self::Config(Deferred(args)) => args.run(global).await,
            Self::Completions(Deferred(args)) => args.run(Cli::command()),
            Self::Man(Deferred(args)) => args.run(Cli::command()),
        }
    }
}

/// The command of a plan, run as this one is.
fn of_saved_plan(global: &Global, saved: SavedPlan) -> Result<Cli> {
    if global.config.is_some() {
        return Err(Error::usage("cannot take a cluster file for a saved plan")
            .because("the plan says which cluster file it is of")
            .hint("leave --config away"));
    }
    let refused = || Error::refused("cannot apply this plan");
    let arguments = ["irsactl"].iter().map(ToString::to_string);
    // Only a command that changes something can be told to do it without asking.
    let consent = match saved.arguments.first().map(String::as_str) {
        Some("destroy") => None,
        _ => Some("--yes".to_owned()),
    };
    let arguments = arguments
        .chain(saved.arguments.iter().cloned())
        .chain(consent);
    let parsed = parse::<Cli>(arguments.map(Into::into).collect());
    let (cli, layers) = parsed.map_err(|unparsed| match unparsed {
        Unparsed::File(error) => error.with_exit(Exit::Refused),
        Unparsed::CommandLine(cause) => refused()
            .because(cause.to_string().lines().next().unwrap_or_default())
            .hint("plan again with this version"),
    })?;
    saved_plan::refuse_programs(&layers)?;
    let written = saved.arguments.iter().map(String::as_str);
    if !layers
        .arguments(&saved_plan::RUN_OPTIONS)
        .into_iter()
        .eq(written)
    {
        return Err(refused().because("its arguments are not written as they are saved"));
    }
    let own = |id| global.layers.origin(id) == Origin::Flag;
    let mut layers = layers;
    for id in ["region", "dir"] {
        if own(id) {
            // The command that comes next needs it too.
            layers.take_for_flag(id);
        }
    }
    let planned = cli.global;
    Ok(Cli {
        command: cli.command,
        global: Global {
            config: planned.config,
            region: if own("region") {
                global.region.clone()
            } else {
                planned.region
            },
            dir: if own("dir") {
                global.dir.clone()
            } else {
                planned.dir
            },
            layers,
            saved: Some(saved),
            ..global.clone()
        },
    })
}
