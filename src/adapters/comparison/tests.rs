//! Every part of a manifest that changes is told, with what it bears on.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config-example");

fn catalogue() -> Catalogue {
    Catalogue::load(&Path::new(SAMPLES).join("catalogue")).unwrap()
}

fn sample(agency: &str) -> PathBuf {
    Path::new(SAMPLES).join(format!("adapters/{agency}.toml"))
}

/// A sample, and the same with texts replaced.
fn compared(agency: &str, replaced: &[(&str, &str)]) -> (TempDir, Comparison) {
    let folder = tempfile::tempdir().unwrap();
    let mut text = fs::read_to_string(sample(agency)).unwrap();
    for (from, to) in replaced {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let new = folder.path().join("new.toml");
    fs::write(&new, text).unwrap();
    let compared = compare(&sample(agency), &new, &catalogue());
    (folder, compared.unwrap_or_else(|flaws| panic!("{flaws:#?}")))
}

/// Place, what it bears on, text.
fn told(comparison: &Comparison) -> Vec<(String, &'static str, String)> {
    let places = comparison.places.iter();
    places
        .flat_map(|place| {
            let at = place.fact.as_ref().map_or("", |fact| fact.as_str()).to_owned();
            let told = |change: &Change| (at.clone(), change.bearing.name(), change.text.clone());
            place.changes.iter().map(told).collect::<Vec<_>>()
        })
        .collect()
}

fn one(place: &str, bearing: &'static str, text: &str) -> (String, &'static str, String) {
    (place.to_owned(), bearing, text.to_owned())
}

#[test]
fn every_sample_is_the_same_as_itself() {
    for entry in fs::read_dir(Path::new(SAMPLES).join("adapters")).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_some_and(|extension| extension == "toml") {
            let same = compare(&file, &file, &catalogue()).ok().unwrap();
            assert!(same.is_same() && same.let_go().is_empty(), "{:?}", told(&same));
        }
    }
}

#[test]
fn remarks_and_order_are_nothing_but_kept_answers_are_let_go() {
    let (_folder, same) = compared(
        "police",
        &[
            ("schema  = 1\n", "# remark\nschema = 1\n"),
            ("\"1\" = true\n\"0\" = false", "\"0\" = false\n\"1\" = true"),
        ],
    );
    assert_eq!(told(&same), []);
    assert!(same.is_same() && !same.may_change_answers());
    let facts: Vec<String> = same.let_go().iter().map(ToString::to_string).collect();
    assert_eq!(facts, ["P1", "P2", "P3", "P4"]);
}

#[test]
fn mapping_codes_and_outcomes_may_change_answers() {
    let (_folder, changed) = compared(
        "police",
        &[
            ("doc.DATA.RECORD[0].XM_PPDDM]", "doc.DATA.RECORD[0].GMSFHM_PPDDM]"),
            ("not_found   = 'doc.PACKAGEHEAD.JLS == \"0\"'\n", ""),
            ("\"97\" = \"other\"", "\"98\" = \"other\""),
            ("\"52\", \"97\"]", "\"52\", \"98\"]"),
        ],
    );
    let told = told(&changed);
    let expected = [
        one(
            "P1",
            "answers",
            "attribute `identity_match` is read otherwise: from `codes.flag[doc.DATA.RECORD[0].XM_PPDDM]` to \
             `codes.flag[doc.DATA.RECORD[0].GMSFHM_PPDDM]`",
        ),
        one(
            "P2",
            "answers",
            "the rule for “no record” (`outcome.not_found`): there is none any more; it was `doc.PACKAGEHEAD.JLS == \"0\"`",
        ),
        one(
            "P3",
            "answers",
            "code `98` of table `relation` (children, head_relation): new, stands for \"other\"; it was a contract error",
        ),
        one(
            "P3",
            "answers",
            "code `97` of table `relation` (children, head_relation): gone, stood for \"other\"; a reply with it is a contract error now",
        ),
    ];
    assert_eq!(told, expected);
    assert!(changed.may_change_answers());
}

#[test]
fn where_and_how_patiently_an_agency_is_asked_changes_no_answer() {
    let (_folder, changed) = compared(
        "police",
        &[
            ("127.0.0.1:7501", "127.0.0.1:7601"),
            ("../pki/police/ca.pem", "../pki/police/next-ca.pem"),
            ("../secrets/police-app-key", "../secrets/police-app-key-2"),
            ("algorithm = \"hmac-sha256\"", "algorithm = \"hmac-sm3\""),
            ("timeout = \"3s\"", "timeout = \"4s\""),
            ("rate_per_second = 20", "rate_per_second = 10"),
            (
                "[sign]",
                "[[maintenance]]\ndays = [\"Sunday\"]\nfrom = \"02:00\"\nto = \"04:00\"\n[sign]",
            ),
            ("idempotent = true", "idempotent = false"),
        ],
    );
    let told = told(&changed);
    assert!(told.iter().all(|(_, bearing, _)| *bearing == "reach"), "{told:#?}");
    for expected in [
        "the agency's address (`soap.base`): from `https://127.0.0.1:7501` to `https://127.0.0.1:7601`",
        "whose certificates are trusted (`soap.ca`): from `../pki/police/ca.pem` to `../pki/police/next-ca.pem`",
        "where a secret is (`secrets.app_key`): from `../secrets/police-app-key` to `../secrets/police-app-key-2`",
        "how requests are signed (`sign.algorithm`): from `hmac-sha256` to `hmac-sm3`",
        "how long an attempt may take (`soap.timeout`): from `3s` to `4s`",
        "how many questions a second (`resilience.rate_per_second`): from `20` to `10`",
        "when the agency is not there (`maintenance`): now `Sunday 02:00–04:00`; there was none",
        "whether asking twice does no harm (`idempotent`): from `true` to `false`",
    ] {
        assert!(told.iter().any(|(_, _, text)| text == expected), "{expected}\n{told:#?}");
    }
    assert!(!changed.may_change_answers());
}

#[test]
fn facts_come_and_go() {
    let (_folder, changed) =
        compared("tax", &[("[[operation]]\nfact       = \"T4\"\nidempotent = true", "")]);
    let gone = "it is not answered any more: whoever asks gets no answer";
    assert_eq!(told(&changed), [one("T4", "answers", gone)]);
}

#[test]
fn fixtures_that_come_out_otherwise_are_named() {
    // The new file has no fixtures, so those of the old one are played.
    let (_folder, changed) =
        compared("police", &[("doc.DATA.RECORD[0].SWBS]", "doc.DATA.RECORD[0].SW]")]);
    assert!(changed.replay.played > 10, "{:?}", changed.replay);
    assert_eq!(changed.replay.flaws, []);
    let found = changed.replay.turned.iter().find(|turned| turned.name == "match").unwrap();
    assert_eq!((found.fact.as_str(), found.old.outcome), ("P1", "found"));
    let words = found.words();
    assert!(words.starts_with("found → contract error (attributes.deceased"), "{words}");
    let (_folder, sent) = compared("police", &[("<JLS>1</JLS>", "<JLS>2</JLS>")]);
    let words = sent.replay.turned[0].words();
    assert_eq!(words, "what is sent differs: exchange 1, body");
}

#[test]
fn a_manifest_with_flaws_cannot_be_compared() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m.toml");
    fs::write(&file, "schema = 1\n").unwrap();
    let flaws = compare(&sample("police"), &file, &catalogue()).err().unwrap();
    assert!(flaws.iter().all(|flaw| flaw.file == file));
}
