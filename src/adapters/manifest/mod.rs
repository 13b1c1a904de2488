//! One agency's manifest: from TOML to checked values, with every flaw at once.

mod access;
mod codes;
mod constant;
mod dispute;
mod files;
mod folder;
mod names;
mod operation;
mod program;
mod request;
mod resilience;
pub(in crate::adapters) mod section;
mod source;
mod sign;
mod statement;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;
use serde_json::Value as Json;

use self::files::Files;
use self::names::Declared;
use self::section::{Section, Source};
use self::sign::Carrier;
use crate::adapters::language::expression::Expression;
use crate::adapters::language::room::with_room;
use crate::adapters::limits::Maintenance;
use crate::catalogue::Fact;
use crate::crypto::{Digest, sha256, sha256_parts};
use crate::finding::Finding;
use crate::query::{FactCode, OrganisationId};

pub(crate) use self::access::{Access, Database, Dialect, Site};
pub(crate) use self::dispute::{CALLED, Call, Disputes};
pub use self::files::Allowed;
pub(in crate::adapters) use self::files::read_file;
pub(crate) use self::folder::{Dated, Folder};
pub(crate) use self::operation::{Operation, Paging, Question, Reading};
pub(crate) use self::program::{Elsewhere, Here, Program, Runs};
pub(crate) use self::request::{Envelope, Payload, Request, Tree};
pub(crate) use self::resilience::{Narrower, Resilience};
pub(crate) use self::sign::{Placed, Sign, Value as SignValue};
pub(crate) use self::source::Place;

/// Version of the language this gateway reads.
const SCHEMA: i64 = 1;
/// Bytes of a manifest. A long one is some tens of kilobytes.
const MAX_BYTES: u64 = 1_048_576;

/// One manifest, checked. It holds secrets and has no `Debug`.
pub(crate) struct Manifest {
    /// The file.
    pub(crate) file: PathBuf,
    /// Name of the adapter.
    pub(crate) name: String,
    /// Version of the manifest.
    pub(crate) version: String,
    /// The organisation it speaks to.
    pub(crate) agency: OrganisationId,
    /// SHA-256 of the file.
    pub(crate) digest: Digest,
    /// SHA-256 over the file and everything it refers to.
    pub(crate) fingerprint: Digest,
    /// Secrets by name.
    pub(crate) secrets: BTreeMap<String, SecretString>,
    /// Constants.
    pub(crate) settings: Json,
    /// How the agency is reached.
    pub(crate) access: Access,
    /// How a short-lived secret is had.
    pub(crate) session: Option<Arc<Session>>,
    /// Limits towards the agency.
    pub(crate) resilience: Resilience,
    /// When the agency is not there.
    pub(crate) maintenance: Maintenance,
    /// Where the agency takes disputes.
    pub(crate) disputes: Disputes,
    /// One per fact.
    pub(crate) operations: Vec<Operation>,
    /// Where its expressions are.
    pub(crate) places: Vec<Place>,
    /// Files and secrets it refers to, by key, as they are written.
    pub(crate) references: BTreeMap<String, String>,
    /// What should be seen to, and keeps nobody from using it.
    pub(crate) warnings: Vec<Finding>,
}

impl Manifest {
    /// Whether an expression may look at that name: what nobody looks at need not be made for each question.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.places.iter().any(|place| holds_name(&place.text, name))
    }
}

/// True where a text holds that name by itself, and not as a field or method of something.
fn holds_name(text: &str, name: &str) -> bool {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + name.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(|before| is_part(before) || before == '.')
            && !after.is_some_and(is_part)
    })
}

/// How a short-lived secret is had.
pub(crate) struct Session {
    /// What asks for it.
    pub(crate) request: Request,
    /// What is kept of the reply.
    pub(crate) values: Vec<(String, Expression)>,
    /// When it ends, in milliseconds since 1970.
    pub(crate) expires: Expression,
    /// The agency did not give one.
    pub(crate) failed: Option<Expression>,
    /// Seen on an ordinary reply: it is over.
    pub(crate) rejected: Option<Expression>,
    /// Its values, where they are given beforehand and never asked for, as in a trial.
    pub(crate) held: Option<Json>,
}

/// Whether the files that a manifest names are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The manifest alone, where its secrets and certificates are not.
    ManifestOnly,
    /// Everything it names.
    WithFiles,
}

/// The catalogue, as far as a manifest is held against it.
pub(crate) type Find<'a> = dyn Fn(&FactCode) -> Option<Fact> + Sync + 'a;

