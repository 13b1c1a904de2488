//! A log goes over to another key: who signs what, who is let in, and what an auditor with the first key sees.

use std::fs;

use super::*;
use crate::audit::entry::{KeyChange, KeyEvent, KeyPurpose};
use crate::audit::keys;
use crate::audit::note::NoteError;
use crate::audit::store::{Damage, StoreError};
use crate::audit::verify::{Expected, Verified, verify};

fn check(log: &Log, vkey: Option<&VerifierKey>) -> Result<Verified, AuditError> {
    let vkey = vkey.map(ToString::to_string);
    let expected = Expected { since: None, vkey: vkey.as_deref() };
    verify(log.path(), expected, &mut |_, _| {})
}

/// Goes over to the new key; what both keys are called.
fn rotate(log: &mut Log, new: SigningKey) -> Result<Rotated, AuditError> {
    let rotated = Audit::rotate(log.path(), Arc::clone(&log.key), &new, Timestamp(2), &settings())?;
    log.key = Arc::new(new);
    Ok(rotated)
}

#[tokio::test]
async fn the_new_key_signs_from_its_announcement_on() {
    let mut log = Log::new();
    let first = log.vkey();
    let audit = log.open();
    let receipt = audit.append(denial(1)).await.unwrap().receipt();
    audit.close().await;
    let before = fs::read_to_string(log.path().join("checkpoint")).unwrap();

    let old = Arc::clone(&log.key);
    let rotated = rotate(&mut log, key()).unwrap();
    let second = log.vkey();
    assert_eq!((&rotated.old, &rotated.new, rotated.index), (&first, &second, 2));
    let published = fs::read_to_string(log.path().join("checkpoint")).unwrap();
    assert_eq!(published, rotated.checkpoint);
    for vkey in [&first, &second] {
        assert_eq!(checkpoint::open(&published, vkey).unwrap().size, 3, "{vkey}");
    }

    let opened = Audit::open(log.path(), old, &settings(), &mut |_, _| {}).map(drop);
    let current = second.to_string();
    assert!(matches!(opened, Err(AuditError::OldKey(key)) if key == current));
    let opened = Audit::open(log.path(), Arc::new(key()), &settings(), &mut |_, _| {}).map(drop);
    assert!(matches!(opened, Err(AuditError::OtherKey)));
    let audit = log.open();
    let newer = audit.append(denial(3)).await.unwrap();
    audit.close().await;

    // Receipts of before are checked with the key of before, those of now with the one of now.
    let receipt = Receipt::parse(&receipt).unwrap();
    let entry = receipt.extra.clone().unwrap();
    assert!(receipt.verify(&entry, &first).is_ok() && receipt.verify(&entry, &second).is_err());
    let receipt = Receipt::parse(&newer.receipt()).unwrap();
    let entry = newer.entry();
    assert!(receipt.verify(entry, &second).is_ok() && receipt.verify(entry, &first).is_err());

    // The copy's checkpoint is signed with the key that comes with it.
    let out = tempfile::tempdir().unwrap();
    let exported = tiles::export(log.path(), out.path(), &mut |_| {}).unwrap();
    let copied = fs::read_to_string(out.path().join("checkpoint")).unwrap();
    let told = VerifierKey::parse(&exported.vkey).unwrap();
    assert_eq!(checkpoint::open(&copied, &told).unwrap().size, exported.size);

    // Whoever has the first key needs no other.
    let verified = check(&log, Some(&first)).unwrap();
    assert_eq!((verified.vkey, verified.current_vkey), (first.to_string(), second.to_string()));
    check(&log, Some(&second)).unwrap();
    let stranger = VerifierKey::new(ORIGIN, key().public()).unwrap();
    assert!(matches!(check(&log, Some(&stranger)), Err(AuditError::OtherKey)));
    for since in [&before, &published] {
        let expected = Expected { since: Some(since), vkey: None };
        verify(log.path(), expected, &mut |_, _| {}).unwrap();
    }
}

