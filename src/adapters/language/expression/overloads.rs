//! The functions of ours, declared to the interpreter once: declaring them for each evaluation cost more than most calls.

use cel::common::functions::Function;
use cel::common::types::DYN_TYPE;
use cel::common::value::CowVal;
use cel::{Env, ExecutionError};

use super::paid::weigh;
use super::scope::{to_datum, to_val};
use crate::adapters::language::functions::{self, ALL, Datum};

/// The interpreter takes plain function pointers, which cannot carry which function is meant: one for each place in
/// [`ALL`].
static POINTERS: [Function; ALL.len()] = [
    call::<0>, call::<1>, call::<2>, call::<3>, call::<4>, call::<5>, call::<6>, call::<7>,
    call::<8>, call::<9>, call::<10>, call::<11>, call::<12>, call::<13>, call::<14>, call::<15>,
    call::<16>, call::<17>, call::<18>, call::<19>, call::<20>, call::<21>, call::<22>, call::<23>,
    call::<24>, call::<25>, call::<26>,
];

/// Declares every function of [`ALL`].
pub(super) fn declare(environment: &mut Env) {
    for (function, pointer) in ALL.iter().zip(POINTERS) {
        let arguments = (0..function.arity).map(|_| DYN_TYPE).collect();
        let declared = environment.add_overload(function.name, function.name, arguments, pointer);
        debug_assert!(declared.is_ok(), "`{}` is declared twice", function.name);
    }
}

fn call<'b, 'v, const PLACE: usize>(
    arguments: Vec<CowVal<'b, 'v>>,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let Some(function) = ALL.get(PLACE) else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    let refused = |problem: &'static str| ExecutionError::function_error(function.name, problem);
    // Each argument is copied.
    arguments.iter().try_for_each(|argument| weigh(argument.as_ref()))?;
    let data: Option<Vec<Datum>> =
        arguments.iter().map(|argument| to_datum(argument.as_ref())).collect();
    let result =
        function.call(&data.ok_or_else(|| refused(functions::FOREIGN))?).map_err(refused)?;
    let result = match result {
        Datum::Bytes(bytes) => CowVal::owned(cel::common::types::CelBytes::from(bytes)),
        Datum::Json(json) => CowVal::Owned(to_val(json)),
    };
    weigh(result.as_ref())?;
    Ok(result)
}
