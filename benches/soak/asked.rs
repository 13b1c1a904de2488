//! Asking at a steady rate for a long time, and remembering what was told.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, anyhow};
use heyan::proto::gateway::v1 as wire;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

use super::connection::{Caller, Connection};
use super::questions::Questions;
use super::ticker::Ticker;

/// A connection is used for so long; then a new one meets the certificate of the day.
const CONNECTION_LASTS: Duration = Duration::from_secs(3);

/// Between two looks at memory.
const LOOK: Duration = Duration::from_secs(1);

/// A question's id, and what came for it: index of the entry and verdict.
pub(crate) type Answers = HashMap<[u8; 16], (u64, wire::Verdict)>;

/// What was told to the callers.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) answers: Answers,
    pub(crate) unavailable: u64,
    pub(crate) refused: u64,
    /// By what the refusal said.
    pub(crate) reasons: BTreeMap<String, u64>,
    /// Ids of questions that got no answer: the log may hold what became of them.
    pub(crate) unanswered: Vec<[u8; 16]>,
}

/// Those who ask.
pub(crate) struct Asked {
    address: String,
    caller: Caller,
    /// Asked from in turn.
    kinds: [Questions; 2],
    told: Mutex<Told>,
}

impl Asked {
    pub(crate) fn new(address: String, caller: Caller, kinds: [Questions; 2]) -> Self {
        Self { address, caller, kinds, told: Mutex::default() }
    }

    /// Asks so often a second for `length`, makes trouble in between, and looks each second.
    pub(crate) async fn run(
        self: &Arc<Self>,
        rate: u32,
        length: Duration,
        every: Duration,
        mut trouble: impl FnMut() -> anyhow::Result<()>,
        mut look: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut ticker = Ticker::every(Duration::from_secs(1) / rate)?;
        let (mut troubles, mut looks) = (interval(every), interval(LOOK));
        let (mut connection, mut since) = (self.connect().await?, Instant::now());
        let (mut tasks, mut number) = (JoinSet::new(), 0_usize);
        while began.elapsed() < length {
            tokio::select! {
                passed = ticker.passed() => for _ in passed? {
                    let (asked, connection) = (Arc::clone(self), Arc::clone(&connection));
                    number += 1;
                    tasks.spawn(async move { asked.ask(&connection, number).await });
                },
                _ = troubles.tick() => trouble()?,
                _ = looks.tick() => {
                    look()?;
                    if since.elapsed() > CONNECTION_LASTS {
                        (connection, since) = (self.connect().await?, Instant::now());
                    }
                }
            }
            while let Some(ended) = tasks.try_join_next() {
                ended??;
            }
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok(())
    }

    async fn connect(&self) -> anyhow::Result<Arc<Connection>> {
        Ok(Arc::new(Connection::open(&self.address, &self.caller).await?))
    }

    async fn ask(&self, connection: &Connection, number: usize) -> anyhow::Result<()> {
        let kind = self.kinds.get(number % self.kinds.len()).context("no questions")?;
        let question = kind.next()?;
        let id = uuid::Uuid::try_parse(&question.request_id)?.into_bytes();
        let came = connection.ask(&question).await;
        let mut told = self.told.lock().map_err(|_| anyhow!("somebody panicked"))?;
        match came {
            Ok(reply) => {
                told.unavailable += u64::from(reply.verdict() == wire::Verdict::Unavailable);
                told.answers.insert(id, (reply.log_index, reply.verdict()));
            }
            Err(error) => {
                told.refused += 1;
                told.unanswered.push(id);
                *told.reasons.entry(format!("{error:#}")).or_default() += 1;
            }
        }
        Ok(())
    }

    /// Everything that came.
    pub(crate) fn told(self) -> anyhow::Result<Told> {
        self.told.into_inner().map_err(|_| anyhow!("somebody panicked"))
    }
}
