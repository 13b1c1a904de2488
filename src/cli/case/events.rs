//! What happens in a case, line by line as it happens: for people, or as JSON for programs.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value as Json, json};

use super::table;
use crate::cli::query::{answer, written};
use crate::proto::gateway::v1 as message;
use message::case_event::Kind;
use message::question_answered::Result as Came;

/// Tells a case.
pub(super) struct Telling {
    json: bool,
    colour: bool,
    began: Instant,
    /// What is still running, on a terminal.
    bar: ProgressBar,
    /// Facts and titles by question.
    titles: Vec<(String, String)>,
    /// Questions as they were put.
    put: Vec<message::VerifyRequest>,
    /// By the entry of an answer, what contests it.
    contests: BTreeMap<u64, String>,
    /// How the gateway is reached, as it was typed.
    gateway: Vec<String>,
}

impl Telling {
    pub(super) fn new(json: bool, gateway: Vec<String>) -> Self {
        let is_terminal = !json && std::io::stdout().is_terminal();
        let colour = is_terminal && std::env::var_os("NO_COLOR").is_none();
        let bar = match is_terminal && std::io::stderr().is_terminal() {
            true => ProgressBar::new_spinner(),
            false => ProgressBar::hidden(),
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self {
            json,
            colour,
            began: Instant::now(),
            bar,
            titles: Vec::new(),
            put: Vec::new(),
            contests: BTreeMap::new(),
            gateway,
        }
    }

    /// Tells one event.
    pub(super) fn event(&mut self, event: &message::CaseEvent) {
        if self.json {
            say!("{}", to_json(event));
            return;
        }
        match &event.kind {
            Some(Kind::Opened(opened)) => self.opened(opened),
            Some(Kind::Asked(asked)) => {
                let title = format!("{} {}", asked.fact, asked.title_zh);
                self.titles.push((asked.question.clone(), title));
                self.put.extend(asked.put.clone());
            }
            Some(Kind::Answered(answered)) => {
                self.contests.extend(self.contest(answered));
                self.answered(answered);
            }
            Some(Kind::Outcome(outcome)) => {
                self.bar.finish_and_clear();
                say!("{}", table::outcome(outcome, &self.contests, self.colour).trim_end());
            }
            None => {}
        }
        let running = event.running.join(", ");
        self.bar.set_message(format!("asking: {running}"));
    }

    fn opened(&self, opened: &message::CaseOpened) {
        let message::CaseOpened { item, item_version, submitted_on, .. } = opened;
        self.line(&format!("{item} {item_version}, application of {submitted_on}"));
        for basis in &opened.legal_basis {
            self.line(&format!("  {basis}"));
        }
    }

    /// The command that contests a "no", and its entry: all of it, for a question must be put as it was.
    fn contest(&self, answered: &message::QuestionAnswered) -> Option<(u64, String)> {
        let Some(Came::Reply(reply)) = &answered.result else { return None };
        if reply.verdict() != message::Verdict::Refuted {
            return None;
        }
        let put = self.put.iter().find(|put| put.request_id == answered.request_id)?;
        let entry = ["--entry".to_owned(), reply.log_index.to_string()];
        let ground = ["--ground", "wrong-value"].map(str::to_owned);
        let words = [&written::arguments(put)?, &entry[..], &ground[..], &self.gateway].concat();
        Some((reply.log_index, written::for_a_shell(&words)))
    }

    fn answered(&self, answered: &message::QuestionAnswered) {
        let (result, detail) = match &answered.result {
            Some(Came::Reply(reply)) => replied(reply),
            Some(Came::Refusal(refusal)) => {
                let entry = refusal.log_index.map(|index| format!("entry {index}"));
                let entry = entry.unwrap_or_else(|| "no entry".to_owned());
                (format!("DENIED {}", refusal.reason), entry)
            }
            None => return,
        };
        let title = self.titles.iter().find(|(question, _)| *question == answered.question);
        let title = title.map_or(answered.question.as_str(), |(_, title)| title.as_str());
        let whom: Vec<String> = answered.about.iter().map(whom).collect();
        let seconds = self.began.elapsed().as_secs_f64();
        let title = table::padded(title, 30);
        let result = table::padded(&result, 14);
        let result = table::painted(self.colour, &result);
        self.line(&format!("  {seconds:>6.2} s  {title} {result} {detail}  ({})", whom.join(", ")));
    }

    /// Above the bar, which would else be torn.
    fn line(&self, text: &str) {
        self.bar.suspend(|| say!("{text}"));
    }
}

fn replied(reply: &message::VerifyResponse) -> (String, String) {
    let source = reply.source.clone().unwrap_or_default();
    let kept = match source.kind() {
        message::source::Kind::Cache => ", kept",
        _ => "",
    };
    let why = reply.unavailability.as_ref().map(|why| format!("{}, ", why.reason));
    let why = why.unwrap_or_default();
    let detail = format!("{why}{}{kept}, entry {}", source.agency, reply.log_index);
    (answer::verdict(reply.verdict()).to_owned(), detail)
}

fn whom(place: &message::CasePlace) -> String {
    match place.position {
        0 => place.who.clone(),
        position => format!("{} {}", place.who, position + 1),
    }
}

/// One event as a program sees it.
pub(super) fn to_json(event: &message::CaseEvent) -> Json {
    let running = &event.running;
    match &event.kind {
        Some(Kind::Opened(opened)) => json!({ "running": running, "opened": {
            "item": opened.item,
            "item_version": opened.item_version,
            "rule": crate::crypto::hex(&opened.rule),
            "legal_basis": opened.legal_basis,
            "submitted_on": opened.submitted_on,
        }}),
        Some(Kind::Asked(asked)) => json!({ "running": running, "asked": {
            "question": asked.question,
            "fact": asked.fact,
            "title_zh": asked.title_zh,
            "about": places(&asked.about),
            "request_id": asked.request_id,
        }}),
        Some(Kind::Answered(answered)) => {
            let (reply, refusal) = match &answered.result {
                Some(Came::Reply(reply)) => (Some(answer::to_json(reply, None)), None),
                Some(Came::Refusal(refusal)) => (None, Some(refusal_json(refusal))),
                None => (None, None),
            };
            json!({ "running": running, "answered": {
                "question": answered.question,
                "about": places(&answered.about),
                "request_id": answered.request_id,
                "reply": reply,
                "refusal": refusal,
            }})
        }
        Some(Kind::Outcome(outcome)) => {
            json!({ "running": running, "outcome": table::outcome_json(outcome) })
        }
        None => json!({ "running": running }),
    }
}

fn refusal_json(refusal: &message::CaseRefusal) -> Json {
    json!({
        "reason": refusal.reason,
        "message": refusal.message,
        "message_zh": refusal.message_zh,
        "log_index": refusal.log_index,
    })
}

fn places(about: &[message::CasePlace]) -> Json {
    about.iter().map(table::place_json).collect()
}
