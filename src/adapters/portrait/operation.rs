//! One fact: what is asked for it, how the reply is read, what codes stand for.

use serde_json::Value as Json;

use super::Bearing::{Answers, Reach};
use super::{Operation, Terms, limits, plain, request};
use crate::adapters::manifest::{self, Paging, Question, Reading};
use crate::catalogue::Fact;
use crate::query::FactCode;

/// `None` where the catalogue no longer has the fact.
pub(super) fn tell(
    operation: &manifest::Operation,
    find: &dyn Fn(&FactCode) -> Option<Fact>,
) -> Option<Operation> {
    let mut terms = Terms::default();
    terms.put(Reach, "idempotent", operation.idempotent.to_string());
    limits::narrower(&operation.resilience, &mut terms);
    question(&operation.question, &mut terms);
    if let Some(Paging { rows, more, max_pages }) = &operation.paging {
        terms.put_expression(Answers, "paging.rows", rows);
        terms.put_expression(Answers, "paging.more", more);
        terms.put(Answers, "paging.max_pages", max_pages.to_string());
    }
    if let Some(read) = &operation.reading {
        reading(read, &mut terms);
    }
    if let Json::Object(tables) = &operation.codes {
        for (name, table) in tables {
            terms.put_constants(Answers, &format!("codes.{name}"), table);
        }
    }
    Some(Operation { fact: find(&operation.fact)?, terms: terms.0 })
}

fn question(question: &Question, terms: &mut Terms) {
    match question {
        Question::Http(asked) => request::request(Answers, "request", asked, terms),
        Question::Soap(envelope) => request::envelope(Answers, "request", envelope, terms),
        Question::Sql(statement, parameters) => {
            terms.put(Answers, "statement", plain(&statement.text));
            // One for each placeholder, in the statement's order.
            let sources: Vec<Json> =
                parameters.iter().map(|parameter| Json::from(plain(parameter.source()))).collect();
            for (position, source) in statement.arrange(&sources).iter().enumerate() {
                let source = source.as_str().unwrap_or_default();
                terms.put(Answers, format!("parameters[{position}]"), source);
            }
        }
        Question::File(lookup) => terms.put_expression(Answers, "lookup", lookup),
        Question::Grpc => {}
    }
}

fn reading(reading: &Reading, terms: &mut Terms) {
    terms.put_some(Answers, "document", reading.document.as_ref());
    terms.put_some(Answers, "as_of", reading.as_of.as_ref());
    terms.put_some(Answers, "checked", reading.checked.as_ref());
    terms.put_some(Answers, "outcome.unavailable", reading.unavailable.as_ref());
    terms.put_some(Answers, "outcome.not_found", reading.not_found.as_ref());
    terms.put_some(Answers, "outcome.conflict", reading.conflict.as_ref());
    terms.put_expression(Answers, "outcome.found", &reading.found);
    terms.put_some(Answers, "outcome.echo", reading.echo.as_ref());
    for (attribute, expression) in &reading.attributes {
        terms.put_expression(Answers, format!("attributes.{}", attribute.name), expression);
    }
}
