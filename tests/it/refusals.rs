//! Questions that are refused: each with its reason, and each recorded unless nothing was decided.

use std::time::Duration;

use heyan::client::{Client, ClientError, Refused};
use heyan::proto::gateway::v1 as wire;
use tonic::Code;
use tonic_types::StatusExt;
use wire::VerifyRequest as Question;
use wire::subject::Kind;

use crate::support::connect::{raw, verification};
use crate::support::entries::{denial, intents, outcomes};
use crate::support::{Lab, PATIENCE, ask, refused, until};

/// Asks, expects a recorded denial with this code, and returns it.
async fn denied(lab: &Lab, client: &Client, question: Question, code: &str) -> Refused {
    let size = lab.size();
    let refused = refused(client, question).await;
    assert_eq!(refused.reason, code, "{refused}");
    assert_eq!(refused.log_index, Some(size), "{code}: the denial names its own entry");
    let entries = lab.entries();
    assert_eq!(entries.len() as u64, size + 1, "{code}: one entry");
    let recorded = denial(&entries, size);
    assert_eq!(recorded.code, code);
    assert!(recorded.commitments.answer.is_none() && recorded.commitments.request.is_some());
    refused
}

/// As [`denied`], for a flaw of form: the failed check is named in the reply and in the entry.
async fn malformed(lab: &Lab, client: &Client, question: Question, field: &str, check: &str) {
    let refused = denied(lab, client, question, "MALFORMED").await;
    let wanted = (field.to_owned(), check.to_owned());
    assert_eq!(refused.code, Code::InvalidArgument);
    assert!(refused.fields.contains(&wanted), "{field} {check}: {:?}", refused.fields);
    let entries = lab.entries();
    let recorded = denial(&entries, refused.log_index.unwrap());
    let defects = &recorded.facts.defects;
    assert!(
        defects
            .iter()
            .any(|defect| (defect.field.as_str(), defect.check.as_str()) == (field, check))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_agreement_nobody_is_asked() {
    let lab = Lab::start(&["police"]).await;
    let client = lab.client().await;
    let refused = denied(&lab, &client, lab.question("M2"), "NO_AGREEMENT").await;
    assert_eq!(refused.code, Code::PermissionDenied);
    assert!(refused.message.contains("civil-affairs"), "{}", refused.message);
    assert_eq!(lab.simulation.asked("civil-affairs"), 0);
    assert!(intents(&lab.entries()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_agreement_does_not_grant_is_denied() {
    let lab = Lab::start(&["police", "civil-affairs"]).await;
    let client = lab.client().await;
    // The draft with civil affairs has no clause for the minimum living allowance.
    denied(&lab, &client, lab.question("M5"), "FACT_NOT_GRANTED").await;
    // P4 is granted for W6 alone.
    denied(&lab, &client, lab.request("P4", "W3"), "PURPOSE_NOT_GRANTED").await;

    let mut question = lab.question("M1");
    question.assertions = vec![wire::Assertion {
        attribute: "spouse_name".to_owned(),
        comparison: wire::Comparison::Exists.into(),
        values: Vec::new(),
    }];
    let refused = denied(&lab, &client, question, "ATTRIBUTE_NOT_GRANTED").await;
    assert!(refused.message.contains("spouse_name"), "{}", refused.message);
    for agency in ["police", "civil-affairs"] {
        assert_eq!(lab.simulation.asked(agency), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_purpose_operator_and_subjects_must_have_its_form() {
    let lab = Lab::start(&["civil-affairs"]).await;
    let client = lab.client().await;
    let changed = |change: &dyn Fn(&mut Question)| {
        let mut question = lab.question("M2");
        change(&mut question);
        question
    };
    let purpose = |change: fn(&mut wire::Purpose)| {
        changed(&move |question| change(question.purpose.as_mut().unwrap()))
    };
    let operator = |change: fn(&mut wire::Operator)| {
        changed(&move |question| change(question.operator.as_mut().unwrap()))
    };
    let cases = [
        (purpose(|p| p.item_version = "1999".into()), "purpose.item_version", "unknown_version"),
        (purpose(|p| p.case_number = "a b c d".into()), "purpose.case_number", "characters"),
        (purpose(|purpose| purpose.case_number = "abc".into()), "purpose.case_number", "length"),
        (
            purpose(|purpose| purpose.case_number = "GJJ-11010519491231002X".into()),
            "purpose.case_number",
            "identity_number_inside",
        ),
        (
            purpose(|p| p.replaced_material = "goodwill".into()),
            "purpose.replaced_material",
            "unknown_material",
        ),
        (operator(|operator| operator.unit = "柜台".into()), "operator.unit", "characters"),
        (changed(&|question| question.request_id.clear()), "request_id", "missing"),
        (changed(&|question| question.request_id = "7".into()), "request_id", "uuid"),
        (
            changed(&|q| q.request_id = "a1a2a3a4-b1b2-4c1c-8d1d-d3d4d5d6d7d8".into()),
            "request_id",
            "uuid_version",
        ),
        (
            changed(&|question| {
                question.subjects.pop();
            }),
            "subjects.spouse",
            "missing",
        ),
        (changed(&|q| q.subjects[1].role = "uncle".into()), "subjects[1].role", "unknown_role"),
        (changed(&|question| question.subjects[1].kind = None), "subjects[1]", "missing"),
        (
            changed(&|q| q.disclose = vec!["favourite_colour".into()]),
            "disclose[0]",
            "unknown_attribute",
        ),
        (
            changed(&|q| q.max_age = Some(prost_types::Duration { seconds: -1, nanos: 0 })),
            "max_age",
            "negative",
        ),
    ];
    for (question, field, check) in cases {
        malformed(&lab, &client, question, field, check).await;
    }
    // What is left out or not known has a denial of its own: tests/it/denials.rs.
    assert_eq!(lab.simulation.asked("civil-affairs"), 0);
}

fn person(document_type: wire::IdentityDocument, number: &str) -> wire::Subject {
    let person = wire::Person {
        document_type: document_type.into(),
        document_number: number.to_owned(),
        name: "王伟".to_owned(),
    };
    wire::Subject {
        role: "person".to_owned(),
        kind: Some(Kind::Person(person)),
        ..Default::default()
    }
}

fn employer(uscc: &str) -> wire::Subject {
    let employer = wire::Employer { uscc: uscc.to_owned(), name: "公司".to_owned() };
    wire::Subject {
        role: "employer".to_owned(),
        kind: Some(Kind::Employer(employer)),
        ..Default::default()
    }
}

fn property(unit_number: &str, division: &str) -> wire::Subject {
    let property = wire::Property {
        unit_number: unit_number.to_owned(),
        division: division.to_owned(),
        ..wire::Property::default()
    };
    wire::Subject {
        role: "property".to_owned(),
        kind: Some(Kind::Property(property)),
        ..Default::default()
    }
}

fn document(number: &str, division: &str) -> wire::Subject {
    let document = wire::Document {
        number: number.to_owned(),
        code: String::new(),
        division: division.to_owned(),
    };
    wire::Subject {
        role: "permit".to_owned(),
        kind: Some(Kind::Document(document)),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_identifier_is_named_with_the_check_it_failed() {
    use wire::IdentityDocument::{CitizenId, Passport, PermanentResidence, ResidencePermit};

    let lab = Lab::start(&["police", "housing", "market-regulation"]).await;
    let client = lab.client().await;
    let number = "subjects[0].person.document_number";
    let uscc = "subjects[0].employer.uscc";
    let unit = "subjects[0].property.unit_number";
    let cases = [
        ("P1", person(CitizenId, "110105194912310021"), number, "check_digit"),
        ("P1", person(CitizenId, "11010519491331002X"), number, "date"),
        ("P1", person(CitizenId, "99010519491231002X"), number, "province"),
        ("P1", person(CitizenId, "1101051949123100"), number, "length"),
        ("P1", person(CitizenId, "1101051949123100ZX"), number, "characters"),
        ("P1", person(CitizenId, ""), number, "length"),
        ("P1", person(ResidencePermit, "11010519491231002X"), number, "area"),
        ("P1", person(PermanentResidence, "11010519491231002X"), number, "area"),
        ("P1", person(Passport, "E1"), number, "length"),
        ("P1", person(Passport, "E1234-678"), number, "characters"),
        ("E1", employer("91430000MA4L16JQ9A"), uscc, "check_digit"),
        ("E1", employer("914300"), uscc, "length"),
        ("E1", employer("91430000MA4L16JQ9I"), uscc, "characters"),
        ("H4", property("430102", ""), unit, "length"),
        ("H4", property("430102001001XB00001F00010001", ""), unit, "parcel_code"),
        ("H4", property("430102001001GB00001K00010001", ""), unit, "fixture_code"),
        (
            "H4",
            property("430102001001GB00001F00010001", "4301"),
            "subjects[0].property.division",
            "length",
        ),
        ("H4", property("", ""), "subjects[0].property", "missing"),
        ("H5", document("", "430100"), "subjects[0].document.number", "missing"),
        ("H5", document("X-1", "990000"), "subjects[0].document.division", "province"),
    ];
    for (fact, subject, field, check) in cases {
        let question = Question { subjects: vec![subject], ..lab.question(fact) };
        malformed(&lab, &client, question, field, check).await;
    }
    let mut nameless = lab.question("P1");
    let Some(Kind::Person(person)) = &mut nameless.subjects[0].kind else { panic!("no person") };
    person.name = " ".to_owned();
    malformed(&lab, &client, nameless, "subjects[0].person.name", "missing").await;
    for agency in ["police", "housing", "market-regulation"] {
        assert_eq!(lab.simulation.asked(agency), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_already_past_is_a_recorded_denial() {
    let lab = Lab::start(&["civil-affairs"]).await;
    // A client of its own deadline would give up before it sent anything.
    let mut client = verification(raw(&lab, "fund-centre", "approval").await);
    let mut request = tonic::Request::new(lab.question("M2"));
    request.metadata_mut().insert("grpc-timeout", "0m".parse().unwrap());
    let status = client.verify(request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    let refused = Refused::from(&status);
    assert_eq!(refused.reason, "DEADLINE_PAST");
    let entries = lab.entries();
    let recorded = denial(&entries, refused.log_index.unwrap());
    assert_eq!(
        (recorded.code.as_str(), recorded.facts.deadline),
        ("DEADLINE_PAST", Some(Duration::ZERO))
    );
    assert_eq!(lab.simulation.asked("civil-affairs"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_time_to_ask_is_no_answer_and_no_question() {
    let lab = Lab::start(&["civil-affairs"]).await;
    let mut client = verification(raw(&lab, "fund-centre", "approval").await);
    let mut request = tonic::Request::new(lab.question("M2"));
    // Less than the margin that is kept for recording.
    request.metadata_mut().insert("grpc-timeout", "20m".parse().unwrap());
    let reply = client.verify(request).await.unwrap().into_inner();
    assert_eq!(reply.verdict(), wire::Verdict::Unavailable);
    assert_eq!(reply.unavailability.unwrap().reason, "deadline");
    assert_eq!(lab.simulation.asked("civil-affairs"), 0);
    let entries = lab.entries();
    assert!(intents(&entries).is_empty());
    let (index, outcome) = outcomes(&entries)[0];
    assert_eq!((index, outcome.intent), (reply.log_index, None));
    assert_eq!(outcome.unavailable.unwrap().code(), "deadline");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_too_large_is_refused_unread() {
    let lab = Lab::start_with(&["civil-affairs"], "\n[limits]\nmessage_bytes = \"16 KiB\"\n").await;
    let client = lab.client().await;
    let size = lab.size();
    let mut question = lab.question("M2");
    question.disclose = vec!["x".repeat(17 << 10)];
    let refused = refused(&client, question).await;
    assert_eq!(refused.code, Code::OutOfRange, "{refused}");
    assert_eq!((refused.log_index, lab.size()), (None, size));
    assert_eq!(lab.simulation.asked("civil-affairs"), 0);
    // The connection is still good.
    ask(&client, lab.question("M2")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_in_flight_limit_nothing_is_decided_or_recorded() {
    let lab = Lab::start_with(&["police"], "\n[limits]\nin_flight = 1\n").await;
    lab.simulation.faults("police").set_delay(PATIENCE, Duration::ZERO);
    let client = lab.client().await;
    let (slow, question) = (client.clone(), lab.question("P2"));
    let mut waiting = tokio::task::JoinSet::new();
    waiting.spawn(async move { slow.verify(question, Duration::from_secs(3)).await });
    until("the police are asked", || lab.simulation.asked("police") == 1).await;

    let size = lab.size();
    let mut raw = verification(raw(&lab, "fund-centre", "approval").await);
    let status = raw.verify(lab.question("P1")).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "OVERLOADED");
    assert!(details.retry_info().unwrap().retry_delay.unwrap() > Duration::ZERO);
    assert_eq!(lab.size(), size);
    // The one under way is answered all the same, or given up by its client: never a "no".
    match waiting.join_next().await.unwrap().unwrap() {
        Ok(reply) => assert_eq!(reply.verdict(), wire::Verdict::Unavailable),
        Err(ClientError::Lost(_) | ClientError::Refused(_)) => {}
        Err(error) => panic!("{error}"),
    }
}
