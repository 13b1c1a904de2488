//! A package of three entries, changed in every way, byte by byte where it is small.

use std::collections::BTreeMap;
use std::path::Path;

use super::check::{Checked, Expected, check, is_other};
use super::*;
use crate::audit::checkpoint;
use crate::audit::commitment::{Seed, commit};
use crate::audit::entry::{
    CaseClosed, Commitments, Denied, Entry, Kind, PartyEvent, RuleEvent, encode,
};
use crate::audit::note::VerifierKey;
use crate::audit::testing;
use crate::audit::tree::{Frontier, Growth, Head, leaf_hash};
use crate::cases::{About, Answer, Course, Shape, conclude, question_id};
use crate::catalogue::rule::{Question, Written};
use crate::decision::agreements::AgreementSet;
use crate::decision::facts::{AssertionFact, Facts};
use crate::decision::{Decision, decide};
use crate::query::relation::{Related, Relation};
use crate::query::time::Timestamp;
use crate::query::value::{Comparison, Value};

const AT: Timestamp = Timestamp::from_seconds(1_795_000_000);
const CASE_ID: [u8; 16] = [5; 16];
const PROGRAM: &str = "heyan of tests";
const RULE: &str = "config-example/catalogue/rules/W3-2026.2.toml";
/// Nobody's: area 430000 is the province itself.
const SUBJECT: &str = r#"[{"person":{"document_number":"430000199001010019","document_type":"citizen_id","name":"<b>甲"},"role":"person"}]"#;

/// The question as it was sent, as far as these tests look at it.
const REQUEST: &str =
    r#"{"assertions":[{"attribute":"status","comparison":"eq","values":[{"text":"married"}]}]}"#;

/// The subject as the application names it.
fn filed_subject() -> String {
    SUBJECT.replace("\"role\":\"person\"", "\"role\":\"applicant\"")
}

/// The application as it was filed.
fn filed(case_number: &str, months: i64) -> String {
    let given = serde_json::json!({
        "amount_fen": { "integer": 1_200_000 },
        "months_in_a_row": { "integer": months },
        "withdrawn_within_12_months": { "truth": false },
    });
    serde_json::json!({
        "case_id": uuid::Uuid::from_bytes(CASE_ID).to_string(),
        "given": given,
        "operator": { "id": "0042", "unit": "4301-01" },
        "purpose": { "case_number": case_number, "item": "W3" },
        "submitted_on": "2026-11-18",
        "want_receipts": false,
    })
    .to_string()
}

/// Commitments to these values, and what opens them.
fn committed(seed: u8, values: &[(Field, &str)]) -> (Commitments, Openings) {
    let (mut commitments, mut openings) = (Commitments::default(), Openings::default());
    for (field, value) in values {
        let value = value.as_bytes().to_vec();
        let (digest, opening) = commit(&Seed::from_bytes([seed; 32]), *field, &value);
        let place = match field {
            Field::Subject => &mut commitments.subject,
            _ => &mut commitments.request,
        };
        *place = Some(digest);
        openings.add(&Opened { field: *field, value, opening }).unwrap();
    }
    (commitments, openings)
}

fn of_question(request: &str) -> (Commitments, Openings) {
    committed(9, &[(Field::Subject, SUBJECT), (Field::Request, request)])
}

fn of_case(subject: &str, request: &str) -> (Commitments, Openings) {
    committed(8, &[(Field::Subject, subject), (Field::Request, request)])
}

