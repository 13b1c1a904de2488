//! What the golden log says: every kind of entry, in an order that a gateway could have written.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use heyan::agreements::document::{self, Signer};
use heyan::agreements::order::{self, Act, Order, Version};
use heyan::agreements::terms::Terms;
use heyan::audit::commitment::{self, Field, Opening, Seed};
use heyan::audit::entry::{
    AdapterEvent, AdapterRef, AgreementEvent, CatalogueEvent, Commitments, Denied, Erased, Erasure,
    FreezeChange, FreezeEvent, Intent, KeyChange, KeyEvent, KeyPurpose, Kind, NodeChange,
    NodeEvent, OrderEffect, Outcome, PartyEvent, Source,
};
use heyan::crypto::sha256;
use heyan::decision::PermitRef;
use heyan::decision::facts::{AssertionFact, CallerFacts, Facts, QuotaUse, RoleFact, Standing};
use heyan::decision::freeze::Scope;
use heyan::query::record::Unavailable;
use heyan::query::time::Timestamp;
use heyan::query::value::{Comparison, Verdict};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

use super::writer::{announcement, key};

/// 2026-11-23 10:00 in China.
const TEN: u64 = 1_795_399_200;

/// Microseconds from an entry's time to its frame's.
pub(super) const FLUSHED_AFTER: u64 = 1500;

const DRAFT: &str = r#"
schema = 1
id = "golden-1"
version = 1
title = "Marriage"
title_zh = "婚姻信息共享协议"
consumer = "fund-centre"
provider = "civil-affairs"
systems = ["approval"]
effective_from = "2018-06-01T00:00:00+08:00"
effective_to = "2038-06-01T00:00:00+08:00"
retention = { keep_for = "3y", afterwards = "delete" }
quota = { per_second = 20, per_day = 500 }

[[legal_basis]]
party = "fund-centre"
instrument = "住房公积金管理条例（国务院令第350号）"
article = "第二十四条"

[[legal_basis]]
party = "civil-affairs"
instrument = "政务信息资源共享管理暂行办法（国发〔2016〕51号）"
article = "第五条"

[[clause]]
fact = "M2"
items = ["W3"]
roles = ["person", "spouse"]
assert = ["married"]
disclose = ["registered_on"]
max_age = "3d"
cache = { found = "1d", not_found = "1h" }
replaces = ["marriage_certificate"]
"#;

/// One entry, its sealed record, and what opens its commitments for whoever gets a receipt.
pub(super) struct Record {
    pub(super) at: Timestamp,
    pub(super) kind: Kind,
    pub(super) private: Bytes,
    pub(super) openings: Vec<(Field, Opening, Vec<u8>)>,
}

fn role(role: &str) -> RoleFact {
    RoleFact { role: role.into(), kind: "person".into(), relation: None, shown_by: 0 }
}

fn plain(second: u64, kind: Kind) -> Record {
    let at = Timestamp::from_seconds(TEN + second);
    Record { at, kind, private: Bytes::new(), openings: Vec::new() }
}

/// The batches in order, each a frame.
pub(super) fn batches() -> Vec<Vec<Record>> {
    let node =
        |second, change| plain(second, Kind::Node(NodeEvent { change, version: "0.1.0".into() }));
    let agreement = |second, event| plain(second, Kind::Agreement(event));
    let version = 1;
    let id = || "golden-1".to_owned();
    let ordered = |second, effect| {
        let about = Version { agreement: id(), version };
        let act = match effect {
            OrderEffect::Suspended => Act::Suspend(about),
            OrderEffect::Resumed => Act::Resume(about),
            OrderEffect::Revoked => Act::Revoke(about),
        };
        let document = order(second, &format!("order-{second}"), &act);
        agreement(second, AgreementEvent::Ordered { id: id(), version, effect, document })
    };
    let document = signed();
    vec![
        vec![node(0, NodeChange::Created)],
        vec![
            plain(60, entered(0)),
            plain(60, entered(1)),
            plain(
                60,
                Kind::Catalogue(CatalogueEvent { digest: [4; 32], summary: "30 facts".into() }),
            ),
            plain(
                60,
                Kind::Adapter(AdapterEvent::Placed {
                    adapter: adapter(),
                    facts: vec!["M2".into()],
                }),
            ),
            agreement(60, AgreementEvent::Adopted { id: id(), version, document }),
            node(60, NodeChange::Started),
            plain(60, vault_day(KeyChange::Begun)),
        ],
        vec![intent(100)],
        vec![outcome(100)],
        vec![kept(101), denied(102), nobody_asked(103)],
        vec![
            freeze(200, FreezeChange::Frozen, &Act::Freeze(scope())),
            freeze(210, FreezeChange::Lifted, &Act::Unfreeze("order-200".to_owned())),
        ],
        vec![
            ordered(300, OrderEffect::Suspended),
            ordered(310, OrderEffect::Resumed),
            ordered(320, OrderEffect::Revoked),
            agreement(330, AgreementEvent::Withdrawn { id: id(), version }),
            plain(340, Kind::Party(PartyEvent::Removed { organisation: "civil-affairs".into() })),
        ],
        vec![
            plain(400, erasure(Erased::Entries(vec![9]))),
            plain(410, erasure(Erased::Day("2026-11-23".into()))),
            plain(410, vault_day(KeyChange::Ended)),
        ],
        vec![plain(500, log_key())],
        vec![node(600, NodeChange::Stopped)],
    ]
}

