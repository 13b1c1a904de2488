//! Readiness under the sample agreements, and under each reason that can stand in the way.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::agreements::terms::Terms;
use crate::decision::agreement::{Agreement, Hours};
use crate::decision::halts::{Halt, Halts};
use crate::decision::sample;
use crate::query::relation::Relation;

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config-example");
const SIGNED_2018: [&str; 2] = ["police", "civil-affairs"];
const ALL: [&str; 6] =
    ["police", "civil-affairs", "social-security", "housing", "tax", "market-regulation"];
/// 2026-11-23 00:00 in China.
const TODAY: Timestamp = Timestamp::from_seconds(1_795_363_200);
const DAY: Duration = Duration::from_secs(86_400);

fn draft(name: &str) -> Agreement {
    let file = format!("{SAMPLES}/agreements/{name}.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let terms = Terms::parse(Path::new(&file), &text).unwrap();
    terms.agreement(&terms.payload().unwrap()).unwrap()
}

fn signed(names: &[&str]) -> AgreementSet {
    AgreementSet::new(names.iter().map(|name| Arc::new(draft(name))))
}

/// What a test changes of a view.
struct World {
    catalogue: Catalogue,
    agreements: AgreementSet,
    freezes: Freezes,
    adapters: BTreeMap<FactCode, Reached>,
    standing: Standing,
    at: Timestamp,
    ahead: Duration,
}

impl World {
    fn new(agreements: AgreementSet) -> Self {
        let catalogue = Catalogue::load(&Path::new(SAMPLES).join("catalogue")).unwrap();
        let reached = |fact: &crate::catalogue::Fact| {
            let (adapter, health) = (fact.agency.to_string(), "serving".to_owned());
            (fact.code.clone(), Reached { adapter, health, is_serving: true })
        };
        Self {
            adapters: catalogue.facts().map(reached).collect(),
            catalogue,
            agreements,
            freezes: Freezes::default(),
            standing: Standing::Registered,
            at: TODAY,
            ahead: DAY * 90,
        }
    }

    fn readiness(&self) -> Readiness {
        readiness(&View {
            catalogue: &self.catalogue,
            agreements: &self.agreements,
            freezes: &self.freezes,
            adapters: self.adapters.clone(),
            organisation: "fund-centre".into(),
            system: "approval".into(),
            standing: self.standing,
            at: self.at,
            ahead: self.ahead,
        })
    }
}

fn item<'r>(readiness: &'r Readiness, code: &str) -> &'r ItemState {
    readiness.items.iter().find(|item| item.item.as_str() == code).unwrap()
}

fn question<'r>(readiness: &'r Readiness, code: &str, fact: &str) -> &'r QuestionState {
    let item = item(readiness, code);
    item.questions.iter().find(|question| question.fact.as_str() == fact).unwrap()
}

fn missing<'r>(readiness: &'r Readiness, code: &str, fact: &str) -> &'r str {
    let question = question(readiness, code, fact);
    question.missing.as_ref().map(|missing| missing.code.as_str()).unwrap_or_default()
}

#[test]
fn the_agreements_of_2018_explain_the_channels_of_the_report() {
    let readiness = World::new(signed(&SIGNED_2018)).readiness();
    let channels = ["online", "pre-application", "offline"]
        .map(|name| readiness.items.iter().filter(|item| item.channel == name).count());
    assert_eq!(channels, [9, 8, 4], "as the report counted them");

    let mut agencies = BTreeSet::new();
    for item in &readiness.items {
        for question in &item.questions {
            let is_signed = SIGNED_2018.contains(&question.agency.as_str());
            assert_eq!(question.is_covered(), is_signed, "{} {question:?}", item.item);
            if let Some(missing) = &question.missing {
                assert_eq!(missing.code, "NO_AGREEMENT");
                agencies.insert(question.agency.as_str());
            }
        }
    }
    assert_eq!(
        Vec::from_iter(agencies),
        ["housing", "market-regulation", "social-security", "tax"]
    );
    // Only what asks the police and civil affairs alone lacks nothing.
    for item in &readiness.items {
        let asks_others = item.questions.iter().any(|one| !one.is_covered());
        assert!(!(asks_others && item.reach == Reach::EndToEnd), "{}", item.item);
        assert!(asks_others || item.reach.is_through(), "{}", item.item);
    }
    // As docs/readiness.md tells it.
    let through = |channel: &str| -> Vec<&str> {
        let items = readiness.items.iter().filter(|item| item.channel == channel);
        items.filter(|item| item.reach.is_through()).map(|item| item.item.as_str()).collect()
    };
    assert_eq!(through("online"), ["D7"]);
    assert_eq!(through("pre-application"), [""; 0]);
    assert_eq!(through("offline"), ["W7"]);
    assert_eq!(item(&readiness, "D7").reach, Reach::EndToEnd);
    assert_eq!(item(&readiness, "W7").reach, Reach::PersonDecides);
    assert_eq!(item(&readiness, "W3").reach, Reach::Partly);
    assert_eq!(item(&readiness, "D4").reach, Reach::NotAtAll);

    let said: Vec<String> = words::explain(&readiness).into_iter().map(|one| one.en).collect();
    let said = said.join("\n");
    assert!(said.contains("Today 9 items are done online"), "{said}");
    assert!(
        said.contains("Today 8 items are applied for online, finished at the counter"),
        "{said}"
    );
    assert!(said.contains("Today 4 items are done at the counter only"), "{said}");
    assert!(said.contains("housing: ") && said.contains("NO_AGREEMENT"), "{said}");
}