/// Reads one manifest.
///
/// # Errors
/// Every flaw, with its place.
pub(crate) fn read(file: &Path, depth: Depth, find: &Find<'_>) -> Result<Manifest, Vec<Finding>> {
    read_within(file, depth, &Allowed::everything(), find)
}

/// Reads one manifest, which may have no more than what is allowed.
///
/// # Errors
/// Every flaw, with its place.
pub(crate) fn read_within(
    file: &Path,
    depth: Depth,
    allowed: &Allowed,
    find: &Find<'_>,
) -> Result<Manifest, Vec<Finding>> {
    with_room(|| read_here(file, depth, allowed, find)).unwrap_or_else(|| Err(vec![gave_up(file)]))
}

/// Said where reading it has panicked, or no thread could be had for that.
pub(crate) fn gave_up(file: &Path) -> Finding {
    Finding::new(file, "it cannot be read: that failed inside the gateway")
}

fn read_here(
    file: &Path,
    depth: Depth,
    allowed: &Allowed,
    find: &Find<'_>,
) -> Result<Manifest, Vec<Finding>> {
    let unreadable = |problem: String| vec![Finding::new(file, problem)];
    let bytes = read_file(file, MAX_BYTES).map_err(unreadable)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
    let table = section::parse(file, text)?;
    let source = Source::new(file, text);
    let folder = file.parent().unwrap_or(Path::new("."));
    let files = Files::new(folder, depth == Depth::WithFiles, allowed);
    let manifest = manifest(&source, Section::document(&source, &table), file, &files, find);
    match manifest.filter(|_| source.is_clean()) {
        Some(mut manifest) => {
            let (secrets, digest, references) = files.into_parts();
            manifest.references = references;
            manifest.secrets = secrets;
            manifest.warnings = source.take_warnings();
            manifest.digest = sha256(&bytes);
            manifest.fingerprint = sha256_parts(&[&bytes, &digest]);
            Ok(manifest)
        }
        None => Err(source.into_findings()),
    }
}

/// The adapter's name in a manifest, as far as that can be read.
pub(crate) fn name_of(file: &Path) -> Option<String> {
    let text = String::from_utf8(read_file(file, MAX_BYTES).ok()?).ok()?;
    let (table, _) = toml::de::DeTable::parse_recoverable(&text);
    table.get_ref().get("name")?.get_ref().as_str().map(str::to_owned)
}

fn manifest(
    source: &Source<'_>,
    document: Section<'_>,
    file: &Path,
    files: &Files<'_>,
    find: &dyn Fn(&FactCode) -> Option<Fact>,
) -> Option<Manifest> {
    schema(source, &document);
    let name = document.required("name");
    if let Some(name) = name.as_ref().filter(|name| !is_plain(&name.value)) {
        source.flaw(name.at, "`name` has lower-case letters, digits and `-` only");
    }
    let version = document.required("version");
    let agency = document.required("agency").map(|text| OrganisationId::new(text.value));
    let mut declared = Declared::default();
    for (name, secret) in sections(
        &document,
        "secrets",
        "a table `{ file = \"…\" }`: a secret never stands in a manifest",
    ) {
        if let Some(path) = secret.required("file") {
            files.keep_secret(source, &name, &path);
        }
        secret.finish();
        declared.secrets.push(name);
    }
    let settings = document.section("settings").map(Section::constants).unwrap_or_default();
    declared.settings = settings.keys().cloned().collect();
    let resilience = resilience::resilience(source, &document);
    let maintenance = resilience::maintenance(source, &document);
    let mut access = access::access(source, &document, files, resilience.max_in_flight);
    if let (Some(Access::Grpc(program)), Some(name)) = (&mut access, &name) {
        program.name.clone_from(&name.value);
    }
    let session = session(source, &document, access.as_ref(), &mut declared);
    signing(source, &document, access.as_ref(), &mut declared);
    let disputes = dispute::dispute(source, &document, files, &declared, access.as_ref());
    let operations = document.sections("operation");
    if operations.is_empty() {
        document.missing("operation");
    }
    let mut read: Vec<Operation> = Vec::new();
    for section in operations {
        let at = section.at_key("fact");
        let Some(agency) = agency.as_ref() else { continue };
        let operation =
            operation::operation(source, section, agency, &declared, access.as_ref(), find);
        let Some(operation) = operation else { continue };
        if read.iter().any(|other| other.fact == operation.fact) {
            source.flaw(at, format!("`{}` has an operation already", operation.fact));
        }
        read.push(operation);
    }
    let session = session?;
    let own = session.as_ref().and_then(|session: &Session| session.request.host());
    let asked = read.iter().find_map(|operation| operation.question.host());
    access::refuse_host(source, &document, access.as_ref(), own.or(asked));
    document.finish();
    Some(Manifest {
        file: file.to_owned(),
        name: name?.value,
        version: version?.value,
        agency: agency?,
        digest: Digest::default(),
        fingerprint: Digest::default(),
        secrets: BTreeMap::new(),
        settings: Json::Object(settings),
        access: access?,
        session: session.map(Arc::new),
        resilience,
        maintenance,
        disputes: disputes?,
        operations: read,
        places: source.take_places(),
        references: BTreeMap::new(),
        warnings: Vec::new(),
    })
}

