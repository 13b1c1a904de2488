//! What a gateway that lies could write into a course: each is found by whoever reads it. A course that was run has nothing of
//! it, whatever went wrong.

use super::exhaustive::failures;
use super::items::{way, ways};
use super::*;

fn family_of_three() -> (Arc<Written>, Course) {
    let rule = rule("W3", "2026.2");
    let mut case = Case::open(Arc::clone(&rule), renting()).ok().unwrap();
    let mut index = 10;
    let conclusion = run(&mut case, |asking| {
        index += 1;
        let heard = match asking.question.as_str() {
            "marriage" => spouse(&named("乙", "19870825")),
            "household" => children(&[named("丙", "20180506")]),
            _ => answered(Verdict::Confirmed),
        };
        Heard { log_index: Some(index), ..heard }
    });
    assert_eq!(conclusion.outcome, Outcome::Ready);
    let course = case.course().clone();
    (rule, course)
}

fn answer<'a>(course: &'a mut Course, question: &str) -> &'a mut Answer {
    course.answers.iter_mut().find(|answer| answer.question == question).unwrap()
}

#[test]
fn every_course_that_was_run_is_sound() {
    for way in ways() {
        let mut kinds: Vec<Option<Heard>> = failures().into_iter().map(Some).collect();
        kinds.push(None);
        for kind in kinds {
            for from in 0..4 {
                let mut case = way.open();
                let mut asked = 0;
                run(&mut case, |asking| {
                    asked += 1;
                    match &kind {
                        Some(heard) if asked > from => heard.clone(),
                        _ => way.well(asking),
                    }
                });
                let wrong = unsound(&way.rule().rule, case.course());
                assert!(wrong.is_empty(), "{} {}: {wrong:?}", way.item, way.name);
            }
        }
    }
}

/// Its time was over, or its caller had gone, after so many answers.
#[test]
fn a_case_that_was_broken_off_is_sound_and_says_what_it_has_not_heard() {
    for way in ways() {
        for heard in 0..3 {
            let mut case = way.open();
            let mut asking = case.due();
            for _ in 0..heard.min(asking.len()) {
                let asking = asking.remove(0);
                let said = way.well(&asking);
                case.heard(asking.id, said);
            }
            asking.extend(case.due());
            let course = case.course();
            assert_eq!(course.unheard.len(), asking.len(), "{}", way.item);
            let wrong = unsound(&way.rule().rule, course);
            assert!(wrong.is_empty(), "{} {}: {wrong:?}", way.item, way.name);
            // Some questions are asked in case another does not show the same.
            let spare = ["loss", "arrears", "income_of_one"];
            let is_whole = asking.iter().all(|one| spare.contains(&one.question.as_str()));
            let outcome = case.conclude().outcome;
            assert!(is_whole || outcome != Outcome::Ready, "{} {}", way.item, way.name);
        }
    }
}

type Lie = fn(&mut Course);

#[test]
fn each_lie_about_a_family_is_found() {
    let lies: [Lie; 26] = [
        // Homes of one of three, of somebody else in their place, of nobody.
        |course| answer(course, "homes").about.truncate(1),
        |course| answer(course, "homes").about[2].position = 0,
        |course| answer(course, "homes").about[1].who = "applicant".to_owned(),
        |course| answer(course, "homes").about.clear(),
        |course| answer(course, "homes").about[0].role = "owner".to_owned(),
        // Children and a spouse who were told of, and are not known.
        |course| course.found.get_mut("children").unwrap().known = 0,
        |course| {
            course.found.get_mut("children").unwrap().known = 0;
            course.found.get_mut("family").unwrap().known = 2;
            answer(course, "homes").about.truncate(2);
        },
        |course| {
            course.found.get_mut("spouse").unwrap().known = 0;
            course.found.get_mut("couple").unwrap().known = 1;
        },
        |course| course.found.get_mut("couple").unwrap().known = 1,
        |course| course.found.get_mut("family").unwrap().known = u32::MAX,
        |course| {
            answer(course, "marriage").told.insert("spouse".to_owned(), 2);
        },
        |course| {
            answer(course, "marriage").told.insert("children".to_owned(), 1);
        },
        // Both households are the applicant's.
        |course| {
            for answer in course.answers.iter_mut().filter(|one| one.question == "household") {
                answer.about[0].position = 0;
            }
        },
        // Yes without an entry, yes with a reason for silence, silence without one.
        |course| answer(course, "homes").log_index = None,
        |course| answer(course, "homes").code = "timeout".to_owned(),
        |course| answer(course, "homes").verdict = None,
        // Nobody says so whom it tells of.
        |course| answer(course, "marriage").verdict = Some(Verdict::Refuted),
        // Questions, parties, values and papers that the rule has not, and those that it asks for.
        |course| answer(course, "homes").question = "houses".to_owned(),
        |course| course.parties.clear(),
        |course| drop(course.parties.insert("neighbour".to_owned(), Shape::default())),
        |course| course.parties.get_mut("applicant").unwrap().count = 2,
        |course| course.parties.get_mut("applicant").unwrap().documents.clear(),
        |course| course.stated.clear(),
        |course| {
            course.checked.insert("once_a_year".to_owned(), false);
        },
        |course| {
            course.checked.remove("deposits");
        },
        |course| {
            course.left_out.insert("months_in_a_row".to_owned());
        },
    ];
    for (number, lie) in lies.into_iter().enumerate() {
        let (rule, mut course) = family_of_three();
        assert!(unsound(&rule.rule, &course).is_empty());
        lie(&mut course);
        assert!(!unsound(&rule.rule, &course).is_empty(), "lie {number}");
    }
}

