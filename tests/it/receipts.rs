//! Receipts from the caller's side: no valid one, no answer; and what a saved one still proves without a connection.

use heyan::audit::file::Description;
use heyan::audit::note::VerifierKey;
use heyan::client::receipt::{self, ReceiptError, Trust};
use heyan::client::{Client, ClientError};
use heyan::proto::gateway::v1 as wire;

use crate::support::{Lab, PATIENCE, ask};

#[path = "../../examples/check_receipt.rs"]
#[expect(dead_code, reason = "the example's own entry point")]
mod check_receipt;

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_requires_receipts_gets_no_answer_without_one_that_holds() {
    let lab = Lab::start(&["civil-affairs", "social-security"]).await;
    let key = Description::read(&lab.path("log")).unwrap().unwrap().key().unwrap();
    let client = lab.client().await.requiring_receipts(vec![key.clone()]);
    // Answers of every make: judged, disclosed, kept, none.
    let disclosing =
        wire::VerifyRequest { disclose: vec!["spouse_name".to_owned()], ..lab.question("M1") };
    for question in [lab.question("M2"), lab.question("M2"), disclosing, lab.question("S1")] {
        assert_eq!(ask(&client, question).await.verdict(), wire::Verdict::Confirmed);
    }
    lab.simulation.faults("social-security").set_outage(true);
    assert_eq!(ask(&client, lab.question("S2")).await.verdict(), wire::Verdict::Unavailable);

    let stranger =
        VerifierKey::parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");
    for (keys, holds) in [(vec![stranger.unwrap()], false), (vec![], false), (vec![key], true)] {
        let client = lab.client().await.requiring_receipts(keys);
        let answered = client.verify(lab.question("M2"), PATIENCE).await;
        assert_eq!(answered.is_ok(), holds);
        assert!(holds || matches!(answered, Err(ClientError::Receipt(_))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_thing_changed_in_question_or_answer_and_the_receipt_does_not_hold() {
    let lab = Lab::start(&["civil-affairs"]).await;
    let key = Description::read(&lab.path("log")).unwrap().unwrap().key().unwrap();
    let disclosing =
        wire::VerifyRequest { disclose: vec!["spouse_name".to_owned()], ..lab.question("M1") };
    let question = wire::VerifyRequest { want_receipt: true, ..disclosing };
    let reply = ask(&lab.client().await, question.clone()).await;
    let trust = Trust { keys: vec![key], certificate: None };
    let checked = receipt::check_answer(&question, &reply, &trust).unwrap();
    assert_eq!((checked.index, checked.opened.len()), (reply.log_index, 4));
    let saved = receipt::to_json(reply.receipt.as_ref().unwrap());
    assert_eq!(receipt::from_json(&saved).unwrap(), reply.receipt.clone().unwrap());
    let foreign = Trust { certificate: Some([7; 32]), ..trust.clone() };
    let differs = receipt::check_answer(&question, &reply, &foreign).unwrap_err();
    assert!(matches!(differs, ReceiptError::Differs("caller")));
    let questions: [fn(&mut wire::VerifyRequest); 10] = [
        |sent| sent.request_id = Client::request_id(),
        |sent| sent.fact = "M2".to_owned(),
        |sent| sent.disclose.clear(),
        |sent| sent.max_age = Some(prost_types::Duration { seconds: 1, nanos: 0 }),
        |sent| sent.purpose.as_mut().unwrap().case_number.push('1'),
        |sent| sent.purpose.as_mut().unwrap().item_version.push('1'),
        |sent| sent.operator.as_mut().unwrap().id.push('1'),
        |sent| sent.subjects[0].role = "spouse".to_owned(),
        |sent| drop(sent.subjects.pop()),
        // Nothing but the request as it was sent tells of this.
        |sent| sent.want_receipt = false,
    ];
    for (number, change) in questions.iter().enumerate() {
        let mut sent = question.clone();
        change(&mut sent);
        assert!(receipt::check_answer(&sent, &reply, &trust).is_err(), "question {number}");
    }
    let replies: [fn(&mut wire::VerifyResponse); 14] = [
        |got| got.verdict = wire::Verdict::Refuted.into(),
        |got| got.log_index += 1,
        |got| got.request_id = Client::request_id(),
        |got| got.as_of = None,
        |got| got.grant.as_mut().unwrap().clause += 1,
        |got| got.source.as_mut().unwrap().agency = "tax".to_owned(),
        |got| got.subjects_checked.clear(),
        |got| got.disclosed.clear(),
        |got| {
            drop(got.disclosed.insert(
                "spouse_name".to_owned(),
                heyan::wire::value(heyan::query::value::Value::Text("X".to_owned())),
            ))
        },
        |got| got.unavailability = Some(wire::Unavailability::default()),
        |got| got.receipt = None,
        |got| drop(got.receipt.as_mut().unwrap().openings.pop()),
        |got| got.receipt.as_mut().unwrap().openings[0].value.push(b' '),
        |got| got.receipt.as_mut().unwrap().index += 1,
    ];
    for (number, change) in replies.iter().enumerate() {
        let mut got = reply.clone();
        change(&mut got);
        assert!(receipt::check_answer(&question, &got, &trust).is_err(), "reply {number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_checks_a_saved_receipt_offline() {
    let mut lab = Lab::start(&["civil-affairs"]).await;
    let key = Description::read(&lab.path("log")).unwrap().unwrap().vkey;
    let question = wire::VerifyRequest { want_receipt: true, ..lab.question("M2") };
    let reply = ask(&lab.client().await, question).await;
    lab.close().await;
    let file = lab.beside("receipt.json");
    let whole = reply.receipt.unwrap();
    std::fs::write(&file, receipt::to_json(&whole)).unwrap();
    let file = file.to_str().unwrap().to_owned();
    let said = check_receipt::check(&file, std::slice::from_ref(&key)).unwrap();
    for expected in ["fund-centre / approval", "M2 for", "CONFIRMED", crate::support::OPERATOR] {
        assert!(said.contains(expected), "{expected} is not in\n{said}");
    }
    // Shown to somebody who need not know whom it was about, it holds all the same.
    let mut shown = whole.clone();
    shown.openings.retain(|opening| opening.field == "answer");
    std::fs::write(&file, receipt::to_json(&shown)).unwrap();
    let said = check_receipt::check(&file, std::slice::from_ref(&key)).unwrap();
    assert!(said.contains("CONFIRMED") && !said.contains(crate::support::OPERATOR));

    let other = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k".to_owned();
    assert!(check_receipt::check(&file, &[other]).is_err());
    assert!(check_receipt::check(&file, &[]).is_err());
    let mut changed = whole;
    changed.entry[40] ^= 1;
    std::fs::write(&file, receipt::to_json(&changed)).unwrap();
    assert!(check_receipt::check(&file, &[key]).is_err());
}
