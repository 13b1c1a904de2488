//! The generator: closed loops that keep every stream busy, and an open loop that asks at a fixed rate.
//!
//! In the open loop an answer's time runs from the moment the question was due, not from when there was leisure to send
//! it: a server that stops for a while is charged for everything that came due meanwhile.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, anyhow};
use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Contender;
use super::connection::Connection;
use super::questions::Questions;
use super::ticker::Ticker;

/// Before each measurement, so that connections are up and caches are filled.
const WARM_UP: Duration = Duration::from_millis(500);

/// So many questions at once while answers are brought into the cache.
const FILLING: usize = 64;

/// Waits are told to three digits.
const DIGITS: u8 = 3;

/// How requests arrive.
#[derive(Clone, Copy)]
pub(crate) enum Load {
    /// Each stream asks again as soon as it is answered: finds the limit.
    Closed { connections: usize, streams: usize },
    /// Requests a second, whether or not earlier ones are answered: finds the wait.
    Open { connections: usize, rate: u32 },
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
    /// CPU time of the server for each; `None` where its processes are not known.
    pub(crate) cpu_micros: Option<f64>,
    /// What was waited for each, in microseconds.
    pub(crate) waits: Histogram<u64>,
    /// Resident memory of the server right after.
    pub(crate) megabytes: Option<u64>,
}

/// Measures one contender under one load for `length`, after a warm-up. Any refusal, and any answer
/// that [`Questions::check`] does not accept, fails the measurement.
pub(crate) async fn measure(
    contender: &Contender,
    load: Load,
    length: Duration,
) -> anyhow::Result<Sample> {
    let (Load::Closed { connections, .. } | Load::Open { connections, .. }) = load;
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Arc::new(contender.connect().await?));
    }
    Asker::new(contender)?.run(&open, load, WARM_UP).await?;

    let asker = Asker::new(contender)?;
    let (cpu_before, started) = (contender.server.cpu()?, Instant::now());
    asker.run(&open, load, length).await?;
    let (cpu, elapsed) = (contender.server.cpu()?, started.elapsed());
    let waits = asker.waits.lock().map_err(|_| anyhow!("an answer panicked"))?.clone();
    let answers = waits.len() as f64;
    let used = cpu.zip(cpu_before).map(|(after, before)| after.saturating_sub(before));
    Ok(Sample {
        rate: answers / elapsed.as_secs_f64(),
        cpu_micros: used.map(|used| used.as_secs_f64() * 1e6 / answers),
        waits,
        megabytes: contender.server.resident_megabytes()?,
    })
}

/// Asks each question once, whatever the source of its answer.
pub(crate) async fn ask_each_once(contender: &Contender) -> anyhow::Result<()> {
    let connection = Arc::new(contender.connect().await?);
    let mut tasks = JoinSet::new();
    for number in 0..contender.questions.distinct() + FILLING {
        if number >= FILLING {
            tasks.join_next().await.context("none is under way")???;
        }
        if number < contender.questions.distinct() {
            let (connection, question) = (Arc::clone(&connection), contender.questions.next()?);
            tasks.spawn(async move { connection.ask(&question).await.map(drop) });
        } else if tasks.is_empty() {
            break;
        }
    }
    Ok(())
}

/// Asks, checks, and notes what was waited.
#[derive(Clone)]
struct Asker {
    questions: Arc<Questions>,
    waits: Arc<Mutex<Histogram<u64>>>,
}

impl Asker {
    fn new(contender: &Contender) -> anyhow::Result<Self> {
        let waits = Arc::new(Mutex::new(Histogram::new(DIGITS)?));
        Ok(Self { questions: Arc::clone(&contender.questions), waits })
    }

    async fn run(
        &self,
        connections: &[Arc<Connection>],
        load: Load,
        length: Duration,
    ) -> anyhow::Result<()> {
        match load {
            Load::Closed { streams, .. } => self.closed(connections, streams, length).await,
            Load::Open { rate, .. } => self.open(connections, rate, length).await,
        }
    }

    /// One question that was due at that moment.
    async fn ask(&self, connection: &Connection, due: Instant) -> anyhow::Result<()> {
        let reply = connection.ask(&self.questions.next()?).await?;
        let waited = u64::try_from(due.elapsed().as_micros())?;
        self.waits.lock().map_err(|_| anyhow!("an answer panicked"))?.record(waited)?;
        self.questions.check(&reply)
    }

    async fn closed(
        &self,
        connections: &[Arc<Connection>],
        streams: usize,
        length: Duration,
    ) -> anyhow::Result<()> {
        let end = Instant::now() + length;
        let mut tasks = JoinSet::new();
        for connection in connections.iter().flat_map(|one| std::iter::repeat_n(one, streams)) {
            let (asker, connection) = (self.clone(), Arc::clone(connection));
            tasks.spawn(async move {
                loop {
                    let now = Instant::now();
                    if now >= end {
                        return Ok(());
                    }
                    asker.ask(&connection, now).await?;
                }
            });
        }
        all(tasks).await
    }

    async fn open(
        &self,
        connections: &[Arc<Connection>],
        rate: u32,
        length: Duration,
    ) -> anyhow::Result<()> {
        let mut ticker = Ticker::every(Duration::from_secs(1) / rate)?;
        let end = Instant::now() + length;
        let mut turn = connections.iter().cycle();
        let mut tasks = JoinSet::new();
        'asking: loop {
            for due in ticker.passed().await? {
                if due >= end {
                    break 'asking;
                }
                let connection = Arc::clone(turn.next().context("no connection")?);
                let asker = self.clone();
                tasks.spawn(async move { asker.ask(&connection, due).await });
            }
            while let Some(ended) = tasks.try_join_next() {
                ended??;
            }
        }
        all(tasks).await
    }
}

async fn all(mut tasks: JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}
