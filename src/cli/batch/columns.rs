//! From a row to the subjects of a question. What a gateway would refuse is found here, and never sent.

use std::collections::BTreeMap;

use anyhow::{Context, bail};

use super::plan::{CASE, CONSENT};
use crate::cli::query::question;
use crate::proto::gateway::v1 as wire;
use crate::query::identifier;
use crate::query::subject::IdentityDocument;
use wire::subject::Kind;

/// Longest name or address in characters, as gateways take them.
const TEXT_LIMIT: usize = 256;

/// A field, whether a subject needs it, and how the column is usually called.
type Field = (&'static str, bool, &'static str);

/// What is wrong with a row: the field, and the check that it failed. Never what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bad {
    pub(super) field: String,
    pub(super) check: &'static str,
}

/// Which column holds what.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    width: usize,
    roles: Vec<Role>,
    case: Option<usize>,
    consent: Option<usize>,
}

#[derive(Clone, Debug)]
struct Role {
    name: String,
    kind: String,
    optional: bool,
    fields: BTreeMap<&'static str, usize>,
}

/// The fields of a kind of subject.
pub(super) fn fields_of(kind: &str) -> &'static [Field] {
    match kind {
        "person" => &[
            ("document_number", true, "身份证号"),
            ("name", true, "姓名"),
            ("document_type", false, "证件类型"),
        ],
        "employer" => &[("uscc", true, "统一社会信用代码"), ("name", false, "单位名称")],
        "property" => &[
            ("unit_number", true, "不动产单元号"),
            ("certificate_number", false, "不动产权证号"),
            ("address", false, "坐落"),
            ("division", false, "行政区划代码"),
        ],
        "document" => &[
            ("number", true, "编号"),
            ("code", false, "校验码"),
            ("division", false, "行政区划代码"),
        ],
        _ => &[],
    }
}

impl Columns {
    /// Holds the mapping against the fact's roles and the list's header.
    pub(super) fn bind(
        fact: &wire::Fact,
        mapped: &BTreeMap<String, String>,
        header: &[String],
    ) -> anyhow::Result<Self> {
        let mut columns =
            Self { width: header.len(), roles: Vec::new(), case: None, consent: None };
        for role in &fact.roles {
            columns.roles.push(Role {
                name: role.name.clone(),
                kind: role.kind.clone(),
                optional: role.optional,
                fields: BTreeMap::new(),
            });
        }
        for (path, column) in mapped {
            let mut found = header.iter().enumerate().filter(|(_, name)| *name == column);
            let (place, _) = found.next().with_context(|| {
                format!("the list has no column `{column}`; it has {}", header.join(", "))
            })?;
            if found.next().is_some() {
                bail!("the list has two columns `{column}`");
            }
            match path.as_str() {
                CASE => columns.case = Some(place),
                CONSENT => columns.consent = Some(place),
                _ => columns.place(path, place, &fact.code)?,
            }
        }
        for role in &columns.roles {
            let is_named =
                |(field, is_needed, _): &Field| !is_needed || role.fields.contains_key(field);
            let is_whole = match role.kind.as_str() {
                // A home is named by any of its numbers, or where it lies.
                "property" => !role.fields.is_empty(),
                kind => fields_of(kind).iter().all(is_named),
            };
            if !(is_whole || role.optional && role.fields.is_empty()) {
                let needed = fields_of(&role.kind).iter().filter(|(_, is_needed, _)| *is_needed);
                let needed: Vec<String> =
                    needed.map(|(field, ..)| format!("{}.{field}", role.name)).collect();
                bail!(
                    "{} asks about `{}`: name the columns of {} (--column FIELD=COLUMN, or a form)",
                    fact.code,
                    role.name,
                    needed.join(", ")
                );
            }
        }
        Ok(columns)
    }

    fn place(&mut self, path: &str, place: usize, fact: &str) -> anyhow::Result<()> {
        let known: Vec<String> = self
            .roles
            .iter()
            .flat_map(|role| {
                fields_of(&role.kind).iter().map(|(field, ..)| format!("{}.{field}", role.name))
            })
            .chain([CASE.to_owned(), CONSENT.to_owned()])
            .collect();
        let target = path.split_once('.').and_then(|(name, field)| {
            let role = self.roles.iter_mut().find(|role| role.name == name)?;
            let (field, ..) = fields_of(&role.kind).iter().find(|(known, ..)| *known == field)?;
            Some((role, *field))
        });
        let Some((role, field)) = target else {
            bail!("{fact} has no field `{path}`; it has {}", known.join(", "));
        };
        role.fields.insert(field, place);
        Ok(())
    }

