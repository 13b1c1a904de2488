//! The expression language of manifests: CEL behind one wall. No other file names the `cel` crate.
//!
//! Documents are `serde_json::Value` on both sides. Whole numbers stay whole numbers and text stays text. Nothing an
//! expression says about a failure repeats a value it saw, so its [`Fault`] may be logged.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use cel::common::ast::{Expr, IdedExpr};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, Env, ExecutionError, ParseErrors, Program, Value};
use serde_json::Value as Json;
use thiserror::Error;

use super::functions::{self, Datum};
use super::{budget, room};

mod branches;
mod guarded;
mod overloads;
mod lists;
mod paid;
mod path;
mod reading;
mod references;
mod scope;
mod shared;
pub(crate) use branches::Branch;
pub(crate) use references::{Members, Names};
use scope::{Extended, document, to_datum};
pub(crate) use scope::{Held, Scope, Witness};

/// Characters in one expression. The parser's cost grows faster than its input.
pub(crate) const MAX_LENGTH: usize = 2_048;
/// Brackets inside brackets. The parser and the interpreter recurse on them.
const MAX_NESTING: usize = 24;
/// Operators and dots in one expression.
const MAX_CHAIN: usize = 400;
/// Levels of one expression once parsed. The interpreter recurses on them, on a runtime's stack of 2 MiB.
const MAX_DEPTH: usize = 32;
/// Levels of what is evaluated in its stead.
const MAX_GUARDED_DEPTH: usize = 40;

thread_local! {
    /// What has been compiled on this thread, which lives as long as one folder is read: manifests say the same things
    /// again and again.
    static COMPILED: RefCell<HashMap<String, Arc<Compiled>>> = RefCell::default();
}

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut environment = Env::stdlib().with_optional_support(false);
    overloads::declare(&mut environment);
    paid::declare(&mut environment);
    lists::declare(&mut environment);
    reading::declare(&mut environment);
    Arc::new(environment)
});

/// One expression, compiled on load.
pub(crate) struct Expression {
    source: String,
    /// Where it stands in its manifest, from 1.
    line: Option<u32>,
    compiled: Arc<Compiled>,
    calls_xml: bool,
}

struct Compiled {
    /// As written.
    program: Program,
    /// As evaluated.
    guarded: IdedExpr,
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.source)
    }
}

/// What is wrong with an expression as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// Byte offset in the expression.
    pub(crate) offset: usize,
    /// What is wrong.
    pub(crate) problem: String,
}

/// Why an expression could not be evaluated. Its text holds names from the manifest and types, never values.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Fault {
    /// A field, written in the expression, is not there.
    #[error("there is no field `{0}`")]
    Missing(String),
    /// A look-up whose key is itself a value found nothing: a code outside its table, mostly.
    #[error("a value has no entry in the table or map it is looked up in")]
    NoEntry,
    /// It looks at so much, or builds so much, that it was stopped.
    #[error("it takes more steps or more memory than one evaluation may")]
    Spent,
    /// A variable is not there.
    #[error("there is no `{0}` here")]
    Unknown(String),
    /// An operator or function does not take these types.
    #[error("`{function}` does not take {types}")]
    Types {
        /// Function or operator.
        function: String,
        /// The types it was given.
        types: String,
    },
    /// A function refused its arguments.
    #[error("`{function}`: {problem}")]
    Function {
        /// Function.
        function: &'static str,
        /// What it says.
        problem: &'static str,
    },
    /// The result is of the wrong type for where it is used.
    #[error("it must be {wanted}, not {found}")]
    Result {
        /// What the place wants.
        wanted: &'static str,
        /// What came.
        found: &'static str,
    },
    /// Anything else: overflow, division by zero, an index outside a list, a text that is no number.
    #[error("it cannot be evaluated ({0})")]
    Other(&'static str),
}

