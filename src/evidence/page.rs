//! `index.html`: the case as people read it, in Chinese with the codes beside; prints as it stands.

use serde_json::Value as Json;

use super::answers::AnswerTold;
use super::contents::Contents;
use super::statement::{NeedTold, Statement};
use super::{Persons, receipt_path};
use crate::report::page::{self, escape};
use crate::report::{calendar, labels};

/// The whole page.
pub(super) fn page(contents: &Contents<'_>, told: &Statement) -> String {
    let title = format!("办件核验证据包 {}", told.case_number);
    let subtitle = format!(
        "{} {} · {} {} · 经办部门 {}",
        told.item, told.item_version, told.organisation_zh, told.organisation, told.operator_unit
    );
    let mut text = page::begin(&title, &subtitle);
    text.push_str(&page::tiles(&[
        ("核验结论", format!("{} {}", outcome_zh(&told.outcome), told.outcome)),
        ("申请日期", told.submitted_on.clone()),
        ("办结时间（北京时间）", calendar::moment(contents.closed_at)),
        ("日志序号", told.entry.to_string()),
    ]));
    if told.abandoned {
        text.push_str(&paragraph("申请方在核验结束前中断，其后的问题没有提出。"));
    }
    if !told.person_decides.is_empty() {
        text.push_str(&paragraph(&format!("本事项一律由工作人员决定：{}", told.person_decides)));
    }
    text.push_str(&paragraph(&format!("设定依据：{}", told.legal_basis.join("；"))));
    text.push_str(&paragraph(persons_zh(contents.package.persons)));
    needs(&mut text, told);
    answers(&mut text, told);
    disputes(&mut text, contents, told);
    application(&mut text, told);
    agreements(&mut text, told);
    checking(&mut text, contents, told);
    text + page::END
}

fn needs(text: &mut String, told: &Statement) {
    heading(text, "各项条件");
    let rows = told.needs.iter().filter(|need| need.required).map(|need| {
        let missing = need.missing.iter().map(|missing| match missing.code.is_empty() {
            true => format!("{}（{}）", missing.advice_zh, missing.why),
            false => format!("{}（{} {}）", missing.advice_zh, missing.why, missing.code),
        });
        vec![
            format!("{} {}", need.title_zh, need.name),
            format!("{} {}", state_zh(need.state), need.state),
            shown(need, told),
            missing.collect::<Vec<_>>().join(" "),
            need.bring.join("、"),
        ]
    });
    let names = ["条件", "状态", "依据的答复", "未满足的原因及办法", "可补充材料（代码）"];
    text.push_str(&page::table(&names, names.len(), rows));
}

fn shown(need: &NeedTold, told: &Statement) -> String {
    let of_it = told.answers.iter().filter(|answer| need.questions.contains(&answer.question));
    let shown = of_it.map(|answer| {
        let entry = answer.entry.map(|entry| format!(" 第{entry}号")).unwrap_or_default();
        format!("{} {}{entry}", answer.question, verdict(&answer.verdict))
    });
    shown.collect::<Vec<_>>().join("；")
}

fn answers(text: &mut String, told: &Statement) {
    heading(text, "每一次核验");
    for answer in &told.answers {
        let (title, fact) = (escape(&answer.title_zh), escape(&answer.fact));
        let question = escape(&answer.question);
        text.push_str(&format!(
            "<h3>{title} <span class=\"soft\">{question} · {fact}</span></h3>\n"
        ));
        let mut rows = vec![
            row("结果", format!("{} {}", verdict(&answer.verdict), answer.code)),
            row("提供部门", format!("{} {}", answer.agency_zh, answer.agency)),
            row("提问时间", answer.asked_at.clone()),
            row("数据时间", answer.as_of.clone()),
            row("来源", source_zh(&answer.source).to_owned()),
            row("依据协议", permitted(answer)),
            row("核验对象", about(answer)),
            row("判断", judgements(answer)),
            row("提供的值", values(answer)),
            row("操作员", answer.operator.as_ref().map(in_words).unwrap_or_default()),
            row("未公开原因", answer.closed.clone()),
            row("异议", answer.contested_by.join("、")),
        ];
        if let Some(entry) = answer.entry {
            rows.push(row("日志序号与回执", format!("第{entry}号 {}", receipt_path(entry))));
        }
        rows.retain(|row| row.last().is_some_and(|cell| !cell.trim().is_empty()));
        text.push_str(&page::table(&["项目", "内容"], 2, rows));
    }
}

fn permitted(answer: &AnswerTold) -> String {
    let clause = answer.clause.map(|clause| format!("第{clause}条")).unwrap_or_default();
    format!("{} {clause}", answer.agreement)
}

fn about(answer: &AnswerTold) -> String {
    let whom = answer.about.iter().map(|about| {
        let who = about.subject.as_ref().map(in_words).unwrap_or_default();
        let checked = if about.checked { "已核验" } else { "未核验" };
        format!("{} {} {who}（{checked}）", about.who_zh, about.position + 1)
    });
    whom.collect::<Vec<_>>().join("；")
}

