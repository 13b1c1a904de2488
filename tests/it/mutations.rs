//! Tens of thousands of damaged inputs to every parser of the log and of signed documents: none panics, none takes long,
//! and what is taken at all is taken in its one form. The same functions are fuzzed in `fuzz/`; here they run on a fixed seed.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use heyan::agreements::document::{self, Signer};
use heyan::agreements::targets as documents;
use heyan::agreements::terms::Terms;
use heyan::audit::cosignature::{self, CosignerKey};
use heyan::audit::note::{Note, VerifierKey};
use heyan::audit::targets::{TARGETS, Target};
use heyan::audit::{bundle, checkpoint};
use heyan::client::receipt;
use heyan::crypto::CosigningKey;
use heyan::query::time::Timestamp;

use crate::support::signers::Signers;

/// Any one input is done with in this time, in a debug build under load.
const PATIENCE: Duration = Duration::from_secs(10);

/// Numbers that look random and are the same every time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 16).unwrap() % limit.max(1)
    }
}

/// One to four changes of the kinds that crashes, hands and programs make.
fn damage(sample: &[u8], others: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    const TELLING: [&[u8]; 12] = [
        b"\0",
        b"\xff",
        b"\n",
        b"\n\n",
        b" ",
        b"+",
        b"=",
        b"0",
        b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
        b"\xff\xff\xff\xff",
        "—".as_bytes(),
        b"x000/",
    ];
    let mut bytes = sample.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len() + 1);
        let end = (at + numbers.below(16)).min(bytes.len());
        match numbers.below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            1 if at < bytes.len() => bytes[at] = numbers.next() as u8,
            2 => drop(bytes.splice(at..at, TELLING[numbers.below(TELLING.len())].iter().copied())),
            3 => drop(bytes.drain(at..end)),
            4 => bytes.truncate(at),
            5 => {
                let part = bytes[at..end].to_vec();
                drop(bytes.splice(end..end, part));
            }
            6 => {
                let other = &others[numbers.below(others.len())];
                let from = numbers.below(other.len() + 1);
                let to = (from + numbers.below(64)).min(other.len());
                drop(bytes.splice(at..end, other[from..to].iter().copied()));
            }
            _ => {
                let place = bytes.get_mut(at..end).unwrap();
                place.reverse();
            }
        }
    }
    bytes
}

struct Samples {
    segment: Vec<u8>,
    frames: Vec<Vec<u8>>,
    entries: Vec<Vec<u8>>,
    receipts: Vec<Vec<u8>>,
    saved: Vec<Vec<u8>>,
    checkpoints: Vec<Vec<u8>>,
    keys: Vec<Vec<u8>>,
    cosigners: Vec<Vec<u8>>,
    descriptions: Vec<Vec<u8>>,
}

/// From the log that is kept in the repository.
fn samples() -> Samples {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/log-v1");
    let whole = fs::read(golden.join("wal/0000000000000001.wal")).unwrap();
    let segment = whole[4096..].to_vec();
    let starts: Vec<usize> =
        (0..segment.len()).step_by(4096).filter(|&at| segment[at..].starts_with(b"HYF1")).collect();
    let ends = starts.iter().skip(1).copied().chain([segment.len()]);
    let frames: Vec<Vec<u8>> =
        starts.iter().zip(ends).map(|(&at, end)| segment[at..end].to_vec()).collect();
    let mut entries = Vec::new();
    for frame in &frames {
        let leaves = u32::from_be_bytes(frame[36..40].try_into().unwrap()) as usize;
        let split = bundle::split(&frame[120..120 + leaves]).unwrap();
        entries.extend(split.into_iter().map(<[u8]>::to_vec));
    }
    let (mut receipts, mut saved) = (Vec::new(), Vec::new());
    for file in fs::read_dir(golden.join("receipts")).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        receipts.push(receipt::from_json(&text).unwrap().proof.into_bytes());
        saved.push(text.into_bytes());
    }
    let published = fs::read_to_string(golden.join("checkpoint")).unwrap();
    let key = CosigningKey::from_seed(&[0; 32]).unwrap();
    let cosigned =
        cosignature::cosign(&published, "example.com/foo", &key, Timestamp::from_seconds(9))
            .unwrap();
    let cosigner = CosignerKey::new("example.com/foo", key.public()).unwrap();
    assert!(cosignature::verify(&cosigned, &cosigner).is_ok());
    let description = fs::read(golden.join("log.toml")).unwrap();
    let vkey =
        String::from_utf8(description.clone()).unwrap().split('"').nth(3).unwrap().to_owned();
    checkpoint::open(&published, &VerifierKey::parse(&vkey).unwrap()).unwrap();
    Samples {
        segment,
        frames,
        entries,
        receipts,
        saved,
        checkpoints: vec![published.into_bytes(), cosigned.into_bytes()],
        keys: vec![vkey.into_bytes()],
        cosigners: vec![cosigner.to_string().into_bytes()],
        descriptions: vec![description],
    }
}

