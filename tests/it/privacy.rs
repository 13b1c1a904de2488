//! No personal data in the log, in metrics, in log lines or in the texts of errors.

use std::collections::BTreeSet;

use heyan::client::Client;
use heyan::clock::now;
use heyan::proto::gateway::v1 as wire;
use heyan::query::record::Finding;
use heyan::query::value::Value;
use heyan::simulate::faults::Nonsense;
use heyan::simulate::samples;
use wire::subject::Kind;

use crate::support::connect::identity;
use crate::support::draft::grant_everything;
use crate::support::{ALL, Lab, OPERATOR, PATIENCE, lines};

/// Everything about a subject, and every value in a record, that is long enough to be told from chance.
fn needles(lab: &Lab) -> BTreeSet<String> {
    let mut needles = BTreeSet::from([OPERATOR.to_owned()]);
    for fact in lab.catalogue.facts() {
        let sample = samples::question(fact.code.as_str(), lab.simulation.province());
        for subject in sample.subjects.iter().map(heyan::wire::subject) {
            needles.extend(match subject.kind.unwrap() {
                Kind::Person(person) => vec![person.document_number, person.name],
                Kind::Employer(employer) => vec![employer.uscc, employer.name],
                Kind::Property(property) => {
                    vec![property.unit_number, property.certificate_number, property.address]
                }
                Kind::Document(document) => vec![document.number],
            });
        }
        let Finding::Found(record) = sample.record else { continue };
        for (name, value) in record {
            let in_catalogue = fact.attribute(&name).is_some_and(|known| {
                matches!(known.kind, heyan::catalogue::AttributeKind::Code(_))
            });
            match value {
                Value::Text(text) if !in_catalogue => needles.insert(text),
                Value::Integer(amount) if amount > 9_999_999 => needles.insert(amount.to_string()),
                _ => false,
            };
        }
    }
    // A division is a place, and a place may stand in an agreement.
    needles.retain(|needle| needle.len() > 6);
    needles
}

fn search(place: &str, bytes: &[u8], needles: &BTreeSet<String>) {
    for needle in needles {
        let found = bytes.windows(needle.len()).position(|window| window == needle.as_bytes());
        if let Some(position) = found {
            let from = position.saturating_sub(120);
            let around = String::from_utf8_lossy(&bytes[from..(position + 60).min(bytes.len())]);
            panic!("{place} holds `{needle}`: …{around}…");
        }
    }
}

/// Makes the question wrong in a way that its text might be repeated in a refusal.
fn flawed(question: &wire::VerifyRequest) -> wire::VerifyRequest {
    let mut flawed = question.clone();
    flawed.request_id = heyan::client::Client::request_id();
    if let Some(wire::Subject { kind: Some(kind), .. }) = flawed.subjects.first_mut() {
        match kind {
            Kind::Person(person) => person.document_type = 99,
            Kind::Employer(employer) => employer.uscc.push('0'),
            Kind::Property(property) => property.unit_number.push('0'),
            Kind::Document(document) => document.division = "x".to_owned(),
        }
    }
    flawed
}

/// Asks with a name or number where none belongs: fact, role, attribute, case number, item, unit. Returns the refusals.
async fn misplaced(lab: &Lab, client: &Client) -> String {
    let name = lab.simulation.province().name(samples::HUSBAND);
    let number = lab.simulation.province().person(samples::HUSBAND).unwrap().number();
    let misplaced: [&dyn Fn(&mut wire::VerifyRequest); 6] = [
        &|question| question.fact = name.clone(),
        &|question| question.subjects[0].role = number.clone(),
        &|question| question.disclose = vec![name.clone()],
        &|question| question.purpose.as_mut().unwrap().case_number = format!("C-{number}"),
        &|question| question.purpose.as_mut().unwrap().item = number.clone(),
        &|question| question.operator.as_mut().unwrap().unit = number.clone(),
    ];
    let mut texts = String::new();
    for misplace in misplaced {
        let mut question = lab.question("M2");
        misplace(&mut question);
        let refused = crate::support::refused(client, question).await;
        texts.push_str(&format!("{refused} {refused:?}\n"));
    }
    texts
}

