//! `config`: the effective configuration, and the schema of the cluster file.

use clap::{Args, Subcommand};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::config::key_store::KeyStoreOptions;
use crate::config::names::Names;
use crate::config::parse::Origin;
use crate::config::{Global, file, resolve, role};
use crate::error::{Exit, Result};
use crate::iam::arn::AccountId;
use crate::output::{self, Answer};
use crate::plan::document::json_text;

/// Subcommands of `config`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl config print --config irsactl.yaml --region us-west-2")]
pub struct Config {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print each value and where it comes from
    Print(Print),
    /// Print the JSON Schema of the cluster file
    Schema(Schema),
}

/// Options of `config print`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl config print --config irsactl.yaml
  irsactl config print --config irsactl.yaml --region eu-central-1 --account-id 111122223333

Makes no call; names that need the account are shown when --account-id or spec.accountId gives it.")]
struct Print {
    #[command(flatten)]
    names: Names,
    #[command(flatten)]
    key_store: KeyStoreOptions,
    /// An audience of the provider [default: sts.amazonaws.com]
    #[arg(long, value_name = "AUDIENCE")]
    audience: Vec<String>,
    /// A tag for what is made
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    tags: Vec<String>,
}

/// Options of `config schema`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl config schema > irsactl.schema.json")]
struct Schema {}

#[derive(Serialize, JsonSchema)]
struct Entry {
    name: &'static str,
    value: String,
    origin: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct PrintAnswer(Vec<Entry>);

impl Answer for PrintAnswer {
    fn text(&self) -> String {
        let width = |text: fn(&Entry) -> &str| {
            let lengths = self.0.iter().map(|entry| text(entry).chars().count());
            lengths.max().unwrap_or_default()
        };
        let (names, values) = (width(|entry| entry.name), width(|entry| &entry.value));
        let line = |entry: &Entry| {
            let value = output::sanitized(&entry.value);
            format!("{:names$}  {value:values$}  {}\n", entry.name, entry.origin)
        };
        self.0.iter().map(line).collect()
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct SchemaAnswer(Value);

impl Answer for SchemaAnswer {
    fn is_document(&self) -> bool {
        true
    }

    fn text(&self) -> String {
        json_text(self)
    }
}

impl Config {
    pub(crate) async fn run(self, global: &Global) -> Result<Exit> {
        match self.command {
            ConfigCommand::Print(print) => print.run(global).await,
            ConfigCommand::Schema(Schema {}) => {
                output::print(&SchemaAnswer(file::schema()), global.output)?;
                Ok(Exit::Done)
            }
        }
    }
}

impl Print {
    async fn run(self, global: &Global) -> Result<Exit> {
        let (region, region_origin) = resolve::region_and_origin(global).await?;
        let names = &self.names;
        let given = |name, id: &str, value: Option<String>| {
            value.map(|value| Entry {
                name,
                value,
                origin: global.layers.origin(id).to_string(),
            })
        };
        let account = names.account_id.as_ref().map(AccountId::to_string);
        let region_entry = Entry {
            name: "region",
            value: region.clone(),
            origin: region_origin.to_string(),
        };
        let mut entries = vec![region_entry];
        entries.extend(given("cluster", "cluster", names.cluster.clone()));
        entries.extend(given("account", "account_id", account));
        entries.extend(given("bucket", "bucket", names.bucket.clone()));
        entries.extend(given("prefix", "prefix", names.prefix.clone()));
        entries.extend(self.derived(&region)?);
        entries.push(match self.audience.as_slice() {
            [] => Entry {
                name: "audiences",
                value: "sts.amazonaws.com".to_owned(),
                origin: Origin::Default.to_string(),
            },
            audiences => Entry {
                name: "audiences",
                value: audiences.join(", "),
                origin: global.layers.origin("audience").to_string(),
            },
        });
        let tags = (!self.tags.is_empty()).then(|| self.tags.join(", "));
        entries.extend(given("tags", "tags", tags));
        entries.extend(given("directory", "dir", Some(output::path(&global.dir))));
        let store = self
            .key_store
            .key_store()
            .map(|store| store.flag().to_owned());
        entries.extend(given("key store", "key_store", store));
        let roles = role::of_file(global, names.cluster.as_deref())?;
        entries.extend(roles.iter().enumerate().map(|(index, role)| Entry {
            name: "role",
            value: role.name().to_owned(),
            origin: format!("file spec.roles[{index}]"),
        }));
        output::print(&PrintAnswer(entries), global.output)?;
        Ok(Exit::Done)
    }

    /// What follows from the names, where they suffice.
    fn derived(&self, region: &str) -> Result<Vec<Entry>> {
        let names = &self.names;
        let nameless = names.bucket.is_none() && names.cluster.is_none();
        if nameless || (names.bucket.is_none() && names.account_id.is_none()) {
            return Ok(Vec::new());
        }
        names.check(region)?;
        let place = names.place(region, names.account_id.as_ref())?;
        let entry = |name, value| Entry {
            name,
            value,
            origin: "derived".to_owned(),
        };
        let bucket = names
            .bucket
            .is_none()
            .then(|| entry("bucket", place.bucket.to_string()));
        Ok(bucket
            .into_iter()
            .chain([entry("issuer", place.issuer.to_string())])
            .collect())
    }
}
