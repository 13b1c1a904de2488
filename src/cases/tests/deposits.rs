//! Deposits and accounts, item by item: what refutes, what sends to the counter, and who is asked about which employer.

use super::Outcome::{NeedsCounter, Refuted};
use super::items::{employer, way};
use super::rows::{Goes, Row, cover, hears, hold, states};
use super::*;

fn accounts() -> Vec<Row> {
    use Goes::{Denied, Refuted as No, Unavailable};
    let enterprise = ("D1", "enterprise");
    let organisation = ("D1", "organisation");
    let open = ("D2", "open");
    let remit = ("D3", "remit");
    let back = ("D3", "back pay");
    let adjust = ("D4", "adjust");
    let sampled = ("D4", "sampled");
    vec![
        hears(enterprise, &[("active", No)], Refuted, ("active", "refuted")),
        hears(enterprise, &[("enterprise", Denied)], NeedsCounter, ("enterprise", "denied")),
        hears(
            organisation,
            &[("organisation", Unavailable)],
            NeedsCounter,
            ("organisation", "unavailable"),
        ),
        states(
            enterprise,
            [("already_registered", Value::Truth(true))],
            Refuted,
            ("first_time", "refuted"),
        ),
        states(open, [("other_account", Value::Truth(true))], Refuted, ("only_account", "refuted")),
        // Insurance may begin a month after the work.
        hears(open, &[("insured", No)], NeedsCounter, ("employed", "doubtful")),
        hears(open, &[("insured", Denied)], NeedsCounter, ("employed", "denied")),
        hears(open, &[("identity", Unavailable)], NeedsCounter, ("who", "unavailable")),
        hears(remit, &[("identity", No)], Refuted, ("who", "refuted")),
        hears(back, &[("months", Denied)], NeedsCounter, ("months_insured", "denied")),
        hears(back, &[("wages", Unavailable)], NeedsCounter, ("wages_fit", "unavailable")),
        states(
            remit,
            [("ratio_percent", Value::Integer(13))],
            NeedsCounter,
            ("ratio_ceiling", "stated_otherwise"),
        ),
        states(
            remit,
            [("base_fen", Value::Integer(2_550_001))],
            NeedsCounter,
            ("base_ceiling", "stated_otherwise"),
        ),
        states(adjust, [("in_window", Value::Truth(false))], Refuted, ("window", "refuted")),
        hears(adjust, &[("insurance_base", Denied)], NeedsCounter, ("base_fits", "denied")),
        hears(sampled, &[("wages", Unavailable)], NeedsCounter, ("wages_fit", "unavailable")),
        hears(adjust, &[("insurance_base", No)], NeedsCounter, ("base_fits", "doubtful")),
    ]
}

fn employers() -> Vec<Row> {
    use Goes::{Denied, Refuted as No, Unavailable};
    let reduce = ("D5", "reduce");
    let defer = ("D5", "defer");
    let change = ("D6", "change");
    let leave = ("D6", "deregister");
    let rename = ("D6", "rename");
    vec![
        hears(reduce, &[("loss", No), ("arrears", No)], Refuted, ("hardship", "refuted")),
        hears(reduce, &[("loss", No), ("arrears", Denied)], NeedsCounter, ("hardship", "denied")),
        hears(
            defer,
            &[("organisation", Unavailable)],
            NeedsCounter,
            ("organisation", "unavailable"),
        ),
        states(
            defer,
            [("months", Value::Integer(13))],
            NeedsCounter,
            ("no_longer", "stated_otherwise"),
        ),
        hears(change, &[("changed", No)], Refuted, ("changed", "refuted")),
        hears(leave, &[("cleared", Denied)], NeedsCounter, ("cleared", "denied")),
        hears(
            rename,
            &[("organisation", Unavailable)],
            NeedsCounter,
            ("organisation", "unavailable"),
        ),
        states(leave, [("accounts_left", Value::Integer(2))], Refuted, ("no_accounts", "refuted")),
    ]
}

