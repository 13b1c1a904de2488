//! The fixtures of the samples: every outcome and every way of every manifest is shown, and what was recorded of the simulated
//! agencies can be recorded again.
//!
//! `UPDATE=1 cargo test --test it renewed` records them anew in `config-example/adapters/`. A fixture that stands in
//! [`RECORDED`] is replaced; those that are `like` one of them, and all remarks, stay as they are: where they name a number
//! that was invented, it is to be put in step by hand.

use std::path::{Path, PathBuf};

use heyan::adapters::rehearse;
use heyan::adapters::workbench::{Target, Workbench};
use heyan::catalogue::Catalogue;
use heyan::clock::now;
use heyan::query::subject::{
    Document, Employer, IdentityDocument, Person, Property, Subject, SubjectKind,
};
use heyan::query::time::Timestamp;
use heyan::simulate::province::{Province, Relation, Trait};
use heyan::simulate::samples::{self, employer_subject, person};

use crate::support::{ALL, Lab, PATIENCE};
use crate::workbench::query;

const DAY: i64 = 86_400;
/// How far China is ahead of UTC, seconds.
const CHINA: i64 = 8 * 3_600;
/// Nine in the morning, seconds after midnight.
const MORNING: i64 = 9 * 3_600;

/// About whom a recording asks.
#[derive(Clone, Copy)]
enum About {
    /// Those of the sample question.
    Sample,
    /// The sample question's, its first subject alone.
    Alone,
    /// People of the province, in the order of the roles.
    People(&'static [(&'static str, u32)]),
    /// An employer of the province.
    Employer(u32),
    /// The head of a book in which two children live, and nobody else but a spouse.
    ParentOfTwo,
    /// Somebody who draws no allowance this month and did before.
    Refused,
    /// The sample question's, the home by its certificate alone.
    ByCertificate,
    /// The sample question's, each one nobody's.
    Nobody,
}

