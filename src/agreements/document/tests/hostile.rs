//! Documents made to deceive: each is refused, for the reason that it has.

use super::*;
use crate::agreements::order;

/// A document, put together by hand: parts, and how they are written.
struct Forged {
    payload: String,
    signatures: Vec<(String, String)>,
}

impl Forged {
    fn of(document: &[u8]) -> Self {
        let read: Value = serde_json::from_slice(document).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let signatures = read["signatures"].as_array().unwrap().iter();
        Self {
            payload: text(&read["payload"]),
            signatures: signatures
                .map(|one| (text(&one["protected"]), text(&one["signature"])))
                .collect(),
        }
    }

    fn text(&self) -> String {
        let one = |(protected, signature): &(String, String)| {
            format!(r#"{{"protected":"{protected}","signature":"{signature}"}}"#)
        };
        let signatures: Vec<String> = self.signatures.iter().map(one).collect();
        format!(r#"{{"payload":"{}","signatures":[{}]}}"#, self.payload, signatures.join(","))
    }

    fn bytes(&self) -> Vec<u8> {
        self.text().into_bytes()
    }
}

fn base64(text: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

/// A document whose first header is this text, signed by that key over it.
fn with_header(parties: &Parties, header: impl AsRef<[u8]>, kid: &'static str) -> Vec<u8> {
    let mut forged = Forged::of(&parties.sign(DRAFT, &["fund-1", "civil-1"]));
    let protected = base64(header);
    let input = format!("{protected}.{}", forged.payload);
    let signature = parties.signer(kid).key.sign(input.as_bytes()).unwrap();
    forged.signatures[0] = (protected, BASE64_URL_SAFE_NO_PAD.encode(signature));
    forged.bytes()
}

/// A payload's text, signed by both.
fn with_payload(parties: &Parties, payload: &[u8]) -> Vec<u8> {
    sign(payload, &[parties.signer("fund-1"), parties.signer("civil-2")]).unwrap()
}

type Check = fn(&DocumentError) -> bool;

/// What was done, how, and what it must be refused for.
type Case<'a> = (&'static str, &'a dyn Fn(&mut Forged), Check);

fn is_wrong(error: &DocumentError) -> bool {
    matches!(error, DocumentError::WrongSignature(_))
}

fn refused(parties: &Parties, document: &[u8]) -> String {
    let error = parties.verify(document).unwrap_err();
    // Whatever may be looked at without signatures is at least no panic.
    let _ = (peek(document), order::peek(document), open(document, &parties.register, NOW));
    error.in_full()
}

#[test]
fn stripped_swapped_and_borrowed_signatures() {
    let parties = Parties::new();
    let document = parties.sign(DRAFT, &["fund-1", "civil-2"]);
    let changed = |change: &dyn Fn(&mut Forged)| {
        let mut forged = Forged::of(&document);
        change(&mut forged);
        parties.verify(&forged.bytes())
    };
    let good = parties.verify(&document).unwrap();
    assert_eq!(changed(&|_| {}).unwrap(), good, "another layout says the same");
    assert_eq!(changed(&|forged| forged.signatures.reverse()).unwrap(), good);

    let wrong: Check = is_wrong;
    let cases: [Case<'_>; 9] = [
        ("no signature", &|forged| forged.signatures.clear(), |error| {
            matches!(error, DocumentError::NoSignature)
        }),
        (
            "one stripped",
            &|forged| forged.signatures.truncate(1),
            |error| matches!(error, DocumentError::NotSigned(parties) if parties == &["civil-affairs".into()]),
        ),
        ("one twice", &|forged| forged.signatures[1] = forged.signatures[0].clone(), |error| {
            matches!(error, DocumentError::DuplicateKey(_))
        }),
        ("an empty signature", &|forged| forged.signatures[1].1.clear(), wrong),
        (
            "the signatures of the two parties swapped",
            &|forged| {
                let signature = std::mem::take(&mut forged.signatures[0].1);
                forged.signatures[0].1 = std::mem::replace(&mut forged.signatures[1].1, signature);
            },
            wrong,
        ),
        (
            "kids swapped",
            &|forged| {
                let header = std::mem::take(&mut forged.signatures[0].0);
                forged.signatures[0].0 = std::mem::replace(&mut forged.signatures[1].0, header);
            },
            wrong,
        ),
        (
            "a payload of one byte less",
            &|forged| {
                let payload = BASE64_URL_SAFE_NO_PAD.decode(&forged.payload).unwrap();
                forged.payload = BASE64_URL_SAFE_NO_PAD.encode(&payload[..payload.len() - 1]);
            },
            wrong,
        ),
        (
            "a payload with a space more",
            &|forged| {
                let payload = BASE64_URL_SAFE_NO_PAD.decode(&forged.payload).unwrap();
                forged.payload = BASE64_URL_SAFE_NO_PAD.encode([&payload[..], b" "].concat());
            },
            wrong,
        ),
        ("an empty payload", &|forged| forged.payload.clear(), wrong),
    ];
    for (name, change, check) in cases {
        let error = changed(change).unwrap_err();
        assert!(check(&error), "{name}: {error}");
    }
}

#[test]
fn signatures_over_other_bytes() {
    let parties = Parties::new();
    let document = parties.sign(DRAFT, &["fund-1", "civil-2"]);
    let changed = |change: &dyn Fn(&mut Forged)| {
        let mut forged = Forged::of(&document);
        change(&mut forged);
        parties.verify(&forged.bytes())
    };
    // Good signatures of the same parties under other terms.
    let other = Forged::of(&parties.sign(&DRAFT.replace("3d", "30d"), &["fund-1", "civil-2"]));
    let borrowed = changed(&|forged| forged.signatures = other.signatures.clone());
    assert!(is_wrong(&borrowed.unwrap_err()));
    // Over the payload as it is, without the header or without base64url.
    for over in [Forged::of(&document).payload.into_bytes(), payload_of(DRAFT)] {
        let signature = parties.signer("fund-1").key.sign(&over).unwrap();
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
        let signed = changed(&|forged| forged.signatures[0].1 = signature.clone());
        assert!(is_wrong(&signed.unwrap_err()));
    }
}

#[test]
fn algorithms_are_those_of_the_register() {
    let parties = Parties::new();
    let header =
        |alg: &str, kid: &str| format!(r#"{{"alg":"{alg}","kid":"{kid}","typ":"{TYPE}"}}"#);
    let good = with_header(&parties, header("EdDSA", "fund-1"), "fund-1");
    assert!(parties.verify(&good).is_ok());
    for alg in
        ["none", "None", "", "HS256", "RS256", "ES384", "ES256K", "eddsa", "Ed25519", "EdDSA "]
    {
        let document = with_header(&parties, header(alg, "fund-1"), "fund-1");
        let error = parties.verify(&document).unwrap_err();
        assert!(
            matches!(&error, DocumentError::UnknownAlgorithm(name) if name == alg),
            "{alg}: {error}"
        );
    }
    // The public key as the secret of a MAC.
    let mut forged = Forged::of(&good);
    forged.signatures[0].0 = base64(header("HS256", "fund-1"));
    let secret = crate::crypto::MacKey::new(&parties.signer("fund-1").key.public().bytes);
    let input = format!("{}.{}", forged.signatures[0].0, forged.payload);
    forged.signatures[0].1 = BASE64_URL_SAFE_NO_PAD.encode(secret.mac(&[input.as_bytes()]));
    assert!(matches!(
        parties.verify(&forged.bytes()),
        Err(DocumentError::UnknownAlgorithm(name)) if name == "HS256"
    ));
    // A key of one kind under the name of the other, whoever signs.
    for (alg, kid) in [("ES256", "fund-1"), ("EdDSA", "fund-2")] {
        for signer in ["fund-1", "fund-2"] {
            let document = with_header(&parties, header(alg, kid), signer);
            assert!(matches!(
                parties.verify(&document),
                Err(DocumentError::AlgorithmMismatch(named)) if named == kid
            ));
        }
    }
}

#[test]
fn a_signature_of_ecdsa_is_64_bytes() {
    let parties = Parties::new();
    let document = parties.sign(DRAFT, &["fund-2", "civil-1"]);
    let good = Forged::of(&document);
    let raw = BASE64_URL_SAFE_NO_PAD.decode(&good.signatures[0].1).unwrap();
    assert_eq!(raw.len(), 64);
    let verify = |signature: &[u8]| {
        let mut forged = Forged::of(&document);
        forged.signatures[0].1 = BASE64_URL_SAFE_NO_PAD.encode(signature);
        parties.verify(&forged.bytes())
    };
    let der = [&[0x30, 68, 2, 32][..], &raw[..32], &[2, 32], &raw[32..]].concat();
    let zeros = [0; 64];
    let halves = [&raw[32..], &raw[..32]].concat();
    for wrong in [&der[..], &raw[..63], &[&raw[..], b"\0"].concat(), &zeros, &halves, b""] {
        assert!(
            matches!(verify(wrong), Err(DocumentError::WrongSignature(kid)) if kid == "fund-2")
        );
    }
    // JOSE has both `s` and `n - s`; they say the same.
    let other = [&raw[..32], &negated(&raw[32..])].concat();
    assert_ne!(other, raw);
    assert_eq!(verify(&other).unwrap(), parties.verify(&document).unwrap());
}

/// `n - s`, where `n` is the order of P-256.
fn negated(s: &[u8]) -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let mut left = vec![0; 32];
    let mut borrow = 0;
    for place in (0..32).rev() {
        let digit = i16::from(ORDER[place]) - i16::from(s[place]) - borrow;
        borrow = i16::from(digit < 0);
        left[place] = digit.rem_euclid(256) as u8;
    }
    left
}

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
