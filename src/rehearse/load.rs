//! How much the draft would have been asked: in each second, day and month, China time.

use std::collections::BTreeMap;

use super::under::Judged;
use crate::decision::denial::Denial;
use crate::decision::facts::QuotaUse;
use crate::query::time::Timestamp;

/// Seconds, days or months counted at a time: answers are recorded with the time of their question, and no question is
/// under way for longer than two minutes.
const KEPT: usize = 600;

/// The most that came in one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peak {
    /// A second since 1970, a day or a month of [`Timestamp::china_day`] and [`Timestamp::china_month`].
    pub period: u64,
    /// Questions in it.
    pub count: u64,
}

/// The busiest periods; `None` where nothing came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peaks {
    /// The busiest second.
    pub second: Option<Peak>,
    /// The busiest day.
    pub day: Option<Peak>,
    /// The busiest month.
    pub month: Option<Peak>,
}

/// What is counted.
#[derive(Default)]
pub(super) struct Load {
    /// Permits under the draft: these use its quota.
    used: Counts,
    /// Questions it would permit, were there no quota.
    wanted: Counts,
    peaks: Peaks,
}

#[derive(Default)]
struct Counts {
    seconds: BTreeMap<u64, u64>,
    days: BTreeMap<u64, u64>,
    months: BTreeMap<u64, u64>,
}

impl Load {
    /// What the draft's quota was used before a question of that moment.
    pub(super) fn used(&self, id: &str, at: Timestamp) -> QuotaUse {
        let of = |counts: &BTreeMap<u64, u64>, period| counts.get(&period).copied().unwrap_or(0);
        QuotaUse {
            agreement: id.to_owned(),
            day: of(&self.used.days, at.china_day()),
            second: of(&self.used.seconds, at.seconds()),
            month: of(&self.used.months, at.china_month()),
        }
    }

    /// Counts the question, if it comes under the draft.
    pub(super) fn note(&mut self, judged: &Judged, at: Timestamp, id: &str, is_reported: bool) {
        let is_permitted = match judged {
            Judged::Permitted(permit) => permit.agreement().id == id,
            _ => false,
        };
        if is_permitted {
            self.used.add(at);
        }
        if is_permitted || spent(judged, id).is_some() {
            let counted = self.wanted.add(at);
            if is_reported {
                self.peaks.note(counted);
            }
        }
    }

    pub(super) fn peaks(&self) -> Peaks {
        self.peaks
    }
}

/// The code, when a quota of that agreement is what denies.
pub(super) fn spent(judged: &Judged, id: &str) -> Option<&'static str> {
    match judged {
        Judged::Denied(
            denial @ (Denial::QuotaSecond(of) | Denial::QuotaDay(of) | Denial::QuotaMonth(of)),
        ) if of == id => Some(denial.code()),
        _ => None,
    }
}

impl Counts {
    /// Counts one; the second, the day and the month with what is counted in each.
    fn add(&mut self, at: Timestamp) -> [Peak; 3] {
        let add = |counts: &mut BTreeMap<u64, u64>, period| {
            let count = counts.entry(period).or_default();
            *count += 1;
            let peak = Peak { period, count: *count };
            if counts.len() > KEPT {
                counts.pop_first();
            }
            peak
        };
        [
            add(&mut self.seconds, at.seconds()),
            add(&mut self.days, at.china_day()),
            add(&mut self.months, at.china_month()),
        ]
    }
}

impl Peaks {
    fn note(&mut self, [second, day, month]: [Peak; 3]) {
        for (known, new) in
            [(&mut self.second, second), (&mut self.day, day), (&mut self.month, month)]
        {
            if known.is_none_or(|known| new.count > known.count) {
                *known = Some(new);
            }
        }
    }
}
