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
        ("[http]", "[http]\nhttp = \"3\"", "`http.http` is \"2\" or \"1.1\""),
        ("path = \"/couple\"", "path = \"/couple\"\nheaders = { HOST = '\"a\"' }", "`HOST`"),
        ("[http]", "[http]\ndeclared_charset = \"no\"", "is \"checked\" or \"ignored\""),
        ("schema = 1", "schema = 2", "this gateway reads `schema = 1`"),
        (
            "[settings]",
            "[secrets]\nkey = \"abc\"\n[settings]",
            "a secret never stands in a manifest",
        ),
        ("https://127.0.0.1:7502", "http://127.0.0.1:7502", "`http.base` is `https://HOST:PORT`"),
        ("[http]", "[sql]\n[http]", "only one of"),
        ("[http]", "[htp]", "one of `[http]`, `[soap]`, `[sql]`, `[file]`, `[grpc]` is missing"),
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

#[test]
fn signing_is_read_strictly() {
    let sign = "[sign]\nstring = 'path'\nalgorithm = 'sha256'\nencoding = 'hex'\n";
    let good = format!("{sign}headers = {{ x-sign = 'signature' }}\n");
    for (text, expected) in [
        (sign.to_owned(), "the signature goes nowhere"),
        (good.replace("sha256", "sha1"), "`sign.algorithm` is one of \"hmac-sha256\", "),
        (good.replace("'hex'", "'HEX'"), "`sign.encoding` is one of"),
        (good.replace("sha256", "hmac-sm3"), "`key` is missing"),
        (format!("{good}key = 'requester'"), "this algorithm takes none"),
        (format!("{}key = 'app-key'", good.replace("sha256", "hmac-sm3")), "names no secret"),
        (good.replace("'path'", "'subject.person.name'"), "`subject`"),
        (good.replace("'path'", "'values.a'"), "`a`"),
        (good.replace("'path'", "'action'"), "`action`"),
        (format!("{good}values = {{ a = 'values.b', b = '1' }}"), "`b`"),
        (format!("{good}values = {{ a = 'signature' }}"), "`signature`"),
        (format!("{good}query = {{ a = 'body' }}"), "cannot look at the request"),
        (format!("{good}values = {{ a = 'body' }}\njson = {{ c = 'values.a' }}"), "cannot look"),
        (format!("{good}form = {{ a = '1' }}"), "which this request has not"),
        (format!("{good}json = {{ a = '1' }}"), "`json` has `a`"),
        (format!("{good}json = {{ c = {{ d = '1' }} }}"), "`json.c` is text"),
        (format!("{good}header = '<a/>'"), "unknown key `header`"),
        (good.replace("x-sign", "'x sign'"), "is no header name"),
    ] {
        let found = flaws(
            &GOOD.replace("[[operation]]", &format!("{text}\n[[operation]]")),
            Depth::ManifestOnly,
        );
        let is_told =
            found.iter().any(|(line, _, problem)| *line > 0 && problem.contains(expected));
        assert!(is_told, "{text}: {found:?}");
    }
    let text = GOOD.replace("[[operation]]", &format!("{good}\n[[operation]]"));
    let read = read_text(&text, Depth::ManifestOnly).map_err(|flaws| format!("{flaws:?}")).unwrap();
    assert_eq!(read.warnings, []);
}

#[test]
fn envelopes_do_not_sign_what_holds_the_signature() {
    let soap = |string: &str, body: &str| {
        let sign = format!(
            "[sign]\nstring = '{string}'\nalgorithm = 'sm3'\nencoding = 'hex'\n[[operation]]"
        );
        let request = format!("inner = '<a/>'\nbody = '<b>{{inner}}{body}</b>'");
        let json = "json = { a = \"subject.person.name\", b = [\"subject.spouse.name\", 1] }";
        let text = GOOD.replace("[http]", "[soap]").replace("[[operation]]", &sign);
        flaws(&text.replace(json, &request), Depth::ManifestOnly)
    };
    assert_eq!(soap("inner", "{signature}"), []);
    assert!(soap("body", "{signature}")[0].2.contains("sign `inner`"));
    assert!(soap("body", "")[0].2.contains("goes nowhere"));
    assert!(soap("query", "{signature}")[0].2.contains("`query`"));
}

#[test]
fn code_tables_have_what_the_agency_documents() {
    let lists = |lists: &str| format!("{GOOD}[operation.lists]\n{lists}\n");
    let text = lists("matched = [\"1\", \"0\"]");
    let read = read_text(&text, Depth::ManifestOnly).map_err(|flaws| format!("{flaws:?}")).unwrap();
    assert_eq!(read.warnings, []);
    let (line, column, problem) =
        flaws(&lists("matched = [\"1\", \"2\"]"), Depth::ManifestOnly).remove(0);
    assert_eq!((line, column), (GOOD.lines().count() + 2, 18));
    assert!(problem.contains("code `2` is not in `codes.matched`"), "{problem}");
    assert!(flaws(&lists("other = []"), Depth::ManifestOnly)[0].2.contains("no table `other`"));
    assert!(flaws(&lists("matched = [1]"), Depth::ManifestOnly)[0].2.contains("must be text"));
    let text = lists("matched = [\"1\"]");
    let read = read_text(&text, Depth::ManifestOnly).map_err(|flaws| format!("{flaws:?}")).unwrap();
    let told: Vec<_> = read.warnings.iter().map(|warning| warning.problem.as_str()).collect();
    assert_eq!(told, ["`codes.matched` has `0`, which is not listed here"]);
}

