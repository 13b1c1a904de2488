//! A thousand cases at once over a handful of connections: whether all end as they should, how long that takes, and what
//! each needs in memory. Then many at once before agencies that allow little, with single questions between them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use heyan::client::{Client, ClientError};
use heyan::proto::gateway::v1 as wire;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use wire::case_outcome::Outcome;

use super::chain::millis;
use super::installation::{DELIVERED, UNLIMITED};
use super::process::Server;
use super::running::{DEADLINE, Ran, case, ready};
use super::{Ground, Line, share};

/// Cases on one connection; fewer than `limits.streams_per_connection`.
const ON_ONE: usize = 125;

/// Cases at once before agencies with their limits as delivered, one in so many of `--at-once`.
const SCARCE: usize = 20;

pub(crate) fn run(ground: &Ground) -> anyhow::Result<Vec<Line>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut lines = many(ground).await?;
        lines.extend(too_many(ground).await?);
        lines.extend(scarce(ground).await?);
        Ok(lines)
    })
}

/// What became of all.
#[derive(Default)]
struct Ended {
    took: Vec<f64>,
    outcomes: BTreeMap<&'static str, usize>,
    /// Refusals, and why needs are open, with how often.
    why: BTreeMap<String, usize>,
    most_megabytes: u64,
}

