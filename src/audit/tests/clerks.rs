//! Several clerks before one writer: whoever waits gets its own entry, and an end reaches everybody.

use std::sync::mpsc;

use futures_util::future::join_all;
use tokio::runtime::Builder;

use super::*;
use crate::audit::entry::encode;
use crate::audit::writer::HandedOver;

#[tokio::test(flavor = "multi_thread")]
async fn threads_that_append_at_once_each_get_their_own_entries_in_order() {
    const EACH: u64 = 20;
    const ROUNDS: u64 = 15;
    let log = Log::new();
    let audit = log.open();
    let appending = [1, 2, 3].map(|thread| {
        let (audit, runtime) = (audit.clone(), Builder::new_current_thread().build().unwrap());
        let numbered = async move {
            let audit = audit.on_this_runtime();
            let mut all = Vec::new();
            for round in 0..ROUNDS {
                let numbers = (0..EACH).map(|number| thread * 1000 + round * EACH + number);
                let appends = numbers.clone().map(|number| audit.append(denial(number)));
                for (recorded, number) in join_all(appends).await.into_iter().zip(numbers) {
                    let recorded = recorded.unwrap();
                    assert_eq!(decode(recorded.entry()).unwrap(), denial(number));
                    all.push(recorded);
                }
            }
            let in_order = all.is_sorted_by_key(|recorded: &Recorded| recorded.index);
            assert!(in_order, "a clerk hands over in the order of asking");
            all
        };
        thread::spawn(move || runtime.block_on(numbered))
    });
    let mut all = Vec::new();
    for recorded in appending.into_iter().flat_map(|thread| thread.join().unwrap()) {
        assert_eq!(audit.entries(recorded.index, 1).unwrap(), [recorded.entry()]);
        all.push(recorded.index);
    }
    all.sort_unstable();
    assert_eq!(all, (1..=3 * EACH * ROUNDS).collect::<Vec<_>>(), "each once");
    audit.close().await;
}

#[tokio::test]
async fn batches_that_lie_there_together_share_a_flush_and_come_back_apart() {
    let log = Log::new();
    let description = Description::read(log.path()).unwrap().unwrap();
    let store = FileStore::open(Arc::new(Local), log.path(), description.clone(), 1 << 20).unwrap();
    let store: Arc<dyn Store> = Arc::new(store);
    let opened =
        Ledger::open(Arc::clone(&store), &description, Arc::clone(&log.key), false, &mut |_, _| {});
    let Opened { ledger, history, latest, derived } = opened.unwrap();
    let published = publisher::complete(&latest.checkpoint, derived.summary.entries, None).unwrap();
    let shared = Arc::new(Shared::new(store, history, latest, published));
    let limits = BatchLimits { entries: 4, leaf_bytes: 1 << 20, private_bytes: 1 << 20 };
    let places = Arc::new(Semaphore::new(5));
    let (to_writer, batches) = mpsc::sync_channel(2);
    let mut waiting = Vec::new();
    let mut backs = Vec::new();
    for numbers in [1..4, 4..6] {
        let (back, written) = tokio::sync::mpsc::channel(2);
        let requests = numbers.map(|number| {
            let entry = Bytes::from(encode(&denial(number)).unwrap());
            let (waiter, recorded) = oneshot::channel();
            waiting.push((number, recorded));
            let leaf = tree::leaf_hash(&entry);
            let _place = Arc::clone(&places).try_acquire_owned().unwrap();
            Request { content: Content::bare(entry), leaf, waiter, _place }
        });
        to_writer.send(HandedOver { requests: requests.collect(), back }).unwrap();
        backs.push(written);
    }
    drop(to_writer);
    let writer = Writer { ledger, batches, shared: Arc::clone(&shared), limits };
    tokio::task::spawn_blocking(|| writer.run()).await.unwrap();
    let mut frames = Vec::new();
    for written in &mut backs {
        while let Ok(acknowledgements) = written.try_recv() {
            frames.push(acknowledgements.len());
            acknowledgements.into_iter().for_each(|(waiter, recorded)| {
                let _ = waiter.send(recorded);
            });
        }
    }
    assert_eq!(frames, [3, 1, 1], "a frame of four, of both clerks, and one of one");
    let mut checkpoints = Vec::new();
    for (number, recorded) in waiting {
        let recorded = recorded.await.unwrap();
        assert_eq!((recorded.index, decode(recorded.entry()).unwrap()), (number, denial(number)));
        checkpoints.push(recorded.batch.checkpoint.clone());
    }
    checkpoints.dedup();
    assert_eq!(checkpoints.len(), 2);
    assert_eq!(places.available_permits(), 5);
}

/// There is a clerk for every thread that answers, and one besides.
const _: () = assert!(clerk::CLERKS > crate::workers::MOST);

#[tokio::test]
async fn a_closed_log_takes_nothing_from_any_clerk() {
    let log = Log::new();
    let audit = log.open();
    let here = audit.on_this_runtime();
    assert_eq!(here.append(denial(1)).await.unwrap().index, 1);
    audit.clone().close().await;
    for handle in [&audit, &here, &here.on_this_runtime()] {
        assert!(matches!(handle.append(denial(2)).await, Err(AuditError::Stopped)));
    }
}

#[test]
fn a_runtime_that_ends_takes_its_clerk_with_it_and_nobody_elses() {
    let log = Log::new();
    let usual = Builder::new_current_thread().build().unwrap();
    let other = Builder::new_current_thread().build().unwrap();
    let audit = usual.block_on(async { log.open() });
    let there = other.block_on(async { audit.on_this_runtime() });
    assert_eq!(other.block_on(there.append(denial(1))).unwrap().index, 1);
    drop(other);
    usual.block_on(async {
        assert!(matches!(there.append(denial(2)).await, Err(AuditError::Stopped)));
        assert_eq!(audit.append(denial(2)).await.unwrap().index, 2);
        audit.close().await;
    });
}
