//! Wrong manifests and fixtures, each refused by the schema and by the reader alike.

use super::{FILE, HTTP, PROGRAM, REMOTE, SOAP, SQL, full_fixtures, parsed, problems};
use super::{FIXTURE, MANIFEST, problems_of_fixtures, seen, validator};

/// A manifest, what stands in it, and what is written in its place.
const WRONG: &[(&str, &str, &str)] = &[
    (HTTP, "version = \"1.0.0\"", "verson = \"1.0.0\""),
    (HTTP, "schema = 1", "schema = 2"),
    (HTTP, "schema = 1", ""),
    (HTTP, "version = \"1.0.0\"", "version = 1.0"),
    (HTTP, "name = \"civil-affairs\"", "name = \"Civil Affairs\""),
    (HTTP, "app = { file = \"../secrets/app\" }", "app = \"a secret\""),
    (HTTP, "app = { file = \"../secrets/app\" }", "app = { file = \"a\", value = \"b\" }"),
    (HTTP, "https://127.0.0.1:7502", "http://127.0.0.1:7502"),
    (HTTP, "https://127.0.0.1:7502", "https://127.0.0.1:7502/path"),
    (HTTP, "ca = \"ca.pem\"", ""),
    (HTTP, "key = \"gateway.key\"", ""),
    (HTTP, "timeout = \"2s\"", "timeout = 2"),
    (HTTP, "timeout = \"2s\"", "timeout = \"2\""),
    (HTTP, "timeout = \"2s\"", "timeout = \"0s\""),
    (HTTP, "max_body = 65536", "max_body = \"64K\""),
    (HTTP, "max_body = 65536", "max_body = 67108865"),
    (HTTP, "\"gb18030\"", "\"big5\""),
    (HTTP, "\"ignored\"", "\"no\""),
    (HTTP, "\"http://gk.gxfw\"", "\"\""),
    (HTTP, "namespaces = { gk", "namespaces = { \"g-k\""),
    (HTTP, "max_in_flight = 16", "max_in_flight = 0"),
    (HTTP, "rate_per_second = 20", ""),
    (HTTP, "retries = 1", "retries = 4"),
    (HTTP, "retry_budget = 0.2", "retry_budget = 2"),
    (HTTP, "failures = 0.5", "failures = 0"),
    (HTTP, "\"Saturday\"", "\"saturday\""),
    (HTTP, "\"23:00\"", "\"2300\""),
    (HTTP, "\"2027-02-05T18:00:00+08:00\"", "\"2027-02-05\""),
    (HTTP, "\"hmac-sm3\"", "\"sha1\""),
    (HTTP, "\"hmac-sm3\"", "\"sm3\""),
    (HTTP, "key = \"app\"", ""),
    (HTTP, "\"base64\"", "\"Base64\""),
    (HTTP, "expires = \"resp.body.expires\"", ""),
    (HTTP, "method = \"GET\"", "method = \"DELETE\""),
    (HTTP, "\"/couple\"", "\"couple\""),
    (HTTP, "\"/couple\"", "\"/couple?a=b\""),
    (HTTP, "json = { a =", "form = {}\njson = { a ="),
    (HTTP, "X-Item", "\"X Item\""),
    (HTTP, "{ X-Item = \"purpose.item\" }", "{ X-Item = [\"purpose.item\"] }"),
    (HTTP, "{ page = \"page\" }", "{ page = { a = \"page\" } }"),
    (HTTP, "method = \"GET\"", "action = \"query\""),
    (HTTP, "more = \"page < 3\"", ""),
    (HTTP, "max_pages = 3", "max_pages = 1001"),
    (HTTP, "found = \"true\"", "found = true"),
    (HTTP, "found = \"true\"", ""),
    (HTTP, "registered_on = \"null\"", "registered_on = 1"),
    (HTTP, "idempotent = true", "idempotent = \"yes\""),
    (HTTP, "idempotent = true", "idempotent = false"),
    (HTTP, "matched = [\"0\", \"1\"]", "matched = [0, 1]"),
    (HTTP, "[operation.lists]", "[operation.list]"),
    (HTTP, "\n[http]\n", "\n[sql]\n[http]\n"),
    (HTTP, "\n[http]\n", "\n[htp]\n"),
    (SOAP, "version = \"1.2\"", "version = 1.2"),
    (SOAP, "action = \"query\"", "method = \"GET\""),
    (SOAP, "body = \"<b>{inner}</b>\"", ""),
    (SOAP, "header = \"<s>{signature}</s>\"", "query = { a = \"signature\" }"),
    (SQL, "\"mysql\"", "\"oracle\""),
    (SQL, "port = 7503", "port = \"7503\""),
    (SQL, "port = 7503", "port = 70000"),
    (SQL, "parameters = [\"subject.person.name\"]", "parameters = []"),
    (SQL, "statement =", "statment ="),
    (SQL, "statement =", "paging = { rows = \"resp.rows\", more = \"false\" }\nstatement ="),
    (SQL, "\n[sql]\n", "\n[session]\n[sql]\n"),
    (FILE, "\"couples-*.csv\"", "\"couples.csv\""),
    (FILE, "\"couples-*.csv\"", "\"couples-*.ok\""),
    (FILE, "as_of_in = \"name\"", "as_of_in = \"names\""),
    (FILE, "\"couples-*.csv\"", "\"\""),
    (FILE, "\"yyyyMMdd\"", "\"yyyyMM\""),
    (FILE, "\"sm3\"", "\"md5\""),
    (FILE, "\"|\"", "\"||\""),
    (FILE, "lookup =", "statement ="),
    (REMOTE, "ca = \"ca.pem\"", ""),
    (REMOTE, "endpoint = ", "log = true\nendpoint = "),
    (REMOTE, "fact = \"M2\"", "fact = \"M2\"\ndocument = \"resp.body\""),
    (PROGRAM, "[\"python3\", \"adapter.py\"]", "\"python3 adapter.py\""),
    (PROGRAM, "[\"python3\", \"adapter.py\"]", "[]"),
    (PROGRAM, "command = ", "endpoint = \"https://a:1\"\nca = \"ca.pem\"\ncommand = "),
    (PROGRAM, "LEVEL", "HEYAN_LEVEL"),
    (PROGRAM, "log = true", "log = \"true\""),
];

