//! A manifest put to its real agency: one question for each fact, about whom the operator names.
//!
//! The whole adapter is gone through, with its limits, its session and its signatures; only the decision is not, for
//! there is no caller. Nothing about anybody is told: which attributes came, never what they say.

mod advice;
mod greeting;
mod timed;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

pub use self::greeting::{Greeted, Greeting, Trouble};
pub use self::timed::Step;
use self::timed::Timed;
use super::adapter::{Adapter, Answer};
use super::failed::Failure;
use super::fixture::{self, Wanted};
use super::line;
use super::manifest::{self, Depth, Manifest};
use crate::catalogue::Catalogue;
use crate::finding::Finding;
use crate::query::record;
use crate::query::time::Timestamp;
use crate::query::{FactCode, Query};

/// Questions about real subjects. It has no `Debug`, for personal data is in it.
pub struct Questions(Vec<Wanted>);

/// What came of asking one agency.
#[derive(Clone, Debug)]
pub struct Report {
    /// The manifest.
    pub file: PathBuf,
    /// Name of the adapter.
    pub adapter: String,
    /// Version of the manifest.
    pub version: String,
    /// The agency's address.
    pub place: String,
    /// What came of a connection that asked nothing.
    pub greeted: Greeted,
    /// Each question, in the order of the manifest.
    pub told: Vec<Told>,
    /// Facts that there was no question about.
    pub unasked: Vec<FactCode>,
}

/// What came of one question. Nothing in it is about anybody.
#[derive(Clone, Debug)]
pub struct Told {
    /// The fact asked about.
    pub fact: FactCode,
    /// `found`, `not_found`, `conflict` or, where there is no answer, its reason.
    pub came: &'static str,
    /// True when the agency answered, whatever it said.
    pub is_answered: bool,
    /// Why there is no answer.
    pub detail: Option<String>,
    /// Names of the attributes that came.
    pub attributes: Vec<String>,
    /// Names of those that were asked for and did not.
    pub absent: Vec<String>,
    /// How many came without being granted.
    pub dropped: u32,
    /// When the data was true.
    pub as_of: Option<Timestamp>,
    /// Each exchange.
    pub steps: Vec<Step>,
    /// All of it.
    pub took: Duration,
    /// What to try next, where there is no answer.
    pub next: Option<String>,
}

impl Report {
    /// True when every question was answered.
    pub fn is_good(&self) -> bool {
        self.told.iter().all(|told| told.is_answered)
    }
}

impl Questions {
    /// Reads the file.
    ///
    /// # Errors
    /// Every flaw, with its place and without a value.
    pub fn read(file: &Path, catalogue: &Catalogue) -> Result<Self, Vec<Finding>> {
        let find = |code: &FactCode| catalogue.fact(code).cloned();
        fixture::questions(file, &find).map(Self)
    }

    /// The facts asked about, and the lines.
    pub fn facts(&self) -> impl Iterator<Item = (&FactCode, u32)> {
        self.0.iter().map(|wanted| (&wanted.fact, wanted.line))
    }

    fn about(&self, fact: &FactCode) -> Option<&Wanted> {
        self.0.iter().find(|wanted| wanted.fact == *fact)
    }
}

/// A manifest to be put to its agency.
pub struct Live {
    file: PathBuf,
    manifest: Manifest,
    catalogue_digest: Vec<u8>,
}

impl Live {
    /// Reads the manifest with its secrets and certificates. Opens no connection.
    ///
    /// # Errors
    /// Every flaw of the manifest.
    pub fn open(file: &Path, catalogue: &Catalogue) -> Result<Self, Vec<Finding>> {
        let find = |code: &FactCode| catalogue.fact(code).cloned();
        let manifest = manifest::read(file, Depth::WithFiles, &find)?;
        let catalogue_digest = catalogue.digest().to_vec();
        Ok(Self { file: file.to_owned(), manifest, catalogue_digest })
    }

