//! What the simulated HTTP agencies share: the province, the clock, the faults, and a count of the questions asked.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value as Json;

use super::clock::Clock;
use super::faults::{Faults, Nonsense, about_somebody_else};
use super::province::Province;
use super::secrets::Secrets;

/// Longest body a simulated agency takes or gives, bytes; questions are a few kilobytes.
pub(super) const MAX_BODY: usize = 1 << 20;

/// One agency, whatever protocol it speaks.
#[derive(Clone)]
pub(super) struct Agency {
    pub(super) province: Arc<Province>,
    pub(super) secrets: Arc<Secrets>,
    pub(super) clock: Clock,
    pub(super) faults: Faults,
    /// Disputes that it took, as they came: by their ids, for a dispute that comes twice is one.
    pub(super) disputes: Arc<Mutex<BTreeMap<String, Json>>>,
    asked: Arc<AtomicU64>,
}

impl Agency {
    pub(super) fn new(province: Arc<Province>, secrets: Arc<Secrets>, clock: Clock) -> Self {
        let faults = Faults::default();
        Self { province, secrets, clock, faults, disputes: Arc::default(), asked: Arc::default() }
    }

    /// Counts one question, before anything else is done with it.
    pub(super) fn count(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a dispute as it came; its number, from 1. The same again has the same number.
    pub(super) fn took(&self, id: String, paper: Json) -> usize {
        let mut disputes = self.disputes.lock().unwrap_or_else(PoisonError::into_inner);
        // Ids begin with their moment, so a new one stands last.
        let place = disputes.keys().position(|known| *known == id).unwrap_or(disputes.len());
        disputes.insert(id, paper);
        place + 1
    }

    /// Questions that arrived so far, wrong credentials and failures included; logins are not questions.
    pub(super) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// The routes, with the count and the faults in front. Logins are added by the caller, behind [`Agency::wrap_login`].
    pub(super) fn wrap(&self, questions: Router) -> Router {
        questions.layer(from_fn_with_state((self.clone(), true), misbehave))
    }

    /// The same without the count.
    pub(super) fn wrap_login(&self, logins: Router) -> Router {
        logins.layer(from_fn_with_state((self.clone(), false), misbehave))
    }
}

async fn misbehave(
    State((agency, is_question)): State<(Agency, bool)>,
    request: Request,
    next: Next,
) -> Response {
    if is_question {
        agency.count();
    }
    if agency.faults.is_out() {
        let mut response = StatusCode::SERVICE_UNAVAILABLE.into_response();
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        return response;
    }
    let (delay, fails) = agency.faults.roll();
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    if fails {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    match agency.faults.nonsense() {
        Nonsense::Html => {
            Html("<html><body><h1>502 Bad Gateway</h1>nginx/1.18.0</body></html>").into_response()
        }
        kind @ (Nonsense::Truncated | Nonsense::WrongPerson) if is_question => {
            garble(next.run(request).await, kind).await
        }
        _ if is_question && agency.faults.has_erratum() => {
            held(next.run(request).await, &agency.faults).await
        }
        _ => next.run(request).await,
    }
}

/// The answer as wrong records have it.
async fn held(response: Response, faults: &Faults) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, MAX_BODY).await.unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    let held = std::str::from_utf8(&bytes).ok().and_then(|text| faults.as_held(text));
    Response::from_parts(parts, held.map_or_else(|| Body::from(bytes), Body::from))
}

async fn garble(response: Response, kind: Nonsense) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, MAX_BODY).await.unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    let garbled = match (kind, std::str::from_utf8(&bytes)) {
        (Nonsense::WrongPerson, Ok(text)) => about_somebody_else(text).into_bytes(),
        _ => bytes.get(..bytes.len() / 2).unwrap_or_default().to_vec(),
    };
    Response::from_parts(parts, Body::from(garbled))
}
