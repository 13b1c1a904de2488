//! The example adapters in Python and in Rust, in front of a real gateway that starts them, or far away over mutual TLS.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::{env, fs};

use heyan::adapters::ProgramState;
use heyan::clock::now;
use heyan::proto::gateway::v1 as wire;
use heyan::query::value::Verdict;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::support::draft::grant_everything;
use crate::support::entries::outcome;
use crate::support::{Lab, PATIENCE, ask, until};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

fn python() -> String {
    env::var("HEYAN_GRPC_CLIENT_PYTHON").unwrap_or_else(|_| {
        panic!(
            "HEYAN_GRPC_CLIENT_PYTHON is not set: it must name a Python with the packages of \
             tests/grpc_client/requirements.txt. `.ci/run` makes one in target/grpc_client."
        )
    })
}

/// The compiled example, beside this test.
fn rust() -> String {
    let own = env::current_exe().unwrap();
    let program = own.ancestors().nth(2).unwrap().join("examples/adapter");
    assert!(
        program.is_file(),
        "{} is not there: run `cargo build --example adapter`; a plain `cargo test` does so itself",
        program.display()
    );
    program.display().to_string()
}

/// An installation in which M3 is answered by a program, as this `[grpc]` section says.
async fn lab(grpc: &str) -> Lab {
    let lab = Lab::prepare(&[]).await;
    lab.set("[manifests]\nprograms = true\n");
    grant_everything(&lab);
    fs::remove_file(lab.path("adapters/civil-affairs.toml")).unwrap();
    fs::create_dir(lab.path("cremations")).unwrap();
    keep_record(&lab, &number(&lab));
    place(&lab, grpc);
    lab
}

fn place(lab: &Lab, grpc: &str) {
    let manifest = format!(
        "schema = 1\nname = \"cremations\"\nversion = \"1.0.0\"\nagency = \"civil-affairs\"\n\
         [grpc]\ntimeout = \"20s\"\n{grpc}\n[[operation]]\nfact = \"M3\"\nidempotent = true\n"
    );
    fs::write(lab.path("adapters/cremations.toml"), manifest).unwrap();
}

/// Whom the sample question is about.
fn number(lab: &Lab) -> String {
    match &lab.question("M3").subjects[0].kind {
        Some(wire::subject::Kind::Person(person)) => person.document_number.clone(),
        _ => panic!("the sample of M3 is about no person"),
    }
}

/// Replaces the records by one, under the head of the example's.
fn keep_record(lab: &Lab, number: &str) {
    let sample = fs::read_to_string(example("cremations.csv")).unwrap();
    let head = sample.lines().next().unwrap();
    let text = format!("{head}\n{number},2021-03-14\n");
    fs::write(lab.path("cremations/new"), text).unwrap();
    fs::rename(lab.path("cremations/new"), lab.path("cremations/records.csv")).unwrap();
}

/// Asks M3: the verdict as recorded too, the date that was disclosed, and why not.
async fn asked(lab: &Lab) -> (Verdict, String, String) {
    let mut question = lab.question("M3");
    question.disclose = vec!["cremated_on".to_owned()];
    let reply = ask(&lab.client().await, question).await;
    let recorded = outcome(&lab.entries(), reply.log_index).verdict;
    assert_eq!(reply.verdict(), heyan::wire::verdict(recorded));
    let date = match reply.disclosed.get("cremated_on").and_then(|value| value.kind.clone()) {
        Some(wire::value::Kind::Date(date)) => date,
        _ => String::new(),
    };
    (recorded, date, reply.unavailability.map(|why| why.reason).unwrap_or_default())
}

fn is(verdict: Verdict, date: &str, reason: &str) -> (Verdict, String, String) {
    (verdict, date.to_owned(), reason.to_owned())
}

fn state(lab: &Lab) -> ProgramState {
    let in_force = lab.node().gateway().in_force();
    let adapter = in_force.adapters.for_fact(&"M3".into()).unwrap();
    assert_eq!(adapter.name(), "cremations");
    adapter.state().program.unwrap()
}

fn pid(process: u32) -> Pid {
    Pid::from_raw(process.try_into().unwrap()).unwrap()
}