    /// The question of a row; `None` for an empty row.
    pub(super) fn question(
        &self,
        row: &[String],
        template: &wire::VerifyRequest,
        relation: wire::Relation,
    ) -> Result<Option<wire::VerifyRequest>, Bad> {
        if row.iter().all(String::is_empty) {
            return Ok(None);
        }
        // A row with too many fields has moved: what stands in the right column may be another's.
        if row.len() != self.width {
            return Err(bad("row", "columns"));
        }
        let mut question = template.clone();
        if let Some(purpose) = &mut question.purpose {
            for (column, into, path) in [
                (self.case, &mut purpose.case_number, CASE),
                (self.consent, &mut purpose.consent, CONSENT),
            ] {
                if let Some(given) = at(row, column).filter(|given| !given.is_empty()) {
                    check_text(path, given)?;
                    given.clone_into(into);
                }
            }
            if purpose.case_number.is_empty() {
                return Err(bad(CASE, "missing"));
            }
        }
        for role in &self.roles {
            let given = |field: &str| at(row, role.fields.get(field).copied()).unwrap_or_default();
            if role.fields.values().all(|&place| at(row, Some(place)).is_none_or(str::is_empty)) {
                if role.optional {
                    continue;
                }
                return Err(bad(&role.name, "missing"));
            }
            let mut subject = question::subject(&role.name, role.kind(&given)?);
            subject.relation = relation.into();
            question.subjects.push(subject);
        }
        Ok(Some(question))
    }
}

impl Role {
    fn kind<'r>(&self, given: &impl Fn(&str) -> &'r str) -> Result<Kind, Bad> {
        let path = |field: &str| format!("{}.{field}", self.name);
        let text = |field: &str, is_needed: bool| {
            if is_needed && given(field).is_empty() {
                return Err(bad(path(field), "missing"));
            }
            check_text(&path(field), given(field))?;
            Ok(given(field).to_owned())
        };
        let checked = |field: &str, check: &dyn Fn(&str) -> Result<String, &'static str>| {
            match given(field) {
                "" => Ok(String::new()),
                number => check(number).map_err(|check| bad(path(field), check)),
            }
        };
        Ok(match self.kind.as_str() {
            "person" => {
                let document = match given("document_type") {
                    "" => IdentityDocument::CitizenId,
                    name => identity_document(name)
                        .ok_or_else(|| bad(path("document_type"), "unknown"))?,
                };
                let number = given("document_number");
                if number.is_empty() {
                    return Err(bad(path("document_number"), "missing"));
                }
                let number = identifier::document(document, number)
                    .map_err(|check| bad(path("document_number"), check))?;
                Kind::Person(wire::Person {
                    document_type: crate::wire::identity_document(document).into(),
                    document_number: number,
                    name: text("name", true)?,
                })
            }
            "employer" => {
                text("uscc", true)?;
                Kind::Employer(wire::Employer {
                    uscc: checked("uscc", &identifier::uscc)?,
                    name: text("name", false)?,
                })
            }
            "property" => Kind::Property(wire::Property {
                unit_number: checked("unit_number", &identifier::unit_number)?,
                certificate_number: text("certificate_number", false)?,
                address: text("address", false)?,
                division: checked("division", &identifier::division)?,
            }),
            _ => Kind::Document(wire::Document {
                number: text("number", true)?,
                code: text("code", false)?,
                division: checked("division", &identifier::division)?,
            }),
        })
    }
}

/// By its name here, or by the one that people write.
fn identity_document(name: &str) -> Option<IdentityDocument> {
    IdentityDocument::from_name(name).or(match name {
        "身份证" | "居民身份证" => Some(IdentityDocument::CitizenId),
        "港澳台居民居住证" => Some(IdentityDocument::ResidencePermit),
        "外国人永久居留身份证" => Some(IdentityDocument::PermanentResidence),
        "护照" => Some(IdentityDocument::Passport),
        "军官证" => Some(IdentityDocument::Military),
        "其他" => Some(IdentityDocument::Other),
        _ => None,
    })
}

