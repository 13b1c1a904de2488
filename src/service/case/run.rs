//! A case under way: puts every question that can be put, takes the answers as they come, and closes the case.
//!
//! It waits for whichever answer comes first, so a slow agency hides nothing that another has said. It always comes to its
//! end: at the end of its time it is concluded with what is there.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use metrics::{counter, histogram};
use tokio::sync::mpsc;
use tokio::task::JoinError;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use super::places::CasePlace;
use super::read::Applied;
use super::wording;
use super::write::{self, Told};
use crate::adapters::{Lane, Waiter};
use crate::audit::entry::CaseClosed;
use crate::cases::{About, Asking, Conclusion, Heard};
use crate::clock::now;
use crate::gateway::exchange::{Refusal, Reply, Unclosed};
use crate::identity::Peer;
use crate::proto::gateway::v1 as wire;
use crate::proto::gateway::v1::case_event::Kind;
use crate::service::{Services, refusal};
use crate::telemetry;

/// Questions of one case under way at once. The largest rules put a dozen; one case may not take every place.
const QUESTIONS_MOST: usize = 16;

/// Kept back from a case's time for its entry and its outcome; of a short case, a fifth.
const CLOSING: Duration = Duration::from_millis(500);

/// How long the last event waits for a caller that does not read.
const LAST_EVENT: Duration = Duration::from_secs(5);

/// When a case must be where.
#[derive(Clone, Copy)]
pub(super) struct Times {
    arrived: Instant,
    /// No question is put after this, and each is answered by then.
    questions: Instant,
    /// No answer is waited for after this.
    answers: Instant,
}

impl Times {
    pub(super) fn new(arrived: Instant, time: Duration) -> Self {
        let closing = CLOSING.min(time / 5);
        let answers = arrived + time.saturating_sub(closing / 2);
        Self { arrived, questions: arrived + time.saturating_sub(closing), answers }
    }
}

/// What came of a question; `None` when it was never put, because the caller went away first.
type Answered = Result<Option<Result<Arc<Reply>, Refusal>>, JoinError>;

/// A question that was put.
struct Put {
    question: String,
    about: Vec<About>,
    request_id: String,
}

/// One case on its way.
pub(super) struct Running {
    services: Services,
    peer: Arc<Peer>,
    /// Where its questions wait.
    waiter: Waiter,
    applied: Applied,
    events: mpsc::Sender<Result<wire::CaseEvent, Status>>,
    times: Times,
    /// Cancelled when the caller has gone: nothing more is asked.
    gone: CancellationToken,
    waiting: VecDeque<Asking>,
    under_way: FuturesUnordered<BoxFuture<'static, (usize, Answered)>>,
    put: BTreeMap<usize, Put>,
    /// Beside the answers of the course, in the same order: what it does not hold.
    told: Vec<Told>,
}

impl Running {
    pub(super) fn new(
        services: Services,
        (peer, lane): (Arc<Peer>, Lane),
        applied: Applied,
        events: mpsc::Sender<Result<wire::CaseEvent, Status>>,
        times: Times,
    ) -> Self {
        Self {
            services,
            peer,
            waiter: Waiter { lane, since: times.arrived },
            applied,
            events,
            times,
            gone: CancellationToken::new(),
            waiting: VecDeque::new(),
            under_way: FuturesUnordered::new(),
            put: BTreeMap::new(),
            told: Vec::new(),
        }
    }

    /// Runs it to its entry. `place` is given back when the entry is there.
    pub(super) async fn run(mut self, place: CasePlace) {
        self.tell(Kind::Opened(write::opened(&self.applied))).await;
        let mut is_late = false;
        while !is_late {
            self.put_questions().await;
            if self.under_way.is_empty() {
                break;
            }
            tokio::select! {
                biased;
                Some((id, answered)) = self.under_way.next() => self.hear(id, answered).await,
                () = self.events.closed(), if !self.gone.is_cancelled() => self.gone.cancel(),
                () = sleep_until(self.times.answers) => is_late = true,
            }
        }
        let out_of_time = is_late || !self.waiting.is_empty();
        self.close(out_of_time, place).await;
    }

