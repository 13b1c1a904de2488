//! The table at the end of `docs/cases.md`: in which scenario each item was seen, and by which needs.
//!
//! `UPDATE=1 cargo test --test it cases::items` writes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use heyan::proto::gateway::v1 as wire;
use wire::case_outcome::Outcome;

use super::row::{InTheWay, Row};

const DOCUMENT: &str = "docs/cases.md";
const HEADER: &str = "| Item | READY | REFUTED | No agreement with | Down | Half a family |\n";

/// The document has the table of these rows.
pub(super) fn stands(rows: &[Row]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT);
    let document = fs::read_to_string(&path).unwrap();
    let start = document.find(HEADER).unwrap_or_else(|| panic!("{DOCUMENT} has no such table"));
    let lines = document[start..].split_inclusive('\n').take_while(|line| line.starts_with('|'));
    let end = start + lines.map(str::len).sum::<usize>();
    let table = table(rows);
    if document[start..end] != table && std::env::var_os("UPDATE").is_some() {
        fs::write(&path, [&document[..start], &table, &document[end..]].concat()).unwrap();
        return;
    }
    let hint = format!("`UPDATE=1 cargo test --test it cases::items` writes it into {DOCUMENT}");
    assert_eq!(&document[start..end], table, "{hint}");
}

fn table(rows: &[Row]) -> String {
    let mut items: BTreeMap<(usize, &str), Vec<&Row>> = BTreeMap::new();
    for row in rows {
        items.entry(order(row.application.item)).or_default().push(row);
    }
    let mut table = format!("{HEADER}|---|---|---|---|---|---|\n");
    for rows in items.values() {
        let item = rows[0].application.item;
        let cells = [ready(rows), refuted(rows), agreements(rows), agencies(rows), families(rows)];
        table.push_str(&format!("| **{item}** | {} |\n", cells.join(" | ")));
    }
    table
}

/// Withdrawals, deposits, loans: as the centre counts them.
fn order(item: &'static str) -> (usize, &'static str) {
    ("WDL".find(&item[..1]).unwrap_or(3), item)
}

fn ready(rows: &[&Row]) -> String {
    let count = rows.iter().filter(|row| row.outcome == Outcome::Ready).count();
    match count {
        0 => "a person decides".to_owned(),
        1 => "1 way".to_owned(),
        _ => format!("{count} ways"),
    }
}

fn refuted(rows: &[&Row]) -> String {
    let refuted = rows.iter().filter(|row| row.outcome == Outcome::Refuted);
    let because = refuted.flat_map(|row| &row.because);
    let needs: BTreeSet<&str> = because.filter_map(|one| one.strip_suffix(": refuted")).collect();
    coded(needs)
}

fn agreements(rows: &[&Row]) -> String {
    coded(opened(rows, |row| match row.in_the_way {
        InTheWay::NotAgreed(agency) => Some(agency),
        _ => None,
    }))
}

fn agencies(rows: &[&Row]) -> String {
    coded(opened(rows, |row| match row.in_the_way {
        InTheWay::Down(agency) => Some(agency),
        _ => None,
    }))
}

/// What stands in the way of rows that go to the counter.
fn opened<'a>(rows: &[&Row], what: impl Fn(&Row) -> Option<&'a str>) -> BTreeSet<&'a str> {
    let counter = rows.iter().filter(|row| row.outcome == Outcome::NeedsCounter);
    counter.filter_map(|row| what(row)).collect()
}

fn families(rows: &[&Row]) -> String {
    let half = rows.iter().filter(|row| row.is_half_a_family());
    let ways: BTreeSet<&str> = half
        .map(|row| match row.in_the_way {
            InTheWay::Nothing => "nobody told of",
            InTheWay::BookDown(_) => "a book down",
            InTheWay::NotAgreed(_) => "no agreement",
            InTheWay::Down(_) => "an agency down",
        })
        .collect();
    if ways.is_empty() { "–".to_owned() } else { ways.into_iter().collect::<Vec<_>>().join(", ") }
}

fn coded(names: BTreeSet<&str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ")
}
