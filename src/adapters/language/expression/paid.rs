//! The operators of guarded trees: they do what CEL's do, and pay for it.

use cel::common::traits::Adder;
use cel::common::types::{CelBool, CelBytes, CelList, CelMap, CelMapKey, CelString, DYN_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{Env, ExecutionError};
use regex::RegexBuilder;

use crate::adapters::language::budget::{self, NODE};

/// Pays for a value and everything in it, and hands it on.
pub(super) const HELD: &str = "@held";
/// Pays for a text or bytes, and for nothing inside a list or map.
pub(super) const MEASURED: &str = "@measured";
/// Pays for what `in` looks through: a list or a text, but not a map.
pub(super) const SOUGHT: &str = "@sought";
/// Takes the macro's variable, the units of one turn, and a value; hands the value on.
pub(super) const TURN: &str = "@turn";
/// The same, of a truth.
pub(super) const JUDGED: &str = "@judged";
/// `text.matches(pattern)`.
pub(super) const MATCHES: &str = "@matches";
/// What is added at once.
pub(super) const MAX_SUM: usize = 32;

/// Bytes of a compiled pattern. Matching takes as many steps for each byte of the text, at worst.
const MAX_PATTERN: usize = 128 * 1024;
/// What compiling a pattern costs.
const PATTERN: u64 = 32 * 1024;
/// What matching costs for each byte of the text.
const MATCHED: u64 = 256;

/// The name of the sum of so many.
pub(super) fn sum_of(count: usize) -> String {
    format!("@sum{count}")
}

/// Declares all of them.
pub(super) fn declare(environment: &mut Env) {
    let operators: [(&str, usize, cel::common::functions::Function); 6] = [
        (HELD, 1, held),
        (MEASURED, 1, measured),
        (SOUGHT, 1, sought),
        (TURN, 3, turn),
        (JUDGED, 3, judged),
        (MATCHES, 2, matches),
    ];
    let mut declare = |name: &str, count: usize, function| {
        let arguments = (0..count).map(|_| DYN_TYPE).collect();
        let declared = environment.add_overload(name, name, arguments, function);
        debug_assert!(declared.is_ok(), "`{name}` is declared twice");
    };
    for (name, count, function) in operators {
        declare(name, count, function);
    }
    for count in 2..=MAX_SUM {
        declare(&sum_of(count), count, sum);
    }
}

/// True of the error of a spent budget.
pub(super) fn is_spent(error: &ExecutionError) -> bool {
    matches!(error, ExecutionError::FunctionError { message, .. } if message == budget::SPENT)
}

/// A spent budget, as an error of the interpreter.
pub(super) fn spent(problem: &'static str) -> ExecutionError {
    ExecutionError::function_error(HELD, problem)
}

/// Pays for a value and everything in it.
pub(super) fn weigh(value: &dyn Val) -> Result<(), ExecutionError> {
    if let Some(text) = value.downcast_ref::<CelString>() {
        return budget::spend_text(text.inner().len()).map_err(spent);
    }
    if let Some(list) = value.downcast_ref::<CelList>() {
        budget::spend(NODE).map_err(spent)?;
        return list.inner().iter().try_for_each(|item| weigh(item.as_ref()));
    }
    if let Some(map) = value.downcast_ref::<CelMap>() {
        budget::spend(NODE).map_err(spent)?;
        return map.inner().iter().try_for_each(|(key, value)| {
            let length = if let CelMapKey::String(key) = key { key.inner().len() } else { 0 };
            budget::spend_text(length).map_err(spent)?;
            weigh(value.as_ref())
        });
    }
    let length = value.downcast_ref::<CelBytes>().map_or(0, |bytes| bytes.inner().len());
    budget::spend_text(length).map_err(spent)
}

fn held<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = one(arguments)?;
    weigh(value.as_ref())?;
    Ok(value)
}

fn measured<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = one(arguments)?;
    let is_container =
        value.downcast_ref::<CelList>().is_some() || value.downcast_ref::<CelMap>().is_some();
    if is_container {
        budget::spend(NODE).map_err(spent)?
    } else {
        weigh(value.as_ref())?
    }
    Ok(value)
}

fn sought<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = one(arguments)?;
    if value.downcast_ref::<CelMap>().is_some() {
        budget::spend(NODE).map_err(spent)?;
    } else {
        weigh(value.as_ref())?;
    }
    Ok(value)
}

fn turn<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = after_turn(arguments)?;
    weigh(value.as_ref())?;
    Ok(value)
}

fn judged<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = after_turn(arguments)?;
    match value.downcast_ref::<CelBool>() {
        Some(_) => Ok(value),
        None => Err(wrong_type(value.as_ref(), "bool")),
    }
}

/// The variable was copied for this turn, and its steps are about as many as its nodes.
fn after_turn<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let Ok([variable, units, value]) = <[CowVal<'b, 'v>; 3]>::try_from(arguments) else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    weigh(variable.as_ref())?;
    let units = units.downcast_ref::<cel::common::types::CelUInt>().map(|units| *units.inner());
    budget::spend(units.unwrap_or(u64::MAX)).map_err(spent)?;
    Ok(value)
}

/// What is added, from left to right. Texts alone are written into one, instead of each sum being copied into the next.
fn sum<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let texts: Option<Vec<&CelString<'v>>> =
        arguments.iter().map(|argument| argument.downcast_ref::<CelString>()).collect();
    if let Some(texts) = texts {
        let length = texts.iter().map(|text| text.inner().len()).sum();
        budget::spend_text(length).map_err(spent)?;
        let mut whole = String::with_capacity(length);
        texts.iter().for_each(|text| whole.push_str(text.inner()));
        return Ok(CowVal::owned(CelString::from(whole)));
    }
    let mut arguments = arguments.into_iter();
    let mut so_far = arguments.next().ok_or_else(ExecutionError::missing_argument_or_target)?;
    for next in arguments {
        weigh(so_far.as_ref())?;
        weigh(next.as_ref())?;
        let adder: &dyn Adder =
            so_far.as_adder().ok_or_else(|| wrong_type(so_far.as_ref(), "what can be added to"))?;
        let added = adder.add(next.as_ref())?.into_owned();
        so_far = CowVal::Owned(added);
    }
    Ok(so_far)
}

fn matches<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [text, pattern] = arguments.as_slice() else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    let (Some(text), Some(pattern)) =
        (text.downcast_ref::<CelString>(), pattern.downcast_ref::<CelString>())
    else {
        let types = [text, pattern].map(|value| value.get_type().name().to_owned());
        return Err(ExecutionError::no_such_overload("matches", types.to_vec()));
    };
    let length = u64::try_from(text.inner().len()).unwrap_or(u64::MAX);
    budget::spend(PATTERN.saturating_add(length.saturating_mul(MATCHED))).map_err(spent)?;
    let pattern = RegexBuilder::new(pattern.inner())
        .size_limit(MAX_PATTERN)
        .dfa_size_limit(MAX_PATTERN)
        .build()
        .map_err(|_| ExecutionError::function_error("matches", "the pattern is none"))?;
    Ok(CowVal::owned(CelBool::from(pattern.is_match(text.inner()))))
}

fn one<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    arguments.into_iter().next().ok_or_else(ExecutionError::missing_argument_or_target)
}

fn wrong_type(value: &dyn Val, want: &str) -> ExecutionError {
    ExecutionError::UnexpectedType {
        got: value.get_type().name().to_owned(),
        want: want.to_owned(),
    }
}
