//! Empty lines of a list, made into rows of one empty field: a reader of CSV leaves them out, and then rows are no longer
//! counted as spreadsheets count them.

/// Where in a row the next character stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At the beginning of a row.
    Row,
    /// At the beginning of a field.
    Field,
    /// In a field without quotes, or behind the quote that ends one.
    Plain,
    /// Between quotes.
    Quoted,
    /// Behind a quote between quotes: the end of the field, or the first of two.
    Quote,
}

/// Follows a list through its pieces.
#[derive(Debug)]
pub(super) struct Blanks {
    delimiter: char,
    place: Place,
    /// The last character ended a row, and a line feed belongs to it.
    is_after_return: bool,
}

impl Blanks {
    pub(super) fn new(delimiter: char) -> Self {
        Self { delimiter, place: Place::Row, is_after_return: false }
    }

    /// The next piece, with `""` in every empty line.
    pub(super) fn shown(&mut self, piece: &str) -> String {
        let mut shown = String::with_capacity(piece.len());
        for character in piece.chars() {
            let is_end = matches!(character, '\r' | '\n') && self.place != Place::Quoted;
            let is_second = character == '\n' && self.is_after_return;
            if is_end && !is_second && self.place == Place::Row {
                shown.push_str("\"\"");
            }
            shown.push(character);
            self.is_after_return = is_end && character == '\r';
            self.place = match (self.place, character) {
                _ if is_end => Place::Row,
                (Place::Quoted, '"') => Place::Quote,
                (Place::Quoted, _) => Place::Quoted,
                (Place::Row | Place::Field | Place::Quote, '"') => Place::Quoted,
                (_, character) if character == self.delimiter => Place::Field,
                _ => Place::Plain,
            };
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_line_is_a_row_wherever_a_piece_ends() {
        for (list, expected) in [
            ("a,b\n\n1,2\n", "a,b\n\"\"\n1,2\n"),
            ("a,b\r\n\r\n1,2\r\n", "a,b\r\n\"\"\r\n1,2\r\n"),
            ("\n\na\n", "\"\"\n\"\"\na\n"),
            ("a\r\r1\r", "a\r\"\"\r1\r"),
            ("\"a\n\n\"\n\n1", "\"a\n\n\"\n\"\"\n1"),
            ("\"a\"\"\n\nb\"\n\n1", "\"a\"\"\n\nb\"\n\"\"\n1"),
            ("5\" pipe\n\n1", "5\" pipe\n\"\"\n1"),
            ("1,\n2,\"\"\n", "1,\n2,\"\"\n"),
        ] {
            assert_eq!(Blanks::new(',').shown(list), expected, "{list:?}");
            let mut blanks = Blanks::new(',');
            let by_one: String = list.chars().map(|one| blanks.shown(&one.to_string())).collect();
            assert_eq!(by_one, expected, "{list:?}");
        }
    }
}
