//! What is sent, how it is signed, and how a short-lived secret is had.

use super::Bearing::{self, Reach};
use super::{Terms, plain};
use crate::adapters::language::signature::{Algorithm, Encoding};
use crate::adapters::language::template::Template;
use crate::adapters::manifest::{
    Envelope, Manifest, Operation, Payload, Placed, Question, Request, Sign, Tree,
};

/// `[sign]`, which every operation that sends a request has alike.
pub(super) fn signing(manifest: &Manifest, terms: &mut Terms) {
    let signs = |operation: &Operation| match &operation.question {
        Question::Http(request) => request.sign.clone(),
        Question::Soap(envelope) => envelope.sign.clone(),
        Question::Sql(..) | Question::File(_) | Question::Grpc => None,
    };
    let call = manifest.disputes.call.as_ref().map(|call| &call.operation);
    if let Some(sign) = manifest.operations.iter().chain(call).find_map(signs) {
        sign_of("sign", &sign, terms);
    }
}

pub(super) fn session(manifest: &Manifest, terms: &mut Terms) {
    let Some(session) = &manifest.session else { return };
    request(Reach, "session.request", &session.request, terms);
    if let Some(sign) = &session.request.sign {
        sign_of("session.sign", sign, terms);
    }
    for (name, expression) in &session.values {
        terms.put_expression(Reach, format!("session.values.{name}"), expression);
    }
    terms.put_expression(Reach, "session.expires", &session.expires);
    terms.put_some(Reach, "session.failed", session.failed.as_ref());
    terms.put_some(Reach, "session.rejected", session.rejected.as_ref());
}

/// `[dispute]`: what brings the agency a dispute, and how it says that it took it.
pub(super) fn dispute(manifest: &Manifest, terms: &mut Terms) {
    // As it is written: where it leads is a matter of the machine.
    if let Some(folder) = manifest.references.get("dispute.folder") {
        terms.put(Reach, "dispute.folder", folder.clone());
    }
    let Some(call) = &manifest.disputes.call else { return };
    match &call.operation.question {
        Question::Http(sent) => request(Reach, "dispute.request", sent, terms),
        Question::Soap(sent) => envelope(Reach, "dispute.request", sent, terms),
        Question::Sql(..) | Question::File(_) | Question::Grpc => {}
    }
    terms.put_expression(Reach, "dispute.accepted", &call.accepted);
    terms.put_some(Reach, "dispute.ticket", call.ticket.as_ref());
}

fn sign_of(key: &str, sign: &Sign, terms: &mut Terms) {
    for value in sign.early.iter().chain(&sign.late) {
        terms.put_expression(Reach, format!("{key}.values.{}", value.name), &value.expression);
    }
    terms.put_expression(Reach, format!("{key}.string"), &sign.string);
    let algorithm = Algorithm::NAMES.iter().find(|(_, known)| *known == sign.algorithm);
    terms.put(Reach, format!("{key}.algorithm"), algorithm.map_or("", |(name, _)| name));
    terms.put_some(Reach, &format!("{key}.key"), sign.key.as_ref());
    let encoding = Encoding::NAMES.iter().find(|(_, known)| *known == sign.encoding);
    terms.put(Reach, format!("{key}.encoding"), encoding.map_or("", |(name, _)| name));
    for (part, placed) in [
        ("headers", &sign.headers),
        ("query", &sign.query),
        ("form", &sign.form),
        ("json", &sign.json),
    ] {
        for Placed { name, tree: value, .. } in placed {
            tree(Reach, &format!("{key}.{part}.{name}"), value, terms);
        }
    }
    template(Reach, &format!("{key}.header"), sign.header.as_ref(), terms);
}

pub(super) fn request(bearing: Bearing, key: &str, request: &Request, terms: &mut Terms) {
    terms.put(bearing, format!("{key}.method"), request.method.clone());
    terms.put(bearing, format!("{key}.path"), request.path.clone());
    entries(bearing, &format!("{key}.headers"), &request.headers, terms);
    entries(bearing, &format!("{key}.query"), &request.query, terms);
    match &request.payload {
        Payload::Nothing => {}
        Payload::Form(form) => entries(bearing, &format!("{key}.form"), form, terms),
        Payload::Json(json) => tree(bearing, &format!("{key}.json"), json, terms),
        Payload::Body(body) => tree(bearing, &format!("{key}.body"), body, terms),
    }
}

pub(super) fn envelope(bearing: Bearing, key: &str, envelope: &Envelope, terms: &mut Terms) {
    terms.put(bearing, format!("{key}.path"), envelope.path.clone());
    terms.put(bearing, format!("{key}.action"), envelope.action.clone());
    entries(bearing, &format!("{key}.headers"), &envelope.headers, terms);
    template(bearing, &format!("{key}.header"), envelope.header.as_ref(), terms);
    template(bearing, &format!("{key}.inner"), envelope.inner.as_ref(), terms);
    template(bearing, &format!("{key}.body"), Some(&envelope.body), terms);
}

fn template(bearing: Bearing, key: &str, template: Option<&Template>, terms: &mut Terms) {
    if let Some(template) = template {
        terms.put(bearing, key, template.written());
    }
}

fn entries(bearing: Bearing, key: &str, entries: &[(String, Tree)], terms: &mut Terms) {
    for (name, value) in entries {
        tree(bearing, &format!("{key}.{name}"), value, terms);
    }
}

fn tree(bearing: Bearing, key: &str, value: &Tree, terms: &mut Terms) {
    match value {
        Tree::Expression(expression) => terms.put_expression(bearing, key, expression),
        Tree::Constant(constant) => terms.put(bearing, key, plain(&constant.to_string())),
        // What has nothing in it is sent all the same.
        Tree::Table(inside) if inside.is_empty() => terms.put(bearing, key, "{}"),
        Tree::List(items) if items.is_empty() => terms.put(bearing, key, "[]"),
        Tree::Table(inside) => entries(bearing, key, inside, terms),
        Tree::List(items) => {
            for (position, item) in items.iter().enumerate() {
                tree(bearing, &format!("{key}[{position}]"), item, terms);
            }
        }
    }
}
