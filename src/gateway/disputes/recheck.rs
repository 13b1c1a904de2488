//! The contested question put again: an ordinary question, never served from what was kept, and what it came to.

use std::sync::Arc;

use thiserror::Error;

use super::Seen;
use crate::audit::beside::Private;
use crate::audit::entry::{Dispute, DisputeRechecked, DisputeStep};
use crate::decision::facts::CallerFacts;
use crate::decision::freeze::Scope;
use crate::disputes::DisputeId;
use crate::gateway::Gateway;
use crate::gateway::exchange::{Ask, Refusal, Reply};
use crate::query::OrganisationId;
use crate::query::time::Timestamp;
use crate::query::value::Verdict;

/// What came of it.
pub struct Again {
    /// The new answer.
    pub reply: Arc<Reply>,
    /// The dispute after it.
    pub seen: Seen,
}

/// Why a question was not put again, or its answer not recorded with the dispute.
#[derive(Debug, Error)]
pub enum NotAgain {
    /// No dispute of that id is this organisation's.
    #[error("your organisation has no dispute of that number")]
    NotYours,
    /// It was asked again already, at that entry.
    #[error(
        "it was asked again already: entry {0} has the answer, which can be contested in its turn"
    )]
    Done(u64),
    /// Somebody is asking it just now.
    #[error("it is being asked again just now")]
    Busy,
    /// The answer is one that was given before it was contested: the request id is that question's.
    #[error("this request id is that of an earlier question: give a new one")]
    Reused,
    /// What was asked is not held any more.
    #[error("the gateway does not hold the question any more: ask it as a new one")]
    Gone,
    /// The question was refused, or nothing could be recorded.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Gateway {
    /// The message that opened the dispute, for whoever puts its question again; nobody else does so until
    /// [`Gateway::recheck`] or [`Gateway::leave_dispute`] has been called.
    ///
    /// # Errors
    /// Why it cannot be put.
    pub async fn take_up_dispute(
        &self,
        id: DisputeId,
        caller: &OrganisationId,
    ) -> Result<Vec<u8>, NotAgain> {
        let course = self.disputes.book.lock().await.get(&id).cloned();
        let course = course.filter(|course| course.opened.caller.organisation == *caller);
        let course = course.ok_or(NotAgain::NotYours)?;
        if let Some(rechecked) = &course.rechecked {
            return Err(NotAgain::Done(rechecked.outcome));
        }
        let kept = self.kept(id).await.ok().flatten();
        let message = kept.and_then(|kept| kept.message()).ok_or(NotAgain::Gone)?;
        if !self.disputes.asking.lock().await.insert(id) {
            return Err(NotAgain::Busy);
        }
        Ok(message)
    }

    /// Puts the question again and records what it came to. Must run to its end even when the caller has gone.
    ///
    /// # Errors
    /// As a question, or when the result cannot be recorded: then the question can be put again.
    pub async fn recheck(
        &self,
        id: DisputeId,
        ask: Ask,
        caller: CallerFacts,
        clock: fn() -> Timestamp,
    ) -> Result<Again, NotAgain> {
        let again = self.recheck_now(id, ask, caller, clock).await;
        self.leave_dispute(id).await;
        again
    }

    /// Lets others take it up again.
    pub async fn leave_dispute(&self, id: DisputeId) {
        self.disputes.asking.lock().await.remove(&id);
    }

    async fn recheck_now(
        &self,
        id: DisputeId,
        ask: Ask,
        caller: CallerFacts,
        clock: fn() -> Timestamp,
    ) -> Result<Again, NotAgain> {
        let reply = self.answer(ask).await?;
        let mut book = self.disputes.book.lock().await;
        let course = book.get(&id).cloned().ok_or(NotAgain::NotYours)?;
        // A repeated request id gets the answer it got: that is no second asking.
        if reply.log_index <= course.index {
            return Err(NotAgain::Reused);
        }
        let at = clock();
        if reply.verdict == Verdict::Unavailable {
            drop(book);
            return Ok(Again { seen: self.seen(course, at).await, reply });
        }
        let step = DisputeStep::Rechecked(DisputeRechecked {
            caller,
            contested: course.opened.contested,
            outcome: reply.log_index,
            before: course.opened.verdict,
            after: reply.verdict,
        });
        self.step(&mut book, at, Dispute { id, step }, Private::default()).await?;
        let course = book.get(&id).cloned().ok_or(NotAgain::NotYours)?;
        drop(book);
        // An equal question that was under way may have kept the old answer meanwhile.
        let (provider, fact) = (course.opened.provider.as_str(), course.opened.fact.as_str());
        self.cache.drop_scope(Scope {
            provider: provider.into(),
            fact: Some(fact.into()),
            caller: Some(course.opened.caller.organisation.clone()),
        });
        let seen = self.seen(course, at).await;
        self.forget(id).await;
        Ok(Again { reply, seen })
    }
}
