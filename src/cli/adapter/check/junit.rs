//! The report as JUnit's XML: a suite for each manifest, a case for each fixture, one more for each finding.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::{Report, faults, live};
use crate::adapters::Difference;
use crate::finding::Finding;

struct Suite {
    name: String,
    cases: Vec<Case>,
}

struct Case {
    class: String,
    name: String,
    /// One line, and everything.
    failure: Option<(String, String)>,
    /// None where the clock is stopped.
    took: Duration,
}

/// The report as a document.
///
/// # Errors
/// Never, in memory.
pub(super) fn xml(report: &Report<'_>) -> Result<Vec<u8>> {
    let suites = suites(report);
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let cases = || suites.iter().flat_map(|suite| &suite.cases);
    let mut root = BytesStart::new("testsuites");
    root.push_attribute(("name", "heyan adapter check"));
    root.push_attribute(("tests", cases().count().to_string().as_str()));
    root.push_attribute(("failures", failures(cases()).as_str()));
    writer.write_event(Event::Start(root))?;
    for suite in &suites {
        let mut start = BytesStart::new("testsuite");
        start.push_attribute(("name", plain(&suite.name).as_str()));
        start.push_attribute(("tests", suite.cases.len().to_string().as_str()));
        start.push_attribute(("failures", failures(suite.cases.iter()).as_str()));
        start.push_attribute(("errors", "0"));
        start.push_attribute(("skipped", "0"));
        let took: Duration = suite.cases.iter().map(|case| case.took).sum();
        start.push_attribute(("time", seconds(took).as_str()));
        writer.write_event(Event::Start(start))?;
        for case in &suite.cases {
            write_case(&mut writer, case)?;
        }
        writer.write_event(Event::End(BytesEnd::new("testsuite")))?;
    }
    writer.write_event(Event::End(BytesEnd::new("testsuites")))?;
    Ok(writer.into_inner())
}

fn write_case(writer: &mut Writer<Vec<u8>>, case: &Case) -> Result<()> {
    let mut start = BytesStart::new("testcase");
    start.push_attribute(("classname", plain(&case.class).as_str()));
    start.push_attribute(("name", plain(&case.name).as_str()));
    start.push_attribute(("time", seconds(case.took).as_str()));
    let Some((message, text)) = &case.failure else {
        return Ok(writer.write_event(Event::Empty(start))?);
    };
    writer.write_event(Event::Start(start))?;
    let mut failure = BytesStart::new("failure");
    failure.push_attribute(("message", plain(message).as_str()));
    failure.push_attribute(("type", "finding"));
    writer.write_event(Event::Start(failure))?;
    writer.write_event(Event::Text(BytesText::new(&plain(text))))?;
    writer.write_event(Event::End(BytesEnd::new("failure")))?;
    Ok(writer.write_event(Event::End(BytesEnd::new("testcase")))?)
}

fn failures<'a>(cases: impl Iterator<Item = &'a Case>) -> String {
    cases.filter(|case| case.failure.is_some()).count().to_string()
}

fn suites(report: &Report<'_>) -> Vec<Suite> {
    let manifests = report.flaws.iter().map(|flaw| case_of(flaw, "static"));
    let mut cases: Vec<Case> = manifests.collect();
    if cases.is_empty() {
        let name = "manifests".to_owned();
        cases.push(Case { class: "static".to_owned(), name, failure: None, took: Duration::ZERO });
    }
    let mut suites = vec![Suite { name: report.path.display().to_string(), cases }];
    for rehearsal in &report.rehearsals {
        let played = rehearsal.played.iter().map(|played| Case {
            class: format!("{}.{}", rehearsal.name, played.fact),
            name: played.name.clone(),
            failure: (!played.differences.is_empty()).then(|| {
                let texts: Vec<String> = played
                    .differences
                    .iter()
                    .map(|difference| text_of(&played.file, &rehearsal.manifest, difference))
                    .collect();
                let what: Vec<&str> =
                    played.differences.iter().map(|difference| difference.what.as_str()).collect();
                (what.join(", "), texts.join("\n\n"))
            }),
            took: Duration::ZERO,
        });
        let others = rehearsal.flaws.iter().chain(&rehearsal.missing);
        let cases: Vec<Case> =
            played.chain(others.map(|finding| case_of(finding, &rehearsal.name))).collect();
        if !cases.is_empty() {
            suites.push(Suite { name: rehearsal.manifest.display().to_string(), cases });
        }
    }
    suites.extend(report.faults.iter().map(|report| {
        let cases = faults::cases(report);
        let cases = cases.map(|(class, name, failure, took)| Case { class, name, failure, took });
        Suite { name: format!("{} faults", report.file.display()), cases: cases.collect() }
    }));
    suites.extend(report.live.iter().map(|report| {
        let cases = report.told.iter().map(|told| Case {
            class: format!("{}.live", report.adapter),
            name: told.fact.to_string(),
            failure: live::failure(told),
            took: told.took,
        });
        Suite { name: live::title(report), cases: cases.collect() }
    }));
    suites
}

fn seconds(took: Duration) -> String {
    if took.is_zero() { "0".to_owned() } else { format!("{:.3}", took.as_secs_f64()) }
}

fn case_of(finding: &Finding, class: &str) -> Case {
    let failure = Some((finding.problem.clone(), finding.to_string()));
    Case { class: class.to_owned(), name: finding.to_string(), failure, took: Duration::ZERO }
}

fn text_of(file: &Path, manifest: &Path, difference: &Difference) -> String {
    let Difference { line, what, expected, found, .. } = difference;
    let mut text =
        format!("{}:{line}: {what}\nexpected: {expected}\nfound: {found}", file.display());
    if let Some((line, expression)) = &difference.expression {
        text.push_str(&format!("\nby: {}:{line} `{expression}`", manifest.display()));
    }
    if let Some(document) = &difference.document {
        text.push_str(&format!("\nof: {document}"));
    }
    text
}

/// Without the characters that XML 1.0 cannot hold.
fn plain(text: &str) -> String {
    let can = |character: char| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|character| if can(character) { character } else { '\u{fffd}' }).collect()
}
