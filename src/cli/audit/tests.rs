//! The three commands over real folders.

use std::os::unix::fs::PermissionsExt;

use clap::Parser;

use std::fs;
use std::path::Path;

use super::examine::{as_json, in_words};
use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    command: AuditCommand,
}

/// Runs a command line, without the words `heyan audit`.
fn heyan_audit(words: &[&str]) -> anyhow::Result<ExitCode> {
    run(Line::try_parse_from([&["audit"], words].concat())?.command)
}

fn is_code(result: &anyhow::Result<ExitCode>, code: u8) -> bool {
    result.as_ref().is_ok_and(|found| format!("{found:?}") == format!("{:?}", ExitCode::from(code)))
}

struct World(tempfile::TempDir);

impl World {
    fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        let made = heyan_audit(&[
            "init",
            &world.path("log"),
            "--key",
            &world.path("keys/log.key"),
            "--new-key",
            "--origin",
            "heyan.test/log",
        ]);
        assert!(is_code(&made, 0), "{made:?}");
        world
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }
}

#[test]
fn a_new_log_verifies_and_replays() {
    let world = World::new();
    let log = world.path("log");
    let mode = fs::metadata(world.path("keys/log.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for words in [
        &["verify", &log][..],
        &["verify", &log, "--json"],
        &["verify", &log, "--since", &world.path("log/checkpoint")],
        &["replay", &log],
        &["replay", &log, "--json"],
    ] {
        assert!(is_code(&heyan_audit(words), 0), "{words:?}");
    }
    let examined = examine(Path::new(&log), None).unwrap();
    assert_eq!((examined.entries, examined.decisions), (1, 0));
    assert_eq!(as_json(&examined)["log"]["origin"], "heyan.test/log");
    assert!(in_words(&examined).ends_with("no findings\n"));
}

#[test]
fn a_log_is_not_made_twice_nor_its_key() {
    let world = World::new();
    let (log, key) = (world.path("log"), world.path("keys/log.key"));
    let again = heyan_audit(&["init", &log, "--key", &key, "--origin", "heyan.test/log"]);
    assert!(format!("{:#}", again.unwrap_err()).contains("a log in"));
    let words = ["init", &world.path("other"), "--key", &key, "--new-key", "--origin", "x"];
    assert!(format!("{:#}", heyan_audit(&words).unwrap_err()).contains("there already"));
}

#[test]
fn a_changed_log_is_a_finding_and_a_missing_one_is_not() {
    let world = World::new();
    let segment = world.path("log/wal/0000000000000001.wal");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[4096 + 130] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let log = world.path("log");
    assert!(is_code(&heyan_audit(&["verify", &log]), 1));
    assert!(is_code(&heyan_audit(&["replay", &log, "--json"]), 1));
    let found = examine(Path::new(&log), None).unwrap().findings;
    assert_eq!(found[0].rule, "log", "{}", found[0]);

    for command in ["verify", "replay"] {
        let missing = heyan_audit(&[command, &world.path("nowhere")]).unwrap_err();
        assert!(missing.to_string().contains("name the folder that holds"), "{missing}");
    }
}

#[test]
fn a_checkpoint_of_another_log_is_a_finding() {
    let (world, other) = (World::new(), World::new());
    let words = ["verify", &world.path("log"), "--since", &other.path("log/checkpoint")];
    assert!(is_code(&heyan_audit(&words), 1));
    let words = ["verify", &world.path("log"), "--vkey", "heyan.test/log+00000000+AAAA"];
    assert!(heyan_audit(&words).unwrap_err().to_string().contains("--vkey must be"));
}

#[test]
fn a_cosigner_is_made_once_and_checks_what_it_signed() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("cosigner.seed");
    let key = key.to_str().unwrap();
    let make = ["cosigner", key, "--origin", "heyan.test/log", "--new-key"];
    assert!(is_code(&heyan_audit(&make), 0));
    assert_eq!(fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(heyan_audit(&make).is_err(), "never overwritten");

    let log = crate::audit::testing::key();
    let head = crate::audit::tree::Head { size: 0, root: crate::crypto::sha256(&[]) };
    let plain = crate::audit::checkpoint::sign("heyan.test/log", &head, &log).unwrap();
    let cosigning = crate::crypto::CosigningKey::read(Path::new(key)).unwrap();
    let at = crate::query::time::Timestamp::from_seconds(1);
    let cosigned =
        crate::audit::cosignature::cosign(&plain, "heyan.test/log", &cosigning, at).unwrap();
    let file = folder.path().join("checkpoint");
    let check = ["cosigner", key, "--origin", "heyan.test/log", "--check", file.to_str().unwrap()];
    for (text, code) in [(cosigned, 0), (plain, 1)] {
        fs::write(&file, text).unwrap();
        assert!(is_code(&heyan_audit(&check), code));
    }
}

#[test]
fn a_log_goes_over_to_another_key() {
    let world = World::new();
    let (log, old, new) = (world.path("log"), world.path("keys/log.key"), world.path("keys/2.key"));
    let first = examine(Path::new(&log), None).unwrap();
    let first = as_json(&first)["log"]["vkey"].as_str().unwrap().to_owned();
    let rotate = ["rotate", &log, "--key", &old, "--new-key", &new];
    let missing = heyan_audit(&rotate).unwrap_err();
    assert!(format!("{missing:#}").contains("2.key"), "{missing:#}");
    assert!(is_code(&heyan_audit(&[&rotate[..], &["--make", "--json"]].concat()), 0));
    assert_eq!(fs::metadata(&new).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(is_code(&heyan_audit(&["verify", &log, "--vkey", &first]), 0));
    let examined = examine(Path::new(&log), None).unwrap();
    assert!(examined.findings.is_empty(), "{:?}", examined.findings);
    assert_eq!(as_json(&examined)["log"]["vkey"], *first);
    assert_ne!(as_json(&examined)["log"]["current_vkey"], *first);
    assert!(in_words(&examined).contains("key now"));
    let again = ["rotate", &log, "--key", &old, "--new-key", &world.path("keys/3.key"), "--make"];
    let refused = format!("{:#}", heyan_audit(&again).unwrap_err());
    assert!(refused.contains("has been replaced"), "{refused}");
}
