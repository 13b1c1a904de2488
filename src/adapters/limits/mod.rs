//! How every agency is asked, once for all transports. From outside in:
//!
//! 1. maintenance (in [`Adapter::ask`](crate::adapters::Adapter::ask)): the agency has said that it is not there;
//! 2. places, the adapter's and the operation's: one question too many is refused at once, it does not queue;
//! 3. the breaker, looked at before a turn of the rate is spent on it;
//! 4. the rate, the adapter's and the operation's: waits within the question's deadline;
//! 5. the attempt, with its own time limit, and perhaps a hedge beside it;
//! 6. perhaps another attempt, through 3 to 5 again, as far as the budget goes.
//!
//! The question's deadline is over all of it. Nothing is shared between adapters, so that none can slow down another.

mod breaker;
mod budget;
mod fair;
mod hedge;
mod maintenance;
mod patient;
mod rate;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, counter};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout_at};

use self::breaker::{Circuit, Leave, Verdict};
use self::budget::Budget;
use self::patient::{Passed, Queue};
use self::rate::Rate;
use crate::adapters::failed::Failed;
use crate::adapters::latency::{Latencies, Latency};
use crate::adapters::manifest::{Narrower, Resilience};
use crate::query::FactCode;
use crate::query::record::Unavailable;
use crate::telemetry;

pub use self::breaker::Breaker;
pub(crate) use self::breaker::Terms as BreakerTerms;
pub use self::fair::{FairPlace, FairPlaces, Lane, Waiter};
pub use self::maintenance::Span;
pub(crate) use self::maintenance::{Maintenance, Window};
pub use self::patient::{Pace, Turn};
pub use self::rate::RateLeft;
pub(crate) use self::rate::Terms as RateTerms;

/// An attempt that its question's deadline ended before this says nothing about the agency: a hurried caller must not
/// open the breaker for everybody. Longer than a healthy agency takes.
const FAIR: Duration = Duration::from_secs(1);
/// Before another attempt: long enough for a restarting server's next connection, short enough for a caller who waits.
const PAUSE: Duration = Duration::from_millis(50);

/// The limits towards one agency.
pub(crate) struct Limits {
    bounds: Bounds,
    breaker: Circuit,
    budget: Budget,
    operations: BTreeMap<FactCode, OperationLimits>,
    latencies: Arc<Latencies>,
    meters: Meters,
}

/// How many at once, and how many a second.
struct Bounds {
    places: Option<(Semaphore, usize)>,
    rate: Option<Rate>,
    /// Where those wait who can.
    queue: Queue,
}

/// What holds for one operation beside the adapter's own limits.
struct OperationLimits {
    idempotent: bool,
    bounds: Bounds,
    /// In the place of the adapter's.
    breaker: Option<Circuit>,
    retries: u32,
    attempt_timeout: Option<Duration>,
    hedge_after: Option<Duration>,
}

/// What an agency hears, counted for the metrics.
struct Meters {
    first: Counter,
    retry: Counter,
    hedge: Counter,
}

