//! To build and to overhaul, in place of a bank's loan, and with a bank together (L3).

use heyan::simulate::province::{Home, HomeFlag, HomeState, PermitKind};
use heyan::simulate::samples;

use super::super::application::Application;
use super::super::row::Row;
use super::super::town::Town;
use super::{Borrower, borrower, is_free, is_new};

/// What every loan of L3 says.
pub(in super::super) fn third(
    town: &Town<'_>,
    what: &'static str,
    kind: &'static str,
    person: u32,
) -> Application {
    Application::of("L3", what)
        .names("applicant", town.person(person))
        .states("kind", kind)
        .states("months_in_a_row", 24)
        .states("loan_outstanding", false)
        .states("credit_fit", true)
        .states("loan_fen", 10_000_000)
        .attaches("credit_report")
}

/// L3, to build and to overhaul: a permit or a finding, of one of the couple.
pub(super) fn building(town: &Town<'_>) -> Vec<Row> {
    let holds = |one: u32, dangerous: bool| {
        let number = town.province.permit_number(one);
        let permit = number.and_then(|number| town.province.permit(&number));
        permit.is_some_and(|permit| {
            permit.valid && (permit.kind == PermitKind::Dangerous) == dangerous
        })
    };
    let builders = town.couple("of whom one may build", |couple| {
        town.is_insured(couple.spouse) && holds(couple.head, false)
    });
    let build = third(town, "a spouse of the permit's holder", "build", builders.spouse)
        .names("spouse", town.person(builders.head))
        .names("permit", town.permit(builders.head));
    let stranger = build.clone().but("somebody who says to be the holder's spouse");
    let stranger = stranger.names("spouse", town.person(samples::WIDOW));
    let endangered = borrower(town, "a home in danger", |couple, _, row| {
        holds(couple.head, true) && row.state == HomeState::Titled
    });
    let Borrower { couple, home } = endangered;
    let overhaul = third(town, "an owner of a home in danger", "overhaul", couple.head)
        .names("property", town.property(home))
        .names("permit", town.permit(couple.head));
    let anothers = overhaul.clone().but("somebody with a finding about another's home");
    let anothers = anothers.names("property", town.property(samples::SOLD_HOME));
    let foreign = build.clone().but("a couple with a permit of another kind");
    let foreign = foreign.names("permit", town.permit(couple.head));
    // Of two answers one is a no and the other did not come.
    let both = |need, why| [(need, why)];
    vec![
        build.clone().ready(),
        overhaul.clone().ready(),
        stranger.refuted(&[("spouse_shown", "refuted"), ("permitted", "refuted")]),
        anothers.refuted(&[("owned", "refuted")]),
        foreign.refuted(&[("permitted", "refuted")]),
        build.clone().no_more("permit").counter(&[("permitted", "not_named")]),
        build.clone().counter(&both("permitted", "denied")).not_agreed("housing"),
        build.clone().counter(&both("permitted", "unavailable")).down("housing"),
        // The family of this item is a couple that names itself: nobody says whether it is one.
        build.clone().counter(&both("spouse_shown", "denied")).not_agreed("civil-affairs"),
        build.counter(&both("spouse_shown", "unavailable")).down("civil-affairs"),
        overhaul.clone().counter(&both("insured_months", "denied")).not_agreed("social-security"),
        overhaul.counter(&both("insured_months", "unavailable")).down("social-security"),
    ]
}

/// L3, to take over a bank's loan, and with a bank together.
pub(super) fn conversions(town: &Town<'_>) -> Vec<Row> {
    let Borrower { couple, home } =
        borrower(town, "a mortgaged home", |_, _, row| is_mortgaged(row));
    let convert = third(town, "an owner who owes a bank", "conversion", couple.head)
        .names("property", town.property(home))
        .states("bank_name", town.province.mortgagee(home))
        .states("good_months", 14)
        .states("bank_balance_fen", 40_000_000)
        .attaches("bank_balance");
    let other_bank = convert.clone().but("an owner who owes another bank");
    let early = convert.clone().but("an owner who has repaid for eleven months");
    let tenant = convert.clone().but("somebody who does not own the home");
    let tenant = tenant.names("property", town.property(samples::COUPLE_HOME));
    let tenant = tenant.states("bank_name", town.province.mortgagee(samples::COUPLE_HOME));
    let buyers = borrower(town, "a new home", |_, home, row| is_new(town, home, row));
    let combine = third(town, "a buyer with a bank's part", "combined", buyers.couple.head)
        .names("contract", town.contract(buyers.home))
        .attaches("bank_approval");
    vec![
        convert.clone().ready(),
        combine.clone().ready(),
        tenant.refuted(&[("owned", "refuted")]),
        other_bank.states("bank_name", "某银行").counter(&[("mortgaged", "doubtful")]),
        early.states("good_months", 11).refuted(&[("good_repayment", "refuted")]),
        convert.counter(&[("owned", "denied"), ("mortgaged", "denied")]).not_agreed("housing"),
        combine.counter(&[("bought", "unavailable")]).down("housing"),
    ]
}

/// A home that its couple has title to, mortgaged and otherwise free.
fn is_mortgaged(row: &Home) -> bool {
    row.state == HomeState::Titled && row.has(HomeFlag::Mortgaged) && is_free(row)
}
