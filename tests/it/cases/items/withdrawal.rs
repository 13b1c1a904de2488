//! Withdrawals, W1 to W7.

use heyan::simulate::province::Trait;

use super::application::Application;
use super::row::Row;
use super::town::Town;

/// Every row of W1 to W7.
pub(super) fn rows(town: &Town<'_>) -> Vec<Row> {
    retirement(town)
}

/// W4: a pension in payment, never an age; that of residents is no retirement.
fn retirement(town: &Town<'_>) -> Vec<Row> {
    let pensioner = |scheme: &'static str| {
        town.someone("an ordinary pensioner", |one, row| {
            let pension = town.province.pension(one);
            town.is_ordinary(one)
                && row.has(Trait::Pensioner)
                && pension.is_some_and(|pension| pension.scheme == scheme && pension.paying)
        })
    };
    let retired = Application::of("W4", "a pensioner of an enterprise")
        .names("applicant", town.person(pensioner("110")))
        .states("ground", "retired")
        .states("account_sealed", true)
        .states("loan_outstanding", false);
    let resident = retired.clone().but("a pensioner of the residents' scheme");
    let resident = resident.names("applicant", town.person(pensioner("170")));
    vec![
        retired.clone().ready(),
        resident.refuted(&[("retired", "refuted")]),
        retired.clone().counter(&[("retired", "denied")]).not_agreed("social-security"),
        retired.clone().counter(&[("who", "denied")]).not_agreed("police"),
        retired.clone().counter(&[("retired", "unavailable")]).down("social-security"),
        retired.counter(&[("who", "unavailable")]).down("police"),
    ]
}