#[test]
fn with_all_six_no_answer_is_wanting_and_what_remains_is_named() {
    let readiness = World::new(signed(&ALL)).readiness();
    assert_eq!(readiness.items.len(), 21);
    for item in &readiness.items {
        let open: Vec<_> = item.questions.iter().filter(|one| !one.is_covered()).collect();
        assert!(open.is_empty(), "{} {open:?}", item.item);
        assert!(item.reach.is_through(), "{} {:?}", item.item, item.reach);
        let waits = item.evidence.iter().any(|evidence| evidence.is_needed);
        let is_for_person = item.evidence.iter().any(|one| one.is_needed && !one.suffices);
        match item.reach {
            Reach::ButForEvidence => assert!(waits && !is_for_person, "{}", item.item),
            Reach::PersonDecides => assert!(is_for_person || item.person_decides.is_some()),
            _ => assert!(!waits && item.person_decides.is_none(), "{}", item.item),
        }
    }
    assert!(readiness.gains.is_empty() && readiness.road.is_empty());
    assert_eq!(item(&readiness, "W3").reach, Reach::EndToEnd);
    // The tax authority demands a notice, and consent to income.
    let income = question(&readiness, "L1", "T3");
    let demands: Vec<&str> = income.demands.iter().map(|demand| demand.kind.as_str()).collect();
    assert!(demands.starts_with(&["notice", "consent"]), "{demands:?}");
    let grant = income.grant.as_ref().unwrap();
    assert_eq!((grant.agreement.as_str(), grant.version), ("hn-gjj-sw-2026-001", 1));
    assert_eq!(words::last_day(grant.until.unwrap()), "2035-12-31");
}

/// What a person must look at no agreement brings: public bodies, 离休, works and their cost, whoever leaves for good.
#[test]
fn items_with_evidence_for_a_person_are_told_as_that() {
    let readiness = World::new(signed(&ALL)).readiness();
    let reached = |reach: Reach| -> Vec<&str> {
        let items = readiness.items.iter().filter(|item| item.reach == reach);
        items.map(|item| item.item.as_str()).collect()
    };
    assert_eq!(reached(Reach::EndToEnd), ["D2", "D3", "D4", "D7", "L6", "W3", "W5"]);
    assert_eq!(reached(Reach::ButForEvidence), ["D8", "L2", "L3", "L5", "W2"]);
    let persons = ["D1", "D5", "D6", "L1", "L4", "W1", "W4", "W6", "W7"];
    assert_eq!(reached(Reach::PersonDecides), persons);
    let said: Vec<String> = words::explain(&readiness).into_iter().map(|one| one.en).collect();
    let said = said.join("\n");
    assert!(said.contains("for D1 D5 D6 L1 L4 W1 W4 W6; those are never READY"), "{said}");
}

#[test]
fn what_a_visit_alone_shows_is_open() {
    // Nobody says who the applicant is, but for somebody who sees them.
    let mut police = draft("police");
    police.clauses.retain(|clause| clause.fact.as_str() != "P1");
    let others = ALL.iter().filter(|name| **name != "police").map(|name| draft(name));
    let all = others.chain([police]).map(Arc::new);
    let readiness = World::new(AgreementSet::new(all)).readiness();
    assert_eq!(item(&readiness, "W4").reach, Reach::Partly);
    assert_eq!(item(&readiness, "W5").reach, Reach::Partly);
}

