//! Reading the catalogue's files, strictly: every flaw with its file and line.

mod records;

use std::collections::BTreeMap;
use std::path::Path;

use self::records::{FactFile, FactRecord, ItemFile, ItemRecord, Parse};
use super::{Catalogue, Fact, Item};
use crate::crypto::sha256_parts;
use crate::finding::{self, Finding};
use crate::query::{FactCode, ItemCode};

/// Reads `facts` and `items`.
pub(super) fn load(folder: &Path) -> Result<Catalogue, Vec<Finding>> {
    let mut loading = Loading::default();
    let facts: Vec<Placed<FactRecord>> = loading.read::<FactFile>(&folder.join("facts"));
    let items: Vec<Placed<ItemRecord>> = loading.read::<ItemFile>(&folder.join("items"));
    let facts = loading.facts(facts);
    let items = loading.items(items, &facts);
    let parts: Vec<&[u8]> = loading.bytes.iter().map(Vec::as_slice).collect();
    let digest = sha256_parts(&parts);
    if loading.findings.is_empty() {
        Ok(Catalogue { facts, items, digest })
    } else {
        Err(loading.findings)
    }
}

/// A record and where it stands.
struct Placed<T> {
    record: T,
    /// A finding at the record's line, to be filled with a problem.
    place: Finding,
}

#[derive(Default)]
struct Loading {
    findings: Vec<Finding>,
    /// Name, length and bytes of each file, for the digest.
    bytes: Vec<Vec<u8>>,
}

impl Loading {
    fn read<F: Parse>(&mut self, folder: &Path) -> Vec<Placed<F::Record>> {
        let files = finding::files_in(folder, "toml").unwrap_or_else(|finding| {
            self.findings.push(finding);
            Vec::new()
        });
        let mut records = Vec::new();
        for file in files {
            match finding::read_text(&file).and_then(|text| {
                let parsed: F = finding::parse_toml(&file, &text)?;
                Ok((text, parsed))
            }) {
                Ok((text, parsed)) => {
                    let name = file.file_name().unwrap_or_default().as_encoded_bytes().to_vec();
                    let length = (text.len() as u64).to_be_bytes().to_vec();
                    records.extend(parsed.records().into_iter().map(|spanned| Placed {
                        place: Finding::at(&file, &text, spanned.span().start, ""),
                        record: spanned.into_inner(),
                    }));
                    self.bytes.extend([name, length, text.into_bytes()]);
                }
                Err(finding) => self.findings.push(finding),
            }
        }
        records
    }

    fn facts(&mut self, records: Vec<Placed<FactRecord>>) -> BTreeMap<FactCode, Fact> {
        let mut facts = BTreeMap::new();
        for Placed { record, place } in records {
            let (fact, problems) = record.check();
            self.flaws(&place, problems);
            let code = fact.code.clone();
            if facts.insert(code.clone(), fact).is_some() {
                self.flaws(&place, vec![format!("fact `{code}` is there twice; remove one")]);
            }
        }
        facts
    }

    fn items(
        &mut self,
        records: Vec<Placed<ItemRecord>>,
        facts: &BTreeMap<FactCode, Fact>,
    ) -> BTreeMap<ItemCode, Vec<Item>> {
        let mut items: BTreeMap<ItemCode, Vec<Item>> = BTreeMap::new();
        for Placed { record, place } in records {
            let (item, mut problems) = record.check();
            for fact in item.facts.iter().filter(|fact| !facts.contains_key(*fact)) {
                problems.push(format!("item `{}` asks for `{fact}`, which is no fact", item.code));
            }
            let versions = items.entry(item.code.clone()).or_default();
            for other in versions.iter() {
                if other.version == item.version {
                    problems.push(format!(
                        "version `{}` of `{}` is there twice",
                        item.version, item.code
                    ));
                } else if overlap(other, &item) {
                    problems.push(format!(
                        "versions `{}` and `{}` of `{}` are in force on the same days: end the earlier one \
                         where the later begins",
                        other.version, item.version, item.code
                    ));
                }
            }
            versions.push(item);
            self.flaws(&place, problems);
        }
        for versions in items.values_mut() {
            versions.sort_by(|one, other| one.effective_from.cmp(&other.effective_from));
        }
        items
    }

    fn flaws(&mut self, place: &Finding, problems: Vec<String>) {
        let at = |problem| Finding { problem, ..place.clone() };
        self.findings.extend(problems.into_iter().map(at));
    }
}

/// Dates order as text; an empty end is open.
fn overlap(one: &Item, other: &Item) -> bool {
    let ends_after = |item: &Item, start: &str| {
        item.effective_to.is_empty() || item.effective_to.as_str() > start
    };
    ends_after(one, &other.effective_from) && ends_after(other, &one.effective_from)
}

#[cfg(test)]
mod tests;
