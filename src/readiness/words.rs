//! Readiness in sentences: what runs, what stands in the way, what would change it. Everything is reckoned, nothing supposed.

use std::collections::{BTreeMap, BTreeSet};

use super::judge::COUNTER;
use super::{ItemState, QuestionState, Reach, Readiness};
use crate::query::time::Timestamp;
use crate::query::{ItemCode, OrganisationId};
use crate::report::calendar;

/// One sentence in both languages.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Sentence {
    /// In English.
    pub en: String,
    /// In Chinese.
    pub zh: String,
}

impl Sentence {
    fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { en: en.into(), zh: zh.into() }
    }
}

/// What a reach is called, in English and Chinese.
pub fn reach(reach: Reach) -> (&'static str, &'static str) {
    match reach {
        Reach::EndToEnd => ("end to end", "全程可办"),
        Reach::ButForEvidence => ("but for evidence", "除外部材料外可办"),
        Reach::PersonDecides => ("a person decides", "须人工审定"),
        Reach::Partly => ("partly", "部分可核验"),
        Reach::NotAtAll => ("not at all", "不可核验"),
    }
}

/// What a channel is called, in English and Chinese.
pub fn channel(name: &str) -> (&str, &str) {
    match name {
        "online" => ("done online", "全程网办"),
        "pre-application" => ("applied for online, finished at the counter", "网上预申请"),
        "offline" => ("done at the counter only", "线下办理"),
        other => (other, other),
    }
}

/// Share of a whole, as `42.9 %`.
pub fn share(part: usize, whole: usize) -> String {
    let thousandths = (part * 1000 + whole / 2).checked_div(whole).unwrap_or(0);
    format!("{}.{} %", thousandths / 10, thousandths % 10)
}

/// The last day on which something still holds that ends at that moment, China time.
pub fn last_day(end: Timestamp) -> String {
    calendar::day(Timestamp(end.0.saturating_sub(1)).china_day())
}

/// All that there is to say.
pub fn explain(readiness: &Readiness) -> Vec<Sentence> {
    if readiness.items.is_empty() {
        return vec![Sentence::new(
            "No item of the catalogue holds on that day: choose another.",
            "当日目录中没有有效事项：请另选日期。",
        )];
    }
    let mut told = vec![whole(readiness)];
    told.extend(
        ["online", "pre-application", "offline"]
            .map(|name| of(readiness, name))
            .into_iter()
            .flatten(),
    );
    told.extend(wanting(readiness));
    told.extend(evidence(readiness));
    told.extend(visits(readiness));
    told.extend(persons(readiness));
    told.extend(gains(readiness));
    told.extend(lapses(readiness));
    told.extend(unwritten(readiness));
    told
}

fn whole(readiness: &Readiness) -> Sentence {
    let all = readiness.items.len();
    let count = |reach| readiness.count(reach);
    let end_to_end = count(Reach::EndToEnd);
    let portion = share(end_to_end, all);
    Sentence::new(
        format!(
            "{end_to_end} of {all} items can run end to end ({portion}); {} more but for evidence from outside, {} as far as a \
             person's decision; {} in part, {} not at all.",
            count(Reach::ButForEvidence),
            count(Reach::PersonDecides),
            count(Reach::Partly),
            count(Reach::NotAtAll),
        ),
        format!(
            "{all} 个事项中 {end_to_end} 个全程可办（{portion}）；另有 {} 个除外部材料外可办，{} 个须人工审定；{} 个部分可核验，{} 个不可核验。",
            count(Reach::ButForEvidence),
            count(Reach::PersonDecides),
            count(Reach::Partly),
            count(Reach::NotAtAll),
        ),
    )
}

