//! Every denial there is, over the wire: its code, its status, its entry and the facts in it; and all of it replayed.
//!
//! The codes are those of `docs/denials.md`, which is written from the enum: a new one without a case here fails.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use heyan::agreements::document::Signer;
use heyan::agreements::order::{self, Act, Order, Version};
use heyan::audit::entry::{Entry, Kind, encode};
use heyan::client::{Client, Refused};
use heyan::clock::now;
use heyan::crypto::SigningKey;
use heyan::decision::RULES;
use heyan::decision::facts::{Facts, Standing};
use heyan::decision::freeze::Scope;
use heyan::proto::gateway::v1 as wire;
use heyan::query::time::Timestamp;
use heyan::query::value::Comparison;
use heyan::replay::replay;
use tokio::task::JoinSet;
use tonic::Code;
use wire::VerifyRequest as Question;

use crate::identity::{hour_ago, issued_by};
use crate::support::connect::{identity, raw, verification};
use crate::support::draft::{Draft, written};
use crate::support::entries::denial;
use crate::support::{ALL, Lab, PATIENCE, ask, refused, until};

/// Codes that no question can get, and why. Covered below by editing the log, and by `tests/decisions`.
const UNREACHABLE: [(&str, &str); 1] = [(
    "QUOTA_UNKNOWN",
    "a gateway writes what was used of every agreement that could permit into the facts before it decides",
)];

/// What an entry's facts must show.
type Shows = fn(&Facts) -> bool;

/// A question, the denial it must get, and what its entry must show.
struct Case {
    code: &'static str,
    status: Code,
    question: Question,
    shows: Shows,
}

fn case(code: &'static str, status: Code, question: Question, shows: Shows) -> Case {
    Case { code, status, question, shows }
}

/// Everything that one test reaches, by one gateway.
struct Reached {
    lab: Lab,
    codes: BTreeSet<String>,
}

impl Reached {
    fn asked(&self) -> u64 {
        ALL.iter().map(|agency| self.lab.simulation.asked(agency)).sum()
    }

    /// Asks, and holds refusal and entry against the case.
    async fn by(&mut self, client: &Client, case: Case) {
        let asked = self.asked();
        let refused = refused(client, case.question.clone()).await;
        self.take(&case, &refused);
        assert_eq!(self.asked(), asked, "{}: an agency was asked", case.code);
    }

    fn take(&mut self, case: &Case, refused: &Refused) {
        let code = case.code;
        assert_eq!((refused.reason.as_str(), refused.code), (code, case.status), "{refused}");
        let entries = self.lab.entries();
        let recorded = denial(&entries, refused.log_index.unwrap());
        let id = uuid::Uuid::try_parse(&case.question.request_id).unwrap().into_bytes();
        assert_eq!((recorded.code.as_str(), recorded.facts.request_id), (code, id));
        assert_eq!(recorded.facts.rules, RULES, "{code}");
        assert!((case.shows)(&recorded.facts), "{code}: {:?}", recorded.facts);
        let commitments = &recorded.commitments;
        assert!(commitments.request.is_some() && commitments.answer.is_none(), "{code}");
        self.codes.insert(code.to_owned());
    }
}

/// The codes of the page that is written from the enum.
fn every_code() -> BTreeSet<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/denials.md");
    let page = std::fs::read_to_string(page).unwrap();
    let code = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    page.lines().filter_map(code).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_denial_is_reached_recorded_and_replayed() {
    let mut lab = Lab::prepare(&[]).await;
    place_agreements(&lab);
    lab.serve().await;
    orders(&lab).await;
    replaced(&lab).await;
    let mut reached = Reached { lab, codes: BTreeSet::new() };
    let client = reached.lab.client().await;
    for case in of_the_question(&reached.lab).into_iter().chain(of_the_terms(&reached.lab)) {
        reached.by(&client, case).await;
    }
    certificates(&mut reached).await;
    deadline(&mut reached).await;
    quotas(&mut reached, &client).await;

    let unreachable = UNREACHABLE.iter().map(|(code, _)| (*code).to_owned()).collect();
    assert!(reached.codes.is_disjoint(&unreachable));
    assert_eq!(&reached.codes | &unreachable, every_code());
    let entries = reached.lab.entries();
    assert_eq!(findings(&entries), Vec::<String>::new());
    of_an_unknown_quota(&entries);
}

