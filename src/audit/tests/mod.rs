//! The log as a whole: what is promised before, during and after every kind of failure.

mod fault_disk;
mod driven;
mod every_step;
mod mutations;
mod clerks;
mod crashes;
mod derived;
mod faults;
mod files;
mod in_use;
mod oracles;
mod rotation;
mod witness;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::entry::{Entry, decode};
use super::note::VerifierKey;
use super::receipt::Receipt;
use super::testing::{ORIGIN, denial, key, settings};
use super::*;

/// A log in a folder of its own.
struct Log {
    folder: tempfile::TempDir,
    key: Arc<SigningKey>,
}

impl Log {
    fn new() -> Self {
        let log = Self { folder: tempfile::tempdir().unwrap(), key: Arc::new(key()) };
        Audit::create(log.path(), &log.key, ORIGIN, Timestamp(1), &settings()).unwrap();
        log
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn open(&self) -> Audit {
        self.try_open(self.path()).unwrap()
    }

    fn try_open(&self, folder: &Path) -> Result<Audit, AuditError> {
        Audit::open(folder, Arc::clone(&self.key), &settings(), &mut |_, _| {})
    }

    fn vkey(&self) -> VerifierKey {
        VerifierKey::new(ORIGIN, self.key.public()).unwrap()
    }

    /// Appends `count` entries, one batch each, numbered from their index on.
    async fn fill(&self, audit: &Audit, count: u64) {
        for _ in 0..count {
            let index = audit.size();
            assert_eq!(audit.append(denial(index)).await.unwrap().index, index);
        }
    }
}

#[tokio::test]
async fn what_was_appended_can_be_read_proved_and_found_again() {
    let log = Log::new();
    let audit = log.open();
    let recorded: Vec<Recorded> =
        futures_util::future::join_all((1..=60).map(|number| audit.append(denial(number))))
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
    for (index, recorded) in (1..).zip(&recorded) {
        assert_eq!(recorded.index, index, "acknowledged in the order of asking");
        let receipt = Receipt::parse(&recorded.receipt()).unwrap();
        let head = receipt.verify(recorded.entry(), &log.vkey()).unwrap();
        assert_eq!(receipt.extra.as_deref(), Some(&recorded.entry()[..]));
        assert_eq!(decode(recorded.entry()).unwrap(), denial(index));
        let proof = audit.prove_consistency(head.size, audit.size()).unwrap();
        let newest = checkpoint::open(&audit.checkpoint(), &log.vkey()).unwrap();
        assert!(tree::verify_consistency(&head, &newest, &proof));
    }
    assert_eq!(audit.entries(1, 2).unwrap(), [recorded[0].entry(), recorded[1].entry()]);
    assert_eq!(audit.entries(60, 9).unwrap(), [recorded[59].entry()]);
    assert!(audit.entries(61, 9).unwrap().is_empty());
    let before = audit.checkpoint();
    audit.close().await;

    let mut seen = Vec::new();
    let visit = &mut |index: u64, entry: &Entry| seen.push((index, entry.clone()));
    let audit = Audit::open(log.path(), Arc::clone(&log.key), &settings(), visit).unwrap();
    assert!(matches!(
        &seen[0],
        (0, Entry { kind: Kind::Node(NodeEvent { change: NodeChange::Created, .. }), .. })
    ));
    assert_eq!(seen[1..], (1..=60).map(|number| (number, denial(number))).collect::<Vec<_>>());
    assert_eq!(audit.checkpoint(), before, "the same tree under the same key");
    assert_eq!(audit.append(denial(61)).await.unwrap().index, 61);
    audit.close().await;
}

#[tokio::test]
async fn proofs_hold_across_many_files_and_a_restart() {
    let log = Log::new();
    let audit = log.open();
    for round in 0..10 {
        let first = audit.size();
        let appends = (0..64).map(|number| audit.append(denial(first + number)));
        let results = futures_util::future::join_all(appends).await;
        assert!(results.iter().all(Result::is_ok), "round {round}");
        log.fill(&audit, 20).await;
    }
    audit.close().await;
    let audit = log.open();
    assert!(std::fs::read_dir(log.path().join("wal")).unwrap().count() > 1, "several files");
    let newest = checkpoint::open(&audit.checkpoint(), &log.vkey()).unwrap();
    let entries = audit.entries(0, 10_000).unwrap();
    assert_eq!(entries.len() as u64, newest.size);
    for (index, entry) in (0..).zip(&entries) {
        assert_eq!(audit.entries(index, 1).unwrap(), [entry]);
        let proof = audit.prove_inclusion(index, newest.size).unwrap();
        let leaf = tree::leaf_hash(entry);
        assert!(tree::verify_inclusion(&leaf, index, newest.size, &proof, &newest.root));
    }
    assert!(matches!(audit.prove_inclusion(5, newest.size + 1), Err(AuditError::OutOfRange(_))));
    assert!(matches!(audit.prove_inclusion(5, 5), Err(AuditError::OutOfRange(_))));
    assert!(matches!(audit.prove_consistency(6, 5), Err(AuditError::OutOfRange(_))));
    assert_eq!(audit.prove_consistency(0, 5).unwrap(), Vec::<Digest>::new());
    audit.close().await;
}

#[tokio::test]
async fn a_dropped_append_still_leaves_its_entry() {
    let log = Log::new();
    let audit = log.open();
    let mut append = Box::pin(audit.append(denial(1)));
    // Polled once, so that it is queued, then dropped.
    assert!(futures_util::poll!(append.as_mut()).is_pending());
    drop(append);
    assert_eq!(audit.append(denial(2)).await.unwrap().index, 2);
    assert_eq!(decode(&audit.entries(1, 1).unwrap()[0]).unwrap(), denial(1));
    audit.close().await;
}

#[tokio::test]
async fn the_checkpoint_is_published_without_being_asked() {
    let log = Log::new();
    let settings = Settings { publish_every: Duration::from_millis(5), ..settings() };
    let audit = Audit::open(log.path(), Arc::clone(&log.key), &settings, &mut |_, _| {}).unwrap();
    audit.append(denial(1)).await.unwrap();
    let path = log.path().join("checkpoint");
    let published = async {
        while std::fs::read_to_string(&path).unwrap() != audit.checkpoint() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), published).await.unwrap();
    audit.close().await;
}

