//! The sample catalogue is whole; broken copies of it are refused, with the line.

mod schemas;

use std::fs;

use super::*;
use crate::query::value::Comparison;

const FACTS: &str = r#"
[[fact]]
code = "M2"
version = "2026.1"
effective_from = "2018-01-01"
agency = "civil-affairs"
title = "Married"
title_zh = "婚姻"
fresh_for = "3d"
roles = [
  { name = "person", kind = "person" },
]
attributes = [
  { name = "married", type = "truth", title_zh = "夫妻" },
  { name = "kind", type = "code", title_zh = "类", codes = ["a", "b"] },
  { name = "on", type = "date", title_zh = "日", optional = true },
]
confirms = { attribute = "married", comparison = "eq", values = [true] }
"#;

const ITEMS: &str = r#"
[[item]]
code = "W3"
version = "2026.1"
effective_from = "2026-01-01"
effective_to = "2026-09-20"
title = "Rent"
title_zh = "租房"
channel = "online"
facts = ["M2"]
materials = { marriage_certificate = "结婚证" }

[[item]]
code = "W3"
version = "2026.2"
effective_from = "2026-09-20"
title = "Rent"
title_zh = "租房"
channel = "online"
facts = ["M2"]
"#;

fn loaded(facts: &str, items: &str) -> Result<Catalogue, Vec<Finding>> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("facts", facts), ("items", items)] {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("one.toml"), text).unwrap();
    }
    Catalogue::load(folder.path())
}

#[test]
fn the_sample_catalogue_is_whole() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/config-example/catalogue");
    let catalogue = Catalogue::load(Path::new(folder)).unwrap_or_else(|findings| {
        panic!("{}", findings.iter().map(|finding| format!("{finding}\n")).collect::<String>())
    });
    assert_eq!(catalogue.facts().count(), 30);
    let codes: BTreeSet<&ItemCode> = catalogue.items().map(|item| &item.code).collect();
    assert_eq!(codes.len(), 21);
    assert_eq!(catalogue.items().count(), 22);
    // As the centre reported it: 17 of 21 can be applied for online, 9 of them end to end.
    let through = |channel| {
        let items = catalogue.items().filter(|item| item.channel == channel);
        items.map(|item| &item.code).collect::<BTreeSet<_>>().len()
    };
    assert_eq!(
        [Channel::Online, Channel::PreApplication, Channel::Offline].map(through),
        [9, 8, 4]
    );
    let rent: Vec<_> = catalogue.items().filter(|item| item.code.as_str() == "W3").collect();
    assert_eq!(rent[0].effective_to, "2026-09-20");
    assert_eq!(rent[1].effective_from, "2026-09-20");
    assert_eq!(catalogue.item(&"W3".into(), "2026.2").unwrap().version, "2026.2");
    assert!(catalogue.item(&"W3".into(), "2025.1").is_none() && !catalogue.has_item(&"W9".into()));
    let confirms = catalogue.fact(&"S2".into()).unwrap().confirms.clone().unwrap();
    assert_eq!((confirms.comparison, confirms.values), (Comparison::Ge, vec![Value::Integer(6)]));
}

#[test]
fn the_digest_follows_every_byte() {
    let digest = |facts: &str, items: &str| *loaded(facts, items).unwrap().digest();
    assert_eq!(digest(FACTS, ITEMS), digest(FACTS, ITEMS));
    assert_ne!(digest(FACTS, ITEMS), digest(&format!("{FACTS}\n"), ITEMS));
    assert_ne!(digest(FACTS, ITEMS), digest(FACTS, &format!("{ITEMS}#")));
}

#[test]
fn flaws_are_found_with_their_line() {
    let fact_flaws = [
        ("code = \"M2\"", "code = \"m2\"", 3, "capital letters"),
        ("2018-01-01", "2018-02-30", 5, "is no day"),
        ("kind = \"person\"", "kind = \"perso\"", 11, "did you mean `person`?"),
        ("type = \"truth\"", "type = \"boolean\"", 14, "unknown variant"),
        ("name = \"kind\"", "name = \"married\"", 15, "listed twice"),
        (", codes = [\"a\", \"b\"]", "", 15, "`codes`"),
        ("title_zh = \"日\"", "title_zh = \"日\", codes = [\"x\"]", 16, "`codes`"),
        ("attribute = \"married\"", "attribute = \"maried\"", 18, "unknown_attribute"),
        ("values = [true]", "values = [1]", 18, "value_type"),
        ("values = [true]", "values = []", 18, "values_count"),
        ("comparison = \"eq\"", "comparison = \"ge\"", 18, "comparison_unfit"),
        ("fresh_for = \"3d\"", "fresh_for = \"soon\"", 9, "no duration"),
        ("title = \"Married\"", "titel = \"Married\"", 7, "did you mean `title`?"),
    ];
    for (good, bad, line, problem) in fact_flaws {
        found(loaded(&changed(FACTS, good, bad), ITEMS), line, problem);
    }
    let item_flaws = [
        ("facts = [\"M2\"]", "facts = [\"M9\"]", 10, "which no file has"),
        ("facts = [\"M2\"]", "facts = [\"M2\", \"M2\"]", 10, "twice"),
        ("effective_to = \"2026-09-20\"", "effective_to = \"2026-09-21\"", 16, "overlaps"),
        ("effective_to = \"2026-09-20\"", "", 16, "overlaps"),
        ("effective_to = \"2026-09-20\"", "effective_to = \"2026-01-01\"", 6, "must be after"),
        ("version = \"2026.2\"", "version = \"2026.1\"", 14, "there already"),
        ("channel = \"online\"", "channel = \"on-line\"", 9, "did you mean `online`?"),
    ];
    for (good, bad, line, problem) in item_flaws {
        found(loaded(FACTS, &changed(ITEMS, good, bad)), line, problem);
    }
    let twice = format!("{FACTS}{FACTS}");
    found(loaded(&twice, ITEMS), 21, "there already");
}

#[test]
fn missing_folders_and_an_empty_catalogue_are_findings() {
    assert_eq!(Catalogue::load(Path::new("/nowhere")).unwrap_err().len(), 2);
    assert!(loaded("", "").unwrap_err()[0].problem.contains("no fact"));
}

fn changed(text: &str, good: &str, bad: &str) -> String {
    assert!(text.contains(good), "{good}");
    text.replacen(good, bad, 1)
}

fn found(result: Result<Catalogue, Vec<Finding>>, line: usize, problem: &str) {
    let findings = result.unwrap_err();
    assert!(
        findings.iter().any(|finding| {
            finding.problem.contains(problem) && finding.place.is_some_and(|(at, _)| at == line)
        }),
        "{problem} in line {line}: {findings:?}"
    );
}
