//! The contested question put again: an ordinary question, never served from what was kept, and what it came to.

use std::sync::Arc;

use thiserror::Error;

use super::Seen;
use super::memory::Asking;
use crate::audit::beside::Private;
use crate::audit::entry::{DisputeRechecked, DisputeStep};
use crate::decision::facts::CallerFacts;
use crate::decision::freeze::Scope;
use crate::disputes::{Course, DisputeId};
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

/// A dispute that nobody else asks again while this is held.
pub struct TakenUp {
    /// The message that opened it.
    pub message: Vec<u8>,
    asking: Asking,
}

impl Gateway {
    /// The message that opened the dispute, for whoever puts its question again.
    ///
    /// # Errors
    /// Why it cannot be put.
    pub async fn take_up_dispute(
        &self,
        id: DisputeId,
        caller: &OrganisationId,
    ) -> Result<TakenUp, NotAgain> {
        let own = |course: &Course| course.opened.caller.organisation == *caller;
        self.disputes.course(&id).filter(own).ok_or(NotAgain::NotYours)?;
        // Before it is looked at: whoever asked until now has recorded what came of it.
        let asking = Asking::begin(&self.disputes.asking, id);
        let course = self.disputes.course(&id).ok_or(NotAgain::NotYours)?;
        if let Some(rechecked) = &course.rechecked {
            return Err(NotAgain::Done(rechecked.outcome));
        }
        let asking = asking.ok_or(NotAgain::Busy)?;
        let kept = self.kept(id).await.ok().flatten();
        let message = kept.and_then(|kept| kept.message()).ok_or(NotAgain::Gone)?;
        Ok(TakenUp { message, asking })
    }

    /// Puts the question again and records what it came to. Must run to its end even when the caller has gone.
    ///
    /// # Errors
    /// As a question, or when the result cannot be recorded: then the question can be put again.
    pub async fn recheck(
        &self,
        taken_up: TakenUp,
        ask: Ask,
        caller: CallerFacts,
        clock: fn() -> Timestamp,
    ) -> Result<Again, NotAgain> {
        let id = taken_up.asking.id();
        let reply = self.answer(ask).await?;
        let held = self.disputes.steps.hold(id).await;
        let course = self.disputes.course(&id).ok_or(NotAgain::NotYours)?;
        // A repeated request id gets the answer it got: that is no second asking.
        if reply.log_index <= course.index {
            return Err(NotAgain::Reused);
        }
        let (at, own) = (clock(), caller.organisation.clone());
        if reply.verdict == Verdict::Unavailable {
            return Ok(Again { seen: self.seen(course, &own, at).await, reply });
        }
        let step = DisputeStep::Rechecked(DisputeRechecked {
            caller,
            contested: course.opened.contested,
            outcome: reply.log_index,
            before: course.opened.verdict,
            after: reply.verdict,
        });
        self.step(held, at, step, Private::default()).await?;
        let course = self.disputes.course(&id).ok_or(NotAgain::NotYours)?;
        // An equal question that was under way may have kept the old answer meanwhile.
        let (provider, fact) = (course.opened.provider.as_str(), course.opened.fact.as_str());
        self.cache.drop_scope(Scope {
            provider: provider.into(),
            fact: Some(fact.into()),
            caller: Some(course.opened.caller.organisation.clone()),
        });
        let seen = self.seen(course, &own, at).await;
        self.forget(id).await;
        Ok(Again { reply, seen })
    }
}
