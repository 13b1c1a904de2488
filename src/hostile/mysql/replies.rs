//! What a database does wrong while it describes a statement and sends its rows.

use super::faults::Talk;
use super::packets::{
    BLOB, Counted, MORE_RESULTS, VAR_STRING, begun, binary, definition, described, end, error,
    head, integer, ok, rows, said, text,
};
use super::{Column, Point, STATEMENT, Trouble, counted};
use crate::hostile::script::Step::{self, Drip, Flood, Hang, Reset, Say};
use crate::hostile::{Act, Fault};

impl Talk<'_> {
    /// All of them.
    pub(super) fn replies(&self) -> Vec<Fault> {
        let mut all = self.descriptions();
        all.extend(self.stops());
        all.extend(self.floods());
        all.extend(self.shapes());
        all.extend(self.lengths());
        all.extend(self.files());
        all
    }

    /// Rows have begun, and one was sent.
    fn begun(&self) -> Counted {
        let mut counted = begun(self.row);
        counted.say(&binary(self.row));
        counted
    }

    /// One row with this body, and the end.
    fn with_row(&self, body: &[u8]) -> Vec<u8> {
        let mut counted = begun(self.row);
        counted.say(body);
        counted.say(&end(0));
        counted.bytes
    }

    /// The statement is described as another.
    fn descriptions(&self) -> Vec<Fault> {
        let says = |bodies: &[Vec<u8>]| self.then(Point::Describe, counted(bodies));
        let with = |body: Vec<u8>| says(&[described(STATEMENT, 1, 1), body.clone(), body]);
        let unknown = definition("n", 0x20);
        let mut short = definition("n", VAR_STRING);
        short.truncate(9);
        vec![
            Fault::contract(
                "other_parameters",
                "describes a statement with seven parameters",
                says(
                    &[vec![described(STATEMENT, 7, 0)], vec![definition("?", VAR_STRING); 7]]
                        .concat(),
                ),
            ),
            Fault::never(
                "many_columns_described",
                "announces 65 535 columns and describes none",
                self.at(
                    Point::Describe,
                    vec![Say(said(1, &described(STATEMENT, 1, u16::MAX))), Hang],
                ),
            ),
            Fault::contract(
                "half_a_description",
                "describes half a statement",
                says(&[vec![0; 5]]),
            ),
            Fault::contract(
                "unknown_type",
                "describes a column of a type nobody knows",
                with(unknown),
            ),
            Fault::contract("short_column", "describes a column in half a message", with(short)),
            Fault::contract(
                "name_beyond_message",
                "announces the name of a column longer than its message",
                with(b"\x03def\0\0\0\xfd\xff\xff\xff".to_vec()),
            ),
            Fault::contract(
                "name_in_gbk",
                "names a column in another charset",
                with(spelt(&[0xd5, 0xc5])),
            ),
            Fault::unavailable(
                "resets_at_description",
                "resets the connection instead of describing the statement",
                self.at(Point::Describe, vec![Reset]),
            ),
            Fault::endless(
                "silent_at_description",
                "never describes the statement",
                self.at(Point::Describe, vec![Hang]),
            ),
        ]
    }

    /// It stops in the middle.
    fn stops(&self) -> Vec<Fault> {
        let rows = |steps| self.at(Point::Rows, steps);
        let whole = rows_of(self.row);
        let begun = self.begun().bytes;
        let columns = begun_of(self.row);
        let part = |share: usize| whole.get(..whole.len() * share / 8).unwrap_or_default().to_vec();
        vec![
            Fault::endless("silent", "never sends the rows", rows(vec![Hang])),
            Fault::endless(
                "silent_between_rows",
                "sends a row and nothing more",
                rows(vec![Say(begun.clone()), Hang]),
            ),
            Fault::endless(
                "slow_row",
                "sends one byte of a row at a time",
                rows(vec![Say([&columns[..], &head(100_000, 9)].concat()), Drip(vec![0])]),
            ),
            Fault::unavailable(
                "closes_before_rows",
                "closes the connection before the first row",
                rows(vec![Say(columns)]),
            ),
            Fault::unavailable(
                "closes_between_rows",
                "closes the connection after a row",
                rows(vec![Say(begun.clone())]),
            ),
            Fault::unavailable(
                "closes_in_the_columns",
                "closes the connection in the middle of a column's description",
                rows(vec![Say(part(2))]),
            ),
            Fault::unavailable(
                "closes_in_a_row",
                "closes the connection in the middle of a row",
                rows(vec![Say(begun.get(..begun.len() - 1).unwrap_or_default().to_vec())]),
            ),
            Fault::unavailable(
                "resets_between_rows",
                "resets the connection after a row",
                rows(vec![Say(begun.clone()), Reset]),
            ),
            Fault::unavailable(
                "resets_at_rows",
                "resets the connection instead of sending rows",
                rows(vec![Reset]),
            ),
            Fault::unavailable(
                "half_a_head",
                "closes the connection in the middle of a message's length",
                rows(vec![Say([&begun[..], &[7, 0]].concat())]),
            ),
        ]
    }

    /// It errs, or does not stop.
    fn floods(&self) -> Vec<Fault> {
        let mut erring = self.begun();
        erring.say(&error(1_815));
        let mut more = self.begun();
        more.say(&end(MORE_RESULTS));
        let more = more.bytes;
        let mut columns = begun_with(0xffff);
        columns.extend(said(2, &definition("n", VAR_STRING)).repeat(70_000));
        vec![
            Fault::contract(
                "error_between_rows",
                "has an error of its own after a row (error 1815)",
                self.then(Point::Rows, erring.bytes),
            ),
            Fault::contract(
                "error_instead_of_rows",
                "has an error of its own instead of rows (error 1815)",
                self.then(Point::Rows, said(1, &error(1_815))),
            ),
            Fault::contract(
                "short_error_instead_of_rows",
                "has an error without a number",
                self.then(Point::Rows, said(1, &[0xff])),
            ),
            Fault::contract(
                "two_results",
                "sends a second result behind the first",
                self.then(Point::Rows, [&more[..], &rows_of(self.row)].concat()),
            ),
            Fault::contract(
                "second_result_never_comes",
                "announces a second result and sends none",
                self.at(Point::Rows, vec![Say(more), Hang]),
            ),
            Fault::contract(
                "too_many_rows",
                "sends 20 000 rows",
                self.then(Point::Rows, rows(self.row, 20_000)),
            ),
            Fault::either(
                "rows_without_end",
                "never stops sending rows",
                self.at(
                    Point::Rows,
                    vec![Say(begun_of(self.row)), Flood(said(9, &binary(self.row)).repeat(64))],
                ),
            ),
            Fault::either(
                "columns_without_end",
                "sends more columns than any table has",
                self.at(Point::Rows, vec![Say(columns), Hang]),
            ),
            Fault::either(
                "large_value",
                "sends a value of 48 MB",
                self.at(Point::Rows, large_value()),
            ),
        ]
    }

    /// What it sends has the wrong shape.
    fn shapes(&self) -> Vec<Fault> {
        let says = |bytes| self.then(Point::Rows, bytes);
        let whole = binary(self.row);
        let twice = [self.row, self.row].concat();
        let more = [self.row, &[Column::text("more", "1")]].concat();
        let mut extra = begun(&more);
        extra.say(&whole);
        extra.say(&end(0));
        vec![
            Fault::contract(
                "wrong_types",
                "describes its columns as bytes and no text",
                says(retyped(self.row)),
            ),
            Fault::contract(
                "other_columns",
                "sends other columns than the statement has",
                says(rows_of(&[Column::text("other", "1")])),
            ),
            Fault::contract(
                "done_instead_of_rows",
                "says that it is done instead of sending rows",
                says(said(1, &ok(true))),
            ),
            Fault::contract(
                "done_before_it_is_asked",
                "says twice that the transaction has begun: once for the rows",
                self.then(Point::Begin, [said(1, &ok(true)), said(1, &ok(true))].concat()),
            ),
            Fault::contract("columns_twice", "sends each column twice", says(rows_of(&twice))),
            Fault::contract(
                "extra_column",
                "describes a column more than its rows have values",
                says(extra.bytes),
            ),
            Fault::contract(
                "cut_row",
                "sends half a row as if it were all of it",
                says(self.with_row(whole.get(..whole.len() / 2).unwrap_or_default())),
            ),
            Fault::contract(
                "empty_row",
                "sends an empty message as a row",
                says(self.with_row(b"")),
            ),
            Fault::contract(
                "nulls_cut_short",
                "sends a row that ends before it says what is null",
                says(self.with_row(&[0])),
            ),
            Fault::contract(
                "rows_as_text",
                "sends rows as text, as nobody asked for",
                says(self.with_row(&[&text(b"4")[..], &text(b"1")].concat())),
            ),
            Fault::contract("no_text", "sends text that is none", says(rows_of(&spoilt(self.row)))),
            Fault::contract(
                "cut_character",
                "sends text that ends in the middle of a character",
                says(rows_of(&self.row.iter().map(cut).collect::<Vec<_>>())),
            ),
        ]
    }

    /// The lengths it announces are lies.
    fn lengths(&self) -> Vec<Fault> {
        let says = |bytes| self.then(Point::Rows, bytes);
        let mut beyond = binary(&[]);
        beyond.extend([0xfd, 0xff, 0xff, 0x7f, b'x']);
        let mut far_beyond = binary(&[]);
        far_beyond.extend([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, b'x']);
        let mut half = binary(&[]);
        half.extend([0xfe, 1, 0]);
        let begun = self.begun().bytes;
        let mut more = self.begun();
        more.say(&end(MORE_RESULTS));
        let more = more.bytes;
        vec![
            Fault::contract(
                "length_beyond_row",
                "announces a value longer than its row",
                says(self.with_row(&beyond)),
            ),
            Fault::contract(
                "length_beyond_everything",
                "announces a value longer than there is memory",
                says(self.with_row(&far_beyond)),
            ),
            Fault::contract(
                "half_a_length",
                "sends half of a value's length",
                says(self.with_row(&half)),
            ),
            Fault::contract(
                "too_many_columns",
                "announces more columns than there is memory",
                says(said(1, &[0xfe, 0, 0, 0, 0, 0, 1, 0, 0])),
            ),
            Fault::either(
                "too_many_columns_at_settings",
                "answers SET with more columns than there is memory",
                self.then(Point::Settings, said(1, &[0xfe, 0, 0, 0, 0, 0, 1, 0, 0])),
            ),
            Fault::contract(
                "too_many_columns_behind_a_result",
                "announces a second result of more columns than there is memory",
                says([&more[..], &said(9, &[0xfe, 0, 0, 0, 0, 0, 1, 0, 0])].concat()),
            ),
            Fault::either(
                "columns_without_number",
                "sends half of the number of columns",
                self.at(Point::Rows, vec![Say(said(1, &[0xfc, 1])), Hang]),
            ),
            Fault::endless(
                "longer_than_it_is",
                "announces a message longer than what it sends",
                self.at(
                    Point::Rows,
                    vec![Say([&begun[..], &head(60_000, 9), b"x"].concat()), Hang],
                ),
            ),
            Fault::unavailable(
                "shorter_than_announced",
                "announces a message longer than what it sends, and closes the connection",
                self.at(Point::Rows, vec![Say([&begun[..], &head(60_000, 9), b"x"].concat())]),
            ),
        ]
    }

    /// It wants a file of ours, as an answer to what asks for none (LOAD DATA LOCAL).
    fn files(&self) -> Vec<Fault> {
        let asks = |at| {
            let steps = vec![Say(said(1, b"\xfb/etc/passwd"))];
            Act::Speaks(Trouble { is_trap: true, ..self.trouble(at, steps) })
        };
        vec![
            Fault::never(
                "wants_a_file_for_rows",
                "asks for a file of ours instead of sending rows",
                asks(Point::Rows),
            ),
            Fault::never(
                "wants_a_file_at_settings",
                "asks for a file of ours at SET",
                asks(Point::Settings),
            ),
            Fault::never(
                "wants_a_file_at_begin",
                "asks for a file of ours at START TRANSACTION",
                asks(Point::Begin),
            ),
        ]
    }
}

