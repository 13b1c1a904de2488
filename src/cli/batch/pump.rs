//! From the list to the gateway and back: as many rows under way as the window has, and none of them sent unrecorded.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::journal::{Journal, State};
use super::outcome::{self, Heard, Outcome};
use super::outputs::Outputs;
use super::progress::Progress;
use super::rows::{Row, Rows};
use super::signals::Stop;
use super::tally::Tally;
use crate::client::{Client, Refused};
use crate::clock::now;
use crate::proto::gateway::v1 as wire;

/// Streams begun without a single reply before it is given up.
const TRIES: u32 = 5;
/// Before the next one, each time twice as long: some fifteen seconds in all, a restarting gateway's time.
const PAUSE: Duration = Duration::from_millis(500);
/// Between two looks at the clock; what is done is durable after that.
const TICK: Duration = Duration::from_secs(1);
/// For rows under way when told to stop. They are not lost after that, only not waited for.
const ENDING: Duration = Duration::from_secs(15);
/// Refusals with no answer among them after which nothing else can be hoped for.
const HOPELESS: u64 = 100;
/// New rows are sent when one in so many of the window is free, so that one flush serves several.
const GROUP: usize = 8;

/// A batch under way.
pub(super) struct Pump {
    journal: Journal,
    outputs: Outputs,
    rows: Rows,
    progress: Progress,
    window: usize,
    /// Kept until their replies: a connection that breaks loses what was on it.
    under_way: BTreeMap<u64, Box<wire::VerifyRequest>>,
    blank: u64,
    is_read: bool,
    /// Why no more rows are sent.
    halted: Option<String>,
}

impl Pump {
    pub(super) fn new(
        journal: Journal,
        outputs: Outputs,
        rows: Rows,
        progress: Progress,
        window: usize,
    ) -> Self {
        let under_way = BTreeMap::new();
        let (blank, is_read, halted) = (0, false, None);
        Self { journal, outputs, rows, progress, window, under_way, blank, is_read, halted }
    }

    /// Runs to the end of the list, or until told to stop.
    ///
    /// # Errors
    /// When the gateway cannot be reached any more, or a file cannot be read or written.
    pub(super) async fn run(&mut self, client: &Client, stop: &Stop) -> anyhow::Result<()> {
        let mut tries = 0;
        loop {
            let before = self.outputs.tally().done();
            let Err(broken) = self.stream(client, stop).await? else { return Ok(()) };
            tries = if self.outputs.tally().done() > before { 1 } else { tries + 1 };
            if tries >= TRIES {
                return Err(broken);
            }
            tokio::select! {
                () = stop.soon.cancelled() => return Err(broken),
                () = sleep(PAUSE * (1 << tries)) => {}
            }
        }
    }

    /// Over one stream: to the end, or until it breaks.
    async fn stream(&mut self, client: &Client, stop: &Stop) -> anyhow::Result<anyhow::Result<()>> {
        let (questions, outgoing) = mpsc::channel(self.window);
        let begun = client.verify_batch(ReceiverStream::new(outgoing)).await;
        let mut replies = match begun {
            Ok(replies) => replies,
            Err(error) => return Ok(Err(error.into())),
        };
        self.send_again(&questions)?;
        let mut tick = Instant::now() + TICK;
        let mut until = None;
        loop {
            if stop.soon.is_cancelled() && self.halted.is_none() {
                self.halted = Some("told to stop".to_owned());
            }
            if self.halted.is_none() {
                self.fill(&questions)?;
            } else {
                until = until.or(Some(Instant::now() + ENDING));
            }
            let is_over = until.is_some_and(|until| Instant::now() >= until);
            if self.under_way.is_empty() && (self.is_read || self.halted.is_some()) || is_over {
                return Ok(Ok(()));
            }
            tokio::select! {
                reply = next(&mut replies) => match reply {
                    Ok(reply) => self.hear(reply)?,
                    Err(broken) => return Ok(Err(broken)),
                },
                () = stop.now.cancelled() => return Ok(Ok(())),
                () = stop.soon.cancelled(), if self.halted.is_none() => {}
                () = sleep_until(tick) => {
                    tick = Instant::now() + TICK;
                    self.journal.sync()?;
                    self.outputs.flush()?;
                }
            }
            self.progress.at(self.outputs.tally().done() + self.blank);
        }
    }

