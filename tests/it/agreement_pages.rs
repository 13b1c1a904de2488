//! The commands that read agreements out, by the built program: pages, differences, the page to be filed, the schema.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use heyan::{clock, pki};

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config-example");

/// A folder with keys, and a document signed by both.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        pki::init(&desk.path("pki"), &pki::demonstration(), clock::now()).unwrap();
        fs::copy(Path::new(SAMPLES).join("agreements/civil-affairs.toml"), desk.path("draft.toml"))
            .unwrap();
        desk.sign("draft.toml", "fund-centre", "half.json");
        desk.sign("half.json", "civil-affairs", "whole.json");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sign(&self, from: &str, party: &str, to: &str) {
        let line = format!(
            "sign @{from} --as {party} --key @pki/{party}/signing.key --parties @pki/parties -o @{to}"
        );
        assert_eq!(self.run(&line).0, 0, "{line}");
    }

    /// Exit code, and all that was printed. `@` stands for the folder.
    fn run(&self, line: &str) -> (i32, String) {
        self.run_in(line, "C.UTF-8")
    }

    fn run_in(&self, line: &str, locale: &str) -> (i32, String) {
        let folder = format!("{}/", self.folder.path().display());
        let output = Command::new(env!("CARGO_BIN_EXE_heyan"))
            .arg("agreement")
            .args(line.split(' ').map(|word| word.replace('@', &folder)))
            .env("LC_ALL", locale)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text =
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), text)
    }

    /// A copy of a file with something else in it.
    fn rewrite(&self, from: &str, to: &str, (old, new): (&str, &str)) {
        let text = fs::read_to_string(self.path(from)).unwrap();
        assert!(text.contains(old), "{old}: {text}");
        fs::write(self.path(to), text.replacen(old, new, 1)).unwrap();
    }
}

fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn an_agreement_is_shown_with_its_signatures() {
    let desk = Desk::new();
    let catalogue = format!("--catalogue {SAMPLES}/catalogue");
    let (code, page) =
        desk.run_in(&format!("show @whole.json --parties @pki/parties {catalogue}"), "zh_CN.UTF-8");
    assert_eq!(code, 0, "{page}");
    says(&page, &["婚姻关系核验", "使用方", "签署", "fund-centre-1", "有效", "核验时点"]);
    let (code, page) = desk.run("show @half.json --parties @pki/parties");
    assert_eq!(code, 0, "{page}");
    says(&page, &["Consumer", "holds", "Missing", "civil-affairs"]);
    says(&desk.run("show @whole.json").1, &["not checked", "Not checked"]);
    says(&desk.run("show @draft.toml --lang zh").1, &["草案：无人签署。"]);

    // A signature of another payload holds for none here.
    desk.rewrite("draft.toml", "other.toml", ("version = 1", "version = 2"));
    desk.sign("other.toml", "fund-centre", "other.json");
    let signature = |name: &str| {
        let json: serde_json::Value =
            serde_json::from_slice(&fs::read(desk.path(name)).unwrap()).unwrap();
        json["signatures"][0]["signature"].as_str().unwrap().to_owned()
    };
    let (old, new) = (signature("whole.json"), signature("other.json"));
    desk.rewrite("whole.json", "bad.json", (&old, &new));
    let (code, page) = desk.run("show @bad.json --parties @pki/parties");
    assert_eq!(code, 1, "{page}");
    says(&page, &["DOES NOT HOLD", "Missing"]);
    assert_eq!(desk.run("show @nothing.json").0, 2);
}

#[test]
fn differences_have_exit_codes() {
    let desk = Desk::new();
    let (code, text) = desk.run("diff @whole.json @draft.toml");
    assert_eq!(code, 0, "{text}");
    says(&text, &["The terms are the same.", "not checked", "draft"]);
    desk.rewrite("draft.toml", "new.toml", ("\"3d\"", "\"2d\""));
    let (code, text) = desk.run("diff @whole.json @new.toml --parties @pki/parties");
    assert_eq!(code, 1, "{text}");
    says(&text, &["- narrower", "oldest answer: from 3 days to 2 days", "1 narrower", "(hold)"]);
    let (code, text) = desk.run("diff @whole.json @new.toml --json");
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &json["same"]), (1, &false.into()));
    assert_eq!(json["changes"][0]["effect"], "narrower");
    assert_eq!(json["old"]["signed_by"].as_array().unwrap().len(), 2);
    assert_eq!(desk.run("diff @whole.json @nothing.toml").0, 2);
    fs::write(desk.path("empty.json"), "{}").unwrap();
    assert_eq!(desk.run("diff @empty.json @whole.json").0, 2);
}

#[test]
fn a_page_is_rendered_to_be_filed() {
    let desk = Desk::new();
    let (code, text) =
        desk.run("render @whole.json -o @page.html --lang both --parties @pki/parties");
    assert_eq!(code, 0, "{text}");
    let page = fs::read_to_string(desk.path("page.html")).unwrap();
    let (_, verified) = desk.run("verify @whole.json --parties @pki/parties");
    let digest = verified.trim().rsplit(' ').next().unwrap();
    let groups: Vec<&str> = (0..8).map(|at| &digest[at * 8..at * 8 + 8]).collect();
    says(&page, &[&groups[..4].join(" "), &groups[4..].join(" ")]);
    says(&page, &["档号", "（盖章处）", "fund-centre-1", "EdDSA", "有效", "holds", "Clause 1"]);
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    roxmltree::Document::parse_with_options(&page, options).unwrap();
    assert_eq!(desk.run("render @whole.json -o @no/page.html").0, 2);
}

#[test]
fn the_schema_is_printed_as_it_is_published() {
    let desk = Desk::new();
    let (code, text) = desk.run("schema");
    assert_eq!(code, 0);
    let published = Path::new(SAMPLES).join("agreements/agreement.schema.json");
    assert_eq!(text, fs::read_to_string(published).unwrap());
}

#[test]
fn texts_play_no_tricks_on_a_terminal() {
    let desk = Desk::new();
    let tricks = "title = \"\\u001b[2J\\u202e\\u009b\\u200b";
    desk.rewrite("draft.toml", "wild.toml", ("title = \"", tricks));
    desk.rewrite("draft.toml", "broken.toml", ("title = ", "\"\\u001b[2J\\u202e\" = "));
    // Whoever reads it is told, and nothing of it reaches the terminal.
    for (line, named) in [
        ("show @wild.toml", "U+001B"),
        ("show @wild.toml --json", "U+001B"),
        ("diff @draft.toml @wild.toml", "U+001B"),
        ("diff @draft.toml @wild.toml --json", "U+001B"),
        ("render @wild.toml -o @page.html", "U+001B"),
        ("show @broken.toml", "202e"),
        ("diff @broken.toml @draft.toml", "202e"),
    ] {
        let (code, text) = desk.run(line);
        assert_eq!(code, 2, "{line}: {text}");
        let unseen = |character: char| {
            (character.is_control() && character != '\n')
                || ['\u{202e}', '\u{200b}'].contains(&character)
        };
        assert!(!text.contains(unseen), "{line}: {text:?}");
        assert!(text.contains(named), "{line}: {text}");
    }
}