fn facts(sequence: u64, second: u64, used: u64) -> Facts {
    let mut request_id = [sequence as u8; 16];
    (request_id[6], request_id[8]) = (0x70, 0x80);
    Facts {
        rules: 1,
        request_id,
        caller_sequence: sequence,
        received_at: Timestamp::from_seconds(TEN + second),
        deadline: Some(Duration::from_secs(5)),
        caller: CallerFacts {
            organisation: "fund-centre".into(),
            system: "approval".into(),
            certificate: [3; 32],
            standing: Standing::Registered,
        },
        fact: Some("M2".into()),
        provider: Some("civil-affairs".into()),
        item: "W3".into(),
        item_version: "2026.2".into(),
        case_number: format!("GJJ-2026-00000{sequence}"),
        replaced_material: "marriage_certificate".into(),
        operator_unit: "counter-3".into(),
        operator_present: true,
        notice: String::new(),
        consent: String::new(),
        roles: ["person", "spouse"].map(role).into(),
        assertions: vec![AssertionFact {
            attribute: "married".into(),
            comparison: Comparison::Eq,
            within: Vec::new(),
        }],
        disclose: vec!["registered_on".into()],
        max_age: None,
        defects: Vec::new(),
        quota: vec![QuotaUse { agreement: "golden-1".into(), day: used, second: 0, month: 0 }],
        freezes: Vec::new(),
        catalogue_digest: [4; 32],
    }
}

fn permit() -> PermitRef {
    PermitRef { agreement: "golden-1".into(), version: 1, clause: 1 }
}

fn adapter() -> AdapterRef {
    AdapterRef { name: "civil-affairs".into(), version: "1".into(), digest: [5; 32] }
}

/// Commits to these values under a seed of this byte.
fn commit(seed: u8, values: &[(Field, &str)]) -> (Commitments, Vec<(Field, Opening, Vec<u8>)>) {
    let seed = Seed::from_bytes([seed; 32]);
    let mut commitments = Commitments::default();
    let mut openings = Vec::new();
    for &(field, value) in values {
        let (digest, opening) = commitment::commit(&seed, field, value.as_bytes());
        let place = match field {
            Field::Subject => &mut commitments.subject,
            Field::Operator => &mut commitments.operator,
            Field::Request => &mut commitments.request,
            Field::Answer => &mut commitments.answer,
        };
        *place = Some(digest);
        openings.push((field, opening, value.as_bytes().to_vec()));
    }
    (commitments, openings)
}

const ASKED: [(Field, &str); 3] = [
    (
        Field::Subject,
        "[{\"person\":{\"document_number\":\"11010519491231002X\",\"document_type\":\"citizen_id\",\
         \"name\":\"李雷\"},\"role\":\"person\"}]",
    ),
    (Field::Operator, "{\"id\":\"0042\",\"unit\":\"counter-3\"}"),
    (Field::Request, "the request as sent"),
];

fn answered(verdict: &'static str) -> Vec<(Field, &'static str)> {
    let mut values = ASKED.to_vec();
    values.push((Field::Answer, verdict));
    values
}

fn intent(second: u64) -> Record {
    let (commitments, _) = commit(0x31, &ASKED);
    let facts = facts(1, second, 0);
    let intent = Intent { facts, permit: permit(), commitments, adapter: adapter() };
    plain(second, Kind::Intent(Box::new(intent)))
}

/// With a sealed record: the length of the wrapped part, that part, the sealed part.
fn outcome(second: u64) -> Record {
    let sealed = [0xab; 333];
    let answer = "{\"disclosed\":{\"registered_on\":\"2018-05-20\"},\"judgements\":[{\"attribute\":\"married\",\
                  \"comparison\":\"eq\",\"verdict\":\"CONFIRMED\"}],\"verdict\":\"CONFIRMED\"}";
    let (mut commitments, openings) = commit(0x32, &answered(answer));
    commitments.sealed = Some(sha256(&sealed));
    let private = [&[0, 60][..], &[0xcd; 60], &sealed].concat();
    let outcome = Outcome {
        commitments,
        disclosed: vec!["registered_on".into()],
        masked: Vec::new(),
        ..answer_to(facts(1, second, 0), Source::Agency)
    };
    let kind = Kind::Outcome(Box::new(outcome));
    Record { private: Bytes::from(private), openings, ..plain(second, kind) }
}

