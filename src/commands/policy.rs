//! `policy`: the least-privilege IAM policy that a command needs.

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;

use crate::aws::partition;
use crate::config::{Global, IssuerNames};
use crate::error::{Error, Exit, Result};
use crate::iam::permissions::{self, BucketScope, Scope};
use crate::output::{self, Answer};
use crate::plan::document::{json_text, object_keys};

use super::{resolve, role};

/// Options of `policy`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl policy bootstrap --cluster demo --region us-west-2 --account-id 111122223333
  irsactl policy publish --bucket my-issuer --region us-west-2 --account-id 111122223333 --dry-run
  irsactl policy verify --cluster demo --region us-west-2 --account-id 111122223333")]
pub struct Policy {
    /// The command that is to be run
    #[arg(value_enum, default_value = "bootstrap", value_name = "COMMAND")]
    command: Command,
    #[command(flatten)]
    issuer: IssuerNames,
    /// The role's name, for 'policy role'
    #[arg(long, value_name = "NAME")]
    role_name: Option<String>,
    /// For a dry run: reading only
    #[arg(short = 'n', long)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Command {
    Bootstrap,
    Publish,
    Provider,
    Role,
    Verify,
    Destroy,
}

#[derive(Serialize)]
#[serde(transparent)]
struct PolicyAnswer(Value);

impl Answer for PolicyAnswer {
    fn is_document(&self) -> bool {
        true
    }

    fn text(&self) -> String {
        json_text(self)
    }
}

impl Policy {
    pub(super) async fn run(self, global: &Global) -> Result<Exit> {
        let region = resolve::region(global).await?;
        let names = &self.issuer.names;
        let custom = self.issuer.custom(&region)?;
        if custom.is_some()
            && matches!(
                self.command,
                Command::Bootstrap | Command::Publish | Command::Destroy
            )
        {
            return Err(
                Error::usage("cannot publish under an issuer that is not a bucket's").hint(
                    "--issuer goes with 'irsactl policy provider'; else give --bucket or --cluster",
                ),
            );
        }
        let account = resolve::account(global, names, &region).await?;
        let partition = partition::of_region(&region)?;
        let (issuer, bucket) = match custom {
            Some(issuer) => (issuer, None),
            None => {
                let place = names.place(&region, Some(&account))?;
                (place.issuer, Some(place.bucket))
            }
        };
        let roles = self.roles(global)?;
        let keys = object_keys(names.prefix.as_deref());
        let bucket = bucket.as_ref().and_then(|bucket| match self.command {
            Command::Role => None,
            Command::Destroy => Some(BucketScope::Empty {
                bucket: bucket.as_str(),
                keys: [&keys[0], &keys[1]],
            }),
            Command::Provider => Some(BucketScope::Look {
                bucket: bucket.as_str(),
            }),
            Command::Bootstrap | Command::Publish | Command::Verify => Some(BucketScope::Publish {
                bucket: bucket.as_str(),
                keys: [&keys[0], &keys[1]],
            }),
        });
        let document = permissions::document(&Scope {
            partition: &partition,
            account: &account,
            bucket,
            roles: &roles,
            provider: (self.command != Command::Publish).then(|| issuer.host_path()),
            provider_is_given: self.command == Command::Role,
            surveys: self.command == Command::Verify,
            changes: !self.dry_run && self.command != Command::Verify,
        });
        output::print(&PolicyAnswer(document), global.output)?;
        Ok(Exit::Done)
    }

    /// The roles that the command makes: the one that is named, or those of the cluster file.
    fn roles(&self, global: &Global) -> Result<Vec<String>> {
        if !matches!(self.command, Command::Role | Command::Bootstrap) {
            return Ok(Vec::new());
        }
        let of_file = role::of_file(global, self.issuer.names.cluster.as_deref())?;
        let of_file = of_file.iter().map(|role| role.name().to_owned()).collect();
        match (&self.role_name, self.command) {
            (Some(name), _) => Ok(vec![name.clone()]),
            (None, Command::Role) if Vec::is_empty(&of_file) => {
                Err(Error::usage("cannot tell which role is meant")
                    .hint("give --role-name, or a cluster file with spec.roles as --config"))
            }
            (None, _) => Ok(of_file),
        }
    }
}
