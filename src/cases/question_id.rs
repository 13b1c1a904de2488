//! How a question of a case is called: from the case, the question and the places of its subjects, and from nothing about a
//! person, since it stands in entries in clear.

use uuid::Uuid;

use super::course::About;
use crate::crypto::sha256;
use crate::query::relation::Related;

/// What ids of a case's questions are derived for.
const DERIVATION: &str = "heyan case question 1";

/// The id of a question: the case's moment, and the rest from the case, the question, and the places of its subjects with
/// the entries that have shown them. The same question of a repeated case has the same id; one about another family has
/// another. Whoever reads the case's entry can derive it again.
pub fn question_id<'a>(
    case_id: [u8; 16],
    question: &str,
    subjects: impl IntoIterator<Item = (&'a About, Option<Related>)>,
) -> [u8; 16] {
    let mut text = format!("{DERIVATION}\n{}\n{question}\n", Uuid::from_bytes(case_id));
    for (about, related) in subjects {
        let related = related.map(|it| format!("{} {}", it.relation.name(), it.shown_by));
        let related = related.unwrap_or_default();
        text.push_str(&format!("{} {} {} {related}\n", about.role, about.who, about.position));
    }
    let derived = sha256(text.as_bytes());
    let mut id = case_id;
    for (place, (byte, derived)) in id.iter_mut().zip(derived).enumerate() {
        *byte = match place {
            // The moment, in milliseconds (RFC 9562, version 7).
            0..=5 => *byte,
            6 => 0x70 | (derived & 0x0f),
            8 => 0x80 | (derived & 0x3f),
            _ => derived,
        };
    }
    id
}
