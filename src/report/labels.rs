//! The words of reports in both languages.

/// Stable name, Chinese, colour in charts: the verdicts in the order of every table.
pub const VERDICTS: [(&str, &str, &str); 6] = [
    ("CONFIRMED", "一致", "#2f7d5b"),
    ("REFUTED", "不一致", "#a5482f"),
    ("NOT_FOUND", "查无记录", "#6f7f8f"),
    ("STALE", "记录过期", "#c08a1e"),
    ("CONFLICT", "记录矛盾", "#7a5195"),
    ("UNAVAILABLE", "无法核验", "#b9c2ca"),
];

/// The same for denials.
pub const DENIED: (&str, &str, &str) = ("DENIED", "拒绝", "#1f4e79");

/// A verdict in both languages.
pub fn verdict(name: &str) -> String {
    let known = VERDICTS.iter().find(|(known, _, _)| *known == name);
    known.map_or(name.to_owned(), |(name, zh, _)| format!("{zh} {name}"))
}
