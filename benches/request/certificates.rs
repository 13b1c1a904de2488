//! Certificates for one run: an authority, a server, a caller; ECDSA P-256.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// What a caller needs to connect, in PEM.
pub(crate) struct Caller {
    pub(crate) authority: Vec<u8>,
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

impl Caller {
    /// The caller that [`write`] made.
    pub(crate) fn read(folder: &Path) -> std::io::Result<Self> {
        Ok(Self {
            authority: fs::read(folder.join("ca.pem"))?,
            certificate: fs::read(folder.join("client.pem"))?,
            key: fs::read(folder.join("client.key"))?,
        })
    }
}

/// Writes `ca.pem`, `{server,client}.{pem,key}` into the folder.
pub(crate) fn write(folder: &Path) -> anyhow::Result<()> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    fs::write(folder.join("ca.pem"), params.self_signed(&key)?.pem())?;
    let authority = Issuer::new(params, key);
    for name in ["server", "client"] {
        let key = KeyPair::generate()?;
        let certificate =
            CertificateParams::new(["localhost".to_owned()])?.signed_by(&key, &authority)?;
        fs::write(folder.join(format!("{name}.pem")), certificate.pem())?;
        fs::write(folder.join(format!("{name}.key")), key.serialize_pem())?;
    }
    Ok(())
}
