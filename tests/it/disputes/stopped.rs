//! What an agency has frozen, and an agreement that a party has stopped: nothing is carried until that is lifted.

use heyan::agreements::document::Signer;
use heyan::agreements::order::{self, Act, Order, Version};
use heyan::clock::now;
use heyan::crypto::SigningKey;
use heyan::decision::freeze::Scope;

use super::{CIVIL, Draft, becomes, contest, fails, make_queue, papers, prepared, replayed};
use super::{shown, steps, wronged};
use crate::support::Lab;

fn trial() -> Version {
    Version { agreement: "trial".to_owned(), version: 1 }
}

fn of_the_fact() -> Scope {
    let (fact, caller) = (Some("M1".into()), Some("fund-centre".into()));
    Scope { provider: CIVIL.into(), fact, caller }
}

/// An order of civil affairs, in force when this returns.
async fn ordered(lab: &Lab, id: &str, act: &Act) {
    let order = Order::new(id, &CIVIL.into(), now(), "an incident", act);
    let key = SigningKey::read(&lab.path(format!("pki/{CIVIL}/signing.key"))).unwrap();
    let kid = format!("{CIVIL}-1");
    let document = order::sign(&order, Signer { kid: &kid, key: &key }).unwrap();
    lab.client_as(CIVIL, "agency").await.give_order(document).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn while_questions_are_frozen_or_the_agreement_is_suspended_nothing_is_carried() {
    let mut lab = prepared(true).await;
    make_queue(&lab);
    let (client, question, first) = wronged(&mut lab).await;
    ordered(&lab, "freeze", &Act::Freeze(of_the_fact())).await;
    let id = client.contest(contest(&question, first.log_index)).await.unwrap().dispute_id;
    assert_eq!(fails(&client, &id, "frozen").await.state, "WAITING");
    ordered(&lab, "suspend", &Act::Suspend(trial())).await;
    ordered(&lab, "unfreeze", &Act::Unfreeze("freeze".to_owned())).await;
    assert_eq!(fails(&client, &id, "suspended").await.state, "WAITING");
    assert_eq!(papers(&lab).len(), 0);
    lab.close().await;

    lab.serve().await;
    let client = lab.client().await;
    assert_eq!(fails(&client, &id, "suspended").await.state, "WAITING");
    assert_eq!(papers(&lab).len(), 0);
    ordered(&lab, "resume", &Act::Resume(trial())).await;
    becomes(&client, &id, "DELIVERED").await;
    assert_eq!(papers(&lab).len(), 1);
    // Each reason once, and nothing of the looks between; one more where a day ends meanwhile.
    let entries = lab.entries();
    let steps = steps(&entries);
    assert!((4..=5).contains(&steps.len()), "{steps:?}");
    assert_eq!(replayed(&entries), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_revocation_the_agency_is_told_on_paper_until_there_is_a_new_agreement() {
    let mut lab = prepared(true).await;
    make_queue(&lab);
    let (client, question, first) = wronged(&mut lab).await;
    ordered(&lab, "revoke", &Act::Revoke(trial())).await;
    let id = client.contest(contest(&question, first.log_index)).await.unwrap().dispute_id;
    let told = fails(&client, &id, "revoked").await;
    assert_eq!((told.state.as_str(), told.channel.as_str()), ("PAPER", "data desk, room 7"));
    assert_eq!(papers(&lab).len(), 0);

    let fact = lab.catalogue.fact(&"M1".into()).unwrap();
    let anew = Draft::new("anew", CIVIL).all_of(fact, &lab.catalogue);
    let document = anew.signed_by(&lab, &["fund-centre", CIVIL]);
    lab.node().gateway().publish(&document, now).await.unwrap();
    becomes(&client, &id, "DELIVERED").await;
    assert_eq!(shown(&client, &id).await.failure, "");
    assert_eq!(papers(&lab).len(), 1);
    assert_eq!(replayed(&lab.entries()), []);
}
