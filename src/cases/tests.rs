//! The rule of renting (W3), step by step; every item by its ways; every small family: nothing that is missing makes a
//! case READY.

mod bounds;
mod contradictions;
mod deposits;
mod exhaustive;
mod families;
mod items;
mod loans;
mod rows;
mod sound;
mod ties;
mod w3;
mod whole;
mod withdrawals;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use super::*;
use crate::catalogue::Catalogue;
use crate::catalogue::rule::Written;
use crate::crypto::Digest;
use crate::query::ItemCode;
use crate::query::subject::{IdentityDocument, Person, SubjectKind};
use crate::query::value::{Named, Value, Verdict};

/// The sample catalogue.
static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config-example/catalogue");
    Catalogue::load(&folder).unwrap_or_else(|findings| {
        panic!("{}", findings.iter().map(|finding| format!("{finding}\n")).collect::<String>())
    })
});

/// The rule of a sample item.
fn rule(item: &str, version: &str) -> Arc<Written> {
    let item = CATALOGUE.item(&ItemCode::from(item), version).expect("the item is there");
    Arc::clone(item.rule.as_ref().expect("it has a rule"))
}

/// Numbers of nobody: area 430000 is the province itself.
fn number(born: &str, order: u32) -> String {
    let body = format!("430000{born}{order:03}");
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 =
        body.bytes().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let check = char::from(b"10X98765432"[(sum % 11) as usize]);
    format!("{body}{check}")
}

fn person(name: &str, born: &str) -> SubjectKind {
    SubjectKind::Person(Person {
        document_type: IdentityDocument::CitizenId,
        document_number: number(born, 1),
        name: name.to_owned(),
    })
}

fn named(name: &str, born: &str) -> Named {
    Named { name: name.to_owned(), number: number(born, 1) }
}

fn renting() -> Application {
    Application {
        submitted_on: jiff::civil::date(2026, 10, 12),
        run_on: jiff::civil::date(2026, 10, 12),
        parties: BTreeMap::from([("applicant".to_owned(), vec![person("甲", "19850312")])]),
        given: BTreeMap::from([
            ("months_in_a_row".to_owned(), Value::Integer(12)),
            ("withdrawn_within_12_months".to_owned(), Value::Truth(false)),
            ("amount_fen".to_owned(), Value::Integer(1_800_000)),
        ]),
        evidence: BTreeMap::new(),
    }
}

fn declared_single(application: &mut Application) {
    let attached = Attached {
        issuer: "applicant".to_owned(),
        digest: Digest::default(),
        issued_on: jiff::civil::date(2026, 10, 12),
    };
    application.evidence.insert("single_declaration".to_owned(), attached);
}

fn answered(verdict: Verdict) -> Heard {
    Heard { verdict: Some(verdict), log_index: Some(7), ..Heard::default() }
}

fn spouse(one: &Named) -> Heard {
    let disclosed = BTreeMap::from([
        ("spouse_name".to_owned(), Value::Text(one.name.clone())),
        ("spouse_number".to_owned(), Value::Text(one.number.clone())),
    ]);
    Heard { disclosed, ..answered(Verdict::Confirmed) }
}

fn children(people: &[Named]) -> Heard {
    let disclosed = BTreeMap::from([("children".to_owned(), Value::People(people.to_vec()))]);
    Heard { disclosed, ..answered(Verdict::Confirmed) }
}

/// Runs a case to its end, with what each asking hears.
fn run(case: &mut Case, mut hear: impl FnMut(&Asking) -> Heard) -> Conclusion {
    loop {
        let asking = case.due();
        if asking.is_empty() {
            assert!(case.running().is_empty());
            return case.conclude();
        }
        for asking in asking {
            let heard = hear(&asking);
            case.heard(asking.id, heard);
        }
    }
}

fn why(conclusion: &Conclusion) -> Vec<(String, &'static str)> {
    conclusion
        .needs
        .iter()
        .filter(|need| need.required)
        .flat_map(|need| need.missing.iter().map(|missing| (need.name.clone(), missing.why.code())))
        .collect()
}
