//! What the gateway says about itself: log lines on standard error and metrics, under names fixed here.
//!
//! Never logged, never a label of a metric, never in an error's text or a trace, at any level:
//!
//! - a subject: names, document numbers, unit numbers, certificate numbers, addresses, any number of a paper;
//! - a value: what was asserted, what an agency answered, what was disclosed, the agency's message in its own words;
//! - the operator's id (the unit is allowed);
//! - a secret: private keys, tokens, passwords, session values, the opening of a commitment;
//! - a body: of a call, of an agency's request or reply, of an entry.
//!
//! Allowed: organisation, system, fact, item, case number, agreement, adapter, stable codes, durations, sizes, log
//! indexes, request ids and digests. Labels of metrics take values from closed lists only (never a case or a request).

use std::io::{self, IsTerminal};
use std::sync::Mutex;
use std::time::Duration;

use metrics::Unit;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tracing_subscriber::EnvFilter;

/// How often [`PrometheusHandle::run_upkeep`] must run, so that samples nobody collects do not pile up.
pub const UPKEEP: Duration = Duration::from_secs(5);

/// Upper bounds of the buckets of every histogram, in seconds: from a cached answer to the slowest agency's limit.
const BUCKETS: [f64; 14] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Calls answered or refused; labels `method`, `code` (gRPC status).
pub const REQUESTS: &str = "heyan_requests_total";
/// Time from the arrival of a call to its reply, seconds; label `method`.
pub const REQUEST_SECONDS: &str = "heyan_request_seconds";
/// Calls being worked on.
pub const IN_FLIGHT: &str = "heyan_in_flight";
/// Single questions that may be under way at this moment: `limits.in_flight`, less while processors have too much to do.
pub const IN_FLIGHT_LIMIT: &str = "heyan_in_flight_limit";
/// Calls refused because a limit was reached; label `limit` (its key in the settings; `in_flight_share` is a caller's share
/// of `in_flight`, `batches` and `batches_per_caller` are no settings).
pub const SHED: &str = "heyan_shed_total";
/// Cases brought to their end; labels `item` and `outcome` (`READY`, `NEEDS_COUNTER`, `REFUTED`, `abandoned`).
pub const CASES: &str = "heyan_cases_total";
/// Cases under way.
pub const CASES_IN_FLIGHT: &str = "heyan_cases_in_flight";
/// Tasks that panicked; each one is a bug.
pub const PANICS: &str = "heyan_panics_total";
/// Connections open.
pub const CONNECTIONS: &str = "heyan_connections";
/// Handshakes that failed; label `reason`.
pub const HANDSHAKES_REFUSED: &str = "heyan_handshakes_refused_total";
/// Decisions taken; label `code` (`permit`, or the denial's).
pub const DECISIONS: &str = "heyan_decisions_total";
/// Answers given; labels `fact`, `verdict`.
pub const VERDICTS: &str = "heyan_verdicts_total";
/// Questions put to the cache; label `result` (`hit`, `miss`, `stale`).
pub const CACHE: &str = "heyan_cache_total";
/// Bytes of kept answers.
pub const CACHE_BYTES: &str = "heyan_cache_bytes";
/// Bytes of answers kept for retries.
pub const WINDOW_BYTES: &str = "heyan_window_bytes";
/// Questions put to agencies; labels `adapter`, `outcome`.
pub const AGENCY_CALLS: &str = "heyan_agency_calls_total";
/// What agencies hear, first attempts and repetitions; labels `adapter`, `kind` (`first`, `retry`, `hedge`).
pub const AGENCY_ATTEMPTS: &str = "heyan_agency_attempts_total";
/// Time an agency took, seconds; label `adapter`.
pub const AGENCY_SECONDS: &str = "heyan_agency_seconds";
/// Attributes an agency sent and the catalogue does not list; label `adapter`.
pub const ATTRIBUTES_DROPPED: &str = "heyan_attributes_dropped_total";
/// 1 while an adapter's breaker is open, 0.5 while it tries again; label `adapter`.
pub const BREAKER_OPEN: &str = "heyan_breaker_open";
/// 1 while an agency is worth asking, 0 while its breaker is open, in maintenance or without its program; label
/// `adapter`.
pub const ADAPTER_UP: &str = "heyan_adapter_up";
/// Questions under way to an agency; label `adapter`.
pub const ADAPTER_IN_FLIGHT: &str = "heyan_adapter_in_flight";
/// Entries in the log.
pub const LOG_ENTRIES: &str = "heyan_log_entries";
/// Time from handing in an entry until it is durable, seconds.
pub const LOG_APPEND_SECONDS: &str = "heyan_log_append_seconds";
/// 1 while the log can be written; at 0 the gateway answers nothing.
pub const LOG_HEALTHY: &str = "heyan_log_healthy";
/// 1 while the witness file could not be brought up to date.
pub const LOG_WITNESS_BEHIND: &str = "heyan_log_witness_behind";
/// Reloads; label `result` (`changed`, `unchanged`, `refused`).
pub const RELOADS: &str = "heyan_reloads_total";
/// When the gateway's own certificate expires, seconds since 1970.
pub const CERTIFICATE_EXPIRES: &str = "heyan_certificate_expires_seconds";

