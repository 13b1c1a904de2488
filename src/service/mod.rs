//! The edge: tonic on one side, the domain on the other. A request is stamped with the time here, once.
//!
//! A request comes to its end whatever becomes of its connection: tonic drops the future of a caller that hangs up, and
//! with it would go the entry.

mod admission;
mod answer;
mod audit;
mod batch;
mod case;
mod catalogue;
mod detached;
mod disputes;
mod gate;
mod operations;
mod orders;
mod pressure;
mod publish;
mod question;
mod quotas;
mod readiness;
mod refusal;
mod shares;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, histogram};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::{Code, Request, Response, Status, Streaming};

use self::admission::Admission;
pub use self::batch::BatchLimits;
use self::batch::Batches;
use self::case::CasePlaces;
use self::detached::{Detached, Panicked};
use self::gate::Gate;
use self::shares::Places;
use self::turns::{Held, Turns};
use crate::adapters::Waiter;
use crate::audit::Audit;
use crate::clock::now;
use crate::crypto::sha256;
use crate::decision::facts::Standing;
use crate::gateway::Gateway;
use crate::gateway::exchange::{Ask, Refusal, Reply};
use crate::identity::Peer;
use crate::proto::gateway::v1 as wire;
use crate::proto::gateway::v1::audit_server::AuditServer;
use crate::proto::gateway::v1::catalogue_server::CatalogueServer;
use crate::proto::gateway::v1::disputes_server::DisputesServer;
use crate::proto::gateway::v1::operations_server::OperationsServer;
use crate::proto::gateway::v1::verification_server::{Verification, VerificationServer};
use crate::query::{FactCode, OrganisationId};
use crate::telemetry;
use crate::wire::request_text;

/// Every service of the gateway, sharing one path.
#[derive(Clone)]
pub struct Services {
    gateway: Arc<Gateway>,
    /// The log, by the clerk of the thread that answers.
    log: Audit,
    /// Questions under way.
    admission: Arc<Admission>,
    /// What those wait for that can.
    turns: Arc<Turns>,
    /// Cases under way.
    cases: Arc<CasePlaces>,
    case_deadline: Duration,
    application_age: Duration,
    /// Calls about disputes under way.
    disputes: Arc<Places<OrganisationId>>,
    /// Reports of readiness being reckoned.
    readiness: Arc<Semaphore>,
    batches: Arc<Batches>,
    tasks: TaskTracker,
    counted: Arc<Counted>,
}

/// Limits of calls about disputes, which have places of their own: each waits for a disk, and no question is to wait behind it.
const DISPUTES: [&str; 2] = ["disputes.calls", "disputes.calls_per_caller"];

/// How much goes on at once, and how long a case may last.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Questions under way; one more is refused at once.
    pub in_flight: usize,
    /// How long what is ready may wait for a processor, before single questions are refused.
    pub processor_wait: Duration,
    /// Percent of them that questions of cases and batches may be, all together; one more waits.
    pub patient_percent: usize,
    /// Cases under way; one more is refused at once.
    pub cases: usize,
    /// Of one caller.
    pub cases_per_caller: usize,
    /// Time of a case whose caller set no deadline.
    pub case_deadline: Duration,
    /// How long before its case an application may have been submitted.
    pub application_age: Duration,
    /// Calls about disputes under way; one more is refused at once.
    pub disputes: usize,
    /// Of one organisation.
    pub disputes_per_caller: usize,
    /// Of batches.
    pub batch: BatchLimits,
}

impl Services {
    /// Within these limits; `tasks` is waited for at drain, which begins for batches with `stop`.
    pub fn new(
        gateway: Arc<Gateway>,
        limits: Limits,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let admission = Arc::new(Admission::new(limits.in_flight, limits.processor_wait));
        let turns = Turns::new(&admission, limits.in_flight, limits.patient_percent);
        Self {
            log: gateway.audit().clone(),
            gateway,
            admission,
            turns: Arc::new(turns),
            cases: Arc::new(CasePlaces::new(limits.cases, limits.cases_per_caller)),
            case_deadline: limits.case_deadline,
            application_age: limits.application_age,
            disputes: Arc::new(Places::new(limits.disputes, limits.disputes_per_caller, DISPUTES)),
            readiness: Arc::new(Semaphore::new(readiness::AT_ONCE)),
            batches: Arc::new(Batches::new(limits.batch, stop)),
            tasks,
            counted: Arc::new(Counted::new()),
        }
    }

