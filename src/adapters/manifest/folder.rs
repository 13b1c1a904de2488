//! `[file]`: a folder into which an agency drops whole tables.

use std::path::PathBuf;
use std::time::Duration;

use super::Files;
use super::access::Access;
use super::section::{Section, Source, Text};
use crate::adapters::language::charset::Charset;
use crate::adapters::language::moment;
use crate::crypto::RunningDigest;

const DAY: Duration = Duration::from_secs(86_400);
/// Bytes of a file when the manifest does not say.
const MAX_BYTES: i64 = 64 << 20;

/// A folder into which an agency drops whole tables.
#[derive(Clone)]
pub(crate) struct Folder {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What names begin and end with; the whole name where there is nothing to end with.
    pub(crate) name: (String, Option<String>),
    /// Where the time stands that a file was true at.
    pub(crate) dated: Dated,
    /// How that time is written.
    pub(crate) as_of: String,
    /// What the marker holds.
    pub(crate) digest: fn() -> RunningDigest,
    /// Of the files.
    pub(crate) charset: Charset,
    /// Between the fields of a line.
    pub(crate) separator: u8,
    /// Names of the columns, where no line of a file says them.
    pub(crate) columns: Vec<String>,
    /// The column that rows are looked up by.
    pub(crate) key: String,
    /// Older ones answer nothing.
    pub(crate) max_age: Duration,
    /// Bytes of a file.
    pub(crate) max_bytes: u64,
    /// A table with fewer is bad.
    pub(crate) min_rows: u64,
    /// Rows of a reply.
    pub(crate) max_rows: usize,
}

/// Where a dropped file says at what time it was true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dated {
    /// In its name.
    Name,
    /// In its marker, beside the digest, as control files have it.
    Marker,
    /// In a field of its first line, which is no row.
    FirstLine,
}

impl Dated {
    /// As manifests write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Marker => "marker",
            Self::FirstLine => "first_line",
        }
    }
}

/// Reads the section.
pub(super) fn folder(
    source: &Source<'_>,
    section: Section<'_>,
    files: &Files<'_>,
) -> Option<Access> {
    let path = section.required("folder").map(|text| {
        files.refer(&text);
        files.place(&text)
    });
    let dated = section.text("as_of_in").map_or(Some(Dated::Name), |text| dated(source, &text));
    let name = section.required("pattern");
    let name = name.and_then(|text| pattern(source, &text, dated == Some(Dated::Name)));
    let as_of = section.required("as_of").and_then(|text| {
        let is_day = ["yyyy", "MM", "dd"].iter().all(|field| text.value.contains(field));
        let again = moment::write(0, &text.value).and_then(|said| moment::read(&said, &text.value));
        if !is_day || again.is_err() {
            let problem = format!("`{}` is a pattern with `yyyy`, `MM` and `dd`", text.key);
            source.flaw(text.at, problem);
            return None;
        }
        Some(text.value)
    });
    let digest = section.required("digest").and_then(|text| match text.value.as_str() {
        "sha256" => Some(RunningDigest::sha256 as fn() -> RunningDigest),
        "sm3" => Some(RunningDigest::sm3 as fn() -> RunningDigest),
        _ => {
            source.flaw(text.at, format!("`{}` is \"sha256\" or \"sm3\"", text.key));
            None
        }
    });
    let charset = section.text("charset").map_or(Some(Charset::Utf8), |text| {
        let charset = Charset::named(&text.value);
        if charset.is_none() {
            source.flaw(text.at, format!("`{}` is \"utf-8\", \"gb18030\" or \"gbk\"", text.key));
        }
        charset
    });
    let separator = section.text("separator").map_or(Some(b','), |text| separator(source, &text));
    let columns: Vec<String> = section.texts("columns").into_iter().map(|one| one.value).collect();
    let key = section.required("key");
    if let Some(key) = key.as_ref().filter(|key| {
        !columns.is_empty() && columns.iter().filter(|column| **column == key.value).count() != 1
    }) {
        source.flaw(key.at, format!("`{}` is one of `columns`", key.key));
    }
    let max_age = section.span("max_age", 366 * DAY, 2 * DAY);
    let max_bytes = section.integer("max_bytes", 1..16 * MAX_BYTES + 1, MAX_BYTES);
    // An export that failed writes a table without rows and marks it rightly: by it, nobody has anything.
    let min_rows = section.integer("min_rows", 0..1_000_000_001, 1);
    let max_rows = section.integer("max_rows", 1..10_001, 200);
    section.finish();
    Some(Access::File(Folder {
        path: path?,
        name: name?,
        dated: dated?,
        as_of: as_of?,
        digest: digest?,
        charset: charset?,
        separator: separator?,
        columns,
        key: key?.value,
        max_age,
        max_bytes: u64::try_from(max_bytes).ok()?,
        min_rows: u64::try_from(min_rows).ok()?,
        max_rows: usize::try_from(max_rows).ok()?,
    }))
}

fn dated(source: &Source<'_>, text: &Text) -> Option<Dated> {
    match text.value.as_str() {
        "name" => Some(Dated::Name),
        "marker" => Some(Dated::Marker),
        "first_line" => Some(Dated::FirstLine),
        _ => {
            let problem = format!("`{}` is \"name\", \"marker\" or \"first_line\"", text.key);
            source.flaw(text.at, problem);
            None
        }
    }
}

fn pattern(source: &Source<'_>, text: &Text, holds_time: bool) -> Option<(String, Option<String>)> {
    let is_plain = |part: &str| !part.contains(['*', '/', '\0']);
    let is_end = |part: &str| is_plain(part) && !part.ends_with(".ok");
    let whole = text.value.as_str();
    let parts = match whole.split_once('*') {
        Some((before, after)) if is_plain(before) && is_end(after) => {
            Some((before.to_owned(), Some(after.to_owned())))
        }
        None if !holds_time && !whole.is_empty() && is_end(whole) => Some((whole.to_owned(), None)),
        _ => None,
    };
    if parts.is_none() {
        let problem = match holds_time {
            true => format!("`{}` is a file's name with one `*` where its time stands", text.key),
            false => format!("`{}` is a file's name, with no more than one `*`", text.key),
        };
        source.flaw(text.at, problem);
    }
    parts
}

fn separator(source: &Source<'_>, text: &Text) -> Option<u8> {
    let one = match text.value.as_bytes() {
        [one] if one.is_ascii() && !b"\"\r\n".contains(one) => Some(*one),
        _ => None,
    };
    if one.is_none() {
        source.flaw(text.at, format!("`{}` is one ASCII character, such as \",\"", text.key));
    }
    one
}
