//! A case under way: what can be asked now, and what each answer leads to.
//!
//! A question is asked as soon as everything it hangs on is settled; questions that hang on nothing go out together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::application::{Application, Flaw};
use super::conclude::{Conclusion, conclude};
use super::course::{About, Answer, Course, Told, Unheard};
use super::family::{self, Member};
use super::standing::Standing;
use crate::catalogue::rule::{Found, From, On, Question, ToldBy, Written};
use crate::query::FactCode;
use crate::query::relation::{Related, Relation};
use crate::query::subject::{Subject, SubjectKind};
use crate::query::value::{Assertion, Comparison, Value, Verdict};

/// A question to put now.
pub struct Asking {
    /// To name its answer by.
    pub id: usize,
    /// Its name in the rule.
    pub question: String,
    /// Whom it is about, by place.
    pub about: Vec<About>,
    /// What is asked.
    pub fact: FactCode,
    /// The subjects, in the order of `about`, and how each belongs to the case.
    pub subjects: Vec<(Subject, Option<Related>)>,
    /// What to judge; empty for the fact's own confirmation or a mere disclosure.
    pub assertions: Vec<Assertion>,
    /// Values wanted.
    pub disclose: Vec<String>,
    /// How old the answer may be.
    pub max_age: Duration,
    /// Paper that the answer replaces; may be empty.
    pub material: String,
}

/// What came of a question.
#[derive(Clone, Default)]
pub struct Heard {
    /// The verdict; `None` when it was denied or refused.
    pub verdict: Option<Verdict>,
    /// Code of the denial or of why there is no answer.
    pub code: String,
    /// Index of its entry.
    pub log_index: Option<u64>,
    /// True when not everyone asked about was checked.
    pub unchecked: bool,
    /// Values that came.
    pub disclosed: BTreeMap<String, Value>,
}

/// One application on its way.
pub struct Case {
    rule: Arc<Written>,
    application: Application,
    /// Of parties from the start, of groups once they are settled.
    members: BTreeMap<String, Vec<Member>>,
    /// By group and asking: those whom answers have told of so far. In the order of the askings, so that the same answers
    /// make the same family whichever came first.
    told: BTreeMap<String, BTreeMap<usize, Vec<Member>>>,
    course: Course,
    /// Questions that have been put, or never will be.
    decided: BTreeSet<String>,
    /// Questions that have no answer yet.
    waiting: BTreeMap<usize, (String, Vec<About>)>,
    put: usize,
}

impl Case {
    /// Opens a case.
    ///
    /// # Errors
    /// Everything in the application that the rule does not take.
    pub fn open(rule: Arc<Written>, application: Application) -> Result<Self, Vec<Flaw>> {
        let flaws = application.flaws(&rule.rule);
        if !flaws.is_empty() {
            return Err(flaws);
        }
        let mut course = application.course(&rule.rule);
        let declared: BTreeSet<&String> = rule
            .rule
            .groups
            .iter()
            .filter_map(|group| match &group.from {
                From::Found(found) => found.declared.as_ref(),
                From::Together(_) => None,
            })
            .collect();
        let members: BTreeMap<String, Vec<Member>> = application
            .parties
            .iter()
            .map(|(name, named)| {
                let relation =
                    if declared.contains(name) { Relation::Declared } else { Relation::CaseParty };
                let mut members = Vec::new();
                family::join(&mut members, named.iter().map(|subject| member(subject, relation)));
                (name.clone(), members)
            })
            .collect();
        // Whoever is named twice is one.
        for (name, shape) in &mut course.parties {
            let count = members.get(name).map_or(0, Vec::len);
            shape.count = u32::try_from(count).unwrap_or(u32::MAX);
        }
        Ok(Self {
            rule,
            application,
            members,
            told: BTreeMap::new(),
            course,
            decided: BTreeSet::new(),
            waiting: BTreeMap::new(),
            put: 0,
        })
    }

