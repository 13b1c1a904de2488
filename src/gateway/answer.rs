//! A judged answer on its way into the log and to the caller.

use std::sync::Arc;

use super::exchange::{Ask, Receipt, Reply, Source};
use super::oldest;
use crate::audit::entry;
use crate::cache::{Asked, Found, NoAnswer};
use crate::decision::Permit;
use crate::decision::facts::Facts;
use crate::decision::release::{Released, release};
use crate::query::Query;
use crate::query::record::Unavailable;
use crate::query::value::Verdict;

/// What the assertions came to, and where the record came from.
pub(super) struct Answer {
    pub(super) released: Released,
    pub(super) source: Source,
    asked: Asked,
}

impl Answer {
    pub(super) fn new(ask: &Ask, permit: &Permit, found: Found) -> Self {
        let (asked, source, known_stale) = match found {
            Found::Fresh(asked) => (asked, Source::Agency, false),
            // Nothing was kept of a question that failed: whoever waited for it has no answer from the cache, but none.
            Found::Kept(asked) if asked.result.is_err() => (asked, Source::Agency, false),
            Found::Kept(asked) => {
                let source = Source::Cache { original_index: asked.intent.unwrap_or_default() };
                (asked, source, false)
            }
            Found::Stale(asked) => {
                let source = Source::Cache { original_index: asked.intent.unwrap_or_default() };
                (asked, source, true)
            }
        };
        let released = match &asked.result {
            Ok(record) => {
                let stale =
                    known_stale || ask.received_at.since(record.as_of) > oldest(ask, permit);
                release(permit, &ask.query, record, stale)
            }
            Err(_) => unavailable(&ask.query),
        };
        Self { released, source, asked }
    }

    pub(super) fn as_outcome(
        &self,
        facts: Facts,
        permit: &Permit,
        commitments: entry::Commitments,
    ) -> entry::Outcome {
        let record = self.asked.result.as_ref().ok();
        entry::Outcome {
            facts,
            permit: permit.reference(),
            commitments,
            intent: self.asked.intent,
            source: match self.source {
                Source::Agency => entry::Source::Agency,
                Source::Cache { .. } => entry::Source::Cache,
            },
            verdict: self.released.verdict,
            as_of: record.map(|record| record.as_of),
            disclosed: self.released.disclosed.keys().cloned().collect(),
            masked: self.released.masked.clone(),
            dropped: self.asked.dropped,
            unavailable: self.why_unavailable(),
            subjects_checked: record
                .map(|record| record.subjects_checked.clone())
                .unwrap_or_default(),
        }
    }

    pub(super) fn into_reply(
        self,
        ask: &Ask,
        permit: &Permit,
        log_index: u64,
        receipt: Option<Arc<Receipt>>,
    ) -> Reply {
        let record = self.asked.result.as_ref().ok();
        let subjects_checked = record
            .iter()
            .flat_map(|record| &record.subjects_checked)
            .filter_map(|&position| {
                let subject = ask.query.subjects.get(position as usize)?;
                Some((subject.role.clone(), position))
            })
            .collect();
        let no_answer = self.why_unavailable().map(|reason| NoAnswer {
            reason,
            retry_after: self.asked.result.as_ref().err().and_then(|why| why.retry_after),
        });
        Reply {
            request_id: ask.query.request_id,
            verdict: self.released.verdict,
            judgements: self.released.judgements,
            keep_until: (!self.released.disclosed.is_empty())
                .then(|| ask.received_at.plus(permit.agreement().keep_for)),
            disclosed: self.released.disclosed,
            masked: self.released.masked,
            as_of: record.map(|record| record.as_of),
            source: self.source,
            agency: permit.agreement().provider.clone(),
            subjects_checked,
            no_answer,
            grant: permit.reference(),
            log_index,
            receipt,
        }
    }

    /// The reason of an UNAVAILABLE verdict. A record that cannot be judged is one that broke the contract.
    fn why_unavailable(&self) -> Option<Unavailable> {
        (self.released.verdict == Verdict::Unavailable).then(|| {
            self.asked.result.as_ref().err().map_or(Unavailable::ContractError, |why| why.reason)
        })
    }
}

/// Nothing judged and nothing let go: every assertion is UNAVAILABLE.
fn unavailable(query: &Query) -> Released {
    let judgement = |assertion: &crate::query::value::Assertion| {
        (assertion.attribute.clone(), assertion.comparison, Verdict::Unavailable)
    };
    Released {
        verdict: Verdict::Unavailable,
        judgements: query.assertions.iter().map(judgement).collect(),
        disclosed: Default::default(),
        masked: Vec::new(),
    }
}
