//! One case to its outcome, and its questions by themselves.

use std::time::Duration;

use anyhow::{Context, ensure};
use heyan::client::{Client, ClientError};
use heyan::proto::gateway::v1 as wire;
use tokio::time::Instant;
use wire::case_event::Kind;
use wire::case_outcome::Outcome;

/// Longer than anything here takes; the most that a case may have.
pub(crate) const DEADLINE: Duration = Duration::from_secs(600);

/// What became of a case.
pub(crate) struct Ran {
    /// From the call to the outcome.
    pub(crate) took: Duration,
    pub(crate) outcome: Outcome,
    /// Each question that was put: its name, and its message.
    pub(crate) put: Vec<(String, wire::VerifyRequest)>,
    /// Why needs are open, as `why code`.
    pub(crate) open: Vec<String>,
}

/// Runs one.
pub(crate) async fn case(
    client: &Client,
    application: wire::CheckCaseRequest,
    deadline: Duration,
) -> Result<Ran, ClientError> {
    let began = Instant::now();
    let mut events = client.check_case(application, deadline).await?;
    let mut put = Vec::new();
    let (mut outcome, mut open) = (Outcome::Unspecified, Vec::new());
    while let Some(event) = events.next().await? {
        match event.kind {
            Some(Kind::Asked(asked)) => put.push((asked.question, asked.put.unwrap_or_default())),
            Some(Kind::Outcome(said)) => {
                outcome = said.outcome();
                let missing = said.needs.iter().flat_map(|need| &need.missing);
                open.extend(missing.map(|missing| format!("{} {}", missing.why, missing.code)));
            }
            _ => {}
        }
    }
    Ok(Ran { took: began.elapsed(), outcome, put, open })
}

/// Runs one that must be READY: anything else makes the numbers worthless.
pub(crate) async fn ready(
    client: &Client,
    application: wire::CheckCaseRequest,
) -> anyhow::Result<Ran> {
    let number = application.purpose.as_ref().map(|purpose| purpose.case_number.clone());
    let ran = case(client, application, DEADLINE).await?;
    ensure!(ran.outcome == Outcome::Ready, "{number:?} is {:?}: {:?}", ran.outcome, ran.open);
    Ok(ran)
}

/// Asks a question of a case again by itself; how long that took.
pub(crate) async fn alone(
    client: &Client,
    question: &wire::VerifyRequest,
) -> anyhow::Result<Duration> {
    let question = wire::VerifyRequest { request_id: Client::request_id(), ..question.clone() };
    let fact = question.fact.clone();
    let began = Instant::now();
    let reply = client.verify(question, DEADLINE).await.with_context(|| fact.clone())?;
    let took = began.elapsed();
    ensure!(reply.unavailability.is_none(), "{fact}: {:?}", reply.unavailability);
    Ok(took)
}
