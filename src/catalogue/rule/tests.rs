//! The sample rules are whole; a broken one is refused at its line, and one read back from its text is the same.

use std::fs;
use std::path::Path;

use super::*;
use crate::catalogue::Catalogue;

fn sample() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/config-example/catalogue"))
}

/// The sample catalogue with one rule only, in which `from` stands as `to`.
fn broken(from: &str, to: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for part in ["facts", "items"] {
        fs::create_dir(folder.path().join(part)).unwrap();
        for file in fs::read_dir(sample().join(part)).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), folder.path().join(part).join(file.file_name())).unwrap();
        }
    }
    let text = fs::read_to_string(sample().join("rules/W3-2026.2.toml")).unwrap();
    assert!(text.contains(from), "the sample has no `{from}`");
    fs::create_dir(folder.path().join("rules")).unwrap();
    fs::write(folder.path().join("rules/W3.toml"), text.replacen(from, to, 1)).unwrap();
    match Catalogue::load(folder.path()) {
        Ok(_) => Vec::new(),
        Err(findings) => findings.iter().map(ToString::to_string).collect(),
    }
}

fn refused(from: &str, to: &str, problem: &str) {
    let findings = broken(from, to);
    let place = findings.iter().find(|finding| finding.contains(problem));
    let place = place.unwrap_or_else(|| panic!("`{problem}` is not among {findings:?}"));
    assert!(place.contains("W3.toml:"), "no line: {place}");
}

#[test]
fn bounds_are_of_whole_numbers_and_in_order() {
    let months = "type     = \"integer\"";
    refused(months, "type     = \"integer\"\nleast    = 3\nmost     = 2", "`most` is less than");
    refused(months, "type     = \"integer\"\nmost     = -1", "`most` is less than");
    let truth = "type     = \"truth\"";
    refused(truth, "type     = \"truth\"\nleast    = 3", "belong to the type `integer`");
}

#[test]
fn every_flaw_has_its_line() {
    refused("fact      = \"P1\"", "fact      = \"P9\"", "there is no fact `P9`");
    refused("fact      = \"P1\"", "fact      = \"P2\"", "does not list `P2`");
    refused(
        "about     = { person = \"applicant\" }",
        "about     = { person = \"nobody\" }",
        "neither a party nor a group",
    );
    refused("fresh_for = \"3d\"", "", "`fresh_for` is missing");
    refused("each      = \"person\"\n", "", "say `each = \"person\"`");
    refused(
        "about     = { member = \"family\" }",
        "about     = { member = \"family\" }\neach      = \"member\"",
        "leave `each` out",
    );
    refused("attribute = \"homes\"", "attribute = \"houses\"", "unknown_attribute");
    refused("values = [\"married\"]", "values = [\"wed\"]", "value_type");
    refused(
        "of       = [\"applicant\", \"spouse\"]",
        "of       = [\"applicant\", \"family\"]",
        "waits for itself",
    );
    refused("question = \"homes\"", "question = \"houses\"", "there is no question `houses`");
    refused(
        "bring    = [\"no_home_certificate\"]",
        "bring    = [\"no_home\"]",
        "neither a material of the item nor evidence",
    );
    refused("disclose  = [\"children\"]", "", "must `disclose` the attribute `children`");
    refused(
        "{ parameter = \"months_in_a_row\" }",
        "{ parameter = \"months\" }",
        "a computed value is one of",
    );
    refused("version = \"2026.2\"", "version = \"2026.9\"", "there is no version `2026.9`");
    refused(
        "younger_than = \"grown_up\"",
        "younger_than = \"old\"",
        "neither a sensible number nor a name",
    );
    refused("name     = \"spouse\"\n", "name     = \"applicant\"\n", "is there twice");
    refused(
        "nobody_with = \"single_declaration\"",
        "nobody_when = [\"NOT_FOUND\"]",
        "silence is no answer",
    );
    refused("whose    = \"own\"", "whose    = \"theirs\"", "unknown variant");
    refused(
        "value    = { parameter = \"months_in_a_row\" }",
        "value    = { parameter = \"months_in_a_row\", over = 2 }",
        "`round` where there can be a rest",
    );
    refused(
        "value    = { parameter = \"months_in_a_row\" }",
        "value    = { parameter = \"months_in_a_row\", times = 0 }",
        "`round` where there can be a rest",
    );
    // A condition on what may be left out.
    refused(
        "given    = \"withdrawn_within_12_months\"\ncomparison = \"eq\"\nvalue    = false",
        "complete = \"family\"\nwhen = [{ given = \"rent\", is = [true] }]\n\n[[given]]\nname = \"rent\"\ntitle_zh = \"租\"\ntype = \"truth\"\nwhose = \"own\"\noptional = true",
        "may be left out",
    );
}

