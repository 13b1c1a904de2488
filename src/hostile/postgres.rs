//! A front-end database that keeps to PostgreSQL's protocol up to one point, and there does not.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::script::Step::{Drip, Flood, Hang, Reset, Say};
use super::script::{End, Step, play};
use super::{Act, Fault, Good};

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
    row: Vec<Column>,
}

impl Trouble {
    pub(super) fn none(good: &Good) -> Self {
        Self { at: Point::Nowhere, steps: Vec::new(), goes_on: true, row: good.row.clone() }
    }
}

pub(super) fn faults(good: &Good) -> Vec<Fault> {
    let at = |at, steps: Vec<Step>| {
        Act::Queries(Trouble { at, steps, goes_on: false, row: good.row.clone() })
    };
    let then = |at, bytes: Vec<u8>| {
        Act::Queries(Trouble { at, steps: vec![Say(bytes)], goes_on: true, row: good.row.clone() })
    };
    let error = |code| [refusal(code), ready(b'E')].concat();
    let row = data_row(&good.row);
    let begun = [bound(), row.clone()].concat();
    let whole = |rows: &[u8]| [&bound()[..], rows, &done(), &ready(b'T')].concat();
    let mut all = vec![
        Fault::unavailable(
            "wrong_password",
            "refuses the password (SQLSTATE 28P01)",
            at(Point::Startup, vec![Say(refusal("28P01"))]),
        ),
        Fault::unavailable(
            "no_places",
            "has no connection left (SQLSTATE 53300)",
            at(Point::Startup, vec![Say(refusal("53300"))]),
        ),
        Fault::unavailable(
            "unknown_way_in",
            "wants a way to log in that nobody knows",
            at(
                Point::Startup,
                vec![
                    Say(message(b'R', &10_u32.to_be_bytes())),
                    Say(message(b'R', &99_u32.to_be_bytes())),
                ],
            ),
        ),
        Fault::endless(
            "silent_at_login",
            "never says whether the password was right",
            at(Point::Startup, vec![Hang]),
        ),
        Fault::endless(
            "notices_without_end",
            "floods the login with notices",
            at(Point::Startup, vec![Flood(notice().repeat(32))]),
        ),
        Fault::unavailable(
            "closes_at_begin",
            "closes the connection at BEGIN",
            at(Point::Begin, vec![]),
        ),
        Fault::endless("silent_at_begin", "never answers BEGIN", at(Point::Begin, vec![Hang])),
        Fault::unavailable(
            "shuts_down",
            "shuts down (SQLSTATE 57P01)",
            at(Point::Describe, vec![Say(refusal("57P01"))]),
        ),
        Fault::contract(
            "no_such_table",
            "has no such table (SQLSTATE 42P01)",
            then(Point::Describe, error("42P01")),
        ),
        Fault::contract(
            "no_right",
            "lets the account read nothing (SQLSTATE 42501)",
            then(Point::Describe, error("42501")),
        ),
        Fault::unavailable(
            "statement_time",
            "takes too long by its own clock (SQLSTATE 57014)",
            then(Point::Rows, [bound(), error("57014")].concat()),
        ),
        Fault::endless("silent", "never sends the rows", at(Point::Rows, vec![Hang])),
        Fault::endless(
            "silent_between_rows",
            "sends a row and nothing more",
            at(Point::Rows, vec![Say(begun.clone()), Hang]),
        ),
        Fault::endless(
            "slow_row",
            "sends one byte of a row at a time",
            at(Point::Rows, vec![Say([bound(), header(b'D', 100_000)].concat()), Drip(vec![0])]),
        ),
        Fault::unavailable(
            "closes_before_rows",
            "closes the connection before the first row",
            at(Point::Rows, vec![Say(bound())]),
        ),
        Fault::unavailable(
            "closes_between_rows",
            "closes the connection after a row",
            at(Point::Rows, vec![Say(begun.clone())]),
        ),
        Fault::unavailable(
            "closes_in_a_row",
            "closes the connection in the middle of a row",
            at(
                Point::Rows,
                vec![Say(bound()), Say(row.get(..row.len() / 2).unwrap_or_default().to_vec())],
            ),
        ),
        Fault::unavailable(
            "resets_between_rows",
            "resets the connection after a row",
            at(Point::Rows, vec![Say(begun.clone()), Reset]),
        ),
    ];
    all.extend([
        Fault::contract(
            "error_between_rows",
            "has an error of its own after a row (SQLSTATE XX000)",
            then(Point::Rows, [begun.clone(), error("XX000")].concat()),
        ),
        Fault::contract(
            "error_instead_of_rows",
            "has an error of its own instead of rows (SQLSTATE XX001)",
            then(Point::Rows, [bound(), error("XX001")].concat()),
        ),
        Fault::contract(
            "no_end_of_rows",
            "is ready for the next question without having ended this one",
            then(Point::Rows, [bound(), ready(b'T')].concat()),
        ),
        Fault::contract(
            "too_many_rows",
            "sends 20 000 rows",
            then(Point::Rows, whole(&row.repeat(20_000))),
        ),
        Fault::either(
            "rows_without_end",
            "never stops sending rows",
            at(Point::Rows, vec![Say(bound()), Flood(row.repeat(64))]),
        ),
        Fault::either(
            "large_value",
            "sends a value of 48 MB",
            at(
                Point::Rows,
                vec![
                    Say(bound()),
                    Say(large(48 << 20)),
                    Step::Often(vec![b'x'; 65_536], (48 << 20) / 65_536),
                    Say([done(), ready(b'T')].concat()),
                ],
            ),
        ),
        Fault::either(
            "gigabyte_announced",
            "announces a value of a gigabyte",
            at(Point::Rows, vec![Say(bound()), Say(large(1 << 30)), Hang]),
        ),
        Fault::contract(
            "wrong_types",
            "describes columns of a type the statement does not have",
            then(Point::Describe, described(&retyped(&good.row, NUMERIC))),
        ),
        Fault::contract(
            "other_columns",
            "describes other columns than the statement has",
            then(Point::Describe, described(&[Column::text("other", "1")])),
        ),
        Fault::contract(
            "too_few_values",
            "sends rows with fewer values than columns",
            then(Point::Rows, whole(&message(b'D', &0_u16.to_be_bytes()))),
        ),
        Fault::contract(
            "too_many_values",
            "announces more values in a row than there are",
            then(Point::Rows, whole(&message(b'D', &[0x7f, 0xff, 0, 0, 0, 1]))),
        ),
        Fault::contract(
            "length_beyond_row",
            "announces a value longer than its row",
            then(Point::Rows, whole(&message(b'D', &[0, 1, 0x7f, 0xff, 0xff, 0xff, b'x']))),
        ),
        Fault::contract(
            "no_text",
            "sends text that is none",
            then(Point::Rows, whole(&data_row(&spoilt(&good.row)))),
        ),
        Fault::contract(
            "unknown_message",
            "sends a message nobody knows",
            at(Point::Rows, vec![Say(message(b'~', b"?")), Hang]),
        ),
        Fault::either(
            "length_zero",
            "announces a message shorter than its own length",
            at(Point::Rows, vec![Say(vec![b'D', 0, 0, 0, 0]), Hang]),
        ),
        Fault::unavailable(
            "closes_at_commit",
            "closes the connection at COMMIT",
            at(Point::Commit, vec![]),
        ),
        Fault::contract(
            "error_at_commit",
            "has an error of its own at COMMIT (SQLSTATE XX000)",
            then(Point::Commit, [refusal("XX000"), ready(b'I')].concat()),
        ),
    ]);
    all
}

fn retyped(row: &[Column], oid: u32) -> Vec<Column> {
    row.iter().map(|column| Column { oid, ..column.clone() }).collect()
}

/// The same row, its values no longer of any charset or size.
fn spoilt(row: &[Column]) -> Vec<Column> {
    let spoil = |column: &Column| Column { value: vec![0xff, 0xfe, 0x80], ..column.clone() };
    row.iter().map(spoil).collect()
}

/// Speaks to one client until it goes, or until the trouble ends the connection.
pub(super) async fn serve<S>(stream: &mut S, trouble: &Trouble) -> io::Result<End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // The startup message has no kind.
    let _startup = body(stream).await?;
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
