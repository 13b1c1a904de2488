//! Reading a long log: verify, replay, open, prove.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use heyan::audit::verify::Expected;
use heyan::audit::walk::{walk, walk_entries};
use heyan::audit::{Audit, Settings};
use heyan::replay::Replay;
use serde_json::{Value, json};

use super::made;
use super::process::cpu;

pub(crate) fn verify(folder: &Path) -> anyhow::Result<Value> {
    let began = Instant::now();
    let verified = walk(folder, Expected::default(), &mut |_| {})?;
    let seconds = began.elapsed().as_secs_f64();
    Ok(json!({
        "per_second": verified.entries as f64 / seconds,
        "cpu_micros": cpu_micros(verified.entries)?,
    }))
}

pub(crate) fn replay(folder: &Path) -> anyhow::Result<Value> {
    let began = Instant::now();
    let mut replay = Replay::with(None, made::verify);
    walk_entries(folder, Expected::default(), &mut |seen, entry| replay.entry(seen.index, entry))?;
    let report = replay.finish();
    let (seconds, cpu_micros) = (began.elapsed().as_secs_f64(), cpu_micros(report.entries)?);
    for finding in report.findings.iter().take(3) {
        eprintln!("entry {}: {}: {}", finding.index, finding.rule, finding.text);
    }
    Ok(json!({
        "per_second": report.entries as f64 / seconds,
        "cpu_micros": cpu_micros,
        "findings": report.findings.len() as u64 + report.more_findings,
    }))
}

/// CPU time of this process for each entry.
fn cpu_micros(entries: u64) -> anyhow::Result<f64> {
    let (user, system) = cpu()?;
    Ok((user + system).as_secs_f64() * 1e6 / entries as f64)
}

pub(crate) fn open(folder: &Path) -> anyhow::Result<Value> {
    let key = Arc::new(made::key(folder)?);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let began = Instant::now();
        let audit = Audit::open(folder, key, &Settings::default(), &mut |_, _| {})?;
        let seconds = began.elapsed().as_secs_f64();
        let size = audit.size();
        let (mut all, mut slowest) = (Duration::ZERO, Duration::ZERO);
        for turn in 0..1000_u64 {
            // Spread over the log, in no order.
            let index = turn.wrapping_mul(0x9e37_79b9_7f4a_7c15) % size;
            let began = Instant::now();
            audit.prove_inclusion(index, size)?;
            let took = began.elapsed();
            all += took;
            slowest = slowest.max(took);
        }
        audit.close().await;
        Ok(json!({
            "seconds": seconds,
            "entries": size,
            "proof_ms": all.as_secs_f64(),
            "slowest_proof_ms": slowest.as_secs_f64() * 1e3,
        }))
    })
}
