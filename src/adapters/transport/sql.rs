//! The transport `[sql]`: one parametrised SELECT of the manifest for each question.

use std::sync::Arc;

use serde_json::Value as Json;

use super::exchange::asking;
use super::{Ask, Asked, Transport};
use crate::adapters::failed::Failed;
use crate::adapters::language::expression::Held;
use crate::adapters::line::front::Select;
use crate::adapters::line::{Got, Line, Put, not_carried};
use crate::adapters::manifest::Question;
use crate::adapters::mapping::{Document, Reply};

/// One database.
pub(crate) struct Sql {
    line: Arc<dyn Line>,
}

impl Sql {
    /// Over the line to a database.
    pub(crate) fn new(line: Arc<dyn Line>) -> Self {
        Self { line }
    }
}

impl Transport for Sql {
    fn ask<'a>(&'a self, ask: &'a Ask<'a>) -> Asked<'a> {
        Box::pin(async move {
            let Question::Sql(statement, parameters) = &ask.operation.question else {
                return Err(Failed::contract("the operation is not one of `[sql]`"));
            };
            let scope = asking(ask, None, 1);
            let parameters: Vec<Json> = parameters
                .iter()
                .map(|parameter| {
                    parameter.evaluate(&scope).map_err(|fault| {
                        Failed::expression("parameters", parameter, fault).before_asking()
                    })
                })
                .collect::<Result<_, _>>()?;
            let select = Select {
                statement: statement.text.clone(),
                parameters: statement.arrange(&parameters),
            };
            let Got::Rows { rows, as_of } =
                self.line.put(Put::Select(select), ask.deadline).await?
            else {
                return Err(not_carried());
            };
            let as_of = as_of.map(|at| at.0 / 1_000);
            let rows = Held::from(Json::Array(rows));
            let resp = Held::map([
                ("rows", rows.clone()),
                ("body", rows),
                ("as_of", Json::from(as_of).into()),
            ]);
            Ok(Reply::Document(Document { resp, scope, incomplete: None, unread: None }))
        })
    }
}