fn findings(entries: &[Entry]) -> Vec<String> {
    let stored = (0..).zip(entries.iter().map(|entry| encode(entry).unwrap()));
    let found = replay(stored, None).findings;
    found.iter().map(|found| format!("{} {}: {}", found.index, found.rule, found.text)).collect()
}

/// A denial whose facts say nothing of the quota: replayed it is one of `QUOTA_UNKNOWN`, and of nothing else.
fn of_an_unknown_quota(entries: &[Entry]) {
    let silent = |entry: &Entry| match entry.clone() {
        Entry { at, kind: Kind::Denial(mut denied) } if denied.code == "QUOTA_DAY" => {
            denied.facts.quota.clear();
            denied.code = "QUOTA_UNKNOWN".to_owned();
            Entry { at, kind: Kind::Denial(denied) }
        }
        other => other,
    };
    let edited: Vec<Entry> = entries.iter().map(silent).collect();
    assert_ne!(edited, entries);
    assert_eq!(findings(&edited), Vec::<String>::new());
    let wrong = |entry: &Entry| match silent(entry) {
        Entry { at, kind: Kind::Denial(mut denied) } if denied.code == "QUOTA_UNKNOWN" => {
            denied.code = "QUOTA_DAY".to_owned();
            Entry { at, kind: Kind::Denial(denied) }
        }
        other => other,
    };
    let found = findings(&entries.iter().map(wrong).collect::<Vec<_>>());
    assert!(found.len() == 1 && found[0].contains("QUOTA_UNKNOWN"), "{found:?}");
}

/// Which items may ask for the fact.
fn items<'a>(lab: &'a Lab, fact: &str) -> Vec<&'a str> {
    let uses = lab.catalogue.items().filter(|item| item.facts.iter().any(|it| it.as_str() == fact));
    let mut items: Vec<&str> = uses.map(|item| item.code.as_str()).collect();
    items.dedup();
    items
}

fn place_agreements(lab: &Lab) {
    let all = |id: &str, provider: &str, fact: &str, change: &dyn Fn(&mut Draft)| {
        let known = lab.catalogue.fact(&fact.into()).unwrap();
        let mut draft = Draft::new(id, provider).all_of(known, &lab.catalogue);
        change(&mut draft);
        draft.place_beside(lab);
    };
    all("plain", "civil-affairs", "M2", &|_| ());
    all("system", "civil-affairs", "M3", &|draft| draft.systems = vec!["night".to_owned()]);
    all("early", "police", "P1", &|draft| draft.from = "2098-01-01T00:00:00+08:00".to_owned());
    all("late", "police", "P2", &|draft| draft.to = "2020-01-01T00:00:00+08:00".to_owned());
    all("suspended", "social-security", "S1", &|_| ());
    all("revoked", "social-security", "S2", &|_| ());
    all("month", "social-security", "S3", &|draft| draft.quota = "per_month = 1".to_owned());
    all("day", "social-security", "S4", &|draft| draft.quota = "per_day = 1".to_owned());
    all("second", "social-security", "S5", &|draft| draft.quota = "per_second = 1".to_owned());
    all("unit", "tax", "T1", &|draft| draft.more = "operator_units = [\"hall-9\"]".to_owned());
    all("notice", "tax", "T2", &|draft| draft.more = "notices = [\"told-2026\"]".to_owned());
    all("frozen", "housing", "H6", &|_| ());
    all("replaced", "police", "P3", &|_| ());
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    // Three days off: no midnight can come in between.
    let open = days[(now().china_weekday() as usize + 3) % 7];
    let hours = format!("hours = {{ days = [\"{open}\"], from = \"00:00\", to = \"24:00\" }}");
    all("hours", "housing", "H5", &|draft| draft.more = hours.clone());

    let narrow = |id: &str, provider: &str, fact: &str, roles: &[&str], grants: &str| {
        Draft::new(id, provider).narrow(fact, &items(lab, fact), roles, grants).place_beside(lab);
    };
    narrow("role", "housing", "H2", &["property"], "assert = [\"owner_match\"]");
    let proof = "assert = [\"homes\"]\nrelations = { member = [\"case_party\", \"verified\"] }";
    narrow("relation", "housing", "H3", &["member"], proof);
    let never = "assert = [\"seized\"]\nnever = [\"mortgagee\"]";
    narrow("never", "housing", "H4", &["property"], never);
    narrow("assert", "housing", "H1", &["contract", "buyer"], "assert = [\"status\"]");
    let limits =
        "assert = [\"months\"]\nlimits = { months = { comparisons = [\"ge\"], values = [6, 12] } }";
    narrow("limits", "tax", "T3", &["person"], limits);
    let consent = "assert = [\"cleared\", \"arrears\", \"loss_last_year\"]\nconsent = true";
    narrow("consent", "tax", "T4", &["employer"], consent);
}

