//! What an entry commits to without saying it: subject, operator, request, answer.

use super::disputes::Contest;
use super::exchange::{Ask, Filing, Opened, Refusal};
use crate::audit::Audit;
use crate::audit::beside::Private;
use crate::audit::commitment::{self, Field, Seed};
use crate::audit::committed::{answer as released_as_json, bounded, operator, subjects};
use crate::audit::entry::Commitments;
use crate::decision::release::Released;
use crate::disputes::DisputeId;
use crate::query::subject::Subject;
use crate::query::time::Timestamp;
use crate::vault::subject::Identifier;
use crate::vault::{Place, Stage, Vault, VaultError};

/// What makes the evidence of every entry.
pub(super) struct Evidence {
    vault: Option<Vault>,
}

/// Commitments of one entry, the openings that only the caller gets, and the record that only the vault's key opens.
pub(super) struct Sealed {
    pub(super) commitments: Commitments,
    pub(super) openings: Vec<Opened>,
    pub(super) private: Private,
}

impl Evidence {
    pub(super) fn new(vault: Option<Vault>) -> Self {
        Self { vault }
    }

    /// Sees to it that an entry of this moment can be made. Asked before a question is numbered, so that one that
    /// could not be recorded leaves no gap.
    pub(super) async fn ready(&self, at: Timestamp, audit: &Audit) -> Result<(), Refusal> {
        self.keyed(at, audit).await.map_err(unrecorded)
    }

    pub(super) async fn keyed(&self, at: Timestamp, audit: &Audit) -> Result<(), VaultError> {
        match &self.vault {
            Some(vault) => vault.ready(at, audit).await,
            None => Ok(()),
        }
    }

    /// Commits to the question and, when there is one, its answer; seals both when there is a vault.
    ///
    /// The committed bytes are JSON with sorted keys: a caller, a court or another program can read and rebuild them.
    pub(super) fn seal(
        &self,
        ask: &Ask,
        stage: Stage,
        answer: Option<&Released>,
    ) -> Result<Sealed, Refusal> {
        let mut values = vec![
            (Field::Subject, subjects(&ask.query.subjects)),
            (Field::Operator, operator(&ask.query.operator)),
            (Field::Request, ask.request.clone()),
        ];
        values.extend(answer.map(|answer| (Field::Answer, released_as_json(answer))));
        let subjects = Some(&*ask.query.subjects);
        self.seal_values(ask.received_at, &ask.query.request_id, stage, values, subjects)
    }

    /// Commits to an application: whom it names, who filed it, all that it states.
    pub(super) fn seal_filing(
        &self,
        at: Timestamp,
        case_id: &[u8; 16],
        filing: &Filing,
    ) -> Result<Sealed, Refusal> {
        let values = vec![
            (Field::Subject, subjects(&filing.subjects)),
            (Field::Operator, operator(&filing.operator)),
            (Field::Request, filing.request.clone()),
        ];
        self.seal_values(at, case_id, Stage::Case, values, Some(&filing.subjects))
    }

    /// Commits to a contested question, who contests it, and all that was written.
    pub(super) fn seal_contest(&self, contest: &Contest) -> Result<Sealed, Refusal> {
        let values = vec![
            (Field::Subject, subjects(&contest.query.subjects)),
            (Field::Operator, operator(&contest.operator)),
            (Field::Request, contest.request.clone()),
        ];
        let subjects = Some(&*contest.query.subjects);
        self.seal_values(contest.at, &contest.id, Stage::Dispute, values, subjects)
    }

    /// Commits to the words of an agency's answer to a dispute, and to whom it is about, so that it is found with the rest.
    pub(super) fn seal_answer(
        &self,
        at: Timestamp,
        id: &DisputeId,
        (subjects, text): (Vec<u8>, &str),
    ) -> Result<Sealed, Refusal> {
        let values = vec![(Field::Subject, subjects), (Field::Answer, text.as_bytes().to_vec())];
        self.seal_values(at, id, Stage::DisputeAnswer, values, None)
    }

    /// `subjects` are those that the subjects' value was written from, where they are at hand.
    fn seal_values(
        &self,
        at: Timestamp,
        id: &[u8; 16],
        stage: Stage,
        values: Vec<(Field, Vec<u8>)>,
        subjects: Option<&[Subject]>,
    ) -> Result<Sealed, Refusal> {
        let seed = Seed::random().map_err(|error| unrecorded(error.into()))?;
        let mut openings = Vec::with_capacity(values.len());
        let mut commitments = Commitments::default();
        for (field, value) in values {
            let value = bounded(value);
            let (commitment, opening) = commitment::commit(&seed, field, &value);
            openings.push(Opened { field, opening, value });
            let place = match field {
                Field::Subject => &mut commitments.subject,
                Field::Operator => &mut commitments.operator,
                Field::Request => &mut commitments.request,
                Field::Answer => &mut commitments.answer,
            };
            *place = Some(commitment);
        }
        let mut private = Private::default();
        if let Some(vault) = &self.vault {
            let place = Place { origin: vault.origin(), request_id: id, stage };
            let fields: Vec<(Field, &[u8])> =
                openings.iter().map(|opened| (opened.field, opened.value.as_slice())).collect();
            let identifiers = identifiers(subjects, &fields);
            let sealed =
                vault.seal(at, &place, &seed, &fields, &identifiers).map_err(unrecorded)?;
            commitments.sealed = Some(sealed.digest);
            private = sealed.private;
        }
        Ok(Sealed { commitments, openings, private })
    }
}

/// What finds the record. A value that was too large to be kept names nobody, and an erasure that reads it again must
/// come to the same.
fn identifiers(subjects: Option<&[Subject]>, fields: &[(Field, &[u8])]) -> Vec<Identifier> {
    let value = fields.iter().find(|(field, _)| *field == Field::Subject);
    let value = value.map(|(_, value)| *value).unwrap_or_default();
    match subjects {
        Some(subjects) if value.starts_with(b"[") => Identifier::of(subjects),
        _ => Identifier::of_subjects(value),
    }
}

/// What cannot be kept as agreed is not answered.
fn unrecorded(error: VaultError) -> Refusal {
    let cause = &error as &dyn std::error::Error;
    tracing::error!(cause, "the vault failed: nothing is answered");
    Refusal::Unrecorded
}
