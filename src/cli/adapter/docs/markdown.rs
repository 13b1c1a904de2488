//! A page as Markdown, with tables as GitHub and GitLab read them. Nothing of a manifest can become markup.

use super::page::{Block, Cell, Page};

/// The page.
pub(super) fn write(page: &Page) -> String {
    let mut text = format!("# {}\n\n{}\n", words(&page.title), words(&page.subtitle));
    for block in &page.blocks {
        text.push('\n');
        match block {
            Block::Heading(rank, heading) => {
                text.push_str(&format!("{} {}\n", "#".repeat(usize::from(*rank)), words(heading)));
            }
            Block::Text(paragraph) => text.push_str(&format!("{}\n", words(paragraph))),
            Block::Table(names, rows) => table(names, rows, &mut text),
        }
    }
    text
}

fn table(names: &[&str], rows: &[Vec<Cell>], text: &mut String) {
    text.push_str(&line(names.iter().map(|name| words(name))));
    text.push_str(&line(names.iter().map(|_| "---".to_owned())));
    for row in rows {
        text.push_str(&line(row.iter().map(|cell| match cell {
            Cell::Text(text) => words(text),
            Cell::Code(text) => code(text),
        })));
    }
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.collect();
    format!("| {} |\n", cells.join(" | "))
}

/// Text in which no character means anything.
fn words(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~' | '!' => {
                written.push('\\');
                written.push(character);
            }
            '&' => written.push_str("&amp;"),
            character if character.is_control() => written.push(' '),
            character => written.push(character),
        }
    }
    written
}

/// Text between more backquotes than it has in a row. A bar would end the cell even there.
fn code(text: &str) -> String {
    if text.trim().is_empty() {
        return if text.is_empty() { "—".to_owned() } else { "(blank)".to_owned() };
    }
    let text: String = text
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect();
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let blank = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{blank}{}{blank}{fence}", text.replace('|', "\\|"))
}
