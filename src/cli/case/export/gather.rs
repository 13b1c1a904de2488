//! Two passes over a log: the first finds the case and what belongs to it, the second takes those entries with their
//! proofs. Everything is checked in both.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, bail};
use bytes::Bytes;

use crate::audit::commitment::Field;
use crate::audit::entry::{self, CaseClosed, Entry, Kind};
use crate::audit::prover::{BLOCK, Prover};
use crate::audit::records;
use crate::audit::tree::{Head, leaf_hash};
use crate::audit::verify::Expected;
use crate::cases::Course;
use crate::cli::audit::open::erasure;
use crate::cli::audit::reading::{LogKeys, Reading, checkpoint_of, head_of, published};
use crate::crypto::Digest;
use crate::evidence::check::lets_out_nothing;
use crate::evidence::choose::InLog;
use crate::evidence::{NOT_KEPT, Openings, Package, Persons, Proved, erased};
use crate::vault::VaultError;
use crate::vault::master::{Master, Power};
use crate::vault::open::Opener;

/// The case that is wanted.
pub(in crate::cli) enum Wanted {
    /// By the index of its entry.
    Entry(u64),
    /// By its id; of a case that was repeated under it, the last.
    Id([u8; 16]),
}

impl Wanted {
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        if let Ok(index) = text.parse() {
            return Ok(Self::Entry(index));
        }
        let id = uuid::Uuid::parse_str(text)
            .with_context(|| format!("`{text}` is neither an entry's index nor a case's id"))?;
        Ok(Self::Id(*id.as_bytes()))
    }

    fn is(&self, index: u64, closed: &CaseClosed) -> bool {
        match self {
            Self::Entry(wanted) => *wanted == index,
            Self::Id(id) => *id == closed.case_id,
        }
    }
}

/// What the first pass finds.
struct Found {
    checkpoint: String,
    head: Head,
    prover: Prover,
    keys: LogKeys,
    in_log: InLog,
    case: Option<(u64, CaseClosed)>,
    entries: u64,
}

/// An entry as stored, with its sealed record.
type Stored = (Bytes, Bytes);

/// The package of the case.
pub(super) fn gather(
    log: &Path,
    wanted: &Wanted,
    (vault, persons): (Option<(&Path, &Path)>, Persons),
    checkpoint: Option<&Path>,
    is_quiet: bool,
) -> anyhow::Result<Package> {
    // Before the log is read: that takes long.
    let opener = vault
        .map(|(keys, key)| {
            let master = Master::read(key, Power::Open)?;
            Opener::new(log, keys, master)
        })
        .transpose()?;
    let mut found = first(log, wanted, checkpoint, is_quiet)?;
    let case = match found.case.take() {
        Some(case) => case,
        None => bail!("{}", missing(wanted, &found)),
    };
    let course: Course =
        serde_json::from_str(&case.1.course).context("the course of the case cannot be read")?;
    let named: BTreeSet<u64> =
        course.answers.iter().filter_map(|answer| answer.log_index).collect();
    let answers = answers(log, &named)?;
    let chosen = found.in_log.of((case.0, &case.1), &answers);
    let (entries, stored) = second(log, &chosen, &found, is_quiet)?;
    let mut openings = BTreeMap::new();
    if let Some(mut opener) = opener {
        let hides = |stored: &Stored| {
            entry::decode(&stored.0).is_ok_and(|entry| entry.kind.commitments().is_some())
        };
        let disputes = chosen.range(case.0 + 1..).copied();
        let disputes = disputes.filter(|index| stored.get(index).is_some_and(hides));
        for index in named.iter().copied().chain([case.0]).chain(disputes) {
            let index = &index;
            if let Some(stored) = stored.get(index)
                && let Some(opened) = open(log, &mut opener, (*index, stored), persons)?
            {
                openings.insert(*index, opened);
            }
        }
    }
    Ok(Package {
        made_by: crate::cli::case::verify::PROGRAM.to_owned(),
        case: case.0,
        persons,
        checkpoint: found.checkpoint,
        vkeys: found.keys.texts(),
        entries,
        openings,
    })
}

fn missing(wanted: &Wanted, found: &Found) -> String {
    let size = found.head.size;
    let later = if found.entries > size {
        format!(
            "; the checkpoint covers {size} of {} entries, and a running gateway publishes the next within seconds",
            found.entries
        )
    } else {
        String::new()
    };
    match wanted {
        Wanted::Entry(index) => format!(
            "entry {index} records no case: `heyan audit search --kind case` finds those that do{later}"
        ),
        Wanted::Id(_) => format!("the log has no case of this id{later}"),
    }
}

