//! Which parties, agreements and orders were in force, from the log alone.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::Report;
use super::disputes::Workdays;
use super::freezes::View;
use crate::agreements::document::DocumentError;
use crate::agreements::order::standing::{Effect, Standing};
use crate::agreements::order::{self, Act, Order, OrderError};
use crate::audit::entry::{AgreementEvent, FreezeChange, FreezeEvent, OrderEffect, PartyEvent};
use crate::crypto::sha256;
use crate::decision::agreement::Agreement;
use crate::decision::agreements::AgreementSet;
use crate::decision::facts::{CallerFacts, Facts, Standing as Stands};
use crate::parties::Register;
use crate::query::time::Timestamp;

/// Verifies a signed agreement with the keys valid at a time.
pub type VerifyAgreement = fn(&[u8], &Register, Timestamp) -> Result<Agreement, DocumentError>;

/// Verifies a signed order with the keys valid at a time.
type VerifyOrder = fn(&[u8], &Register, Timestamp) -> Result<Order, OrderError>;

/// How long after the entry of a change the set before it may still decide: the entry is made durable first, then the
/// gateway turns over.
pub(super) const TURNS_OVER_IN: Duration = Duration::from_secs(10);

/// Earlier sets kept, for questions that were decided under one and took long to answer.
const EARLIER_SETS: usize = 64;

pub(super) struct InForce {
    verify: VerifyAgreement,
    pub(super) verify_order: VerifyOrder,
    /// Register files by organisation.
    parties: BTreeMap<String, Vec<u8>>,
    /// Made from `parties` when first needed after a change.
    register: Option<Register>,
    /// Registers that are over, with the last moment at which they can have been looked at; newest first.
    earlier_registers: VecDeque<(Timestamp, Register)>,
    /// The files make no register, which has been said.
    is_unusable: bool,
    agreements: BTreeMap<(String, u32), Arc<Agreement>>,
    /// The highest version of each that was ever adopted.
    highest: BTreeMap<String, u32>,
    standing: Standing,
    /// Made when first needed after a change.
    current: OnceLock<View>,
    /// Views that are over, newest first.
    earlier: VecDeque<Over>,
    /// The latest time at which a question was received.
    latest: Timestamp,
    longest_kept: Duration,
    /// Index of the last entry about each party, for findings.
    last_party_entries: BTreeMap<String, u64>,
    /// How long agencies have for an answer to a dispute.
    workdays: Workdays,
}

/// A view that is over.
struct Over {
    view: View,
    /// Time of the change that ended it.
    changed_at: Timestamp,
    /// The last moment at which it can have decided.
    until: Timestamp,
}

impl InForce {
    pub(super) fn new(verify: VerifyAgreement) -> Self {
        Self {
            verify,
            verify_order: order::verify,
            parties: BTreeMap::new(),
            register: None,
            earlier_registers: VecDeque::new(),
            is_unusable: false,
            agreements: BTreeMap::new(),
            highest: BTreeMap::new(),
            standing: Standing::default(),
            current: OnceLock::from(View::default()),
            earlier: VecDeque::new(),
            latest: Timestamp::default(),
            longest_kept: Duration::ZERO,
            last_party_entries: BTreeMap::new(),
            workdays: Workdays::default(),
        }
    }

    /// The view in force.
    pub(super) fn current(&self) -> &View {
        self.current.get_or_init(|| {
            let agreements = AgreementSet::new(self.agreements.values().map(Arc::clone));
            let agreements = agreements.halted_by(self.standing.halts());
            View { agreements, freezes: self.standing.freezes() }
        })
    }

    /// The views under which a question of that time may have been decided: those just over, then that in force, which
    /// is made only when the others were not it. What a finding says is about the last of them.
    pub(super) fn admissible(&self, received_at: Timestamp) -> impl Iterator<Item = &View> {
        let earlier = self.earlier.iter().filter(move |over| received_at <= over.until);
        earlier.map(|over| &over.view).chain(std::iter::once_with(|| self.current()))
    }

    /// How long agencies have for an answer to a dispute.
    pub(super) fn workdays(&self) -> &Workdays {
        &self.workdays
    }

    /// The longest time that any agreement has allowed an answer to be kept.
    pub(super) fn longest_kept(&self) -> Duration {
        self.longest_kept
    }

