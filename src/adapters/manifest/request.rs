//! What an operation, or a session, sends: the parts of a request with expressions at their ends.

use std::sync::Arc;

use serde_json::Value as Json;

use super::section::{Leaf, Section, Source};
use super::sign::{Placed, Sign};
use crate::adapters::language::expression::{Expression, Members, Names};
use crate::adapters::language::template::Template;

/// Methods an agency is asked with.
const METHODS: [&str; 3] = ["GET", "POST", "PUT"];

/// A request over HTTP.
pub(crate) struct Request {
    /// Method.
    pub(crate) method: String,
    /// Path below the base, with its leading slash.
    pub(crate) path: String,
    /// Header names and values.
    pub(crate) headers: Vec<(String, Tree)>,
    /// Names and values after the question mark.
    pub(crate) query: Vec<(String, Tree)>,
    /// What it carries.
    pub(crate) payload: Payload,
    /// How it is signed.
    pub(crate) sign: Option<Arc<Sign>>,
}

/// What a request carries.
pub(crate) enum Payload {
    /// Nothing.
    Nothing,
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, Tree)>),
    /// `application/json`.
    Json(Tree),
    /// Text as it is.
    Body(Tree),
}

/// A value of a request.
pub(crate) enum Tree {
    /// Worked out for each question.
    Expression(Expression),
    /// The same for every question.
    Constant(Json),
    /// A map.
    Table(Vec<(String, Tree)>),
    /// A list.
    List(Vec<Tree>),
}

/// A request in a SOAP envelope.
pub(crate) struct Envelope {
    /// Path below the base.
    pub(crate) path: String,
    /// `SOAPAction`.
    pub(crate) action: String,
    /// Further header names and values.
    pub(crate) headers: Vec<(String, Tree)>,
    /// Inside `soap:Header`.
    pub(crate) header: Option<Template>,
    /// Text that the body can hold as `{inner}`.
    pub(crate) inner: Option<Template>,
    /// The child of `soap:Body`.
    pub(crate) body: Template,
    /// The signature stands in it.
    pub(crate) body_holds_signature: bool,
    /// How it is signed.
    pub(crate) sign: Option<Arc<Sign>>,
}

/// Reads `request` of an HTTP operation or session.
pub(super) fn request(
    source: &Source<'_>,
    section: Section<'_>,
    names: &Names,
    sign: Option<&Arc<Sign>>,
) -> Option<Request> {
    let method = section.text("method").map_or_else(
        || Some("POST".to_owned()),
        |text| {
            let known = METHODS.contains(&text.value.as_str());
            if !known {
                source.flaw(text.at, format!("`{}` is one of {}", text.key, METHODS.join(", ")));
            }
            known.then_some(text.value)
        },
    );
    let path = path(source, &section);
    let headers = headers(source, &section, names);
    let query = entries(source, &section, "query", names);
    let payloads = ["form", "json", "body"].iter().filter(|key| section.has(key)).count();
    if payloads > 1 {
        source.flaw(section.at(), "a request has at most one of `form`, `json`, `body`");
    }
    let mut payload = if section.has("form") {
        Payload::Form(entries(source, &section, "form", names))
    } else if let Some(leaf) = section.leaf("json") {
        Payload::Json(tree(source, leaf, names)?)
    } else if let Some(leaf) = section.leaf("body") {
        if !is_one_value(&leaf) {
            source.flaw(section.at_key("body"), "`body` is text: an expression");
        }
        Payload::Body(tree(source, leaf, names)?)
    } else {
        Payload::Nothing
    };
    if let Some(sign) = sign {
        make_room(source, section.at(), sign, &mut payload);
        refuse_taken(source, section.at(), ("headers", &headers), &sign.headers);
        refuse_taken(source, section.at(), ("query", &query), &sign.query);
        if let Payload::Form(entries) = &payload {
            refuse_taken(source, section.at(), ("form", entries), &sign.form);
        }
        if let Payload::Json(Tree::Table(entries)) = &payload {
            refuse_taken(source, section.at(), ("json", entries), &sign.json);
        }
    }
    section.finish();
    let sign = sign.map(Arc::clone);
    Some(Request { method: method?, path: path?, headers, query, payload, sign })
}

/// What is signed may have to carry more than the operation itself says.
fn make_room(source: &Source<'_>, at: usize, sign: &Sign, payload: &mut Payload) {
    let refused = |key: &str, name: &str| {
        let problem =
            format!("`sign.{key}` puts `{name}` into `{key}`, which this request has not");
        source.flaw(at, problem);
    };
    if let Some(first) = sign.form.first() {
        match payload {
            Payload::Form(_) => {}
            Payload::Nothing => *payload = Payload::Form(Vec::new()),
            Payload::Json(_) | Payload::Body(_) => refused("form", &first.name),
        }
    }
    if let Some(first) = sign.json.first() {
        match payload {
            Payload::Json(Tree::Table(_)) => {}
            Payload::Nothing => *payload = Payload::Json(Tree::Table(Vec::new())),
            Payload::Json(_) | Payload::Form(_) | Payload::Body(_) => refused("json", &first.name),
        }
    }
}

fn refuse_taken(
    source: &Source<'_>,
    at: usize,
    (key, entries): (&str, &[(String, Tree)]),
    placed: &[Placed],
) {
    for placed in placed {
        let is_same = |name: &String| match key {
            "headers" => name.eq_ignore_ascii_case(&placed.name),
            _ => *name == placed.name,
        };
        if entries.iter().any(|(name, _)| is_same(name)) {
            source
                .flaw(at, format!("`{key}` has `{}`, which `sign.{key}` puts there", placed.name));
        }
    }
}

