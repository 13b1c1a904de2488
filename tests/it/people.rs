//! What real records are like: reissued papers, old numbers, several marriages, nobody at all.

use heyan::proto::gateway::v1 as wire;
use heyan::query::value::Verdict;
use heyan::simulate::samples;
use wire::Verdict::{Confirmed, NotFound, Refuted, Unavailable};
use wire::VerifyRequest as Question;

use crate::support::draft::grant_everything;
use crate::support::entries::outcome;
use crate::support::{Lab, ask};

async fn lab() -> Lab {
    let mut lab = Lab::prepare(&[]).await;
    grant_everything(&lab);
    lab.serve().await;
    lab
}

fn person(lab: &Lab, role: &str, index: u32) -> wire::Subject {
    heyan::wire::subject(&samples::person(lab.simulation.province(), role, index))
}

fn employer(lab: &Lab, index: u32) -> wire::Subject {
    heyan::wire::subject(&samples::employer_subject(lab.simulation.province(), "employer", index))
}

/// A number right in form that belongs to nobody in the province.
fn nobody(role: &str) -> wire::Subject {
    let person = wire::Person {
        document_number: "11010519491231002X".to_owned(),
        name: "韦小宝".to_owned(),
        ..wire::Person::default()
    };
    wire::Subject {
        role: role.to_owned(),
        kind: Some(wire::subject::Kind::Person(person)),
        ..Default::default()
    }
}

fn about(lab: &Lab, fact: &str, subjects: Vec<wire::Subject>) -> Question {
    Question { subjects, ..lab.question(fact) }
}

fn says(attribute: &str, code: &str) -> wire::Assertion {
    wire::Assertion {
        attribute: attribute.to_owned(),
        comparison: wire::Comparison::Equal.into(),
        values: vec![wire::Value { kind: Some(wire::value::Kind::Text(code.to_owned())) }],
    }
}

