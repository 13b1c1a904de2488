//! `heyan catalogue`: the facts, items and rules of a folder, checked without a gateway; the form of a rule, for editors.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use super::findings;
use crate::catalogue::{Catalogue, rule, schema};
use crate::finding::Finding;

/// Arguments of `heyan catalogue`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  heyan catalogue check config-example/catalogue\n  heyan catalogue schema > rule.schema.json"
)]
pub struct CatalogueCommand {
    #[command(subcommand)]
    subcommand: Subcommands,
}

#[derive(Debug, Subcommand)]
enum Subcommands {
    /// Read facts, items and rules, and report every finding at once
    Check(Check),
    /// Print the JSON Schema of a rule's file, or of a file of facts or items
    Schema(Schema),
}

#[derive(Debug, Args)]
struct Schema {
    /// Of which files
    #[arg(value_enum, default_value_t = Form::Rule)]
    of: Form,
}

/// A kind of file of the catalogue.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// A rule of one version of an item
    Rule,
    /// Facts
    Facts,
    /// Items
    Items,
}

#[derive(Debug, Args)]
struct Check {
    /// The catalogue, with its folders `facts`, `items` and `rules`
    #[arg(value_name = "FOLDER", default_value = "catalogue")]
    folder: PathBuf,
    /// Print findings as JSON
    #[arg(long)]
    json: bool,
}

/// Runs it: a check exits 0 when there is nothing to mend, 1 with findings.
pub fn run(command: &CatalogueCommand) -> ExitCode {
    match &command.subcommand {
        Subcommands::Check(check) => look(check),
        Subcommands::Schema(Schema { of }) => {
            let schema = match of {
                Form::Rule => rule::schema::JSON_SCHEMA,
                Form::Facts => schema::FACTS,
                Form::Items => schema::ITEMS,
            };
            say!("{}", schema.trim_end());
            ExitCode::SUCCESS
        }
    }
}

fn look(check: &Check) -> ExitCode {
    let (findings, warnings) = match Catalogue::load(&check.folder) {
        Ok(catalogue) => (Vec::<Finding>::new(), without_rule(&catalogue)),
        Err(findings) => (findings, Vec::new()),
    };
    findings::tell_with(&check.folder, &findings, &warnings, check.json)
}

/// Versions of items that no case can be run for.
fn without_rule(catalogue: &Catalogue) -> Vec<String> {
    let bare = catalogue.items().filter(|item| item.rule.is_none());
    bare.map(|item| {
        let (code, version) = (&item.code, &item.version);
        format!("`{code}` version `{version}` has no rule: no case can be run for it")
    })
    .collect()
}
