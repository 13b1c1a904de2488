//! Where an agency takes disputes: a folder of its own, or a call. And where it leaves its answers.
//!
//! A paper is written whole under another name and then renamed, so that whoever reads the folder sees all of it or nothing;
//! its marker, which comes last, holds its SHA-256.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::manifest::read_file;
use crate::crypto::{hex, sha256};

/// Added to a paper's name for its marker, as dropped tables have theirs.
const MARKER: &str = ".ok";

/// What answers are called.
const ENDING: &str = ".json";

/// Where answers are left, and where they go when they have been looked at.
const ANSWERS: &str = "answers";
const TAKEN: &str = "answers/taken";
const REFUSED: &str = "answers/refused";

/// Bytes of one answer: ten times the longest text that is taken.
const ANSWER_BYTES: u64 = 64 << 10;

/// Answers looked at in one round. A folder that somebody fills does not keep the gateway from its other work.
const ANSWERS_MOST: usize = 100;

/// Whoever carries papers on is mostly of the same group, and nobody else's business.
const MODE: u32 = 0o640;

/// Why a paper did not get into the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// The folder is not there.
    Missing,
    /// Links lead it out of where the settings allow queues.
    Elsewhere,
    /// It cannot be written to.
    Unwritable,
}

impl Undelivered {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "folder_missing",
            Self::Elsewhere => "folder_elsewhere",
            Self::Unwritable => "folder_unwritable",
        }
    }
}

/// A folder that an agency takes disputes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    folder: PathBuf,
    /// Folders within which it may lie; `None` is anywhere.
    within: Option<Vec<PathBuf>>,
}

/// One answer as it was found.
pub struct Answer {
    /// The file's name.
    pub name: String,
    /// What it holds; `None` when it is no file that can be read.
    pub bytes: Option<Vec<u8>>,
}

