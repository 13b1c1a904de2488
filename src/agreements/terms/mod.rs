//! What an agreement says, as its authors write it: the same keys in a TOML draft and in the signed JSON payload.
//!
//! [`Terms`] that exist have passed every check that needs no other file. What their words mean in the catalogue is
//! checked by [`super::against_catalogue`].

mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::crypto::sha256;
use crate::decision::agreement::{Agreement, CacheTerms, Clause, Hours, Quota};
use crate::finding::{self, Finding};
use crate::query::time::Timestamp;
use crate::query::{FactCode, ItemCode, OrganisationId, SystemId};

/// Version of the form below. A document of another version is refused, never guessed at.
pub const SCHEMA: u32 = 1;

/// Why terms are refused.
#[derive(Debug, Error)]
pub enum TermsError {
    /// Not the JSON of terms.
    #[error("the payload is not the JSON of an agreement: {0}")]
    Json(#[source] serde_json::Error),
    /// One or more terms make no sense.
    #[error("{}", .0.join("; "))]
    Terms(Vec<String>),
}

/// The terms two parties sign. The field names are the keys of a draft; `docs/agreements.md` explains each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    schema: u32,
    id: String,
    version: u32,
    title: String,
    title_zh: String,
    consumer: OrganisationId,
    provider: OrganisationId,
    systems: Vec<SystemId>,
    effective_from: jiff::Timestamp,
    effective_to: jiff::Timestamp,
    legal_basis: Vec<LegalBasis>,
    retention: Retention,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hours: Option<ServingHours>,
    #[serde(default)]
    quota: QuotaTerms,
    #[serde(rename = "clause")]
    clauses: Vec<ClauseTerms>,
}

/// The law one party relies on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LegalBasis {
    party: OrganisationId,
    instrument: String,
    article: String,
}

