//! How sizes, durations and counts are written. None of them may be zero.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

/// A count from 1.
pub(super) fn count<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    let number = u64::deserialize(deserializer)?;
    positive(number, number)
}

/// Folders: a list of texts, or one text with `:` between them, as a variable has it.
pub(super) fn folders<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<PathBuf>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a list of folders")]
    enum Written {
        List(Vec<PathBuf>),
        Text(String),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::List(folders) => folders,
        Written::Text(text) => {
            text.split(':').filter(|folder| !folder.is_empty()).map(PathBuf::from).collect()
        }
    })
}

fn positive<E: de::Error, T: TryFrom<u64>>(number: u64, written: impl Display) -> Result<T, E> {
    if number == 0 {
        return Err(E::custom(format!("`{written}` is nothing: a limit must let something pass")));
    }
    T::try_from(number).map_err(|_| E::custom(format!("`{written}` is too much")))
}

/// Sizes: `"64 KiB"`, `"256 MiB"`, `"900 B"`.
pub(super) mod size {
    use serde::Serializer;

    use super::{Deserialize, Deserializer, FromStr, de, positive};

    const UNITS: [(&str, u64); 4] =
        [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

    pub(in crate::settings) fn deserialize<'de, D, T>(deserializer: D) -> Result<T, D::Error>
    where
        D: Deserializer<'de>,
        T: TryFrom<u64>,
    {
        let text = String::deserialize(deserializer)?;
        let bytes = UNITS.iter().find_map(|&(unit, factor)| {
            u64::from_str(text.strip_suffix(unit)?.trim_end()).ok()?.checked_mul(factor)
        });
        let bytes = bytes.ok_or_else(|| {
            de::Error::custom(format!("`{text}` is no size such as \"64 KiB\" or \"256 MiB\""))
        })?;
        positive(bytes, text)
    }

    pub(in crate::settings) fn serialize<S, T>(bytes: &T, serializer: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
        T: Copy + TryInto<u64>,
    {
        let bytes: u64 = (*bytes).try_into().unwrap_or(u64::MAX);
        let unit = UNITS.iter().find(|(_, factor)| bytes.is_multiple_of(*factor));
        let (unit, factor) = unit.unwrap_or(&("B", 1));
        serializer.serialize_str(&format!("{} {unit}", bytes / factor))
    }
}

/// Durations: `"500ms"`, `"2s"`, `"1h 30m"`.
pub(super) mod span {
    use std::time::Duration;

    use serde::{Deserializer, Serializer, de};

    pub(in crate::settings) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        let span = crate::query::time::span::deserialize(deserializer)?;
        if span.is_zero() {
            return Err(de::Error::custom("no time at all: a limit must let something pass"));
        }
        Ok(span)
    }

    pub(in crate::settings) fn serialize<S: Serializer>(
        span: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(*span))
    }
}
