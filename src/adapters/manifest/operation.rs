//! `[[operation]]`: how one fact is asked and how its reply is read.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::access::Access;
use super::codes;
use super::names::Declared;
use super::request::{Envelope, Request, envelope, request};
use super::resilience::{self, Narrower};
use super::section::{Section, Source, Text};
use super::statement::{self, Statement};
use crate::adapters::language::expression::{Expression, Members, Names};
use crate::catalogue::{Attribute, Fact, Role};
use crate::query::{FactCode, OrganisationId};

/// Pages asked for one question when the manifest does not say.
const MAX_PAGES: i64 = 20;

/// What is said of a rule for "no record" that any empty thing satisfies.
const SIZE: &str = "`size` is 0 of an empty text and of an empty map too, which are no \"no record\": `count` takes lists only";

/// One operation, checked.
pub(crate) struct Operation {
    /// The fact it answers.
    pub(crate) fact: FactCode,
    /// The roles of the fact.
    pub(crate) roles: Vec<Role>,
    /// The attributes of the fact.
    pub(crate) catalogue: Vec<Attribute>,
    /// Asking twice does no harm.
    pub(crate) idempotent: bool,
    /// Limits of its own.
    pub(crate) resilience: Narrower,
    /// What is sent.
    pub(crate) question: Question,
    /// Asked again for more rows.
    pub(crate) paging: Option<Paging>,
    /// How the reply is read; `None` where replies come already named.
    pub(crate) reading: Option<Reading>,
    /// Code tables.
    pub(crate) codes: Json,
}

/// What is sent to the agency.
pub(crate) enum Question {
    /// Over HTTP.
    Http(Request),
    /// In a SOAP envelope.
    Soap(Envelope),
    /// A statement and its parameters.
    Sql(Statement, Vec<Expression>),
    /// What is looked up in a dropped table.
    File(Expression),
    /// The query itself.
    Grpc,
}

impl Question {
    /// The header in which a request names the host itself.
    pub(super) fn host(&self) -> Option<&str> {
        match self {
            Self::Http(request) => request.host(),
            Self::Soap(envelope) => envelope.host(),
            Self::Sql(..) | Self::File(_) | Self::Grpc => None,
        }
    }
}

/// More than one page.
pub(crate) struct Paging {
    /// The rows of a reply.
    pub(crate) rows: Expression,
    /// Whether there are more.
    pub(crate) more: Expression,
    /// At most so many.
    pub(crate) max_pages: i64,
}

/// How a reply is read.
pub(crate) struct Reading {
    /// The part that matters.
    pub(crate) document: Option<Expression>,
    /// When the data was true, in milliseconds since 1970.
    pub(crate) as_of: Option<Expression>,
    /// Positions of the subjects really checked.
    pub(crate) checked: Option<Expression>,
    /// The agency says that it cannot answer.
    pub(crate) unavailable: Option<Expression>,
    /// It holds no record.
    pub(crate) not_found: Option<Expression>,
    /// It holds records that disagree.
    pub(crate) conflict: Option<Expression>,
    /// It holds a record.
    pub(crate) found: Expression,
    /// The record is that of whom we asked about.
    pub(crate) echo: Option<Expression>,
    /// What the record holds.
    pub(crate) attributes: Vec<(Attribute, Expression)>,
}

/// Reads one operation.
pub(super) fn operation(
    source: &Source<'_>,
    section: Section<'_>,
    agency: &OrganisationId,
    declared: &Declared,
    access: Option<&Access>,
    find: &dyn Fn(&FactCode) -> Option<Fact>,
) -> Option<Operation> {
    let code = section.required("fact")?;
    let Some(fact) = find(&FactCode::new(code.value.as_str())) else {
        source.flaw(code.at, format!("the catalogue has no fact `{}`", code.value));
        return None;
    };
    if fact.agency != *agency {
        let problem = format!("`{}` is a fact of `{}`, not of `{agency}`", fact.code, fact.agency);
        source.flaw(code.at, problem);
    }
    let idempotent = section.truth("idempotent");
    let resilience = resilience::of_operation(source, &section, idempotent);
    if matches!(access, Some(Access::Grpc(_))) {
        section.finish();
        return Some(Operation {
            fact: fact.code,
            roles: fact.roles,
            catalogue: fact.attributes,
            idempotent,
            resilience,
            question: Question::Grpc,
            paging: None,
            reading: None,
            codes: Json::Null,
        });
    }
    let codes = codes::tables(source, &section);
    let tables: Vec<String> = codes.keys().cloned().collect();
    let asking = declared.for_request(&fact.roles, &tables);
    let hearing = declared.for_reply(&fact.roles, &tables);

    let question = question(source, &section, access, (&asking, declared));
    // Rows of a database or a file come all at once.
    let has_pages = !matches!(access, Some(Access::Sql(_) | Access::File(_)));
    let paging = has_pages
        .then(|| section.section("paging"))
        .flatten()
        .map(|section| paging(source, section, &hearing));
    let reading = reading(source, &section, &fact, &hearing, &codes);
    section.finish();
    Some(Operation {
        fact: fact.code,
        roles: fact.roles,
        catalogue: fact.attributes,
        idempotent,
        resilience,
        question: question?,
        paging: paging.map_or(Some(None), |read| read.map(Some))?,
        reading: Some(reading?),
        codes: Json::Object(codes),
    })
}

