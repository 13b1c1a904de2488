//! The auditor's part of the demo: examine a copy of the log, change one bit of it, examine it again.

use std::fs;
use std::path::Path;

use anyhow::{Context, anyhow};

use crate::audit::verify::{Expected, Verified, verify};
use crate::parties::Register;
use crate::replay::{Replay, Report};

/// Verifies the log and takes every decision again, trusting only the given party files.
pub(super) fn examine(log: &Path, parties: &Path) -> anyhow::Result<(Verified, Report)> {
    let anchors = Register::load(parties).map_err(|findings| anyhow!("{findings:?}"))?;
    let mut replay = Replay::new(Some(anchors));
    let verified =
        verify(log, Expected::default(), &mut |index, entry| replay.entry(index, entry))?;
    Ok((verified, replay.finish()))
}

/// Copies a log's folder.
pub(super) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Flips the lowest bit of one letter inside an entry in the middle of the log; says where.
pub(super) fn flip_one_bit(log: &Path) -> anyhow::Result<String> {
    let (path, mut bytes) = segment_with(log, NEEDLE)?.context("no entry to change was found")?;
    let at = bytes
        .windows(NEEDLE.len())
        .position(|window| window == NEEDLE)
        .context("no entry to change was found")?;
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1;
    }
    fs::write(&path, bytes)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(format!("byte {at} of {name}"))
}

/// The case number of the demo, which every question's entry holds in clear.
const NEEDLE: &[u8] = b"GJJ-2026-000123";

fn segment_with(
    folder: &Path,
    needle: &[u8],
) -> anyhow::Result<Option<(std::path::PathBuf, Vec<u8>)>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if let Some(found) = segment_with(&path, needle)? {
                return Ok(Some(found));
            }
            continue;
        }
        let bytes = fs::read(&path)?;
        if bytes.windows(needle.len()).any(|window| window == needle) {
            return Ok(Some((path, bytes)));
        }
    }
    Ok(None)
}
