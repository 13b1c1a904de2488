//! What decides and answers now: parties, catalogue, agreements, adapters, read from their folders as one view.
//!
//! Nothing comes into force before the log says so. Agreements and party files enter the log with their bytes, so that
//! a replay needs nothing but the log and the trust anchors.

pub(super) mod changes;
mod ending;
mod journal;
mod turning;
pub(super) mod versions;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::changes::Done;
pub(super) use self::changes::in_words;
pub use self::ending::Ending;
pub use self::journal::Journal;
pub use self::turning::Reloaded;
use super::orders::{self, Against, Ordered};
use super::turns::Turns;
use crate::adapters::Adapters;
use crate::agreements::directory::{self, Adopted, Known};
use crate::agreements::document;
use crate::agreements::order::standing::Standing;
use crate::audit::Audit;
use crate::catalogue::Catalogue;
use crate::crypto::{Digest, sha256};
use crate::decision::PermitRef;
use crate::decision::agreement::Agreement;
use crate::decision::agreements::{AgreementSet, State};
use crate::decision::freeze::Freezes;
use crate::finding::Finding;
use crate::parties::Register;
use crate::query::time::Timestamp;

/// The folders everything is read from.
#[derive(Clone, Debug)]
pub struct Sources {
    /// Party files.
    pub parties: PathBuf,
    /// Facts and items.
    pub catalogue: PathBuf,
    /// Signed agreements.
    pub agreements: PathBuf,
    /// Signed orders.
    pub orders: PathBuf,
    /// Adapter manifests.
    pub adapters: PathBuf,
}

/// One consistent view. Immutable: a change makes a new one.
#[derive(Default)]
pub struct InForce {
    /// Who is who.
    pub register: Arc<Register>,
    /// What can be asked.
    pub catalogue: Arc<Catalogue>,
    /// Who may ask it.
    pub agreements: AgreementSet,
    /// What agencies have stopped.
    pub freezes: Freezes,
    /// How agencies are asked.
    pub adapters: Arc<Adapters>,
    /// The agreements and where their documents lie, by id and version: the order in which clauses are tried; a replay
    /// has the same.
    documents: Arc<[Adopted]>,
    /// Orders that were new when this was read.
    orders: Vec<Ordered>,
    /// What has changed since the gateway started.
    pub(super) turns: Turns,
}

/// What to read, and what is known from before.
pub struct Reading<'a> {
    /// The folders.
    pub sources: &'a Sources,
    /// When.
    pub at: Timestamp,
    /// What the log says is in force.
    pub journal: &'a Journal,
    /// The view before, and the log it is in; `None` at a start.
    pub previous: Option<(&'a InForce, &'a Audit)>,
    /// Told now and then, by any thread, how many of how many agreements were read.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
}

impl InForce {
    /// Reads the folders, finding everything that is wrong at once.
    ///
    /// Documents that the journal knows are verified as of their adoption. A bad agreement or manifest is left out and
    /// named; the rest is returned. One that was good in the view before stays as it was, unless the register no longer
    /// has the keys that signed it. Orders that the journal knows stand, whatever has become of their files; new ones
    /// act in the order of their dates. Without a register or a catalogue there is nothing to return.
    pub fn read(reading: &Reading<'_>) -> (Option<Self>, Vec<Finding>) {
        let Reading { sources, at, journal, previous, .. } = *reading;
        let mut findings = Vec::new();
        let register = Register::load(&sources.parties).map_err(|found| findings.extend(found));
        let catalogue = Catalogue::load(&sources.catalogue).map_err(|found| findings.extend(found));
        let (Ok(register), Ok(catalogue)) = (register, catalogue) else { return (None, findings) };

        let documents = reading.agreements(&register, &mut findings);
        let before = previous.map(|(view, _)| &*view.adapters);
        let (adapters, refused) = Adapters::load(&sources.adapters, &catalogue, before);
        findings.extend(refused);
        let mut standing = journal.standing.clone();
        let against =
            Against { register: &register, catalogue: &catalogue, agreements: &documents, at };
        let (orders, refused) = orders::read(&sources.orders, &against, &mut standing);
        findings.extend(refused);
        let in_force = Self {
            register: register.into(),
            catalogue: catalogue.into(),
            agreements: set_of(&documents, &standing),
            freezes: standing.freezes(),
            adapters: adapters.into(),
            documents: documents.into(),
            orders,
            turns: Turns::default(),
        };
        (Some(in_force), findings)
    }

    /// The same under other orders. Shares everything else, however much that is.
    pub(super) fn under(&self, standing: &Standing) -> Self {
        Self {
            register: Arc::clone(&self.register),
            catalogue: Arc::clone(&self.catalogue),
            agreements: self.agreements.clone().halted_by(standing.halts()),
            freezes: standing.freezes(),
            adapters: Arc::clone(&self.adapters),
            documents: Arc::clone(&self.documents),
            orders: Vec::new(),
            turns: self.turns.clone(),
        }
    }