/// What the catalogue says of how items are done today, held against what answers can show.
fn of(readiness: &Readiness, name: &str) -> Option<Sentence> {
    let items: Vec<_> = readiness.items.iter().filter(|item| item.channel == name).collect();
    if items.is_empty() {
        return None;
    }
    let (here, here_zh) = channel(name);
    let (through, short): (Vec<_>, Vec<_>) =
        items.iter().copied().partition(|item| item.reach.is_through());
    let mut lacking: BTreeMap<&OrganisationId, BTreeSet<&ItemCode>> = BTreeMap::new();
    for item in &short {
        for question in item.questions.iter().filter(|question| !question.is_covered()) {
            lacking.entry(&question.agency).or_default().insert(&item.item);
        }
    }
    let agencies = |zh: bool| {
        let each = lacking.iter().map(|(agency, items)| match zh {
            true => format!("{agency}（{} 项）", items.len()),
            false => format!("{agency} ({})", items.len()),
        });
        each.collect::<Vec<_>>().join(if zh { "、" } else { ", " })
    };
    let (all, good, bad) = (items.len(), through.len(), short.len());
    let codes = listed(through.iter().map(|item| &item.item));
    let (mut en, mut zh) = (
        format!("Today {all} items are {here}; no answer is wanting for {good}"),
        format!("目前{here_zh} {all} 项：其中 {good} 项不缺核验"),
    );
    if good > 0 {
        en.push_str(&format!(" ({codes})"));
        zh.push_str(&format!("（{codes}）"));
    }
    if bad == 0 {
        return Some(Sentence::new(en + ".", zh + "。"));
    }
    let rest = listed(short.iter().map(|item| &item.item));
    en.push_str(&format!("; {bad} ({rest}) lack answers of {}", agencies(false)));
    zh.push_str(&format!("；{bad} 项（{rest}）缺 {} 的核验", agencies(true)));
    let (why, why_zh) = match name {
        "online" => ("and rest on papers that applicants hand in", "靠申请人自行提交的材料办理"),
        "pre-application" => ("which is why they end at the counter", "因此仍须到柜台办结"),
        _ => ("and papers stand for them at the counter", "只能在柜台收取纸质材料"),
    };
    Some(Sentence::new(format!("{en}, {why}."), format!("{zh}，{why_zh}。")))
}

/// What is not covered, by agency and reason.
fn wanting(readiness: &Readiness) -> Vec<Sentence> {
    let mut reasons: BTreeMap<
        (&OrganisationId, &str),
        (usize, BTreeSet<&ItemCode>, &QuestionState),
    > = BTreeMap::new();
    for item in &readiness.items {
        for question in &item.questions {
            let Some(missing) = &question.missing else { continue };
            let of = (&question.agency, missing.code.as_str());
            let (count, items, _) = reasons.entry(of).or_insert((0, BTreeSet::new(), question));
            *count += 1;
            items.insert(&item.item);
        }
    }
    let said = reasons.into_iter().map(|((agency, code), (count, items, first))| {
        let missing = first.missing.as_ref();
        let advice = missing.map(|missing| missing.advice.as_str()).unwrap_or_default();
        let advice_zh = missing.map(|missing| missing.advice_zh.as_str()).unwrap_or_default();
        let codes = listed(items);
        Sentence::new(
            format!("{agency}: {} not covered, {code} ({codes}). {advice}", counted(count)),
            format!("{agency}：{count} 个问题未覆盖，{code}（{codes}）。{advice_zh}"),
        )
    });
    said.collect()
}

fn evidence(readiness: &Readiness) -> Option<Sentence> {
    let mut issuers: BTreeMap<&str, BTreeSet<&ItemCode>> = BTreeMap::new();
    for item in &readiness.items {
        for evidence in item.evidence.iter().filter(|evidence| evidence.is_needed) {
            issuers.entry(&evidence.issuer).or_default().insert(&item.item);
        }
    }
    if issuers.is_empty() {
        return None;
    }
    let each = |joined: &str, open: &str, close: &str| {
        let one = issuers.iter().map(|(issuer, items)| {
            format!("{issuer}{open}{}{close}", listed(items.iter().copied()))
        });
        one.collect::<Vec<_>>().join(joined)
    };
    Some(Sentence::new(
        format!(
            "Whatever is signed, some applications need evidence from outside: {}.",
            each("; ", " (", ")")
        ),
        format!("无论签署何种协议，部分申请仍需外部材料：{}。", each("；", "（", "）")),
    ))
}

/// Alternatives are weighed by the best of them: who is left with another is told here.
fn visits(readiness: &Readiness) -> Option<Sentence> {
    let is_visited = |item: &&ItemState| item.evidence.iter().any(|one| one.issuer == COUNTER);
    let items: Vec<&ItemCode> =
        readiness.items.iter().filter(is_visited).map(|item| &item.item).collect();
    let codes = listed(&items);
    (!items.is_empty()).then(|| {
        Sentence::new(
            format!(
                "However far an item gets, whoever a register cannot tell, such as the holder of a passport, is seen at the \
                 counter: {codes}."
            ),
            format!("无论事项达到何种程度，登记无法核实的申请人（如持护照者）仍须到窗口：{codes}。"),
        )
    })
}

