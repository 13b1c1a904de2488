//! What each check compared, in English or Chinese. Words of catalogues, agreements and facts only: nothing personal.

use clap::ValueEnum;

use super::Explained;
use crate::decision::agreement::{Agreement, Clause, Hours};
use crate::decision::denial::Denial;
use crate::decision::examine::{Aside, Examined, Outcome, Step};
use crate::decision::facts::{AssertionFact, Facts, RoleFact, Standing};
use crate::query::time::Timestamp;
use crate::report::calendar;

/// Members of a list that are shown; of the rest their number.
const MOST: usize = 12;

/// The language of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Lang {
    /// English
    #[default]
    En,
    /// Chinese (中文)
    Zh,
}

impl Lang {
    pub(super) fn of<T>(self, en: T, zh: T) -> T {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }

    fn none(self) -> String {
        self.of("none", "无").to_owned()
    }

    /// What is granted and what is asked, as most checks compare them.
    fn granted(self, granted: impl AsRef<str>, asked: impl AsRef<str>) -> String {
        let (granted, asked) = (granted.as_ref(), asked.as_ref());
        self.of(
            format!("granted: {granted}; asked: {asked}"),
            format!("协议许可：{granted}；本次：{asked}"),
        )
    }

    pub(super) fn list<T: ToString>(self, members: impl IntoIterator<Item = T>) -> String {
        let all: Vec<String> = members.into_iter().map(|member| member.to_string()).collect();
        let separator = self.of(", ", "、");
        match all.len() {
            0 => self.none(),
            count if count > MOST => {
                let shown = all.get(..MOST).unwrap_or_default().join(separator);
                let more = count - MOST;
                self.of(format!("{shown} and {more} more"), format!("{shown}等{count}项"))
            }
            _ => all.join(separator),
        }
    }
}

/// What a check of the question looked at; empty for one that this page has no words for.
pub(super) fn of_question(check: &str, facts: &Facts, lang: Lang) -> String {
    match check {
        "well_formed" => lang.list(
            facts.defects.iter().map(|defect| format!("{} ({})", defect.field, defect.check)),
        ),
        "caller_stands" => {
            let (caller, standing) = (&facts.caller, standing(facts.caller.standing, lang));
            format!("{}/{}: {standing}", caller.organisation, caller.system)
        }
        "purpose_named" => {
            let name = |text: Option<&str>| text.map_or_else(|| lang.none(), str::to_owned);
            let fact = name(facts.fact.as_ref().map(|fact| fact.as_str()));
            let provider = name(facts.provider.as_ref().map(|provider| provider.as_str()));
            let item = format!("{}@{}", facts.item, facts.item_version);
            lang.of(
                format!("fact {fact} of {provider}, for the item {item}"),
                format!("事实{fact}（{provider}），事项{item}"),
            )
        }
        "subject_named" => roles(&facts.roles, lang),
        "something_asked" => asked(facts, lang),
        _ => String::new(),
    }
}

/// What a check of one clause compared.
pub(super) fn of_clause(
    check: &str,
    explained: &Explained,
    examined: &Examined,
    step: &Step,
    lang: Lang,
) -> String {
    let (facts, agreement) = (&explained.facts, &*examined.agreement);
    let Some(clause) = examined.clause() else { return String::new() };
    match check {
        "system_granted" => lang.granted(lang.list(&agreement.systems), facts.caller.system.as_str()),
        "purpose_granted" => lang.granted(lang.list(&clause.items), facts.item.as_str()),
        "material_replaced" => {
            lang.granted(lang.list(&clause.replaces), or_none(&facts.replaced_material, lang))
        }
        "begun" => {
            let from = moment(agreement.effective_from, lang);
            let at = moment(facts.received_at, lang);
            lang.of(format!("in force from {from}; asked {at}"), format!("生效：{from}；查询：{at}"))
        }
        "not_ended" => {
            let to = moment(agreement.effective_to, lang);
            let at = moment(facts.received_at, lang);
            lang.of(format!("in force until {to}; asked {at}"), format!("终止：{to}；查询：{at}"))
        }
        "not_superseded" => versions(explained, agreement, lang),
        "not_halted" => halted(step, lang),
        "roles_granted" => lang.granted(lang.list(&clause.roles), roles(&facts.roles, lang)),
        "relations_proven" => relations(clause, facts, lang),
        "nothing_withheld" => {
            let clauses = agreement.clauses.iter().filter(|one| one.fact == clause.fact);
            let never = lang.list(clauses.flat_map(|one| &one.never));
            let asked = asked(facts, lang);
            lang.of(format!("never shared: {never}; {asked}"), format!("不予共享：{never}；{asked}"))
        }
        "assertions_granted" => {
            let asked = facts.assertions.iter().map(|asked| &asked.attribute);
            lang.granted(lang.list(&clause.assert), lang.list(asked))
        }
        "comparisons_granted" => comparisons(clause, facts, lang),
        "values_granted" => values(examined, clause, facts, lang),
        "disclosures_granted" => {
            let masked = clause.mask.iter().map(|(name, mask)| {
                lang.of(format!("{name} in part ({})", mask.name()), format!("{name}（部分：{}）", mask.name()))
            });
            let whole = clause.disclose.iter().map(ToString::to_string);
            lang.granted(lang.list(whole.chain(masked)), lang.list(&facts.disclose))
        }
        _ => of_circumstances(check, facts, agreement, clause, lang),
    }
}

