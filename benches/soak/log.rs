//! The whole log held against what callers were told.

use std::path::Path;

use heyan::audit::entry::{AgreementEvent, Kind};
use heyan::audit::verify::Expected;
use heyan::audit::walk::walk_entries;
use heyan::replay::{Replay, Report};
use heyan::wire::read_verdict;

use super::asked::Told;
use super::figures::Line;

/// What the log showed.
pub(crate) struct Found {
    replayed: Report,
    /// Answers whose entry says the same.
    borne_out: u64,
    /// Answers that no entry bears out.
    without_entry: u64,
    /// Denials that their entry bears out.
    denied: u64,
    /// Denials that no entry bears out.
    denied_without: u64,
    /// Outcomes and denials of questions that nobody here asked.
    unasked: u64,
    /// Versions of agreements that came into force.
    adopted: u32,
}

/// Verifies and replays the log in that folder, and looks up every answer.
pub(crate) fn hold(folder: &Path, told: &Told) -> anyhow::Result<Found> {
    let mut replay = Replay::new(None);
    let (mut borne_out, mut denied, mut unasked, mut adopted) = (0, 0, 0, 0);
    walk_entries(folder, Expected::default(), &mut |seen, entry| {
        replay.entry(seen.index, entry);
        match &entry.kind {
            Kind::Outcome(outcome) => {
                let id = outcome.facts.request_id;
                match told.answers.get(&id) {
                    Some((index, verdict)) => {
                        let is_same =
                            *index == seen.index && read_verdict(*verdict) == Some(outcome.verdict);
                        borne_out += u64::from(is_same);
                    }
                    None => unasked += u64::from(!told.unanswered.contains_key(&id)),
                }
            }
            Kind::Denial(denial) => match told.unanswered.get(&denial.facts.request_id) {
                Some(is_told) => denied += u64::from(*is_told),
                None => unasked += 1,
            },
            Kind::Agreement(AgreementEvent::Adopted { .. }) => adopted += 1,
            _ => {}
        }
    })?;
    let without_entry = told.answers.len() as u64 - borne_out;
    let all_denied = told.unanswered.values().filter(|is_denied| **is_denied).count() as u64;
    Ok(Found {
        replayed: replay.finish(),
        borne_out,
        without_entry,
        denied,
        denied_without: all_denied.saturating_sub(denied),
        unasked,
        adopted,
    })
}

impl Found {
    /// What must not be, in words; nothing when all is well.
    pub(crate) fn flaws(&self, versions: u32) -> Vec<String> {
        let report = &self.replayed;
        let mut flaws: Vec<String> = report
            .findings
            .iter()
            .map(|finding| format!("entry {}: {}: {}", finding.index, finding.rule, finding.text))
            .collect();
        if self.without_entry > 0 {
            flaws.push(format!("{} answers are not in the log as told", self.without_entry));
        }
        if self.denied_without > 0 {
            flaws.push(format!("{} denials are not in the log", self.denied_without));
        }
        if self.unasked > 0 {
            flaws.push(format!("{} entries are of questions that nobody asked", self.unasked));
        }
        if self.adopted < versions {
            flaws.push(format!("of {versions} versions, {} came into force", self.adopted));
        }
        if report.unanswered > 0 {
            flaws.push(format!("{} intents have no outcome", report.unanswered));
        }
        flaws
    }

    /// The figures.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let findings = self.replayed.findings.len() as u64 + self.replayed.more_findings;
        vec![
            Line::told("entries in the log", self.replayed.entries as f64),
            Line::told("  outcomes", self.replayed.outcomes as f64),
            Line::told("    of these kept answers", self.replayed.cached as f64),
            Line::told("versions of the agreement that came into force", f64::from(self.adopted)),
            Line::told("answers that their entries bear out", self.borne_out as f64),
            Line::goal("answers without such an entry", self.without_entry as f64, 0.0),
            Line::told("denials that their entries bear out", self.denied as f64),
            Line::goal("denials without such an entry", self.denied_without as f64, 0.0),
            Line::goal("entries of questions that nobody asked", self.unasked as f64, 0.0),
            Line::goal("findings of the replay", findings as f64, 0.0),
            Line::goal("intents without an outcome", self.replayed.unanswered as f64, 0.0),
        ]
    }
}
