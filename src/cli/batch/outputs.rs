//! The two files of a batch: what was told, and what was not and why. Made from the journal, and gone on with.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use csv::Writer;

use super::beside;
use super::journal::Journal;
use super::outcome::Outcome;
use super::tally::Tally;

/// The open files, and what is in them.
pub(super) struct Outputs {
    results: Writer<File>,
    failed: Writer<File>,
    tally: Tally,
}

impl Outputs {
    /// Writes both anew from what the journal has: whatever a crash left in them, they fit together again.
    pub(super) fn begin(stem: &Path, journal: &mut Journal) -> anyhow::Result<Self> {
        let mut outputs = Self {
            results: file(&beside(stem, "results.csv"))?,
            failed: file(&beside(stem, "failed.csv"))?,
            tally: Tally::default(),
        };
        outputs.results.write_record(["row", "verdict", "as_of", "source", "log_index"])?;
        outputs.failed.write_record(["row", "what", "code", "detail", "log_index"])?;
        journal.each_done(&mut |row, outcome| outputs.write(row, outcome))?;
        outputs.flush()?;
        Ok(outputs)
    }

    /// One row.
    pub(super) fn write(&mut self, row: u64, outcome: &Outcome) -> io::Result<()> {
        self.tally.add(outcome);
        let row = row.to_string();
        match outcome {
            Outcome::Told { verdict, as_of, source, log_index } => {
                let index = log_index.to_string();
                self.results.write_record([&row, verdict, as_of, source, &index])
            }
            Outcome::Failed { kind, code, detail, log_index } => {
                let index = log_index.map(|index| index.to_string()).unwrap_or_default();
                self.failed.write_record([&row, kind.name(), code, detail, &index])
            }
        }
        .map_err(io::Error::from)
    }

    /// Everything to the files.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.results.flush()?;
        self.failed.flush()
    }

    /// What is in them.
    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Closes them.
    pub(super) fn close(mut self) -> io::Result<Tally> {
        self.flush()?;
        Ok(self.tally)
    }
}

fn file(path: &Path) -> anyhow::Result<Writer<File>> {
    let mut open = OpenOptions::new();
    let opened = open.write(true).create(true).truncate(true).mode(0o600).open(path);
    let file = opened.with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(Writer::from_writer(file))
}
