//! What happens beside questions, to and from its message.

use super::required;
use crate::audit::entry::{
    AgreementEvent, EntryError, Erased, Erasure, FreezeChange, FreezeEvent, KeyChange, KeyEvent,
    KeyPurpose, NodeChange, OrderEffect, PartyEvent,
};
use crate::proto::audit::v1 as stored;

pub(super) fn agreement_out(event: &AgreementEvent) -> stored::AgreementEvent {
    use stored::agreement_event::Change;
    match event {
        AgreementEvent::Adopted { id, version, document } => stored::AgreementEvent {
            change: Change::Adopted.into(),
            id: id.clone(),
            version: *version,
            document: document.clone(),
        },
        AgreementEvent::Withdrawn { id, version } => stored::AgreementEvent {
            change: Change::Withdrawn.into(),
            id: id.clone(),
            version: *version,
            document: Vec::new(),
        },
        AgreementEvent::Ordered { id, version, effect, document } => stored::AgreementEvent {
            change: match effect {
                OrderEffect::Suspended => Change::Suspended,
                OrderEffect::Resumed => Change::Resumed,
                OrderEffect::Revoked => Change::Revoked,
            }
            .into(),
            id: id.clone(),
            version: *version,
            document: document.clone(),
        },
    }
}

pub(super) fn agreement_in(event: stored::AgreementEvent) -> Result<AgreementEvent, EntryError> {
    use stored::agreement_event::Change;
    let id = required(event.id, "agreement.id")?;
    if event.version == 0 {
        return Err(EntryError::Missing("agreement.version"));
    }
    let (version, document) = (event.version, event.document);
    let effect = match Change::try_from(event.change) {
        Ok(Change::Adopted) if document.is_empty() => {
            return Err(EntryError::Missing("agreement.document"));
        }
        Ok(Change::Adopted) => return Ok(AgreementEvent::Adopted { id, version, document }),
        Ok(Change::Withdrawn) if !document.is_empty() => {
            return Err(EntryError::Contradiction("agreement.document"));
        }
        Ok(Change::Withdrawn) => return Ok(AgreementEvent::Withdrawn { id, version }),
        Ok(Change::Suspended) => OrderEffect::Suspended,
        Ok(Change::Resumed) => OrderEffect::Resumed,
        Ok(Change::Revoked) => OrderEffect::Revoked,
        Ok(Change::Unspecified) | Err(_) => return Err(EntryError::Unknown("agreement.change")),
    };
    if document.is_empty() {
        return Err(EntryError::Missing("agreement.document"));
    }
    Ok(AgreementEvent::Ordered { id, version, effect, document })
}

pub(super) fn party_out(event: &PartyEvent) -> stored::PartyEvent {
    use stored::party_event::Change;
    match event {
        PartyEvent::Entered { organisation, document } => stored::PartyEvent {
            change: Change::Entered.into(),
            organisation: organisation.clone(),
            document: document.clone(),
        },
        PartyEvent::Removed { organisation } => stored::PartyEvent {
            change: Change::Removed.into(),
            organisation: organisation.clone(),
            document: Vec::new(),
        },
    }
}

pub(super) fn party_in(event: stored::PartyEvent) -> Result<PartyEvent, EntryError> {
    use stored::party_event::Change;
    let organisation = required(event.organisation, "party.organisation")?;
    match (Change::try_from(event.change), event.document.is_empty()) {
        (Ok(Change::Entered), false) => {
            Ok(PartyEvent::Entered { organisation, document: event.document })
        }
        (Ok(Change::Removed), true) => Ok(PartyEvent::Removed { organisation }),
        (Ok(Change::Entered), true) => Err(EntryError::Missing("party.document")),
        (Ok(Change::Removed), false) => Err(EntryError::Contradiction("party.document")),
        (Ok(Change::Unspecified) | Err(_), _) => Err(EntryError::Unknown("party.change")),
    }
}

pub(super) fn node_change_out(change: NodeChange) -> stored::node_event::Change {
    match change {
        NodeChange::Created => stored::node_event::Change::Created,
        NodeChange::Started => stored::node_event::Change::Started,
        NodeChange::Stopped => stored::node_event::Change::Stopped,
    }
}