/// Of alternatives the best counts, also where each is for other applicants: the rest is said in words.
#[test]
fn who_comes_to_the_counter_all_the_same_is_told() {
    let readiness = World::new(signed(&ALL)).readiness();
    assert_eq!(item(&readiness, "W3").reach, Reach::EndToEnd);
    let said = words::explain(&readiness);
    let said = said.iter().find(|sentence| sentence.en.contains("holder of a passport")).unwrap();
    let (_, codes) = said.en.split_once("is seen at the counter: ").unwrap();
    let codes: Vec<&str> = codes.trim_end_matches('.').split(' ').collect();
    assert!(codes.contains(&"W3") && codes.contains(&"D2"), "{codes:?}");
    // A deregistration names no person.
    assert!(!codes.contains(&"D6"), "{codes:?}");
}

#[test]
fn a_need_under_a_condition_is_no_better_than_the_answer_to_it() {
    // Whether police and civil affairs contradict each other about a death hangs on the cremation.
    let mut civil_affairs = draft("civil-affairs");
    civil_affairs.clauses.retain(|clause| clause.fact.as_str() != "M3");
    let all = [draft("police"), civil_affairs].map(Arc::new);
    assert_eq!(
        item(&World::new(signed(&SIGNED_2018)).readiness(), "W7").reach,
        Reach::PersonDecides
    );
    let readiness = World::new(AgreementSet::new(all)).readiness();
    assert_eq!(item(&readiness, "W7").reach, Reach::Partly);
}

#[test]
fn what_hangs_on_a_condition_is_asked_sometimes() {
    let readiness = World::new(signed(&ALL)).readiness();
    assert!(question(&readiness, "W4", "S3").sometimes, "only of one ground");
    assert!(!question(&readiness, "W5", "S4").sometimes);
    assert!(!question(&readiness, "W3", "H3").sometimes);
}

/// A family is the applicant, who is a party, and those whom answers found: both must be permitted.
#[test]
fn a_clause_that_serves_only_some_of_a_family_covers_none() {
    for ties in [Relation::CaseParty, Relation::Verified] {
        let mut housing = draft("housing");
        for clause in housing.clauses.iter_mut().filter(|clause| clause.fact.as_str() == "H3") {
            Arc::make_mut(&mut clause.details).relations = vec![("member".into(), vec![ties])];
        }
        let others = ALL.iter().filter(|name| **name != "housing").map(|name| draft(name));
        let all = others.chain([housing]).map(Arc::new);
        let readiness = World::new(AgreementSet::new(all)).readiness();
        assert_ne!(missing(&readiness, "W3", "H3"), "", "{ties:?}");
        assert_eq!(item(&readiness, "W3").reach, Reach::Partly);
    }
}

#[test]
fn an_agreement_mends_no_agency_that_is_down() {
    let mut world = World::new(signed(&SIGNED_2018));
    let reached = world.adapters.get_mut(&FactCode::from("H3")).unwrap();
    (reached.health, reached.is_serving) = ("down".to_owned(), false);
    let readiness = world.readiness();
    let housing = readiness.gains.iter().find(|gain| gain.agency.as_str() == "housing").unwrap();
    assert!(housing.unlocked().all(|item| item.as_str() != "W3"), "{housing:?}");
    assert!(readiness.road.last().unwrap().through < 21);
}

#[test]
fn one_more_agreement_unlocks_what_it_says_and_nothing_else() {
    let readiness = World::new(signed(&SIGNED_2018)).readiness();
    for gain in &readiness.gains {
        let mut names = SIGNED_2018.to_vec();
        names.push(gain.agency.as_str());
        let then = World::new(signed(&names)).readiness();
        for (before, after) in readiness.items.iter().zip(&then.items) {
            let promised = gain.rises.iter().find(|rise| rise.item == before.item);
            let expected = promised.map_or(before.reach, |rise| rise.to);
            assert_eq!(after.reach, expected, "{} {}", gain.agency, before.item);
        }
    }
    let unlocked: Vec<usize> = readiness.gains.iter().map(|gain| gain.unlocked().count()).collect();
    assert!(unlocked.is_sorted_by(|one, next| one >= next), "{unlocked:?}");
    let housing = readiness.gains.iter().find(|gain| gain.agency.as_str() == "housing").unwrap();
    assert!(housing.unlocked().any(|item| item.as_str() == "W3"), "{housing:?}");
    // All of them together end where all six are.
    let whole = World::new(signed(&ALL)).readiness();
    let last = readiness.road.last().unwrap();
    assert_eq!((readiness.road.len(), last.through), (4, 21));
    assert_eq!(last.end_to_end, whole.count(Reach::EndToEnd));
}

