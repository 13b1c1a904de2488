//! A folder of signed agreements: the good ones, and what is wrong with the others, by file name.
//!
//! Read on all cores, and nothing of a document is kept but what it grants and its digest.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::document::{self, SIZE_LIMIT};
use crate::crypto::{Digest, sha256};
use crate::decision::agreement::Agreement;
use crate::decision::pool::Pool;
use crate::finding::{self, Finding};
use crate::parties::Register;
use crate::query::time::Timestamp;

/// Files between two words about how far the reading is.
const PROGRESS_EVERY: usize = 1000;

/// An agreement whose signatures hold, and where its document lies. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Adopted {
    /// What it grants.
    pub agreement: Arc<Agreement>,
    /// SHA-256 of the signed document.
    pub document: Digest,
    /// Where it was found.
    pub file: Arc<Path>,
}

impl Adopted {
    /// The signed document, byte for byte, as it enters the log.
    ///
    /// # Errors
    /// When the file cannot be read any more, or holds something else by now.
    pub fn read_again(&self) -> Result<Vec<u8>, Finding> {
        let document = read(&self.file)?;
        if sha256(&document) != self.document {
            let problem = "was changed while it was read; reload once more";
            return Err(Finding::new(&*self.file, problem));
        }
        Ok(document)
    }
}

/// What is known of a document from before.
#[derive(Clone, Debug)]
pub struct Known {
    /// When the log adopted it. Its signatures are checked as of that moment, as a replay does, so that a key that has
    /// ended since takes nothing out of force.
    pub adopted_at: Timestamp,
    /// What it says, when its signatures were checked before, against the same register.
    pub checked: Option<Arc<Agreement>>,
}

/// What to read, and what to hold it against.
pub struct Reading<'a> {
    /// The folder.
    pub folder: &'a Path,
    /// Whose keys count.
    pub parties: &'a Register,
    /// As of when the signatures of new documents are checked.
    pub at: Timestamp,
    /// What is known of the document with this SHA-256.
    pub known: &'a (dyn Fn(&Digest) -> Option<Known> + Sync),
    /// Told at the beginning, and now and then, by any thread, how many of how many files were read.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
}

/// Reads every `*.json` of the folder. A bad file is refused by name and takes nothing else with it.
///
/// All versions of an agreement are returned, by id and version; which of them are over is for those to say who know the
/// time and the log. Two files that say different things under the same id and version, or one id used by different
/// parties, are all refused: which of them is meant is not for a program to guess. Of copies with the same payload, in
/// whatever layout, the one that was adopted is returned, or else the first by its file's name.
pub fn load(reading: &Reading<'_>) -> (Vec<Adopted>, Vec<Finding>) {
    let files = match finding::files_in(reading.folder, "json") {
        Ok(files) => files,
        Err(finding) => return (Vec::new(), vec![finding]),
    };
    let mut findings = Vec::new();
    let mut good = Vec::with_capacity(files.len());
    for outcome in on_all_cores(&files, reading) {
        match outcome {
            Ok(adopted) => good.push(adopted),
            Err(finding) => findings.push(finding),
        }
    }
    let mut good = without_contradictions(good, reading, &mut findings);
    good.sort_by(|one, other| key(one).cmp(&key(other)));
    (good, findings)
}

/// By what agreements are in order.
pub fn key(adopted: &Adopted) -> (&str, u32) {
    (&adopted.agreement.id, adopted.agreement.version)
}

