//! Papers that belong to an agreement, held against the digests that its parties signed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::agreements::terms::Terms;
use crate::crypto::{hex, sha256};

/// What became of the files.
pub(super) struct Annexes {
    /// Title, digest and file of each annex of the terms, in their order.
    named: Vec<(String, String, Option<PathBuf>)>,
    /// Files that the terms do not name.
    others: Vec<PathBuf>,
}

impl Annexes {
    /// Looks for each file among the annexes of the terms. A file's name counts for nothing: its bytes do.
    pub(super) fn compare(terms: &Terms, files: &[PathBuf]) -> anyhow::Result<Self> {
        let annexes = terms.annexes();
        let mut named: Vec<_> =
            annexes.map(|(title, digest)| (title.to_owned(), digest.to_owned(), None)).collect();
        let mut others = Vec::new();
        for file in files {
            let digest = digest(file)?;
            let mut known = named.iter_mut().filter(|(_, expected, _)| *expected == digest);
            match known.next() {
                Some((.., given)) => *given = Some(file.clone()),
                None => others.push(file.clone()),
            }
        }
        Ok(Self { named, others })
    }

    /// Whether every file given is an annex.
    pub(super) fn fit(&self) -> bool {
        self.others.is_empty()
    }

    /// Refuses files that the terms do not name.
    pub(super) fn ensure_fit(&self) -> anyhow::Result<()> {
        if self.fit() {
            return Ok(());
        }
        let names: Vec<String> =
            self.others.iter().map(|file| format!("`{}`", file.display())).collect();
        bail!("{} is no annex of these terms: no `sha256` is that of its bytes", names.join(", "))
    }

    /// One line for each annex and each other file.
    pub(super) fn print(&self) {
        for (title, digest, file) in &self.named {
            match file {
                Some(file) => say!("annex {title}: {}", file.display()),
                None => say!("annex {title}: not given (sha256 {digest})"),
            }
        }
        for file in &self.others {
            say!("{}: NO ANNEX of this agreement: no `sha256` fits its bytes", file.display());
        }
    }

    /// The annexes, each with its file if it was given; and the files that are none.
    pub(super) fn json(&self) -> (Value, Value) {
        let one = |(title, digest, file): &(String, String, Option<PathBuf>)| json!({ "title": title, "sha256": digest, "file": file });
        (self.named.iter().map(one).collect(), json!(self.others))
    }
}

fn digest(file: &Path) -> anyhow::Result<String> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(hex(&sha256(&bytes)))
}
