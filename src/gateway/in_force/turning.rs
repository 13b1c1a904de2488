//! How a new view comes into force: read beside the running one, durable in the log, then put in its place.

use std::collections::HashSet;
use std::sync::Arc;

use metrics::counter;
use tokio::task::JoinError;

use super::{Found, InForce, Reading};
use crate::decision::freeze::Scope;
use crate::finding::Finding;
use crate::gateway::Gateway;
use crate::gateway::turns::Touched;
use crate::query::OrganisationId;
use crate::query::time::Timestamp;
use crate::telemetry;

/// What a reload did.
#[derive(Debug)]
pub struct Reloaded {
    /// Changes now in force, in words.
    pub changes: Vec<String>,
    /// What was refused, and why.
    pub findings: Vec<Finding>,
}

impl Gateway {
    /// Reads the folders again and brings what is good into force, once its changes are durable.
    ///
    /// Questions under way keep the view they began with. Kept answers under agreements and adapters that changed, and
    /// recent replies, are forgotten.
    ///
    /// Orders are followed while the folders are read, and stand after it; another reload and publications wait. The
    /// clock is looked at again right before recording. Must run to its end even when the caller has gone.
    pub async fn reload(&self, clock: fn() -> Timestamp) -> Reloaded {
        let progress = |done: usize, all: usize| tracing::debug!(done, all, "reading agreements");
        self.reload_telling(clock, Arc::new(progress)).await
    }

    /// The same; told now and then, by any thread, how many of how many agreements were read.
    pub async fn reload_telling(
        &self,
        clock: fn() -> Timestamp,
        progress: Arc<dyn Fn(usize, usize) + Send + Sync>,
    ) -> Reloaded {
        let _alone = self.changing.lock().await;
        let (mut journal, at, found, mut findings) = loop {
            let Ok((found, mut findings)) = self.found(clock(), Arc::clone(&progress)).await else {
                return self
                    .unchanged(Vec::new(), "reading failed; this is a fault of the gateway");
            };
            let Some(found) = found else {
                counter!(telemetry::RELOADS, "result" => "refused").increment(1);
                return Reloaded { changes: Vec::new(), findings };
            };
            // Before the journal is held: a program may take its time, and orders do not wait for it.
            let (found, refused) = found.begun(&self.in_force().adapters).await;
            findings.extend(refused);
            let journal = self.journal.lock().await;
            let at = clock();
            // Signatures must hold as of the entries' time. Where a key's time began or ended meanwhile, it is read
            // again: a key does so twice.
            if found.holds_at(at) {
                break (journal, at, found, findings);
            }
        };
        // As it is now: an order may have come meanwhile.
        let before = self.in_force();
        let mut next = found.weighed(&journal, at, &mut findings);
        let done = match journal.record(&self.audit, &mut next, at).await {
            Ok(done) => done,
            Err(error) => {
                return self.unchanged(findings, &format!("the log cannot record: {error}"));
            }
        };
        findings.extend(done.findings);
        let result = match (done.words.is_empty(), findings.is_empty()) {
            (_, false) => "refused",
            (true, true) => "unchanged",
            (false, true) => "changed",
        };
        counter!(telemetry::RELOADS, "result" => result).increment(1);
        self.turn_over(&before, next, &done.touched);
        self.turned_over.notify_one();
        Reloaded { changes: done.words, findings }
    }

    /// What the folders hold. Reads files and checks signatures, for which no question should wait, and no order.
    async fn found(
        &self,
        at: Timestamp,
        progress: Arc<dyn Fn(usize, usize) + Send + Sync>,
    ) -> Result<(Option<Found>, Vec<Finding>), JoinError> {
        let journal = self.journal.lock().await.clone();
        let (sources, audit) = (self.sources.clone(), self.audit.clone());
        let previous = self.in_force();
        tokio::task::spawn_blocking(move || {
            Found::read(&Reading {
                sources: &sources,
                at,
                journal: &journal,
                previous: Some((&previous, &audit)),
                progress: &*progress,
            })
        })
        .await
    }

    fn unchanged(&self, mut findings: Vec<Finding>, why: &str) -> Reloaded {
        counter!(telemetry::RELOADS, "result" => "refused").increment(1);
        let problem = format!("nothing was changed, because {why}");
        findings.push(Finding::new(&self.sources.agreements, problem));
        Reloaded { changes: Vec::new(), findings }
    }

    /// Puts `next` in the place of `before`; its entries are durable. Whoever calls this holds the journal.
    pub(in crate::gateway) fn turn_over(
        &self,
        before: &InForce,
        mut next: InForce,
        touched: &[Touched],
    ) {
        let agencies = |adapter: &str| agencies_of([before, &next], adapter);
        next.turns = before.turns.after(touched, agencies);
        let next = Arc::new(next);
        self.in_force.store(Arc::clone(&next));
        self.window.forget();
        let mut agreements = HashSet::new();
        for touched in touched {
            match touched {
                // Of a resumption or a lifting too: an answer that was under way when the order came was kept after it.
                Touched::Agreement(id) => {
                    agreements.insert(id.clone());
                }
                Touched::Freeze(name) => {
                    if let Some(scope) = Scope::parse(name) {
                        self.cache.drop_scope(scope);
                    }
                }
                Touched::Adapter(name) => {
                    let agencies = agencies_of([before, &next], name);
                    agencies.iter().for_each(|agency| self.cache.drop_agency(agency));
                }
            }
        }
        self.cache.drop_agreements(agreements);
    }
}

/// The agencies that an adapter of this name asks, before a change and after it.
fn agencies_of(views: [&InForce; 2], adapter: &str) -> Vec<OrganisationId> {
    let adapters = views.into_iter().flat_map(|view| view.adapters.all());
    adapters.filter(|known| known.name() == adapter).map(|known| known.agency().clone()).collect()
}
