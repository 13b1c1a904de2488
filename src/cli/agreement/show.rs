//! `heyan agreement show`: what a draft, a document or an order says, as a page.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::source::{Lang, Names, look};
use super::{is_draft, read};
use crate::agreements::order as orders;
use crate::agreements::terms::reading::{Language, plain, plain_json};
use crate::cli::NO;

#[derive(Debug, Args)]
pub(super) struct Show {
    /// A draft (*.toml) or a document (*.json)
    file: PathBuf,
    /// Language; left out, that of LC_ALL or LANG
    #[arg(long, value_enum)]
    lang: Option<Lang>,
    #[command(flatten)]
    names: Names,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Show) -> anyhow::Result<ExitCode> {
    if !is_draft(&command.file)
        && let Ok(order) = orders::peek(&read(&command.file)?)
    {
        if command.json {
            say!("{}", plain_json(&serde_json::to_string_pretty(&order)?));
        } else {
            let (page, note) = match Lang::or_of_environment(command.lang) {
                Language::Chinese => {
                    (order.page_in_chinese(), "签名未核验：请运行 `heyan agreement verify`。")
                }
                Language::English => (
                    order.page(),
                    "The signature was not checked: `heyan agreement verify` does that.",
                ),
            };
            let page: Vec<String> = page.lines().map(plain).collect();
            say!("{}\n\n{note}", page.join("\n"));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let names = command.names.load()?;
    let source = names.open(&command.file)?;
    let is_bad = source.inspected().is_some_and(|document| document.has_bad_signature());
    if command.json {
        say!("{}", plain_json(&serde_json::to_string_pretty(source.terms())?));
    } else {
        let voice = names.voice(Lang::or_of_environment(command.lang));
        let look = look();
        let mut page = source.terms().read(&voice).page(look);
        match source.inspected() {
            Some(document) => page.push_str(&document.read(&voice).page(look)),
            None => {
                page.push('\n');
                page.push_str(voice.say("草案：无人签署。", "A draft: nobody has signed it."));
            }
        }
        say!("{}", page.trim_end());
    }
    Ok(if is_bad { ExitCode::from(NO) } else { ExitCode::SUCCESS })
}
