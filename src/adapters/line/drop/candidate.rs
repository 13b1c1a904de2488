//! The files of a folder that have a marker, and the time each says it was true at.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::SystemTime;

use csv::StringRecord;
use rustix::fs::OFlags;

use super::reading::Lines;
use crate::adapters::language::moment;
use crate::adapters::manifest::{Dated, Folder};

/// What is added to a file's name for that of its marker.
const MARKER: &str = ".ok";
/// Bytes of a marker that are read: a digest, and what some tools write after it.
const MAX_MARKER: u64 = 4_096;

/// A file with a marker.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    /// Microseconds since 1970; `None` where its marker or first line says no time, or two.
    pub(super) as_of: Option<u64>,
    pub(super) name: String,
    /// The digest in its marker.
    pub(super) digest: String,
    size: u64,
    changed: Option<SystemTime>,
}

impl Folder {
    /// Every file with a marker, those without a time first, then the oldest.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let mut found: Vec<Candidate> =
            entries.filter_map(|entry| self.candidate(entry.file_name().to_str()?)).collect();
        found.sort();
        found
    }

    fn candidate(&self, name: &str) -> Option<Candidate> {
        let between = self.between(name)?;
        let path = self.path.join(name);
        let marker = marker(&path.with_file_name(format!("{name}{MARKER}")))?;
        let digest = marker.split_whitespace().next()?.to_ascii_lowercase();
        // What a link leads to is another folder's business.
        let file = fs::symlink_metadata(&path).ok().filter(fs::Metadata::is_file)?;
        let as_of = match self.dated {
            // A name without a time is that of another file.
            Dated::Name => Some(self.time(between)?),
            Dated::Marker => {
                let lines = marker.lines().map(str::trim);
                let words = marker.split_whitespace().skip(1);
                self.only_time(lines.chain(words))
            }
            Dated::FirstLine => self.time_of_first_line(&path),
        };
        let (size, changed) = (file.len(), file.modified().ok());
        Some(Candidate { as_of, name: name.to_owned(), digest, size, changed })
    }

    /// What stands in a name where the pattern has its `*`.
    fn between<'a>(&self, name: &'a str) -> Option<&'a str> {
        match &self.name {
            (before, Some(after)) => {
                name.strip_prefix(before.as_str())?.strip_suffix(after.as_str())
            }
            (whole, None) => (name == whole).then_some(""),
        }
    }

    fn time_of_first_line(&self, path: &Path) -> Option<u64> {
        let mut fields = StringRecord::new();
        let is_one = Lines::new(open(path, self.max_bytes).ok()?, self).next(&mut fields).ok()?;
        self.time_in(&fields).filter(|_| is_one)
    }

    /// The only time in the fields of a line.
    pub(super) fn time_in(&self, fields: &StringRecord) -> Option<u64> {
        self.only_time(fields.iter().map(str::trim))
    }

    fn only_time<'a>(&self, texts: impl Iterator<Item = &'a str>) -> Option<u64> {
        let mut times = texts.filter_map(|text| self.time(text));
        let first = times.next()?;
        times.all(|other| other == first).then_some(first)
    }

    fn time(&self, text: &str) -> Option<u64> {
        let millis = u64::try_from(moment::read(text, &self.as_of).ok()?).ok()?;
        millis.checked_mul(1_000)
    }
}

fn marker(path: &Path) -> Option<String> {
    let mut text = String::new();
    let read = open(path, MAX_MARKER).ok()?.take(MAX_MARKER + 1).read_to_string(&mut text).ok()?;
    u64::try_from(read).is_ok_and(|length| length <= MAX_MARKER).then_some(text)
}

/// Opens a file of the folder's own, of no more bytes than that.
pub(super) fn open(path: &Path, most: u64) -> Result<File, &'static str> {
    // A pipe in a file's place would keep the opening waiting; a link would lead out of the folder.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path);
    let file = file.map_err(|_| "it cannot be opened")?;
    let what = file.metadata().map_err(|_| "it cannot be read")?;
    match what.is_file() {
        true if what.len() > most => Err("it has too many bytes (max_bytes)"),
        true => Ok(file),
        false => Err("it is no file"),
    }
}