#[test]
fn every_reason_not_to_permit_is_told_by_its_code() {
    let w3_homes = |world: &World| missing(&world.readiness(), "W3", "H3").to_owned();
    let mut world = World::new(signed(&ALL));
    assert_eq!(w3_homes(&world), "");

    let housing = Arc::new(draft("housing"));
    let changed = |change: &dyn Fn(&mut Agreement)| {
        let mut agreement = draft("housing");
        change(&mut agreement);
        World::new(AgreementSet::new([Arc::new(agreement)]))
    };
    let of_homes = |agreement: &mut Agreement,
                    change: &dyn Fn(&mut crate::decision::agreement::Clause)| {
        let clauses = agreement.clauses.iter_mut();
        clauses.filter(|clause| clause.fact.as_str() == "H3").for_each(change);
    };
    for (code, changed) in [
        ("NOT_YET_VALID", changed(&|it| it.effective_from = TODAY.plus(DAY))),
        ("EXPIRED", changed(&|it| it.effective_to = TODAY)),
        ("FACT_NOT_GRANTED", changed(&|it| it.clauses.retain(|one| one.fact.as_str() != "H3"))),
        (
            "PURPOSE_NOT_GRANTED",
            changed(&|it| of_homes(it, &|one| one.items = ["W1".into()].into())),
        ),
        ("ROLE_NOT_GRANTED", changed(&|it| of_homes(it, &|one| one.roles = sample::words(&[])))),
        (
            "MATERIAL_NOT_REPLACED",
            changed(&|it| of_homes(it, &|one| one.replaces = sample::words(&[]))),
        ),
        (
            "ATTRIBUTE_NOT_GRANTED",
            changed(&|it| of_homes(it, &|one| one.assert = sample::words(&["homes"]))),
        ),
        ("SYSTEM_NOT_GRANTED", changed(&|it| it.systems = ["other".into()].into())),
    ] {
        assert_eq!(w3_homes(&changed), code);
    }

    let suspended = Halt::Suspended { by: "housing".into(), from: TODAY };
    let halts: Halts = [(housing.id.clone(), 1, suspended)].into_iter().collect();
    world.agreements = signed(&ALL).halted_by(halts);
    assert_eq!(w3_homes(&world), "AGREEMENT_SUSPENDED");
    world.agreements = signed(&ALL);
    world.freezes = ["provider:housing/fact:H3".to_owned()].into_iter().collect();
    assert_eq!(w3_homes(&world), "FROZEN");
    world.freezes = Freezes::default();
    world.standing = Standing::NoQueryRight;
    assert_eq!(w3_homes(&world), "NO_QUERY_RIGHT");
    world.standing = Standing::Registered;

    let homes = FactCode::from("H3");
    let reached = world.adapters.get_mut(&homes).unwrap();
    (reached.health, reached.is_serving) = ("down".to_owned(), false);
    let readiness = world.readiness();
    assert_eq!(missing(&readiness, "W3", "H3"), "ADAPTER_DOWN");
    let w3 = item(&readiness, "W3");
    assert_eq!((w3.reach, w3.cell(&homes)), (Reach::Partly, Cell::Unreached));
    assert!(readiness.gains.is_empty(), "no agreement mends an agency that is down");
    world.adapters.remove(&homes);
    assert_eq!(w3_homes(&world), "NO_ADAPTER");
    world.agreements = signed(&SIGNED_2018);
    let readiness = world.readiness();
    let housing = readiness.gains.iter().find(|gain| gain.agency.as_str() == "housing").unwrap();
    assert_eq!(housing.needs_adapter, [homes]);
}

#[test]
fn units_and_hours_are_demands_and_no_denials() {
    let mut agreement = draft("housing");
    agreement.operator_units = sample::words(&["hall-1"]);
    // Mondays from nine to ten; the view is of midnight before one.
    agreement.hours = Some(Hours { days: [0].into(), from_minute: 540, to_minute: 600 });
    let world = World::new(AgreementSet::new([Arc::new(agreement)]));
    let readiness = world.readiness();
    let homes = question(&readiness, "W3", "H3");
    assert!(homes.is_covered(), "{homes:?}");
    let demands: Vec<_> =
        homes.demands.iter().map(|demand| (demand.kind.as_str(), demand.of.as_str())).collect();
    assert_eq!(demands, [("operator_unit", "hall-1"), ("hours", "")]);
}