/// Kind, name, unit and help text of every metric.
const METRICS: [(Kind, &str, Unit, &str); 28] = [
    (Kind::Counter, REQUESTS, Unit::Count, "Calls answered or refused."),
    (Kind::Histogram, REQUEST_SECONDS, Unit::Seconds, "From the arrival of a call to its reply."),
    (Kind::Gauge, IN_FLIGHT, Unit::Count, "Calls being worked on."),
    (Kind::Gauge, IN_FLIGHT_LIMIT, Unit::Count, "Single questions that may be under way."),
    (Kind::Counter, SHED, Unit::Count, "Calls refused because a limit was reached."),
    (Kind::Counter, CASES, Unit::Count, "Cases brought to their end."),
    (Kind::Gauge, CASES_IN_FLIGHT, Unit::Count, "Cases under way."),
    (Kind::Counter, PANICS, Unit::Count, "Tasks that panicked."),
    (Kind::Gauge, CONNECTIONS, Unit::Count, "Connections open."),
    (Kind::Counter, HANDSHAKES_REFUSED, Unit::Count, "Handshakes that failed."),
    (Kind::Counter, DECISIONS, Unit::Count, "Decisions taken."),
    (Kind::Counter, VERDICTS, Unit::Count, "Answers given."),
    (Kind::Counter, CACHE, Unit::Count, "Questions put to the cache."),
    (Kind::Gauge, CACHE_BYTES, Unit::Bytes, "Bytes of kept answers."),
    (Kind::Gauge, WINDOW_BYTES, Unit::Bytes, "Bytes of answers kept for retries."),
    (Kind::Counter, AGENCY_CALLS, Unit::Count, "Questions put to agencies."),
    (Kind::Counter, AGENCY_ATTEMPTS, Unit::Count, "Attempts, repetitions and hedges to agencies."),
    (Kind::Histogram, AGENCY_SECONDS, Unit::Seconds, "Time an agency took."),
    (
        Kind::Counter,
        ATTRIBUTES_DROPPED,
        Unit::Count,
        "Attributes sent by an agency and listed nowhere.",
    ),
    (
        Kind::Gauge,
        BREAKER_OPEN,
        Unit::Count,
        "1 while an adapter's breaker is open, 0.5 while it tries.",
    ),
    (Kind::Gauge, ADAPTER_UP, Unit::Count, "1 while an agency is worth asking."),
    (Kind::Gauge, ADAPTER_IN_FLIGHT, Unit::Count, "Questions under way to an agency."),
    (Kind::Gauge, LOG_ENTRIES, Unit::Count, "Entries in the log."),
    (
        Kind::Histogram,
        LOG_APPEND_SECONDS,
        Unit::Seconds,
        "From handing in an entry until it is durable.",
    ),
    (Kind::Gauge, LOG_HEALTHY, Unit::Count, "1 while the log can be written."),
    (
        Kind::Gauge,
        LOG_WITNESS_BEHIND,
        Unit::Count,
        "1 while the witness file could not be brought up to date.",
    ),
    (Kind::Counter, RELOADS, Unit::Count, "Reloads."),
    (
        Kind::Gauge,
        CERTIFICATE_EXPIRES,
        Unit::Seconds,
        "When the gateway's own certificate expires.",
    ),
];

/// What is not logged unless it is named. h2 warns of each stream that it resets itself once a connection has had many, as in a
/// flood of calls that are turned away: each is counted in [`SHED`], and as many lines would be a flood of their own.
const QUIET: &str = "h2::proto::streams::streams=error";

enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// What is logged, and how.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// A level, or levels per module such as `info,heyan::adapters=debug`. Default `info`: a few lines a minute. Streams that h2
    /// resets are told of only under `h2::proto::streams::streams=warn`.
    pub log: String,
    /// For people or for programs. Default `text`.
    pub format: Format,
}

impl Default for Settings {
    fn default() -> Self {
        Self { log: "info".to_owned(), format: Format::Text }
    }
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum Format {
    /// For people; coloured on a terminal.
    Text,
    /// One JSON object a line.
    Json,
}

impl TryFrom<String> for Format {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        match name.as_str() {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("`{name}` is neither `text` nor `json`")),
        }
    }
}