#[test]
fn wrong_manifests_are_refused_by_both() {
    let folder = tempfile::tempdir().unwrap();
    let validator = validator(MANIFEST);
    for (text, from, to) in WRONG {
        assert!(text.contains(from), "{from}");
        let wrong = text.replacen(from, to, 1);
        let is_seen = !seen(&validator, &parsed(&wrong)).is_empty();
        let is_refused = !problems(folder.path(), &wrong).is_empty();
        assert!(is_seen && is_refused, "{from} → {to}: schema {is_seen}, reader {is_refused}");
    }
}

#[test]
fn a_name_without_a_time_goes_with_a_time_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let validator = validator(MANIFEST);
    let plain = FILE.replace("couples-*.csv", "couples.csv");
    for (place, is_taken) in [("name", false), ("marker", true), ("first_line", true)] {
        let text = plain.replace("as_of_in = \"name\"", &format!("as_of_in = \"{place}\""));
        assert_eq!(seen(&validator, &parsed(&text)).is_empty(), is_taken, "schema: {place}");
        assert_eq!(problems(folder.path(), &text).is_empty(), is_taken, "reader: {place}");
    }
}

#[test]
fn wrong_fixtures_are_refused_by_both() {
    let folder = tempfile::tempdir().unwrap();
    let validator = validator(FIXTURE);
    let text = full_fixtures();
    for (from, to) in [
        ("fact = \"M2\"", ""),
        ("name = \"http\"", "nam = \"http\""),
        ("at = \"2023-11-15T06:13:20+08:00\"", "at = \"yesterday\""),
        ("at = \"2023-11-15T06:13:20+08:00\"", "at = 1700000000"),
        ("granted = [\"married\"]", "granted = \"married\""),
        ("item = \"W3\"", "items = \"W3\""),
        ("role = \"person\"", ""),
        ("\"citizen_id\"", "\"citizen\""),
        ("target = \"/a?b=c\"", ""),
        ("body_base64 = \"AJ+Slg==\"", "body_base64 = \"A?\""),
        ("body_base64 = \"AJ+Slg==\"", "body_base64 = \"AA==\", body = \"\""),
        ("status = 200", "status = 600"),
        ("status = 200", "status = \"200\""),
        ("'[\"430000188001010014\", null, 1]'", "[\"430000188001010014\", 1]"),
        ("reason = \"maintenance\", ", ""),
        ("\"30s\"", "\"30\""),
        ("fails = \"timeout\"", "fails = \"late\""),
        ("fails = \"timeout\"", "fails = \"timeout\", status = 200"),
        ("outcome = \"found\"", "outcome = \"yes\""),
        ("subjects_checked = [0, 1]", "subjects_checked = [\"0\"]"),
        ("dropped = 1", "dropped = -1"),
        ("attributes = { married = true }", "atributes = { married = true }"),
        ("like = \"subjects of other kinds\"\n[fixture.reply]", "[fixture.reply]"),
        ("like = \"subjects of other kinds\"\nat", "at"),
        ("like = \"subjects of other kinds\"", "like = 1"),
        ("status = 404", "status = \"404\""),
    ] {
        assert!(text.contains(from), "{from}");
        let wrong = text.replacen(from, to, 1);
        let is_seen = !seen(&validator, &parsed(&wrong)).is_empty();
        let is_refused = !problems_of_fixtures(folder.path(), &wrong).is_empty();
        assert!(is_seen && is_refused, "{from} → {to}: schema {is_seen}, reader {is_refused}");
    }
}
