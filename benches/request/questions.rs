//! What is asked: the identity of real people of the synthetic province, so that agency and gateway do their whole work.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, ensure};
use heyan::client::Client;
use heyan::proto::gateway::v1 as wire;
use heyan::simulate::clock::Clock;
use heyan::simulate::province::{Province, Trait};
use heyan::simulate::{SimulationConfig, samples};
use wire::source::Kind;

/// The people one can ask about.
pub(crate) fn people(count: u32) -> anyhow::Result<Arc<[wire::Subject]>> {
    let seed = SimulationConfig::default().seed;
    let province = Province::generate(seed, count, Clock::default().today())?;
    // The population register knows no foreigners.
    let citizens = (0..count).filter(|&index| {
        province.person(index).is_some_and(|person| !person.has(Trait::Foreigner))
    });
    Ok(citizens.map(|index| person(&province, index)).collect())
}

fn person(province: &Province, index: u32) -> wire::Subject {
    heyan::wire::subject(&samples::person(province, "person", index))
}

/// Makes requests, and knows which answers prove that the server did what is measured.
pub(crate) struct Questions {
    people: Arc<[wire::Subject]>,
    /// Only about so many, in turn.
    distinct: usize,
    /// Where answers must come from; `None` where any answer will do.
    source: Option<Kind>,
    asked: AtomicU64,
}

impl Questions {
    /// About everybody, nobody twice: every answer must come from the agency.
    pub(crate) fn about_everybody(people: &Arc<[wire::Subject]>) -> Self {
        let (people, distinct) = (Arc::clone(people), people.len());
        Self { people, distinct, source: Some(Kind::Agency), asked: AtomicU64::new(0) }
    }

    /// About the same few again and again; every answer must come from `source`.
    pub(crate) fn about_few(people: &Arc<[wire::Subject]>, distinct: usize, source: Kind) -> Self {
        Self {
            people: Arc::clone(people),
            distinct,
            source: Some(source),
            asked: AtomicU64::new(0),
        }
    }

    /// About the same few, to a server of which only a status OK is expected.
    pub(crate) fn to_any(people: &Arc<[wire::Subject]>, distinct: usize) -> Self {
        Self { source: None, ..Self::about_few(people, distinct, Kind::Unspecified) }
    }

    /// Whether answers must be kept ones, so that each question has to be asked once before.
    pub(crate) fn is_kept(&self) -> bool {
        self.source == Some(Kind::Cache)
    }

    /// How many different questions there are.
    pub(crate) fn distinct(&self) -> usize {
        self.distinct
    }

    /// The next question, in a case of its own.
    pub(crate) fn next(&self) -> anyhow::Result<wire::VerifyRequest> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let index = usize::try_from(number)? % self.distinct;
        let subject = self.people.get(index).context("nobody to ask about")?;
        Ok(wire::VerifyRequest {
            request_id: Client::request_id(),
            fact: "P1".to_owned(),
            subjects: vec![subject.clone()],
            purpose: Some(wire::Purpose {
                item: "W3".to_owned(),
                item_version: "2026.1".to_owned(),
                case_number: format!("GJJ-2026-{number:08}"),
                ..wire::Purpose::default()
            }),
            operator: Some(wire::Operator { id: "0042".to_owned(), unit: "counter-3".to_owned() }),
            ..wire::VerifyRequest::default()
        })
    }

    /// Anything but a confirmation, from the source that is measured, makes the numbers worthless.
    ///
    /// # Errors
    /// With what came instead.
    pub(crate) fn check(&self, reply: &wire::VerifyResponse) -> anyhow::Result<()> {
        let Some(expected) = self.source else { return Ok(()) };
        ensure!(
            reply.verdict() == wire::Verdict::Confirmed,
            "an answer was {}, because {:?}",
            reply.verdict().as_str_name(),
            reply.unavailability
        );
        let source = reply.source.as_ref().map(wire::Source::kind);
        ensure!(
            source == Some(expected),
            "an answer came from {source:?}, not from {expected:?}; with a longer run, more --people are needed"
        );
        Ok(())
    }
}