fn check_text(path: &str, given: &str) -> Result<(), Bad> {
    if given.chars().count() > TEXT_LIMIT {
        return Err(bad(path, "too_long"));
    }
    match given.chars().any(char::is_control) {
        true => Err(bad(path, "control_character")),
        false => Ok(()),
    }
}

fn at(row: &[String], place: Option<usize>) -> Option<&str> {
    row.get(place?).map(String::as_str)
}

fn bad(field: impl Into<String>, check: &'static str) -> Bad {
    Bad { field: field.into(), check }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact() -> wire::Fact {
        let role = |name: &str, kind: &str, optional| wire::Role {
            name: name.to_owned(),
            kind: kind.to_owned(),
            optional,
            many: false,
        };
        wire::Fact {
            code: "S2".to_owned(),
            roles: vec![role("person", "person", false), role("employer", "employer", true)],
            ..wire::Fact::default()
        }
    }

    fn columns() -> Columns {
        let mapped = [
            ("person.document_number", "身份证号"),
            ("person.name", "姓名"),
            ("employer.uscc", "单位"),
        ];
        let mapped = mapped.map(|(field, column)| (field.to_owned(), column.to_owned()));
        let header = ["姓名", "身份证号", "单位"].map(str::to_owned);
        Columns::bind(&fact(), &mapped.into(), &header).unwrap()
    }

    fn question(row: &[&str]) -> Result<Option<wire::VerifyRequest>, Bad> {
        let row: Vec<String> = row.iter().map(|field| (*field).to_owned()).collect();
        let purpose = wire::Purpose { case_number: "GJJ-1".to_owned(), ..wire::Purpose::default() };
        let template = wire::VerifyRequest { purpose: Some(purpose), ..Default::default() };
        columns().question(&row, &template, wire::Relation::CaseParty)
    }

    #[test]
    fn a_row_becomes_subjects_with_numbers_in_their_one_form() {
        for typed in
            ["11010519491231002X", "11010519491231002x", "１１０１０５１９４９１２３１００２ｘ"]
        {
            let asked = question(&["李雷", typed, ""]).unwrap().unwrap();
            assert_eq!(
                asked.subjects.len(),
                1,
                "an optional subject that is not there is left out"
            );
            assert_eq!(asked.subjects[0].relation(), wire::Relation::CaseParty);
            let Some(Kind::Person(person)) = &asked.subjects[0].kind else { panic!("no person") };
            assert_eq!(person.document_number, "11010519491231002X", "{typed}");
        }
        assert_eq!(question(&["", "", ""]), Ok(None));
    }

    #[test]
    fn a_bad_row_names_its_field_and_the_check() {
        for (row, field, check) in [
            (&["李雷", "110105194912310021", ""][..], "person.document_number", "check_digit"),
            (&["李雷", "1101", ""], "person.document_number", "length"),
            (&["李雷", "", ""], "person.document_number", "missing"),
            (&["", "11010519491231002X", ""], "person.name", "missing"),
            (&["李\u{1}雷", "11010519491231002X", ""], "person.name", "control_character"),
            (&["李雷", "11010519491231002X", "9133"], "employer.uscc", "length"),
            (&["李雷", "11010519491231002X"], "row", "columns"),
            (&["李雷", "11010519491231002X", "", "x"], "row", "columns"),
        ] {
            assert_eq!(question(row), Err(bad(field, check)), "{field} {check}");
        }
    }

    #[test]
    fn a_mapping_that_fits_neither_fact_nor_list_is_refused_with_what_there_is() {
        let header = ["姓名", "身份证号", "姓名2", "重", "重"].map(str::to_owned);
        let bound = |mapped: &[(&str, &str)]| {
            let mapped =
                mapped.iter().map(|(field, column)| ((*field).to_owned(), (*column).to_owned()));
            format!("{:#}", Columns::bind(&fact(), &mapped.collect(), &header).unwrap_err())
        };
        assert!(bound(&[("person.name", "名")]).contains("no column `名`; it has 姓名"));
        assert!(bound(&[("person.name", "重")]).contains("two columns `重`"));
        assert!(
            bound(&[("person.uscc", "姓名")]).contains("no field `person.uscc`; it has person.")
        );
        assert!(bound(&[("person.name", "姓名")]).contains("person.document_number, person.name"));
    }
}