    pub(super) fn party(&mut self, index: u64, event: &PartyEvent, at: Timestamp) {
        let organisation = match event {
            PartyEvent::Entered { organisation, document } => {
                self.parties.insert(organisation.clone(), document.clone());
                organisation
            }
            PartyEvent::Removed { organisation } => {
                self.parties.remove(organisation);
                organisation
            }
        };
        self.last_party_entries.insert(organisation.clone(), index);
        let over = self.register.take().map(|register| (at.plus(TURNS_OVER_IN), register));
        over.into_iter().for_each(|over| self.earlier_registers.push_front(over));
        self.earlier_registers.truncate(EARLIER_SETS);
        self.is_unusable = false;
    }

    /// Callers must stand in the log's register as their entries say. Whose authority made a certificate is not in the
    /// log; and a log without a register permits nothing, which its decisions show.
    pub(super) fn standing(&mut self, index: u64, facts: &Facts, report: &mut Report) {
        self.latest = self.latest.max(facts.received_at);
        let caller = &facts.caller;
        if !caller.standing.is_vouched() && caller.standing != Stands::UnknownOrganisation
            || self.parties.is_empty()
            || self.is_unusable
        {
            return;
        }
        let found = self.with_register(index, report, |register| stands(register, caller));
        self.is_unusable = found.is_none();
        let Some(found) = found.filter(|found| *found != caller.standing) else { return };
        let mut earlier = self.earlier_registers.iter();
        let was_so = earlier.any(|(until, register)| {
            facts.received_at <= *until && stands(register, caller) == caller.standing
        });
        if !was_so {
            let (organisation, system) = (&caller.organisation, &caller.system);
            let text = format!(
                "`{organisation}/{system}` is recorded as {:?}; by the log's register it is {found:?}",
                caller.standing
            );
            report.find(index, "standing", text);
        }
    }

    pub(super) fn agreement(
        &mut self,
        index: u64,
        event: &AgreementEvent,
        at: Timestamp,
        report: &mut Report,
    ) {
        match event {
            AgreementEvent::Adopted { id, version, document } => {
                let Some(agreement) = self.verified(index, document, at, report) else { return };
                if agreement.id != *id || agreement.version != *version {
                    let text = format!(
                        "the document is agreement `{}` version {}, not `{id}` version {version}",
                        agreement.id, agreement.version
                    );
                    report.find(index, "agreement", text);
                    return;
                }
                self.returns(index, id, *version, report);
                self.note_terms(&agreement);
                self.workdays.adopted(&agreement);
                self.agreements.insert((id.clone(), *version), Arc::new(agreement));
            }
            AgreementEvent::Withdrawn { id, version } => {
                if self.agreements.remove(&(id.clone(), *version)).is_none() {
                    let text = format!("agreement `{id}` version {version} was not in force");
                    report.find(index, "agreement", text);
                    return;
                }
                self.workdays.withdrawn(id, *version);
            }
            AgreementEvent::Ordered { id, version, effect, document } => {
                let about = order::Version { agreement: id.clone(), version: *version };
                let said = match effect {
                    OrderEffect::Suspended => Effect::Suspended(about),
                    OrderEffect::Resumed => Effect::Resumed(about),
                    OrderEffect::Revoked => Effect::Revoked(about),
                };
                return self.ordered(index, document, &said, at, report);
            }
        }
        self.turn_over(at);
    }

    /// Both signed it, once; but a version that is over does not come back after a higher one. Decisions are taken under
    /// it all the same, so that this is said once and not of every answer.
    fn returns(&mut self, index: u64, id: &str, version: u32, report: &mut Report) {
        let highest = self.highest.entry(id.to_owned()).or_default();
        let is_over =
            version < *highest && !self.agreements.contains_key(&(id.to_owned(), version));
        if is_over {
            let text =
                format!("agreement `{id}` version {version} came back after version {highest}");
            report.find(index, "agreement", text);
        }
        *highest = version.max(*highest);
    }

    pub(super) fn freeze(
        &mut self,
        index: u64,
        event: &FreezeEvent,
        at: Timestamp,
        report: &mut Report,
    ) {
        let name = event.name.clone();
        let said = match event.change {
            FreezeChange::Frozen => Effect::Frozen(name),
            FreezeChange::Lifted => Effect::Lifted(name),
        };
        self.ordered(index, &event.document, &said, at, report);
    }

