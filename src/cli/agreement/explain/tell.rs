//! An explanation as a page for people and as JSON for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Explained;
use super::words;
use crate::cli::agreement::source::Lang;
use crate::decision::PermitRef;
use crate::decision::denial::Denial;
use crate::decision::examine::{Examined, Outcome, Step};
use crate::report::calendar;

/// Agreements that were passed over and are shown to people; JSON has more.
const MOST_PASSED_OVER: usize = 10;

/// Clauses that deny beside the deciding one, on a short page.
const MOST_OTHERS: usize = 3;

/// For people: what decided, or every check.
pub(super) fn page(explained: &Explained, lang: Lang, is_whole: bool) -> String {
    let (facts, examined) = (&explained.facts, &explained.examined);
    let mut page = String::new();
    say_line(&mut page, &question(explained, lang));
    say_line(&mut page, &conclusion(&examined.conclusion, lang));
    if let Some(recorded) = &explained.recorded {
        say_line(&mut page, &held(explained, recorded, lang));
    }
    if is_whole {
        say_line(&mut page, "");
        say_line(&mut page, lang.of("The question", "查询本身"));
        for step in &examined.question {
            say_step(&mut page, step, &words::of_question(step.check, facts, lang), lang);
        }
        for candidate in &examined.candidates {
            say_candidate(&mut page, explained, candidate, lang, |_| true);
        }
        say_aside(&mut page, explained, lang);
    } else {
        say_what_decided(&mut page, explained, lang);
    }
    for left_out in &explained.left_out {
        let what = lang.of("Left out", "未采用");
        say_line(&mut page, &format!("{what}: {left_out}"));
    }
    page
}

/// The failing check of the question, or of each clause that denies, the deciding one first.
fn say_what_decided(page: &mut String, explained: &Explained, lang: Lang) {
    let (facts, examined) = (&explained.facts, &explained.examined);
    let has_failed = |step: &Step| matches!(step.outcome, Outcome::Failed(_));
    let mut checks = examined.question.len();
    if let Some(step) = examined.question.iter().find(|step| has_failed(step)) {
        say_line(page, "");
        say_step(page, step, &words::of_question(step.check, facts, lang), lang);
    } else if let Err(denial) = &examined.conclusion {
        let decides = |candidate: &&Examined| {
            candidate.steps.iter().any(|step| step.outcome == Outcome::Failed(denial.clone()))
        };
        let (deciding, others): (Vec<_>, Vec<_>) = examined.candidates.iter().partition(decides);
        let all: Vec<&Examined> = deciding.into_iter().chain(others).collect();
        for candidate in all.iter().take(1 + MOST_OTHERS) {
            say_candidate(page, explained, candidate, lang, has_failed);
        }
        let more = all.len().saturating_sub(1 + MOST_OTHERS);
        if more > 0 {
            let more = lang.of(format!("and {more} more clauses"), format!("另有{more}条"));
            say_line(page, &more);
        }
        if all.is_empty() {
            say_aside(page, explained, lang);
        }
    }
    checks += examined.candidates.iter().map(|candidate| candidate.steps.len()).sum::<usize>();
    say_line(page, "");
    say_line(
        page,
        &lang.of(
            format!("Checks: {checks}. --all shows each, with what it compared."),
            format!("共{checks}项检查，加--all逐项列出。"),
        ),
    );
}

fn question(explained: &Explained, lang: Lang) -> String {
    let facts = &explained.facts;
    let caller = format!("{}/{}", facts.caller.organisation, facts.caller.system);
    let provider = facts.provider.as_ref().map_or("?", |provider| provider.as_str());
    let fact = facts.fact.as_ref().map_or("?", |fact| fact.as_str());
    let title =
        explained.title.as_ref().map(|(en, zh)| lang.of(format!(" ({en})"), format!("（{zh}）")));
    let (title, at) = (title.unwrap_or_default(), words::moment(facts.received_at, lang));
    let item = match facts.item_version.as_str() {
        "" => facts.item.to_string(),
        version => format!("{}@{version}", facts.item),
    };
    lang.of(
        format!("May {caller} ask {provider} about {fact}{title} for {item}, {at}?"),
        format!("{caller}可否于{at}为事项{item}向{provider}查询{fact}{title}？"),
    )
}

fn conclusion(conclusion: &Result<PermitRef, Denial>, lang: Lang) -> String {
    match conclusion {
        Ok(PermitRef { agreement, version, clause }) => lang.of(
            format!("Yes: agreement {agreement} version {version}, clause {clause}."),
            format!("可以：协议{agreement}第{version}版第{clause}条。"),
        ),
        Err(denial) => {
            let (code, advice, advice_zh) = (denial.code(), denial.advice(), denial.advice_zh());
            lang.of(format!("No: {code}. {advice}"), format!("不可以：{code}。{advice_zh}"))
        }
    }
}

/// Whether the entry says the same.
fn held(explained: &Explained, recorded: &super::logged::Recorded, lang: Lang) -> String {
    let index = recorded.index;
    match is_as_recorded(explained) {
        true => lang.of(
            format!("Entry {index} of the log says the same."),
            format!("与日志条目{index}一致。"),
        ),
        false => lang.of(
            format!(
                "Entry {index} of the log says otherwise: `heyan audit replay` finds what is wrong."
            ),
            format!("与日志条目{index}不一致：请运行heyan audit replay。"),
        ),
    }
}

fn is_as_recorded(explained: &Explained) -> bool {
    let Some(recorded) = &explained.recorded else { return true };
    match (&recorded.decision, &explained.examined.conclusion) {
        (Ok(recorded), Ok(permit)) => recorded == permit,
        (Err(recorded), Err(denial)) => recorded == denial.code(),
        _ => false,
    }
}

