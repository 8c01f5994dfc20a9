//! `bootstrap`: all steps in order, then everything read back.

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cluster::distributions::flags;
use crate::cluster::settings::Flag;
use crate::config::change::ChangeOptions;
use crate::config::issuer::{ClusterIssuer, IssuerOptions};
use crate::config::nodes::NodeOptions;
use crate::config::{Global, resolve, role};
use crate::converge::session::Session;
use crate::converge::stop::Stop;
use crate::converge::{carry_out, dry_run};
use crate::error::{Exit, Result};
use crate::keys::pair::KeyPair;
use crate::keys::source::Source;
use crate::keys::store::Store;
use crate::keys::{self, public};
use crate::oidc::issuer::Issuer;
use crate::oidc::key::Kid;
use crate::output::markdown::{cell, chain};
use crate::output::{self, Answer};

/// Options of `bootstrap`.
#[derive(Args, Debug)]
#[command(mut_arg("cluster", |arg| arg.required(true)))]
#[command(mut_arg("adopt_key", |arg| arg.conflicts_with_all(["existing_public_key", "node_dir"])))]
#[command(after_help = "\
Examples:
  irsactl bootstrap --cluster demo --region us-west-2 --dry-run
  irsactl bootstrap --cluster demo --region us-west-2 --dry-run --offline --account-id 111122223333
  irsactl bootstrap --cluster demo --region us-west-2 --yes
  irsactl bootstrap --cluster demo --region us-west-2 --adopt-key /etc/kubernetes/pki/sa.pub \\
    --existing-issuer https://kubernetes.default.svc.cluster.local --dry-run
  irsactl bootstrap --cluster demo --region us-west-2 --key-store secretsmanager --yes
  irsactl bootstrap --config irsactl.yaml --yes

Makes a signing key when there is none (a dry run needs one: irsactl keygen), shows the plan, asks, \
makes the changes, and reads everything back. Running it again finds nothing to do. The roles of a \
cluster file (--config) come up with the issuer. With --adopt-key no key is made, and no file of the \
issuer directory is read. With --key-store the key lives in AWS too, and comes into the issuer directory from there.")]
pub struct Bootstrap {
    #[command(flatten)]
    issuer: IssuerOptions,
    #[command(flatten)]
    node: NodeOptions,
    #[command(flatten)]
    change: ChangeOptions,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct BootstrapAnswer {
    issuer: Issuer,
    provider_arn: String,
    kids: Vec<Kid>,
    /// The one key's; none when several were adopted.
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<Kid>,
    /// The ARN of the key in the key store.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_store: Option<String>,
    thumbprints: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    role_arns: Vec<String>,
    flags: Vec<Flag>,
    changes: usize,
    #[serde(skip)]
    flags_text: String,
}

impl Answer for BootstrapAnswer {
    fn is_for_ci(&self) -> bool {
        true
    }

    fn markdown(&self) -> String {
        let rows = [
            ("issuer", self.issuer.to_string()),
            ("provider", self.provider_arn.clone()),
        ];
        let kids = self.kids.iter().map(|kid| ("kid", kid.to_string()));
        let roles = self.role_arns.iter().map(|arn| ("role", arn.clone()));
        let links: Vec<_> = rows.iter().cloned().chain(roles).collect();
        let rows = links.iter().cloned().chain(kids);
        let rows: String = rows
            .map(|(name, value)| format!("| {name} | {} |\n", cell(&value)))
            .collect();
        let (changes, picture) = (self.changes, chain(&links));
        format!(
            "### irsactl: bootstrap, changes made: {changes}\n\n| | |\n|---|---|\n{rows}\n{picture}"
        )
    }

