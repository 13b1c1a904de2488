//! The tree that is evaluated instead of the one that was written. It means the same, but for two things: whatever
//! grows with what it is given pays out of the budget, and `&&` and `||` go strictly from left to right.
//!
//! CEL's own `&&` and `||` forget the error of one operand when the other decides. An agency's reply without the field
//! that a rule looks at would then be whatever the rest of the rule says: a "no", where nothing was said.

use std::collections::{BTreeSet, HashMap};

use cel::common::ast::operators::{
    ADD, CONDITIONAL, EQUALS, GREATER, GREATER_EQUALS, IN, INDEX, LESS, LESS_EQUALS, LOGICAL_AND,
    LOGICAL_NOT, LOGICAL_OR, NOT_EQUALS,
};
use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedEntryExpr, IdedExpr, ListExpr, LiteralValue,
    MapEntryExpr, MapExpr, SelectExpr,
};
use cel::common::types::CelUInt;

use super::paid::{HELD, JUDGED, MATCHES, MAX_SUM, MEASURED, SOUGHT, TURN, sum_of};
use super::path;
use crate::adapters::language::budget::NODE;
use crate::adapters::language::functions;

/// The guarded form of a tree; `None` of what has none, which no expression of a manifest holds.
pub(super) fn guarded(node: &IdedExpr) -> Option<IdedExpr> {
    let mut bound = BTreeSet::new();
    path::bound(node, &mut bound);
    Place { in_loop: false, bound: &bound }.node(node)
}

/// Every node of a guarded tree that was written, by its number.
pub(super) fn by_id<'a>(node: &'a IdedExpr, found: &mut HashMap<u64, &'a IdedExpr>) {
    if node.id != 0 {
        found.insert(node.id, node);
    }
    below(node).into_iter().for_each(|child| by_id(child, found));
}

/// Nodes of a tree.
fn count(node: &IdedExpr) -> u64 {
    below(node).into_iter().fold(1, |sum, child| sum.saturating_add(count(child)))
}

/// The nodes below one, those of a macro included.
pub(super) fn below(node: &IdedExpr) -> Vec<&IdedExpr> {
    match &node.expr {
        Expr::Comprehension(call) => {
            vec![&call.iter_range, &call.accu_init, &call.loop_cond, &call.loop_step, &call.result]
        }
        _ => super::branches::children(node),
    }
}

#[derive(Clone, Copy)]
struct Place<'a> {
    /// Inside a macro, where everything is done again and again.
    in_loop: bool,
    /// The variables of macros, in the whole tree.
    bound: &'a BTreeSet<&'a str>,
}