fn persons(readiness: &Readiness) -> Vec<Sentence> {
    let decided = readiness.items.iter().filter_map(|item| {
        let why = item.person_decides.as_ref()?;
        let code = &item.item;
        Some(Sentence::new(
            format!("A person always decides {code}: {why}."),
            format!("{code} 始终由人工审定：{why}。"),
        ))
    });
    let mut told: Vec<Sentence> = decided.collect();
    let looked_at = readiness.items.iter().filter(|item| {
        item.person_decides.is_none()
            && item.evidence.iter().any(|evidence| evidence.is_needed && !evidence.suffices)
    });
    let codes = listed(looked_at.map(|item| &item.item));
    if !codes.is_empty() {
        told.push(Sentence::new(
            format!("A person looks at evidence of some applications for {codes}; those are never READY."),
            format!("{codes} 的部分申请须由人工审核外部材料，不会直接办结。"),
        ));
    }
    told
}

fn gains(readiness: &Readiness) -> Vec<Sentence> {
    let mut told = Vec::new();
    for gain in &readiness.gains {
        let (agency, questions) = (&gain.agency, gain.questions);
        let unlocked = listed(gain.unlocked());
        let rises = gain.rises.len();
        let (mut en, mut zh) = match unlocked.is_empty() {
            true => (
                format!(
                    "One more agreement, with {agency}, would cover {} and let no item run end to end by itself",
                    counted(questions)
                ),
                format!(
                    "若只与 {agency} 再签一份协议，可覆盖 {questions} 个问题，但单凭它没有事项能全程可办"
                ),
            ),
            false => (
                format!(
                    "One more agreement, with {agency}, would cover {} and let {unlocked} run end to end",
                    counted(questions)
                ),
                format!(
                    "若只与 {agency} 再签一份协议，可覆盖 {questions} 个问题，{unlocked} 即可全程可办"
                ),
            ),
        };
        if rises > 0 {
            en.push_str(&format!("; {rises} would get farther"));
            zh.push_str(&format!("；{rises} 个事项有进展"));
        }
        if !gain.needs_adapter.is_empty() {
            let facts = listed(&gain.needs_adapter);
            en.push_str(&format!(", once an adapter answers {facts}"));
            zh.push_str(&format!("，但须先有适配器回答 {facts}"));
        }
        told.push(Sentence::new(en + ".", zh + "。"));
    }
    if readiness.road.len() > 1 {
        let step = |step: &super::Step| {
            format!("{} ({} / {})", step.agency, step.end_to_end, step.through)
        };
        let road = readiness.road.iter().map(step).collect::<Vec<_>>().join(" → ");
        told.push(Sentence::new(
            format!("Signed in this order (end to end / lacking no answer): {road}."),
            format!("建议签署顺序（全程可办／不缺核验）：{road}。"),
        ));
    }
    told
}

fn lapses(readiness: &Readiness) -> Vec<Sentence> {
    let days = readiness.ahead_days;
    let said = readiness.lapses.iter().map(|lapse| {
        let (agreement, version, day) = (&lapse.agreement, lapse.version, last_day(lapse.on));
        let (mut en, mut zh) = (
            format!(
                "Within {days} days: {agreement} version {version} opens {} until {day} and no longer",
                counted(lapse.questions)
            ),
            format!(
                "{days} 天内：{agreement} 第 {version} 版所开放的 {} 个问题至 {day} 止",
                lapse.questions
            ),
        );
        if !lapse.items.is_empty() {
            let items = listed(&lapse.items);
            en.push_str(&format!("; {items} would fall behind"));
            zh.push_str(&format!("；{items} 将退步"));
        }
        Sentence::new(en + ".", zh + "。")
    });
    said.collect()
}

fn unwritten(readiness: &Readiness) -> Option<Sentence> {
    let without = readiness.items.iter().filter(|item| !item.has_rule).map(|item| &item.item);
    let codes = listed(without);
    (!codes.is_empty()).then(|| {
        Sentence::new(
            format!(
                "No rule is written for {codes}: each is judged by its list of facts, and no case of it can be run yet."
            ),
            format!("{codes} 尚无规则：仅按事实清单判断，暂不能按个案办理。"),
        )
    })
}

fn counted(questions: usize) -> String {
    match questions {
        1 => "1 question".to_owned(),
        many => format!("{many} questions"),
    }
}

fn listed<T: ToString>(words: impl IntoIterator<Item = T>) -> String {
    words.into_iter().map(|word| word.to_string()).collect::<Vec<_>>().join(" ")
}
