//! Who may speak at all: certificates that do not pass the handshake, and those that pass and are denied, on record.

use std::time::Duration;

use heyan::audit::entry::decode;
use heyan::clock::now;
use heyan::pki::{Authority, Issued, Leaf, issue};
use heyan::query::time::Timestamp;
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use tonic::Code;

use crate::support::connect::{connect, identity, tls, verification};
use crate::support::entries::denial;
use crate::support::{Lab, ask, refused};

const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn hour_ago() -> Timestamp {
    Timestamp(now().0 - 3_600_000_000)
}

/// A certificate issued by this organisation's authority, with these URI names, valid from then for a day.
pub(crate) fn issued_by(lab: &Lab, organisation: &str, uris: &[&str], from: Timestamp) -> Issued {
    let authority = Authority::read(&lab.path("pki").join(organisation)).unwrap();
    let uris = uris.iter().map(|uri| (*uri).to_owned()).collect();
    issue(&authority, &Leaf { uris, from, validity: DAY }).unwrap()
}

/// Connects and asks; the error, in words.
async fn turned_away(
    lab: &Lab,
    identity: Option<&Issued>,
    versions: &[&'static SupportedProtocolVersion],
) -> String {
    let size = lab.size();
    let terms = tls(&lab.path("pki/fund-centre/ca.pem"), identity, versions);
    let problem = match connect(lab.node().address, terms).await {
        Err(problem) => problem,
        Ok(raw) => {
            let asked = verification(raw).verify(lab.question("P2")).await;
            format!("{:?}", asked.expect_err("the gateway answered"))
        }
    };
    // Nobody has asked anything: there is nothing to record.
    assert_eq!(lab.size(), size, "{problem}");
    assert_eq!(lab.simulation.asked("police"), 0);
    problem
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handshake_turns_strangers_away() {
    let lab = Lab::start(&["police"]).await;
    let good = identity(&lab, "fund-centre", "approval");
    let name = "spiffe://heyan.test/fund-centre/approval";

    turned_away(&lab, None, &[&TLS13]).await;

    let nobody = Authority::new("Nobody", now()).unwrap();
    let leaf = Leaf { uris: vec![name.to_owned()], from: hour_ago(), validity: DAY };
    turned_away(&lab, Some(&issue(&nobody, &leaf).unwrap()), &[&TLS13]).await;

    let long_ago = Timestamp(now().0 - 10 * 86_400_000_000);
    let expired = issued_by(&lab, "fund-centre", &[name], long_ago);
    turned_away(&lab, Some(&expired), &[&TLS13]).await;
    let not_yet = issued_by(&lab, "fund-centre", &[name], now().plus(DAY));
    turned_away(&lab, Some(&not_yet), &[&TLS13]).await;

    let problem = turned_away(&lab, Some(&good), &[&TLS12]).await;
    assert!(problem.contains("ProtocolVersion"), "{problem}");

    let (_, metrics) = lab.page("/metrics").await;
    assert!(metrics.contains("heyan_handshakes_refused_total{reason=\"handshake\"}"), "{metrics}");

    // The operator is told the reason of each.
    for reason in ["no certificates", "UnknownIssuer", "expired", "not valid yet", "Tls12"] {
        let told = || {
            let lines = crate::support::lines::kept();
            lines.lines().any(|line| line.contains("a handshake failed") && line.contains(reason))
        };
        crate::support::until(&format!("a line says `{reason}`"), told).await;
    }

    // The same steps with the right certificate succeed, so it was the certificate each time.
    let terms = tls(&lab.path("pki/fund-centre/ca.pem"), Some(&good), &[&TLS13]);
    let raw = connect(lab.node().address, terms).await.unwrap();
    verification(raw).verify(lab.question("P2")).await.unwrap();
}

/// A certificate that passes the handshake; its question is denied with this code, and the denial recorded.
async fn denied(lab: &Lab, issued: &Issued, code: &str) -> Vec<u8> {
    let size = lab.size();
    let client =
        lab.client_with(issued.certificate.as_bytes(), issued.key.as_bytes()).await.unwrap();
    let refused = refused(&client, lab.question("P2")).await;
    assert_eq!(
        (refused.code, refused.reason.as_str()),
        (Code::PermissionDenied, code),
        "{refused}"
    );
    assert_eq!(refused.log_index, Some(size));
    let entries = lab.entries();
    assert_eq!(denial(&entries, size).code, code);
    assert_eq!(lab.simulation.asked("police"), 0);
    lab.node().gateway().audit().entries(size, 1).unwrap()[0].to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_valid_certificate_without_standing_is_denied_on_record() {
    let lab = Lab::start(&["police"]).await;
    let from = |organisation: &str, uris: &[&str]| issued_by(&lab, organisation, uris, hour_ago());
    let name = "spiffe://heyan.test/fund-centre/approval";

    let unknown = from("fund-centre", &["spiffe://heyan.test/fund-centre/basement"]);
    let entry = denied(&lab, &unknown, "UNKNOWN_SYSTEM").await;
    let recorded = decode(&entry).unwrap();
    let facts = crate::support::entries::facts(&recorded).unwrap();
    assert_eq!(facts.caller.organisation.as_str(), "fund-centre");
    assert_eq!(facts.caller.system.as_str(), "basement");

    // The police's authority must not be able to speak for the fund centre.
    denied(&lab, &from("police", &[name]), "FOREIGN_AUTHORITY").await;
    denied(&lab, &from("police", &["spiffe://heyan.test/nobody/agency"]), "UNKNOWN_ORGANISATION")
        .await;
    denied(&lab, &from("fund-centre", &[]), "CALLER_UNNAMED").await;
    denied(&lab, &from("fund-centre", &["https://fund-centre/approval"]), "CALLER_UNNAMED").await;
    denied(
        &lab,
        &from("fund-centre", &["spiffe://other.test/fund-centre/approval"]),
        "CALLER_UNNAMED",
    )
    .await;
    let two = from("fund-centre", &[name, "spiffe://heyan.test/fund-centre/gateway"]);
    denied(&lab, &two, "CALLER_UNNAMED").await;
    denied(&lab, &identity(&lab, "fund-centre", "operations"), "NO_QUERY_RIGHT").await;

    // Issued anew for the same system, it is good: the name and its authority count, not the one certificate.
    let anew = from("fund-centre", &[name]);
    let client = lab.client_with(anew.certificate.as_bytes(), anew.key.as_bytes()).await.unwrap();
    ask(&client, lab.question("P2")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_organisation_with_the_query_right_has_no_agreement() {
    let mut lab = Lab::prepare(&["police"]).await;
    let file = lab.path("pki/parties/audit-office.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("rights = [\"audit\"]", "rights = [\"audit\", \"query\"]"))
        .unwrap();
    lab.serve().await;
    let client = lab.client_as("audit-office", "replay").await;
    let refused = refused(&client, lab.question("P2")).await;
    assert_eq!(refused.reason, "NO_AGREEMENT");
    assert_eq!(denial(&lab.entries(), refused.log_index.unwrap()).code, "NO_AGREEMENT");
    assert_eq!(lab.simulation.asked("police"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_struck_off_is_denied_on_its_open_connection() {
    let lab = Lab::start(&["police"]).await;
    let client = lab.client().await;
    ask(&client, lab.question("P2")).await;
    let file = lab.path("pki/parties/fund-centre.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("[systems.approval]", "[systems.former]")).unwrap();
    lab.node().reload().await;
    let refused = refused(&client, lab.question("P2")).await;
    assert_eq!(refused.reason, "UNKNOWN_SYSTEM");
    assert_eq!(denial(&lab.entries(), refused.log_index.unwrap()).code, "UNKNOWN_SYSTEM");
    assert_eq!(lab.simulation.asked("police"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_ends_with_its_certificate() {
    let lab = Lab::start(&["police"]).await;
    // Good for two to three seconds more.
    let from = Timestamp(now().0 - 86_400_000_000 + 3_000_000);
    let short = issued_by(&lab, "fund-centre", &["spiffe://heyan.test/fund-centre/approval"], from);
    let terms = tls(&lab.path("pki/fund-centre/ca.pem"), Some(&short), &[&TLS13]);
    let mut client = verification(connect(lab.node().address, terms).await.unwrap());
    client.verify(lab.question("P2")).await.unwrap();
    let cut = async {
        while client.verify(lab.question("P2")).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), cut).await.expect("it was never cut");
}
