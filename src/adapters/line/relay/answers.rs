//! Which messages of MySQL's protocol may follow on which, once the log-in is over.
//!
//! The driver believes what it is told: it sets aside memory for as many columns as are announced, takes an OK in the
//! place of rows for "there are none", and a message too many for the answer to what it asks next. So no message passes
//! here that what was asked cannot be answered with.

use std::collections::VecDeque;

use super::cut::Cut;

/// Bytes before a message: its length, and its number.
const HEAD: usize = 4;
/// MySQL has tables of so many columns and no more.
const MOST_COLUMNS: u64 = 4_096;
/// State of the connection: another result follows. No SELECT has two.
const MORE_RESULTS: u16 = 0x0008;

const QUIT: u8 = 0x01;
const PREPARE: u8 = 0x16;
const EXECUTE: u8 = 0x17;
const LONG_DATA: u8 = 0x18;
const CLOSE: u8 = 0x19;

/// What the driver has asked and what of its answer has come.
pub(super) struct Answers {
    /// Whether definitions end with a message of their own, as before MySQL 5.7.5.
    ends_definitions: bool,
    commands: Commands,
    asked: VecDeque<u8>,
    comes: Comes,
}

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comes {
    /// The end of the log-in, whatever comes before.
    LogIn,
    /// The answer to the next command, if there was one.
    Answer,
    /// Definitions of a prepared statement: so many parameters, and then so many columns.
    Described {
        parameters: u64,
        columns: u64,
    },
    /// So many definitions of columns, and then rows.
    Columns(u64),
    Rows,
    /// The end of definitions, and then that.
    End(After),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Parameters { columns: u64 },
    Described,
    Columns,
}

impl Answers {
    /// Before the log-in is over. `ends_definitions` is what the two sides have agreed on.
    pub(super) fn new(ends_definitions: bool) -> Self {
        Self {
            ends_definitions,
            commands: Commands::default(),
            asked: VecDeque::new(),
            comes: Comes::LogIn,
        }
    }

    /// The driver says so much more.
    pub(super) fn ask(&mut self, bytes: &[u8]) {
        let asked = &mut self.asked;
        let is_answered = |command: &u8| ![QUIT, LONG_DATA, CLOSE].contains(command);
        self.commands.read(bytes, |command| asked.extend(Some(command).filter(is_answered)));
    }

