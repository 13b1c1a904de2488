//! Carrying disputes to the agencies, into a folder or by a call, as often as it takes, and taking up the answers that lie there.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{NotTaken, Wait, on_disk};
use crate::adapters::{Adapter, Queue};
use crate::audit::beside::Private;
use crate::audit::entry::{Dispute, DisputeDelivery, DisputeStep, Way};
use crate::disputes::kept::Kept;
use crate::disputes::{Course, DisputeId, paper};
use crate::gateway::Gateway;
use crate::query::time::Timestamp;

/// The longest wait between two deliveries of one dispute.
const WAIT_MOST: Duration = Duration::from_secs(600);

/// The longest that one call may take: the next look at every agency waits for it.
const CALL_MOST: Duration = Duration::from_secs(30);

/// The longest that one agency is looked after in one look, the last call aside: the others have their turn then.
const LOOK_MOST: Duration = Duration::from_secs(10);

/// Agencies looked after at once.
const AT_ONCE: usize = 8;

impl Gateway {
    /// Looks after disputes until told to stop.
    pub async fn tend_disputes(self: Arc<Self>, stop: CancellationToken, clock: fn() -> Timestamp) {
        let look_every = self.disputes.look_every;
        loop {
            self.look_after_disputes(clock, &stop).await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.disputes.opened.notified() => {}
                () = tokio::time::sleep(look_every) => {}
            }
        }
    }

    /// Delivers what waits and is due, and takes up the answers that have come.
    async fn look_after_disputes(&self, clock: fn() -> Timestamp, stop: &CancellationToken) {
        let waiting: Vec<Course> = {
            let book = self.disputes.book.lock().await;
            book.all().filter(|course| course.is_waiting()).cloned().collect()
        };
        let in_force = self.in_force();
        let agencies = in_force.adapters.all().iter().filter_map(|adapter| {
            if !adapter.takes_disputes() {
                return None;
            }
            // A fact may have gone to another agency since: that one never answered, and is told of nobody.
            let facts: Vec<&str> = adapter.facts().map(|fact| fact.as_str()).collect();
            let of_it = waiting.iter().filter(|course| {
                facts.contains(&course.opened.fact.as_str())
                    && adapter.agency().as_str() == course.opened.provider
            });
            Some((adapter, of_it.collect::<Vec<_>>()))
        });
        let looking = agencies.map(|(adapter, waiting)| async move {
            let begun = Instant::now();
            for course in waiting {
                if begun.elapsed() > LOOK_MOST {
                    break;
                }
                self.deliver(course, adapter, (clock, stop)).await;
            }
            if let Some(queue) = adapter.queue() {
                self.take_answers(adapter, queue, clock).await;
            }
        });
        stream::iter(looking).for_each_concurrent(AT_ONCE, |looking| looking).await;
    }

    async fn deliver(
        &self,
        course: &Course,
        adapter: &Adapter,
        (clock, stop): (fn() -> Timestamp, &CancellationToken),
    ) {
        let id = course.id;
        if self.disputes.waits.lock().await.get(&id).is_some_and(|wait| wait.until > Instant::now())
        {
            return;
        }
        let (way, result) = match adapter.queue().filter(|_| !adapter.is_called()) {
            Some(queue) => (Way::Folder, self.put_into(queue, id).await),
            None => {
                let brought = self.bring_to(adapter, id, clock());
                // A gateway that stops waits for no agency: it is brought again after the start, under the same id.
                let Some(result) = stop.run_until_cancelled(brought).await else { return };
                (Way::Call, result)
            }
        };
        // The same failure again says nothing new.
        if let Err(failure) = &result
            && course.failure.as_ref() == Some(failure)
        {
            return self.wait(id, false).await;
        }
        let is_delivered = result.is_ok();
        if let Err(failure) = &result {
            let dispute = uuid::Uuid::from_bytes(id);
            tracing::warn!(%dispute, failure, "a dispute was not delivered; it is tried again");
        }
        let step = DisputeStep::Delivery(DisputeDelivery { way, result });
        let mut book = self.disputes.book.lock().await;
        let recorded =
            self.step(&mut book, clock(), Dispute { id, step }, Private::default()).await;
        drop(book);
        // Unrecorded, it is brought again, later and later: put in the place of itself, or called with the same id.
        self.wait(id, is_delivered && recorded.is_ok()).await;
    }

    async fn put_into(&self, queue: &Queue, id: DisputeId) -> Result<String, String> {
        let kept = self.contested(id).await?;
        let name = format!("{}.json", uuid::Uuid::from_bytes(id));
        let (queue, text) = (queue.clone(), format!("{:#}\n", kept.document));
        let put = on_disk(move || Ok(queue.put(&name, text.as_bytes()))).await;
        match put {
            Ok(Ok(())) => Ok(String::new()),
            Ok(Err(why)) => Err(why.code().to_owned()),
            Err(_) => Err("folder_unwritable".to_owned()),
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
            Ok(None) => Err("question_gone".to_owned()),
            Err(_) => Err("question_unreadable".to_owned()),
        }
    }

    /// Twice as long as the last time, after a failure; not at all after a success.
    async fn wait(&self, id: DisputeId, is_done: bool) {
        let mut waits = self.disputes.waits.lock().await;
        let last = waits.remove(&id).map(|wait| wait.length * 2);
        if !is_done {
            let length = last.unwrap_or(self.disputes.look_every).min(WAIT_MOST);
            waits.insert(id, Wait { until: Instant::now() + length, length });
        }
    }

    async fn take_answers(&self, adapter: &Adapter, queue: &Queue, clock: fn() -> Timestamp) {
        let found = {
            let queue = queue.clone();
            on_disk(move || Ok(queue.answers())).await.unwrap_or_default()
        };
        for answer in found {
            let read = answer.bytes.as_deref().ok_or(paper::NoAnswer::Form);
            let taken = match read.and_then(paper::read_answer) {
                Ok((id, finding)) => {
                    let by = (adapter.agency().clone(), None);
                    match self.dispute_answered(id, finding, by, clock()).await {
                        Ok(_) => Ok(()),
                        // It stays where it is until it can be recorded.
                        Err(NotTaken::Refused(_) | NotTaken::Folder(_)) => continue,
                        Err(error) => Err(error.to_string()),
                    }
                }
                Err(error) => Err(error.to_string()),
            };
            if let Err(problem) = &taken {
                let adapter = adapter.name();
                tracing::warn!(adapter, problem, "an answer to a dispute was refused");
            }
            let (queue, name) = (queue.clone(), answer.name);
            let aside = on_disk(move || queue.set_aside(&name, taken.is_ok())).await;
            if let Err(error) = aside {
                tracing::warn!(%error, adapter = adapter.name(), "an answer could not be set aside");
            }
        }
    }
}
