//! What is said of a change, and whether its mark is true.

mod decided;

use std::path::Path;

use super::super::reading::{Language, Voice};
use super::super::tests::DRAFT;
use super::super::tests::variants::{FULL, variants};
use super::*;

fn terms(draft: &str) -> Terms {
    Terms::parse(Path::new("draft.toml"), draft).unwrap()
}

fn lines(old: &Terms, new: &Terms, language: Language) -> Vec<String> {
    let places = between(old, new, &Voice::of(language)).unwrap();
    let line = |place: &Changed, change: &Change| {
        format!("{} | {} | {}", change.effect.name(), place.place, change.text)
    };
    places
        .iter()
        .flat_map(|place| place.changes.iter().map(move |change| line(place, change)))
        .collect()
}

/// What stands in the full draft, what comes in its place, and the one change that is told.
const TOLD: &[(&str, &str, &str, &str)] = &[
    (
        "per_day = 20000",
        "per_day = 30000",
        "wider | 总则 | 每日配额：由 20000 改为 30000",
        "wider | For every clause | questions a day: from 20000 to 30000",
    ),
    (
        ", per_month = 300000",
        "",
        "wider | 总则 | 每月配额：由 300000 改为 不限",
        "wider | For every clause | questions a month: from 300000 to no limit",
    ),
    (
        "items = [\"W3\", \"L1\"]",
        "items = [\"W3\", \"L1\", \"W7\"]",
        "wider | 第 1 条 M1 | 事项：增加 W7",
        "wider | Clause 1: M1 | purpose: added W7",
    ),
    (
        "effective_to = \"2031",
        "effective_to = \"2030",
        "narrower | 总则 | 失效时间：由 2031-01-01 00:00（北京时间） 改为 2030-01-01 00:00（北京时间）",
        "narrower | For every clause | in force until: from 2031-01-01 00:00 China time to 2030-01-01 00:00 China time",
    ),
    (
        "divorced_on = \"month\"",
        "divorced_on = \"year\"",
        "narrower | 第 1 条 M1 | divorced_on：由脱敏披露（仅留年月）改为脱敏披露（仅留年份）",
        "narrower | Clause 1: M1 | divorced_on: from disclosed in part (year and month only) to disclosed in part (year only)",
    ),
    (
        ", multiple_of = 6",
        ", multiple_of = 3",
        "wider | 第 1 条 M1 | months 的比较值：由 6 的整数倍 改为 3 的整数倍",
        "wider | Clause 1: M1 | months: numbers compared with: from multiples of 6 to multiples of 3",
    ),
    (
        "comparisons = [\"ge\", \"le\"], ",
        "comparisons = [\"ge\"], ",
        "narrower | 第 1 条 M1 | 核验的比较方式：取消 months 不大于",
        "narrower | Clause 1: M1 | comparisons: taken away months at most",
    ),
    (
        "consent = true\n",
        "",
        "wider | 第 1 条 M1 | 不再要求本人同意的凭据",
        "wider | Clause 1: M1 | the person's consent need no longer be referred to",
    ),
    (
        "[\"declared\", \"verified\"]",
        "[\"declared\"]",
        "narrower | 第 1 条 M1 | spouse：与办件的关系不再可为：此前核验已证明",
        "narrower | Clause 1: M1 | spouse: this relation to the case will no longer do: an earlier answer has shown it",
    ),
    (
        "from = \"06:30\", to = \"23:00\"",
        "from = \"06:00\", to = \"22:00\"",
        "either | 总则 | 服务时间：由 周一、周二、周日 06:30–23:00 改为 周一、周二、周日 06:00–22:00",
        "either | For every clause | hours: from Monday, Tuesday, Sunday 06:30–23:00 to Monday, Tuesday, Sunday 06:00–22:00",
    ),
    (
        "notice = \"31d\"",
        "notice = \"60d\"",
        "neutral | 其他约定 | 终止提前通知期：由 31 天 改为 60 天",
        "neutral | Other terms | notice of revocation: from 31 days to 60 days",
    ),
    (
        "keep_for = \"3y\"",
        "keep_for = \"1y\"",
        "narrower | 告知与留存 | 数据留存期限：由 3 年 改为 1 年",
        "narrower | Notice and retention | values kept for: from 3 years to 1 year",
    ),
];

/// Lengths of time are no part of any decision, or only of when it is taken: their marks are held here.
#[test]
fn what_may_be_longer_is_wider_and_what_may_be_shorter_narrower() {
    for (short, long) in [
        ("overlap = \"30d\"", "overlap = \"40d\""),
        ("keep_for = \"3y\"", "keep_for = \"4y\""),
        ("max_age = \"3d\"", "max_age = \"4d\""),
        ("found = \"1d\"", "found = \"2d\""),
        ("not_found = \"1h\"", "not_found = \"2h\""),
        ("stale = \"7d\"", "stale = \"8d\""),
    ] {
        assert!(FULL.contains(short), "{short}");
        let (shorter, longer) = (terms(FULL), terms(&FULL.replacen(short, long, 1)));
        for (old, new, mark) in [(&shorter, &longer, "wider"), (&longer, &shorter, "narrower")] {
            let told = lines(old, new, Language::English);
            assert!(told.len() == 1 && told[0].starts_with(mark), "{long}: {told:?}");
        }
    }
}

