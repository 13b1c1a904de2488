//! Disputes over the wire: who may open, see, answer and ask again, and how a refusal is said.

mod read;
mod write;

use std::sync::Arc;

use metrics::counter;
use tonic::{Code, Request, Response, Status};

use self::read::{contest, dispute_id, operator_given, page_token};
use super::admission::Single;
use super::shares::PlaceOf;
use super::{Services, answer, deadline, refusal, require};
use crate::clock::now;
use crate::decision::facts::Defect;
use crate::disputes::{Course, paper};
use crate::gateway::disputes::{NotAgain, NotTaken, Page};
use crate::identity::Peer;
use crate::proto::gateway::v1 as wire;
use crate::proto::gateway::v1::disputes_server::Disputes;
use crate::query::OrganisationId;
use crate::telemetry;

/// Disputes of one page: as many files may have to be read for it, and it takes some 50 KiB.
const PAGE: usize = 100;

#[tonic::async_trait]
impl Disputes for Services {
    async fn contest(
        &self,
        request: Request<wire::ContestRequest>,
    ) -> Result<Response<wire::Dispute>, Status> {
        let peer = require(self, &request, "query", |rights| rights.query)?;
        let own = own(&peer)?;
        let place = place(self, &own)?;
        let catalogue = Arc::clone(&self.gateway.in_force().catalogue);
        let entries = self.gateway.audit().size();
        let read = contest(request.into_inner(), peer, (&catalogue, entries), now());
        let contest = read.map_err(|flaws| not_taken(&NotTaken::Flaws(flaws)))?;
        let gateway = Arc::clone(&self.gateway);
        // Detached: a caller that hangs up must not leave half a dispute.
        let opening = self.tasks.spawn(async move {
            let opened = gateway.contest(contest).await;
            drop(place);
            opened
        });
        let seen = opening.await.map_err(|_| refusal::internal())?;
        seen.map(|seen| Response::new(write::dispute(seen, Some(&own))))
            .map_err(|why| not_taken(&why))
    }

    async fn list_disputes(
        &self,
        request: Request<wire::ListDisputesRequest>,
    ) -> Result<Response<wire::ListDisputesResponse>, Status> {
        let peer = require(self, &request, "query", |_| true)?;
        let own = own(&peer)?;
        let _place = place(self, &own)?;
        let in_force = self.gateway.in_force();
        let sees_all = peer.rights(&in_force.register).is_ok_and(|rights| rights.operate);
        let asked = request.into_inner();
        let wanted = match asked.dispute_id.as_str() {
            "" => None,
            id => Some(dispute_id(id).map_err(|flaw| not_taken(&NotTaken::Flaws(vec![flaw])))?),
        };
        let before = page_token(&asked.page_token)
            .map_err(|flaw| not_taken(&NotTaken::Flaws(vec![flaw])))?;
        let at = now();
        let may_see = |course: &Course| {
            let is_theirs =
                course.opened.caller.organisation == own || course.opened.provider == own.as_str();
            (sees_all || is_theirs) && (!asked.overdue || course.is_overdue(at))
        };
        let page = Page { before, most: PAGE, only: wanted };
        let (seen, next) = self.gateway.disputes(may_see, page, (&own, at)).await;
        let disputes = seen.into_iter().map(|seen| write::dispute(seen, Some(&own))).collect();
        let next_page_token = next.map(|entry| entry.to_string()).unwrap_or_default();
        Ok(Response::new(wire::ListDisputesResponse { disputes, next_page_token }))
    }

    async fn recheck(
        &self,
        request: Request<wire::RecheckRequest>,
    ) -> Result<Response<wire::RecheckResponse>, Status> {
        let peer = require(self, &request, "query", |rights| rights.query)?;
        let own = own(&peer)?;
        // What is kept is read in a place of disputes, and the question is put in one of questions, which it is.
        let place = place(self, &own)?;
        let time = deadline(&request);
        let asked = request.into_inner();
        let flawed = |flaw| not_taken(&NotTaken::Flaws(vec![flaw]));
        let id = dispute_id(&asked.dispute_id).map_err(flawed)?;
        let taken_up = match self.gateway.take_up_dispute(id, &own).await {
            Ok(taken_up) => taken_up,
            Err(NotAgain::Done(_)) => return self.asked_before(id, &own).await,
            Err(why) => return Err(not_again(&why)),
        };
        drop(place);
        let Some(question) = read::question_again(&taken_up.message, &asked) else {
            return Err(not_again(&NotAgain::Gone));
        };
        let slot = slot(self, &peer)?;
        let mut ask = self.ask(Arc::clone(&peer), &question, time);
        ask.anew = true;
        let caller = peer.facts(&self.gateway.in_force().register);
        let gateway = Arc::clone(&self.gateway);
        // Detached: a caller that hangs up must not leave an answer without what it came to.
        let asking = self.tasks.spawn(async move {
            let again = gateway.recheck(taken_up, ask, caller, now).await;
            drop(slot);
            again
        });
        let again = asking.await.map_err(|_| refusal::internal())?;
        let again = again.map_err(|why| not_again(&why))?;
        Ok(Response::new(wire::RecheckResponse {
            answer: Some(answer::write(&again.reply)),
            dispute: Some(write::dispute(again.seen, Some(&own))),
        }))
    }

