//! The breaker against examples, and against a slow and plain model of itself over thousands of made-up histories.

use super::*;

const OPEN_FOR: Duration = Duration::from_secs(10);

fn end(circuit: &Circuit, failed: bool, now: Instant) {
    let Ok(leave) = circuit.enter(now) else { panic!("the breaker is open") };
    leave.end(verdict(failed), now);
}

fn verdict(failed: bool) -> Verdict {
    if failed { Verdict::Bad } else { Verdict::Good }
}

#[test]
fn opens_after_failures_and_closes_after_one_success() {
    let circuit = Circuit::new(Terms::default());
    let start = Instant::now();
    (0..4).for_each(|_| end(&circuit, false, start));
    (0..3).for_each(|_| end(&circuit, true, start));
    assert_eq!(circuit.state(start), Breaker::Closed);
    end(&circuit, true, start);
    assert_eq!(circuit.state(start), Breaker::Open(OPEN_FOR));
    assert_eq!(circuit.enter(start).err(), Some(OPEN_FOR));

    let later = start + OPEN_FOR;
    assert_eq!(circuit.state(later), Breaker::HalfOpen);
    let trial = circuit.enter(later);
    assert!(trial.is_ok() && circuit.enter(later).is_err(), "only one tries");
    // The caller hung up: nothing is known, the next one tries.
    drop(trial);
    end(&circuit, true, later);
    assert_eq!(circuit.state(later), Breaker::Open(OPEN_FOR));

    let much_later = later + OPEN_FOR;
    end(&circuit, false, much_later);
    assert_eq!(circuit.state(much_later), Breaker::Closed);
}

#[test]
fn a_failure_now_and_then_changes_nothing() {
    let circuit = Circuit::new(Terms::default());
    let now = Instant::now();
    for turn in 0..100 {
        end(&circuit, turn % 3 == 0, now);
    }
    assert_eq!(circuit.state(now), Breaker::Closed);
}

#[test]
fn what_began_before_it_opened_says_nothing_after() {
    let circuit = Circuit::new(Terms { enough: 1, ..Terms::default() });
    let start = Instant::now();
    let slow = circuit.enter(start).unwrap_or_else(|_| panic!("closed"));
    end(&circuit, true, start);
    slow.end(Verdict::Good, start);
    assert_eq!(circuit.state(start), Breaker::Open(OPEN_FOR));
    let later = start + OPEN_FOR;
    let lost = circuit.enter(later).unwrap_or_else(|_| panic!("it may try"));
    drop(lost);
    end(&circuit, false, later);
    assert_eq!(circuit.state(later), Breaker::Closed);
}

/// The same by recounting everything: attempts by number, each with the age it began in.
struct Model {
    terms: Terms,
    age: u32,
    recent: Vec<bool>,
    open_until: Option<Instant>,
    trying: Vec<usize>,
    succeeded: usize,
}

impl Model {
    fn may(&self, now: Instant) -> bool {
        match self.open_until {
            None => true,
            Some(until) => now >= until && self.trying.len() + self.succeeded < self.terms.probes,
        }
    }

    fn begin(&mut self, number: usize) -> u32 {
        if self.open_until.is_some() {
            self.trying.push(number);
        }
        self.age
    }

    fn turn(&mut self, open_until: Option<Instant>) {
        self.age += 1;
        (self.open_until, self.succeeded) = (open_until, 0);
        self.recent.clear();
        self.trying.clear();
    }

    fn end(&mut self, number: usize, age: u32, verdict: Option<bool>, now: Instant) {
        self.trying.retain(|other| *other != number);
        let Some(failed) = verdict.filter(|_| age == self.age) else { return };
        let open = Some(now + self.terms.open_for);
        if self.open_until.is_some() {
            self.succeeded += usize::from(!failed);
            match (failed, self.succeeded >= self.terms.probes) {
                (true, _) => self.turn(open),
                (false, true) => self.turn(None),
                (false, false) => {}
            }
            return;
        }
        self.recent.push(failed);
        let from = self.recent.len().saturating_sub(self.terms.window);
        let seen = &self.recent[from..];
        let failures = seen.iter().filter(|failed| **failed).count() as f64;
        if failed
            && seen.len() >= self.terms.enough
            && failures >= self.terms.failures * seen.len() as f64
        {
            self.turn(open);
        }
    }
}

/// SplitMix64: the same on every run.
struct Cases(u64);

impl Cases {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % count as u64).unwrap()
    }
}

#[test]
fn it_does_what_its_model_does() {
    let start = Instant::now();
    for seed in 0..2_000 {
        let mut cases = Cases(seed);
        let window = 1 + cases.below(25);
        let terms = Terms {
            failures: [0.25, 0.5, 0.9, 1.0][cases.below(4)],
            window,
            enough: 1 + cases.below(window),
            open_for: Duration::from_secs(1 + cases.below(10) as u64),
            probes: 1 + cases.below(4),
        };
        let failing = 20 + cases.below(70);
        let circuit = Circuit::new(terms);
        let mut model = Model {
            terms,
            age: 0,
            recent: Vec::new(),
            open_until: None,
            trying: Vec::new(),
            succeeded: 0,
        };
        let mut under_way: Vec<(usize, u32, Leave<'_>)> = Vec::new();
        let mut now = start;
        for number in 0..300 {
            now += Duration::from_millis(cases.below(900) as u64);
            if cases.below(2) == 0 || under_way.is_empty() {
                assert_eq!(circuit.refuses(now).is_none(), model.may(now), "seed {seed}");
                match (circuit.enter(now), model.may(now)) {
                    (Ok(leave), true) => under_way.push((number, model.begin(number), leave)),
                    (Err(wait), false) => assert!(!wait.is_zero() && wait <= OPEN_FOR),
                    (entered, _) => panic!("seed {seed}, step {number}: {}", entered.is_ok()),
                }
            } else {
                let at = cases.below(under_way.len());
                let (number, age, leave) = under_way.swap_remove(at);
                let failed = cases.below(100) < failing;
                let verdict = (cases.below(10) > 0).then_some(failed);
                match verdict {
                    Some(failed) => leave.end(self::verdict(failed), now),
                    None => drop(leave),
                }
                model.end(number, age, verdict, now);
            }
            let closed = circuit.state(now) == Breaker::Closed;
            assert_eq!(closed, model.open_until.is_none(), "seed {seed}, step {number}");
        }
    }
}
