//! From the course of a case to its outcome. Pure and total: an auditor calls the same function.
//!
//! READY needs every requirement met. REFUTED needs an authoritative verdict. Everything else, silence above all, is
//! NEEDS_COUNTER, with the reason for each requirement that is open.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::course::{Answer, Course};
use super::standing::Standing;
use crate::catalogue::rule::{Across, By, From, Need, Operand, Question, Rule, Whose};
use crate::query::value::Verdict;

/// What a case comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// Everything is shown: it can be approved without a visit.
    Ready,
    /// Something is missing: a person goes on, with a list of what to bring or do.
    NeedsCounter,
    /// An authority says that a requirement does not hold. It can be contested.
    Refuted,
}

impl Outcome {
    /// Stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "READY",
            Self::NeedsCounter => "NEEDS_COUNTER",
            Self::Refuted => "REFUTED",
        }
    }
}

/// The outcome, and how each need stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// The whole.
    pub outcome: Outcome,
    /// Every need of the rule, in its order.
    pub needs: Vec<NeedState>,
    /// Why a person decides in any case; `None` where the rule leaves it to the answers.
    pub person_decides: Option<String>,
}

/// How one need stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeedState {
    /// Name of the need.
    pub name: String,
    /// True of a need that must hold by itself; false of one that others are made of.
    pub required: bool,
    /// How it stands.
    pub state: State,
    /// The questions that show it.
    pub questions: Vec<String>,
    /// Why it is open or refuted.
    pub missing: Vec<Missing>,
}

/// How a need can stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Verified.
    Met,
    /// By evidence from outside: provided, not verified.
    Provided,
    /// Does not apply to this case.
    NotNeeded,
    /// An authority says no.
    Refuted,
    /// Not shown.
    Open,
}

impl State {
    /// Stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Met => "MET",
            Self::Provided => "PROVIDED",
            Self::NotNeeded => "NOT_NEEDED",
            Self::Refuted => "REFUTED",
            Self::Open => "OPEN",
        }
    }
}

/// One reason why a need is not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The reason.
    pub why: Why,
    /// The question, group, party, evidence or stated value it is about.
    pub of: String,
    /// Code of the denial or of why there is no answer; empty otherwise.
    pub code: String,
    /// Entry of the answer, where there is one.
    pub log_index: Option<u64>,
}

/// Why a need is not met. Stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// The gateway denied the question: no agreement opens it.
    Denied,
    /// The question was not put: the gateway was busy, the time was over, or the question had a flaw.
    NotAsked,
    /// The agency gave no answer.
    Unavailable,
    /// The agency has no record: weak evidence, never a "no".
    NotFound,
    /// The agency's word is too old.
    Stale,
    /// The agency's records disagree.
    Conflict,
    /// An authority says no.
    Refuted,
    /// A source that is only a hint says no.
    Doubtful,
    /// The agency did not check everyone it was asked about.
    Unchecked,
    /// Not everybody of the group is known.
    FamilyIncomplete,
    /// The application names somebody else than the agency.
    DeclaredDiffers,
    /// Evidence did not come with the application.
    EvidenceMissing,
    /// Evidence is too old.
    EvidenceOld,
    /// A person must look at the evidence.
    EvidenceForPerson,
    /// A value is not stated.
    NotStated,
    /// What the applicant states does not hold.
    StatedOtherwise,
    /// The application does not name the party.
    NotNamed,
    /// It hangs on a question that has no answer.
    Waits,
    /// None of the ways to show it applies.
    NoWay,
}

impl Why {
    /// Every reason, in the order above.
    pub const ALL: [Self; 19] = [
        Self::Denied,
        Self::NotAsked,
        Self::Unavailable,
        Self::NotFound,
        Self::Stale,
        Self::Conflict,
        Self::Refuted,
        Self::Doubtful,
        Self::Unchecked,
        Self::FamilyIncomplete,
        Self::DeclaredDiffers,
        Self::EvidenceMissing,
        Self::EvidenceOld,
        Self::EvidenceForPerson,
        Self::NotStated,
        Self::StatedOtherwise,
        Self::NotNamed,
        Self::Waits,
        Self::NoWay,
    ];

