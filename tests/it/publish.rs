//! An agreement brought to a running gateway: in force for the next question, or refused with nothing changed. And what
//! becomes of versions: they begin by themselves, stand beside each other, and do not come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use heyan::client::{Client, ClientError, Refused};
use heyan::clock::now;
use heyan::gateway::in_force::Reloaded;
use heyan::proto::gateway::v1 as wire;
use heyan::query::time::Timestamp;
use heyan::replay::replay;
use tonic::Code;
use wire::source::Kind::{Agency, Cache};

use crate::support::draft::{Draft, tampered};
use crate::support::entries::{agreements, outcome};
use crate::support::{Lab, PATIENCE, ask, refused};

const BOTH: [&str; 2] = ["fund-centre", "civil-affairs"];

/// The marriage check, kept for a day, as this version.
fn marriage(lab: &Lab, version: u32) -> Draft {
    let fact = lab.catalogue.fact(&"M2".into()).unwrap();
    let keep = "cache = { found = \"1d\", not_found = \"1h\" }";
    let draft = Draft::new("trial", "civil-affairs");
    let mut draft = draft.clause(fact, &lab.catalogue, &["married"], &[], keep);
    draft.version = version;
    draft
}

async fn published(client: &Client, document: &[u8]) -> wire::PublishAgreementResponse {
    client.publish_agreement(document.to_vec()).await.unwrap_or_else(|error| panic!("{error}"))
}

async fn not_published(client: &Client, document: &[u8]) -> Refused {
    match client.publish_agreement(document.to_vec()).await {
        Err(ClientError::Refused(refused)) => *refused,
        Err(error) => panic!("no refusal came: {error}"),
        Ok(published) => panic!("it was published: {published:?}"),
    }
}

async fn reload(lab: &Lab) -> Reloaded {
    lab.node().gateway().reload(now).await
}

async fn finds_nothing_to_change(lab: &Lab) {
    let reloaded = reload(lab).await;
    assert!(reloaded.changes.is_empty() && reloaded.findings.is_empty(), "{reloaded:?}");
}

/// Stops the gateway and starts it again; the log, and what a reload finds, must be the same.
async fn starts_again_the_same(lab: &mut Lab) {
    let before = agreements(&lab.entries());
    lab.close().await;
    lab.serve().await;
    assert_eq!(agreements(&lab.entries()), before);
    finds_nothing_to_change(lab).await;
}

fn replays_clean(lab: &Lab) {
    let stored = lab.node().gateway().audit().entries(0, usize::MAX).unwrap();
    assert_eq!(replay((0..).zip(stored), None).findings, []);
}

