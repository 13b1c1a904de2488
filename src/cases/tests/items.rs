//! A good application for every way through every item, and what the agencies say when all is well.

use super::*;
use crate::query::subject::{Document, Employer, Property};

/// An application that is READY when every answer is a good one, unless a person decides.
pub(super) struct Way {
    pub(super) item: &'static str,
    pub(super) version: &'static str,
    /// Which way through the item.
    pub(super) name: &'static str,
    pub(super) application: Application,
}

/// The way of that name.
pub(super) fn way(item: &str, name: &str) -> Way {
    let mut ways = ways().into_iter().filter(|way| way.item == item && way.name == name);
    ways.next().unwrap_or_else(|| panic!("there is no way `{name}` through {item}"))
}

impl Way {
    pub(super) fn rule(&self) -> Arc<Written> {
        rule(self.item, self.version)
    }

    pub(super) fn open(&self) -> Case {
        Case::open(self.rule(), self.application.clone())
            .unwrap_or_else(|flaws| panic!("{} {}: {flaws:?}", self.item, self.name))
    }

    /// True where the register of marriages has nobody, and that is as it should be.
    pub(super) fn is_single(&self) -> bool {
        self.application.evidence.contains_key("single_declaration")
    }

    /// What a person looks at in any case: the need and the reason, where there is one.
    fn for_person(&self) -> Vec<(String, &'static str)> {
        match (self.item, self.name) {
            ("W1", "build" | "overhaul") => {
                vec![("cost_shown".to_owned(), "evidence_for_person")]
            }
            _ => Vec::new(),
        }
    }

    /// What the agencies say when all is well.
    pub(super) fn well(&self, asking: &Asking) -> Heard {
        match asking.question.as_str() {
            "marriage" if self.is_single() => answered(Verdict::NotFound),
            "marriage" => spouse(&named("乙", "19870825")),
            "household" if !asking.disclose.is_empty() => children(&[named("丙", "20180506")]),
            _ => answered(Verdict::Confirmed),
        }
    }
}

fn truth(truth: bool) -> Value {
    Value::Truth(truth)
}

