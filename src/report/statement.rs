//! Who asked about this person: a citizen's statement (个人信息查询记录). It never names the person itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::calendar;
use super::csv;
use super::known::{Known, Party};
use super::labels;
use super::page::{self, escape, grouped};
use crate::audit::entry::{Entry, Intent, Kind, Outcome, Source};
use crate::decision::PermitRef;
use crate::decision::facts::Facts;
use crate::query::time::Timestamp;
use crate::query::value::Verdict;

/// Most questions of one statement.
const MOST: usize = 50_000;

/// Chinese and English names of codes, from a catalogue; the log itself has codes only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// By code of the fact.
    pub facts: BTreeMap<String, (String, String)>,
    /// By code of the item.
    pub items: BTreeMap<String, (String, String)>,
    /// By fact and attribute: Chinese names.
    pub attributes: BTreeMap<(String, String), String>,
}

/// One question about the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Entry of the log.
    pub index: u64,
    /// When the question came in.
    pub at: Timestamp,
    facts: Facts,
    permit: Option<PermitRef>,
    result: Result,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Result {
    Answered {
        verdict: Verdict,
        disclosed: Vec<String>,
        masked: Vec<String>,
        is_cached: bool,
    },
    Denied(String),
    /// Put to the agency; the log has no answer.
    Unanswered,
}

/// A statement in the making: only entries about the person are put in.
#[derive(Clone, Debug, Default)]
pub struct Statement {
    asked: BTreeMap<(String, u64), Asked>,
    more: u64,
}

impl Statement {
    /// Takes in an entry that is about the person. An answer takes the place of its intent.
    pub fn entry(&mut self, index: u64, entry: &Entry) {
        let (facts, permit, result) = match &entry.kind {
            Kind::Intent(intent) => {
                let Intent { facts, permit, .. } = &**intent;
                (facts, Some(permit), Result::Unanswered)
            }
            Kind::Outcome(outcome) => {
                let Outcome { facts, permit, .. } = &**outcome;
                (facts, Some(permit), answered(outcome))
            }
            Kind::Denial(denied) => (&denied.facts, None, Result::Denied(denied.code.clone())),
            _ => return,
        };
        let caller = &facts.caller;
        let key = (format!("{}/{}", caller.organisation, caller.system), facts.caller_sequence);
        if self.asked.len() >= MOST && !self.asked.contains_key(&key) {
            self.more += 1;
            return;
        }
        let (facts, permit) = (facts.clone(), permit.cloned());
        self.asked.insert(key, Asked { index, at: facts.received_at, facts, permit, result });
    }

    /// In the order of time, with everything it takes to show them.
    pub fn finish(self, known: Known, names: Names, log: String, doubts: Vec<String>) -> Sheet {
        let mut asked: Vec<Asked> = self.asked.into_values().collect();
        asked.sort_by_key(|asked| (asked.at, asked.index));
        Sheet { asked, more: self.more, known, names, log, doubts }
    }
}

fn answered(outcome: &Outcome) -> Result {
    Result::Answered {
        verdict: outcome.verdict,
        disclosed: outcome.disclosed.clone(),
        masked: outcome.masked.clone(),
        is_cached: outcome.source == Source::Cache,
    }
}

/// A finished statement.
#[derive(Clone, Debug)]
pub struct Sheet {
    asked: Vec<Asked>,
    more: u64,
    known: Known,
    names: Names,
    log: String,
    /// What the search could not tell.
    doubts: Vec<String>,
}

/// The columns, as every form of the statement has them.
const COLUMNS: [&str; 9] = [
    "时间 Time",
    "查询单位 Organisation",
    "提供单位 Answered by",
    "事项 For",
    "案件 Case",
    "查询内容 Question",
    "结果 Result",
    "披露的信息 Values given",
    "依据 Basis",
];

impl Sheet {
    /// The questions, first to last.
    pub fn asked(&self) -> &[Asked] {
        &self.asked
    }

    /// One row for each question, under the columns.
    fn row(&self, asked: &Asked) -> [String; COLUMNS.len()] {
        let facts = &asked.facts;
        let fact = facts.fact.as_ref().map_or("", |fact| fact.as_str());
        let provider = facts.provider.as_ref().map_or("", |provider| provider.as_str());
        [
            calendar::moment(asked.at),
            self.organisation(facts.caller.organisation.as_str()),
            self.organisation(provider),
            named(&self.names.items, facts.item.as_str()),
            facts.case_number.clone(),
            named(&self.names.facts, fact),
            in_words(&asked.result),
            self.disclosed(fact, &asked.result),
            self.basis(asked),
        ]
    }

