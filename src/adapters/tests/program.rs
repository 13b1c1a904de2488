//! A program that the gateway starts: one that behaves, and every way not to. The program is this test binary itself,
//! which plays the part that `ACT` names.

use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;
use std::{env, fs, process, thread};

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::UnixListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use super::agency::*;
use crate::adapters::{Adapter, Adapters, ProgramState};
use crate::proto::adapter::v1 as wire;
use crate::proto::adapter::v1::adapter_server::{Adapter as Service, AdapterServer};
use crate::proto::adapter::v1::fetch_response::Outcome;
use crate::proto::gateway::v1::Value;
use crate::proto::gateway::v1::value::Kind;

/// Longer than anything that works takes, also on a machine under load.
const PATIENCE: Duration = Duration::from_secs(60);

struct Actor(String);

#[tonic::async_trait]
impl Service for Actor {
    async fn describe(
        &self,
        _: Request<wire::DescribeRequest>,
    ) -> Result<Response<wire::DescribeResponse>, Status> {
        let act = self.0.as_str();
        tell(
            "described",
            &(word("described").map_or(0, |count| count.parse().unwrap()) + 1).to_string(),
        );
        Ok(Response::new(wire::DescribeResponse {
            protocol: if act == "speaks another protocol" { 9 } else { 1 },
            name: if act == "is another" { "tax" } else { "police" }.to_owned(),
            version: "1".to_owned(),
            facts: vec![if act == "answers another fact" { "P9" } else { "P1" }.to_owned()],
        }))
    }

    async fn check(
        &self,
        _: Request<wire::CheckRequest>,
    ) -> Result<Response<wire::CheckResponse>, Status> {
        Ok(Response::new(wire::CheckResponse::default()))
    }

    async fn fetch(
        &self,
        request: Request<wire::FetchRequest>,
    ) -> Result<Response<wire::FetchResponse>, Status> {
        if self.0 == "thinks" {
            let timeout = request.metadata().get("grpc-timeout").unwrap().to_str().unwrap();
            let _dropped = Told("cancelled", String::new());
            tell("asked", timeout);
            std::future::pending::<()>().await;
        }
        let truth = |truth| Value { kind: Some(Kind::Truth(truth)) };
        let found = wire::Found {
            attributes: [("identity_match", truth(true)), ("deceased", truth(false))]
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            as_of: None,
            subjects_checked: vec![0],
        };
        Ok(Response::new(wire::FetchResponse { outcome: Some(Outcome::Found(found)) }))
    }
}

/// Leaves word in the working directory, whole or not at all.
fn tell(name: &str, what: &str) {
    fs::write(format!("{name}.new"), what).unwrap();
    fs::rename(format!("{name}.new"), name).unwrap();
}

fn word(name: &str) -> Option<String> {
    fs::read_to_string(name).ok()
}

