//! `heyan adapter list`: how each adapter of a running gateway does.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde_json::{Value as Json, json};

use crate::cli::NO;
use crate::cli::query::Gateway;
use crate::proto::gateway::v1::{AdapterState, ProgramState};
use crate::query::time::Timestamp;
use crate::report::calendar;

/// Arguments of `heyan adapter list`.
#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    gateway: Gateway,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs it: exit 0 when every agency is worth asking, 1 when one is not.
///
/// # Errors
/// When the gateway cannot be reached or refuses.
pub(super) async fn run(command: &List) -> anyhow::Result<ExitCode> {
    let client = command.gateway.connect().await?;
    let adapters = tokio::time::timeout(command.gateway.timeout, client.adapters())
        .await
        .context("no reply came in time")??;
    if command.json {
        let all: Vec<Json> = adapters.iter().map(as_json).collect();
        say!("{:#}", json!({ "adapters": all }));
    } else {
        let stdout = std::io::stdout();
        let colour = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        table(&adapters, colour).iter().for_each(|line| say!("{line}"));
    }
    let good = adapters.iter().all(|adapter| is_good(&adapter.health));
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

fn is_good(health: &str) -> bool {
    matches!(health, "serving" | "trying")
}

const HEADINGS: [&str; 9] =
    ["ADAPTER", "VERSION", "STATE", "BREAKER", "P50", "P99", "IN FLIGHT", "RATE LEFT", "ANSWERED"];

/// One line each, and below it what there is to say of its program, of the last failure and of maintenance.
fn table(adapters: &[AdapterState], colour: bool) -> Vec<String> {
    let rows: Vec<[String; 9]> = adapters.iter().map(row).collect();
    let mut widths = HEADINGS.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let joined = |cells: &[String; 9]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![joined(&HEADINGS.map(str::to_owned))];
    for (adapter, row) in adapters.iter().zip(&rows) {
        lines.push(match colour {
            true => format!("{}{}\x1b[0m", paint(&adapter.health), joined(row)),
            false => joined(row),
        });
        lines.extend(adapter.program.as_ref().map(program));
        if !adapter.last_failure.is_empty() {
            let at = moment(adapter.last_failure_at);
            lines.push(format!("  last failure  {at}  {}", adapter.last_failure));
            lines.push(format!("                {}", adapter.last_failure_detail));
        }
        if adapter.maintenance_from.is_some() {
            let (from, to) = (moment(adapter.maintenance_from), moment(adapter.maintenance_to));
            lines.push(format!("  maintenance   {from} to {to}, China time"));
        }
    }
    lines
}

fn row(adapter: &AdapterState) -> [String; 9] {
    let rate = match adapter.rate_per_second {
        0 => "-".to_owned(),
        rate => format!("{} of {rate}/s", adapter.rate_left),
    };
    let breaker = match span(adapter.breaker_open_for) {
        Some(left) => format!("{}, {} s", adapter.breaker, left.as_secs() + 1),
        None => adapter.breaker.clone(),
    };
    let millis = |duration| {
        let shown = |span: Duration| format!("{:.1} ms", span.as_secs_f64() * 1e3);
        span(duration).map_or_else(|| "-".to_owned(), shown)
    };
    [
        adapter.name.clone(),
        adapter.version.clone(),
        adapter.health.clone(),
        breaker,
        millis(adapter.latency_p50),
        millis(adapter.latency_p99),
        format!("{} of {}", adapter.in_flight, adapter.max_in_flight),
        rate,
        format!("{}, not {}", adapter.answered, adapter.unavailable + adapter.contract_errors),
    ]
}

fn program(program: &ProgramState) -> String {
    let runs = match program.running_since {
        Some(since) => format!("process {}, since {}", program.process, moment(Some(since))),
        None => "does not answer".to_owned(),
    };
    let mut line = format!("  program       {runs}");
    if program.restarts > 0 {
        line.push_str(&format!(", started again {} times", program.restarts));
    }
    if !program.last_exit.is_empty() {
        line.push_str(&format!(", last end: {}", program.last_exit));
    }
    line
}

fn paint(health: &str) -> &'static str {
    match health {
        "serving" => "\x1b[32m",
        "trying" | "maintenance" => "\x1b[33m",
        _ => "\x1b[31m",
    }
}

fn span(duration: Option<prost_types::Duration>) -> Option<Duration> {
    duration.and_then(|duration| Duration::try_from(duration).ok())
}

fn moment(at: Option<prost_types::Timestamp>) -> String {
    let seconds = at.and_then(|at| u64::try_from(at.seconds).ok());
    seconds.map(|seconds| calendar::moment(Timestamp::from_seconds(seconds))).unwrap_or_default()
}

