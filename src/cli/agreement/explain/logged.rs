//! A decision that a log holds: its facts from the entry, what was in force then from the entries before it.

use std::path::Path;

use anyhow::{Context, bail};

use super::Explained;
use crate::audit::entry::{Entry, Kind};
use crate::cli::audit::reading::Reading;
use crate::decision::agreements::AgreementSet;
use crate::decision::facts::Facts;
use crate::decision::{self, Decision, PermitRef, decide};
use crate::replay::Following;

/// What the entry says was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recorded {
    /// The entry.
    pub(super) index: u64,
    /// The clause that permitted, or the code of the denial.
    pub(super) decision: Result<PermitRef, String>,
}

/// Reads the whole log, so that nothing is explained from one that is not whole.
pub(super) fn explained(log: &Path, wanted: u64, is_quiet: bool) -> anyhow::Result<Explained> {
    let mut following = Following::default();
    let mut found = None;
    let reading = Reading::new(log, "reading", is_quiet);
    let verified = reading.entries(&mut |seen, entry| {
        following.entry(seen.index, entry);
        if seen.index == wanted {
            found = Some(explain(wanted, entry, &following)?);
        }
        Ok(())
    })?;
    found.with_context(|| format!("the log has {} entries, and none {wanted}", verified.entries))
}

fn explain(index: u64, entry: &Entry, following: &Following) -> anyhow::Result<Explained> {
    let (facts, decision) = match &entry.kind {
        Kind::Intent(intent) => (&intent.facts, Ok(intent.permit.clone())),
        Kind::Outcome(outcome) => (&outcome.facts, Ok(outcome.permit.clone())),
        Kind::Denial(denied) => (&denied.facts, Err(denied.code.clone())),
        _ => bail!("entry {index} records no question: `heyan audit search` names those that do"),
    };
    if !decision::knows(facts.rules) {
        bail!("entry {index} was decided under rules {}, which this program has not", facts.rules);
    }
    // A question of the moment of a change was decided under what was there before it or after it.
    let mut views = following.admissible(facts.received_at);
    let in_force = views.find(|view| agrees(facts, view, &decision));
    let in_force = in_force.unwrap_or_else(|| following.agreements());
    let mut explained = Explained::new(facts.clone(), in_force);
    explained.recorded = Some(Recorded { index, decision });
    explained.left_out = following
        .findings()
        .iter()
        .map(|finding| format!("entry {}: {}", finding.index, finding.text))
        .collect();
    Ok(explained)
}

fn agrees(facts: &Facts, view: &AgreementSet, recorded: &Result<PermitRef, String>) -> bool {
    match (decide(facts, view), recorded) {
        (Decision::Permit(permit), Ok(recorded)) => permit.is(recorded),
        (Decision::Deny(denial), Err(code)) => denial.code() == code,
        _ => false,
    }
}
