//! Asking the agencies: one manifest each, four transports, one way of asking.
//!
//! An agency that is down, slow or answers nonsense yields a [`Failure`] with a reason; there is no path from there to
//! a "no". `docs/adapters.md` describes the manifests.

mod manifest;
mod expression;
mod functions;
mod moment;
mod template;
mod xml;
mod variables;
mod mapping;
mod failed;
mod call;
mod breaker;
mod state;
mod load;
mod tls;
mod https;
mod render;
mod session;
mod exchange;
mod http;
mod soap;
mod sql;
mod grpc;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::{Map, Value as Json, json};
use tokio::time::Instant;

use self::call::Limits;
use self::expression::Scope;
use self::failed::Failed;
use self::manifest::{Access, Manifest, Operation};
use self::mapping::{Mapped, Reply, Terms};
use self::state::Counters;
use crate::crypto::{Digest, sha256_parts};
use crate::decision::Permit;
use crate::finding::Finding;
use crate::query::record::{Record, Unavailable};
use crate::query::time::Timestamp;
use crate::query::{FactCode, OrganisationId, Query};

pub use self::failed::{Blame, Failure};
pub use self::load::check;
pub use self::manifest::Depth;
pub use self::state::State;

/// Every adapter in force. Immutable: a change makes another set.
#[derive(Clone, Default)]
pub struct Adapters {
    all: Vec<Arc<Adapter>>,
    by_fact: BTreeMap<FactCode, Arc<Adapter>>,
}

impl Adapters {
    fn of(all: Vec<Arc<Adapter>>) -> Self {
        let by_fact = all
            .iter()
            .flat_map(|adapter| adapter.facts().map(|fact| (fact.clone(), Arc::clone(adapter))))
            .collect();
        Self { all, by_fact }
    }

    /// The adapter that answers the fact.
    pub fn for_fact(&self, fact: &FactCode) -> Option<&Arc<Adapter>> {
        self.by_fact.get(fact)
    }

    /// Every adapter, by name.
    pub fn all(&self) -> &[Arc<Adapter>] {
        &self.all
    }
}

/// What an agency said.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The record, with granted attributes only.
    pub record: Record,
    /// How many attributes came without being granted.
    pub dropped: u32,
}

/// One agency, as its manifest describes it.
pub struct Adapter {
    file: PathBuf,
    name: String,
    version: String,
    agency: OrganisationId,
    digest: Digest,
    /// Over the manifest, everything it names, and the catalogue it was checked against.
    fingerprint: Digest,
    operations: BTreeMap<FactCode, (Operation, Arc<Scope>)>,
    transport: Arc<dyn Transport>,
    limits: Limits,
    counters: Counters,
}

impl Adapter {
    /// Opens nothing yet.
    fn new(manifest: Manifest, catalogue: &[u8]) -> Result<Self, Finding> {
        let fingerprint = fingerprint(&manifest, catalogue);
        let constants = Arc::new(constants(&manifest));
        let operations = manifest.operations.into_iter().map(|operation| {
            let mut scope = Scope::inside(&constants);
            scope.set("codes", &operation.codes);
            (operation.fact.clone(), (operation, Arc::new(scope)))
        });
        let operations = operations.collect();
        let unusable = |problem: String| Finding::new(&manifest.file, problem);
        let refused = |error: reqwest::Error| unusable(format!("HTTPS cannot be set up: {error}"));
        let session = manifest.session;
        let transport: Arc<dyn Transport> = match &manifest.access {
            Access::Http(site) => Arc::new(http::Http::new(site, session).map_err(refused)?),
            Access::Soap(site, version) => {
                Arc::new(soap::Soap::new(site, *version, session).map_err(refused)?)
            }
            Access::Sql(database) => Arc::new(sql::Sql::new(database)),
            Access::Grpc(program) => Arc::new(grpc::Grpc::new(program).map_err(unusable)?),
        };
        Ok(Self {
            file: manifest.file,
            name: manifest.name,
            version: manifest.version,
            agency: manifest.agency,
            digest: manifest.digest,
            fingerprint,
            operations,
            transport,
            limits: Limits::new(manifest.resilience),
            counters: Counters::default(),
        })
    }

    /// Name of the adapter.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Version of its manifest.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// SHA-256 of its manifest.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The organisation it speaks to.
    pub fn agency(&self) -> &OrganisationId {
        &self.agency
    }

