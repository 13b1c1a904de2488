//! `heyan adapter`: what an agency's operator does with manifests, one file per command.

mod asked;
mod check;
mod diff;
mod docs;
mod leave;
mod list;
mod reload;
mod new;
mod record;
mod schema;
mod try_one;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Arguments of `heyan adapter`.
#[derive(Debug, Args)]
pub struct Adapter {
    #[command(subcommand)]
    command: Commands,
}

#[derive(Debug, Subcommand)]
enum Commands {
    /// Begin a manifest and its fixtures for an agency: whole, commented, and to be gone on from
    #[command(
        after_help = "Examples:\n  heyan adapter new health --kind http --fact B2 --catalogue catalogue --into adapters\n  \
        heyan adapter new register --kind soap --fact E1 --catalogue catalogue --from-wsdl register.wsdl --operation Query\n\n\
        Nothing is ever overwritten, and a description never changes a manifest that exists."
    )]
    New(Box<new::New>),
    /// Read manifests as the gateway would, play their fixtures, and report every finding at once
    ///
    /// Opens no socket unless told to: `--level faults` asks a back end of its own on this machine, `--level live` the
    /// agency itself.
    #[command(
        after_help = "Examples:\n  heyan adapter check /etc/heyan/adapters --catalogue /etc/heyan/catalogue\n  \
        heyan adapter check housing.toml --catalogue catalogue --manifest-only\n  \
        heyan adapter check housing.toml --catalogue catalogue --manifest-only --level faults\n  \
        heyan adapter check housing.toml --catalogue catalogue --level live --questions questions.toml\n  \
        heyan adapter check adapters --catalogue catalogue --manifest-only --junit report.xml\n\n\
        The fixtures of housing.toml are the files of the folder housing/ beside it."
    )]
    Check(check::Check),
    /// Tell what changes between two versions of a manifest, and whether it may change answers; opens no socket
    #[command(
        after_help = "Examples:\n  heyan adapter diff /etc/heyan/adapters/police.toml police.toml --catalogue catalogue\n\n\
        Compared is what they mean: order, remarks and defaults written out are no difference. The fixtures beside\n\
        NEW, else those beside OLD, are played through both.\n\
        Exit code: 0 both mean the same, 1 they differ, 2 could not tell."
    )]
    Diff(diff::Diff),
    /// Make a page for each adapter, for the people of the agency that it asks; opens no socket
    #[command(
        after_help = "Examples:\n  heyan adapter docs adapters/police.toml --catalogue catalogue\n  \
        heyan adapter docs adapters --catalogue catalogue --html --output pages\n\n\
        The same manifest and fixtures make the same page, byte for byte. No secret is in it, only where secrets are."
    )]
    Docs(docs::Docs),
    /// Show how each adapter of a running gateway does
    #[command(
        after_help = "Examples:\n  heyan adapter list --identity pki/fund-centre/operations \\\n      \
        --authority pki/fund-centre/ca.pem\n  heyan adapter list --identity … --authority … --json\n\n\
        Exit code: 0 every agency is worth asking, 1 one is not, 2 could not tell."
    )]
    List(list::List),
    /// Have a running gateway read one adapter's manifest again; the others stay as they are
    #[command(
        after_help = "Examples:\n  heyan adapter reload housing --identity pki/fund-centre/operations \\\n      \
        --authority pki/fund-centre/ca.pem\n\n\
        Exit code: 0 it is in force as its file is, 1 the manifest has flaws and its last good version\n\
        stays, 2 could not tell."
    )]
    Reload(reload::Reload),
    /// Ask one question through a manifest and show every step: what was sent, what came back, what each expression saw
    ///
    /// It shows personal data, to you and on purpose: keep what it prints to yourself. Secrets, session values and
    /// signatures are blotted out. Nothing is logged.
    #[command(
        after_help = "Examples:\n  heyan adapter try police.toml --catalogue catalogue --fact P1 --subject person:NAME:NUMBER\n  \
        heyan adapter try housing.toml --catalogue catalogue --fact H2 --subject owner=person:NAME/NUMBER \\\n      \
        --subject property:UNIT --attribute owner_match --json\n  \
        heyan adapter try police.toml --catalogue catalogue --fixture police/P1.toml:match\n\n\
        Exit code: 0 a record, 1 none or several that disagree, 2 no answer."
    )]
    Try(Box<try_one::Try>),
    /// Ask one question and keep it as a fixture in which everybody and every secret is invented
    #[command(
        after_help = "Examples:\n  heyan adapter record police.toml --catalogue catalogue --fact P1 --subject person:NAME:NUMBER --name found\n\n\
        Nothing is written unless the fixture plays and nobody is found in it. Look at it before you share it: what the\n\
        manifest reads stays as it was, names in Chinese and numbers of people apart."
    )]
    Record(Box<record::Record>),
    /// Print the JSON Schema (draft-07) of a manifest, for editors, or the reference of all keys
    #[command(after_help = "Examples:\n  heyan adapter schema > adapters/manifest.schema.json\n  \
        heyan adapter schema --fixture > adapters/fixture.schema.json\n  \
        heyan adapter schema --reference > adapters-reference.md\n\n\
        Then, as the first line of a manifest, and of a file of fixtures:\n  \
        #:schema ./manifest.schema.json\n  #:schema ../fixture.schema.json")]
    Schema(schema::Schema),
}

/// Runs it: exit 0 when all is well, 1 with a "no".
///
/// # Errors
/// When it could not tell.
pub async fn run(command: Adapter) -> anyhow::Result<ExitCode> {
    match command.command {
        Commands::New(command) => new::run(&command),
        Commands::Check(command) => check::run(&command).await,
        Commands::Diff(command) => diff::run(&command),
        Commands::Docs(command) => docs::run(&command),
        Commands::List(command) => list::run(&command).await,
        Commands::Reload(command) => reload::run(&command).await,
        Commands::Try(command) => try_one::run(&command).await,
        Commands::Record(command) => record::run(&command).await,
        Commands::Schema(command) => schema::run(&command),
    }
}
