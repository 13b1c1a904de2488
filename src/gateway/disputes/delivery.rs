//! Carrying a dispute to its agency, into a folder or by a call, as often as it takes, and taking up the answers that lie there.

use std::sync::Arc;
use std::time::Duration;

use super::desk::Hangs;
use super::tour::Tour;
use super::{Held, NotTaken};
use crate::adapters::{Adapter, Queue};
use crate::audit::beside::Private;
use crate::audit::entry::{DisputeDelivery, DisputeStep, Way};
use crate::disputes::kept::Kept;
use crate::disputes::{Course, DisputeId, GONE, paper};
use crate::gateway::Gateway;
use crate::gateway::in_force::InForce;
use crate::query::OrganisationId;
use crate::query::time::Timestamp;

/// The longest that one call may take: the agency's answers in its folder wait for it.
const CALL_MOST: Duration = Duration::from_secs(30);

/// A dispute that is to be carried now, and by what.
pub(super) struct Due {
    pub(super) id: DisputeId,
    pub(super) adapter: Arc<Adapter>,
}

impl Gateway {
    /// The oldest dispute that this agency must be told of and can be now. What is held up is noted on the way.
    pub(super) async fn due(
        &self,
        agency: &OrganisationId,
        (in_force, adapters): (&InForce, &[Arc<Adapter>]),
        clock: fn() -> Timestamp,
    ) -> Option<Due> {
        // A fact may have gone to another agency since: that one never answered, and is told of nobody.
        let answers = |course: &Course| {
            let fact = course.opened.fact.as_str();
            let adapter = adapters.iter().find(|one| one.facts().any(|own| own.as_str() == fact));
            adapter.filter(|_| course.opened.provider == agency.as_str()).map(Arc::clone)
        };
        let waiting: Vec<(Course, Arc<Adapter>)> = {
            let memory = self.disputes.memory();
            let waiting = memory.book.waiting().filter(|course| memory.is_due(&course.id));
            waiting.filter_map(|course| Some((course.clone(), answers(course)?))).collect()
        };
        for (course, adapter) in waiting {
            let Some(reason) = self.held_up(&course, in_force, clock()).await else {
                return Some(Due { id: course.id, adapter });
            };
            // Looked at again each time: it goes as soon as it may.
            self.disputes.memory().wait(course.id, reason, self.disputes.look_every);
            let way = if adapter.is_called() { Way::Call } else { Way::Folder };
            let held = self.disputes.steps.hold(course.id).await;
            self.record_failure(held, way, reason, clock()).await;
        }
        None
    }

    /// Tries it once.
    pub(super) async fn deliver(
        &self,
        id: DisputeId,
        (adapter, way): (&Adapter, Way),
        tour: &Tour,
        clock: fn() -> Timestamp,
    ) {
        let result = match adapter.queue().filter(|_| way == Way::Folder) {
            Some(queue) => self.put_into(queue, id, tour).await,
            None => self.bring_to(adapter, id, clock()).await,
        };
        let held = self.disputes.steps.hold(id).await;
        let first = self.disputes.look_every;
        match result {
            Ok(ticket) => {
                let step = DisputeStep::Delivery(DisputeDelivery { way, result: Ok(ticket) });
                let recorded = self.step(held, clock(), step, Private::default()).await;
                // Unrecorded, it is brought again, later and later: in the place of itself, or with the same id.
                if recorded.is_err() {
                    self.disputes.memory().failed(id, "unrecorded", first);
                }
            }
            Err(failure) => {
                self.disputes.memory().failed(id, &failure, first);
                self.record_failure(held, way, &failure, clock()).await;
            }
        }
    }

    /// Records why it was not delivered, where that says something new, and the agency must still be told of it.
    async fn record_failure(&self, held: Held<DisputeId>, way: Way, failure: &str, at: Timestamp) {
        let course = self.disputes.course(held.key());
        if !course.is_some_and(|course| course.is_waiting() && course.is_news(failure, at)) {
            return;
        }
        let dispute = uuid::Uuid::from_bytes(*held.key());
        tracing::warn!(%dispute, failure, "a dispute was not delivered");
        let result = Err(failure.to_owned());
        let step = DisputeStep::Delivery(DisputeDelivery { way, result });
        // Unrecorded, it is recorded when it fails again.
        let _ = self.step(held, at, step, Private::default()).await;
    }

    async fn put_into(&self, queue: &Queue, id: DisputeId, tour: &Tour) -> Result<String, String> {
        let kept = self.contested(id).await?;
        let name = format!("{}.json", uuid::Uuid::from_bytes(id));
        let (queue, text) = (queue.clone(), format!("{:#}\n", kept.document));
        match tour.desk.at(move || queue.put(&name, text.as_bytes())).await {
            Ok(Ok(())) => Ok(String::new()),
            Ok(Err(why)) => Err(why.code().to_owned()),
            Err(Hangs) => Err("folder_hangs".to_owned()),
        }
    }

    /// By a call; what the agency says its number is.
    async fn bring_to(
        &self,
        adapter: &Adapter,
        id: DisputeId,
        at: Timestamp,
    ) -> Result<String, String> {
        let kept = self.contested(id).await?;
        let brought = adapter.bring(&kept.document, at, CALL_MOST).await;
        brought.map(|ticket| paper::ticket(&ticket)).map_err(|failure| {
            let dispute = uuid::Uuid::from_bytes(id);
            tracing::debug!(%dispute, detail = failure.detail, "a call with a dispute failed");
            format!("call_{}", failure.reason.code())
        })
    }

    async fn contested(&self, id: DisputeId) -> Result<Kept, String> {
        match self.kept(id).await {
            Ok(Some(kept)) => Ok(kept),
            Ok(None) => Err(GONE.to_owned()),
            Err(_) => Err("question_unreadable".to_owned()),
        }
    }

    pub(super) async fn take_answers(
        &self,
        adapter: &Adapter,
        queue: &Queue,
        tour: &mut Tour,
        clock: fn() -> Timestamp,
    ) {
        let found = {
            let (queue, passed_over) = (queue.clone(), tour.passed_over(adapter.name()));
            tour.desk.at(move || queue.answers(&passed_over)).await.unwrap_or_default()
        };
        for answer in found {
            let read = answer.bytes.as_deref().ok_or(paper::NoAnswer::Form);
            let taken = match read.and_then(paper::read_answer) {
                Ok((id, finding)) => {
                    let by = (adapter.agency().clone(), None);
                    match self.dispute_answered(id, finding, by, clock()).await {
                        Ok(_) => Ok(()),
                        // It stays where it is until it can be recorded.
                        Err(NotTaken::Refused(_)) => continue,
                        Err(NotTaken::Folder(error)) => {
                            tracing::warn!(%error, "an answer to a dispute could not be kept");
                            tour.pass_over(adapter.name(), &answer.name);
                            continue;
                        }
                        Err(error) => Err(error.to_string()),
                    }
                }
                Err(error) => Err(error.to_string()),
            };
            if let Err(problem) = &taken {
                let adapter = adapter.name();
                tracing::warn!(adapter, problem, "an answer to a dispute was refused");
            }
            let (queue, name) = (queue.clone(), answer.name.clone());
            let aside = tour.desk.at(move || queue.set_aside(&name, taken.is_ok())).await;
            if !matches!(aside, Ok(Ok(()))) {
                tracing::warn!(adapter = adapter.name(), "an answer could not be set aside");
                tour.pass_over(adapter.name(), &answer.name);
            }
        }
    }
}
