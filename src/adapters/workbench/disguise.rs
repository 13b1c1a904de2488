//! Everybody and every secret of an exchange exchanged for somebody invented, the same wherever they stand.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::invented::{Inventor, Kind, is_han, kind};
use super::leaves;
use super::looks;
use super::mask::forms;
use crate::adapters::fixture::looks_real;
use crate::crypto;
use crate::query::Query;
use crate::query::subject::{Subject, SubjectKind};
use crate::query::value::Named;

/// Digits in a row that are somebody's number when they stand beside Chinese text, or are told as an attribute.
const NUMBER: usize = 7;
/// Characters from which a value is looked for in what is written.
const SHORTEST: usize = 2;

/// Learns who is in an exchange, and then replaces them.
pub(super) struct Disguise {
    inventor: Inventor,
    is_learning: bool,
    /// Texts of the manifest: what it compares with is nobody's name.
    protected: BTreeSet<String>,
    /// Whole texts and what stands for them.
    exact: BTreeMap<String, String>,
    /// Values that have no form of their own, the longest first.
    known: Vec<String>,
    /// Secrets and what stands for them, the longest first.
    secrets: Vec<(String, String)>,
    /// What must not be found in what is written.
    originals: BTreeSet<String>,
    /// Texts that an expression looked at: they stay, unless they are somebody's by their form.
    read: BTreeSet<String>,
    /// Something was seen that is no text.
    has_binary: bool,
}

impl Disguise {
    /// Of the people in the question. `secrets` are pairs of a real and an invented one.
    pub(super) fn of(
        query: &Query,
        nonces: impl Iterator<Item = (String, String)>,
        request_id: [u8; 16],
        mut secrets: Vec<(String, String)>,
        protected: BTreeSet<String>,
        read: BTreeSet<String>,
    ) -> Self {
        secrets.sort_by_key(|(real, _)| std::cmp::Reverse(real.len()));
        secrets.dedup();
        let uuid = |bytes: [u8; 16]| uuid::Uuid::from_bytes(bytes);
        let (real, invented) = (uuid(query.request_id), uuid(request_id));
        let mut exact = BTreeMap::from([
            (real.to_string(), invented.to_string()),
            (real.simple().to_string(), invented.simple().to_string()),
        ]);
        exact.extend(nonces);
        let purpose = &query.purpose;
        for (real, invented) in [
            (&query.operator.id, "desk-1"),
            (&query.operator.unit, "hall-1"),
            (&purpose.case_number, "CASE-000001"),
            (&purpose.notice, "notice-1"),
            (&purpose.consent, "consent-1"),
        ] {
            if !real.is_empty() {
                exact.insert(real.clone(), invented.to_owned());
            }
        }
        let originals = secrets.iter().map(|(real, _)| real.clone()).collect();
        let mut disguise = Self {
            inventor: Inventor::default(),
            is_learning: true,
            protected,
            exact,
            known: Vec::new(),
            secrets,
            originals,
            read,
            has_binary: false,
        };
        for subject in &query.subjects {
            for value in values(subject) {
                disguise.know(value);
            }
        }
        disguise
    }

    /// A value that is somebody's, whatever it looks like.
    pub(super) fn know(&mut self, value: &str) {
        if value.is_empty() || self.protected.contains(value) {
            return;
        }
        self.originals.insert(value.to_owned());
        self.inventor.see(value);
        if !value.chars().any(is_han) && kind(value).is_none() {
            self.known.push(value.to_owned());
            self.known.sort_by(|one, other| other.len().cmp(&one.len()).then(one.cmp(other)));
            self.known.dedup();
        }
    }

    /// A text that the agency told as an attribute: a number or a name, unless it is a mere code.
    pub(super) fn know_told(&mut self, value: &str) {
        let digits = value.bytes().filter(u8::is_ascii_digit).count();
        let is_name = value.is_ascii() && digits == 0 && value.contains(' ');
        let is_kept = looks::is_harmless(value) || looks::is_code(value);
        if digits >= NUMBER || is_name || value.chars().any(is_han) || !is_kept {
            self.know(value);
        }
    }

    /// People that the agency told as an attribute.
    pub(super) fn know_people(&mut self, people: &[Named]) {
        for one in people {
            self.know(&one.name);
            self.know(&one.number);
        }
    }

    /// The same number of people, each one invented.
    pub(super) fn people(&mut self, people: &[Named]) -> Vec<Named> {
        let invented =
            |one: &Named| Named { name: self.text(&one.name), number: self.text(&one.number) };
        people.iter().map(invented).collect()
    }