/// The number of one property or paper is held against a record; nobody's own number, and none of several.
#[test]
fn the_number_of_a_party_is_that_of_one_property_or_paper() {
    let valid = "{ attribute = \"valid\", comparison = \"eq\", values = [true] }";
    let held = |party: &str| {
        format!(
            "{{ attribute = \"valid\", comparison = \"eq\", values = [{{ number_of = \"{party}\" }}] }}"
        )
    };
    let computed = "a computed value is one of";
    for party in ["applicant", "nobody", "family"] {
        refused(valid, &held(party), computed);
    }
    refused(valid, &held("lease\", given = \"amount_fen"), computed);
    // It is a text: no truth is compared with it.
    refused(valid, &held("lease"), "value_type");
    refused(
        "value      = { parameter = \"yearly_most_fen\" }",
        "value      = { number_of = \"lease\" }",
        "a need by `given` takes no `number_of`",
    );
}

/// A threshold that nothing looked at is no reason not to read a rule that was in force.
#[test]
fn a_rule_of_the_log_may_have_an_idle_parameter() {
    let text = fs::read_to_string(sample().join("rules/W3-2026.2.toml")).unwrap();
    let idle = text.replacen("[parameters]\n", "[parameters]\nnever = 1\n", 1);
    let written = Written::from_text(&idle).unwrap();
    assert_eq!(written.rule.parameters.get("never"), Some(&1));
}

#[test]
fn what_decides_nothing_is_a_flaw() {
    refused("question = \"identity\"", "question = \"homes\"", "`identity` decides nothing");
    refused(
        "given    = \"months_in_a_row\"\ncomparison = \"ge\"",
        "given    = \"withdrawn_within_12_months\"\ncomparison = \"eq\"",
        "`months_in_a_row` decides nothing",
    );
    refused("nobody_with = \"single_declaration\"", "", "`single_declaration` decides nothing");
    refused("any      = [\"identity_known\", \"identity_seen\"]", "any = []", "would always hold");
}

#[test]
fn a_number_that_decides_nothing_or_comes_to_no_number_has_its_line() {
    refused("[parameters]\n", "[parameters]\nnever = 1\n", "the parameter `never` decides nothing");
    refused(
        "younger_than = \"grown_up\"",
        "younger_than = 18",
        "the parameter `grown_up` decides nothing",
    );
    refused(
        "given      = \"amount_fen\"\ncomparison = \"le\"\nvalue      = { parameter = \"yearly_most_fen\" }",
        "given      = \"amount_fen\"\ncomparison = \"le\"\nvalue      = 1800000",
        "the parameter `yearly_most_fen` decides nothing",
    );
}

