//! Loans, L1 to L6.

use heyan::query::subject::SubjectKind;
use heyan::simulate::province::{
    EmployerStatus, Home, HomeFlag, HomeKind, HomeState, PermitKind, Trait,
};
use heyan::simulate::samples;

use super::application::Application;
use super::row::Row;
use super::town::{Couple, Town};

/// Every row of L1 to L6.
pub(super) fn rows(town: &Town<'_>) -> Vec<Row> {
    [
        new_homes(town),
        families(town),
        old_homes(town),
        building(town),
        conversions(town),
        from_elsewhere(town),
        changes(town),
        releases(town),
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

/// A second-hand home under contract, whose deed tax is paid already.
fn is_old(town: &Town<'_>, home: u32, row: &Home) -> bool {
    row.seller().is_some() && town.province.is_taxed(home)
}

/// No court, objection or right of residence holds it.
pub(super) fn is_free(row: &Home) -> bool {
    ![HomeFlag::Seized, HomeFlag::Disputed, HomeFlag::Residence].iter().any(|&flag| row.has(flag))
}

/// A home that its couple has title to, mortgaged and otherwise free.
fn is_mortgaged(row: &Home) -> bool {
    row.state == HomeState::Titled && row.has(HomeFlag::Mortgaged) && is_free(row)
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

/// L1: a couple, and what stands against its loan.
fn new_homes(town: &Town<'_>) -> Vec<Row> {
    let buyers = borrower(town, "a new home", |_, home, row| is_new(town, home, row));
    let Borrower { couple, home } = &buyers;
    let of = |what, person, home| {
        loan("L1", what, town, person, home).names("permit", town.presale(home))
    };
    let couples = of("a couple whom nobody has declared", couple.head, *home);
    let declared = couples.clone().but("a couple that is declared");
    let declared = declared.names("declared_spouse", town.person(couple.spouse));
    let other = town.home("another new home", |one, row| one != *home && is_new(town, one, row));
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
    let barred = couples.clone().but("a project that may not be sold");
    let elsewhere = couples.clone().but("somebody whom another employer insures");
    let poor = couples.clone().but("instalments that no income bears");
    let wrong_spouse = declared.clone().but("somebody who names another than the spouse");
    let wrong_spouse = wrong_spouse.names("declared_spouse", town.person(samples::TENANT));
    let price = town.province.price_fen(*home);
    let (insurance, housing) = (["insured", "insured_months"], ["bought", "presale", "homes"]);
    let all = |needs: &[&'static str], why: &'static str| -> Vec<(&'static str, &'static str)> {
        needs.iter().map(|need| (*need, why)).collect()
    };
    vec![
        couples.clone().ready(),
        declared.ready(),
        both_incomes(town),
        not_theirs.refuted(&[("bought", "refuted")]),
        cheaper.states("price_fen", price - 100).refuted(&[("bought", "refuted")]),
        barred.names("permit", town.presale(unsold)).refuted(&[("presale", "refuted")]),
        couples.clone().states("settled_loans", 2).refuted(&[("settled_loans", "refuted")]),
        elsewhere
            .names("employer", town.employing(samples::SERVICE_UNIT))
            .counter(&[("insured", "doubtful")]),
        poor.states("instalment_fen", 10_000_000).counter(&[("income", "doubtful")]),
        wrong_spouse.counter(&[
            ("spouse_declared", "doubtful"),
            ("family_known", "declared_differs"),
            ("homes", "declared_differs"),
        ]),
        couples.clone().counter(&[("income", "denied")]).not_agreed("tax"),
        couples.clone().counter(&all(&insurance, "denied")).not_agreed("social-security"),
        couples.clone().counter(&all(&housing, "denied")).not_agreed("housing"),
        couples.clone().counter(&[("employer_active", "denied")]).not_agreed("market-regulation"),
        couples.clone().counter(&[("income", "unavailable")]).down("tax"),
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
fn families(town: &Town<'_>) -> Vec<Row> {
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
    let half = [("family_known", "family_incomplete"), ("homes", "family_incomplete")];
    let with = |more: &[(&'static str, &'static str)]| [&half[..], more].concat();
    let unknown = |why| {
        with(&[
            ("spouse_known", "family_incomplete"),
            ("income", "family_incomplete"),
            ("income", why),
        ])
    };
    vec![
        family.clone().ready(),
        single.clone().ready(),
        rich.refuted(&[("homes", "refuted")]),
        widowed.counter(&[("spouse_known", "doubtful")]),
        unsaid.counter(&half),
        family.clone().counter(&half).book_down(couple.spouse),
        family.clone().counter(&unknown("denied")).not_agreed("civil-affairs"),
        family.clone().counter(&unknown("unavailable")).down("civil-affairs"),
        family
            .clone()
            .counter(&with(&[("who", "denied"), ("spouse_known", "denied")]))
            .not_agreed("police"),
        family
            .counter(&with(&[("who", "unavailable"), ("spouse_known", "unavailable")]))
            .down("police"),
    ]
}

/// L2: the seller owns the home, and nothing bars the sale.
fn old_homes(town: &Town<'_>) -> Vec<Row> {
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
    let half = [
        ("family_known", "family_incomplete"),
        ("homes", "family_incomplete"),
        ("spouse_known", "family_incomplete"),
        ("income", "family_incomplete"),
    ];
    let unknown = |why| [&half[..], &[("income", why)]].concat();
    let housing = |why| vec![("bought", why), ("sellers_own", why), ("free", why), ("homes", why)];
    let taxes = |why| [("taxed", why), ("income", why)];
    vec![
        bought.clone().ready(),
        with_mortgage.ready(),
        mortgaged.refuted(&[("free", "refuted")]),
        // Deed tax of that home is somebody else's.
        barred.refuted(&[("free", "refuted"), ("taxed", "doubtful")]),
        not_sellers
            .names("seller", town.person(samples::SELLER))
            .refuted(&[("sellers_own", "refuted")]),
        of("a couple that has not paid deed tax yet", &untaxed).counter(&[("taxed", "doubtful")]),
        bought.clone().counter(&taxes("denied")).not_agreed("tax"),
        bought.clone().counter(&taxes("unavailable")).down("tax"),
        bought.clone().counter(&housing("denied")).not_agreed("housing"),
        bought.clone().counter(&housing("unavailable")).down("housing"),
        bought.clone().counter(&unknown("denied")).not_agreed("civil-affairs"),
        bought.counter(&unknown("unavailable")).down("civil-affairs"),
    ]
}

/// What every loan of L3 says.
pub(super) fn third(
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
fn building(town: &Town<'_>) -> Vec<Row> {
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
fn conversions(town: &Town<'_>) -> Vec<Row> {
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
        early.states("good_months", 11).counter(&[("good_repayment", "stated_otherwise")]),
        convert.counter(&[("owned", "denied"), ("mortgaged", "denied")]).not_agreed("housing"),
        combine.counter(&[("bought", "unavailable")]).down("housing"),
    ]
}

/// L4: the deposits are another centre's.
fn from_elsewhere(town: &Town<'_>) -> Vec<Row> {
    let Borrower { couple, home } =
        borrower(town, "a new home", |_, home, row| is_new(town, home, row));
    let uncertified =
        loan("L4", "a couple without the other centre's word", town, couple.head, home)
            .names("permit", town.presale(home))
            .states("certificate_used", false);
    let apply = uncertified.clone().but("a couple with deposits elsewhere");
    let apply = apply.attaches("deposit_certificate");
    let used =
        apply.clone().but("a couple whose certificate has served").states("certificate_used", true);
    let short = apply.clone().but("a couple of five months").states("months_in_a_row", 5);
    let half = [("family_known", "family_incomplete"), ("homes", "family_incomplete")];
    let unknown = |why| {
        [
            &half[..],
            &[
                ("spouse_known", "family_incomplete"),
                ("income", "family_incomplete"),
                ("income", why),
            ],
        ]
        .concat()
    };
    vec![
        apply.clone().ready(),
        used.refuted(&[("certificate_unused", "refuted")]),
        uncertified.counter(&[("certificate", "evidence_missing")]),
        short.counter(&[("deposits", "stated_otherwise")]),
        apply.clone().counter(&half).book_down(couple.head),
        apply.clone().counter(&[("income", "denied")]).not_agreed("tax"),
        apply.clone().counter(&unknown("denied")).not_agreed("civil-affairs"),
        apply.clone().counter(&unknown("unavailable")).down("civil-affairs"),
        apply.counter(&[("employer_active", "unavailable")]).down("market-regulation"),
    ]
}

/// L5: who joins is the spouse; who leaves is divorced or dead.
fn changes(town: &Town<'_>) -> Vec<Row> {
    let of = |what, change: &'static str, person: SubjectKind| {
        Application::of("L5", what)
            .names("applicant", person)
            .states("change", change)
            .states("borrower_matches", true)
            .states("overdue", false)
            .attaches("consent")
    };
    let sample = |index| town.person(index);
    let join = of("a spouse joins", "join", sample(samples::HUSBAND))
        .names("other", sample(samples::WIFE));
    let stranger = join.clone().but("somebody joins who is not the spouse");
    let stranger = stranger.names("other", sample(samples::DIVORCED));
    let death = of("a widow stays", "death", sample(samples::WIDOW))
        .names("other", sample(samples::DECEASED))
        .names("property", town.property(samples::SOLD_HOME));
    let alive = death.clone().but("a widow of one who is alive");
    let alive = alive.names("other", sample(samples::TENANT));
    let not_hers = death.clone().but("a widow who does not own the home");
    let not_hers = not_hers.names("property", town.property(samples::COUPLE_HOME));
    let parted = |home: u32| {
        let owner = town.home_row(home).owner;
        of("one of a divorced couple stays", "divorce", town.person(owner))
            .names("property", town.property(home))
    };
    let divorced = |alone: bool| {
        town.home("owned by one who is divorced", |_, row| {
            let marriages = town.province.marriages_of(town.person_row(row.owner));
            let last = marriages.last().map(|(_, marriage)| marriage.end);
            row.state == HomeState::Titled
                && (row.co_owner == heyan::simulate::province::NONE) == alone
                && town.is_ordinary(row.owner)
                && last == Some(heyan::simulate::province::MarriageEnd::Divorced)
        })
    };
    let divorce = parted(divorced(true));
    let shared = parted(divorced(false)).but("one of a divorced couple that still owns together");
    let married = of("one who is not divorced", "divorce", sample(samples::HUSBAND))
        .names("property", town.property(samples::COUPLE_HOME));
    let titles = |why| [("owned", why), ("owned_alone", why)];
    vec![
        join.clone().ready(),
        death.clone().ready(),
        divorce.clone().ready(),
        of("other terms", "terms", sample(samples::HUSBAND)).ready(),
        stranger.refuted(&[("couple", "refuted")]),
        not_hers.refuted(&[("owned", "refuted")]),
        join.clone().states("overdue", true).refuted(&[("not_overdue", "refuted")]),
        alive.counter(&[("dead", "doubtful")]),
        shared.counter(&[("owned_alone", "doubtful")]),
        married.counter(&[("divorced", "doubtful"), ("owned_alone", "doubtful")]),
        join.clone().counter(&[("couple", "denied")]).not_agreed("civil-affairs"),
        divorce.clone().counter(&titles("denied")).not_agreed("housing"),
        divorce.counter(&titles("unavailable")).down("housing"),
        join.counter(&[("couple", "unavailable")]).down("civil-affairs"),
        death.counter(&[("who", "unavailable"), ("dead", "unavailable")]).down("police"),
    ]
}

/// L6: the centre's ledger knows nearly everything; the housing register has the mortgage.
fn releases(town: &Town<'_>) -> Vec<Row> {
    let of = |what, action: &'static str, balance: i64| {
        Application::of("L6", what)
            .names("applicant", town.person(samples::HUSBAND))
            .states("action", action)
            .states("borrower_matches", true)
            .states("balance_fen", balance)
            .states("amount_fen", 100_000)
    };
    let release = of("who owes nothing more", "release", 0)
        .names("property", town.property(samples::COUPLE_HOME));
    let owes = release.clone().but("who owes a fen").states("balance_fen", 1);
    let other = release.clone().but("who has not borrowed").states("borrower_matches", false);
    let misnamed = release.clone().but("somebody under another's name");
    let misnamed = misnamed.names("applicant", town.called(samples::HUSBAND, "某某"));
    let never = release.clone().but("whose home is not mortgaged");
    let too_much = of("who pays more than is left", "repay", 50_000);
    vec![
        release.clone().ready(),
        of("who pays a part", "repay", 900_000).ready(),
        of("who pays the rest", "settle", 100_000).ready(),
        misnamed.refuted(&[("who", "refuted")]),
        owes.refuted(&[("settled", "refuted")]),
        other.refuted(&[("borrower", "refuted")]),
        never
            .names("property", town.property(samples::LET_HOME))
            .counter(&[("mortgaged", "doubtful")]),
        too_much.counter(&[("part", "stated_otherwise")]),
        release.clone().counter(&[("mortgaged", "denied")]).not_agreed("housing"),
        release.clone().counter(&[("who", "denied")]).not_agreed("police"),
        release.clone().counter(&[("mortgaged", "unavailable")]).down("housing"),
        release.counter(&[("who", "unavailable")]).down("police"),
    ]
}
