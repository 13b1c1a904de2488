//! The smallest caller: asks whether two people are married to each other.
//!
//! `cargo run --example ask -- PKI` where PKI is the folder that `heyan pki init PKI` wrote.

use std::time::Duration;
use std::{env, error::Error, fs};

use heyan::client::Client;
use heyan::proto::gateway::v1::{Operator, Person, Purpose, Subject, VerifyRequest, subject};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let pki = env::args().nth(1).ok_or("usage: ask PKI")?;
    let authority = fs::read(format!("{pki}/fund-centre/ca.pem"))?;
    let certificate = fs::read(format!("{pki}/fund-centre/approval.pem"))?;
    let key = fs::read(format!("{pki}/fund-centre/approval.key"))?;
    let gateway = "https://127.0.0.1:7443";
    let client = Client::connect(gateway, &authority, &certificate, &key, "localhost").await?;

    let question = VerifyRequest {
        request_id: Client::request_id(),
        fact: "M2".to_owned(),
        subjects: vec![
            person("person", "李雷", "11010519491231002X"),
            person("spouse", "韩梅梅", "440524188001010014"),
        ],
        purpose: Some(Purpose {
            item: "W3".to_owned(),
            item_version: "2026.2".to_owned(),
            case_number: "GJJ-2026-000001".to_owned(),
            ..Purpose::default()
        }),
        operator: Some(Operator { id: "0042".to_owned(), unit: "counter-3".to_owned() }),
        ..VerifyRequest::default()
    };
    let answer = client.verify(question, Duration::from_secs(5)).await?;
    println!("{} (entry {})", answer.verdict().as_str_name(), answer.log_index);
    Ok(())
}

fn person(role: &str, name: &str, document_number: &str) -> Subject {
    let person = Person {
        name: name.to_owned(),
        document_number: document_number.to_owned(),
        ..Person::default()
    };
    let kind = Some(subject::Kind::Person(person));
    Subject { role: role.to_owned(), kind, ..Subject::default() }
}
