//! The commands, one file each, and the exit codes they share: 0 good, 1 a "no", 2 could not tell.

#[macro_use]
mod say;

pub mod adapter;
pub mod agreement;
pub mod audit;
pub mod batch;
pub mod case;
pub mod catalogue;
pub mod check;
pub mod demo;
pub mod dispute;
mod findings;
mod health;
pub mod pki;
pub mod query;
pub mod readiness;
pub mod serve;
pub mod simulate;
mod spare;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

/// Exit code of a "no": findings, a refuted assertion, a denial.
pub const NO: u8 = 1;
/// Exit code when the question could not be answered at all.
pub const COULD_NOT_TELL: u8 = 2;

/// A verification gateway between public agencies (核验).
///
/// One agency asks another about a person, a couple, a home or an employer, under an agreement both have signed, and gets
/// a small honest answer; every access leaves a record that cannot be quietly changed.
#[derive(Debug, Parser)]
#[command(name = "heyan", version, max_term_width = 100, after_help = "Start with:  heyan demo")]
pub struct Command {
    #[command(subcommand)]
    subcommand: Subcommands,
}

#[derive(Debug, Subcommand)]
enum Subcommands {
    /// Show the whole gateway at work: agencies, agreements, answers, a denial, an outage, a replay
    Demo(demo::Demo),
    /// Run the gateway
    Serve(serve::Serve),
    /// Read everything `serve` would read, and report every finding at once; opens no socket
    Check(check::Check),
    /// Ask one question
    Query(Box<query::Query>),
    /// Run one application for a service item to its outcome; print the form of one
    Case(Box<case::CaseCommand>),
    /// Contest an answer, see what became of it, and ask again
    Dispute(dispute::Dispute),
    /// Ask one question about each row of a list
    Batch(Box<batch::Batch>),
    /// Sign, verify and show agreements
    Agreement(agreement::Agreement),
    /// Check the catalogue of facts, items and rules; print the form of a rule
    Catalogue(catalogue::CatalogueCommand),
    /// Prove an agency's manifest; show and reload the adapters of a running gateway
    Adapter(adapter::Adapter),
    /// Show which service items can run end to end, what is missing, and what one more agreement would bring
    Readiness(Box<readiness::Readiness>),
    /// Make, verify and replay the access log; prove, search, report, export, compare and open what it holds
    Audit(audit::AuditCommand),
    /// Make test certificates and signing keys
    Pki(pki::Pki),
    /// Run a province of invented people and six agencies that answer about them
    Simulate(Box<simulate::Simulate>),
}

impl Command {
    /// Runs the subcommand.
    ///
    /// # Errors
    /// When it could not tell; `main` prints the chain and exits 2.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let told = match self.subcommand {
            Subcommands::Demo(command) => on_runtime(demo::run(command)),
            Subcommands::Serve(command) => on_runtime(serve::run(command)),
            // The pool of database connections wants a runtime to exist, though none is opened.
            Subcommands::Check(command) => on_runtime(async { check::run(command) }),
            Subcommands::Adapter(command) => on_runtime(adapter::run(command)),
            Subcommands::Query(command) => on_runtime(query::run(*command)),
            Subcommands::Case(command) => case::run(*command),
            Subcommands::Dispute(command) => on_runtime(dispute::run(command)),
            Subcommands::Batch(command) => on_runtime(batch::run(*command)),
            Subcommands::Agreement(command) => agreement::run(command),
            Subcommands::Catalogue(command) => Ok(catalogue::run(&command)),
            Subcommands::Readiness(command) => on_runtime(readiness::run(*command)),
            Subcommands::Audit(command) => audit::run(command),
            Subcommands::Pki(command) => pki::run(command),
            Subcommands::Simulate(command) => on_runtime(simulate::run(*command)),
        }?;
        say::heard()?;
        Ok(told)
    }
}

/// For threads that still do something when the work is done. One that reads from a disk or a share that is away would
/// keep the process for ever.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Runs what waits for sockets.
fn on_runtime(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let told = runtime.block_on(work);
    runtime.shutdown_timeout(LAST_WORDS);
    told
}
