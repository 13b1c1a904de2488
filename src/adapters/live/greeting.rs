//! A connection that asks nothing: how long it takes to be had, and what the agency shows itself with.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::adapters::manifest::{Access, Dialect, Runs};
use crate::query::time::Timestamp;

/// What PostgreSQL wants to hear before TLS: length and number of `SSLRequest`.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// What came of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Greeted {
    /// It was had.
    Well(Greeting),
    /// It was not: where it was looked for, what kind of trouble, and what is known of it.
    Badly(String, Trouble, String),
    /// There is none to be tried, and why.
    Untried(&'static str),
}

/// A connection that was had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// Host and port.
    pub address: String,
    /// The name that the certificate must have, and has.
    pub name: String,
    /// Every name of the certificate.
    pub names: Vec<String>,
    /// Last moment of the certificate.
    pub expires: Timestamp,
    /// Until the connection stood.
    pub connecting: Duration,
    /// Until TLS did, from then on.
    pub greeting: Duration,
}

/// Kinds of trouble with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The name leads nowhere.
    NoHost,
    /// Nobody listens, or nothing comes through.
    NoConnection,
    /// Who listens does not speak TLS, or breaks it off.
    NoTls,
    /// The certificate is another name's.
    WrongName,
    /// The certificate is not valid yet, or not any more.
    Expired,
    /// The certificate is not of the authority that the manifest names.
    UnknownAuthority,
    /// The certificate cannot be used for another reason.
    BadCertificate,
}

struct Aim {
    host: String,
    port: u16,
    name: String,
    tls: ClientConfig,
    /// PostgreSQL begins in plain text.
    is_postgres: bool,
}

/// Tries it, for no longer than `budget`.
pub(super) async fn greet(access: &Access, budget: Duration) -> Greeted {
    let aim = match aim(access) {
        Ok(aim) => aim,
        Err(why) => return Greeted::Untried(why),
    };
    let address = format!("{}:{}", aim.host, aim.port);
    let deadline = Instant::now() + budget;
    let trying = try_it(aim, address.clone());
    match timeout_at(deadline, trying).await {
        Ok(Ok(greeting)) => Greeted::Well(greeting),
        Ok(Err((trouble, problem))) => Greeted::Badly(address, trouble, problem),
        Err(_) => Greeted::Badly(address, Trouble::NoConnection, "nothing came in time".to_owned()),
    }
}

fn aim(access: &Access) -> Result<Aim, &'static str> {
    match access {
        Access::Http(site) | Access::Soap(site, _) => {
            let (host, port) = host_and_port(site.base.trim_start_matches("https://"), 443);
            let tls = site.tls.clone();
            Ok(Aim { name: host.clone(), host, port, tls, is_postgres: false })
        }
        Access::Sql(database) if database.dialect == Dialect::PostgreSql => Ok(Aim {
            name: database.host.clone(),
            host: database.host.clone(),
            port: database.port,
            tls: database.tls.clone(),
            is_postgres: true,
        }),
        Access::Sql(_) => Err("this protocol shows its certificate to its own driver only"),
        Access::File(_) => Err("files are read, nobody is asked"),
        Access::Grpc(program) => match &program.place {
            Runs::Remote(place) => {
                let (host, port) = host_and_port(&place.authority, 443);
                let mut tls = place.tls.clone();
                tls.alpn_protocols = vec![b"h2".to_vec()];
                Ok(Aim { name: place.server_name.clone(), host, port, tls, is_postgres: false })
            }
            Runs::Here(_) => Err("the program runs beside the gateway"),
        },
    }
}

pub(super) fn host_and_port(authority: &str, usual: u16) -> (String, u16) {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().unwrap_or(usual)),
        _ => (authority, usual),
    };
    (host.trim_start_matches('[').trim_end_matches(']').to_owned(), port)
}

async fn try_it(aim: Aim, address: String) -> Result<Greeting, (Trouble, String)> {
    let name = ServerName::try_from(aim.name.clone())
        .map_err(|_| (Trouble::WrongName, format!("`{}` is no server name", aim.name)))?;
    let began = Instant::now();
    let found = lookup_host((aim.host.as_str(), aim.port)).await;
    let found: Vec<_> = found.map_err(|error| (Trouble::NoHost, error.to_string()))?.collect();
    let no_connection = |error: io::Error| (Trouble::NoConnection, error.to_string());
    let mut stream = TcpStream::connect(found.as_slice()).await.map_err(no_connection)?;
    let stood = Instant::now();
    if aim.is_postgres {
        stream.write_all(&SSL_REQUEST).await.map_err(no_connection)?;
        let said = stream.read_u8().await.map_err(no_connection)?;
        if said != b'S' {
            return Err((Trouble::NoTls, "the database offers no TLS".to_owned()));
        }
    }
    let connector = TlsConnector::from(Arc::new(aim.tls));
    let stream = connector.connect(name, stream).await.map_err(|error| trouble(&error))?;
    let greeted = Instant::now();
    let (_, connection) = stream.get_ref();
    let certificates = connection.peer_certificates().unwrap_or_default();
    let leaf = certificates.first().map(AsRef::as_ref).unwrap_or_default();
    let (names, expires) = shown(leaf);
    Ok(Greeting {
        address,
        name: aim.name,
        names,
        expires,
        connecting: stood.duration_since(began),
        greeting: greeted.duration_since(stood),
    })
}

/// Names and last moment of a certificate.
fn shown(certificate: &[u8]) -> (Vec<String>, Timestamp) {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else {
        return (Vec::new(), Timestamp::default());
    };
    let expires = u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or_default();
    let alternatives = parsed.subject_alternative_name().ok().flatten();
    let names = alternatives.iter().flat_map(|names| &names.value.general_names);
    let names = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match <[u8; 4]>::try_from(*bytes) {
            Ok(four) => Some(std::net::Ipv4Addr::from(four).to_string()),
            Err(_) => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|sixteen| std::net::Ipv6Addr::from(sixteen).to_string()),
        },
        _ => None,
    });
    (names.collect(), Timestamp::from_seconds(expires))
}

fn trouble(error: &io::Error) -> (Trouble, String) {
    let cause = error.get_ref().and_then(|inside| inside.downcast_ref::<rustls::Error>());
    let trouble = match cause {
        Some(rustls::Error::InvalidCertificate(problem)) => match problem {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Trouble::WrongName
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Trouble::Expired,
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                Trouble::UnknownAuthority
            }
            _ => Trouble::BadCertificate,
        },
        _ => Trouble::NoTls,
    };
    (trouble, error.to_string())
}
