//! The steps as an operator sees them: everything but secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::glimpses::{Glimpse, shortened};
use super::journal::{Event, Journal, Worked};
use super::leaves;
use super::mask::{BLOT, Mask};
use super::messages::{asked, said};
use crate::adapters::language::charset::Charset;
use crate::adapters::line::https::{Incoming, Outgoing};
use crate::adapters::line::{Got, Put};
use crate::adapters::{Answer, Failure};
use crate::catalogue::Attribute;
use crate::crypto;
use crate::proto::adapter::v1::fetch_response::Outcome;
use crate::query::record::Finding;
use crate::query::time::Timestamp;
use crate::query::{FactCode, Query};

/// Characters of a text of a session's reply from which it is hidden wherever else it stands.
const SHORTEST_TOKEN: usize = 12;

/// One question and all that came of it. Personal data is in it; secrets are blotted out.
#[derive(Clone, Debug, Serialize)]
pub struct Steps {
    /// The manifest.
    pub file: PathBuf,
    /// Name of the adapter.
    pub adapter: String,
    /// Version of the manifest.
    pub version: String,
    /// The agency's address.
    pub place: String,
    /// The fact asked about.
    pub fact: String,
    /// Time of the question, in microseconds since 1970.
    pub at: Timestamp,
    /// In the order in which they happened.
    pub steps: Vec<Step>,
    /// What came of it.
    pub conclusion: Conclusion,
    /// The rule of the manifest that decided, with its line, such as `outcome.found`.
    pub decided_by: Option<(String, Option<u32>)>,
}

/// One thing that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Something went to the agency.
    Sent(Sent),
    /// Something came back.
    Received(Received),
    /// Nothing came back: the stable reason, and what is known of it.
    Broke {
        /// Stable code.
        reason: &'static str,
        /// What is known of it.
        detail: String,
    },
    /// An expression of the manifest was worked out.
    Evaluated(Evaluated),
}

/// What went to the agency.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sent {
    /// Over HTTPS.
    Request {
        /// Method.
        method: String,
        /// Path and query.
        target: String,
        /// In their order.
        headers: Vec<(String, String)>,
        /// As text; bytes that are none as hexadecimal digits.
        body: Option<String>,
    },
    /// To a database.
    Statement {
        /// Text of the manifest.
        statement: String,
        /// What stands for `$1`, `$2` and so on.
        parameters: Vec<Json>,
    },
    /// To a program.
    Message(Json),
}

/// What came back.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Received {
    /// Over HTTPS.
    Reply {
        /// Status.
        status: u16,
        /// Lower-case names.
        headers: BTreeMap<String, Json>,
        /// As text; bytes that are none of the manifest's charset as hexadecimal digits.
        body: String,
    },
    /// Of a database.
    Rows {
        /// Maps by column name.
        rows: Vec<Json>,
        /// When they were true, where the line knows, in microseconds since 1970.
        as_of: Option<Timestamp>,
    },
    /// Of a program.
    Message(Json),
}

/// An expression, worked out.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluated {
    /// Where it stands, such as `attributes.married`; empty when that is not known.
    pub key: String,
    /// Line of the manifest, from 1.
    pub line: Option<u32>,
    /// As written.
    pub expression: String,
    /// What it looked at.
    pub saw: Vec<Glimpse>,
    /// Its value, shortened; `None` when it has none.
    pub yielded: Option<Json>,
    /// Why it has none.
    pub fault: Option<String>,
}

/// What came of the question.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// A record.
    Found {
        /// Granted attributes.
        attributes: Vec<Told>,
        /// When it was true, in microseconds since 1970.
        as_of: Timestamp,
        /// Attributes that came without being granted.
        dropped: Vec<String>,
    },
    /// No record.
    NotFound {
        /// When that was true.
        as_of: Timestamp,
    },
    /// Records that contradict each other.
    Conflict {
        /// When they did.
        as_of: Timestamp,
    },
    /// No answer. Never a "no".
    Unavailable {
        /// Stable code; `contract_error` is one of them.
        reason: &'static str,
        /// Manifest, line, expression.
        detail: String,
    },
}

/// One attribute of a record.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Json,
    /// Its type in the catalogue.
    pub kind: &'static str,
    /// The entry of a code table it was read from, such as `codes.status["IA"]`.
    pub entry: Option<String>,
}

/// What is known before anything happens.
pub(super) struct Head {
    pub(super) file: PathBuf,
    pub(super) adapter: String,
    pub(super) version: String,
    pub(super) place: String,
    pub(super) at: Timestamp,
}

