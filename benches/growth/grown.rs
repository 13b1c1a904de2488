//! A gateway of each size, and what an answer of it costs beside the smallest.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use heyan::proto::gateway::v1::source::Kind;

use super::connection::Caller;
use super::figures::Line;
use super::installation::Installation;
use super::load::{Load, ask_each_once, measure};
use super::process::{Server, gauge, metrics_at};
use super::questions::{self, Questions};
use super::{Contender, Options};

const LOAD: Load = Load::Closed { connections: 8, streams: 4 };

/// Flat is within a tenth: what this bench can tell from noise.
const FLAT: f64 = 1.1;

/// An installation with the agencies behind it, and where it lies.
pub(crate) struct Ground {
    pub(crate) installation: Installation,
    people: u32,
    _folder: tempfile::TempDir,
}

impl Ground {
    /// In front of so many people, with so many agreements beside those that are asked under.
    pub(crate) fn make(people: u32, agreements: usize) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let place = folder.path().join("installation");
        let installation = Installation::make(&place, people, agreements)?;
        Ok(Self { installation, people, _folder: folder })
    }
}

/// A gateway that serves.
pub(crate) struct Started {
    pub(crate) server: Server,
    pub(crate) seconds: f64,
    /// How long a start took before this one, which had to read the whole log.
    pub(crate) unread_seconds: Option<f64>,
}

/// A gateway of one size.
pub(crate) struct Grown {
    size: String,
    count: u64,
    contender: Contender,
    /// The gateway's loopback port.
    admin: String,
    seconds: f64,
    unread_seconds: Option<f64>,
    /// Resident memory before the first question.
    at_rest: f64,
    /// Held so that its agencies run and its files stay.
    _ground: Ground,
}

impl Grown {
    /// Starts the gateway on its ground; it will be asked about so many people.
    pub(crate) fn start(
        of_what: &str,
        count: u64,
        ground: Ground,
        distinct: u32,
        start: impl FnOnce(&Installation) -> anyhow::Result<Started>,
    ) -> anyhow::Result<Self> {
        let size = format!("{count} {of_what}");
        let Started { server, seconds, unread_seconds } =
            start(&ground.installation).with_context(|| size.clone())?;
        let at_rest = server.resident_megabytes()? as f64;
        let people = questions::people(ground.people)?;
        let distinct = usize::try_from(distinct)?;
        ensure!(distinct <= people.count(), "too few people");
        let admin = server.admin().to_owned();
        let contender = Contender {
            label: size.clone(),
            server: server.into(),
            caller: Caller::of_system(&ground.installation.path("pki/fund-centre"))?,
            questions: Arc::new(Questions::about_few(&people, distinct, Kind::Cache)),
        };
        Ok(Self {
            size,
            count,
            contender,
            admin,
            seconds,
            unread_seconds,
            at_rest,
            _ground: ground,
        })
    }

    fn mebibytes(&self) -> anyhow::Result<f64> {
        Ok(self.contender.server.resident_megabytes()?.unwrap_or(0) as f64)
    }

    fn lines(&self, cost: &[f64], first: &[f64]) -> anyhow::Result<Vec<Line>> {
        let ratios = cost.iter().zip(first).map(|(cost, first)| cost / first);
        let mut lines = vec![
            Line::told(format!("{}: CPU of a kept answer, µs", self.size), median(cost.to_vec())),
            Line::goal("  beside the smallest", median(ratios.clone().collect()), FLAT),
            Line::told("    least of the rounds", ratios.clone().fold(f64::INFINITY, f64::min)),
            Line::told("    most", ratios.fold(0.0, f64::max)),
            Line::told("  memory at rest, MiB", self.at_rest),
            Line::told("  memory after, MiB", self.mebibytes()?),
            Line::told("  started in, s", self.seconds),
        ];
        if let Some(seconds) = self.unread_seconds {
            lines.push(Line::told("  without a summary, s", seconds));
        }
        Ok(lines)
    }
}

/// For each size what an answer costs, also beside the first of them.
pub(crate) fn compare(all: &[Grown], options: &Options) -> anyhow::Result<Vec<Line>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for one in all {
        eprintln!("{}: asking {} questions first", one.size, one.contender.questions.distinct());
        runtime.block_on(ask_each_once(&one.contender))?;
    }
    let mut costs: Vec<Vec<f64>> = all.iter().map(|_| Vec::new()).collect();
    for round in 0..options.repeat.max(1) {
        // Each is the first of a round as often as any other.
        for place in (0..all.len()).map(|turn| (round + turn) % all.len()) {
            let (one, length) = (&all[place], Duration::from_secs(options.seconds));
            let sample = runtime.block_on(measure(&one.contender, LOAD, length));
            let sample = sample.with_context(|| one.size.clone())?;
            costs[place].push(sample.cpu_micros.context("no CPU time")?);
        }
    }
    let mut lines = Vec::new();
    for (one, cost) in all.iter().zip(&costs) {
        lines.extend(one.lines(cost, &costs[0])?);
    }
    Ok(lines)
}

/// What a million more take of time at a start, and of memory after the load, between the smallest and the largest.
pub(crate) fn per_million(all: &[Grown]) -> anyhow::Result<Vec<Line>> {
    let (first, last) = all.first().zip(all.last()).context("no size")?;
    let millions = last.count.saturating_sub(first.count) as f64 / 1e6;
    let more = |of: fn(&Grown) -> f64| (of(last) - of(first)) / millions;
    Ok(vec![
        Line::told(
            "a million more: memory after, MiB",
            (last.mebibytes()? - first.mebibytes()?) / millions,
        ),
        Line::told("  start, s", more(|one| one.seconds)),
        Line::told("  without a summary, s", more(|one| one.unread_seconds.unwrap_or(0.0))),
    ])
}

/// What a kept answer takes of memory, and what the gateway reckons that it takes.
pub(crate) fn each_kept(all: &[Grown]) -> anyhow::Result<Vec<Line>> {
    let (first, last) = all.first().zip(all.last()).context("no size")?;
    let more = last.count.saturating_sub(first.count) as f64;
    let found = (last.mebibytes()? - first.mebibytes()?) * f64::from(1 << 20) / more;
    let reckoned = gauge(&metrics_at(&last.admin)?, "heyan_cache_bytes").context("no gauge")?;
    let reckoned = reckoned / last.count as f64;
    Ok(vec![
        Line::told("memory of a kept answer, bytes", found),
        Line::told("  as the gateway reckons it", reckoned),
    ])
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
