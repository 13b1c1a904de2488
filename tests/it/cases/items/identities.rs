//! Who somebody is, written in every way that occurs: rare characters, dots, widths, 15 digits, papers of foreigners.

use heyan::query::subject::{IdentityDocument, Person, SubjectKind};
use heyan::simulate::province::{Home, HomeFlag, HomeState, Trait};
use heyan::simulate::{calendar::Day, numbers, samples};

use super::application::Application;
use super::loan;
use super::row::Row;
use super::town::Town;

/// Every row.
pub(super) fn rows(town: &Town<'_>) -> Vec<Row> {
    [rare(town), dotted(town), foreign(town), papers(town), digits(town)].concat()
}

/// Employees of a year and more who have this trait, and no other that a name or a number would show.
fn employees<'a>(town: &'a Town<'_>, wanted: Trait) -> impl Iterator<Item = u32> + 'a {
    let odd = [Trait::Foreigner, Trait::Dotted, Trait::RareName];
    (samples::COUNT..town.province.population()).filter(move |&one| {
        let row = town.person_row(one);
        let others = odd.iter().filter(|&&other| other != wanted);
        row.has(wanted)
            && !row.has(Trait::Dead)
            && others.into_iter().all(|&other| !row.has(other))
            && town.is_insured(one)
    })
}

/// As typed at the desk: the same person, under a name that is written otherwise.
fn typed(town: &Town<'_>, person: u32, write: impl Fn(&str) -> String) -> SubjectKind {
    town.called(person, &write(&town.province.name(person)))
}

/// An account is opened for an employee (D2).
fn open(town: &Town<'_>, what: &'static str, person: u32) -> Application {
    Application::of("D2", what)
        .names("applicant", town.person(person))
        .names("employer", town.employer_of(person))
        .states("other_account", false)
}

/// Months are paid back for an employee whose wages are in doubt (D3): asked of a register, a database and a program.
fn pay_back(town: &Town<'_>, what: &'static str, person: u32) -> Application {
    Application::of("D3", what)
        .names("applicant", town.person(person))
        .names("employer", town.employer_of(person))
        .states("action", "back_pay")
        .states("base_fen", 300_000)
        .states("ratio_percent", 8)
        .states("account_active", true)
        .states("wages_doubted", true)
        .states("back_pay_months", 4)
        .states("first_month", town.province.settled_month().minus(6).iso())
}

/// Characters that old systems do not have: one that GBK has after all, and one that a database has lost.
fn rare(town: &Town<'_>) -> Vec<Row> {
    let of = |lost: bool| {
        let is_lost = |one: &u32| town.province.name(*one).contains(['䶮', '𠅤']) == lost;
        employees(town, Trait::RareName).find(is_lost).unwrap()
    };
    let kept = pay_back(town, "a name with a rare character", of(false));
    let lost = open(town, "a name that the insurance's database cannot hold", of(true));
    // Nobody can say whose row it is: that is no "no record", and certainly no "no".
    let circle = employees(town, Trait::RareName)
        .find(|&one| town.province.name(one).contains('〇'))
        .unwrap();
    let written = |what, with: &'static str| {
        let name = typed(town, circle, |name| name.replace('〇', with));
        open(town, what, circle).names("applicant", name)
    };
    vec![
        kept.ready(),
        lost.counter(&[("employed", "unavailable")]),
        // The police compare letter by letter. A mismatch over a writing refutes nobody.
        written("a white circle typed for 〇", "○").counter(&[("who", "conflict")]),
        written("a large circle typed for 〇", "◯").counter(&[("who", "conflict")]),
        // Another character: the insurance cannot tell whose row it is.
        written("零 typed for 〇", "零")
            .counter(&[("who", "conflict"), ("employed", "unavailable")]),
    ]
}