/// Puts the steps together and blots the secrets out.
pub(super) fn steps(
    head: Head,
    query: &Query,
    journal: &Journal,
    answer: Result<Answer, Failure>,
    attributes: &[Attribute],
    granted: &BTreeSet<String>,
) -> Steps {
    let (events, mut secrets) = journal.told();
    let of_session = journal.of_session(&events);
    for (event, _) in events.iter().zip(&of_session).filter(|(_, is_of_session)| **is_of_session) {
        if let Event::Got(Got::Http(incoming)) = event {
            secrets.extend(tokens(&journal.charset().decode(&incoming.body).unwrap_or_default()));
        }
    }
    let view =
        View { mask: Mask::of(secrets.iter().map(String::as_str)), charset: journal.charset() };
    let shown = events.iter().zip(of_session);
    let conclusion = match answer {
        Ok(answer) => view.answered(&answer, &events, attributes, granted),
        Err(failure) => Conclusion::Unavailable {
            reason: failure.reason.code(),
            detail: view.mask.text(&failure.detail),
        },
    };
    Steps {
        file: head.file,
        adapter: head.adapter,
        version: head.version,
        place: head.place,
        fact: FactCode::as_str(&query.fact).to_owned(),
        at: head.at,
        decided_by: decided(&events),
        steps: shown.map(|(event, is_of_session)| view.step(event, is_of_session)).collect(),
        conclusion,
    }
}

/// The last rule of `outcome` that was true, `echo` apart: the rules are tried in their order until one is.
fn decided(events: &[Event]) -> Option<(String, Option<u32>)> {
    events.iter().rev().find_map(|event| match event {
        Event::Worked(Worked { key, line, yielded: Ok(Json::Bool(true)), .. })
            if key.starts_with("outcome.") && key != "outcome.echo" =>
        {
            Some((key.clone(), *line))
        }
        _ => None,
    })
}

struct View {
    mask: Mask,
    charset: Charset,
}

impl View {
    fn step(&self, event: &Event, is_of_session: bool) -> Step {
        match event {
            Event::Got(Got::Http(incoming)) if is_of_session => {
                Step::Received(self.reply_of_session(incoming))
            }
            Event::Worked(worked) if is_of_session => Step::Evaluated(self.evaluated(&Worked {
                saw: worked.saw.iter().map(without_values).collect(),
                ..worked.clone()
            })),
            Event::Put(Put::Http(outgoing)) => Step::Sent(self.request(outgoing)),
            Event::Put(Put::Select(select)) => Step::Sent(Sent::Statement {
                statement: self.mask.text(&select.statement),
                parameters: select.parameters.iter().map(|one| self.mask.json(one)).collect(),
            }),
            Event::Put(Put::Lookup(lookup)) => {
                Step::Sent(Sent::Message(self.mask.json(&json!({ "lookup": lookup.key }))))
            }
            Event::Put(Put::Fetch(question)) => {
                Step::Sent(Sent::Message(self.mask.json(&asked(question))))
            }
            Event::Got(Got::Http(incoming)) => Step::Received(self.reply(incoming)),
            Event::Got(Got::Rows { rows, as_of }) => Step::Received(Received::Rows {
                rows: rows.iter().map(|row| self.mask.json(row)).collect(),
                as_of: *as_of,
            }),
            Event::Got(Got::Fetched(reply)) => {
                Step::Received(Received::Message(self.mask.json(&said(reply))))
            }
            Event::Broke(failed) => {
                Step::Broke { reason: failed.reason.code(), detail: self.mask.text(&failed.detail) }
            }
            Event::Worked(worked) => Step::Evaluated(self.evaluated(worked)),
        }
    }

    fn request(&self, outgoing: &Outgoing) -> Sent {
        let mut headers: Vec<(String, String)> = outgoing
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), credential(name, &self.mask.text(value))))
            .collect();
        let has_type = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if let Some((kind, _)) = outgoing.payload.as_ref().filter(|_| !has_type) {
            headers.push(("content-type".to_owned(), kind.clone()));
        }
        Sent::Request {
            method: outgoing.method.to_string(),
            target: self.mask.text(&outgoing.target),
            headers,
            body: outgoing.payload.as_ref().map(|(_, bytes)| self.body(bytes)),
        }
    }

    fn reply(&self, incoming: &Incoming) -> Received {
        let headers = incoming.headers.iter();
        Received::Reply {
            status: incoming.status,
            headers: headers
                .map(|(name, value)| match name.as_str() {
                    "set-cookie" => (name.clone(), Json::from(BLOT)),
                    _ => (name.clone(), self.mask.json(value)),
                })
                .collect(),
            body: self.body(&incoming.body),
        }
    }

    /// Names and types: whatever a manifest leaves lying there, such as what a session is renewed with, is secret too.
    fn reply_of_session(&self, incoming: &Incoming) -> Received {
        let headers = incoming.headers.iter().map(|(name, value)| match name.as_str() {
            "content-type" | "content-length" | "date" => (name.clone(), value.clone()),
            _ => (name.clone(), Json::from(BLOT)),
        });
        let body = match self.charset.decode(&incoming.body) {
            Some(text) => leaves::closed(&text, &mut |leaf| kind_of(leaf).to_owned()),
            None => format!("({} bytes)", incoming.body.len()),
        };
        Received::Reply { status: incoming.status, headers: headers.collect(), body }
    }

    fn body(&self, bytes: &[u8]) -> String {
        let text = self.charset.decode(bytes).unwrap_or_else(|| crypto::hex(bytes));
        self.mask.text(&text)
    }

    fn evaluated(&self, worked: &Worked) -> Evaluated {
        let saw = worked.saw.iter().map(|glimpse| Glimpse {
            path: self.mask.text(&glimpse.path),
            value: glimpse.value.as_ref().map(|value| self.short(value)),
        });
        Evaluated {
            key: worked.key.clone(),
            line: worked.line,
            expression: worked.source.clone(),
            saw: saw.collect(),
            yielded: worked.yielded.as_ref().ok().map(|value| self.short(value)),
            fault: worked.yielded.as_ref().err().map(ToString::to_string),
        }
    }

    /// Masked before it is cut, so that no part of a secret is left at the end.
    fn short(&self, value: &Json) -> Json {
        shortened(&self.mask.json(value))
    }

    fn answered(
        &self,
        answer: &Answer,
        events: &[Event],
        attributes: &[Attribute],
        granted: &BTreeSet<String>,
    ) -> Conclusion {
        let as_of = answer.record.as_of;
        let found = match &answer.record.finding {
            Finding::NotFound => return Conclusion::NotFound { as_of },
            Finding::Conflict => return Conclusion::Conflict { as_of },
            Finding::Found(found) => found,
        };
        let kind = |name: &str| {
            let known = attributes.iter().find(|attribute| attribute.name == name);
            known.map_or("", |attribute| attribute.kind.name())
        };
        let told = found.iter().map(|(name, value)| Told {
            name: name.clone(),
            value: self.mask.json(&value.plain()),
            kind: kind(name),
            entry: entry(events, name),
        });
        let dropped = came(events).into_iter().filter(|name| !granted.contains(name));
        Conclusion::Found { attributes: told.collect(), as_of, dropped: dropped.collect() }
    }
}

