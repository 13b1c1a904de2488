//! Agencies asked without a gateway, by the code with which the gateway asks them: what an answer waits for anyway.
//!
//! This runs in the generator, so on the generator's core, where the agencies are too. So is their part of a gateway's
//! answer, but not the gateway's part of its own work on request and reply: what is told as "beyond the agency" is a little too
//! much of it on a machine with few cores.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use hdrhistogram::Histogram;
use heyan::adapters::cost;
use heyan::catalogue::Catalogue;
use heyan::clock::now;
use heyan::proto::gateway::v1 as wire;
use heyan::query::record::Finding;
use heyan::query::subject::{Document, IdentityDocument, Person, Subject, SubjectKind};
use heyan::query::{Operator, Purpose, Query};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::load::Sample;
use super::questions::Asked;
use super::ticker::Ticker;

/// As the other loads.
const WARM_UP: Duration = Duration::from_millis(500);
const DIGITS: u8 = 3;

/// An agency that is asked directly.
pub(crate) struct Direct {
    pub(crate) label: String,
    agency: Arc<cost::Direct>,
    asked: Asked,
    next: AtomicU64,
}

impl Direct {
    /// By the manifest of that name in the installation's folder.
    pub(crate) fn of(
        label: &str,
        folder: &Path,
        manifest: &str,
        asked: &Asked,
    ) -> anyhow::Result<Self> {
        let catalogue =
            Catalogue::load(&folder.join("catalogue")).map_err(|all| anyhow!("{all:?}"))?;
        let file = folder.join("adapters").join(manifest);
        let agency = cost::Direct::of(&file, &catalogue).map_err(|problem| anyhow!(problem))?;
        let (label, agency, asked) = (label.to_owned(), Arc::new(agency), asked.clone());
        Ok(Self { label, agency, asked, next: AtomicU64::new(0) })
    }

    /// One measurement at that rate, after a warm-up. An answer without a record fails it.
    pub(crate) async fn measure(&self, rate: u32, length: Duration) -> anyhow::Result<Sample> {
        self.run(rate, WARM_UP).await?;
        let started = Instant::now();
        let waits = self.run(rate, length).await?;
        let rate = waits.len() as f64 / started.elapsed().as_secs_f64();
        Ok(Sample { rate, cpu_micros: None, waits, megabytes: None })
    }

    async fn run(&self, rate: u32, length: Duration) -> anyhow::Result<Histogram<u64>> {
        let waits = Arc::new(Mutex::new(Histogram::new(DIGITS)?));
        let mut ticker = Ticker::every(Duration::from_secs(1) / rate)?;
        let end = Instant::now() + length;
        let mut tasks: JoinSet<anyhow::Result<()>> = JoinSet::new();
        'asking: loop {
            for due in ticker.passed().await? {
                if due >= end {
                    break 'asking;
                }
                let (agency, query) = (Arc::clone(&self.agency), self.query()?);
                let waits = Arc::clone(&waits);
                tasks.spawn(async move {
                    let answer = agency.ask(&query, now()).await.map_err(|why| anyhow!(why))?;
                    let waited = u64::try_from(due.elapsed().as_micros())?;
                    waits.lock().map_err(|_| anyhow!("an answer panicked"))?.record(waited)?;
                    let is_found = matches!(answer.record.finding, Finding::Found(_));
                    ensure!(is_found, "an agency has no record");
                    Ok(())
                });
            }
            while let Some(ended) = tasks.try_join_next() {
                ended??;
            }
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        let waits = waits.lock().map_err(|_| anyhow!("an answer panicked"))?.clone();
        Ok(waits)
    }

    fn query(&self) -> anyhow::Result<Query> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (fact, subjects) = self.asked.subjects(usize::try_from(number)?)?;
        let subjects = subjects.iter().map(subject).collect::<Option<_>>();
        Ok(Query {
            request_id: uuid::Uuid::now_v7().into_bytes(),
            fact: fact.into(),
            subjects: subjects.context("subjects of another kind")?,
            relations: Vec::new(),
            assertions: Vec::new(),
            disclose: Vec::new(),
            purpose: Purpose {
                item: "W1".into(),
                item_version: "2026.1".to_owned(),
                case_number: format!("GJJ-2026-{number:08}"),
                ..Purpose::default()
            },
            operator: Operator { id: "0042".to_owned(), unit: "counter-3".to_owned() },
            max_age: None,
            want_receipt: false,
        })
    }
}

/// Citizens and documents, of which there are no others among those who are asked about.
fn subject(subject: &wire::Subject) -> Option<Subject> {
    let kind = match subject.kind.as_ref()? {
        wire::subject::Kind::Person(person) => SubjectKind::Person(Person {
            document_type: IdentityDocument::CitizenId,
            document_number: person.document_number.clone(),
            name: person.name.clone(),
        }),
        wire::subject::Kind::Document(document) => SubjectKind::Document(Document {
            number: document.number.clone(),
            code: document.code.clone(),
            division: document.division.clone(),
        }),
        _ => return None,
    };
    Some(Subject { role: subject.role.clone(), kind })
}