fn say_candidate(
    page: &mut String,
    explained: &Explained,
    candidate: &Examined,
    lang: Lang,
    is_shown: impl Fn(&Step) -> bool,
) {
    let PermitRef { agreement, version, clause } = candidate.reference();
    let permits = match (candidate.permits(), &explained.examined.conclusion) {
        (true, _) => lang.of(": permits", "：许可"),
        (false, _) => "",
    };
    say_line(page, "");
    say_line(
        page,
        &lang.of(
            format!("Agreement {agreement} version {version}, clause {clause}{permits}"),
            format!("协议{agreement}第{version}版第{clause}条{permits}"),
        ),
    );
    for step in candidate.steps.iter().filter(|step| is_shown(step)) {
        let compared = words::of_clause(step.check, explained, candidate, step, lang);
        say_step(page, step, &compared, lang);
    }
}

fn say_step(page: &mut String, step: &Step, compared: &str, lang: Lang) {
    let (mark, compared) = match &step.outcome {
        Outcome::Passed => (lang.of("yes", "是"), compared),
        Outcome::Failed(_) => (lang.of("NO ", "否"), compared),
        Outcome::NotReached => (lang.of(" - ", "－"), lang.of("not reached", "未检查")),
    };
    let name = words::name(step.check, lang);
    let wide: usize = name.chars().map(|shown| if shown.is_ascii() { 1 } else { 2 }).sum();
    let blank = " ".repeat(22_usize.saturating_sub(wide));
    let code = match &step.outcome {
        Outcome::Failed(denial) => format!("  [{}]", denial.code()),
        Outcome::Passed | Outcome::NotReached => String::new(),
    };
    say_line(page, &format!("  {mark}  {name}{blank} {compared}{code}"));
}

fn say_aside(page: &mut String, explained: &Explained, lang: Lang) {
    let examined = &explained.examined;
    let shown = examined.passed_over.iter().take(MOST_PASSED_OVER);
    let more = examined.passed_over.len().saturating_sub(MOST_PASSED_OVER) + examined.others;
    if examined.passed_over.is_empty() && more == 0 {
        return;
    }
    say_line(page, "");
    say_line(page, lang.of("Not looked at", "不涉及的协议"));
    for passed in shown {
        let (id, version) = (&passed.agreement.id, passed.agreement.version);
        let why = words::aside(passed.why, &passed.agreement, lang);
        say_line(
            page,
            &lang.of(
                format!("  {id} version {version}: {why}"),
                format!("  {id}第{version}版：{why}"),
            ),
        );
    }
    if more > 0 {
        say_line(page, &lang.of(format!("  and {more} more"), format!("  另有{more}份")));
    }
}

/// Text from files goes to a terminal: no control characters.
fn say_line(page: &mut String, line: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(page, "{}", line.replace(char::is_control, " "));
}

/// For programs.
pub(super) fn json(explained: &Explained) -> Value {
    let (facts, examined) = (&explained.facts, &explained.examined);
    let decision = match &examined.conclusion {
        Ok(permit) => json!({ "permitted": true, "by": reference(permit) }),
        Err(denial) => {
            let (code, advice, advice_zh) = (denial.code(), denial.advice(), denial.advice_zh());
            json!({ "permitted": false, "code": code, "advice": advice, "advice_zh": advice_zh })
        }
    };
    let question: Vec<Value> = examined
        .question
        .iter()
        .map(|step| as_json(step, &words::of_question(step.check, facts, Lang::En)))
        .collect();
    let candidate = |candidate: &Examined| {
        let steps = candidate.steps.iter().map(|step| {
            as_json(step, &words::of_clause(step.check, explained, candidate, step, Lang::En))
        });
        json!({
            "clause": reference(&candidate.reference()),
            "permits": candidate.permits(),
            "checks": steps.collect::<Vec<_>>(),
        })
    };
    let passed_over = examined.passed_over.iter().map(|passed| {
        json!({
            "agreement": passed.agreement.id, "version": passed.agreement.version,
            "why": words::aside(passed.why, &passed.agreement, Lang::En),
        })
    });
    let mut whole = json!({
        "caller": format!("{}/{}", facts.caller.organisation, facts.caller.system),
        "provider": facts.provider, "fact": facts.fact,
        "item": facts.item, "item_version": facts.item_version,
        "at": calendar::exact(facts.received_at),
        "decision": decision,
        "question": question,
        "candidates": examined.candidates.iter().map(candidate).collect::<Vec<_>>(),
        "not_looked_at": passed_over.collect::<Vec<_>>(),
        "others": examined.others,
        "left_out": explained.left_out,
    });
    if let (Some(recorded), Value::Object(whole)) = (&explained.recorded, &mut whole) {
        let (permit, code) = match &recorded.decision {
            Ok(permit) => (Some(reference(permit)), None),
            Err(code) => (None, Some(code)),
        };
        let same = is_as_recorded(explained);
        let entry = json!({ "index": recorded.index, "by": permit, "code": code, "same": same });
        whole.insert("entry".to_owned(), entry);
    }
    whole
}

fn as_json(step: &Step, compared: &str) -> Value {
    let (outcome, code) = match &step.outcome {
        Outcome::Passed => ("passed", None),
        Outcome::Failed(denial) => ("failed", Some(denial.code())),
        Outcome::NotReached => ("not_reached", None),
    };
    json!({ "check": step.check, "outcome": outcome, "code": code, "compared": compared })
}

fn reference(permit: &PermitRef) -> Value {
    let PermitRef { agreement, version, clause } = permit;
    json!({ "agreement": agreement, "version": version, "clause": clause })
}
