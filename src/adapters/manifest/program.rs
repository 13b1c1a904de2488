//! `[grpc]`: a program in front of an agency, at the end of a TLS connection or started by the gateway itself.

use std::env;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::access::{Access, MAX_TIMEOUT, TIMEOUT, authority, tls};
use super::files::Files;
use super::section::{Section, Source, Text};

/// Time to begin listening when the manifest does not say: an interpreter on a busy machine takes a few seconds.
const START_WITHIN: Duration = Duration::from_secs(10);
/// Time to end after being told to, when the manifest does not say.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// Words of a command. A long one has about ten.
const MAX_WORDS: usize = 64;
/// Names that are the gateway's own.
const RESERVED: &str = "HEYAN_";

const OF_ENDPOINT: [&str; 4] = ["server_name", "ca", "certificate", "key"];
const OF_COMMAND: [&str; 6] =
    ["folder", "environment", "secrets", "start_within", "stop_within", "log"];

/// A program that implements `heyan.adapter.v1`.
pub(crate) struct Program {
    /// Name of the adapter, which the program has too if it has one.
    pub(crate) name: String,
    /// Where it runs.
    pub(crate) place: Runs,
    /// For one attempt.
    pub(crate) timeout: Duration,
}

/// Where a program runs.
pub(crate) enum Runs {
    /// Wherever its operator runs it.
    Remote(Box<Elsewhere>),
    /// Beside the gateway, which starts it and keeps it running.
    Here(Here),
}

/// A program at the end of a TLS connection.
pub(crate) struct Elsewhere {
    /// Host and port.
    pub(crate) authority: String,
    /// Name its certificate must have.
    pub(crate) server_name: String,
    /// Whom to trust, and who to be.
    pub(crate) tls: rustls::ClientConfig,
}

/// A program that the gateway starts.
#[derive(Clone)]
pub(crate) struct Here {
    /// The program: a path, or a name to be found in `PATH`.
    pub(crate) program: PathBuf,
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
    /// Its working directory, absolute.
    pub(crate) folder: PathBuf,
    /// What it finds in its environment beside the little that is passed on.
    pub(crate) environment: Vec<(String, OsString)>,
    /// Time to begin listening and to say what it is.
    pub(crate) start_within: Duration,
    /// Time to end after being told to.
    pub(crate) stop_within: Duration,
    /// Whether what it writes goes to the log. It may hold anything, personal data too.
    pub(crate) log: bool,
}

/// Reads the section.
pub(super) fn grpc(source: &Source<'_>, section: Section<'_>, files: &Files<'_>) -> Option<Access> {
    let name = String::new();
    let timeout = section.span("timeout", MAX_TIMEOUT, TIMEOUT);
    let place = match (section.has("endpoint"), section.has("command")) {
        (true, false) => {
            refuse(source, &section, &OF_COMMAND, "command");
            remote(source, &section, files).map(Box::new).map(Runs::Remote)
        }
        (false, true) => {
            refuse(source, &section, &OF_ENDPOINT, "endpoint");
            here(source, &section, files).map(Runs::Here)
        }
        (false, false) => {
            refuse(source, &section, &[], "");
            source.flaw(section.at(), "one of `grpc.endpoint`, `grpc.command` is missing");
            None
        }
        (true, true) => {
            refuse(source, &section, &[], "");
            let problem = "only one of `grpc.endpoint`, `grpc.command` can be used";
            source.flaw(section.at_key("command"), problem);
            None
        }
    };
    section.finish();
    Some(Access::Grpc(Program { name, place: place?, timeout }))
}

