//! Each caller's questions are numbered 1, 2, 3, …: a number twice or a number missing is a question unaccounted for.

use std::collections::{BTreeMap, HashMap};

use super::Report;
use crate::decision::facts::Facts;

/// Numbers that may be ahead of a missing one before it is given up: more than can be in flight.
const MOST_AHEAD: usize = 65_536;

#[derive(Default)]
pub(super) struct Callers(HashMap<String, Numbers>);

/// What was seen of one caller's numbers.
struct Numbers {
    /// All below this were seen.
    next: u64,
    /// Seen beyond it, with the entry: answers are recorded when they are there, not in the order of asking.
    ahead: BTreeMap<u64, u64>,
}

impl Callers {
    /// Takes the first entry of a question into account.
    pub(super) fn question(&mut self, index: u64, facts: &Facts, report: &mut Report) {
        let caller = format!("{}/{}", facts.caller.organisation, facts.caller.system);
        let numbers =
            self.0.entry(caller).or_insert_with(|| Numbers { next: 1, ahead: BTreeMap::new() });
        let number = facts.caller_sequence;
        if number < numbers.next || numbers.ahead.insert(number, index).is_some() {
            let caller = (&facts.caller.organisation, &facts.caller.system);
            let text = format!("question {number} of `{}/{}` stands twice", caller.0, caller.1);
            report.find(index, "sequence", text);
            return;
        }
        numbers.advance();
        if numbers.ahead.len() > MOST_AHEAD {
            numbers
                .close(&format!("{}/{}", facts.caller.organisation, facts.caller.system), report);
        }
    }

    /// Numbers that are still missing never came: forgets them and says how many there were.
    pub(super) fn lost(&mut self) -> u64 {
        self.0.values_mut().map(Numbers::skip).sum()
    }

    /// Numbers that are still missing are findings.
    pub(super) fn close(&mut self, report: &mut Report) {
        let mut callers: Vec<_> = self.0.iter_mut().collect();
        callers.sort_unstable_by_key(|(caller, _)| caller.as_str());
        for (caller, numbers) in callers {
            numbers.close(caller, report);
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

    fn close(&mut self, caller: &str, report: &mut Report) {
        while let Some((number, index)) = self.ahead.pop_first() {
            if number > self.next {
                let (first, last) = (self.next, number - 1);
                let text = format!("questions {first} to {last} of `{caller}` are missing");
                report.find(index, "sequence", text);
            }
            self.next = number + 1;
        }
    }
}
