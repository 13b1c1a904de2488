//! Who: the certificate of one connection, read once, and what the party register says of it.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use thiserror::Error;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::accounts::{Account, Accounts};
use crate::crypto::{self, Digest};
use crate::decision::facts::{CallerFacts, Standing};
use crate::parties::{Organisation, Register, Rights};
use crate::query::time::Timestamp;
use crate::query::{OrganisationId, SystemId, identifier};

/// The longest organisation or system name taken from a certificate; names go into every entry.
const NAME_LIMIT: usize = 64;

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
    /// Reads the chain that the handshake accepted. Costs one signature check; call it once per connection.
    ///
    /// The handshake trusts every party's authority. Here the certificate is checked once more against the
    /// authorities of the one organisation it names, so that no party can speak for another.
    ///
    /// # Errors
    /// When the first certificate cannot be parsed.
    pub fn read(
        chain: &[CertificateDer<'_>],
        trust_domain: &str,
        register: &Register,
        at: Timestamp,
    ) -> Result<Self, Unreadable> {
        let (leaf, intermediates) = chain.split_first().ok_or(Unreadable)?;
        let (_, parsed) = X509Certificate::from_der(leaf).map_err(|_| Unreadable)?;
        let name = spiffe_name(&parsed, trust_domain);
        let authority = name
            .as_ref()
            .and_then(|(organisation, _)| register.organisation(organisation))
            .and_then(|organisation| issuer_of(leaf, intermediates, organisation, at));
        let ends = u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or_default();
        let lasts = Duration::from_secs(ends).saturating_sub(at.since(Timestamp::default()));
        let account = Arc::default();
        Ok(Self { name, certificate: crypto::sha256(leaf), authority, lasts, account })
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
        let vouched = self.authority.is_some_and(|authority| {
            organisation.authorities.iter().any(|known| known.digest == authority)
        });
        if !vouched {
            return Err(Standing::ForeignAuthority);
        }
        organisation.systems.get(system).ok_or(Standing::UnknownSystem)
    }
}

/// `spiffe://<trust domain>/<organisation>/<system>` from the only URI name of the certificate.
fn spiffe_name(
    certificate: &X509Certificate<'_>,
    trust_domain: &str,
) -> Option<(OrganisationId, SystemId)> {
    let names = certificate.subject_alternative_name().ok()??;
    let mut uris = names.value.general_names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    // SPIFFE allows exactly one URI (X509-SVID §2); two would let a caller choose who it is.
    let (uri, None) = (uris.next()?, uris.next()) else { return None };
    let path = uri.strip_prefix("spiffe://")?.strip_prefix(trust_domain)?.strip_prefix('/')?;
    let (organisation, system) = path.split_once('/')?;
    (is_name(organisation) && is_name(system))
        .then(|| (OrganisationId::new(organisation), SystemId::new(system)))
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= NAME_LIMIT
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        // The name goes into entries in clear, whoever made the certificate.
        && !identifier::contains_identity_number(text)
}

/// The organisation's authority under which the chain verifies.
fn issuer_of(
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    organisation: &Organisation,
    at: Timestamp,
) -> Option<Digest> {
    let end_entity = EndEntityCert::try_from(leaf).ok()?;
    let algorithms =
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
    let time = UnixTime::since_unix_epoch(at.since(Timestamp::default()));
    organisation.authorities.iter().find_map(|authority| {
        let anchor = anchor_from_trusted_cert(&authority.certificate).ok()?;
        end_entity
            .verify_for_usage(
                algorithms.all,
                &[anchor],
                intermediates,
                time,
                KeyUsage::client_auth(),
                None,
                None,
            )
            .ok()?;
        Some(authority.digest)
    })
}
