//! People, employers and homes at fixed places of every province, and one sensible question for each of the 30 facts with
//! the answer it must get. The demonstration and the tests ask these; the rest of the province is the crowd around them.
//!
//! | who | index | what is special |
//! |---|---|---|
//! | husband, wife, child, grandmother | 0 1 2 3 | one household; home 0 is theirs, new, mortgaged; both work for employer 0; she draws a pension |
//! | divorced woman | 4 | divorced from 5; the *marriage* certificate was issued again later (ICA after IB) |
//! | remarried man, second wife | 5 6 | his first marriage was to 4; he lets home 3 to the tenant |
//! | widow, deceased | 7 8 | civil affairs still say "married": the death is known to the police only |
//! | tenant | 9 | no home, a lease on file, works for employer 0 |
//! | dotted | 10 | a name with a middle dot, which civil affairs and housing write differently; home 2 is filed under a 15-digit number |
//! | rare | 11 | a name outside GBK; home 5 is seized and disputed |
//! | foreigner | 12 | permanent residence identity card; unknown to the population register |
//! | disabled | 13 | total loss of working capacity, employment ended |
//! | stale | 14 | cremated, yet alive in the police register |
//! | relief | 15 | draws the minimum living allowance |
//! | abroad | 16 | household cancelled, settled abroad |
//! | renamed | 17 | has a former name; home 4 is bought by contract, without title yet |
//! | seller | 18 | formerly owned home 1, now the widow's |
//! | builder | 19 | holds a planning permit |

use std::collections::BTreeMap;

use super::calendar::Day;
use super::province::{
    EmployerStatus, Home, HomeFlag, HomeState, Marriage, MarriageEnd, NONE, Province, Relation,
    Trait,
};
use crate::query::record::Finding;
use crate::query::subject::{
    Document, Employer, IdentityDocument, Person, Property, Subject, SubjectKind,
};
use crate::query::value::{Value, Verdict};

use super::province::Census;

/// Married to [`WIFE`].
pub const HUSBAND: u32 = 0;
/// Married to [`HUSBAND`].
pub const WIFE: u32 = 1;
/// Their child, a minor.
pub const CHILD: u32 = 2;
/// His mother, a pensioner.
pub const GRANDMOTHER: u32 = 3;
/// Divorced, with a reissued marriage certificate.
pub const DIVORCED: u32 = 4;
/// Once married to [`DIVORCED`], now to [`SECOND_WIFE`].
pub const REMARRIED: u32 = 5;
/// Married to [`REMARRIED`].
pub const SECOND_WIFE: u32 = 6;
/// Widow of [`DECEASED`].
pub const WIDOW: u32 = 7;
/// Dead and cremated.
pub const DECEASED: u32 = 8;
/// Owns nothing, rents home 3.
pub const TENANT: u32 = 9;
/// Name with a middle dot; known to housing by the 15-digit number.
pub const DOTTED: u32 = 10;
/// Name outside GBK.
pub const RARE: u32 = 11;
/// Holds a permanent residence identity card.
pub const FOREIGNER: u32 = 12;
/// Total loss of working capacity, employment ended.
pub const DISABLED: u32 = 13;
/// Cremated, alive in the police register.
pub const STALE: u32 = 14;
/// On the minimum living allowance.
pub const RELIEF: u32 = 15;
/// Settled abroad.
pub const ABROAD: u32 = 16;
/// Has a former name.
pub const RENAMED: u32 = 17;
/// Former owner of home 1.
pub const SELLER: u32 = 18;
/// Holds a planning permit.
pub const BUILDER: u32 = 19;
/// How many sample people there are.
pub const COUNT: u32 = 20;