    /// Stable code on the wire and in commands.
    pub fn code(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::NotAsked => "not_asked",
            Self::Unavailable => "unavailable",
            Self::NotFound => "not_found",
            Self::Stale => "stale",
            Self::Conflict => "conflict",
            Self::Refuted => "refuted",
            Self::Doubtful => "doubtful",
            Self::Unchecked => "unchecked",
            Self::FamilyIncomplete => "family_incomplete",
            Self::DeclaredDiffers => "declared_differs",
            Self::EvidenceMissing => "evidence_missing",
            Self::EvidenceOld => "evidence_old",
            Self::EvidenceForPerson => "evidence_for_person",
            Self::NotStated => "not_stated",
            Self::StatedOtherwise => "stated_otherwise",
            Self::NotNamed => "not_named",
            Self::Waits => "waits",
            Self::NoWay => "no_way",
        }
    }
}

/// The outcome of a case.
pub fn conclude(rule: &Rule, course: &Course) -> Conclusion {
    let mut concluding =
        Concluding { standing: Standing::new(rule, course), seen: BTreeMap::new() };
    let required: BTreeSet<&str> = rule.requirements().map(|need| need.name.as_str()).collect();
    let needs: Vec<NeedState> = rule
        .needs
        .iter()
        .map(|need| {
            let (state, mut view) = concluding.need(need);
            if matches!(state, State::Met | State::Provided | State::NotNeeded) {
                view.missing.clear();
            }
            NeedState {
                name: need.name.clone(),
                required: required.contains(need.name.as_str()),
                state,
                questions: view.questions,
                missing: view.missing,
            }
        })
        .collect();
    let states = || needs.iter().filter(|need| need.required).map(|need| need.state);
    let outcome = if states().any(|state| state == State::Refuted) {
        Outcome::Refuted
    } else if rule.person_decides.is_some() || states().any(|state| state == State::Open) {
        Outcome::NeedsCounter
    } else {
        Outcome::Ready
    };
    Conclusion { outcome, needs, person_decides: rule.person_decides.clone() }
}

/// What was looked at on the way to a state.
#[derive(Clone, Default)]
struct View {
    questions: Vec<String>,
    missing: Vec<Missing>,
}

impl View {
    fn open(&mut self, why: Why, of: &str) -> State {
        self.miss(Missing { why, of: of.to_owned(), code: String::new(), log_index: None });
        State::Open
    }

    fn ask(&mut self, question: &str) {
        if !self.questions.iter().any(|one| one == question) {
            self.questions.push(question.to_owned());
        }
    }

    /// Each reason once, however many ways lead to it.
    fn miss(&mut self, missing: Missing) {
        if !self.missing.contains(&missing) {
            self.missing.push(missing);
        }
    }

    fn join(&mut self, other: View) {
        other.questions.iter().for_each(|question| self.ask(question));
        other.missing.into_iter().for_each(|missing| self.miss(missing));
    }
}

/// Needs, each concluded once: others may be made of it again and again.
struct Concluding<'a> {
    standing: Standing<'a>,
    seen: BTreeMap<&'a str, (State, View)>,
}

impl<'a> Concluding<'a> {
    fn need(&mut self, need: &'a Need) -> (State, View) {
        if let Some(known) = self.seen.get(need.name.as_str()) {
            return known.clone();
        }
        let mut view = View::default();
        let state = match self.standing.applies(&need.when) {
            Some(true) => match &need.by {
                By::All(names) => all(self.parts(names, &mut view).into_iter()),
                By::Any(names) => any(&self.parts(names, &mut view))
                    .unwrap_or_else(|| view.open(Why::NoWay, &need.name)),
                _ => self.standing.by(need, &mut view),
            },
            Some(false) => State::NotNeeded,
            None => view.open(Why::Waits, &need.name),
        };
        self.seen.insert(&need.name, (state, view.clone()));
        (state, view)
    }

