//! A question that one clause permits: what the tests of decisions vary.

use std::sync::Arc;
use std::time::Duration;

use super::agreement::{Agreement, Clause, Ending, Quota};
use super::agreements::AgreementSet;
use super::facts::{AssertionFact, CallerFacts, Facts, QuotaUse, RoleFact, Standing};
use super::set::{Set, Word};
use crate::query::time::Timestamp;
use crate::query::value::Comparison;

/// 2026-09-22 10:00 in China, a Tuesday.
pub(crate) const TUESDAY_TEN: Timestamp = Timestamp::from_seconds(1_790_042_400);

/// The fund centre asks civil affairs whether two persons are married, for W3.
pub(crate) fn facts() -> Facts {
    Facts {
        rules: super::RULES,
        request_id: [7; 16],
        caller_sequence: 1,
        received_at: TUESDAY_TEN,
        deadline: Some(Duration::from_secs(5)),
        caller: CallerFacts {
            organisation: "fund-centre".into(),
            system: "approval".into(),
            certificate: [1; 32],
            standing: Standing::Registered,
        },
        fact: Some("M2".into()),
        provider: Some("civil-affairs".into()),
        item: "W3".into(),
        item_version: "2026.2".to_owned(),
        case_number: "W3-2026-000001".to_owned(),
        replaced_material: String::new(),
        operator_unit: "counter-1".to_owned(),
        operator_present: true,
        notice: String::new(),
        consent: String::new(),
        roles: vec![role("person"), role("spouse")],
        assertions: vec![assertion("married")],
        disclose: vec![],
        max_age: None,
        defects: vec![],
        quota: vec![QuotaUse { agreement: "mz-1".to_owned(), day: 0, second: 0, month: 0 }],
        freezes: vec![],
        catalogue_digest: [2; 32],
    }
}

/// The agreement that permits it.
pub(crate) fn agreement() -> Agreement {
    Agreement {
        id: "mz-1".to_owned(),
        version: 1,
        digest: [3; 32],
        consumer: "fund-centre".into(),
        provider: "civil-affairs".into(),
        platform: None,
        systems: ["approval".into()].into(),
        effective_from: Timestamp::from_seconds(1_527_782_400),
        effective_to: Timestamp::from_seconds(1_893_427_200),
        overlap: Duration::ZERO,
        hours: None,
        quota: Quota { per_second: Some(10), per_day: Some(1000), per_month: None },
        operator_units: Set::default(),
        notices: Set::default(),
        keep_for: Duration::from_secs(3 * 365 * 86_400),
        quality: None,
        suspension: ending(),
        termination: ending(),
        clauses: vec![clause()],
    }
}

/// Its only clause.
pub(crate) fn clause() -> Clause {
    Clause {
        fact: "M2".into(),
        items: ["W1".into(), "W3".into()].into(),
        replaces: words(&["marriage_certificate"]),
        roles: words(&["person", "spouse"]),
        assert: words(&["married"]),
        disclose: Set::default(),
        details: Arc::default(),
        consent: false,
        max_age: Duration::from_secs(3 * 86_400),
        cache: None,
    }
}

/// A person in that role, of whom nobody says how they belong to the case.
pub(crate) fn role(role: &str) -> RoleFact {
    let (role, kind) = (role.to_owned(), "person".to_owned());
    RoleFact { role, kind, relation: None, shown_by: 0 }
}

/// `=` about that attribute.
pub(crate) fn assertion(attribute: &str) -> AssertionFact {
    let (attribute, comparison) = (attribute.to_owned(), Comparison::Eq);
    AssertionFact { attribute, comparison, within: vec![] }
}

fn ending() -> Ending {
    let by = ["fund-centre".into(), "civil-affairs".into()].into();
    Ending { by, notice: Duration::ZERO }
}

pub(crate) fn words(words: &[&str]) -> Set<Word> {
    words.iter().map(|word| Word::from(*word)).collect()
}

/// The set and one agreement more, in place of the one with its id and version.
pub(crate) fn with(set: &AgreementSet, agreement: Arc<Agreement>) -> AgreementSet {
    let id = agreement.id.clone();
    let others = without(set, &id, agreement.version);
    let versions = others.all().iter().filter(|known| known.id == id).cloned();
    set.with_versions(&id, versions.chain([agreement]).collect())
}

/// The set without that version of that agreement.
pub(crate) fn without(set: &AgreementSet, id: &str, version: u32) -> AgreementSet {
    let versions = set.all().iter().filter(|known| known.id == id && known.version != version);
    set.with_versions(id, versions.cloned().collect())
}