    fn organisation(&self, id: &str) -> String {
        match self.known.party(id) {
            Some(Party { name, name_zh }) => format!("{name_zh} {name}"),
            None => id.to_owned(),
        }
    }

    fn disclosed(&self, fact: &str, result: &Result) -> String {
        let Result::Answered { disclosed, masked, .. } = result else {
            return "无 none".to_owned();
        };
        if disclosed.is_empty() {
            return "无 none".to_owned();
        }
        let names = disclosed.iter().map(|name| {
            let title = self.names.attributes.get(&(fact.to_owned(), name.clone()));
            let named = title.map_or(name.clone(), |title| format!("{title} {name}"));
            if masked.contains(name) { format!("{named}（已脱敏 in part）") } else { named }
        });
        names.collect::<Vec<_>>().join("、")
    }

    /// The agreement that allowed it, and the law the two parties named in it.
    fn basis(&self, asked: &Asked) -> String {
        let Some(permit) = &asked.permit else { return "无，已拒绝 none: denied".to_owned() };
        let agreement = format!("{} v{}", permit.agreement, permit.version);
        let Some(terms) = self.known.agreement(&permit.agreement) else { return agreement };
        let laws: BTreeSet<String> = terms
            .legal_basis
            .iter()
            .map(|(_, instrument, article)| format!("{instrument} {article}"))
            .collect();
        let laws: Vec<String> = laws.into_iter().collect();
        format!("《{}》{agreement}；{}", terms.title_zh, laws.join("；"))
    }

    /// For people at a terminal.
    pub fn text(&self) -> String {
        let mut text =
            format!("个人信息查询记录 Who asked about this person\n日志 log: {}\n", self.log);
        for (number, asked) in (1_u64..).zip(&self.asked) {
            text.push_str(&format!("\n{number}. 日志条目 entry {}\n", asked.index));
            for (name, words) in COLUMNS.iter().zip(self.row(asked)) {
                let words = words.replace(char::is_control, " ");
                text.push_str(&format!("   {name}: {words}\n"));
            }
        }
        text.push_str(&format!(
            "\n共 {} 次查询 {} questions\n",
            self.asked.len(),
            self.asked.len()
        ));
        for doubt in self.notes() {
            text.push_str(&format!("注意 note: {doubt}\n"));
        }
        text
    }

    /// For spreadsheets.
    pub fn comma_separated(&self) -> String {
        let mut text = csv::line(["日志条目 Entry"].iter().chain(COLUMNS.iter()));
        for asked in &self.asked {
            text.push_str(&csv::line([asked.index.to_string()].into_iter().chain(self.row(asked))));
        }
        text
    }

    /// For programs.
    pub fn as_json(&self) -> Value {
        let asked: Vec<Value> = self
            .asked
            .iter()
            .map(|asked| {
                let facts = &asked.facts;
                let none: &[String] = &[];
                let (verdict, disclosed, masked, denied) = match &asked.result {
                    Result::Answered { verdict, disclosed, masked, .. } => {
                        (Some(verdict.name()), disclosed.as_slice(), masked.as_slice(), None)
                    }
                    Result::Denied(code) => (None, none, none, Some(code)),
                    Result::Unanswered => (None, none, none, None),
                };
                json!({
                    "index": asked.index,
                    "time": calendar::exact(asked.at),
                    "organisation": facts.caller.organisation.as_str(),
                    "system": facts.caller.system.as_str(),
                    "provider": facts.provider.as_ref().map(|provider| provider.as_str()),
                    "fact": facts.fact.as_ref().map(|fact| fact.as_str()),
                    "item": facts.item.as_str(),
                    "case_number": facts.case_number,
                    "verdict": verdict,
                    "denied": denied,
                    "disclosed": disclosed,
                    "masked": masked,
                    "notice": facts.notice,
                    "consent": facts.consent,
                    "agreement": asked.permit.as_ref().map(|permit| &permit.agreement),
                    "agreement_version": asked.permit.as_ref().map(|permit| permit.version),
                    "basis": self.basis(asked),
                })
            })
            .collect();
        json!({ "log": self.log, "asked": asked, "more": self.more, "notes": self.notes() })
    }

