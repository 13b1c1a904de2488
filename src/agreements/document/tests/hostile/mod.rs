//! Documents made to deceive: each is refused, for the reason that it has.

mod form;
mod payload;
mod signatures;

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
