//! The command `heyan`: reads its arguments, runs one subcommand, returns its exit code.

use std::process::ExitCode;

use clap::Parser;
use heyan::cli::Command;

/// Reading a log makes its entries on some threads and drops them on another, which the system's allocator does badly.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Command::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("heyan: {error:#}");
            ExitCode::from(heyan::cli::COULD_NOT_TELL)
        }
    }
}
