//! Quotas to the last permit: however many ask at once, from kept answers or fresh ones, and whatever befalls the process.
//!
//! Counted in the log, for each period that a question was stamped with: nothing here hangs on the moment it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use heyan::audit::entry::{Entry, Kind};
use heyan::client::{Client, ClientError};
use heyan::proto::gateway::v1 as wire;
use heyan::query::time::Timestamp;
use heyan::replay::replay;
use tokio::task::JoinSet;

use crate::cli::{client, serve, stored};
use crate::support::draft::Draft;
use crate::support::entries::facts;
use crate::support::{Lab, PATIENCE, ask, until};

/// An agreement with one quota: who answers under it, a fact that is kept and one that is not, and the quota.
struct Limited {
    id: &'static str,
    agency: &'static str,
    kept: &'static str,
    fresh: &'static str,
    limit: u64,
    code: &'static str,
    period: fn(Timestamp) -> u64,
}

const LIMITED: [Limited; 3] = [
    Limited {
        id: "per-second",
        agency: "civil-affairs",
        kept: "M2",
        fresh: "M1",
        limit: 5,
        code: "QUOTA_SECOND",
        period: Timestamp::seconds,
    },
    Limited {
        id: "per-day",
        agency: "police",
        kept: "P1",
        fresh: "P2",
        limit: 40,
        code: "QUOTA_DAY",
        period: Timestamp::china_day,
    },
    Limited {
        id: "per-month",
        agency: "social-security",
        kept: "S1",
        fresh: "S2",
        limit: 30,
        code: "QUOTA_MONTH",
        period: Timestamp::china_month,
    },
];

async fn prepared() -> Lab {
    let lab = Lab::prepare(&[]).await;
    for limited in &LIMITED {
        let mut draft = Draft::new(limited.id, limited.agency);
        draft.quota = format!("{} = {}", limited.id.replace('-', "_"), limited.limit);
        for (code, keep) in
            [(limited.kept, "cache = { found = \"1d\", not_found = \"1h\" }"), (limited.fresh, "")]
        {
            let fact = lab.catalogue.fact(&code.into()).unwrap();
            let names: Vec<&str> = fact.attributes.iter().map(|it| it.name.as_str()).collect();
            draft = draft.clause(fact, &lab.catalogue, &names, &[], keep);
        }
        draft.place(&lab);
    }
    lab
}

/// Questions under each agreement in turn: kept, fresh, and one that it denies whatever is left.
fn mixed(lab: &Lab, count: usize) -> Vec<wire::VerifyRequest> {
    let question = |turn: usize| {
        let limited = &LIMITED[turn % 3];
        match turn / 3 % 3 {
            0 => lab.question(limited.kept),
            1 => lab.question(limited.fresh),
            _ => lab.request(limited.kept, "D5"),
        }
    };
    (0..count).map(question).collect()
}

/// Puts them all at once, over these connections; how many were answered. A connection that breaks answers nothing.
async fn at_once(clients: &[Client], questions: Vec<wire::VerifyRequest>) -> usize {
    let mut asking = JoinSet::new();
    for (turn, question) in questions.into_iter().enumerate() {
        let client = clients[turn % clients.len()].clone();
        asking.spawn(async move {
            match client.verify(question, PATIENCE).await {
                Ok(_) => true,
                Err(ClientError::Refused(_) | ClientError::Lost(_)) => false,
                Err(error) => panic!("{error}"),
            }
        });
    }
    asking.join_all().await.into_iter().filter(|is_answered| *is_answered).count()
}

/// Fails unless in every period the permits are as many as the quota, or all that were asked for; says how many periods
/// were used up. `since` is the first entry whose denials count.
fn exact(entries: &[Entry], limited: &Limited, since: usize) -> usize {
    let mut permitted: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    let mut used_up = BTreeSet::new();
    for (index, entry) in entries.iter().enumerate() {
        let Some(facts) = facts(entry) else { continue };
        let period = (limited.period)(facts.received_at);
        match &entry.kind {
            Kind::Intent(intent) if intent.permit.agreement == limited.id => {
                permitted.entry(period).or_default().insert(facts.caller_sequence);
            }
            Kind::Outcome(outcome) if outcome.permit.agreement == limited.id => {
                permitted.entry(period).or_default().insert(facts.caller_sequence);
            }
            Kind::Denial(denied) if denied.code == limited.code && index >= since => {
                assert_eq!(facts.quota[0].agreement, limited.id);
                used_up.insert(period);
            }
            _ => {}
        }
    }
    for (period, questions) in &permitted {
        let count = questions.len() as u64;
        assert!(count <= limited.limit, "{}: {count} in period {period}", limited.id);
    }
    for period in &used_up {
        let count = permitted.get(period).map_or(0, BTreeSet::len) as u64;
        assert_eq!(count, limited.limit, "{}: denied although some was left", limited.id);
    }
    used_up.len()
}

