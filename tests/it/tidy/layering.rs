//! Who may use whom. The table here is the one of `docs/ARCHITECTURE.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use super::source::{Source, root, sources};

/// Rank, module, what it may use. Every module used has a lower rank, so there are no circles.
const LAYERS: [(u32, &str, &str); 25] = [
    (0, "query", ""),
    (0, "crypto", ""),
    (0, "proto", ""),
    (0, "telemetry", ""),
    (0, "finding", ""),
    (1, "clock", "query"),
    (1, "decision", "query crypto"),
    (1, "catalogue", "query crypto finding"),
    (1, "parties", "query crypto finding"),
    (1, "wire", "query proto"),
    (1, "admin", "telemetry"),
    (2, "identity", "parties decision query crypto"),
    (2, "agreements", "parties catalogue decision query crypto finding"),
    (2, "cache", "decision query crypto telemetry"),
    (2, "adapters", "catalogue wire decision query crypto proto finding telemetry clock"),
    (2, "audit", "decision query crypto proto finding telemetry clock"),
    (2, "pki", "parties query crypto"),
    (3, "replay", "audit agreements parties catalogue decision query crypto finding"),
    (
        3,
        "gateway",
        "audit adapters cache agreements identity parties catalogue decision query crypto finding telemetry",
    ),
    (3, "simulate", "catalogue wire query crypto proto finding"),
    (3, "client", "wire query proto"),
    (
        4,
        "service",
        "gateway adapters audit identity parties catalogue wire decision query crypto proto telemetry clock",
    ),
    (5, "listener", "service identity parties telemetry"),
    (6, "settings", "listener service gateway audit adapters cache crypto query finding telemetry"),
    (
        7,
        "cli",
        "settings listener service gateway simulate client replay audit adapters cache agreements identity pki parties catalogue wire admin decision query crypto proto finding telemetry clock",
    ),
];

const DOCUMENT: &str = "docs/ARCHITECTURE.md";
const BEGIN: &str = "<!-- layering: written by `UPDATE=1 cargo test tidy` -->\n";
const END: &str = "<!-- end of layering -->";

/// The table as ARCHITECTURE.md shows it.
fn table() -> String {
    let mut text = "| rank | module | may use |\n|---|---|---|\n".to_owned();
    for (rank, module, uses) in LAYERS {
        let uses: Vec<String> = uses.split_whitespace().map(|used| format!("`{used}`")).collect();
        let uses = if uses.is_empty() { "nothing of ours".to_owned() } else { uses.join(" ") };
        writeln!(text, "| {rank} | `{module}` | {uses} |").unwrap();
    }
    text.push_str("| 8 | `main` | `cli` |\n");
    text
}

#[test]
fn the_table_has_no_circles() {
    let ranks: BTreeMap<&str, u32> =
        LAYERS.iter().map(|&(rank, module, _)| (module, rank)).collect();
    assert_eq!(ranks.len(), LAYERS.len(), "a module stands twice in the table");
    for (rank, module, uses) in LAYERS {
        for used in uses.split_whitespace() {
            let below = ranks.get(used).is_some_and(|&other| other < rank);
            assert!(below, "`{module}` (rank {rank}) may use `{used}`, which is not of lower rank");
        }
    }
}

#[test]
fn the_table_is_the_one_of_the_map() {
    let path = root().join(DOCUMENT);
    let Ok(document) = fs::read_to_string(&path) else { return };
    let parts = document.split_once(BEGIN).and_then(|(before, rest)| {
        rest.split_once(END).map(|(shown, after)| (before, shown, after))
    });
    let Some((before, shown, after)) = parts else {
        panic!("{DOCUMENT} needs a line `{}` and below it a line `{END}`", BEGIN.trim_end());
    };
    if shown != table() && std::env::var_os("UPDATE").is_some() {
        fs::write(&path, [before, BEGIN, &table(), END, after].concat()).unwrap();
    } else {
        assert_eq!(
            shown,
            table(),
            "run `UPDATE=1 cargo test tidy` to write the table into {DOCUMENT}"
        );
    }
}

#[test]
fn modules_use_only_what_the_table_allows() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> = LAYERS
        .iter()
        .map(|&(_, module, uses)| (module, uses.split_whitespace().collect()))
        .chain([("main", BTreeSet::from(["cli"]))])
        .collect();
    let mut wrong = BTreeSet::new();
    for source in sources(&["src"]).iter().filter(|source| !source.is_test) {
        let module = source.path.trim_start_matches("src/").trim_end_matches(".rs");
        let module = module.split('/').next().unwrap_or(module);
        if module == "lib" {
            continue;
        }
        let Some(allowed) = allowed.get(module) else {
            wrong
                .insert(format!("src/{module} is not in the table of {}: give it a rank", file!()));
            continue;
        };
        for (used, line) in uses(source) {
            if used != module && !allowed.contains(used.as_str()) {
                let place = format!("{}:{line}", source.path);
                wrong.insert(format!("{place}: `{module}` may not use `{used}`"));
            }
        }
    }
    super::report(wrong);
}

/// Modules of ours that the file names, with the line.
fn uses(source: &Source) -> Vec<(String, usize)> {
    // `src/a/b.rs` is two below the root, so `super::super::` in it is the root.
    let depth = source.path.trim_end_matches("/mod.rs").matches('/').count();
    let to_root = "super::".repeat(depth);
    let mut found = Vec::new();
    for root in ["crate::", "heyan::", &to_root] {
        for (at, _) in source.code.match_indices(root) {
            let continues = source.code[..at].ends_with(|before: char| {
                before.is_alphanumeric() || before == '_' || before == ':'
            });
            if continues {
                continue;
            }
            let line = source.line_of(at);
            found.extend(
                heads(&source.code[at + root.len()..]).into_iter().map(|used| (used, line)),
            );
        }
    }
    // Names of items at the root, such as a macro's, are no modules.
    found.retain(|(used, _)| used.starts_with(|first: char| first.is_ascii_lowercase()));
    found.retain(|(used, _)| used != "super" && used != "self");
    found
}

/// `a::b` → `a`; `{a::b, c}` → `a`, `c`.
fn heads(path: &str) -> Vec<String> {
    let head = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(group) = path.strip_prefix('{') else { return vec![head(path)] };
    let mut depth = 0;
    let mut heads = vec![head(group)];
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(head(&group[at + 1..])),
            _ => {}
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}

#[test]
fn imports_are_understood() {
    assert_eq!(heads("query::time::Timestamp;"), ["query"]);
    assert_eq!(
        heads("{crypto, query::{self, time}, finding::Finding,};"),
        ["crypto", "query", "finding"]
    );
    let source = |path: &str, code: &str| Source {
        path: path.to_owned(),
        whole: String::new(),
        texts: String::new(),
        code: code.to_owned(),
        is_test: false,
    };
    let used = uses(&source("src/a/b.rs", "\nuse super::super::c::D; use super::e; use crate::f;"));
    assert_eq!(used, [("f".to_owned(), 2), ("c".to_owned(), 2)]);
    let used = uses(&source("src/a/mod.rs", "use super::c::D; use self::e;"));
    assert_eq!(used, [("c".to_owned(), 1)]);
}
