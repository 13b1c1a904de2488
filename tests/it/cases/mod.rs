//! Whole applications over the wire, from the first question to the outcome; and what the log says of them.

mod application;
mod command;
mod items;
mod flood;
mod evidence;
mod limits;
mod stated;

use std::time::Duration;

use heyan::audit::entry::{CaseClosed, Entry, Kind as Recorded, encode};
use heyan::client::Client;
use heyan::proto::gateway::v1 as wire;
use heyan::replay::replay;
use heyan::simulate::samples;
use wire::case_event::Kind;
use wire::case_need::State;
use wire::case_outcome::Outcome;
use wire::question_answered::Result as Came;

use self::application::{Renting, case_number};
use crate::support::entries::{intents, outcomes};
use crate::support::{ALL, Lab, PATIENCE, until};

/// A case that came to its end, with everything that was told on the way.
pub(crate) struct Ran {
    pub(crate) events: Vec<wire::CaseEvent>,
    pub(crate) outcome: wire::CaseOutcome,
}

impl Ran {
    pub(crate) fn answered(&self) -> Vec<&wire::QuestionAnswered> {
        let kinds = self.events.iter().filter_map(|event| event.kind.as_ref());
        kinds
            .filter_map(|kind| match kind {
                Kind::Answered(answered) => Some(answered),
                _ => None,
            })
            .collect()
    }

    /// What was said of a question, the first time: a verdict, or the reason of its refusal.
    pub(crate) fn said(&self, question: &str) -> String {
        let answered = self.answered();
        let answered = answered.iter().find(|answered| answered.question == question);
        match answered.and_then(|answered| answered.result.as_ref()) {
            Some(Came::Reply(reply)) => {
                reply.verdict().as_str_name().trim_start_matches("VERDICT_").to_owned()
            }
            Some(Came::Refusal(refusal)) => refusal.reason.clone(),
            None => "nothing".to_owned(),
        }
    }

    pub(crate) fn need(&self, name: &str) -> &wire::CaseNeed {
        self.outcome.needs.iter().find(|need| need.name == name).unwrap()
    }

    pub(crate) fn why(&self, name: &str) -> Vec<&str> {
        self.need(name).missing.iter().map(|missing| missing.why.as_str()).collect()
    }

    /// Questions in the order in which something happened to them: `?` asked, `!` answered.
    fn course(&self) -> Vec<String> {
        let kinds = self.events.iter().filter_map(|event| event.kind.as_ref());
        kinds
            .filter_map(|kind| match kind {
                Kind::Asked(asked) => Some(format!("{}?", asked.question)),
                Kind::Answered(answered) => Some(format!("{}!", answered.question)),
                _ => None,
            })
            .collect()
    }
}

/// Runs an application to its outcome.
pub(crate) async fn ran(client: &Client, application: wire::CheckCaseRequest) -> Ran {
    let mut events = client.check_case(application, PATIENCE).await.unwrap();
    let mut all = Vec::new();
    while let Some(event) = events.next().await.unwrap() {
        all.push(event);
    }
    match all.last().and_then(|event| event.kind.clone()) {
        Some(Kind::Outcome(outcome)) => Ran { events: all, outcome },
        _ => panic!("the last event is no outcome"),
    }
}

fn closed(entries: &[Entry]) -> Vec<&CaseClosed> {
    let cases = entries.iter().filter_map(|entry| match &entry.kind {
        Recorded::Case(closed) => Some(&**closed),
        _ => None,
    });
    cases.collect()
}