fn rows_of(row: &[Column]) -> Vec<u8> {
    rows(row, 1)
}

fn begun_of(row: &[Column]) -> Vec<u8> {
    begun(row).bytes
}

/// The number of columns alone.
fn begun_with(columns: usize) -> Vec<u8> {
    said(1, &integer(columns))
}

/// A row of one value of 48 MB, in three of the longest parts and an empty one.
fn large_value() -> Vec<Step> {
    const PART: usize = 0xff_ffff;
    const CHUNK: usize = PART / 255;
    let begun = begun_of(&[Column::text("n", "")]);
    let mut first = binary(&[Column::text("n", "")]);
    // In place of the empty text: a length that takes eight bytes.
    first.pop();
    first.push(0xfe);
    first.extend((3 * PART - first.len() - 8).to_le_bytes());
    first.resize(CHUNK, b'x');
    let chunk = vec![b'x'; CHUNK];
    vec![
        Say([&begun[..], &head(PART, 3), &first].concat()),
        Step::Often(chunk.clone(), 254),
        Say(head(PART, 4).to_vec()),
        Step::Often(chunk.clone(), 255),
        Say(head(PART, 5).to_vec()),
        Step::Often(chunk, 255),
        Say([&head(0, 6)[..], &said(7, &end(0))].concat()),
    ]
}

