//! How a case ended: each need, what is missing and what to bring, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::cli::query::answer;
use crate::proto::gateway::v1 as message;
use message::case_need::State;
use message::case_outcome::Outcome;

/// The whole, in lines; `contests` has the words that contest an answer, by its entry.
pub(super) fn outcome(
    outcome: &message::CaseOutcome,
    contests: &BTreeMap<u64, String>,
    colour: bool,
) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    let _ = write_outcome(&mut out, outcome, contests, colour);
    out
}

fn write_outcome(
    out: &mut String,
    outcome: &message::CaseOutcome,
    contests: &BTreeMap<u64, String>,
    colour: bool,
) -> std::fmt::Result {
    let headline = match outcome.outcome() {
        Outcome::Ready => "READY          everything is shown: it can be approved without a visit",
        Outcome::NeedsCounter => "NEEDS_COUNTER  a person goes on with what is missing",
        Outcome::Refuted => "REFUTED        an authority says no; it can be contested",
        Outcome::Unspecified => "UNKNOWN        the gateway is newer than this command",
    };
    writeln!(out, "\n{}   (entry {})", painted(colour, headline), outcome.log_index)?;
    if outcome.out_of_time {
        writeln!(out, "  The time ran out before every question was answered.")?;
    }
    if !outcome.person_decides.is_empty() {
        writeln!(out, "  A person decides in any case: {}", outcome.person_decides)?;
    }
    writeln!(out)?;
    for need in outcome.needs.iter().filter(|need| need.required) {
        let state = painted(colour, &padded(state(need), 11));
        writeln!(out, "  {state} {} {}", padded(&need.title_zh, 34), shown(need))?;
        for missing in &need.missing {
            writeln!(out, "              {}", missing.advice_zh)?;
        }
        for one in need.shown.iter().filter(|one| one.verdict() == message::Verdict::Refuted) {
            let Some(index) = one.log_index else { continue };
            let words = contests.get(&index);
            let words = words.cloned().unwrap_or_else(|| format!("FACT --entry {index} …"));
            writeln!(out, "              contest it: heyan dispute open {words}")?;
        }
    }
    let mut bring: Vec<&str> = Vec::new();
    for one in outcome.needs.iter().filter(|need| need.required).flat_map(|need| &need.bring) {
        if !bring.contains(&one.title_zh.as_str()) {
            bring.push(&one.title_zh);
        }
    }
    if !bring.is_empty() {
        writeln!(out, "\n  请携带: {}", bring.join("、"))?;
    }
    let checked = outcome.subjects.iter().filter_map(|checked| {
        let place = checked.place.as_ref()?;
        let entries: Vec<String> = checked.log_indices.iter().map(ToString::to_string).collect();
        Some(format!("{} (entries {})", name(place), entries.join(", ")))
    });
    let checked: Vec<String> = checked.collect();
    writeln!(
        out,
        "\n  checked: {}",
        if checked.is_empty() { "nobody".to_owned() } else { checked.join("; ") }
    )
}

/// The answers behind a need, in a few words.
fn shown(need: &message::CaseNeed) -> String {
    let shown = need.shown.iter().map(|shown| {
        let verdict = match shown.verdict() {
            message::Verdict::Unspecified => "denied",
            said => answer::verdict(said),
        };
        let entry = shown.log_index.map(|index| format!(" {index}")).unwrap_or_default();
        let kept = if shown.from_cache { " kept" } else { "" };
        format!("{} {verdict}{kept}{entry}", shown.question)
    });
    shown.collect::<Vec<_>>().join("; ")
}

fn name(place: &message::CasePlace) -> String {
    match place.position {
        0 => place.who.clone(),
        position => format!("{} {}", place.who, position + 1),
    }
}

/// Stable name of a need's state.
fn state(need: &message::CaseNeed) -> &'static str {
    match need.state() {
        State::Unspecified => "UNKNOWN",
        other => other.as_str_name(),
    }
}

