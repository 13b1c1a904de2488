//! What changes from one version of a manifest to another, in sentences. Values in, sentences out.

use std::collections::BTreeMap;

use crate::adapters::portrait::{Bearing, Portrait, Term};
use crate::query::FactCode;

/// One thing that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it bears on.
    pub bearing: Bearing,
    /// Key of the manifest, such as `attributes.married`; empty where a whole fact comes or goes.
    pub key: String,
    /// What was set, where something was.
    pub old: Option<String>,
    /// What is set now, where something is.
    pub new: Option<String>,
    /// What changes, in words.
    pub text: String,
}

/// What changes in one place; never without a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The fact, or every question where there is none.
    pub fact: Option<FactCode>,
    /// What changes there.
    pub changes: Vec<Change>,
}

/// What changes from `old` to `new`; nothing when both say the same, however it is written.
pub(super) fn between(old: &Portrait, new: &Portrait) -> Vec<Changed> {
    let mut places = vec![Changed { fact: None, changes: for_all(old, new) }];
    for after in &new.operations {
        let fact = after.fact.code.clone();
        let changes = match old.operation(&fact) {
            Some(before) => terms(&before.terms, &after.terms),
            None => vec![whole("it is answered now and was not before".to_owned())],
        };
        places.push(Changed { fact: Some(fact), changes });
    }
    for before in &old.operations {
        let fact = before.fact.code.clone();
        if new.operation(&fact).is_none() {
            let text = "it is not answered any more: whoever asks gets no answer".to_owned();
            places.push(Changed { fact: Some(fact), changes: vec![whole(text)] });
        }
    }
    places.retain(|place| !place.changes.is_empty());
    places
}

fn whole(text: String) -> Change {
    Change { bearing: Bearing::Answers, key: String::new(), old: None, new: None, text }
}

fn for_all(old: &Portrait, new: &Portrait) -> Vec<Change> {
    let label = |key: &str, value: &str, bearing| Term {
        key: key.to_owned(),
        value: value.to_owned(),
        line: None,
        bearing,
    };
    let of = |portrait: &Portrait| {
        let head = [
            label("name", &portrait.name, Bearing::Label),
            label("version", &portrait.version, Bearing::Label),
            label("agency", portrait.agency.as_str(), Bearing::Answers),
        ];
        head.into_iter().chain(portrait.terms.iter().cloned()).collect::<Vec<_>>()
    };
    terms(&of(old), &of(new))
}

fn terms(old: &[Term], new: &[Term]) -> Vec<Change> {
    let before: BTreeMap<&str, &Term> = old.iter().map(|term| (term.key.as_str(), term)).collect();
    let after: BTreeMap<&str, &Term> = new.iter().map(|term| (term.key.as_str(), term)).collect();
    let readers = |table: &str| {
        let mut names: Vec<&str> =
            [old, new].into_iter().flat_map(|all| readers(all, table)).collect();
        names.sort_unstable();
        names.dedup();
        names.join(", ")
    };
    let mut changes = Vec::new();
    for term in new {
        let was = before.get(term.key.as_str());
        if was.is_some_and(|was| was.value == term.value) {
            continue;
        }
        changes.push(Change {
            bearing: was.map_or(term.bearing, |was| was.bearing.min(term.bearing)),
            key: term.key.clone(),
            old: was.map(|was| was.value.clone()),
            new: Some(term.value.clone()),
            text: sentence(
                &term.key,
                was.map(|was| was.value.as_str()),
                Some(&term.value),
                &readers,
            ),
        });
    }
    for term in old.iter().filter(|term| !after.contains_key(term.key.as_str())) {
        changes.push(Change {
            bearing: term.bearing,
            key: term.key.clone(),
            old: Some(term.value.clone()),
            new: None,
            text: sentence(&term.key, Some(&term.value), None, &readers),
        });
    }
    // What may change answers comes first.
    changes.sort_by_key(|change| change.bearing);
    changes
}

/// The attributes that are read from a table of codes.
fn readers<'t>(terms: &'t [Term], table: &str) -> Vec<&'t str> {
    let name = format!("codes.{table}");
    let reads = |value: &str| {
        value.match_indices(&name).any(|(at, found)| {
            let next = value.get(at + found.len()..).and_then(|rest| rest.chars().next());
            !next.is_some_and(|next| next.is_alphanumeric() || next == '_')
        })
    };
    let readers = terms.iter().filter(|term| !term.key.starts_with("codes.") && reads(&term.value));
    readers.map(|term| term.key.strip_prefix("attributes.").unwrap_or(&term.key)).collect()
}