/// What the consumer may keep of answers, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Retention {
    keep_for: String,
    afterwards: Disposal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Disposal {
    Delete,
    Anonymise,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServingHours {
    days: BTreeSet<Day>,
    from: String,
    to: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuotaTerms {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    per_second: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    per_day: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClauseTerms {
    fact: FactCode,
    items: Vec<ItemCode>,
    roles: Vec<String>,
    #[serde(default)]
    assert: Vec<String>,
    #[serde(default)]
    disclose: Vec<String>,
    max_age: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cache: Option<CacheWords>,
    /// Papers that citizens need no longer bring, by the codes of the items.
    #[serde(default)]
    replaces: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CacheWords {
    found: String,
    not_found: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stale: Option<String>,
}

impl Terms {
    /// Reads a draft in TOML. `name` is for the finding.
    ///
    /// # Errors
    /// The place of the first flaw of form, or every flaw of sense in one finding.
    pub fn parse(name: &Path, draft: &str) -> Result<Self, Finding> {
        let terms: Self = finding::parse_toml(name, draft)?;
        terms.agreement(&[]).map_err(|error| Finding::new(name, error.to_string()))?;
        Ok(terms)
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// When it is not JSON of this form, or makes no sense.
    pub fn from_payload(payload: &[u8]) -> Result<Self, TermsError> {
        let terms: Self = serde_json::from_slice(payload).map_err(TermsError::Json)?;
        terms.agreement(payload)?;
        Ok(terms)
    }

    /// The bytes to sign: the terms as JSON. Whoever verifies uses the bytes that were signed and never makes them
    /// again, so their order and spacing are nobody's concern.
    ///
    /// # Errors
    /// When they cannot be written as JSON.
    pub fn payload(&self) -> Result<Vec<u8>, TermsError> {
        serde_json::to_vec_pretty(self).map_err(TermsError::Json)
    }

    /// Identifier of the agreement.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Version of the agreement.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Who asks.
    pub fn consumer(&self) -> &OrganisationId {
        &self.consumer
    }

    /// Who answers.
    pub fn provider(&self) -> &OrganisationId {
        &self.provider
    }

    /// Chinese title.
    pub fn title_zh(&self) -> &str {
        &self.title_zh
    }

    /// The law each party relies on: party, instrument, article.
    pub fn legal_basis(&self) -> impl Iterator<Item = (&OrganisationId, &str, &str)> {
        self.legal_basis
            .iter()
            .map(|basis| (&basis.party, basis.instrument.as_str(), basis.article.as_str()))
    }

    /// The terms as decisions use them; the digest is that of `payload`.
    ///
    /// # Errors
    /// Every term that makes no sense.
    pub fn agreement(&self, payload: &[u8]) -> Result<Agreement, TermsError> {
        let mut flaws = Flaws::default();
        self.check_head(&mut flaws);
        self.check_annexes(&mut flaws);
        let agreement = Agreement {
            id: self.id.clone(),
            version: self.version,
            digest: sha256(payload),
            title: self.title.clone(),
            consumer: self.consumer.clone(),
            provider: self.provider.clone(),
            systems: flaws.set("systems", &self.systems),
            effective_from: timestamp(self.effective_from),
            effective_to: timestamp(self.effective_to),
            hours: self.hours.as_ref().and_then(|hours| hours.check(&mut flaws)),
            quota: Quota { per_second: self.quota.per_second, per_day: self.quota.per_day },
            clauses: self
                .clauses
                .iter()
                .enumerate()
                .map(|(position, clause)| clause.check(position + 1, &mut flaws))
                .collect(),
        };
        if flaws.0.is_empty() { Ok(agreement) } else { Err(TermsError::Terms(flaws.0)) }
    }

    fn check_head(&self, flaws: &mut Flaws) {
        flaws.unless(self.schema == SCHEMA, || {
            format!("`schema` is {}; this program reads {SCHEMA}", self.schema)
        });
        // Ids go into file names, entries and metrics.
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        flaws.unless((3..=64).contains(&self.id.len()) && self.id.bytes().all(allowed), || {
            "`id` must be 3 to 64 lower-case letters, digits or `-`".to_owned()
        });
        flaws.unless(self.version > 0, || "`version` counts from 1".to_owned());
        for (key, text) in [("title", &self.title), ("title_zh", &self.title_zh)] {
            flaws.unless(!text.trim().is_empty(), || format!("`{key}` is empty"));
        }
        flaws.unless(self.consumer != self.provider, || {
            "`consumer` and `provider` are the same organisation".to_owned()
        });
        flaws.unless(self.effective_from < self.effective_to, || {
            "`effective_to` must be after `effective_from`".to_owned()
        });
        flaws.unless(self.effective_from >= jiff::Timestamp::UNIX_EPOCH, || {
            "`effective_from` is before 1970".to_owned()
        });
        flaws.unless(!self.clauses.is_empty(), || "no `[[clause]]`: nothing is granted".to_owned());
    }

    /// What people agreed on and no check of the gateway looks at: it must be there all the same.
    fn check_annexes(&self, flaws: &mut Flaws) {
        for party in [&self.consumer, &self.provider] {
            flaws.unless(self.legal_basis.iter().any(|basis| basis.party == *party), || {
                format!("`legal_basis` names nothing for `{party}`; both parties state theirs")
            });
        }
        for basis in &self.legal_basis {
            flaws.unless([&self.consumer, &self.provider].contains(&&basis.party), || {
                format!("`legal_basis` names `{}`, which is no party", basis.party)
            });
            let stated = !basis.instrument.trim().is_empty() && !basis.article.trim().is_empty();
            flaws.unless(stated, || "`legal_basis` needs `instrument` and `article`".to_owned());
        }
        flaws.span("retention.keep_for", &self.retention.keep_for);
        for (key, limit) in [("per_second", self.quota.per_second), ("per_day", self.quota.per_day)]
        {
            flaws.unless(limit != Some(0), || {
                format!("`quota.{key}` is 0: nothing could be asked; leave it out for no limit")
            });
        }
    }

    /// Papers each clause replaces, by fact: for readers and the catalogue's check.
    pub(super) fn replaced(&self) -> impl Iterator<Item = (&FactCode, &[ItemCode], &[String])> {
        self.clauses
            .iter()
            .map(|clause| (&clause.fact, clause.items.as_slice(), clause.replaces.as_slice()))
    }
}

impl ClauseTerms {
    fn check(&self, number: usize, flaws: &mut Flaws) -> Clause {
        let key = |name: &str| format!("clause {number} ({}): `{name}`", self.fact);
        flaws
            .unless(!self.fact.as_str().is_empty(), || format!("clause {number}: `fact` is empty"));
        flaws.unless(!self.assert.is_empty() || !self.disclose.is_empty(), || {
            format!("{} and `disclose` are both empty: nothing is granted", key("assert"))
        });
        let max_age = flaws.span(&key("max_age"), &self.max_age);
        let cache = self.cache.as_ref().map(|cache| CacheTerms {
            found: flaws.span(&key("cache.found"), &cache.found),
            not_found: flaws.span(&key("cache.not_found"), &cache.not_found),
            stale: cache
                .stale
                .as_ref()
                .map_or(Duration::ZERO, |stale| flaws.span(&key("cache.stale"), stale)),
        });
        if let Some(cache) = &cache {
            flaws.unless(cache.found <= max_age && cache.not_found <= max_age, || {
                format!("{} keeps answers longer than `max_age` lets them be given", key("cache"))
            });
        }
        Clause {
            fact: self.fact.clone(),
            items: flaws.set(&key("items"), &self.items),
            roles: flaws.set(&key("roles"), &self.roles),
            assert: flaws.unique(&key("assert"), &self.assert),
            disclose: flaws.unique(&key("disclose"), &self.disclose),
            max_age,
            cache,
        }
    }
}

impl ServingHours {
    fn check(&self, flaws: &mut Flaws) -> Option<Hours> {
        flaws.unless(!self.days.is_empty(), || "`hours.days` is empty".to_owned());
        let (Some(from_minute), Some(to_minute)) = (minute(&self.from), minute(&self.to)) else {
            flaws.0.push("`hours` needs `from` and `to` as \"HH:MM\", up to \"24:00\"".to_owned());
            return None;
        };
        flaws
            .unless(from_minute < to_minute, || "`hours.to` must be after `hours.from`".to_owned());
        Some(Hours {
            days: self.days.iter().map(|day| *day as u32).collect(),
            from_minute,
            to_minute,
        })
    }
}

fn minute(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hours) || !digits(minutes) {
        return None;
    }
    let (hours, minutes) = (hours.parse::<u32>().ok()?, minutes.parse::<u32>().ok()?);
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute <= 24 * 60).then_some(minute)
}

fn timestamp(at: jiff::Timestamp) -> Timestamp {
    Timestamp(u64::try_from(at.as_microsecond()).unwrap_or_default())
}

/// What makes no sense, gathered so that an author sees it all at once.
#[derive(Default)]
struct Flaws(Vec<String>);

impl Flaws {
    fn unless(&mut self, holds: bool, flaw: impl FnOnce() -> String) {
        if !holds {
            self.0.push(flaw());
        }
    }

    fn span(&mut self, key: &str, text: &str) -> Duration {
        humantime::parse_duration(text).unwrap_or_else(|_| {
            self.0.push(format!("{key} is no duration such as \"3d\": `{text}`"));
            Duration::ZERO
        })
    }

    /// A list without repetitions.
    fn unique<T: Clone + Ord + ToString>(&mut self, key: &str, names: &[T]) -> BTreeSet<T> {
        let mut seen: BTreeMap<&T, usize> = BTreeMap::new();
        for name in names {
            *seen.entry(name).or_default() += 1;
        }
        for (name, _) in seen.iter().filter(|(_, count)| **count > 1) {
            self.0.push(format!("{key} lists `{}` more than once", name.to_string()));
        }
        seen.into_keys().cloned().collect()
    }

    /// The same where an empty list would grant nothing.
    fn set<T: Clone + Ord + ToString>(&mut self, key: &str, names: &[T]) -> BTreeSet<T> {
        self.unless(!names.is_empty(), || format!("{key} is empty: nothing is granted"));
        self.unique(key, names)
    }
}

#[cfg(test)]
pub(super) mod tests;
