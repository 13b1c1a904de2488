//! Figures of a bench with the goals they are held against, as a table for people or as JSON for programs.

use serde_json::{Value, json};

/// One measurement.
pub(crate) struct Line {
    /// What was measured, with its unit.
    what: String,
    /// What was found.
    found: f64,
    /// What it may be at most.
    goal: Option<f64>,
}

impl Line {
    /// A figure with a goal: it may be at most so much.
    pub(crate) fn goal(what: impl Into<String>, found: f64, most: f64) -> Self {
        Self { what: what.into(), found, goal: Some(most) }
    }

    /// A figure beside the others.
    pub(crate) fn told(what: impl Into<String>, found: f64) -> Self {
        Self { what: what.into(), found, goal: None }
    }
}

/// One part of a bench: its name, and what measures it on that ground.
pub(crate) type Part<G> = (&'static str, fn(&G) -> anyhow::Result<Vec<Line>>);

/// Runs the parts that were chosen, all when none was, and prints each as it is there, or all of them as JSON.
pub(crate) fn run<G>(
    parts: &[Part<G>],
    chosen: &[String],
    ground: &G,
    as_json: bool,
) -> anyhow::Result<()> {
    let mut all = serde_json::Map::new();
    for (name, run) in parts {
        if !chosen.is_empty() && !chosen.iter().any(|part| part == name) {
            continue;
        }
        let lines = run(ground)?;
        if as_json {
            all.insert((*name).to_owned(), lines.iter().map(json_of).collect());
            continue;
        }
        println!("{name:<66}{:>12}{:>12}{:>8}", "measured", "goal", "ratio");
        lines.iter().for_each(print);
    }
    if as_json {
        println!("{}", Value::Object(all));
    }
    Ok(())
}

/// The ratio is above 1 where the goal is met, as in the other benches.
fn print(Line { what, found, goal }: &Line) {
    match goal {
        Some(0.0) => println!("  {what:<64}{found:>12.3}{:>12}", "0"),
        Some(goal) => {
            let most = format!("≤ {}", (goal * 1e3).round() / 1e3);
            println!("  {what:<64}{found:>12.3}{most:>12}{:>8.2}", goal / found);
        }
        None => println!("  {what:<64}{found:>12.3}"),
    }
}

fn json_of(Line { what, found, goal }: &Line) -> Value {
    json!({ "what": what, "found": found, "goal": goal })
}
