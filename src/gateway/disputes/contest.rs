//! Opening a dispute: the question is held against the entry that it is said to have.

use std::sync::Arc;

use super::{NotTaken, Seen};
use crate::audit::commitment::{self, Field, Opening};
use crate::audit::committed::bounded;
use crate::audit::entry::{self, Dispute, DisputeOpened, DisputeStep, Ground, Kind, Outcome};
use crate::crypto::{hex, sha256};
use crate::decision::PermitRef;
use crate::decision::facts::{self, Defect, Facts};
use crate::decision::freeze::Scope;
use crate::disputes::kept::Kept;
use crate::disputes::paper::Letter;
use crate::disputes::{DisputeId, due};
use crate::gateway::Gateway;
use crate::identity::Peer;
use crate::query::time::Timestamp;
use crate::query::value::Verdict;
use crate::query::{Operator, Query};

/// A verdict that its caller contests.
pub struct Contest {
    /// The caller's id of it.
    pub id: DisputeId,
    /// The caller's certificate.
    pub peer: Arc<Peer>,
    /// Entry of the outcome.
    pub entry: u64,
    /// The question, as it was put.
    pub query: Query,
    /// The same in the form that entries commit to.
    pub question: Vec<u8>,
    /// What opens the outcome's commitment to it.
    pub opening: Option<Opening>,
    /// Why.
    pub ground: Ground,
    /// In the caller's words.
    pub text: String,
    /// SHA-256 in hex and issuer of each paper.
    pub evidence: Vec<(String, String)>,
    /// Who contests it.
    pub operator: Operator,
    /// All of it, in the form that the dispute's entry commits to.
    pub request: Vec<u8>,
    /// All of it, as the caller sent it.
    pub message: Vec<u8>,
    /// When it came in.
    pub at: Timestamp,
}

impl Gateway {
    /// Opens a dispute. It is in the log when this returns, and on its way to the agency. Must run to its end even when
    /// the caller has gone.
    ///
    /// # Errors
    /// Why it is not taken; then nothing has changed.
    pub async fn contest(&self, contest: Contest) -> Result<Seen, NotTaken> {
        let (id, at) = (contest.id, contest.at);
        let in_force = self.in_force();
        let caller = contest.peer.facts(&in_force.register);
        let digest = hex(&sha256(&contest.request));
        self.evidence.ready(at, &self.audit).await?;
        let mut book = self.disputes.book.lock().await;
        if let Some(known) = book.get(&id) {
            let known = known.clone();
            let kept = self.kept(id).await.map_err(NotTaken::Folder)?;
            let is_same = known.opened.caller.organisation == caller.organisation
                && kept.is_none_or(|kept| kept.digest == digest);
            return match is_same {
                true => Ok(self.seen(known, at).await),
                false => Err(flaw("dispute_id", "reused")),
            };
        }
        let outcome = self
            .outcome(contest.entry)
            .filter(|outcome| outcome.facts.caller.organisation == caller.organisation);
        let outcome = outcome.ok_or(NotTaken::NotYours("outcome"))?;
        if outcome.verdict == Verdict::Unavailable {
            return Err(NotTaken::SaysNothing);
        }
        if let Some(known) = book.over(contest.entry) {
            return Err(NotTaken::Contested(known.id));
        }
        let shown = hold(&contest, &outcome)?;
        let due = due::last_day(at.day_in_china(), in_force.workdays(&outcome.permit));
        let letter = Letter {
            id: &id,
            at,
            caller: caller.organisation.as_str(),
            contested: (contest.entry, outcome.verdict),
            query: &contest.query,
            ground: contest.ground,
            text: &contest.text,
            evidence: &contest.evidence,
            due,
        };
        let kept = Kept::new(letter.document(), digest, &contest.message);
        self.keep(id, kept).await.map_err(NotTaken::Folder)?;
        let opened = self.record_opened(&mut book, &contest, caller, &outcome, (shown, due)).await;
        if let Err(refusal) = opened {
            self.forget(id).await;
            return Err(refusal.into());
        }
        let course = book.get(&id).cloned().ok_or(NotTaken::NotYours("dispute"))?;
        drop(book);
        self.drop_kept_answers(&outcome.facts);
        self.disputes.opened.notify_one();
        Ok(self.seen(course, at).await)
    }

