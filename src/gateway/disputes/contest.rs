//! Opening a dispute: the question is held against the entry that it is said to have.

use std::io;
use std::sync::Arc;

use jiff::civil::Date;

use super::{NotTaken, Seen};
use crate::audit::commitment::{self, Field, Opening};
use crate::audit::committed::bounded;
use crate::audit::entry::{Commitments, DisputeOpened, DisputeStep, Ground, Outcome};
use crate::crypto::{hex, sha256};
use crate::decision::PermitRef;
use crate::decision::facts::{self, CallerFacts, Defect, Facts};
use crate::decision::freeze::Scope;
use crate::disputes::kept::Kept;
use crate::disputes::paper::Letter;
use crate::disputes::{Course, DisputeId, due};
use crate::gateway::Gateway;
use crate::gateway::exchange::Refusal;
use crate::identity::Peer;
use crate::query::time::Timestamp;
use crate::query::value::Verdict;
use crate::query::{Operator, OrganisationId, Query};

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
    /// Why it is not taken; then nothing has changed, unless the log stopped over it: then the next start knows.
    pub async fn contest(&self, contest: Contest) -> Result<Seen, NotTaken> {
        let (id, at) = (contest.id, contest.at);
        let in_force = self.in_force();
        let caller = contest.peer.facts(&in_force.register);
        let digest = hex(&sha256(&contest.request));
        self.evidence.ready(at, &self.audit).await?;
        // One after another: so what an organisation opens can be counted, and no outcome gets two.
        let _alone = self.disputes.callers.hold(caller.organisation.clone()).await;
        let held = self.disputes.steps.hold(id).await;
        if let Some(known) = self.disputes.course(&id) {
            return match self.is_same(&known, &contest, (&caller, &digest)).await? {
                true => Ok(self.seen(known, &caller.organisation, at).await),
                false => Err(flaw("dispute_id", "reused")),
            };
        }
        let outcome = self.outcome(contest.entry).await;
        let outcome =
            outcome.filter(|outcome| outcome.facts.caller.organisation == caller.organisation);
        let outcome = outcome.ok_or(NotTaken::NotYours("outcome"))?;
        if outcome.verdict == Verdict::Unavailable {
            return Err(NotTaken::SaysNothing);
        }
        self.may_open(contest.entry, &caller, at)?;
        let shown = hold(&contest, &outcome)?;
        let due = due::last_day(at.day_in_china(), in_force.workdays(&outcome.permit));
        let sealed = self.evidence.seal_contest(&contest)?;
        self.keep(id, kept(&contest, (&caller, &outcome), due, digest)).await.map_err(unkept)?;
        let organisation = caller.organisation.clone();
        let opened = opened(&contest, caller, &outcome, (shown, due), sealed.commitments);
        let step = DisputeStep::Opened(Box::new(opened));
        let recorded = self.step(held, at, step, sealed.private).await;
        if let Err(refusal) = recorded {
            // Only what was never given to the log is surely not in it. The next start clears away the rest.
            if matches!(refusal, Refusal::Overloaded) {
                self.forget(id).await;
            }
            return Err(refusal.into());
        }
        let course = self.disputes.course(&id).ok_or(NotTaken::NotYours("dispute"))?;
        self.disputes.memory().keep_granted(id, outcome.permit.clone());
        self.drop_kept_answers(&outcome.facts);
        let provider = OrganisationId::new(course.opened.provider.as_str());
        self.disputes.bell(&provider).notify_one();
        Ok(self.seen(course, &organisation, at).await)
    }

    /// Whether the outcome is nobody's dispute yet, and its organisation may open one more today. Without the opening of what
    /// was asked nothing shows whose names a dispute brings to the agency: their number is what bounds that.
    fn may_open(&self, outcome: u64, caller: &CallerFacts, at: Timestamp) -> Result<(), NotTaken> {
        let memory = self.disputes.memory();
        if let Some(known) = memory.book.over(outcome) {
            return Err(NotTaken::Contested(known.id));
        }
        let most = self.disputes.opened_per_day;
        if memory.book.opened_on(&caller.organisation, at.day_in_china()) >= most {
            return Err(NotTaken::TooMany(most));
        }
        Ok(())
    }

    /// Whether it is the one that was opened under this id: in all its words as long as they are kept, and after that in what
    /// its entry tells.
    async fn is_same(
        &self,
        known: &Course,
        contest: &Contest,
        (caller, digest): (&CallerFacts, &str),
    ) -> Result<bool, NotTaken> {
        let opened = &known.opened;
        let is_like = opened.caller.organisation == caller.organisation
            && opened.contested == contest.entry
            && opened.request_id == contest.query.request_id
            && opened.ground == contest.ground
            && usize::try_from(opened.evidence) == Ok(contest.evidence.len());
        let kept = self.kept(known.id).await.map_err(NotTaken::Folder)?;
        Ok(is_like && kept.is_none_or(|kept| kept.digest == digest))
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

/// What is kept of it: the agency's paper, and the caller's message.
fn kept(
    contest: &Contest,
    (caller, outcome): (&CallerFacts, &Outcome),
    due: Date,
    digest: String,
) -> Kept {
    let letter = Letter {
        id: &contest.id,
        at: contest.at,
        caller: caller.organisation.as_str(),
        contested: (contest.entry, outcome.verdict),
        query: &contest.query,
        ground: contest.ground,
        text: &contest.text,
        evidence: &contest.evidence,
        due,
    };
    Kept::new(letter.document(), digest, &contest.message)
}

fn unkept(error: io::Error) -> NotTaken {
    match error.kind() {
        io::ErrorKind::FileTooLarge => flaw("question", "too_large"),
        _ => NotTaken::Folder(error),
    }
}

fn opened(
    contest: &Contest,
    caller: CallerFacts,
    outcome: &Outcome,
    (shown, due): (bool, Date),
    commitments: Commitments,
) -> DisputeOpened {
    let provider = outcome.facts.provider.as_ref();
    DisputeOpened {
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
        commitments,
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