fn judgements(answer: &AnswerTold) -> String {
    let judged = answer.judgements.iter().map(|judgement| {
        let field = |name: &str| judgement.get(name).and_then(Json::as_str).unwrap_or_default();
        let said = verdict(field("verdict"));
        format!("{} {} {said}", field("attribute"), field("comparison"))
    });
    judged.collect::<Vec<_>>().join("；")
}

fn values(answer: &AnswerTold) -> String {
    let named = answer.values.iter().map(|(name, value)| {
        let part = if answer.masked.contains(name) { "（部分）" } else { "" };
        match value {
            Json::Null => format!("{name}{part}（值未公开）"),
            value => format!("{name}{part}: {}", in_words(value)),
        }
    });
    named.collect::<Vec<_>>().join("；")
}

fn application(text: &mut String, told: &Statement) {
    heading(text, "申请");
    let parties = told.parties.iter().map(|party| {
        let by = if party.by == "application" { "申请所列" } else { "核验所得" };
        let differs = if party.declared_differs { "（与申报不一致）" } else { "" };
        let subjects: Vec<String> = party.subjects.iter().map(in_words).collect();
        vec![
            format!("{} {}", party.title_zh, party.name),
            format!("{by}{differs}"),
            party.count.to_string(),
            subjects.join("；"),
        ]
    });
    text.push_str(&page::table(&["对象", "来自", "数量", "名称与号码"], 4, parties));
    let stated = told.stated.iter().map(|stated| {
        let value = stated.value.as_ref().map(in_words);
        let met = |(need, holds): (&String, &bool)| {
            format!("{need} {}", if *holds { "符合" } else { "不符合" })
        };
        vec![
            format!("{} {}", stated.title_zh, stated.name),
            value.unwrap_or_else(|| "数值未公开".to_owned()),
            stated.holds.iter().map(met).collect::<Vec<_>>().join("；"),
        ]
    });
    text.push_str(&page::table(&["申请所述", "值", "是否符合条件"], 3, stated));
    text.push_str(&paragraph(match told.application {
        "opened" => "以上数值取自日志所承诺的申请原文，各项比较可据此重新计算。",
        "closed" => "申请原文由日志承诺但未公开：未列出数值的比较以网关的记录为准。",
        _ => "该日志条目没有对申请作出承诺：未列出数值的比较以网关的记录为准。",
    }));
    let evidence = told.evidence.iter().map(|paper| {
        vec![
            format!("{} {}", paper.title_zh, paper.name),
            paper.issuer.clone(),
            paper.issued_on.clone(),
            paper.sha256.clone(),
        ]
    });
    if !told.evidence.is_empty() {
        let names = ["随附材料（未经核验）", "出具方", "日期", "SHA-256"];
        text.push_str(&page::table(&names, names.len(), evidence));
    }
}

/// What was contested, and what came of it.
fn disputes(text: &mut String, contents: &Contents<'_>, told: &Statement) {
    if told.disputes.is_empty() {
        let size = contents.package.checkpoint.lines().nth(1).unwrap_or_default();
        text.push_str(&paragraph(&format!(
            "截至日志第{size}条，本证据包所含条目中没有对上述答复的异议。"
        )));
        return;
    }
    heading(text, "异议与核查");
    for dispute in &told.disputes {
        text.push_str(&format!("<h3>{}</h3>\n", escape(&dispute.dispute)));
        let rows = dispute.steps.iter().map(|step| {
            let words = step.text.clone().unwrap_or_default();
            vec![format!("第{}号", step.entry), step.at.clone(), step.words_zh.clone(), words]
        });
        text.push_str(&page::table(&["日志序号", "时间", "事项", "原文"], 4, rows));
    }
}

fn agreements(text: &mut String, told: &Statement) {
    heading(text, "数据共享协议");
    let rows = told.agreements.iter().map(|agreement| {
        vec![
            format!("{} {} v{}", agreement.title_zh, agreement.id, agreement.version),
            format!("{} → {}", agreement.consumer, agreement.provider),
            if agreement.relied_on { "本办件所依据" } else { "本办件未用" }.to_owned(),
            agreement.legal_basis.join("；"),
            format!("{} 天", agreement.keep_for_days),
            format!("第{}号", agreement.entry),
        ]
    });
    let names = ["协议", "查询方 → 提供方", "", "法律依据", "值可保存", "日志序号"];
    text.push_str(&page::table(&names, names.len(), rows));
}