    /// How many of these bytes, which are whole messages of the server, may be passed on, and why no more may.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> (usize, Option<Cut>) {
        let mut passed = 0;
        while let Some([low, middle, high, _number, rest @ ..]) = bytes.get(passed..) {
            let length = usize::from(*low) | usize::from(*middle) << 8 | usize::from(*high) << 16;
            let Some(comes) = rest.get(..length).and_then(|body| self.after(body)) else {
                return (passed, Some(Cut::Broken));
            };
            self.comes = comes;
            passed += HEAD + length;
        }
        (passed, None)
    }

    /// What may come after this message; `None` where it may not come itself.
    fn after(&mut self, body: &[u8]) -> Option<Comes> {
        let kind = body.first();
        if self.comes == Comes::LogIn {
            let is_over = matches!(kind, Some(0x00 | 0xff));
            return Some(if is_over { Comes::Answer } else { Comes::LogIn });
        }
        if kind == Some(&0xff) {
            // An error, and the end of whatever came; or a farewell that nobody asked for.
            if self.comes == Comes::Answer {
                self.asked.pop_front();
            }
            return Some(Comes::Answer);
        }
        match self.comes {
            Comes::LogIn => None,
            Comes::Answer => {
                let command = self.asked.pop_front()?;
                self.answer(command, body)
            }
            Comes::Described { parameters: 0, columns } => self.described(columns.checked_sub(1)?),
            Comes::Described { parameters, columns } => match (parameters - 1, columns) {
                (0, columns) if self.ends_definitions => {
                    Some(Comes::End(After::Parameters { columns }))
                }
                (0, 0) => Some(Comes::Answer),
                (parameters, columns) => Some(Comes::Described { parameters, columns }),
            },
            Comes::Columns(count) => match count.checked_sub(1)? {
                0 if self.ends_definitions => Some(Comes::End(After::Columns)),
                0 => Some(Comes::Rows),
                count => Some(Comes::Columns(count)),
            },
            Comes::Rows => match kind? {
                0x00 => Some(Comes::Rows),
                0xfe if self.is_last(body)? => Some(Comes::Answer),
                _ => None,
            },
            Comes::End(after) => {
                if kind != Some(&0xfe) {
                    return None;
                }
                Some(match after {
                    After::Parameters { columns: 0 } | After::Described => Comes::Answer,
                    After::Parameters { columns } => Comes::Described { parameters: 0, columns },
                    After::Columns => Comes::Rows,
                })
            }
        }
    }

    /// The first message of the answer to a command.
    fn answer(&self, command: u8, body: &[u8]) -> Option<Comes> {
        match (command, body) {
            (PREPARE, [0x00, _, _, _, _, columns @ .., _, _, _]) if columns.len() == 4 => {
                let [a, b, c, d] = *columns.first_chunk()?;
                let [columns, parameters] =
                    [[a, b], [c, d]].map(|two| u64::from(u16::from_le_bytes(two)));
                match (parameters, columns) {
                    (0, 0) => Some(Comes::Answer),
                    (parameters, columns) => Some(Comes::Described { parameters, columns }),
                }
            }
            (PREPARE, _) => None,
            // Rows, be it none of them: a SELECT is never merely done.
            (EXECUTE, [first, ..]) if *first > 0 => {
                let (count, _) = integer(body)?;
                (1..=MOST_COLUMNS).contains(&count).then_some(Comes::Columns(count))
            }
            (EXECUTE, _) => None,
            // What is not prepared is asked for no rows.
            (_, [0x00, ..]) => Some(Comes::Answer),
            _ => None,
        }
    }

    fn described(&self, columns: u64) -> Option<Comes> {
        Some(match columns {
            0 if self.ends_definitions => Comes::End(After::Described),
            0 => Comes::Answer,
            columns => Comes::Described { parameters: 0, columns },
        })
    }

    /// Whether no other result follows on this end of one; `None` where it does not say.
    fn is_last(&self, body: &[u8]) -> Option<bool> {
        let state = if self.ends_definitions {
            body.get(3..5)?
        } else {
            let (_rows, rest) = integer(body.get(1..)?)?;
            let (_id, rest) = integer(rest)?;
            rest.get(..2)?
        };
        Some(u16::from_le_bytes(*state.first_chunk()?) & MORE_RESULTS == 0)
    }
}

/// A number that says how long it is, and what stands behind it.
fn integer(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let length = match first {
        0xfb | 0xff => return None,
        0xfc => 2,
        0xfd => 3,
        0xfe => 8,
        small => return Some((u64::from(*small), rest)),
    };
    let (digits, rest) = rest.split_at_checked(length)?;
    let number = digits.iter().rev().fold(0, |number, digit| number << 8 | u64::from(*digit));
    Some((number, rest))
}

/// Finds the commands in what the driver says, however it is cut into pieces.
#[derive(Default)]
struct Commands {
    /// The beginning of a message, as far as it has come: its head and its first byte.
    begun: Vec<u8>,
    /// So much of a message that is known is still to come.
    skip: usize,
}

impl Commands {
    fn read(&mut self, mut bytes: &[u8], mut tell: impl FnMut(u8)) {
        while let Some((first, rest)) = bytes.split_first() {
            if self.skip > 0 {
                let (skipped, rest) = bytes.split_at(self.skip.min(bytes.len()));
                self.skip -= skipped.len();
                bytes = rest;
                continue;
            }
            self.begun.push(*first);
            bytes = rest;
            let [low, middle, high, number, command @ ..] = self.begun.as_slice() else { continue };
            let length = usize::from(*low) | usize::from(*middle) << 8 | usize::from(*high) << 16;
            match (length, command.first()) {
                (0, _) => {}
                (_, None) => continue,
                // A command begins a count of messages; what goes on belongs to one.
                (_, Some(command)) => {
                    if *number == 0 {
                        tell(*command);
                    }
                    self.skip = length - 1;
                }
            }
            self.begun.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).unwrap().to_le_bytes();
        [&length[..3], &[1], body].concat()
    }

    fn command(body: &[u8]) -> Vec<u8> {
        let mut bytes = said(body);
        bytes[3] = 0;
        bytes
    }