#[test]
fn a_family_that_cannot_be_found_covers_nobody() {
    // Homes may be asked, but nobody says who belongs to the family.
    let readiness = World::new(signed(&["housing"])).readiness();
    assert!(question(&readiness, "W3", "H3").is_covered());
    assert_eq!(item(&readiness, "W3").reach, Reach::Partly);
    // The household is told only to whoever may have the children's names.
    let mut police = draft("police");
    for clause in police.clauses.iter_mut().filter(|clause| clause.fact.as_str() == "P3") {
        clause.disclose = sample::words(&["division"]);
    }
    let names = ["civil-affairs", "housing"];
    let all = names.iter().map(|name| draft(name)).chain([police]).map(Arc::new);
    let readiness = World::new(AgreementSet::new(all)).readiness();
    assert_eq!(missing(&readiness, "W3", "P3"), "DISCLOSURE_NOT_GRANTED");
    assert_eq!(item(&readiness, "W3").reach, Reach::Partly);
}

#[test]
fn what_lapses_is_told_unless_something_takes_its_place() {
    let ending = |days: u32| {
        let mut agreement = draft("housing");
        agreement.effective_to = TODAY.plus(DAY * days);
        Arc::new(agreement)
    };
    let others =
        || signed(&["police", "civil-affairs", "social-security", "tax", "market-regulation"]);
    let id = ending(1).id.clone();
    let mut world = World::new(others().with_versions(&id, vec![ending(60)]));
    let readiness = world.readiness();
    let [lapse] = readiness.lapses.as_slice() else { panic!("{:?}", readiness.lapses) };
    assert_eq!(
        (lapse.agreement.as_str(), words::last_day(lapse.on)),
        (&*id, "2027-01-21".to_owned())
    );
    assert!(lapse.items.iter().any(|item| item.as_str() == "W3"), "{lapse:?}");
    assert!(!lapse.items.iter().any(|item| item.as_str() == "D4"), "{lapse:?}");
    // Sixty days are beyond thirty.
    world.ahead = DAY * 30;
    assert!(world.readiness().lapses.is_empty());
    world.ahead = DAY * 90;
    // The next version goes on, and nothing lapses.
    let next = Agreement { version: 2, effective_from: TODAY.plus(DAY * 50), ..draft("housing") };
    world.agreements = others().with_versions(&id, vec![ending(60), Arc::new(next)]);
    assert!(world.readiness().lapses.is_empty());
    // An order to come ends it as well.
    let revoked = Halt::Revoked { by: "housing".into(), from: TODAY.plus(DAY * 3) };
    let halts: Halts = [(id.clone(), 1, revoked)].into_iter().collect();
    world.agreements = signed(&ALL).halted_by(halts);
    assert_eq!(words::last_day(world.readiness().lapses[0].on), "2026-11-25");
}

#[test]
fn a_day_has_the_versions_that_hold_on_it() {
    let mut world = World::new(signed(&ALL));
    let version = |world: &World| item(&world.readiness(), "W3").version.clone();
    assert_eq!(version(&world), "2026.2");
    world.at = Timestamp(TODAY.0 - (DAY * 90).as_micros() as u64);
    assert_eq!(version(&world), "2026.1");
    world.at = Timestamp::from_seconds(1_543_507_200);
    let readiness = world.readiness();
    assert!(readiness.items.is_empty());
    assert_eq!(words::explain(&readiness).len(), 1);
    assert!(page::page(&readiness).ends_with(crate::report::page::END));
}

#[test]
fn the_page_stands_alone_and_is_well_formed() {
    let mut readiness = World::new(signed(&SIGNED_2018)).readiness();
    readiness.items[0].title_zh = "<script>alert('x')</script> & \"q\" \u{1b}[2J".to_owned();
    let page = page::page(&readiness);
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(&page, options).unwrap();
    let named = |name: &str| {
        document
            .descendants()
            .filter(|node| node.has_tag_name(("http://www.w3.org/1999/xhtml", name)))
            .count()
    };
    assert_eq!(named("script"), 0);
    for node in document.descendants() {
        for attribute in node.attributes() {
            assert!(!["src", "href"].contains(&attribute.name()), "{attribute:?}");
        }
    }
    // One row for each item in the chart, one cell for each fact, each with a sign that needs no colour.
    let facts: usize = readiness.facts().values().map(BTreeSet::len).sum();
    let cells: Vec<_> =
        document.descendants().filter(|node| node.attribute("title").is_some()).collect();
    assert_eq!(cells.len(), readiness.items.len() * facts);
    for cell in cells {
        assert!(["+", "-", "~", "!", "."].contains(&cell.text().unwrap()), "{cell:?}");
    }
    assert!(page.contains("NO_AGREEMENT"));
}
