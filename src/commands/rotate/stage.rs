//! How far a rotation is, and what is to be done next.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::Serialize;

use crate::config::Global;
use crate::error::{Result, shell_quoted};
use crate::file;
use crate::oidc::key::Kid;
use crate::output::{self, Answer};
use crate::verify::token::time_text;

use super::super::key_pair::{KeyPair, public_key_file, signing_key_file};
use super::super::token::now;
use super::live::Live;
use super::scene::Scene;
use super::state::{self, Rotation};

/// A step of a rotation that is done, or is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Stage {
    /// The new key is made, and not published.
    Made,
    /// Both keys are published.
    Prepared,
    /// Every API server is to accept the new key.
    Accept,
    /// Every API server is to sign with it.
    Sign,
    /// Both at once, on the only one.
    AcceptAndSign,
    /// A token of the new key was seen.
    Active,
    /// The old key is no longer published.
    Retired,
    /// The same, and nobody is to accept it any more.
    Compromised,
}

/// A file for the control-plane nodes.
#[derive(Debug, Serialize)]
struct NodeFile {
    from: String,
    to: String,
    mode: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct RotateAnswer {
    stage: Stage,
    old: Kid,
    new: Kid,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<NodeFile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retire_after: Option<String>,
    next: String,
    changes: usize,
}

/// `DIR/sa-signer-bundle.pub`
pub(super) fn bundle(dir: &Path) -> PathBuf {
    dir.join("sa-signer-bundle.pub")
}

impl RotateAnswer {
    pub(super) fn new(
        dir: &Path,
        stage: Stage,
        rotation: &Rotation,
        changes: usize,
        after: u64,
        node_dir: &str,
    ) -> Self {
        let file = |from: PathBuf, name: &str, mode| NodeFile {
            from: output::path(&from),
            to: format!("{node_dir}/{name}"),
            mode,
        };
        let public = || file(bundle(dir), "sa-signer.pub", "0644");
        let private = || {
            let from = state::named(dir, &rotation.new, "key");
            file(from, "sa-signer.key", "0600")
        };
        let files = match stage {
            Stage::Accept => vec![public()],
            Stage::Sign => vec![private()],
            Stage::AcceptAndSign => vec![public(), private()],
            Stage::Compromised => vec![
                file(public_key_file(dir), "sa-signer.pub", "0644"),
                file(signing_key_file(dir), "sa-signer.key", "0600"),
            ],
            Stage::Made | Stage::Prepared | Stage::Active | Stage::Retired => Vec::new(),
        };
        let activated = rotation.activated.filter(|_| stage == Stage::Active);
        Self {
            stage,
            old: rotation.old.clone(),
            new: rotation.new.clone(),
            files,
            retire_after: activated.map(|time| time_text(time.saturating_add(after))),
            next: next(stage).to_owned(),
            changes,
        }
    }
}

fn next(stage: Stage) -> &'static str {
    match stage {
        Stage::Made => {
            "look at the plan: irsactl rotate prepare --dry-run; then: irsactl rotate prepare"
        }
        Stage::Prepared => "irsactl rotate activate",
        Stage::Accept => {
            "restart kube-apiserver on every node, one after the other; then for each: kubectl get --raw /openid/v1/jwks > NODE.json, and: irsactl rotate activate --cluster-jwks NODE.json, repeated for each node"
        }
        Stage::Sign | Stage::AcceptAndSign => {
            "restart kube-apiserver and kube-controller-manager on every node, one after the other; then: kubectl create token default > token.jwt, and: irsactl rotate activate --token token.jwt"
        }
        Stage::Active => {
            "wait; then: irsactl rotate retire. API servers keep sa-signer-bundle.pub: tokens for the API server itself can live for a year (watch serviceaccount_stale_tokens_total)"
        }
        Stage::Compromised => {
            "restart kube-apiserver and kube-controller-manager on every node at once: in-cluster tokens of the old key are refused from then on, so restart the pods that do not recover"
        }
        Stage::Retired => {
            "leave the old public key on the API servers until no in-cluster token needs it: accepting it there costs nothing"
        }
    }
}

impl Answer for RotateAnswer {
    fn is_for_ci(&self) -> bool {
        true
    }

    fn text(&self) -> String {
        let what = match self.stage {
            Stage::Made => "made, not published",
            Stage::Prepared => "both keys are published",
            Stage::Accept => "let every API server accept the new key",
            Stage::Sign => "let every API server sign with the new key",
            Stage::AcceptAndSign => "let the API server accept the new key, and sign with it",
            Stage::Active => "tokens are signed by the new key",
            Stage::Retired | Stage::Compromised => "the old key is no longer published",
        };
        let mut text = format!("stage  {what}\nold    {}\nnew    {}\n", self.old, self.new);
        for NodeFile { from, to, mode } in &self.files {
            let (from, to) = (shell_quoted(from), shell_quoted(to));
            text += &format!("file   {from} -> {to} on every node (mode {mode}, owner root)\n");
        }
        if let Some(time) = &self.retire_after {
            text += &format!("wait   until {time}\n");
        }
        text + &format!("next   {}\n", self.next)
    }
}

#[derive(Debug, Serialize)]
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

#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct StatusAnswer(Vec<KeyStatus>);

impl StatusAnswer {
    pub(super) fn new(
        global: &Global,
        scene: &Scene<'_>,
        rotation: Option<&Rotation>,
        live: &Live,
    ) -> Result<Self> {
        let dir = &global.dir;
        let mut kids: Vec<Kid> = scene.published.kids().cloned().collect();
        let local = match KeyPair::is_there(dir)? {
            true => KeyPair::load_public(dir)?.kid().ok(),
            false => None,
        };
        let named = rotation.map(|one| [one.old.clone(), one.new.clone()]);
        for kid in local.iter().cloned().chain(named.into_iter().flatten()) {
            if !kids.contains(&kid) {
                kids.push(kid);
            }
        }
        let now = now()?;
        let status = |kid: &Kid| -> Result<KeyStatus> {
            let path = match state::named(dir, kid, "key") {
                path if file::exists(&path)? => Some(path),
                _ if local.as_ref() == Some(kid) => Some(signing_key_file(dir)),
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
