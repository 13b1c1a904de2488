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
use super::shared::{SharedList, SharedMap};
use super::{Expression, Fault, path};

/// Told of each expression evaluated in a scope, of the scope, and of what came of it. It sees personal data and secrets.
pub(crate) type Witness = dyn Fn(&Expression, &Scope, &Result<Json, Fault>) + Send + Sync;

/// A document as the interpreter sees it. It is made once; whoever holds it once more copies nothing of its maps and lists.
#[derive(Debug)]
pub(crate) struct Held(Box<dyn Val>);

impl Held {
    /// A map.
    pub(crate) fn map<K: Into<String>, V: Into<Self>>(
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let entries = entries.into_iter();
        Self(map_of(entries.map(|(key, value)| (key.into(), value.into().0))))
    }

    /// A list.
    pub(crate) fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self(SharedList::boxed(items.into_iter().map(|item| item.0).collect::<Vec<_>>()))
    }

    /// What an evaluation came to.
    ///
    /// # Errors
    /// What is no document.
    pub(super) fn of(value: &dyn Val) -> Result<Self, Fault> {
        let shared = value.downcast_ref::<SharedMap>().map(|map| Self(Box::new(map.clone())));
        let shared = shared.or_else(|| {
            value.downcast_ref::<SharedList>().map(|list| Self(Box::new(list.clone())))
        });
        shared.map_or_else(|| document(to_datum(value)).map(Self::from), Ok)
    }

    /// What a map has under that name.
    pub(crate) fn get(&self, name: &str) -> Option<Self> {
        let map = self.0.downcast_ref::<SharedMap>()?;
        map.0.inner().get(&CelMapKey::from(name.to_owned())).map(|value| Self(value.clone()))
    }

    /// The same map with one more entry, or another of that name. Of anything else, itself.
    pub(crate) fn with(self, name: &str, value: Self) -> Self {
        let Some(map) = self.0.downcast_ref::<SharedMap>() else { return self };
        let mut entries = CelMap::clone(&map.0).into_inner();
        entries.insert(CelMapKey::from(name.to_owned()), value.0);
        Self(SharedMap::boxed(entries))
    }

    /// The items of a list.
    pub(crate) fn items(&self) -> Option<Vec<Self>> {
        let list = self.0.downcast_ref::<SharedList>()?;
        Some(list.0.inner().iter().map(|item| Self(item.clone())).collect())
    }

    /// True of null.
    pub(crate) fn is_null(&self) -> bool {
        self.0.downcast_ref::<CelNull>().is_some()
    }

    /// A whole number that is not negative.
    pub(crate) fn as_u64(&self) -> Option<u64> {
        match self.0.downcast_ref::<CelInt>() {
            Some(whole) => u64::try_from(*whole.inner()).ok(),
            None => self.0.downcast_ref::<CelUInt>().map(|whole| *whole.inner()),
        }
    }

    /// How many values it is made of.
    pub(crate) fn values(&self) -> usize {
        values(self.0.as_ref())
    }

    /// The document again.
    pub(crate) fn to_json(&self) -> Json {
        to_json(self.0.as_ref()).unwrap_or(Json::Null)
    }
}

impl Clone for Held {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl From<Json> for Held {
    fn from(document: Json) -> Self {
        Self(to_val(document))
    }
}

impl From<&Json> for Held {
    fn from(document: &Json) -> Self {
        Self::from(document.clone())
    }
}

impl From<&Held> for Held {
    fn from(held: &Held) -> Self {
        held.clone()
    }
}

impl From<String> for Held {
    fn from(text: String) -> Self {
        Self(Box::new(CelString::from(text)))
    }
}

impl From<&str> for Held {
    fn from(text: &str) -> Self {
        Self(Box::new(CelString::from(text.to_owned())))
    }
}

fn values(value: &dyn Val) -> usize {
    if let Some(map) = value.downcast_ref::<CelMap>() {
        return map.inner().values().map(|inside| values(inside.as_ref())).sum::<usize>() + 1;
    }
    let list = value.downcast_ref::<CelList>();
    list.map_or(0, |list| list.inner().iter().map(|item| values(item.as_ref())).sum()) + 1
}

/// What an expression can see. Values are converted once and then only borrowed.
#[derive(Default)]
pub(crate) struct Scope {
    outer: Option<Arc<Scope>>,
    /// Few enough that comparing names is faster than hashing them.
    values: Vec<(&'static str, Held)>,
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

    /// Binds a name. A document that is not used any more is best given away: its texts are then not copied.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<Held>) {
        let value = value.into();
        match self.values.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.values.push((name, value)),
        }
    }

    fn get(&self, name: &str) -> Option<&dyn Val> {
        match self.values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => Some(value.0.as_ref()),
            None => self.outer.as_ref()?.get(name),
        }
    }
}

impl VariableResolver for Scope {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        path::follow(variable, |root| self.get(root)).map(CowVal::Borrowed)
    }
}

/// A scope and one more name.
pub(super) struct Extended<'a> {
    /// The scope.
    pub(super) scope: &'a Scope,
    /// The name.
    pub(super) name: &'static str,
    /// What it stands for.
    pub(super) value: &'a Held,
}

impl VariableResolver for Extended<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let root = |root: &str| match root == self.name {
            true => Some(self.value.0.as_ref()),
            false => self.scope.get(root),
        };
        path::follow(variable, root).map(CowVal::Borrowed)
    }
}

/// A document as the interpreter's value.
pub(super) fn to_val(json: Json) -> Box<dyn Val> {
    match json {
        Json::Null => Box::new(CelNull),
        Json::Bool(truth) => Box::new(CelBool::from(truth)),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(whole), ..) => Box::new(CelInt::from(whole)),
            (_, Some(whole), _) => Box::new(CelUInt::from(whole)),
            (_, _, fraction) => Box::new(CelDouble::from(fraction.unwrap_or(f64::NAN))),
        },
        Json::String(text) => Box::new(CelString::from(text)),
        Json::Array(items) => {
            SharedList::boxed(items.into_iter().map(to_val).collect::<Vec<Box<dyn Val>>>())
        }
        Json::Object(map) => map_of(map.into_iter().map(|(key, value)| (key, to_val(value)))),
    }
}

fn map_of(entries: impl Iterator<Item = (String, Box<dyn Val>)>) -> Box<dyn Val> {
    let entries: HashMap<CelMapKey<'static>, Box<dyn Val>> =
        entries.map(|(key, value)| (CelMapKey::from(key), value)).collect();
    SharedMap::boxed(entries)
}

/// A value where only a document will do.
///
/// # Errors
/// Bytes, and what has no form outside expressions.
pub(super) fn document(datum: Option<Datum>) -> Result<Json, Fault> {
    match datum {
        Some(Datum::Json(json)) => Ok(json),
        Some(Datum::Bytes(_)) => Err(Fault::Result {
            wanted: "text, a number, a truth, a list, a map or null",
            found: "bytes: use `base64` or `hex`",
        }),
        None => Err(Fault::Other("its value has no form outside expressions")),
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