    /// Rows under way when the last stream broke: the gateway knows them under their ids.
    fn send_again(&mut self, questions: &mpsc::Sender<wire::BatchRequest>) -> anyhow::Result<()> {
        let at = now();
        let rows: Vec<u64> = self.under_way.keys().copied().collect();
        for row in rows {
            match self.journal.state(row, at) {
                State::Sent(_) => self.send(row, questions),
                _ => {
                    self.under_way.remove(&row);
                    self.finish(row, &Outcome::uncertain())?;
                }
            }
        }
        Ok(())
    }

    /// Sends rows while there is room for a group; first they are written down.
    fn fill(&mut self, questions: &mpsc::Sender<wire::BatchRequest>) -> anyhow::Result<()> {
        let free = self.window - self.under_way.len().min(self.window);
        if self.is_read || free < self.window.div_ceil(GROUP) {
            return Ok(());
        }
        let mut group = Vec::new();
        let mut rows = Vec::new();
        while rows.len() < free {
            let Some((row, found)) = self.rows.next().context("the list cannot be read on")? else {
                self.is_read = true;
                break;
            };
            let at = now();
            let state = self.journal.state(row, at);
            let mut question = match (state, found) {
                (_, Row::Blank) => {
                    self.blank += 1;
                    continue;
                }
                (State::Done, _) => continue,
                (State::Lost, _) => {
                    self.finish(row, &Outcome::uncertain())?;
                    continue;
                }
                (_, Row::Bad(bad)) => {
                    self.finish(row, &Outcome::bad(&bad))?;
                    continue;
                }
                (_, Row::Question(question)) => question,
            };
            let sent = match state {
                // Its time stays that of the first sending, by which the gateway counts.
                State::Sent(sent) => sent,
                _ => {
                    let sent = self.journal.sending(at);
                    group.push((row, sent));
                    sent
                }
            };
            question.request_id = self.journal.request_id(row, sent);
            self.under_way.insert(row, question);
            rows.push(row);
        }
        self.journal.sent(&group).context("the journal cannot be written")?;
        rows.into_iter().for_each(|row| self.send(row, questions));
        Ok(())
    }

    /// There is room for every row under way; a stream that has broken shows with its replies.
    fn send(&self, row: u64, questions: &mpsc::Sender<wire::BatchRequest>) {
        if let Some(asked) = self.under_way.get(&row) {
            let question = Some((**asked).clone());
            let _ =
                questions.try_send(wire::BatchRequest { sequence: row, question, deadline: None });
        }
    }

    fn hear(&mut self, reply: wire::BatchReply) -> anyhow::Result<()> {
        let row = reply.sequence;
        let Some(asked) = self.under_way.remove(&row) else {
            bail!("the gateway answered about row {row}, which was not asked about");
        };
        match outcome::heard(reply) {
            Some(Heard::Done(outcome)) => self.finish(row, &outcome)?,
            Some(Heard::NotNow(code, advice)) => {
                self.journal.back(row)?;
                self.halted.get_or_insert(format!("{code}: {advice}"));
            }
            // Of no known kind: what became of the row is not known.
            None => {
                self.under_way.insert(row, asked);
                bail!("the gateway's answer about row {row} is of no kind that this version knows");
            }
        }
        let refused = self.outputs.tally().refused_only();
        if refused >= HOPELESS && self.halted.is_none() {
            self.halted = Some(format!("the first {refused} rows were all refused"));
        }
        Ok(())
    }