fn as_json(adapter: &AdapterState) -> Json {
    let time = |at: &Option<prost_types::Timestamp>| at.map(|at| at.to_string());
    let micros = |duration| span(duration).and_then(|span| u64::try_from(span.as_micros()).ok());
    json!({
        "name": adapter.name, "agency": adapter.agency, "version": adapter.version,
        "digest": adapter.digest, "transport": adapter.transport, "facts": adapter.facts,
        "health": adapter.health, "breaker": adapter.breaker,
        "breaker_open_for_us": micros(adapter.breaker_open_for),
        "answered": adapter.answered, "unavailable": adapter.unavailable,
        "contract_errors": adapter.contract_errors,
        "dropped_attributes": adapter.dropped_attributes,
        "in_flight": adapter.in_flight, "max_in_flight": adapter.max_in_flight,
        "rate_per_second": Some(adapter.rate_per_second).filter(|rate| *rate > 0),
        "rate_left": Some(adapter.rate_left).filter(|_| adapter.rate_per_second > 0),
        "latency_p50_us": micros(adapter.latency_p50),
        "latency_p99_us": micros(adapter.latency_p99), "latency_of": adapter.latency_of,
        "last_answer": time(&adapter.last_answer),
        "last_failure": Some(&adapter.last_failure).filter(|reason| !reason.is_empty()),
        "last_failure_at": time(&adapter.last_failure_at),
        "last_failure_detail": adapter.last_failure_detail,
        "maintenance_from": time(&adapter.maintenance_from),
        "maintenance_to": time(&adapter.maintenance_to),
        "program": adapter.program.as_ref().map(|program| json!({
            "process": Some(program.process).filter(|process| *process > 0),
            "running_since": time(&program.running_since),
            "restarts": program.restarts,
            "last_exit": Some(&program.last_exit).filter(|exit| !exit.is_empty()),
        })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_in_front_of_an_agency_has_a_line_of_its_own() {
        let since = prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 };
        for (state, expected) in [
            (
                ProgramState { process: 77, running_since: Some(since), ..ProgramState::default() },
                "  program       process 77, since 2023-11-15 06:13:20.000",
            ),
            (
                ProgramState {
                    restarts: 2,
                    last_exit: "exit status: 3".to_owned(),
                    ..ProgramState::default()
                },
                "  program       does not answer, started again 2 times, last end: exit status: 3",
            ),
        ] {
            let adapter = AdapterState {
                name: "cremations".to_owned(),
                program: Some(state),
                ..AdapterState::default()
            };
            let lines = table(std::slice::from_ref(&adapter), false);
            assert_eq!(lines[2], expected);
        }
        let adapter = AdapterState {
            program: Some(ProgramState { restarts: 1, ..ProgramState::default() }),
            ..AdapterState::default()
        };
        let program = &as_json(&adapter)["program"];
        assert_eq!((&program["restarts"], &program["process"]), (&json!(1), &Json::Null));
        assert_eq!(as_json(&AdapterState::default())["program"], Json::Null);
    }

    #[test]
    fn a_table_says_what_is_wrong_and_with_whom() {
        let good = AdapterState {
            name: "police".to_owned(),
            version: "1.0.0".to_owned(),
            health: "serving".to_owned(),
            breaker: "closed".to_owned(),
            latency_p50: Some(prost_types::Duration { seconds: 0, nanos: 12_300_000 }),
            max_in_flight: 32,
            rate_per_second: 20,
            rate_left: 7,
            answered: 5,
            ..AdapterState::default()
        };
        let bad = AdapterState {
            name: "tax".to_owned(),
            health: "failing".to_owned(),
            breaker: "open".to_owned(),
            breaker_open_for: Some(prost_types::Duration { seconds: 3, nanos: 1 }),
            last_failure: "timeout".to_owned(),
            last_failure_detail: "tax.toml T1: no answer before the deadline".to_owned(),
            ..good.clone()
        };
        let lines = table(&[good.clone(), bad], false);
        assert!(lines[0].starts_with("ADAPTER  VERSION  STATE"), "{lines:#?}");
        assert!(lines[1].contains("12.3 ms") && lines[1].contains("7 of 20/s"), "{lines:#?}");
        assert!(lines[2].contains("failing") && lines[2].contains("open, 4 s"), "{lines:#?}");
        assert!(lines[4].ends_with("tax.toml T1: no answer before the deadline"), "{lines:#?}");
        assert!(table(std::slice::from_ref(&good), true)[1].starts_with("\x1b[32mpolice"));
        assert_eq!(as_json(&good)["latency_p50_us"], 12_300);
    }
}