impl Place<'_> {
    fn node(self, node: &IdedExpr) -> Option<IdedExpr> {
        let expr = match &node.expr {
            Expr::Literal(_) | Expr::Ident(_) => node.expr.clone(),
            Expr::Unspecified | Expr::Struct(_) => return None,
            Expr::Select(select) => match path::spelt(node, self.bound) {
                Some(name) => Expr::Ident(name),
                None => Expr::Select(SelectExpr {
                    operand: Box::new(self.node(&select.operand)?),
                    field: select.field.clone(),
                    test: select.test,
                }),
            },
            Expr::Call(call) => self.call(node, call)?,
            Expr::List(list) => Expr::List(self.list(list)?),
            Expr::Map(map) => Expr::Map(self.map(map)?),
            Expr::Comprehension(call) => Expr::Comprehension(Box::new(self.comprehension(call)?)),
        };
        Some(IdedExpr { id: node.id, expr })
    }

    fn call(self, node: &IdedExpr, call: &CallExpr) -> Option<Expr> {
        let name = call.func_name.as_str();
        let guarded = match (name, &call.target, call.args.as_slice()) {
            (LOGICAL_AND, None, [left, right]) => {
                let right = truth(self.node(right)?);
                conditional(self.node(left)?, right, literal(false))
            }
            (LOGICAL_OR, None, [left, right]) => {
                let right = truth(self.node(right)?);
                conditional(self.node(left)?, literal(true), right)
            }
            (ADD, None, [_, _]) => self.sum(node)?,
            ("matches", Some(target), [pattern]) => {
                calling(MATCHES, vec![self.node(target)?, self.node(pattern)?])
            }
            ("matches", None, [text, pattern]) => {
                calling(MATCHES, vec![self.node(text)?, self.node(pattern)?])
            }
            _ => {
                let target = match &call.target {
                    Some(target) => Some(Box::new(self.argument(call, target)?)),
                    None => None,
                };
                let arguments = call.args.iter().map(|argument| self.argument(call, argument));
                let args = arguments.collect::<Option<_>>()?;
                Expr::Call(CallExpr { func_name: call.func_name.clone(), target, args })
            }
        };
        Some(guarded)
    }

    /// Outside macros an argument is looked at once, and our own functions pay themselves.
    fn argument(self, call: &CallExpr, argument: &IdedExpr) -> Option<IdedExpr> {
        let guarded = self.node(argument)?;
        let name = call.func_name.as_str();
        if !self.in_loop || call.target.is_none() && functions::arity(name).is_some() {
            return Some(guarded);
        }
        Some(match name {
            INDEX | CONDITIONAL | LOGICAL_NOT => guarded,
            // A comparison ends with the shorter of the two.
            EQUALS | NOT_EQUALS | LESS | LESS_EQUALS | GREATER | GREATER_EQUALS
                if call.args.iter().any(is_literal) =>
            {
                guarded
            }
            IN if call.args.last().is_some_and(|last| std::ptr::eq(last, argument)) => {
                paying(SOUGHT, guarded)
            }
            "size" => paying(MEASURED, guarded),
            _ => paying(HELD, guarded),
        })
    }

    /// `a + b + c` is one sum: the parser's pairs would copy what came before with each of them.
    fn sum(self, node: &IdedExpr) -> Option<Expr> {
        let mut summands = Vec::new();
        let mut rest = node;
        while let Expr::Call(call) = &rest.expr
            && let (ADD, None, [left, right]) =
                (call.func_name.as_str(), &call.target, call.args.as_slice())
            && summands.len() + 2 < MAX_SUM
        {
            summands.push(self.node(right)?);
            rest = left;
        }
        summands.push(self.node(rest)?);
        summands.reverse();
        Some(calling(&sum_of(summands.len()), summands))
    }

    fn list(self, list: &ListExpr) -> Option<ListExpr> {
        let elements = list.elements.iter().map(|element| Some(paying(HELD, self.node(element)?)));
        let elements = elements.collect::<Option<_>>()?;
        Some(ListExpr::new_with_optionals(elements, list.optional_indices.clone()))
    }

    fn map(self, map: &MapExpr) -> Option<MapExpr> {
        let entries = map.entries.iter().map(|entry| {
            let EntryExpr::MapEntry(inside) = &entry.expr else { return None };
            Some(IdedEntryExpr {
                id: entry.id,
                expr: EntryExpr::MapEntry(MapEntryExpr {
                    key: paying(HELD, self.node(&inside.key)?),
                    value: paying(HELD, self.node(&inside.value)?),
                    optional: inside.optional,
                }),
            })
        });
        Some(MapExpr { entries: entries.collect::<Option<_>>()? })
    }

    /// The interpreter knows `map` and `filter` by the shape of their step, which must stay.
    fn comprehension(self, call: &ComprehensionExpr) -> Option<ComprehensionExpr> {
        let inside = Self { in_loop: true, ..self };
        let is_accu =
            |node: &IdedExpr| matches!(&node.expr, Expr::Ident(name) if *name == call.accu_var);
        let turn = |name: &str, value: IdedExpr| {
            let units = CelUInt::from(NODE.saturating_mul(count(&call.loop_step)));
            let units = IdedExpr { id: 0, expr: Expr::Literal(LiteralValue::UInt(units)) };
            let variable = IdedExpr { id: 0, expr: Expr::Ident(call.iter_var.clone()) };
            IdedExpr { id: 0, expr: calling(name, vec![variable, units, value]) }
        };
        let Expr::Call(step) = &call.loop_step.expr else { return None };
        let expr = match (step.func_name.as_str(), step.args.as_slice()) {
            (LOGICAL_AND, [accu, judged]) if is_accu(accu) => {
                let judged = turn(JUDGED, inside.node(judged)?);
                conditional(accu.clone(), judged, literal(false))
            }
            (LOGICAL_OR, [accu, judged]) if is_accu(accu) => {
                let judged = turn(JUDGED, inside.node(judged)?);
                conditional(accu.clone(), literal(true), judged)
            }
            (CONDITIONAL, [condition, then, otherwise]) if is_accu(otherwise) => {
                let condition = turn(JUDGED, inside.node(condition)?);
                let then = inside.appended(then, &is_accu, |item| paying(HELD, item))?;
                conditional(condition, then, otherwise.clone())
            }
            (ADD, _) => inside.appended(&call.loop_step, &is_accu, |item| turn(TURN, item))?.expr,
            _ => return None,
        };
        Some(ComprehensionExpr {
            iter_range: self.node(&call.iter_range)?,
            iter_var: call.iter_var.clone(),
            iter_var2: call.iter_var2.clone(),
            accu_var: call.accu_var.clone(),
            accu_init: call.accu_init.clone(),
            loop_cond: call.loop_cond.clone(),
            loop_step: IdedExpr { id: call.loop_step.id, expr },
            result: call.result.clone(),
        })
    }

    /// `@result + [item]`, or the `@result + 1` of `exists_one`.
    fn appended(
        self,
        step: &IdedExpr,
        is_accu: &dyn Fn(&IdedExpr) -> bool,
        paid: impl Fn(IdedExpr) -> IdedExpr,
    ) -> Option<IdedExpr> {
        let Expr::Call(call) = &step.expr else { return None };
        let (ADD, None, [accu, added]) =
            (call.func_name.as_str(), &call.target, call.args.as_slice())
        else {
            return None;
        };
        let expr = match &added.expr {
            _ if !is_accu(accu) => return None,
            Expr::Literal(_) => added.expr.clone(),
            Expr::List(list) => {
                let items = list.elements.iter().map(|item| Some(paid(self.node(item)?)));
                Expr::List(ListExpr::new(items.collect::<Option<_>>()?))
            }
            _ => return None,
        };
        let added = IdedExpr { id: added.id, expr };
        let args = vec![accu.clone(), added];
        let expr = Expr::Call(CallExpr { func_name: ADD.to_owned(), target: None, args });
        Some(IdedExpr { id: step.id, expr })
    }
}

