//! Signing keys of either kind while a gateway runs: a third party that must sign, and keys that come and end.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use heyan::agreements::document::{self, Signer};
use heyan::agreements::terms::Terms;
use heyan::audit::entry::encode;
use heyan::clock::now;
use heyan::crypto::{Algorithm, SigningKey};
use heyan::gateway::in_force::Reloaded;
use heyan::pki::Authority;
use heyan::query::time::Timestamp;
use heyan::replay::replay;
use rcgen::KeyPair;

use crate::support::draft::Draft;
use crate::support::{Lab, ask, refused};

fn draft(lab: &Lab, version: u32) -> Draft {
    let fact = lab.catalogue.fact(&"M2".into()).unwrap();
    let draft = Draft::new("trial", "civil-affairs");
    let mut draft = draft.clause(fact, &lab.catalogue, &["married"], &[], "");
    draft.version = version;
    draft
}

fn place(lab: &Lab, name: &str, draft: &str, signers: &[Signer<'_>]) {
    let terms = Terms::parse(Path::new("draft.toml"), draft).unwrap();
    let document = document::sign(&terms.payload().unwrap(), signers).unwrap();
    fs::write(lab.path("agreements").join(name), document).unwrap();
}

async fn reload(lab: &Lab) -> Reloaded {
    lab.node().gateway().reload(now).await
}

/// The organisation's key in its file, and a new one of ECDSA in a file of its own.
fn keys(lab: &Lab, organisation: &str) -> [SigningKey; 2] {
    let folder = lab.path(format!("pki/{organisation}"));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("signing-2.key");
    fs::write(&file, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let ecdsa = SigningKey::read(&file).unwrap();
    assert_eq!(ecdsa.public().algorithm, Algorithm::Es256);
    let first = SigningKey::read(&folder.join("signing.key"));
    [first.unwrap_or_else(|_| SigningKey::read(&file).unwrap()), ecdsa]
}

fn entry(kid: &str, key: &SigningKey, end: &str) -> String {
    let public = key.public();
    format!(
        "\n[[keys]]\nkid = \"{kid}\"\nalg = \"{}\"\npublic = \"{}\"\n\
         valid_from = \"2020-01-01T00:00:00Z\"\nvalid_to = \"{end}\"\n",
        public.algorithm.name(),
        BASE64_URL_SAFE_NO_PAD.encode(public.bytes),
    )
}

/// Writes the organisation's file anew, with these keys and ends.
fn register(lab: &Lab, organisation: &str, keys: &[(&str, &SigningKey, &str)]) {
    let file = lab.path(format!("pki/parties/{organisation}.toml"));
    let text = fs::read_to_string(&file).unwrap();
    let head = text.split("[[keys]]").next().unwrap().to_owned();
    let entries = keys.iter().map(|(kid, key, end)| entry(kid, key, end));
    fs::write(file, entries.fold(head, |text, entry| text + &entry)).unwrap();
}

fn written(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_microsecond(i64::try_from(at.0).unwrap()).unwrap();
    at.to_string()
}

const LONG: &str = "2099-01-01T00:00:00Z";

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_has_ended_keeps_what_it_signed_in_force_and_signs_nothing_new() {
    for is_old_ecdsa in [false, true] {
        let mut lab = Lab::prepare(&[]).await;
        let [edwards, ecdsa] = keys(&lab, "fund-centre");
        let (old, new) = if is_old_ecdsa { (&ecdsa, &edwards) } else { (&edwards, &ecdsa) };
        let [civil, _] = keys(&lab, "civil-affairs");
        let civil = || Signer { kid: "civil-affairs-1", key: &civil };
        let fund = |kid, key| Signer { kid, key };
        register(&lab, "fund-centre", &[("fund-old", old, LONG), ("fund-new", new, LONG)]);
        lab.serve().await;
        let client = lab.client().await;

        place(&lab, "1.json", &draft(&lab, 1).text(), &[fund("fund-old", old), civil()]);
        let reloaded = reload(&lab).await;
        assert!(reloaded.findings.is_empty(), "{:?}", reloaded.findings);
        assert_eq!(ask(&client, lab.question("M2")).await.grant.unwrap().version, 1);

        // The old key ends now, after the adoption.
        let end = written(now());
        register(&lab, "fund-centre", &[("fund-old", old, &end), ("fund-new", new, LONG)]);
        place(&lab, "2.json", &draft(&lab, 2).text(), &[fund("fund-old", old), civil()]);
        let reloaded = reload(&lab).await;
        assert_eq!(reloaded.findings.len(), 1, "{:?}", reloaded.findings);
        let finding = reloaded.findings[0].to_string();
        assert!(
            finding.contains("2.json") && finding.contains("`fund-old` is not valid"),
            "{finding}"
        );
        assert_eq!(ask(&client, lab.question("M2")).await.grant.unwrap().version, 1);

        // Also at the next start, which knows the adoption from the log alone.
        lab.close().await;
        lab.serve().await;
        let client = lab.client().await;
        assert_eq!(ask(&client, lab.question("M2")).await.grant.unwrap().version, 1);

        place(&lab, "2.json", &draft(&lab, 2).text(), &[civil(), fund("fund-new", new)]);
        let reloaded = reload(&lab).await;
        assert!(reloaded.findings.is_empty(), "{:?}", reloaded.findings);
        assert_eq!(ask(&client, lab.question("M2")).await.grant.unwrap().version, 2);
        let entries = lab.entries();
        let report = replay((0..).zip(entries.iter().map(|entry| encode(entry).unwrap())), None);
        assert!(report.findings.is_empty(), "{:?}", report.findings);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_the_terms_name_must_have_signed_before_anything_is_granted() {
    let mut lab = Lab::prepare(&[]).await;
    let [fund, _] = keys(&lab, "fund-centre");
    let [_, civil] = keys(&lab, "civil-affairs");
    let [_, data] = keys(&lab, "data-authority");
    let authority = Authority::new("data-authority", now()).unwrap().certificate.replace('\r', "");
    let file = format!(
        "id = \"data-authority\"\nname = \"Data authority\"\nname_zh = \"省数据局\"\n\
         uscc = \"114300000000000783\"\nauthorities = ['''\n{authority}''']\n"
    );
    fs::write(lab.path("pki/parties/data-authority.toml"), file).unwrap();
    register(&lab, "data-authority", &[("data-authority-1", &data, LONG)]);
    register(&lab, "civil-affairs", &[("civil-affairs-2", &civil, LONG)]);
    lab.serve().await;
    let client = lab.client().await;
    let text = draft(&lab, 1).text();
    let with_platform = text.replace("systems =", "platform = \"data-authority\"\nsystems =");
    assert_ne!(with_platform, text);
    let fund = || Signer { kid: "fund-centre-1", key: &fund };
    let civil = || Signer { kid: "civil-affairs-2", key: &civil };
    let data = || Signer { kid: "data-authority-1", key: &data };
    for (draft, signers, problem) in [
        (&with_platform, vec![fund(), civil()], "`data-authority` has not signed"),
        (&with_platform, vec![data()], "`fund-centre` and `civil-affairs` have not signed"),
        (&text, vec![fund(), civil(), data()], "`data-authority` has signed and is no party"),
    ] {
        place(&lab, "trial.json", draft, &signers);
        let reloaded = reload(&lab).await;
        let findings = format!("{:?}", reloaded.findings);
        assert!(reloaded.findings.len() == 1 && findings.contains(problem), "{findings}");
        assert_eq!(refused(&client, lab.question("M2")).await.reason, "NO_AGREEMENT");
    }
    place(&lab, "trial.json", &with_platform, &[data(), civil(), fund()]);
    let reloaded = reload(&lab).await;
    assert_eq!(reloaded.changes, ["agreement `trial` version 1 adopted"], "{reloaded:?}");
    ask(&client, lab.question("M2")).await;
}