/// An active enterprise with twelve changes, so that its register of changes has several pages.
pub const ACTIVE_ENTERPRISE: u32 = 0;
/// An enterprise whose licence was revoked.
pub const REVOKED_ENTERPRISE: u32 = 1;
/// A deregistered enterprise.
pub const DEREGISTERED_ENTERPRISE: u32 = 2;
/// A public institution (USCC 12): unknown to market regulation.
pub const INSTITUTION: u32 = 6;
/// A private non-enterprise unit (USCC 52), registered by civil affairs.
pub const SERVICE_UNIT: u32 = 8;

/// The couple's home.
pub const COUPLE_HOME: u32 = 0;
/// The widow's, formerly the seller's.
pub const SOLD_HOME: u32 = 1;
/// Filed under a 15-digit number.
pub const OLD_NUMBER_HOME: u32 = 2;
/// Let to the tenant.
pub const LET_HOME: u32 = 3;
/// Contract without title.
pub const CONTRACTED_HOME: u32 = 4;
/// Seized and disputed.
pub const SEIZED_HOME: u32 = 5;
/// How many sample homes there are.
pub const HOME_COUNT: u32 = 6;

/// Settles the sample people, in the order of their numbers.
pub(super) fn settle(census: &mut Census<'_>) {
    census.open_household();
    let husband = census.settle(true, Day::of(1985, 3, 12), Relation::Head, 2);
    let wife = census.settle(false, Day::of(1987, 8, 25), Relation::Spouse, 1);
    census.settle(false, Day::of(2018, 5, 6), Relation::Child, 2);
    let grandmother = census.settle(false, Day::of(1957, 11, 2), Relation::Parent, 3);
    census.mark(grandmother, &[Trait::Pensioner]);
    wed(census, husband, wife, Day::of(2013, 5, 20), Day(0), Day(0));
    census.employ(husband, ACTIVE_ENTERPRISE);
    census.employ(wife, ACTIVE_ENTERPRISE);

    let divorced = alone(census, false, Day::of(1980, 1, 30), 4);
    census.open_household();
    let remarried = census.settle(true, Day::of(1978, 9, 9), Relation::Head, 5);
    let second_wife = census.settle(false, Day::of(1984, 4, 17), Relation::Spouse, 6);
    let (parted, reissued) = (Day::of(2015, 7, 3), Day::of(2019, 3, 14));
    wed(census, remarried, divorced, Day::of(2006, 10, 1), parted, reissued);
    wed(census, remarried, second_wife, Day::of(2017, 1, 9), Day(0), Day(0));

    census.open_household();
    let widow = census.settle(false, Day::of(1950, 6, 18), Relation::Head, 7);
    let deceased = census.settle(true, Day::of(1948, 2, 3), Relation::Spouse, 8);
    census.mark(widow, &[Trait::Pensioner]);
    census.mark(deceased, &[Trait::Dead, Trait::Cremated]);
    wed(census, deceased, widow, Day::of(1974, 10, 1), Day(0), Day(0));

    let tenant = alone(census, true, Day::of(1996, 7, 7), 9);
    census.employ(tenant, ACTIVE_ENTERPRISE);
    let marks: [(bool, (u16, u8, u8), &[Trait]); 10] = [
        (true, (1982, 3, 21), &[Trait::Dotted]),
        (false, (1990, 12, 12), &[Trait::RareName]),
        (false, (1979, 5, 5), &[Trait::Foreigner]),
        (true, (1975, 10, 10), &[Trait::Assessed, Trait::Left]),
        (true, (1946, 1, 15), &[Trait::Cremated, Trait::Pensioner]),
        (false, (1962, 8, 8), &[Trait::Relief]),
        (true, (1988, 2, 14), &[Trait::Abroad]),
        (false, (1993, 9, 1), &[Trait::Renamed]),
        (true, (1968, 4, 4), &[]),
        (true, (1971, 6, 30), &[]),
    ];
    for (surname, (man, (year, month, day), traits)) in (10..).zip(marks) {
        let person = alone(census, man, Day::of(year, month, day), surname);
        census.mark(person, traits);
        if person == DISABLED {
            census.employ(person, ACTIVE_ENTERPRISE);
        }
    }
}

