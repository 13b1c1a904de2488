//! The book's fold, the files, and what an agency may answer.

use super::kept::{Kept, Shelf};
use super::paper::{self, NoAnswer};
use super::*;
use crate::audit::entry::{Commitments, DisputeDelivery, Ground, Looked};
use crate::audit::testing::facts;
use crate::query::value::Verdict;

fn entry(id: u8, step: DisputeStep) -> Entry {
    let dispute = Dispute { id: [id; 16], step };
    Entry { at: Timestamp::from_seconds(1_795_449_599), kind: Kind::Dispute(dispute) }
}

fn opened(contested: u64) -> DisputeStep {
    DisputeStep::Opened(Box::new(DisputeOpened {
        caller: facts("fund-centre/approval", 1, Timestamp(1)).caller,
        contested,
        verdict: Verdict::Refuted,
        provider: "police".into(),
        fact: "P1".into(),
        request_id: [1; 16],
        ground: Ground::WrongValue,
        evidence: 0,
        operator_unit: "hall-1".into(),
        shown: false,
        due: jiff::civil::date(2026, 11, 24),
        commitments: Commitments::default(),
    }))
}

fn delivery(result: Result<&str, &str>) -> DisputeStep {
    let result = result.map(str::to_owned).map_err(str::to_owned);
    DisputeStep::Delivery(DisputeDelivery { way: Way::Folder, result })
}

#[test]
fn a_dispute_waits_until_it_is_delivered_and_is_overdue_until_it_is_answered() {
    let mut book = Book::default();
    let mut next = 10;
    let mut visit = |book: &mut Book, step| {
        book.visit(next, &entry(1, step));
        next += 1;
    };
    visit(&mut book, opened(7));
    assert_eq!(book.over(7).unwrap().id, [1; 16]);
    let course = |book: &Book| book.get(&[1; 16]).unwrap().clone();
    assert!(course(&book).is_waiting());
    visit(&mut book, delivery(Err("folder_missing")));
    assert_eq!(course(&book).failure.as_deref(), Some("folder_missing"));
    assert!(course(&book).is_waiting());
    visit(&mut book, delivery(Ok("JB-1")));
    assert!(!course(&book).is_waiting() && course(&book).failure.is_none());
    // The last second of the day before the last, of the last, and the first after it.
    let day = |days: u64| Timestamp::from_seconds(1_795_449_599 + days * 86_400);
    assert!(!course(&book).is_overdue(day(0)) && !course(&book).is_overdue(day(1)));
    assert!(course(&book).is_overdue(day(1).plus(std::time::Duration::from_secs(1))));
    visit(
        &mut book,
        DisputeStep::Answered(Box::new(DisputeAnswered {
            finding: Looked::Upheld,
            on: jiff::civil::date(2026, 11, 23),
            caller: None,
            commitments: Commitments::default(),
        })),
    );
    assert!(!course(&book).is_overdue(day(9)));
}

#[test]
fn steps_of_a_dispute_that_was_never_opened_are_nobodys() {
    let mut book = Book::default();
    book.visit(3, &entry(1, delivery(Ok(""))));
    assert_eq!(book.before(u64::MAX).count(), 0);
    assert_eq!(book.waiting().count(), 0);
}

/// Ids say what their callers like; entries do not.
#[test]
fn disputes_are_listed_by_their_entries() {
    let mut book = Book::default();
    for (index, id) in [(10, 9), (11, 3), (12, 200)] {
        book.visit(index, &entry(id, opened(index - 5)));
    }
    let ids = |before| book.before(before).map(|course| course.id[0]).collect::<Vec<_>>();
    assert_eq!(ids(u64::MAX), [200, 3, 9]);
    assert_eq!(ids(12), [3, 9]);
    assert!(ids(10).is_empty());
    assert_eq!(book.waiting().map(|course| course.id[0]).collect::<Vec<_>>(), [9, 3, 200]);
    let day = Timestamp::from_seconds(1_795_449_599).day_in_china();
    assert_eq!(book.opened_on(&"fund-centre".into(), day), 3);
    assert_eq!(book.opened_on(&"fund-centre".into(), day.tomorrow().unwrap()), 0);
    assert_eq!(book.opened_on(&"police".into(), day), 0);
}

#[test]
fn failures_in_turn_are_news_once_each_and_once_a_day() {
    let mut book = Book::default();
    book.visit(10, &entry(1, opened(7)));
    let at = Timestamp::from_seconds(1_795_449_599);
    let is_news = |book: &Book, failure: &str, at| book.get(&[1; 16]).unwrap().is_news(failure, at);
    assert!(is_news(&book, "call_timeout", at));
    book.visit(11, &entry(1, delivery(Err("call_timeout"))));
    assert!(!is_news(&book, "call_timeout", at) && is_news(&book, "call_refused", at));
    book.visit(12, &entry(1, delivery(Err("call_refused"))));
    assert!(!is_news(&book, "call_timeout", at) && !is_news(&book, "call_refused", at));
    // The day ends with that second, in China.
    let next = at.plus(std::time::Duration::from_secs(1));
    assert!(is_news(&book, "call_timeout", next) && is_news(&book, "call_refused", next));
    assert_eq!(book.waiting().count(), 1);
    book.visit(13, &entry(1, delivery(Err(GONE))));
    assert_eq!(book.waiting().count(), 0, "what is gone cannot be delivered");
    assert!(!book.get(&[1; 16]).unwrap().is_waiting());
}

