//! The gateway's memory over the time, beside what it holds of things that have a bound.

use anyhow::Context;

use super::figures::Line;
use super::process::{Server, gauge};

/// Parts of the time that are told.
const PARTS: usize = 10;

/// What the mean of the last tenth may be beside that of the second, the first in which all bounds were met: noise, and no
/// more.
const GROWTH: f64 = 1.1;

/// Gauges of things that have a bound, with how they are told.
const BOUNDED: [(&str, &str); 2] = [
    ("heyan_cache_bytes", "kept answers at most, MB"),
    ("heyan_window_bytes", "answers for retries at most, MB"),
];

/// One look.
struct Look {
    megabytes: f64,
    /// As [`BOUNDED`].
    bounded: [f64; 2],
}

/// All looks.
#[derive(Default)]
pub(crate) struct Memory {
    looks: Vec<Look>,
}

impl Memory {
    /// Looks once more.
    pub(crate) fn look(&mut self, gateway: &Server) -> anyhow::Result<()> {
        let text = gateway.metrics()?;
        let megabytes = gateway.resident_kibibytes()? as f64 * 1024.0 / 1e6;
        let bounded = BOUNDED.map(|(name, _)| gauge(&text, name).unwrap_or(f64::NAN) / 1e6);
        self.looks.push(Look { megabytes, bounded });
        Ok(())
    }

    /// For each tenth of the time what there was, and how the end stands to the beginning.
    pub(crate) fn lines(&self) -> anyhow::Result<Vec<Line>> {
        let size = self.looks.len().div_ceil(PARTS).max(1);
        let (mut lines, mut means) = (Vec::new(), Vec::new());
        for (number, tenth) in (1..).zip(self.looks.chunks(size)) {
            let all = || tenth.iter().map(|look| look.megabytes);
            let mean = all().sum::<f64>() / tenth.len() as f64;
            means.push(mean);
            lines.push(Line::told(format!("memory in tenth {number}, mean, MB"), mean));
            lines.push(Line::told("  most", all().fold(0.0, f64::max)));
            for (place, (_, what)) in BOUNDED.iter().enumerate() {
                let held = tenth.iter().filter_map(|look| look.bounded.get(place));
                lines.push(Line::told(format!("  {what}"), held.copied().fold(0.0, f64::max)));
            }
        }
        let (second, last) = means.get(1).zip(means.last()).context("too short to tell")?;
        lines.push(Line::goal("memory in the last tenth beside the second", last / second, GROWTH));
        Ok(lines)
    }
}
