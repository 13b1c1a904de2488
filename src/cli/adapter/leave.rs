//! Questions to a real agency without the gateway: only with a reason, which is written down before anybody is asked.
//!
//! No agreement allows them and no entry of the log proves them. The agency has its own record; this is ours.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;

use crate::adapters::workbench::Workbench;
use crate::clock;
use crate::query::Query;

/// Where it is written down when the command does not say: beside the manifest.
const JOURNAL: &str = "asked-without-the-gateway.jsonl";

/// Leave to ask somebody else's machine.
#[derive(Debug, Args)]
pub(super) struct Leave {
    /// Needed where the manifest's address is not one of this machine: somebody is asked about, and the agency records it
    #[arg(long, requires = "reason")]
    yes_this_asks_a_real_agency: bool,
    /// Why, for the journal: no agreement covers such a question
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Where the question is written down before it is put, without whom it is about; beside the manifest when not given
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
}

/// One question, for the journal.
pub(super) struct Asking<'a> {
    pub(super) manifest: &'a Path,
    /// The agency's address.
    pub(super) place: String,
    pub(super) is_at_home: bool,
    /// Of what, such as `P1`.
    pub(super) facts: Vec<&'a str>,
    /// What the agency's own record may show, where there is one question.
    pub(super) request_id: Option<[u8; 16]>,
    /// Who asks.
    pub(super) operator: String,
}

impl<'a> Asking<'a> {
    /// One question through a manifest.
    pub(super) fn one(manifest: &'a Path, bench: &Workbench<'_>, query: &'a Query) -> Self {
        Self {
            manifest,
            place: bench.place(),
            is_at_home: bench.is_at_home(),
            facts: vec![query.fact.as_str()],
            request_id: Some(query.request_id),
            operator: format!("{}/{}", query.operator.id, query.operator.unit),
        }
    }
}

impl Leave {
    /// Writes the question down, unless it stays on this machine.
    ///
    /// # Errors
    /// Without leave or a reason, and when it cannot be written down: then nobody may be asked.
    pub(super) fn take(&self, asking: &Asking<'_>) -> anyhow::Result<()> {
        if asking.is_at_home {
            return Ok(());
        }
        let place = &asking.place;
        if !self.yes_this_asks_a_real_agency {
            bail!(
                "`{place}` is not of this machine: add --yes-this-asks-a-real-agency and --reason if you may ask there"
            );
        }
        let reason = self.reason.as_deref().map(str::trim).unwrap_or_default();
        if reason.is_empty() {
            bail!("--reason: say why `{place}` is asked without the gateway");
        }
        let line = json!({
            "at": clock::now().0 / 1_000_000,
            "manifest": asking.manifest,
            "place": place,
            "facts": asking.facts,
            "request_id": asking.request_id.map(|id| uuid::Uuid::from_bytes(id).to_string()),
            "operator": asking.operator,
            "reason": reason,
        });
        let file = match &self.journal {
            Some(file) => file.clone(),
            None => asking.manifest.with_file_name(JOURNAL),
        };
        let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(&file);
        let written = opened.and_then(|mut journal| {
            journal.write_all(format!("{line}\n").as_bytes())?;
            journal.sync_all()
        });
        written.with_context(|| {
            format!(
                "cannot write to the journal `{}`, so nobody is asked: name one with --journal",
                file.display()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_to_somebody_elses_machine_is_written_down_first() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("police.toml");
        let asking = |is_at_home| Asking {
            manifest: &manifest,
            place: "https://police.example".to_owned(),
            is_at_home,
            facts: vec!["P1"],
            request_id: Some([7; 16]),
            operator: "desk-7/hall-1".to_owned(),
        };
        let leave = |yes, reason: Option<&str>, journal: Option<&str>| Leave {
            yes_this_asks_a_real_agency: yes,
            reason: reason.map(str::to_owned),
            journal: journal.map(|name| folder.path().join(name)),
        };
        leave(false, None, None).take(&asking(true)).unwrap();
        let file = folder.path().join(JOURNAL);
        assert!(!file.exists());
        assert!(leave(false, Some("x"), None).take(&asking(false)).is_err());
        assert!(leave(true, Some(" "), None).take(&asking(false)).is_err());
        assert!(leave(true, Some("x"), Some("none/j")).take(&asking(false)).is_err());
        assert!(!file.exists());
        for _ in 0..2 {
            leave(true, Some("the new certificate"), None).take(&asking(false)).unwrap();
        }
        let lines = std::fs::read_to_string(&file).unwrap();
        let all: Vec<serde_json::Value> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0]["reason"], "the new certificate");
        assert_eq!(all[0]["request_id"], "07070707-0707-0707-0707-070707070707");
    }
}
