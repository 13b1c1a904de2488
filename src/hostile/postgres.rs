//! A front-end database that keeps to PostgreSQL's protocol up to one point, and there does not.

mod faults;

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

pub(super) use self::faults::faults;
use super::Good;
use super::betrayals::Betrayals;
use super::script::{End, Step, play};

/// Longest message of the client that is read.
const MAX_MESSAGE: usize = 1 << 20;
/// Object identifiers of types.
const TEXT: u32 = 25;
const NUMERIC: u32 = 1700;
const BOOL: u32 = 16;

/// One column and its value in the one row.
#[derive(Clone, Debug)]
pub struct Column {
    /// Name.
    pub name: String,
    /// Object identifier of its type.
    pub oid: u32,
    /// In the binary form of that type.
    pub value: Vec<u8>,
}

impl Column {
    /// A column of text.
    pub fn text(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), oid: TEXT, value: value.as_bytes().to_vec() }
    }

    /// A column of truth.
    pub fn truth(name: &str, value: bool) -> Self {
        Self { name: name.to_owned(), oid: BOOL, value: vec![u8::from(value)] }
    }
}

/// Where a conversation can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    /// In place of the word that the password was right.
    Startup,
    /// In place of the answer to BEGIN.
    Begin,
    /// In place of the description of the statement.
    Describe,
    /// In place of the rows.
    Rows,
    /// In place of the answer to COMMIT.
    Commit,
    /// At none of them: nothing goes wrong.
    Nowhere,
    /// Where nothing ever does.
    Elsewhere,
}

/// What goes wrong, and what the database would have said otherwise.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    at: Point,
    steps: Vec<Step>,
    /// The conversation goes on afterwards as if nothing had been.
    goes_on: bool,
    /// It has no TLS, and would gladly go on without.
    in_the_clear: bool,
    row: Vec<Column>,
}

impl Trouble {
    pub(super) fn none(good: &Good) -> Self {
        Self::about(&good.row)
    }

    fn about(row: &[Column]) -> Self {
        let (at, steps) = (Point::Nowhere, Vec::new());
        Self { at, steps, goes_on: true, in_the_clear: false, row: row.to_vec() }
    }
}

/// Answers the wish for TLS; `Some` when it goes on, or has ended, without.
pub(super) async fn greet<S>(
    stream: &mut S,
    trouble: Option<&Trouble>,
    betrayals: &Betrayals,
) -> io::Result<Option<End>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // The client asks for TLS in eight bytes.
    let mut wish = [0; 8];
    stream.read_exact(&mut wish).await?;
    let Some(trouble) = trouble.filter(|trouble| trouble.in_the_clear) else {
        stream.write_all(b"S").await?;
        return Ok(None);
    };
    stream.write_all(b"N").await?;
    // Whatever is said now, everybody can hear: the name, and then the password or what is made of it.
    let end = talk(stream, trouble, Some(betrayals)).await?;
    Ok(Some(end))
}

/// Speaks to one client until it goes, or until the trouble ends the connection.
pub(super) async fn serve<S>(stream: &mut S, trouble: &Trouble) -> io::Result<End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    talk(stream, trouble, None).await
}

async fn talk<S>(
    stream: &mut S,
    trouble: &Trouble,
    betrayals: Option<&Betrayals>,
) -> io::Result<End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // The startup message has no kind.
    let _startup = body(stream).await?;
    betrayals.into_iter().for_each(Betrayals::count);
    if trouble.at == Point::Startup {
        return play(stream, &trouble.steps).await;
    }
    stream.write_all(&welcome()).await?;
    stream.flush().await?;
    let mut parameters = 0;
    let mut reply = Vec::new();
    loop {
        let kind = stream.read_u8().await?;
        let body = body(stream).await?;
        let (point, good) = match kind {
            b'Q' if body.starts_with(b"BEGIN") => (Point::Begin, tag(b"BEGIN\0", b'T')),
            b'Q' => (Point::Commit, tag(b"COMMIT\0", b'I')),
            b'P' => {
                parameters = parameters_of(&body);
                reply.extend(message(b'1', b""));
                continue;
            }
            b'D' => (Point::Describe, described_with(parameters, &trouble.row)),
            b'B' => (Point::Rows, Vec::new()),
            b'E' => {
                let rows = [&bound()[..], &data_row(&trouble.row), &done()];
                (Point::Elsewhere, rows.concat())
            }
            b'C' => {
                reply.extend(message(b'3', b""));
                continue;
            }
            b'X' => return Ok(End::Close),
            // Sync and Flush: what was gathered is said.
            _ => {
                if kind == b'S' {
                    reply.extend(ready(b'T'));
                }
                stream.write_all(&std::mem::take(&mut reply)).await?;
                stream.flush().await?;
                continue;
            }
        };
        if point == trouble.at {
            stream.write_all(&std::mem::take(&mut reply)).await?;
            let end = play(stream, &trouble.steps).await?;
            if !trouble.goes_on {
                return Ok(end);
            }
            if matches!(point, Point::Describe | Point::Rows) {
                skip_to_sync(stream).await?;
            }
            continue;
        }
        reply.extend(good);
        if kind == b'Q' {
            stream.write_all(&std::mem::take(&mut reply)).await?;
            stream.flush().await?;
        }
    }
}

