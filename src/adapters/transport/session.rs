//! The agency's short-lived secret: had once for everybody, again a little before it ends, and again when refused.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value as Json};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::exchange::{Reader, Speech};
use super::render;
use crate::adapters::failed::Failed;
use crate::adapters::language::expression::Scope;
use crate::adapters::manifest::Session as Steps;
use crate::query::record::Unavailable;
use crate::query::time::Timestamp;

/// A secret is had again this long before it ends, or a tenth of its life before when that is less.
const MARGIN: Duration = Duration::from_secs(60);
/// After the agency refused one, everybody is told so for this long: a key that rolls at midnight must not be asked
/// for by every question that waits.
const PAUSE: Duration = Duration::from_secs(1);

/// The session of one adapter.
pub(crate) struct Session {
    steps: Arc<Steps>,
    read: Reader,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    current: Option<Current>,
    /// When the last attempt failed, and how.
    refused: Option<(Instant, Failed)>,
    generations: u64,
}

/// A secret in use.
#[derive(Clone)]
pub(crate) struct Current {
    /// What expressions see as `session`.
    pub(crate) values: Arc<Json>,
    until: Timestamp,
    generation: u64,
}

impl Session {
    /// Nothing is asked for yet, and nothing ever where it is given. `read` turns a reply into what expressions see as
    /// `resp`.
    pub(crate) fn new(steps: Arc<Steps>, read: Reader) -> Self {
        let given = steps.held.as_ref().map(|values| Current {
            values: Arc::new(values.clone()),
            until: Timestamp(u64::MAX),
            generation: 0,
        });
        let held = Held { current: given, ..Held::default() };
        Self { steps, read, held: Mutex::new(held) }
    }

    /// The secret, had now when there is none that lasts. Only one request is ever under way: whoever comes meanwhile
    /// waits for it.
    ///
    /// # Errors
    /// Why it cannot be had; timeout when `deadline` passes first.
    pub(crate) async fn current(
        &self,
        site: &Speech,
        scope: &Arc<Scope>,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Current, Failed> {
        let Ok(mut held) = timeout_at(deadline, self.held.lock()).await else {
            let detail = "the session was not renewed in time";
            return Err(Failed::unanswered(Unavailable::Timeout, detail));
        };
        if let Some(current) = held.current.as_ref().filter(|current| now < current.until) {
            return Ok(current.clone());
        }
        if let Some((at, failed)) = &held.refused
            && at.elapsed() < PAUSE
        {
            return Err(Failed { is_repeated: true, ..failed.clone() });
        }
        match self.renew(site, scope, now, deadline).await {
            Ok((values, until)) => {
                held.generations += 1;
                let generation = held.generations;
                let current = Current { values: Arc::new(values), until, generation };
                held.current = Some(current.clone());
                held.refused = None;
                Ok(current)
            }
            Err(failed) => {
                held.current = None;
                // A question whose own deadline ended the attempt speaks for itself only: the next one tries anew.
                if Instant::now() < deadline {
                    held.refused = Some((Instant::now(), failed.clone()));
                }
                Err(failed)
            }
        }
    }

    /// Lets go of a secret that the agency no longer takes, unless a newer one is there already.
    pub(crate) async fn forget(&self, rejected: &Current) {
        let mut held = self.held.lock().await;
        if held.current.as_ref().is_some_and(|current| current.generation == rejected.generation) {
            held.current = None;
        }
    }

    /// True when an ordinary reply says that the secret is no longer taken.
    pub(crate) fn is_rejected(&self, resp: &Json, scope: &Arc<Scope>) -> bool {
        let mut scope = Scope::inside(scope);
        scope.set("resp", resp);
        // A reply that the rule cannot be put to is left to the outcome rules.
        self.steps.rejected.as_ref().is_some_and(|rule| rule.truth(&scope) == Ok(true))
    }

    async fn renew(
        &self,
        site: &Speech,
        scope: &Arc<Scope>,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<(Json, Timestamp), Failed> {
        let outgoing = render::request(&self.steps.request, scope, site.charset)
            .map_err(|failed| within(failed, "session").before_asking())?;
        let heard =
            site.send(outgoing, deadline).await.map_err(|failed| within(failed, "session"))?;
        let status = heard.status;
        let resp = (self.read)(heard, &site.shape).map_err(|failed| within(failed, "session"))?;
        let mut hearing = Scope::inside(scope);
        hearing.set("resp", &resp);
        let refused = |detail: String| Failed::answered(Unavailable::Refused, detail);
        if let Some(rule) = &self.steps.failed {
            match rule.truth(&hearing) {
                Ok(false) => {}
                Ok(true) => {
                    return Err(refused("the agency gave no session (session.failed)".into()));
                }
                Err(fault) if status < 400 => {
                    return Err(Failed::expression("session.failed", rule, fault));
                }
                Err(_) => {}
            }
        }
        if status >= 400 {
            return Err(refused(format!("the agency gave no session (HTTP status {status})")));
        }
        let mut values = Map::new();
        for (name, expression) in &self.steps.values {
            let value = expression.evaluate(&hearing).map_err(|fault| {
                Failed::expression(&format!("session.values.{name}"), expression, fault)
            })?;
            values.insert(name.clone(), value);
        }
        let expires = &self.steps.expires;
        let ends = expires
            .evaluate(&hearing)
            .map_err(|fault| Failed::expression("session.expires", expires, fault))?;
        let ends = ends.as_u64().and_then(|ms| ms.checked_mul(1_000)).map(Timestamp);
        let Some(ends) = ends.filter(|ends| *ends > now) else {
            let problem = "it is no future time in milliseconds since 1970";
            return Err(Failed::expression("session.expires", expires, problem));
        };
        let life = ends.since(now);
        let until = now.plus(life.saturating_sub(MARGIN.min(life / 10)));
        Ok((Json::Object(values), until))
    }
}

fn within(failed: Failed, place: &str) -> Failed {
    Failed { detail: format!("{place}: {}", failed.detail), ..failed }
}
