//! What others make of it: published implementations of the same formats read what this log shows, and it reads theirs.

use std::collections::BTreeMap;
use std::fs;

use bytes::Bytes;
use signed_note::{StandardVerifier, VerifierList};
use sigstore_types::Sha256Hash;
use tlog_tiles::{HashReader, TileHashReader, TileReader, check_record, check_tree, prove_record};

use super::super::chain::Chain;
use super::super::file::FileStore;
use super::super::file::disk::Local;
use super::super::hashed::{Depth, Hashed};
use super::super::store::Known;
use super::super::tiles::{Kind as Holds, Tile, export};
use super::super::tree::OutOfRange;
use super::*;
use crate::audit::cosignature::{self, CosignerKey};
use crate::crypto::CosigningKey;

/// Reads tiles as the other implementation asks for them: in its own paths, of which ours leave the height out.
struct Theirs<F>(F);

impl<F: Fn(&Tile) -> Option<Vec<u8>>> TileReader for Theirs<F> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = tiles.iter().map(|tile| {
            let ours = Tile::parse(&tile.path().replace("tile/8/", "tile/")).unwrap();
            (self.0)(&ours).ok_or(tlog_tiles::Error::InconsistentTile)
        });
        read.collect()
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

fn theirs(hash: &Digest) -> tlog_tiles::Hash {
    tlog_tiles::Hash(*hash)
}

/// Their proofs from our tiles hold for us, and ours for them, at these entries and sizes.
fn agree(head: &Head, tile: impl Fn(&Tile) -> Option<Vec<u8>>, samples: &[u64]) {
    let reader = Theirs(tile);
    let hashes = TileHashReader::new(head.size, theirs(&head.root), &reader);
    for &index in samples {
        let leaf = hashes.read_hashes(&[tlog_tiles::stored_hash_index(0, index)]).unwrap()[0];
        let proof = prove_record(head.size, index, &hashes).unwrap();
        let as_ours: Vec<Digest> = proof.iter().map(|hash| hash.0).collect();
        assert!(tree::verify_inclusion(&leaf.0, index, head.size, &as_ours, &head.root), "{index}");

        let node = |node: tree::Node| {
            let level = u8::try_from(node.level).unwrap();
            let place = tlog_tiles::stored_hash_index(level, node.position);
            hashes.read_hashes(&[place]).map(|read| read[0].0).map_err(|_| OutOfRange)
        };
        let ours: Vec<Digest> = tree::inclusion(index, head.size, node).unwrap();
        assert_eq!(ours, as_ours);
        let proof = ours.iter().map(theirs).collect();
        check_record(&proof, head.size, theirs(&head.root), index, leaf).unwrap();
        let sigstore: Vec<Sha256Hash> = ours.iter().map(|hash| Sha256Hash::new(*hash)).collect();
        let (leaf, root) = (Sha256Hash::new(leaf.0), Sha256Hash::new(head.root));
        sigstore_merkle::verify_inclusion_proof(&leaf, index, head.size, &sigstore, &root).unwrap();

        let size = index + 1;
        let old = tlog_tiles::tree_hash(size, &hashes).unwrap();
        let ours: Vec<Digest> = tree::consistency(size, head.size, node).unwrap();
        assert!(tree::verify_consistency(&Head { size, root: old.0 }, head, &ours), "{size}");
        let sigstore: Vec<Sha256Hash> = ours.iter().map(|hash| Sha256Hash::new(*hash)).collect();
        let old_root = Sha256Hash::new(old.0);
        sigstore_merkle::verify_consistency_proof(size, head.size, &sigstore, &old_root, &root)
            .unwrap();
        if size < head.size {
            let proof = ours.iter().map(theirs).collect();
            check_tree(&proof, head.size, theirs(&head.root), size, old).unwrap();
            let proof = tlog_tiles::prove_tree(head.size, size, &hashes).unwrap();
            assert_eq!(proof.iter().map(|hash| hash.0).collect::<Vec<_>>(), ours);
        }
    }
}

