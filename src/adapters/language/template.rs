//! Text with `{expression}` in it, for SOAP: what is put in is escaped, so no value can add an element.

use super::expression::{Expression, Fault, Flaw, Held, Names, Scope};
use super::room;

/// Expressions in one template. Each of them is compiled.
const MAX_HOLES: usize = 200;

/// A text with holes.
pub(crate) struct Template(Vec<Piece>);

enum Piece {
    Text(String),
    Hole { expression: Expression, offset: usize },
}

impl Template {
    /// Reads a template. `{{` and `}}` stand for one brace.
    ///
    /// # Errors
    /// Every hole that is not closed or holds no expression.
    pub(crate) fn compile(source: &str) -> Result<Self, Vec<Flaw>> {
        // One thread for all of its expressions.
        room::with_room(|| Self::read(source)).unwrap_or_else(|| {
            Err(vec![Flaw { offset: 0, problem: "this is no template".to_owned() }])
        })
    }

    fn read(source: &str) -> Result<Self, Vec<Flaw>> {
        let mut holes = 0_usize;
        let mut pieces = Vec::new();
        let mut flaws = Vec::new();
        let mut text = String::new();
        let mut rest = source;
        while let Some(next) = rest.chars().next() {
            let offset = source.len() - rest.len();
            if rest.starts_with("{{") || rest.starts_with("}}") {
                text.push(next);
                rest = rest.get(2..).unwrap_or_default();
            } else if next == '{' {
                let Some(length) = hole_length(rest) else {
                    let problem = "`{` has no `}`; write `{{` for a brace".to_owned();
                    flaws.push(Flaw { offset, problem });
                    break;
                };
                holes += 1;
                if holes > MAX_HOLES {
                    let problem = format!("a template has at most {MAX_HOLES} expressions");
                    flaws.push(Flaw { offset, problem });
                    break;
                }
                pieces.push(Piece::Text(std::mem::take(&mut text)));
                let inside = rest.get(1..length - 1).unwrap_or_default();
                match Expression::compile(inside) {
                    Ok(expression) => pieces.push(Piece::Hole { expression, offset: offset + 1 }),
                    Err(flaw) => flaws.push(Flaw { offset: offset + 1 + flaw.offset, ..flaw }),
                }
                rest = rest.get(length..).unwrap_or_default();
            } else {
                text.push(next);
                rest = rest.get(next.len_utf8()..).unwrap_or_default();
            }
        }
        pieces.push(Piece::Text(text));
        if flaws.is_empty() { Ok(Self(pieces)) } else { Err(flaws) }
    }

    /// The same, known to begin in this line of its manifest.
    pub(crate) fn beginning_in(self, first: u32) -> Self {
        let mut line = first;
        let pieces = self.0.into_iter().map(|piece| match piece {
            Piece::Text(text) => {
                line = line.saturating_add(newlines(&text));
                Piece::Text(text)
            }
            Piece::Hole { expression, offset } => {
                let expression = expression.in_line(line);
                line = line.saturating_add(newlines(expression.source()));
                Piece::Hole { expression, offset }
            }
        });
        Self(pieces.collect())
    }

    /// The text it was compiled from.
    pub(crate) fn written(&self) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.replace('{', "{{").replace('}', "}}"),
            Piece::Hole { expression, .. } => format!("{{{}}}", expression.source()),
        });
        pieces.collect()
    }

    /// The expressions in its holes, in order.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Hole { expression, .. } => Some(expression),
        })
    }

    /// Every name in it that is not one of `names`.
    pub(crate) fn unknown_names(&self, names: &Names) -> Vec<Flaw> {
        let holes = self.0.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Hole { expression, offset } => Some((expression, *offset)),
        });
        holes
            .flat_map(|(expression, start)| {
                let flaws = expression.unknown_names(names).into_iter();
                flaws.map(move |flaw| Flaw { offset: start + flaw.offset, ..flaw })
            })
            .collect()
    }

    /// True when a hole looks at that name.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.0.iter().any(|piece| match piece {
            Piece::Text(_) => false,
            Piece::Hole { expression, .. } => expression.mentions(name),
        })
    }

    /// The text with its holes filled; null fills with nothing.
    ///
    /// # Errors
    /// The fault, and the expression it is in.
    pub(crate) fn fill(&self, scope: &Scope) -> Result<String, (Fault, &Expression)> {
        self.fill_from(|expression| expression.text(scope))
    }

    /// The same, where one more name can be seen.
    ///
    /// # Errors
    /// As [`Self::fill`].
    pub(crate) fn fill_with(
        &self,
        scope: &Scope,
        name: &'static str,
        value: &Held,
    ) -> Result<String, (Fault, &Expression)> {
        self.fill_from(|expression| expression.text_with(scope, name, value))
    }

    /// The first expression whose text is not as it must be: for saying where something went wrong.
    pub(crate) fn first_not(
        &self,
        scope: &Scope,
        is_so: &dyn Fn(&str) -> bool,
    ) -> Option<&Expression> {
        self.0.iter().find_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Hole { expression, .. } => {
                let text = expression.text(scope).ok().flatten().unwrap_or_default();
                (!is_so(&text)).then_some(expression)
            }
        })
    }

    fn fill_from(
        &self,
        text: impl Fn(&Expression) -> Result<Option<String>, Fault>,
    ) -> Result<String, (Fault, &Expression)> {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Hole { expression, .. } => {
                    let value = text(expression).map_err(|fault| (fault, expression))?;
                    escape(&value.unwrap_or_default(), &mut filled)
                        .map_err(|fault| (fault, expression))?;
                }
            }
        }
        Ok(filled)
    }
}