/// A rule of the log is read like any other: what is too large or too deep is refused there, too.
#[test]
fn a_rule_has_limits() {
    let rule = |needs: &str| {
        let head = "item = \"X\"\nversion = \"1\"\nlegal_basis = [\"a\"]\n[[given]]\nname = \"g\"\ntitle_zh = \"g\"\ntype = \"truth\"\nwhose = \"own\"\n";
        match Written::from_text(&format!("{head}{needs}")) {
            Ok(_) => String::new(),
            Err(findings) => findings.iter().map(ToString::to_string).collect(),
        }
    };
    let stated = |name: usize| {
        format!(
            "[[need]]\nname = \"n{name}\"\ntitle = \"t\"\ntitle_zh = \"t\"\ngiven = \"g\"\ncomparison = \"eq\"\nvalue = true\n"
        )
    };
    let made_of = |name: usize, all: &str| {
        format!("[[need]]\nname = \"n{name}\"\ntitle = \"t\"\ntitle_zh = \"t\"\nall = [{all}]\n")
    };
    let nested = |deep: usize| {
        let needs: String =
            (0..deep).map(|one| made_of(one, &format!("\"n{}\"", one + 1))).collect();
        rule(&(needs + &stated(deep)))
    };
    assert_eq!(nested(15), "");
    assert!(
        nested(16).contains("rule:90:") && nested(16).contains("nested deeper"),
        "{}",
        nested(16)
    );
    assert!(nested(100).contains("nested deeper"));
    let many = |count: usize| rule(&(0..count).map(stated).collect::<String>());
    assert_eq!(many(128), "");
    assert!(
        many(129).contains("rule:1:") && many(129).contains("129 of `[[need]]`"),
        "{}",
        many(129)
    );
    let twice = rule(&(made_of(0, "\"n1\", \"n1\"") + &stated(1)));
    assert!(twice.contains("the need `n1` is named twice"), "{twice}");
    let large = rule(&(stated(0) + &"# \n".repeat(20_000)));
    assert!(large.contains("60000 are the most"), "{large}");
    // A ring of needs beside others: named once, at its first.
    let ring = rule(&(made_of(0, "\"n1\"") + &made_of(1, "\"n2\"") + &made_of(2, "\"n1\"")));
    assert_eq!(ring.matches("waits for itself").count(), 1, "{ring}");
    assert!(ring.contains("need `n1` → need `n2` → need `n1`"), "{ring}");
}

#[test]
fn a_rule_read_back_from_its_text_concludes_the_same() {
    let catalogue = Catalogue::load(sample()).unwrap();
    for item in catalogue.items() {
        let Some(written) = &item.rule else { continue };
        let back = Written::from_text(&written.text).unwrap();
        assert_eq!(back.digest, written.digest);
        assert_eq!(back.rule.needs, written.rule.needs, "{}", item.code);
        assert_eq!(back.rule.groups, written.rule.groups, "{}", item.code);
        assert_eq!(back.rule.externals, written.rule.externals, "{}", item.code);
        let asked = |rule: &Rule| {
            rule.questions
                .iter()
                .map(|question| {
                    (question.name.clone(), question.each.clone(), question.when.clone())
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(asked(&back.rule), asked(&written.rule), "{}", item.code);
    }
}

/// Whatever a catalogue calls the role that takes many: a rule read back from a log is not read by names of roles.
#[test]
fn who_is_asked_one_by_one_stands_in_the_text() {
    let text = fs::read_to_string(sample().join("rules/W3-2026.2.toml")).unwrap();
    let back = |text: &str| {
        let written = Written::from_text(text).unwrap();
        ["household", "homes"].map(|name| written.rule.question(name).unwrap().each.clone())
    };
    assert_eq!(back(&text), [Some("person".to_owned()), None]);
    assert_eq!(
        back(&text.replace("{ member =", "{ resident =")),
        [Some("person".to_owned()), None]
    );
}

#[test]
fn an_employer_is_registered_by_the_first_character_of_its_code() {
    assert_eq!(Registrar::of("12430000000000017X"), Registrar::EstablishmentOffice);
    assert_eq!(Registrar::of("52430000000000017X"), Registrar::CivilAffairs);
    assert_eq!(Registrar::of("91430000000000017X"), Registrar::MarketRegulation);
    assert_eq!(Registrar::of("31430000000000017X"), Registrar::Other);
}
