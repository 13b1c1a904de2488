//! A folder of signed agreements: the good ones, and what is wrong with the others, by file name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document;
use crate::decision::agreement::Agreement;
use crate::finding::{self, Finding};
use crate::parties::Register;
use crate::query::OrganisationId;
use crate::query::time::Timestamp;

/// An agreement taken into use, with the bytes that prove it.
#[derive(Clone, Debug)]
pub struct Adopted {
    /// What it grants.
    pub agreement: Arc<Agreement>,
    /// The signed document, byte for byte, as it enters the log.
    pub document: Vec<u8>,
    /// Where it was found.
    pub file: PathBuf,
}

/// Reads every `*.json` of the folder. A bad file is refused by name and takes nothing else with it.
///
/// Of several versions of one agreement one is taken: the highest that has begun by `at`, or the highest of all while
/// none has. A version that begins later is taken by the first reload after its beginning. Two files that say different things under the same id and
/// version, or one id used by different parties, are all refused: which of them is meant is not for a program to guess.
///
/// `adopted` tells when the log adopted a document with these bytes: its signatures are then checked as of that moment,
/// as a replay does, so that a key that has ended since takes nothing out of force.
pub fn load(
    folder: &Path,
    parties: &Register,
    at: Timestamp,
    adopted: &dyn Fn(&[u8]) -> Option<Timestamp>,
) -> (Vec<Adopted>, Vec<Finding>) {
    let files = match finding::files_in(folder, "json") {
        Ok(files) => files,
        Err(finding) => return (Vec::new(), vec![finding]),
    };
    let mut findings = Vec::new();
    let mut read = Vec::new();
    for file in files {
        match read_one(file, parties, at, adopted) {
            Ok(adopted) => read.push(adopted),
            Err(finding) => findings.push(finding),
        }
    }
    let read = without_contradictions(read, &mut findings);
    (without_superseded(read, at), findings)
}

fn read_one(
    file: PathBuf,
    parties: &Register,
    at: Timestamp,
    adopted: &dyn Fn(&[u8]) -> Option<Timestamp>,
) -> Result<Adopted, Finding> {
    let document =
        fs::read(&file).map_err(|error| Finding::new(&file, format!("cannot be read: {error}")))?;
    match document::verify(&document, parties, adopted(&document).unwrap_or(at)) {
        Ok(agreement) => Ok(Adopted { agreement: Arc::new(agreement), document, file }),
        Err(error) => Err(Finding::new(&file, format!("refused: {}", error.in_full()))),
    }
}

fn without_contradictions(read: Vec<Adopted>, findings: &mut Vec<Finding>) -> Vec<Adopted> {
    let mut documents: BTreeMap<(String, u32), BTreeSet<Vec<u8>>> = BTreeMap::new();
    let mut parties: BTreeMap<String, BTreeSet<(OrganisationId, OrganisationId)>> = BTreeMap::new();
    for Adopted { agreement, document, .. } in &read {
        let version = (agreement.id.clone(), agreement.version);
        documents.entry(version).or_default().insert(document.clone());
        let pair = (agreement.consumer.clone(), agreement.provider.clone());
        parties.entry(agreement.id.clone()).or_default().insert(pair);
    }
    let mut kept: Vec<Adopted> = Vec::new();
    for adopted in read {
        let Agreement { id, version, .. } = &*adopted.agreement;
        let problem = if documents.get(&(id.clone(), *version)).is_some_and(|all| all.len() > 1) {
            Some(format!(
                "refused: other files hold agreement `{id}` version {version} with other bytes; keep one, or raise \
                 the version"
            ))
        } else if parties.get(id).is_some_and(|all| all.len() > 1) {
            Some(format!("refused: other parties use the agreement id `{id}`; give it another"))
        } else {
            None
        };
        if let Some(problem) = problem {
            findings.push(Finding::new(&adopted.file, problem));
        } else if !kept.iter().any(|known| known.document == adopted.document) {
            // A second copy of the same bytes says nothing new.
            kept.push(adopted);
        }
    }
    kept
}

