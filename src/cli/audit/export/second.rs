//! The second pass: writes the files. A receipt costs a few look-ups; memory holds one block of entries.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use bytes::Bytes;
use serde_json::json;

use super::Receipts;
use super::first::Gathered;
use super::page;
use crate::audit::entry::{Entry, Kind};
use crate::audit::prover::BLOCK;
use crate::audit::receipt::Receipt;
use crate::audit::script;
use crate::audit::tree::leaf_hash;
use crate::audit::verify::Expected;
use crate::cli::audit::reading::Reading;
use crate::crypto::Digest;
use crate::query::time::Timestamp;
use crate::report::{csv, fields};

/// Rows of entries on the page; the rest is in the files beside it.
const ROWS: u64 = 2_000;

const README: &str = include_str!("README.txt");
const CHECK: &str = include_str!("check.py");
const SCHEMA: &str = include_str!("../../../../proto/heyan/audit/v1/entry.proto");

/// Writes everything into `out`, which is there and empty.
pub(super) fn write(
    folder: &Path,
    out: &Path,
    gathered: &Gathered,
    receipts: Receipts,
    is_quiet: bool,
) -> anyhow::Result<()> {
    documents(out, gathered)?;
    let mut files = Files::make(out, gathered, receipts)?;
    let mut choice = gathered.choice.again();
    let expected = Expected { since: Some(&gathered.checkpoint), ..Expected::default() };
    let reading = Reading { expected, ..Reading::new(folder, "exporting", is_quiet) };
    reading.entries(&mut |seen, entry| {
        if seen.index >= gathered.size {
            return Ok(());
        }
        files.leaves.push(leaf_hash(seen.bytes));
        if choice.takes(entry) {
            files.entry(seen.index, seen.written_at, entry, seen.bytes, &choice.known)?;
        }
        if (seen.index + 1).is_multiple_of(BLOCK) || seen.index + 1 == gathered.size {
            files.receipts(seen.index - seen.index % BLOCK)?;
        }
        Ok(())
    })?;
    files.finish()
}

/// What does not depend on single entries.
fn documents(out: &Path, gathered: &Gathered) -> anyhow::Result<()> {
    put(&out.join("checkpoint"), gathered.checkpoint.as_bytes())?;
    put(&out.join("log.vkey"), format!("{}\n", gathered.vkeys.join("\n")).as_bytes())?;
    put(&out.join("check.py"), script::alone(CHECK).as_bytes())?;
    put(&out.join("entry.proto"), SCHEMA.as_bytes())?;
    let readme = README
        .replace("{origin}", &gathered.origin)
        .replace("{size}", &gathered.size.to_string())
        .replace("{entries}", &gathered.entries.to_string())
        .replace("{choice}", &gathered.choice.in_words());
    put(&out.join("README.txt"), readme.as_bytes())?;
    for (name, document) in gathered.choice.agreements() {
        put(&made(&out.join("agreements"))?.join(format!("{name}.jws")), document)?;
    }
    for (name, document) in gathered.choice.parties() {
        put(&made(&out.join("parties"))?.join(format!("{name}.toml")), document)?;
    }
    Ok(())
}

/// The files that grow entry by entry.
struct Files<'a> {
    gathered: &'a Gathered,
    lines: Written,
    table: Written,
    page: Written,
    rows: u64,
    /// A folder, or one file.
    receipts: Option<Proofs>,
    /// Leaves of the block being read, and its entries that are exported.
    leaves: Vec<Digest>,
    waiting: Vec<(u64, Bytes)>,
}

enum Proofs {
    Folder(PathBuf),
    File(Written),
}

impl<'a> Files<'a> {
    fn make(out: &Path, gathered: &'a Gathered, receipts: Receipts) -> anyhow::Result<Self> {
        let mut table = Written::make(out.join("entries.csv"))?;
        table.write(csv::line(csv::ENTRY_COLUMNS).as_bytes())?;
        let mut page = Written::make(out.join("index.html"))?;
        page.write(page::begin(gathered, ROWS).as_bytes())?;
        let receipts = match receipts {
            Receipts::None => None,
            Receipts::Files => Some(Proofs::Folder(made(&out.join("receipts"))?)),
            Receipts::OneFile => Some(Proofs::File(Written::make(out.join("receipts.jsonl"))?)),
        };
        let lines = Written::make(out.join("entries.jsonl"))?;
        let (leaves, waiting) = (Vec::new(), Vec::new());
        Ok(Self { gathered, lines, table, page, rows: 0, receipts, leaves, waiting })
    }

    fn entry(
        &mut self,
        index: u64,
        written_at: Timestamp,
        entry: &Entry,
        bytes: &Bytes,
        known: &crate::report::known::Known,
    ) -> anyhow::Result<()> {
        let line = fields::entry(index, written_at, entry, bytes);
        self.lines.write(format!("{line}\n").as_bytes())?;
        if matches!(entry.kind, Kind::Intent(_) | Kind::Outcome(_) | Kind::Denial(_)) {
            self.table.write(csv::entry(index, written_at, entry, known).as_bytes())?;
        }
        if self.rows < ROWS {
            self.page.write(page::row(index, entry, known).as_bytes())?;
            self.rows += 1;
        }
        if self.receipts.is_some() {
            self.waiting.push((index, bytes.clone()));
        }
        Ok(())
    }

    /// The block that begins with `first` has been read: proves its entries.
    fn receipts(&mut self, first: u64) -> anyhow::Result<()> {
        let leaves = std::mem::take(&mut self.leaves);
        if self.waiting.is_empty() {
            return Ok(());
        }
        let proofs = self.gathered.prover.block(first, &leaves);
        for (index, bytes) in self.waiting.drain(..) {
            let receipt = Receipt {
                extra: Some(bytes.to_vec()),
                index,
                hashes: proofs.inclusion(index)?,
                checkpoint: self.gathered.checkpoint.clone(),
            };
            match &mut self.receipts {
                Some(Proofs::Folder(folder)) => {
                    put(&folder.join(format!("{index}.tlog-proof")), receipt.to_text().as_bytes())?;
                }
                Some(Proofs::File(file)) => {
                    let line = json!({ "index": index, "receipt": receipt.to_text() });
                    file.write(format!("{line}\n").as_bytes())?;
                }
                None => {}
            }
        }
        Ok(())
    }

    fn finish(mut self) -> anyhow::Result<()> {
        self.page.write(page::end(self.gathered, self.rows).as_bytes())?;
        let proofs = match self.receipts {
            Some(Proofs::File(file)) => Some(file),
            _ => None,
        };
        for file in [self.lines, self.table, self.page].into_iter().chain(proofs) {
            file.finish()?;
        }
        Ok(())
    }
}

/// A file that says its name when something is wrong with it.
struct Written {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Written {
    fn make(path: PathBuf) -> anyhow::Result<Self> {
        let file = File::create_new(&path);
        let file = file.with_context(|| format!("cannot make `{}`", path.display()))?;
        Ok(Self { path, file: BufWriter::new(file) })
    }

    fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let written = self.file.write_all(bytes);
        written.with_context(|| format!("cannot write `{}`", self.path.display()))
    }

    fn finish(mut self) -> anyhow::Result<()> {
        let flushed = self.file.flush();
        flushed.with_context(|| format!("cannot write `{}`", self.path.display()))
    }
}

fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write `{}`", path.display()))
}

fn made(folder: &Path) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    Ok(folder.to_owned())
}
