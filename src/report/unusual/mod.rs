//! Use that someone should ask about: five simple rules over the questions of one unit, one case or one caller.
//!
//! None of them says that anything is wrong. Each says what was seen, against which bound, and why it is looked at.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

use super::calendar::{self, Month};
use crate::decision::facts::Facts;
use crate::query::time::Timestamp;

/// One rule, as reports print it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Stable name.
    pub name: &'static str,
    /// Chinese name.
    pub name_zh: &'static str,
    /// The bound.
    pub bound: &'static str,
    /// Why it is looked at.
    pub why: &'static str,
}

/// Far more questions than its peers ask.
pub const BUSY: Rule = Rule {
    name: "busy",
    name_zh: "查询量明显偏高",
    bound: "100 questions or more in the month, and more than 5 times the median of the other units of its organisation (of at least two others)",
    why: "a unit that asks far more than others with the same work may be asking for somebody else",
};

/// Questions when the counters are closed.
pub const OFF_HOURS: Rule = Rule {
    name: "off-hours",
    name_zh: "非工作时间查询",
    bound: "20 questions or more in the month between 20:00 and 07:00 or on a Saturday or Sunday, and more than a fifth of the unit's questions (public holidays are not known here)",
    why: "questions serve cases, and cases are worked on in office hours",
};

/// Many cases in one hour.
pub const MANY_CASES: Rule = Rule {
    name: "many-cases",
    name_zh: "一小时内案件过多",
    bound: "more than 60 different case numbers in one hour of the clock",
    why: "a person at a desk cannot work on a case a minute; invented case numbers can be used to search",
};

/// One case asked about again and again.
pub const REPEATED_CASE: Rule = Rule {
    name: "repeated-case",
    name_zh: "同一案件反复查询",
    bound: "more than 20 questions on one case number of one organisation in one day",
    why: "one case needs a handful of answers; a case number used again and again may stand for other people",
};

/// Denial after denial.
pub const DENIALS: Rule = Rule {
    name: "denials",
    name_zh: "拒绝集中出现",
    bound: "20 denials or more of one system within 10 minutes",
    why: "someone is trying what is allowed, or a system was changed and nobody noticed",
};

/// All rules, in the order of reports.
pub const RULES: [Rule; 5] = [BUSY, OFF_HOURS, MANY_CASES, REPEATED_CASE, DENIALS];

/// Most cases of unusual use listed; beyond it they are only counted.
const MOST_LISTED: usize = 500;

/// Most units watched in one month; a caller that invents more is not told apart any further.
const MOST_UNITS: usize = 20_000;

/// Case numbers counted of one day. Where there are more, counts are lower bounds (Misra and Gries): nothing is
/// listed that was not so.
const MOST_CASES: usize = 16_384;

/// Different cases counted of one unit in one hour.
const MOST_CASES_AN_HOUR: usize = 1_000;

const BUSY_FROM: u64 = 100;
const BUSY_TIMES: u64 = 5;
const OFF_HOURS_FROM: u64 = 20;
const CASES_AN_HOUR: usize = 60;
const QUESTIONS_A_CASE: u64 = 20;
const BURST: usize = 20;
const BURST_WITHIN: Duration = Duration::from_secs(600);

/// One case of unusual use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusual {
    /// The rule.
    pub rule: Rule,
    /// Whose: organisation and unit, operator, case or system.
    pub who: String,
    /// When: a month, a day, an hour or a moment, China time.
    pub when: String,
    /// What was counted.
    pub count: u64,
    /// Against what, for people.
    pub text: String,
}

/// A question as the rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Its facts.
    pub facts: &'a Facts,
    /// Whether it was denied.
    pub is_denied: bool,
    /// The person at the desk, for those who hold the key.
    pub operator: Option<&'a str>,
}

