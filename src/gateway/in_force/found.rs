//! What the folders hold, read beside a running gateway: nothing of it is in force, and others may change what is meanwhile.
//!
//! So reading is one thing and weighing another: documents are read and their signatures checked while orders go on
//! being followed; which orders are new and which versions stand is said in the moment of recording, by the journal as it
//! is then.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::journal::{self, Journal};
use super::{InForce, Sources, Turns, set_of, versions};
use crate::adapters::Adapters;
use crate::agreements::directory::{self, Adopted, Known};
use crate::agreements::document;
use crate::agreements::order::directory::{self as orders_directory, Given};
use crate::audit::Audit;
use crate::catalogue::Catalogue;
use crate::crypto::{Digest, sha256};
use crate::decision::agreement::Agreement;
use crate::decision::agreements::AgreementSet;
use crate::finding::Finding;
use crate::gateway::orders::{self, Against};
use crate::parties::{Register, SigningKeyEntry};
use crate::query::time::Timestamp;

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

/// What was read, each document good by itself.
pub(in crate::gateway) struct Found {
    register: Register,
    catalogue: Catalogue,
    adapters: Adapters,
    /// Those that stand at `at`, by id and version.
    documents: Vec<Adopted>,
    /// The same as decisions look at them, under no orders.
    agreements: AgreementSet,
    /// Orders that the journal did not have, by their dates.
    given: Vec<Given>,
    /// As of when the signatures of what is new were checked.
    at: Timestamp,
}

impl Found {
    /// Reads the folders, finding everything that is wrong at once.
    ///
    /// Documents that the journal knows are verified as of their adoption. A bad agreement or manifest is left out and
    /// named; the rest is returned. One that was good in the view before stays as it was, unless the register no longer
    /// has the keys that signed it. Orders that the journal knows stand, whatever has become of their files; new ones
    /// act in the order of their dates. Without a register or a catalogue there is nothing to return.
    pub(in crate::gateway) fn read(reading: &Reading<'_>) -> (Option<Self>, Vec<Finding>) {
        let Reading { sources, at, journal, previous, .. } = *reading;
        let mut findings = Vec::new();
        let register = Register::load(&sources.parties).map_err(|found| findings.extend(found));
        let catalogue = Catalogue::load(&sources.catalogue).map_err(|found| findings.extend(found));
        let (Ok(register), Ok(catalogue)) = (register, catalogue) else { return (None, findings) };

        let documents = reading.agreements(&register, &mut findings);
        let before = previous.map(|(view, _)| &*view.adapters);
        let (adapters, refused) =
            Adapters::load(&sources.adapters, &sources.allowed, &catalogue, before);
        findings.extend(refused);
        let (given, refused) =
            orders_directory::load(&sources.orders, &register, at, &journal.standing);
        findings.extend(refused);
        let agreements = set_of(&documents);
        (Some(Self { register, catalogue, adapters, documents, agreements, given, at }), findings)
    }

    /// Starts the programs of its adapters, so that they run before anybody asks. Those that do not start are named, and
    /// the adapters of `before` stay in their places.
    pub(in crate::gateway) async fn begun(self, before: &Adapters) -> (Self, Vec<Finding>) {
        let (adapters, findings) = self.adapters.begin(Some(before)).await;
        (Self { adapters, ..self }, findings)
    }

    /// True when every key that was valid when the signatures were checked is valid at `at`, and no other: then they
    /// hold as of `at` as well, which is what a replay asks.
    pub(in crate::gateway) fn holds_at(&self, at: Timestamp) -> bool {
        let is_valid = |key: &SigningKeyEntry, at| key.valid_from <= at && at < key.valid_to;
        let mut keys = self.register.organisations().flat_map(|organisation| &organisation.keys);
        keys.all(|key| is_valid(key, self.at) == is_valid(key, at))
    }

    /// The view that it makes at `at`, after all that the journal has by now. Says what must be refused.
    ///
    /// The journal may have taken orders since the folders were read, and nothing else.
    pub(in crate::gateway) fn weighed(
        self,
        journal: &Journal,
        at: Timestamp,
        findings: &mut Vec<Finding>,
    ) -> InForce {
        let Self { register, catalogue, adapters, documents, mut agreements, given, .. } = self;
        let found = documents.len();
        // A version may have begun meanwhile.
        let documents = versions::standing(documents, journal, at, findings);
        if documents.len() != found {
            agreements = set_of(&documents);
        }
        let mut standing = journal.standing.clone();
        let against =
            Against { register: &register, catalogue: &catalogue, agreements: &documents, at };
        let orders = orders::weigh(given, &against, &mut standing, findings);
        InForce {
            register: register.into(),
            catalogue: catalogue.into(),
            agreements: agreements.halted_by(standing.halts()),
            freezes: standing.freezes(),
            adapters: adapters.into(),
            documents: documents.into(),
            orders,
            turns: Turns::default(),
        }
    }
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