async fn skip_to_sync<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<()> {
    while stream.read_u8().await? != b'S' {
        body(stream).await?;
    }
    body(stream).await.map(|_| ())
}

async fn body<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Vec<u8>> {
    let length = usize::try_from(stream.read_u32().await?).unwrap_or(0).saturating_sub(4);
    if length > MAX_MESSAGE {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(body)
}

/// Number of parameters whose types a Parse message states.
fn parameters_of(body: &[u8]) -> u16 {
    let mut ends = body.iter().enumerate().filter(|(_, byte)| **byte == 0).map(|(at, _)| at);
    let after_statement = ends.nth(1).map_or(body.len(), |at| at + 1);
    match body.get(after_statement..after_statement + 2) {
        Some(&[high, low]) => u16::from_be_bytes([high, low]),
        _ => 0,
    }
}

fn header(kind: u8, length: usize) -> Vec<u8> {
    let length = u32::try_from(length + 4).unwrap_or(u32::MAX);
    [&[kind][..], &length.to_be_bytes()].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&header(kind, body.len())[..], body].concat()
}

fn welcome() -> Vec<u8> {
    let parameter = |name: &str, value: &str| {
        message(b'S', [name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat().as_slice())
    };
    [
        message(b'R', &0_u32.to_be_bytes()),
        parameter("server_version", "16.4"),
        parameter("client_encoding", "UTF8"),
        message(b'K', &[0, 0, 0, 1, 0, 0, 0, 2]),
        ready(b'I'),
    ]
    .concat()
}

fn ready(state: u8) -> Vec<u8> {
    message(b'Z', &[state])
}

fn tag(text: &[u8], state: u8) -> Vec<u8> {
    [message(b'C', text), ready(state)].concat()
}

fn bound() -> Vec<u8> {
    message(b'2', b"")
}

fn done() -> Vec<u8> {
    message(b'C', b"SELECT 1\0")
}

fn refusal(code: &str) -> Vec<u8> {
    let fields = format!("SERROR\0VERROR\0C{code}\0Mnot today, 430000188001010014\0\0");
    message(b'E', fields.as_bytes())
}

fn notice() -> Vec<u8> {
    message(b'N', b"SNOTICE\0VNOTICE\0C00000\0Mlisten\0\0")
}

fn described(row: &[Column]) -> Vec<u8> {
    [described_with(1, row), ready(b'T')].concat()
}

/// Parameters, all of them text, and columns; what follows a Describe up to the Sync.
fn described_with(parameters: u16, row: &[Column]) -> Vec<u8> {
    let mut kinds = parameters.to_be_bytes().to_vec();
    for _ in 0..parameters {
        kinds.extend(TEXT.to_be_bytes());
    }
    let mut columns = u16::try_from(row.len()).unwrap_or(u16::MAX).to_be_bytes().to_vec();
    for column in row {
        columns.extend(column.name.as_bytes());
        columns.extend([0; 7]);
        columns.extend(column.oid.to_be_bytes());
        columns.extend([0xff; 6]);
        columns.extend([0, 0]);
    }
    [message(b't', &kinds), message(b'T', &columns)].concat()
}

fn data_row(row: &[Column]) -> Vec<u8> {
    let mut body = u16::try_from(row.len()).unwrap_or(u16::MAX).to_be_bytes().to_vec();
    for column in row {
        body.extend(u32::try_from(column.value.len()).unwrap_or(u32::MAX).to_be_bytes());
        body.extend(&column.value);
    }
    message(b'D', &body)
}

/// The head of a row whose one value has so many bytes.
fn large(bytes: usize) -> Vec<u8> {
    let length = u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes();
    [&header(b'D', bytes + 6)[..], &[0, 1], &length].concat()
}