/// A case whose one question was denied.
fn entries(case_number: &str) -> Vec<Entry> {
    let document = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(RULE)).unwrap();
    let rule = Written::from_text(std::str::from_utf8(&document).unwrap()).unwrap();
    let mut facts = testing::facts("fund-centre/approval", 1, AT);
    facts.rules = crate::decision::RULES;
    case_number.clone_into(&mut facts.case_number);
    let question = rule.rule.question("marriage").unwrap();
    let about = vec![About { role: "person".into(), who: "applicant".into(), position: 0 }];
    put(&mut facts, question, &about);
    let (caller, operator_unit) = (facts.caller.clone(), facts.operator_unit.clone());
    let Decision::Deny(denial) = decide(&facts, &AgreementSet::default()) else {
        panic!("permitted")
    };
    let code = denial.code();
    let (commitments, _) = of_question(REQUEST);
    let documents = vec!["citizen_id".to_owned()];
    let applicant = Shape { count: 1, documents, ..Shape::default() };
    let course = Course {
        submitted_on: "2026-11-18".to_owned(),
        run_on: Some(jiff::civil::date(2026, 11, 18)),
        parties: [("applicant".to_owned(), applicant)].into(),
        stated: [("withdrawn_within_12_months".to_owned(), Value::Truth(false))].into(),
        checked: [
            ("deposits".to_owned(), true),
            ("once_a_year".to_owned(), true),
            ("within_year".to_owned(), true),
        ]
        .into(),
        answers: vec![Answer {
            question: question.name.clone(),
            about,
            verdict: None,
            code: code.to_owned(),
            log_index: Some(1),
            unchecked: false,
            told: BTreeMap::default(),
        }],
        ..Course::default()
    };
    let conclusion = conclude(&rule.rule, &course);
    let needs = conclusion.needs.iter();
    let closed = CaseClosed {
        case_id: CASE_ID,
        caller,
        item: "W3".to_owned(),
        item_version: "2026.2".to_owned(),
        rule: rule.digest,
        case_number: case_number.to_owned(),
        operator_unit,
        course: serde_json::to_string(&course).unwrap(),
        outcome: conclusion.outcome.name().to_owned(),
        needs: needs.map(|need| (need.name.clone(), need.state.name().to_owned())).collect(),
        abandoned: false,
        commitments: Some(of_case(&filed_subject(), &filed(case_number, 12)).0),
    };
    let rule = RuleEvent {
        item: "W3".to_owned(),
        version: "2026.2".to_owned(),
        document,
        effective_from: "2026-09-20".to_owned(),
        effective_to: String::new(),
    };
    let denied = Denied { facts, code: code.to_owned(), commitments };
    let kinds = [Kind::Rule(rule), Kind::Denial(Box::new(denied)), Kind::Case(Box::new(closed))];
    kinds.map(|kind| Entry { at: AT, kind }).into()
}

/// The question as the case puts it.
fn put(facts: &mut Facts, question: &Question, about: &[About]) {
    let related = Related { relation: Relation::CaseParty, shown_by: 0 };
    let placed = about.iter().map(|about| (about, Some(related)));
    facts.request_id = question_id(CASE_ID, &question.name, placed);
    facts.roles[0].relation = Some(related.relation);
    facts.fact = Some(question.fact.clone());
    let (attribute, comparison) = ("status".to_owned(), Comparison::Eq);
    facts.assertions = vec![AssertionFact { attribute, comparison, within: Vec::new() }];
    facts.disclose = question.disclose.clone();
    facts.max_age = Some(question.fresh_for);
}

fn package(entries: &[Entry]) -> (Package, VerifierKey) {
    let key = testing::key();
    let vkey = VerifierKey::new("heyan.test/log", key.public()).unwrap();
    let stored: Vec<Vec<u8>> = entries.iter().map(|entry| encode(entry).unwrap()).collect();
    let leaves = stored.iter().map(|bytes| leaf_hash(bytes));
    let growth = Growth::new(Frontier::default(), leaves);
    let head = Head { size: entries.len() as u64, root: growth.after().root() };
    let proved = (0..).zip(stored).map(|(index, bytes)| {
        let hashes = growth.inclusion(index).unwrap();
        (index, Proved { bytes, hashes })
    });
    let case_number = match &entries[2].kind {
        Kind::Case(closed) => closed.case_number.as_str(),
        _ => panic!("the case is the third"),
    };
    let question = Openings { entry: 1, ..of_question(REQUEST).1 };
    let case = of_case(&filed_subject(), &filed(case_number, 12)).1;
    let openings = [(1, question), (2, Openings { entry: 2, ..case })];
    let package = Package {
        made_by: PROGRAM.to_owned(),
        case: 2,
        persons: Persons::Opened,
        checkpoint: checkpoint::sign("heyan.test/log", &head, &key).unwrap(),
        vkeys: vec![vkey.to_string()],
        entries: proved.collect(),
        openings: openings.into(),
    };
    (package, vkey)
}

