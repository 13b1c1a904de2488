//! Nothing is asked, and nothing is to be handed in, that the rule does not look at: less is enough (个人信息保护法 第六条). Nor does a
//! threshold stand there that holds nothing: whoever sets it would believe that it does.

use std::collections::BTreeSet;

use toml::Spanned;

use super::super::form::{
    AssertedRecord, ComputedRecord, NeedRecord, OperandRecord, RuleRecord, Threshold,
};
use super::super::{By, Condition, From, On, Operand, Rule};
use super::Reading;

impl Reading<'_, '_> {
    /// Notes a finding for each question, party, stated value, piece of evidence and parameter that decides nothing.
    pub(super) fn nothing_is_idle(&mut self, record: &RuleRecord) {
        let questions = record.question.iter().map(|question| &question.name);
        self.idle(questions, is_question_used, "question", "it must not be asked");
        let parties = record.party.iter().map(|party| &party.name);
        self.idle(parties, is_party_used, "party", "no application need name it");
        let given = record.given.iter().map(|given| &given.name);
        self.idle(given, is_given_used, "stated value", "no application need state it");
        let evidence = record.external.iter().map(|external| &external.name);
        self.idle(evidence, is_evidence_used, "evidence", "nobody need bring it");
        // A rule that comes back from a log was in force with what it had.
        if self.around.is_none() {
            return;
        }
        let used: BTreeSet<&str> = thresholds(record).collect();
        for name in record.parameters.keys().filter(|name| !used.contains(name.get_ref().as_str()))
        {
            let problem = format!(
                "the parameter `{}` decides nothing: whatever it is set to, nothing changes",
                name.get_ref()
            );
            self.page.flaw(name, problem);
        }
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

/// What is asserted of answers.
fn operands(rule: &Rule) -> impl Iterator<Item = &Operand> {
    let asserted = rule.questions.iter().flat_map(|question| &question.assertions);
    asserted.flat_map(|asserted| &asserted.values)
}

/// Every parameter that something names, as often as it does.
fn thresholds(record: &RuleRecord) -> impl Iterator<Item = &str> {
    let asserted = record.question.iter().flat_map(|question| &question.assert);
    let asserted =
        asserted.flat_map(|asserted: &Spanned<AssertedRecord>| &asserted.get_ref().values);
    let stated = record.need.iter().filter_map(|need: &NeedRecord| need.value.as_ref());
    let computed = asserted.chain(stated).filter_map(|operand| match operand {
        OperandRecord::Computed(computed) => Some(computed),
        OperandRecord::Literal(_) => None,
    });
    let in_values = computed.flat_map(|computed: &ComputedRecord| {
        let numbers = [
            &computed.months_ago,
            &computed.days_ago,
            &computed.times,
            &computed.over,
            &computed.step,
        ];
        let numbers = numbers.into_iter().flatten().filter_map(named);
        computed.parameter.as_deref().into_iter().chain(numbers)
    });
    let of_groups = record.group.iter().filter_map(|group| group.younger_than.as_ref());
    in_values.chain(of_groups.filter_map(|years| named(years.get_ref())))
}

fn named(threshold: &Threshold) -> Option<&str> {
    match threshold {
        Threshold::Parameter(name) => Some(name),
        Threshold::Number(_) => None,
    }
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
    let compared = operands(rule).any(|operand| operand.party() == Some(name));
    let belongs = rule.groups.iter().any(|group| match &group.from {
        From::Found(found) => found.declared.as_deref() == Some(name),
        From::Together(parts) => parts.iter().any(|part| part == name),
    });
    let guards = |condition: &Condition| match &condition.on {
        On::Party(one) | On::Document(one, _) | On::Registrar(one, _) => one == name,
        _ => false,
    };
    asked || compared || belongs || conditions(rule).any(guards)
}

fn is_given_used(rule: &Rule, name: &str) -> bool {
    let in_assertion = operands(rule).any(|operand| operand.given() == Some(name));
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
