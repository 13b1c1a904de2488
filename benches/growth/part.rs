//! The four things there can be more of. Everything else is the same for each size, and so are the questions.

use std::fs;
use std::time::Instant;

use anyhow::{Context, ensure};

use super::Options;
use super::figures::Line;
use super::grown::{Ground, Grown, Started, compare, each_kept, per_million};
use super::installation::Installation;
use super::long_log;
use super::many::{self, Many};
use super::process::Server;

/// People whose answers are kept where nothing else is said.
const FEW: u32 = 100;

/// People where nothing else is said.
const PEOPLE: u32 = 2_000;

/// The log where it is not what there is more of.
const LOG: &str = "log-grown";

/// The agency that is asked.
const ASKED: &str = "police";

/// Starts a gateway, and tells how long that took.
fn timed(start: impl FnOnce() -> anyhow::Result<Server>) -> anyhow::Result<Started> {
    let began = Instant::now();
    let server = start()?;
    Ok(Started { server, seconds: began.elapsed().as_secs_f64(), unread_seconds: None })
}

/// Those of these sizes that are no more than wanted, and what is wanted.
fn sizes(all: &[u64], most: u64) -> Vec<u64> {
    let mut sizes: Vec<u64> = all.iter().copied().filter(|size| *size < most).collect();
    sizes.push(most);
    sizes
}

pub(crate) fn agreements(options: &Options) -> anyhow::Result<Vec<Line>> {
    let all = sizes(&[10, 1_000], options.agreements).into_iter().map(|size| {
        let ground = Ground::make(PEOPLE, usize::try_from(size)?)?;
        Grown::start("agreements", size, ground, FEW, |ground| {
            timed(|| ground.start_gateway(LOG, true))
        })
    });
    compare(&all.collect::<anyhow::Result<Vec<_>>>()?, options)
}

pub(crate) fn adapters(options: &Options) -> anyhow::Result<Vec<Line>> {
    let all = sizes(&[1, 6], options.adapters).into_iter().map(|size| {
        let ground = Ground::make(PEOPLE, 0)?;
        place(&ground.installation, usize::try_from(size)?)?;
        Grown::start("adapters", size, ground, FEW, |ground| {
            timed(|| ground.start_gateway(LOG, true))
        })
    });
    compare(&all.collect::<anyhow::Result<Vec<_>>>()?, options)
}

/// Leaves so many of the samples' adapters, that which is asked among them, or puts more beside them.
fn place(installation: &Installation, count: usize) -> anyhow::Result<()> {
    let folder = installation.path("adapters");
    let mut names = Vec::new();
    for file in fs::read_dir(&folder)? {
        let path = file?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        if path.extension().is_some_and(|ending| ending == "toml") {
            names.push(name.to_owned());
        }
    }
    if let Some(more) = count.checked_sub(names.len()) {
        let many = Many { adapters: folder, catalogue: installation.path("catalogue") };
        return many.fill(&installation.path(""), many::Kind::Apart, more);
    }
    names.sort_by_key(|name| name != ASKED);
    for name in &names[count..] {
        fs::remove_file(folder.join(format!("{name}.toml")))?;
        let fixtures = folder.join(name);
        if fixtures.is_dir() {
            fs::remove_dir_all(fixtures)?;
        }
    }
    Ok(())
}

pub(crate) fn entries(options: &Options) -> anyhow::Result<Vec<Line>> {
    let all = sizes(&[1, 100_000, 1_000_000], options.entries).into_iter().map(|size| {
        let ground = Ground::make(PEOPLE, 0)?;
        let log = ground.installation.path("log-long");
        eprintln!("making a log of {size} entries");
        long_log::make(&log, size)?;
        let key = log.with_extension("key");
        Grown::start("entries in the log", size, ground, FEW, |ground| {
            let key = key.to_str().context("an odd path")?;
            let start = || {
                let settings = [("HEYAN__LOG__KEY", key), ("HEYAN__LIMITS__PROCESSOR_WAIT", "10m")];
                ground.start_on("log-long", true, &settings)
            };
            // The first start finds no summary and reads everything; it leaves one.
            let first = timed(start)?;
            first.server.stop()?;
            Ok(Started { unread_seconds: Some(first.seconds), ..timed(start)? })
        })
    });
    let all = all.collect::<anyhow::Result<Vec<_>>>()?;
    let mut lines = compare(&all, options)?;
    lines.extend(per_million(&all)?);
    Ok(lines)
}

pub(crate) fn kept(options: &Options) -> anyhow::Result<Vec<Line>> {
    // Foreigners are in no population register: a few more people than are asked about.
    let people = (options.kept + options.kept / 10).max(PEOPLE);
    let all = sizes(&[FEW.into(), 10_000], options.kept.into()).into_iter().map(|size| {
        let ground = Ground::make(people, 0)?;
        let distinct = u32::try_from(size)?;
        ensure!(distinct >= FEW, "fewer than the fewest");
        Grown::start("kept answers", size, ground, distinct, |ground| {
            ground.create_log(LOG)?;
            // Far more than they take, so that none is dropped.
            let settings =
                [("HEYAN__CACHE__BYTES", "4 GiB"), ("HEYAN__LIMITS__PROCESSOR_WAIT", "10m")];
            timed(|| ground.start_on(LOG, true, &settings))
        })
    });
    let all = all.collect::<anyhow::Result<Vec<_>>>()?;
    let mut lines = compare(&all, options)?;
    lines.extend(each_kept(&all)?);
    Ok(lines)
}