fn checked(files: &Files, key: &VerifierKey) -> Checked {
    let log_keys = vec![key.clone()];
    check(files, Expected { log_keys, program: PROGRAM.to_owned(), ..Expected::default() })
}

#[test]
fn what_is_written_is_found_good() {
    let (package, key) = package(&entries("GJJ-2026-000001"));
    let files = write(&package).unwrap();
    assert!(files == write(&package).unwrap());
    let found = checked(&files, &key);
    assert_eq!((found.findings, found.not_compared.len()), (Vec::new(), 0));
    assert_eq!((found.entries, found.openings, found.files), (3, 4, files.len()));
    assert_eq!((found.retaken, found.on_word), (3, 0));
    let case = found.case.unwrap();
    assert_eq!((case.outcome.as_str(), case.answers, case.entry), ("NEEDS_COUNTER", 1, 2));
    assert!(files.contains_key("rule/0-W3-2026.2.toml"));
    // Another version of the program leaves the words aside, and nothing else.
    let later = Expected { log_keys: vec![key], program: "later".into(), ..Expected::default() };
    let found = check(&files, later);
    assert_eq!((found.findings.len(), found.not_compared.len()), (0, 4));
}

#[test]
fn no_byte_can_be_changed() {
    let (package, key) = package(&entries("GJJ-2026-000001"));
    let files = write(&package).unwrap();
    for (path, bytes) in &files {
        let is_small = bytes.len() < 700 || path.starts_with("openings/");
        let step = if is_small { 1 } else { bytes.len() / 40 };
        for place in (0..bytes.len()).step_by(step) {
            let mut changed = files.clone();
            changed.get_mut(path).unwrap()[place] ^= 1;
            let found = checked(&changed, &key).findings;
            assert!(found.iter().any(|one| one.file == *path), "{path} byte {place}: {found:?}");
        }
    }
}

#[test]
fn wild_names_stay_text() {
    let wild = "<script>alert('x')</script>&\"";
    let (package, key) = package(&entries(wild));
    let files = write(&package).unwrap();
    assert_eq!(checked(&files, &key).findings, []);
    let page = std::str::from_utf8(&files["index.html"]).unwrap();
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(page, options).unwrap();
    assert!(document.descendants().all(|node| !node.has_tag_name("script")));
    assert!(document.descendants().all(|node| !node.has_tag_name("b")));
    assert!(page.contains("&lt;b&gt;甲") && page.contains("NEEDS_COUNTER"));
}

#[test]
fn nobody_says_in_their_own_words_why_something_is_closed() {
    let (mut package, key) = package(&entries("GJJ-2026-000001"));
    for (reason, is_one) in [
        (NOT_KEPT, true),
        ("erased for good, as entry 7 records", true),
        ("erased for good, as entry +7 records", false),
        ("later corrected: CONFIRMED", false),
    ] {
        let closed = reason.to_owned();
        package.openings = [(1, Openings { entry: 1, closed, ..Openings::default() })].into();
        let found = checked(&write(&package).unwrap(), &key).findings;
        assert_eq!(found.is_empty(), is_one, "{reason}: {found:?}");
    }
}

#[test]
fn another_outcome_or_decision_is_not_believed() {
    let rules = |change: &dyn Fn(&mut Vec<Entry>)| {
        let mut entries = entries("GJJ-2026-000001");
        change(&mut entries);
        let (package, key) = package(&entries);
        let found = checked(&write(&package).unwrap(), &key).findings;
        found.iter().map(|one| (one.file.clone(), one.rule)).collect::<Vec<_>>()
    };
    let closed = |entries: &mut Vec<Entry>, change: &dyn Fn(&mut CaseClosed)| {
        let Kind::Case(closed) = &mut entries[2].kind else { panic!("the case is the last") };
        change(closed);
    };
    let case = ("receipts/2.tlog-proof".to_owned(), "case");
    assert_eq!(rules(&|_| {}), []);
    // A log whose gateway says what does not follow.
    let outcome = |closed: &mut CaseClosed| "READY".clone_into(&mut closed.outcome);
    assert_eq!(rules(&|entries| closed(entries, &outcome)), std::slice::from_ref(&case));
    let number = |closed: &mut CaseClosed| "GJJ-2".clone_into(&mut closed.case_number);
    let openings = ("openings/2.json".to_owned(), "opening");
    assert_eq!(rules(&|entries| closed(entries, &number)), [openings, case.clone()]);
    let denied = |entries: &mut Vec<Entry>| {
        let Kind::Denial(denied) = &mut entries[1].kind else { panic!("the denial is second") };
        "QUOTA_DAY".clone_into(&mut denied.code);
    };
    assert_eq!(rules(&denied), [("receipts/1.tlog-proof".to_owned(), "denial"), case]);
}

