//! The built program: check, serve, drain, demo, and what a kill leaves.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use heyan::audit::entry::{Entry, Kind, NodeChange};
use heyan::audit::file::Description;
use heyan::audit::verify::{Expected, verify};
use heyan::client::Client;
use heyan::proto::gateway::v1 as wire;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use crate::support::entries::{denial, node_changes, outcome};
use crate::support::{ALL, Lab, PATIENCE, connect, until};

fn heyan() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heyan"));
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs it to its end; no test here may take longer.
async fn run(command: &mut Command) -> Output {
    tokio::time::timeout(4 * PATIENCE, command.output()).await.expect("it did not end").unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn check(config: &Path) -> (Option<i32>, String) {
    let output = run(heyan().arg("check").arg("--config").arg(config)).await;
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn check_finds_nothing_in_a_good_installation_and_every_flaw_in_a_bad_one() {
    let lab = Lab::prepare(&ALL).await;
    let config = lab.path("gateway.toml");
    let (code, told) = check(&config).await;
    assert_eq!(code, Some(0), "{told}");

    // All at once: an unknown key, a missing folder, a key that others can read, half an agreement, a wrong manifest.
    let good = std::fs::read_to_string(&config).unwrap();
    let bad = good
        .replace("reflection =", "reflexion =")
        .replace("catalogue = \"catalogue\"", "catalogue = \"nowhere\"");
    std::fs::write(&config, &bad).unwrap();
    let exposed = lab.path("pki/fund-centre/gateway.key");
    std::fs::set_permissions(&exposed, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, told) = check(&config).await;
    assert_eq!(code, Some(1), "{told}");
    for named in [
        "gateway.toml",
        "reflexion",
        "reflection",
        "nowhere",
        "catalogue",
        "tls.key",
        "gateway.key",
    ] {
        assert!(told.contains(named), "`{named}` is missing in: {told}");
    }

    std::fs::write(&config, &good).unwrap();
    let (code, told) = check(&config).await;
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("tls.key") && told.contains("gateway.key"), "{told}");
    std::fs::set_permissions(&exposed, std::fs::Permissions::from_mode(0o600)).unwrap();

    let agreement = lab.path("agreements/tax.json");
    let signed = std::fs::read(&agreement).unwrap();
    std::fs::write(&agreement, &signed[..signed.len() / 2]).unwrap();
    let manifest = lab.path("adapters/housing.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replacen("agency", "agancy", 1)).unwrap();
    let (code, told) = check(&config).await;
    assert_eq!(code, Some(1), "{told}");
    for named in ["tax.json", "housing.toml", "agancy"] {
        assert!(told.contains(named), "`{named}` is missing in: {told}");
    }

    let (code, told) = check(&lab.path("no-such-file.toml")).await;
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("no-such-file.toml"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_holds_the_log_against_its_witness_file() {
    let lab = Lab::prepare(&ALL).await;
    let witness = lab.beside("witness");
    let check = async || {
        let mut command = heyan();
        command.arg("check").arg("--config").arg(lab.path("gateway.toml"));
        let output = run(command.env("HEYAN__LOG__WITNESS", &witness)).await;
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let checkpoint = std::fs::read_to_string(lab.path("log/checkpoint")).unwrap();
    let larger = checkpoint.replacen("\n1\n", "\n2\n", 1);
    assert_ne!(larger, checkpoint);
    let longer = "x".repeat(2 << 20);
    for (seen, expected) in
        [(None, 0), (Some(&checkpoint), 0), (Some(&larger), 1), (Some(&longer), 1)]
    {
        if let Some(seen) = seen {
            std::fs::write(&witness, seen).unwrap();
        }
        let (code, told) = check().await;
        assert_eq!(code, Some(expected), "{told}");
        assert_eq!(told.contains(witness.to_str().unwrap()), expected == 1, "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_refuses_what_check_finds() {
    let lab = Lab::prepare(&[]).await;
    lab.set("\n[limits]\nin_fright = 3\n");
    let output = run(heyan().arg("serve").arg("--config").arg(lab.path("gateway.toml"))).await;
    let told = text(&output.stderr);
    assert!(!output.status.success(), "{told}");
    for named in ["gateway.toml", "in_fright", "in_flight"] {
        assert!(told.contains(named), "`{named}` is missing in: {told}");
    }
    let entries = stored(&lab);
    assert_eq!(node_changes(&entries), [NodeChange::Created], "it began to serve");
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_never_makes_a_log() {
    let lab = Lab::prepare(&[]).await;
    std::fs::rename(lab.path("log"), lab.beside("log")).unwrap();
    let output = run(heyan().arg("serve").arg("--config").arg(lab.path("gateway.toml"))).await;
    let told = text(&output.stderr);
    assert!(!output.status.success(), "{told}");
    assert!(told.contains("audit init"), "{told}");
    assert!(!lab.path("log").exists());
    let (code, told) = check(&lab.path("gateway.toml")).await;
    assert_eq!(code, Some(1), "{told}");
}

/// A serving process.
pub(crate) struct Serving {
    pub(crate) child: Child,
    address: String,
    admin: String,
    lines: JoinSet<String>,
}

pub(crate) async fn serve(lab: &Lab) -> Serving {
    let mut child = heyan()
        .arg("serve")
        .arg("--config")
        .arg(lab.path("gateway.toml"))
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut read = String::new();
    let told = async {
        loop {
            let from = read.len();
            assert!(lines.read_line(&mut read).await.unwrap() > 0, "it ended: {read}");
            let line = &read[from..];
            if line.contains("serving") && line.contains("admin=") {
                break line.to_owned();
            }
        }
    };
    let line = tokio::time::timeout(PATIENCE, told).await.unwrap();
    let after = |key: &str| {
        let rest = line.split_once(key).unwrap().1;
        rest.split_whitespace().next().unwrap().to_owned()
    };
    let (address, admin) = (after("address="), after("admin="));
    let mut rest = JoinSet::new();
    rest.spawn(async move {
        let mut text = String::new();
        let _ = lines.read_to_string(&mut text).await;
        text
    });
    Serving { child, address, admin, lines: rest }
}

pub(crate) async fn client(lab: &Lab, serving: &Serving) -> Client {
    let read = |name: &str| std::fs::read(lab.path(format!("pki/fund-centre/{name}"))).unwrap();
    let (authority, certificate, key) =
        (read("ca.pem"), read("approval.pem"), read("approval.key"));
    let endpoint = format!("https://{}", serving.address);
    Client::connect(&endpoint, &authority, &certificate, &key, "localhost").await.unwrap()
}

pub(crate) fn stored(lab: &Lab) -> Vec<Entry> {
    let mut entries = Vec::new();
    let expected = Expected::default();
    verify(&lab.path("log"), expected, &mut |_, entry| entries.push(entry.clone())).unwrap();
    entries
}

async fn signal(child: &Child, name: &str) {
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-s", name, &id]).status().await.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_answers_and_drains_when_told_to_stop() {
    let lab = Lab::prepare(&["civil-affairs", "police"]).await;
    let mut serving = serve(&lab).await;
    let client = client(&lab, &serving).await;
    let reply = client.verify(lab.question("M2"), PATIENCE).await.unwrap();
    assert_eq!(reply.verdict(), wire::Verdict::Confirmed);
    let admin = serving.admin.parse().unwrap();
    assert_eq!(connect::get(admin, "/healthz").await.0, 200);
    assert_eq!(connect::get(admin, "/readyz").await.0, 200);

    // A question under way when the signal comes is answered.
    lab.simulation.faults("police").set_delay(Duration::from_millis(700), Duration::ZERO);
    let mut asking = JoinSet::new();
    let (late, question) = (client.clone(), lab.question("P2"));
    asking.spawn(async move { late.verify(question, PATIENCE).await });
    until("the police are asked", || lab.simulation.asked("police") == 1).await;
    signal(&serving.child, "TERM").await;
    let late = asking.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(late.verdict(), wire::Verdict::Confirmed);
    let status = tokio::time::timeout(PATIENCE, serving.child.wait()).await.unwrap().unwrap();
    let told = serving.lines.join_next().await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0), "{told}");
    assert!(tokio::net::TcpStream::connect(&serving.address).await.is_err());

    let entries = stored(&lab);
    outcome(&entries, reply.log_index);
    outcome(&entries, late.log_index);
    let Some(Entry { kind: Kind::Node(last), .. }) = entries.last() else { panic!("no stop") };
    assert_eq!(last.change, NodeChange::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hang_up_signal_takes_up_a_new_agreement() {
    let lab = Lab::prepare(&["police"]).await;
    let mut serving = serve(&lab).await;
    let client = client(&lab, &serving).await;
    client.verify(lab.question("M2"), PATIENCE).await.unwrap_err();
    lab.world.sign("civil-affairs").unwrap();
    signal(&serving.child, "HUP").await;
    let trying = async {
        loop {
            match client.verify(lab.question("M2"), PATIENCE).await {
                Ok(reply) => break reply,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let reply = tokio::time::timeout(PATIENCE, trying).await.unwrap();
    signal(&serving.child, "INT").await;
    let status = tokio::time::timeout(PATIENCE, serving.child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
    outcome(&stored(&lab), reply.log_index);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_loses_nothing_that_was_acknowledged() {
    let lab = Lab::prepare(&["police", "civil-affairs"]).await;
    let mut serving = serve(&lab).await;
    let client = client(&lab, &serving).await;
    let mut asking = JoinSet::new();
    for worker in 0..8 {
        let client = client.clone();
        let questions: Vec<_> = (0..200)
            .map(|turn| match (worker + turn) % 3 {
                0 => lab.question("P2"),
                1 => lab.question("M2"),
                _ => wire::VerifyRequest { operator: None, ..lab.question("P1") },
            })
            .collect();
        asking.spawn(async move {
            let (mut answered, mut denied) = (Vec::new(), Vec::new());
            for question in questions {
                match client.verify(question, Duration::from_secs(5)).await {
                    Ok(reply) => answered.push(reply.log_index),
                    Err(heyan::client::ClientError::Refused(refused)) => {
                        denied.extend(refused.log_index);
                        if refused.log_index.is_none() {
                            break;
                        }
                    }
                    Err(_) => break,
                }
            }
            (answered, denied)
        });
    }
    until("questions are under way", || lab.simulation.asked("police") >= 40).await;
    serving.child.start_kill().unwrap();
    serving.child.wait().await.unwrap();
    let all = asking.join_all().await;

    let output = run(heyan().args(["audit", "verify", "--json"]).arg(lab.path("log"))).await;
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    let entries = stored(&lab);
    let mut acknowledged = 0;
    for (answered, denials) in all {
        acknowledged += answered.len() + denials.len();
        answered
            .into_iter()
            .for_each(|index| assert!(outcome(&entries, index).unavailable.is_none()));
        denials
            .into_iter()
            .for_each(|index| assert_eq!(denial(&entries, index).code, "OPERATOR_MISSING"));
    }
    assert!(acknowledged > 40 && acknowledged < 1600, "{acknowledged} acknowledged");

    // It starts again on that log and goes on.
    let mut serving = serve(&lab).await;
    let client = self::client(&lab, &serving).await;
    let reply = client.verify(lab.question("M2"), PATIENCE).await.unwrap();
    assert!(reply.log_index >= entries.len() as u64);
    signal(&serving.child, "TERM").await;
    let status = tokio::time::timeout(PATIENCE, serving.child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
    let output = run(heyan().args(["audit", "replay"]).arg(lab.path("log"))).await;
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_comes_out_as_told() {
    let output = run(heyan().args(["demo", "--json", "--people", "2000"])).await;
    let told = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["good"], true);
    let chapters = told["chapters"].as_array().unwrap();
    assert!(chapters.len() >= 6, "{told}");
    for readme in [include_str!("../../README.md"), include_str!("../../README.zh-CN.md")] {
        shows(readme, chapters);
    }
}

/// What a README shows of the demo is what it says: the chapters by number and title, the steps that hang on no chance.
fn shows(readme: &str, chapters: &[serde_json::Value]) {
    let (mut titles, mut steps) = (0, 0);
    for line in readme.lines() {
        if let Some((number, title)) = line.split_once("  ")
            && let Ok(number) = number.parse::<usize>()
        {
            assert_eq!(chapters[number - 1]["chapter"], *title, "{line}");
            titles += 1;
        }
        if let Some((_, entry)) = line.split_once("DENIED NO_AGREEMENT") {
            let all = chapters.iter().flat_map(|chapter| chapter["steps"].as_array().unwrap());
            let mut denied = all.filter(|step| step["result"] == "DENIED NO_AGREEMENT");
            let index = &denied.next().unwrap()["log_index"];
            assert!(entry.contains(&format!("entry {index} ")), "{line}: it is {index}");
            steps += 1;
        }
        for did in ["verified", "replayed"] {
            let Some(text) = line.strip_prefix("   ").and_then(|line| line.strip_prefix(did))
            else {
                continue;
            };
            let all = chapters.iter().flat_map(|chapter| chapter["steps"].as_array().unwrap());
            let mut of_kind = all.filter(|step| step["did"] == *did);
            assert!(of_kind.any(|step| step["text"] == *text.trim()), "{line}");
            steps += 1;
        }
    }
    assert_eq!((titles, steps), (2, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn query_asks_and_its_exit_code_is_the_answer() {
    let mut lab = Lab::prepare(&["civil-affairs"]).await;
    lab.serve().await;
    let question = lab.question("M2");
    let item = question.purpose.as_ref().unwrap();
    let subject = |position: usize| {
        let Some(wire::subject::Kind::Person(person)) = &question.subjects[position].kind else {
            panic!("no person")
        };
        format!("{}/{}", person.name, person.document_number)
    };
    let ask = |husband: String, wife: String| {
        let mut command = heyan();
        command
            .args(["query", "M2", "--person", &husband, "--spouse", &wife])
            .args(["--item", &format!("{}@{}", item.item, item.item_version)])
            .args(["--case", "GJJ-2026-000321", "--operator", "desk-7/hall-1", "--json"])
            .args(["--gateway", &lab.endpoint()])
            .arg("--identity")
            .arg(lab.path("pki/fund-centre/approval"))
            .arg("--authority")
            .arg(lab.path("pki/fund-centre/ca.pem"));
        command
    };
    let output = run(&mut ask(subject(0), subject(1))).await;
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).contains("CONFIRMED"));
    let entries = lab.entries();
    let Some(Entry { kind: Kind::Outcome(last), .. }) = entries.last() else {
        panic!("no outcome")
    };
    assert_eq!(last.facts.case_number, "GJJ-2026-000321");

    // With the log's key the answer counts; with another there is none, whatever it was.
    let key = Description::read(&lab.path("log")).unwrap().unwrap().vkey;
    let other = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    for (key, code) in [(key.as_str(), 0), (other, 2)] {
        let mut asking = ask(subject(0), subject(1));
        let output = run(asking.args(["--require-receipt", "--log-key", key])).await;
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert_eq!(said.contains("CONFIRMED"), code == 0, "{said}");
        assert_eq!(said.contains("without a receipt that holds"), code == 2, "{said}");
    }
    let unsure = run(ask(subject(0), subject(1)).arg("--require-receipt")).await;
    assert_eq!(unsure.status.code(), Some(2), "which log's receipts?");

    let output = run(&mut ask("王伟/110105194912310021".to_owned(), subject(1))).await;
    assert_eq!(output.status.code(), Some(2), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(!text(&output.stdout).contains("REFUTED"));
}

#[tokio::test]
async fn schemas_and_their_reference_are_printed_as_they_are_published() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for (option, file) in [
        (None, "config-example/adapters/manifest.schema.json"),
        (Some("--fixture"), "config-example/adapters/fixture.schema.json"),
        (Some("--reference"), "docs/adapters-reference.md"),
    ] {
        let output = run(heyan().args(["adapter", "schema"]).args(option)).await;
        let (code, told) = (output.status.code(), text(&output.stdout));
        assert_eq!(code, Some(0), "{}", text(&output.stderr));
        assert_eq!(told, std::fs::read_to_string(root.join(file)).unwrap(), "{file}");
    }
    let both = run(heyan().args(["adapter", "schema", "--fixture", "--reference"])).await;
    assert_eq!(both.status.code(), Some(2));
}
