//! What a case costs the gateway in CPU time, and what its questions cost when each is asked by itself.
//!
//! Both in turns, by the same number of callers at once; the kernel counts the CPU time of the gateway's process alone.

use std::time::Duration;

use heyan::client::Client;
use heyan::proto::gateway::v1 as wire;
use tokio::task::JoinSet;

use super::installation::UNLIMITED;
use super::running::{alone, ready};
use super::{Ground, Line, share};

/// What the gateway may need for a case beside what its questions cost anybody who asks them, in ms.
const GOAL: f64 = 1.0;

/// Callers at once.
const AT_ONCE: usize = 8;

pub(crate) fn run(ground: &Ground) -> anyhow::Result<Vec<Line>> {
    let Ground { installation, families, options } = ground;
    let gateway = installation.start("cpu", UNLIMITED, &[])?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    installation.delay(|_| Duration::ZERO)?;
    let (mut of_cases, mut of_questions, mut count) = (vec![], vec![], 0.0);
    runtime.block_on(async {
        let client = installation.connect(&gateway).await?;
        let mut questions = Vec::new();
        for number in 0..families.count() {
            let ran = ready(&client, families.application(number)).await?;
            questions.push(ran.put.into_iter().map(|(_, question)| question).collect::<Vec<_>>());
        }
        for _ in 0..options.repeat.max(1) {
            let before = gateway.cpu()?;
            count = cases(ground, &client).await? as f64 / options.cases as f64;
            of_cases.push(per(gateway.cpu()?.saturating_sub(before), options.cases));
            let before = gateway.cpu()?;
            singles(&client, &questions, options.cases).await?;
            of_questions.push(per(gateway.cpu()?.saturating_sub(before), options.cases));
        }
        anyhow::Ok(())
    })?;
    let beyond = of_cases.iter().zip(&of_questions).map(|(case, alone)| case - alone).collect();
    let (case, alone) = (share(of_cases, 50), share(of_questions, 50));
    Ok(vec![
        Line::goal("CPU of a case beside its questions by themselves, ms", share(beyond, 50), GOAL),
        Line::told("CPU of a case with everything, ms", case),
        Line::told("  for each of its questions, ms", case / count),
        Line::told("CPU of the same questions by themselves, ms", alone),
        Line::told("  for each, ms", alone / count),
        Line::told("case / its questions by themselves", case / alone),
        Line::told("questions of a case", count),
    ])
}

fn per(cpu: Duration, count: usize) -> f64 {
    cpu.as_secs_f64() * 1e3 / count as f64
}

/// Runs as many as were asked for; how many questions they put.
async fn cases(ground: &Ground, client: &Client) -> anyhow::Result<usize> {
    let (mut running, mut put) = (JoinSet::new(), 0);
    for number in 0..ground.options.cases {
        if running.len() >= AT_ONCE
            && let Some(ended) = running.join_next().await
        {
            put += ended??;
        }
        let (client, application) = (client.clone(), ground.families.application(number));
        running.spawn(async move { Ok(ready(&client, application).await?.put.len()) });
    }
    while let Some(ended) = running.join_next().await {
        let ended: anyhow::Result<usize> = ended?;
        put += ended?;
    }
    Ok(put)
}

/// Asks the questions of as many cases, each by itself.
async fn singles(
    client: &Client,
    questions: &[Vec<wire::VerifyRequest>],
    cases: usize,
) -> anyhow::Result<()> {
    let mut running = JoinSet::new();
    for question in questions.iter().cycle().take(cases).flatten() {
        if running.len() >= AT_ONCE
            && let Some(ended) = running.join_next().await
        {
            ended??;
        }
        let (client, question) = (client.clone(), question.clone());
        running.spawn(async move { alone(&client, &question).await.map(|_| ()) });
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(())
}
