//! The log, read over the wire by systems with the right `audit`. Reading blocks, so it is done beside the runtime.

use tonic::{Code, Request, Response, Status};

use super::{Services, refusal, require};
use crate::audit::{Audit as Log, AuditError};
use crate::proto::gateway::v1 as wire;
use crate::proto::gateway::v1::audit_server::Audit;

/// Entries of one call. At their usual 600 bytes a reply of about 600 KiB.
const ENTRIES_LIMIT: u32 = 1000;
/// Bytes of entries in one call, but for the last one: entries that hold documents are long, and gRPC's clients take
/// 4 MiB unless told otherwise.
const REPLY_BYTES: usize = 3 << 20;

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
        let entries = read(self, move |log| log.entries(wanted.start, limit as usize)).await?;
        let mut room = REPLY_BYTES;
        let entries = entries
            .into_iter()
            .take_while(|entry| {
                let has_room = room > 0;
                room = room.saturating_sub(entry.len());
                has_room
            })
            .map(|entry| entry.to_vec())
            .collect();
        Ok(Response::new(wire::ListEntriesResponse { start: wanted.start, entries }))
    }

    async fn prove_inclusion(
        &self,
        request: Request<wire::ProveInclusionRequest>,
    ) -> Result<Response<wire::ProveInclusionResponse>, Status> {
        require(self, &request, "audit", |rights| rights.audit)?;
        let wanted = request.into_inner();
        let newest = self.gateway.audit().size();
        let tree_size = if wanted.tree_size == 0 { newest } else { wanted.tree_size };
        let hashes =
            read(self, move |log| log.prove_inclusion(wanted.index, tree_size)).await?;
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
        let newest = self.gateway.audit().size();
        let to_size = if wanted.to_size == 0 { newest } else { wanted.to_size };
        let hashes =
            read(self, move |log| log.prove_consistency(wanted.from_size, to_size)).await?;
        Ok(Response::new(wire::ProveConsistencyResponse {
            from_size: wanted.from_size,
            to_size,
            hashes: hashes.into_iter().map(|hash| hash.to_vec()).collect(),
        }))
    }
}

async fn read<T: Send + 'static>(
    services: &Services,
    of: impl FnOnce(&Log) -> Result<T, AuditError> + Send + 'static,
) -> Result<T, Status> {
    let log = services.gateway.audit().clone();
    let read = tokio::task::spawn_blocking(move || of(&log)).await;
    read.map_err(|_| refusal::internal())?.map_err(|error| match error {
        AuditError::OutOfRange(_) => {
            refusal::with_reason(Code::OutOfRange, &error.to_string(), "LOG_RANGE")
        }
        // Its text names files of the gateway: for the operator, not for the caller.
        error => {
            let cause = &error as &dyn std::error::Error;
            tracing::error!(cause, "the log could not be read");
            refusal::with_reason(Code::Internal, "the log could not be read", "LOG_UNREADABLE")
        }
    })
}
