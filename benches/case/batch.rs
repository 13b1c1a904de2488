//! How many rows of a list `heyan batch` asks in a second, and whether a list of ten times the length needs more memory.

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use heyan::simulate::province::Trait;

use super::installation::{GATEWAY, UNLIMITED};
use super::process::Server;
use super::{Ground, Line};

/// How much more memory the longer list may need: what the system itself wavers by.
const GROWTH: f64 = 1.2;

pub(crate) fn run(ground: &Ground) -> anyhow::Result<Vec<Line>> {
    let installation = &ground.installation;
    installation.delay(|_| Duration::ZERO)?;
    let gateway = installation.start("batch", UNLIMITED, &[])?;
    let rows = ground.options.rows;
    let (short, long) = (list(ground, &gateway, rows / 10)?, list(ground, &gateway, rows)?);
    Ok(vec![
        Line::goal("memory for ten times the rows / for the fewer", long.1 / short.1, GROWTH),
        Line::told(format!("  most resident, {} rows, MiB", rows / 10), short.1),
        Line::told(format!("  most resident, {rows} rows, MiB"), long.1),
        Line::told("  the gateway after both, MiB", gateway.resident_megabytes()? as f64),
        Line::told(format!("rows a second, {} rows", rows / 10), short.0),
        Line::told(format!("rows a second, {rows} rows"), long.0),
    ])
}

/// Rows a second, and the most memory that the command had, in MiB.
fn list(ground: &Ground, gateway: &Server, rows: usize) -> anyhow::Result<(f64, f64)> {
    let province = &ground.families.province;
    let file = ground.installation.path(&format!("list-{rows}.csv"));
    let mut text = "姓名,身份证号\n".to_owned();
    let citizens = (0..province.population()).filter_map(|index| {
        let person = province.person(index)?;
        (!person.has(Trait::Foreigner)).then(|| (province.name(index), person.number()))
    });
    let mut count = 0;
    for (name, number) in citizens.take(rows) {
        writeln!(text, "{name},{number}")?;
        count += 1;
    }
    ensure!(count == rows, "the province has too few people: raise --people");
    fs::write(&file, text)?;
    let pki = ground.installation.path("pki/fund-centre");
    let began = Instant::now();
    let mut command = Command::new(GATEWAY);
    command.arg("batch").arg(&file).args(["--fact", "P1", "--item", "D2@2026.1"]);
    command.args(["--case", "GJJ-2026-000001", "--operator", "0042/batch", "--json"]);
    command.args(["--column", "person.name=姓名", "--column", "person.document_number=身份证号"]);
    command.arg("--gateway").arg(format!("https://{}", gateway.address()));
    command.arg("--identity").arg(pki.join("approval")).arg("--authority").arg(pki.join("ca.pem"));
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let (most, output) = watched(child)?;
    let took = began.elapsed().as_secs_f64();
    let results = fs::read_to_string(file.with_extension("results.csv"))?;
    let told = results.lines().count().saturating_sub(1);
    ensure!(told == rows, "{told} of {rows} rows have a result: {output}");
    Ok((rows as f64 / took, most))
}

/// Waits for it; the most memory that it had, and what it printed.
fn watched(mut child: Child) -> anyhow::Result<(f64, String)> {
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0.0;
    while child.try_wait()?.is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(kibibytes) = line.and_then(|line| line.trim().strip_suffix(" kB")) {
            most = kibibytes.parse::<f64>()? / 1024.0;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut text = String::new();
    child.stdout.take().context("no output")?.read_to_string(&mut text)?;
    Ok((most, text))
}
