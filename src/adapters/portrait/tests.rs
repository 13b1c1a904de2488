//! Two ways of writing the same thing are told as the same; secrets never are.

use super::*;
use crate::adapters::tests::facts;

const MANIFEST: &str = r#"
schema = 1
name = "register"
version = "1.0.0"
agency = "civil-affairs"
[secrets]
app_key = { file = "../secrets/app-key" }
[settings]
requester = "330000000001"
kind = "M"
[http]
base = "https://127.0.0.1:7502"
ca = "../ca.pem"
timeout = "5s"
[sign]
string = "cfg.requester + string(now)"
algorithm = "hmac-sha256"
key = "app_key"
encoding = "hex"
headers = { x-sign = "signature" }
[[operation]]
fact = "M2"
[operation.request]
path = "/couple"
json = { a = "subject.person.name", b = ["subject.spouse.name", 1], kind = "cfg.kind" }
[operation.outcome]
found = "true"
[operation.attributes]
married = "codes.matched[doc.status]"
registered_on = "null"
[operation.codes.matched]
"1" = true
"0" = false
"#;

pub(in crate::adapters) fn portrait(text: &str) -> Portrait {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("register.toml");
    std::fs::write(&file, text).unwrap();
    match manifest::read(&file, Depth::ManifestOnly, &facts) {
        Ok(manifest) => Portrait::of(&manifest, &facts),
        Err(flaws) => panic!("{flaws:#?}"),
    }
}

fn value<'t>(terms: &'t [Term], key: &str) -> (&'t str, Bearing) {
    let found = terms.iter().find(|term| term.key == key);
    let found = found.unwrap_or_else(|| panic!("no `{key}` in {terms:#?}"));
    (&found.value, found.bearing)
}

#[test]
fn everything_a_manifest_sets_is_told_once() {
    let told = portrait(MANIFEST);
    let all = |key: &str| value(&told.terms, key);
    assert_eq!(all("http.base"), ("https://127.0.0.1:7502", Bearing::Reach));
    assert_eq!(all("http.timeout"), ("5s", Bearing::Reach));
    assert_eq!(all("http.ca"), ("../ca.pem", Bearing::Reach));
    assert_eq!(all("secrets.app_key"), ("../secrets/app-key", Bearing::Reach));
    assert_eq!(all("sign.key"), ("secret[\"app_key\"]", Bearing::Reach));
    assert_eq!(all("sign.algorithm"), ("hmac-sha256", Bearing::Reach));
    // What only signs does not bear on answers; what is sent does.
    assert_eq!(all("settings.requester").1, Bearing::Reach);
    assert_eq!(all("settings.kind").1, Bearing::Answers);
    let one = &told.operations[0];
    let one = |key: &str| value(&one.terms, key);
    assert_eq!(one("request.json.b[1]"), ("1", Bearing::Answers));
    assert_eq!(one("attributes.married"), ("codes.matched[doc.status]", Bearing::Answers));
    assert_eq!(one("codes.matched.1"), ("true", Bearing::Answers));
    for terms in [&told.terms, &told.operations[0].terms] {
        let mut keys: Vec<&str> = terms.iter().map(|term| term.key.as_str()).collect();
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count, "{keys:?}");
    }
}

#[test]
fn what_means_the_same_is_told_the_same() {
    let otherwise = MANIFEST
        .replace("\n[http]", "\n# a remark\n[http]\nmax_body = 1_048_576")
        .replace("\"5s\"", "\"5000ms\"")
        .replace("cfg.requester + string(now)", "  cfg.requester  +   string(now) ")
        .replace("\"1\" = true\n\"0\" = false", "\"0\" = false\n\"1\" = true");
    assert_ne!(otherwise, MANIFEST);
    let (one, other) = (portrait(MANIFEST), portrait(&otherwise));
    let values = |portrait: &Portrait| {
        let all = portrait.terms.iter().chain(&portrait.operations[0].terms);
        let mut values: Vec<_> = all.map(|term| (term.key.clone(), term.value.clone())).collect();
        values.sort();
        values
    };
    assert_eq!(values(&one), values(&other));
}

#[test]
fn blanks_in_quotes_stay() {
    assert_eq!(plain(" a  +\n \"b  c\" + 'd\\'  e' "), "a + \"b  c\" + 'd\\'  e'");
    assert_eq!(plain("a // why\n+ b"), "a // why\n+ b");
}