    /// A page for reading, printing and handing over.
    pub fn html(&self) -> String {
        let mut text = page::begin("个人信息查询记录 Who asked about this person", &self.log);
        let organisations: BTreeSet<&str> =
            self.asked.iter().map(|asked| asked.facts.caller.organisation.as_str()).collect();
        let answered =
            self.asked.iter().filter(|asked| matches!(asked.result, Result::Answered { .. }));
        text.push_str(&page::tiles(&[
            ("查询次数 questions", grouped(self.asked.len() as u64)),
            ("其中有答复 answered", grouped(answered.count() as u64)),
            ("查询单位 organisations", grouped(organisations.len() as u64)),
        ]));
        text.push_str(
            "<p>本记录列出各单位通过核验网关查询您的信息的情况。每一条都取自不可篡改的日志，可凭条目序号索取证明。\
             This lists who asked about you through the verification gateway. Each line is taken from a log that cannot be changed \
             unnoticed; with the number of the entry you can ask for its proof.</p>\n",
        );
        let names: Vec<&str> = ["日志条目 Entry"].into_iter().chain(COLUMNS).collect();
        let rows = self.asked.iter().map(|asked| {
            [asked.index.to_string()].into_iter().chain(self.row(asked)).collect::<Vec<_>>()
        });
        text.push_str(&page::table(&names, names.len(), rows));
        for note in self.notes() {
            text.push_str(&format!("<p class=\"soft\">注意 Note: {}</p>\n", escape(&note)));
        }
        text + page::END
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.doubts.clone();
        if self.more > 0 {
            notes.push(format!("{} further questions are not listed", self.more));
        }
        notes
    }
}

fn named(names: &BTreeMap<String, (String, String)>, code: &str) -> String {
    match names.get(code) {
        Some((zh, en)) => format!("{zh} {en} ({code})"),
        None => code.to_owned(),
    }
}

fn in_words(result: &Result) -> String {
    match result {
        Result::Answered { verdict, is_cached, .. } => {
            let kept = if *is_cached {
                "（此前查询的结果 kept from an earlier question）"
            } else {
                ""
            };
            format!("{}{kept}", labels::verdict(verdict.name()))
        }
        Result::Denied(code) => {
            format!("已拒绝，未提供任何信息 denied, nothing was given ({code})")
        }
        Result::Unanswered => "没有答复 no answer was given".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing;

    #[test]
    fn an_answer_takes_the_place_of_its_intent() {
        let mut statement = Statement::default();
        let at = Timestamp(1_795_399_200_000_000);
        let facts = testing::facts("fund-centre/approval", 4, at);
        let (permit, commitments) = (testing::permit(), testing::commitments());
        let intent = Intent {
            facts: facts.clone(),
            permit: permit.clone(),
            commitments: commitments.clone(),
            adapter: testing::adapter(),
        };
        let outcome = Outcome {
            facts,
            permit,
            commitments,
            intent: Some(7),
            source: Source::Cache,
            verdict: Verdict::Refuted,
            as_of: None,
            disclosed: vec!["marriage_date".into()],
            masked: Vec::new(),
            dropped: 0,
            unavailable: None,
            subjects_checked: vec![0],
        };
        statement.entry(7, &Entry { at, kind: Kind::Intent(Box::new(intent)) });
        statement.entry(8, &Entry { at, kind: Kind::Outcome(Box::new(outcome)) });
        statement.entry(9, &testing::denial(5));
        let mut names = Names::default();
        names.items.insert("W3".into(), ("租房提取".into(), "Rent".into()));
        names.attributes.insert(("M1".into(), "marriage_date".into()), "结婚日期".into());
        let sheet = statement.finish(Known::default(), names, "log".into(), vec!["<doubt>".into()]);
        let indices: Vec<u64> = sheet.asked().iter().map(|asked| asked.index).collect();
        assert_eq!(indices, [8, 9]);
        let text = sheet.text();
        for words in
            ["不一致 REFUTED", "租房提取", "结婚日期", "NO_AGREEMENT", "共 2 次", "<doubt>"]
        {
            assert!(text.contains(words), "{words}: {text}");
        }
        let json = sheet.as_json();
        assert_eq!(json["asked"][0]["verdict"], "REFUTED");
        assert_eq!(json["asked"][1]["denied"], "NO_AGREEMENT");
        assert_eq!(sheet.comma_separated().lines().count(), 3);
        let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
        let page = sheet.html();
        let document = roxmltree::Document::parse_with_options(&page, options).unwrap();
        assert_eq!(document.descendants().filter(|node| node.has_tag_name("tr")).count(), 3);
    }
}
