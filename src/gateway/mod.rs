//! The whole path of a question, in one function: [`Gateway::answer`].
//!
//! The safety argument is the order of its lines. A question is numbered and its facts gathered; the decision is a pure
//! function of those facts; only with the permit in hand are cache and agency asked; the intent to ask is durable before
//! the agency hears of it; the outcome is durable before the caller does.

mod answer;
mod closing;
pub mod disputes;
#[cfg(test)]
mod durable_tests;
mod evidence;
pub mod exchange;
mod file;
pub mod give;
pub mod in_force;
pub mod ledger;
mod meters;
mod orders;
pub mod publish;
mod turns;
mod window;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use metrics::{counter, histogram};
use tokio::sync::{Mutex, Notify};
use tokio::time::{Instant, timeout_at};

use self::answer::Answer;
use self::disputes::Disputes;
use self::evidence::Evidence;
use self::exchange::{Ask, Opened, Receipt, Refusal, Reply};
use self::in_force::{InForce, Journal, Sources};
use self::ledger::Ledger;
use self::meters::Meters;
use self::window::Window;
use crate::audit::beside::Private;
use crate::audit::entry::{self, AdapterRef, Entry, Kind};
use crate::audit::{Audit, AuditError, Recorded};
use crate::cache::{AnswerCache, Asked, Found, NoAnswer, Wanted};
use crate::decision::agreements::Placed;
use crate::decision::denial::Denial;
use crate::decision::facts::{self, Facts, Standing};
use crate::decision::{self, Decision, Permit, decide};
use crate::query::record::Unavailable;
use crate::query::time::Timestamp;
use crate::telemetry;
use crate::vault::{Stage, Vault, VaultError};

/// The most time any question gets, whatever its caller allows: the longest time a manifest may give one attempt.
/// A drain waits for questions under way, so none may last for ever.
const DEADLINE_MOST: Duration = Duration::from_secs(120);

/// Limits of the path itself.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Time given to a question whose caller set no deadline.
    pub deadline_default: Duration,
    /// Taken off the caller's deadline for recording and sending.
    pub deadline_margin: Duration,
    /// How long a repeated `request_id` gets the same recorded answer.
    pub request_id_window: Duration,
    /// Answers kept for that.
    pub request_id_entries: u64,
    /// Memory for them.
    pub request_id_bytes: u64,
}

/// The path's parts, shared by all requests.
pub struct Gateway {
    in_force: ArcSwap<InForce>,
    sources: Sources,
    /// Held by whoever changes what is in force otherwise than by an order, from reading it on: one at a time. Taken
    /// before the journal.
    changing: Mutex<()>,
    /// What the log says is in force; held while that changes, from the look at it until the view has turned over.
    journal: Mutex<Journal>,
    ledger: Ledger,
    cache: AnswerCache,
    audit: Audit,
    evidence: Evidence,
    window: Window,
    disputes: Disputes,
    limits: Limits,
    meters: Meters,
    /// Told of every turn-over.
    turned_over: Notify,
}

/// What [`Gateway::new`] puts together. The log, the journal and the ledger must be of the same moment.
pub struct Parts {
    /// What decides and answers, already in the log.
    pub in_force: InForce,
    /// Where it was read from.
    pub sources: Sources,
    /// What the log says is in force.
    pub journal: Journal,
    /// Counters as of the log's last entry.
    pub ledger: Ledger,
    /// Kept answers.
    pub cache: AnswerCache,
    /// The log.
    pub audit: Audit,
    /// Where requests and answers are kept sealed, if they are.
    pub vault: Option<Vault>,
    /// Contested verdicts.
    pub disputes: Disputes,
    /// Limits.
    pub limits: Limits,
}

