//! A request of the manifest with its expressions worked out.

use http::Method;
use serde_json::{Map, Value as Json};

use crate::adapters::failed::Failed;
use crate::adapters::language::charset::Charset;
use crate::adapters::language::expression::{Fault, Scope};
use crate::adapters::line::https::Outgoing;
use crate::adapters::manifest::{Payload, Request, Tree};

/// The request as it is sent.
///
/// # Errors
/// An expression that has no value, or one of the wrong type: a contract error.
pub(crate) fn request(
    request: &Request,
    scope: &Scope,
    charset: Charset,
) -> Result<Outgoing, Failed> {
    let mut target = request.path.clone();
    let query = pairs("request.query", &request.query, scope)?;
    if !query.is_empty() {
        target.push('?');
        target.push_str(&form("request.query", &query, charset)?);
    }
    let charset_name = charset.name();
    let payload = match &request.payload {
        Payload::Nothing => None,
        Payload::Form(entries) => {
            let text = form("request.form", &pairs("request.form", entries, scope)?, charset)?;
            let kind = format!("application/x-www-form-urlencoded;charset={charset_name}");
            Some((kind, text.into_bytes()))
        }
        Payload::Json(tree) => {
            let value = value("request.json", tree, scope)?;
            let bytes = charset.encode(&value.to_string()).ok_or_else(|| {
                let place = uncarried_in(&value, charset).unwrap_or_default();
                Failed::contract(format!("request.json{place}: {}", uncarried(charset)))
            })?;
            Some((format!("application/json;charset={charset_name}"), bytes))
        }
        Payload::Body(tree) => {
            let text = text("request.body", tree, scope)?.unwrap_or_default();
            let bytes = charset
                .encode(&text)
                .ok_or_else(|| Failed::contract(format!("request.body: {}", uncarried(charset))))?;
            Some((format!("text/plain;charset={charset_name}"), bytes))
        }
    };
    let method = match request.method.as_str() {
        "GET" => Method::GET,
        "PUT" => Method::PUT,
        _ => Method::POST,
    };
    Ok(Outgoing { method, target, headers: headers(&request.headers, scope)?, payload })
}

/// Header names and values; a null value leaves the header out.
///
/// # Errors
/// As [`request`].
pub(crate) fn headers(
    entries: &[(String, Tree)],
    scope: &Scope,
) -> Result<Vec<(String, String)>, Failed> {
    let headers = pairs("request.headers", entries, scope)?;
    match headers.iter().find(|(_, value)| http::HeaderValue::from_str(value).is_err()) {
        Some((name, _)) => Err(Failed::contract(format!(
            "request.headers.{name}: it has characters no header can"
        ))),
        None => Ok(headers),
    }
}

fn pairs(
    key: &str,
    entries: &[(String, Tree)],
    scope: &Scope,
) -> Result<Vec<(String, String)>, Failed> {
    let mut pairs = Vec::with_capacity(entries.len());
    for (name, tree) in entries {
        if let Some(text) = text(&format!("{key}.{name}"), tree, scope)? {
            pairs.push((name.clone(), text));
        }
    }
    Ok(pairs)
}

fn text(key: &str, tree: &Tree, scope: &Scope) -> Result<Option<String>, Failed> {
    match tree {
        Tree::Expression(expression) => {
            expression.text(scope).map_err(|fault| Failed::expression(key, expression, fault))
        }
        Tree::Constant(Json::String(text)) => Ok(Some(text.clone())),
        Tree::Constant(constant) => Ok(Some(constant.to_string())),
        Tree::Table(_) | Tree::List(_) => {
            let found = if matches!(tree, Tree::List(_)) { "a list" } else { "a map" };
            let fault = Fault::Result { wanted: "text, a number or a truth", found };
            Err(Failed::contract(format!("{key}: {fault}")))
        }
    }
}

fn value(key: &str, tree: &Tree, scope: &Scope) -> Result<Json, Failed> {
    Ok(match tree {
        Tree::Expression(expression) => expression
            .evaluate(scope)
            .map_err(|fault| Failed::expression(key, expression, fault))?,
        Tree::Constant(constant) => constant.clone(),
        Tree::Table(entries) => {
            let mut map = Map::new();
            for (name, tree) in entries {
                map.insert(name.clone(), value(&format!("{key}.{name}"), tree, scope)?);
            }
            Json::Object(map)
        }
        Tree::List(items) => {
            Json::Array(items.iter().map(|tree| value(key, tree, scope)).collect::<Result<_, _>>()?)
        }
    })
}

/// `application/x-www-form-urlencoded`, in the charset's bytes. `%20` is understood where `+` is, and in paths too.
fn form(key: &str, pairs: &[(String, String)], charset: Charset) -> Result<String, Failed> {
    let mut text = String::new();
    for (position, (name, value)) in pairs.iter().enumerate() {
        if position > 0 {
            text.push('&');
        }
        let bytes = |text: &str| {
            charset
                .encode(text)
                .ok_or_else(|| Failed::contract(format!("{key}.{name}: {}", uncarried(charset))))
        };
        percent_encode(&bytes(name)?, &mut text);
        text.push('=');
        percent_encode(&bytes(value)?, &mut text);
    }
    Ok(text)
}

/// What is said of a text that the charset cannot carry. Which character it is would tell of whom.
pub(crate) fn uncarried(charset: Charset) -> String {
    format!("it has a character that the charset {} cannot carry", charset.name())
}

/// Where in a document the first such text stands, such as `.person.name`.
fn uncarried_in(value: &Json, charset: Charset) -> Option<String> {
    match value {
        Json::String(text) => charset.encode(text).is_none().then(String::new),
        Json::Array(items) => items.iter().find_map(|item| uncarried_in(item, charset)),
        Json::Object(map) => map.iter().find_map(|(name, value)| {
            uncarried_in(value, charset).map(|place| format!(".{name}{place}"))
        }),
        Json::Null | Json::Bool(_) | Json::Number(_) => None,
    }
}

fn percent_encode(bytes: &[u8], into: &mut String) {
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_encoded_in_the_charset() {
        let pairs = [("姓名".to_owned(), "张 三&=+".to_owned()), ("n".to_owned(), "1".to_owned())];
        assert_eq!(
            form("k", &pairs, Charset::Utf8).unwrap(),
            "%E5%A7%93%E5%90%8D=%E5%BC%A0%20%E4%B8%89%26%3D%2B&n=1"
        );
        assert_eq!(
            form("k", &pairs, Charset::Gb18030).unwrap(),
            "%D0%D5%C3%FB=%D5%C5%20%C8%FD%26%3D%2B&n=1"
        );
    }

    #[test]
    fn what_the_charset_cannot_carry_is_named_by_its_place_only() {
        let pairs = [("xm".to_owned(), "张𠮷".to_owned())];
        let refused = form("request.form", &pairs, Charset::Gbk).unwrap_err().detail;
        let expected = "request.form.xm: it has a character that the charset gbk cannot carry";
        assert_eq!(refused, expected);
        assert_eq!(form("request.form", &pairs, Charset::Gb18030).unwrap(), "xm=%D5%C5%954%B25");
        let value = serde_json::json!({ "a": ["张", { "b": "㛃" }] });
        assert_eq!(uncarried_in(&value, Charset::Gbk).as_deref(), Some(".a.b"));
        assert_eq!(uncarried_in(&value, Charset::Gb18030), None);
    }
}
