//! Every small family that rents, under both versions of the rule, every pattern of missing answers: READY only when
//! nothing at all was missing.

use super::exhaustive::failures;
use super::items::{Way, way};
use super::*;

/// Both versions of the rule.
fn versions() -> [Way; 2] {
    [way("W3", "single"), way("W3", "single now")]
}

struct Family {
    spouse: Option<Named>,
    /// In the applicant's book.
    children: Vec<Named>,
    declares: bool,
}

fn families() -> Vec<Family> {
    let mut families = Vec::new();
    for married in [false, true] {
        for count in 0..=2_u32 {
            for declares in [false, true] {
                let child = |order: u32| Named {
                    name: format!("子{order}"),
                    number: number("20180506", order + 2),
                };
                families.push(Family {
                    spouse: married.then(|| named("乙", "19870825")),
                    children: (0..count).map(child).collect(),
                    declares,
                });
            }
        }
    }
    families
}

impl Family {
    fn application(&self, renting: &Way) -> Application {
        let mut application = renting.application.clone();
        if self.spouse.is_some() {
            application.evidence.clear();
        }
        if let Some(spouse) = self.spouse.as_ref().filter(|_| self.declares) {
            let spouse = vec![person(&spouse.name, "19870825")];
            application.parties.insert("declared_spouse".to_owned(), spouse);
        }
        application
    }

    /// What the agencies say when all is well.
    fn well(&self, asking: &Asking) -> Heard {
        match (asking.question.as_str(), &self.spouse) {
            ("marriage", Some(one)) => spouse(one),
            ("marriage", None) => answered(Verdict::NotFound),
            ("household", _) => children(&self.children),
            _ => answered(Verdict::Confirmed),
        }
    }
}

/// Runs the case with the n-th asking going wrong in the way `pattern` says; `None` at a place is a good answer.
fn outcome(renting: &Way, family: &Family, pattern: &[Option<usize>]) -> (Outcome, usize) {
    let failures = failures();
    let mut asked = 0;
    let mut case = Case::open(renting.rule(), family.application(renting))
        .unwrap_or_else(|flaws| panic!("{flaws:?}"));
    let conclusion = run(&mut case, |asking| {
        let failure = pattern.get(asked).copied().flatten();
        asked += 1;
        match failure {
            // A single person's marriage has no record: that is the good answer.
            Some(failure)
                if !(asking.question == "marriage" && family.spouse.is_none() && failure == 1) =>
            {
                failures[failure].clone()
            }
            _ => family.well(asking),
        }
    });
    (conclusion.outcome, asked)
}

#[test]
fn when_every_answer_comes_the_case_is_ready() {
    for renting in &versions() {
        for family in families() {
            assert_eq!(outcome(renting, &family, &[]).0, Outcome::Ready, "{}", renting.version);
        }
    }
}

#[test]
fn no_combination_of_missing_answers_is_ready() {
    for renting in &versions() {
        for family in families() {
            no_combination_is_ready(renting, &family);
        }
    }
}

/// Every subset of the questions fails, in every way at once; questions that fall away make patterns shorter.
fn no_combination_is_ready(renting: &Way, family: &Family) {
    let (_, questions) = outcome(renting, family, &[]);
    for subset in 1_u32..1 << questions {
        for kind in 0..failures().len() {
            let pattern: Vec<Option<usize>> =
                (0..questions).map(|place| (subset >> place & 1 == 1).then_some(kind)).collect();
            let (outcome, _) = outcome(renting, family, &pattern);
            let single = family.spouse.is_none() && kind == 1 && subset == 0b10;
            assert!(single || outcome == Outcome::NeedsCounter, "{outcome:?} {pattern:?}");
        }
    }
}
