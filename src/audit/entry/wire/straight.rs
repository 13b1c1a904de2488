//! The entries of questions, written straight into their bytes: every answer pays for one, and a message in between
//! would be a second copy of each of its texts.
//!
//! The form is prost's, which is the one form that [`decode`](crate::audit::entry::decode) takes: fields in the order of
//! their numbers, and nothing of what is empty. The numbers are those of `proto/heyan/audit/v1/entry.proto`.

use std::time::Duration;

use super::facts::standing_out;
use super::verdict_out;
use crate::audit::entry::{AdapterRef, Commitments, Denied, FORMAT, Intent, Outcome, Source};
use crate::crypto::Digest;
use crate::decision::PermitRef;
use crate::decision::facts::{CallerFacts, Facts};
use crate::proto::audit::v1 as stored;
use crate::query::relation::Relation;
use crate::query::time::Timestamp;
use crate::query::{FactCode, OrganisationId};

/// Enough for most entries of a question.
const ROOM: usize = 1024;

const VARINT: u32 = 0;
const DELIMITED: u32 = 2;

/// Bytes that grow by one field after another.
pub(super) struct Fields(Vec<u8>);

/// The bytes of an entry whose kind is this field of it.
pub(super) fn entry(at: Timestamp, kind: u32, write: impl FnOnce(&mut Fields)) -> Vec<u8> {
    let mut fields = Fields(Vec::with_capacity(ROOM));
    fields.number(1, FORMAT.into());
    fields.number(2, at.0);
    fields.message(kind, write);
    fields.0
}

pub(super) fn intent(fields: &mut Fields, intent: &Intent) {
    fields.message(1, |to| facts(to, &intent.facts));
    fields.message(2, |to| permit(to, &intent.permit));
    fields.message(3, |to| commitments(to, &intent.commitments));
    fields.message(4, |to| adapter(to, &intent.adapter));
}

pub(super) fn outcome(fields: &mut Fields, outcome: &Outcome) {
    let source = match outcome.source {
        Source::Agency => stored::Source::Agency,
        Source::Cache => stored::Source::Cache,
    };
    fields.message(1, |to| facts(to, &outcome.facts));
    fields.message(2, |to| permit(to, &outcome.permit));
    fields.message(3, |to| commitments(to, &outcome.commitments));
    fields.number(4, outcome.intent.unwrap_or_default());
    fields.choice(5, source.into());
    fields.choice(6, verdict_out(outcome.verdict).into());
    fields.number(7, outcome.as_of.map_or(0, |time| time.0));
    fields.texts(8, &outcome.disclosed);
    fields.number(9, outcome.dropped.into());
    fields.text(10, outcome.unavailable.map_or("", |reason| reason.code()));
    fields.numbers(11, &outcome.subjects_checked);
    fields.texts(12, &outcome.masked);
}

pub(super) fn denial(fields: &mut Fields, denied: &Denied) {
    fields.message(1, |to| facts(to, &denied.facts));
    fields.text(2, &denied.code);
    fields.message(3, |to| commitments(to, &denied.commitments));
}

