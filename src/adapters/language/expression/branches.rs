//! Which ways through an expression there are, and which of them one evaluation takes.
//!
//! Both sides of `?:` are ways; so are, for `&&` and `||`, each operand that decides, and none that does. What stands
//! inside a macro (`map`, `filter`, `exists`, …) counts as a whole, but for the code tables it looks into.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use cel::common::ast::operators::{CONDITIONAL, INDEX, LOGICAL_AND, LOGICAL_OR};
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr};
use cel::{Context, Value};

use super::{ENVIRONMENT, Expression, Scope};

/// One way through an expression: a node, and a side of it.
pub(crate) type Branch = (u64, usize);

/// What one evaluation went through.
#[derive(Default)]
pub(crate) struct Taken {
    /// The ways.
    pub(crate) branches: BTreeSet<Branch>,
    /// Code tables and the codes looked up in them.
    pub(crate) codes: BTreeSet<(String, String)>,
}

impl Expression {
    /// Every way through it, in words.
    pub(crate) fn branches(&self) -> Vec<(Branch, String)> {
        let mut found = Vec::new();
        self.list(self.program.expression(), &mut found);
        found
    }

    /// What an evaluation in this scope goes through. It costs several evaluations: it is for fixtures.
    pub(crate) fn taken(&self, scope: &Scope) -> Taken {
        let mut taken = Taken::default();
        // As in `evaluate`: whatever the interpreter does with a strange value, nothing else suffers.
        let walked = catch_unwind(AssertUnwindSafe(|| {
            let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
            if self.declare_functions(&mut context, scope).is_ok() {
                context.set_variable_resolver(scope);
                walk(self.program.expression(), &context, &mut taken);
            }
        }));
        if walked.is_err() { Taken::default() } else { taken }
    }

    fn list(&self, node: &IdedExpr, found: &mut Vec<(Branch, String)>) {
        if let Expr::Call(call) = &node.expr {
            if call.func_name == CONDITIONAL {
                let place = call.args.first().map_or(0, |condition| self.character(condition));
                for (side, truth) in ["true", "false"].into_iter().enumerate() {
                    let what =
                        format!("the condition of `?:` at character {place} was never {truth}");
                    found.push(((node.id, side), what));
                }
            } else if let Some((operator, deciding)) = logical(call) {
                let operands = operands(node, &call.func_name);
                for (side, operand) in operands.iter().enumerate() {
                    let place = self.character(operand);
                    let what = format!(
                        "the operand of `{operator}` at character {place} was never the one that is {deciding}"
                    );
                    found.push(((node.id, side), what));
                }
                let place = operands.first().map_or(0, |first| self.character(first));
                let what = format!(
                    "no operand of `{operator}` at character {place} was {deciding}, never at once"
                );
                found.push(((node.id, operands.len()), what));
                operands.into_iter().for_each(|operand| self.list(operand, found));
                return;
            }
        }
        children(node).into_iter().for_each(|child| self.list(child, found));
    }

    /// Where a node begins, from 1: the least place of anything in it.
    fn character(&self, node: &IdedExpr) -> u32 {
        let own = self.program.source_info().offset_for(node.id).map(|(start, _)| start + 1);
        let inside = children(node).into_iter().map(|child| self.character(child));
        inside.chain(own).filter(|place| *place > 0).min().unwrap_or(0)
    }
}

/// The operator, and the truth of an operand that decides it alone.
fn logical(call: &CallExpr) -> Option<(&'static str, bool)> {
    match call.func_name.as_str() {
        LOGICAL_AND => Some(("&&", false)),
        LOGICAL_OR => Some(("||", true)),
        _ => None,
    }
}

/// `a && b && c` has three operands, however the parser has paired them.
fn operands<'a>(node: &'a IdedExpr, operator: &str) -> Vec<&'a IdedExpr> {
    match &node.expr {
        Expr::Call(call) if call.func_name == operator => {
            call.args.iter().flat_map(|operand| operands(operand, operator)).collect()
        }
        _ => vec![node],
    }
}

/// The nodes below one; of a macro only what it goes through.
fn children(node: &IdedExpr) -> Vec<&IdedExpr> {
    match &node.expr {
        Expr::Unspecified | Expr::Literal(_) | Expr::Ident(_) => Vec::new(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Call(call) => call.target.iter().map(AsRef::as_ref).chain(&call.args).collect(),
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map.entries.iter().flat_map(|entry| parts(&entry.expr)).collect(),
        Expr::Struct(message) => {
            message.entries.iter().flat_map(|entry| parts(&entry.expr)).collect()
        }
        Expr::Comprehension(call) => vec![&call.iter_range],
    }
}

fn parts(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
        EntryExpr::StructField(field) => vec![&field.value],
    }
}

fn walk(node: &IdedExpr, context: &Context<'_, '_>, taken: &mut Taken) {
    match &node.expr {
        Expr::Call(call) if call.func_name == CONDITIONAL => {
            if let [condition, yes, no] = call.args.as_slice() {
                walk(condition, context, taken);
                if let Ok(Value::Bool(truth)) = context.resolve(condition) {
                    taken.branches.insert((node.id, usize::from(!truth)));
                    walk(if truth { yes } else { no }, context, taken);
                }
            }
        }
        Expr::Call(call) => match logical(call) {
            Some((_, deciding)) => walk_operands(node, &call.func_name, deciding, context, taken),
            None => {
                note_code(call, context, taken);
                children(node).into_iter().for_each(|child| walk(child, context, taken));
            }
        },
        Expr::Comprehension(call) => {
            walk(&call.iter_range, context, taken);
            codes_inside(call, context, taken);
        }
        _ => children(node).into_iter().for_each(|child| walk(child, context, taken)),
    }
}

fn walk_operands(
    node: &IdedExpr,
    operator: &str,
    deciding: bool,
    context: &Context<'_, '_>,
    taken: &mut Taken,
) {
    let operands = operands(node, operator);
    let mut is_clear = true;
    for (side, operand) in operands.iter().enumerate() {
        walk(operand, context, taken);
        match context.resolve(operand) {
            Ok(Value::Bool(truth)) if truth == deciding => {
                taken.branches.insert((node.id, side));
                return;
            }
            Ok(Value::Bool(_)) => {}
            _ => is_clear = false,
        }
    }
    if is_clear {
        taken.branches.insert((node.id, operands.len()));
    }
}

/// Notes `codes.TABLE[key]`.
fn note_code(call: &CallExpr, context: &Context<'_, '_>, taken: &mut Taken) {
    let [table, key] = call.args.as_slice() else { return };
    if call.func_name != INDEX {
        return;
    }
    let Expr::Select(select) = &table.expr else { return };
    if !matches!(&select.operand.expr, Expr::Ident(name) if name == "codes") {
        return;
    }
    if let Ok(Value::String(key)) = context.resolve(key) {
        taken.codes.insert((select.field.clone(), key.as_str().to_owned()));
    }
}

fn codes_inside(call: &ComprehensionExpr, context: &Context<'_, '_>, taken: &mut Taken) {
    let Ok(Value::List(items)) = context.resolve(&call.iter_range) else { return };
    for item in items.iter() {
        let mut inner = context.new_inner_scope();
        inner.add_variable_from_value(call.iter_var.as_str(), item.clone());
        let mut within = Taken::default();
        walk(&call.loop_step, &inner, &mut within);
        walk(&call.loop_cond, &inner, &mut within);
        taken.codes.extend(within.codes);
    }
}