fn kept(second: u64) -> Record {
    let (commitments, openings) = commit(0x33, &answered("{\"verdict\":\"CONFIRMED\"}"));
    let outcome = Outcome { commitments, ..answer_to(facts(2, second, 1), Source::Cache) };
    Record { openings, ..plain(second, Kind::Outcome(Box::new(outcome))) }
}

fn answer_to(facts: Facts, source: Source) -> Outcome {
    Outcome {
        facts,
        permit: permit(),
        commitments: Commitments::default(),
        intent: Some(8),
        source,
        verdict: Verdict::Confirmed,
        as_of: Some(Timestamp::from_seconds(TEN + 100)),
        disclosed: Vec::new(),
        masked: Vec::new(),
        dropped: 0,
        unavailable: None,
        subjects_checked: vec![0, 1],
    }
}

fn denied(second: u64) -> Record {
    let (commitments, openings) = commit(0x34, &ASKED);
    let facts = Facts { item: "W9".into(), ..facts(3, second, 2) };
    let code = "PURPOSE_NOT_GRANTED".to_owned();
    let kind = Kind::Denial(Box::new(Denied { facts, code, commitments }));
    Record { openings, ..plain(second, kind) }
}

fn nobody_asked(second: u64) -> Record {
    let outcome = Outcome {
        intent: None,
        verdict: Verdict::Unavailable,
        as_of: None,
        unavailable: Some(Unavailable::NoAdapter),
        subjects_checked: Vec::new(),
        ..answer_to(facts(4, second, 2), Source::Agency)
    };
    plain(second, Kind::Outcome(Box::new(outcome)))
}

/// Name, 名称, 统一社会信用代码, seed of the signing key.
const PARTIES: [(&str, &str, &str, u8); 2] = [
    ("fund-centre", "住房公积金中心", "12430000000000027P", 0x41),
    ("civil-affairs", "民政厅", "11430000000000051B", 0x42),
];

fn entered(party: usize) -> Kind {
    let (id, name_zh, uscc, seed) = PARTIES[party];
    let (_, public) = key(&[seed; 32]);
    let public = BASE64_URL_SAFE_NO_PAD.encode(&public.bytes);
    let authority = authority(seed);
    let document = format!(
        "id = \"{id}\"\nname = \"{id}\"\nname_zh = \"{name_zh}\"\nuscc = \"{uscc}\"\n\
         authorities = ['''\n{authority}''']\n\n[systems.approval]\nrights = [\"query\"]\n\n\
         [[keys]]\nkid = \"{id}-1\"\nalg = \"EdDSA\"\npublic = \"{public}\"\n\
         valid_from = \"2018-01-01T00:00:00Z\"\nvalid_to = \"2038-01-01T00:00:00Z\"\n"
    );
    Kind::Party(PartyEvent::Entered {
        organisation: id.to_owned(),
        document: document.into_bytes(),
    })
}

/// A certificate of an authority, of a fixed key: the same bytes every time.
fn authority(seed: u8) -> String {
    // PKCS#8 of an Ed25519 key is this, then its seed.
    let head = [
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    let der = [&head[..], &[seed ^ 0xff; 32]].concat();
    let key = KeyPair::try_from(der.as_slice()).unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.self_signed(&key).unwrap().pem()
}

fn signed() -> Vec<u8> {
    let terms = Terms::parse("golden".as_ref(), DRAFT).unwrap();
    let keys = PARTIES.map(|(id, _, _, seed)| (format!("{id}-1"), key(&[seed; 32]).0));
    let signers = keys.each_ref().map(|(kid, key)| Signer { kid, key });
    document::sign(&terms.payload().unwrap(), &signers).unwrap()
}

/// A signed order of civil affairs.
fn order(second: u64, id: &str, act: &Act) -> Vec<u8> {
    let (by, _, _, seed) = PARTIES[1];
    let at = Timestamp::from_seconds(TEN + second);
    let order = Order::new(id, &by.into(), at, "an incident", act);
    let key = key(&[seed; 32]).0;
    order::sign(&order, Signer { kid: &format!("{by}-1"), key: &key }).unwrap()
}

/// All questions to civil affairs.
fn scope() -> Scope {
    Scope { provider: PARTIES[1].0.into(), fact: None, caller: None }
}

fn freeze(second: u64, change: FreezeChange, act: &Act) -> Record {
    let document = order(second, &format!("order-{second}"), act);
    plain(second, Kind::Freeze(FreezeEvent { change, name: scope().name(), document }))
}

fn vault_day(change: KeyChange) -> Kind {
    let (purpose, name) = (KeyPurpose::VaultDay, "2026-11-23.1".to_owned());
    Kind::Key(KeyEvent { purpose, change, name, document: Vec::new() })
}

fn log_key() -> Kind {
    let (name, document) = announcement();
    Kind::Key(KeyEvent { purpose: KeyPurpose::Log, change: KeyChange::Begun, name, document })
}

fn erasure(erased: Erased) -> Kind {
    Kind::Erasure(Erasure { erased, ground: "PIPL-47".into() })
}
