//! A repeated request gets the answer it got before, and the agency is not asked twice.

use std::collections::VecDeque;
use std::collections::hash_map::{Entry, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::exchange::{Ask, Refusal, Reply};
use crate::crypto::{Digest, sha256_parts};
use crate::decision::facts::Defect;
use crate::query::time::Timestamp;
use crate::query::value::Verdict;

/// Recent answers by caller and request id. A retry that arrives while the first is under way waits for it.
pub(super) struct Window {
    length: Duration,
    /// At most this many answers.
    entries: usize,
    /// Behind one short lock, never held across an await.
    recent: Mutex<Recent>,
}

/// An answer, once there is one.
type Slot = Arc<OnceCell<Answered>>;

#[derive(Default)]
struct Recent {
    slots: HashMap<Digest, (Instant, Slot)>,
    /// The same, oldest first; those that were forgotten since among them.
    order: VecDeque<(Instant, Digest)>,
}

struct Answered {
    /// Of the request as sent: the same id with another question is an error, not a retry.
    digest: Digest,
    /// Shared with everybody who got it.
    result: Result<Arc<Reply>, Refusal>,
}

impl Window {
    pub(super) fn new(length: Duration, entries: u64) -> Self {
        let entries = usize::try_from(entries).unwrap_or(usize::MAX);
        Self { length, entries, recent: Mutex::default() }
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
        ask: Box<Ask>,
        era: [u64; 2],
        stands: impl Fn(&Reply, Timestamp) -> bool,
        answer: impl Fn(Box<Ask>) -> F,
    ) -> Result<Arc<Reply>, Refusal>
    where
        F: Future<Output = Result<Arc<Reply>, Refusal>>,
    {
        if !ask.defects.is_empty() {
            return answer(ask).await;
        }
        // The certificate, not the name: a stranger's certificate that names a known system shares nothing with it.
        let [turn, begun] = era.map(u64::to_be_bytes);
        let key = sha256_parts(&[ask.peer.certificate(), &ask.query.request_id, &turn, &begun]);
        let digest = ask.digest;
        let mut waiting = Some(ask);
        let slot = self.slot(key, Instant::now());
        let first = async {
            let result = match waiting.take() {
                Some(ask) => answer(ask).await,
                // Not reached: a future runs once.
                None => Err(Refusal::Unrecorded),
            };
            Answered { digest, result }
        };
        // Where whoever asks first comes to no end, the next one who waits asks.
        let answered = slot.get_or_init(|| first).await;
        if !answered.is_kept() {
            self.recent().forget(&key, &slot);
        }
        let Some(mut again) = waiting else { return answered.result.clone() };
        if answered.digest == digest {
            let stands = answered.result.as_ref().map_or(true, |it| stands(it, again.received_at));
            return if stands { answered.result.clone() } else { answer(again).await };
        }
        again.defects.push(Defect { field: "request_id".to_owned(), check: "reused".to_owned() });
        answer(again).await
    }

    /// The answer of that key, which may be under way; a new one where there is none.
    fn slot(&self, key: Digest, now: Instant) -> Slot {
        let mut recent = self.recent();
        recent.forget_old(now, self.length, self.entries);
        let Recent { slots, order } = &mut *recent;
        let known = slots.entry(key);
        if let Entry::Occupied(known) = &known
            && known.get().1.get().is_none_or(Answered::is_kept)
        {
            return Arc::clone(&known.get().1);
        }
        let slot = Slot::default();
        known.insert_entry((now, Arc::clone(&slot)));
        order.push_back((now, key));
        slot
    }

    /// Forgets every answer: what is in force has changed, and retries are decided anew.
    pub(super) fn forget(&self) {
        *self.recent() = Recent::default();
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        // Whatever a panic left half done is only an answer that is forgotten too early or too late.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recent {
    /// Forgets what is older than the window, and the oldest where there are too many.
    fn forget_old(&mut self, now: Instant, length: Duration, entries: usize) {
        while let Some((since, key)) = self.order.front() {
            if self.order.len() < entries && now.duration_since(*since) < length {
                return;
            }
            // Forgotten before, and answered again: that one stands further back.
            if let Entry::Occupied(known) = self.slots.entry(*key)
                && known.get().0 == *since
            {
                known.remove();
            }
            self.order.pop_front();
        }
    }

    /// Forgets this answer, unless another has taken its place.
    fn forget(&mut self, key: &Digest, slot: &Slot) {
        if let Entry::Occupied(known) = self.slots.entry(*key)
            && Arc::ptr_eq(&known.get().1, slot)
        {
            known.remove();
        }
    }
}

impl Answered {
    fn is_kept(&self) -> bool {
        self.result.as_ref().is_ok_and(|reply| reply.verdict != Verdict::Unavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_secs(600);

    fn refused() -> Answered {
        Answered { digest: [0; 32], result: Err(Refusal::Overloaded) }
    }

    #[test]
    fn an_answer_is_there_until_it_is_old_or_there_are_too_many() {
        let window = Window::new(LENGTH, 3);
        let start = Instant::now();
        let first = window.slot([1; 32], start);
        assert!(Arc::ptr_eq(&first, &window.slot([1; 32], start + LENGTH / 2)));
        let again = window.slot([1; 32], start + LENGTH);
        assert!(!Arc::ptr_eq(&first, &again), "it was old");
        for key in 2..=3 {
            window.slot([key; 32], start + LENGTH);
        }
        assert_eq!(window.recent().slots.len(), 3);
        window.slot([4; 32], start + LENGTH);
        assert_eq!(window.recent().slots.len(), 3);
        assert!(!window.recent().slots.contains_key(&[1; 32]), "the oldest went");
        window.forget();
        assert!(window.recent().slots.is_empty() && window.recent().order.is_empty());
    }

    #[test]
    fn what_is_not_kept_makes_room_for_the_next_and_takes_nothing_with_it() {
        let window = Window::new(LENGTH, 3);
        let start = Instant::now();
        let failed = window.slot([1; 32], start);
        assert!(failed.set(refused()).is_ok());
        let next = window.slot([1; 32], start + LENGTH / 2);
        assert!(!Arc::ptr_eq(&failed, &next));
        window.recent().forget(&[1; 32], &failed);
        assert!(Arc::ptr_eq(&next, &window.slot([1; 32], start + LENGTH / 2)), "another's place");
        // The first one's turn to be old is not the second one's.
        assert!(Arc::ptr_eq(&next, &window.slot([1; 32], start + LENGTH)));
        window.recent().forget(&[1; 32], &next);
        assert!(window.recent().slots.is_empty());
    }
}
