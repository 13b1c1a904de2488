//! Paths both ways, and the same files from a running log and from an export, checked by a reader of another make.

use super::*;

#[test]
fn paths_are_those_of_the_specification() {
    let hashes = |level, number, width| Tile { kind: Kind::Hashes(level), number, width };
    let entries = |number, width| Tile { kind: Kind::Entries, number, width };
    for (path, tile) in [
        ("tile/0/000", hashes(0, 0, 256)),
        ("tile/0/x001/x234/067", hashes(0, 1_234_067, 256)),
        ("tile/63/999.p/255", hashes(63, 999, 255)),
        ("tile/1/x001/000.p/1", hashes(1, 1000, 1)),
        ("tile/entries/x123/456", entries(123_456, 256)),
        ("tile/entries/000.p/9", entries(0, 9)),
        ("tile/0/x018/x446/x744/x073/x709/x551/615.p/7", hashes(0, u64::MAX, 7)),
    ] {
        assert_eq!(tile.to_string(), path);
        assert_eq!(Tile::parse(path), Some(tile), "{path}");
    }
    for wrong in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/x001/x002",
        "tile/0/x01/002",
        "tile/0/1000",
        "tile/0/+01",
        "tile/0/0x1",
        "tile/0/000.p/0",
        "tile/0/000.p/00",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/000/",
        "/tile/0/000",
        "tile//000",
        "tile/data/000",
        "tile/entries/000/x001",
        "tile/8/0/000",
        "tile/0/000 ",
        "tile/0/٠٠٠",
        "checkpoint",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/../0/000",
        "tile/0/X001/000",
    ] {
        assert_eq!(Tile::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn a_size_has_the_tiles_of_the_specifications_example() {
    let of = |size: u64| Tile::all_of(size).collect::<Vec<_>>();
    let kind = |size: u64, kind: Kind| {
        let (full, partial): (Vec<_>, Vec<_>) = of(size)
            .into_iter()
            .filter(|tile| tile.kind == kind)
            .partition(|tile| tile.width == 256);
        (full.len(), partial.first().map(|tile| tile.width))
    };
    assert_eq!(kind(70_000, Kind::Hashes(0)), (273, Some(112)));
    assert_eq!(kind(70_000, Kind::Hashes(1)), (1, Some(17)));
    assert_eq!(kind(70_000, Kind::Hashes(2)), (0, Some(1)));
    assert_eq!(kind(70_000, Kind::Entries), (273, Some(112)));
    assert_eq!(kind(256, Kind::Hashes(0)), (1, None));
    assert_eq!(kind(256, Kind::Hashes(1)), (0, Some(1)));
    assert_eq!(of(0), []);
    for size in [1, 255, 256, 257, 65_536, 65_537] {
        for tile in of(size) {
            assert!(tile.is_of(size), "{tile} {size}");
            let is_last = tile.first().unwrap() + u64::from(tile.width) == tile.kind.count(size);
            assert_eq!(
                tile.is_of(size - 1),
                !is_last || tile.kind.count(size - 1) == tile.kind.count(size)
            );
        }
    }
    assert!(!Tile { kind: Kind::Hashes(63), number: 0, width: 1 }.is_of(u64::MAX));
    assert!(!Tile { kind: Kind::Hashes(0), number: u64::MAX, width: 1 }.is_of(u64::MAX));
}