impl Gateway {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let limits = parts.limits;
        Self {
            in_force: ArcSwap::from_pointee(parts.in_force),
            sources: parts.sources,
            changing: Mutex::new(()),
            journal: Mutex::new(parts.journal),
            ledger: parts.ledger,
            cache: parts.cache,
            audit: parts.audit,
            evidence: Evidence::new(parts.vault),
            window: Window::new(
                limits.request_id_window,
                limits.request_id_entries,
                limits.request_id_bytes,
            ),
            disputes: parts.disputes,
            limits,
            meters: Meters::new(),
            turned_over: Notify::new(),
        }
    }

    /// Answers one question, or says why not. Its entry is durable before this returns.
    ///
    /// Must run to its end even when the caller has gone: the service spawns it.
    ///
    /// # Errors
    /// A denial, which is recorded, or a log that cannot record.
    pub async fn answer(&self, ask: Ask) -> Result<Arc<Reply>, Refusal> {
        let in_force = self.in_force.load();
        let begun = in_force.agreements.halts().begun(ask.received_at);
        let era = [in_force.turns.count(), begun];
        drop(in_force);
        let stands = |reply: &Reply, at| self.in_force.load().stands(&reply.grant, at);
        // Boxed: whoever holds a future holds room for all that it may ever come to, and moves it, too.
        self.window.once(Box::new(ask), era, stands, |ask| Box::pin(self.answer_anew(ask))).await
    }

    async fn answer_anew(&self, ask: Box<Ask>) -> Result<Arc<Reply>, Refusal> {
        self.evidence.ready(ask.received_at, &ask.log).await?;
        let in_force = self.in_force.load_full();
        let mut facts = self.facts(&ask, &in_force);
        let candidates = candidates(&facts, &in_force);
        facts.assertions = facts::assertions(&ask.query, candidates);
        let decision = self.ledger.settle(
            &mut facts,
            candidates.iter().map(|placed| placed.agreement.id.as_str()),
            |facts| decide(facts, &in_force.agreements),
        );

        let permit = match decision {
            Decision::Permit(permit) => permit,
            Decision::Deny(denial) => return Err(self.deny(&ask, facts, denial).await),
        };
        let found = self.fetch(&ask, &facts, &permit, &in_force).await;
        let answer = Answer::new(&ask, &permit, found);
        self.record(&ask, facts, &permit, answer).await
    }

    /// Gathers what the decision may look at, but for the assertions and the quota, which hang on what might grant it.
    /// What is not in here, the decision does not know.
    fn facts(&self, ask: &Ask, in_force: &InForce) -> Facts {
        let query = &ask.query;
        let caller = ask.peer.facts(&in_force.register);
        let fact = in_force.catalogue.fact(&query.fact);
        let freezes = in_force.freezes.over(
            fact.map(|fact| &fact.agency),
            fact.map(|fact| &fact.code),
            &caller.organisation,
        );
        Facts {
            rules: decision::RULES,
            request_id: query.request_id,
            caller_sequence: self.ledger.number(&caller),
            received_at: ask.received_at,
            deadline: ask.deadline,
            quota: Vec::new(),
            caller,
            fact: fact.map(|fact| fact.code.clone()),
            provider: fact.map(|fact| fact.agency.clone()),
            item: query.purpose.item.clone(),
            item_version: query.purpose.item_version.clone(),
            case_number: query.purpose.case_number.clone(),
            replaced_material: query.purpose.replaced_material.clone(),
            operator_unit: query.operator.unit.clone(),
            operator_present: !query.operator.id.is_empty(),
            notice: query.purpose.notice.clone(),
            consent: query.purpose.consent.clone(),
            roles: facts::roles(query),
            assertions: Vec::new(),
            disclose: query.disclose.clone(),
            max_age: query.max_age,
            defects: ask.defects.clone(),
            freezes,
            catalogue_digest: *in_force.catalogue.digest(),
        }
    }

    async fn deny(&self, ask: &Ask, facts: Facts, denial: Denial) -> Refusal {
        counter!(telemetry::DECISIONS, "code" => denial.code()).increment(1);
        let sealed = match self.evidence.seal(ask, Stage::Denial, None) {
            Ok(sealed) => sealed,
            Err(refusal) => return refusal,
        };
        let kind = Kind::Denial(Box::new(entry::Denied {
            facts,
            code: denial.code().to_owned(),
            commitments: sealed.commitments,
        }));
        match self.append(ask, kind, sealed.private).await {
            Ok(recorded) => Refusal::Denied { denial: Arc::new(denial), log_index: recorded.index },
            Err(refusal) => refusal,
        }
    }

    /// Cache, else agency. Straight: the cache decides only whether `ask_agency` runs.
    async fn fetch(&self, ask: &Ask, facts: &Facts, permit: &Permit, in_force: &InForce) -> Found {
        let until = self.answer_by(ask);
        // Boxed when it is run: asking takes far more room than a kept answer, which comes without.
        let agency = async { Box::pin(self.ask_agency(ask, facts, permit, in_force, until)).await };
        let wanted = Wanted {
            since: in_force.turns.since(permit),
            at: ask.received_at,
            oldest: oldest(ask, permit),
        };
        let found = async {
            match ask.anew {
                true => Found::Fresh(agency.await),
                false => self.cache.get_or_ask(permit, &ask.query, wanted, agency).await,
            }
        };
        // A question that waits for another's flight still keeps to its own deadline.
        let found = timeout_at(until + self.limits.deadline_margin / 2, found)
            .await
            .unwrap_or_else(|_| Found::Fresh(no_record(Unavailable::Deadline, None, None)));
        let counted = match &found {
            Found::Fresh(_) => &self.meters.misses,
            Found::Kept(_) => &self.meters.hits,
            Found::Stale(_) => &self.meters.stale,
        };
        counted.increment(1);
        found
    }

    /// Records the intent, then asks. The permit is what lets the adapter be asked at all.
    async fn ask_agency(
        &self,
        ask: &Ask,
        facts: &Facts,
        permit: &Permit,
        in_force: &InForce,
        until: Instant,
    ) -> Asked {
        let Some(adapter) = in_force.adapters.for_fact(&ask.query.fact) else {
            return no_record(Unavailable::NoAdapter, None, None);
        };
        if until <= Instant::now() {
            return Asked { out_of_time: true, ..no_record(Unavailable::Deadline, None, None) };
        }
        // Of what must not be asked there is no intent to ask.
        if let Some(closed) = adapter.closed(&ask.query.fact, ask.received_at) {
            let labels = [
                ("adapter", adapter.name().to_owned()),
                ("outcome", closed.reason.code().to_owned()),
            ];
            counter!(telemetry::AGENCY_CALLS, &labels).increment(1);
            return no_record(closed.reason, closed.retry_after, None);
        }
        let adapter_ref = AdapterRef {
            name: adapter.name().to_owned(),
            version: adapter.version().to_owned(),
            digest: *adapter.digest(),
        };
        let Ok(intent) = self.record_intent(ask, facts, permit, adapter_ref).await else {
            // A log that has stopped turns the outcome into a refusal; it is never too full, for the settings demand room.
            return no_record(Unavailable::Overloaded, None, None);
        };
        let budget = until.saturating_duration_since(Instant::now());
        let began = Instant::now();
        let asked = adapter.ask(permit, &ask.query, ask.received_at, budget).await;
        let name = adapter.name().to_owned();
        histogram!(telemetry::AGENCY_SECONDS, "adapter" => name.clone()).record(began.elapsed());
        let outcome = asked.as_ref().map_or_else(|failure| failure.reason.code(), |_| "answered");
        counter!(telemetry::AGENCY_CALLS, "adapter" => name.clone(), "outcome" => outcome)
            .increment(1);
        match asked {
            Ok(answer) => {
                counter!(telemetry::ATTRIBUTES_DROPPED, "adapter" => name)
                    .increment(u64::from(answer.dropped));
                Asked {
                    result: Ok(Arc::new(answer.record)),
                    intent: Some(intent),
                    dropped: answer.dropped,
                    out_of_time: false,
                }
            }
            Err(failure) => {
                tracing::warn!(
                    adapter = adapter.name(),
                    fact = %ask.query.fact,
                    reason = failure.reason.code(),
                    detail = %failure.detail,
                    intent,
                    "no answer from the agency"
                );
                let out_of_time = until <= Instant::now();
                let asked = no_record(failure.reason, failure.retry_after, Some(intent));
                Asked { out_of_time, ..asked }
            }
        }
    }

    async fn record_intent(
        &self,
        ask: &Ask,
        facts: &Facts,
        permit: &Permit,
        adapter: AdapterRef,
    ) -> Result<u64, Refusal> {
        let sealed = self.evidence.seal(ask, Stage::Intent, None)?;
        let kind = Kind::Intent(Box::new(entry::Intent {
            facts: facts.clone(),
            permit: permit.reference(),
            commitments: sealed.commitments,
            adapter,
        }));
        let recorded = self.append(ask, kind, sealed.private).await;
        recorded.map(|recorded| recorded.index)
    }

    async fn record(
        &self,
        ask: &Ask,
        facts: Facts,
        permit: &Permit,
        answer: Answer,
    ) -> Result<Arc<Reply>, Refusal> {
        let sealed = self.evidence.seal(ask, Stage::Outcome, Some(&answer.released))?;
        let kind = Kind::Outcome(Box::new(answer.as_outcome(facts, permit, sealed.commitments)));
        let recorded = self.append(ask, kind, sealed.private).await?;
        self.meters.permits.increment(1);
        self.meters.answered(&ask.query.fact, answer.released.verdict);
        let receipt = ask.query.want_receipt.then(|| receipt(&recorded, sealed.openings));
        Ok(Arc::new(answer.into_reply(ask, permit, recorded.index, receipt)))
    }

    async fn append(&self, ask: &Ask, kind: Kind, private: Private) -> Result<Recorded, Refusal> {
        let appended = self.appended(&ask.log, Entry { at: ask.received_at, kind }, private).await;
        appended.map_err(|error| unrecorded(&error))
    }

    async fn appended(
        &self,
        log: &Audit,
        entry: Entry,
        private: Private,
    ) -> Result<Recorded, AuditError> {
        let began = Instant::now();
        let appended = log.append_with(entry, private).await;
        self.meters.append_seconds.record(began.elapsed());
        appended
    }

    fn answer_by(&self, ask: &Ask) -> Instant {
        let given = ask.deadline.unwrap_or(self.limits.deadline_default).min(DEADLINE_MOST);
        ask.arrived + given.saturating_sub(self.limits.deadline_margin)
    }

    /// The log, for those who read it.
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Sees to it that questions of this moment can be sealed, where there is a vault: a new day begins with a new key.
    ///
    /// # Errors
    /// When they cannot; then none is answered.
    pub async fn vault_ready(&self, at: Timestamp) -> Result<(), VaultError> {
        self.evidence.keyed(at, &self.audit).await
    }

    /// Estimated bytes of kept answers.
    pub fn cache_bytes(&self) -> u64 {
        self.cache.bytes()
    }

    /// Estimated bytes of answers kept for retries.
    pub fn window_bytes(&self) -> u64 {
        self.window.bytes()
    }

    /// Waits until a reload has brought a view into force; one that happened since the last call ends it at once.
    pub async fn turned_over(&self) {
        self.turned_over.notified().await;
    }

    /// Everything that decides and answers now, as one consistent view.
    pub fn in_force(&self) -> Arc<InForce> {
        self.in_force.load_full()
    }
}

