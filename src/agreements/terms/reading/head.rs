//! What holds for every clause, read.

use super::super::form::{EndingTerms, Terms};
use super::{Line, Part, Voice, days, disposal, part, plain, says};

impl Terms {
    /// Parties, law, time and measure.
    pub(super) fn before_clauses(&self, voice: &Voice<'_>) -> Vec<Part> {
        vec![
            part(voice.say("当事方", "Parties"), self.read_parties(voice)),
            part(voice.say("法律依据", "Legal basis"), self.read_legal_basis(voice)),
            part(voice.say("期限", "Term"), self.read_term(voice)),
            part(voice.say("服务时间与配额", "Hours and quotas"), self.read_measure(voice)),
        ]
    }

    /// What follows from answers, and what parties owe each other.
    pub(super) fn after_clauses(&self, voice: &Voice<'_>) -> Vec<Part> {
        let Self { retention, notices, .. } = self;
        let kept = voice.span(&retention.keep_for);
        let then = disposal(retention.afterwards, voice);
        let kept = voice.say(
            format!("使用方对披露的数据最长留存 {kept}，到期{then}。"),
            format!(
                "The consumer keeps disclosed values for {kept} at most; then they are {then}."
            ),
        );
        let mut person = Vec::new();
        if !notices.is_empty() {
            let notices = voice.list(notices);
            let text = voice.say(
                format!("查询前须已向本人告知，所用告知书为下列之一：{notices}。"),
                format!("The person has been given one of these notices before: {notices}."),
            );
            person.push(says(voice.say("告知", "Notice"), text));
        }
        person.push(says(voice.say("留存", "Retention"), kept));
        let ends = vec![
            says(
                voice.say("暂停", "Suspension"),
                self.read_ending(self.suspension.as_ref(), voice),
            ),
            says(
                voice.say("终止", "Termination"),
                self.read_ending(self.termination.as_ref(), voice),
            ),
        ];
        person.extend(self.quality.as_ref().map(|quality| {
            let (by, channel) = (voice.organisation(&self.provider), plain(&quality.dispute_channel));
            let days = quality.provider_response_workdays;
            let text = voice.say(
                format!("使用方对答复有异议的，提供方（{by}）在 {days} 个工作日内核实并答复；线下渠道：{channel}。"),
                format!(
                    "When the consumer contests an answer, {by} checks it and answers within {days} working days; on paper it is reached at: {channel}."
                ),
            );
            says(voice.say("校核纠错", "Disputes"), text)
        }));
        vec![
            part(voice.say("告知与留存", "Notice and retention"), person),
            part(voice.say("暂停与终止", "Suspension and termination"), ends),
            part(voice.say("承诺", "Undertakings"), self.read_undertakings(voice)),
            part(voice.say("附件", "Annexes"), self.read_annexes(voice)),
            part(voice.say("联系方式", "Contacts"), self.read_contacts(voice)),
        ]
    }

    fn read_parties(&self, voice: &Voice<'_>) -> Vec<Line> {
        let mut lines = vec![
            says(voice.say("使用方", "Consumer"), voice.organisation(&self.consumer)),
            says(voice.say("提供方", "Provider"), voice.organisation(&self.provider)),
        ];
        if let Some(platform) = &self.platform {
            let text = voice.organisation(platform);
            let text =
                voice.say(format!("{text}，须一并签署"), format!("{text}, which signs as well"));
            lines.push(says(voice.say("平台方", "Platform"), text));
        }
        let systems = voice.list(self.systems.iter().map(|system| system.as_str()));
        let systems = voice.say(
            format!("使用方仅可由下列系统查询：{systems}。"),
            format!("Only these systems of the consumer ask: {systems}."),
        );
        lines.push(says(voice.say("系统", "Systems"), systems));
        let units = voice.list(&self.operator_units);
        let units = match self.operator_units.is_empty() {
            true => voice.say("不限经办部门。", "Operators of any unit.").to_owned(),
            false => voice.say(
                format!("仅限下列部门的经办人：{units}。"),
                format!("Only operators of these units: {units}."),
            ),
        };
        lines.push(says(voice.say("经办", "Operators"), units));
        lines
    }

    fn read_legal_basis(&self, voice: &Voice<'_>) -> Vec<Line> {
        let rows = self.legal_basis.iter().map(|basis| {
            vec![voice.organisation(&basis.party), plain(&basis.instrument), plain(&basis.article)]
        });
        let names = voice.say(["所属方", "法规", "条款"], ["Party", "Instrument", "Article"]);
        vec![Line::Table { names: names.into(), rows: rows.collect() }]
    }

