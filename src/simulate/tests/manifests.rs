//! The sample manifests against the simulated agencies: every fact answered as the province has it, and nonsense of any kind
//! never taken for an answer.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Standing;
use crate::adapters::{Adapters, Allowed, Answer, Failure};
use crate::catalogue::{Catalogue, Fact};
use crate::clock::now;
use crate::decision::agreement::{Agreement, Clause, Quota};
use crate::decision::agreements::AgreementSet;
use crate::decision::facts::RoleFact;
use crate::decision::facts::{CallerFacts, Facts, QuotaUse, Standing as Registered};
use crate::decision::sample;
use crate::decision::set::{Set, Word};
use crate::decision::{Decision, Permit, RULES, decide};
use crate::query::record::{Finding, Unavailable};
use crate::query::subject::Subject;
use crate::query::time::Timestamp;
use crate::query::value::Value;
use crate::query::{Operator, Purpose, Query};
use crate::simulate::faults::Nonsense;
use crate::simulate::province::HomeFlag;
use crate::simulate::{AGENCIES, samples};

/// Longer than any sample needs on a busy machine.
const BUDGET: Duration = Duration::from_secs(20);

fn samples_of_configuration() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config-example")
}

/// The gateway's side: catalogue and adapters, as an operator would have them.
struct Desk {
    standing: Standing,
    catalogue: Catalogue,
    adapters: Adapters,
}

impl Desk {
    async fn open() -> Self {
        let standing = Standing::start().await;
        let folder = standing.folder.path().join("adapters");
        fs::create_dir(&folder).unwrap();
        for (agency, _) in AGENCIES {
            let name = format!("{agency}.toml");
            let sample = samples_of_configuration().join("adapters").join(&name);
            let mut text = fs::read_to_string(sample).unwrap();
            for (sampled, real) in standing.simulation.ports() {
                text = text.replace(&format!("127.0.0.1:{sampled}"), &format!("127.0.0.1:{real}"));
                text = text.replace(&format!("port = {sampled}\n"), &format!("port = {real}\n"));
            }
            fs::write(folder.join(name), text).unwrap();
        }
        let catalogue = Catalogue::load(&samples_of_configuration().join("catalogue")).unwrap();
        let (adapters, findings) =
            Adapters::load(&folder, &Allowed::everything(), &catalogue, None);
        assert!(findings.is_empty(), "{findings:#?}");
        Self { standing, catalogue, adapters }
    }

    async fn ask(&self, fact: &str, subjects: Vec<Subject>) -> Result<Answer, Failure> {
        let fact = self.catalogue.fact(&fact.into()).unwrap();
        let permit = permit(fact, &subjects);
        let query = Query {
            request_id: [7; 16],
            fact: fact.code.clone(),
            subjects,
            relations: Vec::new(),
            assertions: Vec::new(),
            disclose: fact.attributes.iter().map(|attribute| attribute.name.clone()).collect(),
            purpose: Purpose {
                item: "W3".into(),
                item_version: "2026.2".to_owned(),
                case_number: "GJJ-2026-000123".to_owned(),
                ..Purpose::default()
            },
            operator: Operator { id: "desk-7".to_owned(), unit: "hall-1".to_owned() },
            max_age: None,
            want_receipt: false,
        };
        let at =
            Timestamp(u64::try_from(self.standing.simulation.clock().now_ms()).unwrap() * 1000);
        self.adapters.for_fact(&fact.code).unwrap().ask(&permit, &query, at, BUDGET).await
    }

    /// The record of a question, or why there is none.
    async fn record(&self, fact: &str, subjects: Vec<Subject>) -> BTreeMap<String, Value> {
        match self.ask(fact, subjects).await {
            Ok(Answer { record, .. }) => match record.finding {
                Finding::Found(attributes) => attributes,
                Finding::NotFound => panic!("{fact}: not found"),
                Finding::Conflict => panic!("{fact}: conflict"),
            },
            Err(failure) => panic!("{fact}: {:?}: {}", failure.reason, failure.detail),
        }
    }

    async fn is_not_found(&self, fact: &str, subjects: Vec<Subject>) -> bool {
        match self.ask(fact, subjects).await {
            Ok(answer) => answer.record.finding == Finding::NotFound,
            Err(failure) => panic!("{fact}: {:?}: {}", failure.reason, failure.detail),
        }
    }

    fn person(&self, role: &str, index: u32) -> Subject {
        samples::person(self.standing.simulation.province(), role, index)
    }

    fn facts(&self) -> Vec<String> {
        self.catalogue.facts().map(|fact| fact.code.to_string()).collect()
    }
}

