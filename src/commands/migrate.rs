//! `migrate`: the staged change of issuer on a cluster that runs. It prints, and the people who own the
//! cluster roll out; a stage is left when the API server shows that it took effect.

use clap::{Args, Subcommand};

use crate::cluster::form::FormOptions;
use crate::cluster::format::SettingsFormat;
use crate::cluster::migration::{Stage, WAIT};
use crate::cluster::settings::{ApiServerSettings, NodeKey};
use crate::commands::migrate::evidence::Evidence;
use crate::commands::migrate::stage::StageAnswer;
use crate::commands::migrate::state::{Change, Migration, NewKey, command};
use crate::config::names::IssuerNames;
use crate::config::nodes::NodeOptions;
use crate::config::{Global, resolve};
use crate::error::{Error, Exit, Result};
use crate::inspect::cluster::ClusterOptions;
use crate::keys::pair::KeyPair;
use crate::keys::surroundings;
use crate::output::{self, report};
use crate::system::clock::now;
use crate::verify::report::Report;
use crate::verify::token::time_text;

pub(crate) mod evidence;
pub(crate) mod stage;
pub(crate) mod state;

/// Subcommands of `migrate`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl migrate status")]
pub struct MigrateArgs {
    #[command(subcommand)]
    command: MigrateCommand,
}

#[derive(Debug, Subcommand)]
enum MigrateCommand {
    /// Begin a migration, and print the settings of its first stage
    Start(Box<Start>),
    /// Print the stage that it is in
    Status(Status),
    /// Go on to the next stage, once the API server shows that this one took effect
    Next(Next),
    /// Go back to the stage before
    Back(Back),
}

/// Options of `migrate start`.
#[derive(Args, Debug)]
#[command(mut_arg("existing_issuer", |arg| arg.required(true).help(
    "The issuer that the cluster has now, and behind it others that it accepts; repeat it"
)))]
#[command(after_help = "\
Examples:
  irsactl migrate start --cluster demo --region us-west-2 --format kubeadm \\
    --existing-issuer https://kubernetes.default.svc.cluster.local

The stages: add (every API server accepts the new issuer), swap (it signs), wait (a day, in which \
the tokens of pods are renewed), and drop, which is optional: accepting the old issuer costs \
nothing. The state is DIR/migration.json, without secrets. Nothing is changed in the cluster.")]
struct Start {
    #[command(flatten)]
    issuer: IssuerNames,
    #[command(flatten)]
    form: FormOptions,
    /// The cluster keeps its signing key, which is published with --adopt-key
    #[arg(long, conflicts_with_all = ["existing_public_key", "node_dir"])]
    keep_key: bool,
    /// Leave out the stage add: there is one control-plane node
    #[arg(long)]
    single_node: bool,
    #[command(flatten)]
    node: NodeOptions,
}

/// Options of `migrate status`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl migrate status
  irsactl migrate status -o json")]
struct Status {}

/// Options of `migrate next`.
#[derive(Args, Debug)]
#[command(mut_arg("token", |arg| arg.help("A fresh token: kubectl create token default; - for standard input")))]
#[command(after_help = "\
Examples:
  kubectl get --raw /openid/v1/jwks | irsactl migrate next --cluster-jwks -
  irsactl migrate next --kubeconfig admin.conf

Ends with 3, and stays in its stage, when what is seen speaks against going on, and with 4 when \
nothing shows that the stage took effect. Each API server answers for itself: with several, ask each.")]
struct Next {
    /// Go on without seeing it: you have looked at every API server, or waited
    #[arg(long)]
    assume_done: bool,
    /// From wait to drop: the tokens of the existing issuer are refused then
    #[arg(long)]
    drop: bool,
    #[command(flatten)]
    cluster: ClusterOptions,
}

/// Options of `migrate back`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl migrate back")]
struct Back {}

impl MigrateArgs {
    pub(crate) async fn run(self, global: &Global) -> Result<Exit> {
        match self.command {
            MigrateCommand::Start(start) => start.run(global).await,
            MigrateCommand::Status(_) => {
                show(global, &Migration::read_existing(&global.dir)?, None)
            }
            MigrateCommand::Next(next) => next.run(global).await,
            MigrateCommand::Back(_) => back(global),
        }
    }
}

impl Start {
    async fn run(self, global: &Global) -> Result<Exit> {
        self.form.check(false)?;
        let change = self.change(global).await?;
        if let Some(running) = Migration::read(&global.dir)? {
            if running.what == change {
                return show(global, &running, None);
            }
            let what = format!("cannot begin a migration to {}", change.issuer);
            let at = state::path(&global.dir);
            let error = Error::refused(what).because(if running.what.issuer == change.issuer {
                format!("{} has begun it with other options", at.display())
            } else {
                format!("{} is one to {}", at.display(), running.what.issuer)
            });
            return Err(error.hint(format!(
                "'{}' shows it; when it is over: {}",
                command(&global.dir, "status"),
                state::remove(&global.dir)
            )));
        }
        let openshift = self.form.format == SettingsFormat::OpenShift;
        let first = if self.single_node || openshift {
            Stage::Swap
        } else {
            Stage::Add
        };
        self.node.warn_of_audiences();
        let files = change.key.as_ref();
        let files =
            files.map(|key| output::sanitized(&self.form.format.files_first(&key.node_dir)));
        enter(global, Migration::at(change, first, now()?), None, files)
    }

