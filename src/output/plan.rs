//! A plan as people review it, and as `plan.json`.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::oidc::issuer::Issuer;
use crate::output::markdown::{cell, chain, folded};
use crate::output::target::Target;
use crate::output::{Answer, FORMAT_VERSION, sanitized};
use crate::plan::action::Action;
use crate::plan::change::Change;
use crate::plan::desired::Desired;
use crate::plan::diff::plan::Plan;
use crate::plan::line::Field;
use crate::plan::tags::CLUSTER;

/// What a reviewer reads first.
const BECOMES_PUBLIC: &str = "everybody will be able to read:";

/// A plan with its target.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlanAnswer {
    format_version: &'static str,
    issuer: Issuer,
    #[serde(flatten)]
    target: Target,
    /// What everybody can read afterwards, where the changes see to that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    becomes_public: Vec<String>,
    changes: Vec<PlannedChange>,
    notes: Vec<String>,
    #[serde(skip)]
    links: Vec<(&'static str, String)>,
    #[serde(skip)]
    key_store_changes: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct PlannedChange {
    action: Action,
    operation: &'static str,
    resource: String,
    fields: Vec<Field>,
}

impl PlanAnswer {
    /// The plan for an issuer.
    pub fn new(desired: &Desired, target: Target, plan: &Plan) -> Self {
        let changes = plan.changes.iter().map(|change| PlannedChange {
            action: change.action(),
            operation: change.operation(),
            resource: change.resource(),
            fields: change.fields(),
        });
        Self {
            format_version: FORMAT_VERSION,
            issuer: desired.issuer.clone(),
            target,
            becomes_public: plan.becomes_public.clone(),
            changes: changes.collect(),
            notes: plan.notes.clone(),
            links: links(desired),
            key_store_changes: plan.key_store_changes,
        }
    }
}

impl Answer for PlanAnswer {
    fn is_for_ci(&self) -> bool {
        true
    }

    fn text(&self) -> String {
        let mut text = String::new();
        if !self.becomes_public.is_empty() {
            let objects = self
                .becomes_public
                .iter()
                .map(|one| format!("  {}\n", sanitized(one)));
            text = format!("{BECOMES_PUBLIC}\n{}\n", objects.collect::<String>());
        }
        let _ = writeln!(
            text,
            "issuer    {}\naccount   {}\nregion    {}",
            self.issuer, self.target.account, self.target.region
        );
        if let Some(caller) = &self.target.caller {
            text += &format!("caller    {}\n", sanitized(caller));
        }
        for (url, services) in self.target.by_url() {
            text += &format!("endpoint  {} ({services})\n", sanitized(url));
        }
        text.push('\n');
        for change in &self.changes {
            let style = style(change.action);
            let _ = writeln!(
                text,
                "{style}{}{style:#} {}  ({})",
                symbol(change.action),
                sanitized(&change.resource),
                change.operation
            );
            let width = change
                .fields
                .iter()
                .map(|field| field.name.len())
                .max()
                .unwrap_or_default();
            for field in &change.fields {
                write_field(&mut text, field, width);
            }
            text.push('\n');
        }
        for note in &self.notes {
            text += &format!("note: {}\n", sanitized(note));
        }
        text + &self.counts() + "\n"
    }

    fn markdown(&self) -> String {
        let mut text = format!(
            "### irsactl: {}\n\nissuer `{}`, account {}, region {}\n\n",
            self.counts(),
            self.issuer,
            self.target.account,
            self.target.region
        );
        for (url, services) in self.target.by_url() {
            text += &format!("endpoint {} ({services})\n\n", cell(url));
        }
        if !self.becomes_public.is_empty() {
            let objects = self
                .becomes_public
                .iter()
                .map(|one| format!("- {}\n", cell(one)));
            text += &format!("**{BECOMES_PUBLIC}**\n\n{}\n", objects.collect::<String>());
        }
        if !self.changes.is_empty() {
            text += "| | resource | call |\n|---|---|---|\n";
        }
        for change in &self.changes {
            let (sign, resource) = (symbol(change.action), cell(&change.resource));
            let _ = writeln!(text, "| {sign} | {resource} | {} |", change.operation);
        }
        for change in &self.changes {
            let (sign, resource) = (symbol(change.action), cell(&change.resource));
            let _ = writeln!(text, "\n**{sign} {resource}**\n");
            for field in &change.fields {
                text += &field_in_markdown(field, &change.resource);
            }
        }
        for note in &self.notes {
            text += &format!("\n> {}\n", cell(note));
        }
        text + "\n" + &chain(&self.links)
    }
}

impl PlanAnswer {
    /// How many changes there are, in words.
    pub fn counts(&self) -> String {
        let count = |action| {
            let changes = self.changes.iter();
            changes.filter(|change| change.action == action).count()
        };
        let counts = format!(
            "plan: {} to create, {} to update, {} to remove",
            count(Action::Create),
            count(Action::Update),
            count(Action::Remove)
        );
        match (self.changes.len(), self.key_store_changes) {
            (0, 0) => "no changes".to_owned(),
            (_, 0) => counts,
            (_, changes) => format!("{counts}, {changes} in the key store"),
        }
    }
}

/// A line of a list, or the documents before and after, folded.
fn field_in_markdown(field: &Field, resource: &str) -> String {
    let name = field.name;
    let sides = [("before", &field.before), ("after", &field.after)];
    if !sides
        .iter()
        .any(|(_, side)| side.as_ref().is_some_and(is_document))
    {
        let shown: Vec<String> = sides
            .iter()
            .filter_map(|(_, side)| side.as_ref())
            .map(value)
            .collect();
        return format!("- {name}: {}\n", cell(&shown.join(" → ")));
    }
    let folded = sides.iter().filter_map(|(when, side)| {
        let title = match (&field.before, &field.after) {
            (Some(_), Some(_)) => format!("{resource}: {name} {when}"),
            _ => format!("{resource}: {name}"),
        };
        Some(format!("\n{}\n", folded(&title, side.as_ref()?)))
    });
    folded.collect()
}

/// Whether a value is shown in lines of its own.
fn is_document(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|members| !members.values().all(Value::is_string))
}