/// The names of everything in the folder of agreements.
fn files(lab: &Lab) -> Vec<String> {
    let entries = std::fs::read_dir(lab.path("agreements")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Adopted and withdrawn versions of the trial, in order, by what their entries say.
fn steps(lab: &Lab) -> Vec<bool> {
    let steps = agreements(&lab.entries()).into_iter();
    steps.filter(|(id, _)| id == "trial").map(|(_, adopted)| adopted).collect()
}

/// In RFC 3339, as agreements say it.
fn in_words(at: Timestamp) -> String {
    prost_types::Timestamp { seconds: at.seconds().try_into().unwrap(), nanos: 0 }.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_is_in_force_for_the_next_question() {
    let mut lab = Lab::start(&["police"]).await;
    let client = lab.client().await;
    assert_eq!(refused(&client, lab.question("M2")).await.reason, "NO_AGREEMENT");

    // A system without any right, of a party.
    let bringer = lab.client_as("fund-centre", "gateway").await;
    let document = marriage(&lab, 1).signed_by(&lab, &BOTH);
    let first = published(&bringer, &document).await;
    assert_eq!((first.id.as_str(), first.version, first.is_known), ("trial", 1, false));
    let reply = ask(&client, lab.question("M2")).await;
    assert_eq!(reply.grant.unwrap().agreement, "trial");
    assert_eq!(outcome(&lab.entries(), reply.log_index).permit.agreement, "trial");
    assert_eq!(std::fs::read(lab.path("agreements/trial.v1.json")).unwrap(), document);

    // Again, by one who runs the gateway: nothing happens, and the entry is the same.
    let size = lab.size();
    let operator = lab.client_as("fund-centre", "operations").await;
    let again = published(&operator, &document).await;
    assert_eq!(again, wire::PublishAgreementResponse { is_known: true, ..first.clone() });
    assert_eq!(lab.size(), size);
    let kept = ask(&client, lab.question("M2")).await;
    assert_eq!(kept.source.unwrap().kind(), Cache, "nothing was dropped either");

    finds_nothing_to_change(&lab).await;
    drop((client, bringer, operator));
    starts_again_the_same(&mut lab).await;
    let reply = ask(&lab.client().await, lab.question("M2")).await;
    assert_eq!(reply.grant.unwrap().agreement, "trial");
    replays_clean(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_takes_the_place_of_the_one_before_and_kept_answers_fall() {
    let mut lab = Lab::prepare(&[]).await;
    marriage(&lab, 1).place(&lab);
    lab.serve().await;
    let client = lab.client().await;
    ask(&client, lab.question("M2")).await;
    let question = lab.question("M2");
    assert_eq!(ask(&client, question.clone()).await.source.unwrap().kind(), Cache);

    published(&client, &marriage(&lab, 2).signed_by(&lab, &BOTH)).await;
    let reply = ask(&client, lab.question("M2")).await;
    assert_eq!(reply.source.unwrap().kind(), Agency);
    assert_eq!(reply.grant.unwrap().version, 2);
    // A retry of a question from before is decided anew too.
    assert_eq!(ask(&client, question).await.grant.unwrap().version, 2);
    assert_eq!(steps(&lab), [true, true, false]);
    assert_eq!(files(&lab), ["trial.json", "trial.v2.json"]);

    finds_nothing_to_change(&lab).await;
    drop(client);
    starts_again_the_same(&mut lab).await;
    replays_clean(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_document_changes_nothing_and_the_reason_is_said() {
    let lab = Lab::start(&["police"]).await;
    let operator = lab.client_as("fund-centre", "operations").await;
    published(&operator, &marriage(&lab, 3).signed_by(&lab, &BOTH)).await;

    let next = || marriage(&lab, 4);
    let whole = next().signed_by(&lab, &BOTH);
    let fact = lab.catalogue.fact(&"M2".into()).unwrap();
    let unknown = Draft::new("other", "civil-affairs").clause(
        fact,
        &lab.catalogue,
        &["married", "wed"],
        &["rings"],
        "",
    );
    let mut others = Draft::new("trial", "police");
    others.version = 4;
    let others = others.all_of(lab.catalogue.fact(&"P2".into()).unwrap(), &lab.catalogue);
    let mut rewritten = marriage(&lab, 3);
    rewritten.quota = "per_day = 7".to_owned();
    let cases = [
        (b"nothing".to_vec(), Code::InvalidArgument, "DOCUMENT_MALFORMED"),
        (Vec::new(), Code::InvalidArgument, "DOCUMENT_MALFORMED"),
        (whole[..whole.len() / 2].to_vec(), Code::InvalidArgument, "DOCUMENT_MALFORMED"),
        (vec![b' '; 61 << 10], Code::InvalidArgument, "DOCUMENT_TOO_LONG"),
        (next().signed_by(&lab, &[]), Code::InvalidArgument, "SIGNATURE_MISSING"),
        (next().signed_by(&lab, &BOTH[..1]), Code::InvalidArgument, "SIGNATURE_MISSING"),
        (tampered(&whole), Code::InvalidArgument, "SIGNATURE_INVALID"),
        (
            next().signed_by(&lab, &["fund-centre", "civil-affairs", "police"]),
            Code::InvalidArgument,
            "SIGNATURE_INVALID",
        ),
        (unknown.signed_by(&lab, &BOTH), Code::FailedPrecondition, "WORDS_UNKNOWN"),
        (
            others.signed_by(&lab, &["fund-centre", "police"]),
            Code::FailedPrecondition,
            "PARTIES_DIFFER",
        ),
        (rewritten.signed_by(&lab, &BOTH), Code::FailedPrecondition, "VERSION_TAKEN"),
        (marriage(&lab, 2).signed_by(&lab, &BOTH), Code::FailedPrecondition, "VERSION_TOO_LOW"),
    ];
    let (size, names) = (lab.size(), files(&lab));
    for (document, code, reason) in cases {
        let refused = not_published(&operator, &document).await;
        assert_eq!((refused.code, refused.reason.as_str()), (code, reason), "{refused}");
        assert!(!refused.message.is_empty());
        if reason == "WORDS_UNKNOWN" {
            let problems: Vec<_> = refused.fields.iter().map(|(_, problem)| problem).collect();
            assert_eq!(problems.len(), 2, "each by itself: {problems:?}");
            assert!(problems[0].contains("`rings`") && problems[1].contains("`wed`"));
        }
        assert_eq!((lab.size(), files(&lab)), (size, names.clone()), "{reason}");
    }
    // A good document, but not of one's own.
    let stranger = lab.client_as("police", "agency").await;
    let refused = not_published(&stranger, &whole).await;
    assert_eq!((refused.code, refused.reason.as_str()), (Code::PermissionDenied, "RIGHT_MISSING"));
    assert_eq!((lab.size(), files(&lab)), (size, names));
    assert_eq!(ask(&lab.client().await, lab.question("M2")).await.grant.unwrap().version, 3);
    finds_nothing_to_change(&lab).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_under_way_during_fifty_publications_are_all_answered() {
    let mut lab = Lab::prepare(&[]).await;
    marriage(&lab, 1).place(&lab);
    lab.serve().await;
    let lab = Arc::new(lab);
    let over = Arc::new(AtomicBool::new(false));
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (lab, over) = (Arc::clone(&lab), Arc::clone(&over));
        asking.spawn(async move {
            let client = lab.client().await;
            let (mut answered, mut version) = (0, 0);
            while !over.load(Ordering::SeqCst) || answered == 0 {
                let reply = ask(&client, lab.question("M2")).await;
                let granted = reply.grant.unwrap().version;
                assert!(granted >= version, "version {granted} after {version}");
                (answered, version) = (answered + 1, granted);
            }
            answered
        });
    }
    let client = lab.client().await;
    for version in 2..=51 {
        published(&client, &marriage(&lab, version).signed_by(&lab, &BOTH)).await;
        let reply = ask(&client, lab.question("M2")).await;
        assert_eq!(reply.grant.unwrap().version, version);
    }
    over.store(true, Ordering::SeqCst);
    let answered = asking.join_all().await;
    assert!(answered.iter().all(|answered| *answered > 0));
    assert_eq!(steps(&lab).len(), 1 + 50 * 2);
    finds_nothing_to_change(&lab).await;
    replays_clean(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_of_the_future_begins_by_itself() {
    let mut lab = Lab::prepare(&[]).await;
    marriage(&lab, 1).place(&lab);
    lab.serve().await;
    let client = lab.client().await;
    let from = Timestamp::from_seconds(now().seconds() + 3);
    let mut second = marriage(&lab, 2);
    second.from = in_words(from);
    published(&client, &second.signed_by(&lab, &BOTH)).await;
    assert_eq!(steps(&lab), [true, true], "adopted now, and the one before goes on");
    finds_nothing_to_change(&lab).await;

    // Whenever each question comes: before that moment the one version, from it on the other.
    loop {
        let reply = ask(&client, lab.question("M2")).await;
        let entries = lab.entries();
        let outcome = outcome(&entries, reply.log_index);
        let expected = if outcome.facts.received_at < from { 1 } else { 2 };
        assert_eq!(outcome.permit.version, expected);
        if expected == 2 {
            assert_eq!(reply.source.unwrap().kind(), Agency, "nothing kept from the other");
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    assert_eq!(steps(&lab), [true, true], "it took no entry");
    let reloaded = reload(&lab).await;
    assert_eq!(reloaded.changes, ["agreement `trial` version 1 withdrawn"]);
    finds_nothing_to_change(&lab).await;
    drop(client);
    starts_again_the_same(&mut lab).await;
    replays_clean(&lab);
}

/// A request id is answered again from memory, but not under terms that have ended meanwhile: no change is made when
/// they do, so nothing was forgotten.
#[tokio::test(flavor = "multi_thread")]
async fn a_retry_outlives_neither_its_version_nor_its_agreement() {
    let mut lab = Lab::prepare(&[]).await;
    marriage(&lab, 1).place(&lab);
    lab.serve().await;
    let client = lab.client().await;
    let from = Timestamp::from_seconds(now().seconds() + 3);
    let to = Timestamp::from_seconds(from.seconds() + 3);
    let mut second = marriage(&lab, 2);
    (second.from, second.to) = (in_words(from), in_words(to));
    published(&client, &second.signed_by(&lab, &BOTH)).await;
    let question = lab.question("M2");
    // On a machine that takes seconds for this nothing is shown, and nothing fails.
    let first = client.verify(question.clone(), PATIENCE).await;
    assert!(first.is_ok() || now() >= to);
    let after = |moment: Timestamp| async move {
        let ahead = Duration::from_micros(moment.0.saturating_sub(now().0));
        tokio::time::sleep(ahead).await;
        while now() < moment {
            tokio::task::yield_now().await;
        }
    };
    after(from).await;
    match client.verify(question.clone(), PATIENCE).await {
        Ok(reply) => assert_eq!(reply.grant.unwrap().version, 2),
        Err(_) => assert!(now() >= to),
    }
    after(to).await;
    // Of both versions: the one before got further.
    assert_eq!(refused(&client, question).await.reason, "SUPERSEDED");
    replays_clean(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_withdrawn_before_it_began_leaves_the_other_in_force() {
    let mut lab = Lab::prepare(&[]).await;
    marriage(&lab, 1).place(&lab);
    lab.serve().await;
    let client = lab.client().await;
    let mut second = marriage(&lab, 2);
    second.from = "2098-01-01T00:00:00+08:00".to_owned();
    published(&client, &second.signed_by(&lab, &BOTH)).await;
    std::fs::remove_file(lab.path("agreements/trial.v2.json")).unwrap();
    let reloaded = reload(&lab).await;
    assert_eq!(reloaded.changes, ["agreement `trial` version 2 withdrawn"]);
    assert!(reloaded.findings.is_empty(), "{reloaded:?}");
    assert_eq!(ask(&client, lab.question("M2")).await.grant.unwrap().version, 1);
    drop(client);
    starts_again_the_same(&mut lab).await;
    assert_eq!(ask(&lab.client().await, lab.question("M2")).await.grant.unwrap().version, 1);
    replays_clean(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_overlap_and_an_old_one_does_not_come_back() {
    let mut lab = Lab::prepare(&["police"]).await;
    marriage(&lab, 1).place(&lab);
    lab.serve().await;
    let client = lab.client().await;
    ask(&client, lab.question("M2")).await;
    let mut second = marriage(&lab, 2);
    // Begun in 2018, and the one before may be asked under for a century.
    second.more = "overlap = \"100years\"".to_owned();
    published(&client, &second.signed_by(&lab, &BOTH)).await;
    assert_eq!(steps(&lab), [true, true]);
    let listed = client.agreements().await.unwrap();
    assert_eq!(listed.iter().filter(|known| known.id == "trial").count(), 2);
    ask(&client, lab.question("M2")).await;
    finds_nothing_to_change(&lab).await;
    drop(client);
    starts_again_the_same(&mut lab).await;

    // The version that had begun goes, and takes the other along.
    std::fs::remove_file(lab.path("agreements/trial.v2.json")).unwrap();
    lab.close().await;
    lab.serve().await;
    assert_eq!(steps(&lab), [true, true, false, false]);
    let client = lab.client().await;
    assert_eq!(refused(&client, lab.question("M2")).await.reason, "NO_AGREEMENT");
    let is_refused = |reloaded: &Reloaded| {
        assert!(reloaded.changes.is_empty(), "{reloaded:?}");
        let finding = reloaded.findings[0].to_string();
        assert!(finding.contains("trial.json") && finding.contains("higher version"), "{finding}");
    };
    is_refused(&reload(&lab).await);
    // Nor by the front door, nor after another start.
    let first = marriage(&lab, 1).signed_by(&lab, &BOTH);
    assert_eq!(not_published(&client, &first).await.reason, "VERSION_TOO_LOW");
    drop(client);
    lab.close().await;
    lab.serve().await;
    is_refused(&reload(&lab).await);
    assert_eq!(steps(&lab).len(), 4);
    // A higher one does.
    let client = lab.client().await;
    published(&client, &marriage(&lab, 3).signed_by(&lab, &BOTH)).await;
    assert_eq!(ask(&client, lab.question("M2")).await.grant.unwrap().version, 3);
    finds_nothing_to_change(&lab).await;
    replays_clean(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_in_the_middle_does_no_harm() {
    let mut lab = Lab::start(&[]).await;
    lab.close().await;
    // The file was written, the entry was not; and of another one not even the whole file.
    let document = marriage(&lab, 1).signed_by(&lab, &BOTH);
    std::fs::write(lab.path("agreements/trial.v1.json"), &document).unwrap();
    std::fs::write(lab.path("agreements/.unfinished-Xy12.part"), &document[..99]).unwrap();
    lab.serve().await;
    assert_eq!(steps(&lab), [true]);
    finds_nothing_to_change(&lab).await;
    let client = lab.client().await;
    ask(&client, lab.question("M2")).await;
    assert!(published(&client, &document).await.is_known);

    // A reload that saw the file before its entry was written: publishing it finds it in force.
    let second = marriage(&lab, 2).signed_by(&lab, &BOTH);
    std::fs::write(lab.path("agreements/trial.v2.json"), &second).unwrap();
    reload(&lab).await;
    assert!(published(&client, &second).await.is_known);
    assert_eq!(steps(&lab), [true, true, false]);

    // What lies there under the name and is no document in force is replaced.
    std::fs::write(lab.path("agreements/trial.v3.json"), &second[..99]).unwrap();
    let third = marriage(&lab, 3).signed_by(&lab, &BOTH);
    assert!(!published(&client, &third).await.is_known);
    assert_eq!(ask(&client, lab.question("M2")).await.grant.unwrap().version, 3);
    finds_nothing_to_change(&lab).await;
    drop(client);
    starts_again_the_same(&mut lab).await;
    replays_clean(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_layout_is_known_and_no_file_in_force_is_replaced() {
    let mut lab = Lab::start(&[]).await;
    let client = lab.client().await;
    published(&client, &marriage(&lab, 1).signed_by(&lab, &BOTH)).await;
    let (size, names) = (lab.size(), files(&lab));
    let copy = marriage(&lab, 1).signed_by(&lab, &[BOTH[1], BOTH[0]]);
    assert!(published(&client, &copy).await.is_known);
    assert_eq!((lab.size(), files(&lab)), (size, names));
    std::fs::write(lab.path("agreements/a-copy.json"), &copy).unwrap();
    finds_nothing_to_change(&lab).await;
    std::fs::remove_file(lab.path("agreements/a-copy.json")).unwrap();

    // Somebody has given the file the name that the next version will have.
    let name = |version| lab.path(format!("agreements/trial.v{version}.json"));
    std::fs::rename(name(1), name(2)).unwrap();
    finds_nothing_to_change(&lab).await;
    let mut second = marriage(&lab, 2);
    second.from = "2090-01-01T00:00:00+08:00".to_owned();
    assert!(!published(&client, &second.signed_by(&lab, &BOTH)).await.is_known);
    finds_nothing_to_change(&lab).await;
    assert_eq!(steps(&lab), [true, true]);
    drop(client);
    starts_again_the_same(&mut lab).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_takes_no_file_leaves_everything_as_it_was() {
    let lab = Lab::start(&["police"]).await;
    let client = lab.client().await;
    std::fs::rename(lab.path("agreements"), lab.path("away")).unwrap();
    let size = lab.size();
    let document = marriage(&lab, 1).signed_by(&lab, &BOTH);
    let refused = not_published(&client, &document).await;
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Unavailable, "FOLDER_NOT_WRITABLE"));
    assert_eq!(lab.size(), size);
    std::fs::rename(lab.path("away"), lab.path("agreements")).unwrap();
    published(&client, &document).await;
    ask(&client, lab.question("M2")).await;
}

/// Somebody has named the file of one agreement as that of another would be named.
#[tokio::test(flavor = "multi_thread")]
async fn a_publication_never_replaces_the_file_of_another_agreement() {
    let mut lab = Lab::prepare(&["police"]).await;
    let document = marriage(&lab, 1).signed_by(&lab, &BOTH);
    std::fs::write(lab.path("agreements/other.v7.json"), &document).unwrap();
    lab.serve().await;
    let client = lab.client().await;
    ask(&client, lab.question("M2")).await;
    let mut other = marriage(&lab, 7);
    other.id = "other".to_owned();
    let other = other.signed_by(&lab, &BOTH);
    published(&client, &other).await;
    assert_eq!(std::fs::read(lab.path("agreements/other.v7.json")).unwrap(), document);
    finds_nothing_to_change(&lab).await;
    assert!(published(&client, &document).await.is_known);
    assert!(published(&client, &other).await.is_known);
    drop(client);
    starts_again_the_same(&mut lab).await;
    replays_clean(&lab);
}

/// The program's `agreement publish` with this file, as this system; exit code and what it printed.
async fn ran(lab: &Lab, file: &str, system: &str) -> (Option<i32>, String) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_heyan"));
    command.args(["agreement", "publish", "--gateway", &lab.endpoint()]);
    command.arg("--identity").arg(lab.path(format!("pki/{system}")));
    command.arg("--authority").arg(lab.path("pki/fund-centre/ca.pem")).arg(lab.path(file));
    let output = command.output().await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_publishes_and_says_why_not() {
    let lab = Lab::start(&["police"]).await;
    let place = |name: &str, document: &[u8]| std::fs::write(lab.path(name), document).unwrap();
    place("good.json", &marriage(&lab, 1).signed_by(&lab, &BOTH));
    place("half.json", &marriage(&lab, 2).signed_by(&lab, &BOTH[..1]));
    place("none.json", b"{}");
    let (code, told) = ran(&lab, "half.json", "civil-affairs/agency").await;
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("SIGNATURE_MISSING") && told.contains("Nothing was changed"), "{told}");
    let (code, told) = ran(&lab, "none.json", "civil-affairs/agency").await;
    assert_eq!(code, Some(2), "{told}");
    let (code, told) = ran(&lab, "good.json", "civil-affairs/agency").await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("agreement trial version 1") && !told.contains("before"), "{told}");
    ask(&lab.client().await, lab.question("M2")).await;
    let (code, told) = ran(&lab, "good.json", "fund-centre/operations").await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("before; nothing was changed"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn agreements_that_end_are_named_in_time() {
    let lab = Lab::prepare(&["police"]).await;
    let mut ended = marriage(&lab, 1);
    ended.to = "2020-01-01T00:00:00+08:00".to_owned();
    ended.place(&lab);
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_heyan"));
    let output = command.arg("check").arg("--config").arg(lab.path("gateway.toml")).output().await;
    let output = output.unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    let warning = "warning: agreement `trial` version 1 has ended (2020-01-01 00:00)";
    assert!(told.contains(warning) && told.contains("nothing to mend"), "{told}");
}