#[test]
fn a_rule_for_no_record_that_anything_empty_satisfies_is_warned_of() {
    for (rule, expected) in [("size(doc) == 0", 1), ("doc.size() == 0", 1), ("count(doc) == 0", 0)]
    {
        let text = GOOD.replace("found =", &format!("not_found = '{rule}'\nfound ="));
        let read = read_text(&text, Depth::ManifestOnly).map_err(|flaws| format!("{flaws:?}"));
        let warnings = read.unwrap().warnings;
        assert_eq!(warnings.len(), expected, "{rule}: {warnings:?}");
        assert!(warnings.iter().all(|warning| warning.problem.contains("`count`")), "{warnings:?}");
    }
}

#[test]
fn warnings_have_places_and_keep_nothing_out() {
    let text = r#"
schema = 1
name = "civil-affairs"
version = "1.0.0"
agency = "civil-affairs"
[http]
base = "https://127.0.0.1:7502"
ca = "../ca.pem"
[sign]
string = "path"
algorithm = "md5"
encoding = "hex"
headers = { x-sign = "signature" }
[[operation]]
fact = "M1"
[operation.request]
path = "/person"
[operation.outcome]
found = "true"
[operation.attributes]
status = "codes.status[doc.status]"
registered_on = "date(doc.on)"
certificate_number = "null"
[operation.codes.status]
"IA" = "married"
"IB" = "divorced"
"#;
    let read = read_text(text, Depth::ManifestOnly).map_err(|flaws| format!("{flaws:?}")).unwrap();
    let told: Vec<_> =
        read.warnings.iter().map(|warning| (warning.place, warning.problem.as_str())).collect();
    assert_eq!(told[0].0, Some((11, 14)));
    assert!(told[0].1.contains("can be forged"), "{told:?}");
    assert_eq!(told[1].0, Some((21, 11)));
    assert!(told[1].1.ends_with("no code of `codes.status` stands for `annulled`"), "{told:?}");
    assert_eq!(told.len(), 2);
}

#[test]
fn another_language_is_told_what_to_do() {
    for (schema, expected) in [
        ("schema = 2", "this gateway reads `schema = 1` and no 2: take a gateway"),
        ("", "`schema` is missing: write `schema = 1`"),
    ] {
        let found = flaws(&GOOD.replace("schema = 1", schema), Depth::ManifestOnly);
        assert!(found.len() == 1 && found[0].2.contains(expected), "{found:?}");
    }
}

/// Nobody reads more, and whoever writes a manifest must not keep everybody's reloads waiting.
#[test]
fn of_very_many_flaws_the_first_are_told_and_the_others_counted() {
    let mut text = GOOD.to_owned();
    text.push_str("[nonsense]\n");
    (0..100_000).for_each(|number| text.push_str(&format!("[x{number}]\n")));
    let found = flaws(&text, Depth::ManifestOnly);
    assert_eq!(found.len(), 101);
    assert!(found.iter().any(|flaw| flaw.2 == "99901 more flaws are not told; see to these first"));
}

/// A manifest decides where a secret is sent: it may not name whatever the gateway's user may read.
#[test]
fn secrets_come_from_the_folders_they_may_come_from() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        file
    };
    place("secrets/own", "secret");
    place("keys/log.key", "secret");
    std::os::unix::fs::symlink("../keys/log.key", folder.path().join("secrets/link")).unwrap();
    let secrets = Some(vec![folder.path().join("secrets"), folder.path().join("absent")]);
    let allowed = Allowed { secrets, programs: false, queues: None };
    let found = |path: &str| {
        let secrets = format!("[secrets]\none = {{ file = \"{path}\" }}\n[settings]");
        let file = place("adapters/m.toml", &GOOD.replace("[settings]", &secrets));
        let flaws = read_within(&file, Depth::WithFiles, &allowed, &facts).err().unwrap();
        let elsewhere = |flaw: &Finding| flaw.problem.contains("none of the folders");
        flaws.iter().any(elsewhere)
    };
    assert!(!found("../secrets/own"));
    for path in ["../keys/log.key", "../secrets/link", "../secrets/../keys/log.key", "/etc/passwd"]
    {
        assert!(found(path), "{path}");
    }

    let (http, _) = GOOD.split_once("[http]").unwrap();
    let program = format!("{http}[grpc]\ncommand = [\"sh\"]\n[[operation]]\nfact = \"M2\"\n");
    let file = place("adapters/m.toml", &program);
    assert!(read_within(&file, Depth::WithFiles, &Allowed::everything(), &facts).is_ok());
    let flaws = read_within(&file, Depth::WithFiles, &allowed, &facts).err().unwrap();
    assert!(flaws[0].problem.contains("may have no program started here"), "{flaws:?}");
}

/// A pipe would keep everybody's reloads waiting, and a device has no end.
#[test]
fn what_is_no_file_or_too_long_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let long = folder.path().join("long");
    fs::write(&long, "12345").unwrap();
    for (file, problem) in [
        (pipe.as_path(), "is no file"),
        (Path::new("/dev/zero"), "is no file"),
        (folder.path(), "is no file"),
        (&long, "has more than 4 bytes"),
    ] {
        assert_eq!(read_file(file, 4), Err(problem.to_owned()));
    }
    assert_eq!(read_file(&long, 5), Ok(b"12345".to_vec()));
    let named = GOOD.replace("../ca.pem", &pipe.display().to_string());
    let found = flaws(&named, Depth::WithFiles);
    assert!(found[0].2.ends_with("pipe` is no file"), "{found:?}");
}
