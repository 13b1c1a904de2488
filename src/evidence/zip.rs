//! The one ZIP that holds given files: stored, without times, in order. Any program unpacks it.
//!
//! A ZIP can show one content to one program and another to the next: names that stand twice, bytes between files, links,
//! a list at the end that contradicts the files. Reading takes the files and makes the ZIP again: if that is not the very
//! same bytes, it is not one of ours. Nothing is compressed, so no small file becomes a large one, and the same files make
//! the same bytes under every version of every program.

use thiserror::Error;

use super::Files;

/// Largest package read. The largest cases need a few megabytes.
pub const BYTES_MOST: usize = 64 << 20;
/// Most files of a package: a case has some dozen entries, and two files each.
pub const FILES_MOST: usize = 2_000;
/// Longest path of a file.
pub const PATH_MOST: usize = 120;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const LOCAL_BYTES: usize = 30;
/// Version 2.0, made on a system that knows no modes; names are UTF-8, of which ours are the part called ASCII.
const VERSION: u16 = 20;
/// 1980-01-01, the first day that the form knows.
const FIRST_DAY: u16 = 0x0021;

/// Why bytes are no package.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ZipError {
    /// Larger than any package.
    #[error("it is larger than the 64 MiB that a package may have")]
    TooLarge,
    /// More files than any package.
    #[error("it has more than the 2000 files that a package may have")]
    TooMany,
    /// A path that could lead elsewhere, or is of another form.
    #[error("a file in it has a path that no package has")]
    Path,
    /// Compressed or packed by another program, damaged, or with more in it than its files.
    #[error(
        "it is not the ZIP that `heyan case export` writes for these files: it was damaged, changed or packed anew; if \
         you packed it yourself, unpack it and name the folder"
    )]
    Other,
}

/// True of a path that stays in its folder and reads alike everywhere.
pub fn is_path(path: &str) -> bool {
    let formed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.');
    path.len() <= PATH_MOST && path.bytes().all(formed) && path.split('/').all(is_part)
}

/// The ZIP of these files.
///
/// # Errors
/// When there are too many, they are too large, or one has a path that no package has.
pub fn pack(files: &Files) -> Result<Vec<u8>, ZipError> {
    if files.len() > FILES_MOST {
        return Err(ZipError::TooMany);
    }
    if files.values().map(Vec::len).sum::<usize>() > BYTES_MOST {
        return Err(ZipError::TooLarge);
    }
    let (mut zip, mut list) = (Vec::new(), Vec::new());
    for (path, bytes) in files {
        if !is_path(path) {
            return Err(ZipError::Path);
        }
        let of_file = described(path, bytes)?;
        let offset = short(zip.len())?;
        put(&mut zip, &LOCAL.to_le_bytes());
        put(&mut zip, &of_file);
        put(&mut zip, path.as_bytes());
        put(&mut zip, bytes);
        put(&mut list, &CENTRAL.to_le_bytes());
        put(&mut list, &VERSION.to_le_bytes());
        put(&mut list, &of_file);
        // No remark, first disk, no attributes inside or outside.
        put(&mut list, &[0; 10]);
        put(&mut list, &offset.to_le_bytes());
        put(&mut list, path.as_bytes());
    }
    let count = u16::try_from(files.len()).map_err(|_| ZipError::TooMany)?;
    let (at, length) = (short(zip.len())?, short(list.len())?);
    put(&mut zip, &list);
    put(&mut zip, &END.to_le_bytes());
    put(&mut zip, &[0; 4]);
    put(&mut zip, &count.to_le_bytes());
    put(&mut zip, &count.to_le_bytes());
    put(&mut zip, &length.to_le_bytes());
    put(&mut zip, &at.to_le_bytes());
    put(&mut zip, &[0; 2]);
    if zip.len() > BYTES_MOST { Err(ZipError::TooLarge) } else { Ok(zip) }
}

/// The files of a ZIP, and whether it is the very one that [`pack`] makes of them. One that is not may show other programs
/// other files: what is found here is good for naming what is wrong, and for nothing else.
///
/// # Errors
/// When it is too large, or nothing like it.
pub fn unpack(zip: &[u8]) -> Result<(Files, bool), ZipError> {
    if zip.len() > BYTES_MOST {
        return Err(ZipError::TooLarge);
    }
    let mut files = Files::new();
    let mut rest = zip;
    while let Some((header, after)) = rest.split_at_checked(LOCAL_BYTES) {
        if !header.starts_with(&LOCAL.to_le_bytes()) {
            break;
        }
        if header.get(6..10) != Some(&[0; 4]) {
            return Err(ZipError::Other);
        }
        if files.len() == FILES_MOST {
            return Err(ZipError::TooMany);
        }
        let length = number(header, 18).ok_or(ZipError::Other)?;
        let path = number(header, 26).ok_or(ZipError::Other)? & 0xffff;
        let (path, after) = after.split_at_checked(path).ok_or(ZipError::Other)?;
        let (bytes, after) = after.split_at_checked(length).ok_or(ZipError::Other)?;
        let path = std::str::from_utf8(path).map_err(|_| ZipError::Path)?;
        if !is_path(path) {
            return Err(ZipError::Path);
        }
        files.insert(path.to_owned(), bytes.to_vec());
        rest = after;
    }
    let is_ours = pack(&files)? == zip;
    if files.is_empty() && !is_ours { Err(ZipError::Other) } else { Ok((files, is_ours)) }
}

