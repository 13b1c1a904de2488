//! W3: nobody of the whole family owns a home. Up to 2026-09-19 the rent had to exceed a share of the income besides.

use heyan::simulate::province::{HomeState, NONE};

use super::super::application::Application;
use super::super::row::Row;
use super::super::town::{Couple, Town};

/// The last day of the first version, and the first of the second.
const BEFORE: &str = "2026-09-19";
const SINCE: &str = "2026-09-20";

/// An application for W3 that states what the centre knows when all is well.
pub(super) fn renting(town: &Town<'_>, what: &'static str, applicant: u32) -> Application {
    Application::of("W3", what)
        .names("applicant", town.person(applicant))
        .states("months_in_a_row", 12)
        .states("withdrawn_within_12_months", false)
        .states("amount_fen", 1_800_000)
}

fn with_children_and_no_home(town: &Town<'_>) -> Couple {
    town.couple("couple with children and no home", |couple| {
        !couple.children.is_empty() && town.own_nothing(couple.family())
    })
}

/// The family is found, and all of it is asked about.
pub(super) fn families(town: &Town<'_>) -> Vec<Row> {
    let homeless = with_children_and_no_home(town);
    let spouse_owns = town.couple("couple with a child of whom one owns a home", |couple| {
        let owned = || town.homes_of(couple.head).into_iter().map(|home| town.home_row(home));
        couple.children.len() == 1
            && owned().any(|home| home.state == HomeState::Titled)
            && owned().all(|home| home.co_owner == NONE)
    });
    let single = town.someone("single without a home", |one, _| {
        town.is_single(one) && town.age(one) > 25 && town.own_nothing([one])
    });
    let parents = renting(town, "a couple with children and no home", homeless.head);
    let alone = renting(town, "somebody single without a home", single);
    let owners = renting(town, "somebody without a home whose spouse owns one", spouse_owns.spouse);
    let stranger = town.person(single);
    let half = [("family_known", "family_incomplete"), ("no_home", "family_incomplete")];
    vec![
        parents.clone().ready(),
        parents.clone().names("declared_spouse", town.person(homeless.spouse)).ready(),
        alone.clone().attaches("single_declaration").ready(),
        owners.clone().refuted(&[("no_home", "refuted")]),
        parents
            .clone()
            .but("a couple without a home, withdrawing twice a year")
            .states("withdrawn_within_12_months", true)
            .refuted(&[("once_a_year", "refuted")]),
        parents
            .clone()
            .but("a couple without a home, withdrawing more than a year allows")
            .states("amount_fen", 1_800_001)
            .counter(&[("within_year", "stated_otherwise")]),
        // One book answers and the other does not: the half that is known owns nothing, and that is no answer.
        parents.clone().counter(&half).book_down(homeless.spouse),
        parents.clone().counter(&half).book_down(homeless.head),
        // A home of the half that is known is a home of the family.
        owners.refuted(&[half[0], half[1], ("no_home", "refuted")]).book_down(spouse_owns.head),
        // No record of a marriage says nothing, unless the applicant promises to be single.
        alone.counter(&half),
        parents
            .but("a couple, naming another spouse than the register")
            .names("declared_spouse", stranger)
            .counter(&[
                ("family_known", "family_incomplete"),
                ("no_home", "family_incomplete"),
                ("spouse_declared", "doubtful"),
            ]),
    ]
}

/// What each agency's silence leaves open, and what it does not touch.
pub(super) fn sources(town: &Town<'_>) -> Vec<Row> {
    let homeless = with_children_and_no_home(town);
    let parents = || renting(town, "a couple with children and no home", homeless.head);
    let unknown = [("family_known", "family_incomplete"), ("no_home", "family_incomplete")];
    let nobody = |why| [("who", why), unknown[0], unknown[1]];
    vec![
        parents().counter(&[("no_home", "denied")]).not_agreed("housing"),
        parents().counter(&[("no_home", "unavailable")]).down("housing"),
        parents().counter(&unknown).not_agreed("civil-affairs"),
        parents().counter(&unknown).down("civil-affairs"),
        parents().counter(&nobody("denied")).not_agreed("police"),
        parents().counter(&nobody("unavailable")).down("police"),
        parents().ready().not_agreed("tax"),
        parents().ready().down("tax"),
    ]
}

/// The same applicants on both sides of the date: what the rent was held against no longer counts.
pub(super) fn versions(town: &Town<'_>) -> Vec<Row> {
    let rented = |person: u32| {
        let mut homes = 0..town.province.home_count();
        homes.find(|&home| town.home_row(home).tenant == person)
    };
    let rent_of = |home: u32| town.province.lease_terms(home).0;
    // Ten per cent of the income of twelve months.
    let bears = |person: u32, rent: i64, shares: i64| {
        town.province.income(person).is_some_and(|(income, _)| income < rent * 120 / shares)
    };
    let tenant = |what, exceeds: bool| {
        town.someone(what, |one, _| {
            town.is_single(one)
                && town.is_insured(one)
                && town.own_nothing([one])
                && rented(one).is_some_and(|home| bears(one, rent_of(home), 1) == exceeds)
        })
    };
    let couple = |what, exceeds: bool| {
        town.couple(what, |couple| {
            town.own_nothing(couple.family())
                && couple.both().into_iter().all(|one| town.is_insured(one))
                && rented(couple.head).is_some_and(|home| {
                    let rent = rent_of(home);
                    couple.both().into_iter().all(|one| bears(one, rent, 2)) == exceeds
                })
        })
    };
    let now = |what, person: u32| {
        let home = rented(person).unwrap();
        renting(town, what, person).names("lease", town.lease(home)).on(SINCE)
    };
    let then = |application: &Application, person: u32| {
        application.clone().on(BEFORE).states("rent_fen", rent_of(rented(person).unwrap()))
    };

    let (poor, rich) =
        (tenant("a tenant of small means", true), tenant("a tenant of good means", false));
    let poor_now = now("a tenant of small means", poor).attaches("single_declaration");
    let rich_now = now("a tenant of good means", rich).attaches("single_declaration");
    let (poor_then, rich_then) = (then(&poor_now, poor), then(&rich_now, rich));
    let small = couple("couple of tenants of small means", true);
    let good = couple("couple of tenants of good means", false);
    let good_now = now("a couple of tenants of good means", good.head);
    let small_then = then(&now("a couple of tenants of small means", small.head), small.head);
    let half = [("family_known", "family_incomplete"), ("no_home", "family_incomplete")];
    vec![
        rich_then.clone().counter(&[("rent_share", "doubtful")]),
        rich_now.clone().ready(),
        poor_then.clone().ready(),
        poor_now.clone().ready(),
        // Of a couple, above one half for one says nothing of both together.
        then(&good_now, good.head).counter(&[("rent_share_of_couple", "doubtful")]),
        good_now.ready(),
        small_then.clone().ready(),
        small_then.counter(&half).book_down(small.spouse),
        poor_then
            .clone()
            .but("a tenant who states a higher rent than the lease")
            .states("rent_fen", rent_of(rented(poor).unwrap()) + 1)
            .refuted(&[("lease", "refuted")]),
        poor_then.clone().counter(&[("rent_share", "denied")]).not_agreed("tax"),
        poor_then.clone().counter(&[("rent_share", "unavailable")]).down("tax"),
        poor_then
            .clone()
            .but("a tenant of small means, withdrawing more than a year allows")
            .states("amount_fen", 1_800_001)
            .counter(&[("within_year", "stated_otherwise")]),
        poor_now.clone().ready().not_agreed("tax"),
        poor_now.ready().down("tax"),
    ]
}
