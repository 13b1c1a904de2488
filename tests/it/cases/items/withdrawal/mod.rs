//! Withdrawals, W1 to W7.

mod endings;
mod homes;
mod registers;
mod rent;

use super::row::Row;
use super::town::Town;

/// Every row of W1 to W7.
pub(super) fn rows(town: &Town<'_>) -> Vec<Row> {
    [
        homes::purchase(town),
        homes::works(town),
        homes::repayment(town),
        rent::families(town),
        rent::sources(town),
        rent::versions(town),
        registers::people(town),
        registers::homes(town),
        endings::retirement(town),
        endings::disability(town),
        endings::emigration(town),
        endings::death(town),
    ]
    .concat()
}
