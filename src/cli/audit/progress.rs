//! Signs of life while a long log is read: on a terminal, to standard error, and nowhere else.

use std::fs;
use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Entries between two looks at the bar: it must cost nothing beside hashing.
const LOOK_EVERY: u64 = 4096;

/// Counts entries, on a terminal visibly.
pub(super) struct Progress {
    entries: u64,
    bar: ProgressBar,
}

impl Progress {
    /// Counts towards what the log last published. Invisible when `is_quiet`, or not on a terminal.
    pub(super) fn new(what: &'static str, folder: &Path, is_quiet: bool) -> Self {
        if is_quiet || !std::io::stderr().is_terminal() {
            return Self { entries: 0, bar: ProgressBar::hidden() };
        }
        let (bar, template) = match published_size(folder) {
            Some(size) => (
                ProgressBar::new(size),
                "{msg:<10} {bar:32} {human_pos} of {human_len} entries, {per_sec}, {eta} left",
            ),
            None => (ProgressBar::new_spinner(), "{msg:<10} {human_pos} entries, {per_sec}"),
        };
        let style = ProgressStyle::with_template(template);
        let bar = bar.with_message(what);
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { entries: 0, bar }
    }

    /// One entry more.
    pub(super) fn step(&mut self) {
        self.entries += 1;
        if self.entries.is_multiple_of(LOOK_EVERY) {
            self.bar.set_position(self.entries);
        }
    }

    /// Clears the line; how many there were.
    pub(super) fn end(&self) -> u64 {
        self.bar.finish_and_clear();
        self.entries
    }
}

/// Believed for the bar only: reading the log checks the checkpoint.
fn published_size(folder: &Path) -> Option<u64> {
    fs::read_to_string(folder.join("checkpoint")).ok()?.lines().nth(1)?.parse().ok()
}
