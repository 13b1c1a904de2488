//! Maps and lists that are copied by holding them once more. The interpreter copies what a macro's variable stands for, at
//! each of its turns, and what is taken out of a value that nothing else holds: of an agency's rows that would be all of them.
//!
//! To the interpreter they are its own maps and lists, down to equality: whatever it asks of one, the map or list inside answers.

use std::any::Any;
use std::sync::Arc;

use cel::ExecutionError;
use cel::common::traits::{Adder, Container, Indexer, Iterable, Sizer, Zeroer};
use cel::common::types::{CelList, CelMap, Type};
use cel::common::value::{Builtin, BuiltinRef, CowVal, StaticVal, Val};

/// A map or list of the interpreter's, held by many.
#[derive(Debug)]
pub(super) struct Shared<T>(pub(super) Arc<T>);

/// A map held by many.
pub(super) type SharedMap = Shared<CelMap<'static>>;

/// A list held by many.
pub(super) type SharedList = Shared<CelList<'static>>;

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Val + Indexer + Clone + 'static> Shared<T> {
    /// Held once.
    pub(super) fn boxed(inside: impl Into<T>) -> Box<dyn Val> {
        Box::new(Self(Arc::new(inside.into())))
    }
}

impl<T: Val + Indexer + Clone + 'static> Val for Shared<T> {
    fn get_type(&self) -> &Type {
        T::cel_type()
    }

    fn cel_type() -> &'static Type {
        T::cel_type()
    }

    fn as_adder<'b, 'v>(&'b self) -> Option<&'b (dyn Adder + 'v)>
    where
        Self: 'v,
    {
        self.0.as_adder()
    }

    fn as_container(&self) -> Option<&dyn Container> {
        self.0.as_container()
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        self.0.as_indexer()
    }

    fn into_indexer<'v>(self: Box<Self>) -> Option<Box<dyn Indexer + 'v>>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_iterable<'b, 'v>(&'b self) -> Option<&'b (dyn Iterable + 'v)>
    where
        Self: 'v,
    {
        self.0.as_iterable()
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        self.0.as_sizer()
    }

    fn as_zeroer(&self) -> Option<&dyn Zeroer> {
        self.0.as_zeroer()
    }

    fn equals(&self, other: &dyn Val) -> bool {
        self.0.equals(other)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }

    fn as_builtin<'b, 'v>(&'b self) -> BuiltinRef<'b, 'v>
    where
        Self: 'v,
    {
        self.0.as_builtin()
    }

    fn into_builtin<'v>(self: Box<Self>) -> Option<Builtin<'v>>
    where
        Self: 'v,
    {
        Box::new(T::clone(&self.0)).into_builtin()
    }
}

impl<T: Val + Indexer + Clone + 'static> StaticVal for Shared<T> {}

/// Of one that nothing else holds, what is inside may be held elsewhere.
impl<T: Indexer + 'static> Indexer for Shared<T> {
    fn get<'b, 'v>(&'b self, key: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.0.get(key)
    }

    fn steal<'v>(self: Box<Self>, key: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.0.get(key).map(CowVal::into_owned)
    }
}