impl Limits {
    /// As the manifest sets them. `operations` says of each whether asking twice does no harm.
    pub(crate) fn new<'a>(
        adapter: &str,
        resilience: &Resilience,
        operations: impl Iterator<Item = (&'a FactCode, bool, &'a Narrower)>,
    ) -> Self {
        let operations = operations.map(|(fact, idempotent, narrower)| {
            let limits = OperationLimits {
                idempotent,
                bounds: Bounds::new(narrower.max_in_flight, narrower.rate),
                breaker: narrower.breaker.map(Circuit::new),
                retries: narrower.retries.unwrap_or(resilience.retries),
                attempt_timeout: narrower.attempt_timeout.or(resilience.attempt_timeout),
                hedge_after: narrower.hedge_after.or(resilience.hedge_after),
            };
            (fact.clone(), limits)
        });
        Self {
            bounds: Bounds::new(Some(resilience.max_in_flight), resilience.rate),
            breaker: Circuit::new(resilience.breaker),
            budget: Budget::new(resilience.retry_budget, resilience.retry_floor),
            operations: operations.collect(),
            latencies: Arc::new(Latencies::new()),
            meters: Meters::of(adapter),
        }
    }

    /// Goes on counting how long attempts take where another version of the manifest is.
    pub(crate) fn remember(&mut self, before: &Self) {
        self.latencies = Arc::clone(&before.latencies);
    }

    /// Questions under way.
    pub(crate) fn in_flight(&self) -> usize {
        let taken = |(places, most): &(Semaphore, usize)| most - places.available_permits();
        self.bounds.places.as_ref().map_or(0, taken)
    }

    /// Questions that may be under way at once.
    pub(crate) fn max_in_flight(&self) -> usize {
        self.bounds.places.as_ref().map_or(0, |(_, most)| *most)
    }

    /// What is left of the adapter's rate, where it has one.
    pub(crate) fn rate_left(&self) -> Option<RateLeft> {
        self.bounds.rate.as_ref().map(Rate::left)
    }

    /// What the breakers let pass: of several, what the strictest does.
    pub(crate) fn breaker(&self) -> Breaker {
        let now = Instant::now();
        let own = self.operations.values().filter_map(|operation| operation.breaker.as_ref());
        let states = own.chain([&self.breaker]).map(|circuit| circuit.state(now));
        let strictness = |state: &Breaker| match state {
            Breaker::Closed => (0, Duration::ZERO),
            Breaker::HalfOpen => (1, Duration::ZERO),
            Breaker::Open(left) => (2, *left),
        };
        states.max_by_key(strictness).unwrap_or(Breaker::Closed)
    }

    /// How long attempts took lately.
    pub(crate) fn latency(&self) -> Option<Latency> {
        self.latencies.read()
    }

    /// Whether this question needs no turn: somebody stands at a counter for it, and it would be told at once that the breaker
    /// is open.
    pub(crate) fn tells_at_once(&self, fact: &FactCode, waiter: &Waiter) -> bool {
        let Some(operation) = self.operations.get(fact) else { return true };
        let breaker = operation.breaker.as_ref().unwrap_or(&self.breaker);
        matches!(waiter.lane, Lane::Cases(_)) && breaker.refuses(Instant::now()).is_some()
    }

    /// Waits for the turn of a question that can wait: for a place among the patient ones, for the rate, and where nobody
    /// stands at a counter for it, for an open breaker that will let somebody through before `deadline`. `None` when there
    /// was no turn before `deadline`.
    pub(crate) async fn turn(
        &self,
        fact: &FactCode,
        waiter: &Waiter,
        deadline: Instant,
    ) -> Option<Turn> {
        let Some(operation) = self.operations.get(fact) else { return Some(Turn::default()) };
        if self.tells_at_once(fact, waiter) {
            return Some(Turn::default());
        }
        let breaker = operation.breaker.as_ref().unwrap_or(&self.breaker);
        let is_case = matches!(waiter.lane, Lane::Cases(_));
        let bounds = [&operation.bounds, &self.bounds];
        let waiting = async {
            let places = [bounds[0].queue.place(waiter).await, bounds[1].queue.place(waiter).await];
            while let Some(wait) = breaker.refuses(Instant::now()) {
                // One that stays open longer answers at once, and that is recorded.
                if is_case || Instant::now() + wait >= deadline {
                    break;
                }
                sleep(wait.max(PAUSE)).await;
            }
            let passed = [
                bounds[0].queue.pass(waiter, bounds[0].rate.as_ref()).await,
                bounds[1].queue.pass(waiter, bounds[1].rate.as_ref()).await,
            ];
            passed.into_iter().for_each(Passed::keep);
            Turn::holding(places)
        };
        timeout_at(deadline, waiting).await.ok()
    }

    /// Runs attempts for a question about `fact` before `deadline`. An attempt is repeated only when the operation is
    /// idempotent and when nothing was answered.
    ///
    /// # Errors
    /// The last attempt's failure, or the limit that kept the first from being made.
    pub(crate) async fn run<T, F: Future<Output = Result<T, Failed>>>(
        &self,
        fact: &FactCode,
        deadline: Instant,
        attempt: impl Fn() -> F,
    ) -> Result<T, Failed> {
        let Some(operation) = self.operations.get(fact) else {
            return Err(Failed::unanswered(Unavailable::NoAdapter, "there is no such operation"));
        };
        let _places = [
            self.bounds.place("max_in_flight")?,
            operation.bounds.place("max_in_flight of the operation")?,
        ];
        let mut leave = self.leave(operation, deadline).await?;
        self.meters.first.increment(1);
        self.budget.asked();
        let mut left = if operation.idempotent { operation.retries } else { 0 };
        loop {
            let failed = match self.attempt(operation, leave, deadline, &attempt).await {
                Err(failed) if left > 0 && may_repeat(&failed) => failed,
                ended => return ended,
            };
            if Instant::now() + PAUSE >= deadline || !self.budget.take() {
                return Err(failed);
            }
            sleep(PAUSE).await;
            // A limit that keeps it from being repeated must not hide why it failed.
            let Ok(again) = self.leave(operation, deadline).await else { return Err(failed) };
            leave = again;
            left -= 1;
            self.meters.retry.increment(1);
        }
    }

    /// Takes one repetition out of the budget, for a question that is put again within its attempt; false when nothing
    /// is left.
    pub(crate) fn may_repeat(&self) -> bool {
        let may = self.budget.take();
        if may {
            self.meters.retry.increment(1);
        }
        may
    }

    /// Waits until the agency may be asked.
    async fn leave<'a>(
        &'a self,
        operation: &'a OperationLimits,
        deadline: Instant,
    ) -> Result<Leave<'a>, Failed> {
        let breaker = operation.breaker.as_ref().unwrap_or(&self.breaker);
        if let Some(wait) = breaker.refuses(Instant::now()) {
            return Err(broken(wait));
        }
        // The operation's own first: a turn of the adapter's is not kept from others while this one waits.
        for rate in [&operation.bounds.rate, &self.bounds.rate].into_iter().flatten() {
            rate.wait(deadline).await.map_err(no_turn)?;
        }
        let now = Instant::now();
        if deadline <= now {
            let detail = "the deadline left no time to ask";
            return Err(Failed::unanswered(Unavailable::Deadline, detail));
        }
        breaker.enter(now).map_err(broken)
    }

    /// One attempt, and perhaps a hedge beside it.
    async fn attempt<T, F: Future<Output = Result<T, Failed>>>(
        &self,
        operation: &OperationLimits,
        leave: Leave<'_>,
        deadline: Instant,
        attempt: impl Fn() -> F,
    ) -> Result<T, Failed> {
        let limit = operation.attempt_timeout;
        let first = self.timed(leave, limit, deadline, attempt());
        let Some(after) = operation.hedge_after.filter(|_| operation.idempotent) else {
            return first.await;
        };
        let second = || {
            let leave = self.leave_to_hedge(operation)?;
            self.meters.hedge.increment(1);
            Some(self.timed(leave, limit, deadline, attempt()))
        };
        hedge::race(first, after, second).await
    }

    /// Leave for a hedge, which waits for nothing: while all is well, within the budget and the rates.
    fn leave_to_hedge<'a>(&'a self, operation: &'a OperationLimits) -> Option<Leave<'a>> {
        let breaker = operation.breaker.as_ref().unwrap_or(&self.breaker);
        let now = Instant::now();
        if breaker.state(now) != Breaker::Closed || !self.budget.take() {
            return None;
        }
        let mut rates = [&operation.bounds.rate, &self.bounds.rate].into_iter().flatten();
        rates.all(|rate| rate.take().is_ok()).then(|| breaker.enter(now).ok()).flatten()
    }

    /// Runs one attempt within its limits, and tells the breaker what it says about the agency.
    async fn timed<T>(
        &self,
        leave: Leave<'_>,
        limit: Option<Duration>,
        deadline: Instant,
        attempt: impl Future<Output = Result<T, Failed>>,
    ) -> Result<T, Failed> {
        let began = Instant::now();
        let until = limit.and_then(|limit| began.checked_add(limit));
        let until = until.map_or(deadline, |until| until.min(deadline));
        let ended = timeout_at(until, attempt).await.unwrap_or_else(|_| {
            let detail = match until < deadline {
                true => "no answer in time (attempt_timeout)",
                false => "no answer before the deadline",
            };
            Err(Failed::unanswered(Unavailable::Timeout, detail))
        });
        let ends = Instant::now();
        let took = ends.duration_since(began);
        let is_cut_short = ends >= deadline && took < FAIR;
        let said = match &ended {
            Err(failed) if failed.is_repeated => return ended,
            Err(failed) if is_cut_short && failed.reason == Unavailable::Timeout => None,
            Err(failed) => verdict(failed),
            Ok(_) => Some(Verdict::Good),
        };
        match said {
            Some(verdict) => leave.end(verdict, ends),
            None => drop(leave),
        }
        self.latencies.add(took);
        ended
    }
}

