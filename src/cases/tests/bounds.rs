//! Whole numbers that an application states: never less than nothing, unless the rule says so.

use super::items::way;
use super::*;

/// The check that refuses the value, if any.
fn refused(item: &str, name: &str, given: &str, value: i64) -> Option<&'static str> {
    let way = way(item, name);
    let mut application = way.application.clone();
    application.given.insert(given.to_owned(), Value::Integer(value));
    let flaws = Case::open(way.rule(), application).err()?;
    let [flaw] = flaws.as_slice() else { panic!("{flaws:?}") };
    assert_eq!(flaw.field, format!("given.{given}"));
    Some(flaw.check)
}

#[test]
fn what_is_counted_or_paid_is_never_less_than_nothing() {
    assert_eq!(refused("D3", "back pay", "back_pay_months", -7), Some("too_small"));
    assert_eq!(refused("D3", "back pay", "back_pay_months", 0), Some("too_small"));
    assert_eq!(refused("D3", "back pay", "back_pay_months", 1), None);
    assert_eq!(refused("D5", "reduce", "months", -3), Some("too_small"));
    assert_eq!(refused("W3", "single now", "amount_fen", 0), Some("too_small"));
    assert_eq!(refused("L6", "repay", "amount_fen", -1), Some("too_small"));
    assert_eq!(refused("L1", "couple", "loan_fen", -1), Some("too_small"));
    assert_eq!(refused("L1", "couple", "loan_fen", 0), None);
    // Whose loan ends before they retire is so many years before it.
    assert_eq!(refused("L1", "couple", "years_past_retirement", -20), None);
    assert_eq!(refused("L1", "couple", "years_past_retirement", -61), Some("too_small"));
}

#[test]
fn the_rule_may_say_how_much_is_too_much() {
    let text = include_str!("../../catalogue/rule/schema/full.toml");
    let written = Written::from_text(text).unwrap();
    let amount = written.rule.given("amount_fen").unwrap();
    assert_eq!((amount.least, amount.most), (Some(-1), Some(1_000_000)));
    let ground = written.rule.given("ground").unwrap();
    assert_eq!((ground.least, ground.most), (None, None));
    let check = |amount: i64| {
        let application = Application {
            submitted_on: jiff::civil::date(2026, 10, 12),
            run_on: jiff::civil::date(2026, 10, 12),
            parties: BTreeMap::new(),
            given: BTreeMap::from([("amount_fen".to_owned(), Value::Integer(amount))]),
            evidence: BTreeMap::new(),
        };
        let flaws = application.flaws(&written.rule);
        flaws.into_iter().find(|flaw| flaw.field == "given.amount_fen").map(|flaw| flaw.check)
    };
    assert_eq!((check(-1), check(1_000_000)), (None, None));
    assert_eq!((check(-2), check(1_000_001)), (Some("too_small"), Some("too_large")));
}
