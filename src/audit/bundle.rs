//! Entries one after the other, as c2sp.org/tlog-tiles bundles them: per entry its length in two bytes, then its bytes.

use thiserror::Error;

/// Most entries of one bundle.
pub const ENTRIES: usize = 256;

/// The bytes are no bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the bytes are no bundle of at most 256 entries")]
pub struct NoBundle;

/// Adds one entry to a bundle.
///
/// # Errors
/// When it has more than 65,535 bytes.
pub fn add(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), NoBundle> {
    let length = u16::try_from(entry.len()).map_err(|_| NoBundle)?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// The entries of a bundle, in order.
///
/// # Errors
/// When the lengths do not fit the bytes, or there are more than [`ENTRIES`].
pub fn split(mut bytes: &[u8]) -> Result<Vec<&[u8]>, NoBundle> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, rest) = rest.split_at_checked(length).ok_or(NoBundle)?;
        entries.push(entry);
        bytes = rest;
        if entries.len() > ENTRIES {
            return Err(NoBundle);
        }
    }
    if bytes.is_empty() { Ok(entries) } else { Err(NoBundle) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_what_was_added_and_nothing_else() {
        let mut bundle = Vec::new();
        for entry in [&b"one"[..], b"", &[7; 65_535]] {
            add(&mut bundle, entry).unwrap();
        }
        let entries = split(&bundle).unwrap();
        assert_eq!(entries.iter().map(|entry| entry.len()).collect::<Vec<_>>(), [3, 0, 65_535]);
        assert_eq!(&bundle[..5], b"\0\x03one");
        for cut in [1, 2, 4, 6, 8, bundle.len() - 1] {
            assert_eq!(split(&bundle[..cut]), Err(NoBundle), "cut at {cut}");
        }
        assert_eq!(add(&mut bundle, &[0; 65_536]), Err(NoBundle));
        assert_eq!(split(&[0; 2 * 256]).unwrap().len(), 256);
        assert_eq!(split(&[0; 2 * 257]), Err(NoBundle));
    }
}
