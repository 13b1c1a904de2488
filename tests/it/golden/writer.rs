//! Writes the golden log: fixed keys, fixed times, so that the same program writes the same bytes.

use std::fs;
use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use bytes::Bytes;
use heyan::audit::chain::Chain;
use heyan::audit::checkpoint;
use heyan::audit::entry::{Entry, encode};
use heyan::audit::frame::Content;
use heyan::audit::note::{self, VerifierKey};
use heyan::audit::receipt::Receipt;
use heyan::audit::tree::{Head, leaf_hash};
use heyan::client::receipt;
use heyan::crypto::{Algorithm, PublicKey, SigningKey, sha256};
use heyan::proto::gateway::v1 as wire;
use heyan::query::time::Timestamp;

use super::entries::{self, Record};

pub(super) const ORIGIN: &str = "golden.heyan.test/log-v1";

/// The first key of the log, and the one that follows it.
const KEYS: [[u8; 32]; 2] = [[0x11; 32], [0x22; 32]];

/// A signing key and its public half, from a fixed seed.
pub(super) fn key(seed: &[u8; 32]) -> (SigningKey, PublicKey) {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).unwrap();
    let bytes = pair.public_key().as_ref().to_vec();
    (SigningKey::EdDsa(pair), PublicKey { algorithm: Algorithm::EdDsa, bytes })
}

pub(super) fn vkey(seed: &[u8; 32]) -> VerifierKey {
    VerifierKey::new(ORIGIN, key(seed).1).unwrap()
}

/// The next key and its announcement by the first.
pub(super) fn announcement() -> (String, Vec<u8>) {
    let next = vkey(&KEYS[1]).to_string();
    let text = format!("heyan log key v1\n{ORIGIN}\n{next}\n");
    let note = note::sign(&text, ORIGIN, &key(&KEYS[0]).0).unwrap();
    (next, note.into_bytes())
}

fn content(record: &Record) -> Content {
    let entry = Entry { at: record.at, kind: record.kind.clone() };
    Content { entry: Bytes::from(encode(&entry).unwrap()), private: record.private.clone() }
}

/// Bytes of the segment: the least that the program makes.
const SEGMENT_BYTES: usize = 640 << 10;

const BLOCK: usize = 4096;

/// The segment's first block, as docs/audit-log.md has it.
fn header() -> Vec<u8> {
    let mut header = b"HYS1\x01\x00\x00\x44".to_vec();
    header.extend_from_slice(&1_u64.to_be_bytes());
    header.extend_from_slice(&1_u64.to_be_bytes());
    header.extend_from_slice(&(SEGMENT_BYTES as u64).to_be_bytes());
    header.extend_from_slice(&sha256(ORIGIN.as_bytes()));
    let checksum = crc32c::crc32c(&header);
    header.extend_from_slice(&checksum.to_be_bytes());
    header.resize(BLOCK, 0);
    header
}

/// Writes the log, and returns receipts of some of its entries by index.
pub(super) fn write(folder: &Path) -> Vec<(u64, String)> {
    let (first, next) = (key(&KEYS[0]).0, key(&KEYS[1]).0);
    let mut chain = Chain::new(1);
    let mut segment = header();
    let mut receipts = Vec::new();
    for batch in entries::batches() {
        let contents: Vec<Content> = batch.iter().map(content).collect();
        let leaves = contents.iter().map(|content| leaf_hash(&content.entry)).collect();
        let at = batch.iter().map(|record| record.at).max().unwrap();
        let (frame, growth) =
            chain.next(&contents, leaves, Timestamp(at.0 + entries::FLUSHED_AFTER)).unwrap();
        let head = Head { size: growth.after().size(), root: growth.after().root() };
        let signed = checkpoint::sign(ORIGIN, &head, &first).unwrap();
        segment.extend_from_slice(frame.bytes());
        chain.follow(&frame, &growth);
        let indices = growth.before().size()..;
        for (index, (record, content)) in indices.zip(batch.iter().zip(&contents)) {
            if record.openings.is_empty() {
                continue;
            }
            let proof = Receipt {
                extra: Some(content.entry.to_vec()),
                index,
                hashes: growth.inclusion(index).unwrap(),
                checkpoint: signed.clone(),
            };
            let openings = record.openings.iter().map(|(field, opening, value)| wire::Opening {
                field: field.name().to_owned(),
                opening: opening.0.to_vec(),
                value: value.clone(),
            });
            let saved = wire::Receipt {
                index,
                entry: content.entry.to_vec(),
                proof: proof.to_text(),
                openings: openings.collect(),
            };
            receipts.push((index, receipt::to_json(&saved)));
        }
    }
    // The key has changed on the way: both sign, so that whoever knows the first only can read on.
    let head = Head { size: chain.tree().size(), root: chain.tree().root() };
    let published = checkpoint::sign(ORIGIN, &head, &first).unwrap();
    let second = checkpoint::sign(ORIGIN, &head, &next).unwrap();
    let line = second.lines().last().unwrap();
    segment.resize(SEGMENT_BYTES, 0);
    fs::create_dir_all(folder.join("wal")).unwrap();
    fs::write(folder.join("wal/0000000000000001.wal"), segment).unwrap();
    fs::write(folder.join("checkpoint"), format!("{published}{line}\n")).unwrap();
    let vkey = vkey(&KEYS[0]);
    let described = format!("format = 1\nepoch = 1\norigin = \"{ORIGIN}\"\nvkey = \"{vkey}\"\n");
    fs::write(folder.join("log.toml"), described).unwrap();
    receipts
}

/// Puts the log into the repository, without the zeros behind its last frame.
pub(super) fn pack(
    made: &Path,
    golden: &Path,
    segment: &str,
    receipts: &[(u64, String)],
    expected: &str,
) {
    let _ = fs::remove_dir_all(golden);
    fs::create_dir_all(golden.join("wal")).unwrap();
    fs::create_dir_all(golden.join("receipts")).unwrap();
    for file in ["log.toml", "checkpoint"] {
        fs::copy(made.join(file), golden.join(file)).unwrap();
    }
    let mut bytes = fs::read(made.join(segment)).unwrap();
    let end = bytes.iter().rposition(|&byte| byte != 0).unwrap() + 1;
    bytes.truncate(end.next_multiple_of(4096));
    fs::write(golden.join(segment), bytes).unwrap();
    for (index, text) in receipts {
        fs::write(golden.join(format!("receipts/{index}.json")), text).unwrap();
    }
    fs::write(golden.join("expected.json"), expected).unwrap();
}
