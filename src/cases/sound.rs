//! What a course says that cannot be so under its rule. A case that was run has none of it; whoever writes a course by hand, to
//! have it conclude as wished, leaves some.
//!
//! Amounts and texts are not in a course, so what was made of them is taken as it stands; what can be reckoned again is.
//! [`super::filed`] takes the rest again from the application, where it is opened.

use std::collections::BTreeSet;

use super::application::{PARTY_MOST, Stated, holds, is_told};
use super::course::{About, Answer, Course, Shape, Told};
use super::day;
use super::standing::{MEMBERS_MOST, Standing};
use crate::catalogue::rule::{By, Found, From, Group, Need, Operand, Question, Rule, ToldBy};
use crate::query::subject::IdentityDocument;
use crate::query::value::Verdict;

/// Everything in the course that the rule does not lead to, in words for an auditor. Names are those of the rule.
pub fn unsound(rule: &Rule, course: &Course) -> Vec<String> {
    let mut reading =
        Reading { rule, course, standing: Standing::new(rule, course), wrong: Vec::new() };
    reading.parties();
    reading.stated();
    reading.checked();
    reading.evidence();
    reading.groups();
    reading.answers();
    reading.wrong
}

struct Reading<'a> {
    rule: &'a Rule,
    course: &'a Course,
    standing: Standing<'a>,
    wrong: Vec<String>,
}

impl<'a> Reading<'a> {
    fn hold(&mut self, is_so: bool, wrong: impl FnOnce() -> String) {
        if !is_so {
            self.wrong.push(wrong());
        }
    }

    fn parties(&mut self) {
        let (rule, course) = (self.rule, self.course);
        for party in &rule.parties {
            let shape = course.parties.get(&party.name);
            let is_filled = match shape {
                None => party.optional,
                Some(shape) => {
                    let most = if party.many { PARTY_MOST } else { 1 };
                    (1..=most).contains(&(shape.count as usize)) && fits(shape, &party.kind)
                }
            };
            self.hold(is_filled, || {
                format!("the party `{}` is not filled as the rule asks", party.name)
            });
        }
        let known = course.parties.keys().all(|name| rule.party(name).is_some());
        self.hold(known, || "it names a party that the rule has not".to_owned());
    }

    fn stated(&mut self) {
        let (rule, course) = (self.rule, self.course);
        for given in &rule.given {
            let is_left_out = course.left_out.contains(&given.name);
            let is_right = match course.stated.get(&given.name) {
                Some(value) => is_told(given) && !is_left_out && given.kind.admits(value),
                None if is_left_out => given.optional,
                None => !is_told(given),
            };
            self.hold(is_right, || {
                format!("the value `{}` is not stated as the rule asks", given.name)
            });
        }
        let mut names = course.stated.keys().chain(&course.left_out);
        let known = names.all(|name| rule.given(name).is_some());
        self.hold(known, || "it states a value that the rule has not".to_owned());
    }

    /// What the course makes of stated values is reckoned again as far as it holds them.
    fn checked(&mut self) {
        let (rule, course) = (self.rule, self.course);
        let Some(submitted_on) = day::read(&course.submitted_on) else {
            return self.wrong.push("the day of the application is none".to_owned());
        };
        let stated = Stated { values: &course.stated, submitted_on };
        let mut known = BTreeSet::new();
        for need in &rule.needs {
            let By::Given { name, comparison, value } = &need.by else { continue };
            known.insert(&need.name);
            let checked = course.checked.get(&need.name).copied();
            let is_left_out = [Some(name.as_str()), value.given()]
                .into_iter()
                .flatten()
                .any(|name| course.left_out.contains(name));
            let left = course.stated.get(name);
            let right = left.and_then(|left| stated.operand(value, rule, left));
            let is_right = match (left, right) {
                _ if is_left_out => checked.is_none(),
                (Some(left), Some(right)) => checked == Some(holds(left, *comparison, &right)),
                // A number may be too large to be reckoned with.
                _ => checked.is_some() || matches!(value, Operand::Scaled(..)),
            };
            self.hold(is_right, || {
                format!("the need `{}` was not checked as the rule says", need.name)
            });
        }
        let known = course.checked.keys().all(|name| known.contains(name));
        self.hold(known, || "it checks a need that looks at no stated value".to_owned());
    }

