//! The lists of faults hold together.

use std::collections::BTreeSet;

use super::*;

#[test]
fn every_fault_has_a_name_of_its_own_and_says_what_it_does() {
    let digest = |_: &[u8]| "0".repeat(64);
    let table = Table {
        name: "n-20260102.csv".to_owned(),
        future: "n-20260104.csv".to_owned(),
        old: "n-20250104.csv".to_owned(),
        digest,
        other_digest: digest,
        head: Some(b"n,same".to_vec()),
        key: b"n".to_vec(),
        line: b"4,1".to_vec(),
        separator: b',',
    };
    let good = Good { table: Some(table), ..Good::default() };
    for kind in [Kind::Http, Kind::Postgres, Kind::Mysql, Kind::Folder, Kind::Grpc] {
        let all = faults(kind, &good);
        assert!(all.len() > 40, "{kind:?}");
        let names: BTreeSet<&str> = all.iter().map(|fault| fault.name).collect();
        assert_eq!(names.len(), all.len(), "{kind:?}");
        assert!(all.iter().all(|fault| !fault.what.is_empty()));
    }
}

#[test]
fn nothing_may_come_of_a_fault_that_is_our_own_doing() {
    for must in [Must::BeUnavailable, Must::BreakContract, Must::NotAnswer] {
        for ours in [Unavailable::BreakerOpen, Unavailable::Overloaded, Unavailable::NoAdapter] {
            assert!(!must.allows(ours));
        }
    }
}
