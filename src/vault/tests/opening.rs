//! Opening and finding, and who cannot.

use std::fs;

use super::*;
use crate::query::subject::IdentityDocument;
use crate::vault::open::check;

#[tokio::test]
async fn an_auditor_opens_each_field_and_anyone_checks_it() {
    let world = World::new().await;
    let mut opener = world.opener(&world.log());
    let recorded = world.recorded();
    assert_eq!(recorded.len(), 10);
    for (index, question, entry, private) in &recorded {
        let unlocked = opener.unlock(*index, entry, private).unwrap();
        let subject = unlocked.open(Field::Subject).unwrap();
        assert_eq!(subject.value, subjects(*question));
        assert!(check(entry, Field::Subject, &subject.value, &subject.opening));
        assert!(!check(entry, Field::Subject, b"[]", &subject.opening));
        assert!(!check(entry, Field::Operator, &subject.value, &subject.opening));
        assert!(!format!("{subject:?}").contains("P0"), "no personal data in Debug");
        let answers = unlocked.fields().unwrap().contains(&Field::Answer);
        assert_eq!(answers, matches!(entry.kind, Kind::Outcome(_)));
    }
}

#[tokio::test]
async fn reasons_why_nothing_opens_are_told_apart() {
    let world = World::new().await;
    let (index, _, entry, private) = world.recorded().remove(1);
    let mut opener = world.opener(&world.log());
    let none = Entry { at: NOON, kind: testing::denial(9).kind };
    assert!(matches!(opener.unlock(index, &none, &private), Err(VaultError::NoRecord)));
    let stripped = opener.unlock(index, &entry, &Bytes::new());
    assert!(matches!(stripped, Err(VaultError::Stripped)));
    let (other, _, _, of_other) = world.recorded().remove(3);
    assert!(matches!(opener.unlock(other, &entry, &of_other), Err(VaultError::Damaged(_))));

    let stranger = Master::create(&world.path("stranger.key"), Power::Open).unwrap();
    let mut opener = Opener::new(&world.log(), &world.path("keys"), stranger).unwrap();
    assert!(matches!(opener.unlock(index, &entry, &private), Err(VaultError::WrongKey(_))));
    let finding = Master::read(&world.path("find.key"), Power::Find).unwrap();
    let mut opener = Opener::new(&world.log(), &world.path("keys"), finding).unwrap();
    assert!(matches!(opener.unlock(index, &entry, &private), Err(VaultError::WrongKey(_))));
    let swapped = Master::read(&world.path("find.key"), Power::Open);
    assert!(matches!(swapped, Err(VaultError::NotMaster { .. })));
    KeyFolder::make(&world.path("empty")).unwrap();
    let master = Master::read(&world.path("open.key"), Power::Open).unwrap();
    let mut opener = Opener::new(&world.log(), &world.path("empty"), master).unwrap();
    assert!(matches!(opener.unlock(index, &entry, &private), Err(VaultError::Gone(_))));
}

#[tokio::test]
async fn the_subject_key_finds_and_nothing_else() {
    let world = World::new().await;
    assert_eq!(world.about("P00001"), [1, 4]);
    assert_eq!(world.about("p00002"), [2]);
    assert_eq!(world.about("P99999"), [1, 2, 3, 4, 5]);
    assert!(world.about("P00009").is_empty());

    // No two records have a tag in common, though all are about one person: the log alone links nothing.
    let mut tags = Vec::new();
    for (_, _, _, private) in world.recorded() {
        let record = crate::vault::record::Record::decode(&private).unwrap();
        assert_eq!(record.wrap.tags.len(), 2);
        tags.extend(record.wrap.tags);
    }
    let count = tags.len();
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), count);
}

#[tokio::test]
async fn changed_tags_are_damage_not_silence() {
    let world = World::new().await;
    let (index, _, entry, private) = world.recorded().remove(0);
    let mut changed = private.to_vec();
    changed[2 + 85] ^= 1;
    let master = Master::read(&world.path("find.key"), Power::Find).unwrap();
    let mut finder = Finder::new(&world.log(), &world.path("keys"), master).unwrap();
    let wanted = [Identifier::parse("passport:P00001").unwrap()];
    let found = finder.is_about(index, &entry, &Bytes::from(changed), &wanted);
    assert!(matches!(found, Err(VaultError::Damaged(_))));
}

