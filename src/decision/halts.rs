//! Orders that stand against agreements: what each does, whose it is, and from when it acts.

use std::collections::HashMap;

use super::agreement::Agreement;
use crate::query::OrganisationId;
use crate::query::time::Timestamp;

/// Why an agreement that its parties signed grants nothing: the order of one of them.
///
/// `from` is the first moment at which it grants nothing; 0 where the order acts since it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// Until that party resumes it.
    Suspended {
        /// Whose order it is.
        by: OrganisationId,
        /// From when.
        from: Timestamp,
    },
    /// For good.
    Revoked {
        /// Whose order it is.
        by: OrganisationId,
        /// From when.
        from: Timestamp,
    },
}

impl Halt {
    /// The first moment at which the agreement grants nothing.
    pub fn begins(&self) -> Timestamp {
        match self {
            Self::Suspended { from, .. } | Self::Revoked { from, .. } => *from,
        }
    }
}

/// Every halt, begun or not. As many as orders stand, however many agreements there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Halts {
    /// By agreement, with the version; of each the revocation first.
    by_agreement: HashMap<String, Vec<(u32, Halt)>>,
    /// When each begins, ascending.
    begin: Vec<Timestamp>,
}

impl Halts {
    /// Why the agreement grants nothing at that moment; `None` when no order that has begun stands against it.
    pub fn on(&self, agreement: &Agreement, at: Timestamp) -> Option<&Halt> {
        self.of(&agreement.id, agreement.version, at)
    }

    /// The same by its name, also where its document is not there any more.
    pub fn of(&self, agreement: &str, version: u32, at: Timestamp) -> Option<&Halt> {
        let halts = self.by_agreement.get(agreement)?;
        let acts = |(of, halt): &&(u32, Halt)| *of == version && halt.begins() <= at;
        halts.iter().find(acts).map(|(_, halt)| halt)
    }

    /// When each begins, ascending.
    pub fn moments(&self) -> &[Timestamp] {
        &self.begin
    }

    /// How many have begun by then. While the same orders stand, what an agreement grants changes only when this does.
    pub fn begun(&self, at: Timestamp) -> u64 {
        self.begin.partition_point(|begins| *begins <= at) as u64
    }
}

/// Of agreements by id and version.
impl FromIterator<(String, u32, Halt)> for Halts {
    fn from_iter<I: IntoIterator<Item = (String, u32, Halt)>>(halts: I) -> Self {
        let mut all = Self::default();
        for (agreement, version, halt) in halts {
            all.begin.push(halt.begins());
            all.by_agreement.entry(agreement).or_default().push((version, halt));
        }
        all.begin.sort_unstable();
        for halts in all.by_agreement.values_mut() {
            halts.sort_by_key(|(_, halt)| matches!(halt, Halt::Suspended { .. }));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::sample;

    #[test]
    fn a_halt_acts_from_its_beginning_on_its_version_alone() {
        let agreement = sample::agreement();
        let of = |version, halt: &Halt| (agreement.id.clone(), version, halt.clone());
        let suspended = Halt::Suspended { by: "civil-affairs".into(), from: Timestamp(5) };
        let revoked = Halt::Revoked { by: "fund-centre".into(), from: Timestamp(7) };
        let halts: Halts =
            [of(1, &suspended), of(2, &revoked), of(1, &revoked)].into_iter().collect();
        for (at, expected, begun) in [
            (4, None, 0),
            (5, Some(&suspended), 1),
            (6, Some(&suspended), 1),
            (7, Some(&revoked), 3),
            (u64::MAX, Some(&revoked), 3),
        ] {
            assert_eq!(halts.on(&agreement, Timestamp(at)), expected, "{at}");
            assert_eq!(halts.begun(Timestamp(at)), begun, "{at}");
        }
        let other = Agreement { version: 3, ..agreement };
        assert_eq!(halts.on(&other, Timestamp(9)), None);
    }
}