impl Ended {
    fn count(&mut self, ran: Result<Ran, ClientError>) -> anyhow::Result<()> {
        match ran {
            Ok(ran) => {
                self.took.push(millis(ran.took));
                *self.outcomes.entry(ran.outcome.as_str_name()).or_default() += 1;
                for why in ran.open {
                    *self.why.entry(why).or_default() += 1;
                }
            }
            Err(ClientError::Refused(refused)) => {
                ensure!(refused.retry_after.is_some(), "refused without a time: {refused}");
                *self.why.entry(format!("refused {}", refused.reason)).or_default() += 1;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn ready(&self) -> usize {
        self.outcomes.get(Outcome::Ready.as_str_name()).copied().unwrap_or_default()
    }
}

/// Opens so many at once; the gateway's memory is looked at while they run.
async fn at_once(ground: &Ground, gateway: &Server, count: usize) -> anyhow::Result<Ended> {
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..count.div_ceil(ON_ONE) {
        clients.push(ground.installation.connect(gateway).await?);
    }
    let mut running = JoinSet::new();
    for number in 0..count {
        let (client, application) =
            (clients[number / ON_ONE].clone(), ground.families.application(number));
        running.spawn(async move { case(&client, application, DEADLINE).await });
    }
    let mut ended = Ended::default();
    while !running.is_empty() {
        tokio::select! {
            Some(ran) = running.join_next() => ended.count(ran?)?,
            () = sleep(Duration::from_millis(100)) => {}
        }
        ended.most_megabytes = ended.most_megabytes.max(gateway.resident_megabytes()?);
    }
    Ok(ended)
}

/// Limits and agencies allow it: none is refused, each ends READY.
async fn many(ground: &Ground) -> anyhow::Result<Vec<Line>> {
    let (installation, count) = (&ground.installation, ground.options.at_once);
    let gateway = installation.start("flight", UNLIMITED, &[])?;
    let client = installation.connect(&gateway).await?;
    installation.delay(|_| Duration::ZERO)?;
    for number in 0..ground.families.count() {
        ready(&client, ground.families.application(number)).await?;
    }
    installation.delay(|_| Duration::from_millis(ground.options.delay))?;
    let one = millis(ready(&client, ground.families.application(0)).await?.took);
    let (rest, cpu, began) = (gateway.resident_megabytes()?, gateway.cpu()?, Instant::now());
    let ended = at_once(ground, &gateway, count).await?;
    let (cpu, took) = (gateway.cpu()?.saturating_sub(cpu), began.elapsed());
    let grown = ended.most_megabytes.saturating_sub(rest) as f64 * 1024.0;
    let wrong = count - ended.ready();
    ensure!(wrong == 0, "{wrong} of {count} were not READY: {:?} {:?}", ended.outcomes, ended.why);
    Ok(vec![
        Line::goal(format!("of {count} cases at once, not READY"), wrong as f64, 0.0),
        Line::told("  all of them, s", took.as_secs_f64()),
        Line::told("  median of each, s", share(ended.took.clone(), 50) / 1e3),
        Line::told("  the slowest, s", share(ended.took, 100) / 1e3),
        Line::told("  one by itself, s", one / 1e3),
        Line::told("  CPU of each, ms", millis(cpu) / count as f64),
        Line::told("  memory of each while all run, KiB", grown / count as f64),
        Line::told("  resident before, MiB", rest as f64),
    ])
}

/// More than the limit allows: whoever is too many is told so at once, with a time to come back; all others end READY.
async fn too_many(ground: &Ground) -> anyhow::Result<Vec<Line>> {
    let (installation, count) = (&ground.installation, ground.options.at_once / 4);
    let most = (count / 2).to_string();
    let limits = [("HEYAN__LIMITS__CASES_PER_CALLER", most.as_str())];
    let gateway = installation.start("refused", UNLIMITED, &limits)?;
    let ended = at_once(ground, &gateway, count).await?;
    let refused = ended.why.get("refused OVERLOADED").copied().unwrap_or_default();
    ensure!(refused + ended.ready() == count, "{:?} {:?}", ended.outcomes, ended.why);
    Ok(vec![
        Line::told(
            format!("of {count} cases at once where {most} may be: READY"),
            ended.ready() as f64,
        ),
        Line::told("  refused OVERLOADED, with a time to come back", refused as f64),
    ])
}

/// Agencies as the sample manifests have them, with a few places and ten to fifty questions a second each: cases wait for
/// their turns, and single questions do not.
async fn scarce(ground: &Ground) -> anyhow::Result<Vec<Line>> {
    let (installation, count) = (&ground.installation, ground.options.at_once.div_ceil(SCARCE));
    installation.delay(|_| Duration::from_millis(50))?;
    let gateway = installation.start("scarce", DELIVERED, &[])?;
    let client = installation.connect(&gateway).await?;
    let ran = ready(&client, ground.families.application(0)).await?;
    let question =
        ran.put.into_iter().find(|(name, _)| name == "identity").context("no identity")?.1;
    let done = Arc::new(AtomicBool::new(false));
    let mut asking = JoinSet::new();
    asking.spawn(singles(client, question, Arc::clone(&done)));
    let began = Instant::now();
    let ended = at_once(ground, &gateway, count).await?;
    let took = began.elapsed();
    done.store(true, Ordering::Relaxed);
    let (waits, lost) = asking.join_next().await.context("nobody asked")???;
    installation.delay(|_| Duration::ZERO)?;
    let mut lines = vec![
        Line::goal(
            format!("of {count} cases at once, limits as delivered, not READY"),
            (count - ended.ready()) as f64,
            0.0,
        ),
        Line::told("  all of them, s", took.as_secs_f64()),
        Line::goal("  single questions meanwhile without an answer", lost as f64, 0.0),
        Line::told("  those with one", waits.len() as f64),
        Line::told("  median of their waits, ms", share(waits.clone(), 50)),
        Line::told("  99 in a hundred, ms", share(waits, 99)),
    ];
    lines
        .extend(ended.why.iter().map(|(why, count)| Line::told(format!("  {why}"), *count as f64)));
    Ok(lines)
}

/// Five a second from somebody at a counter: their waits in ms, and how many had no answer.
async fn singles(
    client: Client,
    question: wire::VerifyRequest,
    done: Arc<AtomicBool>,
) -> anyhow::Result<(Vec<f64>, usize)> {
    let (mut waits, mut lost) = (Vec::new(), 0);
    while !done.load(Ordering::Relaxed) {
        let request_id = Client::request_id();
        let question = wire::VerifyRequest { request_id, ..question.clone() };
        let began = Instant::now();
        match client.verify(question, Duration::from_secs(10)).await {
            Ok(reply) if reply.unavailability.is_none() => waits.push(millis(began.elapsed())),
            Ok(_) | Err(ClientError::Refused(_)) => lost += 1,
            Err(error) => return Err(error.into()),
        }
        sleep(Duration::from_millis(200)).await;
    }
    Ok((waits, lost))
}
