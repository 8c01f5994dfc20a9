//! `policy`: the least-privilege IAM policy that a command needs.

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::aws::partition;
use crate::aws::s3_url::{self, Home};
use crate::config::key_store::{KeyStoreOptions, nameless};
use crate::config::names::IssuerNames;
use crate::config::{Global, resolve, role};
use crate::error::{Error, Exit, Result};
use crate::iam::arn::{AccountId, Partition};
use crate::iam::permissions::{self, BucketScope, BucketUse, KeyScope, Scope};
use crate::oidc::issuer::Issuer;
use crate::output::{self, Answer};
use crate::plan::document::{json_text, object_keys};

/// Options of `policy`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl policy bootstrap --cluster demo --region us-west-2 --account-id 111122223333
  irsactl policy publish --bucket my-issuer --region us-west-2 --account-id 111122223333 --dry-run
  irsactl policy verify --cluster demo --region us-west-2 --account-id 111122223333
  irsactl policy keygen --cluster demo --region us-west-2 --account-id 111122223333 --key-store ssm")]
pub struct Policy {
    /// The command that is to be run
    #[arg(value_enum, default_value = "bootstrap", value_name = "COMMAND")]
    command: Command,
    #[command(flatten)]
    issuer: IssuerNames,
    #[command(flatten)]
    key_store: KeyStoreOptions,
    /// The role's name, for 'policy role'
    #[arg(long, value_name = "NAME")]
    role_name: Option<String>,
    /// For a dry run: reading only
    #[arg(short = 'n', long)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Command {
    Keygen,
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
    pub(crate) async fn run(self, global: &Global) -> Result<Exit> {
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
        let mut prefix = names.prefix.clone();
        let (issuer, bucket) = match custom {
            Some(issuer) => {
                // 'provider' lets AWS trust nobody's bucket but ours, and reads what is in it.
                match s3_url::bucket_of_url(&issuer.discovery_url(), &region) {
                    Home::Bucket(bucket) if self.command == Command::Provider => {
                        prefix = prefix_in(&issuer, &region);
                        (issuer, Some(bucket))
                    }
                    _ => (issuer, None),
                }
            }
            None => {
                let place = names.place(&region, Some(&account))?;
                (place.issuer, Some(place.bucket))
            }
        };
        let roles = self.roles(global)?;
        let keys = object_keys(prefix.as_deref());
        let purpose = match self.command {
            Command::Role | Command::Keygen => None,
            Command::Destroy => Some(BucketUse::Empty),
            Command::Provider => Some(BucketUse::Look),
            Command::Bootstrap | Command::Publish | Command::Verify => Some(BucketUse::Publish),
        };
        let bucket = bucket.as_ref().zip(purpose);
        let bucket = bucket.map(|(bucket, purpose)| BucketScope {
            bucket: bucket.as_str(),
            keys: [&keys[0], &keys[1]],
            purpose,
        });
        let document = permissions::document(&Scope {
            partition: &partition,
            account: &account,
            bucket,
            roles: &roles,
            provider: (!matches!(self.command, Command::Publish | Command::Keygen))
                .then(|| issuer.host_path()),
            provider_is_given: self.command == Command::Role,
            keys: self.keys(&partition, &region, &account)?,
            surveys: self.command == Command::Verify,
            changes: !self.dry_run && self.command != Command::Verify,
        });
        output::print(&PolicyAnswer(document), global.output)?;
        Ok(Exit::Done)
    }

    /// What the command does with the key store.
    fn keys(
        &self,
        partition: &Partition,
        region: &str,
        account: &AccountId,
    ) -> Result<Option<KeyScope>> {
        let cluster = self.issuer.names.cluster.as_deref();
        let (store, cluster) = match (self.key_store.key_store(), cluster) {
            (None, _) if self.command == Command::Keygen => {
                return Err(
                    Error::usage("cannot print a policy for keygen: it makes no call")
                        .hint("give --key-store secretsmanager or ssm, where it does"),
                );
            }
            (None, _) => return Ok(None),
            (Some(_), _) if matches!(self.command, Command::Provider | Command::Role) => {
                return Ok(None);
            }
            (Some(store), Some(cluster)) => (store, cluster),
            (Some(store), None) => return Err(nameless(store)),
        };
        Ok(Some(KeyScope {
            store,
            arns: store.key_arns(partition, region, account, cluster),
            puts: matches!(self.command, Command::Bootstrap | Command::Keygen),
        }))
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

/// Where an issuer's objects are below its bucket, be that in the host or in the path of its URL.
fn prefix_in(issuer: &Issuer, region: &str) -> Option<String> {
    let url = Url::parse(&issuer.discovery_url()).ok()?;
    let (_, key) = s3_url::object_of_url(&url, region)?;
    let prefix = key.strip_suffix("/.well-known/openid-configuration")?;
    Some(prefix.to_owned())
}
