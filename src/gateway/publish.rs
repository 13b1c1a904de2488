//! How one agreement comes into force while everything else stays as it is: [`Gateway::publish`].
//!
//! The document is checked against what is in force, its file written, its entry appended, the view replaced; each step
//! durable before the next. A crash between any two of them does no harm. With the file and no entry, the next start
//! reads the file like any other of the folder: what both parties signed and asked to be published is adopted then.
//! With the entry and no view, the entry says what the next start finds: the file is there, and its bytes are those
//! adopted. No question was answered under the agreement in either case, since none saw the view.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use super::in_force::changes::{Change, withdrawal};
use super::in_force::{InForce, Journal, versions};
use super::turns::Touched;
use super::{Gateway, file};
use crate::agreements::against_catalogue;
use crate::agreements::directory::Adopted;
use crate::agreements::document::{self, DocumentError};
use crate::audit::AuditError;
use crate::audit::beside::Private;
use crate::audit::entry::{AgreementEvent, Entry, Kind};
use crate::crypto::{Digest, hex, sha256};
use crate::decision::agreement::Agreement;
use crate::query::OrganisationId;
use crate::query::time::Timestamp;

/// An agreement in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Identifier of the agreement.
    pub id: String,
    /// Its version.
    pub version: u32,
    /// SHA-256 of the signed payload.
    pub digest: Digest,
    /// The entry that holds the document.
    pub log_index: u64,
    /// It was in force already, and nothing was changed.
    pub is_known: bool,
    /// From when on it grants anything.
    pub effective_from: Timestamp,
}

