//! Agreements and orders from files, as a gateway that started with them would have them in force.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::bail;

use super::super::{draft, is_draft, read as read_file};
use crate::agreements::document;
use crate::agreements::order::standing::Standing;
use crate::agreements::order::{Act, directory};
use crate::clock::now;
use crate::decision::agreement::Agreement;
use crate::decision::agreements::AgreementSet;
use crate::decision::freeze::Freezes;
use crate::finding;
use crate::parties::Register;
use crate::query::time::Timestamp;

/// What is in force.
pub(super) struct Read {
    pub(super) agreements: AgreementSet,
    pub(super) freezes: Freezes,
    /// Files that are not, and why.
    pub(super) left_out: Vec<String>,
}

/// Reads them. Signatures are checked with the keys that are valid now, whatever the moment of the question: that is when
/// a gateway would take them up.
pub(super) fn read(
    paths: &[PathBuf],
    orders: Option<&Path>,
    parties: &Register,
    at: Timestamp,
) -> anyhow::Result<Read> {
    let mut left_out = Vec::new();
    let mut known: BTreeMap<(String, u32), (PathBuf, Arc<Agreement>)> = BTreeMap::new();
    for path in paths {
        for file in files(path)? {
            let agreement = match one(&file, parties) {
                Ok(agreement) => agreement,
                // Of a folder the rest counts, as at a gateway; a file that was named must be good.
                Err(error) if path.is_dir() => {
                    left_out.push(format!("{}: {error:#}", file.display()));
                    continue;
                }
                Err(error) => return Err(error),
            };
            let key = (agreement.id.clone(), agreement.version);
            match known.get(&key) {
                Some((other, same)) if same.digest != agreement.digest => bail!(
                    "{} and {} say different things as agreement `{}` version {}: a gateway takes neither",
                    other.display(),
                    file.display(),
                    key.0,
                    key.1
                ),
                Some(_) => {}
                None => drop(known.insert(key, (file, Arc::new(agreement)))),
            }
        }
    }
    let standing = match orders {
        Some(folder) => follow(folder, &known, parties, at, &mut left_out),
        None => Standing::default(),
    };
    let agreements = AgreementSet::new(known.into_values().map(|(_, agreement)| agreement))
        .halted_by(standing.halts());
    Ok(Read { agreements, freezes: standing.freezes(), left_out })
}

fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    finding::files_in(path, "json").map_err(|finding| anyhow::anyhow!("{finding}"))
}

/// A draft counts as if it were signed.
fn one(file: &Path, parties: &Register) -> anyhow::Result<Agreement> {
    if is_draft(file) {
        let terms = draft(file)?;
        return Ok(terms.agreement(&terms.payload()?)?);
    }
    document::verify(&read_file(file)?, parties, now())
        .map_err(|error| anyhow::anyhow!("{} cannot be used: {}", file.display(), error.in_full()))
}

fn follow(
    folder: &Path,
    known: &BTreeMap<(String, u32), (PathBuf, Arc<Agreement>)>,
    parties: &Register,
    at: Timestamp,
    left_out: &mut Vec<String>,
) -> Standing {
    let mut standing = Standing::default();
    let (given, findings) = directory::load(folder, parties, now(), &standing);
    left_out.extend(findings.iter().map(ToString::to_string));
    for given in given {
        let about = match given.order.act() {
            Ok(Act::Suspend(about) | Act::Resume(about) | Act::Revoke(about)) => {
                known.get(&(about.agreement, about.version))
            }
            Ok(Act::Freeze(_) | Act::Unfreeze(_)) | Err(_) => None,
        };
        match standing.admit(&given.order, about.map(|(_, agreement)| &**agreement), at) {
            Ok(_) => standing.take(&given.order, given.digest),
            Err(refused) => left_out.push(format!("{}: {refused}", given.file.display())),
        }
    }
    standing
}