/// One suspension, one revocation and one freeze, each by the agency.
async fn orders(lab: &Lab) {
    let version = |id: &str| Version { agreement: id.to_owned(), version: 1 };
    let frozen = Scope { provider: "housing".into(), fact: Some("H6".into()), caller: None };
    for (by, act) in [
        ("social-security", Act::Suspend(version("suspended"))),
        ("social-security", Act::Revoke(version("revoked"))),
        ("housing", Act::Freeze(frozen)),
    ] {
        let id = format!("order-{}", uuid::Uuid::now_v7());
        let order = Order::new(&id, &by.into(), now(), "a trial", &act);
        let key = SigningKey::read(&lab.path(format!("pki/{by}/signing.key"))).unwrap();
        let document = order::sign(&order, Signer { kid: &format!("{by}-1"), key: &key }).unwrap();
        std::fs::write(lab.path(format!("orders/{id}.order.json")), document).unwrap();
    }
    let reloaded = lab.node().gateway().reload(now()).await;
    assert_eq!((reloaded.changes.len(), reloaded.findings.len()), (3, 0), "{reloaded:?}");
}

/// A new version that does not grant the fact any more begins, and no reload has looked at the folder since.
async fn replaced(lab: &Lab) {
    let at = now();
    let from = Timestamp::from_seconds(at.seconds() + 1);
    let kept = lab.catalogue.fact(&"P4".into()).unwrap();
    let mut draft = Draft::new("replaced", "police").all_of(kept, &lab.catalogue);
    (draft.version, draft.from) = (2, written(from));
    let document = draft.signed_by(lab, &["fund-centre", "police"]);
    // Told the time: on a machine that takes long the gateway would else find the version before over, and withdraw it.
    lab.node().gateway().publish(&document, at).await.unwrap();
    until("the version has begun", || now() >= from).await;
}

/// What no agreement could cure.
fn of_the_question(lab: &Lab) -> Vec<Case> {
    let changed = |change: &dyn Fn(&mut Question)| {
        let mut question = lab.question("M2");
        change(&mut question);
        question
    };
    let purpose = |change: fn(&mut wire::Purpose)| {
        changed(&|question| change(question.purpose.as_mut().unwrap()))
    };
    let wrong = Code::InvalidArgument;
    vec![
        case("MALFORMED", wrong, changed(&|it| it.subjects[1].kind = None), |facts| {
            facts.defects[0].field == "subjects[1]"
        }),
        case("UNKNOWN_FACT", wrong, changed(&|it| it.fact = "Q7".to_owned()), |facts| {
            facts.fact.is_none() && facts.provider.is_none()
        }),
        case("UNKNOWN_ITEM", wrong, purpose(|it| it.item = "Z9".to_owned()), |facts| {
            facts.item.as_str().is_empty()
        }),
        case("UNKNOWN_ITEM", wrong, changed(&|it| it.purpose = None), |facts| {
            facts.item.as_str().is_empty() && facts.case_number.is_empty()
        }),
        case("ITEM_VERSION_MISSING", wrong, purpose(|it| it.item_version.clear()), |facts| {
            facts.item_version.is_empty() && !facts.item.as_str().is_empty()
        }),
        case("SUBJECT_MISSING", wrong, changed(&|it| it.subjects.clear()), |facts| {
            facts.roles.is_empty() && facts.defects.is_empty()
        }),
        // The catalogue does not say what it would be to confirm this one.
        case("NOTHING_ASKED", wrong, lab.question("E4"), |facts| facts.assertions.is_empty()),
        case("CASE_MISSING", wrong, purpose(|it| it.case_number.clear()), |facts| {
            facts.case_number.is_empty()
        }),
        case("OPERATOR_MISSING", wrong, changed(&|it| it.operator = None), |facts| {
            !facts.operator_present
        }),
        case(
            "OPERATOR_MISSING",
            wrong,
            changed(&|it| it.operator.as_mut().unwrap().unit.clear()),
            |facts| facts.operator_present && facts.operator_unit.is_empty(),
        ),
        case("NO_AGREEMENT", Code::PermissionDenied, lab.question("E1"), |facts| {
            facts.quota.is_empty()
        }),
        case("FACT_NOT_GRANTED", Code::PermissionDenied, lab.question("M5"), |facts| {
            facts.fact.as_ref().is_some_and(|fact| fact.as_str() == "M5")
        }),
    ]
}

