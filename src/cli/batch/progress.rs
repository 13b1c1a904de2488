//! How far a batch is: a bar on a terminal, a line now and then elsewhere. To standard error.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

/// Between two lines where there is no terminal: a night's batch makes a log that can be read.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Counts rows.
pub(super) struct Progress {
    bar: ProgressBar,
    is_terminal: bool,
    is_quiet: bool,
    said: Instant,
    began: Instant,
    /// Done before this run, and now.
    before: Option<u64>,
    done: u64,
    total: u64,
}

impl Progress {
    /// Of so many rows. Without a terminal and `is_quiet`, nothing is said.
    pub(super) fn new(total: u64, is_quiet: bool) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let bar = match is_terminal {
            true => ProgressBar::new(total),
            false => ProgressBar::hidden(),
        };
        let template = "{bar:32} {human_pos} of {human_len} rows, {per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let now = Instant::now();
        Self { bar, is_terminal, is_quiet, said: now, began: now, before: None, done: 0, total }
    }

    /// So many rows are done.
    pub(super) fn at(&mut self, done: u64) {
        self.done = done;
        if self.before.is_none() {
            self.before = Some(done);
            self.bar.set_position(done);
            self.bar.reset_eta();
        }
        self.bar.set_position(done);
        if !self.is_terminal && !self.is_quiet && self.said.elapsed() >= LINE_EVERY {
            self.said = Instant::now();
            eprintln!("{}", self.line());
        }
    }

    fn line(&self) -> String {
        let passed = self.began.elapsed().as_secs_f64().max(0.001);
        let rate = self.done.saturating_sub(self.before.unwrap_or_default()) as f64 / passed;
        let left = self.total.saturating_sub(self.done) as f64 / rate.max(0.001);
        let left = humantime::format_duration(Duration::from_secs(left.min(1e9) as u64));
        format!("{} of {} rows, {rate:.1} a second, {left} left", self.done, self.total)
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