fn schema(source: &Source<'_>, document: &Section<'_>) {
    if !document.has("schema") {
        let problem = format!(
            "`schema` is missing: write `schema = {SCHEMA}`, the version of the language it is in"
        );
        source.flaw(document.at(), problem);
    }
    let given = document.integer("schema", 0..i64::MAX, SCHEMA);
    if given != SCHEMA {
        let problem = format!(
            "this gateway reads `schema = {SCHEMA}` and no {given}: take a gateway of the version \
             this manifest was written for, or write it as docs/adapters.md says"
        );
        source.flaw(document.at_key("schema"), problem);
    }
}

/// Reads `[sign]` into what the requests of the operations are made with.
fn signing(
    source: &Source<'_>,
    document: &Section<'_>,
    access: Option<&Access>,
    declared: &mut Declared,
) {
    let Some(section) = document.section("sign") else { return };
    let carrier = match access {
        Some(Access::Soap(..)) => Carrier::Soap,
        Some(Access::Http(_)) | None => Carrier::Http,
        Some(_) => {
            source.flaw(section.at(), "`[sign]` goes with `[http]` or `[soap]` only");
            Carrier::Http
        }
    };
    let base = declared.for_signing();
    declared.sign = sign::sign(source, section, &base, carrier, &declared.secrets);
}

fn sections<'s>(
    document: &Section<'s>,
    key: &'static str,
    wanted: &str,
) -> Vec<(String, Section<'s>)> {
    document.section(key).map(|section| section.named_sections(wanted)).unwrap_or_default()
}

/// The outer `None` is a flaw; the inner one is no session.
#[expect(clippy::option_option, reason = "a flaw and an absence are different things")]
fn session(
    source: &Source<'_>,
    document: &Section<'_>,
    access: Option<&Access>,
    declared: &mut Declared,
) -> Option<Option<Session>> {
    let Some(section) = document.section("session") else { return Some(None) };
    if !matches!(access, None | Some(Access::Http(_) | Access::Soap(..))) {
        source.flaw(section.at(), "`[session]` goes with `[http]` or `[soap]` only");
    }
    let asking = declared.for_session_request();
    let hearing = declared.for_session_reply();
    if !section.has("request") {
        section.missing("request");
    }
    // Nothing is inherited from `[sign]`: who asks for a secret signs otherwise, and mostly with another key.
    let sign = section
        .section("sign")
        .map(|inside| sign::sign(source, inside, &asking, Carrier::Http, &declared.secrets));
    let request = section.section("request").and_then(|inside| {
        request::request(source, inside, &asking, sign.as_ref().and_then(Option::as_ref))
    });
    if !section.has("values") {
        section.missing("values");
    }
    let values = section.section("values").map(Section::named_texts).unwrap_or_default();
    declared.session = values.iter().map(|(name, _)| name.clone()).collect();
    let values: Vec<_> = values
        .into_iter()
        .map(|(name, text)| source.expression(&text, &hearing).map(|value| (name, value)))
        .collect();
    let optional = |key, names| {
        section.text(key).map_or(Some(None), |text| source.expression(&text, names).map(Some))
    };
    let expires = section.required("expires").and_then(|text| source.expression(&text, &hearing));
    let failed = optional("failed", &hearing);
    let rejected = optional("rejected", &declared.for_rejection());
    section.finish();
    Some(Some(Session {
        request: request?,
        values: values.into_iter().collect::<Option<_>>()?,
        expires: expires?,
        failed: failed?,
        rejected: rejected?,
        held: None,
    }))
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests;
