//! Certificates of the hostile agency: one that is right, and those that no adapter may accept.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use thiserror::Error;

/// Why there are no certificates.
#[derive(Debug, Error)]
pub enum PapersError {
    /// The certificate library refuses.
    #[error("no certificates can be made for the hostile back end")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refuses.
    #[error("TLS cannot be set up for the hostile back end")]
    Tls(#[from] rustls::Error),
}

/// Which certificate is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paper {
    /// Right in everything.
    Right,
    /// Of another host.
    OtherName,
    /// No longer valid.
    Expired,
    /// Of an authority that nobody named.
    Stranger,
}

/// An authority of its own, for one run.
pub struct Papers {
    authority: String,
    issuer: Issuer<'static, KeyPair>,
    stranger: Issuer<'static, KeyPair>,
}

impl Papers {
    /// Made anew.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn new() -> Result<Self, PapersError> {
        let (issuer, authority) = authority()?;
        let (stranger, _) = authority_of_nobody()?;
        Ok(Self { authority, issuer, stranger })
    }

    /// The authority's certificate, in PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    pub(super) fn server(
        &self,
        paper: Paper,
        alpn: &[&[u8]],
    ) -> Result<Arc<ServerConfig>, PapersError> {
        let name = if paper == Paper::OtherName { "another.example" } else { "localhost" };
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        if paper != Paper::OtherName {
            params.subject_alt_names.push(SanType::IpAddress([127, 0, 0, 1].into()));
        }
        if paper == Paper::Expired {
            params.not_before = rcgen::date_time_ymd(2001, 1, 1);
            params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        }
        let issuer = if paper == Paper::Stranger { &self.stranger } else { &self.issuer };
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, issuer)?;
        let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Ok(Arc::new(config))
    }
}

fn authority() -> Result<(Issuer<'static, KeyPair>, String), PapersError> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate()?;
    let pem = params.self_signed(&key)?.pem();
    Ok((Issuer::new(params, key), pem))
}

/// The same name as ours and another key: only the signature tells them apart.
fn authority_of_nobody() -> Result<(Issuer<'static, KeyPair>, String), PapersError> {
    authority()
}