#[test]
fn each_lie_about_days_and_papers_is_found() {
    let lies: [Lie; 7] = [
        |course| course.submitted_on = "some day".to_owned(),
        |course| course.submitted_on = "2026-10-12[x=11010519491231002X]".to_owned(),
        |course| paper(course).issuer = "bank".to_owned(),
        |course| paper(course).issued_on = jiff::civil::date(2026, 10, 13),
        |course| {
            let paper = course.evidence.remove("single_declaration").unwrap();
            course.evidence.insert("promise".to_owned(), paper);
        },
        // A spouse who is declared, of whom the register knows nothing, is no member.
        |course| course.found.get_mut("spouse").unwrap().known = 1,
        |course| course.found.get_mut("spouse").unwrap().differs = true,
    ];
    for (number, lie) in lies.into_iter().enumerate() {
        let way = way("W3", "single now");
        let mut case = way.open();
        run(&mut case, |asking| way.well(asking));
        let mut course = case.course().clone();
        assert!(unsound(&way.rule().rule, &course).is_empty());
        lie(&mut course);
        assert!(!unsound(&way.rule().rule, &course).is_empty(), "lie {number}");
    }
}

fn paper(course: &mut Course) -> &mut Attached {
    course.evidence.get_mut("single_declaration").unwrap()
}

#[test]
fn a_declared_spouse_who_differs_is_not_said_to_agree() {
    let mut application = renting();
    application.parties.insert("declared_spouse".to_owned(), vec![person("戊", "19900101")]);
    let mut case = Case::open(rule("W3", "2026.2"), application).ok().unwrap();
    let conclusion = run(&mut case, |asking| match asking.question.as_str() {
        "marriage" => spouse(&named("乙", "19870825")),
        "household" => children(&[]),
        _ => answered(Verdict::Confirmed),
    });
    // One register tells of one spouse, another confirms the other.
    assert_eq!(conclusion.outcome, Outcome::NeedsCounter);
    assert!(why(&conclusion).contains(&("family_known".to_owned(), "conflict")));
    let mut course = case.course().clone();
    let rule = rule("W3", "2026.2");
    assert!(unsound(&rule.rule, &course).is_empty());
    course.found.get_mut("spouse").unwrap().differs = false;
    assert_eq!(unsound(&rule.rule, &course).len(), 1);
}

#[test]
fn whoever_is_named_twice_is_one() {
    let mut application = renting();
    let child = person("丙", "20180506");
    application.parties.insert("declared_child".to_owned(), vec![child.clone(), child]);
    let mut case = Case::open(rule("W3", "2026.2"), application).ok().unwrap();
    run(&mut case, |asking| match asking.question.as_str() {
        "household" => children(&[]),
        _ => answered(Verdict::NotFound),
    });
    assert_eq!(case.course().parties["declared_child"].count, 1);
    assert!(unsound(&rule("W3", "2026.2").rule, case.course()).is_empty());
}

#[test]
fn nobody_reckons_with_as_many_as_a_course_says() {
    let (rule, mut course) = family_of_three();
    let children = rule.rule.questions.iter().find(|question| question.each.is_some()).unwrap();
    let who = children.about[children.each.as_ref().unwrap()].clone();
    for shape in course.parties.values_mut() {
        shape.count = 50_000;
    }
    for told in course.found.values_mut() {
        told.known = 50_000;
    }
    assert!(course.parties.contains_key(&who) || course.found.contains_key(&who));
    for question in &rule.rule.questions {
        let places = places(&rule.rule, &course, question);
        let most = places.iter().map(Vec::len).max().unwrap_or(0);
        assert!(places.len() <= 1024 && most <= 8 * 1024, "{}", question.name);
    }
    assert!(!unsound(&rule.rule, &course).is_empty());
}
