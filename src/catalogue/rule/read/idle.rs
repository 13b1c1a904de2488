//! Nothing is asked, and nothing is to be handed in, that the rule does not look at: less is enough (个人信息保护法 第六条).

use toml::Spanned;

use super::super::form::RuleRecord;
use super::super::{By, Condition, From, On, Rule};
use super::Reading;

impl Reading<'_, '_> {
    /// Notes a finding for each question, party, stated value and piece of evidence that decides nothing.
    pub(super) fn nothing_is_idle(&mut self, record: &RuleRecord) {
        let questions = record.question.iter().map(|question| &question.name);
        self.idle(questions, is_question_used, "question", "it must not be asked");
        let parties = record.party.iter().map(|party| &party.name);
        self.idle(parties, is_party_used, "party", "no application need name it");
        let given = record.given.iter().map(|given| &given.name);
        self.idle(given, is_given_used, "stated value", "no application need state it");
        let evidence = record.external.iter().map(|external| &external.name);
        self.idle(evidence, is_evidence_used, "evidence", "nobody need bring it");
    }

    fn idle<'n>(
        &mut self,
        names: impl Iterator<Item = &'n Spanned<String>>,
        is_used: fn(&Rule, &str) -> bool,
        what: &str,
        so: &str,
    ) {
        for name in names {
            if !is_used(&self.rule, name.get_ref()) {
                let problem = format!("the {what} `{}` decides nothing: {so}", name.get_ref());
                self.page.flaw(name, problem);
            }
        }
    }
}

fn conditions(rule: &Rule) -> impl Iterator<Item = &Condition> {
    let of_questions = rule.questions.iter().flat_map(|question| &question.when);
    of_questions.chain(rule.needs.iter().flat_map(|need| &need.when))
}

fn is_question_used(rule: &Rule, name: &str) -> bool {
    let shows = rule.needs.iter().any(|need| matches!(&need.by, By::Question(one) if one == name));
    let finds = rule.groups.iter().any(|group| match &group.from {
        From::Found(found) => found.question == name || found.shown_by.as_deref() == Some(name),
        From::Together(_) => false,
    });
    let guards =
        |condition: &Condition| matches!(&condition.on, On::Question(one, _) if one == name);
    shows || finds || conditions(rule).any(guards)
}

fn is_party_used(rule: &Rule, name: &str) -> bool {
    let asked =
        rule.questions.iter().any(|question| question.about.values().any(|who| who == name));
    let belongs = rule.groups.iter().any(|group| match &group.from {
        From::Found(found) => found.declared.as_deref() == Some(name),
        From::Together(parts) => parts.iter().any(|part| part == name),
    });
    let guards = |condition: &Condition| match &condition.on {
        On::Party(one) | On::Document(one, _) | On::Registrar(one, _) => one == name,
        _ => false,
    };
    asked || belongs || conditions(rule).any(guards)
}

fn is_given_used(rule: &Rule, name: &str) -> bool {
    let asserted = rule.questions.iter().flat_map(|question| &question.assertions);
    let in_assertion =
        asserted.flat_map(|asserted| &asserted.values).any(|operand| operand.given() == Some(name));
    let in_need = rule.needs.iter().any(|need| match &need.by {
        By::Given { name: one, value, .. } => one == name || value.given() == Some(name),
        _ => false,
    });
    let guards = |condition: &Condition| matches!(&condition.on, On::Given(one, _) if one == name);
    in_assertion || in_need || conditions(rule).any(guards)
}

fn is_evidence_used(rule: &Rule, name: &str) -> bool {
    let shows = rule.needs.iter().any(|need| matches!(&need.by, By::External(one) if one == name));
    let means_nobody = rule.groups.iter().any(|group| match &group.from {
        From::Found(found) => found.nobody_with.as_deref() == Some(name),
        From::Together(_) => false,
    });
    let guards = |condition: &Condition| matches!(&condition.on, On::External(one) if one == name);
    shows || means_nobody || conditions(rule).any(guards)
}
