//! A list as spreadsheets write it: UTF-8 or GB18030, with or without a mark at its beginning, commas of either width.
//!
//! Read in pieces: of a list of any length little is in memory.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use clap::ValueEnum;
use csv::StringRecord;
use encoding_rs::{CoderResult, Decoder, GB18030, UTF_8};

use super::blanks::Blanks;
use crate::crypto::{Digest, sha256_parts};

/// Bytes read at once.
const PIECE: usize = 64 << 10;
/// Bytes of a row; a quote that is not closed would make the rest of the list into one, and swallow it.
const ROW: usize = 64 << 10;
/// Stands for a full-width comma that separates fields: nobody writes it in a list.
const SEPARATOR: char = '\u{1f}';
const FULL_WIDTH_COMMA: char = '，';

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Encoding {
    /// UTF-8
    #[value(name = "utf-8")]
    Utf8,
    /// GB18030, and with it GBK and GB2312
    Gb18030,
}

/// An open list.
pub(super) struct Sheet {
    lines: csv::Reader<Text<File>>,
    header: Vec<String>,
    is_full_width: bool,
    digest: Digest,
    count: u64,
    row: u64,
}

impl Sheet {
    /// Reads the list once for its digest, its encoding and its length, then its header.
    pub(super) fn open(path: &Path, encoding: Option<Encoding>) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let (digest, is_utf8) = survey(&mut file)?;
        let encoding = encoding.unwrap_or(match is_utf8 {
            true => Encoding::Utf8,
            false => Encoding::Gb18030,
        });
        let delimiter = delimiter(&first_line(&file, encoding)?);
        let open = || {
            (&file).rewind()?;
            let text = Text::new(file.try_clone()?, encoding).parted_by(delimiter);
            let mut lines = csv::ReaderBuilder::new();
            lines.delimiter(u8::try_from(delimiter).unwrap_or(b',')).has_headers(false);
            Ok::<_, io::Error>(lines.flexible(true).from_reader(text))
        };
        let mut counting = open()?;
        let mut record = StringRecord::new();
        let mut count = 0_u64;
        while counting.read_record(&mut record).map_err(io::Error::from)? {
            count += 1;
            if record.as_slice().len() > ROW {
                let problem = format!("row {count} has no end: a quote is not closed");
                return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
            }
        }
        let mut lines = open()?;
        lines.read_record(&mut record).map_err(io::Error::from)?;
        let is_full_width = delimiter == SEPARATOR;
        let header = fields(&record, is_full_width);
        let count = count.saturating_sub(1);
        Ok(Self { lines, header, is_full_width, digest, count, row: 1 })
    }

    /// Names of the columns.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// SHA-256 of the file.
    pub(super) fn digest(&self) -> Digest {
        self.digest
    }

    /// Rows below the header.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The next row and its number as spreadsheets count: the header is row 1.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Vec<String>)>> {
        let mut record = StringRecord::new();
        if !self.lines.read_record(&mut record).map_err(io::Error::from)? {
            return Ok(None);
        }
        self.row += 1;
        Ok(Some((self.row, fields(&record, self.is_full_width))))
    }
}

fn fields(record: &StringRecord, is_full_width: bool) -> Vec<String> {
    let field = |field: &str| match is_full_width {
        true => field.trim().replace(SEPARATOR, "，"),
        false => field.trim().to_owned(),
    };
    record.iter().map(field).collect()
}

/// What separates the fields of this header. A header knows best: text has commas of both kinds, names of columns none.
fn delimiter(header: &str) -> char {
    match header {
        _ if header.contains(',') => ',',
        _ if header.contains(FULL_WIDTH_COMMA) => SEPARATOR,
        _ if header.contains('\t') => '\t',
        _ if header.contains(';') => ';',
        _ => ',',
    }
}

fn first_line(mut file: &File, encoding: Encoding) -> io::Result<String> {
    file.rewind()?;
    let mut text = String::new();
    let mut piece = [0; 4096];
    let mut decoded = Text::new(file, encoding);
    let ends = ['\n', '\r'];
    while !text.contains(ends) && text.len() < PIECE {
        let count = decoded.read(&mut piece)?;
        if count == 0 {
            break;
        }
        text.push_str(&String::from_utf8_lossy(piece.get(..count).unwrap_or_default()));
    }
    Ok(text.split(ends).next().unwrap_or_default().to_owned())
}

