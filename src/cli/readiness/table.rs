//! Readiness for people on a terminal: items × facts by signs, colours beside them, and then in sentences.

use crate::query::FactCode;
use crate::readiness::words::{explain, last_day, reach, share};
use crate::readiness::{Cell, ItemState, QuestionState, Reach, Readiness};
use crate::report::calendar;

const LEGEND: &str = "+ covered   ~ in part   ! granted, not reachable   - missing   . not asked";

/// The table, shares and sentences.
pub(super) fn all(readiness: &Readiness, is_coloured: bool) -> Vec<String> {
    let mut lines = vec![
        format!(
            "{}/{} at {}, China time",
            readiness.organisation,
            readiness.system,
            calendar::moment(readiness.at)
        ),
        String::new(),
    ];
    let facts = readiness.facts();
    let groups: Vec<Vec<&FactCode>> =
        facts.values().map(|facts| facts.iter().copied().collect()).collect();
    let names: Vec<String> =
        readiness.items.iter().map(|item| format!("{} {}", item.item, item.version)).collect();
    let width = names.iter().map(String::len).max().unwrap_or(0).max(4);
    lines.extend(headings(&groups, width));
    for (item, name) in readiness.items.iter().zip(&names) {
        let cells = groups.iter().map(|facts| {
            let signs = facts.iter().map(|fact| cell(item.cell(fact), is_coloured));
            signs.collect::<String>()
        });
        let cells = cells.collect::<Vec<_>>().join(" ");
        let (covered, all) = item.covered();
        let far = format!("{:<16}", reach(item.reach).0);
        let far = painted(&far, paint(item.reach), is_coloured);
        let count = format!("{covered}/{all}");
        lines
            .push(format!("{name:<width$}  {cells}  {far}  {count:>5}  {}", plain(&item.title_zh)));
    }
    lines.extend([String::new(), LEGEND.to_owned(), String::new()]);
    lines.extend(shares(readiness, is_coloured));
    lines.push(String::new());
    lines.extend(explain(readiness).iter().map(|sentence| plain(&sentence.en)));
    lines
}

/// The codes of the facts, read downwards.
fn headings(groups: &[Vec<&FactCode>], width: usize) -> Vec<String> {
    let longest = groups.iter().flatten().map(|fact| fact.as_str().chars().count()).max();
    (0..longest.unwrap_or(0))
        .map(|row| {
            let letters = groups.iter().map(|facts| {
                let letter = |fact: &&FactCode| fact.as_str().chars().nth(row).unwrap_or(' ');
                facts.iter().map(letter).collect::<String>()
            });
            let letters = letters.collect::<Vec<_>>().join(" ");
            let name = if row == 0 { "ITEM" } else { "" };
            format!("{name:<width$}  {letters}").trim_end().to_owned()
        })
        .collect()
}

fn shares(readiness: &Readiness, is_coloured: bool) -> Vec<String> {
    let all = readiness.items.len();
    let counted = Reach::ALL.map(|reach| (reach, readiness.count(reach)));
    counted
        .into_iter()
        .map(|(far, count)| {
            let bar = painted(&"#".repeat(count), paint(far), is_coloured);
            let portion = share(count, all);
            format!("{:<16}  {count:>3}  {portion:>7}  {bar}", reach(far).0).trim_end().to_owned()
        })
        .collect()
}

/// Every question of one item, by which clause or why not.
pub(super) fn item(item: &ItemState) -> Vec<String> {
    let (covered, all) = item.covered();
    let mut lines = vec![
        format!("{} {}  {}  {}", item.item, item.version, item.title_zh, item.title),
        format!(
            "{}, {covered} of {all} questions covered; today {}",
            reach(item.reach).0,
            item.channel
        ),
    ];
    if let Some(why) = &item.person_decides {
        lines.push(format!("a person always decides: {why}"));
    }
    if !item.has_rule {
        lines.push("no rule is written: judged by its list of facts".to_owned());
    }
    lines.push(String::new());
    let width = item.questions.iter().map(|one| one.name.len()).max().unwrap_or(0);
    for question in &item.questions {
        let (name, fact, agency) = (&question.name, &question.fact, &question.agency);
        let sign = if question.is_covered() { '+' } else { '-' };
        let often = if question.sometimes { " (sometimes)" } else { "" };
        lines.push(format!("{sign} {name:<width$}  {fact:<4} {agency}{often}"));
        lines.extend(because(question).into_iter().map(|why| format!("    {why}")));
    }
    for evidence in item.evidence.iter().filter(|evidence| evidence.is_needed) {
        let (issuer, title) = (&evidence.issuer, &evidence.title_zh);
        let when = if evidence.always { "always" } else { "sometimes" };
        let enough = if evidence.suffices { "" } else { ", for a person to look at" };
        lines.push(format!("evidence from outside, {when}: {title} ({issuer}){enough}"));
    }
    lines.iter().map(|line| plain(line)).collect()
}

fn because(question: &QuestionState) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(grant) = &question.grant {
        let until = grant.until.map(|until| format!(", until {}", last_day(until)));
        lines.push(format!(
            "{} version {} clause {}{}",
            grant.agreement,
            grant.version,
            grant.clause,
            until.unwrap_or_default()
        ));
    }
    for demand in &question.demands {
        lines.push(format!("demands {} {}", demand.kind, demand.of).trim_end().to_owned());
    }
    if let Some(reached) = &question.adapter {
        lines.push(format!("adapter {}, {}", reached.adapter, reached.health));
    }
    if let Some(missing) = &question.missing {
        lines.push(format!("{}: {}", missing.code, missing.advice));
    }
    lines
}

fn cell(cell: Cell, is_coloured: bool) -> String {
    let colour = match cell {
        Cell::Covered => "\x1b[32m",
        Cell::InPart | Cell::Unreached => "\x1b[33m",
        Cell::Missing => "\x1b[31m",
        Cell::NotAsked => "\x1b[2m",
    };
    painted(&cell.sign().to_string(), colour, is_coloured)
}

fn paint(reach: Reach) -> &'static str {
    match reach {
        Reach::EndToEnd | Reach::ButForEvidence => "\x1b[32m",
        Reach::PersonDecides => "\x1b[36m",
        Reach::Partly => "\x1b[33m",
        Reach::NotAtAll => "\x1b[31m",
    }
}

fn painted(text: &str, colour: &str, is_coloured: bool) -> String {
    if is_coloured { format!("{colour}{text}\x1b[0m") } else { text.to_owned() }
}

/// Titles come from files and replies: nothing of them moves the cursor.
fn plain(text: &str) -> String {
    text.replace(char::is_control, " ")
}
