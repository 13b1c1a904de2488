//! The tables of the social security front-end database, and SQLite behind them.

use std::sync::{Mutex, PoisonError};

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, params};

use super::SimulateError;
use super::calendar::Day;
use super::clock::Clock;
use super::province::{Person, Province, Trait, names};

/// One table per fact. `as_of` is the night of the load, China time.
const TABLES: &str = "
    CREATE TABLE sic_person (aac002 TEXT, aac003 TEXT, aac031 TEXT, aab003 TEXT, aab004 TEXT, aae041 INTEGER, as_of TEXT);
    CREATE TABLE sic_payment (aac002 TEXT, aac003 TEXT, aae201 INTEGER, aae202 INTEGER, aac040 TEXT, aae003 INTEGER, as_of TEXT);
    CREATE TABLE sic_pension (aac002 TEXT, aac003 TEXT, aae140 TEXT, aae116 TEXT, aic160 INTEGER, as_of TEXT);
    CREATE TABLE sic_assessment (aac002 TEXT, aac003 TEXT, ala040 TEXT, ala037 TEXT, as_of TEXT);
    CREATE TABLE sic_employment (aac002 TEXT, aac003 TEXT, aab003 TEXT, aab004 TEXT, aae031 TEXT, ajc090 TEXT, as_of TEXT);
    CREATE TABLE sic_unit (aab003 TEXT, aab004 TEXT, aab051 TEXT, aab083 INTEGER, aae200 INTEGER, as_of TEXT);
";

/// Made after the load: rows arrive faster without them.
const INDEXES: &str = "
    CREATE INDEX person_number ON sic_person (aac002);
    CREATE INDEX payment_number ON sic_payment (aac002);
    CREATE INDEX pension_number ON sic_pension (aac002);
    CREATE INDEX assessment_number ON sic_assessment (aac002);
    CREATE INDEX employment_number ON sic_employment (aac002);
    CREATE INDEX unit_code ON sic_unit (aab003);
    PRAGMA query_only = ON;
";

/// Most rows of one answer.
const MOST_ROWS: usize = 10_000;

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Null,
    Integer(i64),
    Text(String),
}

impl Cell {
    pub(super) fn into_integer(self) -> Option<i64> {
        match self {
            Self::Null => None,
            Self::Integer(value) => Some(value),
            Self::Text(text) => text.parse().ok(),
        }
    }

    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Integer(value) => Some(value.to_string()),
            Self::Text(text) => Some(text),
        }
    }
}

/// Type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
}

/// A SELECT that SQLite accepted.
#[derive(Clone, Debug)]
pub(super) struct Question {
    sql: String,
    pub(super) columns: Vec<(String, Kind)>,
    pub(super) parameters: usize,
}

/// The database. One connection: every question is one indexed look-up.
pub(super) struct FrontEnd {
    connection: Mutex<Connection>,
}

impl FrontEnd {
    /// Loads the tables from the province, as of last night. The database is an old one, in GBK.
    ///
    /// # Errors
    /// Whatever SQLite says.
    pub(super) fn load(province: &Province, clock: &Clock) -> Result<Self, SimulateError> {
        let night = Day(clock.today().0.saturating_sub(1)).iso();
        let as_of = format!("{night} 23:30:00");
        let mut connection = Connection::open_in_memory()?;
        connection.execute_batch(TABLES)?;
        let load = connection.transaction()?;
        load_people(&load, province, &as_of)?;
        load_units(&load, province, &as_of)?;
        load.commit()?;
        connection.execute_batch(INDEXES)?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// Columns and number of parameters of a SELECT.
    ///
    /// # Errors
    /// SQLite's words when it is not one it can read.
    pub(super) fn prepare(&self, sql: &str) -> Result<Question, String> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let statement = connection.prepare(sql).map_err(|error| error.to_string())?;
        if !statement.readonly() {
            return Err("only SELECT is carried out".to_owned());
        }
        let columns = statement
            .columns()
            .iter()
            .map(|column| {
                let is_integer = column.decl_type() == Some("INTEGER");
                let kind = if is_integer { Kind::Integer } else { Kind::Text };
                (column.name().to_owned(), kind)
            })
            .collect();
        Ok(Question { sql: sql.to_owned(), columns, parameters: statement.parameter_count() })
    }

