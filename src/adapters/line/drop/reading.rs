//! The lines of a dropped file, in one pass and in little memory: hashed, counted and decoded as they come by.

use std::io::{self, ErrorKind, Read};

use csv::StringRecord;
use encoding_rs::{Decoder, DecoderResult};

use crate::adapters::manifest::Folder;
use crate::crypto::{Digest, RunningDigest};

/// Bytes read at once.
const PIECE: usize = 64 << 10;
/// Bytes of a line. A quote that is not closed would make the rest of the file into one.
const LINE: usize = 1 << 20;

/// Lines as lists of fields.
pub(super) struct Lines<R>(csv::Reader<Text<R>>);

/// The text of a file. One line feed more than the file has comes at its end, so that a quote that is not closed takes
/// a line break with it, wherever it stands.
struct Text<R> {
    bytes: R,
    /// How many more there may be.
    left: u64,
    digest: RunningDigest,
    decoder: Decoder,
    piece: Vec<u8>,
    text: String,
    /// How much of the text was handed on.
    taken: usize,
    /// How much more of it may be handed on for this line.
    allowance: usize,
    is_begun: bool,
    is_whole: bool,
    problem: Option<&'static str>,
}

impl<R: Read> Lines<R> {
    /// Of a file as the folder's manifest describes it.
    pub(super) fn new(bytes: R, folder: &Folder) -> Self {
        let text = Text {
            bytes,
            left: folder.max_bytes,
            digest: (folder.digest)(),
            decoder: folder.charset.decoder(),
            piece: vec![0; PIECE],
            text: String::new(),
            taken: 0,
            allowance: 0,
            is_begun: false,
            is_whole: false,
            problem: None,
        };
        let mut lines = csv::ReaderBuilder::new();
        lines.delimiter(folder.separator).has_headers(false).flexible(true);
        Self(lines.from_reader(text))
    }

    /// The next line; false when there is none.
    pub(super) fn next(&mut self, fields: &mut StringRecord) -> Result<bool, &'static str> {
        self.0.get_mut().allowance = LINE;
        let read = self.0.read_record(fields);
        let is_one = read.map_err(|_| self.0.get_ref().problem.unwrap_or("it cannot be read"))?;
        if fields.iter().any(|field| field.contains(['\n', '\r'])) {
            return Err("a field holds a line break, or a quote is not closed");
        }
        Ok(is_one)
    }

    /// Reads the bytes that are left, whatever they are, and returns the digest of all.
    pub(super) fn digest(self) -> Result<Digest, &'static str> {
        let mut text = self.0.into_inner();
        while text.more()? > 0 {}
        Ok(text.digest.finish())
    }
}

