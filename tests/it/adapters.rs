//! Every fact of the catalogue, asked end to end through its agency's manifest and real protocol.

use std::collections::{BTreeMap, BTreeSet};

use heyan::clock::now;
use heyan::proto::gateway::v1 as wire;
use heyan::query::record::Finding;
use heyan::query::value::{Value, Verdict};
use heyan::simulate::samples;

use crate::support::draft::grant_everything;
use crate::support::entries::outcome;
use crate::support::{Lab, ask};

fn equal(attribute: &str, value: &Value) -> wire::Assertion {
    wire::Assertion {
        attribute: attribute.to_owned(),
        comparison: wire::Comparison::Equal.into(),
        values: vec![heyan::wire::value(value.clone())],
    }
}

/// The codes of every fact, from the catalogue of the installation.
fn facts(lab: &Lab) -> Vec<String> {
    lab.catalogue.facts().map(|fact| fact.code.as_str().to_owned()).collect()
}

/// What the sample's record holds.
fn record(lab: &Lab, fact: &str) -> BTreeMap<String, Value> {
    match samples::question(fact, lab.simulation.province()).record {
        Finding::Found(record) => record,
        _ => panic!("{fact}: the sample has no record"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fact_yields_the_samples_record() {
    let mut lab = Lab::prepare(&[]).await;
    grant_everything(&lab);
    lab.serve().await;
    let client = lab.client().await;
    let mut wrong = Vec::new();
    let facts = facts(&lab);
    assert_eq!(facts.len(), 30);
    for fact in &facts {
        let expected = record(&lab, fact);
        let agency = lab.catalogue.fact(&fact.as_str().into()).unwrap().agency.clone();
        let asked = lab.simulation.asked(agency.as_str());
        let mut question = lab.question(fact);
        question.disclose = expected.keys().cloned().collect();
        // People are disclosed, and nothing is asserted of them.
        let asserted = expected.iter().filter(|(_, value)| !matches!(value, Value::People(_)));
        question.assertions = asserted.map(|(name, value)| equal(name, value)).collect();
        let reply = ask(&client, question).await;
        let read = |value: &wire::Value| heyan::wire::read_value(value).unwrap();
        let disclosed: BTreeMap<String, Value> =
            reply.disclosed.iter().map(|(name, value)| (name.clone(), read(value))).collect();
        if reply.verdict() != wire::Verdict::Confirmed || disclosed != expected {
            let why = reply.unavailability.as_ref().map(|why| why.reason.clone());
            wrong.push(format!(
                "{fact}: {:?} {why:?}\n  {disclosed:?}\n  {expected:?}",
                reply.verdict()
            ));
            continue;
        }
        assert!(lab.simulation.asked(agency.as_str()) > asked, "{fact}: the agency was not asked");
        let entries = lab.entries();
        let recorded = outcome(&entries, reply.log_index);
        assert_eq!(recorded.verdict, Verdict::Confirmed, "{fact}");
        let names: BTreeSet<&String> = recorded.disclosed.iter().collect();
        assert_eq!(names, expected.keys().collect(), "{fact}");
    }
    assert!(wrong.is_empty(), "{} of 30 facts:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fact_refutes_what_is_not_so() {
    let mut lab = Lab::prepare(&[]).await;
    grant_everything(&lab);
    lab.serve().await;
    let client = lab.client().await;
    let mut wrong = Vec::new();
    for fact in facts(&lab) {
        let expected = record(&lab, &fact);
        let mut question = lab.question(&fact);
        question.assertions = expected
            .iter()
            .filter_map(|(name, value)| match value {
                Value::Truth(truth) => Some(equal(name, &Value::Truth(!truth))),
                Value::Integer(count) => Some(equal(name, &Value::Integer(count + 1))),
                Value::Text(_) | Value::Date(_) | Value::People(_) => None,
            })
            .collect();
        if question.assertions.is_empty() {
            continue;
        }
        let reply = ask(&client, question).await;
        if reply.judgements.iter().any(|one| one.verdict() != wire::Verdict::Refuted) {
            wrong.push(format!("{fact}: {:?}", reply.judgements));
            continue;
        }
        assert_eq!(outcome(&lab.entries(), reply.log_index).verdict, Verdict::Refuted, "{fact}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_fact_confirms_by_default_is_confirmed() {
    let mut lab = Lab::prepare(&[]).await;
    grant_everything(&lab);
    lab.serve().await;
    let client = lab.client().await;
    for fact in facts(&lab) {
        if lab.catalogue.fact(&fact.as_str().into()).unwrap().confirms.is_none() {
            continue;
        }
        let expected = samples::question(&fact, lab.simulation.province()).expect;
        let reply = ask(&client, lab.question(&fact)).await;
        let verdict = heyan::wire::verdict(expected);
        assert_eq!(reply.verdict(), verdict, "{fact}: {:?}", reply.unavailability);
        assert_eq!(outcome(&lab.entries(), reply.log_index).verdict, expected, "{fact}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_no_answer() {
    let mut lab = Lab::prepare(&[]).await;
    grant_everything(&lab);
    // The agencies have read theirs; the gateway reads its own now, each changed.
    for entry in std::fs::read_dir(lab.path("secrets")).unwrap() {
        let file = entry.unwrap().path();
        let secret = std::fs::read_to_string(&file).unwrap();
        let other: String = secret
            .chars()
            .map(|character| match character {
                '0' => '1',
                'a' => 'b',
                '1'..='9' => '0',
                'b'..='z' => 'a',
                'A'..='Z' => 'Q',
                other => other,
            })
            .collect();
        assert_ne!(secret, other);
        std::fs::write(&file, other).unwrap();
    }
    lab.serve().await;
    let client = lab.client().await;
    for fact in ["P1", "M1", "S1", "H2", "E1"] {
        let reply = ask(&client, lab.question(fact)).await;
        assert_eq!(reply.verdict(), wire::Verdict::Unavailable, "{fact}");
        assert_eq!(reply.unavailability.unwrap().reason, "refused", "{fact}");
        let entries = lab.entries();
        let recorded = outcome(&entries, reply.log_index);
        assert_eq!(recorded.unavailable.unwrap().code(), "refused", "{fact}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_goes_bad_is_named_and_its_last_good_version_serves() {
    let lab = Lab::start(&["police", "civil-affairs"]).await;
    let client = lab.client().await;
    let file = lab.path("adapters/police.toml");
    let good = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, good.replacen("[[operation]]", "[[opperation]]", 1)).unwrap();
    let reloaded = lab.node().gateway().reload(now).await;
    let findings: Vec<String> = reloaded.findings.iter().map(ToString::to_string).collect();
    assert!(
        !findings.is_empty() && findings.iter().all(|one| one.contains("police.toml")),
        "{findings:?}"
    );
    let reply = ask(&client, lab.question("P2")).await;
    assert_eq!(reply.verdict(), wire::Verdict::Confirmed);
    assert_eq!(outcome(&lab.entries(), reply.log_index).verdict, Verdict::Confirmed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fact_without_an_adapter_is_no_answer() {
    let mut lab = Lab::prepare(&["police"]).await;
    std::fs::remove_file(lab.path("adapters/police.toml")).unwrap();
    lab.serve().await;
    let reply = ask(&lab.client().await, lab.question("P1")).await;
    assert_eq!(reply.verdict(), wire::Verdict::Unavailable);
    assert_eq!(reply.unavailability.unwrap().reason, "no_adapter");
    let entries = lab.entries();
    let recorded = outcome(&entries, reply.log_index);
    assert_eq!((recorded.intent, recorded.unavailable.unwrap().code()), (None, "no_adapter"));
}