#[test]
fn a_manifest_of_another_form_is_not_read() {
    let (package, key) = package(&entries("GJJ-2026-000001"));
    let mut files = write(&package).unwrap();
    for text in ["", "{}", "[]", r#"{"format":"heyan.case-evidence/2"}"#, &"[".repeat(100_000)] {
        files.insert("manifest.json".to_owned(), text.as_bytes().to_vec());
        let found = checked(&files, &key).findings;
        assert_eq!((found.len(), found[0].file.as_str()), (1, "manifest.json"), "{found:?}");
    }
    files.remove("manifest.json");
    assert_eq!(checked(&files, &key).findings.len(), 1);
    assert_eq!(checked(&Files::new(), &key).findings.len(), 1);
}

fn findings(package: &Package, key: &VerifierKey) -> Vec<(String, &'static str)> {
    let found = checked(&write(package).unwrap(), key).findings;
    found.into_iter().map(|one| (one.file, one.rule)).collect()
}

/// A log whose gateway committed to another application than its course tells of.
fn filing(subject: &str, request: &str) -> (Package, VerifierKey) {
    let mut entries = entries("GJJ-2026-000001");
    let (commitments, openings) = of_case(subject, request);
    let Kind::Case(closed) = &mut entries[2].kind else { panic!("the case is the last") };
    closed.commitments = Some(commitments);
    let (mut package, key) = package(&entries);
    package.openings.insert(2, Openings { entry: 2, ..openings });
    (package, key)
}

