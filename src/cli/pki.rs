//! `heyan pki`: certificates and keys for trials.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::ensure;
use clap::{Args, Subcommand};

use crate::clock::now;
use crate::parties::Rights;
use crate::pki::{self, OrganisationPlan};
use crate::query::identifier;

/// Arguments of `heyan pki`.
#[derive(Debug, Args)]
pub struct Pki {
    #[command(subcommand)]
    command: Commands,
}

#[derive(Debug, Subcommand)]
enum Commands {
    /// Make authorities, certificates, signing keys and party files of the demonstration's eight organisations
    #[command(after_help = "Example:\n  heyan pki init pki\n\n\
        For trials only: whoever holds the folder can speak for every organisation in it.")]
    Init {
        /// Folder to make; must not hold such files yet
        folder: PathBuf,
    },
    /// Make the same for one more organisation, an agency, in a folder that `init` has made
    #[command(
        after_help = "Example:\n  heyan pki add pki health-commission --name 'Health Commission' \\\n    \
        --name-zh 卫生健康委员会 --uscc 114300000000001159\n\n\
        For trials only: a real agency makes its own keys and sends the public halves."
    )]
    Add(Box<Addition>),
}

#[derive(Debug, Args)]
struct Addition {
    /// The folder
    folder: PathBuf,
    /// The organisation's identifier: lower-case letters, digits and `-`
    organisation: String,
    /// Its name
    #[arg(long)]
    name: String,
    /// Its Chinese name
    #[arg(long, value_name = "NAME")]
    name_zh: String,
    /// Its unified social credit code (统一社会信用代码)
    #[arg(long, value_name = "CODE")]
    uscc: String,
}

/// Runs it.
///
/// # Errors
/// When something is in the way or cannot be written.
pub fn run(command: Pki) -> anyhow::Result<ExitCode> {
    match command.command {
        Commands::Init { folder } => {
            let plans = pki::demonstration();
            pki::init(&folder, &plans, now())?;
            for plan in &plans {
                tell(plan);
            }
            say!("party files: {}", folder.join("parties").display());
            say!(
                "For trials only: whoever holds this folder can speak for every organisation in it."
            );
        }
        Commands::Add(addition) => add(*addition)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn add(addition: Addition) -> anyhow::Result<()> {
    let Addition { folder, organisation, name, name_zh, uscc } = addition;
    let is_plain = !organisation.is_empty()
        && organisation
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    ensure!(is_plain, "`{organisation}` is no identifier: lower-case letters, digits and `-` only");
    for name in [&name, &name_zh] {
        let is_clean =
            !name.is_empty() && !name.contains(|c: char| c.is_control() || "\"\\".contains(c));
        ensure!(
            is_clean,
            "a name is not empty and has no quotes, backslashes or control characters"
        );
    }
    let parties = folder.join("parties");
    ensure!(parties.is_dir(), "there is no `{}`: run `heyan pki init` first", parties.display());
    let uscc = identifier::uscc(&uscc)
        .map_err(|check| anyhow::anyhow!("`{uscc}` is no unified social credit code ({check})"))?;
    let systems = vec![("agency".into(), Rights::default())];
    let plan = OrganisationPlan { id: organisation.into(), name, name_zh, uscc, systems };
    pki::add(&folder, &plan, now())?;
    tell(&plan);
    say!("party file: {}", parties.join(format!("{}.toml", plan.id)).display());
    Ok(())
}

fn tell(plan: &OrganisationPlan) {
    let systems: Vec<&str> = plan.systems.iter().map(|(system, _)| system.as_str()).collect();
    say!("{:<20} {}  systems: {}", plan.id.as_str(), plan.name_zh, systems.join(", "));
}
