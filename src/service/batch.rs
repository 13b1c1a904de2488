//! Many questions on one stream. Each goes the way of every other question; here they only wait for their turns.
//!
//! A question that finds no turn ([`super::turns`]) waits, and nothing is recorded of that.

use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, sleep};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt;

use super::shares::{PlaceOf, Places};
use super::{Services, refusal};
use crate::adapters::{Lane, Waiter};
use crate::decision::denial::Denial;
use crate::gateway::exchange::{Refusal, Reply};
use crate::identity::Peer;
use crate::proto::gateway::v1 as wire;
use crate::query::record::Unavailable;
use crate::telemetry;
use crate::wire::duration;

/// Before the next try where nobody said when: a second's quota is new by then, and a queue has moved on.
const AGAIN: Duration = Duration::from_secs(1);

/// Batches at once in the whole gateway. Each has `batch_in_flight` questions read, which wait: 4096 of the usual 64, as many as
/// the log's queue has, and 256 MiB if all of them are as large as a message may be.
const BATCHES: usize = 64;

/// Of one caller, so that three others have as many. Eight fill the places that are for questions which can wait.
const BATCHES_PER_CALLER: usize = 16;

/// What is sent back on the stream.
pub(super) type Replies = ReceiverStream<Result<wire::BatchReply, Status>>;

/// Limits of batches.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimits {
    /// Questions of one stream under way or waiting; it is read on as they end.
    pub in_flight: usize,
    /// Longest time for one question, waiting included.
    pub deadline: Duration,
    /// Longest time for asking once its turn has come.
    pub asking: Duration,
}

/// What all batches share.
pub(super) struct Batches {
    limits: BatchLimits,
    places: Places<Arc<str>>,
    stop: CancellationToken,
}

impl Batches {
    pub(super) fn new(limits: BatchLimits, stop: CancellationToken) -> Self {
        let places = Places::new(BATCHES, BATCHES_PER_CALLER, ["batches", "batches_per_caller"]);
        Self { limits, places, stop }
    }

    /// Cancelled when the gateway is to stop.
    pub(super) fn stop(&self) -> &CancellationToken {
        &self.stop
    }
}

/// One caller's batch.
struct Batch {
    services: Services,
    peer: Arc<Peer>,
    lane: Lane,
    replies: mpsc::Sender<Result<wire::BatchReply, Status>>,
    /// Given back with the last of its questions.
    _place: PlaceOf<Arc<str>>,
}

/// Begins to read the stream; the replies.
pub(super) fn open(
    services: &Services,
    peer: Arc<Peer>,
    questions: Streaming<wire::BatchRequest>,
) -> Replies {
    let (replies, outgoing) = mpsc::channel(services.batches.limits.in_flight);
    // Not the name alone: whoever only claims it stands in no lane of those who bear it.
    let caller: Arc<str> = peer.counted_as(&services.gateway.in_force().register).into();
    match services.batches.places.take(&caller) {
        Ok(place) => {
            let (services, lane) = (services.clone(), Lane::Batches(caller));
            let batch = Arc::new(Batch { services, peer, lane, replies, _place: place });
            let tasks = batch.services.tasks.clone();
            tasks.spawn(batch.read(questions));
        }
        Err(limit) => {
            counter!(telemetry::SHED, "limit" => limit).increment(1);
            let text = "too many batches at once; nothing was asked or recorded";
            // There is room for it: it is the first and the last.
            let _ = replies.try_send(Err(refusal::overloaded(text)));
        }
    }
    ReceiverStream::new(outgoing)
}

impl Batch {
    /// Reads until the caller has said everything or is gone, or the gateway stops.
    async fn read(self: Arc<Self>, mut questions: Streaming<wire::BatchRequest>) {
        let batches = &self.services.batches;
        let window = Arc::new(Semaphore::new(batches.limits.in_flight));
        let last_word = loop {
            let next = async {
                // Not before there is room: what is not read stays with the caller.
                let room = Arc::clone(&window).acquire_owned().await;
                (room, questions.message().await)
            };
            let (room, message) = tokio::select! {
                biased;
                () = self.replies.closed() => return,
                () = batches.stop.cancelled() => break Some(stopping()),
                next = next => next,
            };
            match (room, message) {
                (Ok(room), Ok(Some(item))) => {
                    self.services.tasks.spawn(Arc::clone(&self).item(item, room));
                }
                (_, Ok(_)) => break None,
                (_, Err(broken)) => break Some(broken),
            }
        };
        let Some(last_word) = last_word else { return };
        // After the replies of all that was read.
        let whole = u32::try_from(batches.limits.in_flight).unwrap_or(u32::MAX);
        let _all = window.acquire_many(whole).await;
        let _ = self.replies.send(Err(last_word)).await;
    }