    /// The rows. Parameter `$n` is the nth, wherever it stands in the text.
    ///
    /// # Errors
    /// SQLite's words.
    pub(super) fn select(
        &self,
        question: &Question,
        parameters: &[Cell],
    ) -> Result<Vec<Vec<Cell>>, String> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |error: rusqlite::Error| error.to_string();
        let mut statement = connection.prepare(&question.sql).map_err(failed)?;
        for (number, cell) in (1..).zip(parameters) {
            let place = statement.parameter_index(&format!("${number}")).map_err(failed)?;
            let value = match cell {
                Cell::Null => Value::Null,
                Cell::Integer(value) => Value::Integer(*value),
                Cell::Text(text) => Value::Text(text.clone()),
            };
            if let Some(place) = place {
                statement.raw_bind_parameter(place, value).map_err(failed)?;
            }
        }
        let width = question.columns.len();
        let mut rows = statement.raw_query();
        let mut answer = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let cells =
                (0..width).map(|place| row.get_ref(place).map(cell)).collect::<Result<_, _>>();
            answer.push(cells.map_err(failed)?);
            if answer.len() > MOST_ROWS {
                return Err("too many rows".to_owned());
            }
        }
        Ok(answer)
    }
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Integer(value) => Cell::Integer(value),
        ValueRef::Real(value) => Cell::Text(value.to_string()),
        ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Null | ValueRef::Blob(_) => Cell::Null,
    }
}

fn yuan(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

fn load_people(load: &Connection, province: &Province, as_of: &str) -> Result<(), SimulateError> {
    let mut person = load.prepare("INSERT INTO sic_person VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    let mut payment =
        load.prepare("INSERT INTO sic_payment VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    let mut pension = load.prepare("INSERT INTO sic_pension VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    let mut assessed = load.prepare("INSERT INTO sic_assessment VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let mut work =
        load.prepare("INSERT INTO sic_employment VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    for index in 0..province.population() {
        let number = province.person(index).map_or_else(String::new, Person::number);
        let name = names::in_gbk(&province.name(index));
        if let Some(row) = province.insurance(index) {
            let (code, employer) =
                (province.uscc(row.employer), province.employer_name(row.employer));
            let (since, last) = (row.since.period(), row.last.period());
            let base = yuan(row.base_fen);
            person.execute(params![number, name, row.state, code, employer, since, as_of])?;
            let (year, total) = (row.months_last_12, row.months_total);
            payment.execute(params![number, name, total, year, base, last, as_of])?;
            let left = province.person(index).is_some_and(|person| person.has(Trait::Left));
            let ended = left.then(|| province.employment_end(index).iso());
            let unemployed = if province.is_unemployed(index) { "1" } else { "0" };
            work.execute(params![number, name, code, employer, ended, unemployed, as_of])?;
        }
        if let Some(row) = province.pension(index) {
            let state = if row.paying { "1" } else { "3" };
            let since = row.since.period();
            pension.execute(params![number, name, row.scheme, state, since, as_of])?;
        }
        if let Some((grade, on)) = province.assessment(index) {
            assessed.execute(params![number, name, format!("{grade:02}"), on.iso(), as_of])?;
        }
    }
    Ok(())
}

fn load_units(load: &Connection, province: &Province, as_of: &str) -> Result<(), SimulateError> {
    let mut unit = load.prepare("INSERT INTO sic_unit VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for index in 0..province.employer_count() {
        let (paying, arrears) = province.insurance_standing(index);
        let state = if paying { "1" } else { "2" };
        let headcount = province.employer(index).map_or(0, |row| row.headcount);
        let (code, name) = (province.uscc(index), province.employer_name(index));
        unit.execute(params![code, name, state, headcount, arrears, as_of])?;
    }
    Ok(())
}
