//! A report as one page.

use super::calendar;
use super::chart;
use super::figures::{Line, Report, Row};
use super::known::Known;
use super::labels;
use super::page::{self, escape, grouped};
use super::render::{milliseconds, quota, quota_of_month};
use super::unusual::{RULES, Unusual};

/// Where a report comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The log's name.
    pub log: String,
    /// Entries read and verified.
    pub entries: u64,
    /// Root over them, hexadecimal.
    pub root: String,
}

/// The whole page.
pub fn report(report: &Report, known: &Known, origin: &Origin) -> String {
    let title = match report.scope.month {
        Some(month) => format!("核验网关审计报告 Audit report {month}"),
        None => "核验网关审计报告 Audit report".to_owned(),
    };
    let span = match report.span {
        Some((first, last)) => format!("{} – {}", calendar::moment(first), calendar::moment(last)),
        None => "没有查询 no questions".to_owned(),
    };
    let mut text = page::begin(&title, &format!("{} · {span} (北京时间 China time)", origin.log));
    text.push_str(&overview(report, known));
    for line in &report.rows {
        text.push_str(&section(line, known));
    }
    text.push_str(&unusual(&report.unusual, report.more_unusual));
    text.push_str(&foot(origin));
    text + page::END
}

fn overview(report: &Report, known: &Known) -> String {
    let sum = |count: fn(&Row) -> u64| report.rows.iter().map(|line| count(&line.row)).sum::<u64>();
    let figures = [
        ("查询 questions", grouped(sum(Row::questions))),
        ("答复 answered", grouped(sum(|row| row.answered))),
        ("其中缓存 from cache", grouped(sum(|row| row.cached))),
        ("拒绝 denied", grouped(sum(Row::denied))),
        ("无答复 unanswered", grouped(sum(|row| row.unanswered))),
        ("异常线索 unusual use", grouped(report.unusual.len() as u64 + report.more_unusual)),
    ];
    let names = [
        "月份 Month",
        "协议 Agreement",
        "查询方 Asks",
        "提供方 Answers",
        "查询 Questions",
        "答复 Answered",
        "拒绝 Denied",
        "缓存 Cached",
        "p95",
    ];
    let rows = report.rows.iter().map(|line| {
        let terms = line.terms.clone().unwrap_or_default();
        vec![
            line.month.to_string(),
            if line.agreement.is_empty() { "—".to_owned() } else { line.agreement.clone() },
            organisation(known, &terms.consumer),
            organisation(known, &terms.provider),
            grouped(line.row.questions()),
            grouped(line.row.answered),
            grouped(line.row.denied()),
            percent(line.row.cache_thousandths()),
            line.row.latency.quantile(950).map(milliseconds).unwrap_or_default(),
        ]
    });
    page::tiles(&figures) + &page::table(&names, 4, rows)
}

fn section(line: &Line, known: &Known) -> String {
    let row = &line.row;
    let heading = match line.agreement.is_empty() {
        true => "没有协议 No agreement".to_owned(),
        false => line.agreement.clone(),
    };
    let mut text = format!("<h2>{} · {}</h2>\n", line.month, escape(&heading));
    if let Some(terms) = &line.terms {
        let between = format!(
            "{} → {}",
            organisation(known, &terms.consumer),
            organisation(known, &terms.provider)
        );
        text.push_str(&format!(
            "<p>{} {}</p>\n<p class=\"soft\">{}</p>\n",
            escape(&terms.title_zh),
            escape(&terms.title),
            escape(&between)
        ));
    }
    let time =
        |thousandths| row.latency.quantile(thousandths).map(milliseconds).unwrap_or_default();
    text.push_str(&page::tiles(&[
        ("查询 questions", grouped(row.questions())),
        ("答复 answered", grouped(row.answered)),
        ("拒绝 denied", grouped(row.denied())),
        ("缓存占比 cache share", percent(row.cache_thousandths())),
        ("p50", time(500)),
        ("p95", time(950)),
        ("p99", time(990)),
        ("最长 max", row.latency.longest().map(milliseconds).unwrap_or_default()),
    ]));
    text.push_str(&chart::days(&row.days));
    text.push_str(&chart::shares(&row.verdicts, row.denied()));
    text.push_str(&chart::durations(&row.latency));
    text.push_str(&counts(row));
    if let Some(words) = quota(line) {
        text.push_str(&format!("<p>用量最大的一天 Busiest day: {}</p>\n", escape(&words)));
    }
    if let Some(words) = quota_of_month(line) {
        text.push_str(&format!("<p>当月用量 The month's quota: {}</p>\n", escape(&words)));
    }
    if row.dropped > 0 {
        let dropped = grouped(row.dropped);
        text.push_str(&format!(
            "<p>超出授权而丢弃的属性 Attributes sent beyond the grant and dropped: {dropped}</p>\n"
        ));
    }
    text
}

