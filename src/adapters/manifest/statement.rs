//! Whether a statement is one parametrised SELECT. The transaction is read-only as well; this is so that a mistake is
//! found on load.

/// Words that no plain SELECT has as words. Inside quotes they are names and pass.
const FOREIGN: [&str; 13] = [
    "insert", "update", "delete", "merge", "into", "copy", "call", "do", "set", "create", "drop",
    "alter", "truncate",
];

/// Checks the statement against its number of parameters.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(statement: &str, parameters: usize) -> Result<(), String> {
    let words = words(statement)?;
    if words.first().map(String::as_str) != Some("select") {
        return Err("it is one SELECT and starts with that word".to_owned());
    }
    if let Some(word) = words.iter().find(|word| FOREIGN.contains(&word.as_str())) {
        return Err(format!("a SELECT that only reads has no `{}`", word.to_uppercase()));
    }
    let mut used: Vec<usize> =
        words.iter().filter_map(|word| word.strip_prefix('$')?.parse().ok()).collect();
    used.sort_unstable();
    used.dedup();
    if used != (1..=parameters).collect::<Vec<_>>() {
        return Err(format!(
            "it uses each of its {parameters} parameters as `$1`, `$2`, … and no other"
        ));
    }
    if parameters == 0 {
        return Err("it has no parameter, so it asks about nobody".to_owned());
    }
    Ok(())
}

/// Lower-case words, `$n` among them; what stands in quotes is skipped.
fn words(statement: &str) -> Result<Vec<String>, String> {
    let mut words = vec![String::new()];
    let mut characters = statement.trim().trim_end_matches(';').chars().peekable();
    while let Some(character) = characters.next() {
        let next = characters.peek().copied();
        match character {
            '\'' | '"' => {
                if !characters.by_ref().any(|inside| inside == character) {
                    return Err("a quote is not closed".to_owned());
                }
                words.push(String::new());
            }
            ';' => return Err("it is one statement, without `;` inside".to_owned()),
            '-' if next == Some('-') => return Err("it has no comments".to_owned()),
            '/' if next == Some('*') => return Err("it has no comments".to_owned()),
            '$' if next == Some('$') => return Err("it has no `$$`".to_owned()),
            _ if character.is_alphanumeric() || character == '_' || character == '$' => {
                if let Some(word) = words.last_mut() {
                    word.extend(character.to_lowercase());
                }
            }
            _ => words.push(String::new()),
        }
    }
    words.retain(|word| !word.is_empty());
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn one_parametrised_select_and_nothing_else() {
        assert_eq!(check("SELECT a, \"set\" FROM t WHERE b = $1 AND c = $2;", 2), Ok(()));
        assert_eq!(check("select a from t where b = $1 and d = 'insert; --'", 1), Ok(()));
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
            assert!(check(statement, parameters).is_err(), "{statement}");
        }
    }
}
