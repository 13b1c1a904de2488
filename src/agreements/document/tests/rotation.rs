//! Keys come and go: what was signed while a key was valid stays signed; nothing new is signed with one that has ended.

use super::*;
use crate::agreements::directory::{self, Known, Reading};
use crate::crypto::{Digest, sha256};

const OLD_AND_NEW: [(&str, &str); 2] = [("fund-0", "fund-1"), ("fund-00", "fund-2")];

#[test]
fn a_document_stands_as_of_its_adoption_whatever_becomes_of_the_key() {
    let parties = Parties::new();
    let last = Timestamp(TURN.0 - 1);
    for (old, new) in OLD_AND_NEW {
        let document = parties.sign(DRAFT, &[old, "civil-2"]);
        assert!(verify(&document, &parties.register, last).is_ok(), "{old}");
        for at in [TURN, NOW] {
            let refused = verify(&document, &parties.register, at);
            assert!(matches!(refused, Err(DocumentError::KeyNotValid(kid)) if kid == old), "{old}");
        }
        // The next version is signed with the next key, which was valid beside the old one.
        let next = parties.sign(&DRAFT.replace("version = 1", "version = 2"), &[new, "civil-1"]);
        for at in [last, TURN, NOW] {
            assert_eq!(verify(&next, &parties.register, at).unwrap().version, 2, "{new}");
        }
    }
}

#[test]
fn a_folder_is_read_as_of_the_adoptions_that_the_log_knows() {
    let parties = Parties::new();
    for (old, _) in OLD_AND_NEW {
        let folder = tempfile::tempdir().unwrap();
        let document = parties.sign(DRAFT, &[old, "civil-1"]);
        std::fs::write(folder.path().join("a.json"), &document).unwrap();
        let adopted = Timestamp(TURN.0 - 1);
        let load = |known: &(dyn Fn(&Digest) -> Option<Known> + Sync)| {
            directory::load(&Reading {
                folder: folder.path(),
                parties: &parties.register,
                at: NOW,
                known,
                progress: &|_, _| {},
            })
        };
        let digest = sha256(&document);
        let known = |bytes: &Digest| {
            (*bytes == digest).then_some(Known { adopted_at: adopted, checked: None })
        };
        let (read, findings) = load(&known);
        assert!(read.len() == 1 && findings.is_empty(), "{findings:?}");
        // Signed with the same key and never adopted, it comes too late.
        let (read, findings) = load(&|_| None);
        assert!(read.is_empty());
        assert!(findings[0].problem.contains("is not valid at this time"), "{findings:?}");
    }
}
