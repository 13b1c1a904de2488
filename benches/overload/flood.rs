//! Three times what the gateway can: how much is answered all the same, how fast, and what a refusal costs.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use tokio::task::JoinSet;

use super::Ground;
use super::figures::Line;
use super::load::{DEADLINE, closed, open};
use super::process::Server;
use super::questions::Questions;
use heyan::proto::gateway::v1::source::Kind;

/// People whose answers are kept.
pub(crate) const KEPT: usize = 1000;

/// Connections, and streams on each where a closed loop looks for the limit: enough to keep a processor busy through a
/// flush, few enough to wait little.
const CONNECTIONS: usize = 32;
const STREAMS: usize = 1;

const WARM_UP: Duration = Duration::from_secs(1);

pub(crate) fn kept(ground: &Ground) -> anyhow::Result<Vec<Line>> {
    let gateway = ground.start("log-kept", &[])?;
    under(ground, &gateway, Questions::about_few(&ground.people, KEPT, Kind::Cache))
}

pub(crate) fn fresh(ground: &Ground) -> anyhow::Result<Vec<Line>> {
    let gateway = ground.start("log-fresh", &[])?;
    under(ground, &gateway, Questions::about_everybody(&ground.people))
}

/// Puts each question once whose answer is to be kept.
pub(crate) fn ask_each_once(ground: &Ground, gateway: &Server) -> anyhow::Result<()> {
    ground.runtime.block_on(async {
        let client = ground.connect(gateway, "approval", 1).await?.remove(0);
        let questions = Questions::about_few(&ground.people, KEPT, Kind::Agency);
        for _ in 0..questions.distinct() {
            client.verify(questions.next()?, DEADLINE).await?;
        }
        Ok(())
    })
}

fn under(ground: &Ground, gateway: &Server, questions: Questions) -> anyhow::Result<Vec<Line>> {
    if questions.is_kept() {
        ask_each_once(ground, gateway)?;
    }
    let (questions, length) = (Arc::new(questions), ground.length());
    ground.runtime.block_on(async {
        let clients = ground.connect(gateway, "approval", CONNECTIONS).await?;
        closed(&clients, STREAMS, &questions, WARM_UP).await?;
        let before = gateway.cpu()?;
        let full = closed(&clients, STREAMS, &questions, length).await?;
        let answer = (gateway.cpu()? - before).as_secs_f64() * 1e6 / full.answers() as f64;
        let peak = full.rate(full.answers());
        let mut half = open(&clients, peak / 2.0, &questions, length).await?;
        open(&clients, peak * 3.0, &questions, WARM_UP).await?;
        let before = gateway.cpu()?;
        let mut over = open(&clients, peak * 3.0, &questions, length).await?;
        let busy = (gateway.cpu()? - before).as_secs_f64() / length.as_secs_f64();
        let goodput = over.rate(over.answers());
        Ok(vec![
            Line::goal("peak / goodput at three times as much", peak / goodput, 1.0 / 0.9),
            Line::goal("p99 of answers then / at half the peak", over.at(99) / half.at(99), 3.0),
            Line::goal("  neither answered nor refused", (over.lost + half.lost) as f64, 0.0),
            Line::told("  peak, answers a second", peak),
            Line::told("  CPU for each, µs", answer),
            Line::told("  p50 at half, ms", half.at(50)),
            Line::told("  p99 at half, ms", half.at(99)),
            Line::told("  refused at half, a second", half.rate(half.refused)),
            Line::told("  asked a second then", over.rate(over.asked())),
            Line::told("  answered a second then", goodput),
            Line::told("  refused a second then", over.rate(over.refused)),
            Line::told("  p50 of answers then, ms", over.at(50)),
            Line::told("  p99 of answers then, ms", over.at(99)),
            Line::told("  resident then, MB", gateway.resident_megabytes()? as f64),
            Line::told("  processors that the gateway used then", busy),
        ])
    })
}

/// What a refusal costs beside an answer that was kept, over the same connections.
pub(crate) fn refusal(ground: &Ground) -> anyhow::Result<Vec<Line>> {
    let gateway = ground.start("log-refused", &[("HEYAN__LIMITS__IN_FLIGHT", "1")])?;
    let answering = ground.start("log-answered", &[])?;
    ask_each_once(ground, &answering)?;
    let kept = Arc::new(Questions::about_few(&ground.people, KEPT, Kind::Cache));
    let length = ground.length();
    ground.runtime.block_on(async {
        let clients = ground.connect(&answering, "approval", CONNECTIONS).await?;
        closed(&clients, STREAMS, &kept, WARM_UP).await?;
        let before = answering.cpu()?;
        let answered = closed(&clients, STREAMS, &kept, length).await?;
        let answer = (answering.cpu()? - before).as_secs_f64() * 1e6 / answered.answers() as f64;

        let clients = ground.connect(&gateway, "approval", CONNECTIONS).await?;
        ground.installation.switch("delay:600s")?;
        let mut holding = JoinSet::new();
        for client in clients.iter().take(1) {
            let (client, question) = (client.clone(), kept.next()?);
            holding.spawn(async move { client.verify(question, Duration::from_secs(600)).await });
        }
        tokio::time::sleep(WARM_UP / 2).await;
        // It has the only place for as long as this takes: nine seconds, the manifest's time limit.
        let length = length.min(Duration::from_secs(5));
        closed(&clients, STREAMS, &kept, WARM_UP).await?;
        let before = gateway.cpu()?;
        let refused = closed(&clients, STREAMS, &kept, length).await?;
        let cost = (gateway.cpu()? - before).as_secs_f64() * 1e6 / refused.refused as f64;
        ground.installation.switch("delay:0ms")?;
        ensure!(refused.answers() == 0, "{} were answered", refused.answers());
        Ok(vec![
            Line::goal("cost of a refusal / of a kept answer", cost / answer, 1.0 / 3.0),
            Line::told("  CPU of a refusal, µs", cost),
            Line::told("  CPU of a kept answer, µs", answer),
            Line::told("  refusals a second", refused.rate(refused.refused)),
        ])
    })
}
