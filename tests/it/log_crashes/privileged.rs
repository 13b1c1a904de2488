//! What needs the machine's leave: a disk shut off for real, system calls that fail, a disk that is full. What was not
//! permitted is said, not passed over.

use std::io::Write;

use super::client::{Log, Told};
use super::machine::{OwnDisk, injects};
use super::{rounds, say, scaled};

/// How many rounds it takes for every fault below to be tried.
const ROUNDS_FOR_ALL: usize = 1000;

/// Entries appended under each fault: enough for the call to come.
const ENTRIES: u64 = 800;

/// System call, what happens at it, and at which of its calls, the most telling first.
const INJECTED: [(&str, &str, &[u32]); 9] = [
    ("fdatasync", "error=EIO", &[2, 1, 9]),
    ("fsync", "error=EIO", &[9, 3, 1, 5, 7, 14]),
    ("pwrite64", "error=EIO", &[30, 2, 7]),
    ("pwrite64", "error=ENOSPC", &[40, 3]),
    ("rename", "error=EIO", &[6, 1, 3]),
    ("pwrite64", "signal=KILL", &[31, 5, 1, 14, 60]),
    ("fdatasync", "signal=KILL", &[4, 1, 20]),
    ("fsync", "signal=KILL", &[5, 2, 1, 3, 4, 6, 8]),
    ("rename", "signal=KILL", &[3, 1, 2, 4, 6]),
];

/// Runs what it may and says, to whoever runs the tests, what ran and what did not.
#[tokio::test(flavor = "multi_thread")]
async fn survives_what_only_a_privileged_user_can_do_to_it() {
    let rows = [
        ("unsynced data lost (ext4 shut off)", disk_shut_off().await),
        ("system calls that fail or kill (strace)", failing_calls().await),
        ("a full disk that empties again", full_disk().await),
    ];
    let mut table = "\nThe log against the machine:\n".to_owned();
    for (what, ended) in rows {
        let said =
            ended.map_or_else(|why| format!("did not run: {why}"), |did| format!("ran: {did}"));
        table.push_str(&format!("  {what:<42} {said}\n"));
    }
    say(table.trim());
}

async fn disk_shut_off() -> Result<String, String> {
    let rounds = scaled(3);
    let place = tempfile::tempdir().unwrap();
    let disk = OwnDisk::new(&place, 24)?;
    let mut log = Log::new_in(place, disk.path().join("log"));
    for round in 0..rounds {
        let appender = log.appender().run_until_acknowledged(1 + 40 * (round % 4));
        println!("round {round}");
        disk.shut_off()?;
        let told = appender.finish();
        assert!(told.is_stopped, "{}", told.errors);
        log.keep(told);
        disk.unmount()?;
        disk.mount()?;
        log.hold(0).await;
    }
    let count = log.count();
    drop(disk);
    Ok(format!("{rounds} cuts, {count} receipts hold"))
}

async fn failing_calls() -> Result<String, String> {
    injects()?;
    let mut log = Log::new(tempfile::tempdir().unwrap());
    let (mut runs, mut hit) = (0, 0);
    let all: usize = INJECTED.iter().map(|(_, _, turns)| turns.len()).sum();
    for (call, what, turns) in INJECTED {
        let count = (turns.len() * rounds()).div_ceil(ROUNDS_FOR_ALL);
        for turn in turns.iter().take(count.max(1)) {
            let inject = format!("inject={call}:{what}:when={turn}");
            let only = format!("trace={call}");
            let strace = [
                "strace",
                "-f",
                "--seccomp-bpf",
                "-qq",
                "-o",
                "/dev/null",
                "-e",
                &only,
                "-e",
                &inject,
            ];
            let since = log.count() as u64;
            println!("{inject}");
            let told: Told = log.appender_under(&strace, ENTRIES).finish();
            // A kill leaves no last word; an error must have stopped it, or kept it from opening.
            let is_kill = what.starts_with("signal");
            let has_stopped = told.is_stopped || told.errors.contains("not opened");
            assert!(is_kill || has_stopped, "{inject}: {}", told.errors);
            (runs, hit) = (runs + 1, hit + usize::from(told.is_opened));
            log.keep(told);
            log.hold(since).await;
        }
    }
    assert!(hit > runs / 3, "{hit} of {runs} had opened the log");
    let longer = if runs < all { ", HEYAN_CRASH_ROUNDS=1000 tries all" } else { "" };
    Ok(format!("{runs} of {all} faults, {} receipts hold{longer}", log.count()))
}

async fn full_disk() -> Result<String, String> {
    let place = tempfile::tempdir().unwrap();
    let disk = OwnDisk::new(&place, 12)?;
    let ballast = disk.path().join("ballast");
    let mut log = Log::new_in(place, disk.path().join("log"));
    let appender = log.appender().run_until_acknowledged(50);
    let mut file = std::fs::File::create(&ballast).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
    drop(file);
    let told = appender.finish();
    assert!(told.is_stopped, "{}", told.errors);
    assert!(told.errors.contains("the log has stopped"), "{}", told.errors);
    assert!(told.errors.contains("No space left on device"), "{}", told.errors);
    log.keep(told);

    std::fs::remove_file(&ballast).unwrap();
    log.hold(0).await;
    let before = log.count();
    let told = log.appender().run_until_acknowledged(50).kill();
    log.keep(told);
    log.hold(0).await;
    let count = log.count();
    assert!(count >= before + 50, "{count} after {before}");
    drop(disk);
    Ok(format!("stopped at {before} receipts, went on, {count} hold"))
}
