//! Which versions of an agreement stand beside each other, and which are over.
//!
//! A version that begins later is adopted today and begins by itself. The one before it goes on until the other has
//! begun and its overlap has passed. What was over does not come back: not when the file of the newer version is taken
//! away, not after a restart; the log remembers the highest version it ever adopted.

use super::journal::{Journal, Versions};
use crate::agreements::directory::Adopted;
use crate::finding::Finding;
use crate::query::time::Timestamp;

/// Those of the agreements, given by id and version, that are to stand at `at`. Those that would come back are named;
/// nothing is said of versions that another has replaced.
pub(super) fn standing(
    given: Vec<Adopted>,
    journal: &Journal,
    at: Timestamp,
    findings: &mut Vec<Finding>,
) -> Vec<Adopted> {
    let none = Versions::default();
    let mut standing = Vec::with_capacity(given.len());
    for versions in given.chunk_by(|one, other| one.agreement.id == other.agreement.id) {
        let Some(first) = versions.first() else { continue };
        let past = journal.versions(&first.agreement.id).unwrap_or(&none);
        for one in versions.iter().filter(|one| !is_superseded(one, versions, at)) {
            match returns_after(one, versions, past, at) {
                None => standing.push(one.clone()),
                Some(newer) => findings.push(Finding::new(&*one.file, refused(one, newer))),
            }
        }
    }
    standing
}

/// True when another of these versions has begun, is higher, and leaves this one no time any more.
pub(in crate::gateway) fn is_superseded(
    one: &Adopted,
    versions: &[Adopted],
    at: Timestamp,
) -> bool {
    let mut others = versions.iter().map(|other| &other.agreement);
    others.any(|other| other.version > one.agreement.version && other.takes_over() <= at)
}

/// The higher version after which this one would come back; `None` when it would not.
fn returns_after(
    one: &Adopted,
    versions: &[Adopted],
    past: &Versions,
    at: Timestamp,
) -> Option<u32> {
    let version = one.agreement.version;
    if past.adopted(version).is_none() {
        return Some(past.highest).filter(|highest| *highest > version);
    }
    // A version that had begun and was taken away now takes those before it along, even out of an overlap.
    let taken_away = past.adopted.iter().find(|known| {
        known.version > version
            && known.begins <= at
            && !versions.iter().any(|other| other.agreement.version == known.version)
    });
    taken_away.map(|known| known.version)
}

fn refused(one: &Adopted, newer: u32) -> String {
    let (id, version) = (&one.agreement.id, one.agreement.version);
    format!(
        "refused: agreement `{id}` had version {newer}, and version {version} does not come back after it; to go back \
         to its terms, sign them again under a higher version"
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::decision::agreement::Agreement;
    use crate::decision::sample;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const DAY: u64 = 86_400;

    /// Version, days until it begins (negative: since it began), days of overlap.
    fn version(number: u32, begins: i64, overlap: u64) -> Adopted {
        let from = NOW.0 as i64 + begins * 86_400_000_000;
        let agreement = Agreement {
            id: "mz-1".to_owned(),
            version: number,
            effective_from: Timestamp(from as u64),
            overlap: Duration::from_secs(overlap * DAY),
            ..sample::agreement()
        };
        let file = format!("{number}.json");
        let document = [number as u8; 32];
        Adopted { agreement: Arc::new(agreement), document, file: Path::new(&file).into() }
    }

    /// The versions that stand, and those refused by name, after a log that adopted the first list, of which the
    /// second was withdrawn.
    fn stand(
        adopted: &[&Adopted],
        withdrawn: &[u32],
        given: &[&Adopted],
    ) -> (Vec<u32>, Vec<String>) {
        let mut journal = Journal::default();
        for (index, adopted) in (0..).zip(adopted) {
            journal.adopted(adopted, index, NOW);
        }
        if let Some(versions) = Arc::make_mut(&mut journal.agreements).get_mut("mz-1") {
            versions.adopted.retain(|known| !withdrawn.contains(&known.version));
        }
        let mut findings = Vec::new();
        let given = given.iter().map(|one| (*one).clone()).collect();
        let standing = standing(given, &journal, NOW, &mut findings);
        (
            standing.iter().map(|one| one.agreement.version).collect(),
            findings.iter().map(|finding| finding.file.display().to_string()).collect(),
        )
    }

    fn named(versions: &[u32]) -> Vec<String> {
        versions.iter().map(|version| format!("{version}.json")).collect()
    }

    #[test]
    fn versions_stand_beside_each_other_until_one_is_over() {
        let first = version(1, -900, 0);
        let (later, begun, overlapping) = (version(2, 5, 0), version(2, -5, 0), version(2, -5, 30));
        let third = version(3, 50, 0);
        let stand = |given: &[&Adopted]| stand(&[], &[], given);
        assert_eq!(stand(&[&first, &later]), (vec![1, 2], vec![]));
        assert_eq!(stand(&[&first, &begun]), (vec![2], vec![]));
        assert_eq!(stand(&[&first, &overlapping, &third]), (vec![1, 2, 3], vec![]));
        assert_eq!(stand(&[&first, &version(2, -31, 30)]), (vec![2], vec![]));
        assert_eq!(stand(&[&later]), (vec![2], vec![]));
    }

    #[test]
    fn an_old_version_does_not_come_back() {
        let first = version(1, -900, 0);
        let (later, begun, overlapping) = (version(2, 5, 0), version(2, -5, 0), version(2, -5, 30));
        // Its file still lies there, and nobody minds while the newer one stands.
        assert_eq!(stand(&[&first, &begun], &[1], &[&first, &begun]), (vec![2], vec![]));
        // The newer one goes: at once, after a restart between, out of the overlap.
        assert_eq!(stand(&[&first, &begun], &[], &[&first]), (vec![], named(&[1])));
        assert_eq!(stand(&[&first, &begun], &[1], &[&first]), (vec![], named(&[1])));
        assert_eq!(stand(&[&first, &begun], &[1, 2], &[&first]), (vec![], named(&[1])));
        assert_eq!(stand(&[&first, &overlapping], &[], &[&first]), (vec![], named(&[1])));
        // One that was taken away before it began leaves the one before it as it was.
        assert_eq!(stand(&[&first, &later], &[], &[&first]), (vec![1], vec![]));
        assert_eq!(stand(&[&first, &later], &[2], &[&first]), (vec![1], vec![]));
        // The same version may come again, and a higher one.
        assert_eq!(stand(&[&first], &[1], &[&first]), (vec![1], vec![]));
        assert_eq!(stand(&[&first, &begun], &[1, 2], &[&version(3, -1, 0)]), (vec![3], vec![]));
        // A lower one that was never there does not come after a higher one.
        assert_eq!(stand(&[&later], &[], &[&first, &later]), (vec![2], named(&[1])));
    }
}
