//! Flaws of manifests are found all at once, each with its place.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::adapters::tests::facts;

const GOOD: &str = r#"
schema = 1
name = "civil-affairs"
version = "1.0.0"
agency = "civil-affairs"
[settings]
requester = "330000000001"
[http]
base = "https://127.0.0.1:7502"
ca = "../ca.pem"
[[operation]]
fact = "M2"
[operation.request]
path = "/couple"
json = { a = "subject.person.name", b = ["subject.spouse.name", 1] }
[operation.outcome]
found = "true"
[operation.attributes]
married = "codes.matched[doc.status]"
registered_on = "null"
[operation.codes.matched]
"1" = true
"0" = false
"#;

fn read_text(text: &str, depth: Depth) -> Result<Manifest, Vec<Finding>> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("adapters")).unwrap();
    let file = folder.path().join("adapters/m.toml");
    fs::write(&file, text).unwrap();
    fs::write(folder.path().join("exposed"), "secret").unwrap();
    let mode = fs::Permissions::from_mode(0o644);
    fs::set_permissions(folder.path().join("exposed"), mode).unwrap();
    read(&file, depth, &facts)
}

/// Line, column and problem of every flaw.
fn flaws(text: &str, depth: Depth) -> Vec<(usize, usize, String)> {
    let findings = read_text(text, depth).err().unwrap_or_default();
    let flaw = |finding: Finding| {
        let (line, column) = finding.place.unwrap_or_default();
        (line, column, finding.problem)
    };
    findings.into_iter().map(flaw).collect()
}

#[test]
fn a_good_manifest_is_read() {
    let manifest =
        read_text(GOOD, Depth::ManifestOnly).map_err(|flaws| format!("{flaws:?}")).unwrap();
    assert_eq!((manifest.name.as_str(), manifest.operations.len()), ("civil-affairs", 1));
    assert_eq!(manifest.digest, sha256(GOOD.as_bytes()));
}

