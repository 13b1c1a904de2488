//! New homes, by contributors of this centre (L1) and of another (L4).

use heyan::simulate::province::{HomeFlag, HomeKind, HomeState, Trait};
use heyan::simulate::samples;

use super::super::row::Row;
use super::super::town::{Couple, Town};
use super::{Borrower, HALF, NOBODY, borrower, is_new, loan, no_income, works_for};

/// L1: a couple, and what stands against its loan.
pub(super) fn couples(town: &Town<'_>) -> Vec<Row> {
    let buyers = borrower(town, "a new home", |_, home, row| is_new(town, home, row));
    let Borrower { couple, home } = &buyers;
    let of = |what, person, home| {
        loan("L1", what, town, person, home).names("permit", town.presale(home))
    };
    let couples = of("a couple whom nobody has declared", couple.head, *home);
    let declared = couples.clone().but("a couple that is declared");
    let declared = declared.names("declared_spouse", town.person(couple.spouse));
    let other = town.home("a new home of another project", |one, row| {
        town.province.project_of(one) != town.province.project_of(*home) && is_new(town, one, row)
    });
    let unsold = town.home("new, of a project that may not be sold", |one, row| {
        row.kind() == HomeKind::New && !is_new(town, one, row) && {
            let permit = town.province.presale_number(town.province.project_of(one));
            town.province.presale(&permit).is_some_and(|(_, valid, _)| !valid)
        }
    });
    let not_theirs = couples.clone().but("a couple that has not bought the home");
    let not_theirs = not_theirs
        .names("contract", town.contract(other))
        .states("price_fen", town.province.price_fen(other));
    let cheaper = couples.clone().but("a price that the contract does not say");
    let elsewhere_built = couples.clone().but("a permit of another project");
    let barred = couples.clone().but("a project that may not be sold");
    let elsewhere = couples.clone().but("somebody whom another employer insures");
    let poor = couples.clone().but("instalments that no income bears");
    let wrong_spouse = declared.clone().but("somebody who names another than the spouse");
    let wrong_spouse = wrong_spouse.names("declared_spouse", town.person(samples::TENANT));
    let price = town.province.price_fen(*home);
    let insurance = ["insured", "insured_months"];
    let housing = ["bought", "same_project", "presale", "homes"];
    let all = |needs: &[&'static str], why: &'static str| -> Vec<(&'static str, &'static str)> {
        needs.iter().map(|need| (*need, why)).collect()
    };
    vec![
        couples.clone().ready(),
        declared.ready(),
        both_incomes(town),
        // The permit is of the home that they have bought, the contract is not.
        not_theirs.refuted(&[("bought", "refuted"), ("same_project", "doubtful")]),
        elsewhere_built
            .names("permit", town.presale(other))
            .counter(&[("same_project", "doubtful")]),
        cheaper.states("price_fen", price - 100).refuted(&[("bought", "refuted")]),
        barred
            .names("permit", town.presale(unsold))
            .refuted(&[("presale", "refuted"), ("same_project", "doubtful")]),
        couples.clone().states("settled_loans", 2).refuted(&[("settled_loans", "refuted")]),
        elsewhere
            .names("employer", town.employing(samples::SERVICE_UNIT))
            .counter(&[("insured", "doubtful")]),
        poor.states("instalment_fen", 10_000_000).counter(&[("income", "doubtful")]),
        wrong_spouse.counter(&[
            ("spouse_declared", "doubtful"),
            ("spouse_known", "declared_differs"),
            ("family_known", "family_incomplete"),
            ("homes", "family_incomplete"),
        ]),
        couples.clone().counter(&no_income("denied")).not_agreed("tax"),
        couples.clone().counter(&all(&insurance, "denied")).not_agreed("social-security"),
        couples.clone().counter(&all(&housing, "denied")).not_agreed("housing"),
        couples.clone().counter(&[("employer_active", "denied")]).not_agreed("market-regulation"),
        couples.clone().counter(&no_income("unavailable")).down("tax"),
        couples.clone().counter(&all(&insurance, "unavailable")).down("social-security"),
        couples.clone().counter(&all(&housing, "unavailable")).down("housing"),
        couples.counter(&[("employer_active", "unavailable")]).down("market-regulation"),
    ]
}

/// L1 of a couple neither of whose incomes bears the instalments, while one half of them each is borne.
fn both_incomes(town: &Town<'_>) -> Row {
    let incomes = |couple: &Couple| {
        let of = |one| town.province.income(one).map_or(0, |(income, _)| income);
        (of(couple.head).max(of(couple.spouse)), of(couple.head).min(of(couple.spouse)))
    };
    let Borrower { couple, home } =
        borrower(town, "a new home, on two like incomes", |both, home, row| {
            let (more, less) = incomes(both);
            is_new(town, home, row)
                && works_for(town, both.spouse, '9')
                && more + 1_000_000 < 2 * less
        });
    // Twelve instalments are sixty per cent of a little more than the larger income.
    let instalment = (incomes(&couple).0 + 200_000) * 60 / 1200;
    loan("L1", "a couple that needs both incomes", town, couple.head, home)
        .names("permit", town.presale(home))
        .states("instalment_fen", instalment)
        .ready()
}

/// L1: the family, whole and by half.
pub(super) fn families(town: &Town<'_>) -> Vec<Row> {
    let with_child = borrower(town, "a new home, with a child", |couple, home, row| {
        is_new(town, home, row) && !couple.children.is_empty()
    });
    let Borrower { couple, home } = with_child;
    let apply = |what, person, home| {
        loan("L1", what, town, person, home).names("permit", town.presale(home))
    };
    let family = apply("a family with a child", couple.head, home);
    let alone = town.home("new and of somebody single who works", |one, row| {
        is_new(town, one, row)
            && town.is_single(row.owner)
            && works_for(town, row.owner, '9')
            && town.homes_of(row.owner) == [one]
            && town.province.household(town.person_row(row.owner)).count() == 1
    });
    let unsaid = apply("somebody who does not say to be single", town.home_row(alone).owner, alone);
    let single = unsaid.clone().but("somebody single").attaches("single_declaration");
    let widow = town.home("new, and of one whose spouse is dead", |one, row| {
        let spouse =
            town.marriage(row.owner).map(|marriage| marriage.man + marriage.woman - row.owner);
        is_new(town, one, row)
            && town.is_ordinary(row.owner)
            && works_for(town, row.owner, '9')
            && town.homes_of(row.owner) == [one]
            && spouse.is_some_and(|spouse| town.person_row(spouse).has(Trait::Dead))
    });
    let widowed = apply("somebody whose spouse is dead", town.home_row(widow).owner, widow);
    let rich = town.couple("with a new home, who have too many", |couple| {
        let homes = town.homes_of(couple.head);
        let titled = |home: &&u32| {
            let row = town.home_row(**home);
            row.state == HomeState::Titled && !row.has(HomeFlag::OldNumber)
        };
        works_for(town, couple.spouse, '9')
            && homes.iter().filter(titled).count() > 1
            && homes.iter().any(|&home| {
                let row = town.home_row(home);
                is_new(town, home, row) && row.co_owner == couple.spouse
            })
    });
    let third = town
        .homes_of(rich.spouse)
        .into_iter()
        .find(|&home| is_new(town, home, town.home_row(home)));
    let rich = apply("a spouse of one who owns two homes", rich.spouse, third.unwrap());
    let with = |more: [(&'static str, &'static str); 2]| [HALF, more].concat();
    vec![
        family.clone().ready(),
        single.clone().ready(),
        rich.refuted(&[("homes", "refuted")]),
        widowed.counter(&[("spouse_known", "doubtful")]),
        unsaid.counter(&NOBODY),
        family.clone().counter(&HALF).book_down(couple.spouse),
        family.clone().counter(&NOBODY).not_agreed("civil-affairs"),
        family.clone().counter(&NOBODY).down("civil-affairs"),
        family
            .clone()
            .counter(&with([("who", "denied"), ("spouse_known", "denied")]))
            .not_agreed("police"),
        family
            .counter(&with([("who", "unavailable"), ("spouse_known", "unavailable")]))
            .down("police"),
    ]
}

/// L4: the deposits are another centre's.
pub(super) fn from_elsewhere(town: &Town<'_>) -> Vec<Row> {
    let Borrower { couple, home } =
        borrower(town, "a new home", |_, home, row| is_new(town, home, row));
    let uncertified =
        loan("L4", "a couple without the other centre's word", town, couple.head, home)
            .names("permit", town.presale(home))
            .states("certificate_used", false);
    let apply = uncertified.clone().but("a couple with deposits elsewhere");
    let apply = apply.attaches("deposit_certificate");
    let other = town.home("a new home of another project", |one, row| {
        town.province.project_of(one) != town.province.project_of(home) && is_new(town, one, row)
    });
    let elsewhere_built = apply.clone().but("a couple with a permit of another project");
    let used =
        apply.clone().but("a couple whose certificate has served").states("certificate_used", true);
    let short = apply.clone().but("a couple of five months").states("months_in_a_row", 5);
    vec![
        apply.clone().ready(),
        used.refuted(&[("certificate_unused", "refuted")]),
        elsewhere_built
            .names("permit", town.presale(other))
            .counter(&[("same_project", "doubtful")]),
        uncertified.counter(&[("certificate", "evidence_missing")]),
        short.counter(&[("deposits", "stated_otherwise")]),
        apply.clone().counter(&HALF).book_down(couple.head),
        apply.clone().counter(&no_income("denied")).not_agreed("tax"),
        apply.clone().counter(&NOBODY).not_agreed("civil-affairs"),
        apply.clone().counter(&NOBODY).down("civil-affairs"),
        apply.counter(&[("employer_active", "unavailable")]).down("market-regulation"),
    ]
}
