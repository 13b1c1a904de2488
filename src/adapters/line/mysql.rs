//! The line to a database that speaks MySQL's protocol: MySQL and MariaDB.

use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::Value as Json;
use sqlx::error::DatabaseError;
use sqlx::mysql::{
    MySqlArguments, MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlPoolOptions,
    MySqlRow, MySqlSslMode,
};
use sqlx::{AssertSqlSafe, Executor, Row, ValueRef};

use super::front::{self, Dialect, FrontEnd};
use super::relay::SOCKET;
use crate::adapters::manifest::Database;
use crate::query::record::Unavailable;

/// Describes the connections; none is opened before the first question.
pub(crate) fn open(database: &Database) -> FrontEnd<sqlx::MySql> {
    let options = MySqlConnectOptions::new()
        .database(&database.database)
        .username(&database.user)
        .password(database.password.expose_secret())
        // Encrypted it is by the relay.
        .ssl_mode(MySqlSslMode::Disabled)
        // A TIMESTAMP is shown in China time, as everything here.
        .timezone("+08:00".to_owned())
        .statement_cache_capacity(64);
    let limit = database.statement_timeout;
    let pool = MySqlPoolOptions::new()
        .after_connect(move |connection, _| Box::pin(set_limits(connection, limit)));
    FrontEnd::new(database, pool, options)
}

/// The server's own limits, for when we are no longer there to enforce ours.
async fn set_limits(connection: &mut MySqlConnection, limit: Duration) -> Result<(), sqlx::Error> {
    let version: String =
        sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut *connection).await?;
    // The two servers have different names and units for the same thing.
    let timeout = if version.contains("MariaDB") {
        format!("max_statement_time = {:.3}", limit.as_secs_f64())
    } else {
        format!("max_execution_time = {}", limit.as_millis())
    };
    connection.execute(AssertSqlSafe(format!("SET SESSION {timeout}"))).await?;
    connection.execute("SET SESSION TRANSACTION READ ONLY").await?;
    Ok(())
}

impl Dialect for sqlx::MySql {
    const BEGIN: &'static str = "START TRANSACTION READ ONLY";

    fn through(options: MySqlConnectOptions, relay: &Path) -> MySqlConnectOptions {
        options.socket(relay.join(SOCKET))
    }

    fn bind(arguments: &mut MySqlArguments, parameter: &Json) -> bool {
        front::bind::<Self>(arguments, parameter)
    }

    fn value(row: &MySqlRow, position: usize, kind: &str) -> Option<Json> {
        if row.try_get_raw(position).ok()?.is_null() {
            return Some(Json::Null);
        }
        let bytes = || row.try_get_unchecked::<&[u8], _>(position).ok();
        Some(match kind {
            // TINYINT(1). Where an agency keeps a code in one, a truth would be a lie.
            "BOOLEAN" => match bytes()? {
                [0] => Json::from(false),
                [1] => Json::from(true),
                _ => return None,
            },
            "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" => {
                Json::from(row.try_get::<i64, _>(position).ok()?)
            }
            "TINYINT UNSIGNED" | "SMALLINT UNSIGNED" | "MEDIUMINT UNSIGNED" | "INT UNSIGNED"
            | "BIGINT UNSIGNED" => Json::from(row.try_get::<u64, _>(position).ok()?),
            "DECIMAL" => Json::from(std::str::from_utf8(bytes()?).ok()?),
            "DATE" => Json::from(moment(bytes()?)?.strftime("%Y-%m-%d").to_string()),
            "DATETIME" | "TIMESTAMP" => {
                Json::from(moment(bytes()?)?.strftime("%Y-%m-%d %H:%M:%S").to_string())
            }
            // Text of a binary collation is told apart from bytes by the driver.
            _ => Json::from(row.try_get::<String, _>(position).ok()?),
        })
    }

    fn refused(error: &dyn DatabaseError) -> (Unavailable, String) {
        let number = error.try_downcast_ref::<MySqlDatabaseError>().map_or(0, |own| own.number());
        let reason = match number {
            // The statement's time limit: MariaDB's and MySQL's; interrupted.
            1_969 | 3_024 | 1_317 => Unavailable::Timeout,
            // Too many connections; access denied; shutdown; connection ended; quota of the account.
            1_040 | 1_044 | 1_045 | 1_053 | 1_129 | 1_130 | 1_203 | 1_226 | 1_927 => {
                Unavailable::Refused
            }
            _ => Unavailable::ContractError,
        };
        (reason, format!("error {number}"))
    }
}

/// MySQL sends a time as its length, year, month, day and, where they are not zero, hour, minute and second.
fn moment(bytes: &[u8]) -> Option<jiff::civil::DateTime> {
    let [_, low, high, month, day, time @ ..] = bytes else { return None };
    let [hour, minute, second] = match time {
        [] => [0, 0, 0],
        [_, _, _, _] | [_, _] | [_] => return None,
        [hour, minute, second, ..] => [*hour, *minute, *second],
    };
    let year = i16::from_le_bytes([*low, *high]);
    let [month, day, hour, minute, second] =
        [*month, *day, hour, minute, second].map(|part| i8::try_from(part).unwrap_or(-1));
    jiff::civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()
}

/// What these bytes would be as a value that is read here: for fuzzing.
pub(crate) fn text(bytes: &[u8]) -> Option<String> {
    Some(moment(bytes)?.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn times_as_mysql_sends_them() {
        let shown = |bytes: &[u8]| moment(bytes).map(|moment| moment.to_string());
        assert_eq!(shown(&[4, 0xe2, 7, 1, 31]).as_deref(), Some("2018-01-31T00:00:00"));
        assert_eq!(shown(&[7, 0xe2, 7, 1, 31, 8, 9, 10]).as_deref(), Some("2018-01-31T08:09:10"));
        for broken in
            [&[0][..], &[4, 0xe2, 7, 13, 1], &[4, 0xe2, 7, 2, 200], &[5, 0xe2, 7, 1, 1, 1]]
        {
            assert_eq!(shown(broken), None, "{broken:?}");
        }
    }
}
