//! Every case of `tests/decisions/`: a question, the agreements, and what must come of it.
//!
//! A case states only how it differs from `sample/question.toml` and `sample/draft.toml`. Its agreements are drafts: they
//! pass through the same reading as those that offices write.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use serde::Deserialize;
use toml::{Table, Value as Toml};

use super::agreement::Agreement;
use super::agreements::AgreementSet;
use super::denial::Denial;
use super::denial::tests::one_of_each;
use super::facts::{self, CallerFacts, Defect, Facts, QuotaUse, RoleFact, Standing};
use super::halts::{Halt, Halts};
use super::{Decision, PermitRef, decide, sample};
use crate::agreements::terms::Terms;
use crate::finding;
use crate::query::relation::Relation;
use crate::query::time::Timestamp;
use crate::query::value::{Assertion, Comparison, Value};
use crate::query::{Operator, Purpose, Query};

/// Cases at the least.
const CASES: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// Unique among all files.
    name: String,
    /// What the case shows, in a sentence.
    shows: String,
    /// `permit <agreement>/<version>/<clause>` or `deny <CODE>`.
    expect: String,
    /// Words that the advice must contain.
    #[serde(default)]
    says: Vec<String>,
    #[serde(default)]
    question: Table,
    /// Left out, the sample alone. `suspended_by` and `revoked_by` are orders; every other key is one of a draft.
    agreement: Option<Vec<Table>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    at: jiff::Timestamp,
    organisation: String,
    system: String,
    standing: String,
    fact: String,
    provider: String,
    item: String,
    item_version: String,
    case_number: String,
    replaced_material: String,
    operator: bool,
    operator_unit: String,
    notice: String,
    consent: String,
    roles: Vec<String>,
    assert: Vec<String>,
    disclose: Vec<String>,
    deadline_ms: Option<u64>,
    defects: Vec<(String, String)>,
    used: Option<Vec<Used>>,
    freezes: Vec<String>,
    rules: u32,
    #[serde(default)]
    within: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Used {
    agreement: String,
    #[serde(default)]
    month: u64,
    #[serde(default)]
    day: u64,
    #[serde(default)]
    second: u64,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/decisions")
}

fn sample_file(name: &str) -> Table {
    fs::read_to_string(folder().join("sample").join(name)).unwrap().parse().unwrap()
}

/// The sample with the keys of the case in place of its own.
fn merged(mut sample: Table, case: &Table) -> Table {
    sample.extend(case.iter().map(|(key, value)| (key.clone(), value.clone())));
    sample
}

fn question(case: &Case) -> Question {
    let question = merged(sample_file("question.toml"), &case.question);
    question.try_into().unwrap_or_else(|error| panic!("{}: {error}", case.name))
}

/// An agreement of the case, and the order that stands against it.
fn agreement(case: &Case, given: &Table) -> (Arc<Agreement>, Option<Halt>) {
    let sample = sample_file("draft.toml");
    let sample_clause = sample["clause"][0].as_table().unwrap().clone();
    let mut draft = merged(sample, given);
    let mut by = |key: &str| draft.remove(key).map(|by| by.as_str().unwrap().into());
    let (suspended, revoked) = (by("suspended_by"), by("revoked_by"));
    let from = draft.remove("halted_from").map_or(Timestamp::default(), |from| {
        let from: jiff::Timestamp = from.as_str().unwrap().parse().unwrap();
        Timestamp(u64::try_from(from.as_microsecond()).unwrap())
    });
    let suspended = suspended.map(|by| Halt::Suspended { by, from });
    let halt = revoked.map(|by| Halt::Revoked { by, from }).or(suspended);
    if let Some(Toml::Array(clauses)) = draft.get_mut("clause") {
        for clause in clauses {
            let full = merged(sample_clause.clone(), clause.as_table().unwrap());
            *clause = Toml::Table(full);
        }
    }
    let basis = |party: &str| {
        let keys =
            [("party", draft[party].as_str().unwrap()), ("instrument", "x"), ("article", "1")];
        Toml::Table(keys.into_iter().map(|(key, text)| (key.to_owned(), text.into())).collect())
    };
    let basis = Toml::Array(["consumer", "provider"].map(basis).into());
    draft.insert("legal_basis".to_owned(), basis);
    let terms = Terms::parse(Path::new(&case.name), &draft.to_string());
    let terms = terms.unwrap_or_else(|flaw| panic!("{}: {flaw}", case.name));
    (Arc::new(terms.agreement(&terms.payload().unwrap()).unwrap()), halt)
}