impl Bounds {
    fn new(places: Option<usize>, rate: Option<RateTerms>) -> Self {
        let queue = Queue::new(places, rate);
        let places = places.map(|most| (Semaphore::new(most), most));
        Self { places, rate: rate.map(Rate::new), queue }
    }

    fn place(&self, key: &str) -> Result<Option<SemaphorePermit<'_>>, Failed> {
        let Some((places, most)) = &self.places else { return Ok(None) };
        places.try_acquire().map(Some).map_err(|_| {
            let detail = format!("{most} questions are under way ({key})");
            Failed::unanswered(Unavailable::Overloaded, detail)
        })
    }
}

impl Meters {
    fn of(adapter: &str) -> Self {
        let of = |kind: &'static str| counter!(telemetry::AGENCY_ATTEMPTS, "adapter" => adapter.to_owned(), "kind" => kind);
        Self { first: of("first"), retry: of("retry"), hedge: of("hedge") }
    }
}

fn broken(wait: Duration) -> Failed {
    let failed = Failed::unanswered(Unavailable::BreakerOpen, "too many failures before this one");
    Failed { retry_after: Some(wait), ..failed }
}

fn no_turn(wait: Duration) -> Failed {
    let failed = Failed::unanswered(Unavailable::Overloaded, "no turn in time (rate_per_second)");
    Failed { retry_after: Some(wait), ..failed }
}

fn may_repeat(failed: &Failed) -> bool {
    !failed.answered
        && !failed.is_repeated
        && matches!(failed.reason, Unavailable::Unreachable | Unavailable::Timeout)
}

/// What an attempt without an answer says about the agency, if it says anything: one that was never put, because of our
/// own limits or our own manifest, must neither open the breaker nor close it.
fn verdict(failed: &Failed) -> Option<Verdict> {
    match failed.reason {
        Unavailable::Timeout | Unavailable::Unreachable | Unavailable::Refused => {
            Some(Verdict::Bad)
        }
        // A reply that does not fit the manifest comes from an agency that is there.
        _ => failed.answered.then_some(Verdict::Good),
    }
}

#[cfg(test)]
mod tests;
