//! Appending, step by step and as a whole, and proving.

use std::sync::Arc;

use bytes::Bytes;
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use futures_util::future::try_join_all;
use heyan::audit::chain::Chain;
use heyan::audit::entry::{Entry, encode};
use heyan::audit::frame::Content;
use heyan::audit::{Audit, Settings, tree};
use heyan::crypto::sha256;
use heyan::query::time::Timestamp;
use tokio::runtime::Runtime;

use super::made::{ORIGIN, Questions, new_key};

/// Entries that are appended at once, as under load.
const BATCH: usize = 64;

/// Of the log that proofs are made in.
const ENTRIES: usize = 16_384;

fn entries(count: usize) -> Vec<Entry> {
    let mut questions = Questions::default();
    let mut entries = Vec::new();
    while entries.len() < count {
        entries.extend(questions.next(1 + entries.len() as u64));
    }
    entries.truncate(count);
    entries
}

#[divan::bench]
fn append_1_encode(bencher: Bencher<'_, '_>) {
    let entries = entries(BATCH);
    let mut turn = entries.iter().cycle();
    bencher.bench_local(|| turn.next().map(|entry| encode(black_box(entry))));
}

#[divan::bench]
fn append_2_leaf_hash(bencher: Bencher<'_, '_>) {
    let entry = encode(&entries(1)[0]).expect("an entry");
    bencher.bench_local(|| tree::leaf_hash(black_box(&entry)));
}

/// One frame of so many entries: what the writer makes before it writes.
#[divan::bench(args = [1, BATCH])]
fn append_3_frame(bencher: Bencher<'_, '_>, count: usize) {
    let chain = Chain::new(1);
    let contents: Vec<Content> = entries(count)
        .iter()
        .map(|entry| Content::bare(Bytes::from(encode(entry).expect("an entry"))))
        .collect();
    let leaves: Vec<_> = contents.iter().map(|one| tree::leaf_hash(&one.entry)).collect();
    bencher.counter(ItemsCount::new(count)).with_inputs(|| leaves.clone()).bench_local_values(
        |leaves| chain.next(black_box(&contents), leaves, Timestamp(1)).is_ok(),
    );
}

/// A log in a folder for temporary files, with the runtime that learns of its appends.
struct Log {
    audit: Option<Audit>,
    runtime: Runtime,
    _folder: tempfile::TempDir,
}

impl Log {
    fn make() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let (key, settings) = (Arc::new(new_key(&path).expect("a key")), Settings::default());
        Audit::create(&path, &key, ORIGIN, Timestamp(1), &settings).expect("a new log");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let audit = runtime.block_on(async { Audit::open(&path, key, &settings, &mut |_, _| {}) });
        Self { audit: Some(audit.expect("the log")), runtime, _folder: folder }
    }

    fn audit(&self) -> &Audit {
        self.audit.as_ref().expect("it is closed last")
    }

    fn append(&self, entries: Vec<Entry>) -> usize {
        let all = try_join_all(entries.into_iter().map(|entry| self.audit().append(entry)));
        self.runtime.block_on(all).expect("a log that takes entries").len()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(audit) = self.audit.take() {
            self.runtime.block_on(audit.close());
        }
    }
}

/// Until durable: the disk's flush is in it. Allocations are those of the thread that appends, not of the writer.
#[divan::bench(args = [1, BATCH], sample_count = 30, sample_size = 4)]
fn append_until_durable(bencher: Bencher<'_, '_>, count: usize) {
    let (log, entries) = (Log::make(), entries(count));
    bencher
        .counter(ItemsCount::new(count))
        .with_inputs(|| entries.clone())
        .bench_local_values(|entries| log.append(entries));
}

#[divan::bench]
fn proof_of_inclusion(bencher: Bencher<'_, '_>) {
    let log = filled();
    let size = log.audit().size();
    let mut turn = 0_u64;
    bencher.bench_local(|| {
        turn = turn.wrapping_add(0x9e37_79b9_7f4a_7c15);
        log.audit().prove_inclusion(turn % size, size).is_ok()
    });
}

#[divan::bench]
fn proof_of_consistency(bencher: Bencher<'_, '_>) {
    let log = filled();
    let size = log.audit().size();
    bencher.bench_local(|| log.audit().prove_consistency(black_box(size / 3), size).is_ok());
}

#[divan::bench]
fn proof_as_receipt(bencher: Bencher<'_, '_>) {
    let log = filled();
    let append = log.audit().append(entries(1).remove(0));
    let recorded = log.runtime.block_on(append).expect("a log that takes entries");
    bencher.bench_local(|| recorded.receipt());
}

/// What a reader of a proof does.
#[divan::bench]
fn proof_verified(bencher: Bencher<'_, '_>) {
    let log = filled();
    let size = log.audit().size();
    let proof = log.audit().prove_inclusion(5, size).expect("a proof");
    let leaf = sha256(b"an entry");
    bencher.bench_local(|| {
        proof.iter().fold(leaf, |below, beside| tree::node_hash(black_box(&below), beside))
    });
}

fn filled() -> Log {
    let log = Log::make();
    let all = entries(ENTRIES);
    for some in all.chunks(1024) {
        log.append(some.to_vec());
    }
    log
}