/// Watching in progress.
#[derive(Debug, Default)]
pub struct Watch {
    /// By month, organisation, and unit or operator.
    units: BTreeMap<(Month, String, String), Unit>,
    cases: Cases,
    callers: HashMap<String, Burst>,
    found: Vec<Unusual>,
    more: u64,
}

#[derive(Debug, Default)]
struct Unit {
    questions: u64,
    off_hours: u64,
    /// Hour since 1970, and the cases in it.
    hour: u64,
    cases: HashSet<String>,
    /// Most cases in one hour, and that hour.
    most: (usize, u64),
}

#[derive(Debug, Default)]
struct Cases {
    day: u64,
    counts: HashMap<(String, String), u64>,
}

#[derive(Debug, Default)]
struct Burst {
    latest: VecDeque<Timestamp>,
    /// Beginning of the burst that is going on, and its denials.
    current: Option<(Timestamp, u64)>,
}

impl Watch {
    /// Takes the first entry of a question into account.
    pub fn question(&mut self, question: &Question<'_>) {
        let facts = question.facts;
        let organisation = facts.caller.organisation.to_string();
        let unit = match facts.operator_unit.as_str() {
            "" => "(no unit)".to_owned(),
            unit => unit.to_owned(),
        };
        let operator = question.operator.map(|operator| format!("{unit}: {operator}"));
        for who in [Some(unit), operator].into_iter().flatten() {
            self.unit((Month::of(facts.received_at), organisation.clone(), who), facts);
        }
        let day = facts.received_at.china_day();
        if day > self.cases.day {
            self.close_day();
            self.cases.day = day;
        }
        if !facts.case_number.is_empty() {
            self.cases.count(organisation, &facts.case_number);
        }
        if question.is_denied {
            self.denial(facts);
        }
    }

    /// What was found, and how much more there was than is listed.
    pub fn finish(mut self) -> (Vec<Unusual>, u64) {
        self.close_day();
        let callers = std::mem::take(&mut self.callers);
        for (caller, burst) in callers {
            if let Some(burst) = burst.current {
                self.burst(&caller, burst);
            }
        }
        self.judge_units();
        let place = |found: &Unusual| RULES.iter().position(|rule| *rule == found.rule);
        self.found.sort_by(|a, b| {
            (place(a), &a.when, b.count, &a.who).cmp(&(place(b), &b.when, a.count, &b.who))
        });
        (self.found, self.more)
    }

    fn find(&mut self, rule: Rule, who: String, when: String, count: u64, text: String) {
        if self.found.len() < MOST_LISTED {
            self.found.push(Unusual { rule, who, when, count, text });
        } else {
            self.more += 1;
        }
    }

    fn unit(&mut self, key: (Month, String, String), facts: &Facts) {
        if self.units.len() >= MOST_UNITS && !self.units.contains_key(&key) {
            return;
        }
        let unit = self.units.entry(key).or_default();
        let at = facts.received_at;
        unit.questions += 1;
        unit.off_hours += u64::from(is_off_hours(at));
        let hour = at.seconds() / 3600;
        if hour > unit.hour {
            unit.close_hour();
            unit.hour = hour;
        }
        if !facts.case_number.is_empty() && unit.cases.len() < MOST_CASES_AN_HOUR {
            unit.cases.insert(facts.case_number.clone());
        }
    }

    fn denial(&mut self, facts: &Facts) {
        let caller = format!("{}/{}", facts.caller.organisation, facts.caller.system);
        if self.callers.len() >= MOST_UNITS && !self.callers.contains_key(&caller) {
            return;
        }
        let ended = self.callers.entry(caller.clone()).or_default().denial(facts.received_at);
        if let Some(burst) = ended {
            self.burst(&caller, burst);
        }
    }

    fn burst(&mut self, caller: &str, (from, count): (Timestamp, u64)) {
        let text = format!("{count} denials, {BURST} or more of them within 10 minutes");
        self.find(DENIALS, caller.to_owned(), calendar::moment(from), count, text);
    }

