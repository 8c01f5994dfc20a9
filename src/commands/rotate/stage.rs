//! How far a rotation is, and what is to be done next.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use crate::commands::rotate::nodes::Nodes;
use crate::error::shell_quoted;
use crate::keys::directory::{self, public_key_file, signing_key_file};
use crate::keys::rotation::Rotation;
use crate::oidc::key::Kid;
use crate::output::{self, Answer, program};
use crate::verify::token::time_text;

/// The longest life of a token for AWS that the pod identity webhook asks for.
pub(crate) const LONGEST_TOKEN: &str = "86400";

/// A step of a rotation that is done, or is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
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
#[derive(Debug, Serialize, JsonSchema)]
struct NodeFile {
    from: String,
    to: String,
    mode: &'static str,
    owner: &'static str,
}

/// What an answer is made of.
pub(crate) struct StepReport<'a> {
    pub(crate) dir: &'a Path,
    pub(crate) stage: Stage,
    pub(crate) rotation: &'a Rotation,
    /// The nodes, where something is to be done on them.
    pub(crate) nodes: Option<&'a Nodes>,
    /// The options that name the issuer.
    pub(crate) names: String,
    /// How many changes were made.
    pub(crate) changes: usize,
    /// How many API servers were looked at.
    pub(crate) seen: usize,
    /// The longest life of a token, in seconds.
    pub(crate) after: u64,
}

impl<'a> StepReport<'a> {
    pub(crate) fn new(
        dir: &'a Path,
        stage: Stage,
        rotation: &'a Rotation,
        nodes: Option<&'a Nodes>,
    ) -> Self {
        Self {
            dir,
            stage,
            rotation,
            nodes,
            names: String::new(),
            changes: 0,
            seen: 0,
            after: 0,
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RotateAnswer {
    stage: Stage,
    old: Kid,
    new: Kid,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<NodeFile>,
    /// Flags that the API server needs for the first time: its key was the cluster's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<String>,
    api_servers_seen: usize,
    next: String,
    changes: usize,
}

impl RotateAnswer {
    pub(crate) fn new(told: StepReport<'_>) -> Self {
        let StepReport {
            stage, rotation, ..
        } = told;
        let not_before = match stage {
            // What a reader of the JWK Set may keep it for (kube-apiserver's own max-age).
            Stage::Sign | Stage::AcceptAndSign => rotation.published.map(|time| time + 3600),
            Stage::Active => rotation
                .activated
                .map(|time| time.saturating_add(told.after)),
            _ => None,
        };
        Self {
            stage,
            old: rotation.old.clone(),
            new: rotation.new.clone(),
            files: files(&told),
            flags: flags(&told),
            not_before: not_before.map(time_text),
            api_servers_seen: told.seen,
            next: next(stage, &told.names),
            changes: told.changes,
        }
    }
}

fn accepts(stage: Stage) -> bool {
    matches!(
        stage,
        Stage::Accept | Stage::AcceptAndSign | Stage::Compromised
    )
}

fn signs(stage: Stage) -> bool {
    matches!(
        stage,
        Stage::Sign | Stage::AcceptAndSign | Stage::Compromised
    )
}

/// What goes to the nodes.
fn files(told: &StepReport<'_>) -> Vec<NodeFile> {
    let Some(nodes) = told.nodes else {
        return Vec::new();
    };
    let file = |from: PathBuf, name: &str, mode, owner| NodeFile {
        from: output::path(&from),
        to: format!("{}/{name}", nodes.node_dir),
        mode,
        owner,
    };
    let mut files = Vec::new();
    if accepts(told.stage) {
        files.push(file(
            public_key_file(told.dir),
            "sa-signer.pub",
            "0644",
            "root",
        ));
    }
    if signs(told.stage) {
        let from = match told.stage {
            Stage::Compromised => signing_key_file(told.dir),
            _ => directory::named(told.dir, &told.rotation.new),
        };
        files.push(file(
            from,
            "sa-signer.key",
            "0600",
            nodes.format.key_owner(),
        ));
    }
    files
}

/// The settings that name the files, where there were none.
fn flags(told: &StepReport<'_>) -> Vec<String> {
    let mut flags = Vec::new();
    if let Some(nodes) = told.nodes.filter(|_| told.rotation.adopted) {
        if accepts(told.stage) {
            flags.push(format!(
                "--service-account-key-file={}/sa-signer.pub",
                nodes.node_dir
            ));
        }
        if signs(told.stage) {
            flags.push(format!(
                "--service-account-signing-key-file={}/sa-signer.key",
                nodes.node_dir
            ));
        }
    }
    flags
}

fn next(stage: Stage, names: &str) -> String {
    match stage {
        Stage::Made => format!("look at the plan: irsactl rotate prepare{names} --dry-run; then: irsactl rotate prepare{names}"),
        Stage::Prepared => format!("irsactl rotate activate{names}"),
        Stage::Accept => format!(
            "restart kube-apiserver on every node, one after the other; then for each: kubectl get --raw /openid/v1/jwks > NODE.json, and: irsactl rotate activate{names} --cluster-jwks NODE.json, repeated for each node"
        ),
        Stage::Sign | Stage::AcceptAndSign => format!(
            "restart kube-apiserver and kube-controller-manager on every node, one after the other; then: kubectl create token default > token.jwt, and: irsactl rotate activate{names} --token token.jwt"
        ),
        Stage::Active => format!(
            "wait; then, with a fresh token: irsactl rotate retire{names} --token token.jwt. sa-signer.pub keeps the old public key: tokens for the API server itself can live for a year (watch serviceaccount_stale_tokens_total)"
        ),
        Stage::Compromised => "restart kube-apiserver and kube-controller-manager on every node at once: in-cluster tokens of the old key are refused from then on, so restart the pods that do not recover".to_owned(),
        Stage::Retired => "leave the old public key on the API servers until no in-cluster token needs it: accepting it there costs nothing".to_owned(),
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
        for NodeFile {
            from,
            to,
            mode,
            owner,
        } in &self.files
        {
            let (from, to) = (shell_quoted(from), shell_quoted(to));
            text += &format!("file   {from} -> {to} on every node (mode {mode}, owner {owner})\n");
        }
        for flag in &self.flags {
            text += &format!("flag   {flag}, beside the key files that are there\n");
        }
        if self.api_servers_seen > 0 {
            text += &format!("seen   {} API servers\n", self.api_servers_seen);
        }
        if let Some(time) = &self.not_before {
            text += &format!("wait   until {time}\n");
        }
        text + &format!("next   {}\n", program::named(&self.next))
    }
}
