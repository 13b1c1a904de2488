//! Loans, item by item: what refutes, what sends to the counter, and that nobody learns an income.

use super::Outcome::{NeedsCounter, Refuted};
use super::items::way;
use super::rows::{Goes, Row, cover, hears, hold, states};
use super::*;

fn new_homes() -> Vec<Row> {
    use Goes::{Denied, NotFound, Refuted as No, Unavailable};
    let couple = ("L1", "couple");
    let single = ("L1", "single");
    vec![
        hears(couple, &[("contract", No)], Refuted, ("bought", "refuted")),
        hears(couple, &[("income_of_one", Denied)], NeedsCounter, ("income", "denied")),
        // Neither alone nor one half each: both together may still be enough.
        hears(
            couple,
            &[("income_of_one", No), ("income_of_both", No)],
            NeedsCounter,
            ("income", "doubtful"),
        ),
        hears(single, &[("income_of_one", No)], NeedsCounter, ("income", "doubtful")),
        hears(couple, &[("presale", Unavailable)], NeedsCounter, ("presale", "unavailable")),
        // A valid permit, of another project than the contract's.
        hears(couple, &[("same_project", No)], NeedsCounter, ("same_project", "doubtful")),
        hears(couple, &[("same_project", NotFound)], NeedsCounter, ("same_project", "not_found")),
        hears(
            couple,
            &[("marriage", Unavailable)],
            NeedsCounter,
            ("family_known", "family_incomplete"),
        ),
        hears(couple, &[("household", NotFound)], NeedsCounter, ("homes", "family_incomplete")),
        // A widow is married in the register of marriages.
        hears(couple, &[("spouse_identity", No)], NeedsCounter, ("spouse_known", "doubtful")),
        hears(couple, &[("homes", No)], Refuted, ("homes", "refuted")),
        states(
            couple,
            [("down_payment_fen", Value::Integer(19_999_999))],
            NeedsCounter,
            ("down_payment", "stated_otherwise"),
        ),
        states(couple, [("months_in_a_row", Value::Integer(5))], Refuted, ("deposits", "refuted")),
        states(
            couple,
            [("years_past_retirement", Value::Integer(6))],
            Refuted,
            ("term", "refuted"),
        ),
        states(
            couple,
            [("settled_loans", Value::Integer(2))],
            Refuted,
            ("settled_loans", "refuted"),
        ),
    ]
}

fn old_homes() -> Vec<Row> {
    use Goes::{Denied, Refuted as No, Unavailable};
    let old = ("L2", "couple");
    let carried = ("L2", "single");
    let overhaul = ("L3", "overhaul");
    let conversion = ("L3", "conversion");
    let combined = ("L3", "combined");
    let other = ("L4", "couple");
    vec![
        hears(old, &[("sellers_title", No)], Refuted, ("sellers_own", "refuted")),
        hears(old, &[("same_home", No)], NeedsCounter, ("same_home", "doubtful")),
        hears(other, &[("same_project", No)], NeedsCounter, ("same_project", "doubtful")),
        hears(old, &[("deed_tax", Denied)], NeedsCounter, ("taxed", "denied")),
        hears(old, &[("free", No)], Refuted, ("free", "refuted")),
        hears(
            carried,
            &[("free_but_mortgaged", Unavailable)],
            NeedsCounter,
            ("free_but_mortgaged", "unavailable"),
        ),
        hears(
            old,
            &[("marriage", Unavailable)],
            NeedsCounter,
            ("family_known", "family_incomplete"),
        ),
        hears(overhaul, &[("title", No)], Refuted, ("owned", "refuted")),
        hears(conversion, &[("mortgage", Denied)], NeedsCounter, ("mortgaged", "denied")),
        hears(combined, &[("contract", Unavailable)], NeedsCounter, ("bought", "unavailable")),
        states(
            conversion,
            [("good_months", Value::Integer(11))],
            Refuted,
            ("good_repayment", "refuted"),
        ),
        states(
            other,
            [("certificate_used", Value::Truth(true))],
            Refuted,
            ("certificate_unused", "refuted"),
        ),
        hears(other, &[("insured_months", Denied)], NeedsCounter, ("insured_months", "denied")),
        hears(
            other,
            &[("marriage", Unavailable)],
            NeedsCounter,
            ("family_known", "family_incomplete"),
        ),
        // The other centre's months are the applicant's word and its certificate, not this centre's ledger.
        states(
            other,
            [("months_in_a_row", Value::Integer(5))],
            NeedsCounter,
            ("deposits", "stated_otherwise"),
        ),
    ]
}