    /// Every question that can be put now and has not been.
    pub fn due(&mut self) -> Vec<Asking> {
        let rule = Arc::clone(&self.rule);
        let mut asking = Vec::new();
        // Deciding on one question may settle a group or a condition, and free another.
        loop {
            self.settle_groups();
            let free =
                rule.rule.questions.iter().find(|question| {
                    !self.decided.contains(&question.name) && self.is_free(question)
                });
            let Some(question) = free else { return asking };
            self.decided.insert(question.name.clone());
            if self.standing().applies(&question.when) == Some(true) {
                asking.extend(self.put(question));
            }
        }
    }

    /// Takes what came of a question; unknown ids are ignored.
    pub fn heard(&mut self, id: usize, heard: Heard) {
        let Some((question, about)) = self.waiting.remove(&id) else { return };
        if let Some(place) =
            self.course.unheard.iter().position(|it| it.question == question && it.about == about)
        {
            self.course.unheard.remove(place);
        }
        let rule = Arc::clone(&self.rule);
        let mut told = BTreeMap::new();
        for group in &rule.rule.groups {
            if let From::Found(found) = &group.from
                && found.question == question
                && heard.verdict == Some(Verdict::Confirmed)
                && let Some(members) =
                    family::told(found, &heard.disclosed, heard.log_index.unwrap_or(0))
            {
                let mut of_it = Vec::new();
                family::join(&mut of_it, members.iter().cloned());
                self.keep_young(found, &mut of_it);
                let count = u32::try_from(of_it.len()).unwrap_or(u32::MAX);
                told.insert(group.name.clone(), count);
                self.told.entry(group.name.clone()).or_default().insert(id, members);
            }
        }
        self.course.answers.push(Answer {
            question,
            about,
            verdict: heard.verdict,
            code: heard.code,
            log_index: heard.log_index,
            unchecked: heard.unchecked,
            told,
        });
    }

    /// Names of the questions that have no answer yet, in the order they were put.
    pub fn running(&self) -> Vec<&str> {
        self.waiting.values().map(|(question, _)| question.as_str()).collect()
    }

    /// The rule it follows.
    pub fn rule(&self) -> &Arc<Written> {
        &self.rule
    }

    /// What it has found out so far.
    pub fn course(&self) -> &Course {
        &self.course
    }

    /// Who stands at a place of the case.
    pub fn subject(&self, about: &About) -> Option<&SubjectKind> {
        Some(&self.members.get(&about.who)?.get(about.position as usize)?.subject)
    }

    /// Notes that the time was over before every answer had come.
    pub fn run_out(&mut self) {
        self.course.out_of_time = true;
    }

    /// What it comes to as it stands.
    pub fn conclude(&self) -> Conclusion {
        conclude(&self.rule.rule, &self.course)
    }

