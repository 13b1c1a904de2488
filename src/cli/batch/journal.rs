//! The journal of a batch: which rows were sent, and what became of them. It outlives the process, and names nobody.
//!
//! A row is written down as sent, and that is durable, before it is sent; so a row that the journal does not know was
//! never asked about. One line is a checksum and a JSON document; a line cut short at the end was never relied on.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
use crate::crypto::{Digest, hex, sha256_parts};
use crate::query::time::Timestamp;

/// How long a row that was sent gets the answer it got: the ten minutes for which gateways promise that, less the two
/// that a question may wait there for its turn, less one for clocks that disagree.
const KEPT: Duration = Duration::from_secs(7 * 60);

/// What a batch is begun or gone on with.
pub(super) struct Opening {
    /// Now.
    pub(super) at: Timestamp,
    /// Of the list.
    pub(super) list: Digest,
    /// Of what is asked.
    pub(super) plan: Digest,
    /// Whether rows without a verdict are asked about again.
    pub(super) ask_again: bool,
}

/// An open journal; nobody else has it.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// What is not written yet.
    unwritten: Vec<u8>,
    begin: Begin,
    rows: Rows,
}

/// What is known of every row.
#[derive(Default)]
struct Rows {
    /// One bit for each row: whether it is done.
    done: Vec<u64>,
    /// Sent, and not done; as many as are under way at once.
    sent: BTreeMap<u64, Sent>,
}

/// How a row was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sent {
    /// How often `--ask-again` had been said.
    pub(super) round: u32,
    pub(super) at: Timestamp,
}