fn question(
    source: &Source<'_>,
    section: &Section<'_>,
    access: Option<&Access>,
    (names, declared): (&Names, &Declared),
) -> Option<Question> {
    let Some(access) = access else {
        // Without knowing the transport, its keys are not called unknown: one flaw is enough.
        let _any = ["request", "statement", "parameters", "lookup"].map(|key| section.has(key));
        return None;
    };
    match access {
        Access::Http(_) => {
            let inside = present(section, "request")?;
            request(source, inside, names, declared.sign.as_ref()).map(Question::Http)
        }
        Access::Soap(..) => {
            let inside = present(section, "request")?;
            envelope(source, inside, names, declared.sign.as_ref()).map(Question::Soap)
        }
        Access::Sql(database) => {
            let statement = section.required("statement");
            let parameters: Vec<Text> = section.texts("parameters");
            let compiled: Vec<Option<Expression>> =
                parameters.iter().map(|text| source.expression(text, names)).collect();
            let statement = statement?;
            let checked = statement::check(&statement.value, parameters.len(), database.dialect)
                .map_err(|problem| {
                    source.flaw(statement.at, format!("`{}`: {problem}", statement.key));
                });
            Some(Question::Sql(checked.ok()?, compiled.into_iter().collect::<Option<_>>()?))
        }
        Access::File(_) => {
            let lookup = section.required("lookup")?;
            source.expression(&lookup, names).map(Question::File)
        }
        Access::Grpc(_) => Some(Question::Grpc),
    }
}

fn paging(source: &Source<'_>, section: Section<'_>, names: &Names) -> Option<Paging> {
    let rows = section.required("rows").and_then(|text| source.expression(&text, names));
    let more = section.required("more").and_then(|text| source.expression(&text, names));
    let max_pages = section.integer("max_pages", 1..1_001, MAX_PAGES);
    section.finish();
    Some(Paging { rows: rows?, more: more?, max_pages })
}

fn reading(
    source: &Source<'_>,
    section: &Section<'_>,
    fact: &Fact,
    names: &Names,
    codes: &Map<String, Json>,
) -> Option<Reading> {
    let compiled = |section: &Section<'_>, key, names: &Names| {
        section.text(key).map_or(Some(None), |text| source.expression(&text, names).map(Some))
    };
    let document = compiled(section, "document", names);
    let names = names.clone().with("doc", Members::Any);
    let as_of = compiled(section, "as_of", &names);
    let checked = compiled(section, "checked", &names);
    let attributes = attributes(source, section, fact, &names, codes);
    let outcome = present(section, "outcome")?;
    let unavailable = compiled(&outcome, "unavailable", &names);
    let not_found = outcome.text("not_found").map_or(Some(None), |text| {
        let rule = source.expression(&text, &names);
        if rule.as_ref().is_some_and(|rule| rule.calls("size")) {
            source.warn(text.at, format!("{}: {SIZE}", text.key));
        }
        rule.map(Some)
    });
    let conflict = compiled(&outcome, "conflict", &names);
    let found = outcome.required("found").and_then(|text| source.expression(&text, &names));
    let echo = compiled(&outcome, "echo", &names);
    outcome.finish();
    Some(Reading {
        document: document?,
        as_of: as_of?,
        checked: checked?,
        unavailable: unavailable?,
        not_found: not_found?,
        conflict: conflict?,
        found: found?,
        echo: echo?,
        attributes: attributes?,
    })
}

fn attributes(
    source: &Source<'_>,
    section: &Section<'_>,
    fact: &Fact,
    names: &Names,
    codes: &Map<String, Json>,
) -> Option<Vec<(Attribute, Expression)>> {
    let inside = present(section, "attributes")?;
    let at = inside.at();
    let mut given: BTreeMap<String, Text> = inside.named_texts().into_iter().collect();
    let mut read = Vec::new();
    for attribute in &fact.attributes {
        match given.remove(&attribute.name) {
            Some(text) => {
                let expression = source.expression(&text, names);
                codes::judge(source, &text, attribute, codes);
                read.push(expression.map(|expression| (attribute.clone(), expression)));
            }
            // An optional one too: a record without it says that there is none, which nobody may say who never looked.
            None => {
                let (name, code) = (&attribute.name, &fact.code);
                source.flaw(at, format!("the attribute `{name}` of `{code}` is missing"));
                read.push(None);
            }
        }
    }
    for (name, text) in given {
        source.flaw(text.at, format!("`{}` has no attribute `{name}`", fact.code));
    }
    read.into_iter().collect()
}

fn present<'s>(section: &Section<'s>, key: &'static str) -> Option<Section<'s>> {
    if !section.has(key) {
        section.missing(key);
    }
    section.section(key)
}
