//! A question put to an agency, kept as a fixture: everybody replaced, the requests made anew, and the whole played before
//! it is written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value as Json;
use thiserror::Error;

use super::Workbench;
use super::disguise::Disguise;
use super::journal::{Event, Journal, Listening, Worked};
use super::saved::{beside, joined};
use super::taken::{self, Taken};
use crate::adapters::adapter::nonce;
use crate::adapters::failed::Failed;
use crate::adapters::fixture::{
    self, Exchange, Expect, Fixture, FixtureFile, Question, Request, Script, outcome_name,
};
use crate::adapters::language::charset::Charset;
use crate::adapters::line::{self, Got};
use crate::adapters::manifest::{Manifest, Operation};
use crate::adapters::mapping::Mapped;
use crate::adapters::once::Once;
use crate::catalogue::Fact;
use crate::crypto::{hex, sha256_parts};
use crate::finding::Finding as Flaw;
use crate::query::record::Finding;
use crate::query::time::Timestamp;
use crate::query::value::Value;
use crate::query::{FactCode, Query};

/// Why nothing was recorded. Never with a value in it.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The manifest has no operation for the fact.
    #[error("the manifest has no operation for `{0}`")]
    NoOperation(FactCode),
    /// The line could not be set up, or a file of fixtures cannot be read.
    #[error("{0}")]
    Flaw(Flaw),
    /// The agency did not reply.
    #[error("exchange {0} got no reply ({1}): nothing is recorded; ask again")]
    NoReply(usize, &'static str),
    /// What came is no text.
    #[error(
        "{0} is no text of the manifest's charset, so nobody can tell who is in it: write this fixture by hand"
    )]
    NotText(String),
    /// What came holds bytes that are no text.
    #[error(
        "a reply holds a picture, a document or other bytes that are no text, and nobody can tell who is in it: write this fixture by hand"
    )]
    Binary,
    /// What is left looks like somebody's.
    #[error(
        "a reply would still hold what looks like {0}, in a value that an expression reads: nothing is written; write this fixture by hand"
    )]
    Somebody(&'static str),
    /// With invented people the manifest comes to something else.
    #[error("{0} comes out otherwise when everybody is replaced: write this fixture by hand")]
    Different(String),
    /// Something real would be left.
    #[error(
        "line {0} of the fixture would still hold a value of the question, a secret, or a number that may be somebody's: nothing is written"
    )]
    Real(usize),
    /// The name is taken.
    #[error("`{0}` has a fixture `{1}`: choose another name, or replace it")]
    Taken(PathBuf, String),
    /// It cannot be written.
    #[error("cannot write `{0}`")]
    Unwritable(PathBuf, #[source] io::Error),
}

/// Where a recording goes.
#[derive(Clone, Debug)]
pub struct Target {
    /// The folder of fixtures; made when missing.
    pub into: PathBuf,
    /// The fixture's name.
    pub name: String,
    /// Whether a fixture of that name is replaced.
    pub replace: bool,
}

/// What was recorded.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The file.
    pub file: PathBuf,
    /// `found`, `not_found`, `conflict`, `unavailable` or `contract_error`.
    pub outcome: String,
    /// How many exchanges it took.
    pub exchanges: usize,
}