fn drive(name: &str, target: Target, samples: &[Vec<u8>], rounds: usize) {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15 ^ name.len() as u64);
    for sample in samples {
        target(sample);
    }
    for round in 0..rounds {
        let input = damage(&samples[round % samples.len()], samples, &mut numbers);
        let began = Instant::now();
        target(&input);
        assert!(began.elapsed() < PATIENCE, "{name}, round {round}");
    }
    // Much of nothing, and much of what each parser looks for.
    for filling in [&b"\0"[..], b"\n", b"A", "— a AAAAAAA=\n".as_bytes(), b"\x00\x01a", b"x001/"]
    {
        let input = filling.repeat((2 << 20) / filling.len());
        let began = Instant::now();
        target(&input);
        target(&[&samples[0][..], &input].concat());
        assert!(began.elapsed() < 2 * PATIENCE, "{name}, {filling:?}");
    }
}

#[test]
fn no_damaged_input_panics_or_is_taken_in_another_form() {
    let all = samples();
    let paths: Vec<Vec<u8>> = [
        "tile/0/000",
        "tile/63/x001/x234/067.p/255",
        "tile/entries/x018/x446/x744/x073/x709/x551/615",
    ]
    .map(|path| path.as_bytes().to_vec())
    .to_vec();
    let leaves = |frame: &Vec<u8>| {
        let leaves = u32::from_be_bytes(frame[36..40].try_into().unwrap()) as usize;
        frame[120..120 + leaves].to_vec()
    };
    let bundles: Vec<Vec<u8>> = all.frames.iter().map(leaves).collect();
    let segments = vec![all.segment.clone()];
    for (name, target) in TARGETS {
        let (samples, rounds) = match name {
            "frame" => (&all.frames, 4000),
            "log" => (&segments, 100),
            "note" | "checkpoint" => (&all.checkpoints, 8000),
            "cosignature" => (&all.checkpoints, 300),
            "receipt" => (&all.receipts, 8000),
            "tile_path" => (&paths, 20_000),
            "bundle" => (&bundles, 4000),
            "entry" => (&all.entries, 20_000),
            "vkey" => (&all.keys, 8000),
            "cosigner_key" => (&all.cosigners, 2000),
            "description" => (&all.descriptions, 1000),
            other => panic!("no samples for the target `{other}`"),
        };
        drive(name, target, samples, rounds);
    }
    drive("saved_receipt", saved_receipt, &all.saved, 4000);
}

/// A receipt as it is kept: read, it is written again with the same content.
fn saved_receipt(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(saved) = receipt::from_json(text) else { return };
    let again = receipt::to_json(&saved);
    assert_eq!(receipt::from_json(&again).unwrap(), saved);
    assert!(receipt::check(&saved, &[]).is_err(), "nobody's key");
}

