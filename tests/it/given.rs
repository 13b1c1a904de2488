//! Orders over the wire: each act in force when the reply comes, each refusal without a trace, and the same again by replay.

use std::time::Duration;

use heyan::agreements::document::Signer;
use heyan::agreements::order::{self, Act, Order, Version};
use heyan::audit::entry::{AgreementEvent, Entry, Kind, OrderEffect, encode};
use heyan::client::{Client, ClientError, Refused};
use heyan::clock::now;
use heyan::crypto::SigningKey;
use heyan::decision::freeze::Scope;
use heyan::proto::gateway::v1 as wire;
use heyan::query::time::Timestamp;
use heyan::replay::replay;
use tonic::Code;
use tonic_types::StatusExt;
use wire::source::Kind::{Agency, Cache};

use crate::support::draft::Draft;
use crate::support::entries::{denial, intents, outcome};
use crate::support::{Lab, PATIENCE, ask, connect, refused, until};

const CIVIL: &str = "civil-affairs";
const FUND: &str = "fund-centre";

/// Further terms of the draft, such as notice.
async fn lab(terms: &str) -> (Lab, Client) {
    let mut lab = Lab::prepare(&["police"]).await;
    let keep = "cache = { found = \"1d\", not_found = \"1h\" }";
    let draft = ["M1", "M2"].iter().fold(Draft::new("trial", CIVIL), |draft, code| {
        let fact = lab.catalogue.fact(&(*code).into()).unwrap();
        let names: Vec<&str> = fact.attributes.iter().map(|known| known.name.as_str()).collect();
        draft.clause(fact, &lab.catalogue, &names, &[], keep)
    });
    let text = draft.text().replacen("[[legal_basis]]", &format!("{terms}\n[[legal_basis]]"), 1);
    lab.world.sign_text("trial", &text).unwrap();
    lab.serve().await;
    let client = lab.client().await;
    (lab, client)
}

fn trial() -> Version {
    Version { agreement: "trial".to_owned(), version: 1 }
}

fn freeze(provider: &str, fact: Option<&str>, caller: Option<&str>) -> Act {
    let (fact, caller) = (fact.map(Into::into), caller.map(Into::into));
    Act::Freeze(Scope { provider: provider.into(), fact, caller })
}

fn signed(lab: &Lab, order: &Order, signer: &str) -> Vec<u8> {
    let key = SigningKey::read(&lab.path(format!("pki/{signer}/signing.key"))).unwrap();
    order::sign(order, Signer { kid: &format!("{signer}-1"), key: &key }).unwrap()
}

fn document(lab: &Lab, id: &str, by: &str, act: &Act) -> Vec<u8> {
    signed(lab, &Order::new(id, &by.into(), now(), "an incident", act), by)
}

/// Brings an order of the organisation with its own system, and this must come of it.
async fn given(lab: &Lab, id: &str, by: &str, act: &Act, effect: &str) {
    let document = document(lab, id, by, act);
    let client = lab.client_as(by, system(by)).await;
    let followed = client.give_order(document.clone()).await.unwrap();
    assert_eq!((followed.id.as_str(), followed.effect.as_str()), (id, effect));
    assert_eq!((followed.is_known, followed.warning.as_str()), (false, ""));
    let entries = lab.entries();
    let held = match &entries[usize::try_from(followed.log_index).unwrap()].kind {
        Kind::Agreement(AgreementEvent::Ordered { document, .. }) => document,
        Kind::Freeze(event) => &event.document,
        _ => panic!("entry {} holds no order", followed.log_index),
    };
    assert_eq!(*held, document, "byte for byte");
    assert_eq!(std::fs::read(file(lab, by, id)).unwrap(), document);
}

fn system(organisation: &str) -> &str {
    if organisation == FUND { "approval" } else { "agency" }
}

fn file(lab: &Lab, by: &str, id: &str) -> std::path::PathBuf {
    lab.path(format!("orders/{by}.{id}.order.json"))
}

fn refusal<T: std::fmt::Debug>(given: Result<T, ClientError>) -> Refused {
    match given {
        Err(ClientError::Refused(refused)) => *refused,
        other => panic!("not refused: {other:?}"),
    }
}

