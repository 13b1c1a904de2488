//! Each caller's questions are numbered 1, 2, 3, …: a number twice or a number missing is a question unaccounted for.

use std::collections::{BTreeMap, HashMap};

use super::Report;
use crate::decision::facts::Facts;
use crate::query::{OrganisationId, SystemId};

/// Numbers that may be ahead of a missing one before it is given up: more than can be in flight.
const MOST_AHEAD: usize = 65_536;

#[derive(Default)]
pub(super) struct Callers {
    ids: HashMap<OrganisationId, HashMap<SystemId, CallerId>>,
    /// By id.
    callers: Vec<Numbers>,
}

/// A caller, by the order of appearance.
pub(super) type CallerId = usize;

/// What was seen of one caller's numbers.
struct Numbers {
    /// Organisation and system, for findings.
    name: String,
    /// All below this were seen.
    next: u64,
    /// Seen beyond it, with the entry: answers are recorded when they are there, not in the order of asking.
    ahead: BTreeMap<u64, u64>,
}

impl Callers {
    /// Who asks.
    pub(super) fn of(&mut self, facts: &Facts) -> CallerId {
        if !facts.caller.standing.is_vouched() {
            let (nobody, certificate) = facts.caller.numbered_as();
            return self.named(&nobody, &certificate);
        }
        self.named(&facts.caller.organisation, &facts.caller.system)
    }

    fn named(&mut self, organisation: &OrganisationId, system: &SystemId) -> CallerId {
        let known = self.ids.get(organisation).and_then(|systems| systems.get(system));
        if let Some(id) = known {
            return *id;
        }
        let id = self.callers.len();
        let name = format!("{organisation}/{system}");
        self.callers.push(Numbers { name, next: 1, ahead: BTreeMap::new() });
        self.ids.entry(organisation.clone()).or_default().insert(system.clone(), id);
        id
    }

    /// Takes the first entry of a caller's question into account.
    pub(super) fn question(
        &mut self,
        index: u64,
        caller: CallerId,
        facts: &Facts,
        report: &mut Report,
    ) {
        let Some(numbers) = self.callers.get_mut(caller) else { return };
        let number = facts.caller_sequence;
        if number == numbers.next {
            numbers.next += 1;
            numbers.advance();
            return;
        }
        if number < numbers.next || numbers.ahead.insert(number, index).is_some() {
            let text = format!("question {number} of `{}` stands twice", numbers.name);
            report.find(index, "sequence", text);
            return;
        }
        if numbers.ahead.len() > MOST_AHEAD {
            numbers.close(report);
        }
    }

    /// Numbers that are still missing never came: forgets them and says how many there were.
    pub(super) fn lost(&mut self) -> u64 {
        self.callers.iter_mut().map(Numbers::skip).sum()
    }

    /// Numbers that are still missing are findings.
    pub(super) fn close(&mut self, report: &mut Report) {
        let mut callers: Vec<_> = self.callers.iter_mut().collect();
        callers.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        for numbers in callers {
            numbers.close(report);
        }
    }
}

impl Numbers {
    fn advance(&mut self) {
        while self.ahead.remove(&self.next).is_some() {
            self.next += 1;
        }
    }

    fn skip(&mut self) -> u64 {
        let Some((&last, _)) = self.ahead.last_key_value() else { return 0 };
        let missing = last + 1 - self.next - self.ahead.len() as u64;
        self.next = last + 1;
        self.ahead.clear();
        missing
    }

    fn close(&mut self, report: &mut Report) {
        while let Some((number, index)) = self.ahead.pop_first() {
            if number > self.next {
                let (first, last) = (self.next, number - 1);
                let text = format!("questions {first} to {last} of `{}` are missing", self.name);
                report.find(index, "sequence", text);
            }
            self.next = number + 1;
        }
    }
}