    fn evidence(&mut self) {
        let (rule, course) = (self.rule, self.course);
        for (name, attached) in &course.evidence {
            let is_right = rule.external(name).is_some_and(|external| {
                external.issuer == attached.issuer && Some(attached.issued_on) <= course.run_on
            });
            self.hold(is_right, || match rule.external(name) {
                Some(external) => {
                    format!("the evidence `{}` is not as the rule asks", external.name)
                }
                None => "it has evidence that the rule has not".to_owned(),
            });
        }
    }

    fn groups(&mut self) {
        let (rule, course) = (self.rule, self.course);
        for group in &rule.groups {
            let Some(told) = course.found.get(&group.name) else { continue };
            let is_right = told.known <= MEMBERS_MOST
                && match &group.from {
                    From::Together(parts) => self.is_together(told, parts),
                    From::Found(found) => self.is_found(group, told, found),
                };
            self.hold(is_right, || {
                format!("so many of the group `{}` cannot be known from the answers", group.name)
            });
        }
        let known = course.found.keys().all(|name| rule.group(name).is_some());
        self.hold(known, || "it counts a group that the rule has not".to_owned());
    }

    /// Whoever belongs to two parts is one, so there are as many as in the largest part at least.
    fn is_together(&self, told: &Told, parts: &[String]) -> bool {
        let is_settled =
            |part: &String| self.rule.party(part).is_some() || self.course.found.contains_key(part);
        let sizes = || parts.iter().map(|part| self.standing.size(part));
        let known = told.known as usize;
        !told.differs
            && parts.iter().all(is_settled)
            && sizes().max().unwrap_or(0) <= known
            && known <= sizes().sum()
    }

    fn is_found(&self, group: &Group, told: &Told, found: &Found) -> bool {
        let counts = || {
            let answers = self.standing.answers(&found.question);
            answers.filter_map(|answer| answer.told.get(&group.name)).map(|count| *count as usize)
        };
        let declared = found.declared.as_ref().map_or(0, |party| self.standing.size(party));
        let known = told.known as usize;
        let (least, most) = (counts().max().unwrap_or(0), counts().sum::<usize>());
        let is_one = matches!(found.told_by, ToldBy::Person { .. });
        if known < least || known > most + declared || is_one && counts().any(|count| count > 1) {
            return false;
        }
        // Of whom an age leaves out, nothing more is known.
        if found.younger_than.is_some() {
            return is_one || !told.differs;
        }
        let may_differ =
            |told: usize| is_one && known > told && (told > 0 || self.standing.says_nobody(found));
        known >= declared
            && if may_differ(most) { told.differs } else { !told.differs || may_differ(least) }
    }

    fn answers(&mut self) {
        let (rule, course) = (self.rule, self.course);
        let unheard = course.unheard.iter().map(|one| (&one.question, &one.about));
        let answered = course.answers.iter().map(|one| (&one.question, &one.about));
        let mut asked: BTreeSet<(&str, &[About])> = BTreeSet::new();
        for (name, about) in answered.chain(unheard) {
            let Some(question) = rule.question(name) else {
                self.wrong.push("it asks a question that the rule has not".to_owned());
                continue;
            };
            let name = &question.name;
            let applies = self.standing.is_asked(question) == Some(true);
            self.hold(applies, || format!("`{name}` was not to be asked"));
            let is_whole = self.is_about(question, about);
            self.hold(is_whole, || format!("`{name}` is not about everybody it should be about"));
            let is_first = asked.insert((name, about));
            self.hold(is_first, || format!("`{name}` was asked twice about the same"));
            let values = question.assertions.iter().flat_map(|asserted| &asserted.values);
            let is_named =
                values.filter_map(Operand::party).all(|party| self.standing.size(party) > 0);
            let is_stated = is_named && self.standing.left_out(question).is_none();
            self.hold(is_stated, || format!("`{name}` needs a value that is not stated"));
        }
        for answer in &course.answers {
            let is_right = self.is_answer(answer);
            self.hold(is_right, || match rule.question(&answer.question) {
                Some(question) => format!("the answer to `{}` contradicts itself", question.name),
                None => "an answer contradicts itself".to_owned(),
            });
        }
    }

