//! A long log, made without waiting for a disk: a day of a province's questions, six agreements, frames of 64 entries.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use heyan::agreements::document::DocumentError;
use heyan::audit::chain::Chain;
use heyan::audit::checkpoint;
use heyan::audit::entry::{
    AdapterRef, AgreementEvent, Commitments, Denied, Entry, Intent, Kind, NodeChange, NodeEvent,
    Outcome, Source, encode,
};
use heyan::audit::frame::{BLOCK, Content, Frame};
use heyan::audit::tree;
use heyan::audit::{Audit, Settings};
use heyan::crypto::{SigningKey, sha256};
use heyan::decision::PermitRef;
use heyan::decision::agreement::{Agreement, CacheTerms, Clause, Ending, Quota};
use heyan::decision::facts::{AssertionFact, CallerFacts, Facts, QuotaUse, RoleFact, Standing};
use heyan::decision::set::{Set, Word};
use heyan::parties::Register;
use heyan::query::time::Timestamp;
use heyan::query::value::{Comparison, Verdict};
use rcgen::{KeyPair, PKCS_ED25519};
use serde_json::{Value, json};

pub(crate) const ORIGIN: &str = "heyan.test/bench";

/// 2026-11-23, nine in the morning in China.
const MORNING: u64 = 1_795_395_600;

/// Questions a second.
const RATE: u64 = 1000;

const FRAME_ENTRIES: usize = 64;

const PROVIDERS: [&str; 6] =
    ["police", "civil-affairs", "social-security", "housing", "tax", "market-regulation"];

/// A new key, kept beside the log.
pub(crate) fn new_key(folder: &Path) -> anyhow::Result<SigningKey> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::create_dir_all(folder)?;
    let path = folder.with_extension("key");
    let mut file =
        File::options().create(true).truncate(true).write(true).mode(0o600).open(&path)?;
    file.write_all(KeyPair::generate_for(&PKCS_ED25519)?.serialize_pem().as_bytes())?;
    Ok(SigningKey::read(&path)?)
}

pub(crate) fn key(folder: &Path) -> anyhow::Result<SigningKey> {
    Ok(SigningKey::read(&folder.with_extension("key"))?)
}

/// Documents of this log are `id version`; what a real one costs to verify is paid once for each.
pub(crate) fn verify(
    document: &[u8],
    _: &Register,
    _: Timestamp,
) -> Result<Agreement, DocumentError> {
    let text = String::from_utf8_lossy(document);
    let (id, _) = text.split_once(' ').unwrap_or_default();
    let number = PROVIDERS.iter().position(|provider| *provider == id).unwrap_or_default();
    Ok(Agreement {
        id: id.to_owned(),
        version: 1,
        digest: [0; 32],
        consumer: "fund-centre".into(),
        provider: id.into(),
        platform: None,
        systems: ["approval".into()].into(),
        effective_from: Timestamp(0),
        effective_to: Timestamp(u64::MAX),
        overlap: Duration::ZERO,
        hours: None,
        quota: Quota {
            per_second: Some(10_000),
            per_day: Some(100_000_000),
            per_month: Some(3_000_000_000),
        },
        operator_units: Set::default(),
        notices: Set::default(),
        quality: None,
        keep_for: Duration::from_secs(3 * 365 * 86_400),
        suspension: Ending { by: Set::default(), notice: Duration::ZERO },
        termination: Ending { by: Set::default(), notice: Duration::ZERO },
        clauses: vec![Clause {
            fact: format!("M{number}").as_str().into(),
            items: ["W1".into(), "W3".into()].into(),
            replaces: Set::default(),
            roles: [Word::from("person")].into(),
            assert: [Word::from("married")].into(),
            disclose: [Word::from("marriage_date")].into(),
            details: Arc::default(),
            consent: false,
            max_age: Duration::from_secs(3 * 86_400),
            cache: Some(Arc::new(CacheTerms {
                found: Duration::from_secs(86_400),
                not_found: Duration::from_secs(60),
                stale: Duration::ZERO,
            })),
        }],
    })
}

/// Questions one after the other, with what a decision sees of those before.
#[derive(Default)]
pub(crate) struct Questions {
    asked: u64,
    days: [u64; 6],
    seconds: [(u64, u64); 6],
    intents: [Option<u64>; 6],
}

