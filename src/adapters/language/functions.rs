//! The functions expressions may call: pure, total, and silent about the values they refuse.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::charset::Charset;
use super::{budget, json, moment};
use crate::crypto::{self, MacKey};
use crate::query::{identifier, name};

/// A value on its way through functions: a document, or bytes that no document can hold.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Datum {
    /// A document.
    Json(Json),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// One function: what it is called and how many arguments it takes.
pub(super) struct Function {
    /// Its name in expressions.
    pub(super) name: &'static str,
    /// How many arguments it takes.
    pub(super) arity: usize,
    body: fn(&[Datum]) -> Result<Datum, &'static str>,
}

impl Function {
    /// Calls it.
    ///
    /// # Errors
    /// Says what the arguments should have been.
    pub(super) fn call(&self, arguments: &[Datum]) -> Result<Datum, &'static str> {
        if arguments.len() == self.arity { (self.body)(arguments) } else { Err(COUNT) }
    }
}

/// The function whose result depends on the manifest (which elements are lists); the expression module provides it.
pub(super) const XML: &str = "xml";
/// Functions that look at the interpreter's own values, which the expression module provides, and how many arguments they take.
pub(super) const OF_LISTS: [(&str, usize); 5] =
    [("first", 1), ("last", 1), ("latest", 2), ("count", 1), ("or_null", 2)];
/// A problem of any function.
pub(super) const FOREIGN: &str = "takes no such value";
pub(super) const COUNT: &str = "takes another number of arguments";
pub(super) const TEXT: &str = "takes text";
const BYTES: &str = "takes text or bytes";
pub(super) const LIST: &str = "takes a list";
pub(super) const FIELD: &str = "takes a map and a field";
pub(super) const LATEST: &str = "takes a list of maps and a field that each of them has";
const TEXTS: &str = "takes a list of texts, and the text between them";
const UNCARRIED: &str = "the text has a character that the charset cannot carry";

const fn of(
    name: &'static str,
    arity: usize,
    body: fn(&[Datum]) -> Result<Datum, &'static str>,
) -> Function {
    Function { name, arity, body }
}

