//! Who or what a question is about.

use std::fmt;

/// One subject in its role. `Debug` and logs show the role and kind only.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject {
    /// Role named by the fact, such as `person`, `spouse`, `member`, `employer`, `contract`.
    pub role: String,
    /// The subject itself, normalised.
    pub kind: SubjectKind,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.role, self.kind.name())
    }
}

/// The four kinds of subject. A couple is two persons, a family many.
#[derive(Clone, PartialEq, Eq)]
pub enum SubjectKind {
    /// A natural person.
    Person(Person),
    /// An organisation that employs.
    Employer(Employer),
    /// A home.
    Property(Property),
    /// A contract, invoice, lease, permit or project.
    Document(Document),
}

impl SubjectKind {
    /// The name used in the catalogue, in entries and on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Person(_) => "person",
            Self::Employer(_) => "employer",
            Self::Property(_) => "property",
            Self::Document(_) => "document",
        }
    }
}

/// A natural person: the document that names them, and their name.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// Kind of identity document.
    pub document_type: IdentityDocument,
    /// Normalised number: half width, upper-case X, 15 digits upgraded to 18.
    pub document_number: String,
    /// Name as given, outer white space removed.
    pub name: String,
}

/// Kinds of identity document (`domain` table of JGJ/T 320 widened; adapters map to each agency's own table).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityDocument {
    /// 居民身份证
    CitizenId,
    /// 港澳台居民居住证
    ResidencePermit,
    /// 外国人永久居留身份证
    PermanentResidence,
    /// 护照
    Passport,
    /// 军官证 and its kin
    Military,
    /// Anything else.
    Other,
}

impl IdentityDocument {
    /// Stable lower-case name, as manifests see it.
    pub fn name(self) -> &'static str {
        match self {
            Self::CitizenId => "citizen_id",
            Self::ResidencePermit => "residence_permit",
            Self::PermanentResidence => "permanent_residence",
            Self::Passport => "passport",
            Self::Military => "military",
            Self::Other => "other",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::CitizenId,
            Self::ResidencePermit,
            Self::PermanentResidence,
            Self::Passport,
            Self::Military,
            Self::Other,
        ]
        .into_iter()
        .find(|kind| kind.name() == name)
    }
}

/// An employer, by 统一社会信用代码.
#[derive(Clone, PartialEq, Eq)]
pub struct Employer {
    /// 18 characters, checked.
    pub uscc: String,
    /// Registered name; may be empty where the fact does not compare it.
    pub name: String,
}

/// A home. Empty fields were not given.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Property {
    /// 不动产单元号, 28 characters without spaces.
    pub unit_number: String,
    /// 不动产权证号.
    pub certificate_number: String,
    /// 坐落.
    pub address: String,
    /// GB/T 2260 division code.
    pub division: String,
}

/// A paper, by its numbers.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// The number.
    pub number: String,
    /// A second number where the kind has one.
    pub code: String,
    /// GB/T 2260 division code of the issuer.
    pub division: String,
}
