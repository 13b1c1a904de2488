//! Against RFC 6962's own vectors, against an independent crate, and against every single change.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use sha2::Sha256;

use super::*;
use crate::crypto::hex;

const SIZES: u64 = 70;

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

/// All nodes, naively.
fn node(node: Node) -> Result<Digest, OutOfRange> {
    Ok(match node.level {
        0 => leaf_hash(&entry(node.position)),
        level => node_hash(
            &self::node(Node { level: level - 1, position: node.position * 2 })?,
            &self::node(Node { level: level - 1, position: node.position * 2 + 1 })?,
        ),
    })
}

fn frontier(size: u64) -> Frontier {
    let mut frontier = Frontier::default();
    (0..size).for_each(|index| frontier.push(leaf_hash(&entry(index)), |_, _| {}));
    frontier
}

fn oracle(size: u64) -> MemoryBackedTree<Sha256, Vec<u8>> {
    let mut tree = MemoryBackedTree::new();
    (0..size).for_each(|index| tree.push(entry(index)));
    tree
}

/// The vectors that Certificate Transparency implementations share.
#[test]
fn roots_of_the_known_tree() {
    let leaves: [&[u8]; 8] = [
        &[],
        &[0x00],
        &[0x10],
        &[0x20, 0x21],
        &[0x30, 0x31],
        &[0x40, 0x41, 0x42, 0x43],
        &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
        &[
            0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d,
            0x6e, 0x6f,
        ],
    ];
    let mut frontier = Frontier::default();
    assert_eq!(
        hex(&frontier.root()),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    leaves.iter().for_each(|leaf| frontier.push(leaf_hash(leaf), |_, _| {}));
    assert_eq!(
        hex(&frontier.root()),
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    );
}

#[test]
fn agrees_with_ct_merkle() {
    for size in 1..SIZES {
        let oracle = oracle(size);
        let root = frontier(size).root();
        assert_eq!(oracle.root().as_bytes().as_slice(), root, "root of {size}");
        for index in 0..size {
            let proof = inclusion(index, size, node).unwrap();
            let theirs = oracle.prove_inclusion(usize::try_from(index).unwrap());
            assert_eq!(theirs.as_bytes(), proof.concat(), "{index} of {size}");
            assert!(verify_inclusion(&leaf_hash(&entry(index)), index, size, &proof, &root));
        }
        for from in 1..=size {
            let proof = consistency(from, size, node).unwrap();
            let theirs = oracle.prove_consistency(usize::try_from(size - from).unwrap());
            assert_eq!(theirs.as_bytes(), proof.concat(), "{from} to {size}");
        }
    }
}

#[test]
fn consistency_holds_for_prefixes_only() {
    for to in 1..SIZES {
        let new = Head { size: to, root: frontier(to).root() };
        for from in 0..=to {
            let old = Head { size: from, root: frontier(from).root() };
            let proof = consistency(from, to, node).unwrap();
            assert!(verify_consistency(&old, &new, &proof), "{from} to {to}");

            let forged = Head { root: [1; 32], ..old };
            assert!(!verify_consistency(&forged, &new, &proof), "{from} to {to}");
            assert!(from == 0 || !verify_consistency(&old, &Head { root: [1; 32], ..new }, &proof));
            let longer = [&proof[..], &[[0; 32]]].concat();
            assert!(!verify_consistency(&old, &new, &longer));
            for place in 0..proof.len() {
                let mut changed = proof.clone();
                changed[place][0] ^= 1;
                assert!(!verify_consistency(&old, &new, &changed));
                changed.remove(place);
                assert!(!verify_consistency(&old, &new, &changed));
            }
        }
    }
}

#[test]
fn inclusion_holds_for_one_place_only() {
    for size in 1..SIZES {
        let root = frontier(size).root();
        for index in 0..size {
            let leaf = leaf_hash(&entry(index));
            let proof = inclusion(index, size, node).unwrap();
            for other in (0..size + 1).filter(|&other| other != index) {
                assert!(!verify_inclusion(&leaf, other, size, &proof, &root));
            }
            assert!(!verify_inclusion(&leaf_hash(b"other"), index, size, &proof, &root));
            assert!(!verify_inclusion(
                &leaf,
                index,
                size,
                &[&proof[..], &[[0; 32]]].concat(),
                &root
            ));
            for place in 0..proof.len() {
                let mut changed = proof.clone();
                changed[place][31] ^= 0x80;
                assert!(!verify_inclusion(&leaf, index, size, &changed, &root));
                changed.remove(place);
                assert!(!verify_inclusion(&leaf, index, size, &changed, &root));
            }
        }
    }
}

#[test]
fn a_batch_proves_its_own_entries() {
    for before in 0..SIZES {
        for count in 1..20 {
            let size = before + count;
            let growth =
                Growth::new(frontier(before), (before..size).map(|index| leaf_hash(&entry(index))));
            assert_eq!(growth.after(), &frontier(size));
            for index in 0..size {
                match growth.inclusion(index) {
                    Ok(proof) => assert_eq!(proof, inclusion(index, size, node).unwrap()),
                    Err(OutOfRange) => assert!(index < before),
                }
            }
            assert_eq!(growth.inclusion(size), Err(OutOfRange));
        }
    }
}

#[test]
fn refuses_what_the_tree_does_not_have() {
    assert_eq!(inclusion(3, 3, node), Err(OutOfRange));
    assert_eq!(consistency(4, 3, node), Err(OutOfRange));
}
