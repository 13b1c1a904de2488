//! A package's entries, decoded and put in their places: the case, its rule, its answers, the documents.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{EvidenceError, Package};
use crate::agreements::document;
use crate::audit::commitment::Field;
use crate::audit::entry::{self, AgreementEvent, CaseClosed, Entry, Kind, PartyEvent};
use crate::cases::{Answer, Conclusion, Course, Filed, conclude};
use crate::catalogue::rule::{By, From, Group, Need, Written};
use crate::crypto::sha256;
use crate::decision::agreement::Agreement;
use crate::parties::Register;
use crate::query::time::Timestamp;

/// What a package says, from its entries alone.
pub(super) struct Contents<'a> {
    pub(super) package: &'a Package,
    pub(super) entries: BTreeMap<u64, Entry>,
    /// When the case was closed.
    pub(super) closed_at: Timestamp,
    pub(super) closed: CaseClosed,
    pub(super) rule: Written,
    pub(super) course: Course,
    /// As this program concludes again; what the entry says is in `closed`.
    pub(super) conclusion: Conclusion,
    /// The application, where it is opened and can be read.
    pub(super) filed: Option<Filed>,
    /// Names of organisations: the last that an entry gives.
    names_zh: BTreeMap<String, String>,
}

/// A document that an entry holds, as a file of its own.
pub(super) struct Document<'a> {
    pub(super) path: String,
    pub(super) bytes: &'a [u8],
}

/// Signed terms as they came into force.
pub(super) struct Terms {
    pub(super) entry: u64,
    pub(super) id: String,
    pub(super) version: u32,
    pub(super) title_zh: String,
    pub(super) legal_basis: Vec<String>,
    pub(super) agreement: Agreement,
}

impl<'a> Contents<'a> {
    pub(super) fn of(package: &'a Package) -> Result<Self, EvidenceError> {
        let mut entries = BTreeMap::new();
        for (index, proved) in &package.entries {
            let entry = entry::decode(&proved.bytes).map_err(|_| EvidenceError::Entry(*index))?;
            entries.insert(*index, entry);
        }
        let of_case = entries.get(&package.case).map(|entry| (entry.at, &entry.kind));
        let Some((closed_at, Kind::Case(closed))) = of_case else {
            return Err(EvidenceError::NoCase(package.case));
        };
        let closed = CaseClosed::clone(closed);
        let rule = rule(&entries, &closed).ok_or(EvidenceError::NoRule)?;
        let course: Course =
            serde_json::from_str(&closed.course).map_err(|_| EvidenceError::Course)?;
        let conclusion = conclude(&rule.rule, &course);
        let names_zh = names(&entries);
        let texts = texts(package);
        let filed =
            texts.and_then(|texts| Filed::open(Arc::new(rule.clone()), &course, texts).ok());
        Ok(Self { filed, package, entries, closed_at, closed, rule, course, conclusion, names_zh })
    }

    /// The Chinese name of an organisation, where a register file is here.
    pub(super) fn name_zh(&self, organisation: &str) -> String {
        self.names_zh.get(organisation).cloned().unwrap_or_default()
    }

    /// The entry of an answer of the course.
    pub(super) fn entry_of(&self, answer: &Answer) -> Option<(u64, &Entry)> {
        let index = answer.log_index?;
        Some((index, self.entries.get(&index)?))
    }

    /// The Chinese name of what a question, group, party, paper, stated value or need of the rule is about. Of a
    /// question the title of the first need that it shows, or of the groups that it finds: names of facts are in no entry.
    pub(super) fn title_zh(&self, name: &str) -> String {
        let rule = &self.rule.rule;
        let by_question = |need: &&Need| matches!(&need.by, By::Question(of) if of == name);
        let shown = || rule.needs.iter().find(by_question).map(|need| need.title_zh.clone());
        let finds = |group: &&Group| matches!(&group.from, From::Found(of) if of.question == name);
        let found = || {
            let groups = rule.groups.iter().filter(finds).map(|group| group.title_zh.as_str());
            let groups: Vec<&str> = groups.collect();
            (!groups.is_empty()).then(|| format!("查明{}", groups.join("、")))
        };
        rule.need(name)
            .map(|need| need.title_zh.clone())
            .or_else(|| rule.group(name).map(|group| group.title_zh.clone()))
            .or_else(|| rule.party(name).map(|party| party.title_zh.clone()))
            .or_else(|| rule.external(name).map(|external| external.title_zh.clone()))
            .or_else(|| rule.given(name).map(|given| given.title_zh.clone()))
            .or_else(shown)
            .or_else(found)
            .unwrap_or_else(|| name.to_owned())
    }

