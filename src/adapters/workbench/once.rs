//! One question, once, over any line: the clock stands still, nothing is repeated, no limit counts it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value as Json};
use tokio::time::Instant;

use crate::adapters::adapter::{constants, question_scope};
use crate::adapters::failed::Failed;
use crate::adapters::language::expression::Witness;
use crate::adapters::line::Line;
use crate::adapters::manifest::{Manifest, Operation};
use crate::adapters::mapping::{self, Mapped, Terms};
use crate::adapters::transport::{self, Ask};
use crate::query::Query;
use crate::query::time::Timestamp;

/// How a question is asked.
pub(super) struct Once<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) operation: &'a Operation,
    /// In the place of the manifest's.
    pub(super) secrets: Option<&'a BTreeMap<String, String>>,
    pub(super) witness: Option<Arc<Witness>>,
    pub(super) at: Timestamp,
    pub(super) nonce: &'a str,
    pub(super) budget: Duration,
}

impl Once<'_> {
    /// What comes of it.
    pub(super) async fn ask(
        &self,
        line: Arc<dyn Line>,
        query: &Query,
        granted: &BTreeSet<String>,
    ) -> Result<Mapped, Failed> {
        let mut scope = constants(self.manifest).watched_by(self.witness.clone());
        if let Some(secrets) = self.secrets {
            let secrets: Map<String, Json> = secrets
                .iter()
                .map(|(name, value)| (name.clone(), Json::from(value.as_str())))
                .collect();
            scope.set("secret", &Json::Object(secrets));
        }
        scope.set("codes", &self.operation.codes);
        let session = self.manifest.session.clone();
        let transport = transport::over(line, &self.manifest.access, session);
        let scope = question_scope(&Arc::new(scope), self.operation, query, self.at, self.nonce);
        let (operation, now) = (self.operation, self.at);
        let deadline = Instant::now() + self.budget;
        let reply = transport.ask(&Ask { operation, query, granted, scope, now, deadline }).await?;
        let subjects = query.subjects.len();
        mapping::map(reply, &Terms { operation, granted, subjects, now })
    }
}
