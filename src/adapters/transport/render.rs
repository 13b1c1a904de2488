//! A request of the manifest with its expressions worked out.

use std::sync::Arc;

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::signing::{Signing, When};
use crate::adapters::failed::Failed;
use crate::adapters::language::charset::Charset;
use crate::adapters::language::expression::{Fault, Scope};
use crate::adapters::line::https::Outgoing;
use crate::adapters::manifest::{Payload, Request, Sign, Tree};

/// Names and texts, in their order.
pub(super) type Pairs = Vec<(String, String)>;

/// The request as it is sent, signed where the manifest says so.
///
/// # Errors
/// An expression that has no value, or one of the wrong type: a contract error.
pub(crate) fn request(
    request: &Request,
    scope: &Arc<Scope>,
    charset: Charset,
) -> Result<Outgoing, Failed> {
    let mut parts = Parts {
        query: pairs("request.query", &request.query, scope)?,
        headers: headers(&request.headers, scope)?,
        carried: match &request.payload {
            Payload::Nothing => Carried::Nothing,
            Payload::Form(entries) => Carried::Form(pairs("request.form", entries, scope)?),
            Payload::Json(tree) => Carried::Json(value(&|| "request.json".into(), tree, scope)?),
            Payload::Body(tree) => {
                let key = || "request.body".to_owned();
                Carried::Text(text(&key, tree, scope)?.unwrap_or_default())
            }
        },
    };
    let secrets = match &request.sign {
        Some(sign) => signed(request, sign, &mut parts, scope, charset)?,
        None => Vec::new(),
    };
    let target = match parts.query.is_empty() {
        true => request.path.clone(),
        false => format!("{}?{}", request.path, form("request.query", &parts.query, charset)?),
    };
    let payload = parts.payload(charset)?;
    let method = match request.method.as_str() {
        "GET" => Method::GET,
        "PUT" => Method::PUT,
        _ => Method::POST,
    };
    Ok(Outgoing { method, target, headers: parts.headers, payload, secrets })
}

/// A request that more can be put into.
struct Parts {
    query: Pairs,
    headers: Pairs,
    carried: Carried,
}

enum Carried {
    Nothing,
    Form(Pairs),
    Json(Json),
    Text(String),
}

/// Puts in what is signed, signs, and puts in what holds the signature. Returns what must never be shown.
fn signed(
    request: &Request,
    sign: &Sign,
    parts: &mut Parts,
    scope: &Arc<Scope>,
    charset: Charset,
) -> Result<Vec<String>, Failed> {
    let mut signing = Signing::begin(sign, scope)?;
    parts.take_in(&mut signing, sign, When::Before)?;
    signing.see("method", || Ok(request.method.as_str()))?;
    signing.see("path", || Ok(request.path.as_str()))?;
    signing.see("query", || form("request.query", &parts.query, charset))?;
    signing.see("query_sorted", || {
        let mut sorted = parts.query.clone();
        sorted.sort();
        form("request.query", &sorted, charset)
    })?;
    signing.see("fields", || Ok(parts.fields()))?;
    signing.see("body", || parts.body(charset))?;
    signing.see("headers", || Ok(seen(&parts.headers, parts.content_type(charset))))?;
    signing.look()?;
    parts.headers.extend(signing.texts("headers", &sign.headers, When::Before)?);
    signing.see("headers", || Ok(seen(&parts.headers, parts.content_type(charset))))?;
    signing.sign()?;
    parts.take_in(&mut signing, sign, When::After)?;
    parts.headers.extend(signing.texts("headers", &sign.headers, When::After)?);
    sendable(&parts.headers)?;
    Ok(signing.into_secrets())
}

impl Parts {
    fn take_in(
        &mut self,
        signing: &mut Signing<'_>,
        sign: &Sign,
        when: When,
    ) -> Result<(), Failed> {
        self.query.extend(signing.texts("query", &sign.query, when)?);
        match &mut self.carried {
            Carried::Form(entries) => entries.extend(signing.texts("form", &sign.form, when)?),
            Carried::Json(Json::Object(members)) => signing.members(members, when)?,
            Carried::Nothing | Carried::Json(_) | Carried::Text(_) => {}
        }
        Ok(())
    }

    /// What the request says by name, sorted by name.
    fn fields(&self) -> Json {
        let mut fields = self.query.clone();
        match &self.carried {
            Carried::Form(entries) => fields.extend(entries.iter().cloned()),
            Carried::Json(Json::Object(members)) => {
                let given = members.iter().filter(|(_, value)| !value.is_null());
                fields.extend(given.map(|(name, value)| {
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    (name.clone(), text)
                }));
            }
            Carried::Nothing | Carried::Json(_) | Carried::Text(_) => {}
        }
        fields.sort();
        let fields = fields.into_iter();
        fields.map(|(name, value)| json!({ "name": name, "value": value })).collect()
    }

