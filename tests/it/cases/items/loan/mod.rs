//! Loans, L1 to L6.

mod building;
mod made;
mod new_homes;
mod old_homes;

use heyan::simulate::province::{EmployerStatus, Home, HomeFlag, HomeKind, HomeState};

pub(super) use self::building::third;
use super::application::Application;
use super::row::Row;
use super::town::{Couple, Town};

/// A group and what is told of it, where the register of marriages says nothing.
const NOBODY: [(&str, &str); 3] = [
    ("spouse_known", "family_incomplete"),
    ("family_known", "family_incomplete"),
    ("homes", "family_incomplete"),
];

/// Where the household books do not say who the children are.
const HALF: [(&str, &str); 2] =
    [("family_known", "family_incomplete"), ("homes", "family_incomplete")];

/// Neither is known what one income bears, nor whether two have to be asked about.
fn no_income(why: &'static str) -> [(&'static str, &'static str); 2] {
    [("income", why), ("income", "waits")]
}

/// Every row of L1 to L6.
pub(super) fn rows(town: &Town<'_>) -> Vec<Row> {
    [
        new_homes::couples(town),
        new_homes::families(town),
        new_homes::from_elsewhere(town),
        old_homes::rows(town),
        building::building(town),
        building::conversions(town),
        made::changes(town),
        made::releases(town),
    ]
    .concat()
}

/// Somebody who borrows, and the home it is about.
struct Borrower {
    couple: Couple,
    home: u32,
}

/// A couple whose one home is that; who owns it has worked for an active enterprise for a year.
fn borrower(town: &Town<'_>, what: &str, is: impl Fn(&Couple, u32, &Home) -> bool) -> Borrower {
    let only = |couple: &Couple| {
        let mut homes: Vec<u32> = couple.both().map(|one| town.homes_of(one)).concat();
        homes.sort_unstable();
        homes.dedup();
        homes.first().copied().filter(|_| homes.len() == 1)
    };
    let couple = town.couple(what, |couple| {
        let home = only(couple).filter(|&home| town.home_row(home).owner == couple.head);
        works_for(town, couple.head, '9')
            && home.is_some_and(|home| is(couple, home, town.home_row(home)))
    });
    Borrower { home: only(&couple).unwrap(), couple }
}

/// Has been insured for a year by an active employer of that registrar.
pub(super) fn works_for(town: &Town<'_>, person: u32, registrar: char) -> bool {
    let employer = town.province.employer_of(person);
    let employer = employer.and_then(|employer| town.province.employer(employer));
    town.is_insured(person)
        && employer.is_some_and(|row| {
            row.prefix.starts_with(registrar) && row.status == EmployerStatus::Active
        })
}

/// A new home under contract, of a project that may be sold.
pub(super) fn is_new(town: &Town<'_>, home: u32, row: &Home) -> bool {
    let permit = town.province.presale_number(town.province.project_of(home));
    let permit = town.province.presale(&permit);
    row.state == HomeState::Contracted
        && row.kind() == HomeKind::New
        && permit.is_some_and(|(_, valid, _)| valid)
}

/// No court, objection or right of residence holds it.
pub(super) fn is_free(row: &Home) -> bool {
    ![HomeFlag::Seized, HomeFlag::Disputed, HomeFlag::Residence].iter().any(|&flag| row.has(flag))
}

/// What every loan for a home says: a third paid down, and 1,000 yuan a month.
pub(super) fn loan(
    item: &'static str,
    what: &'static str,
    town: &Town<'_>,
    person: u32,
    home: u32,
) -> Application {
    let price = town.province.price_fen(home);
    Application::of(item, what)
        .names("applicant", town.person(person))
        .names("employer", town.employer_of(person))
        .names("contract", town.contract(home))
        .states("months_in_a_row", 24)
        .states("settled_loans", 0)
        .states("loan_outstanding", false)
        .states("credit_fit", true)
        .states("years_past_retirement", 0)
        .states("price_fen", price)
        .states("down_payment_fen", price / 3)
        .states("loan_fen", 30_000_000)
        .states("instalment_fen", 100_000)
        .attaches("credit_report")
        .attaches("down_payment_receipt")
}