/// Fact, name of the fixture, about whom, and what must come of it.
const RECORDED: &[(&str, &str, About, &str)] = &[
    ("P3", "with a relative", About::Sample, "found"),
    ("P3", "alone, renamed", About::People(&[("person", samples::RENAMED)]), "found"),
    ("P3", "two children", About::ParentOfTwo, "found"),
    ("P3", "a child of the head", About::People(&[("person", samples::CHILD)]), "found"),
    ("P3", "a parent of the head", About::People(&[("person", samples::GRANDMOTHER)]), "found"),
    ("P3", "nobody", About::Nobody, "not_found"),
    ("P4", "registered", About::Sample, "found"),
    ("P4", "settled abroad", About::People(&[("person", samples::ABROAD)]), "found"),
    ("P4", "nobody", About::Nobody, "not_found"),
    ("M1", "a husband", About::Sample, "found"),
    ("M1", "a wife", About::People(&[("person", samples::WIFE)]), "found"),
    (
        "M1",
        "divorced, certificate reissued",
        About::People(&[("person", samples::DIVORCED)]),
        "found",
    ),
    ("M1", "nobody", About::Nobody, "not_found"),
    ("M2", "married", About::Sample, "found"),
    (
        "M2",
        "married, the wife first",
        About::People(&[("person", samples::WIFE), ("spouse", samples::HUSBAND)]),
        "found",
    ),
    (
        "M2",
        "once married",
        About::People(&[("person", samples::REMARRIED), ("spouse", samples::DIVORCED)]),
        "found",
    ),
    ("M2", "nobody", About::Nobody, "not_found"),
    ("M3", "cremated", About::Sample, "found"),
    ("M3", "not cremated", About::People(&[("person", samples::HUSBAND)]), "not_found"),
    ("M4", "a private school", About::Sample, "found"),
    ("M4", "a revoked foundation", About::Employer(10), "found"),
    ("M4", "an enterprise", About::Employer(samples::ACTIVE_ENTERPRISE), "not_found"),
    ("M5", "receiving", About::Sample, "found"),
    ("M5", "no longer receiving", About::Refused, "found"),
    ("M5", "never", About::People(&[("person", samples::HUSBAND)]), "not_found"),
    ("S1", "with an employer", About::Sample, "found"),
    ("S1", "without an employer", About::Alone, "found"),
    ("S1", "nobody", About::Nobody, "not_found"),
    ("S2", "paying", About::Sample, "found"),
    ("S2", "nobody", About::Nobody, "not_found"),
    ("S3", "a pensioner", About::Sample, "found"),
    ("S3", "nobody", About::Nobody, "not_found"),
    ("S4", "assessed", About::Sample, "found"),
    ("S4", "nobody", About::Nobody, "not_found"),
    ("S5", "left this employer", About::Sample, "found"),
    ("S5", "without an employer", About::People(&[("person", samples::HUSBAND)]), "found"),
    ("S5", "nobody", About::Nobody, "not_found"),
    ("S6", "paying", About::Sample, "found"),
    ("S6", "no such employer", About::Nobody, "not_found"),
    ("H1", "filed", About::Sample, "found"),
    ("H1", "no such contract", About::Nobody, "not_found"),
    ("H2", "an owner", About::Sample, "found"),
    ("H2", "by certificate", About::ByCertificate, "found"),
    ("H2", "no such home", About::Nobody, "not_found"),
    ("H3", "a tenant", About::Sample, "found"),
    (
        "H3",
        "a couple with a home",
        About::People(&[("member", samples::HUSBAND), ("member", samples::WIFE)]),
        "found",
    ),
    ("H4", "mortgaged", About::Sample, "found"),
    ("H4", "by certificate", About::ByCertificate, "found"),
    ("H4", "no such home", About::Nobody, "not_found"),
    ("H5", "valid", About::Sample, "found"),
    ("H5", "no such permit", About::Nobody, "not_found"),
    ("H6", "a house in a village", About::Sample, "found"),
    ("H6", "no such permit", About::Nobody, "not_found"),
    ("H7", "let", About::Sample, "found"),
    ("H7", "no such lease", About::Nobody, "not_found"),
    ("T1", "paid", About::Sample, "found"),
    ("T1", "no such home", About::Nobody, "not_found"),
    ("T2", "genuine", About::Sample, "found"),
    ("T2", "no such invoice", About::Nobody, "not_found"),
    ("T3", "declared", About::Sample, "found"),
    ("T3", "nobody", About::Nobody, "not_found"),
    ("T4", "in good standing", About::Sample, "found"),
    ("T4", "no such employer", About::Nobody, "not_found"),
    ("E1", "an enterprise", About::Sample, "found"),
    ("E1", "an institution", About::Employer(samples::INSTITUTION), "not_found"),
    ("E2", "active", About::Sample, "found"),
    ("E2", "an institution", About::Employer(samples::INSTITUTION), "not_found"),
    ("E3", "the representative", About::Sample, "found"),
    ("E3", "nobody", About::Nobody, "not_found"),
    ("E4", "twelve changes", About::Sample, "found"),
    ("E4", "an institution", About::Employer(samples::INSTITUTION), "not_found"),
    ("E4", "deregistered", About::Employer(samples::DEREGISTERED_ENTERPRISE), "found"),
];

impl About {
    fn subjects(self, fact: &str, province: &Province) -> Vec<Subject> {
        let mut sample = samples::question(fact, province).subjects;
        match self {
            Self::Sample => sample,
            Self::Alone => {
                sample.truncate(1);
                sample
            }
            Self::ByCertificate => {
                for subject in &mut sample {
                    if let SubjectKind::Property(home) = &mut subject.kind {
                        home.unit_number.clear();
                    }
                }
                sample
            }
            Self::People(people) => {
                people.iter().map(|(role, index)| person(province, role, *index)).collect()
            }
            Self::Employer(index) => vec![employer_subject(province, "employer", index)],
            Self::ParentOfTwo => {
                let index = (0..province.population())
                    .find(|index| is_parent_of_two(province, *index))
                    .unwrap();
                vec![person(province, "person", index)]
            }
            Self::Refused => {
                let index = (0..province.population())
                    .find(|index| province.relief(*index) == Some(false))
                    .unwrap();
                vec![person(province, "person", index)]
            }
            Self::Nobody => {
                sample.iter_mut().for_each(|subject| subject.kind = nobody(&subject.kind));
                sample
            }
        }
    }
}

fn is_parent_of_two(province: &Province, index: u32) -> bool {
    let head = province.person(index).filter(|person| person.relation == Relation::Head);
    let Some(head) = head.filter(|person| !person.has(Trait::Foreigner)) else { return false };
    let members: Vec<_> = province.household(head).filter_map(|one| province.person(one)).collect();
    let children = members.iter().filter(|one| one.relation == Relation::Child).count();
    children == 2 && members.len() == 4 && members.iter().all(|one| !one.has(Trait::Dead))
}