/// Notes keys that go with the other kind of program; all keys are known ones, whichever kind it is.
fn refuse(source: &Source<'_>, section: &Section<'_>, keys: &[&'static str], with: &str) {
    for key in OF_ENDPOINT.iter().chain(&OF_COMMAND) {
        if section.has(key) && keys.contains(key) {
            let problem = format!("`grpc.{key}` goes with `grpc.{with}` only");
            source.flaw(section.at_key(key), problem);
        }
    }
}

fn remote(source: &Source<'_>, section: &Section<'_>, files: &Files<'_>) -> Option<Elsewhere> {
    let authority = section.required("endpoint").and_then(|text| authority(source, &text));
    let tls = tls(source, section, files);
    let server_name = section.text("server_name");
    let authority = authority?;
    let host = authority.rsplit_once(':').map_or(authority.as_str(), |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let server_name = server_name.map_or(host, |text| text.value);
    Some(Elsewhere { authority, server_name, tls: tls? })
}

fn here(source: &Source<'_>, section: &Section<'_>, files: &Files<'_>) -> Option<Here> {
    let mut words = section.texts("command");
    if words.is_empty() || words.len() > MAX_WORDS {
        let problem = format!("`grpc.command` is a program and its arguments, 1 to {MAX_WORDS}");
        source.flaw(section.at_key("command"), problem);
        return None;
    }
    if !files.may_start_programs() {
        let problem = "manifests may have no program started here (`manifests.programs` of the \
                       gateway's settings): run it yourself and name its `grpc.endpoint`";
        source.flaw(section.at_key("command"), problem);
    }
    let folder = match section.text("folder") {
        Some(text) => {
            files.refer(&text);
            let folder = files.path(&text.value);
            if files.read && !folder.is_dir() {
                let problem = format!("{}: there is no folder `{}`", text.key, folder.display());
                source.flaw(text.at, problem);
            }
            folder
        }
        None => files.path(""),
    };
    let environment = environment(source, section, files);
    let start_within = section.span("start_within", MAX_TIMEOUT, START_WITHIN);
    let stop_within = section.span("stop_within", MAX_TIMEOUT, STOP_WITHIN);
    let log = section.truth("log");
    // A changed script is a changed program: a reload starts it anew.
    words.iter().for_each(|word| files.note_version(&folder.join(&word.value)));
    let program = words.remove(0);
    files.refer(&program);
    let found = program_of(&program.value, &folder);
    if files.read && !is_there(&found, &environment) {
        let problem =
            format!("{}: there is no program `{}` that can be run", program.key, found.display());
        source.flaw(program.at, problem);
    }
    let arguments = words.into_iter().map(|word| word.value).collect();
    Some(Here { program: found, arguments, folder, environment, start_within, stop_within, log })
}

/// A name without a slash is looked for in `PATH`; anything else is a path from the program's folder.
fn program_of(word: &str, folder: &Path) -> PathBuf {
    if word.contains('/') { folder.join(word) } else { PathBuf::from(word) }
}

fn is_there(program: &Path, environment: &[(String, OsString)]) -> bool {
    if program.is_absolute() {
        return can_be_run(program);
    }
    let own = environment.iter().find(|(name, _)| name == "PATH").map(|(_, path)| path.clone());
    let path = own.or_else(|| env::var_os("PATH")).unwrap_or_default();
    env::split_paths(&path).any(|folder| can_be_run(&folder.join(program)))
}

fn can_be_run(file: &Path) -> bool {
    file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// The values of `environment`, and the files of the secrets that `secrets` names. A secret itself is never passed: an
/// environment is inherited by whatever a program starts.
fn environment(
    source: &Source<'_>,
    section: &Section<'_>,
    files: &Files<'_>,
) -> Vec<(String, OsString)> {
    let table =
        |key| section.section(key).map(Section::named_texts).unwrap_or_default().into_iter();
    let mut read: Vec<(String, OsString)> = Vec::new();
    let mut keep = |name: String, text: &Text, value: OsString| {
        if !is_name(&name) || name.starts_with(RESERVED) {
            let problem =
                format!("`{}`: a name has letters, digits and `_`, and not {RESERVED}…", text.key);
            source.flaw(text.at, problem);
        }
        if read.iter().any(|(other, _)| *other == name) {
            source.flaw(text.at, format!("`{}`: `{name}` is set twice", text.key));
        }
        read.push((name, value));
    };
    for (name, text) in table("environment") {
        keep(name, &text, OsString::from(&text.value));
    }
    for (name, text) in table("secrets") {
        files.refer(&text);
        match files.secret_path(&text.value) {
            Some(path) => keep(name, &text, path.into_os_string()),
            None => {
                let problem = format!("`{}` names no secret: `{}`", text.key, text.value);
                source.flaw(text.at, problem);
            }
        }
    }
    read
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
