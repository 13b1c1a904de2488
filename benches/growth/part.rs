//! The four things there can be more of. Everything else is the same for each size, and so are the questions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use heyan::proto::gateway::v1::source::Kind;

use super::connection::Caller;
use super::figures::Line;
use super::installation::Installation;
use super::load::{Load, ask_each_once, measure};
use super::many::{self, Many};
use super::process::Server;
use super::questions::{self, Questions};
use super::{Contender, Options, long_log};

const LOAD: Load = Load::Closed { connections: 8, streams: 4 };

/// People whose answers are kept where nothing else is said.
const FEW: u32 = 100;

/// Flat is within a tenth: what this bench can tell from noise.
const FLAT: f64 = 1.1;

/// A gateway of one size.
struct Grown {
    size: String,
    contender: Contender,
    start_seconds: f64,
    /// Held so that its agencies run and its files stay.
    _ground: (Installation, tempfile::TempDir),
}

/// An installation in front of so many people, with so many agreements.
fn ground(people: u32, agreements: usize) -> anyhow::Result<(Installation, tempfile::TempDir)> {
    let folder = tempfile::tempdir()?;
    let place = folder.path().join("installation");
    Ok((Installation::make(&place, people, agreements)?, folder))
}

/// Starts its gateway, which is asked about so many people.
fn grown(
    size: String,
    ground: (Installation, tempfile::TempDir),
    asked: (u32, u32),
    start: impl FnOnce(&Installation) -> anyhow::Result<Server>,
) -> anyhow::Result<Grown> {
    let (people, distinct) = asked;
    let began = Instant::now();
    let server = start(&ground.0).with_context(|| size.clone())?;
    let start_seconds = began.elapsed().as_secs_f64();
    let people = questions::people(people)?;
    let distinct = usize::try_from(distinct)?;
    ensure!(distinct <= people.count(), "too few people");
    let contender = Contender {
        label: size.clone(),
        server: server.into(),
        caller: Caller::of_system(&ground.0.path("pki/fund-centre"))?,
        questions: Arc::new(Questions::about_few(&people, distinct, Kind::Cache)),
    };
    Ok(Grown { size, contender, start_seconds, _ground: ground })
}

/// A line for the cost at each size, and one for its ratio to the first.
fn compare(all: &[Grown], options: &Options) -> anyhow::Result<Vec<Line>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for one in all {
        runtime.block_on(ask_each_once(&one.contender))?;
    }
    let mut costs: Vec<Vec<f64>> = all.iter().map(|_| Vec::new()).collect();
    for _ in 0..options.repeat.max(1) {
        for (one, costs) in all.iter().zip(&mut costs) {
            let length = Duration::from_secs(options.seconds);
            let sample = runtime.block_on(measure(&one.contender, LOAD, length));
            let sample = sample.with_context(|| one.size.clone())?;
            costs.push(sample.cpu_micros.context("no CPU time")?);
        }
    }
    let mut lines = Vec::new();
    for (one, cost) in all.iter().zip(&costs) {
        let pairs = cost.iter().zip(&costs[0]).map(|(cost, first)| cost / first).collect();
        let megabytes = one.contender.server.resident_megabytes()?.unwrap_or(0);
        lines.push(Line::told(
            format!("{}: CPU of a kept answer, µs", one.size),
            median(cost.clone()),
        ));
        lines.push(Line::goal("  beside the smallest", median(pairs), FLAT));
        lines.push(Line::told("  memory, MB", megabytes as f64));
        lines.push(Line::told("  started in, s", one.start_seconds));
    }
    Ok(lines)
}

pub(crate) fn agreements(options: &Options) -> anyhow::Result<Vec<Line>> {
    let sizes = [10, 1_000, 100_000].map(|size: usize| size.min(options.agreements));
    let all = sizes.map(|size| {
        let size_said = format!("{size} agreements");
        grown(size_said, ground(2_000, size)?, (2_000, FEW), |ground| {
            ground.start_gateway("log-grown", true)
        })
    });
    compare(&all.into_iter().collect::<anyhow::Result<Vec<_>>>()?, options)
}

pub(crate) fn adapters(options: &Options) -> anyhow::Result<Vec<Line>> {
    let all = [0, options.adapters].map(|more| {
        let ground = ground(2_000, 0)?;
        let many =
            Many { adapters: ground.0.path("adapters"), catalogue: ground.0.path("catalogue") };
        many.fill(&ground.0.path(""), many::Kind::Apart, more)?;
        let size = format!("6 and {more} adapters");
        grown(size, ground, (2_000, FEW), |ground| ground.start_gateway("log-grown", true))
    });
    compare(&all.into_iter().collect::<anyhow::Result<Vec<_>>>()?, options)
}

pub(crate) fn entries(options: &Options) -> anyhow::Result<Vec<Line>> {
    let mut sizes = vec![1, 1_000_000.min(options.entries), options.entries];
    sizes.dedup();
    let all = sizes.into_iter().map(|size| {
        let ground = ground(2_000, 0)?;
        let log = ground.0.path("log-long");
        long_log::make(&log, size)?;
        let key = log.with_extension("key");
        let said = format!("log of {size} entries");
        grown(said, ground, (2_000, FEW), |ground| {
            let key = key.to_str().context("an odd path")?;
            ground.start_on("log-long", true, &[("HEYAN__LOG__KEY", key)])
        })
    });
    compare(&all.collect::<anyhow::Result<Vec<_>>>()?, options)
}

pub(crate) fn kept(options: &Options) -> anyhow::Result<Vec<Line>> {
    // Foreigners are in no population register: a few more people than are asked about.
    let people = (options.kept + options.kept / 10).max(2_000);
    let all = [FEW, options.kept].map(|distinct| {
        let size = format!("{distinct} kept answers");
        grown(size, ground(people, 0)?, (people, distinct), |ground| {
            ground.create_log("log-grown")?;
            // Far more than they take, so that none is dropped.
            ground.start_on("log-grown", true, &[("HEYAN__CACHE__BYTES", "4 GiB")])
        })
    });
    compare(&all.into_iter().collect::<anyhow::Result<Vec<_>>>()?, options)
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