/// Why logging or metrics could not be set up.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// The filter cannot be read.
    #[error("{0}")]
    Filter(String),
    /// Something else in this process logs already.
    #[error("logging was set up twice")]
    LoggingTaken(#[source] tracing_subscriber::util::TryInitError),
    /// The exporter refused its own settings.
    #[error("the metrics cannot be set up")]
    Metrics(#[source] BuildError),
    /// Something else in this process collects metrics already.
    #[error("metrics were set up twice")]
    MetricsTaken,
}

/// Refuses a filter of log lines that cannot be read.
///
/// # Errors
/// What is wrong with it, for the operator.
pub fn check_filter(filter: &str) -> Result<(), String> {
    EnvFilter::try_new(filter).map(|_| ()).map_err(|error| {
        format!("`{filter}` is no filter such as `info` or `info,heyan::adapters=debug`: {error}")
    })
}

/// The filter of log lines, with what is quiet before what the operator says.
fn filter(log: &str) -> EnvFilter {
    if log.is_empty() { EnvFilter::new(log) } else { EnvFilter::new(format!("{QUIET},{log}")) }
}

/// Sends log lines to standard error, and of a panic its place without its message. Once in a process.
///
/// # Errors
/// [`TelemetryError::Filter`] or [`TelemetryError::LoggingTaken`].
pub fn install_logging(settings: &Settings) -> Result<(), TelemetryError> {
    use tracing_subscriber::util::SubscriberInitExt;

    check_filter(&settings.log).map_err(TelemetryError::Filter)?;
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter(&settings.log)).with_writer(io::stderr);
    let installed = match settings.format {
        Format::Text => lines.with_ansi(io::stderr().is_terminal()).finish().try_init(),
        Format::Json => lines.json().flatten_event(true).finish().try_init(),
    };
    installed.map_err(TelemetryError::LoggingTaken)?;
    std::panic::set_hook(Box::new(|panic| {
        // The place alone: a panic's message may quote the text it stumbled over, and that may name a person.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic");
    }));
    Ok(())
}

/// Collects metrics; the handle renders them. Later calls in a process return the first one's handle, so that several
/// gateways (in tests) share their counts.
///
/// # Errors
/// [`TelemetryError::Metrics`] or [`TelemetryError::MetricsTaken`].
pub fn install_metrics() -> Result<PrometheusHandle, TelemetryError> {
    static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

    let mut installed = INSTALLED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(handle) = installed.as_ref() {
        return Ok(handle.clone());
    }
    let builder =
        PrometheusBuilder::new().set_buckets(&BUCKETS).map_err(TelemetryError::Metrics)?;
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|_| TelemetryError::MetricsTaken)?;
    for (kind, name, unit, help) in METRICS {
        match kind {
            Kind::Counter => metrics::describe_counter!(name, unit, help),
            Kind::Gauge => metrics::describe_gauge!(name, unit, help),
            Kind::Histogram => metrics::describe_histogram!(name, unit, help),
        }
    }
    Ok(installed.insert(handle).clone())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn metrics_are_collected_once_under_distinct_names() {
        let handle = install_metrics().unwrap();
        let again = install_metrics().unwrap();
        metrics::counter!(DECISIONS, "code" => "telemetry_test").increment(2);
        metrics::histogram!(LOG_APPEND_SECONDS).record(0.003);
        handle.run_upkeep();
        let text = again.render();
        assert!(text.contains("heyan_decisions_total{code=\"telemetry_test\"} 2"), "{text}");
        assert!(text.contains("# HELP heyan_decisions_total Decisions taken."), "{text}");
        assert!(text.contains("heyan_log_append_seconds_bucket{le=\"0.005\"}"), "{text}");
        assert_eq!(
            METRICS.iter().map(|metric| metric.1).collect::<BTreeSet<_>>().len(),
            METRICS.len()
        );
    }

    /// The lines that come of a warning of h2 about streams, one of another part of it, an error, and a line of ours.
    fn lines(log: &str) -> Vec<&'static str> {
        use std::io::Write;
        use std::sync::Arc;

        #[derive(Clone, Default)]
        struct Kept(Arc<Mutex<Vec<u8>>>);
        impl Write for Kept {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().unwrap().write(bytes)
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        let kept = Kept::default();
        let writer = kept.clone();
        let told = tracing_subscriber::fmt()
            .with_env_filter(filter(log))
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(told, || {
            tracing::warn!(target: "h2::proto::streams::streams", "a stream was reset");
            tracing::error!(target: "h2::proto::streams::streams", "a stream went wrong");
            tracing::warn!(target: "h2::proto::streams::recv", "too many resets");
            tracing::info!(target: "heyan::telemetry", "of ours");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let known = ["a stream was reset", "a stream went wrong", "too many resets", "of ours"];
        known.into_iter().filter(|line| text.contains(line)).collect()
    }

    #[test]
    fn streams_that_h2_resets_are_told_of_to_whoever_names_them() {
        let usual = ["a stream went wrong", "too many resets", "of ours"];
        assert_eq!(lines("info"), usual);
        assert_eq!(lines("debug,heyan=info"), usual);
        assert_eq!(lines("warn"), usual[..2]);
        assert_eq!(lines("info,h2::proto::streams::streams=warn").len(), 4);
        assert_eq!(lines(""), usual[..1]);
    }

    #[test]
    fn filters_are_checked() {
        assert!(check_filter("info,heyan::adapters=debug").is_ok());
        assert!(check_filter("heyan=loud").unwrap_err().starts_with("`heyan=loud` is no filter"));
    }
}
