//! A manifest tried out against an address that is not its agency's: for `heyan adapter check --level faults`.
//!
//! Neither its secrets nor its certificates are read: they are replaced by made-up ones, and whoever is asked about does
//! not exist. Only what kind of answer came is told.

mod sample;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Map, Value as Json};

pub use self::sample::Sample;
use super::adapter::Adapter;
use super::failed::Failure;
use super::language::moment;
use super::limits::Maintenance;
use super::line::{self, tls};
use super::manifest::{
    self, Access, Dated, Depth, Dialect, Elsewhere, Folder, Manifest, Runs, Session,
};
use crate::catalogue::{Catalogue, Fact, Role};
use crate::crypto;
use crate::finding::Finding;
use crate::hostile::{self, Good, Table};
use crate::query::record;
use crate::query::subject::{
    Document, Employer, IdentityDocument, Person, Property, Subject, SubjectKind,
};
use crate::query::time::Timestamp;
use crate::query::{FactCode, Operator, Purpose, Query};

/// In place of every secret and session value: hexadecimal, Base64 and 32 characters at once, as most algorithms want.
const MADE_UP: &str = "00112233445566778899aabbccddeeff";
/// Numbers right in form, of years in which nobody alive was born: a man and a woman.
pub(super) const PEOPLE: [(&str, &str); 2] =
    [("430000188001010014", "张三"), ("430000188203150023", "李四")];

/// One manifest to be tried.
pub struct Trial {
    file: PathBuf,
    name: String,
    catalogue: Vec<Fact>,
    kind: &'static str,
    plays: hostile::Kind,
    folder: Option<Folder>,
    facts: Vec<FactCode>,
    has_session: bool,
}

/// Where the trial's questions go.
#[derive(Clone, Debug)]
pub struct Aim {
    /// The address.
    pub address: SocketAddr,
    /// Where tables are dropped, in place of the manifest's folder.
    pub folder: Option<PathBuf>,
    /// The only authority trusted there, in PEM. The name expected is the address.
    pub authority: String,
    /// Time for one attempt, in place of the manifest's.
    pub timeout: Duration,
    /// The first thing asked for is a session, as with the agency itself. Without, a made-up one is in use already, and
    /// the question itself comes first.
    pub with_session: bool,
}

/// What came of one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// A record was found.
    Found,
    /// "There is no record."
    NotFound,
    /// "There are records that disagree."
    Conflict,
    /// No answer, and why.
    Failed(Failure),
}

impl Trial {
    /// Reads the manifest.
    ///
    /// # Errors
    /// Its flaws.
    pub fn read(file: &Path, catalogue: &Catalogue) -> Result<Self, Vec<Finding>> {
        Self::with_facts(file, catalogue.facts().cloned().collect())
    }

    pub(super) fn with_facts(file: &Path, catalogue: Vec<Fact>) -> Result<Self, Vec<Finding>> {
        let mut trial = Self {
            file: file.to_owned(),
            name: String::new(),
            catalogue,
            kind: "",
            plays: hostile::Kind::Http,
            folder: None,
            facts: Vec::new(),
            has_session: false,
        };
        let manifest = trial.manifest()?;
        trial.name.clone_from(&manifest.name);
        trial.kind = manifest.access.kind();
        trial.plays = plays(&manifest.access);
        if let Access::File(folder) = &manifest.access {
            trial.folder = Some(by_name(folder));
        }
        trial.has_session = manifest.session.is_some();
        trial.facts = manifest.operations.into_iter().map(|operation| operation.fact).collect();
        Ok(trial)
    }

