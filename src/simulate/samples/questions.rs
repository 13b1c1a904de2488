//! One sensible question for each of the 30 facts, with the record the agency must return and the verdict it must get.

use std::collections::BTreeMap;

use super::{
    ACTIVE_ENTERPRISE, BUILDER, CHILD, COUPLE_HOME, DECEASED, DISABLED, GRANDMOTHER, HUSBAND,
    LET_HOME, RELIEF, SERVICE_UNIT, TENANT, WIFE,
};
use crate::query::record::Finding;
use crate::query::subject::{
    Document, Employer, IdentityDocument, Person, Property, Subject, SubjectKind,
};
use crate::query::value::{Named, Value, Verdict};
use crate::simulate::calendar::Day;
use crate::simulate::province::{Province, Trait};

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
        document_number: row.map_or_else(String::new, |row| row.number()),
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
    fn people(&self, indices: &[u32]) -> Value {
        let named = |&index: &u32| {
            let number = self.province.person(index)?.number();
            Some(Named { name: self.province.name(index), number })
        };
        Value::People(indices.iter().filter_map(named).collect())
    }

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
                    ("children", self.people(&[CHILD])),
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
                    ("unit_number", code(&province.unit_number(COUPLE_HOME))),
                    (
                        "permit_number",
                        code(&province.presale_number(province.project_of(COUPLE_HOME))),
                    ),
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
