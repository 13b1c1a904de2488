//! How an agency is reached: `[http]`, `[soap]`, `[sql]`, `[file]` or `[grpc]`.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::Files;
use super::folder::{self, Folder};
use super::program::{Program, Runs, grpc};
use super::section::{Section, Source, Text};
use crate::adapters::language::charset::Charset;
use crate::adapters::language::envelope::Version;
use crate::adapters::language::xml::Shape;
use crate::adapters::line::tls;

/// Longest time one attempt may take.
pub(super) const MAX_TIMEOUT: Duration = Duration::from_secs(120);
/// Time for one attempt when the manifest does not say: above the slowest hundredth of most agencies.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a reply when the manifest does not say. An answer to one question is a few kilobytes.
const MAX_BODY: i64 = 1_048_576;

/// Exactly one of these.
pub(crate) enum Access {
    /// JSON, forms or XML over HTTPS.
    Http(Site),
    /// SOAP over HTTPS.
    Soap(Site, Version),
    /// A database.
    Sql(Database),
    /// A program of its own.
    Grpc(Program),
    /// A folder into which the agency drops tables.
    File(Folder),
}

/// An HTTPS site.
pub(crate) struct Site {
    /// Scheme, host and port, without a slash at the end.
    pub(crate) base: String,
    /// Whom to trust, and who to be.
    pub(crate) tls: rustls::ClientConfig,
    /// For one attempt.
    pub(crate) timeout: Duration,
    /// Bytes of a reply.
    pub(crate) max_body: usize,
    /// HTTP/2 is spoken where the agency takes it.
    pub(crate) offers_http2: bool,
    /// Of requests and replies.
    pub(crate) charset: Charset,
    /// A reply that says it is in another charset is refused.
    pub(crate) heeds_declared: bool,
    /// How the XML of replies is read.
    pub(crate) shape: Arc<Shape>,
}

/// Protocols of databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// PostgreSQL's.
    PostgreSql,
    /// That of MySQL and MariaDB.
    MySql,
}

/// A database.
#[derive(Clone)]
pub(crate) struct Database {
    /// What it speaks.
    pub(crate) dialect: Dialect,
    /// Name or address.
    pub(crate) host: String,
    /// Port.
    pub(crate) port: u16,
    /// Database.
    pub(crate) database: String,
    /// Role.
    pub(crate) user: String,
    /// Its password.
    pub(crate) password: SecretString,
    /// Whom to trust.
    pub(crate) tls: rustls::ClientConfig,
    /// For one statement, on both sides.
    pub(crate) statement_timeout: Duration,
    /// Rows of a reply.
    pub(crate) max_rows: usize,
    /// Connections at once.
    pub(crate) max_connections: u32,
}

impl Access {
    /// The name of its section: `http`, `soap`, `sql`, `file` or `grpc`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Soap(..) => "soap",
            Self::Sql(_) => "sql",
            Self::File(_) => "file",
            Self::Grpc(_) => "grpc",
        }
    }

    /// The address, as the manifest has it.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Http(site) | Self::Soap(site, _) => site.base.clone(),
            Self::Sql(database) => {
                format!("{}:{}/{}", database.host, database.port, database.database)
            }
            Self::File(folder) => folder.path.display().to_string(),
            Self::Grpc(program) => match &program.place {
                Runs::Remote(elsewhere) => elsewhere.authority.clone(),
                Runs::Here(here) => here.program.display().to_string(),
            },
        }
    }

    /// True when the address is one of this machine: nobody's agency.
    ///
    /// A program that the gateway starts is not: whom it asks is not written in the manifest. A folder is: its agency does
    /// not hear of a question.
    pub(crate) fn is_at_home(&self) -> bool {
        match self {
            Self::Grpc(program) if matches!(program.place, Runs::Here(_)) => return false,
            Self::File(_) => return true,
            _ => {}
        }
        let place = self.place();
        let host = place.rsplit_once("://").map_or(place.as_str(), |(_, host)| host);
        let host = match host.strip_prefix('[') {
            Some(literal) => literal.split(']').next().unwrap_or_default(),
            None => host.split([':', '/']).next().unwrap_or_default(),
        };
        let is_loopback =
            host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        is_loopback || host == "localhost"
    }
}

