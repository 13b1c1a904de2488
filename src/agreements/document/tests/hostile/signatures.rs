//! Signatures that are gone, swapped, borrowed, or over other bytes; keys and algorithms that are not what they say.

use super::*;

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
