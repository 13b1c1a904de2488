//! Readiness as one page: shares, items × facts, what one more agreement would bring, each question. Signs and words say what
//! colours say; nothing is loaded from anywhere.

use super::words::{self, share};
use super::{Cell, ItemState, QuestionState, Reach, Readiness};
use crate::query::FactCode;
use crate::report::calendar;
use crate::report::page::{self, escape};

/// Looks of the chart, beside those of every page.
const STYLE: &str = "\
table.chart{width:auto}table.chart td,table.chart th{padding:.18rem .34rem;text-align:center}\
table.chart th.item,table.chart td.item{text-align:left;white-space:nowrap}\
td.covered{background:#d7ecdc}td.part{background:#f6ecc9}td.unreached{background:#f6d9b8}td.missing{background:#f5d3d3}\
td.first,th.first{border-left:2px solid var(--line)}";

const WIDTH: usize = 960;

/// The whole page.
pub fn page(readiness: &Readiness) -> String {
    let title = "事项就绪度 Readiness of service items";
    let subtitle = format!(
        "{}/{} · {} (北京时间 China time)",
        readiness.organisation,
        readiness.system,
        calendar::moment(readiness.at)
    );
    let mut text = page::head(title, "zh-CN", STYLE);
    text.push_str(&format!(
        "<h1>{}</h1>\n<p class=\"soft\">{}</p>\n",
        escape(title),
        escape(&subtitle)
    ));
    let count = |reach| readiness.count(reach).to_string();
    let all = readiness.items.len();
    text.push_str(&page::tiles(&[
        ("事项 items", all.to_string()),
        ("全程可办 end to end", count(Reach::EndToEnd)),
        ("占比 share", share(readiness.count(Reach::EndToEnd), all)),
        ("除外部材料 but for evidence", count(Reach::ButForEvidence)),
        ("人工审定 a person decides", count(Reach::PersonDecides)),
        ("部分 partly", count(Reach::Partly)),
        ("不可 not at all", count(Reach::NotAtAll)),
    ]));
    text.push_str(&shares(readiness));
    text.push_str("<h2>事项与事实 Items and facts</h2>\n");
    text.push_str(&chart(readiness));
    text.push_str("<h2>说明 What this means</h2>\n");
    for sentence in words::explain(readiness) {
        let (en, zh) = (escape(&sentence.en), escape(&sentence.zh));
        text.push_str(&format!("<p>{zh}<br/><span class=\"soft\">{en}</span></p>\n"));
    }
    text.push_str(&gains(readiness));
    text.push_str(&lapses(readiness));
    text.push_str("<h2>逐项 Item by item</h2>\n");
    readiness.items.iter().for_each(|item| text.push_str(&section(item)));
    text + page::END
}

/// One bar: how far the items get.
fn shares(readiness: &Readiness) -> String {
    let all = readiness.items.len();
    if all == 0 {
        return String::new();
    }
    let (mut bars, mut legend, mut before) = (String::new(), String::new(), 0);
    let counted = Reach::ALL.map(|reach| (reach, readiness.count(reach)));
    for (place, (reach, count)) in counted.into_iter().filter(|(_, count)| *count > 0).enumerate() {
        let (from, to) = (before * WIDTH / all, (before + count) * WIDTH / all);
        before += count;
        let (en, zh) = words::reach(reach);
        let colour = colour(reach);
        let words = escape(&format!("{zh} {en}: {count} ({})", share(count, all)));
        let (width, middle) = (to - from, (from + to) / 2);
        bars.push_str(&format!(
            "<rect x=\"{from}\" y=\"0\" width=\"{width}\" height=\"26\" fill=\"{colour}\" stroke=\"#fff\"><title>{words}</title></rect>\
             <text x=\"{middle}\" y=\"17\" text-anchor=\"middle\" style=\"fill:#fff\">{count}</text>"
        ));
        let (x, y) = (place % 3 * 320, 44 + place / 3 * 20);
        legend.push_str(&format!(
            "<rect x=\"{x}\" y=\"{}\" width=\"10\" height=\"10\" fill=\"{colour}\"/><text x=\"{}\" y=\"{y}\">{words}</text>",
            y - 9,
            x + 16
        ));
    }
    let caption = "各事项可达程度 How far the items get";
    format!(
        "<figure><figcaption>{caption}</figcaption><svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} 74\" \
         role=\"img\" aria-label=\"{caption}\">{bars}{legend}</svg></figure>\n"
    )
}

fn colour(reach: Reach) -> &'static str {
    match reach {
        Reach::EndToEnd => "#2f7d4f",
        Reach::ButForEvidence => "#5b8f3a",
        Reach::PersonDecides => "#1f4e79",
        Reach::Partly => "#a86f12",
        Reach::NotAtAll => "#a33a3a",
    }
}

