//! A good file as a table that can be searched, in a database that only this process sees and that is gone with it.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Mutex;

use csv::StringRecord;
use rusqlite::Connection;
use serde_json::{Map, Value as Json};

use super::candidate::{Candidate, open};
use super::locked;
use super::reading::Lines;
use crate::adapters::manifest::{Dated, Folder};
use crate::crypto;

const NO_TABLE: &str = "no table could be made of it";

/// A good file.
pub(super) struct Table {
    pub(super) of: Candidate,
    /// Microseconds since 1970.
    pub(super) as_of: u64,
    columns: Vec<String>,
    rows: Mutex<Connection>,
}

impl Folder {
    /// Reads a file once, from its first byte to its last: the digest is that of the very bytes the table is made of.
    pub(super) fn read(&self, candidate: &Candidate) -> Result<Table, &'static str> {
        let as_of = candidate.as_of.ok_or("it says no time, or more than one (as_of)")?;
        let file = open(&self.path.join(&candidate.name), self.max_bytes)?;
        let mut lines = Lines::new(file, self);
        let filled = self.fill(&mut lines, as_of);
        // First, whatever else is wrong: half a file is bad in many ways.
        if crypto::hex(&lines.digest()?) != candidate.digest {
            return Err("its digest is not the marker's");
        }
        let (columns, rows) = filled?;
        Ok(Table { of: candidate.clone(), as_of, columns, rows: Mutex::new(rows) })
    }

    /// What would be answered from a file that holds nothing but this: for fuzzing.
    ///
    /// # Errors
    /// Why the file would not be used.
    pub(crate) fn rows_in(&self, bytes: &[u8], key: &str) -> Result<Vec<Json>, &'static str> {
        let (columns, rows) = self.fill(&mut Lines::new(bytes, self), 0)?;
        let table = Table { of: Candidate::default(), as_of: 0, columns, rows: Mutex::new(rows) };
        table.find(key, self.max_rows).map_err(|_| NO_TABLE)
    }

    fn fill<R: Read>(
        &self,
        lines: &mut Lines<R>,
        as_of: u64,
    ) -> Result<(Vec<String>, Connection), &'static str> {
        let mut line = StringRecord::new();
        if self.dated == Dated::FirstLine {
            let is_one = lines.next(&mut line)?;
            if !is_one || self.time_in(&line) != Some(as_of) {
                return Err("it was changed while it was read");
            }
        }
        let columns = match self.columns.is_empty() {
            true if !lines.next(&mut line)? => return Err("it has no line of column names"),
            true => line.iter().map(|name| name.trim().to_owned()).collect(),
            false => self.columns.clone(),
        };
        if columns.iter().collect::<BTreeSet<_>>().len() != columns.len() {
            return Err("two of its columns have the same name");
        }
        let key = columns.iter().position(|column| *column == self.key);
        let key = key.ok_or("it has no column of the key's name")?;
        let (rows, count) = rows(lines, key, columns.len())?;
        let says_something = self.columns.is_empty() || self.dated == Dated::FirstLine;
        if count == 0 && !says_something {
            // Not even column names: nothing says that this is a table in which nobody stands.
            return Err("it is empty");
        }
        if count < self.min_rows {
            return Err("it has fewer rows than a whole table (min_rows)");
        }
        Ok((columns, rows))
    }
}

/// The lines, and how many, in a database of their own, which SQLite keeps in a nameless file where memory is short.
fn rows<R: Read>(
    lines: &mut Lines<R>,
    key: usize,
    width: usize,
) -> Result<(Connection, u64), &'static str> {
    let (mut rows, mut count) = (Connection::open("").map_err(|_| NO_TABLE)?, 0);
    let sql = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; CREATE TABLE line (key TEXT, fields TEXT);";
    rows.execute_batch(sql).map_err(|_| NO_TABLE)?;
    let filling = rows.transaction().map_err(|_| NO_TABLE)?;
    {
        let mut insert =
            filling.prepare("INSERT INTO line VALUES (?1, ?2)").map_err(|_| NO_TABLE)?;
        let mut line = StringRecord::new();
        while lines.next(&mut line)? {
            if line.len() != width {
                return Err("its lines do not have the same number of fields");
            }
            let fields = Json::from(line.iter().collect::<Vec<_>>()).to_string();
            let key = bare(line.get(key).unwrap_or_default());
            insert.execute((key, fields)).map_err(|_| NO_TABLE)?;
            count += 1;
        }
    }
    filling.execute_batch("CREATE INDEX by_key ON line (key);").map_err(|_| NO_TABLE)?;
    filling.commit().map_err(|_| NO_TABLE)?;
    Ok((rows, count))
}

/// A key without what fills it up to a width: otherwise whoever stands in the table would not be found in it.
fn bare(key: &str) -> &str {
    key.trim_matches(|one: char| one.is_whitespace() || one == '\u{feff}')
}

impl Table {
    /// The first rows with that key, so many at the most.
    pub(super) fn find(&self, key: &str, most: usize) -> Result<Vec<Json>, rusqlite::Error> {
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
