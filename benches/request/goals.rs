//! The goals for speed, each beside what this run found.

use super::report::{Report, Row};
use super::{BARE, DIRECT, FRESH, KEPT};

/// CPU time of an answer beside the bare server's, at most.
const KEPT_RATIO: f64 = 1.5;
const FRESH_RATIO: f64 = 2.8;
/// Kept answers a second on one core, at least, with 64 × 8.
const KEPT_RATE: f64 = 55_000.0;
/// What a kept answer may take longer than the bare server's under the open load: p50 and p99, in ms.
const KEPT_WAITS: [(f64, f64); 2] = [(50.0, 0.25), (99.0, 1.0)];
/// The same of a fresh answer, beside asking its agency directly.
const FRESH_WAITS: [(f64, f64); 2] = [(50.0, 0.6), (99.0, 2.0)];
/// CPU time of a handshake beside that of rustls alone, at most.
const HANDSHAKE_RATIO: f64 = 1.1;
/// MB resident before the first question, and beside the cache under load, at most.
const AT_REST: f64 = 40.0;
const UNDER_LOAD: f64 = 80.0;

/// Prints each goal that this run can be held against.
pub(crate) fn print(report: &Report) {
    println!("\n{:<62}{:>10}{:>12}", "goal", "found", "wanted");
    for row in report.loads.iter().filter(|row| !row.is_open) {
        let most = if row.server == KEPT {
            KEPT_RATIO
        } else if row.server.starts_with(FRESH) {
            FRESH_RATIO
        } else {
            continue;
        };
        let what = format!("{}, {}: CPU beside the bare server", row.server, row.load);
        line(&what, row.ratio, &format!("≤ {most}"));
        if row.server == KEPT && row.load.starts_with("64 × 8") {
            let what = format!("{KEPT}, {}: answers/s", row.load);
            line(&what, Some(row.answers_per_second), &format!("≥ {KEPT_RATE}"));
        }
    }
    let open = |server: &str| report.loads.iter().find(|row| row.is_open && row.server == server);
    if let (Some(kept), Some(bare)) = (open(KEPT), open(BARE)) {
        for (share, most) in KEPT_WAITS {
            let what = format!("{KEPT}, {}: p{share} beyond the bare server's, ms", kept.load);
            line(&what, beyond(kept, bare, share), &format!("≤ {most}"));
        }
    }
    for fresh in report.loads.iter().filter(|row| row.is_open && row.server.starts_with(FRESH)) {
        let Some(alone) = open(&fresh.server.replace(FRESH, DIRECT)) else { continue };
        for (share, most) in FRESH_WAITS {
            let (server, load) = (&fresh.server, &fresh.load);
            let what = format!("{server}, {load}: p{share} beyond the agency's, ms");
            line(&what, beyond(fresh, alone, share), &format!("≤ {most}"));
        }
    }
    for row in report.handshakes.iter().filter(|row| row.server == KEPT) {
        let what = if row.resumes { "resumed" } else { "full" };
        let name = format!("handshakes, {what}: CPU beside rustls alone");
        line(&name, row.ratio, &format!("≤ {HANDSHAKE_RATIO}"));
    }
    let agreements = report.agreements;
    for rest in report.at_rest.iter().filter(|rest| rest.server == KEPT) {
        let what = format!("{KEPT}, at rest with {agreements} agreements: MB");
        line(&what, rest.megabytes.map(|found| found as f64), &format!("≤ {AT_REST}"));
    }
    let of_kept = report.loads.iter().filter(|row| row.server == KEPT);
    if let Some(most) = of_kept.filter_map(|row| row.megabytes).max() {
        let what = format!("{KEPT}, most under load, cache included: MB");
        line(&what, Some(most as f64), &format!("≤ {UNDER_LOAD}"));
    }
}

/// In milliseconds.
fn beyond(own: &Row, other: &Row, share: f64) -> Option<f64> {
    Some((own.wait(share)? as f64 - other.wait(share)? as f64) / 1e3)
}

fn line(what: &str, found: Option<f64>, wanted: &str) {
    let found = found.map_or_else(|| "-".to_owned(), |found| format!("{found:.2}"));
    println!("{what:<62}{found:>10}{wanted:>12}");
}