/// Found, not found, no answer; killed and started again; a change that does not start; the end.
async fn lives_with(command: &[&str]) {
    let words: Vec<String> = command.iter().map(|word| format!("{word:?}")).collect();
    let grpc = format!(
        "command = [{}, \"records.csv\"]\nfolder = \"../cremations\"\nstart_within = \"60s\"\n\
         environment = {{ PYTHONDONTWRITEBYTECODE = \"1\" }}",
        words.join(", ")
    );
    let mut lab = lab(&grpc).await;
    lab.serve().await;
    let first = state(&lab).process.expect("it runs before anybody asks");

    let found = is(Verdict::Confirmed, "2021-03-14", "");
    assert_eq!(asked(&lab).await, found);
    keep_record(&lab, "440524188001010014");
    assert_eq!(asked(&lab).await, is(Verdict::NotFound, "", ""));
    fs::remove_file(lab.path("cremations/records.csv")).unwrap();
    assert_eq!(asked(&lab).await, is(Verdict::Unavailable, "", "maintenance"));

    keep_record(&lab, &number(&lab));
    kill_process(pid(first), Signal::KILL).unwrap();
    until("another runs", || state(&lab).process.is_some_and(|process| process != first)).await;
    assert_eq!(asked(&lab).await, found);
    let second = state(&lab);
    assert_eq!((second.restarts, second.last_exit.unwrap().as_str()), (1, "signal: 9 (SIGKILL)"));
    // And so an operator sees it.
    let listed = lab.client_as("fund-centre", "operations").await.adapters().await.unwrap();
    let told = listed.into_iter().find(|adapter| adapter.name == "cremations").unwrap();
    let told = told.program.unwrap();
    assert_eq!((Some(told.process), told.restarts), (second.process, 1));
    assert_eq!(told.last_exit, "signal: 9 (SIGKILL)");
    assert!(told.running_since.is_some_and(|since| since.seconds > 0));

    // A change that does not start is named, and what ran goes on.
    place(&lab, "command = [\"sh\", \"-c\", \"exit 7\"]");
    let gateway = lab.node().gateway();
    for reloaded in [gateway.reload(now).await, gateway.reload_adapter("cremations", now).await] {
        let findings: Vec<String> = reloaded.findings.iter().map(ToString::to_string).collect();
        let [finding] = &findings[..] else { panic!("{findings:?}") };
        let ended = "cremations.toml: the program ended (exit status: 7)";
        assert!(finding.contains(ended), "{finding}");
        assert_eq!((state(&lab).process, asked(&lab).await), (second.process, found.clone()));
        assert_eq!(reloaded.changes, Vec::<String>::new());
    }

    lab.close().await;
    // Waited for, so that not even its number is left.
    assert!(test_kill_process(pid(second.process.unwrap())).is_err());
}

#[tokio::test]
async fn the_examples_end_with_the_gateway_however_that_ends() {
    let folder = tempfile::tempdir().unwrap();
    let script = example("adapter.py").display().to_string();
    for (name, command) in [("python", vec![python(), script]), ("rust", vec![rust()])] {
        let socket = folder.path().join(name);
        let mut program = Command::new(&command[0])
            .args(&command[1..])
            .arg(example("cremations.csv"))
            .env("HEYAN_ADAPTER_SOCKET", &socket)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        until("it listens", || socket.exists()).await;
        // As the system does for a gateway that was killed.
        drop(program.stdin.take());
        let ended = tokio::time::timeout(PATIENCE, program.wait()).await;
        assert!(ended.expect("it ends").unwrap().success(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_in_python_answers() {
    let script = example("adapter.py").display().to_string();
    lives_with(&[&python(), &script]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_in_rust_answers() {
    lives_with(&[&rust()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_answers_far_away_to_those_it_knows() {
    let mut lab =
        lab("endpoint = \"https://127.0.0.1:1\"\nca = \"../pki/civil-affairs/ca.pem\"").await;
    let mut program = Command::new(python())
        .arg(example("adapter.py"))
        .args([lab.path("cremations/records.csv"), "127.0.0.1:0".into()])
        .args([lab.path("pki/civil-affairs/agency.pem"), lab.path("pki/civil-affairs/agency.key")])
        .arg(lab.path("pki/fund-centre/ca.pem"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut words = BufReader::new(program.stdout.take().unwrap()).lines();
    let line = words.next_line().await.unwrap().expect("it says where it listens");
    let port = line.strip_prefix("listening on port ").unwrap();
    let grpc = format!(
        "endpoint = \"https://127.0.0.1:{port}\"\nserver_name = \"localhost\"\n\
         ca = \"../pki/civil-affairs/ca.pem\""
    );
    place(&lab, &grpc);
    lab.serve().await;
    let (verdict, _, reason) = asked(&lab).await;
    assert_eq!((verdict, reason.as_str()), (Verdict::Unavailable, "unreachable"));

    let own = "certificate = \"../pki/fund-centre/gateway.pem\"\nkey = \"../pki/fund-centre/gateway.key\"";
    place(&lab, &format!("{grpc}\n{own}"));
    let reloaded = lab.node().gateway().reload(now).await;
    assert!(reloaded.findings.is_empty(), "{:?}", reloaded.findings);
    assert_eq!(asked(&lab).await, is(Verdict::Confirmed, "2021-03-14", ""));
    let in_force = lab.node().gateway().in_force();
    assert_eq!(in_force.adapters.for_fact(&"M3".into()).unwrap().state().program, None);
}