struct Told(&'static str, String);

impl Drop for Told {
    fn drop(&mut self) {
        tell(self.0, &self.1);
    }
}

/// No test by itself: what the tests below start.
#[test]
fn acts() {
    let Ok(socket) = env::var("HEYAN_ADAPTER_SOCKET") else { return };
    let act = env::var("ACT").unwrap();
    let names: Vec<String> = env::vars().map(|(name, _)| name).collect();
    tell("environment", &names.join("\n"));
    match act.as_str() {
        "ends at once" => process::exit(3),
        "starts another" => {
            let mut other = process::Command::new("sleep").arg("600").spawn().unwrap();
            tell("other", &other.id().to_string());
            thread::spawn(move || other.wait());
        }
        "floods" => {
            drop(thread::spawn(|| while std::io::stderr().write_all(&[b'x'; 999]).is_ok() {}))
        }
        _ => {}
    }
    if act != "does not end" {
        thread::spawn(|| {
            let _end = std::io::stdin().read_to_end(&mut Vec::new());
            process::exit(0);
        });
    }
    Runtime::new().unwrap().block_on(async {
        let mut terminate = None;
        if act == "does not end" {
            terminate = Some(signal(SignalKind::terminate()).unwrap());
        }
        if act == "does not listen" {
            std::future::pending::<()>().await;
        }
        let listener = UnixListener::bind(socket).unwrap();
        if act == "listens and hangs" {
            std::future::pending::<()>().await;
        }
        let served = Server::builder()
            .add_service(AdapterServer::new(Actor(act)))
            .serve_with_incoming(UnixListenerStream::new(listener));
        served.await.unwrap();
        drop(terminate);
    });
}

fn manifest(act: &str, more: &str) -> String {
    let program = env::current_exe().unwrap();
    let program = program.display();
    format!(
        r#"
schema = 1
name = "police"
version = "1.0.0"
agency = "police"
[grpc]
command = ["{program}", "--exact", "adapters::tests::program::acts", "--nocapture"]
folder = ".."
timeout = "60s"
start_within = "60s"
{more}
[grpc.environment]
ACT = "{act}"
[[operation]]
fact = "P1"
idempotent = true
"#
    )
}

/// The adapters of an office with this one manifest, begun, and what was found wrong with that.
async fn begin(office: &Office, manifest: &str, before: Option<&Adapters>) -> (Adapters, String) {
    office.place("police.toml", manifest);
    let (adapters, findings) = office.load(before);
    assert_eq!(findings, []);
    let (adapters, findings) = adapters.begin(before).await;
    let problems: Vec<String> = findings.into_iter().map(|finding| finding.problem).collect();
    (adapters, problems.join("\n"))
}

/// The one adapter of an office whose program behaves at first.
async fn begun(office: &Office, act: &str, more: &str) -> Adapters {
    let (adapters, problems) = begin(office, &manifest(act, more), None).await;
    assert_eq!(problems, "", "{act}");
    adapters
}

fn state(adapters: &Adapters) -> ProgramState {
    adapters.all()[0].state().program.unwrap()
}

fn question() -> crate::query::Query {
    query("P1", vec![person("person", HE, "张三")])
}

async fn answer(adapter: &Adapter) -> Result<String, String> {
    let answer = ask(adapter, &question()).await;
    answer.map(|answer| told(&answer)).map_err(|failure| failure.detail)
}

const ANSWER: &str = "deceased=false identity_match=true";

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "it never came to pass that {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Whether nothing of the process is left but, perhaps, its number.
fn is_gone(process: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{process}/stat")) else { return true };
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
}

fn send(process: u32, signal: Signal) {
    let process = Pid::from_raw(process.try_into().unwrap()).unwrap();
    kill_process(process, signal).unwrap();
}

/// Three questions at once, whose callers leave after a little more than a second.
async fn ask_in_vain(adapter: &Adapter) {
    let question = question();
    let budget = Duration::from_millis(1_200);
    let asked = (0..3).map(|_| adapter.ask_granted(&|_| true, &question, NOW, budget));
    futures_util::future::join_all(asked).await;
}

#[tokio::test]
async fn a_program_is_started_and_answers_and_ends_with_its_adapter() {
    let office = Office::new();
    let adapters = begun(&office, "answers", "").await;
    let before = state(&adapters);
    assert!(before.running_for.is_some() && before.restarts == 0 && before.last_exit.is_none());
    assert_eq!(answer(&adapters.all()[0]).await.unwrap(), ANSWER);

    // Of the gateway's environment it sees where things are and nothing else.
    let seen = fs::read_to_string(office.path().join("environment")).unwrap();
    let known = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "ACT", "HEYAN_ADAPTER_SOCKET"];
    let others: Vec<&str> = seen.lines().filter(|name| !known.contains(name)).collect();
    assert!(others.is_empty() && seen.contains("ACT"), "{others:?}");

    drop(adapters);
    until("the program is gone", || is_gone(before.process.unwrap())).await;
}

#[tokio::test]
async fn the_first_question_starts_a_program_that_nobody_began() {
    let office = Office::new();
    let adapter = office.adapter(&manifest("answers", ""));
    assert!(adapter.is_up() && adapter.state().program.unwrap().process.is_none());
    let query = question();
    let answer = adapter.ask_granted(&|_| true, &query, NOW, PATIENCE).await;
    assert_eq!(
        answer.map(|answer| told(&answer)).map_err(|failure| failure.detail).unwrap(),
        ANSWER
    );
    adapter.end().await;
    assert_eq!(failure(&adapter, &query).await.0, "unreachable");
    assert!(!adapter.is_up());
    assert_eq!(adapter.health(NOW).name(), "down");

    let never = office.adapter(&manifest("answers", "log = true"));
    never.end().await;
    assert!(failure(&never, &query).await.1.ends_with("the program has ended"));
}