#[tokio::test]
async fn keys_follow_each_other_and_none_comes_back() {
    let mut log = Log::new();
    let first = log.vkey();
    let original = Arc::clone(&log.key);
    rotate(&mut log, key()).unwrap();
    let audit = log.open();
    log.fill(&audit, 2).await;
    audit.close().await;
    rotate(&mut log, key()).unwrap();
    let audit = log.open();
    let in_use = Audit::rotate(log.path(), Arc::clone(&log.key), &key(), Timestamp(3), &settings());
    assert!(matches!(in_use, Err(AuditError::Store(StoreError::InUse(_)))));
    log.fill(&audit, 1).await;
    audit.close().await;
    assert_eq!(check(&log, Some(&first)).unwrap().entries, 6);

    let again =
        Audit::rotate(log.path(), Arc::clone(&log.key), &original, Timestamp(4), &settings());
    assert!(matches!(again, Err(AuditError::NewKey(keys::KeyError::Again(_)))), "{again:?}");
    let stolen = Audit::rotate(log.path(), original, &key(), Timestamp(4), &settings());
    assert!(matches!(stolen, Err(AuditError::OldKey(_))));
    assert_eq!(check(&log, None).unwrap().entries, 6, "refused before anything was written");
}

#[tokio::test]
async fn a_crash_before_the_checkpoint_leaves_the_new_key_in_force() {
    let mut log = Log::new();
    let path = log.path().join("checkpoint");
    let before = fs::read_to_string(&path).unwrap();
    rotate(&mut log, key()).unwrap();
    fs::write(&path, before).unwrap();
    assert_eq!(check(&log, None).unwrap().published, 1);
    // Nobody has yet seen the new key sign: that somebody else announced it proves nothing.
    assert!(matches!(check(&log, Some(&log.vkey())), Err(AuditError::OtherKey)));
    log.open().close().await;
    check(&log, Some(&log.vkey())).unwrap();
}

/// Whoever is told that a change of key failed must know which of the two keys is the log's now.
#[tokio::test]
async fn what_fails_after_the_announcement_says_that_the_new_key_is_in_force() {
    let mut log = Log::new();
    let obstacle = log.path().join("derived");
    fs::write(&obstacle, b"no folder").unwrap();
    let (old, new) = (Arc::clone(&log.key), key());
    let rotated = Audit::rotate(log.path(), Arc::clone(&old), &new, Timestamp(2), &settings());
    assert!(matches!(rotated, Err(AuditError::Announced { index: 1, .. })), "{rotated:?}");
    assert!(matches!(log.try_open(log.path()).map(drop), Err(AuditError::OldKey(_))));
    log.key = Arc::new(new);
    log.open().close().await;
    check(&log, Some(&log.vkey())).unwrap();
}

#[tokio::test]
async fn a_checkpoint_newer_than_its_key_is_a_finding() {
    let mut log = Log::new();
    let old = Arc::clone(&log.key);
    rotate(&mut log, key()).unwrap();
    let root = check(&log, None).unwrap().root;
    let forged = checkpoint::sign(ORIGIN, &Head { size: 2, root }, &old).unwrap();
    fs::write(log.path().join("checkpoint"), forged).unwrap();
    for error in [check(&log, None).unwrap_err(), log.try_open(log.path()).map(drop).unwrap_err()] {
        assert!(matches!(error, AuditError::Note(NoteError::Unsigned(_))), "{error:?}");
    }
}

#[tokio::test]
async fn an_announcement_by_another_than_the_key_before_it_is_a_finding() {
    let log = Log::new();
    let (stranger, new) = (key(), key());
    let vkey = VerifierKey::new(ORIGIN, new.public()).unwrap();
    let document = keys::announce(&vkey, &stranger).unwrap().into_bytes();
    let (purpose, change) = (KeyPurpose::Log, KeyChange::Begun);
    let audit = log.open();
    audit.append(denial(1)).await.unwrap();
    let event = KeyEvent { purpose, change, name: vkey.to_string(), document };
    audit.append(Entry { at: Timestamp(9), kind: Kind::Key(event) }).await.unwrap();
    audit.close().await;
    for error in [check(&log, None).unwrap_err(), log.try_open(log.path()).map(drop).unwrap_err()] {
        assert!(error.is_finding());
        let AuditError::Store(StoreError::Damaged { source, .. }) = error else {
            panic!("{error:?}")
        };
        assert!(matches!(
            source,
            Damage::Key { index: 2, source: keys::KeyError::Unsigned(NoteError::Unsigned(_)) }
        ));
    }
}