fn counts(row: &Row) -> String {
    let mut text = String::new();
    let mut list = |heading: &str, rows: Vec<(String, u64)>| {
        if !rows.is_empty() {
            let rows = rows.into_iter().map(|(name, count)| vec![name, grouped(count)]);
            text.push_str(&format!("<h3>{heading}</h3>\n"));
            text.push_str(&page::table(&["", "次数 Count"], 1, rows));
        }
    };
    let owned = |counts: &std::collections::BTreeMap<String, u64>| {
        counts.iter().map(|(name, count)| (name.clone(), *count)).collect::<Vec<_>>()
    };
    let verdicts = row.verdicts.iter().map(|(name, count)| (labels::verdict(name), *count));
    list("结论 Verdicts", verdicts.collect());
    list("拒绝原因 Denials by code", owned(&row.denials));
    let reasons = row.unavailable.iter().map(|(code, count)| ((*code).to_owned(), *count));
    list("无法核验的原因 Why there was no answer", reasons.collect());
    list("披露的属性 Attributes disclosed", owned(&row.disclosed));
    list("其中脱敏 Of those in part only", owned(&row.masked));
    list("事实 Questions by fact", owned(&row.facts));
    list("事项 Questions by item", owned(&row.items));
    text
}

fn unusual(found: &[Unusual], more: u64) -> String {
    let mut text = String::from(
        "<h2>异常线索 Unusual use</h2>\n<p>下列情况供核实，本身不表示违规。\
         What follows is to be asked about; it is not wrong by itself.</p>\n",
    );
    match found.is_empty() {
        true => text.push_str("<p>没有发现。None found.</p>\n"),
        false => {
            let names = ["规则 Rule", "时间 When", "对象 Who", "情况 What was seen", "次数 Count"];
            let rows = found.iter().map(|found| {
                vec![
                    format!("{} {}", found.rule.name_zh, found.rule.name),
                    found.when.clone(),
                    found.who.clone(),
                    found.text.clone(),
                    grouped(found.count),
                ]
            });
            text.push_str(&page::table(&names, 4, rows));
        }
    }
    if more > 0 {
        text.push_str(&format!("<p>另有 and more: {}</p>\n", grouped(more)));
    }
    text.push_str("<h3>规则 Rules</h3>\n");
    let rows = RULES.iter().map(|rule| {
        vec![format!("{} {}", rule.name_zh, rule.name), rule.bound.to_owned(), rule.why.to_owned()]
    });
    text + &page::table(&["", "界限 Bound", "理由 Why"], 3, rows)
}

fn foot(origin: &Origin) -> String {
    format!(
        "<h2>依据 Evidence</h2>\n<p>本报告由经过完整校验的日志生成。Made from a log of which every byte, hash, root and signature was \
         checked: {} entries of <code>{}</code>, root <code>{}</code>.</p>\n",
        grouped(origin.entries),
        escape(&origin.log),
        escape(&origin.root)
    )
}

/// Chinese name and id.
pub(super) fn organisation(known: &Known, id: &str) -> String {
    known.party(id).map_or(id.to_owned(), |party| format!("{} {id}", party.name_zh))
}

fn percent(thousandths: u64) -> String {
    format!("{}.{}%", thousandths / 10, thousandths % 10)
}