impl Expression {
    /// Compiles the text.
    ///
    /// # Errors
    /// The first flaw of syntax, or a limit that it passes.
    pub(crate) fn compile(source: &str) -> Result<Self, Flaw> {
        refuse_outsized(source)?;
        let compiled = match parse(source) {
            Some(Ok(Some(compiled))) => compiled,
            Some(Ok(None)) => {
                let problem = format!("an expression has at most {MAX_DEPTH} levels");
                return Err(Flaw { offset: 0, problem });
            }
            Some(Err(errors)) => {
                let (place, problem) = errors.errors.first().map_or(((1, 0), ""), |first| {
                    (first.pos, first.msg.lines().next().unwrap_or_default())
                });
                return Err(Flaw {
                    offset: offset_of(source, place),
                    problem: format!("this is no expression: {}", problem.to_lowercase()),
                });
            }
            None => return Err(Flaw { offset: 0, problem: "this is no expression".to_owned() }),
        };
        let calls_xml = compiled.program.references().has_function(functions::XML);
        Ok(Self { source: source.to_owned(), line: None, compiled, calls_xml })
    }

    /// The same, known to stand in this line of its manifest.
    pub(crate) fn in_line(self, line: u32) -> Self {
        Self { line: Some(line), ..self }
    }

    /// The line of its manifest, where that is known.
    pub(crate) fn line(&self) -> Option<u32> {
        self.line
    }

    /// Every name in it that is not one of `names`.
    pub(crate) fn unknown_names(&self, names: &Names) -> Vec<Flaw> {
        references::unknown(&self.compiled.program, names)
            .into_iter()
            .map(|(id, problem)| {
                let start = self
                    .compiled
                    .program
                    .source_info()
                    .offset_for(id)
                    .map_or(0, |(start, _)| start);
                let offset = self
                    .source
                    .char_indices()
                    .nth(usize::try_from(start).unwrap_or(0))
                    .map_or(0, |(at, _)| at);
                Flaw { offset, problem }
            })
            .collect()
    }

    /// The text it was compiled from.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Its value.
    ///
    /// # Errors
    /// Says why there is none. Never panics, whatever the expression and the scope.
    pub(crate) fn evaluate(&self, scope: &Scope) -> Result<Json, Fault> {
        self.evaluate_in(scope, scope)
    }

    /// Its value, without a word to a witness.
    ///
    /// # Errors
    /// As [`Self::evaluate`].
    pub(crate) fn glimpse(&self, scope: &Scope) -> Result<Json, Fault> {
        self.work_out(scope, scope)
    }

    /// Its value as bytes: bytes as they are, text in UTF-8. A witness hears of bytes as hexadecimal digits.
    ///
    /// # Errors
    /// As [`Self::evaluate`].
    pub(crate) fn bytes(&self, scope: &Scope) -> Result<Vec<u8>, Fault> {
        const WANTED: &str = "text or bytes";
        let bytes = match self.come_to(scope, scope, to_datum) {
            Ok(Some(Datum::Bytes(bytes))) => Ok(bytes),
            Ok(Some(Datum::Json(Json::String(text)))) => Ok(text.into_bytes()),
            Ok(Some(Datum::Json(other))) => {
                Err(Fault::Result { wanted: WANTED, found: kind(&other) })
            }
            Ok(None) => Err(Fault::Other("its value has no form outside expressions")),
            Err(fault) => Err(fault),
        };
        if let Some(witness) = &scope.witness {
            let told = bytes.as_ref().map(|bytes| match std::str::from_utf8(bytes) {
                Ok(text) => Json::from(text),
                Err(_) => Json::from(crate::crypto::hex(bytes)),
            });
            witness(self, scope, &told.map_err(Clone::clone));
        }
        bytes
    }

