//! A recording put into its file: nothing that somebody wrote there is lost, and the file is never half written.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::adapters::fixture::{self, FixtureFile};

/// A file for a moment, gone by itself. Its ending is not that of fixtures, so nobody plays it; everybody may read it.
pub(super) fn beside(folder: &Path, text: &str) -> io::Result<NamedTempFile> {
    let mode = fs::Permissions::from_mode(0o644);
    let mut file = tempfile::Builder::new().permissions(mode).tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    Ok(file)
}

/// The whole file: the new fixture behind the others or in the place of its older self; the others, and what is written
/// about them, stay as somebody wrote them.
pub(super) fn joined(
    there: Option<FixtureFile>,
    one: FixtureFile,
    text: &str,
    file: &Path,
    name: &str,
) -> io::Result<String> {
    let Some(mut there) = there else { return Ok(text.to_owned()) };
    let before = fs::read_to_string(file)?;
    let only = fixture::write(&FixtureFile { secrets: BTreeMap::new(), ..one.clone() });
    let only = only.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
    let mut all = there.fixtures.iter_mut();
    let Some(old) = all.find(|fixture| fixture.name == name) else {
        return Ok(format!("{}\n\n{}", before.trim_end(), only));
    };
    let next = all.next().map(|next| next.line);
    if let Some(whole) = exchanged(&before, old.line, next, only) {
        return Ok(whole);
    }
    if let Some(new) = one.fixtures.into_iter().next() {
        *old = new;
    }
    Ok(fixture::write(&there))
}

/// The text with the fixture that begins on the line `from`, before the one on the line `next`, exchanged for `new`. What
/// stands right above the next one belongs to that one. `None` where fixtures are not written as `[[fixture]]`.
fn exchanged(text: &str, from: u32, next: Option<u32>, new: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let place = |line: u32| usize::try_from(line).ok()?.checked_sub(1);
    let (before, rest) = lines.split_at_checked(place(from)?)?;
    let last = match next {
        Some(next) => place(next)?,
        None => lines.len(),
    };
    let (old, behind) = rest.split_at_checked(last.checked_sub(before.len())?)?;
    let is_head = |line: Option<&&str>| line.is_some_and(|line| line.trim() == "[[fixture]]");
    if !is_head(old.first()) || (next.is_some() && !is_head(behind.first())) {
        return None;
    }
    let remark = |line: &&&str| line.trim().is_empty() || line.starts_with('#');
    let remarks = old.iter().rev().take_while(remark).count();
    let (_, remarks) = old.split_at_checked(old.len() - remarks)?;
    let parts: Vec<&str> = before
        .iter()
        .copied()
        .chain(new.trim_end().lines())
        .chain(remarks.iter().copied())
        .chain(behind.iter().copied())
        .collect();
    Some(parts.join("\n").trim_end().to_owned() + "\n")
}

#[cfg(test)]
mod tests {
    use super::exchanged;

    const FILE: &str = "# What it is.\nfact = \"P1\"\n\n# One.\n[[fixture]]\nname = \"one\"\n\n# Two,\n# of two.\n[[fixture]]\nname = \"two\"\n";

    #[test]
    fn only_the_one_fixture_changes() {
        let first = exchanged(FILE, 5, Some(10), "[[fixture]]\nname = \"1\"\n\n\n").unwrap();
        assert_eq!(first, FILE.replace("\"one\"", "\"1\""));
        let last = exchanged(FILE, 10, None, "[[fixture]]\nname = \"2\"\n").unwrap();
        assert_eq!(last, FILE.replace("\"two\"", "\"2\""));
        // Remarks at the end of a file are nobody else's, and stay all the same.
        let text = format!("{FILE}\n# The end.\n");
        let last = exchanged(&text, 10, None, "[[fixture]]\nname = \"2\"\n").unwrap();
        assert_eq!(last, text.replace("\"two\"", "\"2\""));
    }

    #[test]
    fn a_fixture_that_is_no_table_of_its_own_is_not_cut_out() {
        assert_eq!(exchanged("fixture = [{ name = \"one\" }]\n", 1, None, "[[fixture]]"), None);
        assert_eq!(exchanged(FILE, 5, Some(11), "[[fixture]]"), None);
        assert_eq!(exchanged(FILE, 99, None, "[[fixture]]"), None);
    }
}
