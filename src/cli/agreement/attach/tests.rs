//! Signing outside, as commands: with keys that this program never sees.

use std::fs;
use std::path::PathBuf;

use rcgen::KeyPair;

use super::super::tests::ran;
use crate::agreements::document::tests::der;
use crate::clock::now;
use crate::crypto::SigningKey;
use crate::pki;

const DRAFT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/config-example/agreements/civil-affairs.toml");

/// An installation in which the asker has a second key, ES256, that lies elsewhere; and one that has ended.
struct Outside {
    folder: tempfile::TempDir,
    ecdsa: SigningKey,
}

impl Outside {
    fn new() -> Self {
        use base64::Engine;
        let folder = tempfile::tempdir().unwrap();
        pki::init(&folder.path().join("pki"), &pki::demonstration(), now()).unwrap();
        let ecdsa = SigningKey::from_pkcs8(&KeyPair::generate().unwrap().serialize_der()).unwrap();
        let party = folder.path().join("pki/parties/fund-centre.toml");
        let mut file = fs::read_to_string(&party).unwrap();
        let public = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(ecdsa.public().bytes);
        let old = KeyPair::generate().unwrap();
        let old = SigningKey::from_pkcs8(&old.serialize_der()).unwrap().public().bytes;
        let old = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(old);
        for (kid, public, to) in [("module-1", public, "2099"), ("module-0", old, "2021")] {
            file.push_str(&format!(
                "\n[[keys]]\nkid = \"{kid}\"\nalg = \"ES256\"\npublic = \"{public}\"\n\
                 valid_from = \"2020-01-01T00:00:00Z\"\nvalid_to = \"{to}-01-01T00:00:00Z\"\n"
            ));
        }
        fs::write(party, file).unwrap();
        fs::copy(DRAFT, folder.path().join("draft.toml")).unwrap();
        Self { folder, ecdsa }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, line: &str) -> anyhow::Result<bool> {
        ran(self.folder.path(), &format!("{} --parties @pki/parties", line.trim_end()))
    }

    fn refused(&self, line: &str, why: &str) {
        let text = format!("{:#}", self.run(line).unwrap_err());
        assert!(text.contains(why), "{line}: {text}");
    }

    /// What the module does: it sees one file and makes another.
    fn module(&self, from: &str, to: &str, change: impl Fn(Vec<u8>) -> Vec<u8>) {
        let signature = self.ecdsa.sign(&fs::read(self.path(from)).unwrap()).unwrap();
        fs::write(self.path(to), change(signature)).unwrap();
    }
}

const MODULE: &str = "--as fund-centre --kid module-1";

#[test]
fn a_draft_goes_out_and_comes_back_signed() {
    let lab = Outside::new();
    let line = format!("sign @draft.toml {MODULE} --detached -o @fund.tosign");
    assert!(lab.run(&line).unwrap());
    assert!(lab.run(&line).unwrap(), "the same again does no harm");
    let bytes = fs::read_to_string(lab.path("fund.tosign")).unwrap();
    assert!(bytes.is_ascii() && bytes.split('.').count() == 2 && !bytes.contains('\n'));
    lab.module("fund.tosign", "fund.sig", |made| made);
    lab.module("fund.tosign", "fund.der", |made| der(&made));
    // Into the document beside it, or into the draft as long as that is the same.
    for (from, signature, to) in [
        ("fund.tosign.document", "fund.sig", "a.json"),
        ("fund.tosign.document", "fund.der", "b.json"),
        ("draft.toml", "fund.sig", "c.json"),
    ] {
        let attach = format!("attach @{from} {MODULE} --signature @{signature} -o @{to}");
        assert!(lab.run(&attach).unwrap(), "{attach}");
    }
    assert_eq!(fs::read(lab.path("a.json")).unwrap(), fs::read(lab.path("c.json")).unwrap());
    // The other party's key lies elsewhere too: in a file, for this test.
    let civil = "--as civil-affairs --key @pki/civil-affairs/signing.key";
    assert!(lab.run(&format!("sign @a.json {civil} -o @whole.json")).unwrap());
    assert!(lab.run("verify @whole.json").unwrap());
    // And the other way round: the document that is half signed goes out.
    assert!(lab.run(&format!("sign @draft.toml {civil} -o @half.json --json")).unwrap());
    let out = format!("sign @half.json {MODULE} --detached -o @half.tosign --json");
    assert!(lab.run(&out).unwrap());
    assert!(!lab.path("half.tosign.document").exists(), "the document is there already");
    lab.module("half.tosign", "half.sig", |made| made);
    let attach = format!("attach @half.json {MODULE} --signature @half.sig -o @half.json --json");
    assert!(lab.run(&attach).unwrap());
    assert!(lab.run("verify @half.json").unwrap());
}

