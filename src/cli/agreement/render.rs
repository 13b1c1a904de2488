//! `heyan agreement render`: a page to be filed.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::source::{Lang, Names};
use crate::agreements::terms::reading::Language;
use crate::report::agreement;

#[derive(Debug, Args)]
pub(super) struct Render {
    /// A draft (*.toml) or a document (*.json)
    file: PathBuf,
    /// Where the page goes
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Language; left out, that of LC_ALL or LANG
    #[arg(long, value_enum)]
    lang: Option<Langs>,
    #[command(flatten)]
    names: Names,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Langs {
    /// 中文
    Zh,
    /// English
    En,
    /// Chinese first, then English
    Both,
}

pub(super) fn run(command: &Render) -> anyhow::Result<ExitCode> {
    let names = command.names.load()?;
    let source = names.open(&command.file)?;
    let languages = match command.lang {
        Some(Langs::Both) => vec![Language::Chinese, Language::English],
        Some(Langs::Zh) => vec![Lang::or_of_environment(Some(Lang::Zh))],
        Some(Langs::En) => vec![Lang::or_of_environment(Some(Lang::En))],
        None => vec![Lang::or_of_environment(None)],
    };
    let voices: Vec<_> = languages.into_iter().map(|language| names.voice(language)).collect();
    let page = agreement::page(source.terms(), source.inspected(), &voices);
    fs::write(&command.output, page)
        .with_context(|| format!("cannot write {}", command.output.display()))?;
    say!("{}: written", command.output.display());
    Ok(ExitCode::SUCCESS)
}
