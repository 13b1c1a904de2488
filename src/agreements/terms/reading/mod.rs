//! Terms as people read them: sentences under headings, in Chinese or English. One reading serves the page on a terminal
//! and the one that is filed.
//!
//! Nothing in a reading can play tricks on whoever looks at it: what the document's authors wrote has gone through
//! [`plain`].

mod clause;
mod head;
mod plain;
mod voice;
mod words;

pub use self::plain::{plain, plain_json};
pub use self::voice::{Language, Voice};
pub(super) use self::words::{comparison, days, disposal, mask, relation, value};
use super::Terms;

/// A whole agreement, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Its title in the language of the reading.
    pub title: String,
    /// Its title in the other.
    pub subtitle: String,
    /// Identifier and version.
    pub reference: String,
    /// What it says, in order.
    pub parts: Vec<Part>,
}

/// What stands under one heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The heading.
    pub heading: String,
    /// Number of the clause, when it is one.
    pub clause: Option<usize>,
    /// What stands under it.
    pub lines: Vec<Line>,
}

/// One thing that is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A term and what is agreed about it.
    Says {
        /// The term, in a word or two.
        term: &'static str,
        /// A sentence.
        text: String,
    },
    /// Several things of one kind.
    Table {
        /// Names of the columns.
        names: Vec<&'static str>,
        /// As many cells in each.
        rows: Vec<Vec<String>>,
    },
}

impl Terms {
    /// Reads the terms aloud.
    pub fn read(&self, voice: &Voice<'_>) -> Reading {
        let (title, subtitle) = match voice.language {
            Language::Chinese => (&self.title_zh, &self.title),
            Language::English => (&self.title, &self.title_zh),
        };
        let version = self.version;
        let reference = match voice.language {
            Language::Chinese => format!("协议编号 {}，第 {version} 版", plain(&self.id)),
            Language::English => format!("agreement {}, version {version}", plain(&self.id)),
        };
        let mut parts = self.before_clauses(voice);
        for (position, clause) in self.clauses.iter().enumerate() {
            parts.push(clause.read(position + 1, voice));
        }
        parts.extend(self.after_clauses(voice));
        parts.retain(|part| !part.lines.is_empty());
        Reading { title: plain(title), subtitle: plain(subtitle), reference, parts }
    }
}

/// A line that says one thing.
fn says(term: &'static str, text: impl Into<String>) -> Line {
    Line::Says { term, text: text.into() }
}

/// Lines under a heading.
fn part(heading: &str, lines: Vec<Line>) -> Part {
    Part { heading: heading.to_owned(), clause: None, lines }
}

#[cfg(test)]
mod tests;
