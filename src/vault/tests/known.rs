//! Bytes that another program made: the formats are promises to auditors.
//!
//! Made with Python's `hmac` and `cryptography.hazmat.primitives.ciphers.aead.AESGCM`, from `docs/vault.md` alone.

use std::fs;

use bytes::Bytes;

use super::*;
use crate::audit::commitment::Seed;
use crate::crypto::{hex, sha256};
use crate::vault::keys::DayKey;
use crate::vault::record::{Record, join, split};
use crate::vault::seal;

/// Each field sealed by itself.
const SEALED_EACH: &str = "\
    01010000007d9d40dd089a964b3d17e59ed0723979078167994ecb8c1f29069282a758f4b4cd3d6e6f3ad051fc9d7cf74b4b719570d7\
    961db52628f3b339a383d118491fa7fd19b4c33841f981fce568b8989d30f5c4c1a100bb1c277e60d801f7726e954bf6302989d7f707\
    808099b5176dc8ce3d021c27edd4e711b056ccd2ef9733040000002768f6dfa67b803d6cd441e855ac5398402a59d1849cafcdf7a6e0\
    4c6082819830a2a571e87a3b11";
const WRAP_EACH: &str = "\
    0065010000512c00000001050505050505050505050505889a90d567beadbd123a23cbc4034506ced4983e67d4c4d908403639f297ed\
    fab7ca426ecf24a2d6df15e9b2db8ca1db492754be90561778167aacdeb5aeae65d67ac316e9b00ad3fdcba96ab45047ab";
const SEALED: &str = "\
    02212cabaaca928dbd8c9d103c090139ab9865903e575b9c954493eca213761c65845241ee9193045d21fed5b791f7eba6601c7ce26a94\
    1444fdb3c6fcfb7716778f35b19830cc2800cac43583e16e4c2e16391a48a6793a48d39522a9c48e9175126461d83d37bfc1ce55d41f1d\
    29a9ae8d73654e6a25039202e122664f61ad305551f2cedb4788f30a9963cbaa1c2b139c59879c77deb4b30d76cf860772";
const WRAP: &str = "\
    0065010000512c00000001050505050505050505050505889a90d567beadbd123a23cbc4034506ced4983e67d4c4d908403639f297edfa\
    678bb8855c959f0bc03767e53f4616184cc7c680b4d8e4706b9b54892f80f0440c8574f0131144f15acbae05f9d7061c";
const KEY_FILE: &str = "\
    4859564b01060606060606060606060606a23ffa52f0ca0349c9f7f808a48979dc7d706cf47e394de1d3ebc7c8b00daad86a2edbc181\
    61f8940a8f33ab67e7fc32";

const SUBJECT: &[u8] =
    b"[{\"person\":{\"document_number\":\"110101199003070011\",\"document_type\":\"citizen_id\",\"name\":\"X\"},\"role\":\"person\"}]";
const ANSWER: &[u8] = b"{\"verdict\":\"CONFIRMED\"}";

fn bytes(digits: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(pair).collect()
}

fn name() -> crate::vault::day::KeyName {
    "2026-11-23.1".parse().unwrap()
}

fn day_key(secret: u8) -> DayKey {
    DayKey::new(name(), &[secret; 32]).unwrap()
}

const PLACE: Place<'static> = Place { origin: ORIGIN, request_id: &[1; 16], stage: Stage::Outcome };

#[test]
fn seals_what_another_program_seals() {
    let seed = Seed::from_bytes([7; 32]);
    let fields = [(Field::Subject, SUBJECT), (Field::Answer, ANSWER)];
    let identifiers = Identifier::of_subjects(SUBJECT);
    let (private, digest) = seal::seal(&day_key(9), &PLACE, &seed, &fields, &identifiers).unwrap();
    let record = Record::decode(private.bytes()).unwrap();
    assert_eq!(hex(&record.sealed), SEALED);
    assert_eq!(hex(&digest), "cf400cbc2cffe88cdfc0282890a4d04bf26a8b0db50a7abbe6e791b0aade39cb");
    assert_eq!(record.encode().unwrap(), private.bytes());
}

