//! Market regulation (市场监督管理): JSON with a token that ends after half an hour, and lists in pages of five.
//!
//! It registers 91, 92 and 93 only; asked about a public institution it says "no such enterprise", which means nothing.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use serde_json::{Map, Value, json};

use super::agency::Agency;
use super::province::{Employer, EmployerStatus, Person, Province, names};
use super::secrets::same;
use super::tokens::Tokens;

/// The application that the agency knows.
const APP_ID: &str = "fund-centre";
/// How long a token lives.
const TOKEN_LIFE: Duration = Duration::from_secs(30 * 60);
/// Rows of one page.
const PAGE_SIZE: usize = 5;

type Fields = Vec<(&'static str, Value)>;
type Params = HashMap<String, String>;

#[derive(Clone)]
struct Registry {
    agency: Agency,
    tokens: Tokens,
}

pub(super) fn routes(agency: Agency) -> Router {
    let tokens = Tokens::new(TOKEN_LIFE, agency.clock.clone());
    let registry = Registry { agency: agency.clone(), tokens };
    let questions = Router::new()
        .route("/api/enterprise/{service}", get(list))
        .route("/api/representative/verify", post(verify))
        .with_state(registry.clone());
    let logins = Router::new().route("/oauth/token", post(token)).with_state(registry);
    agency.wrap(questions).merge(agency.wrap_login(logins))
}

fn refusal(code: &str, text: &str) -> Json<Value> {
    Json(json!({ "code": code, "msg": text, "data": null }))
}

async fn token(State(registry): State<Registry>, body: String) -> Json<Value> {
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    let text = |name| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let secret = registry.agency.secrets.get("market-regulation-secret");
    if text("appId") != APP_ID || !same(secret, text("appSecret")) {
        return refusal("403", "应用标识或密钥错误");
    }
    match registry.tokens.issue() {
        Some((token, ends)) => Json(json!({
            "code": "200", "msg": "success", "data": { "accessToken": token, "expireTime": ends },
        })),
        None => refusal("500", "系统异常"),
    }
}

fn is_admitted(registry: &Registry, headers: &HeaderMap) -> bool {
    let given = headers.get("x-access-token").and_then(|value| value.to_str().ok());
    given.is_some_and(|given| registry.tokens.any(|token| same(token, given)))
}

/// One enterprise of the register.
fn enterprise<'a>(province: &'a Province, uscc: &str) -> Option<(u32, &'a Employer)> {
    province.find_employer(uscc).filter(|(_, row)| row.prefix.starts_with('9'))
}

async fn list(
    State(registry): State<Registry>,
    Path(service): Path<String>,
    headers: HeaderMap,
    // Of a GET request this reads the query string.
    Form(params): Form<Params>,
) -> Json<Value> {
    if !is_admitted(&registry, &headers) {
        return refusal("401", "token无效或已过期");
    }
    let province = &registry.agency.province;
    let uscc = params.get("uniscid").map_or("", String::as_str);
    let Some((index, row)) = enterprise(province, uscc) else {
        return refusal("404", "未查询到该市场主体");
    };
    let rows = match service.as_str() {
        "base" => vec![base(province, index, row)],
        "state" => vec![state(province, index, row)],
        "changes" => changes(province, index),
        _ => return refusal("400", "接口不存在"),
    };
    let page = params.get("pageNum").and_then(|page| page.parse().ok()).unwrap_or(1_usize);
    let total = rows.len();
    let rows: Vec<Value> = rows
        .into_iter()
        .skip(page.saturating_sub(1).saturating_mul(PAGE_SIZE))
        .take(PAGE_SIZE)
        .map(|row| object(&registry.agency, row))
        .collect();
    Json(json!({
        "code": "200", "msg": "success",
        "data": { "uniscid": uscc, "total": total, "pageNum": page, "pageSize": PAGE_SIZE, "rows": rows },
    }))
}

fn object(agency: &Agency, row: Fields) -> Value {
    let row = agency.faults.thin(row).into_iter();
    Value::Object(row.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

/// E1.
fn base(province: &Province, index: u32, row: &Employer) -> Fields {
    let kind = match row.prefix {
        "92" => "9500",
        "93" => "9600",
        _ => "1130",
    };
    vec![
        ("UNISCID", json!(province.uscc(index))),
        ("ENTNAME", json!(province.employer_name(index))),
        ("REGORG", json!("湖南省市场监督管理局")),
        ("ENTTYPE", json!(kind)),
        ("REGCAP", json!("500.000000")),
        ("ESTDATE", json!(province.established(index).java())),
    ]
}

/// E2.
fn state(province: &Province, index: u32, row: &Employer) -> Fields {
    let state = match row.status {
        EmployerStatus::Active => "1",
        EmployerStatus::Revoked => "2",
        EmployerStatus::Deregistered => "3",
        EmployerStatus::MovedAway => "4",
    };
    vec![
        ("UNISCID", json!(province.uscc(index))),
        ("REGSTATE", json!(state)),
        ("OPTO", json!("—")),
        ("STATEDATE", json!(province.status_since(index).iso())),
    ]
}

/// E4, oldest first.
fn changes(province: &Province, index: u32) -> Vec<Fields> {
    let uscc = province.uscc(index);
    province
        .changes(index)
        .into_iter()
        .map(|change| {
            vec![
                ("UNISCID", json!(uscc)),
                ("ALTITEM", json!(change.item)),
                ("REGORG", json!("湖南省市场监督管理局")),
                ("ALTBE", json!(change.before)),
                ("ALTAF", json!(change.after)),
                ("ALTDATE", json!(change.on.compact())),
            ]
        })
        .collect()
}

/// E3: match codes only.
async fn verify(State(registry): State<Registry>, headers: HeaderMap, body: String) -> Json<Value> {
    if !is_admitted(&registry, &headers) {
        return refusal("401", "token无效或已过期");
    }
    let Ok(body) = serde_json::from_str::<Value>(&body) else {
        return refusal("400", "参数错误");
    };
    let text = |name| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let province = &registry.agency.province;
    let Some((index, _)) = enterprise(province, text("uniscid")) else {
        return refusal("404", "未查询到该市场主体");
    };
    let representative = province.representative(index);
    let number = province.person(representative).map_or_else(String::new, Person::number);
    let name = province.name(representative);
    let same_name =
        [name.clone(), names::with_bullet(&name)].iter().any(|known| known == text("name"));
    let flag = |value| json!(if value { "1" } else { "0" });
    let fields = vec![
        ("UNISCID", json!(province.uscc(index))),
        ("NAMEMATCH", flag(same_name)),
        ("CERNO", json!(text("cerno"))),
        ("CERNOMATCH", flag(number == text("cerno"))),
    ];
    Json(json!({ "code": "200", "msg": "success", "data": object(&registry.agency, fields) }))
}
