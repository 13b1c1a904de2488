//! How findings are told: a line each for people, one JSON document for programs.

use std::path::Path;
use std::process::ExitCode;

use super::NO;
use crate::finding::Finding;

/// Warnings printed for people.
const WARNINGS_MOST: usize = 20;

/// Prints what was found in `looked_at`. Exit code 0 when there is nothing to mend, 1 with findings.
pub(super) fn tell(looked_at: &Path, findings: &[Finding], json: bool) -> ExitCode {
    tell_with(looked_at, findings, &[], json)
}

/// The same, with what should be seen to in time: it changes no exit code.
pub(super) fn tell_with(
    looked_at: &Path,
    findings: &[Finding],
    warnings: &[String],
    json: bool,
) -> ExitCode {
    if json {
        let list: Vec<_> = findings.iter().map(as_json).collect();
        let told = match warnings {
            [] => serde_json::json!({ "findings": list }),
            warnings => serde_json::json!({ "findings": list, "warnings": warnings }),
        };
        say_plain!("{told}");
    } else {
        for finding in findings {
            say_plain!("{finding}");
        }
        for warning in warnings.iter().take(WARNINGS_MOST) {
            say_plain!("warning: {warning}");
        }
        if let Some(more) = warnings.len().checked_sub(WARNINGS_MOST).filter(|more| *more > 0) {
            say_plain!("warning: {more} more of this kind; --json names all");
        }
        match findings.len() {
            0 => say_plain!("{}: nothing to mend", looked_at.display()),
            count => say_plain!("{count} to mend"),
        }
    }
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(NO) }
}

fn as_json(finding: &Finding) -> serde_json::Value {
    serde_json::json!({
        "file": finding.file,
        "line": finding.place.map(|place| place.0),
        "column": finding.place.map(|place| place.1),
        "problem": finding.problem,
    })
}
