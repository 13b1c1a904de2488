//! Where a message ends, and how much a database may say before it is asked something else.

use super::cut::Cut;
use crate::adapters::manifest::Dialect;

/// From this length on MySQL cuts a message into pieces; neither database has any that long for one row.
const TOO_LONG: usize = 0xff_ffff;
/// Bytes of one turn: rows of 16 MiB of text, and what they are wrapped in.
const MOST_BYTES: usize = 32 << 20;
/// What one turn may hold of messages that are no part of an answer: notices, settings, notifications.
const MOST_NOTICES: usize = 1_000;

/// One message, told by its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Message {
    /// Bytes, the head's among them.
    length: usize,
    /// PostgreSQL's kind of message. MySQL has none.
    kind: u8,
}

/// The message that begins here; `None` while its head is not whole.
fn message(dialect: Dialect, bytes: &[u8]) -> Result<Option<Message>, Cut> {
    let (body, message) = match (dialect, bytes) {
        (Dialect::PostgreSql, [kind, a, b, c, d, ..]) => {
            let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap_or(TOO_LONG);
            // The length counts itself.
            let body = length.checked_sub(4).ok_or(Cut::Broken)?;
            (body, Message { length: length.saturating_add(1), kind: *kind })
        }
        (Dialect::MySql, [a, b, c, _number, ..]) => {
            let body = usize::from(*a) | usize::from(*b) << 8 | usize::from(*c) << 16;
            (body, Message { length: body + 4, kind: 0 })
        }
        _ => return Ok(None),
    };
    if body >= TOO_LONG { Err(Cut::Long) } else { Ok(Some(message)) }
}

/// Counts what a database says from one utterance of the driver to the next.
pub(super) struct Meter {
    dialect: Dialect,
    /// Messages of one turn.
    most: usize,
    bytes: usize,
    messages: usize,
    notices: usize,
    is_owed: bool,
}

impl Meter {
    /// For turns of so many messages.
    pub(super) fn new(dialect: Dialect, most: usize) -> Self {
        Self { dialect, most, bytes: 0, messages: 0, notices: 0, is_owed: false }
    }

    /// The driver has spoken: it is the database's turn.
    pub(super) fn begin_turn(&mut self) {
        *self = Self { is_owed: true, ..Self::new(self.dialect, self.most) };
    }

    /// The database has not come to the end of its turn. In MySQL's protocol every message may be that end.
    pub(super) fn is_owed(&self) -> bool {
        self.is_owed
    }

    /// How many of these bytes are whole messages that may be passed on, and why no more may, where that is so.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> (usize, Option<Cut>) {
        let mut passed = 0;
        loop {
            let rest = bytes.get(passed..).unwrap_or_default();
            let message = match message(self.dialect, rest) {
                Ok(Some(message)) => message,
                Ok(None) => return (passed, None),
                Err(cut) => return (passed, Some(cut)),
            };
            if self.bytes.saturating_add(message.length) > MOST_BYTES {
                return (passed, Some(Cut::Much));
            }
            if message.length > rest.len() {
                return (passed, None);
            }
            if let Err(cut) = self.count(message) {
                return (passed, Some(cut));
            }
            passed += message.length;
        }
    }

    fn count(&mut self, message: Message) -> Result<(), Cut> {
        self.bytes += message.length;
        self.messages += 1;
        match (self.dialect, message.kind) {
            (Dialect::MySql, _) | (Dialect::PostgreSql, b'Z') => self.is_owed = false,
            (Dialect::PostgreSql, b'N' | b'S' | b'A') => self.notices += 1,
            (Dialect::PostgreSql, _) => {}
        }
        if self.messages > self.most || self.notices > MOST_NOTICES {
            return Err(Cut::Many);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Cut, MOST_NOTICES, Meter};
    use crate::adapters::manifest::Dialect::{MySql, PostgreSql};

    fn said(kind: u8, length: u32) -> Vec<u8> {
        let body = vec![b'x'; usize::try_from(length).unwrap() - 4];
        [&[kind][..], &length.to_be_bytes(), &body].concat()
    }

    #[test]
    fn only_whole_messages_pass() {
        let row = said(b'D', 10);
        let mut meter = Meter::new(PostgreSql, 10);
        for cut in 0..row.len() {
            assert_eq!(meter.pass(&row[..cut]), (0, None), "{cut}");
        }
        let rows = [&row[..], &row, &row[..7]].concat();
        assert_eq!(meter.pass(&rows), (22, None));
        let mut meter = Meter::new(MySql, 10);
        assert_eq!(meter.pass(&[2, 0, 0, 7, 1, 2, 3, 0, 0, 8, 1, 2]), (6, None));
        assert_eq!(meter.pass(&[2, 0, 0]), (0, None));
    }

    #[test]
    fn what_is_announced_too_long_or_broken_does_not() {
        for (dialect, head, cut) in [
            (PostgreSql, &[b'D', 0x40, 0, 0, 0][..], Cut::Long),
            (PostgreSql, &[b'D', 1, 0, 0, 3], Cut::Long),
            (PostgreSql, &[b'D', 0xff, 0xff, 0xff, 0xff], Cut::Long),
            (PostgreSql, &[b'D', 0, 0, 0, 3], Cut::Broken),
            (MySql, &[0xff, 0xff, 0xff, 1], Cut::Long),
        ] {
            assert_eq!(Meter::new(dialect, 10).pass(head), (0, Some(cut)), "{head:?}");
        }
        for (dialect, head) in
            [(PostgreSql, &[b'D', 1, 0, 0, 2][..]), (MySql, &[0xfe, 0xff, 0xff, 1])]
        {
            assert_eq!(Meter::new(dialect, 10).pass(head), (0, None), "{head:?}");
        }
    }

    /// What came before is passed on, so that the driver can speak first of what it knows better.
    #[test]
    fn a_turn_has_an_end_and_the_next_begins_anew() {
        let mut meter = Meter::new(PostgreSql, 3);
        for _ in 0..2 {
            meter.begin_turn();
            assert!(meter.is_owed());
            assert_eq!(meter.pass(&said(b'D', 4).repeat(4)), (15, Some(Cut::Many)));
            assert!(meter.is_owed());
        }
        let mut meter = Meter::new(PostgreSql, 1 << 20);
        let notices = said(b'N', 4).repeat(MOST_NOTICES + 1);
        assert_eq!(meter.pass(&notices), (5 * MOST_NOTICES, Some(Cut::Many)));
        meter.begin_turn();
        let large = said(b'D', 0xff_fff0);
        assert_eq!(meter.pass(&large), (large.len(), None));
        assert_eq!(meter.pass(&large), (large.len(), None));
        // Refused by its head: it need not come.
        assert_eq!(meter.pass(&large[..5]), (0, Some(Cut::Much)));
        meter.begin_turn();
        assert_eq!(meter.pass(&said(b'Z', 5)), (6, None));
        assert!(!meter.is_owed());
    }
}
