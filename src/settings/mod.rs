//! What an operator may set: one TOML file, overridden by `HEYAN__SECTION__KEY` variables, read once and strictly.
//!
//! Two stages: [`source`] says what was written and where, and refuses what no key is called; [`check`] turns it into
//! absolute paths and limits that fit together. Every flaw of both stages is reported at once, before a socket opens.

mod check;
mod sections;
mod source;
mod units;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use self::sections::{Cache, Disputes, Limits, Log, Manifests, Tls, Trust, Vault};
use crate::finding::{self, Finding};
use crate::telemetry;

/// The settings in force. Paths are absolute; every value has been checked.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where callers connect, mutual TLS. Default `127.0.0.1:7443`: a fresh installation is not reachable from outside.
    pub listen: SocketAddr,
    /// Where health, readiness and metrics are served, without TLS. Default `127.0.0.1:7480`; only loopback is accepted.
    pub admin: SocketAddr,
    /// Threads that answer calls, at most 128; each connection belongs to one of them. Default 0: one for each processor that
    /// the gateway may use.
    pub threads: usize,
    /// Whether the wire's description is served to whoever connects. Default `false`: an outsider needs no map.
    pub reflection: bool,
    /// Folder of the party register. Default `parties`.
    pub parties: PathBuf,
    /// Folder of signed agreements. Default `agreements`.
    pub agreements: PathBuf,
    /// Folder of signed orders. Default `orders`.
    pub orders: PathBuf,
    /// Folder of adapter manifests. Default `adapters`.
    pub adapters: PathBuf,
    /// Folder of facts and items. Default `catalogue`.
    pub catalogue: PathBuf,
    /// What adapter manifests may have of this machine.
    pub manifests: Manifests,
    /// The gateway's own certificate.
    pub tls: Tls,
    /// The log.
    pub log: Log,
    /// Sealed requests and answers.
    pub vault: Vault,
    /// Contested verdicts.
    pub disputes: Disputes,
    /// Kept answers.
    pub cache: Cache,
    /// Every limit.
    pub limits: Limits,
    /// Whose certificates count.
    pub trust: Trust,
    /// Logging.
    pub telemetry: telemetry::Settings,
    /// The file all this was read from; absolute.
    #[serde(skip)]
    file: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 7443).into(),
            admin: (Ipv4Addr::LOCALHOST, 7480).into(),
            threads: 0,
            reflection: false,
            parties: "parties".into(),
            agreements: "agreements".into(),
            orders: "orders".into(),
            adapters: "adapters".into(),
            catalogue: "catalogue".into(),
            manifests: Manifests::default(),
            tls: Tls::default(),
            log: Log::default(),
            vault: Vault::default(),
            disputes: Disputes::default(),
            cache: Cache::default(),
            limits: Limits::default(),
            trust: Trust::default(),
            telemetry: telemetry::Settings::default(),
            file: PathBuf::new(),
        }
    }
}

impl Settings {
    /// Reads the file, then the variables whose names begin with `HEYAN__`, and checks the whole. Relative paths,
    /// of variables too, start at the file's folder. The log's folder need not exist: whoever opens the log says so.
    ///
    /// # Errors
    /// Every flaw that was found: with line and column for keys of the file, under its name for a variable.
    pub fn read(
        path: &Path,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Vec<Finding>> {
        let text = finding::read_text(path).map_err(|finding| vec![finding])?;
        let (mut settings, mut sources) =
            source::merge(path, &text, variables).map_err(|finding| vec![finding])?;
        settings.file = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        check::check(&mut settings, &mut sources);
        sources.into_findings().map(|()| settings)
    }

    /// The file these settings were read from; absolute.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

#[cfg(test)]
mod tests;
