//! One clause, read.

use std::collections::BTreeSet;

use super::super::form::{ClauseTerms, LimitTerms};
use super::{Line, Part, Voice, comparison, mask, plain, relation, says, value};

impl ClauseTerms {
    /// The clause of that number.
    pub(in super::super) fn read(&self, number: usize, voice: &Voice<'_>) -> Part {
        let fact = voice.fact(&self.fact);
        let heading =
            voice.say(format!("第 {number} 条 {fact}"), format!("Clause {number}: {fact}"));
        let items = voice.list(self.items.iter().map(|item| voice.item(item)));
        let mut lines = vec![
            says(
                voice.say("事项", "Purpose"),
                voice.say(format!("仅为办理下列事项：{items}。"), format!("Only for: {items}.")),
            ),
            says(voice.say("对象", "About"), self.read_roles(voice)),
        ];
        if self.consent {
            let text =
                voice.say("须有本人同意的凭据。", "The person's consent must be referred to.");
            lines.push(says(voice.say("同意", "Consent"), text));
        }
        lines.push(self.read_attributes(voice));
        lines.push(says(voice.say("时效", "Age"), {
            let age = voice.span(&self.max_age);
            voice.say(
                format!("所给结果距取得不超过 {age}。"),
                format!("No answer older than {age} is given."),
            )
        }));
        lines.push(says(voice.say("缓存", "Keeping"), self.read_cache(voice)));
        if !self.replaces.is_empty() {
            let papers =
                voice.list(self.replaces.iter().map(|code| voice.material(&self.items, code)));
            let text = voice.say(
                format!("当事人免于提交：{papers}。"),
                format!("Citizens need no longer bring: {papers}."),
            );
            lines.push(says(voice.say("免提交", "Replaces"), text));
        }
        Part { heading, clause: Some(number), lines }
    }

    fn read_roles(&self, voice: &Voice<'_>) -> String {
        let roles = self.roles.iter().map(|role| match self.relations.get(role) {
            None => plain(role),
            Some(accepted) => {
                let role = plain(role);
                let ties: Vec<&str> = accepted.iter().map(|tie| relation(*tie, voice)).collect();
                voice.say(
                    format!("{role}（须{}）", ties.join("，或")),
                    format!("{role} (needed: {})", ties.join(", or ")),
                )
            }
        });
        let mut text = voice.list(roles);
        // Terms that make no sense may tie roles that nobody is asked about.
        for role in self.relations.keys().filter(|role| !self.roles.contains(role)) {
            text.push_str(&format!(" [{}]", plain(role)));
        }
        text + voice.say("。", ".")
    }

    fn read_attributes(&self, voice: &Voice<'_>) -> Line {
        let mut names: Vec<&String> = Vec::new();
        let mut seen = BTreeSet::new();
        let lists = self.assert.iter().chain(&self.disclose).chain(self.mask.keys());
        for name in lists.chain(&self.never).chain(self.limits.keys()) {
            if seen.insert(name) {
                names.push(name);
            }
        }
        let rows = names.into_iter().map(|name| {
            vec![
                voice.attribute(&self.fact, name),
                self.read_assertion(name, voice),
                self.read_disclosure(name, voice),
            ]
        });
        let names = voice.say(
            ["属性", "核验（是与否）", "披露（值）"],
            ["Attribute", "Asserted about", "Value leaves"],
        );
        Line::Table { names: names.into(), rows: rows.collect() }
    }

    fn read_assertion(&self, name: &String, voice: &Voice<'_>) -> String {
        let limit = self.limits.get(name).map(|limit| limit.read(voice));
        match (self.assert.contains(name), limit) {
            (false, None) => voice.say("否", "no").to_owned(),
            (false, Some(limit)) => voice.say(format!("否，{limit}"), format!("no, {limit}")),
            (true, None) => voice.say("可", "yes").to_owned(),
            (true, Some(limit)) => voice.say(format!("可，{limit}"), format!("yes, {limit}")),
        }
    }

    /// Whether and how the value leaves.
    fn read_disclosure(&self, name: &String, voice: &Voice<'_>) -> String {
        let mut ways: Vec<String> = Vec::new();
        if self.never.contains(name) {
            ways.push(voice.say("不予共享", "never").to_owned());
        }
        if self.disclose.contains(name) {
            ways.push(voice.say("全部", "whole").to_owned());
        }
        if let Some(kind) = self.mask.get(name) {
            let left = mask(*kind, voice);
            ways.push(voice.say(format!("脱敏：{left}"), format!("in part: {left}")));
        }
        if ways.is_empty() {
            voice.say("否", "no").to_owned()
        } else {
            ways.join(voice.say("，", ", "))
        }
    }

    fn read_cache(&self, voice: &Voice<'_>) -> String {
        let Some(cache) = &self.cache else {
            return voice.say("不得缓存。", "Answers are never kept.").to_owned();
        };
        let (found, not_found) = (voice.span(&cache.found), voice.span(&cache.not_found));
        let kept = voice.say(
            format!("查到的结果缓存 {found}，查无的缓存 {not_found}"),
            format!("{found} when found, {not_found} when there is no record"),
        );
        match &cache.stale {
            None => kept + voice.say("。", "."),
            Some(stale) => {
                let stale = voice.span(stale);
                voice.say(
                    format!("{kept}；提供方中断时可再延用 {stale}，并注明过期。"),
                    format!(
                        "{kept}; {stale} longer while the provider is away, and then called stale."
                    ),
                )
            }
        }
    }
}

impl LimitTerms {
    /// How far one may assert.
    pub(in super::super) fn read(&self, voice: &Voice<'_>) -> String {
        let mut limits = Vec::new();
        if !self.comparisons.is_empty() {
            let words = voice.list(self.comparisons.iter().map(|one| comparison(*one, voice)));
            limits.push(voice.say(format!("仅可比较：{words}"), format!("only: {words}")));
        }
        if !self.values.is_empty() {
            let values = voice.list(self.values.iter().map(|one| value(one, voice)));
            limits.push(
                voice.say(format!("仅可与下列值比较：{values}"), format!("only with: {values}")),
            );
        }
        if let Some(step) = self.multiple_of {
            limits.push(voice.say(
                format!("比较值须为 {step} 的整数倍"),
                format!("only with multiples of {step}"),
            ));
        }
        limits.join(voice.say("；", "; "))
    }
}
