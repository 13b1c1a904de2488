//! A draft, and its flaws one by one.

pub(in crate::agreements) mod variants;

use std::time::Duration;

use super::*;
use crate::crypto::sha256;
use crate::decision::agreement::Quota;
use crate::query::time::Timestamp;

/// A small draft that passes.
pub(in crate::agreements) const DRAFT: &str = r#"
schema = 1
id = "hn-gjj-mz-2018-001"
version = 1
title = "Marriage for the provident fund"
title_zh = "婚姻登记信息共享协议"
consumer = "fund-centre"
provider = "civil-affairs"
systems = ["approval"]
effective_from = "2018-06-01T00:00:00+08:00"
effective_to = "2033-06-01T00:00:00+08:00"
retention = { keep_for = "3y", afterwards = "delete" }
hours = { days = ["monday", "sunday"], from = "06:00", to = "24:00" }
quota = { per_second = 10, per_day = 20000 }

[[legal_basis]]
party = "fund-centre"
instrument = "住房公积金管理条例"
article = "24"

[[legal_basis]]
party = "civil-affairs"
instrument = "政务数据共享条例"
article = "20"

[[clause]]
fact = "M2"
items = ["W1", "W3"]
roles = ["person", "spouse"]
assert = ["married"]
max_age = "3d"
cache = { found = "1d", not_found = "1h" }
replaces = ["marriage_certificate"]
"#;

fn parse(draft: &str) -> Result<Terms, Finding> {
    Terms::parse(Path::new("draft.toml"), draft)
}

#[test]
fn a_draft_becomes_an_agreement_and_its_payload_the_same_terms() {
    let terms = parse(DRAFT).unwrap();
    let payload = terms.payload().unwrap();
    assert_eq!(Terms::from_payload(&payload).unwrap(), terms);
    let agreement = terms.agreement(&payload).unwrap();
    assert_eq!(agreement.digest, sha256(&payload));
    assert_eq!(agreement.effective_from, Timestamp::from_seconds(1_527_782_400));
    let hours = agreement.hours.unwrap();
    assert_eq!((hours.days, hours.from_minute, hours.to_minute), ([0, 6].into(), 360, 1440));
    assert_eq!(
        agreement.quota,
        Quota { per_second: Some(10), per_day: Some(20_000), per_month: None }
    );
    let clause = &agreement.clauses[0];
    assert_eq!(clause.max_age, Duration::from_secs(3 * 86_400));
    let cache = clause.cache.as_ref().unwrap();
    assert_eq!(
        (cache.found.as_secs(), cache.not_found.as_secs(), cache.stale.as_secs()),
        (86_400, 3600, 0)
    );
    assert!(clause.disclose.is_empty() && clause.assert.contains("married"));
}

/// What stands in the draft, what an author might write instead, and what is said of it.
pub(in crate::agreements) const FLAWS: &[(&str, &str, &str)] = &[
    ("schema = 1", "schema = 2", "`schema` is 2"),
    ("id = \"hn-gjj", "id = \"HN GJJ", "`id` must be"),
    ("version = 1", "version = 0", "counts from 1"),
    ("title_zh = \"婚姻登记信息共享协议\"", "title_zh = \" \"", "`title_zh` is empty"),
    ("provider = \"civil-affairs\"", "provider = \"fund-centre\"", "the same organisation"),
    ("[\"approval\"]", "[]", "systems is empty"),
    ("[\"approval\"]", "[\"approval\", \"approval\"]", "more than once"),
    ("2033-06-01", "2017-06-01", "must be after"),
    ("2018-06-01T00:00:00+08:00", "1969-06-01T00:00:00+08:00", "before 1970"),
    ("keep_for = \"3y\"", "keep_for = \"long\"", "no duration"),
    ("afterwards = \"delete\"", "afterwards = \"delet\"", "did you mean `delete`?"),
    ("from = \"06:00\"", "from = \"6:00\"", "HH:MM"),
    ("to = \"24:00\"", "to = \"06:00\"", "`hours.to` must be after"),
    ("to = \"24:00\"", "to = \"24:01\"", "HH:MM"),
    ("per_day = 20000", "per_day = 0", "`quota.per_day` is 0"),
    ("party = \"civil-affairs\"", "party = \"police\"", "which is no party"),
    ("article = \"24\"", "article = \"\"", "needs `instrument` and `article`"),
    ("items = [\"W1\", \"W3\"]", "items = []", "is empty"),
    ("assert = [\"married\"]", "assert = []", "it says nothing"),
    ("assert = [\"married\"]", "asert = [\"married\"]", "did you mean `assert`?"),
    ("found = \"1d\"", "found = \"4d\"", "longer than `max_age`"),
    ("max_age = \"3d\"", "max_age = \"-3d\"", "no duration"),
];

#[test]
fn flaws_are_named() {
    for (good, bad, problem) in FLAWS {
        assert!(DRAFT.contains(good), "{good}");
        let finding = parse(&DRAFT.replacen(good, bad, 1)).unwrap_err();
        assert!(finding.problem.contains(problem), "{bad}: {finding}");
    }
    let without_clauses = DRAFT.split("[[clause]]").next().unwrap();
    assert!(parse(without_clauses).is_err());
}
