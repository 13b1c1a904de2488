//! What fuzzing drives, in `fuzz/` and in the tests alike: every parser of bytes that others may have written, each as
//! a function that panics when it breaks its promise.
//!
//! The promise is the same for all: no input panics, and what is taken at all is taken in its one form, so that making
//! it again gives the same bytes.

use std::fs;
use std::str;

use bytes::Bytes;

use super::cosignature::{self, CosignerKey};
use super::file::Description;
use super::frame::{Content, Frame};
use super::note::{Note, VerifierKey};
use super::receipt::Receipt;
use super::tiles::Tile;
use super::tree::Head;
use super::verify::{Expected, verify};
use super::{bundle, checkpoint, entry};
use crate::crypto::{CosigningKey, SigningKey, sha256};

/// Takes any bytes; panics only when a promise is broken.
pub type Target = fn(&[u8]);

/// Every target by name.
pub const TARGETS: [(&str, Target); 12] = [
    ("frame", frame),
    ("log", log),
    ("note", note),
    ("checkpoint", checkpoint),
    ("cosignature", cosignature),
    ("receipt", receipt),
    ("tile_path", tile_path),
    ("bundle", bundle),
    ("entry", entry),
    ("vkey", vkey),
    ("cosigner_key", cosigner_key),
    ("description", description),
];

/// A frame, with its checksum made right first: otherwise hardly any input would come past it.
pub fn frame(data: &[u8]) {
    let mut bytes = data.to_vec();
    mend(&mut bytes);
    for bytes in [Bytes::copy_from_slice(data), Bytes::from(bytes)] {
        let peeked = Frame::peek(&bytes);
        let Ok(frame) = Frame::parse(&bytes) else { continue };
        assert!(peeked.is_ok_and(|peeked| peeked.bytes == frame.bytes().len()));
        let contents: Vec<Content> = frame
            .entries()
            .zip(frame.private())
            .map(|(entry, private)| Content { entry, private })
            .collect();
        assert_eq!(contents.len(), frame.count() as usize);
        let again = Frame::new(frame.header().clone(), &contents);
        assert!(again.is_ok_and(|again| again.bytes() == frame.bytes()));
    }
}

/// Writes the checksum where the frame's own lengths say it is.
fn mend(bytes: &mut [u8]) {
    let length = |at: usize| {
        let field = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>());
        field.and_then(|field| usize::try_from(u32::from_be_bytes(*field)).ok())
    };
    let end = length(36).zip(length(40)).map(|(leaves, records)| 120 + leaves + records);
    let Some((content, rest)) = end.and_then(|end| bytes.split_at_mut_checked(end)) else { return };
    if let Some(place) = rest.first_chunk_mut::<4>() {
        *place = crc32c::crc32c(content).to_be_bytes();
    }
}

/// A whole log's only segment, behind its header: walked as `heyan audit verify` does.
pub fn log(data: &[u8]) {
    const BLOCK: usize = 4096;
    // More would only cost time: a few blocks hold every kind of flaw.
    let data = data.get(..64 * BLOCK).unwrap_or(data);
    // PKCS#8 of an Ed25519 key is this, then its seed.
    const KEY: &[u8; 16] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
    let key = SigningKey::from_pkcs8(&[KEY.as_slice(), &[7; 32]].concat());
    let (Ok(folder), Ok(key)) = (tempfile::tempdir(), key) else { return };
    let Ok(vkey) = VerifierKey::new("heyan.test/log", key.public()) else { return };
    // No log begins with nothing: the walk goes to its end, and then the log is not the one published.
    let Ok(published) = checkpoint::sign(vkey.name(), &Head { size: 0, root: [0; 32] }, &key)
    else {
        return;
    };
    let described = Description::new(&vkey);
    let wal = folder.path().join("wal");
    let mut segment = vec![0; BLOCK + data.len().next_multiple_of(BLOCK)];
    if let Some(place) = segment.get_mut(BLOCK..BLOCK + data.len()) {
        place.copy_from_slice(data);
    }
    let header = segment_header(&described, segment.len() as u64);
    if let Some(place) = segment.get_mut(..header.len()) {
        place.copy_from_slice(&header);
    }
    let text = format!(
        "format = 1\nepoch = {}\norigin = \"{}\"\nvkey = \"{}\"\n",
        described.epoch, described.origin, described.vkey
    );
    let written = fs::create_dir(&wal)
        .and_then(|()| fs::write(wal.join("0000000000000001.wal"), segment))
        .and_then(|()| fs::write(folder.path().join("log.toml"), text))
        .and_then(|()| fs::write(folder.path().join("checkpoint"), published));
    assert!(written.is_ok(), "the folder for temporary files cannot be written");
    let verified = verify(folder.path(), Expected::default(), &mut |_, _| {});
    assert!(verified.is_err_and(|error| error.is_finding()));
}