#[tokio::test]
async fn a_restart_goes_on_with_the_days_key_and_never_replaces_one_in_silence() {
    let world = World::new().await;
    let names = world.keys().folder.names().unwrap();
    assert_eq!(
        names.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["2026-11-23.1", "2026-11-24.1"]
    );
    let (audit, history) = world.open().await;
    let size = audit.size();
    let vault = Vault::new(world.keys(), &world.path("keys"), history).unwrap();
    vault.ready(NOON, &audit).await.unwrap();
    assert_eq!(audit.size(), size, "the key has begun before");
    audit.close().await;

    fs::remove_file(world.path("keys/2026-11-23.1.key")).unwrap();
    let (audit, history) = world.open().await;
    let vault = Vault::new(world.keys(), &world.path("keys"), history).unwrap();
    let missing = vault.ready(NOON, &audit).await;
    assert!(matches!(missing, Err(VaultError::KeyMissing(_))), "{missing:?}");
    assert_eq!(audit.size(), size);
    audit.close().await;
    let keys = world.keys();
    assert!(Vault::new(keys, &world.path("nowhere"), History::default()).is_err());
}

#[test]
fn identifiers_have_one_form() {
    for (text, same) in [
        ("citizen_id:110101900307003", "citizen_id:110101199003070038"),
        ("certificate: 湘（2023）第 1 号", "certificate:湘(2023)第1号"),
        ("document:ab-1", "document:AB-1"),
    ] {
        assert_eq!(Identifier::parse(text).unwrap(), Identifier::parse(same).unwrap(), "{text}");
    }
    for wrong in ["110101199003070038", "nobody:1", "citizen_id:1", "uscc:x", "document: "] {
        let error = Identifier::parse(wrong).unwrap_err().to_string();
        assert!(!error.contains("110101"), "{error}");
    }
    let subjects = serde_json::json!([
        { "role": "home", "property": { "unit_number": "U1", "certificate_number": "湘 （1）", "address": "x" } },
        { "role": "employer", "employer": { "uscc": "91", "name": "y" } },
        { "role": "contract", "document": { "number": "c-1", "code": "2" } },
    ]);
    let found = Identifier::of_subjects(&serde_json::to_vec(&subjects).unwrap());
    let kinds: Vec<_> = found.iter().map(Identifier::kind).collect();
    assert_eq!(kinds, ["certificate", "document", "unit", "uscc"]);
    assert!(found.contains(&Identifier::parse("certificate:湘(1)").unwrap()));
    assert!(Identifier::of_subjects(b"{}").is_empty());
}

/// What seals a question has its subjects at hand, and what erases another reads them again: both come to the same.
#[test]
fn subjects_name_what_their_value_names() {
    use crate::audit::committed;
    use crate::query::subject::{Document, Employer, Person, Property, Subject, SubjectKind};

    let person = |document_type, number: &str| {
        let document_number = number.to_owned();
        SubjectKind::Person(Person { document_type, document_number, name: "N".to_owned() })
    };
    let kinds = [
        person(IdentityDocument::Passport, "E12345678"),
        person(IdentityDocument::CitizenId, "110101199003070011"),
        person(IdentityDocument::CitizenId, "110101199003070011"),
        person(IdentityDocument::Other, ""),
        SubjectKind::Employer(Employer { uscc: "91350100M000100Y43".into(), name: "N".into() }),
        SubjectKind::Property(Property {
            unit_number: "110101001001GB00001F00010001".into(),
            certificate_number: "\u{4eac} (2026) \u{ff21}1".into(),
            address: "A".into(),
            division: "110101".into(),
        }),
        SubjectKind::Document(Document {
            number: " ht-\u{ff12} 6 ".into(),
            code: "C".into(),
            division: String::new(),
        }),
    ];
    let subjects = kinds.map(|kind| Subject { role: "r".to_owned(), kind });
    let named = Identifier::of(&subjects);
    assert_eq!(named.len(), 6, "each once, and none for an empty number: {named:?}");
    assert!(named == Identifier::of_subjects(&committed::subjects(&subjects)));
}