    /// Whether the subjects are those that the rule says, each in its place.
    fn is_about(&self, question: &Question, about: &[About]) -> bool {
        let mut about = about.iter();
        let is_whole = question.about.iter().all(|(role, who)| {
            let size = self.standing.size(who);
            let mut is_next = |position: Option<usize>| {
                about.next().is_some_and(|one| {
                    let at = one.position as usize;
                    one.role == *role
                        && one.who == *who
                        && at < size
                        && position.is_none_or(|it| it == at)
                })
            };
            match &question.each {
                Some(each) if each == role => is_next(None),
                _ => (0..size).all(|position| is_next(Some(position))),
            }
        });
        is_whole && about.next().is_none()
    }

    /// A verdict has its entry, silence its reason, and only who says yes tells of anybody.
    fn is_answer(&self, answer: &Answer) -> bool {
        let finds = |name: &String| {
            self.rule.group(name).is_some_and(|group| match &group.from {
                From::Found(found) => found.question == answer.question,
                From::Together(_) => false,
            })
        };
        let is_silence = matches!(answer.verdict, None | Some(Verdict::Unavailable));
        let tells = answer.verdict == Some(Verdict::Confirmed);
        (answer.verdict.is_none() || answer.log_index.is_some())
            && is_silence != answer.code.is_empty()
            && (!is_silence || !answer.unchecked)
            && (tells || answer.told.is_empty())
            && answer.told.keys().all(finds)
            && answer.told.values().all(|count| *count <= MEMBERS_MOST)
    }
}

/// Whether a party's papers or registrars are those of so many of its kind.
fn fits(shape: &Shape, kind: &str) -> bool {
    let count = shape.count as usize;
    let are_kinds = shape.documents.iter().all(|name| IdentityDocument::from_name(name).is_some());
    let (documents, registrars) = (shape.documents.len(), shape.registrars.len());
    let is_one = |length: usize, here: bool| match here {
        true => (1..=count).contains(&length),
        false => length == 0,
    };
    are_kinds
        && shape.documents.windows(2).all(|pair| pair.first() < pair.last())
        && shape.registrars.windows(2).all(|pair| pair.first() < pair.last())
        && is_one(documents, kind == "person")
        && is_one(registrars, kind == "employer")
}

/// How many of the comparisons in the course look at a value that it does not hold: only the application shows them.
pub fn on_word(rule: &Rule, course: &Course) -> usize {
    let submitted_on = day::read(&course.submitted_on).unwrap_or_default();
    let stated = Stated { values: &course.stated, submitted_on };
    let shown = |need: &&Need| match &need.by {
        By::Given { name, value, .. } => {
            course.stated.get(name).is_some_and(|left| stated.operand(value, rule, left).is_some())
        }
        _ => false,
    };
    let checked = rule.needs.iter().filter(|need| course.checked.contains_key(&need.name));
    checked.clone().count() - checked.filter(shown).count()
}

/// Whom a question can be about, asked once or one by one, in a case with this course.
pub fn places(rule: &Rule, course: &Course, question: &Question) -> Vec<Vec<About>> {
    let standing = Standing::new(rule, course);
    let of = |each: Option<usize>| {
        let taken = question.about.iter().flat_map(|(role, who)| {
            let positions = match (&question.each, each) {
                (Some(one), Some(position)) if one == role => position..position + 1,
                _ => 0..standing.size(who),
            };
            let about = move |position: usize| About {
                role: role.clone(),
                who: who.clone(),
                position: u32::try_from(position).unwrap_or(u32::MAX),
            };
            positions.map(about)
        });
        taken.collect()
    };
    match &question.each {
        None => vec![of(None)],
        Some(_) => (0..standing.times(question)).map(|position| of(Some(position))).collect(),
    }
}
