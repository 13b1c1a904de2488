//! The socket behind which a fault waits.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::betrayals::Betrayals;
use super::certificates::{Paper, Papers, PapersError};
use super::script::{End, play};
use super::shelf::{Shelf, ShelfError};
use super::{Act, Fault, Good, Kind, grpc, mysql, none, postgres};

/// Longest request that is read before the reply.
const MAX_REQUEST: usize = 1 << 20;

/// One hostile agency, on a port of its own on the loopback, or a folder of its own. It stops when dropped.
pub struct Hostile {
    address: SocketAddr,
    shelf: Option<Shelf>,
    reached: Arc<AtomicU64>,
    betrayals: Betrayals,
    _connections: JoinSet<()>,
}

/// What each connection needs.
struct Scene {
    kind: Kind,
    act: Act,
    facts: Vec<String>,
    betrayals: Betrayals,
    acceptor: TlsAcceptor,
}

impl Hostile {
    /// Opens it. `facts` are those that a program says it answers; `good` is what follows where only the certificate is
    /// wrong.
    ///
    /// # Errors
    /// When there is no port, or no certificate.
    pub async fn open(
        papers: &Papers,
        kind: Kind,
        fault: &Fault,
        facts: &[String],
        good: &Good,
    ) -> Result<Self, OpenError> {
        let (paper, act) = match &fault.act {
            Act::Shows(paper) => (*paper, none(kind, good).act),
            act => (Paper::Right, act.clone()),
        };
        let alpn: &[&[u8]] = if kind == Kind::Grpc { &[b"h2"] } else { &[] };
        let betrayals = Betrayals::default();
        let mut tasks = JoinSet::new();
        if let Act::Drops(mess) = &act {
            let shelf = Some(Shelf::lay(mess, &mut tasks)?);
            // Nobody can be seen to look into a folder.
            let reached = Arc::new(AtomicU64::new(1));
            let address = (Ipv4Addr::LOCALHOST, 0).into();
            return Ok(Self { address, shelf, reached, betrayals, _connections: tasks });
        }
        let acceptor = TlsAcceptor::from(papers.server(paper, alpn)?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let reached = Arc::new(AtomicU64::new(0));
        let facts = facts.to_vec();
        let scene = Scene { kind, act, facts, betrayals: betrayals.clone(), acceptor };
        let scene = Arc::new(scene);
        let count = Arc::clone(&reached);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let scene = Arc::clone(&scene);
                connections.spawn(async move {
                    // The other side may hang up at any time; that is its good right here.
                    let _hung_up = scene.meet(stream).await;
                });
            }
        });
        Ok(Self { address, shelf: None, reached, betrayals, _connections: tasks })
    }

    /// Where it waits.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The folder it drops its tables into, if it is of that kind.
    pub fn folder(&self) -> Option<PathBuf> {
        self.shelf.as_ref().map(Shelf::folder)
    }

    /// How often it was given what nobody may give: a login in the clear, a file of ours.
    pub fn betrayed(&self) -> u64 {
        self.betrayals.seen()
    }

    /// How many connections it has had. None means that nothing was tried.
    pub fn reached(&self) -> u64 {
        self.reached.load(Ordering::Relaxed)
    }
}

/// Why a hostile agency could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No port on the loopback.
    #[error("no port can be opened on 127.0.0.1")]
    Port(#[from] io::Error),
    /// No certificate.
    #[error(transparent)]
    Papers(#[from] PapersError),
    /// No folder.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
}

impl Scene {
    async fn meet(&self, mut tcp: TcpStream) -> io::Result<()> {
        tcp.set_nodelay(true)?;
        if let Some(end) = self.greet(&mut tcp).await? {
            if end == End::Reset {
                tcp.set_zero_linger()?;
            }
            return Ok(());
        }
        if let Act::InsteadOfTls(steps) = &self.act {
            if !steps.is_empty() {
                hear(&mut tcp).await?;
            }
            if play(&mut tcp, steps).await? == End::Reset {
                tcp.set_zero_linger()?;
            }
            return Ok(());
        }
        let mut stream = self.acceptor.accept(tcp).await?;
        let end = match &self.act {
            Act::AfterTls(steps) => play(&mut stream, steps).await?,
            Act::Replies(steps) => {
                request(&mut stream).await?;
                play(&mut stream, steps).await?
            }
            Act::Queries(trouble) => postgres::serve(&mut stream, trouble).await?,
            Act::Speaks(trouble) => mysql::serve(&mut stream, trouble, &self.betrayals).await?,
            Act::Calls(trouble) => return grpc::serve(stream, trouble, &self.facts).await,
            Act::InsteadOfTls(_) | Act::Shows(_) | Act::Drops(_) => End::Close,
        };
        finish(stream, end).await
    }

    /// What is said before TLS; `Some` when it does not come to that.
    async fn greet(&self, tcp: &mut TcpStream) -> io::Result<Option<End>> {
        match (self.kind, &self.act) {
            (Kind::Postgres, act) => {
                let trouble = if let Act::Queries(trouble) = act { Some(trouble) } else { None };
                postgres::greet(tcp, trouble, &self.betrayals).await
            }
            (Kind::Mysql, act) => {
                let trouble = if let Act::Speaks(trouble) = act { Some(trouble) } else { None };
                mysql::greet(tcp, trouble, &self.betrayals).await
            }
            _ => Ok(None),
        }
    }
}

async fn finish(mut stream: TlsStream<TcpStream>, end: End) -> io::Result<()> {
    if end == End::Reset {
        return stream.get_ref().0.set_zero_linger();
    }
    stream.shutdown().await?;
    // Until the other side hangs up too: a close with something unread would be a reset.
    hear(&mut stream).await
}

/// Hears something and forgets it.
async fn hear<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<()> {
    let mut heard = [0; 4096];
    stream.read(&mut heard).await.map(|_| ())
}

/// Hears one whole request over HTTP/1.1 and forgets it.
async fn request<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<()> {
    let mut heard = Vec::new();
    let mut wanted = None;
    while wanted.is_none_or(|wanted| heard.len() < wanted) {
        if heard.len() > MAX_REQUEST || stream.read_buf(&mut heard).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if wanted.is_none() {
            wanted = length(&heard);
        }
    }
    Ok(())
}

/// Bytes of the whole request, once its head is there.
fn length(heard: &[u8]) -> Option<usize> {
    let head = heard.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(heard.get(..head)?).to_ascii_lowercase();
    let announced = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    Some(head + announced.and_then(|length| length.trim().parse().ok()).unwrap_or(0))
}
