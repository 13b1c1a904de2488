//! Applications for every item over the simulated province: each that is READY, that is REFUTED, and that goes to the counter because
//! an agreement is missing, an agency is down, or a family is known by half.
//!
//! The items' files hold rows only ([`row`]); people and homes are looked for in the province by what they are ([`town`]); [`run`] runs
//! the rows end to end and holds everything that came against them. An item is added by its rows and a line in [`TABLES`]; [`table`] tells of them in `docs/cases.md`.

mod application;
mod deposit;
mod identities;
mod loan;
mod row;
mod run;
mod table;
mod town;
mod withdrawal;

use std::collections::BTreeSet;

use self::row::Row;
use self::town::Town;
use crate::support::{ALL, Lab};

/// Rows about people and homes of this province.
type Table = fn(&Town<'_>) -> Vec<Row>;

/// The rows of each file, by the items that they must be of.
const TABLES: [(&[&str], Table); 3] = [
    (&["W1", "W2", "W3", "W4", "W5", "W6", "W7"], withdrawal::rows),
    (&["D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8"], deposit::rows),
    (&["L1", "L2", "L3", "L4", "L5", "L6"], loan::rows),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_item_ends_as_its_rule_says() {
    let mut lab = Lab::prepare_with(&ALL, 100_000).await;
    let town = Town { province: lab.simulation.province() };
    let mut rows = Vec::new();
    let seen: BTreeSet<&str> = TABLES.iter().flat_map(|(items, _)| *items).copied().collect();
    assert_eq!(seen, lab.catalogue.items().map(|item| item.code.as_str()).collect());
    for (items, table) in TABLES {
        let more = table(&town);
        run::covers(&lab.catalogue, items, &more);
        rows.extend(more);
    }
    table::stands(&rows);
    rows.extend(identities::rows(&town));
    run::held(&mut lab, rows).await;
}
