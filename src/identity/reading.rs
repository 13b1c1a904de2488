//! A certificate chain, read: what it says, and who vouches for it.

use std::iter;

use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::Unreadable;
use crate::crypto::{self, Digest};
use crate::parties::{Organisation, Register};
use crate::query::time::Timestamp;
use crate::query::{OrganisationId, SystemId, identifier};

/// The longest organisation or system name taken from a certificate; names go into every entry.
const NAME_LIMIT: usize = 64;

/// What was found.
pub(super) struct Reading {
    /// Organisation and system of the SPIFFE name; `None` when there is no usable one.
    pub(super) name: Option<(OrganisationId, SystemId)>,
    /// SHA-256 of the certificate.
    pub(super) certificate: Digest,
    /// SHA-256 of the authority of the named organisation that issued it; `None` when none of them did.
    pub(super) authority: Option<Digest>,
    /// When the certificate ends.
    pub(super) ends: Timestamp,
    /// When it was found.
    at: Timestamp,
    /// When the first certificate of the chain ends.
    first_ends: Timestamp,
}

impl Reading {
    /// Costs one signature check for each certificate of the chain.
    pub(super) fn of(
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
        let ends = ends(&parsed);
        let others = intermediates.iter().map(|one| {
            X509Certificate::from_der(one).map_or(at, |(_, intermediate)| self::ends(&intermediate))
        });
        let first_ends = iter::once(ends).chain(others).min().unwrap_or(at);
        Ok(Self { name, certificate: crypto::sha256(leaf), authority, ends, at, first_ends })
    }

    /// Whether reading it anew would find the same: the named organisation has the authority that was found still, and all of
    /// the chain is valid as it was.
    pub(super) fn holds(&self, register: &Register, at: Timestamp) -> bool {
        let organisation = self.name.as_ref().and_then(|(name, _)| register.organisation(name));
        let vouches = organisation
            .zip(self.authority)
            .is_some_and(|(organisation, found)| organisation.has_authority(&found));
        vouches && (self.at..self.first_ends).contains(&at)
    }
}

fn ends(certificate: &X509Certificate<'_>) -> Timestamp {
    let seconds = certificate.validity().not_after.timestamp();
    Timestamp::from_seconds(u64::try_from(seconds).unwrap_or_default())
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
