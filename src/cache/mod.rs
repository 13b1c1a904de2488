//! Have we asked already? Answers kept in process, asked after the decision and never before.
//!
//! One flight per key: of concurrent equal questions one asks the agency, the others wait for its answer; each still
//! gets its own entry. Failures are never kept as answers; the record they replaced stays at hand for clauses that
//! permit a stale one.

mod key;

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache;

pub use self::key::Key;
use self::key::Keys;
use crate::crypto::CryptoError;
use crate::decision::Permit;
use crate::decision::agreement::CacheTerms;
use crate::decision::freeze::Scope;
use crate::query::record::{Finding, Record, Unavailable};
use crate::query::time::Timestamp;
use crate::query::value::Value;
use crate::query::{FactCode, OrganisationId, Query};

/// How long a failure stays, only to hold the record it replaced; it is never served as an answer.
const FAILURE_LIFE: Duration = Duration::from_secs(1);

/// What a kept answer takes beside its values: itself, its record, its places in the cache's table, order and timers. With a
/// million of them the process grew by 1,380 bytes for each, of which a node of values and texts are some 740.
const KEPT_BYTES: usize = 640;

/// Values are kept in a map whose nodes have so many places, filled or not,
const NODE_VALUES: usize = 11;

/// and take so much memory.
const NODE_BYTES: usize = NODE_VALUES * size_of::<(String, Value)>() + 16;

/// What one question to an agency brought.
#[derive(Clone)]
pub struct Asked {
    /// The record, or why there is none.
    pub result: Result<Arc<Record>, NoAnswer>,
    /// Log index of the intent under which the agency was asked; `None` when it was not.
    pub intent: Option<u64>,
    /// Attributes the adapter dropped because the permit does not grant them.
    pub dropped: u32,
    /// The deadline of the question that asked ended it: that says nothing to others who want the same.
    pub out_of_time: bool,
}

/// Why there is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAnswer {
    /// The reason, never a "no".
    pub reason: Unavailable,
    /// When asking again may help.
    pub retry_after: Option<Duration>,
}

/// An [`Asked`] with what the cache must know about it.
#[derive(Clone)]
struct Kept {
    asked: Asked,
    kept_at: Timestamp,
    /// How long it may be served as fresh, and how much longer as stale.
    fresh_for: Duration,
    stale_for: Duration,
    agreement: Arc<str>,
    agency: OrganisationId,
    fact: FactCode,
    /// The organisation it was kept for.
    caller: OrganisationId,
    /// What a failure replaced.
    previous: Option<Arc<Kept>>,
}

/// How an answer was come by.
pub enum Found {
    /// This question asked the agency.
    Fresh(Asked),
    /// Another question asked, earlier or just now.
    Kept(Asked),
    /// The agency could not be asked; this record is older than was wanted, and the clause permits it.
    Stale(Asked),
}

/// Which answers a question can use.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Number of the last change of what stands behind the answer: nothing asked for before it is served.
    pub since: u64,
    /// When the question came in.
    pub at: Timestamp,
    /// The most that the agency's data may be older than that.
    pub oldest: Duration,
}

/// Kept answers, bounded by bytes.
pub struct AnswerCache {
    kept: Cache<Key, Arc<Kept>>,
    keys: Keys,
}

impl AnswerCache {
    /// An empty cache of at most so many bytes, estimated; the least used answers go first.
    ///
    /// # Errors
    /// When the system gives no randomness for the key secret.
    pub fn new(bytes: u64) -> Result<Self, CryptoError> {
        let kept = Cache::builder()
            .max_capacity(bytes)
            .weigher(|_, kept: &Arc<Kept>| kept.bytes())
            .expire_after(Life)
            .support_invalidation_closures()
            .build();
        Ok(Self { kept, keys: Keys::new()? })
    }

    /// Serves a kept answer that is fresh enough, or runs `ask` once for all who want the same now.
    ///
    /// Without cache terms in the permit nothing is kept or shared.
    pub async fn get_or_ask(
        &self,
        permit: &Permit,
        query: &Query,
        wanted: Wanted,
        ask: impl Future<Output = Asked>,
    ) -> Found {
        let Some(terms) = permit.cache() else { return Found::Fresh(ask.await) };
        let Wanted { since, at, oldest } = wanted;
        let key = self.keys.of(permit, query, since);
        let mut ask = pin!(ask);
        let mut asked_here = false;
        loop {
            let previous = match self.kept.get(&key).await {
                // What nearly every question finds: one look, and no place among those who might have to ask.
                Some(kept) if kept.is_fresh(at, oldest) => return kept.found(false, at),
                kept => kept.and_then(Kept::last_record),
            };
            let previous = previous.filter(|kept| at.since(kept.kept_at) < kept.life());
            let kept = self
                .kept
                .entry(key)
                .or_insert_with_if(
                    async {
                        asked_here = true;
                        Arc::new(Kept::new(ask.as_mut().await, at, permit, terms, previous))
                    },
                    |kept| !kept.is_fresh(at, oldest),
                )
                .await
                .into_value();
            // Whoever waited for a question in more of a hurry asks itself, or waits for the next one.
            if asked_here || !kept.asked.out_of_time {
                return kept.found(asked_here, at);
            }
        }
    }