fn sentence(
    key: &str,
    old: Option<&str>,
    new: Option<&str>,
    readers: &dyn Fn(&str) -> String,
) -> String {
    if let Some((table, code)) = key.strip_prefix("codes.").and_then(|rest| rest.split_once('.')) {
        return of_code((table, code), old, new, &readers(table));
    }
    let what = named(key);
    match (old, new) {
        (Some(old), Some(new)) => format!("{what}: from `{old}` to `{new}`"),
        (None, Some(new)) => format!("{what}: now `{new}`; there was none"),
        (Some(old), None) => format!("{what}: there is none any more; it was `{old}`"),
        (None, None) => what,
    }
}

fn of_code(
    (table, code): (&str, &str),
    old: Option<&str>,
    new: Option<&str>,
    readers: &str,
) -> String {
    let read = if readers.is_empty() { String::new() } else { format!(" ({readers})") };
    let code = format!("code `{code}` of table `{table}`{read}");
    match (old, new) {
        (Some(old), Some(new)) => format!("{code}: stood for {old}, stands for {new} now"),
        (None, Some(new)) => format!("{code}: new, stands for {new}; it was a contract error"),
        (Some(old), None) => {
            format!("{code}: gone, stood for {old}; a reply with it is a contract error now")
        }
        (None, None) => code,
    }
}

/// What a key is about, and the key.
fn named(key: &str) -> String {
    if let Some(attribute) = key.strip_prefix("attributes.") {
        return format!("attribute `{attribute}` is read otherwise");
    }
    if let Some(outcome) = key.strip_prefix("outcome.") {
        let rule = match outcome {
            "unavailable" => "the agency cannot answer",
            "not_found" => "no record",
            "conflict" => "records that disagree",
            "found" => "a record",
            _ => "the record is that of whom was asked about",
        };
        return format!("the rule for “{rule}” (`{key}`)");
    }
    let last = key.rsplit('.').next().unwrap_or(key);
    let words = match (key, last) {
        ("name", _) => "the adapter's name; its state and its counters begin anew",
        ("version", _) => "the manifest's version",
        ("agency", _) => "the agency",
        ("transport", _) => "the way to the agency",
        ("maintenance", _) => "when the agency is not there",
        ("idempotent", _) => "whether asking twice does no harm",
        ("document", _) => "the part of the reply that is read",
        ("as_of", _) => "when the data was true",
        ("checked", _) => "which subjects were really checked",
        ("statement", _) => "the statement",
        ("lookup", _) => "what is looked up",
        ("grpc.command", _) => "the program",
        (_, "base" | "endpoint" | "host") => "the agency's address",
        (_, "server_name") => "the name its certificate must have",
        (_, "ca") => "whose certificates are trusted",
        (_, "certificate" | "key") if !key.starts_with("sign") && !key.starts_with("file") => {
            "what the gateway shows itself with"
        }
        (_, "password") => "the secret it logs in with",
        (_, "user") if key.starts_with("sql") => "the account",
        (_, "timeout" | "statement_timeout" | "attempt_timeout") => "how long an attempt may take",
        (_, "retries" | "retry_budget" | "retry_floor") => "how often is asked again",
        (_, "rate_per_second" | "burst") => "how many questions a second",
        (_, "max_in_flight") => "how many questions at once",
        _ => before(key),
    };
    if words.is_empty() { format!("`{key}`") } else { format!("{words} (`{key}`)") }
}

/// What the beginning of a key is about.
fn before(key: &str) -> &'static str {
    let known = [
        ("secrets.", "where a secret is"),
        ("settings.", "a constant"),
        ("sign.", "how requests are signed"),
        ("session.", "how the gateway logs in"),
        ("request.", "what is sent"),
        ("parameters[", "a parameter of the statement"),
        ("paging.", "how more rows are asked for"),
        ("resilience.breaker.", "when nobody asks any more"),
    ];
    known.iter().find(|(start, _)| key.starts_with(start)).map_or("", |(_, words)| words)
}