    fn text(&self) -> String {
        let Self {
            issuer,
            provider_arn,
            flags_text,
            ..
        } = self;
        let kids = self.kids.iter().map(|kid| format!("kid         {kid}\n"));
        let kids: String = kids.collect();
        let roles: String = self
            .role_arns
            .iter()
            .map(|arn| format!("role        {arn}\n"))
            .collect();
        let thumbprints = output::sanitized(&self.thumbprints.join(", "));
        format!(
            "issuer      {issuer}\nprovider    {provider_arn}\n{kids}thumbprint  {thumbprints}\n{roles}\
             \nkube-apiserver flags:\n{flags_text}"
        )
    }
}

/// Of a new key.
const BITS: u16 = 2048;

impl Bootstrap {
    pub(crate) async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        let change = &self.change;
        change.check()?;
        let wanted = role::of_file(global, self.issuer.names.cluster.as_deref())?;
        let region = resolve::region(global).await?;
        self.issuer.names.check(&region)?;
        let adopted = public::adopted(&self.issuer.adopt)?;
        let keeps_key = adopted.is_some();
        let account = self.issuer.names.account_id.as_ref();
        let session = Session::open(global, stop, &region, account, change.offline);
        let (pair, session) = tokio::try_join!(self.pair_in_files(global, keeps_key), session)?;
        let mut source = match (adopted, pair) {
            (Some(keys), _) => Source::Adopted(keys),
            (None, Some(pair)) => Source::Files(pair),
            (None, None) => self.stored(global, &session, &region).await?,
        };
        let keys = source.public();
        let keys = public::jwk_set(&keys)?;
        let kids: Vec<Kid> = keys.kids().cloned().collect();
        let whole = ClusterIssuer {
            options: &self.issuer,
            keys,
            roles: &wanted,
            change,
        };
        let (desired, mut planned) = carry_out::plan_issuer(whole, &session, &region).await?;
        if let Some(store) = source.store() {
            store.check_known(&planned.observed, self.issuer.key.add_key)?;
        }
        let issuer = desired.issuer.clone();
        let provider = desired.provider.as_ref();
        let provider_arn = provider.map_or_else(String::new, |provider| provider.arn.clone());
        let role_arns = wanted
            .iter()
            .map(|role| role.arn(&session.account, &region));
        let role_arns = role_arns.collect::<Result<Vec<_>>>()?;
        self.node.warn_of_lock_out(keeps_key);
        let settings = self.node.settings(&issuer, keeps_key);
        let flags_text = flags::render(&settings);
        self.issuer
            .provider
            .note_offline(change.offline, &mut planned.plan);
        let seen = source.store();
        let seen = seen.map(|store| store.observed(&[], Some(&issuer), &[]));
        let mut planned = planned.with_store(seen);
        if let Some(kind) = self.issuer.key_store.key_store().filter(|_| change.offline) {
            let note = format!("offline: {} was not looked at", kind.title());
            planned.plan.notes.push(note);
        }
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
        let save_key = async || source.keep(&global.dir, &issuer).await;
        let carried_out = session.carry_out(&desired, planned, change, save_key);
        let outcome = carried_out.await?;
        let answer = BootstrapAnswer {
            issuer,
            provider_arn,
            kid: match kids.as_slice() {
                [kid] => Some(kid.clone()),
                _ => None,
            },
            kids,
            key_store: source
                .store()
                .and_then(Store::current)
                .map(|key| key.arn.clone()),
            thumbprints: outcome.thumbprints(),
            role_arns,
            flags: settings.flags(),
            changes: outcome.changes,
            flags_text,
        };
        outcome.then(output::print(&answer, global.output))?;
        Ok(Exit::Done)
    }

    /// The pair of the issuer directory, unless the key is elsewhere. A new one stays in memory until the changes are
    /// agreed to; a dry run makes none.
    async fn pair_in_files(&self, global: &Global, keeps_key: bool) -> Result<Option<KeyPair>> {
        if keeps_key || self.issuer.key_store.key_store().is_some() {
            return Ok(None);
        }
        if self.change.dry_run {
            return keys::pair(&global.dir, None, None).map(Some);
        }
        let pair = KeyPair::load_or_generate_meanwhile(&global.dir, BITS);
        pair.await.map(Some)
    }

    /// The key in the store that was named.
    async fn stored(&self, global: &Global, session: &Session<'_>, region: &str) -> Result<Source> {
        let names = &self.issuer.names;
        let bits = (!self.change.dry_run).then_some(BITS);
        let cluster = names.cluster.as_deref();
        let store = Store::open(&self.issuer.key_store, cluster, session.aws(), false).await?;
        if let Some(store) = &store {
            // Before the bucket, whose hint must not lead to two clusters with one key.
            let place = names.place(region, Some(&session.account))?;
            store.check_issuer(&place.issuer, self.issuer.key.move_key)?;
        }
        let pair = keys::pair(&global.dir, bits, store.as_ref())?;
        Ok(match store {
            Some(store) => Source::Store(store, pair),
            None => Source::Files(pair),
        })
    }
}
