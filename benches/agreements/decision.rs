//! How long one decision takes among so many agreements, and how long it takes to change one of them.
//!
//! The questions go to agreements all over the set, so that hardly one of them is in the processor's cache, and once to a
//! hundred of them; the facts of a question are in it, as they are when a gateway has just gathered them.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use heyan::decision::agreement::{Agreement, Clause, Ending, Quota};
use heyan::decision::agreements::AgreementSet;
use heyan::decision::facts::{AssertionFact, CallerFacts, Facts, QuotaUse, RoleFact, Standing};
use heyan::decision::pool::Pool;
use heyan::decision::set::{Set, Word};
use heyan::decision::{Decision, RULES, decide};
use heyan::query::time::Timestamp;
use heyan::query::value::Comparison;

use super::{Line, Options};

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

/// Agreements that are asked under when not all are: as many as a province's centre has, and more.
const BUSY: usize = 100;

/// Questions of one measurement.
const QUESTIONS: usize = 50_000;

/// 2026-09-22 10:00 in China.
const NOW: Timestamp = Timestamp::from_seconds(1_790_042_400);

pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<Line>> {
    let sizes = [10, 100, 1_000, 10_000, 100_000].into_iter();
    let mut lines = Vec::new();
    let mut of_ten: Vec<f64> = Vec::new();
    for count in sizes.filter(|size| *size <= options.agreements) {
        let mut pool = Pool::default();
        let all = (0..count).map(|number| Arc::new(pool.share(agreement(number))));
        let all: Vec<Arc<Agreement>> = all.collect();
        let set = AgreementSet::new(all.iter().map(Arc::clone));
        let kinds: [(&str, usize, Option<&str>, Vary); 5] = [
            ("permit", count, None, |_| {}),
            ("permit, a hundred of them busy", count.min(BUSY), None, |_| {}),
            ("deny, after most checks", count, Some("DISCLOSURE_NOT_GRANTED"), |facts| {
                facts.disclose = vec!["registered_on".to_owned()];
            }),
            ("deny, no clause", count, Some("FACT_NOT_GRANTED"), |facts| {
                facts.fact = Some("X9".into())
            }),
            ("deny, no agreement", count, Some("NO_AGREEMENT"), |facts| {
                facts.caller.organisation = "county-0000-nobody".into();
            }),
        ];
        for (place, (what, busy, expected, vary)) in kinds.into_iter().enumerate() {
            let nanos = measure(&set, (count, busy), expected, vary)?;
            of_ten.extend((count == 10).then_some(nanos));
            let ratio = of_ten.get(place).map_or(1.0, |first| nanos / first);
            let goal = if expected.is_none() { ", goal 1000 ns" } else { "" };
            lines.push(Line {
                what: what.to_owned(),
                agreements: count,
                found: format!("{nanos:.0} ns"),
                goal: format!("{ratio:.1} times that of 10{goal}"),
            });
        }
        lines.push(changed(&set, count));
    }
    Ok(lines)
}

/// How a question differs from one that is permitted.
type Vary = fn(&mut Facts);

/// Nanoseconds of one decision: the median, without the time it takes to read the clock.
fn measure(
    set: &AgreementSet,
    (count, busy): (usize, usize),
    expected: Option<&str>,
    vary: Vary,
) -> anyhow::Result<f64> {
    let (mut taken, mut clock) = (Vec::new(), Vec::new());
    for question in 0..QUESTIONS {
        // A step that has no factor in common with any size goes everywhere and nowhere twice in a row.
        let mut facts = facts(&agreement(question.wrapping_mul(7_919) % busy * (count / busy)));
        vary(&mut facts);
        let began = Instant::now();
        clock.push(black_box(began).elapsed());
        let began = Instant::now();
        let decision = decide(black_box(&facts), set);
        taken.push(began.elapsed());
        let code = match &decision {
            Decision::Permit(_) => None,
            Decision::Deny(denial) => Some(denial.code()),
        };
        anyhow::ensure!(code == expected, "decided {code:?}, not {expected:?}");
    }
    Ok(median(taken).saturating_sub(median(clock)).as_nanos() as f64)
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all[all.len() / 2]
}

/// One agreement more, and the set before it gone.
fn changed(set: &AgreementSet, count: usize) -> Line {
    let mut taken = Vec::new();
    let mut set = set.clone();
    for number in 0..50 {
        let one = Arc::new(agreement(count + number));
        let id = one.id.clone();
        let began = Instant::now();
        set = set.with_versions(&id, vec![one]);
        taken.push(began.elapsed());
    }
    let found = format!("{:.3} ms", median(taken).as_secs_f64() * 1e3);
    let (what, goal) = ("one agreement more".to_owned(), String::new());
    Line { what, agreements: count, found, goal }
}

/// Consumers have one agreement with each provider; every eighth agreement is the second version of the one before it.
fn agreement(number: usize) -> Agreement {
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
        title: "Sharing between two offices".to_owned(),
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
        relations: vec![],
        assert: words(&["married", "months", "status"]),
        limits: vec![],
        disclose: words(&["status"]),
        mask: vec![],
        never: words(&["photo"]),
        consent: false,
        max_age: Duration::from_secs(3 * 86_400),
        cache: None,
    }
}

fn words(words: &[&str]) -> Set<Word> {
    words.iter().map(|word| Word::from(*word)).collect()
}

/// A question that the agreement permits under its second clause.
fn facts(agreement: &Agreement) -> Facts {
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
