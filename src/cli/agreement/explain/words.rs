//! What each check compared, in English or Chinese. Words of catalogues, agreements and facts only: nothing personal.

use super::{Explained, limits};
use crate::cli::agreement::source::Lang;
use crate::decision::agreement::{Agreement, Clause};
use crate::decision::denial::Denial;
use crate::decision::examine::{Aside, Examined, Outcome, Step};
use crate::decision::facts::{Facts, RoleFact, Standing};
use crate::query::time::Timestamp;
use crate::report::calendar;

/// Members of a list that are shown; of the rest their number.
const MOST: usize = 12;

impl Lang {
    pub(super) fn of<T>(self, en: T, zh: T) -> T {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }

    pub(super) fn none(self) -> String {
        self.of("none", "无").to_owned()
    }

    /// What is granted and what is asked, as most checks compare them.
    pub(super) fn granted(self, granted: impl AsRef<str>, asked: impl AsRef<str>) -> String {
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
        "well_formed" => match facts.defects.is_empty() {
            true => lang.of("no flaw", "无误").to_owned(),
            false => lang.list(
                facts.defects.iter().map(|defect| format!("{} ({})", defect.field, defect.check)),
            ),
        },
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
        "system_granted" => {
            lang.granted(lang.list(&agreement.systems), facts.caller.system.as_str())
        }
        "purpose_granted" => lang.granted(lang.list(&clause.items), facts.item.as_str()),
        "material_replaced" => {
            lang.granted(lang.list(&clause.replaces), or_none(&facts.replaced_material, lang))
        }
        "begun" => {
            let from = moment(agreement.effective_from, lang);
            let at = moment(facts.received_at, lang);
            lang.of(
                format!("in force from {from}; asked {at}"),
                format!("生效：{from}；查询：{at}"),
            )
        }
        "not_ended" => {
            let to = moment(agreement.effective_to, lang);
            let at = moment(facts.received_at, lang);
            lang.of(
                format!("in force until {to}; asked {at}"),
                format!("有效期至：{to}；查询：{at}"),
            )
        }
        "not_superseded" => versions(explained, agreement, lang),
        "not_halted" => halted(step, lang),
        "roles_granted" => lang.granted(lang.list(&clause.roles), roles(&facts.roles, lang)),
        "relations_proven" => limits::relations(clause, facts, lang),
        "nothing_withheld" => {
            let clauses = agreement.clauses.iter().filter(|one| one.fact == clause.fact);
            let never = lang.list(clauses.flat_map(|one| &one.details.never));
            let asked = asked(facts, lang);
            lang.of(
                format!("never shared: {never}; {asked}"),
                format!("不予共享：{never}；{asked}"),
            )
        }
        "assertions_granted" => {
            let asked = facts.assertions.iter().map(|asked| &asked.attribute);
            lang.granted(lang.list(&clause.assert), lang.list(asked))
        }
        "comparisons_granted" => limits::comparisons(clause, facts, lang),
        "values_granted" => limits::values(examined, clause, facts, lang),
        "disclosures_granted" => {
            let masked = clause.details.mask.iter().map(|(name, mask)| {
                lang.of(
                    format!("{name} in part ({})", mask.name()),
                    format!("{name}（脱敏：{}）", mask.name()),
                )
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
            let (person, unit) =
                (named(facts.operator_present), or_none(&facts.operator_unit, lang));
            lang.of(
                format!("operator {person}, unit {unit}"),
                format!("经办人{person}，部门：{unit}"),
            )
        }
        "operator_unit_granted" => {
            let units = match agreement.operator_units.is_empty() {
                true => lang.of("every unit", "不限部门").to_owned(),
                false => lang.list(&agreement.operator_units),
            };
            lang.granted(units, or_none(&facts.operator_unit, lang))
        }
        "notice_given" => {
            let wanted = match agreement.notices.is_empty() {
                true => lang.of("not demanded", "不要求").to_owned(),
                false => {
                    lang.of("demanded, one of: ", "须为").to_owned()
                        + &lang.list(&agreement.notices)
                }
            };
            let given = or_none(&facts.notice, lang);
            lang.of(format!("{wanted}; given: {given}"), format!("告知：{wanted}；已告知：{given}"))
        }
        "consent_given" => {
            let wanted = match clause.consent {
                true => lang.of("demanded", "要求"),
                false => lang.of("not demanded", "不要求"),
            };
            let given = named(!facts.consent.is_empty());
            lang.of(
                format!("{wanted}; reference {given}"),
                format!("本人同意：{wanted}；编号{given}"),
            )
        }
        "within_hours" => limits::hours(agreement.hours.as_ref(), facts.received_at, lang),
        "within_quota" => limits::quota(agreement, facts, lang),
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
        format!("核验：{judged}；披露：{wanted}"),
    )
}

fn versions(explained: &Explained, agreement: &Agreement, lang: Lang) -> String {
    let higher = explained
        .versions
        .iter()
        .filter(|(id, version, _)| *id == agreement.id && *version > agreement.version);
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

pub(super) fn weekday(day: u32, lang: Lang) -> &'static str {
    let names = match lang {
        Lang::En => ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
        Lang::Zh => ["周一", "周二", "周三", "周四", "周五", "周六", "周日"],
    };
    usize::try_from(day).ok().and_then(|day| names.get(day)).copied().unwrap_or_default()
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
            lang.of(format!("is with {provider}"), format!("提供方为{provider}"))
        }
        Aside::OtherConsumer => {
            let consumer = &agreement.consumer;
            lang.of(format!("is for {consumer} to ask under"), format!("使用方为{consumer}"))
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
        "not_ended" => "未到期",
        "not_superseded" => "未被取代",
        "not_halted" => "未暂停或撤销",
        "roles_granted" => "许可对象",
        "relations_proven" => "关系证明",
        "nothing_withheld" => "不予共享项",
        "assertions_granted" => "许可核验项",
        "comparisons_granted" => "许可比较方式",
        "values_granted" => "许可比较值",
        "disclosures_granted" => "许可披露项",
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