/// Proof of an entry, for the caller that it is about.
fn receipt(recorded: &Recorded, openings: Vec<Opened>) -> Arc<Receipt> {
    Arc::new(Receipt {
        index: recorded.index,
        entry: recorded.entry().to_vec(),
        proof: recorded.receipt(),
        openings,
    })
}

/// The clauses that might permit the question, each with its agreement; none for what can only be denied.
fn candidates<'a>(facts: &Facts, in_force: &'a InForce) -> &'a [Placed] {
    match &facts.fact {
        Some(fact) if facts.caller.standing == Standing::Registered && facts.defects.is_empty() => {
            in_force.agreements.clauses(&facts.caller.organisation, fact)
        }
        _ => &[],
    }
}

/// What the caller is told of an entry that was not recorded; the cause goes to the gateway's own log.
fn unrecorded(error: &AuditError) -> Refusal {
    if matches!(error, AuditError::Overloaded) {
        return Refusal::Overloaded;
    }
    let cause = error as &dyn std::error::Error;
    tracing::error!(cause, "an entry was not recorded");
    Refusal::Unrecorded
}

/// The oldest data that answers the question: the clause's limit, or the caller's when it is stricter.
fn oldest(ask: &Ask, permit: &Permit) -> Duration {
    ask.query.max_age.map_or(permit.max_age(), |wanted| wanted.min(permit.max_age()))
}

fn no_record(reason: Unavailable, retry_after: Option<Duration>, intent: Option<u64>) -> Asked {
    let result = Err(NoAnswer { reason, retry_after });
    Asked { result, intent, dropped: 0, out_of_time: false }
}
