//! Asking at a steady rate for a long time, and remembering what was told.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, anyhow};
use heyan::proto::gateway::v1 as wire;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

use super::connection::{Caller, Connection};
use super::figures::Line;
use super::questions::Questions;
use super::ticker::Ticker;

/// A connection is used for so long; then a new one meets the certificate of the day.
const CONNECTION_LASTS: Duration = Duration::from_secs(3);

/// Between two looks at memory.
const LOOK: Duration = Duration::from_secs(1);

/// How what was denied begins, by whoever asked: `PERMISSION_DENIED`.
const DENIED: &str = "gRPC status 7:";

/// How everything begins that the gateway itself has refused.
const REFUSED: &str = "gRPC status ";

/// A question's id, and what came for it: index of the entry and verdict.
pub(crate) type Answers = HashMap<[u8; 16], (u64, wire::Verdict)>;

/// What was told to the callers.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) answers: Answers,
    pub(crate) unavailable: u64,
    /// Ids of questions that got no answer, and whether they were denied: the log has what became of them.
    pub(crate) unanswered: HashMap<[u8; 16], bool>,
    /// By what the refusal said.
    pub(crate) reasons: BTreeMap<String, u64>,
    /// Questions whose connection broke, or that were left without a word.
    pub(crate) lost: u64,
    /// Answers under a version that another had followed.
    pub(crate) outdated: u64,
    /// Answers while nothing granted them, and denials while something did.
    pub(crate) against: u64,
}

impl Told {
    /// The figures.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let mut lines = vec![
            Line::told("answers", self.answers.len() as f64),
            Line::told(
                "  of these no answer of the agency, with the reason",
                self.unavailable as f64,
            ),
            Line::told("refused", self.unanswered.len() as f64 - self.lost as f64),
            Line::goal("lost without a word", self.lost as f64, 0.0),
            Line::goal(
                "answers under a version that another had followed",
                self.outdated as f64,
                0.0,
            ),
            Line::goal(
                "answers while nothing granted, denials while it was",
                self.against as f64,
                0.0,
            ),
        ];
        for (reason, count) in &self.reasons {
            let reason = reason.replace("%20", " ").replace("%60", "`");
            lines.push(Line::told(format!("    {reason}"), *count as f64));
        }
        lines
    }

    /// What must not be, in words; nothing when all is well.
    pub(crate) fn flaws(&self) -> Vec<String> {
        let all = [
            (self.lost, "questions were lost without a word"),
            (self.outdated, "answers were given under a version that another had followed"),
            (self.against, "answers or denials were against an order that acted already"),
        ];
        let found = all.iter().filter(|(count, _)| *count > 0);
        found.map(|(count, what)| format!("{count} {what}")).collect()
    }
}

/// What came for one question.
pub(crate) enum Came {
    /// An answer under this version of the agreement.
    Answered(u32),
    Denied,
    /// Anything else: another refusal, or nothing.
    Other,
}

/// Whether the agreement grants. In this order, again and again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Granted = 0,
    /// An order was given, and nobody has seen yet that it acts.
    Stopping = 1,
    Stopped = 2,
    Starting = 3,
}

/// Phases before they come round again.
const PHASES: u32 = 4;

/// Those who ask.
pub(crate) struct Asked {
    address: String,
    caller: Caller,
    /// Asked from in turn.
    kinds: [Questions; 2],
    number: AtomicUsize,
    /// No answer to a question asked from here on may name a lower version.
    least: AtomicU32,
    /// Phases since the beginning.
    phase: AtomicU32,
    told: Mutex<Told>,
}

impl Asked {
    pub(crate) fn new(address: String, caller: Caller, kinds: [Questions; 2]) -> Self {
        Self {
            address,
            caller,
            kinds,
            number: AtomicUsize::new(0),
            least: AtomicU32::new(1),
            phase: AtomicU32::new(0),
            told: Mutex::default(),
        }
    }

    /// Asks so often a second for `length`, and looks each second.
    pub(crate) async fn run(
        self: &Arc<Self>,
        rate: u32,
        length: Duration,
        mut look: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut ticker = Ticker::every(Duration::from_secs(1) / rate)?;
        let mut looks = interval(LOOK);
        let (mut connection, mut since) = (self.connect().await?, Instant::now());
        let mut tasks = JoinSet::new();
        while began.elapsed() < length {
            tokio::select! {
                passed = ticker.passed() => for _ in passed? {
                    let (asked, connection) = (Arc::clone(self), Arc::clone(&connection));
                    tasks.spawn(async move { asked.ask(&connection).await.map(drop) });
                },
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

    /// A new connection.
    pub(crate) async fn connect(&self) -> anyhow::Result<Arc<Connection>> {
        Ok(Arc::new(Connection::open(&self.address, &self.caller).await?))
    }

    /// Where the gateway is, and who asks it.
    pub(crate) fn door(&self) -> (&str, &Caller) {
        (&self.address, &self.caller)
    }

    /// Asks the next question over that connection, and remembers what came.
    pub(crate) async fn ask(&self, connection: &Connection) -> anyhow::Result<Came> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let kind = self.kinds.get(number % self.kinds.len()).context("no questions")?;
        let question = kind.next()?;
        let id = uuid::Uuid::try_parse(&question.request_id)?.into_bytes();
        let (least, phase) = (self.least.load(Ordering::SeqCst), self.phase.load(Ordering::SeqCst));
        let came = connection.ask(&question).await;
        let is_still = |wanted: Phase| {
            phase % PHASES == wanted as u32 && self.phase.load(Ordering::SeqCst) == phase
        };
        let mut told = self.told.lock().map_err(|_| anyhow!("somebody panicked"))?;
        let error = match came {
            Ok(reply) => {
                let version = reply.grant.as_ref().map_or(0, |grant| grant.version);
                told.unavailable += u64::from(reply.verdict() == wire::Verdict::Unavailable);
                told.outdated += u64::from(version < least);
                told.against += u64::from(is_still(Phase::Stopped));
                told.answers.insert(id, (reply.log_index, reply.verdict()));
                return Ok(Came::Answered(version));
            }
            Err(error) => format!("{error:#}"),
        };
        let is_denied = error.starts_with(DENIED);
        told.against += u64::from(is_denied && is_still(Phase::Granted));
        told.lost += u64::from(!error.starts_with(REFUSED));
        told.unanswered.insert(id, is_denied);
        *told.reasons.entry(error).or_default() += 1;
        Ok(if is_denied { Came::Denied } else { Came::Other })
    }

    /// From here on nothing may be answered under an earlier version.
    pub(crate) fn expect_version(&self, version: u32) {
        self.least.store(version, Ordering::SeqCst);
    }

    /// Whether anything is granted.
    pub(crate) fn is_stopped(&self) -> bool {
        self.phase.load(Ordering::SeqCst) % PHASES == Phase::Stopped as u32
    }

    /// The next phase has come.
    pub(crate) fn enter(&self, phase: Phase) -> anyhow::Result<()> {
        let before = self.phase.fetch_add(1, Ordering::SeqCst);
        anyhow::ensure!((before + 1) % PHASES == phase as u32, "a phase was left out");
        Ok(())
    }

    /// Everything that came.
    pub(crate) fn told(self) -> anyhow::Result<Told> {
        self.told.into_inner().map_err(|_| anyhow!("somebody panicked"))
    }
}
