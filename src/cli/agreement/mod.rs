//! `heyan agreement`: sign, verify and show agreements and the orders of their parties.

mod order;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail, ensure};
use clap::{Args, Subcommand};
use serde_json::json;

use super::NO;
use crate::agreements::against_catalogue;
use crate::agreements::document::{self, DocumentError, Opened, Signer};
use crate::agreements::order as orders;
use crate::agreements::terms::Terms;
use crate::catalogue::Catalogue;
use crate::clock::now;
use crate::crypto::{SigningKey, hex};
use crate::finding::{self, Finding};
use crate::parties::{Organisation, Register};
use crate::query::OrganisationId;

/// Arguments of `heyan agreement`.
#[derive(Debug, Args)]
pub struct Agreement {
    #[command(subcommand)]
    command: Commands,
}

#[derive(Debug, Subcommand)]
enum Commands {
    /// Sign a draft, or add the other party's signature to a document
    #[command(
        after_help = "Examples:\n  heyan agreement sign agency.toml --as fund-centre --key fund-centre/signing.key \\\n    --parties parties -o half.json\n  heyan agreement sign half.json --as agency --key agency/signing.key \\\n    --parties parties -o agreements/agency.json\n\nThe signed file grants nothing before both parties have signed it. Read docs/agreements.md first."
    )]
    Sign(Sign),
    /// Give an order of one party: suspend, resume or revoke an agreement, freeze questions to oneself
    Order(order::OrderCommand),
    /// Check the signatures and the terms of an agreement or an order: exit 0 valid, 1 not
    #[command(
        after_help = "Example:\n  heyan agreement verify agreements/agency.json --parties parties"
    )]
    Verify(Verify),
    /// Show what a draft, an agreement or an order says; signatures are not checked
    #[command(after_help = "Example:\n  heyan agreement show agreements/agency.json")]
    Show(Show),
}