/// Reads the one section that is there.
pub(super) fn access(
    source: &Source<'_>,
    document: &Section<'_>,
    files: &Files<'_>,
    max_in_flight: usize,
) -> Option<Access> {
    let read = [
        document.section("http").map(|section| http(source, section, files)),
        document.section("soap").map(|section| soap(source, section, files)),
        document.section("sql").map(|section| sql(source, section, files, max_in_flight)),
        document.section("grpc").map(|section| grpc(source, section, files)),
        document.section("file").map(|section| folder::folder(source, section, files)),
    ];
    let mut given = read.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(access), None) => access,
        (None, _) => {
            source.flaw(0, "one of `[http]`, `[soap]`, `[sql]`, `[file]`, `[grpc]` is missing");
            None
        }
        (Some(_), Some(_)) => {
            source
                .flaw(0, "only one of `[http]`, `[soap]`, `[sql]`, `[file]`, `[grpc]` can be used");
            None
        }
    }
}

fn http(source: &Source<'_>, section: Section<'_>, files: &Files<'_>) -> Option<Access> {
    let site = site(source, &section, files);
    section.finish();
    Some(Access::Http(site?))
}

fn soap(source: &Source<'_>, section: Section<'_>, files: &Files<'_>) -> Option<Access> {
    let site = site(source, &section, files);
    let version = section.text("version").map_or(Some(Version::V1_1), |text| {
        let version = match text.value.as_str() {
            "1.1" => Some(Version::V1_1),
            "1.2" => Some(Version::V1_2),
            _ => None,
        };
        if version.is_none() {
            source.flaw(text.at, format!("`{}` is \"1.1\" or \"1.2\"", text.key));
        }
        version
    });
    section.finish();
    Some(Access::Soap(site?, version?))
}

fn site(source: &Source<'_>, section: &Section<'_>, files: &Files<'_>) -> Option<Site> {
    let base = section.required("base").and_then(|text| authority(source, &text));
    let tls = tls(source, section, files);
    let timeout = section.span("timeout", MAX_TIMEOUT, TIMEOUT);
    let max_body = section.integer("max_body", 1..64 * MAX_BODY + 1, MAX_BODY);
    let offers_http2 = section.text("http").is_none_or(|text| {
        if !["1.1", "2"].contains(&text.value.as_str()) {
            source.flaw(text.at, format!("`{}` is \"2\" or \"1.1\"", text.key));
        }
        text.value != "1.1"
    });
    let charset = section.text("charset").map_or(Some(Charset::Utf8), |text| {
        let charset = Charset::named(&text.value);
        if charset.is_none() {
            source.flaw(text.at, format!("`{}` is \"utf-8\", \"gb18030\" or \"gbk\"", text.key));
        }
        charset
    });
    let heeds_declared = section.text("declared_charset").is_none_or(|text| {
        if !["checked", "ignored"].contains(&text.value.as_str()) {
            source.flaw(text.at, format!("`{}` is \"checked\" or \"ignored\"", text.key));
        }
        text.value != "ignored"
    });
    let shape = shape(source, section);
    let max_body = usize::try_from(max_body).unwrap_or(usize::MAX);
    Some(Site {
        base: format!("https://{}", base?),
        tls: tls?,
        timeout,
        max_body,
        offers_http2,
        charset: charset?,
        heeds_declared,
        shape: Arc::new(shape),
    })
}

/// HTTP/2 says in its own place whom a request is for, and another name in a header makes it malformed.
pub(super) fn refuse_host(
    source: &Source<'_>,
    document: &Section<'_>,
    access: Option<&Access>,
    host: Option<&str>,
) {
    let (Some(Access::Http(site) | Access::Soap(site, _)), Some(host)) = (access, host) else {
        return;
    };
    if site.offers_http2 {
        let problem = format!(
            "a request with a header `{host}` goes over HTTP/1.1 only: write `http = \"1.1\"`"
        );
        source.flaw(document.at(), problem);
    }
}

/// `arrays` and `namespaces`: what of a reply's XML is a list, and which names carry a prefix.
fn shape(source: &Source<'_>, section: &Section<'_>) -> Shape {
    let given = section.section("namespaces").map(Section::named_texts).unwrap_or_default();
    let mut namespaces: Vec<(String, String)> = Vec::new();
    for (prefix, uri) in given {
        let is_plain = !prefix.is_empty()
            && prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_plain {
            let problem = format!("the prefix `{prefix}` has other than letters, digits and `_`");
            source.flaw(uri.at, problem);
        }
        if uri.value.is_empty() {
            source.flaw(uri.at, format!("`{}` is the URI of a namespace", uri.key));
        } else if let Some((other, _)) = namespaces.iter().find(|(_, known)| *known == uri.value) {
            source.flaw(uri.at, format!("the namespace has the prefix `{other}` already"));
        }
        namespaces.push((prefix, uri.value));
    }
    let lists = section.texts("arrays").into_iter().map(|text| {
        if let Some((prefix, _)) = text.value.split_once(':')
            && !namespaces.iter().any(|(known, _)| known == prefix)
        {
            source.flaw(text.at, format!("`namespaces` declares no prefix `{prefix}`"));
        }
        text.value
    });
    Shape { lists: lists.collect(), namespaces }
}