/// Every function that takes documents and gives one.
pub(super) static ALL: [Function; 27] = [
    of("hmac_sha256", 2, |arguments| match arguments {
        [key, text] => Ok(Datum::Bytes(MacKey::new(bytes(key)?).mac(&[bytes(text)?]).to_vec())),
        _ => Err(COUNT),
    }),
    of("sha256", 1, |arguments| Ok(Datum::Bytes(crypto::sha256(bytes(one(arguments)?)?).to_vec()))),
    of("md5", 1, |arguments| Ok(Datum::Bytes(crypto::md5(bytes(one(arguments)?)?).to_vec()))),
    of("sm3", 1, |arguments| Ok(Datum::Bytes(crypto::sm3(bytes(one(arguments)?)?).to_vec()))),
    of("hmac_sm3", 2, |arguments| match arguments {
        [key, text] => Ok(Datum::Bytes(crypto::hmac_sm3(bytes(key)?, bytes(text)?).to_vec())),
        _ => Err(COUNT),
    }),
    of("gb18030", 1, |arguments| in_charset(arguments, Charset::Gb18030)),
    of("gbk", 1, |arguments| in_charset(arguments, Charset::Gbk)),
    of("base64", 1, |arguments| Ok(text(STANDARD.encode(bytes(one(arguments)?)?)))),
    of("base64_decode", 1, |arguments| {
        STANDARD
            .decode(as_text(one(arguments)?)?.trim())
            .map(Datum::Bytes)
            .map_err(|_| "the text is no base64")
    }),
    of("hex", 1, |arguments| Ok(text(crypto::hex(bytes(one(arguments)?)?)))),
    of("aes_ecb_decrypt", 2, aes_ecb_decrypt),
    of("json", 1, json),
    of("to_json", 1, |arguments| match one(arguments)? {
        Datum::Json(value) => Ok(text(value.to_string())),
        Datum::Bytes(_) => Err("takes no bytes: use `base64` or `hex`"),
    }),
    of("lower", 1, |arguments| Ok(text(as_text(one(arguments)?)?.to_lowercase()))),
    of("upper", 1, |arguments| Ok(text(as_text(one(arguments)?)?.to_uppercase()))),
    of("trim", 1, |arguments| Ok(text(as_text(one(arguments)?)?.trim()))),
    of("time", 2, |arguments| match arguments {
        [Datum::Json(Json::Number(ms)), pattern] => {
            let ms = ms.as_i64().ok_or("takes whole milliseconds")?;
            Ok(text(moment::write(ms, as_text(pattern)?)?))
        }
        _ => Err("takes milliseconds and a pattern"),
    }),
    of("http_date", 1, |arguments| match one(arguments)? {
        Datum::Json(Json::Number(ms)) => {
            let ms = ms.as_i64().ok_or("takes whole milliseconds")?;
            Ok(text(moment::http_date(ms)?))
        }
        _ => Err("takes whole milliseconds"),
    }),
    of("join", 2, |arguments| match arguments {
        [items, between] => {
            let items: Option<Vec<&str>> = list(items)?.iter().map(Json::as_str).collect();
            let (items, between) = (items.ok_or(TEXTS)?, as_text(between)?);
            budget::spend_text(items.len().saturating_mul(between.len()))?;
            Ok(text(items.join(between)))
        }
        _ => Err(COUNT),
    }),
    of("ms", 2, |arguments| match arguments {
        [text, pattern] => {
            Ok(Datum::Json(Json::from(moment::read(as_text(text)?, as_text(pattern)?)?)))
        }
        _ => Err(COUNT),
    }),
    of("date", 1, |arguments| maybe_text(one(arguments)?, moment::date)),
    of("month", 1, |arguments| maybe_text(one(arguments)?, moment::month)),
    of("fen", 1, |arguments| match one(arguments)? {
        Datum::Json(Json::Null) => Ok(Datum::Json(Json::Null)),
        Datum::Json(Json::Number(yuan)) => moment::fen(&yuan.to_string()).map(whole),
        Datum::Json(Json::String(yuan)) => moment::fen(yuan).map(whole),
        _ => Err("takes yuan as text or number"),
    }),
    of("fold", 1, |arguments| Ok(text(name::fold(as_text(one(arguments)?)?)))),
    of("one_writing", 1, |arguments| {
        Ok(Datum::Json(Json::Bool(name::has_one_writing(as_text(one(arguments)?)?))))
    }),
    of("id18", 1, |arguments| {
        identifier::citizen_id(as_text(one(arguments)?)?)
            .map(text)
            .map_err(|_| "the text is no citizen ID")
    }),
    of("id15", 1, |arguments| {
        Ok(text(identifier::id15(as_text(one(arguments)?)?).unwrap_or_default()))
    }),
];

/// How many arguments a function of ours takes.
pub(super) fn arity(name: &str) -> Option<usize> {
    let of_all = ALL.iter().map(|function| (function.name, function.arity));
    let mut known = of_all.chain(OF_LISTS).chain([(XML, 1)]);
    known.find(|(known, _)| *known == name).map(|(_, arity)| arity)
}

/// The names of all functions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|function| function.name).chain(OF_LISTS.map(|(name, _)| name)).chain([XML])
}

/// The function and its problem again, from their texts, when the function is one of ours: only then is the problem
/// known to repeat no value.
pub(super) fn problem(name: &str, problem: &str) -> Option<(&'static str, &'static str)> {
    let name = names().find(|known| *known == name)?;
    let problem = PROBLEMS.iter().find(|known| **known == problem).copied();
    Some((name, problem.unwrap_or("the value does not have the right form")))
}

