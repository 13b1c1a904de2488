//! The generator: a closed loop that finds the limit, and an open one that asks whether or not it is answered.
//!
//! A wait of the open loop is counted from when the question was due, so that whoever is made to wait outside is seen too.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use heyan::client::{Client, ClientError};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

use super::questions::Questions;

/// Longer than anything here should take; what takes longer is lost.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

/// What came of a load.
#[derive(Default)]
pub(crate) struct Came {
    /// Of answers, in ms.
    waits: Vec<f64>,
    pub(crate) refused: usize,
    /// Neither answered nor refused in time.
    pub(crate) lost: usize,
    /// From the first question to the last one due.
    length: Duration,
}

enum One {
    Answer(Duration),
    Refused,
    Lost,
}

impl Came {
    pub(crate) fn answers(&self) -> usize {
        self.waits.len()
    }

    /// Everything that was asked.
    pub(crate) fn asked(&self) -> usize {
        self.waits.len() + self.refused + self.lost
    }

    /// So many in a second.
    pub(crate) fn rate(&self, count: usize) -> f64 {
        count as f64 / self.length.as_secs_f64()
    }

    /// The wait of an answer that so many in a hundred do not exceed, in ms.
    pub(crate) fn at(&mut self, share: usize) -> f64 {
        self.waits.sort_by(f64::total_cmp);
        let at = self.waits.len() * share / 100;
        self.waits.get(at).or(self.waits.last()).copied().unwrap_or(f64::NAN)
    }

    fn count(&mut self, one: One) {
        match one {
            One::Answer(wait) => self.waits.push(wait.as_secs_f64() * 1e3),
            One::Refused => self.refused += 1,
            One::Lost => self.lost += 1,
        }
    }
}

/// Asks; a refusal must say when to come back, and an answer must be one.
async fn ask(client: &Client, questions: &Questions, due: Instant) -> anyhow::Result<One> {
    match client.verify(questions.next()?, DEADLINE).await {
        Ok(reply) => {
            let wait = due.elapsed();
            questions.check(&reply)?;
            Ok(One::Answer(wait))
        }
        Err(ClientError::Refused(refused)) => {
            ensure!(refused.retry_after.is_some(), "refused without a time: {refused}");
            Ok(One::Refused)
        }
        Err(ClientError::Lost(_)) => Ok(One::Lost),
        Err(error) => Err(error.into()),
    }
}

/// Each stream asks again as soon as it has heard.
pub(crate) async fn closed(
    clients: &[Client],
    streams: usize,
    questions: &Arc<Questions>,
    length: Duration,
) -> anyhow::Result<Came> {
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for client in clients.iter().flat_map(|client| std::iter::repeat_n(client, streams)) {
        let (client, questions) = (client.clone(), Arc::clone(questions));
        tasks.spawn(async move {
            let mut all = Vec::new();
            while began.elapsed() < length {
                all.push(ask(&client, &questions, Instant::now()).await?);
            }
            Ok::<_, anyhow::Error>(all)
        });
    }
    let mut came = Came::default();
    while let Some(ended) = tasks.join_next().await {
        ended??.into_iter().for_each(|one| came.count(one));
    }
    came.length = began.elapsed();
    Ok(came)
}

/// So many a second, over all connections in turn.
pub(crate) async fn open(
    clients: &[Client],
    rate: f64,
    questions: &Arc<Questions>,
    length: Duration,
) -> anyhow::Result<Came> {
    let began = Instant::now();
    let mut ticks = interval(Duration::from_millis(1));
    let (mut tasks, mut turn) = (JoinSet::new(), clients.iter().cycle());
    let (mut issued, mut came) = (0, Came::default());
    while began.elapsed() < length {
        ticks.tick().await;
        let wanted = (began.elapsed().as_secs_f64() * rate) as usize;
        for client in turn.by_ref().take(wanted.saturating_sub(issued)) {
            let due = began + Duration::from_secs_f64(issued as f64 / rate);
            issued += 1;
            let (client, questions) = (client.clone(), Arc::clone(questions));
            tasks.spawn(async move { ask(&client, &questions, due).await });
        }
        while let Some(ended) = tasks.try_join_next() {
            came.count(ended??);
        }
    }
    came.length = began.elapsed();
    while let Some(ended) = tasks.join_next().await {
        came.count(ended??);
    }
    Ok(came)
}
