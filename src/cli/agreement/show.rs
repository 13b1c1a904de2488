//! `heyan agreement show`: what a draft, a document or an order says, as a page.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use super::{draft, is_draft, read};
use crate::agreements::document;
use crate::agreements::order as orders;

#[derive(Debug, Args)]
pub(super) struct Show {
    /// A draft (*.toml) or a document (*.json)
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Show) -> anyhow::Result<ExitCode> {
    let (page, json) = if is_draft(&command.file) {
        let terms = draft(&command.file)?;
        (terms.page(), serde_json::to_string_pretty(&terms)?)
    } else {
        let bytes = read(&command.file)?;
        match orders::peek(&bytes) {
            Ok(order) => (order.page(), serde_json::to_string_pretty(&order)?),
            Err(_) => {
                let terms = document::peek(&bytes)
                    .with_context(|| format!("{} shows nothing", command.file.display()))?;
                (terms.page(), serde_json::to_string_pretty(&terms)?)
            }
        }
    };
    if command.json {
        say!("{json}");
    } else {
        let last = "Signatures were not checked: `heyan agreement verify` does that.";
        // A page is long: whoever pipes it into `head` closes the pipe, which is no error.
        if let Err(error) = writeln!(std::io::stdout(), "{page}{last}")
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            return Err(error.into());
        }
    }
    Ok(ExitCode::SUCCESS)
}
