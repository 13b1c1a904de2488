//! What is wrong with a file an operator wrote: where, what, and what to do.

#[cfg(test)]
pub(crate) mod mutations;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// One flaw in one file. Holds no secret and no personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, or the folder when a file is missing.
    pub file: PathBuf,
    /// Line and column, from 1, when known.
    pub place: Option<(usize, usize)>,
    /// What is wrong, and what to do about it.
    pub problem: String,
}

impl Finding {
    /// A flaw of the file as a whole.
    pub fn new(file: impl Into<PathBuf>, problem: impl Into<String>) -> Self {
        Self { file: file.into(), place: None, problem: problem.into() }
    }

    /// A flaw at a byte offset of the file's text.
    pub fn at(
        file: impl Into<PathBuf>,
        text: &str,
        offset: usize,
        problem: impl Into<String>,
    ) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|&character| character != '\n').count() + 1;
        Self { file: file.into(), place: Some((line, column)), problem: problem.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// Reads one file as text.
///
/// # Errors
/// A finding that names the file and the system's reason.
pub fn read_text(file: &Path) -> Result<String, Finding> {
    fs::read_to_string(file).map_err(|error| Finding::new(file, format!("cannot be read: {error}")))
}

/// Parses TOML strictly. An unknown key is named together with the nearest right one.
///
/// # Errors
/// A finding with line and column.
pub fn parse_toml<T: DeserializeOwned>(file: &Path, text: &str) -> Result<T, Finding> {
    toml::from_str(text).map_err(|error| {
        let problem = with_nearest_key(error.message());
        match error.span() {
            Some(span) => Finding::at(file, text, span.start, problem),
            None => Finding::new(file, problem),
        }
    })
}

/// Adds "did you mean" to serde's message about an unknown field or variant.
pub fn with_nearest_key(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let nearest = quoted.next().filter(|_| message.starts_with("unknown ")).and_then(|given| {
        quoted
            .map(|known| (strsim::damerau_levenshtein(given, known), known))
            .filter(|&(distance, known)| distance <= 1 + known.len() / 3)
            .min()
    });
    match nearest {
        Some((_, known)) => format!("{message}; did you mean `{known}`?"),
        None => message.to_owned(),
    }
}

/// The files of a folder (not of folders inside it) with this ending, sorted by name.
///
/// # Errors
/// A finding when the folder cannot be read.
pub fn files_in(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, Finding> {
    let unreadable = |error| Finding::new(folder, format!("the folder cannot be read: {error}"));
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_file() && path.extension().is_some_and(|found| found == ending) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_place_and_the_nearest_key() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Listen {
            #[expect(dead_code, reason = "only the name matters here")]
            listen: String,
        }
        let finding = parse_toml::<Listen>(Path::new("g.toml"), "\nlisten_ = \"x\"\n").unwrap_err();
        assert_eq!(finding.place, Some((2, 1)));
        assert!(finding.problem.ends_with("did you mean `listen`?"), "{finding}");
    }
}
