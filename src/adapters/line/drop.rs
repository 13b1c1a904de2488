//! The line to a folder into which an agency drops whole tables, each with a marker that holds its digest.
//!
//! A file counts when its marker is there and its digest is right, so a half-written one never does. The newest good one
//! answers; a bad one changes nothing, and the last good one answers until it is too old.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use rusqlite::Connection;
use rustix::fs::OFlags;
use serde_json::{Map, Value as Json};
use tokio::time::{Instant, timeout_at};

use super::{Got, Line, Put, Putting, not_carried};
use crate::adapters::failed::Failed;
use crate::adapters::language::moment;
use crate::adapters::manifest::Folder;
use crate::crypto;
use crate::query::record::Unavailable;
use crate::query::time::Timestamp;

/// What is added to a file's name for that of its marker.
const MARKER: &str = ".ok";
/// Bytes of a marker that are read: a digest, and what some tools write after it.
const MAX_MARKER: u64 = 4_096;

/// What is looked up.
#[derive(Clone)]
pub(crate) struct Lookup {
    /// Value of the key column.
    pub(crate) key: String,
    /// The time of the question: older tables than the manifest allows do not answer it.
    pub(crate) now: Timestamp,
}

/// One folder.
pub(crate) struct DropFolder {
    shared: Arc<Shared>,
    /// Held by the one question that looks for a newer file.
    renewing: Arc<tokio::sync::Mutex<()>>,
}

struct Shared {
    folder: Folder,
    held: Mutex<Option<Arc<Table>>>,
    /// Files that were read and are bad: not read again until they change.
    refused: Mutex<BTreeSet<Candidate>>,
}

/// A file with a marker.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    as_of: u64,
    name: String,
    marker: String,
    size: u64,
    changed: Option<SystemTime>,
}

/// A good file, in a database that only this process sees and that is gone with it.
struct Table {
    of: Candidate,
    columns: Vec<String>,
    rows: Mutex<Connection>,
}

impl DropFolder {
    /// Looks at nothing yet.
    pub(crate) fn new(folder: &Folder) -> Self {
        let shared =
            Shared { folder: folder.clone(), held: Mutex::default(), refused: Mutex::default() };
        Self { shared: Arc::new(shared), renewing: Arc::default() }
    }

    async fn rows(&self, lookup: Lookup, deadline: Instant) -> Result<Got, Failed> {
        let late = || Failed::unanswered(Unavailable::Timeout, "the file was not read in time");
        // While one question reads a new file, the others are answered from the last good one.
        let turn = match Arc::clone(&self.renewing).try_lock_owned() {
            Ok(turn) => Some(turn),
            Err(_) if locked(&self.shared.held).is_some() => None,
            Err(_) => {
                let turn = timeout_at(deadline, Arc::clone(&self.renewing).lock_owned()).await;
                Some(turn.map_err(|_| late())?)
            }
        };
        let shared = Arc::clone(&self.shared);
        let reading = tokio::task::spawn_blocking(move || {
            if turn.is_some() {
                shared.renew(lookup.now);
            }
            drop(turn);
            shared.look_up(&lookup)
        });
        match timeout_at(deadline, reading).await {
            Ok(Ok(rows)) => rows,
            Ok(Err(_)) => Err(Failed::contract("the file cannot be read")),
            Err(_) => Err(late()),
        }
    }
}

impl Line for DropFolder {
    fn put(&self, put: Put, deadline: Instant) -> Putting<'_> {
        Box::pin(async move {
            let Put::Lookup(lookup) = put else { return Err(not_carried()) };
            self.rows(lookup, deadline).await
        })
    }
}

impl Shared {
    /// Reads the newest good file where it is not held already.
    fn renew(&self, now: Timestamp) {
        let candidates = self.folder.candidates(now);
        locked(&self.refused).retain(|one| candidates.contains(one));
        for candidate in candidates.into_iter().rev() {
            let held = locked(&self.held).clone();
            // An older file never takes the place of a newer one.
            if held.is_some_and(|held| held.of == candidate || held.of.as_of > candidate.as_of) {
                return;
            }
            if locked(&self.refused).contains(&candidate) {
                continue;
            }
            match self.folder.read(&candidate) {
                Ok(table) => {
                    *locked(&self.held) = Some(Arc::new(table));
                    return;
                }
                Err(problem) => {
                    tracing::warn!(file = candidate.name, problem, "a dropped file is not used");
                    locked(&self.refused).insert(candidate);
                }
            }
        }
    }

