//! The evidence of an application (办件证据包): one file, checked without the log and without the gateway.

use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};

use super::story::Stage;
use super::telling::Telling;
use crate::cli::audit::reading::{head_of, published};
use crate::cli::case::export::{Wanted, opened, put};
use crate::cli::case::verify::PROGRAM;
use crate::evidence::check::{Expected, check};
use crate::evidence::{write, zip};
use crate::parties::Register;

/// How long the demo waits for a checkpoint over the case; one is published each second.
const PATIENCE: Duration = Duration::from_secs(10);

impl Stage {
    /// Exports the case of that entry, and checks what was exported.
    pub(super) async fn evidence(&self, telling: &mut Telling, entry: u64) -> anyhow::Result<bool> {
        let log = self.world.path("log");
        let began = Instant::now();
        while head_of(&published(&log)?)?.size <= entry {
            if began.elapsed() > PATIENCE {
                bail!("no checkpoint was published over the case");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let vault = (self.world.path("vault"), self.world.path("keys/vault.key"));
        let package = opened(&log, &Wanted::Entry(entry), (&vault.0, &vault.1))?;
        let files = write(&package)?;
        let packed = zip::pack(&files)?;
        put(&self.world.path("case.zip"), &packed)?;
        telling.did(
            "exported",
            &format!(
                "its evidence (证据包): one file of {} KiB, {} entries with receipts, a page to read",
                packed.len() / 1024,
                package.entries.len()
            ),
        );
        let parties = Register::load(&self.world.path("pki/parties"))
            .map_err(|findings| anyhow!("{findings:?}"))?;
        let expected = Expected {
            log_keys: vec![self.log.clone()],
            parties: Some(parties),
            program: PROGRAM.to_owned(),
        };
        let (unpacked, _) = zip::unpack(&packed)?;
        let checked = check(&unpacked, expected);
        telling.did(
            "checked",
            &format!(
                "with the log's key alone: decided again, concluded again, {} findings",
                checked.findings.len()
            ),
        );
        Ok(checked.findings.is_empty())
    }
}