/// The definition of a column of that name.
fn spelt(name: &[u8]) -> Vec<u8> {
    let plain = definition("ab", VAR_STRING);
    let mut spelt = plain.clone();
    for at in 0..plain.len().saturating_sub(1) {
        if plain.get(at..at + 2) == Some(b"ab")
            && let Some(place) = spelt.get_mut(at..at + 2)
        {
            place.copy_from_slice(name);
        }
    }
    spelt
}

/// The same row, its columns described as bytes.
fn retyped(row: &[Column]) -> Vec<u8> {
    let mut counted = Counted::from(1);
    counted.say(&integer(row.len()));
    for column in row {
        counted.say(&definition(&column.name, BLOB));
    }
    let mut body = binary(&[]);
    body.resize(1 + (row.len() + 9) / 8, 0);
    row.iter().for_each(|column| body.extend(text(&column.value)));
    counted.say(&body);
    counted.say(&end(0));
    counted.bytes
}

/// The same row, its values no longer of any charset or size.
fn spoilt(row: &[Column]) -> Vec<Column> {
    let spoil = |column: &Column| Column { value: vec![0xff, 0xfe, 0x80], ..column.clone() };
    row.iter().map(spoil).collect()
}

/// The same value, and the beginning of a character.
fn cut(column: &Column) -> Column {
    let value = [&column.value[..], &[0xe5, 0xbc]].concat();
    Column { value, ..column.clone() }
}