/// `12`, `true`, `2018-06`, `2018-06-01`, or text.
fn value(text: &str) -> Value {
    let is_date = matches!(text.len(), 7 | 10)
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
        && text.as_bytes()[4] == b'-';
    match (text.parse(), text.parse()) {
        (Ok(truth), _) => Value::Truth(truth),
        (_, Ok(number)) => Value::Integer(number),
        _ if is_date => Value::Date(text.to_owned()),
        _ => Value::Text(text.to_owned()),
    }
}

/// `married`, `months ge 12`, `code in a b`.
fn assertion(text: &str) -> Assertion {
    let mut words = text.split(' ');
    let attribute = words.next().unwrap().to_owned();
    let comparison = words.next().map_or(Comparison::Eq, |name| {
        Comparison::from_name(name).unwrap_or_else(|| panic!("no comparison in `{text}`"))
    });
    Assertion { attribute, comparison, values: words.map(value).collect() }
}

/// `spouse`, `spouse declared`, `spouse verified 17`.
fn role(text: &str) -> RoleFact {
    let mut words = text.split(' ');
    let role = words.next().unwrap();
    let relation = words.next().map(|name| Relation::from_name(name).unwrap());
    let shown_by = words.next().map_or(0, |index| index.parse().unwrap());
    RoleFact { relation, shown_by, ..sample::role(role) }
}

fn permit_ref(text: &str) -> PermitRef {
    let parts: Vec<&str> = text.split('/').collect();
    let [agreement, version, clause] = parts[..] else { panic!("no clause: {text}") };
    let (version, clause) = (version.parse().unwrap(), clause.parse().unwrap());
    PermitRef { agreement: agreement.to_owned(), version, clause }
}

/// The assertions as the gateway would record them, and then as the case says they were.
fn asserted(question: &Question, agreements: &AgreementSet) -> Vec<facts::AssertionFact> {
    let query = Query {
        request_id: [7; 16],
        fact: question.fact.as_str().into(),
        subjects: vec![],
        relations: vec![],
        assertions: question.assert.iter().map(|text| assertion(text)).collect(),
        disclose: vec![],
        purpose: Purpose::default(),
        operator: Operator::default(),
        max_age: None,
        want_receipt: false,
    };
    let clauses = agreements.clauses(&question.organisation.as_str().into(), &query.fact);
    let mut asserted = facts::assertions(&query, clauses);
    for asked in &mut asserted {
        if let Some(within) = question.within.get(&asked.attribute) {
            asked.within = within.iter().map(|text| permit_ref(text)).collect();
        }
    }
    asserted
}

fn standing(name: &str) -> Standing {
    match name {
        "registered" => Standing::Registered,
        "unnamed" => Standing::Unnamed,
        "unknown_organisation" => Standing::UnknownOrganisation,
        "unknown_system" => Standing::UnknownSystem,
        "foreign_authority" => Standing::ForeignAuthority,
        "no_query_right" => Standing::NoQueryRight,
        other => panic!("no standing {other}"),
    }
}

