//! Which entries of a log are meant.

use super::calendar::Range;
use super::fields::kind_name;
use super::known::Known;
use crate::audit::entry::{Entry, Kind};
use crate::decision::facts::Facts;
use crate::query::value::Verdict;

/// What an entry must be like; everything where nothing is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Organisation that asked.
    pub caller: Option<String>,
    /// Its system.
    pub system: Option<String>,
    /// Organisation that answers.
    pub provider: Option<String>,
    /// Code of the fact.
    pub fact: Option<String>,
    /// Code of the item.
    pub item: Option<String>,
    /// Case number.
    pub case: Option<String>,
    /// Agreement, also of denials that it could have permitted.
    pub agreement: Option<String>,
    /// When the question came in, or the event happened.
    pub range: Range,
    /// Verdict of the answer.
    pub verdict: Option<Verdict>,
    /// Code of the denial.
    pub denial: Option<String>,
    /// Kind of entry.
    pub kind: Option<String>,
    /// The caller's id of the request.
    pub request: Option<[u8; 16]>,
}

impl Selection {
    /// True when the entry is meant. `known` must have seen the entries before it.
    pub fn takes(&self, entry: &Entry, known: &Known) -> bool {
        let kind = &entry.kind;
        self.range.holds(entry.at)
            && self.kind.as_ref().is_none_or(|wanted| wanted == kind_name(kind))
            && self.verdict.is_none_or(|wanted| verdict(kind) == Some(wanted))
            && self.denial.as_ref().is_none_or(|wanted| code(kind) == Some(wanted))
            && self.agreement.as_ref().is_none_or(|wanted| {
                known.agreement_of(kind).is_some_and(|agreement| agreement == wanted)
            })
            && (!self.is_about_questions()
                || kind.facts().is_some_and(|facts| self.takes_question(facts)))
    }

    fn is_about_questions(&self) -> bool {
        let texts =
            [&self.caller, &self.system, &self.provider, &self.fact, &self.item, &self.case];
        self.request.is_some() || texts.iter().any(|text| text.is_some())
    }

    fn takes_question(&self, facts: &Facts) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        is(&self.caller, Some(facts.caller.organisation.as_str()))
            && is(&self.system, Some(facts.caller.system.as_str()))
            && is(&self.provider, facts.provider.as_ref().map(|provider| provider.as_str()))
            && is(&self.fact, facts.fact.as_ref().map(|fact| fact.as_str()))
            && is(&self.item, Some(facts.item.as_str()))
            && is(&self.case, Some(&facts.case_number))
            && self.request.is_none_or(|wanted| wanted == facts.request_id)
    }
}

fn verdict(kind: &Kind) -> Option<Verdict> {
    match kind {
        Kind::Outcome(outcome) => Some(outcome.verdict),
        _ => None,
    }
}

fn code(kind: &Kind) -> Option<&String> {
    match kind {
        Kind::Denial(denied) => Some(&denied.code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::entry::{NodeChange, NodeEvent};
    use crate::audit::testing;
    use crate::query::time::Timestamp;

    #[test]
    fn every_condition_must_hold() {
        let denial = testing::denial(7);
        let at = denial.at;
        let created = NodeEvent { change: NodeChange::Created, version: "1".into() };
        let node = Entry { at, kind: Kind::Node(created) };
        let takes = |selection: &Selection, entry| selection.takes(entry, &Known::default());
        let everything = Selection::default();
        assert!(takes(&everything, &denial) && takes(&everything, &node));
        let some = |text: &str| Some(text.to_owned());
        let mut request = [0; 16];
        request[7] = 7;
        for (good, bad) in [
            (
                Selection { caller: some("fund-centre"), ..Selection::default() },
                Selection { caller: some("audit-office"), ..Selection::default() },
            ),
            (
                Selection { system: some("approval"), ..Selection::default() },
                Selection { system: some("other"), ..Selection::default() },
            ),
            (
                Selection { provider: some("civil-affairs"), ..Selection::default() },
                Selection { provider: some("fund-centre"), ..Selection::default() },
            ),
            (
                Selection { fact: some("M1"), item: some("W3"), ..Selection::default() },
                Selection { fact: some("M1"), item: some("W4"), ..Selection::default() },
            ),
            (
                Selection { case: some("GJJ-2026-000001"), ..Selection::default() },
                Selection { case: some("GJJ-2026-00000"), ..Selection::default() },
            ),
            (
                Selection { denial: some("NO_AGREEMENT"), ..Selection::default() },
                Selection { denial: some("EXPIRED"), ..Selection::default() },
            ),
            (
                Selection { kind: some("denial"), ..Selection::default() },
                Selection { kind: some("outcome"), ..Selection::default() },
            ),
            (
                Selection { request: Some(request), ..Selection::default() },
                Selection { request: Some([0; 16]), ..Selection::default() },
            ),
            (
                Selection { range: Range { from: Some(at), until: None }, ..Selection::default() },
                Selection { range: Range { from: None, until: Some(at) }, ..Selection::default() },
            ),
            (
                Selection::default(),
                Selection { verdict: Some(Verdict::Confirmed), ..Selection::default() },
            ),
            (Selection::default(), Selection { agreement: some("mz"), ..Selection::default() }),
        ] {
            assert!(takes(&good, &denial), "{good:?}");
            assert!(!takes(&bad, &denial), "{bad:?}");
            let is_question = good.is_about_questions() || good.denial.is_some();
            assert!(!(is_question && takes(&good, &node)), "{good:?}");
        }
        assert_eq!(at, Timestamp(1_800_000_000_000_007));
    }
}
