//! The first pass: everything checked, everything counted, nothing written.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::bail;

use super::choice::Choice;
use crate::audit::prover::Prover;
use crate::audit::tree::leaf_hash;
use crate::audit::verify::Expected;
use crate::cli::audit::reading::{LogKeys, Reading, head_of, published};
use crate::report::fields::kind_name;
use crate::report::words;

/// What the second pass needs to know.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) choice: Choice,
    pub(super) prover: Prover,
    /// The signed checkpoint that every receipt is under, and its size.
    pub(super) checkpoint: String,
    pub(super) size: u64,
    pub(super) origin: String,
    /// The log's keys, the first one first.
    pub(super) vkeys: Vec<String>,
    /// Entries to export.
    pub(super) entries: u64,
    /// Of those, answers and denials.
    pub(super) questions: u64,
    /// Entries by kind.
    pub(super) kinds: BTreeMap<&'static str, u64>,
    /// Answers and denials by what came of them.
    pub(super) results: BTreeMap<String, u64>,
}

/// Reads the whole log, up to its published checkpoint.
pub(super) fn gather(
    folder: &Path,
    mut choice: Choice,
    is_quiet: bool,
) -> anyhow::Result<Gathered> {
    let checkpoint = published(folder)?;
    let head = head_of(&checkpoint)?;
    let size = head.size;
    let mut keys = LogKeys::first_of(folder)?;
    let mut prover = Prover::new(size);
    let (mut entries, mut questions) = (0, 0);
    let mut kinds: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut results: BTreeMap<String, u64> = BTreeMap::new();
    let expected = Expected { since: Some(&checkpoint), ..Expected::default() };
    let reading = Reading { expected, ..Reading::new(folder, "checking", is_quiet) };
    let verified = reading.entries(&mut |seen, entry| {
        if seen.index >= size {
            return Ok(());
        }
        keys.see(entry);
        prover.leaf(leaf_hash(seen.bytes));
        choice.keep_documents(entry);
        if choice.takes(entry) {
            entries += 1;
            let kind = kind_name(&entry.kind);
            *kinds.entry(kind).or_default() += 1;
            if matches!(kind, "outcome" | "denial") {
                questions += 1;
                *results.entry(words::result(&entry.kind)).or_default() += 1;
            }
        }
        Ok(())
    })?;
    if head.root != prover.root() {
        bail!("the entries do not give the published root: run `heyan audit verify`");
    }
    let (origin, vkeys) = (verified.origin, keys.texts());
    Ok(Gathered {
        choice,
        prover,
        checkpoint,
        size,
        origin,
        vkeys,
        entries,
        questions,
        kinds,
        results,
    })
}