    fn body(&self, charset: Charset) -> Result<String, Failed> {
        Ok(match &self.carried {
            Carried::Nothing => String::new(),
            Carried::Form(entries) => form("request.form", entries, charset)?,
            Carried::Json(value) => value.to_string(),
            Carried::Text(text) => text.clone(),
        })
    }

    fn content_type(&self, charset: Charset) -> Option<String> {
        let kind = match &self.carried {
            Carried::Nothing => return None,
            Carried::Form(_) => "application/x-www-form-urlencoded",
            Carried::Json(_) => "application/json",
            Carried::Text(_) => "text/plain",
        };
        Some(format!("{kind};charset={}", charset.name()))
    }

    fn payload(&self, charset: Charset) -> Result<Option<(String, Vec<u8>)>, Failed> {
        let Some(content_type) = self.content_type(charset) else { return Ok(None) };
        let bytes = charset.encode(&self.body(charset)?).ok_or_else(|| {
            let place = match &self.carried {
                Carried::Json(value) => {
                    format!("json{}", uncarried_in(value, charset).unwrap_or_default())
                }
                _ => "body".to_owned(),
            };
            Failed::contract(format!("request.{place}: {}", uncarried(charset)))
        })?;
        Ok(Some((content_type, bytes)))
    }
}

/// Headers as expressions see them: by their names in lower case.
pub(super) fn seen(headers: &[(String, String)], content_type: Option<String>) -> Json {
    let usual = content_type.map(|value| ("content-type".to_owned(), Json::from(value)));
    let given =
        headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), Json::from(value.as_str())));
    Json::Object(usual.into_iter().chain(given).collect())
}

/// Header names and values; a null value leaves the header out.
///
/// # Errors
/// As [`request`].
pub(crate) fn headers(entries: &[(String, Tree)], scope: &Scope) -> Result<Pairs, Failed> {
    let headers = pairs("request.headers", entries, scope)?;
    sendable(&headers)?;
    Ok(headers)
}

/// Refuses a value that no header can carry.
///
/// # Errors
/// Its name, never the value.
pub(super) fn sendable(headers: &[(String, String)]) -> Result<(), Failed> {
    match headers.iter().find(|(_, value)| http::HeaderValue::from_str(value).is_err()) {
        Some((name, _)) => Err(Failed::contract(format!(
            "request.headers.{name}: it has characters no header can"
        ))),
        None => Ok(()),
    }
}

fn pairs(key: &str, entries: &[(String, Tree)], scope: &Scope) -> Result<Pairs, Failed> {
    let mut pairs = Vec::with_capacity(entries.len());
    for (name, tree) in entries {
        if let Some(text) = text(&|| format!("{key}.{name}"), tree, scope)? {
            pairs.push((name.clone(), text));
        }
    }
    Ok(pairs)
}

/// What a value stands under, for saying so when it cannot be made.
type Key<'a> = &'a dyn Fn() -> String;

/// A value as text; null is none.
///
/// # Errors
/// As [`request`].
pub(super) fn text(key: Key<'_>, tree: &Tree, scope: &Scope) -> Result<Option<String>, Failed> {
    match tree {
        Tree::Expression(expression) => {
            expression.text(scope).map_err(|fault| Failed::expression(&key(), expression, fault))
        }
        Tree::Constant(Json::String(text)) => Ok(Some(text.clone())),
        Tree::Constant(constant) => Ok(Some(constant.to_string())),
        Tree::Table(_) | Tree::List(_) => {
            let found = if matches!(tree, Tree::List(_)) { "a list" } else { "a map" };
            let fault = Fault::Result { wanted: "text, a number or a truth", found };
            Err(Failed::contract(format!("{}: {fault}", key())))
        }
    }
}

/// A value as a document.
///
/// # Errors
/// As [`request`].
pub(super) fn value(key: Key<'_>, tree: &Tree, scope: &Scope) -> Result<Json, Failed> {
    Ok(match tree {
        Tree::Expression(expression) => expression
            .evaluate(scope)
            .map_err(|fault| Failed::expression(&key(), expression, fault))?,
        Tree::Constant(constant) => constant.clone(),
        Tree::Table(entries) => {
            let mut map = Map::new();
            for (name, tree) in entries {
                let key = || format!("{}.{name}", key());
                map.insert(name.clone(), value(&key, tree, scope)?);
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

/// Appends bytes as forms and addresses carry them.
pub(super) fn percent_encode(bytes: &[u8], into: &mut String) {
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
