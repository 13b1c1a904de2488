//! From a rule's file to a rule: every name looked up, every flaw with its place.
//!
//! Facts are looked up where there is a catalogue. A rule read back from a log was checked when it came into force.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;

use super::form::{
    AssertedRecord, ComputedRecord, ConditionRecord, GivenRecord, GroupRecord, NeedRecord,
    OperandRecord, QuestionRecord, RuleRecord, Threshold,
};
use super::{
    Asserted, By, Condition, External, Found, From, Given, Group, Need, On, Operand, Party,
    Question, Rule, ToldBy, graph,
};
use crate::catalogue::load::{Literal, Page, kind_of};
use crate::catalogue::{AttributeKind, Fact, Item};
use crate::query::FactCode;
use crate::query::subject::IdentityDocument;
use crate::query::value::{Assertion, Value, Verdict};

/// Where facts and the item's head are looked up; nowhere when a rule comes back from a log.
#[derive(Clone, Copy)]
pub(in crate::catalogue) struct Around<'a> {
    pub facts: &'a BTreeMap<FactCode, Fact>,
    pub item: &'a Item,
}

/// Reads a rule. It is whole when the page has no new finding.
pub(in crate::catalogue) fn read(
    record: &RuleRecord,
    around: Option<Around<'_>>,
    page: &mut Page<'_>,
) -> Rule {
    let mut reading = Reading { page, around, rule: Rule::default() };
    reading.names(record);
    reading.heads(record);
    reading.rule.groups = record.group.iter().filter_map(|group| reading.group(group)).collect();
    reading.rule.questions =
        record.question.iter().filter_map(|question| reading.question(question)).collect();
    reading.rule.needs = record.need.iter().filter_map(|need| reading.need(need)).collect();
    reading.groups_told(record);
    reading.needs_named(record);
    graph::refuse_circles(record, &reading.rule, reading.page);
    reading.rule
}

struct Reading<'a, 'p> {
    page: &'a mut Page<'p>,
    around: Option<Around<'a>>,
    /// What has been read so far.
    rule: Rule,
}

impl Reading<'_, '_> {
    /// Names are unique among parties and groups together, and within each other list.
    fn names(&mut self, record: &RuleRecord) {
        let who = record.party.iter().map(|party| &party.name);
        self.unique(who.chain(record.group.iter().map(|group| &group.name)), "party or group");
        self.unique(record.given.iter().map(|given| &given.name), "stated value");
        self.unique(record.external.iter().map(|external| &external.name), "evidence");
        self.unique(record.question.iter().map(|question| &question.name), "question");
        self.unique(record.need.iter().map(|need| &need.name), "need");
    }

