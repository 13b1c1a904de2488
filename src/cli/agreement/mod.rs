//! `heyan agreement`: sign, verify and show agreements and the orders of their parties; say what they permit, and what a
//! draft would have.

mod annex;
mod attach;
mod diff;
mod dry_run;
mod explain;
mod give;
mod order;
mod paper;
mod publish;
mod render;
mod schema;
mod show;
mod sign;
mod source;
mod verify;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, anyhow, ensure};
use clap::{Args, Subcommand};

use crate::agreements::document::SIZE_LIMIT;
use crate::agreements::terms::Terms;
use crate::crypto::SigningKey;
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
    /// Sign a draft, or add another party's signature to a document
    #[command(
        after_help = "Examples:\n  heyan agreement sign agency.toml --as fund-centre --key fund-centre/signing.key \\\n    --parties parties -o half.json\n  heyan agreement sign half.json --as agency --key agency/signing.key \\\n    --parties parties -o agreements/agency.json\n  heyan agreement sign half.json --as agency --kid agency-2 --detached \\\n    --parties parties -o agency.tosign\n\nThe signed file grants nothing before every party has signed it. Read docs/agreements.md first."
    )]
    Sign(sign::Sign),
    /// Put a signature that was made elsewhere, as in a hardware module, into its document
    #[command(
        after_help = "Example:\n  heyan agreement sign half.json --as agency --kid agency-2 --detached \\\n    --parties parties -o agency.tosign\n  openssl pkeyutl -sign -rawin -inkey agency.key -in agency.tosign -out agency.sig\n  heyan agreement attach half.json --as agency --kid agency-2 --signature agency.sig \\\n    --parties parties -o agreements/agency.json\n\nNothing is written unless the signature is that key's over those bytes."
    )]
    Attach(attach::Attach),
    /// Give an order of one party: suspend, resume or revoke an agreement, freeze questions to oneself
    Order(Box<order::OrderCommand>),
    /// Give a signed order to a running gateway, which follows it at once: exit 0 in force, 1 refused
    #[command(
        after_help = "Examples:\n  heyan agreement give orders/incident-4.order.json --gateway https://gateway:7443 \\\n    --identity pki/police/agency --authority pki/fund-centre/ca.pem\n\nAny registered system of the organisation whose order it is may bring it, and any system with\nthe right `operate`. It acts once: when no reply comes, give it again."
    )]
    Give(give::Give),
    /// Bring a signed agreement into force on a running gateway, at once: exit 0 in force, 1 refused
    #[command(
        after_help = "Example:\n  heyan agreement publish agency.json --gateway https://gateway:7443 \\\n    --identity pki/agency/system --authority pki/fund-centre/ca.pem\n\nAny registered system of a party may bring it, and any system with the right `operate`. A bad\ndocument changes nothing. When no reply comes, publish it again."
    )]
    Publish(publish::Publish),
    /// Check the signatures and the terms of an agreement or an order: exit 0 valid, 1 not
    #[command(
        after_help = "Examples:\n  heyan agreement verify agreements/agency.json --parties parties\n  heyan agreement verify agreements/agency.json --parties parties --annex fields.pdf duties.pdf"
    )]
    Verify(verify::Verify),
    /// Show what a draft, an agreement or an order says, in Chinese or English
    #[command(
        after_help = "Examples:\n  heyan agreement show drafts/agency.toml --lang zh --catalogue catalogue\n  heyan agreement show agreements/agency.json --parties parties\n\nWith --parties: exit 1 when a signature does not hold."
    )]
    Show(show::Show),
    /// Say whether a question may be asked, and what each check said: exit 0 permitted, 1 denied
    #[command(after_help = explain::EXAMPLES)]
    Explain(Box<explain::Explain>),
    /// Hold the questions of a past log against a draft: exit 0 none of those permitted would be denied, 1 some would
    #[command(name = "dry-run", after_help = dry_run::EXAMPLES)]
    DryRun(dry_run::DryRun),
    /// Say what changes between two agreements, and which way: exit 0 same terms, 1 differences
    #[command(
        after_help = "Example:\n  heyan agreement diff agreements/agency.json drafts/agency-2.toml --catalogue catalogue\n\nwider: more may be asked, learnt or kept. narrower: less. either: both, or it depends.\nneutral: what may be asked and learnt stays the same."
    )]
    Diff(diff::Diff),
    /// Make a page (HTML, A4) to be filed: clauses, signatures, digest, places for seals
    #[command(
        after_help = "Example:\n  heyan agreement render agreements/agency.json -o agency.html --lang both \\\n    --catalogue catalogue --parties parties"
    )]
    Render(render::Render),
    /// Print the JSON Schema of a draft, for editors
    #[command(
        after_help = "Example:\n  heyan agreement schema > drafts/agreement.schema.json\n\nThen, as the first line of a draft:\n  #:schema ./agreement.schema.json"
    )]
    Schema,
}

/// Runs it.
///
/// # Errors
/// When a file cannot be read or written, so that nothing can be said.
pub fn run(command: Agreement) -> anyhow::Result<ExitCode> {
    match command.command {
        Commands::Sign(command) => sign::run(&command),
        Commands::Attach(command) => attach::run(&command),
        Commands::Order(command) => order::run(*command),
        Commands::Give(command) => give::run(&command),
        Commands::Publish(command) => publish::run(&command),
        Commands::Verify(command) => verify::run(&command),
        Commands::Show(command) => show::run(&command),
        Commands::Explain(command) => explain::run(&command),
        Commands::DryRun(command) => dry_run::run(&command),
        Commands::Diff(command) => diff::run(&command),
        Commands::Render(command) => render::run(&command),
        Commands::Schema => Ok(schema::run()),
    }
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

/// The organisation as the register has it.
fn organisation<'a>(
    register: &'a Register,
    party: &OrganisationId,
) -> anyhow::Result<&'a Organisation> {
    register.organisation(party).with_context(|| {
        let known: Vec<&str> = register.organisations().map(|known| known.id.as_str()).collect();
        format!("the party register has no organisation `{party}`; it has {}", known.join(", "))
    })
}

/// A draft given where a signed document is needed.
fn ensure_signed(file: &Path) -> anyhow::Result<()> {
    ensure!(
        !is_draft(file),
        "{} is a draft, which nobody has signed: have its parties sign it with `heyan agreement sign`",
        file.display()
    );
    Ok(())
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

/// Of a file longer than any document no more than shows that it is too long.
fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|file| file.take(SIZE_LIMIT as u64 + 1).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read {}", file.display()))?;
    Ok(bytes)
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
    use std::fs;

    use clap::Parser;

    use super::*;
    use crate::agreements::order as orders;
    use crate::clock::now;
    use crate::pki;

    const DRAFT: &str =
        concat!(env!("CARGO_MANIFEST_DIR"), "/config-example/agreements/civil-affairs.toml");
    const CATALOGUE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config-example/catalogue");

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        agreement: Agreement,
    }

    pub(super) fn ran(folder: &Path, line: &str) -> anyhow::Result<bool> {
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
