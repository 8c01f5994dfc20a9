//! The table of hostile inputs is complete, and what it names is there.

pub(crate) mod account;
pub(crate) mod aws;
pub(crate) mod bad;
pub(crate) mod files;
pub(crate) mod hosts;
pub(crate) mod keys;
pub(crate) mod names;
pub(crate) mod process;
pub(crate) mod tls;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::support::session::repository;

/// The groups of the list of threats, and how many inputs each has.
const GROUPS: [(&str, usize); 6] = [
    ("K", 21),
    ("F", 14),
    ("C", 11),
    ("A", 24),
    ("H", 14),
    ("P", 12),
];

/// The ID and the last cell of every row.
fn rows(table: &str) -> Vec<(String, String)> {
    let cells = table.lines().filter_map(|line| {
        let cells: Vec<&str> = line
            .strip_prefix("| ")?
            .strip_suffix(" |")?
            .split(" | ")
            .collect();
        let [id, input, expected, shown] = cells.as_slice() else {
            panic!("not four cells: {line}");
        };
        assert!(!input.is_empty() && !expected.is_empty(), "{line}");
        Some(((*id).to_owned(), (*shown).to_owned()))
    });
    cells
        .filter(|(id, _)| id != "ID" && !id.starts_with('-'))
        .collect()
}

/// The tests that a cell names, as `module::name` in backticks.
fn tests(cell: &str) -> Vec<(&str, &str)> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted.filter_map(|text| text.rsplit_once("::")).collect()
}

/// Where a module of the tests is.
fn file_of(module: &str) -> PathBuf {
    let path = repository()
        .join("tests/it")
        .join(module.replace("::", "/"));
    path.with_extension("rs")
}

/// Whether a module has a test of this name, and not a helper.
fn is_test(module: &str, name: &str) -> bool {
    let Ok(text) = fs::read_to_string(file_of(module)) else {
        return false;
    };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines
        .windows(2)
        .any(|pair| pair[0] == "#[test]" && pair[1].starts_with(&format!("fn {name}(")))
}

#[test]
fn every_hostile_input_has_a_test_or_a_reason() {
    let table = fs::read_to_string(repository().join("tests/inputs.md")).unwrap();
    let mut seen = BTreeMap::new();
    for (id, shown) in rows(&table) {
        let named = tests(&shown);
        for (module, name) in &named {
            assert!(
                is_test(module, name),
                "{id}: there is no test {module}::{name}"
            );
        }
        let reason = ["Not applicable: ", "Not testable: ", "Not yet: "]
            .iter()
            .find_map(|start| shown.strip_prefix(start));
        assert!(
            !named.is_empty() || reason.is_some_and(|reason| reason.len() > 30),
            "{id} has neither a test nor a reason: {shown}"
        );
        assert_eq!(
            seen.insert(id.clone(), named.len()),
            None,
            "{id} stands twice"
        );
    }
    let wanted: Vec<String> = GROUPS
        .iter()
        .flat_map(|(group, count)| (1..=*count).map(move |n| format!("{group}{n}")))
        .collect();
    assert_eq!(wanted.len(), 96);
    for id in &wanted {
        assert!(seen.contains_key(id), "{id} is missing");
    }
    assert_eq!(seen.len(), wanted.len(), "a row with an unknown ID");
    let tested = seen.values().filter(|count| **count > 0).count();
    let said = format!("(tests: {tested}, reasons instead: {})", 96 - tested);
    assert!(table.contains(&said), "the table should say: {said}");
}

/// `module::name`, or `module::` for all of them, in the tables of SECURITY.md.
#[test]
fn every_promise_names_tests_that_are_there() {
    let text = fs::read_to_string(repository().join("SECURITY.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| "));
    let named: Vec<(&str, &str)> = rows.flat_map(tests).collect();
    assert!(named.len() > 80, "only {} are named", named.len());
    for (module, name) in named {
        let is_there = match name {
            "" => file_of(module).is_file(),
            name => is_test(module, name),
        };
        assert!(is_there, "{module}::{name}");
    }
}
