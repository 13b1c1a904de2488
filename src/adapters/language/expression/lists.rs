//! Functions that look at a list or map and copy nothing of it but what they hand out. As documents, which the others take,
//! an agency's rows would be made anew for each question how many there are.
//!
//! They pay as the others do, and refuse what the others would.

use std::cmp::Ordering;

use cel::common::functions::Function;
use cel::common::types::{CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, DYN_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{Env, ExecutionError};

use super::paid::weigh;
use crate::adapters::language::functions::{COUNT, FIELD, LATEST, LIST, OF_LISTS, TEXT};

/// Declares them.
pub(super) fn declare(environment: &mut Env) {
    let pointers: [Function; OF_LISTS.len()] = [first, last, latest, count, or_null];
    for ((name, count), pointer) in OF_LISTS.into_iter().zip(pointers) {
        let arguments = (0..count).map(|_| DYN_TYPE).collect();
        let declared = environment.add_overload(name, name, arguments, pointer);
        debug_assert!(declared.is_ok(), "`{name}` is declared twice");
    }
}

type Arguments<'b, 'v> = Vec<CowVal<'b, 'v>>;
type Outcome<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

/// CEL's `size` is nothing of an empty text and of an empty map too, which are no lists of records.
fn count<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let length = list("count", &arguments)?.len();
    Ok(CowVal::owned(CelInt::from(i64::try_from(length).unwrap_or(i64::MAX))))
}

fn first<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    handed_out(list("first", &arguments)?.first().map(AsRef::as_ref))
}

fn last<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    handed_out(list("last", &arguments)?.last().map(AsRef::as_ref))
}

/// The element whose field is greatest; the later one of equals; null of an empty list.
fn latest<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let refused = |problem| ExecutionError::function_error("latest", problem);
    let items = list("latest", &arguments)?;
    let field = field("latest", &arguments)?;
    let mut best: Option<(&(dyn Val + 'v), &dyn Val)> = None;
    for item in items {
        let map = item.downcast_ref::<CelMap>().ok_or_else(|| refused(LATEST))?;
        let key = map.inner().get(&field).ok_or_else(|| refused(LATEST))?.as_ref();
        let greatest = best.map_or(key, |(_, greatest)| greatest);
        if order(key, greatest).ok_or_else(|| refused(LATEST))? != Ordering::Less {
            best = Some((item.as_ref(), key));
        }
    }
    handed_out(best.map(|(item, _)| item))
}

fn or_null<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let refused = |problem| ExecutionError::function_error("or_null", problem);
    let value = paid("or_null", &arguments)?;
    if value.downcast_ref::<CelNull>().is_some() {
        return handed_out(None);
    }
    let map = value.downcast_ref::<CelMap>().ok_or_else(|| refused(FIELD))?;
    handed_out(map.inner().get(&field("or_null", &arguments)?).map(AsRef::as_ref))
}

/// How two texts or two whole numbers stand to each other; nothing else has an order here.
fn order(one: &dyn Val, other: &dyn Val) -> Option<Ordering> {
    if let (Some(one), Some(other)) =
        (one.downcast_ref::<CelString>(), other.downcast_ref::<CelString>())
    {
        return Some(one.inner().cmp(other.inner()));
    }
    Some(one.downcast_ref::<CelInt>()?.inner().cmp(other.downcast_ref::<CelInt>()?.inner()))
}

fn handed_out<'b, 'v>(value: Option<&(dyn Val + 'v)>) -> Outcome<'b, 'v> {
    let Some(value) = value else { return Ok(CowVal::owned(CelNull)) };
    weigh(value)?;
    Ok(CowVal::Owned(value.clone_as_boxed()))
}

/// The first argument, once all of them are paid for.
fn paid<'a, 'v>(
    name: &'static str,
    arguments: &'a [CowVal<'_, 'v>],
) -> Result<&'a (dyn Val + 'v), ExecutionError> {
    arguments.iter().try_for_each(|argument| weigh(argument.as_ref()))?;
    let first = arguments.first().map(CowVal::as_ref);
    first.ok_or_else(|| ExecutionError::function_error(name, COUNT))
}

fn list<'a, 'v>(
    name: &'static str,
    arguments: &'a [CowVal<'_, 'v>],
) -> Result<&'a [Box<dyn Val + 'v>], ExecutionError> {
    let list = paid(name, arguments)?.downcast_ref::<CelList>();
    list.map(CelList::inner).ok_or_else(|| ExecutionError::function_error(name, LIST))
}

/// The second argument, the name of a field.
fn field(
    name: &'static str,
    arguments: &[CowVal<'_, '_>],
) -> Result<CelMapKey<'static>, ExecutionError> {
    let text = arguments.get(1).and_then(|argument| argument.downcast_ref::<CelString>());
    let text = text.ok_or_else(|| ExecutionError::function_error(name, TEXT))?;
    Ok(CelMapKey::from(text.inner().to_owned()))
}
