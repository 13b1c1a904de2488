//! Batches: each row asked once whatever happens, at the agency's pace, and never at the cost of those at a counter.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use encoding_rs::GB18030;
use heyan::audit::entry::{Entry, Kind, encode};
use heyan::client::Client;
use heyan::proto::gateway::v1 as wire;
use heyan::query::time::Timestamp;
use heyan::replay::replay;
use heyan::simulate::province::Trait;
use tokio::process::{Child, Command};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use wire::batch_reply::Result as Told;

use crate::support::draft::Draft;
use crate::support::entries::{intents, outcomes};
use crate::support::{Lab, PATIENCE, ask, until};

/// An installation where the police answer P1 and P2, nothing is kept, and the manifest is changed like this.
async fn prepared(quota: &str, changes: &[(&str, &str)]) -> Lab {
    let lab = Lab::prepare(&[]).await;
    let mut draft = Draft::new("batch", "police");
    draft.quota = quota.to_owned();
    for code in ["P1", "P2"] {
        let fact = lab.catalogue.fact(&code.into()).unwrap();
        draft = draft.all_of(fact, &lab.catalogue);
    }
    draft.place(&lab);
    let manifest = lab.path("adapters/police.toml");
    let mut text = std::fs::read_to_string(&manifest).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "the manifest has no `{from}`");
        text = text.replacen(from, to, 1);
    }
    std::fs::write(manifest, text).unwrap();
    lab
}

pub(crate) const FAST: (&str, &str) = ("rate_per_second = 20", "rate_per_second = 500");

pub(crate) async fn started(changes: &[(&str, &str)], settings: &str) -> Lab {
    let mut lab = prepared("", changes).await;
    lab.set(settings);
    lab.serve().await;
    lab
}

/// Name and number of so many people.
pub(crate) fn people(lab: &Lab, count: usize) -> Vec<(String, String)> {
    let province = lab.simulation.province();
    let citizens = (0..province.population()).filter_map(|index| {
        let person = province.person(index)?;
        (!person.has(Trait::Foreigner)).then(|| (province.name(index), person.number()))
    });
    let found: Vec<_> = citizens.take(count).collect();
    assert_eq!(found.len(), count);
    found
}

/// A list of so many people.
pub(crate) fn list(lab: &Lab, count: usize) -> PathBuf {
    let mut text = "工号,姓名,身份证号\n".to_owned();
    for (number, (name, id)) in people(lab, count).into_iter().enumerate() {
        text += &format!("{number},{name},{id}\n");
    }
    let file = lab.beside("staff.csv");
    std::fs::write(&file, text).unwrap();
    file
}

