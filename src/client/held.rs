//! The single comparisons behind a receipt: what an entry says, beside what this side sent and received.

use std::collections::BTreeSet;

use super::receipt::{ReceiptError, micros};
use crate::audit::commitment::Field;
use crate::audit::committed;
use crate::audit::entry::{CaseClosed, Outcome, Source};
use crate::crypto::Digest;
use crate::decision::facts::AssertionFact;
use crate::decision::release::Released;
use crate::proto::gateway::v1 as wire;
use crate::query::Operator;
use crate::query::value::{Comparison, Verdict};
use crate::wire::{
    application_text, read_comparison, read_relation, read_subject, read_timestamp, read_value,
    read_verdict, request_text,
};

type Held = Result<(), ReceiptError>;

fn equal(is_equal: bool, what: &'static str) -> Held {
    if is_equal { Ok(()) } else { Err(ReceiptError::Differs(what)) }
}

/// The entry is about the question that was sent.
pub(super) fn against_question(
    outcome: &Outcome,
    question: &wire::VerifyRequest,
    certificate: Option<Digest>,
) -> Held {
    let facts = &outcome.facts;
    let purpose = question.purpose.clone().unwrap_or_default();
    let unit = question.operator.as_ref().map_or("", |operator| operator.unit.trim());
    let id = uuid::Uuid::try_parse(&question.request_id).map(uuid::Uuid::into_bytes);
    equal(id.is_ok_and(|id| id == facts.request_id), "request_id")?;
    equal(certificate.is_none_or(|own| own == facts.caller.certificate), "caller")?;
    equal(facts.fact.as_ref().is_some_and(|fact| fact.as_str() == question.fact), "fact")?;
    equal(facts.item.as_str() == purpose.item, "purpose.item")?;
    equal(facts.item_version == purpose.item_version, "purpose.item_version")?;
    equal(facts.case_number == purpose.case_number, "purpose.case_number")?;
    equal(facts.replaced_material == purpose.replaced_material, "purpose.replaced_material")?;
    equal(facts.operator_present && facts.operator_unit == unit, "operator.unit")?;
    equal(facts.disclose == question.disclose, "disclose")?;
    equal(facts.max_age == micros(question.max_age.as_ref()), "max_age")?;
    let roles: Option<Vec<_>> = question
        .subjects
        .iter()
        .map(read_subject)
        .map(|subject| subject.map(|subject| (subject.role, subject.kind.name().to_owned())))
        .collect();
    let recorded: Vec<_> =
        facts.roles.iter().map(|known| (known.role.clone(), known.kind.clone())).collect();
    equal(roles == Some(recorded), "subjects")?;
    let related = question.subjects.iter().zip(&facts.roles).all(|(sent, recorded)| {
        let sent = read_relation(sent).ok().flatten();
        (recorded.relation, recorded.shown_by)
            == (sent.map(|sent| sent.relation), sent.map_or(0, |sent| sent.shown_by))
    });
    equal(related, "relation")?;
    equal(facts.notice == purpose.notice, "purpose.notice")?;
    equal(facts.consent == purpose.consent, "purpose.consent")?;
    let asked = question.assertions.iter().map(shape).collect::<Option<Vec<_>>>();
    // Without a word of what to judge, the catalogue's own assertions are meant; the answer lists them.
    let is_default = question.assertions.is_empty() && question.disclose.is_empty();
    equal(is_default || asked == Some(shapes(&facts.assertions)), "assertions")
}

/// The entry records the answer that came.
pub(super) fn against_reply(
    outcome: &Outcome,
    question: &wire::VerifyRequest,
    reply: &wire::VerifyResponse,
) -> Held {
    let same_id = match (
        uuid::Uuid::try_parse(&question.request_id),
        uuid::Uuid::try_parse(&reply.request_id),
    ) {
        (Ok(sent), Ok(received)) => sent == received,
        _ => false,
    };
    equal(same_id, "request_id")?;
    equal(read_verdict(reply.verdict()) == Some(outcome.verdict), "verdict")?;
    let judged: Option<Vec<_>> = reply
        .judgements
        .iter()
        .map(|one| Some((one.attribute.clone(), read_comparison(one.comparison())?)))
        .collect();
    equal(judged == Some(shapes(&outcome.facts.assertions)), "judgements")?;
    let disclosed: BTreeSet<&String> = reply.disclosed.keys().collect();
    equal(disclosed == outcome.disclosed.iter().collect(), "disclosed")?;
    equal(reply.masked == outcome.masked, "masked")?;
    let as_of = reply.as_of.as_ref().map(read_timestamp);
    equal(as_of == outcome.as_of.map(Some), "as_of")?;
    let reason = reply.unavailability.as_ref().map(|why| why.reason.as_str());
    equal(reason == outcome.unavailable.map(|why| why.code()), "unavailability")?;
    let permit = &outcome.permit;
    let is_granted = reply.grant.as_ref().is_some_and(|grant| {
        (&grant.agreement, grant.version, grant.clause)
            == (&permit.agreement, permit.version, permit.clause)
    });
    equal(is_granted, "grant")?;
    let checked: Vec<u32> = reply.subjects_checked.iter().map(|subject| subject.position).collect();
    equal(checked == outcome.subjects_checked, "subjects_checked")?;
    let is_role = |one: &wire::SubjectChecked| {
        let subject = usize::try_from(one.position).ok().and_then(|at| question.subjects.get(at));
        subject.is_some_and(|subject| subject.role == one.role)
    };
    equal(reply.subjects_checked.iter().all(is_role), "subjects_checked")?;
    let source = reply.source.as_ref().ok_or(ReceiptError::Differs("source"))?;
    let provider = outcome.facts.provider.as_ref().map(|provider| provider.as_str());
    let is_source = match outcome.source {
        Source::Agency => source.kind() == wire::source::Kind::Agency,
        Source::Cache => {
            source.kind() == wire::source::Kind::Cache
                && source.original_index == outcome.intent.unwrap_or_default()
        }
    };
    equal(is_source && provider == Some(source.agency.as_str()), "source")
}

