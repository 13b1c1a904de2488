//! Certificates and keys for trials and tests: an authority for each organisation, and what its systems need.
//!
//! Nothing here belongs in production: there, authorities and keys come from the institutions that answer for them.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData, SanType,
};
use thiserror::Error;
use time::OffsetDateTime;

use crate::parties::Rights;
use crate::query::time::Timestamp;
use crate::query::{OrganisationId, SystemId};

/// Ten years: longer than any trial, and than the agreements of one.
const AUTHORITY_LIFE: Duration = Duration::from_secs(3650 * 86_400);
/// 825 days, the longest life that public authorities granted before they went below.
const LEAF_LIFE: Duration = Duration::from_secs(825 * 86_400);
/// Certificates and keys begin this much earlier, so that a clock a little behind accepts them.
const HEAD_START: Duration = Duration::from_secs(3600);

/// Why keys or certificates could not be made.
#[derive(Debug, Error)]
pub enum PkiError {
    /// Nothing is overwritten.
    #[error("`{path}` exists already: choose an empty folder, or remove it first", path = .0.display())]
    Exists(PathBuf),
    /// A file or folder could not be written or read.
    #[error("cannot access `{path}`", path = .0.display())]
    File(PathBuf, #[source] io::Error),
    /// The certificate library refused.
    #[error("cannot make a certificate for `{0}`")]
    Certificate(String, #[source] rcgen::Error),
}

/// One organisation to equip.
#[derive(Clone, Debug)]
pub struct OrganisationPlan {
    /// Identifier, such as `police`.
    pub id: OrganisationId,
    /// English name.
    pub name: String,
    /// Chinese name.
    pub name_zh: String,
    /// 统一社会信用代码.
    pub uscc: String,
    /// Its systems and their rights.
    pub systems: Vec<(SystemId, Rights)>,
}

/// An authority that issues certificates, in PEM.
pub struct Authority {
    /// Its certificate.
    pub certificate: String,
    /// Its private key, PKCS#8.
    pub key: String,
}

/// What a certificate says.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// URI names, usually one: `spiffe://heyan.test/<organisation>/<system>`.
    pub uris: Vec<String>,
    /// First moment of validity, rounded down to the second.
    pub from: Timestamp,
    /// How long it is valid.
    pub validity: Duration,
}

/// A certificate and its private key, in PEM.
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// The private key, PKCS#8.
    pub key: String,
}

/// The URI name of a system.
pub fn spiffe(organisation: &OrganisationId, system: &SystemId) -> String {
    format!("spiffe://heyan.test/{organisation}/{system}")
}

/// The eight organisations of the demonstration. Their codes are synthetic: right in form, issued to nobody.
pub fn demonstration() -> Vec<OrganisationPlan> {
    let query = Rights { query: true, ..Rights::default() };
    let audit = Rights { audit: true, ..Rights::default() };
    let operate = Rights { operate: true, ..Rights::default() };
    let none = Rights::default();
    let plan = |id: &str, name: &str, name_zh: &str, uscc: &str, systems: &[(&str, Rights)]| {
        OrganisationPlan {
            id: id.into(),
            name: name.to_owned(),
            name_zh: name_zh.to_owned(),
            uscc: uscc.to_owned(),
            systems: systems.iter().map(|&(system, rights)| (system.into(), rights)).collect(),
        }
    };
    vec![
        plan(
            "fund-centre",
            "Housing Provident Fund Centre",
            "住房公积金管理中心",
            "12430000000000027P",
            &[("approval", query), ("gateway", none), ("operations", operate)],
        ),
        plan("audit-office", "Audit Office", "审计厅", "11430000000000035M", &[("replay", audit)]),
        plan("police", "Public Security", "公安厅", "11430000000000043G", &[("agency", none)]),
        plan("civil-affairs", "Civil Affairs", "民政厅", "11430000000000051B", &[("agency", none)]),
        plan(
            "social-security",
            "Human Resources and Social Security",
            "人力资源和社会保障厅",
            "1143000000000006X3",
            &[("agency", none)],
        ),
        plan(
            "housing",
            "Housing and Natural Resources",
            "住房和城乡建设厅",
            "114300000000000783",
            &[("agency", none)],
        ),
        plan("tax", "Taxation", "税务局", "11430000000000086X", &[("agency", none)]),
        plan(
            "market-regulation",
            "Market Regulation",
            "市场监督管理局",
            "11430000000000094Q",
            &[("agency", none)],
        ),
    ]
}

