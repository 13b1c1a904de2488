//! People and homes that registers write in different ways, and families that are not the usual one: none of it may change how a case
//! ends.

use heyan::simulate::calendar::Day;
use heyan::simulate::province::{HomeFlag, HomeState, NONE, Person, Relation, Trait};

use super::super::application::Application;
use super::super::row::Row;
use super::super::town::Town;
use super::rent::renting;

const HALF: [(&str, &str); 2] =
    [("family_known", "family_incomplete"), ("no_home", "family_incomplete")];

/// Whom the registers of persons write differently, or know by halves.
pub(super) fn people(town: &Town<'_>) -> Vec<Row> {
    let alone = |what, odd: Trait| {
        town.someone(what, |one, row| {
            let is_one = town.is_ordinary_but(one, &[odd]) && town.own_nothing([one]);
            is_one && row.marriages == [NONE; 2] && town.age(one) > 20
        })
    };
    // A head without children, and the last marriage.
    let head = |what, is: &dyn Fn(u32, u32) -> bool| {
        town.someone(what, |one, row| {
            let is_head = row.relation == Relation::Head && !has_children(town, row);
            let marriage = town.province.marriages_of(row).map(|(_, marriage)| *marriage).last();
            let marriage = marriage.filter(|marriage| marriage.on > Day::of(2000, 1, 1));
            is_head
                && marriage.is_some_and(|marriage| {
                    let other = if marriage.man == one { marriage.woman } else { marriage.man };
                    town.own_nothing([one, other]) && is(one, other)
                })
        })
    };
    let married = |one: u32| town.marriage(one).is_some();
    let beside = |what, odd: Trait| {
        head(what, &|one, other| {
            married(one) && town.is_ordinary(one) && town.is_ordinary_but(other, &[odd])
        })
    };
    let divorced = head("divorced, without children or home", &|one, other| {
        !married(one) && town.is_ordinary(one) && town.is_ordinary(other)
    });
    let single = |what, odd| renting(town, what, alone(what, odd)).attaches("single_declaration");
    let couple = |what, odd| renting(town, what, beside(what, odd));
    let dotted = single("single, with a middle dot in the name", Trait::Dotted);
    vec![
        dotted.clone().ready(),
        single("single, with a rare character in the name", Trait::RareName).ready(),
        single("single, with a former name", Trait::Renamed).ready(),
        couple("beside a spouse with a middle dot in the name", Trait::Dotted).ready(),
        couple("beside a spouse with a rare character in the name", Trait::RareName).ready(),
        renting(town, "divorced, and nobody has to promise to be single", divorced).ready(),
        couple("beside a spouse who has died", Trait::Dead).ready(),
        // Of whoever has no citizen's number no household book tells the children.
        couple("beside a spouse who is a foreigner", Trait::Foreigner).counter(&HALF),
        single("a foreigner, single", Trait::Foreigner).attaches("identity_seen").counter(&HALF),
        dotted.counter(&[("no_home", "unavailable")]).down("housing"),
    ]
}

/// Homes that one register has and another has not, or under an older number.
pub(super) fn homes(town: &Town<'_>) -> Vec<Row> {
    let owner = |what, state: HomeState, flag: Option<HomeFlag>| {
        town.someone(what, |one, _| {
            let mut homes = town.province.homes_of(one).map(|(_, home)| home);
            town.is_single(one)
                && homes.next().is_some_and(|home| {
                    let has = flag.is_none_or(|flag| home.has(flag));
                    home.state == state && home.owner == one && has
                })
                && homes.next().is_none()
        })
    };
    let old = owner("owner by 15 digits", HomeState::Titled, Some(HomeFlag::OldNumber));
    let bought = owner("buyer without a title", HomeState::Contracted, None);
    let gave_up = owner("buyer whose contract was withdrawn", HomeState::Withdrawn, None);
    let single = |what, person| renting(town, what, person).attaches("single_declaration");
    let repaying = town.home("mortgaged, and known by 15 digits", |_, row| {
        let is_one = row.state == HomeState::Titled && town.is_ordinary(row.owner);
        is_one && row.has(HomeFlag::OldNumber) && row.has(HomeFlag::Mortgaged)
    });
    vec![
        single("the owner of a home registered by 15 digits", old)
            .refuted(&[("no_home", "refuted")]),
        single("who has bought a home and has no title yet", bought)
            .refuted(&[("no_home", "refuted")]),
        single("who withdrew from buying a home", gave_up).ready(),
        Application::of("W2", "the owner of a home registered by 15 digits")
            .names("applicant", town.person(town.home_row(repaying).owner))
            .names("property", town.property(repaying))
            .states("lender", "bank")
            .states("lender_name", town.province.mortgagee(repaying))
            .states("withdrawn_within_12_months", false)
            .states("amount_fen", 3_000_000)
            .states("repaid_fen", 3_600_000)
            .attaches("repayment_record")
            .ready(),
    ]
}

fn has_children(town: &Town<'_>, row: &Person) -> bool {
    let mut members = town.province.household(row);
    members.any(|one| town.person_row(one).relation == Relation::Child)
}
