//! `heyan adapter docs`: a page for each adapter, for the people of the agency that it asks.

mod html;
mod markdown;
mod meaning;
mod page;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::Args;

use self::page::Page;
use crate::adapters;
use crate::adapters::portrait::Portrait;
use crate::catalogue::Catalogue;
use crate::cli::{NO, findings};
use crate::finding::{Finding, files_in};

/// Arguments of `heyan adapter docs`.
#[derive(Debug, Args)]
pub(super) struct Docs {
    /// Manifests, or folders of them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The catalogue, with its folders `facts` and `items`
    #[arg(long, value_name = "FOLDER")]
    catalogue: PathBuf,
    /// Write NAME.md or NAME.html for each adapter into this folder, instead of printing
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Pages that stand alone in a browser and on paper, instead of Markdown
    #[arg(long)]
    html: bool,
}

/// Makes the pages: exit 0 when every manifest has one, 1 when some have flaws and none.
///
/// # Errors
/// When there is nothing to read, or a page cannot be written.
pub(super) fn run(command: &Docs) -> anyhow::Result<ExitCode> {
    let catalogue = Catalogue::load(&command.catalogue).map_err(|flaws| {
        findings::tell(&command.catalogue, &flaws, false);
        anyhow!("the catalogue `{}` cannot be used", command.catalogue.display())
    })?;
    let mut flaws: Vec<Finding> = Vec::new();
    for file in files(command)? {
        let portrait = match Portrait::read(&file, &catalogue) {
            Ok(portrait) => portrait,
            Err(found) => {
                flaws.extend(found);
                continue;
            }
        };
        let rehearsal = adapters::rehearse(&file, &catalogue).into_iter().next();
        let page = page::of(&portrait, rehearsal.as_ref());
        put(command, &portrait.name, &page)?;
    }
    if flaws.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    // On the other stream: the first holds pages.
    flaws.iter().for_each(|flaw| eprintln!("{flaw}"));
    Ok(ExitCode::from(NO))
}

fn files(command: &Docs) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in &command.files {
        if path.is_dir() {
            files.extend(files_in(path, "toml").map_err(|flaw| anyhow!("{flaw}"))?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn put(command: &Docs, name: &str, page: &Page) -> anyhow::Result<()> {
    let (text, ending) =
        if command.html { (html::write(page), "html") } else { (markdown::write(page), "md") };
    let Some(folder) = &command.output else {
        say!("{}", text.trim_end());
        return Ok(());
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let file = folder.join(format!("{name}.{ending}"));
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    say!("{}: written", file.display());
    Ok(())
}

#[cfg(test)]
mod tests;
