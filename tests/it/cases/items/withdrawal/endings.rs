//! W4 to W7: retirement, disability, settling abroad, death.

use heyan::simulate::calendar::Day;
use heyan::simulate::province::{Marriage, Trait};

use super::super::application::Application;
use super::super::row::Row;
use super::super::town::Town;

/// W4: a pension in payment, never an age; that of residents is no retirement.
pub(super) fn retirement(town: &Town<'_>) -> Vec<Row> {
    let pensioner = |scheme: &'static str| {
        town.someone("an ordinary pensioner", |one, _| {
            let pension = town.province.pension(one);
            town.is_ordinary(one)
                && pension.is_some_and(|pension| pension.scheme == scheme && pension.paying)
        })
    };
    let applies = |what, person| {
        Application::of("W4", what)
            .names("applicant", town.person(person))
            .states("ground", "retired")
            .states("account_sealed", true)
            .states("loan_outstanding", false)
    };
    let old = town.someone("old without a pension", |one, row| {
        town.is_ordinary(one) && town.age(one) > 65 && !row.has(Trait::Pensioner)
    });
    let rare = town.someone("a pensioner with a rare name", |one, _| {
        let pension = town.province.pension(one);
        town.is_ordinary_but(one, &[Trait::RareName])
            && pension.is_some_and(|pension| pension.scheme == "110" && pension.paying)
    });
    let retired = applies("a pensioner of an enterprise", pensioner("110"));
    let honoured = applies("somebody retired with honours", old).states("ground", "lixiu");
    vec![
        retired.clone().ready(),
        applies("a pensioner of the public scheme", pensioner("120")).ready(),
        applies("a pensioner with a rare character in the name", rare).ready(),
        applies("a pensioner of the residents' scheme", pensioner("170"))
            .counter(&[("retired", "doubtful")]),
        retired
            .clone()
            .but("a pensioner who owes a loan")
            .states("loan_outstanding", true)
            .refuted(&[("no_loan", "refuted")]),
        // The insurance has the name too, and cannot tell whose row it is.
        retired
            .clone()
            .but("a pensioner under another's name")
            .names("applicant", town.called(pensioner("110"), "某某"))
            .refuted(&[("who", "refuted"), ("retired", "unavailable")]),
        // No pension is no "no": the age says nothing either way.
        applies("somebody old without a pension", old).counter(&[("retired", "not_found")]),
        honoured.clone().attaches("retirement_order").counter(&[("lixiu", "evidence_for_person")]),
        honoured.counter(&[("lixiu", "evidence_missing")]),
        retired.clone().counter(&[("retired", "denied")]).not_agreed("social-security"),
        retired.clone().counter(&[("retired", "unavailable")]).down("social-security"),
        retired.clone().counter(&[("who", "denied")]).not_agreed("police"),
        retired.counter(&[("who", "unavailable")]).down("police"),
    ]
}

/// W5: all capacity to work is lost, and the employment has ended.
pub(super) fn disability(town: &Town<'_>) -> Vec<Row> {
    let assessed = |what, grades: std::ops::RangeInclusive<u8>, has_left: bool| {
        town.someone(what, |one, row| {
            let grade = town.province.assessment(one).map(|(grade, _)| grade);
            town.is_ordinary(one)
                && grade.is_some_and(|grade| grades.contains(&grade))
                && town.province.employer_of(one).is_some()
                && row.has(Trait::Left) == has_left
        })
    };
    let applies = |what, person| {
        Application::of("W5", what)
            .names("applicant", town.person(person))
            .names("employer", town.employer_of(person))
            .states("account_sealed", true)
    };
    let lost = assessed("totally disabled, out of work", 1..=4, true);
    let partly = assessed("partly disabled, out of work", 5..=10, true);
    let working = assessed("totally disabled, at work", 1..=4, false);
    let well = town.someone("out of work and never assessed", |one, row| {
        let is_free = row.has(Trait::Left) && !row.has(Trait::Assessed);
        town.is_ordinary(one) && is_free
    });
    let disabled = applies("who has lost all capacity to work", lost);
    vec![
        disabled.clone().ready(),
        applies("who has lost a part of it", partly).counter(&[("disabled", "doubtful")]),
        applies("who still works", working).counter(&[("ended", "doubtful")]),
        disabled
            .clone()
            .but("who has lost all, and whose account is open")
            .states("account_sealed", false)
            .refuted(&[("sealed", "refuted")]),
        disabled
            .clone()
            .but("who has lost all, under another's name")
            .names("applicant", town.called(lost, "某某"))
            .refuted(&[("who", "refuted"), ("disabled", "unavailable"), ("ended", "unavailable")]),
        applies("who was never assessed", well).counter(&[("disabled", "not_found")]),
        disabled
            .clone()
            .counter(&[("disabled", "denied"), ("ended", "denied")])
            .not_agreed("social-security"),
        disabled
            .clone()
            .counter(&[("disabled", "unavailable"), ("ended", "unavailable")])
            .down("social-security"),
        disabled.counter(&[("who", "unavailable")]).down("police"),
    ]
}