#[test]
fn what_could_not_be_read_again_is_not_put_there() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(folder.path()).unwrap();
    let kept = |bytes: usize| Kept::new(serde_json::json!({}), "00".to_owned(), &vec![7; bytes]);
    let refused = shelf.put(&[1; 16], &kept(800_000)).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::FileTooLarge);
    assert!(shelf.get(&[1; 16]).unwrap().is_none());
    // The largest that is taken takes an answer, too.
    let largest =
        (0..800_000).rev().step_by(500).find(|bytes| shelf.put(&[1; 16], &kept(*bytes)).is_ok());
    assert!(largest.unwrap() > 700_000, "{largest:?}");
    let mut answered = shelf.get(&[1; 16]).unwrap().unwrap();
    answered.answer = Some("\n\u{7f}".repeat(paper::TEXT_LIMIT / 2));
    shelf.put(&[1; 16], &answered).unwrap();
    assert!(shelf.get(&[1; 16]).unwrap().is_some());
}

#[test]
fn what_is_kept_is_for_its_owner_and_goes_when_it_is_not_wanted() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("disputes");
    let shelf = Shelf::open(&place).unwrap();
    let kept = Kept::new(serde_json::json!({ "dispute": "x" }), "00".to_owned(), b"message");
    for id in [1, 2] {
        shelf.put(&[id; 16], &kept).unwrap();
    }
    std::fs::write(place.join(".unfinished-x"), "half").unwrap();
    std::fs::write(place.join("notes.txt"), "somebody's").unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place), 0o700);
    assert_eq!(mode(&place.join(format!("{}.dispute", uuid::Uuid::from_bytes([1; 16])))), 0o600);
    shelf.clear(|id| *id == [2; 16]).unwrap();
    assert!(shelf.get(&[1; 16]).unwrap().is_none());
    assert_eq!(shelf.get(&[2; 16]).unwrap().unwrap().message().unwrap(), b"message");
    assert_eq!(std::fs::read_dir(&place).unwrap().count(), 2, "what is not ours stays");
    shelf.remove(&[2; 16]).unwrap();
    shelf.remove(&[2; 16]).unwrap();
}

#[test]
fn an_answer_is_taken_in_one_form_only() {
    let id = uuid::Uuid::from_bytes([7; 16]);
    let text = |finding: &str, on: &str, more: &str| {
        format!(r#"{{"schema":1,"dispute":"{id}","finding":"{finding}","on":"{on}"{more}}}"#)
    };
    let (found, answer) =
        paper::read_answer(text("corrected", "2026-11-23", r#","text":"已更正""#).as_bytes())
            .unwrap();
    assert_eq!(
        (found, answer.looked, answer.text.as_str()),
        ([7; 16], Looked::Corrected, "已更正")
    );
    let long = format!(r#","text":"{}""#, "长".repeat(paper::TEXT_LIMIT + 1));
    for (bytes, why) in [
        (text("corrected", "2026-11-23", r#","extra":1"#), NoAnswer::Form),
        (text("corrected", "2026-11-23", r#","text":"a\u0000b""#), NoAnswer::Field("text")),
        (text("corrected", "2026-11-23", &long), NoAnswer::Field("text")),
        (text("yes", "2026-11-23", ""), NoAnswer::Field("finding")),
        (text("upheld", "2026-13-01", ""), NoAnswer::Field("on")),
        (text("upheld", "20261101", ""), NoAnswer::Field("on")),
        (
            text("upheld", "2026-11-23", "").replace(&id.to_string(), "x"),
            NoAnswer::Field("dispute"),
        ),
        (
            text("upheld", "2026-11-23", "").replace("\"schema\":1", "\"schema\":2"),
            NoAnswer::Field("schema"),
        ),
        ("[".repeat(100_000), NoAnswer::Form),
        (String::new(), NoAnswer::Form),
    ] {
        assert_eq!(paper::read_answer(bytes.as_bytes()).err(), Some(why), "{:.80}", bytes);
    }
}

#[test]
fn a_ticket_enters_the_log_only_when_it_is_nobodys_number() {
    assert_eq!(paper::ticket("JB-2026/000123"), "JB-2026/000123");
    let number = "11010519491231002X";
    for bad in [number, "张三", "a b", &"1".repeat(65)] {
        assert_eq!(paper::ticket(bad), "", "{bad}");
    }
}
