//! What a database does wrong, from the greeting to the COMMIT: who gets in, and whether it speaks at all.

use super::packets::{error, greeting, head, ok, said, switch, welcome};
use super::{Column, Point, Trouble};
use crate::hostile::script::Step::{self, Drip, Flood, Hang, Reset, Say};
use crate::hostile::{Act, Fault, Good};

pub(in crate::hostile) fn faults(good: &Good) -> Vec<Fault> {
    let talk = Talk { row: &good.row };
    let mut all = talk.greetings();
    all.extend(talk.without_tls());
    all.extend(talk.logins());
    all.extend(talk.refusals());
    all.extend(talk.replies());
    all.extend(talk.commits());
    all
}

/// A conversation about this row.
pub(super) struct Talk<'a> {
    pub(super) row: &'a [Column],
}

impl Talk<'_> {
    pub(super) fn trouble(&self, at: Point, steps: Vec<Step>) -> Trouble {
        Trouble { at, steps, goes_on: false, ..Trouble::about(self.row) }
    }

    pub(super) fn at(&self, at: Point, steps: Vec<Step>) -> Act {
        Act::Speaks(self.trouble(at, steps))
    }

    pub(super) fn then(&self, at: Point, bytes: Vec<u8>) -> Act {
        Act::Speaks(Trouble { goes_on: true, ..self.trouble(at, vec![Say(bytes)]) })
    }

    /// The first message is none that can be answered.
    fn greetings(&self) -> Vec<Fault> {
        let says = |bytes: Vec<u8>| self.at(Point::Greeting, vec![Say(bytes)]);
        let whole = greeting(true, "mysql_native_password");
        let body = welcome(true, "mysql_native_password");
        let half = body.get(..body.len() / 2).unwrap_or_default();
        let mut nameless = body.clone();
        nameless.retain(|byte| *byte != 0);
        vec![
            Fault::unavailable(
                "no_places",
                "has no connection left (error 1040)",
                says(said(0, &error(1_040))),
            ),
            Fault::unavailable(
                "host_blocked",
                "lets this host in no more (error 1129)",
                says(said(0, &error(1_129))),
            ),
            Fault::either("empty_greeting", "greets with an empty message", says(said(0, b""))),
            Fault::either("half_a_greeting", "greets with half a message", says(said(0, half))),
            Fault::either(
                "endless_version",
                "greets with a version that never ends",
                says(said(0, &nameless)),
            ),
            Fault::either(
                "short_error",
                "greets with an error that is cut short",
                says(said(0, &[0xff, 0x10])),
            ),
            Fault::unavailable(
                "cut_greeting",
                "closes the connection in the middle of the greeting",
                says(whole.get(..20).unwrap_or_default().to_vec()),
            ),
            Fault::unavailable(
                "unknown_way_in",
                "knows nothing but a way to log in that nobody knows",
                says(greeting(true, "authentication_by_handshake")),
            ),
            Fault::endless(
                "greeting_drop_by_drop",
                "greets one byte at a time, and never comes to the end",
                self.at(Point::Greeting, vec![Say(head(60_000, 0).to_vec()), Drip(vec![10])]),
            ),
        ]
    }

    /// It will not encrypt, and hopes that we talk on.
    fn without_tls(&self) -> Vec<Fault> {
        let clear = |trouble| Act::Speaks(Trouble { in_the_clear: true, ..trouble });
        let asks = |bytes: Vec<u8>| Trouble {
            goes_on: true,
            ..self.trouble(Point::Greeting, vec![Say(bytes)])
        };
        vec![
            Fault::unavailable(
                "refuses_tls",
                "says that it has no TLS, and waits for the login",
                clear(Trouble { goes_on: true, ..self.trouble(Point::Nowhere, Vec::new()) }),
            ),
            Fault::unavailable(
                "asks_for_password_without_tls",
                "says that it has no TLS, and wants the password as it is",
                clear(asks(greeting(false, "mysql_clear_password"))),
            ),
            Fault::unavailable(
                "asks_for_old_login_without_tls",
                "says that it has no TLS, and wants the login of old servers",
                clear(asks(greeting(false, "sha256_password"))),
            ),
            Fault::unavailable(
                "switches_without_tls",
                "says that it has no TLS, and asks for the password once we have begun",
                clear(self.trouble(
                    Point::Login,
                    vec![Say(said(2, &switch("mysql_clear_password"))), Hang],
                )),
            ),
        ]
    }

    /// Nobody gets in.
    fn logins(&self) -> Vec<Fault> {
        let says = |body: &[u8]| self.at(Point::Login, vec![Say(said(3, body))]);
        vec![
            Fault::unavailable(
                "wrong_password",
                "refuses the password (error 1045)",
                says(&error(1_045)),
            ),
            Fault::unavailable(
                "wrong_database",
                "lets the account into another database only (error 1044)",
                says(&error(1_044)),
            ),
            Fault::either("no_database", "has no such database (error 1049)", says(&error(1_049))),
            Fault::unavailable(
                "switches_to_password",
                "wants the password as it is, by a way to log in that is not allowed",
                self.at(Point::Login, vec![Say(said(3, &switch("mysql_clear_password"))), Hang]),
            ),
            Fault::unavailable(
                "switches_to_unknown",
                "switches to a way to log in that nobody knows",
                self.at(Point::Login, vec![Say(said(3, &switch("dialog"))), Hang]),
            ),
            Fault::either(
                "short_switch",
                "switches to another way to log in without saying which",
                says(&[0xfe]),
            ),
            Fault::never(
                "switches_without_end",
                "switches to another way to log in again and again",
                self.at(Point::Login, vec![Flood(said(3, &switch("mysql_native_password")))]),
            ),
            Fault::either("more_to_log_in", "wants more than there is", says(&[0x01, 0x77])),
            Fault::either("empty_login", "answers the login with an empty message", says(b"")),
            Fault::endless(
                "silent_at_login",
                "never says whether the password was right",
                self.at(Point::Login, vec![Hang]),
            ),
            Fault::unavailable(
                "resets_at_login",
                "resets the connection after the login",
                self.at(Point::Login, vec![Reset]),
            ),
            Fault::either(
                "refuses_settings",
                "knows none of the session's settings (error 1193)",
                self.then(Point::Settings, said(1, &error(1_193))),
            ),
            Fault::endless(
                "silent_at_settings",
                "never answers SET",
                self.at(Point::Settings, vec![Hang]),
            ),
        ]
    }

    /// It speaks, and refuses.
    fn refusals(&self) -> Vec<Fault> {
        vec![
            Fault::unavailable(
                "closes_at_begin",
                "closes the connection at START TRANSACTION",
                self.at(Point::Begin, vec![]),
            ),
            Fault::unavailable(
                "resets_at_begin",
                "resets the connection at START TRANSACTION",
                self.at(Point::Begin, vec![Reset]),
            ),
            Fault::endless(
                "silent_at_begin",
                "never answers START TRANSACTION",
                self.at(Point::Begin, vec![Hang]),
            ),
            Fault::contract(
                "begins_nothing",
                "answers START TRANSACTION, and is in no transaction",
                self.then(Point::Begin, said(1, &ok(false))),
            ),
            Fault::unavailable(
                "shuts_down",
                "shuts down (error 1053)",
                self.at(Point::Describe, vec![Say(said(1, &error(1_053)))]),
            ),
            Fault::contract(
                "no_such_table",
                "has no such table (error 1146)",
                self.then(Point::Describe, said(1, &error(1_146))),
            ),
            Fault::contract(
                "no_right",
                "lets the account read nothing (error 1142)",
                self.then(Point::Describe, said(1, &error(1_142))),
            ),
            Fault::unavailable(
                "statement_time",
                "takes too long by its own clock (error 3024)",
                self.then(Point::Rows, said(1, &error(3_024))),
            ),
            Fault::unavailable(
                "statement_time_of_mariadb",
                "takes too long by its own clock (error 1969)",
                self.then(Point::Rows, said(1, &error(1_969))),
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
            Fault::unavailable(
                "resets_at_commit",
                "resets the connection at COMMIT",
                self.at(Point::Commit, vec![Reset]),
            ),
            Fault::endless(
                "silent_at_commit",
                "never answers COMMIT",
                self.at(Point::Commit, vec![Hang]),
            ),
            Fault::contract(
                "error_at_commit",
                "has an error of its own at COMMIT (error 1180)",
                self.then(Point::Commit, said(1, &error(1_180))),
            ),
        ]
    }
}
