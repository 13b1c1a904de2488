//! Names such as `a.b.c`, looked up once and field by field.
//!
//! The interpreter joins such a name anew at each evaluation, and looks for a variable of the whole of it before it looks for
//! one of each shorter name. In a guarded tree it is one identifier already, which a scope follows from its first name on.

use std::collections::BTreeSet;

use cel::common::ast::{Expr, IdedExpr, SelectExpr};
use cel::common::traits::Indexer;
use cel::common::types::{CelMap, CelString};
use cel::common::value::{CowVal, Val};
use cel::{Context, ExecutionError, Value};

use super::guarded::below;

/// The name that fields of a variable spell; `None` where it is one of the macros' own, or anything else.
pub(super) fn spelt(node: &IdedExpr, bound: &BTreeSet<&str>) -> Option<String> {
    match &node.expr {
        Expr::Ident(name) => {
            let is_ours = !bound.contains(name.as_str()) && !name.contains(['.', '@']);
            is_ours.then(|| name.clone())
        }
        Expr::Select(select) if !select.test && !select.field.contains('.') => {
            let mut name = spelt(&select.operand, bound)?;
            name.push('.');
            name.push_str(&select.field);
            Some(name)
        }
        _ => None,
    }
}

/// The variables of all macros in a tree.
pub(super) fn bound<'a>(node: &'a IdedExpr, names: &mut BTreeSet<&'a str>) {
    if let Expr::Comprehension(call) = &node.expr {
        names.extend([call.iter_var.as_str(), &call.accu_var]);
        names.extend(call.iter_var2.as_deref());
    }
    below(node).into_iter().for_each(|child| bound(child, names));
}

/// What stands at the end of a name; `None` where anything on the way is not there, or is no map.
pub(super) fn follow<'b>(
    name: &str,
    root: impl FnOnce(&str) -> Option<&'b dyn Val>,
) -> Option<&'b dyn Val> {
    let mut segments = name.split('.');
    let mut value = root(segments.next()?)?;
    for segment in segments {
        value = field(value, segment)?;
    }
    Some(value)
}

fn field<'b>(value: &'b dyn Val, name: &str) -> Option<&'b dyn Val> {
    let map = value.downcast_ref::<CelMap<'_>>()?;
    match map.get(&CelString::from(name)) {
        Ok(CowVal::Borrowed(value)) => Some(value),
        Ok(CowVal::Owned(_)) | Err(_) => None,
    }
}

/// Why a name could not be followed: what the interpreter says when it goes the same way step by step.
pub(super) fn in_steps(error: ExecutionError, context: &Context<'_, '_>) -> ExecutionError {
    let ExecutionError::UndeclaredReference(name) = &error else { return error };
    if !name.contains('.') {
        return error;
    }
    let steps = selecting(name);
    Value::resolve_val(&steps, context).err().unwrap_or(error)
}

fn selecting(name: &str) -> IdedExpr {
    let expr = match name.rsplit_once('.') {
        None => Expr::Ident(name.to_owned()),
        Some((before, field)) => Expr::Select(SelectExpr {
            operand: Box::new(selecting(before)),
            field: field.to_owned(),
            test: false,
        }),
    };
    IdedExpr { id: 0, expr }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::super::{Expression, Fault, Scope};

    fn evaluate(source: &str) -> Result<Json, Fault> {
        let mut scope = Scope::new(std::sync::Arc::default());
        scope.set("doc", json!({ "rows": [{ "n": 1 }, { "n": 2 }], "a": { "b.c": 3, "b": { "c": 4 } }, "no": null }));
        scope.set("resp", json!({ "n": 7 }));
        Expression::compile(source).unwrap().evaluate(&scope)
    }

    #[test]
    fn a_name_is_followed_whatever_stands_around_it() {
        for (source, expected) in [
            ("doc.a.b.c", json!(4)),
            ("doc.a", json!({ "b.c": 3, "b": { "c": 4 } })),
            ("doc.a['b.c'] + doc.a.b.c", json!(7)),
            ("has(doc.a.b) && !has(doc.a.d) && has(doc.a.b.c)", json!(true)),
            ("doc.rows[1].n", json!(2)),
            ("[doc.a.b.c, resp.n]", json!([4, 7])),
            ("{'x': doc.a.b}.x.c", json!(4)),
            // The variable of a macro is not the variable of that name outside.
            ("doc.rows.map(resp, resp.n)", json!([1, 2])),
            ("doc.rows.filter(r, r.n < resp.n).map(r, r.n * doc.a.b.c)", json!([4, 8])),
            ("doc.rows.all(doc, doc.n > 0)", json!(true)),
            ("'text'", json!("text")),
            ("null", json!(null)),
        ] {
            assert_eq!(evaluate(source), Ok(expected), "{source}");
        }
    }

    #[test]
    fn a_name_that_leads_nowhere_is_told_as_where_it_ends() {
        let types =
            |types: &str| Fault::Types { function: "_._".to_owned(), types: types.to_owned() };
        for source in ["{}", "{} == 1", "[{}]", "doc.rows.exists(r, {} == r.n)", "'a' + {}"] {
            let fault = |name: &str| evaluate(&source.replace("{}", name)).unwrap_err();
            assert_eq!(fault("doc.a.d.e"), Fault::Missing("d".to_owned()), "{source}");
            assert_eq!(fault("doc.a.b.d"), Fault::Missing("d".to_owned()), "{source}");
            assert_eq!(fault("nobody.a"), Fault::Unknown("nobody".to_owned()), "{source}");
            assert_eq!(fault("doc.no.a"), types("null_type and string"), "{source}");
            assert_eq!(fault("resp.n.a.b"), types("int and string"), "{source}");
        }
        assert!(evaluate("doc.rows.n").is_err());
    }
}
