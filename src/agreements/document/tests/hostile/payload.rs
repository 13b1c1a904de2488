//! Payloads that one program reads otherwise than another, or than a person.

use super::*;

/// The payload of [`DRAFT`] in one line, with tables in its clause.
fn compact() -> String {
    let draft = DRAFT.replace(
        "max_age =",
        "mask = { name = \"name\" }\nlimits = { married = { comparisons = [\"eq\"], values = [1] } }\n\
         relations = { spouse = [\"declared\"] }\nmax_age =",
    );
    let value: Value = serde_json::from_slice(&payload_of(&draft)).unwrap();
    serde_json::to_string(&value).unwrap()
}

#[test]
fn payloads_say_each_thing_once_and_in_the_form() {
    let parties = Parties::new();
    let compact = compact();
    assert!(parties.verify(&with_payload(&parties, compact.as_bytes())).is_ok());
    let twice = "stands twice";
    for (good, bad, problem) in [
        (r#""version":1"#, r#""version":1,"version":2"#, "`version` stands twice"),
        (r#""provider":"#, r#""provider":"police","provider":"#, "`provider` stands twice"),
        (r#""consumer":"#, r#""\u0063onsumer":"police","consumer":"#, "`consumer` stands twice"),
        (r#""married":{"#, r#""married":{"multiple_of":2},"married":{"#, "`married` stands twice"),
        (r#""name":"name""#, r#""name":"year","name":"name""#, "`name` stands twice"),
        (r#""spouse":["#, r#""spouse":["verified"],"spouse":["#, "`spouse` stands twice"),
        (r#""found":"#, r#""found":"9d","found":"#, twice),
        (r#""fact":"#, r#""fact":"M1","fact":"#, twice),
        (r#""keep_for":"#, r#""keep_for":"1d","keep_for":"#, twice),
        (r#""per_day":"#, r#""per_day":1,"per_day":"#, twice),
        (r#""comparisons":"#, r#""comparisons":[],"comparisons":"#, twice),
        (r#""schema":1"#, r#""schema":1,"hidden":true"#, "unknown field `hidden`"),
        (r#""fact":"#, r#""facts":[],"fact":"#, "unknown field `facts`"),
        (r#""found":"#, r#""fund":"1d","found":"#, "unknown field `fund`"),
        (r#""version":1"#, r#""version":1.0"#, "floating point"),
        (r#""version":1"#, r#""version":1e0"#, "floating point"),
        (r#""version":1"#, r#""version":1e400"#, "number out of range"),
        (r#""version":1"#, r#""version":-1"#, "invalid value"),
        (r#""version":1"#, r#""version":01"#, "invalid number"),
        (r#""version":1"#, r#""version":4294967297"#, "invalid value"),
        (r#""version":1"#, r#""version":"1""#, "invalid type"),
        (r#""version":1"#, r#""version":null"#, "invalid type"),
        (r#""version":1"#, r#""version":0x1"#, "expected"),
        (r#""version":1"#, r#""version":NaN"#, "expected"),
        (r#""version":1"#, r#""version":1 /* 2 */"#, "expected"),
        (r#""version":1"#, r#""version":1,"#, "JSON"),
        (r#""per_day":20000"#, r#""per_day":2e4"#, "floating point"),
        (r#""per_day":20000"#, r#""per_day":18446744073709551616"#, "invalid type"),
        (r#""values":[1]"#, r#""values":[1.0]"#, "did not match"),
        (r#""values":[1]"#, r#""values":[9223372036854775808]"#, "did not match"),
        (r#""values":[1]"#, r#""values":[[1]]"#, "did not match"),
        (r#"2018-05-31T16:00:00Z"#, "2018-05-31T16:00:00-00:00", "is no time such as"),
        (r#"2018-05-31T16:00:00Z"#, "2018-05-31T16:00:00+23:59", "is no time such as"),
        (
            r#"2018-05-31T16:00:00Z"#,
            "2018-06-01T00:00:00+08:00[Europe/Paris]",
            "is no time such as",
        ),
        (r#"2018-05-31T16:00:00Z"#, "2018-05-31", "is no time such as"),
        (r#""2018-05-31T16:00:00Z""#, "1527782400", "invalid type"),
    ] {
        assert!(compact.contains(good), "{good}");
        let payload = compact.replacen(good, bad, 1);
        let document = with_payload(&parties, payload.as_bytes());
        let refused = refused(&parties, &document);
        assert!(refused.contains(problem), "{bad}: {refused}");
        assert!(peek(&document).is_err(), "{bad}: shown all the same");
    }
}

#[test]
fn payloads_are_json_of_some_size_and_depth() {
    let parties = Parties::new();
    let compact = compact();
    let deep = compact.replacen("\"values\":[1]", &format!("\"values\":{}", "[".repeat(9000)), 1);
    assert!(
        refused(&parties, &with_payload(&parties, deep.as_bytes())).contains("recursion limit")
    );
    for payload in [
        [b"\xef\xbb\xbf", compact.as_bytes()].concat(),
        [compact.as_bytes(), b"{}"].concat(),
        [compact.as_bytes(), b"\0"].concat(),
        compact
            .replace("fund-centre", "fund\u{fffd}")
            .into_bytes()
            .into_iter()
            .map(|byte| byte | 0x80)
            .collect(),
        compact.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Vec::new(),
    ] {
        assert!(refused(&parties, &with_payload(&parties, &payload)).contains("not the JSON"));
    }
    let long = format!("[\"approval\"{}]", ",\"approval\"".repeat(3000));
    let long = compact.replacen("[\"approval\"]", &long, 1);
    assert!(refused(&parties, &with_payload(&parties, long.as_bytes())).contains("more than once"));
    let longer = compact.replacen("[\"approval\"]", &format!("[{}]", "\"a\",".repeat(20_000)), 1);
    let longer = with_payload(&parties, longer.as_bytes());
    assert!(matches!(parties.verify(&longer), Err(DocumentError::TooLong)));
}

#[test]
fn bytes_that_are_no_utf8_are_refused_wherever_they_stand() {
    let parties = Parties::new();
    let spliced = |text: &str, before: &str, bytes: &[u8]| {
        let at = text.find(before).unwrap();
        [&text.as_bytes()[..at], bytes, &text.as_bytes()[at..]].concat()
    };
    let header = format!(r#"{{"alg":"EdDSA","kid":"fund-1","typ":"{TYPE}"}}"#);
    let envelope = Forged::of(&parties.sign(DRAFT, &["fund-1", "civil-1"])).text();
    // A byte that never stands, a character cut short, a slash written too long, half of a pair, beyond the last.
    for bytes in [&b"\xff"[..], b"\xe5\xa9", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"] {
        let payload = spliced(&compact(), " for the", bytes);
        let refused = refused(&parties, &with_payload(&parties, &payload));
        assert!(refused.contains("not the JSON"), "{bytes:x?}: {refused}");
        let document = with_header(&parties, spliced(&header, "-1", bytes), "fund-1");
        assert!(parties.verify(&document).is_err(), "{bytes:x?}");
        let document = spliced(&envelope, r#"","signatures""#, bytes);
        let error = parties.verify(&document).unwrap_err();
        assert!(matches!(error, DocumentError::Malformed(_)), "{bytes:x?}: {error}");
    }
}

#[test]
fn what_people_read_is_what_stands_there() {
    let parties = Parties::new();
    let compact = compact();
    for (good, bad) in [
        ("Marriage for", "Marriage \u{202e}for"),
        ("Marriage for", "Marriage\\nfor"),
        ("Marriage for", "Marriage\\u001b[8m for"),
        ("婚姻登记", "婚姻\u{200b}登记"),
        ("\"approval\"", "\"appro\u{ad}val\""),
        ("civil-affairs", "civil-\u{2060}affairs"),
        ("\"married\":{", "\"marr\u{200d}ied\":{"),
        ("\"spouse\":[", "\"spouse\\u2066\":["),
        ("\"W1\"", "\"W\\u20681\""),
        ("marriage_certificate", "marriage_\u{e0063}certificate"),
        ("公积金", "公\u{feff}积金"),
    ] {
        assert!(compact.contains(good), "{good}");
        let payload = compact.replacen(good, bad, 1);
        let refused = refused(&parties, &with_payload(&parties, payload.as_bytes()));
        assert!(refused.contains("which does not show"), "{bad:?}: {refused}");
        assert!(
            !refused.contains(|c: char| c.is_control() || ('\u{200b}'..'\u{2070}').contains(&c))
        );
    }
    // A draft with such a text is not even a draft.
    for hidden in ["\u{202e}", "\\u202e", "\\n", "\\u200b"] {
        let draft = DRAFT.replacen("Marriage for", &format!("Marriage{hidden} for"), 1);
        let finding = Terms::parse(Path::new("draft.toml"), &draft).unwrap_err();
        assert!(finding.problem.contains("which does not show"), "{finding}");
    }
    let order = order::Order::new(
        "order-1",
        &"fund-centre".into(),
        NOW,
        "nothing\u{2028}happened",
        &order::Act::Unfreeze("incident-1".to_owned()),
    );
    let payload = serde_json::to_vec(&order).unwrap();
    let signed = sign_as(order::TYPE, &payload, &[parties.signer("fund-1")]).unwrap();
    let refused = order::verify(&signed, &parties.register, NOW).unwrap_err().in_full();
    assert!(refused.contains("U+2028"), "{refused}");
}