    const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
    const END: &[u8] = &[0xfe, 0, 0, 2, 0, 0, 0];
    const OLD_END: &[u8] = &[0xfe, 0, 0, 2, 0];
    const MORE: &[u8] = &[0xfe, 0, 0, 0x0a, 0, 0, 0];
    const ERROR: &[u8] = b"\xff\x15\x04#28000no";
    const DEFINED: &[u8] = b"\x03def";
    const ROW: &[u8] = &[0, 0, 1, b'x'];
    /// The log-in is over, and these were asked.
    fn asked(ends_definitions: bool, commands: &[u8]) -> Answers {
        let mut answers = Answers::new(ends_definitions);
        assert_eq!(answers.hear(&said(b"\xfemysql_native_password\0")).1, None);
        assert_eq!(answers.hear(&said(OK)).1, None);
        for one in commands {
            answers.ask(&command(&[*one, 1, 2, 3]));
        }
        answers
    }

    fn passes(ends_definitions: bool, commands: &[u8], messages: &[&[u8]]) -> bool {
        let mut answers = asked(ends_definitions, commands);
        let bytes: Vec<u8> = messages.iter().flat_map(|body| said(body)).collect();
        let (passed, cut) = answers.hear(&bytes);
        assert_eq!(cut.is_none(), passed == bytes.len());
        cut.is_none() && answers.comes == Comes::Answer && answers.asked.is_empty()
    }

    #[test]
    fn what_servers_say_passes() {
        let described = &[0, 1, 0, 0, 0, 2, 0, 1, 0, 0, 0, 0];
        for (old, commands, messages) in [
            (false, &[3][..], &[OK][..]),
            (false, &[3, 3, CLOSE, 0x0e], &[OK, ERROR, OK]),
            (false, &[PREPARE], &[described, DEFINED, DEFINED, DEFINED]),
            (true, &[PREPARE], &[described, DEFINED, OLD_END, DEFINED, DEFINED, OLD_END]),
            (false, &[PREPARE], &[&[0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]),
            (false, &[EXECUTE], &[&[2], DEFINED, DEFINED, ROW, ROW, END]),
            (true, &[EXECUTE], &[&[1], DEFINED, OLD_END, ROW, OLD_END]),
            (false, &[EXECUTE, 3], &[&[1], DEFINED, END, OK]),
            (false, &[EXECUTE], &[&[1], DEFINED, ROW, ERROR]),
            (false, &[EXECUTE], &[ERROR]),
            // Killed while nothing was asked.
            (false, &[], &[ERROR]),
        ] {
            assert!(passes(old, commands, messages), "{old} {commands:?} {messages:?}");
        }
    }

    #[test]
    fn what_answers_no_question_does_not() {
        let many = &[0xfe, 0, 0, 0, 0, 0, 1, 0, 0];
        for (commands, messages) in [
            // Done, where there must be rows: "there are none".
            (&[EXECUTE][..], &[OK][..]),
            // 2^40 columns, at once or in a second result; more than there can be; none.
            (&[EXECUTE], &[many]),
            (&[EXECUTE], &[&[0xfc, 1, 0x10]]),
            (&[EXECUTE], &[&[1], DEFINED, ROW, MORE]),
            (&[3], &[many]),
            (&[EXECUTE], &[b"\xfb/etc/passwd"]),
            (&[EXECUTE], &[b""]),
            (&[EXECUTE], &[&[0xfc, 1]]),
            // An answer more than was asked would answer what is asked next.
            (&[], &[OK]),
            (&[3], &[OK, OK]),
            (&[EXECUTE], &[&[1], DEFINED, END, OK]),
            (&[PREPARE], &[&[0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], DEFINED, OK]),
            (&[PREPARE], &[&[0; 5]]),
            (&[PREPARE], &[&[1], DEFINED]),
            (&[3], &[&[1], DEFINED, ROW, END]),
        ] {
            assert!(!passes(false, commands, messages), "{commands:?} {messages:?}");
        }
    }

    #[test]
    fn commands_are_found_however_they_are_cut() {
        let bytes = [
            command(b"\x03BEGIN"),
            said(b"\x17no command"),
            command(b""),
            command(&[PREPARE]),
            command(&[EXECUTE; 700]),
        ]
        .concat();
        for size in [1, 2, 3, 5, 7, 1_000] {
            let (mut commands, mut told) = (Commands::default(), Vec::new());
            bytes.chunks(size).for_each(|piece| commands.read(piece, |one| told.push(one)));
            assert_eq!(told, [3, PREPARE, EXECUTE], "{size}");
        }
    }
}
