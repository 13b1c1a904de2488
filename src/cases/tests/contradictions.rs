//! What looks like "nobody" and is not, and what contradicts itself: never READY.

use super::items::{Way, ways};
use super::*;
use crate::query::subject::Employer;

fn renter(application: Application, hear: impl Fn(&Asking) -> Heard) -> Conclusion {
    let mut case = Case::open(rule("W3", "2026.2"), application).ok().unwrap();
    run(&mut case, |asking| hear(asking))
}

/// A book without members (cancelled, in the army) says nothing about children.
#[test]
fn a_household_of_nobody_is_not_a_family_without_children() {
    let mut application = renting();
    declared_single(&mut application);
    let conclusion = renter(application, |asking| match asking.question.as_str() {
        "marriage" => answered(Verdict::NotFound),
        "household" => answered(Verdict::Refuted),
        _ => answered(Verdict::Confirmed),
    });
    assert_eq!(conclusion.outcome, Outcome::NeedsCounter);
    assert!(why(&conclusion).contains(&("family_known".to_owned(), "family_incomplete")));
}

/// One register knows of no marriage, another confirms the declared one.
#[test]
fn registers_that_contradict_each_other_are_for_a_person() {
    for marriage in [Verdict::Refuted, Verdict::NotFound] {
        for declares_single in [false, true] {
            let mut application = renting();
            let spouse = vec![person("戊", "19900101")];
            application.parties.insert("declared_spouse".to_owned(), spouse);
            if declares_single {
                declared_single(&mut application);
            }
            let conclusion = renter(application, |asking| match asking.question.as_str() {
                "marriage" => answered(marriage),
                "household" => children(&[]),
                _ => answered(Verdict::Confirmed),
            });
            assert_eq!(conclusion.outcome, Outcome::NeedsCounter);
            assert!(why(&conclusion).contains(&("family_known".to_owned(), "conflict")));
        }
    }
}

const EMPLOYERS: &str = r#"
item = "X"
version = "1"
legal_basis = ["a"]
[[party]]
name = "employer"
title_zh = "单位"
kind = "employer"
many = true
[[question]]
name = "enterprise"
fact = "E2"
about = { employer = "employer" }
each = "employer"
when = [{ party = "employer", registrar = ["market-regulation"] }]
fresh_for = "7d"
[[question]]
name = "organisation"
fact = "M4"
about = { employer = "employer" }
each = "employer"
when = [{ party = "employer", registrar = ["civil-affairs"] }]
fresh_for = "7d"
[[need]]
name = "a"
title = "a"
title_zh = "a"
question = "enterprise"
[[need]]
name = "b"
title = "b"
title_zh = "b"
question = "organisation"
"#;

/// A question is for those whom it fits: of a mixed party nobody can say that it is for none of them.
#[test]
fn a_party_of_which_only_some_fit_does_not_fall_away() {
    let employer = |uscc: &str| {
        SubjectKind::Employer(Employer { uscc: uscc.to_owned(), name: "x".to_owned() })
    };
    let conclude = |uscc: &[&str]| {
        let application = Application {
            submitted_on: jiff::civil::date(2026, 10, 12),
            parties: BTreeMap::from([(
                "employer".to_owned(),
                uscc.iter().map(|uscc| employer(uscc)).collect(),
            )]),
            given: BTreeMap::new(),
            evidence: BTreeMap::new(),
        };
        let written = Arc::new(Written::from_text(EMPLOYERS).unwrap());
        let mut case = Case::open(written, application).ok().unwrap();
        let outcome = run(&mut case, |_| answered(Verdict::Confirmed)).outcome;
        (outcome, case.course().answers.len())
    };
    let (enterprise, another) = ("91430000000000027J", "91430000000000019P");
    assert_eq!(conclude(&[enterprise, another]), (Outcome::Ready, 2));
    assert_eq!(conclude(&[enterprise, "52430000000000017X"]), (Outcome::NeedsCounter, 0));
}

