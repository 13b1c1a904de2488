//! What would change: one more agreement, all of them in the best order, and agreements that end.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::judge::judged;
use super::{Gain, ItemState, Lapse, QuestionState, Reach, Rise, Step, View};
use crate::catalogue::Item;
use crate::query::OrganisationId;
use crate::query::time::Timestamp;

/// An item, and how ready it is.
pub(super) struct Examined<'a> {
    pub(super) item: &'a Item,
    pub(super) state: &'a ItemState,
}

impl Examined<'_> {
    /// How far it would get if these of its questions were covered.
    fn reach(&self, is_covered: impl Fn(&QuestionState) -> bool) -> Reach {
        let covered = self.state.questions.iter().filter(|question| is_covered(question));
        judged(self.item, &covered.map(|question| question.name.as_str()).collect())
    }

    /// Items that get to another place.
    fn moved(&self, is_covered: impl Fn(&QuestionState) -> bool) -> Option<Rise> {
        let (from, to) = (self.state.reach, self.reach(is_covered));
        (from != to).then(|| Rise { item: self.state.item.clone(), from, to })
    }
}

/// Whether the question is covered once agreements with these agencies grant all there is to ask. An agreement mends no agency
/// that cannot be asked, but an adapter can be made for one that has none.
fn with(signed: &BTreeSet<&OrganisationId>) -> impl Fn(&QuestionState) -> bool {
    move |question| {
        let is_reached = question.adapter.as_ref().is_none_or(|reached| reached.is_serving);
        question.is_covered()
            || question.grant.is_none() && signed.contains(&question.agency) && is_reached
    }
}

fn questions<'a>(examined: &'a [Examined<'_>]) -> impl Iterator<Item = &'a QuestionState> {
    examined.iter().flat_map(|one| &one.state.questions)
}

/// Agencies that do not grant everything that is asked of them.
fn wanting<'a>(examined: &'a [Examined<'_>]) -> BTreeSet<&'a OrganisationId> {
    let denied = questions(examined).filter(|question| question.grant.is_none());
    denied.map(|question| &question.agency).collect()
}

/// What one more agreement would bring, the greatest gain first.
pub(super) fn gains(view: &View<'_>, examined: &[Examined<'_>]) -> Vec<Gain> {
    let gain = |agency: &OrganisationId| {
        let signed = BTreeSet::from([agency]);
        let is_covered = with(&signed);
        let denied: Vec<_> = questions(examined)
            .filter(|question| question.grant.is_none() && question.agency == *agency)
            .collect();
        let facts: BTreeSet<_> = denied.iter().map(|question| question.fact.clone()).collect();
        let unreached = facts.iter().filter(|fact| !view.adapters.contains_key(*fact));
        Gain {
            agency: agency.clone(),
            has_agreement: view.agreements.has_pair(&view.organisation, agency),
            questions: denied.len(),
            rises: examined.iter().filter_map(|one| one.moved(&is_covered)).collect(),
            needs_adapter: unreached.cloned().collect(),
            facts: facts.into_iter().collect(),
        }
    };
    let mut gains: Vec<Gain> = wanting(examined).into_iter().map(gain).collect();
    gains.sort_by_key(|gain| {
        let through = gain.rises.iter().filter(|rise| rise.to.is_through()).count();
        Reverse((gain.unlocked().count(), through, gain.questions, Reverse(gain.agency.clone())))
    });
    gains
}

/// In which order to sign, each time the greatest gain.
pub(super) fn road(examined: &[Examined<'_>]) -> Vec<Step> {
    let mut left = wanting(examined);
    let mut signed = BTreeSet::new();
    let mut road = Vec::new();
    while !left.is_empty() {
        let weighed = |agency: &&OrganisationId| {
            let mut signed = signed.clone();
            signed.insert(*agency);
            let is_covered = with(&signed);
            let reached: Vec<Reach> = examined.iter().map(|one| one.reach(&is_covered)).collect();
            let end_to_end = reached.iter().filter(|reach| **reach == Reach::EndToEnd).count();
            let through = reached.iter().filter(|reach| reach.is_through()).count();
            let covered = questions(examined).filter(|question| is_covered(question)).count();
            (end_to_end, through, covered)
        };
        // Of equals the first by name.
        let best = left.iter().rev().copied().max_by_key(weighed);
        let Some(agency) = best else { break };
        let (end_to_end, through, _) = weighed(&agency);
        left.remove(agency);
        signed.insert(agency);
        road.push(Step { agency: agency.clone(), end_to_end, through });
    }
    road
}

/// What opens nothing any more within the days looked ahead, the first to end first.
pub(super) fn lapses(view: &View<'_>, examined: &[Examined<'_>]) -> Vec<Lapse> {
    let horizon = view.at.plus(view.ahead);
    let ends = |question: &QuestionState| question.grant.as_ref().and_then(|grant| grant.until);
    let mut ending: BTreeMap<(Timestamp, &str, u32), usize> = BTreeMap::new();
    for question in questions(examined) {
        let Some(grant) = &question.grant else { continue };
        if let Some(on) = grant.until.filter(|on| *on <= horizon) {
            *ending.entry((on, &grant.agreement, grant.version)).or_default() += 1;
        }
    }
    let lapse = |((on, agreement, version), count): ((Timestamp, &str, u32), usize)| {
        let goes_on = |question: &QuestionState| {
            question.is_covered() && ends(question).is_none_or(|end| end > on)
        };
        let falls = examined.iter().filter_map(|one| one.moved(goes_on));
        Lapse {
            agreement: agreement.to_owned(),
            version,
            on,
            questions: count,
            items: falls.map(|fall| fall.item).collect(),
        }
    };
    ending.into_iter().map(lapse).collect()
}
