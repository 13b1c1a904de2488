//! Whether the terms make sense, and what they are for decisions. Every flaw is named, not only the first.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::form::{
    ClauseTerms, EndingTerms, LimitTerms, LimitValue, QualityTerms, ServingHours, Terms,
};
use super::{SCHEMA, TermsError};
use crate::crypto::sha256;
use crate::decision::agreement::{
    Agreement, CacheTerms, Clause, Details, Ending, Hours, Quality, Quota,
};
use crate::decision::limit::Limit;
use crate::decision::set::{Set, Word};
use crate::query::relation::Relation;
use crate::query::time::Timestamp;
use crate::query::value::Comparison;
use crate::query::{OrganisationId, identifier};

impl Terms {
    /// The terms as decisions use them; the digest is that of `payload`.
    ///
    /// # Errors
    /// Every term that makes no sense.
    pub fn agreement(&self, payload: &[u8]) -> Result<Agreement, TermsError> {
        let mut flaws = Flaws::default();
        self.check_head(&mut flaws);
        self.check_basis(&mut flaws);
        self.check_undertakings(&mut flaws);
        let agreement = Agreement {
            id: self.id.clone(),
            version: self.version,
            digest: sha256(payload),
            consumer: self.consumer.clone(),
            provider: self.provider.clone(),
            platform: self.platform.clone(),
            systems: flaws.set("systems", &self.systems),
            effective_from: timestamp(self.effective_from),
            effective_to: timestamp(self.effective_to),
            overlap: flaws.optional_span("overlap", self.overlap.as_deref()),
            hours: self.hours.as_ref().and_then(|hours| hours.check(&mut flaws)),
            quota: Quota {
                per_second: self.quota.per_second,
                per_day: self.quota.per_day,
                per_month: self.quota.per_month,
            },
            operator_units: flaws.words("operator_units", &self.operator_units),
            notices: flaws.words("notices", &self.notices),
            keep_for: flaws.span("retention.keep_for", &self.retention.keep_for),
            quality: self.quality.as_ref().map(|quality| quality.check(&mut flaws)),
            suspension: self.ending("suspension", self.suspension.as_ref(), &mut flaws),
            termination: self.ending("termination", self.termination.as_ref(), &mut flaws),
            clauses: self
                .clauses
                .iter()
                .enumerate()
                .map(|(position, clause)| clause.check(position + 1, &mut flaws))
                .collect(),
        };
        withheld_and_granted(&agreement, &mut flaws);
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
        let is_third =
            self.platform.as_ref().is_none_or(|it| ![&self.consumer, &self.provider].contains(&it));
        flaws.unless(is_third, || "`platform` is one of the two parties".to_owned());
        flaws.unless(self.effective_from < self.effective_to, || {
            "`effective_to` must be after `effective_from`".to_owned()
        });
        flaws.unless(self.effective_from >= jiff::Timestamp::UNIX_EPOCH, || {
            "`effective_from` is before 1970".to_owned()
        });
        flaws.unless(!self.clauses.is_empty(), || "no `[[clause]]`: nothing is granted".to_owned());
    }

    /// What people agreed on and no check of the gateway looks at: it must be there all the same.
    fn check_basis(&self, flaws: &mut Flaws) {
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
        for (key, limit) in [
            ("per_second", self.quota.per_second),
            ("per_day", self.quota.per_day),
            ("per_month", self.quota.per_month),
        ] {
            flaws.unless(limit != Some(0), || {
                format!("`quota.{key}` is 0: nothing could be asked; leave it out for no limit")
            });
        }
    }