/// One of the same kind whom no agency knows.
fn nobody(kind: &SubjectKind) -> SubjectKind {
    match kind {
        SubjectKind::Person(_) => SubjectKind::Person(Person {
            document_type: IdentityDocument::CitizenId,
            document_number: "430000188001010014".to_owned(),
            name: "张三".to_owned(),
        }),
        SubjectKind::Employer(_) => SubjectKind::Employer(Employer {
            uscc: "12430000000000027P".to_owned(),
            name: "湖南省湘江图书馆".to_owned(),
        }),
        SubjectKind::Property(_) => SubjectKind::Property(Property {
            unit_number: "430100000000GB00000F00000001".to_owned(),
            ..Property::default()
        }),
        SubjectKind::Document(_) => SubjectKind::Document(Document {
            number: "TEST-0001".to_owned(),
            ..Document::default()
        }),
    }
}

fn samples_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config-example/adapters")
}

/// What is wrong with the fixtures of the six manifests in a folder: what fails, what is missing, what is never gone through.
fn wrong(folder: &Path, catalogue: &Catalogue) -> Vec<String> {
    let mut wrong = Vec::new();
    for agency in ALL {
        let rehearsals = rehearse(&folder.join(format!("{agency}.toml")), catalogue);
        assert_eq!(rehearsals.len(), 1, "{agency}");
        for rehearsal in rehearsals {
            if !rehearsal.has_fixtures {
                wrong.push(format!("{agency}: there are no fixtures"));
            }
            wrong.extend(rehearsal.findings().iter().map(ToString::to_string));
            wrong.extend(rehearsal.missing.iter().map(ToString::to_string));
            wrong.extend(rehearsal.bare.iter().map(|fact| format!("{fact}: no fixtures")));
            let missed = rehearsal.coverage.map(|coverage| coverage.missed).unwrap_or_default();
            wrong.extend(
                missed
                    .iter()
                    .map(|one| format!("{agency}.toml:{} {}: {}", one.line, one.key, one.what)),
            );
        }
    }
    wrong
}

#[test]
fn the_samples_show_every_outcome_and_go_every_way() {
    let catalogue = samples_folder().parent().unwrap().join("catalogue");
    let catalogue = Catalogue::load(&catalogue).ok().unwrap();
    let wrong = wrong(&samples_folder(), &catalogue);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_can_be_recorded_again() {
    let lab = Lab::prepare(&[]).await;
    // The same hour in every recording, of the day it is in China: what was loaded last night is older than that.
    let real = i64::try_from(now().seconds()).unwrap();
    let morning = (real + CHINA) / DAY * DAY + MORNING - CHINA;
    lab.simulation.clock().move_to((morning - real) * 1000);
    let at = Timestamp::from_seconds(u64::try_from(morning).unwrap());
    let is_update = std::env::var_os("UPDATE").is_some();
    let mut problems = Vec::new();
    for (fact, name, about, outcome) in RECORDED.iter().copied() {
        let known = lab.catalogue.fact(&fact.into()).unwrap();
        let manifest = lab.path(format!("adapters/{}.toml", known.agency));
        let folder = if is_update { samples_folder() } else { lab.path("adapters") };
        let into = folder.join(known.agency.as_str());
        let bench = Workbench::open(&manifest, &lab.catalogue).ok().unwrap();
        let granted = known.attributes.iter().map(|attribute| attribute.name.clone()).collect();
        let question = query(fact, about.subjects(fact, lab.simulation.province()));
        let target = Target { into, name: name.to_owned(), replace: true };
        // The program in front of the tax authority has the machine's clock.
        let soon = Timestamp::from_seconds(now().seconds() + 1);
        let at = if known.agency.as_str() == "tax" { soon } else { at };
        match bench.record(&question, &granted, at, PATIENCE, &target).await {
            Ok(recorded) if recorded.outcome == outcome => {}
            Ok(recorded) => problems.push(format!("{fact} {name}: {}", recorded.outcome)),
            Err(error) => problems.push(format!("{fact} {name}: {error}")),
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
    if !is_update {
        // By themselves: numbers are invented anew in every recording, and fixtures written by hand name those of theirs.
        let mut wrong = Vec::new();
        for agency in ALL {
            let manifest = lab.path(format!("adapters/{agency}.toml"));
            for rehearsal in rehearse(&manifest, &lab.catalogue) {
                wrong.extend(rehearsal.findings().iter().map(ToString::to_string));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