/// One version of each agreement.
fn without_superseded(read: Vec<Adopted>, at: Timestamp) -> Vec<Adopted> {
    let standing = |agreement: &Agreement| (agreement.effective_from <= at, agreement.version);
    let mut best: BTreeMap<String, (bool, u32)> = BTreeMap::new();
    for Adopted { agreement, .. } in &read {
        let best = best.entry(agreement.id.clone()).or_default();
        *best = (*best).max(standing(agreement));
    }
    read.into_iter()
        .filter(|adopted| best.get(&adopted.agreement.id) == Some(&standing(&adopted.agreement)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::document::tests::{NOW, Parties};
    use super::super::terms::tests::DRAFT;
    use super::*;

    const BOTH: &[&str] = &["fund-1", "civil-1"];

    fn loaded(files: &[(&str, Vec<u8>)], parties: &Parties) -> (Vec<(String, u32)>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let (adopted, findings) = load(folder.path(), &parties.register, NOW, &|_| None);
        let named = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        (
            adopted.iter().map(|one| (named(&one.file), one.agreement.version)).collect(),
            findings.iter().map(|finding| named(&finding.file)).collect(),
        )
    }

    fn version(number: u32, from: &str) -> String {
        DRAFT.replace("version = 1", &format!("version = {number}")).replace("2018-06-01", from)
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_bad_file_is_named_and_takes_nothing_with_it() {
        let parties = Parties::new();
        let good = parties.sign(DRAFT, BOTH);
        let half = parties.sign(&DRAFT.replace("2018-001", "2018-002"), &["fund-1"]);
        let files =
            [("a.json", good), ("b.json", half), ("c.json", b"{".to_vec()), ("d.txt", vec![])];
        let (adopted, findings) = loaded(&files, &parties);
        assert_eq!(adopted, [("a.json".to_owned(), 1)]);
        assert_eq!(findings, names(&["b.json", "c.json"]));
    }

    #[test]
    fn a_higher_version_supersedes_once_it_has_begun() {
        let parties = Parties::new();
        let first = parties.sign(DRAFT, BOTH);
        let begun = parties.sign(&version(2, "2026-09-01"), BOTH);
        let later = parties.sign(&version(3, "2027-01-01"), BOTH);
        let files = [("1.json", first.clone()), ("2.json", begun), ("3.json", later.clone())];
        let (adopted, findings) = loaded(&files, &parties);
        assert_eq!(adopted, [("2.json".to_owned(), 2)]);
        assert!(findings.is_empty(), "{findings:?}");
        // One that begins later leaves no gap before it.
        let (adopted, _) = loaded(&[("1.json", first), ("3.json", later.clone())], &parties);
        assert_eq!(adopted, [("1.json".to_owned(), 1)]);
        let (adopted, _) = loaded(&[("3.json", later)], &parties);
        assert_eq!(adopted, [("3.json".to_owned(), 3)]);
    }

    #[test]
    fn contradictions_are_refused_on_both_sides() {
        let parties = Parties::new();
        let one = parties.sign(DRAFT, BOTH);
        let other = parties.sign(&DRAFT.replace("per_day = 20000", "per_day = 30000"), BOTH);
        let (adopted, findings) = loaded(&[("a.json", one.clone()), ("b.json", other)], &parties);
        assert!(adopted.is_empty());
        assert_eq!(findings, names(&["a.json", "b.json"]));

        let copies = [("a.json", one.clone()), ("b.json", one.clone())];
        assert_eq!(loaded(&copies, &parties).0, [("a.json".to_owned(), 1)]);

        let police = version(2, "2018-06-01").replace("civil-affairs", "police");
        let foreign = parties.sign(&police, &["fund-1", "police-1"]);
        let (adopted, findings) = loaded(&[("a.json", one), ("b.json", foreign)], &parties);
        assert!(adopted.is_empty());
        assert_eq!(findings, names(&["a.json", "b.json"]));
    }

    #[test]
    fn a_missing_folder_is_a_finding() {
        let (adopted, findings) =
            load(Path::new("/nowhere"), &Parties::new().register, NOW, &|_| None);
        assert!(adopted.is_empty());
        assert_eq!(findings.len(), 1);
    }
}
