//! A report as a table, as comma-separated values and as JSON.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::calendar;
use super::csv;
use super::figures::{Line, Report, Row};
use super::labels::VERDICTS;
use super::page::grouped;
use super::unusual::RULES;

/// Quantiles shown, in thousandths.
const QUANTILES: [(&str, u64); 3] = [("p50", 500), ("p95", 950), ("p99", 990)];

/// For people at a terminal.
pub fn table(report: &Report) -> String {
    let mut text = match report.span {
        Some((first, last)) => {
            format!(
                "questions from {} to {} (China)\n",
                calendar::moment(first),
                calendar::moment(last)
            )
        }
        None => "no questions\n".to_owned(),
    };
    for line in &report.rows {
        text.push_str(&paragraph(line));
    }
    if report.unusual.is_empty() {
        text.push_str("\nno unusual use\n");
        return text;
    }
    text.push_str("\nunusual use, to be asked about; not wrong by itself\n");
    for found in &report.unusual {
        let (rule, when, who) = (found.rule.name, &found.when, &found.who);
        text.push_str(&format!("  {rule:<14} {when:<23}  {}: {}\n", clean(who), found.text));
    }
    if report.more_unusual > 0 {
        text.push_str(&format!("  and {} more\n", grouped(report.more_unusual)));
    }
    text
}

/// Text that callers chose must not steer a terminal.
fn clean(text: &str) -> String {
    text.replace(char::is_control, " ")
}

fn paragraph(line: &Line) -> String {
    let row = &line.row;
    let mut text = format!("\n{}  {}\n", line.month, name_of(line));
    let mut put = |name: &str, words: String| text.push_str(&format!("  {name:<12} {words}\n"));
    put("questions", grouped(row.questions()));
    let verdicts = row.verdicts.iter().map(|(name, count)| format!("{name} {}", grouped(*count)));
    put("answered", with(row.answered, verdicts));
    let denials = row.denials.iter().map(|(code, count)| format!("{code} {}", grouped(*count)));
    put("denied", with(row.denied(), denials));
    if row.unanswered > 0 {
        put("unanswered", grouped(row.unanswered));
    }
    if !row.unavailable.is_empty() {
        let reasons = row.unavailable.iter().map(|(code, count)| format!("{code} {count}"));
        put("no answer", reasons.collect::<Vec<_>>().join(", "));
    }
    if row.answered > 0 {
        let share = row.cache_thousandths();
        put("from cache", format!("{} ({}.{}%)", grouped(row.cached), share / 10, share % 10));
        let quantiles = QUANTILES.iter().map(|(name, at)| {
            format!("{name} {}", row.latency.quantile(*at).map(milliseconds).unwrap_or_default())
        });
        let longest = row.latency.longest().map(milliseconds).unwrap_or_default();
        put("time", format!("{}, max {longest}", quantiles.collect::<Vec<_>>().join(", ")));
    }
    let disclosed = row.disclosed.iter().map(|(name, count)| format!("{name} {}", grouped(*count)));
    put("disclosed", with(row.disclosed.values().sum(), disclosed));
    if !row.masked.is_empty() {
        let masked = row.masked.iter().map(|(name, count)| format!("{name} {}", grouped(*count)));
        put("in part", with(row.masked.values().sum(), masked));
    }
    if row.dropped > 0 {
        put("dropped", format!("{} attributes sent beyond the grant", grouped(row.dropped)));
    }
    if let Some(words) = quota(line) {
        put("busiest day", words);
    }
    if let Some(words) = quota_of_month(line) {
        put("month", words);
    }
    text
}

/// The agreement's id, parties and title.
pub(super) fn name_of(line: &Line) -> String {
    match (&line.terms, line.agreement.is_empty()) {
        (_, true) => "no agreement".to_owned(),
        (None, false) => line.agreement.clone(),
        (Some(terms), false) => format!(
            "{}  {} asks {}: {}",
            line.agreement,
            terms.consumer,
            terms.provider,
            clean(&terms.title)
        ),
    }
}

