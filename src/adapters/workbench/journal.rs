//! What happened while a question was asked, in its order: what went over the line, and what expressions came to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::ExposeSecret;
use serde_json::Value as Json;
use tokio::time::Instant;

use super::glimpses::{self, Glimpse};
use super::keys::Keys;
use crate::adapters::failed::Failed;
use crate::adapters::language::charset::Charset;
use crate::adapters::language::expression::{Expression, Fault, Scope, Witness};
use crate::adapters::line::{Got, Line, Put, Putting};
use crate::adapters::manifest::{Access, Manifest, Question};
use crate::adapters::transport::however_written;
use crate::query::FactCode;

/// Characters of a text from which it is worth hiding: shorter ones are no signatures.
const SHORTEST_SIGNATURE: usize = 6;

/// One thing that happened. Personal data and secrets are in it.
#[derive(Clone)]
pub(super) enum Event {
    /// Something was put.
    Put(Put),
    /// Something came back.
    Got(Got),
    /// Nothing did.
    Broke(Failed),
    /// An expression was worked out.
    Worked(Worked),
}

/// An expression, worked out.
#[derive(Clone)]
pub(super) struct Worked {
    pub(super) key: String,
    pub(super) line: Option<u32>,
    pub(super) source: String,
    pub(super) saw: Vec<Glimpse>,
    pub(super) yielded: Result<Json, Fault>,
}

/// Everything that happened, and everything that must be hidden of it.
pub(super) struct Journal {
    keys: Keys,
    charset: Charset,
    /// Where a session is had, unless an operation is asked there too.
    session_path: Option<String>,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    events: Vec<Event>,
    secrets: BTreeSet<String>,
    times: BTreeMap<(Option<u32>, String), usize>,
}

impl Journal {
    /// Nothing happened yet; the manifest's secrets are to be hidden.
    pub(super) fn about(manifest: &Manifest, fact: &FactCode) -> Self {
        let charset = match &manifest.access {
            Access::Http(site) | Access::Soap(site, _) => site.charset,
            Access::Sql(_) | Access::File(_) | Access::Grpc(_) => Charset::Utf8,
        };
        let secrets =
            manifest.secrets.values().map(|secret| secret.expose_secret().to_owned()).collect();
        let inside = Mutex::new(Inside { secrets, ..Inside::default() });
        let paths = manifest.operations.iter().filter_map(|one| match &one.question {
            Question::Http(request) => Some(request.path.as_str()),
            Question::Soap(envelope) => Some(envelope.path.as_str()),
            _ => None,
        });
        let session_path = manifest.session.as_ref().map(|session| session.request.path.clone());
        let session_path = session_path.filter(|path| paths.clone().all(|other| other != path));
        Self { keys: Keys::of(manifest, fact), charset, session_path, inside }
    }

    /// Of each event, whether a session was had by it: its reply is nothing but secrets.
    pub(super) fn of_session(&self, events: &[Event]) -> Vec<bool> {
        let mut all = Vec::with_capacity(events.len());
        let mut is_put_there = false;
        for (at, event) in events.iter().enumerate() {
            let worked = events.iter().skip(at).find_map(|event| match event {
                Event::Worked(worked) => Some(worked.key.as_str()),
                _ => None,
            });
            let is_read_so = worked.is_some_and(is_of_session);
            if let Event::Put(Put::Http(outgoing)) = event {
                let path = outgoing.target.split('?').next().unwrap_or_default();
                is_put_there = self.session_path.as_deref() == Some(path);
            }
            all.push(match event {
                Event::Put(_) | Event::Got(_) => is_read_so || is_put_there,
                Event::Worked(worked) => is_of_session(&worked.key),
                Event::Broke(_) => false,
            });
        }
        all
    }

    /// How texts are written on the line.
    pub(super) fn charset(&self) -> Charset {
        self.charset
    }

