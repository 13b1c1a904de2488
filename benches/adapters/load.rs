//! How long a folder of manifests takes to be read, compiled and put in force: each time in a new process, as on start.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, anyhow, ensure};
use heyan::adapters::{Adapters, Allowed};
use heyan::catalogue::Catalogue;
use serde_json::{Value, json};

use super::many::{Kind, Many};
use super::process;
use super::province::Province;
use super::{Line, Options, median};

/// The median of so many starts counts.
const STARTS: usize = 5;
/// The goal for 200 manifests, in seconds.
const GOAL: f64 = 2.0;

pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<Line>> {
    let province = Province::make()?;
    let count = options.adapters;
    let make = |name: &str, kind| {
        let many = Many {
            adapters: province.path(format!("adapters-{name}")),
            catalogue: province.beside(&format!("catalogue-{name}")),
        };
        many.fill(&province.path(""), kind, count).map(|()| many)
    };
    let apart = make("apart", Kind::Apart)?;
    let alike = make("fixtures", Kind::WithFixtures)?;
    let mut lines = Vec::new();
    for (many, what) in [(apart, "all different"), (alike, "alike, with fixtures")] {
        let role = [many.adapters.to_str(), many.catalogue.to_str()];
        let [Some(adapters), Some(catalogue)] = role else { return Err(anyhow!("odd paths")) };
        let starts = (0..STARTS)
            .map(|_| process::measure(&["load-folder", adapters, catalogue]))
            .collect::<anyhow::Result<Vec<Value>>>()?;
        let of = |key: &str| {
            median(starts.iter().map(|start| start[key].as_f64().unwrap_or(f64::NAN)).collect())
        };
        ensure!(of("adapters") == count as f64, "{} adapters of {count}", of("adapters"));
        let what = format!("{count} adapters, {what}");
        lines.push(Line::goal(format!("{what}: wall, s"), of("wall"), GOAL));
        lines.push(Line::told("  CPU, s", of("cpu")));
        lines.push(Line::told("  read again, nothing changed: wall, s", of("again")));
    }
    Ok(lines)
}

/// Loads the folder twice. The value says what that cost.
pub(crate) fn load(adapters: &Path, catalogue: &Path) -> anyhow::Result<Value> {
    let catalogue = Catalogue::load(catalogue).map_err(|all| anyhow!("{:?}", all.first()))?;
    // A database's line wants a runtime about it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _inside = runtime.enter();
    let (before, began) = (process::cpu()?, Instant::now());
    let (first, findings) = Adapters::load(adapters, &Allowed::everything(), &catalogue, None);
    let (wall, cpu) = (began.elapsed(), process::cpu()?.saturating_sub(before));
    ensure!(findings.is_empty(), "{}", findings.first().context("nothing")?);
    let began = Instant::now();
    let (second, _) = Adapters::load(adapters, &Allowed::everything(), &catalogue, Some(&first));
    let again = began.elapsed();
    ensure!(first.is_same(&second), "something changed");
    Ok(json!({
        "adapters": first.all().len(),
        "wall": wall.as_secs_f64(),
        "cpu": cpu.as_secs_f64(),
        "again": again.as_secs_f64(),
    }))
}