    async fn answer_dispute(
        &self,
        request: Request<wire::AnswerDisputeRequest>,
    ) -> Result<Response<wire::Dispute>, Status> {
        let peer = require(self, &request, "query", |_| true)?;
        let own = own(&peer)?;
        let place = place(self, &own)?;
        let given = request.into_inner();
        let flaws = |flaw| not_taken(&NotTaken::Flaws(vec![flaw]));
        let id = dispute_id(&given.dispute_id).map_err(flaws)?;
        let found = paper::finding(&given.finding, &given.on, given.text).map_err(|why| {
            let field = match why {
                paper::NoAnswer::Field(field) => field,
                paper::NoAnswer::Form => "text",
            };
            flaws(Defect { field: field.to_owned(), check: "unknown".to_owned() })
        })?;
        let caller = peer.facts(&self.gateway.in_force().register);
        let (gateway, by) = (Arc::clone(&self.gateway), (own.clone(), Some(caller)));
        let answering = self.tasks.spawn(async move {
            let answered = gateway.dispute_answered(id, found, by, now()).await;
            drop(place);
            answered
        });
        let seen = answering.await.map_err(|_| refusal::internal())?;
        seen.map(|seen| Response::new(write::dispute(seen, Some(&own))))
            .map_err(|why| not_taken(&why))
    }
}

impl Services {
    /// What a second asking that came before this one has come to.
    async fn asked_before(
        &self,
        id: crate::disputes::DisputeId,
        own: &OrganisationId,
    ) -> Result<Response<wire::RecheckResponse>, Status> {
        let page = Page { before: u64::MAX, most: 1, only: Some(id) };
        let (seen, _) = self.gateway.disputes(|_| true, page, (own, now())).await;
        let dispute = seen.into_iter().next().map(|seen| write::dispute(seen, Some(own)));
        Ok(Response::new(wire::RecheckResponse { answer: None, dispute }))
    }
}

/// A place among the calls about disputes under way, or none.
fn place(services: &Services, caller: &OrganisationId) -> Result<PlaceOf<OrganisationId>, Status> {
    services.disputes.take(caller).map_err(|limit| {
        counter!(telemetry::SHED, "limit" => limit).increment(1);
        refusal::overloaded("too many calls about disputes at once; nothing was recorded")
    })
}

/// A place among the questions under way, or none.
fn slot(services: &Services, peer: &Peer) -> Result<Single, Status> {
    let taken = services.admission.take(peer.account());
    taken.map_err(|full| services.admission.refuse(full))
}

/// The organisation that the caller's certificate names, and whose authority vouches for it.
fn own(peer: &Peer) -> Result<OrganisationId, Status> {
    let refused = || {
        refusal::with_reason(
            Code::PermissionDenied,
            "the certificate names no organisation",
            "RIGHT_MISSING",
        )
    };
    peer.organisation().cloned().ok_or_else(refused)
}

fn not_taken(why: &NotTaken) -> Status {
    let message = why.to_string();
    match why {
        NotTaken::Flaws(flaws) => refusal::malformed(&message, flaws),
        NotTaken::NotYours(_) => refusal::with_reason(Code::NotFound, &message, "NOT_YOURS"),
        NotTaken::SaysNothing => {
            refusal::with_reason(Code::FailedPrecondition, &message, "SAYS_NOTHING")
        }
        NotTaken::Contested(_) => {
            refusal::with_reason(Code::AlreadyExists, &message, "ALREADY_CONTESTED")
        }
        NotTaken::Answered => {
            refusal::with_reason(Code::FailedPrecondition, &message, "ALREADY_ANSWERED")
        }
        NotTaken::TooMany(_) => {
            counter!(telemetry::SHED, "limit" => "disputes.opened_per_day").increment(1);
            refusal::with_reason(Code::ResourceExhausted, &message, "TOO_MANY_TODAY")
        }
        NotTaken::Folder(cause) => {
            tracing::error!(%cause, "the folder of disputes cannot be used");
            refusal::with_reason(Code::Unavailable, &message, "FOLDER_NOT_WRITABLE")
        }
        NotTaken::Refused(refused) => refusal::status(refused),
    }
}

fn not_again(why: &NotAgain) -> Status {
    let message = why.to_string();
    match why {
        NotAgain::NotYours => refusal::with_reason(Code::NotFound, &message, "NOT_YOURS"),
        NotAgain::Done(_) => {
            refusal::with_reason(Code::FailedPrecondition, &message, "ASKED_AGAIN")
        }
        NotAgain::Busy => refusal::with_reason(Code::Aborted, &message, "ASKING"),
        NotAgain::Gone => refusal::with_reason(Code::FailedPrecondition, &message, "QUESTION_GONE"),
        NotAgain::Reused => refusal::with_reason(Code::AlreadyExists, &message, "REUSED"),
        NotAgain::Refused(refused) => refusal::status(refused),
    }
}

/// Who asks again: whoever the caller names, else whoever contested.
fn asks_again(
    given: Option<wire::Operator>,
    before: Option<wire::Operator>,
) -> Option<wire::Operator> {
    operator_given(given).or(before)
}
