//! `heyan agreement schema`: the JSON Schema of a draft, for editors.

use std::process::ExitCode;

use crate::agreements::terms::schema::JSON_SCHEMA;

pub(super) fn run() -> ExitCode {
    say!("{}", JSON_SCHEMA.trim_end());
    ExitCode::SUCCESS
}