    fn look_up(&self, lookup: &Lookup) -> Result<Got, Failed> {
        let held = locked(&self.held).clone();
        let Some(table) = held else {
            let detail = "the folder has no file that is good";
            return Err(Failed::unanswered(Unavailable::Unreachable, detail));
        };
        let as_of = Timestamp(table.of.as_of);
        if as_of.plus(self.folder.max_age) < lookup.now {
            let detail = "the newest good file is too old (max_age)";
            return Err(Failed::unanswered(Unavailable::Unreachable, detail));
        }
        let rows = table.find(&lookup.key, self.folder.max_rows + 1);
        let rows = rows.map_err(|_| Failed::contract("the table cannot be searched"))?;
        if rows.len() > self.folder.max_rows {
            let detail = format!("more than {} rows (max_rows)", self.folder.max_rows);
            return Err(Failed::contract(detail));
        }
        Ok(Got::Rows { rows, as_of: Some(as_of) })
    }
}

impl Folder {
    /// Every file with a marker whose name has a past time in it, the oldest first.
    fn candidates(&self, now: Timestamp) -> Vec<Candidate> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let mut found: Vec<Candidate> = entries
            .filter_map(|entry| self.candidate(entry.file_name().to_str()?))
            .filter(|candidate| candidate.as_of <= now.0)
            .collect();
        found.sort();
        found
    }

    fn candidate(&self, name: &str) -> Option<Candidate> {
        let (before, after) = &self.name;
        let time = name.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?;
        let at = u64::try_from(moment::read(time, &self.as_of).ok()?).ok()?;
        let path = self.path.join(name);
        let marker = read(&path.with_file_name(format!("{name}{MARKER}")), MAX_MARKER).ok()?;
        let marker = String::from_utf8(marker).ok()?;
        let marker = marker.split_whitespace().next()?.to_ascii_lowercase();
        // What a link leads to is another folder's business.
        let file = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?;
        Some(Candidate {
            as_of: at.checked_mul(1_000)?,
            name: name.to_owned(),
            marker,
            size: file.len(),
            changed: file.modified().ok(),
        })
    }

    /// The whole file is in memory before its digest is taken: what was checked is what is read.
    fn read(&self, candidate: &Candidate) -> Result<Table, &'static str> {
        let bytes = read(&self.path.join(&candidate.name), self.max_bytes)?;
        if crypto::hex(&(self.digest)(&bytes)) != candidate.marker {
            return Err("its digest is not the marker's");
        }
        let (columns, rows) = self.table(bytes)?;
        Ok(Table { of: candidate.clone(), columns, rows: Mutex::new(rows) })
    }

    fn table(&self, bytes: Vec<u8>) -> Result<(Vec<String>, Connection), &'static str> {
        let mut text = self.charset.decode(&bytes).ok_or("it is not of the charset")?;
        drop(bytes);
        if text.contains('\0') {
            return Err("it holds U+0000, as what was never written does");
        }
        // So that a quote that is not closed takes a line break with it, wherever it stands.
        text.push('\n');
        let mut lines = csv::ReaderBuilder::new()
            .delimiter(self.separator)
            .has_headers(false)
            .from_reader(text.as_bytes());
        let mut lines = lines.records().peekable();
        let columns = if self.columns.is_empty() {
            let first = lines.next().ok_or("it has no line of column names")?;
            first.map_err(|_| UNEVEN)?.iter().map(|name| name.trim().to_owned()).collect()
        } else if lines.peek().is_some() {
            self.columns.clone()
        } else {
            // Not even column names: nothing says that this is a table in which nobody stands.
            return Err("it is empty");
        };
        if columns.iter().collect::<BTreeSet<_>>().len() != columns.len() {
            return Err("two of its columns have the same name");
        }
        let key = columns.iter().position(|column| *column == self.key);
        let key = key.ok_or("it has no column of the key's name")?;
        let rows = table(lines, key, columns.len())?;
        Ok((columns, rows))
    }

    /// What would be answered from a file that holds nothing but this: for fuzzing.
    ///
    /// # Errors
    /// Why the file would not be used.
    pub(crate) fn rows_in(&self, bytes: &[u8], key: &str) -> Result<Vec<Json>, &'static str> {
        let of = Candidate {
            as_of: 0,
            name: String::new(),
            marker: String::new(),
            size: 0,
            changed: None,
        };
        let (columns, rows) = self.table(bytes.to_vec())?;
        let table = Table { of, columns, rows: Mutex::new(rows) };
        table.find(key, self.max_rows).map_err(|_| NO_TABLE)
    }
}

