//! Withdrawals, item by item: what refutes, what sends to the counter.

use super::Outcome::{NeedsCounter, Refuted};
use super::items::{way, ways};
use super::rows::{Goes, Row, cover, hears, hold, states};
use super::*;

fn homes() -> Vec<Row> {
    use Goes::{Denied, NotFound, Refuted as No, Unavailable};
    let new = ("W1", "new home");
    let old = ("W1", "second hand");
    let build = ("W1", "build");
    let own = ("W2", "own loan");
    let bank = ("W2", "bank");
    vec![
        hears(new, &[("contract", No)], Refuted, ("bought", "refuted")),
        hears(new, &[("contract", Denied)], NeedsCounter, ("bought", "denied")),
        hears(new, &[("contract", NotFound)], NeedsCounter, ("bought", "not_found")),
        hears(old, &[("deed_tax", Unavailable)], NeedsCounter, ("taxed", "unavailable")),
        hears(old, &[("couple", No)], Refuted, ("spouse_shown", "refuted")),
        // Another code of the household's division is only a hint.
        hears(old, &[("household", No)], NeedsCounter, ("place", "doubtful")),
        // The applicant's own word about the cost: a person looks at it.
        states(
            build,
            [("cost_fen", Value::Integer(1))],
            NeedsCounter,
            ("within_cost", "stated_otherwise"),
        ),
        states(new, [("home_used", Value::Truth(true))], Refuted, ("used_once", "refuted")),
        hears(own, &[("title", No)], Refuted, ("owned", "refuted")),
        hears(bank, &[("mortgage", Denied)], NeedsCounter, ("mortgaged", "denied")),
        hears(bank, &[("mortgage", No)], NeedsCounter, ("mortgaged", "doubtful")),
        hears(own, &[("couple", Unavailable)], NeedsCounter, ("spouse_shown", "unavailable")),
        states(
            bank,
            [("amount_fen", Value::Integer(9_000_000))],
            NeedsCounter,
            ("within_repaid", "stated_otherwise"),
        ),
    ]
}

fn rent() -> Vec<Row> {
    use Goes::{Denied, NotFound, Refuted as No, Unavailable};
    let single = ("W3", "single");
    let couple = ("W3", "couple");
    let now = ("W3", "couple now");
    vec![
        hears(single, &[("income", No)], Refuted, ("rent_share", "refuted")),
        hears(single, &[("income", Denied)], NeedsCounter, ("rent_share", "denied")),
        hears(single, &[("lease", No)], Refuted, ("lease", "refuted")),
        hears(couple, &[("incomes", No)], NeedsCounter, ("rent_share_of_couple", "doubtful")),
        hears(couple, &[("marriage", Denied)], NeedsCounter, ("family_known", "family_incomplete")),
        hears(couple, &[("homes", No)], Refuted, ("no_home", "refuted")),
        hears(now, &[("homes", Unavailable)], NeedsCounter, ("no_home", "unavailable")),
        hears(now, &[("household", NotFound)], NeedsCounter, ("family_known", "family_incomplete")),
    ]
}

fn endings() -> Vec<Row> {
    use Goes::{Denied, NotFound, Refuted as No, Unavailable};
    let retired = ("W4", "retired");
    let disabled = ("W5", "disabled");
    let abroad = ("W6", "citizen");
    let heir = ("W7", "heir");
    vec![
        hears(retired, &[("pension", No)], Refuted, ("retired", "refuted")),
        hears(retired, &[("pension", Denied)], NeedsCounter, ("retired", "denied")),
        hears(retired, &[("identity", Unavailable)], NeedsCounter, ("who", "unavailable")),
        states(
            retired,
            [("loan_outstanding", Value::Truth(true))],
            Refuted,
            ("no_loan", "refuted"),
        ),
        hears(disabled, &[("capacity", No)], Refuted, ("disabled", "refuted")),
        hears(disabled, &[("ended", Denied)], NeedsCounter, ("ended", "denied")),
        hears(disabled, &[("capacity", Unavailable)], NeedsCounter, ("disabled", "unavailable")),
        hears(abroad, &[("departed", No)], Refuted, ("departed", "refuted")),
        hears(abroad, &[("departed", Denied)], NeedsCounter, ("departed", "denied")),
        hears(abroad, &[("identity", Unavailable)], NeedsCounter, ("who", "unavailable")),
        hears(heir, &[("identity", No)], Refuted, ("who", "refuted")),
        // The police learn of a death weeks late: their "alive" beside a cremation is a conflict for a person.
        hears(heir, &[("dead_by_police", No)], NeedsCounter, ("no_conflict", "doubtful")),
        hears(heir, &[("dead_by_police", Denied)], NeedsCounter, ("no_conflict", "denied")),
        hears(
            heir,
            &[("marriage", Unavailable)],
            NeedsCounter,
            ("relatives_known", "family_incomplete"),
        ),
        hears(
            heir,
            &[("dead_by_police", NotFound), ("cremated", NotFound)],
            NeedsCounter,
            ("dead", "not_found"),
        ),
    ]
}