    /// `http`, `soap`, `sql` or `grpc`.
    pub fn transport(&self) -> &'static str {
        self.transport.kind()
    }

    /// The facts it answers.
    pub fn facts(&self) -> impl Iterator<Item = &FactCode> {
        self.operations.keys()
    }

    /// What it has done since it was loaded.
    pub fn state(&self) -> State {
        self.counters.state(self.limits.in_flight(), self.limits.breaker())
    }

    /// Asks the agency, at the time `at` and for no longer than `budget`. Only attributes that the permit grants come
    /// back. When the future is dropped, the agency may or may not have been asked.
    ///
    /// # Errors
    /// Why there is no answer. Never a "no".
    pub async fn ask(
        &self,
        permit: &Permit,
        query: &Query,
        at: Timestamp,
        budget: Duration,
    ) -> Result<Answer, Failure> {
        self.ask_granted(&|attribute| permit.grants(attribute), query, at, budget).await
    }

    async fn ask_granted(
        &self,
        grants: &(dyn Fn(&str) -> bool + Sync),
        query: &Query,
        at: Timestamp,
        budget: Duration,
    ) -> Result<Answer, Failure> {
        let started = Instant::now();
        let place = self.place(&query.fact);
        let Some((operation, constants)) = self.operations.get(&query.fact) else {
            let detail = "the manifest has no such operation";
            let failed = Failed::unanswered(Unavailable::NoAdapter, detail);
            return Err(failed.into_failure(&place));
        };
        let granted: BTreeSet<String> = operation
            .catalogue
            .iter()
            .map(|attribute| attribute.name.clone())
            .filter(|attribute| grants(attribute))
            .collect();
        let deadline = started + budget;
        let attempt = || async {
            let now = at.plus(started.elapsed());
            let scope = question_scope(constants, operation, query, now);
            let ask = Ask { operation, query, granted: &granted, scope, now, deadline };
            let reply = self.transport.ask(&ask).await?;
            let subjects = query.subjects.len();
            mapping::map(reply, &Terms { operation, granted: &granted, subjects, now })
        };
        match self.limits.run(operation.idempotent, deadline, attempt).await {
            Ok(Mapped { record, dropped }) => {
                self.counters.answered(at.plus(started.elapsed()), dropped);
                Ok(Answer { record, dropped })
            }
            Err(failed) => {
                self.counters.failed(&failed);
                Err(failed.into_failure(&place))
            }
        }
    }

    fn file(&self) -> &Path {
        &self.file
    }

    /// True when it was made from the same files and the same catalogue.
    fn is_of(&self, manifest: &Manifest, catalogue: &[u8]) -> bool {
        self.fingerprint == fingerprint(manifest, catalogue)
    }

    fn place(&self, fact: &FactCode) -> String {
        let file = self.file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        format!("{file} {fact}")
    }
}

/// One question to one agency.
pub(crate) struct Ask<'a> {
    pub(crate) operation: &'a Operation,
    pub(crate) query: &'a Query,
    /// Attributes that the permit grants.
    pub(crate) granted: &'a BTreeSet<String>,
    /// What its expressions see.
    pub(crate) scope: Arc<Scope>,
    pub(crate) now: Timestamp,
    pub(crate) deadline: Instant,
}

/// A reply under way.
pub(crate) type Asked<'a> = Pin<Box<dyn Future<Output = Result<Reply, Failed>> + Send + 'a>>;

/// A way to speak to an agency.
///
/// One call of `ask` is one attempt: it keeps to the transport's own time limit and to the question's deadline, never
/// repeats what the agency may have acted on, and tells apart a reply from none. It may be called concurrently, and its
/// future may be dropped at any time.
pub(crate) trait Transport: Send + Sync {
    /// Its name in manifests.
    fn kind(&self) -> &'static str;

    /// Puts the question once.
    fn ask<'a>(&'a self, ask: &'a Ask<'a>) -> Asked<'a>;
}

fn fingerprint(manifest: &Manifest, catalogue: &[u8]) -> Digest {
    sha256_parts(&[&manifest.fingerprint, catalogue])
}

fn constants(manifest: &Manifest) -> Scope {
    let lists: Arc<[String]> = match &manifest.access {
        Access::Http(site) | Access::Soap(site, _) => Arc::from(site.arrays.as_slice()),
        Access::Sql(_) | Access::Grpc(_) => Arc::default(),
    };
    let secrets: Map<String, Json> = manifest
        .secrets
        .iter()
        .map(|(name, secret)| (name.clone(), Json::from(secret.expose_secret())))
        .collect();
    let mut scope = Scope::new(lists);
    scope.set("cfg", &manifest.settings);
    scope.set("secret", &Json::Object(secrets));
    scope
}

fn question_scope(
    constants: &Arc<Scope>,
    operation: &Operation,
    query: &Query,
    now: Timestamp,
) -> Arc<Scope> {
    let mut scope = Scope::inside(constants);
    variables::bind(&mut scope, query, &operation.roles);
    scope.set("now", &json!(now.0 / 1_000));
    scope.set("page", &json!(1));
    Arc::new(scope)
}

#[cfg(test)]
mod tests;