pub(crate) fn batch(lab: &Lab, file: &Path) -> Command {
    let purpose = lab.question("P1").purpose.unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_heyan"));
    command.args(["batch", file.to_str().unwrap(), "--fact", "P1", "--operator", "0042/batch"]);
    command.args(["--item", &format!("{}@{}", purpose.item, purpose.item_version)]);
    command.args(["--case", &purpose.case_number, "--column", "person.name=姓名"]);
    command.args(["--column", "person.document_number=身份证号", "--json"]);
    connected(lab, &mut command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

fn connected(lab: &Lab, command: &mut Command) {
    command.args(["--gateway", &lab.endpoint()]);
    command.arg("--identity").arg(lab.path("pki/fund-centre/approval"));
    command.arg("--authority").arg(lab.path("pki/fund-centre/ca.pem"));
}

pub(crate) async fn ended(command: &mut Command) -> (Option<i32>, serde_json::Value) {
    let output = tokio::time::timeout(4 * PATIENCE, command.output()).await.unwrap().unwrap();
    summary(&output)
}

fn summary(output: &Output) -> (Option<i32>, serde_json::Value) {
    let told = String::from_utf8_lossy(&output.stdout);
    let json = serde_json::from_str(&told);
    let error = String::from_utf8_lossy(&output.stderr);
    (output.status.code(), json.unwrap_or_else(|_| panic!("{told}{error}")))
}

/// The rows of a file of results, each with its line.
fn lines(lab: &Lab, name: &str) -> BTreeMap<u64, String> {
    let text = std::fs::read_to_string(lab.beside(name)).unwrap_or_default();
    let mut found = BTreeMap::new();
    for line in text.lines().skip(1) {
        let (row, rest) = line.split_once(',').unwrap();
        assert!(found.insert(row.parse().unwrap(), rest.to_owned()).is_none(), "{row} twice");
    }
    found
}

pub(crate) fn has_all(lab: &Lab, count: usize) {
    let results = lines(lab, "staff.results.csv");
    let expected: BTreeSet<u64> = (2..).take(count).collect();
    assert_eq!(results.keys().copied().collect::<BTreeSet<_>>(), expected);
    let told = |line: &String| line.starts_with("CONFIRMED,") || line.starts_with("REFUTED,");
    assert!(results.values().all(told), "{results:?}");
}

pub(crate) fn replays_clean(entries: &[Entry]) {
    let stored = entries.iter().map(|entry| encode(entry).unwrap());
    assert_eq!(replay((0..).zip(stored), None).findings, []);
}

async fn signal(child: &Child, name: &str) {
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-s", name, &id]).status().await.unwrap().success());
}

/// A question about each of so many people, numbered from 1.
pub(crate) fn questions(lab: &Lab, count: usize) -> Vec<wire::BatchRequest> {
    let mut asked = Vec::new();
    for (number, (name, id)) in (1..).zip(people(lab, count)) {
        let mut question = lab.question("P1");
        let Some(wire::subject::Kind::Person(person)) = &mut question.subjects[0].kind else {
            panic!("P1 is about a person")
        };
        (person.name, person.document_number) = (name, id);
        let question = Some(question);
        asked.push(wire::BatchRequest { sequence: number, question, deadline: None });
    }
    asked
}

#[tokio::test(flavor = "multi_thread")]
async fn every_question_gets_its_own_reply_and_entry_and_bad_ones_their_refusal() {
    let lab = started(&[FAST], "").await;
    let mut asked = questions(&lab, 30);
    asked[3].question.as_mut().unwrap().fact = "X9".to_owned();
    asked[4].question.as_mut().unwrap().request_id = "none".to_owned();
    asked[5].question = None;
    let client = lab.client().await;
    let replies = client.verify_batch(tokio_stream::iter(asked)).await.unwrap();
    let replies: Vec<wire::BatchReply> = replies.map(|reply| reply.unwrap()).collect().await;
    let entries = lab.entries();
    let mut seen = BTreeSet::new();
    for reply in replies {
        assert!(seen.insert(reply.sequence));
        match reply.result.unwrap() {
            Told::Answer(answer) => {
                let outcome = crate::support::entries::outcome(&entries, answer.log_index);
                let id = uuid::Uuid::from_bytes(outcome.facts.request_id).to_string();
                assert_eq!(id, answer.request_id);
                assert!(![4, 5, 6].contains(&reply.sequence));
            }
            Told::Refusal(refusal) => {
                let index = usize::try_from(refusal.log_index.unwrap()).unwrap();
                let Kind::Denial(denied) = &entries[index].kind else { panic!("no denial") };
                assert_eq!(denied.code, refusal.reason);
                assert!([4, 5, 6].contains(&reply.sequence), "{refusal:?}");
                assert_eq!(refusal.code, i32::from(tonic::Code::InvalidArgument));
                if reply.sequence == 5 {
                    assert_eq!(refusal.defects[0].field, "request_id");
                }
            }
        }
    }
    assert_eq!(seen, (1..=30).collect());
    replays_clean(&entries);
}

/// With five a second and two places, sixty-four at once would mostly be refused: none is, and none was asked in vain.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_goes_at_the_agencys_pace_and_nothing_is_recorded_of_waiting() {
    let changes = [
        ("rate_per_second = 20", "rate_per_second = 5"),
        ("max_in_flight   = 16", "max_in_flight   = 2"),
    ];
    let lab = started(&changes, "").await;
    let client = lab.client().await;
    let asked = questions(&lab, 12);
    let replies = client.verify_batch(tokio_stream::iter(asked)).await.unwrap();
    let replies: Vec<wire::BatchReply> = replies.map(|reply| reply.unwrap()).collect().await;
    for reply in &replies {
        let Some(Told::Answer(answer)) = &reply.result else { panic!("{reply:?}") };
        assert_ne!(answer.verdict(), wire::Verdict::Unavailable, "{:?}", answer.unavailability);
    }
    let entries = lab.entries();
    assert_eq!((replies.len(), lab.simulation.asked("police")), (12, 12));
    assert_eq!((intents(&entries).len(), outcomes(&entries).len()), (12, 12));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_for_a_second_is_kept_to_without_denials_for_every_row() {
    let mut lab = prepared("per_second = 8", &[FAST]).await;
    lab.serve().await;
    let client = lab.client().await;
    let replies = client.verify_batch(tokio_stream::iter(questions(&lab, 12))).await.unwrap();
    let replies: Vec<wire::BatchReply> = replies.map(|reply| reply.unwrap()).collect().await;
    let is_told = |reply: &wire::BatchReply| matches!(reply.result, Some(Told::Answer(_)));
    assert!(replies.len() == 12 && replies.iter().all(is_told), "{replies:?}");
    let entries = lab.entries();
    let mut seconds: BTreeMap<u64, u32> = BTreeMap::new();
    for (_, outcome) in outcomes(&entries) {
        *seconds.entry(outcome.facts.received_at.seconds()).or_default() += 1;
    }
    assert!(seconds.values().all(|count| *count <= 8), "{seconds:?}");
    replays_clean(&entries);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_of_a_stream_is_read_than_the_window_has() {
    let lab = started(&[FAST], "\n[limits]\nbatch_in_flight = 4\n").await;
    lab.simulation.faults("police").set_delay(Duration::from_millis(20), Duration::ZERO);
    let client = lab.client().await;
    let replies = client.verify_batch(tokio_stream::iter(questions(&lab, 40))).await.unwrap();
    assert_eq!(replies.collect::<Vec<_>>().await.len(), 40);
    let mut open = 0_i32;
    for entry in lab.entries() {
        match entry.kind {
            Kind::Intent(_) => open += 1,
            Kind::Outcome(_) => open -= 1,
            _ => {}
        }
        assert!((0..=4).contains(&open), "{open} at once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_at_a_counter_is_answered_while_a_batch_saturates_the_agency() {
    let lab = started(&[], "").await;
    lab.simulation.faults("police").set_delay(Duration::from_millis(200), Duration::ZERO);
    let client = lab.client().await;
    let (sender, outgoing) = mpsc::channel(64);
    let mut replies = client.verify_batch(ReceiverStream::new(outgoing)).await.unwrap();
    let (done, room) = (CancellationToken::new(), Semaphore::new(100));
    // As long as anybody is at the counter.
    let feeding = async {
        let mut sent = 0;
        for mut question in questions(&lab, 50).into_iter().cycle() {
            if done.is_cancelled() {
                break;
            }
            question.question.as_mut().unwrap().request_id = Client::request_id();
            // What is sent beyond the window lies on the way, and would have to be answered in the end.
            room.acquire().await.unwrap().forget();
            sender.send(question).await.unwrap();
            sent += 1;
        }
        drop(sender);
        sent
    };
    let reading = async {
        let mut heard = 0;
        while let Some(reply) = replies.message().await.unwrap() {
            let Some(Told::Answer(answer)) = reply.result else { panic!("{:?}", reply.result) };
            assert_ne!(answer.verdict(), wire::Verdict::Unavailable);
            heard += 1;
            room.add_permits(1);
        }
        heard
    };
    let counter = async {
        until("the batch is under way", || lab.simulation.asked("police") >= 8).await;
        for _ in 0..5 {
            let reply = ask(&client, lab.question("P2")).await;
            assert_eq!(reply.verdict(), wire::Verdict::Confirmed, "{:?}", reply.unavailability);
        }
        done.cancel();
    };
    let (sent, heard, ()) = tokio::join!(feeding, reading, counter);
    assert!(sent >= 64, "{sent} were sent: nothing was saturated");
    assert_eq!(heard, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_caller_hangs_up_what_is_under_way_ends_and_nothing_new_begins() {
    let mut lab = started(&[], "").await;
    lab.simulation.faults("police").set_delay(Duration::from_millis(100), Duration::ZERO);
    let client = lab.client().await;
    let replies = client.verify_batch(tokio_stream::iter(questions(&lab, 60))).await.unwrap();
    until("some are asked", || lab.simulation.asked("police") >= 3).await;
    drop(replies);
    drop(client);
    lab.close().await;
    let entries = crate::cli::stored(&lab);
    let (intents, outcomes) = (intents(&entries), outcomes(&entries));
    assert_eq!(intents.len(), outcomes.len());
    assert!(intents.len() < 60, "all were asked");
    for (index, _) in intents {
        assert!(outcomes.iter().any(|(_, outcome)| outcome.intent == Some(index)));
    }
    replays_clean(&entries);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_stops_answers_what_it_has_read_and_says_so() {
    let mut lab = started(&[FAST], "").await;
    let client = lab.client().await;
    let (sender, outgoing) = mpsc::channel(64);
    let mut replies = client.verify_batch(ReceiverStream::new(outgoing)).await.unwrap();
    for question in questions(&lab, 10) {
        sender.send(question).await.unwrap();
    }
    let reading = async {
        let mut heard = 0;
        let last = loop {
            match replies.message().await {
                Ok(Some(_)) => heard += 1,
                Ok(None) => panic!("it ended as if all had been said"),
                Err(status) => break status,
            }
        };
        (heard, last)
    };
    let asked = async {
        until("all are asked", || lab.simulation.asked("police") >= 10).await;
        lab.close().await;
    };
    let ((heard, last), ()) = tokio::join!(reading, asked);
    assert_eq!((heard, last.code()), (10, tonic::Code::Unavailable));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_in_gb18030_is_asked_about_and_bad_rows_are_named_and_not_sent() {
    let lab = started(&[FAST], "").await;
    let mut text = "工号，姓名，身份证号\r\n".to_owned();
    for (number, (name, id)) in people(&lab, 6).into_iter().enumerate() {
        match number {
            // A digit that is not the right one.
            1 => {
                let wrong = if id.ends_with('1') { "2" } else { "1" };
                text += &format!("{number}，{name}，{}{wrong}\r\n", &id[..17]);
            }
            3 => text += &format!("{number}，，{id}\r\n"),
            4 => text += &format!("{number}，\"{name}\"，{}，多\r\n", id.to_lowercase()),
            _ => text += &format!("{number}，\"{name}\"，{}\r\n", id.to_lowercase()),
        }
    }
    let file = lab.beside("staff.csv");
    std::fs::write(&file, GB18030.encode(&text).0).unwrap();
    let (code, told) = ended(&mut batch(&lab, &file)).await;
    assert_eq!(code, Some(2), "{told}");
    assert_eq!((&told["counts"]["bad_row"], &told["left"]), (&3.into(), &0.into()), "{told}");
    let failed = lines(&lab, "staff.failed.csv");
    assert_eq!(failed[&3], "bad_row,check_digit,person.document_number,");
    assert_eq!(failed[&5], "bad_row,missing,person.name,");
    assert_eq!(failed[&6], "bad_row,columns,row,");
    assert_eq!(lines(&lab, "staff.results.csv").keys().copied().collect::<Vec<_>>(), [2, 4, 7]);
    assert_eq!(lab.simulation.asked("police"), 3);
    assert_eq!(intents(&lab.entries()).len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_or_a_stop_nobody_is_asked_about_twice() {
    let lab = started(&[("rate_per_second = 20", "rate_per_second = 60")], "").await;
    lab.simulation.faults("police").set_delay(Duration::from_millis(40), Duration::ZERO);
    let count = 90;
    let file = list(&lab, count);
    for (name, enough) in [("KILL", 20), ("TERM", 45)] {
        let mut child = batch(&lab, &file).args(["--in-flight", "16"]).spawn().unwrap();
        until("some are asked", || lab.simulation.asked("police") >= enough).await;
        signal(&child, name).await;
        let status = tokio::time::timeout(4 * PATIENCE, child.wait()).await.unwrap().unwrap();
        assert_eq!(status.code(), if name == "TERM" { Some(2) } else { None });
    }
    assert!(lab.simulation.asked("police") < 90, "it was over before it was stopped");
    let (code, told) = ended(&mut batch(&lab, &file)).await;
    assert!(matches!(code, Some(0 | 1)), "{told}");
    has_all(&lab, count);
    assert_eq!(lab.simulation.asked("police"), count as u64);
    assert_eq!(intents(&lab.entries()).len(), count);
    replays_clean(&lab.entries());

    // Once more, when all is done: nothing is asked or recorded.
    let size = lab.size();
    let (again, _) = ended(&mut batch(&lab, &file)).await;
    assert_eq!((again, lab.size()), (code, size));
    has_all(&lab, count);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_costs_some_rows_which_may_be_asked_about_again() {
    let lab = started(&[("rate_per_second = 20", "rate_per_second = 60")], "").await;
    let count = 60;
    let file = list(&lab, count);
    let mut running = batch(&lab, &file).spawn().unwrap();
    until("some are asked", || lab.simulation.asked("police") >= 10).await;
    lab.simulation.faults("police").set_outage(true);
    until("rows have failed", || !lines(&lab, "staff.failed.csv").is_empty()).await;
    lab.simulation.faults("police").set_outage(false);
    let status = tokio::time::timeout(4 * PATIENCE, running.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(2));
    let failed = lines(&lab, "staff.failed.csv");
    assert!(failed.values().all(|line| line.starts_with("unavailable,")), "{failed:?}");
    assert_eq!(failed.len() + lines(&lab, "staff.results.csv").len(), count);

    let asked = lab.simulation.asked("police");
    let (code, told) = ended(&mut batch(&lab, &file)).await;
    assert_eq!((code, lab.simulation.asked("police")), (Some(2), asked), "{told}");
    let (code, told) = ended(batch(&lab, &file).arg("--ask-again")).await;
    assert!(matches!(code, Some(0 | 1)), "{told}");
    has_all(&lab, count);
    assert_eq!(lab.simulation.asked("police"), asked + failed.len() as u64);
    replays_clean(&lab.entries());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_days_quota_stops_the_batch_and_costs_no_row() {
    let mut lab = prepared("per_day = 10", &[FAST]).await;
    lab.serve().await;
    let file = list(&lab, 200);
    let day = || heyan::clock::now().china_day();
    let begun = day();
    let (code, told) = ended(&mut batch(&lab, &file)).await;
    assert_eq!(code, Some(2), "{told}");
    assert!(told["halted"].as_str().unwrap().starts_with("QUOTA_DAY: "), "{told}");
    let permitted = if day() == begun { 10..=10 } else { 10..=20 };
    let results = lines(&lab, "staff.results.csv");
    assert!(permitted.contains(&results.len()), "{told}");
    assert!(lines(&lab, "staff.failed.csv").is_empty());
    let denied = |entry: &Entry| matches!(&entry.kind, Kind::Denial(_));
    assert!(lab.entries().iter().filter(|entry| denied(entry)).count() < 190, "all were tried");

    // Under another agreement, the same command goes on with those that were refused.
    let mut draft = Draft::new("batch", "police");
    draft.version = 2;
    draft.quota = "per_day = 1000".to_owned();
    draft.from =
        crate::support::draft::written(Timestamp::from_seconds(heyan::clock::now().seconds() - 1));
    let fact = lab.catalogue.fact(&"P1".into()).unwrap();
    draft.all_of(fact, &lab.catalogue).place_beside(&lab);
    lab.node().reload().await;
    let (code, told) = ended(&mut batch(&lab, &file)).await;
    assert!(matches!(code, Some(0 | 1)), "{told}");
    has_all(&lab, 200);
    assert_eq!(lab.simulation.asked("police"), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_printed_filled_in_and_used() {
    let lab = started(&[FAST], "").await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_heyan"));
    command.args(["batch", "form", "P1"]);
    connected(&lab, &mut command);
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let purpose = lab.question("P1").purpose.unwrap();
    let form = String::from_utf8(output.stdout).unwrap();
    let item = format!("item = \"{}@{}\"", purpose.item, purpose.item_version);
    let form = form
        .replacen("item = \"\"", &item, 1)
        .replacen("case = \"\"", &format!("case = \"{}\"", purpose.case_number), 1)
        .replacen("operator = \"\"", "operator = \"0042/batch\"", 1);
    let file = lab.beside("form.toml");
    std::fs::write(&file, form).unwrap();
    let list = list(&lab, 3);
    let mut command = Command::new(env!("CARGO_BIN_EXE_heyan"));
    command.arg("batch").arg(&list).arg("--form").arg(&file).arg("--json");
    connected(&lab, &mut command);
    let (code, told) = ended(&mut command).await;
    assert!(matches!(code, Some(0 | 1)), "{told}");
    has_all(&lab, 3);
}
