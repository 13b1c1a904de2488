//! `[sign]`: what of a request is signed, how, and where the signature goes.

use std::sync::Arc;

use super::request::Tree;
use super::section::{Leaf, Section, Source, Text};
use crate::adapters::language::expression::{Expression, Members, Names};
use crate::adapters::language::signature::{Algorithm, Encoding};
use crate::adapters::language::template::Template;

/// What the string to sign is made of, of a plain request.
const OF_HTTP: [&str; 7] = ["method", "path", "query", "query_sorted", "fields", "headers", "body"];
/// The same, of an envelope.
const OF_SOAP: [&str; 6] = ["method", "path", "action", "inner", "headers", "body"];

/// How requests are signed.
pub(crate) struct Sign {
    /// Values that do not look at the request.
    pub(crate) early: Vec<Value>,
    /// Those that do, and those after them.
    pub(crate) late: Vec<Value>,
    /// What is signed.
    pub(crate) string: Expression,
    /// What makes the signature.
    pub(crate) algorithm: Algorithm,
    /// Where the algorithm takes one.
    pub(crate) key: Option<Expression>,
    /// How the signature is written.
    pub(crate) encoding: Encoding,
    /// Put into the headers.
    pub(crate) headers: Vec<Placed>,
    /// Put after the question mark.
    pub(crate) query: Vec<Placed>,
    /// Put into the form.
    pub(crate) form: Vec<Placed>,
    /// Put into the JSON document, at its top.
    pub(crate) json: Vec<Placed>,
    /// Put inside `soap:Header`, after signing.
    pub(crate) header: Option<Template>,
    /// The parts of the request that some expression here looks at.
    pub(crate) seen: Vec<&'static str>,
    /// What is signed depends on the body.
    pub(super) sees_body: bool,
    /// The signature goes somewhere.
    pub(super) is_placed: bool,
}

/// One of `values`.
pub(crate) struct Value {
    /// Its name.
    pub(crate) name: String,
    /// What it is.
    pub(crate) expression: Expression,
    /// Made from a secret.
    pub(crate) is_secret: bool,
    /// It looks at those before it.
    pub(crate) sees_values: bool,
}

/// What is put into a request.
pub(crate) struct Placed {
    /// Name of the header, field or member.
    pub(crate) name: String,
    /// Its value.
    pub(crate) tree: Tree,
    /// It holds the signature, so it is put in after signing.
    pub(crate) holds_signature: bool,
    /// Made from a secret.
    pub(crate) is_secret: bool,
}

/// What carries the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    /// A plain request.
    Http,
    /// An envelope.
    Soap,
}

