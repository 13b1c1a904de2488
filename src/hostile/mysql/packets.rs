//! Messages of MySQL's protocol, version 10, as a server writes them that ends rows with an OK.

use crate::hostile::Column;

/// Bytes of a message's longest part; one of that length is followed by another.
const PART: usize = 0xff_ffff;
/// Column types.
pub(super) const TINY: u8 = 0x01;
pub(super) const VAR_STRING: u8 = 0xfd;
pub(super) const BLOB: u8 = 0xfc;
/// Collations: UTF-8, and none.
const UTF8: u16 = 45;
const BINARY: u16 = 63;
/// The flag of columns that hold bytes and no text.
const IS_BINARY: u16 = 128;
/// PostgreSQL's number of the type that holds truths, which a [`Column`] has.
const BOOL: u32 = 16;
/// States of the connection.
const IN_TRANSACTION: u16 = 1;
const AUTOCOMMIT: u16 = 2;
pub(super) const MORE_RESULTS: u16 = 8;
/// What it can do, beside TLS: all that a client may ask for.
const CAPABILITIES: u32 = 0x01bf_a7ff & !TLS;
const TLS: u32 = 0x0800;

/// Messages that follow on each other.
pub(super) struct Counted {
    pub(super) bytes: Vec<u8>,
    next: u8,
}

impl Counted {
    pub(super) fn from(first: u8) -> Self {
        Self { bytes: Vec::new(), next: first }
    }

    pub(super) fn say(&mut self, body: &[u8]) {
        let mut rest = body;
        loop {
            let (part, after) = rest.split_at(rest.len().min(PART));
            self.bytes.extend(head(part.len(), self.next));
            self.bytes.extend(part);
            self.next = self.next.wrapping_add(1);
            rest = after;
            if part.len() < PART {
                return;
            }
        }
    }
}

/// What stands before a body of so many bytes.
pub(super) fn head(length: usize, number: u8) -> [u8; 4] {
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let [low, middle, high, _] = length;
    [low, middle, high, number]
}

/// One message.
pub(super) fn said(number: u8, body: &[u8]) -> Vec<u8> {
    let mut counted = Counted::from(number);
    counted.say(body);
    counted.bytes
}

/// The body of a greeting.
pub(super) fn welcome(has_tls: bool, plugin: &str) -> Vec<u8> {
    let capabilities = if has_tls { CAPABILITIES | TLS } else { CAPABILITIES };
    let [a, b, c, d] = capabilities.to_le_bytes();
    let mut body = b"\x0a8.0.36\0".to_vec();
    body.extend([1, 0, 0, 0]);
    body.extend(b"abcdefgh\0");
    body.extend([a, b, 45, 2, 0, c, d, 21]);
    body.extend([0; 10]);
    body.extend(b"ijklmnopqrst\0");
    body.extend(plugin.as_bytes());
    body.push(0);
    body
}

pub(super) fn greeting(has_tls: bool, plugin: &str) -> Vec<u8> {
    said(0, &welcome(has_tls, plugin))
}

/// The request to log in by another way.
pub(super) fn switch(plugin: &str) -> Vec<u8> {
    [b"\xfe", plugin.as_bytes(), b"\0abcdefghijklmnopqrst\0"].concat()
}

fn state(is_in_transaction: bool) -> u16 {
    if is_in_transaction { IN_TRANSACTION | AUTOCOMMIT } else { AUTOCOMMIT }
}

/// Done, with no rows.
pub(super) fn ok(is_in_transaction: bool) -> Vec<u8> {
    done(0x00, state(is_in_transaction))
}

/// These were all rows.
pub(super) fn end(more: u16) -> Vec<u8> {
    done(0xfe, state(true) | more)
}

fn done(kind: u8, state: u16) -> Vec<u8> {
    let [low, high] = state.to_le_bytes();
    vec![kind, 0, 0, low, high, 0, 0]
}

/// An error, with words that quote what was asked.
pub(super) fn error(number: u16) -> Vec<u8> {
    [&[0xff], &number.to_le_bytes()[..], b"#HY000not today, 430000188001010014"].concat()
}

/// The description of a statement with so many parameters.
pub(super) fn prepared(statement: u32, parameters: u16, row: &[Column]) -> Vec<u8> {
    let columns = u16::try_from(row.len()).unwrap_or(u16::MAX);
    let mut counted = Counted::from(1);
    counted.say(&described(statement, parameters, columns));
    for _ in 0..parameters {
        counted.say(&definition("?", VAR_STRING));
    }
    for column in row {
        counted.say(&column_of(column));
    }
    counted.bytes
}

/// The body that announces the definitions of parameters and columns.
pub(super) fn described(statement: u32, parameters: u16, columns: u16) -> Vec<u8> {
    let mut body = vec![0];
    body.extend(statement.to_le_bytes());
    body.extend(columns.to_le_bytes());
    body.extend(parameters.to_le_bytes());
    body.extend([0, 0, 0]);
    body
}

/// Columns, the row so often, and the end.
pub(super) fn rows(row: &[Column], times: usize) -> Vec<u8> {
    let mut counted = begun(row);
    let one = binary(row);
    (0..times).for_each(|_| counted.say(&one));
    counted.say(&end(0));
    counted.bytes
}

/// The columns of a reply, before its first row.
pub(super) fn begun(row: &[Column]) -> Counted {
    let mut counted = Counted::from(1);
    counted.say(&integer(row.len()));
    for column in row {
        counted.say(&column_of(column));
    }
    counted
}

fn column_of(column: &Column) -> Vec<u8> {
    definition(&column.name, if column.oid == BOOL { TINY } else { VAR_STRING })
}

/// A column's name and type.
pub(super) fn definition(name: &str, kind: u8) -> Vec<u8> {
    let mut body = b"\x03def\0\0\0".to_vec();
    body.extend(text(name.as_bytes()));
    body.extend(text(name.as_bytes()));
    let (collation, length, flags): (u16, u32, u16) = match kind {
        TINY => (BINARY, 1, 0),
        VAR_STRING => (UTF8, 1_024, 0),
        _ => (BINARY, 1_024, IS_BINARY),
    };
    body.push(0x0c);
    body.extend(collation.to_le_bytes());
    body.extend(length.to_le_bytes());
    body.push(kind);
    body.extend(flags.to_le_bytes());
    body.extend([0, 0, 0]);
    body
}

/// One row, as a prepared statement sends it.
pub(super) fn binary(row: &[Column]) -> Vec<u8> {
    let mut body = vec![0; 1 + (row.len() + 9) / 8];
    for column in row {
        if column.oid == BOOL {
            body.extend(column.value.first());
        } else {
            body.extend(text(&column.value));
        }
    }
    body
}

/// Bytes behind their number.
pub(super) fn text(bytes: &[u8]) -> Vec<u8> {
    [&integer(bytes.len())[..], bytes].concat()
}

/// A number that says how long it is.
pub(super) fn integer(number: usize) -> Vec<u8> {
    let [a, b, c, d, ..] = number.to_le_bytes();
    match number {
        0..=250 => vec![a],
        251..=0xffff => vec![0xfc, a, b],
        0x1_0000..=0xff_ffff => vec![0xfd, a, b, c],
        _ => vec![0xfe, a, b, c, d, 0, 0, 0, 0],
    }
}
