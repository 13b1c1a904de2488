//! Checks a saved receipt offline: is the answer it stands for in the log, and to what does the log bind itself?
//!
//! `cargo run --example check_receipt -- RECEIPT KEY…` where RECEIPT is the file that `heyan query --receipt` wrote and
//! KEY the log's public key, as `heyan audit init` printed it. Ends with 0 when the receipt holds, else with 1.

use std::fmt::Write as _;
use std::{env, error::Error, fs};

use heyan::audit::entry::Kind;
use heyan::audit::note::VerifierKey;
use heyan::client::receipt;
use heyan::crypto::hex;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (file, keys) = arguments.split_first().ok_or("usage: check_receipt RECEIPT KEY…")?;
    println!("{}the receipt holds", check(file, keys)?);
    Ok(())
}

/// What the receipt proves, line by line.
pub(crate) fn check(file: &str, keys: &[String]) -> Result<String, Box<dyn Error>> {
    let keys = keys.iter().map(|key| VerifierKey::parse(key)).collect::<Result<Vec<_>, _>>()?;
    let saved = receipt::from_json(&fs::read_to_string(file)?)?;
    // The log's signature, the way from the entry to the root that it signs, and every opened commitment.
    let checked = receipt::check(&saved, &keys)?;

    let mut said = String::new();
    writeln!(said, "entry      {} of a log of {}", checked.index, checked.head.size)?;
    writeln!(said, "root       {}", hex(&checked.head.root))?;
    if let Some(facts) = checked.entry.kind.facts() {
        writeln!(said, "asked by   {} / {}", facts.caller.organisation, facts.caller.system)?;
        writeln!(said, "about      {} for {}", facts.fact.clone().unwrap_or_default(), facts.item)?;
        writeln!(said, "case       {}", facts.case_number)?;
    }
    match &checked.entry.kind {
        Kind::Outcome(outcome) => {
            writeln!(said, "answered   {}", outcome.verdict.name())?;
            if !outcome.masked.is_empty() {
                writeln!(said, "in part    {}", outcome.masked.join(", "))?;
            }
        }
        Kind::Denial(denied) => writeln!(said, "denied     {}", denied.code)?,
        _ => writeln!(said, "neither an answer nor a denial")?,
    }
    for (field, value) in &checked.opened {
        let text = String::from_utf8(value.clone()).unwrap_or_else(|_| hex(value));
        writeln!(said, "{:10} {text}", field.name())?;
    }
    Ok(said)
}
