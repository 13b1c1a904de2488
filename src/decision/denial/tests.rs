//! Each denial once: its code is stable, its advice holds nothing personal.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::{env, fs};

use super::*;

/// One of each, in the order of the checks. The match below stops compiling when a variant is added, and the test
/// that uses it fails when this list misses one.
pub(crate) fn one_of_each() -> Vec<Denial> {
    let defect = Defect {
        field: "subjects[0].person.document_number".to_owned(),
        check: "check_digit".to_owned(),
    };
    let agreement = || "hn-gjj-mz-2018-001".into();
    vec![
        Denial::Malformed(vec![defect]),
        Denial::CallerUnnamed,
        Denial::UnknownOrganisation,
        Denial::UnknownSystem,
        Denial::ForeignAuthority,
        Denial::NoQueryRight,
        Denial::UnknownFact,
        Denial::UnknownItem,
        Denial::ItemVersionMissing,
        Denial::SubjectMissing,
        Denial::NothingAsked,
        Denial::NoAgreement("civil-affairs".into()),
        Denial::FactNotGranted("M2".into()),
        Denial::SystemNotGranted("approval".into()),
        Denial::PurposeNotGranted("W3".into()),
        Denial::MaterialNotReplaced("marriage_certificate".into()),
        Denial::NotYetValid(agreement()),
        Denial::Expired(agreement()),
        Denial::Superseded(agreement()),
        Denial::Suspended { agreement: agreement(), by: "civil-affairs".into() },
        Denial::Revoked { agreement: agreement(), by: "civil-affairs".into() },
        Denial::RoleNotGranted("spouse".into()),
        Denial::RelationNotProven("spouse".into()),
        Denial::AttributeWithheld("photo".into()),
        Denial::AttributeNotGranted("married".into()),
        Denial::ComparisonNotGranted {
            attribute: "registered_on".into(),
            comparison: Comparison::Eq,
        },
        Denial::ValueNotGranted("months".into()),
        Denial::DisclosureNotGranted("registered_on".into()),
        Denial::CaseMissing,
        Denial::OperatorMissing,
        Denial::OperatorUnitNotGranted("counter-9".into()),
        Denial::NoticeMissing(agreement()),
        Denial::ConsentMissing(agreement()),
        Denial::OutsideHours(agreement()),
        Denial::QuotaUnknown(agreement()),
        Denial::QuotaMonth(agreement()),
        Denial::QuotaDay(agreement()),
        Denial::QuotaSecond(agreement()),
        Denial::Frozen("provider:civil-affairs".into()),
        Denial::DeadlinePast,
    ]
}

/// Position of the variant; a new variant must be given the next number, and `COUNT` raised.
fn position(denial: &Denial) -> usize {
    match denial {
        Denial::Malformed(_) => 0,
        Denial::CallerUnnamed => 1,
        Denial::UnknownOrganisation => 2,
        Denial::UnknownSystem => 3,
        Denial::ForeignAuthority => 4,
        Denial::NoQueryRight => 5,
        Denial::UnknownFact => 6,
        Denial::UnknownItem => 7,
        Denial::ItemVersionMissing => 8,
        Denial::SubjectMissing => 9,
        Denial::NothingAsked => 10,
        Denial::NoAgreement(_) => 11,
        Denial::FactNotGranted(_) => 12,
        Denial::SystemNotGranted(_) => 13,
        Denial::PurposeNotGranted(_) => 14,
        Denial::MaterialNotReplaced(_) => 15,
        Denial::NotYetValid(_) => 16,
        Denial::Expired(_) => 17,
        Denial::Superseded(_) => 18,
        Denial::Suspended { .. } => 19,
        Denial::Revoked { .. } => 20,
        Denial::RoleNotGranted(_) => 21,
        Denial::RelationNotProven(_) => 22,
        Denial::AttributeWithheld(_) => 23,
        Denial::AttributeNotGranted(_) => 24,
        Denial::ComparisonNotGranted { .. } => 25,
        Denial::ValueNotGranted(_) => 26,
        Denial::DisclosureNotGranted(_) => 27,
        Denial::CaseMissing => 28,
        Denial::OperatorMissing => 29,
        Denial::OperatorUnitNotGranted(_) => 30,
        Denial::NoticeMissing(_) => 31,
        Denial::ConsentMissing(_) => 32,
        Denial::OutsideHours(_) => 33,
        Denial::QuotaUnknown(_) => 34,
        Denial::QuotaMonth(_) => 35,
        Denial::QuotaDay(_) => 36,
        Denial::QuotaSecond(_) => 37,
        Denial::Frozen(_) => 38,
        Denial::DeadlinePast => 39,
    }
}

const COUNT: usize = 40;

#[test]
fn codes_are_complete_and_unique() {
    let all = one_of_each();
    let positions: Vec<usize> = all.iter().map(position).collect();
    assert_eq!(positions, (0..COUNT).collect::<Vec<_>>());
    let codes: BTreeSet<&str> = all.iter().map(Denial::code).collect();
    assert_eq!(codes.len(), COUNT);
    for code in codes {
        assert!(code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{code}");
    }
}

/// What the English names the Chinese names too, and nothing is left to be filled in.
#[test]
fn the_advice_says_the_same_in_both_languages() {
    let codes = |text: &str| -> BTreeSet<String> {
        text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    for denial in one_of_each() {
        let (english, chinese) = (denial.advice(), denial.advice_zh());
        assert!(chinese.ends_with('。') && !chinese.contains("{}"), "{chinese}");
        if denial != Denial::CallerUnnamed {
            assert_eq!(codes(&english), codes(&chinese), "{}", denial.code());
        }
    }
}

/// `docs/denials.md` is written by this test: `UPDATE=1 cargo test --lib denial`.
#[test]
fn the_page_of_denials_is_current() {
    let mut page = String::from(
        "# Denials\n\n\
         What the gateway answers when it may not ask. The checks run in this order; where several clauses could \
         apply and none permits,\nthe denial that got furthest is given. Each denial has an entry in the log. \
         The names in the advice below are examples.\n\n\
         Written by `UPDATE=1 cargo test --lib denial` from `src/decision/denial/text.rs`; do not edit.\n\n\
         | Code | What to change | 处理办法 |\n| --- | --- | --- |\n",
    );
    for denial in one_of_each() {
        writeln!(page, "| `{}` | {} | {} |", denial.code(), denial.advice(), denial.advice_zh())
            .unwrap();
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/denials.md");
    if env::var_os("UPDATE").is_some() {
        fs::write(file, &page).unwrap();
    }
    let found = fs::read_to_string(file).unwrap_or_default();
    assert_eq!(found, page, "run `UPDATE=1 cargo test --lib denial`");
}