/// The middle dot, as desks type it and as registers hold it.
fn dotted(town: &Town<'_>) -> Vec<Row> {
    let employee = employees(town, Trait::Dotted).next().unwrap();
    let mut rows = vec![pay_back(town, "a name with the right dot", employee).ready()];
    for dot in ["•", "．"] {
        let other = pay_back(town, "a name with another dot", employee);
        let name = typed(town, employee, |name| name.replace('·', dot));
        rows.push(other.names("applicant", name).ready());
    }
    for dot in ["‧", "・", "･", "⋅", "∙", "."] {
        let other = open(town, "a name with a strange dot", employee);
        let name = typed(town, employee, |name| name.replace('·', dot));
        rows.push(other.names("applicant", name).ready());
    }
    // A blank for the dot, or nothing: the police take it for another name, and nobody is refuted over it.
    let long = |one: &u32| town.province.name(*one).chars().count() > 5;
    let long = employees(town, Trait::Dotted).find(long).unwrap();
    for (blank, more) in [(" ", false), ("\u{3000}", false), ("", true)] {
        let name = typed(town, long, |name| name.replace('·', blank));
        let other = open(town, "a name without its dot", long).names("applicant", name);
        let unsure: &[_] = &[("who", "conflict"), ("employed", "unavailable")];
        rows.push(other.counter(if more { unsure } else { &unsure[..1] }));
    }
    // The register of titles has a full stop.
    let owner = owner(town, "by one with a dot", |home, row| {
        town.person_row(row.owner).has(Trait::Dotted)
            && is_convertible(row)
            && employees(town, Trait::Dotted).any(|one| one == row.owner)
            && home >= samples::HOME_COUNT
    });
    rows.push(convert(town, "an owner with a dot", owner).ready());
    // And that of marriages a bullet, which goes on to everybody who is asked about the spouse.
    let (one, home) = buyers(town, "of whom one has a dot", |_, spouse| {
        let row = town.person_row(spouse);
        row.has(Trait::Dotted) && !row.has(Trait::Foreigner) && !row.has(Trait::Dead)
    });
    rows.push(borrow(town, "the spouse of one with a dot", one, home).ready());
    rows
}

/// Somebody who buys a new home and owns no other, whose spouse is so; and the home.
fn buyers(town: &Town<'_>, what: &str, is: impl Fn(u32, u32) -> bool) -> (u32, u32) {
    let home = town.home(&format!("bought by a couple {what}"), |home, row| {
        let spouse =
            town.marriage(row.owner).map(|marriage| marriage.man + marriage.woman - row.owner);
        let owns = |one| town.homes_of(one).iter().all(|&other| other == home);
        loan::is_new(town, home, row)
            && town.is_ordinary(row.owner)
            && loan::works_for(town, row.owner, '9')
            && owns(row.owner)
            && spouse.is_some_and(|spouse| owns(spouse) && is(row.owner, spouse))
    });
    (town.home_row(home).owner, home)
}

/// A loan for that new home (L1).
fn borrow(town: &Town<'_>, what: &'static str, person: u32, home: u32) -> Application {
    loan::loan("L1", what, town, person, home).names("permit", town.presale(home))
}

/// A home of somebody of whom this is true.
fn owner(town: &Town<'_>, what: &str, is: impl Fn(u32, &Home) -> bool) -> u32 {
    town.home(&format!("owned {what}"), is)
}

fn is_convertible(row: &Home) -> bool {
    row.state == HomeState::Titled && row.has(HomeFlag::Mortgaged) && loan::is_free(row)
}

/// A bank's loan for this home is taken over (L3).
fn convert(town: &Town<'_>, what: &'static str, home: u32) -> Application {
    loan::third(town, what, "conversion", town.home_row(home).owner)
        .names("property", town.property(home))
        .states("bank_name", town.province.mortgagee(home))
        .states("good_months", 14)
        .states("bank_balance_fen", 40_000_000)
        .attaches("bank_balance")
}

/// Foreigners, by the card of permanent residents: the police have no citizens among them.
fn foreign(town: &Town<'_>) -> Vec<Row> {
    let employee = employees(town, Trait::Foreigner).next().unwrap();
    let unseen = open(town, "a foreigner whose paper nobody has seen", employee);
    let seen = unseen.clone().but("a foreigner").attaches("identity_seen");
    let wide = |name: &str| -> String {
        let full = |character: char| match character {
            ' ' => '\u{3000}',
            ascii if ascii.is_ascii_graphic() => char::from_u32(u32::from(ascii) + 0xfee0).unwrap(),
            other => other,
        };
        name.chars().map(full).collect()
    };
    let wide = typed(town, employee, wide);
    let in_full_width = seen.clone().but("a foreigner in letters of full width");
    let lower = seen.clone().but("a foreigner in small letters");
    let lower = lower.names("applicant", typed(town, employee, |name| name.to_lowercase()));
    let joins = (samples::COUNT..town.province.population()).find_map(|one| {
        let marriage = town.marriage(one)?;
        let spouse = marriage.man + marriage.woman - one;
        let is_foreign = town.person_row(spouse).has(Trait::Foreigner);
        (town.is_ordinary(one) && is_foreign).then_some((one, spouse))
    });
    let (citizen, spouse) = joins.unwrap();
    let joins = Application::of("L5", "a foreign spouse joins")
        .names("applicant", town.person(citizen))
        .names("other", town.person(spouse))
        .states("change", "join")
        .states("borrower_matches", true)
        .states("overdue", false)
        .attaches("consent")
        .attaches("others_consent");
    vec![
        seen.ready(),
        unseen.counter(&[("who", "evidence_missing")]),
        in_full_width.names("applicant", wide.clone()).ready(),
        lower.ready(),
        // The tax office compares letter by letter: what it does not find is no "no".
        pay_back(town, "a foreigner in letters of full width", employee)
            .names("applicant", wide)
            .attaches("identity_seen")
            .counter(&[("wages_fit", "not_found")]),
        joins.counter(&[("joiner", "not_found")]),
    ]
}

