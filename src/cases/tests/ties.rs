//! Contract, permit and home are of one purchase: what the application names is held against the contract's record.

use super::items::{Way, way};
use super::*;
use crate::query::value::{Assertion, Comparison};

/// What a question of the way asserts; `None` where it is not asked.
fn asserted(way: &Way, application: Application, question: &str) -> Option<Vec<Assertion>> {
    let mut case = Case::open(way.rule(), application).ok().unwrap();
    let mut seen = None;
    run(&mut case, |asking| {
        if asking.question == question {
            seen = Some(asking.assertions.clone());
        }
        way.well(asking)
    });
    seen
}

fn equal(attribute: &str, text: &str) -> Vec<Assertion> {
    let values = vec![Value::Text(text.to_owned())];
    vec![Assertion { attribute: attribute.to_owned(), comparison: Comparison::Eq, values }]
}

#[test]
fn the_permit_and_the_home_that_are_named_are_those_that_are_asked_for() {
    for item in ["L1", "L4"] {
        let way = way(item, "couple");
        let said = asserted(&way, way.application.clone(), "same_project");
        assert_eq!(said, Some(equal("permit_number", "2026-permit")), "{item}");
    }
    let way = way("L2", "couple");
    let said = asserted(&way, way.application.clone(), "same_home");
    assert_eq!(said, Some(equal("unit_number", "430102001005GB00012F00010203")));
}

/// A home by its certificate alone has no number that the contract could have: that is for a person, and is said so.
#[test]
fn a_home_without_its_number_is_not_taken_for_that_of_the_contract() {
    let way = way("L2", "couple");
    let mut application = way.application.clone();
    for subject in application.parties.get_mut("property").unwrap() {
        let SubjectKind::Property(property) = subject else { panic!("it is a home") };
        property.unit_number.clear();
        "湘(2026)长沙市不动产权第0000001号".clone_into(&mut property.certificate_number);
    }
    assert_eq!(asserted(&way, application.clone(), "same_home"), None);
    let mut case = Case::open(way.rule(), application).ok().unwrap();
    let conclusion = run(&mut case, |asking| way.well(asking));
    assert_eq!(conclusion.outcome, Outcome::NeedsCounter);
    assert_eq!(why(&conclusion), [("same_home".to_owned(), "not_stated")]);
    let home = conclusion.needs.iter().find(|need| need.name == "same_home").unwrap();
    assert_eq!(home.missing[0].of, "property");
    // Where the time was over, nobody says that it was not stated.
    case.run_out();
    assert_eq!(why(&case.conclude()), [("same_home".to_owned(), "waits")]);
}

/// A rule that holds a number against a record without asking whether it is there.
#[test]
fn a_paper_that_is_not_named_is_missed() {
    let way = way("L1", "couple");
    let guarded =
        "values = [{ number_of = \"permit\" }] }]\nwhen          = [{ party = \"permit\" }]";
    let text = way.rule().text.replace(guarded, "values = [{ number_of = \"permit\" }] }]");
    assert_ne!(text, *way.rule().text);
    let written = Arc::new(Written::from_text(&text).unwrap());
    let mut application = way.application.clone();
    application.parties.remove("permit");
    let mut case = Case::open(Arc::clone(&written), application).ok().unwrap();
    let conclusion = run(&mut case, |asking| way.well(asking));
    assert_eq!(conclusion.outcome, Outcome::NeedsCounter);
    assert!(why(&conclusion).contains(&("same_project".to_owned(), "not_named")));
    assert_eq!(unsound(&written.rule, case.course()), Vec::<String>::new());
    // Nobody can have asked for the number of what was not named.
    let about = |(role, who): (&str, &str)| About {
        role: role.to_owned(),
        who: who.to_owned(),
        position: 0,
    };
    let mut forged = case.course().clone();
    forged.answers.push(Answer {
        question: "same_project".to_owned(),
        about: [("buyer", "applicant"), ("contract", "contract")].map(about).into(),
        verdict: Some(Verdict::Confirmed),
        code: String::new(),
        log_index: Some(7),
        unchecked: false,
        told: BTreeMap::new(),
    });
    assert_eq!(
        unsound(&written.rule, &forged),
        ["`same_project` needs a value that is not stated"]
    );
}