    fn close_day(&mut self) {
        let day = self.cases.day;
        for ((organisation, case), count) in std::mem::take(&mut self.cases.counts) {
            if count > QUESTIONS_A_CASE {
                let text = format!("{count} questions on one case in one day");
                let who = format!("{organisation}, case {case}");
                self.find(REPEATED_CASE, who, calendar::day(day), count, text);
            }
        }
    }

    fn judge_units(&mut self) {
        let mut units = std::mem::take(&mut self.units);
        let mut peers: BTreeMap<(Month, String, bool), Vec<u64>> = BTreeMap::new();
        for ((month, organisation, who), unit) in &units {
            let group = (*month, organisation.clone(), is_operator(who));
            peers.entry(group).or_default().push(unit.questions);
        }
        for ((month, organisation, who), unit) in &mut units {
            unit.close_hour();
            let name = format!("{organisation}, {who}");
            let group = (*month, organisation.clone(), is_operator(who));
            let median = peers.get(&group).and_then(|all| median_without(all, unit.questions));
            let questions = unit.questions;
            if let Some(median) = median
                && questions >= BUSY_FROM
                && questions > BUSY_TIMES * median
            {
                let text = format!("{questions} questions; the median of the others is {median}");
                self.find(BUSY, name.clone(), month.to_string(), questions, text);
            }
            if unit.off_hours >= OFF_HOURS_FROM && unit.off_hours * 5 > questions {
                let text =
                    format!("{} of {questions} questions out of office hours", unit.off_hours);
                self.find(OFF_HOURS, name.clone(), month.to_string(), unit.off_hours, text);
            }
            let (cases, hour) = unit.most;
            if cases > CASES_AN_HOUR {
                let when = calendar::moment(Timestamp::from_seconds(hour * 3600));
                let more = if cases >= MOST_CASES_AN_HOUR { " or more" } else { "" };
                let text = format!("{cases}{more} different cases within the hour");
                self.find(MANY_CASES, name, when, cases as u64, text);
            }
        }
    }
}

impl Unit {
    fn close_hour(&mut self) {
        if self.cases.len() > self.most.0 {
            self.most = (self.cases.len(), self.hour);
        }
        self.cases.clear();
    }
}

impl Cases {
    fn count(&mut self, organisation: String, case: &str) {
        let key = (organisation, case.to_owned());
        if let Some(count) = self.counts.get_mut(&key) {
            *count += 1;
        } else if self.counts.len() < MOST_CASES {
            self.counts.insert(key, 1);
        } else {
            self.counts.retain(|_, count| {
                *count -= 1;
                *count > 0
            });
        }
    }
}

impl Burst {
    /// Takes a denial in; gives back a burst that it shows to be over.
    fn denial(&mut self, at: Timestamp) -> Option<(Timestamp, u64)> {
        self.latest.push_back(at);
        if self.latest.len() > BURST {
            self.latest.pop_front();
        }
        let first = self.latest.front().copied().unwrap_or(at);
        let is_burst = self.latest.len() == BURST && at.since(first) <= BURST_WITHIN;
        if is_burst {
            let (from, count) = self.current.unwrap_or((first, BURST as u64 - 1));
            self.current = Some((from, count + 1));
            return None;
        }
        self.current.take()
    }
}

/// Operators and units are compared among themselves.
fn is_operator(who: &str) -> bool {
    who.contains(": ")
}

fn is_off_hours(at: Timestamp) -> bool {
    let minute = at.china_minute_of_day();
    at.china_weekday() >= 5 || !(7 * 60..20 * 60).contains(&minute)
}

/// The median of all but one that has this value; `None` of fewer than two.
fn median_without(all: &[u64], one: u64) -> Option<u64> {
    let mut others = all.to_vec();
    let place = others.iter().position(|&count| count == one)?;
    others.swap_remove(place);
    others.sort_unstable();
    if others.len() < 2 { None } else { others.get(others.len() / 2).copied() }
}

#[cfg(test)]
mod tests;
