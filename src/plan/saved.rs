//! A plan that a dry run saved for `apply`: bound to where it was made and to what was there.
//!
//! No change is ever read from the file. `apply` makes the plan anew from the same arguments, and goes on only
//! when what comes out is what was saved: so the value that was reviewed is the value that is executed.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{self, Error};
use crate::iam::arn::AccountId;
use crate::plan::diff::plan::Plan;
use crate::plan::observed::Observed;

const FORMAT_VERSION: &str = "1.0";
const IRSACTL: &str = env!("CARGO_PKG_VERSION");

/// The most that a saved plan may have, in bytes.
pub const MAX: usize = 1 << 20;

/// How many differences are told: the first ones say what happened.
const TOLD: usize = 5;

/// A plan, the command that it is of, and hashes of what it is made of.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    format_version: String,
    irsactl: String,
    /// The command: subcommands, then the options that say what is wanted.
    pub arguments: Vec<String>,
    endpoints: BTreeMap<String, String>,
    /// As `-o json` shows it.
    plan: Value,
    /// Of each change, with all that it sends and what it replaces.
    changes_sha256: Vec<String>,
    /// Of each part of what was there.
    observed_sha256: BTreeMap<String, String>,
    /// Of all members above.
    sha256: String,
}

/// Why a text is not a plan to apply.
#[derive(Debug, thiserror::Error)]
pub enum SavedPlanError {
    /// Not of this form.
    #[error("it is not a saved plan: {0}")]
    Form(serde_json::Error),
    /// The answer of `-o json`, which has no hashes.
    #[error("it is a plan to read, and not a saved one")]
    Shown,
    /// Made by another version, which may plan otherwise.
    #[error("irsactl {0} made it, and this is {IRSACTL}")]
    Version(String),
    /// Not as it was written.
    #[error("it was edited after it was saved")]
    Edited,
}

/// What is looked at before all else: the other members may be another version's.
#[derive(Deserialize)]
struct Maker {
    format_version: String,
    irsactl: Option<String>,
}

impl SavedPlan {
    /// The plan of a command, and as it is shown.
    pub fn new(
        arguments: Vec<String>,
        endpoints: &BTreeMap<&'static str, String>,
        shown: &impl Serialize,
        plan: &Plan,
        observed: &Observed,
    ) -> Self {
        let observed = value(observed);
        let parts = observed.as_object().into_iter().flatten();
        let endpoints = endpoints.iter();
        let saved = Self {
            format_version: FORMAT_VERSION.to_owned(),
            irsactl: IRSACTL.to_owned(),
            arguments,
            endpoints: endpoints
                .map(|(service, url)| ((*service).to_owned(), url.clone()))
                .collect(),
            plan: value(shown),
            changes_sha256: plan.changes.iter().map(sha256).collect(),
            observed_sha256: parts
                .map(|(name, part)| (name.clone(), sha256(part)))
                .collect(),
            sha256: String::new(),
        };
        Self {
            sha256: sha256(&saved),
            ..saved
        }
    }

    /// Whether a text is a saved plan, of whatever version.
    pub fn is_one(text: &[u8]) -> bool {
        serde_json::from_slice(text).is_ok_and(|maker: Maker| maker.irsactl.is_some())
    }

    /// Takes only what this version wrote.
    pub fn parse(text: &[u8]) -> Result<Self, SavedPlanError> {
        let maker: Maker = serde_json::from_slice(text).map_err(SavedPlanError::Form)?;
        let version = maker.irsactl.ok_or(SavedPlanError::Shown)?;
        if version != IRSACTL || maker.format_version != FORMAT_VERSION {
            return Err(SavedPlanError::Version(version));
        }
        let saved: Self = serde_json::from_slice(text).map_err(SavedPlanError::Form)?;
        let unsigned = Self {
            sha256: String::new(),
            ..saved.clone()
        };
        if sha256(&unsigned) == saved.sha256 {
            Ok(saved)
        } else {
            Err(SavedPlanError::Edited)
        }
    }

    /// What of the place is another than where it was made.
    pub fn elsewhere(
        &self,
        account: &str,
        region: &str,
        endpoints: &BTreeMap<&'static str, String>,
    ) -> Option<String> {
        for (name, here) in [("account", account), ("region", region)] {
            let planned = self.plan[name].as_str().unwrap_or_default();
            if planned != here {
                return Some(format!(
                    "it was made for {name} {planned}, and this is {here}"
                ));
            }
        }
        let planned = listed(
            self.endpoints
                .iter()
                .map(|(name, url)| (name.as_str(), url)),
        );
        let here = listed(endpoints.iter().map(|(name, url)| (*name, url)));
        (planned != here)
            .then(|| format!("it was made for the endpoints {planned}, and these are {here}"))
    }