#[test]
fn a_yes_of_which_not_everybody_was_checked_guards_nothing() {
    let text = EMPLOYERS.replace(
        "when = [{ party = \"employer\", registrar = [\"civil-affairs\"] }]",
        "when = [{ question = \"enterprise\", is = [\"CONFIRMED\"], not = true }]",
    );
    let written = Arc::new(Written::from_text(&text).unwrap());
    let employer = SubjectKind::Employer(Employer {
        uscc: "91430000000000027J".to_owned(),
        name: "x".to_owned(),
    });
    let application = Application {
        submitted_on: jiff::civil::date(2026, 10, 12),
        parties: BTreeMap::from([("employer".to_owned(), vec![employer])]),
        given: BTreeMap::new(),
        evidence: BTreeMap::new(),
    };
    let mut case = Case::open(written, application).ok().unwrap();
    let conclusion = run(&mut case, |_| Heard { unchecked: true, ..answered(Verdict::Confirmed) });
    let states: Vec<State> = conclusion.needs.iter().map(|need| need.state).collect();
    assert_eq!(states, [State::Open, State::Open]);
}

#[test]
fn a_stated_day_is_in_the_calendar() {
    let way = ways().into_iter().find(|way| way.application.given.contains_key("last_known_on"));
    let mut way = way.unwrap();
    way.application.given.insert("last_known_on".to_owned(), Value::Date("0000-99-99".to_owned()));
    let flaws = way.application.flaws(&way.rule().rule);
    let wrong = Flaw { field: "given.last_known_on".to_owned(), check: "value_type" };
    assert_eq!(flaws, [wrong]);
}

#[test]
fn a_value_that_is_left_out_is_what_is_missing() {
    let ways = ways();
    let elsewhere = |way: &&Way| {
        way.item == "W1" && way.application.given.get("home_in_city") == Some(&Value::Truth(false))
    };
    let way = ways.iter().find(elsewhere).unwrap();
    let mut application = way.application.clone();
    application.given.remove("home_division");
    let mut case = Case::open(way.rule(), application).ok().unwrap();
    let conclusion = run(&mut case, |asking| way.well(asking));
    let missing: Vec<&Missing> = conclusion.needs.iter().flat_map(|need| &need.missing).collect();
    let is_it = |one: &&Missing| one.why == Why::NotStated && one.of == "home_division";
    assert!(missing.iter().copied().any(|one| is_it(&one)), "{missing:?}");
}

#[test]
fn a_question_that_was_not_put_was_not_denied() {
    let busy = Heard { code: "OVERLOADED".to_owned(), ..Heard::default() };
    let denied = Heard { code: "X".to_owned(), log_index: Some(3), ..Heard::default() };
    for (heard, reason) in [(busy, "not_asked"), (denied, "denied")] {
        let conclusion = renter(renting(), |_| heard.clone());
        assert!(why(&conclusion).contains(&("who".to_owned(), reason)), "{reason}");
    }
}

#[test]
fn the_ledger_does_not_refute_by_the_applicants_own_word() {
    let ways = ways();
    let build = |way: &&Way| {
        let ground = way.application.given.get("ground");
        way.item == "W1" && ground == Some(&Value::Text("build".to_owned()))
    };
    let way = ways.iter().find(build).unwrap();
    let mut application = way.application.clone();
    application.given.insert("cost_fen".to_owned(), Value::Integer(1));
    let mut case = Case::open(way.rule(), application).ok().unwrap();
    let conclusion = run(&mut case, |asking| way.well(asking));
    assert_eq!(conclusion.outcome, Outcome::NeedsCounter, "{:?}", why(&conclusion));
}

#[test]
fn years_are_full_the_day_after_the_birthday() {
    let homes = |born: &str| {
        let mut asked = 0;
        let mut case = Case::open(rule("W3", "2026.2"), renting()).ok().unwrap();
        run(&mut case, |asking| match asking.question.as_str() {
            "marriage" => spouse(&named("乙", "19870825")),
            "household" => children(&[named("丙", born)]),
            "homes" => {
                asked = asking.subjects.len();
                answered(Verdict::Confirmed)
            }
            _ => answered(Verdict::Confirmed),
        });
        asked
    };
    assert_eq!([homes("20081013"), homes("20081012"), homes("20081011")], [3, 3, 2]);
}

