//! Pages about sample drafts: what was asked, and what each check compared with what.

use std::fs;
use std::path::Path;

use clap::Parser;

use super::*;
use crate::pki;

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config-example");

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    explain: Explain,
}

/// A folder with a register, and the sample draft with civil affairs with these keys put in and these words changed.
fn prepared(keys: &str, changes: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    pki::init(&folder.path().join("pki"), &pki::demonstration(), now()).unwrap();
    let draft = fs::read_to_string(format!("{SAMPLES}/agreements/civil-affairs.toml")).unwrap();
    let mut draft = draft.replacen("[[legal_basis]]", &format!("{keys}\n[[legal_basis]]"), 1);
    for (good, other) in changes {
        assert!(draft.contains(good), "{good}");
        draft = draft.replace(good, other);
    }
    fs::write(folder.path().join("draft.toml"), draft).unwrap();
    folder
}

fn explained(folder: &Path, line: &str) -> anyhow::Result<Explained> {
    let folder = folder.display();
    let fixed = format!(
        "explain --agreements {folder}/draft.toml --catalogue {SAMPLES}/catalogue --parties {folder}/pki/parties \
         --caller fund-centre/approval {line}"
    );
    from_files(&Line::try_parse_from(fixed.split_whitespace())?.explain)
}

fn code(explained: &Explained) -> &'static str {
    explained.examined.conclusion.as_ref().map_or_else(|denial| denial.code(), |_| "")
}

#[test]
fn hours_are_compared_in_words() {
    let hours = "hours = { days = [\"monday\", \"friday\"], from = \"08:00\", to = \"18:00\" }";
    let folder = prepared(hours, &[]);
    let asked = "--fact M2 --item W3@2026.2 --at";
    let sunday = explained(folder.path(), &format!("{asked} 2026-11-29T10:00")).unwrap();
    assert_eq!(code(&sunday), "OUTSIDE_HOURS");
    let page = tell::page(&sunday, Lang::En, true);
    for said in [
        "May fund-centre/approval ask civil-affairs about M2",
        "2026-11-29 10:00 (Sunday)?\nNo: OUTSIDE_HOURS. ",
        "NO   within_hours           served Monday, Friday 08:00–18:00; asked Sunday 10:00  [OUTSIDE_HOURS]",
        " -   within_quota           not reached",
    ] {
        assert!(page.contains(said), "{said}\n{page}");
    }
    let page = tell::page(&sunday, Lang::Zh, true);
    assert!(page.contains("服务时间：周一、周五 08:00–18:00；查询：周日 10:00"), "{page}");
    let json = tell::json(&sunday);
    assert_eq!(json["decision"]["code"], "OUTSIDE_HOURS");
    assert_eq!(json["candidates"][0]["permits"], false);
    // The same moment, told with an offset; and another.
    for at in ["2026-11-29T02:00:00Z", "2026-11-29T10:00:00+08:00"] {
        let again = explained(folder.path(), &format!("{asked} {at}")).unwrap();
        assert_eq!(again.facts.received_at, sunday.facts.received_at);
    }
    let friday = explained(folder.path(), &format!("{asked} 2026-11-27T17:59")).unwrap();
    assert_eq!(code(&friday), "");
    assert!(
        tell::page(&friday, Lang::En, true)
            .contains("\nYes: agreement hn-gjj-mz-2018-001 version 1, clause 2.")
    );
}

#[test]
fn what_decided_comes_first_and_alone() {
    let hours = "hours = { days = [\"monday\"], from = \"08:00\", to = \"18:00\" }";
    let folder = prepared(hours, &[]);
    let of = |line: &str| explained(folder.path(), line).unwrap();
    let sunday = of("--fact M2 --item W3@2026.2 --at 2026-11-29T10:00");
    let page = tell::page(&sunday, Lang::En, false);
    assert!(page.contains("clause 2\n  NO   within_hours "), "{page}");
    assert!(!page.contains("within_quota") && page.contains("--all"), "{page}");
    let page = tell::page(&sunday, Lang::Zh, false);
    assert!(page.contains("不可以：OUTSIDE_HOURS。当前不在协议"), "{page}");
    let page = tell::page(&of("--fact M2 --item Z9"), Lang::En, false);
    assert!(page.contains(" for Z9, ") && page.contains("NO   well_formed"), "{page}");
    let monday = of("--fact M2 --item W3@2026.2 --at 2026-11-23T10:00");
    assert_eq!(tell::page(&monday, Lang::En, false).lines().count(), 4);
    // No clause at all: which agreements there are is then the answer.
    let page = tell::page(&of("--fact T1 --item L1"), Lang::En, false);
    assert!(page.contains("No: NO_AGREEMENT") && page.contains("is with civil-affairs"), "{page}");
}

