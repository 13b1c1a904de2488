//! The words for what the form has fixed names for.

use super::super::form::{Day, Disposal, LimitValue};
use super::{Voice, plain};
use crate::decision::mask::Mask;
use crate::query::relation::Relation;
use crate::query::value::Comparison;

pub(in super::super) fn comparison(comparison: Comparison, voice: &Voice<'_>) -> &'static str {
    match comparison {
        Comparison::Eq => voice.say("等于", "equal to"),
        Comparison::Ne => voice.say("不等于", "not equal to"),
        Comparison::Lt => voice.say("小于", "less than"),
        Comparison::Le => voice.say("不大于", "at most"),
        Comparison::Gt => voice.say("大于", "more than"),
        Comparison::Ge => voice.say("不小于", "at least"),
        Comparison::In => voice.say("属于若干值之一", "one of several"),
        Comparison::Exists => voice.say("是否有值", "whether there is a value"),
        Comparison::NameMatch => voice.say("姓名一致", "the same name"),
    }
}

/// What is left of a value.
pub(in super::super) fn mask(mask: Mask, voice: &Voice<'_>) -> &'static str {
    match mask {
        Mask::Name => voice.say("仅留首字", "first character only"),
        Mask::Number => voice.say("仅留末四位", "last four characters only"),
        Mask::Year => voice.say("仅留年份", "year only"),
        Mask::Month => voice.say("仅留年月", "year and month only"),
    }
}

pub(in super::super) fn relation(relation: Relation, voice: &Voice<'_>) -> &'static str {
    match relation {
        Relation::CaseParty => voice.say("为办件当事人", "is a party of the case"),
        Relation::Declared => voice.say("由申请人申报", "the applicant has declared it"),
        Relation::Verified => voice.say("此前核验已证明", "an earlier answer has shown it"),
        Relation::Mandated => voice.say("有书面授权委托", "a written mandate"),
    }
}

pub(in super::super) fn disposal(disposal: Disposal, voice: &Voice<'_>) -> &'static str {
    match disposal {
        Disposal::Delete => voice.say("删除", "deleted"),
        Disposal::Anonymise => voice.say("匿名化", "made anonymous"),
    }
}

/// Days of the week; all seven are every day.
pub(in super::super) fn days<'a>(
    days: impl IntoIterator<Item = &'a Day>,
    voice: &Voice<'_>,
) -> String {
    let names: Vec<&str> = days.into_iter().map(|day| name(*day, voice)).collect();
    if names.len() == 7 { voice.say("每天", "every day").to_owned() } else { voice.list(names) }
}

fn name(day: Day, voice: &Voice<'_>) -> &'static str {
    match day {
        Day::Monday => voice.say("周一", "Monday"),
        Day::Tuesday => voice.say("周二", "Tuesday"),
        Day::Wednesday => voice.say("周三", "Wednesday"),
        Day::Thursday => voice.say("周四", "Thursday"),
        Day::Friday => voice.say("周五", "Friday"),
        Day::Saturday => voice.say("周六", "Saturday"),
        Day::Sunday => voice.say("周日", "Sunday"),
    }
}

pub(in super::super) fn value(value: &LimitValue, voice: &Voice<'_>) -> String {
    match value {
        LimitValue::Truth(true) => voice.say("是", "yes").to_owned(),
        LimitValue::Truth(false) => voice.say("否", "no").to_owned(),
        LimitValue::Integer(number) => number.to_string(),
        LimitValue::Text(text) => {
            voice.say(format!("“{}”", plain(text)), format!("\"{}\"", plain(text)))
        }
    }
}