impl<R: Read> Text<R> {
    /// Reads a piece, and returns its length.
    fn more(&mut self) -> Result<usize, &'static str> {
        let count = loop {
            match self.bytes.read(&mut self.piece) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read.map_err(|_| "it cannot be read")?,
            }
        };
        let length = u64::try_from(count).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(length).ok_or("it has too many bytes (max_bytes)")?;
        self.digest.update(self.piece.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn decode(&mut self) -> Result<(), &'static str> {
        let count = self.more()?;
        self.is_whole = count == 0;
        self.text.clear();
        self.taken = 0;
        let most = self.decoder.max_utf8_buffer_length_without_replacement(count);
        self.text.reserve(most.unwrap_or(4 * PIECE) + 1);
        let piece = self.piece.get(..count).unwrap_or_default();
        let (decoded, _) =
            self.decoder.decode_to_string_without_replacement(piece, &mut self.text, self.is_whole);
        if decoded != DecoderResult::InputEmpty {
            return Err("it is not of the charset");
        }
        if self.text.contains('\0') {
            return Err("it holds U+0000, as what was never written does");
        }
        // A byte order mark says what is known already, and is no part of the text.
        if !self.is_begun && self.text.starts_with('\u{feff}') {
            self.taken = '\u{feff}'.len_utf8();
        }
        self.is_begun |= !self.text.is_empty();
        if self.is_whole {
            self.text.push('\n');
        }
        Ok(())
    }

    fn hand_on(&mut self, place: &mut [u8]) -> Result<usize, &'static str> {
        while self.taken == self.text.len() {
            if self.is_whole {
                return Ok(0);
            }
            self.decode()?;
        }
        let ready = self.text.as_bytes().get(self.taken..).unwrap_or_default();
        let count = ready.len().min(place.len()).min(self.allowance);
        if count == 0 && !place.is_empty() {
            return Err("a line is too long, or a quote is not closed");
        }
        for (place, byte) in place.iter_mut().zip(ready.iter().take(count)) {
            *place = *byte;
        }
        self.taken += count;
        self.allowance -= count;
        Ok(count)
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        self.hand_on(place).map_err(|problem| {
            self.problem = Some(problem);
            io::Error::other(problem)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use encoding_rs::GB18030;

    use super::*;
    use crate::adapters::language::charset::Charset;
    use crate::adapters::manifest::Dated;
    use crate::crypto;

    fn folder(charset: Charset, max_bytes: u64) -> Folder {
        Folder {
            path: PathBuf::new(),
            name: (String::new(), None),
            dated: Dated::Marker,
            as_of: "yyyyMMdd".to_owned(),
            digest: RunningDigest::sm3,
            charset,
            separator: b',',
            columns: Vec::new(),
            key: String::new(),
            max_age: Duration::ZERO,
            max_bytes,
            min_rows: 1,
            max_rows: 1,
        }
    }

    /// Gives a few bytes at once, never as many as it is asked for, and counts them.
    struct Slow<'a, I>(I, &'a mut usize);

    impl<I: Iterator<Item = u8>> Read for Slow<'_, I> {
        fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
            let most = 1 + *self.1 % 7_000;
            let given = place.iter_mut().take(most).zip(self.0.by_ref());
            let count = given.map(|(place, byte)| *place = byte).count();
            *self.1 += count;
            Ok(count)
        }
    }

    fn all<R: Read>(lines: &mut Lines<R>) -> Result<Vec<Vec<String>>, &'static str> {
        let (mut read, mut fields) = (Vec::new(), StringRecord::new());
        while lines.next(&mut fields)? {
            read.push(fields.iter().map(str::to_owned).collect());
        }
        Ok(read)
    }

    #[test]
    fn lines_are_those_of_the_whole_file_and_so_is_the_digest() {
        let text = "名称,号码\n".to_owned() + &"𠮷田㛃,\"1,2\"\n".repeat(20_000) + "王,3";
        for charset in [Charset::Gb18030, Charset::Utf8] {
            let bytes = match charset {
                Charset::Utf8 => format!("\u{feff}{text}").into_bytes(),
                _ => GB18030.encode(&format!("\u{feff}{text}")).0.into_owned(),
            };
            let mut served = 0;
            let slow = Slow(bytes.iter().copied(), &mut served);
            let mut lines = Lines::new(slow, &folder(charset, bytes.len() as u64));
            let read = all(&mut lines).unwrap();
            assert_eq!(
                (read.len(), &read[0][0], &read[1][1]),
                (20_002, &"名称".into(), &"1,2".into())
            );
            assert_eq!((&read[20_000][0], &read[20_001][1]), (&"𠮷田㛃".into(), &"3".into()));
            assert_eq!(lines.digest().unwrap(), crypto::sm3(&bytes));
        }
    }

    #[test]
    fn what_is_wrong_is_told_and_the_digest_is_of_everything_all_the_same() {
        let cut = GB18030.encode("a\n张").0;
        for (bytes, problem) in [
            (&b"a,b\n\"c,d\n"[..], "a field holds a line break, or a quote is not closed"),
            (b"a\n\"c", "a field holds a line break, or a quote is not closed"),
            (b"a\n\xff\xff\nb\n", "it is not of the charset"),
            (b"a\n\0\0\0", "it holds U+0000, as what was never written does"),
            (&cut[..3], "it is not of the charset"),
        ] {
            let mut lines = Lines::new(bytes, &folder(Charset::Gb18030, 100));
            assert_eq!(all(&mut lines), Err(problem));
            assert_eq!(lines.digest(), Ok(crypto::sm3(bytes)));
        }
        let mut lines = Lines::new(&b"12345\n"[..], &folder(Charset::Utf8, 5));
        assert_eq!(all(&mut lines), Err("it has too many bytes (max_bytes)"));
    }

    #[test]
    fn a_line_without_an_end_is_not_read_to_its_end() {
        for start in ["\"", ""] {
            let mut served = 0;
            let endless = start.bytes().chain(std::iter::repeat(b'x'));
            let mut lines = Lines::new(Slow(endless, &mut served), &folder(Charset::Utf8, 1 << 40));
            assert_eq!(all(&mut lines), Err("a line is too long, or a quote is not closed"));
            drop(lines);
            assert!(served <= LINE + PIECE, "{served}");
        }
    }

    #[test]
    fn what_is_held_does_not_grow_with_the_file() {
        let mut served = 0;
        let file = [b'a'; 999].iter().chain(b",b\n").copied().cycle().take(8 << 20);
        let mut lines = Lines::new(Slow(file, &mut served), &folder(Charset::Utf8, 1 << 40));
        let mut fields = StringRecord::new();
        while lines.next(&mut fields).unwrap() {
            assert!(lines.0.get_ref().text.capacity() <= 8 * PIECE);
        }
        drop(lines);
        assert_eq!(served, 8 << 20);
    }
}
