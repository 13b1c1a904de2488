//! Orders signed outside: what a key elsewhere is to sign goes out, its signature comes in by `heyan agreement attach`.
//! An agency whose key lies in a module must be able to stop questions to itself like any other.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use serde_json::json;

use super::SignedBy;
use crate::agreements::document;
use crate::agreements::order::directory::ENDING;
use crate::agreements::order::{self, Order, TYPE};
use crate::cli::agreement::sign::{beside, write_new};
use crate::cli::agreement::{paper, print};
use crate::clock::now;
use crate::crypto::{hex, sha256};
use crate::parties::{Register, SigningKeyEntry};
use crate::query::OrganisationId;

/// An order that waits for its signature.
pub(in crate::cli::agreement) struct Waiting {
    order: Order,
    document: Vec<u8>,
}

/// Writes what the key is to sign, and the order's document beside it: an order carries its moment, so that making it
/// again would make another one.
pub(super) fn detach(
    order: &Order,
    signed: &SignedBy,
    register: &Register,
) -> anyhow::Result<ExitCode> {
    let output = signed.output.as_deref().unwrap_or(Path::new(""));
    ensure!(
        !output.to_string_lossy().ends_with(ENDING),
        "what is to be signed is no order yet, and a gateway would read it as one: give --output a name without {ENDING}"
    );
    let entry = paper::valid(register, &order.by, signed.kid.as_deref().unwrap_or_default())?;
    let document = order::unsigned(order)?;
    let bytes = document::to_sign(TYPE, &document, &entry.kid, entry.key.algorithm)?;
    let beside = beside(output);
    write_new(&beside, &document)?;
    fs::write(output, &bytes).with_context(|| format!("cannot write {}", output.display()))?;
    let (kid, alg, digest) = (&entry.kid, entry.key.algorithm.name(), hex(&sha256(&bytes)));
    if signed.json {
        print(&json!({
            "file": output, "document": beside, "id": order.id, "by": order.by, "kid": kid, "alg": alg,
            "bytes": bytes.len(), "sha256": digest,
        }));
        return Ok(ExitCode::SUCCESS);
    }
    say!("{} {}, order {}", order.by, order.in_words(), order.id);
    say!(
        "{}: {} bytes to be signed by the key `{kid}` ({alg}), sha256 {digest}",
        output.display(),
        bytes.len()
    );
    say!(
        "Then: heyan agreement attach {} --as {} --kid {kid} --signature FILE --parties {} -o FILE{ENDING}",
        beside.display(),
        order.by,
        signed.parties.display()
    );
    Ok(ExitCode::SUCCESS)
}

impl Waiting {
    /// The order in this document; `None` when it holds another thing.
    pub(in crate::cli::agreement) fn read(document: Vec<u8>) -> Option<Self> {
        order::peek(&document).ok().map(|order| Self { order, document })
    }

    /// Its document with the signature that was made elsewhere.
    pub(in crate::cli::agreement) fn attach(
        &self,
        party: &OrganisationId,
        entry: &SigningKeyEntry,
        signature: &[u8],
    ) -> anyhow::Result<Vec<u8>> {
        let by = &self.order.by;
        ensure!(by == party, "it is an order of `{by}`, and nobody else signs it");
        document::attach(TYPE, &self.document, &entry.kid, &entry.key, signature).context(
            "nothing is written: the signature must be over exactly what `order … --detached` wrote for this key",
        )
    }
}

/// Writes a signed order once its signature holds.
pub(in crate::cli::agreement) fn put(
    document: &[u8],
    register: &Register,
    output: &Path,
    as_json: bool,
) -> anyhow::Result<()> {
    ensure_named(Some(output))?;
    let order = order::verify(document, register, now())
        .context("what was signed does not verify, so nothing is written")?;
    fs::write(output, document).with_context(|| format!("cannot write {}", output.display()))?;
    let output = output.display();
    if as_json {
        print(&json!({ "file": output.to_string(), "id": order.id, "by": order.by }));
    } else {
        say!("{output}: {} {}, order {}", order.by, order.in_words(), order.id);
        say!("It acts once a gateway has it: heyan agreement give {output} --gateway …");
    }
    Ok(())
}

/// A gateway passes over other files without a word.
pub(super) fn ensure_named(output: Option<&Path>) -> anyhow::Result<()> {
    ensure!(
        output.is_none_or(|output| output.to_string_lossy().ends_with(ENDING)),
        "a gateway reads only files called *{ENDING}: give --output such a name"
    );
    Ok(())
}
