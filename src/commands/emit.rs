//! `emit`: the issuer in the language of another tool, which then keeps it. No change is made.

use clap::{Args, Subcommand};
use schemars::JsonSchema;
use serde::Serialize;

use crate::config::change::ChangeOptions;
use crate::config::issuer::{ClusterIssuer, IssuerOptions};
use crate::config::{Global, resolve, role};
use crate::converge::carry_out;
use crate::converge::session::Session;
use crate::converge::stop::Stop;
use crate::error::{Error, Exit, Result};
use crate::keys::store::Store;
use crate::keys::{self, public};
use crate::oidc::issuer::Issuer;
use crate::oidc::key::PublicKey;
use crate::output::terraform::{self, Resource};
use crate::output::{self, Answer};
use crate::plan::tags::tag;

/// Subcommands of `emit`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl emit terraform --cluster demo --region us-west-2 > issuer.tf")]
pub struct Emit {
    #[command(subcommand)]
    command: EmitCommand,
}

#[derive(Debug, Subcommand)]
enum EmitCommand {
    /// Print the issuer as Terraform resources, with import blocks for what is there
    Terraform(Terraform),
}

/// Options of `emit terraform`.
#[derive(Args, Debug)]
#[command(mut_arg("cluster", |arg| arg.required(true)))]
#[command(after_help = "\
Examples:
  irsactl emit terraform --cluster demo --region us-west-2 > issuer.tf
  irsactl emit terraform --config irsactl.yaml --offline --account-id 111122223333

Writes down what 'irsactl bootstrap' with the same options comes to, the roles of a cluster file (--config) included; \
public material only. With AWS at hand, what others added is kept, and what is there is imported; offline, \
nothing is: it is for an issuer that is not there yet. Needs Terraform 1.5 and its AWS provider 6.37.")]
struct Terraform {
    #[command(flatten)]
    issuer: IssuerOptions,
    /// A tag for all that takes one; repeat it for several
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    tags: Vec<(String, String)>,
    /// Take over what is there and not tagged as ours
    #[arg(long)]
    adopt: bool,
    /// Make no call at all; write as if nothing existed
    #[arg(long)]
    offline: bool,
    /// Write no import blocks: Terraform is to make everything
    #[arg(long)]
    no_import: bool,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct TerraformAnswer {
    issuer: Issuer,
    resources: Vec<Resource>,
    /// The file.
    text: String,
}

impl Answer for TerraformAnswer {
    fn text(&self) -> String {
        self.text.clone()
    }

    fn markdown(&self) -> String {
        format!("```hcl\n{}```\n", self.text)
    }
}

impl Emit {
    pub(crate) async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        match self.command {
            EmitCommand::Terraform(terraform) => terraform.run(global, stop).await,
        }
    }
}

impl Terraform {
    async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        let change = ChangeOptions::of_look(self.offline, self.tags.clone(), self.adopt);
        change.check()?;
        let cluster = self.issuer.names.cluster.as_deref();
        let roles = role::of_file(global, cluster)?;
        let region = resolve::region(global).await?;
        self.issuer.names.check(&region)?;
        let adopted = public::adopted(&self.issuer.adopt)?;
        let account = self.issuer.names.account_id.as_ref();
        let session = Session::open(global, stop, &region, account, self.offline).await?;
        let keys = match adopted {
            Some(keys) => keys,
            None => vec![self.public_key(global, &session).await?],
        };
        let whole = ClusterIssuer {
            options: &self.issuer,
            keys: public::jwk_set(&keys)?,
            roles: &roles,
            change: &change,
        };
        let (desired, planned) = carry_out::plan_issuer(whole, &session, &region).await?;
        for note in &planned.plan.notes {
            output::say(format_args!("note: {}", output::sanitized(note)));
        }
        let state = planned.observed.clone().after(&planned.plan.changes);
        // What an empty account would get must not be put over what is there.
        let imports = (!self.no_import && !self.offline).then_some(&planned.observed);
        let resources = terraform::resources(&desired, &state, imports)?;
        let issuer = desired.issuer;
        let cluster = cluster.unwrap_or_default();
        let mut heading = heading(&issuer, cluster, session.account.as_str(), &region);
        if !planned.plan.becomes_public.is_empty() {
            heading += "#\n# Everybody will be able to read:\n";
        }
        for object in &planned.plan.becomes_public {
            heading += &format!("#   {}\n", output::sanitized(object));
        }
        let answer = TerraformAnswer {
            text: terraform::text(&heading, &resources),
            issuer,
            resources,
        };
        output::print(&answer, global.output)?;
        Ok(Exit::Done)
    }
}

impl Terraform {
    async fn public_key(&self, global: &Global, session: &Session<'_>) -> Result<PublicKey> {
        if let (Some(store), true) = (self.issuer.key_store.key_store(), self.offline) {
            return Err(Error::usage("cannot write this offline")
                .because(format!("the signing key is in {}", store.title()))
                .hint("leave --offline away, or give the public key with --adopt-key"));
        }
        let cluster = self.issuer.names.cluster.as_deref();
        let store = Store::open(&self.issuer.key_store, cluster, session.aws(), false).await?;
        keys::public(&global.dir, store.as_ref())
    }
}

/// What the reader must know, as comments.
fn heading(issuer: &Issuer, cluster: &str, account: &str, region: &str) -> String {
    format!(
        "\
# Issuer {issuer}
# of cluster {cluster}, as 'irsactl bootstrap' makes it. For a root module, with a provider of its account and region:
#
#   provider \"aws\" {{
#     region              = \"{region}\"
#     allowed_account_ids = [\"{account}\"]
#   }}
#
# Either Terraform changes these resources or irsactl does. What irsactl changed all the same, such as a key that was
# rotated, is known here when this file is written anew.
"
    )
}
