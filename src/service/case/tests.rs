//! Applications as they come in: what is taken, what is named as wrong, and how its questions are called.

mod answers;
mod entries;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::{Date, date};

use super::read::{Applied, Days, NotTaken, read};
use super::wording;
use crate::cases::Heard;
use crate::catalogue::Catalogue;
use crate::proto::gateway::v1 as wire;
use crate::query::time::Timestamp;
use crate::query::value::{Value, Verdict};

const TODAY: Date = date(2026, 11, 23);
const DAYS: Days = Days { today: TODAY, age: Duration::from_secs(92 * 86_400) };
const CASE: &str = "0199d0c4-8b7a-7c3e-9f21-5a6b7c8d9e0f";

fn catalogue() -> Arc<Catalogue> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config-example/catalogue");
    Arc::new(Catalogue::load(&folder).unwrap())
}

fn subject(role: &str, name: &str) -> wire::Subject {
    wire::Subject {
        role: role.to_owned(),
        kind: Some(wire::subject::Kind::Person(wire::Person {
            document_number: "11010519491231002X".to_owned(),
            name: name.to_owned(),
            ..wire::Person::default()
        })),
        ..wire::Subject::default()
    }
}

fn value(kind: wire::value::Kind) -> wire::Value {
    wire::Value { kind: Some(kind) }
}

fn request() -> wire::CheckCaseRequest {
    wire::CheckCaseRequest {
        case_id: CASE.to_owned(),
        purpose: Some(wire::Purpose {
            item: "W3".to_owned(),
            case_number: "GJJ-2026-1".to_owned(),
            ..wire::Purpose::default()
        }),
        operator: Some(wire::Operator { id: "0042".to_owned(), unit: "hall-1".to_owned() }),
        subjects: vec![subject("applicant", "李雷")],
        given: [
            ("months_in_a_row".to_owned(), value(wire::value::Kind::Integer(12))),
            ("withdrawn_within_12_months".to_owned(), value(wire::value::Kind::Truth(false))),
            ("amount_fen".to_owned(), value(wire::value::Kind::Integer(1_800_000))),
        ]
        .into(),
        ..wire::CheckCaseRequest::default()
    }
}

fn taken(request: &wire::CheckCaseRequest) -> Applied {
    read(request, &catalogue(), DAYS).unwrap_or_else(|why| panic!("{why:?}"))
}

fn refused(request: &wire::CheckCaseRequest) -> NotTaken {
    match read(request, &catalogue(), DAYS) {
        Ok(_) => panic!("it was taken"),
        Err(why) => why,
    }
}