fn checking(text: &mut String, contents: &Contents<'_>, told: &Statement) {
    heading(text, "如何核对");
    let entry = told.entry;
    text.push_str(&format!(
        "<p>本页由同一文件夹内的日志条目生成，以条目为准。每个条目都有回执，证明它在签名检查点之下；协议、当事方登记与规则的原文也都是日志条目。\
         办件结论记录在第{entry}号条目。</p>\n\
         <p>用 <code>heyan case verify</code> 加上日志公钥可全部复核：摘要、回执、签名、每一项决定、结论。没有该软件时，\
         <code>python3 check.py --log-key 公钥</code> 核对摘要、回执与承诺值；<code>README.txt</code> 说明如何用 sha256sum 手工核对。\
         公钥应向日志运行单位索取，不要只信本文件夹中的 <code>log.vkey</code>。</p>\n<pre>{}</pre>\n<pre>{}</pre>\n",
        escape(&contents.package.vkeys.join("\n")),
        escape(&contents.package.checkpoint)
    ));
}

fn heading(text: &mut String, title: &str) {
    text.push_str(&format!("<h2>{}</h2>\n", escape(title)));
}

fn paragraph(words: &str) -> String {
    format!("<p>{}</p>\n", escape(words))
}

fn row(name: &str, cell: String) -> Vec<String> {
    vec![name.to_owned(), cell]
}

/// JSON as a line of words: the values, with their names where there are several.
fn in_words(value: &Json) -> String {
    match value {
        Json::String(text) => match DOCUMENTS.iter().find(|(code, _)| code == text) {
            Some((_, zh)) => (*zh).to_owned(),
            None => text.clone(),
        },
        Json::Bool(true) => "是".to_owned(),
        Json::Bool(false) => "否".to_owned(),
        Json::Array(values) => values.iter().map(in_words).collect::<Vec<_>>().join("、"),
        Json::Object(fields) if fields.len() == 1 => {
            fields.values().next().map(in_words).unwrap_or_default()
        }
        Json::Object(fields) => {
            let shown = fields.iter().filter(|(_, value)| !in_words(value).is_empty());
            let shown = shown.map(|(name, value)| format!("{} {}", label(name), in_words(value)));
            shown.collect::<Vec<_>>().join(" ").trim().to_owned()
        }
        Json::Null => String::new(),
        Json::Number(number) => number.to_string(),
    }
}

/// Kinds of identity document, as committed subjects name them.
const DOCUMENTS: [(&str, &str); 6] = [
    ("citizen_id", "居民身份证"),
    ("residence_permit", "港澳台居民居住证"),
    ("permanent_residence", "外国人永久居留身份证"),
    ("passport", "护照"),
    ("military", "军人证件"),
    ("other", "其他证件"),
];

/// What stands before a field of a subject or an operator; names of attributes stay as they are.
fn label(field: &str) -> &str {
    match field {
        "name" => "名称",
        "document_type" => "证件",
        "document_number" | "number" => "号码",
        "uscc" => "统一社会信用代码",
        "address" => "坐落",
        "certificate_number" => "不动产权证号",
        "unit_number" => "不动产单元号",
        "division" => "行政区划",
        "code" => "文书代码",
        "id" => "工号",
        "unit" => "部门",
        other => other,
    }
}

fn outcome_zh(outcome: &str) -> &'static str {
    match outcome {
        "READY" => "条件齐备，可不见面办结",
        "NEEDS_COUNTER" => "须由窗口继续办理",
        "REFUTED" => "主管部门登记不符合条件，可申请核查",
        _ => "",
    }
}

fn state_zh(state: &str) -> &'static str {
    match state {
        "MET" => "已核验",
        "PROVIDED" => "已提供材料（未经核验）",
        "NOT_NEEDED" => "不适用",
        "REFUTED" => "不符合",
        "OPEN" => "未核清",
        _ => "",
    }
}

fn source_zh(source: &str) -> &'static str {
    match source {
        "agency" => "本次向部门查询 agency",
        "cache" => "协议允许的缓存 cache",
        _ => "",
    }
}

fn verdict(name: &str) -> String {
    match name {
        "DENIED" => "拒绝 DENIED".to_owned(),
        "NOT_RECORDED" => "未提出 NOT_RECORDED".to_owned(),
        name => labels::verdict(name),
    }
}

fn persons_zh(persons: Persons) -> &'static str {
    match persons {
        Persons::Opened => "本证据包含个人信息：问题与答复已按密封记录公开，请按档案密级保管。",
        Persons::LeftOut => {
            "本证据包不含个人信息：人以不可逆的承诺值出现，只公开了不含数值的答复。"
        }
        Persons::Closed => {
            "本证据包不含个人信息：人与答复以不可逆的承诺值出现，日志的密封记录没有打开。"
        }
    }
}

/// The same for the text that says how to check.
pub(super) fn persons_en(persons: Persons) -> &'static str {
    match persons {
        Persons::Opened => "opened: personal data is in openings/, case.json and index.html",
        Persons::LeftOut => {
            "left out: persons appear as commitments; answers without values are opened"
        }
        Persons::Closed => "closed: persons and answers appear as commitments only",
    }
}
