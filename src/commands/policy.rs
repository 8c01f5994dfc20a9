//! `policy`: the least-privilege IAM policy that a command needs.

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;

use crate::aws::partition;
use crate::config::{self, Global, IssuerNames};
use crate::error::{Error, Exit, Result};
use crate::iam::permissions::{self, BucketScope, Scope};
use crate::output::{self, Answer};
use crate::plan::document::{json_text, object_keys};

use super::resolve;

/// Options of `policy`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl policy bootstrap --cluster demo --region us-west-2 --account-id 111122223333
  irsactl policy publish --bucket my-issuer --region us-west-2 --account-id 111122223333 --dry-run")]
pub struct Policy {
    /// The command that is to be run
    #[arg(value_enum, default_value = "bootstrap", value_name = "COMMAND")]
    command: Changing,
    #[command(flatten)]
    issuer: IssuerNames,
    /// For a dry run: reading only
    #[arg(short = 'n', long)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Changing {
    Bootstrap,
    Publish,
    Provider,
}

#[derive(Serialize)]
#[serde(transparent)]
struct PolicyAnswer(Value);

impl Answer for PolicyAnswer {
    fn text(&self) -> String {
        json_text(self)
    }
}

impl Policy {
    pub(super) async fn run(self, global: &Global) -> Result<Exit> {
        let region = resolve::region(global).await?;
        let names = &self.issuer.names;
        let custom = self
            .issuer
            .issuer
            .as_deref()
            .map(config::parse_issuer)
            .transpose()?;
        match (&custom, self.command) {
            (Some(_), Changing::Provider) => {}
            (None, _) => names.check(&region)?,
            (Some(_), _) => {
                return Err(Error::usage("cannot publish under an issuer that is not a bucket's")
                    .hint("--issuer goes with 'irsactl policy provider'; else give --bucket or --cluster"));
            }
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
        let keys = object_keys(names.prefix.as_deref());
        let bucket = bucket.as_ref().map(|bucket| match self.command {
            Changing::Provider => BucketScope::Look {
                bucket: bucket.as_str(),
            },
            _ => BucketScope::Publish {
                bucket: bucket.as_str(),
                keys: [&keys[0], &keys[1]],
            },
        });
        let document = permissions::document(&Scope {
            partition: &partition,
            account: &account,
            bucket,
            provider: (self.command != Changing::Publish).then(|| issuer.host_path()),
            changes: !self.dry_run,
        });
        output::print(&PolicyAnswer(document), global.output)?;
        Ok(Exit::Done)
    }
}
