//! A local socket between the driver and the database, and our own TLS from there on.
//!
//! The driver would trust the public web authorities too, would read notices for as long as they come without letting
//! go of its thread, and would set aside memory for whatever length is announced. So it speaks to this socket, which no
//! other process can use, and gets whole messages only, within what one turn of a database may hold.

mod answers;
mod connection;
mod cut;
mod frames;
mod mysql;
mod postgres;

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

pub(super) use self::cut::Cut;
use crate::adapters::manifest::{Database, Dialect};

/// The port of which PostgreSQL's clients make the name of a socket.
pub(super) const PORT: u16 = 5_432;
/// Name of the socket in its folder: the one PostgreSQL's clients look for.
pub(super) const SOCKET: &str = ".s.PGSQL.5432";

/// How much longer than a statement's own limit a database may take for one turn. Whoever waits for a question gives up
/// before; this is for what the driver does by itself afterwards.
const GRACE: Duration = Duration::from_secs(1);
/// Messages of one turn beside its rows: descriptions, settings, tags.
const BESIDE_ROWS: usize = 4_096;
/// When no connection can be taken for want of file descriptors, there may be some a moment later.
const PAUSE: Duration = Duration::from_millis(50);

/// Where the database is, and how it is spoken to.
struct Way {
    dialect: Dialect,
    host: String,
    port: u16,
    tls: TlsConnector,
    /// For the log-in of MySQL only, which asks for it in clear where the line is encrypted.
    password: SecretString,
    /// For one turn of the database.
    patience: Duration,
    /// Messages of one turn.
    most: usize,
}

/// The socket of one database's driver. Dropped, it hangs up on both sides and removes its folder.
pub(super) struct Relay {
    _connections: JoinSet<()>,
    folder: TempDir,
}

impl Relay {
    /// Opens the socket, and no connection to the database yet.
    ///
    /// # Errors
    /// When there can be no socket in the system's folder for temporary files.
    pub(super) fn open(database: &Database) -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("heyan-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()?;
        let listener = UnixListener::bind(folder.path().join(SOCKET))?;
        let owner = folder.path().metadata()?.uid();
        let way = Way {
            dialect: database.dialect,
            host: database.host.clone(),
            port: database.port,
            tls: TlsConnector::from(Arc::new(database.tls.clone())),
            password: database.password.clone(),
            patience: database.statement_timeout + GRACE,
            most: database.max_rows + BESIDE_ROWS,
        };
        let mut connections = JoinSet::new();
        connections.spawn(accept(listener, owner, Arc::new(way)));
        Ok(Self { _connections: connections, folder })
    }

    /// Where the socket is.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

async fn accept(listener: UnixListener, owner: u32, way: Arc<Way>) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((driver, _)) if is_ours(&driver, owner) => {
                let way = Arc::clone(&way);
                connections.spawn(async move { way.carry(driver).await });
            }
            Ok(_) => {}
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

/// True when this process is at the other end, and not merely one of the same account: an adapter's program is.
fn is_ours(driver: &UnixStream, owner: u32) -> bool {
    let Ok(peer) = driver.peer_cred() else { return false };
    let own = i32::try_from(std::process::id()).ok();
    peer.uid() == owner && peer.pid().is_none_or(|process| Some(process) == own)
}

#[cfg(test)]
mod tests;
