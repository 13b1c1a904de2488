//! What a program is asked, wherever it runs: what it is, and then one question after another.

use std::error::Error;
use std::iter;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tonic::transport::Channel;
use tonic::{Code, Request, Status, TimeoutExpired};

use super::pulse::Pulse;
use super::strict::Strict;
use crate::adapters::failed::Failed;
use crate::proto::adapter::v1 as wire;
use crate::query::record::Unavailable;

/// Protocol versions that this gateway speaks. A program chooses one of them.
const LOWEST_PROTOCOL: u32 = 1;
const HIGHEST_PROTOCOL: u32 = 1;

/// The calls, as `proto/heyan/adapter/v1` names them.
const DESCRIBE: &str = "/heyan.adapter.v1.Adapter/Describe";
const FETCH: &str = "/heyan.adapter.v1.Adapter/Fetch";

/// Said where the question was not put: the connection had ended, and the channel may have no other.
pub(super) const NOT_PUT: &str = "the connection had ended before the question was put";

/// A channel has no other connection.
#[derive(Debug, thiserror::Error)]
#[error("the channel has had its connection")]
pub(super) struct Spent;

/// The channel to one program.
pub(super) struct Conversation {
    client: Strict,
    /// Name of the adapter, as its manifest has it.
    name: String,
    /// For one question, and for a probe.
    timeout: Duration,
    pulse: Pulse,
}

impl Conversation {
    /// Over a channel that may not be open yet. One question may take as long as `timeout`.
    pub(super) fn over(channel: Channel, name: String, timeout: Duration) -> Self {
        Self { client: Strict::over(channel), name, timeout, pulse: Pulse::new(timeout) }
    }

    /// Waits until the program hangs: until question after question brings no word, and then asking what it is does not
    /// either. That concerns nobody and no agency, so a program that does not even say that is ill itself.
    pub(super) async fn hangs(&self) {
        let probe = || async {
            let described = self.describe(Instant::now() + self.timeout).await;
            described.as_ref().map_or_else(is_a_word, |_| true)
        };
        self.pulse.stops(probe).await;
    }

    /// Asks what it is, and returns the facts that it answers.
    ///
    /// # Errors
    /// Why it said nothing, or that it is another program than the manifest means.
    pub(super) async fn describe(&self, deadline: Instant) -> Result<Vec<String>, Failed> {
        let mut request = Request::new(wire::DescribeRequest {
            lowest_protocol: LOWEST_PROTOCOL,
            highest_protocol: HIGHEST_PROTOCOL,
        });
        request.set_timeout(deadline.saturating_duration_since(Instant::now()));
        let asked = self.client.ask(DESCRIBE, request);
        let described: wire::DescribeResponse = within(deadline, asked).await?;
        let chosen = described.protocol;
        if !(LOWEST_PROTOCOL..=HIGHEST_PROTOCOL).contains(&chosen) {
            let spoken = match HIGHEST_PROTOCOL {
                LOWEST_PROTOCOL => format!("{LOWEST_PROTOCOL} only"),
                _ => format!("{LOWEST_PROTOCOL} to {HIGHEST_PROTOCOL}"),
            };
            let detail =
                format!("the program chose protocol {chosen}; the gateway speaks {spoken}");
            return Err(Failed::contract(detail));
        }
        // The name is not told: it is the program's own word.
        if !described.name.is_empty() && described.name != self.name {
            let detail = format!("the program says that it is another than `{}`", self.name);
            return Err(Failed::contract(detail));
        }
        Ok(described.facts)
    }

    /// Puts one question, if it is about one of `facts`; the deadline goes with it, and is no later than the time limit.
    ///
    /// # Errors
    /// Why there is no reply.
    pub(super) async fn fetch(
        &self,
        facts: &[String],
        question: wire::FetchRequest,
        deadline: Instant,
    ) -> Result<wire::FetchResponse, Failed> {
        if !facts.contains(&question.fact) {
            let detail = format!("the program does not answer `{}`", question.fact);
            return Err(Failed::contract(detail).before_asking());
        }
        let deadline = deadline.min(Instant::now() + self.timeout);
        let mut request = Request::new(question);
        request.set_timeout(deadline.saturating_duration_since(Instant::now()));
        let asked = self.pulse.asked();
        let reply = within(deadline, self.client.ask(FETCH, request)).await;
        if reply.as_ref().map_or_else(is_a_word, |_| true) {
            asked.heard();
        }
        reply
    }
}

/// Whether the program itself said that. A server's frame gives up questions whose time is over, whatever became of
/// the program inside.
fn is_a_word(failed: &Failed) -> bool {
    !matches!(failed.reason, Unavailable::Timeout | Unavailable::Unreachable)
}

async fn within<T>(
    deadline: Instant,
    call: impl Future<Output = Result<T, Status>>,
) -> Result<T, Failed> {
    match timeout_at(deadline, call).await {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(status)) => Err(failure(&status)),
        Err(_) => Err(Failed::unanswered(Unavailable::Timeout, "the program took too long")),
    }
}

/// Whether a status is tonic's own, and not about time. What the program itself answers has no source.
fn broke_off(status: &Status) -> bool {
    status.source().is_some() && !comes_of::<TimeoutExpired>(status)
}

fn comes_of<E: Error + 'static>(status: &Status) -> bool {
    iter::successors(status.source(), |&error| error.source()).any(|error| error.is::<E>())
}

/// Sorts the statuses. Their messages are the program's own words and may hold anything, so only the code is kept.
fn failure(status: &Status) -> Failed {
    if comes_of::<Spent>(status) {
        return Failed::unanswered(Unavailable::Unreachable, NOT_PUT);
    }
    let reason = match status.code() {
        // So arrive a connection that breaks before the question is sent, and our own time limit.
        Code::Cancelled if broke_off(status) => Unavailable::Unreachable,
        Code::DeadlineExceeded | Code::Cancelled => Unavailable::Timeout,
        // Tonic's own errors of connecting arrive as Unavailable, or as Unknown with a source.
        Code::Unavailable => Unavailable::Unreachable,
        Code::Unknown if status.source().is_some() => Unavailable::Unreachable,
        Code::ResourceExhausted | Code::PermissionDenied | Code::Unauthenticated => {
            Unavailable::Refused
        }
        _ => Unavailable::ContractError,
    };
    let detail = format!("the program answered {:?}", status.code());
    if reason == Unavailable::Unreachable {
        return Failed::unanswered(reason, detail);
    }
    Failed::answered(reason, detail)
}
