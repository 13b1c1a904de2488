//! The gateway's own memory over the time, beside what it holds of things that have a bound.
//!
//! The least that it comes down to within a tenth of the time is what is left when kept answers were just forgotten and
//! little is under way: neither a burst nor how far a bound was used at some moment is in it. A leak raises it in the second
//! half of the time as in the first, while whatever only settles has done so by the middle.

use super::figures::Line;
use super::process::{Server, gauge};

/// Parts of the time that are told.
pub(crate) const PARTS: u32 = 10;

/// Those around the middle, and those at the end, from 0.
const HELD: [[usize; 2]; 2] = [[4, 5], [8, 9]];

/// What the least at the end may be beside that around the middle: noise, and no more.
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
pub(crate) struct Memory {
    looks: Vec<Look>,
    /// Whether everything that happens does so in each part; else no two can be compared.
    is_judged: bool,
    /// Entries so far that took more than 2.5 s to become durable.
    slow_entries: f64,
}

impl Memory {
    pub(crate) fn new(is_judged: bool) -> Self {
        Self { looks: Vec::new(), is_judged, slow_entries: f64::NAN }
    }

    /// Looks once more.
    pub(crate) fn look(&mut self, gateway: &Server) -> anyhow::Result<()> {
        let text = gateway.metrics()?;
        let megabytes = gateway.own_kibibytes()? as f64 * 1024.0 / 1e6;
        let bounded = BOUNDED.map(|(name, _)| gauge(&text, name).unwrap_or(f64::NAN) / 1e6);
        self.looks.push(Look { megabytes, bounded });
        let all = gauge(&text, "heyan_log_append_seconds_count");
        let quick = gauge(&text, "heyan_log_append_seconds_bucket{le=\"2.5\"}");
        self.slow_entries = all.zip(quick).map_or(f64::NAN, |(all, quick)| all - quick);
        Ok(())
    }

    /// For each tenth of the time what there was, and how the end stands to the middle.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let mut lines = vec![Line::told(
            "entries that waited longer than 2.5 s for the disk",
            self.slow_entries,
        )];
        for (number, tenth) in (1..).zip(self.tenths()) {
            let all = || tenth.iter().map(|look| look.megabytes);
            lines
                .push(Line::told(format!("own memory in tenth {number}, least, MB"), least(tenth)));
            lines.push(Line::told("  mean", all().sum::<f64>() / tenth.len() as f64));
            lines.push(Line::told("  most", all().fold(0.0, f64::max)));
            for (place, (_, what)) in BOUNDED.iter().enumerate() {
                let held = tenth.iter().filter_map(|look| look.bounded.get(place));
                lines.push(Line::told(format!("  {what}"), held.copied().fold(0.0, f64::max)));
            }
        }
        let what = "least own memory at the end beside the middle";
        match self.growth().filter(|_| self.is_judged) {
            Some(growth) => lines.push(Line::goal(what, growth, GROWTH)),
            None => lines.push(Line::told(format!("{what}: too short to tell"), f64::NAN)),
        }
        lines
    }

    /// What must not be, in words; nothing when all is well.
    pub(crate) fn flaws(&self) -> Vec<String> {
        let too_much = |growth: &f64| self.is_judged && *growth > GROWTH;
        let grown = self.growth().filter(too_much);
        let told = |growth| {
            format!("the least memory at the end was {growth:.2} of that around the middle")
        };
        grown.map(told).into_iter().collect()
    }

    /// How the end stands to the middle.
    fn growth(&self) -> Option<f64> {
        let tenths: Vec<&[Look]> = self.tenths().collect();
        let [middle, end] = HELD.map(|places| {
            let held = places.iter().map(|place| tenths.get(*place).map(|tenth| least(tenth)));
            held.collect::<Option<Vec<f64>>>().map(|both| both.into_iter().fold(f64::MAX, f64::min))
        });
        Some(end? / middle?)
    }

    fn tenths(&self) -> impl Iterator<Item = &[Look]> {
        self.looks.chunks(self.looks.len().div_ceil(PARTS as usize).max(1))
    }
}

fn least(looks: &[Look]) -> f64 {
    looks.iter().map(|look| look.megabytes).fold(f64::MAX, f64::min)
}
