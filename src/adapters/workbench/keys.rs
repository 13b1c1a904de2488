//! Which key of the manifest an expression stands under: what was evaluated is told with its place.

use std::collections::BTreeMap;

use crate::adapters::language::expression::Expression;
use crate::adapters::language::template::Template;
use crate::adapters::manifest::{
    Envelope, Manifest, Operation, Paging, Payload, Question, Reading, Request, Session, Tree,
};
use crate::query::FactCode;

/// The keys of one operation's expressions, and of the session's.
#[derive(Default)]
pub(super) struct Keys {
    /// By line and text. Two of the same text in one line are told in their order.
    by_place: BTreeMap<(Option<u32>, String), Vec<String>>,
}

impl Keys {
    /// Those that a question about the fact evaluates.
    pub(super) fn of(manifest: &Manifest, fact: &FactCode) -> Self {
        let mut keys = Self::default();
        if let Some(session) = &manifest.session {
            keys.session(session);
        }
        if let Some(operation) = manifest.operations.iter().find(|known| known.fact == *fact) {
            keys.operation(operation);
        }
        // Whatever else the manifest has, under the key it was read with: what signs, for one.
        for place in &manifest.places {
            let known = keys.by_place.entry((Some(place.line), place.text.clone())).or_default();
            if known.is_empty() {
                known.push(place.key.clone());
            }
        }
        keys
    }

    /// The key of an expression that is evaluated for the `time`th time (from 0); empty when it stands under none.
    pub(super) fn key(&self, expression: &Expression, time: usize) -> String {
        let place = (expression.line(), expression.source().to_owned());
        let keys = self.by_place.get(&place).map(Vec::as_slice).unwrap_or_default();
        let key = time.checked_rem(keys.len()).and_then(|position| keys.get(position));
        key.cloned().unwrap_or_default()
    }

    fn put(&mut self, key: impl Into<String>, expression: &Expression) {
        let place = (expression.line(), expression.source().to_owned());
        self.by_place.entry(place).or_default().push(key.into());
    }

    fn put_some(&mut self, key: &str, expression: Option<&Expression>) {
        if let Some(expression) = expression {
            self.put(key, expression);
        }
    }

    fn session(&mut self, session: &Session) {
        self.request("session.request", &session.request);
        for (name, expression) in &session.values {
            self.put(format!("session.values.{name}"), expression);
        }
        self.put("session.expires", &session.expires);
        self.put_some("session.failed", session.failed.as_ref());
        self.put_some("session.rejected", session.rejected.as_ref());
    }

    fn operation(&mut self, operation: &Operation) {
        match &operation.question {
            Question::Http(request) => self.request("request", request),
            Question::Soap(envelope) => self.envelope(envelope),
            Question::Sql(_, parameters) => {
                for (position, parameter) in parameters.iter().enumerate() {
                    self.put(format!("parameters[{position}]"), parameter);
                }
            }
            Question::File(lookup) => self.put("lookup", lookup),
            Question::Grpc => {}
        }
        if let Some(Paging { rows, more, .. }) = &operation.paging {
            self.put("paging.rows", rows);
            self.put("paging.more", more);
        }
        if let Some(reading) = &operation.reading {
            self.reading(reading);
        }
    }

    fn reading(&mut self, reading: &Reading) {
        self.put_some("document", reading.document.as_ref());
        self.put_some("outcome.unavailable", reading.unavailable.as_ref());
        self.put_some("outcome.not_found", reading.not_found.as_ref());
        self.put_some("outcome.conflict", reading.conflict.as_ref());
        self.put("outcome.found", &reading.found);
        self.put_some("outcome.echo", reading.echo.as_ref());
        self.put_some("checked", reading.checked.as_ref());
        self.put_some("as_of", reading.as_of.as_ref());
        for (attribute, expression) in &reading.attributes {
            self.put(format!("attributes.{}", attribute.name), expression);
        }
    }

    fn request(&mut self, at: &str, request: &Request) {
        self.entries(&format!("{at}.query"), &request.query);
        match &request.payload {
            Payload::Nothing => {}
            Payload::Form(entries) => self.entries(&format!("{at}.form"), entries),
            Payload::Json(tree) => self.tree(&format!("{at}.json"), tree),
            Payload::Body(tree) => self.tree(&format!("{at}.body"), tree),
        }
        self.entries(&format!("{at}.headers"), &request.headers);
    }

    fn envelope(&mut self, envelope: &Envelope) {
        let mut template = |key: &str, template: Option<&Template>| {
            for expression in template.into_iter().flat_map(Template::expressions) {
                self.put(key, expression);
            }
        };
        template("request.inner", envelope.inner.as_ref());
        template("request.body", Some(&envelope.body));
        template("request.header", envelope.header.as_ref());
        self.entries("request.headers", &envelope.headers);
    }

    fn entries(&mut self, at: &str, entries: &[(String, Tree)]) {
        for (name, tree) in entries {
            self.tree(&format!("{at}.{name}"), tree);
        }
    }

    fn tree(&mut self, key: &str, tree: &Tree) {
        match tree {
            Tree::Expression(expression) => self.put(key, expression),
            Tree::Constant(_) => {}
            Tree::Table(entries) => self.entries(key, entries),
            Tree::List(items) => {
                for (position, item) in items.iter().enumerate() {
                    self.tree(&format!("{key}[{position}]"), item);
                }
            }
        }
    }
}