/// A header that lets in whoever has it: how it does stays, with what is blotted out.
fn credential(name: &str, value: &str) -> String {
    let is_one = ["authorization", "proxy-authorization", "cookie"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known));
    match value.split_once(' ') {
        _ if !is_one => value.to_owned(),
        Some((scheme, _)) if !scheme.contains('=') => format!("{scheme} {BLOT}"),
        _ => BLOT.to_owned(),
    }
}

/// In the place of a value of a session's reply.
fn kind_of(leaf: &str) -> &'static str {
    if leaf.parse::<f64>().is_ok() { "(number)" } else { "(text)" }
}

/// What an expression of the session looked at: short texts and numbers are codes, everything else may let somebody in.
fn without_values(glimpse: &Glimpse) -> Glimpse {
    let value = glimpse.value.as_ref().map(|value| match value {
        Json::String(text) if text.chars().count() < SHORTEST_TOKEN / 2 => value.clone(),
        Json::String(_) | Json::Array(_) | Json::Object(_) => {
            leaves::closed_json(value, &mut |leaf| kind_of(leaf).to_owned())
        }
        other => other.clone(),
    });
    Glimpse { path: glimpse.path.clone(), value }
}

/// Texts of a session's reply that are long enough to let somebody in, as they came and with every layer of them opened.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut look = |leaf: &str| {
        if leaf.len() >= SHORTEST_TOKEN && leaf.bytes().all(|byte| byte.is_ascii_graphic()) {
            tokens.push(leaf.to_owned());
        }
        leaf.to_owned()
    };
    leaves::closed(text, &mut look);
    leaves::changed(text, &mut look);
    tokens
}

/// The names of the attributes that came with a record, granted or not.
fn came(events: &[Event]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for event in events {
        match event {
            Event::Worked(Worked { key, yielded: Ok(value), .. }) if !value.is_null() => {
                names.extend(key.strip_prefix("attributes.").map(str::to_owned));
            }
            Event::Got(Got::Fetched(reply)) => {
                if let Some(Outcome::Found(found)) = &reply.outcome {
                    names.extend(found.attributes.keys().cloned());
                }
            }
            _ => {}
        }
    }
    names
}

fn entry(events: &[Event], attribute: &str) -> Option<String> {
    let key = format!("attributes.{attribute}");
    events.iter().rev().find_map(|event| match event {
        Event::Worked(worked) if worked.key == key => worked
            .saw
            .iter()
            .find(|glimpse| glimpse.path.starts_with("codes.") && glimpse.path.ends_with(']'))
            .map(|glimpse| glimpse.path.clone()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sixteen bytes that are a text of GB18030 as well, such as chance makes of one token in some thirty.
    const LUCKY: &str = "b0a1b0a2b0a3b0a4b0a5b0a6b0a7b0a8";

    #[test]
    fn a_token_that_could_be_read_is_hidden_whole() {
        assert_eq!(leaves::changed(LUCKY, &mut |leaf| kind_of(leaf).to_owned()), "287465787429");
        assert_eq!(leaves::closed(LUCKY, &mut |leaf| kind_of(leaf).to_owned()), "(text)");
        let reply = format!(r#"{{"refresh":"{LUCKY}"}}"#);
        assert!(tokens(&reply).contains(&LUCKY.to_owned()));
    }
}
