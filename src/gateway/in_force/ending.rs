//! Agreements that will soon grant nothing, told before anybody is refused.

use std::collections::BTreeMap;
use std::time::Duration;

use super::InForce;
use crate::decision::agreement::Agreement;
use crate::query::time::Timestamp;

/// How long before its end an agreement is named: two parties need weeks to sign the next one.
const AHEAD: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// An agreement that has ended or will soon, with no version that goes on after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Identifier of the agreement.
    pub id: String,
    /// The version that lasts longest.
    pub version: u32,
    /// First moment after its validity.
    pub ends: Timestamp,
    /// Whether that has passed.
    pub has_ended: bool,
}

impl InForce {
    /// Agreements that end within thirty days of `at`, or have ended, by id.
    pub fn ending(&self, at: Timestamp) -> Vec<Ending> {
        let mut last: BTreeMap<&str, &Agreement> = BTreeMap::new();
        for agreement in self.agreements.all() {
            let known = last.entry(&agreement.id).or_insert(agreement);
            if known.effective_to < agreement.effective_to {
                *known = agreement;
            }
        }
        let ending = last.into_values().filter(|last| last.effective_to <= at.plus(AHEAD));
        ending
            .map(|last| Ending {
                id: last.id.clone(),
                version: last.version,
                ends: last.effective_to,
                has_ended: last.effective_to <= at,
            })
            .collect()
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, version, ends, has_ended } = self;
        let word = if *has_ended { "has ended" } else { "ends" };
        let ends = in_china(*ends);
        write!(f, "agreement `{id}` version {version} {word} ({ends}); sign its next version")
    }
}

fn in_china(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_microsecond(i64::try_from(at.0).unwrap_or(i64::MAX));
    let china = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    at.unwrap_or(jiff::Timestamp::MAX).to_zoned(china).strftime("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::decision::agreements::AgreementSet;
    use crate::decision::sample;

    #[test]
    fn those_without_a_next_version_are_named_a_month_ahead() {
        let at = Timestamp::from_seconds(1_790_042_400);
        let days = |days: i64| Timestamp((at.0 as i64 + days * 86_400_000_000) as u64);
        let agreement = |id: &str, version, ends| {
            let (id, effective_to) = (id.to_owned(), days(ends));
            Arc::new(Agreement { id, version, effective_to, ..sample::agreement() })
        };
        let agreements = AgreementSet::new([
            agreement("far", 1, 31),
            agreement("near", 1, 29),
            agreement("next", 1, 3),
            agreement("next", 2, 400),
            agreement("over", 1, -1),
        ]);
        let ending = InForce { agreements, ..InForce::default() }.ending(at);
        let told: Vec<String> = ending.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told[0].starts_with("agreement `near` version 1 ends (2026-10-21 10:00)"),
            "{told:?}"
        );
        assert!(
            told[1].starts_with("agreement `over` version 1 has ended (2026-09-21 "),
            "{told:?}"
        );
    }
}
