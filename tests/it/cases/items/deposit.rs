//! Deposits, D1 to D8.

use heyan::query::subject::SubjectKind;
use heyan::simulate::province::{Employer, EmployerStatus, Trait};
use heyan::simulate::samples;

use super::application::Application;
use super::row::Row;
use super::town::Town;

/// Every row of D1 to D8.
pub(super) fn rows(town: &Town<'_>) -> Vec<Row> {
    [
        registration(town),
        accounts(town),
        remittances(town),
        adjustments(town),
        hardship(town),
        changes(town),
        corrections(town),
        transfers(town),
    ]
    .concat()
}

/// An ordinary employee of a year and more.
fn employee(town: &Town<'_>) -> u32 {
    town.someone("an ordinary employee", |one, _| town.is_ordinary(one) && town.is_insured(one))
}

/// The first employer registered by whom the code's first character says, who stands so.
fn registered(
    town: &Town<'_>,
    registrar: char,
    status: EmployerStatus,
    is: impl Fn(u32) -> bool,
) -> u32 {
    let fits = |one: u32, row: &Employer| {
        row.prefix.starts_with(registrar) && row.status == status && is(one)
    };
    town.employer(&format!("{status:?}, registered under {registrar}"), fits)
}

/// Under another name.
fn renamed(employer: SubjectKind, name: String) -> SubjectKind {
    match employer {
        SubjectKind::Employer(employer) => {
            SubjectKind::Employer(heyan::query::subject::Employer { name, ..employer })
        }
        other => other,
    }
}

/// D1: who can say that an employer exists follows from its code.
fn registration(town: &Town<'_>) -> Vec<Row> {
    let representative = |employer| town.province.representative(employer);
    let of = |registrar, status| {
        registered(town, registrar, status, |one| town.is_ordinary(representative(one)))
    };
    let officer = employee(town);
    let register = |employer: u32, what| {
        Application::of("D1", what)
            .names("employer", town.employing(employer))
            .names("representative", town.person(representative(employer)))
            .names("officer", town.person(officer))
            .states("already_registered", false)
    };
    let enterprise = register(of('9', EmployerStatus::Active), "an enterprise");
    let association = register(of('5', EmployerStatus::Active), "a social organisation");
    let body = register(of('1', EmployerStatus::Active), "a public institution");
    let revoked = register(of('9', EmployerStatus::Revoked), "an enterprise without its licence");
    let another = enterprise.clone().but("an enterprise, and somebody who does not represent it");
    let known = enterprise.clone().but("an enterprise that is registered already");
    let dissolved = register(of('5', EmployerStatus::Revoked), "a dissolved organisation");
    let three = |why| [("enterprise", why), ("active", why), ("represented", why)];
    let both = |why| [("representative_known", why), ("officer_known", why)];
    vec![
        enterprise.clone().ready(),
        association.clone().ready(),
        revoked.refuted(&[("active", "refuted")]),
        dissolved.refuted(&[("organisation", "refuted")]),
        another
            .names("representative", town.person(officer))
            .counter(&[("represented", "doubtful")]),
        known.states("already_registered", true).refuted(&[("first_time", "refuted")]),
        body.clone().counter(&[("body", "evidence_missing")]),
        body.attaches("establishment_certificate").counter(&[("body", "evidence_for_person")]),
        enterprise.clone().counter(&three("denied")).not_agreed("market-regulation"),
        enterprise.clone().counter(&three("unavailable")).down("market-regulation"),
        enterprise.clone().counter(&both("denied")).not_agreed("police"),
        enterprise.counter(&both("unavailable")).down("police"),
        association.clone().counter(&[("organisation", "denied")]).not_agreed("civil-affairs"),
        association.counter(&[("organisation", "unavailable")]).down("civil-affairs"),
    ]
}

/// D2: insurance often begins a month after the work.
fn accounts(town: &Town<'_>) -> Vec<Row> {
    let employee = employee(town);
    let open = Application::of("D2", "an employee")
        .names("applicant", town.person(employee))
        .names("employer", town.employer_of(employee))
        .states("other_account", false);
    let misnamed = open.clone().but("somebody under another's name");
    let misnamed = misnamed.names("applicant", town.called(employee, "某某"));
    let elsewhere = open.clone().but("an employee whom another employer insures");
    let elsewhere = elsewhere.names("employer", town.employing(samples::SERVICE_UNIT));
    let twice = open.clone().but("an employee with another account");
    vec![
        open.clone().ready(),
        // The insurance has the name too, and cannot tell whose row it is.
        misnamed.refuted(&[("who", "refuted"), ("employed", "unavailable")]),
        twice.states("other_account", true).refuted(&[("only_account", "refuted")]),
        elsewhere.counter(&[("employed", "doubtful")]),
        open.clone().counter(&[("employed", "denied")]).not_agreed("social-security"),
        open.clone().counter(&[("who", "denied")]).not_agreed("police"),
        open.clone().counter(&[("employed", "unavailable")]).down("social-security"),
        open.counter(&[("who", "unavailable")]).down("police"),
    ]
}