/// W6: of a citizen the household register tells it; of whoever has no citizen's number a person decides.
pub(super) fn emigration(town: &Town<'_>) -> Vec<Row> {
    let applies = |what, person| {
        Application::of("W6", what)
            .names("applicant", town.person(person))
            .states("account_sealed", true)
    };
    let gone = town.someone("settled abroad", |one, _| town.is_ordinary_but(one, &[Trait::Abroad]));
    let moved = town.someone("moved away", |one, _| town.is_ordinary_but(one, &[Trait::Moved]));
    let here = town.someone("here", |one, _| town.is_ordinary(one));
    let guest = town.someone("a foreigner whose work has ended", |one, _| {
        let is_one = town.is_ordinary_but(one, &[Trait::Foreigner, Trait::Left]);
        is_one && town.province.employer_of(one).is_some()
    });
    let abroad = applies("who has settled abroad", gone);
    let foreign = applies("a foreigner who leaves", guest)
        .names("employer", town.employer_of(guest))
        .attaches("identity_seen");
    let leaving = foreign.clone().attaches("exit_paper");
    vec![
        abroad.clone().ready(),
        applies("who has moved to another province", moved).refuted(&[("departed", "refuted")]),
        applies("who is still here", here).refuted(&[("departed", "refuted")]),
        abroad
            .clone()
            .but("who has settled abroad, under another name")
            .names("applicant", town.called(gone, "王无名"))
            .refuted(&[("departed", "not_found"), ("who", "refuted")]),
        leaving.clone().counter(&[("left", "evidence_for_person")]),
        foreign.counter(&[("left", "evidence_missing")]),
        leaving
            .clone()
            .counter(&[("ended", "denied"), ("left", "evidence_for_person")])
            .not_agreed("social-security"),
        leaving
            .counter(&[("ended", "unavailable"), ("left", "evidence_for_person")])
            .down("social-security"),
        abroad.clone().counter(&[("departed", "denied"), ("who", "denied")]).not_agreed("police"),
        abroad.counter(&[("departed", "unavailable"), ("who", "unavailable")]).down("police"),
    ]
}

/// W7: the gateway gathers, and a person decides; also when nothing is missing.
pub(super) fn death(town: &Town<'_>) -> Vec<Row> {
    let married = |one: u32| {
        // Of some marriages before 2000 the register has no more than a reissued certificate.
        let is_known = |row: &&Marriage| row.on > Day::of(2000, 1, 1) || row.reissued.is_none();
        town.marriage(one)
            .filter(is_known)
            .map(|row| if row.man == one { row.woman } else { row.man })
    };
    let deceased = |what, traits: &'static [Trait]| {
        let found = town.someone(what, |one, _| {
            town.is_ordinary_but(one, traits)
                && married(one).is_some_and(|heir| town.is_ordinary(heir))
        });
        (found, married(found).unwrap())
    };
    let applies = |what, (deceased, heir): (u32, u32)| {
        Application::of("W7", what)
            .names("deceased", town.person(deceased))
            .names("heir", town.person(heir))
            .states("balance_fen", 800_000)
            .states("paid_out", false)
    };
    let late = deceased("dead and cremated, married", &[Trait::Dead, Trait::Cremated]);
    let living = deceased("cremated, and the police do not know", &[Trait::Cremated]);
    let other = town.someone("a stranger", |one, _| town.is_ordinary(one) && one != late.1);
    let heir = applies("the spouse of somebody dead", late);
    // Whether a cremation speaks against the police hangs on what civil affairs say.
    let unknown = [("no_conflict", "waits"), ("relatives_known", "family_incomplete")];
    let stranger = heir.clone().but("a stranger to somebody dead");
    let stranger = stranger.names("heir", town.person(other));
    vec![
        heir.clone().counter(&[]),
        heir.clone()
            .but("an heir under another name")
            .names("heir", town.called(late.1, "王无名"))
            .refuted(&[("who", "refuted")]),
        heir.clone()
            .but("an heir of who was paid out")
            .states("paid_out", true)
            .refuted(&[("not_paid", "refuted")]),
        // A cremation beside a living person: the two registers disagree, and a person finds out why.
        applies("the spouse of who lives on in the police register", living)
            .counter(&[("no_conflict", "doubtful")]),
        stranger.clone().counter(&[("kin", "doubtful"), ("kin", "evidence_missing")]),
        stranger
            .attaches("kinship_paper")
            .counter(&[("kin", "doubtful"), ("kin", "evidence_for_person")]),
        heir.clone().counter(&[("relatives_known", "family_incomplete")]).book_down(late.0),
        heir.clone().counter(&unknown).not_agreed("civil-affairs"),
        heir.clone().counter(&unknown).down("civil-affairs"),
        heir.clone()
            .counter(&[
                ("no_conflict", "denied"),
                ("relatives_known", "family_incomplete"),
                ("who", "denied"),
            ])
            .not_agreed("police"),
        heir.counter(&[
            ("no_conflict", "unavailable"),
            ("relatives_known", "family_incomplete"),
            ("who", "unavailable"),
        ])
        .down("police"),
    ]
}
