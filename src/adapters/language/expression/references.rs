//! Which names an expression uses, held against those its place in a manifest can see.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cel::Program;
use cel::common::ast::operators::INDEX;
use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue};

use super::super::functions;
use super::guarded;

/// Functions of CEL itself.
const STANDARD: [&str; 10] =
    ["size", "int", "uint", "double", "string", "bool", "bytes", "type", "dyn", "matches"];
/// Methods of CEL itself.
const METHODS: [&str; 5] = ["size", "contains", "startsWith", "endsWith", "matches"];

/// What may follow a name.
#[derive(Clone, Debug)]
pub(crate) enum Members {
    /// Anything: it comes from outside.
    Any,
    /// Exactly these fields, each with what may follow it.
    Fields(Arc<BTreeMap<String, Members>>),
}

impl Members {
    /// Exactly these fields, with anything after them.
    pub(crate) fn of<T: Into<String>>(fields: impl IntoIterator<Item = T>) -> Self {
        Self::nested(fields.into_iter().map(|field| (field, Self::Any)))
    }

    /// Exactly these fields, each with what may follow it.
    pub(crate) fn nested<T: Into<String>>(fields: impl IntoIterator<Item = (T, Self)>) -> Self {
        Self::Fields(Arc::new(
            fields.into_iter().map(|(name, after)| (name.into(), after)).collect(),
        ))
    }
}

/// The names one place can see.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(BTreeMap<&'static str, Members>);

impl Names {
    /// These, and one more.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, members: Members) -> Self {
        self.0.insert(name, members);
        self
    }
}

/// Node and problem of every name that is unknown, each problem once.
pub(super) fn unknown(program: &Program, names: &Names) -> Vec<(u64, String)> {
    let mut search = Search { names, bound: Vec::new(), found: Vec::new() };
    search.visit(program.expression());
    let mut seen = BTreeSet::new();
    search.found.retain(|(_, problem)| seen.insert(problem.clone()));
    search.found
}

/// Levels of the tree under a node, the node included.
pub(super) fn depth(node: &IdedExpr) -> usize {
    let deepest = match &node.expr {
        Expr::Unspecified | Expr::Literal(_) | Expr::Ident(_) => 0,
        Expr::Select(select) => depth(&select.operand),
        Expr::Call(call) => call
            .target
            .iter()
            .map(|target| depth(target))
            .chain(call.args.iter().map(depth))
            .max()
            .unwrap_or(0),
        Expr::List(list) => list.elements.iter().map(depth).max().unwrap_or(0),
        Expr::Map(map) => {
            map.entries.iter().map(|entry| entry_depth(&entry.expr)).max().unwrap_or(0)
        }
        Expr::Struct(message) => {
            message.entries.iter().map(|entry| entry_depth(&entry.expr)).max().unwrap_or(0)
        }
        Expr::Comprehension(call) => {
            let parts =
                [&call.iter_range, &call.accu_init, &call.loop_cond, &call.loop_step, &call.result];
            parts.into_iter().map(depth).max().unwrap_or(0)
        }
    };
    deepest + 1
}

/// True when that key is written in the tree as a field, or as the text in brackets.
pub(super) fn writes(node: &IdedExpr, key: &str) -> bool {
    let is_here = match &node.expr {
        Expr::Select(select) => select.field == key,
        Expr::Call(call) if call.func_name == INDEX => matches!(
            call.args.last().map(|index| &index.expr),
            Some(Expr::Literal(LiteralValue::String(text))) if text.inner() == key
        ),
        _ => false,
    };
    is_here || guarded::below(node).into_iter().any(|child| writes(child, key))
}

fn entry_depth(entry: &EntryExpr) -> usize {
    match entry {
        EntryExpr::MapEntry(entry) => depth(&entry.key).max(depth(&entry.value)),
        EntryExpr::StructField(field) => depth(&field.value),
    }
}

struct Search<'a> {
    names: &'a Names,
    /// Variables of the macros (`map`, `filter`, …) around this node.
    bound: Vec<String>,
    found: Vec<(u64, String)>,
}

impl Search<'_> {
    fn visit(&mut self, node: &IdedExpr) {
        match &node.expr {
            Expr::Unspecified | Expr::Literal(_) => {}
            Expr::Ident(_) | Expr::Select(_) => {
                self.path(node);
            }
            Expr::Call(call) => {
                self.function(node.id, &call.func_name, call.target.is_some(), call.args.len());
                call.target.iter().for_each(|target| self.visit(target));
                call.args.iter().for_each(|argument| self.visit(argument));
            }
            Expr::List(list) => list.elements.iter().for_each(|element| self.visit(element)),
            Expr::Map(map) => {
                for entry in &map.entries {
                    match &entry.expr {
                        EntryExpr::MapEntry(entry) => {
                            self.visit(&entry.key);
                            self.visit(&entry.value);
                        }
                        EntryExpr::StructField(field) => self.visit(&field.value),
                    }
                }
            }
            Expr::Struct(message) => {
                self.found.push((node.id, format!("there is no type `{}`", message.type_name)));
            }
            Expr::Comprehension(macro_call) => {
                self.visit(&macro_call.iter_range);
                self.visit(&macro_call.accu_init);
                let before = self.bound.len();
                self.bound.push(macro_call.iter_var.clone());
                self.bound.extend(macro_call.iter_var2.clone());
                self.bound.push(macro_call.accu_var.clone());
                self.visit(&macro_call.loop_cond);
                self.visit(&macro_call.loop_step);
                self.visit(&macro_call.result);
                self.bound.truncate(before);
            }
        }
    }

    /// Walks `a.b.c` from its root and returns what may follow; anything, once a flaw has been noted.
    fn path(&mut self, node: &IdedExpr) -> Members {
        match &node.expr {
            Expr::Ident(name) if self.bound.contains(name) || name.starts_with('@') => Members::Any,
            Expr::Ident(name) => self.names.0.get(name.as_str()).cloned().unwrap_or_else(|| {
                let known = self.names.0.keys().copied();
                let problem = format!("there is no `{name}` here{}", nearest(name, known));
                self.found.push((node.id, problem));
                Members::Any
            }),
            Expr::Select(select) => match self.path(&select.operand) {
                Members::Any => Members::Any,
                Members::Fields(fields) => {
                    fields.get(&select.field).cloned().unwrap_or_else(|| {
                        let known = fields.keys().map(String::as_str);
                        let hint = nearest(&select.field, known);
                        let problem = format!("there is no field `{}` here{hint}", select.field);
                        self.found.push((node.id, problem));
                        Members::Any
                    })
                }
            },
            _ => {
                self.visit(node);
                Members::Any
            }
        }
    }

    fn function(&mut self, id: u64, name: &str, is_method: bool, arguments: usize) {
        // Operators are functions too; their names are no identifiers.
        if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return;
        }
        if is_method {
            if !METHODS.contains(&name) {
                let problem = format!("there is no method `{name}`");
                self.found.push((id, problem));
            }
            return;
        }
        let arity = functions::arity(name);
        if arity.is_some_and(|arity| arity != arguments) {
            let arity = arity.unwrap_or_default();
            self.found.push((id, format!("`{name}` takes {arity} arguments, not {arguments}")));
        } else if arity.is_none() && !STANDARD.contains(&name) {
            let known = functions::names().chain(STANDARD);
            self.found.push((id, format!("there is no function `{name}`{}", nearest(name, known))));
        }
    }
}

fn nearest<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> String {
    known
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .filter(|&(distance, name)| distance <= 1 + name.len() / 4)
        .min()
        .map_or_else(String::new, |(_, name)| format!("; did you mean `{name}`?"))
}
