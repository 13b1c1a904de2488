//! The line to a database that speaks PostgreSQL's protocol.

use std::path::Path;

use jiff::ToSpan;
use jiff::civil::DateTime;
use secrecy::ExposeSecret;
use serde_json::Value as Json;
use sqlx::error::DatabaseError;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgRow, PgSslMode};
use sqlx::{Row, ValueRef};

use super::front::{self, Dialect, FrontEnd};
use super::relay::PORT;
use crate::adapters::manifest::Database;
use crate::query::record::Unavailable;

/// Time of day zero that PostgreSQL counts from.
const EPOCH: DateTime = DateTime::constant(2000, 1, 1, 0, 0, 0, 0);

/// Describes the connections; none is opened before the first question.
pub(crate) fn open(database: &Database) -> FrontEnd<sqlx::Postgres> {
    let milliseconds = database.statement_timeout.as_millis().to_string();
    let options = PgConnectOptions::new_without_pgpass()
        .database(&database.database)
        .username(&database.user)
        .password(database.password.expose_secret())
        // Encrypted it is by the relay.
        .ssl_mode(PgSslMode::Disable)
        // The server's own limits, for when we are no longer there to enforce ours.
        .options([
            ("statement_timeout", milliseconds.as_str()),
            ("default_transaction_read_only", "on"),
        ])
        .statement_cache_capacity(64)
        .application_name("heyan");
    FrontEnd::new(database, PgPoolOptions::new(), options)
}

impl Dialect for sqlx::Postgres {
    const BEGIN: &'static str = "BEGIN READ ONLY";

    fn through(options: PgConnectOptions, relay: &Path) -> PgConnectOptions {
        options.socket(relay).port(PORT)
    }

    fn bind(arguments: &mut PgArguments, parameter: &Json) -> bool {
        front::bind::<Self>(arguments, parameter)
    }

    fn value(row: &PgRow, position: usize, kind: &str) -> Option<Json> {
        let raw = row.try_get_raw(position).ok()?;
        if raw.is_null() {
            return Some(Json::Null);
        }
        let text = || row.try_get::<String, _>(position).ok();
        let bytes = || raw.as_bytes().ok();
        Some(match kind {
            "BOOL" => Json::from(row.try_get::<bool, _>(position).ok()?),
            "INT2" => Json::from(row.try_get::<i16, _>(position).ok()?),
            "INT4" => Json::from(row.try_get::<i32, _>(position).ok()?),
            "INT8" => Json::from(row.try_get::<i64, _>(position).ok()?),
            "TEXT" | "VARCHAR" | "NAME" | "UNKNOWN" => Json::from(text()?),
            // What fills a CHAR(n) up to its length means nothing.
            "CHAR" => Json::from(text()?.trim_end_matches(' ')),
            "NUMERIC" => Json::from(numeric(bytes()?)?),
            "DATE" => Json::from(date(bytes()?)?),
            "TIMESTAMP" => Json::from(moment(bytes()?, 0)?),
            // Shown in China time, as everything here.
            "TIMESTAMPTZ" => Json::from(moment(bytes()?, 8)?),
            _ => return None,
        })
    }

    fn refused(error: &dyn DatabaseError) -> (Unavailable, String) {
        let code = error.code().unwrap_or_default().into_owned();
        // Class 28: authorization; 53, 57: resources and shutdown; 57014: the statement's time limit.
        let reason = match code.get(..2) {
            _ if code == "57014" => Unavailable::Timeout,
            Some("28" | "53" | "57") => Unavailable::Refused,
            _ => Unavailable::ContractError,
        };
        (reason, format!("SQLSTATE {code}"))
    }
}

/// PostgreSQL sends a date as days since 2000-01-01.
fn date(bytes: &[u8]) -> Option<String> {
    let days = i32::from_be_bytes(bytes.try_into().ok()?);
    let span = jiff::Span::new().try_days(days).ok()?;
    Some(EPOCH.date().checked_add(span).ok()?.to_string())
}