    /// The same for calls that come to this runtime: with a clerk before the log, and a look at what its processor bears,
    /// of their own.
    ///
    /// # Panics
    /// Outside a runtime.
    #[must_use]
    pub fn on_this_runtime(&self) -> Self {
        let admission = Arc::new(self.admission.afresh());
        let (watched, looks, until) =
            (Arc::clone(&admission), self.tasks.clone(), self.batches.stop().clone());
        self.tasks.spawn(async move { until.run_until_cancelled(watched.watch(&looks)).await });
        Self { log: self.log.on_this_runtime(), admission, ..self.clone() }
    }

    /// The routes of all services, for the listener.
    ///
    /// `message_bytes` bounds a request; larger ones are refused before they are read.
    pub fn routes(&self, message_bytes: usize) -> tonic::service::Routes {
        let verification =
            VerificationServer::new(self.clone()).max_decoding_message_size(message_bytes);
        let catalogue = CatalogueServer::new(self.clone()).max_decoding_message_size(message_bytes);
        let audit = AuditServer::new(self.clone()).max_decoding_message_size(message_bytes);
        let operations =
            OperationsServer::new(self.clone()).max_decoding_message_size(message_bytes);
        let disputes = DisputesServer::new(self.clone()).max_decoding_message_size(message_bytes);
        tonic::service::Routes::new(Gate::before(verification, &self.admission))
            .add_service(catalogue)
            .add_service(audit)
            .add_service(operations)
            .add_service(disputes)
    }

    /// The question of a message that has just come.
    fn ask(
        &self,
        peer: Arc<Peer>,
        message: &wire::VerifyRequest,
        deadline: Option<Duration>,
    ) -> Ask {
        let arrived = Instant::now();
        let received_at = now();
        let entries = self.log.size();
        let (query, defects) = question::read(message, &self.gateway.in_force().catalogue, entries);
        let request = request_text(message);
        let digest = sha256(&request);
        let log = self.log.clone();
        let anew = false;
        Ask { peer, query, defects, request, digest, received_at, arrived, deadline, anew, log }
    }

    /// The turn of a question that can wait; `None` when there was none by `until`.
    async fn turn(
        &self,
        peer: &Peer,
        message: &wire::VerifyRequest,
        waiter: &Waiter,
        until: Instant,
    ) -> Option<Held> {
        let fact = FactCode::new(message.fact.as_str());
        let in_force = self.gateway.in_force();
        self.turns.of(in_force, (peer, &fact), waiter, until).await
    }

    /// Answers, to the end whatever becomes of the caller. `held` is given back then.
    async fn put<H: Send + 'static>(
        &self,
        ask: Ask,
        held: H,
    ) -> Result<Result<Arc<Reply>, Refusal>, Panicked> {
        let gateway = Arc::clone(&self.gateway);
        let answering = async move {
            let answered = gateway.answer(ask).await;
            drop(held);
            answered
        };
        Detached::new(&self.tasks, answering).await
    }
}

/// What is counted of questions that are answered, looked up once: finding a metric by its labels costs more than
/// counting.
struct Counted {
    single: (Histogram, Counter),
    of_batch: (Histogram, Counter),
}

impl Counted {
    /// Of the recorder that is installed by now.
    fn new() -> Self {
        let of = |method: &'static str| {
            let answered = counter!(telemetry::REQUESTS, "method" => method, "code" => "Ok");
            (histogram!(telemetry::REQUEST_SECONDS, "method" => method), answered)
        };
        Self { single: of(SINGLE), of_batch: of(OF_BATCH) }
    }

    fn of(&self, method: &'static str) -> &(Histogram, Counter) {
        if method == SINGLE { &self.single } else { &self.of_batch }
    }
}

/// The method of a question by itself.
const SINGLE: &str = "Verify";
/// The method of many.
const OF_BATCH: &str = "VerifyBatch";

