//! The wall clock: the one place that reads it. A request is stamped once, at the edge; everything below is told the time.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::query::time::Timestamp;

/// Now. A clock before 1970 reads as 1970.
#[expect(clippy::disallowed_methods, reason = "the one reading that clippy.toml names")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}
