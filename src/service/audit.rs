//! The log, read over the wire by systems with the right `audit`.

use tonic::{Code, Request, Response, Status};

use super::{Services, refusal, require};
use crate::audit::AuditError;
use crate::proto::gateway::v1 as wire;
use crate::proto::gateway::v1::audit_server::Audit;

/// Entries of one call. At their usual 600 bytes a reply of about 600 KiB; the largest possible entry is 64 KiB.
const ENTRIES_LIMIT: u32 = 1000;

#[tonic::async_trait]
impl Audit for Services {
    async fn get_checkpoint(
        &self,
        request: Request<wire::GetCheckpointRequest>,
    ) -> Result<Response<wire::GetCheckpointResponse>, Status> {
        require(self, &request, "audit", |rights| rights.audit)?;
        let checkpoint = self.gateway.audit().checkpoint();
        Ok(Response::new(wire::GetCheckpointResponse { checkpoint }))
    }

    async fn list_entries(
        &self,
        request: Request<wire::ListEntriesRequest>,
    ) -> Result<Response<wire::ListEntriesResponse>, Status> {
        require(self, &request, "audit", |rights| rights.audit)?;
        let wanted = request.into_inner();
        let limit = match wanted.limit {
            0 => ENTRIES_LIMIT,
            limit => limit.min(ENTRIES_LIMIT),
        };
        let entries = self
            .gateway
            .audit()
            .entries(wanted.start, limit as usize)
            .map_err(|e| unreadable(&e))?;
        let entries = entries.into_iter().map(|entry| entry.to_vec()).collect();
        Ok(Response::new(wire::ListEntriesResponse { start: wanted.start, entries }))
    }

    async fn prove_inclusion(
        &self,
        request: Request<wire::ProveInclusionRequest>,
    ) -> Result<Response<wire::ProveInclusionResponse>, Status> {
        require(self, &request, "audit", |rights| rights.audit)?;
        let wanted = request.into_inner();
        let audit = self.gateway.audit();
        let tree_size = if wanted.tree_size == 0 { audit.size() } else { wanted.tree_size };
        let hashes = audit.prove_inclusion(wanted.index, tree_size).map_err(|e| unreadable(&e))?;
        Ok(Response::new(wire::ProveInclusionResponse {
            index: wanted.index,
            tree_size,
            hashes: hashes.into_iter().map(|hash| hash.to_vec()).collect(),
        }))
    }

    async fn prove_consistency(
        &self,
        request: Request<wire::ProveConsistencyRequest>,
    ) -> Result<Response<wire::ProveConsistencyResponse>, Status> {
        require(self, &request, "audit", |rights| rights.audit)?;
        let wanted = request.into_inner();
        let audit = self.gateway.audit();
        let to_size = if wanted.to_size == 0 { audit.size() } else { wanted.to_size };
        let hashes =
            audit.prove_consistency(wanted.from_size, to_size).map_err(|e| unreadable(&e))?;
        Ok(Response::new(wire::ProveConsistencyResponse {
            from_size: wanted.from_size,
            to_size,
            hashes: hashes.into_iter().map(|hash| hash.to_vec()).collect(),
        }))
    }
}

fn unreadable(error: &AuditError) -> Status {
    refusal::with_reason(Code::OutOfRange, &error.to_string(), "LOG_RANGE")
}
