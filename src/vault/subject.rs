//! Identifiers of subjects, and the tags by which a record is found without being opened. Pure.
//!
//! A tag is a keyed hash of the identifier together with the digest of the entry's sealed part: without the subject
//! key nobody can make one, and not even two records about the same person on the same day have a tag in common.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;

use super::VaultError;
use super::record::{TAG_BYTES, Tag, Wrap};
use crate::crypto::{Digest, MacKey};
use crate::query::identifier;
use crate::query::subject::{IdentityDocument, Subject, SubjectKind};

const TAG: &[u8] = b"heyan/vault/subject/v1\0";
const CHECK: &[u8] = b"heyan/vault/tags/v1\0";

/// Most identifiers of one entry that get a tag: twenty subjects with three each are 60.
const TAGS: usize = 128;

/// Kinds of identity document, by their stable names.
const DOCUMENTS: [IdentityDocument; 6] = [
    IdentityDocument::CitizenId,
    IdentityDocument::ResidencePermit,
    IdentityDocument::PermanentResidence,
    IdentityDocument::Passport,
    IdentityDocument::Military,
    IdentityDocument::Other,
];

/// What names a person, an employer, a home or a paper, in its one form. Personal data: `Debug` shows the kind only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identifier {
    kind: &'static str,
    text: String,
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifier({}:..)", self.kind)
    }
}

impl Identifier {
    /// From `kind:text` as a person types it. Kinds: `citizen_id`, `residence_permit`, `permanent_residence`,
    /// `passport`, `military`, `other` (identity documents), `uscc` (employers), `unit` and `certificate` (homes),
    /// `document` (papers). Numbers are normalised as those of questions are.
    ///
    /// # Errors
    /// The stable code of the check that failed, never the text.
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        let (kind, text) = text.split_once(':').ok_or(VaultError::Identifier("kind"))?;
        let found = |result: Result<String, &'static str>| result.map_err(VaultError::Identifier);
        if let Some(document) = DOCUMENTS.into_iter().find(|document| document.name() == kind) {
            let text = found(identifier::document(document, text))?;
            return Ok(Self { kind: document.name(), text });
        }
        let identifier = match kind {
            "uscc" => Self { kind: "uscc", text: found(identifier::uscc(text))? },
            "unit" => Self { kind: "unit", text: found(identifier::unit_number(text))? },
            "certificate" => Self { kind: "certificate", text: folded(text) },
            "document" => Self { kind: "document", text: folded(text) },
            _ => return Err(VaultError::Identifier("kind")),
        };
        if identifier.text.is_empty() {
            Err(VaultError::Identifier("missing"))
        } else {
            Ok(identifier)
        }
    }

    /// Its kind, as in [`Identifier::parse`].
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Every identifier in the committed value of an entry's `subject`, each once. Names and addresses are none: they
    /// name too many.
    pub fn of_subjects(value: &[u8]) -> Vec<Self> {
        let subjects: Vec<Read<'_>> = serde_json::from_slice(value).unwrap_or_default();
        Self::each_once(subjects.into_iter().flat_map(Self::of_subject).collect())
    }

    /// The same of the subjects that the value was written from.
    pub fn of(subjects: &[Subject]) -> Vec<Self> {
        let mut found = Vec::with_capacity(subjects.len());
        let mut add = |kind, text: String| found.push(Self { kind, text });
        for subject in subjects {
            match &subject.kind {
                SubjectKind::Person(person) => {
                    add(person.document_type.name(), person.document_number.clone());
                }
                SubjectKind::Employer(employer) => add("uscc", employer.uscc.clone()),
                SubjectKind::Property(property) => {
                    add("unit", property.unit_number.clone());
                    add("certificate", folded(&property.certificate_number));
                }
                SubjectKind::Document(document) => add("document", folded(&document.number)),
            }
        }
        Self::each_once(found)
    }

    fn each_once(mut found: Vec<Self>) -> Vec<Self> {
        found.retain(|identifier| !identifier.text.is_empty());
        found.sort_unstable();
        found.dedup();
        found.truncate(TAGS);
        found
    }

    fn of_subject(subject: Read<'_>) -> impl Iterator<Item = Self> {
        let Read { person, employer, property, document } = subject;
        let type_of_document = DOCUMENTS.iter().find(|known| known.name() == person.document_type);
        let person =
            type_of_document.map(|document| (document.name(), person.document_number.into_owned()));
        let others = [
            ("uscc", employer.uscc.into_owned()),
            ("unit", property.unit_number.into_owned()),
            ("certificate", folded(&property.certificate_number)),
            ("document", folded(&document.number)),
        ];
        person.into_iter().chain(others).map(|(kind, text)| Self { kind, text })
    }
}

/// A subject as it is committed to, as far as it names anything.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Read<'a> {
    #[serde(borrow)]
    person: Person<'a>,
    #[serde(borrow)]
    employer: Employer<'a>,
    #[serde(borrow)]
    property: Property<'a>,
    #[serde(borrow)]
    document: Document<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Person<'a> {
    #[serde(borrow)]
    document_type: Cow<'a, str>,
    #[serde(borrow)]
    document_number: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Employer<'a> {
    #[serde(borrow)]
    uscc: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Property<'a> {
    #[serde(borrow)]
    unit_number: Cow<'a, str>,
    #[serde(borrow)]
    certificate_number: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Document<'a> {
    #[serde(borrow)]
    number: Cow<'a, str>,
}

/// White space off, full-width forms to half width, upper case: numbers that have no common form.
fn folded(text: &str) -> String {
    let half = |character: char| match character {
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character)
        }
        other => other,
    };
    let kept = text.chars().filter(|character| !character.is_whitespace());
    kept.map(|character| half(character).to_ascii_uppercase()).collect()
}

/// The key that makes one day's tags.
pub(super) struct SubjectKey(MacKey);

impl SubjectKey {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        Self(MacKey::new(secret))
    }

    /// The tags of an entry, and the check over them. `sealed` is the digest of its sealed part.
    pub(super) fn tags(&self, sealed: &Digest, identifiers: &[Identifier]) -> (Vec<Tag>, Tag) {
        let mut tags: Vec<Tag> =
            identifiers.iter().map(|identifier| self.tag(sealed, identifier)).collect();
        // The order would tell which kind comes first.
        tags.sort_unstable();
        let check = self.check(sealed, &tags);
        (tags, check)
    }

    /// Whether one of these identifiers made one of the tags.
    ///
    /// # Errors
    /// When the tags are not as they were written, or another key's.
    pub(super) fn finds(
        &self,
        sealed: &Digest,
        wrap: &Wrap,
        wanted: &[Identifier],
    ) -> Result<bool, VaultError> {
        if self.check(sealed, &wrap.tags) != wrap.check {
            return Err(VaultError::Damaged("its subject tags are others"));
        }
        Ok(wanted.iter().any(|identifier| wrap.tags.contains(&self.tag(sealed, identifier))))
    }

    fn tag(&self, sealed: &Digest, identifier: &Identifier) -> Tag {
        shortened(self.0.mac(&[
            TAG,
            sealed,
            identifier.kind.as_bytes(),
            &[0],
            identifier.text.as_bytes(),
        ]))
    }

    fn check(&self, sealed: &Digest, tags: &[Tag]) -> Tag {
        shortened(self.0.mac(&[CHECK, sealed, tags.as_flattened()]))
    }
}

fn shortened(digest: Digest) -> Tag {
    let mut tag = [0; TAG_BYTES];
    tag.copy_from_slice(digest.first_chunk::<TAG_BYTES>().unwrap_or(&[0; TAG_BYTES]));
    tag
}