    /// True when something was seen that is no text, and so may show anybody: a picture, a document.
    pub(super) fn has_binary(&self) -> bool {
        self.has_binary
    }

    /// From here on texts are replaced; before, they were only looked at.
    pub(super) fn settle(&mut self) {
        self.is_learning = false;
    }

    /// The text with everybody replaced, in whatever layers it has.
    pub(super) fn text(&mut self, text: &str) -> String {
        leaves::changed(text, &mut |leaf| self.leaf(leaf))
    }

    /// The document with everybody replaced.
    pub(super) fn json(&mut self, value: &Json) -> Json {
        leaves::changed_json(value, &mut |leaf| self.leaf(leaf))
    }

    /// The question, about people invented.
    pub(super) fn question(&mut self, query: &Query, request_id: [u8; 16]) -> Query {
        let mut query = query.clone();
        query.request_id = request_id;
        for subject in &mut query.subjects {
            self.subject(subject);
        }
        let purpose = &mut query.purpose;
        let operator = &mut query.operator;
        for field in [
            &mut purpose.case_number,
            &mut purpose.notice,
            &mut purpose.consent,
            &mut operator.id,
            &mut operator.unit,
        ] {
            if let Some(invented) = self.exact.get(field.as_str()) {
                field.clone_from(invented);
            }
        }
        query
    }

    fn subject(&mut self, subject: &mut Subject) {
        let fields: Vec<&mut String> = match &mut subject.kind {
            SubjectKind::Person(person) => vec![&mut person.document_number, &mut person.name],
            SubjectKind::Employer(employer) => vec![&mut employer.uscc, &mut employer.name],
            SubjectKind::Property(home) => {
                vec![&mut home.unit_number, &mut home.certificate_number, &mut home.address]
            }
            SubjectKind::Document(document) => vec![&mut document.number, &mut document.code],
        };
        for field in fields {
            let after = self.leaf(field);
            *field = after;
        }
    }

    /// Where in the text something real is left: its line, from 1. Never what it is.
    pub(super) fn remains(&self, text: &str) -> Option<usize> {
        let real: BTreeSet<String> = self
            .originals
            .iter()
            .filter(|value| value.chars().count() >= SHORTEST)
            .flat_map(|value| forms(value))
            .collect();
        let line_of =
            |at: usize| text.get(..at).map_or(0, |before| before.matches('\n').count() + 1);
        if let Some(at) = real.iter().find_map(|form| text.find(form.as_str())) {
            return Some(line_of(at));
        }
        if let Some(at) = looks_real(text).first() {
            return Some(line_of(*at));
        }
        let is_of_base64 = |character: char| {
            character.is_ascii_alphanumeric() || matches!(character, '+' | '/' | '=')
        };
        text.lines()
            .position(|line| {
                line.split(|character| !is_of_base64(character))
                    .filter_map(leaves::base64_text)
                    .any(|inside| !looks_real(&inside).is_empty())
            })
            .map(|line| line + 1)
    }

    fn leaf(&mut self, leaf: &str) -> String {
        if leaf.is_empty() || self.protected.contains(leaf) {
            return leaf.to_owned();
        }
        if let Some(invented) = self.exact.get(leaf) {
            return invented.clone();
        }
        if let Some((_, invented)) = self.secrets.iter().find(|(real, _)| real == leaf) {
            return invented.clone();
        }
        if let Some(sealed) = self.sealed(leaf) {
            return sealed;
        }
        if leaves::is_binary(leaf) {
            self.has_binary = true;
        }
        let mut text = looks::without_addresses(leaf);
        for (real, invented) in &self.secrets {
            if text.contains(real.as_str()) {
                text = text.replace(real.as_str(), invented);
            }
        }
        self.scan(&text)
    }

    /// What was encrypted under one of the secrets, encrypted again under the one that stands for it.
    fn sealed(&mut self, leaf: &str) -> Option<String> {
        let bytes = STANDARD.decode(leaf).ok().filter(|bytes| !bytes.is_empty())?;
        let (plain, invented) = self.secrets.iter().find_map(|(real, invented)| {
            let plain = crypto::aes_ecb_decrypt(real.as_bytes(), &bytes)?;
            Some((String::from_utf8(plain).ok()?, invented.clone()))
        })?;
        let plain = self.text(&plain);
        let sealed = crypto::aes_ecb_encrypt(invented.as_bytes(), plain.as_bytes())?;
        Some(STANDARD.encode(sealed))
    }

