//! From the wire to an application: every field checked as a question's is, every flaw named by its path.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use thiserror::Error;

use crate::cases::{Application, Attached, Case, day};
use crate::catalogue::{Catalogue, Item};
use crate::decision::facts::Defect;
use crate::gateway::exchange::Filing;
use crate::proto::gateway::v1 as wire;
use crate::query::ItemCode;
use crate::query::subject::{Subject, SubjectKind};
use crate::query::value::Value;
use crate::service::question::{self, Defects};
use crate::wire::{application_text, read_value};

/// At most this many subjects, stated values or papers of each: more than any rule takes.
const EACH_LIMIT: usize = 64;
/// Longest name of a role, value or paper that is repeated to the caller.
const NAME_LIMIT: usize = 64;
/// Flaws that are named at once; a reply's headers hold no more.
const FLAWS_LIMIT: usize = 40;

/// An application that was taken, and what its questions have in common.
pub(super) struct Applied {
    pub(super) case_id: [u8; 16],
    pub(super) case: Case,
    pub(super) item: Item,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) submitted_on: Date,
    pub(super) purpose: wire::Purpose,
    pub(super) operator: wire::Operator,
    /// The operator's unit, normalised: it goes into the entry in clear.
    pub(super) operator_unit: String,
    pub(super) want_receipts: bool,
    /// What the entry of the case commits to.
    pub(super) filing: Filing,
}

/// Why an application was not taken.
#[derive(Debug, Error)]
pub(super) enum NotTaken {
    #[error("the application has flaws; correct the fields that are named")]
    Flaws(Vec<Defect>),
    #[error("the catalogue has no such item; Catalogue.ListItems says which there are")]
    UnknownItem,
    #[error(
        "no version of `{item}` {asked}; its versions are {known}; leave `purpose.item_version` empty for that of \
         `submitted_on`"
    )]
    Version { item: ItemCode, asked: String, known: String },
    #[error(
        "`{item}` {version} has no rule, so no case of it can be run; ask its questions with Verify, or have a rule \
         written for it"
    )]
    NoRule { item: ItemCode, version: String },
}

/// Which days an application may be of.
#[derive(Clone, Copy)]
pub(super) struct Days {
    /// The day in China.
    pub(super) today: Date,
    /// How long ago it may have been submitted.
    pub(super) age: Duration,
}

impl Days {
    fn are_too_many_since(self, submitted_on: Date) -> bool {
        let days =
            self.today.since(submitted_on).ok().and_then(|age| u64::try_from(age.get_days()).ok());
        days.is_none_or(|days| days > self.age.as_secs() / 86_400)
    }
}

/// Reads an application and opens its case.
pub(super) fn read(
    request: &wire::CheckCaseRequest,
    catalogue: &Arc<Catalogue>,
    days: Days,
) -> Result<Applied, NotTaken> {
    let today = days.today;
    let mut defects = Defects::default();
    let case_id = defects.check("case_id", question::uuid7(&request.case_id));
    let submitted_on = defects.check("submitted_on", submitted(&request.submitted_on, today));
    let submitted_on = submitted_on.unwrap_or(today);
    let purpose = purpose(request.purpose.as_ref(), &mut defects);
    let operator = question::operator(request.operator.as_ref(), &mut defects);
    if operator.id.is_empty() {
        defects.add("operator.id", "missing");
    }
    let (parties, subjects) = parties(&request.subjects, &mut defects);
    let application = Application {
        submitted_on,
        run_on: today,
        parties,
        given: given(request, &mut defects),
        evidence: evidence(&request.evidence, &mut defects),
    };
    // Without an item there is no rule to hold the application against.
    let item = item(&purpose, catalogue, submitted_on);
    let (item, written) = match item {
        Err(why) if defects.0.is_empty() => return Err(why),
        Err(_) => return Err(flaws(defects)),
        Ok(found) => found,
    };
    // No version held long ago: that is said first.
    if days.are_too_many_since(submitted_on) {
        defects.add("submitted_on", "too_old");
    }
    match Case::open(written, application) {
        Ok(case) if defects.0.is_empty() => Ok(Applied {
            case_id,
            case,
            catalogue: Arc::clone(catalogue),
            submitted_on,
            purpose: wire::Purpose { item_version: item.version.clone(), ..purpose },
            item,
            operator_unit: operator.unit.clone(),
            filing: Filing {
                subjects,
                operator,
                request: application_text(request),
                want_receipt: request.want_receipts,
            },
            operator: request.operator.clone().unwrap_or_default(),
            want_receipts: request.want_receipts,
        }),
        Ok(_) => Err(flaws(defects)),
        Err(found) => {
            for flaw in found {
                let field = match flaw.field.strip_prefix("parties.") {
                    Some(role) => format!("subjects.{role}"),
                    None => flaw.field,
                };
                // Of the same field or a part of it; `given.base_fen` is no part of `given.base`.
                let said = |defect: &Defect| {
                    let rest = defect.field.strip_prefix(&field);
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
                };
                if !defects.0.iter().any(said) {
                    defects.add(field, flaw.check);
                }
            }
            Err(flaws(defects))
        }
    }
}

fn flaws(mut defects: Defects) -> NotTaken {
    defects.0.truncate(FLAWS_LIMIT);
    NotTaken::Flaws(defects.0)
}

