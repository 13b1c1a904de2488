//! Two applications to withdraw for rent (租房提取), each from its first question to its outcome.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;

use super::story::Stage;
use super::telling::Telling;
use crate::client::Client;
use crate::clock::now;
use crate::proto::gateway::v1 as wire;
use crate::simulate::samples;
use wire::case_event::Kind;
use wire::case_outcome::Outcome;
use wire::question_answered::Result as Came;

/// The item, and the case number of both.
const ITEM: &str = "W3";
const CASE_NUMBER: &str = "GJJ-2026-000124";

/// How long the demo waits for an outcome.
const PATIENCE: Duration = Duration::from_secs(20);

impl Stage {
    /// A single tenant, who has declared to be single; then a couple with a home, of whom only the husband is named.
    pub(super) async fn cases(&self, telling: &mut Telling) -> anyhow::Result<bool> {
        telling.chapter(
            "A whole application (租房提取): who is asked about, the answers themselves tell",
        );
        let mut tenant = self.application(samples::TENANT);
        tenant.evidence.push(wire::Evidence {
            name: "single_declaration".to_owned(),
            issuer: "applicant".to_owned(),
            digest: crate::crypto::sha256(b"a declaration, scanned").to_vec(),
            issued_on: tenant.submitted_on.clone(),
        });
        telling.did("applied", "a tenant who has declared to be single");
        let (ready, _) = self.case(telling, tenant).await?;
        telling.did("applied", "a man who names nobody but himself");
        let (refuted, entry) = self.case(telling, self.application(samples::HUSBAND)).await?;
        let proved = self.evidence(telling, entry).await?;
        Ok(ready == Outcome::Ready && refuted == Outcome::Refuted && proved)
    }

    fn application(&self, index: u32) -> wire::CheckCaseRequest {
        let value = |kind| wire::Value { kind: Some(kind) };
        let applicant = samples::person(self.province(), "applicant", index);
        wire::CheckCaseRequest {
            case_id: Client::request_id(),
            purpose: Some(wire::Purpose {
                item: ITEM.to_owned(),
                case_number: CASE_NUMBER.to_owned(),
                ..wire::Purpose::default()
            }),
            operator: Some(wire::Operator { id: "desk-7".to_owned(), unit: "hall-1".to_owned() }),
            submitted_on: now().day_in_china().to_string(),
            subjects: vec![crate::wire::subject(&applicant)],
            given: HashMap::from([
                ("months_in_a_row".to_owned(), value(wire::value::Kind::Integer(36))),
                ("withdrawn_within_12_months".to_owned(), value(wire::value::Kind::Truth(false))),
                ("amount_fen".to_owned(), value(wire::value::Kind::Integer(1_800_000))),
            ]),
            ..wire::CheckCaseRequest::default()
        }
    }

    /// Runs one application and tells each answer in a line. Gives its outcome, and its entry.
    async fn case(
        &self,
        telling: &mut Telling,
        application: wire::CheckCaseRequest,
    ) -> anyhow::Result<(Outcome, u64)> {
        let mut events = self.client().check_case(application, PATIENCE).await?;
        loop {
            let event = events.next().await?.context("the case ended without an outcome")?;
            match event.kind {
                Some(Kind::Answered(answered)) => {
                    telling.did(said(&answered), &whom(&answered));
                }
                Some(Kind::Outcome(outcome)) => {
                    telling.did("outcome", &ended(&outcome));
                    return Ok((outcome.outcome(), outcome.log_index));
                }
                _ => {}
            }
        }
    }
}

fn said(answered: &wire::QuestionAnswered) -> &'static str {
    match &answered.result {
        Some(Came::Reply(reply)) => match reply.verdict() {
            wire::Verdict::Confirmed => "yes",
            wire::Verdict::Refuted => "no",
            wire::Verdict::NotFound => "no record",
            _ => "unclear",
        },
        _ => "denied",
    }
}

/// The question, whom it was about, and its entry.
fn whom(answered: &wire::QuestionAnswered) -> String {
    let about: Vec<String> = answered
        .about
        .iter()
        .map(|place| match place.position {
            0 => place.who.clone(),
            position => format!("{} {}", place.who, position + 1),
        })
        .collect();
    let entry = match &answered.result {
        Some(Came::Reply(reply)) => format!("entry {}", reply.log_index),
        Some(Came::Refusal(refusal)) => refusal.reason.clone(),
        None => String::new(),
    };
    format!("{} of {}: {entry}", answered.question, about.join(", "))
}

fn ended(outcome: &wire::CaseOutcome) -> String {
    let mut text = format!(
        "{}, {} checked, entry {}",
        outcome.outcome().as_str_name(),
        match outcome.subjects.len() {
            1 => "one subject".to_owned(),
            count => format!("{count} subjects"),
        },
        outcome.log_index
    );
    let required = outcome.needs.iter().filter(|need| need.required);
    if let Some(missing) = required.flat_map(|need| &need.missing).next() {
        text.push_str(": ");
        text.push_str(&missing.advice_zh);
    }
    text
}
