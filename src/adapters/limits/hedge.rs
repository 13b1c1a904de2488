//! A second question beside one that is slow; the first answer wins and the other question is given up.

use std::pin::pin;
use std::time::Duration;

use tokio::time::sleep;

use crate::adapters::failed::Failed;

/// Runs `first`. When that has brought nothing after `after`, runs beside it what `second` gives, if that gives any.
///
/// # Errors
/// The failure of both: that of the one which the agency answered, else of the last to fail.
pub(super) async fn race<T, F: Future<Output = Result<T, Failed>>>(
    first: impl Future<Output = Result<T, Failed>>,
    after: Duration,
    second: impl FnOnce() -> Option<F>,
) -> Result<T, Failed> {
    let mut first = pin!(first);
    tokio::select! {
        biased;
        ended = &mut first => return ended,
        () = sleep(after) => {}
    }
    let Some(second) = second() else { return first.await };
    let mut second = pin!(second);
    tokio::select! {
        biased;
        ended = &mut first => match ended {
            Err(failed) if !failed.answered => second.await,
            ended => ended,
        },
        ended = &mut second => match ended {
            Err(failed) if !failed.answered => first.await,
            ended => ended,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::Instant;

    use super::*;
    use crate::query::record::Unavailable;

    const AFTER: Duration = Duration::from_millis(300);

    /// Milliseconds until it ends, and whether it answers.
    async fn question(millis: u64, answer: Option<&'static str>) -> Result<&'static str, Failed> {
        sleep(Duration::from_millis(millis)).await;
        answer.ok_or_else(|| Failed::unanswered(Unavailable::Unreachable, "down"))
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_answer_wins() {
        for (first, second, expected, millis, hedged) in [
            ((200, Some("one")), (10, Some("two")), Some("one"), 200, false),
            ((200, None), (10, Some("two")), None, 200, false),
            ((900, Some("one")), (100, Some("two")), Some("two"), 400, true),
            ((900, Some("one")), (900, Some("two")), Some("one"), 900, true),
            ((900, Some("one")), (100, None), Some("one"), 900, true),
            ((900, None), (900, Some("two")), Some("two"), 1_200, true),
            ((900, None), (100, None), None, 900, true),
        ] {
            let begun = Instant::now();
            let was_hedged = Cell::new(false);
            let second = || {
                was_hedged.set(true);
                Some(question(second.0, second.1))
            };
            let won = race(question(first.0, first.1), AFTER, second).await;
            assert_eq!((won.ok(), was_hedged.get()), (expected, hedged));
            assert_eq!(begun.elapsed().as_millis(), u128::from(millis as u64));
        }
    }

    async fn refusal(millis: u64) -> Result<&'static str, Failed> {
        sleep(Duration::from_millis(millis)).await;
        Err(Failed::answered(Unavailable::Refused, "no"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_that_the_agency_answered_with_is_final() {
        let begun = Instant::now();
        let won = race(refusal(400), AFTER, || Some(question(900, Some("two")))).await;
        assert!(won.is_err_and(|failed| failed.answered));
        assert_eq!(begun.elapsed().as_millis(), 400);
        let won = race(question(900, Some("one")), AFTER, || Some(refusal(200))).await;
        assert!(won.is_err_and(|failed| failed.answered));
        assert_eq!(begun.elapsed().as_millis(), 900);
    }
}
