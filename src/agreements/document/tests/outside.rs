//! Signing outside: what goes out, what comes in, and what is refused before it counts.

use super::*;

const KIDS: [[&str; 3]; 2] = [["fund-1", "civil-2", "data-1"], ["fund-2", "civil-1", "data-2"]];

/// SEQUENCE of two INTEGERs, as a module would give it.
pub(crate) fn der(signature: &[u8]) -> Vec<u8> {
    let mut numbers = Vec::new();
    for number in signature.chunks(32) {
        let digits: Vec<u8> = number.iter().copied().skip_while(|digit| *digit == 0).collect();
        let sign = vec![0; usize::from(digits[0] >= 0x80)];
        let length = (sign.len() + digits.len()) as u8;
        numbers.extend([vec![2, length], sign, digits].concat());
    }
    [vec![0x30, numbers.len() as u8], numbers].concat()
}

#[test]
fn what_is_signed_elsewhere_is_as_good_as_what_is_signed_here() {
    let parties = Parties::new();
    let payload = payload_of(&with_platform());
    for kids in KIDS {
        let mut document = unsigned(&payload).unwrap();
        assert!(matches!(parties.verify(&document), Err(DocumentError::NoSignature)));
        for kid in kids {
            let key = parties.signer(kid).key;
            let public = key.public();
            let bytes = to_sign(TYPE, &document, kid, public.algorithm).unwrap();
            assert!(bytes.is_ascii() && bytes.iter().filter(|byte| **byte == b'.').count() == 1);
            let made = key.sign(&bytes).unwrap();
            let taken = attach(TYPE, &document, kid, &public, &made).unwrap();
            if public.algorithm == Algorithm::Es256 {
                let from_der = attach(TYPE, &document, kid, &public, &der(&made)).unwrap();
                assert_eq!(from_der, taken, "the same signature in two forms");
            }
            document = taken;
        }
        assert_eq!(parties.verify(&document).unwrap().digest, crate::crypto::sha256(&payload));
    }
}

#[test]
fn all_may_sign_the_same_bytes_and_their_signatures_come_in_any_order() {
    let parties = Parties::new();
    let blank = unsigned(&payload_of(DRAFT)).unwrap();
    let made = ["civil-2", "fund-2"].map(|kid| {
        let key = parties.signer(kid).key;
        (kid, key.sign(&to_sign(TYPE, &blank, kid, Algorithm::Es256).unwrap()).unwrap())
    });
    for order in [[0, 1], [1, 0]] {
        let mut document = blank.clone();
        for (kid, made) in order.map(|place| &made[place]) {
            let public = parties.signer(kid).key.public();
            document = attach(TYPE, &document, kid, &public, made).unwrap();
        }
        assert!(parties.verify(&document).is_ok());
    }
}

#[test]
fn a_signature_that_does_not_fit_is_never_taken() {
    let parties = Parties::new();
    let document = unsigned(&payload_of(DRAFT)).unwrap();
    for kid in ["fund-1", "fund-2"] {
        let key = parties.signer(kid).key;
        let public = key.public();
        let bytes = to_sign(TYPE, &document, kid, public.algorithm).unwrap();
        let good = key.sign(&bytes).unwrap();
        let refused = |kid: &str, document: &[u8], signature: &[u8]| {
            attach(TYPE, document, kid, &public, signature).unwrap_err()
        };
        let wrong = |error: DocumentError| matches!(error, DocumentError::WrongSignature(_));
        let formless = |error: DocumentError| matches!(error, DocumentError::NoSuchSignature(_));
        // Over something else: a line's end behind it, the payload alone, a digest, another payload, another kid, an
        // order.
        let digest = crate::crypto::sha256(&bytes);
        for other in [[&bytes[..], b"\n"].concat(), payload_of(DRAFT), digest.to_vec()] {
            assert!(wrong(refused(kid, &document, &key.sign(&other).unwrap())), "{kid}");
        }
        let next = unsigned(&payload_of(&DRAFT.replace("version = 1", "version = 2"))).unwrap();
        assert!(wrong(refused(kid, &next, &good)));
        assert!(wrong(refused("civil-1", &document, &good)));
        let order = to_sign("heyan-order+jws", &document, kid, public.algorithm).unwrap();
        assert!(wrong(refused(kid, &document, &key.sign(&order).unwrap())));
        // By another key, and with any bit changed.
        let another = parties.signer(if kid == "fund-1" { "civil-1" } else { "civil-2" }).key;
        assert!(wrong(refused(kid, &document, &another.sign(&bytes).unwrap())));
        for place in 0..good.len() {
            let mut changed = good.clone();
            changed[place] ^= 0x10;
            assert!(wrong(refused(kid, &document, &changed)));
        }
        for length in [0, 1, 63, 65, 128] {
            assert!(formless(refused(kid, &document, &vec![7; length])), "{length}");
        }
        let der = der(&good);
        assert!(formless(refused(kid, &document, &[&der[..], b"\0"].concat())));
        assert!(formless(refused(kid, &document, &der[..der.len() - 1])));
        if kid == "fund-1" {
            assert!(formless(refused(kid, &document, &der)), "Ed25519 has no DER");
        }
    }
    assert!(matches!(
        to_sign(TYPE, b"{}", "fund-1", Algorithm::EdDsa),
        Err(DocumentError::Malformed(_))
    ));
}