/// The busiest day, held against the agreement's quota.
pub(super) fn quota(line: &Line) -> Option<String> {
    let (day, permits) = line.row.busiest().filter(|&(_, permits)| permits > 0)?;
    let limit = match line.terms.as_ref().and_then(|terms| terms.per_day) {
        Some(limit) => format!("of {} a day ({})", grouped(limit), share(permits, limit)),
        None => "no daily quota".to_owned(),
    };
    Some(format!("{}: {} permits, {limit}", calendar::day(day), grouped(permits)))
}

/// The month's permits, held against the agreement's quota; `None` where it has none for months.
pub(super) fn quota_of_month(line: &Line) -> Option<String> {
    let limit = line.terms.as_ref().and_then(|terms| terms.per_month)?;
    let permits = line.row.permitted();
    Some(format!("{} of {} permits ({})", grouped(permits), grouped(limit), share(permits, limit)))
}

fn share(permits: u64, limit: u64) -> String {
    let thousandths = permits.saturating_mul(1000).checked_div(limit).unwrap_or(0);
    format!("{}.{}%", thousandths / 10, thousandths % 10)
}

fn with(count: u64, parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    match parts.is_empty() {
        true => grouped(count),
        false => format!("{} ({})", grouped(count), parts.join(", ")),
    }
}

pub(super) fn milliseconds(duration: Duration) -> String {
    let micros = duration.as_micros();
    format!("{}.{} ms", micros / 1000, micros % 1000 / 100)
}

/// For spreadsheets: a line for each month and agreement. Verdicts and codes of denials have columns of their own.
pub fn comma_separated(report: &Report) -> String {
    let codes: BTreeSet<&String> =
        report.rows.iter().flat_map(|line| line.row.denials.keys()).collect();
    let names: BTreeSet<&String> =
        report.rows.iter().flat_map(|line| line.row.disclosed.keys()).collect();
    let in_part: BTreeSet<&String> =
        report.rows.iter().flat_map(|line| line.row.masked.keys()).collect();
    let mut header: Vec<String> = [
        "month",
        "agreement",
        "consumer",
        "provider",
        "questions",
        "answered",
        "from_cache",
        "denied",
    ]
    .map(str::to_owned)
    .into();
    header.push("unanswered".to_owned());
    header.extend(VERDICTS.map(|(name, _, _)| name.to_lowercase()));
    header.extend(QUANTILES.map(|(name, _)| format!("{name}_us")));
    header.extend(["max_us", "dropped", "busiest_day", "busiest_day_permits"].map(str::to_owned));
    header.extend(["quota_per_day", "permits", "quota_per_month"].map(str::to_owned));
    header.extend(codes.iter().map(|code| format!("denied_{code}")));
    header.extend(names.iter().map(|name| format!("disclosed_{name}")));
    header.extend(in_part.iter().map(|name| format!("masked_{name}")));
    let mut text = csv::line(header);
    for line in &report.rows {
        let row = &line.row;
        let terms = line.terms.clone().unwrap_or_default();
        let mut cells = vec![line.month.to_string(), line.agreement.clone()];
        cells.extend([terms.consumer, terms.provider]);
        let counts = [row.questions(), row.answered, row.cached, row.denied(), row.unanswered];
        cells.extend(counts.map(|count| count.to_string()));
        cells.extend(
            VERDICTS.map(|(name, _, _)| row.verdicts.get(name).copied().unwrap_or(0).to_string()),
        );
        cells.extend(QUANTILES.map(|(_, at)| micros(row.latency.quantile(at))));
        cells.extend([micros(row.latency.longest()), row.dropped.to_string()]);
        let busiest = row.busiest();
        cells.push(busiest.map(|(day, _)| calendar::day(day)).unwrap_or_default());
        cells.push(busiest.map(|(_, permits)| permits.to_string()).unwrap_or_default());
        let limit = |limit: Option<u64>| limit.map(|limit| limit.to_string()).unwrap_or_default();
        cells.extend([limit(terms.per_day), row.permitted().to_string(), limit(terms.per_month)]);
        let count = |counts: &std::collections::BTreeMap<String, u64>, name: &String| {
            counts.get(name).copied().unwrap_or(0).to_string()
        };
        cells.extend(codes.iter().map(|code| count(&row.denials, code)));
        cells.extend(names.iter().map(|name| count(&row.disclosed, name)));
        cells.extend(in_part.iter().map(|name| count(&row.masked, name)));
        text.push_str(&csv::line(cells));
    }
    text
}