/// PostgreSQL sends a time as microseconds since 2000-01-01; `infinity` is none.
fn moment(bytes: &[u8], hours: i64) -> Option<String> {
    let span = jiff::Span::new().try_microseconds(i64::from_be_bytes(bytes.try_into().ok()?));
    let moment = EPOCH.checked_add(span.ok()?).ok()?.checked_add(hours.hours()).ok()?;
    Some(moment.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// PostgreSQL sends a decimal as four digits to a group, the place of the first group, the sign and the number of decimals.
fn numeric(bytes: &[u8]) -> Option<String> {
    let words: Vec<u16> = bytes
        .chunks_exact(2)
        .filter_map(|pair| Some(u16::from_be_bytes(pair.try_into().ok()?)))
        .collect();
    let [count, weight, sign, decimals, groups @ ..] = words.as_slice() else { return None };
    let is_whole = usize::from(*count) == groups.len() && groups.iter().all(|one| *one < 10_000);
    if !is_whole || *decimals > 0x3fff {
        return None;
    }
    let weight = i32::from(weight.cast_signed());
    let group = |place: i32| {
        let at = usize::try_from(place).ok();
        at.and_then(|at| groups.get(at)).copied().unwrap_or_default()
    };
    let whole: String = (0..=weight).map(|place| format!("{:04}", group(place))).collect();
    let whole = whole.trim_start_matches('0');
    let decimals = usize::from(*decimals);
    let mut fraction = String::new();
    let mut place = weight + 1;
    while fraction.len() < decimals {
        fraction.push_str(&format!("{:04}", group(place)));
        place += 1;
    }
    fraction.truncate(decimals);
    let sign = match sign {
        0 => "",
        0x4000 => "-",
        _ => return None,
    };
    let point = if decimals == 0 { "" } else { "." };
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// What these bytes would be as values that are read here: for fuzzing.
pub(crate) fn texts(bytes: &[u8]) -> Vec<String> {
    [date(bytes), moment(bytes, 8), numeric(bytes)].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::{date, moment, numeric};

    #[test]
    fn dates_as_postgresql_sends_them() {
        assert_eq!(date(&0_i32.to_be_bytes()).as_deref(), Some("2000-01-01"));
        assert_eq!(date(&6_605_i32.to_be_bytes()).as_deref(), Some("2018-01-31"));
        assert_eq!(date(&(-1_i32).to_be_bytes()).as_deref(), Some("1999-12-31"));
        // `infinity`, and what is no date at all.
        assert_eq!(date(&i32::MAX.to_be_bytes()), None);
        assert_eq!(date(b"2018-01-31"), None);
    }

    #[test]
    fn times_as_postgresql_sends_them() {
        let shown = |at: i64, hours| moment(&at.to_be_bytes(), hours);
        assert_eq!(shown(1_500_000, 0).as_deref(), Some("2000-01-01 00:00:01"));
        assert_eq!(shown(0, 8).as_deref(), Some("2000-01-01 08:00:00"));
        assert_eq!((shown(i64::MAX, 0), shown(i64::MIN, 8)), (None, None));
    }

    #[test]
    fn decimals_as_postgresql_sends_them() {
        let shown = |words: &[u16]| {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
            numeric(&bytes)
        };
        assert_eq!(shown(&[2, 0, 0, 2, 12, 5000]).as_deref(), Some("12.50"));
        assert_eq!(shown(&[2, 1, 0x4000, 0, 1, 2]).as_deref(), Some("-10002"));
        assert_eq!(shown(&[1, 0xffff, 0, 4, 1]).as_deref(), Some("0.0001"));
        assert_eq!(shown(&[1, 0xfffe, 0, 8, 1]).as_deref(), Some("0.00000001"));
        assert_eq!(shown(&[0, 0, 0, 0]).as_deref(), Some("0"));
        assert_eq!(shown(&[1, 1, 0, 0, 3]).as_deref(), Some("30000"));
        assert_eq!(shown(&[1, 0, 0, 0, 10_000]), None);
        // Not a number, and what was cut off.
        assert_eq!((shown(&[0, 0, 0xc000, 0]), shown(&[2, 0, 0, 0, 1])), (None, None));
    }
}
