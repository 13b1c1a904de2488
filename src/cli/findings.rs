//! How findings are told: a line each for people, one JSON document for programs.

use std::path::Path;
use std::process::ExitCode;

use super::NO;
use crate::finding::Finding;

/// Prints what was found in `looked_at`. Exit code 0 when there is nothing to mend, 1 with findings.
pub(super) fn tell(looked_at: &Path, findings: &[Finding], json: bool) -> ExitCode {
    if json {
        let list: Vec<_> = findings.iter().map(as_json).collect();
        say!("{}", serde_json::json!({ "findings": list }));
    } else if findings.is_empty() {
        say!("{}: nothing to mend", looked_at.display());
    } else {
        for finding in findings {
            say!("{finding}");
        }
        say!("{} to mend", findings.len());
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
