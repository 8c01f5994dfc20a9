//! What is known of each key: where it is, whether it is published, and whether the API servers use it.

use std::fs;
use std::time::UNIX_EPOCH;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::commands::rotate::evidence::{Evidence, EvidenceOptions};
use crate::commands::rotate::options::RotationOptions;
use crate::commands::rotate::scene::Scene;
use crate::commands::rotate::stored;
use crate::config::Global;
use crate::converge::stop::Stop;
use crate::error::{Exit, Result};
use crate::keys::directory::{self, signing_key_file};
use crate::keys::pair::KeyPair;
use crate::keys::rotation::Rotation;
use crate::keys::store::Store;
use crate::oidc::key::Kid;
use crate::output::{self, Answer};
use crate::system::clock::now;
use crate::system::file;

/// Options of `rotate status`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl rotate status --cluster demo --region us-west-2")]
pub(crate) struct Status {
    #[command(flatten)]
    whose: RotationOptions,
    #[command(flatten)]
    live: EvidenceOptions,
}

#[derive(Debug, Serialize, JsonSchema)]
struct KeyStatus {
    kid: String,
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_days: Option<u64>,
    published: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signs: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct StatusAnswer(Vec<KeyStatus>);

impl Status {
    pub(crate) async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        let scene = Scene::open(global, stop, &self.whose).await?;
        // Only a look: no file of the directory is written or moved.
        let (store, rotation) = stored::open(global, &self.whose, &scene, None).await?;
        let live = self.live.observe(&scene.published).await?;
        let answer = StatusAnswer::new(global, &scene, store.as_ref(), rotation.as_ref(), &live)?;
        output::print(&answer, global.output)?;
        Ok(Exit::Done)
    }
}

impl StatusAnswer {
    pub(crate) fn new(
        global: &Global,
        scene: &Scene<'_>,
        store: Option<&Store>,
        rotation: Option<&Rotation>,
        live: &Evidence,
    ) -> Result<Self> {
        let dir = &global.dir;
        let mut kids: Vec<Kid> = scene.published.kids().cloned().collect();
        let current = signing_key_file(dir);
        let in_file = KeyPair::own_kid(dir)?;
        let stored = store.and_then(Store::current).map(|key| key.kid.clone());
        let local = stored.or(in_file.clone());
        let named = rotation.map(|one| [one.old.clone(), one.new.clone()]);
        let stored = store.into_iter().flat_map(Store::kids).cloned();
        let named = named.into_iter().flatten().chain(stored);
        for kid in local.iter().chain(&in_file).cloned().chain(named) {
            if !kids.contains(&kid) {
                kids.push(kid);
            }
        }
        let now = now()?;
        let status = |kid: &Kid| -> Result<KeyStatus> {
            let path = match directory::named(dir, kid) {
                path if file::exists(&path)? => Some(path),
                _ if in_file.as_ref() == Some(kid) => Some(current.clone()),
                _ => None,
            };
            let modified = path.as_ref().and_then(|path| {
                let time = fs::metadata(path).ok()?.modified().ok()?;
                Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
            });
            Ok(KeyStatus {
                kid: kid.to_string(),
                role: role(kid, rotation, local.as_ref()),
                file: path.as_deref().map(output::path),
                age_days: modified.map(|time| now.saturating_sub(time) / 86_400),
                published: scene.published.kids().any(|one| one == kid),
                accepted: live.was_seen().then(|| live.all_know(kid)),
                signs: live.token.as_ref().map(|token| token == kid),
            })
        };
        let mut keys = kids.iter().map(status).collect::<Result<Vec<_>>>()?;
        keys.sort_by_key(|key| ROLES.iter().position(|role| *role == key.role));
        Ok(Self(keys))
    }
}

/// In the order in which they are shown.
const ROLES: [&str; 5] = ["signing", "old", "new", "published", "retired"];

fn role(kid: &Kid, rotation: Option<&Rotation>, local: Option<&Kid>) -> &'static str {
    match rotation {
        Some(one) if *kid == one.old && one.retired.is_some() => "retired",
        Some(one) if *kid == one.old => "old",
        Some(one) if *kid == one.new && one.activated.is_none() => "new",
        Some(one) if *kid == one.new => "signing",
        _ if local == Some(kid) => "signing",
        _ => "published",
    }
}

impl Answer for StatusAnswer {
    fn text(&self) -> String {
        let yes = |answer: Option<bool>| match answer {
            Some(true) => "yes",
            Some(false) => "no",
            None => "?",
        };
        let mut text = format!(
            "{:43}  {:9}  {:9}  {:8}  {:5}  {:>4}  file\n",
            "kid", "role", "published", "accepted", "signs", "days"
        );
        for key in &self.0 {
            let days = key.age_days.map_or("-".to_owned(), |days| days.to_string());
            text += &format!(
                "{:43}  {:9}  {:9}  {:8}  {:5}  {days:>4}  {}\n",
                key.kid,
                key.role,
                yes(Some(key.published)),
                yes(key.accepted),
                yes(key.signs),
                key.file.as_deref().unwrap_or("-")
            );
        }
        text
    }
}
