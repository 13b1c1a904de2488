//! One `[[operation]]` of the beginning, with what the agency's description says of it as remarks.

use std::fmt::Write as _;

use super::described::{Field, Place, Service};
use super::leaf::{Leaf, leaves};
use super::{Kind, Plan, attribute, filled};
use crate::adapters::fixture::quoted;
use crate::catalogue::Fact;

/// Fields of a description shown beside an operation; more would bury it.
const FIELDS_MOST: usize = 60;
/// The column of a file that is looked up, as the template has it.
const LOOKED_UP: &str = "id";

/// The operation of one fact.
pub(super) fn write(plan: &Plan, fact: &Fact) -> String {
    let leaves = leaves(fact);
    let template = match plan.kind {
        Kind::Http => include_str!("templates/http.operation.toml"),
        Kind::Soap => include_str!("templates/soap.operation.toml"),
        Kind::Sql => include_str!("templates/sql.operation.toml"),
        Kind::File => include_str!("templates/file.operation.toml"),
        Kind::Grpc => include_str!("templates/grpc.operation.toml"),
    };
    let title = format!("{} ({})", fact.title, fact.title_zh).replace(['\n', '\r'], " ");
    let names: Vec<&str> =
        fact.attributes.iter().map(|attribute| attribute.name.as_str()).collect();
    let service = plan.service.as_ref();
    let listed =
        |inputs: bool| service.map_or_else(String::new, |service| remarks(service, inputs));
    filled(
        template,
        &[
            ("fact", fact.code.as_str()),
            ("title", &title),
            ("names", &names.join(", ")),
            ("method", &quoted(method(plan))),
            ("path", &quoted(&path(plan))),
            ("action", &quoted(service.map_or("query", |service| &service.action))),
            ("reply", &member(&reply_element(plan))),
            ("inputs", &listed(true)),
            ("outputs", &listed(false)),
            ("payload", &payload(plan, &leaves)),
            ("body", &soap_template(plan, &leaves)),
            ("columns", &columns(fact, &leaves).join(", ")),
            ("conditions", &conditions(&leaves)),
            ("parameters", &parameters(&leaves)),
            ("echo", &echo(plan.kind, &leaves)),
            ("lookup", keys(&leaves).next().map_or("request_id", |leaf| &leaf.expression)),
            ("rows", &rows(&leaves)),
            ("attributes", &attribute::section(&fact.attributes, plan.kind == Kind::File)),
        ],
    )
}

/// The method of the service; what a manifest cannot say is left to people.
pub(super) fn method(plan: &Plan) -> &str {
    plan.service.as_ref().map_or("POST", |service| &service.method)
}

/// Where it is asked.
pub(super) fn path(plan: &Plan) -> String {
    plan.service
        .as_ref()
        .map_or_else(|| "/path/of/the/service".to_owned(), |service| service.path.clone())
}

/// The element below `Body` in a reply.
pub(super) fn reply_element(plan: &Plan) -> String {
    let named = plan.service.as_ref().and_then(|service| service.reply.clone());
    named.unwrap_or_else(|| "queryResponse".to_owned())
}

/// A GET carries its leaves in the query, everything else as JSON.
fn payload(plan: &Plan, leaves: &[Leaf]) -> String {
    let key = if method(plan) == "GET" { "query" } else { "json " };
    let entries: Vec<String> =
        leaves.iter().map(|leaf| format!("{} = '{}'", leaf.name, leaf.expression)).collect();
    format!("{key}   = {{ {} }}", entries.join(", "))
}

/// The child of `soap:Body`; `value` says what stands in each element.
pub(super) fn soap_body(plan: &Plan, leaves: &[Leaf], value: impl Fn(&Leaf) -> String) -> String {
    let service = plan.service.as_ref();
    let element = service.and_then(|service| service.element.as_deref()).unwrap_or("query");
    let namespace =
        service.and_then(|service| service.namespace.as_deref()).unwrap_or("urn:example:service");
    let namespace = namespace.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let mut text = format!("<q:{element} xmlns:q=\"{namespace}\">");
    for leaf in leaves {
        let _ = write!(text, "<q:{0}>{1}</q:{0}>", leaf.name, value(leaf));
    }
    format!("{text}</q:{element}>")
}

