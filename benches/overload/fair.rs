//! How long answers to one caller take beside another that sends a hundred times as much, more than the gateway can.
//!
//! Alone and beside the flood are measured in turns, so that what else the machine does meets both; each pair gives one
//! ratio, and the median of the ratios counts.

use std::sync::Arc;
use std::time::Duration;

use super::Ground;
use super::figures::Line;
use super::flood::{KEPT, ask_each_once};
use super::load::{closed, open};
use super::questions::Questions;
use heyan::proto::gateway::v1::source::Kind;

/// How much more the other one sends.
const TIMES: f64 = 100.0;

/// Of the peak, what the flood is.
const FLOOD: f64 = 1.5;

const WARM_UP: Duration = Duration::from_secs(1);

pub(crate) fn run(ground: &Ground) -> anyhow::Result<Vec<Line>> {
    let gateway = ground.start("log-fair", &[])?;
    ask_each_once(ground, &gateway)?;
    let kept = Arc::new(Questions::about_few(&ground.people, KEPT, Kind::Cache));
    let length = ground.length();
    ground.runtime.block_on(async {
        let flood = ground.connect(&gateway, "approval", 32).await?;
        let one = ground.connect(&gateway, "counter", 4).await?;
        closed(&flood, 1, &kept, WARM_UP).await?;
        let full = closed(&flood, 1, &kept, WARM_UP * 3).await?;
        let rate = full.rate(full.answers()) * FLOOD / TIMES;
        let (mut ratios, mut alones, mut besides) = (Vec::new(), Vec::new(), Vec::new());
        let (mut turned_away, mut answered) = (0, 0);
        for _ in 0..ground.options.rounds {
            let mut alone = open(&one, rate, &kept, length).await?;
            let (flooded, beside) =
                tokio::join!(open(&flood, rate * TIMES, &kept, length + WARM_UP), async {
                    tokio::time::sleep(WARM_UP / 2).await;
                    open(&one, rate, &kept, length).await
                });
            flooded?;
            let mut beside = beside?;
            turned_away += beside.refused + beside.lost;
            answered += beside.answers();
            alones.push(alone.at(99));
            besides.push(beside.at(99));
            ratios.push(beside.at(99) / alone.at(99));
        }
        let turned_away = turned_away as f64 * 100.0 / (turned_away + answered).max(1) as f64;
        Ok(vec![
            Line::goal(
                "p99 beside a flood of a hundred times as much / alone",
                median(ratios),
                1.2,
            ),
            Line::goal("  turned away beside it, percent", turned_away, 0.0),
            Line::told("  p99 alone, ms", median(alones)),
            Line::told("  p99 beside it, ms", median(besides)),
            Line::told("  the one asks a second", rate),
            Line::told("  the flood asks a second", rate * TIMES),
        ])
    })
}

/// The one in the middle.
fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}
