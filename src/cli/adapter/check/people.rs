//! The report for people: a line for each fixture, what differed side by side, and what was never reached.

use std::io::IsTerminal;

use super::{Report, faults, live};
use crate::adapters::live::Report as Live;
use crate::adapters::{Coverage, Difference, Rehearsal};
use crate::cli::say::plain;

/// Characters shown of a value that differs; more of it is in `--json`.
const SHOWN: usize = 160;
/// Characters shown before the first that differs.
const BEFORE: usize = 40;
/// Lines shown of what was never reached.
const MISSED_MOST: usize = 20;

/// Prints it.
pub(super) fn tell(report: &Report<'_>) {
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    for line in lines(report, colour) {
        say!("{line}");
    }
}

pub(super) fn lines(report: &Report<'_>, colour: bool) -> Vec<String> {
    let mut page = Page { colour, lines: Vec::new() };
    for flaw in &report.flaws {
        page.line(plain(&flaw.to_string()));
    }
    for rehearsal in report.rehearsals.iter().filter(|rehearsal| rehearsal.has_fixtures) {
        page.rehearsal(rehearsal);
    }
    for faults in &report.faults {
        let lines = faults::lines(faults, &|code, text| page.paint(code, text));
        page.lines.extend(lines);
    }
    for live in &report.live {
        page.live(live);
    }
    for warning in report.warnings() {
        page.line(plain(&format!("warning: {warning}")));
    }
    let path = report.path.display();
    let unanswered = report.live.iter().flat_map(|live| &live.told);
    let unanswered = unanswered.filter(|told| !told.is_answered).count();
    match report.findings().len() {
        0 if faults::count(&report.faults) > 0 => {
            page.line(format!("{} faults not withstood", faults::count(&report.faults)));
        }
        0 if unanswered > 0 => page.line(format!("{unanswered} without an answer")),
        0 => page.line(format!("{path}: nothing to mend")),
        count => page.line(format!("{count} to mend")),
    }
    page.lines
}

struct Page {
    colour: bool,
    lines: Vec<String>,
}

impl Page {
    fn line(&mut self, line: String) {
        self.lines.push(line);
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn live(&mut self, report: &Live) {
        let lines = live::lines(report, &|code, text| self.paint(code, text));
        self.lines.extend(lines);
    }

    fn rehearsal(&mut self, rehearsal: &Rehearsal) {
        let head = self.paint("1", &rehearsal.manifest.display().to_string());
        self.line(head);
        let manifest = rehearsal.manifest.file_name().unwrap_or_default().to_string_lossy();
        for played in &rehearsal.played {
            let (mark, code) =
                if played.differences.is_empty() { ("✓", "32") } else { ("✗", "31") };
            let mark = self.paint(code, mark);
            self.line(format!("  {mark} {}  {}", played.fact, plain(&played.name)));
            for difference in &played.differences {
                self.difference(&played.file.display().to_string(), &manifest, difference);
            }
        }
        for finding in rehearsal.flaws.iter().chain(&rehearsal.missing) {
            let mark = self.paint("31", "✗");
            self.line(format!("  {mark} {}", plain(&finding.to_string())));
        }
        if let Some(coverage) = &rehearsal.coverage {
            self.coverage(&manifest, coverage);
        }
    }

    fn difference(&mut self, file: &str, manifest: &str, difference: &Difference) {
        let (expected, found) = side_by_side(&difference.expected, &difference.found);
        let what = plain(&difference.what);
        self.line(format!("      {file}:{}: {what}", difference.line));
        self.line(format!("        expected  {expected}"));
        self.line(format!("        found     {found}"));
        if let Some((line, expression)) = &difference.expression {
            self.line(format!("        by        {manifest}:{line} `{expression}`"));
        }
        if let Some(document) = &difference.document {
            self.line(format!("        of        {}", start_of(document, 4 * SHOWN)));
        }
    }

    fn coverage(&mut self, manifest: &str, coverage: &Coverage) {
        let percentage = coverage.percentage();
        let code = if percentage == 100 { "32" } else { "33" };
        let shown = self.paint(code, &format!("{percentage} %"));
        let (reached, of) = (coverage.reached, coverage.of);
        self.line(format!("  coverage {shown} ({reached} of {of} expressions, ways and codes)"));
        for missed in coverage.missed.iter().take(MISSED_MOST) {
            self.line(format!("    {manifest}:{} {}: {}", missed.line, missed.key, missed.what));
        }
        if let Some(more) = coverage.missed.len().checked_sub(MISSED_MOST).filter(|more| *more > 0)
        {
            self.line(format!("    and {more} more; --json names all"));
        }
    }
}

/// Both texts around the first character that differs.
fn side_by_side(expected: &str, found: &str) -> (String, String) {
    let same = expected.chars().zip(found.chars()).take_while(|(one, other)| one == other).count();
    let skipped = if expected.chars().count().max(found.chars().count()) > SHOWN {
        same.saturating_sub(BEFORE)
    } else {
        0
    };
    let cut = |text: &str| {
        let rest: String = text.chars().skip(skipped).collect();
        let dots = if skipped > 0 { "…" } else { "" };
        let rest = rest.replace('\n', "⏎").replace('\r', "␍");
        format!("{dots}{}", start_of(&rest, SHOWN))
    };
    (cut(expected), cut(found))
}

fn start_of(text: &str, most: usize) -> String {
    let start: String = text.chars().take(most).collect();
    let cut = start.len() < text.len();
    let start = plain(&start);
    if cut { format!("{start}…") } else { start }
}
