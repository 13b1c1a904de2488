//! The register over a real socket: signed once is answered, anything else is told why not.

use super::*;
use crate::clock::now;
use crate::pki;
use crate::simulate::random::Dice;

struct Standing {
    register: InstitutionRegister,
    client: reqwest::Client,
    secret: String,
    _folder: tempfile::TempDir,
}

impl Standing {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut plan = pki::demonstration().remove(2);
        plan.id = NAME.into();
        pki::init(&folder.path().join("pki"), &[plan], now()).unwrap();
        let port_free = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        let secret = folder.path().join("office/secret");
        let register = start(RegisterConfig {
            listen: port_free,
            control: port_free,
            pki: folder.path().join("pki").join(NAME),
            secret: secret.clone(),
            ..RegisterConfig::default()
        })
        .await
        .unwrap();
        let roots = serve_tls::authority(&folder.path().join("pki").join(NAME).join("ca.pem"));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots.unwrap())
            .with_no_client_auth();
        let client =
            reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build().unwrap();
        let secret = std::fs::read_to_string(secret).unwrap();
        Self { register, client, secret, _folder: folder }
    }

    async fn ask(&self, uscc: &str, key: &str, time: i64, nonce: &str, secret: &str) -> Value {
        let query = format!("tyshxydm={uscc}");
        let time = time.to_string();
        let text = ["GET", "/openapi/v1/institution", &query, key, &time, nonce].join("\n");
        let url = format!("https://{}/openapi/v1/institution?{query}", self.register.address());
        let sent = self
            .client
            .get(url)
            .header("X-Access-Key", key)
            .header("X-Timestamp", &time)
            .header("X-Nonce", nonce)
            .header("X-Signature", sign(secret, &text))
            .send();
        let body = sent.await.unwrap().text().await.unwrap();
        serde_json::from_str(&body).unwrap()
    }

    async fn code(&self, uscc: &str, key: &str, time: i64, nonce: &str, secret: &str) -> String {
        self.ask(uscc, key, time, nonce, secret).await["code"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_call_is_answered_when_key_time_signature_and_nonce_are_right() {
    let standing = Standing::start().await;
    let secret = standing.secret.clone();
    let institutions: Vec<_> = standing.register.institutions().collect();
    assert!((80..150).contains(&institutions.len()), "{}", institutions.len());
    let (uscc, name, _) = institutions.iter().find(|(_, _, active)| *active).unwrap();
    let time = standing.register.clock().now_ms();

    let reply = standing.ask(uscc, ACCESS_KEY, time, "a", &secret).await;
    assert_eq!((&reply["code"], &reply["data"]["JGMC"]), (&json!("0000"), &json!(name)), "{reply}");
    assert_eq!(reply["data"]["TYSHXYDM"], json!(uscc));

    assert_eq!(standing.code(uscc, ACCESS_KEY, time, "a", &secret).await, "4014");
    assert_eq!(standing.code(uscc, "nobody", time, "b", &secret).await, "4011");
    assert_eq!(standing.code(uscc, ACCESS_KEY, time, "b", "wrong").await, "4012");
    assert_eq!(standing.code(uscc, ACCESS_KEY, time - 400_000, "b", &secret).await, "4013");
    assert_eq!(standing.code("91430000000000000X", ACCESS_KEY, time, "b", &secret).await, "1004");
    assert_eq!(standing.code("short", ACCESS_KEY, time, "c", &secret).await, "4001");
    assert_eq!(standing.register.asked(), 7);
    standing.register.stop().await;
}

#[tokio::test]
async fn it_misbehaves_on_demand_like_the_six() {
    let standing = Standing::start().await;
    let secret = standing.secret.clone();
    let (uscc, ..) = standing.register.institutions().next().unwrap();
    let time = standing.register.clock().now_ms();
    standing.register.faults().apply("missing-fields").unwrap();
    let reply = standing.ask(&uscc, ACCESS_KEY, time, "a", &secret).await;
    assert!(reply["data"]["JGMC"].is_null() && reply["data"]["TYSHXYDM"] == json!(uscc), "{reply}");
    standing.register.faults().apply("wrong-person").unwrap();
    let reply = standing.ask(&uscc, ACCESS_KEY, time, "b", &secret).await;
    assert!(reply["data"]["TYSHXYDM"] != json!(uscc), "{reply}");

    let board = format!("http://{}/faults/{NAME}", standing.register.control());
    let switched = standing.client.post(board).body("outage").send().await.unwrap();
    assert!(switched.status().is_success() && standing.register.faults().is_out());
}

#[test]
fn certificates_run_five_years() {
    let province = Province::generate(1, 200, Day::of(2026, 11, 23)).unwrap();
    let until = certified_until(&province, 6);
    assert!(until > Day::of(2028, 5, 30) && until < Day::of(2031, 6, 1), "{until:?}");
    assert_eq!(
        Dice::new(1, "certificate", 6).below(900),
        province.dice("certificate", 6).below(900)
    );
}