    fn finish(&mut self, row: u64, outcome: &Outcome) -> anyhow::Result<()> {
        self.journal.done(row, outcome).context("the journal cannot be written")?;
        self.outputs.write(row, outcome).context("the results cannot be written")
    }

    /// Makes everything durable; what it has come to.
    pub(super) fn close(mut self) -> anyhow::Result<Tally> {
        self.progress.end();
        self.journal.sync().context("the journal cannot be written")?;
        let mut tally = self.outputs.close().context("the results cannot be written")?;
        tally.add_blank(self.blank);
        tally.halted = self.halted;
        Ok(tally)
    }
}

async fn next(replies: &mut Streaming<wire::BatchReply>) -> anyhow::Result<wire::BatchReply> {
    match replies.message().await {
        Ok(Some(reply)) => Ok(reply),
        Ok(None) => Err(anyhow!("the gateway ended the stream before all was answered")),
        Err(status) => Err(Refused::from(&status).into()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fmt::Write as _;

    use super::*;
    use crate::cli::batch::columns::Columns;
    use crate::cli::batch::journal::Opening;
    use crate::cli::batch::sheet::Sheet;
    use crate::query::time::Timestamp;

    const WINDOW: usize = 64;

    fn pump(folder: &std::path::Path, ask_again: bool) -> Pump {
        let list = folder.join("list.csv");
        let sheet = Sheet::open(&list, None).unwrap();
        let role = wire::Role {
            name: "paper".to_owned(),
            kind: "document".to_owned(),
            ..Default::default()
        };
        let fact = wire::Fact { code: "H9".to_owned(), roles: vec![role], ..Default::default() };
        let mapped = BTreeMap::from([("paper.number".to_owned(), "编号".to_owned())]);
        let columns = Columns::bind(&fact, &mapped, sheet.header()).unwrap();
        let opening = Opening { at: now(), list: sheet.digest(), plan: [0; 32], ask_again };
        let mut journal = Journal::open(&folder.join("list.journal"), &opening).unwrap();
        let outputs = Outputs::begin(&folder.join("list"), &mut journal).unwrap();
        let purpose = wire::Purpose { case_number: "GJJ-1".to_owned(), ..Default::default() };
        let question = wire::VerifyRequest { purpose: Some(purpose), ..Default::default() };
        let progress = Progress::new(sheet.count(), true);
        let rows = Rows::of(sheet, columns, question, wire::Relation::Unspecified);
        Pump::new(journal, outputs, rows, progress, WINDOW)
    }

    fn confirmed(row: u64) -> wire::BatchReply {
        let mut answer = wire::VerifyResponse { log_index: row, ..Default::default() };
        answer.set_verdict(wire::Verdict::Confirmed);
        wire::BatchReply { sequence: row, result: Some(wire::batch_reply::Result::Answer(answer)) }
    }

    #[test]
    fn a_hundred_thousand_rows_are_never_more_than_the_window_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut text = "编号\n".to_owned();
        for number in 0..100_000 {
            writeln!(text, "P-{number}").unwrap();
        }
        std::fs::write(folder.path().join("list.csv"), text).unwrap();
        let mut ids = BTreeSet::new();
        let mut peak = 0;
        // Stopped in the middle with a window under way, as by a crash, and gone on with.
        for stop_after in [50_000, usize::MAX] {
            let mut pump = pump(folder.path(), false);
            let (questions, mut sent) = mpsc::channel(WINDOW);
            loop {
                pump.fill(&questions).unwrap();
                peak = peak.max(pump.under_way.len());
                if pump.under_way.is_empty() || ids.len() >= stop_after {
                    break;
                }
                while let Ok(question) = sent.try_recv() {
                    ids.insert(question.question.unwrap().request_id);
                    pump.hear(confirmed(question.sequence)).unwrap();
                }
            }
            // What was on its way to the gateway then.
            while let Ok(question) = sent.try_recv() {
                ids.insert(question.question.unwrap().request_id);
            }
            pump.close().unwrap();
        }
        assert_eq!(peak, WINDOW);
        // A row that was under way twice had the same id both times.
        assert_eq!(ids.len(), 100_000);
        let results = std::fs::read_to_string(folder.path().join("list.results.csv")).unwrap();
        let rows: BTreeSet<&str> =
            results.lines().skip(1).map(|line| line.split_once(',').unwrap().0).collect();
        assert_eq!((rows.len(), results.lines().count()), (100_000, 100_001));
    }

    #[test]
    fn when_the_hours_are_over_it_stops_and_goes_on_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let text =
            (0..500).fold("编号\n".to_owned(), |text, number| format!("{text}P-{number}\n"));
        std::fs::write(folder.path().join("list.csv"), text).unwrap();
        let mut told = 0;
        // Open for the first 100 answers, then closed, then open.
        for is_open in [false, true] {
            let mut pump = pump(folder.path(), false);
            let (questions, mut sent) = mpsc::channel(WINDOW);
            loop {
                if pump.halted.is_none() {
                    pump.fill(&questions).unwrap();
                }
                if pump.under_way.is_empty() {
                    break;
                }
                while let Ok(question) = sent.try_recv() {
                    let row = question.sequence;
                    if is_open || told < 100 {
                        told += 1;
                        pump.hear(confirmed(row)).unwrap();
                        continue;
                    }
                    let reason = "OUTSIDE_HOURS".to_owned();
                    let refusal = wire::BatchRefusal { reason, ..Default::default() };
                    let result = Some(wire::batch_reply::Result::Refusal(refusal));
                    pump.hear(wire::BatchReply { sequence: row, result }).unwrap();
                }
            }
            assert_eq!(pump.halted.is_some(), !is_open);
            let tally = pump.close().unwrap();
            assert_eq!(tally.done(), told);
            if !is_open {
                // Not "under way", which after some minutes would be "nobody knows".
                let left = self::pump(folder.path(), false).journal;
                assert!((102..=501).all(|row| left.state(row, now()) == State::Fresh));
            }
        }
        assert_eq!(told, 500);
    }

    #[test]
    fn a_row_that_is_gone_on_with_keeps_the_time_it_was_first_sent() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("list.csv"), "编号\nP-1\n").unwrap();
        let first = Timestamp(now().0 - 5 * 60 * 1_000_000);
        let mut begun = pump(folder.path(), false);
        let sent = begun.journal.sending(first);
        begun.journal.sent(&[(2, sent)]).unwrap();
        begun.close().unwrap();
        let mut pump = pump(folder.path(), false);
        let (questions, mut sent) = mpsc::channel(WINDOW);
        pump.fill(&questions).unwrap();
        assert_eq!(sent.try_recv().unwrap().sequence, 2);
        // Seven minutes after the first sending the gateway may have forgotten the answer.
        assert!(matches!(pump.journal.state(2, now()), State::Sent(_)));
        let later = Timestamp(first.0 + 8 * 60 * 1_000_000);
        assert_eq!(pump.journal.state(2, later), State::Lost);
    }

    #[test]
    fn when_every_row_is_refused_it_stops_asking() {
        let folder = tempfile::tempdir().unwrap();
        let text =
            (0..500).fold("编号\n".to_owned(), |text, number| format!("{text}P-{number}\n"));
        std::fs::write(folder.path().join("list.csv"), text).unwrap();
        let mut pump = pump(folder.path(), false);
        let (questions, mut sent) = mpsc::channel(WINDOW);
        while pump.halted.is_none() {
            pump.fill(&questions).unwrap();
            while let Ok(question) = sent.try_recv() {
                let refusal = wire::BatchRefusal {
                    reason: "ROLE_NOT_GRANTED".to_owned(),
                    ..Default::default()
                };
                let result = Some(wire::batch_reply::Result::Refusal(refusal));
                pump.hear(wire::BatchReply { sequence: question.sequence, result }).unwrap();
            }
        }
        assert_eq!(pump.outputs.tally().done(), 128);
    }
}