    /// One question, to its reply.
    async fn item(self: Arc<Self>, item: wire::BatchRequest, _room: OwnedSemaphorePermit) {
        let most = self.services.batches.limits.deadline;
        let wanted = item.deadline.and_then(|wanted| Duration::try_from(wanted).ok());
        let until = Instant::now() + wanted.map_or(most, |wanted| wanted.min(most));
        let question = item.question.unwrap_or_default();
        let Some(answered) = self.answer(question, until).await else { return };
        let result = match answered {
            Ok(answer) => wire::batch_reply::Result::Answer(answer),
            Err(status) => wire::batch_reply::Result::Refusal(refused(&status)),
        };
        let reply = wire::BatchReply { sequence: item.sequence, result: Some(result) };
        let _ = self.replies.send(Ok(reply)).await;
    }

    /// Waits, asks, and where only the pace was wrong, waits and asks again. `None` when the caller has gone before it
    /// was asked: then it never is.
    async fn answer(
        &self,
        question: wire::VerifyRequest,
        until: Instant,
    ) -> Option<Result<wire::VerifyResponse, Status>> {
        let waiter = Waiter { lane: self.lane.clone(), since: Instant::now() };
        loop {
            let held = tokio::select! {
                biased;
                () = self.replies.closed() => return None,
                held = self.services.turn(&self.peer, &question, &waiter, until) => held,
            };
            let Some(held) = held else {
                return Some(Err(refusal::status(&Refusal::Overloaded)));
            };
            let left = until.saturating_duration_since(Instant::now());
            let left = left.min(self.services.batches.limits.asking);
            let ask = self.services.ask(Arc::clone(&self.peer), &question, Some(left));
            let arrived = ask.arrived;
            let answered = self.services.put(ask, held).await;
            let wait = answered.as_ref().ok().and_then(again_in);
            let Some(wait) = wait.filter(|wait| Instant::now() + *wait < until) else {
                return Some(super::told(&self.services, super::OF_BATCH, arrived, answered));
            };
            tokio::select! {
                () = self.replies.closed() => return None,
                () = sleep(wait) => {}
            }
        }
    }
}

/// When to try again, where nothing but the pace was wrong.
fn again_in(answered: &Result<Arc<Reply>, Refusal>) -> Option<Duration> {
    match answered {
        Ok(reply) => {
            let why = reply.no_answer.as_ref()?;
            let is_pace = matches!(why.reason, Unavailable::Overloaded | Unavailable::BreakerOpen);
            is_pace.then(|| why.retry_after.unwrap_or(AGAIN).max(AGAIN / 10))
        }
        Err(Refusal::Denied { denial, .. }) => {
            matches!(**denial, Denial::QuotaSecond(_)).then_some(AGAIN)
        }
        Err(Refusal::Overloaded) => Some(AGAIN),
        Err(Refusal::Unrecorded) => None,
    }
}

fn stopping() -> Status {
    let message = "the gateway is stopping; what was read is answered, ask the rest again later";
    refusal::with_reason(Code::Unavailable, message, "STOPPING")
}

/// A status as a message.
fn refused(status: &Status) -> wire::BatchRefusal {
    let details = status.get_error_details();
    let info = details.error_info();
    let defects = details.bad_request().map(|bad| bad.field_violations.as_slice());
    let defect = |violation: &tonic_types::FieldViolation| wire::BatchDefect {
        field: violation.field.clone(),
        check: violation.description.clone(),
    };
    wire::BatchRefusal {
        code: status.code().into(),
        reason: info.map(|info| info.reason.clone()).unwrap_or_default(),
        message: status.message().to_owned(),
        log_index: info.and_then(|info| info.metadata.get("log_index")?.parse().ok()),
        defects: defects.unwrap_or_default().iter().map(defect).collect(),
        retry_after: details.retry_info().and_then(|retry| retry.retry_delay).map(duration),
    }
}