#[test]
fn a_note_of_many_signatures_is_read_and_of_too_many_is_not() {
    let line = "— a AAAAAAA=\n";
    let with = |count: usize| format!("text\n\n{}", line.repeat(count));
    assert!(Note::parse(&with(16)).is_ok() && Note::parse(&with(100)).is_ok());
    assert!(Note::parse(&with(101)).is_err());
    let large = format!("{}\n\n{line}", "a".repeat(1 << 20));
    assert!(Note::parse(&large).is_err());
}

#[test]
fn no_damaged_document_panics_or_says_something_else() {
    let samples = documents::samples();
    for (name, target) in documents::TARGETS {
        let (_, sample) = samples.iter().find(|(of, _)| *of == name).unwrap();
        assert!(!sample.is_empty(), "{name}");
        let others: Vec<Vec<u8>> = std::iter::once(sample.clone())
            .chain(JSON.map(|part| part.as_bytes().to_vec()))
            .collect();
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15 ^ name.len() as u64);
        target(sample);
        for round in 0..rounds_of(name) {
            let input = damage(sample, &others, &mut numbers);
            let began = Instant::now();
            target(&input);
            assert!(began.elapsed() < PATIENCE, "{name}, round {round}");
        }
        for filling in
            ["[", "{\"a\":", "\"", "\\u0000", "A", " ", "[[clause]]\n", "a=[", "\u{202e}"]
        {
            let input = filling.repeat((2 << 20) / filling.len());
            let began = Instant::now();
            target(input.as_bytes());
            target(&[sample.as_slice(), input.as_bytes()].concat());
            assert!(began.elapsed() < 2 * PATIENCE, "{name}, {filling:?}");
        }
    }
}

/// What damage puts into texts of these kinds, beside parts of themselves.
const JSON: [&str; 12] = [
    "{\"payload\":\"e30\",\"signatures\":[]}",
    "\"version\":2,",
    "\"\\u0061\"",
    "\"\\ud800\"",
    "null",
    "1e400",
    "-0.0",
    "[[[[[[[[",
    "\"provider\":\"asker\",",
    "2026-01-01T00:00:00+08:00[Z]",
    "\u{202e}\u{200b}\u{feff}",
    "0x7f",
];

/// Each round signs and verifies, or reads a draft.
fn rounds_of(name: &str) -> usize {
    match name {
        "agreement_document" | "order_document" => 1500,
        "outside_signature" => 20_000,
        _ => 3000,
    }
}

/// Every change of one byte of a whole agreement, with signatures of either algorithm: refused, or the same agreement.
#[test]
fn a_document_with_any_byte_changed_is_refused_or_says_the_same() {
    let signers = Signers::new();
    let terms = Terms::parse(Path::new("draft.toml"), &Signers::draft("data-authority")).unwrap();
    let kids = ["fund-centre-1", "civil-affairs-2", "data-authority-1"];
    let keys = kids.map(|kid| Signer { kid, key: signers.key(kid) });
    let document = document::sign(&terms.payload().unwrap(), &keys).unwrap();
    let good = document::verify(&document, &signers.register, signers.now).unwrap();
    let mut numbers = Numbers(7);
    let (mut refused, mut same) = (0, 0);
    let mut verify = |changed: &[u8]| {
        match document::verify(changed, &signers.register, signers.now) {
            Err(_) => refused += 1,
            Ok(agreement) => {
                assert_eq!(agreement, good);
                same += 1;
            }
        }
        let _ = document::peek(changed);
    };
    for place in 0..document.len() {
        let mut changed = document.clone();
        changed[place] = match numbers.below(4) {
            0 => changed[place] ^ (1 << numbers.below(8)),
            1 => b" \"\\{}[],:="[numbers.below(10)],
            2 => changed[place].wrapping_add(1),
            _ => numbers.next() as u8,
        };
        verify(&changed);
    }
    for _ in 0..6000 {
        verify(&damage(&document, std::slice::from_ref(&document), &mut numbers));
    }
    // White space between the parts, and changes that changed nothing.
    assert!(
        refused > 6000 && same > 0 && same < refused / 10,
        "{refused} refused, {same} the same"
    );
}
