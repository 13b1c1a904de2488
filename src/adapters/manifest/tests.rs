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
fn a_program_is_far_away_or_started_here() {
    let (before, rest) = GOOD.split_once("[http]").unwrap();
    let operation = "[[operation]]\nfact = \"M2\"\n";
    let of = |grpc: &str| {
        let text = format!("{before}[grpc]\n{grpc}\n{operation}");
        let flaws = flaws(&text, Depth::ManifestOnly);
        flaws.into_iter().map(|(.., problem)| problem).collect::<Vec<_>>().join("\n")
    };
    assert!(rest.contains(operation));
    let whole = "command = [\"python3\", \"adapter.py\"]\nfolder = \"..\"\nlog = true\n\
                 start_within = \"20s\"\nstop_within = \"1s\"\ntimeout = \"2s\"\n\
                 environment = { LEVEL = \"1\" }";
    assert_eq!(of(whole), "");
    for (grpc, problem) in [
        ("", "one of `grpc.endpoint`, `grpc.command` is missing"),
        ("endpoint = \"https://a:1\"\nca = \"c\"\ncommand = [\"a\"]", "only one of"),
        ("command = []", "`grpc.command` is a program and its arguments, 1 to 64"),
        ("command = \"python3 adapter.py\"", "`grpc.command` must be an array of text"),
        ("command = [\"a\"]\nca = \"c\"", "`grpc.ca` goes with `grpc.endpoint` only"),
        (
            "endpoint = \"https://a:1\"\nca = \"c\"\nlog = true",
            "`grpc.log` goes with `grpc.command` only",
        ),
        ("command = [\"a\"]\nsecrets = { KEY = \"key\" }", "names no secret: `key`"),
        ("command = [\"a\"]\nenvironment = { HEYAN_X = \"1\" }", "and not HEYAN_"),
        ("command = [\"a\"]\nenvironment = { \"A=B\" = \"1\" }", "a name has letters"),
        ("command = [\"a\"]\nstop_within = \"1h\"", "stop_within"),
    ] {
        let found = of(grpc);
        assert!(found.contains(problem), "{grpc}: {found}");
    }
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
