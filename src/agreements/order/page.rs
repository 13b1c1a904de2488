//! An order as a page for people.

use super::{Act, Order, Version};

impl Order {
    /// What it does, in words.
    pub fn in_words(&self) -> String {
        let Ok(act) = self.act() else { return "makes no sense".to_owned() };
        let of = |Version { agreement, version }: Version| format!("{agreement} version {version}");
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

    /// A page for people.
    pub fn page(&self) -> String {
        let at = self.at.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(8)));
        let at = at.strftime("%Y-%m-%d %H:%M:%S");
        format!(
            "order {}\n  {} {}\n  given       {at}, China time\n  reason      {}\n",
            self.id,
            self.by,
            self.in_words(),
            self.reason
        )
    }
}
