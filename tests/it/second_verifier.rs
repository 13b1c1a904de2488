//! A verifier of another make, written from `docs/audit-log.md` alone, and ours: over the same logs, whole and damaged,
//! they must come to the same.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use heyan::audit::cosignature::CosignerKey;
use heyan::audit::entry::Kind;
use heyan::audit::file::Description;
use heyan::audit::tiles::export;
use heyan::audit::verify::{Expected, Verified, verify};
use heyan::audit::{AuditError, verify as verifying};
use heyan::crypto::{CosigningKey, hex};
use serde_json::Value;

use crate::log::mixed_load;
use crate::support::{ALL, Lab};

const BLOCK: usize = 4096;

pub(crate) fn second_verifier() -> Command {
    let python = std::env::var("HEYAN_GRPC_CLIENT_PYTHON").unwrap_or_else(|_| {
        panic!(
            "HEYAN_GRPC_CLIENT_PYTHON is not set: it must name a Python with the packages of \
             tests/grpc_client/requirements.txt. `.ci/run` makes one in target/grpc_client."
        )
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/second_verifier/verify_log.py");
    let mut command = Command::new(python);
    command.arg(script).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// What it printed, a document a line.
pub(crate) fn told(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("{text}{errors}"));
    let told: Vec<Value> = text.lines().map(read).collect();
    assert!(!told.is_empty(), "{errors}");
    told
}

/// A log small enough for many copies: its only segment that holds frames, cut to some room behind them.
#[derive(Clone)]
struct Copy {
    description: Vec<u8>,
    checkpoint: Option<Vec<u8>>,
    segments: BTreeMap<u64, Vec<u8>>,
}

impl Copy {
    fn of(log: &Path) -> Self {
        let mut segment = fs::read(log.join("wal/0000000000000001.wal")).unwrap();
        let end = segment.iter().rposition(|&byte| byte != 0).unwrap().next_multiple_of(BLOCK);
        segment.truncate(end + 8 * BLOCK);
        with_header(&mut segment, 1);
        Self {
            description: fs::read(log.join("log.toml")).unwrap(),
            checkpoint: Some(fs::read(log.join("checkpoint")).unwrap()),
            segments: BTreeMap::from([(1, segment)]),
        }
    }

    fn first(&mut self) -> &mut Vec<u8> {
        self.segments.get_mut(&1).unwrap()
    }

    /// Where each frame begins, and where the last ends.
    fn places(&self) -> Vec<usize> {
        let bytes = &self.segments[&1];
        let mut places = vec![BLOCK];
        while let Some(frame) =
            bytes.get(*places.last().unwrap()..).filter(|rest| rest.starts_with(b"HYF1"))
        {
            let length =
                |at: usize| u32::from_be_bytes(frame[at..at + 4].try_into().unwrap()) as usize;
            places.push(places.last().unwrap() + 124 + length(36) + length(40) + length(44));
        }
        places
    }

    fn write(&self, to: &Path) {
        fs::create_dir_all(to.join("wal")).unwrap();
        fs::write(to.join("log.toml"), &self.description).unwrap();
        if let Some(checkpoint) = &self.checkpoint {
            fs::write(to.join("checkpoint"), checkpoint).unwrap();
        }
        for (number, bytes) in &self.segments {
            fs::write(to.join(format!("wal/{number:016x}.wal")), bytes).unwrap();
        }
    }
}

/// Makes the header one of a segment of this length and number.
fn with_header(segment: &mut [u8], number: u64) {
    let length = segment.len() as u64;
    segment[16..24].copy_from_slice(&number.to_be_bytes());
    segment[24..32].copy_from_slice(&length.to_be_bytes());
    let checksum = crc32c::crc32c(&segment[..64]);
    segment[64..68].copy_from_slice(&checksum.to_be_bytes());
}

/// Makes the checksum of the frame in `from..to` right again.
fn with_checksum(bytes: &mut [u8], from: usize) {
    let length =
        |at: usize| u32::from_be_bytes(bytes[from + at..from + at + 4].try_into().unwrap());
    let end = from + 120 + (length(36) + length(40)) as usize;
    let checksum = crc32c::crc32c(&bytes[from..end]);
    bytes[end..end + 4].copy_from_slice(&checksum.to_be_bytes());
}

/// Copies with one thing wrong each; some of it is not wrong at all.
struct Variants {
    good: Copy,
    places: Vec<usize>,
    list: Vec<(String, Copy)>,
}

impl Variants {
    fn of(good: Copy) -> Self {
        let list = vec![("untouched".to_owned(), good.clone())];
        let mut all = Self { places: good.places(), good, list };
        bits(&mut all);
        moved(&mut all);
        tails(&mut all);
        files(&mut all);
        all
    }

    fn add(&mut self, name: &str, change: &dyn Fn(&mut Copy)) {
        let mut copy = self.good.clone();
        change(&mut copy);
        self.list.push((name.to_owned(), copy));
    }
}

/// Single bits, and fields of a frame with its checksum made right again.
fn bits(all: &mut Variants) {
    let places = all.places.clone();
    let end = *places.last().unwrap();
    for step in 0..60_usize {
        let place = step * 7919 % end;
        all.add(&format!("bit of byte {place}"), &|copy| copy.first()[place] ^= 1 << (step % 8));
    }
    for field in [0, 4, 5, 7, 15, 23, 31, 35, 39, 43, 47, 55, 60, 100] {
        let place = places[2] + field;
        all.add(&format!("header byte {field}, checksum mended"), &|copy| {
            copy.first()[place] ^= 1;
            if ![35, 39, 43].contains(&field) {
                with_checksum(copy.first(), places[2]);
            }
        });
    }
}

/// Frames that are whole, but not where they were.
fn moved(all: &mut Variants) {
    let (good, places) = (all.good.clone(), all.places.clone());
    all.add("an entry changed, checksum mended", &|copy| {
        copy.first()[places[1] + 140] ^= 1;
        with_checksum(copy.first(), places[1]);
    });
    all.add("frames exchanged", &|copy| {
        let (one, two) = (good.segments[&1][places[1]..places[2]].to_vec(), places[2]..places[3]);
        let two = good.segments[&1][two].to_vec();
        copy.first().splice(places[1]..places[3], [two, one].concat());
    });
    all.add("a frame twice", &|copy| {
        let frame = good.segments[&1][places[1]..places[2]].to_vec();
        copy.first().splice(places[2]..places[2], frame);
        with_header(copy.first(), 1);
    });
    all.add("a frame taken out", &|copy| {
        copy.first().drain(places[1]..places[2]);
        with_header(copy.first(), 1);
    });
    all.add("the last frame gone", &|copy| copy.first()[places[places.len() - 2]..].fill(0));
    all.add("a frame in the middle gone", &|copy| copy.first()[places[1]..places[2]].fill(0));
}

/// What may lie behind the last frame.
fn tails(all: &mut Variants) {
    let (good, places) = (all.good.clone(), all.places.clone());
    let end = *places.last().unwrap();
    all.add("half of the last frame", &|copy| copy.first()[end - 200..end].fill(0x55));
    all.add("something behind the end", &|copy| copy.first()[end + 77] = 1);
    all.add("something two blocks behind the end", &|copy| copy.first()[end + 2 * BLOCK] = 1);
    all.add("an unfinished frame", &|copy| {
        let head = good.segments[&1][BLOCK..BLOCK + 300].to_vec();
        copy.first()[end..end + 300].copy_from_slice(&head);
        copy.first()[end + 20] ^= 1;
    });
    all.add("a newer program's frame", &|copy| {
        copy.first()[end..end + 5].copy_from_slice(b"HYF1\x02");
    });
}

/// Whole files.
fn files(all: &mut Variants) {
    let (good, places) = (all.good.clone(), all.places.clone());
    let end = *places.last().unwrap();
    all.add("a file cut short", &|copy| copy.first().truncate(end));
    all.add("a file cut short, header mended", &|copy| {
        copy.first().truncate(end);
        with_header(copy.first(), 1);
    });
    all.add("an empty segment behind", &|copy| {
        let mut empty = good.segments[&1].clone();
        empty[BLOCK..].fill(0);
        with_header(&mut empty, 2);
        copy.segments.insert(2, empty);
    });
    all.add("a segment missing between", &|copy| {
        let mut empty = good.segments[&1].clone();
        empty[BLOCK..].fill(0);
        with_header(&mut empty, 3);
        copy.segments.insert(3, empty);
    });
    all.add("the segment again as the second", &|copy| {
        let mut second = good.segments[&1].clone();
        with_header(&mut second, 2);
        copy.segments.insert(2, second);
    });
    all.add("no checkpoint", &|copy| copy.checkpoint = None);
    for place in [0, 10, 30, 40, 60, 90, 120, 150] {
        let flip = move |bytes: &mut Vec<u8>| {
            let place = place % bytes.len();
            bytes[place] ^= 1;
        };
        all.add(&format!("checkpoint byte {place}"), &|copy| {
            flip(copy.checkpoint.as_mut().unwrap())
        });
        all.add(&format!("description byte {place}"), &|copy| flip(&mut copy.description));
    }
    all.add("a stranger's signature besides", &|copy| {
        let line = "— stranger.example AAAAAAECAwQ=\n".as_bytes();
        copy.checkpoint.as_mut().unwrap().extend_from_slice(line);
    });
}

fn ours(folder: &Path, kinds: &mut BTreeMap<&'static str, u64>) -> Result<Verified, AuditError> {
    verify(folder, Expected::default(), &mut |_, entry| {
        let name = match &entry.kind {
            Kind::Intent(_) => "Intent",
            Kind::Outcome(_) => "Outcome",
            Kind::Denial(_) => "Denial",
            Kind::Agreement(_) => "Agreement",
            Kind::Party(_) => "Party",
            Kind::Node(_) => "Node",
            Kind::Catalogue(_) => "Catalogue",
            Kind::Adapter(_) => "Adapter",
            Kind::Freeze(_) => "Freeze",
            Kind::Key(_) => "Key",
            Kind::Erasure(_) => "Erasure",
            Kind::Rule(_) => "Rule",
            Kind::Case(_) => "Case",
            Kind::Dispute(_) => "Dispute",
        };
        *kinds.entry(name).or_default() += 1;
    })
}

/// Fails unless the second verifier says the same of the folder as ours.
fn compare(name: &str, folder: &Path, theirs: &Value) -> bool {
    let mut kinds = BTreeMap::new();
    match ours(folder, &mut kinds) {
        Ok(verified) => {
            let verifying::Verified { entries, frames, published, .. } = &verified;
            let root = hex(&verified.root);
            assert_eq!(theirs["root"], root.as_str(), "{name}: {theirs}");
            assert_eq!(theirs["kinds"], serde_json::to_value(&kinds).unwrap(), "{name}");
            let counts = [("entries", entries), ("frames", frames), ("published", published)];
            for (what, count) in counts {
                assert_eq!(theirs[what], *count, "{name}: {what}");
            }
            let left_over =
                verified.left_over.as_ref().map(|left| (left.offset, left.bytes as u64));
            let theirs = &theirs["left_over"];
            let told = theirs["offset"].as_u64().zip(theirs["bytes"].as_u64());
            assert_eq!(told, left_over, "{name}");
            left_over.is_none()
        }
        Err(error) => {
            assert!(error.is_finding(), "{name}: {error}");
            assert!(theirs["problem"].is_string(), "{name}: ours says {error}, theirs {theirs}");
            false
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_verifiers_come_to_the_same() {
    let mut lab = Lab::start(&ALL).await;
    mixed_load(&lab).await;
    lab.close().await;
    let good = Copy::of(&lab.path("log"));
    let variants = Variants::of(good).list;
    let folders: Vec<PathBuf> =
        (0..variants.len()).map(|number| lab.beside(&format!("variant-{number}"))).collect();
    for ((_, copy), folder) in variants.iter().zip(&folders) {
        copy.write(folder);
    }
    let output = second_verifier().args(&folders).output().unwrap();
    let told = told(&output);
    assert_eq!(told.len(), variants.len());
    let whole: Vec<&str> = variants
        .iter()
        .zip(folders.iter().zip(&told))
        .filter(|((name, _), (folder, theirs))| compare(name, folder, theirs))
        .map(|((name, _), _)| name.as_str())
        .collect();
    let harmless = [
        "untouched",
        // A frame's time, by a microsecond: covered by its checksum only. The times of entries are hashed.
        "header byte 55, checksum mended",
        "a file cut short, header mended",
        "an empty segment behind",
        "a stranger's signature besides",
    ];
    assert_eq!(whole, harmless, "every other change is found by both");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_verifier_reads_tiles_and_the_cosignature() {
    let mut lab = Lab::prepare(&ALL).await;
    let seed = lab.path("keys/cosigner.seed");
    fs::write(&seed, "5a".repeat(32)).unwrap();
    fs::set_permissions(&seed, fs::Permissions::from_mode(0o600)).unwrap();
    let file = lab.path("gateway.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("[log]\n", "[log]\ncosigner_key = \"keys/cosigner.seed\"\n"))
        .unwrap();
    lab.serve().await;
    mixed_load(&lab).await;
    let description = Description::read(&lab.path("log")).unwrap().unwrap();
    let public = CosigningKey::read(&seed).unwrap().public();
    let cosigner = CosignerKey::new(&description.origin, public).unwrap().to_string();
    let ask = |base: &str, cosigner: &str| {
        let keys = ["--vkey", &description.vkey, "--cosigner", cosigner];
        let output = second_verifier().args(["--tiles", base]).args(keys).output().unwrap();
        (output.status.code(), told(&output).remove(0))
    };
    let (code, live) = ask(&format!("http://{}/log", lab.node().admin), &cosigner);
    assert_eq!(code, Some(0), "{live}");
    lab.close().await;

    let to = lab.beside("export");
    let exported = export(&lab.path("log"), &to, &mut |_| {}).unwrap();
    let base = to.to_str().unwrap();
    let (code, found) = ask(base, &cosigner);
    assert_eq!(code, Some(0), "{found}");
    assert_eq!(found["entries"], exported.size);
    assert_eq!(found["root"], hex(&exported.root).as_str());
    assert!(live["entries"].as_u64().unwrap() <= exported.size);

    let other = CosigningKey::from_seed(&[1; 32]).unwrap().public();
    let other = CosignerKey::new(&description.origin, other).unwrap().to_string();
    assert_eq!(ask(base, &other).0, Some(1), "cosigned by another key");
    for tile in ["0/000", "entries/000"] {
        let path = to.join(format!("tile/{tile}.p/{}", exported.size));
        let bytes = fs::read(&path).unwrap();
        let mut changed = bytes.clone();
        changed[40] ^= 1;
        fs::write(&path, changed).unwrap();
        assert_eq!(ask(base, &cosigner).0, Some(1), "{tile}");
        fs::write(&path, bytes).unwrap();
    }
    assert_eq!(ask(base, &cosigner).0, Some(0));
}
