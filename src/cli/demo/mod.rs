//! `heyan demo`: the whole gateway at work in one sitting, and nothing left behind unless asked.

mod application;
mod evidence;
mod story;
mod tamper;
mod telling;
pub mod world;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use self::story::Stage;
use self::telling::Telling;
use super::NO;

/// Arguments of `heyan demo`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heyan demo\n  \
    heyan demo --keep /tmp/heyan --serve    # leaves it standing to play with\n  \
    heyan demo --json | jq '.chapters[].chapter'")]
pub struct Demo {
    /// Print one JSON document instead of the story
    #[arg(long)]
    json: bool,
    /// Keep the installation in this folder, which must be empty or absent
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// After the story, leave agencies and gateway running until Ctrl-C
    #[arg(long)]
    serve: bool,
    /// People in the synthetic province
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    people: u32,
}

/// Runs it: exit 0 when everything went as told, 1 when something did not.
///
/// # Errors
/// When the stage cannot be set up.
pub async fn run(command: Demo) -> anyhow::Result<ExitCode> {
    let temporary = tempfile::Builder::new().prefix("heyan-demo-").tempdir()?;
    let folder = command.keep.clone().unwrap_or_else(|| temporary.path().join("world"));
    let mut telling = Telling::new(command.json);
    if !command.json {
        say!(
            "heyan 核验: six agencies, one housing provident fund centre (住房公积金), one gateway"
        );
    }
    let mut stage = Stage::set_up(&folder, command.people, &mut telling).await?;
    let good = stage.play(&mut telling).await.context("the demo could not go on")?;
    telling.finish(good);
    if let Some(kept) = &command.keep {
        telling.aside(&next(kept));
    }
    if command.serve {
        stage.stand(&telling).await?;
    }
    stage.clear().await?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

/// What to type next in an installation that was kept: entry 21 is the first answer.
fn next(kept: &Path) -> String {
    format!(
        "kept in {}; from there:\n  \
         heyan audit search log --kind denial               # who was refused\n  \
         heyan audit report log --format html -o report.html\n  \
         heyan audit open log 21 --keys vault --key keys/vault.key   # the first answer, unsealed\n  \
         heyan case verify case.zip                         # the evidence of the second application\n  \
         heyan audit verify log-copy                        # the copy with one bit flipped: exit 1\n  \
         heyan simulate & heyan serve --config gateway.toml # when this has ended: the same agencies and gateway again",
        kept.display()
    )
}
