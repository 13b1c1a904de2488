//! 租房提取: marriage yields the spouse, the household the children, and everyone is asked about homes.

use super::*;

fn open(application: Application) -> Case {
    Case::open(rule("W3", "2026.2"), application).unwrap_or_else(|flaws| panic!("{flaws:?}"))
}

#[test]
fn what_hangs_on_nothing_goes_out_together() {
    let mut case = open(renting());
    let asked: Vec<String> = case.due().into_iter().map(|asking| asking.question).collect();
    assert_eq!(asked, ["identity", "marriage"]);
    assert!(case.due().is_empty());
    assert_eq!(case.running(), ["identity", "marriage"]);
}

#[test]
fn marriage_yields_the_spouse_and_the_household_the_children_and_all_are_asked_about_homes() {
    let (wife, child) = (named("乙", "19870825"), named("丙", "20180506"));
    let grown = named("丁", "20070101");
    let mut case = open(renting());
    let mut asked = Vec::new();
    let conclusion = run(&mut case, |asking| {
        asked.push((asking.question.clone(), asking.subjects.len()));
        match asking.question.as_str() {
            "marriage" => spouse(&wife),
            "household" => children(&[child.clone(), grown.clone()]),
            _ => answered(Verdict::Confirmed),
        }
    });
    assert_eq!(conclusion.outcome, Outcome::Ready, "{:?}", why(&conclusion));
    let asked: Vec<(&str, usize)> =
        asked.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(
        asked,
        [("identity", 1), ("marriage", 1), ("household", 1), ("household", 1), ("homes", 3)]
    );
    let homes = case.course().answers.iter().find(|answer| answer.question == "homes").unwrap();
    let checked: Vec<Option<String>> = homes
        .about
        .iter()
        .map(|about| match case.subject(about) {
            Some(SubjectKind::Person(person)) => Some(person.document_number.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(checked, [Some(number("19850312", 1)), Some(wife.number), Some(child.number)]);
}

#[test]
fn the_same_answers_make_the_same_family_whichever_came_first() {
    let members = |husband_first: bool| {
        let mut case = open(renting());
        for asking in case.due() {
            let heard = match asking.question.as_str() {
                "marriage" => spouse(&named("乙", "19870825")),
                _ => answered(Verdict::Confirmed),
            };
            case.heard(asking.id, heard);
        }
        let mut books = case.due();
        assert_eq!(books.len(), 2);
        let told =
            |entry: u64| Heard { log_index: Some(entry), ..children(&[named("丙", "20180506")]) };
        let entries = BTreeMap::from([(books[0].id, 40), (books[1].id, 41)]);
        if !husband_first {
            books.reverse();
        }
        for asking in books {
            case.heard(asking.id, told(entries[&asking.id]));
        }
        let homes = case.due().remove(0);
        let related = homes.subjects.iter().map(|(_, related)| related.unwrap().shown_by);
        related.collect::<Vec<_>>()
    };
    assert_eq!(members(true), [0, 7, 40]);
    assert_eq!(members(true), members(false));
}

#[test]
fn no_record_of_a_marriage_is_not_single_without_a_declaration() {
    let hear = |asking: &Asking| match asking.question.as_str() {
        "marriage" => answered(Verdict::NotFound),
        "household" => children(&[]),
        _ => answered(Verdict::Confirmed),
    };
    let conclusion = run(&mut open(renting()), hear);
    assert_eq!(conclusion.outcome, Outcome::NeedsCounter);
    assert_eq!(
        why(&conclusion),
        [
            ("family_known".to_owned(), "family_incomplete"),
            ("no_home".to_owned(), "family_incomplete")
        ]
    );
    let mut application = renting();
    declared_single(&mut application);
    assert_eq!(run(&mut open(application), hear).outcome, Outcome::Ready);
}

/// A household book may have nobody left in it, while the child stands in another.
#[test]
fn a_household_of_nobody_says_nothing_of_children() {
    let mut application = renting();
    declared_single(&mut application);
    let conclusion = run(&mut open(application), |asking| match asking.question.as_str() {
        "marriage" => answered(Verdict::NotFound),
        "household" => answered(Verdict::Refuted),
        _ => answered(Verdict::Confirmed),
    });
    assert_eq!(conclusion.outcome, Outcome::NeedsCounter);
    let expected = ("family_known".to_owned(), "family_incomplete");
    assert!(why(&conclusion).contains(&expected), "{:?}", why(&conclusion));
}

/// The papers of a visit are of the day of the visit, and must be fresh on the day on which the case runs.
#[test]
fn evidence_is_as_old_as_it_is_on_the_day_of_the_run() {
    let hear = |asking: &Asking| match asking.question.as_str() {
        "marriage" => answered(Verdict::NotFound),
        "household" => children(&[]),
        _ => answered(Verdict::Confirmed),
    };
    let outcome = |issued: i8, run: i8| {
        let mut application = renting();
        declared_single(&mut application);
        application.run_on = jiff::civil::date(2026, 11, run);
        let declaration = application.evidence.get_mut("single_declaration").unwrap();
        declaration.issued_on = jiff::civil::date(2026, 11, issued);
        Case::open(rule("W3", "2026.2"), application).map(|mut case| run_to_end(&mut case, hear))
    };
    assert_eq!(outcome(20, 20).ok(), Some(Outcome::Ready));
    assert_eq!(outcome(21, 20).err().map(|flaws| flaws[0].check), Some("date"));
    // Fresh for 30 days: of 12 October, on 11 and 12 November.
    let old = |run: i8| {
        let mut application = renting();
        declared_single(&mut application);
        application.run_on = jiff::civil::date(2026, 11, run);
        run_to_end(&mut open(application), hear)
    };
    assert_eq!((old(11), old(12)), (Outcome::Ready, Outcome::NeedsCounter));
}

fn run_to_end(case: &mut Case, hear: impl FnMut(&Asking) -> Heard) -> Outcome {
    run(case, hear).outcome
}

#[test]
fn another_spouse_than_the_declared_one_is_for_a_person_and_both_are_asked_about() {
    let mut application = renting();
    application.parties.insert("declared_spouse".to_owned(), vec![person("戊", "19900101")]);
    let mut members = 0;
    let conclusion = run(&mut open(application), |asking| match asking.question.as_str() {
        "marriage" => spouse(&named("乙", "19870825")),
        "couple" => answered(Verdict::Refuted),
        "household" => children(&[]),
        "homes" => {
            members = asking.subjects.len();
            answered(Verdict::Confirmed)
        }
        _ => answered(Verdict::Confirmed),
    });
    assert_eq!((conclusion.outcome, members), (Outcome::NeedsCounter, 3));
    assert!(why(&conclusion).contains(&("family_known".to_owned(), "family_incomplete")));
}

#[test]
fn a_home_of_anyone_known_refutes_even_when_the_family_is_not_known_whole() {
    let conclusion = run(&mut open(renting()), |asking| match asking.question.as_str() {
        "marriage" => Heard { code: "timeout".to_owned(), ..answered(Verdict::Unavailable) },
        "homes" => answered(Verdict::Refuted),
        "household" => children(&[]),
        _ => answered(Verdict::Confirmed),
    });
    assert_eq!(conclusion.outcome, Outcome::Refuted);
}

#[test]
fn the_ledger_of_the_centre_refutes() {
    let mut application = renting();
    application.given.insert("months_in_a_row".to_owned(), Value::Integer(2));
    declared_single(&mut application);
    let conclusion = run(&mut open(application), |asking| match asking.question.as_str() {
        "household" => children(&[]),
        "marriage" => answered(Verdict::NotFound),
        _ => answered(Verdict::Confirmed),
    });
    assert_eq!(conclusion.outcome, Outcome::Refuted);
    assert_eq!(why(&conclusion), [("deposits".to_owned(), "refuted")]);
}

#[test]
fn an_application_that_the_rule_does_not_take_is_named_field_by_field() {
    let mut application = renting();
    application.parties.insert("neighbour".to_owned(), vec![person("己", "19900101")]);
    application.parties.remove("applicant");
    application.given.insert("months_in_a_row".to_owned(), Value::Truth(true));
    let flaws = match Case::open(rule("W3", "2026.2"), application) {
        Ok(_) => panic!("it was taken"),
        Err(flaws) => flaws,
    };
    let flaws: Vec<(&str, &str)> =
        flaws.iter().map(|flaw| (flaw.field.as_str(), flaw.check)).collect();
    assert_eq!(
        flaws,
        [
            ("parties.applicant", "missing"),
            ("parties.neighbour", "unknown"),
            ("given.months_in_a_row", "value_type")
        ]
    );
}
