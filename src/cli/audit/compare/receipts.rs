//! A consumer's receipts against the log. Memory: about 500 bytes for each receipt, nothing for each entry.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use super::{Compare, Compared, shown};
use crate::audit::checkpoint;
use crate::audit::entry::Kind;
use crate::audit::note::NoteError;
use crate::audit::receipt::Receipt;
use crate::audit::tree::{Frontier, Head, leaf_hash, verify_inclusion};
use crate::audit::verify::Expected;
use crate::cli::audit::reading::{LogKeys, Reading, head_of};
use crate::crypto::Digest;

/// A receipt, as much of it as the log is held against.
struct Kept {
    name: String,
    leaf: Digest,
    head: Head,
    checkpoint: String,
    /// The log has these very bytes there.
    is_in_log: bool,
}

/// Receipts by the index they are for; a copy of a receipt is another one.
type Folder = BTreeMap<u64, Vec<Kept>>;

pub(super) fn compare(arguments: &Compare, folder: &Path) -> anyhow::Result<Compared> {
    let mut compared = Compared::default();
    let mut keys = match &arguments.vkey {
        Some(vkey) => LogKeys::parse(std::slice::from_ref(vkey))?,
        None => LogKeys::first_of(&arguments.folder)?,
    };
    let mut kept = read_folder(folder, &mut compared)?;
    let receipts: u64 = kept.values().map(|receipts| receipts.len() as u64).sum();
    // Heads that receipts are under: size, root, and whether the log had that root at that size.
    let mut heads: BTreeMap<u64, BTreeMap<Digest, bool>> = BTreeMap::new();
    for receipt in kept.values().flatten() {
        heads.entry(receipt.head.size).or_default().insert(receipt.head.root, false);
    }
    let mut tree = Frontier::default();
    let (mut seen_questions, mut unmatched) = (0_u64, 0_u64);
    let range = arguments.span.range()?;
    let expected = Expected { since: None, vkey: arguments.vkey.as_deref() };
    let reading =
        Reading { expected, ..Reading::new(&arguments.folder, "comparing", arguments.json) };
    let verified = reading.entries(&mut |seen, entry| {
        let leaf = leaf_hash(seen.bytes);
        tree.push(leaf, |_, _| {});
        keys.see(entry);
        if let Some(roots) = heads.get_mut(&tree.size()) {
            let root = tree.root();
            if let Some(is_right) = roots.get_mut(&root) {
                *is_right = true;
            }
        }
        let mut is_kept = false;
        for receipt in kept.get_mut(&seen.index).into_iter().flatten() {
            receipt.is_in_log = receipt.leaf == leaf;
            is_kept |= receipt.is_in_log;
        }
        // Receipts come with answers. A denial has none.
        let Kind::Outcome(outcome) = &entry.kind else { return Ok(()) };
        let facts = &outcome.facts;
        let (organisation, system) = (&facts.caller.organisation, &facts.caller.system);
        let is_meant = arguments.is_meant(organisation.as_str(), system.as_str());
        if is_meant && range.holds(facts.received_at) {
            seen_questions += 1;
            if !is_kept {
                unmatched += 1;
                if arguments.caller.is_some() {
                    let text = format!(
                        "an answer to {organisation}/{system}, case {}, for which the folder has no receipt",
                        facts.case_number
                    );
                    compared.find("not-in-folder", Some(seen.index), None, text);
                }
            }
        }
        Ok(())
    })?;
    judge(&kept, &heads, &keys, verified.entries, &mut compared);
    compared.counts = vec![
        ("receipts", receipts),
        ("entries", verified.entries),
        ("answers in range", seen_questions),
        ("without a receipt", unmatched),
    ];
    Ok(compared)
}

fn read_folder(folder: &Path, compared: &mut Compared) -> anyhow::Result<Folder> {
    let mut kept = Folder::new();
    let unreadable = || format!("cannot read `{}`", folder.display());
    let mut paths = Vec::new();
    for file in fs::read_dir(folder).with_context(unreadable)? {
        paths.push(file.with_context(unreadable)?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "tlog-proof"));
    paths.sort();
    if paths.is_empty() {
        bail!("`{}` has no receipt (*.tlog-proof)", folder.display());
    }
    for path in paths {
        let bytes = fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        match read_receipt(&bytes) {
            Ok((receipt, leaf, head)) => {
                let (name, checkpoint) = (shown(&path), receipt.checkpoint);
                let kept = kept.entry(receipt.index).or_default();
                kept.push(Kept { name, leaf, head, checkpoint, is_in_log: false });
            }
            Err(problem) => compared.find("receipt", None, Some(shown(&path)), problem),
        }
    }
    Ok(kept)
}

/// A receipt that holds, but for the signature: a log's later keys are known only when it has been read.
fn read_receipt(bytes: &[u8]) -> Result<(Receipt, Digest, Head), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "the file is no text".to_owned())?;
    let receipt = Receipt::parse(text).map_err(|error| format!("{error}"))?;
    let Some(entry) = &receipt.extra else {
        return Err("the receipt does not carry its entry".to_owned());
    };
    let leaf = leaf_hash(entry);
    let head = head_of(&receipt.checkpoint).map_err(|error| format!("{error}"))?;
    match verify_inclusion(&leaf, receipt.index, head.size, &receipt.hashes, &head.root) {
        true => Ok((receipt, leaf, head)),
        false => Err(NoteError::Proof.to_string()),
    }
}

fn judge(
    kept: &Folder,
    heads: &BTreeMap<u64, BTreeMap<Digest, bool>>,
    keys: &LogKeys,
    entries: u64,
    compared: &mut Compared,
) {
    for (&index, receipts) in kept {
        for receipt in receipts {
            if let Err(error) = keys.check(|key| checkpoint::open(&receipt.checkpoint, key)) {
                let text = format!("{:#}", anyhow::Error::new(error));
                compared.find("receipt", Some(index), Some(receipt.name.clone()), text);
                continue;
            }
            let size = receipt.head.size;
            let is_right = heads
                .get(&size)
                .and_then(|roots| roots.get(&receipt.head.root))
                .copied()
                .unwrap_or(false);
            let (rule, text) = if index >= entries || size > entries {
                (
                    "cut",
                    format!("the log signed {size} entries and has {entries}: its end was cut off"),
                )
            } else if !receipt.is_in_log {
                (
                    "forked",
                    "the log has another entry at this place than the one it signed".to_owned(),
                )
            } else if !is_right {
                ("forked", format!("the log's first {size} entries are not those it signed"))
            } else {
                continue;
            };
            compared.find(rule, Some(index), Some(receipt.name.clone()), text);
        }
    }
}