fn persons() -> Vec<Row> {
    use Goes::{Denied, NotFound, Refuted as No, Unavailable};
    let name = ("D7", "name");
    let number = ("D7", "number");
    let seal = ("D8", "seal");
    let unseal = ("D8", "unseal");
    vec![
        hears(name, &[("identity", No)], Refuted, ("who", "refuted")),
        hears(name, &[("former_name", Denied)], NeedsCounter, ("former_name", "denied")),
        hears(name, &[("former_name", No)], NeedsCounter, ("former_name", "doubtful")),
        hears(name, &[("identity", Unavailable)], NeedsCounter, ("who", "unavailable")),
        states(
            number,
            [("number_upgraded", Value::Truth(false))],
            NeedsCounter,
            ("same_number", "evidence_missing"),
        ),
        hears(seal, &[("ended", No)], Refuted, ("ended", "refuted")),
        hears(unseal, &[("employed", Denied)], NeedsCounter, ("employed", "denied")),
        hears(seal, &[("ended", Unavailable)], NeedsCounter, ("ended", "unavailable")),
        hears(unseal, &[("employed", NotFound)], NeedsCounter, ("employed", "not_found")),
    ]
}

fn rows() -> Vec<Row> {
    [accounts(), employers(), persons()].into_iter().flatten().collect()
}

#[test]
fn what_goes_otherwise_than_well_is_told_need_by_need() {
    hold(&rows());
    cover(&rows(), &["D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8"], &[]);
}

/// The first character of the code says who can tell; market regulation knows nothing of a public body.
#[test]
fn who_is_asked_about_an_employer_follows_from_its_code() {
    for (uscc, asked_about, open) in [
        ("91430000000000027J", vec!["E1", "E2", "E3"], vec![]),
        ("52430000000000027K", vec!["M4"], vec![]),
        ("12430000000000027P", vec![], vec![("body".to_owned(), "evidence_missing")]),
        (
            "31430000000000027Q",
            vec![],
            vec![("registered_elsewhere".to_owned(), "evidence_missing")],
        ),
    ] {
        let mut way = way("D1", "enterprise");
        way.application.parties.insert("employer".to_owned(), vec![employer(uscc)]);
        let mut asked = Vec::new();
        let conclusion = run(&mut way.open(), |asking| {
            if asking.subjects.iter().any(|(subject, _)| subject.role == "employer") {
                asked.push(asking.fact.to_string());
            }
            way.well(asking)
        });
        assert_eq!(asked, asked_about, "{uscc}");
        assert_eq!(why(&conclusion), open, "{uscc}");
    }
}

/// What the establishment office says nobody has verified: a person looks at it.
#[test]
fn a_public_body_is_registered_by_a_person() {
    let mut way = way("D1", "enterprise");
    way.application.parties.insert("employer".to_owned(), vec![employer("12430000000000027P")]);
    let certificate = Attached {
        issuer: "establishment-office".to_owned(),
        digest: Digest::default(),
        issued_on: jiff::civil::date(2026, 3, 1),
    };
    way.application.evidence.insert("establishment_certificate".to_owned(), certificate);
    let conclusion = run(&mut way.open(), |asking| way.well(asking));
    assert_eq!(conclusion.outcome, NeedsCounter);
    assert_eq!(why(&conclusion), [("body".to_owned(), "evidence_for_person")]);
}

/// Months are asked for in the steps of the agreement: four are six, and thirteen are eighteen, which nobody grants.
#[test]
fn months_paid_back_are_asked_for_in_steps() {
    for (months, step) in [(4, 6), (6, 6), (7, 12), (13, 18)] {
        let mut way = way("D3", "back pay");
        way.application.given.insert("back_pay_months".to_owned(), Value::Integer(months));
        let mut asked = Vec::new();
        run(&mut way.open(), |asking| {
            if asking.question == "months" {
                asked.extend(asking.assertions.iter().flat_map(|one| one.values.clone()));
            }
            way.well(asking)
        });
        assert_eq!(asked, [Value::Integer(step)]);
    }
}
