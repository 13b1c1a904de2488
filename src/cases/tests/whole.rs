//! A group is whole when everybody who could tell of its members has: told by a rule that is bent so that nothing else hides it.

use super::family::{Member, is_younger};
use super::*;

/// The rule of renting, in which `from` stands as `to`.
fn bent(from: &str, to: &str) -> Arc<Written> {
    let text = rule("W3", "2026.2").text.replacen(from, to, 1);
    assert_ne!(text, *rule("W3", "2026.2").text, "the rule has no `{from}`");
    Arc::new(Written::from_text(&text).unwrap_or_else(|findings| panic!("{findings:?}")))
}

/// Children are found in the households of both: with one of the two unknown, their list is no list of all.
#[test]
fn children_are_not_known_whole_while_a_parent_is_not() {
    let rule = bent("complete = \"family\"", "complete = \"children\"");
    let known = |marriage: Heard| {
        let mut case = Case::open(Arc::clone(&rule), renting()).ok().unwrap();
        let conclusion = run(&mut case, |asking| match asking.question.as_str() {
            "marriage" => marriage.clone(),
            "household" => children(&[]),
            _ => answered(Verdict::Confirmed),
        });
        conclusion.needs.into_iter().find(|need| need.name == "family_known").unwrap().state
    };
    assert_eq!(known(spouse(&named("乙", "19870825"))), State::Met);
    assert_eq!(
        known(Heard { code: "timeout".to_owned(), ..answered(Verdict::Unavailable) }),
        State::Open
    );
}

/// Where the agreement withholds names, a register shows only whom the application has declared.
#[test]
fn nobody_is_shown_who_was_not_declared() {
    let rule = bent("shown_by = \"couple\"", "shown_by = \"identity\"");
    let outcome = |application: Application| {
        let mut case = Case::open(Arc::clone(&rule), application).ok().unwrap();
        run(&mut case, |asking| match asking.question.as_str() {
            "household" => children(&[]),
            _ => answered(Verdict::Confirmed),
        })
        .outcome
    };
    let mut declared = renting();
    declared.parties.insert("declared_spouse".to_owned(), vec![person("乙", "19870825")]);
    assert_eq!(outcome(declared), Outcome::Ready);
    assert_eq!(outcome(renting()), Outcome::NeedsCounter);
}

/// Whoever's age nothing tells may be a child: homes are asked about them too.
#[test]
fn whose_age_is_not_known_is_not_left_out() {
    let on = jiff::civil::date(2026, 10, 12);
    let is_young = |document_type, document_number: &str| {
        let (document_number, name) = (document_number.to_owned(), "丙".to_owned());
        let person = Person { document_type, document_number, name };
        is_younger(&Member { subject: SubjectKind::Person(person), related: None }, 18, on)
    };
    assert!(!is_young(IdentityDocument::CitizenId, &number("19850312", 1)));
    assert!(is_young(IdentityDocument::ResidencePermit, "H0000001"));
    assert!(is_young(IdentityDocument::CitizenId, "430000000000000000"));
    assert!(is_young(IdentityDocument::Passport, &number("19850312", 1)));
}

/// A register that pads its names has no other people in it.
#[test]
fn names_are_told_without_their_padding() {
    let mut names = Vec::new();
    let mut case = Case::open(rule("W3", "2026.2"), renting()).ok().unwrap();
    run(&mut case, |asking| match asking.question.as_str() {
        "marriage" => spouse(&named(" 乙\u{3000}", "19870825")),
        "household" => children(&[]),
        _ => {
            for (subject, _) in &asking.subjects {
                if let (SubjectKind::Person(person), "homes") =
                    (&subject.kind, asking.question.as_str())
                {
                    names.push(person.name.clone());
                }
            }
            answered(Verdict::Confirmed)
        }
    });
    assert_eq!(names, ["甲", "乙"]);
}

/// What is asked of several is known when it is known of each: one yes beside a silence is no yes.
#[test]
fn a_yes_of_one_and_silence_of_another_is_no_yes() {
    let asks_after =
        "fact      = \"H3\"\nwhen      = [{ question = \"household\", is = [\"CONFIRMED\"] }]";
    let rule = bent("fact      = \"H3\"", asks_after);
    let ends = |spouses_book: Heard| {
        let mut case = Case::open(Arc::clone(&rule), renting()).ok().unwrap();
        let conclusion = run(&mut case, |asking| match asking.question.as_str() {
            "marriage" => spouse(&named("乙", "19870825")),
            "household" if asking.about[0].position == 0 => children(&[]),
            "household" => spouses_book.clone(),
            _ => answered(Verdict::Confirmed),
        });
        why(&conclusion).into_iter().filter(|(need, _)| need == "no_home").collect::<Vec<_>>()
    };
    assert_eq!(ends(children(&[])), []);
    let silence = Heard { code: "timeout".to_owned(), ..answered(Verdict::Unavailable) };
    assert_eq!(ends(silence), [("no_home".to_owned(), "waits")]);
}

/// A grown-up child in the book is none of the group, and an auditor counts alike.
#[test]
fn who_is_too_old_is_not_counted_either() {
    let rule = rule("W3", "2026.2");
    let mut case = Case::open(Arc::clone(&rule), renting()).ok().unwrap();
    run(&mut case, |asking| match asking.question.as_str() {
        "marriage" => spouse(&named("乙", "19870825")),
        "household" => children(&[named("丁", "20010203")]),
        _ => answered(Verdict::Confirmed),
    });
    assert_eq!(case.course().found["children"].known, 0);
    assert_eq!(unsound(&rule.rule, case.course()), Vec::<String>::new());
}
