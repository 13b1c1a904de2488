//! W1 and W2: a home that is bought, built, overhauled or paid off.

use heyan::simulate::calendar::Day;
use heyan::simulate::province::{Home, HomeFlag, HomeState, NONE, PermitKind};

use super::super::application::Application;
use super::super::row::Row;
use super::super::town::Town;

/// 24 months before the day of these applications.
fn window() -> Day {
    Day::of(2024, 10, 12)
}

/// Withdrawn for the home in all, this time included: 200,000 yuan. No home of the province costs as little.
const WITHDRAWN: i64 = 20_000_000;

/// An application for W1 that states what the centre knows when all is well.
fn withdrawal(what: &'static str, ground: &'static str) -> Application {
    Application::of("W1", what)
        .states("ground", ground)
        .states("withdrawn_with_this_fen", WITHDRAWN)
        .states("home_used", false)
        .states("trades_within_12_months", 1)
        .states("home_in_city", true)
}

impl Town<'_> {
    /// A home of one ordinary person alone.
    fn is_of_one(&self, home: &Home) -> bool {
        home.co_owner == NONE && self.is_ordinary(home.owner)
    }

    /// A home of one ordinary person alone who is married to another.
    fn is_of_one_of_a_couple(&self, home: &Home) -> bool {
        let since = Day::of(2006, 1, 1);
        self.is_of_one(home)
            && self.marriage(home.owner).is_some_and(|row| row.on > since)
            && self.is_ordinary(self.spouse(home.owner))
    }

    fn spouse(&self, person: u32) -> u32 {
        let marriage = self.marriage(person).unwrap();
        if marriage.man == person { marriage.woman } else { marriage.man }
    }

    /// Second-hand, with the title and the tax of the last 24 months.
    fn is_bought_second_hand(&self, index: u32, home: &Home) -> bool {
        home.former != NONE
            && home.state == HomeState::Titled
            && !home.has(HomeFlag::OldNumber)
            && self.province.taxed_on(index) > window()
    }
}

fn is_free(home: &Home) -> bool {
    !home.has(HomeFlag::Seized) && !home.has(HomeFlag::Disputed)
}

/// W1, new and second-hand: one of the couple has bought it lately and not for less than is withdrawn.
pub(super) fn purchase(town: &Town<'_>) -> Vec<Row> {
    let new_home = |what: &'static str, home: u32| {
        withdrawal(what, "new_home")
            .names("applicant", town.person(town.home_row(home).owner))
            .names("contract", town.contract(home))
            .names("invoice", town.invoice(home))
    };
    let is_new = |row: &Home, state| row.former == NONE && row.state == state;
    let bought = town.home("new, bought by one of a couple", |_, row| {
        is_new(row, HomeState::Contracted) && town.is_of_one_of_a_couple(row)
    });
    let together = town.home("new, bought by a couple together", |_, row| {
        let ordinary = row.co_owner != NONE && row.owners().all(|one| town.is_ordinary(one));
        is_new(row, HomeState::Contracted) && ordinary
    });
    let withdrawn = town.home("new, its contract withdrawn", |_, row| {
        is_new(row, HomeState::Withdrawn) && town.is_of_one(row)
    });
    let old = town.home("new once, bought long ago", |one, row| {
        let long_ago = town.province.contracted_on(one) < window();
        is_new(row, HomeState::Titled) && town.is_of_one(row) && long_ago
    });
    let buyer = town.home_row(bought).owner;
    let wife = town.spouse(buyer);
    let buying = new_home("the buyer of a new home", bought);
    let other = town.someone("somebody else", |one, _| town.is_ordinary(one) && one != buyer);
    let by_wife = buying.clone().but("the spouse of the buyer of a new home");
    let by_wife = by_wife.names("applicant", town.person(wife));
    let alone = by_wife.clone().but("the spouse of the buyer, who does not say so");
    let by_wife = by_wife.names("spouse", town.person(buyer));
    let mut rows = vec![
        buying.clone().ready(),
        by_wife.clone().ready(),
        alone.refuted(&[("bought", "refuted"), ("invoice", "refuted")]),
        by_wife
            .clone()
            .but("the buyer of a new home, and somebody who is not the spouse")
            .names("applicant", town.person(buyer))
            .names("spouse", town.person(other))
            .refuted(&[("spouse_shown", "refuted")]),
        new_home("the buyer of a home whose contract was withdrawn", withdrawn)
            .refuted(&[("bought", "refuted"), ("invoice", "refuted")]),
        new_home("the buyer of a home long ago", old).refuted(&[("bought", "refuted")]),
        buying
            .clone()
            .but("the buyer of a new home who withdraws more than its price")
            .states("withdrawn_with_this_fen", town.province.price_fen(bought) + 1)
            .refuted(&[("bought", "refuted")]),
        buying
            .clone()
            .but("the buyer of a new home, sold again and again")
            .states("trades_within_12_months", 2)
            .refuted(&[("not_traded_about", "refuted")]),
        new_home("one of two who have bought a new home together", together).ready(),
        buying.clone().counter(&[("bought", "denied")]).not_agreed("housing"),
        buying.clone().counter(&[("bought", "unavailable")]).down("housing"),
        buying.clone().counter(&[("invoice", "denied")]).not_agreed("tax"),
        buying.clone().counter(&[("invoice", "unavailable")]).down("tax"),
        buying.clone().counter(&[("who", "unavailable")]).down("police"),
        by_wife.clone().counter(&[("spouse_shown", "denied")]).not_agreed("civil-affairs"),
        by_wife.counter(&[("spouse_shown", "unavailable")]).down("civil-affairs"),
    ];
    rows.extend(second_hand(town));
    rows
}