fn of_circumstances(
    check: &str,
    facts: &Facts,
    agreement: &Agreement,
    clause: &Clause,
    lang: Lang,
) -> String {
    let named = |is_named: bool| match is_named {
        true => lang.of("named", "已填"),
        false => lang.of("not named", "未填"),
    };
    match check {
        "case_named" => named(!facts.case_number.is_empty()).to_owned(),
        "operator_named" => {
            let (person, unit) = (named(facts.operator_present), or_none(&facts.operator_unit, lang));
            lang.of(format!("operator {person}, unit {unit}"), format!("经办人{person}，部门：{unit}"))
        }
        "operator_unit_granted" => {
            let units = match agreement.operator_units.is_empty() {
                true => lang.of("every unit", "不限部门").to_owned(),
                false => lang.list(&agreement.operator_units),
            };
            lang.granted(units, or_none(&facts.operator_unit, lang))
        }
        "notice_given" => {
            let wanted = lang.list(&agreement.notices);
            let given = or_none(&facts.notice, lang);
            lang.of(format!("demanded, one of: {wanted}; given: {given}"), format!("要求告知：{wanted}；已告知：{given}"))
        }
        "consent_given" => {
            let wanted = match clause.consent {
                true => lang.of("demanded", "要求"),
                false => lang.of("not demanded", "不要求"),
            };
            let given = named(!facts.consent.is_empty());
            lang.of(format!("{wanted}; reference {given}"), format!("本人同意：{wanted}；编号{given}"))
        }
        "within_hours" => hours(agreement.hours.as_ref(), facts.received_at, lang),
        "within_quota" => quota(agreement, facts, lang),
        "not_frozen" => {
            let names = lang.list(&facts.freezes);
            lang.of(format!("freezes: {names}"), format!("冻结：{names}"))
        }
        "in_time" => match facts.deadline {
            None => lang.of("no deadline", "无时限").to_owned(),
            Some(left) => {
                let left = humantime::format_duration(left).to_string();
                lang.of(format!("{left} left"), format!("剩余{left}"))
            }
        },
        _ => String::new(),
    }
}

fn or_none(text: &str, lang: Lang) -> String {
    if text.is_empty() { lang.none() } else { text.to_owned() }
}

fn standing(standing: Standing, lang: Lang) -> &'static str {
    match standing {
        Standing::Registered => lang.of("registered, may put questions", "已登记，有查询权"),
        Standing::Unnamed => lang.of("the certificate names nobody", "证书未载名称"),
        Standing::UnknownOrganisation => lang.of("no such organisation", "机构未登记"),
        Standing::UnknownSystem => lang.of("no such system", "系统未登记"),
        Standing::ForeignAuthority => lang.of("another's authority issued it", "证书由他机构签发"),
        Standing::NoQueryRight => lang.of("may not put questions", "无查询权"),
    }
}

fn roles(roles: &[RoleFact], lang: Lang) -> String {
    lang.list(roles.iter().map(|subject| &subject.role))
}

fn asked(facts: &Facts, lang: Lang) -> String {
    let judged = facts.assertions.iter();
    let judged = judged.map(|asked| format!("{} {}", asked.attribute, asked.comparison.name()));
    let (judged, wanted) = (lang.list(judged), lang.list(&facts.disclose));
    lang.of(
        format!("asserted: {judged}; values wanted: {wanted}"),
        format!("核验：{judged}；取值：{wanted}"),
    )
}

fn versions(explained: &Explained, agreement: &Agreement, lang: Lang) -> String {
    let higher = explained.versions.iter().filter(|(id, version, _)| {
        *id == agreement.id && *version > agreement.version
    });
    let higher = lang.list(higher.map(|(_, version, from)| {
        let from = moment(*from, lang);
        lang.of(format!("{version} from {from}"), format!("第{version}版（{from}起）"))
    }));
    let own = agreement.version;
    lang.of(
        format!("version {own}; higher versions: {higher}"),
        format!("第{own}版；更高版本：{higher}"),
    )
}

fn halted(step: &Step, lang: Lang) -> String {
    match &step.outcome {
        Outcome::Failed(Denial::Suspended { by, .. }) => {
            lang.of(format!("suspended by {by}"), format!("{by}已暂停"))
        }
        Outcome::Failed(Denial::Revoked { by, .. }) => {
            lang.of(format!("revoked by {by}"), format!("{by}已撤销"))
        }
        _ => lang.of("no order against it", "无暂停或撤销").to_owned(),
    }
}