/// The same as a template: what is the description's own holds no expression.
fn soap_template(plan: &Plan, leaves: &[Leaf]) -> String {
    // Expressions are put in last: braces before them are the description's.
    let place = |position: usize| format!("\u{1}{position}\u{1}");
    let text = soap_body(plan, leaves, |leaf| {
        place(leaves.iter().position(|one| one.name == leaf.name).unwrap_or_default())
    });
    let mut text = text.replace('{', "{{").replace('}', "}}");
    for (position, leaf) in leaves.iter().enumerate() {
        text = text.replace(&place(position), &format!("{{{}}}", leaf.expression));
    }
    quoted(&text)
}

/// An element below another, in an expression that stands in single quotes.
fn member(name: &str) -> String {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_name = name.bytes().all(is_word) && !name.starts_with(|c: char| c.is_ascii_digit());
    match is_name {
        true => format!(".{name}"),
        false => format!("[\"{}\"]", plain(name).replace(['"', '\\', '\''], "_")),
    }
}

fn keys(leaves: &[Leaf]) -> impl Iterator<Item = &Leaf> {
    leaves.iter().filter(|leaf| leaf.is_key)
}

/// What a row holds: the attributes, and whom it is about.
pub(super) fn columns(fact: &Fact, leaves: &[Leaf]) -> Vec<String> {
    let attributes = fact.attributes.iter().map(|attribute| attribute.name.clone());
    attributes.chain(keys(leaves).map(|leaf| leaf.name.clone())).collect()
}

fn conditions(leaves: &[Leaf]) -> String {
    let all: Vec<String> = (1..)
        .zip(keys(leaves))
        .map(|(number, leaf)| format!("{} = ${number}", leaf.name))
        .collect();
    all.join(" AND ")
}

fn parameters(leaves: &[Leaf]) -> String {
    let all: Vec<String> = keys(leaves).map(|leaf| format!("'{}'", leaf.expression)).collect();
    all.join(", ")
}

fn echo(kind: Kind, leaves: &[Leaf]) -> String {
    let all: Vec<String> = named_keys(kind, leaves)
        .map(|(name, leaf)| format!("doc.{name} == {}", leaf.expression))
        .collect();
    if all.is_empty() { "true".to_owned() } else { all.join(" && ") }
}

/// The leaves that name the subjects, each with the agency's name for it. A table of a file has one column that is looked up.
pub(super) fn named_keys(kind: Kind, leaves: &[Leaf]) -> impl Iterator<Item = (&str, &Leaf)> {
    keys(leaves).enumerate().map(move |(place, leaf)| match (kind, place) {
        (Kind::File, 0) => (LOOKED_UP, leaf),
        _ => (leaf.name.as_str(), leaf),
    })
}

/// The rows of a file that are about everybody asked about: its look-up knows one of them.
fn rows(leaves: &[Leaf]) -> String {
    let others: Vec<String> = keys(leaves)
        .skip(1)
        .map(|leaf| format!("r.{} == {}", leaf.name, leaf.expression))
        .collect();
    match others.is_empty() {
        true => "resp.rows".to_owned(),
        false => format!("resp.rows.filter(r, {})", others.join(" && ")),
    }
}

/// What the description says goes in, or comes out.
fn remarks(service: &Service, inputs: bool) -> String {
    let fields: Vec<&Field> =
        service.fields.iter().filter(|field| (field.place != Place::Reply) == inputs).collect();
    if fields.is_empty() {
        return String::new();
    }
    let head = if inputs { "takes" } else { "replies with" };
    let mut text = format!("# As its description has it, {} {head}:\n", plain(&service.name));
    for field in fields.iter().take(FIELDS_MOST) {
        let remark = plain(&field.remark);
        let place = field.place.name();
        let _ = writeln!(text, "#   {place:<7} {} {remark}", plain(&field.name));
    }
    if let Some(more) = fields.len().checked_sub(FIELDS_MOST).filter(|more| *more > 0) {
        let _ = writeln!(text, "#   and {more} more");
    }
    text
}

/// One line of a remark: nothing of a description can end the remark it stands in.
fn plain(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.trim().chars().take(120).collect()
}
