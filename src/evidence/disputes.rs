//! Which answers of a case were contested, and what came of that: each step from its entry.
//!
//! A new answer that asking again gave is a question of its own: its entry is named, and stands in the log.

use serde::Serialize;
use serde_json::Value as Json;

use super::contents::Contents;
use crate::audit::commitment::Field;
use crate::audit::entry::{Dispute, DisputeStep, Entry, Ground, Kind, Looked};
use crate::report::{calendar, labels};

/// One dispute.
#[derive(Serialize)]
pub(super) struct DisputeTold {
    /// Its id.
    pub(super) dispute: String,
    /// The entry that is contested.
    pub(super) contested: u64,
    pub(super) steps: Vec<StepTold>,
}

/// One step of it.
#[derive(Serialize)]
pub(super) struct StepTold {
    pub(super) entry: u64,
    pub(super) at: String,
    /// `opened`, `delivered`, `not_delivered`, `answered` or `asked_again`.
    pub(super) step: &'static str,
    /// Its ground, failure, finding, or the verdict after.
    pub(super) code: String,
    /// The outcome of asking again.
    pub(super) outcome: Option<u64>,
    /// The last day for an answer, of an opening.
    pub(super) due: Option<String>,
    pub(super) words_zh: String,
    /// What was written, where it is opened.
    pub(super) text: Option<String>,
}

/// All of them, in the order of their opening.
pub(super) fn disputes(contents: &Contents<'_>) -> Vec<DisputeTold> {
    let opened = steps(contents).filter_map(|(_, _, dispute)| match &dispute.step {
        DisputeStep::Opened(opened) => Some((dispute.id, opened.contested)),
        _ => None,
    });
    let told = opened.map(|(id, contested)| {
        let of_it = steps(contents).filter(|(_, _, dispute)| dispute.id == id);
        DisputeTold {
            dispute: uuid::Uuid::from_bytes(id).to_string(),
            contested,
            steps: of_it.map(|step| told(contents, step)).collect(),
        }
    });
    told.collect()
}

/// Ids of the disputes over the outcome of that entry.
pub(super) fn over(contents: &Contents<'_>, outcome: Option<u64>) -> Vec<String> {
    let of_it = steps(contents).filter(|(_, _, dispute)| match &dispute.step {
        DisputeStep::Opened(opened) => Some(opened.contested) == outcome,
        _ => false,
    });
    of_it.map(|(_, _, dispute)| uuid::Uuid::from_bytes(dispute.id).to_string()).collect()
}

type Step<'a> = (u64, &'a Entry, &'a Dispute);

fn steps<'a>(contents: &'a Contents<'_>) -> impl Iterator<Item = Step<'a>> {
    contents.entries.iter().filter_map(|(index, entry)| match &entry.kind {
        Kind::Dispute(dispute) => Some((*index, entry, dispute)),
        _ => None,
    })
}

fn told(contents: &Contents<'_>, (index, entry, dispute): Step<'_>) -> StepTold {
    let mut told = StepTold {
        entry: index,
        at: calendar::exact(entry.at),
        step: "opened",
        code: String::new(),
        outcome: None,
        due: None,
        words_zh: String::new(),
        text: text(contents, index),
    };
    let (step, code, words) = match &dispute.step {
        DisputeStep::Opened(opened) => {
            told.due = Some(opened.due.to_string());
            let verdict = labels::verdict(opened.verdict.name());
            let (ground, of) = (ground_zh(opened.ground), opened.contested);
            let name = contents.name_zh(&opened.provider);
            let words = format!(
                "对第{of}号答复（{} {name} {verdict}）提出异议：{ground}；答复期限 {}",
                opened.provider, opened.due
            );
            ("opened", opened.ground.name().to_owned(), words)
        }
        DisputeStep::Delivery(delivery) => match &delivery.result {
            Ok(ticket) => {
                let words = format!("已送达提供部门 {ticket}");
                ("delivered", String::new(), words.trim_end().to_owned())
            }
            Err(failure) => ("not_delivered", failure.clone(), format!("未能送达（{failure}）")),
        },
        DisputeStep::Answered(answered) => {
            let (found, on) = (found_zh(answered.finding), answered.on);
            ("answered", answered.finding.name().to_owned(), format!("提供部门 {on} 答复：{found}"))
        }
        DisputeStep::Rechecked(again) => {
            told.outcome = Some(again.outcome);
            let verdict = |verdict: crate::query::value::Verdict| labels::verdict(verdict.name());
            let words = format!(
                "重新核验（第{}号条目，见日志）：原为{}，现为{}",
                again.outcome,
                verdict(again.before),
                verdict(again.after)
            );
            ("asked_again", again.after.name().to_owned(), words)
        }
    };
    (told.step, told.code, told.words_zh) = (step, code, words);
    told
}

/// The words of who contests, or of the agency.
fn text(contents: &Contents<'_>, index: u64) -> Option<String> {
    let openings = contents.package.openings.get(&index)?;
    if let Some(answer) = openings.text(Field::Answer) {
        return Some(answer.to_owned());
    }
    let request: Json = serde_json::from_str(openings.text(Field::Request)?).ok()?;
    request.get("text").and_then(Json::as_str).map(str::to_owned)
}

fn ground_zh(ground: Ground) -> &'static str {
    match ground {
        Ground::WrongPerson => "答复的不是本人 wrong_person",
        Ground::OutOfDate => "记录已过时 out_of_date",
        Ground::WrongValue => "记录有误 wrong_value",
        Ground::MissingRecord => "缺少记录 missing_record",
        Ground::Other => "其他 other",
    }
}

fn found_zh(found: Looked) -> &'static str {
    match found {
        Looked::Corrected => "已更正 corrected",
        Looked::Upheld => "维持原记录 upheld",
        Looked::CannotTell => "无法判断 cannot_tell",
    }
}
