//! Counts each agreement's permits per day (China time) again.
//!
//! Every permit records how many were given before it. Questions are decided side by side and recorded when they are
//! answered, so the numbers come in any order; but whatever the order was, of all permits of a day no more than `n` can
//! say that fewer than `n` came before them. More than that means that permits were left out of the count.

use std::collections::BTreeMap;

use super::Report;
use crate::decision::facts::Facts;

/// Permits received this shortly before midnight may have been counted in the day after, and are left out.
const BEFORE_MIDNIGHT_MICROS: u64 = 10 * 1_000_000;

const DAY_MICROS: u64 = 86_400 * 1_000_000;

const CHINA_OFFSET_MICROS: u64 = 8 * 3600 * 1_000_000;

/// By day, then agreement: the number each permit recorded, and its entry.
#[derive(Default)]
pub(super) struct Quotas(BTreeMap<u64, BTreeMap<String, Vec<(u64, u64)>>>);

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
        let in_day = (facts.received_at.0 + CHINA_OFFSET_MICROS) % DAY_MICROS;
        if in_day >= DAY_MICROS - BEFORE_MIDNIGHT_MICROS {
            return;
        }
        let day = facts.received_at.china_day();
        let permits = self.0.entry(day).or_default().entry(agreement.to_owned()).or_default();
        permits.push((used.day, index));
        // Two days are open: answers to yesterday's last questions still come.
        while self.0.len() > 2 {
            if let Some((_, agreements)) = self.0.pop_first() {
                count(agreements, report);
            }
        }
    }

    pub(super) fn close(&mut self, report: &mut Report) {
        for agreements in std::mem::take(&mut self.0).into_values() {
            count(agreements, report);
        }
    }
}

fn count(agreements: BTreeMap<String, Vec<(u64, u64)>>, report: &mut Report) {
    for (agreement, mut permits) in agreements {
        permits.sort_unstable();
        let understated = (0..).zip(&permits).find(|(before, (said, _))| said < before);
        if let Some((before, (said, index))) = understated {
            let text = format!(
                "{} permits under `{agreement}` in one day say that at most {said} came before \
                 them: use was understated",
                before + 1
            );
            report.find(*index, "quota", text);
        }
    }
}