/// Needs that are made of the same needs again and again, questions that wait for the same ones: as long as the rule, no longer.
#[test]
fn a_rule_that_is_woven_closely_is_concluded_at_once() {
    let mut text = String::from(
        "item=\"X\"\nversion=\"1\"\nlegal_basis=[\"a\"]\n[[party]]\nname=\"p\"\ntitle_zh=\"p\"\nkind=\"person\"\n\
         [[given]]\nname=\"g\"\ntitle_zh=\"g\"\ntype=\"truth\"\nwhose=\"own\"\n",
    );
    let levels = 15;
    for level in 0..levels {
        for side in ["a", "b"] {
            let next = level + 1;
            text.push_str(&format!(
                "[[need]]\nname=\"{side}{level}\"\ntitle=\"t\"\ntitle_zh=\"t\"\nall=[\"a{next}\",\"b{next}\"]\n"
            ));
        }
    }
    for side in ["a", "b"] {
        text.push_str(&format!(
            "[[need]]\nname=\"{side}{levels}\"\ntitle=\"t\"\ntitle_zh=\"t\"\ngiven=\"g\"\ncomparison=\"eq\"\nvalue=true\n"
        ));
    }
    for number in 0..40 {
        let when = match number {
            0 => String::new(),
            _ => {
                let on = format!("{{question=\"q{}\",is=[\"CONFIRMED\"]}}", number - 1);
                format!("when=[{on},{on}]\n")
            }
        };
        text.push_str(&format!(
            "[[question]]\nname=\"q{number}\"\nfact=\"P1\"\nabout={{person=\"p\"}}\nfresh_for=\"1d\"\n{when}"
        ));
    }
    text.push_str("[[need]]\nname=\"last\"\ntitle=\"t\"\ntitle_zh=\"t\"\nquestion=\"q39\"\n");
    let written = Written::from_text(&text).unwrap();
    let conclusion = conclude(&written.rule, &Course::default());
    assert_eq!(conclusion.outcome, Outcome::NeedsCounter);
    // Each reason once.
    assert_eq!(conclusion.needs[0].missing.len(), 1);
}

/// Agreements that withhold names: a declared spouse whom the register confirms is the spouse.
#[test]
fn a_declared_spouse_who_is_shown_needs_no_name() {
    let mut application = renting();
    application.parties.insert("declared_spouse".to_owned(), vec![person("乙", "19870825")]);
    let hear = |couple: Verdict| {
        move |asking: &Asking| match asking.question.as_str() {
            "couple" => answered(couple),
            "household" => children(&[]),
            _ => answered(Verdict::Confirmed),
        }
    };
    let conclusion = renter(application.clone(), hear(Verdict::Confirmed));
    assert_eq!(conclusion.outcome, Outcome::Ready, "{:?}", why(&conclusion));
    assert_eq!(renter(application, hear(Verdict::NotFound)).outcome, Outcome::NeedsCounter);
    // Without a declared one there is nobody to be shown.
    assert_eq!(renter(renting(), hear(Verdict::Confirmed)).outcome, Outcome::NeedsCounter);
}

/// Values beside anything but a yes tell of nobody.
#[test]
fn only_a_yes_tells_of_anybody() {
    for verdict in [Verdict::Refuted, Verdict::Stale, Verdict::NotFound] {
        let mut case = Case::open(rule("W3", "2026.2"), renting()).ok().unwrap();
        run(&mut case, |asking| match asking.question.as_str() {
            "marriage" => Heard { verdict: Some(verdict), ..spouse(&named("乙", "19870825")) },
            _ => answered(Verdict::Confirmed),
        });
        assert_eq!(case.course().found["spouse"].known, 0, "{verdict:?}");
    }
}