/// Why a document is not brought into force. Nothing was changed: no file, no entry.
#[derive(Debug, Error)]
pub enum NotPublished {
    /// Form, signatures or terms.
    #[error("{}", .0.in_full())]
    Document(DocumentError),
    /// The catalogue does not know what it grants.
    #[error("{}", .0.join("; "))]
    Words(Vec<String>),
    /// Other parties have an agreement of that id.
    #[error(
        "the agreement id `{id}` is that of `{consumer}` and `{provider}`; give this one another"
    )]
    OtherParties {
        /// The id.
        id: String,
        /// Who asks under it.
        consumer: OrganisationId,
        /// Who answers under it.
        provider: OrganisationId,
    },
    /// That id and version is in force and says something else.
    #[error("agreement `{id}` version {version} is in force with other terms; raise the version")]
    OtherTerms {
        /// The id.
        id: String,
        /// The version.
        version: u32,
    },
    /// A newer version was in force before, or is.
    #[error("agreement `{id}` had version {highest} already; raise the version above it")]
    Lower {
        /// The id.
        id: String,
        /// The highest version so far.
        highest: u32,
    },
    /// The folder did not take the file.
    #[error("the file `{0}` cannot be written")]
    File(PathBuf, #[source] io::Error),
    /// The log could not record. When it has stopped, what became of the entry shows at the next start.
    #[error("the log cannot record")]
    Log(#[source] AuditError),
}

impl Gateway {
    /// Brings one signed agreement, or a new version of one, into force for the next question. Questions under way keep
    /// the view they began with. Publishing what is in force already changes nothing.
    ///
    /// The clock is looked at when its turn has come, for a reload that is under way goes first. Must run to its end
    /// even when the caller has gone: the service spawns it.
    ///
    /// # Errors
    /// Why not; then nothing was changed.
    pub async fn publish(
        &self,
        document: &[u8],
        clock: impl FnOnce() -> Timestamp,
    ) -> Result<Published, NotPublished> {
        let _alone = self.changing.lock().await;
        let mut journal = self.journal.lock().await;
        let (at, before) = (clock(), self.in_force());
        if let Some(known) = known(document, &journal, &before) {
            return Ok(known);
        }
        let agreement = checked(document, &journal, &before, at)?;
        // Before there is a file: with a place in its queue the log does not refuse the entry for want of one.
        let place = self.audit.reserve().map_err(NotPublished::Log)?;
        let file = self.write(&agreement, document.to_owned()).await?;
        let adopted = Adopted {
            document: sha256(document),
            agreement: Arc::new(agreement),
            file: file.into(),
        };
        let (id, version) = (adopted.agreement.id.clone(), adopted.agreement.version);
        let kind = AgreementEvent::Adopted { id, version, document: document.to_owned() };
        let entry = Entry { at, kind: Kind::Agreement(kind) };
        let appended = self.audit.append_at(place, entry, Private::default()).await;
        let log_index = appended.map_err(NotPublished::Log)?.index;
        journal.adopted(&adopted, log_index, at);

        let stand = self.replacing(&adopted, &mut journal, &before, at).await;
        let touched = [Touched::Agreement(adopted.agreement.id.clone())];
        let next = before.with_versions(&adopted.agreement.id, stand);
        self.turn_over(&before, next, &touched);
        Ok(published(&adopted.agreement, log_index, false))
    }

    /// The versions of the agreement that stand with the one just adopted. Those that it leaves no time are withdrawn
    /// now, as the next reload would.
    async fn replacing(
        &self,
        adopted: &Adopted,
        journal: &mut Journal,
        before: &InForce,
        at: Timestamp,
    ) -> Vec<Adopted> {
        let id = &adopted.agreement.id;
        let others = before.versions(id).iter();
        let mut all: Vec<Adopted> = others
            .filter(|known| known.agreement.version != adopted.agreement.version)
            .cloned()
            .collect();
        all.push(adopted.clone());
        let over = all.iter().filter(|one| versions::is_superseded(one, &all, at));
        let over = over.map(|one| Change::whole(withdrawal(id, one.agreement.version))).collect();
        if let Err(error) = journal.append(&self.audit, over, at).await {
            let cause = &error as &dyn std::error::Error;
            tracing::warn!(cause, id, "the version before was not withdrawn; a reload will");
        }
        all.retain(|one| {
            let known = journal.versions(id).and_then(|known| known.adopted(one.agreement.version));
            known.is_some()
        });
        all
    }

    /// Writes the file into the folder, whole or not at all, where a reload finds it.
    async fn write(
        &self,
        agreement: &Agreement,
        document: Vec<u8>,
    ) -> Result<PathBuf, NotPublished> {
        let (id, version) = (agreement.id.clone(), agreement.version);
        let usual = self.sources.agreements.join(format!("{id}.v{version}.json"));
        let (wanted, bytes) = (usual.clone(), document.clone());
        let named = tokio::task::spawn_blocking(move || free(wanted, (&id, version), &bytes)).await;
        let file = named.unwrap_or_else(|_| usual.clone());
        let written = file::write(file.clone(), document).await;
        written.map(|()| file).map_err(|error| NotPublished::File(usual, error))
    }
}

/// The agreement that this document is, when it is in force: its payload, for the same signatures may be laid out in
/// more than one way.
fn known(document: &[u8], journal: &Journal, before: &InForce) -> Option<Published> {
    let (said, digest) = (document::peek(document).ok()?, document::digest(document).ok()?);
    let mut versions = before.versions(said.id()).iter().map(|adopted| &*adopted.agreement);
    let agreement = versions.find(|known| known.version == said.version())?;
    let entry = journal.versions(said.id())?.adopted(said.version())?;
    (agreement.digest == digest).then(|| published(agreement, entry.index, true))
}

fn published(agreement: &Agreement, log_index: u64, is_known: bool) -> Published {
    Published {
        id: agreement.id.clone(),
        version: agreement.version,
        digest: agreement.digest,
        log_index,
        is_known,
        effective_from: agreement.effective_from,
    }
}

/// Everything that can be said against the document: its own faults, what it contradicts, words without meaning.
fn checked(
    document: &[u8],
    journal: &Journal,
    before: &InForce,
    at: Timestamp,
) -> Result<Agreement, NotPublished> {
    let whole = document::whole(document, &before.register, at).map_err(NotPublished::Document)?;
    let (terms, agreement) = (whole.terms, whole.agreement);
    let (id, version) = (&agreement.id, agreement.version);
    let others = before.versions(id).iter().map(|known| &known.agreement);
    let mut others = others.filter(|known| {
        (&known.consumer, &known.provider) != (&agreement.consumer, &agreement.provider)
    });
    if let Some(other) = others.next() {
        let (consumer, provider) = (other.consumer.clone(), other.provider.clone());
        return Err(NotPublished::OtherParties { id: id.clone(), consumer, provider });
    }
    if let Some(past) = journal.versions(id) {
        if past.adopted(version).is_some() {
            return Err(NotPublished::OtherTerms { id: id.clone(), version });
        }
        if version < past.highest {
            return Err(NotPublished::Lower { id: id.clone(), highest: past.highest });
        }
    }
    let problems = against_catalogue(&terms, &before.catalogue);
    if problems.is_empty() { Ok(agreement) } else { Err(NotPublished::Words(problems)) }
}

/// The file, unless somebody has given its name to the document of another agreement or version: to replace that would
/// withdraw what it holds. Then a name that no hand gives.
fn free(file: PathBuf, (id, version): (&str, u32), document: &[u8]) -> PathBuf {
    let there = fs::metadata(&file).is_ok_and(|there| there.len() <= document::SIZE_LIMIT as u64);
    let said = if there { fs::read(&file).ok() } else { None };
    let said = said.and_then(|there| document::peek(&there).ok());
    match said {
        Some(said) if (said.id(), said.version()) != (id, version) => {
            let digest = hex(&sha256(document));
            file.with_file_name(format!("{id}.v{version}.{digest}.json"))
        }
        _ => file,
    }
}