#[tokio::test]
async fn readers_of_another_make_check_the_tiles_of_a_running_log() {
    let log = Log::new();
    let audit = log.open();
    for round in 0..14 {
        let appends = (0..50).map(|number| audit.append(denial(round * 50 + number)));
        futures_util::future::join_all(appends)
            .await
            .into_iter()
            .for_each(|done| drop(done.unwrap()));
    }
    // Durable, but not published: nobody is shown any of it.
    let published = audit.published();
    assert_eq!((published.size, audit.size()), (1, 701));
    let tile = |path: &str| audit.tile(&Tile::parse(path).unwrap()).unwrap();
    assert_eq!(tile("tile/0/000.p/1").unwrap().len(), 32);
    for beyond in ["tile/0/000", "tile/0/000.p/2", "tile/1/000.p/1", "tile/entries/000.p/2"] {
        assert_eq!(tile(beyond), None, "{beyond}");
    }
    audit.close().await;

    let audit = log.open();
    let published = audit.published();
    let head = checkpoint::open(&published.checkpoint, &log.vkey()).unwrap();
    assert_eq!((head.size, published.size), (701, 701));
    let samples = [0, 1, 254, 255, 256, 257, 511, 512, 600, 699, 700];
    agree(&head, |tile| audit.tile(tile).unwrap(), &samples);

    let mut entries = Vec::new();
    for tile in Tile::all_of(head.size).filter(|tile| tile.kind == Holds::Entries) {
        let bytes = audit.tile(&tile).unwrap().unwrap();
        entries.extend(bundle::split(&bytes).unwrap().into_iter().map(Bytes::copy_from_slice));
    }
    assert_eq!(entries, audit.entries(0, 1000).unwrap());
    // Any width is a prefix of the full tile; one beyond the tree is not there.
    let full = audit.tile(&Tile::parse("tile/0/001").unwrap()).unwrap().unwrap();
    let part = audit.tile(&Tile::parse("tile/0/001.p/77").unwrap()).unwrap().unwrap();
    assert_eq!(full[..77 * 32], part);
    for beyond in ["tile/0/002.p/190", "tile/0/003", "tile/1/000.p/3", "tile/2/000.p/1"] {
        assert_eq!(audit.tile(&Tile::parse(beyond).unwrap()).unwrap(), None, "{beyond}");
    }

    let to = log.path().join("export");
    let exported = export(log.path(), &to, &mut |_| {}).unwrap();
    assert_eq!((exported.size, exported.root), (head.size, head.root));
    let files: BTreeMap<String, Vec<u8>> = Tile::all_of(head.size)
        .map(|tile| (tile.to_string(), audit.tile(&tile).unwrap().unwrap()))
        .chain([("checkpoint".to_owned(), published.checkpoint.clone().into_bytes())])
        .collect();
    assert_eq!(read_all(&to), files);
    assert!(export(log.path(), &to, &mut |_| {}).is_err(), "never among other files");
    audit.close().await;
}

/// Every file under a folder, by its path in it.
fn read_all(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(path).unwrap());
            }
        }
    }
    files
}