impl Workbench<'_> {
    /// Asks the agency once and keeps question, exchanges and outcome as a fixture in which everybody and every secret is
    /// invented. Nothing is written unless it plays, and nothing real is left in it.
    ///
    /// # Errors
    /// Why nothing was written.
    pub async fn record(
        &self,
        query: &Query,
        granted: &BTreeSet<String>,
        at: Timestamp,
        budget: Duration,
        target: &Target,
    ) -> Result<Recorded, RecordError> {
        let operation = self.manifest.operations.iter().find(|known| known.fact == query.fact);
        let operation = operation.ok_or_else(|| RecordError::NoOperation(query.fact.clone()))?;
        let file = target.into.join(format!("{}.toml", query.fact.as_str()));
        let find = |code: &FactCode| self.catalogue.fact(code).cloned();
        let there =
            if file.exists() { Some(fixture::read(&file, &find).map_err(first)?) } else { None };
        let is_there =
            |there: &FixtureFile| there.fixtures.iter().any(|fixture| fixture.name == target.name);
        if !target.replace && there.as_ref().is_some_and(is_there) {
            return Err(RecordError::Taken(file, target.name.clone()));
        }
        let live = self.live(operation, query, granted, at, budget).await?;
        let secrets = invented_secrets(&self.manifest, there.as_ref());
        let making = Making { manifest: &self.manifest, operation, granted, at, budget, secrets };
        let (fixture, disguise) = making.fixture(query, live, &target.name).await?;
        let recorded = Recorded {
            file: file.clone(),
            outcome: fixture.expect.outcome.clone(),
            exchanges: fixture.exchanges.len(),
        };
        let one = FixtureFile {
            fact: query.fact.clone(),
            secrets: making.secrets.clone(),
            fixtures: vec![fixture],
        };
        let text = fixture::write(&one);
        if let Some(line) = disguise.remains(&text) {
            return Err(RecordError::Real(line));
        }
        let unwritable = |error: io::Error| RecordError::Unwritable(file.clone(), error);
        fs::create_dir_all(&target.into).map_err(unwritable)?;
        let draft = beside(&target.into, &text).map_err(unwritable)?;
        making.prove(draft.path(), &find).await?;
        let whole = joined(there, one, &text, &file, &target.name).map_err(unwritable)?;
        // In one step: what the file held is never half there.
        let whole = beside(&target.into, &whole).map_err(unwritable)?;
        whole.persist(&file).map_err(|error| unwritable(error.error))?;
        Ok(recorded)
    }

    async fn live(
        &self,
        operation: &Operation,
        query: &Query,
        granted: &BTreeSet<String>,
        at: Timestamp,
        budget: Duration,
    ) -> Result<Live, RecordError> {
        let line = line::open(&self.manifest.access)
            .map_err(|problem| RecordError::Flaw(Flaw::new(&self.file, problem)))?;
        let journal = Arc::new(Journal::about(&self.manifest, &query.fact));
        let nonces = real_nonces(&self.manifest, operation);
        let once = Once {
            manifest: &self.manifest,
            operation,
            secrets: None,
            witness: Some(journal.witness()),
            at,
            nonces: &nonces,
            budget,
        };
        let listening = Arc::new(Listening::to(line, Arc::clone(&journal)));
        let ended = once.ask(listening, query, granted).await;
        let (events, _) = journal.told();
        let mut got = Vec::new();
        let mut session = Vec::new();
        let mut read = BTreeSet::new();
        for event in &events {
            if let Event::Worked(worked) = event {
                worked.saw.iter().for_each(|glimpse| taken::read(glimpse, &mut read));
            }
        }
        for event in events {
            match event {
                Event::Got(reply) => {
                    taken::said_numbers(&reply, &mut read);
                    got.push(reply);
                }
                Event::Broke(failed) => {
                    return Err(RecordError::NoReply(got.len() + 1, failed.reason.code()));
                }
                Event::Worked(Worked { key, yielded: Ok(Json::String(value)), .. })
                    if key.starts_with("session.values") && !value.is_empty() =>
                {
                    session.push(value);
                }
                Event::Put(_) | Event::Worked(_) => {}
            }
        }
        if got.is_empty() {
            let reason = ended.as_ref().err().map_or("unreachable", |failed| failed.reason.code());
            return Err(RecordError::NoReply(1, reason));
        }
        Ok(Live { got, session, read, nonces, ended })
    }
}

/// What really happened.
struct Live {
    got: Vec<Got>,
    session: Vec<String>,
    /// Texts of the replies that an expression looked at.
    read: BTreeSet<String>,
    nonces: Vec<String>,
    ended: Result<Mapped, Failed>,
}

/// A fixture in the making.
struct Making<'a> {
    manifest: &'a Manifest,
    operation: &'a Operation,
    granted: &'a BTreeSet<String>,
    at: Timestamp,
    budget: Duration,
    /// Invented ones by name.
    secrets: BTreeMap<String, String>,
}

