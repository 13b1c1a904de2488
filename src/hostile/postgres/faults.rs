//! What a database does wrong, from the login to the COMMIT.

use super::{
    Column, NUMERIC, Point, Trouble, bound, data_row, described, done, header, large, message,
    notice, ready, refusal,
};
use crate::hostile::script::Step::{self, Drip, Flood, Hang, Reset, Say};
use crate::hostile::{Act, Fault, Good};

pub(in crate::hostile) fn faults(good: &Good) -> Vec<Fault> {
    let talk = Talk { row: &good.row };
    let mut all = talk.logins();
    all.extend(talk.refusals());
    all.extend(talk.stops());
    all.extend(talk.floods());
    all.extend(talk.shapes());
    all.extend(talk.commits());
    all
}

/// A conversation about this row.
struct Talk<'a> {
    row: &'a [Column],
}

impl Talk<'_> {
    fn at(&self, at: Point, steps: Vec<Step>) -> Act {
        Act::Queries(Trouble { at, steps, goes_on: false, ..Trouble::about(self.row) })
    }

    fn then(&self, at: Point, bytes: Vec<u8>) -> Act {
        let steps = vec![Say(bytes)];
        Act::Queries(Trouble { at, steps, ..Trouble::about(self.row) })
    }

    /// Rows have begun, and one was sent.
    fn begun(&self) -> Vec<u8> {
        [bound(), data_row(self.row)].concat()
    }

    /// Nobody gets in.
    fn logins(&self) -> Vec<Fault> {
        vec![
            Fault::unavailable(
                "refuses_tls",
                "says that it has no TLS, and waits for the login",
                Act::Queries(Trouble { in_the_clear: true, ..Trouble::about(self.row) }),
            ),
            Fault::unavailable(
                "wrong_password",
                "refuses the password (SQLSTATE 28P01)",
                self.at(Point::Startup, vec![Say(refusal("28P01"))]),
            ),
            Fault::unavailable(
                "no_places",
                "has no connection left (SQLSTATE 53300)",
                self.at(Point::Startup, vec![Say(refusal("53300"))]),
            ),
            Fault::unavailable(
                "unknown_way_in",
                "wants a way to log in that nobody knows",
                self.at(
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
                self.at(Point::Startup, vec![Hang]),
            ),
            Fault::endless(
                "many_notices",
                "floods the login with 4 MB of notices, and lets nobody in",
                self.at(Point::Startup, vec![Step::Often(notice().repeat(32), 4_096), Hang]),
            ),
        ]
    }

    /// It speaks, and refuses.
    fn refusals(&self) -> Vec<Fault> {
        vec![
            Fault::unavailable(
                "closes_at_begin",
                "closes the connection at BEGIN",
                self.at(Point::Begin, vec![]),
            ),
            Fault::endless(
                "silent_at_begin",
                "never answers BEGIN",
                self.at(Point::Begin, vec![Hang]),
            ),
            Fault::unavailable(
                "shuts_down",
                "shuts down (SQLSTATE 57P01)",
                self.at(Point::Describe, vec![Say(refusal("57P01"))]),
            ),
            Fault::contract(
                "no_such_table",
                "has no such table (SQLSTATE 42P01)",
                self.then(Point::Describe, error("42P01")),
            ),
            Fault::contract(
                "no_right",
                "lets the account read nothing (SQLSTATE 42501)",
                self.then(Point::Describe, error("42501")),
            ),
            Fault::unavailable(
                "statement_time",
                "takes too long by its own clock (SQLSTATE 57014)",
                self.then(Point::Rows, [bound(), error("57014")].concat()),
            ),
        ]
    }

    /// It stops in the middle.
    fn stops(&self) -> Vec<Fault> {
        let row = data_row(self.row);
        vec![
            Fault::endless("silent", "never sends the rows", self.at(Point::Rows, vec![Hang])),
            Fault::endless(
                "silent_between_rows",
                "sends a row and nothing more",
                self.at(Point::Rows, vec![Say(self.begun()), Hang]),
            ),
            Fault::endless(
                "slow_row",
                "sends one byte of a row at a time",
                self.at(
                    Point::Rows,
                    vec![Say([bound(), header(b'D', 100_000)].concat()), Drip(vec![0])],
                ),
            ),
            Fault::unavailable(
                "closes_before_rows",
                "closes the connection before the first row",
                self.at(Point::Rows, vec![Say(bound())]),
            ),
            Fault::unavailable(
                "closes_between_rows",
                "closes the connection after a row",
                self.at(Point::Rows, vec![Say(self.begun())]),
            ),
            Fault::unavailable(
                "closes_in_a_row",
                "closes the connection in the middle of a row",
                self.at(
                    Point::Rows,
                    vec![Say(bound()), Say(row.get(..row.len() / 2).unwrap_or_default().to_vec())],
                ),
            ),
            Fault::unavailable(
                "resets_between_rows",
                "resets the connection after a row",
                self.at(Point::Rows, vec![Say(self.begun()), Reset]),
            ),
        ]
    }

    /// It errs, or does not stop.
    fn floods(&self) -> Vec<Fault> {
        let row = data_row(self.row);
        vec![
            Fault::contract(
                "error_between_rows",
                "has an error of its own after a row (SQLSTATE XX000)",
                self.then(Point::Rows, [self.begun(), error("XX000")].concat()),
            ),
            Fault::contract(
                "error_instead_of_rows",
                "has an error of its own instead of rows (SQLSTATE XX001)",
                self.then(Point::Rows, [bound(), error("XX001")].concat()),
            ),
            Fault::contract(
                "no_end_of_rows",
                "is ready for the next question without having ended this one",
                self.then(Point::Rows, [bound(), ready(b'T')].concat()),
            ),
            Fault::contract(
                "too_many_rows",
                "sends 20 000 rows",
                self.then(Point::Rows, whole(&row.repeat(20_000))),
            ),
            Fault::either(
                "rows_without_end",
                "never stops sending rows",
                self.at(Point::Rows, vec![Say(bound()), Flood(row.repeat(64))]),
            ),
            Fault::contract(
                "notices_without_end",
                "never stops sending notices in place of rows",
                self.at(Point::Rows, vec![Say(bound()), Flood(notice().repeat(64))]),
            ),
            Fault::endless(
                "notices_drop_by_drop",
                "sends a notice now and then, and never the rows",
                self.at(Point::Rows, vec![Say(bound()), Step::Drip(notice())]),
            ),
            Fault::either(
                "large_value",
                "sends a value of 48 MB",
                self.at(
                    Point::Rows,
                    vec![
                        Say(bound()),
                        Say(large(48 << 20)),
                        Step::Often(vec![b'x'; 65_536], (48 << 20) / 65_536),
                        Say([done(), ready(b'T')].concat()),
                    ],
                ),
            ),
            Fault::contract(
                "gigabyte_announced",
                "announces a value of a gigabyte",
                self.at(Point::Rows, vec![Say(bound()), Say(large(1 << 30)), Hang]),
            ),
        ]
    }

    /// What it sends has the wrong shape.
    fn shapes(&self) -> Vec<Fault> {
        vec![
            Fault::contract(
                "wrong_types",
                "describes columns of a type the statement does not have",
                self.then(Point::Describe, described(&retyped(self.row, NUMERIC))),
            ),
            Fault::contract(
                "other_columns",
                "describes other columns than the statement has",
                self.then(Point::Describe, described(&[Column::text("other", "1")])),
            ),
            Fault::contract(
                "columns_twice",
                "describes and sends each column twice",
                Act::Queries(Trouble::about(&[self.row, self.row].concat())),
            ),
            Fault::contract(
                "too_few_values",
                "sends rows with fewer values than columns",
                self.then(Point::Rows, whole(&message(b'D', &0_u16.to_be_bytes()))),
            ),
            Fault::contract(
                "too_many_values",
                "announces more values in a row than there are",
                self.then(Point::Rows, whole(&message(b'D', &[0x7f, 0xff, 0, 0, 0, 1]))),
            ),
            Fault::contract(
                "length_beyond_row",
                "announces a value longer than its row",
                self.then(
                    Point::Rows,
                    whole(&message(b'D', &[0, 1, 0x7f, 0xff, 0xff, 0xff, b'x'])),
                ),
            ),
            Fault::contract(
                "no_text",
                "sends text that is none",
                self.then(Point::Rows, whole(&data_row(&spoilt(self.row)))),
            ),
            Fault::never(
                "unknown_message",
                "sends a message nobody knows",
                self.at(Point::Rows, vec![Say(message(b'~', b"?")), Hang]),
            ),
            Fault::never(
                "length_zero",
                "announces a message shorter than its own length",
                self.at(Point::Rows, vec![Say(vec![b'D', 0, 0, 0, 0]), Hang]),
            ),
        ]
    }

    /// All rows were sent, and then it goes wrong.
    fn commits(&self) -> Vec<Fault> {
        vec![
            Fault::unavailable(
                "closes_at_commit",
                "closes the connection at COMMIT",
                self.at(Point::Commit, vec![]),
            ),
            Fault::contract(
                "error_at_commit",
                "has an error of its own at COMMIT (SQLSTATE XX000)",
                self.then(Point::Commit, [refusal("XX000"), ready(b'I')].concat()),
            ),
        ]
    }
}

/// An error, and then the next question.
fn error(code: &str) -> Vec<u8> {
    [refusal(code), ready(b'E')].concat()
}

/// All there is to say about these rows.
fn whole(rows: &[u8]) -> Vec<u8> {
    [&bound()[..], rows, &done(), &ready(b'T')].concat()
}

fn retyped(row: &[Column], oid: u32) -> Vec<Column> {
    row.iter().map(|column| Column { oid, ..column.clone() }).collect()
}

/// The same row, its values no longer of any charset or size.
fn spoilt(row: &[Column]) -> Vec<Column> {
    let spoil = |column: &Column| Column { value: vec![0xff, 0xfe, 0x80], ..column.clone() };
    row.iter().map(spoil).collect()
}
