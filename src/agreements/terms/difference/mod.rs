//! What changes between two agreements, in words a lawyer reads. Each change says which way it goes: whether more is
//! permitted than before, or less.
//!
//! The mark of a change is held against decisions by a test: where no change is wider, no question is permitted and no
//! value leaves that did not before, and the other way about.

mod attribute;
mod clause;
mod head;
mod pairing;

use std::collections::BTreeSet;
use std::time::Duration;

use super::reading::{Voice, plain};
use super::{Terms, TermsError};

/// Which way a change goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// More may be asked, learnt, kept or done without.
    Wider,
    /// Less.
    Narrower,
    /// Both, or it depends: to be thought about.
    Either,
    /// What may be asked and learnt stays the same.
    Neutral,
}

impl Effect {
    /// Stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wider => "wider",
            Self::Narrower => "narrower",
            Self::Either => "either",
            Self::Neutral => "neutral",
        }
    }

    /// The same change undone.
    pub fn reversed(self) -> Self {
        match self {
            Self::Wider => Self::Narrower,
            Self::Narrower => Self::Wider,
            Self::Either => Self::Either,
            Self::Neutral => Self::Neutral,
        }
    }
}

/// One thing that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which way it goes.
    pub effect: Effect,
    /// What changes, in words.
    pub text: String,
}

/// What changes in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The place: a clause by its fact, or what holds for all.
    pub place: String,
    /// What changes there; never empty.
    pub changes: Vec<Change>,
}

/// What changes from `old` to `new`; nothing when both say the same, however it is written.
///
/// # Errors
/// When terms make no sense.
pub fn between(old: &Terms, new: &Terms, voice: &Voice<'_>) -> Result<Vec<Changed>, TermsError> {
    let mut places = vec![head::general(old, new, voice)?, head::person(old, new, voice)];
    places.extend(clause::all(old, new, voice));
    places.push(head::stated(old, new, voice));
    places.retain(|place| !place.changes.is_empty());
    Ok(places)
}

/// Changes in the making.
struct Changes<'a> {
    voice: &'a Voice<'a>,
    list: Vec<Change>,
}

/// A term in both languages.
type Term = (&'static str, &'static str);

impl<'a> Changes<'a> {
    fn new(voice: &'a Voice<'a>) -> Self {
        Self { voice, list: Vec::new() }
    }

    fn under(self, place: impl Into<String>) -> Changed {
        Changed { place: place.into(), changes: self.list }
    }

    fn note(&mut self, effect: Effect, chinese: String, english: String) {
        self.list.push(Change { effect, text: self.voice.say(chinese, english) });
    }

    /// Something that now reads otherwise.
    fn replaced(&mut self, effect: Effect, term: Term, old: &str, new: &str) {
        self.note(
            effect,
            format!("{}：由 {old} 改为 {new}", term.0),
            format!("{}: from {old} to {new}", term.1),
        );
    }

    /// A text that no decision looks at.
    fn reworded(&mut self, term: Term, old: &str, new: &str) {
        if old != new {
            self.replaced(Effect::Neutral, term, &plain(old), &plain(new));
        }
    }

    /// A list of what is granted: the longer, the wider.
    fn granted<T: Ord>(
        &mut self,
        term: Term,
        (old, new): (&[T], &[T]),
        name: &dyn Fn(&T) -> String,
    ) {
        self.listed(term, (old, new), (Effect::Wider, Effect::Narrower), name);
    }

    /// A list with what it means to be added to it and to be taken from it.
    fn listed<T: Ord>(
        &mut self,
        term: Term,
        (old, new): (&[T], &[T]),
        (added, removed): (Effect, Effect),
        name: &dyn Fn(&T) -> String,
    ) {
        let (old, new): (BTreeSet<&T>, BTreeSet<&T>) = (old.iter().collect(), new.iter().collect());
        let names = |of: &BTreeSet<&T>, without: &BTreeSet<&T>| {
            let names: Vec<String> = of.difference(without).map(|one| name(one)).collect();
            (!names.is_empty()).then(|| self.voice.list(names))
        };
        let (more, fewer) = (names(&new, &old), names(&old, &new));
        if let Some(names) = more {
            self.note(
                added,
                format!("{}：增加 {names}", term.0),
                format!("{}: added {names}", term.1),
            );
        }
        if let Some(names) = fewer {
            self.note(
                removed,
                format!("{}：取消 {names}", term.0),
                format!("{}: taken away {names}", term.1),
            );
        }
    }

    /// A list of what will do, of which an empty one asks for nothing.
    fn accepted<T: Ord>(
        &mut self,
        term: Term,
        (old, new): (&[T], &[T]),
        name: &dyn Fn(&T) -> String,
    ) {
        let (voice, all) = (self.voice, |list: &[T]| list.iter().map(name).collect::<Vec<_>>());
        match (old.is_empty(), new.is_empty()) {
            (true, true) => {}
            (true, false) => {
                let names = voice.list(all(new));
                self.note(
                    Effect::Narrower,
                    format!("{}：原不限，现限于 {names}", term.0),
                    format!("{}: not limited before, now only {names}", term.1),
                );
            }
            (false, true) => {
                let names = voice.list(all(old));
                self.note(
                    Effect::Wider,
                    format!("{}：原限于 {names}，现不限", term.0),
                    format!("{}: only {names} before, now not limited", term.1),
                );
            }
            (false, false) => self.granted(term, (old, new), name),
        }
    }

    /// A length of time: the longer, the wider. `None` is none at all.
    fn longer(&mut self, term: Term, old: Option<&str>, new: Option<&str>) {
        let (before, after) = (old.map_or(Duration::ZERO, span), new.map_or(Duration::ZERO, span));
        let effect = match before.cmp(&after) {
            std::cmp::Ordering::Less => Effect::Wider,
            std::cmp::Ordering::Equal => return,
            std::cmp::Ordering::Greater => Effect::Narrower,
        };
        let voice = self.voice;
        let words = |text: Option<&str>| {
            text.map_or_else(|| voice.say("无", "none").to_owned(), |text| voice.span(text))
        };
        self.replaced(effect, term, &words(old), &words(new));
    }

    /// A number that may not be passed: the higher, the wider. `None` is without limit.
    fn limit(&mut self, term: Term, old: Option<u64>, new: Option<u64>) {
        let (before, after) = (old.unwrap_or(u64::MAX), new.unwrap_or(u64::MAX));
        if old == new {
            return;
        }
        let effect = if before < after { Effect::Wider } else { Effect::Narrower };
        let words = |limit: Option<u64>| {
            limit.map_or_else(
                || self.voice.say("不限", "no limit").to_owned(),
                |limit| limit.to_string(),
            )
        };
        self.replaced(effect, term, &words(old), &words(new));
    }
}

/// A duration of terms that have been checked.
fn span(text: &str) -> Duration {
    humantime::parse_duration(text).unwrap_or_default()
}

#[cfg(test)]
mod tests;
