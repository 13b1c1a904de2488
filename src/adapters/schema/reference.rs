//! The reference: every key of every table, as a page of Markdown made from the schemas.

use std::fmt::Write;

use super::node::Node;
use super::tables::{Key, Reader, Table};
use super::{FIXTURE, MANIFEST};

const HEAD: &str = "\
# Adapters: every key

Made by `heyan adapter schema --reference` from the schemas that `heyan adapter schema` and `heyan adapter schema --fixture`
print; what the keys are for, with examples: [adapters.md](adapters.md). Keys that are in no table here are flaws.
";

/// The page, in Markdown.
///
/// # Errors
/// When a schema is none, which the tests of this program exclude.
pub fn reference() -> Result<String, serde_json::Error> {
    let mut page = HEAD.to_owned();
    let (manifest, fixture) = (serde_json::from_str(MANIFEST)?, serde_json::from_str(FIXTURE)?);
    kinds(&mut page, &[&manifest, &fixture]);
    schema(&mut page, "Manifest", &manifest);
    schema(&mut page, "Fixtures", &fixture);
    Ok(page)
}

/// What the words for values mean, each once.
fn kinds(page: &mut String, schemas: &[&Node]) {
    page.push_str("\n## Values\n\n| value | what |\n|---|---|\n");
    let mut told: Vec<&str> = Vec::new();
    let definitions = schemas.iter().flat_map(|schema| &schema.definitions.0);
    for node in definitions.filter_map(|(_, schema)| schema.rules()) {
        if let (Some(title), Some(words)) = (&node.title, &node.description)
            && !told.contains(&title.as_str())
        {
            told.push(title);
            line(page, &[title, words]);
        }
    }
}

fn schema(page: &mut String, title: &str, root: &Node) {
    let words = root.description.as_deref().unwrap_or_default();
    let _ = writeln!(page, "\n## {title}\n\n{}", words.split(" docs/").next().unwrap_or_default());
    for table in Reader::tables(root) {
        if !table.heading.is_empty() {
            let _ = writeln!(page, "\n### `{}`\n\n{}", table.heading, table.meaning);
        }
        rows(page, &table);
    }
}

fn rows(page: &mut String, table: &Table) {
    let (known, own): (Vec<&Key>, Vec<&Key>) =
        table.keys.iter().partition(|key| key.same_in.is_some());
    if !own.is_empty() {
        page.push_str("\n| key | value | default | meaning |\n|---|---|---|---|\n");
    }
    for key in own {
        let usual = match &key.usual {
            _ if key.is_required => "required".to_owned(),
            Some(usual) => format!("`{usual}`"),
            None => String::new(),
        };
        let takes = match &key.leads_to {
            Some(heading) => format!("[{}](#{})", key.takes, anchor(heading)),
            None => key.takes.clone(),
        };
        let meaning = format!("{}{}", with(key), key.meaning);
        line(page, &[&format!("`{}`", key.name), &takes, &usual, &meaning]);
    }
    let mut places: Vec<&str> = known.iter().filter_map(|key| key.same_in.as_deref()).collect();
    places.dedup();
    for place in places {
        let same = known.iter().filter(|key| key.same_in.as_deref() == Some(place));
        let names: Vec<String> = same
            .map(|key| {
                let required = if key.is_required { " (required)" } else { "" };
                format!("{}`{}`{required}", with(key), key.name)
            })
            .collect();
        let place =
            if place.is_empty() { "at the top".to_owned() } else { format!("in `{place}`") };
        let _ = writeln!(page, "\nAs {place}: {}.", names.join(", "));
    }
}

/// What the key goes with, where that is not everything.
fn with(key: &Key) -> String {
    let quoted = |kinds: &[&str]| {
        let kinds: Vec<String> = kinds.iter().map(|kind| format!("`[{kind}]`")).collect();
        kinds.join(", ")
    };
    match (key.with.as_slice(), key.without.as_slice()) {
        (_, []) => String::new(),
        (_, [one]) if key.with.len() > 1 => format!("(not with `[{one}]`) "),
        (with, _) => format!("(with {}) ", quoted(with)),
    }
}

/// Where a heading is found on a page of Markdown.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|one| one.is_alphanumeric() || *one == '_');
    kept.collect::<String>().to_lowercase()
}

fn line(page: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}
