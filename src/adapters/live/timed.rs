//! A line with a stopwatch: what was put and what came back in kind, never what it says.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::adapters::line::program::ProgramState;
use crate::adapters::line::{Beginning, Ending, Got, Line, Put, Putting};
use crate::adapters::manifest::Session;

/// One exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was put, such as `log in: POST /token`.
    pub what: String,
    /// What came back, such as `status 200, 532 bytes`.
    pub came: String,
    /// Status of a reply over HTTPS.
    pub status: Option<u16>,
    /// How long it took.
    pub took: Duration,
}

/// A line with a stopwatch.
pub(super) struct Timed {
    line: Arc<dyn Line>,
    /// Method and path of what asks for a session.
    session: Option<(String, String)>,
    steps: Mutex<Vec<(Instant, Option<Step>, String)>>,
}

impl Timed {
    /// Nothing has been put yet.
    pub(super) fn over(line: Arc<dyn Line>, session: Option<&Session>) -> Self {
        let session =
            session.map(|session| (session.request.method.clone(), session.request.path.clone()));
        Self { line, session, steps: Mutex::default() }
    }

    /// What was put since the last call.
    pub(super) fn take(&self) -> Vec<Step> {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let steps = std::mem::take(&mut *steps).into_iter();
        steps
            .map(|(began, step, what)| {
                let came = "nothing before the time was up".to_owned();
                step.unwrap_or_else(|| Step { what, came, status: None, took: began.elapsed() })
            })
            .collect()
    }

    /// What is put, in kind: a query after a path may name somebody.
    fn what(&self, put: &Put) -> String {
        match put {
            Put::Http(outgoing) => {
                let path = outgoing.target.split('?').next().unwrap_or_default();
                let asks = (outgoing.method.as_str().to_owned(), path.to_owned());
                let is_session = self.session.as_ref().is_some_and(|session| *session == asks);
                let word = if is_session { "log in" } else { "ask" };
                format!("{word}: {} {path}", asks.0)
            }
            Put::Select(_) => "statement".to_owned(),
            Put::Lookup(_) => "look-up in the dropped table".to_owned(),
            Put::Fetch(_) => "question to the program".to_owned(),
        }
    }

    fn begin_step(&self, what: String) -> usize {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        steps.push((Instant::now(), None, what));
        steps.len() - 1
    }

    fn end_step(&self, position: usize, came: String, status: Option<u16>) {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((began, step, what)) = steps.get_mut(position) {
            *step = Some(Step { what: what.clone(), came, status, took: began.elapsed() });
        }
    }
}

impl Line for Timed {
    fn put(&self, put: Put, deadline: Instant) -> Putting<'_> {
        Box::pin(async move {
            let position = self.begin_step(self.what(&put));
            let got = self.line.put(put, deadline).await;
            let (came, status) = match &got {
                Ok(Got::Http(reply)) => {
                    let came = format!("status {}, {} bytes", reply.status, reply.body.len());
                    (came, Some(reply.status))
                }
                Ok(Got::Rows { rows, .. }) => (format!("{} rows", rows.len()), None),
                Ok(Got::Fetched(_)) => ("a reply".to_owned(), None),
                Err(failed) => (format!("{}: {}", failed.reason.code(), failed.detail), None),
            };
            self.end_step(position, came, status);
            got
        })
    }

    fn is_up(&self) -> bool {
        self.line.is_up()
    }

    fn begin(&self, facts: Vec<String>) -> Beginning<'_> {
        self.line.begin(facts)
    }

    fn end(&self) -> Ending<'_> {
        self.line.end()
    }

    fn program(&self) -> Option<ProgramState> {
        self.line.program()
    }
}
