//! How long one decision takes among so many agreements, and how long it takes to change one of them.
//!
//! The questions go to agreements all over the set, so that hardly one of them is in the processor's cache, and once to a
//! hundred of them; the facts of a question are in it, as they are when a gateway has just gathered them.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use heyan::decision::agreement::Agreement;
use heyan::decision::agreements::AgreementSet;
use heyan::decision::facts::Facts;
use heyan::decision::pool::Pool;
use heyan::decision::{Decision, decide};

use super::asked::{agreement, facts};
use super::{Line, Options};

/// Agreements that are asked under when not all are: as many as a province's centre has, and more.
const BUSY: usize = 100;

/// Questions of one measurement.
const QUESTIONS: usize = 50_000;

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