async fn come_to(lab: &Lab, cases: Vec<(&str, Question, wire::Verdict)>) {
    let client = lab.client().await;
    let mut wrong = Vec::new();
    for (what, question, expected) in cases {
        let reply = ask(&client, question).await;
        if reply.verdict() != expected {
            let why = reply.unavailability.map(|why| why.reason);
            let verdict = wire::Verdict::try_from(reply.verdict).unwrap();
            wrong.push(format!("{what}: {verdict:?} {why:?}, not {expected:?}"));
            continue;
        }
        let recorded = outcome(&lab.entries(), reply.log_index).verdict;
        assert_eq!(heyan::wire::verdict(recorded), expected, "{what}");
        assert!((recorded == Verdict::NotFound) == (expected == NotFound), "{what}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn marriages_that_ended_and_papers_issued_again() {
    let lab = lab().await;
    let one = |index| vec![person(&lab, "person", index)];
    let two = |man, woman| vec![person(&lab, "person", man), person(&lab, "spouse", woman)];
    let mut divorced = about(&lab, "M1", one(samples::DIVORCED));
    divorced.assertions = vec![says("status", "divorced")];
    let cases = vec![
        ("divorced, with a marriage certificate issued later", divorced, Confirmed),
        (
            "her first husband",
            about(&lab, "M2", two(samples::REMARRIED, samples::DIVORCED)),
            Refuted,
        ),
        (
            "his second wife",
            about(&lab, "M2", two(samples::REMARRIED, samples::SECOND_WIFE)),
            Confirmed,
        ),
        (
            "the couple, the other way round",
            about(&lab, "M2", two(samples::WIFE, samples::HUSBAND)),
            Confirmed,
        ),
        ("cremated, alive to the police", about(&lab, "M3", one(samples::STALE)), Confirmed),
        ("the same to the police", about(&lab, "P2", one(samples::STALE)), Confirmed),
        ("dead to the police", about(&lab, "P2", one(samples::DECEASED)), Refuted),
    ];
    come_to(&lab, cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_with_dots_rare_characters_and_numbers_of_fifteen_digits() {
    let lab = lab().await;
    let one = |role: &str, index| vec![person(&lab, role, index)];
    let province = lab.simulation.province();
    let home = |index| heyan::wire::subject(&samples::property(province, "property", index));
    let owner = |home_index, index| vec![home(home_index), person(&lab, "owner", index)];
    // A former owner has a row too, and is not confirmed by it.
    let sold = about(&lab, "H2", owner(samples::SOLD_HOME, samples::SELLER));
    let mut wrong_name = about(&lab, "P1", one("person", samples::HUSBAND));
    let Some(wire::subject::Kind::Person(person)) = &mut wrong_name.subjects[0].kind else {
        panic!("no person")
    };
    person.name = "王别人".to_owned();
    let cases = vec![
        (
            "a middle dot, to the police",
            about(&lab, "P1", one("person", samples::DOTTED)),
            Confirmed,
        ),
        (
            "a name outside GBK, to the police",
            about(&lab, "P1", one("person", samples::RARE)),
            Confirmed,
        ),
        ("somebody else's name", wrong_name, Refuted),
        (
            "filed under fifteen digits and another dot",
            about(&lab, "H2", owner(samples::OLD_NUMBER_HOME, samples::DOTTED)),
            Confirmed,
        ),
        (
            "a rare name on a title",
            about(&lab, "H2", owner(samples::SEIZED_HOME, samples::RARE)),
            Confirmed,
        ),
        ("a home sold", sold, Refuted),
        ("an owner of a home", about(&lab, "H3", one("member", samples::HUSBAND)), Refuted),
        ("a seized home", about(&lab, "H4", vec![home(samples::SEIZED_HOME)]), Refuted),
    ];
    come_to(&lab, cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn employers_of_every_kind() {
    let lab = lab().await;
    let cases = vec![
        ("revoked", about(&lab, "E2", vec![employer(&lab, samples::REVOKED_ENTERPRISE)]), Refuted),
        (
            "deregistered",
            about(&lab, "E2", vec![employer(&lab, samples::DEREGISTERED_ENTERPRISE)]),
            Refuted,
        ),
        (
            "an institution, registered elsewhere",
            about(&lab, "E1", vec![employer(&lab, samples::INSTITUTION)]),
            NotFound,
        ),
        (
            "a service unit, registered with civil affairs",
            about(&lab, "M4", vec![employer(&lab, samples::SERVICE_UNIT)]),
            Confirmed,
        ),
        (
            "an enterprise, unknown to civil affairs",
            about(&lab, "M4", vec![employer(&lab, samples::ACTIVE_ENTERPRISE)]),
            NotFound,
        ),
    ];
    come_to(&lab, cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_not_found_and_never_confirmed() {
    let lab = lab().await;
    let cases = vec![
        ("S2", about(&lab, "S2", vec![nobody("person")]), NotFound),
        ("S3", about(&lab, "S3", vec![nobody("person")]), NotFound),
        ("S4", about(&lab, "S4", vec![nobody("person")]), NotFound),
        ("M3", about(&lab, "M3", vec![nobody("person")]), NotFound),
        ("T3", about(&lab, "T3", vec![nobody("person")]), NotFound),
    ];
    come_to(&lab, cases).await;
    let client = lab.client().await;
    for fact in ["P1", "P2", "P4", "M1", "M5"] {
        let reply = ask(&client, about(&lab, fact, vec![nobody("person")])).await;
        let verdict = reply.verdict();
        assert!(
            [NotFound, Refuted].contains(&verdict),
            "{fact}: {verdict:?} {:?}",
            reply.unavailability
        );
        let recorded = outcome(&lab.entries(), reply.log_index).verdict;
        assert_eq!(heyan::wire::verdict(recorded), verdict, "{fact}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cities_that_do_not_answer_make_no_homeless_person() {
    let lab = lab().await;
    lab.simulation.faults("housing").set_cities_down(1);
    let client = lab.client().await;
    let reply = ask(&client, lab.question("H3")).await;
    // "No homes" in thirteen cities of fourteen is not "no homes", and an outage of one is not a "no" either.
    assert_eq!(reply.verdict(), Unavailable);
    assert!(reply.disclosed.is_empty());
    let recorded = outcome(&lab.entries(), reply.log_index).verdict;
    assert_eq!(recorded, Verdict::Unavailable);
}