/// Contests an answer with names and numbers in every word that is free, by a call that fails, and has it answered with more of
/// them. Returns the refusals.
async fn disputed(lab: &Lab, client: &Client) -> String {
    let province = lab.simulation.province();
    let (name, number) =
        (province.name(samples::HUSBAND), province.person(samples::HUSBAND).unwrap().number());
    let question = lab.question("M1");
    let answered = crate::support::ask(client, question.clone()).await;
    let good = wire::ContestRequest {
        dispute_id: Client::request_id(),
        log_index: answered.log_index,
        question: Some(question),
        ground: "wrong_value".to_owned(),
        text: format!("{name} {number} is not who the register says"),
        evidence: vec![wire::DisputeEvidence { sha256: "ab".repeat(32), issuer: name.clone() }],
        operator: Some(wire::Operator { id: OPERATOR.to_owned(), unit: "hall-1".to_owned() }),
        ..wire::ContestRequest::default()
    };
    let misplaced: [&dyn Fn(&mut wire::ContestRequest); 4] = [
        &|contest| contest.ground = name.clone(),
        &|contest| contest.dispute_id = number.clone(),
        &|contest| contest.evidence[0].sha256 = number.clone(),
        &|contest| contest.question.as_mut().unwrap().fact = number.clone(),
    ];
    let mut texts = String::new();
    for misplace in misplaced {
        let mut contest = good.clone();
        misplace(&mut contest);
        let refused = client.contest(contest).await.unwrap_err();
        texts.push_str(&format!("{refused} {refused:?}\n"));
    }
    let id = client.contest(good).await.unwrap().dispute_id;
    let failed = || async {
        let wanted = wire::ListDisputesRequest { dispute_id: id.clone(), ..Default::default() };
        client.disputes(wanted).await.unwrap().remove(0).failure
    };
    let failing = async {
        while failed().await.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, failing).await.expect("the call did not fail");
    texts.push_str(&failed().await);
    let agency = lab.client_as("civil-affairs", "agency").await;
    let answer = |finding: &str| wire::AnswerDisputeRequest {
        dispute_id: id.clone(),
        finding: finding.to_owned(),
        on: "2026-11-23".to_owned(),
        text: format!("{name} {number}"),
    };
    let refused = agency.answer_dispute(answer(&name)).await.unwrap_err();
    texts.push_str(&format!("{refused} {refused:?}\n"));
    agency.answer_dispute(answer("upheld")).await.unwrap();
    let again = wire::RecheckRequest {
        dispute_id: id,
        request_id: Client::request_id(),
        ..wire::RecheckRequest::default()
    };
    client.recheck(again, None, PATIENCE).await.unwrap();
    texts
}

/// Civil affairs is told of disputes by a call that it does not know.
fn bring_disputes(lab: &Lab) {
    let file = lab.path("adapters/civil-affairs.toml");
    let manifest = std::fs::read_to_string(&file).unwrap();
    let call = "\n[dispute]\naccepted = 'resp.body.code == 0'\n\
                [dispute.request]\npath = \"/nowhere\"\njson = 'dispute'\n";
    std::fs::write(&file, manifest + call).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_about_anybody_is_left_behind() {
    let mut lab = Lab::prepare(&[]).await;
    grant_everything(&lab);
    bring_disputes(&lab);
    lab.serve().await;
    let needles = needles(&lab);
    assert!(needles.len() > 30, "{needles:?}");
    let client = lab.client().await;
    let codes: Vec<String> = lab.catalogue.facts().map(|fact| fact.code.to_string()).collect();
    let mut texts = String::new();
    let kinds = [Nonsense::Off, Nonsense::WrongPerson, Nonsense::Truncated];
    for kind in kinds {
        for agency in ALL {
            lab.simulation.faults(agency).set_nonsense(kind);
        }
        for code in &codes {
            let fact = lab.catalogue.fact(&code.as_str().into()).unwrap();
            let mut question = lab.question(code);
            question.disclose = fact.attributes.iter().map(|one| one.name.clone()).collect();
            for question in [flawed(&question), question] {
                let answered = client.verify(question, PATIENCE).await;
                match answered {
                    Ok(reply) => texts.push_str(&format!("{:?}\n", reply.unavailability)),
                    Err(error) => texts.push_str(&format!("{error} {error:?}\n")),
                }
            }
        }
    }
    for agency in ALL {
        lab.simulation.faults(agency).clear();
    }
    texts.push_str(&disputed(&lab, &client).await);
    for agency in ALL {
        lab.simulation.faults(agency).set_outage(true);
    }
    for code in ["P1", "M1", "S1", "H2", "T1", "E1"] {
        let reply = client.verify(lab.question(code), PATIENCE).await;
        texts.push_str(&format!("{:?}\n", reply.map(|reply| reply.unavailability)));
    }
    texts.push_str(&misplaced(&lab, &client).await);
    lab.node().gateway().reload(now).await;

    let entries = lab.node().gateway().audit().entries(0, usize::MAX).unwrap();
    assert!(entries.len() > 150, "{} entries", entries.len());
    for (index, entry) in entries.iter().enumerate() {
        search(&format!("entry {index}"), entry, &needles);
    }
    let (_, metrics) = lab.page("/metrics").await;
    assert!(metrics.contains("heyan_decisions_total"), "{metrics}");
    search("the metrics page", metrics.as_bytes(), &needles);
    search("a reply's text", texts.as_bytes(), &needles);
    let lines = lines::kept();
    assert!(lines.contains("no answer from the agency"), "no log line was kept");
    search("the log lines", lines.as_bytes(), &needles);
    for segment in std::fs::read_dir(lab.path("log/wal")).unwrap() {
        let file = segment.unwrap().path();
        search("the log's file", &std::fs::read(file).unwrap(), &needles);
    }
    // The search itself works.
    let issued = identity(&lab, "fund-centre", "approval");
    assert!(issued.certificate.contains("CERTIFICATE"));
    let number = lab.simulation.province().person(samples::HUSBAND).unwrap().number();
    let caught = std::panic::catch_unwind(|| {
        search("a trial", format!("… {number} …").as_bytes(), &needles)
    });
    assert!(caught.is_err());
}
