//! What an outcome says that left, held against what the clause lets out.

use super::Report;
use crate::audit::entry::Outcome;
use crate::decision::Permit;
use crate::query::value::Verdict;

/// Values that left, how much of each, and how old they may be.
pub(super) fn hold(index: u64, outcome: &Outcome, permit: &Permit, report: &mut Report) {
    disclosed(index, outcome, permit, report);
    masked(index, outcome, permit, report);
    aged(index, outcome, permit, report);
}

fn disclosed(index: u64, outcome: &Outcome, permit: &Permit, report: &mut Report) {
    for name in &outcome.disclosed {
        if !permit.discloses(name) {
            let text = format!("`{name}` was disclosed, which the clause does not grant");
            report.find(index, "disclosed", text);
        } else if !outcome.facts.disclose.contains(name) {
            let text = format!("`{name}` was disclosed, which was not asked for");
            report.find(index, "disclosed", text);
        }
    }
}

/// In part where the clause says so, and whole where it does not.
fn masked(index: u64, outcome: &Outcome, permit: &Permit, report: &mut Report) {
    for name in outcome.disclosed.iter().filter(|name| permit.discloses(name)) {
        let text = match (permit.mask(name), outcome.masked.contains(name)) {
            (Some(mask), false) => {
                format!("`{name}` left whole, of which the clause lets out `{}` only", mask.name())
            }
            (None, true) => {
                format!("`{name}` is said to have left in part; the clause has no mask for it")
            }
            (Some(_), true) | (None, false) => continue,
        };
        report.find(index, "masked", text);
    }
    for name in outcome.masked.iter().filter(|name| !outcome.disclosed.contains(name)) {
        let text = format!("`{name}` is said to have left in part, and not to have left at all");
        report.find(index, "masked", text);
    }
}

/// What is older than the agreement or the caller allows may be called stale, and nothing else.
fn aged(index: u64, outcome: &Outcome, permit: &Permit, report: &mut Report) {
    let Some(as_of) = outcome.as_of else { return };
    if matches!(outcome.verdict, Verdict::Stale | Verdict::Unavailable) {
        return;
    }
    let facts = &outcome.facts;
    let oldest = facts.max_age.map_or(permit.max_age(), |wanted| wanted.min(permit.max_age()));
    let age = facts.received_at.since(as_of);
    if age > oldest {
        let (age, oldest) = (age.as_secs(), oldest.as_secs());
        let verdict = outcome.verdict.name();
        let text = format!(
            "answered {verdict} with data {age} s old, where {oldest} s are allowed; it must be called STALE"
        );
        report.find(index, "age", text);
    }
}