fn chart(readiness: &Readiness) -> String {
    let facts = readiness.facts();
    let mut text = String::from(
        "<div class=\"wide\"><table class=\"chart\">\n<thead><tr><th class=\"item\" rowspan=\"2\">事项 Item</th>",
    );
    for (agency, facts) in &facts {
        let (count, agency) = (facts.len(), escape(agency.as_str()));
        text.push_str(&format!("<th class=\"first\" colspan=\"{count}\">{agency}</th>"));
    }
    text.push_str("<th class=\"item first\" rowspan=\"2\">可达程度 Reach</th></tr>\n<tr>");
    let columns: Vec<(bool, &FactCode)> = facts
        .values()
        .flat_map(|facts| facts.iter().enumerate().map(|(place, fact)| (place == 0, *fact)))
        .collect();
    for (is_first, fact) in &columns {
        let class = if *is_first { " class=\"first\"" } else { "" };
        text.push_str(&format!("<th{class}>{}</th>", escape(fact.as_str())));
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    for item in &readiness.items {
        let (code, version) = (escape(item.item.as_str()), escape(&item.version));
        text.push_str(&format!(
            "<tr><td class=\"item\">{code} <span class=\"soft\">{version}</span></td>"
        ));
        for (is_first, fact) in &columns {
            let (class, word) = class(item.cell(fact));
            let first = if *is_first { " first" } else { "" };
            let title = escape(&format!("{} {fact}: {word}", item.item));
            let sign = item.cell(fact).sign();
            text.push_str(&format!("<td class=\"{class}{first}\" title=\"{title}\">{sign}</td>"));
        }
        let (en, zh) = words::reach(item.reach);
        text.push_str(&format!("<td class=\"item first\">{zh} {en}</td></tr>\n"));
    }
    text.push_str("</tbody>\n</table></div>\n<p class=\"soft\">+ 已覆盖 covered · ~ 部分 in part · ! 已授权但无法查询 granted, not reachable · - 未授权 missing · . 不查询 not asked</p>\n");
    text
}

fn class(cell: Cell) -> (&'static str, &'static str) {
    match cell {
        Cell::NotAsked => ("none", "不查询 not asked"),
        Cell::Covered => ("covered", "已覆盖 covered"),
        Cell::InPart => ("part", "部分 in part"),
        Cell::Unreached => ("unreached", "已授权但无法查询 granted, not reachable"),
        Cell::Missing => ("missing", "未授权 missing"),
    }
}

fn gains(readiness: &Readiness) -> String {
    if readiness.gains.is_empty() {
        return String::new();
    }
    let names =
        ["部门 Agency", "事实 Facts", "全程可办 Unlocks", "有进展 Gets farther", "问题 Questions"];
    let rows = readiness.gains.iter().map(|gain| {
        let facts = gain.facts.iter().map(FactCode::as_str).collect::<Vec<_>>().join(" ");
        let unlocked = gain.unlocked().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let farther = gain.rises.iter().filter(|rise| rise.to != Reach::EndToEnd);
        let farther: Vec<String> =
            farther.map(|rise| format!("{} ({})", rise.item, words::reach(rise.to).0)).collect();
        vec![
            gain.agency.to_string(),
            facts,
            unlocked,
            farther.join(", "),
            gain.questions.to_string(),
        ]
    });
    "<h2>再签一份协议 One more agreement</h2>\n".to_owned() + &page::table(&names, 4, rows)
}

fn lapses(readiness: &Readiness) -> String {
    if readiness.lapses.is_empty() {
        return String::new();
    }
    let names = ["协议 Agreement", "最后一天 Last day", "退步 Fall behind", "问题 Questions"];
    let rows = readiness.lapses.iter().map(|lapse| {
        let items = lapse.items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let agreement = format!("{} v{}", lapse.agreement, lapse.version);
        vec![agreement, words::last_day(lapse.on), items, lapse.questions.to_string()]
    });
    let days = readiness.ahead_days;
    format!("<h2>{days} 天内到期 Lapses within {days} days</h2>\n") + &page::table(&names, 3, rows)
}

fn section(item: &ItemState) -> String {
    let (en, zh) = words::reach(item.reach);
    let (covered, all) = item.covered();
    let mut text = format!(
        "<h3>{} {} {}</h3>\n<p>{} · {zh} {en} · {covered}/{all}</p>\n",
        escape(item.item.as_str()),
        escape(&item.version),
        escape(&item.title_zh),
        escape(&item.title)
    );
    if let Some(why) = &item.person_decides {
        text.push_str(&format!("<p>人工审定 A person decides: {}</p>\n", escape(why)));
    }
    let names = ["问题 Question", "事实 Fact", "部门 Agency", "依据或原因 By what, or why not"];
    text.push_str(&page::table(&names, 4, item.questions.iter().map(row)));
    let needed = item.evidence.iter().filter(|evidence| evidence.is_needed);
    let rows: Vec<Vec<String>> = needed
        .map(|evidence| {
            let when = if evidence.always { "始终 always" } else { "有时 sometimes" };
            vec![evidence.title_zh.clone(), evidence.issuer.clone(), when.to_owned()]
        })
        .collect();
    if !rows.is_empty() {
        text.push_str(&page::table(&["外部材料 Evidence", "出具 Issuer", "何时 When"], 3, rows));
    }
    text
}

fn row(question: &QuestionState) -> Vec<String> {
    let name = match question.sometimes {
        true => format!("{} (有时 sometimes)", question.name),
        false => question.name.clone(),
    };
    let fact = format!("{} {}", question.fact, question.fact_zh);
    vec![name, fact, question.agency.to_string(), why(question)]
}

/// By which clause until when, or why not.
fn why(question: &QuestionState) -> String {
    if let Some(missing) = &question.missing {
        return format!("- {}: {} {}", missing.code, missing.advice_zh, missing.advice);
    }
    let Some(grant) = &question.grant else { return String::new() };
    let mut text = format!("+ {} v{} §{}", grant.agreement, grant.version, grant.clause);
    if let Some(until) = grant.until {
        text.push_str(&format!(" 至 until {}", words::last_day(until)));
    }
    for demand in &question.demands {
        text.push_str(&format!("; {} {}", demand.kind, demand.of));
    }
    text
}