    fn read_term(&self, voice: &Voice<'_>) -> Vec<Line> {
        let (from, to) = (voice.moment(self.effective_from), voice.moment(self.effective_to));
        let overlap = match &self.overlap {
            None => voice
                .say("本版生效时，此前各版即停用。", "Earlier versions end when this one begins.")
                .to_owned(),
            Some(overlap) => {
                let overlap = voice.span(overlap);
                voice.say(
                    format!("本版生效后 {overlap} 内，此前各版仍可使用。"),
                    format!(
                        "Earlier versions may still be used for {overlap} after this one begins."
                    ),
                )
            }
        };
        vec![
            says(voice.say("生效", "In force from"), from),
            says(voice.say("失效", "Until"), to),
            says(voice.say("版本衔接", "Earlier versions"), overlap),
        ]
    }

    fn read_measure(&self, voice: &Voice<'_>) -> Vec<Line> {
        let hours = match &self.hours {
            None => voice.say("全天候服务。", "At all times.").to_owned(),
            Some(hours) => {
                let (days, from, to) =
                    (days(&hours.days, voice), plain(&hours.from), plain(&hours.to));
                voice.say(
                    format!("{days} {from}–{to}（北京时间）。"),
                    format!("{days}, {from}–{to}, China time."),
                )
            }
        };
        let limits = [
            (self.quota.per_second, voice.say("每秒", "a second")),
            (self.quota.per_day, voice.say("每日", "a day")),
            (self.quota.per_month, voice.say("每月", "a month")),
        ];
        let limits: Vec<String> = limits
            .into_iter()
            .filter_map(|(limit, span)| {
                let limit = limit?;
                Some(voice.say(format!("{span}最多 {limit} 次"), format!("at most {limit} {span}")))
            })
            .collect();
        let quota = match limits.is_empty() {
            true => voice.say("不限次数。", "No limit.").to_owned(),
            false => voice.say(
                format!("{}（北京时间）。", limits.join("，")),
                format!("Questions: {}, China time.", limits.join(", ")),
            ),
        };
        vec![says(voice.say("时间", "Hours"), hours), says(voice.say("配额", "Quota"), quota)]
    }

    fn read_ending(&self, ending: Option<&EndingTerms>, voice: &Voice<'_>) -> String {
        let both = [self.consumer.clone(), self.provider.clone()];
        let by = ending.map_or(both.as_slice(), |ending| ending.by.as_slice());
        if by.is_empty() {
            return voice.say("任何一方均不得单方提出。", "No party may alone.").to_owned();
        }
        let by = voice.list(by.iter().map(|party| voice.organisation(party)));
        match ending.and_then(|ending| ending.notice.as_deref()) {
            None => voice.say(
                format!("{by}可单方提出，即时生效。"),
                format!("Each of these may alone, at once: {by}."),
            ),
            Some(notice) => {
                let notice = voice.span(notice);
                voice.say(
                    format!("{by}可单方提出，须至少提前 {notice}通知。"),
                    format!("Each of these may alone, with a notice of at least {notice}: {by}."),
                )
            }
        }
    }

    fn read_undertakings(&self, voice: &Voice<'_>) -> Vec<Line> {
        let rows = self.undertakings.iter();
        let rows = rows.map(|one| vec![voice.organisation(&one.party), plain(&one.text)]);
        let names = voice.say(["承诺方", "内容"], ["Party", "What it undertakes"]);
        table(names.into(), rows.collect())
    }

    fn read_annexes(&self, voice: &Voice<'_>) -> Vec<Line> {
        let rows = self.annexes.iter().map(|one| vec![plain(&one.title), plain(&one.sha256)]);
        table(vec![voice.say("名称", "Title"), "SHA-256"], rows.collect())
    }

    fn read_contacts(&self, voice: &Voice<'_>) -> Vec<Line> {
        let rows = self
            .contacts
            .iter()
            .map(|one| vec![voice.organisation(&one.party), plain(&one.office), plain(&one.reach)]);
        let names = voice.say(["所属方", "部门", "联系方式"], ["Party", "Office", "Reached at"]);
        table(names.into(), rows.collect())
    }
}

/// A table, where there is anything to show.
fn table(names: Vec<&'static str>, rows: Vec<Vec<String>>) -> Vec<Line> {
    if rows.is_empty() { Vec::new() } else { vec![Line::Table { names, rows }] }
}
