//! The vocabulary: one question, who it is about, what for, and the words an answer uses.
//!
//! Nothing here reads a clock, a file or a socket. A [`Query`] that exists has passed every check of form.

pub mod identifier;
pub mod name;
pub mod record;
pub mod relation;
pub mod subject;
pub mod time;
pub mod value;
pub mod workdays;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::relation::Related;
use self::subject::Subject;
use self::value::Assertion;

macro_rules! named {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Cloning shares the text.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text as it is; whoever reads it from outside has checked its form.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into().into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

named!(
    /// An organisation of the party register, such as `fund-centre` or `police`.
    OrganisationId
);
named!(
    /// A system of an organisation, such as `approval`.
    SystemId
);
named!(
    /// A kind of question of the catalogue, such as `M2`.
    FactCode
);
named!(
    /// A service item (事项) of the catalogue, such as `W3`.
    ItemCode
);

/// One question, checked for form and normalised. It holds personal data: no `Display`, and `Debug` shows shapes only.
#[derive(Clone)]
pub struct Query {
    /// UUIDv7 of the caller; the same id within the window is the same question.
    pub request_id: [u8; 16],
    /// What is asked.
    pub fact: FactCode,
    /// About whom, in the caller's order.
    pub subjects: Vec<Subject>,
    /// How each of them belongs to the case, in the same order; shorter when the last ones are not said to.
    pub relations: Vec<Option<Related>>,
    /// What to judge; never empty once the catalogue's default has been filled in, unless `disclose` is not.
    pub assertions: Vec<Assertion>,
    /// Attributes whose values are wanted.
    pub disclose: Vec<String>,
    /// What for.
    pub purpose: Purpose,
    /// Who at the caller's desk.
    pub operator: Operator,
    /// Oldest acceptable answer.
    pub max_age: Option<Duration>,
    /// Whether a receipt is wanted.
    pub want_receipt: bool,
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("fact", &self.fact)
            .field("subjects", &self.subjects.len())
            .field("item", &self.purpose.item)
            .finish_non_exhaustive()
    }
}

impl Query {
    /// Every attribute the question touches: asserted or disclosed, each once, sorted.
    pub fn attributes(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.assertions.iter().map(|assertion| assertion.attribute.clone()).collect();
        names.extend(self.disclose.iter().cloned());
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// The service item a question serves, and the open case it belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purpose {
    /// Item code.
    pub item: ItemCode,
    /// Version of the item's rule.
    pub item_version: String,
    /// Case number (办件编号): ASCII, no identity number inside.
    pub case_number: String,
    /// Code of the paper that the answer replaces; may be empty.
    pub replaced_material: String,
    /// Code of the text of notice (告知) that the person was given; may be empty.
    pub notice: String,
    /// Reference of the person's consent (授权): ASCII, no identity number inside; may be empty.
    pub consent: String,
}

/// The person who asks. Personal data: recorded as a commitment only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Operator {
    /// Number or account of the person in their organisation.
    pub id: String,
    /// Code of their unit; recorded in clear.
    pub unit: String,
}
