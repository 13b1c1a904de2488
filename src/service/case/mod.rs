//! Cases over the wire: one application in, events out, the outcome last.
//!
//! A case runs detached from its connection, like a question. A caller that hangs up ends it: nothing more is asked, what
//! is under way comes to its entry, and the case is recorded as abandoned.

mod places;
mod read;
mod run;
#[cfg(test)]
mod tests;
mod wording;
mod write;

use std::sync::Arc;

use metrics::counter;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Status};

pub(super) use self::places::CasePlaces;
use self::read::{Days, NotTaken};
use self::run::{Running, Times};
use super::{Services, deadline, refusal, require};
use crate::adapters::Lane;
use crate::cases;
use crate::clock::now;
use crate::proto::gateway::v1 as wire;
use crate::telemetry;

/// Events that wait for a slow caller; more than most cases have. A case waits for its caller, but not beyond its time.
const EVENTS_WAITING: usize = 64;

/// What a caller gets: events as they happen.
pub(super) type Events = ReceiverStream<Result<wire::CaseEvent, Status>>;

/// Opens a case and lets it run.
///
/// # Errors
/// A caller that is not registered, a limit that is reached, an application that cannot be taken: nothing was asked.
pub(super) fn check(
    services: &Services,
    request: Request<wire::CheckCaseRequest>,
) -> Result<Events, Status> {
    let opened = open(services, request);
    if let Err(refused) = &opened {
        let code = format!("{:?}", refused.code());
        counter!(telemetry::REQUESTS, "method" => "CheckCase", "code" => code).increment(1);
    }
    opened
}

fn open(services: &Services, request: Request<wire::CheckCaseRequest>) -> Result<Events, Status> {
    let arrived = Instant::now();
    let peer = require(services, &request, "ask", |_| true)?;
    let caller: Arc<str> = peer.caller().into();
    let place = services.cases.take(&caller).map_err(|limit| {
        counter!(telemetry::SHED, "limit" => limit).increment(1);
        refusal::overloaded("too many cases at once; nothing was asked or recorded")
    })?;
    let time = deadline(&request).unwrap_or(services.case_deadline).min(cases::LONGEST);
    let catalogue = Arc::clone(&services.gateway.in_force().catalogue);
    let days = Days { today: now().day_in_china(), age: services.application_age };
    let applied =
        read::read(&request.into_inner(), &catalogue, days).map_err(|why| refused(&why))?;
    let (sender, events) = mpsc::channel(EVENTS_WAITING);
    let to_tell = sender.clone();
    let lane = Lane::Cases(caller);
    let times = Times::new(arrived, time);
    let running = Running::new(services.clone(), (peer, lane), applied, sender, times);
    let running = services.tasks.spawn(running.run(place));
    services.tasks.spawn(async move {
        if running.await.is_err() {
            counter!(telemetry::PANICS).increment(1);
            tracing::error!("a case ended in a panic; its questions are recorded, it is not");
            // A caller that has gone does not miss it.
            let _ = to_tell.send(Err(refusal::internal())).await;
        }
    });
    Ok(ReceiverStream::new(events))
}

/// Why an application was not taken, as the caller sees it.
fn refused(why: &NotTaken) -> Status {
    let message = why.to_string();
    match why {
        NotTaken::Flaws(flaws) => refusal::malformed(&message, flaws),
        NotTaken::UnknownItem => {
            refusal::with_reason(Code::InvalidArgument, &message, "UNKNOWN_ITEM")
        }
        NotTaken::Version { .. } => {
            refusal::with_reason(Code::FailedPrecondition, &message, "ITEM_VERSION")
        }
        NotTaken::NoRule { .. } => {
            refusal::with_reason(Code::FailedPrecondition, &message, "NO_RULE")
        }
    }
}
