//! Families of the synthetic province that buy a home on credit: two spouses, two minor children, one new home.

use std::collections::HashMap;

use anyhow::ensure;
use heyan::client::Client;
use heyan::proto::gateway::v1 as wire;
use heyan::simulate::SimulationConfig;
use heyan::simulate::clock::Clock;
use heyan::simulate::province::{
    EmployerStatus, HomeFlag, HomeKind, HomeState, Person, Province, Relation, Trait,
};
use heyan::simulate::samples;

/// As many as are wanted: nothing is kept, so the same family costs the same again.
const WANTED: usize = 40;

/// No loan is larger, in fen; the rule has it as a parameter.
const LOAN_MOST: i64 = 80_000_000;

/// Applications, each of another family, and people for lists.
pub(crate) struct Families {
    applications: Vec<wire::CheckCaseRequest>,
    pub(crate) province: Province,
}

impl Families {
    /// Those among so many people whose application should be READY.
    pub(crate) fn draw(people: u32) -> anyhow::Result<Self> {
        let seed = SimulationConfig::default().seed;
        let province = Province::generate(seed, people, Clock::default().today())?;
        let heads = samples::COUNT..people;
        let applications: Vec<_> =
            heads.filter_map(|head| application(&province, head)).take(WANTED).collect();
        ensure!(!applications.is_empty(), "no such family lives in the province");
        Ok(Self { applications, province })
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.applications.len()
    }

    /// The application of one of them, round and round, as a case of its own.
    pub(crate) fn application(&self, number: usize) -> wire::CheckCaseRequest {
        let mut application = self.applications[number % self.applications.len()].clone();
        application.case_id = Client::request_id();
        application
    }
}

/// The application of the household that this person heads, where it is such a family.
fn application(province: &Province, head: u32) -> Option<wire::CheckCaseRequest> {
    let person = province.person(head).filter(|person| is_settled(person, Relation::Head))?;
    let (_, marriage) = province.marriages_of(person).last()?;
    let spouse = if marriage.man == head { marriage.woman } else { marriage.man };
    let is_pair = province.is_married(marriage)
        && is_settled(province.person(spouse)?, Relation::Spouse)
        && province.homes_of(spouse).all(|(_, home)| home.owner == head);
    let minors = province.household(person).filter(|&index| {
        province.person(index).is_some_and(|child| {
            child.relation == Relation::Child
                && child.traits == 0
                && child.birth.years_until(province.today()) < 17
        })
    });
    let employer = province.employer(person.employer)?;
    let works = employer.prefix.starts_with('9') && employer.status == EmployerStatus::Active;
    let mut homes = province.homes_of(head);
    let (home, bought) = homes.next()?;
    let is_new = bought.kind() == HomeKind::New
        && bought.state == HomeState::Contracted
        && bought.owner == head
        && !bought.has(HomeFlag::OldNumber);
    let permit = province.presale_number(province.project_of(home));
    let may_be_sold = province.presale(&permit).is_some_and(|(_, valid, _)| valid);
    let fits = is_pair && minors.count() == 2 && works && homes.next().is_none() && is_new;
    (fits && may_be_sold).then(|| request(province, head, person.employer, home, permit))
}

/// Nothing special is known of the person.
fn is_settled(person: &Person, relation: Relation) -> bool {
    let ordinary = [Trait::Renamed, Trait::Relief].iter().fold(0, |all, one| all | *one as u16);
    person.relation == relation && person.traits & !ordinary == 0
}

fn request(
    province: &Province,
    head: u32,
    employer: u32,
    home: u32,
    permit: String,
) -> wire::CheckCaseRequest {
    let city = province.home_city(home).0;
    let price = province.price_fen(home);
    let subjects = [
        samples::person(province, "applicant", head),
        samples::employer_subject(province, "employer", employer),
        samples::document("contract", province.contract_number(home), city),
        samples::document("permit", permit, city),
    ];
    let integer = |number| wire::Value { kind: Some(wire::value::Kind::Integer(number)) };
    let truth = |truth| wire::Value { kind: Some(wire::value::Kind::Truth(truth)) };
    let given = [
        ("months_in_a_row", integer(24)),
        ("settled_loans", integer(0)),
        ("loan_outstanding", truth(false)),
        ("credit_fit", truth(true)),
        ("years_past_retirement", integer(0)),
        ("price_fen", integer(price)),
        ("down_payment_fen", integer(price / 2)),
        ("loan_fen", integer((price / 2).min(LOAN_MOST))),
        ("instalment_fen", integer(5_000)),
    ];
    let paper = |name: &str, issuer: &str| wire::Evidence {
        name: name.to_owned(),
        issuer: issuer.to_owned(),
        digest: vec![7; 32],
        issued_on: province.today().iso(),
    };
    wire::CheckCaseRequest {
        case_id: String::new(),
        purpose: Some(wire::Purpose {
            item: "L1".to_owned(),
            case_number: format!("GJJ-2026-{head:06}"),
            notice: "hn-gjj-sw-2026".to_owned(),
            consent: format!("SQ-2026-{head:06}"),
            ..wire::Purpose::default()
        }),
        operator: Some(wire::Operator { id: "0042".to_owned(), unit: "counter-3".to_owned() }),
        subjects: subjects.iter().map(heyan::wire::subject).collect(),
        given: given
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<HashMap<_, _>>(),
        evidence: vec![
            paper("credit_report", "credit-bureau"),
            paper("down_payment_receipt", "bank"),
        ],
        ..wire::CheckCaseRequest::default()
    }
}
