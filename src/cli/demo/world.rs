//! A whole installation in one folder, made from the samples in `config-example/`: what a province starts from.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, ensure};
use include_dir::{Dir, include_dir};
use rcgen::{KeyPair, PKCS_ED25519};

use crate::agreements::document::{self, Signer};
use crate::agreements::terms::Terms;
use crate::audit::{self, Audit};
use crate::crypto::SigningKey;
use crate::pki;
use crate::query::time::Timestamp;
use crate::vault::KeyFolder;
use crate::vault::master::{Master, Power};

/// The samples, carried in the program so that a trial needs nothing but it.
static SAMPLES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/config-example");

/// A small segment: a trial's log has a few hundred entries.
const SEGMENT_BYTES: u64 = 4 << 20;

/// Where `config-example/gateway.toml` has the gateway listen.
const GATEWAY_PORT: u16 = 7443;
/// Where it has health and metrics.
const ADMIN_PORT: u16 = 7480;

/// One folder with everything `heyan serve` reads.
pub struct World {
    folder: PathBuf,
}

impl World {
    /// Makes certificates, keys, catalogue, settings and an empty log. No agreement is signed and no adapter placed.
    ///
    /// # Errors
    /// When the folder holds something already, or cannot be written.
    pub fn make(folder: &Path, at: Timestamp) -> anyhow::Result<Self> {
        let world = Self { folder: folder.to_owned() };
        let empty = !folder.exists() || fs::read_dir(folder)?.next().is_none();
        ensure!(empty, "{} is not empty: choose another folder, or remove it", folder.display());
        for name in ["agreements", "orders", "adapters", "secrets", "keys", "catalogue"] {
            fs::create_dir_all(world.path(name))?;
        }
        pki::init(&world.path("pki"), &pki::demonstration(), at)?;
        write_samples("catalogue", folder)?;
        write_secret(
            &world.path("keys/log.key"),
            &KeyPair::generate_for(&PKCS_ED25519)?.serialize_pem(),
        )?;
        KeyFolder::make(&world.path("vault"))?;
        Master::create(&world.path("keys/vault.key"), Power::Open)?;
        Master::create(&world.path("keys/vault-subject.key"), Power::Find)?;
        fs::write(world.path("gateway.toml"), settings(0, 0))?;
        let key = SigningKey::read(&world.path("keys/log.key"))?;
        let log = audit::Settings { segment_bytes: SEGMENT_BYTES, ..audit::Settings::default() };
        Audit::create(&world.path("log"), &key, "heyan.test/demo", at, &log)?;
        Ok(world)
    }

    /// A path inside the installation.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes the six manifests, each port of the samples replaced by the one that is really listened on.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn place_adapters(&self, ports: &[(u16, u16)]) -> anyhow::Result<()> {
        let samples = SAMPLES.get_dir("adapters").ok_or_else(|| anyhow!("no sample manifests"))?;
        for sample in samples.files() {
            let mut text = sample.contents_utf8().unwrap_or_default().to_owned();
            for (sampled, real) in ports {
                text = text.replace(&format!("127.0.0.1:{sampled}"), &format!("127.0.0.1:{real}"));
                text = text.replace(&format!("port = {sampled}\n"), &format!("port = {real}\n"));
            }
            fs::write(self.path(sample.path()), text)?;
        }
        Ok(())
    }

    /// Has both parties sign the sample draft of this name; returns the agreement's id.
    ///
    /// # Errors
    /// When there is no such draft, or it cannot be signed.
    pub fn sign(&self, draft: &str) -> anyhow::Result<String> {
        let name = format!("agreements/{draft}.toml");
        let sample = SAMPLES.get_file(&name).ok_or_else(|| anyhow!("no sample draft {name}"))?;
        let text = sample.contents_utf8().unwrap_or_default();
        self.sign_text(draft, text)
    }

    /// Has both parties sign this draft, and puts it among the agreements under `name`.
    ///
    /// # Errors
    /// When it is no proper draft, or cannot be signed.
    pub fn sign_text(&self, name: &str, draft: &str) -> anyhow::Result<String> {
        let terms = Terms::parse(Path::new(name), draft).map_err(|finding| anyhow!("{finding}"))?;
        let keys = [terms.consumer().as_str(), terms.provider().as_str()].map(|party| {
            let key = SigningKey::read(&self.path(format!("pki/{party}/signing.key")))?;
            Ok::<_, anyhow::Error>((self.signing_kid(party)?, key))
        });
        let [consumer, provider] = keys;
        let (consumer, provider) = (consumer?, provider?);
        let signers = [
            Signer { kid: &consumer.0, key: &consumer.1 },
            Signer { kid: &provider.0, key: &provider.1 },
        ];
        let document = document::sign(&terms.payload()?, &signers)?;
        fs::write(self.path(format!("agreements/{name}.json")), document)?;
        Ok(terms.id().to_owned())
    }

    fn signing_kid(&self, party: &str) -> anyhow::Result<String> {
        let register = crate::parties::Register::load(&self.path("pki/parties"))
            .map_err(|findings| anyhow!("{findings:?}"))?;
        let organisation =
            register.organisation(&party.into()).with_context(|| format!("no party `{party}`"))?;
        let key = organisation.keys.first().context("the party has no signing key")?;
        Ok(key.kid.clone())
    }

    /// Writes settings and manifests with the ports of the samples, so that `heyan simulate` and `heyan serve` find each
    /// other when the demo has ended.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn settle(&self) -> anyhow::Result<()> {
        self.place_adapters(&[])?;
        Ok(fs::write(self.path("gateway.toml"), settings(GATEWAY_PORT, ADMIN_PORT))?)
    }
}

fn settings(gateway: u16, admin: u16) -> String {
    format!(
        "# Made by `heyan demo`. Every key and its default: config-example/gateway.toml.\n\
         listen = \"127.0.0.1:{gateway}\"\n\
         admin = \"127.0.0.1:{admin}\"\n\
         reflection = true\n\
         parties = \"pki/parties\"\n\
         agreements = \"agreements\"\n\
         orders = \"orders\"\n\
         adapters = \"adapters\"\n\
         catalogue = \"catalogue\"\n\n\
         [tls]\n\
         certificate = \"pki/fund-centre/gateway.pem\"\n\
         key = \"pki/fund-centre/gateway.key\"\n\n\
         [log]\n\
         folder = \"log\"\n\
         key = \"keys/log.key\"\n\
         segment_bytes = \"4 MiB\"\n\n\
         [vault]\n\
         keys = \"vault\"\n\
         key = \"keys/vault.key\"\n\
         subject_key = \"keys/vault-subject.key\"\n"
    )
}

/// Copies one folder of the samples, with the folders inside it.
fn write_samples(name: &str, folder: &Path) -> anyhow::Result<()> {
    let samples = SAMPLES.get_dir(name).ok_or_else(|| anyhow!("no samples for {name}"))?;
    let mut folders = vec![samples];
    while let Some(samples) = folders.pop() {
        fs::create_dir_all(folder.join(samples.path()))?;
        for sample in samples.files() {
            fs::write(folder.join(sample.path()), sample.contents())?;
        }
        folders.extend(samples.dirs());
    }
    Ok(())
}

/// Writes a file that only its owner can read.
fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
