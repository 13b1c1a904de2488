//! What the gateway's own work on one question costs: on a reply that an agency really gave, and without the agency.
//! For `benches/adapters` and `benches/request`.

use std::collections::BTreeSet;
use std::future::ready;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::adapter::{Adapter, Answer};
use super::failed::Failed;
use super::limits::{Limits, RateTerms};
use super::line::{self, Got, Line, Put, Putting};
use super::manifest::{self, Depth, Manifest, Narrower};
use super::once::Once;
use crate::catalogue::Catalogue;
use crate::query::time::Timestamp;
use crate::query::{FactCode, Query};

/// For a question that nothing has to be waited for.
const BUDGET: Duration = Duration::from_secs(60);
/// A rate that lets everything pass, so that its work is measured and not a wait.
const PLENTY: NonZeroU32 = match NonZeroU32::new(1_000_000) {
    Some(plenty) => plenty,
    None => NonZeroU32::MIN,
};

/// One question and what the agency said to it, to be gone through again and again.
pub struct Cost {
    manifest: Manifest,
    /// The manifest's, without a rate: over what the agency said.
    adapter: Adapter,
    limits: Limits,
    said: Said,
    query: Query,
    granted: BTreeSet<String>,
    at: Timestamp,
}

impl Cost {
    /// Asks the agency of the manifest once. Every attribute of the fact counts as granted.
    ///
    /// # Errors
    /// In words: the manifest has a flaw, or the agency did not answer.
    pub async fn of(
        file: &Path,
        catalogue: &Catalogue,
        query: Query,
        at: Timestamp,
    ) -> Result<Self, String> {
        let find = |code: &FactCode| catalogue.fact(code).cloned();
        let read = || {
            let mut manifest = manifest::read(file, Depth::WithFiles, &find)
                .map_err(|flaws| flaws.first().map(ToString::to_string).unwrap_or_default())?;
            manifest.resilience.rate = None;
            for operation in &mut manifest.operations {
                operation.resilience = Narrower::default();
            }
            Ok::<_, String>(manifest)
        };
        let manifest = read()?;
        let listening =
            Arc::new(Listening { line: line::open(&manifest.access)?, heard: Mutex::default() });
        let line: Arc<dyn Line> = Arc::clone(&listening) as _;
        let adapter = Adapter::over(line, read()?, b"");
        let asked = adapter.ask_granted(&|_| true, &query, at, BUDGET).await;
        asked.map_err(|failure| failure.detail)?;
        let heard = std::mem::take(&mut *held(&listening.heard));
        let session = usize::from(manifest.session.is_some());
        let said = Said { all: heard.into(), session };

        let terms = RateTerms { per_second: PLENTY, burst: PLENTY };
        let resilience = manifest::Resilience { rate: Some(terms), ..manifest.resilience };
        let plain = Narrower::default();
        let limits = Limits::new("cost", &resilience, [(&query.fact, true, &plain)].into_iter());
        let adapter = Adapter::over(Arc::new(said.again()), read()?, b"");
        let operation = manifest.operations.iter().find(|known| known.fact == query.fact);
        let catalogued = operation.map(|known| known.catalogue.as_slice()).unwrap_or_default();
        let granted = catalogued.iter().map(|attribute| attribute.name.clone()).collect();
        Ok(Self { manifest, adapter, limits, said, query, granted, at })
    }

    /// Finds the record in the reply, once: judges its outcome, checks whom it is about, and maps its attributes.
    ///
    /// # Errors
    /// In words, why there is no record now.
    pub async fn map(&self) -> Result<Duration, String> {
        let of_fact = |known: &&manifest::Operation| known.fact == self.query.fact;
        let operation = self.manifest.operations.iter().find(of_fact);
        let once = Once {
            manifest: &self.manifest,
            operation: operation.ok_or_else(|| "there is no such operation".to_owned())?,
            secrets: None,
            witness: None,
            at: self.at,
            nonces: &[],
            budget: BUDGET,
        };
        let line = Arc::new(self.said.again());
        let reply = once.reply(line, &self.query, &self.granted).await.map_err(in_words)?;
        let began = Instant::now();
        let mapped = once.map(reply, &self.query, &self.granted);
        let took = began.elapsed();
        mapped.map_err(in_words).map(|_| took)
    }

    /// Everything but the agency and the line, once: limits, what the request is made of, signing, reading, mapping.
    ///
    /// # Errors
    /// In words, why there is no answer now.
    pub async fn ask(&self) -> Result<(Duration, Answer), String> {
        let began = Instant::now();
        let answer = self.adapter.ask_granted(&|_| true, &self.query, self.at, BUDGET).await;
        let took = began.elapsed();
        answer.map_err(|failure| failure.detail).map(|answer| (took, answer))
    }

    /// The limits alone, a rate among them, once: with nothing to do inside.
    ///
    /// # Errors
    /// In words, what did not let it pass.
    pub async fn pass(&self) -> Result<Duration, String> {
        let began = Instant::now();
        let ended =
            self.limits.run(&self.query.fact, began + BUDGET, || ready(Ok::<_, Failed>(()))).await;
        let took = began.elapsed();
        ended.map_err(in_words).map(|()| took)
    }
}

/// An agency that is asked as its adapter asks it: no gateway, no agreement, no record of it. For `benches/request`, which
/// holds a gateway's answers against what the agency itself takes.
pub struct Direct(Adapter);

impl Direct {
    /// By its manifest. Opens nothing yet.
    ///
    /// # Errors
    /// In words: the manifest has a flaw.
    pub fn of(file: &Path, catalogue: &Catalogue) -> Result<Self, String> {
        let find = |code: &FactCode| catalogue.fact(code).cloned();
        let manifest = manifest::read(file, Depth::WithFiles, &find)
            .map_err(|flaws| flaws.first().map(ToString::to_string).unwrap_or_default())?;
        Adapter::new(manifest, b"").map(Self).map_err(|flaw| flaw.to_string())
    }

    /// Asks for every attribute of the fact.
    ///
    /// # Errors
    /// In words, why there is no answer.
    pub async fn ask(&self, query: &Query, at: Timestamp) -> Result<Answer, String> {
        let answer = self.0.ask_granted(&|_| true, query, at, BUDGET).await;
        answer.map_err(|failure| failure.detail)
    }
}

fn in_words(failed: Failed) -> String {
    failed.detail
}

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What an agency said to one question.
#[derive(Clone)]
struct Said {
    all: Arc<[Got]>,
    /// How many of them gave a session, which one question has for all.
    session: usize,
}

impl Said {
    fn again(&self) -> Repeating {
        Repeating { said: self.clone(), next: AtomicUsize::new(0) }
    }
}

/// The agency's own line, and what came over it.
struct Listening {
    line: Arc<dyn Line>,
    heard: Mutex<Vec<Got>>,
}

impl Line for Listening {
    fn put(&self, put: Put, deadline: Instant) -> Putting<'_> {
        Box::pin(async move {
            let got = self.line.put(put, deadline).await?;
            held(&self.heard).push(got.clone());
            Ok(got)
        })
    }
}

/// Says the same to every question, at once.
struct Repeating {
    said: Said,
    next: AtomicUsize,
}

impl Line for Repeating {
    fn put(&self, _: Put, _: Instant) -> Putting<'_> {
        let position = self.next.fetch_add(1, Ordering::Relaxed);
        if position + 1 >= self.said.all.len() {
            self.next.store(self.said.session, Ordering::Relaxed);
        }
        let got = self.said.all.get(position).cloned();
        let nothing = || Failed::contract("the agency said nothing");
        Box::pin(ready(got.ok_or_else(nothing)))
    }
}
