//! What went over a line, as a fixture holds it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value as Json;

use super::disguise::Disguise;
use super::recorder::RecordError;
use crate::adapters::fixture::{Body, Reply, Request, Said};
use crate::adapters::language::charset::Charset;
use crate::adapters::line::https::Incoming;
use crate::adapters::line::{Got, Put};
use crate::adapters::manifest::{Access, Manifest, Operation};
use crate::proto::adapter::v1 as wire;
use crate::proto::adapter::v1::fetch_response::Outcome;
use crate::query::time::Timestamp;
use crate::wire::read_value;

/// How replies of one manifest are kept.
pub(super) struct Taken {
    pub(super) charset: Charset,
    /// Texts of its expressions: a header that none of them names is not kept.
    texts: String,
}

impl Taken {
    pub(super) fn of(manifest: &Manifest) -> Self {
        let charset = match &manifest.access {
            Access::Http(site) | Access::Soap(site, _) => site.charset,
            _ => Charset::Utf8,
        };
        let texts: Vec<&str> = manifest.places.iter().map(|place| place.text.as_str()).collect();
        Self { charset, texts: texts.join("\n").to_ascii_lowercase() }
    }

    /// The reply with everybody replaced.
    pub(super) fn reply(&self, got: &Got, disguise: &mut Disguise) -> Result<Reply, RecordError> {
        Ok(match got {
            Got::Http(incoming) => self.http(incoming, disguise)?,
            Got::Rows { rows, as_of } => Reply::Rows {
                rows: rows.iter().map(|row| disguise.json(row)).collect(),
                as_of: *as_of,
            },
            Got::Fetched(reply) => Reply::Said(said(reply, disguise)),
        })
    }

    fn http(&self, incoming: &Incoming, disguise: &mut Disguise) -> Result<Reply, RecordError> {
        let body = self
            .charset
            .decode(&incoming.body)
            .ok_or_else(|| RecordError::NotText("the body of a reply".to_owned()))?;
        let is_named = |form: String| self.texts.contains(&form);
        let is_read = |name: &str| {
            name == "content-type"
                || is_named(format!("headers.{name}"))
                || is_named(format!("\"{name}\""))
                || is_named(format!("'{name}'"))
        };
        let headers = incoming.headers.iter().filter(|(name, _)| is_read(name));
        let headers: BTreeMap<String, String> = headers
            .map(|(name, value)| (name.clone(), disguise.text(value.as_str().unwrap_or_default())))
            .collect();
        let body = Body::Text(disguise.text(&body));
        Ok(Reply::Http { status: incoming.status, headers, body })
    }
}

fn said(reply: &wire::FetchResponse, disguise: &mut Disguise) -> Said {
    match &reply.outcome {
        Some(Outcome::Found(found)) => {
            let told = found.attributes.iter().filter_map(|(name, value)| {
                Some((name.clone(), disguise.json(&read_value(value)?.plain())))
            });
            Said::Found {
                attributes: told.collect(),
                as_of: found.as_of.as_ref().and_then(moment),
                subjects_checked: found.subjects_checked.clone(),
            }
        }
        Some(Outcome::NotFound(none)) => {
            Said::NotFound { as_of: none.as_of.as_ref().and_then(moment) }
        }
        Some(Outcome::Unavailable(unavailable)) => Said::Unavailable {
            reason: unavailable.reason.clone(),
            retry_after: unavailable
                .retry_after
                .as_ref()
                .and_then(|wait| u64::try_from(wait.seconds).ok())
                .map(Duration::from_secs),
        },
        None => Said::Unavailable { reason: String::new(), retry_after: None },
    }
}

fn moment(at: &prost_types::Timestamp) -> Option<Timestamp> {
    let micros = u64::try_from(at.seconds).ok()?.checked_mul(1_000_000)?;
    Some(Timestamp(micros + u64::try_from(at.nanos).ok()? / 1_000))
}

/// What was put, as a fixture compares it.
pub(super) fn request(put: &Put, charset: Charset) -> Request {
    match put {
        Put::Http(outgoing) => {
            let mut headers = BTreeMap::new();
            if let Some((kind, _)) = &outgoing.payload {
                headers.insert("content-type".to_owned(), kind.clone());
            }
            for (name, value) in &outgoing.headers {
                if !name.eq_ignore_ascii_case("content-type") {
                    headers.insert(name.clone(), value.clone());
                } else if outgoing.payload.is_some() {
                    headers.insert("content-type".to_owned(), value.clone());
                }
            }
            let bytes = outgoing.payload.as_ref().map_or(&[][..], |(_, bytes)| bytes);
            let text = charset
                .decode(bytes)
                .filter(|text| charset.encode(text).is_some_and(|again| again == *bytes));
            Request::Http {
                method: outgoing.method.to_string(),
                target: outgoing.target.clone(),
                headers,
                body: text.map_or_else(|| Body::Bytes(bytes.to_vec()), Body::Text),
            }
        }
        Put::Select(select) => Request::Select {
            statement: Some(select.statement.clone()),
            parameters: select.parameters.clone(),
        },
        Put::Lookup(lookup) => {
            Request::Select { statement: None, parameters: vec![lookup.key.as_str().into()] }
        }
        Put::Fetch(question) => {
            let mut attributes = question.attributes.clone();
            attributes.sort();
            Request::Fetch { attributes }
        }
    }
}

/// Every text that the manifest itself writes: in its expressions, its constants and its code tables.
pub(super) fn written(manifest: &Manifest, operation: &Operation) -> BTreeSet<String> {
    let mut written = BTreeSet::new();
    for place in &manifest.places {
        for quote in ['"', '\''] {
            let parts = place.text.split(quote).skip(1).step_by(2);
            written.extend(parts.map(str::to_owned));
        }
    }
    names(&operation.codes, &mut written);
    names(&manifest.settings, &mut written);
    written.remove("");
    written
}

fn names(value: &Json, into: &mut BTreeSet<String>) {
    match value {
        Json::Object(map) => {
            for (key, value) in map {
                into.insert(key.clone());
                names(value, into);
            }
        }
        Json::Array(items) => items.iter().for_each(|item| names(item, into)),
        Json::String(text) => {
            into.insert(text.clone());
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}
