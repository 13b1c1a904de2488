//! Runs rows over gRPC, each as a case of its own, and holds all that came against the row and against the log.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use heyan::audit::entry::{Entry, Kind as Recorded};
use heyan::catalogue::Catalogue;
use heyan::catalogue::rule::From as Members;
use heyan::client::Client;
use heyan::proto::gateway::v1 as wire;
use wire::Verdict;
use wire::case_event::Kind;
use wire::case_outcome::Outcome;
use wire::question_answered::Result as Came;

use super::super::{Ran, replayed};
use super::row::{InTheWay, Row};
use crate::support::entries::facts;
use crate::support::{ALL, Lab};

/// For one case: longer than anything takes that works, and longer than any agency's own time.
const TIME: Duration = Duration::from_secs(50);

/// A row that has run.
struct Held {
    row: Row,
    number: String,
    ran: Ran,
}

/// Runs the rows, those with the same thing in their way one after another behind one gateway, and fails with everything that is
/// otherwise than they say. The log of all of them replays clean.
pub(super) async fn held(lab: &mut Lab, rows: Vec<Row>) {
    let mut groups: BTreeMap<InTheWay, Vec<(usize, Row)>> = BTreeMap::new();
    for (position, row) in rows.into_iter().enumerate() {
        groups.entry(row.in_the_way).or_default().push((position, row));
    }
    let (mut held, mut wrong, mut entries) = (Vec::new(), Vec::new(), Vec::new());
    for (in_the_way, rows) in groups {
        put(lab, in_the_way);
        lab.serve().await;
        let client = lab.client().await;
        let before = ALL.map(|agency| lab.simulation.asked(agency));
        for (position, row) in rows {
            let number = format!("GJJ-2026-{:06}", 700_000 + position);
            match ran(&client, row.application.request(&lab.catalogue, &number)).await {
                Ok(ran) => held.push(Held { row, number, ran }),
                Err(error) => wrong.push(format!("{}: {error}", row.title())),
            }
        }
        let asked = ALL.iter().zip(before).filter(|(agency, before)| {
            in_the_way == InTheWay::NotAgreed(agency) && lab.simulation.asked(agency) != *before
        });
        wrong.extend(asked.map(|(agency, _)| format!("{agency} was asked without an agreement")));
        entries = lab.entries();
        drop(client);
        lab.close().await;
        clear(lab, in_the_way);
    }
    for held in &held {
        let said = held.differences(&lab.catalogue, &entries);
        wrong.extend(said.into_iter().map(|one| format!("{}: {one}", held.row.title())));
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    let cases = entries.iter().filter(|entry| matches!(entry.kind, Recorded::Case(_)));
    assert_eq!(cases.count(), held.len());
    replayed(&entries);
}

fn put(lab: &Lab, in_the_way: InTheWay) {
    match in_the_way {
        InTheWay::Nothing => {}
        InTheWay::NotAgreed(agency) => {
            std::fs::remove_file(lab.path(format!("agreements/{agency}.json"))).unwrap();
        }
        InTheWay::Down(agency) => lab.simulation.faults(agency).set_outage(true),
        InTheWay::BookDown(person) => {
            let number = lab.simulation.province().person(person).unwrap().number();
            lab.simulation.faults("police").set_book_down(&number);
        }
    }
}

fn clear(lab: &Lab, in_the_way: InTheWay) {
    if let InTheWay::NotAgreed(agency) = in_the_way {
        lab.world.sign(agency).unwrap();
    }
    ALL.iter().for_each(|agency| lab.simulation.faults(agency).clear());
}

async fn ran(client: &Client, application: wire::CheckCaseRequest) -> Result<Ran, String> {
    let mut events =
        client.check_case(application, TIME).await.map_err(|error| format!("{error:?}"))?;
    let mut all = Vec::new();
    while let Some(event) = events.next().await.map_err(|error| format!("{error:?}"))? {
        all.push(event);
    }
    match all.last().and_then(|event| event.kind.clone()) {
        Some(Kind::Outcome(outcome)) => Ok(Ran { events: all, outcome }),
        _ => Err("the last event is no outcome".to_owned()),
    }
}

impl Held {
    /// Everything that is otherwise than the row says, or than a case may be.
    fn differences(&self, catalogue: &Catalogue, entries: &[Entry]) -> Vec<String> {
        let Self { row, ran, .. } = self;
        let mut wrong = row.differences(&ran.outcome);
        let person_decides = row.application.rule(catalogue).person_decides.clone();
        if ran.outcome.person_decides != person_decides.unwrap_or_default() {
            wrong.push(format!("a person decides: {}", ran.outcome.person_decides));
        }
        if ran.outcome.out_of_time {
            wrong.push("its time was over".to_owned());
        }
        if !self.is_opened_by_the_rule_of_its_day(catalogue) {
            wrong.push("is decided by another rule than that of its day".to_owned());
        }
        wrong.extend(self.entries(entries));
        let (told, found) = (self.told_checked(), self.checked());
        if told != found {
            wrong.push(format!("lists {told:?} as checked, where {found:?} were"));
        }
        wrong
    }

    fn is_opened_by_the_rule_of_its_day(&self, catalogue: &Catalogue) -> bool {
        let application = &self.row.application;
        let item = catalogue.item_on(&application.item.into(), &application.day);
        match &self.ran.events[0].kind {
            Some(Kind::Opened(opened)) => {
                opened.item == application.item
                    && opened.submitted_on == application.day
                    && item.is_some_and(|item| item.version == opened.item_version)
            }
            _ => false,
        }
    }

    /// Each answer has its entry, and the case one of its own: both of this case. Needs speak of no others.
    fn entries(&self, entries: &[Entry]) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut known = BTreeSet::new();
        let at = |index: u64| usize::try_from(index).ok().and_then(|index| entries.get(index));
        for answered in self.ran.answered() {
            let (index, is_denial) = match &answered.result {
                Some(Came::Reply(reply)) => (Some(reply.log_index), false),
                Some(Came::Refusal(refusal)) => (refusal.log_index, true),
                None => (None, false),
            };
            let entry = index.and_then(at);
            let is_right = entry.is_some_and(|entry| match &entry.kind {
                Recorded::Outcome(_) => !is_denial,
                Recorded::Denial(_) => is_denial,
                _ => false,
            });
            let number = entry.and_then(facts).map(|facts| facts.case_number.as_str());
            if !is_right || number != Some(&self.number) {
                wrong.push(format!("`{}` has no entry of its own", answered.question));
            }
            known.extend(index);
        }
        for need in &self.ran.outcome.needs {
            let shown = need.shown.iter().filter_map(|shown| shown.log_index);
            let missing = need.missing.iter().filter_map(|missing| missing.log_index);
            if shown.chain(missing).any(|index| !known.contains(&index)) {
                wrong.push(format!("{} speaks of an entry that no answer has", need.name));
            }
        }
        match at(self.ran.outcome.log_index).map(|entry| &entry.kind) {
            Some(Recorded::Case(closed)) if closed.case_number == self.number => {}
            _ => wrong.push("the case has no entry".to_owned()),
        }
        wrong
    }

    /// What the outcome lists as checked: an answer's entry, and the subject as it was put.
    fn told_checked(&self) -> BTreeSet<(u64, String)> {
        let subjects = self.ran.outcome.subjects.iter();
        let told = subjects.flat_map(|one| {
            let kind = one.subject.as_ref().map(|subject| &subject.kind);
            one.log_indices.iter().map(move |index| (*index, format!("{kind:?}")))
        });
        told.collect()
    }

    /// What was really checked: whom an agency's answer says that it is about, and that it is an answer.
    fn checked(&self) -> BTreeSet<(u64, String)> {
        let kinds = self.ran.events.iter().filter_map(|event| event.kind.as_ref());
        let asked: BTreeMap<&str, &wire::VerifyRequest> = kinds
            .filter_map(|kind| match kind {
                Kind::Asked(asked) => Some((asked.request_id.as_str(), asked.put.as_ref()?)),
                _ => None,
            })
            .collect();
        let mut checked = BTreeSet::new();
        for answered in self.ran.answered() {
            let Some(Came::Reply(reply)) = &answered.result else { continue };
            if reply.verdict() == Verdict::Unavailable {
                continue;
            }
            let put = asked[answered.request_id.as_str()];
            for one in &reply.subjects_checked {
                let kind = put.subjects.get(one.position as usize).map(|subject| &subject.kind);
                checked.insert((reply.log_index, format!("{kind:?}")));
            }
        }
        checked
    }
}