fn newlines(text: &str) -> u32 {
    u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX)
}

/// Bytes of the hole at the start of `text`, braces included. Braces inside it may nest and may stand in strings.
fn hole_length(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(character),
            (None, '{') => depth += 1,
            (None, '}') => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            (None, _) => {}
        }
    }
    None
}

/// Appends text as XML carries it.
///
/// # Errors
/// A character that XML cannot carry.
pub(crate) fn escape(value: &str, into: &mut String) -> Result<(), Fault> {
    let mut rest = value;
    // What stands for itself is taken over as a whole: mostly that is everything.
    while let Some(at) = rest.find(is_written_otherwise) {
        let (plain, special) = rest.split_at(at);
        into.push_str(plain);
        into.push_str(match special.as_bytes().first() {
            Some(b'&') => "&amp;",
            Some(b'<') => "&lt;",
            Some(b'>') => "&gt;",
            Some(b'"') => "&quot;",
            Some(b'\'') => "&apos;",
            _ => return Err(Fault::Other("the text has a character that XML cannot carry")),
        });
        rest = special.get(1..).unwrap_or_default();
    }
    into.push_str(rest);
    Ok(())
}

/// True of what XML has another form for, and of what it has none for.
fn is_written_otherwise(character: char) -> bool {
    match character {
        '&' | '<' | '>' | '"' | '\'' => true,
        '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn scope() -> Scope {
        let mut scope = Scope::new(Arc::default());
        scope.set("name", json!("<张三> & \"'</XM><XM>"));
        scope.set("number", json!(430_000_188_001_010_014_i64));
        scope.set("control", json!("a\u{0}b"));
        scope.set("nothing", json!(null));
        scope
    }

    #[test]
    fn what_is_put_in_is_escaped() {
        let template = Template::compile("<XM>{name}</XM><N>{number}{nothing}</N>{{}}").unwrap();
        assert_eq!(
            template.fill(&scope()).unwrap(),
            "<XM>&lt;张三&gt; &amp; &quot;&apos;&lt;/XM&gt;&lt;XM&gt;</XM><N>430000188001010014</N>{}"
        );
        let nested = Template::compile("{ {'}': 'x'}['}'] }").unwrap();
        assert_eq!(nested.fill(&scope()).unwrap(), "x");
    }

    #[test]
    fn xml_inside_xml_is_escaped_twice() {
        let mut scope = scope();
        let inner = Template::compile("<XM>{name}</XM>").unwrap().fill(&scope).unwrap();
        scope.set("inner", json!(inner));
        let outer = Template::compile("<in0>{inner}</in0>").unwrap().fill(&scope).unwrap();
        assert!(outer.starts_with("<in0>&lt;XM&gt;&amp;lt;张三&amp;gt; "), "{outer}");
        assert!(!outer.contains("</XM>"));
    }

    #[test]
    fn flaws_say_where() {
        let flaws = |source: &str| match Template::compile(source) {
            Ok(template) => template.unknown_names(&Names::default()),
            Err(flaws) => flaws,
        };
        assert_eq!(flaws("<a>{name")[0].offset, 3);
        assert_eq!(flaws("<a>{}</a>")[0].offset, 4);
        assert_eq!(flaws("<a>{1 + who}</a>")[0].offset, 8);
        assert_eq!(flaws("<a>{1 +}{2 +}</a>").len(), 2);
        assert_eq!(flaws(&"{1}".repeat(200)), []);
        let crowded = flaws(&"{1}".repeat(20_000));
        assert_eq!(crowded.len(), 1);
        assert_eq!(crowded[0].offset, 600);
        assert_eq!(crowded[0].problem, "a template has at most 200 expressions");
    }

    #[test]
    fn characters_xml_cannot_carry_are_refused() {
        let template = Template::compile("{control}").unwrap();
        assert!(template.fill(&scope()).is_err());
        assert!(Template::compile("{[1]}").unwrap().fill(&scope()).is_err());
    }
}