    /// Puts every question that can be put, as many at once as a case may.
    async fn put_questions(&mut self) {
        self.waiting.extend(self.applied.case.due());
        while self.under_way.len() < QUESTIONS_MOST
            && !self.gone.is_cancelled()
            && Instant::now() < self.times.questions
            && let Some(asking) = self.waiting.pop_front()
        {
            let message = wording::message(&asking, &self.applied);
            let asked = write::asked(&asking, message.clone(), &self.applied.catalogue);
            self.tell(Kind::Asked(asked)).await;
            let Asking { id, question, about, .. } = asking;
            let request_id = message.request_id.clone();
            self.put.insert(id, Put { question, about, request_id });
            let (services, peer) = (self.services.clone(), Arc::clone(&self.peer));
            let (waiter, until, gone) =
                (self.waiter.clone(), self.times.questions, self.gone.clone());
            let asking = async move { ask(services, peer, message, waiter, until, gone).await };
            // Of its own: it comes to its entry whatever becomes of the case.
            let asking = self.services.tasks.spawn(asking);
            self.under_way.push(Box::pin(async move { (id, asking.await) }));
        }
    }

    /// Takes what came of a question.
    async fn hear(&mut self, id: usize, answered: Answered) {
        let Some(put) = self.put.remove(&id) else { return };
        let refused = |reason: &'static str, message: &str| wire::CaseRefusal {
            reason: reason.to_owned(),
            message: message.to_owned(),
            ..wire::CaseRefusal::default()
        };
        let (heard, told, result) = match answered {
            Ok(None) => return,
            Ok(Some(Ok(reply))) => {
                let (heard, told) = (heard(&reply, put.about.len()), Told::by(&reply));
                let reply = crate::service::answer::write(&reply);
                (heard, told, wire::question_answered::Result::Reply(reply))
            }
            Ok(Some(Err(refusal))) => {
                let said = write::refusal(&refusal);
                let (code, log_index) = (said.reason.clone(), said.log_index);
                let heard = Heard { code, log_index, ..Heard::default() };
                (heard, Told::default(), wire::question_answered::Result::Refusal(said))
            }
            Err(_) => {
                counter!(telemetry::PANICS).increment(1);
                // Without the panic's message, which may quote what was being read.
                tracing::error!("a question of a case ended in a panic; nothing was released");
                let said = refused("INTERNAL", "the gateway failed on this question");
                let heard = Heard { code: said.reason.clone(), ..Heard::default() };
                (heard, Told::default(), wire::question_answered::Result::Refusal(said))
            }
        };
        self.applied.case.heard(id, heard);
        self.told.push(told);
        let about = put.about.iter().map(write::place).collect();
        let Put { question, request_id, .. } = put;
        let result = Some(result);
        let answered = wire::QuestionAnswered { question, about, result, request_id };
        self.tell(Kind::Answered(answered)).await;
    }

    /// Records the case and tells its outcome, in this order.
    async fn close(mut self, out_of_time: bool, place: CasePlace) {
        if out_of_time {
            self.applied.case.run_out();
        }
        let conclusion = self.applied.case.conclude();
        let abandoned = self.gone.is_cancelled();
        let recorded = match self.closed(&conclusion, abandoned) {
            Ok(closed) => {
                self.services.gateway.close_case(now(), closed, &self.applied.filing).await
            }
            Err(error) => {
                tracing::error!(%error, "the course of a case cannot be written");
                Err(Unclosed::Refused(Refusal::Unrecorded))
            }
        };
        drop(place);
        let last = match recorded {
            Ok(recorded) => {
                let outcome = if abandoned { "abandoned" } else { conclusion.outcome.name() };
                let item = self.applied.item.code.as_str().to_owned();
                counter!(telemetry::CASES, "item" => item, "outcome" => outcome).increment(1);
                let outcome = write::outcome(
                    &self.applied,
                    &conclusion,
                    &self.told,
                    (recorded.log_index, out_of_time),
                );
                let receipt = recorded.receipt.map(|proof| crate::service::answer::receipt(&proof));
                let outcome = wire::CaseOutcome { receipt, ..outcome };
                Ok(self.event(Kind::Outcome(outcome)))
            }
            Err(why) => Err(unclosed(&why)),
        };
        let seconds = self.times.arrived.elapsed();
        histogram!(telemetry::REQUEST_SECONDS, "method" => "CheckCase").record(seconds);
        let code = last.as_ref().err().map_or(tonic::Code::Ok, Status::code);
        let code = format!("{code:?}");
        counter!(telemetry::REQUESTS, "method" => "CheckCase", "code" => code).increment(1);
        // Whoever does not read it finds the case in the log.
        let _ = timeout_at(Instant::now() + LAST_EVENT, self.events.send(last)).await;
        // What was still open at the end of the case's time comes to its entry by itself.
        self.under_way.clear();
    }

    fn closed(
        &self,
        conclusion: &Conclusion,
        abandoned: bool,
    ) -> Result<CaseClosed, serde_json::Error> {
        let Applied { case_id, case, item, purpose, operator_unit, .. } = &self.applied;
        let needs = conclusion.needs.iter();
        Ok(CaseClosed {
            case_id: *case_id,
            caller: self.peer.facts(&self.services.gateway.in_force().register),
            item: item.code.as_str().to_owned(),
            item_version: item.version.clone(),
            rule: case.rule().digest,
            case_number: purpose.case_number.clone(),
            operator_unit: operator_unit.clone(),
            course: serde_json::to_string(case.course())?,
            outcome: conclusion.outcome.name().to_owned(),
            needs: needs.map(|need| (need.name.clone(), need.state.name().to_owned())).collect(),
            abandoned,
            commitments: None,
        })
    }

    /// Sends an event. A caller that takes none until the case's time is over counts as gone.
    async fn tell(&mut self, kind: Kind) {
        if self.gone.is_cancelled() {
            return;
        }
        let event = Ok(self.event(kind));
        if !matches!(timeout_at(self.times.answers, self.events.send(event)).await, Ok(Ok(()))) {
            self.gone.cancel();
        }
    }

    fn event(&self, kind: Kind) -> wire::CaseEvent {
        let running = self.applied.case.running().into_iter().map(str::to_owned).collect();
        wire::CaseEvent { kind: Some(kind), running }
    }
}