    fn parts(&mut self, names: &'a [String], view: &mut View) -> Vec<State> {
        let rule = self.standing.rule;
        let mut states = Vec::new();
        for need in names.iter().filter_map(|name| rule.need(name)) {
            let (state, of_it) = self.need(need);
            states.push(state);
            view.join(of_it);
        }
        states
    }
}

impl<'a> Standing<'a> {
    /// What shows a need that is not made of others.
    fn by(&self, need: &'a Need, view: &mut View) -> State {
        match &need.by {
            By::Question(name) => match self.rule.question(name) {
                Some(question) => self.question(question, view),
                None => view.open(Why::Waits, name),
            },
            By::Given { name, value, .. } => self.stated(need, (name, value), view),
            By::External(name) => self.external(name, view),
            By::Complete(group) if self.complete(group) => State::Met,
            By::Complete(group) => self.incomplete(group, view),
            By::All(_) | By::Any(_) => view.open(Why::NoWay, &need.name),
        }
    }

    fn stated(&self, need: &Need, (name, value): (&str, &Operand), view: &mut View) -> State {
        let is_own =
            |name: &str| self.rule.given(name).is_some_and(|given| given.whose == Whose::Own);
        // Only the centre's ledger refutes, and only where it is not held against the applicant's own word.
        let refutes = is_own(name) && value.given().is_none_or(is_own);
        match self.course.checked.get(&need.name) {
            Some(true) => State::Met,
            Some(false) if refutes => {
                view.open(Why::Refuted, name);
                State::Refuted
            }
            Some(false) => view.open(Why::StatedOtherwise, name),
            None => {
                let other = value.given().filter(|name| self.course.left_out.contains(*name));
                view.open(Why::NotStated, other.unwrap_or(name))
            }
        }
    }

    fn external(&self, name: &str, view: &mut View) -> State {
        let suffices = self.rule.external(name).is_some_and(|external| external.suffices);
        match self.fresh(name) {
            None => view.open(Why::EvidenceMissing, name),
            Some(false) => view.open(Why::EvidenceOld, name),
            Some(true) if suffices => State::Provided,
            Some(true) => view.open(Why::EvidenceForPerson, name),
        }
    }

    fn incomplete(&self, group: &str, view: &mut View) -> State {
        let differs = self.course.found.get(group).is_some_and(|told| told.differs);
        let why = match differs {
            _ if self.is_contradicted(group) => Why::Conflict,
            true => Why::DeclaredDiffers,
            false => Why::FamilyIncomplete,
        };
        view.open(why, group)
    }

    /// Whether one register tells of another member, or of none, than a second one has shown to be right.
    fn is_contradicted(&self, group: &str) -> bool {
        let (mut ahead, mut seen) = (vec![group], BTreeSet::new());
        while let Some(group) = ahead.pop().and_then(|name| self.rule.group(name)) {
            let differs = self.course.found.get(&group.name).is_some_and(|told| told.differs);
            match &group.from {
                _ if !seen.insert(group.name.as_str()) => {}
                From::Found(found) if differs && self.shown(found) => return true,
                From::Found(_) => {}
                From::Together(parts) => {
                    let groups = parts.iter().filter(|part| self.rule.group(part).is_some());
                    ahead.extend(groups.map(String::as_str));
                }
            }
        }
        false
    }

    fn question(&self, question: &'a Question, view: &mut View) -> State {
        view.ask(&question.name);
        match self.is_asked(question) {
            Some(true) => {}
            Some(false) => return State::NotNeeded,
            None => return view.open(Why::Waits, &question.name),
        }
        let lacking: Vec<&String> =
            question.about.values().filter(|who| !self.complete(who)).collect();
        let answers: Vec<&Answer> = self.answers(&question.name).collect();
        if answers.is_empty() {
            return self.unasked(question, &lacking, view);
        }
        let mut states: Vec<State> =
            answers.iter().map(|answer| answered(question, answer, view)).collect();
        if states.len() < self.times(question) {
            states.push(view.open(Why::Waits, &question.name));
        }
        // What holds of everybody known does not yet hold of everybody; what holds of one does.
        for who in lacking {
            states.push(self.incomplete(who, view));
        }
        match question.across {
            Across::All => all(states.into_iter()),
            Across::Any => any(&states).unwrap_or(State::Open),
        }
    }

