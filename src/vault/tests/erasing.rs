//! Erasing, to the end and cut short at every step.

use super::*;
use crate::audit::verify::{Expected, verify};

fn whole(log: &Path) -> u64 {
    verify(log, Expected::default(), &mut |_, _| {}).unwrap().entries
}

/// The entry of this question, the intent or the outcome.
fn entry_of(world: &World, question: u64, which: usize) -> u64 {
    let recorded = world.recorded();
    let mut of_question = recorded.iter().filter(|known| known.1 == question);
    of_question.nth(which).unwrap().0
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

#[tokio::test]
async fn one_question_goes_and_all_others_stay() {
    let world = World::new().await;
    let backup = world.path("backup");
    copy(&world.log(), &backup);
    let (done, steps) = world.erase(What::Entries(vec![entry_of(&world, 2, 1)]), None).await;
    let done = done.unwrap();
    assert_eq!(done.entries, [entry_of(&world, 2, 0), entry_of(&world, 2, 1)], "both its entries");
    assert_eq!((done.days, done.kept), (vec![day(2)], 4));
    assert_eq!(world.state(&world.log()), (vec![1, 3, 4, 5], vec![2]));
    // A copy of the log from before: its own wraps need the key that is gone.
    assert_eq!(world.state(&backup), (vec![4, 5], vec![1, 2, 3]));
    assert!(world.about("P00002").is_empty());
    assert_eq!(world.about("P00001"), [1, 4]);
    assert_eq!(world.about("P99999"), [1, 3, 4, 5]);
    whole(&world.log());
    let [Step::Recorded(index), .., Step::Ended(name)] = steps.as_slice() else {
        panic!("{steps:?}")
    };
    assert_eq!(name.to_string(), "2026-11-23.1");
    let (stored, _) = records::at(&world.log(), *index).unwrap().unwrap();
    assert!(matches!(entry::decode(&stored).unwrap().kind, Kind::Erasure(_)));

    // Once more: nothing is left to do, and nothing is recorded.
    let size = whole(&world.log());
    let (again, steps) = world.erase(What::Entries(vec![entry_of(&world, 2, 0)]), None).await;
    assert!(matches!(again, Err(VaultError::NothingKept(_))), "{again:?}");
    assert!(steps.is_empty());
    assert_eq!(whole(&world.log()), size);

    // A second erasure of the same day takes its records from the table of the first.
    world.erase(What::Entries(vec![entry_of(&world, 3, 0)]), None).await.0.unwrap();
    assert_eq!(world.state(&world.log()), (vec![1, 4, 5], vec![2, 3]));
    assert_eq!(world.about("P99999"), [1, 4, 5]);
    let tables = crate::vault::tables::Tables::new(&world.log()).names().unwrap();
    assert_eq!(tables.len(), 1, "one that nothing opens any more stays: {tables:?}");
}

#[tokio::test]
async fn a_day_goes_and_new_questions_of_it_get_a_new_key() {
    let world = World::new().await;
    let (done, _) = world.erase(What::Day(day(1)), None).await;
    assert_eq!(done.unwrap().days, [day(1)]);
    assert_eq!(world.state(&world.log()), (vec![4, 5], vec![1, 2, 3]));
    assert_eq!(world.about("P00001"), [4]);
    whole(&world.log());
    let (again, _) = world.erase(What::Day(day(1)), None).await;
    assert!(matches!(again, Err(VaultError::NothingKept(_))));
    let (entries, _) = world.erase(What::Entries(vec![entry_of(&world, 1, 0)]), None).await;
    assert!(matches!(entries, Err(VaultError::NothingKept(_))));

    let (audit, history) = world.open().await;
    let vault = Vault::new(world.keys(), &world.path("keys"), history).unwrap();
    world.ask(&audit, &vault, 3).await;
    audit.close().await;
    let last = world.recorded().pop().unwrap();
    let mut opener = world.opener(&world.log());
    opener.unlock(last.0, &last.2, &last.3).unwrap();
    assert!(
        world.keys().folder.names().unwrap().iter().any(|name| name.to_string() == "2026-11-23.2")
    );
}

#[tokio::test]
async fn questions_of_two_days_go_in_one_order() {
    let world = World::new().await;
    let wanted = vec![entry_of(&world, 1, 0), entry_of(&world, 4, 1)];
    let (done, _) = world.erase(What::Entries(wanted), None).await;
    assert_eq!(done.unwrap().days.len(), 2);
    assert_eq!(world.state(&world.log()), (vec![2, 3, 5], vec![1, 4]));
}

#[tokio::test]
async fn an_erasure_cut_short_anywhere_loses_nothing_and_is_finished_by_running_it_again() {
    let order = |world: &World, whole_day: bool| match whole_day {
        true => What::Day(day(1)),
        false => What::Entries(vec![entry_of(world, 2, 0)]),
    };
    for whole_day in [false, true] {
        let (open, gone) =
            if whole_day { (vec![4, 5], vec![1, 2, 3]) } else { (vec![1, 3, 4, 5], vec![2]) };
        for step in 0.. {
            let world = World::new().await;
            let (cut, steps) = world.erase(order(&world, whole_day), Some(step)).await;
            if cut.is_ok() {
                assert!(step >= 3, "{steps:?}");
                break;
            }
            // Whatever is to stay opens at every moment.
            let (still, _) = world.state(&world.log());
            assert!(open.iter().all(|question| still.contains(question)), "step {step}: {still:?}");
            let (_, history) = world.history().await;
            let (again, _) = world.erase(order(&world, whole_day), None).await;
            match again {
                Ok(_) => {}
                // Cut after the last thing that was left to do.
                Err(VaultError::NothingKept(_)) => {
                    assert_eq!(history.unfinished(), None, "step {step}")
                }
                Err(error) => panic!("step {step}: {error}"),
            }
            assert_eq!(world.state(&world.log()), (open.clone(), gone.clone()), "step {step}");
            let (erasures, history) = world.history().await;
            assert_eq!(erasures, 1, "recorded once, step {step}");
            assert_eq!(history.unfinished(), None, "step {step}");
            whole(&world.log());
        }
    }
}

/// A key has two files, and a crash can come between them.
#[tokio::test]
async fn half_a_destroyed_key_and_half_a_made_one_are_finished() {
    let world = World::new().await;
    let wanted = || What::Entries(vec![entry_of(&world, 2, 0)]);
    let (cut, steps) = world.erase(wanted(), Some(3)).await;
    assert!(cut.is_err() && matches!(steps.last(), Some(Step::Kept(4))), "{steps:?}");
    let left = world.path("keys/2026-11-23.1.subject");
    assert!(!left.exists() && !world.path("keys/2026-11-23.1.key").exists(), "destroyed, then cut");
    std::fs::copy(world.path("keys/2026-11-23.2.subject"), &left).unwrap();
    std::fs::write(world.path("keys/2026-11-23.3.subject"), b"half").unwrap();
    std::fs::write(world.path("keys/2026-11-23.4.unfinished"), b"half").unwrap();
    world.erase(wanted(), None).await.0.unwrap();
    assert!(!left.exists() && !world.path("keys/2026-11-23.3.subject").exists());
    assert_eq!(world.state(&world.log()), (vec![1, 3, 4, 5], vec![2]));
    let names = world.keys().folder.names().unwrap();
    assert_eq!(names.iter().filter(|name| name.day == day(2)).count(), 1, "{names:?}");
}

#[tokio::test]
async fn what_cannot_be_kept_stops_it_before_anything_is_destroyed() {
    let world = World::new().await;
    std::fs::remove_file(world.path("keys/2026-11-23.1.key")).unwrap();
    std::fs::write(world.path("keys/2026-11-23.1.key"), b"HYVK nonsense").unwrap();
    let (refused, _) = world.erase(What::Entries(vec![entry_of(&world, 2, 0)]), None).await;
    assert!(matches!(refused, Err(VaultError::CannotKeep(..))), "{refused:?}");
    assert!(world.path("keys/2026-11-23.1.key").exists());
}

#[tokio::test]
async fn grounds_hold_no_persons() {
    let world = World::new().await;
    let (audit, history) = world.open().await;
    let (log, keys) = (world.log(), world.keys());
    let mut eraser = Eraser { log: &log, audit: &audit, keys: &keys, history, at: NOON };
    for ground in ["", "two words", "ID-110101199003070038", &"x".repeat(65)] {
        let order = Order { what: What::Day(day(1)), ground: ground.to_owned() };
        let refused = eraser.erase(&order, &mut |_| Ok(())).await;
        assert!(matches!(refused, Err(VaultError::Ground)), "{ground}");
    }
    audit.close().await;
}

impl World {
    /// Number of erasures in the log, and what it says of keys.
    async fn history(&self) -> (usize, History) {
        let (mut erasures, mut history) = (0, History::default());
        verify(&self.log(), Expected::default(), &mut |index, entry| {
            erasures += usize::from(matches!(entry.kind, Kind::Erasure(_)));
            history.visit(index, entry);
        })
        .unwrap();
        (erasures, history)
    }
}