/// Puts one question, on the very path of `Verify`, once it has its turn.
async fn ask(
    services: Services,
    peer: Arc<Peer>,
    message: wire::VerifyRequest,
    waiter: Waiter,
    until: Instant,
    gone: CancellationToken,
) -> Option<Result<Arc<Reply>, Refusal>> {
    let held = tokio::select! {
        biased;
        () = gone.cancelled() => return None,
        held = services.turn(&peer, &message, &waiter, until) => held,
    };
    let Some(held) = held else { return Some(Err(Refusal::Overloaded)) };
    let left = until.saturating_duration_since(Instant::now());
    let ask = services.ask(peer, &message, Some(left));
    let answered = services.gateway.answer(ask).await;
    drop(held);
    Some(answered)
}

/// Why there is no outcome, as the caller sees it. Whatever was asked and answered is in the log.
pub(super) fn unclosed(why: &Unclosed) -> Status {
    match why {
        Unclosed::Refused(refused) => refusal::status(refused),
        Unclosed::TooLarge(bytes) => {
            tracing::warn!(
                bytes,
                "a case was too large for its entry, and ended without an outcome"
            );
            refusal::with_reason(
                Code::ResourceExhausted,
                "the case has grown too large to be recorded, so it has no outcome; name fewer, or take it to the counter",
                "CASE_TOO_LARGE",
            )
        }
    }
}

/// What an answer to a question about so many subjects says to the case.
pub(super) fn heard(reply: &Reply, asked: usize) -> Heard {
    let was_checked =
        |position: usize| reply.subjects_checked.iter().any(|(_, at)| *at as usize == position);
    // What is there in part tells of nobody.
    let whole = reply.disclosed.iter().filter(|(name, _)| !reply.masked.contains(name));
    Heard {
        verdict: Some(reply.verdict),
        code: reply.no_answer.as_ref().map(|why| why.reason.code()).unwrap_or_default().to_owned(),
        log_index: Some(reply.log_index),
        unchecked: reply.no_answer.is_none() && !(0..asked).all(was_checked),
        disclosed: whole.map(|(name, value)| (name.clone(), value.clone())).collect(),
    }
}
