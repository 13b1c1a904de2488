//! The machine dies at any moment: a copy of the folder, cut at every point of the write in flight.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::audit::file::disk::Local;
use crate::audit::verify::{Expected, verify};

/// Copies a log's folder, as a crash leaves it.
fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    fs::create_dir(to.path().join("wal")).unwrap();
    for (folder, entries) in [("", fs::read_dir(from)), ("wal", fs::read_dir(from.join("wal")))] {
        for entry in entries.unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let target = to.path().join(folder).join(path.file_name().unwrap());
                fs::copy(&path, target).unwrap();
            }
        }
    }
    to
}

/// The last file that holds frames, and where its last frame begins and ends.
fn last_frame(folder: &Path) -> (PathBuf, usize, usize) {
    let description = Description::read(folder).unwrap().unwrap();
    let mut last = None;
    crate::audit::file::scan::frames(&Local, folder, &description, &mut |place, frame| {
        last = Some((place, frame.bytes().len()));
        Ok(())
    })
    .unwrap();
    let (place, length) = last.unwrap();
    let path = folder.join("wal").join(crate::audit::file::scan::name(place.segment));
    (path, place.offset as usize, place.offset as usize + length)
}

/// What a write cut short can leave of a frame: its beginning, or its end when the disk wrote out of order.
fn torn(whole: &[u8], begin: usize, end: usize) -> Vec<Vec<u8>> {
    let cuts = (begin..=end).step_by(512).chain([begin + 64, begin + 128, begin + 192, end - 64]);
    let zeroed = |from: usize, to: usize| {
        let mut bytes = whole.to_vec();
        bytes[from..to].fill(0);
        bytes
    };
    cuts.enumerate()
        .map(|(turn, cut)| if turn % 2 == 0 { zeroed(cut, end) } else { zeroed(begin, cut) })
        .collect()
}

#[tokio::test]
async fn acknowledged_entries_survive_a_crash_at_every_point() {
    let log = Log::new();
    let audit = log.open();
    for appends in [1, 2, 30, 64, 64] {
        let acknowledged = audit.size();
        let batch = (0..appends).map(|number| audit.append(denial(acknowledged + number)));
        let recorded = futures_util::future::join_all(batch).await;
        assert!(recorded.iter().all(Result::is_ok));

        let (path, begin, end) = last_frame(log.path());
        let whole = fs::read(&path).unwrap();
        for bytes in torn(&whole, begin, end) {
            let crashed = copy(log.path());
            let place = crashed.path().join("wal").join(path.file_name().unwrap());
            fs::write(place, bytes).unwrap();
            survives(&log, crashed.path(), acknowledged, audit.size()).await;
        }
    }
    audit.close().await;
}

/// What a start after a crash owes: everything acknowledged, nothing invented, and room for more.
async fn survives(log: &Log, folder: &Path, acknowledged: u64, written: u64) {
    let mut seen = 0;
    let visit = &mut |index: u64, entry: &Entry| {
        assert!(index == 0 || entry == &denial(index));
        seen += 1;
    };
    let audit = Audit::open(folder, Arc::clone(&log.key), &settings(), visit).unwrap();
    assert!(seen >= acknowledged && seen <= written, "{acknowledged} <= {seen} <= {written}");
    assert_eq!(audit.append(denial(seen)).await.unwrap().index, seen);
    audit.close().await;
    let verified = verify(folder, Expected::default(), &mut |_, _| {}).unwrap();
    assert_eq!((verified.entries, verified.left_over), (seen + 1, None));
}

#[tokio::test]
async fn what_a_crash_left_is_reported_and_then_set_aside() {
    let log = Log::new();
    let audit = log.open();
    log.fill(&audit, 2).await;
    let crashed = copy(log.path());
    audit.close().await;
    let (path, begin, end) = last_frame(crashed.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes[end - 4000..end].fill(0);
    fs::write(&path, &bytes).unwrap();

    let verified = verify(crashed.path(), Expected::default(), &mut |_, _| {}).unwrap();
    let left_over = verified.left_over.unwrap();
    assert_eq!((left_over.path, left_over.offset), (path, begin as u64));

    log.try_open(crashed.path()).unwrap().close().await;
    let aside = fs::read_dir(crashed.path().join("set-aside")).unwrap().next().unwrap().unwrap();
    assert_eq!(fs::read(aside.path()).unwrap(), bytes[begin..begin + left_over.bytes]);
}

#[tokio::test]
async fn a_start_moves_the_unsealed_file_to_fresh_blocks() {
    use std::os::unix::fs::MetadataExt;

    let log = Log::new();
    let (path, ..) = last_frame(log.path());
    let before = fs::metadata(&path).unwrap().ino();
    // Kept open, so that its number cannot be given to the new file.
    let held = fs::File::open(&path).unwrap();
    log.open().close().await;
    assert_ne!(fs::metadata(&path).unwrap().ino(), before);
    drop(held);
}

#[tokio::test]
async fn a_crash_between_making_files_is_mended() {
    let log = Log::new();
    let audit = log.open();
    log.fill(&audit, 3).await;
    audit.close().await;
    // The next file half made, under its unfinished name.
    let unfinished = log.path().join("wal/0000000000000002.wal.new");
    fs::write(&unfinished, [0; 100]).unwrap();
    let audit = log.open();
    log.fill(&audit, 40).await;
    audit.close().await;
    assert!(!unfinished.exists());
}