    /// The manifest.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Name of the adapter.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `http`, `soap`, `sql`, `file` or `grpc`.
    pub fn transport(&self) -> &'static str {
        self.kind
    }

    /// What an agency is taken for that it would ask.
    pub fn plays(&self) -> hostile::Kind {
        self.plays
    }

    /// A reply that a hostile agency damages. Where it is a table, it is one of that time.
    pub fn good(&self, at: Timestamp) -> Good {
        let key = self.folder.as_ref().map(|folder| folder.key.clone()).unwrap_or_default();
        let row = [(key, PEOPLE[0].0.to_owned()), (String::from("x"), String::from("1"))];
        Good { table: self.table(at, &row), ..Good::default() }
    }

    /// A table of this row as an agency would drop it at that time.
    pub(super) fn table(&self, at: Timestamp, row: &[(String, String)]) -> Option<Table> {
        dropped(self.folder.as_ref()?, at, row)
    }

    /// The facts it answers.
    pub fn facts(&self) -> &[FactCode] {
        &self.facts
    }

    /// True when a session is had before the first question.
    pub fn has_session(&self) -> bool {
        self.has_session
    }

    /// Puts a made-up question about the fact, with nothing left over from earlier ones.
    ///
    /// # Errors
    /// When the manifest cannot be read any more.
    pub async fn ask(
        &self,
        aim: &Aim,
        fact: &FactCode,
        at: Timestamp,
        budget: Duration,
    ) -> Result<Came, Vec<Finding>> {
        self.ask_for(aim, &self.no_sample(fact, at), budget).await
    }

    /// Puts the question that a sample answers, with nothing left over from earlier ones.
    ///
    /// # Errors
    /// When the manifest cannot be read any more.
    pub async fn ask_for(
        &self,
        aim: &Aim,
        sample: &Sample,
        budget: Duration,
    ) -> Result<Came, Vec<Finding>> {
        let mut manifest = self.manifest()?;
        let flaw = |problem: String| vec![Finding::new(&self.file, problem)];
        aim_at(&mut manifest, aim).map_err(flaw)?;
        let question = match &sample.told {
            Some(told) => {
                for (name, secret) in &told.secrets {
                    manifest.secrets.insert(name.clone(), SecretString::from(secret.as_str()));
                }
                told.query.clone()
            }
            None => {
                let known = self.catalogue.iter().find(|known| known.code == sample.fact);
                question(&sample.fact, known.map_or(&[][..], |fact| &fact.roles))
            }
        };
        let line = line::open(&manifest.access).map_err(flaw)?;
        let adapter = Adapter::over(line, manifest, b"");
        Ok(match adapter.ask_granted(&|_| true, &question, sample.at, budget).await {
            Ok(answer) => match answer.record.finding {
                record::Finding::Found(_) => Came::Found,
                record::Finding::NotFound => Came::NotFound,
                record::Finding::Conflict => Came::Conflict,
            },
            Err(failure) => Came::Failed(failure),
        })
    }

    fn manifest(&self) -> Result<Manifest, Vec<Finding>> {
        let find = |code: &FactCode| self.catalogue.iter().find(|fact| fact.code == *code).cloned();
        manifest::read(&self.file, Depth::ManifestOnly, &find)
    }
}

fn aim_at(manifest: &mut Manifest, aim: &Aim) -> Result<(), String> {
    // A fault is met whatever the day, and as often as there are faults.
    manifest.maintenance = Maintenance::default();
    manifest.resilience.rate = None;
    for operation in &mut manifest.operations {
        operation.resilience.rate = None;
    }
    for secret in manifest.secrets.values_mut() {
        *secret = SecretString::from(MADE_UP);
    }
    let session = manifest.session.as_mut().and_then(Arc::get_mut).filter(|_| !aim.with_session);
    if let Some(session) = session {
        session.held = Some(made_up(session));
    }
    let terms = || tls::client(aim.authority.as_bytes(), None).map_err(|error| error.to_string());
    match &mut manifest.access {
        Access::Http(site) | Access::Soap(site, _) => {
            site.base = format!("https://{}", aim.address);
            site.tls = terms()?;
            site.timeout = aim.timeout;
        }
        Access::Sql(database) => {
            database.host = aim.address.ip().to_string();
            database.port = aim.address.port();
            database.password = SecretString::from(MADE_UP);
            database.tls = terms()?;
            database.statement_timeout = aim.timeout;
        }
        Access::File(folder) => {
            *folder = by_name(folder);
            folder.path = aim.folder.clone().unwrap_or_default();
        }
        Access::Grpc(program) => {
            // A program that the gateway would start is stood in for too: what is tried is the gateway's end.
            program.place = Runs::Remote(Box::new(Elsewhere {
                authority: aim.address.to_string(),
                server_name: aim.address.ip().to_string(),
                tls: terms()?,
            }));
            program.timeout = aim.timeout;
        }
    }
    Ok(())
}

fn plays(access: &Access) -> hostile::Kind {
    match access {
        Access::Http(_) | Access::Soap(..) => hostile::Kind::Http,
        Access::Sql(database) => match database.dialect {
            Dialect::PostgreSql => hostile::Kind::Postgres,
            Dialect::MySql => hostile::Kind::Mysql,
        },
        Access::File(_) => hostile::Kind::Folder,
        Access::Grpc(_) => hostile::Kind::Grpc,
    }
}

