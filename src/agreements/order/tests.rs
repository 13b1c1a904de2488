//! Orders signed and opened: what holds, and each way in which one does not.

use serde_json::{Value, json};

use super::super::document::tests::{NOW, Parties};
use super::super::terms::tests::DRAFT;
use super::*;

/// When an order was given, seconds before [`NOW`].
pub(in crate::agreements) fn order(id: &str, by: &str, before: u64, act: &Act) -> Order {
    let at = Timestamp::from_seconds(NOW.seconds() - before);
    Order::new(id, &by.into(), at, "an incident", act)
}

pub(in crate::agreements) fn freeze(id: &str, by: &str, before: u64) -> Order {
    let scope = Scope { provider: by.into(), fact: None, caller: None };
    order(id, by, before, &Act::Freeze(scope))
}

pub(in crate::agreements) fn version(number: u32) -> Version {
    Version { agreement: "hn-gjj-mz-2018-001".to_owned(), version: number }
}

pub(in crate::agreements) fn signed(
    parties: &Parties,
    order: &Order,
    kid: &'static str,
) -> Vec<u8> {
    sign(order, parties.signer(kid)).unwrap()
}

fn acts() -> Vec<Act> {
    let scope = |fact: Option<&str>, caller: Option<&str>| Scope {
        provider: "civil-affairs".into(),
        fact: fact.map(FactCode::from),
        caller: caller.map(OrganisationId::from),
    };
    vec![
        Act::Suspend(version(1)),
        Act::Resume(version(1)),
        Act::Revoke(version(2)),
        Act::Freeze(scope(None, None)),
        Act::Freeze(scope(Some("M2"), None)),
        Act::Freeze(scope(None, Some("fund-centre"))),
        Act::Freeze(scope(Some("M2"), Some("fund-centre"))),
        Act::Unfreeze("incident-1".to_owned()),
    ]
}

#[test]
fn every_order_comes_back_as_it_was_signed() {
    let parties = Parties::new();
    let later = order("later", "civil-affairs", 0, &acts()[0]);
    let later = later.acting_from(Timestamp::from_seconds(NOW.seconds() + 86_400));
    let read = verify(&signed(&parties, &later, "civil-1"), &parties.register, NOW).unwrap();
    assert_eq!(
        (&read, read.acts_from().map(Timestamp::seconds)),
        (&later, Some(NOW.seconds() + 86_400))
    );
    assert!(later.page().contains("version 1 from 20"), "{}", later.page());
    for (number, act) in (0..).zip(acts()) {
        let order = order(&format!("order-{number}"), "civil-affairs", number, &act);
        let document = signed(&parties, &order, "civil-1");
        let read = verify(&document, &parties.register, NOW).unwrap();
        assert_eq!((read.act().unwrap(), &read), (act, &order));
        assert_eq!(read.at().seconds(), NOW.seconds() - number);
        assert_eq!(peek(&document).unwrap(), order);
        let page = order.page();
        assert!(page.contains("civil-affairs") && page.contains("an incident"), "{page}");
    }
}

#[test]
fn an_order_is_the_word_of_one_organisation() {
    let parties = Parties::new();
    let order = freeze("incident-1", "civil-affairs", 0);
    let refused = |document: &[u8]| verify(document, &parties.register, NOW).unwrap_err();
    let foreign = refused(&signed(&parties, &order, "police-1"));
    assert_eq!(
        foreign.to_string(),
        "it is an order of `civil-affairs` and signed by `police`",
        "by name"
    );
    let payload = serde_json::to_vec(&order).unwrap();
    let both = [parties.signer("civil-1"), parties.signer("police-1")];
    let document = document::sign_as(TYPE, &payload, &both).unwrap();
    assert!(matches!(refused(&document), OrderError::Signers { .. }));
    let nobody = document::sign_as(TYPE, &payload, &[]).unwrap();
    assert!(matches!(refused(&nobody), OrderError::Document(DocumentError::NoSignature)));

    let before = Timestamp::from_seconds(1_577_836_799);
    let document = signed(&parties, &order, "civil-1");
    let early = verify(&document, &parties.register, before);
    assert!(matches!(early, Err(OrderError::Document(DocumentError::KeyNotValid(_)))));
    for place in (0..document.len() - 1).step_by(17) {
        let mut flipped = document.clone();
        flipped[place] ^= 1;
        if !document[place].is_ascii_whitespace() {
            assert!(verify(&flipped, &parties.register, NOW).is_err(), "{place}");
        }
    }
}

