//! The part of an agreement's quota for one second that questions which can wait may use, handed out by their lanes.
//!
//! A turn of it is used up last, when everything else is there, so that none is lost. Whoever waits for it should hold no place
//! of the agency meanwhile: of each fact one question at a time goes on to the agency, and not before a turn is due.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::adapters::{FairPlace, FairPlaces, Pace, Waiter};
use crate::query::FactCode;

/// Of an agreement's quota for one second, one in so many is for questions that can wait, in the long run; half as much
/// again may come at once. So a quarter of every second is left to others.
const PART: u64 = 2;

/// The parts of all agreements' quotas, by agreement and quota: while one version gives way to the next, both have theirs.
#[derive(Default)]
pub(super) struct Quotas(Mutex<BTreeMap<String, BTreeMap<u64, Arc<Part>>>>);

/// The part of one agreement's quota.
pub(super) struct Part {
    pace: Pace,
    /// By fact, since what one waits for may be free for another: a breaker, the places of an operation.
    gates: Mutex<BTreeMap<FactCode, FairPlaces>>,
}

/// The only question of an agreement about its fact that is on its way to a turn.
pub(super) struct AtGate(#[expect(dead_code, reason = "held for its drop")] FairPlace);

impl Quotas {
    /// That of this agreement, whose quota for one second is this.
    pub(super) fn part(&self, agreement: &str, per_second: u64) -> Arc<Part> {
        let mut quotas = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(part) = quotas.get(agreement).and_then(|parts| parts.get(&per_second)) {
            return Arc::clone(part);
        }
        let parts = quotas.entry(agreement.to_owned()).or_default();
        Arc::clone(parts.entry(per_second).or_insert_with(|| Arc::new(Part::of(per_second))))
    }
}

impl Part {
    fn of(per_second: u64) -> Self {
        let part = per_second / PART;
        Self { pace: Pace::per_second(part, part / 2), gates: Mutex::default() }
    }

    /// Waits until this question is the next of its fact and a turn is due. Takes no turn yet.
    pub(super) async fn come_up(&self, fact: &FactCode, waiter: &Waiter) -> AtGate {
        let at_gate = AtGate(self.gate(fact).take(waiter).await);
        self.pace.due().await;
        at_gate
    }

    /// Takes a turn, when everything else is there. Another fact's question may have had the one that was due.
    pub(super) async fn take(&self, waiter: &Waiter) {
        self.pace.pass(waiter).await;
    }

    fn gate(&self, fact: &FactCode) -> FairPlaces {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.entry(fact.clone()).or_insert_with(|| FairPlaces::new(1)).clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::task::JoinSet;
    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::adapters::Lane;

    fn list(caller: &str) -> Waiter {
        Waiter { lane: Lane::Batches(caller.into()), since: Instant::now() }
    }

    fn case(caller: &str) -> Waiter {
        Waiter { lane: Lane::Cases(caller.into()), since: Instant::now() }
    }

    async fn whole(part: &Part, fact: &str, waiter: Waiter) -> Instant {
        let at_gate = part.come_up(&FactCode::new(fact), &waiter).await;
        part.take(&waiter).await;
        drop(at_gate);
        Instant::now()
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_came_first_does_not_stand_before_a_case() {
        let (part, begun) = (Arc::new(Part::of(10)), Instant::now());
        let mut rows = JoinSet::new();
        for _ in 0..300 {
            let part = Arc::clone(&part);
            rows.spawn(async move { whole(&part, "P1", list("centre/batch")).await });
        }
        tokio::time::sleep(Duration::from_millis(1_050)).await;
        let asked = Instant::now();
        let had = whole(&part, "P1", case("centre/approval")).await;
        // One turn may be promised to a row; five a second are handed out.
        assert!(had.duration_since(asked) <= Duration::from_millis(600), "{:?}", had - asked);
        let mut turns = Vec::new();
        while let Some(turn) = rows.join_next().await {
            turns.push(turn.unwrap());
        }
        let took = turns.iter().max().unwrap().duration_since(begun).as_millis();
        assert!((59_000..=60_500).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gives_up_at_the_agency_loses_no_turn_of_others() {
        let part = Part::of(2);
        whole(&part, "P1", list("a/b")).await;
        for _ in 0..5 {
            let waiter = list("a/b");
            let at_gate = part.come_up(&FactCode::new("P1"), &waiter).await;
            // Its time is over while it waits for the agency.
            drop(at_gate);
        }
        let begun = Instant::now();
        whole(&part, "P1", list("a/b")).await;
        assert_eq!(begun.elapsed(), Duration::ZERO, "the turn that was due is still there");
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_fact_waits_for_keeps_no_other_from_its_turns() {
        let part = Part::of(20);
        let stuck = part.come_up(&FactCode::new("P1"), &list("a/b")).await;
        let second = Duration::from_secs(1);
        assert!(timeout(second, part.come_up(&FactCode::new("P1"), &case("a/b"))).await.is_err());
        for _ in 0..10 {
            assert!(timeout(second, whole(&part, "P2", list("a/b"))).await.is_ok());
        }
        drop(stuck);
        assert!(timeout(second, whole(&part, "P1", case("a/b"))).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn never_more_than_three_quarters_of_a_second_are_used_in_one() {
        let part = Arc::new(Part::of(20));
        tokio::time::sleep(Duration::from_secs(60)).await;
        let mut asking = JoinSet::new();
        for number in 0..60 {
            let (part, fact) = (Arc::clone(&part), ["P1", "P2", "P4"][number % 3]);
            asking.spawn(async move { whole(&part, fact, list("a/b")).await });
        }
        let mut turns = Vec::new();
        while let Some(turn) = asking.join_next().await {
            turns.push(turn.unwrap());
        }
        turns.sort_unstable();
        for (at, first) in turns.iter().enumerate() {
            let within =
                turns[at..].iter().take_while(|turn| **turn < *first + Duration::from_millis(990));
            assert!(within.count() <= 15);
        }
    }

    #[test]
    fn another_quota_of_an_agreement_has_a_part_of_its_own() {
        let quotas = Quotas::default();
        let first = quotas.part("a", 10);
        assert!(Arc::ptr_eq(&first, &quotas.part("a", 10)));
        assert!(!Arc::ptr_eq(&first, &quotas.part("a", 20)));
        assert!(!Arc::ptr_eq(&first, &quotas.part("b", 10)));
        // Asked by turns under two versions, none begins anew.
        assert!(Arc::ptr_eq(&first, &quotas.part("a", 10)));
    }
}
