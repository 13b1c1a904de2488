//! Programs of the gateway's own are started before anybody asks, and end with the gateway.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;

use super::{Adapter, Adapters};
use crate::finding::Finding;
use crate::query::FactCode;

impl Adapters {
    /// Starts the programs that were not started yet, all at once, and waits until each runs or does not; that takes no
    /// longer than the longest `start_within`.
    ///
    /// Where one does not, its manifest's version in `previous` stays, unless another adapter has taken its name or a fact
    /// of it. Where there is none to stay, the new one does: it is started again and again, and cannot answer meanwhile.
    pub async fn begin(self, previous: Option<&Self>) -> (Self, Vec<Finding>) {
        let begun = join_all(self.all.iter().map(|adapter| adapter.begin())).await;
        let mut findings = Vec::new();
        let mut all = self.all;
        for (place, finding) in begun.into_iter().enumerate() {
            let Some(mut finding) = finding else { continue };
            if let Some(stays) = previous.and_then(|before| before.in_place_of(place, &all)) {
                finding.problem.push_str("; the version before stays");
                if let Some(adapter) = all.get_mut(place) {
                    *adapter = stays;
                }
            }
            findings.push(finding);
        }
        all.sort_by(|one, other| one.name().cmp(other.name()));
        (Self::of(all), findings)
    }

    /// Ends every program, and waits for that. Nobody may ask any more.
    pub async fn end(&self) {
        join_all(self.all.iter().map(|adapter| adapter.end())).await;
    }

    /// The version in force of the adapter in that place, if it can stay.
    fn in_place_of(&self, place: usize, all: &[Arc<Adapter>]) -> Option<Arc<Adapter>> {
        let file = all.get(place)?.file();
        let stays = self.all.iter().find(|known| known.file() == file)?;
        let facts: BTreeSet<&FactCode> = stays.facts().collect();
        let clashes = |other: &Adapter| {
            other.name() == stays.name() || other.facts().any(|fact| facts.contains(fact))
        };
        let mut others = all.iter().enumerate().filter(|(other, _)| *other != place);
        (!others.any(|(_, other)| clashes(other))).then(|| Arc::clone(stays))
    }
}