/// Reads a `sign` table. `base` is what its expressions see beside the request; `secrets` are the names a key can have.
pub(super) fn sign(
    source: &Source<'_>,
    section: Section<'_>,
    base: &Names,
    carrier: Carrier,
    secrets: &[String],
) -> Option<Arc<Sign>> {
    let parts: &[&'static str] = if carrier == Carrier::Http { &OF_HTTP } else { &OF_SOAP };
    let looking = parts.iter().fold(base.clone(), |names, part| names.with(part, Members::Any));
    let (early, late) = values(source, &section, &looking, parts);
    let named =
        |values: &[Value]| values.iter().map(|value| value.name.clone()).collect::<Vec<_>>();
    let of_early = Members::of(named(&early));
    let of_all = Members::of(named(&early).into_iter().chain(named(&late)));
    let before = base.clone().with("values", of_early);
    let at_signing = looking.with("values", of_all);
    let after = at_signing.clone().with("signature", Members::Any);

    let string = section.required("string").and_then(|text| source.expression(&text, &at_signing));
    let algorithm = section.required("algorithm").and_then(|text| {
        let algorithm = one_of(source, &text, &Algorithm::NAMES);
        if algorithm == Some(Algorithm::Md5) {
            let advice = "`md5` can be forged: ask the agency for `hmac-sm3` or `hmac-sha256`";
            source.warn(text.at, format!("{}: {advice}", text.key));
        }
        algorithm
    });
    let key = key(source, &section, algorithm, &at_signing, secrets);
    let encoding =
        section.required("encoding").and_then(|text| one_of(source, &text, &Encoding::NAMES));

    let headers = placed(source, &section, "headers", &after, None);
    refuse_header_names(source, &section, &headers);
    let (mut query, mut form, mut json, mut header) = (Vec::new(), Vec::new(), Vec::new(), None);
    match carrier {
        Carrier::Http => {
            query = placed(source, &section, "query", &after, Some(&before));
            form = placed(source, &section, "form", &after, Some(&before));
            json = placed(source, &section, "json", &after, Some(&before));
            if !form.is_empty() && !json.is_empty() {
                source.flaw(section.at(), "a request has at most one of `form` and `json`");
            }
        }
        Carrier::Soap => {
            header = section.text("header").and_then(|text| source.template(&text, &after));
        }
    }
    let placed = [&headers, &query, &form, &json];
    let is_placed = placed.into_iter().flatten().any(|placed| placed.holds_signature)
        || header.as_ref().is_some_and(|header| header.mentions("signature"));
    if carrier == Carrier::Http && !is_placed {
        let problem = "the signature goes nowhere: write `signature` in an expression of \
                       `headers`, `query`, `form` or `json`";
        source.flaw(section.at(), problem);
    }
    section.finish();
    let (string, key) = (string?, key?);
    let seen = seen(parts, [Some(&string), key.as_ref()], &late, placed, header.as_ref());
    let sees_body = string.mentions("body")
        || late.iter().any(|value| value.expression.mentions("body"))
        || headers.iter().any(|placed| !placed.holds_signature && mentions(&placed.tree, "body"));
    Some(Arc::new(Sign {
        early,
        late,
        string,
        algorithm: algorithm?,
        key,
        encoding: encoding?,
        headers,
        query,
        form,
        json,
        header,
        seen,
        sees_body,
        is_placed,
    }))
}

/// The parts of the request that one of these looks at.
fn seen(
    parts: &[&'static str],
    expressions: [Option<&Expression>; 2],
    late: &[Value],
    placed: [&Vec<Placed>; 4],
    header: Option<&Template>,
) -> Vec<&'static str> {
    let is_seen = |part: &&'static str| {
        expressions.into_iter().flatten().any(|expression| expression.mentions(part))
            || late.iter().any(|value| value.expression.mentions(part))
            || placed.into_iter().flatten().any(|placed| mentions(&placed.tree, part))
            || header.is_some_and(|header| header.mentions(part))
    };
    parts.iter().copied().filter(is_seen).collect()
}