/// What became of each file, in the order of the files.
fn on_all_cores(files: &[PathBuf], reading: &Reading<'_>) -> Vec<Result<Adopted, Finding>> {
    let next = AtomicUsize::new(0);
    // One for all threads: held for microseconds, where a signature takes a hundred.
    let pool = Mutex::default();
    let work = || {
        let mut outcomes = Vec::new();
        loop {
            let position = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(position) else { return outcomes };
            if position.is_multiple_of(PROGRESS_EVERY) {
                (reading.progress)(position, files.len());
            }
            outcomes.push((position, read_one(file, reading, &pool)));
        }
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let mut outcomes = thread::scope(|scope| {
        // A few files are read sooner than a thread is started.
        let others: Vec<_> =
            (1..cores.min(files.len().div_ceil(8))).map(|_| scope.spawn(work)).collect();
        let mut outcomes = work();
        for other in others {
            match other.join() {
                Ok(more) => outcomes.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        outcomes
    });
    outcomes.sort_by_key(|(position, _)| *position);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

fn read_one(file: &Path, reading: &Reading<'_>, pool: &Mutex<Pool>) -> Result<Adopted, Finding> {
    let bytes = read(file)?;
    let document = sha256(&bytes);
    let known = (reading.known)(&document);
    let at = known.as_ref().map_or(reading.at, |known| known.adopted_at);
    let agreement = match known.and_then(|known| known.checked) {
        Some(agreement) => agreement,
        None => match document::verify(&bytes, reading.parties, at) {
            Ok(agreement) => {
                let mut pool = pool.lock().unwrap_or_else(PoisonError::into_inner);
                Arc::new(pool.share(agreement))
            }
            Err(error) => {
                return Err(Finding::new(file, format!("refused: {}", error.in_full())));
            }
        },
    };
    Ok(Adopted { agreement, document, file: file.into() })
}

/// A longer file is read no further than it takes to refuse it.
fn read(file: &Path) -> Result<Vec<u8>, Finding> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(file)?.take(SIZE_LIMIT as u64 + 1).read_to_end(&mut bytes).map(|_| bytes)
    };
    read().map_err(|error: std::io::Error| Finding::new(file, format!("cannot be read: {error}")))
}

/// What one id and version, or one id, was first seen with, and whether it was seen with anything else.
struct Seen<T> {
    first: T,
    is_contradicted: bool,
}

impl<T: PartialEq> Seen<T> {
    fn see(seen: &mut Option<Self>, one: T) {
        match seen {
            None => *seen = Some(Self { first: one, is_contradicted: false }),
            Some(seen) => seen.is_contradicted |= seen.first != one,
        }
    }
}

fn without_contradictions(
    read: Vec<Adopted>,
    reading: &Reading<'_>,
    findings: &mut Vec<Finding>,
) -> Vec<Adopted> {
    let mut payloads: HashMap<_, Option<Seen<Digest>>> = HashMap::with_capacity(read.len());
    let mut parties: HashMap<_, Option<Seen<_>>> = HashMap::with_capacity(read.len());
    for adopted in &read {
        let Agreement { id, consumer, provider, digest, .. } = &*adopted.agreement;
        Seen::see(payloads.entry(key(adopted)).or_default(), *digest);
        Seen::see(parties.entry(id.as_str()).or_default(), (consumer, provider));
    }
    let mut places = HashMap::with_capacity(read.len());
    let mut kept: Vec<Adopted> = Vec::with_capacity(read.len());
    for adopted in &read {
        let (id, version) = key(adopted);
        let problem = if payloads.get(&(id, version)).is_some_and(is_contradicted) {
            format!(
                "refused: other files hold agreement `{id}` version {version} with other terms; keep one, or raise \
                 the version"
            )
        } else if parties.get(id).is_some_and(is_contradicted) {
            format!("refused: other parties use the agreement id `{id}`; give it another")
        } else {
            let place = *places.entry((id, version)).or_insert(kept.len());
            match kept.get_mut(place) {
                None => kept.push(adopted.clone()),
                // A copy says nothing new; but what was adopted is to stay as it is.
                Some(copy) if (reading.known)(&copy.document).is_none() => {
                    if (reading.known)(&adopted.document).is_some() {
                        *copy = adopted.clone();
                    }
                }
                Some(_) => {}
            }
            continue;
        };
        findings.push(Finding::new(&*adopted.file, problem));
    }
    kept
}

fn is_contradicted<T>(seen: &Option<Seen<T>>) -> bool {
    seen.as_ref().is_some_and(|seen| seen.is_contradicted)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::document::tests::{NOW, Parties};
    use super::super::terms::tests::DRAFT;
    use super::*;

    const BOTH: &[&str] = &["fund-1", "civil-1"];

    fn loaded(files: &[(&str, Vec<u8>)], parties: &Parties) -> (Vec<(String, u32)>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let (adopted, findings) = read_all(folder.path(), parties);
        let named = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        (
            adopted.iter().map(|one| (named(&one.file), one.agreement.version)).collect(),
            findings.iter().map(|finding| named(&finding.file)).collect(),
        )
    }

    fn read_all(folder: &Path, parties: &Parties) -> (Vec<Adopted>, Vec<Finding>) {
        load(&Reading {
            folder,
            parties: &parties.register,
            at: NOW,
            known: &|_| None,
            progress: &|_, _| {},
        })
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
    fn all_versions_come_in_order_whatever_their_files_are_called() {
        let parties = Parties::new();
        let first = parties.sign(DRAFT, BOTH);
        let later = parties.sign(&version(10, "2027-01-01"), BOTH);
        let other = parties.sign(&DRAFT.replace("2018-001", "2017-009"), BOTH);
        let files = [("1.json", later), ("2.json", first), ("3.json", other)];
        let (adopted, findings) = loaded(&files, &parties);
        let named = |name: &str, version| (name.to_owned(), version);
        assert_eq!(adopted, [named("3.json", 1), named("2.json", 1), named("1.json", 10)]);
        assert!(findings.is_empty(), "{findings:?}");
    }

    #[test]
    fn what_was_checked_before_is_not_checked_again_and_what_was_adopted_is_judged_as_of_then() {
        let (parties, folder) = (Parties::new(), tempfile::tempdir().unwrap());
        let document = parties.sign(DRAFT, &["fund-0", "civil-1"]);
        fs::write(folder.path().join("a.json"), &document).unwrap();
        let read = |parties: &Parties, known: Option<Known>| {
            let (folder, parties) = (folder.path(), &parties.register);
            let known = |digest: &Digest| known.clone().filter(|_| *digest == sha256(&document));
            let (known, progress) = (&known, &|_, _| {});
            load(&Reading { folder, parties, at: NOW, known, progress })
        };
        // The key has ended.
        assert_eq!(read(&parties, None).1.len(), 1);
        let adopted_at = Timestamp::from_seconds(1_700_000_000);
        let (adopted, findings) = read(&parties, Some(Known { adopted_at, checked: None }));
        assert!(findings.is_empty(), "{findings:?}");
        // These parties never signed it: nobody asked them.
        let checked = Some(Arc::clone(&adopted[0].agreement));
        let (again, _) = read(&Parties::new(), Some(Known { adopted_at, checked }));
        assert!(Arc::ptr_eq(&again[0].agreement, &adopted[0].agreement));

        assert_eq!(adopted[0].read_again().unwrap(), document);
        fs::write(folder.path().join("a.json"), b"{}").unwrap();
        assert!(adopted[0].read_again().unwrap_err().problem.contains("was changed"));
    }

    #[test]
    fn many_files_are_read_in_their_order_with_a_word_about_it_now_and_then() {
        let (parties, folder) = (Parties::new(), tempfile::tempdir().unwrap());
        let good = parties.sign(DRAFT, BOTH);
        for number in 0..PROGRESS_EVERY + 5 {
            let bytes = if number == 700 { &good } else { &b"{"[..] };
            fs::write(folder.path().join(format!("{number:05}.json")), bytes).unwrap();
        }
        let told = std::sync::Mutex::new(Vec::new());
        let (adopted, findings) = load(&Reading {
            folder: folder.path(),
            parties: &parties.register,
            at: NOW,
            known: &|_| None,
            progress: &|done, all| told.lock().unwrap().push((done, all)),
        });
        assert_eq!((adopted.len(), findings.len()), (1, PROGRESS_EVERY + 4));
        assert!(findings.is_sorted_by(|one, other| one.file < other.file));
        let mut told = told.into_inner().unwrap();
        told.sort_unstable();
        assert_eq!(told, [0, PROGRESS_EVERY].map(|done| (done, PROGRESS_EVERY + 5)));
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
    fn the_same_payload_in_another_layout_is_no_contradiction() {
        let parties = Parties::new();
        let one = parties.sign(DRAFT, BOTH);
        let other = parties.sign(DRAFT, &["civil-1", "fund-1"]);
        let spaced = [&b"\n "[..], &one].concat();
        assert!(one != other && one != spaced);
        let files = [("b.json", one.clone()), ("a.json", other.clone()), ("c.json", spaced)];
        let (adopted, findings) = loaded(&files, &parties);
        assert_eq!((adopted, findings), (vec![("a.json".to_owned(), 1)], vec![]));

        let folder = tempfile::tempdir().unwrap();
        files.iter().for_each(|(name, bytes)| fs::write(folder.path().join(name), bytes).unwrap());
        let known = |digest: &Digest| {
            let known = Known { adopted_at: NOW, checked: None };
            Some(known).filter(|_| *digest == sha256(&one))
        };
        let (folder, parties) = (folder.path(), &parties.register);
        let progress = &|_, _| {};
        let (adopted, findings) =
            load(&Reading { folder, parties, at: NOW, known: &known, progress });
        assert!(findings.is_empty() && adopted.len() == 1, "{findings:?}");
        assert_eq!(adopted[0].document, sha256(&one), "what was adopted stays");
    }

    #[test]
    fn a_missing_folder_is_a_finding() {
        let (adopted, findings) = read_all(Path::new("/nowhere"), &Parties::new());
        assert!(adopted.is_empty());
        assert_eq!(findings.len(), 1);
    }
}