    /// What happened so far, and what must be hidden of it.
    pub(super) fn told(&self) -> (Vec<Event>, BTreeSet<String>) {
        let inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        (inside.events.clone(), inside.secrets.clone())
    }

    /// Tells this journal of every expression.
    pub(super) fn witness(self: &Arc<Self>) -> Arc<Witness> {
        let journal = Arc::clone(self);
        Arc::new(move |expression: &Expression, scope: &Scope, value: &Result<Json, Fault>| {
            journal.worked(expression, scope, value);
        })
    }

    fn note(&self, event: Event) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        // A signature is no expression's value, so no witness hears of it.
        if let Event::Put(Put::Http(outgoing)) = &event {
            inside.secrets.extend(however_written(&outgoing.secrets));
        }
        inside.events.push(event);
    }

    fn worked(&self, expression: &Expression, scope: &Scope, value: &Result<Json, Fault>) {
        let saw = glimpses::of(expression.source(), scope);
        let place = (expression.line(), expression.source().to_owned());
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let time = inside.times.entry(place).or_default();
        let key = self.keys.key(expression, *time);
        *time += 1;
        inside.secrets.extend(secrets_of(&key, expression.source(), &saw, value));
        inside.events.push(Event::Worked(Worked {
            key,
            line: expression.line(),
            source: expression.source().to_owned(),
            saw,
            yielded: value.clone(),
        }));
    }
}

/// `rejected` is asked of every other reply.
fn is_of_session(key: &str) -> bool {
    let is_read = ["session.values", "session.expires", "session.failed"];
    is_read.iter().any(|part| key.starts_with(part))
}

/// What an expression makes secret: session values and what they are made of, and whatever a request makes of a secret,
/// which is a signature or a secret in another form.
fn secrets_of(
    key: &str,
    source: &str,
    saw: &[Glimpse],
    value: &Result<Json, Fault>,
) -> Vec<String> {
    let is_reading = ["document", "outcome", "attributes", "as_of", "checked", "paging"]
        .iter()
        .any(|reading| key.starts_with(reading));
    let is_session_value = key.starts_with("session.values");
    let uses_secret = source.contains("secret") || source.contains("session");
    let mut secrets = Vec::new();
    if is_session_value || (uses_secret && !is_reading) {
        let shortest = if is_session_value { 1 } else { SHORTEST_SIGNATURE };
        texts(value.as_ref().unwrap_or(&Json::Null), shortest, &mut secrets);
    }
    if is_session_value {
        for glimpse in saw.iter().filter(|glimpse| glimpse.path.starts_with("resp.")) {
            texts(glimpse.value.as_ref().unwrap_or(&Json::Null), SHORTEST_SIGNATURE, &mut secrets);
        }
    }
    secrets
}

fn texts(value: &Json, shortest: usize, into: &mut Vec<String>) {
    match value {
        Json::String(text) if text.chars().count() >= shortest => into.push(text.clone()),
        Json::Number(number) => into.push(number.to_string()),
        Json::Array(items) => items.iter().for_each(|item| texts(item, shortest, into)),
        Json::Object(map) => map.values().for_each(|item| texts(item, shortest, into)),
        Json::String(_) | Json::Null | Json::Bool(_) => {}
    }
}

/// A line that keeps in a journal what goes over it.
pub(super) struct Listening {
    line: Arc<dyn Line>,
    journal: Arc<Journal>,
}

impl Listening {
    /// To this line.
    pub(super) fn to(line: Arc<dyn Line>, journal: Arc<Journal>) -> Self {
        Self { line, journal }
    }
}

impl Line for Listening {
    fn put(&self, put: Put, deadline: Instant) -> Putting<'_> {
        Box::pin(async move {
            self.journal.note(Event::Put(put.clone()));
            let got = self.line.put(put, deadline).await;
            self.journal.note(match &got {
                Ok(got) => Event::Got(got.clone()),
                Err(failed) => Event::Broke(failed.clone()),
            });
            got
        })
    }
}
