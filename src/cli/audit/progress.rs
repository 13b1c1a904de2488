//! Signs of life while a long log is read.

use std::io::IsTerminal;

/// Entries between two signs of life.
const PROGRESS_EVERY: u64 = 65_536;

/// Counts entries, on a terminal visibly.
pub(super) struct Progress {
    entries: u64,
    is_shown: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self { entries: 0, is_shown: std::io::stderr().is_terminal() }
    }
}

impl Progress {
    pub(super) fn step(&mut self) {
        self.entries += 1;
        if self.is_shown && self.entries.is_multiple_of(PROGRESS_EVERY) {
            eprint!("\r{} entries", self.entries);
        }
    }

    /// Clears the line; how many there were.
    pub(super) fn end(&self) -> u64 {
        if self.is_shown && self.entries >= PROGRESS_EVERY {
            eprint!("\r\x1b[K");
        }
        self.entries
    }
}