fn asserting(question: Question, attribute: &str, comparison: Comparison, value: i64) -> Question {
    let assertion = wire::Assertion {
        attribute: attribute.to_owned(),
        comparison: heyan::wire::comparison(comparison).into(),
        values: vec![wire::Value { kind: Some(wire::value::Kind::Integer(value)) }],
    };
    Question { assertions: vec![assertion], ..question }
}

/// What the terms of one agreement deny.
fn of_the_terms(lab: &Lab) -> Vec<Case> {
    let denied = |code, question, shows| case(code, Code::PermissionDenied, question, shows);
    let disclosing =
        |fact: &str, name: &str| Question { disclose: vec![name.to_owned()], ..lab.question(fact) };
    let mut replacing = lab.request("M2", "W2");
    replacing.purpose.as_mut().unwrap().replaced_material = "marriage_certificate".to_owned();
    let mut without_consent = lab.question("T4");
    without_consent.purpose.as_mut().unwrap().consent.clear();
    let mut declared = lab.question("H3");
    declared.subjects[0].relation = wire::Relation::Declared.into();
    let mut shown_by_none = lab.question("H3");
    shown_by_none.subjects.iter_mut().for_each(|it| it.relation = wire::Relation::Verified.into());
    vec![
        denied("SYSTEM_NOT_GRANTED", lab.question("M3"), |facts| {
            facts.caller.system.as_str() == "approval"
        }),
        denied("PURPOSE_NOT_GRANTED", lab.request("M2", "W4"), |it| it.item.as_str() == "W4"),
        denied("MATERIAL_NOT_REPLACED", replacing, |facts| {
            facts.replaced_material == "marriage_certificate"
        }),
        denied("NOT_YET_VALID", lab.question("P1"), |facts| facts.quota[0].agreement == "early"),
        denied("EXPIRED", lab.question("P2"), |facts| facts.quota[0].agreement == "late"),
        denied("SUPERSEDED", lab.question("P3"), |facts| facts.quota[0].agreement == "replaced"),
        denied("AGREEMENT_SUSPENDED", lab.question("S1"), |it| it.quota[0].day == 0),
        denied("AGREEMENT_REVOKED", lab.question("S2"), |it| it.quota[0].day == 0),
        denied("ROLE_NOT_GRANTED", lab.question("H2"), |it| it.roles[1].role == "owner"),
        denied("RELATION_NOT_PROVEN", lab.question("H3"), |it| it.roles[0].relation.is_none()),
        denied("RELATION_NOT_PROVEN", declared, |facts| facts.roles[0].relation.is_some()),
        denied("RELATION_NOT_PROVEN", shown_by_none, |facts| facts.roles[0].shown_by == 0),
        denied("ATTRIBUTE_WITHHELD", disclosing("H4", "mortgagee"), |facts| {
            facts.disclose == ["mortgagee"]
        }),
        denied("ATTRIBUTE_NOT_GRANTED", lab.question("H1"), |facts| {
            facts.assertions[0].attribute == "buyer_match"
        }),
        denied(
            "COMPARISON_NOT_GRANTED",
            asserting(lab.question("T3"), "months", Comparison::Eq, 6),
            |facts| facts.assertions[0].comparison == Comparison::Eq,
        ),
        denied(
            "VALUE_NOT_GRANTED",
            asserting(lab.question("T3"), "months", Comparison::Ge, 7),
            // That the value keeps no limit is all that is recorded of it.
            |facts| facts.assertions[0].within.is_empty(),
        ),
        denied("DISCLOSURE_NOT_GRANTED", disclosing("T3", "months"), |facts| {
            facts.disclose == ["months"]
        }),
        denied("OPERATOR_UNIT_NOT_GRANTED", lab.question("T1"), |facts| {
            facts.operator_unit == "hall-1"
        }),
        denied("NOTICE_MISSING", noticed(lab.question("T2"), ""), |it| it.notice.is_empty()),
        denied("NOTICE_MISSING", noticed(lab.question("T2"), "told-2018"), |facts| {
            facts.notice == "told-2018"
        }),
        denied("CONSENT_MISSING", without_consent, |facts| facts.consent.is_empty()),
        denied("OUTSIDE_HOURS", lab.question("H5"), |it| it.quota[0].agreement == "hours"),
        denied("FROZEN", lab.question("H6"), |it| it.freezes == ["provider:housing/fact:H6"]),
    ]
}

