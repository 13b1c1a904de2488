//! What an expression looked at: the values behind the names written in it, and how a value is cut to what a person reads.

use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::adapters::language::expression::{Expression, Fault, Scope};

/// Characters of a text that are shown.
const TEXT: usize = 240;
/// Items of a list, or entries of a map, that are shown.
const ITEMS: usize = 12;
/// Names of one expression that are looked at: what nobody would read on.
const PATHS: usize = 24;

/// Names that begin a path; whatever else begins one is a variable of a macro.
const ROOTS: [&str; 14] = [
    "resp",
    "doc",
    "subject",
    "all",
    "has_role",
    "purpose",
    "operator",
    "request_id",
    "now",
    "nonce",
    "page",
    "cfg",
    "session",
    "codes",
];

/// One value an expression looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Glimpse {
    /// As written, such as `doc.row.op_type`; of a code table with the code itself: `codes.status["IA"]`.
    pub path: String,
    /// What was there; `None` when there was nothing.
    pub value: Option<Json>,
}

/// What stood behind each path of the expression.
pub(super) fn of(source: &str, scope: &Scope) -> Vec<Glimpse> {
    let mut glimpses: Vec<Glimpse> = Vec::new();
    for path in paths(source).into_iter().take(PATHS) {
        let value = match evaluate(&path, scope) {
            Ok(value) => Some(value),
            // A variable of a macro inside the brackets, or a document that could not be made.
            Err(Fault::Unknown(_)) => continue,
            Err(_) => None,
        };
        let path = with_code(&path, scope).unwrap_or(path);
        if glimpses.iter().all(|known| known.path != path) {
            glimpses.push(Glimpse { path, value });
        }
    }
    glimpses
}

/// The value of a text of the language in the scope.
///
/// # Errors
/// As of any expression; what is no expression has a value of the wrong type.
pub(super) fn evaluate(source: &str, scope: &Scope) -> Result<Json, Fault> {
    let expression =
        Expression::compile(source).map_err(|_| Fault::Other("this is no expression"))?;
    expression.glimpse(scope)
}

/// `codes.status[doc.code]` with the code that was looked up.
fn with_code(path: &str, scope: &Scope) -> Option<String> {
    let (table, key) = path.strip_suffix(']')?.split_once('[')?;
    let key = evaluate(key, scope).ok()?;
    table.starts_with("codes.").then(|| format!("{table}[{key}]"))
}

/// A value as it is shown: long texts and lists are cut, and say so.
pub(super) fn shortened(value: &Json) -> Json {
    match value {
        Json::String(text) if text.chars().count() > TEXT => {
            let start: String = text.chars().take(TEXT).collect();
            Json::from(format!("{start}… ({} characters)", text.chars().count()))
        }
        Json::Array(items) => {
            let mut shown: Vec<Json> = items.iter().take(ITEMS).map(shortened).collect();
            if items.len() > ITEMS {
                shown.push(Json::from(format!("… ({} items)", items.len())));
            }
            Json::Array(shown)
        }
        Json::Object(map) => {
            let mut shown: Map<String, Json> = map
                .iter()
                .take(ITEMS)
                .map(|(key, value)| (key.clone(), shortened(value)))
                .collect();
            if map.len() > ITEMS {
                shown.insert("…".to_owned(), Json::from(format!("({} entries)", map.len())));
            }
            Json::Object(shown)
        }
        other => other.clone(),
    }
}