fn facts(question: Question, agreements: &AgreementSet) -> Facts {
    let used = |Used { agreement, month, day, second }| QuotaUse { agreement, day, second, month };
    let unused =
        |it: &Arc<Agreement>| Used { agreement: it.id.clone(), month: 0, day: 0, second: 0 };
    let of_all = || agreements.all().iter().map(unused).collect();
    let at = u64::try_from(question.at.as_microsecond()).unwrap();
    let known = |code: &String| (!code.is_empty()).then(|| code.clone());
    Facts {
        rules: question.rules,
        received_at: Timestamp(at),
        deadline: question.deadline_ms.map(Duration::from_millis),
        assertions: asserted(&question, agreements),
        caller: CallerFacts {
            organisation: question.organisation.as_str().into(),
            system: question.system.as_str().into(),
            certificate: [1; 32],
            standing: standing(&question.standing),
        },
        fact: known(&question.fact).map(|code| code.as_str().into()),
        provider: known(&question.provider).map(|id| id.as_str().into()),
        item: question.item.as_str().into(),
        item_version: question.item_version,
        case_number: question.case_number,
        replaced_material: question.replaced_material,
        operator_unit: question.operator_unit,
        operator_present: question.operator,
        notice: question.notice,
        consent: question.consent,
        roles: question.roles.iter().map(|text| role(text)).collect(),
        disclose: question.disclose,
        defects: question
            .defects
            .into_iter()
            .map(|(field, check)| Defect { field, check })
            .collect(),
        quota: question.used.unwrap_or_else(of_all).into_iter().map(used).collect(),
        freezes: question.freezes,
        ..sample::facts()
    }
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

/// Deciding takes no memory. What is wrong with a malformed question is copied all the same, and the name of a freeze that
/// is too long to lie in the denial.
fn without_allocating(case: &Case, facts: &Facts, agreements: &AgreementSet) -> Decision {
    let mut decision = None;
    let allocated = allocation_counter::measure(|| decision = Some(decide(facts, agreements)));
    let decision = decision.unwrap();
    let is_long = match &decision {
        Decision::Deny(Denial::Malformed(_)) => true,
        Decision::Deny(Denial::Frozen(name)) => name.is_heap_allocated(),
        _ => false,
    };
    assert!(is_long || allocated.count_total == 0, "{}: memory was allocated", case.name);
    decision
}

/// What is decided; the agreements are given in two orders, at once and one by one.
fn decided(case: &Case) -> Decision {
    let sample_alone = [Table::new()];
    let given = case.agreement.as_deref().unwrap_or(&sample_alone);
    let all: Vec<(Arc<Agreement>, Option<Halt>)> =
        given.iter().map(|given| agreement(case, given)).collect();
    let halted = all.iter().filter_map(|(agreement, halt)| {
        Some((agreement.id.clone(), agreement.version, halt.clone()?))
    });
    let halts: Halts = halted.collect();
    let each = || all.iter().map(|(agreement, _)| Arc::clone(agreement));
    let made = AgreementSet::new(each()).halted_by(halts.clone());
    assert_eq!(made.all().len(), all.len(), "{}: two have one id and version", case.name);
    let decision = without_allocating(case, &facts(question(case), &made), &made);
    let turned = AgreementSet::new(each().rev()).halted_by(halts.clone());
    let grown = each()
        .fold(AgreementSet::default(), |set, one| sample::with(&set, one))
        .halted_by(halts.clone());
    for set in [turned, grown] {
        let again = decide(&facts(question(case), &set), &set);
        assert_eq!(in_words(&again), in_words(&decision), "{}: the order matters", case.name);
    }
    decision
}

#[test]
fn every_case_is_decided_as_written() {
    let (mut seen, mut names, mut wrong) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for file in finding::files_in(&folder(), "toml").unwrap() {
        let text = fs::read_to_string(&file).unwrap();
        let File { case: cases } =
            finding::parse_toml(&file, &text).unwrap_or_else(|flaw| panic!("{flaw}"));
        for case in cases {
            let Case { name, shows, expect, says, .. } = &case;
            assert!(names.insert(name.clone()), "two cases are called {name}");
            assert!(shows.ends_with('.') && shows.len() > 10, "{name}: show something");
            let decision = decided(&case);
            let found = in_words(&decision);
            if found != *expect {
                wrong.push(format!("{}: {name}: {shows} {found}, not {expect}", file.display()));
            }
            let advice = match &decision {
                Decision::Deny(denial) => denial.advice(),
                Decision::Permit(_) => String::new(),
            };
            for words in says.iter().filter(|words| !advice.contains(words.as_str())) {
                wrong.push(format!("{}: {name}: no `{words}` in: {advice}", file.display()));
            }
            seen.insert(expect.clone());
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
    assert!(names.len() >= CASES, "{} cases", names.len());
    for denial in one_of_each() {
        let code = denial.code();
        assert!(seen.contains(&format!("deny {code}")), "no case shows {code}");
    }
}
