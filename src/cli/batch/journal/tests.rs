//! What a journal still knows after a crash at any byte.

use std::collections::BTreeSet;

use super::super::outcome::Kind;
use super::*;

fn opening(ask_again: bool, minutes: u64) -> Opening {
    let at = Timestamp::from_seconds(1_800_000_000 + 60 * minutes);
    Opening { at, list: [1; 32], plan: [2; 32], ask_again }
}

fn told(log_index: u64) -> Outcome {
    let text = str::to_owned;
    Outcome::Told { verdict: text("CONFIRMED"), as_of: text(""), source: text("police"), log_index }
}

fn failed(kind: Kind) -> Outcome {
    Outcome::Failed { kind, code: "x".to_owned(), detail: "说明".to_owned(), log_index: None }
}

fn done(journal: &mut Journal) -> Vec<(u64, Outcome)> {
    let mut found = Vec::new();
    journal
        .each_done(&mut |row, outcome| {
            found.push((row, outcome.clone()));
            Ok(())
        })
        .unwrap();
    found
}

/// Rows 2 to 9 sent, the even ones done, 5 taken back.
fn written(path: &Path) -> Journal {
    let mut journal = Journal::open(path, &opening(false, 0)).unwrap();
    let sending = journal.sending(opening(false, 0).at);
    journal.sent(&(2..10).map(|row| (row, sending)).collect::<Vec<_>>()).unwrap();
    for row in [2, 4, 6, 8] {
        journal.done(row, &told(row)).unwrap();
    }
    journal.back(5).unwrap();
    journal.sync().unwrap();
    journal
}

#[test]
fn cut_at_any_byte_it_knows_a_beginning_of_what_it_knew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.journal");
    let ids = |journal: &Journal| {
        (2..10)
            .map(|row| journal.request_id(row, journal.sending(opening(false, 0).at)))
            .collect::<Vec<_>>()
    };
    let journal = written(&path);
    let expected_ids = ids(&journal);
    drop(journal);
    let whole = std::fs::read(&path).unwrap();
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut before = (0, 0);
    for length in 0..=whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let mut journal = Journal::open(&path, &opening(false, 1)).unwrap();
        let known = done(&mut journal);
        let sent =
            (2..10).filter(|row| journal.state(*row, opening(false, 1).at) != State::Fresh).count();
        assert!(known.iter().all(|(row, outcome)| *outcome == told(*row)), "at {length}");
        assert!(known.len() >= before.0, "at {length}: it forgot what it knew");
        before = (known.len(), sent);
        if length >= first {
            assert_eq!(ids(&journal), expected_ids, "at {length}");
        }
        // It goes on where it was cut.
        journal.done(100, &told(100)).unwrap();
        journal.sync().unwrap();
        drop(journal);
        let mut again = Journal::open(&path, &opening(false, 1)).unwrap();
        assert_eq!(done(&mut again).len(), known.len() + 1, "at {length}");
    }
    assert_eq!(before, (4, 7));
}

#[test]
fn a_changed_line_in_the_middle_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.journal");
    drop(written(&path));
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let error = format!("{:#}", Journal::open(&path, &opening(false, 1)).err().unwrap());
    assert!(error.contains("damaged") && error.contains("line "), "{error}");
}

#[test]
fn a_row_that_was_sent_is_fresh_never_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.journal");
    drop(written(&path));
    let journal = Journal::open(&path, &opening(false, 3)).unwrap();
    let state = |row, minutes| journal.state(row, opening(false, minutes).at);
    assert_eq!(state(2, 3), State::Done);
    assert_eq!(state(3, 3), State::Sent(journal.sending(opening(false, 0).at)));
    assert_eq!(state(3, 8), State::Lost);
    assert_eq!((state(5, 8), state(10, 8)), (State::Fresh, State::Fresh));
}

#[test]
fn request_ids_are_uuid_v7_of_the_beginning_and_differ_by_row_round_and_batch() {
    let at = Timestamp::from_seconds(1_800_000_000);
    let mut seen = BTreeSet::new();
    for batch in ["a", "b"] {
        for round in 0..3 {
            for row in 0..1000 {
                let id = request_id(batch, at, row, round);
                let parsed = uuid::Uuid::try_parse(&id).unwrap();
                assert_eq!(parsed.get_version_num(), 7);
                assert_eq!(parsed.get_timestamp().unwrap().to_unix(), (1_800_000_000, 0));
                assert_eq!(id, request_id(batch, at, row, round));
                assert!(seen.insert(id));
            }
        }
    }
}

#[test]
fn another_list_or_question_is_refused_and_two_at_once_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.journal");
    let journal = written(&path);
    let error = Journal::open(&path, &opening(false, 1)).err().unwrap().to_string();
    assert!(error.contains("running already"), "{error}");
    drop(journal);
    for (opening, expected) in [
        (Opening { list: [9; 32], ..opening(false, 1) }, "another list"),
        (Opening { plan: [9; 32], ..opening(false, 1) }, "another question"),
    ] {
        let error = Journal::open(&path, &opening).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn ask_again_opens_what_has_no_verdict_under_new_ids_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.journal");
    let mut journal = written(&path);
    journal.done(10, &failed(Kind::Unavailable)).unwrap();
    journal.done(11, &failed(Kind::Uncertain)).unwrap();
    journal.done(12, &failed(Kind::Refused)).unwrap();
    journal.done(13, &failed(Kind::BadRow)).unwrap();
    let first = journal.request_id(10, journal.sending(opening(false, 0).at));
    journal.sync().unwrap();
    drop(journal);
    for _ in 0..2 {
        let mut journal = Journal::open(&path, &opening(true, 30)).unwrap();
        let rows: Vec<u64> = done(&mut journal).into_iter().map(|(row, _)| row).collect();
        assert_eq!(rows, [2, 4, 6, 8, 13]);
        for row in [3, 5, 10, 11, 12] {
            assert_eq!(journal.state(row, opening(true, 30).at), State::Fresh, "{row}");
        }
        assert_ne!(journal.request_id(10, journal.sending(opening(true, 30).at)), first);
    }
}

#[test]
fn ask_again_keeps_what_is_known_of_rows_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.journal");
    drop(written(&path));
    for _ in 0..2 {
        let journal = Journal::open(&path, &opening(true, 1)).unwrap();
        let at = opening(true, 1).at;
        assert!(matches!(journal.state(3, at), State::Sent(_)), "under way when it stopped");
        assert_eq!(journal.state(5, at), State::Fresh, "certainly not asked about");
    }
}

#[test]
fn a_last_line_that_is_whole_and_wrong_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.journal");
    drop(written(&path));
    let mut bytes = std::fs::read(&path).unwrap();
    let place = bytes.len() - 3;
    bytes[place] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = format!("{:#}", Journal::open(&path, &opening(false, 1)).err().unwrap());
    assert!(error.contains("damaged") && error.contains("is not what was written"), "{error}");
}
