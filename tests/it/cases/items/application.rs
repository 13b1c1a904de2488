//! An application, written down as shortly as a table needs it. What can be looked up in the rule is not repeated.

use heyan::catalogue::rule::Rule;
use heyan::catalogue::{AttributeKind, Catalogue};
use heyan::client::Client;
use heyan::clock::now;
use heyan::proto::gateway::v1 as wire;
use heyan::query::subject::{Subject, SubjectKind};
use wire::case_outcome::Outcome;

use super::row::{InTheWay, Row};
use crate::support::OPERATOR;

/// The day of an application that says no other: fixed, so that "24 months ago" is the same day in every run.
const DAY: &str = "2026-10-12";

/// A value as a table writes it; the rule says of which type it is.
#[derive(Clone)]
pub(crate) enum Stated {
    Truth(bool),
    Integer(i64),
    Text(String),
}

impl From<bool> for Stated {
    fn from(truth: bool) -> Self {
        Self::Truth(truth)
    }
}

impl From<i64> for Stated {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<&str> for Stated {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Stated {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Somebody applies for something.
#[derive(Clone)]
pub(crate) struct Application {
    pub(super) item: &'static str,
    what: &'static str,
    pub(super) day: String,
    names: Vec<Subject>,
    states: Vec<(&'static str, Stated)>,
    attaches: Vec<&'static str>,
}

impl Application {
    /// For the item of that code; `what` says in a few words who applies and on what ground.
    pub(crate) fn of(item: &'static str, what: &'static str) -> Self {
        let day = DAY.to_owned();
        Self { item, what, day, names: Vec::new(), states: Vec::new(), attaches: Vec::new() }
    }

    /// Says otherwise who applies and on what ground.
    pub(crate) fn but(mut self, what: &'static str) -> Self {
        self.what = what;
        self
    }

    /// Submitted on that day.
    pub(crate) fn on(mut self, day: &str) -> Self {
        day.clone_into(&mut self.day);
        self
    }

    /// Names somebody or something as a party of the rule, in place of whoever was named so.
    pub(crate) fn names(mut self, party: &str, kind: SubjectKind) -> Self {
        self.names.retain(|subject| subject.role != party);
        self.and(party, kind)
    }

    /// Names one more as the same party.
    pub(crate) fn and(mut self, party: &str, kind: SubjectKind) -> Self {
        self.names.push(Subject { role: party.to_owned(), kind });
        self
    }

    /// Leaves a party out.
    pub(crate) fn no_more(mut self, party: &str) -> Self {
        self.names.retain(|subject| subject.role != party);
        self
    }

    /// States a value, in place of what was stated.
    pub(crate) fn states(mut self, given: &'static str, value: impl Into<Stated>) -> Self {
        self.states.retain(|(name, _)| *name != given);
        self.states.push((given, value.into()));
        self
    }

    /// Attaches evidence, issued by whom the rule says on the day of the application.
    pub(crate) fn attaches(mut self, evidence: &'static str) -> Self {
        self.attaches.push(evidence);
        self
    }

    /// It is READY.
    pub(crate) fn ready(self) -> Row {
        self.ends(Outcome::Ready, &[])
    }

    /// It is REFUTED: these needs do not hold as they should, and why; all others do.
    pub(crate) fn refuted(self, because: &[(&str, &str)]) -> Row {
        self.ends(Outcome::Refuted, because)
    }

    /// It goes to the counter: these needs are open, and why; all others hold.
    pub(crate) fn counter(self, because: &[(&str, &str)]) -> Row {
        self.ends(Outcome::NeedsCounter, because)
    }

    fn ends(self, outcome: Outcome, because: &[(&str, &str)]) -> Row {
        let because = because.iter().map(|(need, why)| format!("{need}: {why}")).collect();
        Row { application: self, in_the_way: InTheWay::Nothing, outcome, because }
    }

    /// What it is, for people.
    pub(super) fn title(&self) -> String {
        format!("{} {} on {}", self.item, self.what, self.day)
    }

    /// The message that the fund centre sends.
    pub(super) fn request(&self, catalogue: &Catalogue, number: &str) -> wire::CheckCaseRequest {
        let rule = self.rule(catalogue);
        let given = self.states.iter().map(|(name, value)| {
            let kind = rule.given(name).map(|given| &given.kind);
            ((*name).to_owned(), wire::Value { kind: Some(written(value, kind)) })
        });
        let evidence = self.attaches.iter().map(|name| wire::Evidence {
            name: (*name).to_owned(),
            issuer: rule.external(name).map_or_else(String::new, |one| one.issuer.clone()),
            digest: vec![7; 32],
            // Brought along on the day on which the case runs, whenever the application was made.
            issued_on: now().day_in_china().to_string(),
        });
        wire::CheckCaseRequest {
            case_id: Client::request_id(),
            purpose: Some(wire::Purpose {
                item: self.item.to_owned(),
                case_number: number.to_owned(),
                // What the agreement with the tax office wants; the others do not mind.
                notice: "hn-gjj-sw-2026".to_owned(),
                consent: "SQ-2026-000123".to_owned(),
                ..wire::Purpose::default()
            }),
            operator: Some(wire::Operator { id: OPERATOR.to_owned(), unit: "hall-1".to_owned() }),
            submitted_on: self.day.clone(),
            subjects: self.names.iter().map(heyan::wire::subject).collect(),
            given: given.collect(),
            evidence: evidence.collect(),
            want_receipts: false,
        }
    }

    /// The rule of its item on its day.
    pub(super) fn rule<'a>(&self, catalogue: &'a Catalogue) -> &'a Rule {
        let item = catalogue.item_on(&self.item.into(), &self.day);
        let written = item.and_then(|item| item.rule.as_ref());
        &written.unwrap_or_else(|| panic!("{} has no rule on {}", self.item, self.day)).rule
    }
}

fn written(value: &Stated, kind: Option<&AttributeKind>) -> wire::value::Kind {
    use wire::value::Kind;
    match (value, kind) {
        (Stated::Truth(truth), _) => Kind::Truth(*truth),
        (Stated::Integer(integer), _) => Kind::Integer(*integer),
        (Stated::Text(text), Some(AttributeKind::Date | AttributeKind::Month)) => {
            Kind::Date(text.clone())
        }
        (Stated::Text(text), _) => Kind::Text(text.clone()),
    }
}