    /// The agreements that came into force among the entries.
    pub(super) fn terms(&self) -> Vec<Terms> {
        let adopted = self.entries.iter().filter_map(|(index, entry)| match &entry.kind {
            Kind::Agreement(AgreementEvent::Adopted { id, version, document }) => {
                Some((*index, id, *version, document))
            }
            _ => None,
        });
        let read = adopted.filter_map(|(entry, id, version, document)| {
            let terms = document::peek(document).ok()?;
            let basis = |(party, instrument, article): (&_, &str, &str)| {
                format!("{} {instrument} {article}", self.name_zh(&format!("{party}")))
            };
            Some(Terms {
                entry,
                id: id.clone(),
                version,
                title_zh: terms.title_zh().to_owned(),
                legal_basis: terms
                    .legal_basis()
                    .map(|(party, instrument, article)| basis((party, instrument, article)))
                    .collect(),
                agreement: terms.agreement(&[]).ok()?,
            })
        });
        read.collect()
    }

    /// The documents that entries hold: agreements, orders, register files, and the rule.
    pub(super) fn documents(&self) -> Vec<Document<'_>> {
        let held = self.entries.iter().filter_map(|(index, entry)| {
            let (path, bytes) = match &entry.kind {
                Kind::Agreement(AgreementEvent::Adopted { id, version, document }) => {
                    (format!("agreements/{index}-{}-v{version}.jws", plain(id)), document)
                }
                Kind::Agreement(AgreementEvent::Ordered { id, version, document, .. }) => {
                    (format!("agreements/{index}-order-{}-v{version}.jws", plain(id)), document)
                }
                Kind::Freeze(event) => (format!("agreements/{index}-freeze.jws"), &event.document),
                Kind::Party(PartyEvent::Entered { organisation, document }) => {
                    (format!("parties/{index}-{}.toml", plain(organisation)), document)
                }
                Kind::Rule(event) => {
                    let (item, version) = (plain(&event.item), plain(&event.version));
                    (format!("rule/{index}-{item}-{version}.toml"), &event.document)
                }
                _ => return None,
            };
            Some(Document { path, bytes })
        });
        held.collect()
    }
}

/// Subjects and application of the case, where both are opened.
pub(super) fn texts(package: &Package) -> Option<(&str, &str)> {
    let openings = package.openings.get(&package.case)?;
    Some((openings.text(Field::Subject)?, openings.text(Field::Request)?))
}

fn rule(entries: &BTreeMap<u64, Entry>, closed: &CaseClosed) -> Option<Written> {
    let documents = entries.values().filter_map(|entry| match &entry.kind {
        Kind::Rule(event) => Some(&event.document),
        _ => None,
    });
    let document = documents.into_iter().find(|document| sha256(document) == closed.rule)?;
    Written::from_text(std::str::from_utf8(document).ok()?).ok()
}

fn names(entries: &BTreeMap<u64, Entry>) -> BTreeMap<String, String> {
    let entered = entries.values().filter_map(|entry| match &entry.kind {
        Kind::Party(PartyEvent::Entered { organisation, document }) => {
            let file = (organisation.clone(), document.clone());
            let register = Register::from_documents([file]).ok()?;
            let name = register.organisation(&organisation.as_str().into())?.name_zh.clone();
            Some((organisation.clone(), name))
        }
        _ => None,
    });
    entered.collect()
}

/// A name as it may stand in a path.
fn plain(name: &str) -> String {
    let formed = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    let plain = |character| if formed(character) { character } else { '_' };
    name.chars().take(48).map(plain).collect()
}