/// The digest of the file, and whether it is UTF-8, though perhaps with a damaged character: then it is read as UTF-8, and
/// refused there, for in any other encoding every name would become another.
fn survey(file: &mut File) -> io::Result<(Digest, bool)> {
    let mut digest = [0; 32];
    let mut decoder = UTF_8.new_decoder_without_bom_handling();
    let mut piece = vec![0; PIECE];
    let mut text = String::with_capacity(4 * PIECE);
    let (mut whole, mut damaged) = (0_u64, 0_u64);
    loop {
        let count = file.read(&mut piece)?;
        let read = piece.get(..count).unwrap_or_default();
        // A chain over the pieces names the file as well as a digest of all of it would.
        digest = sha256_parts(&[&digest, read]);
        text.clear();
        let (_, _, is_wrong) = decoder.decode_to_string(read, &mut text, count == 0);
        for character in text.chars() {
            damaged += u64::from(is_wrong && character == char::REPLACEMENT_CHARACTER);
            // Of three bytes or more, which other encodings rarely look like.
            whole +=
                u64::from(character.len_utf8() > 2 && character != char::REPLACEMENT_CHARACTER);
        }
        if count == 0 {
            return Ok((digest, damaged == 0 || whole > damaged));
        }
    }
}

/// The text of a list, decoded as it is read, without the mark at its beginning.
struct Text<R> {
    bytes: R,
    decoder: Decoder,
    encoding: Encoding,
    /// Of rows; without them the text comes as it is.
    blanks: Option<Blanks>,
    is_full_width: bool,
    /// Lines that were decoded.
    lines: u64,
    piece: Vec<u8>,
    text: Vec<u8>,
    taken: usize,
    is_whole: bool,
}

impl<R: Read> Text<R> {
    fn new(bytes: R, encoding: Encoding) -> Self {
        let decoder = match encoding {
            Encoding::Utf8 => UTF_8.new_decoder_with_bom_removal(),
            Encoding::Gb18030 => GB18030.new_decoder_with_bom_removal(),
        };
        let (piece, text) = (vec![0; PIECE], Vec::new());
        let (blanks, is_full_width) = (None, false);
        let (lines, taken, is_whole) = (0, 0, false);
        Self {
            bytes,
            decoder,
            encoding,
            blanks,
            is_full_width,
            lines,
            piece,
            text,
            taken,
            is_whole,
        }
    }

    /// As a reader of CSV gets it: every row a row, and fields parted by one byte.
    fn parted_by(mut self, delimiter: char) -> Self {
        self.blanks = Some(Blanks::new(delimiter));
        self.is_full_width = delimiter == SEPARATOR;
        self
    }

    fn more(&mut self) -> io::Result<()> {
        let count = self.bytes.read(&mut self.piece)?;
        self.is_whole = count == 0;
        let most = self.decoder.max_utf8_buffer_length(count).unwrap_or(4 * PIECE);
        let mut text = String::with_capacity(most);
        let piece = self.piece.get(..count).unwrap_or_default();
        let (result, _, is_wrong) = self.decoder.decode_to_string(piece, &mut text, self.is_whole);
        if is_wrong || result == CoderResult::OutputFull {
            return Err(self.undecoded(&text));
        }
        self.lines += text.matches('\n').count() as u64;
        if self.is_full_width {
            text = text.replace(FULL_WIDTH_COMMA, "\u{1f}");
        }
        if let Some(blanks) = &mut self.blanks {
            text = blanks.shown(&text);
        }
        (self.text, self.taken) = (text.into_bytes(), 0);
        Ok(())
    }
}