    /// What stands in the document and no gateway can see to.
    fn check_undertakings(&self, flaws: &mut Flaws) {
        let parties: Vec<&OrganisationId> = self.parties().collect();
        let mut stated = |table: &str, party: &OrganisationId, texts: &[&str]| {
            flaws.unless(parties.contains(&party), || {
                format!("`{table}` names `{party}`, which is no party")
            });
            flaws.unless(texts.iter().all(|text| !text.trim().is_empty()), || {
                format!("`{table}` of `{party}` has an empty text")
            });
            // The log keeps the document for ever.
            flaws.unless(
                !texts.iter().any(|text| identifier::contains_identity_number(text)),
                || format!("`{table}` of `{party}` contains an identity number; name nobody in it"),
            );
        };
        for undertaking in &self.undertakings {
            stated("undertaking", &undertaking.party, &[&undertaking.text]);
        }
        for contact in &self.contacts {
            stated("contact", &contact.party, &[&contact.office, &contact.reach]);
        }
        for annex in &self.annexes {
            let is_digest = annex.sha256.len() == 64
                && annex.sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            flaws.unless(is_digest && !annex.title.trim().is_empty(), || {
                format!("the annex `{}` needs a title and 64 lower-case hex `sha256`", annex.title)
            });
        }
    }

    /// Left out, both parties may, at once.
    fn ending(&self, key: &str, given: Option<&EndingTerms>, flaws: &mut Flaws) -> Ending {
        let Some(given) = given else {
            let both = [self.consumer.clone(), self.provider.clone()];
            return Ending { by: both.into(), notice: Duration::ZERO };
        };
        for party in &given.by {
            flaws.unless(self.parties().any(|known| known == party), || {
                format!("`{key}.by` names `{party}`, which is no party")
            });
        }
        Ending {
            by: flaws.unique(&format!("`{key}.by`"), &given.by).into_iter().cloned().collect(),
            notice: flaws.optional_span(&format!("`{key}.notice`"), given.notice.as_deref()),
        }
    }
}

/// Nothing can be granted by one clause that another says is never shared.
fn withheld_and_granted(agreement: &Agreement, flaws: &mut Flaws) {
    for (position, clause) in agreement.clauses.iter().enumerate() {
        let masked = clause.details.mask.iter().map(|(name, _)| name);
        let granted: BTreeSet<&Word> =
            clause.assert.iter().chain(&clause.disclose).chain(masked).collect();
        for name in granted.into_iter().filter(|name| agreement.withholds(&clause.fact, name)) {
            flaws.0.push(format!(
                "clause {} ({}): grants `{name}`, which a clause lists in `never`",
                position + 1,
                clause.fact
            ));
        }
    }
}

impl QualityTerms {
    fn check(&self, flaws: &mut Flaws) -> Quality {
        let (channel, workdays) = (&self.dispute_channel, self.provider_response_workdays);
        flaws
            .unless(!channel.trim().is_empty(), || "`quality.dispute_channel` is empty".to_owned());
        // The log keeps the document for ever.
        flaws.unless(!identifier::contains_identity_number(channel), || {
            "`quality.dispute_channel` contains an identity number; name an office".to_owned()
        });
        flaws.unless((1..=60).contains(&workdays), || {
            "`quality.provider_response_workdays` is from 1 to 60".to_owned()
        });
        Quality { dispute_channel: channel.clone(), response_workdays: workdays }
    }
}

