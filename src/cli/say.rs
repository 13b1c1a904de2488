//! Standard output that may be full or gone: `println!` would end the program with a trace instead of an exit code.

use std::fmt;
use std::io::{self, Write};
use std::sync::OnceLock;

use anyhow::bail;

/// The first error that printing met, other than a reader who has seen enough.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Prints a line; [`heard`] says whether all lines came through.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::say::line(format_args!($($text)*)) };
}

/// Prints a line in which others have a say: an agency, a description, a file. Nothing in it steers the terminal.
macro_rules! say_plain {
    ($($text:tt)*) => {
        $crate::cli::say::line(format_args!("{}", $crate::cli::say::plain(&format!($($text)*))))
    };
}

/// The text with what would steer a terminal written out as `\u001b`: control characters but for line breaks and tabs, and
/// those that turn the direction of writing. Inside a text of JSON it means the same as before.
pub(in crate::cli) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        let steers = match character {
            '\n' | '\t' => false,
            '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => true,
            other => other.is_control(),
        };
        if steers {
            let _ =
                fmt::Write::write_fmt(&mut plain, format_args!("\\u{:04x}", u32::from(character)));
        } else {
            plain.push(character);
        }
    }
    plain
}

/// What `say!` calls.
pub(super) fn line(text: fmt::Arguments<'_>) {
    if let Err(error) = writeln!(io::stdout().lock(), "{text}")
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        // Only the first matters: the others follow from it.
        let _ = LOST.set(error);
    }
}

/// # Errors
/// When a line was lost: what the exit code would say, nobody could read.
pub(super) fn heard() -> anyhow::Result<()> {
    match LOST.get() {
        Some(error) => bail!("cannot print the result: {error}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn nothing_foreign_steers_the_terminal() {
        let foreign = "a\u{1b}]0;title\u{7}\rFOUND\u{9b}2J\u{202e}b\u{7f}";
        assert_eq!(plain(foreign), "a\\u001b]0;title\\u0007\\u000dFOUND\\u009b2J\\u202eb\\u007f");
        assert_eq!(plain("张三\t1\n2 · é"), "张三\t1\n2 · é");
        let json = serde_json::json!({ "a": foreign });
        let shown = plain(&json.to_string());
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), json);
        assert!(!shown.contains(['\u{9b}', '\u{7f}', '\u{202e}']));
    }
}