fn replays_clean(entries: &[Entry]) {
    let stored = entries.iter().map(|entry| heyan::audit::entry::encode(entry).unwrap());
    assert_eq!(replay((0..).zip(stored), None).findings, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_more_than_the_quota_exactly_the_quota_is_permitted() {
    let mut lab = prepared().await;
    lab.serve().await;
    let clients = [lab.client().await, lab.client().await, lab.client().await];
    let mut answered = 0;
    // Some second sees more than its five sooner or later, however slow the machine.
    let mut rounds = 0;
    while LIMITED.iter().any(|limited| exact(&lab.entries(), limited, 0) == 0) {
        answered += at_once(&clients, mixed(&lab, 270)).await;
        rounds += 1;
        assert!(rounds < 50, "no quota was ever used up");
    }
    let entries = lab.entries();
    let outcomes = crate::support::entries::outcomes(&entries);
    assert_eq!(outcomes.len(), answered, "what is answered is recorded, and nothing else");
    let others = entries.iter().filter(|entry| match &entry.kind {
        Kind::Denial(denied) => denied.code == "PURPOSE_NOT_GRANTED",
        _ => false,
    });
    assert_eq!(others.count(), 90 * rounds, "denied for another reason, beside all that");
    replays_clean(&entries);
}

/// Of two versions that may both be asked under, each permits what the other does not, and both count as one agreement.
#[tokio::test(flavor = "multi_thread")]
async fn versions_that_overlap_share_one_quota_to_the_last_permit() {
    let mut lab = Lab::prepare(&[]).await;
    let limited = &LIMITED[1];
    for (version, code) in [(1, limited.fresh), (2, limited.kept)] {
        let fact = lab.catalogue.fact(&code.into()).unwrap();
        let names: Vec<&str> = fact.attributes.iter().map(|it| it.name.as_str()).collect();
        let mut draft = Draft::new(limited.id, limited.agency);
        (draft.version, draft.quota) = (version, format!("per_day = {}", limited.limit));
        draft.more = "overlap = \"100years\"".to_owned();
        let keep = "cache = { found = \"1d\", not_found = \"1h\" }";
        draft.clause(fact, &lab.catalogue, &names, &[], keep).place_beside(&lab);
    }
    lab.serve().await;
    let clients = [lab.client().await, lab.client().await];
    // One of each before the crowd, which may be of one kind when the last permit goes.
    let each = [limited.kept, limited.fresh].map(|fact| lab.question(fact));
    let mut answered = at_once(&clients, each.to_vec()).await;
    // A midnight may fall in between: then the next day is used up.
    while exact(&lab.entries(), limited, 0) == 0 {
        let questions = (0..90).map(|turn| lab.question([limited.kept, limited.fresh][turn % 2]));
        answered += at_once(&clients, questions.collect()).await;
    }
    let entries = lab.entries();
    let outcomes = crate::support::entries::outcomes(&entries);
    assert_eq!(outcomes.len(), answered);
    let versions: BTreeSet<u32> = outcomes.iter().map(|(_, it)| it.permit.version).collect();
    assert_eq!(versions, BTreeSet::from([1, 2]));
    replays_clean(&entries);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_count_survives_a_kill_and_the_loss_of_all_that_was_derived() {
    let lab = prepared().await;
    let mut serving = serve(&lab).await;
    let connected = client(&lab, &serving).await;
    // Killed while some of the quota is used and more is being asked for.
    let begun = at_once(std::slice::from_ref(&connected), mixed(&lab, 30)).await;
    assert!(begun > 0);
    let (clients, questions) = ([connected], mixed(&lab, 270));
    let asked = lab.simulation.asked("police");
    let ((), _) = tokio::join!(
        async {
            until("more is asked", || lab.simulation.asked("police") > asked).await;
            serving.child.start_kill().unwrap();
        },
        at_once(&clients, questions)
    );
    serving.child.wait().await.unwrap();

    for without_derived in [false, true] {
        let before = stored(&lab);
        if without_derived {
            let gone = std::fs::remove_dir_all(lab.path("log/derived"));
            // A fast machine kills the gateway before it has derived anything.
            assert!(gone.is_ok() || !lab.path("log/derived").exists(), "{gone:?}");
        }
        let mut serving = serve(&lab).await;
        let clients = [client(&lab, &serving).await, client(&lab, &serving).await];
        at_once(&clients, mixed(&lab, 270)).await;
        serving.child.start_kill().unwrap();
        serving.child.wait().await.unwrap();
        let entries = stored(&lab);
        for limited in &LIMITED[1..] {
            let used_up = exact(&entries, limited, before.len());
            assert!(used_up > 0, "{}: nothing was denied after the start", limited.id);
        }
        exact(&entries, &LIMITED[0], before.len());
        replays_clean(&entries);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orderly_restart_goes_on_counting() {
    let mut lab = prepared().await;
    lab.serve().await;
    let used = LIMITED[2].limit - 1;
    let mut client = lab.client().await;
    for _ in 0..used {
        ask(&client, lab.question("S1")).await;
    }
    drop(client);
    lab.close().await;
    lab.serve().await;
    client = lab.client().await;
    // A midnight that ends a month may fall in between: then there is more to ask for, and the count is exact again.
    while exact(&lab.entries(), &LIMITED[2], 0) == 0 {
        let _ = client.verify(lab.question("S1"), Duration::from_secs(10)).await;
    }
    replays_clean(&lab.entries());
}
