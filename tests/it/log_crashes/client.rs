//! The client: starts the appending process, keeps every receipt it prints, and holds the log to them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use heyan::audit::note::VerifierKey;
use heyan::audit::receipt::Receipt;
use heyan::audit::{Audit, checkpoint, tree};
use heyan::crypto::SigningKey;
use heyan::query::time::Timestamp;
use rcgen::{KeyPair, PKCS_ED25519};
use tempfile::TempDir;

use super::appender::{KEY, LOG, MOST, settings};
use crate::support::PATIENCE;

const ORIGIN: &str = "heyan.test/crashes";

/// A log, and what clients were promised of it.
pub(super) struct Log {
    pub(super) place: TempDir,
    folder: PathBuf,
    key: Vec<u8>,
    /// By index; a second receipt for an index would be a fork.
    receipts: BTreeMap<u64, Receipt>,
    /// Sizes and roots that clients hold, by size.
    heads: BTreeMap<u64, tree::Head>,
}

impl Log {
    /// A new one in that folder.
    pub(super) fn new(place: TempDir) -> Self {
        let folder = place.path().join("log");
        Self::new_in(place, folder)
    }

    /// A new one; `place` holds its key.
    pub(super) fn new_in(place: TempDir, folder: PathBuf) -> Self {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap().serialize_der();
        std::fs::write(place.path().join("key"), &key).unwrap();
        let signing = SigningKey::from_pkcs8(&key).unwrap();
        Audit::create(&folder, &signing, ORIGIN, Timestamp(1), &settings()).unwrap();
        Self { place, folder, key, receipts: BTreeMap::new(), heads: BTreeMap::new() }
    }

    pub(super) fn count(&self) -> usize {
        self.receipts.len()
    }

    fn key(&self) -> SigningKey {
        SigningKey::from_pkcs8(&self.key).unwrap()
    }

    /// The appending process, started.
    pub(super) fn appender(&self) -> Appender {
        self.appender_under(&[], u64::MAX)
    }

    /// The same as the last argument of another program, for that many entries.
    pub(super) fn appender_under(&self, program: &[&str], most: u64) -> Appender {
        let this = std::env::current_exe().unwrap();
        let test = "log_crashes::appender::appends_and_prints_what_it_was_promised";
        let mut command = match program.split_first() {
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(this);
                command
            }
            None => Command::new(this),
        };
        command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
        command.env(LOG, &self.folder).env(KEY, self.place.path().join("key"));
        command.env(MOST, most.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Appender::start(&mut command)
    }

    /// Keeps what was promised.
    pub(super) fn keep(&mut self, told: Told) {
        assert!(!told.is_late, "acknowledged after the log had stopped: {}", told.errors);
        let vkey = VerifierKey::new(ORIGIN, self.key().public()).unwrap();
        for receipt in told.receipts {
            let entry = receipt.extra.clone().unwrap();
            let head = receipt.verify(&entry, &vkey).unwrap();
            let known = self.heads.insert(head.size, head);
            assert!(known.is_none_or(|known| known == head), "two trees of {}", head.size);
            let known = self.receipts.insert(receipt.index, receipt);
            assert!(known.is_none(), "an index was given twice");
        }
    }

    /// Opens the log, and holds it to every receipt: the bytes of all, the proofs of those from `since` on.
    pub(super) async fn hold(&self, since: u64) {
        let opened = Audit::open(&self.folder, Arc::new(self.key()), &settings(), &mut |_, _| {});
        let audit = opened.unwrap();
        let vkey = VerifierKey::new(ORIGIN, self.key().public()).unwrap();
        let newest = checkpoint::open(&audit.checkpoint(), &vkey).unwrap();
        let entries = audit.entries(0, usize::MAX).unwrap();
        for (index, receipt) in &self.receipts {
            let kept = entries.get(*index as usize);
            let lost =
                || format!("entry {index} of {} was acknowledged and is lost", entries.len());
            assert_eq!(
                kept.unwrap_or_else(|| panic!("{}", lost())),
                receipt.extra.as_ref().unwrap()
            );
        }
        for (index, receipt) in self.receipts.range(since..) {
            let proof = audit.prove_inclusion(*index, newest.size).unwrap();
            let leaf = tree::leaf_hash(receipt.extra.as_ref().unwrap());
            assert!(tree::verify_inclusion(&leaf, *index, newest.size, &proof, &newest.root));
        }
        for (size, head) in self.heads.range(since..) {
            let proof = audit.prove_consistency(*size, newest.size).unwrap();
            assert!(tree::verify_consistency(head, &newest, &proof), "the tree of {size} is gone");
        }
        audit.close().await;
    }
}

/// What the appending process said.
#[derive(Default)]
pub(super) struct Told {
    pub(super) receipts: Vec<Receipt>,
    pub(super) is_opened: bool,
    pub(super) is_stopped: bool,
    pub(super) is_late: bool,
    /// Its log lines, and why it could not open the log.
    pub(super) errors: String,
}

/// The appending process.
pub(super) struct Appender {
    child: Child,
    told: Arc<Mutex<Told>>,
    /// Sent something for each line.
    lines: Receiver<()>,
    readers: Vec<JoinHandle<()>>,
}

impl Appender {
    fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let told = Arc::new(Mutex::new(Told::default()));
        let (stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (sender, lines) = channel();
        let by_line = Arc::clone(&told);
        let out = std::thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            let mut line = String::new();
            while stdout.read_line(&mut line).is_ok_and(|count| count > 0) {
                // A line cut short reached no client.
                if let Some(whole) = line.strip_suffix('\n') {
                    by_line.lock().unwrap().hear(whole);
                }
                line.clear();
                let _ = sender.send(());
            }
        });
        let by_text = Arc::clone(&told);
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            by_text.lock().unwrap().errors.push_str(&text);
        });
        Self { child, told, lines, readers: vec![out, errors] }
    }

    /// Waits until it was promised so many entries.
    pub(super) fn run_until_acknowledged(self, count: usize) -> Self {
        let until = Instant::now() + 4 * PATIENCE;
        while self.told.lock().unwrap().receipts.len() < count {
            let left = until.saturating_duration_since(Instant::now());
            let heard = self.lines.recv_timeout(left);
            let told = self.told.lock().unwrap();
            assert!(heard.is_ok(), "{} acknowledged: {}", told.receipts.len(), told.errors);
        }
        self
    }

    /// Lets it run on for that time.
    pub(super) fn run_for(self, time: Duration) -> Self {
        std::thread::sleep(time);
        self
    }

    /// Kills it where it stands.
    pub(super) fn kill(mut self) -> Told {
        self.child.kill().unwrap();
        self.finish()
    }

    /// Waits until it ends by itself.
    pub(super) fn finish(mut self) -> Told {
        let until = Instant::now() + 4 * PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until, "it does not end");
            std::thread::sleep(Duration::from_millis(2));
        }
        self.readers.drain(..).for_each(|reader| reader.join().unwrap());
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

impl Drop for Appender {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Told {
    fn hear(&mut self, line: &str) {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("ack", receipt) => {
                let text = String::from_utf8(BASE64_STANDARD.decode(receipt).unwrap()).unwrap();
                self.receipts.push(Receipt::parse(&text).unwrap());
            }
            ("opened", _) => self.is_opened = true,
            ("stopped", _) => self.is_stopped = true,
            ("late", _) => self.is_late = true,
            ("not", _) => self.errors.push_str(line),
            // What the test runner says.
            _ => {}
        }
    }
}