/// Files in the folder of orders.
fn files(lab: &Lab) -> usize {
    std::fs::read_dir(lab.path("orders")).unwrap().count()
}

async fn answered(lab: &Lab, client: &Client, fact: &str, from: wire::source::Kind) {
    let reply = ask(client, lab.question(fact)).await;
    assert_eq!(reply.source.unwrap().kind(), from, "{fact}");
}

/// Asks and expects this denial, with its entry and nobody asked; the freezes that it names.
async fn denied(lab: &Lab, client: &Client, fact: &str, code: &str) -> Vec<String> {
    let asked = lab.simulation.asked(CIVIL);
    let refused = refused(client, lab.question(fact)).await;
    assert_eq!((refused.reason.as_str(), refused.code), (code, Code::PermissionDenied), "{fact}");
    let entries = lab.entries();
    let entry = denial(&entries, refused.log_index.unwrap());
    assert_eq!(entry.code, code);
    assert_eq!(lab.simulation.asked(CIVIL), asked, "{code}: the agency was asked");
    entry.facts.freezes.clone()
}

fn replays_clean(lab: &Lab) {
    let examined = heyan::cli::audit::examine(&lab.path("log"), None).unwrap();
    assert!(examined.findings.is_empty(), "{:?}", examined.findings);
}

