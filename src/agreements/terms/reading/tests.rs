//! Every key is read, in both languages, and nothing that is read plays tricks.

use std::path::Path;

use super::super::tests::DRAFT;
use super::super::tests::variants::{FULL, variants};
use super::super::{Look, Terms};
use super::*;
use crate::catalogue::Catalogue;

const LANGUAGES: [Language; 2] = [Language::Chinese, Language::English];

fn page(terms: &Terms, voice: &Voice<'_>) -> String {
    terms.read(voice).page(Look { width: 10_000, colour: false })
}

fn full() -> Terms {
    Terms::parse(Path::new("full.toml"), FULL).unwrap()
}

/// A new key that nobody reads out fails here: changing it changes no page.
#[test]
fn whatever_differs_reads_differently() {
    let full = full();
    for language in LANGUAGES {
        let voice = Voice::of(language);
        let read = full.read(&voice);
        let mut count = 0;
        for (place, variant) in variants(&full) {
            // The version of the form is the program's business.
            if place.starts_with("/schema ") {
                continue;
            }
            count += 1;
            assert_ne!(variant.read(&voice), read, "{place}");
        }
        assert!(count > 500, "{count}");
    }
}

#[test]
fn a_page_says_what_was_agreed() {
    let full = full();
    for (language, words) in [
        (
            Language::Chinese,
            &[
                "婚姻与救助信息共享协议",
                "协议编号 hn-gjj-mz-2026-002，第 2 版",
                "平台方            data-authority，须一并签署",
                "周一、周二、周日 06:30–23:00（北京时间）。",
                "每秒最多 10 次，每日最多 20000 次，每月最多 300000 次",
                "2026-01-01 00:00（北京时间）",
                "civil-affairs、data-authority可单方提出，须至少提前 2 天通知。",
                "· months  核验（是与否）: 可，仅可比较：不小于、不大于；仅可与下列值比较：6、12、24、是；比较值须为 6 的整数倍  披露（值）: 否",
                "· spouse_name  核验（是与否）: 否  披露（值）: 脱敏：仅留首字",
                "· photo  核验（是与否）: 否  披露（值）: 不予共享",
                "person、spouse（须由申请人申报，或此前核验已证明）。",
                "使用方对披露的数据最长留存 3 年，到期删除。",
            ][..],
        ),
        (
            Language::English,
            &[
                "Marriage and relief for the provident fund",
                "agreement hn-gjj-mz-2026-002, version 2",
                "Monday, Tuesday, Sunday, 06:30–23:00, China time.",
                "at most 10 a second, at most 20000 a day, at most 300000 a month",
                "Each of these may alone, with a notice of at least 31 days: data-authority.",
                "1 day when found, 1 hour when there is no record; 7 days longer while the provider is away",
                "The person has been given one of these notices before: gz-2026-01, gz-2026-02.",
                "Clause 3: M2",
            ][..],
        ),
    ] {
        let page = page(&full, &Voice::of(language));
        for word in words {
            assert!(page.contains(word), "{word}\n{page}");
        }
    }
}

#[test]
fn codes_have_their_titles_where_a_catalogue_is_at_hand() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("config-example/catalogue");
    let catalogue = Catalogue::load(&samples).unwrap();
    let terms = Terms::parse(Path::new("draft.toml"), DRAFT).unwrap();
    for (language, words) in [
        (
            Language::Chinese,
            [
                "M2（婚姻关系核验）",
                "W3（租房提取）",
                "married（双方为夫妻）",
                "marriage_certificate（结婚证）",
            ],
        ),
        (
            Language::English,
            [
                "M2 (Two persons are married to each other)",
                "W3 (Withdraw for rent, owning no home)",
                "married (双方为夫妻)",
                "marriage_certificate (结婚证)",
            ],
        ),
    ] {
        let voice = Voice { catalogue: Some(&catalogue), ..Voice::of(language) };
        let page = page(&terms, &voice);
        for word in words {
            assert!(page.contains(word), "{word}\n{page}");
        }
    }
}

#[test]
fn durations_are_spelt_out_as_written() {
    for (text, chinese, english) in [
        ("3d", "3 天", "3 days"),
        ("1h 30m", "1 小时 30 分钟", "1 hour 30 minutes"),
        ("1M", "1 个月", "1 month"),
        ("2 weeks", "2 周", "2 weeks"),
        ("500ms", "500ms", "500ms"),
        ("\u{202e}", "\\u{202e}", "\\u{202e}"),
    ] {
        assert_eq!(Voice::of(Language::Chinese).span(text), chinese);
        assert_eq!(Voice::of(Language::English).span(text), english);
    }
}

/// Every text of the draft, one after another, tries to turn the page upside down.
#[test]
fn no_text_gets_out_of_its_place() {
    let wild = "\u{1b}[2J\u{202e}evil\u{200b}\r\n<script>";
    let mut json = serde_json::to_value(full()).unwrap();
    fn spoil(json: &mut serde_json::Value, wild: &str) {
        match json {
            serde_json::Value::String(text) => text.push_str(wild),
            serde_json::Value::Array(list) => list.iter_mut().for_each(|one| spoil(one, wild)),
            serde_json::Value::Object(keys) => keys.values_mut().for_each(|one| spoil(one, wild)),
            _ => {}
        }
    }
    for key in [
        "title",
        "title_zh",
        "id",
        "consumer",
        "systems",
        "legal_basis",
        "undertaking",
        "annex",
        "contact",
        "notices",
        "operator_units",
    ] {
        spoil(&mut json[key], wild);
    }
    for key in ["fact", "items", "roles", "assert", "disclose", "never", "max_age", "replaces"] {
        spoil(&mut json["clause"][0][key], wild);
    }
    let terms: Terms = serde_json::from_value(json).unwrap();
    for language in LANGUAGES {
        let page = page(&terms, &Voice::of(language));
        assert!(page.contains("\\u{202e}evil"));
        let unseen = |character: char| {
            character != '\n' && (character.is_control() || "\u{202e}\u{200b}".contains(character))
        };
        assert!(!page.contains(unseen), "{page}");
    }
}
