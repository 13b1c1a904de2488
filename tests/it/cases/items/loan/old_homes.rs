//! Second-hand homes (L2).

use heyan::simulate::province::{Home, HomeFlag};
use heyan::simulate::samples;

use super::super::row::Row;
use super::super::town::Town;
use super::{Borrower, HALF, NOBODY, borrower, is_free, loan, no_income};

/// L2: the seller owns the home, and nothing bars the sale.
pub(super) fn rows(town: &Town<'_>) -> Vec<Row> {
    let buyers = |what: &str, is: fn(&Home) -> bool| {
        borrower(town, what, |_, home, row| is_old(town, home, row) && is(row))
    };
    let of = |what, Borrower { couple, home }: &Borrower| {
        let seller = town.home_row(*home).seller().unwrap();
        loan("L2", what, town, couple.head, *home)
            .names("property", town.property(*home))
            .names("seller", town.person(seller))
            .states("mortgage_carried", false)
    };
    let free = buyers("an old home", |row| is_free(row) && !row.has(HomeFlag::Mortgaged));
    let carried =
        buyers("an old home and its mortgage", |row| is_free(row) && row.has(HomeFlag::Mortgaged));
    let seized = town.home("an old home that a court has seized", |home, row| {
        is_old(town, home, row) && row.has(HomeFlag::Seized)
    });
    let another = town.home("another old home, free", |home, row| {
        home != free.home
            && is_old(town, home, row)
            && is_free(row)
            && !row.has(HomeFlag::Mortgaged)
    });
    let untaxed = borrower(town, "an old home before the tax", |_, home, row| {
        row.seller().is_some()
            && !town.province.is_taxed(home)
            && is_free(row)
            && !row.has(HomeFlag::Mortgaged)
    });
    let bought = of("a couple", &free);
    let mortgaged = of("a home whose mortgage nobody carries over", &carried);
    let with_mortgage = mortgaged.clone().but("a couple that carries the mortgage over");
    let with_mortgage = with_mortgage.states("mortgage_carried", true);
    let barred = bought.clone().but("a home that a court has seized");
    let barred = barred
        .names("property", town.property(seized))
        .names("seller", town.person(town.home_row(seized).seller().unwrap()));
    let not_sellers = bought.clone().but("a seller who does not own the home");
    let not_bought = bought.clone().but("a home that the contract does not sell");
    let not_bought = not_bought
        .names("property", town.property(another))
        .names("seller", town.person(town.home_row(another).seller().unwrap()));
    let housing = |why| {
        vec![
            ("bought", why),
            ("same_home", why),
            ("sellers_own", why),
            ("free", why),
            ("homes", why),
        ]
    };
    let taxes = |why| [&[("taxed", why)][..], &no_income(why)].concat();
    vec![
        bought.clone().ready(),
        with_mortgage.ready(),
        mortgaged.refuted(&[("free", "refuted")]),
        // Deed tax of that home is somebody else's.
        barred.refuted(&[("free", "refuted"), ("same_home", "doubtful"), ("taxed", "doubtful")]),
        not_bought.counter(&[("same_home", "doubtful"), ("taxed", "doubtful")]),
        not_sellers
            .names("seller", town.person(samples::SELLER))
            .refuted(&[("sellers_own", "refuted")]),
        of("a couple that has not paid deed tax yet", &untaxed).counter(&[("taxed", "doubtful")]),
        bought.clone().counter(&taxes("denied")).not_agreed("tax"),
        bought.clone().counter(&taxes("unavailable")).down("tax"),
        bought.clone().counter(&housing("denied")).not_agreed("housing"),
        bought.clone().counter(&housing("unavailable")).down("housing"),
        bought.clone().counter(&HALF).book_down(free.couple.spouse),
        bought.clone().counter(&NOBODY).not_agreed("civil-affairs"),
        bought.counter(&NOBODY).down("civil-affairs"),
    ]
}

/// A second-hand home under contract, whose deed tax is paid already.
fn is_old(town: &Town<'_>, home: u32, row: &Home) -> bool {
    row.seller().is_some() && town.province.is_taxed(home)
}