const TOO_LONG: &str = "it has too many bytes (max_bytes)";
const UNEVEN: &str = "its lines do not have the same number of fields";
const NO_TABLE: &str = "no table could be made of it";

/// The lines in a database of their own, which SQLite keeps in a nameless file where memory is short.
fn table(
    lines: impl Iterator<Item = csv::Result<csv::StringRecord>>,
    key: usize,
    width: usize,
) -> Result<Connection, &'static str> {
    let mut rows = Connection::open("").map_err(|_| NO_TABLE)?;
    let sql = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; CREATE TABLE line (key TEXT, fields TEXT);";
    rows.execute_batch(sql).map_err(|_| NO_TABLE)?;
    let filling = rows.transaction().map_err(|_| NO_TABLE)?;
    {
        let mut insert =
            filling.prepare("INSERT INTO line VALUES (?1, ?2)").map_err(|_| NO_TABLE)?;
        for line in lines {
            let line = line.map_err(|_| UNEVEN)?;
            if line.len() != width {
                return Err(UNEVEN);
            }
            if line.iter().any(|field| field.contains(['\n', '\r'])) {
                return Err("a field holds a line break, or a quote is not closed");
            }
            let fields = Json::from(line.iter().collect::<Vec<_>>()).to_string();
            let key = bare(line.get(key).unwrap_or_default());
            insert.execute((key, fields)).map_err(|_| NO_TABLE)?;
        }
    }
    filling.execute_batch("CREATE INDEX by_key ON line (key);").map_err(|_| NO_TABLE)?;
    filling.commit().map_err(|_| NO_TABLE)?;
    Ok(rows)
}

impl Table {
    fn find(&self, key: &str, most: usize) -> Result<Vec<Json>, rusqlite::Error> {
        let rows = locked(&self.rows);
        let mut select = rows.prepare("SELECT fields FROM line WHERE key = ?1 LIMIT ?2")?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let found = select.query_map((bare(key), most), |row| row.get::<_, String>(0))?;
        found.map(|fields| Ok(self.row(&fields?))).collect()
    }

    fn row(&self, fields: &str) -> Json {
        let fields: Vec<String> = serde_json::from_str(fields).unwrap_or_default();
        let row = self.columns.iter().cloned().zip(fields.into_iter().map(Json::from));
        Json::Object(row.collect::<Map<_, _>>())
    }
}

/// A key without what fills it up to a width: otherwise whoever stands in the table would not be found in it.
fn bare(key: &str) -> &str {
    key.trim_matches(|one: char| one.is_whitespace() || one == '\u{feff}')
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, &'static str> {
    // A pipe in a file's place would keep the opening waiting; a link would lead out of the folder.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path);
    let file = file.map_err(|_| "it cannot be opened")?;
    let what = file.metadata().map_err(|_| "it cannot be read")?;
    if !what.is_file() {
        return Err("it is no file");
    }
    if what.len() > most {
        return Err(TOO_LONG);
    }
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(|_| "it cannot be read")?;
    if u64::try_from(bytes.len()).map_or(true, |length| length > most) {
        return Err(TOO_LONG);
    }
    Ok(bytes)
}

/// What a lock protects is whole at every step, so a panic elsewhere does not spoil it.
fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
