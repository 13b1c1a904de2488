//! What is wrong in the folder: the marker, the file, its time, or what it holds.

use super::{Lies, Mess, Table, lines};
use crate::hostile::{Act, Fault, Good};

/// Bytes of a table with many lines: little to write, and some seconds of reading for a slow build.
const MANY: usize = 1 << 20;

pub(in crate::hostile) fn faults(good: &Good) -> Vec<Fault> {
    let Some(table) = &good.table else { return Vec::new() };
    let drops = Drops { table };
    let mut all = drops.markers();
    all.extend(drops.halves());
    all.extend(drops.things());
    all.extend(drops.times());
    all.extend(drops.bytes());
    all.extend(drops.lines());
    if let Some(head) = &table.head {
        all.extend(drops.heads(head));
    }
    all
}

struct Drops<'a> {
    table: &'a Table,
}

impl Drops<'_> {
    fn fault(&self, name: &'static str, what: &'static str, mess: Mess) -> Fault {
        Fault::unavailable(name, what, Act::Drops(mess))
    }

    /// A file that holds this, and is marked as it is to be.
    fn holding(&self, name: &'static str, what: &'static str, bytes: Vec<u8>) -> Fault {
        self.fault(name, what, Mess::dropped(self.table, bytes))
    }

    fn marked(&self, file: Lies, marker: Lies) -> Mess {
        Mess::marked(&self.table.name, file, marker)
    }

    fn digest(&self, bytes: &[u8]) -> Vec<u8> {
        (self.table.digest)(bytes).into_bytes()
    }

    /// The table is right, and its marker is not.
    fn markers(&self) -> Vec<Fault> {
        let whole = self.table.whole();
        let digest = self.digest(&whole);
        let mut wrong = digest.clone();
        wrong.reverse();
        let other = (self.table.other_digest)(&whole).into_bytes();
        let cut = digest.get(1..).unwrap_or_default().to_vec();
        let with = |name, what, marker| {
            self.fault(name, what, self.marked(Lies::Bytes(whole.clone()), marker))
        };
        vec![
            with("no_marker", "drops a table without a marker", Lies::Nothing),
            with("empty_marker", "drops a table with an empty marker", Lies::Bytes(Vec::new())),
            with("marker_of_words", "writes `done` in its marker", Lies::Bytes(b"done\n".to_vec())),
            with("wrong_digest", "writes a digest of nothing in its marker", Lies::Bytes(wrong)),
            with("other_digest", "writes the digest of another algorithm", Lies::Bytes(other)),
            with("cut_digest", "writes all but the first digit of the digest", Lies::Bytes(cut)),
            with("bytes_for_marker", "writes bytes that are no text", Lies::Bytes(vec![0xff; 64])),
            with("gigabyte_marker", "has a marker of a gigabyte", Lies::Hole),
            with("marker_is_a_pipe", "has a pipe in the marker's place", Lies::Pipe),
            with("marker_is_a_folder", "has a folder in the marker's place", Lies::Folder),
            with("marker_is_a_link", "has a link in the marker's place", Lies::Link(digest)),
        ]
    }

    /// The marker is that of another content than the file's.
    fn halves(&self) -> Vec<Fault> {
        let whole = self.table.whole();
        let mark = Lies::Bytes(self.digest(&whole));
        let half = whole.get(..whole.len() / 2).unwrap_or_default().to_vec();
        let longer = self.table.with_line(&self.table.line);
        let longer = [&longer[..], &self.table.line, b"\n"].concat();
        let with = |name, what, file| self.fault(name, what, self.marked(file, mark.clone()));
        vec![
            with("no_file", "drops a marker without a table", Lies::Nothing),
            with(
                "half_a_file",
                "drops half a table with the marker of all of it",
                Lies::Bytes(half.clone()),
            ),
            with(
                "empty_file",
                "drops an empty file with the marker of a table",
                Lies::Bytes(Vec::new()),
            ),
            with(
                "replaced",
                "replaces the table and leaves the marker",
                Lies::Bytes(longer.clone()),
            ),
            with(
                "changes_all_the_time",
                "replaces the table again and again while it is read",
                Lies::Changing([half, longer]),
            ),
        ]
    }

    /// What has the table's name is no file of this folder.
    fn things(&self) -> Vec<Fault> {
        let whole = self.table.whole();
        let mark = Lies::Bytes(self.digest(&whole));
        let with = |name, what, file| self.fault(name, what, self.marked(file, mark.clone()));
        // Whoever may read everything reads this too, and then the marker is not its own.
        let other = [&whole[..], b"\n"].concat();
        vec![
            with("link", "drops a link that leads out of the folder", Lies::Link(whole.clone())),
            with("pipe", "has a pipe in the table's place, into which nobody writes", Lies::Pipe),
            with("folder", "has a folder in the table's place", Lies::Folder),
            with("gigabyte", "drops a file of a gigabyte with nothing in it", Lies::Hole),
            with("no_right", "drops a table that nobody may read", Lies::Forbidden(other)),
            self.fault("nothing", "drops nothing", Mess::nothing()),
            self.fault(
                "no_folder",
                "has no folder",
                Mess { has_folder: false, things: Vec::new() },
            ),
            self.fault(
                "no_folder_but_a_file",
                "has a file in the folder's place",
                Mess {
                    has_folder: false,
                    things: vec![(String::new(), Lies::Bytes(whole.clone()))],
                },
            ),
        ]
    }

    /// A good table, of another time.
    fn times(&self) -> Vec<Fault> {
        let whole = self.table.whole();
        let under = |name: &str| {
            let mark = Lies::Bytes(self.digest(&whole));
            Mess::marked(name, Lies::Bytes(whole.clone()), mark)
        };
        let many = (0..200).flat_map(|number| {
            let bytes = format!("{number}").into_bytes();
            let name = self.table.name.clone();
            Mess::marked(&format!("{number}{name}"), Lies::Bytes(bytes.clone()), Lies::Bytes(bytes))
                .things
        });
        vec![
            self.fault(
                "of_the_future",
                "drops a table of a day to come",
                under(&self.table.future),
            ),
            self.fault(
                "too_old",
                "has nothing but a table that is too old",
                under(&self.table.old),
            ),
            self.fault(
                "not_yet_named",
                "leaves its table under a name that it has while it is written",
                under(&format!("{}.part", self.table.name)),
            ),
            self.fault(
                "many_others",
                "has many other files in the folder",
                Mess { has_folder: true, things: many.collect() },
            ),
        ]
    }

    /// The file is marked as it is to be, and holds no text of its charset.
    fn bytes(&self) -> Vec<Fault> {
        let whole = self.table.whole();
        let names = lines(self.table.head.as_deref().into_iter());
        let spoilt = [&self.table.line[..], &[0xff, 0xfe, 0x80]].concat();
        let nul = [&self.table.line[..], b"\0"].concat();
        let wide: Vec<u8> = whole.iter().flat_map(|byte| [*byte, 0]).collect();
        vec![
            self.holding("empty_table", "drops an empty file, rightly marked", Vec::new()),
            self.holding("no_rows", "drops a table without rows, rightly marked", names),
            self.holding(
                "wrong_charset",
                "drops bytes of no charset",
                self.table.with_line(&spoilt),
            ),
            self.holding("utf_16", "drops its table in UTF-16", [b"\xff\xfe", &wide[..]].concat()),
            self.holding("utf_16_unmarked", "drops its table in UTF-16 without saying so", wide),
            self.holding("nul", "ends a line with a zero byte", self.table.with_line(&nul)),
            self.holding("zeros", "drops nothing but zero bytes", vec![0; 100_000]),
            self.holding(
                "packed",
                "drops a packed table",
                [b"PK\x03\x04\x14\0\x08\0", &whole[..]].concat(),
            ),
        ]
    }

    /// The lines are no table.
    fn lines(&self) -> Vec<Fault> {
        let line = &self.table.line;
        let separator = self.table.separator;
        let with = |line: &[u8]| self.table.with_line(line);
        let quoted = |before: &[u8]| [before, b"\"", line.as_slice()].concat();
        let first = line.split(|byte| *byte == separator).next().unwrap_or_default();
        let more = [&line[..], &[separator], b"1"].concat();
        let mut many = self.table.whole().to_vec();
        while many.len() < MANY {
            many.extend(line);
            many.push(b'\n');
        }
        many.extend(&more);
        let broken = [b"\"", &line[..], b"\n", line, b"\"", &[separator], line].concat();
        let mut all = vec![
            self.holding("open_quote", "opens a quote and never closes it", with(&quoted(b""))),
            self.holding("long_line", "has a line with a field too many", with(&more)),
            self.holding("broken_line", "breaks a line inside a field", with(&broken)),
            self.holding(
                "not_a_table",
                "drops a page",
                b"<html><p>sorry</p></html>\n1\t2\n".to_vec(),
            ),
            Fault::never(
                "many_lines",
                "drops a table of 1 MB whose last line has a field too many",
                Act::Drops(Mess::dropped(self.table, many)),
            ),
        ];
        if first.len() < line.len() {
            all.push(self.holding("short_line", "has a line with a field too few", with(first)));
        }
        all
    }

    /// The line that names the columns is wrong.
    fn heads(&self, head: &[u8]) -> Vec<Fault> {
        let twice = [head, &[self.table.separator], &self.table.key].concat();
        let line = [&self.table.line[..], &[self.table.separator], b"1"].concat();
        let without = lines([&self.table.line[..]; 2].into_iter());
        let renamed: Vec<u8> = [head, b"_"].concat();
        let renamed = renamed
            .strip_prefix(&self.table.key[..])
            .map_or_else(|| b"other".to_vec(), |rest| [b"other", rest].concat());
        vec![
            self.holding(
                "column_twice",
                "names the column that is looked up twice",
                lines([&twice[..], &line].into_iter()),
            ),
            self.holding("no_column_names", "does not name its columns", without),
            self.holding(
                "no_key",
                "has no column that is looked up",
                self.table.with_head(&renamed),
            ),
            self.holding(
                "column_without_values",
                "names a column that its lines do not have",
                self.table.with_head(&[head, &[self.table.separator], b"more"].concat()),
            ),
        ]
    }
}