fn relations(clause: &Clause, facts: &Facts, lang: Lang) -> String {
    let of_subject = |subject: &RoleFact| {
        let accepted = clause.relations(&subject.role)?;
        let accepted = lang.list(accepted.iter().map(|relation| relation.name()));
        let stated = subject.relation.map_or_else(|| lang.none(), |stated| match subject.shown_by {
            0 => stated.name().to_owned(),
            index => lang.of(
                format!("{} by entry {index}", stated.name()),
                format!("{}（条目{index}）", stated.name()),
            ),
        });
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

fn comparisons(clause: &Clause, facts: &Facts, lang: Lang) -> String {
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
fn values(examined: &Examined, clause: &Clause, facts: &Facts, lang: Lang) -> String {
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

fn hours(hours: Option<&Hours>, at: Timestamp, lang: Lang) -> String {
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

fn weekday(day: u32, lang: Lang) -> &'static str {
    let names = match lang {
        Lang::En => ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
        Lang::Zh => ["周一", "周二", "周三", "周四", "周五", "周六", "周日"],
    };
    usize::try_from(day).ok().and_then(|day| names.get(day)).copied().unwrap_or_default()
}

fn quota(agreement: &Agreement, facts: &Facts, lang: Lang) -> String {
    let used = facts.quota.iter().find(|used| used.agreement == agreement.id);
    let quota = &agreement.quota;
    let limits = [
        (quota.per_second, used.map(|used| used.second), lang.of("a second", "每秒")),
        (quota.per_day, used.map(|used| used.day), lang.of("a day", "每日")),
        (quota.per_month, used.map(|used| used.month), lang.of("a month", "每月")),
    ];
    let of = |(limit, used, period): &(Option<u64>, Option<u64>, &str)| {
        let limit = (*limit)?;
        let used = used.map_or_else(|| lang.of("not recorded", "未记录").to_owned(), |used| used.to_string());
        Some(lang.of(format!("{limit} {period}, used {used}"), format!("{period}{limit}次，已用{used}次")))
    };
    let all: Vec<String> = limits.iter().filter_map(of).collect();
    match all.is_empty() {
        true => lang.of("no limit", "不限次数").to_owned(),
        false => all.join("; "),
    }
}

/// Why an agreement was not looked at.
pub(super) fn aside(why: Aside, agreement: &Agreement, lang: Lang) -> String {
    match why {
        Aside::OtherFacts => {
            let facts = lang.list(agreement.clauses.iter().map(|clause| &clause.fact));
            lang.of(format!("grants other facts: {facts}"), format!("许可其他事实：{facts}"))
        }
        Aside::OtherProvider => {
            let provider = &agreement.provider;
            lang.of(format!("is with {provider}"), format!("对方为{provider}"))
        }
        Aside::OtherConsumer => {
            let consumer = &agreement.consumer;
            lang.of(format!("is for {consumer} to ask under"), format!("查询方为{consumer}"))
        }
    }
}

/// A moment in China, with the day of the week.
pub(super) fn moment(at: Timestamp, lang: Lang) -> String {
    let wall = calendar::in_china(at);
    let text = wall.strftime("%Y-%m-%d %H:%M").to_string();
    lang.of(
        format!("{text} ({})", weekday(at.china_weekday(), lang)),
        format!("{text}（{}）", weekday(at.china_weekday(), lang)),
    )
}

/// Chinese name of a check; its stable name where this page has none.
pub(super) fn name(check: &'static str, lang: Lang) -> &'static str {
    if lang == Lang::En {
        return check;
    }
    match check {
        "well_formed" => "格式",
        "caller_stands" => "查询方登记",
        "purpose_named" => "事实与事项",
        "subject_named" => "查询对象",
        "something_asked" => "查询内容",
        "system_granted" => "许可系统",
        "purpose_granted" => "许可事项",
        "material_replaced" => "替代材料",
        "begun" => "已生效",
        "not_ended" => "未终止",
        "not_superseded" => "未被取代",
        "not_halted" => "未暂停或撤销",
        "roles_granted" => "许可对象",
        "relations_proven" => "关系证明",
        "nothing_withheld" => "不予共享项",
        "assertions_granted" => "许可核验项",
        "comparisons_granted" => "许可比较方式",
        "values_granted" => "许可比较值",
        "disclosures_granted" => "许可取值项",
        "case_named" => "办件编号",
        "operator_named" => "经办人",
        "operator_unit_granted" => "经办部门",
        "notice_given" => "告知",
        "consent_given" => "同意",
        "within_hours" => "服务时间",
        "within_quota" => "次数限额",
        "not_frozen" => "未冻结",
        "in_time" => "时限",
        other => other,
    }
}