/// A permit for everything the fact has: what is tried here is the way to the agency.
fn permit(fact: &Fact, subjects: &[Subject]) -> Permit {
    let at = now();
    let every = || fact.attributes.iter().map(|attribute| attribute.name.clone());
    let clause = Clause {
        fact: fact.code.clone(),
        items: ["W3".into()].into(),
        roles: fact.roles.iter().map(|role| Word::from(role.name.as_str())).collect(),
        assert: Set::default(),
        disclose: every().map(Word::from).collect(),
        max_age: Duration::from_secs(86_400),
        ..sample::clause()
    };
    let agreement = Agreement {
        id: "trial".to_owned(),
        version: 1,
        consumer: "fund-centre".into(),
        provider: fact.agency.clone(),
        systems: ["approval".into()].into(),
        effective_from: Timestamp(0),
        effective_to: at.plus(Duration::from_secs(86_400)),
        quota: Quota::default(),
        clauses: vec![clause],
        ..sample::agreement()
    };
    let facts = Facts {
        rules: RULES,
        request_id: [7; 16],
        caller_sequence: 1,
        received_at: at,
        deadline: None,
        caller: CallerFacts {
            organisation: "fund-centre".into(),
            system: "approval".into(),
            certificate: [0; 32],
            standing: Registered::Registered,
        },
        fact: Some(fact.code.clone()),
        provider: Some(fact.agency.clone()),
        item: "W3".into(),
        item_version: "2026.2".to_owned(),
        case_number: "GJJ-2026-000123".to_owned(),
        replaced_material: String::new(),
        operator_unit: "hall-1".to_owned(),
        operator_present: true,
        notice: String::new(),
        consent: String::new(),
        roles: subjects
            .iter()
            .map(|subject| RoleFact {
                kind: subject.kind.name().to_owned(),
                ..sample::role(&subject.role)
            })
            .collect(),
        assertions: Vec::new(),
        disclose: every().collect(),
        max_age: None,
        defects: Vec::new(),
        quota: vec![QuotaUse { agreement: "trial".to_owned(), day: 0, second: 0, month: 0 }],
        freezes: Vec::new(),
        catalogue_digest: [0; 32],
    };
    match decide(&facts, &AgreementSet::new([Arc::new(agreement)])) {
        Decision::Permit(permit) => permit,
        Decision::Deny(denial) => panic!("{}", denial.code()),
    }
}

#[tokio::test]
async fn every_fact_of_the_catalogue_is_answered() {
    let desk = Desk::open().await;
    let facts = desk.facts();
    assert_eq!(facts.len(), 30);
    for fact in facts {
        let sample = samples::question(&fact, desk.standing.simulation.province());
        let found = desk.record(&fact, sample.subjects).await;
        let Finding::Found(expected) = sample.record else { panic!("{fact} has no sample") };
        assert_eq!(found, expected, "{fact}");
    }
}

#[tokio::test]
async fn nonsense_is_never_an_answer() {
    let desk = Desk::open().await;
    let kinds =
        [Nonsense::Html, Nonsense::Truncated, Nonsense::WrongPerson, Nonsense::MissingFields];
    for kind in kinds {
        // Two facts of each agency; an adapter whose breaker has opened would prove nothing.
        for fact in ["P1", "P2", "M1", "M2", "S1", "S6", "H2", "H3", "T1", "T3", "E1", "E3"] {
            let province = desk.standing.simulation.province();
            let sample = samples::question(fact, province);
            let agency = desk.catalogue.fact(&fact.into()).unwrap().agency.to_string();
            desk.standing.simulation.faults(&agency).set_nonsense(kind);
            match desk.ask(fact, sample.subjects).await {
                Ok(_) => panic!("{fact} was answered in spite of {kind:?}"),
                Err(failure) => assert!(
                    [Unavailable::ContractError, Unavailable::Refused, Unavailable::Unreachable]
                        .contains(&failure.reason),
                    "{fact} {kind:?}: {:?} {}",
                    failure.reason,
                    failure.detail
                ),
            }
            desk.standing.simulation.faults(&agency).clear();
        }
    }
}

