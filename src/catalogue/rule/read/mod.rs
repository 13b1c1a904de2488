//! From a rule's file to a rule: every name looked up, every flaw with its place.
//!
//! Facts are looked up where there is a catalogue. A rule read back from a log was checked when it came into force.

mod condition;
mod group;
mod idle;
mod need;
mod question;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;

use super::form::{GivenRecord, RuleRecord};
use super::{External, Given, Party, Rule, graph};
use crate::catalogue::load::{Page, kind_of};
use crate::catalogue::{AttributeKind, Fact, Item};
use crate::query::FactCode;

/// Where facts and the item's head are looked up; nowhere when a rule comes back from a log.
#[derive(Clone, Copy)]
pub(in crate::catalogue) struct Around<'a> {
    pub facts: &'a BTreeMap<FactCode, Fact>,
    pub item: &'a Item,
}

/// Reads a rule. It is whole when the page has no new finding.
pub(in crate::catalogue) fn read(
    record: &RuleRecord,
    around: Option<Around<'_>>,
    page: &mut Page<'_>,
) -> Rule {
    let mut reading = Reading { page, around, rule: Rule::default() };
    reading.limits(record);
    reading.names(record);
    reading.heads(record);
    reading.rule.groups = record.group.iter().filter_map(|group| reading.group(group)).collect();
    reading.rule.questions =
        record.question.iter().filter_map(|question| reading.question(question)).collect();
    reading.rule.needs = record.need.iter().filter_map(|need| reading.need(need)).collect();
    reading.groups_told(record);
    reading.needs_named(record);
    reading.nothing_is_idle(record);
    graph::refuse_circles(record, &reading.rule, reading.page);
    reading.rule
}

/// Most entries of one list of a rule; the largest sample rule has thirty needs.
const LIST_MOST: usize = 128;
/// Most bytes of a rule's file: an entry of the log holds it whole.
const BYTES_MOST: usize = 60_000;

struct Reading<'a, 'p> {
    page: &'a mut Page<'p>,
    around: Option<Around<'a>>,
    /// What has been read so far.
    rule: Rule,
}

impl Reading<'_, '_> {
    /// Names are unique among parties and groups together, and within each other list.
    fn names(&mut self, record: &RuleRecord) {
        let who = record.party.iter().map(|party| &party.name);
        self.unique(who.chain(record.group.iter().map(|group| &group.name)), "party or group");
        self.unique(record.given.iter().map(|given| &given.name), "stated value");
        self.unique(record.external.iter().map(|external| &external.name), "evidence");
        self.unique(record.question.iter().map(|question| &question.name), "question");
        self.unique(record.need.iter().map(|need| &need.name), "need");
    }

    fn unique<'n>(&mut self, names: impl Iterator<Item = &'n Spanned<String>>, what: &str) {
        let mut seen = BTreeSet::new();
        for name in names {
            let text = name.get_ref();
            let formed = !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            if !formed {
                self.page
                    .flaw(name, format!("the name `{text}` must be small letters, digits and `_`"));
            }
            if !seen.insert(text) {
                self.page.flaw(name, format!("the {what} `{text}` is there twice"));
            }
        }
    }

    /// What is larger than this, no person oversees; and its entry could not be written.
    fn limits(&mut self, record: &RuleRecord) {
        let lists = [
            ("party", record.party.len()),
            ("given", record.given.len()),
            ("external", record.external.len()),
            ("group", record.group.len()),
            ("question", record.question.len()),
            ("need", record.need.len()),
        ];
        for (list, length) in lists {
            if length > LIST_MOST {
                let problem = format!("{length} of `[[{list}]]`, where {LIST_MOST} are the most");
                self.page.flaw(&record.item, problem);
            }
        }
        let bytes = self.page.text.len();
        if bytes > BYTES_MOST {
            let problem = format!("the file has {bytes} bytes, where {BYTES_MOST} are the most");
            self.page.flaw(&record.item, problem);
        }
    }

    fn heads(&mut self, record: &RuleRecord) {
        if record.legal_basis.is_empty() {
            self.page.flaw(
                &record.item,
                "`legal_basis` is empty: say which law the rule rests on".to_owned(),
            );
        }
        if record.need.is_empty() {
            self.page.flaw(
                &record.item,
                "the rule has no `[[need]]`: every case would be READY".to_owned(),
            );
        }
        self.rule.item.clone_from(record.item.get_ref());
        self.rule.version.clone_from(&record.version);
        self.rule.legal_basis.clone_from(&record.legal_basis);
        let parameters = record.parameters.iter();
        self.rule.parameters =
            parameters.map(|(name, number)| (name.get_ref().clone(), *number)).collect();
        self.rule.person_decides.clone_from(&record.person_decides);
        for party in &record.party {
            self.rule.parties.push(Party {
                name: party.name.get_ref().clone(),
                title_zh: party.title_zh.clone(),
                kind: party.kind.name().to_owned(),
                optional: party.optional,
                many: party.many,
            });
        }
        for given in &record.given {
            let given = self.given(given);
            self.rule.given.push(given);
        }
        for external in &record.external {
            self.rule.externals.push(External {
                name: external.name.get_ref().clone(),
                title_zh: external.title_zh.clone(),
                issuer: external.issuer.clone(),
                fresh_for: external.fresh_for,
                suffices: external.suffices,
            });
        }
    }

    fn given(&mut self, record: &GivenRecord) -> Given {
        let kind = kind_of(record.kind, &record.codes);
        if matches!(kind, AttributeKind::Code(_)) == record.codes.is_empty() {
            self.page.flaw(
                &record.name,
                "`codes` belongs to the type `code`, and is not empty there".to_owned(),
            );
        }
        let (least, most) = self.bounds(record, &kind);
        Given {
            name: record.name.get_ref().clone(),
            title_zh: record.title_zh.clone(),
            kind,
            whose: record.whose,
            optional: record.optional,
            least,
            most,
        }
    }

    /// Between which numbers a whole number must be: what is counted or paid is never less than nothing, unless the rule says
    /// so.
    fn bounds(&mut self, record: &GivenRecord, kind: &AttributeKind) -> (Option<i64>, Option<i64>) {
        let bound = |bound: &Option<Spanned<i64>>| bound.as_ref().map(|bound| *bound.get_ref());
        let (least, most) = (bound(&record.least), bound(&record.most));
        if *kind != AttributeKind::Integer {
            for bound in [&record.least, &record.most].into_iter().flatten() {
                let problem = "`least` and `most` belong to the type `integer`".to_owned();
                self.page.flaw(bound, problem);
            }
            return (None, None);
        }
        let least = least.unwrap_or(0);
        if let Some(bound) = &record.most
            && *bound.get_ref() < least
        {
            self.page.flaw(bound, format!("`most` is less than `least`, which is {least}"));
        }
        (Some(least), most)
    }
}
