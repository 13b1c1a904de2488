//! A document as it lies on the table: what it says, and of each signature whether it holds. For showing, never for
//! granting: that is [`document::verify`].

use super::document::{self, DocumentError, Each};
use super::terms::Terms;
use super::terms::reading::{Line, Part, Voice, plain};
use crate::crypto::{Digest, sha256};
use crate::parties::Register;
use crate::query::OrganisationId;
use crate::query::time::Timestamp;

/// A document, looked at.
#[derive(Debug)]
pub struct Inspected {
    /// What it says.
    pub terms: Terms,
    /// SHA-256 of the signed payload.
    pub digest: Digest,
    /// Its signatures, in its order.
    pub signatures: Vec<Signature>,
    /// When they were checked; `None` where there was no register to check them with.
    pub checked_at: Option<Timestamp>,
}

/// One signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The key, as the document names it: nobody's word yet.
    pub kid: String,
    /// The algorithm, likewise.
    pub algorithm: String,
    /// Whose key it is by the register, where that was at hand and has it.
    pub party: Option<OrganisationId>,
    /// What came of checking it.
    pub state: State,
}

/// What came of checking a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// There was no register to check it with.
    NotChecked,
    /// It is that party's, over these bytes, with a key that is valid at that time.
    Holds,
    /// It does not hold, for this reason.
    Fails(String),
}

/// Looks at a document, with the keys that are valid at `at`. Each signature is judged by itself, so that one which
/// fails does not hide the others.
///
/// # Errors
/// When it is no such document or its payload is no agreement.
pub fn inspect(
    document: &[u8],
    parties: Option<&Register>,
    at: Timestamp,
) -> Result<Inspected, DocumentError> {
    let payload = document::payload(document)?;
    let terms = Terms::from_payload(&payload).map_err(DocumentError::Terms)?;
    let signatures = document::each(document, &terms, parties.map(|parties| (parties, at)))?
        .into_iter()
        .map(|one| signature(one, parties))
        .collect();
    let checked_at = parties.map(|_| at);
    Ok(Inspected { terms, digest: sha256(&payload), signatures, checked_at })
}

fn signature(one: Each, parties: Option<&Register>) -> Signature {
    let Each { named: (kid, algorithm), checked } = one;
    let party = parties.and_then(|parties| parties.key(&kid));
    let state = match checked {
        None => State::NotChecked,
        Some(Ok(_)) => State::Holds,
        Some(Err(error)) => State::Fails(plain(&error.in_full())),
    };
    Signature {
        party: party.map(|(organisation, _)| organisation.id.clone()),
        kid: plain(&kid),
        algorithm: plain(&algorithm),
        state,
    }
}

impl Inspected {
    /// Parties without a signature that holds; where nothing was checked, nobody can be said to have signed.
    pub fn missing(&self) -> Vec<&OrganisationId> {
        let has_signed = |party: &OrganisationId| {
            let mut signatures = self.signatures.iter();
            signatures.any(|one| one.state == State::Holds && one.party.as_ref() == Some(party))
        };
        self.terms.parties().filter(|party| !has_signed(party)).collect()
    }

    /// True when a signature was checked and does not hold.
    pub fn has_bad_signature(&self) -> bool {
        self.signatures.iter().any(|one| matches!(one.state, State::Fails(_)))
    }

    /// Who has signed, read.
    pub fn read(&self, voice: &Voice<'_>) -> Part {
        let rows = self.signatures.iter().map(|one| {
            let party = one.party.as_ref();
            let party = party.map_or_else(|| "—".to_owned(), |party| voice.organisation(party));
            vec![party, one.kid.clone(), one.algorithm.clone(), one.state.in_words(voice)]
        });
        let names = voice
            .say(["签署方", "密钥", "算法", "验签"], ["Party", "Key", "Algorithm", "Signature"]);
        let mut lines = vec![Line::Table { names: names.into(), rows: rows.collect() }];
        let mut says = |term, text| lines.push(Line::Says { term, text });
        let term = voice.say("核验时点", "Checked");
        match self.checked_at {
            None => says(
                term,
                voice
                    .say(
                        "未核验：未提供当事方登记簿。",
                        "Not checked: no party register was given.",
                    )
                    .to_owned(),
            ),
            Some(at) => {
                says(term, voice.moment(moment(at)));
                let missing = self.missing();
                if !missing.is_empty() {
                    let names = voice.list(missing.iter().map(|party| voice.organisation(party)));
                    says(voice.say("尚缺", "Missing"), names);
                }
            }
        }
        Part { heading: voice.say("签署", "Signatures").to_owned(), clause: None, lines }
    }
}

impl State {
    fn in_words(&self, voice: &Voice<'_>) -> String {
        match self {
            Self::NotChecked => voice.say("未核验", "not checked").to_owned(),
            Self::Holds => voice.say("有效", "holds").to_owned(),
            Self::Fails(why) => {
                voice.say(format!("无效（{why}）"), format!("DOES NOT HOLD: {why}"))
            }
        }
    }
}

/// As calendars have it.
fn moment(at: Timestamp) -> jiff::Timestamp {
    let micros = i64::try_from(at.0).ok();
    micros.and_then(|at| jiff::Timestamp::from_microsecond(at).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