/// Nobody's age is known by a passport, whatever its number looks like.
#[test]
fn a_child_without_a_citizens_number_is_asked_about() {
    let mut application = renting();
    let SubjectKind::Person(mut child) = person("丙", "19900506") else { panic!() };
    child.document_type = IdentityDocument::Passport;
    application.parties.insert("declared_child".to_owned(), vec![SubjectKind::Person(child)]);
    let mut case = Case::open(rule("W3", "2026.2"), application).ok().unwrap();
    run(&mut case, |asking| match asking.question.as_str() {
        "household" => children(&[]),
        _ => answered(Verdict::NotFound),
    });
    assert_eq!(case.course().found["children"].known, 1);
}

#[test]
fn evidence_has_its_last_day() {
    for (issued_on, outcome) in [(12, Outcome::Ready), (11, Outcome::NeedsCounter)] {
        let mut application = renting();
        declared_single(&mut application);
        let paper = application.evidence.get_mut("single_declaration").unwrap();
        paper.issued_on = jiff::civil::date(2026, 9, issued_on);
        let conclusion = renter(application, |asking| match asking.question.as_str() {
            "marriage" => answered(Verdict::NotFound),
            "household" => children(&[]),
            _ => answered(Verdict::Confirmed),
        });
        assert_eq!(conclusion.outcome, outcome, "{issued_on}");
    }
    let mut application = renting();
    declared_single(&mut application);
    let paper = application.evidence.get_mut("single_declaration").unwrap();
    paper.issued_on = jiff::civil::date(2026, 10, 13);
    assert_eq!(application.flaws(&rule("W3", "2026.2").rule).len(), 1);
}

/// One of two households has answered when the time is over.
#[test]
fn a_question_of_which_one_answer_is_missing_is_open() {
    let mut case = Case::open(rule("W3", "2026.2"), renting()).ok().unwrap();
    let asking = case.due();
    for asking in asking {
        let heard = match asking.question.as_str() {
            "marriage" => spouse(&named("乙", "19870825")),
            _ => answered(Verdict::Confirmed),
        };
        case.heard(asking.id, heard);
    }
    let households = case.due();
    assert_eq!(households.len(), 2);
    case.heard(households[0].id, children(&[]));
    let mut rule = rule("W3", "2026.2").rule.clone();
    // A need that looks at the households alone.
    rule.needs.truncate(1);
    rule.needs[0].by = crate::catalogue::rule::By::Question("household".to_owned());
    assert_eq!(conclude(&rule, case.course()).outcome, Outcome::NeedsCounter);
    case.heard(households[1].id, children(&[]));
    assert_eq!(conclude(&rule, case.course()).outcome, Outcome::Ready);
}

/// While it is not known whether something applies, it does not fall away.
#[test]
fn what_hangs_on_silence_waits() {
    let text = EMPLOYERS.replace(
        "when = [{ party = \"employer\", registrar = [\"civil-affairs\"] }]",
        "when = [{ question = \"enterprise\", is = [\"CONFIRMED\"] }]",
    );
    let written = Written::from_text(&text).unwrap();
    let course = |verdict| Course {
        parties: BTreeMap::from([(
            "employer".to_owned(),
            Shape {
                count: 1,
                registrars: vec![crate::catalogue::rule::Registrar::MarketRegulation],
                ..Shape::default()
            },
        )]),
        answers: vec![Answer {
            question: "enterprise".to_owned(),
            about: vec![About {
                role: "employer".to_owned(),
                who: "employer".to_owned(),
                position: 0,
            }],
            verdict: Some(verdict),
            code: String::new(),
            log_index: Some(1),
            unchecked: false,
            told: BTreeMap::new(),
        }],
        ..Course::default()
    };
    let second = |verdict| conclude(&written.rule, &course(verdict)).needs[1].state;
    for verdict in [Verdict::Stale, Verdict::Conflict, Verdict::Unavailable] {
        assert_eq!(second(verdict), State::Open, "{verdict:?}");
    }
    for verdict in [Verdict::Refuted, Verdict::NotFound] {
        assert_eq!(second(verdict), State::NotNeeded, "{verdict:?}");
    }
}
