//! A case from the caller's side: its events as they come, the outcome last.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tonic::{Status, Streaming};

use super::receipt::{self, ReceiptError, Trust};
use super::{ClientError, reply};
use crate::proto::gateway::v1 as wire;
use wire::case_event::Kind;
use wire::question_answered::Result as Came;

/// How much later than its deadline a case's outcome may come: it is recorded first.
const GRACE: Duration = Duration::from_secs(10);

/// The events of one case.
pub struct CaseEvents {
    events: Streaming<wire::CaseEvent>,
    until: Instant,
    trust: Option<Arc<Trust>>,
    /// By request id: what was put and not yet answered, where answers need receipts.
    put: HashMap<String, wire::VerifyRequest>,
    /// What was filed, where receipts are needed.
    filed: Option<wire::CheckCaseRequest>,
    has_ended: bool,
}

impl CaseEvents {
    pub(super) fn new(
        events: Streaming<wire::CaseEvent>,
        deadline: Duration,
        (trust, filed): (Option<Arc<Trust>>, Option<wire::CheckCaseRequest>),
    ) -> Self {
        let until = Instant::now() + deadline + GRACE;
        Self { events, until, trust, put: HashMap::new(), filed, has_ended: false }
    }

    /// The next event; `None` after the outcome.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when the gateway cannot go on, [`ClientError::Lost`] when the connection broke or no
    /// outcome came in time: repeat the application under the same id; [`ClientError::Receipt`] where receipts are required.
    pub async fn next(&mut self) -> Result<Option<wire::CaseEvent>, ClientError> {
        if self.has_ended {
            return Ok(None);
        }
        let lost = |text: &str| ClientError::Lost(Box::new(Status::unavailable(text)));
        let came = timeout_at(self.until, self.events.message())
            .await
            .map_err(|_| lost("no outcome came within the deadline"))?;
        let event = reply(came.map(tonic::Response::new))?;
        let event = event.ok_or_else(|| lost("the gateway ended the case without an outcome"))?;
        match &event.kind {
            Some(Kind::Asked(asked)) if self.trust.is_some() => {
                let put = asked.put.clone().unwrap_or_default();
                self.put.insert(asked.request_id.clone(), put);
            }
            Some(Kind::Answered(answered)) => self.hold(answered)?,
            Some(Kind::Outcome(outcome)) => {
                self.has_ended = true;
                if let (Some(trust), Some(filed)) = (&self.trust, &self.filed) {
                    receipt::check_case(filed, outcome, trust).map_err(ClientError::Receipt)?;
                }
            }
            _ => {}
        }
        Ok(Some(event))
    }

    /// Holds an answer against what was put, by its receipt.
    fn hold(&mut self, answered: &wire::QuestionAnswered) -> Result<(), ClientError> {
        let Some(trust) = &self.trust else { return Ok(()) };
        let Some(Came::Reply(reply)) = &answered.result else { return Ok(()) };
        let put = self.put.remove(&answered.request_id);
        let checked = match put {
            Some(put) => receipt::check_answer(&put, reply, trust).map(|_| ()),
            None => Err(ReceiptError::Differs("request_id")),
        };
        checked.map_err(ClientError::Receipt)
    }
}

impl std::fmt::Debug for CaseEvents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CaseEvents").field("has_ended", &self.has_ended).finish_non_exhaustive()
    }
}