fn noticed(mut question: Question, notice: &str) -> Question {
    question.purpose.as_mut().unwrap().notice = notice.to_owned();
    question
}

/// Certificates that pass the handshake and have no standing.
async fn certificates(reached: &mut Reached) {
    let name = "spiffe://heyan.test/fund-centre/approval";
    let issued =
        |organisation: &str, uri: &str| issued_by(&reached.lab, organisation, &[uri], hour_ago());
    let cases: [(_, _, Shows); 5] = [
        ("CALLER_UNNAMED", issued("fund-centre", "https://fund-centre/approval"), |facts| {
            facts.caller.standing == Standing::Unnamed
        }),
        ("UNKNOWN_ORGANISATION", issued("police", "spiffe://heyan.test/nobody/agency"), |facts| {
            facts.caller.standing == Standing::UnknownOrganisation
        }),
        (
            "UNKNOWN_SYSTEM",
            issued("fund-centre", "spiffe://heyan.test/fund-centre/basement"),
            |facts| facts.caller.standing == Standing::UnknownSystem,
        ),
        ("FOREIGN_AUTHORITY", issued("police", name), |facts| {
            facts.caller.standing == Standing::ForeignAuthority
        }),
        ("NO_QUERY_RIGHT", identity(&reached.lab, "fund-centre", "operations"), |facts| {
            facts.caller.standing == Standing::NoQueryRight
        }),
    ];
    for (code, issued, shows) in cases {
        let (certificate, key) = (issued.certificate.as_bytes(), issued.key.as_bytes());
        let client = reached.lab.client_with(certificate, key).await.unwrap();
        let question = reached.lab.question("M2");
        reached.by(&client, case(code, Code::PermissionDenied, question, shows)).await;
    }
}

/// A client with a deadline of its own would give up before it sent anything.
async fn deadline(reached: &mut Reached) {
    let mut client = verification(raw(&reached.lab, "fund-centre", "approval").await);
    let question = reached.lab.question("M2");
    let mut request = tonic::Request::new(question.clone());
    request.metadata_mut().insert("grpc-timeout", "0m".parse().unwrap());
    let status = client.verify(request).await.unwrap_err();
    let past = |facts: &Facts| facts.deadline == Some(Duration::ZERO);
    let case = case("DEADLINE_PAST", Code::DeadlineExceeded, question, past);
    reached.take(&case, &Refused::from(&status));
}

async fn quotas(reached: &mut Reached, client: &Client) {
    let used: [(_, _, Shows); 2] = [
        ("QUOTA_MONTH", "S3", |facts| facts.quota[0].month == 1),
        ("QUOTA_DAY", "S4", |facts| facts.quota[0].day == 1),
    ];
    for (code, fact, shows) in used {
        ask(client, reached.lab.question(fact)).await;
        let question = reached.lab.question(fact);
        reached.by(client, case(code, Code::ResourceExhausted, question, shows)).await;
    }
    // Ten at once are sooner or later not all of different seconds.
    loop {
        let mut asking = JoinSet::new();
        for _ in 0..10 {
            let (client, question) = (client.clone(), reached.lab.question("S5"));
            asking
                .spawn(async move { (question.clone(), client.verify(question, PATIENCE).await) });
        }
        let refused =
            asking.join_all().await.into_iter().find_map(|(question, asked)| match asked {
                Err(heyan::client::ClientError::Refused(refused)) => Some((question, *refused)),
                _ => None,
            });
        if let Some((question, refused)) = refused {
            assert_eq!(refused.retry_after, Some(Duration::from_secs(1)));
            let used = |facts: &Facts| facts.quota[0].second >= 1;
            let case = case("QUOTA_SECOND", Code::ResourceExhausted, question, used);
            reached.take(&case, &refused);
            break;
        }
    }
}
