//! What an agency found: recorded once, whether it came as a file or from a system of the agency.

use super::{Gateway, NotTaken, Seen};
use crate::audit::entry::{DisputeAnswered, DisputeStep, Looked};
use crate::decision::facts::CallerFacts;
use crate::decision::freeze::Scope;
use crate::disputes::paper::Finding;
use crate::disputes::{Course, DisputeId};
use crate::query::OrganisationId;
use crate::query::time::Timestamp;

impl Gateway {
    /// Records what the agency found, once.
    ///
    /// # Errors
    /// Why it was not taken.
    pub async fn dispute_answered(
        &self,
        id: DisputeId,
        found: Finding,
        by: (OrganisationId, Option<CallerFacts>),
        at: Timestamp,
    ) -> Result<Seen, NotTaken> {
        self.evidence.ready(at, &self.audit).await?;
        let (agency, caller) = by;
        let held = self.disputes.steps.hold(id).await;
        let course = self.disputes.course(&id);
        let course = course.filter(|course| course.opened.provider == agency.as_str());
        let course = course.ok_or(NotTaken::NotYours("dispute"))?;
        if course.answered.is_some() {
            return match self.is_same_answer(&course, &found).await? {
                true => Ok(self.seen(course, &agency, at).await),
                false => Err(NotTaken::Answered),
            };
        }
        let kept = self.kept(id).await.map_err(NotTaken::Folder)?;
        let subjects = kept.as_ref().and_then(|kept| kept.document.get("subjects"));
        let subjects =
            subjects.map_or_else(|| b"[]".to_vec(), |known| known.to_string().into_bytes());
        let sealed = self.evidence.seal_answer(at, &id, (subjects, &found.text))?;
        // Once it was asked again its file goes: what is put there now would lie there until the next start.
        if let Some(mut kept) = kept.filter(|_| course.rechecked.is_none()) {
            kept.answer = Some(found.text);
            self.keep(id, kept).await.map_err(NotTaken::Folder)?;
        }
        let step = DisputeStep::Answered(Box::new(DisputeAnswered {
            finding: found.looked,
            on: found.on,
            caller,
            commitments: sealed.commitments,
        }));
        self.step(held, at, step, sealed.private).await?;
        let course = self.disputes.course(&id).ok_or(NotTaken::NotYours("dispute"))?;
        if found.looked == Looked::Corrected {
            // Whoever asked: what was kept of it is known to be wrong.
            let (provider, fact) = (agency.clone(), Some(course.opened.fact.as_str().into()));
            self.cache.drop_scope(Scope { provider, fact, caller: None });
        }
        tracing::info!(
            dispute = %uuid::Uuid::from_bytes(id),
            finding = found.looked.name(),
            "the agency answered a dispute"
        );
        Ok(self.seen(course, &agency, at).await)
    }

    /// Whether an answer repeats the one that was recorded: in its words too, as long as they are kept.
    async fn is_same_answer(&self, course: &Course, found: &Finding) -> Result<bool, NotTaken> {
        let known = course.answered.as_ref().map(|answered| (answered.finding, answered.on));
        if known != Some((found.looked, found.on)) {
            return Ok(false);
        }
        let kept = self.kept(course.id).await.map_err(NotTaken::Folder)?;
        Ok(kept.is_none_or(|kept| kept.answer.as_ref() == Some(&found.text)))
    }
}
