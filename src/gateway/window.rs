//! A repeated request gets the answer it got before, and the agency is not asked twice.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;

use super::exchange::{Ask, Refusal, Reply};
use crate::crypto::{Digest, sha256_parts};
use crate::decision::facts::Defect;
use crate::query::time::Timestamp;
use crate::query::value::Verdict;

/// Recent answers by caller and request id. A retry that arrives while the first is under way waits for it.
pub(super) struct Window {
    answered: Cache<Digest, Arc<Answered>>,
}

struct Answered {
    /// Of the request as sent: the same id with another question is an error, not a retry.
    digest: Digest,
    result: Result<Reply, Refusal>,
}

impl Window {
    pub(super) fn new(length: Duration, entries: u64) -> Self {
        let answered = Cache::builder().max_capacity(entries).time_to_live(length).build();
        Self { answered }
    }

    /// Runs `answer` once per request id within the window.
    ///
    /// `era` counts the changes of what is in force, and the orders recorded earlier that have begun, as it was before
    /// `answer` looked: what is answered while a change comes is not repeated after it.
    ///
    /// `stands` says whether what granted an answer grants still, at the moment of the repeated question: an agreement
    /// ends, and gives way to its next version, without any change being made. Serving hours are another matter, for a
    /// repetition asks the agency nothing.
    ///
    /// Denials and non-answers are not kept: what the caller repeats after mending its question, or after the agency has
    /// come back, is a new question with an entry of its own.
    pub(super) async fn once<F>(
        &self,
        ask: Ask,
        era: [u64; 2],
        stands: impl Fn(&Reply, Timestamp) -> bool,
        answer: impl Fn(Ask) -> F,
    ) -> Result<Reply, Refusal>
    where
        F: Future<Output = Result<Reply, Refusal>>,
    {
        if !ask.defects.is_empty() {
            return answer(ask).await;
        }
        // The certificate, not the name: a stranger's certificate that names a known system shares nothing with it.
        let [turn, begun] = era.map(u64::to_be_bytes);
        let key = sha256_parts(&[ask.peer.certificate(), &ask.query.request_id, &turn, &begun]);
        let digest = ask.digest;
        let mut waiting = Some(ask);
        let answered = self
            .answered
            .entry(key)
            .or_insert_with_if(
                async {
                    let result = match waiting.take() {
                        Some(ask) => answer(ask).await,
                        // Not reached: the initialiser runs at most once.
                        None => Err(Refusal::Unrecorded),
                    };
                    Arc::new(Answered { digest, result })
                },
                |answered| !answered.is_kept(),
            )
            .await
            .into_value();
        let Some(mut again) = waiting else { return answered.result.clone() };
        if answered.digest == digest {
            let stands = answered.result.as_ref().map_or(true, |it| stands(it, again.received_at));
            return if stands { answered.result.clone() } else { answer(again).await };
        }
        again.defects.push(Defect { field: "request_id".to_owned(), check: "reused".to_owned() });
        answer(again).await
    }

    /// Forgets every answer: what is in force has changed, and retries are decided anew.
    pub(super) fn forget(&self) {
        self.answered.invalidate_all();
    }
}

impl Answered {
    fn is_kept(&self) -> bool {
        self.result.as_ref().is_ok_and(|reply| reply.verdict != Verdict::Unavailable)
    }
}
