//! An order as a page for people.

use jiff::tz::{TimeZone, offset};

use super::{Act, Order, Version};

/// The clock on the wall in China.
pub(super) fn in_china(at: jiff::Timestamp) -> String {
    let there = at.to_zoned(TimeZone::fixed(offset(8)));
    there.strftime("%Y-%m-%d %H:%M:%S, China time").to_string()
}

impl Order {
    /// What it does, in words.
    pub fn in_words(&self) -> String {
        let Ok(act) = self.act() else { return "makes no sense".to_owned() };
        let of = |Version { agreement, version }: Version| {
            let from = self.from_in_words().map(|from| format!(" from {from}"));
            format!("{agreement} version {version}{}", from.unwrap_or_default())
        };
        match act {
            Act::Suspend(version) => format!("suspends {}", of(version)),
            Act::Resume(version) => format!("resumes {}", of(version)),
            Act::Revoke(version) => format!("revokes {}", of(version)),
            Act::Freeze(scope) => {
                let about = scope.fact.map_or(String::new(), |fact| format!(" about {fact}"));
                let from = scope.caller.map_or(String::new(), |caller| format!(" from {caller}"));
                format!("freezes all questions{about}{from} to {}", scope.provider)
            }
            Act::Unfreeze(freeze) => format!("lifts the freeze {freeze}"),
        }
    }

    /// From when it acts, where it says so: `2026-12-01 00:00:00, China time`.
    pub fn from_in_words(&self) -> Option<String> {
        self.from.map(in_china)
    }

    /// A page for people.
    pub fn page(&self) -> String {
        format!(
            "order {}\n  {} {}\n  given       {}\n  reason      {}\n",
            self.id,
            self.by,
            self.in_words(),
            in_china(self.at),
            self.reason
        )
    }
}