/// The entry is that of the application which was filed, and of the outcome that came.
pub(super) fn against_case(
    closed: &CaseClosed,
    filed: &wire::CheckCaseRequest,
    outcome: &wire::CaseOutcome,
    certificate: Option<Digest>,
) -> Held {
    let purpose = filed.purpose.clone().unwrap_or_default();
    let unit = filed.operator.as_ref().map_or("", |operator| operator.unit.trim());
    let id = uuid::Uuid::try_parse(&filed.case_id).map(uuid::Uuid::into_bytes);
    equal(id.is_ok_and(|id| id == closed.case_id), "case_id")?;
    equal(certificate.is_none_or(|own| own == closed.caller.certificate), "caller")?;
    equal(closed.item == purpose.item, "purpose.item")?;
    let is_version = purpose.item_version.is_empty() || closed.item_version == purpose.item_version;
    equal(is_version, "purpose.item_version")?;
    equal(closed.case_number == purpose.case_number, "purpose.case_number")?;
    equal(closed.operator_unit == unit, "operator.unit")?;
    equal(closed.outcome == outcome.outcome().as_str_name(), "outcome")?;
    let needs = outcome.needs.iter().map(|need| (need.name.as_str(), need.state().as_str_name()));
    let recorded = closed.needs.iter().map(|(name, state)| (name.as_str(), state.as_str()));
    equal(needs.eq(recorded), "needs")
}

/// What it must commit to.
pub(super) fn filed(filed: &wire::CheckCaseRequest) -> Result<[(Field, Vec<u8>); 3], ReceiptError> {
    let subjects = filed.subjects.iter().map(read_subject).collect::<Option<Vec<_>>>();
    let subjects = subjects.ok_or(ReceiptError::Differs(Field::Subject.name()))?;
    Ok([
        (Field::Subject, committed::subjects(&subjects)),
        (Field::Operator, operator_text(filed.operator.as_ref())),
        (Field::Request, application_text(filed)),
    ])
}

fn operator_text(given: Option<&wire::Operator>) -> Vec<u8> {
    let given = given.cloned().unwrap_or_default();
    let (id, unit) = (given.id.trim().to_owned(), given.unit.trim().to_owned());
    committed::operator(&Operator { id, unit })
}

fn shapes(recorded: &[AssertionFact]) -> Vec<(String, Comparison)> {
    recorded.iter().map(|asked| (asked.attribute.clone(), asked.comparison)).collect()
}

fn shape(given: &wire::Assertion) -> Option<(String, Comparison)> {
    Some((given.attribute.clone(), read_comparison(given.comparison())?))
}

/// What the entry must commit to as the request.
pub(super) fn request(question: &wire::VerifyRequest) -> Vec<u8> {
    request_text(question)
}

/// What it must commit to as the subjects; `None` when the gateway cannot have understood them.
pub(super) fn subjects(question: &wire::VerifyRequest) -> Option<Vec<u8>> {
    let subjects = question.subjects.iter().map(read_subject).collect::<Option<Vec<_>>>()?;
    Some(committed::subjects(&subjects))
}

/// What it must commit to as the operator.
pub(super) fn operator(question: &wire::VerifyRequest) -> Vec<u8> {
    operator_text(question.operator.as_ref())
}

/// What it must commit to as the answer; `None` when the reply has parts that no gateway sends.
pub(super) fn answer(reply: &wire::VerifyResponse) -> Option<Vec<u8>> {
    let judgements: Option<Vec<(String, Comparison, Verdict)>> = reply
        .judgements
        .iter()
        .map(|one| {
            let comparison = read_comparison(one.comparison())?;
            Some((one.attribute.clone(), comparison, read_verdict(one.verdict())?))
        })
        .collect();
    let disclosed = reply
        .disclosed
        .iter()
        .map(|(name, value)| Some((name.clone(), read_value(value)?)))
        .collect::<Option<_>>()?;
    let verdict = read_verdict(reply.verdict())?;
    let masked = reply.masked.clone();
    Some(committed::answer(&Released { verdict, judgements: judgements?, disclosed, masked }))
}