/// The problems worth repeating to an operator.
const PROBLEMS: [&str; 23] = [
    FOREIGN,
    COUNT,
    TEXT,
    BYTES,
    LIST,
    TEXTS,
    UNCARRIED,
    "the text is no base64",
    "takes no bytes: use `base64` or `hex`",
    "takes whole milliseconds",
    "takes milliseconds and a pattern",
    "takes yuan as text or number",
    "the text is no citizen ID",
    FIELD,
    "the text is no JSON",
    "this is no XML",
    "takes one text",
    "the text was not encrypted with this key",
    "the text is not UTF-8",
    LATEST,
    moment::NO_DATE,
    moment::NO_AMOUNT,
    moment::NO_MATCH,
];

fn aes_ecb_decrypt(arguments: &[Datum]) -> Result<Datum, &'static str> {
    let [key, sealed] = arguments else { return Err(COUNT) };
    let sealed = match sealed {
        Datum::Bytes(bytes) => bytes.clone(),
        Datum::Json(_) => {
            STANDARD.decode(as_text(sealed)?.trim()).map_err(|_| "the text is no base64")?
        }
    };
    let plain = crypto::aes_ecb_decrypt(bytes(key)?, &sealed)
        .ok_or("the text was not encrypted with this key")?;
    String::from_utf8(plain).map(text).map_err(|_| "the text is not UTF-8")
}

fn in_charset(arguments: &[Datum], charset: Charset) -> Result<Datum, &'static str> {
    charset.encode(as_text(one(arguments)?)?).map(Datum::Bytes).ok_or(UNCARRIED)
}

/// Agencies hand out JSON in strings, sometimes escaped twice, and sometimes the value itself.
fn json(arguments: &[Datum]) -> Result<Datum, &'static str> {
    let mut value = match one(arguments)? {
        Datum::Json(value) => value.clone(),
        Datum::Bytes(_) => return Err(TEXT),
    };
    for _ in 0..3 {
        let Json::String(inner) = &value else { break };
        spend_document(inner)?;
        value = json::read(inner).ok_or("the text is no JSON, or has a key twice")?;
    }
    Ok(Datum::Json(value))
}

/// Pays for what a text of JSON may become: each of these begins a value.
fn spend_document(text: &str) -> Result<(), &'static str> {
    let begins = |byte: &u8| matches!(byte, b',' | b':' | b'[' | b'{');
    let values = text.bytes().filter(|byte| begins(byte)).count();
    budget::spend(budget::NODE.saturating_mul(u64::try_from(values).unwrap_or(u64::MAX)))
}

fn one(arguments: &[Datum]) -> Result<&Datum, &'static str> {
    arguments.first().ok_or(COUNT)
}

fn as_text(datum: &Datum) -> Result<&str, &'static str> {
    match datum {
        Datum::Json(Json::String(text)) => Ok(text),
        Datum::Json(_) | Datum::Bytes(_) => Err(TEXT),
    }
}

fn bytes(datum: &Datum) -> Result<&[u8], &'static str> {
    match datum {
        Datum::Bytes(bytes) => Ok(bytes),
        Datum::Json(Json::String(text)) => Ok(text.as_bytes()),
        Datum::Json(_) => Err(BYTES),
    }
}

fn list(datum: &Datum) -> Result<&[Json], &'static str> {
    match datum {
        Datum::Json(Json::Array(items)) => Ok(items),
        Datum::Json(_) | Datum::Bytes(_) => Err(LIST),
    }
}

fn maybe_text(
    datum: &Datum,
    read: fn(&str) -> Result<Option<String>, &'static str>,
) -> Result<Datum, &'static str> {
    let found = match datum {
        Datum::Json(Json::Null) => None,
        Datum::Json(Json::Number(number)) => read(&number.to_string())?,
        datum => read(as_text(datum)?)?,
    };
    Ok(found.map_or(Datum::Json(Json::Null), text))
}

fn text(value: impl Into<String>) -> Datum {
    Datum::Json(Json::String(value.into()))
}

fn whole(value: i64) -> Datum {
    Datum::Json(Json::from(value))
}
