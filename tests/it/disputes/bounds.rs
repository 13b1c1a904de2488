//! How much there may be of disputes: calls at once, disputes a day, entries about failures, disputes on a page.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use heyan::client::Client;
use heyan::proto::gateway::v1 as wire;
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use tokio::task::JoinSet;

use super::{
    CIVIL, again, answer, becomes, contest, fails, found, hold_wrongly, make_queue, prepared,
    refused, refuted, replayed, shown, steps, undelivered, wronged,
};
use crate::support::{Lab, PATIENCE, ask, until};

/// What is kept of a dispute, behind a pipe: whoever reads it waits.
struct Piped {
    path: PathBuf,
    /// The pipe under another name, for when what is kept has been removed.
    aside: PathBuf,
    kept: Vec<u8>,
}

impl Piped {
    fn new(lab: &Lab, id: &str) -> Self {
        let path = lab.path(format!("disputes/{id}.dispute"));
        let aside = lab.beside(id);
        let kept = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        fs::hard_link(&path, &aside).unwrap();
        Self { path, aside, kept }
    }

    /// The other end, as soon as somebody reads.
    fn reader(&self) -> Option<File> {
        let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
        File::options().write(true).custom_flags(nonblocking).open(&self.aside).ok()
    }

    fn release(&self, mut reader: File) {
        reader.write_all(&self.kept).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_for_the_disk_keeps_no_question_and_no_other_dispute() {
    let mut lab = prepared(false).await;
    lab.set("calls = 2\ncalls_per_caller = 1\n[limits]\nin_flight = 1\n");
    let (client, question, first) = wronged(&mut lab).await;
    let mut other = question.clone();
    other.request_id = Client::request_id();
    let second = refuted(&client, &other).await;
    let contested = contest(&question, first.log_index);
    let opened = client.contest(contested.clone()).await.unwrap();
    let id = client.contest(contest(&other, second.log_index)).await.unwrap().dispute_id;

    let piped = Piped::new(&lab, &opened.dispute_id);
    let mut calls = JoinSet::new();
    let (repeating, repeated) = (client.clone(), contested.clone());
    calls.spawn(async move { repeating.contest(repeated).await });
    let reader = std::cell::RefCell::new(None);
    until("it is read", || {
        *reader.borrow_mut() = piped.reader();
        reader.borrow().is_some()
    })
    .await;
    // The only place of questions is free, the caller's place of disputes is not, and the agency answers another dispute.
    ask(&client, lab.question("M1")).await;
    assert_eq!(refused(&client, contested).await.reason, "OVERLOADED");
    let given = wire::AnswerDisputeRequest {
        dispute_id: id,
        finding: "upheld".to_owned(),
        on: "2026-11-23".to_owned(),
        text: String::new(),
    };
    let theirs = lab.client_as(CIVIL, "agency").await;
    let answering = tokio::time::timeout(PATIENCE / 2, theirs.answer_dispute(given));
    assert_eq!(answering.await.expect("it waited for another's").unwrap().finding, "upheld");
    piped.release(reader.into_inner().unwrap());
    let known = calls.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(known.log_index, opened.log_index);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_ask_again_at_once_one_is_recorded() {
    let mut lab = prepared(false).await;
    let (client, question, first) = wronged(&mut lab).await;
    let id = client.contest(contest(&question, first.log_index)).await.unwrap().dispute_id;
    lab.simulation.faults(CIVIL).set_delay(Duration::from_secs(2), Duration::ZERO);
    let before = lab.simulation.asked(CIVIL);
    let mut calls = JoinSet::new();
    let ask_again = |calls: &mut JoinSet<_>| {
        let (client, asked) = (client.clone(), again(&id));
        calls.spawn(async move { client.recheck(asked, None, PATIENCE).await });
    };
    ask_again(&mut calls);
    until("the agency is asked", || lab.simulation.asked(CIVIL) > before).await;
    // Whoever has looked at the dispute by now, and reads on when the first is over, asks a second time.
    let piped = Piped::new(&lab, &id);
    ask_again(&mut calls);
    let mut came = Vec::new();
    until("the first is recorded", || steps(&lab.entries()).contains(&"asked again")).await;
    until("what was kept is removed", || !piped.path.exists()).await;
    if let Some(reader) = piped.reader() {
        piped.release(reader);
    }
    while let Some(ended) = calls.join_next().await {
        came.extend(ended.unwrap().ok().and_then(|came| came.answer));
    }
    assert_eq!(came.len(), 1, "two were answered");
    let entries = lab.entries();
    assert_eq!(steps(&entries), ["opened", "asked again"]);
    assert_eq!(replayed(&entries), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_stays_that_of_its_dispute_when_the_question_is_gone() {
    let mut lab = prepared(false).await;
    let (client, question, first) = wronged(&mut lab).await;
    let opened = client.contest(contest(&question, first.log_index)).await.unwrap();
    let asked = again(&opened.dispute_id);
    let request_id = asked.request_id.clone();
    let came = client.recheck(asked, None, PATIENCE).await.unwrap();
    let mut other = contest(&question, came.answer.unwrap().log_index);
    other.question.as_mut().unwrap().request_id = request_id;
    other.dispute_id = opened.dispute_id.clone();
    assert_eq!(refused(&client, other).await.fields[0].0, "dispute_id");
    let mut same = contest(&question, first.log_index);
    same.dispute_id = opened.dispute_id;
    assert_eq!(client.contest(same).await.unwrap().log_index, opened.log_index);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_organisation_opens_so_many_a_day() {
    let mut lab = prepared(false).await;
    lab.set("opened_per_day = 1\n");
    hold_wrongly(&lab);
    lab.serve().await;
    let client = lab.client().await;
    let mut refusals = Vec::new();
    // A day may end between two of them, but not between all three.
    for _ in 0..3 {
        let question = lab.question("M1");
        let answered = refuted(&client, &question).await;
        match client.contest(contest(&question, answered.log_index)).await {
            Ok(_) => {}
            Err(heyan::client::ClientError::Refused(refused)) => refusals.push(refused.reason),
            Err(error) => panic!("{error}"),
        }
    }
    assert!(!refusals.is_empty() && refusals.iter().all(|reason| reason == "TOO_MANY_TODAY"));
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_in_turn_do_not_fill_the_log() {
    let mut lab = prepared(true).await;
    let (client, id) = undelivered(&mut lab).await;
    let folder = lab.path("queues/civil-affairs");
    fs::create_dir_all(lab.path("queues")).unwrap();
    for _ in 0..3 {
        fs::write(&folder, "no folder").unwrap();
        fails(&client, &id, "folder_unwritable").await;
        fs::remove_file(&folder).unwrap();
        fails(&client, &id, "folder_missing").await;
    }
    // Two reasons, and one more where a day ends meanwhile.
    let failures = steps(&lab.entries()).len() - 1;
    assert!((2..=3).contains(&failures), "{failures} entries");
    make_queue(&lab);
    becomes(&client, &id, "DELIVERED").await;
    assert_eq!(replayed(&lab.entries()), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_have_pages_in_the_order_of_the_log() {
    const COUNT: usize = 103;
    let mut lab = prepared(false).await;
    hold_wrongly(&lab);
    lab.serve().await;
    let client = lab.client().await;
    let mut contested = Vec::new();
    for _ in 0..COUNT {
        let question = lab.question("M1");
        let answered = refuted(&client, &question).await;
        contested.push(contest(&question, answered.log_index));
    }
    // The first says that it comes from the far future.
    contested[0].dispute_id = "ffffffff-ffff-7fff-bfff-ffffffffffff".to_owned();
    let mut opened = Vec::new();
    for one in contested {
        opened.push(client.contest(one).await.unwrap().dispute_id);
    }
    opened.reverse();
    let page = client.disputes_page(wire::ListDisputesRequest::default()).await.unwrap();
    let ids = |disputes: &[wire::Dispute]| {
        disputes.iter().map(|one| one.dispute_id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&page.disputes), opened[..page.disputes.len()]);
    assert!(page.disputes.len() < COUNT && !page.next_page_token.is_empty());
    let all = client.disputes(wire::ListDisputesRequest::default()).await.unwrap();
    assert_eq!(ids(&all), opened);
    let page_token = "next".to_owned();
    let odd = wire::ListDisputesRequest { page_token, ..Default::default() };
    assert!(client.disputes_page(odd).await.is_err());
    let one = shown(&client, &opened[COUNT - 1]).await;
    assert_eq!(one.dispute_id, opened[COUNT - 1]);
}

/// A second answer in other words is none that was given before.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_repeated_word_for_word_or_refused() {
    let mut lab = prepared(true).await;
    make_queue(&lab);
    let (client, question, first) = wronged(&mut lab).await;
    let id = client.contest(contest(&question, first.log_index)).await.unwrap().dispute_id;
    becomes(&client, &id, "DELIVERED").await;
    let answers = lab.path("queues/civil-affairs/answers");
    answer(&lab, "one.json", &found(&id, "upheld"));
    until("it is taken", || answers.join("taken/one.json").is_file()).await;
    answer(&lab, "two.json", &found(&id, "upheld"));
    until("the same is taken", || answers.join("taken/two.json").is_file()).await;
    answer(&lab, "three.json", &found(&id, "upheld").replace("更正", "核对"));
    until("another is refused", || answers.join("refused/three.json").is_file()).await;
    assert!(shown(&client, &id).await.answer.contains("已更正"));
    assert_eq!(steps(&lab.entries()), ["opened", "delivered", "answered"]);
}

/// Between the entry of asking again and the removal of what was kept nothing is put there anew.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_last_brings_back_nothing_that_was_kept() {
    let mut lab = prepared(false).await;
    let (client, question, first) = wronged(&mut lab).await;
    let id = client.contest(contest(&question, first.log_index)).await.unwrap().dispute_id;
    let path = lab.path(format!("disputes/{id}.dispute"));
    let kept = fs::read(&path).unwrap();
    client.recheck(again(&id), None, PATIENCE).await.unwrap();
    assert!(!path.exists());
    // As if it were yet to be removed.
    fs::write(&path, &kept).unwrap();
    let given = wire::AnswerDisputeRequest {
        dispute_id: id,
        finding: "upheld".to_owned(),
        on: "2026-11-23".to_owned(),
        text: "as it stands".to_owned(),
    };
    let theirs = lab.client_as(CIVIL, "agency").await;
    assert_eq!(theirs.answer_dispute(given).await.unwrap().finding, "upheld");
    assert!(fs::read(&path).unwrap() == kept, "what is to go was written anew");
    assert_eq!(steps(&lab.entries()), ["opened", "asked again", "answered"]);
    assert_eq!(replayed(&lab.entries()), []);
}
