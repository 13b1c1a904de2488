//! One agency, as its manifest describes it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::{Map, Value as Json, json};
use tokio::time::Instant;

use super::failed::{Failed, Failure};
use super::language::expression::{Scope, Witness};
use super::limits::Limits;
use super::line::{self, Line};
use super::manifest::{Access, Manifest, Operation};
use super::mapping::{self, Mapped, Terms};
use super::state::{Counters, State};
use super::transport::{self, Ask, Transport};
use super::variables;
use crate::crypto::{Digest, sha256_parts};
use crate::decision::Permit;
use crate::finding::Finding;
use crate::query::record::{Record, Unavailable};
use crate::query::time::Timestamp;
use crate::query::{FactCode, OrganisationId, Query};

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
    nonces: Nonces,
}

/// Where the numbers used once come from that some agencies want signed.
pub(super) enum Nonces {
    /// Drawn anew for each attempt.
    Drawn,
    /// Always this one, so that a fixture's bytes can be compared.
    #[expect(dead_code, reason = "for fixtures, which come next")]
    Fixed(String),
}

impl Nonces {
    /// 32 lower-case hexadecimal digits, unless it is fixed.
    fn next(&self) -> String {
        match self {
            Self::Fixed(nonce) => nonce.clone(),
            // A version 4 UUID is 122 random bits of the system's.
            Self::Drawn => uuid::Uuid::new_v4().simple().to_string(),
        }
    }
}

impl Adapter {
    /// Over the line that the manifest describes. Opens nothing yet.
    pub(super) fn new(manifest: Manifest, catalogue: &[u8]) -> Result<Self, Finding> {
        let line = line::open(&manifest.access)
            .map_err(|problem| Finding::new(&manifest.file, problem))?;
        Ok(Self::over(line, Nonces::Drawn, manifest, catalogue))
    }

    /// Over a line of the caller's, such as a fixture.
    pub(super) fn over(
        line: Arc<dyn Line>,
        nonces: Nonces,
        manifest: Manifest,
        catalogue: &[u8],
    ) -> Self {
        Self::watched(line, nonces, None, manifest, catalogue)
    }

    /// The same, with a witness to every expression that is evaluated.
    pub(super) fn watched(
        line: Arc<dyn Line>,
        nonces: Nonces,
        witness: Option<Arc<Witness>>,
        manifest: Manifest,
        catalogue: &[u8],
    ) -> Self {
        let fingerprint = fingerprint(&manifest, catalogue);
        let constants = Arc::new(constants(&manifest).watched_by(witness));
        let operations = manifest.operations.into_iter().map(|operation| {
            let mut scope = Scope::inside(&constants);
            scope.set("codes", &operation.codes);
            (operation.fact.clone(), (operation, Arc::new(scope)))
        });
        let operations = operations.collect();
        let transport = transport::over(line, &manifest.access, manifest.session);
        Self {
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
            nonces,
        }
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

    pub(super) async fn ask_granted(
        &self,
        grants: &(dyn Fn(&str) -> bool + Sync),
        query: &Query,
        at: Timestamp,
        budget: Duration,
    ) -> Result<Answer, Failure> {
        let started = Instant::now();
        let Some((operation, constants)) = self.operations.get(&query.fact) else {
            let detail = "the manifest has no such operation";
            let failed = Failed::unanswered(Unavailable::NoAdapter, detail);
            return Err(failed.into_failure(&self.file_name(), &query.fact));
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
            let scope = question_scope(constants, operation, query, now, &self.nonces.next());
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
                Err(failed.into_failure(&self.file_name(), &query.fact))
            }
        }
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// True when it was made from the same files and the same catalogue.
    pub(super) fn is_of(&self, manifest: &Manifest, catalogue: &[u8]) -> bool {
        self.fingerprint == fingerprint(manifest, catalogue)
    }

    fn file_name(&self) -> String {
        let name = self.file.file_name().map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_default()
    }
}

fn fingerprint(manifest: &Manifest, catalogue: &[u8]) -> Digest {
    sha256_parts(&[&manifest.fingerprint, catalogue])
}

/// What every expression of a manifest sees.
pub(super) fn constants(manifest: &Manifest) -> Scope {
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

/// What the expressions of one attempt see.
pub(super) fn question_scope(
    constants: &Arc<Scope>,
    operation: &Operation,
    query: &Query,
    now: Timestamp,
    nonce: &str,
) -> Arc<Scope> {
    let mut scope = Scope::inside(constants);
    variables::bind(&mut scope, query, &operation.roles);
    scope.set("now", &json!(now.0 / 1_000));
    scope.set("nonce", &json!(nonce));
    scope.set("page", &json!(1));
    Arc::new(scope)
}