/// Each of these items has a row of every kind that there must be; and no row is of another item.
pub(super) fn covers(catalogue: &Catalogue, items: &[&str], rows: &[Row]) {
    let others = rows.iter().filter(|row| !items.contains(&row.application.item));
    assert_eq!(others.count(), 0, "a row is of none of {items:?}");
    for item in items {
        let of_it = || rows.iter().filter(|row| row.application.item == *item);
        let rules = || of_it().map(|row| row.application.rule(catalogue));
        let has = |is: &dyn Fn(&Row) -> bool| of_it().any(is);
        let a_person_decides = rules().any(|rule| rule.person_decides.is_some());
        let families = rules()
            .any(|rule| rule.groups.iter().any(|group| matches!(group.from, Members::Found(_))));
        let is_ready = |row: &Row| match a_person_decides {
            true => row.outcome == Outcome::NeedsCounter && row.because.is_empty(),
            false => row.outcome == Outcome::Ready,
        };
        assert!(has(&is_ready), "{item}: no row has everything");
        assert!(has(&|row| row.outcome == Outcome::Refuted), "{item}: no row is refuted");
        let counter = |row: &Row| row.outcome == Outcome::NeedsCounter;
        let denied = |row: &Row| counter(row) && matches!(row.in_the_way, InTheWay::NotAgreed(_));
        let down = |row: &Row| counter(row) && matches!(row.in_the_way, InTheWay::Down(_));
        assert!(has(&denied), "{item}: no row without an agreement");
        assert!(has(&down), "{item}: no row with an agency down");
        assert!(!families || has(&Row::is_half_a_family), "{item}: no row with half a family");
    }
}
