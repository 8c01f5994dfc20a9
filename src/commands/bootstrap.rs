//! `bootstrap`: all steps in order, then everything read back.

use clap::Args;
use serde::Serialize;

use crate::cluster::flags;
use crate::cluster::settings::Flag;
use crate::config::{Global, Names};
use crate::error::{Exit, Result};
use crate::oidc::issuer::Issuer;
use crate::oidc::key::Kid;
use crate::output::{self, Answer};
use crate::plan::desired::Desired;

use super::change_options::ChangeOptions;
use super::converge::Session;
use super::deadline::Deadline;
use super::flags::NodeOptions;
use super::provider::ProviderOptions;
use super::{dry_run, keygen, publish};

/// Options of `bootstrap`.
#[derive(Args, Debug)]
#[command(mut_arg("cluster", |arg| arg.required(true)))]
#[command(after_help = "\
Examples:
  irsactl bootstrap --cluster demo --region us-west-2 --dry-run
  irsactl bootstrap --cluster demo --region us-west-2 --dry-run --offline --account-id 111122223333
  irsactl bootstrap --cluster demo --region us-west-2 --yes

Makes a signing key when there is none (a dry run needs one: irsactl keygen), shows the plan, asks,
makes the changes, and reads everything back. Running it again finds nothing to do.")]
pub struct Bootstrap {
    #[command(flatten)]
    names: Names,
    #[command(flatten)]
    provider: ProviderOptions,
    #[command(flatten)]
    node: NodeOptions,
    #[command(flatten)]
    change: ChangeOptions,
}

#[derive(Serialize)]
struct BootstrapAnswer {
    issuer: Issuer,
    provider_arn: String,
    kid: Kid,
    thumbprints: Vec<String>,
    flags: Vec<Flag>,
    changes: usize,
    #[serde(skip)]
    flags_text: String,
}

impl Answer for BootstrapAnswer {
    fn text(&self) -> String {
        let Self {
            issuer,
            provider_arn,
            kid,
            flags_text,
            ..
        } = self;
        let thumbprints = output::sanitized(&self.thumbprints.join(", "));
        format!(
            "issuer      {issuer}\nprovider    {provider_arn}\nkid         {kid}\nthumbprint  {thumbprints}\n\
             \nkube-apiserver flags:\n{flags_text}"
        )
    }
}

impl Bootstrap {
    pub(super) async fn run(self, global: &Global, deadline: &Deadline) -> Result<Exit> {
        let region = global.region().await?;
        let change = &self.change;
        // Everything that can be refused without the key is, before a key is made.
        let existing_key =
            match change.dry_run || crate::file::exists(&keygen::signing_key_file(&global.dir))? {
                true => Some(keygen::load(&global.dir)?),
                false => None,
            };
        let session = Session::open(
            global,
            deadline,
            &region,
            self.names.account_id.as_ref(),
            change.offline,
        )
        .await?;
        let place = self.names.place(&region, Some(&session.account))?;
        let issuer = place.issuer.clone();
        let thumbprint = self.provider.thumbprint(&issuer, change.offline).await?;
        let public_key = match existing_key {
            Some(public_key) => public_key,
            None => self.new_key(global)?,
        };
        let tags = change.tags(self.names.cluster.as_deref());
        let provider =
            self.provider
                .desired(&issuer, &session, &region, thumbprint, tags.clone())?;
        let provider_arn = provider.arn.clone();
        let desired = Desired {
            issuer: issuer.clone(),
            publication: Some(publish::publication(&place, &session, &public_key, tags)?),
            provider: Some(provider),
            adopt: change.adopt,
        };
        let settings = self.node.settings(&issuer);
        let flags_text = flags::render(&settings);
        let planned = session.plan(&desired).await?;
        if change.dry_run {
            return dry_run::run(
                global,
                &session,
                &desired,
                &planned,
                change,
                Some(&flags_text),
            );
        }
        let outcome = session.carry_out(&desired, planned, change).await?;
        let answer = BootstrapAnswer {
            issuer,
            provider_arn,
            kid: keygen::kid(&public_key)?,
            thumbprints: outcome.thumbprints(),
            flags: settings.flags(),
            changes: outcome.changes,
            flags_text,
        };
        output::print(&answer, global.output)?;
        Ok(Exit::Done)
    }

    fn new_key(&self, global: &Global) -> Result<crate::oidc::key::PublicKey> {
        let (public_key, _) = keygen::ensure(&global.dir, 2048)?;
        let path = keygen::signing_key_file(&global.dir);
        output::say(format_args!("new signing key: {}", path.display()));
        Ok(public_key)
    }
}
