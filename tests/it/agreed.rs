//! What two offices can agree on beyond "may ask": relations, notice, consent, masks, limits. Each over the wire, and in
//! its entry.

use heyan::audit::entry::{Entry, Outcome};
use heyan::audit::file::Description;
use heyan::client::Client;
use heyan::client::receipt::{self, Trust};
use heyan::decision::facts::Facts;
use heyan::proto::gateway::v1 as wire;
use heyan::query::relation::Relation;
use heyan::query::time::Timestamp;
use heyan::replay::replay;
use heyan::simulate::samples::{self, WIFE};
use wire::VerifyRequest as Question;
use wire::source::Kind::{Agency, Cache};
use wire::value::Kind as Value;

use crate::second_verifier::{second_verifier, told};
use crate::support::draft::Draft;
use crate::support::entries::{denial, outcome};
use crate::support::{Lab, ask, refused};

const KEPT: &str = "cache = { found = \"1d\", not_found = \"1h\" }";

/// Agreements with a clause for each thing that these tests are about.
async fn lab() -> Lab {
    let mut lab = Lab::prepare(&[]).await;
    let mut civil = Draft::new("civil", "civil-affairs")
        .narrow("M2", &["W3"], &["person", "spouse"], "assert = [\"married\"]")
        .narrow(
            "M1",
            &["W3"],
            &["person"],
            &format!(
                "assert = [\"status\", \"registered_on\"]\n\
                 mask = {{ spouse_name = \"name\", spouse_number = \"number\", registered_on = \"year\" }}\n\
                 limits = {{ registered_on = {{ comparisons = [\"ge\", \"le\"], values = [\"1990-01-01\", \"2026-01-01\"] }}, \
                 status = {{ values = [\"married\", \"divorced\"] }} }}\n{KEPT}"
            ),
        )
        .narrow("M1", &["W7"], &["person"], &format!("disclose = [\"spouse_name\"]\n{KEPT}"))
        .narrow("M3", &["W7"], &["person"], "assert = [\"cremated\"]\nnever = [\"cremated_on\"]");
    civil.quota = "per_month = 500".to_owned();
    civil.place(&lab);
    // Another agreement with the same agency, by which the name leaves whole too.
    Draft::new("civil-too", "civil-affairs")
        .narrow("M1", &["L1"], &["person"], &format!("disclose = [\"spouse_name\"]\n{KEPT}"))
        .place(&lab);
    let mut housing = Draft::new("housing", "housing").narrow(
        "H3",
        &["W3"],
        &["member"],
        "assert = [\"homes\"]\nrelations = { member = [\"case_party\", \"verified\"] }",
    );
    housing.more = "notices = [\"hn-2026\", \"hn-2018\"]\noperator_units = [\"hall-1\"]".to_owned();
    housing.place(&lab);
    let steps = "assert = [\"base_fen\", \"months_last_12\"]\nconsent = true\n\
                 limits = { base_fen = { multiple_of = 100000 }, months_last_12 = { values = [6, 12] } }";
    Draft::new("social", "social-security").narrow("S2", &["D3"], &["person"], steps).place(&lab);
    lab.serve().await;
    lab
}

fn purpose(question: &mut Question) -> &mut wire::Purpose {
    question.purpose.as_mut().unwrap()
}

fn facts_of(lab: &Lab, index: u64) -> Facts {
    outcome(&lab.entries(), index).facts.clone()
}

fn replays_clean(entries: &[Entry]) {
    let stored = entries.iter().map(|entry| heyan::audit::entry::encode(entry).unwrap());
    assert_eq!(replay((0..).zip(stored), None).findings, []);
}

fn disclosing(lab: &Lab, item: &str, names: &[&str]) -> Question {
    let disclose = names.iter().map(|name| (*name).to_owned()).collect();
    Question { disclose, ..lab.request("M1", item) }
}

/// The text of a disclosed value.
fn text<'a>(reply: &'a wire::VerifyResponse, name: &str) -> &'a str {
    match reply.disclosed.get(name).and_then(|value| value.kind.as_ref()) {
        Some(Value::Text(text) | Value::Date(text)) => text,
        other => panic!("{name}: {other:?}"),
    }
}

