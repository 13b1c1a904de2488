//! The lists of faults hold together.

use std::collections::BTreeSet;

use super::*;

#[test]
fn every_fault_has_a_name_of_its_own_and_says_what_it_does() {
    for kind in [Kind::Http, Kind::Postgres, Kind::Grpc] {
        let all = faults(kind, &Good::default());
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
