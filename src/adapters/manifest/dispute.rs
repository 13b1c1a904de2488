//! `[dispute]`: where the agency takes disputes about its data, a folder, a call, or both.

use serde_json::Value as Json;

use super::access::Access;
use super::files::Files;
use super::names::Declared;
use super::operation::{Operation, Question};
use super::request::{envelope, request};
use super::resilience::Narrower;
use super::section::{Section, Source, Text};
use crate::adapters::language::expression::{Expression, Names};
use crate::adapters::queue::{Queue, would_be_within};
use crate::query::FactCode;

/// What `fact` is in a call that brings a dispute: no fact of the catalogue is called so.
pub(crate) const CALLED: &str = "dispute";

/// Where an agency takes disputes.
#[derive(Default)]
pub(crate) struct Disputes {
    /// A folder: papers are put there unless there is a call, and answers are taken from it.
    pub(crate) queue: Option<Queue>,
    /// A call.
    pub(crate) call: Option<Call>,
}

/// A call that brings the agency a dispute.
pub(crate) struct Call {
    /// What is sent, as of an operation that nobody can ask.
    pub(crate) operation: Operation,
    /// Whether the agency took it.
    pub(crate) accepted: Expression,
    /// Its own number of it.
    pub(crate) ticket: Option<Expression>,
}

/// Reads the section; `None` is a flaw.
pub(super) fn dispute(
    source: &Source<'_>,
    document: &Section<'_>,
    files: &Files<'_>,
    declared: &Declared,
    access: Option<&Access>,
) -> Option<Disputes> {
    let Some(section) = document.section("dispute") else { return Some(Disputes::default()) };
    let has_call = section.has("request");
    let queue = match section.has("folder") || !has_call {
        true => section.required("folder").and_then(|text| queue(source, files, &text)).map(Some),
        false => Some(None),
    };
    let call = match has_call {
        true => call(source, &section, declared, access).map(Some),
        false => {
            for key in ["accepted", "ticket"].into_iter().filter(|key| section.has(key)) {
                let problem = format!("`{key}` reads the reply to `request`, which is missing");
                source.flaw(section.at_key(key), problem);
            }
            Some(None)
        }
    };
    section.finish();
    Some(Disputes { queue: queue?, call: call? })
}

fn queue(source: &Source<'_>, files: &Files<'_>, text: &Text) -> Option<Queue> {
    files.refer(text);
    let folder = files.path(&text.value);
    let within = files.queues();
    if let Some(within) = within.filter(|within| files.read && !would_be_within(&folder, within)) {
        let roots: Vec<String> = within.iter().map(|root| root.display().to_string()).collect();
        let problem = format!(
            "{}: `{}` lies in none of the folders that manifests may have disputes put into \
             (`manifests.queues` of the gateway's settings: {})",
            text.key,
            folder.display(),
            roots.join(", ")
        );
        source.flaw(text.at, problem);
        return None;
    }
    Some(Queue::new(folder, within.map(<[_]>::to_vec)))
}

fn call(
    source: &Source<'_>,
    section: &Section<'_>,
    declared: &Declared,
    access: Option<&Access>,
) -> Option<Call> {
    let sees = declared.for_dispute();
    let question = section
        .section("request")
        .and_then(|inside| question(source, section, inside, (&sees, declared), access));
    let hears = declared.for_dispute_reply();
    let accepted = section.required("accepted").and_then(|text| source.expression(&text, &hears));
    let ticket = section
        .text("ticket")
        .map_or(Some(None), |text| source.expression(&text, &hears).map(Some));
    let operation = Operation {
        fact: FactCode::new(CALLED),
        roles: Vec::new(),
        catalogue: Vec::new(),
        // Brought twice it is the same dispute: it has its id.
        idempotent: true,
        resilience: Narrower::default(),
        question: question?,
        paging: None,
        reading: None,
        codes: Json::Null,
    };
    Some(Call { operation, accepted: accepted?, ticket: ticket? })
}

fn question(
    source: &Source<'_>,
    section: &Section<'_>,
    inside: Section<'_>,
    (names, declared): (&Names, &Declared),
    access: Option<&Access>,
) -> Option<Question> {
    let sign = declared.sign.as_ref();
    match access? {
        Access::Http(_) => request(source, inside, names, sign).map(Question::Http),
        Access::Soap(..) => envelope(source, inside, names, sign).map(Question::Soap),
        Access::Sql(_) | Access::File(_) | Access::Grpc(_) => {
            let at = section.at_key("request");
            source.flaw(at, "`dispute.request` goes with `[http]` or `[soap]` only");
            None
        }
    }
}
