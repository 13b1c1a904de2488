//! The transport `[file]`: rows of the newest table that an agency dropped, by one key.

use std::sync::Arc;

use serde_json::Value as Json;

use super::exchange::asking;
use super::{Ask, Asked, Transport};
use crate::adapters::failed::Failed;
use crate::adapters::language::expression::Held;
use crate::adapters::line::drop::Lookup;
use crate::adapters::line::{Got, Line, Put, not_carried};
use crate::adapters::manifest::Question;
use crate::adapters::mapping::{Document, Reply};

/// One folder.
pub(crate) struct Dropped {
    line: Arc<dyn Line>,
}

impl Dropped {
    /// Over the line to a folder.
    pub(crate) fn new(line: Arc<dyn Line>) -> Self {
        Self { line }
    }
}

impl Transport for Dropped {
    fn ask<'a>(&'a self, ask: &'a Ask<'a>) -> Asked<'a> {
        Box::pin(async move {
            let Question::File(lookup) = &ask.operation.question else {
                return Err(Failed::contract("the operation is not one of `[file]`"));
            };
            let flawed = |problem| Failed::expression("lookup", lookup, problem).before_asking();
            let scope = asking(ask, None, 1);
            let key = lookup
                .evaluate(&scope)
                .map_err(|fault| Failed::expression("lookup", lookup, fault).before_asking())?;
            let Json::String(key) = key else { return Err(flawed("it is no text")) };
            if key.is_empty() {
                return Err(flawed("it is empty: it asks about nobody"));
            }
            let put = Put::Lookup(Lookup { key, now: ask.now });
            let Got::Rows { rows, as_of } = self.line.put(put, ask.deadline).await? else {
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
