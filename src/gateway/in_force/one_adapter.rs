//! One adapter takes the place of its last version; nothing else that is in force is read or changed.

use std::sync::Arc;

use metrics::counter;

use super::changes::Change;
use super::{InForce, Reloaded};
use crate::adapters::Adapters;
use crate::finding::Finding;
use crate::gateway::Gateway;
use crate::query::time::Timestamp;
use crate::telemetry;

impl Gateway {
    /// Reads the manifest of that name again and brings it into force, once that is durable; out of force when its file
    /// is gone. A manifest with a flaw changes nothing.
    ///
    /// Questions under way end with the version they began with, whose connections close after the last of them.
    /// Another reload and publications wait. Must run to its end even when the caller has gone.
    pub async fn reload_adapter(&self, name: &str, clock: fn() -> Timestamp) -> Reloaded {
        let _alone = self.changing.lock().await;
        let before = self.in_force();
        let (folder, wanted) = (self.sources.adapters.clone(), name.to_owned());
        let (adapters, catalogue) = (Arc::clone(&before.adapters), Arc::clone(&before.catalogue));
        let allowed = self.sources.allowed.clone();
        let reading = tokio::task::spawn_blocking(move || {
            adapters.reload_one(&wanted, &folder, &allowed, &catalogue)
        });
        let read = reading.await.unwrap_or_else(|_| {
            let problem = "reading failed; this is a fault of the gateway";
            Err(vec![Finding::new(&self.sources.adapters, problem)])
        });
        let refused = |findings| {
            counter!(telemetry::RELOADS, "result" => "refused").increment(1);
            Reloaded { changes: Vec::new(), findings }
        };
        let adapters = match read {
            Ok(adapters) => adapters,
            Err(findings) => return refused(findings),
        };
        let (adapters, unstarted) = adapters.begin(Some(&before.adapters)).await;
        if before.adapters.is_same(&adapters) {
            if !unstarted.is_empty() {
                return refused(unstarted);
            }
            counter!(telemetry::RELOADS, "result" => "unchanged").increment(1);
            return Reloaded { changes: Vec::new(), findings: Vec::new() };
        }
        let mut journal = self.journal.lock().await;
        // As it is now: an order may have come meanwhile.
        let before = self.in_force();
        let next = before.asking(Arc::new(adapters));
        let mut changes = Vec::new();
        journal.adapter_changes(&next, &mut changes);
        let changes = changes.into_iter().map(Change::whole).collect();
        let done = match journal.append(&self.audit, changes, clock()).await {
            Ok((done, _)) => done,
            Err(error) => {
                let problem =
                    format!("nothing was changed, because the log cannot record: {error}");
                return refused(vec![Finding::new(&self.sources.adapters, problem)]);
            }
        };
        counter!(telemetry::RELOADS, "result" => "changed").increment(1);
        self.turn_over(&before, next, &done.touched);
        let mut words = done.words;
        if words.is_empty() {
            words.push(format!("adapter `{name}` uses what its manifest names as it is now"));
        }
        let findings = unstarted.into_iter().chain(done.findings).collect();
        Reloaded { changes: words, findings }
    }
}

impl InForce {
    /// The same with these adapters. Shares everything else.
    fn asking(&self, adapters: Arc<Adapters>) -> Self {
        Self {
            register: Arc::clone(&self.register),
            catalogue: Arc::clone(&self.catalogue),
            agreements: self.agreements.clone(),
            freezes: self.freezes.clone(),
            adapters,
            documents: Arc::clone(&self.documents),
            orders: Vec::new(),
            turns: self.turns.clone(),
        }
    }
}