#[test]
fn changes_are_told_in_words() {
    for &(good, bad, chinese, english) in TOLD {
        assert!(FULL.contains(good), "{good}");
        let (old, new) = (terms(FULL), terms(&FULL.replacen(good, bad, 1)));
        assert_eq!(lines(&old, &new, Language::Chinese), [chinese], "{bad}");
        assert_eq!(lines(&old, &new, Language::English), [english], "{bad}");
    }
    let whole = FULL.replacen("spouse_name = \"name\", ", "", 1).replacen(
        "\"registered_on\", ",
        "\"registered_on\", \"spouse_name\", ",
        1,
    );
    assert_eq!(
        lines(&terms(FULL), &terms(&whole), Language::English),
        [
            "wider | Clause 1: M1 | spouse_name: from disclosed in part (first character only) to disclosed whole"
        ]
    );
}

#[test]
fn what_says_the_same_is_the_same() {
    for (good, other) in [
        ("[\"W3\", \"L1\"]", "[\"L1\", \"W3\"]"),
        ("keep_for = \"3y\"", "keep_for = \"3years\""),
        ("max_age = \"3d\"\ncache", "max_age = \"72h\"\ncache"),
        ("2026-01-01T00:00:00+08:00", "2025-12-31T16:00:00Z"),
        ("# A draft", "# Another draft"),
    ] {
        assert!(FULL.contains(good), "{good}");
        let other = terms(&FULL.replacen(good, other, 1));
        assert_eq!(lines(&terms(FULL), &other, Language::English), Vec::<String>::new(), "{good}");
    }
}

#[test]
fn clauses_are_found_again_wherever_they_stand() {
    let clauses: Vec<&str> = FULL.split("[[clause]]").collect();
    let [head, first, second, third] = clauses[..] else { panic!("{}", clauses.len()) };
    let moved = [head, second, third, first].join("[[clause]]");
    let moved = lines(&terms(FULL), &terms(&moved), Language::English);
    assert!(
        moved.contains(&"neutral | Clause 3: M1 | number of the clause: from 1 to 3".to_owned())
    );
    assert!(moved.contains(&"either | M2 | this fact has several clauses, and a question comes under the first that grants it: read them together".to_owned()));
    assert!(moved.iter().all(|line| !line.starts_with("wider") && !line.starts_with("narrower")));

    let fewer = [head, second, third].join("[[clause]]");
    let fewer = lines(&terms(FULL), &terms(&fewer), Language::English);
    for line in [
        "narrower | Clause 1: M1 (of the old terms) | the clause is gone",
        "wider | Clause 1: M1 (of the old terms) | no longer withheld from every clause: photo",
    ] {
        assert!(fewer.contains(&line.to_owned()), "{fewer:#?}");
    }
    let more =
        lines(&terms(&[head, second, third].join("[[clause]]")), &terms(FULL), Language::English);
    assert!(more.contains(&"wider | Clause 1: M1 | a new clause".to_owned()));
    // What is granted is said, so that nobody has to look it up.
    assert!(
        more.iter()
            .any(|line| line.starts_with("wider | Clause 1: M1 | Purpose: Only for: W3, L1."))
    );
}

/// A new key that nobody compares fails here.
#[test]
fn whatever_differs_is_told_unless_it_says_the_same() {
    let full = terms(FULL);
    let mut count = 0;
    for (place, variant) in variants(&full) {
        if variant.agreement(&[]).is_err() {
            continue;
        }
        count += 1;
        for language in [Language::Chinese, Language::English] {
            assert!(!lines(&full, &variant, language).is_empty(), "{place}");
            assert!(!lines(&variant, &full, language).is_empty(), "{place}");
        }
    }
    assert!(count > 200, "{count}");
}

#[test]
fn a_change_undone_goes_the_other_way() {
    let (old, new) = (terms(DRAFT), terms(&DRAFT.replace("20000", "30000")));
    let effects = |old, new| -> Vec<Effect> {
        let places = between(old, new, &Voice::of(Language::English)).unwrap();
        places.iter().flat_map(|place| &place.changes).map(|change| change.effect).collect()
    };
    let back: Vec<Effect> = effects(&new, &old).into_iter().map(Effect::reversed).collect();
    assert_eq!(effects(&old, &new), back);
    assert_eq!(back, [Effect::Wider]);
}
