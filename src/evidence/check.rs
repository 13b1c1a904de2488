//! Checks a package from its files alone: digests, receipts, openings, every decision, the conclusion.
//!
//! Entries are taken as evidence only under the checkpoint; what is made from them is made again and compared. With the
//! log's key from elsewhere this proves what the log says; without it, only that the package agrees with itself.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value as Json, json};

use super::answers::places;
use super::choose::InLog;
use super::contents::{Contents, texts};
use super::manifest::{self, FileTold, Manifest};
use super::read;
use super::statement::statement;
use super::write::{self, WORDS};
use super::{
    EvidenceError, Files, Openings, Package, Persons, is_reason, opening_path, receipt_path,
};
use crate::audit::checkpoint;
use crate::audit::commitment::{Field, Opening};
use crate::audit::entry::{Entry, Kind, Outcome};
use crate::audit::note::VerifierKey;
use crate::audit::tree::{leaf_hash, verify_inclusion};
use crate::parties::Register;
use crate::query::value::{Assertion, Value};
use crate::replay::Replay;
use crate::vault::open;

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: String,
    /// Stable name of the rule that it breaks.
    pub rule: &'static str,
    /// What is wrong, for people. No personal data.
    pub text: String,
}

impl Finding {
    pub(super) fn of(file: &str, rule: &'static str, text: impl Into<String>) -> Self {
        Self { file: file.to_owned(), rule, text: text.into() }
    }
}

/// What a package is held against.
#[derive(Default)]
pub struct Expected {
    /// The log's keys, from elsewhere; empty to take those of the package.
    pub log_keys: Vec<VerifierKey>,
    /// The party register as the auditor has it.
    pub parties: Option<Register>,
    /// The program that checks, such as `heyan 0.1.0`.
    pub program: String,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Checked {
    /// What is wrong, in the order of checking.
    pub findings: Vec<Finding>,
    /// Files whose words another program wrote, so that they could not be compared.
    pub not_compared: Vec<&'static str>,
    /// The case, as far as it could be read.
    pub case: Option<CaseSeen>,
    /// Files.
    pub files: usize,
    /// Entries with a receipt.
    pub entries: usize,
    /// Fields that were opened.
    pub openings: usize,
    /// Comparisons with what the application states that were made again.
    pub retaken: u64,
    /// Those taken on the entry's word, because the application is not opened here.
    pub on_word: u64,
}

/// The case in a few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseSeen {
    /// Its entry.
    pub entry: u64,
    /// The log it is of.
    pub origin: String,
    /// Its number.
    pub case_number: String,
    /// Code of the item.
    pub item: String,
    /// Version of the item.
    pub item_version: String,
    /// READY, NEEDS_COUNTER or REFUTED.
    pub outcome: String,
    /// Questions asked.
    pub answers: usize,
    /// What became of what the entries hide.
    pub persons: Persons,
}

/// Checks the files of a package.
pub fn check(files: &Files, expected: Expected) -> Checked {
    let mut checked = Checked { files: files.len(), ..Checked::default() };
    let manifest = match read::manifest_of(files) {
        Ok(manifest) => manifest,
        Err(finding) => {
            checked.findings.push(finding);
            return checked;
        }
    };
    listed(files, &manifest, &mut checked.findings);
    let of_files = checked.findings.len();
    let (package, flaws) = read::package(files, &manifest);
    checked.findings.extend(flaws);
    checked.entries = package.entries.len();
    receipts(&package, &expected.log_keys, &mut checked.findings);
    own_keys(&package, &expected.log_keys, &mut checked.findings);
    match Contents::of(&package) {
        Ok(contents) => {
            checked.case = Some(seen(&contents));
            checked.openings = opened(&contents, &mut checked.findings);
            one_each(&contents, &mut checked.findings);
            asserted(&contents, &mut checked.findings);
            replayed(&contents, expected.parties, &mut checked);
            chosen(&contents, &mut checked.findings);
        }
        Err(why) => {
            let file = match why {
                EvidenceError::Entry(index) => receipt_path(index),
                EvidenceError::NoCase(_) => manifest::PATH.to_owned(),
                _ => receipt_path(package.case),
            };
            checked.findings.push(Finding::of(&file, "case", why.to_string()));
        }
    }
    // What is made from a source that is wrong would be found wrong too, and say nothing new.
    if checked.findings.len() == of_files {
        made_again(files, &package, &expected.program, &mut checked);
    }
    checked
}

