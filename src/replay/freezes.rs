//! What decided at one time: agreements, and the freezes that a question's facts must name, all of them and no other.

use crate::decision::agreements::AgreementSet;
use crate::decision::facts::Facts;
use crate::decision::freeze::Freezes;

/// What was in force together.
#[derive(Default)]
pub(super) struct View {
    pub(super) agreements: AgreementSet,
    pub(super) freezes: Freezes,
}

impl View {
    /// How the freezes in the facts differ from those that stopped such a question; `None` when they do not.
    pub(super) fn other_freezes(&self, facts: &Facts) -> Option<String> {
        let (provider, fact) = (facts.provider.as_ref(), facts.fact.as_ref());
        let in_force = self.freezes.over(provider, fact, &facts.caller.organisation);
        if in_force == facts.freezes {
            return None;
        }
        let named = |names: &[String], beside: &[String]| -> Vec<String> {
            let other = names.iter().filter(|name| !beside.contains(name));
            other.map(|name| format!("`{name}`")).collect()
        };
        let missing = named(&in_force, &facts.freezes);
        let extra = named(&facts.freezes, &in_force);
        Some(match (missing.is_empty(), extra.is_empty()) {
            (false, _) => {
                format!("{} was in force, and the facts do not say so", missing.join(" and "))
            }
            (true, false) => {
                format!("the facts name {}, which was not in force", extra.join(" and "))
            }
            (true, true) => "the facts name freezes twice or out of order".to_owned(),
        })
    }
}