fn rows() -> Vec<Row> {
    [homes(), rent(), endings()].into_iter().flatten().collect()
}

#[test]
fn what_goes_otherwise_than_well_is_told_need_by_need() {
    hold(&rows());
    cover(&rows(), &["W1", "W2", "W3", "W4", "W5", "W6", "W7"], &["W3", "W7"]);
}

/// The rule that holds on the day of the application is the one it is decided by.
#[test]
fn renting_has_another_rule_from_the_day_of_the_decree() {
    let asked_on = |day: &str| {
        let item = CATALOGUE.item_on(&"W3".into(), day).unwrap();
        let name = if item.version == "2026.1" { "single" } else { "single now" };
        let way = way("W3", name);
        assert_eq!(way.version, item.version);
        let mut asked = Vec::new();
        let conclusion = run(&mut way.open(), |asking| {
            asked.push(asking.question.clone());
            // Whatever the tax office says.
            if asking.question == "income" { answered(Verdict::Refuted) } else { way.well(asking) }
        });
        (item.version.as_str(), conclusion.outcome, asked.contains(&"income".to_owned()))
    };
    assert_eq!(asked_on("2026-09-19"), ("2026.1", Outcome::Refuted, true));
    assert_eq!(asked_on("2026-09-20"), ("2026.2", Outcome::Ready, false));
    assert_eq!(asked_on("2026-01-01").0, "2026.1");
    assert!(CATALOGUE.item_on(&"W3".into(), "2025-12-31").is_none());
}

/// Twelve rents of 1,500 yuan are ten per cent of 180,000 yuan: asked as below that, or below one half of it each.
#[test]
fn the_share_of_the_rent_is_reckoned_in_steps_of_a_thousand_yuan() {
    for (name, question, fen) in
        [("single", "income", 18_000_000), ("couple", "incomes", 9_000_000)]
    {
        let way = way("W3", name);
        let mut limits = Vec::new();
        run(&mut way.open(), |asking| {
            if asking.question == question {
                limits.extend(asking.assertions.iter().flat_map(|one| one.values.clone()));
            }
            way.well(asking)
        });
        assert!(!limits.is_empty());
        assert!(limits.iter().all(|limit| *limit == Value::Integer(fen)), "{name}");
    }
}

/// Without a citizen's number nobody asks the police; the document is seen at the counter.
#[test]
fn whoever_has_no_citizens_number_is_seen_at_the_counter() {
    let mut stranger = way("W4", "retired");
    let passport = SubjectKind::Person(Person {
        document_type: IdentityDocument::Passport,
        document_number: "E00000000".to_owned(),
        name: "J. DOE".to_owned(),
    });
    stranger.application.parties.insert("applicant".to_owned(), vec![passport.clone()]);
    let conclusion = run(&mut stranger.open(), |asking| {
        assert_ne!(asking.question, "identity");
        stranger.well(asking)
    });
    assert_eq!(conclusion.outcome, Outcome::NeedsCounter);
    assert_eq!(why(&conclusion), [("who".to_owned(), "evidence_missing")]);
    let seen = Attached {
        issuer: "counter".to_owned(),
        digest: Digest::default(),
        issued_on: stranger.application.submitted_on,
    };
    stranger.application.evidence.insert("identity_seen".to_owned(), seen);
    let conclusion = run(&mut stranger.open(), |asking| stranger.well(asking));
    assert_eq!(conclusion.outcome, Outcome::Ready);
    assert!(conclusion.needs.iter().any(|need| need.state == State::Provided));
    // Nor is there a household to cancel for whoever leaves for good.
    let mut leaving = way("W6", "citizen");
    leaving.application.parties.insert("applicant".to_owned(), vec![passport]);
    let mut asked = Vec::new();
    let conclusion = run(&mut leaving.open(), |asking| {
        asked.push(asking.question.clone());
        leaving.well(asking)
    });
    assert_eq!(asked, ["ended"]);
    assert!(why(&conclusion).contains(&("left".to_owned(), "evidence_missing")));
}

/// Nothing in any rule knows an age of retirement, which moves month by month.
#[test]
fn retirement_is_a_pension_in_payment() {
    let rule = rule("W4", "2026.1");
    assert!(rule.rule.parameters.is_empty());
    let asked: Vec<&str> =
        rule.rule.questions.iter().map(|question| question.fact.as_str()).collect();
    assert_eq!(asked, ["P1", "S3"]);
    let persons = ways().into_iter().filter(|way| way.rule().rule.person_decides.is_some());
    assert_eq!(persons.map(|way| way.item).collect::<Vec<_>>(), ["W7"]);
}