/// The log replays clean: every decision, every case.
pub(crate) fn replayed(entries: &[Entry]) {
    let stored = (0..).zip(entries.iter().map(|entry| encode(entry).unwrap()));
    assert_eq!(replay(stored, None).findings, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_with_a_home_is_found_out_asked_about_and_refuted() {
    let lab = Lab::start(&ALL).await;
    let client = lab.client().await;
    let ran = ran(&client, Renting::of(&lab, samples::HUSBAND).request()).await;

    let Some(Kind::Opened(opened)) = &ran.events[0].kind else { panic!("not opened first") };
    assert_eq!((opened.item.as_str(), opened.item_version.as_str()), ("W3", "2026.2"));
    let course = ran.course();
    let at = |step: &str| course.iter().position(|done| done == step).unwrap();
    assert!(at("identity?") < at("identity!").min(at("marriage!")), "{course:?}");
    assert!(at("marriage!") < at("household?") && at("household!") < at("homes?"), "{course:?}");
    assert!(ran.events.last().unwrap().running.is_empty());

    let outcome = &ran.outcome;
    assert_eq!(outcome.outcome(), Outcome::Refuted);
    let home = ran.need("no_home");
    assert_eq!(home.state(), State::Refuted);
    assert_eq!((home.shown[0].agency.as_str(), home.shown[0].from_cache), ("housing", false));
    assert!(home.shown[0].as_of.is_some());
    let missing = &home.missing[0];
    assert_eq!(missing.why, "refuted");
    let entry = missing.log_index.unwrap();
    assert!(missing.advice_zh.contains(&entry.to_string()), "{}", missing.advice_zh);
    assert_eq!(home.bring[0].title_zh, "无房证明");
    assert_eq!(ran.need("family_known").state(), State::Met);

    // Husband, wife and child; the grandmother is no minor and no spouse.
    let checked: Vec<&str> = outcome.subjects.iter().filter_map(number).collect();
    let expected = [samples::HUSBAND, samples::WIFE, samples::CHILD]
        .map(|index| lab.simulation.province().person(index).unwrap().number());
    assert_eq!(checked, expected);
    assert!(outcome.subjects.iter().all(|subject| subject.log_indices.contains(&entry)));

    let entries = lab.entries();
    let closed = closed(&entries);
    assert_eq!(closed.len(), 1);
    assert_eq!(outcome.log_index as usize, entries.len() - 1);
    assert_eq!((closed[0].outcome.as_str(), closed[0].abandoned), ("REFUTED", false));
    for index in expected {
        assert!(!closed[0].course.contains(&index), "a number is in the log in clear");
    }
    replayed(&entries);
}

fn number(checked: &wire::CaseSubject) -> Option<&str> {
    match checked.subject.as_ref()?.kind.as_ref()? {
        wire::subject::Kind::Person(person) => Some(&person.document_number),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_tenant_is_ready_without_a_visit() {
    let lab = Lab::start(&ALL).await;
    let client = lab.client().await;
    let application = Renting::of(&lab, samples::TENANT).single().with_lease(&lab);
    let ran = ran(&client, application.request()).await;
    let open: Vec<_> = ran.outcome.needs.iter().flat_map(|need| &need.missing).collect();
    assert_eq!(ran.outcome.outcome(), Outcome::Ready, "{open:?}");
    assert_eq!((ran.said("homes"), ran.said("lease")), ("CONFIRMED".into(), "CONFIRMED".into()));
    assert!(ran.outcome.needs.iter().all(|need| need.bring.is_empty()));
    replayed(&lab.entries());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_that_is_not_known_whole_is_never_ready() {
    let lab = Lab::start(&ALL).await;
    let client = lab.client().await;
    // Civil affairs have no record of a marriage; nobody has declared that there is none.
    let unclear = ran(&client, Renting::of(&lab, samples::TENANT).request()).await;
    assert_eq!(unclear.outcome.outcome(), Outcome::NeedsCounter);
    assert_eq!(unclear.why("family_known"), ["family_incomplete"]);
    let bring: Vec<&str> =
        unclear.need("family_known").bring.iter().map(|one| one.title_zh.as_str()).collect();
    assert_eq!(bring, ["结婚证", "户口簿", "单身承诺书"]);

    // The police do not say who is in the book.
    lab.simulation.faults("police").set_outage(true);
    let down = ran(&client, Renting::of(&lab, samples::BUILDER).single().request()).await;
    assert_eq!(down.outcome.outcome(), Outcome::NeedsCounter);
    assert_eq!(down.said("household"), "UNAVAILABLE");
    assert!(down.why("no_home").contains(&"family_incomplete"), "{:?}", down.why("no_home"));
    replayed(&lab.entries());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_that_is_down_or_not_agreed_with_leaves_a_case_to_a_person() {
    let lab = Lab::start(&["police", "civil-affairs"]).await;
    let client = lab.client().await;
    let single = || Renting::of(&lab, samples::TENANT).single();
    let denied = ran(&client, single().request()).await;
    assert_eq!(denied.outcome.outcome(), Outcome::NeedsCounter);
    assert_eq!(denied.said("homes"), "NO_AGREEMENT");
    let missing = &denied.need("no_home").missing[0];
    assert_eq!((missing.why.as_str(), missing.code.as_str()), ("denied", "NO_AGREEMENT"));
    assert!(missing.log_index.is_some());
    assert_eq!(denied.need("no_home").shown[0].verdict(), wire::Verdict::Unspecified);

    let lab = Lab::start(&ALL).await;
    let client = lab.client().await;
    lab.simulation.faults("housing").set_outage(true);
    let single = Renting::of(&lab, samples::TENANT).single();
    let down = ran(&client, single.request()).await;
    assert_eq!(down.outcome.outcome(), Outcome::NeedsCounter);
    let missing = &down.need("no_home").missing[0];
    assert_eq!(missing.why, "unavailable");
    assert!(!missing.code.is_empty() && missing.log_index.is_some());
    assert_eq!(down.need("who").state(), State::Met);
    replayed(&lab.entries());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_agency_hides_nothing_that_another_has_said() {
    let lab = Lab::start(&ALL).await;
    lab.simulation.faults("civil-affairs").set_delay(Duration::from_secs(4), Duration::ZERO);
    let client = lab.client().await;
    let application = Renting::of(&lab, samples::TENANT).single().with_lease(&lab);
    let ran = ran(&client, application.request()).await;
    let course = ran.course();
    let at = |step: &str| course.iter().position(|done| done == step).unwrap();
    assert!(at("marriage?") < at("identity!"), "{course:?}");
    assert!(at("identity!") < at("marriage!") && at("lease!") < at("marriage!"), "{course:?}");
    // Of what still runs, the events say so.
    let identity = ran.events.iter().find(|event| match &event.kind {
        Some(Kind::Answered(answered)) => answered.question == "identity",
        _ => false,
    });
    assert!(identity.unwrap().running.contains(&"marriage".to_owned()));
    assert_eq!(ran.outcome.outcome(), Outcome::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_case_asks_no_agency_twice() {
    let lab = Lab::start(&ALL).await;
    let client = lab.client().await;
    let application = Renting::of(&lab, samples::HUSBAND).request();
    let first = ran(&client, application.clone()).await;
    let asked = || ALL.map(|agency| lab.simulation.asked(agency));
    let (before, size) = (asked(), lab.size());
    let again = ran(&client, application).await;
    assert_eq!(asked(), before);
    // The same answers, under the same entries; the case itself is recorded again.
    let entries = |ran: &Ran| -> Vec<Option<u64>> {
        let shown = ran.outcome.needs.iter().flat_map(|need| &need.shown);
        shown.map(|shown| shown.log_index).collect()
    };
    assert_eq!(entries(&first), entries(&again));
    assert_eq!((lab.size(), again.outcome.log_index), (size + 1, size));
    replayed(&lab.entries());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_day_of_the_application_chooses_the_rule() {
    let lab = Lab::start(&ALL).await;
    let client = lab.client().await;
    let mut versions = 0;
    let of_it = lab.catalogue.items().filter(|item| item.code.as_str() == "W3");
    for item in of_it.filter(|item| item.rule.is_some()) {
        let mut application = Renting::of(&lab, samples::HUSBAND).request();
        application.submitted_on.clone_from(&item.effective_from);
        application::complete(&mut application, &item.rule.as_ref().unwrap().rule);
        let ran = ran(&client, application).await;
        let Some(Kind::Opened(opened)) = &ran.events[0].kind else { panic!("not opened first") };
        assert_eq!(opened.item_version, item.version);
        assert_eq!(opened.submitted_on, item.effective_from);
        assert_eq!(ran.outcome.outcome(), Outcome::Refuted, "{}", item.version);
        versions += 1;
    }
    assert!(versions > 0);
    let entries = lab.entries();
    assert_eq!(closed(&entries).len(), versions);
    assert!(closed(&entries).iter().all(|closed| closed.case_number == case_number()));
    replayed(&entries);
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_of_a_case_hold_against_what_was_put() {
    let lab = Lab::start(&ALL).await;
    let log = heyan::audit::file::Description::read(&lab.path("log")).unwrap().unwrap();
    let client = lab.client().await.requiring_receipts(vec![log.key().unwrap()]);
    let ran = ran(&client, Renting::of(&lab, samples::HUSBAND).request()).await;
    assert_eq!(ran.outcome.outcome(), Outcome::Refuted);
    for answered in ran.answered() {
        let Some(Came::Reply(reply)) = &answered.result else { panic!("refused") };
        assert!(reply.receipt.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_hangs_up_leaves_its_entries_and_nothing_more_is_asked() {
    let mut lab = Lab::start(&ALL).await;
    lab.simulation.faults("civil-affairs").set_delay(Duration::from_secs(2), Duration::ZERO);
    let client = lab.client().await;
    let application = Renting::of(&lab, samples::HUSBAND).request();
    let mut events = client.check_case(application, PATIENCE).await.unwrap();
    until("civil affairs are asked", || lab.simulation.asked("civil-affairs") == 1).await;
    events.next().await.unwrap().unwrap();
    drop(events);
    until("the case is recorded", || !closed(&lab.entries()).is_empty()).await;
    let entries = lab.entries();
    let closed = closed(&entries);
    assert!(closed[0].abandoned);
    // The marriage was under way and has its answer; the household and the homes were never asked about.
    assert_eq!(intents(&entries).len(), outcomes(&entries).len());
    let course: serde_json::Value = serde_json::from_str(&closed[0].course).unwrap();
    let mut asked: Vec<&str> = course["answers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| answer["question"].as_str().unwrap())
        .collect();
    asked.sort_unstable();
    assert_eq!(asked, ["identity", "marriage"]);
    assert_eq!(lab.simulation.asked("housing"), 0);
    replayed(&entries);
    drop(client);
    lab.close().await;
}
