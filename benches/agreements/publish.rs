//! How long one agreement more takes until it is in force on a running gateway that has so many, and what that gateway
//! takes of memory: in a process of its own.

use std::time::Instant;

use anyhow::{Context, anyhow, ensure};
use heyan::audit::{self, Audit};
use heyan::cli::serve::Node;
use heyan::clock::now;
use heyan::crypto::SigningKey;
use heyan::settings::Settings;
use heyan::telemetry;

use super::load::{in_another_process, measuring, resident_kilobytes};
use super::made::Made;
use super::{Line, Options};

/// Agreements published: the next versions of some that are in force.
const PUBLISHED: usize = 50;

pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<Line>> {
    if let Some(count) = measuring() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(publish(count))?;
        std::process::exit(0);
    }
    Made::of(options.agreements)?;
    let [first, again, kilobytes, median, longest] =
        in_another_process("publish", options.agreements)?;
    let line = |what: &str, found: String, goal: &str| Line {
        what: what.to_owned(),
        agreements: options.agreements,
        found,
        goal: goal.to_owned(),
    };
    Ok(vec![
        line("first start, all adopted", format!("{first:.1} s"), ""),
        line("next start", format!("{again:.1} s"), "< 20 s on 2 cores"),
        line("memory of the gateway", format!("{:.0} MB", kilobytes / 1024.0), "< 300 MB"),
        line("published, median", format!("{median:.1} ms"), "< 100 ms"),
        line("published, longest", format!("{longest:.1} ms"), "< 100 ms"),
    ])
}

async fn publish(count: usize) -> anyhow::Result<()> {
    let made = Made::of(count)?;
    let config = made.path("gateway.toml");
    // A log of its own, and nothing in the folder that a run before has published.
    let log = made.path(format!("log-{}", std::process::id()));
    let key = SigningKey::read(&made.path("keys/log.key"))?;
    Audit::create(&log, &key, "heyan.test/bench", now(), &audit::Settings::default())?;
    let folder = ("HEYAN__LOG__FOLDER".to_owned(), log.display().to_string());
    let segments = ("HEYAN__LOG__SEGMENT_BYTES".to_owned(), "64 MiB".to_owned());
    let settings = || {
        let variables = [folder.clone(), segments.clone()];
        Settings::read(&config, variables.into_iter()).map_err(|all| anyhow!("{all:?}"))
    };
    let documents =
        (0..PUBLISHED).map(|number| made.signed(number, 2)).collect::<anyhow::Result<Vec<_>>>()?;
    let metrics = telemetry::install_metrics()?;
    let before = resident_kilobytes()?;
    let began = Instant::now();
    let node = Node::start(settings()?, &metrics).await?;
    let first = began.elapsed().as_secs_f64();
    node.stop().await?;
    let began = Instant::now();
    let node = Node::start(settings()?, &metrics).await?;
    let again = began.elapsed().as_secs_f64();
    let kilobytes = resident_kilobytes()? - before;

    let mut took = Vec::new();
    let mut files = Vec::new();
    for document in documents {
        let began = Instant::now();
        let published = node.gateway().publish(&document, now).await?;
        took.push(began.elapsed().as_secs_f64() * 1000.0);
        ensure!(!published.is_known);
        let name = format!("agreements/{}.v{}.json", published.id, published.version);
        files.push(made.path(name));
    }
    node.stop().await?;
    files.iter().try_for_each(std::fs::remove_file)?;
    std::fs::remove_dir_all(log)?;
    took.sort_by(f64::total_cmp);
    let median = took.get(took.len() / 2).context("nothing was published")?;
    let longest = took.last().context("nothing was published")?;
    println!("{first} {again} {kilobytes} {median} {longest}");
    Ok(())
}