fn whole(number: i64) -> Value {
    Value::Integer(number)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn day(day: &str) -> Value {
    Value::Date(day.to_owned())
}

pub(super) fn employer(uscc: &str) -> SubjectKind {
    SubjectKind::Employer(Employer { uscc: uscc.to_owned(), name: "某单位".to_owned() })
}

/// Somebody or something for a party, by its name and kind.
fn stand_in(party: &str, kind: &str) -> SubjectKind {
    match (kind, party) {
        ("employer", _) => employer("91430000000000027J"),
        ("property", _) => SubjectKind::Property(Property {
            unit_number: "430102001005GB00012F00010203".to_owned(),
            ..Property::default()
        }),
        ("document", _) => SubjectKind::Document(Document {
            number: format!("2026-{party}"),
            ..Document::default()
        }),
        (_, "applicant" | "deceased") => person("甲", "19850312"),
        (_, "spouse" | "declared_spouse" | "other") => person("乙", "19870825"),
        (_, "representative") => person("庚", "19700203"),
        (_, "seller") => person("辛", "19650607"),
        _ => person("壬", "19910910"),
    }
}

fn make(
    (item, version, name): (&'static str, &'static str, &'static str),
    parties: &[&str],
    given: &[(&str, Value)],
    evidence: &[&str],
) -> Way {
    let written = rule(item, version);
    let submitted_on = match version {
        "2026.1" if item == "W3" => jiff::civil::date(2026, 9, 19),
        _ => jiff::civil::date(2026, 10, 12),
    };
    let attached = |name: &&str| {
        let external = written.rule.external(name).unwrap_or_else(|| panic!("{item}: {name}"));
        let attached = Attached {
            issuer: external.issuer.clone(),
            digest: Digest::default(),
            issued_on: submitted_on,
        };
        ((*name).to_owned(), attached)
    };
    let parties = parties.iter().map(|name| {
        let party = written.rule.party(name).unwrap_or_else(|| panic!("{item}: {name}"));
        (party.name.clone(), vec![stand_in(&party.name, &party.kind)])
    });
    let application = Application {
        submitted_on,
        run_on: submitted_on,
        parties: parties.collect(),
        given: given.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        evidence: evidence.iter().map(attached).collect(),
    };
    Way { item, version, name, application }
}

/// The way, with another employer in place of the enterprise.
fn employed_by(mut way: Way, uscc: &str) -> Way {
    way.application.parties.insert("employer".to_owned(), vec![employer(uscc)]);
    way
}

/// Every way through every item.
pub(super) fn ways() -> Vec<Way> {
    let mut ways = withdrawals();
    ways.extend(registrations());
    ways.extend(deposits());
    ways.extend(loans());
    ways
}

fn withdrawals() -> Vec<Way> {
    let lent = |lender: &str| {
        vec![
            ("lender", text(lender)),
            ("lender_name", text("某银行")),
            ("loan_active", truth(true)),
            ("withdrawn_within_12_months", truth(false)),
            ("amount_fen", whole(3_000_000)),
            ("repaid_fen", whole(3_600_000)),
        ]
    };
    let rent = [
        ("months_in_a_row", whole(12)),
        ("withdrawn_within_12_months", truth(false)),
        ("amount_fen", whole(1_800_000)),
        ("rent_fen", whole(150_000)),
    ];
    let sealed = [("account_sealed", truth(true))];
    let retired = [
        ("ground", text("retired")),
        ("account_sealed", truth(true)),
        ("loan_outstanding", truth(false)),
    ];
    let left = [("balance_fen", whole(800_000)), ("paid_out", truth(false))];
    let others = vec![
        make(
            ("W2", "2026.1", "own loan"),
            &["applicant", "spouse", "property"],
            &lent("provident"),
            &[],
        ),
        make(
            ("W2", "2026.1", "bank"),
            &["applicant", "property"],
            &lent("bank"),
            &["repayment_record"],
        ),
        make(("W3", "2026.1", "single"), &["applicant", "lease"], &rent, &["single_declaration"]),
        make(("W3", "2026.1", "couple"), &["applicant", "lease"], &rent, &[]),
        make(("W3", "2026.2", "single now"), &["applicant"], &rent[..3], &["single_declaration"]),
        make(
            ("W3", "2026.2", "couple now"),
            &["applicant", "declared_spouse", "lease"],
            &rent[..3],
            &[],
        ),
        make(("W4", "2026.1", "retired"), &["applicant"], &retired, &[]),
        make(("W5", "2026.1", "disabled"), &["applicant", "employer"], &sealed, &[]),
        make(("W6", "2026.1", "citizen"), &["applicant"], &sealed, &[]),
        make(("W7", "2026.1", "heir"), &["deceased", "heir"], &left, &[]),
    ];
    let mut ways = bought_or_built();
    ways.extend(others);
    ways
}

fn bought_or_built() -> Vec<Way> {
    let home = |ground: &str, in_city: bool| {
        vec![
            ("ground", text(ground)),
            ("withdrawn_with_this_fen", whole(20_000_000)),
            ("home_used", truth(false)),
            ("trades_within_12_months", whole(0)),
            ("home_in_city", truth(in_city)),
            ("home_division", text("430102")),
            ("cost_fen", whole(30_000_000)),
        ]
    };
    let w1 = |name| ("W1", "2026.1", name);
    vec![
        make(w1("new home"), &["applicant", "contract", "invoice"], &home("new_home", true), &[]),
        make(
            w1("second hand"),
            &["applicant", "spouse", "property"],
            &home("second_hand", false),
            &[],
        ),
        make(w1("build"), &["applicant", "permit"], &home("build", true), &["cost_papers"]),
        make(
            w1("overhaul"),
            &["applicant", "property", "permit"],
            &home("overhaul", true),
            &["cost_papers"],
        ),
    ]
}

fn registrations() -> Vec<Way> {
    let new = [("already_registered", truth(false))];
    let register =
        |name| make(("D1", "2026.1", name), &["employer", "representative", "officer"], &new, &[]);
    vec![register("enterprise"), employed_by(register("organisation"), "52430000000000027K")]
}

fn deposits() -> Vec<Way> {
    let base = |action: &str, doubted: bool| {
        vec![
            ("action", text(action)),
            ("base_fen", whole(800_000)),
            ("ratio_percent", whole(8)),
            ("back_pay_months", whole(4)),
            ("first_month", day("2026-03")),
            ("account_active", truth(true)),
            ("wages_doubted", truth(doubted)),
        ]
    };
    let yearly = |sampled: bool| {
        vec![
            ("base_fen", whole(800_000)),
            ("ratio_percent", whole(12)),
            ("in_window", truth(true)),
            ("adjusted_this_year", truth(false)),
            ("sampled", truth(sampled)),
        ]
    };
    let need = |action: &str| {
        vec![
            ("action", text(action)),
            ("months", whole(12)),
            ("ratio_percent", whole(5)),
            ("in_arrears_to_fund", truth(false)),
        ]
    };
    let change = |action: &str| {
        vec![
            ("action", text(action)),
            ("last_known_on", day("2024-05-01")),
            ("accounts_left", whole(0)),
        ]
    };
    let correct = |change: &str| {
        vec![
            ("change", text(change)),
            ("old_name", text("甲甲")),
            ("number_upgraded", truth(true)),
            ("account_frozen", truth(false)),
        ]
    };
    let move_to = |action: &str| vec![("action", text(action)), ("account_frozen", truth(false))];
    let (two, one) = (["applicant", "employer"], ["employer"]);
    let alone = [("other_account", truth(false))];
    let social = "52430000000000027K";
    let agreed = &["staff_resolution"];
    vec![
        make(("D2", "2026.1", "open"), &two, &alone, &[]),
        make(("D3", "2026.1", "remit"), &two, &base("remit", false), &[]),
        make(("D3", "2026.1", "back pay"), &two, &base("back_pay", true), &[]),
        make(("D4", "2026.1", "adjust"), &["applicant"], &yearly(false), &[]),
        make(("D4", "2026.1", "sampled"), &["applicant"], &yearly(true), &[]),
        make(("D5", "2026.1", "reduce"), &one, &need("reduce"), agreed),
        employed_by(make(("D5", "2026.1", "defer"), &one, &need("defer"), agreed), social),
        make(("D6", "2026.1", "change"), &one, &change("change"), &[]),
        make(("D6", "2026.1", "deregister"), &one, &change("deregister"), &[]),
        employed_by(make(("D6", "2026.1", "rename"), &one, &change("change"), &[]), social),
        employed_by(make(("D6", "2026.1", "dissolve"), &one, &change("deregister"), &[]), social),
        make(("D7", "2026.1", "name"), &["applicant"], &correct("name"), &[]),
        make(("D7", "2026.1", "number"), &["applicant"], &correct("number"), &[]),
        make(("D7", "2026.1", "contact"), &["applicant"], &correct("contact"), &[]),
        make(("D8", "2026.1", "seal"), &two, &move_to("seal"), &[]),
        make(("D8", "2026.1", "unseal"), &two, &move_to("unseal"), &[]),
        make(("D8", "2026.1", "transfer"), &two, &move_to("transfer"), &["target_confirmation"]),
    ]
}

fn borrowing() -> Vec<(&'static str, Value)> {
    vec![
        ("months_in_a_row", whole(24)),
        ("settled_loans", whole(0)),
        ("loan_outstanding", truth(false)),
        ("credit_fit", truth(true)),
        ("years_past_retirement", whole(0)),
        ("price_fen", whole(100_000_000)),
        ("down_payment_fen", whole(30_000_000)),
        ("loan_fen", whole(60_000_000)),
        ("instalment_fen", whole(300_000)),
    ]
}

fn change(change: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("change", text(change)),
        ("borrower_matches", truth(true)),
        ("other_is_borrower", truth(true)),
        ("overdue", truth(false)),
    ]
}

fn loans() -> Vec<Way> {
    let with = |more: (&'static str, Value)| [borrowing(), vec![more]].concat();
    let new = ["applicant", "employer", "contract", "permit"];
    let old = ["applicant", "employer", "contract", "property", "seller"];
    let papers = ["credit_report", "down_payment_receipt"];
    let single = ["credit_report", "down_payment_receipt", "single_declaration"];
    let elsewhere = ["credit_report", "down_payment_receipt", "deposit_certificate"];
    let kind = |kind: &str| {
        vec![
            ("kind", text(kind)),
            ("months_in_a_row", whole(24)),
            ("loan_outstanding", truth(false)),
            ("credit_fit", truth(true)),
            ("loan_fen", whole(30_000_000)),
            ("bank_name", text("某银行")),
            ("good_months", whole(14)),
            ("bank_balance_fen", whole(40_000_000)),
        ]
    };
    let settle = |action: &str, balance: i64| {
        vec![
            ("action", text(action)),
            ("borrower_matches", truth(true)),
            ("balance_fen", whole(balance)),
            ("amount_fen", whole(100_000)),
        ]
    };
    let (report, both) = (["credit_report"], ["consent", "others_consent"]);
    let (l3, l5) = (|name| ("L3", "2026.1", name), |name| ("L5", "2026.1", name));
    vec![
        make(("L1", "2026.1", "single"), &new, &borrowing(), &single),
        make(("L1", "2026.1", "couple"), &new, &borrowing(), &papers),
        employed_by(
            make(("L1", "2026.1", "association"), &new, &borrowing(), &papers),
            "52430000000000027K",
        ),
        make(("L2", "2026.1", "single"), &old, &with(("mortgage_carried", truth(true))), &single),
        make(("L2", "2026.1", "couple"), &old, &with(("mortgage_carried", truth(false))), &papers),
        make(l3("build"), &["applicant", "spouse", "permit"], &kind("build"), &report),
        make(l3("overhaul"), &["applicant", "property", "permit"], &kind("overhaul"), &report),
        make(
            l3("conversion"),
            &["applicant", "property"],
            &kind("conversion"),
            &["credit_report", "bank_balance"],
        ),
        make(
            l3("combined"),
            &["applicant", "contract"],
            &kind("combined"),
            &["credit_report", "bank_approval"],
        ),
        make(
            ("L4", "2026.1", "couple"),
            &new,
            &with(("certificate_used", truth(false))),
            &elsewhere,
        ),
        make(l5("join"), &["applicant", "other"], &change("join"), &both),
        make(l5("divorce"), &["applicant", "other", "property"], &change("divorce"), &both),
        make(l5("death"), &["applicant", "other", "property"], &change("death"), &["consent"]),
        make(l5("terms"), &["applicant"], &change("terms"), &["consent"]),
        make(("L6", "2026.1", "repay"), &["applicant"], &settle("repay", 900_000), &[]),
        make(("L6", "2026.1", "settle"), &["applicant"], &settle("settle", 100_000), &[]),
        make(("L6", "2026.1", "release"), &["applicant", "property"], &settle("release", 0), &[]),
    ]
}

#[test]
fn when_every_answer_comes_every_way_is_ready_but_what_a_person_looks_at() {
    let mut items = std::collections::BTreeSet::new();
    for way in ways() {
        items.insert((way.item, way.version));
        let conclusion = run(&mut way.open(), |asking| way.well(asking));
        let is_for_person = way.item == "W7" || !way.for_person().is_empty();
        let expected = if is_for_person { Outcome::NeedsCounter } else { Outcome::Ready };
        let (item, name) = (way.item, way.name);
        assert_eq!(conclusion.outcome, expected, "{item} {name}: {:?}", why(&conclusion));
        assert_eq!(why(&conclusion), way.for_person(), "{item} {name}");
    }
    assert_eq!(items.len(), 22);
}
