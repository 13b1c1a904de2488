//! What a batch has come to, counted; in words, as JSON, and as an exit code.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use super::beside;
use super::outcome::{Kind, Outcome};
use crate::cli::{COULD_NOT_TELL, NO};

const CONFIRMED: &str = "CONFIRMED";
const REFUTED: &str = "REFUTED";

/// Rows by what became of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    counts: BTreeMap<String, u64>,
    /// Rows with nothing in them.
    blank: u64,
    /// Why it ended before its end, in words.
    pub(super) halted: Option<String>,
}

impl Tally {
    /// One row more.
    pub(super) fn add(&mut self, outcome: &Outcome) {
        *self.counts.entry(outcome.name().to_owned()).or_default() += 1;
    }

    /// An empty row more.
    pub(super) fn add_blank(&mut self, count: u64) {
        self.blank += count;
    }

    /// Rows that something became of.
    pub(super) fn done(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Rows that were refused, where nothing but that and bad rows has happened.
    pub(super) fn refused_only(&self) -> u64 {
        let is_other = |name: &str| ![Kind::Refused.name(), Kind::BadRow.name()].contains(&name);
        match self.counts.keys().any(|name| is_other(name)) {
            true => 0,
            false => self.count(Kind::Refused.name()),
        }
    }

    fn count(&self, name: &str) -> u64 {
        self.counts.get(name).copied().unwrap_or_default()
    }

    fn left(&self, total: u64) -> u64 {
        total.saturating_sub(self.done() + self.blank)
    }

    /// 0 when all of so many are confirmed, 1 when the others are refuted, 2 when anything could not be told.
    pub(super) fn exit_code(&self, total: u64) -> ExitCode {
        ExitCode::from(self.code(total))
    }

    fn code(&self, total: u64) -> u8 {
        let (confirmed, refuted) = (self.count(CONFIRMED), self.count(REFUTED));
        match self.left(total) == 0 && confirmed + refuted == self.done() {
            false => COULD_NOT_TELL,
            true if refuted > 0 => NO,
            true => 0,
        }
    }

    /// Says it.
    pub(super) fn print(
        &self,
        stem: &Path,
        total: u64,
        lost: Option<&anyhow::Error>,
        as_json: bool,
    ) {
        let (results, failed) = (beside(stem, "results.csv"), beside(stem, "failed.csv"));
        let why = lost.map(|error| format!("{error:#}")).or_else(|| self.halted.clone());
        if as_json {
            say!(
                "{:#}",
                json!({
                    "rows": total, "done": self.done(), "blank": self.blank, "left": self.left(total),
                    "counts": self.counts, "halted": why, "results": results, "failed": failed,
                })
            );
            return;
        }
        for (name, count) in &self.counts {
            say!("{count:>9}  {name}");
        }
        if self.blank > 0 {
            say!("{:>9}  empty rows, left out", self.blank);
        }
        say!("results    {}", results.display());
        say!("failed     {}", failed.display());
        if let Some(why) = why {
            say!("stopped    {why}");
        }
        if self.left(total) > 0 {
            say!(
                "{:>9}  rows are left: run the same command again to go on, within seven minutes if it was\n           \
                 stopped while questions were under way; those are then found in the gateway, not asked again",
                self.left(total)
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_good_only_when_every_row_is_confirmed() {
        let tally = |names: &[&str]| {
            let mut tally = Tally::default();
            for name in names {
                *tally.counts.entry((*name).to_owned()).or_default() += 1;
            }
            tally
        };
        assert_eq!(tally(&[CONFIRMED, CONFIRMED]).code(2), 0);
        assert_eq!(tally(&[CONFIRMED, REFUTED]).code(2), 1);
        assert_eq!(tally(&[CONFIRMED]).code(2), 2, "a row is left");
        for other in ["NOT_FOUND", "STALE", "CONFLICT", "bad_row", "refused", "unavailable"] {
            assert_eq!(tally(&[CONFIRMED, REFUTED, other]).code(3), 2, "{other}");
        }
        let mut with_blank = tally(&[CONFIRMED]);
        with_blank.add_blank(1);
        assert_eq!(with_blank.code(2), 0);
        assert_eq!(tally(&["refused", "refused", "bad_row"]).refused_only(), 2);
        assert_eq!(tally(&["refused", "refused", CONFIRMED]).refused_only(), 0);
    }
}