    /// True when it looks at that name.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.compiled.program.references().has_variable(name)
    }

    /// True when it calls that function, or a method of that name.
    pub(crate) fn calls(&self, function: &str) -> bool {
        self.compiled.program.references().has_function(function)
    }

    fn evaluate_in(&self, variables: &dyn VariableResolver, scope: &Scope) -> Result<Json, Fault> {
        let value = self.work_out(variables, scope);
        if let Some(witness) = &scope.witness {
            witness(self, scope, &value);
        }
        value
    }

    /// Its value as others can hold it, for a name that other expressions see: not copied where it is a part of what they see
    /// already.
    ///
    /// # Errors
    /// As [`Self::evaluate`].
    pub(crate) fn held(&self, scope: &Scope) -> Result<Held, Fault> {
        match scope.witness {
            Some(_) => self.evaluate(scope).map(Held::from),
            None => self.come_to(scope, scope, Held::of)?,
        }
    }

    fn work_out(&self, variables: &dyn VariableResolver, scope: &Scope) -> Result<Json, Fault> {
        document(self.come_to(variables, scope, to_datum)?)
    }

    /// What `take` makes of its value.
    fn come_to<T>(
        &self,
        variables: &dyn VariableResolver,
        scope: &Scope,
        take: impl FnOnce(&dyn Val) -> T,
    ) -> Result<T, Fault> {
        if let Some(value) = self.at_hand(variables) {
            return Ok(take(value.as_ref()));
        }
        let evaluated = catch_unwind(AssertUnwindSafe(|| {
            let _shape = self.calls_xml.then(|| reading::of(&scope.shape));
            let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
            context.set_variable_resolver(variables);
            // Not `Program::execute`, which copies the value once more on its way out.
            budget::within(|| {
                let value = Value::resolve_val(&self.compiled.guarded, &context);
                value
                    .map(|value| take(value.as_ref()))
                    .map_err(|error| self.fault(path::in_steps(error, &context)))
            })
        }));
        evaluated.unwrap_or(Err(Fault::Other("the interpreter gave up")))
    }

    /// What is written in it, or what its name stands for, where it is nothing more than that.
    fn at_hand<'b>(&'b self, variables: &'b dyn VariableResolver) -> Option<CowVal<'b, 'b>> {
        match &self.compiled.guarded.expr {
            Expr::Literal(literal) => Some(literal.to_val()),
            Expr::Ident(name) => variables.resolve(name),
            _ => None,
        }
    }

    /// Its value where only a truth will do.
    ///
    /// # Errors
    /// As [`Self::evaluate`].
    pub(crate) fn truth(&self, scope: &Scope) -> Result<bool, Fault> {
        let value = self.evaluate(scope)?;
        value.as_bool().ok_or(Fault::Result { wanted: "true or false", found: kind(&value) })
    }

    /// Its value where only text will do. A number is written out; null is `None`.
    ///
    /// # Errors
    /// As [`Self::evaluate`].
    pub(crate) fn text(&self, scope: &Scope) -> Result<Option<String>, Fault> {
        as_text(self.evaluate(scope)?)
    }

    /// The same, where one more name can be seen.
    ///
    /// # Errors
    /// As [`Self::evaluate`].
    pub(crate) fn text_with(
        &self,
        scope: &Scope,
        name: &'static str,
        value: &Held,
    ) -> Result<Option<String>, Fault> {
        as_text(self.evaluate_in(&Extended { scope, name, value }, scope)?)
    }

    /// CEL's errors repeat the values they met; this keeps only what the manifest itself says.
    fn fault(&self, error: ExecutionError) -> Fault {
        if paid::is_spent(&error) {
            return Fault::Spent;
        }
        match error {
            ExecutionError::NoSuchKey(key)
                if references::writes(self.compiled.program.expression(), &key) =>
            {
                Fault::Missing(key.as_str().to_owned())
            }
            ExecutionError::NoSuchKey(_) => Fault::NoEntry,
            ExecutionError::UndeclaredReference(name) => Fault::Unknown(name.as_str().to_owned()),
            ExecutionError::NoSuchOverload(overload) => Fault::Types {
                function: overload.function().to_owned(),
                types: overload.argument_types().join(" and "),
            },
            ExecutionError::FunctionError { function, message } => {
                functions::problem(&function, &message).map_or(
                    Fault::Other("a value does not have the form a function needs"),
                    |(function, problem)| Fault::Function { function, problem },
                )
            }
            ExecutionError::IndexOutOfBounds(_) => Fault::Other("an index is outside its list"),
            ExecutionError::Overflow(..) => Fault::Other("a number is too large"),
            ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
                Fault::Other("division by zero")
            }
            _ => Fault::Other("a value has the wrong type"),
        }
    }
}