/// What trusts what, by their names.
fn links(desired: &Desired) -> Vec<(&'static str, String)> {
    let tags = desired.provider.as_ref().map(|provider| &provider.tags);
    let cluster = tags.and_then(|tags| tags.get(CLUSTER)).cloned();
    let mut links: Vec<(&'static str, String)> = cluster
        .map(|cluster| ("cluster", cluster))
        .into_iter()
        .collect();
    links.push(("issuer", desired.issuer.to_string()));
    if let Some(publication) = &desired.publication {
        links.push(("S3", format!("s3://{}", publication.bucket)));
    }
    if let Some(provider) = &desired.provider {
        links.push(("provider", provider.arn.clone()));
    }
    if !desired.roles.is_empty() {
        let names: Vec<&str> = desired
            .roles
            .iter()
            .map(|role| role.name.as_str())
            .collect();
        links.push(("roles", names.join(", ")));
    }
    links
}

/// The sign in front of a change, as terraform and kOps write it.
pub(super) fn symbol(action: Action) -> char {
    match action {
        Action::Create => '+',
        Action::Update => '~',
        Action::Remove => '-',
    }
}

fn style(action: Action) -> Style {
    let color = match action {
        Action::Create => AnsiColor::Green,
        Action::Update => AnsiColor::Yellow,
        Action::Remove => AnsiColor::Red,
    };
    color.on_default()
}

/// The line that is shown while a change is made.
pub fn headline(change: &Change) -> String {
    let style = style(change.action());
    format!(
        "{style}{}{style:#} {}",
        symbol(change.action()),
        sanitized(&change.resource())
    )
}

fn write_field(text: &mut String, field: &Field, width: usize) {
    let name = field.name;
    match (&field.before, &field.after) {
        (Some(before), Some(after)) if is_long(before) || is_long(after) => {
            let _ = write!(
                text,
                "    {name:width$}  {}\n    {:width$}  -> {}\n",
                value(before),
                "",
                value(after)
            );
        }
        (Some(before), Some(after)) => {
            let _ = writeln!(
                text,
                "    {name:width$}  {} -> {}",
                value(before),
                value(after)
            );
        }
        (before, after) => {
            let only = before
                .as_ref()
                .or(after.as_ref())
                .map(value)
                .unwrap_or_default();
            let _ = writeln!(text, "    {name:width$}  {only}");
        }
    }
}

fn is_long(value: &Value) -> bool {
    value.is_object() || value.as_array().is_some_and(|items| items.len() > 1)
}

pub(super) fn value(value: &Value) -> String {
    match value {
        Value::String(text) => sanitized(text),
        Value::Array(items) if items.iter().all(Value::is_string) => items
            .iter()
            .map(crate::output::plan::value)
            .collect::<Vec<_>>()
            .join(", "),
        Value::Object(map) if map.values().all(Value::is_string) => {
            let pairs = map.iter().map(|(key, value)| {
                format!("{}={}", sanitized(key), crate::output::plan::value(value))
            });
            pairs.collect::<Vec<_>>().join(", ")
        }
        // Documents keep their shape, indented under the field.
        Value::Object(_) | Value::Array(_) => {
            let pretty = format!("{value:#}");
            pretty
                .lines()
                .map(sanitized)
                .collect::<Vec<_>>()
                .join("\n      ")
        }
        other => other.to_string(),
    }
}
