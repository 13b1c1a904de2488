//! From files back to a package: the sources are read, strictly; whatever is not of its form is a finding of that file.

use std::collections::BTreeMap;

use super::check::Finding;
use super::manifest::{self, Manifest};
use super::write::pretty;
use super::{FORMAT, Files, Openings, Package, Proved, opening_path, receipt_path};
use crate::audit::note::VerifierKey;
use crate::audit::receipt::Receipt;

/// The manifest, where there is one of this form.
pub(super) fn manifest_of(files: &Files) -> Result<Manifest, Finding> {
    let bytes = files.get(manifest::PATH).ok_or_else(|| {
        Finding::of(manifest::PATH, "manifest", "is missing: this is no package, or a part of one")
    })?;
    let of = |text: String| Finding::of(manifest::PATH, "manifest", text);
    // The form first: a later one may have other fields.
    let value: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|_| of("is no JSON".to_owned()))?;
    match value.get("format").and_then(serde_json::Value::as_str) {
        Some(FORMAT) => {}
        Some(_) => return Err(of(format!("is of another form; this program knows `{FORMAT}`"))),
        None => return Err(of("does not say of which form it is".to_owned())),
    }
    serde_json::from_value(value).map_err(|error| of(format!("is not of its form: {error}")))
}

/// The package, and what is wrong with its sources.
pub(super) fn package(files: &Files, manifest: &Manifest) -> (Package, Vec<Finding>) {
    let mut findings = Vec::new();
    let checkpoint = text(files, "checkpoint", &mut findings).unwrap_or_default();
    let keys = text(files, "log.vkey", &mut findings).unwrap_or_default();
    let vkeys: Vec<String> = keys.lines().map(str::to_owned).collect();
    if vkeys.is_empty() || vkeys.iter().any(|key| VerifierKey::parse(key).is_err()) {
        findings.push(Finding::of("log.vkey", "source", "holds no keys, one a line"));
    }
    let mut entries = BTreeMap::new();
    for (path, bytes) in under(files, "receipts/") {
        match receipt(path, bytes, &checkpoint) {
            Ok((index, proved)) => drop(entries.insert(index, proved)),
            Err(why) => findings.push(Finding::of(path, "receipt", why)),
        }
    }
    let mut openings = BTreeMap::new();
    for (path, bytes) in under(files, "openings/") {
        match opening(path, bytes) {
            Ok(opened) => drop(openings.insert(opened.entry, opened)),
            Err(why) => findings.push(Finding::of(path, "opening", why)),
        }
    }
    let package = Package {
        made_by: manifest.made_by.clone(),
        case: manifest.case,
        persons: manifest.persons,
        checkpoint,
        vkeys,
        entries,
        openings,
    };
    (package, findings)
}

fn under<'a>(files: &'a Files, folder: &'a str) -> impl Iterator<Item = (&'a String, &'a Vec<u8>)> {
    files.range(folder.to_owned()..).take_while(move |(path, _)| path.starts_with(folder))
}

fn text(files: &Files, path: &str, findings: &mut Vec<Finding>) -> Option<String> {
    let text = files.get(path).map(|bytes| String::from_utf8(bytes.clone()));
    let why = match text {
        Some(Ok(text)) => return Some(text),
        Some(Err(_)) => "is no text",
        None => "is missing",
    };
    findings.push(Finding::of(path, "source", why));
    None
}

fn receipt(path: &str, bytes: &[u8], checkpoint: &str) -> Result<(u64, Proved), &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "is no receipt")?;
    let receipt = Receipt::parse(text).map_err(|_| "is no receipt")?;
    if path != receipt_path(receipt.index) {
        return Err("is the receipt of another entry than its name says");
    }
    if receipt.checkpoint != checkpoint {
        return Err("is under another checkpoint than the package");
    }
    if receipt.to_text() != text {
        return Err("is not in its one form");
    }
    let bytes = receipt.extra.ok_or("does not carry its entry")?;
    Ok((receipt.index, Proved { bytes, hashes: receipt.hashes }))
}

fn opening(path: &str, bytes: &[u8]) -> Result<Openings, &'static str> {
    let openings: Openings = serde_json::from_slice(bytes).map_err(|_| "holds no openings")?;
    if path != opening_path(openings.entry) {
        return Err("holds the openings of another entry than its name says");
    }
    match pretty(&openings) {
        Ok(again) if again == bytes => Ok(openings),
        _ => Err("is not in its one form"),
    }
}