fn alone(census: &mut Census<'_>, man: bool, birth: Day, surname: u8) -> u32 {
    census.open_household();
    census.settle(man, birth, Relation::Head, surname)
}

fn wed(census: &mut Census<'_>, man: u32, woman: u32, on: Day, ended: Day, reissued: Day) {
    let end = if ended.is_none() { MarriageEnd::None } else { MarriageEnd::Divorced };
    census.marry(Marriage { man, woman, on, ended, end, reissued });
}

/// Prefix and status of a sample employer.
pub(super) fn employer(index: u32) -> Option<(&'static str, EmployerStatus)> {
    let active = EmployerStatus::Active;
    Some(match index {
        0 => ("91", active),
        1 => ("91", EmployerStatus::Revoked),
        2 => ("91", EmployerStatus::Deregistered),
        3 => ("91", EmployerStatus::MovedAway),
        4 => ("93", active),
        5 => ("92", active),
        6 => ("12", active),
        7 => ("11", active),
        8 => ("52", active),
        9 => ("51", active),
        10 => ("53", EmployerStatus::Revoked),
        _ => return None,
    })
}

/// The sample homes, in the order of their numbers.
pub(super) fn homes() -> Vec<Home> {
    let home = |owner, state, flags| Home {
        owner,
        co_owner: NONE,
        former: NONE,
        state,
        flags,
        tenant: NONE,
    };
    let seized = HomeFlag::Seized as u16 | HomeFlag::Disputed as u16;
    vec![
        Home { co_owner: WIFE, ..home(HUSBAND, HomeState::Titled, HomeFlag::Mortgaged as u16) },
        Home { former: SELLER, ..home(WIDOW, HomeState::Titled, HomeFlag::Residence as u16) },
        home(DOTTED, HomeState::Titled, HomeFlag::OldNumber as u16),
        Home { tenant: TENANT, ..home(REMARRIED, HomeState::Titled, 0) },
        home(RENAMED, HomeState::Contracted, 0),
        home(RARE, HomeState::Titled, seized),
    ]
}

/// One question and the answer it must get.
pub struct Sample {
    /// About whom, in the order of the fact's roles.
    pub subjects: Vec<Subject>,
    /// What the agency says, under the catalogue's names: every attribute that the record holds.
    pub record: Finding,
    /// The verdict on what the fact confirms by default.
    pub expect: Verdict,
}

/// A person of the province as a subject.
pub fn person(province: &Province, role: &str, index: u32) -> Subject {
    let row = province.person(index);
    let foreigner = row.is_some_and(|row| row.has(Trait::Foreigner));
    let kind = SubjectKind::Person(Person {
        document_type: if foreigner {
            IdentityDocument::PermanentResidence
        } else {
            IdentityDocument::CitizenId
        },
        document_number: row.map_or_else(String::new, super::province::Person::number),
        name: province.name(index),
    });
    Subject { role: role.to_owned(), kind }
}

/// An employer of the province as a subject.
pub fn employer_subject(province: &Province, role: &str, index: u32) -> Subject {
    let kind = SubjectKind::Employer(Employer {
        uscc: province.uscc(index),
        name: province.employer_name(index),
    });
    Subject { role: role.to_owned(), kind }
}

/// A home of the province as a subject, by its unit number.
pub fn property(province: &Province, role: &str, home: u32) -> Subject {
    let kind = SubjectKind::Property(Property {
        unit_number: province.unit_number(home),
        certificate_number: province.title_number(home),
        address: province.address(home),
        division: province.home_city(home).0.to_string(),
    });
    Subject { role: role.to_owned(), kind }
}

/// A paper as a subject.
pub fn document(role: &str, number: String, division: u32) -> Subject {
    let kind = SubjectKind::Document(Document {
        number,
        code: String::new(),
        division: division.to_string(),
    });
    Subject { role: role.to_owned(), kind }
}