/// The key of the specification's specimen of a note.
const SPECIMEN: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

fn segment_header(described: &Description, size: u64) -> Vec<u8> {
    let mut header = b"HYS1\x01\x00\x00\x44".to_vec();
    header.extend_from_slice(&described.epoch.to_be_bytes());
    header.extend_from_slice(&1_u64.to_be_bytes());
    header.extend_from_slice(&size.to_be_bytes());
    header.extend_from_slice(&sha256(described.origin.as_bytes()));
    let checksum = crc32c::crc32c(&header);
    header.extend_from_slice(&checksum.to_be_bytes());
    header
}

/// A signed note.
pub fn note(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Ok(note) = Note::parse(text) else { return };
    assert_eq!(note.to_text(), text);
    if let Ok(key) = VerifierKey::parse(SPECIMEN) {
        let _ = note.verify(&key);
    }
}

/// A checkpoint, as text and as a note.
pub fn checkpoint(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(key) = VerifierKey::parse(SPECIMEN) {
        let _ = checkpoint::open(text, &key);
    }
    let bare = Note::parse(text).map_or(text, |note| note.text);
    if let Ok((origin, head)) = checkpoint::read(bare) {
        assert_eq!(checkpoint::text(origin, &head), bare);
    }
}

/// A checkpoint with a cosignature, under the key of the seed of zeros.
pub fn cosignature(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Some(key) = CosigningKey::from_seed(&[0; 32]).ok() else { return };
    if let Ok(key) = CosignerKey::new("example.com/foo", key.public()) {
        let _ = cosignature::verify(text, &key);
    }
}

/// A receipt.
pub fn receipt(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Ok(receipt) = Receipt::parse(text) else { return };
    assert_eq!(receipt.to_text(), text);
    if let Ok(key) = VerifierKey::parse(SPECIMEN) {
        let _ = receipt.verify(receipt.extra.as_deref().unwrap_or_default(), &key);
    }
}

/// A tile's path.
pub fn tile_path(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Some(tile) = Tile::parse(text) else { return };
    assert_eq!(tile.to_string(), text);
    let _ = (tile.is_of(0), tile.is_of(u64::MAX), tile.first());
}

/// A bundle of entries.
pub fn bundle(data: &[u8]) {
    let Ok(entries) = bundle::split(data) else { return };
    let mut again = Vec::new();
    assert!(entries.iter().all(|entry| bundle::add(&mut again, entry).is_ok()));
    assert_eq!(again, data);
}

/// An entry.
pub fn entry(data: &[u8]) {
    let Ok(entry) = entry::decode(data) else { return };
    assert!(entry::encode(&entry).is_ok_and(|again| again == data));
}

/// A verifier key.
pub fn vkey(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text);
    }
}

/// A cosigner's key.
pub fn cosigner_key(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(key) = CosignerKey::parse(text) {
        assert_eq!(key.to_string(), text);
    }
}

/// `log.toml`.
pub fn description(data: &[u8]) {
    let Ok(folder) = tempfile::tempdir() else { return };
    assert!(fs::write(folder.path().join("log.toml"), data).is_ok());
    // A file that is there is read or refused, never taken for none.
    if let Ok(read) = Description::read(folder.path()) {
        assert!(read.is_some_and(|described| described.key().is_some()));
    }
}
