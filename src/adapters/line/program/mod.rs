//! A program of its own, in any language, that implements `heyan.adapter.v1`: far away over TLS, or one that the
//! gateway runs itself.

mod conversation;
mod hosted;
mod life;
mod output;
mod pulse;
mod remote;
mod strict;
mod supervisor;

use std::sync::Arc;

use super::Line;
use crate::adapters::manifest::{Program, Runs};

pub use self::supervisor::ProgramState;

/// The line to that program. Opens and starts nothing yet.
///
/// # Errors
/// What is wrong with the address or the server's name.
pub(super) fn open(program: &Program) -> Result<Arc<dyn Line>, String> {
    Ok(match &program.place {
        Runs::Remote(place) => Arc::new(remote::Remote::new(program, place)?),
        Runs::Here(here) => Arc::new(hosted::Hosted::new(program, here)),
    })
}
