//! A client that hangs up loses its answer, never its entry.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use heyan::audit::entry::Entry;
use heyan::audit::verify::{Expected, verify};

use crate::support::connect::{raw, verification};
use crate::support::entries::{intents, outcomes};
use crate::support::{Lab, until};

/// Polls a future so often and then lets it go.
struct Polls<F> {
    future: Pin<Box<F>>,
    left: u32,
}

impl<F: Future> Future for Polls<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        match self.future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if self.left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// The entries of an installation whose gateway has stopped.
fn stored(lab: &Lab) -> Vec<Entry> {
    let mut entries = Vec::new();
    let expected = Expected::default();
    verify(&lab.path("log"), expected, &mut |_, entry| entries.push(entry.clone())).unwrap();
    entries
}

/// Every intent has its own outcome, later.
fn paired(entries: &[Entry]) {
    let outcomes = outcomes(entries);
    for (index, intent) in intents(entries) {
        let its: Vec<_> = outcomes
            .iter()
            .filter(|(_, outcome)| outcome.intent == Some(index) && outcome.facts == intent.facts)
            .collect();
        assert_eq!(its.len(), 1, "intent {index} has {} outcomes", its.len());
        assert!(its[0].0 > index);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_dropped_at_any_moment_leaves_its_entries() {
    let mut lab = Lab::start(&["police"]).await;
    // Long enough that many are dropped while the agency is asked.
    lab.simulation.faults("police").set_delay(Duration::from_millis(5), Duration::from_millis(5));
    let client = lab.client().await;
    let mut answered = 0;
    for polls in 0..24 {
        let call = client.verify(lab.question("P2"), Duration::from_secs(20));
        let dropped = Polls { future: Box::pin(call), left: polls };
        answered += u32::from(dropped.await.is_some());
    }
    for step in 0..60_u64 {
        let call = client.verify(lab.question("P2"), Duration::from_secs(20));
        let limit = Duration::from_micros(step * 500);
        answered += u32::from(tokio::time::timeout(limit, call).await.is_ok());
    }
    drop(client);
    lab.close().await;

    let entries = stored(&lab);
    let (intents, outcomes) = (intents(&entries).len(), outcomes(&entries).len());
    paired(&entries);
    assert!(intents as u32 > answered, "{intents} intents, {answered} answered: nothing was lost");
    assert_eq!(intents, outcomes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_while_the_agency_is_asked_loses_no_outcome() {
    let mut lab = Lab::start(&["police"]).await;
    lab.simulation.faults("police").set_delay(Duration::from_millis(300), Duration::ZERO);
    let mut client = verification(raw(&lab, "fund-centre", "approval").await);
    {
        let call = client.verify(lab.question("P2"));
        tokio::select! {
            _ = call => panic!("the answer was too quick to be lost"),
            () = until("the police are asked", || lab.simulation.asked("police") == 1) => {}
        }
    }
    drop(client);
    lab.close().await;
    let entries = stored(&lab);
    paired(&entries);
    let outcomes = outcomes(&entries);
    assert_eq!(outcomes.len(), 1);
    assert_eq!(outcomes[0].1.verdict, heyan::query::value::Verdict::Confirmed);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_that_wait_for_one_answer_may_leave() {
    let mut lab = Lab::start(&["civil-affairs"]).await;
    lab.simulation.faults("civil-affairs").set_delay(Duration::from_millis(400), Duration::ZERO);
    let client = lab.client().await;
    // The first asks for all and is dropped; the others must still get its answer.
    let mut asking = tokio::task::JoinSet::new();
    let (first, question) = (client.clone(), lab.question("M2"));
    let asker = asking.spawn(async move { first.verify(question, Duration::from_secs(20)).await });
    until("civil affairs are asked", || lab.simulation.asked("civil-affairs") == 1).await;
    for _ in 0..5 {
        let (client, question) = (client.clone(), lab.question("M2"));
        asking.spawn(async move { client.verify(question, Duration::from_secs(20)).await });
    }
    asker.abort();
    let mut answered = 0;
    while let Some(done) = asking.join_next().await {
        answered += u32::from(done.is_ok_and(|reply| reply.is_ok()));
    }
    assert_eq!((answered, lab.simulation.asked("civil-affairs")), (5, 1));
    drop(client);
    lab.close().await;
    let entries = stored(&lab);
    assert_eq!((intents(&entries).len(), outcomes(&entries).len()), (1, 6));
}
