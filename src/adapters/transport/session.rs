//! The agency's short-lived secret: had once for everybody, again a little before it ends, and again when refused.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value as Json};
use tokio::sync::Mutex as Turn;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::Ask;
use super::exchange::{Reader, Seen, Speech, asking};
use super::render;
use crate::adapters::failed::Failed;
use crate::adapters::language::expression::{self, Scope};
use crate::adapters::manifest::Session as Steps;
use crate::query::record::Unavailable;
use crate::query::time::Timestamp;

/// A secret is had again this long before it ends, or a tenth of its life before when that is less.
const MARGIN: Duration = Duration::from_secs(60);
/// After the agency refused one, everybody is told so for this long: a key that rolls at midnight must not be asked
/// for by every question that waits.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest that one is waited for while the old one is still good. The site's own time limit is mostly shorter.
const BEHIND: Duration = Duration::from_secs(30);

/// The session of one adapter.
pub(crate) struct Session {
    shared: Arc<Shared>,
    /// What is had while the old one is still good. It ends with the adapter.
    behind: Mutex<JoinSet<()>>,
}

struct Shared {
    steps: Arc<Steps>,
    read: Reader,
    held: Mutex<Held>,
    /// Whoever has it asks the agency for a secret; nobody else does meanwhile.
    turn: Arc<Turn<()>>,
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
    pub(crate) values: expression::Held,
    /// From then on another is had.
    until: Timestamp,
    /// Until then it is good.
    ends: Timestamp,
    generation: u64,
}

impl Session {
    /// Nothing is asked for yet, and nothing ever where it is given. `read` turns a reply into what expressions see as
    /// `resp`.
    pub(crate) fn new(steps: Arc<Steps>, read: Reader) -> Self {
        let ends = Timestamp(u64::MAX);
        let given = steps.held.as_ref().map(|values| Current {
            values: values.into(),
            until: ends,
            ends,
            generation: 0,
        });
        let held = Mutex::new(Held { current: given, ..Held::default() });
        let shared = Arc::new(Shared { steps, read, held, turn: Arc::default() });
        Self { shared, behind: Mutex::default() }
    }

    /// The secret, had now when there is none that is good. Only one request is ever under way: whoever comes meanwhile
    /// waits for it, or goes on with the old one as long as that lasts.
    ///
    /// # Errors
    /// Why it cannot be had; timeout when the deadline passes first.
    pub(crate) async fn current(&self, site: &Speech, ask: &Ask<'_>) -> Result<Current, Failed> {
        let current = self.shared.held().current.clone();
        if let Some(current) = current.filter(|current| ask.now < current.ends) {
            if ask.now >= current.until {
                self.renew_behind(site, ask);
            }
            return Ok(current);
        }
        let Ok(_turn) = timeout_at(ask.deadline, self.shared.turn.lock()).await else {
            let detail = "the session was not renewed in time";
            return Err(Failed::unanswered(Unavailable::Timeout, detail));
        };
        self.shared.renewed(site, ask.now, ask.deadline, || asking(ask, None, 1)).await
    }

    /// Has another one while the old one is used. When that fails, the next question after the pause tries again.
    fn renew_behind(&self, site: &Speech, ask: &Ask<'_>) {
        let Ok(turn) = Arc::clone(&self.shared.turn).try_lock_owned() else { return };
        if self.shared.is_pausing().is_some() {
            return;
        }
        let (shared, site, now) = (Arc::clone(&self.shared), site.clone(), ask.now);
        let scope = asking(ask, None, 1);
        let mut behind = self.behind.lock().unwrap_or_else(PoisonError::into_inner);
        while behind.try_join_next().is_some() {}
        behind.spawn(async move {
            let deadline = Instant::now() + BEHIND;
            // What failed is remembered where it is asked for.
            let _told = timeout_at(deadline, shared.renewed(&site, now, deadline, || scope)).await;
            drop(turn);
        });
    }

    /// Lets go of a secret that the agency no longer takes, unless a newer one is there already.
    pub(crate) fn forget(&self, rejected: &Current) {
        let mut held = self.shared.held();
        if held.current.as_ref().is_some_and(|current| current.generation == rejected.generation) {
            held.current = None;
        }
    }

    /// True when an ordinary reply says that the secret is no longer taken.
    pub(crate) fn is_rejected(&self, resp: &expression::Held, scope: &Arc<Scope>) -> bool {
        let mut scope = Scope::inside(scope);
        scope.set("resp", resp);
        // A reply that the rule cannot be put to is left to the outcome rules.
        self.shared.steps.rejected.as_ref().is_some_and(|rule| rule.truth(&scope) == Ok(true))
    }
}

impl Shared {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the last attempt failed, while nobody may try again.
    fn is_pausing(&self) -> Option<Failed> {
        let held = self.held();
        let (at, failed) = held.refused.as_ref()?;
        (at.elapsed() < PAUSE).then(|| Failed { is_repeated: true, ..failed.clone() })
    }

    /// A secret that lasts, by whoever's turn it is: the one that somebody has had meanwhile, or another.
    async fn renewed(
        &self,
        site: &Speech,
        now: Timestamp,
        deadline: Instant,
        scope: impl FnOnce() -> Arc<Scope>,
    ) -> Result<Current, Failed> {
        let current = self.held().current.clone();
        if let Some(current) = current.filter(|current| now < current.until) {
            return Ok(current);
        }
        if let Some(failed) = self.is_pausing() {
            return Err(failed);
        }
        let renewed = self.renew(site, &scope(), now, deadline).await;
        let mut held = self.held();
        match renewed {
            Ok((values, until, ends)) => {
                held.generations += 1;
                let generation = held.generations;
                let current = Current { values: values.into(), until, ends, generation };
                held.current = Some(current.clone());
                held.refused = None;
                Ok(current)
            }
            Err(failed) => {
                // A question whose own deadline ended the attempt speaks for itself only: the next one tries anew.
                if Instant::now() < deadline {
                    held.refused = Some((Instant::now(), failed.clone()));
                }
                Err(failed)
            }
        }
    }

    async fn renew(
        &self,
        site: &Speech,
        scope: &Arc<Scope>,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<(Json, Timestamp, Timestamp), Failed> {
        let outgoing = render::request(&self.steps.request, scope, site.charset)
            .map_err(|failed| within(failed, "session").before_asking())?;
        let heard =
            site.send(outgoing, deadline).await.map_err(|failed| within(failed, "session"))?;
        let status = heard.status;
        let Seen { resp, unread } =
            (self.read)(heard, &site.shape).map_err(|failed| within(failed, "session"))?;
        let mut hearing = Scope::inside(scope);
        hearing.set("resp", &resp);
        let refused = |detail: String| Failed::answered(Unavailable::Refused, detail);
        if let Some(rule) = &self.steps.failed {
            match rule.truth(&hearing) {
                Ok(false) => {}
                Ok(true) => {
                    return Err(refused("the agency gave no session (session.failed)".into()));
                }
                Err(fault) if status < 400 && unread.is_none() => {
                    return Err(Failed::expression("session.failed", rule, fault));
                }
                Err(_) => {}
            }
        }
        if status >= 400 {
            return Err(refused(format!("the agency gave no session (HTTP status {status})")));
        }
        if let Some(unread) = unread {
            return Err(within(unread, "session"));
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
        Ok((Json::Object(values), until, ends))
    }
}

fn within(failed: Failed, place: &str) -> Failed {
    Failed { detail: format!("{place}: {}", failed.detail), ..failed }
}
