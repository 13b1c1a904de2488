//! Who: the certificate of one connection, read once, and what the party register says of it.

mod chains;
mod reading;

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

pub use self::chains::Chains;
use self::reading::Reading;
use crate::accounts::{Account, Accounts};
use crate::crypto::Digest;
use crate::decision::facts::{CallerFacts, Standing};
use crate::parties::{Register, Rights};
use crate::query::time::Timestamp;
use crate::query::{OrganisationId, SystemId};

/// What a certificate that passed the handshake says, and who vouches for it.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Organisation and system of the SPIFFE name; `None` when there is no usable one.
    name: Option<(OrganisationId, SystemId)>,
    /// SHA-256 of the certificate.
    certificate: Digest,
    /// SHA-256 of the authority of the named organisation that issued it; `None` when none of them did.
    authority: Option<Digest>,
    /// How long it was still valid when it was read.
    lasts: Duration,
    /// What the caller has under way; of this connection alone until [`Peer::counted_in`].
    account: Arc<Account>,
}

/// Why a certificate cannot be read at all.
#[derive(Debug, Error)]
#[error("the client certificate is no X.509 certificate")]
pub struct Unreadable;

impl Peer {
    fn of(reading: &Reading, at: Timestamp) -> Self {
        Self {
            name: reading.name.clone(),
            certificate: reading.certificate,
            authority: reading.authority,
            lasts: reading.ends.since(at),
            account: Arc::default(),
        }
    }

    /// The same with the account of its caller, over all of the caller's connections.
    #[must_use]
    pub fn counted_in(mut self, accounts: &Accounts, register: &Register) -> Self {
        self.account = accounts.of(&self.counted_as(register));
        self
    }

    /// As whom the caller is counted.
    ///
    /// Whoever can make certificates gets no second share by that: systems that are not in the register share one name of
    /// their organisation, and certificates that nobody vouches for one of all.
    pub fn counted_as(&self, register: &Register) -> String {
        match (self.rights(register), self.organisation()) {
            (Ok(_), _) => self.caller(),
            (Err(Standing::UnknownSystem), Some(organisation)) => organisation.to_string(),
            (Err(_), _) => String::new(),
        }
    }

    /// The organisation for which the caller's system may ask; `None` when every question of it is denied.
    pub fn asks_for(&self, register: &Register) -> Option<&OrganisationId> {
        self.rights(register).ok().filter(|rights| rights.query).and(self.organisation())
    }

    /// What the caller has under way.
    pub fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// What a decision may know of this caller under the register in force now.
    pub fn facts(&self, register: &Register) -> CallerFacts {
        let (organisation, system) = self.name.clone().unwrap_or_default();
        CallerFacts {
            organisation,
            system,
            certificate: self.certificate,
            standing: match self.rights(register) {
                Ok(rights) if rights.query => Standing::Registered,
                Ok(_) => Standing::NoQueryRight,
                Err(standing) => standing,
            },
        }
    }

    /// SHA-256 of the certificate.
    pub fn certificate(&self) -> &Digest {
        &self.certificate
    }

    /// How long the certificate was still valid when the connection began: the connection may last no longer.
    pub fn lasts(&self) -> Duration {
        self.lasts
    }

    /// The organisation that the certificate names; whether it may speak for it, [`Peer::rights`] tells.
    pub fn organisation(&self) -> Option<&OrganisationId> {
        self.name.as_ref().map(|(organisation, _)| organisation)
    }

    /// Organisation and system, `organisation/system`, as the certificate names them; empty when it names none.
    pub fn caller(&self) -> String {
        let name = self.name.as_ref();
        name.map(|(organisation, system)| format!("{organisation}/{system}")).unwrap_or_default()
    }

    /// The rights of the caller's system, or why it has none.
    ///
    /// # Errors
    /// The standing that explains the lack.
    pub fn rights<'r>(&self, register: &'r Register) -> Result<&'r Rights, Standing> {
        let (organisation, system) = self.name.as_ref().ok_or(Standing::Unnamed)?;
        let organisation =
            register.organisation(organisation).ok_or(Standing::UnknownOrganisation)?;
        let vouched =
            self.authority.is_some_and(|authority| organisation.has_authority(&authority));
        if !vouched {
            return Err(Standing::ForeignAuthority);
        }
        organisation.systems.get(system).ok_or(Standing::UnknownSystem)
    }
}
