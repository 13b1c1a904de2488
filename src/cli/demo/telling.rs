//! What the demo says, as lines for people or one JSON document for programs.

use std::io::IsTerminal;

use serde_json::{Value as Json, json};

/// Collects the chapters; prints them as they happen unless a program asked.
pub(super) struct Telling {
    json: bool,
    colour: bool,
    chapters: Vec<Json>,
}

impl Telling {
    pub(super) fn new(json: bool) -> Self {
        let colour =
            !json && std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { json, colour, chapters: Vec::new() }
    }

    /// Opens a chapter.
    pub(super) fn chapter(&mut self, title: &str) {
        self.chapters.push(json!({ "chapter": title, "steps": [] }));
        if !self.json {
            let number = self.chapters.len();
            say!("\n{}", self.paint("1", &format!("{number}  {title}")));
        }
    }

    /// One thing done: `what` in a few words, `text` in a sentence.
    pub(super) fn did(&mut self, what: &str, text: &str) {
        self.step(json!({ "did": what, "text": text }));
        if !self.json {
            say!("   {what:<9} {text}");
        }
    }

    /// One question and what came of it.
    pub(super) fn asked(&mut self, asked: &Asked) {
        self.step(json!({
            "fact": asked.fact,
            "title": asked.title,
            "result": asked.result,
            "source": asked.source,
            "log_index": asked.log_index,
            "milliseconds": asked.milliseconds,
            "text": asked.text,
            "receipt_verified": asked.receipt,
        }));
        if self.json {
            return;
        }
        let colour = match asked.result.as_str() {
            "CONFIRMED" => "32",
            "UNAVAILABLE" | "STALE" | "NOT_FOUND" => "33",
            _ => "31",
        };
        let result = self.paint(colour, &format!("{:<12}", asked.result));
        let receipt = if asked.receipt { "  receipt ✓" } else { "" };
        say!(
            "   {:<3} {} {result} {:<7} entry {:<4} {:>6.1} ms{receipt}",
            asked.fact,
            padded(&asked.title, 28),
            asked.source,
            asked.log_index.map_or_else(|| "–".to_owned(), |index| index.to_string()),
            asked.milliseconds,
        );
        if !asked.text.is_empty() {
            say!("       {}", self.paint("2", &asked.text));
        }
    }

    /// Ends the telling; a program gets its document now.
    pub(super) fn finish(&self, good: bool) {
        if self.json {
            say!("{}", json!({ "good": good, "chapters": self.chapters }));
        } else if good {
            say!("\nEverything came out as it must.");
        } else {
            say!("\nSomething did NOT come out as it must: see above.");
        }
    }

    /// Something for the person at the terminal, beside the story: never inside a program's document.
    pub(super) fn aside(&self, text: &str) {
        if self.json {
            eprintln!("{text}");
        } else {
            say!("{text}");
        }
    }

    fn step(&mut self, step: Json) {
        let steps = self.chapters.last_mut().and_then(|chapter| chapter.get_mut("steps"));
        if let Some(Json::Array(steps)) = steps {
            steps.push(step);
        }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// One question, told.
pub(super) struct Asked {
    pub(super) fact: String,
    pub(super) title: String,
    /// A verdict, or `DENIED` and the reason.
    pub(super) result: String,
    pub(super) source: String,
    pub(super) log_index: Option<u64>,
    pub(super) milliseconds: f64,
    pub(super) text: String,
    pub(super) receipt: bool,
}

/// Pads to a width in terminal columns, where a Chinese character takes two.
fn padded(text: &str, width: usize) -> String {
    let columns: usize =
        text.chars().map(|character| if character.is_ascii() { 1 } else { 2 }).sum();
    format!("{text}{}", " ".repeat(width.saturating_sub(columns)))
}