/// Every file is the one that the manifest lists, and no other is there.
fn listed(files: &Files, manifest: &Manifest, findings: &mut Vec<Finding>) {
    let mut known = BTreeSet::new();
    for listed in &manifest.files {
        if !known.insert(listed.path.as_str()) {
            let text = format!("lists `{}` twice", listed.path);
            findings.push(Finding::of(manifest::PATH, "manifest", text));
        }
        match files.get(&listed.path) {
            None => findings.push(Finding::of(&listed.path, "digest", "is missing")),
            Some(bytes) if FileTold::of(&listed.path, bytes) != *listed => {
                let text = "is not the file that the manifest lists";
                findings.push(Finding::of(&listed.path, "digest", text));
            }
            Some(_) => {}
        }
    }
    for path in files.keys() {
        if path != manifest::PATH && !known.contains(path.as_str()) {
            findings.push(Finding::of(path, "digest", "is not in the manifest"));
        }
    }
}

/// The checkpoint is the log's, and every entry is under it.
fn receipts(package: &Package, log_keys: &[VerifierKey], findings: &mut Vec<Finding>) {
    let own = || package.vkeys.iter().filter_map(|key| VerifierKey::parse(key).ok()).collect();
    let keys = if log_keys.is_empty() { own() } else { log_keys.to_vec() };
    let head = match checkpoint::open_with(&package.checkpoint, &keys) {
        Ok(head) => head,
        Err(error) => {
            let text = match log_keys.is_empty() {
                true => format!("is not signed with the package's own key: {error}"),
                false => format!("is not signed with the key that was given: {error}"),
            };
            findings.push(Finding::of("checkpoint", "checkpoint", text));
            return;
        }
    };
    for (index, proved) in &package.entries {
        let leaf = leaf_hash(&proved.bytes);
        if !verify_inclusion(&leaf, *index, head.size, &proved.hashes, &head.root) {
            let text = "does not lead from its entry to the checkpoint";
            findings.push(Finding::of(&receipt_path(*index), "receipt", text));
        }
    }
}

/// The keys that the package shows are the ones that were given: whoever takes a key from a package that was found good would
/// otherwise believe the log of whoever put it there.
fn own_keys(package: &Package, log_keys: &[VerifierKey], findings: &mut Vec<Finding>) {
    let is_given = |key: &String| log_keys.iter().any(|given| given.to_string() == *key);
    if log_keys.is_empty() || package.vkeys.iter().all(is_given) {
        return;
    }
    let text = "holds a key that was not given: if the log has had it, give it with --log-key too, taken from the log's operator";
    findings.push(Finding::of("log.vkey", "key", text));
}

/// Every opened field is what its entry commits to, and says what the entry says. Tells how many there are.
fn opened(contents: &Contents<'_>, findings: &mut Vec<Finding>) -> usize {
    let mut count = 0;
    for (index, openings) in &contents.package.openings {
        let file = opening_path(*index);
        let Some(entry) = contents.entries.get(index) else {
            findings.push(Finding::of(&file, "opening", "opens an entry that is not here"));
            continue;
        };
        count += openings.fields.len();
        if let Err(why) = holds(entry, openings, contents.package.persons) {
            findings.push(Finding::of(&file, "opening", why));
        }
    }
    count
}

fn holds(entry: &Entry, openings: &Openings, persons: Persons) -> Result<(), String> {
    if !openings.closed.is_empty() && !openings.fields.is_empty() {
        return Err("says why nothing is opened, and opens something".to_owned());
    }
    // Nothing here proves it, so it is in no words of anybody's own.
    if !openings.closed.is_empty() && !is_reason(&openings.closed) {
        return Err("gives a reason for being closed that no export gives".to_owned());
    }
    for (name, open) in &openings.fields {
        let field = Field::from_name(name).ok_or("opens a field that no entry has")?;
        let opening = BASE64_STANDARD.decode(&open.opening).ok();
        let opening = opening.and_then(|bytes| bytes.try_into().ok()).map(Opening);
        let opening = opening.ok_or_else(|| format!("its opening of `{name}` is not 32 bytes"))?;
        if !open::check(entry, field, open.value.as_bytes(), &opening) {
            return Err(format!("its `{name}` is not what the entry commits to"));
        }
        let is_allowed = match persons {
            Persons::Opened => true,
            Persons::LeftOut => field == Field::Answer && lets_out_nothing(entry),
            Persons::Closed => false,
        };
        if !is_allowed {
            return Err(format!("opens `{name}` in a package that is said to hold no persons"));
        }
    }
    match (&entry.kind, openings.text(Field::Answer)) {
        (Kind::Outcome(outcome), Some(answer)) => same_answer(outcome, answer),
        _ => Ok(()),
    }
}

