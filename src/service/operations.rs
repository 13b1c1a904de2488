//! For those who run the gateway, with the right `operate`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{Services, orders, publish, refusal, require};
use crate::adapters::Adapter;
use crate::clock::now;
use crate::crypto::hex;
use crate::proto::gateway::v1 as wire;
use crate::proto::gateway::v1::operations_server::Operations;

#[tonic::async_trait]
impl Operations for Services {
    async fn list_adapters(
        &self,
        request: Request<wire::ListAdaptersRequest>,
    ) -> Result<Response<wire::ListAdaptersResponse>, Status> {
        require(self, &request, "operate", |rights| rights.operate)?;
        let in_force = self.gateway.in_force();
        let adapters = in_force.adapters.all().iter().map(|adapter| state(adapter)).collect();
        Ok(Response::new(wire::ListAdaptersResponse { adapters }))
    }

    async fn reload(
        &self,
        request: Request<wire::ReloadRequest>,
    ) -> Result<Response<wire::ReloadResponse>, Status> {
        require(self, &request, "operate", |rights| rights.operate)?;
        let gateway = Arc::clone(&self.gateway);
        // Detached: a caller that hangs up must not leave changes in the log that are not in force.
        let reloading = self.tasks.spawn(async move { gateway.reload(now()).await });
        let reloaded = reloading.await.map_err(|_| refusal::internal())?;
        let findings = reloaded.findings.iter().map(ToString::to_string).collect();
        Ok(Response::new(wire::ReloadResponse { changes: reloaded.changes, findings }))
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

fn state(adapter: &Adapter) -> wire::AdapterState {
    let state = adapter.state();
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
        last_failure: state.last_failure.map(str::to_owned).unwrap_or_default(),
        in_flight: state.in_flight,
        breaker: state.breaker.to_owned(),
    }
}