/// `None` when it is not given.
fn submitted(given: &str, today: Date) -> Result<Option<Date>, &'static str> {
    if given.is_empty() {
        return Ok(None);
    }
    match day::read(given) {
        Some(day) if day > today => Err("future"),
        Some(day) => Ok(Some(day)),
        None => Err("date"),
    }
}

/// What every question's purpose says, but for the paper it replaces.
fn purpose(given: Option<&wire::Purpose>, defects: &mut Defects) -> wire::Purpose {
    let given = given.cloned().unwrap_or_default();
    if given.item.is_empty() {
        defects.add("purpose.item", "missing");
    }
    if given.case_number.is_empty() {
        defects.add("purpose.case_number", "missing");
    }
    if !given.replaced_material.is_empty() {
        defects.add("purpose.replaced_material", "misplaced");
    }
    let number = "purpose.case_number";
    question::unless_empty(number, &given.case_number, question::reference, defects);
    question::unless_empty("purpose.notice", &given.notice, question::notice, defects);
    question::unless_empty("purpose.consent", &given.consent, question::reference, defects);
    given
}

type Parties = BTreeMap<String, Vec<SubjectKind>>;

/// Subjects by party, and all of them in the caller's order.
fn parties(given: &[wire::Subject], defects: &mut Defects) -> (Parties, Vec<Subject>) {
    let (mut parties, mut subjects) = (Parties::new(), Vec::new());
    if given.len() > EACH_LIMIT {
        defects.add("subjects", "too_many");
        return (parties, subjects);
    }
    for (position, subject) in given.iter().enumerate() {
        let path = format!("subjects[{position}]");
        // How a party belongs to its case is the rule's to say.
        if subject.relation != 0 || subject.shown_by != 0 {
            defects.add(format!("{path}.relation"), "misplaced");
        }
        let Some(kind) = &subject.kind else {
            defects.add(path, "missing");
            continue;
        };
        if let Some(role) = name(&subject.role, &format!("{path}.role"), defects) {
            let kind = question::subject_kind(kind, &path, defects);
            subjects.push(Subject { role: role.clone(), kind: kind.clone() });
            parties.entry(role).or_default().push(kind);
        }
    }
    (parties, subjects)
}

fn given(request: &wire::CheckCaseRequest, defects: &mut Defects) -> BTreeMap<String, Value> {
    if request.given.len() > EACH_LIMIT {
        defects.add("given", "too_many");
        return BTreeMap::new();
    }
    let mut stated = BTreeMap::new();
    for (given, value) in &request.given {
        let Some(name) = name(given, "given", defects) else { continue };
        match read_value(value) {
            Some(value) => {
                stated.insert(name, value);
            }
            None => defects.add(format!("given.{name}"), "missing"),
        }
    }
    stated
}

fn evidence(given: &[wire::Evidence], defects: &mut Defects) -> BTreeMap<String, Attached> {
    if given.len() > EACH_LIMIT {
        defects.add("evidence", "too_many");
        return BTreeMap::new();
    }
    let mut attached = BTreeMap::new();
    for (position, paper) in given.iter().enumerate() {
        let path = format!("evidence[{position}]");
        let Some(name) = name(&paper.name, &format!("{path}.name"), defects) else { continue };
        let digest = paper.digest.as_slice().try_into().map_err(|_| "length");
        let one = Attached {
            issuer: paper.issuer.clone(),
            digest: defects.check(format!("{path}.digest"), digest),
            issued_on: defects
                .check(format!("{path}.issued_on"), day::read(&paper.issued_on).ok_or("date")),
        };
        if attached.insert(name, one).is_some() {
            defects.add(path, "repeated");
        }
    }
    attached
}

/// A name of the rule, as far as its form goes.
fn name(given: &str, path: &str, defects: &mut Defects) -> Option<String> {
    let formed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match given {
        "" => defects.add(path, "missing"),
        _ if given.len() > NAME_LIMIT || !given.bytes().all(formed) => {
            defects.add(path, "characters");
        }
        _ => return Some(given.to_owned()),
    }
    None
}

type Found = (Item, Arc<crate::catalogue::rule::Written>);

/// The version that is named, or that of the day; never one that did not hold on that day.
fn item(purpose: &wire::Purpose, catalogue: &Catalogue, on: Date) -> Result<Found, NotTaken> {
    let code = ItemCode::new(purpose.item.as_str());
    if !catalogue.has_item(&code) {
        return Err(NotTaken::UnknownItem);
    }
    let day = on.to_string();
    let item = match purpose.item_version.as_str() {
        "" => catalogue.item_on(&code, &day),
        version => catalogue.item(&code, version).filter(|item| item.holds_on(&day)),
    };
    let Some(item) = item else {
        return Err(NotTaken::Version {
            asked: match purpose.item_version.as_str() {
                "" => format!("holds on {day}"),
                _ => format!("of the name given holds on {day}"),
            },
            known: versions(catalogue, &code),
            item: code,
        });
    };
    match &item.rule {
        Some(written) => Ok((item.clone(), Arc::clone(written))),
        None => Err(NotTaken::NoRule { item: code, version: item.version.clone() }),
    }
}

/// Every version of the item with its days.
fn versions(catalogue: &Catalogue, code: &ItemCode) -> String {
    let of_it = catalogue.items().filter(|item| item.code == *code);
    let versions: Vec<String> = of_it
        .map(|item| match item.effective_to.as_str() {
            "" => format!("{} from {}", item.version, item.effective_from),
            until => format!("{} from {} to before {until}", item.version, item.effective_from),
        })
        .collect();
    versions.join(", ")
}
