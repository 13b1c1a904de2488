//! A log driven step by step, without threads, on a disk that fails: so that every run takes the same steps.

use std::sync::mpsc;

use super::fault_disk::FaultDisk;
use super::*;
use crate::audit::entry::encode;
use crate::audit::file::{self, scan};
use crate::audit::frame::Content;
use crate::audit::ledger::Batch;
use crate::crypto::sha256;

/// Where the log lies on its disk; the folder above is missing, too.
pub(super) const FOLDER: &str = "/srv/log";

/// Small: a header and eight blocks.
pub(super) const SEGMENT: u64 = 9 * BLOCK as u64;

/// What is done to the log.
enum Act {
    /// So many entries in one batch, with sealed records of so many bytes, the first of them without one.
    Append(usize, usize),
    /// The checkpoint is published.
    Publish,
    /// The log is closed and opened again.
    Restart,
}

const LOAD: [Act; 15] = [
    Act::Append(1, 0),
    Act::Append(3, 0),
    Act::Publish,
    Act::Append(2, 5000),
    Act::Append(12, 0),
    Act::Append(1, 0),
    Act::Append(4, 100),
    Act::Restart,
    Act::Append(1, 0),
    Act::Append(30, 0),
    Act::Publish,
    Act::Append(2, 9000),
    Act::Append(1, 0),
    Act::Append(5, 1200),
    Act::Append(2, 0),
];

/// An entry and its sealed record, as stored.
pub(super) type Stored = (Bytes, Bytes);

/// What a client was told while the load ran.
#[derive(Default)]
pub(super) struct Told {
    /// Everything that was handed in.
    pub(super) given: Vec<Stored>,
    /// How many of these were acknowledged.
    pub(super) acknowledged: usize,
    /// The newest size that was published.
    pub(super) published: u64,
}

/// The log, open.
pub(super) struct Driven {
    ledger: ledger::Ledger,
    shared: Arc<Shared>,
    publisher: Publisher,
}

impl Driven {
    /// What [`Audit::open`] does, but for the threads.
    pub(super) fn open(disk: &FaultDisk, key: &Arc<SigningKey>) -> Result<Self, AuditError> {
        Self::open_with(disk, key, false)
    }

    /// The same, after reading the whole log if asked.
    pub(super) fn open_with(
        disk: &FaultDisk,
        key: &Arc<SigningKey>,
        reread: bool,
    ) -> Result<Self, AuditError> {
        let folder = Path::new(FOLDER);
        let description = Description::read_on(disk, folder)?;
        let description = description.ok_or_else(|| AuditError::Missing(folder.to_owned()))?;
        let held: Arc<dyn Disk> = Arc::new(disk.clone());
        let store = FileStore::open(held, folder, description.clone(), SEGMENT)?;
        let store: Arc<dyn Store> = Arc::new(store);
        let Opened { ledger, history, latest, derived } = Ledger::open(
            Arc::clone(&store),
            &description,
            Arc::clone(key),
            reread,
            &mut |_, _| {},
        )?;
        let published = publisher::complete(&latest.checkpoint, derived.summary.entries, None)?;
        store.publish(&published.checkpoint)?;
        let shared = Arc::new(Shared::new(store, history, latest, published));
        let (_, until) = mpsc::sync_channel(1);
        let publisher = Publisher {
            shared: Arc::clone(&shared),
            derived,
            origin: ORIGIN.to_owned(),
            key: Arc::clone(key),
            cosigner: None,
            every: Duration::from_secs(1),
            until,
            witness: None,
        };
        Ok(Self { ledger, shared, publisher })
    }

    /// Appends one batch; what it holds is in `told` before it is tried.
    pub(super) fn append(
        &mut self,
        count: usize,
        private: usize,
        told: &mut Told,
    ) -> Result<(), AuditError> {
        let first = told.acknowledged;
        told.given.truncate(first);
        told.given.extend((first..first + count).map(|index| {
            let length = if index == first { 0 } else { private + index };
            let private = if private == 0 { 0 } else { length };
            // No wrapped seed, then the sealed part.
            let mut record = vec![index as u8 | 1; private];
            record.iter_mut().take(2).for_each(|length| *length = 0);
            let mut entry = denial(index as u64);
            if let (Kind::Denial(denied), Some(sealed)) = (&mut entry.kind, record.get(2..)) {
                denied.commitments.sealed = Some(sha256(sealed));
            }
            (Bytes::from(encode(&entry).unwrap()), Bytes::from(record))
        }));
        let content =
            |(entry, private): &Stored| Content { entry: entry.clone(), private: private.clone() };
        let contents: Vec<Content> = told.given[first..].iter().map(content).collect();
        let leaves = contents.iter().map(|content| tree::leaf_hash(&content.entry)).collect();
        let batch: Batch = self.ledger.commit(&contents, leaves, Timestamp(first as u64))?;
        told.acknowledged += count;
        self.shared.publish(Arc::new(batch));
        Ok(())
    }

