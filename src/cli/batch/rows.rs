//! The rows of a list, each as a question or as what is wrong with it.

use std::io;

use super::columns::{Bad, Columns};
use super::plan::Plan;
use super::sheet::Sheet;
use crate::proto::gateway::v1 as wire;

/// A list being read, from its first row on.
pub(super) struct Rows {
    sheet: Sheet,
    columns: Columns,
    template: wire::VerifyRequest,
    relation: wire::Relation,
}

/// One row.
pub(super) enum Row {
    /// Empty.
    Blank,
    Bad(Bad),
    Question(Box<wire::VerifyRequest>),
}

impl Rows {
    pub(super) fn new(sheet: Sheet, columns: Columns, plan: &Plan) -> Self {
        Self::of(sheet, columns, plan.question().clone(), plan.relation())
    }

    /// Of a question less its subjects.
    pub(super) fn of(
        sheet: Sheet,
        columns: Columns,
        template: wire::VerifyRequest,
        relation: wire::Relation,
    ) -> Self {
        Self { sheet, columns, template, relation }
    }

    /// The next row with its number, without its request id.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Row)>> {
        let Some((number, fields)) = self.sheet.next()? else { return Ok(None) };
        let row = match self.columns.question(&fields, &self.template, self.relation) {
            Ok(None) => Row::Blank,
            Ok(Some(question)) => Row::Question(Box::new(question)),
            Err(bad) => Row::Bad(bad),
        };
        Ok(Some((number, row)))
    }
}
