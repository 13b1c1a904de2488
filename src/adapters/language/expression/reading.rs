//! `xml(text)`: the one function whose value depends on the agency, whose manifest says which elements are lists.
//!
//! The interpreter's functions see their arguments and nothing else. An evaluation is done on one thread from its
//! beginning to its end, so how XML is read is the thread's as long as it lasts.

use std::cell::RefCell;
use std::sync::Arc;

use cel::common::types::{CelString, DYN_TYPE};
use cel::common::value::CowVal;
use cel::{Env, ExecutionError};

use super::paid;
use super::scope::to_val;
use crate::adapters::language::budget;
use crate::adapters::language::functions::{FOREIGN, XML};
use crate::adapters::language::xml::{self, Shape};

thread_local! {
    static SHAPE: RefCell<Arc<Shape>> = RefCell::default();
}

/// As before when it is dropped.
pub(super) struct Before(Arc<Shape>);

impl Drop for Before {
    fn drop(&mut self) {
        SHAPE.replace(std::mem::take(&mut self.0));
    }
}

/// XML is read in that shape on this thread, until what comes back is dropped.
pub(super) fn of(shape: &Arc<Shape>) -> Before {
    Before(SHAPE.replace(Arc::clone(shape)))
}

/// Declares the function.
pub(super) fn declare(environment: &mut Env) {
    let declared = environment.add_overload(XML, XML, vec![DYN_TYPE], read);
    debug_assert!(declared.is_ok(), "`{XML}` is declared twice");
}

fn read<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let refused = |problem: &'static str| ExecutionError::function_error(XML, problem);
    let text = arguments.first().and_then(|argument| argument.downcast_ref::<CelString>());
    let text = text.ok_or_else(|| refused(FOREIGN))?.inner();
    budget::spend_text(text.len()).map_err(paid::spent)?;
    let shape = SHAPE.with_borrow(Arc::clone);
    let value = to_val(xml::read(text, &shape).map_err(|_| refused("this is no XML"))?);
    paid::weigh(value.as_ref())?;
    Ok(CowVal::Owned(value))
}
