//! The report for programs: one JSON document.

use serde_json::{Value as Json, json};

use super::{Report, faults, live};
use crate::adapters::{Coverage, Difference, Played, Rehearsal};
use crate::finding::Finding;

/// Prints it.
pub(super) fn tell(report: &Report<'_>) {
    say_plain!("{}", document(report));
}

pub(super) fn document(report: &Report<'_>) -> Json {
    let findings: Vec<Json> = report.findings().iter().map(finding).collect();
    let manifests: Vec<Json> = report.rehearsals.iter().map(manifest).collect();
    let faults: Vec<Json> = report.faults.iter().map(faults::document).collect();
    let live: Vec<Json> = report.live.iter().map(live::document).collect();
    json!({
        "findings": findings,
        "warnings": report.warnings(),
        "manifests": manifests,
        "faults": faults,
        "live": live,
    })
}

fn finding(finding: &Finding) -> Json {
    json!({
        "file": finding.file,
        "line": finding.place.map(|place| place.0),
        "column": finding.place.map(|place| place.1),
        "problem": finding.problem,
    })
}

fn manifest(rehearsal: &Rehearsal) -> Json {
    json!({
        "file": rehearsal.manifest,
        "name": rehearsal.name,
        "has_fixtures": rehearsal.has_fixtures,
        "fixtures": rehearsal.played.iter().map(fixture).collect::<Vec<_>>(),
        "coverage": rehearsal.coverage.as_ref().map(coverage),
    })
}

fn fixture(played: &Played) -> Json {
    json!({
        "file": played.file,
        "line": played.line,
        "fact": played.fact.as_str(),
        "name": played.name,
        "outcome": played.outcome,
        "passed": played.differences.is_empty(),
        "differences": played.differences.iter().map(difference).collect::<Vec<_>>(),
    })
}

fn difference(difference: &Difference) -> Json {
    let expression = difference.expression.as_ref();
    json!({
        "line": difference.line,
        "what": difference.what,
        "expected": difference.expected,
        "found": difference.found,
        "manifest_line": expression.map(|(line, _)| line),
        "expression": expression.map(|(_, text)| text),
        "document": difference.document,
    })
}

fn coverage(coverage: &Coverage) -> Json {
    let missed: Vec<Json> = coverage
        .missed
        .iter()
        .map(|missed| json!({ "line": missed.line, "key": missed.key, "what": missed.what }))
        .collect();
    json!({
        "percentage": coverage.percentage(),
        "reached": coverage.reached,
        "of": coverage.of,
        "missed": missed,
    })
}
