//! A gateway that is killed between the entry and the delivery: the agency gets one paper.

use std::fs;

use super::{becomes, contest, hold_wrongly, make_queue, papers, prepared, refuted, replayed};
use super::{shown, steps};
use crate::cli::{client, serve, stored};
use crate::support::{Lab, PATIENCE};

/// What keeps the paper from its place until the kill.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Obstacle {
    /// The folder is not there: nothing has been written.
    NoFolder,
    /// The marker cannot be written: the paper is there, and not recorded.
    NoMarker,
    /// None: the kill comes at once, before or after anything.
    None,
}

async fn killed(lab: &Lab, obstacle: Obstacle) {
    hold_wrongly(lab);
    let mut serving = serve(lab).await;
    let asking = client(lab, &serving).await;
    let question = lab.question("M1");
    let first = refuted(&asking, &question).await;
    let contested = contest(&question, first.log_index);
    let id = contested.dispute_id.clone();
    let marker = lab.path(format!("queues/civil-affairs/{id}.json.ok"));
    if obstacle != Obstacle::NoFolder {
        make_queue(lab);
    }
    if obstacle == Obstacle::NoMarker {
        fs::create_dir(&marker).unwrap();
    }
    asking.contest(contested).await.unwrap();
    if obstacle != Obstacle::None {
        let failing = async {
            while shown(&asking, &id).await.failure.is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, failing).await.expect("it was delivered");
    }
    serving.child.kill().await.unwrap();
    let before = stored(lab);
    match obstacle {
        Obstacle::NoFolder => {
            assert_eq!(steps(&before), ["opened", "not delivered"]);
            make_queue(lab);
        }
        Obstacle::NoMarker => {
            assert_eq!(steps(&before), ["opened", "not delivered"]);
            assert_eq!(papers(lab).len(), 1);
            fs::remove_dir(&marker).unwrap();
        }
        Obstacle::None => assert_eq!(steps(&before)[0], "opened"),
    }

    let mut serving = serve(lab).await;
    let asking = client(lab, &serving).await;
    becomes(&asking, &id, "DELIVERED").await;
    serving.child.kill().await.unwrap();
    assert_eq!(papers(lab), [lab.path(format!("queues/civil-affairs/{id}.json"))]);
    assert!(marker.is_file());
    let entries = stored(lab);
    let delivered = steps(&entries).into_iter().filter(|step| *step == "delivered");
    assert_eq!(delivered.count(), 1);
    assert_eq!(replayed(&entries), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_before_anything_was_written_there_is_one_paper() {
    killed(&prepared(true).await, Obstacle::NoFolder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_between_paper_and_record_there_is_one_paper() {
    killed(&prepared(true).await, Obstacle::NoMarker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_at_any_moment_there_is_one_paper() {
    killed(&prepared(true).await, Obstacle::None).await;
}