    /// The facts it answers.
    pub fn facts(&self) -> impl Iterator<Item = &FactCode> {
        self.manifest.operations.iter().map(|operation| &operation.fact)
    }

    /// The agency's address.
    pub fn place(&self) -> String {
        self.manifest.access.place()
    }

    /// True when the address is one of this machine: nobody's agency.
    pub fn is_at_home(&self) -> bool {
        self.manifest.access.is_at_home()
    }

    /// Asks everything that there is a question for, one after another, each for no longer than `budget`.
    ///
    /// # Errors
    /// When no connection can be described, or a program of the gateway's own does not start.
    pub async fn ask(
        self,
        questions: &Questions,
        now: fn() -> Timestamp,
        budget: Duration,
    ) -> Result<Report, Finding> {
        let Self { file, manifest, catalogue_digest } = self;
        let opened = line::open(&manifest.access).map_err(|flaw| Finding::new(&file, flaw))?;
        let greeted = greeting::greet(&manifest.access, budget).await;
        let timed = Arc::new(Timed::over(opened, manifest.session.as_deref()));
        let place = manifest.access.place();
        let (name, version) = (manifest.name.clone(), manifest.version.clone());
        let mut asked = Vec::new();
        let mut unasked = Vec::new();
        for operation in &manifest.operations {
            match questions.about(&operation.fact) {
                Some(wanted) => asked.push(query(fixture::ask_about(operation, &wanted.question))),
                None => unasked.push(operation.fact.clone()),
            }
        }
        let over = Arc::clone(&timed) as Arc<dyn line::Line>;
        let adapter = Adapter::over(over, manifest, &catalogue_digest);
        if let Some(flaw) = adapter.begin().await {
            adapter.end().await;
            return Err(flaw);
        }
        let mut told = Vec::new();
        for query in asked {
            let began = Instant::now();
            let grants = |name: &str| query.disclose.iter().any(|granted| granted == name);
            let ended = adapter.ask_granted(&grants, &query, now(), budget).await;
            let (took, steps) = (began.elapsed(), timed.take());
            let mut one = outcome(&query, ended, &steps, &greeted, &file);
            (one.took, one.steps) = (took, steps);
            told.push(one);
        }
        adapter.end().await;
        Ok(Report { file, adapter: name, version, place, greeted, told, unasked })
    }
}

/// A question of a file may leave out what tells it from others.
fn query(query: Query) -> Query {
    if query.request_id != [0; 16] {
        return query;
    }
    Query { request_id: *uuid::Uuid::new_v4().as_bytes(), ..query }
}

fn outcome(
    query: &Query,
    ended: Result<Answer, Failure>,
    steps: &[Step],
    greeted: &Greeted,
    file: &Path,
) -> Told {
    let mut told = Told {
        fact: query.fact.clone(),
        came: "",
        is_answered: ended.is_ok(),
        detail: None,
        attributes: Vec::new(),
        absent: Vec::new(),
        dropped: 0,
        as_of: None,
        steps: Vec::new(),
        took: Duration::ZERO,
        next: None,
    };
    match ended {
        Ok(Answer { record, dropped }) => {
            (told.dropped, told.as_of) = (dropped, Some(record.as_of));
            told.came = match record.finding {
                record::Finding::Found(attributes) => {
                    told.attributes = attributes.into_keys().collect();
                    let wanted = query.disclose.iter();
                    let is_absent = |name: &&String| !told.attributes.contains(*name);
                    told.absent = wanted.filter(is_absent).cloned().collect();
                    "found"
                }
                record::Finding::NotFound => "not_found",
                record::Finding::Conflict => "conflict",
            };
        }
        Err(failure) => {
            told.next = Some(advice::next(&failure, greeted, steps, (file, &query.fact)));
            told.came = failure.reason.code();
            told.detail = Some(failure.detail);
        }
    }
    told
}

#[cfg(test)]
mod tests;