impl Queue {
    /// Over this folder.
    pub(super) fn new(folder: PathBuf, within: Option<Vec<PathBuf>>) -> Self {
        Self { folder, within }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts a paper there. One of the same name is replaced: it is the same paper.
    ///
    /// # Errors
    /// Why it is not there. It may be there without its marker then, and is put there again.
    pub fn put(&self, name: &str, paper: &[u8]) -> Result<(), Undelivered> {
        let folder = self.place()?;
        let written = write(&folder, name, paper).and_then(|()| {
            let marker = format!("{}  {name}\n", hex(&sha256(paper)));
            write(&folder, &format!("{name}{MARKER}"), marker.as_bytes())
        });
        written.map_err(|error| {
            tracing::warn!(%error, folder = %folder.display(), "a dispute could not be written");
            Undelivered::Unwritable
        })
    }

    /// The answers that lie there now, but for those of these names.
    pub fn answers(&self, passed_over: &[String]) -> Vec<Answer> {
        let Ok(folder) = self.place() else { return Vec::new() };
        let Some(answers) = own(&folder, ANSWERS) else { return Vec::new() };
        let Ok(found) = fs::read_dir(&answers) else { return Vec::new() };
        let named = found.filter_map(|one| one.ok()?.file_name().into_string().ok());
        let json = named.filter(|name| {
            name.ends_with(ENDING) && !name.starts_with('.') && !passed_over.contains(name)
        });
        let mut names: Vec<String> = json.take(ANSWERS_MOST).collect();
        names.sort_unstable();
        let read = |name: String| {
            let file = answers.join(&name);
            // A link may lead to what the gateway may read and the agency may not.
            let is_file = fs::symlink_metadata(&file).is_ok_and(|found| found.is_file());
            let bytes = if is_file { read_file(&file, ANSWER_BYTES).ok() } else { None };
            Answer { name, bytes }
        };
        names.into_iter().map(read).collect()
    }

    /// Sets an answer aside that has been looked at. What lies there already under that name stays: agencies may call every
    /// answer alike.
    ///
    /// # Errors
    /// When it stays where it is.
    pub fn set_aside(&self, name: &str, is_taken: bool) -> io::Result<()> {
        let folder = self.place().map_err(|why| io::Error::other(why.code()))?;
        let elsewhere = || io::Error::other(Undelivered::Elsewhere.code());
        let from = own(&folder, ANSWERS).ok_or_else(elsewhere)?;
        let part = if is_taken { TAKEN } else { REFUSED };
        fs::create_dir_all(folder.join(part))?;
        let to = own(&folder, part).ok_or_else(elsewhere)?;
        let mut place = to.join(name);
        if fs::symlink_metadata(&place).is_ok() {
            let stem = name.strip_suffix(ENDING).unwrap_or(name);
            // Sorted by when they came.
            place = to.join(format!("{stem}-{}{ENDING}", uuid::Uuid::now_v7()));
        }
        fs::rename(from.join(name), place)
    }

    /// Where the folder really lies: looked at each time, for links and shares change.
    fn place(&self) -> Result<PathBuf, Undelivered> {
        let folder = fs::canonicalize(&self.folder).map_err(|_| Undelivered::Missing)?;
        match is_within(&folder, self.within.as_deref()) {
            true => Ok(folder),
            false => Err(Undelivered::Elsewhere),
        }
    }
}

/// A folder within one whose links are followed already; `None` where it is not there or a link. The agency writes there, and
/// a link could lead to another agency's answers, or the gateway's own folders.
fn own(folder: &Path, part: &str) -> Option<PathBuf> {
    let own = folder.join(part);
    (fs::canonicalize(&own).ok()? == own).then_some(own)
}

/// Whether a folder, links followed, lies in one of these.
fn is_within(folder: &Path, within: Option<&[PathBuf]>) -> bool {
    let Some(within) = within else { return true };
    let mut roots = within.iter().filter_map(|root| fs::canonicalize(root).ok());
    roots.any(|root| folder.starts_with(root))
}

/// Whether a folder that need not be there yet would lie in one of these: what there is of its path is followed.
pub(super) fn would_be_within(folder: &Path, within: &[PathBuf]) -> bool {
    let climbs = |path: &Path| path.components().any(|part| part.as_os_str() == "..");
    let mut there = folder;
    loop {
        if let Ok(found) = fs::canonicalize(there) {
            let rest = folder.strip_prefix(there).unwrap_or(Path::new(""));
            let roots = within.iter().map(|root| fs::canonicalize(root).unwrap_or(root.clone()));
            return !climbs(rest)
                && roots.into_iter().any(|root| found.join(rest).starts_with(root));
        }
        match there.parent() {
            Some(parent) => there = parent,
            None => return false,
        }
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut unfinished = tempfile::Builder::new()
        .prefix(".unfinished-")
        .suffix(".part")
        .permissions(fs::Permissions::from_mode(MODE))
        .tempfile_in(folder)?;
    unfinished.write_all(bytes)?;
    unfinished.as_file().sync_all()?;
    unfinished.persist(folder.join(name)).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_paper_is_there_whole_with_its_marker_or_not_at_all() {
        let root = tempfile::tempdir().unwrap();
        let queue = Queue::new(root.path().join("police"), Some(vec![root.path().to_owned()]));
        assert_eq!(queue.put("a.json", b"{}"), Err(Undelivered::Missing));
        fs::create_dir(root.path().join("police")).unwrap();
        queue.put("a.json", b"{}").unwrap();
        queue.put("a.json", b"{}").unwrap();
        let mut names: Vec<String> = fs::read_dir(queue.folder())
            .unwrap()
            .map(|found| found.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["a.json", "a.json.ok"]);
        let marker = fs::read_to_string(queue.folder().join("a.json.ok")).unwrap();
        assert_eq!(marker, format!("{}  a.json\n", hex(&sha256(b"{}"))));
    }

    #[test]
    fn links_lead_nowhere_else() {
        let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        symlink(other.path(), root.path().join("police")).unwrap();
        let within = vec![root.path().to_owned()];
        let queue = Queue::new(root.path().join("police"), Some(within.clone()));
        assert_eq!(queue.put("a.json", b"{}"), Err(Undelivered::Elsewhere));
        assert!(!would_be_within(&root.path().join("police"), &within));
        assert!(!would_be_within(&root.path().join("police/inner"), &within));
        assert!(!would_be_within(&root.path().join("new/../../x"), &within));
        assert!(would_be_within(&root.path().join("new/inner"), &within));
        assert!(!would_be_within(other.path(), &within));
    }

    #[test]
    fn folders_of_answers_are_no_links() {
        let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(other.path().join("x.json"), "{}").unwrap();
        let queue = Queue::new(root.path().to_owned(), None);
        let answers = root.path().join("answers");
        symlink(other.path(), &answers).unwrap();
        assert!(queue.answers(&[]).is_empty());
        assert!(queue.set_aside("x.json", true).is_err());
        assert!(other.path().join("x.json").is_file() && !other.path().join("taken").exists());
        fs::remove_file(&answers).unwrap();
        fs::create_dir(&answers).unwrap();
        fs::write(answers.join("x.json"), "forged").unwrap();
        symlink(other.path(), answers.join("refused")).unwrap();
        assert!(queue.set_aside("x.json", false).is_err());
        assert_eq!(fs::read_to_string(other.path().join("x.json")).unwrap(), "{}");
    }

    #[test]
    fn answers_of_one_name_are_all_kept() {
        let root = tempfile::tempdir().unwrap();
        let queue = Queue::new(root.path().to_owned(), None);
        fs::create_dir(root.path().join(ANSWERS)).unwrap();
        for text in ["first", "second", "third"] {
            fs::write(root.path().join(ANSWERS).join("answer.json"), text).unwrap();
            queue.set_aside("answer.json", true).unwrap();
        }
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        let taken = fs::read_dir(root.path().join(TAKEN)).unwrap();
        let mut taken: Vec<PathBuf> = taken.map(|found| found.unwrap().path()).collect();
        taken.sort_unstable_by_key(|path| path.file_name().unwrap().len());
        assert_eq!(read(&taken[0]), "first");
        assert!(taken.iter().all(|path| path.extension().is_some_and(|ending| ending == "json")));
        let mut others = [read(&taken[1]), read(&taken[2])];
        others.sort_unstable();
        assert_eq!(others, ["second", "third"]);
    }

    #[test]
    fn answers_that_are_passed_over_keep_none_out() {
        let root = tempfile::tempdir().unwrap();
        let queue = Queue::new(root.path().to_owned(), None);
        fs::create_dir(root.path().join(ANSWERS)).unwrap();
        let names: Vec<String> =
            (0..=ANSWERS_MOST).map(|number| format!("{number}.json")).collect();
        for name in &names {
            fs::write(root.path().join(ANSWERS).join(name), "{}").unwrap();
        }
        let first: Vec<String> = queue.answers(&[]).into_iter().map(|one| one.name).collect();
        assert_eq!(first.len(), ANSWERS_MOST);
        let rest = queue.answers(&first);
        let last = names.iter().find(|name| !first.contains(name)).unwrap();
        assert_eq!(rest.iter().map(|one| &one.name).collect::<Vec<_>>(), [last]);
    }

    #[test]
    fn what_is_no_plain_file_is_not_read() {
        let root = tempfile::tempdir().unwrap();
        let queue = Queue::new(root.path().to_owned(), None);
        let answers = root.path().join("answers");
        fs::create_dir_all(answers.join("folder.json")).unwrap();
        fs::write(root.path().join("secret"), "s").unwrap();
        symlink(root.path().join("secret"), answers.join("link.json")).unwrap();
        fs::write(answers.join("huge.json"), vec![b' '; 1 << 20]).unwrap();
        fs::write(answers.join("good.json"), "{}").unwrap();
        fs::write(answers.join(".part.json"), "{}").unwrap();
        fs::write(answers.join("note.txt"), "{}").unwrap();
        let read: Vec<(String, bool)> =
            queue.answers(&[]).into_iter().map(|one| (one.name, one.bytes.is_some())).collect();
        let expected = [("folder", false), ("good", true), ("huge", false), ("link", false)];
        assert_eq!(read, expected.map(|(name, is)| (format!("{name}.json"), is)));
        for (name, _) in read {
            queue.set_aside(&name, name.starts_with("good")).unwrap();
        }
        assert!(queue.answers(&[]).is_empty());
        assert!(root.path().join("answers/taken/good.json").is_file());
        assert!(root.path().join("answers/refused/link.json").is_symlink());
    }
}