impl Questions {
    /// The entries of the next question, of which the first gets this index.
    pub(crate) fn next(&mut self, index: u64) -> Vec<Entry> {
        let number = self.asked;
        self.asked += 1;
        let place = (number % 6) as usize;
        let at = Timestamp(MORNING * 1_000_000 + number * 1_000_000 / RATE);
        let mut facts = facts(number + 1, place, at);
        let entry = |kind| Entry { at, kind };
        if number % 10 == 9 {
            facts.item = "W9".into();
            let denied = Denied {
                facts,
                code: "PURPOSE_NOT_GRANTED".to_owned(),
                commitments: commitments(number, false),
            };
            return vec![entry(Kind::Denial(Box::new(denied)))];
        }
        let (second, used) = &mut self.seconds[place];
        if *second != at.seconds() {
            (*second, *used) = (at.seconds(), 0);
        }
        let quota = QuotaUse {
            agreement: PROVIDERS[place].into(),
            day: self.days[place],
            second: *used,
            month: self.days[place],
        };
        facts.quota = vec![quota];
        *used += 1;
        self.days[place] += 1;
        let permit = PermitRef { agreement: PROVIDERS[place].into(), version: 1, clause: 1 };
        let mut entries = Vec::new();
        let mut source = Source::Cache;
        if self.intents[place].is_none() || number % 10 < 3 {
            let adapter =
                AdapterRef { name: PROVIDERS[place].into(), version: "1".into(), digest: [5; 32] };
            let (facts, permit) = (facts.clone(), permit.clone());
            let commitments = commitments(number, false);
            entries.push(entry(Kind::Intent(Box::new(Intent {
                facts,
                permit,
                commitments,
                adapter,
            }))));
            self.intents[place] = Some(index);
            source = Source::Agency;
        }
        let outcome = Outcome {
            disclosed: facts.disclose.clone(),
            masked: Vec::new(),
            facts,
            permit,
            commitments: commitments(number, true),
            intent: self.intents[place],
            source,
            verdict: Verdict::Confirmed,
            as_of: Some(at),
            dropped: 0,
            unavailable: None,
            subjects_checked: vec![0],
        };
        entries.push(entry(Kind::Outcome(Box::new(outcome))));
        entries
    }
}

fn commitments(number: u64, answered: bool) -> Commitments {
    let one = |field: u8| Some(sha256(&[&number.to_be_bytes()[..], &[field]].concat()));
    let answer = if answered { one(3) } else { None };
    Commitments { subject: one(0), operator: one(1), request: one(2), answer, sealed: None }
}

fn facts(sequence: u64, place: usize, at: Timestamp) -> Facts {
    let mut request_id = [7; 16];
    request_id[..8].copy_from_slice(&sequence.to_be_bytes());
    Facts {
        rules: heyan::decision::RULES,
        request_id,
        caller_sequence: sequence,
        received_at: at,
        deadline: Some(Duration::from_secs(5)),
        caller: CallerFacts {
            organisation: "fund-centre".into(),
            system: "approval".into(),
            certificate: [3; 32],
            standing: Standing::Registered,
        },
        fact: Some(format!("M{place}").as_str().into()),
        provider: Some(PROVIDERS[place].into()),
        item: "W3".into(),
        item_version: "2026.2".to_owned(),
        case_number: format!("GJJ-2026-{sequence:06}"),
        replaced_material: String::new(),
        operator_unit: "4301-01".to_owned(),
        operator_present: true,
        notice: String::new(),
        consent: String::new(),
        roles: vec![RoleFact {
            role: "person".to_owned(),
            kind: "person".to_owned(),
            relation: None,
            shown_by: 0,
        }],
        assertions: vec![AssertionFact {
            attribute: "married".to_owned(),
            comparison: Comparison::Eq,
            within: Vec::new(),
        }],
        disclose: vec!["marriage_date".to_owned()],
        max_age: None,
        defects: Vec::new(),
        quota: Vec::new(),
        freezes: Vec::new(),
        catalogue_digest: [4; 32],
    }
}

