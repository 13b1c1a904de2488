//! What expressions see, and how values pass between documents and the interpreter.

use std::collections::HashMap;
use std::sync::Arc;

use cel::common::types::{
    CelBool, CelBytes, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt,
};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use serde_json::Value as Json;

use super::super::functions::Datum;
use super::super::xml::Shape;
use super::{Expression, Fault};

/// Told of each expression evaluated in a scope, of the scope, and of what came of it. It sees personal data and secrets.
pub(crate) type Witness = dyn Fn(&Expression, &Scope, &Result<Json, Fault>) + Send + Sync;

/// What an expression can see. Values are converted once and then only borrowed.
#[derive(Default)]
pub(crate) struct Scope {
    outer: Option<Arc<Scope>>,
    /// Few enough that comparing names is faster than hashing them.
    values: Vec<(&'static str, Box<dyn Val>)>,
    /// How XML is read.
    pub(super) shape: Arc<Shape>,
    /// Nobody, but on an operator's workbench.
    pub(super) witness: Option<Arc<Witness>>,
}

impl Scope {
    /// An empty scope. `shape` says how `xml(text)` reads.
    pub(crate) fn new(shape: Arc<Shape>) -> Self {
        Self { outer: None, values: Vec::new(), shape, witness: None }
    }

    /// A scope inside another: it sees what the outer one sees, and may hide it.
    pub(crate) fn inside(outer: &Arc<Self>) -> Self {
        Self {
            outer: Some(Arc::clone(outer)),
            values: Vec::new(),
            shape: Arc::clone(&outer.shape),
            witness: outer.witness.clone(),
        }
    }

    /// The same, with a witness to all that is evaluated in it and inside it.
    pub(crate) fn watched_by(self, witness: Option<Arc<Witness>>) -> Self {
        Self { witness, ..self }
    }

    /// Binds a name.
    pub(crate) fn set(&mut self, name: &'static str, value: &Json) {
        let value = to_val(value);
        match self.values.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.values.push((name, value)),
        }
    }

    fn get(&self, name: &str) -> Option<&dyn Val> {
        match self.values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => Some(value.as_ref()),
            None => self.outer.as_ref()?.get(name),
        }
    }
}

impl VariableResolver for Scope {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        // For `a.b.c` the interpreter looks for a variable of that whole name first. None of ours has a dot.
        if variable.contains('.') {
            return None;
        }
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

/// A document as the interpreter's value.
pub(super) fn to_val(json: &Json) -> Box<dyn Val> {
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

/// `None` for what has no JSON form: a function, a type, a number that is none, a map with keys that are not text.
pub(super) fn to_datum(value: &dyn Val) -> Option<Datum> {
    if let Some(bytes) = value.downcast_ref::<CelBytes>() {
        return Some(Datum::Bytes(bytes.inner().to_vec()));
    }
    to_json(value).map(Datum::Json)
}

fn to_json(value: &dyn Val) -> Option<Json> {
    if let Some(text) = value.downcast_ref::<CelString>() {
        return Some(Json::from(text.inner()));
    }
    if let Some(map) = value.downcast_ref::<CelMap>() {
        let entries = map.inner().iter().map(|(key, value)| match key {
            CelMapKey::String(key) => Some((key.inner().to_owned(), to_json(value.as_ref())?)),
            CelMapKey::Int(_) | CelMapKey::UInt(_) | CelMapKey::Bool(_) => None,
        });
        return entries.collect::<Option<_>>().map(Json::Object);
    }
    if let Some(list) = value.downcast_ref::<CelList>() {
        return list
            .inner()
            .iter()
            .map(|item| to_json(item.as_ref()))
            .collect::<Option<_>>()
            .map(Json::Array);
    }
    if let Some(whole) = value.downcast_ref::<CelInt>() {
        return Some(Json::from(*whole.inner()));
    }
    if let Some(truth) = value.downcast_ref::<CelBool>() {
        return Some(Json::Bool(*truth.inner()));
    }
    if value.downcast_ref::<CelNull>().is_some() {
        return Some(Json::Null);
    }
    if let Some(whole) = value.downcast_ref::<CelUInt>() {
        return Some(Json::from(*whole.inner()));
    }
    let fraction = value.downcast_ref::<CelDouble>()?;
    serde_json::Number::from_f64(*fraction.inner()).map(Json::Number)
}
