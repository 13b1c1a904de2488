//! Tables of cases: one way through an item, what goes otherwise than well, and what comes of it.

use super::items::way;
use super::*;

/// How an answer goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Goes {
    Refuted,
    NotFound,
    Denied,
    Unavailable,
}

impl Goes {
    fn heard(self) -> Heard {
        match self {
            Self::Refuted => answered(Verdict::Refuted),
            Self::NotFound => answered(Verdict::NotFound),
            Self::Denied => Heard {
                code: "purpose_not_covered".to_owned(),
                log_index: Some(8),
                ..Heard::default()
            },
            Self::Unavailable => {
                Heard { code: "timeout".to_owned(), ..answered(Verdict::Unavailable) }
            }
        }
    }
}

/// One case.
pub(super) struct Row {
    /// Item and way.
    pub(super) way: (&'static str, &'static str),
    /// Questions that go otherwise than well.
    pub(super) hears: &'static [(&'static str, Goes)],
    /// Stated values that are otherwise.
    pub(super) given: Vec<(&'static str, Value)>,
    /// What comes of it.
    pub(super) outcome: Outcome,
    /// A need that is not met, and the code of the reason.
    pub(super) why: (&'static str, &'static str),
}

/// A row in which one answer, or two, go otherwise.
pub(super) fn hears(
    way: (&'static str, &'static str),
    hears: &'static [(&'static str, Goes)],
    outcome: Outcome,
    why: (&'static str, &'static str),
) -> Row {
    Row { way, hears, given: Vec::new(), outcome, why }
}

/// A row in which the application states otherwise.
pub(super) fn states<const N: usize>(
    way: (&'static str, &'static str),
    given: [(&'static str, Value); N],
    outcome: Outcome,
    why: (&'static str, &'static str),
) -> Row {
    Row { way, hears: &[], given: given.into(), outcome, why }
}

/// Runs every row.
pub(super) fn hold(rows: &[Row]) {
    for row in rows {
        let way = way(row.way.0, row.way.1);
        let mut application = way.application.clone();
        for (name, value) in &row.given {
            application.given.insert((*name).to_owned(), value.clone());
        }
        let mut case =
            Case::open(way.rule(), application).unwrap_or_else(|flaws| panic!("{flaws:?}"));
        let mut met = 0;
        let conclusion = run(&mut case, |asking| {
            match row.hears.iter().find(|(name, _)| *name == asking.question) {
                Some((_, goes)) => {
                    met += 1;
                    goes.heard()
                }
                None => way.well(asking),
            }
        });
        let told = format!("{:?} {:?}", row.way, row.why);
        assert!(met >= row.hears.len(), "{told}: a question was not asked");
        assert_eq!(conclusion.outcome, row.outcome, "{told}: {:?}", why(&conclusion));
        let expected = (row.why.0.to_owned(), row.why.1);
        assert!(why(&conclusion).contains(&expected), "{told}: {:?}", why(&conclusion));
    }
}

/// Every one of these items is refuted in one row, denied an answer in another, and meets an outage in a third; the items
/// of families meet one that is not known whole.
pub(super) fn cover(rows: &[Row], items: &[&str], of_families: &[&str]) {
    for item in items {
        let of = |goes: Goes| {
            let mut rows = rows.iter().filter(|row| row.way.0 == *item);
            rows.any(|row| row.hears.iter().any(|(_, one)| *one == goes))
        };
        let mut own = rows.iter().filter(|row| row.way.0 == *item);
        assert!(own.any(|row| row.outcome == Outcome::Refuted), "{item} is never refuted");
        assert!(of(Goes::Denied), "{item} is never denied an answer");
        assert!(of(Goes::Unavailable), "{item} meets no outage");
        let mut own = rows.iter().filter(|row| row.way.0 == *item);
        let is_incomplete = own.any(|row| row.why.1 == "family_incomplete");
        assert_eq!(is_incomplete, of_families.contains(item), "{item} and its family");
    }
}
