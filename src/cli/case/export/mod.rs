//! `heyan case export`: the evidence of one case, from the log, as a file or folder that stands alone.

mod gather;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;

pub(in crate::cli) use self::gather::Wanted;
use self::gather::gather;
use crate::audit::AuditError;
use crate::cli::NO;
use crate::cli::audit::export::refuse_inside;
use crate::cli::audit::reading::Damaged;
use crate::evidence::{Files, Package, Persons, write, zip};

pub(super) const EXAMPLES: &str = "Examples:\n  \
    heyan case export 1207 --log log --keys /mnt/vault --key vault.key --out GJJ-2026-000777.zip\n  \
    heyan case export 019ab3c4-… --log log --keys /mnt/vault --key vault.key --without-persons --out case.zip\n  \
    heyan case export 1207 --log log --out case --folder\n\n\
    CASE is the case's id, or the index of its entry (`log_index` of the outcome). The whole log is checked on the way.\n\
    Without the vault's key persons and answers stay hidden. The same case under the same --checkpoint gives the same bytes.\n\
    What is opened is personal data: the file is made for its owner only.\n\
    Exit code 0 written, 1 the log is not whole (and nothing is written), 2 could not tell.";

/// Arguments of `heyan case export`.
#[derive(Debug, Args)]
pub struct Export {
    /// Id of the case, or index of its entry
    case: String,
    /// Folder of the log, or of a copy; a gateway may be writing to it
    #[arg(long, value_name = "DIR")]
    log: PathBuf,
    /// Folder of the vault's day keys
    #[arg(long, value_name = "DIR", requires = "key")]
    keys: Option<PathBuf>,
    /// The vault's master key
    #[arg(long, value_name = "FILE", requires = "keys")]
    key: Option<PathBuf>,
    /// Leave out persons, operators and values; answers that are a verdict only are opened
    #[arg(long)]
    without_persons: bool,
    /// A checkpoint of the log to prove everything under; the published one when left out
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// File to write, a ZIP; new
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Write a folder instead
    #[arg(long)]
    folder: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Export) -> anyhow::Result<ExitCode> {
    match export(arguments) {
        Err(error) if error.is::<Damaged>() => {
            eprintln!("{error}");
            Ok(ExitCode::from(NO))
        }
        Err(error) => match error.downcast_ref() {
            Some(AuditError::Missing(folder)) => {
                let folder = folder.display();
                bail!(
                    "there is no log in `{folder}`: name the folder that holds `log.toml` and `wal`"
                )
            }
            _ => Err(error),
        },
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}

/// The case with everything that the vault holds of it.
///
/// # Errors
/// When there is no such case, or the log or the vault is not as it should be.
pub(in crate::cli) fn opened(
    log: &Path,
    wanted: &Wanted,
    vault: (&Path, &Path),
) -> anyhow::Result<Package> {
    gather(log, wanted, (Some(vault), Persons::Opened), None, true)
}

fn export(arguments: &Export) -> anyhow::Result<()> {
    refuse_inside(&arguments.log, &arguments.out)?;
    let out = arguments.out.display();
    if arguments.out.exists() {
        bail!("`{out}` is there already: name a new one");
    }
    let wanted = Wanted::parse(&arguments.case)?;
    let vault = arguments.keys.as_deref().zip(arguments.key.as_deref());
    let persons = match (vault, arguments.without_persons) {
        (None, _) => Persons::Closed,
        (Some(_), true) => Persons::LeftOut,
        (Some(_), false) => Persons::Opened,
    };
    let checkpoint = arguments.checkpoint.as_deref();
    let package = gather(&arguments.log, &wanted, (vault, persons), checkpoint, arguments.json)?;
    let files = write(&package)?;
    let bytes = zip::pack(&files).context("the case is too large for a package")?;
    match arguments.folder {
        true => put_all(&arguments.out, &files)?,
        false => put(&arguments.out, &bytes)?,
    }
    if arguments.json {
        say!(
            "{}",
            json!({
                "out": arguments.out,
                "case": package.case,
                "files": files.len(),
                "entries": package.entries.len(),
                "persons": persons.name(),
                "checkpoint": package.checkpoint,
            })
        );
        return Ok(());
    }
    let size = package.checkpoint.lines().nth(1).unwrap_or_default();
    say!("exported   case of entry {} to {out}: {} files", package.case, files.len());
    say!("proved     {} entries, under the checkpoint over {size}", package.entries.len());
    say!("persons    {}", in_words(persons));
    say!(
        "Check it with `heyan case verify {out} --log-key KEY`; README.txt in it says how to do without heyan."
    );
    Ok(())
}

fn in_words(persons: Persons) -> &'static str {
    match persons {
        Persons::Opened => "opened: this is personal data, keep it as such",
        Persons::LeftOut => "left out; answers that are a verdict only are opened",
        Persons::Closed => {
            "hidden: commitments only. --keys and --key of the vault open what was asked and answered"
        }
    }
}

fn put_all(folder: &Path, files: &Files) -> anyhow::Result<()> {
    for (path, bytes) in files {
        let path = folder.join(path);
        if let Some(above) = path.parent() {
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(above);
            made.with_context(|| format!("cannot make `{}`", above.display()))?;
        }
        put(&path, bytes).with_context(|| {
            format!("`{}` is not whole: remove it, and export again", folder.display())
        })?;
    }
    Ok(())
}

/// Writes a new file that its owner alone may read.
///
/// # Errors
/// When there is one already, or it cannot be written.
pub(in crate::cli) fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .with_context(|| format!("cannot write `{}`", path.display()))
}