/// Papers that no register of the six holds: shown at the counter, or known to nobody.
fn papers(town: &Town<'_>) -> Vec<Row> {
    let holder = |document_type, number: &str, name: &str| {
        SubjectKind::Person(Person {
            document_type,
            document_number: number.to_owned(),
            name: name.to_owned(),
        })
    };
    let passport = holder(IdentityDocument::Passport, "ＥＡ0000001", "SMITH JOHN");
    let permit = format!("81000018{:02}0101001", 90);
    let permit = numbers::with_check(permit.parse().unwrap());
    let resident = holder(IdentityDocument::ResidencePermit, &permit, "陈某");
    let card = holder(IdentityDocument::PermanentResidence, "XXA430018000101", "Tanaka Yuki");
    let soldier = holder(IdentityDocument::Military, "军字第0000000号", "李某");
    let mut rows = Vec::new();
    for (what, person) in [
        ("by a passport", passport),
        ("by a residence permit", resident),
        ("by a card of 2017", card),
        ("by an officer's card", soldier),
    ] {
        let repay = Application::of("L6", what)
            .names("applicant", person.clone())
            .states("action", "repay")
            .states("borrower_matches", true)
            .states("balance_fen", 900_000)
            .states("amount_fen", 100_000);
        let opened = Application::of("D2", what)
            .names("applicant", person)
            .names("employer", town.employing(samples::ACTIVE_ENTERPRISE))
            .states("other_account", false);
        rows.push(repay.clone().attaches("identity_seen").ready());
        rows.push(repay.counter(&[("who", "evidence_missing")]));
        rows.push(opened.clone().attaches("identity_seen").counter(&[("employed", "not_found")]));
        rows.push(opened.counter(&[("who", "evidence_missing"), ("employed", "not_found")]));
    }
    rows
}

/// 15 digits: typed at the desk, in old rows of titles, and in rows of marriages before 2000.
fn digits(town: &Town<'_>) -> Vec<Row> {
    let employee = town.someone("an employee born before 2000", |one, row| {
        town.is_ordinary(one) && town.is_insured(one) && row.birth < Day::of(1999, 12, 31)
    });
    let old = |kind| match kind {
        SubjectKind::Person(person) => SubjectKind::Person(Person {
            document_number: numbers::old_form(&person.document_number).unwrap(),
            ..person
        }),
        other => other,
    };
    let typed = pay_back(town, "somebody by 15 digits", employee);
    let typed = typed.names("applicant", old(town.person(employee)));
    let titled = owner(town, "and registered under 15 digits", |_, row| {
        is_convertible(row)
            && row.has(HomeFlag::OldNumber)
            && town.is_ordinary(row.owner)
            && town.person_row(row.owner).birth < Day::of(1999, 12, 31)
            && town.is_insured(row.owner)
    });
    let by_fifteen = convert(town, "an owner registered under 15 digits", titled);
    let owner = town.home_row(titled).owner;
    let twice = by_fifteen.clone().but("the same by 15 digits");
    let twice = twice.names("applicant", old(town.person(owner)));
    let (couple, home) = buyers(town, "married before 2000", |one, spouse| {
        let marriage = town.marriage(one).map(|marriage| marriage.on);
        town.is_ordinary(spouse) && marriage.is_some_and(|on| on < Day::of(2000, 1, 1))
    });
    let married = borrow(town, "a couple registered under 15 digits", couple, home);
    vec![typed.ready(), by_fifteen.ready(), twice.ready(), married.ready()]
}
