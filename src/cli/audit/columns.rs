//! A table for people that may be long: the first rows decide how wide the columns are.

use std::io::{self, Write};

/// Rows that are looked at before the first is written.
const LOOKED_AT: usize = 512;

/// No column is made wider for the sake of one cell.
const WIDEST: usize = 48;

/// A table in the making.
pub(super) struct Columns<const N: usize> {
    widths: [usize; N],
    waiting: Vec<[String; N]>,
    is_begun: bool,
}

impl<const N: usize> Columns<N> {
    pub(super) fn new(names: [&str; N]) -> Self {
        let waiting = vec![names.map(str::to_owned)];
        Self { widths: [0; N], waiting, is_begun: false }
    }

    pub(super) fn row(&mut self, cells: [String; N], to: &mut impl Write) -> io::Result<()> {
        self.waiting.push(cells.map(|cell| cell.replace(char::is_control, " ")));
        if self.is_begun || self.waiting.len() > LOOKED_AT { self.finish(to) } else { Ok(()) }
    }

    /// Writes what waits.
    pub(super) fn finish(&mut self, to: &mut impl Write) -> io::Result<()> {
        if !self.is_begun {
            for row in &self.waiting {
                for (width, cell) in self.widths.iter_mut().zip(row) {
                    *width = (*width).max(shown_width(cell)).min(WIDEST);
                }
            }
            self.is_begun = true;
        }
        for row in self.waiting.drain(..) {
            let mut line = String::new();
            for (width, cell) in self.widths.iter().zip(&row) {
                line.push_str(cell);
                let blank = width.saturating_sub(shown_width(cell)) + 2;
                line.extend(std::iter::repeat_n(' ', blank));
            }
            writeln!(to, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Cells a terminal gives to the text: Chinese characters take two.
fn shown_width(text: &str) -> usize {
    text.chars().map(|character| if character >= '\u{1100}' { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Columns::new(["a", "b"]);
        let mut text = Vec::new();
        table.row(["公积金".to_owned(), "x\u{1b}[2J".to_owned()], &mut text).unwrap();
        table.row(["long enough".to_owned(), String::new()], &mut text).unwrap();
        table.finish(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text, "a            b\n公积金       x [2J\nlong enough\n");
    }

    #[test]
    fn a_long_table_is_written_as_it_comes() {
        let mut table = Columns::new(["a"]);
        let mut text = Vec::new();
        for number in 0..LOOKED_AT + 10 {
            table.row([number.to_string()], &mut text).unwrap();
        }
        assert!(table.waiting.is_empty());
        assert_eq!(text.split(|&byte| byte == b'\n').count(), LOOKED_AT + 12);
    }
}