/// D3: months are paid back for time insured with the same employer.
fn remittances(town: &Town<'_>) -> Vec<Row> {
    let worker = employee(town);
    let remit = Application::of("D3", "this month's deposit")
        .names("applicant", town.person(worker))
        .names("employer", town.employer_of(worker))
        .states("action", "remit")
        .states("base_fen", 300_000)
        .states("ratio_percent", 8)
        .states("account_active", true)
        .states("wages_doubted", false);
    let back = remit
        .clone()
        .but("four months back, of wages in doubt")
        .states("action", "back_pay")
        .states("back_pay_months", 4)
        .states("first_month", town.province.settled_month().minus(6).iso())
        .states("wages_doubted", true);
    let dead = town.someone("dead", |one, row| {
        let is_other = [Trait::Foreigner, Trait::Dotted, Trait::RareName];
        town.province.name(one).chars().count() > 1
            && row.has(Trait::Dead)
            && !is_other.iter().any(|&odd| row.has(odd))
    });
    let dead = remit.clone().but("for one who is dead").names("applicant", town.person(dead));
    let long = back.clone().but("thirteen months back, more than can be asked for");
    let high = remit.clone().but("a ratio of 13 per cent");
    vec![
        remit.clone().ready(),
        back.clone().ready(),
        dead.refuted(&[("who", "refuted")]),
        remit.states("account_active", false).refuted(&[("account", "refuted")]),
        high.states("ratio_percent", 13).counter(&[("ratio_ceiling", "stated_otherwise")]),
        long.states("back_pay_months", 13).counter(&[("months_insured", "denied")]),
        back.clone().counter(&[("wages_fit", "denied")]).not_agreed("tax"),
        back.clone()
            .counter(&[("insured_then", "denied"), ("months_insured", "denied")])
            .not_agreed("social-security"),
        back.clone().counter(&[("wages_fit", "unavailable")]).down("tax"),
        back.counter(&[("insured_then", "unavailable"), ("months_insured", "unavailable")])
            .down("social-security"),
    ]
}

/// D4: in the window of July, and no less than insurance is paid on.
fn adjustments(town: &Town<'_>) -> Vec<Row> {
    // Wages are asked for in steps of 1,000 yuan a year: of a whole number of steps they can be shown to the fen.
    let worker = town.someone("of round wages", |one, _| {
        let base = town.province.insurance(one).map(|insurance| insurance.base_fen);
        town.is_ordinary(one)
            && town.is_insured(one)
            && base.is_some_and(|base| base * 12 % 100_000 == 0)
    });
    let base = town.province.insurance(worker).unwrap().base_fen;
    let adjust = Application::of("D4", "what insurance is paid on")
        .names("applicant", town.person(worker))
        .states("base_fen", base)
        .states("ratio_percent", 12)
        .states("in_window", true)
        .states("adjusted_this_year", false)
        .states("sampled", false);
    let sampled = adjust.clone().but("the same, and wages are looked at").states("sampled", true);
    let late = adjust.clone().but("after July").states("in_window", false);
    let twice = adjust.clone().but("for the second time").states("adjusted_this_year", true);
    let less = adjust.clone().but("less than insurance is paid on").states("base_fen", base - 1);
    let more = sampled.clone().but("more than the wages").states("base_fen", base + 1);
    vec![
        adjust.clone().ready(),
        sampled.clone().ready(),
        late.refuted(&[("window", "refuted")]),
        twice.refuted(&[("once", "refuted")]),
        less.counter(&[("base_fits", "doubtful")]),
        more.counter(&[("wages_fit", "doubtful")]),
        adjust.clone().counter(&[("base_fits", "denied")]).not_agreed("social-security"),
        sampled.clone().counter(&[("wages_fit", "denied")]).not_agreed("tax"),
        adjust.counter(&[("base_fits", "unavailable")]).down("social-security"),
        sampled.counter(&[("wages_fit", "unavailable")]).down("tax"),
    ]
}

