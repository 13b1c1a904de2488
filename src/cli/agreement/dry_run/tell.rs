//! A rehearsal as a page for people, as JSON, and as a table in CSV.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Rehearsed;
use crate::query::time::Timestamp;
use crate::rehearse::{Attribute, Peak, Report, Row, Tally};
use crate::report::{calendar, csv};

/// For people.
pub(super) fn page(rehearsed: &Rehearsed) -> String {
    let report = &rehearsed.report;
    let mut lines = head(rehearsed);
    lines.push(format!("still permitted    {}", report.still_permitted));
    let still_denied: u64 = report.still_denied.values().sum();
    let codes = listed(report.still_denied.iter());
    lines.push(format!("still denied       {still_denied}{codes}"));
    lines.extend(tallies("newly permitted", "was ", &report.newly_permitted));
    lines.extend(tallies("newly denied", "", &report.newly_denied));
    lines.extend(tallies("cannot be told", "permitted then; maybe ", &report.untold_permitted));
    lines.extend(tallies("cannot be told", "denied then; maybe ", &report.untold_denied));
    if !(report.untold_permitted.is_empty() && report.untold_denied.is_empty()) {
        lines.push(
            "                   These hang on what the log does not hold: values that were compared with, or what the \
             draft\n                   demands and nobody had to send then. They are in no other figure."
                .to_owned(),
        );
    }
    lines.push(String::new());
    lines.extend(load(rehearsed));
    lines.extend(attributes(report));
    lines.extend(rows(report));
    lines.push(String::new());
    lines.push(conclusion(report));
    lines
        .iter()
        .map(|line| line.replace(|it: char| it.is_control() && it != '\n', " ") + "\n")
        .collect()
}

fn head(rehearsed: &Rehearsed) -> Vec<String> {
    let (draft, report) = (&rehearsed.draft, &rehearsed.report);
    let mut lines = vec![format!(
        "draft              {} version {}: {} asks {}",
        draft.id, draft.version, draft.consumer, draft.provider
    )];
    if rehearsed.ignores_dates {
        lines.push("                   its dates set aside: as if in force throughout".to_owned());
    }
    if let Some(first) = report.findings.first() {
        lines.push(format!(
            "                   {} agreements or orders of the log are not what they should be, the first at entry {}: \
             run `heyan audit replay`",
            report.findings.len(),
            first.index
        ));
    }
    lines.push(format!(
        "questions          {} that it concerns, {} others, in {} entries",
        report.questions, report.unconcerned, report.entries
    ));
    lines
}

fn listed<'a>(counts: impl Iterator<Item = (&'a &'static str, &'a u64)>) -> String {
    let all: Vec<String> = counts.map(|(code, count)| format!("{code} {count}")).collect();
    if all.is_empty() { String::new() } else { format!(" ({})", all.join(", ")) }
}

fn tallies<K: ToString>(what: &str, before: &str, tallies: &BTreeMap<K, Tally>) -> Vec<String> {
    let total: u64 = tallies.values().map(|tally| tally.count).sum();
    if total == 0 && what == "cannot be told" {
        return Vec::new();
    }
    let mut lines = vec![format!("{what:<18} {total}")];
    lines.extend(tallies.iter().map(|(code, Tally { count, examples })| {
        let examples: Vec<String> = examples.iter().map(ToString::to_string).collect();
        let more = if *count > examples.len() as u64 { " …" } else { "" };
        format!(
            "                   {before}{} {count}: entries {}{more}",
            code.to_string(),
            examples.join(" ")
        )
    }));
    lines
}

fn load(rehearsed: &Rehearsed) -> Vec<String> {
    let (quota, report) = (&rehearsed.draft.quota, &rehearsed.report);
    let line = |what: &str, peak: Option<Peak>, named: fn(u64) -> String, limit, code| {
        let busiest = peak.map_or_else(
            || "nothing came".to_owned(),
            |Peak { period, count }| format!("{count} in {}", named(period)),
        );
        let limit: Option<u64> = limit;
        let limit = limit.map_or_else(|| "no limit".to_owned(), |limit| format!("limit {limit}"));
        let spent = match report.spent.get(code) {
            Some(count) => format!(", {count} would have found it used up"),
            None => String::new(),
        };
        format!("busiest {what:<10} {busiest}; {limit}{spent}")
    };
    let peaks = &report.peaks;
    vec![
        line("second", peaks.second, second, quota.per_second, "QUOTA_SECOND"),
        line("day", peaks.day, calendar::day, quota.per_day, "QUOTA_DAY"),
        line("month", peaks.month, month, quota.per_month, "QUOTA_MONTH"),
    ]
}

