//! The limits of a clause in words: proofs, comparisons, values, hours, quotas.

use super::words::weekday;
use crate::cli::agreement::source::Lang;
use crate::decision::agreement::{Agreement, Clause, Hours};
use crate::decision::examine::Examined;
use crate::decision::facts::{AssertionFact, Facts, RoleFact};
use crate::query::time::Timestamp;

pub(super) fn relations(clause: &Clause, facts: &Facts, lang: Lang) -> String {
    let of_subject = |subject: &RoleFact| {
        let accepted = clause.relations(&subject.role)?;
        let accepted = lang.list(accepted.iter().map(|relation| relation.name()));
        let stated = subject.relation.map_or_else(
            || lang.none(),
            |stated| match subject.shown_by {
                0 => stated.name().to_owned(),
                index => lang.of(
                    format!("{} by entry {index}", stated.name()),
                    format!("{}（条目{index}）", stated.name()),
                ),
            },
        );
        let role = &subject.role;
        Some(lang.of(
            format!("{role} needs one of {accepted}; stated: {stated}"),
            format!("{role}须为{accepted}；声明：{stated}"),
        ))
    };
    let all: Vec<String> = facts.roles.iter().filter_map(of_subject).collect();
    match all.is_empty() {
        true => lang.of("no role needs proof", "无须证明关系").to_owned(),
        false => all.join("; "),
    }
}

pub(super) fn comparisons(clause: &Clause, facts: &Facts, lang: Lang) -> String {
    let limited = |asked: &AssertionFact| {
        let limit = clause.limit(&asked.attribute).filter(|limit| !limit.comparisons.is_empty())?;
        let granted = lang.list(limit.comparisons.iter().map(|comparison| comparison.name()));
        let compared = lang.granted(granted, asked.comparison.name());
        Some(format!("{}: {compared}", asked.attribute))
    };
    let all: Vec<String> = facts.assertions.iter().filter_map(limited).collect();
    match all.is_empty() {
        true => lang.of("every comparison", "不限比较方式").to_owned(),
        false => all.join("; "),
    }
}

/// The values compared with are not in the facts; whether they keep the limit is.
pub(super) fn values(examined: &Examined, clause: &Clause, facts: &Facts, lang: Lang) -> String {
    let reference = examined.reference();
    let limited = |asked: &AssertionFact| {
        let limit = clause.limit(&asked.attribute).filter(|limit| limit.is_about_values())?;
        let listed = (!limit.values.is_empty()).then_some(limit.values.len());
        let granted = match (listed, limit.multiple_of) {
            (Some(count), None) => lang.of(format!("{count} values"), format!("{count}个值")),
            (None, Some(step)) => lang.of(format!("multiples of {step}"), format!("{step}的倍数")),
            (listed, step) => {
                let (count, step) = (listed.unwrap_or_default(), step.unwrap_or_default());
                lang.of(
                    format!("{count} values, multiples of {step}"),
                    format!("{count}个值且为{step}的倍数"),
                )
            }
        };
        let kept = match asked.within.contains(&reference) {
            true => lang.of("kept to", "符合"),
            false => lang.of("not kept to", "不符合"),
        };
        Some(format!("{}: {granted}: {kept}", asked.attribute))
    };
    let all: Vec<String> = facts.assertions.iter().filter_map(limited).collect();
    match all.is_empty() {
        true => lang.of("every value", "不限取值").to_owned(),
        false => all.join("; "),
    }
}

pub(super) fn hours(hours: Option<&Hours>, at: Timestamp, lang: Lang) -> String {
    let Some(hours) = hours else { return lang.of("served always", "全天服务").to_owned() };
    let days = lang.list(hours.days.iter().map(|day| weekday(*day, lang)));
    let clock = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
    let (from, to) = (clock(hours.from_minute), clock(hours.to_minute));
    let (day, now) = (weekday(at.china_weekday(), lang), clock(at.china_minute_of_day()));
    lang.of(
        format!("served {days} {from}–{to}; asked {day} {now}"),
        format!("服务时间：{days} {from}–{to}；查询：{day} {now}"),
    )
}

pub(super) fn quota(agreement: &Agreement, facts: &Facts, lang: Lang) -> String {
    let used = facts.quota.iter().find(|used| used.agreement == agreement.id);
    let quota = &agreement.quota;
    let limits = [
        (quota.per_second, used.map(|used| used.second), lang.of("a second", "每秒")),
        (quota.per_day, used.map(|used| used.day), lang.of("a day", "每日")),
        (quota.per_month, used.map(|used| used.month), lang.of("a month", "每月")),
    ];
    let of = |(limit, used, period): &(Option<u64>, Option<u64>, &str)| {
        let limit = (*limit)?;
        let used = used
            .map_or_else(|| lang.of("not recorded", "未记录").to_owned(), |used| used.to_string());
        Some(lang.of(
            format!("{limit} {period}, used {used}"),
            format!("{period}{limit}次，已用{used}次"),
        ))
    };
    let all: Vec<String> = limits.iter().filter_map(of).collect();
    match all.is_empty() {
        true => lang.of("no limit", "不限次数").to_owned(),
        false => all.join("; "),
    }
}