impl Making<'_> {
    async fn fixture(
        &self,
        query: &Query,
        live: Live,
        name: &str,
    ) -> Result<(Fixture, Disguise), RecordError> {
        let mut disguise = self.disguise(query, &live, name);
        let taken = Taken::of(self.manifest);
        for got in &live.got {
            taken.reply(got, &mut disguise)?;
        }
        if disguise.has_binary() {
            return Err(RecordError::Binary);
        }
        disguise.settle();
        let query = disguise.question(query, request_id(name));
        let mut exchanges = Vec::new();
        for got in &live.got {
            let reply = taken.reply(got, &mut disguise)?;
            taken::nobody_in(&reply)?;
            exchanges.push(Exchange { line: 0, request: Request::Nothing, reply });
        }
        let mut nonces: Vec<String> = (0..live.nonces.len()).map(invented_nonce).collect();
        nonces.truncate(exchanges.len().max(1));
        let (ended, requests) = self.again(&query, &nonces, &exchanges, taken.charset).await;
        if requests.len() != exchanges.len() {
            return Err(RecordError::Different("the number of exchanges".to_owned()));
        }
        for (exchange, request) in exchanges.iter_mut().zip(requests) {
            exchange.request = request;
        }
        same(&live.ended, &ended, &mut disguise)?;
        let every = self.operation.catalogue.iter().all(|one| self.granted.contains(&one.name));
        let question = Question {
            request_id: query.request_id,
            granted: (!every).then(|| self.granted.iter().cloned().collect()),
            subjects: query.subjects,
            purpose: query.purpose,
            operator: query.operator,
        };
        let expect = expect(&ended, self.at, question.subjects.len());
        let name = name.to_owned();
        Ok((Fixture { name, line: 0, at: self.at, nonces, question, exchanges, expect }, disguise))
    }

    fn disguise(&self, query: &Query, live: &Live, name: &str) -> Disguise {
        let real = self.manifest.secrets.iter();
        let mut secrets: Vec<(String, String)> = real
            .filter_map(|(name, secret)| {
                let invented = self.secrets.get(name)?.clone();
                Some((secret.expose_secret().trim().to_owned(), invented))
            })
            .filter(|(real, _)| !real.is_empty())
            .collect();
        for (place, value) in live.session.iter().enumerate() {
            if secrets.iter().all(|(known, _)| known != value) {
                secrets.push((value.clone(), invented_secret(&format!("session {place}"), value)));
            }
        }
        let nonces = live.nonces.iter().cloned().zip((0..).map(invented_nonce));
        let written = taken::written(self.manifest, self.operation);
        let read = live.read.clone();
        let mut disguise = Disguise::of(query, nonces, request_id(name), secrets, written, read);
        if let Ok(Mapped { record, .. }) = &live.ended
            && let Finding::Found(attributes) = &record.finding
        {
            for (name, value) in attributes {
                let kind = self.operation.catalogue.iter().find(|known| known.name == *name);
                match value {
                    Value::Text(text) if kind.is_some_and(|known| known.kind.name() == "text") => {
                        disguise.know_told(text);
                    }
                    Value::People(people) => disguise.know_people(people),
                    _ => {}
                }
            }
        }
        disguise
    }

    /// The same with people and secrets invented, and the requests that the manifest makes then.
    async fn again(
        &self,
        query: &Query,
        nonces: &[String],
        exchanges: &[Exchange],
        charset: Charset,
    ) -> (Result<Mapped, Failed>, Vec<Request>) {
        let journal = Arc::new(Journal::about(self.manifest, &query.fact));
        let attributes = self.operation.catalogue.clone();
        let script = Arc::new(Script::new(exchanges.to_vec(), charset, attributes, 0));
        let once = Once {
            manifest: self.manifest,
            operation: self.operation,
            secrets: Some(&self.secrets),
            witness: None,
            at: self.at,
            nonces,
            budget: self.budget,
        };
        let line = Arc::new(Listening::to(script, Arc::clone(&journal)));
        let ended = once.ask(line, query, self.granted).await;
        let requests = journal.told().0.into_iter().filter_map(|event| match event {
            Event::Put(put) => Some(taken::request(&put, charset)),
            _ => None,
        });
        (ended, requests.collect())
    }

    /// Reads what was written and plays it.
    async fn prove(
        &self,
        draft: &Path,
        find: &dyn Fn(&FactCode) -> Option<Fact>,
    ) -> Result<(), RecordError> {
        let read = fixture::read(draft, find).map_err(first)?;
        for fixture in &read.fixtures {
            let played = fixture::play_one(self.manifest, self.operation, &read, fixture).await;
            if let Some(difference) = played.first() {
                return Err(RecordError::Different(difference.what.clone()));
            }
        }
        Ok(())
    }
}