fn sql(
    source: &Source<'_>,
    section: Section<'_>,
    files: &Files<'_>,
    max_in_flight: usize,
) -> Option<Access> {
    let dialect = dialect(source, &section);
    let host = section.required("host");
    let port = section.integer(
        "port",
        1..65_536,
        if dialect == Some(Dialect::MySql) { 3_306 } else { 5_432 },
    );
    let database = section.required("database");
    let user = section.required("user");
    let password = section.required("password").and_then(|text| {
        files.refer(&text);
        let secret = files.secret(&text.value);
        if secret.is_none() {
            source.flaw(text.at, format!("`{}` names no secret: `{}`", text.key, text.value));
        }
        secret
    });
    let ca = section.required("ca").and_then(|text| files.authority(source, &text));
    let tls = ca.and_then(|ca| client(source, &section, files, &ca, None));
    let statement_timeout = section.span("statement_timeout", MAX_TIMEOUT, TIMEOUT);
    let max_rows = section.integer("max_rows", 1..10_001, 200);
    // A front-end box has few places to give.
    let usual = i64::try_from(max_in_flight).unwrap_or(8).min(8);
    let max_connections = section.integer("max_connections", 1..1_025, usual);
    section.finish();
    Some(Access::Sql(Database {
        dialect: dialect?,
        host: host?.value,
        port: u16::try_from(port).ok()?,
        database: database?.value,
        user: user?.value,
        password: password?,
        tls: tls?,
        statement_timeout,
        max_rows: usize::try_from(max_rows).ok()?,
        max_connections: u32::try_from(max_connections).ok()?,
    }))
}

fn dialect(source: &Source<'_>, section: &Section<'_>) -> Option<Dialect> {
    let Some(text) = section.text("dialect") else { return Some(Dialect::PostgreSql) };
    let dialect = match text.value.as_str() {
        "postgresql" => Some(Dialect::PostgreSql),
        "mysql" => Some(Dialect::MySql),
        _ => None,
    };
    if dialect.is_none() {
        source.flaw(text.at, format!("`{}` is \"postgresql\" or \"mysql\"", text.key));
    }
    dialect
}

/// Host and port of an address that is nothing but `https://HOST[:PORT]`.
pub(super) fn authority(source: &Source<'_>, text: &Text) -> Option<String> {
    let parsed = text.value.trim_end_matches('/').parse::<http::Uri>().ok();
    let found = parsed.filter(|uri| {
        uri.scheme_str() == Some("https") && uri.path().len() <= 1 && uri.query().is_none()
    });
    let found = found
        .and_then(|uri| uri.authority().cloned())
        .filter(|found| !found.as_str().contains('@'));
    if found.is_none() {
        source.flaw(text.at, format!("`{}` is `https://HOST:PORT` and nothing more", text.key));
    }
    found.map(|found| found.to_string())
}

pub(super) fn tls(
    source: &Source<'_>,
    section: &Section<'_>,
    files: &Files<'_>,
) -> Option<rustls::ClientConfig> {
    let ca = section.required("ca").and_then(|text| files.authority(source, &text));
    let certificate = section.text("certificate");
    let key = section.text("key");
    let identity = match (&certificate, &key) {
        (Some(certificate), Some(key)) => {
            let chain = files.public(source, certificate);
            let key = files.private(source, key);
            Some((chain?, key?))
        }
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => {
            source.flaw(one.at, "`certificate` and `key` are given together");
            return None;
        }
    };
    client(source, section, files, &ca?, identity)
}

/// A client that trusts this authority; nobody, where files are not read.
fn client(
    source: &Source<'_>,
    section: &Section<'_>,
    files: &Files<'_>,
    ca: &[u8],
    identity: Option<(Vec<u8>, Vec<u8>)>,
) -> Option<rustls::ClientConfig> {
    let client = if files.read { tls::client(ca, identity) } else { tls::trusting_nobody() };
    match client {
        Ok(client) => Some(client),
        Err(error) => {
            source.flaw(section.at(), error.to_string());
            None
        }
    }
}
