//! Whether a statement is one parametrised SELECT. The transaction is read-only as well; this is so that a mistake is
//! found on load.

use serde_json::Value as Json;

use super::access::Dialect;

/// Words that no plain SELECT has as words. Inside quotes they are names and pass.
const FOREIGN: [&str; 13] = [
    "insert", "update", "delete", "merge", "into", "copy", "call", "do", "set", "create", "drop",
    "alter", "truncate",
];

/// A statement as its database reads it.
pub(crate) struct Statement {
    /// With `$1`, `$2`, … for PostgreSQL, with `?` for MySQL.
    pub(crate) text: String,
    /// The parameter of each placeholder, from 0.
    order: Vec<usize>,
}

impl Statement {
    /// The manifest's parameters, one for each placeholder.
    pub(crate) fn arrange(&self, parameters: &[Json]) -> Vec<Json> {
        self.order.iter().filter_map(|position| parameters.get(*position).cloned()).collect()
    }
}

/// Checks the statement against its number of parameters. Manifests write `$1` for both dialects.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(
    statement: &str,
    parameters: usize,
    dialect: Dialect,
) -> Result<Statement, String> {
    let body = statement.trim().trim_end_matches(';');
    let words = words(body, dialect)?;
    if words.first().is_none_or(|(_, word)| word != "select") {
        return Err("it is one SELECT and starts with that word".to_owned());
    }
    if let Some((_, word)) = words.iter().find(|(_, word)| FOREIGN.contains(&word.as_str())) {
        return Err(format!("a SELECT that only reads has no `{}`", word.to_uppercase()));
    }
    if parameters == 0 {
        return Err("it has no parameter, so it asks about nobody".to_owned());
    }
    let unfit =
        || format!("it uses each of its {parameters} parameters as `$1`, `$2`, … and no other");
    let mut places = Vec::new();
    for (at, word) in words.iter().filter(|(_, word)| word.starts_with('$')) {
        let number = word.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok());
        let number = number.filter(|number| (1..=parameters).contains(number)).ok_or_else(unfit)?;
        places.push((*at, word.len(), number - 1));
    }
    if !(0..parameters).all(|wanted| places.iter().any(|(_, _, number)| *number == wanted)) {
        return Err(unfit());
    }
    if dialect == Dialect::PostgreSql {
        return Ok(Statement { text: body.to_owned(), order: (0..parameters).collect() });
    }
    let mut text = body.to_owned();
    for (at, length, _) in places.iter().rev() {
        text.replace_range(*at..at + length, "?");
    }
    Ok(Statement { text, order: places.into_iter().map(|(_, _, number)| number).collect() })
}

/// Lower-case words with their places, `$n` among them; what stands in quotes is skipped.
fn words(body: &str, dialect: Dialect) -> Result<Vec<(usize, String)>, String> {
    let mut words: Vec<(usize, String)> = Vec::new();
    let mut is_inside = false;
    let mut characters = body.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character.is_alphanumeric() || character == '_' || character == '$' {
            match words.last_mut().filter(|_| is_inside) {
                Some((_, word)) => word.extend(character.to_lowercase()),
                None => words.push((at, character.to_lowercase().collect())),
            }
            is_inside = true;
            continue;
        }
        is_inside = false;
        let next = characters.peek().map(|(_, next)| *next);
        match (character, dialect) {
            ('\'' | '"', _) | ('`', Dialect::MySql) => loop {
                match characters.next() {
                    None => return Err("a quote is not closed".to_owned()),
                    // One server ends a quote there where the next goes on.
                    Some((_, '\\')) => return Err("it has no `\\` in quotes".to_owned()),
                    Some((_, inside)) if inside == character => break,
                    Some(_) => {}
                }
            },
            (';', _) => return Err("it is one statement, without `;` inside".to_owned()),
            ('-', _) if next == Some('-') => return Err("it has no comments".to_owned()),
            ('/', _) if next == Some('*') => return Err("it has no comments".to_owned()),
            ('#', Dialect::MySql) => return Err("it has no comments".to_owned()),
            ('?', Dialect::MySql) => return Err("a parameter is written `$1`, not `?`".to_owned()),
            // It would outlive the question.
            ('@', Dialect::MySql) => return Err("it has no variables (`@`)".to_owned()),
            _ => {}
        }
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::{Dialect, check};

    fn read(
        statement: &str,
        parameters: usize,
        dialect: Dialect,
    ) -> Result<(String, Vec<usize>), String> {
        check(statement, parameters, dialect).map(|read| (read.text, read.order))
    }

    #[test]
    fn placeholders_of_mysql_stand_in_the_order_of_the_text() {
        let text = "SELECT `set`, '$1' FROM t WHERE b = $2 AND c = $1 OR d = $2;";
        let wanted = "SELECT `set`, '$1' FROM t WHERE b = ? AND c = ? OR d = ?";
        assert_eq!(read(text, 2, Dialect::MySql), Ok((wanted.to_owned(), vec![1, 0, 1])));
        for statement in [
            "SELECT a FROM t WHERE b = ?",
            "SELECT a FROM t WHERE b = $1 # c",
            "SELECT a FROM t WHERE b = $1 /*! INTO OUTFILE 'c' */",
            "SELECT @a := 1 FROM t WHERE b = $1",
            "SELECT a FROM t WHERE b = $1 AND c = 'd\\' OR e = ' OR f'",
            "SELECT `a FROM t WHERE b = $1",
            "SELECT a FROM t WHERE b = $a$",
        ] {
            assert!(check(statement, 1, Dialect::MySql).is_err(), "{statement}");
        }
    }

    #[test]
    fn one_parametrised_select_and_nothing_else() {
        assert!(
            check("SELECT a, \"set\" FROM t WHERE b = $1 AND c = $2;", 2, Dialect::PostgreSql)
                .is_ok()
        );
        assert!(
            check("select a from t where b = $1 and d = 'insert; --'", 1, Dialect::PostgreSql)
                .is_ok()
        );
        for (statement, parameters) in [
            ("SELECT 1", 0),
            ("SELECT a FROM t WHERE b = $1", 0),
            ("SELECT a FROM t WHERE b = $1", 2),
            ("SELECT a FROM t WHERE b = $2", 1),
            ("SELECT a FROM t WHERE b = $1; SELECT 2", 1),
            ("SELECT a FROM t WHERE b = $1 -- c", 1),
            ("SELECT a FROM t /* c */ WHERE b = $1", 1),
            ("SELECT a INTO u FROM t WHERE b = $1", 1),
            ("WITH d AS (DELETE FROM t WHERE b = $1 RETURNING *) SELECT * FROM d", 1),
            ("SELECT * FROM t WHERE b = $1 FOR UPDATE", 1),
            ("DELETE FROM t WHERE b = $1", 1),
            ("SELECT 'a FROM t WHERE b = $1", 1),
            ("", 0),
        ] {
            assert!(check(statement, parameters, Dialect::PostgreSql).is_err(), "{statement}");
        }
    }
}
