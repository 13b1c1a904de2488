//! A dispute that goes to an agency over SOAP, signed and packed as its questions are.

use std::fs;

use super::{WORDS, becomes, contest, replayed};
use crate::support::{Lab, OPERATOR, ask};

/// The police take disputes at the same front as questions.
const SECTION: &str = r#"
[dispute]
accepted = 'resp.status == 200 && xml(resp.body.GK_GXFW_JHJCResponse.out).PACKAGE.PACKAGEHEAD.FHDM == "10"'
ticket   = 'xml(resp.body.GK_GXFW_JHJCResponse.out).PACKAGE.DATA.RECORD[0].JHBH'

[dispute.request]
path   = "/services/GkService"
action = "GK_GXFW_JHJC"
inner  = '''<PACKAGE><PACKAGEHEAD><FWQQBH>{request_id}</FWQQBH><QQRDWDM>{operator.unit}</QQRDWDM><QQYWLXDM>{purpose.item}</QQYWLXDM><QQYWBH>{purpose.case_number}</QQYWBH><JLS>1</JLS></PACKAGEHEAD><DATA><RECORD no="1"><SQBH>{dispute.dispute}</SQBH><FWDM>{dispute.fact}</FWDM><GMSFHM>{dispute.subjects[0].person.document_number}</GMSFHM><YY>{dispute.ground}</YY><SM>{dispute.text}</SM><HFQX>{dispute.answer_by}</HFQX></RECORD></DATA></PACKAGE>'''
body   = '''<GK_GXFW_JHJC xmlns="http://gk.gxfw"><in0>{inner}</in0><in1>{cfg.user}</in1><in2>{secret.password}</in2></GK_GXFW_JHJC>'''
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_police_take_a_dispute_in_their_own_envelope() {
    let mut lab = Lab::prepare(&["police"]).await;
    let file = lab.path("adapters/police.toml");
    let manifest = fs::read_to_string(&file).unwrap();
    let service = "\ndispute = \"s_1200000900000_2199\"\nP1 = ";
    fs::write(&file, manifest.replacen("\nP1 = ", service, 1) + SECTION).unwrap();
    lab.set("\n[disputes]\nlook_every = \"20ms\"\n");
    lab.serve().await;
    let client = lab.client().await;
    let question = lab.question("P1");
    let answered = ask(&client, question.clone()).await;
    // What an XML parser would trip over goes along unharmed.
    let mut contested = contest(&question, answered.log_index);
    contested.text = format!("{WORDS} <&\"'>]]>");
    let opened = client.contest(contested.clone()).await.unwrap();
    let delivered = becomes(&client, &opened.dispute_id, "DELIVERED").await;
    assert_eq!(delivered.ticket, "GA-JH-000001");
    let taken = lab.simulation.disputes("police");
    assert_eq!(taken.len(), 1, "{taken:?}");
    let person = match &question.subjects[0].kind {
        Some(heyan::proto::gateway::v1::subject::Kind::Person(person)) => person,
        other => panic!("no person: {other:?}"),
    };
    for (name, value) in [
        ("dispute", opened.dispute_id.as_str()),
        ("fact", "P1"),
        ("number", person.document_number.as_str()),
        ("ground", "wrong_value"),
        ("text", contested.text.as_str()),
        ("answer_by", opened.due.as_str()),
    ] {
        assert_eq!(taken[0][name], value, "{name}");
    }
    assert!(!taken[0].to_string().contains(OPERATOR), "the agency needs no name of an official");
    assert_eq!(replayed(&lab.entries()), []);
}