#[tokio::test]
async fn what_a_program_can_do_wrong_at_its_start() {
    let cases = [
        ("ends at once", "60s", "ended (exit status: 3)", "unreachable"),
        ("does not listen", "500ms", "did not listen on its socket within 500ms", "unreachable"),
        ("listens and hangs", "5s", "asked what it is: the program ", "timeout"),
        ("speaks another protocol", "60s", "speaks 1 only", "contract_error"),
        ("is another", "60s", "another than `police`", "contract_error"),
        ("answers another fact", "60s", "does not answer `P1`", "contract_error"),
    ];
    let tried = cases.map(|(act, within, problem, reason)| async move {
        let office = Office::new();
        let text = manifest(act, "")
            .replace("start_within = \"60s\"", &format!("start_within = {within:?}"));
        let (adapters, problems) = begin(&office, &text, None).await;
        assert!(problems.contains(problem), "{act}: {problems}");
        // It is tried again and again, and nobody takes that for an answer, or for a fault of the agency behind it.
        for _ in 0..10 {
            let budget = Duration::from_millis(400);
            let asked = adapters.all()[0].ask_granted(&|_| true, &question(), NOW, budget).await;
            let reason_now = asked.err().unwrap().reason.code();
            assert!(reason_now == reason || reason_now == "unreachable", "{act}: {reason_now}");
        }
        assert_eq!(adapters.all()[0].state().breaker.name(), "closed", "{act}");
        adapters.end().await;
    });
    futures_util::future::join_all(tried).await;
}

#[tokio::test]
async fn a_program_that_is_killed_is_started_again() {
    let office = Office::new();
    let adapters = begun(&office, "answers", "").await;
    let first = state(&adapters).process.unwrap();
    send(first, Signal::KILL);
    until("another runs", || state(&adapters).process.is_some_and(|process| process != first))
        .await;
    assert_eq!(answer(&adapters.all()[0]).await.unwrap(), ANSWER);
    let now = state(&adapters);
    assert_eq!((now.restarts, now.last_exit.as_deref()), (1, Some("signal: 9 (SIGKILL)")));
    adapters.end().await;
    assert!(is_gone(now.process.unwrap()));
}

#[tokio::test]
async fn a_program_that_hangs_is_ended_and_started_again() {
    let office = Office::new();
    let text = manifest("answers", "stop_within = \"300ms\"")
        .replace("\ntimeout = \"60s\"", "\ntimeout = \"4s\"")
        + "[resilience.breaker]\nenough = 20\n";
    let (adapters, problems) = begin(&office, &text, None).await;
    assert_eq!(problems, "");
    let (adapter, first) = (&adapters.all()[0], state(&adapters).process.unwrap());
    send(first, Signal::STOP);
    let stopped = Instant::now();
    while state(&adapters).restarts == 0 {
        assert!(stopped.elapsed() < PATIENCE, "it was never started again");
        ask_in_vain(adapter).await;
    }
    assert!(is_gone(first));
    while answer(adapter).await.is_err() {
        assert!(stopped.elapsed() < PATIENCE, "it never answers again");
        sleep(Duration::from_millis(100)).await;
    }
    let exit = state(&adapters).last_exit.unwrap();
    assert_eq!(exit, "signal: 9 (SIGKILL), ended because it hung");
    adapters.end().await;
}

#[tokio::test]
async fn a_program_whose_agency_is_slow_goes_on() {
    let office = Office::new();
    let adapters = begun(&office, "thinks", "").await;
    let first = state(&adapters).process;
    let described = office.path().join("described");
    // A second probe is sent only when the first has brought a word.
    for probes in ["2", "3"] {
        ask_in_vain(&adapters.all()[0]).await;
        until("it is probed", || fs::read_to_string(&described).unwrap() == probes).await;
    }
    let now = state(&adapters);
    assert_eq!((now.process, now.restarts), (first, 0));
    adapters.end().await;
}

#[tokio::test]
async fn what_a_program_writes_does_not_stop_it() {
    for log in ["", "log = true"] {
        let office = Office::new();
        let adapters = begun(&office, "floods", log).await;
        for _ in 0..20 {
            assert_eq!(answer(&adapters.all()[0]).await.unwrap(), ANSWER);
        }
        adapters.end().await;
    }
}

