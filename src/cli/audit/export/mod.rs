//! `heyan audit export`: a part of a log, or all of it, as files that open without our software.
//!
//! Two passes over the log. The first checks all of it and gathers what proofs and pages need; only then is anything
//! written. The second writes, entry by entry, and checks all of it once more.

mod choice;
mod first;
mod page;
mod second;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use serde_json::json;

use self::choice::Choice;
use self::first::Gathered;
use super::progress::Progress;
use super::which::Span;
use crate::audit::tiles;
use crate::report::page::grouped;

/// Files in one folder beyond which many tools grow slow.
const MANY_FILES: u64 = 1_000_000;

#[derive(Debug, Args)]
pub(super) struct Export {
    /// Folder of the log, or of a copy; a gateway may be writing to it
    folder: PathBuf,
    /// Folder to write; new, or empty
    out: PathBuf,
    #[command(flatten)]
    span: Span,
    /// What concerns this agreement, also denials that it could have permitted
    #[arg(long, value_name = "ID")]
    agreement: Option<String>,
    /// Everything, also as tiles (c2sp.org/tlog-tiles)
    #[arg(long, conflicts_with_all = ["from", "to", "agreement"])]
    all: bool,
    /// How to write the receipts
    #[arg(long, value_enum, default_value_t = Receipts::Files)]
    receipts: Receipts,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Receipts {
    /// receipts/INDEX.tlog-proof, a file each
    Files,
    /// receipts.jsonl, a line each
    OneFile,
    /// None: entries cannot be checked one by one
    None,
}

pub(super) fn run(arguments: &Export) -> anyhow::Result<ExitCode> {
    if !arguments.all && !arguments.span.is_given() && arguments.agreement.is_none() {
        bail!("say what to export: --from and --to, --agreement, or --all");
    }
    refuse_full(&arguments.out)?;
    refuse_inside(&arguments.folder, &arguments.out)?;
    let choice = Choice::new(arguments.span.range()?, arguments.agreement.clone());
    let gathered = first::gather(&arguments.folder, choice, arguments.json)?;
    if arguments.receipts == Receipts::Files && gathered.entries > MANY_FILES {
        eprintln!(
            "this writes {} receipts into one folder; --receipts one-file writes one file",
            grouped(gathered.entries)
        );
    }
    fs::create_dir_all(&arguments.out)
        .with_context(|| format!("cannot make `{}`", arguments.out.display()))?;
    write(arguments, &gathered).with_context(|| {
        let out = arguments.out.display();
        format!("`{out}` is not whole: remove it, and export again where there is room")
    })?;
    let out = arguments.out.display();
    if arguments.json {
        say!(
            "{}",
            json!({
                "folder": arguments.out,
                "entries": gathered.entries,
                "questions": gathered.questions,
                "size": gathered.size,
                "origin": gathered.origin,
                "vkeys": gathered.vkeys,
            })
        );
    } else {
        say!("exported   {} entries to {out}", gathered.entries);
        say!("checkpoint {} entries of {}", gathered.size, gathered.origin);
        say!("Begin with {out}/README.txt; `python3 {out}/check.py` checks it all.");
    }
    Ok(ExitCode::SUCCESS)
}

fn write(arguments: &Export, gathered: &Gathered) -> anyhow::Result<()> {
    let (folder, out, is_quiet) = (&arguments.folder, &arguments.out, arguments.json);
    second::write(folder, out, gathered, arguments.receipts, is_quiet)?;
    if arguments.all {
        let mut progress = Progress::new("tiles", folder, is_quiet);
        tiles::export(folder, &out.join("tiles"), &mut |_| progress.step())?;
        progress.end();
    }
    Ok(())
}

/// What reads a log changes nothing in its folder.
pub(in crate::cli) fn refuse_inside(log: &Path, out: &Path) -> anyhow::Result<()> {
    let Ok(log) = log.canonicalize() else { return Ok(()) };
    // The folder may be new, and some above it too.
    let there = out.ancestors().find_map(|above| match above.as_os_str().is_empty() {
        true => Path::new(".").canonicalize().ok(),
        false => above.canonicalize().ok(),
    });
    if there.is_some_and(|there| there.starts_with(&log)) {
        bail!("`{}` lies in the log's own folder: name a place outside", out.display());
    }
    Ok(())
}

/// Never among other files: what is there could pass for a part of the export.
fn refuse_full(out: &Path) -> anyhow::Result<()> {
    let is_full = match fs::read_dir(out) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read `{}`", out.display()));
        }
    };
    if is_full {
        bail!("`{}` is not empty: name a new folder", out.display());
    }
    Ok(())
}