fn micros(duration: Option<Duration>) -> String {
    duration.map(|duration| duration.as_micros().to_string()).unwrap_or_default()
}

/// For programs.
pub fn as_json(report: &Report) -> Value {
    let rows: Vec<Value> = report.rows.iter().map(line_as_json).collect();
    let unusual: Vec<Value> = report
        .unusual
        .iter()
        .map(|found| {
            json!({
                "rule": found.rule.name,
                "who": found.who,
                "when": found.when,
                "count": found.count,
                "text": found.text,
            })
        })
        .collect();
    let rules: Vec<Value> = RULES
        .iter()
        .map(|rule| json!({ "name": rule.name, "bound": rule.bound, "why": rule.why }))
        .collect();
    json!({
        "month": report.scope.month.map(|month| month.to_string()),
        "agreement": report.scope.agreement,
        "from": report.span.map(|(first, _)| calendar::exact(first)),
        "to": report.span.map(|(_, last)| calendar::exact(last)),
        "rows": rows,
        "unusual": unusual,
        "more_unusual": report.more_unusual,
        "rules": rules,
    })
}

fn line_as_json(line: &Line) -> Value {
    let row = &line.row;
    let days: Vec<Value> = row
        .days
        .iter()
        .map(|(day, counts)| {
            json!({
                "day": calendar::day(*day),
                "permitted": counts.permitted,
                "denied": counts.denied,
                "verdicts": counts.verdicts,
            })
        })
        .collect();
    json!({
        "month": line.month.to_string(),
        "agreement": (!line.agreement.is_empty()).then_some(&line.agreement),
        "version": line.terms.as_ref().map(|terms| terms.version),
        "title": line.terms.as_ref().map(|terms| &terms.title),
        "title_zh": line.terms.as_ref().map(|terms| &terms.title_zh),
        "consumer": line.terms.as_ref().map(|terms| &terms.consumer),
        "provider": line.terms.as_ref().map(|terms| &terms.provider),
        "quota_per_day": line.terms.as_ref().and_then(|terms| terms.per_day),
        "quota_per_month": line.terms.as_ref().and_then(|terms| terms.per_month),
        "permits": row.permitted(),
        "questions": row.questions(),
        "answered": row.answered,
        "verdicts": row.verdicts,
        "unavailable": row.unavailable,
        "denied": row.denied(),
        "denials": row.denials,
        "unanswered": row.unanswered,
        "cached": row.cached,
        "latency_us": latency(row),
        "disclosed": row.disclosed,
        "masked": row.masked,
        "dropped": row.dropped,
        "facts": row.facts,
        "items": row.items,
        "busiest_day": row.busiest().map(|(day, permits)| json!({ "day": calendar::day(day), "permits": permits })),
        "days": days,
    })
}

fn latency(row: &Row) -> Value {
    let micros = |duration: Option<Duration>| {
        duration.map(|duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
    };
    json!({
        "p50": micros(row.latency.quantile(500)),
        "p95": micros(row.latency.quantile(950)),
        "p99": micros(row.latency.quantile(990)),
        "max": micros(row.latency.longest()),
    })
}
