//! Civil affairs (民政): JSON behind the national platform. A secret of the day is had first (AES under the long-lived key);
//! every call is signed with it.
//!
//! Marriage rows come unsorted and include reissued certificates (ICA, ICB) dated later than the act they repeat: whoever
//! takes the newest row for the truth marries the divorced.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::agency::Agency;
use super::calendar::Day;
use super::numbers;
use super::platform::{Refused, Signed, check_form, is_signed};
use super::province::{EmployerStatus, Marriage, MarriageEnd, Province, names};
use crate::crypto::{MacKey, aes_ecb_encrypt, hex};

/// Service id of the secret's renewal.
const REFRESH: &str = "s_0000000000000_0001";

/// Path, service id, and what answers.
const SERVICES: [(&str, &str, Answer); 5] = [
    ("marriage-person", "s_X01201000200000000_4817", marriages),
    ("marriage-couple", "s_X01201000200000000_4818", couple),
    ("cremation", "s_X01201000200000000_4821", cremation),
    ("organisation", "s_X01201000200000000_4825", organisation),
    ("relief", "s_X01201000200000000_4830", relief),
];

type Fields = Vec<(&'static str, String)>;
type Answer = fn(&Province, &Value) -> Vec<Fields>;

/// Service id of the desk that takes disputes about the register.
const DISPUTES: &str = "s_X01201000200000000_4899";

/// After the daily roll at midnight the platform refuses to hand out secrets for this long, milliseconds.
const ROLL_MS: i64 = 2_000;
const DAY_MS: i64 = 86_400_000;

pub(super) fn routes(agency: Agency) -> Router {
    let questions = Router::new()
        .route("/gateway/dispute", post(dispute))
        .route("/gateway/{service}", post(call))
        .with_state(agency.clone());
    let logins = Router::new().route("/refreshappsecret", post(refresh)).with_state(agency.clone());
    agency.wrap(questions).merge(agency.wrap_login(logins))
}

fn signed(headers: &HeaderMap) -> Signed {
    let take = |name| {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    Signed {
        requester: take("gjgxjhpt_rid"),
        service: take("gjgxjhpt_sid"),
        time: take("gjgxjhpt_rtime"),
        signature: take("gjgxjhpt_sign"),
    }
}

/// The secret of one day: nobody has to remember it.
fn secret_of(agency: &Agency, ends_ms: i64) -> String {
    let key = MacKey::new(agency.secrets.get("civil-affairs-app-key").as_bytes());
    let digest = key.mac(&[b"day", &ends_ms.to_be_bytes()]);
    hex(digest.get(..16).unwrap_or_default())
}

async fn refresh(State(agency): State<Agency>, headers: HeaderMap) -> Json<Value> {
    let call = signed(&headers);
    if let Err((code, text)) = check_form(&call, REFRESH, &agency.clock) {
        return refusal((code, text));
    }
    let key = agency.secrets.get("civil-affairs-app-key");
    if !is_signed(&call, key) {
        return refusal((-5, "签名错误"));
    }
    let ends = agency.clock.next_midnight_ms();
    if agency.clock.now_ms() < ends - DAY_MS + ROLL_MS {
        return refusal((-50, "国家平台密钥刷新中，请20秒后重试"));
    }
    match encrypted(key, &secret_of(&agency, ends)) {
        Some(secret) => Json(json!({
            "code": 0, "message": "成功",
            "data": { "secret": secret, "secretEndTime": ends },
        })),
        None => refusal((10000, "网关内部错误")),
    }
}

/// AES-256-ECB with PKCS#7 padding under the key's 32 characters, Base64.
fn encrypted(key: &str, text: &str) -> Option<String> {
    aes_ecb_encrypt(key.as_bytes(), text.as_bytes()).map(|bytes| STANDARD.encode(bytes))
}

fn refusal((code, text): Refused) -> Json<Value> {
    Json(json!({ "code": code, "message": text, "data": null }))
}

async fn call(
    State(agency): State<Agency>,
    Path(service): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Json<Value> {
    match answer(&agency, &service, &signed(&headers), &body) {
        Ok(rows) => {
            let rows: Vec<Value> = rows.into_iter().map(|row| row_of(&agency, row)).collect();
            Json(json!({
                "code": 0, "message": "成功",
                "data": { "total": rows.len(), "time": agency.clock.text(), "result": rows },
            }))
        }
        Err(refused) => refusal(refused),
    }
}

fn row_of(agency: &Agency, row: Fields) -> Value {
    let row = agency.faults.thin(row).into_iter();
    Value::Object(row.map(|(name, text)| (name.to_owned(), Value::String(text))).collect())
}

fn answer(
    agency: &Agency,
    service: &str,
    call: &Signed,
    body: &str,
) -> Result<Vec<Fields>, Refused> {
    let &(_, id, ask) =
        SERVICES.iter().find(|&&(path, ..)| path == service).ok_or((-44, "路径不存在"))?;
    check(agency, id, call)?;
    let body: Value = serde_json::from_str(body).map_err(|_| (1, "参数错误"))?;
    Ok(ask(&agency.province, &body))
}

/// Whether the call is one of this service, under the secret of the day.
fn check(agency: &Agency, service: &str, call: &Signed) -> Result<(), Refused> {
    check_form(call, service, &agency.clock)?;
    let ends = agency.clock.next_midnight_ms();
    if !is_signed(call, &secret_of(agency, ends)) {
        let yesterday = is_signed(call, &secret_of(agency, ends - DAY_MS));
        return Err(if yesterday { (-41, "密钥已过期") } else { (-5, "签名错误") });
    }
    Ok(())
}

/// Takes a dispute, and numbers it. The same again has the same number.
async fn dispute(State(agency): State<Agency>, headers: HeaderMap, body: String) -> Json<Value> {
    match taken(&agency, &signed(&headers), &body) {
        Ok(number) => Json(json!({ "code": 0, "message": "成功", "data": { "number": number } })),
        Err(refused) => refusal(refused),
    }
}

fn taken(agency: &Agency, call: &Signed, body: &str) -> Result<String, Refused> {
    check(agency, DISPUTES, call)?;
    let body: Value = serde_json::from_str(body).map_err(|_| (1, "参数错误"))?;
    let id = field(&body, "dispute").to_owned();
    if id.is_empty() || field(&body, "fact").is_empty() {
        return Err((1, "参数错误"));
    }
    Ok(format!("MZ-JB-{:06}", agency.took(id, body)))
}

fn field<'a>(body: &'a Value, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The register keeps dotted names with U+2022.
fn name_of(province: &Province, person: u32) -> String {
    names::with_bullet(&province.name(person))
}

fn same_name(one: &str, other: &str) -> bool {
    let dots = ['•', '．', '.'];
    one.replace(dots, "·") == other.replace(dots, "·")
}

/// The person of that number and name.
fn named(province: &Province, number: &str, name: &str) -> Option<u32> {
    let (index, _) = province.find_person(number)?;
    same_name(&province.name(index), name).then_some(index)
}

/// M1: every act about one person, in no order.
fn marriages(province: &Province, body: &Value) -> Vec<Fields> {
    let person = named(province, field(body, "cert_num_man"), field(body, "name_man"));
    let Some((index, person)) = person.and_then(|index| Some((index, province.person(index)?)))
    else {
        return Vec::new();
    };
    let mut rows: Vec<Fields> = province
        .marriages_of(person)
        .flat_map(|(row, marriage)| acts(province, row, marriage))
        .collect();
    if index % 2 == 0 {
        rows.reverse();
    }
    rows
}

/// The acts of one marriage: IA, then IB or ID, and a reissue of the marriage certificate whenever it was asked for. Of
/// some marriages before 2000 only the reissue is in the register.
fn acts(province: &Province, row: u32, marriage: &Marriage) -> Vec<Fields> {
    let act = |kind: &str, on: Day, prefix: &str| {
        // Before 2000 people were registered by their 15-digit numbers.
        let number = |person: u32| {
            let number =
                province.person(person).map_or_else(String::new, super::province::Person::number);
            let old = numbers::old_form(&number).filter(|_| on < Day::of(2000, 1, 1));
            old.unwrap_or(number)
        };
        vec![
            ("op_type", kind.to_owned()),
            ("op_date", on.java()),
            ("cert_no", province.certificate(row, prefix, on)),
            ("name_man", name_of(province, marriage.man)),
            ("cert_num_man", number(marriage.man)),
            ("name_woman", name_of(province, marriage.woman)),
            ("cert_num_woman", number(marriage.woman)),
            ("dept_name", format!("{}民政局婚姻登记处", province.city("marriage", row).1)),
        ]
    };
    let lost = marriage.on < Day::of(2000, 1, 1) && !marriage.reissued.is_none();
    let mut rows = Vec::new();
    if !lost || marriage.end != MarriageEnd::None {
        rows.push(act("IA", marriage.on, "J"));
    }
    match marriage.end {
        MarriageEnd::None => {}
        MarriageEnd::Divorced => rows.push(act("IB", marriage.ended, "L")),
        MarriageEnd::Annulled => rows.push(act("ID", marriage.ended, "J")),
    }
    if !marriage.reissued.is_none() {
        rows.push(act("ICA", marriage.reissued, "BJ"));
    }
    rows
}

/// M2: whether these two are married to each other now. Swapped roles give a false mismatch.
fn couple(province: &Province, body: &Value) -> Vec<Fields> {
    let man = named(province, field(body, "cert_num_man"), field(body, "name_man"));
    let woman = named(province, field(body, "cert_num_woman"), field(body, "name_woman"));
    let (Some(man), Some(woman)) = (man, woman) else { return Vec::new() };
    let Some(person) = province.person(man) else { return Vec::new() };
    let together = province
        .marriages_of(person)
        .filter(|(_, marriage)| marriage.man == man && marriage.woman == woman)
        .last();
    let now = together.filter(|(_, marriage)| province.is_married(marriage));
    vec![vec![
        ("cert_num_man", field(body, "cert_num_man").to_owned()),
        ("cert_num_woman", field(body, "cert_num_woman").to_owned()),
        ("status", if now.is_some() { "1" } else { "0" }.to_owned()),
        ("op_date", now.map_or_else(String::new, |(_, marriage)| marriage.on.java())),
    ]]
}

/// M3.
fn cremation(province: &Province, body: &Value) -> Vec<Fields> {
    let row = named(province, field(body, "cardId"), field(body, "name"))
        .and_then(|index| Some((index, province.cremated_on(index)?)));
    row.map_or_else(Vec::new, |(index, on)| {
        vec![vec![
            ("cardId", field(body, "cardId").to_owned()),
            ("hhrq", on.compact()),
            ("name", name_of(province, index)),
        ]]
    })
}

/// M4: social organisations only, USCC 5x.
fn organisation(province: &Province, body: &Value) -> Vec<Fields> {
    let found = province.find_employer(field(body, "usc_code"));
    let Some((index, employer)) = found.filter(|(_, row)| row.prefix.starts_with('5')) else {
        return Vec::new();
    };
    let kind = employer.prefix.get(1..).unwrap_or_default();
    let status = match employer.status {
        EmployerStatus::Active | EmployerStatus::MovedAway => "1",
        EmployerStatus::Revoked => "2",
        EmployerStatus::Deregistered => "3",
    };
    vec![vec![
        ("usc_code", province.uscc(index)),
        ("org_name", province.employer_name(index)),
        ("org_status", status.to_owned()),
        ("org_type", kind.to_owned()),
    ]]
}

/// M5: the allowance of one month; only the current one is known.
fn relief(province: &Province, body: &Value) -> Vec<Fields> {
    let (year, month) = (field(body, "bHAX0114"), field(body, "bHAX0115"));
    let current = province.today().month().period().to_string();
    let row = named(province, field(body, "aHAP0015"), field(body, "aHAP0001"))
        .filter(|_| format!("{year}{month}") == current)
        .and_then(|index| province.relief(index));
    row.map_or_else(Vec::new, |receiving| {
        vec![vec![
            ("aHAP0015", field(body, "aHAP0015").to_owned()),
            ("state", if receiving { "1" } else { "0" }.to_owned()),
            ("month", current),
        ]]
    })
}
