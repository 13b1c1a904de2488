//! Loans that have been made: changes (L5), repayment and release (L6).

use heyan::query::subject::SubjectKind;
use heyan::simulate::province::{HomeState, MarriageEnd, NONE};
use heyan::simulate::samples;

use super::super::application::Application;
use super::super::row::Row;
use super::super::town::Town;

/// L5: who joins is the spouse; who leaves is divorced or dead.
pub(super) fn changes(town: &Town<'_>) -> Vec<Row> {
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
        .names("other", sample(samples::WIFE))
        .attaches("others_consent");
    let stranger = join.clone().but("somebody joins who is not the spouse");
    let stranger = stranger.names("other", sample(samples::DIVORCED));
    let death = of("a widow stays", "death", sample(samples::WIDOW))
        .names("other", sample(samples::DECEASED))
        .states("other_is_borrower", true)
        .names("property", town.property(samples::SOLD_HOME));
    let alive = death.clone().but("a widow of one who is alive");
    let alive = alive.names("other", sample(samples::TENANT));
    let not_hers = death.clone().but("a widow who does not own the home");
    let not_hers = not_hers.names("property", town.property(samples::COUPLE_HOME));
    let parted = |home: u32| {
        let owner = town.home_row(home).owner;
        let (_, marriage) = town.province.marriages_of(town.person_row(owner)).last().unwrap();
        let leaver = if marriage.man == owner { marriage.woman } else { marriage.man };
        of("one of a divorced couple stays", "divorce", town.person(owner))
            .names("other", town.person(leaver))
            .names("property", town.property(home))
            .states("other_is_borrower", true)
            .attaches("others_consent")
    };
    let divorced = |alone: bool| {
        town.home("owned by one who is divorced", |_, row| {
            let marriages = town.province.marriages_of(town.person_row(row.owner));
            let last = marriages.last().map(|(_, marriage)| marriage.end);
            row.state == HomeState::Titled
                && (row.co_owner == NONE) == alone
                && town.is_ordinary(row.owner)
                && last == Some(MarriageEnd::Divorced)
        })
    };
    let divorce = parted(divorced(true));
    let shared = parted(divorced(false)).but("one of a divorced couple that still owns together");
    let married = of("one who is not divorced", "divorce", sample(samples::HUSBAND))
        .names("other", sample(samples::WIFE))
        .names("property", town.property(samples::COUPLE_HOME))
        .states("other_is_borrower", true)
        .attaches("others_consent");
    let titles = |why| [("owned", why), ("owned_alone", why)];
    let unshown = [("divorced", "doubtful"), ("parted", "doubtful"), ("owned_alone", "doubtful")];
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
        married.counter(&unshown),
        join.clone().counter(&[("couple", "denied")]).not_agreed("civil-affairs"),
        divorce.clone().counter(&titles("denied")).not_agreed("housing"),
        divorce.counter(&titles("unavailable")).down("housing"),
        join.counter(&[("couple", "unavailable")]).down("civil-affairs"),
        death.counter(&[("who", "unavailable"), ("dead", "unavailable")]).down("police"),
    ]
}

/// L6: the centre's ledger knows nearly everything; the housing register has the mortgage.
pub(super) fn releases(town: &Town<'_>) -> Vec<Row> {
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