    /// What a new order is held against.
    pub(super) fn against(&self, at: Timestamp) -> Against<'_> {
        let (register, catalogue) = (&*self.register, &*self.catalogue);
        Against { register, catalogue, agreements: &self.documents, at }
    }

    /// Whether the agreement that is named here is in force at that moment.
    pub(super) fn stands(&self, granted: &PermitRef, at: Timestamp) -> bool {
        let mut versions = self.versions(&granted.agreement).iter();
        let agreement = versions.find(|known| known.agreement.version == granted.version);
        agreement.is_some_and(|known| self.agreements.state(&known.agreement, at) == State::InForce)
    }

    /// The versions of that agreement and where their documents lie, ascending.
    pub(super) fn versions(&self, id: &str) -> &[Adopted] {
        let first = self.documents.partition_point(|known| *known.agreement.id < *id);
        let from = self.documents.get(first..).unwrap_or_default();
        from.get(..from.partition_point(|known| known.agreement.id == id)).unwrap_or_default()
    }

    /// The same view with these versions of that agreement and no others of it. Shares everything else.
    pub(super) fn with_versions(&self, id: &str, mut versions: Vec<Adopted>) -> Self {
        versions.sort_by_key(|one| one.agreement.version);
        let agreements = versions.iter().map(|one| Arc::clone(&one.agreement)).collect();
        let agreements = self.agreements.with_versions(id, agreements);
        let first = self.documents.partition_point(|known| *known.agreement.id < *id);
        let (before, rest) = self.documents.split_at(first);
        let after = rest.get(self.versions(id).len()..).unwrap_or_default();
        Self {
            register: Arc::clone(&self.register),
            catalogue: Arc::clone(&self.catalogue),
            agreements,
            freezes: self.freezes.clone(),
            adapters: Arc::clone(&self.adapters),
            documents: before.iter().chain(&versions).chain(after).cloned().collect(),
            orders: Vec::new(),
            turns: self.turns.clone(),
        }
    }
}

/// The agreements as decisions look at them.
fn set_of(documents: &[Adopted], standing: &Standing) -> AgreementSet {
    AgreementSet::new(documents.iter().map(|adopted| Arc::clone(&adopted.agreement)))
        .halted_by(standing.halts())
}

impl Reading<'_> {
    fn agreements(&self, register: &Register, findings: &mut Vec<Finding>) -> Vec<Adopted> {
        let adopted_at = self.journal.by_document();
        let checked = self.checked(register);
        let known = |digest: &Digest| {
            let adopted_at = *adopted_at.get(digest)?;
            Some(Known { adopted_at, checked: checked.get(digest).map(|known| Arc::clone(*known)) })
        };
        let (mut documents, refused) = directory::load(&directory::Reading {
            folder: &self.sources.agreements,
            parties: register,
            at: self.at,
            known: &known,
            progress: self.progress,
        });
        let kept = self.went_bad(register, &documents, &refused);
        if !kept.is_empty() {
            documents.extend(kept);
            documents.sort_by(|one, other| directory::key(one).cmp(&directory::key(other)));
        }
        findings.extend(refused);
        versions::standing(documents, self.journal, self.at, findings)
    }

    /// What the documents in force say, by digest, while nothing can have become of their signatures.
    fn checked(&self, register: &Register) -> HashMap<Digest, &Arc<Agreement>> {
        let previous = self.previous.map(|(view, _)| view);
        let same = previous.filter(|view| {
            let files = |register: &'_ Register| -> Vec<Digest> {
                register.organisations().map(|known| sha256(&known.document)).collect()
            };
            files(&view.register) == files(register)
        });
        let documents = same.into_iter().flat_map(|view| view.documents.iter());
        documents.map(|adopted| (adopted.document, &adopted.agreement)).collect()
    }

    /// A file that went bad, or a folder that is away, must not withdraw what two parties signed: removing the file
    /// does, and removing from the register the key that signed it. The log still has the document.
    fn went_bad(&self, register: &Register, good: &[Adopted], refused: &[Finding]) -> Vec<Adopted> {
        let Some((view, audit)) = self.previous.filter(|_| !refused.is_empty()) else {
            return Vec::new();
        };
        let files: HashSet<&Path> = refused.iter().map(|finding| &*finding.file).collect();
        let is_away = files.contains(&*self.sources.agreements);
        let good: HashSet<_> = good.iter().map(directory::key).collect();
        let went_bad = view.documents.iter().filter(|known| {
            (is_away || files.contains(&*known.file)) && !good.contains(&directory::key(known))
        });
        went_bad.filter(|known| self.vouches(known, register, audit)).cloned().collect()
    }

    /// Whether the document still carries the signatures of all parties.
    fn vouches(&self, known: &Adopted, register: &Register, audit: &Audit) -> bool {
        let (id, version) = directory::key(known);
        let versions = self.journal.versions(id);
        let Some(adopted) = versions.and_then(|known| known.adopted(version)) else { return false };
        journal::document_in(audit, adopted.index)
            .is_ok_and(|document| document::verify(&document, register, adopted.at).is_ok())
    }
}