/// What is known of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Never sent.
    Fresh,
    /// Sent lately: the same request id gets the same answer.
    Sent(Sent),
    /// Sent too long ago for that.
    Lost,
    Done,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Begin {
    /// Random: no two batches have the same request ids.
    batch: String,
    at: Timestamp,
    list: String,
    plan: String,
    round: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Record {
    Begin(Begin),
    Sent(u64, Sent),
    Done(u64, Outcome),
    /// It was sent, and certainly not asked about.
    Back(u64),
}

impl Journal {
    /// Opens the journal of this list and question, or begins one.
    pub(super) fn open(path: &Path, opening: &Opening) -> anyhow::Result<Self> {
        let shown = path.display();
        let opened = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path);
        let file = opened.with_context(|| format!("cannot open the journal `{shown}`"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("`{shown}`: this batch is running already"),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock `{shown}`"));
            }
        }
        // Whoever began a new round has put another file in its place.
        let (locked, named) = (file.metadata()?, std::fs::metadata(path)?);
        if (locked.dev(), locked.ino()) != (named.dev(), named.ino()) {
            bail!("`{shown}`: this batch was running until now; give the command again");
        }
        let mut rows = Rows::default();
        let mut begin = None;
        let length = each(&file, &mut |record| rows.take(record, &mut begin))
            .with_context(|| {
                format!("the journal `{shown}` is damaged; for a new batch of the rows that are left give --output")
            })?;
        // What was cut short.
        file.set_len(length)?;
        let fresh = Begin {
            batch: uuid::Uuid::new_v4().simple().to_string(),
            at: opening.at,
            list: hex(&opening.list),
            plan: hex(&opening.plan),
            round: 0,
        };
        let is_new = begin.is_none();
        let begin = begin.unwrap_or(fresh);
        if begin.list != hex(&opening.list) {
            bail!(
                "`{shown}` belongs to another list, or the list has changed; give --output for a new batch"
            );
        }
        if begin.plan != hex(&opening.plan) {
            bail!(
                "`{shown}` belongs to another question about this list; give --output for a new batch"
            );
        }
        let mut journal = Self { path: path.to_owned(), file, unwritten: Vec::new(), begin, rows };
        if is_new {
            journal.write(&Record::Begin(journal.begin.clone()))?;
            journal.sync()?;
            sync_folder(path)?;
        } else if opening.ask_again {
            journal.reopen(opening.at)?;
        }
        Ok(journal)
    }

    /// What is known of a row at this moment.
    pub(super) fn state(&self, row: u64, at: Timestamp) -> State {
        match self.rows.sent.get(&row) {
            _ if self.rows.is_done(row) => State::Done,
            None => State::Fresh,
            Some(sent) if at.since(sent.at) < KEPT => State::Sent(*sent),
            Some(_) => State::Lost,
        }
    }

    /// How a row is sent that never was.
    pub(super) fn sending(&self, at: Timestamp) -> Sent {
        Sent { round: self.begin.round, at }
    }

    /// The request id of a row: the same whenever it is sent in the same round.
    pub(super) fn request_id(&self, row: u64, sent: Sent) -> String {
        request_id(&self.begin.batch, self.begin.at, row, sent.round)
    }

    /// Writes down that rows will be sent. Durable when this returns.
    pub(super) fn sent(&mut self, rows: &[(u64, Sent)]) -> io::Result<()> {
        for &(row, sent) in rows {
            self.write(&Record::Sent(row, sent))?;
            self.rows.sent.insert(row, sent);
        }
        if rows.is_empty() { Ok(()) } else { self.sync() }
    }

    /// Writes down what became of a row. Durable with the next [`Journal::sent`] or [`Journal::sync`]: until then the
    /// gateway still knows.
    pub(super) fn done(&mut self, row: u64, outcome: &Outcome) -> io::Result<()> {
        self.write(&Record::Done(row, outcome.clone()))?;
        self.rows.finish(row);
        Ok(())
    }

    /// Writes down that a row was not asked about, although it was sent.
    pub(super) fn back(&mut self, row: u64) -> io::Result<()> {
        self.write(&Record::Back(row))?;
        self.rows.sent.remove(&row);
        Ok(())
    }

    /// Makes everything durable.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.file.write_all(&self.unwritten)?;
        self.unwritten.clear();
        self.file.sync_data()
    }

    /// Every row that is done, in the order it was.
    pub(super) fn each_done(
        &mut self,
        told: &mut dyn FnMut(u64, &Outcome) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        self.sync()?;
        each(&self.file, &mut |record| {
            if let Record::Done(row, outcome) = &record {
                told(*row, outcome)?;
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Begins a round: a journal without those that may be asked about again takes this one's place.
    fn reopen(&mut self, at: Timestamp) -> anyhow::Result<()> {
        let begin = Begin { round: self.begin.round + 1, ..self.begin.clone() };
        let temporary = self.path.with_extension("journal-new");
        match std::fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let mut open = OpenOptions::new();
        let mut file =
            open.read(true).append(true).create_new(true).mode(0o600).open(&temporary)?;
        file.try_lock()?;
        let mut rows = Rows::default();
        let mut kept = Vec::new();
        line(&Record::Begin(begin.clone()), &mut kept)?;
        let mut seen = None;
        each(&self.file, &mut |record| {
            let is_kept = match &record {
                Record::Begin(_) => false,
                Record::Done(_, outcome) => !outcome.may_change(),
                // Of those that are done, too: then it says nothing.
                Record::Sent(row, sent) => !self.rows.is_done(*row) && at.since(sent.at) < KEPT,
                Record::Back(_) => true,
            };
            if is_kept {
                line(&record, &mut kept)?;
                rows.take(record, &mut seen)?;
            }
            if kept.len() > 1 << 20 {
                file.write_all(&kept)?;
                kept.clear();
            }
            Ok(())
        })?;
        file.write_all(&kept)?;
        file.sync_all()?;
        std::fs::rename(&temporary, &self.path)?;
        sync_folder(&self.path)?;
        (self.file, self.begin, self.rows) = (file, begin, rows);
        Ok(())
    }

    fn write(&mut self, record: &Record) -> io::Result<()> {
        line(record, &mut self.unwritten)
    }
}

impl Rows {
    fn is_done(&self, row: u64) -> bool {
        let place = usize::try_from(row / 64).ok().and_then(|word| self.done.get(word));
        place.is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    fn finish(&mut self, row: u64) {
        self.sent.remove(&row);
        let Ok(place) = usize::try_from(row / 64) else { return };
        if place >= self.done.len() {
            self.done.resize(place + 1, 0);
        }
        if let Some(word) = self.done.get_mut(place) {
            *word |= 1 << (row % 64);
        }
    }

    fn take(&mut self, record: Record, begin: &mut Option<Begin>) -> io::Result<()> {
        match record {
            Record::Begin(found) => *begin = Some(found),
            Record::Sent(row, sent) => {
                self.sent.insert(row, sent);
            }
            Record::Done(row, _) => self.finish(row),
            Record::Back(row) => {
                self.sent.remove(&row);
            }
        }
        Ok(())
    }
}

/// A UUIDv7 whose time is the batch's beginning, and whose other bits follow from batch, row and round.
fn request_id(batch: &str, at: Timestamp, row: u64, round: u32) -> String {
    let digest = sha256_parts(&[batch.as_bytes(), &row.to_be_bytes(), &round.to_be_bytes()]);
    let mut rest = [0; 10];
    rest.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    uuid::Builder::from_unix_timestamp_millis(at.0 / 1_000, &rest).into_uuid().to_string()
}

fn line(record: &Record, out: &mut Vec<u8>) -> io::Result<()> {
    let json = serde_json::to_vec(record)?;
    write!(out, "{:08x} ", crc32c::crc32c(&json))?;
    out.extend_from_slice(&json);
    out.push(b'\n');
    Ok(())
}

fn read_line(line: &[u8]) -> Option<Record> {
    let line = line.strip_suffix(b"\n")?;
    let (sum, json) = line.split_at_checked(9)?;
    let sum = u32::from_str_radix(std::str::from_utf8(sum).ok()?.strip_suffix(' ')?, 16).ok()?;
    if sum != crc32c::crc32c(json) {
        return None;
    }
    serde_json::from_slice(json).ok()
}

/// Every record; where the last one ends. What follows it has no line end.
fn each(mut file: &File, told: &mut dyn FnMut(Record) -> io::Result<()>) -> io::Result<u64> {
    file.rewind()?;
    let mut lines = BufReader::with_capacity(1 << 16, file);
    let (mut length, mut number) = (0_u64, 0_u64);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        if lines.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(length);
        }
        number += 1;
        let Some(record) = read_line(&bytes) else {
            // Only a line without its end was never relied on.
            if bytes.last() != Some(&b'\n') {
                return Ok(length);
            }
            let problem = format!("line {number} is not what was written");
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        };
        length += bytes.len() as u64;
        told(record)?;
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // Closing alone does not give it back while a program that is just being started has the descriptor too.
        drop(self.file.unlock());
    }
}

/// So that the name is as durable as the file.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests;
