//! What is asked: about real people of the synthetic province and their homes, so that agency and gateway do their whole
//! work.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, ensure};
use heyan::client::Client;
use heyan::proto::gateway::v1 as wire;
use heyan::simulate::clock::Clock;
use heyan::simulate::province::{HomeKind, HomeState, Province, Trait};
use heyan::simulate::{SimulationConfig, samples};
use wire::source::Kind;

/// What one agency is asked again and again, each time about somebody else.
#[derive(Clone)]
pub(crate) struct Asked {
    fact: &'static str,
    /// The subjects of each question.
    all: Arc<[Vec<wire::Subject>]>,
}

impl Asked {
    /// How many different questions there are.
    #[allow(dead_code, reason = "not every bench asks about everybody")]
    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    /// The fact, and the subjects of one question; after the last comes the first again.
    #[allow(dead_code, reason = "some benches ask gateways only")]
    pub(crate) fn subjects(&self, number: usize) -> anyhow::Result<(&str, &[wire::Subject])> {
        let subjects = self.all.get(number % self.all.len().max(1));
        Ok((self.fact, subjects.context("nobody to ask about")?))
    }
}

/// What is asked over each way to an agency.
pub(crate) struct Ways {
    /// SOAP: who a person is.
    pub(crate) soap: Asked,
    /// JSON: whether two are married to each other.
    pub(crate) json: Asked,
    /// gRPC: whether an invoice of a home is genuine.
    pub(crate) grpc: Asked,
}

/// Everything that can be asked in a province of so many people and will be confirmed.
pub(crate) fn ways(count: u32) -> anyhow::Result<Ways> {
    let seed = SimulationConfig::default().seed;
    let province = Province::generate(seed, count, Clock::default().today())?;
    let person = |role: &str, index| heyan::wire::subject(&samples::person(&province, role, index));
    // The population register knows no foreigners.
    let citizens = (0..count).filter(|&index| {
        province.person(index).is_some_and(|person| !person.has(Trait::Foreigner))
    });
    let husband = |index: u32| {
        let row = province.person(index).filter(|row| row.is_man())?;
        let (_, last) = province.marriages_of(row).last()?;
        province.is_married(last).then_some((index, last.woman))
    };
    let couples = (0..count).filter_map(husband);
    let is_invoiced = |home: &u32| {
        province.home(*home).is_some_and(|row| {
            row.kind() == HomeKind::New && row.state != HomeState::Withdrawn && row.owner < count
        })
    };
    let homes = (0..province.home_count()).filter(is_invoiced).filter_map(|home| {
        let invoice = samples::document("invoice", province.invoice_number(home), 430_000);
        Some((heyan::wire::subject(&invoice), province.home(home)?.owner))
    });
    Ok(Ways {
        soap: Asked { fact: "P1", all: citizens.map(|one| vec![person("person", one)]).collect() },
        json: Asked {
            fact: "M2",
            all: couples
                .map(|(he, she)| vec![person("person", he), person("spouse", she)])
                .collect(),
        },
        grpc: Asked {
            fact: "T2",
            all: homes.map(|(invoice, buyer)| vec![invoice, person("buyer", buyer)]).collect(),
        },
    })
}

/// Who a person is, of everybody there is.
#[allow(dead_code, reason = "some benches ask over every way")]
pub(crate) fn people(count: u32) -> anyhow::Result<Asked> {
    Ok(ways(count)?.soap)
}

/// Makes requests, and knows which answers prove that the server did what is measured.
pub(crate) struct Questions {
    what: Asked,
    /// Only about so many, in turn.
    distinct: usize,
    /// Where answers must come from; `None` where any answer will do.
    source: Option<Kind>,
    asked: AtomicU64,
}

impl Questions {
    /// About everybody, nobody twice: every answer must come from the agency.
    pub(crate) fn about_everybody(what: &Asked) -> Self {
        let (what, distinct) = (what.clone(), what.all.len());
        Self { what, distinct, source: Some(Kind::Agency), asked: AtomicU64::new(0) }
    }

    /// About the same few again and again; every answer must come from `source`.
    pub(crate) fn about_few(what: &Asked, distinct: usize, source: Kind) -> Self {
        Self { what: what.clone(), distinct, source: Some(source), asked: AtomicU64::new(0) }
    }

    /// About the same few, to a server of which only a status OK is expected.
    pub(crate) fn to_any(what: &Asked, distinct: usize) -> Self {
        Self { source: None, ..Self::about_few(what, distinct, Kind::Unspecified) }
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
        let subjects = self.what.all.get(index).context("nobody to ask about")?;
        Ok(wire::VerifyRequest {
            request_id: Client::request_id(),
            fact: self.what.fact.to_owned(),
            subjects: subjects.clone(),
            purpose: Some(wire::Purpose {
                item: "W1".to_owned(),
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
