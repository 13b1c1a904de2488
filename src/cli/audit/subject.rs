//! Finding what concerns one person, home or employer: for whoever holds a key of the vault, and nobody else.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;

use crate::audit::entry::{Entry, Kind};
use crate::audit::walk::Seen;
use crate::vault::VaultError;
use crate::vault::find::{Finder, Match};
use crate::vault::master::{Master, Power};
use crate::vault::subject::Identifier;

#[derive(Debug, Args)]
pub(super) struct Subject {
    /// About this person, employer or home: citizen_id:…, passport:…, uscc:…, unit:…; `-` reads lines from standard
    /// input, so that nothing stands in a list of processes
    #[arg(long, value_name = "KIND:ID", requires = "keys")]
    subject: Vec<String>,
    /// Folder of the vault's day keys
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// Subject master key, which finds and does not open
    #[arg(long, value_name = "FILE", requires = "keys")]
    subject_key: Option<PathBuf>,
    /// Master key of the vault, which opens and finds
    #[arg(long, value_name = "FILE", requires = "keys")]
    key: Option<PathBuf>,
}

/// A search for subjects, going on.
pub(super) struct Wanted {
    finder: Finder,
    identifiers: Vec<Identifier>,
    /// Questions whose record is not there any more, or never was: nobody can tell whom they were about.
    pub(super) unknown: u64,
    /// Records that are not as they were written.
    pub(super) damaged: u64,
}

impl Subject {
    pub(super) fn is_given(&self) -> bool {
        !self.subject.is_empty()
    }

    /// The folder of day keys and the master key that opens, when both are given.
    pub(super) fn opening(&self) -> anyhow::Result<Option<(&Path, Master)>> {
        let (Some(keys), Some(key)) = (&self.keys, &self.key) else { return Ok(None) };
        Ok(Some((keys, Master::read(key, Power::Open)?)))
    }

    /// `None` when no subject is asked for.
    pub(super) fn wanted(&self, log: &Path) -> anyhow::Result<Option<Wanted>> {
        if !self.is_given() {
            return Ok(None);
        }
        let keys = self.keys.as_ref().context("--subject needs --keys, the folder of day keys")?;
        let master = match (&self.subject_key, &self.key) {
            (Some(key), _) => Master::read(key, Power::Find)?,
            (None, Some(key)) => Master::read(key, Power::Open)?,
            (None, None) => bail!("--subject needs --subject-key, or --key"),
        };
        let mut identifiers = Vec::new();
        for text in &self.subject {
            match text.as_str() {
                "-" => {
                    for line in std::io::stdin().lock().lines() {
                        identifiers.push(identifier(line?.trim())?);
                    }
                }
                text => identifiers.push(identifier(text)?),
            }
        }
        if identifiers.is_empty() {
            bail!("standard input named no subject");
        }
        let finder = Finder::new(log, keys, master)?;
        Ok(Some(Wanted { finder, identifiers, unknown: 0, damaged: 0 }))
    }
}

/// The text itself never goes into an error.
fn identifier(text: &str) -> anyhow::Result<Identifier> {
    Identifier::parse(text).context("a subject is written KIND:ID, such as citizen_id:… or uscc:…")
}

impl Wanted {
    /// Whether the entry is about one of the subjects. One that nobody can tell is counted and is not.
    pub(super) fn is_met(&mut self, seen: &Seen<'_>, entry: &Entry) -> anyhow::Result<bool> {
        if entry.kind.facts().is_none() {
            return Ok(false);
        }
        match self.finder.is_about(seen.index, entry, &seen.private, &self.identifiers) {
            Ok(Match::Yes) => Ok(true),
            Ok(Match::No) => Ok(false),
            Ok(Match::Unknown) => {
                // The intent is the same question as its outcome.
                self.unknown += u64::from(!matches!(entry.kind, Kind::Intent(_)));
                Ok(false)
            }
            Err(VaultError::Damaged(_) | VaultError::Stripped) => {
                self.damaged += 1;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What the search could not tell; empty when it could tell everything.
    pub(super) fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        if self.unknown > 0 {
            let count = self.unknown;
            doubts.push(format!("{count} questions have no sealed record (none was kept, or it was erased): nobody can tell whom they were about"));
        }
        if self.damaged > 0 {
            let count = self.damaged;
            doubts.push(format!("{count} sealed records are damaged or missing: `heyan audit open` says more of each"));
        }
        doubts
    }
}