    /// Whether a plan that is made now has nothing left to do.
    pub fn is_empty(&self) -> bool {
        self.changes_sha256.is_empty()
    }

    /// What a plan that was made now has otherwise; nothing when it is the same. Who calls may be another, and
    /// remarks are not carried out.
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let compared = |saved: &Self| {
            let mut plan = saved.plan.clone();
            if let Some(members) = plan.as_object_mut() {
                members.retain(|name, _| name != "caller" && name != "notes");
            }
            canonical(Self {
                plan,
                sha256: String::new(),
                ..saved.clone()
            })
        };
        if compared(self) == compared(now) {
            return Vec::new();
        }
        let (planned, found) = (self.changes(), now.changes());
        let of = |list: &[Shown], name: &str| list.iter().any(|one| one.name == name);
        let parts = self.observed_sha256.iter();
        let mut told: Vec<String> = parts
            .filter(|(name, hash)| now.observed_sha256.get(*name) != Some(hash))
            .map(|(name, _)| format!("not as it was: {}", name.replace('_', " ")))
            .collect();
        for one in &planned {
            let another = found.iter().find(|other| other.name == one.name);
            match another {
                _ if found.contains(one) => {}
                Some(other) => told.push(format!("another change: {}", one.and_what(other))),
                None => told.push(format!("no change any more: {}", one.name)),
            }
        }
        let new = found.iter().filter(|one| !of(&planned, &one.name));
        told.extend(new.map(|one| format!("a change now: {}", one.name)));
        if told.is_empty() {
            told.push("what it shows is not what it would do".to_owned());
        }
        let more = told.len().saturating_sub(TOLD);
        told.truncate(TOLD);
        told.extend((more > 0).then(|| format!("and {more} more")));
        told
    }

    fn changes(&self) -> Vec<Shown> {
        let changes = self.plan["changes"].as_array().into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        changes
            .zip(&self.changes_sha256)
            .map(|(change, hash)| Shown {
                name: format!(
                    "{} ({})",
                    text(&change["resource"]),
                    text(&change["operation"])
                ),
                fields: change["fields"].as_array().cloned().unwrap_or_default(),
                hash: hash.clone(),
            })
            .collect()
    }
}

/// A change as it is shown.
#[derive(PartialEq)]
struct Shown {
    name: String,
    fields: Vec<Value>,
    hash: String,
}

impl Shown {
    /// Its name, and the fields that another has otherwise.
    fn and_what(&self, other: &Self) -> String {
        let differing = self.fields.iter().chain(&other.fields);
        let differing =
            differing.filter(|field| !self.fields.contains(field) || !other.fields.contains(field));
        let mut names: Vec<&str> = differing
            .filter_map(|field| field["name"].as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            self.name.clone()
        } else {
            format!("{}: {}", self.name, names.join(", "))
        }
    }
}

fn listed<'a>(endpoints: impl Iterator<Item = (&'a str, &'a String)>) -> String {
    let listed: Vec<String> = endpoints
        .map(|(name, url)| format!("{name} {url}"))
        .collect();
    if listed.is_empty() {
        "of AWS itself".to_owned()
    } else {
        listed.join(", ")
    }
}

fn value(of: &impl Serialize) -> Value {
    // Serialising these types cannot fail: no maps with other keys than strings, no I/O.
    serde_json::to_value(of).unwrap_or(Value::Null)
}

fn sha256(of: &impl Serialize) -> String {
    let text = canonical(of).to_string();
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    hash.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// One form of all that mean the same: AWS gives the members and the lists of a policy, and its own lists of
/// names, in an order of its own (hashicorp/terraform-provider-aws#11801).
fn canonical(of: impl Serialize) -> Value {
    fn sort(value: &mut Value) {
        match value {
            Value::Array(items) => {
                items.iter_mut().for_each(sort);
                if items.iter().all(Value::is_string) {
                    items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
                }
            }
            Value::Object(members) => {
                members.values_mut().for_each(sort);
                members.sort_keys();
            }
            _ => {}
        }
    }
    let mut value = value(&of);
    sort(&mut value);
    value
}

/// Refuses another place than the plan was made for, before anything of it is looked at.
pub(crate) fn check_place(
    saved: &SavedPlan,
    account: &AccountId,
    region: &str,
    endpoints: &BTreeMap<&'static str, String>,
) -> error::Result<()> {
    match saved.elsewhere(account.as_str(), region, endpoints) {
        None => Ok(()),
        Some(cause) => Err(Error::refused("cannot apply this plan here")
            .because(cause)
            .hint("apply it where it was made for, or plan again here; nothing was changed")),
    }
}