pub(super) fn node_change_in(change: i32) -> Result<NodeChange, EntryError> {
    match stored::node_event::Change::try_from(change) {
        Ok(stored::node_event::Change::Created) => Ok(NodeChange::Created),
        Ok(stored::node_event::Change::Started) => Ok(NodeChange::Started),
        Ok(stored::node_event::Change::Stopped) => Ok(NodeChange::Stopped),
        Ok(stored::node_event::Change::Unspecified) | Err(_) => {
            Err(EntryError::Unknown("node.change"))
        }
    }
}

pub(super) fn freeze_out(event: &FreezeEvent) -> stored::FreezeEvent {
    use stored::freeze_event::Change;
    let change = match event.change {
        FreezeChange::Frozen => Change::Frozen,
        FreezeChange::Lifted => Change::Lifted,
    };
    stored::FreezeEvent {
        change: change.into(),
        name: event.name.clone(),
        document: event.document.clone(),
    }
}

pub(super) fn freeze_in(event: stored::FreezeEvent) -> Result<FreezeEvent, EntryError> {
    use stored::freeze_event::Change;
    let change = match Change::try_from(event.change) {
        Ok(Change::Frozen) => FreezeChange::Frozen,
        Ok(Change::Lifted) => FreezeChange::Lifted,
        Ok(Change::Unspecified) | Err(_) => return Err(EntryError::Unknown("freeze.change")),
    };
    if event.document.is_empty() {
        return Err(EntryError::Missing("freeze.document"));
    }
    let name = required(event.name, "freeze.name")?;
    Ok(FreezeEvent { change, name, document: event.document })
}

pub(super) fn key_out(event: &KeyEvent) -> stored::KeyEvent {
    use stored::key_event::{Change, Purpose};
    let purpose = match event.purpose {
        KeyPurpose::Log => Purpose::Log,
        KeyPurpose::VaultDay => Purpose::VaultDay,
    };
    let change = match event.change {
        KeyChange::Begun => Change::Begun,
        KeyChange::Ended => Change::Ended,
    };
    stored::KeyEvent {
        purpose: purpose.into(),
        change: change.into(),
        name: event.name.clone(),
        document: event.document.clone(),
    }
}

pub(super) fn key_in(event: stored::KeyEvent) -> Result<KeyEvent, EntryError> {
    use stored::key_event::{Change, Purpose};
    let purpose = match Purpose::try_from(event.purpose) {
        Ok(Purpose::Log) => KeyPurpose::Log,
        Ok(Purpose::VaultDay) => KeyPurpose::VaultDay,
        Ok(Purpose::Unspecified) | Err(_) => return Err(EntryError::Unknown("key.purpose")),
    };
    let change = match Change::try_from(event.change) {
        Ok(Change::Begun) => KeyChange::Begun,
        Ok(Change::Ended) => KeyChange::Ended,
        Ok(Change::Unspecified) | Err(_) => return Err(EntryError::Unknown("key.change")),
    };
    let is_announced = (purpose, change) == (KeyPurpose::Log, KeyChange::Begun);
    if is_announced == event.document.is_empty() {
        return Err(EntryError::Contradiction("key.document"));
    }
    Ok(KeyEvent {
        purpose,
        change,
        name: required(event.name, "key.name")?,
        document: event.document,
    })
}

pub(super) fn erasure_out(erasure: &Erasure) -> stored::Erasure {
    let ground = erasure.ground.clone();
    match &erasure.erased {
        Erased::Entries(entries) => {
            stored::Erasure { entries: entries.clone(), day: String::new(), ground }
        }
        Erased::Day(day) => stored::Erasure { entries: Vec::new(), day: day.clone(), ground },
    }
}

pub(super) fn erasure_in(erasure: stored::Erasure) -> Result<Erasure, EntryError> {
    let erased = match (erasure.entries.is_empty(), erasure.day.is_empty()) {
        (true, false) => Erased::Day(erasure.day),
        (false, true) if erasure.entries.is_sorted_by(|a, b| a < b) => {
            Erased::Entries(erasure.entries)
        }
        (false, true) => return Err(EntryError::Unknown("erasure.entries")),
        (true, true) => return Err(EntryError::Missing("erasure.entries or erasure.day")),
        (false, false) => return Err(EntryError::Contradiction("erasure.day")),
    };
    Ok(Erasure { erased, ground: required(erasure.ground, "erasure.ground")? })
}