/// A family whose homes are asked for: the applicant, and others whom an earlier answer has shown.
fn family(lab: &Lab, shown_by: u64) -> Question {
    let mut question = lab.request("H3", "W3");
    "hn-2026".clone_into(&mut purpose(&mut question).notice);
    for (position, subject) in question.subjects.iter_mut().enumerate() {
        let relation =
            if position == 0 { wire::Relation::CaseParty } else { wire::Relation::Verified };
        subject.relation = relation.into();
        subject.shown_by = if position == 0 { 0 } else { shown_by };
    }
    question
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relation_is_recorded_with_the_entry_that_has_shown_it() {
    let lab = lab().await;
    let client = lab.client().await;
    let married = ask(&client, lab.request("M2", "W3")).await;
    assert_eq!(married.verdict(), wire::Verdict::Confirmed);
    let question = family(&lab, married.log_index);
    assert!(question.subjects.len() > 1);
    let reply = ask(&client, question.clone()).await;
    let facts = facts_of(&lab, reply.log_index);
    assert_eq!((facts.roles[0].relation, facts.roles[0].shown_by), (Some(Relation::CaseParty), 0));
    let shown = (facts.roles[1].relation, facts.roles[1].shown_by);
    assert_eq!(shown, (Some(Relation::Verified), married.log_index));
    assert_eq!((facts.notice.as_str(), facts.operator_unit.as_str()), ("hn-2026", "hall-1"));

    // Whatever else stands in the field is no index, and is not recorded: it might be anybody's number.
    let number: u64 = 430_102_199_003_070_017;
    let cases: [(fn(&mut wire::Subject, u64), &str, &str); 4] = [
        (|it, number| it.shown_by = number, "shown_by", "no_such_entry"),
        (|it, _| it.relation = 99, "relation", "unknown"),
        (
            |it, number| (it.relation, it.shown_by) = (wire::Relation::Declared.into(), number),
            "shown_by",
            "misplaced",
        ),
        (|it, number| (it.relation, it.shown_by) = (0, number), "shown_by", "misplaced"),
    ];
    for (change, field, check) in cases {
        let mut wrong = Question { request_id: Client::request_id(), ..question.clone() };
        change(&mut wrong.subjects[1], number);
        let refused = refused(&client, wrong).await;
        assert_eq!(refused.reason, "MALFORMED");
        let named = (format!("subjects[1].{field}"), check.to_owned());
        assert!(refused.fields.contains(&named), "{:?}", refused.fields);
        let entries = lab.entries();
        let recorded = &denial(&entries, refused.log_index.unwrap()).facts;
        assert!(recorded.roles.iter().all(|role| role.shown_by != number));
    }
    // The next entry's own index is not one that was there.
    let size = lab.size();
    let own = refused(&client, family(&lab, size)).await;
    assert_eq!(own.fields[0].1, "no_such_entry");
    replays_clean(&lab.entries());
}

#[tokio::test(flavor = "multi_thread")]
async fn notice_and_consent_are_recorded_and_their_form_is_checked() {
    let lab = lab().await;
    let client = lab.client().await;
    let mut question = lab.request("S2", "D3");
    "SQ-2026.0007_1".clone_into(&mut purpose(&mut question).consent);
    "read-aloud".clone_into(&mut purpose(&mut question).notice);
    let reply = ask(&client, question.clone()).await;
    let facts = facts_of(&lab, reply.log_index);
    // A notice that the agreement does not ask for is recorded all the same.
    assert_eq!((facts.consent.as_str(), facts.notice.as_str()), ("SQ-2026.0007_1", "read-aloud"));

    let long = "x".repeat(65);
    for (notice, consent, field, check) in [
        ("已告知", "", "purpose.notice", "characters"),
        (long.as_str(), "", "purpose.notice", "length"),
        ("n-11010519491231002X", "", "purpose.notice", "identity_number_inside"),
        ("", "SQ7", "purpose.consent", "length"),
        ("", "SQ 0007", "purpose.consent", "characters"),
        ("", "11010519491231002X", "purpose.consent", "identity_number_inside"),
    ] {
        let mut wrong = Question { request_id: Client::request_id(), ..question.clone() };
        notice.clone_into(&mut purpose(&mut wrong).notice);
        consent.clone_into(&mut purpose(&mut wrong).consent);
        let refused = refused(&client, wrong).await;
        assert_eq!(refused.fields, [(field.to_owned(), check.to_owned())]);
        let entries = lab.entries();
        let recorded = &denial(&entries, refused.log_index.unwrap()).facts;
        assert_eq!((recorded.notice.as_str(), recorded.consent.as_str()), ("", ""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_masked_value_leaves_in_part_and_is_called_so_everywhere() {
    let mut lab = lab().await;
    let key = Description::read(&lab.path("log")).unwrap().unwrap().key().unwrap();
    let client = lab.client().await.requiring_receipts(vec![key.clone()]);
    let names = ["spouse_name", "spouse_number", "registered_on"];
    let question = Question { want_receipt: true, ..disclosing(&lab, "W3", &names) };
    let reply = ask(&client, question.clone()).await;
    let whole = lab.simulation.province().name(WIFE);
    let number = lab.simulation.province().person(WIFE).unwrap().number();
    let first = whole.chars().next().unwrap();
    let stars = "*".repeat(whole.chars().count() - 1);
    assert_eq!(text(&reply, "spouse_name"), format!("{first}{stars}"));
    assert_eq!(text(&reply, "spouse_number"), format!("{}{}", "*".repeat(14), &number[14..]));
    assert_eq!(text(&reply, "registered_on").len(), 4);
    assert_eq!(reply.masked, ["registered_on", "spouse_name", "spouse_number"]);

    let entries = lab.entries();
    let recorded: &Outcome = outcome(&entries, reply.log_index);
    assert_eq!(recorded.masked, reply.masked);
    assert_eq!(recorded.disclosed, reply.masked);
    // A year, by the agreement, from the moment that the question came in.
    let until = heyan::wire::read_timestamp(reply.keep_until.as_ref().unwrap()).unwrap();
    let year = Timestamp(until.0 - recorded.facts.received_at.0);
    assert_eq!(year.seconds(), 365 * 86_400);
    // Nobody keeps the whole: not the log, not what is sealed beside it; the receipt opens what left and no more.
    let saved = receipt::to_json(reply.receipt.as_ref().unwrap());
    let opened = receipt::check(&receipt::from_json(&saved).unwrap(), &[key.clone()]).unwrap();
    let answer = opened.value(heyan::audit::commitment::Field::Answer).unwrap();
    let answer = std::str::from_utf8(answer).unwrap();
    assert!(answer.contains(&stars) && !answer.contains(&whole) && !answer.contains(&number));
    // To a third party: the same entry that commits to the value names it as masked.
    let heyan::audit::entry::Kind::Outcome(shown) = &opened.entry.kind else { panic!("{saved}") };
    assert_eq!(shown.masked, reply.masked);

    let trust = Trust { keys: vec![key], certificate: None };
    receipt::check_answer(&question, &reply, &trust).unwrap();
    let replies: [fn(&mut wire::VerifyResponse); 3] = [
        |got| got.masked.clear(),
        |got| drop(got.masked.pop()),
        |got| got.masked.push("status".to_owned()),
    ];
    for change in replies {
        let mut got = reply.clone();
        change(&mut got);
        assert!(receipt::check_answer(&question, &got, &trust).is_err());
    }
    let questions: [fn(&mut Question); 4] = [
        |sent| sent.subjects[0].relation = wire::Relation::Declared.into(),
        |sent| sent.subjects[0].shown_by = 1,
        |sent| purpose(sent).notice.push('x'),
        |sent| purpose(sent).consent.push_str("SQ-1"),
    ];
    for change in questions {
        let mut sent = question.clone();
        change(&mut sent);
        assert!(receipt::check_answer(&sent, &reply, &trust).is_err());
    }
    replays_clean(&entries);

    // A verifier of another make reads these entries too.
    drop(client);
    lab.close().await;
    let output = second_verifier().arg(lab.path("log")).output().unwrap();
    let told = told(&output).remove(0);
    assert_eq!((&told["problem"], output.status.code()), (&serde_json::Value::Null, Some(0)));
    assert!(told["entries"].as_u64().unwrap() > entries.len() as u64, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_clause_answers_from_what_another_has_kept() {
    let lab = lab().await;
    let client = lab.client().await;
    let whole = lab.simulation.province().name(WIFE);
    // Whole by one clause, in part by another of the same agreement, whole again by another agreement; then the same
    // from what each has kept.
    for from in [Agency, Cache] {
        for (item, is_masked) in [("W7", false), ("W3", true), ("L1", false)] {
            let reply = ask(&client, disclosing(&lab, item, &["spouse_name"])).await;
            assert_eq!(reply.source.as_ref().unwrap().kind(), from, "{item}");
            assert_eq!(text(&reply, "spouse_name") == whole, !is_masked, "{item}");
            assert_eq!(reply.masked.contains(&"spouse_name".to_owned()), is_masked, "{item}");
        }
    }
    assert_eq!(lab.simulation.asked("civil-affairs"), 3);
    replays_clean(&lab.entries());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agency_sends_beyond_the_clause_stays_at_the_edge() {
    let lab = lab().await;
    let client = lab.client().await;
    let dropped = |index| outcome(&lab.entries(), index).dropped;
    // Of five attributes that civil affairs sends, this clause grants one, the other clause four.
    let reply = ask(&client, disclosing(&lab, "W7", &["spouse_name"])).await;
    assert_eq!(dropped(reply.log_index), 4);
    let reply = ask(&client, disclosing(&lab, "W3", &["spouse_name"])).await;
    assert_eq!(dropped(reply.log_index), 1);
    // What may never leave is not taken in either.
    let mut question = lab.request("M3", "W7");
    question.subjects = vec![heyan::wire::subject(&samples::person(
        lab.simulation.province(),
        "person",
        samples::STALE,
    ))];
    let reply = ask(&client, question).await;
    assert_eq!((reply.verdict(), dropped(reply.log_index)), (wire::Verdict::Confirmed, 1));
    let (_, metrics) = lab.page("/metrics").await;
    assert!(metrics.contains("heyan_attributes_dropped_total{adapter=\"civil-affairs\"}"));
}

fn assertion(attribute: &str, comparison: wire::Comparison, value: Value) -> wire::Assertion {
    let values = vec![wire::Value { kind: Some(value) }];
    wire::Assertion { attribute: attribute.to_owned(), comparison: comparison.into(), values }
}

#[tokio::test(flavor = "multi_thread")]
async fn predicates_keep_to_their_limits() {
    use wire::Comparison::{Equal, Greater, GreaterOrEqual, LessOrEqual};

    let lab = lab().await;
    let client = lab.client().await;
    let date = |text: &str| Value::Date(text.to_owned());
    let code = |text: &str| Value::Text(text.to_owned());
    let cases = [
        ("M1", "registered_on", GreaterOrEqual, date("1990-01-01"), ""),
        ("M1", "registered_on", LessOrEqual, date("2026-01-01"), ""),
        ("M1", "registered_on", LessOrEqual, date("2018-05-20"), "VALUE_NOT_GRANTED"),
        ("M1", "registered_on", Equal, date("1990-01-01"), "COMPARISON_NOT_GRANTED"),
        ("M1", "status", Equal, code("married"), ""),
        ("M1", "status", Equal, code("annulled"), "VALUE_NOT_GRANTED"),
        ("S2", "base_fen", GreaterOrEqual, Value::Integer(300_000), ""),
        ("S2", "base_fen", GreaterOrEqual, Value::Integer(300_001), "VALUE_NOT_GRANTED"),
        ("S2", "months_last_12", GreaterOrEqual, Value::Integer(6), ""),
        ("S2", "months_last_12", Greater, Value::Integer(5), "VALUE_NOT_GRANTED"),
    ];
    for (fact, attribute, comparison, value, denial_code) in cases {
        let mut question = lab.request(fact, if fact == "M1" { "W3" } else { "D3" });
        "SQ-0007".clone_into(&mut purpose(&mut question).consent);
        question.assertions = vec![assertion(attribute, comparison, value)];
        let what = format!("{attribute} {}", comparison.as_str_name());
        if denial_code.is_empty() {
            let reply = ask(&client, question).await;
            assert!(reply.verdict() != wire::Verdict::Unavailable, "{what}");
            let facts = facts_of(&lab, reply.log_index);
            // The entry says which clause's limit was kept, and not with what value.
            let within = &facts.assertions[0].within;
            assert_eq!(within.len(), 1, "{what}");
            let entries = lab.entries();
            assert_eq!(within[0], outcome(&entries, reply.log_index).permit, "{what}");
        } else {
            let refused = refused(&client, question).await;
            assert_eq!(refused.reason, denial_code, "{what}");
        }
    }
    let months: Vec<u64> = lab
        .entries()
        .iter()
        .filter_map(|entry| crate::support::entries::facts(entry))
        .flat_map(|facts| &facts.quota)
        .filter(|used| used.agreement == "civil")
        .map(|used| used.month)
        .collect();
    assert_eq!(months.iter().max(), Some(&3), "{months:?}");
    replays_clean(&lab.entries());
}