    /// Estimated bytes of kept answers.
    pub fn bytes(&self) -> u64 {
        self.kept.weighted_size()
    }

    /// Forgets every answer given under these agreements.
    pub fn drop_agreements(&self, agreements: HashSet<String>) {
        if !agreements.is_empty() {
            self.drop_where(move |kept| agreements.contains(&*kept.agreement));
        }
    }

    /// Forgets every answer of the agency.
    pub fn drop_agency(&self, agency: &OrganisationId) {
        let agency = agency.clone();
        self.drop_where(move |kept| kept.agency == agency);
    }

    /// Forgets every answer to a question of the scope.
    pub fn drop_scope(&self, scope: Scope) {
        self.drop_where(move |kept| {
            kept.agency == scope.provider
                && scope.fact.as_ref().is_none_or(|fact| kept.fact == *fact)
                && scope.caller.as_ref().is_none_or(|caller| kept.caller == *caller)
        });
    }

    fn drop_where(&self, matches: impl Fn(&Kept) -> bool + Send + Sync + 'static) {
        // Fails only without `support_invalidation_closures`, which `new` sets; then forgetting all is right too.
        if self.kept.invalidate_entries_if(move |_, kept| matches(kept)).is_err() {
            self.kept.invalidate_all();
        }
    }
}

impl Kept {
    fn new(
        asked: Asked,
        at: Timestamp,
        permit: &Permit,
        terms: &CacheTerms,
        previous: Option<Arc<Self>>,
    ) -> Self {
        let fresh_for = match asked.result.as_ref().map(|record| &record.finding) {
            Ok(Finding::Found(_)) => terms.found,
            Ok(Finding::NotFound | Finding::Conflict) => terms.not_found,
            Err(_) => Duration::ZERO,
        };
        Self {
            kept_at: at,
            fresh_for,
            stale_for: terms.stale,
            agreement: permit.agreement().id.as_str().into(),
            agency: permit.agreement().provider.clone(),
            fact: permit.clause().fact.clone(),
            caller: permit.agreement().consumer.clone(),
            previous: if asked.result.is_err() { previous } else { None },
            asked,
        }
    }

    /// The newest record held: this one, or the one that a failure replaced.
    fn last_record(kept: Arc<Self>) -> Option<Arc<Self>> {
        if kept.asked.result.is_ok() { Some(kept) } else { kept.previous.clone() }
    }

    /// How long it may be served at all.
    fn life(&self) -> Duration {
        self.fresh_for.saturating_add(self.stale_for)
    }

    fn is_fresh(&self, at: Timestamp, oldest: Duration) -> bool {
        self.asked.result.as_ref().is_ok_and(|record| {
            at.since(self.kept_at) < self.fresh_for && at.since(record.as_of) <= oldest
        })
    }

    fn found(&self, asked_here: bool, at: Timestamp) -> Found {
        if self.asked.result.is_err()
            && let Some(previous) = &self.previous
            && at.since(previous.kept_at) < previous.life()
            && !previous.stale_for.is_zero()
        {
            return Found::Stale(previous.asked.clone());
        }
        if asked_here { Found::Fresh(self.asked.clone()) } else { Found::Kept(self.asked.clone()) }
    }

    /// An estimate of the memory it holds.
    fn bytes(&self) -> u32 {
        let values = match self.asked.result.as_ref().map(|record| &record.finding) {
            Ok(Finding::Found(values)) => {
                let texts = values.iter().map(|(name, value)| 16 + name.len() + value.bytes());
                values.len().div_ceil(NODE_VALUES) * NODE_BYTES + texts.sum::<usize>()
            }
            _ => 0,
        };
        let previous = self.previous.as_ref().map_or(0, |previous| previous.bytes());
        u32::try_from(KEPT_BYTES + values).unwrap_or(u32::MAX).saturating_add(previous)
    }
}

/// Each answer lives as long as its clause permits, stale time included.
struct Life;

impl Expiry<Key, Arc<Kept>> for Life {
    fn expire_after_create(&self, _: &Key, kept: &Arc<Kept>, _: Instant) -> Option<Duration> {
        Some(match &kept.previous {
            Some(previous) => previous.life(),
            None if kept.asked.result.is_err() => FAILURE_LIFE,
            None => kept.life(),
        })
    }

    fn expire_after_update(
        &self,
        key: &Key,
        kept: &Arc<Kept>,
        updated_at: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.expire_after_create(key, kept, updated_at)
    }
}

#[cfg(test)]
mod tests;