fn second(number: u64) -> String {
    calendar::in_china(Timestamp::from_seconds(number)).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// As [`Timestamp::china_month`] counts.
fn month(number: u64) -> String {
    format!("{:04}-{:02}", 1970 + number / 12, number % 12 + 1)
}

fn attributes(report: &Report) -> Vec<String> {
    if report.attributes.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![
        String::new(),
        format!(
            "{:<24} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
            "values that left of",
            "whole",
            "in part",
            "the same",
            "masked",
            "unmasked",
            "withheld",
            "untold",
            "new"
        ),
    ];
    lines.extend(report.attributes.iter().map(|(name, it)| {
        format!(
            "{name:<24} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
            it.whole, it.in_part, it.same, it.masked, it.unmasked, it.withheld, it.untold, it.newly
        )
    }));
    lines
}

fn rows(report: &Report) -> Vec<String> {
    if report.rows.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![
        String::new(),
        format!(
            "{:<6} {:<8} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}",
            "fact", "item", "questions", "permitted", "would be", "new yes", "new no", "untold"
        ),
    ];
    lines.extend(report.rows.iter().map(|((fact, item), row)| {
        format!(
            "{:<6} {:<8} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}",
            fact.as_str(),
            item.as_str(),
            row.questions,
            row.permitted_then,
            row.permitted,
            row.newly_permitted,
            row.newly_denied,
            row.untold
        )
    }));
    lines
}

fn conclusion(report: &Report) -> String {
    match (report.questions, report.newly_denied(), report.untold_permitted()) {
        (0, ..) => {
            "No question of the log concerns this draft: it tells nothing about it.".to_owned()
        }
        (_, 0, 0) => "Nothing that was permitted would be denied.".to_owned(),
        (_, 0, untold) => format!(
            "Nothing that was permitted is certain to be denied; of {untold} it cannot be told."
        ),
        (_, denied, 0) => format!("{denied} that were permitted would be denied."),
        (_, denied, untold) => format!(
            "{denied} that were permitted would be denied; of {untold} more it cannot be told."
        ),
    }
}

/// A line for each fact and item.
pub(super) fn csv(report: &Report) -> String {
    let mut text = csv::line([
        "fact",
        "item",
        "questions",
        "permitted_then",
        "permitted",
        "newly_permitted",
        "newly_denied",
        "untold",
    ]);
    for ((fact, item), row) in &report.rows {
        let Row { questions, permitted_then, permitted, newly_permitted, newly_denied, untold } =
            row;
        let counts = [questions, permitted_then, permitted, newly_permitted, newly_denied, untold];
        let names = [fact.as_str(), item.as_str()].map(str::to_owned);
        let cells = names.into_iter().chain(counts.map(ToString::to_string));
        text.push_str(&csv::line(cells));
    }
    text
}

/// For programs.
pub(super) fn json(rehearsed: &Rehearsed) -> Value {
    let (draft, report) = (&rehearsed.draft, &rehearsed.report);
    let peak = |peak: Option<Peak>, named: fn(u64) -> String| {
        peak.map(|Peak { period, count }| json!({ "in": named(period), "count": count }))
    };
    let rows: Vec<Value> = report
        .rows
        .iter()
        .map(|((fact, item), row)| {
            json!({
                "fact": fact, "item": item, "questions": row.questions,
                "permitted_then": row.permitted_then, "permitted": row.permitted,
                "newly_permitted": row.newly_permitted, "newly_denied": row.newly_denied,
                "untold": row.untold,
            })
        })
        .collect();
    let attributes: Map<String, Value> =
        report.attributes.iter().map(|(name, it)| (name.clone(), attribute(it))).collect();
    json!({
        "draft": { "id": draft.id, "version": draft.version, "consumer": draft.consumer,
                   "provider": draft.provider, "dates": if rehearsed.ignores_dates { "ignored" } else { "own" } },
        "entries": report.entries,
        "unconcerned": report.unconcerned,
        "questions": report.questions,
        "still_permitted": report.still_permitted,
        "still_denied": report.still_denied,
        "newly_permitted": as_json(&report.newly_permitted),
        "newly_denied": as_json(&report.newly_denied),
        "untold": { "permitted_then": as_json(&report.untold_permitted),
                    "denied_then": as_json(&report.untold_denied) },
        "load": {
            "second": peak(report.peaks.second, second),
            "day": peak(report.peaks.day, calendar::day),
            "month": peak(report.peaks.month, month),
            "quota": { "per_second": draft.quota.per_second, "per_day": draft.quota.per_day,
                       "per_month": draft.quota.per_month },
            "spent": report.spent,
        },
        "attributes": attributes,
        "facts": rows,
        "findings": report.findings.iter().map(|finding| json!({
            "entry": finding.index, "rule": finding.rule, "problem": finding.text,
        })).collect::<Vec<_>>(),
    })
}

fn as_json<K: ToString>(tallies: &BTreeMap<K, Tally>) -> Value {
    let all: Map<String, Value> = tallies
        .iter()
        .map(|(code, Tally { count, examples })| {
            (code.to_string(), json!({ "count": count, "entries": examples }))
        })
        .collect();
    Value::Object(all)
}

fn attribute(it: &Attribute) -> Value {
    json!({
        "whole_then": it.whole, "in_part_then": it.in_part, "same": it.same, "masked": it.masked,
        "unmasked": it.unmasked, "withheld": it.withheld, "untold": it.untold, "newly": it.newly,
    })
}