fn calling(name: &str, args: Vec<IdedExpr>) -> Expr {
    Expr::Call(CallExpr { func_name: name.to_owned(), target: None, args })
}

fn conditional(condition: IdedExpr, then: IdedExpr, otherwise: IdedExpr) -> Expr {
    calling(CONDITIONAL, vec![condition, then, otherwise])
}

fn literal(truth: bool) -> IdedExpr {
    IdedExpr { id: 0, expr: Expr::Literal(LiteralValue::Boolean(truth.into())) }
}

/// An operand of `&&` or `||` whose value would be the whole's, and which must be a truth.
fn truth(node: IdedExpr) -> IdedExpr {
    if is_truth(&node) {
        return node;
    }
    IdedExpr { id: 0, expr: conditional(node, literal(true), literal(false)) }
}

/// True of what can have no other value than a truth.
fn is_truth(node: &IdedExpr) -> bool {
    const TRUTHS: [&str; 13] = [
        EQUALS,
        NOT_EQUALS,
        LESS,
        LESS_EQUALS,
        GREATER,
        GREATER_EQUALS,
        IN,
        LOGICAL_NOT,
        MATCHES,
        "contains",
        "startsWith",
        "endsWith",
        "bool",
    ];
    match &node.expr {
        Expr::Literal(LiteralValue::Boolean(_)) => true,
        Expr::Select(select) => select.test,
        Expr::Call(call) if call.func_name == CONDITIONAL => call.args.iter().skip(1).all(is_truth),
        Expr::Call(call) => TRUTHS.contains(&call.func_name.as_str()),
        Expr::Comprehension(call) => is_truth(&call.accu_init) || is_truth(&call.result),
        _ => false,
    }
}

/// A value that is written in the expression, and therefore short.
fn is_literal(node: &IdedExpr) -> bool {
    matches!(node.expr, Expr::Literal(_))
}

/// The node under an operator that pays for its value, where that may be anything and was not paid for.
fn paying(operator: &str, node: IdedExpr) -> IdedExpr {
    let was_paid = match &node.expr {
        Expr::Literal(_) | Expr::List(_) | Expr::Map(_) | Expr::Comprehension(_) => true,
        Expr::Call(call) => {
            call.func_name.starts_with('@')
                || call.target.is_none() && functions::arity(&call.func_name).is_some()
                || is_truth(&node)
        }
        _ => is_truth(&node),
    };
    if was_paid {
        return node;
    }
    IdedExpr { id: 0, expr: calling(operator, vec![node]) }
}