    fn scan(&mut self, text: &str) -> String {
        let has_han = text.chars().any(is_han);
        let is_kept = self.read.contains(text) || looks::is_harmless(text);
        if self.is_learning && has_han {
            self.inventor.see(text);
            let is_written = self.protected.iter().any(|known| known.contains(text));
            if !is_written && text.chars().filter(|one| is_han(*one)).count() >= SHORTEST {
                self.originals.insert(text.to_owned());
            }
        }
        let mut after = String::with_capacity(text.len());
        let (mut rest, mut before) = (text, ' ');
        while let Some(first) = rest.chars().next() {
            let length = if let Some(length) = self.known_at(rest, before) {
                let real = rest.get(..length).unwrap_or_default();
                after.push_str(&self.inventor.text(real));
                length
            } else if let Some((kind, compact, length)) = looks::spaced(rest, before) {
                let spaced = rest.get(..length).unwrap_or_default();
                after.push_str(&self.spaced(kind, &compact, spaced));
                length
            } else if rest.starts_with(looks::ADDRESS) {
                after.push_str(looks::ADDRESS);
                looks::ADDRESS.len()
            } else if first.is_ascii_alphanumeric() {
                let end = rest.find(|one: char| !one.is_ascii_alphanumeric()).unwrap_or(rest.len());
                let run = rest.get(..end).unwrap_or_default();
                let invented = self.run(run, has_han, is_kept);
                after.push_str(&invented);
                end
            } else {
                after.push(match first {
                    _ if self.is_learning => first,
                    han if is_han(han) => self.inventor.character(han),
                    // Letters of other scripts, in which people have names too.
                    other if !is_kept && other.is_alphabetic() && !other.is_ascii() => 'x',
                    other => other,
                });
                first.len_utf8()
            };
            before = rest.get(..length).and_then(|taken| taken.chars().last()).unwrap_or(' ');
            rest = rest.get(length..).unwrap_or_default();
        }
        if self.is_learning { text.to_owned() } else { after }
    }

    /// Bytes of the known value that stands here as a word of its own, in any case.
    fn known_at(&self, rest: &str, before: char) -> Option<usize> {
        let is_word = |one: char| one.is_ascii_alphanumeric();
        let known = self.known.iter().find(|known| {
            let length = known.len();
            rest.get(..length).is_some_and(|start| start.eq_ignore_ascii_case(known))
                && !(is_word(before) && known.starts_with(is_word))
                && !(known.ends_with(is_word)
                    && rest.get(length..).is_some_and(|next| next.starts_with(is_word)))
        });
        known.map(String::len)
    }

    /// A number written in groups, and its invented one in the same groups.
    fn spaced(&mut self, kind: Kind, compact: &str, spaced: &str) -> String {
        if self.is_learning {
            self.see_number(kind, compact);
            self.originals.insert(spaced.to_owned());
            return spaced.to_owned();
        }
        let invented = self.inventor.number(kind, compact);
        let mut next = invented.chars();
        let in_groups = spaced.chars().map(|one| match one.is_ascii_alphanumeric() {
            true => next.next().unwrap_or('0'),
            false => one,
        });
        in_groups.collect()
    }

    fn run(&mut self, run: &str, has_han: bool, is_kept: bool) -> String {
        if let Some(kind) = kind(run) {
            if self.is_learning {
                self.see_number(kind, run);
                return run.to_owned();
            }
            return self.inventor.number(kind, run);
        }
        let is_number = run.len() >= NUMBER && run.bytes().all(|byte| byte.is_ascii_digit());
        if self.is_learning {
            run.to_owned()
        } else if !is_kept && !looks::is_code(run) {
            self.inventor.other(run)
        } else if has_han && is_number {
            self.inventor.text(run)
        } else {
            run.to_owned()
        }
    }

    fn see_number(&mut self, kind: Kind, run: &str) {
        self.originals.insert(run.to_owned());
        self.inventor.see(run);
        let other = match kind {
            Kind::Person => crate::query::identifier::id15(run),
            Kind::PersonOld => crate::query::identifier::citizen_id(run).ok(),
            _ => None,
        };
        if let Some(other) = other {
            self.inventor.see(&other);
            self.originals.insert(other);
        }
    }
}

/// Everything about a subject that is its own.
fn values(subject: &Subject) -> Vec<&str> {
    match &subject.kind {
        SubjectKind::Person(person) => vec![&person.document_number, &person.name],
        SubjectKind::Employer(employer) => vec![&employer.uscc, &employer.name],
        SubjectKind::Property(home) => {
            vec![&home.unit_number, &home.certificate_number, &home.address]
        }
        SubjectKind::Document(document) => vec![&document.number, &document.code],
    }
}