fn first(
    log: &Path,
    wanted: &Wanted,
    checkpoint: Option<&Path>,
    is_quiet: bool,
) -> anyhow::Result<Found> {
    let checkpoint = match checkpoint {
        Some(path) => checkpoint_of(log, path)?,
        None => published(log)?,
    };
    let head = head_of(&checkpoint)?;
    let mut found = Found {
        prover: Prover::new(head.size),
        keys: LogKeys::first_of(log)?,
        in_log: InLog::default(),
        case: None,
        entries: 0,
        checkpoint: checkpoint.clone(),
        head,
    };
    let expected = Expected { since: Some(&checkpoint), ..Expected::default() };
    let reading = Reading { expected, ..Reading::new(log, "finding", is_quiet) };
    let verified = reading.entries(&mut |seen, entry| {
        if seen.index >= head.size {
            return Ok(());
        }
        found.prover.leaf(leaf_hash(seen.bytes));
        found.keys.see(entry);
        found.in_log.entry(seen.index, entry);
        if let Kind::Case(closed) = &entry.kind
            && wanted.is(seen.index, closed)
        {
            found.case = Some((seen.index, CaseClosed::clone(closed)));
        }
        Ok(())
    })?;
    found.entries = verified.entries;
    if head.root != found.prover.root() {
        bail!("the entries do not give the checkpoint's root: run `heyan audit verify`");
    }
    Ok(found)
}

/// The answers that the course names, and the intents of the same questions. One that another question's intent led to
/// does without: that intent tells of another case.
fn answers(log: &Path, named: &BTreeSet<u64>) -> anyhow::Result<BTreeMap<u64, Entry>> {
    let at = |index: u64| -> anyhow::Result<Option<Entry>> {
        let stored = records::at(log, index)?;
        Ok(stored.map(|(bytes, _)| entry::decode(&bytes)).transpose()?)
    };
    let mut answers = BTreeMap::new();
    for &index in named {
        let entry = at(index)?.with_context(|| format!("the log has no entry {index}"))?;
        if let Kind::Outcome(outcome) = &entry.kind
            && let Some(of) = outcome.intent
            && let Some(intent) = at(of)?
            && intent.kind.facts() == Some(&outcome.facts)
        {
            answers.insert(of, intent);
        }
        answers.insert(index, entry);
    }
    Ok(answers)
}

fn second(
    log: &Path,
    chosen: &BTreeSet<u64>,
    found: &Found,
    is_quiet: bool,
) -> anyhow::Result<(BTreeMap<u64, Proved>, BTreeMap<u64, Stored>)> {
    let (mut entries, mut stored) = (BTreeMap::new(), BTreeMap::new());
    let mut leaves: Vec<Digest> = Vec::new();
    let (size, checkpoint) = (found.head.size, found.checkpoint.as_str());
    let expected = Expected { since: Some(checkpoint), ..Expected::default() };
    let reading = Reading { expected, ..Reading::new(log, "proving", is_quiet) };
    reading.entries(&mut |seen, _| {
        if seen.index >= size {
            return Ok(());
        }
        leaves.push(leaf_hash(seen.bytes));
        if chosen.contains(&seen.index) {
            stored.insert(seen.index, (seen.bytes.clone(), seen.private.clone()));
        }
        if (seen.index + 1).is_multiple_of(BLOCK) || seen.index + 1 == size {
            let first = seen.index - seen.index % BLOCK;
            let proofs = found.prover.block(first, &leaves);
            for index in chosen.range(first..=seen.index) {
                let Some((bytes, _)) = stored.get(index) else { continue };
                let hashes = proofs.inclusion(*index)?;
                entries.insert(*index, Proved { bytes: bytes.to_vec(), hashes });
            }
            leaves.clear();
        }
        Ok(())
    })?;
    Ok((entries, stored))
}

/// What the vault holds of an answer; `None` where nothing of it is to be opened.
fn open(
    log: &Path,
    opener: &mut Opener,
    (index, (bytes, private)): (u64, &Stored),
    persons: Persons,
) -> anyhow::Result<Option<Openings>> {
    let entry = entry::decode(bytes)?;
    let only_answer = persons == Persons::LeftOut;
    if only_answer && !lets_out_nothing(&entry) {
        return Ok(None);
    }
    let mut openings = Openings { entry: index, ..Openings::default() };
    let unlocked = match opener.unlock(index, &entry, private) {
        Ok(unlocked) => unlocked,
        Err(VaultError::NoRecord) => {
            NOT_KEPT.clone_into(&mut openings.closed);
            return Ok(Some(openings));
        }
        Err(error @ VaultError::Gone(_)) => match erasure(log, index, &entry)? {
            Some(by) => {
                openings.closed = erased(by);
                return Ok(Some(openings));
            }
            None => return Err(error.into()),
        },
        Err(error) => return Err(error).with_context(|| format!("entry {index} does not open")),
    };
    for field in unlocked.fields()? {
        if !only_answer || field == Field::Answer {
            openings.add(&unlocked.open(field)?)?;
        }
    }
    Ok(Some(openings))
}
