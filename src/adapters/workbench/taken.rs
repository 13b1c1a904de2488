//! What went over a line, as a fixture holds it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value as Json;

use super::disguise::Disguise;
use super::glimpses::Glimpse;
use super::recorder::RecordError;
use super::{leaves, looks};
use crate::adapters::fixture::{Body, Reply, Request, Said};
use crate::adapters::language::charset::Charset;
use crate::adapters::line::https::Incoming;
use crate::adapters::line::{Got, Put};
use crate::adapters::manifest::{Access, Manifest, Operation};
use crate::catalogue::AttributeKind;
use crate::proto::adapter::v1 as wire;
use crate::proto::adapter::v1::fetch_response::Outcome;
use crate::query::time::Timestamp;
use crate::query::value::Value;
use crate::wire::read_value;

/// How replies of one manifest are kept.
pub(super) struct Taken {
    pub(super) charset: Charset,
    /// Texts of its expressions, in lower case: a header that none of them reads is not kept.
    texts: Vec<String>,
}

impl Taken {
    pub(super) fn of(manifest: &Manifest) -> Self {
        let charset = match &manifest.access {
            Access::Http(site) | Access::Soap(site, _) => site.charset,
            _ => Charset::Utf8,
        };
        let texts = manifest.places.iter().map(|place| place.text.to_ascii_lowercase());
        Self { charset, texts: texts.collect() }
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
        let is_read = |name: &str| {
            name == "content-type" || self.texts.iter().any(|text| reads_header(text, name))
        };
        let headers = incoming.headers.iter().filter(|(name, _)| is_read(name));
        let headers: BTreeMap<String, String> = headers
            .map(|(name, value)| {
                let value = value.as_str().unwrap_or_default();
                let is_type = name == "content-type" && is_content_type(value);
                (name.clone(), if is_type { value.to_owned() } else { disguise.text(value) })
            })
            .collect();
        let body = Body::Text(disguise.text(&body));
        Ok(Reply::Http { status: incoming.status, headers, body })
    }
}

/// `text/xml; charset=utf-8`, and nothing else.
fn is_content_type(value: &str) -> bool {
    let is_of = |byte: u8| byte.is_ascii_alphanumeric() || b"/+.-;= \"".contains(&byte);
    value.len() <= 80 && value.bytes().all(is_of)
}

/// Adds what an expression looked at of a reply: single values, not the whole that they stand in.
pub(super) fn read(glimpse: &Glimpse, into: &mut BTreeSet<String>) {
    if !["resp", "doc"].iter().any(|root| glimpse.path.starts_with(root)) {
        return;
    }
    match &glimpse.value {
        Some(Json::String(text)) => drop(into.insert(text.trim().to_owned())),
        Some(Json::Number(number)) => drop(into.insert(number.to_string())),
        _ => {}
    }
}

/// Adds the numbers that a program says: it is asked for attributes by name, and no expression reads them.
pub(super) fn said_numbers(got: &Got, into: &mut BTreeSet<String>) {
    let Got::Fetched(wire::FetchResponse { outcome: Some(Outcome::Found(found)) }) = got else {
        return;
    };
    for value in found.attributes.values() {
        if let Some(Value::Integer(number)) = read_value(value) {
            into.insert(number.to_string());
        }
    }
}

/// Refuses a reply in which somebody still is, whatever layer they are in.
pub(super) fn nobody_in(reply: &Reply) -> Result<(), RecordError> {
    let mut found = None;
    let mut look = |leaf: &str| {
        found = found.or_else(|| looks::somebody(leaf));
        leaf.to_owned()
    };
    match reply {
        Reply::Http { headers, body: Body::Text(body), .. } => {
            headers.values().chain([body]).for_each(|text| drop(leaves::changed(text, &mut look)));
        }
        Reply::Rows { rows, .. } => {
            rows.iter().for_each(|row| drop(leaves::changed_json(row, &mut look)));
        }
        Reply::Said(Said::Found { attributes, .. }) => {
            attributes.values().for_each(|value| drop(leaves::changed_json(value, &mut look)));
        }
        _ => {}
    }
    found.map_or(Ok(()), |what| Err(RecordError::Somebody(what)))
}

/// True of an expression that reads this header: `headers.name`, or its name in quotes beside `headers`.
fn reads_header(expression: &str, name: &str) -> bool {
    let is_member = expression.split("headers.").skip(1).any(|rest| {
        let ends = |next: char| !next.is_ascii_alphanumeric() && next != '_';
        rest.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(ends))
    });
    let is_quoted = |quote: char| expression.contains(&format!("{quote}{name}{quote}"));
    is_member || (expression.contains("headers") && (is_quoted('"') || is_quoted('\'')))
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
    for attribute in &operation.catalogue {
        if let AttributeKind::Code(codes) = &attribute.kind {
            written.extend(codes.iter().cloned());
        }
    }
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

#[cfg(test)]
mod tests {
    use super::reads_header;

    #[test]
    fn a_header_is_read_by_its_whole_name_only() {
        for read in ["resp.headers.date", "resp.headers['date']", "or_null(resp.headers, \"date\")"]
        {
            assert!(reads_header(read, "date"), "{read}");
        }
        for other in
            ["date(resp.headers.age)", "resp.body['date']", "resp.headers.dated == ''", "date"]
        {
            assert!(!reads_header(other, "date"), "{other}");
        }
    }
}
