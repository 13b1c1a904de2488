//! Looking after agencies: a loop for each, which ends when it is told to, whatever the agency is at.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::delivery::Due;
use super::desk::Desk;
use crate::adapters::Adapter;
use crate::audit::entry::Way;
use crate::gateway::Gateway;
use crate::query::OrganisationId;
use crate::query::time::Timestamp;
use crate::telemetry;

/// How long an answer is left alone that could be neither taken nor set aside, so that later ones have their turn.
const PASSED_OVER: Duration = Duration::from_secs(600);

/// Answers of one agency that are left alone, at the most; then the oldest is tried again.
const PASSED_OVER_MOST: usize = 1000;

/// What one agency's loop remembers.
#[derive(Default)]
pub(super) struct Tour {
    /// Where its folders are worked on.
    pub(super) desk: Desk,
    /// When answers were looked for last.
    looked: Option<Instant>,
    /// Answers that are left alone until then, by adapter and name.
    passed_over: BTreeMap<(String, String), Instant>,
}

impl Tour {
    /// Whether it is time to look for answers; if so, this is the look.
    fn looks_for_answers(&mut self, look_every: Duration) -> bool {
        let is_time = self.looked.is_none_or(|looked| looked.elapsed() >= look_every);
        if is_time {
            self.looked = Some(Instant::now());
        }
        is_time
    }

    /// The names that are left alone there just now.
    pub(super) fn passed_over(&mut self, adapter: &str) -> Vec<String> {
        let now = Instant::now();
        self.passed_over.retain(|_, until| *until > now);
        let of_it = self.passed_over.keys().filter(|(of, _)| of == adapter);
        of_it.map(|(_, name)| name.clone()).collect()
    }

    /// Leaves an answer alone for a while.
    pub(super) fn pass_over(&mut self, adapter: &str, name: &str) {
        if self.passed_over.len() >= PASSED_OVER_MOST {
            let oldest = self.passed_over.iter().min_by_key(|(_, until)| **until);
            if let Some(oldest) = oldest.map(|(which, _)| which.clone()) {
                self.passed_over.remove(&oldest);
            }
        }
        let which = (adapter.to_owned(), name.to_owned());
        self.passed_over.insert(which, Instant::now() + PASSED_OVER);
    }
}

impl Gateway {
    /// Looks after disputes until told to stop.
    pub async fn tend_disputes(self: Arc<Self>, stop: CancellationToken, clock: fn() -> Timestamp) {
        let mut loops = JoinSet::new();
        let mut running: BTreeMap<OrganisationId, AbortHandle> = BTreeMap::new();
        while !stop.is_cancelled() {
            while let Some(ended) = loops.try_join_next() {
                if ended.is_err() {
                    counter!(telemetry::PANICS).increment(1);
                    tracing::error!("looking after an agency's disputes ended in a panic");
                }
            }
            // Those that a reload brought, and any whose loop has ended.
            for adapter in self.in_force().adapters.all().iter().filter(|one| one.takes_disputes())
            {
                let agency = adapter.agency();
                if running.get(agency).is_none_or(AbortHandle::is_finished) {
                    let tending = Arc::clone(&self).tend(agency.clone(), stop.clone(), clock);
                    running.insert(agency.clone(), loops.spawn(tending));
                }
            }
            stop.run_until_cancelled(tokio::time::sleep(self.disputes.look_every)).await;
        }
        while loops.join_next().await.is_some() {}
        self.disputes.recording.close();
        self.disputes.recording.wait().await;
    }

    async fn tend(
        self: Arc<Self>,
        agency: OrganisationId,
        stop: CancellationToken,
        clock: fn() -> Timestamp,
    ) {
        let bell = self.disputes.bell(&agency);
        let mut tour = Tour::default();
        loop {
            // A gateway that stops waits for no agency and no share: what was under way is done again after the start, under
            // the same id.
            let looking = self.look_after(&agency, &mut tour, clock);
            let Some(is_more) = stop.run_until_cancelled(looking).await else { return };
            if is_more {
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = bell.notified() => {}
                () = tokio::time::sleep(self.disputes.look_every) => {}
            }
        }
    }

    /// Tries to deliver one dispute that is due, and takes up the answers that have come; true when more may be due. No more
    /// than one, so that an agency that takes its time over each still has its answers read.
    async fn look_after(
        &self,
        agency: &OrganisationId,
        tour: &mut Tour,
        clock: fn() -> Timestamp,
    ) -> bool {
        // Each look sees what is in force then, and what has become of disputes meanwhile.
        let in_force = self.in_force();
        let ours = |adapter: &&Arc<Adapter>| adapter.agency() == agency && adapter.takes_disputes();
        let adapters: Vec<Arc<Adapter>> =
            in_force.adapters.all().iter().filter(ours).map(Arc::clone).collect();
        let due = self.due(agency, (&in_force, &adapters), clock).await;
        drop(in_force);
        if let Some(Due { id, adapter }) = &due {
            let way = match adapter.is_called() {
                true => Way::Call,
                false => Way::Folder,
            };
            self.deliver(*id, (adapter, way), tour, clock).await;
        }
        if tour.looks_for_answers(self.disputes.look_every) {
            for adapter in &adapters {
                let Some(queue) = adapter.queue().cloned() else { continue };
                self.take_answers(adapter, &queue, tour, clock).await;
            }
        }
        due.is_some()
    }
}
