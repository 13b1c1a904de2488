//! What was measured, as a table for people and as JSON for programs.

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::load::{Load, Sample};
use super::{Contender, handshakes};

/// Shares of the answers whose waits are told in JSON, in hundredths.
const PERCENTILES: [f64; 9] = [10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 100.0];

/// A whole run.
#[derive(Serialize, Deserialize, Default)]
pub(crate) struct Report {
    pub(crate) machine: String,
    pub(crate) cores: String,
    pub(crate) command: Vec<String>,
    pub(crate) agreements: usize,
    pub(crate) at_rest: Vec<AtRest>,
    pub(crate) loads: Vec<Row>,
    pub(crate) handshakes: Vec<HandshakeRow>,
}

/// Memory before the first question.
#[derive(Serialize, Deserialize)]
pub(crate) struct AtRest {
    pub(crate) server: String,
    pub(crate) megabytes: Option<u64>,
}

/// One server under one load: the round in the middle by CPU time.
#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) server: String,
    pub(crate) load: String,
    pub(crate) is_open: bool,
    pub(crate) answers_per_second: f64,
    pub(crate) cpu_micros: Option<f64>,
    /// CPU time beside the bare server's of the same round: the ratio in the middle.
    pub(crate) ratio: Option<f64>,
    /// The least and the most of these ratios.
    pub(crate) ratio_spread: Option<(f64, f64)>,
    /// Share of the answers in hundredths, and within how many microseconds they came.
    pub(crate) waits_micros: Vec<(f64, u64)>,
    pub(crate) megabytes: Option<u64>,
}

/// New connections to one server.
#[derive(Serialize, Deserialize)]
pub(crate) struct HandshakeRow {
    pub(crate) server: String,
    pub(crate) resumes: bool,
    pub(crate) per_second: f64,
    pub(crate) cpu_micros: Option<f64>,
    /// CPU time beside that of rustls alone in the same round.
    pub(crate) ratio: Option<f64>,
    /// Share of the handshakes that went on from an earlier one.
    pub(crate) resumed: f64,
}

/// The one in the middle and those at both ends; `None` of nothing.
fn spread(mut all: Vec<f64>) -> Option<(f64, f64, f64)> {
    all.sort_by(f64::total_cmp);
    Some((*all.first()?, *all.get(all.len() / 2)?, *all.last()?))
}

/// Ratios of each round to the measure's, where both are known.
fn ratios(own: &[Option<f64>], bare: &[Option<f64>]) -> Option<(f64, f64, f64)> {
    let pairs = own.iter().zip(bare).filter_map(|(own, bare)| Some((*own)? / (*bare)?));
    spread(pairs.collect())
}

impl Row {
    /// Of the rounds of one server, beside the CPU time of the bare one in the same rounds.
    pub(crate) fn of(
        server: &str,
        load: Load,
        mut rounds: Vec<Sample>,
        bare: &[Option<f64>],
    ) -> anyhow::Result<Self> {
        let used: Vec<Option<f64>> = rounds.iter().map(|sample| sample.cpu_micros).collect();
        let ratios = ratios(&used, bare);
        rounds.sort_by(|one, other| {
            let by_cpu = one.cpu_micros.unwrap_or(0.0).total_cmp(&other.cpu_micros.unwrap_or(0.0));
            by_cpu.then(other.rate.total_cmp(&one.rate))
        });
        let middle = rounds.len() / 2;
        let sample = rounds.into_iter().nth(middle).context("nothing was measured")?;
        let waits = PERCENTILES.map(|share| (share, sample.waits.value_at_percentile(share)));
        Ok(Self {
            server: server.to_owned(),
            load: load.to_string(),
            is_open: matches!(load, Load::Open { .. }),
            answers_per_second: sample.rate,
            cpu_micros: sample.cpu_micros,
            ratio: ratios.map(|(_, middle, _)| middle),
            ratio_spread: ratios.map(|(least, _, most)| (least, most)),
            waits_micros: waits.to_vec(),
            megabytes: sample.megabytes,
        })
    }

    /// Within how many microseconds that share of the answers came.
    pub(crate) fn wait(&self, share: f64) -> Option<u64> {
        let found = self.waits_micros.iter().find(|(known, _)| (known - share).abs() < 1e-9);
        found.map(|(_, micros)| *micros)
    }

    /// The line above the rows.
    pub(crate) fn print_head() {
        println!(
            "{:<30}{:>14}{:>10}{:>9}{:>7}{:>14}{:>9}{:>9}{:>9}{:>9}{:>6}",
            "server",
            "load",
            "answers/s",
            "CPU µs",
            "ratio",
            "least-most",
            "p50 µs",
            "p99 µs",
            "p99.9 µs",
            "most µs",
            "MB"
        );
    }

    pub(crate) fn print(&self) {
        let wait = |share| whole(self.wait(share));
        let ends = self.ratio_spread.map(|(least, most)| format!("{least:.2}-{most:.2}"));
        println!(
            "{:<30}{:>14}{:>10.0}{:>9}{:>7}{:>14}{:>9}{:>9}{:>9}{:>9}{:>6}",
            self.server,
            self.load,
            self.answers_per_second,
            digits(self.cpu_micros, 1),
            digits(self.ratio, 2),
            ends.unwrap_or_else(|| "-".to_owned()),
            wait(50.0),
            wait(99.0),
            wait(99.9),
            wait(100.0),
            whole(self.megabytes),
        );
    }
}

impl HandshakeRow {
    /// Of the rounds of one server, beside the CPU time of rustls alone in the same rounds.
    pub(crate) fn of(
        contender: &Contender,
        resumes: bool,
        rounds: &[handshakes::Sample],
        bare: &[Option<f64>],
    ) -> Self {
        let used: Vec<Option<f64>> = rounds.iter().map(|sample| sample.cpu_micros).collect();
        let middle = |of: fn(&handshakes::Sample) -> Option<f64>| {
            spread(rounds.iter().filter_map(of).collect()).map(|(_, middle, _)| middle)
        };
        Self {
            server: contender.label.clone(),
            resumes,
            per_second: middle(|sample| Some(sample.rate)).unwrap_or(0.0),
            cpu_micros: middle(|sample| sample.cpu_micros),
            ratio: ratios(&used, bare).map(|(_, middle, _)| middle),
            resumed: middle(|sample| Some(sample.resumed)).unwrap_or(0.0),
        }
    }

    /// The line above the rows.
    pub(crate) fn print_head() {
        println!(
            "{:<30}{:>14}{:>10}{:>9}{:>7}{:>14}",
            "server", "handshakes", "each/s", "CPU µs", "ratio", "resumed"
        );
    }

    pub(crate) fn print(&self) {
        println!(
            "{:<30}{:>14}{:>10.0}{:>9}{:>7}{:>13.1}%",
            self.server,
            if self.resumes { "resumed" } else { "full" },
            self.per_second,
            digits(self.cpu_micros, 1),
            digits(self.ratio, 2),
            self.resumed * 100.0,
        );
    }
}

fn digits(figure: Option<f64>, digits: usize) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.digits$}"))
}

fn whole(figure: Option<u64>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| figure.to_string())
}
