//! A front-end database that keeps to MySQL's protocol up to one point, and there does not.

mod faults;
mod packets;
mod replies;

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

pub(super) use self::faults::faults;
use self::packets::{Counted, greeting, ok, prepared, rows, said};
use super::betrayals::Betrayals;
use super::script::{End, Step, play};
use super::{Column, Good};

/// Longest message of the client that is read.
const MAX_MESSAGE: usize = 1 << 20;
/// Bytes of a request for TLS. A message that is longer is a login.
const TLS_REQUEST: usize = 32;
/// The statement that asks for the server's version.
const VERSION: u32 = 1;
/// Any other statement.
const STATEMENT: u32 = 2;
/// What the client asks for.
const QUIT: u8 = 0x01;
const QUERY: u8 = 0x03;
const PREPARE: u8 = 0x16;
const EXECUTE: u8 = 0x17;
const CLOSE: u8 = 0x19;

/// Where a conversation can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    /// In place of the first message, before TLS.
    Greeting,
    /// In place of the word that the login was right.
    Login,
    /// In place of the answer to the first SET.
    Settings,
    /// In place of the answer to START TRANSACTION.
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
    /// Whatever is said after the trouble is what nobody may say.
    is_trap: bool,
    row: Vec<Column>,
}

impl Trouble {
    pub(super) fn none(good: &Good) -> Self {
        Self::about(&good.row)
    }

    fn about(row: &[Column]) -> Self {
        Self {
            at: Point::Nowhere,
            steps: Vec::new(),
            goes_on: true,
            in_the_clear: false,
            is_trap: false,
            row: row.to_vec(),
        }
    }
}

/// Greets, up to the request for TLS; `Some` when it goes on, or has ended, without.
pub(super) async fn greet<S>(
    stream: &mut S,
    trouble: Option<&Trouble>,
    betrayals: &Betrayals,
) -> io::Result<Option<End>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let wrong = trouble.filter(|trouble| trouble.at == Point::Greeting);
    match wrong {
        Some(trouble) => {
            let end = play(stream, &trouble.steps).await?;
            if !trouble.goes_on {
                return Ok(Some(end));
            }
        }
        None => {
            let has_tls = !trouble.is_some_and(|trouble| trouble.in_the_clear);
            stream.write_all(&greeting(has_tls, "mysql_native_password")).await?;
            stream.flush().await?;
        }
    }
    let (_, request) = message(stream).await?;
    if request.len() <= TLS_REQUEST {
        return Ok(None);
    }
    // A login where everybody can hear it, with its password or what is made of it.
    betrayals.count();
    match trouble {
        Some(trouble) => talk(stream, trouble, betrayals, 2).await.map(Some),
        None => Ok(Some(End::Close)),
    }
}

/// Speaks to one client inside TLS until it goes, or until the trouble ends the connection.
pub(super) async fn serve<S>(
    stream: &mut S,
    trouble: &Trouble,
    betrayals: &Betrayals,
) -> io::Result<End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (number, _login) = message(stream).await?;
    talk(stream, trouble, betrayals, number.wrapping_add(1)).await
}

/// After the login, which is answered by the message of that number.
async fn talk<S>(
    stream: &mut S,
    trouble: &Trouble,
    betrayals: &Betrayals,
    number: u8,
) -> io::Result<End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if trouble.at == Point::Login {
        let end = play(stream, &trouble.steps).await?;
        if !trouble.goes_on {
            return Ok(end);
        }
    } else {
        stream.write_all(&said(number, &ok(false))).await?;
        stream.flush().await?;
    }
    let mut is_set = false;
    loop {
        let (_, message) = message(stream).await?;
        let Some((command, body)) = message.split_first() else { return Ok(End::Close) };
        let (point, good) = match *command {
            QUIT => return Ok(End::Close),
            // Nothing is said to that.
            CLOSE => continue,
            QUERY => asked(body, &mut is_set),
            PREPARE if find(body, b"VERSION()") => {
                (Point::Elsewhere, prepared(VERSION, 0, &version()))
            }
            PREPARE => (Point::Describe, prepared(STATEMENT, marks(body), &trouble.row)),
            EXECUTE if body.first_chunk() == Some(&VERSION.to_le_bytes()) => {
                (Point::Elsewhere, rows(&version(), 1))
            }
            EXECUTE => (Point::Rows, rows(&trouble.row, 1)),
            _ => (Point::Elsewhere, said(1, &ok(false))),
        };
        if point != trouble.at {
            stream.write_all(&good).await?;
            stream.flush().await?;
            continue;
        }
        let end = play(stream, &trouble.steps).await?;
        if trouble.is_trap {
            hear(stream, betrayals).await?;
        }
        if !trouble.goes_on {
            return Ok(end);
        }
    }
}

/// A statement without parameters, and the answer to it.
fn asked(statement: &[u8], is_set: &mut bool) -> (Point, Vec<u8>) {
    if statement.starts_with(b"START TRANSACTION") {
        return (Point::Begin, said(1, &ok(true)));
    }
    let point = match statement.get(..3) {
        Some(b"SET") if !std::mem::replace(is_set, true) => Point::Settings,
        Some(b"COM") => Point::Commit,
        _ => Point::Elsewhere,
    };
    (point, said(1, &ok(false)))
}

/// Hears what the client gives of its own accord after it was asked for a file.
async fn hear<S: AsyncRead + Unpin>(stream: &mut S, betrayals: &Betrayals) -> io::Result<()> {
    let (number, _) = message(stream).await?;
    // A new command begins with number 0; what goes on is the file.
    if number != 0 {
        betrayals.count();
    }
    Ok(())
}

/// The number and body of the next message.
async fn message<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<(u8, Vec<u8>)> {
    let head = stream.read_u32_le().await?;
    let [low, middle, high, number] = head.to_le_bytes();
    let length = usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
    if length > MAX_MESSAGE {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok((number, body))
}

fn version() -> Vec<Column> {
    vec![Column::text("VERSION()", "8.0.36")]
}

/// How many parameters a statement has. Those of ours have no question mark in a text.
fn marks(statement: &[u8]) -> u16 {
    let marks = statement.iter().filter(|byte| **byte == b'?').count();
    u16::try_from(marks).unwrap_or(u16::MAX)
}

fn find(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Messages one after the other, numbered from 1 on.
fn counted(bodies: &[Vec<u8>]) -> Vec<u8> {
    let mut counted = Counted::from(1);
    bodies.iter().for_each(|body| counted.say(body));
    counted.bytes
}
