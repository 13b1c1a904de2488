//! `heyan audit prove` and `heyan audit check`: evidence that travels alone, made and checked.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use clap::Args;
use serde_json::{Value, json};

use super::output::Output;
use super::reading::{LogKeys, Reading, checkpoint_of, head_of, published, read_text};
use crate::audit::consistency::Consistency;
use crate::audit::note::NoteError;
use crate::audit::prover::Single;
use crate::audit::receipt::Receipt;
use crate::audit::tree::{Frontier, Head, leaf_hash, verify_consistency, verify_inclusion};
use crate::audit::verify::Expected;
use crate::audit::{checkpoint, entry};
use crate::cli::NO;
use crate::crypto::{Digest, hex};
use crate::report::words;

#[derive(Debug, Args)]
pub(super) struct Prove {
    /// Folder of the log, or of a copy; a gateway may be writing to it
    folder: PathBuf,
    /// Index of the entry to prove
    #[arg(required_unless_present = "from", conflicts_with = "from")]
    index: Option<u64>,
    /// Prove that the log continues this earlier checkpoint
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Prove against this checkpoint of the log instead of the one last published
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Print the bare proof for the tree of so many entries, which no checkpoint need have
    #[arg(long, value_name = "N", conflicts_with_all = ["checkpoint", "from"])]
    size: Option<u64>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    /// Write it to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn prove(arguments: &Prove) -> anyhow::Result<ExitCode> {
    let text = match (arguments.index, &arguments.from, arguments.size) {
        (Some(index), None, Some(size)) => bare_proof(arguments, index, size)?,
        (Some(index), None, None) => receipt(arguments, index)?,
        (None, Some(from), _) => consistency(arguments, from)?,
        _ => bail!("name either the index of an entry, or with --from an earlier checkpoint"),
    };
    let mut output = Output::new(arguments.output.as_deref())?;
    output.write_all(text.as_bytes())?;
    output.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// The checkpoint to prove against. Reading the log shows whether it is the log's.
fn target(arguments: &Prove) -> anyhow::Result<(String, Head)> {
    let text = match &arguments.checkpoint {
        Some(path) => checkpoint_of(&arguments.folder, path)?,
        None => published(&arguments.folder)?,
    };
    let head = head_of(&text)?;
    Ok((text, head))
}

fn reading<'a>(arguments: &'a Prove, since: Option<&'a str>) -> Reading<'a> {
    let expected = Expected { since, vkey: None };
    let is_quiet = arguments.json;
    Reading { expected, ..Reading::new(&arguments.folder, "proving", is_quiet) }
}

fn receipt(arguments: &Prove, index: u64) -> anyhow::Result<String> {
    let (checkpoint, head) = target(arguments)?;
    let size = head.size;
    let Ok(mut single) = Single::inclusion(index, size) else {
        let last = size.saturating_sub(1);
        bail!(
            "the checkpoint covers the entries 0 to {last}, not {index}: a running gateway publishes the next within \
             seconds, and --size proves without one"
        );
    };
    let mut extra = None;
    let verified = reading(arguments, Some(&checkpoint)).stored(&mut |seen| {
        single.leaf(leaf_hash(seen.bytes));
        if seen.index == index {
            extra = Some(Bytes::clone(seen.bytes));
        }
    })?;
    let entry = extra.context("the log has no such entry")?;
    let receipt =
        Receipt { extra: Some(entry.to_vec()), index, hashes: single.proof()?, checkpoint };
    // What is handed out has been checked as its receiver will check it.
    if !verify_inclusion(&leaf_hash(&entry), index, size, &receipt.hashes, &head.root) {
        bail!("the proof does not hold; `heyan audit verify` says more of the log");
    }
    let text = receipt.to_text();
    Ok(match arguments.json {
        true => line(&json!({
            "index": index,
            "size": head.size,
            "root": hex(&head.root),
            "entry": BASE64_STANDARD.encode(&entry),
            "hashes": encoded(&receipt.hashes),
            "checkpoint": receipt.checkpoint,
            "vkey": verified.vkey,
            "receipt": text,
        })),
        false => text,
    })
}

fn consistency(arguments: &Prove, from: &Path) -> anyhow::Result<String> {
    let earlier = checkpoint_of(&arguments.folder, from)?;
    let from = head_of(&earlier)?;
    let (later, to) = target(arguments)?;
    let Ok(mut single) = Single::consistency(from.size, to.size) else {
        bail!(
            "the earlier checkpoint covers {} entries, the later only {}: `heyan audit verify --since` tells whether \
             entries are missing",
            from.size,
            to.size
        );
    };
    let mut reached = false;
    let mut tree = Frontier::default();
    let verified = reading(arguments, Some(&earlier)).stored(&mut |seen| {
        let leaf = leaf_hash(seen.bytes);
        single.leaf(leaf);
        tree.push(leaf, |_, _| {});
        reached |= tree.size() == to.size && tree.root() == to.root;
    })?;
    let proof = Consistency { hashes: single.proof()?, earlier, later };
    if !reached || !verify_consistency(&from, &to, &proof.hashes) {
        bail!("the later checkpoint is not of this log");
    }
    let (earlier, later) = (from, to);
    Ok(match arguments.json {
        true => line(&json!({
            "from": { "size": earlier.size, "root": hex(&earlier.root) },
            "to": { "size": later.size, "root": hex(&later.root) },
            "hashes": encoded(&proof.hashes),
            "vkey": verified.vkey,
            "proof": proof.to_text(),
        })),
        false => proof.to_text(),
    })
}

/// No checkpoint need ever have had that size: the proof comes with the root it leads to, and with no signature.
fn bare_proof(arguments: &Prove, index: u64, size: u64) -> anyhow::Result<String> {
    let outside = || format!("a tree of {size} entries has no entry {index}");
    let mut single = Single::inclusion(index, size).with_context(outside)?;
    let mut tree = Frontier::default();
    let verified = reading(arguments, None).stored(&mut |seen| {
        if tree.size() < size {
            single.leaf(leaf_hash(seen.bytes));
            tree.push(leaf_hash(seen.bytes), |_, _| {});
        }
    })?;
    if tree.size() < size {
        bail!("the log has {} entries, not {size}", verified.entries);
    }
    let (hashes, root) = (encoded(&single.proof()?), BASE64_STANDARD.encode(tree.root()));
    Ok(match arguments.json {
        true => line(&json!({ "index": index, "size": size, "root": root, "hashes": hashes })),
        false => format!("index {index}\nsize {size}\nroot {root}\n{}\n", hashes.join("\n")),
    })
}

fn encoded(hashes: &[Digest]) -> Vec<String> {
    hashes.iter().map(|hash| BASE64_STANDARD.encode(hash)).collect()
}

fn line(value: &Value) -> String {
    format!("{value}\n")
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// A receipt, or a proof that `prove --from` printed
    file: PathBuf,
    /// The log's key, as `audit init` printed it; again for a key that the log went over to
    #[arg(long, value_name = "KEY", required = true)]
    vkey: Vec<String>,
    /// The entry as stored, when the receipt does not carry it
    #[arg(long, value_name = "FILE")]
    entry: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn check(arguments: &Check) -> anyhow::Result<ExitCode> {
    let text = read_text(&arguments.file)?;
    let keys = LogKeys::parse(&arguments.vkey)?;
    let checked = match Consistency::is_begun(&text) {
        true => check_consistency(&text, &keys),
        false => check_receipt(&text, &keys, arguments.entry.as_deref())?,
    };
    match checked {
        Ok((lines, value)) => {
            match arguments.json {
                true => say!("{value}"),
                false => lines.iter().for_each(|line| say!("{line}")),
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(problem) => {
            match arguments.json {
                true => say!("{}", json!({ "good": false, "problem": problem })),
                false => say!("not good: {problem}"),
            }
            Ok(ExitCode::from(NO))
        }
    }
}

/// What was checked, for people and for programs; or what is wrong.
type Checked = Result<(Vec<String>, Value), String>;

fn check_consistency(text: &str, keys: &LogKeys) -> Checked {
    let said = |error: NoteError| format!("{:#}", anyhow::Error::new(error));
    let proof = Consistency::parse(text).map_err(said)?;
    // The two may be signed with different keys of the log.
    let earlier = keys.check(|key| checkpoint::open(&proof.earlier, key)).map_err(said)?;
    let later = keys.check(|key| checkpoint::open(&proof.later, key)).map_err(said)?;
    if !verify_consistency(&earlier, &later, &proof.hashes) {
        return Err(said(NoteError::Proof));
    }
    let lines = vec![
        "good       both checkpoints are signed by the log".to_owned(),
        format!("proved     the first {} of {} entries are unchanged", earlier.size, later.size),
    ];
    Ok((lines, json!({ "good": true, "from": earlier.size, "to": later.size })))
}

fn check_receipt(text: &str, keys: &LogKeys, file: Option<&Path>) -> anyhow::Result<Checked> {
    let said = |error: NoteError| format!("{:#}", anyhow::Error::new(error));
    let receipt = match Receipt::parse(text) {
        Ok(receipt) => receipt,
        Err(error) => return Ok(Err(said(error))),
    };
    let bytes = match (file, &receipt.extra) {
        (Some(path), _) => {
            std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?
        }
        (None, Some(extra)) => extra.clone(),
        (None, None) => {
            bail!("the receipt does not carry its entry: name the entry with --entry FILE")
        }
    };
    let checked = keys.check(|key| Ok((receipt.verify(&bytes, key)?, key.name().to_owned())));
    Ok(checked.map_err(said).map(|(head, log)| found(&receipt, &bytes, &head, &log)))
}

fn found(receipt: &Receipt, bytes: &[u8], head: &Head, log: &str) -> (Vec<String>, Value) {
    let mut lines = vec![format!(
        "good       entry {} is among the first {} entries of {log}, and the checkpoint is signed",
        receipt.index, head.size
    )];
    let decoded = entry::decode(bytes);
    match &decoded {
        Ok(entry) => lines.extend(words::lines(receipt.index, entry)),
        Err(error) => lines.push(format!("entry      written by another program: {error}")),
    }
    let value = json!({
        "good": true,
        "index": receipt.index,
        "size": head.size,
        "root": hex(&head.root),
        "says": decoded.ok().map(|entry| words::lines(receipt.index, &entry)),
    });
    (lines, value)
}