/// Those before the first that looks at the request, and the rest, in the order of the file.
fn values(
    source: &Source<'_>,
    section: &Section<'_>,
    names: &Names,
    parts: &[&'static str],
) -> (Vec<Value>, Vec<Value>) {
    let mut texts = section.section("values").map(Section::named_texts).unwrap_or_default();
    texts.sort_by_key(|(_, text)| text.at);
    let (mut early, mut late) = (Vec::<Value>::new(), Vec::<Value>::new());
    let mut earlier: Vec<String> = Vec::new();
    for (name, text) in texts {
        let names = names.clone().with("values", Members::of(earlier.clone()));
        earlier.push(name.clone());
        let Some(expression) = source.expression(&text, &names) else { continue };
        let of_secret = early.iter().chain(&late).any(|value| value.is_secret);
        let sees_values = expression.mentions("values");
        let is_secret = is_secret(&expression) || of_secret && sees_values;
        let looks = parts.iter().any(|part| expression.mentions(part));
        let group = if looks || !late.is_empty() { &mut late } else { &mut early };
        group.push(Value { name, expression, is_secret, sees_values });
    }
    (early, late)
}

/// The outer `None` is a flaw; the inner one is no key, where none is taken.
#[expect(clippy::option_option, reason = "a flaw and an absence are different things")]
fn key(
    source: &Source<'_>,
    section: &Section<'_>,
    algorithm: Option<Algorithm>,
    names: &Names,
    secrets: &[String],
) -> Option<Option<Expression>> {
    let Some(text) = section.text("key") else {
        let is_wanted = algorithm.is_some_and(Algorithm::takes_key);
        if is_wanted {
            let problem = "`key` is missing: the name of a secret, or an expression";
            source.flaw(section.at_key("algorithm"), problem);
        }
        return (!is_wanted).then_some(None);
    };
    if algorithm.is_some_and(|algorithm| !algorithm.takes_key()) {
        let problem = format!("`{}`: this algorithm takes none; put it into `string`", text.key);
        source.flaw(text.at, problem);
        return None;
    }
    let is_name =
        text.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if !is_name {
        return source.expression(&text, names).map(Some);
    }
    if !secrets.contains(&text.value) {
        source.flaw(text.at, format!("`{}` names no secret: `{}`", text.key, text.value));
        return None;
    }
    let value = format!("secret[\"{}\"]", text.value);
    let text = text.standing_for(value);
    source.expression(&text, names).map(Some)
}

/// `before` is what an entry without the signature may see, where that is less.
fn placed(
    source: &Source<'_>,
    section: &Section<'_>,
    key: &'static str,
    names: &Names,
    before: Option<&Names>,
) -> Vec<Placed> {
    let entries = match section.leaf(key) {
        None => return Vec::new(),
        Some(Leaf::Table(entries)) => entries,
        Some(_) => {
            let problem = format!("`{key}` is a table of names and values");
            source.flaw(section.at_key(key), problem);
            return Vec::new();
        }
    };
    let mut read = Vec::new();
    for (name, leaf) in entries {
        let expression = match leaf {
            Leaf::Text(text) => {
                let Some(expression) = source.expression(&text, names) else { continue };
                let is_early = before.is_none_or(|before| {
                    expression.mentions("signature") || expression.unknown_names(before).is_empty()
                });
                if !is_early {
                    let problem = format!(
                        "{}: it goes into what is signed, so it cannot look at the request, nor at \
                         a value that does",
                        text.key
                    );
                    source.flaw(text.at, problem);
                }
                expression
            }
            Leaf::Constant(constant) => {
                let tree = Tree::Constant(constant);
                read.push(Placed { name, tree, holds_signature: false, is_secret: false });
                continue;
            }
            Leaf::Table(_) | Leaf::List(_) => {
                let problem = format!("`{key}.{name}` is text: an expression");
                source.flaw(section.at_key(key), problem);
                continue;
            }
        };
        let holds_signature = expression.mentions("signature");
        let is_secret = is_secret(&expression);
        read.push(Placed { name, tree: Tree::Expression(expression), holds_signature, is_secret });
    }
    read
}

fn refuse_header_names(source: &Source<'_>, section: &Section<'_>, headers: &[Placed]) {
    for placed in headers {
        if http::HeaderName::from_bytes(placed.name.as_bytes()).is_err() {
            let problem = format!("`{}` is no header name", placed.name);
            source.flaw(section.at_key("headers"), problem);
        }
    }
}

fn one_of<T: Copy>(source: &Source<'_>, text: &Text, names: &[(&str, T)]) -> Option<T> {
    let found = names.iter().find(|(name, _)| *name == text.value).map(|(_, found)| *found);
    if found.is_none() {
        let names: Vec<String> = names.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        source.flaw(text.at, format!("`{}` is one of {}", text.key, names.join(", ")));
    }
    found
}

fn is_secret(expression: &Expression) -> bool {
    expression.mentions("secret") || expression.mentions("session")
}

fn mentions(tree: &Tree, name: &str) -> bool {
    matches!(tree, Tree::Expression(expression) if expression.mentions(name))
}