#[test]
fn what_does_not_fit_is_not_written() {
    let lab = Outside::new();
    lab.refused("sign @draft.toml --as fund-centre -o @x", "--key <FILE>");
    lab.refused("sign @draft.toml --as fund-centre --detached -o @x", "--kid <KID>");
    let key = "--key @pki/fund-centre/signing.key";
    lab.refused(&format!("sign @draft.toml {MODULE} {key} -o @x"), "cannot be used");
    lab.refused(&format!("sign @draft.toml {MODULE} --detached {key} -o @x"), "cannot be used");
    for (who, why) in [
        ("--as fund-centre --kid module-0", "is not valid now"),
        ("--as fund-centre --kid module-2", "lists no key `module-2` for `fund-centre`; it lists"),
        ("--as fund-centre --kid civil-affairs-1", "lists no key `civil-affairs-1`"),
        ("--as nobody --kid module-1", "has no organisation `nobody`"),
        ("--as police --kid police-1", "is no party: the agreement is between `fund-centre` and"),
    ] {
        lab.refused(&format!("sign @draft.toml {who} --detached -o @x"), why);
    }
    assert!(lab.run(&format!("sign @draft.toml {MODULE} --detached -o @fund.tosign")).unwrap());
    let attach = |from: &str, who: &str, signature: &str| {
        format!("attach @{from} {who} --signature @{signature} -o @x")
    };
    lab.module("fund.tosign", "good", |made| made);
    lab.module("fund.tosign", "text", |made| crate::crypto::hex(&made).into_bytes());
    lab.module("fund.tosign.document", "other", |made| made);
    let document = "fund.tosign.document";
    lab.refused(&attach(document, MODULE, "text"), "no signature of its kind");
    lab.refused(&attach(document, MODULE, "other"), "must be over exactly what `sign");
    lab.refused(&attach(document, MODULE, "nothing"), "cannot read");
    let another = "--as fund-centre --kid module-0";
    lab.refused(&attach(document, another, "good"), "does not fit");
    let stranger = "--as police --kid police-1";
    lab.refused(&attach(document, stranger, "good"), "is no party");
    // Somebody went on editing the draft: what was signed is not what it says now.
    let draft = fs::read_to_string(lab.path("draft.toml")).unwrap();
    fs::write(lab.path("draft.toml"), draft.replace("version = 1", "version = 2")).unwrap();
    lab.refused(&attach("draft.toml", MODULE, "good"), "nothing is written");
    // And the document that the module's signature is awaited for is not replaced.
    let again = format!("sign @draft.toml {MODULE} --detached -o @fund.tosign");
    lab.refused(&again, "is there with other content");
    assert!(lab.run(&attach(document, MODULE, "good").replace("@x", "@half.json")).unwrap());
    lab.refused(&attach("half.json", MODULE, "good"), "has signed already");
    assert!(!lab.path("x").exists() && !lab.path("x.document").exists());
}

