//! An agreement as a page in the form an office files: clauses, signatures, digest, places for seals.

use super::page::{self, escape};
use crate::agreements::signatures::Inspected;
use crate::agreements::terms::Terms;
use crate::agreements::terms::reading::{Language, Line, Part, Reading, Voice};
use crate::crypto::hex;

/// Looks beside those of every page: a sheet of A4, places to write and to seal.
const STYLE: &str = "\
body{max-width:56rem}section+section{margin-top:4rem}\
h1{text-align:center}p.under{text-align:center;margin:.2rem auto}\
table.file td{width:25%}table.says th{width:9rem;font-weight:600}\
.seals{display:flex;flex-wrap:wrap;gap:1.2rem;margin:1rem 0}\
.seals div{flex:1 1 14rem;min-height:11rem;border:1px solid var(--soft);padding:.7rem .9rem;break-inside:avoid}\
.seals span{display:block;color:var(--soft);margin-top:1.6rem}\
p.draft{text-align:center;font-weight:600;color:#a5482f}.bad{font-weight:600;color:#a5482f}\
@media print{@page{size:A4;margin:20mm 18mm;@bottom-center{content:counter(page) ' / ' counter(pages)}}\
section+section{break-before:page;margin-top:0}}";

/// The page, once for each voice.
pub fn page(terms: &Terms, document: Option<&Inspected>, voices: &[Voice<'_>]) -> String {
    let readings: Vec<Reading> = voices.iter().map(|voice| terms.read(voice)).collect();
    let title = readings.first().map(|reading| reading.title.as_str()).unwrap_or_default();
    let language = voices.first().map_or(Language::Chinese, |voice| voice.language);
    let mut text = page::head(title, tag(language), STYLE);
    for (voice, reading) in voices.iter().zip(&readings) {
        text.push_str(&format!("<section lang=\"{}\">\n", tag(voice.language)));
        text.push_str(&front(reading, document, voice));
        for part in &reading.parts {
            text.push_str(&of_part(part));
        }
        text.push_str(&back(terms, document, voice));
        text.push_str("</section>\n");
    }
    text + page::END
}

fn tag(language: Language) -> &'static str {
    match language {
        Language::Chinese => "zh-CN",
        Language::English => "en",
    }
}

/// Title, and what the file room writes.
fn front(reading: &Reading, document: Option<&Inspected>, voice: &Voice<'_>) -> String {
    let (title, subtitle) = (escape(&reading.title), escape(&reading.subtitle));
    let mut text = format!(
        "<h1>{title}</h1>\n<p class=\"under soft\">{subtitle}</p>\n<p class=\"under\">{}</p>\n",
        escape(&reading.reference)
    );
    if document.is_none() {
        let draft = voice.say("草案，未经签署", "Draft, not signed");
        text.push_str(&format!("<p class=\"draft\">{draft}</p>\n"));
    }
    let (number, date) = voice.say(("档号", "归档日期"), ("File number", "Filed on"));
    text + &format!(
        "<table class=\"file\"><tbody><tr><th>{number}</th><td></td><th>{date}</th><td></td></tr></tbody></table>\n"
    )
}

fn of_part(part: &Part) -> String {
    let mut text = format!("<h2>{}</h2>\n", escape(&part.heading));
    let mut said = String::new();
    // Lines that say one thing each stand together in one table.
    for line in &part.lines {
        match line {
            Line::Says { term, text } => {
                let (term, text) = (escape(term), escape(text));
                said.push_str(&format!("<tr><th>{term}</th><td>{text}</td></tr>\n"));
            }
            Line::Table { names, rows } => {
                text.push_str(&table_of(&mut said));
                text.push_str(&page::table(names, names.len(), rows.iter().cloned()));
            }
        }
    }
    text + &table_of(&mut said)
}

fn table_of(said: &mut String) -> String {
    let rows = std::mem::take(said);
    match rows.is_empty() {
        true => rows,
        false => format!("<table class=\"says\"><tbody>\n{rows}</tbody></table>\n"),
    }
}

/// Signatures, digest and places for seals.
fn back(terms: &Terms, document: Option<&Inspected>, voice: &Voice<'_>) -> String {
    let mut text = String::new();
    if let Some(document) = document {
        text.push_str(&of_part(&document.read(voice)));
        if document.has_bad_signature() {
            let warning = voice.say(
                "有签名无效，不得据此执行。",
                "A signature does not hold: do not act on this page.",
            );
            text.push_str(&format!("<p class=\"bad\">{warning}</p>\n"));
        }
        let about = voice.say(
            "所签载荷的 SHA-256（与签署文件核对；有约束力的是签署文件，本页为其读本）",
            "SHA-256 of the signed payload. Compare it with the signed document, which binds; this page is a reading of it",
        );
        text.push_str(&format!(
            "<p>{about}:</p>\n<pre>{}</pre>\n",
            grouped(&hex(&document.digest))
        ));
    }
    let (heading, seal, date) = voice
        .say(("盖章", "（盖章处）", "日期：　　　年　　月　　日"), ("Seals", "(seal)", "Date:"));
    text.push_str(&format!("<h2>{heading}</h2>\n<div class=\"seals\">\n"));
    for party in terms.parties() {
        let party = escape(&voice.organisation(party));
        text.push_str(&format!("<div>{party}<span>{seal}</span><span>{date}</span></div>\n"));
    }
    text + "</div>\n"
}

/// A digest that two people can read to each other: eight characters at a time, two lines.
fn grouped(digest: &str) -> String {
    let mut text = String::new();
    for (place, character) in digest.chars().enumerate() {
        match place {
            0 => {}
            32 => text.push('\n'),
            _ if place.is_multiple_of(8) => text.push(' '),
            _ => {}
        }
        text.push(character);
    }
    text
}

#[cfg(test)]
mod tests;
