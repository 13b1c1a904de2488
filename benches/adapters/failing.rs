//! How often an agency is bothered that drops every connection at once: with the breaker as samples have it, and with one
//! that does not open in the time, so that the retry budget alone holds.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use heyan::client::Client;
use heyan::proto::gateway::v1 as wire;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::gateway::{self, Gateway};
use super::province::Province;
use super::{Line, Options};

/// Fewer than the attempts after which the slow breaker may open.
const QUESTIONS: usize = 800;
/// Callers, each of whom asks again as soon as it is told that there is no answer.
const CALLERS: usize = 8;
/// As long as they wait.
const DEADLINE: Duration = Duration::from_secs(5);
/// The share that `[resilience]` gives where a manifest says nothing, and its floor for each second, ten of which may come
/// at once.
const BUDGET: f64 = 0.1;
const FLOOR: f64 = 1.0;
/// Attempts that open the sample's breaker, and what may be under way when it opens.
const BREAKER: usize = 6 + CALLERS;

/// As patient as a manifest can be.
const PATIENT: &str = "retries = 3\n[resilience.breaker]\nenough = 1000\nwindow = 1000\n";

pub(crate) fn run(_: &Options) -> anyhow::Result<Vec<Line>> {
    let province = Province::make()?;
    gateway::sign_agreements(&province)?;
    let (reached, seconds) = attempts(&province, "breaker", None)?;
    // It lets one try when it has been open for ten seconds.
    let probes = (seconds / 10.0).floor();
    let mut lines = vec![Line::goal(
        format!("{QUESTIONS} questions, breaker of the sample: attempts"),
        reached as f64,
        BREAKER as f64 + probes,
    )];
    let (reached, seconds) = attempts(&province, "budget", Some(PATIENT))?;
    let most = (QUESTIONS as f64 * (1.0 + BUDGET) + FLOOR * (seconds + 10.0)).floor();
    let what = format!("{QUESTIONS} questions, patient breaker, up to 3 retries: attempts");
    lines.push(Line::goal(what, reached as f64, most));
    lines.push(Line::told("  retries, as a share of the questions", {
        reached.saturating_sub(QUESTIONS) as f64 / QUESTIONS as f64
    }));
    lines.push(Line::told("  asked in, s", seconds));
    Ok(lines)
}

/// How many connections the police got, and in how many seconds. `resilience` stands in for the sample's retries.
fn attempts(
    province: &Province,
    name: &str,
    resilience: Option<&str>,
) -> anyhow::Result<(usize, f64)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let reached = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        let counted = Arc::clone(&reached);
        tasks.spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                drop(connection);
            }
        });

        let real = province.simulation.addresses()["police"].port();
        let mut text = gateway::manifest(province, "police")?;
        text = text.replace(&format!("127.0.0.1:{real}"), &format!("127.0.0.1:{port}"));
        if let Some(resilience) = resilience {
            let usual = "retries         = 1\n";
            ensure!(text.contains(usual), "the sample has other retries");
            text = text.replace(usual, resilience);
        }
        let adapters = province.path(format!("adapters-{name}"));
        fs::create_dir(&adapters)?;
        fs::write(adapters.join("police.toml"), text)?;
        // The gateway has a runtime of its own, which must not be made inside this one.
        let gateway = std::thread::scope(|scope| {
            let started = scope.spawn(|| Gateway::start(province, name, &adapters));
            started.join().map_err(|_| anyhow::anyhow!("the gateway did not start"))?
        })?;
        let client = gateway.connect().await?;
        let question = gateway::question(province, ("P1", "W3"))?;
        let began = Instant::now();
        ask_all(&client, &question).await?;
        let seconds = began.elapsed().as_secs_f64();
        let reached = reached.load(Ordering::Relaxed);
        std::thread::scope(|scope| scope.spawn(|| drop(gateway)).join())
            .map_err(|_| anyhow::anyhow!("the gateway did not stop"))?;
        Ok((reached, seconds))
    })
}

async fn ask_all(client: &Client, question: &wire::VerifyRequest) -> anyhow::Result<()> {
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (client, question) = (client.clone(), question.clone());
        callers.spawn(async move {
            for _ in 0..QUESTIONS / CALLERS {
                let request_id = Client::request_id();
                let question = wire::VerifyRequest { request_id, ..question.clone() };
                let answer = client.verify(question, DEADLINE).await?;
                let verdict = answer.verdict();
                ensure!(verdict == wire::Verdict::Unavailable, "it answered: {verdict:?}");
            }
            Ok(())
        });
    }
    while let Some(ended) = callers.join_next().await {
        ended??;
    }
    Ok(())
}
