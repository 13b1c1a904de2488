//! Logs that must not be opened, and changes that must be found.

use std::fs;
use std::os::unix::fs::FileExt;

use super::*;
use crate::audit::frame::BLOCK;
use crate::audit::store::{Damage, StoreError};
use crate::audit::verify::{Expected, Verified, verify};

/// A copy of the whole folder.
pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}

fn check(folder: &Path) -> Result<Verified, AuditError> {
    verify(folder, Expected::default(), &mut |_, _| {})
}

#[tokio::test]
async fn a_log_is_made_once_and_opened_once() {
    let log = Log::new();
    let again = Audit::create(log.path(), &log.key, ORIGIN, Timestamp(2), &settings());
    assert!(matches!(again, Err(AuditError::Store(StoreError::Io { .. }))));

    let audit = log.open();
    let second = log.try_open(log.path()).map(drop).unwrap_err();
    assert!(matches!(second, AuditError::Store(StoreError::InUse(_))));
    check(log.path()).unwrap();
    audit.close().await;
    log.open().close().await;
}

#[tokio::test]
async fn a_missing_log_is_never_made_by_opening() {
    let log = Log::new();
    let empty = tempfile::tempdir().unwrap();
    let error = log.try_open(empty.path()).map(drop).unwrap_err();
    assert!(matches!(error, AuditError::Missing(_)));
    assert!(error.to_string().contains("run `heyan audit init"));
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn refuses_another_key_and_a_missing_checkpoint() {
    let log = Log::new();
    let stranger = Arc::new(key());
    let opened = Audit::open(log.path(), stranger, &settings(), &mut |_, _| {}).map(drop);
    assert!(matches!(opened, Err(AuditError::OtherKey)));

    fs::remove_file(log.path().join("checkpoint")).unwrap();
    assert!(matches!(log.try_open(log.path()).map(drop), Err(AuditError::Unpublished)));
    assert!(matches!(check(log.path()), Err(AuditError::Unpublished)));
}

#[tokio::test]
async fn refuses_a_log_older_than_what_it_published() {
    let log = Log::new();
    let old = tempfile::tempdir().unwrap();
    copy(log.path(), old.path());
    let audit = log.open();
    log.fill(&audit, 3).await;
    audit.close().await;
    fs::copy(log.path().join("checkpoint"), old.path().join("checkpoint")).unwrap();
    let expected = |error| matches!(error, AuditError::Behind { published: 4, found: 1 });
    assert!(expected(log.try_open(old.path()).map(drop).unwrap_err()));
    assert!(expected(check(old.path()).unwrap_err()));
}

#[tokio::test]
async fn refuses_another_history_under_the_same_key() {
    let log = Log::new();
    let fork = tempfile::tempdir().unwrap();
    copy(log.path(), fork.path());
    let audit = log.open();
    log.fill(&audit, 3).await;
    audit.close().await;
    let audit = log.try_open(fork.path()).unwrap();
    for number in 0..5 {
        audit.append(denial(100 + number)).await.unwrap();
    }
    audit.close().await;
    check(fork.path()).unwrap();

    let since = fs::read_to_string(log.path().join("checkpoint")).unwrap();
    let expected = Expected { since: Some(&since), vkey: None };
    let found = verify(fork.path(), expected, &mut |_, _| {}).unwrap_err();
    assert!(matches!(found, AuditError::Forked { published: 4 }));
    fs::write(fork.path().join("checkpoint"), since).unwrap();
    let opened = log.try_open(fork.path()).map(drop).unwrap_err();
    assert!(matches!(opened, AuditError::Forked { published: 4 }));
}

#[tokio::test]
async fn damage_in_the_middle_is_never_taken_for_a_torn_end() {
    let log = Log::new();
    let audit = log.open();
    log.fill(&audit, 200).await;
    audit.close().await;
    let first = log.path().join("wal/0000000000000001.wal");
    let good = fs::read(&first).unwrap();
    let refused = |log: &Log| {
        let error = log.try_open(log.path()).map(drop).unwrap_err();
        assert!(error.is_finding(), "{error}");
        error
    };
    for place in [0, 70, BLOCK, BLOCK + 200, BLOCK + 4000, 5 * BLOCK + 9, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[place] ^= 1;
        fs::write(&first, &bytes).unwrap();
        refused(&log);
    }
    // A whole frame gone.
    let mut bytes = good.clone();
    bytes[5 * BLOCK..6 * BLOCK].fill(0);
    fs::write(&first, &bytes).unwrap();
    let error = refused(&log);
    assert!(matches!(error, AuditError::Store(StoreError::Damaged { offset: 20480, .. })));
    // A whole file gone.
    fs::remove_file(&first).unwrap();
    let AuditError::Store(StoreError::Damaged { source, .. }) = refused(&log) else { panic!() };
    assert!(matches!(source, Damage::SegmentMissing(1)));
}

#[tokio::test]
async fn files_of_other_names_are_passed_over() {
    let log = Log::new();
    for name in ["1.wal", "000000000000000A.wal", "+000000000000001.wal", "note.txt"] {
        fs::write(log.path().join("wal").join(name), b"nothing of the log's").unwrap();
    }
    check(log.path()).unwrap();
    log.open().close().await;
}

/// What stands in the place of a derived file, of any kind, costs a start time and no more.
#[tokio::test]
async fn nothing_in_the_place_of_a_derived_file_stops_the_log() {
    let log = Log::new();
    let fast = Settings { reread_at_start: false, ..settings() };
    let open = || Audit::open(log.path(), Arc::clone(&log.key), &fast, &mut |_, _| {}).unwrap();
    open().close().await;
    let summary = log.path().join("derived/summary");
    let put: [&dyn Fn(); 4] = [
        // A terabyte, of which none is there.
        &|| fs::File::create(&summary).unwrap().set_len(1 << 40).unwrap(),
        &|| fs::create_dir(&summary).unwrap(),
        &|| std::os::unix::fs::symlink("/dev/zero", &summary).unwrap(),
        &|| {
            use rustix::fs::{CWD, FileType, Mode, mknodat};
            mknodat(CWD, &summary, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        },
    ];
    for (turn, put) in put.iter().enumerate() {
        fs::remove_file(&summary).or_else(|_| fs::remove_dir(&summary)).unwrap();
        put();
        let audit = open();
        log.fill(&audit, 3).await;
        let other = audit.clone();
        audit.close().await;
        assert!(other.is_healthy(), "{turn}");
    }
}

/// Whoever may write beside the witness file, or to the log's folder, gets nothing else overwritten.
#[tokio::test]
async fn a_link_leads_no_writing_elsewhere() {
    let (log, other) = (Log::new(), tempfile::tempdir().unwrap());
    let precious = log.path().join("wal/0000000000000001.wal");
    let good = fs::read(&precious).unwrap();
    std::os::unix::fs::symlink(&precious, other.path().join("log.witness.new")).unwrap();
    let witness = Some(other.path().join("log.witness"));
    let audit = Audit::open(
        log.path(),
        Arc::clone(&log.key),
        &Settings { witness, ..settings() },
        &mut |_, _| {},
    )
    .unwrap();
    assert!(audit.is_witness_behind() && audit.is_healthy());
    audit.close().await;
    assert_eq!(fs::read(&precious).unwrap(), good);
    check(log.path()).unwrap();
}

/// A frame of a newer version is refused, never set aside as torn.
#[tokio::test]
async fn a_newer_frame_is_not_thrown_away() {
    let log = Log::new();
    let path = log.path().join("wal/0000000000000001.wal");
    let file = fs::File::options().write(true).open(path).unwrap();
    file.write_all_at(b"HYF1\x02\0\0\x78", 2 * BLOCK as u64).unwrap();
    let error = log.try_open(log.path()).map(drop).unwrap_err();
    assert!(matches!(error, AuditError::Store(StoreError::Damaged { .. })));
}

#[tokio::test]
async fn every_changed_byte_is_found() {
    let log = Log::new();
    let audit = log.open();
    log.fill(&audit, 200).await;
    audit.close().await;
    check(log.path()).unwrap();
    let mut files = vec![log.path().join("checkpoint"), log.path().join("log.toml")];
    files.extend((1..=3).map(|number| log.path().join(format!("wal/{number:016x}.wal"))));
    let mut random: usize = 12345;
    for path in files {
        let good = fs::read(&path).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        for _ in 0..good.len().min(40) {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let place = (random >> 16) % good.len();
            let changed = good[place] ^ (1 << (random >> 60 & 7));
            file.write_all_at(&[changed], place as u64).unwrap();
            let found = match check(log.path()) {
                Ok(verified) => verified.left_over.is_some(),
                Err(error) => error.is_finding(),
            };
            assert!(found, "{} byte {place}", path.display());
            file.write_all_at(&[good[place]], place as u64).unwrap();
        }
    }
    check(log.path()).unwrap();
}

/// When no further file can be made the log stops, with everything acknowledged still there.
#[tokio::test]
async fn a_full_disk_stops_the_log_and_loses_nothing() {
    let log = Log::new();
    let audit = log.open();
    log.fill(&audit, 1).await;
    // In the way of the third file; the second one has been made ahead.
    let obstacle = log.path().join("wal/0000000000000003.wal.new");
    fs::create_dir(&obstacle).unwrap();
    let mut acknowledged = 1;
    let error = loop {
        match audit.append(denial(audit.size())).await {
            Ok(recorded) => acknowledged = recorded.index,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, AuditError::Stopped));
    assert!(!audit.is_healthy());
    assert!(acknowledged > 159, "the second file was filled: {acknowledged}");
    audit.close().await;

    fs::remove_dir(&obstacle).unwrap();
    let audit = log.open();
    assert_eq!(audit.size(), acknowledged + 1);
    assert_eq!(audit.append(denial(0)).await.unwrap().index, acknowledged + 1);
    audit.close().await;
}
