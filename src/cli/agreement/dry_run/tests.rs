//! How a rehearsal is told. What it comes to is tested where it is made.

use super::*;
use crate::decision::sample;
use crate::rehearse::{Attribute, Peak, Peaks, Row, Tally};

fn rehearsed() -> Rehearsed {
    let draft = sample::agreement();
    let mut report = Report { entries: 100, questions: 30, unconcerned: 5, ..Report::default() };
    report.still_permitted = 20;
    report.still_denied.insert("QUOTA_DAY", 2);
    report.newly_denied.insert("OUTSIDE_HOURS", Tally { count: 3, examples: vec![7, 9] });
    report.untold_permitted.insert("NOTICE_MISSING", Tally { count: 5, examples: vec![11] });
    report.spent.insert("QUOTA_DAY", 2);
    report.peaks = Peaks {
        second: None,
        day: Some(Peak { period: 20_000, count: 22 }),
        month: Some(Peak { period: 682, count: 25 }),
    };
    report.attributes.insert(
        "spouse_name".to_owned(),
        Attribute { whole: 4, withheld: 4, ..Attribute::default() },
    );
    let row = Row { questions: 30, permitted_then: 28, permitted: 20, ..Row::default() };
    report.rows.insert(("M2".into(), "=W3".into()), row);
    Rehearsed { draft, ignores_dates: true, report }
}

#[test]
fn a_page_says_what_would_change_and_what_cannot_be_told() {
    let page = tell::page(&rehearsed());
    for said in [
        "draft              mz-1 version 1: fund-centre asks civil-affairs",
        "its dates set aside",
        "30 that it concerns, 5 others, in 100 entries",
        "still denied       2 (QUOTA_DAY 2)",
        "OUTSIDE_HOURS 3: entries 7 9 …",
        "permitted then; maybe NOTICE_MISSING 5: entries 11 …",
        "busiest second     nothing came; limit 10",
        "busiest day        22 in 2024-10-04; limit 1000, 2 would have found it used up",
        "busiest month      25 in 2026-11; no limit",
        "3 that were permitted would be denied; of 5 more it cannot be told.",
    ] {
        assert!(page.contains(said), "{said}\n{page}");
    }
}

#[test]
fn programs_get_the_same_figures() {
    let rehearsed = rehearsed();
    let json = tell::json(&rehearsed);
    assert_eq!(json["newly_denied"]["OUTSIDE_HOURS"]["count"], 3);
    assert_eq!(json["untold"]["permitted_then"]["NOTICE_MISSING"]["entries"][0], 11);
    assert_eq!(json["load"]["month"]["in"], "2026-11");
    assert_eq!(json["attributes"]["spouse_name"]["withheld"], 4);
    assert_eq!(json["draft"]["dates"], "ignored");
    let csv = tell::csv(&rehearsed.report);
    assert_eq!(csv.lines().nth(1), Some("M2,'=W3,30,28,20,0,0,0"));
}