/// Every path written in the expression, in order, what stands inside the brackets of another first.
fn paths(source: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = source;
    let mut before = ' ';
    while let Some(next) = rest.chars().next() {
        if next == '"' || next == '\'' {
            rest = after_text(rest, next);
            before = next;
            continue;
        }
        let starts = next.is_ascii_alphabetic() || next == '_';
        if starts && before != '.' && !is_word(before) {
            let word = word(rest);
            if ROOTS.contains(&word) || word == "secret" {
                let (path, inner) = chain(rest);
                for inner in inner {
                    found.extend(paths(inner));
                }
                found.push(path.to_owned());
                before = ']';
                rest = rest.get(path.len()..).unwrap_or_default();
                continue;
            }
            before = 'a';
            rest = rest.get(word.len()..).unwrap_or_default();
            continue;
        }
        before = next;
        rest = rest.get(next.len_utf8()..).unwrap_or_default();
    }
    found.dedup();
    found
}

/// The path at the start of the text, and what stands between its brackets.
fn chain(text: &str) -> (&str, Vec<&str>) {
    let mut end = word(text).len();
    let mut inner = Vec::new();
    loop {
        let rest = text.get(end..).unwrap_or_default();
        if let Some(after) = rest.strip_prefix('.') {
            let member = word(after);
            let is_call = after.get(member.len()..).is_some_and(|next| next.starts_with('('));
            if member.is_empty() || is_call {
                break;
            }
            end += 1 + member.len();
        } else if rest.starts_with('[') {
            let Some(length) = bracket(rest) else { break };
            inner.push(rest.get(1..length - 1).unwrap_or_default());
            end += length;
        } else {
            break;
        }
    }
    (text.get(..end).unwrap_or_default(), inner)
}

/// Bytes of the bracket at the start, both ends included.
fn bracket(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(character),
            (None, '[') => depth += 1,
            (None, ']') => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            (None, _) => {}
        }
    }
    None
}

fn after_text(text: &str, quote: char) -> &str {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return text.get(at + 1..).unwrap_or_default(),
            _ => {}
        }
    }
    ""
}

fn word(text: &str) -> &str {
    let end = text.find(|character| !is_word(character)).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    #[test]
    fn paths_are_what_is_written_without_calls_texts_and_macro_variables() {
        assert_eq!(
            paths(
                r#"resp.body.rows.filter(r, r.resp == "doc.x" && fold(r.n) == fold(subject.person.name))"#
            ),
            ["resp.body.rows", "subject.person.name"]
        );
        assert_eq!(paths("codes.flag[doc.R[0].X]"), ["doc.R[0].X", "codes.flag[doc.R[0].X]"]);
        assert_eq!(paths(r#"doc["a.b"].c + 'it\'s doc'"#), [r#"doc["a.b"].c"#]);
        assert_eq!(paths("all.member.all(m, m.now in doc.members)"), ["all.member", "doc.members"]);
        assert_eq!(paths("nowhere + string(now)"), ["now"]);
        assert!(paths("size(x) == 1").is_empty());
    }

    #[test]
    fn values_are_those_of_the_scope_and_codes_are_named() {
        let mut scope = Scope::new(Arc::default());
        scope.set("doc", json!({ "code": "IA", "long": "字".repeat(500) }));
        scope.set("codes", json!({ "status": { "IA": "married" } }));
        let seen = of("codes.status[doc.code] + doc.long + doc.none", &scope);
        let shown: Vec<_> = seen.iter().map(|one| (one.path.as_str(), one.value.clone())).collect();
        assert_eq!(shown[0], ("doc.code", Some(json!("IA"))));
        assert_eq!(shown[1], (r#"codes.status["IA"]"#, Some(json!("married"))));
        // Whole: a secret that were cut here could no longer be told for one.
        assert_eq!(shown[2], ("doc.long", Some(json!("字".repeat(500)))));
        assert_eq!(shown[3], ("doc.none", None));
    }

    #[test]
    fn what_is_long_says_how_long_it_is() {
        let text = shortened(&json!("字".repeat(500)));
        assert!(text.as_str().unwrap().ends_with("字… (500 characters)"), "{text}");
        let shown = shortened(&json!((0..40).collect::<Vec<_>>()));
        assert_eq!(shown.as_array().unwrap().last(), Some(&json!("… (40 items)")));
    }
}
