//! Who reads: the language, and where codes get their names from.

use super::plain;
use crate::catalogue::Catalogue;
use crate::parties::Register;
use crate::query::{FactCode, ItemCode, OrganisationId};

/// Languages that agreements are read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// 中文
    Chinese,
    /// English
    English,
}

/// A language, and the titles of codes where they are at hand; a code without one stands alone.
#[derive(Clone, Copy, Debug)]
pub struct Voice<'a> {
    /// The language.
    pub language: Language,
    /// Titles of facts, items, attributes and papers.
    pub catalogue: Option<&'a Catalogue>,
    /// Names of organisations.
    pub parties: Option<&'a Register>,
}

impl<'a> Voice<'a> {
    /// A voice that knows codes alone.
    pub fn of(language: Language) -> Self {
        Self { language, catalogue: None, parties: None }
    }

    /// The text in the language of the voice.
    pub fn say<T>(&self, chinese: T, english: T) -> T {
        match self.language {
            Language::Chinese => chinese,
            Language::English => english,
        }
    }

    /// Names one after another.
    pub fn list(&self, names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
        let names: Vec<String> = names.into_iter().map(|name| plain(name.as_ref())).collect();
        names.join(self.say("、", ", "))
    }

    /// `fund-centre`, with its name.
    pub fn organisation(&self, id: &OrganisationId) -> String {
        let named = self.parties.and_then(|parties| parties.organisation(id));
        self.titled(id.as_str(), named.map(|one| self.say(&one.name_zh, &one.name).as_str()))
    }

    /// `M2`, with its title.
    pub(in super::super) fn fact(&self, code: &FactCode) -> String {
        let fact = self.catalogue.and_then(|catalogue| catalogue.fact(code));
        self.titled(code.as_str(), fact.map(|one| self.say(&one.title_zh, &one.title).as_str()))
    }

    /// `W3`, with the title of its newest version.
    pub(in super::super) fn item(&self, code: &ItemCode) -> String {
        let known = self.catalogue.into_iter().flat_map(Catalogue::items);
        let newest = known.filter(|item| item.code == *code).last();
        self.titled(code.as_str(), newest.map(|one| self.say(&one.title_zh, &one.title).as_str()))
    }

    /// `married`, with its title, of which there is a Chinese one alone.
    pub(in super::super) fn attribute(&self, fact: &FactCode, name: &str) -> String {
        let fact = self.catalogue.and_then(|catalogue| catalogue.fact(fact));
        let attribute = fact.and_then(|fact| fact.attribute(name));
        self.titled(name, attribute.map(|one| one.title_zh.as_str()))
    }

    /// `marriage_certificate`, with its Chinese name.
    pub(in super::super) fn material(&self, items: &[ItemCode], code: &str) -> String {
        let known = self.catalogue.into_iter().flat_map(Catalogue::items);
        let mut asking = known.filter(|item| items.contains(&item.code));
        self.titled(code, asking.find_map(|item| item.materials.get(code)).map(String::as_str))
    }

    fn titled(&self, code: &str, title: Option<&str>) -> String {
        match title {
            None => plain(code),
            Some(title) => {
                let (code, title) = (plain(code), plain(title));
                self.say(format!("{code}（{title}）"), format!("{code} ({title})"))
            }
        }
    }

    /// A duration as it was written, its units in words: `1h 30m` is 1 hour 30 minutes.
    pub(in super::super) fn span(&self, text: &str) -> String {
        let mut words = Vec::new();
        let mut rest = text.trim();
        while let Some(end) = rest.find(|character: char| !character.is_ascii_digit()) {
            let (number, after) = rest.split_at(end);
            let after = after.trim_start();
            let end = after.find(|character: char| !character.is_alphabetic());
            let (unit, after) = after.split_at(end.unwrap_or(after.len()));
            let (Some((chinese, english)), false) = (unit_words(unit), number.is_empty()) else {
                return plain(text);
            };
            let many = if number == "1" { "" } else { "s" };
            words
                .push(self.say(format!("{number} {chinese}"), format!("{number} {english}{many}")));
            rest = after.trim_start();
        }
        if words.is_empty() { plain(text) } else { words.join(" ") }
    }

    /// A moment, China time.
    pub fn moment(&self, at: jiff::Timestamp) -> String {
        let at = at.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(8)));
        // Seconds are shown where there are any: hardly ever.
        let at = if at.second() == 0 && at.subsec_nanosecond() == 0 {
            at.strftime("%Y-%m-%d %H:%M").to_string()
        } else {
            at.datetime().to_string().replace('T', " ")
        };
        self.say(format!("{at}（北京时间）"), format!("{at} China time"))
    }
}

fn unit_words(unit: &str) -> Option<(&'static str, &'static str)> {
    Some(match unit {
        "seconds" | "second" | "secs" | "sec" | "s" => ("秒", "second"),
        "minutes" | "minute" | "mins" | "min" | "m" => ("分钟", "minute"),
        "hours" | "hour" | "hrs" | "hr" | "h" => ("小时", "hour"),
        "days" | "day" | "d" => ("天", "day"),
        "weeks" | "week" | "wks" | "wk" | "w" => ("周", "week"),
        "months" | "month" | "M" => ("个月", "month"),
        "years" | "year" | "yrs" | "yr" | "y" => ("年", "year"),
        _ => return None,
    })
}
