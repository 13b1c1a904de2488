//! Who may use whom. The table here is the one of `docs/ARCHITECTURE.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use super::source::{Source, root, sources};

/// Rank, module, what it may use. Every module used has a lower rank, so there are no circles.
const LAYERS: [(u32, &str, &str); 34] = [
    (0, "query", ""),
    (0, "crypto", ""),
    (0, "proto", ""),
    (0, "telemetry", ""),
    (0, "finding", ""),
    (0, "accounts", ""),
    (0, "workers", ""),
    (1, "clock", "query"),
    (1, "wire", "proto, query"),
    (1, "decision", "crypto, query"),
    (1, "catalogue", "crypto, finding, query"),
    (1, "parties", "crypto, finding, query"),
    (1, "hostile", "proto, query"),
    (2, "identity", "accounts, crypto, decision, parties, query"),
    (2, "agreements", "catalogue, crypto, decision, finding, parties, query"),
    (2, "cases", "catalogue, crypto, query"),
    (2, "cache", "crypto, decision, query"),
    (2, "adapters", "catalogue, crypto, decision, finding, hostile, proto, query, telemetry, wire"),
    (2, "audit", "clock, crypto, decision, proto, query"),
    (2, "pki", "parties, query"),
    (3, "admin", "audit, telemetry"),
    (3, "replay", "agreements, audit, cases, catalogue, crypto, decision, finding, parties, query"),
    (3, "report", "agreements, audit, crypto, decision, parties, query"),
    (3, "client", "audit, crypto, decision, proto, query, wire"),
    (3, "vault", "audit, crypto, decision, query"),
    (3, "disputes", "audit, query"),
    (3, "simulate", "clock, crypto, proto, query"),
    (4, "rehearse", "audit, decision, query, replay"),
    (
        4,
        "evidence",
        "agreements, audit, cases, catalogue, crypto, decision, parties, query, replay, report, vault",
    ),
    (4, "readiness", "adapters, catalogue, decision, parties, query, report"),
    (
        4,
        "gateway",
        "adapters, agreements, audit, cache, catalogue, crypto, decision, disputes, finding, identity, parties, query, telemetry, vault",
    ),
    (
        5,
        "service",
        "accounts, adapters, agreements, audit, cases, catalogue, clock, crypto, decision, disputes, gateway, identity, parties, proto, query, readiness, telemetry, wire",
    ),
    (6, "listener", "identity, parties, telemetry, workers"),
    (7, "settings", "cases, crypto, finding, query, telemetry, workers"),
];

/// Modules above the table: they may use whatever stands below.
const TOP: [(u32, &str, &str); 2] = [(8, "cli", "anything of lower rank"), (9, "main", "cli")];

const DOCUMENT: &str = "docs/ARCHITECTURE.md";
const HEADER: &str = "| rank | module | may use |\n|---|---|---|\n";

/// The table as ARCHITECTURE.md shows it.
fn table() -> String {
    let mut text = HEADER.to_owned();
    for (rank, module, uses) in LAYERS.iter().chain(&TOP) {
        let uses = if uses.is_empty() { String::new() } else { format!("{uses} ") };
        writeln!(text, "| {rank} | `{module}` | {uses}|").unwrap();
    }
    text
}

fn may_use(uses: &'static str) -> BTreeSet<&'static str> {
    uses.split(", ").filter(|used| !used.is_empty()).collect()
}

#[test]
fn the_table_has_no_circles() {
    let ranks: BTreeMap<&str, u32> =
        LAYERS.iter().map(|&(rank, module, _)| (module, rank)).collect();
    assert_eq!(ranks.len(), LAYERS.len(), "a module stands twice in the table");
    for (rank, module, uses) in LAYERS {
        for used in may_use(uses) {
            let below = ranks.get(used).is_some_and(|&other| other < rank);
            assert!(below, "`{module}` (rank {rank}) may use `{used}`, which is not of lower rank");
        }
    }
}

#[test]
fn the_table_is_the_one_of_the_map() {
    let path = root().join(DOCUMENT);
    let document = fs::read_to_string(&path).unwrap();
    let start =
        document.find(HEADER).unwrap_or_else(|| panic!("{DOCUMENT} has no table of layers"));
    let rows = document[start..].split_inclusive('\n').take_while(|line| line.starts_with('|'));
    let end = start + rows.map(str::len).sum::<usize>();
    if document[start..end] != table() && std::env::var_os("UPDATE").is_some() {
        fs::write(&path, [&document[..start], &table(), &document[end..]].concat()).unwrap();
        return;
    }
    let hint =
        format!("`UPDATE=1 cargo test tidy` writes the table of {} into {DOCUMENT}", file!());
    assert_eq!(&document[start..end], table(), "{hint}");
}

#[test]
fn modules_use_only_what_the_table_allows() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> = LAYERS
        .iter()
        .map(|&(_, module, uses)| (module, may_use(uses)))
        .chain([
            ("cli", LAYERS.iter().map(|&(_, module, _)| module).collect()),
            ("main", BTreeSet::from(["cli"])),
        ])
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
