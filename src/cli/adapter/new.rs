//! `heyan adapter new`: the beginning of a manifest and of its fixtures, for people to go on from.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail, ensure};
use clap::{Args, ValueEnum};

use crate::adapters::scaffold::{self, Described, Kind, Plan, Service, Starter};
use crate::adapters::schema;
use crate::catalogue::{Catalogue, Fact};
use crate::cli::{findings, say::plain};
use crate::clock::now;
use crate::query::time::Timestamp;

/// A description longer than this is none of one service.
const DESCRIPTION_BYTES: u64 = 4 << 20;

/// Arguments of `heyan adapter new`.
#[derive(Debug, Args)]
pub(super) struct New {
    /// The adapter's name: lower-case letters, digits and `-`; it names the file and the folder of fixtures
    name: String,
    /// How the agency is reached
    #[arg(long)]
    kind: KindName,
    /// What it answers, codes of the catalogue; left out: every fact of the agency
    #[arg(long, value_name = "CODE", num_args = 1.., value_delimiter = ',')]
    fact: Vec<String>,
    /// The organisation that answers; left out: the one whose facts these are
    #[arg(long, value_name = "ORGANISATION")]
    agency: Option<String>,
    /// The catalogue, with its folders `facts` and `items`
    #[arg(long, value_name = "FOLDER")]
    catalogue: PathBuf,
    /// Folder to write into
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    into: PathBuf,
    /// The agency's OpenAPI 3.0 or 3.1 file (JSON or YAML): fills in where to ask and shows its fields
    #[arg(long, value_name = "FILE", conflicts_with = "from_wsdl")]
    from_openapi: Option<PathBuf>,
    /// The agency's WSDL 1.1 file: fills in where to ask and shows its fields
    #[arg(long, value_name = "FILE")]
    from_wsdl: Option<PathBuf>,
    /// Which operation of that file; left out where it has several, they are listed
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum KindName {
    /// JSON or forms over HTTPS
    Http,
    /// SOAP 1.1 or 1.2 over HTTPS
    Soap,
    /// One SELECT in a database
    Sql,
    /// Tables that the agency drops into a folder
    File,
    /// A program of yours in front of the agency
    Grpc,
}

/// Runs it: exit 0 when it is written, or when the operations of a description were listed.
///
/// # Errors
/// When anything is in the way: nothing is ever overwritten.
pub(super) fn run(new: &New) -> anyhow::Result<ExitCode> {
    let is_plain = !new.name.is_empty()
        && new.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    ensure!(is_plain, "`{}` is no name: lower-case letters, digits and `-` only", new.name);
    let service = match described(new)? {
        None => None,
        Some(described) => match chosen(&described, new.operation.as_deref())? {
            Some(service) => Some(service),
            None => {
                list(&described);
                return Ok(ExitCode::SUCCESS);
            }
        },
    };
    let catalogue = match Catalogue::load(&new.catalogue) {
        Ok(catalogue) => catalogue,
        Err(flaws) => {
            findings::tell(&new.catalogue, &flaws, false);
            bail!("the catalogue `{}` cannot be used", new.catalogue.display());
        }
    };
    let facts = facts(new, &catalogue)?;
    let agency = facts.first().map(|fact| fact.agency.clone()).context("no fact is chosen")?;
    let kind = match new.kind {
        KindName::Http => Kind::Http,
        KindName::Soap => Kind::Soap,
        KindName::Sql => Kind::Sql,
        KindName::File => Kind::File,
        KindName::Grpc => Kind::Grpc,
    };
    // Whole seconds: the fixtures are for people to read.
    let at = Timestamp::from_seconds(now().seconds());
    let plan = Plan { name: new.name.clone(), agency, kind, facts, service, at };
    let starter = scaffold::begin(&plan);
    save(new, &starter)?;
    next(new, &plan);
    Ok(ExitCode::SUCCESS)
}

fn described(new: &New) -> anyhow::Result<Option<Described>> {
    let (file, wanted, kind) = match (&new.from_openapi, &new.from_wsdl) {
        (Some(file), _) => (file, KindName::Http, "--from-openapi goes with --kind http"),
        (None, Some(file)) => (file, KindName::Soap, "--from-wsdl goes with --kind soap"),
        (None, None) => {
            ensure!(
                new.operation.is_none(),
                "--operation chooses from --from-openapi or --from-wsdl"
            );
            return Ok(None);
        }
    };
    ensure!(new.kind == wanted, kind);
    let shown = file.display();
    let size = fs::metadata(file).with_context(|| format!("cannot read `{shown}`"))?.len();
    ensure!(
        size <= DESCRIPTION_BYTES,
        "`{shown}` has {size} bytes; at most {DESCRIPTION_BYTES} are read"
    );
    let text = fs::read_to_string(file).with_context(|| format!("cannot read `{shown}`"))?;
    let read = match wanted {
        KindName::Http => scaffold::openapi(&text),
        _ => scaffold::wsdl(&text),
    };
    read.map(Some)
        .map_err(|unread| anyhow!("`{shown}` cannot be used: {}", plain(&unread.to_string())))
}

/// The service that was named, or the only one there is; `None` when people must choose.
fn chosen(described: &Described, name: Option<&str>) -> anyhow::Result<Option<Service>> {
    let services = &described.services;
    let service = match (name, services.as_slice()) {
        (Some(name), _) => {
            services.iter().find(|service| service.name == name).with_context(|| {
                let known: Vec<&str> =
                    services.iter().map(|service| service.name.as_str()).collect();
                format!("there is no operation `{name}`, only {}", plain(&known.join(", ")))
            })?
        }
        (None, [only]) => only,
        (None, _) => return Ok(None),
    };
    match service.obstacle() {
        Some(obstacle) => {
            bail!(plain(&format!("`{}` cannot be asked by a manifest: {obstacle}", service.name)))
        }
        None => Ok(Some(service.clone())),
    }
}

fn list(described: &Described) {
    for service in &described.services {
        let note = if service.obstacle().is_some() { "  (not by a manifest)" } else { "" };
        say_plain!("{:<32} {:<6} {}{note}", service.name, service.method, service.path);
    }
    say_plain!("choose one with --operation NAME; nothing was written");
}

fn facts(new: &New, catalogue: &Catalogue) -> anyhow::Result<Vec<Fact>> {
    let mut facts: Vec<Fact> = Vec::new();
    for code in &new.fact {
        let fact = catalogue.fact(&code.as_str().into()).with_context(|| {
            format!(
                "the catalogue has no fact `{code}`: add it to a file in `{}` first",
                new.catalogue.join("facts").display()
            )
        })?;
        ensure!(!facts.iter().any(|known| known.code == fact.code), "`{code}` is named twice");
        facts.push(fact.clone());
    }
    if facts.is_empty() {
        let agency = new
            .agency
            .as_deref()
            .context("--fact or --agency is missing: what should it answer?")?;
        facts.extend(catalogue.facts().filter(|fact| fact.agency.as_str() == agency).cloned());
        ensure!(
            !facts.is_empty(),
            "the catalogue has no fact of `{agency}`: add one to a file in `{}` first",
            new.catalogue.join("facts").display()
        );
    }
    let agency = new
        .agency
        .clone()
        .or_else(|| facts.first().map(|fact| fact.agency.as_str().to_owned()))
        .unwrap_or_default();
    for fact in &facts {
        ensure!(
            fact.agency.as_str() == agency,
            "`{}` is a fact of `{}`, not of `{agency}`: one manifest speaks to one agency",
            fact.code,
            fact.agency
        );
    }
    Ok(facts)
}

/// Writes all or, when anything is in the way, nothing.
fn save(new: &New, starter: &Starter) -> anyhow::Result<()> {
    let folder = new.into.join(&new.name);
    let fixtures = starter.fixtures.iter().map(|(name, text)| (folder.join(name), text));
    let manifest = (new.into.join(format!("{}.toml", new.name)), &starter.manifest);
    // The manifest last: whoever finds it finds its fixtures too.
    let files: Vec<(PathBuf, &String)> = fixtures.chain([manifest]).collect();
    if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
        bail!(
            "`{}` exists, and nothing is overwritten: choose another name or folder",
            path.display()
        );
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    // The first lines of the files name them, for editors.
    for (name, text) in
        [("manifest.schema.json", schema::MANIFEST), ("fixture.schema.json", schema::FIXTURE)]
    {
        let path = new.into.join(name);
        if !path.exists() {
            save_new(&path, text)?;
        }
    }
    let mut written: Vec<&PathBuf> = Vec::new();
    for (path, text) in &files {
        if let Err(error) = save_new(path, text) {
            // A disk that is full leaves nothing half begun, or the name would be taken.
            for path in written {
                let _ = fs::remove_file(path);
            }
            let _ = fs::remove_dir(&folder);
            return Err(error);
        }
        written.push(path);
    }
    Ok(())
}

fn save_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let written = OpenOptions::new().write(true).create_new(true).open(path);
    let written = written.and_then(|mut file| {
        file.write_all(text.as_bytes()).inspect_err(|_| {
            let _ = fs::remove_file(path);
        })
    });
    written.with_context(|| format!("cannot write `{}`", path.display()))
}

fn next(new: &New, plan: &Plan) {
    let manifest = new.into.join(format!("{}.toml", plan.name));
    let (manifest, catalogue) = (manifest.display(), new.catalogue.display());
    say_plain!("{manifest}  the manifest, to go through from above");
    for fact in &plan.facts {
        let file = new.into.join(&plan.name).join(format!("{}.toml", fact.code));
        say_plain!("{}  fixtures of {}: {}", file.display(), fact.code, fact.title);
    }
    say_plain!("next:");
    say_plain!(
        "  1. edit the manifest until it says what the agency's documents say; check as you go:"
    );
    say_plain!("     heyan adapter check {manifest} --catalogue {catalogue} --manifest-only");
    say_plain!(
        "  2. put the agency's authority and the secrets where the manifest looks for them; check without --manifest-only"
    );
    say_plain!(
        "  3. reload the gateway. Nothing is asked before an agreement of both parties is in force"
    );
}