/// Makes everything each organisation needs: `<folder>/<organisation>/{ca.pem,ca.key,<system>.pem,<system>.key,signing.key}`
/// and `<folder>/parties/<organisation>.toml`.
///
/// # Errors
/// When something is in the way or cannot be written; what was made until then is left for inspection.
pub fn init(folder: &Path, plans: &[OrganisationPlan], now: Timestamp) -> Result<(), PkiError> {
    let register = folder.join("parties");
    make_folder(&register)?;
    plans.iter().try_for_each(|plan| add(folder, plan, now))
}

/// Makes the same for one more organisation, in a folder that [`init`] has made.
///
/// # Errors
/// When it is there already or something cannot be written; what was made until then is left for inspection.
pub fn add(folder: &Path, plan: &OrganisationPlan, now: Timestamp) -> Result<(), PkiError> {
    let own = folder.join(plan.id.as_str());
    make_folder(&own)?;
    let authority = Authority::new(&plan.name, now)?;
    write(&own.join("ca.pem"), &authority.certificate, 0o644)?;
    write(&own.join("ca.key"), &authority.key, 0o600)?;
    for (system, _) in &plan.systems {
        let leaf =
            Leaf { uris: vec![spiffe(&plan.id, system)], from: earlier(now), validity: LEAF_LIFE };
        let issued = issue(&authority, &leaf)?;
        write(&own.join(format!("{system}.pem")), &issued.certificate, 0o644)?;
        write(&own.join(format!("{system}.key")), &issued.key, 0o600)?;
    }
    let signing =
        signing_key().map_err(|error| PkiError::Certificate(plan.id.to_string(), error))?;
    write(&own.join("signing.key"), &signing.serialize_pem(), 0o600)?;
    let party = party_file(plan, &authority, &signing, now);
    write(&folder.join("parties").join(format!("{}.toml", plan.id)), &party, 0o644)
}

impl Authority {
    /// Makes an authority of that name, valid for ten years.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn new(name: &str, now: Timestamp) -> Result<Self, PkiError> {
        let refused = |error| PkiError::Certificate(name.to_owned(), error);
        let key = KeyPair::generate().map_err(refused)?;
        let mut terms = CertificateParams::new(Vec::<String>::new()).map_err(refused)?;
        terms.distinguished_name.push(DnType::CommonName, format!("{name} test authority"));
        terms.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        terms.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        terms.not_before = date(earlier(now));
        terms.not_after = date(now.plus(AUTHORITY_LIFE));
        let certificate = terms.self_signed(&key).map_err(refused)?;
        Ok(Self { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// Reads `ca.pem` and `ca.key` of an organisation's folder.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn read(folder: &Path) -> Result<Self, PkiError> {
        let text = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).map_err(|error| PkiError::File(path, error))
        };
        Ok(Self { certificate: text("ca.pem")?, key: text("ca.key")? })
    }
}

/// Issues a certificate for client and server use at localhost, with a fresh key.
///
/// # Errors
/// When the library refuses.
pub fn issue(authority: &Authority, leaf: &Leaf) -> Result<Issued, PkiError> {
    let subject = leaf.uris.first().cloned().unwrap_or_default();
    let refused = |error| PkiError::Certificate(subject.clone(), error);
    let authority_key = KeyPair::from_pem(&authority.key).map_err(refused)?;
    let issuer =
        Issuer::from_ca_cert_pem(&authority.certificate, authority_key).map_err(refused)?;
    let key = KeyPair::generate().map_err(refused)?;
    let mut terms = CertificateParams::new(vec!["localhost".to_owned()]).map_err(refused)?;
    for uri in &leaf.uris {
        terms.subject_alt_names.push(SanType::URI(uri.as_str().try_into().map_err(refused)?));
    }
    for address in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        terms.subject_alt_names.push(SanType::IpAddress(address));
    }
    terms.distinguished_name.push(DnType::CommonName, "heyan test certificate");
    terms.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    terms.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    terms.use_authority_key_identifier_extension = true;
    terms.not_before = date(leaf.from);
    terms.not_after = date(leaf.from.plus(leaf.validity));
    let certificate = terms.signed_by(&key, &issuer).map_err(refused)?;
    Ok(Issued { certificate: certificate.pem(), key: key.serialize_pem() })
}

