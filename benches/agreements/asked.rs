//! Agreements of many consumers with six providers, and questions that they permit: as decisions see both, without files.

use std::sync::Arc;
use std::time::Duration;

use heyan::decision::RULES;
use heyan::decision::agreement::{Agreement, Clause, Details, Ending, Quota};
use heyan::decision::facts::{AssertionFact, CallerFacts, Facts, QuotaUse, RoleFact, Standing};
use heyan::decision::set::{Set, Word};
use heyan::query::time::Timestamp;
use heyan::query::value::Comparison;

/// Who answers, and the facts they answer.
const PROVIDERS: [(&str, [&str; 3]); 6] = [
    ("civil-affairs", ["M1", "M2", "M3"]),
    ("police", ["P1", "P2", "P3"]),
    ("social-security", ["S1", "S2", "S3"]),
    ("housing", ["H1", "H2", "H3"]),
    ("tax", ["T1", "T2", "T3"]),
    ("market-regulation", ["B1", "B2", "B3"]),
];

/// Every so manieth agreement has a version before it.
const WITH_VERSIONS: usize = 8;

/// 2026-09-22 10:00 in China.
const NOW: Timestamp = Timestamp::from_seconds(1_790_042_400);

/// Consumers have one agreement with each provider; every eighth agreement is the second version of the one before it.
pub(crate) fn agreement(number: usize) -> Agreement {
    let is_newer = number % WITH_VERSIONS == WITH_VERSIONS - 1;
    let place = if is_newer { number - 1 } else { number };
    let consumer = format!("county-{:04}-centre", place / PROVIDERS.len());
    let (provider, facts) = PROVIDERS[place % PROVIDERS.len()];
    let both = || [consumer.as_str().into(), provider.into()].into();
    let ending = || Ending { by: both(), notice: Duration::ZERO };
    Agreement {
        id: format!("{consumer}-{provider}-2026"),
        version: if is_newer { 2 } else { 1 },
        digest: [3; 32],
        consumer: consumer.as_str().into(),
        provider: provider.into(),
        platform: None,
        systems: ["approval".into(), "counter".into()].into(),
        effective_from: Timestamp::from_seconds(1_767_196_800 + u64::from(is_newer) * 86_400),
        effective_to: Timestamp::from_seconds(1_893_427_200),
        overlap: Duration::from_secs(400 * 86_400),
        hours: None,
        quota: Quota { per_second: Some(10), per_day: Some(20_000), per_month: Some(400_000) },
        operator_units: Set::default(),
        notices: words(&["notice-2026-1"]),
        quality: None,
        keep_for: Duration::from_secs(3 * 365 * 86_400),
        suspension: ending(),
        termination: ending(),
        clauses: facts.map(clause).into(),
    }
}

fn clause(fact: &str) -> Clause {
    Clause {
        fact: fact.into(),
        items: ["W1", "W2", "W3", "W4"].map(Into::into).into(),
        replaces: words(&["marriage_certificate", "divorce_certificate"]),
        roles: words(&["person", "spouse"]),
        assert: words(&["married", "months", "status"]),
        disclose: words(&["status"]),
        details: Arc::new(Details { never: words(&["photo"]), ..Details::default() }),
        consent: false,
        max_age: Duration::from_secs(3 * 86_400),
        cache: None,
    }
}

fn words(words: &[&str]) -> Set<Word> {
    words.iter().map(|word| Word::from(*word)).collect()
}

/// A question that the agreement permits under its second clause.
pub(crate) fn facts(agreement: &Agreement) -> Facts {
    let role = |role: &str| RoleFact {
        role: role.to_owned(),
        kind: "person".to_owned(),
        relation: None,
        shown_by: 0,
    };
    Facts {
        rules: RULES,
        request_id: [7; 16],
        caller_sequence: 1,
        received_at: NOW,
        deadline: Some(Duration::from_secs(5)),
        caller: CallerFacts {
            organisation: agreement.consumer.clone(),
            system: "approval".into(),
            certificate: [1; 32],
            standing: Standing::Registered,
        },
        fact: Some(agreement.clauses[1].fact.clone()),
        provider: Some(agreement.provider.clone()),
        item: "W3".into(),
        item_version: "2026.2".to_owned(),
        case_number: "W3-2026-000001".to_owned(),
        replaced_material: "marriage_certificate".to_owned(),
        operator_unit: "counter-1".to_owned(),
        operator_present: true,
        notice: "notice-2026-1".to_owned(),
        consent: String::new(),
        roles: vec![role("person"), role("spouse")],
        assertions: vec![AssertionFact {
            attribute: "married".to_owned(),
            comparison: Comparison::Eq,
            within: vec![],
        }],
        disclose: vec![],
        max_age: None,
        defects: vec![],
        quota: vec![QuotaUse { agreement: agreement.id.clone(), day: 7, second: 1, month: 99 }],
        freezes: vec![],
        catalogue_digest: [2; 32],
    }
}