/// D5: a loss, or arrears of insurance; and the staff agreed.
fn hardship(town: &Town<'_>) -> Vec<Row> {
    let active = EmployerStatus::Active;
    let made_a_loss = |one| town.province.tax_standing(one).0;
    let owes = |one| town.province.insurance_standing(one).1 > 0;
    let losing = registered(town, '9', active, |one| made_a_loss(one) && !owes(one));
    let owing = registered(town, '5', active, |one| !made_a_loss(one) && owes(one));
    let well = registered(town, '9', active, |one| !made_a_loss(one) && !owes(one));
    let body = registered(town, '1', active, made_a_loss);
    let gone = registered(town, '9', EmployerStatus::Revoked, made_a_loss);
    let reduce = |employer, what| {
        Application::of("D5", what)
            .names("employer", town.employing(employer))
            .states("action", "reduce")
            .states("months", 12)
            .states("ratio_percent", 5)
            .states("in_arrears_to_fund", false)
            .attaches("staff_resolution")
    };
    let enterprise = reduce(losing, "an enterprise that made a loss");
    let organisation = reduce(owing, "a social organisation that owes insurance");
    let organisation = organisation.states("action", "defer");
    let body = reduce(body, "a public body");
    let long = enterprise.clone().but("for thirteen months").states("months", 13);
    let refuted_or = |why| [("hardship", "doubtful"), ("hardship", why)];
    vec![
        enterprise.clone().ready(),
        organisation.clone().ready(),
        reduce(well, "an enterprise that does well").counter(&[("hardship", "doubtful")]),
        reduce(gone, "an enterprise without its licence").refuted(&[("active", "refuted")]),
        long.counter(&[("no_longer", "stated_otherwise")]),
        body.clone().counter(&[("body", "evidence_missing")]),
        body.attaches("establishment_certificate").counter(&[("body", "evidence_for_person")]),
        enterprise.clone().counter(&refuted_or("denied")).not_agreed("tax"),
        enterprise.clone().counter(&refuted_or("unavailable")).down("tax"),
        enterprise.counter(&[("active", "unavailable")]).down("market-regulation"),
        organisation.clone().counter(&refuted_or("denied")).not_agreed("social-security"),
        organisation.clone().counter(&[("organisation", "denied")]).not_agreed("civil-affairs"),
        organisation.counter(&[("organisation", "unavailable")]).down("civil-affairs"),
    ]
}

/// D6: the register of the employer's kind has the change.
fn changes(town: &Town<'_>) -> Vec<Row> {
    let (active, ended) = (EmployerStatus::Active, EmployerStatus::Deregistered);
    let enterprise = registered(town, '9', active, |one| !town.province.changes(one).is_empty());
    let of = |employer, action: &'static str, what| {
        Application::of("D6", what)
            .names("employer", town.employing(employer))
            .states("action", action)
            .states("last_known_on", "1995-01-01")
            .states("accounts_left", 0)
    };
    let change = of(enterprise, "change", "an enterprise with changes");
    let rename = of(registered(town, '5', active, |_| true), "change", "a social organisation");
    let leave = of(registered(town, '9', ended, |_| true), "deregister", "an enterprise that left");
    let dissolve = registered(town, '5', ended, |_| true);
    let dissolve = of(dissolve, "deregister", "a social organisation that was dissolved");
    let gone_since = registered(town, '9', ended, |one| town.province.changes(one).len() > 1);
    let gone_since = of(gone_since, "change", "an enterprise that is struck off");
    let dissolved = registered(town, '5', ended, |_| true);
    let dissolved = of(dissolved, "change", "a social organisation that was dissolved");
    let revoked = registered(town, '9', EmployerStatus::Revoked, |_| true);
    let revoked = of(revoked, "deregister", "an enterprise that is not cleared");
    let stays = of(enterprise, "deregister", "an enterprise that goes on");
    let body = of(registered(town, '1', active, |_| true), "change", "a public institution");
    let former = town.province.former_employer_name(enterprise);
    let former = renamed(town.employing(enterprise), former);
    let former =
        change.clone().but("an enterprise under its former name").names("employer", former);
    let behind = leave.clone().but("an enterprise that leaves accounts behind");
    let both = |why| [("enterprise", why), ("standing", why), ("changed", why)];
    let gone = |why| [("struck_off", why), ("cleared", why)];
    vec![
        change.clone().ready(),
        rename.clone().ready(),
        leave.clone().ready(),
        dissolve.ready(),
        change.clone().states("last_known_on", "2026-10-12").counter(&[("changed", "doubtful")]),
        gone_since.refuted(&[("standing", "refuted")]),
        dissolved.refuted(&[("organisation_standing", "refuted")]),
        former.counter(&[("enterprise", "doubtful")]),
        revoked.counter(&[("cleared", "doubtful")]),
        stays.counter(&gone("doubtful")),
        behind.states("accounts_left", 2).refuted(&[("no_accounts", "refuted")]),
        body.clone().counter(&[("body", "evidence_missing")]),
        body.attaches("establishment_notice").counter(&[("body", "evidence_for_person")]),
        change.clone().counter(&both("denied")).not_agreed("market-regulation"),
        change.counter(&both("unavailable")).down("market-regulation"),
        rename
            .clone()
            .counter(&[("organisation", "denied"), ("organisation_standing", "denied")])
            .not_agreed("civil-affairs"),
        rename
            .counter(&[("organisation", "unavailable"), ("organisation_standing", "unavailable")])
            .down("civil-affairs"),
        leave.clone().counter(&[("cleared", "denied")]).not_agreed("tax"),
        leave.counter(&[("cleared", "unavailable")]).down("tax"),
    ]
}