/// Makes the log: what the gateway would have written, in files as it would have left them.
pub(crate) fn make(folder: &Path, entries: u64) -> anyhow::Result<Value> {
    let key = new_key(folder)?;
    let began = Timestamp(MORNING * 1_000_000);
    Audit::create(folder, &key, ORIGIN, began, &Settings::default())?;
    let mut files = Files::open(folder)?;
    let mut batch: Vec<Entry> = PROVIDERS
        .iter()
        .map(|id| {
            let document = format!("{id} 1").into_bytes();
            let event = AgreementEvent::Adopted { id: (*id).to_owned(), version: 1, document };
            Entry { at: began, kind: Kind::Agreement(event) }
        })
        .collect();
    let version = "0.1.0".to_owned();
    let started = NodeEvent { change: NodeChange::Started, version };
    batch.push(Entry { at: began, kind: Kind::Node(started) });

    let (mut questions, mut bytes) = (Questions::default(), 0);
    while files.chain.tree().size() < entries {
        while batch.len() < FRAME_ENTRIES {
            batch.extend(questions.next(files.chain.tree().size() + batch.len() as u64));
        }
        let rest = batch.split_off(FRAME_ENTRIES);
        bytes += files.append(&std::mem::replace(&mut batch, rest))?;
    }
    let head = files.end()?;
    fs::write(folder.join("checkpoint"), checkpoint::sign(ORIGIN, &head, &key)?)?;
    let entry_bytes = bytes as f64 / head.size as f64;
    Ok(json!({ "entries": head.size, "entry_bytes": entry_bytes, "frame_entries": FRAME_ENTRIES }))
}

/// Segments as the log's own writer makes them.
struct Files<'a> {
    folder: &'a Path,
    header: Vec<u8>,
    file: BufWriter<File>,
    number: u64,
    left: usize,
    chain: Chain,
}

impl<'a> Files<'a> {
    /// Goes on behind the first frame of a log that was just made.
    fn open(folder: &'a Path) -> anyhow::Result<Self> {
        let first = Bytes::from(fs::read(segment(folder, 1))?);
        let mut chain = Chain::new(1);
        let frame = Frame::parse(&first.slice(BLOCK..))?;
        chain.accept(&frame)?;
        let mut file = BufWriter::with_capacity(1 << 20, File::create(segment(folder, 1))?);
        let end = BLOCK + frame.bytes().len();
        file.write_all(&first[..end])?;
        let left = first.len() - end;
        Ok(Self { folder, header: first[..BLOCK].to_vec(), file, number: 1, left, chain })
    }

    /// Bytes of the entries.
    fn append(&mut self, entries: &[Entry]) -> anyhow::Result<usize> {
        let contents = entries
            .iter()
            .map(|entry| Ok(Content::bare(Bytes::from(encode(entry)?))))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let bytes = contents.iter().map(|content| content.entry.len()).sum();
        let leaves: Vec<_> =
            contents.iter().map(|content| tree::leaf_hash(&content.entry)).collect();
        let at = entries.last().context("no entry")?.at;
        let (frame, _) = self.chain.next(&contents, leaves.clone(), at)?;
        if frame.bytes().len() > self.left {
            self.fill()?;
            self.number += 1;
            self.file =
                BufWriter::with_capacity(1 << 20, File::create(segment(self.folder, self.number))?);
            self.header[16..24].copy_from_slice(&self.number.to_be_bytes());
            let checksum = crc32c::crc32c(&self.header[..64]);
            self.header[64..68].copy_from_slice(&checksum.to_be_bytes());
            self.file.write_all(&self.header)?;
            self.left = usize::try_from(Settings::default().segment_bytes)? - BLOCK;
        }
        self.file.write_all(frame.bytes())?;
        self.left -= frame.bytes().len();
        self.chain.advance(frame.header(), &leaves, |_, _| {})?;
        Ok(bytes)
    }

    fn fill(&mut self) -> anyhow::Result<()> {
        for _ in 0..self.left / BLOCK {
            self.file.write_all(&[0; BLOCK])?;
        }
        Ok(self.file.flush()?)
    }

    fn end(mut self) -> anyhow::Result<tree::Head> {
        self.fill()?;
        Ok(self.chain.head())
    }
}

pub(crate) fn segment(folder: &Path, number: u64) -> std::path::PathBuf {
    folder.join("wal").join(format!("{number:016x}.wal"))
}
