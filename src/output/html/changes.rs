//! What differs from the plan, as the page shows it.

use serde::Serialize;

use crate::output::html::document::{self, Token};
use crate::output::plan::symbol;
use crate::plan::action::Action;
use crate::plan::change::Change;
use crate::plan::diff::plan::Plan;
use crate::plan::line::Field;

#[derive(Serialize)]
pub(super) struct PlannedChange {
    sign: char,
    action: Action,
    operation: &'static str,
    resource: String,
    fields: Vec<PlannedField>,
}

#[derive(Serialize)]
struct PlannedField {
    name: &'static str,
    before: Vec<Token>,
    after: Vec<Token>,
    is_document: bool,
}

/// The changes of a plan, in order.
pub(super) fn of(plan: &Plan) -> Vec<PlannedChange> {
    let change = |change: &Change| PlannedChange {
        sign: symbol(change.action()),
        action: change.action(),
        operation: change.operation(),
        resource: change.resource(),
        fields: change.fields().iter().map(field).collect(),
    };
    plan.changes.iter().map(change).collect()
}

fn field(field: &Field) -> PlannedField {
    let sides = [&field.before, &field.after];
    let is_document = sides.into_iter().flatten().any(document::is_document);
    let [before, after] = sides.map(|side| {
        let tokens = side
            .as_ref()
            .map(|value| document::field(value, is_document));
        tokens.unwrap_or_default()
    });
    PlannedField {
        name: field.name,
        before,
        after,
        is_document,
    }
}
