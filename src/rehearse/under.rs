//! What was in force between the two parties, and the same with the draft in its place.

use std::collections::VecDeque;
use std::sync::Arc;

use super::load::Load;
use super::{Plan, Then, demands};
use crate::decision::agreement::Agreement;
use crate::decision::agreements::AgreementSet;
use crate::decision::denial::Denial;
use crate::decision::facts::Facts;
use crate::decision::halts::Halts;
use crate::decision::{Decision, Permit, RULES, decide};
use crate::query::time::Timestamp;
use crate::replay::TURNS_OVER_IN;

/// Earlier pairs kept: as many as a replay keeps.
const EARLIER: usize = 64;

/// What becomes of a question under the draft.
#[derive(Clone, Debug)]
pub(super) enum Judged {
    Permitted(Permit),
    Denied(Denial),
    /// It would be denied with this code, for something that the log does not hold or nobody asked for then.
    Untold(&'static str),
}

/// The agreements of the two parties as they were, and as they would have been.
pub(super) struct Views {
    draft: Arc<Agreement>,
    /// Then no other version of it is looked at.
    ignores_dates: bool,
    current: Pair,
    /// Pairs that are over, with the last moment at which they can have decided; newest first.
    earlier: VecDeque<(Timestamp, Pair)>,
}

struct Pair {
    between: Vec<Arc<Agreement>>,
    halts: Halts,
    then: AgreementSet,
    under: AgreementSet,
}

/// The draft with the dates that count.
pub(super) fn dated(plan: &Plan) -> Agreement {
    let mut draft = plan.draft.clone();
    if plan.ignores_dates {
        (draft.effective_from, draft.effective_to) = (Timestamp(0), Timestamp(u64::MAX));
    }
    draft
}

impl Views {
    pub(super) fn new(draft: Arc<Agreement>, ignores_dates: bool) -> Self {
        let current = Pair::new(Vec::new(), Halts::default(), &draft, ignores_dates);
        Self { draft, ignores_dates, current, earlier: VecDeque::new() }
    }

    /// From `at` on these are in force.
    pub(super) fn turn_over(&mut self, in_force: &AgreementSet, at: Timestamp) {
        let draft = &self.draft;
        let between: Vec<_> = in_force
            .all()
            .iter()
            .filter(|one| one.consumer == draft.consumer && one.provider == draft.provider)
            .map(Arc::clone)
            .collect();
        let halts = in_force.halts();
        if between == self.current.between && *halts == self.current.halts {
            return;
        }
        let next = Pair::new(between, halts.clone(), draft, self.ignores_dates);
        let over = std::mem::replace(&mut self.current, next);
        self.earlier.push_front((at.plus(TURNS_OVER_IN), over));
        self.earlier.truncate(EARLIER);
    }

    /// What becomes of the question under the draft, whose quota is used as `load` says.
    pub(super) fn judge(&self, facts: &Facts, then: Then<'_>, load: &Load) -> Judged {
        let pair = self.at(facts, then);
        let mut asked = facts.clone();
        asked.rules = RULES;
        asked.quota.retain(|used| used.agreement != self.draft.id);
        asked.quota.push(load.used(&self.draft.id, facts.received_at));
        let unknown = demands::carry_over(&mut asked, &self.draft, &pair.then);
        let denial = match decide(&asked, &pair.under) {
            Decision::Permit(permit) => return Judged::Permitted(permit),
            Decision::Deny(denial) => denial,
        };
        if matches!(then, Then::Denied(code) if code == denial.code()) {
            return Judged::Denied(denial);
        }
        let mut beyond = None;
        for better in demands::met(&asked, &self.draft, &unknown) {
            match decide(&better, &pair.under) {
                Decision::Permit(_) => return Judged::Untold(denial.code()),
                // What no caller could have cured is the better reason.
                Decision::Deny(other) if other != denial => beyond = Some(other),
                Decision::Deny(_) => {}
            }
        }
        Judged::Denied(beyond.unwrap_or(denial))
    }

    /// What decided then: of several that may have, the one that decides as the log says.
    fn at(&self, facts: &Facts, then: Then<'_>) -> &Pair {
        let mut earlier =
            self.earlier.iter().take_while(|(until, _)| facts.received_at <= *until).peekable();
        if earlier.peek().is_none() {
            return &self.current;
        }
        let decides = |pair: &&Pair| match (decide(facts, &pair.then), then) {
            (Decision::Permit(permit), Then::Permitted(by)) => permit.is(by),
            (Decision::Deny(denial), Then::Denied(code)) => denial.code() == code,
            _ => false,
        };
        let mut pairs = std::iter::once(&self.current).chain(earlier.map(|(_, pair)| pair));
        pairs.find(decides).unwrap_or(&self.current)
    }
}

impl Pair {
    fn new(
        between: Vec<Arc<Agreement>>,
        halts: Halts,
        draft: &Arc<Agreement>,
        ignores_dates: bool,
    ) -> Self {
        let is_replaced =
            |one: &Agreement| one.id == draft.id && (ignores_dates || one.version >= draft.version);
        let others = between.iter().filter(|one| !is_replaced(one));
        let under = AgreementSet::new(others.chain([draft]).map(Arc::clone));
        let under = under.halted_by(halts.clone());
        let then = AgreementSet::new(between.iter().map(Arc::clone)).halted_by(halts.clone());
        Self { between, halts, then, under }
    }
}
