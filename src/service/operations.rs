//! For those who run the gateway, with the right `operate`.

use std::sync::Arc;
use std::time::Duration;

use tonic::{Request, Response, Status};

use super::{Services, orders, publish, refusal, require};
use crate::adapters::{Adapter, Breaker, ProgramState};
use crate::clock::now;
use crate::crypto::hex;
use crate::proto::gateway::v1 as wire;
use crate::proto::gateway::v1::operations_server::Operations;
use crate::query::time::Timestamp;

/// Lines of one kind in a reply, at the most.
const TOLD_LINES: usize = 1000;

/// Bytes of them, at the most.
const TOLD_BYTES: usize = 1 << 20;

#[tonic::async_trait]
impl Operations for Services {
    async fn list_adapters(
        &self,
        request: Request<wire::ListAdaptersRequest>,
    ) -> Result<Response<wire::ListAdaptersResponse>, Status> {
        require(self, &request, "operate", |rights| rights.operate)?;
        let in_force = self.gateway.in_force();
        let adapters = in_force.adapters.all();
        let at = now();
        let adapters = adapters.iter().map(|adapter| state(adapter, at)).collect();
        Ok(Response::new(wire::ListAdaptersResponse { adapters }))
    }

    async fn reload(
        &self,
        request: Request<wire::ReloadRequest>,
    ) -> Result<Response<wire::ReloadResponse>, Status> {
        require(self, &request, "operate", |rights| rights.operate)?;
        let gateway = Arc::clone(&self.gateway);
        // Detached: a caller that hangs up must not leave changes in the log that are not in force.
        let reloading = self.tasks.spawn(async move { gateway.reload(now).await });
        let reloaded = reloading.await.map_err(|_| refusal::internal())?;
        let findings = told(reloaded.findings.iter().map(ToString::to_string));
        let changes = told(reloaded.changes.into_iter());
        Ok(Response::new(wire::ReloadResponse { changes, findings }))
    }

    async fn reload_adapter(
        &self,
        request: Request<wire::ReloadAdapterRequest>,
    ) -> Result<Response<wire::ReloadAdapterResponse>, Status> {
        require(self, &request, "operate", |rights| rights.operate)?;
        let name = request.into_inner().name;
        let gateway = Arc::clone(&self.gateway);
        let wanted = name.clone();
        let reloading = self.tasks.spawn(async move { gateway.reload_adapter(&wanted, now).await });
        let reloaded = reloading.await.map_err(|_| refusal::internal())?;
        let in_force = self.gateway.in_force();
        let adapter = in_force.adapters.all().iter().find(|adapter| adapter.name() == name);
        Ok(Response::new(wire::ReloadAdapterResponse {
            version: adapter.map(|adapter| adapter.version().to_owned()).unwrap_or_default(),
            digest: adapter.map(|adapter| hex(adapter.digest())).unwrap_or_default(),
            changes: told(reloaded.changes.into_iter()),
            findings: told(reloaded.findings.iter().map(ToString::to_string)),
        }))
    }

    async fn publish_agreement(
        &self,
        request: Request<wire::PublishAgreementRequest>,
    ) -> Result<Response<wire::PublishAgreementResponse>, Status> {
        publish::publish(self, request).await.map(Response::new)
    }

    async fn give_order(
        &self,
        request: Request<wire::GiveOrderRequest>,
    ) -> Result<Response<wire::GiveOrderResponse>, Status> {
        orders::give(self, request).await.map(Response::new)
    }
}

/// The first of these lines, and how many more there are: clients take replies of four megabytes and no longer.
fn told(mut lines: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let (mut told, mut bytes) = (Vec::new(), 0);
    while let Some(line) = lines.next() {
        bytes += line.len();
        if told.len() == TOLD_LINES || bytes > TOLD_BYTES {
            told.push(format!("and {} more", lines.len() + 1));
            return told;
        }
        told.push(line);
    }
    told
}

fn state(adapter: &Adapter, at: Timestamp) -> wire::AdapterState {
    let state = adapter.state();
    let span = |duration| prost_types::Duration::try_from(duration).ok();
    let (last, rate, latency) = (state.last_failure, state.rate, state.latency);
    let maintenance = adapter.maintenance(at);
    wire::AdapterState {
        name: adapter.name().to_owned(),
        agency: adapter.agency().as_str().to_owned(),
        version: adapter.version().to_owned(),
        digest: hex(adapter.digest()),
        transport: adapter.transport().to_owned(),
        facts: adapter.facts().map(|fact| fact.as_str().to_owned()).collect(),
        answered: state.answered,
        unavailable: state.unavailable,
        contract_errors: state.contract_errors,
        dropped_attributes: state.dropped_attributes,
        last_answer: state.last_answer.map(crate::wire::timestamp),
        last_failure: last.as_ref().map(|last| last.reason.to_owned()).unwrap_or_default(),
        last_failure_at: last.as_ref().map(|last| crate::wire::timestamp(last.at)),
        last_failure_detail: last.map(|last| last.detail).unwrap_or_default(),
        in_flight: state.in_flight,
        max_in_flight: state.max_in_flight,
        rate_per_second: rate.map(|rate| rate.per_second).unwrap_or_default(),
        rate_left: rate.map(|rate| rate.left).unwrap_or_default(),
        latency_p50: latency.and_then(|latency| span(latency.p50)),
        latency_p99: latency.and_then(|latency| span(latency.p99)),
        latency_of: latency.map(|latency| latency.of).unwrap_or_default(),
        breaker: state.breaker.name().to_owned(),
        breaker_open_for: match state.breaker {
            Breaker::Open(left) => span(left),
            Breaker::Closed | Breaker::HalfOpen => None,
        },
        health: adapter.health(at).name().to_owned(),
        maintenance_from: maintenance.map(|span| crate::wire::timestamp(span.from)),
        maintenance_to: maintenance.map(|span| crate::wire::timestamp(span.to)),
        program: state.program.map(|program| self::program(program, at)),
    }
}

fn program(state: ProgramState, at: Timestamp) -> wire::ProgramState {
    let since = |running: Duration| {
        let micros = u64::try_from(running.as_micros()).unwrap_or(u64::MAX);
        crate::wire::timestamp(Timestamp(at.0.saturating_sub(micros)))
    };
    wire::ProgramState {
        process: state.process.unwrap_or_default(),
        running_since: state.running_for.map(since),
        restarts: state.restarts,
        last_exit: state.last_exit.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_names_the_first_lines_and_counts_the_others() {
        let lines = |count, bytes| told((0..count).map(|_| "x".repeat(bytes)));
        assert_eq!(lines(0, 1), Vec::<String>::new());
        assert_eq!(lines(TOLD_LINES, 100), vec!["x".repeat(100); TOLD_LINES]);
        let cut = lines(100_000, 100);
        assert_eq!((cut.len(), cut[TOLD_LINES].as_str()), (TOLD_LINES + 1, "and 99000 more"));
        let long = lines(5, TOLD_BYTES / 2);
        assert_eq!((long.len(), long[2].as_str()), (3, "and 3 more"));
    }
}
