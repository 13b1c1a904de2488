//! Two drawings of a run: what an answer costs each server, and how long answers take under the open load.

use std::fs;
use std::path::Path;

use anyhow::{Context, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

use super::report::{Report, Row};

const SIZE: (u32, u32) = (900, 420);

/// Draws what this file says into `cpu.svg` and `waits.svg` of that folder.
pub(crate) fn draw(file: &Path, folder: &Path) -> anyhow::Result<()> {
    let text = fs::read(file).with_context(|| file.display().to_string())?;
    let report: Report = serde_json::from_slice(&text)?;
    fs::create_dir_all(folder)?;
    let (cpu, waits) = (folder.join("cpu.svg"), folder.join("waits.svg"));
    costs(&report, SVGBackend::new(&cpu, SIZE).into_drawing_area())
        .map_err(|error| anyhow!("{}: {error}", cpu.display()))?;
    delays(&report, SVGBackend::new(&waits, SIZE).into_drawing_area())
        .map_err(|error| anyhow!("{}: {error}", waits.display()))
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

/// A group of bars for each load, one bar for each server.
fn costs(report: &Report, area: DrawingArea<SVGBackend, Shift>) -> Drawn {
    let servers = names(report.loads.iter().map(|row| &row.server));
    let loads = names(report.loads.iter().map(|row| &row.load));
    let most = report.loads.iter().filter_map(|row| row.cpu_micros).fold(1.0, f64::max);
    area.fill(&WHITE)?;
    let width = loads.len() as f64;
    let mut chart = ChartBuilder::on(&area)
        .caption("CPU time of the server for each answer, µs", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(48)
        .build_cartesian_2d(0.0..width, -most * 0.1..most * 1.5)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(0)
        .y_label_formatter(&|micros: &f64| {
            if *micros < 0.0 { String::new() } else { format!("{micros:.0}") }
        })
        .label_style(("sans-serif", 13))
        .draw()?;
    // Groups take nine tenths of their place.
    let bar = 0.9 / servers.len() as f64;
    for (number, server) in servers.iter().enumerate() {
        let colour = Palette99::pick(number).to_rgba();
        let bars = report.loads.iter().filter(|row| row.server == *server).filter_map(|row| {
            let group = loads.iter().position(|load| *load == row.load)? as f64;
            let left = group + 0.05 + bar * number as f64;
            Some(Rectangle::new([(left, 0.0), (left + bar, row.cpu_micros?)], colour.filled()))
        });
        chart
            .draw_series(bars)?
            .label(server.clone())
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], colour.filled()));
    }
    for (group, load) in loads.iter().enumerate() {
        // Below the axis.
        let place = (group as f64 + 0.3, -most * 0.02);
        chart.draw_series([Text::new(load.clone(), place, ("sans-serif", 13))])?;
    }
    legend(&mut chart, SeriesLabelPosition::UpperLeft)?;
    Ok(area.present()?)
}

/// A line for each server: within how long each share of the answers came. Both axes tell more of what is rare.
fn delays(report: &Report, area: DrawingArea<SVGBackend, Shift>) -> Drawn {
    let open: Vec<&Row> = report.loads.iter().filter(|row| row.is_open).collect();
    area.fill(&WHITE)?;
    let most = open.iter().filter_map(|row| row.wait(99.9)).max().unwrap_or(1) as f64;
    let load = open.first().map_or("no open load", |row| row.load.as_str());
    let mut chart = ChartBuilder::on(&area)
        .caption(format!("Time until the answer, ms, {load}"), ("sans-serif", 18))
        .margin(12)
        .margin_right(36)
        .x_label_area_size(36)
        .y_label_area_size(48)
        .build_cartesian_2d(0.0..3.0, (0.05..most / 1e3 * 1.3).log_scale())?;
    let share = |nines: &f64| format!("{} %", 100.0 - 100.0 / 10_f64.powf(*nines).round());
    chart
        .configure_mesh()
        .x_labels(4)
        .x_label_formatter(&share)
        .y_label_formatter(&|wait: &f64| format!("{wait:.2}"))
        .label_style(("sans-serif", 13))
        .draw()?;
    for (number, row) in open.iter().enumerate() {
        let colour = Palette99::pick(number).to_rgba();
        let points = row.waits_micros.iter().filter(|(share, _)| *share <= 99.9);
        let points = points.map(|(share, micros)| {
            (-(1.0 - share / 100.0).log10(), (*micros as f64 / 1e3).max(0.05))
        });
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
            .label(row.server.clone())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 12, y)], colour.stroke_width(2)));
    }
    legend(&mut chart, SeriesLabelPosition::LowerRight)?;
    Ok(area.present()?)
}

fn legend<'a, X, Y>(
    chart: &mut ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, Y>>,
    place: SeriesLabelPosition,
) -> Drawn
where
    X: Ranged<ValueType = f64>,
    Y: Ranged<ValueType = f64>,
{
    chart
        .configure_series_labels()
        .position(place)
        .background_style(WHITE.mix(0.8))
        .label_font(("sans-serif", 13))
        .draw()?;
    Ok(())
}

/// Each once, in the order in which they came.
fn names<'a>(all: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in all {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}
