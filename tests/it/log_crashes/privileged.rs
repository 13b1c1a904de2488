//! What needs the machine's leave: a disk shut off for real, system calls that fail, a disk that is full. What was not
//! permitted is said, not passed over.

use std::io::Write;

use super::client::{Log, Told};
use super::machine::{OwnDisk, injects};

/// System call, what happens at it, and at which of its calls.
const INJECTED: [(&str, &str, &[u32]); 9] = [
    ("fdatasync", "error=EIO", &[1, 2, 9]),
    ("fsync", "error=EIO", &[1, 3, 5, 7, 9, 14]),
    ("pwrite64", "error=EIO", &[2, 7, 30]),
    ("pwrite64", "error=ENOSPC", &[3, 40]),
    ("rename", "error=EIO", &[1, 3, 6]),
    ("pwrite64", "signal=KILL", &[1, 5, 14, 31, 60]),
    ("fdatasync", "signal=KILL", &[1, 4, 20]),
    ("fsync", "signal=KILL", &[1, 2, 3, 4, 5, 6, 8]),
    ("rename", "signal=KILL", &[1, 2, 3, 4, 6]),
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
    // Past the capture of the test runner, which shows nothing of a test that passes.
    std::io::stderr().write_all(table.as_bytes()).unwrap();
}

async fn disk_shut_off() -> Result<String, String> {
    const ROUNDS: usize = 4;

    let place = tempfile::tempdir().unwrap();
    let disk = OwnDisk::new(&place, 24)?;
    let mut log = Log::new_in(place, disk.path().join("log"));
    for round in 0..ROUNDS {
        let appender = log.appender().run_until_acknowledged(1 + 40 * round);
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
    Ok(format!("{ROUNDS} cuts, {count} receipts hold"))
}

async fn failing_calls() -> Result<String, String> {
    injects()?;
    let mut log = Log::new(tempfile::tempdir().unwrap());
    let (mut runs, mut hit) = (0, 0);
    for (call, what, turns) in INJECTED {
        for turn in turns {
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
            let told: Told = log.appender_under(&strace, 2000).finish();
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
    Ok(format!("{runs} faults, {} receipts hold", log.count()))
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
    let (count, size) = (log.count(), std::fs::read_dir(log.folder().join("wal")).unwrap().count());
    assert!(count >= before + 50 && size > 2);
    drop(disk);
    Ok(format!("stopped at {before} receipts, went on, {count} hold"))
}