fn second_hand(town: &Town<'_>) -> Vec<Row> {
    let of = |what: &'static str, home: u32| {
        withdrawal(what, "second_hand")
            .names("applicant", town.person(town.home_row(home).owner))
            .names("property", town.property(home))
    };
    let bought = town.home("bought second-hand, free", |one, row| {
        town.is_bought_second_hand(one, row) && is_free(row) && town.is_of_one_of_a_couple(row)
    });
    let seized = town.home("bought second-hand, seized", |one, row| {
        town.is_bought_second_hand(one, row) && row.has(HomeFlag::Seized) && town.is_of_one(row)
    });
    let buyer = town.home_row(bought).owner;
    let buying = of("the buyer of a second-hand home", bought);
    let couple = buying.clone().but("both of the couple of whom one has bought a second-hand home");
    let couple = couple.names("spouse", town.person(town.spouse(buyer)));
    let elsewhere = buying.clone().states("home_in_city", false);
    let household = town.province.division_of(buyer).to_string();
    let at_home = elsewhere.clone().but("the buyer of a home where the household is");
    let at_home = at_home.states("home_division", household);
    let far_away = elsewhere.but("the buyer of a home in another province");
    let former = town.home_row(bought).former;
    vec![
        buying.clone().ready(),
        couple.ready(),
        at_home.clone().ready(),
        // The ledger rules out the one way; the other is still open.
        at_home
            .counter(&[("place", "denied"), ("place", "refuted"), ("who", "denied")])
            .not_agreed("police"),
        far_away
            .states("home_division", "510104")
            .counter(&[("place", "doubtful"), ("place", "refuted")]),
        of("the buyer of a home that is seized", seized).refuted(&[("free", "refuted")]),
        buying
            .clone()
            .but("somebody for a home that they sold")
            .names("applicant", town.person(former))
            .refuted(&[("owned", "refuted"), ("taxed", "refuted")]),
        buying
            .clone()
            .but("the buyer of a second-hand home that was used before")
            .states("home_used", true)
            .refuted(&[("used_once", "refuted")]),
        buying.clone().counter(&[("taxed", "denied")]).not_agreed("tax"),
        buying.counter(&[("free", "unavailable"), ("owned", "unavailable")]).down("housing"),
    ]
}