/// True of an answer that is a verdict and nothing else.
pub fn lets_out_nothing(entry: &Entry) -> bool {
    matches!(&entry.kind, Kind::Outcome(outcome) if outcome.disclosed.is_empty())
}

/// The answer that was committed to is the one that the entry tells of.
fn same_answer(outcome: &Outcome, answer: &str) -> Result<(), String> {
    let answer: Json = serde_json::from_str(answer).map_err(|_| "its `answer` is no JSON")?;
    // A value too large to be committed to whole is replaced by its digest.
    if answer.get("sha256").is_some() && answer.get("verdict").is_none() {
        return Ok(());
    }
    if answer.get("verdict").and_then(Json::as_str) != Some(outcome.verdict.name()) {
        return Err("its `answer` has another verdict than the entry".to_owned());
    }
    let let_out: BTreeSet<&str> = match answer.get("disclosed").and_then(Json::as_object) {
        Some(values) => values.keys().map(String::as_str).collect(),
        None => BTreeSet::new(),
    };
    let named: BTreeSet<&str> = outcome.disclosed.iter().map(String::as_str).collect();
    match let_out == named {
        true => Ok(()),
        false => Err("its `answer` lets out other values than the entry names".to_owned()),
    }
}

/// Questions about one place of the case are about one person, home, employer or paper.
fn one_each(contents: &Contents<'_>, findings: &mut Vec<Finding>) {
    for ((who, position), named) in places(contents) {
        let Some((_, first)) = named.first() else { continue };
        let mut told = BTreeMap::new();
        for (index, subject) in &named {
            if is_other(first, subject) {
                told.insert(*index, ());
            }
        }
        for index in told.into_keys() {
            let text =
                format!("is about another subject as `{who}` {} than the others", position + 1);
            findings.push(Finding::of(&opening_path(index), "place", text));
        }
    }
}

/// Numbers tell subjects apart, by the first kind of number that both have; names may be written in several ways.
pub(super) fn is_other(first: &Json, other: &Json) -> bool {
    let kind = |subject: &Json| {
        let (kind, fields) = subject.as_object()?.iter().next()?;
        Some((kind.clone(), fields.as_object()?.clone()))
    };
    let (Some((kind, first)), Some((other_kind, other))) = (kind(first), kind(other)) else {
        return false;
    };
    let number = |fields: &serde_json::Map<String, Json>, key: &str| {
        let number = fields.get(key).and_then(Json::as_str).filter(|number| !number.is_empty());
        number.map(str::to_owned)
    };
    let keys = ["document_number", "uscc", "unit_number", "certificate_number", "number"];
    let mut both = keys.iter().filter_map(|key| number(&first, key).zip(number(&other, key)));
    kind != other_kind || both.next().is_some_and(|(first, other)| first != other)
}

/// Each question asserts what the rule makes of the application, where both are opened.
fn asserted(contents: &Contents<'_>, findings: &mut Vec<Finding>) {
    let Some(filed) = &contents.filed else { return };
    for answer in &contents.course.answers {
        let question = contents.rule.rule.question(&answer.question);
        let Some((index, question)) = answer.log_index.zip(question) else { continue };
        let openings = contents.package.openings.get(&index);
        let Some(request) = openings.and_then(|openings| openings.text(Field::Request)) else {
            continue;
        };
        // A question that says nothing is put with the fact's own confirmation, which the catalogue has.
        let request: Json = serde_json::from_str(request).unwrap_or_default();
        let is_digest = request.get("sha256").is_some();
        if question.assertions.is_empty() || is_digest {
            continue;
        }
        let ruled = filed.asserted(question).map(|ruled| ruled.iter().map(text_of).collect());
        if request.get("assertions") != ruled.map(Json::Array).as_ref() {
            let text = format!(
                "`{}` asserts something else than the rule makes of the application",
                question.name
            );
            findings.push(Finding::of(&opening_path(index), "stated", text));
        }
    }
}

/// An assertion in the form that entries commit to.
fn text_of(assertion: &Assertion) -> Json {
    let typed = |value: &Value| match value {
        Value::Truth(truth) => json!({ "truth": truth }),
        Value::Integer(integer) => json!({ "integer": integer }),
        Value::Text(text) => json!({ "text": text }),
        Value::Date(date) => json!({ "date": date }),
        Value::People(people) => json!({ "people": people }),
    };
    json!({
        "attribute": assertion.attribute,
        "comparison": assertion.comparison.name(),
        "values": assertion.values.iter().map(typed).collect::<Vec<_>>(),
    })
}