/// The outcome as a program sees it.
pub(super) fn outcome_json(outcome: &message::CaseOutcome) -> Json {
    let subjects = outcome.subjects.iter().map(|checked| {
        json!({
            "place": checked.place.as_ref().map(place_json),
            "log_indices": checked.log_indices,
        })
    });
    json!({
        "outcome": outcome.outcome().as_str_name(),
        "needs": outcome.needs.iter().map(need_json).collect::<Vec<_>>(),
        "subjects": subjects.collect::<Vec<_>>(),
        "person_decides": outcome.person_decides,
        "log_index": outcome.log_index,
        "out_of_time": outcome.out_of_time,
    })
}

fn need_json(need: &message::CaseNeed) -> Json {
    let shown = need.shown.iter().map(|shown| {
        let verdict = shown.verdict();
        let said = (verdict != message::Verdict::Unspecified).then(|| answer::verdict(verdict));
        json!({
            "question": shown.question,
            "verdict": said,
            "agency": shown.agency,
            "from_cache": shown.from_cache,
            "as_of": answer::moment(shown.as_of.as_ref()),
            "log_index": shown.log_index,
        })
    });
    let missing = need.missing.iter().map(|missing| {
        json!({
            "why": missing.why,
            "of": missing.of,
            "code": missing.code,
            "log_index": missing.log_index,
            "advice_zh": missing.advice_zh,
        })
    });
    let bring = need.bring.iter().map(|one| json!({ "code": one.code, "title_zh": one.title_zh }));
    json!({
        "name": need.name,
        "title": need.title,
        "title_zh": need.title_zh,
        "required": need.required,
        "state": state(need),
        "shown": shown.collect::<Vec<_>>(),
        "missing": missing.collect::<Vec<_>>(),
        "bring": bring.collect::<Vec<_>>(),
    })
}

/// A place as a program sees it.
pub(super) fn place_json(place: &message::CasePlace) -> Json {
    json!({ "role": place.role, "who": place.who, "position": place.position })
}

/// Green for what is shown, red for a "no", yellow for what is open.
pub(super) fn painted(colour: bool, text: &str) -> String {
    let first = text.split_whitespace().next().unwrap_or_default();
    let code = match first {
        "READY" | "MET" | "PROVIDED" | "CONFIRMED" => "32",
        "REFUTED" | "DENIED" => "31",
        "NOT_NEEDED" => "2",
        _ => "33",
    };
    if colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// Pads to a width in terminal columns, where a Chinese character takes two.
pub(super) fn padded(text: &str, width: usize) -> String {
    let columns: usize =
        text.chars().map(|character| if character.is_ascii() { 1 } else { 2 }).sum();
    format!("{text}{}", " ".repeat(width.saturating_sub(columns)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_the_outcome_first_then_each_need_and_what_to_bring() {
        let need = message::CaseNeed {
            name: "no_home".to_owned(),
            title_zh: "无自有住房".to_owned(),
            required: true,
            state: State::Refuted.into(),
            shown: vec![message::CaseShown {
                question: "homes".to_owned(),
                verdict: message::Verdict::Refuted.into(),
                log_index: Some(41),
                ..message::CaseShown::default()
            }],
            missing: vec![message::CaseMissing {
                why: "refuted".to_owned(),
                advice_zh: "可申请核查。".to_owned(),
                ..message::CaseMissing::default()
            }],
            bring: vec![message::CaseBring {
                code: "no_home_certificate".to_owned(),
                title_zh: "无房证明".to_owned(),
            }],
            ..message::CaseNeed::default()
        };
        let part = message::CaseNeed { required: false, ..need.clone() };
        let given = message::CaseOutcome {
            outcome: Outcome::Refuted.into(),
            needs: vec![need, part],
            log_index: 44,
            ..message::CaseOutcome::default()
        };
        let text = outcome(&given, &BTreeMap::new(), false);
        let expected = "\nREFUTED        an authority says no; it can be contested   (entry 44)\n\n  \
            REFUTED     无自有住房                         homes REFUTED 41\n              \
            可申请核查。\n              contest it: heyan dispute open FACT --entry 41 …\n\n  请携带: 无房证明\n\n  checked: nobody\n";
        assert_eq!(text, expected);
        let json = outcome_json(&given);
        assert_eq!((&json["outcome"], &json["log_index"]), (&json!("REFUTED"), &json!(44)));
        assert_eq!(json["needs"][0]["shown"][0]["verdict"], "REFUTED");
    }
}
