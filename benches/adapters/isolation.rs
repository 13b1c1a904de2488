//! How long answers of five agencies take while the sixth is well, and while it takes questions and never answers.
//!
//! All six are asked at a steady rate, whether or not earlier questions are answered. Two gateways, each with limits and
//! a log of its own, are measured in turns, so that what else the machine does meets both; one of them only ever sees
//! the sixth agency hung. Each pair gives one ratio, and the median of the ratios counts.

use std::fs;
use std::time::Duration;

use anyhow::{Context, ensure};
use heyan::client::Client;
use heyan::proto::gateway::v1 as wire;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

use super::gateway::{self, FACTS, Gateway};
use super::province::Province;
use super::{Line, Options, median};

/// It hangs.
const SIXTH: &str = "civil-affairs";
/// As long as a caller waits.
const DEADLINE: Duration = Duration::from_secs(5);
/// Before each measurement.
const WARM_UP: Duration = Duration::from_secs(1);
/// Longer than the measurement.
const FOR_EVER: Duration = Duration::from_secs(3_600);

/// The questions to one agency.
struct Stream {
    agency: &'static str,
    client: Client,
    question: wire::VerifyRequest,
}

/// What was waited for the five, in ms, sorted; and how often the sixth answered.
struct Round {
    waits: Vec<f64>,
    sixth: usize,
}

impl Round {
    fn at(&self, share: usize) -> f64 {
        self.waits.get(self.waits.len() * share / 100).copied().unwrap_or(f64::NAN)
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<Line>> {
    let province = Province::make()?;
    gateway::sign_agreements(&province)?;
    let adapters = province.path("adapters-unlimited");
    fs::create_dir(&adapters)?;
    for (agency, ..) in FACTS {
        let text = gateway::manifest(&province, agency)?;
        fs::write(adapters.join(format!("{agency}.toml")), text)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let start = |name: &str| {
        let gateway = Gateway::start(&province, name, &adapters)?;
        let streams = runtime.block_on(streams(&province, &gateway))?;
        Ok::<_, anyhow::Error>((gateway, streams))
    };
    let (well, hung) = (start("well")?, start("hung")?);
    let (mut wells, mut hungs) = (Vec::new(), Vec::new());
    for round in 0..options.rounds {
        let mut turns = [false, true];
        turns.rotate_left(round % 2);
        for is_hung in turns {
            let delay = if is_hung { FOR_EVER } else { Duration::ZERO };
            province.simulation.faults(SIXTH).set_delay(delay, Duration::ZERO);
            let (streams, rounds) =
                if is_hung { (&hung.1, &mut hungs) } else { (&well.1, &mut wells) };
            measure(&runtime, streams, options.rate, WARM_UP)?;
            let length = Duration::from_secs(options.seconds);
            rounds.push(measure(&runtime, streams, options.rate, length)?);
        }
    }
    province.simulation.faults(SIXTH).clear();
    Ok(lines(&wells, &hungs, options))
}

fn lines(wells: &[Round], hungs: &[Round], options: &Options) -> Vec<Line> {
    let each = |rounds: &[Round], share| median(rounds.iter().map(|one| one.at(share)).collect());
    let ratio = |share| {
        let pairs = wells.iter().zip(hungs);
        median(pairs.map(|(well, hung)| hung.at(share) / well.at(share)).collect())
    };
    let answers = |rounds: &[Round]| rounds.iter().map(|round| round.sixth).sum::<usize>() as f64;
    let mut lines = vec![
        Line::goal("p99 of five agencies, sixth hung / well, median", ratio(99), 1.1),
        Line::told("p50 of five agencies, sixth hung / well, median", ratio(50)),
    ];
    for (what, rounds) in [("well", wells), ("hung", hungs)] {
        let rate = options.rate;
        lines.push(Line::told(format!("p50, sixth {what}, 6 × {rate}/s, ms"), each(rounds, 50)));
        lines.push(Line::told(format!("p99, sixth {what}, 6 × {rate}/s, ms"), each(rounds, 99)));
        lines.push(Line::told(format!("  answers of the sixth, {what}"), answers(rounds)));
    }
    lines
}

async fn streams(province: &Province, gateway: &Gateway) -> anyhow::Result<Vec<Stream>> {
    let mut streams = Vec::new();
    for (agency, fact, item) in FACTS {
        let client = gateway.connect().await?;
        let question = gateway::question(province, (fact, item))?;
        streams.push(Stream { agency, client, question });
    }
    Ok(streams)
}

/// Anything but a confirmation of one of the five fails the run.
fn measure(
    runtime: &Runtime,
    streams: &[Stream],
    rate: u64,
    length: Duration,
) -> anyhow::Result<Round> {
    runtime.block_on(async {
        let (mut five, mut sixth) = (JoinSet::new(), JoinSet::new());
        let (started, mut issued) = (Instant::now(), 0);
        let mut ticks = interval(Duration::from_millis(1));
        while started.elapsed() < length {
            ticks.tick().await;
            // One question at a time, each to the next agency.
            let due =
                started.elapsed().as_micros() as u64 * rate * streams.len() as u64 / 1_000_000;
            for number in issued..due {
                let stream = &streams[number as usize % streams.len()];
                let tasks = if stream.agency == SIXTH { &mut sixth } else { &mut five };
                let (agency, client) = (stream.agency, stream.client.clone());
                let request_id = Client::request_id();
                let question = wire::VerifyRequest { request_id, ..stream.question.clone() };
                tasks.spawn(async move {
                    let asked = Instant::now();
                    let answer = client.verify(question, DEADLINE).await.context(agency)?;
                    let took = asked.elapsed().as_secs_f64() * 1e3;
                    let reason = &answer.unavailability;
                    let is_answer = answer.verdict() == wire::Verdict::Confirmed;
                    ensure!(is_answer, "{agency}: {:?} {reason:?}", answer.verdict());
                    Ok(took)
                });
            }
            issued = due;
        }
        let mut waits = Vec::new();
        while let Some(ended) = five.join_next().await {
            waits.push(ended??);
        }
        let mut answered = 0;
        while let Some(ended) = sixth.try_join_next() {
            answered += usize::from(ended?.is_ok());
        }
        waits.sort_by(f64::total_cmp);
        Ok(Round { waits, sixth: answered })
    })
}
