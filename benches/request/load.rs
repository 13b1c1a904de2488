//! The generator: closed loops that keep every stream busy, and an open loop that asks at a fixed rate.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use heyan::client::Client;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

use super::Contender;
use super::questions::Questions;

/// Before each measurement, so that connections are up and caches are filled.
const WARM_UP: Duration = Duration::from_millis(500);

/// Longer than any answer here takes; one that takes longer fails the run.
const DEADLINE: Duration = Duration::from_secs(10);

/// How requests arrive.
#[derive(Clone, Copy)]
pub(crate) enum Load {
    /// Each stream asks again as soon as it is answered: finds the limit.
    Closed { connections: usize, streams: usize },
    /// Requests a second, whether or not earlier ones are answered: finds the wait.
    Open { connections: usize, rate: u64 },
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { connections, streams } => write!(f, "{connections} × {streams}"),
            Self::Open { connections, rate } => write!(f, "{rate}/s on {connections}"),
        }
    }
}

/// One measurement.
pub(crate) struct Sample {
    /// Answers a second.
    pub(crate) rate: f64,
    /// CPU time of the server for each.
    pub(crate) cpu_micros: f64,
    pub(crate) p50_micros: u128,
    pub(crate) p99_micros: u128,
}

/// The sample in the middle by CPU time.
pub(crate) fn median(mut samples: Vec<Sample>) -> anyhow::Result<Sample> {
    samples.sort_by(|one, other| one.cpu_micros.total_cmp(&other.cpu_micros));
    let middle = samples.len() / 2;
    samples.into_iter().nth(middle).context("nothing was measured")
}

/// Measures one contender under one load for `length`, after a warm-up. Any refusal, and any answer
/// that [`Questions::check`] does not accept, fails the run.
pub(crate) async fn measure(
    contender: &Contender,
    load: Load,
    length: Duration,
) -> anyhow::Result<Sample> {
    let (Load::Closed { connections, .. } | Load::Open { connections, .. }) = load;
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(connect(contender).await?);
    }
    let asker = Asker { questions: Arc::clone(&contender.questions) };

    asker.run(&clients, load, WARM_UP).await?;
    let (cpu_before, started) = (contender.server.cpu()?, Instant::now());
    let mut waits = asker.run(&clients, load, length).await?;
    let (cpu, elapsed) = (contender.server.cpu()?.saturating_sub(cpu_before), started.elapsed());

    waits.sort_unstable();
    let at = |share: usize| waits.get(waits.len() * share / 100).map_or(0, Duration::as_micros);
    let answers = waits.len() as f64;
    Ok(Sample {
        rate: answers / elapsed.as_secs_f64(),
        cpu_micros: cpu.as_secs_f64() * 1e6 / answers,
        p50_micros: at(50),
        p99_micros: at(99),
    })
}

/// Asks each question once, whatever the source of its answer.
pub(crate) async fn ask_each_once(contender: &Contender) -> anyhow::Result<()> {
    let client = connect(contender).await?;
    for _ in 0..contender.questions.distinct() {
        client.verify(contender.questions.next()?, DEADLINE).await?;
    }
    Ok(())
}

async fn connect(contender: &Contender) -> anyhow::Result<Client> {
    let caller = &contender.caller;
    let endpoint = format!("https://{}", contender.server.address());
    let pems = (&caller.authority, &caller.certificate, &caller.key);
    Ok(Client::connect(&endpoint, pems.0, pems.1, pems.2, "localhost").await?)
}

/// Asks and checks.
#[derive(Clone)]
struct Asker {
    questions: Arc<Questions>,
}

impl Asker {
    /// How long each answer took.
    async fn run(
        &self,
        clients: &[Client],
        load: Load,
        length: Duration,
    ) -> anyhow::Result<Vec<Duration>> {
        match load {
            Load::Closed { streams, .. } => self.closed(clients, streams, length).await,
            Load::Open { rate, .. } => self.open(clients, rate, length).await,
        }
    }

    async fn ask(&self, client: &Client) -> anyhow::Result<Duration> {
        let question = self.questions.next()?;
        let asked = Instant::now();
        let reply = client.verify(question, DEADLINE).await?;
        let waited = asked.elapsed();
        self.questions.check(&reply)?;
        Ok(waited)
    }

    async fn closed(
        &self,
        clients: &[Client],
        streams: usize,
        length: Duration,
    ) -> anyhow::Result<Vec<Duration>> {
        let end = Instant::now() + length;
        let mut tasks = JoinSet::new();
        for client in clients.iter().flat_map(|client| std::iter::repeat_n(client, streams)) {
            let (asker, client) = (self.clone(), client.clone());
            tasks.spawn(async move {
                let mut waits = Vec::new();
                while Instant::now() < end {
                    waits.push(asker.ask(&client).await?);
                }
                Ok::<_, anyhow::Error>(waits)
            });
        }
        let mut waits = Vec::new();
        while let Some(finished) = tasks.join_next().await {
            waits.extend(finished??);
        }
        Ok(waits)
    }

    async fn open(
        &self,
        clients: &[Client],
        rate: u64,
        length: Duration,
    ) -> anyhow::Result<Vec<Duration>> {
        let started = Instant::now();
        let mut ticks = interval(Duration::from_millis(1));
        let mut tasks = JoinSet::new();
        let mut turn = clients.iter().cycle();
        let mut issued = 0;
        while started.elapsed() < length {
            ticks.tick().await;
            let due = u64::try_from(started.elapsed().as_micros())? * rate / 1_000_000;
            for client in turn.by_ref().take(usize::try_from(due.saturating_sub(issued))?) {
                let (asker, client) = (self.clone(), client.clone());
                tasks.spawn(async move { asker.ask(&client).await });
            }
            issued = due;
        }
        let mut waits = Vec::new();
        while let Some(finished) = tasks.join_next().await {
            waits.push(finished??);
        }
        Ok(waits)
    }
}
