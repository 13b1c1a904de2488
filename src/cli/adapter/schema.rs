//! `heyan adapter schema`: the JSON Schemas of manifests and fixtures for editors, and the reference made from them.

use std::process::ExitCode;

use clap::Args;

use crate::adapters::schema;

/// Arguments of `heyan adapter schema`.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// That of a file of fixtures, in the place of a manifest's
    #[arg(long)]
    fixture: bool,
    /// Every key of both with its meaning, as a page of Markdown
    #[arg(long, conflicts_with = "fixture")]
    reference: bool,
}

/// Prints it: exit 0.
///
/// # Errors
/// When the program was built with a schema that is none.
pub(super) fn run(asked: &Schema) -> anyhow::Result<ExitCode> {
    let page = if asked.reference { Some(schema::reference()?) } else { None };
    let text = match &page {
        Some(page) => page,
        None if asked.fixture => schema::FIXTURE,
        None => schema::MANIFEST,
    };
    say!("{}", text.trim_end());
    Ok(ExitCode::SUCCESS)
}