#[test]
fn opens_what_another_program_sealed_in_either_form() {
    for (wrap, sealed) in [(WRAP, SEALED), (WRAP_EACH, SEALED_EACH)] {
        let record = Record::decode(&Bytes::from(bytes(&format!("{wrap}{sealed}")))).unwrap();
        assert_eq!(hex(&record.encode().unwrap()), format!("{wrap}{sealed}"));
        assert_eq!(record.wrap.key, name());
        let (day, digest) = (day_key(9), sha256(&record.sealed));
        let seed = seal::unwrap(&day, &PLACE, &record.wrap, &digest).unwrap();
        assert_eq!(seed.as_bytes(), &[7; 32]);
        let open = |field| seal::open(&seed, &PLACE, &record.sealed, field);
        assert_eq!(open(Field::Subject).unwrap(), SUBJECT);
        assert_eq!(open(Field::Answer).unwrap(), ANSWER);
        assert!(matches!(open(Field::Operator), Err(VaultError::NoField("operator"))));
        let fields = seal::fields(&seed, &PLACE, &record.sealed).unwrap();
        assert_eq!(fields, [Field::Subject, Field::Answer]);
        let wanted = Identifier::of_subjects(SUBJECT);
        assert!(day.subject.finds(&digest, &record.wrap, &wanted).unwrap());
    }
}

#[test]
fn reads_a_key_file_that_another_program_wrote() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("2026-11-23.1.key"), bytes(KEY_FILE)).unwrap();
    let keys = KeyFolder::new(folder.path(), ORIGIN);
    let master = Master::fixed(Power::Open, 3);
    let key = keys.read(name(), &master).unwrap().unwrap();
    // It unwraps what that program wrapped under the same secret.
    let record = Record::decode(&Bytes::from(bytes(&format!("{WRAP}{SEALED}")))).unwrap();
    let seed = seal::unwrap(&key, &PLACE, &record.wrap, &sha256(&record.sealed)).unwrap();
    assert_eq!(seed.as_bytes(), &[7; 32]);
    for (origin, byte) in [("heyan.test/other", 3), (ORIGIN, 4)] {
        let keys = KeyFolder::new(folder.path(), origin);
        let refused = keys.read(name(), &Master::fixed(Power::Open, byte));
        assert!(matches!(refused, Err(VaultError::WrongKey(_))));
    }
}

#[test]
fn nothing_opens_elsewhere() {
    let record = Record::decode(&Bytes::from(bytes(&format!("{WRAP}{SEALED}")))).unwrap();
    let digest = sha256(&record.sealed);
    let day = day_key(9);
    let refused = |day: &DayKey, place: &Place<'_>, digest: &[u8; 32]| {
        seal::unwrap(day, place, &record.wrap, digest).is_err()
    };
    assert!(refused(&day_key(8), &PLACE, &digest), "another day's secret");
    assert!(refused(&day, &Place { origin: "heyan.test/other", ..PLACE }, &digest));
    assert!(refused(&day, &Place { request_id: &[2; 16], ..PLACE }, &digest));
    assert!(refused(&day, &Place { stage: Stage::Intent, ..PLACE }, &digest));
    assert!(refused(&day, &PLACE, &[0; 32]), "another sealed part");

    // A sealed part of another place, and of another seed.
    let open = |seed: u8, place: &Place<'_>| {
        seal::open(&Seed::from_bytes([seed; 32]), place, &record.sealed, Field::Answer)
    };
    assert_eq!(open(7, &PLACE).unwrap(), ANSWER);
    assert!(open(8, &PLACE).is_err() && open(7, &Place { stage: Stage::Intent, ..PLACE }).is_err());
}

/// The two ciphertexts in each other's place: the key of one field opens nothing of another.
#[test]
fn fields_that_are_sealed_each_open_as_themselves_only() {
    let sealed = bytes(SEALED_EACH);
    let fields = split(&sealed[1..]).unwrap();
    let swapped = [(Field::Subject, fields[1].1), (Field::Answer, fields[0].1)];
    let mut bytes = vec![1];
    join(&swapped, &mut bytes).unwrap();
    let seed = Seed::from_bytes([7; 32]);
    for field in [Field::Subject, Field::Answer] {
        assert!(seal::open(&seed, &PLACE, &sealed, field).is_ok());
        assert!(seal::open(&seed, &PLACE, &bytes, field).is_err());
    }
    for version in [0, 3] {
        bytes[0] = version;
        assert!(seal::open(&seed, &PLACE, &bytes, Field::Subject).is_err());
    }
}

#[test]
fn no_changed_byte_of_a_record_passes() {
    let good = bytes(&format!("{WRAP}{SEALED}"));
    let day = day_key(9);
    let digest = sha256(&bytes(SEALED));
    let opens = |bytes: Vec<u8>| {
        let record = Record::decode(&Bytes::from(bytes)).ok()?;
        (sha256(&record.sealed) == digest && record.wrap.key == name()).then_some(())?;
        seal::unwrap(&day, &PLACE, &record.wrap, &digest).ok()
    };
    assert!(opens(good.clone()).is_some());
    for place in 0..good.len() {
        let mut changed = good.clone();
        changed[place] ^= 1;
        assert!(opens(changed).is_none(), "byte {place}");
        assert!(opens(good[..place].to_vec()).is_none(), "cut at {place}");
    }
}
