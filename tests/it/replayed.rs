//! What no honest gateway records, written into a real log's entries: each is found, by its rule, at its entry.

use std::time::Duration;

use heyan::audit::entry::{Entry, Kind, Outcome, PartyEvent, encode};
use heyan::decision::PermitRef;
use heyan::decision::facts::Facts;
use heyan::proto::gateway::v1 as wire;
use heyan::query::value::Comparison;
use heyan::replay::{Finding, replay};

use crate::support::draft::Draft;
use crate::support::entries::{facts, intents, outcomes};
use crate::support::{Lab, ask};

const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// A log of three answers, the last with a disclosed value, and the day of the week (Monday 0) that is closed.
async fn log() -> (Vec<Entry>, u32) {
    let mut lab = Lab::prepare(&[]).await;
    let closed = (heyan::clock::now().china_weekday() + 3) % 7;
    let open: Vec<&str> =
        (0..).zip(DAYS).filter(|(day, _)| *day != closed).map(|(_, name)| name).collect();
    let mut draft = Draft::new("trial", "civil-affairs");
    draft.quota = "per_day = 3, per_month = 10".to_owned();
    draft.more = format!(
        "hours = {{ days = {open:?}, from = \"00:00\", to = \"24:00\" }}\n\
         notices = [\"told-2026\"]\noperator_units = [\"hall-1\"]"
    );
    let one = lab.catalogue.fact(&"M1".into()).unwrap();
    let narrow = "mask = { spouse_number = \"number\" }\nconsent = true\n\
                  relations = { person = [\"case_party\", \"verified\"] }\n\
                  limits = { status = { comparisons = [\"eq\"], values = [\"married\"] } }";
    let two = lab.catalogue.fact(&"M2".into()).unwrap();
    draft
        .clause(one, &lab.catalogue, &["status"], &["spouse_name"], narrow)
        .all_of(two, &lab.catalogue)
        .place(&lab);
    lab.serve().await;
    let client = lab.client().await;
    let mut disclosing = lab.question("M1");
    disclosing.disclose = vec!["spouse_name".to_owned(), "spouse_number".to_owned()];
    disclosing.assertions = vec![wire::Assertion {
        attribute: "status".to_owned(),
        comparison: wire::Comparison::Equal.into(),
        values: vec![wire::Value { kind: Some(wire::value::Kind::Text("married".to_owned())) }],
    }];
    disclosing.subjects[0].relation = wire::Relation::Verified.into();
    // Any entry that is there.
    disclosing.subjects[0].shown_by = 1;
    "SQ-0007".clone_into(&mut disclosing.purpose.as_mut().unwrap().consent);
    for mut question in [lab.question("M2"), lab.question("M2"), disclosing] {
        "told-2026".clone_into(&mut question.purpose.as_mut().unwrap().notice);
        assert_eq!(ask(&client, question).await.verdict(), wire::Verdict::Confirmed);
    }
    let entries = lab.entries();
    assert_eq!(found(&entries), []);
    (entries, closed)
}

fn found(entries: &[Entry]) -> Vec<Finding> {
    replay((0..).zip(entries.iter().map(|entry| encode(entry).unwrap())), None).findings
}

/// Fails unless the changed log has this one finding, and its text says this.
fn is_found(honest: &[Entry], at: u64, rule: &str, says: &[&str], change: impl Fn(&mut [Entry])) {
    let mut entries = honest.to_vec();
    change(&mut entries);
    let findings = found(&entries);
    let [finding] = findings.as_slice() else { panic!("{rule}: {findings:?}") };
    assert_eq!((finding.index, finding.rule), (at, rule), "{findings:?}");
    for part in says {
        assert!(finding.text.contains(part), "{}", finding.text);
    }
}

fn facts_mut(entry: &mut Entry) -> Option<&mut Facts> {
    match &mut entry.kind {
        Kind::Intent(intent) => Some(&mut intent.facts),
        Kind::Outcome(outcome) => Some(&mut outcome.facts),
        Kind::Denial(denied) => Some(&mut denied.facts),
        _ => None,
    }
}

/// Changes the facts of one question, in all of its entries.
fn in_question(entries: &mut [Entry], number: u64, change: impl Fn(&mut Facts)) {
    let of_question =
        |entry: &&mut Entry| facts(entry).is_some_and(|facts| facts.caller_sequence == number);
    for entry in entries.iter_mut().filter(of_question) {
        let facts = facts_mut(entry).unwrap();
        change(facts);
        entry.at = facts.received_at;
    }
}

