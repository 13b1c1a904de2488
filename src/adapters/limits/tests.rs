//! What reaches an agency, counted: with stopped time, so that nothing hangs on the machine.

use std::cell::Cell;
use std::num::NonZeroU32;

use super::*;

fn fact(code: &str) -> FactCode {
    FactCode::new(code)
}

/// Limits of one adapter with two operations: M1 as the adapter, M2 as given.
fn limits(resilience: Resilience, narrower: Narrower) -> Limits {
    let (one, two) = (fact("M1"), fact("M2"));
    let plain = Narrower::default();
    Limits::new("trial", &resilience, [(&one, true, &plain), (&two, true, &narrower)].into_iter())
}

fn patient() -> BreakerTerms {
    BreakerTerms { enough: 1_000_000, window: 1_000_000, ..BreakerTerms::default() }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

async fn fails(heard: &Cell<u32>) -> Result<(), Failed> {
    heard.set(heard.get() + 1);
    Err(Failed::unanswered(Unavailable::Unreachable, "down"))
}

async fn answers(heard: &Cell<u32>, millis: u64) -> Result<(), Failed> {
    heard.set(heard.get() + 1);
    sleep(Duration::from_millis(millis)).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn no_more_than_its_budget_reaches_an_agency_that_fails_at_once() {
    let resilience =
        Resilience { retries: 3, retry_floor: 0, breaker: patient(), ..Resilience::default() };
    let limits = limits(resilience, Narrower::default());
    let heard = Cell::new(0);
    for _ in 0..100 {
        let failed = limits.run(&fact("M1"), soon(), || fails(&heard)).await.unwrap_err();
        assert_eq!(failed.reason, Unavailable::Unreachable);
    }
    // One in ten of what was asked in the last ten seconds, and never more.
    assert!((105..=110).contains(&heard.get()), "{}", heard.get());
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_ends_even_that() {
    let limits = limits(Resilience::default(), Narrower::default());
    let heard = Cell::new(0);
    for _ in 0..100 {
        assert!(limits.run(&fact("M1"), soon(), || fails(&heard)).await.is_err());
    }
    assert_eq!(heard.get(), 6, "as many as open it");
    assert!(matches!(limits.breaker(), Breaker::Open(_)));
    // It is the adapter's: the other operation is not asked either.
    let failed = limits.run(&fact("M2"), soon(), || fails(&heard)).await.unwrap_err();
    assert_eq!((failed.reason, heard.get()), (Unavailable::BreakerOpen, 6));
    assert!(failed.retry_after.is_some_and(|wait| wait <= Duration::from_secs(10)));
}

#[tokio::test(start_paused = true)]
async fn an_operation_with_a_breaker_of_its_own_leaves_the_others_alone() {
    let narrower = Narrower { breaker: Some(BreakerTerms::default()), ..Narrower::default() };
    let limits = limits(Resilience { retries: 0, ..Resilience::default() }, narrower);
    let heard = Cell::new(0);
    for _ in 0..20 {
        assert!(limits.run(&fact("M2"), soon(), || fails(&heard)).await.is_err());
    }
    assert_eq!(heard.get(), 6);
    assert!(limits.run(&fact("M1"), soon(), || answers(&heard, 1)).await.is_ok());
    assert!(matches!(limits.breaker(), Breaker::Open(_)), "the strictest is told");
}

#[tokio::test(start_paused = true)]
async fn an_operation_has_places_a_rate_and_a_time_limit_of_its_own() {
    let two = NonZeroU32::new(2).unwrap();
    let narrower = Narrower {
        max_in_flight: Some(1),
        rate: Some(RateTerms { per_second: two, burst: two }),
        attempt_timeout: Some(Duration::from_millis(100)),
        retries: Some(0),
        ..Narrower::default()
    };
    let limits = limits(Resilience::default(), narrower);
    let heard = Cell::new(0);
    let (code, other) = (fact("M2"), fact("M1"));
    let (one, two, third) = tokio::join!(
        limits.run(&code, soon(), || answers(&heard, 10)),
        limits.run(&code, soon(), || answers(&heard, 10)),
        limits.run(&other, soon(), || answers(&heard, 10)),
    );
    assert!(one.is_ok() && third.is_ok());
    assert_eq!(two.unwrap_err().reason, Unavailable::Overloaded);

    let failed = limits.run(&code, soon(), || answers(&heard, 500)).await.unwrap_err();
    assert_eq!((failed.reason, heard.get()), (Unavailable::Timeout, 3));
    assert!(failed.detail.contains("attempt_timeout"), "{}", failed.detail);
    let hurried = Instant::now() + Duration::from_millis(50);
    let failed = limits.run(&code, hurried, || answers(&heard, 10)).await.unwrap_err();
    assert_eq!((failed.reason, heard.get()), (Unavailable::Overloaded, 3));
    assert!(limits.run(&other, soon(), || answers(&heard, 500)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_hedge_counts_against_the_budget() {
    let after = Duration::from_millis(300);
    let resilience = Resilience {
        hedge_after: Some(after),
        retry_budget: 0.5,
        retry_floor: 0,
        ..Resilience::default()
    };
    let limits = limits(resilience, Narrower::default());
    let heard = Cell::new(0);
    let slow = || async {
        let turn = heard.get();
        answers(&heard, if turn.is_multiple_of(3) { 10_000 } else { 10 }).await
    };
    let begun = Instant::now();
    assert!(limits.run(&fact("M1"), soon(), slow).await.is_ok());
    assert_eq!((heard.get(), begun.elapsed().as_secs()), (1, 10), "nothing is left to hedge with");
    for _ in 0..2 {
        assert!(limits.run(&fact("M1"), soon(), || answers(&heard, 10)).await.is_ok());
    }
    let begun = Instant::now();
    assert!(limits.run(&fact("M1"), soon(), slow).await.is_ok());
    assert_eq!((heard.get(), begun.elapsed().as_millis()), (5, 310), "the second answer won");
    assert_eq!(limits.breaker(), Breaker::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_over_all_attempts_and_their_turns() {
    let resilience = Resilience {
        retries: 3,
        retry_budget: 1.0,
        retry_floor: 100,
        breaker: patient(),
        attempt_timeout: Some(Duration::from_millis(400)),
        ..Resilience::default()
    };
    for (millis, attempts, ends) in
        [(350, 1, 350), (420, 1, 400), (700, 2, 700), (1_300, 3, 1_300), (60_000, 4, 1_750)]
    {
        let limits = limits(resilience, Narrower::default());
        let (heard, begun) = (Cell::new(0), Instant::now());
        let deadline = begun + Duration::from_millis(millis);
        let failed =
            limits.run(&fact("M1"), deadline, || answers(&heard, 60_000)).await.unwrap_err();
        assert_eq!((failed.reason, heard.get()), (Unavailable::Timeout, attempts), "{millis}");
        assert_eq!(begun.elapsed().as_millis(), ends, "{millis}");
    }
    // A turn of the rate that comes too late leaves the first failure as it was.
    let limits = limits(Resilience { rate: rate(1, 1), ..resilience }, Narrower::default());
    let (heard, begun) = (Cell::new(0), Instant::now());
    let deadline = begun + Duration::from_millis(900);
    let failed = limits.run(&fact("M1"), deadline, || fails(&heard)).await.unwrap_err();
    assert_eq!((failed.reason, heard.get()), (Unavailable::Unreachable, 1));
    assert!(begun.elapsed() < Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn only_what_nobody_answered_is_repeated_and_only_an_agency_that_is_ill_is_spared() {
    let told_again = |failed| Failed { is_repeated: true, ..failed };
    let (unanswered, answered) = (Failed::unanswered, Failed::answered);
    for (failed, attempts, breaker) in [
        (unanswered(Unavailable::Unreachable, "".to_owned()), 2, "open"),
        (unanswered(Unavailable::Timeout, "".to_owned()), 2, "open"),
        (answered(Unavailable::Unreachable, "".to_owned()), 1, "open"),
        (answered(Unavailable::Timeout, "".to_owned()), 1, "open"),
        (unanswered(Unavailable::Refused, "".to_owned()), 1, "open"),
        (answered(Unavailable::Refused, "".to_owned()), 1, "open"),
        (answered(Unavailable::ContractError, "".to_owned()), 1, "closed"),
        (told_again(unanswered(Unavailable::Unreachable, "".to_owned())), 1, "closed"),
    ] {
        for enough in [1, 9] {
            let terms = BreakerTerms { enough, ..BreakerTerms::default() };
            let resilience = Resilience { breaker: terms, ..Resilience::default() };
            let limits = limits(resilience, Narrower::default());
            let heard = Cell::new(0);
            let attempt = || async {
                heard.set(heard.get() + 1);
                Err::<(), _>(failed.clone())
            };
            let ended = limits.run(&fact("M1"), soon(), attempt).await;
            assert_eq!(ended, Err(failed.clone()));
            match enough {
                // A breaker that one failure opens leaves nothing to repeat.
                1 => assert_eq!(limits.breaker().name(), breaker, "{failed:?}"),
                _ => assert_eq!(heard.get(), attempts, "{failed:?}"),
            }
        }
    }
}

fn rate(per_second: u32, burst: u32) -> Option<RateTerms> {
    let number = |number| NonZeroU32::new(number).unwrap();
    Some(RateTerms { per_second: number(per_second), burst: number(burst) })
}

#[tokio::test(start_paused = true)]
async fn a_question_that_an_open_breaker_refuses_takes_no_turn() {
    let breaker = BreakerTerms { enough: 1, ..BreakerTerms::default() };
    let resilience = Resilience { retries: 0, breaker, rate: rate(1, 5), ..Resilience::default() };
    let limits = limits(resilience, Narrower::default());
    let heard = Cell::new(0);
    for _ in 0..3 {
        assert!(limits.run(&fact("M1"), soon(), || fails(&heard)).await.is_err());
        assert_eq!(limits.rate_left().map(|rate| rate.left), Some(4));
    }
    assert_eq!(heard.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_waits_for_its_own_turn_keeps_none_from_the_others() {
    let own = Narrower { rate: rate(1, 1), ..Narrower::default() };
    let limits = limits(Resilience { rate: rate(2, 2), ..Resilience::default() }, own);
    let (heard, begun) = (Cell::new(0), Instant::now());
    assert!(limits.run(&fact("M2"), soon(), || answers(&heard, 0)).await.is_ok());
    let at_once = async {
        assert!(limits.run(&fact("M1"), soon(), || answers(&heard, 0)).await.is_ok());
        begun.elapsed().as_millis()
    };
    let own = fact("M2");
    let waits = limits.run(&own, soon(), || answers(&heard, 0));
    let (waited, took) = tokio::join!(waits, at_once);
    assert!(waited.is_ok() && took < 10, "{took}");
    assert!(begun.elapsed().as_millis() >= 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_hedge_waits_for_nothing_and_tries_nothing() {
    let hedged = Resilience {
        hedge_after: Some(Duration::from_millis(300)),
        retries: 0,
        ..Resilience::default()
    };
    let heard = Cell::new(0);
    // There is no turn for it.
    let limited = limits(Resilience { rate: rate(1, 1), ..hedged }, Narrower::default());
    assert!(limited.run(&fact("M1"), soon(), || answers(&heard, 900)).await.is_ok());
    assert_eq!(heard.get(), 1);
    // The agency is being tried, and another could try it.
    let breaker = BreakerTerms { enough: 1, probes: 2, ..BreakerTerms::default() };
    let tried = limits(Resilience { breaker, ..hedged }, Narrower::default());
    assert!(tried.run(&fact("M1"), soon(), || fails(&heard)).await.is_err());
    sleep(breaker.open_for).await;
    assert!(tried.run(&fact("M1"), soon(), || answers(&heard, 900)).await.is_ok());
    assert_eq!((heard.get(), tried.breaker()), (3, Breaker::HalfOpen));
}

#[tokio::test(start_paused = true)]
async fn a_hurried_callers_deadline_says_nothing_about_the_agency() {
    let limits = limits(Resilience { retries: 0, ..Resilience::default() }, Narrower::default());
    let heard = Cell::new(0);
    for (millis, expected) in
        [(900, Breaker::Closed), (1_100, Breaker::Open(Duration::from_secs(10)))]
    {
        for _ in 0..6 {
            let deadline = Instant::now() + Duration::from_millis(millis);
            assert!(limits.run(&fact("M1"), deadline, || answers(&heard, 60_000)).await.is_err());
        }
        assert_eq!(limits.breaker(), expected);
    }
}

/// Of four questions to a database that hangs three do not even get a connection.
#[tokio::test(start_paused = true)]
async fn what_was_not_put_does_not_count_as_an_answer() {
    let limits = limits(Resilience { retries: 0, ..Resilience::default() }, Narrower::default());
    let put = Cell::new(0);
    let no_connection = || async { Err(Failed::unanswered(Unavailable::Overloaded, "none free")) };
    let not_rendered = || async { Err(Failed::contract("no such character").before_asking()) };
    for _ in 0..6 {
        assert_eq!(limits.breaker(), Breaker::Closed);
        for _ in 0..3 {
            let kept: Result<(), Failed> = limits.run(&fact("M1"), soon(), no_connection).await;
            assert_eq!(kept.unwrap_err().reason, Unavailable::Overloaded);
        }
        let _silent = limits.run(&fact("M1"), soon(), || fails(&put)).await;
    }
    assert!(matches!(limits.breaker(), Breaker::Open(_)), "{:?}", limits.breaker());

    // Nor does it when it is the one that tries: the next one does.
    sleep(BreakerTerms::default().open_for).await;
    for _ in 0..2 {
        let flawed: Result<(), Failed> = limits.run(&fact("M1"), soon(), not_rendered).await;
        assert_eq!(flawed.unwrap_err().reason, Unavailable::ContractError);
        assert_eq!(limits.breaker(), Breaker::HalfOpen);
    }
    let heard = || async { Err(Failed::contract("a reply that does not fit")) };
    let told: Result<(), Failed> = limits.run(&fact("M1"), soon(), heard).await;
    assert!(told.is_err());
    assert_eq!(limits.breaker(), Breaker::Closed, "it was heard");
}