/// Every decision is taken again, and the case concluded again, with what is here.
fn replayed(contents: &Contents<'_>, parties: Option<Register>, checked: &mut Checked) {
    let mut replay = Replay::of_excerpt(parties);
    if let Some((subject, request)) = texts(contents.package) {
        replay.filed(contents.package.case, subject, request);
    }
    for (index, entry) in &contents.entries {
        replay.entry(*index, entry);
    }
    for index in replay.wanted() {
        if let Some(entry) = contents.entries.get(&index) {
            replay.shown(index, entry);
        }
    }
    let report = replay.finish();
    (checked.retaken, checked.on_word) = (report.retaken, report.on_word);
    let findings = &mut checked.findings;
    for finding in report.findings {
        findings.push(Finding::of(&receipt_path(finding.index), finding.rule, finding.text));
    }
    let named: BTreeSet<u64> =
        contents.course.answers.iter().filter_map(|answer| answer.log_index).collect();
    for index in named.iter().filter(|index| !contents.entries.contains_key(index)) {
        let text = "is missing: the course of the case names this answer";
        findings.push(Finding::of(&receipt_path(*index), "case", text));
    }
}

/// The entries are those that an export would choose: nothing of others is packed along.
fn chosen(contents: &Contents<'_>, findings: &mut Vec<Finding>) {
    let mut in_log = InLog::default();
    for (index, entry) in &contents.entries {
        in_log.entry(*index, entry);
    }
    let mut answers = BTreeMap::new();
    for index in contents.course.answers.iter().filter_map(|answer| answer.log_index) {
        let Some(entry) = contents.entries.get(&index) else { continue };
        if let Kind::Outcome(outcome) = &entry.kind
            && let Some(of) = outcome.intent
            && let Some(intent) = contents.entries.get(&of)
            && intent.kind.facts() == Some(&outcome.facts)
        {
            answers.insert(of, intent.clone());
        }
        answers.insert(index, entry.clone());
    }
    let chosen = in_log.of((contents.package.case, &contents.closed), &answers);
    for index in contents.entries.keys().filter(|index| !chosen.contains(index)) {
        let text = "has no place in the evidence of this case: it is of no question of it, and was not in force for it";
        findings.push(Finding::of(&receipt_path(*index), "case", text));
    }
}

/// Whatever is made from the sources is made again.
fn made_again(files: &Files, package: &Package, program: &str, checked: &mut Checked) {
    let mut again = match write::derived(package) {
        Ok(again) => again,
        Err(why) => {
            let text = format!("nothing could be made again from its entries: {why}");
            return checked.findings.push(Finding::of(manifest::PATH, "content", text));
        }
    };
    if package.made_by != program {
        for path in WORDS {
            if let Some(theirs) = files.get(path) {
                again.insert(path.to_owned(), theirs.clone());
                checked.not_compared.push(path);
            }
        }
        let readme = files.get("README.txt").map(|bytes| String::from_utf8_lossy(bytes));
        let line = format!("Made by    {}\n", package.made_by);
        if !readme.is_some_and(|text| text.contains(&line)) {
            let text = "names another maker than README.txt";
            checked.findings.push(Finding::of(manifest::PATH, "content", text));
        }
    }
    let sources = files.iter().filter(|(path, _)| is_source(path));
    let mut all = again.clone();
    all.extend(sources.map(|(path, bytes)| (path.clone(), bytes.clone())));
    let named: BTreeSet<String> =
        checked.findings.iter().map(|finding| finding.file.clone()).collect();
    let mut find = |path: &str, text: &str| {
        if !named.contains(path) {
            checked.findings.push(Finding::of(path, "content", text));
        }
    };
    for (path, bytes) in &again {
        match files.get(path) {
            None => find(path, "is missing"),
            Some(theirs) if theirs != bytes => find(path, "is not what the entries give"),
            Some(_) => {}
        }
    }
    for path in files.keys() {
        if path != manifest::PATH && !all.contains_key(path) {
            find(path, "has no place in a package");
        }
    }
    match write::listed(package, &all) {
        Ok(bytes) if files.get(manifest::PATH) == Some(&bytes) => {}
        _ => find(manifest::PATH, "does not say what these files give"),
    }
}

fn is_source(path: &str) -> bool {
    path == "checkpoint"
        || path == "log.vkey"
        || path.starts_with("receipts/")
        || path.starts_with("openings/")
}

fn seen(contents: &Contents<'_>) -> CaseSeen {
    let told = statement(contents);
    CaseSeen {
        entry: told.entry,
        origin: contents.package.checkpoint.lines().next().unwrap_or_default().to_owned(),
        case_number: told.case_number,
        item: told.item,
        item_version: told.item_version,
        outcome: told.outcome,
        answers: told.answers.len(),
        persons: contents.package.persons,
    }
}
