//! Two logs that recorded the same questions, matched by caller and request id.
//!
//! Both are read as often as it takes to hold at most [`AT_ONCE`] questions in memory at a time: each pass takes the
//! questions whose key falls into its share.

use std::collections::HashMap;
use std::path::Path;

use super::{Compare, Compared};
use crate::audit::entry::{Entry, Kind};
use crate::audit::verify::Expected;
use crate::cli::audit::reading::Reading;
use crate::crypto::{Digest, sha256_parts};
use crate::decision::facts::{AssertionFact, Facts};

/// Questions in memory at a time, about 100 bytes each.
const AT_ONCE: u64 = 1 << 20;

/// What both logs must say of a question alike. What only one of them can know (its own numbers, times, quotas and
/// certificates) is not compared.
const PARTS: [&str; 8] =
    ["fact", "provider", "item", "case number", "operator unit", "question", "result", "disclosed"];

/// A question, as much of it as is compared: one short hash for each of [`PARTS`].
struct Question {
    index: u64,
    parts: [u32; PARTS.len()],
}

/// Caller and request id, shortened.
type Key = [u8; 16];

pub(super) fn compare(arguments: &Compare, other: &Path) -> anyhow::Result<Compared> {
    let mut compared = Compared::default();
    let (mut here, mut there, mut both) = (0, 0, 0);
    let (mut shares, mut number) = (1, 0);
    while number < shares {
        let mut share = Share { shares, number, ..Share::default() };
        share.read(arguments)?;
        if share.asked > AT_ONCE && shares == 1 {
            // Shares differ a little in size, and none may be larger than memory allows.
            shares = share.asked.div_ceil(AT_ONCE / 2);
            continue;
        }
        here += share.asked;
        share.hold_against(arguments, other, &mut compared)?;
        there += share.there;
        both += share.both;
        number += 1;
    }
    compared.counts = vec![("questions here", here), ("questions there", there), ("in both", both)];
    Ok(compared)
}

/// The questions of one pass.
#[derive(Default)]
struct Share {
    shares: u64,
    number: u64,
    open: HashMap<Key, Question>,
    /// How often more than once a request id was used: a caller may ask again when there was no answer.
    repeats: HashMap<Key, u8>,
    asked: u64,
    there: u64,
    both: u64,
}

impl Share {
    fn is_mine(&self, key: &Key) -> bool {
        let [a, b, c, d, e, f, g, h, ..] = *key;
        u64::from_be_bytes([a, b, c, d, e, f, g, h]) % self.shares == self.number
    }

    /// Reads the log. More questions than fit are counted and not kept.
    fn read(&mut self, arguments: &Compare) -> anyhow::Result<()> {
        let expected = Expected { since: None, vkey: arguments.vkey.as_deref() };
        let reading = Reading::new(&arguments.folder, "comparing", arguments.json);
        Reading { expected, ..reading }.entries(&mut |seen, entry| {
            let Some((key, parts)) = question(entry, arguments) else { return Ok(()) };
            if !self.is_mine(&key) {
                return Ok(());
            }
            self.asked += 1;
            if self.asked <= AT_ONCE {
                let repeat = match self.open.contains_key(&key) || self.repeats.contains_key(&key) {
                    true => self
                        .repeats
                        .entry(key)
                        .and_modify(|n| *n = n.saturating_add(1))
                        .or_insert(1),
                    false => &0,
                };
                self.open.insert(repeated(key, *repeat), Question { index: seen.index, parts });
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Reads the other log and tells of every difference.
    fn hold_against(
        &mut self,
        arguments: &Compare,
        other: &Path,
        compared: &mut Compared,
    ) -> anyhow::Result<()> {
        Reading::new(other, "comparing", arguments.json).entries(&mut |seen, entry| {
            let Some((key, parts)) = question(entry, arguments) else { return Ok(()) };
            if !self.is_mine(&key) {
                return Ok(());
            }
            self.there += 1;
            let place = Some(format!("entry {} of the other log", seen.index));
            let Some(question) = self.take(key) else {
                let text = "this log has no such question".to_owned();
                compared.find("only-there", None, place, text);
                return Ok(());
            };
            self.both += 1;
            let differing = differing(&question.parts, &parts);
            if !differing.is_empty() {
                let text = format!("the two logs differ in {}", differing.join(", "));
                compared.find("differs", Some(question.index), place, text);
            }
            Ok(())
        })?;
        let mut left: Vec<u64> = self.open.values().map(|question| question.index).collect();
        left.sort_unstable();
        for index in left {
            let text = "the other log has no such question".to_owned();
            compared.find("only-here", Some(index), None, text);
        }
        Ok(())
    }

    /// The first question under this key that is still open.
    fn take(&mut self, key: Key) -> Option<Question> {
        let repeats = self.repeats.get(&key).copied().unwrap_or(0);
        (0..=repeats).find_map(|repeat| self.open.remove(&repeated(key, repeat)))
    }
}

/// The key of a question whose request id was used before.
fn repeated(mut key: Key, repeat: u8) -> Key {
    let [.., last] = &mut key;
    *last = last.wrapping_add(repeat);
    key
}

fn differing(here: &[u32], there: &[u32]) -> Vec<&'static str> {
    let pairs = PARTS.iter().zip(here.iter().zip(there));
    pairs.filter(|(_, (here, there))| here != there).map(|(name, _)| *name).collect()
}

/// The question that ends with this entry, when it is among those compared.
fn question(entry: &Entry, arguments: &Compare) -> Option<(Key, [u32; PARTS.len()])> {
    let (facts, result, disclosed): (&Facts, &str, &[String]) = match &entry.kind {
        Kind::Outcome(outcome) => (&outcome.facts, outcome.verdict.name(), &outcome.disclosed),
        Kind::Denial(denied) => (&denied.facts, &denied.code, &[]),
        _ => return None,
    };
    let caller = &facts.caller;
    let is_meant = arguments.is_meant(caller.organisation.as_str(), caller.system.as_str());
    if !is_meant || !arguments.span.holds(facts.received_at) {
        return None;
    }
    let (organisation, system) = (caller.organisation.as_str(), caller.system.as_str());
    let key =
        sha256_parts(&[organisation.as_bytes(), b"/", system.as_bytes(), b"/", &facts.request_id]);
    let mut asked = facts.disclose.join("\0");
    for AssertionFact { attribute, comparison, .. } in &facts.assertions {
        asked.push_str(&format!("\0\0{attribute}\0{}", comparison.name()));
    }
    let parts = [
        facts.fact.as_ref().map_or("", |fact| fact.as_str()),
        facts.provider.as_ref().map_or("", |provider| provider.as_str()),
        facts.item.as_str(),
        &facts.case_number,
        &facts.operator_unit,
        &asked,
        result,
        &disclosed.join("\0"),
    ]
    .map(|part| short(&sha256_parts(&[part.as_bytes()])));
    let [key @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = key;
    Some((key, parts))
}

fn short(digest: &Digest) -> u32 {
    let [a, b, c, d, ..] = *digest;
    u32::from_be_bytes([a, b, c, d])
}
