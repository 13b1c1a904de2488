//! Who has which name, answers which fact and has which folder for disputes, where several manifests want the same.
//!
//! What a manifest had before stays with it for as long as it is there and wants it: whoever may change one manifest must
//! not get the questions that go to another agency. Where nobody had it before, nobody gets it: the names of files say
//! nothing about who is right.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::manifest::Manifest;
use super::{Adapter, Queue};
use crate::finding::Finding;
use crate::query::{FactCode, OrganisationId};

/// A manifest and what it wants.
pub(super) struct Claimant {
    file: PathBuf,
    agency: OrganisationId,
    wants: Rights,
    /// What its file had before, and has again where it does not get what it wants.
    had: Option<Rights>,
}

/// A name, facts, and a folder.
type Rights = BTreeSet<Right>;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Right {
    Name(String),
    Fact(FactCode),
    /// Where links lead. Whoever reads it reads about whom there are disputes.
    Folder(PathBuf),
}

impl Claimant {
    /// A manifest as it was read.
    pub(super) fn reading(file: &Path, manifest: &Manifest) -> Self {
        let facts = manifest.operations.iter().map(|operation| &operation.fact);
        let wants = rights(&manifest.name, facts, manifest.disputes.queue.as_ref());
        Self { file: file.to_owned(), agency: manifest.agency.clone(), wants, had: None }
    }

    /// An adapter to be put into force, and the one that its file made before.
    pub(super) fn adapter(file: &Path, adapter: &Adapter, before: Option<&Adapter>) -> Self {
        let of = |adapter: &Adapter| rights(adapter.name(), adapter.facts(), adapter.queue());
        let agency = adapter.agency().clone();
        Self { file: file.to_owned(), agency, wants: of(adapter), had: before.map(of) }
    }

    fn had(&self, right: &Right) -> bool {
        self.had.as_ref().is_some_and(|had| had.contains(right))
    }

    /// Why it does not get what it wants.
    fn told(&self, right: &Right, problem: &str) -> Finding {
        let what = match right {
            Right::Name(name) => format!("the name `{name}`"),
            Right::Fact(fact) => format!("`{fact}`"),
            Right::Folder(folder) => format!("the folder `{}` for disputes", folder.display()),
        };
        let outcome = match self.had {
            Some(_) => "this manifest stays as it was before",
            None => "this manifest is left out",
        };
        Finding::new(&self.file, format!("{what} {problem}: {outcome}"))
    }
}

fn rights<'a>(
    name: &str,
    facts: impl Iterator<Item = &'a FactCode>,
    queue: Option<&Queue>,
) -> Rights {
    let facts = facts.map(|fact| Right::Fact(fact.clone()));
    let folder = queue.map(|queue| {
        let folder = queue.folder();
        Right::Folder(fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned()))
    });
    facts.chain(folder).chain([Right::Name(name.to_owned())]).collect()
}

/// Says of each in turn why it does not get what it wants; `None` where it does.
pub(super) fn settle(claimants: &[Claimant]) -> Vec<Option<Finding>> {
    let mut lost: Vec<Option<Finding>> = claimants.iter().map(|_| None).collect();
    // Whoever loses wants again what it had, which others may have taken for free.
    loop {
        let contested = contested(claimants, &lost);
        let mut round = against_holders(claimants, &contested);
        if round.is_empty() {
            round = among_newcomers(claimants, &contested);
        }
        round.retain(|(claimant, _)| lost.get(*claimant).is_some_and(Option::is_none));
        if round.is_empty() {
            return lost;
        }
        for (claimant, finding) in round {
            if let Some(place) = lost.get_mut(claimant) {
                place.get_or_insert(finding);
            }
        }
    }
}

/// What more than one of them wants, and who.
fn contested<'c>(
    claimants: &'c [Claimant],
    lost: &[Option<Finding>],
) -> Vec<(&'c Right, Vec<usize>)> {
    let mut wanted: BTreeMap<&Right, Vec<usize>> = BTreeMap::new();
    for (index, (claimant, lost)) in claimants.iter().zip(lost).enumerate() {
        let wants = if lost.is_some() { claimant.had.as_ref() } else { Some(&claimant.wants) };
        for right in wants.into_iter().flatten() {
            wanted.entry(right).or_default().push(index);
        }
    }
    // Manifests of one agency may share its folder.
    let agencies = |by: &[usize]| {
        let agencies = by.iter().filter_map(|index| Some(&claimants.get(*index)?.agency));
        agencies.collect::<BTreeSet<_>>().len()
    };
    let is_contested = |right: &Right, by: &[usize]| match right {
        Right::Folder(_) => agencies(by) > 1,
        Right::Name(_) | Right::Fact(_) => by.len() > 1,
    };
    wanted.into_iter().filter(|(right, by)| is_contested(right, by)).collect()
}

