//! Bringing the agency a dispute by a call, described, signed and sent as its questions are.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::adapter::nonce;
use super::failed::Failed;
use super::language::expression::Scope;
pub(super) use super::manifest::CALLED;
use super::manifest::Call;
use super::mapping::Reply;
use super::transport::{Ask, Moment, Transport};
use crate::query::record::Unavailable;
use crate::query::time::Timestamp;

/// What a dispute is brought with.
pub(super) struct Bringing<'a> {
    pub(super) call: &'a Call,
    /// What every expression of the manifest sees, and whether one looks at `nonce`.
    pub(super) constants: (&'a Arc<Scope>, bool),
    pub(super) transport: &'a dyn Transport,
}

impl Bringing<'_> {
    /// One call; the agency's number of the dispute.
    ///
    /// # Errors
    /// Why the agency is not known to have taken it.
    pub(super) async fn bring(
        &self,
        dispute: &Json,
        (now, deadline): (Timestamp, Instant),
        may_repeat: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<String, Failed> {
        let began = Instant::now();
        let (constants, wants_nonce) = self.constants;
        let moment = move || Moment {
            now: now.plus(began.elapsed()),
            nonce: if wants_nonce { nonce() } else { String::new() },
        };
        let operation = &self.call.operation;
        let seen = scope(constants, operation.fact.as_str(), dispute);
        let scope = &|| Arc::clone(&seen);
        let granted = &BTreeSet::new();
        let moment = &moment;
        let query = None;
        let ask = Ask { operation, query, granted, scope, now, deadline, moment, may_repeat };
        match self.transport.ask(&ask).await? {
            Reply::Document(document) => {
                if let Some(unread) = document.unread {
                    return Err(unread);
                }
                let mut hearing = Scope::inside(&document.scope);
                hearing.set("resp", &document.resp);
                self.read(&hearing)
            }
            Reply::Named(_) => Err(Failed::contract("only a question has such a reply")),
        }
    }

    fn read(&self, hearing: &Scope) -> Result<String, Failed> {
        let accepted = &self.call.accepted;
        match accepted.truth(hearing) {
            Ok(true) => {}
            Ok(false) => {
                let detail = "the agency did not take the dispute (dispute.accepted)";
                return Err(Failed::answered(Unavailable::Refused, detail));
            }
            Err(fault) => return Err(Failed::expression("dispute.accepted", accepted, fault)),
        }
        // The agency has it: a number that cannot be read is no reason to bring it again.
        let ticket = self.call.ticket.as_ref().and_then(|ticket| ticket.text(hearing).ok()?);
        Ok(ticket.unwrap_or_default())
    }
}

/// What the expressions see: the paper as `dispute`, and what `[sign]` may look at.
fn scope(constants: &Arc<Scope>, fact: &str, dispute: &Json) -> Arc<Scope> {
    let text = |pointer: &str| dispute.pointer(pointer).and_then(Json::as_str).unwrap_or_default();
    let mut scope = Scope::inside(constants);
    scope.set("dispute", dispute);
    scope.set("fact", json!(fact));
    scope.set("request_id", json!(text("/dispute")));
    scope.set(
        "purpose",
        json!({
            "item": text("/item"),
            "item_version": "",
            "case_number": text("/case_number"),
            "replaced_material": "",
        }),
    );
    scope.set("operator", json!({ "id": "", "unit": text("/from/unit") }));
    Arc::new(scope)
}