/// The sample question for a fact of the catalogue. For a code it does not have: a question about nobody, not found.
pub fn question(fact: &str, province: &Province) -> Sample {
    let ask = Asking { province };
    let sample = match fact.get(..1) {
        Some("P") => ask.police(fact),
        Some("M") => ask.civil_affairs(fact),
        Some("S") => ask.social_security(fact),
        Some("H") => ask.housing(fact),
        Some("T") => ask.tax(fact),
        Some("E") => ask.market_regulation(fact),
        _ => None,
    };
    sample.unwrap_or_else(|| Sample {
        subjects: Vec::new(),
        record: Finding::NotFound,
        expect: Verdict::NotFound,
    })
}

struct Asking<'a> {
    province: &'a Province,
}

fn found<const N: usize>(subjects: Vec<Subject>, attributes: [(&str, Value); N]) -> Option<Sample> {
    let attributes: BTreeMap<String, Value> =
        attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Some(Sample { subjects, record: Finding::Found(attributes), expect: Verdict::Confirmed })
}

fn truth(value: bool) -> Value {
    Value::Truth(value)
}

fn code(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn number(value: impl Into<i64>) -> Value {
    Value::Integer(value.into())
}

fn date(day: Day) -> Value {
    Value::Date(day.iso())
}

impl Asking<'_> {
    fn person(&self, role: &str, index: u32) -> Subject {
        person(self.province, role, index)
    }

    fn employer(&self, index: u32) -> Subject {
        employer_subject(self.province, "employer", index)
    }

    fn police(&self, fact: &str) -> Option<Sample> {
        let husband = self.person("person", HUSBAND);
        match fact {
            "P1" => found(
                vec![husband],
                [
                    ("identity_match", truth(true)),
                    ("number_known", truth(true)),
                    ("deceased", truth(false)),
                ],
            ),
            "P2" => found(vec![husband], [("deceased", truth(false))]),
            "P3" => found(
                vec![husband, self.person("relative", WIFE)],
                [
                    ("division", code(&self.province.division_of(HUSBAND).to_string())),
                    ("head_relation", code("self")),
                    ("same_household", truth(true)),
                    ("household_size", number(4)),
                ],
            ),
            "P4" => found(vec![husband], [("status", code("registered"))]),
            _ => None,
        }
    }

    fn civil_affairs(&self, fact: &str) -> Option<Sample> {
        let province = self.province;
        let husband = self.person("person", HUSBAND);
        let (row, marriage) = province.marriages_of(province.person(HUSBAND)?).last()?;
        match fact {
            "M1" => found(
                vec![husband],
                [
                    ("status", code("married")),
                    ("registered_on", date(marriage.on)),
                    ("certificate_number", code(&province.certificate(row, "J", marriage.on))),
                    ("spouse_name", code(&province.name(WIFE))),
                    ("spouse_number", code(&province.person(WIFE)?.number())),
                ],
            ),
            "M2" => found(
                vec![husband, self.person("spouse", WIFE)],
                [("married", truth(true)), ("registered_on", date(marriage.on))],
            ),
            "M3" => found(
                vec![self.person("person", DECEASED)],
                [("cremated", truth(true)), ("cremated_on", date(province.cremated_on(DECEASED)?))],
            ),
            "M4" => found(
                vec![self.employer(SERVICE_UNIT)],
                [
                    ("name_match", truth(true)),
                    ("name", code(&province.employer_name(SERVICE_UNIT))),
                    ("status", code("active")),
                    ("kind", code("service_unit")),
                ],
            ),
            "M5" => found(
                vec![self.person("person", RELIEF)],
                [
                    ("receiving", truth(true)),
                    ("month", Value::Date(province.today().month().iso())),
                ],
            ),
            _ => None,
        }
    }

    fn social_security(&self, fact: &str) -> Option<Sample> {
        let province = self.province;
        let husband = self.person("person", HUSBAND);
        let employer = self.employer(ACTIVE_ENTERPRISE);
        let insurance = province.insurance(HUSBAND)?;
        match fact {
            "S1" => found(
                vec![husband, employer],
                [
                    ("status", code("paying")),
                    ("employer_name", code(&province.employer_name(ACTIVE_ENTERPRISE))),
                    ("employer_uscc", code(&province.uscc(ACTIVE_ENTERPRISE))),
                    ("same_employer", truth(true)),
                    ("since", Value::Date(insurance.since.iso())),
                ],
            ),
            "S2" => found(
                vec![husband],
                [
                    ("months_last_12", number(insurance.months_last_12)),
                    ("months_total", number(insurance.months_total)),
                    ("base_fen", number(insurance.base_fen)),
                    ("last_month", Value::Date(insurance.last.iso())),
                ],
            ),
            "S3" => {
                let pension = province.pension(GRANDMOTHER)?;
                let scheme = match pension.scheme {
                    "110" => "enterprise",
                    "120" => "public",
                    _ => "resident",
                };
                found(
                    vec![self.person("person", GRANDMOTHER)],
                    [
                        ("in_payment", truth(true)),
                        ("since", Value::Date(pension.since.iso())),
                        ("scheme", code(scheme)),
                    ],
                )
            }
            "S4" => {
                let (grade, on) = province.assessment(DISABLED)?;
                found(
                    vec![self.person("person", DISABLED)],
                    [
                        ("grade", number(grade)),
                        ("total_loss", truth(true)),
                        ("assessed_on", date(on)),
                    ],
                )
            }
            "S5" => found(
                vec![self.person("person", DISABLED), employer],
                [
                    ("ended", truth(true)),
                    ("ended_on", date(province.employment_end(DISABLED))),
                    ("unemployed", truth(province.is_unemployed(DISABLED))),
                ],
            ),
            "S6" => found(
                vec![employer],
                [
                    ("paying", truth(true)),
                    ("headcount", number(province.employer(ACTIVE_ENTERPRISE)?.headcount)),
                    ("arrears_months", number(0)),
                ],
            ),
            _ => None,
        }
    }

    fn housing(&self, fact: &str) -> Option<Sample> {
        let province = self.province;
        let property = property(province, "property", COUPLE_HOME);
        let city = province.home_city(COUPLE_HOME).0;
        match fact {
            "H1" => found(
                vec![
                    document("contract", province.contract_number(COUPLE_HOME), city),
                    self.person("buyer", HUSBAND),
                ],
                [
                    ("status", code("filed")),
                    ("buyer_match", truth(true)),
                    ("filed_on", date(province.contracted_on(COUPLE_HOME))),
                    ("price_fen", number(province.price_fen(COUPLE_HOME))),
                    ("new_home", truth(true)),
                ],
            ),
            "H2" => found(
                vec![property, self.person("owner", HUSBAND)],
                [
                    ("owner_match", truth(true)),
                    ("status", code("current")),
                    ("share", code("joint")),
                    ("registered_on", date(province.titled_on(COUPLE_HOME))),
                    ("area_cm2", number(province.area_cm2(COUPLE_HOME))),
                ],
            ),
            "H3" => found(
                vec![self.person("member", TENANT)],
                [("homes", number(0)), ("contracts", number(0)), ("complete", truth(true))],
            ),
            "H4" => found(
                vec![property],
                [
                    ("mortgaged", truth(true)),
                    ("mortgagee", code(province.mortgagee(COUPLE_HOME))),
                    ("seized", truth(false)),
                    ("disputed", truth(false)),
                    ("right_of_residence", truth(false)),
                ],
            ),
            _ => self.permits(fact, city),
        }
    }

    fn permits(&self, fact: &str, city: u32) -> Option<Sample> {
        let province = self.province;
        match fact {
            "H5" => {
                let permit = province.presale_number(0);
                let (project, valid, on) = province.presale(&permit)?;
                found(
                    vec![document("permit", permit, city)],
                    [
                        ("valid", truth(valid)),
                        ("project", code(&province.project_name(project))),
                        ("issued_on", date(on)),
                    ],
                )
            }
            "H6" => {
                let paper = province.permit_number(BUILDER)?;
                let permit = province.permit(&paper)?;
                found(
                    vec![document("permit", paper, city), self.person("holder", BUILDER)],
                    [
                        ("valid", truth(true)),
                        ("holder_match", truth(true)),
                        ("kind", code("rural_construction")),
                        ("issued_on", date(permit.on)),
                    ],
                )
            }
            "H7" => {
                let (rent, ends) = province.lease_terms(LET_HOME);
                found(
                    vec![
                        document("lease", province.lease_number(LET_HOME), city),
                        self.person("tenant", TENANT),
                    ],
                    [
                        ("valid", truth(true)),
                        ("tenant_match", truth(true)),
                        ("rent_fen", number(rent)),
                        ("ends_on", date(ends)),
                    ],
                )
            }
            _ => None,
        }
    }

    fn tax(&self, fact: &str) -> Option<Sample> {
        let province = self.province;
        match fact {
            "T1" => found(
                vec![property(province, "property", COUPLE_HOME), self.person("payer", HUSBAND)],
                [
                    ("paid", truth(true)),
                    ("payer_match", truth(true)),
                    ("paid_on", date(province.taxed_on(COUPLE_HOME))),
                    ("base_fen", number(province.price_fen(COUPLE_HOME))),
                ],
            ),
            "T2" => found(
                vec![
                    document("invoice", province.invoice_number(COUPLE_HOME), 430_000),
                    self.person("buyer", HUSBAND),
                ],
                [
                    ("genuine", truth(true)),
                    ("buyer_match", truth(true)),
                    ("amount_fen", number(province.price_fen(COUPLE_HOME))),
                    ("issued_on", date(province.contracted_on(COUPLE_HOME))),
                ],
            ),
            "T3" => {
                let (income, months) = province.income(HUSBAND)?;
                found(
                    vec![self.person("person", HUSBAND)],
                    [("income_12_months_fen", number(income)), ("months", number(months))],
                )
            }
            "T4" => {
                let (loss, cleared, arrears) = province.tax_standing(ACTIVE_ENTERPRISE);
                found(
                    vec![self.employer(ACTIVE_ENTERPRISE)],
                    [
                        ("loss_last_year", truth(loss)),
                        ("cleared", truth(cleared)),
                        ("arrears", truth(arrears)),
                    ],
                )
            }
            _ => None,
        }
    }

    fn market_regulation(&self, fact: &str) -> Option<Sample> {
        let province = self.province;
        let employer = self.employer(ACTIVE_ENTERPRISE);
        match fact {
            "E1" => found(
                vec![employer],
                [
                    ("name_match", truth(true)),
                    ("name", code(&province.employer_name(ACTIVE_ENTERPRISE))),
                    ("kind", code("enterprise")),
                    ("established_on", date(province.established(ACTIVE_ENTERPRISE))),
                ],
            ),
            "E2" => found(
                vec![employer],
                [
                    ("status", code("active")),
                    ("since", date(province.status_since(ACTIVE_ENTERPRISE))),
                ],
            ),
            "E3" => {
                let representative = province.representative(ACTIVE_ENTERPRISE);
                found(
                    vec![employer, self.person("representative", representative)],
                    [("representative_match", truth(true))],
                )
            }
            "E4" => {
                let last = province.changes(ACTIVE_ENTERPRISE).last()?.on;
                found(
                    vec![employer],
                    [
                        ("changes", number(12)),
                        ("former_name", code(&province.former_employer_name(ACTIVE_ENTERPRISE))),
                        ("last_changed_on", date(last)),
                    ],
                )
            }
            _ => None,
        }
    }
}
