//! One agency, as its manifest describes it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::{Map, Value as Json};
use tokio::time::Instant;

use super::dispute;
use super::failed::{Failed, Failure};
use super::language::expression::{Scope, Witness};
use super::limits::{Breaker, Limits, Maintenance, Span, Turn, Waiter};
use super::line::{self, Line};
use super::manifest::{Access, Disputes, Manifest, Operation};
use super::mapping::{self, Mapped, Terms};
use super::queue::Queue;
use super::state::{Counters, Health, State};
use super::transport::{self, Ask, Moment, Transport};
use super::variables::{self, Wanted};
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
    kind: &'static str,
    transport: Arc<dyn Transport>,
    line: Arc<dyn Line>,
    /// What every expression sees.
    constants: Arc<Scope>,
    maintenance: Maintenance,
    disputes: Disputes,
    limits: Limits,
    /// Shared with the versions before: some question of theirs may be under way.
    counters: Arc<Counters>,
    /// Whether an expression looks at `nonce`: drawing one costs a system call.
    wants_nonce: bool,
    /// What else expressions look at.
    wanted: Wanted,
    warnings: Vec<Finding>,
}

impl Adapter {
    /// Over the line that the manifest describes. Opens nothing yet.
    pub(super) fn new(manifest: Manifest, catalogue: &[u8]) -> Result<Self, Finding> {
        let line = line::open(&manifest.access)
            .map_err(|problem| Finding::new(&manifest.file, problem))?;
        Ok(Self::over(line, manifest, catalogue))
    }

    /// Over a line of the caller's, such as a fixture.
    pub(super) fn over(line: Arc<dyn Line>, manifest: Manifest, catalogue: &[u8]) -> Self {
        Self::watched(line, None, manifest, catalogue)
    }

    /// The same, with a witness to every expression that is evaluated.
    pub(super) fn watched(
        line: Arc<dyn Line>,
        witness: Option<Arc<Witness>>,
        manifest: Manifest,
        catalogue: &[u8],
    ) -> Self {
        let fingerprint = fingerprint(&manifest, catalogue);
        let (wants_nonce, wanted) = (manifest.wants("nonce"), Wanted::by(&manifest));
        let constants = Arc::new(constants(&manifest).watched_by(witness));
        let operations = manifest.operations.into_iter().map(|operation| {
            let mut scope = Scope::inside(&constants);
            scope.set("codes", &operation.codes);
            (operation.fact.clone(), (operation, Arc::new(scope)))
        });
        let operations: BTreeMap<_, (Operation, _)> = operations.collect();
        let terms = operations
            .iter()
            .map(|(fact, (operation, _))| (fact, operation.idempotent, &operation.resilience));
        let limits = Limits::new(&manifest.name, &manifest.resilience, terms);
        let transport = transport::over(Arc::clone(&line), &manifest.access, manifest.session);
        Self {
            file: manifest.file,
            name: manifest.name,
            version: manifest.version,
            agency: manifest.agency,
            digest: manifest.digest,
            fingerprint,
            operations,
            kind: manifest.access.kind(),
            transport,
            line,
            constants,
            maintenance: manifest.maintenance,
            disputes: manifest.disputes,
            limits,
            counters: Arc::default(),
            wants_nonce,
            wanted,
            warnings: manifest.warnings,
        }
    }

    /// With the counters of the version before, if that was the same adapter in front of the same agency: what an
    /// operator sees of an agency does not begin anew because a line of its manifest changed.
    ///
    /// The breaker begins closed, and the rate and the budget begin full. What opened it may be the very thing that
    /// was mended, and an operator who reloads wants to see that now; if it was not, a few questions find out.
    pub(super) fn succeeding(mut self, before: &Self) -> Self {
        if (&self.name, &self.agency) == (&before.name, &before.agency) {
            self.counters = Arc::clone(&before.counters);
            self.limits.remember(&before.limits);
        }
        self
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

    /// `http`, `soap`, `sql`, `file` or `grpc`.
    pub fn transport(&self) -> &'static str {
        self.kind
    }