fn first(flaws: Vec<Flaw>) -> RecordError {
    let flaw = flaws.into_iter().next();
    RecordError::Flaw(flaw.unwrap_or_else(|| Flaw::new("", "the fixture cannot be read")))
}

/// Those of the file where there is one, so that its other fixtures still play; else new ones as long as the real.
fn invented_secrets(manifest: &Manifest, there: Option<&FixtureFile>) -> BTreeMap<String, String> {
    if let Some(there) = there {
        return there.secrets_for(manifest);
    }
    let invented = |(name, secret): (&String, &SecretString)| {
        (name.clone(), invented_secret(name, secret.expose_secret().trim()))
    };
    manifest.secrets.iter().map(invented).collect()
}

/// As long as the real one, and always the same for a name.
fn invented_secret(name: &str, real: &str) -> String {
    let digest = hex(&sha256_parts(&[b"heyan recorded secret", name.as_bytes()]));
    digest.chars().cycle().take(real.chars().count()).collect()
}

/// As many as a question can come to use: twice what its pages and a session take. One where nothing looks at it.
fn real_nonces(manifest: &Manifest, operation: &Operation) -> Vec<String> {
    let pages = operation.paging.as_ref().map_or(1, |paging| paging.max_pages);
    let most = usize::try_from(2 * (pages + 1)).unwrap_or(1);
    (0..if manifest.wants("nonce") { most } else { 1 }).map(|_| nonce()).collect()
}

/// The one of an exchange, from 0.
fn invented_nonce(place: usize) -> String {
    format!("{place:032}")
}

fn request_id(name: &str) -> [u8; 16] {
    let digest = sha256_parts(&[b"heyan recorded question", name.as_bytes()]);
    let mut id = [0; 16];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    id
}

/// Refuses when invented people come to another outcome than the real ones.
fn same(
    live: &Result<Mapped, Failed>,
    again: &Result<Mapped, Failed>,
    disguise: &mut Disguise,
) -> Result<(), RecordError> {
    let different = |what: &str| Err(RecordError::Different(what.to_owned()));
    if outcome_name(live) != outcome_name(again) {
        return different("the outcome");
    }
    match (live, again) {
        (Ok(live), Ok(again)) => {
            if let (Finding::Found(live), Finding::Found(again)) =
                (&live.record.finding, &again.record.finding)
            {
                if live.len() != again.len() {
                    return different("the list of attributes");
                }
                for (name, value) in live {
                    let expected = match value {
                        Value::Text(text) => Value::Text(disguise.text(text)),
                        Value::People(people) => Value::People(disguise.people(people)),
                        other => other.clone(),
                    };
                    if again.get(name) != Some(&expected) {
                        return different(&format!("the attribute `{name}`"));
                    }
                }
            }
            if live.dropped != again.dropped || live.record.as_of != again.record.as_of {
                return different("`as_of`, or what is dropped,");
            }
        }
        (Err(live), Err(again)) if live.reason != again.reason || live.key != again.key => {
            return different("the reason");
        }
        _ => {}
    }
    Ok(())
}

fn expect(ended: &Result<Mapped, Failed>, at: Timestamp, subjects: usize) -> Expect {
    let mut expect = Expect { outcome: outcome_name(ended).to_owned(), ..Expect::default() };
    match ended {
        Ok(Mapped { record, dropped }) => {
            if let Finding::Found(attributes) = &record.finding {
                let told = attributes.iter();
                expect.attributes =
                    told.map(|(name, value)| (name.clone(), value.plain())).collect();
            }
            expect.as_of = (record.as_of != at).then_some(record.as_of);
            let all = (0..).take(subjects).eq(record.subjects_checked.iter().copied());
            expect.subjects_checked = (!all).then(|| record.subjects_checked.clone());
            expect.dropped = *dropped;
        }
        Err(failed) => {
            if expect.outcome == "unavailable" {
                expect.reason = Some(failed.reason.code().to_owned());
            }
            expect.key.clone_from(&failed.key);
        }
    }
    expect
}