fn flaws(request: &wire::CheckCaseRequest) -> Vec<(String, String)> {
    match refused(request) {
        NotTaken::Flaws(flaws) => flaws.into_iter().map(|flaw| (flaw.field, flaw.check)).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_version_is_that_of_the_day() {
    let applied = taken(&request());
    assert_eq!((applied.item.version.as_str(), applied.submitted_on), ("2026.2", TODAY));
    assert_eq!(applied.purpose.item_version, "2026.2");
}

#[test]
fn every_flaw_is_named_by_its_path() {
    let mut wrong = request();
    wrong.case_id = "1".to_owned();
    wrong.submitted_on = "2026-11-24".to_owned();
    wrong.operator = None;
    wrong.purpose.as_mut().unwrap().replaced_material = "lease".to_owned();
    wrong.purpose.as_mut().unwrap().case_number = "110105194912310021".to_owned();
    wrong.subjects.push(subject("neighbour", " "));
    wrong.subjects[0].relation = wire::Relation::Verified.into();
    wrong.given.insert("months_in_a_row".to_owned(), value(wire::value::Kind::Truth(true)));
    wrong.given.remove("withdrawn_within_12_months");
    wrong.evidence = vec![wire::Evidence {
        name: "single_declaration".to_owned(),
        issuer: "bank".to_owned(),
        digest: vec![1],
        issued_on: "2026-11-01".to_owned(),
    }];
    let flaws = flaws(&wrong);
    let expected = [
        ("case_id", "uuid"),
        ("submitted_on", "future"),
        ("purpose.replaced_material", "misplaced"),
        ("operator.id", "missing"),
        ("subjects[0].relation", "misplaced"),
        ("subjects[1].person.name", "missing"),
        ("evidence[0].digest", "length"),
        ("subjects.neighbour", "unknown"),
        ("given.months_in_a_row", "value_type"),
        ("given.withdrawn_within_12_months", "missing"),
        ("evidence.single_declaration", "issuer"),
    ];
    for (field, check) in expected {
        let expected = (field.to_owned(), check.to_owned());
        assert!(flaws.contains(&expected), "{field} {check} is missing in {flaws:?}");
    }
    let personal =
        |(field, check): &(String, String)| field.contains("1101") || check.contains("1101");
    assert!(!flaws.iter().any(personal), "{flaws:?}");
}

/// A flaw of one field does not hide that of another whose name begins alike: both `deposits` and `deposits_left` are told.
#[test]
fn a_flaw_hides_no_other_whose_name_begins_alike() {
    let mut wrong = request();
    // Nothing is read of a value without a kind.
    wrong.given.insert("amount_fen_of_last_year".to_owned(), wire::Value { kind: None });
    wrong.given.remove("amount_fen");
    let flaws = flaws(&wrong);
    let of = |field: &str| flaws.iter().filter(|flaw| flaw.0 == field).count();
    assert_eq!(of("given.amount_fen_of_last_year"), 1, "{flaws:?}");
    assert_eq!(of("given.amount_fen"), 1, "{flaws:?}");
}

/// The papers of a visit are of the day of the visit, whenever the application came in.
#[test]
fn what_is_brought_later_can_be_attached() {
    let attached = |submitted_on: &str, issued_on: &str| {
        let mut request = request();
        submitted_on.clone_into(&mut request.submitted_on);
        request.evidence = vec![wire::Evidence {
            name: "identity_seen".to_owned(),
            issuer: "counter".to_owned(),
            digest: vec![1; 32],
            issued_on: issued_on.to_owned(),
        }];
        request
    };
    let applied = taken(&attached("2026-11-20", "2026-11-23"));
    assert_eq!(applied.case.course().submitted_on, "2026-11-20");
    assert_eq!(applied.case.course().run_on, Some(TODAY));
    let tomorrow = flaws(&attached("2026-11-20", "2026-11-24"));
    assert_eq!(tomorrow, [("evidence.identity_seen".to_owned(), "date".to_owned())]);
}

#[test]
fn an_application_of_long_ago_is_refused() {
    let submitted = |day: &str| {
        let mut request = request();
        day.clone_into(&mut request.submitted_on);
        request
    };
    // 92 days before 2026-11-23; the rule of that day asks for more.
    let fields = |day: &str| -> Vec<String> {
        flaws(&submitted(day))
            .into_iter()
            .map(|(field, check)| format!("{field} {check}"))
            .collect()
    };
    assert!(!fields("2026-08-23").contains(&"submitted_on too_old".to_owned()));
    assert!(fields("2026-08-22").contains(&"submitted_on too_old".to_owned()));
    assert_eq!(taken(&submitted("2026-09-20")).submitted_on, date(2026, 9, 20));
}

#[test]
fn an_item_that_cannot_be_run_says_what_to_do() {
    let with = |item: &str, version: &str, day: &str| {
        let mut request = request();
        let purpose = request.purpose.as_mut().unwrap();
        item.clone_into(&mut purpose.item);
        version.clone_into(&mut purpose.item_version);
        day.clone_into(&mut request.submitted_on);
        request
    };
    assert!(matches!(refused(&with("X9", "", "")), NotTaken::UnknownItem));
    let too_early = refused(&with("W3", "", "2020-01-01"));
    assert!(matches!(&too_early, NotTaken::Version { .. }));
    let said = too_early.to_string();
    assert!(said.contains("2020-01-01") && said.contains("2026.2 from 2026-09-20"), "{said}");
    // Named, but not of that day.
    assert!(matches!(refused(&with("W3", "2026.1", "")), NotTaken::Version { .. }));
    assert!(matches!(refused(&with("W3", "1", "")), NotTaken::Version { .. }));
}

#[test]
fn ids_of_questions_follow_from_the_case_and_from_nothing_personal() {
    let ids = |case_id: &str, name: &str| {
        let mut request = request();
        case_id.clone_into(&mut request.case_id);
        request.subjects = vec![subject("applicant", name)];
        let mut applied = taken(&request);
        let asking = applied.case.due();
        let ids: Vec<String> =
            asking.iter().map(|asking| wording::message(asking, &applied).request_id).collect();
        ids
    };
    let first = ids(CASE, "李雷");
    assert_eq!(first, ids(CASE, "韩梅梅"));
    assert_ne!(first[0], first[1]);
    let other = ids("0199d0c4-8b7a-7c3e-9f21-5a6b7c8d9e10", "李雷");
    assert!(first.iter().all(|id| !other.contains(id)));
    for id in &first {
        let id = uuid::Uuid::parse_str(id).unwrap();
        assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122));
        assert_eq!(id.get_timestamp(), uuid::Uuid::parse_str(CASE).unwrap().get_timestamp());
    }
}

/// Another spouse found is another question: nobody gets the kept answer about somebody else.
#[test]
fn ids_of_questions_follow_from_the_entries_that_have_shown_their_subjects() {
    let household_of = |shown_by: u64| {
        let mut applied = taken(&request());
        for asking in applied.case.due() {
            let text = |text: &str| Value::Text(text.to_owned());
            let disclosed = [
                ("spouse_name".to_owned(), text("韩梅梅")),
                ("spouse_number".to_owned(), text("430000198708250010")),
            ];
            let heard = Heard {
                verdict: Some(Verdict::Confirmed),
                log_index: Some(shown_by),
                disclosed: if asking.question == "marriage" {
                    disclosed.into()
                } else {
                    BTreeMap::new()
                },
                ..Heard::default()
            };
            applied.case.heard(asking.id, heard);
        }
        let asked = applied.case.due();
        let last = asked.last().unwrap();
        assert_eq!((last.question.as_str(), last.about[0].who.as_str()), ("household", "couple"));
        wording::message(last, &applied).request_id
    };
    assert_eq!(household_of(7), household_of(7));
    assert_ne!(household_of(7), household_of(8));
}

#[test]
fn a_question_of_a_case_is_one_that_verify_takes() {
    let mut applied = taken(&request());
    for asking in applied.case.due() {
        let message = wording::message(&asking, &applied);
        let (query, defects) = crate::service::question::read(&message, &applied.catalogue, 1);
        assert_eq!(defects, [], "{}", asking.question);
        assert!(!query.assertions.is_empty(), "{}", asking.question);
        assert_eq!(query.max_age, Some(asking.max_age), "{}", asking.question);
        assert!(asking.max_age > Duration::ZERO);
        assert_eq!(query.purpose.item_version, "2026.2");
        let related = query.relations[0].unwrap();
        assert_eq!(related.relation.name(), "case_party");
    }
}

#[test]
fn a_day_begins_at_midnight_in_china() {
    // 2026-11-22T16:00:00Z.
    let midnight = Timestamp::from_seconds(1_795_363_200);
    assert_eq!(midnight.day_in_china(), TODAY);
    assert_eq!(Timestamp(midnight.0 - 1).day_in_china(), date(2026, 11, 22));
}
