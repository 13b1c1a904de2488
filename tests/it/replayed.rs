//! What no honest gateway records, written into a real log's entries: each is found, by its rule, at its entry.

use std::time::Duration;

use heyan::audit::entry::{Entry, Kind, Outcome, PartyEvent, encode};
use heyan::decision::facts::Facts;
use heyan::proto::gateway::v1 as wire;
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
    draft.quota =
        format!("per_day = 3 }}\nhours = {{ days = {open:?}, from = \"00:00\", to = \"24:00\"");
    let draft = ["M1", "M2"].iter().fold(draft, |draft, code| {
        let fact = lab.catalogue.fact(&(*code).into()).unwrap();
        let names: Vec<&str> = fact.attributes.iter().map(|known| known.name.as_str()).collect();
        let disclose: &[&str] = if *code == "M1" { &["spouse_name"] } else { &[] };
        draft.clause(fact, &lab.catalogue, &names, disclose, "")
    });
    draft.place(&lab);
    lab.serve().await;
    let client = lab.client().await;
    let disclosing =
        wire::VerifyRequest { disclose: vec!["spouse_name".to_owned()], ..lab.question("M1") };
    for question in [lab.question("M2"), lab.question("M2"), disclosing] {
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