    /// An order acts when it was signed by who may give it, and does what its entry says.
    fn ordered(
        &mut self,
        index: u64,
        document: &[u8],
        said: &Effect,
        at: Timestamp,
        report: &mut Report,
    ) {
        let verify = self.verify_order;
        let verified = self.with_register(index, report, |register| verify(document, register, at));
        let order = match verified {
            None => return,
            Some(Err(error)) => return report.find(index, "order", error.in_full()),
            Some(Ok(order)) => order,
        };
        let agreement = match order.act() {
            Ok(Act::Suspend(about) | Act::Resume(about) | Act::Revoke(about)) => {
                self.agreements.get(&(about.agreement, about.version))
            }
            Ok(Act::Freeze(_) | Act::Unfreeze(_)) | Err(_) => None,
        };
        match self.standing.admit(&order, agreement.map(|known| &**known), at) {
            Err(refused) => report.find(index, "order", refused.to_string()),
            Ok(effect) if effect != *said => {
                let text =
                    format!("the order {}, which is not what its entry says", order.in_words());
                report.find(index, "order", text);
            }
            Ok(_) => {
                self.standing.take(&order, sha256(document));
                self.turn_over(at);
            }
        }
    }

    /// What was in force goes on for those who decided under it, and the next view is made when somebody asks. What lies
    /// between two entries of one reload, which have one time, was never in force: the view before it lasts until the
    /// last of them, however long they took to write.
    fn turn_over(&mut self, at: Timestamp) {
        let until = at.max(self.latest).plus(TURNS_OVER_IN);
        for over in self.earlier.iter_mut().filter(|over| over.changed_at == at) {
            over.until = until;
        }
        if let Some(view) = self.current.take() {
            self.earlier.push_front(Over { view, changed_at: at, until });
            self.earlier.truncate(EARLIER_SETS);
        }
    }

    /// The log's register at its end must be the auditor's.
    pub(super) fn compare(&self, anchors: &Register, report: &mut Report) {
        for (id, document) in &self.parties {
            let index = self.last_party_entries.get(id).copied().unwrap_or_default();
            match anchors.organisation(&id.as_str().into()) {
                Some(anchor) if anchor.document == *document => {}
                Some(_) => {
                    report.find(
                        index,
                        "party",
                        format!("the register file of `{id}` is not yours"),
                    );
                }
                None => report.find(index, "party", format!("your register has no `{id}`")),
            }
        }
    }

    fn verified(
        &mut self,
        index: u64,
        document: &[u8],
        at: Timestamp,
        report: &mut Report,
    ) -> Option<Agreement> {
        let verify = self.verify;
        self.with_register(index, report, |register| verify(document, register, at))?
            .map_err(|error| report.find(index, "agreement", error.to_string()))
            .ok()
    }

    /// Does something with the register as of this entry; `None` when the log's files make none.
    fn with_register<T>(
        &mut self,
        index: u64,
        report: &mut Report,
        run: impl FnOnce(&Register) -> T,
    ) -> Option<T> {
        let register = match self.register.take() {
            Some(register) => register,
            None => match Register::from_documents(self.parties.clone()) {
                Ok(register) => register,
                Err(flaws) => {
                    for flaw in flaws {
                        report.find(index, "party", flaw.to_string());
                    }
                    return None;
                }
            },
        };
        Some(run(self.register.insert(register)))
    }

    fn note_terms(&mut self, agreement: &Agreement) {
        let kept = agreement.clauses.iter().filter_map(|clause| clause.cache.as_ref());
        for terms in kept {
            let longest = terms.found.max(terms.not_found).saturating_add(terms.stale);
            self.longest_kept = self.longest_kept.max(longest);
        }
    }
}

/// How a caller stands in a register whose authority made its certificate.
fn stands(register: &Register, caller: &CallerFacts) -> Stands {
    let Some(organisation) = register.organisation(&caller.organisation) else {
        return Stands::UnknownOrganisation;
    };
    match organisation.systems.get(&caller.system) {
        None => Stands::UnknownSystem,
        Some(rights) if rights.query => Stands::Registered,
        Some(_) => Stands::NoQueryRight,
    }
}
