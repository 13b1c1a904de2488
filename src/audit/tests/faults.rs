//! Writes that fail, flushes that lie, queues that are full: on a store in memory.

use futures_util::future::join_all;
use futures_util::poll;

use super::*;
use crate::audit::beside::Private;
use crate::audit::entry::Outcome;
use crate::audit::memory::Fault;
use crate::audit::testing::{InMemory, commitments, facts, permit};
use crate::query::value::Verdict;

fn answer(source: Source) -> Entry {
    let at = Timestamp(9);
    let outcome = Outcome {
        facts: facts("fund-centre/approval", 1, at),
        permit: permit(),
        commitments: commitments(),
        intent: Some(1),
        source,
        verdict: Verdict::Confirmed,
        as_of: Some(at),
        disclosed: Vec::new(),
        masked: Vec::new(),
        dropped: 0,
        unavailable: None,
        subjects_checked: vec![0],
    };
    Entry { at, kind: Kind::Outcome(Box::new(outcome)) }
}

#[tokio::test]
async fn nothing_is_acknowledged_or_shown_before_it_is_durable() {
    let fixture = InMemory::new();
    let audit = fixture.start(&settings());
    let before = audit.checkpoint();
    fixture.store.hold();
    let mut append = Box::pin(audit.append(denial(1)));
    assert!(poll!(append.as_mut()).is_pending());
    fixture.store.wait_for_appends(1).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
        assert!(poll!(append.as_mut()).is_pending());
    }
    assert_eq!((audit.size(), audit.checkpoint()), (1, before));
    assert_eq!(audit.entries(0, 9).unwrap().len(), 1);
    assert!(audit.prove_inclusion(1, 2).is_err());

    fixture.store.release();
    assert_eq!(append.await.unwrap().index, 1);
    assert_eq!(audit.size(), 2);
    audit.close().await;
}

#[tokio::test]
async fn what_waits_is_written_with_one_flush() {
    let fixture = InMemory::new();
    let audit = fixture.start(&settings());
    fixture.store.hold();
    let mut first = Box::pin(audit.append(denial(1)));
    assert!(poll!(first.as_mut()).is_pending());
    fixture.store.wait_for_appends(1).await;
    let mut rest: Vec<_> = (2..40).map(|number| Box::pin(audit.append(denial(number)))).collect();
    for append in &mut rest {
        assert!(poll!(append.as_mut()).is_pending());
    }
    fixture.store.release();
    first.await.unwrap();
    let indices: Vec<u64> =
        join_all(rest).await.into_iter().map(|recorded| recorded.unwrap().index).collect();
    assert_eq!(indices, (2..40).collect::<Vec<_>>());
    let counts: Vec<u32> = fixture.store.frames().iter().map(|frame| frame.count()).collect();
    assert_eq!(counts, [1, 1, 38]);
    audit.close().await;
}

#[tokio::test]
async fn the_first_error_stops_the_log_for_ever() {
    for (fault, size_after) in [(Fault::NotWritten, 2), (Fault::Written, 3), (Fault::Full, 2)] {
        let fixture = InMemory::new();
        let audit = fixture.start(&settings());
        audit.append(denial(1)).await.unwrap();
        let checkpoint = audit.checkpoint();

        fixture.store.hold();
        let mut failing = Box::pin(audit.append(denial(2)));
        assert!(poll!(failing.as_mut()).is_pending());
        fixture.store.wait_for_appends(2).await;
        let mut queued = Box::pin(audit.append(denial(3)));
        assert!(poll!(queued.as_mut()).is_pending());
        fixture.store.fail(fault);
        fixture.store.release();

        assert!(matches!(failing.await, Err(AuditError::Stopped)), "{fault:?}");
        assert!(!audit.is_healthy());
        assert!(matches!(queued.await, Err(AuditError::Stopped)));
        // The store would take it now; the log does not try.
        assert!(matches!(audit.append(denial(4)).await, Err(AuditError::Stopped)));
        assert_eq!((audit.size(), audit.checkpoint()), (2, checkpoint.clone()));
        audit.close().await;
        assert_eq!(fixture.store.published().unwrap(), Some(fixture.store_checkpoint_at_start()));

        let again = fixture.start(&settings());
        assert_eq!(again.size(), size_after, "{fault:?}: a start finds the truth");
        assert!(again.is_healthy());
        assert_eq!(again.append(denial(5)).await.unwrap().index, size_after);
        again.close().await;
    }
}

impl InMemory {
    /// A stopped log publishes nothing more: there stands what was published when it was opened.
    fn store_checkpoint_at_start(&self) -> String {
        let frames = self.store.frames();
        let head = Head { size: 1, root: frames[0].header().root_after };
        checkpoint::sign(ORIGIN, &head, &self.key).unwrap()
    }
}

#[tokio::test]
async fn a_failing_publication_stops_the_log() {
    let fixture = InMemory::new();
    let audit = fixture.start(&settings());
    fixture.store.fail_publishing();
    audit.append(denial(1)).await.unwrap();
    let watcher = audit.clone();
    audit.close().await;
    assert!(!watcher.is_healthy());
}

#[tokio::test]
async fn a_full_queue_refuses_questions_and_lets_answers_wait() {
    let fixture = InMemory::new();
    let audit = fixture.start(&Settings { queue: 2, ..settings() });
    fixture.store.hold();
    let mut taken = Box::pin(audit.append(denial(1)));
    assert!(poll!(taken.as_mut()).is_pending());
    fixture.store.wait_for_appends(1).await;
    let mut queued: Vec<_> = (2..=3).map(|number| Box::pin(audit.append(denial(number)))).collect();
    for append in &mut queued {
        assert!(poll!(append.as_mut()).is_pending());
    }
    assert!(matches!(audit.append(denial(4)).await, Err(AuditError::Overloaded)));
    let cached = audit.append(answer(Source::Cache)).await;
    assert!(matches!(cached, Err(AuditError::Overloaded)));
    let mut asked = Box::pin(audit.append(answer(Source::Agency)));
    assert!(poll!(asked.as_mut()).is_pending());

    fixture.store.release();
    assert_eq!(taken.await.unwrap().index, 1);
    assert_eq!(asked.await.unwrap().index, 4);
    assert!(join_all(queued).await.iter().all(Result::is_ok));
    assert!(audit.is_healthy(), "being full is no failure");
    audit.close().await;
}

#[tokio::test]
async fn a_reserved_place_is_kept_through_a_full_queue() {
    let fixture = InMemory::new();
    let audit = fixture.start(&Settings { queue: 1, ..settings() });
    let place = audit.reserve().unwrap();
    assert!(matches!(audit.reserve(), Err(AuditError::Overloaded)));
    assert!(matches!(audit.append(denial(1)).await, Err(AuditError::Overloaded)));
    assert_eq!(audit.append_at(place, denial(2), Private::default()).await.unwrap().index, 1);
    drop(audit.reserve().unwrap());
    assert_eq!(audit.append(denial(3)).await.unwrap().index, 2);
    audit.close().await;
}

#[tokio::test]
async fn a_thread_that_panics_leaves_a_stopped_log() {
    let fixture = InMemory::new();
    let audit = fixture.start(&settings());
    assert!(audit.is_healthy());
    let shared = Arc::clone(&audit.inner.shared);
    let panicked = thread::spawn(move || {
        let _guard = shared::StopOnPanic(shared);
        panic!("as the writer might");
    });
    assert!(panicked.join().is_err());
    assert!(!audit.is_healthy());
    assert!(matches!(audit.append(denial(1)).await, Err(AuditError::Stopped)));
    audit.close().await;
}
