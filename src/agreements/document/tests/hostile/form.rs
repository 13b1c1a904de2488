//! Headers, encodings and envelopes that a careless reader would take.

use super::*;

#[test]
fn headers_hold_three_words_and_nothing_else() {
    let parties = Parties::new();
    let three = format!(r#""alg":"EdDSA","kid":"fund-1","typ":"{TYPE}""#);
    for (header, problem) in [
        (format!(r#"{{{three},"crit":["exp"]}}"#), "has `crit`"),
        (format!(r#"{{{three},"crit":[]}}"#), "has `crit`"),
        (format!(r#"{{{three},"b64":false}}"#), "unknown field `b64`"),
        (format!(r#"{{{three},"b64":false,"crit":["b64"]}}"#), "unknown field `b64`"),
        (format!(r#"{{{three},"jwk":{{"kty":"OKP"}}}}"#), "unknown field `jwk`"),
        (format!(r#"{{{three},"jku":"https://example.org"}}"#), "unknown field `jku`"),
        (format!(r#"{{{three},"kid":"civil-1"}}"#), "the member `kid` stands twice"),
        (format!(r#"{{{three},"\u0061lg":"none"}}"#), "the member `alg` stands twice"),
        (r#"{"alg":"EdDSA","kid":"fund-1"}"#.to_owned(), "missing field `typ`"),
        (format!(r#"{{"alg":"EdDSA","kid":["fund-1"],"typ":"{TYPE}"}}"#), "invalid type"),
        (format!(r#"{{"alg":"EdDSA","kid":"fund-1\u0000","typ":"{TYPE}"}}"#), "U+0000"),
        (format!(r#"{{"alg":"EdDSA","kid":"\u001b[2Jfund-1","typ":"{TYPE}"}}"#), "U+001B"),
        (format!(r#"{{"alg":"EdDSA","kid":"FUND-1","typ":"{TYPE}"}}"#), "has no key `FUND-1`"),
        (format!(r#"{{"alg":"EdDSA","kid":"fund-1 ","typ":"{TYPE}"}}"#), "has no key `fund-1 `"),
        (format!(r#"{{"alg":"EdDSA","kid":"","typ":"{TYPE}"}}"#), "has no key ``"),
        (r#"{"alg":"EdDSA","kid":"fund-1","typ":"JWT"}"#.to_owned(), "type is `JWT`"),
        (format!(r#"{{"alg":"EdDSA","kid":"fund-1","typ":"application/{TYPE}"}}"#), "type is"),
        (
            format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{TYPE}"}}"#, "k".repeat(600)),
            "longer than 512",
        ),
        (format!(r#"{{{three}}} {{}}"#), "trailing characters"),
        (format!("\u{feff}{{{three}}}"), "expected value"),
        (format!("[{{{three}}}]"), "invalid type"),
        ("{".repeat(400), "key must be a string"),
        ("[".repeat(400), "recursion limit"),
        (String::new(), "EOF while parsing"),
    ] {
        let refused = refused(&parties, &with_header(&parties, &header, "fund-1"));
        assert!(refused.contains(problem), "{header}: {refused}");
        assert!(refused.len() < 300 && !refused.contains('\u{1b}'), "{refused:?}");
    }
    // White space and order within it are the signer's affair: they are signed.
    let spaced = format!(r#" {{ "typ": "{TYPE}", "kid": "fund-1", "alg": "EdDSA" }} "#);
    assert!(parties.verify(&with_header(&parties, &spaced, "fund-1")).is_ok());
}

#[test]
fn base64url_has_one_form() {
    let parties = Parties::new();
    let good = Forged::of(&parties.sign(DRAFT, &["fund-2", "civil-1"]));
    let part = |changed: &dyn Fn(&str) -> String, place: usize| {
        let mut forged = Forged::of(&good.bytes());
        let text = match place {
            0 => &mut forged.payload,
            1 => &mut forged.signatures[0].0,
            _ => &mut forged.signatures[0].1,
        };
        let before = text.clone();
        *text = changed(&before);
        assert_ne!(*text, before);
        parties.verify(&forged.bytes()).unwrap_err()
    };
    let other_bits = |text: &str| {
        // The signature's 64 bytes leave four bits of the last digit unused.
        let (rest, last) = text.split_at(text.len() - 1);
        let next = match last {
            "A" => "B",
            "Q" => "R",
            "g" => "h",
            _ => "x",
        };
        format!("{rest}{next}")
    };
    for (place, name) in [(0, "payload"), (1, "protected"), (2, "signature")] {
        for change in [
            &|text: &str| format!("{text}="),
            &|text: &str| format!("{text}=="),
            &|text: &str| format!("{text}A=="),
            &|text: &str| format!(" {text}"),
            &|text: &str| format!("{}\\n{}", &text[..8], &text[8..]),
            &|text: &str| format!("{} {}", &text[..8], &text[8..]),
            &|text: &str| format!("{}+{}", &text[..8], &text[9..]),
            &|text: &str| format!("{}/{}", &text[..8], &text[9..]),
            &|text: &str| format!("{}é{}", &text[..8], &text[9..]),
        ] as [&dyn Fn(&str) -> String; 9]
        {
            let refused = part(change, place);
            // A line's end is refused before anything is decoded.
            let is_named = matches!(refused, DocumentError::Encoding(part) if part == name)
                || matches!(refused, DocumentError::Malformed(_));
            // The payload is decoded last: a signature over other text fails before.
            assert!(is_named || place == 0, "{name}: {refused}");
        }
    }
    assert!(matches!(part(&other_bits, 2), DocumentError::Encoding("signature")));
    // A payload that was signed in another spelling is refused by its spelling.
    for spelling in ["=", " "] {
        let mut forged = Forged::of(&good.bytes());
        forged.payload.push_str(spelling);
        for (place, kid) in [(0, "fund-2"), (1, "civil-1")] {
            let input = format!("{}.{}", forged.signatures[place].0, forged.payload);
            let signature = parties.signer(kid).key.sign(input.as_bytes()).unwrap();
            forged.signatures[place].1 = BASE64_URL_SAFE_NO_PAD.encode(signature);
        }
        let refused = parties.verify(&forged.bytes());
        assert!(matches!(refused, Err(DocumentError::Encoding("payload"))), "{spelling}");
    }
}

#[test]
fn envelopes_hold_a_payload_and_signatures_once_each() {
    let parties = Parties::new();
    let good = Forged::of(&parties.sign(DRAFT, &["fund-1", "civil-1"]));
    let text = good.text();
    assert!(parties.verify(text.as_bytes()).is_ok());
    let body = text.strip_prefix('{').unwrap();
    let (protected, signature) = &good.signatures[0];
    for (document, problem) in [
        (format!(r#"{{"payload":"e30",{body}"#), "the member `payload` stands twice"),
        (format!(r#"{{"\u0070ayload":"e30",{body}"#), "the member `payload` stands twice"),
        (format!(r#"{{"signatures":[],{body}"#), "the member `signatures` stands twice"),
        (
            text.replacen(r#"{"protected""#, r#"{"signature":"AAAA","protected""#, 1),
            "`signature` stands twice",
        ),
        (
            text.replacen(r#"{"protected""#, r#"{"protected":"e30","protected""#, 1),
            "`protected` stands twice",
        ),
        (
            text.replacen(r#"{"protected""#, r#"{"header":{"alg":"none"},"protected""#, 1),
            "unknown field `header`",
        ),
        (format!(r#"{{"protected":"e30",{body}"#), "unknown field `protected`"),
        // Flattened and compact serialization.
        (
            format!(
                r#"{{"payload":"{}","protected":"{protected}","signature":"{signature}"}}"#,
                good.payload
            ),
            "unknown field",
        ),
        (format!("{protected}.{}.{signature}", good.payload), "expected value"),
        (format!("\u{feff}{text}"), "expected value"),
        (format!("{text}{text}"), "trailing characters"),
        (format!("{text}\0"), "trailing characters"),
        (format!("{text}."), "trailing characters"),
        (format!("[{text}]"), "invalid type"),
        (text.replace(r#""payload":""#, r#""payload":["#), "JWS"),
        (r#"{"payload":null,"signatures":[]}"#.to_owned(), "invalid type: null"),
        (r#"{"payload":1e400,"signatures":[]}"#.to_owned(), "number out of range"),
        (r#"{"payload":"e30","signatures":{}}"#.to_owned(), "invalid type"),
        (r#"{"payload":"\ud800","signatures":[]}"#.to_owned(), "JWS"),
        (format!(r#"{{"payload":"e30","signatures":{}}}"#, "[".repeat(1000)), "recursion limit"),
        (format!(r#"{{"payload":"e30","{}":1}}"#, "x".repeat(50_000)), "longer than 128 bytes"),
    ] {
        let refused = refused(&parties, document.as_bytes());
        assert!(refused.contains(problem), "{}: {refused}", document.get(..80).unwrap());
        assert!(refused.len() < 300, "{refused}");
    }
    for bytes in [&b"\xff"[..], b"\x80", b"\xed\xa0\x80", b"\0"] {
        let place = text.find("payload").unwrap() + 12;
        let broken = [&text.as_bytes()[..place], bytes, &text.as_bytes()[place..]].concat();
        assert!(matches!(parties.verify(&broken), Err(DocumentError::Malformed(_))));
        assert!(parties.verify(&[text.as_bytes(), bytes].concat()).is_err());
    }
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert!(matches!(parties.verify(&wide), Err(DocumentError::Malformed(_))));
}

#[test]
fn huge_documents_cost_little() {
    let parties = Parties::new();
    let good = Forged::of(&parties.sign(DRAFT, &["fund-1", "civil-1"]));
    let many = |count: usize| Forged {
        payload: good.payload.clone(),
        signatures: vec![good.signatures[0].clone(); count],
    };
    for count in [4, 20, 100] {
        let error = parties.verify(&many(count).bytes()).unwrap_err();
        assert!(
            matches!(error, DocumentError::TooManySignatures(found) if found == count),
            "{error}"
        );
    }
    let spaces = " ".repeat(SIZE_LIMIT);
    for document in [
        many(100_000).bytes(),
        [good.text(), spaces.clone()].concat().into_bytes(),
        format!(r#"{{"payload":"{}","signatures":[]}}"#, "A".repeat(10 << 20)).into_bytes(),
        vec![b'['; 10 << 20],
    ] {
        assert!(matches!(parties.verify(&document), Err(DocumentError::TooLong)));
    }
    // As long as may be, and still what it was.
    let text = good.text();
    let padded = format!("{text}{}", &spaces[..SIZE_LIMIT - text.len()]);
    assert!(parties.verify(padded.as_bytes()).is_ok());
    let empty = r#"{"protected":"","signature":""},"#.repeat(1000);
    let empty = format!(r#"{{"payload":"","signatures":[{}]}}"#, empty.trim_end_matches(','));
    assert!(matches!(
        parties.verify(empty.as_bytes()),
        Err(DocumentError::TooManySignatures(1000))
    ));
}

#[test]
fn an_order_is_no_agreement_and_an_agreement_no_order() {
    let parties = Parties::new();
    let agreement = parties.sign(DRAFT, &["fund-1", "civil-1"]);
    assert!(matches!(
        order::verify(&agreement, &parties.register, NOW),
        Err(order::OrderError::Document(DocumentError::Type { .. }))
    ));
    assert!(order::peek(&agreement).is_err());
    let about = order::Version { agreement: "hn-gjj-mz-2018-001".to_owned(), version: 1 };
    let by = "fund-centre".into();
    let order = order::Order::new("order-1", &by, NOW, "x", &order::Act::Suspend(about));
    let signed = order::sign(&order, parties.signer("fund-1")).unwrap();
    assert!(matches!(
        parties.verify(&signed),
        Err(DocumentError::Type { found, .. }) if found == order::TYPE
    ));
    // The words of the one under the type of the other.
    let payload = payload(&signed).unwrap();
    let refused = parties.verify(&with_payload(&parties, &payload)).unwrap_err();
    assert!(matches!(refused, DocumentError::Terms(TermsError::Json(_))));
    let terms = sign_as(order::TYPE, &payload_of(DRAFT), &[parties.signer("fund-1")]).unwrap();
    assert!(matches!(
        order::verify(&terms, &parties.register, NOW),
        Err(order::OrderError::Json(_))
    ));
    // A signature of the one type does not carry over: the type is signed.
    let mut forged = Forged::of(&signed);
    forged.signatures[0].0 = base64(format!(r#"{{"alg":"EdDSA","kid":"fund-1","typ":"{TYPE}"}}"#));
    assert!(matches!(parties.verify(&forged.bytes()), Err(DocumentError::WrongSignature(_))));
}
