//! Every single step of a log's life fails once, in every way it can; then the real recovery runs and is held to what
//! was promised. Recovery, too, is cut at each of its steps and run again.

use std::collections::BTreeSet;

use super::driven::{Driven, FOLDER, Stored, Told, chain, load, recover, set_aside, stored};
use super::fault_disk::{Fault, FaultDisk, Keep, Step};
use super::*;
use crate::audit::file::scan;
use crate::audit::frame::Frame;
use crate::audit::store::Place;
use crate::audit::verify::{Expected, verify_on};

const KEEPS: [Keep; 8] = [
    Keep::Nothing,
    Keep::Everything,
    Keep::Names,
    Keep::Content,
    Keep::Even,
    Keep::Odd,
    Keep::Random(1),
    Keep::Random(2),
];

/// The steps of a load in which nothing fails.
fn steps(puts_off: bool, key: &Arc<SigningKey>) -> Vec<Step> {
    let (disk, mut told) = (FaultDisk::new(puts_off), Told::default());
    load(&disk, key, &mut told).unwrap();
    assert_eq!(told.acknowledged, told.given.len());
    let steps = disk.trace();
    let flushes = |wanted| steps.iter().filter(|step| **step == wanted).count();
    assert!(flushes(Step::FlushFile) > 20 && flushes(Step::FlushFolder) > 10, "{steps:?}");
    steps
}

/// Runs the load with that fault at that step.
fn run(puts_off: bool, key: &Arc<SigningKey>, at: usize, fault: Fault) -> (FaultDisk, Told, bool) {
    let (disk, mut told) = (FaultDisk::new(puts_off), Told::default());
    disk.fail(at, fault);
    let ended = load(&disk, key, &mut told);
    (disk, told, ended.is_ok())
}

/// Recovers what a crash left; what that found is then durable, and the log goes on.
fn survives(disk: &FaultDisk, key: &Arc<SigningKey>, told: &Told) {
    let Some(found) = recover(disk, key, told) else { return };
    let again = disk.survivors(Keep::Nothing);
    assert_eq!(set_aside(&again), set_aside(disk), "what was set aside is lost");
    assert!(
        recover(&again, key, told).as_ref() == Some(&found),
        "a start showed what was not durable"
    );

    let mut told = Told { acknowledged: found.len(), published: found.len() as u64, given: found };
    let mut log = Driven::open(&again, key).unwrap();
    log.append(2, 700, &mut told).unwrap();
    log.publish(&mut told).unwrap();
    drop(log);
    let verified =
        verify_on(&again, Path::new(driven::FOLDER), Expected::default(), &mut |_, _| {});
    let verified = verified.unwrap();
    assert_eq!((verified.entries, verified.left_over), (told.given.len() as u64, None));
}

/// Says at which step a test failed.
struct At(String);

impl Drop for At {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0);
        }
    }
}

#[test]
fn the_power_goes_at_every_step() {
    let key = Arc::new(key());
    for puts_off in [false, true] {
        let mut seen = BTreeSet::new();
        for (at, step) in steps(puts_off, &key).into_iter().enumerate() {
            if step == Step::Look {
                continue;
            }
            let (disk, told, _) = run(puts_off, &key, at, Fault::Cut);
            for keep in KEEPS {
                let _at = At(format!("puts off {puts_off}, step {at} {step:?}, {keep:?}"));
                let left = disk.survivors(keep);
                if seen.insert((left.fingerprint(), told.acknowledged)) {
                    survives(&left, &key, &told);
                }
            }
        }
        assert!(seen.len() > 100, "{} different states", seen.len());
    }
}

#[test]
fn every_step_fails_in_every_way() {
    let key = Arc::new(key());
    for puts_off in [false, true] {
        let mut seen = BTreeSet::new();
        let mut once = |disk: &FaultDisk, told: &Told| {
            if seen.insert((disk.fingerprint(), told.acknowledged)) {
                survives(disk, &key, told);
            }
        };
        for (at, step) in steps(puts_off, &key).into_iter().enumerate() {
            for &fault in step.faults() {
                let (disk, told, is_done) = run(puts_off, &key, at, fault);
                let _at = At(format!("puts off {puts_off}, step {at} {step:?}, {fault:?}"));
                assert!(is_done || fault != Fault::Short, "a short write is gone on with");
                // Of a file that is first made when the log is closed, nothing was ever promised.
                let failed_flush = matches!(step, Step::FlushFile | Step::FlushFolder);
                assert!(!is_done || !failed_flush || puts_off, "a failed flush was passed over");
                for keep in [Keep::Nothing, Keep::Everything, Keep::Random(3)] {
                    once(&disk.survivors(keep), &told);
                }
                // The program alone is started again: the system still shows what it may not have written.
                disk.heal();
                once(&disk, &told);
            }
        }
        assert!(seen.len() > 100, "{} different states", seen.len());
    }
}

