//! What expressions see, and how values pass between documents and the interpreter.

use std::collections::HashMap;
use std::sync::Arc;

use cel::Value;
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt,
};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::objects::Key;
use serde_json::Value as Json;

use super::super::functions::Datum;
use super::{Expression, Fault};

/// Told of each expression evaluated in a scope, of the scope, and of what came of it. It sees personal data and secrets.
pub(crate) type Witness = dyn Fn(&Expression, &Scope, &Result<Json, Fault>) + Send + Sync;

/// What an expression can see. Values are converted once and then only borrowed.
#[derive(Default)]
pub(crate) struct Scope {
    outer: Option<Arc<Scope>>,
    values: HashMap<&'static str, Box<dyn Val>>,
    /// Names of XML elements that are lists even when there is one.
    pub(super) lists: Arc<[String]>,
    /// Nobody, but on an operator's workbench.
    pub(super) witness: Option<Arc<Witness>>,
}

impl Scope {
    /// An empty scope. `lists` names the XML elements that are always lists.
    pub(crate) fn new(lists: Arc<[String]>) -> Self {
        Self { outer: None, values: HashMap::new(), lists, witness: None }
    }

    /// A scope inside another: it sees what the outer one sees, and may hide it.
    pub(crate) fn inside(outer: &Arc<Self>) -> Self {
        Self {
            outer: Some(Arc::clone(outer)),
            values: HashMap::new(),
            lists: Arc::clone(&outer.lists),
            witness: outer.witness.clone(),
        }
    }

    /// The same, with a witness to all that is evaluated in it and inside it.
    pub(crate) fn watched_by(self, witness: Option<Arc<Witness>>) -> Self {
        Self { witness, ..self }
    }

    /// Binds a name.
    pub(crate) fn set(&mut self, name: &'static str, value: &Json) {
        self.values.insert(name, to_val(value));
    }

    fn get(&self, name: &str) -> Option<&dyn Val> {
        match self.values.get(name) {
            Some(value) => Some(value.as_ref()),
            None => self.outer.as_ref()?.get(name),
        }
    }
}

impl VariableResolver for Scope {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        self.get(variable).map(CowVal::Borrowed)
    }
}

/// A scope and one more name.
pub(super) struct Extended<'a> {
    scope: &'a Scope,
    name: &'static str,
    value: Box<dyn Val>,
}

impl<'a> Extended<'a> {
    /// `scope`, and `value` under `name`.
    pub(super) fn new(scope: &'a Scope, name: &'static str, value: &Json) -> Self {
        Self { scope, name, value: to_val(value) }
    }
}

impl VariableResolver for Extended<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        if variable == self.name {
            return Some(CowVal::Borrowed(self.value.as_ref()));
        }
        self.scope.resolve(variable)
    }
}

fn to_val(json: &Json) -> Box<dyn Val> {
    match json {
        Json::Null => Box::new(CelNull),
        Json::Bool(truth) => Box::new(CelBool::from(*truth)),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(whole), ..) => Box::new(CelInt::from(whole)),
            (_, Some(whole), _) => Box::new(CelUInt::from(whole)),
            (_, _, fraction) => Box::new(CelDouble::from(fraction.unwrap_or(f64::NAN))),
        },
        Json::String(text) => Box::new(CelString::from(text.clone())),
        Json::Array(items) => {
            Box::new(CelList::from(items.iter().map(to_val).collect::<Vec<Box<dyn Val>>>()))
        }
        Json::Object(map) => {
            let entries: HashMap<CelMapKey<'static>, Box<dyn Val>> = map
                .iter()
                .map(|(key, value)| (CelMapKey::from(key.clone()), to_val(value)))
                .collect();
            Box::new(CelMap::from(entries))
        }
    }
}

/// A document as the interpreter's value.
pub(super) fn from_json(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(truth),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(whole), ..) => Value::Int(whole),
            (_, Some(whole), _) => Value::UInt(whole),
            (_, _, fraction) => Value::Float(fraction.unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::String(Arc::new(text)),
        Json::Array(items) => {
            Value::List(Arc::new(items.into_iter().map(from_json).collect::<Vec<_>>()))
        }
        Json::Object(map) => Value::Map(
            map.into_iter()
                .map(|(key, value)| (key, from_json(value)))
                .collect::<HashMap<String, Value>>()
                .into(),
        ),
    }
}

/// `None` for what has no JSON form: a function, a type, a number that is none, a map with keys that are not text.
pub(super) fn to_datum(value: &Value) -> Option<Datum> {
    if let Value::Bytes(bytes) = value {
        return Some(Datum::Bytes(bytes.as_ref().clone()));
    }
    to_json(value).map(Datum::Json)
}

fn to_json(value: &Value) -> Option<Json> {
    Some(match value {
        Value::Null => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Int(whole) => Json::from(*whole),
        Value::UInt(whole) => Json::from(*whole),
        Value::Float(fraction) => Json::Number(serde_json::Number::from_f64(*fraction)?),
        Value::String(text) => Json::String(text.as_str().to_owned()),
        Value::List(items) => Json::Array(items.iter().map(to_json).collect::<Option<_>>()?),
        Value::Map(map) => Json::Object(
            map.map
                .iter()
                .map(|(key, value)| match key {
                    Key::String(key) => Some((key.as_str().to_owned(), to_json(value)?)),
                    Key::Int(_) | Key::Uint(_) | Key::Bool(_) => None,
                })
                .collect::<Option<_>>()?,
        ),
        _ => return None,
    })
}
