//! Every file of `tests/decisions/`: a question, the agreements, and what must come of it.
//!
//! A case states only how it differs from the sample question (fund centre, M2, for W3) and the sample agreement.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use serde::Deserialize;

use super::agreement::{Agreement, Clause, Hours, Quota};
use super::agreements::AgreementSet;
use super::denial::tests::one_of_each;
use super::facts::{CallerFacts, Defect, Facts, QuotaUse, Standing};
use super::halts::Halt;
use super::set::{Set, Word};
use super::{Decision, decide, sample};
use crate::finding;
use crate::query::time::Timestamp;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the case shows, in a sentence.
    shows: String,
    /// `permit <agreement>/<version>/<clause>` or `deny <CODE>`.
    expect: String,
    #[serde(default)]
    question: Question,
    /// None at all when left out; `[[agreement]]` alone is the sample agreement.
    #[serde(default)]
    agreement: Vec<Terms>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    at: Option<jiff::Timestamp>,
    organisation: Option<String>,
    system: Option<String>,
    standing: Option<String>,
    fact: Option<String>,
    provider: Option<String>,
    item: Option<String>,
    item_version: Option<String>,
    case_number: Option<String>,
    operator: Option<bool>,
    operator_unit: Option<String>,
    roles: Option<Vec<String>>,
    assert: Option<Vec<String>>,
    disclose: Option<Vec<String>>,
    deadline_ms: Option<u64>,
    defects: Option<Vec<(String, String)>>,
    used: Option<Vec<Used>>,
    freezes: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Used {
    agreement: String,
    day: u64,
    second: u64,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Terms {
    id: Option<String>,
    version: Option<u32>,
    consumer: Option<String>,
    provider: Option<String>,
    systems: Option<Vec<String>>,
    from: Option<jiff::Timestamp>,
    to: Option<jiff::Timestamp>,
    hours: Option<Served>,
    per_day: Option<u64>,
    per_second: Option<u64>,
    unlimited: Option<bool>,
    suspended_by: Option<String>,
    revoked_by: Option<String>,
    clause: Option<Vec<Granted>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Served {
    /// Monday = 0.
    days: BTreeSet<u32>,
    from_minute: u32,
    to_minute: u32,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Granted {
    fact: Option<String>,
    items: Option<Vec<String>>,
    roles: Option<BTreeSet<String>>,
    assert: Option<BTreeSet<String>>,
    disclose: Option<BTreeSet<String>>,
}

fn timestamp(at: jiff::Timestamp) -> Timestamp {
    Timestamp(u64::try_from(at.as_microsecond()).unwrap())
}

fn facts(question: Question) -> Facts {
    let sample = sample::facts();
    let standing = question.standing.map_or(Standing::Registered, |name| match name.as_str() {
        "unnamed" => Standing::Unnamed,
        "unknown_organisation" => Standing::UnknownOrganisation,
        "unknown_system" => Standing::UnknownSystem,
        "foreign_authority" => Standing::ForeignAuthority,
        "no_query_right" => Standing::NoQueryRight,
        other => panic!("no standing {other}"),
    });
    // An empty code stands for one that the catalogue does not have.
    let or = |given: Option<String>, sample: Option<&str>| {
        given.or(sample.map(str::to_owned)).filter(|code| !code.is_empty())
    };
    Facts {
        received_at: question.at.map_or(sample.received_at, timestamp),
        deadline: question
            .deadline_ms
            .map_or(sample.deadline, |ms| Some(Duration::from_millis(ms))),
        caller: CallerFacts {
            organisation: question
                .organisation
                .map_or(sample.caller.organisation, |id| id.as_str().into()),
            system: question.system.map_or(sample.caller.system, |id| id.as_str().into()),
            certificate: sample.caller.certificate,
            standing,
        },
        fact: or(question.fact, Some("M2")).map(|code| code.as_str().into()),
        provider: or(question.provider, Some("civil-affairs")).map(|id| id.as_str().into()),
        item: question.item.map_or(sample.item, |code| code.as_str().into()),
        item_version: question.item_version.unwrap_or(sample.item_version),
        case_number: question.case_number.unwrap_or(sample.case_number),
        operator_unit: question.operator_unit.unwrap_or(sample.operator_unit),
        operator_present: question.operator.unwrap_or(sample.operator_present),
        roles: question
            .roles
            .map_or(sample.roles, |roles| roles.iter().map(|role| sample::role(role)).collect()),
        assertions: question.assert.map_or(sample.assertions, |attributes| {
            attributes.iter().map(|attribute| sample::assertion(attribute)).collect()
        }),
        disclose: question.disclose.unwrap_or_default(),
        defects: question
            .defects
            .unwrap_or_default()
            .into_iter()
            .map(|(field, check)| Defect { field, check })
            .collect(),
        quota: question.used.map_or(sample.quota, |used| {
            used.into_iter()
                .map(|Used { agreement, day, second }| QuotaUse {
                    agreement,
                    day,
                    second,
                    month: day,
                })
                .collect()
        }),
        freezes: question.freezes.unwrap_or_default(),
        ..sample::facts()
    }
}

fn agreement(terms: Terms) -> Agreement {
    let sample = sample::agreement();
    let quota = if terms.unlimited == Some(true) { Quota::default() } else { sample.quota };
    Agreement {
        id: terms.id.unwrap_or(sample.id),
        version: terms.version.unwrap_or(sample.version),
        consumer: terms.consumer.map_or(sample.consumer, |id| id.as_str().into()),
        provider: terms.provider.map_or(sample.provider, |id| id.as_str().into()),
        systems: terms.systems.map_or(sample.systems, |systems| {
            systems.iter().map(|id| id.as_str().into()).collect()
        }),
        effective_from: terms.from.map_or(sample.effective_from, timestamp),
        effective_to: terms.to.map_or(sample.effective_to, timestamp),
        hours: terms.hours.map(|Served { days, from_minute, to_minute }| Hours {
            days,
            from_minute,
            to_minute,
        }),
        quota: Quota {
            per_day: terms.per_day.or(quota.per_day),
            per_second: terms.per_second.or(quota.per_second),
            per_month: quota.per_month,
        },
        clauses: terms
            .clause
            .map_or(sample.clauses, |clauses| clauses.into_iter().map(clause).collect()),
        ..sample::agreement()
    }
}

fn clause(granted: Granted) -> Clause {
    let sample = sample::clause();
    Clause {
        fact: granted.fact.map_or(sample.fact, |code| code.as_str().into()),
        items: granted
            .items
            .map_or(sample.items, |items| items.iter().map(|code| code.as_str().into()).collect()),
        roles: granted.roles.map_or(sample.roles, words),
        assert: granted.assert.map_or(sample.assert, words),
        disclose: granted.disclose.map_or(sample.disclose, words),
        ..sample::clause()
    }
}

fn words(words: BTreeSet<String>) -> Set<Word> {
    words.iter().map(|word| Word::from(word.as_str())).collect()
}

fn halt(terms: &Terms) -> Option<Halt> {
    let from = Timestamp::default();
    let suspended = |by: &str| Halt::Suspended { by: by.into(), from };
    let revoked = |by: &str| Halt::Revoked { by: by.into(), from };
    let halt = terms.revoked_by.as_deref().map(revoked);
    halt.or(terms.suspended_by.as_deref().map(suspended))
}

fn in_words(decision: &Decision) -> String {
    match decision {
        Decision::Permit(permit) => {
            let reference = permit.reference();
            format!("permit {}/{}/{}", reference.agreement, reference.version, reference.clause)
        }
        Decision::Deny(denial) => format!("deny {}", denial.code()),
    }
}

#[test]
fn every_case_is_decided_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/decisions");
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for file in finding::files_in(&folder, "toml").unwrap() {
        let text = fs::read_to_string(&file).unwrap();
        let case: Case = finding::parse_toml(&file, &text).unwrap_or_else(|flaw| panic!("{flaw}"));
        let halts: Vec<Option<Halt>> = case.agreement.iter().map(halt).collect();
        let all: Vec<Arc<Agreement>> =
            case.agreement.into_iter().map(agreement).map(Arc::new).collect();
        let halts = all.iter().zip(halts).filter_map(|(halted, halt)| {
            halt.map(|halt| (halted.id.clone(), halted.version, halt))
        });
        let agreements = AgreementSet::new(all.iter().map(Arc::clone)).halted_by(halts.collect());
        let found = in_words(&decide(&facts(case.question), &agreements));
        if found != case.expect {
            wrong.push(format!("{}: {}: {found}, not {}", file.display(), case.shows, case.expect));
        }
        seen.insert(case.expect);
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    for denial in one_of_each() {
        assert!(
            seen.contains(&format!("deny {}", denial.code())),
            "no case shows {}",
            denial.code()
        );
    }
    assert!(seen.iter().filter(|expected| expected.starts_with("permit ")).count() >= 3);
}
