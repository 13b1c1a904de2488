//! Counts each agreement's permits per day, per second and per month (China time) again.
//!
//! Every permit records how many were given before it. Questions are decided side by side and recorded when they are
//! answered, so the numbers come in any order; but whatever the order was, of all permits of a day no more than `n` can
//! say that fewer than `n` came before them. More than that means that permits were left out of the count.

mod period;

use std::collections::{BTreeMap, HashMap};

use self::period::Period;
use super::Report;
use crate::decision::facts::Facts;

/// Days that are counted at a time: answers to yesterday's last questions still come.
const OPEN_DAYS: u64 = 2;

/// Months that are counted at a time.
const OPEN_MONTHS: u64 = 2;

/// Seconds that are counted at a time: no answer takes longer.
const OPEN_SECONDS: u64 = 20 * 60;

/// By agreement.
#[derive(Default)]
pub(super) struct Quotas(HashMap<String, Counted>);

/// The periods of one agreement that are not closed.
#[derive(Default)]
struct Counted {
    days: BTreeMap<u64, Period>,
    seconds: BTreeMap<u64, Period>,
    months: BTreeMap<u64, Period>,
}

impl Quotas {
    pub(super) fn permit(
        &mut self,
        index: u64,
        facts: &Facts,
        agreement: &str,
        report: &mut Report,
    ) {
        let Some(used) = facts.quota.iter().find(|used| used.agreement == agreement) else {
            let text = format!("permitted under `{agreement}` without saying how much was used");
            report.find(index, "quota", text);
            return;
        };
        if !self.0.contains_key(agreement) {
            self.0.insert(agreement.to_owned(), Counted::default());
        }
        let Some(counted) = self.0.get_mut(agreement) else { return };
        let at = facts.received_at;
        let (day, second, month) = (at.china_day(), at.seconds(), at.china_month());
        add(&mut counted.days, day, OPEN_DAYS, used.day, index);
        add(&mut counted.seconds, second, OPEN_SECONDS, used.second, index);
        // Entries of the time before months were counted say 0 of each.
        if facts.rules >= 2 {
            add(&mut counted.months, month, OPEN_MONTHS, used.month, index);
        }
        close_old(&mut counted.months, OPEN_MONTHS, agreement, "month", report);
        close_old(&mut counted.days, OPEN_DAYS, agreement, "day", report);
        close_old(&mut counted.seconds, OPEN_SECONDS, agreement, "second", report);
    }

    pub(super) fn close(&mut self, report: &mut Report) {
        let mut agreements: Vec<_> = std::mem::take(&mut self.0).into_iter().collect();
        agreements.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        for (agreement, counted) in agreements {
            let kinds =
                [(counted.months, "month"), (counted.days, "day"), (counted.seconds, "second")];
            for (periods, name) in kinds {
                for period in periods.into_values() {
                    tell(&period, &agreement, name, report);
                }
            }
        }
    }
}

fn add(periods: &mut BTreeMap<u64, Period>, number: u64, open: u64, said: u64, index: u64) {
    // What is older is out of time, which is a finding of its own.
    let newest = periods.last_key_value().map_or(0, |(newest, _)| *newest);
    if number.saturating_add(open) > newest {
        periods.entry(number).or_default().add(said, index);
    }
}

fn close_old(
    periods: &mut BTreeMap<u64, Period>,
    open: u64,
    agreement: &str,
    name: &str,
    report: &mut Report,
) {
    let newest = periods.last_key_value().map_or(0, |(newest, _)| *newest);
    while periods.first_key_value().is_some_and(|(oldest, _)| oldest.saturating_add(open) <= newest)
    {
        if let Some((_, period)) = periods.pop_first() {
            tell(&period, agreement, name, report);
        }
    }
}

fn tell(period: &Period, agreement: &str, name: &str, report: &mut Report) {
    if let Some(understated) = period.understated() {
        let text = format!(
            "{} permits under `{agreement}` in one {name} say that at most {} came before them: use was understated",
            understated.permits, understated.said
        );
        report.find(understated.index, "quota", text);
    }
}