#[test]
fn recovery_is_itself_cut_and_fails_at_every_step() {
    let key = Arc::new(key());
    let (mut begun, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for (at, step) in steps(false, &key).into_iter().enumerate() {
        if step == Step::Look {
            continue;
        }
        let (disk, told, _) = run(false, &key, at, Fault::Cut);
        for keep in [Keep::Nothing, Keep::Everything, Keep::Even] {
            let left = disk.survivors(keep);
            if told.acknowledged == 0 {
                continue;
            }
            // Recovery takes the same steps wherever the same files lie and a torn end does or does not.
            let names: Vec<_> = left.files().into_iter().map(|(path, _)| path).collect();
            if begun.insert((names, stored(&left).1.is_some())) {
                let _at = At(format!("step {at} {step:?}, {keep:?}"));
                cut_while_recovering(&left, &key, &told, &mut seen);
            }
        }
    }
    assert!(begun.len() > 8 && seen.len() > 300, "{} states, {}", begun.len(), seen.len());
}

/// Cuts and fails the recovery of what is left at each of its steps, and recovers again. States seen are skipped.
fn cut_while_recovering(
    left: &FaultDisk,
    key: &Arc<SigningKey>,
    told: &Told,
    seen: &mut BTreeSet<(u64, usize)>,
) {
    let mut once = |disk: &FaultDisk| {
        if seen.insert((disk.fingerprint(), told.acknowledged)) {
            recover(disk, key, told);
            // What it showed is durable.
            recover(&disk.survivors(Keep::Nothing), key, told);
        }
    };
    let whole = left.copy();
    whole.heal();
    drop(Driven::open(&whole, key).unwrap());
    let mut last = left.fingerprint();
    for (at, step) in whole.trace().into_iter().enumerate() {
        let faults = step.faults().iter().filter(|fault| **fault != Fault::Short);
        for &fault in faults.chain([&Fault::Cut]) {
            let _at = At(format!("recovering: step {at} {step:?}, {fault:?}"));
            let disk = left.copy();
            disk.fail(at, fault);
            drop(Driven::open(&disk, key));
            // Looking changes nothing: one state for all such steps in a row.
            let now = disk.fingerprint();
            if std::mem::replace(&mut last, now) == now {
                continue;
            }
            once(&disk.survivors(Keep::Nothing));
            once(&disk.survivors(Keep::Random(4)));
            if fault != Fault::Cut {
                disk.heal();
                once(&disk);
            }
        }
    }
}

/// A changed bit in a frame is no torn end, not even in the last frame and before any checkpoint covers it.
#[test]
fn a_changed_bit_is_refused_and_never_cut_off() {
    let key = Arc::new(key());
    let (disk, mut told) = (FaultDisk::new(false), Told::default());
    load(&disk, &key, &mut told).unwrap();
    let description = Description::read_on(&disk, Path::new(driven::FOLDER)).unwrap().unwrap();
    let mut frames = Vec::new();
    scan::frames(&disk, Path::new(driven::FOLDER), &description, &mut |place, frame| {
        frames.push((place, frame.bytes().len()));
        Ok(())
    })
    .unwrap();
    assert!(frames.len() > 12 && frames.last().unwrap().0.segment > 2, "{frames:?}");
    for (place, length) in frames {
        let path = Path::new(driven::FOLDER).join("wal").join(scan::name(place.segment));
        let lengths = (32..48).flat_map(|at| (0..8).map(move |bit| (at, bit)));
        let header = (0..120).map(|at| (at, at % 8)).chain(lengths);
        let sampled = (120..length).step_by(61).map(|at| (at, at % 8)).chain([(length - 1, 0)]);
        for (at, bit) in header.chain(sampled) {
            let _at = At(format!("{place:?} byte {at} bit {bit}"));
            let changed = disk.copy();
            changed.alter(&path, |bytes| bytes[place.offset as usize + at] ^= 1 << bit);
            let before = changed.bytes(&path);
            let error = Driven::open_with(&changed, &key, true).map(drop).unwrap_err();
            assert!(error.is_finding(), "{}", chain(&error));
            assert_eq!(changed.bytes(&path), before, "the evidence was changed");
        }
    }
}

/// A whole frame gone, a file gone, or a frame's end gone from the middle: never a shorter log.
#[test]
fn a_missing_part_is_refused_and_never_cut_off() {
    let key = Arc::new(key());
    let (disk, mut told) = (FaultDisk::new(false), Told::default());
    load(&disk, &key, &mut told).unwrap();
    let wal = Path::new(driven::FOLDER).join("wal");
    let lost = disk.copy();
    lost.lose(&wal.join(scan::name(2)));
    assert!(Driven::open_with(&lost, &key, true).map(drop).unwrap_err().is_finding());
    for block in 1..9 {
        let zeroed = disk.copy();
        let part = block * BLOCK..(block + 1) * BLOCK;
        zeroed.alter(&wal.join(scan::name(1)), |bytes| bytes[part].fill(0));
        let opened = Driven::open_with(&zeroed, &key, true).map(drop);
        let is_unused =
            disk.bytes(&wal.join(scan::name(1))) == zeroed.bytes(&wal.join(scan::name(1)));
        assert!(is_unused || opened.unwrap_err().is_finding(), "block {block}");
    }
}

/// The log's own promise, with its threads: after a failed write or flush nothing is acknowledged any more.
#[tokio::test]
async fn after_a_failed_step_nothing_is_acknowledged() {
    let key = Arc::new(key());
    let disk = FaultDisk::new(false);
    load(&disk, &key, &mut Told::default()).unwrap();
    let whole = disk.survivors(Keep::Nothing);
    whole.heal();
    let mut stops = 0;
    for at in 0.. {
        let disk = whole.copy();
        disk.heal();
        let folder = Path::new(driven::FOLDER);
        let description = Description::read_on(&disk, folder).unwrap().unwrap();
        let held: Arc<dyn Disk> = Arc::new(disk.clone());
        let store = FileStore::open(held, folder, description.clone(), driven::SEGMENT).unwrap();
        let start = Audit::start(
            Arc::new(store),
            &description,
            Arc::clone(&key),
            &settings(),
            None,
            &mut |_, _| {},
        );
        let (audit, _) = start.unwrap();
        // Sealed at what it was opened with.
        let before = disk.trace().len();
        disk.fail(at, if at % 2 == 0 { Fault::NotDone } else { Fault::Done });
        assert!(before > 5);

        let (mut acknowledged, mut has_failed) = (audit.size(), false);
        for _ in 0..12 {
            let appended = audit.append(denial(audit.size())).await;
            assert!(!(has_failed && appended.is_ok()), "step {at}: acknowledged after a failure");
            match appended {
                Ok(recorded) => acknowledged = recorded.index + 1,
                Err(error) => {
                    assert!(matches!(error, AuditError::Stopped));
                    assert!(!audit.is_healthy());
                    has_failed = true;
                }
            }
        }
        let is_past_the_end = disk.trace().len() <= at;
        audit.close().await;
        if is_past_the_end {
            break;
        }
        stops += usize::from(has_failed);
        let left = disk.survivors(Keep::Nothing);
        let entries: Vec<Stored> = stored(&left).0;
        assert!(entries.len() as u64 >= acknowledged, "step {at}: an acknowledged entry is lost");
    }
    assert!(stops > 20, "{stops}");
}

#[test]
fn nothing_is_published_that_cannot_be_read_back() {
    let folder = Path::new(FOLDER);
    for is_on_disk in [true, false] {
        let (disk, key) = (FaultDisk::new(false), Arc::new(key()));
        let mut told = Told::default();
        load(&disk, &key, &mut told).unwrap();
        let mut log = Driven::open(&disk, &key).unwrap();
        let published = disk.bytes(&folder.join("checkpoint")).unwrap();
        if is_on_disk {
            // Durable and acknowledged, but a bit of it has changed since.
            log.append(2, 0, &mut told).unwrap();
            let description = Description::read_on(&disk, folder).unwrap().unwrap();
            let mut last = Place::default();
            let visit = &mut |place, _: &Frame| {
                last = place;
                Ok(())
            };
            scan::frames(&disk, folder, &description, visit).unwrap();
            let path = folder.join("wal").join(scan::name(last.segment));
            disk.alter(&path, |file| file[last.offset as usize + 130] ^= 1);
        } else {
            log.misremember();
        }
        let refused = log.publish(&mut told).unwrap_err();
        assert_eq!(matches!(refused, AuditError::ReadBack { .. }), !is_on_disk, "{refused}");
        assert_eq!(disk.bytes(&folder.join("checkpoint")).unwrap(), published);
    }
}