#[tokio::test]
async fn what_a_program_started_ends_with_it() {
    let office = Office::new();
    let adapters = begun(&office, "starts another", "").await;
    let other: u32 = fs::read_to_string(office.path().join("other")).unwrap().parse().unwrap();
    assert!(!is_gone(other));
    // Killed, it cannot end what it started; the gateway does.
    send(state(&adapters).process.unwrap(), Signal::KILL);
    until("the other is gone", || is_gone(other)).await;
    adapters.end().await;
}

#[tokio::test]
async fn a_program_that_does_not_end_is_killed() {
    let office = Office::new();
    let adapters = begun(&office, "does not end", "stop_within = \"300ms\"").await;
    let process = state(&adapters).process.unwrap();
    adapters.end().await;
    let now = state(&adapters);
    assert_eq!((now.process, now.last_exit.as_deref()), (None, Some("signal: 9 (SIGKILL)")));
    assert!(is_gone(process));
}

#[tokio::test]
async fn the_deadline_and_a_hang_up_reach_the_program() {
    let office = Office::new();
    let adapters = begun(&office, "thinks", "").await;
    let word = |name: &str| fs::read_to_string(office.path().join(name)).ok();
    let (query, all) = (question(), |_: &str| true);
    {
        let asking = adapters.all()[0].ask_granted(&all, &query, NOW, Duration::from_secs(50));
        tokio::select! {
            _ = asking => panic!("it answered"),
            () = until("the program is asked", || word("asked").is_some()) => {}
        }
    }
    // In whatever unit: no more than the caller had, and about as much.
    let given = word("asked").unwrap();
    let (number, unit) = given.split_at(given.len() - 1);
    let second = match unit {
        "S" => 1,
        "m" => 1_000,
        "u" => 1_000_000,
        _ => 1_000_000_000,
    };
    let seconds = number.parse::<u64>().unwrap() / second;
    assert!((1..=50).contains(&seconds), "{given}");
    until("the program sees the hang-up", || word("cancelled").is_some()).await;
    adapters.end().await;
}

#[tokio::test]
async fn a_reload_starts_what_changed_and_keeps_what_works() {
    let office = Office::new();
    let first = begun(&office, "answers", "").await;
    let process = state(&first).process;

    let (same, problems) = begin(&office, &manifest("answers", ""), Some(&first)).await;
    assert_eq!((problems.as_str(), state(&same).process), ("", process));

    let (kept, problems) = begin(&office, &manifest("ends at once", ""), Some(&same)).await;
    assert!(problems.ends_with("ended (exit status: 3); the version before stays"), "{problems}");
    assert_eq!(state(&kept).process, process);
    assert_eq!(answer(&kept.all()[0]).await.unwrap(), ANSWER);

    let (changed, problems) = begin(&office, &manifest("answers", "log = true"), Some(&kept)).await;
    assert_eq!(problems, "");
    assert_ne!(state(&changed).process, process);
    assert_eq!(answer(&changed.all()[0]).await.unwrap(), ANSWER);
    // Its last question may have been under way until now.
    drop((first, same, kept));
    until("the first is gone", || is_gone(process.unwrap())).await;
    changed.end().await;
}

#[tokio::test]
async fn a_program_is_a_file_that_can_be_run() {
    let office = Office::new();
    let place = |command: &str| {
        let text = manifest("answers", "");
        let line = text.lines().find(|line| line.starts_with("command")).unwrap().to_owned();
        office.place("police.toml", &text.replace(&line, &format!("command = [{command}]")));
        let (_, findings) = office.load(None);
        findings.into_iter().map(|finding| finding.to_string()).collect::<Vec<_>>().join("\n")
    };
    assert!(Path::new("/dev/null").exists());
    for command in ["\"./ca.pem\"", "\"./absent\"", "\"no-such-program\"", "\"/dev/null\""] {
        let findings = place(command);
        assert!(findings.contains("police.toml:7:13: "), "{command}: {findings}");
        assert!(findings.contains("that can be run"), "{command}: {findings}");
    }
    assert_eq!(place("\"sh\", \"-c\", \"exit\""), "");
}