#[test]
fn what_was_stated_is_compared_again() {
    let number = "GJJ-2026-000001";
    let case = [("receipts/2.tlog-proof".to_owned(), "case")];
    let honest = filed(number, 12);
    let (package, key) = filing(&filed_subject(), &honest);
    assert_eq!(findings(&package, &key), []);
    let told = write(&package).unwrap();
    let told: serde_json::Value = serde_json::from_slice(&told["case.json"]).unwrap();
    assert_eq!((&told["application"], &told["stated"][0]["value"]), (&"opened".into(), &12.into()));
    // Too few months: "deposits" is said to hold, and does not.
    let lies = [
        filed(number, 1),
        honest.replace("false}", "true}"),
        honest.replace("2026-11-18", "2026-11-17"),
        honest.replace(number, "GJJ-2026-000002"),
        honest.replace("W3", "W4"),
        honest.replace("months_in_a_row", "months"),
        honest.replace("4301-01", "4301-02"),
        "[]".to_owned(),
    ];
    for lie in lies {
        assert_ne!(lie, honest);
        let (package, key) = filing(&filed_subject(), &lie);
        assert_eq!(findings(&package, &key), case, "{lie}");
    }
    let nobody = filing("[]", &honest);
    assert_eq!(findings(&nobody.0, &nobody.1), case);

    // Closed, or too large: said, and not guessed at.
    let (mut package, key) = filing(&filed_subject(), &honest);
    package.openings.remove(&2);
    let found = checked(&write(&package).unwrap(), &key);
    assert_eq!((found.findings, found.retaken, found.on_word), (Vec::new(), 1, 2));
    let large = format!(r#"{{"bytes":70000,"sha256":"{}"}}"#, "ab".repeat(32));
    let (package, key) = filing(&filed_subject(), &large);
    let found = checked(&write(&package).unwrap(), &key);
    assert_eq!((found.findings, found.retaken, found.on_word), (Vec::new(), 1, 2));
}

#[test]
fn questions_are_about_whom_and_what_the_application_names() {
    let other = filed_subject().replace("430000199001010019", "430000199001010027");
    let (package, key) = filing(&other, &filed("GJJ-2026-000001", 12));
    assert_eq!(findings(&package, &key), [("openings/1.json".to_owned(), "place")]);
    // The rule asks whether the applicant is married.
    let mut entries = entries("GJJ-2026-000001");
    let (commitments, openings) = of_question(&REQUEST.replace("married", "divorced"));
    let Kind::Denial(denied) = &mut entries[1].kind else { panic!("the denial is second") };
    denied.commitments = commitments;
    let (mut package, key) = self::package(&entries);
    package.openings.insert(1, Openings { entry: 1, ..openings });
    assert_eq!(findings(&package, &key), [("openings/1.json".to_owned(), "stated")]);
}

#[test]
fn homes_are_told_apart_by_the_numbers_that_they_have() {
    let home = |unit: &str, certificate: &str| {
        let fields = serde_json::json!({
            "address": "", "certificate_number": certificate, "division": "430100", "unit_number": unit,
        });
        serde_json::json!({ "property": fields })
    };
    assert!(is_other(&home("", "certificate 1"), &home("", "certificate 2")));
    assert!(!is_other(&home("", "certificate 1"), &home("", "certificate 1")));
    assert!(is_other(&home("unit 1", "certificate 1"), &home("unit 2", "certificate 1")));
    assert!(!is_other(&home("unit 1", "certificate 1"), &home("unit 1", "")));
    assert!(!is_other(&home("unit 1", ""), &home("", "certificate 1")), "nobody can tell");
    let paper = serde_json::json!({ "document": { "code": "", "division": "", "number": "1" } });
    assert!(is_other(&home("unit 1", ""), &paper));
}

/// Who writes a package can write any number into it, and whoever checks it must come to an end.
#[test]
fn as_many_as_a_course_says_are_not_looked_for() {
    let mut entries = entries("GJJ-2026-000001");
    let Kind::Case(closed) = &mut entries[2].kind else { panic!("the case is the last") };
    let mut course: Course = serde_json::from_str(&closed.course).unwrap();
    course.parties.get_mut("applicant").unwrap().count = u32::MAX;
    closed.course = serde_json::to_string(&course).unwrap();
    let (package, key) = package(&entries);
    let found = findings(&package, &key);
    assert!(found.contains(&("receipts/2.tlog-proof".to_owned(), "case")), "{found:?}");
}

#[test]
fn entries_of_before_applications_were_committed_to_are_good() {
    let mut entries = entries("GJJ-2026-000001");
    let Kind::Case(closed) = &mut entries[2].kind else { panic!("the case is the last") };
    closed.commitments = None;
    let (mut package, key) = package(&entries);
    let closed = NOT_KEPT.to_owned();
    package.openings.insert(2, Openings { entry: 2, closed, ..Openings::default() });
    let files = write(&package).unwrap();
    let found = checked(&files, &key);
    assert_eq!((found.findings, found.retaken, found.on_word), (Vec::new(), 1, 2));
    let told: serde_json::Value = serde_json::from_slice(&files["case.json"]).unwrap();
    assert_eq!(told["application"], "not-committed");
}

#[test]
fn nothing_of_others_is_packed_along() {
    let mut more = entries("GJJ-2026-000001");
    let document = b"a stranger's".to_vec();
    let event = PartyEvent::Entered { organisation: "stranger".to_owned(), document };
    more.push(Entry { at: AT, kind: Kind::Party(event) });
    let (package, key) = package(&more);
    let found = findings(&package, &key);
    assert!(found.contains(&("receipts/3.tlog-proof".to_owned(), "case")), "{found:?}");
}

#[test]
fn a_key_that_was_not_given_has_no_place() {
    let (mut package, key) = package(&entries("GJJ-2026-000001"));
    let stranger = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    package.vkeys.push(stranger.to_owned());
    assert_eq!(findings(&package, &key), [("log.vkey".to_owned(), "key")]);
    // Nothing was given to hold it against: the result says so.
    let files = write(&package).unwrap();
    let own = Expected { program: PROGRAM.to_owned(), ..Expected::default() };
    assert_eq!(check(&files, own).findings, []);
}
