//! The agencies over real sockets: right credentials are answered, wrong ones, old ones and strange ones are not.

mod database;
mod faults;
mod forms;
mod manifests;
mod platform;
mod tax;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;

use super::secrets::Secrets;
use super::{Simulation, SimulationConfig, serve_tls, start};
use crate::clock::now;
use crate::pki;

/// A small simulation in a folder of its own.
struct Standing {
    simulation: Simulation,
    secrets: Secrets,
    folder: TempDir,
}

impl Standing {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pki = folder.path().join("pki");
        pki::init(&pki, &pki::demonstration(), now()).unwrap();
        let secrets = folder.path().join("secrets");
        let config =
            SimulationConfig { people: 1000, pki, secrets: secrets.clone(), ..Default::default() };
        let simulation = start(config).await.unwrap();
        Self { simulation, secrets: Secrets::open(&secrets).unwrap(), folder }
    }

    fn pki(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("pki").join(name)
    }

    /// A client that trusts that agency only.
    fn client(&self, agency: &str) -> reqwest::Client {
        reqwest::Client::builder()
            .tls_backend_preconfigured(trusting(&self.pki(agency).join("ca.pem")))
            .no_proxy()
            .build()
            .unwrap()
    }

    fn url(&self, agency: &str, path: &str) -> String {
        format!("https://{}{path}", self.simulation.addresses()[agency])
    }

    fn now(&self) -> String {
        self.simulation.clock().now_ms().to_string()
    }

    async fn post_form(&self, agency: &str, path: &str, form: &[(&str, String)]) -> Value {
        let body = encoded(form);
        let request = self.client(agency).post(self.url(agency, path)).body(body);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let text = request.send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    async fn post(
        &self,
        agency: &str,
        path: &str,
        headers: &HashMap<&'static str, String>,
        body: String,
    ) -> (u16, String) {
        let mut request = self.client(agency).post(self.url(agency, path)).body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let reply = request.send().await.unwrap();
        (reply.status().as_u16(), reply.text().await.unwrap())
    }
}

fn trusting(authority: &Path) -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(serve_tls::authority(authority).unwrap())
        .with_no_client_auth()
}

/// Every byte as `%XX`: dull, and right.
fn encoded(form: &[(&str, String)]) -> String {
    let percent = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let pairs: Vec<String> =
        form.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
    pairs.join("&")
}

#[tokio::test]
async fn secrets_are_made_once_and_kept_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let standing = Standing::start().await;
    let folder = standing.folder.path().join("secrets");
    for name in super::secrets::NAMES {
        let file = folder.join(name);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let again = Secrets::open(&folder).unwrap();
        assert_eq!(again.get(name), standing.secrets.get(name));
        assert_eq!(again.get(name).len(), 32);
    }
    standing.simulation.stop().await;
}

#[tokio::test]
async fn a_dropped_simulation_stops_listening() {
    let standing = Standing::start().await;
    let (client, url) = (standing.client("police"), standing.url("police", "/services/GkService"));
    assert!(client.post(&url).send().await.is_ok());
    standing.simulation.stop().await;
    assert!(client.post(&url).send().await.is_err());
}