#[tokio::test]
async fn marriages_are_read_by_acts_and_not_by_certificates() {
    let desk = Desk::open().await;
    let status = async |index| {
        let found = desk.record("M1", vec![desk.person("person", index)]).await;
        found["status"].clone()
    };
    let code = |text: &str| Value::Text(text.to_owned());
    assert_eq!(status(samples::DIVORCED).await, code("divorced"), "ICA after IB");
    assert_eq!(status(samples::REMARRIED).await, code("married"));
    assert_eq!(status(samples::WIDOW).await, code("married"), "deaths are not registered here");
    assert!(desk.is_not_found("M1", vec![desk.person("person", samples::TENANT)]).await);

    let married = async |one, other| {
        let subjects = vec![desk.person("person", one), desk.person("spouse", other)];
        desk.record("M2", subjects).await["married"].clone()
    };
    assert_eq!(married(samples::WIFE, samples::HUSBAND).await, Value::Truth(true), "wife first");
    assert_eq!(married(samples::DIVORCED, samples::REMARRIED).await, Value::Truth(false));
}

#[tokio::test]
async fn names_and_numbers_in_old_forms_are_recognised() {
    let desk = Desk::open().await;
    let province = desk.standing.simulation.province();
    let home = samples::property(province, "property", samples::OLD_NUMBER_HOME);
    let found = desk.record("H2", vec![home, desk.person("owner", samples::DOTTED)]).await;
    assert_eq!(found["owner_match"], Value::Truth(true), "15 digits and a full stop for the dot");
    let sold = samples::property(province, "property", samples::SOLD_HOME);
    let found = desk.record("H2", vec![sold.clone(), desk.person("owner", samples::SELLER)]).await;
    assert_eq!(found["status"], Value::Text("former".to_owned()));
    let found = desk.record("H2", vec![sold, desk.person("owner", samples::TENANT)]).await;
    assert_eq!(found["owner_match"], Value::Truth(false));

    let family =
        vec![desk.person("member", samples::DOTTED), desk.person("member", samples::TENANT)];
    assert_eq!(desk.record("H3", family.clone()).await["homes"], Value::Integer(1));
    desk.standing.simulation.faults("housing").set_cities_down(1);
    // Homes may be in the city that does not answer, so there is no answer at all.
    let failure = desk.ask("H3", family).await.err().unwrap();
    assert_eq!(failure.reason, Unavailable::Refused);

    let rare = vec![desk.person("person", samples::RARE)];
    assert_eq!(desk.record("P1", rare).await["identity_match"], Value::Truth(true));
}

/// Of a second-hand home under contract: whose it is, whose home and whose contract it counts as, and the tax not paid yet.
#[tokio::test]
async fn a_sale_under_way_is_told_as_it_stands() {
    let desk = Desk::open().await;
    let province = desk.standing.simulation.province();
    let sold = (0..province.home_count()).find(|&home| {
        let row = province.home(home).unwrap();
        row.seller().is_some_and(|seller| province.homes_of(seller).count() == 1)
            && !row.has(HomeFlag::OldNumber)
            && !province.is_taxed(home)
    });
    let sold = sold.unwrap();
    let row = province.home(sold).unwrap();
    let (seller, buyer) = (row.seller().unwrap(), row.owner);
    let home = || samples::property(province, "property", sold);
    for (person, is_owner) in [(seller, true), (buyer, false)] {
        let title = desk.record("H2", vec![home(), desk.person("owner", person)]).await;
        assert_eq!(title["owner_match"], Value::Truth(is_owner));
    }
    let homes = desk.record("H3", vec![desk.person("member", seller)]).await;
    assert_eq!((&homes["homes"], &homes["contracts"]), (&Value::Integer(1), &Value::Integer(0)));
    let tax = desk.record("T1", vec![home(), desk.person("payer", buyer)]).await;
    assert_eq!(tax["paid"], Value::Truth(false));
    assert_eq!(tax["payer_match"], Value::Truth(true));
    assert!(!tax.contains_key("paid_on"), "what is not paid has no day");
}

#[tokio::test]
async fn nobody_is_confused_with_somebody() {
    let desk = Desk::open().await;
    assert!(desk.is_not_found("P1", vec![desk.person("person", samples::FOREIGNER)]).await);
    assert!(desk.is_not_found("S3", vec![desk.person("person", samples::HUSBAND)]).await);
    let province = desk.standing.simulation.province();
    let institution = samples::employer_subject(province, "employer", samples::INSTITUTION);
    for fact in ["E1", "E2", "E4", "M4"] {
        assert!(desk.is_not_found(fact, vec![institution.clone()]).await, "{fact}");
    }
    let alive = desk.record("P2", vec![desk.person("person", samples::STALE)]).await;
    assert_eq!(alive["deceased"], Value::Truth(false), "the register lags");
    let cremated = desk.record("M3", vec![desk.person("person", samples::STALE)]).await;
    assert_eq!(cremated["cremated"], Value::Truth(true));
}