fn facts(fields: &mut Fields, facts: &Facts) {
    fields.number(1, facts.rules.into());
    fields.bytes(2, &facts.request_id);
    fields.number(3, facts.caller_sequence);
    fields.number(4, facts.received_at.0);
    fields.given(5, facts.deadline.map(micros));
    fields.message(6, |to| caller(to, &facts.caller));
    fields.text(7, facts.fact.as_ref().map_or("", FactCode::as_str));
    fields.text(8, facts.provider.as_ref().map_or("", OrganisationId::as_str));
    fields.text(9, facts.item.as_str());
    fields.text(10, &facts.item_version);
    fields.text(11, &facts.case_number);
    fields.text(12, &facts.replaced_material);
    fields.text(13, &facts.operator_unit);
    fields.number(14, facts.operator_present.into());
    for role in &facts.roles {
        fields.message(15, |to| {
            to.text(1, &role.role);
            to.text(2, &role.kind);
            to.text(3, role.relation.map_or("", Relation::name));
            to.number(4, role.shown_by);
        });
    }
    for asked in &facts.assertions {
        fields.message(16, |to| {
            to.text(1, &asked.attribute);
            to.text(2, asked.comparison.name());
            asked.within.iter().for_each(|kept| to.message(3, |to| permit(to, kept)));
        });
    }
    fields.texts(17, &facts.disclose);
    fields.given(18, facts.max_age.map(micros));
    for defect in &facts.defects {
        fields.message(19, |to| {
            to.text(1, &defect.field);
            to.text(2, &defect.check);
        });
    }
    for used in &facts.quota {
        fields.message(20, |to| {
            to.text(1, &used.agreement);
            to.number(2, used.day);
            to.number(3, used.second);
            to.number(4, used.month);
        });
    }
    fields.texts(21, &facts.freezes);
    fields.bytes(22, &facts.catalogue_digest);
    fields.text(23, &facts.notice);
    fields.text(24, &facts.consent);
}

fn caller(fields: &mut Fields, caller: &CallerFacts) {
    fields.text(1, caller.organisation.as_str());
    fields.text(2, caller.system.as_str());
    fields.bytes(3, &caller.certificate);
    fields.choice(4, standing_out(caller.standing).into());
}

fn permit(fields: &mut Fields, permit: &PermitRef) {
    fields.text(1, &permit.agreement);
    fields.number(2, permit.version.into());
    fields.number(3, permit.clause.into());
}

fn commitments(fields: &mut Fields, commitments: &Commitments) {
    let Commitments { subject, operator, request, answer, sealed } = commitments;
    for (field, digest) in (1..).zip([subject, operator, request, answer, sealed]) {
        fields.bytes(field, digest.as_ref().map_or(&[], Digest::as_slice));
    }
}

fn adapter(fields: &mut Fields, adapter: &AdapterRef) {
    fields.text(1, &adapter.name);
    fields.text(2, &adapter.version);
    fields.bytes(3, &adapter.digest);
}

/// Rounded up: a decision tells no time from some time, and so must a replay.
fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1000)).unwrap_or(u64::MAX)
}

impl Fields {
    /// A number, unless it is 0.
    fn number(&mut self, field: u32, value: u64) {
        self.given(field, (value != 0).then_some(value));
    }

    /// A number that can be 0 and there.
    fn given(&mut self, field: u32, value: Option<u64>) {
        if let Some(value) = value {
            self.key(field, VARINT);
            self.varint(value);
        }
    }

    /// A member of an enumeration.
    fn choice(&mut self, field: u32, value: i32) {
        self.number(field, value.unsigned_abs().into());
    }

    fn text(&mut self, field: u32, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    /// Bytes, unless there are none.
    fn bytes(&mut self, field: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.element(field, bytes);
        }
    }

    /// A list of texts; one that is empty has its place.
    fn texts(&mut self, field: u32, texts: &[String]) {
        texts.iter().for_each(|text| self.element(field, text.as_bytes()));
    }

    /// A list of numbers.
    fn numbers(&mut self, field: u32, numbers: &[u32]) {
        if !numbers.is_empty() {
            self.message(field, |to| numbers.iter().for_each(|&number| to.varint(number.into())));
        }
    }

    /// A message, which has its place when it is empty, too.
    fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        self.key(field, DELIMITED);
        let start = self.0.len();
        write(self);
        let end = self.0.len();
        self.varint((end - start) as u64);
        // Only now is the length known, and it belongs in front.
        let length = self.0.len() - end;
        if let Some(message) = self.0.get_mut(start..) {
            message.rotate_right(length);
        }
    }

    fn element(&mut self, field: u32, bytes: &[u8]) {
        self.key(field, DELIMITED);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn key(&mut self, field: u32, form: u32) {
        self.varint((field << 3 | form).into());
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}