fn loans_made() -> Vec<Row> {
    use Goes::{Denied, Refuted as No, Unavailable};
    let join = ("L5", "join");
    let divorce = ("L5", "divorce");
    let death = ("L5", "death");
    let repay = ("L6", "repay");
    let release = ("L6", "release");
    vec![
        hears(join, &[("couple", No)], Refuted, ("couple", "refuted")),
        hears(divorce, &[("sole_title", Denied)], NeedsCounter, ("owned_alone", "denied")),
        hears(divorce, &[("divorced", No)], NeedsCounter, ("divorced", "doubtful")),
        // "Divorced" may be of an earlier marriage.
        hears(divorce, &[("parted", No)], NeedsCounter, ("parted", "doubtful")),
        states(death, [("other_is_borrower", Value::Truth(false))], Refuted, ("leaver", "refuted")),
        hears(death, &[("dead", Unavailable)], NeedsCounter, ("dead", "unavailable")),
        states(
            repay,
            [("borrower_matches", Value::Truth(false))],
            Refuted,
            ("borrower", "refuted"),
        ),
        hears(release, &[("mortgage", Denied)], NeedsCounter, ("mortgaged", "denied")),
        hears(release, &[("identity", Unavailable)], NeedsCounter, ("who", "unavailable")),
        states(release, [("balance_fen", Value::Integer(1))], Refuted, ("settled", "refuted")),
    ]
}

fn rows() -> Vec<Row> {
    [new_homes(), old_homes(), loans_made()].into_iter().flatten().collect()
}

#[test]
fn what_goes_otherwise_than_well_is_told_need_by_need() {
    hold(&rows());
    cover(&rows(), &["L1", "L2", "L3", "L4", "L5", "L6"], &["L1", "L2", "L4"]);
}

/// 3,000 yuan a month are sixty per cent of 60,000 yuan a year: asked of one of the couple, else one half of each.
#[test]
fn income_is_asked_for_as_enough_or_not() {
    let way = way("L1", "couple");
    for (alone, expected) in [
        (Verdict::Confirmed, vec![("income_of_one", 6_000_000), ("income_of_one", 6_000_000)]),
        (
            Verdict::Refuted,
            vec![
                ("income_of_one", 6_000_000),
                ("income_of_one", 6_000_000),
                ("income_of_both", 3_000_000),
                ("income_of_both", 3_000_000),
            ],
        ),
    ] {
        let mut asked = Vec::new();
        let conclusion = run(&mut way.open(), |asking| {
            if asking.question.starts_with("income") {
                asked.push((asking.question.clone(), asking.assertions[0].values[0].clone()));
                assert!(asking.disclose.is_empty());
            }
            if asking.question == "income_of_one" { answered(alone) } else { way.well(asking) }
        });
        assert_eq!(conclusion.outcome, Outcome::Ready, "{:?}", why(&conclusion));
        let expected: Vec<(String, Value)> = expected
            .into_iter()
            .map(|(name, fen)| (name.to_owned(), Value::Integer(fen)))
            .collect();
        assert_eq!(asked, expected);
    }
}

/// Who leaves is named and agrees, and so does who joins: nobody does by the borrower's word.
#[test]
fn everyone_of_a_loan_that_changes_has_their_say() {
    for (name, open) in [("divorce", "other_agreed"), ("join", "other_agreed")] {
        let mut way = way("L5", name);
        way.application.evidence.remove("others_consent");
        let conclusion = run(&mut way.open(), |asking| way.well(asking));
        assert_eq!(why(&conclusion), [(open.to_owned(), "evidence_missing")], "{name}");
    }
    let mut alone = way("L5", "divorce");
    alone.application.parties.remove("other");
    let conclusion = run(&mut alone.open(), |asking| alone.well(asking));
    assert_eq!(why(&conclusion), [("parted".to_owned(), "not_named")]);
}

/// A home that is finished needs no permit of presale, but somebody who looks at what takes its place.
#[test]
fn a_finished_home_is_for_a_person() {
    let mut way = way("L1", "couple");
    way.application.parties.remove("permit");
    let conclusion = run(&mut way.open(), |asking| {
        assert_ne!(asking.question, "presale");
        way.well(asking)
    });
    assert_eq!(why(&conclusion), [("finished".to_owned(), "evidence_missing")]);
}

/// Spouse and child are found by answers, and all three are asked about homes.
#[test]
fn the_whole_family_is_asked_about_homes() {
    let way = way("L1", "couple");
    let mut asked = Vec::new();
    run(&mut way.open(), |asking| {
        asked.push((asking.question.clone(), asking.subjects.len()));
        way.well(asking)
    });
    assert!(asked.contains(&("homes".to_owned(), 3)), "{asked:?}");
    let waves = [
        "identity",
        "marriage",
        "contract",
        "same_project",
        "presale",
        "insured",
        "insured_months",
        "employer_active",
    ];
    let first: Vec<&str> = asked.iter().take(waves.len()).map(|(name, _)| name.as_str()).collect();
    assert!(waves.iter().all(|name| first.contains(name)), "{first:?}");
}