fn against_holders(
    claimants: &[Claimant],
    contested: &[(&Right, Vec<usize>)],
) -> Vec<(usize, Finding)> {
    let mut losers = Vec::new();
    for (right, by) in contested {
        let by = by.iter().filter_map(|index| Some((*index, claimants.get(*index)?)));
        let (holders, others): (Vec<_>, Vec<_>) = by.partition(|(_, one)| one.had(right));
        let Some((_, holder)) = holders.first() else { continue };
        let problem = match right {
            Right::Name(_) => format!("is that of `{}`", holder.file.display()),
            Right::Fact(_) => format!("is answered by `{}`", holder.file.display()),
            Right::Folder(_) => format!("is that of `{}`", holder.file.display()),
        };
        losers.extend(others.iter().map(|(index, one)| (*index, one.told(right, &problem))));
    }
    losers
}

fn among_newcomers(
    claimants: &[Claimant],
    contested: &[(&Right, Vec<usize>)],
) -> Vec<(usize, Finding)> {
    let mut losers = Vec::new();
    for (right, by) in contested {
        for index in by {
            let other = by.iter().find(|other| *other != index).and_then(|at| claimants.get(*at));
            let (Some(one), Some(other)) = (claimants.get(*index), other) else { continue };
            let other = other.file.display();
            let problem = format!(
                "is wanted by `{other}` as well, and which of them is right nothing here says"
            );
            losers.push((*index, one.told(right, &problem)));
        }
    }
    losers
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `wants` and `had` as a name and facts.
    fn claimant(file: &str, wants: &[&str], had: Option<&[&str]>) -> Claimant {
        let rights = |of: &[&str]| {
            let facts: Vec<FactCode> = of[1..].iter().map(|fact| FactCode::new(*fact)).collect();
            rights(of[0], facts.iter(), None)
        };
        let (wants, had) = (rights(wants), had.map(rights));
        Claimant { file: file.into(), agency: OrganisationId::from(file), wants, had }
    }

    /// Two agencies in one folder read each other's disputes; two manifests of one agency read their own.
    #[test]
    fn a_folder_for_disputes_is_one_agencys() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("queue");
        let link = root.path().join("link");
        fs::create_dir(&folder).unwrap();
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        let reading = |file: &str, agency: &str, folder: &Path| {
            let queue = Queue::new(folder.to_owned(), None);
            let agency = OrganisationId::from(agency);
            let wants = rights(file, std::iter::empty(), Some(&queue));
            Claimant { file: file.into(), agency, wants, had: None }
        };
        let own = [reading("a", "police", &folder), reading("b", "police", &link)];
        assert_eq!(told(&own), ["", ""]);
        let mut others = [reading("a", "police", &folder), reading("b", "housing", &link)];
        assert!(told(&others)[1].contains("for disputes is wanted by `a` as well"));
        others[0].had = Some(rights("a", std::iter::empty(), Some(&Queue::new(folder, None))));
        let told = told(&others);
        assert!(told[0].is_empty() && told[1].contains("for disputes is that of `a`"), "{told:?}");
    }

    fn told(claimants: &[Claimant]) -> Vec<String> {
        let lost = settle(claimants);
        lost.iter().map(|lost| lost.as_ref().map_or(String::new(), ToString::to_string)).collect()
    }

    #[test]
    fn nobody_takes_what_another_has() {
        let told = told(&[
            claimant("housing.toml", &["housing", "P1"], Some(&["housing", "H1"])),
            claimant("new.toml", &["police", "X1"], None),
            claimant("police.toml", &["police", "P1", "P2"], Some(&["police", "P1"])),
        ]);
        let stays =
            "housing.toml: `P1` is answered by `police.toml`: this manifest stays as it was";
        assert!(told[0].starts_with(stays), "{told:?}");
        assert_eq!(
            told[1],
            "new.toml: the name `police` is that of `police.toml`: this manifest is left out"
        );
        assert_eq!(told[2], "");
    }

    #[test]
    fn a_fact_may_be_handed_over() {
        let told = told(&[
            claimant("a.toml", &["a", "P1"], Some(&["a", "A1"])),
            claimant("b.toml", &["b", "B1"], Some(&["b", "B1", "P1"])),
            claimant("c.toml", &["c", "A1"], None),
        ]);
        assert_eq!(told, ["", "", ""]);
    }

    /// `a.toml` gives up A1 and loses: then it has A1 again, and `c.toml` does not get it.
    #[test]
    fn whoever_loses_has_again_what_it_had() {
        let told = told(&[
            claimant("a.toml", &["a", "P1"], Some(&["a", "A1"])),
            claimant("b.toml", &["b", "P1"], Some(&["b", "P1"])),
            claimant("c.toml", &["c", "A1"], None),
        ]);
        assert!(told[0].contains("`P1` is answered by `b.toml`"), "{told:?}");
        assert!(told[2].contains("`A1` is answered by `a.toml`"), "{told:?}");
    }

    #[test]
    fn where_nobody_had_it_nobody_gets_it() {
        let told = told(&[
            claimant("a.toml", &["a", "P1"], None),
            claimant("b.toml", &["b", "P1"], None),
            claimant("c.toml", &["c", "C1"], None),
        ]);
        assert!(told[0].contains("`P1` is wanted by `b.toml` as well"), "{told:?}");
        assert!(told[1].contains("`P1` is wanted by `a.toml` as well"), "{told:?}");
        assert!(told[1].ends_with("this manifest is left out"), "{told:?}");
        assert_eq!(told[2], "");
    }
}