/// What the caller is told, counted.
fn told(
    services: &Services,
    method: &'static str,
    arrived: Instant,
    answered: Result<Result<Arc<Reply>, Refusal>, Panicked>,
) -> Result<wire::VerifyResponse, Status> {
    let (seconds, count) = services.counted.of(method);
    seconds.record(arrived.elapsed());
    let result = match answered {
        Ok(Ok(reply)) => Ok(answer::write(&reply)),
        Ok(Err(refused)) => Err(refusal::status(&refused)),
        Err(Panicked) => {
            counter!(telemetry::PANICS).increment(1);
            // Without the panic's message, which may quote what was being read.
            tracing::error!("a question ended in a panic; nothing was released");
            Err(refusal::internal())
        }
    };
    match result.as_ref().err().map(Status::code) {
        None => count.increment(1),
        Some(code) => {
            counter!(telemetry::REQUESTS, "method" => method, "code" => format!("{code:?}"))
                .increment(1);
        }
    }
    result
}

#[tonic::async_trait]
impl Verification for Services {
    async fn verify(
        &self,
        request: Request<wire::VerifyRequest>,
    ) -> Result<Response<wire::VerifyResponse>, Status> {
        let peer = peer(&request)?;
        let taken = self.admission.take(peer.account());
        let place = taken.map_err(|full| self.admission.refuse(full))?;
        let deadline = deadline(&request);
        let ask = self.ask(peer, &request.into_inner(), deadline);
        let arrived = ask.arrived;
        let answered = self.put(ask, place).await;
        told(self, SINGLE, arrived, answered).map(Response::new)
    }

    type VerifyBatchStream = batch::Replies;

    async fn verify_batch(
        &self,
        request: Request<Streaming<wire::BatchRequest>>,
    ) -> Result<Response<Self::VerifyBatchStream>, Status> {
        let peer = peer(&request)?;
        Ok(Response::new(batch::open(self, peer, request.into_inner())))
    }

    type CheckCaseStream = case::Events;

    async fn check_case(
        &self,
        request: Request<wire::CheckCaseRequest>,
    ) -> Result<Response<Self::CheckCaseStream>, Status> {
        case::check(self, request).map(Response::new)
    }
}

/// The place of a question or a case among those under way. Given back and uncounted however that ends, by a panic too.
struct Place {
    _slot: OwnedSemaphorePermit,
    /// What counts it.
    counted: Gauge,
}

impl Place {
    fn counted(slot: OwnedSemaphorePermit, counted: Gauge) -> Self {
        counted.increment(1.0);
        Self { _slot: slot, counted }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.counted.decrement(1.0);
    }
}

/// The caller's certificate, put there by the listener.
fn peer<T>(request: &Request<T>) -> Result<Arc<Peer>, Status> {
    request
        .extensions()
        .get::<Arc<Peer>>()
        .cloned()
        .ok_or_else(|| Status::internal("the connection carries no certificate"))
}

/// Fails unless the caller's system has the right that `chosen` picks.
fn require<T>(
    services: &Services,
    request: &Request<T>,
    right: &str,
    chosen: impl Fn(&crate::parties::Rights) -> bool,
) -> Result<Arc<Peer>, Status> {
    let peer = peer(request)?;
    let in_force = services.gateway.in_force();
    let refused =
        |text: String| Err(refusal::with_reason(Code::PermissionDenied, &text, "RIGHT_MISSING"));
    match peer.rights(&in_force.register) {
        Ok(rights) if chosen(rights) => Ok(peer),
        Ok(_) => refused(format!(
            "this system lacks the right `{right}` in the party register; ask your register's keeper"
        )),
        Err(Standing::ForeignAuthority) => {
            refused("the certificate was not issued by the organisation it names".to_owned())
        }
        Err(_) => refused("this certificate is not in the party register".to_owned()),
    }
}

/// The caller's deadline from `grpc-timeout`: at most eight digits and a unit. A malformed one counts as none.
fn deadline<T>(request: &Request<T>) -> Option<Duration> {
    let text = request.metadata().get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count.saturating_mul(3600)),
        "M" => Duration::from_secs(count.saturating_mul(60)),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services").finish_non_exhaustive()
    }
}