impl ClauseTerms {
    fn check(&self, number: usize, flaws: &mut Flaws) -> Clause {
        let key = |name: &str| format!("clause {number} ({}): `{name}`", self.fact);
        flaws
            .unless(!self.fact.as_str().is_empty(), || format!("clause {number}: `fact` is empty"));
        let lists = [self.assert.is_empty(), self.disclose.is_empty(), self.mask.is_empty()];
        flaws.unless(lists.contains(&false) || !self.never.is_empty(), || {
            format!(
                "{}, `disclose`, `mask` and `never` are all empty: it says nothing",
                key("assert")
            )
        });
        for name in self.mask.keys().filter(|name| self.disclose.contains(name)) {
            flaws
                .0
                .push(format!("{} lists `{name}`, which `disclose` lets out whole", key("mask")));
        }
        for name in self.limits.keys().filter(|name| !self.assert.contains(name)) {
            flaws.0.push(format!("{} lists `{name}`, which `assert` does not", key("limits")));
        }
        for role in self.relations.keys().filter(|role| !self.roles.contains(role)) {
            flaws.0.push(format!("{} lists `{role}`, which `roles` does not", key("relations")));
        }
        let limits =
            self.limits.iter().map(|(name, limit)| limit.check(name, &key("limits"), flaws));
        let limits = limits.collect();
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
        let (items, replaces) =
            (flaws.set(&key("items"), &self.items), flaws.words(&key("replaces"), &self.replaces));
        flaws.unless(!self.roles.is_empty(), || {
            format!("{} is empty: nothing is granted", key("roles"))
        });
        let roles = flaws.words(&key("roles"), &self.roles);
        let relations = self.relations(&key, flaws);
        let mut words = |name, given| flaws.words(&key(name), given);
        let (assert, disclose, never) = (
            words("assert", &self.assert),
            words("disclose", &self.disclose),
            words("never", &self.never),
        );
        let mask = self.mask.iter().map(|(name, mask)| (Word::from(name.as_str()), *mask));
        let details = Details { relations, limits, mask: mask.collect(), never };
        Clause {
            fact: self.fact.clone(),
            items,
            replaces,
            roles,
            assert,
            disclose,
            details: Arc::new(details),
            consent: self.consent,
            max_age,
            cache: cache.map(Arc::new),
        }
    }

    fn relations(
        &self,
        key: &impl Fn(&str) -> String,
        flaws: &mut Flaws,
    ) -> Vec<(Word, Vec<Relation>)> {
        let accepted = self.relations.iter().map(|(role, accepted)| {
            flaws.unless(!accepted.is_empty(), || {
                format!("{} accepts nothing for `{role}`", key("relations"))
            });
            (Word::from(role.as_str()), accepted.clone())
        });
        accepted.collect()
    }
}

impl LimitTerms {
    fn check(&self, name: &str, key: &str, flaws: &mut Flaws) -> Limit {
        let is_empty =
            self.comparisons.is_empty() && self.values.is_empty() && self.multiple_of.is_none();
        flaws.unless(!is_empty, || format!("{key} of `{name}` limits nothing"));
        flaws.unless(self.multiple_of.is_none_or(|step| step > 0), || {
            format!("{key} of `{name}`: `multiple_of` counts from 1")
        });
        // Whether a value is there at all is not asked with a value.
        let is_odd = self.comparisons == [Comparison::Exists] && !self.values.is_empty();
        flaws.unless(!is_odd, || format!("{key} of `{name}`: `exists` compares with no value"));
        Limit {
            attribute: Word::from(name),
            comparisons: self.comparisons.clone(),
            values: self.values.iter().flat_map(LimitValue::values).collect(),
            multiple_of: self.multiple_of,
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

    fn optional_span(&mut self, key: &str, text: Option<&str>) -> Duration {
        text.map_or(Duration::ZERO, |text| self.span(key, text))
    }

    /// A list without repetitions.
    fn unique<'a, T: Ord + ToString>(&mut self, key: &str, names: &'a [T]) -> Vec<&'a T> {
        let mut seen: Vec<&T> = names.iter().collect();
        seen.sort_unstable();
        let mut again: Vec<&T> = seen
            .windows(2)
            .filter(|pair| pair.first() == pair.last())
            .filter_map(|pair| pair.first().copied())
            .collect();
        again.dedup();
        for name in again {
            self.0.push(format!("{key} lists `{}` more than once", name.to_string()));
        }
        seen.dedup();
        seen
    }

    /// The same of words.
    fn words(&mut self, key: &str, names: &[String]) -> Set<Word> {
        self.unless(names.iter().all(|name| !name.trim().is_empty()), || {
            format!("{key} lists an empty word")
        });
        self.unique(key, names).into_iter().map(|name| Word::from(name.as_str())).collect()
    }

    /// The same where an empty list would grant nothing.
    fn set<T: Clone + Ord + ToString>(&mut self, key: &str, names: &[T]) -> Set<T> {
        self.unless(!names.is_empty(), || format!("{key} is empty: nothing is granted"));
        self.unique(key, names).into_iter().cloned().collect()
    }
}
