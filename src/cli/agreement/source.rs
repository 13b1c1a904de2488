//! Where what is shown comes from: a draft or a document, the language, and the files that codes get their names from.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};

use super::{all, draft, is_draft, read, register};
use crate::agreements::signatures::{self, Inspected};
use crate::agreements::terms::reading::{Language, Voice, plain};
use crate::agreements::terms::{Look, Terms};
use crate::catalogue::Catalogue;
use crate::clock::now;
use crate::parties::Register;

/// What codes are read with.
#[derive(Debug, Args)]
pub(super) struct Names {
    /// Folder of the catalogue: codes are then given with their titles
    #[arg(long, value_name = "FOLDER")]
    catalogue: Option<PathBuf>,
    /// Folder of the party register: signatures are then checked, and organisations named
    #[arg(long, value_name = "FOLDER")]
    parties: Option<PathBuf>,
}

/// The same, loaded.
pub(super) struct Loaded {
    pub(super) catalogue: Option<Catalogue>,
    pub(super) parties: Option<Register>,
}

impl Names {
    pub(super) fn load(&self) -> anyhow::Result<Loaded> {
        let catalogue = self.catalogue.as_deref();
        let catalogue = catalogue.map(|folder| Catalogue::load(folder).map_err(all)).transpose()?;
        let parties = self.parties.as_deref().map(register).transpose()?;
        Ok(Loaded { catalogue, parties })
    }
}

impl Loaded {
    pub(super) fn voice(&self, language: Language) -> Voice<'_> {
        let (catalogue, parties) = (self.catalogue.as_ref(), self.parties.as_ref());
        Voice { language, catalogue, parties }
    }

    /// Reads a draft or a document.
    pub(super) fn open(&self, file: &Path) -> anyhow::Result<Source> {
        if is_draft(file) {
            let terms = draft(file).map_err(|error| anyhow!("{}", plain_lines(&error)))?;
            return Ok(Source::Draft(Box::new(terms)));
        }
        let inspected = signatures::inspect(&read(file)?, self.parties.as_ref(), now())
            .map_err(|error| anyhow!("{}", plain(&error.in_full())))
            .with_context(|| format!("{} is no agreement", file.display()))?;
        Ok(Source::Document(Box::new(inspected)))
    }
}

/// An author's words may stand in an error: each line of it is made harmless.
fn plain_lines(error: &anyhow::Error) -> String {
    error.to_string().lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// What was read.
pub(super) enum Source {
    Draft(Box<Terms>),
    Document(Box<Inspected>),
}

impl Source {
    pub(super) fn terms(&self) -> &Terms {
        match self {
            Self::Draft(terms) => terms,
            Self::Document(inspected) => &inspected.terms,
        }
    }

    pub(super) fn inspected(&self) -> Option<&Inspected> {
        match self {
            Self::Draft(_) => None,
            Self::Document(inspected) => Some(inspected),
        }
    }
}

/// Languages as the command line names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Lang {
    /// 中文
    Zh,
    /// English
    En,
}

impl Lang {
    /// The one asked for, or that of the environment.
    pub(super) fn or_of_environment(given: Option<Self>) -> Language {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        match given {
            Some(Self::Zh) => Language::Chinese,
            Some(Self::En) => Language::English,
            None => named(set("LC_ALL").or_else(|| set("LC_MESSAGES")).or_else(|| set("LANG"))),
        }
    }
}

fn named(locale: Option<String>) -> Language {
    match locale {
        Some(locale) if locale.starts_with("zh") => Language::Chinese,
        Some(_) | None => Language::English,
    }
}

/// As wide as the terminal, within what is pleasant to read.
pub(super) fn look() -> Look {
    let stdout = std::io::stdout();
    let width = terminal_size::terminal_size_of(&stdout).map_or(100, |(width, _)| width.0);
    let colour = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    Look { width: usize::from(width).clamp(40, 100), colour }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_the_language() {
        for (locale, language) in [
            (None, Language::English),
            (Some("zh_CN.UTF-8"), Language::Chinese),
            (Some("C.UTF-8"), Language::English),
        ] {
            assert_eq!(named(locale.map(str::to_owned)), language);
        }
        assert_eq!(Lang::or_of_environment(Some(Lang::Zh)), Language::Chinese);
    }
}