/// The folder with its files dated by their names: a hostile agency drops several, and a time elsewhere would have to be
/// damaged along with them.
fn by_name(folder: &Folder) -> Folder {
    if folder.dated == Dated::Name {
        return folder.clone();
    }
    let name = ("trial-".to_owned(), Some(".txt".to_owned()));
    Folder { name, dated: Dated::Name, as_of: "yyyyMMddHHmmss".to_owned(), ..folder.clone() }
}

/// A table of this row as the agency would drop it at that time; `None` where its charset cannot carry it.
fn dropped(folder: &Folder, at: Timestamp, row: &[(String, String)]) -> Option<Table> {
    let named = |at: Timestamp| {
        let ms = i64::try_from(at.0 / 1_000).ok()?;
        let (before, after) = &folder.name;
        let after = after.as_deref().unwrap_or_default();
        Some(format!("{before}{}{after}", moment::write(ms, &folder.as_of).ok()?))
    };
    let value = |column: &String| {
        let given = row.iter().find(|(name, _)| name == column);
        given.map_or("1", |(_, value)| value.as_str())
    };
    let separator = char::from(folder.separator).to_string();
    let names: Vec<String> = row.iter().map(|(name, _)| name.clone()).collect();
    let columns = if folder.columns.is_empty() { &names } else { &folder.columns };
    let line = columns.iter().map(value).collect::<Vec<_>>().join(&separator);
    let head = if folder.columns.is_empty() {
        Some(folder.charset.encode(&names.join(&separator))?)
    } else {
        None
    };
    let days = |days: u64| Duration::from_secs(days * 86_400);
    let old = at.0.checked_sub(u64::try_from((folder.max_age + days(2)).as_micros()).ok()?)?;
    let sha256: fn(&[u8]) -> String = |bytes| crypto::hex(&crypto::sha256(bytes));
    let sm3: fn(&[u8]) -> String = |bytes| crypto::hex(&crypto::sm3(bytes));
    let is_sm3 = (folder.digest)().finish() == crypto::sm3(b"");
    let (digest, other_digest) = if is_sm3 { (sm3, sha256) } else { (sha256, sm3) };
    Some(Table {
        name: named(at)?,
        future: named(at.plus(days(2)))?,
        old: named(Timestamp(old))?,
        digest,
        other_digest,
        head,
        key: folder.charset.encode(&folder.key)?,
        line: folder.charset.encode(&line)?,
        separator: folder.separator,
    })
}

fn made_up(session: &Session) -> Json {
    let values = session.values.iter().map(|(name, _)| (name.clone(), Json::from(MADE_UP)));
    Json::Object(values.collect::<Map<_, _>>())
}

/// About nobody: every role is filled, the optional ones too.
pub(super) fn question(fact: &FactCode, roles: &[Role]) -> Query {
    let subjects = roles.iter().zip(PEOPLE.iter().cycle()).map(|(role, (number, name))| {
        let kind = match role.kind.as_str() {
            "employer" => SubjectKind::Employer(Employer {
                uscc: "12430000000000027P".to_owned(),
                name: "样例单位".to_owned(),
            }),
            "property" => SubjectKind::Property(Property {
                unit_number: "430102001001GB00001F00010001".to_owned(),
                certificate_number: "湘(2018)长沙市不动产权第0000001号".to_owned(),
                address: "样例路1号".to_owned(),
                division: "430100".to_owned(),
            }),
            "document" => SubjectKind::Document(Document {
                number: "SAMPLE-0001".to_owned(),
                code: "0001".to_owned(),
                division: "430100".to_owned(),
            }),
            _ => SubjectKind::Person(Person {
                document_type: IdentityDocument::CitizenId,
                document_number: (*number).to_owned(),
                name: (*name).to_owned(),
            }),
        };
        Subject { role: role.name.clone(), kind }
    });
    Query {
        request_id: [7; 16],
        fact: fact.clone(),
        subjects: subjects.collect(),
        relations: Vec::new(),
        assertions: Vec::new(),
        disclose: Vec::new(),
        purpose: Purpose {
            item: "SAMPLE".into(),
            item_version: "1".to_owned(),
            case_number: "SAMPLE-CASE-1".to_owned(),
            replaced_material: "sample".to_owned(),
            ..Purpose::default()
        },
        operator: Operator { id: "sample-operator".to_owned(), unit: "sample-unit".to_owned() },
        max_age: None,
        want_receipt: false,
    }
}