#[tokio::test]
async fn a_closed_log_takes_nothing_more() {
    let log = Log::new();
    let audit = log.open();
    let other = audit.clone();
    audit.close().await;
    assert!(matches!(other.append(denial(1)).await, Err(AuditError::Stopped)));
    assert!(other.is_healthy(), "closed in good order");
}

/// The largest entry with the largest sealed record, in the smallest segment: a frame that did not fit would stop the
/// log after the question was asked.
#[tokio::test]
async fn the_largest_of_everything_fits_the_smallest_segment() {
    let log = Log::new();
    let audit = log.open();
    // A wrapped seed of no bytes, then the sealed part.
    let mut record = vec![1; MAX_RECORD_BYTES];
    record[..2].fill(0);
    let of = |code: usize| {
        let Entry { at, kind: Kind::Denial(mut denied) } = denial(1) else { unreachable!() };
        denied.code = "X".repeat(code);
        denied.commitments.sealed = Some(crate::crypto::sha256(&record[2..]));
        Entry { at, kind: Kind::Denial(denied) }
    };
    let length = |code: usize| entry::encode(&of(code)).map(|bytes| bytes.len());
    let code = (64_000..65_535).find(|&code| length(code).is_ok_and(|length| length == 65_535));
    let code = code.unwrap();
    let appends = (0..20).map(|_| audit.append_with(of(code), Bytes::from(record.clone()).into()));
    let appended = futures_util::future::join_all(appends).await;
    assert!(appended.iter().all(Result::is_ok) && audit.is_healthy());

    let refused = audit.append_with(of(code + 1), Bytes::from(record.clone()).into()).await;
    assert!(matches!(refused, Err(AuditError::Entry(_))));
    let too_long = Bytes::from([&record[..], &[1]].concat());
    assert!(matches!(audit.append_with(of(1), too_long.into()).await, Err(AuditError::Record(_))));
    // What verify would call damage is not written either.
    for private in [&record[..9], &[]] {
        let refused = audit.append_with(of(1), Bytes::copy_from_slice(private).into()).await;
        assert!(matches!(refused, Err(AuditError::Unsealed)));
    }
    let refused = audit.append_with(denial(1), Bytes::from(record).into()).await;
    assert!(matches!(refused, Err(AuditError::Unsealed)));

    assert_eq!(settings().file_bytes(), MIN_SEGMENT_BYTES);
    let widest = Settings { segment_bytes: u64::MAX, ..settings() };
    assert_eq!(widest.file_bytes(), MAX_SEGMENT_BYTES);
    audit.close().await;
    log.open().close().await;
    verify::verify(log.path(), verify::Expected::default(), &mut |_, _| {}).unwrap();
}

#[test]
fn opens_only_where_a_runtime_runs() {
    let log = Log::new();
    assert!(matches!(log.try_open(log.path()), Err(AuditError::NoRuntime)));
}
