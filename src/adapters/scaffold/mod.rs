//! The beginning of a manifest and of its fixtures: what `heyan adapter new` writes for people to go on from.
//!
//! It fits an agency that does not exist and is whole all the same: every role and attribute of the catalogue is in
//! it, and it passes the checks as it stands. A description of the agency's service, where there is one, fills in
//! where to ask, and is shown beside the rest as remarks. Nothing here ever touches a manifest that exists.

mod attribute;
mod described;
mod fixtures;
mod leaf;
mod operation;

use crate::adapters::fixture::quoted;
use crate::catalogue::Fact;
use crate::query::OrganisationId;
use crate::query::time::Timestamp;

pub use self::described::{Described, Field, Place, Service, Unread, openapi, wsdl};

/// How the agency is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// JSON over HTTPS.
    Http,
    /// SOAP over HTTPS.
    Soap,
    /// A database.
    Sql,
    /// Tables dropped into a folder.
    File,
    /// A program in front of it.
    Grpc,
}

/// What to begin.
pub struct Plan {
    /// Name of the adapter.
    pub name: String,
    /// The organisation that answers.
    pub agency: OrganisationId,
    /// How it is reached.
    pub kind: Kind,
    /// What it answers, at least one.
    pub facts: Vec<Fact>,
    /// What the agency says of its service.
    pub service: Option<Service>,
    /// Time of the questions in the fixtures.
    pub at: Timestamp,
}

/// The beginning, as texts of files.
pub struct Starter {
    /// The manifest.
    pub manifest: String,
    /// Fixtures: the file's name, such as `M2.toml`, and its text.
    pub fixtures: Vec<(String, String)>,
}

/// Writes both; touches no file.
pub fn begin(plan: &Plan) -> Starter {
    let access = match plan.kind {
        Kind::Http => include_str!("templates/http.toml"),
        Kind::Soap => include_str!("templates/soap.toml"),
        Kind::Sql => include_str!("templates/sql.toml"),
        Kind::File => include_str!("templates/file.toml"),
        Kind::Grpc => include_str!("templates/grpc.toml"),
    };
    let service = plan.service.as_ref();
    let base = service.and_then(|service| service.base.as_deref());
    let version = if service.is_some_and(|service| service.is_soap_1_2) { "1.2" } else { "1.1" };
    let mut manifest = filled(
        &[include_str!("templates/head.toml"), access].concat(),
        &[
            ("name", &plan.name),
            ("agency", plan.agency.as_str()),
            ("base", &quoted(base.unwrap_or("https://127.0.0.1:7600"))),
            ("version", version),
        ],
    );
    for fact in &plan.facts {
        manifest.push_str(&operation::write(plan, fact));
    }
    let fixtures = plan.facts.iter();
    let fixtures =
        fixtures.map(|fact| (format!("{}.toml", fact.code), fixtures::write(plan, fact))).collect();
    Starter { manifest, fixtures }
}

/// The template with each `@name@` replaced. What is put in is never looked at again.
fn filled(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('@') {
        text.push_str(before);
        let named = after.split_once('@').and_then(|(name, after)| {
            let (_, value) = values.iter().find(|(known, _)| *known == name)?;
            Some((value, after))
        });
        match named {
            Some((value, after)) => {
                text.push_str(value);
                rest = after;
            }
            None => {
                text.push('@');
                rest = after;
            }
        }
    }
    text + rest
}

#[cfg(test)]
mod tests;