#[test]
fn agreements_and_orders_are_not_taken_for_each_other() {
    let parties = Parties::new();
    let agreement = parties.sign(DRAFT, &["fund-1", "civil-1"]);
    assert!(matches!(
        verify(&agreement, &parties.register, NOW),
        Err(OrderError::Document(DocumentError::Type { .. }))
    ));
    let order = signed(&parties, &freeze("incident-1", "police", 0), "police-1");
    let taken = document::verify(&order, &parties.register, NOW);
    assert!(matches!(taken, Err(DocumentError::Type { .. })));
}

#[test]
fn orders_that_make_no_sense_are_refused_each_for_its_reason() {
    let good = serde_json::to_value(order("one", "civil-affairs", 0, &acts()[0])).unwrap();
    let resumed = serde_json::to_value(order("one", "civil-affairs", 0, &acts()[1])).unwrap();
    let frozen = serde_json::to_value(freeze("one", "civil-affairs", 0)).unwrap();
    let refused = |base: &Value, key: &str, value: Value| {
        let mut changed = base.clone();
        match value {
            Value::Null => drop(changed.as_object_mut().unwrap().remove(key)),
            value => changed[key] = value,
        }
        read(&serde_json::to_vec(&changed).unwrap()).unwrap_err().in_full()
    };
    assert!(read(&serde_json::to_vec(&good).unwrap()).is_ok());
    for (base, key, value, problem) in [
        (&good, "schema", json!(2), "`schema` is not 1"),
        (&good, "kind", json!("end"), "unknown variant"),
        (&good, "id", json!("A"), "`id` must be"),
        (&good, "by", json!("civil/affairs"), "`by` is no"),
        (&good, "at", json!("1969-01-01T00:00:00Z"), "before 1970"),
        (&good, "reason", json!(" "), "`reason` must have"),
        (&good, "reason", json!("x".repeat(501)), "`reason` must have"),
        (&good, "reason", json!("about 11010519491231002X"), "identity number"),
        (&good, "agreement", Value::Null, "`agreement` is missing"),
        (&good, "version", Value::Null, "`version` is missing"),
        (&good, "version", json!(0), "counts from 1"),
        (&good, "fact", json!("M2"), "`fact` has no place"),
        (&good, "freeze", json!("one"), "`freeze` has no place"),
        (&good, "until", json!("then"), "unknown field"),
        (&good, "from", json!("2018-06-01T00:00:00+08:00"), "`from` is earlier than `at`"),
        (&good, "from", json!("tomorrow"), "not the JSON of an order: "),
        (&good, "from", json!("2099-06-01T00:00:00+08:00[Europe/Paris]"), "is no time such as"),
        (&good, "from", json!("2099-06-01T00:00:60Z"), "is no time such as"),
        (&good, "from", json!("2099-06-01 00:00:00.0000001Z"), "is no time such as"),
        (&resumed, "from", json!("2099-06-01T00:00:00+08:00"), "`from` has no place"),
        (&frozen, "from", json!("2099-06-01T00:00:00+08:00"), "`from` has no place"),
        (&frozen, "agreement", json!("mz-1"), "`agreement` has no place"),
        (&frozen, "fact", json!("M2/caller:x"), "`fact` is no code"),
        (&frozen, "caller", json!("fund/centre"), "`caller` is no"),
        (&frozen, "kind", json!("unfreeze"), "`freeze` is missing"),
    ] {
        let found = refused(base, key, value);
        assert!(found.contains(problem), "{key}: {found}");
    }
}