    fn unique<'n>(&mut self, names: impl Iterator<Item = &'n Spanned<String>>, what: &str) {
        let mut seen = BTreeSet::new();
        for name in names {
            let text = name.get_ref();
            let formed = !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            if !formed {
                self.page
                    .flaw(name, format!("the name `{text}` must be small letters, digits and `_`"));
            }
            if !seen.insert(text) {
                self.page.flaw(name, format!("the {what} `{text}` is there twice"));
            }
        }
    }

    fn heads(&mut self, record: &RuleRecord) {
        if record.legal_basis.is_empty() {
            self.page.flaw(
                &record.item,
                "`legal_basis` is empty: say which law the rule rests on".to_owned(),
            );
        }
        if record.need.is_empty() {
            self.page.flaw(
                &record.item,
                "the rule has no `[[need]]`: every case would be READY".to_owned(),
            );
        }
        self.rule.legal_basis.clone_from(&record.legal_basis);
        self.rule.parameters.clone_from(&record.parameters);
        self.rule.person_decides.clone_from(&record.person_decides);
        for party in &record.party {
            self.rule.parties.push(Party {
                name: party.name.get_ref().clone(),
                title_zh: party.title_zh.clone(),
                kind: party.kind.name().to_owned(),
                optional: party.optional,
                many: party.many,
            });
        }
        for given in &record.given {
            let given = self.given(given);
            self.rule.given.push(given);
        }
        for external in &record.external {
            self.rule.externals.push(External {
                name: external.name.get_ref().clone(),
                title_zh: external.title_zh.clone(),
                issuer: external.issuer.clone(),
                fresh_for: external.fresh_for,
                suffices: external.suffices,
            });
        }
    }

    fn given(&mut self, record: &GivenRecord) -> Given {
        let kind = kind_of(record.kind, &record.codes);
        if matches!(kind, AttributeKind::Code(_)) == record.codes.is_empty() {
            self.page.flaw(
                &record.name,
                "`codes` belongs to the type `code`, and is not empty there".to_owned(),
            );
        }
        Given {
            name: record.name.get_ref().clone(),
            title_zh: record.title_zh.clone(),
            kind,
            whose: record.whose,
            optional: record.optional,
        }
    }

    fn group(&mut self, record: &GroupRecord) -> Option<Group> {
        let from = match (&record.found_by, record.of.is_empty()) {
            (None, false) => {
                From::Together(record.of.iter().map(|name| name.get_ref().clone()).collect())
            }
            (Some(question), true) => self.found(record, question)?,
            _ => {
                self.page.flaw(&record.name, "a group has either `of` or `found_by`".to_owned());
                return None;
            }
        };
        Some(Group { name: record.name.get_ref().clone(), title_zh: record.title_zh.clone(), from })
    }

    fn found(&mut self, record: &GroupRecord, question: &Spanned<String>) -> Option<From> {
        let told_by = match (&record.person, &record.people) {
            (Some(person), None) => ToldBy::Person {
                name: person.get_ref().name.clone(),
                number: person.get_ref().number.clone(),
            },
            (None, Some(attribute)) => ToldBy::People(attribute.get_ref().clone()),
            _ => {
                self.page.flaw(
                    &record.name,
                    "what is found needs either `person` or `people`: the attributes that say who"
                        .to_owned(),
                );
                return None;
            }
        };
        if let Some(declared) = &record.declared {
            let is_person =
                self.rule.party(declared.get_ref()).is_some_and(|party| party.kind == "person");
            if !is_person {
                self.page
                    .flaw(declared, format!("`{}` is no party of persons", declared.get_ref()));
            }
        }
        if let Some(evidence) = &record.nobody_with
            && self.rule.external(evidence.get_ref()).is_none()
        {
            self.page.flaw(evidence, format!("there is no evidence `{}`", evidence.get_ref()));
        }
        let nobody_when = record.nobody_when.clone().unwrap_or_else(|| vec![Verdict::Refuted]);
        if nobody_when
            .iter()
            .any(|verdict| !matches!(verdict, Verdict::Refuted | Verdict::Confirmed))
        {
            self.page.flaw(&record.name, "`nobody_when` can hold CONFIRMED and REFUTED only: silence is no answer; see `nobody_with`".to_owned());
        }
        Some(From::Found(Found {
            question: question.get_ref().clone(),
            told_by,
            declared: record.declared.as_ref().map(|name| name.get_ref().clone()),
            shown_by: record.shown_by.as_ref().map(|name| name.get_ref().clone()),
            nobody_when,
            nobody_with: record.nobody_with.as_ref().map(|name| name.get_ref().clone()),
            younger_than: record.younger_than.as_ref().and_then(|years| self.threshold(years)),
        }))
    }

    /// The number, or the parameter's.
    fn threshold(&mut self, threshold: &Spanned<Threshold>) -> Option<i64> {
        let number = match threshold.get_ref() {
            Threshold::Number(number) => Some(*number),
            Threshold::Parameter(name) => self.rule.parameters.get(name).copied(),
        };
        if number.is_none_or(|number| !(0..=36_500).contains(&number)) {
            self.page.flaw(
                threshold,
                "this is neither a sensible number nor a name of `parameters`".to_owned(),
            );
        }
        number
    }

    fn question(&mut self, record: &QuestionRecord) -> Option<Question> {
        let code = FactCode::new(record.fact.get_ref().as_str());
        let fact = self.around.map(|around| around.facts.get(&code));
        if let Some(None) = fact {
            self.page.flaw(&record.fact, format!("there is no fact `{code}`"));
            return None;
        }
        let fact = fact.flatten();
        if let Some(around) = self.around
            && !around.item.facts.contains(&code)
        {
            self.page.flaw(
                &record.fact,
                format!("`facts` of the item `{}` does not list `{code}`", around.item.code),
            );
        }
        let about: BTreeMap<String, String> = record
            .about
            .get_ref()
            .iter()
            .map(|(role, who)| (role.clone(), who.get_ref().clone()))
            .collect();
        let each = self.roles(record, fact);
        let assertions =
            record.assert.iter().map(|asserted| self.asserted(asserted, fact)).collect();
        self.disclosures(record, fact);
        let Some(fresh_for) = record.fresh_for else {
            self.page.flaw(
                &record.name,
                format!(
                    "`fresh_for` is missing: how old may an answer to `{}` be?",
                    record.name.get_ref()
                ),
            );
            return None;
        };
        if let (Some(material), Some(around)) = (&record.material, self.around)
            && !around.item.materials.contains_key(material.get_ref())
        {
            self.page.flaw(
                material,
                format!("`materials` of the item does not list `{}`", material.get_ref()),
            );
        }
        Some(Question {
            name: record.name.get_ref().clone(),
            fact: code,
            about,
            each,
            optional: fact
                .map(|fact| fact.roles.iter().filter(|role| role.optional))
                .into_iter()
                .flatten()
                .map(|role| role.name.clone())
                .collect(),
            assertions,
            disclose: record.disclose.iter().map(|name| name.get_ref().clone()).collect(),
            across: record.across,
            when: record.when.iter().filter_map(|condition| self.condition(condition)).collect(),
            fresh_for,
            material: record.material.as_ref().map(|code| code.get_ref().clone()),
            authoritative: record.authoritative,
        })
    }

    /// Checks who is asked about, and finds the role that is asked once per member.
    fn roles(&mut self, record: &QuestionRecord, fact: Option<&Fact>) -> Option<String> {
        let mut each = None;
        for (role, who) in record.about.get_ref() {
            let name = who.get_ref();
            let (kind, several) = match (self.rule.party(name), self.rule.group(name)) {
                (Some(party), _) => (party.kind.clone(), party.many),
                (None, Some(_)) => ("person".to_owned(), true),
                (None, None) => {
                    self.page.flaw(who, format!("`{name}` is neither a party nor a group"));
                    continue;
                }
            };
            let wanted = fact.map(|fact| fact.role(role));
            let many = match wanted {
                Some(None) => {
                    self.page.flaw(
                        who,
                        format!("the fact `{}` has no role `{role}`", record.fact.get_ref()),
                    );
                    continue;
                }
                Some(Some(wanted)) if wanted.kind != kind => {
                    self.page.flaw(
                        who,
                        format!("the role `{role}` is a {}, `{name}` a {kind}", wanted.kind),
                    );
                    continue;
                }
                Some(Some(wanted)) => wanted.many,
                // Of a rule from a log: the role whose name says so.
                None => role == "member",
            };
            if several && !many && each.replace(role.clone()).is_some() {
                self.page.flaw(
                    who,
                    "only one role of a question can be asked once per member".to_owned(),
                );
            }
        }
        for role in fact.map(|fact| fact.roles.as_slice()).unwrap_or_default() {
            if !role.optional && !record.about.get_ref().contains_key(&role.name) {
                self.page.flaw(
                    &record.about,
                    format!(
                        "the role `{}` of the fact `{}` is missing",
                        role.name,
                        record.fact.get_ref()
                    ),
                );
            }
        }
        each
    }

    fn asserted(&mut self, record: &Spanned<AssertedRecord>, fact: Option<&Fact>) -> Asserted {
        let kind = fact
            .and_then(|fact| fact.attribute(&record.get_ref().attribute))
            .map(|attribute| attribute.kind.clone());
        let values: Vec<Operand> = record
            .get_ref()
            .values
            .iter()
            .filter_map(|value| self.operand(value, kind.as_ref(), record))
            .collect();
        let asserted = Asserted {
            attribute: record.get_ref().attribute.clone(),
            comparison: record.get_ref().comparison,
            values,
            is_month: kind == Some(AttributeKind::Month),
        };
        if let Some(fact) = fact {
            let tried = Assertion {
                attribute: asserted.attribute.clone(),
                comparison: asserted.comparison,
                values: asserted
                    .values
                    .iter()
                    .map(|value| self.example(value, kind.as_ref()))
                    .collect(),
            };
            if let Err((field, check)) = fact.check_assertion(&tried) {
                self.page.flaw(
                    record,
                    format!(
                        "`{field}` does not fit the attribute `{}` of `{}` ({check})",
                        asserted.attribute, fact.code
                    ),
                );
            }
        }
        asserted
    }

    /// A value of the operand's type, to hold against the attribute's.
    fn example(&self, operand: &Operand, kind: Option<&AttributeKind>) -> Value {
        match operand {
            Operand::Literal(value) => value.clone(),
            Operand::Parameter(_) => Value::Integer(0),
            Operand::MonthsAgo(_) if kind == Some(&AttributeKind::Month) => {
                Value::Date("2026-09".to_owned())
            }
            Operand::MonthsAgo(_) | Operand::DaysAgo(_) => Value::Date("2026-09-20".to_owned()),
            Operand::Given(name) => match self.rule.given(name).map(|given| &given.kind) {
                Some(AttributeKind::Truth) => Value::Truth(true),
                Some(AttributeKind::Integer) => Value::Integer(0),
                Some(AttributeKind::Date) => Value::Date("2026-09-20".to_owned()),
                Some(AttributeKind::Month) => Value::Date("2026-09".to_owned()),
                Some(AttributeKind::Code(codes)) => {
                    Value::Text(codes.first().cloned().unwrap_or_default())
                }
                _ => Value::Text(String::new()),
            },
        }
    }

    fn operand<T>(
        &mut self,
        record: &OperandRecord,
        kind: Option<&AttributeKind>,
        at: &Spanned<T>,
    ) -> Option<Operand> {
        match record {
            OperandRecord::Literal(literal) => Some(Operand::Literal(literal.value(kind))),
            OperandRecord::Computed(computed) => {
                let operand = self.computed(computed);
                if operand.is_none() {
                    self.page.flaw(at, "a computed value is one of `parameter`, `given`, `months_ago`, `days_ago`, and names what the rule has".to_owned());
                }
                operand
            }
        }
    }

    fn computed(&self, record: &ComputedRecord) -> Option<Operand> {
        let number = |threshold: &Threshold| match threshold {
            Threshold::Number(number) => Some(*number),
            Threshold::Parameter(name) => self.rule.parameters.get(name).copied(),
        };
        match (&record.parameter, &record.given, &record.months_ago, &record.days_ago) {
            (Some(name), None, None, None) => {
                self.rule.parameters.get(name).map(|_| Operand::Parameter(name.clone()))
            }
            (None, Some(name), None, None) => {
                self.rule.given(name).map(|_| Operand::Given(name.clone()))
            }
            (None, None, Some(months), None) => number(months).map(Operand::MonthsAgo),
            (None, None, None, Some(days)) => number(days).map(Operand::DaysAgo),
            _ => None,
        }
    }

    fn disclosures(&mut self, record: &QuestionRecord, fact: Option<&Fact>) {
        let Some(fact) = fact else { return };
        for name in &record.disclose {
            if fact.attribute(name.get_ref()).is_none() {
                self.page.flaw(
                    name,
                    format!("the fact `{}` has no attribute `{}`", fact.code, name.get_ref()),
                );
            }
        }
        if record.assert.is_empty() && record.disclose.is_empty() && fact.confirms.is_none() {
            self.page.flaw(
                &record.name,
                format!("`{}` has no confirmation of its own: say what to `assert`", fact.code),
            );
        }
    }

    fn condition(&mut self, record: &Spanned<ConditionRecord>) -> Option<Condition> {
        let condition = record.get_ref();
        let named = [&condition.question, &condition.given, &condition.party, &condition.external];
        let on = if named.iter().filter(|name| name.is_some()).count() == 1 {
            self.on(condition)
        } else {
            Err("a condition has one of `question`, `given`, `party`, `external`".to_owned())
        };
        match on {
            Ok(on) => Some(Condition { on, not: condition.not }),
            Err(problem) => {
                self.page.flaw(record, problem);
                None
            }
        }
    }

    fn on(&self, record: &ConditionRecord) -> Result<On, String> {
        if let Some(name) = &record.question {
            let verdicts: Option<Vec<Verdict>> = record.is.iter().map(Literal::verdict).collect();
            return match verdicts {
                Some(verdicts) if !verdicts.is_empty() => Ok(On::Question(name.clone(), verdicts)),
                _ => Err("`is` lists verdicts, such as \"CONFIRMED\"".to_owned()),
            };
        }
        if let Some(name) = &record.given {
            let given = self
                .rule
                .given(name)
                .ok_or_else(|| format!("there is no stated value `{name}`"))?;
            let values: Vec<Value> =
                record.is.iter().map(|literal| literal.value(Some(&given.kind))).collect();
            return if !values.is_empty() && values.iter().all(|value| given.kind.admits(value)) {
                Ok(On::Given(name.clone(), values))
            } else {
                Err(format!("`is` lists values of the type {}", given.kind.name()))
            };
        }
        if let Some(name) = &record.external {
            return match self.rule.external(name) {
                Some(_) => Ok(On::External(name.clone())),
                None => Err(format!("there is no evidence `{name}`")),
            };
        }
        let name = record.party.clone().unwrap_or_default();
        let party = self.rule.party(&name).ok_or_else(|| format!("there is no party `{name}`"))?;
        match (record.document.is_empty(), record.registrar.is_empty(), party.kind.as_str()) {
            (true, true, _) => Ok(On::Party(name)),
            (false, true, "person") => {
                let kinds: Option<Vec<IdentityDocument>> =
                    record.document.iter().map(|kind| IdentityDocument::from_name(kind)).collect();
                kinds.map(|kinds| On::Document(name, kinds)).ok_or_else(|| {
                    "`document` lists kinds of identity document, such as \"citizen_id\"".to_owned()
                })
            }
            (true, false, "employer") => Ok(On::Registrar(name, record.registrar.clone())),
            _ => Err("`document` belongs to persons, `registrar` to employers".to_owned()),
        }
    }

    fn need(&mut self, record: &NeedRecord) -> Option<Need> {
        let names = |names: &Vec<Spanned<String>>| {
            names.iter().map(|name| name.get_ref().clone()).collect::<Vec<_>>()
        };
        let ways = [
            record.question.is_some(),
            record.given.is_some(),
            record.external.is_some(),
            record.complete.is_some(),
            record.any.is_some(),
            record.all.is_some(),
        ];
        if ways.into_iter().filter(|&way| way).count() != 1 {
            self.page.flaw(
                &record.name,
                "a need has one of `question`, `given`, `external`, `complete`, `any`, `all`"
                    .to_owned(),
            );
            return None;
        }
        let by = if let Some(question) = &record.question {
            By::Question(question.get_ref().clone())
        } else if let Some(given) = &record.given {
            self.stated(record, given)?
        } else if let Some(external) = &record.external {
            By::External(external.get_ref().clone())
        } else if let Some(group) = &record.complete {
            By::Complete(group.get_ref().clone())
        } else if let Some(any) = &record.any {
            By::Any(names(any))
        } else {
            By::All(record.all.as_ref().map(names).unwrap_or_default())
        };
        self.bring(record);
        Some(Need {
            name: record.name.get_ref().clone(),
            title: record.title.clone(),
            title_zh: record.title_zh.clone(),
            by,
            when: record.when.iter().filter_map(|condition| self.condition(condition)).collect(),
            bring: names(&record.bring),
        })
    }

    fn stated(&mut self, record: &NeedRecord, given: &Spanned<String>) -> Option<By> {
        let kind = self.rule.given(given.get_ref()).map(|given| given.kind.clone());
        let (Some(kind), Some(comparison), Some(value)) = (kind, record.comparison, &record.value)
        else {
            self.page.flaw(
                given,
                "a need by `given` names a stated value, a `comparison` and a `value`".to_owned(),
            );
            return None;
        };
        let value = self.operand(value, Some(&kind), given)?;
        if !kind.compares(comparison) || !kind.admits(&self.example(&value, Some(&kind))) {
            self.page.flaw(
                given,
                format!("the comparison does not fit values of the type {}", kind.name()),
            );
        }
        Some(By::Given { name: given.get_ref().clone(), comparison, value })
    }

    fn bring(&mut self, record: &NeedRecord) {
        for code in &record.bring {
            let known = self.rule.external(code.get_ref()).is_some()
                || self
                    .around
                    .is_none_or(|around| around.item.materials.contains_key(code.get_ref()));
            if !known {
                self.page.flaw(
                    code,
                    format!(
                        "`{}` is neither a material of the item nor evidence of the rule",
                        code.get_ref()
                    ),
                );
            }
        }
    }

    /// Groups refer to questions, which are read after them.
    fn groups_told(&mut self, record: &RuleRecord) {
        for group in &record.group {
            for of in &group.of {
                let name = of.get_ref();
                let persons = self.rule.party(name).is_some_and(|party| party.kind == "person");
                if !persons && self.rule.group(name).is_none() {
                    self.page
                        .flaw(of, format!("`{name}` is neither a party of persons nor a group"));
                }
            }
            for named in [&group.found_by, &group.shown_by].into_iter().flatten() {
                if self.rule.question(named.get_ref()).is_none() {
                    self.page.flaw(named, format!("there is no question `{}`", named.get_ref()));
                }
            }
            self.told(group);
        }
    }

    /// The attributes that say who must be asked for.
    fn told(&mut self, group: &GroupRecord) {
        let question = group.found_by.as_ref().and_then(|name| self.rule.question(name.get_ref()));
        let Some(question) = question else { return };
        let mut missing = Vec::new();
        let wanted: Vec<(&str, bool)> = match (&group.person, &group.people) {
            (Some(person), _) => {
                vec![
                    (person.get_ref().name.as_str(), false),
                    (person.get_ref().number.as_str(), false),
                ]
            }
            (None, Some(people)) => vec![(people.get_ref().as_str(), true)],
            (None, None) => Vec::new(),
        };
        for (attribute, people) in wanted {
            let fact = self.around.and_then(|around| around.facts.get(&question.fact));
            let fits = fact
                .and_then(|fact| fact.attribute(attribute))
                .is_none_or(|attribute| (attribute.kind == AttributeKind::People) == people);
            if !question.disclose.iter().any(|name| name == attribute) {
                missing.push(format!(
                    "`{}` must `disclose` the attribute `{attribute}`",
                    question.name
                ));
            } else if !fits {
                missing.push(format!("the attribute `{attribute}` does not say who it is"));
            }
        }
        for problem in missing {
            self.page.flaw(&group.name, problem);
        }
    }

    /// Needs refer to questions, evidence, groups and each other; conditions to questions.
    fn needs_named(&mut self, record: &RuleRecord) {
        for need in &record.need {
            let mut look = |name: &Option<Spanned<String>>,
                            known: &dyn Fn(&Rule, &str) -> bool,
                            what: &str| {
                if let Some(name) = name
                    && !known(&self.rule, name.get_ref())
                {
                    self.page.flaw(name, format!("there is no {what} `{}`", name.get_ref()));
                }
            };
            look(&need.question, &|rule, name| rule.question(name).is_some(), "question");
            look(&need.external, &|rule, name| rule.external(name).is_some(), "evidence");
            look(&need.complete, &|rule, name| rule.group(name).is_some(), "group");
            for name in need.any.iter().chain(&need.all).flatten() {
                if self.rule.need(name.get_ref()).is_none() {
                    self.page.flaw(name, format!("there is no need `{}`", name.get_ref()));
                }
            }
        }
        let asked = record.question.iter().flat_map(|question| &question.when);
        for condition in asked.chain(record.need.iter().flat_map(|need| &need.when)) {
            if let Some(name) = &condition.get_ref().question
                && self.rule.question(name).is_none()
            {
                self.page.flaw(condition, format!("there is no question `{name}`"));
            }
        }
    }
}