async fn states(client: &Client) -> Vec<(wire::AgreementState, String)> {
    let agreements = client.agreements().await.unwrap();
    let trial = agreements.iter().filter(|agreement| agreement.id == "trial");
    trial.map(|agreement| (agreement.state(), agreement.halted_by.clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_act_is_in_force_when_its_reply_comes() {
    let (mut lab, client) = lab("").await;
    answered(&lab, &client, "M2", Agency).await;
    answered(&lab, &client, "M2", Cache).await;
    assert_eq!(states(&client).await, [(wire::AgreementState::InForce, String::new())]);

    let stopped = "agreement `trial` version 1 suspended by `civil-affairs`";
    given(&lab, "stop", CIVIL, &Act::Suspend(trial()), stopped).await;
    denied(&lab, &client, "M2", "AGREEMENT_SUSPENDED").await;
    assert_eq!(states(&client).await, [(wire::AgreementState::Suspended, CIVIL.to_owned())]);
    let resumed = "agreement `trial` version 1 resumed by `civil-affairs`";
    given(&lab, "resume", CIVIL, &Act::Resume(trial()), resumed).await;
    // What was kept before the suspension is not served after it.
    answered(&lab, &client, "M2", Agency).await;

    // A folder of orders that is read again says nothing new, nor does a restart.
    let reloaded = lab.node().gateway().reload(now()).await;
    assert!(reloaded.changes.is_empty() && reloaded.findings.is_empty(), "{reloaded:?}");
    given(
        &lab,
        "end",
        FUND,
        &Act::Revoke(trial()),
        "agreement `trial` version 1 revoked by `fund-centre`",
    )
    .await;
    drop(client);
    lab.close().await;
    lab.serve().await;
    let client = lab.client().await;
    denied(&lab, &client, "M2", "AGREEMENT_REVOKED").await;
    assert_eq!(states(&client).await, [(wire::AgreementState::Revoked, FUND.to_owned())]);
    replays_clean(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_freezes_and_unfreezes_from_its_own_machine() {
    let (lab, client) = lab("").await;
    for fact in ["M1", "M2"] {
        answered(&lab, &client, fact, Agency).await;
    }
    // Which freeze, its name, and whether M1 and M2 are stopped by it.
    let cases = [
        ("all", freeze(CIVIL, None, None), "provider:civil-affairs", [true, true]),
        ("fact", freeze(CIVIL, Some("M2"), None), "provider:civil-affairs/fact:M2", [false, true]),
        (
            "caller",
            freeze(CIVIL, None, Some(FUND)),
            "provider:civil-affairs/caller:fund-centre",
            [true, true],
        ),
        (
            "both",
            freeze(CIVIL, Some("M1"), Some(FUND)),
            "provider:civil-affairs/fact:M1/caller:fund-centre",
            [true, false],
        ),
    ];
    for (id, act, name, stopped) in cases {
        given(&lab, id, CIVIL, &act, &format!("freeze `{name}` in force")).await;
        for (fact, is_stopped) in ["M1", "M2"].into_iter().zip(stopped) {
            match is_stopped {
                true => assert_eq!(denied(&lab, &client, fact, "FROZEN").await, [name], "{id}"),
                false => answered(&lab, &client, fact, Cache).await,
            }
        }
        let lift = Act::Unfreeze(id.to_owned());
        given(&lab, &format!("{id}-over"), CIVIL, &lift, &format!("freeze `{name}` lifted")).await;
        for (fact, was_stopped) in ["M1", "M2"].into_iter().zip(stopped) {
            answered(&lab, &client, fact, if was_stopped { Agency } else { Cache }).await;
        }
    }
    replays_clean(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_tells_programs_which_order_stands_in_the_way() {
    let (lab, _) = lab("").await;
    let raw = connect::verification(connect::raw(&lab, FUND, "approval").await);
    let change = "freeze `provider:civil-affairs/fact:M1` in force";
    given(&lab, "stop-m1", CIVIL, &freeze(CIVIL, Some("M1"), None), change).await;
    let change = "agreement `trial` version 1 suspended by `civil-affairs`";
    let said = |fact: &str| {
        let (mut raw, question) = (raw.clone(), lab.question(fact));
        async move {
            let status = raw.verify(question).await.unwrap_err();
            let details = status.get_error_details();
            let info = details.error_info().unwrap().clone();
            assert_eq!(info.domain, "heyan");
            (status.code(), info.reason, info.metadata)
        }
    };
    let (code, reason, metadata) = said("M1").await;
    assert_eq!((code, reason.as_str()), (Code::PermissionDenied, "FROZEN"));
    assert_eq!(metadata["freeze"], "provider:civil-affairs/fact:M1");
    assert!(metadata["log_index"].parse::<u64>().is_ok());
    given(&lab, "stop", CIVIL, &Act::Suspend(trial()), change).await;
    let (code, reason, metadata) = said("M2").await;
    assert_eq!((code, reason.as_str()), (Code::PermissionDenied, "AGREEMENT_SUSPENDED"));
    assert_eq!((metadata["agreement"].as_str(), metadata["by"].as_str()), ("trial", CIVIL));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_under_way_ends_as_it_began_and_is_not_kept() {
    let (lab, client) = lab("").await;
    let faults = lab.simulation.faults(CIVIL);
    faults.set_delay(Duration::from_secs(2), Duration::ZERO);
    let (first, ()) = tokio::join!(ask(&client, lab.question("M2")), async {
        let is_asked = || !intents(&lab.entries()).is_empty();
        until("the agency is asked", is_asked).await;
        let change = "freeze `provider:civil-affairs` in force";
        given(&lab, "stop", CIVIL, &freeze(CIVIL, None, None), change).await;
        denied(&lab, &client, "M2", "FROZEN").await;
        let lift = Act::Unfreeze("stop".to_owned());
        given(&lab, "go-on", CIVIL, &lift, "freeze `provider:civil-affairs` lifted").await;
    });
    faults.clear();
    assert_eq!(first.source.unwrap().kind(), Agency);
    answered(&lab, &client, "M2", Agency).await;
    answered(&lab, &client, "M2", Cache).await;
    replays_clean(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_given_twice_acts_once() {
    let (mut lab, _) = lab("").await;
    let civil = lab.client_as(CIVIL, "agency").await;
    let document = document(&lab, "stop", CIVIL, &freeze(CIVIL, None, None));
    let first = civil.give_order(document.clone()).await.unwrap();
    let size = lab.size();
    let again = civil.give_order(document.clone()).await.unwrap();
    assert_eq!((again.is_known, again.log_index), (true, first.log_index));
    assert_eq!(again.effect, "civil-affairs freezes all questions to civil-affairs");
    // By another way, and after a restart without its file, too.
    let operator = lab.client_as(FUND, "operations").await;
    assert!(operator.give_order(document.clone()).await.unwrap().is_known);
    assert_eq!(lab.size(), size);
    std::fs::remove_file(file(&lab, CIVIL, "stop")).unwrap();
    drop((civil, operator));
    lab.close().await;
    lab.serve().await;
    let civil = lab.client_as(CIVIL, "agency").await;
    let again = civil.give_order(document).await.unwrap();
    assert_eq!((again.is_known, again.log_index), (true, first.log_index));
    assert_eq!(files(&lab), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_in_force_where_its_file_cannot_be_written() {
    let (mut lab, client) = lab("").await;
    std::fs::remove_dir(lab.path("orders")).unwrap();
    let civil = lab.client_as(CIVIL, "agency").await;
    let document = document(&lab, "stop", CIVIL, &freeze(CIVIL, None, None));
    let followed = civil.give_order(document).await.unwrap();
    assert!(followed.warning.contains("in force all the same"), "{}", followed.warning);
    denied(&lab, &client, "M2", "FROZEN").await;
    std::fs::create_dir(lab.path("orders")).unwrap();
    drop((client, civil));
    lab.close().await;
    lab.serve().await;
    denied(&lab, &lab.client().await, "M2", "FROZEN").await;
    replays_clean(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_its_own_systems_and_operators_bring_an_order() {
    let (lab, client) = lab("").await;
    let document = document(&lab, "stop", CIVIL, &freeze(CIVIL, None, None));
    let size = lab.size();
    for (organisation, system) in
        [("audit-office", "replay"), (FUND, "approval"), ("police", "agency")]
    {
        let other = lab.client_as(organisation, system).await;
        let refused = refusal(other.give_order(document.clone()).await);
        assert_eq!(
            (refused.code, refused.reason.as_str()),
            (Code::PermissionDenied, "RIGHT_MISSING")
        );
        assert!(refused.message.contains("an order of `civil-affairs`"), "{refused}");
    }
    assert_eq!((lab.size(), files(&lab)), (size, 0));
    answered(&lab, &client, "M2", Agency).await;
    let operator = lab.client_as(FUND, "operations").await;
    assert!(!operator.give_order(document).await.unwrap().is_known);
    denied(&lab, &client, "M2", "FROZEN").await;
}

/// Who brings what, and how it is refused: reason, and a part of the message.
type Refusing = (&'static str, Vec<u8>, Code, &'static str, &'static str);

/// Each is refused as written, and leaves neither entry nor file.
async fn each_leaves_no_trace(lab: &Lab, cases: Vec<Refusing>) {
    let size = lab.size();
    for (number, (who, document, code, reason, text)) in cases.into_iter().enumerate() {
        let (organisation, system) =
            if who == "operator" { (FUND, "operations") } else { (who, system(who)) };
        let client = lab.client_as(organisation, system).await;
        let refused = refusal(client.give_order(document).await);
        assert_eq!((refused.code, refused.reason.as_str()), (code, reason), "case {number}");
        assert!(refused.message.contains(text), "case {number}: {refused}");
        assert_eq!((lab.size(), files(lab)), (size, 0), "case {number}");
    }
}

const STRICT: &str = "suspension = { by = [\"civil-affairs\"] }\n\
    termination = { by = [\"fund-centre\", \"civil-affairs\"], notice = \"30d\" }";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_order_leaves_no_trace() {
    let (lab, client) = lab("").await;
    let order = Order::new("order", &CIVIL.into(), now(), "an incident", &Act::Suspend(trial()));
    let good = signed(&lab, &order, CIVIL);
    let payload = good.iter().position(|byte| *byte == b':').unwrap() + 20;
    let mut flipped = good.clone();
    flipped[payload] ^= 1;
    let last = good.iter().rposition(u8::is_ascii_alphanumeric).unwrap();
    let mut unsigned = good.clone();
    unsigned[last - 9] = if unsigned[last - 9] == b'A' { b'B' } else { b'A' };
    let (code, reason) = (Code::InvalidArgument, "ORDER_INVALID");
    let agreement = std::fs::read(lab.path("agreements/trial.json")).unwrap();
    each_leaves_no_trace(
        &lab,
        vec![
            (CIVIL, Vec::new(), code, reason, "JWS"),
            (CIVIL, b"{}".to_vec(), code, reason, "JWS"),
            (CIVIL, good[..good.len() / 2].to_vec(), code, reason, "JWS"),
            (CIVIL, flipped, code, reason, ""),
            (CIVIL, unsigned, code, reason, "does not fit"),
            (CIVIL, agreement, code, reason, ""),
            (CIVIL, vec![b' '; 61 * 1024], code, reason, "longer than"),
            ("operator", signed(&lab, &order, "police"), code, reason, "signed by `police`"),
        ],
    )
    .await;
    answered(&lab, &client, "M2", Agency).await;
    replays_clean(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_against_the_terms_leaves_no_trace() {
    let (lab, _) = lab(STRICT).await;
    let of = |by: &str, act: &Act| document(&lab, "order", by, act);
    let revoke = Act::Revoke(trial());
    let soon = Order::new("order", &CIVIL.into(), now(), "an incident", &revoke);
    let soon = soon.acting_from(now().plus(Duration::from_secs(3600)));
    let old = now().0 - 40 * 86_400 * 1_000_000;
    let old = Order::new("order", &CIVIL.into(), Timestamp(old), "an incident", &revoke);
    let (early, too_short) = (Code::FailedPrecondition, "NOTICE_TOO_SHORT");
    let (forbidden, suspend) = (Code::PermissionDenied, Act::Suspend(trial()));
    let alone = "the terms let `civil-affairs` suspend it alone";
    each_leaves_no_trace(
        &lab,
        vec![
            ("police", of("police", &suspend), forbidden, "NO_PARTY", "`police` is no party"),
            (FUND, of(FUND, &suspend), forbidden, "NOT_ALONE", alone),
            (FUND, of(FUND, &revoke), early, too_short, "notice of 30 days: not before 20"),
            (CIVIL, signed(&lab, &soon, CIVIL), early, too_short, "notice of 30 days"),
            (CIVIL, signed(&lab, &old, CIVIL), early, too_short, "notice of 30 days"),
        ],
    )
    .await;
    replays_clean(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_out_of_place_leaves_no_trace() {
    let (lab, client) = lab("").await;
    let of = |by: &str, act: &Act| document(&lab, "order", by, act);
    let suspend = Act::Suspend(trial());
    let ahead = now().plus(Duration::from_secs(900));
    let ahead = Order::new("order", &CIVIL.into(), ahead, "an incident", &suspend);
    let other = Act::Suspend(Version { version: 2, ..trial() });
    let lift = Act::Unfreeze("x-1".to_owned());
    let foreign = freeze("police", Some("M2"), None);
    let nobody = freeze(CIVIL, None, Some("fund-center"));
    let no = Code::FailedPrecondition;
    each_leaves_no_trace(
        &lab,
        vec![
            (CIVIL, signed(&lab, &ahead, CIVIL), no, "ORDER_AHEAD", "later than now"),
            (CIVIL, of(CIVIL, &other), no, "AGREEMENT_NOT_IN_FORCE", "version 2"),
            (CIVIL, of(CIVIL, &Act::Resume(trial())), no, "NOT_SUSPENDED", "has not suspended"),
            (CIVIL, of(CIVIL, &lift), no, "NO_FREEZE", "no freeze `x-1`"),
            ("police", of("police", &foreign), no, "UNKNOWN_FACT", "no fact `M2` of `police`"),
            (CIVIL, of(CIVIL, &nobody), no, "UNKNOWN_CALLER", "no organisation `fund-center`"),
        ],
    )
    .await;
    // One id, two orders.
    let civil = lab.client_as(CIVIL, "agency").await;
    civil.give_order(of(CIVIL, &suspend)).await.unwrap();
    let refused = refusal(civil.give_order(of(CIVIL, &freeze(CIVIL, None, None))).await);
    assert_eq!((refused.code, refused.reason.as_str()), (no, "ORDER_ID_USED"));
    denied(&lab, &client, "M2", "AGREEMENT_SUSPENDED").await;
    replays_clean(&lab);
}

/// Asks until a question is denied; those that were answered.
///
/// Whatever the machine does meanwhile, each question is judged by the time that its own entry gives.
async fn asked_until_denied(
    lab: &Lab,
    client: &Client,
    from: Timestamp,
) -> Vec<wire::VerifyRequest> {
    let mut answered = Vec::new();
    loop {
        let question = lab.question("M2");
        match client.verify(question.clone(), PATIENCE).await {
            Ok(reply) => {
                let at = outcome(&lab.entries(), reply.log_index).facts.received_at;
                assert!(at < from, "answered after it began");
                answered.push(question);
            }
            Err(ClientError::Refused(refused)) => {
                assert_eq!(refused.reason, "AGREEMENT_SUSPENDED");
                let at = denial(&lab.entries(), refused.log_index.unwrap()).facts.received_at;
                assert!(from <= at, "denied before it began");
                return answered;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_begins_when_it_says_and_nothing_kept_gets_out_after() {
    let (mut lab, client) = lab("").await;
    answered(&lab, &client, "M2", Agency).await;
    let mut before = Vec::new();
    // A machine under load may pass the moment before anything was asked: then once more, with more time.
    for (number, seconds) in [3, 10, 30].into_iter().enumerate() {
        if !before.is_empty() {
            break;
        }
        if number > 0 {
            let (id, resume) = (format!("resume-{number}"), Act::Resume(trial()));
            let change = "agreement `trial` version 1 resumed by `civil-affairs`";
            given(&lab, &id, CIVIL, &resume, change).await;
        }
        let (at, id) = (now(), format!("stop-{number}"));
        let from = at.plus(Duration::from_secs(seconds));
        let order = Order::new(&id, &CIVIL.into(), at, "an incident", &Act::Suspend(trial()));
        let document = signed(&lab, &order.acting_from(from), CIVIL);
        let civil = lab.client_as(CIVIL, "agency").await;
        let followed = civil.give_order(document).await.unwrap();
        assert!(followed.effect.contains("suspended by `civil-affairs` from 20"), "{followed:?}");
        before = asked_until_denied(&lab, &client, from).await;
    }
    assert!(!before.is_empty(), "nothing was asked before it began");
    // What was answered before is not repeated after, neither from what was kept nor as a reply to the same request.
    let again = refused(&client, before.pop().unwrap()).await;
    assert_eq!(again.reason, "AGREEMENT_SUSPENDED");
    assert_eq!(states(&client).await, [(wire::AgreementState::Suspended, CIVIL.to_owned())]);
    drop(client);
    lab.close().await;
    lab.serve().await;
    let client = lab.client().await;
    denied(&lab, &client, "M2", "AGREEMENT_SUSPENDED").await;
    let change = "agreement `trial` version 1 resumed by `civil-affairs`";
    given(&lab, "resume", CIVIL, &Act::Resume(trial()), change).await;
    answered(&lab, &client, "M2", Agency).await;
    answered(&lab, &client, "M2", Cache).await;
    replays_clean(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_to_come_can_be_called_off() {
    let (lab, client) = lab("suspension = { by = [\"civil-affairs\"], notice = \"7d\" }").await;
    let at = now();
    let order = Order::new("stop", &CIVIL.into(), at, "an incident", &Act::Suspend(trial()));
    let document =
        signed(&lab, &order.acting_from(at.plus(Duration::from_secs(7 * 86_400))), CIVIL);
    let civil = lab.client_as(CIVIL, "agency").await;
    assert!(!civil.give_order(document).await.unwrap().is_known);
    assert_eq!(states(&client).await, [(wire::AgreementState::InForce, String::new())]);
    answered(&lab, &client, "M2", Agency).await;
    let change = "agreement `trial` version 1 resumed by `civil-affairs`";
    given(&lab, "call-off", CIVIL, &Act::Resume(trial()), change).await;
    let resume = document_of_resume(&lab);
    assert_eq!(refusal(civil.give_order(resume).await).reason, "NOT_SUSPENDED");
    replays_clean(&lab);
}

fn document_of_resume(lab: &Lab) -> Vec<u8> {
    document(lab, "once-more", CIVIL, &Act::Resume(trial()))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_entered_against_the_terms_is_found() {
    let terms = "suspension = { by = [\"civil-affairs\"] }\n\
                 termination = { by = [\"civil-affairs\"], notice = \"30d\" }";
    let (lab, _) = lab(terms).await;
    let entries = lab.entries();
    let found = |order: Order, by: &str, effect| {
        let (document, id) = (signed(&lab, &order, by), "trial".to_owned());
        let event = AgreementEvent::Ordered { id, version: 1, effect, document };
        let entry = Entry { at: order.at(), kind: Kind::Agreement(event) };
        let all = entries.iter().chain([&entry]).map(|entry| encode(entry).unwrap());
        let found = replay((0..).zip(all), None).findings;
        let last = entries.len() as u64;
        assert!(found.iter().all(|finding| (finding.index, finding.rule) == (last, "order")));
        found.into_iter().map(|finding| finding.text).collect::<String>()
    };
    let order = |by: &str, act| Order::new("order", &by.into(), now(), "an incident", act);
    let (suspend, revoke) = (Act::Suspend(trial()), Act::Revoke(trial()));
    let in_a_month = now().plus(Duration::from_secs(31 * 86_400));

    assert_eq!(found(order(CIVIL, &suspend), CIVIL, OrderEffect::Suspended), "");
    let later = order(CIVIL, &revoke).acting_from(in_a_month);
    assert_eq!(found(later, CIVIL, OrderEffect::Revoked), "");
    let text = found(order(FUND, &suspend), FUND, OrderEffect::Suspended);
    assert!(text.contains("the terms let `civil-affairs` suspend it alone"), "{text}");
    let text = found(order(CIVIL, &revoke), CIVIL, OrderEffect::Revoked);
    assert!(text.contains("notice of 30 days"), "{text}");
}

/// Runs the program in the installation's folder: its exit code, and what it prints.
async fn heyan(lab: &Lab, line: &str) -> (Option<i32>, String, String) {
    let endpoint = lab.endpoint();
    let line = line.replace("GATEWAY", &format!(
        "--gateway {endpoint} --identity pki/civil-affairs/agency --authority pki/fund-centre/ca.pem"
    ));
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_heyan"));
    command.args(line.split(' ')).current_dir(lab.path("")).kill_on_drop(true);
    let output = tokio::time::timeout(4 * PATIENCE, command.output()).await.unwrap().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_freezes_and_one_gives_what_was_signed_before() {
    let (lab, client) = lab("").await;
    let signer = "--as civil-affairs --key pki/civil-affairs/signing.key --parties pki/parties --reason incident";
    let line = format!("agreement order freeze {signer} --id incident-4 GATEWAY");
    let (code, out, err) = heyan(&lab, &line).await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(
        out.contains("freeze `provider:civil-affairs` in force") && out.contains("entry"),
        "{out}"
    );
    denied(&lab, &client, "M2", "FROZEN").await;

    let line = format!("agreement order unfreeze incident-4 {signer} --id over -o over.order.json");
    let (code, out, _) = heyan(&lab, &line).await;
    assert_eq!(code, Some(0));
    assert!(out.contains("heyan agreement give over.order.json"), "{out}");
    denied(&lab, &client, "M2", "FROZEN").await;
    let (code, out, _) = heyan(&lab, "agreement give over.order.json GATEWAY --json").await;
    assert_eq!(code, Some(0));
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&told["order"], &told["is_known"]), (&"over".into(), &false.into()));
    assert_eq!(told["log_index"], lab.size() - 1);
    answered(&lab, &client, "M2", Agency).await;
    let (code, out, _) = heyan(&lab, "agreement give over.order.json GATEWAY").await;
    assert_eq!(code, Some(0));
    assert!(out.contains("nothing was changed now"), "{out}");

    // Refused is 1, and not known is 2.
    let again = format!("agreement order unfreeze incident-4 {signer} GATEWAY");
    let (code, _, err) = heyan(&lab, &again).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("NO_FREEZE") && err.contains("Nothing was changed"), "{err}");
    let (code, out, _) = heyan(&lab, &format!("{again} --json")).await;
    assert_eq!(code, Some(1));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap()["refused"], "NO_FREEZE");
    let (code, _, err) = heyan(&lab, "agreement give gateway.toml GATEWAY").await;
    assert_eq!(code, Some(2));
    assert!(err.contains("is no order"), "{err}");
    let nowhere = format!("agreement order freeze {signer}");
    let (code, _, err) = heyan(&lab, &nowhere).await;
    assert_eq!(code, Some(2));
    assert!(err.contains("--output") || err.contains("required"), "{err}");

    let later = format!(
        "agreement order suspend trial --version 1 --from 2099-06-01T00:00:00+08:00 {signer} GATEWAY"
    );
    let (code, out, err) = heyan(&lab, &later).await;
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("from 2099-06-01 00:00:00, China time"), "{out}");
    answered(&lab, &client, "M2", Agency).await;
}
