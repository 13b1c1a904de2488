//! A fact that has gone to another agency takes no dispute there: that one never answered, and is told of nobody.

use std::fs;

use super::{CIVIL, answer, becomes, make_queue, papers, prepared, replayed, shown, undelivered};
use crate::support::{Lab, until};

/// The facts of civil affairs, with the folder of its manifest, belong to this agency.
fn belong_to(lab: &Lab, from: &str, to: &str) {
    for file in ["catalogue/facts/civil-affairs.toml", "adapters/civil-affairs.toml"] {
        let file = lab.path(file);
        let text = fs::read_to_string(&file).unwrap();
        let moved = text.lines().map(|line| match line.starts_with("agency") {
            true => line.replace(from, to),
            false => line.to_owned(),
        });
        fs::write(&file, moved.map(|line| line + "\n").collect::<String>()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_contested_agency_is_told() {
    let mut lab = prepared(true).await;
    let (client, id) = undelivered(&mut lab).await;
    drop(client);
    lab.close().await;

    make_queue(&lab);
    belong_to(&lab, CIVIL, "police");
    lab.serve().await;
    assert_eq!(shown(&lab.client().await, &id).await.state, "PAPER");
    // Answers are read when deliveries have been made: so there was a look.
    answer(&lab, "none.json", "{}");
    let refused = lab.path("queues/civil-affairs/answers/refused/none.json");
    until("the folder was looked at", || refused.is_file()).await;
    assert_eq!(papers(&lab).len(), 0);
    lab.close().await;

    belong_to(&lab, "police", CIVIL);
    lab.serve().await;
    becomes(&lab.client().await, &id, "DELIVERED").await;
    assert_eq!(papers(&lab).len(), 1);
    assert_eq!(replayed(&lab.entries()), []);
}