    /// What its manifest should be mended for in time, with places.
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }

    /// Whether the agency takes disputes about its data here.
    pub fn takes_disputes(&self) -> bool {
        self.disputes.queue.is_some() || self.disputes.call.is_some()
    }

    /// Whether disputes are brought to it by a call.
    pub fn is_called(&self) -> bool {
        self.disputes.call.is_some()
    }

    /// The folder for disputes and the agency's answers to them; `None` when it has none here.
    pub fn queue(&self) -> Option<&Queue> {
        self.disputes.queue.as_ref()
    }

    /// Brings the agency a dispute by its call; the agency's number of it comes back, empty when it gave none that can be
    /// read. When the future is dropped, the agency may or may not have it.
    ///
    /// # Errors
    /// Why it is not known to have taken it.
    pub async fn bring(
        &self,
        dispute: &Json,
        at: Timestamp,
        budget: Duration,
    ) -> Result<String, Failure> {
        let fact = FactCode::new(dispute::CALLED);
        let failure = |failed: Failed| failed.into_failure(&self.file_name(), &fact);
        let Some(call) = &self.disputes.call else {
            return Err(failure(Failed::unanswered(
                Unavailable::NoAdapter,
                "the manifest has no call for disputes",
            )));
        };
        if self.maintenance.covering(at).is_some() {
            let detail = "the agency is in maintenance";
            return Err(failure(Failed::unanswered(Unavailable::Maintenance, detail)));
        }
        let constants = (&self.constants, self.wants_nonce);
        let bringing = dispute::Bringing { call, constants, transport: &*self.transport };
        let may_repeat = || self.limits.may_repeat();
        bringing.bring(dispute, (at, Instant::now() + budget), &may_repeat).await.map_err(failure)
    }

    /// The facts it answers.
    pub fn facts(&self) -> impl Iterator<Item = &FactCode> {
        self.operations.keys()
    }

    /// What it has done, versions of its manifest before this one included, and how it is.
    pub fn state(&self) -> State {
        State { program: self.line.program(), ..self.counters.state(&self.limits) }
    }

    /// False while a program of the gateway's own, in front of the agency, is known not to run.
    pub fn is_up(&self) -> bool {
        self.line.is_up()
    }

    /// Whether it is worth asking at that moment.
    pub fn health(&self, at: Timestamp) -> Health {
        match self.limits.breaker() {
            _ if self.maintenance.covering(at).is_some() => Health::Maintenance,
            _ if !self.is_up() => Health::Down,
            Breaker::Open(_) => Health::Failing,
            Breaker::HalfOpen => Health::Trying,
            Breaker::Closed => Health::Serving,
        }
    }

    /// The maintenance window of that moment, else the next one.
    pub fn maintenance(&self, at: Timestamp) -> Option<Span> {
        self.maintenance.covering(at).or_else(|| self.maintenance.next(at))
    }

    /// Why the agency must not even be asked about that fact at that moment: a maintenance window. Counted as a
    /// failure, for a question it is.
    pub fn closed(&self, fact: &FactCode, at: Timestamp) -> Option<Failure> {
        let span = self.maintenance.covering(at)?;
        let failed = Failed {
            retry_after: Some(span.to.since(at)),
            ..Failed::unanswered(Unavailable::Maintenance, "the agency is in maintenance")
        };
        Some(self.count(failed, fact, at))
    }

    /// Whether a question that can wait needs no turn, because it would be told at once that the agency is not asked.
    pub fn tells_at_once(&self, fact: &FactCode, waiter: &Waiter) -> bool {
        self.limits.tells_at_once(fact, waiter)
    }

    /// Waits until a question that can wait may be asked without taking anything from those that cannot; `None` when
    /// that is not before `deadline`. Hold what comes back until the question has ended.
    pub async fn turn(&self, fact: &FactCode, waiter: &Waiter, deadline: Instant) -> Option<Turn> {
        self.limits.turn(fact, waiter, deadline).await
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
        if let Some(failure) = self.closed(&query.fact, at) {
            return Err(failure);
        }
        let deadline = started + budget;
        let attempt = || async {
            let now = at.plus(started.elapsed());
            self.attempt((operation, constants), query, &granted, (now, deadline)).await
        };
        match self.limits.run(&query.fact, deadline, attempt).await {
            Ok(Mapped { record, dropped }) => {
                self.counters.answered(at.plus(started.elapsed()), dropped);
                Ok(Answer { record, dropped })
            }
            Err(failed) => Err(self.count(failed, &query.fact, at.plus(started.elapsed()))),
        }
    }

    fn count(&self, failed: Failed, fact: &FactCode, at: Timestamp) -> Failure {
        let failure = failed.into_failure(&self.file_name(), fact);
        self.counters.failed(&failure, at);
        failure
    }

    /// One attempt, whatever the limits and the breaker say.
    pub(super) async fn attempt(
        &self,
        (operation, constants): (&Operation, &Arc<Scope>),
        query: &Query,
        granted: &BTreeSet<String>,
        (now, deadline): (Timestamp, Instant),
    ) -> Result<Mapped, Failed> {
        let began = Instant::now();
        let moment = || Moment {
            now: now.plus(began.elapsed()),
            nonce: if self.wants_nonce { nonce() } else { String::new() },
        };
        let may_repeat = || self.limits.may_repeat();
        let seen = OnceLock::new();
        let see = || question_scope(constants, operation, query, &self.wanted);
        let scope = &|| Arc::clone(seen.get_or_init(see));
        let (moment, may_repeat) = (&moment, &may_repeat);
        let subjects = query.subjects.len();
        let query = Some(query);
        let ask = Ask { operation, query, granted, scope, now, deadline, moment, may_repeat };
        let reply = self.transport.ask(&ask).await?;
        mapping::map(reply, &Terms { operation, granted, subjects, now })
    }

    /// An operation, and what its expressions see besides a question.
    pub(super) fn operation(&self, fact: &FactCode) -> Option<&(Operation, Arc<Scope>)> {
        self.operations.get(fact)
    }

    /// Starts the program of its own, if it has one that was not started yet; says what went wrong with that.
    pub(super) async fn begin(&self) -> Option<Finding> {
        let facts = self.facts().map(|fact| fact.as_str().to_owned()).collect();
        let problem = self.line.begin(facts).await.err()?;
        Some(Finding::new(&self.file, problem))
    }

    /// Ends its program for good, and waits for that.
    pub(super) async fn end(&self) {
        self.line.end().await;
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

/// A number used once, as some agencies want one signed: 32 lower-case hexadecimal digits.
pub(super) fn nonce() -> String {
    // A version 4 UUID is 122 random bits of the system's.
    uuid::Uuid::new_v4().simple().to_string()
}

fn fingerprint(manifest: &Manifest, catalogue: &[u8]) -> Digest {
    sha256_parts(&[&manifest.fingerprint, catalogue])
}

/// What every expression of a manifest sees.
pub(super) fn constants(manifest: &Manifest) -> Scope {
    let shape = match &manifest.access {
        Access::Http(site) | Access::Soap(site, _) => Arc::clone(&site.shape),
        Access::Sql(_) | Access::File(_) | Access::Grpc(_) => Arc::default(),
    };
    let secrets: Map<String, Json> = manifest
        .secrets
        .iter()
        .map(|(name, secret)| (name.clone(), Json::from(secret.expose_secret())))
        .collect();
    let mut scope = Scope::new(shape);
    scope.set("cfg", &manifest.settings);
    scope.set("secret", Json::Object(secrets));
    scope
}

/// What the expressions of one attempt see, but for what is new in each exchange.
pub(super) fn question_scope(
    constants: &Arc<Scope>,
    operation: &Operation,
    query: &Query,
    wanted: &Wanted,
) -> Arc<Scope> {
    let mut scope = Scope::inside(constants);
    variables::bind(&mut scope, query, &operation.roles, wanted);
    scope.set("fact", operation.fact.as_str());
    Arc::new(scope)
}
