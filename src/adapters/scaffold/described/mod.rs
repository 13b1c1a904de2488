//! What an agency says of its service in a file: OpenAPI 3.0 or 3.1, or WSDL 1.1.
//!
//! Only as much is read as helps to begin a manifest: where to ask, and which fields go in and out. Nothing is fetched, and
//! what would need another file is refused by name. A manifest in force is never changed by such a file.

mod openapi;
mod schema;
mod wsdl;

use thiserror::Error;

pub use self::openapi::read as openapi;
pub use self::wsdl::read as wsdl;

/// Fields of one service; a description with more is cut, not refused.
const FIELDS_MOST: usize = 200;
/// Levels of fields inside fields.
const DEPTH_MOST: usize = 6;

/// Why a description cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Unread {
    /// It is not what it should be at all.
    #[error("it is no {0}: {1}")]
    Form(&'static str, String),
    /// A version nobody here reads.
    #[error(
        "`{0}` is not read, only OpenAPI 3.0 and 3.1, and WSDL 1.1: convert it first, or begin without it"
    )]
    Version(String),
    /// Something stands in another file.
    #[error("it refers to `{0}`, and other files are not read: put everything into one file first")]
    Elsewhere(String),
    /// rpc style, or parts by type.
    #[error(
        "`{0}` is in rpc style, which WS-I forbids and nobody writes two ways alike: begin with `--kind soap` alone, and take the body from a request that works"
    )]
    Rpc(String),
    /// It refers to what it does not have.
    #[error("it refers to `{0}`, which it does not have")]
    Missing(String),
    /// It has no operation.
    #[error("it has no operation that a manifest could ask")]
    Empty,
}

/// A description.
#[derive(Debug)]
pub struct Described {
    /// What can be asked, in the order of the file.
    pub services: Vec<Service>,
}

/// One operation of a description.
#[derive(Clone, Debug, Default)]
pub struct Service {
    /// Its name there.
    pub name: String,
    /// Scheme, host and port, where the file has them and they are HTTPS.
    pub base: Option<String>,
    /// `GET`, `POST` or `PUT`; another one cannot be asked.
    pub method: String,
    /// Path below the base; one with `{…}` cannot be asked.
    pub path: String,
    /// SOAP's action.
    pub action: String,
    /// SOAP 1.2 rather than 1.1.
    pub is_soap_1_2: bool,
    /// The element below SOAP's Body in a request.
    pub element: Option<String>,
    /// Its namespace.
    pub namespace: Option<String>,
    /// The element below SOAP's Body in a reply.
    pub reply: Option<String>,
    /// What goes in and comes out.
    pub fields: Vec<Field>,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Where it stands.
    pub place: Place,
    /// Its name, with those it lies in before it: `data.records[].name`.
    pub name: String,
    /// Type, whether it is required, and what it is.
    pub remark: String,
}

/// Where a field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the path.
    Path,
    /// After the question mark.
    Query,
    /// In a header.
    Header,
    /// In the body.
    Body,
    /// In the reply.
    Reply,
}

impl Place {
    /// As remarks have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Body => "body",
            Self::Reply => "reply",
        }
    }
}

impl Service {
    /// Why no manifest can ask it; `None` when one can.
    pub fn obstacle(&self) -> Option<String> {
        if self.path.contains(['{', '}']) {
            let path = &self.path;
            return Some(format!(
                "its path `{path}` has a part to fill in, and a manifest's path is fixed: use the gRPC kind, or ask the agency for a query"
            ));
        }
        if let Some(strange) = self.strange() {
            return Some(strange.to_owned());
        }
        let known = ["GET", "POST", "PUT"].contains(&self.method.as_str());
        (!known)
            .then(|| format!("its method is {}, and questions are GET, POST or PUT", self.method))
    }
}

impl Service {
    /// What of it is no path, action, element or namespace as agencies write them, and would stand in a manifest.
    fn strange(&self) -> Option<&'static str> {
        let is_plain = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'\\`<>{}".contains(&byte))
        };
        let is_name = |name: &Option<String>| {
            let may_be = |one: char| one.is_alphanumeric() || "_-.".contains(one);
            name.as_ref().is_none_or(|name| !name.is_empty() && name.chars().all(may_be))
        };
        if !is_plain(&self.path) {
            Some("its path holds more than letters, digits and signs of ASCII without quotes")
        } else if !is_plain(&self.action) {
            Some("its action holds more than letters, digits and signs of ASCII without quotes")
        } else if !is_name(&self.element) || !is_name(&self.reply) {
            Some("one of its elements has a name that XML has not")
        } else if self.namespace.as_deref().is_some_and(|uri| !is_plain(uri)) {
            Some("its namespace holds more than letters, digits and signs of ASCII without quotes")
        } else {
            None
        }
    }
}

/// `https://host:port/path` as base and path; the base only where it is HTTPS and has nothing to fill in.
fn parted(url: &str) -> (Option<String>, String) {
    let path_of =
        |rest: &str| rest.find('/').map_or("", |at| rest.get(at..).unwrap_or("")).to_owned();
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let path = path_of(rest);
            let authority = rest.get(..rest.len() - path.len()).unwrap_or(rest);
            let is_plain = !authority.is_empty()
                && authority
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
            let base = (scheme == "https" && is_plain).then(|| format!("https://{authority}"));
            (base, path)
        }
        None => (None, url.to_owned()),
    }
}
