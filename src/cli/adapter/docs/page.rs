//! What stands on an adapter's page, before it is Markdown or HTML. The same manifest and fixtures make the same page,
//! byte for byte: no time, no path of this machine.

use super::meaning::meaning;
use crate::adapters::portrait::{Operation, Portrait, Term};
use crate::adapters::{Played, Rehearsal};
use crate::catalogue::{Attribute, AttributeKind, Role};
use crate::crypto;

/// A page.
pub(super) struct Page {
    pub(super) title: String,
    pub(super) subtitle: String,
    pub(super) blocks: Vec<Block>,
}

/// One piece of a page.
pub(super) enum Block {
    /// A heading of the second or third rank.
    Heading(u8, String),
    /// A paragraph.
    Text(String),
    /// A table.
    Table(Vec<&'static str>, Vec<Vec<Cell>>),
}

/// A cell of a table.
pub(super) enum Cell {
    /// Words.
    Text(String),
    /// Something from the manifest, as it is written.
    Code(String),
}

impl Cell {
    fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    fn code(text: impl Into<String>) -> Self {
        Self::Code(text.into())
    }
}

/// The page of an adapter.
pub(super) fn of(portrait: &Portrait, rehearsal: Option<&Rehearsal>) -> Page {
    let file = portrait.file.file_name().unwrap_or_default().to_string_lossy();
    let mut blocks = vec![
        Block::Text(
            "核验网关向贵单位查询什么、如何查询、如何理解答复。本页由接口配置文件生成，不含密钥。 What the verification \
             gateway asks your agency, how, and how it reads your answers. Made from the manifest; no secret is in it."
                .to_owned(),
        ),
        head(portrait, &file),
        Block::Heading(2, "查询什么 What is asked".to_owned()),
        asked(portrait),
    ];
    for operation in &portrait.operations {
        blocks.extend(fact(operation, rehearsal));
    }
    let sections: [(&str, &[&str]); 5] = [
        (
            "如何连接 How your agency is reached",
            &["transport", "http.", "soap.", "sql.", "file.", "grpc."],
        ),
        ("登录与签名 Logging in and signing", &["sign.", "session."]),
        ("频次、时限与重试 Rates, time limits and retries", &["resilience."]),
        ("停机时段 When your agency is not asked", &["maintenance"]),
        ("常量与密钥位置 Constants, and where secrets are kept", &["settings.", "secrets."]),
    ];
    for (heading, keys) in sections {
        let terms = portrait.terms.iter();
        let terms: Vec<&Term> =
            terms.filter(|term| keys.iter().any(|key| term.key.starts_with(key))).collect();
        if !terms.is_empty() {
            blocks.push(Block::Heading(2, heading.to_owned()));
            blocks.push(set(&terms));
        }
    }
    if let Some(rehearsal) = rehearsal {
        blocks.extend(proved(rehearsal));
    }
    if !portrait.warnings.is_empty() {
        blocks.push(Block::Heading(2, "注意 To be seen to".to_owned()));
        let warnings = portrait.warnings.iter().map(|warning| {
            let line = warning.place.map_or_else(String::new, |(line, _)| line.to_string());
            vec![Cell::text(line), Cell::text(warning.problem.clone())]
        });
        blocks.push(Block::Table(vec!["行 Line", "内容 What"], warnings.collect()));
    }
    let title = format!("{} {}", portrait.agency, portrait.name);
    let title =
        if portrait.agency.as_str() == portrait.name { portrait.name.clone() } else { title };
    Page {
        title: format!("查询接口 Adapter {title}"),
        subtitle: format!("{file} · {}", portrait.version),
        blocks,
    }
}

fn head(portrait: &Portrait, file: &str) -> Block {
    let row = |name: &str, cell: Cell| vec![Cell::text(name), cell];
    Block::Table(
        vec!["", ""],
        vec![
            row("单位 Agency", Cell::text(portrait.agency.to_string())),
            row("接口 Adapter", Cell::text(portrait.name.clone())),
            row("版本 Version", Cell::text(portrait.version.clone())),
            row("方式 Transport", Cell::text(portrait.transport)),
            row("文件 File", Cell::code(file)),
            row("SHA-256", Cell::code(crypto::hex(&portrait.digest))),
        ],
    )
}

fn asked(portrait: &Portrait) -> Block {
    let rows = portrait.operations.iter().map(|operation| {
        let fact = &operation.fact;
        let roles: Vec<String> = fact.roles.iter().map(role).collect();
        let about = Cell::text(roles.join(", "));
        vec![
            Cell::text(fact.code.as_str()),
            Cell::text(fact.title_zh.clone()),
            Cell::text(fact.title.clone()),
            about,
        ]
    });
    Block::Table(vec!["事实 Fact", "名称", "Title", "对象 About"], rows.collect())
}

fn role(role: &Role) -> String {
    let mut text = format!("{} ({}", role.name, role.kind);
    if role.optional {
        text.push_str(", 可缺 optional");
    }
    if role.many {
        text.push_str(", 可多 several");
    }
    text + ")"
}

fn fact(operation: &Operation, rehearsal: Option<&Rehearsal>) -> Vec<Block> {
    let fact = &operation.fact;
    let mut blocks =
        vec![Block::Heading(2, format!("{} {} {}", fact.code, fact.title_zh, fact.title))];
    blocks.push(Block::Heading(3, "属性 Attributes".to_owned()));
    blocks.push(attributes(operation));
    let groups: [(&str, &[&str]); 4] = [
        ("发送内容 What is sent", &["request.", "statement", "parameters[", "lookup", "paging."]),
        ("答复的读取 How the reply is read", &["document", "as_of", "checked"]),
        ("结论 Outcomes", &["outcome."]),
        ("本项限制 Limits of its own", &["idempotent", "resilience."]),
    ];
    for (heading, keys) in groups {
        let terms = operation.terms.iter();
        let terms: Vec<&Term> =
            terms.filter(|term| keys.iter().any(|key| term.key.starts_with(key))).collect();
        if !terms.is_empty() {
            blocks.push(Block::Heading(3, heading.to_owned()));
            blocks.push(set(&terms));
        }
    }
    let codes: Vec<Vec<Cell>> = operation
        .terms
        .iter()
        .filter_map(|term| {
            let (table, code) = term.key.strip_prefix("codes.")?.split_once('.')?;
            Some(vec![Cell::code(table), Cell::code(code), Cell::code(term.value.clone())])
        })
        .collect();
    if !codes.is_empty() {
        blocks.push(Block::Heading(3, "代码表 Code tables".to_owned()));
        blocks.push(Block::Table(vec!["表 Table", "代码 Code", "含义 Stands for"], codes));
    }
    let played = rehearsal.into_iter().flat_map(|rehearsal| &rehearsal.played);
    let played: Vec<_> = played.filter(|played| played.fact == fact.code).map(fixture).collect();
    blocks.push(Block::Heading(3, "样例 Fixtures".to_owned()));
    blocks.push(match played.is_empty() {
        true => Block::Text("没有样例。There are none.".to_owned()),
        false => Block::Table(vec!["样例 Fixture", "结论 Shows", "结果 Result"], played),
    });
    blocks
}

fn fixture(played: &Played) -> Vec<Cell> {
    let result = match played.differences.first() {
        None => "✓".to_owned(),
        Some(first) => format!("✗ {}", first.what),
    };
    vec![Cell::text(played.name.clone()), Cell::text(played.outcome.clone()), Cell::text(result)]
}

fn attributes(operation: &Operation) -> Block {
    let rows = operation.fact.attributes.iter().map(|attribute| {
        let key = format!("attributes.{}", attribute.name);
        let term = operation.terms.iter().find(|term| term.key == key);
        let read = term.map_or_else(
            || Cell::text("由程序给出 named by the program"),
            |term| Cell::code(term.value.clone()),
        );
        let line =
            term.and_then(|term| term.line).map_or_else(String::new, |line| line.to_string());
        vec![
            Cell::code(attribute.name.clone()),
            Cell::text(attribute.title_zh.clone()),
            Cell::text(kind(attribute)),
            read,
            Cell::text(line),
        ]
    });
    let names = ["属性 Attribute", "名称", "类型 Type", "取自答复 From the reply", "行 Line"];
    Block::Table(names.to_vec(), rows.collect())
}

fn kind(attribute: &Attribute) -> String {
    let mut text = attribute.kind.name().to_owned();
    if let AttributeKind::Code(codes) = &attribute.kind {
        text.push_str(&format!(": {}", codes.join(", ")));
    }
    if attribute.optional {
        text.push_str(" (可缺 may be absent)");
    }
    text
}

fn set(terms: &[&Term]) -> Block {
    let has_lines = terms.iter().any(|term| term.line.is_some());
    let rows = terms.iter().map(|term| {
        let about = Cell::text(meaning(&term.key));
        let mut row = vec![about, Cell::code(term.key.clone()), Cell::code(term.value.clone())];
        if has_lines {
            row.push(Cell::text(term.line.map_or_else(String::new, |line| line.to_string())));
        }
        row
    });
    let mut names = vec!["含义 Meaning", "键 Key", "值 Value"];
    if has_lines {
        names.push("行 Line");
    }
    Block::Table(names, rows.collect())
}

fn proved(rehearsal: &Rehearsal) -> Vec<Block> {
    let mut blocks = vec![Block::Heading(2, "样例覆盖 What the fixtures prove".to_owned())];
    if !rehearsal.has_fixtures {
        blocks.push(Block::Text("没有样例。There are no fixtures.".to_owned()));
        return blocks;
    }
    let failed = rehearsal.played.iter().filter(|played| !played.differences.is_empty()).count();
    let mut text = format!("{} fixtures, {failed} failed", rehearsal.played.len());
    if let Some(coverage) = &rehearsal.coverage {
        let (percentage, reached, of) = (coverage.percentage(), coverage.reached, coverage.of);
        text.push_str(&format!(
            "; coverage {percentage} % ({reached} of {of} expressions, ways and codes)"
        ));
    }
    blocks.push(Block::Text(text));
    let bare: Vec<&str> = rehearsal.bare.iter().map(|fact| fact.as_str()).collect();
    if !bare.is_empty() {
        blocks.push(Block::Text(format!(
            "没有样例的事实 Facts without fixtures: {}",
            bare.join(", ")
        )));
    }
    blocks
}