/// An Ed25519 key in PKCS#8 of version 1, which every program reads. What the library writes by itself is version 2, with
/// the public half in it, and that openssl refuses.
fn signing_key() -> Result<KeyPair, rcgen::Error> {
    let refused = |_| rcgen::Error::RingUnspecified;
    let pair = Ed25519KeyPair::generate().map_err(refused)?;
    let der = pair.to_pkcs8v1().map_err(refused)?;
    KeyPair::try_from(der.as_ref())
}

fn party_file(
    plan: &OrganisationPlan,
    authority: &Authority,
    signing: &KeyPair,
    now: Timestamp,
) -> String {
    let mut text = format!(
        "# {}: entered in the party register for a trial. Complete in itself; the log keeps its bytes.\n\
         id = \"{}\"\nname = \"{}\"\nname_zh = \"{}\"\nuscc = \"{}\"\n\
         authorities = [\n'''\n{}''',\n]\n",
        plan.name_zh,
        plan.id,
        plan.name,
        plan.name_zh,
        plan.uscc,
        authority.certificate.replace('\r', ""),
    );
    for (system, rights) in &plan.systems {
        let granted: Vec<&str> = [
            ("\"query\"", rights.query),
            ("\"audit\"", rights.audit),
            ("\"operate\"", rights.operate),
        ]
        .into_iter()
        .filter_map(|(name, granted)| granted.then_some(name))
        .collect();
        // Writing to a string cannot fail.
        let _ = write!(text, "\n[systems.{system}]\nrights = [{}]\n", granted.join(", "));
    }
    let _ = write!(
        text,
        "\n[[keys]]\nkid = \"{}-1\"\nalg = \"EdDSA\"\npublic = \"{}\"\nvalid_from = \"{}\"\nvalid_to = \"{}\"\n",
        plan.id,
        BASE64_URL_SAFE_NO_PAD.encode(signing.der_bytes()),
        moment(earlier(now)),
        moment(now.plus(AUTHORITY_LIFE)),
    );
    text
}

fn earlier(now: Timestamp) -> Timestamp {
    Timestamp(now.0.saturating_sub(u64::try_from(HEAD_START.as_micros()).unwrap_or_default()))
}

fn date(at: Timestamp) -> OffsetDateTime {
    let seconds = i64::try_from(at.seconds()).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn moment(at: Timestamp) -> jiff::Timestamp {
    let seconds = i64::try_from(at.seconds()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX)
}

fn make_folder(path: &Path) -> Result<(), PkiError> {
    if path.exists() {
        return Err(PkiError::Exists(path.to_owned()));
    }
    fs::create_dir_all(path).map_err(|error| PkiError::File(path.to_owned(), error))
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), PkiError> {
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| PkiError::File(path.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SigningKey;
    use crate::parties::Register;
    use crate::query::identifier;

    #[test]
    fn equips_eight_organisations_whose_register_reads() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("pki");
        let now = Timestamp::from_seconds(1_790_000_000);
        init(&root, &demonstration(), now).unwrap();
        let register = Register::load(&root.join("parties")).unwrap();
        assert_eq!(register.organisations().count(), 8);
        let police = register.organisation(&"police".into()).unwrap();
        let key = SigningKey::read(&root.join("police/signing.key")).unwrap();
        assert_eq!(police.keys.first().unwrap().key, key.public());
        assert!(matches!(init(&root, &demonstration(), now), Err(PkiError::Exists(_))));

        let mut plan = demonstration().remove(0);
        assert!(matches!(add(&root, &plan, now), Err(PkiError::Exists(_))));
        plan.id = "ninth".into();
        plan.uscc = "11430000000000107E".to_owned();
        add(&root, &plan, now).unwrap();
        let register = Register::load(&root.join("parties")).unwrap();
        assert_eq!(register.organisations().count(), 9);
    }

    /// `openssl` is not everywhere where this runs; what it refuses is any version but this.
    #[test]
    fn signing_keys_are_written_as_every_program_reads_them() {
        let der = signing_key().unwrap().serialize_der();
        // SEQUENCE of 46 bytes: INTEGER 0, the algorithm, the seed; and nothing after them.
        assert_eq!((der.len(), &der[..5]), (48, &[0x30, 0x2e, 0x02, 0x01, 0x00][..]));
        assert!(SigningKey::from_pkcs8(&der).is_ok());
    }

    #[test]
    fn the_synthetic_codes_are_right_in_form() {
        for plan in demonstration() {
            assert_eq!(identifier::uscc(&plan.uscc), Ok(plan.uscc.clone()), "{}", plan.id);
        }
    }
}
