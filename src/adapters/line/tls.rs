//! TLS towards agencies: only the authority that the manifest names is trusted, for that agency alone.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

/// Why no connection could be described.
#[derive(Debug, Error)]
pub(crate) enum TlsError {
    /// The authority's file holds no certificate.
    #[error("no certificate in PEM is in it")]
    NoAuthority,
    /// Our certificate and key do not work.
    #[error("the certificate and its key cannot be used")]
    NoIdentity,
    /// The library refuses.
    #[error("TLS cannot be set up")]
    Setup(#[from] rustls::Error),
}

/// The authorities in a PEM text.
///
/// # Errors
/// When there is none, or one that is broken.
pub(crate) fn roots(pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| TlsError::NoAuthority)?;
        roots.add(certificate).map_err(|_| TlsError::NoAuthority)?;
    }
    if roots.is_empty() { Err(TlsError::NoAuthority) } else { Ok(roots) }
}

/// A client that trusts these authorities and, when asked, shows this certificate (PEM chain and key).
///
/// # Errors
/// See [`TlsError`].
pub(crate) fn client(
    authorities: &[u8],
    identity: Option<(Vec<u8>, Vec<u8>)>,
) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(authorities)?);
    let Some((chain, key)) = identity else { return Ok(builder.with_no_client_auth()) };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<_, _>>()
        .map_err(|_| TlsError::NoIdentity)?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| TlsError::NoIdentity)?;
    builder.with_client_auth_cert(chain, key).map_err(|_| TlsError::NoIdentity)
}

/// A client no handshake of which can succeed, for a manifest that is only looked at.
///
/// # Errors
/// When the library refuses.
pub(crate) fn trusting_nobody() -> Result<ClientConfig, TlsError> {
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
