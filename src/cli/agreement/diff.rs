//! `heyan agreement diff`: what changes between two agreements, in words.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value as Json, json};

use super::source::{Lang, Names, Source, look};
use crate::agreements::signatures::Signature;
use crate::agreements::terms::difference::{Changed, Effect, between};
use crate::agreements::terms::reading::{Language, Voice, plain_json};
use crate::cli::NO;

#[derive(Debug, Args)]
pub(super) struct Diff {
    /// A draft (*.toml) or a document (*.json)
    old: PathBuf,
    /// What is to follow it
    new: PathBuf,
    /// Language; left out, that of LC_ALL or LANG
    #[arg(long, value_enum)]
    lang: Option<Lang>,
    #[command(flatten)]
    names: Names,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Diff) -> anyhow::Result<ExitCode> {
    let names = command.names.load()?;
    let (old, new) = (names.open(&command.old)?, names.open(&command.new)?);
    let voice = names.voice(Lang::or_of_environment(command.lang));
    let places = between(old.terms(), new.terms(), &voice)?;
    if command.json {
        say!("{}", plain_json(&format!("{:#}", as_json(&places, &old, &new))));
    } else {
        tell(&places, &old, &new, &voice);
    }
    Ok(if places.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

fn tell(places: &[Changed], old: &Source, new: &Source, voice: &Voice<'_>) {
    let look = look();
    let mut page = String::new();
    for (term, source) in [(voice.say("原协议", "old"), old), (voice.say("新协议", "new"), new)]
    {
        let reading = source.terms().read(voice);
        let signed = signatures(source, voice);
        let line = format!("{term}  {}  {}  {signed}", reading.reference, reading.title);
        look.paragraph(&line, 0, 4, &mut page);
    }
    for place in places {
        let (bold, end) = if look.colour { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        page.push_str(&format!("\n{bold}{}{end}\n", place.place));
        for change in &place.changes {
            let mut line = String::new();
            let mark = mark(change.effect, voice.language);
            look.paragraph(&format!("{mark}  {}", change.text), 2, 14, &mut line);
            page.push_str(&painted(&line, mark, change.effect, look.colour));
        }
    }
    page.push('\n');
    page.push_str(&summary(places, voice));
    say!("{}", page.trim_end());
}

/// The same width in each language, so that the marks stand in a column.
fn mark(effect: Effect, language: Language) -> &'static str {
    match (effect, language) {
        (Effect::Wider, Language::Chinese) => "＋ 放宽  ",
        (Effect::Narrower, Language::Chinese) => "－ 收紧  ",
        (Effect::Either, Language::Chinese) => "？ 待审  ",
        (Effect::Neutral, Language::Chinese) => "＝ 不变  ",
        (Effect::Wider, Language::English) => "+ wider   ",
        (Effect::Narrower, Language::English) => "- narrower",
        (Effect::Either, Language::English) => "? either  ",
        (Effect::Neutral, Language::English) => "= neutral ",
    }
}

fn painted(line: &str, mark: &str, effect: Effect, colour: bool) -> String {
    let code = match effect {
        Effect::Wider => "33",
        Effect::Narrower => "32",
        Effect::Either => "31",
        Effect::Neutral => "2",
    };
    if colour {
        line.replacen(mark, &format!("\x1b[{code}m{mark}\x1b[0m"), 1)
    } else {
        line.to_owned()
    }
}

fn summary(places: &[Changed], voice: &Voice<'_>) -> String {
    let changes = || places.iter().flat_map(|place| &place.changes);
    let count = |effect: Effect| changes().filter(|change| change.effect == effect).count();
    let (wider, narrower) = (count(Effect::Wider), count(Effect::Narrower));
    let (either, neutral) = (count(Effect::Either), count(Effect::Neutral));
    match places.is_empty() {
        true => voice.say("条款相同。", "The terms are the same.").to_owned(),
        false => voice.say(
            format!("放宽 {wider}，收紧 {narrower}，待审 {either}，不影响授权 {neutral}。"),
            format!("{wider} wider, {narrower} narrower, {either} either way, {neutral} neutral."),
        ),
    }
}

/// Who has signed, as far as was looked at.
fn signatures(source: &Source, voice: &Voice<'_>) -> String {
    let Some(document) = source.inspected() else {
        return voice.say("草案", "draft").to_owned();
    };
    let names = voice.list(document.signatures.iter().map(|one| &one.kid));
    let is_checked = document.checked_at.is_some();
    let state = match (is_checked, document.has_bad_signature()) {
        (false, _) => voice.say("未核验", "not checked"),
        (true, true) => voice.say("有签名无效", "NOT ALL HOLD"),
        (true, false) => voice.say("有效", "hold"),
    };
    voice.say(format!("签名：{names}（{state}）"), format!("signatures: {names} ({state})"))
}

fn as_json(places: &[Changed], old: &Source, new: &Source) -> Json {
    let signed = |source: &Source| -> Vec<String> {
        let signatures = source.inspected().map_or(&[][..], |it| it.signatures.as_slice());
        signatures.iter().map(|Signature { kid, .. }| kid.clone()).collect()
    };
    let side = |source: &Source| {
        let terms = source.terms();
        json!({ "id": terms.id(), "version": terms.version(), "signed_by": signed(source) })
    };
    let changes: Vec<Json> = places
        .iter()
        .flat_map(|place| {
            place.changes.iter().map(|change| {
                json!({
                    "place": place.place, "effect": change.effect.name(), "text": change.text,
                })
            })
        })
        .collect();
    json!({ "same": places.is_empty(), "old": side(old), "new": side(new), "changes": changes })
}
