//! A reading as a page of text.

use super::reading::{Line, Part, Reading};

/// Columns given to terms.
const TERM: usize = 18;

/// How a page of text looks.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Columns of a line; a Chinese character takes two.
    pub width: usize,
    /// Whether headings stand out by escape sequences.
    pub colour: bool,
}

impl Reading {
    /// The page.
    pub fn page(&self, look: Look) -> String {
        let mut page = look.heading(&self.title);
        for line in [&self.subtitle, &self.reference] {
            look.paragraph(line, 0, 0, &mut page);
        }
        for part in &self.parts {
            page.push_str(&part.page(look));
        }
        page
    }
}

impl Part {
    /// Its share of the page, after an empty line.
    pub fn page(&self, look: Look) -> String {
        let mut page = format!("\n{}", look.heading(&self.heading));
        for line in &self.lines {
            match line {
                Line::Says { term, text } => {
                    let blank = TERM.saturating_sub(columns(term)).max(1);
                    let text = format!("{term}{}{text}", " ".repeat(blank));
                    look.paragraph(&text, 2, 2 + TERM, &mut page);
                }
                Line::Table { names, rows } => {
                    for row in rows {
                        look.paragraph(&in_line(names, row), 2, 4, &mut page);
                    }
                }
            }
        }
        page
    }
}

/// The first cell, and the others with the names of their columns.
fn in_line(names: &[&str], row: &[String]) -> String {
    let cells = row.iter().zip(names).enumerate().map(|(place, (cell, name))| match place {
        0 => cell.clone(),
        _ => format!("{name}: {cell}"),
    });
    format!("· {}", cells.collect::<Vec<_>>().join("  "))
}

impl Look {
    fn heading(self, text: &str) -> String {
        if self.colour { format!("\x1b[1m{text}\x1b[0m\n") } else { format!("{text}\n") }
    }

    /// Writes the text in lines no longer than the page is wide: the first behind `first` blanks, the others behind
    /// `rest`.
    pub fn paragraph(self, text: &str, first: usize, rest: usize, to: &mut String) {
        to.push_str(&" ".repeat(first));
        let mut at = first;
        let mut is_fresh = true;
        for word in words(text) {
            let wide = columns(word.trim_end());
            if at + wide > self.width && !is_fresh {
                to.truncate(to.trim_end_matches(' ').len());
                to.push('\n');
                to.push_str(&" ".repeat(rest));
                at = rest;
            }
            to.push_str(word);
            at += columns(word);
            is_fresh = false;
        }
        to.truncate(to.trim_end_matches(' ').len());
        to.push('\n');
    }
}

/// The text cut where a line may end: after blanks, and after each wide character unless a mark that closes follows.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut begin = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let end = at + character.len_utf8();
        let Some(&(_, next)) = characters.peek() else { break };
        let closes = "，。、；：）”》".contains(next);
        let opens = "（“《".contains(character);
        let may_end = (character == ' ' && next != ' ')
            || ((columns_of(character) == 2 || columns_of(next) == 2)
                && !closes
                && !opens
                && next != ' ');
        if may_end {
            words.extend(text.get(begin..end));
            begin = end;
        }
    }
    words.extend(text.get(begin..).filter(|rest| !rest.is_empty()));
    words
}

fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

fn columns_of(character: char) -> usize {
    if matches!(character, '\u{1100}'..='\u{115f}' | '\u{2e80}'..) { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_they_may() {
        let look = Look { width: 12, colour: false };
        for (text, lines) in [
            ("one two three four", "  one two\n    three\n    four\n"),
            ("使用方仅可由下列系统查询。", "  使用方仅可\n    由下列系\n    统查询。\n"),
            ("averyverylongword x", "  averyverylongword\n    x\n"),
            ("", "\n"),
        ] {
            let mut page = String::new();
            look.paragraph(text, 2, 4, &mut page);
            assert_eq!(page, lines, "{text}");
        }
    }
}
