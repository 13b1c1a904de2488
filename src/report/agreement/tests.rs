//! The page, and texts that try to get out of it.

use std::path::Path;

use super::*;

const DRAFT: &str = concat!(
    include_str!("../../agreements/terms/full.toml"),
    "\n[[undertaking]]\nparty = \"fund-centre\"\ntext = \"\"\"</td><script>alert('x')</script> \\u202Eevil & \\\"q\\\" \\u001B[2J\"\"\"\n"
);

const ZH: Voice<'_> = Voice { language: Language::Chinese, catalogue: None, parties: None };
const EN: Voice<'_> = Voice { language: Language::English, catalogue: None, parties: None };

/// Drafts with such characters are refused. The page does not count on that.
fn terms() -> Terms {
    assert!(Terms::parse(Path::new("draft.toml"), DRAFT).is_err());
    crate::finding::parse_toml(Path::new("draft.toml"), DRAFT).unwrap()
}

fn parsed(page: &str) -> roxmltree::Document<'_> {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    roxmltree::Document::parse_with_options(page, options).unwrap()
}

#[test]
fn the_page_stands_alone_and_says_everything() {
    let page = page(&terms(), None, &[ZH, EN]);
    let document = parsed(&page);
    let sections: Vec<_> = document
        .descendants()
        .filter(|node| node.has_tag_name(("http://www.w3.org/1999/xhtml", "section")))
        .collect();
    assert_eq!(sections.len(), 2);
    for words in [
        "婚姻与救助信息共享协议",
        "草案，未经签署",
        "档号",
        "（盖章处）",
        "第 1 条 M1",
        "第二十五条",
        "Clause 3: M2",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "0731-5550100",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(
        !page.contains("http://") || page.matches("http://").count() == 1,
        "only the namespace"
    );
    assert!(!page.contains("src=") && !page.contains("url("));
}

#[test]
fn what_authors_wrote_stays_text() {
    let page = page(&terms(), None, &[ZH]);
    let document = parsed(&page);
    assert!(document.descendants().all(|node| node.tag_name().name() != "script"));
    assert!(page.contains("&lt;/td&gt;&lt;script&gt;alert(&#39;x&#39;)"));
    assert!(page.contains("\\u{202e}evil &amp; &quot;q&quot; \\u{1b}[2J"));
    assert!(!page.contains(['\u{202e}', '\u{1b}']));
}

#[test]
fn digests_are_grouped() {
    let digest = "0123456789abcdef".repeat(4);
    let line = "01234567 89abcdef 01234567 89abcdef";
    assert_eq!(grouped(&digest), format!("{line}\n{line}"));
}
