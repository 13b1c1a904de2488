//! A folder of signed orders: those that are new, in the order they were given, and what is wrong with the others.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::standing::Standing;
use super::{Order, peek, verify};
use crate::agreements::document::SIZE_LIMIT;
use crate::crypto::{Digest, sha256};
use crate::finding::{self, Finding};
use crate::parties::Register;
use crate::query::time::Timestamp;

/// How the name of an order's file ends.
pub const ENDING: &str = ".order.json";

/// An order whose signature holds.
#[derive(Clone, Debug)]
pub struct Given {
    /// What it says.
    pub order: Order,
    /// The signed document, byte for byte, as it enters the log.
    pub document: Vec<u8>,
    /// SHA-256 of it.
    pub digest: Digest,
    /// Where it was found.
    pub file: PathBuf,
}

/// Reads every `*.order.json` of the folder. A bad file is refused by name and takes nothing else with it.
///
/// Orders that the log has recorded are passed over, whatever has become of the keys that signed them: they act
/// already, and act once.
pub fn load(
    folder: &Path,
    parties: &Register,
    at: Timestamp,
    standing: &Standing,
) -> (Vec<Given>, Vec<Finding>) {
    let files = match finding::files_in(folder, "json") {
        Ok(files) => files,
        Err(finding) => return (Vec::new(), vec![finding]),
    };
    let (mut given, mut findings): (Vec<Given>, _) = (Vec::new(), Vec::new());
    for file in files.into_iter().filter(|file| file.to_string_lossy().ends_with(ENDING)) {
        match read(&file, parties, at, standing) {
            // A second copy of the same bytes says nothing new.
            Ok(Some(order)) if given.iter().all(|known| known.digest != order.digest) => {
                given.push(order);
            }
            Ok(_) => {}
            Err(problem) => findings.push(Finding::new(&file, problem)),
        }
    }
    given.sort_by(|a, b| (a.order.at(), &a.order.id).cmp(&(b.order.at(), &b.order.id)));
    (given, findings)
}

/// The order of this file; `None` when the log has it already.
fn read(
    file: &Path,
    parties: &Register,
    at: Timestamp,
    standing: &Standing,
) -> Result<Option<Given>, String> {
    // A longer file is read no further than it takes to refuse it.
    let mut document = Vec::new();
    File::open(file)
        .and_then(|file| file.take(SIZE_LIMIT as u64 + 1).read_to_end(&mut document))
        .map_err(|error| format!("cannot be read: {error}"))?;
    let digest = sha256(&document);
    let said = peek(&document).ok();
    if said.is_some_and(|order| standing.known(&order.by, &order.id) == Some(&digest)) {
        return Ok(None);
    }
    let order =
        verify(&document, parties, at).map_err(|error| format!("refused: {}", error.in_full()))?;
    Ok(Some(Given { order, document, digest, file: file.to_owned() }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::super::document::tests::{NOW, Parties};
    use super::super::tests::{freeze, signed};
    use super::*;

    fn loaded(folder: &Path, parties: &Parties, standing: &Standing) -> (Vec<String>, Vec<String>) {
        let (given, findings) = load(folder, &parties.register, NOW, standing);
        let named = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        (
            given.iter().map(|given| given.order.id.clone()).collect(),
            findings.iter().map(|finding| named(&finding.file)).collect(),
        )
    }

    #[test]
    fn good_orders_come_by_date_and_bad_ones_by_name() {
        let (parties, folder) = (Parties::new(), tempfile::tempdir().unwrap());
        let place = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
        let later = signed(&parties, &freeze("later", "police", 5), "police-1");
        place("a.order.json", &later);
        place("b.order.json", &signed(&parties, &freeze("sooner", "police", 9), "police-1"));
        place("c.order.json", &signed(&parties, &freeze("foreign", "police", 9), "fund-1"));
        place("copy.order.json", &later);
        place("d.order.json", b"{");
        place("no-order.json", b"{");
        File::create(folder.path().join("huge.order.json")).unwrap().set_len(1 << 40).unwrap();
        let mut standing = Standing::default();
        let good = ["sooner".to_owned(), "later".to_owned()];
        let bad = ["c", "d", "huge"].map(|name| format!("{name}.order.json"));
        assert_eq!(loaded(folder.path(), &parties, &standing), (good.to_vec(), bad.to_vec()));

        // What the log has is passed over, whoever may sign by now.
        standing.take(&freeze("later", "police", 5), sha256(&later));
        assert_eq!(loaded(folder.path(), &parties, &standing).0, ["sooner"]);
        let nobody = Parties::new();
        let findings = loaded(folder.path(), &nobody, &standing).1;
        assert_eq!(findings, ["b", "c", "d", "huge"].map(|name| format!("{name}.order.json")));
    }

    #[test]
    fn a_missing_folder_is_a_finding() {
        let (given, findings) =
            load(Path::new("/nowhere"), &Parties::new().register, NOW, &Standing::default());
        assert!(given.is_empty());
        assert_eq!(findings.len(), 1);
    }
}
