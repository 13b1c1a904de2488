//! How gently the agency is asked, and when not at all.

use super::Bearing::Reach;
use super::Terms;
use super::access::span;
use crate::adapters::limits::{BreakerTerms, RateTerms, Window};
use crate::adapters::manifest::{Manifest, Narrower};
use crate::query::time::Timestamp;

const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

pub(super) fn tell(manifest: &Manifest, terms: &mut Terms) {
    let limits = &manifest.resilience;
    terms.put(Reach, "resilience.max_in_flight", limits.max_in_flight.to_string());
    rate(limits.rate, terms);
    terms.put(Reach, "resilience.retries", limits.retries.to_string());
    terms.put(Reach, "resilience.retry_budget", limits.retry_budget.to_string());
    terms.put(Reach, "resilience.retry_floor", format!("{} a second", limits.retry_floor));
    if let Some(timeout) = limits.attempt_timeout {
        terms.put(Reach, "resilience.attempt_timeout", span(timeout));
    }
    if let Some(after) = limits.hedge_after {
        terms.put(Reach, "resilience.hedge_after", span(after));
    }
    breaker(&limits.breaker, terms);
    let mut windows: Vec<String> = manifest.maintenance.windows().iter().map(window).collect();
    windows.sort();
    if !windows.is_empty() {
        terms.put(Reach, "maintenance", windows.join("; "));
    }
}

/// What one operation sets for itself.
pub(super) fn narrower(own: &Narrower, terms: &mut Terms) {
    if let Some(places) = own.max_in_flight {
        terms.put(Reach, "resilience.max_in_flight", places.to_string());
    }
    rate(own.rate, terms);
    if let Some(retries) = own.retries {
        terms.put(Reach, "resilience.retries", retries.to_string());
    }
    if let Some(timeout) = own.attempt_timeout {
        terms.put(Reach, "resilience.attempt_timeout", span(timeout));
    }
    if let Some(after) = own.hedge_after {
        terms.put(Reach, "resilience.hedge_after", span(after));
    }
    if let Some(own) = &own.breaker {
        breaker(own, terms);
    }
}

fn rate(rate: Option<RateTerms>, terms: &mut Terms) {
    if let Some(rate) = rate {
        terms.put(Reach, "resilience.rate_per_second", rate.per_second.to_string());
        terms.put(Reach, "resilience.burst", rate.burst.to_string());
    }
}

fn breaker(breaker: &BreakerTerms, terms: &mut Terms) {
    let key = |name: &str| format!("resilience.breaker.{name}");
    terms.put(Reach, key("failures"), breaker.failures.to_string());
    terms.put(Reach, key("window"), breaker.window.to_string());
    terms.put(Reach, key("enough"), breaker.enough.to_string());
    terms.put(Reach, key("open_for"), span(breaker.open_for));
    terms.put(Reach, key("probes"), breaker.probes.to_string());
}

/// A window in words; times of day are China's.
fn window(window: &Window) -> String {
    match window {
        Window::Weekly { days, from, to } => {
            let chosen = DAYS.iter().zip(days).filter(|(_, is_chosen)| **is_chosen);
            let days: Vec<&str> = chosen.map(|(day, _)| *day).collect();
            let time = |minutes: u32| format!("{:02}:{:02}", minutes / 60, minutes % 60);
            format!("{} {}–{}", days.join(", "), time(*from), time(*to))
        }
        Window::Once(span) => format!("{} – {}", moment(span.from), moment(span.to)),
    }
}

fn moment(at: Timestamp) -> String {
    let micros = i64::try_from(at.0).unwrap_or(i64::MAX);
    jiff::Timestamp::from_microsecond(micros)
        .map(|at| at.display_with_offset(jiff::tz::offset(8)).to_string())
        .unwrap_or_default()
}
