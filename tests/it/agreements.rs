//! Only what both parties signed opens a route: bad documents, good ones, and changes while the gateway runs.

use heyan::client::Client;
use heyan::clock::now;
use heyan::gateway::in_force::Reloaded;
use heyan::proto::gateway::v1 as wire;

use crate::support::draft::{Draft, tampered};
use crate::support::entries::{agreements, denial, outcome};
use crate::support::{Lab, ask, refused};

const BOTH: [&str; 2] = ["fund-centre", "civil-affairs"];

/// A draft for the marriage check, kept for a day.
fn marriage(lab: &Lab) -> Draft {
    let fact = lab.catalogue.fact(&"M2".into()).unwrap();
    let keep = "cache = { found = \"1d\", not_found = \"1h\" }";
    Draft::new("trial", "civil-affairs").clause(fact, &lab.catalogue, &["married"], &[], keep)
}

fn place(lab: &Lab, name: &str, document: &[u8]) {
    std::fs::write(lab.path("agreements").join(name), document).unwrap();
}

async fn reload(lab: &Lab) -> Reloaded {
    lab.node().gateway().reload(now).await
}

/// Asks the marriage check and expects this denial, with its entry.
async fn denied(lab: &Lab, client: &Client, code: &str) {
    let asked = lab.simulation.asked("civil-affairs");
    let refused = refused(client, lab.question("M2")).await;
    assert_eq!(refused.reason, code, "{refused}");
    assert_eq!(denial(&lab.entries(), refused.log_index.unwrap()).code, code);
    assert_eq!(lab.simulation.asked("civil-affairs"), asked, "{code}: the agency was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_document_is_refused_by_name_and_takes_nothing_with_it() {
    let lab = Lab::start(&["police"]).await;
    let client = lab.client().await;
    let draft = marriage(&lab);
    let good = draft.signed_by(&lab, &BOTH);
    let cases = [
        ("unsigned", draft.signed_by(&lab, &[]), "signed"),
        ("one-consumer", draft.signed_by(&lab, &["fund-centre"]), "`civil-affairs` has not signed"),
        ("one-provider", draft.signed_by(&lab, &["civil-affairs"]), "`fund-centre` has not signed"),
        ("a-stranger", draft.signed_by(&lab, &["fund-centre", "police"]), "police"),
        ("tampered", tampered(&good), "does not fit the document"),
        ("half", good[..good.len() / 2].to_vec(), "JWS"),
        ("no-document", b"{}".to_vec(), "JWS"),
        ("empty", Vec::new(), "JWS"),
    ];
    for (name, document, problem) in cases {
        let file = format!("{name}.json");
        place(&lab, &file, &document);
        let reloaded = reload(&lab).await;
        assert_eq!(reloaded.findings.len(), 1, "{name}: {:?}", reloaded.findings);
        let finding = reloaded.findings[0].to_string();
        assert!(finding.contains(&file) && finding.contains(problem), "{name}: {finding}");
        assert!(reloaded.changes.is_empty(), "{name}: {:?}", reloaded.changes);
        denied(&lab, &client, "NO_AGREEMENT").await;
        std::fs::remove_file(lab.path("agreements").join(file)).unwrap();
    }
    // The one that was good stays in force throughout, and the log knows no other.
    ask(&client, lab.question("P2")).await;
    assert_eq!(agreements(&lab.entries()), [("hn-gjj-ga-2018-001".to_owned(), true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_document_at_the_start_is_left_out_and_the_rest_serves() {
    let mut lab = Lab::prepare(&["police"]).await;
    let one = marriage(&lab).signed_by(&lab, &["fund-centre"]);
    place(&lab, "half-signed.json", &one);
    lab.serve().await;
    let client = lab.client().await;
    denied(&lab, &client, "NO_AGREEMENT").await;
    ask(&client, lab.question("P2")).await;
    let folder = lab.path("agreements").display().to_string();
    let lines = crate::support::lines::kept();
    let told = lines.lines().any(|line| {
        line.contains(&folder)
            && line.contains("half-signed.json")
            && line.contains("has not signed")
    });
    assert!(told, "the log line that names the file is missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn before_its_first_day_and_after_its_last_an_agreement_grants_nothing() {
    let lab = Lab::start(&[]).await;
    let client = lab.client().await;
    let mut expired = marriage(&lab);
    expired.to = "2020-01-01T00:00:00+08:00".to_owned();
    expired.place(&lab);
    reload(&lab).await;
    denied(&lab, &client, "EXPIRED").await;

    let mut early = marriage(&lab);
    early.from = "2098-01-01T00:00:00+08:00".to_owned();
    early.place(&lab);
    reload(&lab).await;
    denied(&lab, &client, "NOT_YET_VALID").await;

    // The same terms in time do: it was the dates each time.
    marriage(&lab).place(&lab);
    reload(&lab).await;
    ask(&client, lab.question("M2")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn adopting_and_withdrawing_take_effect_at_once() {
    let lab = Lab::start(&["police"]).await;
    let client = lab.client().await;
    denied(&lab, &client, "NO_AGREEMENT").await;

    marriage(&lab).place(&lab);
    let reloaded = reload(&lab).await;
    assert!(reloaded.findings.is_empty(), "{:?}", reloaded.findings);
    assert_eq!(reloaded.changes, ["agreement `trial` version 1 adopted"]);
    let question = lab.question("M2");
    let reply = ask(&client, question.clone()).await;
    assert_eq!(reply.grant.as_ref().unwrap().agreement, "trial");
    assert_eq!(outcome(&lab.entries(), reply.log_index).permit.agreement, "trial");

    std::fs::remove_file(lab.path("agreements/trial.json")).unwrap();
    let reloaded = reload(&lab).await;
    assert_eq!(reloaded.changes, ["agreement `trial` version 1 withdrawn"]);
    denied(&lab, &client, "NO_AGREEMENT").await;
    // A retry is decided anew: no answer of an agreement withdrawn leaves, not even one given before.
    let again = refused(&client, question).await;
    assert_eq!(again.reason, "NO_AGREEMENT");
    assert_eq!(denial(&lab.entries(), again.log_index.unwrap()).code, "NO_AGREEMENT");

    // Signed again: a kept answer of the first time must not come back.
    marriage(&lab).place(&lab);
    reload(&lab).await;
    let asked = lab.simulation.asked("civil-affairs");
    let reply = ask(&client, lab.question("M2")).await;
    assert_eq!(reply.source.unwrap().kind(), wire::source::Kind::Agency);
    assert_eq!(lab.simulation.asked("civil-affairs"), asked + 1);

    let trial = |adopted: bool| ("trial".to_owned(), adopted);
    let changes = agreements(&lab.entries());
    assert_eq!(changes[1..], [trial(true), trial(false), trial(true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_taken_from_the_register_takes_its_agreements_with_it() {
    let lab = Lab::start(&[]).await;
    let client = lab.client().await;
    marriage(&lab).place(&lab);
    reload(&lab).await;
    ask(&client, lab.question("M2")).await;

    // A file that breaks withdraws nothing.
    let good = std::fs::read(lab.path("agreements/trial.json")).unwrap();
    place(&lab, "trial.json", &good[..good.len() / 2]);
    let reloaded = reload(&lab).await;
    assert_eq!((reloaded.findings.len(), reloaded.changes.len()), (1, 0), "{reloaded:?}");
    ask(&client, lab.question("M2")).await;
    place(&lab, "trial.json", &good);

    let file = lab.path("pki/parties/civil-affairs.toml");
    let party = std::fs::read_to_string(&file).unwrap();
    let other = party.replace("kid = \"civil-affairs-1\"", "kid = \"civil-affairs-2\"");
    assert_ne!(party, other);
    std::fs::write(&file, other).unwrap();
    let reloaded = reload(&lab).await;
    assert_eq!(reloaded.changes[1..], ["agreement `trial` version 1 withdrawn"], "{reloaded:?}");
    denied(&lab, &client, "NO_AGREEMENT").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_drops_kept_answers_and_decides_from_then_on() {
    let mut lab = Lab::start(&[]).await;
    marriage(&lab).place(&lab);
    reload(&lab).await;
    let client = lab.client().await;
    ask(&client, lab.question("M2")).await;
    let mut second = marriage(&lab);
    second.version = 2;
    second.place(&lab);
    let reloaded = reload(&lab).await;
    let changes = ["agreement `trial` version 2 adopted", "agreement `trial` version 1 withdrawn"];
    assert_eq!(reloaded.changes, changes);
    let reply = ask(&client, lab.question("M2")).await;
    assert_eq!(reply.source.unwrap().kind(), wire::source::Kind::Agency);
    assert_eq!(reply.grant.unwrap().version, 2);
    assert_eq!(outcome(&lab.entries(), reply.log_index).permit.version, 2);
    assert_eq!(lab.simulation.asked("civil-affairs"), 2);

    // The next start takes the same from the log, and so does the auditor.
    drop(client);
    lab.close().await;
    lab.serve().await;
    let reply = ask(&lab.client().await, lab.question("M2")).await;
    assert_eq!(reply.grant.unwrap().version, 2);
    assert_eq!(agreements(&lab.entries()).len(), 3);
    let examined = heyan::cli::audit::examine(&lab.path("log"), None).unwrap();
    assert!(examined.findings.is_empty(), "{:?}", examined.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_goes_bad_withdraws_nothing() {
    let lab = Lab::start(&["civil-affairs"]).await;
    let client = lab.client().await;
    ask(&client, lab.question("M2")).await;
    let good = std::fs::read(lab.path("agreements/civil-affairs.json")).unwrap();
    place(&lab, "civil-affairs.json", &good[..good.len() - 9]);
    let reloaded = reload(&lab).await;
    assert_eq!(reloaded.findings.len(), 1);
    assert!(reloaded.findings[0].to_string().contains("civil-affairs.json"));
    assert!(reloaded.changes.is_empty(), "{:?}", reloaded.changes);
    ask(&client, lab.question("M2")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_without_changes_records_nothing_and_keeps_answers() {
    let lab = Lab::start(&["civil-affairs"]).await;
    let client = lab.client().await;
    ask(&client, lab.question("M2")).await;
    let size = lab.size();
    let reloaded = reload(&lab).await;
    assert!(reloaded.changes.is_empty() && reloaded.findings.is_empty(), "{reloaded:?}");
    assert_eq!(lab.size(), size);
    let reply = ask(&client, lab.question("M2")).await;
    assert_eq!(reply.source.unwrap().kind(), wire::source::Kind::Cache);
}
