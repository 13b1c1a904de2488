//! Which ways through an expression there are, and which of them one evaluation takes.
//!
//! Both sides of `?:` are ways; so are, for `&&` and `||`, each operand that decides, and none that does. What stands
//! inside a macro (`map`, `filter`, `exists`, …) counts as a whole, but for the code tables it looks into.

use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use cel::common::ast::operators::{CONDITIONAL, INDEX, LOGICAL_AND, LOGICAL_OR};
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr};
use cel::{Context, Value};

use super::{ENVIRONMENT, Expression, Scope, guarded, reading};
use crate::adapters::language::budget::{self, NODE};

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

/// A walk through what was written, which asks what is evaluated for each value.
struct Walk<'a> {
    guarded: HashMap<u64, &'a IdedExpr>,
    taken: Taken,
}

impl Expression {
    /// Every way through it, in words.
    pub(crate) fn branches(&self) -> Vec<(Branch, String)> {
        let mut found = Vec::new();
        self.list(self.compiled.program.expression(), &mut found);
        found
    }

    /// What an evaluation in this scope goes through. It costs several evaluations: it is for fixtures.
    pub(crate) fn taken(&self, scope: &Scope) -> Taken {
        let mut guarded = HashMap::new();
        guarded::by_id(&self.compiled.guarded, &mut guarded);
        let mut walk = Walk { guarded, taken: Taken::default() };
        // As in `evaluate`: whatever the interpreter does with a strange value, nothing else suffers.
        let walked = catch_unwind(AssertUnwindSafe(|| {
            let _shape = self.calls_xml.then(|| reading::of(&scope.shape));
            let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
            context.set_variable_resolver(scope);
            budget::within(|| walk.node(self.compiled.program.expression(), &context));
        }));
        if walked.is_err() { Taken::default() } else { walk.taken }
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
        let own =
            self.compiled.program.source_info().offset_for(node.id).map(|(start, _)| start + 1);
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
pub(super) fn children(node: &IdedExpr) -> Vec<&IdedExpr> {
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

impl Walk<'_> {
    fn value(&self, node: &IdedExpr, context: &Context<'_, '_>) -> Option<Value> {
        context.resolve(self.guarded.get(&node.id)?).ok()
    }

    fn node(&mut self, node: &IdedExpr, context: &Context<'_, '_>) {
        match &node.expr {
            Expr::Call(call) if call.func_name == CONDITIONAL => {
                if let [condition, yes, no] = call.args.as_slice() {
                    self.node(condition, context);
                    if let Some(Value::Bool(truth)) = self.value(condition, context) {
                        self.taken.branches.insert((node.id, usize::from(!truth)));
                        self.node(if truth { yes } else { no }, context);
                    }
                }
            }
            Expr::Call(call) => match logical(call) {
                Some((_, deciding)) => self.operands(node, &call.func_name, deciding, context),
                None => {
                    self.note_code(call, context);
                    children(node).into_iter().for_each(|child| self.node(child, context));
                }
            },
            Expr::Comprehension(call) => {
                self.node(&call.iter_range, context);
                self.codes_inside(call, context);
            }
            _ => children(node).into_iter().for_each(|child| self.node(child, context)),
        }
    }

    fn operands(
        &mut self,
        node: &IdedExpr,
        operator: &str,
        deciding: bool,
        context: &Context<'_, '_>,
    ) {
        let operands = operands(node, operator);
        let mut is_clear = true;
        for (side, operand) in operands.iter().enumerate() {
            self.node(operand, context);
            match self.value(operand, context) {
                Some(Value::Bool(truth)) if truth == deciding => {
                    self.taken.branches.insert((node.id, side));
                    return;
                }
                Some(Value::Bool(_)) => {}
                _ => is_clear = false,
            }
        }
        if is_clear {
            self.taken.branches.insert((node.id, operands.len()));
        }
    }

    /// Notes `codes.TABLE[key]`.
    fn note_code(&mut self, call: &CallExpr, context: &Context<'_, '_>) {
        let [table, key] = call.args.as_slice() else { return };
        if call.func_name != INDEX {
            return;
        }
        let Expr::Select(select) = &table.expr else { return };
        if !matches!(&select.operand.expr, Expr::Ident(name) if name == "codes") {
            return;
        }
        if let Some(Value::String(key)) = self.value(key, context) {
            self.taken.codes.insert((select.field.clone(), key.as_str().to_owned()));
        }
    }

    fn codes_inside(&mut self, call: &ComprehensionExpr, context: &Context<'_, '_>) {
        let Some(Value::List(items)) = self.value(&call.iter_range, context) else { return };
        let outside = std::mem::take(&mut self.taken.branches);
        for item in items.iter() {
            if budget::spend(NODE).is_err() {
                break;
            }
            let mut inner = context.new_inner_scope();
            inner.add_variable_from_value(call.iter_var.as_str(), item.clone());
            self.node(&call.loop_step, &inner);
            self.node(&call.loop_cond, &inner);
        }
        self.taken.branches = outside;
    }
}
