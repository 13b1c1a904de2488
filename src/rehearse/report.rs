//! What a rehearsal came to.

use std::collections::BTreeMap;

use super::Then;
use super::load::{Peaks, spent};
use super::under::Judged;
use crate::audit::entry::Outcome;
use crate::decision::facts::Facts;
use crate::query::{FactCode, ItemCode};
use crate::replay::Finding;

/// Entries named for each kind of change: enough to look a few up.
const MOST_EXAMPLES: usize = 10;

/// What the draft would have changed. Counts are of questions, each counted once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries of the log, of all kinds and times.
    pub entries: u64,
    /// Questions that have nothing to do with the draft.
    pub unconcerned: u64,
    /// Questions that do: those below, together.
    pub questions: u64,
    /// Permitted then and under the draft.
    pub still_permitted: u64,
    /// Denied then and under the draft, by the draft's code.
    pub still_denied: BTreeMap<&'static str, u64>,
    /// Denied then, permitted under the draft; by the code of then.
    pub newly_permitted: BTreeMap<String, Tally>,
    /// Permitted then, denied under the draft; by code.
    pub newly_denied: BTreeMap<&'static str, Tally>,
    /// Permitted then; under the draft it hangs on what the log does not hold. By the code of the denial it might be.
    pub untold_permitted: BTreeMap<&'static str, Tally>,
    /// The same of those denied then.
    pub untold_denied: BTreeMap<&'static str, Tally>,
    /// Questions that would have found the draft's quota used up, by code.
    pub spent: BTreeMap<&'static str, u64>,
    /// The busiest periods of questions that come under the draft, its quota aside.
    pub peaks: Peaks,
    /// Values that left, by attribute.
    pub attributes: BTreeMap<String, Attribute>,
    /// By fact and item.
    pub rows: BTreeMap<(FactCode, ItemCode), Row>,
    /// Agreements and orders of the log itself that are not what they should be.
    pub findings: Vec<Finding>,
}

/// How often, and where first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How often.
    pub count: u64,
    /// Indices of the first entries.
    pub examples: Vec<u64>,
}

impl Tally {
    fn add(&mut self, index: u64) {
        self.count += 1;
        if self.examples.len() < MOST_EXAMPLES {
            self.examples.push(index);
        }
    }
}

/// What became of the values of one attribute. Values are not in a log: these are answers that held one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attribute {
    /// Left whole then.
    pub whole: u64,
    /// Left in part then.
    pub in_part: u64,
    /// Of both: would leave as they did.
    pub same: u64,
    /// Left whole, would leave in part.
    pub masked: u64,
    /// Left in part, would leave whole.
    pub unmasked: u64,
    /// Left, would not leave.
    pub withheld: u64,
    /// Left; whether it would cannot be told.
    pub untold: u64,
    /// Asked for by questions denied then that would be permitted; whether the agency had a value nobody knows.
    pub newly: u64,
}

/// One fact asked for one item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Questions.
    pub questions: u64,
    /// Permitted then.
    pub permitted_then: u64,
    /// Permitted under the draft.
    pub permitted: u64,
    /// Of those, denied then.
    pub newly_permitted: u64,
    /// Denied under the draft, permitted then.
    pub newly_denied: u64,
    /// Cannot be told.
    pub untold: u64,
}

impl Report {
    /// Questions that were permitted and would be denied.
    pub fn newly_denied(&self) -> u64 {
        self.newly_denied.values().map(|tally| tally.count).sum()
    }

    /// Questions that were permitted, of which it cannot be told.
    pub fn untold_permitted(&self) -> u64 {
        self.untold_permitted.values().map(|tally| tally.count).sum()
    }

    pub(super) fn count(
        &mut self,
        index: u64,
        facts: &Facts,
        then: Then<'_>,
        judged: &Judged,
        id: &str,
    ) {
        self.questions += 1;
        let key = (facts.fact.clone().unwrap_or_default(), facts.item.clone());
        let row = self.rows.entry(key).or_default();
        row.questions += 1;
        row.permitted_then += u64::from(matches!(then, Then::Permitted(_)));
        row.permitted += u64::from(matches!(judged, Judged::Permitted(_)));
        match (then, judged) {
            (Then::Permitted(_), Judged::Permitted(_)) => self.still_permitted += 1,
            (Then::Permitted(_), Judged::Denied(denial)) => {
                row.newly_denied += 1;
                self.newly_denied.entry(denial.code()).or_default().add(index);
            }
            (Then::Denied(_), Judged::Denied(denial)) => {
                *self.still_denied.entry(denial.code()).or_default() += 1;
            }
            (Then::Denied(code), Judged::Permitted(_)) => {
                row.newly_permitted += 1;
                self.newly_permitted.entry(code.to_owned()).or_default().add(index);
                for name in &facts.disclose {
                    self.attribute(name).newly += 1;
                }
            }
            (Then::Permitted(_), Judged::Untold(code)) => {
                row.untold += 1;
                self.untold_permitted.entry(code).or_default().add(index);
            }
            (Then::Denied(_), Judged::Untold(code)) => {
                row.untold += 1;
                self.untold_denied.entry(code).or_default().add(index);
            }
        }
        if let Some(code) = spent(judged, id) {
            *self.spent.entry(code).or_default() += 1;
        }
    }

    /// Takes into account what left with an answer.
    pub(super) fn left(&mut self, outcome: &Outcome, judged: &Judged) {
        for name in &outcome.disclosed {
            let was_masked = outcome.masked.contains(name);
            let attribute = self.attribute(name);
            if was_masked {
                attribute.in_part += 1;
            } else {
                attribute.whole += 1;
            }
            let becomes = match judged {
                Judged::Permitted(permit) if permit.discloses(name) => {
                    match (was_masked, permit.mask(name).is_some()) {
                        (false, true) => &mut attribute.masked,
                        (true, false) => &mut attribute.unmasked,
                        (true, true) | (false, false) => &mut attribute.same,
                    }
                }
                Judged::Permitted(_) | Judged::Denied(_) => &mut attribute.withheld,
                Judged::Untold(_) => &mut attribute.untold,
            };
            *becomes += 1;
        }
    }

    fn attribute(&mut self, name: &str) -> &mut Attribute {
        self.attributes.entry(name.to_owned()).or_default()
    }
}