#[test]
fn every_flaw_is_found_at_once_with_its_place() {
    let text = GOOD
        .replace("version =", "verson =")
        .replace("subject.person.name", "subject.persn.name")
        .replace("found = \"true\"", "found = 'true'\nnot_fond = 'false'")
        .replace("\"0\" = false", "\"0\" = \"no\"")
        .replace("married =", "spouse = 'doc.x'\nmarried =")
        .replace("\"/couple\"", "\"couple\"");
    let found = flaws(&text, Depth::ManifestOnly);
    let expected = [
        (4, 1, "unknown key `verson`"),
        (1, 1, "`version` is missing"),
        (14, 9, "`operation.request.path` starts with `/`"),
        (
            15,
            22,
            "operation.request.json.a: there is no field `persn` here; did you mean `person`?",
        ),
        (18, 1, "unknown key `not_fond` in `operation.outcome`"),
        (20, 11, "`M2` has no attribute `spouse`"),
        (
            21,
            12,
            "operation.attributes.married: code `0` stands for \"no\", which `married` cannot be",
        ),
    ];
    for (line, column, problem) in expected {
        let is_there = found
            .iter()
            .any(|(at, from, text)| text.starts_with(problem) && (*at, *from) == (line, column));
        assert!(is_there, "{line}:{column} {problem}\nin {found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    assert!(found.iter().any(|(.., text)| text.ends_with("did you mean `version`?")), "{found:?}");
}

#[test]
fn what_a_manifest_must_not_be() {
    let replaced = |from: &str, to: &str| {
        let text = GOOD.replace(from, to);
        assert_ne!(text, GOOD, "{from}");
        let flaws = flaws(&text, Depth::ManifestOnly);
        flaws.into_iter().map(|(.., problem)| problem).collect::<Vec<_>>().join("\n")
    };
    for (from, to, problem) in [
        ("schema = 1", "schema = 2", "`schema` is from 1 to 1"),
        (
            "[settings]",
            "[secrets]\nkey = \"abc\"\n[settings]",
            "a secret never stands in a manifest",
        ),
        ("https://127.0.0.1:7502", "http://127.0.0.1:7502", "`http.base` is `https://HOST:PORT`"),
        ("[http]", "[sql]\n[http]", "only one of"),
        ("[http]", "[htp]", "one of `[http]`, `[soap]`, `[sql]`, `[grpc]` is missing"),
        ("fact = \"M2\"", "fact = \"M9\"", "the catalogue has no fact `M9`"),
        ("fact = \"M2\"", "fact = \"P1\"", "`P1` is a fact of `police`, not of `civil-affairs`"),
        (
            "married = \"codes.matched[doc.status]\"",
            "",
            "the attribute `married` of `M2` is missing",
        ),
        (
            "codes.matched[",
            "codes.mached[",
            "there is no field `mached` here; did you mean `matched`?",
        ),
        ("found = \"true\"", "found = \"tru(\"", "this is no expression"),
        ("found = \"true\"", "", "`operation.outcome.found` is missing"),
        (
            "found = \"true\"",
            "found = \"cfg.requester == secret.key\"",
            "there is no field `key` here",
        ),
        (
            "path = \"/couple\"",
            "path = \"/couple\"\nform = {}",
            "at most one of `form`, `json`, `body`",
        ),
        ("ca = \"../ca.pem\"", "ca = \"../ca.pem\"\ntimeout = \"2\"", "is no time span"),
        ("ca = \"../ca.pem\"", "ca = 1", "`http.ca` must be text, not integer"),
    ] {
        let found = replaced(from, to);
        assert!(found.contains(problem), "{to}: {found}");
    }
    let no_authority = flaws(&GOOD.replace("ca = \"../ca.pem\"", ""), Depth::ManifestOnly);
    assert_eq!(no_authority.len(), 1, "one cause is one flaw: {no_authority:?}");
    assert!(flaws("schema = ", Depth::ManifestOnly)[0].0 == 1);
    let twice = GOOD.to_owned()
        + GOOD
            .split_once("[[operation]]")
            .map(|(_, op)| "[[operation]]".to_owned() + op)
            .unwrap()
            .as_str();
    assert!(flaws(&twice, Depth::ManifestOnly)[0].2.contains("`M2` has an operation already"));
}

#[test]
fn files_that_are_named_are_read_and_secrets_kept_from_others() {
    let text = GOOD.replace(
        "[settings]",
        "[secrets]\none = { file = \"../exposed\" }\ntwo = { file = \"../absent\" }\n[settings]",
    );
    let found = flaws(&text, Depth::WithFiles);
    assert!(
        found[0].2.contains("can be read by other users (mode 644): run `chmod 600"),
        "{found:?}"
    );
    assert!(found[1].2.contains("absent` cannot be read"), "{found:?}");
    assert!(
        found[2].2.starts_with("http.ca: ") && found[2].2.contains("cannot be read"),
        "{found:?}"
    );
    assert!(!format!("{found:?}").contains("secret\""));
    assert!(read_text(&text, Depth::ManifestOnly).is_ok());
}

#[test]
fn limits_and_windows_are_read_and_their_flaws_told() {
    let good = format!(
        "{GOOD}[operation.resilience]\nattempt_timeout = \"1s\"\nburst = 3\nrate_per_second = 2\n\
         [resilience]\nretry_budget = 0.2\nretry_floor = 0\n\
         breaker = {{ failures = 1, window = 4, enough = 4, open_for = \"1m\", probes = 2 }}\n\
         [[maintenance]]\ndays = [\"Sunday\"]\nfrom = \"23:00\"\nto = \"01:00\"\n\
         [[maintenance]]\nfrom = \"2027-02-05T18:00:00+08:00\"\nto = \"2027-02-15T08:00:00+08:00\"\n"
    );
    let read = read_text(&good, Depth::ManifestOnly).map_err(|flaws| format!("{flaws:?}")).unwrap();
    assert_eq!((read.resilience.retry_budget, read.resilience.breaker.probes), (0.2, 2));
    let own = read.operations[0].resilience;
    assert_eq!(own.rate.map(|rate| (rate.per_second.get(), rate.burst.get())), Some((2, 3)));
    assert_eq!((own.breaker, own.max_in_flight), (None, None));

    for (text, expected) in [
        ("[resilience]\nburst = 3", "`burst` goes with `rate_per_second`"),
        ("[resilience]\nretry_budget = 2", "is a share from 0 to 1"),
        ("[resilience]\nbreaker = { failures = 0.0 }", "`failures` is above 0"),
        ("[resilience]\nbreaker = { window = 4 , enough = 5 }", "`enough` is at most `window`"),
        ("[resilience]\nbreaker = { open = 4 }", "unknown key `open`"),
        ("[operation.resilience]\nretries = 1", "is for operations with `idempotent = true`"),
        ("[operation.resilience]\nhedge_after = \"1s\"", "is for operations with `idempotent"),
        ("[operation.resilience]\nretry_budget = 0.1", "unknown key `retry_budget`"),
        ("[[maintenance]]\ndays = []\nfrom = \"01:00\"\nto = \"02:00\"", "at least one day"),
        ("[[maintenance]]\ndays = [\"Sun\"]\nfrom = \"01:00\"\nto = \"02:00\"", "`Sun` is no day"),
        ("[[maintenance]]\ndays = [\"Sunday\"]\nfrom = \"1:00\"\nto = \"24:30\"", "a time of day"),
        ("[[maintenance]]\ndays = [\"Sunday\"]\nfrom = \"01:00\"\nto = \"01:00\"", "has a length"),
        ("[[maintenance]]\nfrom = \"02:00\"\nto = \"03:00\"", "with `days` it is a time of day"),
        (
            "[[maintenance]]\nfrom = \"2027-02-05T18:00:00Z\"\nto = \"2027-02-04T18:00:00Z\"",
            "`maintenance.to` is after `from`",
        ),
    ] {
        let found = flaws(&format!("{GOOD}{text}\n"), Depth::ManifestOnly);
        let is_told =
            found.iter().any(|(line, _, problem)| *line > 0 && problem.contains(expected));
        assert!(is_told, "{text}: {found:?}");
    }
}
