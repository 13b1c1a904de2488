//! `heyan agreement order`: what one party alone may say, drafted and signed in one step.

mod outside;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::json;

pub(super) use self::outside::{Waiting, put};
use super::{give, kid, print, register};
use crate::agreements::document::Signer;
use crate::agreements::order::{self, Act, Order, Version};
use crate::cli::query::Gateway;
use crate::clock::now;
use crate::crypto::{self, SigningKey, hex};
use crate::decision::freeze::Scope;
use crate::parties::Register;
use crate::query::OrganisationId;
use crate::query::time::Timestamp;

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
        --key civil-affairs/signing.key --parties parties --reason \"file 2026-17\" \\\n    \
        -o orders/17.order.json\n\n\
        With --from it acts from that moment on; without, as soon as a gateway has it.\n\
        Where the terms ask for notice, --from must keep it, with a minute to spare for\n\
        the way.")]
    Suspend(Ending),
    /// End one's own suspension of an agreement
    Resume(About),
    /// End an agreement for good
    #[command(after_help = "Example:\n  \
        heyan agreement order revoke hn-gjj-mz-2018-001 --version 1 \\\n    \
        --from 2026-12-31T00:00:00+08:00 --as fund-centre --key fund-centre/signing.key \\\n    \
        --parties parties --reason \"file 2026-21\" -o orders/21.order.json")]
    Revoke(Ending),
    /// Stop questions to one's own organisation: all, about one fact, from one caller
    #[command(after_help = "Example:\n  \
        heyan agreement order freeze --fact P1 --caller fund-centre --as police \\\n    \
        --key police/signing.key --parties parties --reason \"incident 2026-4\" \\\n    \
        --id incident-4 -o orders/incident-4.order.json\n\n\
        In an emergency, signed and in force in one step:\n  \
        heyan agreement order freeze --as police --key police/signing.key --parties parties \\\n    \
        --reason \"incident 2026-4\" --id incident-4 --gateway https://gateway:7443 \\\n    \
        --identity pki/police/agency --authority pki/fund-centre/ca.pem\n\n\
        With a key that no file holds, in two steps around the signing of freeze.tosign:\n  \
        heyan agreement order freeze --as police --detached --kid police-2 --parties parties \\\n    \
        --reason \"incident 2026-4\" --id incident-4 -o freeze.tosign\n  \
        heyan agreement attach freeze.tosign.document --as police --kid police-2 --signature freeze.sig \\\n    \
        --parties parties -o orders/incident-4.order.json")]
    Freeze(Freeze),
    /// Lift a freeze of one's own
    #[command(after_help = "Example:\n  \
        heyan agreement order unfreeze incident-4 --as police \\\n    \
        --key police/signing.key --parties parties \\\n    \
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
struct Ending {
    #[command(flatten)]
    about: About,
    /// From when it acts, such as 2026-12-01T00:00:00+08:00; left out, at once
    #[arg(long, value_name = "TIME")]
    from: Option<jiff::Timestamp>,
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
    #[arg(long, value_name = "FILE", required_unless_present = "detached")]
    key: Option<PathBuf>,
    /// Sign nothing here: write what a key elsewhere is to sign, for `attach` to take its signature
    #[arg(long, requires_all = ["kid", "output"], conflicts_with_all = ["key", "endpoint"])]
    detached: bool,
    /// With --detached: identifier of that key in the party register
    #[arg(long, requires = "detached", conflicts_with = "key")]
    kid: Option<String>,
    /// Folder of the party register
    #[arg(long, value_name = "FOLDER")]
    parties: PathBuf,
    /// Why, for people; it is kept for ever, so name nobody
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Id of the order, never used before; made up when left out
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Where to write it: a gateway reads files called *.order.json; with --detached, what is to be signed
    #[arg(short, long, value_name = "FILE", required_unless_present = "endpoint")]
    output: Option<PathBuf>,
    #[command(flatten)]
    at_once: AtOnce,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// To whom it is given as soon as it is signed. The options are those of `heyan agreement give`.
#[derive(Debug, Args)]
struct AtOnce {
    /// Give it to this gateway at once, with or without writing it to a file
    #[arg(long = "gateway", value_name = "URL", requires_all = ["identity", "authority"])]
    endpoint: Option<String>,
    /// Name in the gateway's certificate
    #[arg(long, value_name = "NAME", default_value = "localhost")]
    server_name: String,
    /// The giving system's certificate and key, less the endings .pem and .key
    #[arg(long, value_name = "PATH", requires = "endpoint")]
    identity: Option<PathBuf>,
    /// PEM file of the authority that issued the gateway's certificate
    #[arg(long, value_name = "FILE", requires = "endpoint")]
    authority: Option<PathBuf>,
    /// How long to wait, such as 5s
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

impl AtOnce {
    /// The gateway, when there is one.
    fn gateway(&self) -> Option<Gateway> {
        Some(Gateway {
            endpoint: self.endpoint.clone()?,
            server_name: self.server_name.clone(),
            identity: self.identity.clone()?,
            authority: self.authority.clone()?,
            timeout: self.timeout,
        })
    }
}

pub(super) fn run(command: OrderCommand) -> anyhow::Result<ExitCode> {
    let of = |about: &About| Version { agreement: about.agreement.clone(), version: about.version };
    match command.command {
        Commands::Suspend(Ending { about, from }) => {
            order("suspend", &about.signed, &Act::Suspend(of(&about)), from)
        }
        Commands::Resume(about) => order("resume", &about.signed, &Act::Resume(of(&about)), None),
        Commands::Revoke(Ending { about, from }) => {
            order("revoke", &about.signed, &Act::Revoke(of(&about)), from)
        }
        Commands::Freeze(Freeze { fact, caller, signed }) => {
            let scope = Scope {
                provider: signed.party.as_str().into(),
                fact: fact.as_deref().map(Into::into),
                caller: caller.as_deref().map(Into::into),
            };
            order("freeze", &signed, &Act::Freeze(scope), None)
        }
        Commands::Unfreeze(Unfreeze { freeze, signed }) => {
            order("unfreeze", &signed, &Act::Unfreeze(freeze), None)
        }
    }
}

/// Makes the order. Signs it, writes it where that was asked for, and gives it where that was; or writes what is to be
/// signed elsewhere.
fn order(
    kind: &str,
    signed: &SignedBy,
    act: &Act,
    from: Option<jiff::Timestamp>,
) -> anyhow::Result<ExitCode> {
    let register = register(&signed.parties)?;
    let order = made(kind, signed, act, from)?;
    let output = signed.output.as_deref();
    if signed.detached {
        return outside::detach(&order, signed, &register);
    }
    outside::ensure_named(output)?;
    let (order, document) = sign(&order, signed, &register)?;
    if let Some(output) = output {
        fs::write(output, &document)
            .with_context(|| format!("cannot write {}", output.display()))?;
    }
    if let Some(gateway) = signed.at_once.gateway() {
        return give::give(&gateway, document, signed.json).with_context(|| match output {
            Some(output) => format!("it is signed: heyan agreement give {}", output.display()),
            None => format!("sign it again with --id {}", order.id),
        });
    }
    let output = output.unwrap_or(Path::new("")).display();
    if signed.json {
        print(&json!({
            "file": output.to_string(), "id": order.id, "by": order.by, "kind": kind,
        }));
    } else {
        say!("{output}: {} {}, order {}", order.by, order.in_words(), order.id);
        say!("It acts once a gateway has it: heyan agreement give {output} --gateway …");
        say!("or put it into the gateway's folder of orders and have it reload.");
    }
    Ok(ExitCode::SUCCESS)
}

fn made(
    kind: &str,
    signed: &SignedBy,
    act: &Act,
    from: Option<jiff::Timestamp>,
) -> anyhow::Result<Order> {
    let party = OrganisationId::new(signed.party.as_str());
    let id = match &signed.id {
        Some(id) => id.clone(),
        None => format!("{kind}-{}", hex(&crypto::random()?).get(..12).unwrap_or_default()),
    };
    let mut order = Order::new(&id, &party, now(), &signed.reason, act);
    if let Some(from) = from {
        let from = u64::try_from(from.as_microsecond()).context("--from is before 1970")?;
        order = order.acting_from(Timestamp(from));
    }
    Ok(order)
}

fn sign(order: &Order, signed: &SignedBy, register: &Register) -> anyhow::Result<(Order, Vec<u8>)> {
    let organisation = super::organisation(register, &order.by)?;
    let key = SigningKey::read(signed.key.as_deref().unwrap_or(Path::new("")))?;
    let signer = Signer { kid: kid(organisation, &key)?, key: &key };
    let document = order::sign(order, signer)?;
    let order = order::verify(&document, register, now())
        .context("what was signed does not verify, so nothing is done with it")?;
    Ok((order, document))
}
