//! A page that stands alone in a browser and on paper: no script, nothing loaded from anywhere.

use super::page::{Block, Cell, Page};
use crate::report::page::{END, TABLE_END, begin, escape, table_begin};

/// The page.
pub(super) fn write(page: &Page) -> String {
    let mut text = begin(&page.title, &page.subtitle);
    for block in &page.blocks {
        match block {
            Block::Heading(rank, heading) => {
                text.push_str(&format!("<h{rank}>{}</h{rank}>\n", escape(heading)));
            }
            Block::Text(paragraph) => text.push_str(&format!("<p>{}</p>\n", escape(paragraph))),
            Block::Table(names, rows) => {
                text.push_str(&table_begin(names, names.len()));
                rows.iter().for_each(|cells| text.push_str(&row(cells)));
                text.push_str(TABLE_END);
            }
        }
    }
    text + END
}

fn row(cells: &[Cell]) -> String {
    let cells: String = cells
        .iter()
        .map(|cell| match cell {
            Cell::Text(text) => format!("<td>{}</td>", escape(text)),
            Cell::Code(text) => format!("<td><code>{}</code></td>", escape(text)),
        })
        .collect();
    format!("<tr>{cells}</tr>\n")
}