/// Reads `request` of a SOAP operation.
pub(super) fn envelope(
    source: &Source<'_>,
    section: Section<'_>,
    names: &Names,
    sign: Option<&Arc<Sign>>,
) -> Option<Envelope> {
    let path = path(source, &section);
    let action = section.text("action").map(|text| text.value).unwrap_or_default();
    let headers = headers(source, &section, names);
    let template = |key, names: &Names| {
        section
            .text(key)
            .map(|text| source.template(&text, names))
            .map_or(Some(None), |read| read.map(Some))
    };
    let inner = template("inner", names);
    let with_inner = if section.has("inner") {
        names.clone().with("inner", Members::Any)
    } else {
        names.clone()
    };
    let with_inner = match sign {
        Some(_) => with_inner.with("signature", Members::Any),
        None => with_inner,
    };
    let header = template("header", &with_inner);
    let body = section.required("body").and_then(|text| source.template(&text, &with_inner));
    if let (Some(sign), Some(header), Some(body)) = (sign, &header, &body) {
        refuse_taken(source, section.at(), ("headers", &headers), &sign.headers);
        let in_body = body.mentions("signature");
        let in_header = header.as_ref().is_some_and(|header| header.mentions("signature"));
        if in_body && sign.sees_body {
            let problem = "the body holds the signature, and `sign` signs the body: sign `inner`";
            source.flaw(section.at_key("body"), problem);
        }
        if !(in_body || in_header || sign.is_placed) {
            let problem = "the signature goes nowhere: write `{signature}` in `sign.header`, or in \
                           `header` or `body` of the request";
            source.flaw(section.at(), problem);
        }
    }
    section.finish();
    let sign = sign.map(Arc::clone);
    let (header, inner, body) = (header?, inner?, body?);
    let body_holds_signature = body.mentions("signature");
    Some(Envelope { path: path?, action, headers, header, inner, body, body_holds_signature, sign })
}

impl Request {
    /// The header in which it names the host itself.
    pub(super) fn host(&self) -> Option<&str> {
        host(&self.headers, self.sign.as_deref())
    }
}

impl Envelope {
    /// The header in which it names the host itself.
    pub(super) fn host(&self) -> Option<&str> {
        host(&self.headers, self.sign.as_deref())
    }
}

fn host<'a>(headers: &'a [(String, Tree)], sign: Option<&'a Sign>) -> Option<&'a str> {
    let own = headers.iter().map(|(name, _)| name.as_str());
    let signed = sign.into_iter().flat_map(|sign| &sign.headers).map(|placed| placed.name.as_str());
    own.chain(signed).find(|name| name.eq_ignore_ascii_case("host"))
}

fn path(source: &Source<'_>, section: &Section<'_>) -> Option<String> {
    let path = section.required("path")?;
    let is_path = path.value.starts_with('/')
        && path.value.bytes().all(|byte| byte.is_ascii_graphic())
        && !path.value.contains(['?', '#']);
    if !is_path {
        source
            .flaw(path.at, format!("`{}` starts with `/` and has no `?`, `#` or space", path.key));
    }
    is_path.then_some(path.value)
}

fn headers(source: &Source<'_>, section: &Section<'_>, names: &Names) -> Vec<(String, Tree)> {
    let headers = entries(source, section, "headers", names);
    for (name, _) in &headers {
        if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
            source.flaw(section.at_key("headers"), format!("`{name}` is no header name"));
        }
    }
    headers
}

fn entries(
    source: &Source<'_>,
    section: &Section<'_>,
    key: &'static str,
    names: &Names,
) -> Vec<(String, Tree)> {
    match section.leaf(key) {
        None => Vec::new(),
        Some(Leaf::Table(entries)) => entries
            .into_iter()
            .filter_map(|(name, leaf)| {
                if !is_one_value(&leaf) {
                    let problem = format!("`{key}.{name}` is text: an expression");
                    source.flaw(section.at_key(key), problem);
                }
                Some((name, tree(source, leaf, names)?))
            })
            .collect(),
        Some(_) => {
            source.flaw(section.at_key(key), format!("`{key}` is a table of names and values"));
            Vec::new()
        }
    }
}

/// What a header, an entry or a text can be made of.
fn is_one_value(leaf: &Leaf) -> bool {
    matches!(leaf, Leaf::Text(_) | Leaf::Constant(_))
}

/// `None` when something in it has been noted as a flaw.
pub(super) fn tree(source: &Source<'_>, leaf: Leaf, names: &Names) -> Option<Tree> {
    Some(match leaf {
        Leaf::Text(text) => Tree::Expression(source.expression(&text, names)?),
        Leaf::Constant(constant) => Tree::Constant(constant),
        Leaf::Table(entries) => Tree::Table(
            entries
                .into_iter()
                .map(|(name, leaf)| (name, tree(source, leaf, names)))
                // Every branch is looked at before the first flaw decides.
                .collect::<Vec<_>>()
                .into_iter()
                .map(|(name, tree)| Some((name, tree?)))
                .collect::<Option<_>>()?,
        ),
        Leaf::List(items) => Tree::List(
            items
                .into_iter()
                .map(|leaf| tree(source, leaf, names))
                .collect::<Vec<_>>()
                .into_iter()
                .collect::<Option<_>>()?,
        ),
    })
}
