//! Questions: the fact, whom it is about, what it may disclose.

use std::collections::BTreeMap;

use super::super::Question;
use super::super::form::QuestionRecord;
use super::Reading;
use crate::catalogue::Fact;
use crate::query::FactCode;

impl Reading<'_, '_> {
    pub(super) fn question(&mut self, record: &QuestionRecord) -> Option<Question> {
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

    /// Checks who is asked about. The role that is asked once per member stands in the rule, so that whoever reads the rule
    /// back from a log needs no facts.
    pub(super) fn roles(&mut self, record: &QuestionRecord, fact: Option<&Fact>) -> Option<String> {
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
                // Of a rule from a log: checked when it came into force.
                None => continue,
            };
            if several && !many && each.replace(role.clone()).is_some() {
                self.page.flaw(
                    who,
                    "only one role of a question can be asked once per member".to_owned(),
                );
            }
        }
        let said = record.each.as_ref().map(|role| role.get_ref().clone());
        if fact.is_some() && said != each {
            let problem = match &each {
                Some(role) => format!("`{role}` is asked once per member: say `each = \"{role}\"`"),
                None => "no role is asked once per member: leave `each` out".to_owned(),
            };
            match &record.each {
                Some(role) => self.page.flaw(role, problem),
                None => self.page.flaw(&record.about, problem),
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
        said
    }

    pub(super) fn disclosures(&mut self, record: &QuestionRecord, fact: Option<&Fact>) {
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
}