impl<R> Text<R> {
    /// Names the line, and not what is in it.
    fn undecoded(&self, text: &str) -> io::Error {
        let before = text.split(char::REPLACEMENT_CHARACTER).next().unwrap_or_default();
        let line = self.lines + before.matches('\n').count() as u64 + 1;
        let encoding = match self.encoding {
            Encoding::Utf8 => "UTF-8",
            Encoding::Gb18030 => "GB18030",
        };
        let problem = format!(
            "line {line} has a character that is no {encoding}: mend it, or give --encoding if the list is in another"
        );
        io::Error::new(io::ErrorKind::InvalidData, problem)
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.text.len() && !self.is_whole {
            self.more()?;
        }
        let left = self.text.get(self.taken..).unwrap_or_default();
        let count = left.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..count), left.get(..count)) {
            to.copy_from_slice(from);
        }
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Numbered = Vec<(u64, Vec<String>)>;

    fn read(bytes: &[u8], encoding: Option<Encoding>) -> io::Result<(Vec<String>, Numbered)> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("list.csv");
        std::fs::write(&file, bytes).unwrap();
        let mut sheet = Sheet::open(&file, encoding)?;
        let mut rows = Vec::new();
        while let Some(row) = sheet.next()? {
            rows.push(row);
        }
        assert_eq!(sheet.count(), rows.len() as u64);
        Ok((sheet.header().to_vec(), rows))
    }

    fn rows(rows: &[(u64, &[&str])]) -> Numbered {
        let row = |row: &[&str]| row.iter().map(|field| (*field).to_owned()).collect();
        rows.iter().map(|(number, fields)| (*number, row(fields))).collect()
    }

    #[test]
    fn quotes_marks_and_line_ends_of_spreadsheets_are_read() {
        let text = "\u{feff}姓名,号码\r\n\"李,雷\",1\r\n\"韩\"\"梅\"\"\",  2 \r\n\"两\n行\",3";
        let (header, found) = read(text.as_bytes(), None).unwrap();
        assert_eq!(header, ["姓名", "号码"]);
        let expected =
            rows(&[(2, &["李,雷", "1"]), (3, &["韩\"梅\"", "2"]), (4, &["两\n行", "3"])]);
        assert_eq!(found, expected);
    }

    #[test]
    fn commas_of_full_width_separate_where_the_header_has_them_and_are_text_elsewhere() {
        let (header, found) = read("姓名，号码\n\"李，雷\"，1\n".as_bytes(), None).unwrap();
        assert_eq!((header.len(), found), (2, rows(&[(2, &["李，雷", "1"])])));
        let (_, found) = read("姓名,号码\n李，雷,1\n".as_bytes(), None).unwrap();
        assert_eq!(found, rows(&[(2, &["李，雷", "1"])]));
        for separator in ["\t", ";"] {
            let text = ["姓名", "号码\n李雷", "1"].join(separator);
            assert_eq!(read(text.as_bytes(), None).unwrap().1, rows(&[(2, &["李雷", "1"])]));
        }
        // Lines that end as they did on old machines: the header is the first of them.
        let (header, found) = read("姓名;号码\r李,雷;1\r".as_bytes(), None).unwrap();
        assert_eq!((header.len(), found), (2, rows(&[(2, &["李,雷", "1"])])));
    }

    #[test]
    fn gb18030_is_recognised_with_its_rare_characters_across_pieces() {
        // 䶮 is in GB18030 and not in GBK; 𠮷 takes four bytes in both.
        let name = "王䶮𠮷";
        let mut text = "姓名,号码\n".to_owned();
        let count = 20_000;
        for number in 0..count {
            text.push_str(&format!("{name},{number}\n"));
        }
        let (bytes, _, _) = GB18030.encode(&text);
        for encoding in [None, Some(Encoding::Gb18030)] {
            let (header, found) = read(&bytes, encoding).unwrap();
            assert_eq!(header, ["姓名", "号码"]);
            assert_eq!(found.len(), count);
            assert!(found.iter().all(|(_, row)| row[0] == name));
        }
        let error = read(&bytes, Some(Encoding::Utf8)).unwrap_err();
        assert!(
            error.to_string().starts_with("line 1 has a character that is no UTF-8"),
            "{error}"
        );
    }

    #[test]
    fn a_quote_that_is_not_closed_does_not_swallow_the_list() {
        let text = format!("姓名,号码\n李雷,1\n\"韩梅,2\n{}", "某人,3\n".repeat(10_000));
        let error = read(text.as_bytes(), None).unwrap_err().to_string();
        assert_eq!(error, "row 3 has no end: a quote is not closed");
    }

    #[test]
    fn an_empty_line_counts_as_spreadsheets_count_it() {
        for end in ["\n", "\r\n"] {
            let list = ["姓名,号码", "", "李雷,1", "", "\"韩\n\n梅\",2", ""].join(end);
            let (_, found) = read(list.as_bytes(), None).unwrap();
            let expected =
                rows(&[(2, &[""]), (3, &["李雷", "1"]), (4, &[""]), (5, &["韩\n\n梅", "2"])]);
            assert_eq!(found, expected, "{end:?}");
        }
    }

    #[test]
    fn one_damaged_character_does_not_make_a_list_into_another_encoding() {
        let mut list = "姓名,号码\n李雷,1\n韩".to_owned().into_bytes();
        list.push(0xb0);
        list.extend("梅,2\n".bytes());
        let error = read(&list, None).unwrap_err().to_string();
        assert!(error.starts_with("line 3 has a character that is no UTF-8"), "{error}");
        // A list in GB18030 is one also when it has few characters of its own.
        let (bytes, _, _) = GB18030.encode("name,number\n李雷,1\n");
        let (_, found) = read(&bytes, None).unwrap();
        assert_eq!(found, rows(&[(2, &["李雷", "1"])]));
    }

    #[test]
    fn an_empty_list_has_no_rows() {
        assert_eq!(read(b"", None).unwrap(), (vec![], vec![]));
        assert_eq!(read("姓名".as_bytes(), None).unwrap().1, vec![]);
    }
}
