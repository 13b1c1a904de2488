//! One question, once, over any line: the clock stands still, nothing is repeated, no limit counts it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::{Map, Value as Json};
use tokio::time::Instant;

use super::adapter::{constants, question_scope};
use super::failed::Failed;
use super::language::expression::Witness;
use super::line::Line;
use super::manifest::{Manifest, Operation};
use super::mapping::{self, Mapped, Reply, Terms};
use super::transport::{self, Ask, Moment};
use super::variables::Wanted;
use crate::query::Query;
use crate::query::time::Timestamp;

/// How a question is asked.
pub(crate) struct Once<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) operation: &'a Operation,
    /// In the place of the manifest's.
    pub(crate) secrets: Option<&'a BTreeMap<String, String>>,
    pub(crate) witness: Option<Arc<Witness>>,
    pub(crate) at: Timestamp,
    /// One for each exchange; the last one for all that are left. None is an empty text.
    pub(crate) nonces: &'a [String],
    pub(crate) budget: Duration,
}

impl Once<'_> {
    /// What comes of it.
    pub(crate) async fn ask(
        &self,
        line: Arc<dyn Line>,
        query: &Query,
        granted: &BTreeSet<String>,
    ) -> Result<Mapped, Failed> {
        let reply = self.reply(line, query, granted).await?;
        self.map(reply, query, granted)
    }

    /// The reply alone, over a transport of its own: no session is inherited.
    pub(crate) async fn reply(
        &self,
        line: Arc<dyn Line>,
        query: &Query,
        granted: &BTreeSet<String>,
    ) -> Result<Reply, Failed> {
        let mut scope = constants(self.manifest).watched_by(self.witness.clone());
        if let Some(secrets) = self.secrets {
            let secrets: Map<String, Json> = secrets
                .iter()
                .map(|(name, value)| (name.clone(), Json::from(value.as_str())))
                .collect();
            scope.set("secret", Json::Object(secrets));
        }
        scope.set("codes", &self.operation.codes);
        let session = self.manifest.session.clone();
        let transport = transport::over(line, &self.manifest.access, session);
        let (operation, now) = (self.operation, self.at);
        let of = |place: usize| {
            let nonce = self.nonces.get(place).or(self.nonces.last());
            Moment { now, nonce: nonce.cloned().unwrap_or_default() }
        };
        let (constants, wanted) = (Arc::new(scope), Wanted::by(self.manifest));
        let seen = OnceLock::new();
        let see = || question_scope(&constants, operation, query, &wanted);
        let scope = &|| Arc::clone(seen.get_or_init(see));
        let exchanges = AtomicUsize::new(0);
        let moment = &|| of(exchanges.fetch_add(1, Ordering::Relaxed));
        let deadline = Instant::now() + self.budget;
        let may_repeat = &|| true;
        let query = Some(query);
        let ask = Ask { operation, query, granted, scope, now, deadline, moment, may_repeat };
        transport.ask(&ask).await
    }

    /// The record in a reply.
    pub(crate) fn map(
        &self,
        reply: Reply,
        query: &Query,
        granted: &BTreeSet<String>,
    ) -> Result<Mapped, Failed> {
        let (operation, now, subjects) = (self.operation, self.at, query.subjects.len());
        mapping::map(reply, &Terms { operation, granted, subjects, now })
    }
}
