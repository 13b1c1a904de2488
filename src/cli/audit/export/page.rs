//! `index.html` of an export: what is here, how much of it, and how to check it.

use super::first::Gathered;
use crate::audit::entry::Entry;
use crate::report::fields::kind_name;
use crate::report::known::Known;
use crate::report::page::{self, escape, grouped, table_begin, table_row};
use crate::report::{calendar, labels, words};

const NAMES: [&str; 8] = [
    "序号 Index",
    "时间 Time",
    "种类 Kind",
    "查询方 Caller",
    "问题 Question",
    "事项 Item",
    "案件 Case",
    "结果 Result",
];

/// Everything up to the first row.
pub(super) fn begin(gathered: &Gathered, most: u64) -> String {
    let title = "核验日志摘录 Extract of a verification log";
    let mut text =
        page::begin(title, &format!("{} · {}", gathered.origin, gathered.choice.in_words()));
    text.push_str(&page::tiles(&[
        ("条目 entries", grouped(gathered.entries)),
        ("答复与拒绝 answers and denials", grouped(gathered.questions)),
        ("日志总条目 entries of the log", grouped(gathered.size)),
    ]));
    let kinds =
        gathered.kinds.iter().map(|(name, count)| vec![(*name).to_owned(), grouped(*count)]);
    let results =
        gathered.results.iter().map(|(name, count)| vec![labels::verdict(name), grouped(*count)]);
    text.push_str("<h2>数量 Counts</h2>\n");
    text.push_str(&page::table(&["种类 Kind", "数量 Count"], 1, kinds));
    text.push_str(&page::table(&["结果 Result", "数量 Count"], 1, results));
    text.push_str(&format!(
        "<h2>如何核对 How to check</h2>\n\
         <p>每条记录都有回执，证明它在签名检查点之下。Every entry has a receipt that proves it to be under the signed checkpoint. \
         <code>python3 check.py</code> checks them all; <code>README.txt</code> says how to do the same by hand, with SHA-256 and any \
         Ed25519 tool. Compare the key with the one the log's operator gave you:</p>\n<pre>{}</pre>\n<pre>{}</pre>\n",
        escape(&gathered.vkeys.join("\n")),
        escape(&gathered.checkpoint)
    ));
    text.push_str("<h2>条目 Entries</h2>\n");
    if gathered.entries > most {
        let (most, all) = (grouped(most), grouped(gathered.entries));
        text.push_str(&format!(
            "<p>前 {most} 条；全部 {all} 条见 The first {most}; all {all} are in <code>entries.csv</code>, <code>entries.jsonl</code>.</p>\n"
        ));
    }
    text + &table_begin(&NAMES, NAMES.len())
}

/// One entry.
pub(super) fn row(index: u64, entry: &Entry, known: &Known) -> String {
    let kind = &entry.kind;
    let mut cells = vec![index.to_string(), calendar::moment(entry.at), kind_name(kind).to_owned()];
    match kind.facts() {
        Some(facts) => {
            let organisation = facts.caller.organisation.as_str();
            let name = known.party(organisation).map(|party| party.name_zh.as_str());
            let fact = facts.fact.as_ref().map_or("?", |fact| fact.as_str());
            let provider = facts.provider.as_ref().map_or("?", |provider| provider.as_str());
            cells.extend([
                format!("{} {organisation}/{}", name.unwrap_or_default(), facts.caller.system),
                format!("{fact} {provider}"),
                facts.item.to_string(),
                facts.case_number.clone(),
            ]);
        }
        None => {
            let about = words::subject_matter(kind);
            cells.extend([String::new(), about, String::new(), String::new()]);
        }
    }
    cells.push(labels::verdict(&words::result(kind)));
    table_row(&cells, NAMES.len())
}

/// Everything after the last row.
pub(super) fn end(gathered: &Gathered, rows: u64) -> String {
    let left = gathered.entries.saturating_sub(rows);
    let more = match left {
        0 => String::new(),
        left => format!("<p>另有 and {} more</p>\n", grouped(left)),
    };
    format!("{}{more}{}", page::TABLE_END, page::END)
}