    async fn record_opened(
        &self,
        book: &mut crate::disputes::Book,
        contest: &Contest,
        caller: facts::CallerFacts,
        outcome: &Outcome,
        (shown, due): (bool, jiff::civil::Date),
    ) -> Result<(), crate::gateway::exchange::Refusal> {
        let sealed = self.evidence.seal_contest(contest)?;
        let provider = outcome.facts.provider.as_ref();
        let opened = DisputeOpened {
            caller,
            contested: contest.entry,
            verdict: outcome.verdict,
            provider: provider.map(|provider| provider.as_str().to_owned()).unwrap_or_default(),
            fact: contest.query.fact.as_str().to_owned(),
            request_id: outcome.facts.request_id,
            ground: contest.ground,
            evidence: u32::try_from(contest.evidence.len()).unwrap_or(u32::MAX),
            operator_unit: contest.operator.unit.clone(),
            shown,
            due,
            commitments: sealed.commitments,
        };
        let step = DisputeStep::Opened(Box::new(opened));
        self.step(book, contest.at, Dispute { id: contest.id, step }, sealed.private).await
    }

    /// The outcome at this index; `None` when there is none.
    fn outcome(&self, index: u64) -> Option<Outcome> {
        let stored = self.audit.entries(index, 1).ok()?;
        match entry::decode(stored.first()?).ok()?.kind {
            Kind::Outcome(outcome) => Some(*outcome),
            _ => None,
        }
    }

    /// Answers to the caller about the fact are not served from memory again: one of them is in doubt, and which, the
    /// cache cannot tell by a commitment.
    pub(super) fn drop_kept_answers(&self, facts: &Facts) {
        let Some(provider) = facts.provider.clone() else { return };
        let caller = Some(facts.caller.organisation.clone());
        self.cache.drop_scope(Scope { provider, fact: facts.fact.clone(), caller });
    }
}

impl crate::gateway::in_force::InForce {
    /// Working days that the agreement gives its provider for an answer.
    fn workdays(&self, granted: &PermitRef) -> u32 {
        let mut versions = self.versions(&granted.agreement).iter();
        let of_it = versions.find(|known| known.agreement.version == granted.version);
        let quality = of_it.and_then(|known| known.agreement.quality.as_ref());
        quality.map_or(due::WORKDAYS, |quality| quality.response_workdays)
    }
}

/// Holds the question against the entry; true when its commitment shows it to be the very one.
fn hold(contest: &Contest, outcome: &Outcome) -> Result<bool, NotTaken> {
    let (query, facts) = (&contest.query, &outcome.facts);
    let asked = query.assertions.iter().map(|one| (&one.attribute, one.comparison));
    let recorded = facts.assertions.iter().map(|one| (&one.attribute, one.comparison));
    let purpose = &query.purpose;
    let compared = [
        ("question.request_id", query.request_id == facts.request_id),
        ("question.fact", facts.fact.as_ref() == Some(&query.fact)),
        ("question.subjects", facts::roles(query) == facts.roles),
        ("question.assertions", asked.eq(recorded)),
        ("question.disclose", query.disclose == facts.disclose),
        ("question.max_age", query.max_age == facts.max_age),
        ("question.purpose.item", purpose.item == facts.item),
        ("question.purpose.item_version", purpose.item_version == facts.item_version),
        ("question.purpose.case_number", purpose.case_number == facts.case_number),
        (
            "question.purpose.replaced_material",
            purpose.replaced_material == facts.replaced_material,
        ),
        ("question.purpose.notice", purpose.notice == facts.notice),
        ("question.purpose.consent", purpose.consent == facts.consent),
        ("question.operator.unit", query.operator.unit == facts.operator_unit),
    ];
    let differs = compared.iter().filter(|(_, is_same)| !is_same);
    let flaws: Vec<Defect> = differs.map(|(field, _)| defect(field, "not_as_asked")).collect();
    if !flaws.is_empty() {
        return Err(NotTaken::Flaws(flaws));
    }
    let Some(opening) = &contest.opening else { return Ok(false) };
    let question = bounded(contest.question.clone());
    let committed = outcome.commitments.request;
    let opens = |to: &_| commitment::check(to, Field::Request, &question, opening);
    match committed.as_ref().is_some_and(opens) {
        true => Ok(true),
        false => Err(flaw("request_opening", "does_not_open")),
    }
}

fn flaw(field: &str, check: &str) -> NotTaken {
    NotTaken::Flaws(vec![defect(field, check)])
}

fn defect(field: &str, check: &str) -> Defect {
    Defect { field: field.to_owned(), check: check.to_owned() }
}
