//! Two versions of a manifest side by side: what changes by meaning, and which fixtures come out otherwise.

mod difference;

use std::path::{Path, PathBuf};

pub use self::difference::{Change, Changed};
use super::fixture;
pub use super::fixture::{Came, Turned};
use super::manifest::{self, Depth, Manifest};
use super::portrait::{Bearing, Portrait};
use crate::catalogue::Catalogue;
use crate::finding::Finding;
use crate::query::FactCode;

/// What came of comparing.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Before.
    pub old: Portrait,
    /// After.
    pub new: Portrait,
    /// What changes; nothing when both mean the same.
    pub places: Vec<Changed>,
    /// What became of fixtures.
    pub replay: Replay,
}

/// The fixtures of the new manifest, or of the old one where the new has none, played through both.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// Where they are; `None` where there are none.
    pub folder: Option<PathBuf>,
    /// How many were played through both.
    pub played: usize,
    /// Those that differ.
    pub turned: Vec<Turned>,
    /// What could not be played.
    pub flaws: Vec<Finding>,
}

impl Comparison {
    /// True when both mean the same.
    pub fn is_same(&self) -> bool {
        self.places.is_empty() && self.replay.turned.is_empty()
    }

    /// True when something that may change answers changes.
    pub fn may_change_answers(&self) -> bool {
        let mut changes = self.places.iter().flat_map(|place| &place.changes);
        changes.any(|change| change.bearing == Bearing::Answers)
            || self.replay.turned.iter().any(Turned::is_answer)
    }

    /// The facts whose kept answers the gateway lets go of when the new file takes the place of the old one: all of the
    /// adapter's, even where nothing but a remark changes, for a manifest is known by its digest.
    pub fn let_go(&self) -> Vec<FactCode> {
        if self.old.digest == self.new.digest && self.old.name == self.new.name {
            return Vec::new();
        }
        let both = self.old.operations.iter().chain(&self.new.operations);
        let mut facts: Vec<FactCode> = both.map(|operation| operation.fact.code.clone()).collect();
        facts.sort();
        facts.dedup();
        facts
    }
}

/// Compares two manifests by what they mean. Reads no secret, opens no socket.
///
/// # Errors
/// The flaws of one that cannot be read.
pub fn compare(old: &Path, new: &Path, catalogue: &Catalogue) -> Result<Comparison, Vec<Finding>> {
    let find = |code: &FactCode| catalogue.fact(code).cloned();
    let read = |file: &Path| manifest::read(file, Depth::ManifestOnly, &find);
    let (before, after) = match (read(old), read(new)) {
        (Ok(before), Ok(after)) => (before, after),
        (before, after) => {
            let flaws = [before.err(), after.err()];
            return Err(flaws.into_iter().flatten().flatten().collect());
        }
    };
    let (old, new) = (Portrait::of(&before, &find), Portrait::of(&after, &find));
    let places = difference::between(&old, &new);
    Ok(Comparison { replay: replay(&before, &after, catalogue), old, new, places })
}

fn replay(before: &Manifest, after: &Manifest, catalogue: &Catalogue) -> Replay {
    let find = |code: &FactCode| catalogue.fact(code).cloned();
    let folders = [after, before].map(|manifest| fixture::folder_of(&manifest.file));
    let Some(folder) = folders.into_iter().find(|folder| folder.is_dir()) else {
        return Replay::default();
    };
    let (played, turned, flaws) = fixture::play_twice(&folder, before, after, &find);
    Replay { folder: Some(folder), played, turned, flaws }
}

#[cfg(test)]
mod tests;