/// The parser takes more stack than a runtime's thread has. `None` when it panicked, `Ok(None)` when the tree is too deep
/// to be evaluated, or even dropped, on any other stack.
fn parse(source: &str) -> Option<Result<Option<Arc<Compiled>>, ParseErrors>> {
    room::with_room(|| {
        if let Some(known) = COMPILED.with_borrow(|compiled| compiled.get(source).cloned()) {
            return Ok(Some(known));
        }
        let program = ENVIRONMENT.compile(source)?;
        if references::depth(program.expression()) > MAX_DEPTH {
            return Ok(None);
        }
        let guarded = guarded::guarded(program.expression());
        let Some(guarded) = guarded.filter(|tree| references::depth(tree) <= MAX_GUARDED_DEPTH)
        else {
            return Ok(None);
        };
        let compiled = Arc::new(Compiled { program, guarded });
        COMPILED.with_borrow_mut(|known| known.insert(source.to_owned(), Arc::clone(&compiled)));
        Ok(Some(compiled))
    })
}

fn as_text(value: Json) -> Result<Option<String>, Fault> {
    match value {
        Json::Null => Ok(None),
        Json::String(text) => Ok(Some(text)),
        Json::Bool(truth) => Ok(Some(truth.to_string())),
        Json::Number(number) => Ok(Some(number.to_string())),
        value @ (Json::Array(_) | Json::Object(_)) => {
            Err(Fault::Result { wanted: "text, a number or a truth", found: kind(&value) })
        }
    }
}

/// The name of a value's type, for messages.
pub(crate) fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a truth",
        Json::Number(number) if number.is_f64() => "a fraction",
        Json::Number(_) => "a whole number",
        Json::String(_) => "text",
        Json::Array(_) => "a list",
        Json::Object(_) => "a map",
    }
}

/// Length, nesting and chains are looked at before the parser sees the text.
fn refuse_outsized(source: &str) -> Result<(), Flaw> {
    let length = source.chars().count();
    if source.trim().is_empty() {
        return Err(Flaw { offset: 0, problem: "an expression is missing".to_owned() });
    }
    if length > MAX_LENGTH {
        let problem = format!("an expression has at most {MAX_LENGTH} characters, this {length}");
        return Err(Flaw { offset: 0, problem });
    }
    let (mut depth, mut chain) = (0_usize, 0_usize);
    let mut quote = None;
    let mut escaped = false;
    for (offset, character) in source.char_indices() {
        if let Some(open) = quote {
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                _ if character == open => quote = None,
                _ => {}
            }
            continue;
        }
        match character {
            '"' | '\'' => quote = Some(character),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '.' | '+' | '-' | '*' | '/' | '%' | '!' | '?' | '&' | '|' | '<' | '>' | '=' => {
                chain += 1;
            }
            _ => {}
        }
        if depth > MAX_NESTING {
            let problem = format!("brackets are nested more than {MAX_NESTING} deep");
            return Err(Flaw { offset, problem });
        }
        if chain > MAX_CHAIN {
            let problem = format!("an expression has at most {MAX_CHAIN} operators and dots");
            return Err(Flaw { offset, problem });
        }
    }
    Ok(())
}

/// Byte offset of the parser's line (from 1) and column (from 1, or 0 at the start).
fn offset_of(source: &str, (line, column): (isize, isize)) -> usize {
    let line = usize::try_from(line - 1).unwrap_or(0);
    let column = usize::try_from(column - 1).unwrap_or(0);
    let start: usize = source.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = source.get(start..).unwrap_or_default();
    start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests;
