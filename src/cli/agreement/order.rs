//! `heyan agreement order`: what one party alone may say, drafted and signed in one step.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use serde_json::json;

use super::{kid, print, register};
use crate::agreements::document::Signer;
use crate::agreements::order::directory::ENDING;
use crate::agreements::order::{self, Act, Order, Version};
use crate::clock::now;
use crate::crypto::{self, SigningKey, hex};
use crate::decision::freeze::Scope;
use crate::query::OrganisationId;

#[derive(Debug, Args)]
pub(super) struct OrderCommand {
    #[command(subcommand)]
    command: Commands,
}

#[derive(Debug, Subcommand)]
enum Commands {
    /// Stop an agreement until the same party resumes it
    #[command(after_help = "Example:\n  \
        heyan agreement order suspend hn-gjj-mz-2018-001 --version 1 --as civil-affairs \\\n    \
        --key civil-affairs/signing.key --parties parties --reason \"file 2026-17\" -o orders/17.order.json")]
    Suspend(About),
    /// End one's own suspension of an agreement
    Resume(About),
    /// End an agreement for good
    Revoke(About),
    /// Stop questions to one's own organisation: all, about one fact, from one caller
    #[command(after_help = "Example:\n  \
        heyan agreement order freeze --fact P1 --caller fund-centre --as police --key police/signing.key \\\n    \
        --parties parties --reason \"incident 2026-4\" --id incident-4 -o orders/incident-4.order.json")]
    Freeze(Freeze),
    /// Lift a freeze of one's own
    #[command(after_help = "Example:\n  \
        heyan agreement order unfreeze incident-4 --as police --key police/signing.key --parties parties \\\n    \
        --reason \"incident 2026-4 is closed\" -o orders/incident-4-closed.order.json")]
    Unfreeze(Unfreeze),
}

#[derive(Debug, Args)]
struct About {
    /// The agreement's id
    agreement: String,
    /// Its version
    #[arg(long, value_name = "NUMBER")]
    version: u32,
    #[command(flatten)]
    signed: SignedBy,
}

#[derive(Debug, Args)]
struct Freeze {
    /// Only questions about this fact
    #[arg(long, value_name = "FACT")]
    fact: Option<String>,
    /// Only questions of this organisation
    #[arg(long, value_name = "ORGANISATION")]
    caller: Option<String>,
    #[command(flatten)]
    signed: SignedBy,
}

#[derive(Debug, Args)]
struct Unfreeze {
    /// Id of the order that froze
    freeze: String,
    #[command(flatten)]
    signed: SignedBy,
}

#[derive(Debug, Args)]
struct SignedBy {
    /// The organisation whose order it is
    #[arg(long = "as", value_name = "ORGANISATION")]
    party: String,
    /// Its private key: PKCS#8 PEM, Ed25519 or ECDSA P-256, mode 0600
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Folder of the party register
    #[arg(long, value_name = "FOLDER")]
    parties: PathBuf,
    /// Why, for people; it is kept for ever, so name nobody
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Id of the order, never used before; made up when left out
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Where to write it: a gateway reads files called *.order.json
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: OrderCommand) -> anyhow::Result<ExitCode> {
    let of = |about: &About| Version { agreement: about.agreement.clone(), version: about.version };
    match command.command {
        Commands::Suspend(about) => give("suspend", &about.signed, &Act::Suspend(of(&about))),
        Commands::Resume(about) => give("resume", &about.signed, &Act::Resume(of(&about))),
        Commands::Revoke(about) => give("revoke", &about.signed, &Act::Revoke(of(&about))),
        Commands::Freeze(Freeze { fact, caller, signed }) => {
            let scope = Scope {
                provider: signed.party.as_str().into(),
                fact: fact.as_deref().map(Into::into),
                caller: caller.as_deref().map(Into::into),
            };
            give("freeze", &signed, &Act::Freeze(scope))
        }
        Commands::Unfreeze(Unfreeze { freeze, signed }) => {
            give("unfreeze", &signed, &Act::Unfreeze(freeze))
        }
    }
}

fn give(kind: &str, signed: &SignedBy, act: &Act) -> anyhow::Result<ExitCode> {
    let output = &signed.output;
    ensure!(
        output.to_string_lossy().ends_with(ENDING),
        "a gateway reads only files called *{ENDING}: give --output such a name"
    );
    let register = register(&signed.parties)?;
    let party = OrganisationId::new(signed.party.as_str());
    let organisation = register
        .organisation(&party)
        .with_context(|| format!("the party register has no organisation `{party}`"))?;
    let key = SigningKey::read(&signed.key)?;
    let signer = Signer { kid: kid(organisation, &key)?, key: &key };
    let id = match &signed.id {
        Some(id) => id.clone(),
        None => format!("{kind}-{}", hex(&crypto::random()?).get(..12).unwrap_or_default()),
    };
    let order = Order::new(&id, &party, now(), &signed.reason, act);
    let document = order::sign(&order, signer)?;
    let order = order::verify(&document, &register, now())
        .context("what was signed does not verify, so nothing is written")?;
    fs::write(output, &document).with_context(|| format!("cannot write {}", output.display()))?;
    if signed.json {
        print(&json!({ "file": output, "id": order.id, "by": order.by, "kind": kind }));
    } else {
        say!("{}: {} {}, order {}", output.display(), order.by, order.in_words(), order.id);
        say!("It acts once the gateway has it in its folder of orders and is told to reload.");
    }
    Ok(ExitCode::SUCCESS)
}