    async fn change(&self, global: &Global) -> Result<Change> {
        let issuer = resolve::issuer(global, &self.issuer).await?;
        let mut settings = self.node.settings(&issuer, self.keep_key);
        if !settings.has_other_issuer() {
            return Err(
                Error::usage(format!("cannot migrate from {issuer} to itself"))
                    .hint("name the issuer that the cluster has now with --existing-issuer"),
            );
        }
        self.form.keep_old_key(&mut settings);
        let cluster = self.issuer.names.cluster.clone();
        if !self.keep_key {
            self.check_new_key(global, &settings)?;
        }
        let key = if self.keep_key {
            None
        } else {
            Some(NewKey {
                kid: KeyPair::of_public(KeyPair::load_public(&global.dir)?).kid()?,
                node_dir: self.node.node_dir.clone(),
            })
        };
        Ok(Change {
            issuer,
            existing_issuers: settings.existing_issuers,
            existing_public_keys: settings.existing_public_keys,
            api_audiences: settings.api_audiences,
            key,
            cluster,
            form: self.form.clone(),
        })
    }

    /// Refuses a new key that the form has no place for, or that would take the place of the old one.
    fn check_new_key(&self, global: &Global, settings: &ApiServerSettings) -> Result<()> {
        let format = self.form.format;
        if !format.has_node_files() {
            // What has no place for a second issuer says so first.
            let kept = ApiServerSettings {
                key: NodeKey::Kept,
                ..settings.clone()
            };
            let cluster = self.issuer.names.cluster.as_deref();
            let around = surroundings::read(&self.form, &kept, cluster, &global.dir, false)?;
            self.form.render(&kept, &around)?;
            let what = format!("cannot bring a new signing key into {}", format.name());
            return Err(Error::refused(what)
                .because("its control-plane nodes take no key file beside their own")
                .hint("publish the cluster's own key (irsactl bootstrap --adopt-key), and migrate with --keep-key"));
        }
        if format == SettingsFormat::Flags && settings.existing_public_keys.is_empty() {
            return Err(Error::usage("cannot tell which key the cluster has now")
                .because("the flags take the place of its --service-account-key-file")
                .hint("name that file with --existing-public-key, or leave the key alone with --keep-key"));
        }
        Ok(())
    }
}

impl Next {
    async fn run(self, global: &Global) -> Result<Exit> {
        self.cluster.check()?;
        let migration = Migration::read_existing(&global.dir)?;
        let stage = migration.stage;
        let cannot = || Error::refused(format!("cannot go on from the stage {}", stage.name()));
        let Some(next) = stage.next() else {
            return Err(cannot()
                .because("it is the last one")
                .hint(format!("when all is well: {}", state::remove(&global.dir))));
        };
        if self.drop && next != Stage::Drop {
            return Err(
                Error::usage(format!("cannot use --drop in the stage {}", stage.name()))
                    .because("it is for the stage wait"),
            );
        }
        let evidence = Evidence::of(&migration, &self.cluster).await?;
        evidence.check(stage)?;
        let now = now()?;
        let until = migration.since.0.saturating_add(WAIT);
        if stage == Stage::Wait && !self.drop {
            return Err(cannot()
                .because("the migration is complete: the next stage is optional, and refuses every token of the existing issuer")
                .hint(format!("to do it all the same: {}", command(&global.dir, "next --drop"))));
        }
        if stage == Stage::Wait && now < until && !self.assume_done {
            return Err(cannot()
                .because(format!(
                    "pods may hold tokens of the existing issuer until {}",
                    time_text(until)
                ))
                .hint(
                    "wait; --assume-done if the new issuer signs since longer than this file knows",
                ));
        }
        if !evidence.is_seen && !self.assume_done {
            let error = cannot().because("nothing shows that it took effect on the API servers");
            let status = command(&global.dir, "status");
            return Err(error.hint(format!("'{status}' says how to see it; --assume-done if you have looked at every API server")));
        }
        if next == Stage::Drop {
            output::say(
                "warning: once this is rolled out, every token of the existing issuer is answered with 401: also those of \
                 pods that never read their token again, which are good for up to a year",
            );
        }
        let seen = report::text(&evidence.report);
        if !seen.is_empty() {
            output::say(seen.trim_end());
        }
        let migration = Migration::at(migration.what, next, now);
        enter(global, migration, Some(evidence.report), None)
    }
}

fn back(global: &Global) -> Result<Exit> {
    let migration = Migration::read_existing(&global.dir)?;
    let Some(before) = migration.stage.back() else {
        return Err(Error::refused("cannot go back from the stage add")
            .because("it is the first one")
            .hint(format!(
                "put back the settings that the cluster had before, and: {}",
                state::remove(&global.dir)
            )));
    };
    enter(
        global,
        Migration::at(migration.what, before, now()?),
        None,
        None,
    )
}

/// Enters a stage: what cannot be rendered is not entered.
fn enter(
    global: &Global,
    migration: Migration,
    checks: Option<Report>,
    note: Option<String>,
) -> Result<Exit> {
    let answer = StageAnswer::of(&migration, &global.dir, checks)?;
    migration.write(&global.dir)?;
    if let Some(note) = note {
        output::say(note);
    }
    output::print(&answer, global.output)?;
    Ok(Exit::Done)
}

fn show(global: &Global, migration: &Migration, checks: Option<Report>) -> Result<Exit> {
    output::print(
        &StageAnswer::of(migration, &global.dir, checks)?,
        global.output,
    )?;
    Ok(Exit::Done)
}
