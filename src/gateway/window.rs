//! A repeated request gets the answer it got before, and the agency is not asked twice.

use std::collections::VecDeque;
use std::collections::hash_map::{Entry, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::exchange::{Ask, Receipt, Refusal, Reply};
use crate::crypto::{Digest, sha256_parts};
use crate::decision::facts::Defect;
use crate::query::time::Timestamp;
use crate::query::value::{Value, Verdict};

/// Recent answers by caller and request id. A retry that arrives while the first is under way waits for it.
pub(super) struct Window {
    length: Duration,
    /// At most this many answers.
    entries: usize,
    /// And at most so much memory for them, as reckoned here.
    bytes: usize,
    /// Behind one short lock, never held across an await.
    recent: Mutex<Recent>,
}

/// What an answer takes beside what grows with the question: itself and its slot, both counted by their sharers, its
/// places in map and queue, which have up to two and a half times and twice the room they need right after they have
/// grown, and room for three more in the list of subjects.
const ENTRY_BYTES: usize = size_of::<Reply>()
    + size_of::<OnceCell<Answered>>()
    + 4 * size_of::<usize>()
    + (size_of::<(Digest, Known)>() + 1) * 5 / 2
    + size_of::<(Instant, Digest)>() * 2
    + size_of::<(String, u32)>() * 3;

/// One small part of an answer, with the memory of its text.
const SMALL_BYTES: usize = 96;

/// A node of the map of values, with what leads to it; each has room for eleven, and five at least but the first.
const NODE_BYTES: usize = (size_of::<String>() + size_of::<Value>()) * 11 + 128;

/// An answer, once there is one.
type Slot = Arc<OnceCell<Answered>>;

#[derive(Default)]
struct Recent {
    slots: HashMap<Digest, Known>,
    /// The same, oldest first; those that were forgotten since among them.
    order: VecDeque<(Instant, Digest)>,
    /// Of all answers that are there.
    bytes: usize,
}

struct Known {
    since: Instant,
    slot: Slot,
    /// None while there is no answer.
    bytes: usize,
}

struct Answered {
    /// Of the request as sent: the same id with another question is an error, not a retry.
    digest: Digest,
    /// Shared with everybody who got it.
    result: Result<Arc<Reply>, Refusal>,
}

impl Window {
    pub(super) fn new(length: Duration, entries: u64, bytes: u64) -> Self {
        let [entries, bytes] =
            [entries, bytes].map(|most| usize::try_from(most).unwrap_or(usize::MAX));
        Self { length, entries, bytes, recent: Mutex::default() }
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
        } else if waiting.is_none() {
            self.weigh(&key, &slot, answered.bytes());
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
        let is_full = |order: usize, bytes| order >= self.entries || bytes > self.bytes;
        recent.forget_old(now, self.length, is_full);
        let Recent { slots, order, bytes } = &mut *recent;
        let known = slots.entry(key);
        if let Entry::Occupied(known) = &known
            && known.get().slot.get().is_none_or(Answered::is_kept)
        {
            return Arc::clone(&known.get().slot);
        }
        let slot = Slot::default();
        if let Entry::Occupied(gone) = &known {
            *bytes -= gone.get().bytes;
        }
        known.insert_entry(Known { since: now, slot: Arc::clone(&slot), bytes: 0 });
        order.push_back((now, key));
        slot
    }

    /// Notes how much an answer takes that has just come, and makes room for it.
    fn weigh(&self, key: &Digest, slot: &Slot, bytes: usize) {
        let mut recent = self.recent();
        let Some(known) = recent.slots.get_mut(key).filter(|it| Arc::ptr_eq(&it.slot, slot)) else {
            return;
        };
        known.bytes = bytes;
        recent.bytes += bytes;
        recent.forget_old(Instant::now(), self.length, |_, bytes| bytes > self.bytes);
    }

    /// Memory of all answers, reckoned.
    pub(super) fn bytes(&self) -> u64 {
        self.recent().bytes as u64
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
    /// Forgets what is older than the window, and the oldest where there are too many, in number or in bytes.
    fn forget_old(
        &mut self,
        now: Instant,
        length: Duration,
        is_full: impl Fn(usize, usize) -> bool,
    ) {
        while let Some((since, key)) = self.order.front() {
            if !is_full(self.order.len(), self.bytes) && now.duration_since(*since) < length {
                return;
            }
            // Forgotten before, and answered again: that one stands further back.
            if let Entry::Occupied(known) = self.slots.entry(*key)
                && known.get().since == *since
            {
                self.bytes -= known.remove().bytes;
            }
            self.order.pop_front();
        }
    }

    /// Forgets this answer, unless another has taken its place.
    fn forget(&mut self, key: &Digest, slot: &Slot) {
        if let Entry::Occupied(known) = self.slots.entry(*key)
            && Arc::ptr_eq(&known.get().slot, slot)
        {
            self.bytes -= known.remove().bytes;
        }
    }
}

impl Answered {
    fn is_kept(&self) -> bool {
        self.result.as_ref().is_ok_and(|reply| reply.verdict != Verdict::Unavailable)
    }

    /// Memory that it takes, reckoned.
    fn bytes(&self) -> usize {
        let Ok(reply) = &self.result else { return ENTRY_BYTES };
        let values = reply.disclosed.values().map(|value| SMALL_BYTES + value.bytes());
        let nodes = reply.disclosed.len().div_ceil(5) * NODE_BYTES;
        let proof = reply.receipt.as_ref().map_or(0, |receipt| {
            let openings = receipt.openings.iter().map(|one| one.value.len() + SMALL_BYTES);
            size_of::<Receipt>()
                + receipt.entry.len()
                + receipt.proof.len()
                + openings.sum::<usize>()
        });
        let small = reply.judgements.len() + reply.subjects_checked.len() + reply.masked.len();
        let named = reply.grant.agreement.len();
        ENTRY_BYTES + named + small * SMALL_BYTES + nodes + values.sum::<usize>() + proof
    }
}

#[cfg(test)]
mod tests {
    use super::super::exchange::{Opened, Source};
    use super::*;
    use crate::audit::commitment::{Field, Opening};
    use crate::decision::PermitRef;
    use crate::query::value::Comparison;

    const LENGTH: Duration = Duration::from_secs(600);

    fn refused() -> Answered {
        Answered { digest: [0; 32], result: Err(Refusal::Overloaded) }
    }

    #[test]
    fn an_answer_is_there_until_it_is_old_or_there_are_too_many() {
        let window = Window::new(LENGTH, 3, u64::MAX);
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
    fn the_oldest_go_when_answers_take_too_much_memory() {
        let window = Window::new(LENGTH, 100, 1000);
        let start = Instant::now();
        for key in 1..=4 {
            let slot = window.slot([key; 32], start);
            window.weigh(&[key; 32], &slot, 400);
            // An answer is weighed once, whoever repeats the question.
            assert!(Arc::ptr_eq(&slot, &window.slot([key; 32], start)));
        }
        let there = |key| window.recent().slots.contains_key(&[key; 32]);
        assert_eq!([1, 2, 3, 4].map(there), [false, false, true, true]);
        assert_eq!(window.bytes(), 800);
        let gone = window.slot([1; 32], start);
        window.weigh(&[1; 32], &gone, 2000);
        assert!(window.recent().slots.is_empty(), "larger than everything");
        window.weigh(&[1; 32], &gone, 2000);
        let recent = window.recent();
        assert_eq!((recent.bytes, recent.order.len()), (0, 0));
    }

    /// With so many subjects, assertions and values.
    fn reply(subjects: u32, judged: usize, disclosed: usize, receipt: Option<Receipt>) -> Reply {
        let names = |count: usize| (0..count).map(|at| format!("an_attribute_with_number_{at:02}"));
        let judgement = |name| (name, Comparison::Ge, Verdict::Confirmed);
        Reply {
            request_id: [1; 16],
            verdict: Verdict::Confirmed,
            judgements: names(judged).map(judgement).collect(),
            disclosed: names(disclosed)
                .map(|name| (name, Value::Text("韩梅梅".to_owned())))
                .collect(),
            masked: names(disclosed / 2).collect(),
            keep_until: None,
            as_of: None,
            source: Source::Agency,
            agency: "police".into(),
            // As the gateway gathers them, which does not know how many there will be.
            subjects_checked: (0..u32::MAX)
                .take_while(|at| *at < subjects)
                .map(|at| ("applicant".to_owned(), at))
                .collect(),
            no_answer: None,
            grant: PermitRef { agreement: "hn-gjj-ga-2018-001".into(), version: 1, clause: 1 },
            log_index: 7,
            receipt: receipt.map(Arc::new),
        }
    }

    fn receipt() -> Receipt {
        let opened =
            |_| Opened { field: Field::Subject, opening: Opening([7; 32]), value: vec![7; 200] };
        let (entry, proof) = (vec![7; 500], "p".repeat(700));
        Receipt { index: 7, entry, proof, openings: (0..4).map(opened).collect() }
    }

    #[test]
    fn no_answer_takes_more_memory_than_is_reckoned() {
        type Kind = (&'static str, fn() -> Reply);
        let kinds: [Kind; 5] = [
            ("plain", || reply(1, 1, 0, None)),
            ("about many", || reply(5, 8, 0, None)),
            ("a value", || reply(1, 0, 1, None)),
            ("many values", || reply(2, 2, 40, None)),
            ("with a receipt", || reply(1, 1, 0, Some(receipt()))),
        ];
        // Right after the map has grown, and right after the queue has.
        for (name, kind) in kinds {
            for count in [1025_u32, 1793] {
                let window = Window::new(LENGTH, u64::MAX, u64::MAX);
                let start = Instant::now();
                let allocated = allocation_counter::measure(|| {
                    for number in 0..count {
                        let key = sha256_parts(&[&number.to_be_bytes()]);
                        let slot = window.slot(key, start);
                        let answered = Answered { digest: key, result: Ok(Arc::new(kind())) };
                        let bytes = answered.bytes();
                        assert!(slot.set(answered).is_ok());
                        window.weigh(&key, &slot, bytes);
                    }
                });
                let (reckoned, taken) = (window.recent().bytes as i64, allocated.bytes_current);
                let each = |bytes| bytes / i64::from(count);
                let figures = format!("{name}: {} of {} bytes", each(taken), each(reckoned));
                assert!(taken > 0 && taken <= reckoned, "{figures}");
                assert!(reckoned < taken * 2, "{figures}");
            }
        }
    }

    #[test]
    fn what_is_not_kept_makes_room_for_the_next_and_takes_nothing_with_it() {
        let window = Window::new(LENGTH, 3, u64::MAX);
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
