//! From a package to its files, and to those of them that can be made again.

use serde::Serialize;

use super::contents::Contents;
use super::manifest::{self, manifest};
use super::page;
use super::statement::statement;
use super::{EvidenceError, Files, Package, opening_path, receipt_path};
use crate::audit::receipt::Receipt;
use crate::audit::script;
use crate::query::time::Timestamp;
use crate::report::fields;

const README: &str = include_str!("README.txt");
const CHECK: &str = include_str!("check.py");
const SCHEMA: &str = include_str!("../../proto/heyan/audit/v1/entry.proto");

/// Files whose words belong to the program that wrote them: another version may say the same in other words.
pub(super) const WORDS: [&str; 4] = ["README.txt", "check.py", "entry.proto", "index.html"];

/// Every file of the package. The same package gives the same bytes.
///
/// # Errors
/// When its entries hold no case and its rule.
pub fn write(package: &Package) -> Result<Files, EvidenceError> {
    let mut files = sources(package)?;
    files.extend(derived(package)?);
    let listed = listed(package, &files)?;
    files.insert(manifest::PATH.to_owned(), listed);
    Ok(files)
}

/// What cannot be made from anything else.
fn sources(package: &Package) -> Result<Files, EvidenceError> {
    let mut files = Files::new();
    files.insert("checkpoint".to_owned(), package.checkpoint.clone().into_bytes());
    let keys = package.vkeys.iter().map(|key| format!("{key}\n")).collect::<String>();
    files.insert("log.vkey".to_owned(), keys.into_bytes());
    for (index, proved) in &package.entries {
        let receipt = Receipt {
            extra: Some(proved.bytes.clone()),
            index: *index,
            hashes: proved.hashes.clone(),
            checkpoint: package.checkpoint.clone(),
        };
        files.insert(receipt_path(*index), receipt.to_text().into_bytes());
    }
    for (index, openings) in &package.openings {
        files.insert(opening_path(*index), pretty(openings)?);
    }
    Ok(files)
}

/// What is made from the sources.
pub(super) fn derived(package: &Package) -> Result<Files, EvidenceError> {
    let contents = Contents::of(package)?;
    let told = statement(&contents);
    let mut files = Files::new();
    for document in contents.documents() {
        files.insert(document.path, document.bytes.to_vec());
    }
    let mut lines = String::new();
    for (index, entry) in &contents.entries {
        let stored = package.entries.get(index).map(|proved| proved.bytes.as_slice());
        let mut line =
            fields::entry(*index, Timestamp::default(), entry, stored.unwrap_or_default());
        if let serde_json::Value::Object(fields) = &mut line {
            // When a frame was written no receipt proves.
            fields.remove("written_at");
            fields.remove("written_at_us");
        }
        lines.push_str(&format!("{line}\n"));
    }
    files.insert("entries.jsonl".to_owned(), lines.into_bytes());
    files.insert("case.json".to_owned(), pretty(&told)?);
    files.insert("index.html".to_owned(), page::page(&contents, &told).into_bytes());
    let readme = README
        .replace("{origin}", package.checkpoint.lines().next().unwrap_or_default())
        .replace("{case_number}", &told.case_number)
        .replace("{item}", &format!("{} {}", told.item, told.item_version))
        .replace("{outcome}", &told.outcome)
        .replace("{entry}", &package.case.to_string())
        .replace("{made_by}", &package.made_by)
        .replace("{persons}", page::persons_en(package.persons));
    files.insert("README.txt".to_owned(), readme.into_bytes());
    files.insert("check.py".to_owned(), script::alone(CHECK).into_bytes());
    files.insert("entry.proto".to_owned(), SCHEMA.as_bytes().to_vec());
    Ok(files)
}

/// The manifest of these files.
pub(super) fn listed(package: &Package, files: &Files) -> Result<Vec<u8>, EvidenceError> {
    let told = statement(&Contents::of(package)?);
    pretty(&manifest(package, &told, files))
}

/// JSON as people can read it, in one form.
pub(super) fn pretty(value: &impl Serialize) -> Result<Vec<u8>, EvidenceError> {
    let mut text = serde_json::to_string_pretty(value).map_err(|_| EvidenceError::Json)?;
    text.push('\n');
    Ok(text.into_bytes())
}