/// W1, building and overhauling: who holds the permit or the finding.
pub(super) fn works(town: &Town<'_>) -> Vec<Row> {
    let holder = |what, kind: PermitKind, valid: bool, owns: bool| {
        town.someone(what, |one, _| {
            let permit = town.province.permit_number(one);
            let permit = permit.and_then(|number| town.province.permit(&number));
            let is_titled = |home: &u32| {
                let row = town.home_row(*home);
                row.state == HomeState::Titled && !row.has(HomeFlag::OldNumber)
            };
            town.is_ordinary(one)
                && permit.is_some_and(|permit| permit.kind == kind && permit.valid == valid)
                && (!owns || town.homes_of(one).first().is_some_and(is_titled))
        })
    };
    let with = |what, ground, holder: u32| {
        withdrawal(what, ground)
            .names("applicant", town.person(holder))
            .names("permit", town.permit(holder))
            .states("cost_fen", WITHDRAWN)
    };
    let builder = holder("a builder in a village", PermitKind::Rural, true, false);
    let over = holder("a builder whose permit is over", PermitKind::Construction, false, false);
    let owner = holder("the owner of a dangerous home", PermitKind::Dangerous, true, true);
    let building = with("a builder in a village", "build", builder);
    let overhaul = with("the owner of a dangerous home", "overhaul", owner);
    let overhaul = overhaul.names("property", town.property(town.homes_of(owner)[0]));
    vec![
        building.clone().ready(),
        overhaul.clone().ready(),
        with("a builder whose permit is over", "build", over).refuted(&[("permitted", "refuted")]),
        building
            .clone()
            .but("somebody with the permit of another")
            .names("applicant", town.person(owner))
            .refuted(&[("permitted", "refuted")]),
        overhaul
            .clone()
            .but("the owner of a home, with a permit to build")
            .names("permit", town.permit(builder))
            .refuted(&[("dangerous", "refuted")]),
        building
            .clone()
            .but("a builder who withdraws more than it costs")
            .states("cost_fen", WITHDRAWN - 1)
            .counter(&[("within_cost", "stated_otherwise")]),
        building.counter(&[("permitted", "denied")]).not_agreed("housing"),
        overhaul.counter(&[("dangerous", "unavailable"), ("owned", "unavailable")]).down("housing"),
    ]
}

/// W2: the home is mortgaged to whoever lent.
pub(super) fn repayment(town: &Town<'_>) -> Vec<Row> {
    let centre = "湖南省直单位住房公积金管理中心";
    let mortgaged = |what, is_centre: bool| {
        town.home(what, |one, row| {
            row.state == HomeState::Titled
                && row.has(HomeFlag::Mortgaged)
                && !row.has(HomeFlag::OldNumber)
                && town.is_of_one_of_a_couple(row)
                && (town.province.mortgagee(one) == centre) == is_centre
        })
    };
    let repaying = |what, lender: &'static str, home: u32| {
        Application::of("W2", what)
            .names("applicant", town.person(town.home_row(home).owner))
            .names("property", town.property(home))
            .states("lender", lender)
            .states("lender_name", town.province.mortgagee(home))
            .states("withdrawn_within_12_months", false)
            .states("amount_fen", 3_000_000)
            .states("repaid_fen", 3_600_000)
    };
    let of_centre = mortgaged("mortgaged to the centre", true);
    let of_bank = mortgaged("mortgaged to a bank", false);
    let free = town.home("titled and not mortgaged", |_, row| {
        let is_titled = row.state == HomeState::Titled && !row.has(HomeFlag::OldNumber);
        is_titled && !row.has(HomeFlag::Mortgaged) && town.is_of_one(row)
    });
    let own = repaying("who repays the centre", "provident", of_centre).states("loan_active", true);
    let bank = repaying("who repays a bank", "bank", of_bank);
    let recorded = bank.clone().attaches("repayment_record");
    let owner = town.home_row(of_centre).owner;
    let wife = town.spouse(owner);
    let by_wife = own.clone().but("the spouse of who repays the centre");
    let by_wife = by_wife.names("applicant", town.person(wife)).names("spouse", town.person(owner));
    let other = town.home_row(of_bank).owner;
    vec![
        own.clone().ready(),
        recorded.clone().ready(),
        by_wife.clone().ready(),
        own.clone()
            .but("somebody for the home of another")
            .names("applicant", town.person(other))
            .refuted(&[("owned", "refuted")]),
        own.clone()
            .but("who has repaid the centre's loan")
            .states("loan_active", false)
            .refuted(&[("own_loan", "refuted")]),
        bank.but("who repays a bank that has sent nothing")
            .counter(&[("bank_loan", "evidence_missing")]),
        repaying("who repays nobody that the register knows", "provident", free)
            .states("lender_name", centre)
            .states("loan_active", true)
            .counter(&[("mortgaged", "doubtful")]),
        recorded
            .clone()
            .but("who withdraws more than is repaid")
            .states("amount_fen", 3_600_001)
            .counter(&[("within_repaid", "stated_otherwise")]),
        own.clone().counter(&[("mortgaged", "denied"), ("owned", "denied")]).not_agreed("housing"),
        own.clone()
            .counter(&[("mortgaged", "unavailable"), ("owned", "unavailable")])
            .down("housing"),
        recorded.counter(&[("who", "denied")]).not_agreed("police"),
        own.ready().down("tax"),
        by_wife.counter(&[("spouse_shown", "unavailable")]).down("civil-affairs"),
    ]
}