#[derive(Debug, Args)]
struct Sign {
    /// A draft (*.toml), or a document that the other party has signed (*.json)
    file: PathBuf,
    /// The organisation that signs
    #[arg(long = "as", value_name = "ORGANISATION")]
    party: String,
    /// Its private key: PKCS#8 PEM, Ed25519 or ECDSA P-256, mode 0600
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Folder of the party register
    #[arg(long, value_name = "FOLDER")]
    parties: PathBuf,
    /// Folder of the catalogue; a draft with words it does not know is then not signed
    #[arg(long, value_name = "FOLDER")]
    catalogue: Option<PathBuf>,
    /// Where to write the signed document
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Verify {
    /// The signed document (*.json)
    file: PathBuf,
    /// Folder of the party register
    #[arg(long, value_name = "FOLDER")]
    parties: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Show {
    /// A draft (*.toml) or a document (*.json)
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs it.
///
/// # Errors
/// When a file cannot be read or written, so that nothing can be said.
pub fn run(command: Agreement) -> anyhow::Result<ExitCode> {
    match command.command {
        Commands::Sign(command) => sign(&command),
        Commands::Order(command) => order::run(command),
        Commands::Verify(command) => verify(&command),
        Commands::Show(command) => show(&command),
    }
}

fn sign(command: &Sign) -> anyhow::Result<ExitCode> {
    let register = register(&command.parties)?;
    let party = OrganisationId::new(command.party.as_str());
    let organisation = register
        .organisation(&party)
        .with_context(|| format!("the party register has no organisation `{party}`"))?;
    let key = SigningKey::read(&command.key)?;
    let signer = Signer { kid: kid(organisation, &key)?, key: &key };

    let signed = if is_draft(&command.file) {
        let terms = draft(&command.file)?;
        refuse_unknown_words(&terms, command.catalogue.as_deref())?;
        ensure_party(&terms, &party)?;
        document::sign(&terms.payload()?, &[signer])?
    } else {
        let bytes = read(&command.file)?;
        // Never put one's name beside a signature that does not hold.
        let opened = document::open(&bytes, &register, now())
            .with_context(|| format!("{} is not signed over", command.file.display()))?;
        refuse_unknown_words(&opened.terms, command.catalogue.as_deref())?;
        ensure_party(&opened.terms, &party)?;
        ensure!(
            opened.signed_by.iter().all(|(signer, _)| *signer != party),
            "`{party}` has signed already"
        );
        document::countersign(&bytes, &[signer])?
    };
    let opened = document::open(&signed, &register, now())
        .context("what was signed does not verify, so nothing is written")?;
    fs::write(&command.output, &signed)
        .with_context(|| format!("cannot write {}", command.output.display()))?;
    let missing = missing(&opened);
    if command.json {
        print(&json!({
            "file": command.output, "id": opened.terms.id(), "version": opened.terms.version(),
            "signed_by": signers(&opened), "missing": missing,
        }));
    } else {
        say!("{}: signed by {}", command.output.display(), signers(&opened).join(", "));
        if !missing.is_empty() {
            say!("Still missing: {}. It grants nothing until then.", missing.join(", "));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn verify(command: &Verify) -> anyhow::Result<ExitCode> {
    let register = register(&command.parties)?;
    let bytes = read(&command.file)?;
    match document::verify(&bytes, &register, now()) {
        Err(DocumentError::Type { found, .. }) if found == orders::TYPE => {
            Ok(verify_order(command, &bytes, &register))
        }
        Ok(agreement) => {
            if command.json {
                print(&json!({
                    "valid": true, "file": command.file, "id": agreement.id,
                    "version": agreement.version, "consumer": agreement.consumer,
                    "provider": agreement.provider, "digest": hex(&agreement.digest),
                }));
            } else {
                say!(
                    "{}: valid. {} version {}, signed by {} and {}, digest {}",
                    command.file.display(),
                    agreement.id,
                    agreement.version,
                    agreement.consumer,
                    agreement.provider,
                    hex(&agreement.digest)
                );
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Ok(not_valid(command, &error.in_full())),
    }
}

/// Whether anything comes of an order depends on those before it, which only a gateway's log knows.
fn verify_order(command: &Verify, document: &[u8], register: &Register) -> ExitCode {
    let order = match orders::verify(document, register, now()) {
        Ok(order) => order,
        Err(error) => return not_valid(command, &format!("{:#}", anyhow::Error::new(error))),
    };
    if command.json {
        print(&json!({
            "valid": true, "file": command.file, "id": order.id, "by": order.by,
            "order": order.in_words(),
        }));
    } else {
        let (file, does) = (command.file.display(), order.in_words());
        say!("{file}: valid. Order {}, signed by {}: {does}", order.id, order.by);
    }
    ExitCode::SUCCESS
}

fn not_valid(command: &Verify, problem: &str) -> ExitCode {
    if command.json {
        print(&json!({ "valid": false, "file": command.file, "problem": problem }));
    } else {
        say!("{}: not valid: {problem}", command.file.display());
    }
    ExitCode::from(NO)
}

fn show(command: &Show) -> anyhow::Result<ExitCode> {
    let (page, json) = if is_draft(&command.file) {
        let terms = draft(&command.file)?;
        (terms.page(), serde_json::to_string_pretty(&terms)?)
    } else {
        let bytes = read(&command.file)?;
        match orders::peek(&bytes) {
            Ok(order) => (order.page(), serde_json::to_string_pretty(&order)?),
            Err(_) => {
                let terms = document::peek(&bytes)
                    .with_context(|| format!("{} shows nothing", command.file.display()))?;
                (terms.page(), serde_json::to_string_pretty(&terms)?)
            }
        }
    };
    if command.json {
        say!("{json}");
    } else {
        let last = "Signatures were not checked: `heyan agreement verify` does that.";
        // A page is long: whoever pipes it into `head` closes the pipe, which is no error.
        if let Err(error) = writeln!(std::io::stdout(), "{page}{last}")
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            return Err(error.into());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The register's name for this private key.
fn kid<'a>(organisation: &'a Organisation, key: &SigningKey) -> anyhow::Result<&'a str> {
    let public = key.public();
    let entry = organisation.keys.iter().find(|entry| entry.key == public);
    Ok(&entry
        .with_context(|| {
            format!("the key is none of those the party register lists for `{}`", organisation.id)
        })?
        .kid)
}

fn ensure_party(terms: &Terms, party: &OrganisationId) -> anyhow::Result<()> {
    ensure!(
        [terms.consumer(), terms.provider()].contains(&party),
        "`{party}` is no party: the agreement is between `{}` and `{}`",
        terms.consumer(),
        terms.provider()
    );
    Ok(())
}

fn refuse_unknown_words(terms: &Terms, catalogue: Option<&Path>) -> anyhow::Result<()> {
    let Some(folder) = catalogue else { return Ok(()) };
    let catalogue = Catalogue::load(folder).map_err(all)?;
    let problems = against_catalogue(terms, &catalogue);
    if problems.is_empty() {
        return Ok(());
    }
    bail!("the terms do not fit the catalogue, so nothing was signed:\n  {}", problems.join("\n  "))
}

fn signers(opened: &Opened) -> Vec<String> {
    opened.signed_by.iter().map(|(party, _)| party.to_string()).collect()
}

fn missing(opened: &Opened) -> Vec<String> {
    [opened.terms.consumer(), opened.terms.provider()]
        .into_iter()
        .filter(|party| opened.signed_by.iter().all(|(signer, _)| signer != *party))
        .map(ToString::to_string)
        .collect()
}

fn is_draft(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "toml")
}

fn draft(file: &Path) -> anyhow::Result<Terms> {
    let text = finding::read_text(file).map_err(|finding| anyhow!("{finding}"))?;
    Terms::parse(file, &text).map_err(|finding| anyhow!("{finding}"))
}

fn register(folder: &Path) -> anyhow::Result<Register> {
    Register::load(folder).map_err(all)
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

fn all(findings: Vec<Finding>) -> anyhow::Error {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    anyhow!("{}", lines.join("\n"))
}

fn print(value: &serde_json::Value) {
    say!("{value:#}");
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::pki;

    const DRAFT: &str =
        concat!(env!("CARGO_MANIFEST_DIR"), "/config-example/agreements/civil-affairs.toml");
    const CATALOGUE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config-example/catalogue");

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        agreement: Agreement,
    }

    fn ran(folder: &Path, line: &str) -> anyhow::Result<bool> {
        let path = |word: &str| word.replace('@', &format!("{}/", folder.display()));
        let words = std::iter::once("agreement".to_owned()).chain(line.split(' ').map(path));
        run(Line::try_parse_from(words)?.agreement)
            .map(|code| format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS))
    }

    #[test]
    fn two_parties_sign_in_turn_and_anyone_verifies() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("pki");
        pki::init(&folder, &pki::demonstration(), now()).unwrap();
        let line = |line: &str| ran(&folder, &format!("{line} --parties @parties"));
        let fund = "--as fund-centre --key @fund-centre/signing.key";
        let civil = "--as civil-affairs --key @civil-affairs/signing.key";

        let refused = |result: anyhow::Result<bool>, why: &str| {
            let text = format!("{:#}", result.unwrap_err());
            assert!(text.contains(why), "{text}");
        };
        let police = "--as police --key @police/signing.key";
        refused(line(&format!("sign {DRAFT} {police} -o @x.json")), "is no party");
        let wrong = "--as fund-centre --key @civil-affairs/signing.key";
        refused(line(&format!("sign {DRAFT} {wrong} -o @x.json")), "none of those");

        assert!(
            line(&format!("sign {DRAFT} {fund} --catalogue {CATALOGUE} -o @half.json")).unwrap()
        );
        assert!(!line("verify @half.json").unwrap());
        refused(line(&format!("sign @half.json {fund} -o @x.json")), "has signed already");
        assert!(line(&format!("sign @half.json {civil} -o @whole.json --json")).unwrap());
        assert!(line("verify @whole.json").unwrap());
        assert!(line("verify @whole.json --json").unwrap());
        assert!(ran(&folder, "show @whole.json").unwrap());
        assert!(ran(&folder, &format!("show {DRAFT} --json")).unwrap());
        refused(line("verify @nothing.json"), "cannot read");

        let order = "--reason incident-4 --id incident-4 -o @4.order.json";
        assert!(line(&format!("order freeze --fact M2 {civil} {order}")).unwrap());
        assert!(
            line("verify @4.order.json").unwrap() && line("verify @4.order.json --json").unwrap()
        );
        assert!(ran(&folder, "show @4.order.json").unwrap());
        let shown = orders::peek(&fs::read(folder.join("4.order.json")).unwrap()).unwrap();
        assert_eq!(shown.in_words(), "freezes all questions about M2 to civil-affairs");
        for about in
            ["suspend mz-1 --version 1", "resume mz-1 --version 1", "revoke mz-1 --version 2"]
        {
            let order = "--reason incident-4 -o @5.order.json --json";
            assert!(line(&format!("order {about} {fund} {order}")).unwrap(), "{about}");
            assert!(line("verify @5.order.json").unwrap(), "{about}");
        }
        assert!(
            line(&format!("order unfreeze incident-4 {civil} --reason over -o @6.order.json"))
                .unwrap()
        );
        let unnamed = line(&format!("order freeze {civil} --reason x -o @7.json"));
        refused(unnamed, "*.order.json");
        refused(line(&format!("order freeze {wrong} {order}")), "none of those");
        let long = format!("order suspend M --version 0 {fund} {order}");
        refused(line(&long), "`version` counts from 1");
        let whole = fs::read_to_string(folder.join("4.order.json")).unwrap();
        let spoilt = whole.replace("\"payload\": \"e", "\"payload\": \"f");
        fs::write(folder.join("8.order.json"), spoilt).unwrap();
        assert!(!line("verify @8.order.json").unwrap());
        assert!(!folder.join("x.json").exists());
    }
}