    /// Nobody to ask about: fine when that is certain.
    fn unasked(&self, question: &Question, lacking: &[&String], view: &mut View) -> State {
        if let Some(who) = lacking.first() {
            return self.incomplete(who, view);
        }
        let nobody = question.about.values().find(|who| self.size(who) == 0);
        match nobody {
            Some(who) if self.rule.group(who).is_some() => State::NotNeeded,
            Some(who) if self.rule.party(who).is_some_and(|party| party.many) => State::NotNeeded,
            Some(who) => view.open(Why::NotNamed, who),
            None => match (self.left_out(question), self.unnumbered(question)) {
                (Some(name), _) => view.open(Why::NotStated, name),
                (None, Some(party)) if self.size(party) == 0 => view.open(Why::NotNamed, party),
                (None, Some(party)) => view.open(Why::NotStated, party),
                (None, None) => view.open(Why::Waits, &question.name),
            },
        }
    }
}

impl Standing<'_> {
    /// A value that the question needs and the application leaves out.
    pub(super) fn left_out<'q>(&self, question: &'q Question) -> Option<&'q str> {
        let values = question.assertions.iter().flat_map(|asserted| &asserted.values);
        let mut needed = values.filter_map(Operand::given);
        needed.find(|name| self.course.left_out.contains(*name))
    }

    /// A party whose number the question needs, where it was not asked and no answer is waited for: the party is not named, or
    /// without that number.
    fn unnumbered<'q>(&self, question: &'q Question) -> Option<&'q str> {
        let is_waited_for = self.course.out_of_time
            || self.course.unheard.iter().any(|one| one.question == question.name);
        let values = question.assertions.iter().flat_map(|asserted| &asserted.values);
        values.filter_map(Operand::party).find(|_| !is_waited_for)
    }
}

/// The state that one answer gives.
fn answered(question: &Question, answer: &Answer, view: &mut View) -> State {
    let (state, why) = match answer.verdict {
        Some(Verdict::Confirmed) if !answer.unchecked => return State::Met,
        Some(Verdict::Confirmed) => (State::Open, Why::Unchecked),
        Some(Verdict::Refuted) if question.authoritative => (State::Refuted, Why::Refuted),
        Some(Verdict::Refuted) => (State::Open, Why::Doubtful),
        Some(Verdict::NotFound) => (State::Open, Why::NotFound),
        Some(Verdict::Stale) => (State::Open, Why::Stale),
        Some(Verdict::Conflict) => (State::Open, Why::Conflict),
        Some(Verdict::Unavailable) => (State::Open, Why::Unavailable),
        // A denial has its entry; without one nothing was decided.
        None if answer.log_index.is_some() => (State::Open, Why::Denied),
        None => (State::Open, Why::NotAsked),
    };
    view.miss(Missing {
        why,
        of: question.name.clone(),
        code: answer.code.clone(),
        log_index: answer.log_index,
    });
    state
}

/// All must hold: a "no" is a "no", silence is open, what does not apply is left out.
fn all(states: impl Iterator<Item = State>) -> State {
    states
        .max_by_key(|state| match state {
            State::NotNeeded => 0,
            State::Met => 1,
            State::Provided => 2,
            State::Open => 3,
            State::Refuted => 4,
        })
        .unwrap_or(State::NotNeeded)
}

/// One must hold. `None` when none applies.
fn any(states: &[State]) -> Option<State> {
    states.iter().copied().filter(|state| *state != State::NotNeeded).min_by_key(
        |state| match state {
            State::Met => 0,
            State::Provided => 1,
            State::Open => 2,
            State::Refuted | State::NotNeeded => 3,
        },
    )
}
