//! The transport `[grpc]`: the question itself to a program in front of the agency, and its named answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Ask, Asked, Transport};
use crate::adapters::failed::Failed;
use crate::adapters::line::{Got, Line, Put, not_carried};
use crate::adapters::mapping::{Named, Reply};
use crate::proto::adapter::v1 as wire;
use crate::proto::adapter::v1::fetch_response::Outcome;
use crate::proto::gateway::v1 as gateway;
use crate::query::Query;
use crate::query::record::Unavailable;
use crate::query::time::Timestamp;
use crate::query::value::Value;
use crate::wire::{read_timestamp, read_value, subject};

/// The longest a caller is told to wait: a program that says "next year" does not know.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

/// One program.
pub(crate) struct Grpc {
    line: Arc<dyn Line>,
}

impl Grpc {
    /// Over the line to a program.
    pub(crate) fn new(line: Arc<dyn Line>) -> Self {
        Self { line }
    }
}

impl Transport for Grpc {
    fn ask<'a>(&'a self, ask: &'a Ask<'a>) -> Asked<'a> {
        Box::pin(async move {
            let Some(query) = ask.query else {
                return Err(Failed::contract("only questions go to a program").before_asking());
            };
            let question = question(query, ask.granted.iter().cloned().collect());
            let Got::Fetched(reply) = self.line.put(Put::Fetch(question), ask.deadline).await?
            else {
                return Err(not_carried());
            };
            read(reply).map(Reply::Named)
        })
    }
}

fn question(query: &Query, attributes: Vec<String>) -> wire::FetchRequest {
    wire::FetchRequest {
        fact: query.fact.as_str().to_owned(),
        request_id: query.request_id.to_vec(),
        subjects: query.subjects.iter().map(subject).collect(),
        attributes,
        purpose: Some(gateway::Purpose {
            item: query.purpose.item.as_str().to_owned(),
            item_version: query.purpose.item_version.clone(),
            case_number: query.purpose.case_number.clone(),
            replaced_material: query.purpose.replaced_material.clone(),
            notice: query.purpose.notice.clone(),
            consent: query.purpose.consent.clone(),
        }),
        operator: Some(gateway::Operator {
            id: query.operator.id.clone(),
            unit: query.operator.unit.clone(),
        }),
    }
}

fn read(reply: wire::FetchResponse) -> Result<Named, Failed> {
    match reply.outcome {
        Some(Outcome::Found(found)) => {
            let mut attributes: BTreeMap<String, Value> = BTreeMap::new();
            for (name, value) in &found.attributes {
                let value = read_value(value).ok_or_else(|| {
                    Failed::contract("an attribute holds no value; leave it out instead")
                })?;
                attributes.insert(name.clone(), value);
            }
            let as_of = moment(found.as_of.as_ref())?;
            Ok(Named { attributes: Some(attributes), as_of, checked: found.subjects_checked })
        }
        Some(Outcome::NotFound(not_found)) => {
            let as_of = moment(not_found.as_of.as_ref())?;
            Ok(Named { attributes: None, as_of, checked: Vec::new() })
        }
        Some(Outcome::Unavailable(unavailable)) => Err(Failed {
            retry_after: unavailable
                .retry_after
                .and_then(|wait| Duration::try_from(wait).ok())
                .map(|wait| wait.min(LONGEST_WAIT)),
            ..refusal(&unavailable.reason)
        }),
        None => Err(Failed::contract("the reply has no outcome")),
    }
}

fn moment(given: Option<&prost_types::Timestamp>) -> Result<Option<Timestamp>, Failed> {
    given
        .map(|given| read_timestamp(given).ok_or_else(|| Failed::contract("`as_of` is no time")))
        .transpose()
}

/// The program's reason, where it is one of ours. Its own words are not kept: they may hold anything.
fn refusal(reason: &str) -> Failed {
    let known = [
        Unavailable::Timeout,
        Unavailable::Unreachable,
        Unavailable::Refused,
        Unavailable::Maintenance,
        Unavailable::ContractError,
    ];
    let reason = known.into_iter().find(|known| known.code() == reason);
    Failed::answered(reason.unwrap_or(Unavailable::Refused), "the program cannot answer now")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_to_wait_for_years() {
        for (seconds, expected) in [(20, 20), (86_400, 86_400), (315_576_000_000, 86_400)] {
            let unavailable = wire::Unavailable {
                reason: "maintenance".to_owned(),
                retry_after: Some(prost_types::Duration { seconds, nanos: 0 }),
            };
            let reply = wire::FetchResponse { outcome: Some(Outcome::Unavailable(unavailable)) };
            let wait = read(reply).err().and_then(|failed| failed.retry_after);
            assert_eq!(wait, Some(Duration::from_secs(expected)));
        }
    }
}
