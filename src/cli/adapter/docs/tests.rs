//! Pages say everything, are always the same, and nothing of a manifest becomes markup.

use std::fs;
use std::path::Path;

use super::{html, markdown, page};
use crate::adapters::{self, portrait::Portrait};
use crate::catalogue::Catalogue;

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config-example");

/// Markdown and HTML of a manifest.
fn pages(file: &Path) -> (String, String) {
    let catalogue = Catalogue::load(&Path::new(SAMPLES).join("catalogue")).unwrap();
    let portrait = match Portrait::read(file, &catalogue) {
        Ok(portrait) => portrait,
        Err(flaws) => panic!("{flaws:#?}"),
    };
    let rehearsal = adapters::rehearse(file, &catalogue).remove(0);
    let page = page::of(&portrait, Some(&rehearsal));
    (markdown::write(&page), html::write(&page))
}

fn parsed(html: &str) -> roxmltree::Document<'_> {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    roxmltree::Document::parse_with_options(html, options).unwrap()
}

#[test]
fn a_page_tells_what_is_asked_and_how_it_is_read() {
    let (markdown, html) = pages(&Path::new(SAMPLES).join("adapters/police.toml"));
    for expected in [
        "# 查询接口 Adapter police",
        "| P1 | 身份核验 | Identity: number and name belong together | person (person) |",
        "| `identity_match` | 号码与姓名一致 | truth | `codes.flag[doc.DATA.RECORD[0].XM_PPDDM]` | ",
        "| 无法答复 cannot answer | `outcome.unavailable` | `resp.status != 200 \\|\\| doc.PACKAGEHEAD.FHDM != \"10\"` | ",
        "| `relation` | `97` | `\"other\"` |",
        "| 地址 address | `soap.base` | `https://127.0.0.1:7501` |",
        "| 密钥文件位置 where a secret is | `secrets.app_key` | `../secrets/police-app-key` |",
        "| 每秒查询数 questions a second | `resilience.rate_per_second` | `20` |",
        "| match | found | ✓ |",
    ] {
        assert!(markdown.contains(expected), "{expected}\n{markdown}");
    }
    assert!(!markdown.contains(SAMPLES) && !html.contains(SAMPLES), "a path of this machine");
    let document = parsed(&html);
    let has = |text: &str| document.descendants().any(|node| node.text() == Some(text));
    assert!(has("codes.flag[doc.DATA.RECORD[0].XM_PPDDM]") && has("身份核验"));
}

#[test]
fn the_same_manifest_makes_the_same_page() {
    for entry in fs::read_dir(Path::new(SAMPLES).join("adapters")).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_some_and(|end| end == "toml") {
            assert_eq!(pages(&file), pages(&file), "{}", file.display());
            parsed(&pages(&file).1);
        }
    }
}

#[test]
fn every_row_of_a_table_has_its_columns() {
    let (markdown, _) = pages(&Path::new(SAMPLES).join("adapters/housing.toml"));
    let bars = |line: &str| line.replace("\\|", "").matches('|').count();
    let mut columns = None;
    for line in markdown.lines() {
        if line.starts_with('|') {
            assert_eq!(*columns.get_or_insert(bars(line)), bars(line), "{line}");
        } else {
            columns = None;
        }
    }
}

#[test]
fn nothing_of_a_manifest_becomes_markup() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("police.toml");
    let text = fs::read_to_string(Path::new(SAMPLES).join("adapters/police.toml")).unwrap();
    let wild = "version = '1 <script>alert(1)</script> | `x` [a](b) **c**'";
    fs::write(&file, text.replacen("version = \"1.0.0\"", wild, 1)).unwrap();
    let (markdown, html) = pages(&file);
    assert!(
        markdown.contains(r"\<script\>alert(1)\</script\> \| \`x\` \[a\](b) \*\*c\*\*"),
        "{markdown}"
    );
    let document = parsed(&html);
    assert!(document.descendants().all(|node| !node.has_tag_name("script")));
}