    /// Takes for durable what no disk has: one entry more.
    pub(super) fn misremember(&self) {
        let latest = self.shared.latest();
        let growth = tree::Growth::new(latest.growth.after().clone(), [[1; 32]]);
        let checkpoint = latest.checkpoint.clone();
        self.shared.publish(Arc::new(Batch { growth, checkpoint }));
    }

    /// Publishes the checkpoint, and keeps what is derived from the log.
    pub(super) fn publish(&mut self, told: &mut Told) -> Result<(), AuditError> {
        self.publisher.publish()?;
        told.published = self.shared.size();
        self.publisher.keep(true)
    }
}

/// Makes a log and does all there is to do, up to the first error.
pub(super) fn load(
    disk: &FaultDisk,
    key: &Arc<SigningKey>,
    told: &mut Told,
) -> Result<(), AuditError> {
    let (at, version) = (Timestamp(1), env!("CARGO_PKG_VERSION").to_owned());
    let kind = Kind::Node(NodeEvent { change: NodeChange::Created, version });
    told.given = vec![(Bytes::from(encode(&Entry { at, kind }).unwrap()), Bytes::new())];
    Audit::create_on(disk, Path::new(FOLDER), key, ORIGIN, at, SEGMENT)?;
    (told.acknowledged, told.published) = (1, 1);
    let mut log = Driven::open(disk, key)?;
    for act in LOAD {
        match act {
            Act::Append(count, private) => log.append(count, private, told)?,
            Act::Publish => log.publish(told)?,
            Act::Restart => {
                drop(log);
                log = Driven::open(disk, key)?;
                told.published = told.acknowledged as u64;
            }
        }
    }
    Ok(())
}

/// Every entry that lies on the disk, with its sealed record, and what a write cut short left behind them.
pub(super) fn stored(disk: &FaultDisk) -> (Vec<Stored>, Option<Bytes>) {
    let folder = Path::new(FOLDER);
    let description = Description::read_on(disk, folder).unwrap().unwrap();
    let mut found = Vec::new();
    let scan = scan::frames(disk, folder, &description, &mut |_, frame| {
        found.extend(frame.entries().zip(frame.private()));
        Ok(())
    });
    (found, scan.unwrap().torn.map(|torn| torn.bytes))
}

/// Opens what a crash left, holds it against what was told, and returns what is in it; `None` where no log was made.
pub(super) fn recover(disk: &FaultDisk, key: &Arc<SigningKey>, told: &Told) -> Option<Vec<Stored>> {
    let folder = Path::new(FOLDER);
    if Description::read_on(disk, folder).unwrap().is_none() {
        assert_eq!(told.acknowledged, 0, "the log is gone");
        return None;
    }
    let vkey = VerifierKey::new(ORIGIN, key.public()).unwrap();
    let published = file::published(disk, folder).unwrap().unwrap();
    let published = checkpoint::open(&published, &vkey).unwrap();
    assert!(published.size >= told.published, "a published checkpoint was taken back");
    let (_, torn) = stored(disk);

    let log = Driven::open(disk, key).unwrap_or_else(|error| panic!("{}", chain(&error)));
    let (found, left) = stored(disk);
    assert_eq!(left, None, "a torn end stays");
    assert!(found.len() >= told.acknowledged, "an acknowledged entry is lost");
    assert!(found.len() <= told.given.len(), "entries were invented");
    assert!(found == told.given[..found.len()], "an entry was changed");
    assert!(published.size <= found.len() as u64, "published before it was durable");
    assert_eq!(log.shared.size(), found.len() as u64);
    if let Some(torn) = torn {
        assert!(set_aside(disk).contains(&torn.to_vec()), "a torn end was thrown away");
    }
    Some(found)
}

/// What lies in the folder of what was set aside.
pub(super) fn set_aside(disk: &FaultDisk) -> Vec<Vec<u8>> {
    let folder = Path::new(FOLDER).join("set-aside");
    let files = disk.files().into_iter().filter(|(path, _)| path.starts_with(&folder));
    files.map(|(_, bytes)| bytes).collect()
}

/// The error with its causes.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
