//! Rows for spreadsheets: RFC 4180, and no cell that a spreadsheet would run as a formula.

use super::calendar;
use super::fields::{kind_name, source_name};
use super::known::Known;
use super::words;
use crate::audit::entry::{Entry, Kind};
use crate::crypto::hex;
use crate::query::time::Timestamp;

/// Names of the columns of [`entry`].
pub const ENTRY_COLUMNS: [&str; 28] = [
    "index",
    "time",
    "written_at",
    "kind",
    "caller",
    "system",
    "request_id",
    "fact",
    "provider",
    "item",
    "item_version",
    "case_number",
    "operator_unit",
    "relations",
    "notice",
    "consent",
    "agreement",
    "agreement_version",
    "clause",
    "result",
    "reason",
    "source",
    "as_of",
    "disclosed",
    "masked",
    "intent",
    "milliseconds",
    "about",
];

/// One line with its line end.
pub fn line<T: AsRef<str>>(cells: impl IntoIterator<Item = T>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|text| cell(text.as_ref())).collect();
    cells.join(",") + "\r\n"
}

/// A cell that begins like a formula is led by an apostrophe, which spreadsheets take as "this is text".
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

/// One entry under [`ENTRY_COLUMNS`]. Cells that do not apply are empty.
pub fn entry(index: u64, written_at: Timestamp, entry: &Entry, known: &Known) -> String {
    let kind = &entry.kind;
    let mut cells: Vec<String> = vec![
        index.to_string(),
        calendar::moment(entry.at),
        calendar::moment(written_at),
        kind_name(kind).to_owned(),
    ];
    match kind.facts() {
        Some(facts) => cells.extend([
            facts.caller.organisation.to_string(),
            facts.caller.system.to_string(),
            hex(&facts.request_id),
            facts.fact.as_ref().map(ToString::to_string).unwrap_or_default(),
            facts.provider.as_ref().map(ToString::to_string).unwrap_or_default(),
            facts.item.to_string(),
            facts.item_version.clone(),
            facts.case_number.clone(),
            facts.operator_unit.clone(),
            words::relations(facts),
            facts.notice.clone(),
            facts.consent.clone(),
        ]),
        None => cells.extend(std::iter::repeat_n(String::new(), 12)),
    }
    cells.push(known.agreement_of(kind).unwrap_or_default().to_owned());
    let permit = match kind {
        Kind::Intent(intent) => Some(&intent.permit),
        Kind::Outcome(outcome) => Some(&outcome.permit),
        _ => None,
    };
    let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
    cells.push(number(permit.map(|permit| permit.version)));
    cells.push(number(permit.map(|permit| permit.clause)));
    match kind {
        Kind::Outcome(outcome) => cells.extend([
            outcome.verdict.name().to_owned(),
            outcome.unavailable.map(|reason| reason.code().to_owned()).unwrap_or_default(),
            source_name(outcome.source).to_owned(),
            outcome.as_of.map(calendar::moment).unwrap_or_default(),
            outcome.disclosed.join(" "),
            outcome.masked.join(" "),
            outcome.intent.map(|intent| intent.to_string()).unwrap_or_default(),
            milliseconds(written_at, outcome.facts.received_at),
        ]),
        _ => {
            cells.push(words::result(kind));
            cells.extend(std::iter::repeat_n(String::new(), 7));
        }
    }
    cells.push(words::subject_matter(kind));
    line(cells)
}

fn milliseconds(written_at: Timestamp, received_at: Timestamp) -> String {
    let micros = written_at.since(received_at).as_micros();
    format!("{}.{:03}", micros / 1000, micros % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        assert_eq!(
            line(["a", "b,c", "d\"e", "", "=1+1", "@x"]),
            "a,\"b,c\",\"d\"\"e\",,'=1+1,'@x\r\n"
        );
        assert_eq!(line(["-1\n"]), "\"'-1\n\"\r\n");
    }

    #[test]
    fn every_row_has_every_column() {
        let denial = testing::denial(1);
        let row = entry(7, denial.at, &denial, &Known::default());
        assert_eq!(row.matches(',').count() + 1, ENTRY_COLUMNS.len(), "{row}");
        assert!(row.starts_with("7,2027-01-15 16:00:00.000,"), "{row}");
        assert!(row.contains(",denial,fund-centre,approval,"), "{row}");
        let created = crate::audit::entry::NodeEvent {
            change: crate::audit::entry::NodeChange::Created,
            version: "1".into(),
        };
        let node = Entry { at: denial.at, kind: Kind::Node(created) };
        let row = entry(0, denial.at, &node, &Known::default());
        assert_eq!(row.matches(',').count() + 1, ENTRY_COLUMNS.len(), "{row}");
    }
}
