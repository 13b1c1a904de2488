//! Disputes for people, and for programs.

use std::process::ExitCode;

use serde_json::{Value as Json, json};

use crate::cli::query::answer::{self, moment, verdict};
use crate::cli::{COULD_NOT_TELL, NO};
use crate::proto::gateway::v1 as message;

/// One dispute.
pub(super) fn one(dispute: &message::Dispute, as_json: bool) {
    match as_json {
        true => say!("{:#}", to_json(dispute)),
        false => say_plain!("{}", lines(dispute).join("\n")),
    }
}

/// A table of them.
pub(super) fn many(disputes: &[message::Dispute], as_json: bool) {
    if as_json {
        say!("{:#}", Json::Array(disputes.iter().map(to_json).collect()));
        return;
    }
    if disputes.is_empty() {
        say!("no disputes");
        return;
    }
    say_plain!("{}", table(disputes).join("\n"));
}

/// What asking again came to; the exit code is that of a question.
pub(super) fn again(came: &message::RecheckResponse, as_json: bool) -> ExitCode {
    let dispute = came.dispute.clone().unwrap_or_default();
    let new = came.answer.as_ref().map_or(dispute.verdict_after(), |answer| answer.verdict());
    if as_json {
        let answer = came.answer.as_ref().map(|answer| answer::to_json(answer, None));
        say!("{:#}", json!({ "answer": answer, "dispute": to_json(&dispute) }));
    } else {
        let (before, after) = (verdict(dispute.verdict_before()), verdict(new));
        let entry = came.answer.as_ref().map_or(dispute.new_outcome, |answer| answer.log_index);
        let known = if came.answer.is_some() { "" } else { ", asked again before" };
        say!("{after}   (was {before}; entry {entry}{known})");
    }
    match new {
        message::Verdict::Confirmed => ExitCode::SUCCESS,
        message::Verdict::Refuted => ExitCode::from(NO),
        _ => ExitCode::from(COULD_NOT_TELL),
    }
}

fn table(disputes: &[message::Dispute]) -> Vec<String> {
    let head = ["dispute", "state", "fact", "agency", "entry", "verdict", "answer by", "finding"];
    let rows = disputes.iter().map(|dispute| {
        let due = match dispute.overdue {
            true => format!("{} OVERDUE", dispute.due),
            false => dispute.due.clone(),
        };
        let after = match dispute.new_outcome {
            0 => String::new(),
            _ => format!(" > {}", verdict(dispute.verdict_after())),
        };
        [
            dispute.dispute_id.clone(),
            dispute.state.clone(),
            dispute.fact.clone(),
            dispute.agency.clone(),
            dispute.contested.to_string(),
            format!("{}{after}", verdict(dispute.verdict_before())),
            due,
            dispute.finding.clone(),
        ]
    });
    let rows: Vec<[String; 8]> = std::iter::once(head.map(str::to_owned)).chain(rows).collect();
    let mut widths = [0_usize; 8];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; 8]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

fn lines(dispute: &message::Dispute) -> Vec<String> {
    let state = match dispute.state.as_str() {
        "PAPER" => "PAPER: the agency is not told of it here; tell it on paper",
        "WAITING" => "WAITING: the agency has not been told yet",
        state => state,
    };
    let mut lines = vec![format!("{}   (entry {})", state, dispute.log_index)];
    let mut say = |name: &str, text: String| {
        // Others have a say in it: what stands on a line of its own is ours.
        for (number, line) in text.lines().enumerate() {
            let name = if number == 0 { name } else { "" };
            lines.push(format!("  {name:<10} {line}"));
        }
    };
    say("dispute", dispute.dispute_id.clone());
    say(
        "contests",
        format!(
            "{} of {}, entry {}: {}",
            dispute.fact,
            dispute.agency,
            dispute.contested,
            verdict(dispute.verdict_before())
        ),
    );
    let shown = if dispute.shown { "" } else { "; the question is shown by its likeness only" };
    say("ground", format!("{}{shown}", dispute.ground));
    say("opened", moment(dispute.opened_at.as_ref()).unwrap_or_default());
    say("delivered", moment(dispute.delivered_at.as_ref()).unwrap_or_default());
    say("ticket", dispute.ticket.clone());
    say("failed", dispute.failure.clone());
    say("on paper", dispute.channel.clone());
    let overdue = if dispute.overdue { ": OVERDUE" } else { "" };
    say(
        "answer by",
        format!("{}{overdue} (weekends left out; public holidays are not known)", dispute.due),
    );
    say(
        "finding",
        match dispute.finding.as_str() {
            "" => String::new(),
            finding => format!("{finding}, {}", dispute.answered_on),
        },
    );
    say("says", dispute.answer.clone());
    if dispute.new_outcome > 0 {
        let after = verdict(dispute.verdict_after());
        say("now", format!("{after} (entry {})", dispute.new_outcome));
    }
    lines
}

fn to_json(dispute: &message::Dispute) -> Json {
    let asked_again = (dispute.new_outcome > 0).then(
        || json!({ "log_index": dispute.new_outcome, "verdict": verdict(dispute.verdict_after()) }),
    );
    json!({
        "dispute_id": dispute.dispute_id,
        "state": dispute.state,
        "log_index": dispute.log_index,
        "opened_at": moment(dispute.opened_at.as_ref()),
        "caller": dispute.caller,
        "agency": dispute.agency,
        "fact": dispute.fact,
        "contested": dispute.contested,
        "verdict_before": verdict(dispute.verdict_before()),
        "ground": dispute.ground,
        "shown": dispute.shown,
        "due": dispute.due,
        "overdue": dispute.overdue,
        "delivered_at": moment(dispute.delivered_at.as_ref()),
        "ticket": dispute.ticket,
        "failure": dispute.failure,
        "channel": dispute.channel,
        "finding": dispute.finding,
        "answered_on": dispute.answered_on,
        "answer": dispute.answer,
        "asked_again": asked_again,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_what_became_of_it() {
        let dispute = message::Dispute {
            dispute_id: "019a".to_owned(),
            state: "ASKED_AGAIN".to_owned(),
            fact: "M1".to_owned(),
            agency: "civil-affairs".to_owned(),
            contested: 41,
            verdict_before: message::Verdict::Refuted.into(),
            verdict_after: message::Verdict::Confirmed.into(),
            new_outcome: 50,
            due: "2026-12-07".to_owned(),
            finding: "corrected".to_owned(),
            ..message::Dispute::default()
        };
        assert_eq!(
            table(std::slice::from_ref(&dispute)),
            [
                "dispute  state        fact  agency         entry  verdict              answer by   finding",
                "019a     ASKED_AGAIN  M1    civil-affairs  41     REFUTED > CONFIRMED  2026-12-07  corrected",
            ]
        );
        assert_eq!(to_json(&dispute)["asked_again"]["verdict"], "CONFIRMED");
        let words = "nothing is wrong\n  now        CONFIRMED (entry 50)\nsigned".to_owned();
        let forged = message::Dispute { new_outcome: 0, answer: words, ..dispute.clone() };
        let forged = lines(&forged);
        assert!(forged.iter().all(|line| !line.starts_with("  now")), "{forged:?}");
        assert!(forged.contains(&format!("  {:<10} signed", "")), "{forged:?}");
        let waiting = message::Dispute { new_outcome: 0, overdue: true, ..dispute };
        assert!(lines(&waiting).iter().any(|line| line.contains("OVERDUE")));
    }
}