/// D7: the old name is a former one, the old number the 15 digits of the new.
fn corrections(town: &Town<'_>) -> Vec<Row> {
    let renamed = samples::RENAMED;
    let former = town.province.former_name(renamed).unwrap();
    let name = Application::of("D7", "somebody of a new name")
        .names("applicant", town.person(renamed))
        .states("change", "name")
        .states("old_name", former.clone())
        .states("account_frozen", false);
    let backwards = name.clone().but("somebody under the former name");
    let backwards = backwards.names("applicant", town.called(renamed, &former));
    let wrong = name.clone().but("somebody whose old name is no former one");
    let number = Application::of("D7", "somebody whose number had 15 digits")
        .names("applicant", town.person(employee(town)))
        .states("change", "number")
        .states("number_upgraded", true)
        .states("account_frozen", false);
    let other = number.clone().but("somebody of another number").states("number_upgraded", false);
    let never = name.clone().but("somebody who never had another name");
    let never = never.names("applicant", town.person(employee(town)));
    let same = |why| [("same_number", "refuted"), ("same_number", why)];
    let both = |why| [("who", why), ("former_name", why)];
    vec![
        name.clone().ready(),
        number.clone().ready(),
        backwards.refuted(&[("who", "refuted"), ("former_name", "not_found")]),
        number.clone().states("account_frozen", true).refuted(&[("not_frozen", "refuted")]),
        wrong.states("old_name", "某某某").counter(&[("former_name", "doubtful")]),
        never.counter(&[("former_name", "not_found")]),
        other.clone().counter(&same("evidence_missing")),
        other.attaches("police_certificate").counter(&same("evidence_for_person")),
        name.clone().counter(&both("denied")).not_agreed("police"),
        name.counter(&both("unavailable")).down("police"),
        number.counter(&[("who", "unavailable")]).down("police"),
    ]
}

/// D8: sealed when the employment ends, unsealed and moved when a new one begins.
fn transfers(town: &Town<'_>) -> Vec<Row> {
    let left = town.someone("ordinary, and has left", |one, row| {
        town.is_ordinary(one) && row.has(Trait::Left) && town.province.employer_of(one).is_some()
    });
    let of = |person, action: &'static str, what| {
        Application::of("D8", what)
            .names("applicant", town.person(person))
            .names("employer", town.employer_of(person))
            .states("action", action)
            .states("account_frozen", false)
    };
    let seal = of(left, "seal", "somebody who has left");
    let unseal = of(employee(town), "unseal", "an employee");
    let transfer = of(employee(town), "transfer", "an employee with an account elsewhere");
    let stays = of(employee(town), "seal", "somebody who has not left");
    let gone = of(left, "unseal", "somebody who has left");
    vec![
        seal.clone().ready(),
        unseal.clone().ready(),
        transfer.clone().attaches("target_confirmation").ready(),
        stays.counter(&[("ended", "doubtful")]),
        // The insurance has the name too, and cannot tell whose row it is.
        seal.clone()
            .but("somebody who has left, under another's name")
            .names("applicant", town.called(left, "某某"))
            .refuted(&[("who", "refuted"), ("ended", "unavailable")]),
        gone.counter(&[("employed", "doubtful")]),
        seal.clone()
            .but("somebody whose account is frozen")
            .states("account_frozen", true)
            .refuted(&[("not_frozen", "refuted")]),
        transfer.counter(&[("confirmed", "evidence_missing")]),
        seal.clone().counter(&[("ended", "denied")]).not_agreed("social-security"),
        unseal.clone().counter(&[("employed", "denied")]).not_agreed("social-security"),
        seal.counter(&[("ended", "unavailable")]).down("social-security"),
        unseal.counter(&[("who", "unavailable")]).down("police"),
    ]
}