fn last_outcome(entries: &mut [Entry]) -> &mut Outcome {
    let found = entries.iter_mut().rev().find_map(|entry| match &mut entry.kind {
        Kind::Outcome(outcome) => Some(&mut **outcome),
        _ => None,
    });
    found.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_honest_gateway_records_is_found() {
    let (honest, closed) = log().await;
    let intent = intents(&honest).last().unwrap().0;
    let outcome = outcomes(&honest).last().unwrap().0;

    // Answered outside the hours.
    is_found(&honest, intent, "decision", &["permitted", "OUTSIDE_HOURS"], |entries| {
        in_question(entries, 3, |facts| {
            while facts.received_at.china_weekday() != closed {
                facts.received_at = facts.received_at.plus(Duration::from_secs(86_400));
            }
        });
    });
    // Answered beyond the quota, by its own account …
    is_found(&honest, intent, "decision", &["permitted", "QUOTA_DAY"], |entries| {
        in_question(entries, 3, |facts| facts.quota[0].day = 3);
    });
    // … and by an account that leaves permits out.
    is_found(&honest, intent, "quota", &["understated"], |entries| {
        in_question(entries, 3, |facts| facts.quota[0].day = 0);
    });
    // More disclosed than the clause grants, and than was asked for.
    is_found(&honest, outcome, "disclosed", &["marriage_date", "does not grant"], |entries| {
        last_outcome(entries).disclosed.push("marriage_date".to_owned());
    });
    // An answer without an intent: another entry stands where it was.
    is_found(&honest, outcome, "intent-missing", &[&format!("entry {intent} ")], |entries| {
        let place = usize::try_from(intent).unwrap();
        let catalogue = entries.iter().find(|entry| matches!(entry.kind, Kind::Catalogue(_)));
        entries[place].kind = catalogue.unwrap().kind.clone();
    });
    is_found(&honest, outcome, "intent-missing", &["no intent led to"], |entries| {
        last_outcome(entries).intent = None;
    });
    // Older than the agreement allows, and not called stale.
    is_found(&honest, outcome, "age", &["CONFIRMED"], |entries| {
        let month = 31 * 86_400_000_000;
        let outcome = last_outcome(entries);
        outcome.as_of.as_mut().unwrap().0 -= month;
    });
    // A denial of what the agreement permits.
    is_found(&honest, outcome, "denial", &["QUOTA_DAY", "a permit"], |entries| {
        let last = last_outcome(entries);
        let (facts, commitments) = (last.facts.clone(), last.commitments.clone());
        let code = "QUOTA_DAY".to_owned();
        let denied = heyan::audit::entry::Denied { facts, code, commitments };
        let place = usize::try_from(outcome).unwrap();
        entries[place].kind = Kind::Denial(Box::new(denied));
        let catalogue = entries.iter().find(|entry| matches!(entry.kind, Kind::Catalogue(_)));
        let catalogue = catalogue.unwrap().kind.clone();
        entries[usize::try_from(intent).unwrap()].kind = catalogue;
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_clauses_of_the_agreement_forbid_is_found() {
    let (honest, _) = log().await;
    let intent = intents(&honest).last().unwrap().0;
    let outcome = outcomes(&honest).last().unwrap().0;

    // Left whole where the clause masks it, masked where it does not, and masked without having left.
    is_found(&honest, outcome, "masked", &["spouse_number", "left whole", "number"], |entries| {
        last_outcome(entries).masked.clear();
    });
    is_found(&honest, outcome, "masked", &["spouse_name", "no mask"], |entries| {
        last_outcome(entries).masked.push("spouse_name".to_owned());
    });
    is_found(&honest, outcome, "masked", &["spouse_number", "not to have left"], |entries| {
        last_outcome(entries).disclosed.retain(|name| name != "spouse_number");
    });
    // Shown by an entry that was not there yet.
    is_found(&honest, intent, "relation", &["`person`", &intent.to_string()], |entries| {
        in_question(entries, 3, |facts| facts.roles[0].shown_by = intent);
    });

    // Permitted without what the clause or the agreement demands.
    type Change = fn(&mut Facts);
    let cases: [(&str, Change); 8] = [
        ("RELATION_NOT_PROVEN", |facts| facts.roles[0].relation = None),
        ("RELATION_NOT_PROVEN", |facts| facts.roles[0].shown_by = 0),
        ("NOTICE_MISSING", |facts| facts.notice = "told-2018".to_owned()),
        ("CONSENT_MISSING", |facts| facts.consent.clear()),
        ("OPERATOR_UNIT_NOT_GRANTED", |facts| facts.operator_unit = "hall-2".to_owned()),
        ("COMPARISON_NOT_GRANTED", |facts| facts.assertions[0].comparison = Comparison::Ne),
        ("VALUE_NOT_GRANTED", |facts| facts.assertions[0].within.clear()),
        ("QUOTA_MONTH", |facts| facts.quota[0].month = 10),
    ];
    for (code, change) in cases {
        is_found(&honest, intent, "decision", &["permitted", code], |entries| {
            in_question(entries, 3, change);
        });
    }
    // An account of the month that leaves permits out …
    is_found(&honest, intent, "quota", &["understated", "month"], |entries| {
        in_question(entries, 3, |facts| facts.quota[0].month = 0);
    });
    // … unless nobody counted months when it was decided.
    let mut old = honest.clone();
    for number in 1..=3 {
        in_question(&mut old, number, |facts| (facts.rules, facts.quota[0].month) = (1, 0));
    }
    assert_eq!(found(&old), []);
    // Whose limits the values keep besides is no matter: that clause may be out of force by now.
    let mut besides = honest;
    in_question(&mut besides, 3, |facts| {
        let gone = PermitRef { agreement: "gone".to_owned(), version: 7, clause: 1 };
        facts.assertions[0].within.push(gone);
    });
    assert_eq!(found(&besides), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_the_register_does_not_know_is_found() {
    let (mut entries, _) = log().await;
    // As if the system had never been entered.
    for entry in &mut entries {
        if let Kind::Party(PartyEvent::Entered { organisation, document }) = &mut entry.kind
            && organisation == "fund-centre"
        {
            let text = String::from_utf8(document.clone()).unwrap();
            assert!(text.contains("approval"), "{text}");
            *document = text.replace("approval", "approvar").into_bytes();
        }
    }
    let findings = found(&entries);
    assert_eq!(findings.len(), 3, "{findings:?}");
    for finding in &findings {
        let text = "`fund-centre/approval` is recorded as Registered; by the log's register it is UnknownSystem";
        assert_eq!((finding.rule, finding.text.as_str()), ("standing", text));
    }
}