/// What the file's own header and the list at the end say of it alike.
fn described(path: &str, bytes: &[u8]) -> Result<Vec<u8>, ZipError> {
    let length = short(bytes.len())?.to_le_bytes();
    let path = u16::try_from(path.len()).map_err(|_| ZipError::Path)?;
    let mut header = Vec::with_capacity(LOCAL_BYTES);
    put(&mut header, &VERSION.to_le_bytes());
    // No flags, stored, at midnight.
    put(&mut header, &[0; 6]);
    put(&mut header, &FIRST_DAY.to_le_bytes());
    put(&mut header, &crc32fast::hash(bytes).to_le_bytes());
    put(&mut header, &length);
    put(&mut header, &length);
    put(&mut header, &path.to_le_bytes());
    put(&mut header, &[0; 2]);
    Ok(header)
}

fn put(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend_from_slice(bytes);
}

fn short(number: usize) -> Result<u32, ZipError> {
    u32::try_from(number).map_err(|_| ZipError::TooLarge)
}

fn number(header: &[u8], at: usize) -> Option<usize> {
    let bytes = header.get(at..)?.first_chunk::<4>()?;
    usize::try_from(u32::from_le_bytes(*bytes)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        let long = vec![7; 70_000];
        [("a.txt", b"one".to_vec()), ("b/empty", Vec::new()), ("b/long.bin", long)]
            .map(|(path, bytes)| (path.to_owned(), bytes))
            .into()
    }

    #[test]
    fn holds_the_files_and_is_the_same_every_time() {
        let zip = pack(&files()).unwrap();
        assert_eq!(zip, pack(&files()).unwrap());
        assert!(unpack(&zip).unwrap() == (files(), true));
        assert_eq!(unpack(&pack(&Files::new()).unwrap()), Ok((Files::new(), true)));
    }

    /// Whatever else the bytes say, two programs could read it differently.
    #[test]
    fn no_other_bytes_are_ours() {
        let is_ours = |zip: &[u8]| unpack(zip).is_ok_and(|(_, is_ours)| is_ours);
        let small: Files = [("a.txt".to_owned(), b"one".to_vec())].into();
        let zip = pack(&small).unwrap();
        for place in 0..zip.len() {
            for bit in 0..8 {
                let mut other = zip.clone();
                other[place] ^= 1 << bit;
                assert!(!is_ours(&other), "bit {bit} of byte {place}");
            }
        }
        for cut in 0..zip.len() {
            assert!(!is_ours(&zip[..cut]), "cut at {cut}");
        }
        for more in [[&zip[..], b"x"].concat(), [b"x", &zip[..]].concat(), zip.repeat(2)] {
            assert!(!is_ours(&more));
        }
        // The same name twice: each program takes the one it likes.
        let end = zip.len() - 22 - 46 - 5;
        let twice = [&zip[..end], &zip[..]].concat();
        assert!(!is_ours(&twice));
    }

    #[test]
    fn paths_stay_in_their_folder() {
        for good in ["manifest.json", "receipts/41.tlog-proof", "rule/9-W3-2026.2.toml"] {
            assert!(is_path(good), "{good}");
        }
        for bad in ["", "/a", "a/", "../a", "a/../b", "a//b", "C:a", "a\\b", ".a", "a b", "\u{e9}"]
        {
            assert!(!is_path(bad), "{bad}");
            assert_eq!(pack(&[(bad.to_owned(), Vec::new())].into()), Err(ZipError::Path), "{bad}");
        }
        assert!(!is_path(&"a".repeat(PATH_MOST + 1)));
    }

    #[test]
    fn too_much_is_not_read() {
        let many: Files = (0..=FILES_MOST).map(|file| (file.to_string(), Vec::new())).collect();
        assert_eq!(pack(&many), Err(ZipError::TooMany));
        let large = [("a".to_owned(), vec![0; BYTES_MOST + 1])].into();
        assert_eq!(pack(&large), Err(ZipError::TooLarge));
        assert_eq!(unpack(&vec![0; BYTES_MOST + 1]), Err(ZipError::TooLarge));
        // A header that promises more than is there.
        let mut promise = pack(&files()).unwrap();
        promise[18..22].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(unpack(&promise), Err(ZipError::Other));
    }
}