#[test]
fn an_agency_whose_key_lies_in_a_module_freezes_too() {
    let lab = Outside::new();
    let freeze =
        |rest: &str| format!("order freeze --as fund-centre --reason file --id incident-4 {rest}");
    let out = freeze("--caller police --kid module-1 --detached -o @freeze.tosign");
    assert!(lab.run(&out).unwrap());
    lab.module("freeze.tosign", "good", |made| der(&made));
    lab.module("freeze.tosign.document", "other", |made| made);
    let attach = |who: &str, signature: &str, to: &str| {
        format!("attach @freeze.tosign.document {who} --signature @{signature} -o @{to}")
    };
    lab.refused(&attach(MODULE, "good", "freeze.json"), "*.order.json");
    lab.refused(&attach(MODULE, "other", "x.order.json"), "must be over exactly what `order");
    let stranger = "--as police --kid police-1";
    lab.refused(&attach(stranger, "good", "x.order.json"), "it is an order of `fund-centre`");
    assert!(!lab.path("x.order.json").exists());
    assert!(lab.run(&attach(MODULE, "good", "freeze.order.json")).unwrap());

    let parties = crate::parties::Register::load(&lab.path("pki/parties")).unwrap();
    let document = fs::read(lab.path("freeze.order.json")).unwrap();
    let order = crate::agreements::order::verify(&document, &parties, now()).unwrap();
    assert_eq!(order.id, "incident-4");
    assert_eq!(order.in_words(), "freezes all questions from police to fund-centre");

    // Nobody signs it twice, and the document that waits for its signature is not replaced.
    let again = "attach @freeze.order.json --as fund-centre --kid module-1 --signature @good";
    lab.refused(&format!("{again} -o @x.order.json"), "does not verify");
    std::thread::sleep(std::time::Duration::from_millis(2));
    lab.refused(&out, "is there with other content");
    let key = "--key @pki/fund-centre/signing.key";
    lab.refused(&freeze("-o @x.order.json"), "--key <FILE>");
    lab.refused(&freeze("--detached -o @x"), "--kid <KID>");
    lab.refused(&freeze("--detached --kid module-1"), "--output <FILE>");
    lab.refused(&freeze(&format!("--detached --kid module-1 {key} -o @x")), "cannot be used");
    lab.refused(&freeze("--detached --kid module-0 -o @x"), "is not valid now");
    lab.refused(&freeze("--detached --kid police-1 -o @x"), "lists no key `police-1`");
    lab.refused(&freeze("--detached --kid module-1 -o @x.order.json"), "is no order yet");
    assert!(!lab.path("x").exists() && !lab.path("x.order.json").exists());
}

/// The draft with two papers; their files.
fn with_annexes(lab: &Outside) {
    let mut draft = fs::read_to_string(lab.path("draft.toml")).unwrap();
    for (title, name) in [("Fields", "fields.pdf"), ("Duties", "duties.pdf")] {
        fs::write(lab.path(name), title).unwrap();
        let digest = crate::crypto::hex(&crate::crypto::sha256(title.as_bytes()));
        draft.push_str(&format!("\n[[annex]]\ntitle = \"{title}\"\nsha256 = \"{digest}\"\n"));
    }
    fs::write(lab.path("draft.toml"), draft).unwrap();
    fs::write(lab.path("other.pdf"), "Other").unwrap();
}

#[test]
fn annexes_are_those_that_were_signed() {
    let lab = Outside::new();
    with_annexes(&lab);
    let fund = "--as fund-centre --key @pki/fund-centre/signing.key";
    let civil = "--as civil-affairs --key @pki/civil-affairs/signing.key";
    let sign = |annexes: &str| format!("sign @draft.toml {fund} -o @half.json {annexes}");
    lab.refused(&sign("--annex @other.pdf"), "is no annex of these terms");
    lab.refused(&sign("--annex @fields.pdf @other.pdf"), "other.pdf` is no annex");
    lab.refused(&sign("--annex @nothing.pdf"), "cannot read");
    assert!(!lab.path("half.json").exists());
    let out = format!("sign @draft.toml {MODULE} --detached -o @x --annex @other.pdf");
    lab.refused(&out, "is no annex");
    assert!(lab.run(&sign("--annex @fields.pdf --annex @duties.pdf")).unwrap());
    assert!(lab.run(&format!("sign @half.json {civil} -o @whole.json")).unwrap());
    let verify = |annexes: &str| lab.run(&format!("verify @whole.json {annexes}")).unwrap();
    for good in ["--annex @duties.pdf @fields.pdf", "--annex @fields.pdf", "", "--json"] {
        assert!(verify(good), "{good}");
    }
    for bad in ["--annex @other.pdf", "--annex @duties.pdf @other.pdf --json"] {
        assert!(!verify(bad), "{bad}");
    }
    fs::write(lab.path("fields.pdf"), "Fields ").unwrap();
    assert!(!verify("--annex @duties.pdf @fields.pdf"));
}