#[test]
fn every_demand_can_be_met_on_the_command_line() {
    let keys = "notices = [\"notice-2026\"]\noperator_units = [\"hall-1\"]";
    let about_m2 = (
        "roles = [\"person\", \"spouse\"]",
        "roles = [\"person\", \"spouse\"]\nconsent = true\nrelations = { spouse = [\"verified\"] }",
    );
    let folder = prepared(keys, &[about_m2]);
    let mut line = "--fact M2 --item W3@2026.2".to_owned();
    for (missing, more) in [
        ("RELATION_NOT_PROVEN", "--relation spouse=verified:123"),
        ("OPERATOR_UNIT_NOT_GRANTED", "--unit hall-1"),
        ("NOTICE_MISSING", "--notice notice-2026"),
        ("CONSENT_MISSING", "--consent C-1"),
    ] {
        assert_eq!(code(&explained(folder.path(), &line).unwrap()), missing, "{line}");
        line = format!("{line} {more}");
    }
    let whole = explained(folder.path(), &line).unwrap();
    assert_eq!(code(&whole), "");
    let page = tell::page(&whole, Lang::En, true);
    assert!(page.contains("spouse needs one of verified; stated: verified by entry 123"), "{page}");
    assert!(!page.contains("C-1"), "a reference of consent is nobody's business: {page}");
}

#[test]
fn values_are_held_against_limits_and_not_shown() {
    let limit = (
        "assert = [\"married\", \"registered_on\"]",
        "assert = [\"married\", \"registered_on\"]\nlimits = { registered_on = { comparisons = [\"ge\"], values = [\"2026-01-01\"] } }",
    );
    let folder = prepared("", &[limit]);
    let asked = |assertion: &str| {
        let line = format!("--fact M2 --item W3@2026.2 --assert {assertion}");
        explained(folder.path(), &line).unwrap()
    };
    assert_eq!(code(&asked("registered_on>=2026-01-01")), "");
    assert_eq!(code(&asked("registered_on<=2026-01-01")), "COMPARISON_NOT_GRANTED");
    let other = asked("registered_on>=2025-12-31");
    assert_eq!(code(&other), "VALUE_NOT_GRANTED");
    let page = tell::page(&other, Lang::En, true);
    assert!(page.contains("not kept to") && !page.contains("2025-12-31"), "{page}");
}

#[test]
fn what_makes_no_sense_is_refused_or_a_defect_of_the_question() {
    let folder = prepared("", &[]);
    let of = |line: &str| explained(folder.path(), line);
    for (line, defect) in [
        ("--fact M2 --item Z9", "purpose.item (unknown_item)"),
        ("--fact M2 --item W3@1999", "purpose.item_version (unknown_version)"),
        ("--fact M2 --item W3 --role person", "subjects.spouse (missing)"),
        ("--fact M1 --item W3 --role person --role uncle", "subjects[1].role (unknown_role)"),
        ("--fact M1 --item W3 --disclose colour", "disclose[0] (unknown_attribute)"),
        ("--fact M1 --item W3 --assert colour=1", "assertions[0].attribute (unknown_attribute)"),
        ("--fact M1 --item W3 --material goodwill", "purpose.replaced_material (unknown_material)"),
    ] {
        let explained = of(line).unwrap();
        assert_eq!(code(&explained), "MALFORMED", "{line}");
        let page = tell::page(&explained, Lang::En, true);
        assert!(page.contains(defect), "{line}\n{page}");
    }
    for (line, problem) in [
        ("--fact M2 --item W3 --used hour=3", "none of second, day, month"),
        ("--fact M2 --item W3 --used day=many", "write second=3"),
        ("--fact M2 --item W3 --relation spouse", "write ROLE=RELATION"),
        ("--fact M2 --item W3 --relation uncle=declared", "in the role `uncle`"),
        ("--fact M2 --item W3 --at yesterday", "no moment such as"),
        ("--fact M2", "--item"),
    ] {
        let text = of(line).err().map(|error| format!("{error:#}")).unwrap_or_default();
        assert!(text.contains(problem), "{line}: {text}");
    }
}

/// A check that a page has no words for would be an empty line.
#[test]
fn every_check_has_words() {
    let folder = prepared("", &[]);
    let explained = explained(folder.path(), "--fact M2 --item W3@2026.2").unwrap();
    for lang in [Lang::En, Lang::Zh] {
        for step in &explained.examined.question {
            assert_ne!(
                words::of_question(step.check, &explained.facts, lang),
                "",
                "{}",
                step.check
            );
        }
        for candidate in &explained.examined.candidates {
            for step in &candidate.steps {
                let said = words::of_clause(step.check, &explained, candidate, step, lang);
                assert_ne!(said, "", "{}", step.check);
            }
        }
    }
    let checks: Vec<&str> = crate::decision::checks().collect();
    assert!(checks.iter().all(|check| words::name(check, Lang::Zh) != *check), "{checks:?}");
}