#[test]
fn an_export_of_three_levels_is_checked_by_others() {
    let log = Log::new();
    let description = Description::read(log.path()).unwrap().unwrap();
    let store =
        FileStore::open(Arc::new(Local), log.path(), description, MIN_SEGMENT_BYTES).unwrap();
    let mut chain = Chain::new(1);
    let load = &mut |_, hashed: &mut Hashed| Ok(chain.accept(&hashed.frame).map(drop)?);
    store.load(Known::nothing(Depth::Hashes), load).unwrap();
    for round in 0..17_u64 {
        let contents: Vec<Content> = (0..4096)
            .map(|number| Content::bare(Bytes::from((round << 32 | number).to_be_bytes().to_vec())))
            .collect();
        let leaves = contents.iter().map(|content| tree::leaf_hash(&content.entry)).collect();
        let (frame, growth) = chain.next(&contents, leaves, Timestamp(2 + round)).unwrap();
        store.append(&frame).unwrap();
        chain.follow(&frame, &growth);
    }
    let head = Head { size: chain.tree().size(), root: chain.tree().root() };
    store.publish(&checkpoint::sign(ORIGIN, &head, &log.key).unwrap()).unwrap();
    drop(store);

    let to = log.path().join("export");
    let mut steps = Vec::new();
    let exported = export(log.path(), &to, &mut |entries| steps.push(entries)).unwrap();
    assert_eq!((exported.size, steps.len(), steps.last()), (69_633, 69_633, Some(&69_633)));
    assert_eq!(read_all(&to).len() as u64, exported.tiles + 1);
    let read = |tile: &Tile| fs::read(to.join(tile.to_string())).ok();
    agree(&head, read, &[0, 255, 256, 65_535, 65_536, 69_375, 69_376, 69_632]);
    // Tiles as the tree has them, in the full and in the partial form, and no others.
    let theirs: BTreeMap<String, u32> = tlog_tiles::Tile::new_tiles(8, 0, head.size)
        .iter()
        .map(|tile| (tile.path().replace("tile/8/", "tile/"), tile.width()))
        .collect();
    let ours: BTreeMap<String, u32> = Tile::all_of(head.size)
        .filter(|tile| tile.kind != Holds::Entries)
        .map(|tile| (tile.to_string(), u32::from(tile.width)))
        .collect();
    assert_eq!(ours, theirs);
}

#[test]
fn a_changed_or_shortened_log_is_not_exported() {
    let log = Log::new();
    let name = fs::read_dir(log.path().join("wal")).unwrap().next().unwrap().unwrap().path();
    let bytes = fs::read(&name).unwrap();
    let to = log.path().join("export");
    let mut changed = bytes.clone();
    changed[BLOCK + 130] ^= 1;
    fs::write(&name, &changed).unwrap();
    assert!(export(log.path(), &to, &mut |_| {}).unwrap_err().is_finding());
    fs::write(&name, &bytes).unwrap();
    let other = checkpoint::sign(ORIGIN, &Head { size: 1, root: [7; 32] }, &log.key).unwrap();
    fs::write(log.path().join("checkpoint"), other).unwrap();
    let forked = export(log.path(), &to, &mut |_| {}).unwrap_err();
    assert!(matches!(forked, AuditError::Forked { published: 1 }), "{forked}");
    assert_eq!(read_all(&to).len(), 0);
}

#[tokio::test]
async fn what_is_published_is_cosigned_and_others_read_it() {
    let log = Log::new();
    let key = Arc::new(CosigningKey::from_seed(&[9; 32]).unwrap());
    let cosigner = CosignerKey::new(ORIGIN, key.public()).unwrap();
    let settings = Settings { cosigner: Some(key), ..settings() };
    let audit = Audit::open(log.path(), Arc::clone(&log.key), &settings, &mut |_, _| {}).unwrap();
    let first = audit.published();
    cosignature::verify(&first.checkpoint, &cosigner).unwrap();
    let recorded = audit.append(denial(1)).await.unwrap();
    let receipt = Receipt::parse(&recorded.receipt()).unwrap();
    assert!(cosignature::verify(&receipt.checkpoint, &cosigner).is_err(), "receipts stay short");
    audit.close().await;

    let text = fs::read_to_string(log.path().join("checkpoint")).unwrap();
    assert_eq!(checkpoint::open(&text, &log.vkey()).unwrap().size, 2);
    assert!(cosignature::verify(&text, &cosigner).unwrap() > Timestamp(0));
    // Another reader knows the log's key only, and takes the rest for a stranger's.
    let note = signed_note::Note::from_bytes(text.as_bytes()).unwrap();
    let verifier = StandardVerifier::new(&log.vkey().to_string()).unwrap();
    let (good, unknown) = note.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!((good.len(), unknown.len()), (1, 1));
    let read = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
    assert_eq!((read.origin(), read.size(), read.extension()), (ORIGIN, 2, ""));
    // And a log without the key goes on from there.
    log.open().close().await;
}