    fn standing(&self) -> Standing<'_> {
        Standing::new(&self.rule.rule, &self.course)
    }

    fn is_free(&self, question: &Question) -> bool {
        let conditions = question.when.iter().all(|condition| match &condition.on {
            On::Question(name, _) => self.is_settled(name),
            _ => true,
        });
        conditions && question.about.values().all(|who| self.is_known(who))
    }

    /// Whether no answer to the question is to come any more.
    fn is_settled(&self, question: &str) -> bool {
        self.decided.contains(question) && self.waiting.values().all(|(name, _)| name != question)
    }

    /// Whether nobody will be added to the party or group any more.
    fn is_known(&self, who: &str) -> bool {
        self.rule.rule.group(who).is_none() || self.members.contains_key(who)
    }

    /// Settles every group whose sources are settled.
    fn settle_groups(&mut self) {
        let rule = Arc::clone(&self.rule);
        loop {
            let ready = rule.rule.groups.iter().find(|group| {
                !self.members.contains_key(&group.name)
                    && match &group.from {
                        From::Together(parts) => parts.iter().all(|part| self.is_known(part)),
                        From::Found(found) => {
                            self.is_settled(&found.question)
                                && found.shown_by.as_ref().is_none_or(|name| self.is_settled(name))
                        }
                    }
            });
            let Some(group) = ready else { return };
            let (members, differs) = match &group.from {
                From::Together(parts) => (self.together(parts), false),
                From::Found(found) => self.found(&group.name, found),
            };
            let known = u32::try_from(members.len()).unwrap_or(u32::MAX);
            self.course.found.insert(group.name.clone(), Told { known, differs });
            self.members.insert(group.name.clone(), members);
        }
    }

    fn together(&self, parts: &[String]) -> Vec<Member> {
        let mut members = Vec::new();
        for part in parts {
            family::join(&mut members, self.members.get(part).cloned().unwrap_or_default());
        }
        members
    }

    /// Those told of and those declared, and whether the two differ where only one can be right.
    fn found(&self, group: &str, found: &Found) -> (Vec<Member>, bool) {
        let declared: Vec<Member> = found
            .declared
            .as_ref()
            .and_then(|party| self.members.get(party).cloned())
            .unwrap_or_default();
        let mut members = Vec::new();
        let answers = self.told.get(group).into_iter().flat_map(BTreeMap::values);
        family::join(&mut members, answers.flatten().cloned());
        let told = members.len();
        family::join(&mut members, declared);
        // Of a list of children the application may know more; of a spouse there is one. Somebody who is shown by one
        // register, where another knows of nobody, is contradicted all the same.
        let differs = matches!(found.told_by, ToldBy::Person { .. })
            && members.len() > told
            && (told > 0 || self.standing().says_nobody(found));
        self.keep_young(found, &mut members);
        (members, differs)
    }

    /// Leaves out whoever is too old for the group.
    fn keep_young(&self, found: &Found, members: &mut Vec<Member>) {
        let on = self.application.submitted_on;
        if let Some(years) = found.younger_than {
            members.retain(|member| family::is_younger(member, years, on));
        }
    }

    /// Makes the question's askings: one, or one for each member.
    fn put(&mut self, question: &Question) -> Vec<Asking> {
        let times = match question.each.as_ref().and_then(|role| question.about.get(role)) {
            Some(who) => self.members.get(who).map_or(0, Vec::len),
            None => 1,
        };
        (0..times).filter_map(|position| self.asking(question, position)).collect()
    }

    /// `None` when a subject or a value that it needs was not named.
    fn asking(&mut self, question: &Question, position: usize) -> Option<Asking> {
        let mut about = Vec::new();
        let mut subjects = Vec::new();
        for (role, who) in &question.about {
            let members = self.members.get(who).map(Vec::as_slice).unwrap_or_default();
            let taken = match &question.each {
                Some(each) if each == role => position..position + 1,
                _ => 0..members.len(),
            };
            if members.is_empty() && !question.optional.contains(role) {
                return None;
            }
            for place in taken {
                let member = members.get(place)?;
                let subject = Subject { role: role.clone(), kind: member.subject.clone() };
                subjects.push((subject, member.related));
                let position = u32::try_from(place).unwrap_or(u32::MAX);
                about.push(About { role: role.clone(), who: who.clone(), position });
            }
        }
        let assertions = self.assertions(question)?;
        let id = self.put;
        self.put += 1;
        self.waiting.insert(id, (question.name.clone(), about.clone()));
        self.course.unheard.push(Unheard { question: question.name.clone(), about: about.clone() });
        Some(Asking {
            id,
            question: question.name.clone(),
            about,
            fact: question.fact.clone(),
            subjects,
            assertions,
            disclose: question.disclose.clone(),
            max_age: question.fresh_for,
            material: question.material.clone().unwrap_or_default(),
        })
    }

    /// What a question asserts, with the values of the application; `None` where one is not stated.
    pub(super) fn assertions(&self, question: &Question) -> Option<Vec<Assertion>> {
        question
            .assertions
            .iter()
            .map(|asserted| {
                let like = Value::Date(
                    if asserted.is_month { "2026-09" } else { "2026-09-20" }.to_owned(),
                );
                let values: Option<Vec<Value>> = asserted
                    .values
                    .iter()
                    .map(|value| self.application.operand(value, &self.rule.rule, &like))
                    .collect();
                let values = if asserted.comparison == Comparison::Exists {
                    Some(Vec::new())
                } else {
                    values
                };
                Some(Assertion {
                    attribute: asserted.attribute.clone(),
                    comparison: asserted.comparison,
                    values: values?,
                })
            })
            .collect()
    }
}

fn member(subject: &SubjectKind, relation: Relation) -> Member {
    let is_person = matches!(subject, SubjectKind::Person(_));
    let related = is_person.then_some(Related { relation, shown_by: 0 });
    Member { subject: subject.clone(), related }
}
