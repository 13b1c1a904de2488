//! Chains that were read lately: a caller comes again with the certificate that it came with before, and to check who
//! signed it costs a fifth of the handshake.

use std::sync::Arc;

use moka::sync::Cache;
use rustls::pki_types::CertificateDer;

use super::reading::Reading;
use super::{Peer, Unreadable};
use crate::crypto::{Digest, sha256_parts};
use crate::parties::Register;
use crate::query::time::Timestamp;

/// As many as connections may be open by default; each takes some 300 bytes.
const CHAINS: u64 = 4096;

/// Reads certificate chains, and remembers those that somebody vouches for. Others are read each time: whoever can make
/// certificates drives nobody's out.
pub struct Chains {
    trust_domain: String,
    /// By SHA-256 of the whole chain.
    lately: Cache<Digest, Arc<Reading>>,
}

impl Chains {
    /// Of callers in this SPIFFE trust domain; none was read yet.
    pub fn new(trust_domain: &str) -> Self {
        Self { trust_domain: trust_domain.to_owned(), lately: Cache::new(CHAINS) }
    }

    /// Reads the chain that the handshake accepted; call it once per connection.
    ///
    /// The handshake trusts every party's authority. Here the certificate is checked once more against the authorities of
    /// the one organisation it names, so that no party can speak for another.
    ///
    /// # Errors
    /// When the first certificate cannot be parsed.
    pub fn read(
        &self,
        chain: &[CertificateDer<'_>],
        register: &Register,
        at: Timestamp,
    ) -> Result<Peer, Unreadable> {
        // A certificate says its own length, so that no two chains are the same bytes.
        let parts: Vec<&[u8]> = chain.iter().map(|certificate| &**certificate).collect();
        let key = sha256_parts(&parts);
        if let Some(known) = self.lately.get(&key).filter(|known| known.holds(register, at)) {
            return Ok(Peer::of(&known, at));
        }
        let reading = Arc::new(Reading::of(chain, &self.trust_domain, register, at)?);
        if reading.authority.is_some() {
            self.lately.insert(key, Arc::clone(&reading));
        }
        Ok(Peer::of(&reading, at))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::pki_types::pem::PemObject;
    use tempfile::TempDir;

    use super::*;
    use crate::decision::facts::Standing;
    use crate::pki::{self, Authority, Leaf};

    const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);
    const DAY: Duration = Duration::from_secs(86_400);

    /// Parties with authorities of their own, and what these would issue to the police's desk.
    struct Parties(TempDir);

    impl Parties {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            pki::init(&folder.path().join("pki"), &pki::demonstration(), NOW).unwrap();
            Self(folder)
        }

        fn register(&self) -> Register {
            Register::load(&self.0.path().join("pki/parties")).unwrap()
        }

        fn issued_by(&self, organisation: &str) -> [CertificateDer<'static>; 1] {
            let authority = Authority::read(&self.0.path().join("pki").join(organisation)).unwrap();
            let uris = vec!["spiffe://heyan.test/fund-centre/approval".to_owned()];
            let issued = pki::issue(&authority, &Leaf { uris, from: NOW, validity: DAY }).unwrap();
            [CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap()]
        }
    }

    fn standing(peer: &Peer, register: &Register) -> Standing {
        peer.rights(register).map_or_else(|standing| standing, |_| Standing::Registered)
    }

    #[test]
    fn a_chain_is_read_once_and_again_where_its_authority_is_gone_or_it_has_ended() {
        let (parties, others) = (Parties::new(), Parties::new());
        let (register, other) = (parties.register(), others.register());
        let (chains, chain) = (Chains::new("heyan.test"), parties.issued_by("fund-centre"));
        let read = |register: &Register, at| {
            let peer = chains.read(&chain, register, at).unwrap();
            (standing(&peer, register), peer.lasts())
        };
        let known = || chains.lately.get(&sha256_parts(&[&*chain[0]])).unwrap();

        assert_eq!(read(&register, NOW), (Standing::Registered, DAY));
        let first = known();
        let hour = Duration::from_secs(3600);
        assert_eq!(read(&register, NOW.plus(hour)), (Standing::Registered, DAY - hour));
        assert!(Arc::ptr_eq(&first, &known()), "it was read again");

        assert_eq!(read(&other, NOW).0, Standing::ForeignAuthority);
        let after = NOW.plus(DAY + Duration::from_secs(1));
        assert_eq!(read(&register, after), (Standing::ForeignAuthority, Duration::ZERO));
        let before = Timestamp(NOW.0 - 1);
        assert_eq!(read(&register, before).0, Standing::ForeignAuthority, "not valid yet");
        assert_eq!(read(&register, NOW).0, Standing::Registered);
    }

    #[test]
    fn what_nobody_vouches_for_is_not_remembered() {
        let parties = Parties::new();
        let (register, chain) = (parties.register(), parties.issued_by("police"));
        let chains = Chains::new("heyan.test");
        let peer = chains.read(&chain, &register, NOW).unwrap();
        assert_eq!(standing(&peer, &register), Standing::ForeignAuthority);
        assert!(!chains.lately.contains_key(&sha256_parts(&[&*chain[0]])));
    }
}
