//! Housing (住建 and 自然资源): a provincial gateway that takes forms, signed with MD5 over a secret that lives 15 minutes,
//! and answers JSON whose `datas` is, for some services, JSON in a string. Behind it are 14 city systems; a family's homes
//! are complete only when all of them answered.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Form, Json, Router};
use md5::{Digest as _, Md5};
use serde_json::{Map, Value, json};

use super::agency::Agency;
use super::numbers;
use super::platform::TIME_WINDOW;
use super::province::{
    Home, HomeFlag, HomeKind, HomeState, NONE, PermitKind, Person, Province, names,
};
use super::secrets::same;
use super::tokens::Tokens;
use crate::crypto::hex;

/// The application that the provincial gateway knows.
const APP_KEY: &str = "fund-centre";
/// How long a request secret lives.
const SECRET_LIFE: Duration = Duration::from_secs(15 * 60);
/// Most members of one family query.
const MOST_MEMBERS: usize = 9;

type FormFields = HashMap<String, String>;
/// The `datas` of a reply, or the gateway's code and text.
type Reply = Result<Value, (&'static str, &'static str)>;
type Answer = fn(&Agency, &FormFields) -> Reply;

/// Path, what answers, and whether `datas` is JSON in a string.
const SERVICES: [(&str, Answer, bool); 7] = [
    ("contract", contract, false),
    ("title", title, true),
    ("family", family, true),
    ("encumbrance", encumbrance, false),
    ("presale", presale, false),
    ("permit", permit, false),
    ("lease", lease, true),
];

#[derive(Clone)]
struct Housing {
    agency: Agency,
    secrets: Tokens,
}

pub(super) fn routes(agency: Agency) -> Router {
    let secrets = Tokens::new(SECRET_LIFE, agency.clock.clone());
    let housing = Housing { agency: agency.clone(), secrets };
    let questions = Router::new().route("/api/{service}", post(call)).with_state(housing.clone());
    let logins =
        Router::new().route("/app/refreshRequestSecret", post(refresh)).with_state(housing);
    agency.wrap(questions).merge(agency.wrap_login(logins))
}

/// md5(lower(appKey) + lower(secret) + requestTime), lower-case hexadecimal.
pub(super) fn sign(app_key: &str, secret: &str, time: &str) -> String {
    let text = format!("{}{}{time}", app_key.to_lowercase(), secret.to_lowercase());
    hex(&Md5::digest(text.as_bytes()))
}

fn field<'a>(form: &'a FormFields, name: &str) -> &'a str {
    form.get(name).map_or("", String::as_str)
}

/// Application and time; the signature is the caller's business.
fn check_form(housing: &Housing, form: &FormFields) -> Result<(), (&'static str, &'static str)> {
    if field(form, "appKey") != APP_KEY {
        return Err(("02", "appKey不存在"));
    }
    let time = field(form, "requestTime").parse().map_err(|_| ("01", "参数错误"))?;
    let near = housing.agency.clock.is_near(time, TIME_WINDOW);
    if near { Ok(()) } else { Err(("05", "请求时间戳超出范围")) }
}

fn wrap(reply: Reply, in_string: bool) -> Json<Value> {
    Json(match reply {
        Ok(datas) => {
            let count = datas.as_array().map_or(usize::from(!datas.is_null()), Vec::len);
            let datas = if in_string { Value::String(datas.to_string()) } else { datas };
            json!({ "code": "00", "msg": "成功", "datas": datas, "dataCount": count })
        }
        Err((code, text)) => json!({ "code": code, "msg": text, "datas": "", "dataCount": 0 }),
    })
}

async fn refresh(State(housing): State<Housing>, Form(form): Form<FormFields>) -> Json<Value> {
    let reply = check_form(&housing, &form).and_then(|()| {
        let secret = housing.agency.secrets.get("housing-app-secret");
        let expected = sign(APP_KEY, secret, field(&form, "requestTime"));
        if !same(&expected, field(&form, "sign")) {
            return Err(("03", "签名错误"));
        }
        let (secret, ends) = housing.secrets.issue().ok_or(("99", "系统异常"))?;
        Ok(json!({ "requestSecret": secret, "requestSecretEndTime": ends }))
    });
    wrap(reply, false)
}

async fn call(
    State(housing): State<Housing>,
    Path(service): Path<String>,
    Form(form): Form<FormFields>,
) -> Json<Value> {
    let known = SERVICES.iter().find(|&&(path, ..)| path == service);
    let reply = check_form(&housing, &form).and_then(|()| {
        let given = field(&form, "sign");
        let time = field(&form, "requestTime");
        if !housing.secrets.any(|secret| same(sign(APP_KEY, secret, time), given)) {
            return Err(("03", "签名错误"));
        }
        // Purpose binding: which power, which case, who operates.
        let additional: Value = serde_json::from_str(field(&form, "additional"))
            .map_err(|_| ("04", "additional不是JSON"))?;
        let named = |name| {
            additional.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
        };
        if !["powerMatters", "projectId", "accesscardId"].into_iter().all(named) {
            return Err(("04", "additional不完整"));
        }
        let (_, ask, _) = known.ok_or(("06", "接口不存在"))?;
        ask(&housing.agency, &form)
    });
    wrap(reply, known.is_some_and(|&(.., in_string)| in_string))
}

/// One record, as many fields of it as the agency still sends.
fn record(agency: &Agency, fields: Vec<(&'static str, Value)>) -> Value {
    let fields = agency.faults.thin(fields).into_iter();
    Value::Object(fields.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

fn yuan(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

fn flag(value: bool) -> Value {
    json!(if value { "1" } else { "0" })
}

fn number_of(province: &Province, person: u32) -> String {
    province.person(person).map_or_else(String::new, Person::number)
}

/// The register types a full stop for the middle dot.
fn name_of(province: &Province, person: u32) -> String {
    names::with_full_stop(&province.name(person))
}

/// The number under which a home's register holds an owner: of old rows the 15-digit one.
fn registered_number(province: &Province, home: &Home, owner: u32) -> String {
    let number = number_of(province, owner);
    let old = numbers::old_form(&number).filter(|_| home.has(HomeFlag::OldNumber));
    old.unwrap_or(number)
}

/// H1: a filed contract, unique with its city.
fn contract(agency: &Agency, form: &FormFields) -> Reply {
    let province = &agency.province;
    let found = province.home_by_contract(field(form, "contractNo"));
    let division = field(form, "division");
    let found = found.filter(|&(index, _)| {
        division.is_empty() || division == province.home_city(index).0.to_string()
    });
    let Some((index, home)) = found else { return Ok(Value::Null) };
    let buyers: Vec<Value> = home
        .owners()
        .map(
            |owner| json!({ "name": name_of(province, owner), "idNo": number_of(province, owner) }),
        )
        .collect();
    let status = if home.state == HomeState::Withdrawn { "9" } else { "1" };
    let permit =
        (home.kind() == HomeKind::New).then(|| province.presale_number(province.project_of(index)));
    Ok(record(
        agency,
        vec![
            ("contractNo", json!(province.contract_number(index))),
            ("contractBuyer", json!(buyers)),
            ("located", json!(province.address(index))),
            ("status", json!(status)),
            ("contractType", json!(if home.kind() == HomeKind::New { "1" } else { "2" })),
            ("filedDate", json!(province.contracted_on(index).iso())),
            ("remark", Value::Null),
            ("totalPrice", json!(yuan(province.price_fen(index)))),
            ("bdcdyh", json!(province.unit_number(index))),
            ("ysxkzbh", json!(permit)),
        ],
    ))
}

/// The home asked about: by unit number, else by title, else by address.
fn asked_home<'a>(province: &'a Province, form: &FormFields) -> Option<(u32, &'a Home)> {
    let found = match (field(form, "bdcdyh"), field(form, "bdcqzh")) {
        ("", "") => None,
        ("", title) => province.home_by_title(title),
        (unit, _) => province.home_by_unit(unit),
    };
    found.filter(|(_, home)| home.title_holders().next().is_some())
}

/// H2: one row per owner, the former owner's row among them. Until the title passes the seller's is the one row.
fn title(agency: &Agency, form: &FormFields) -> Reply {
    let province = &agency.province;
    if field(form, "clientusercid").is_empty() || field(form, "clientusername").is_empty() {
        return Err(("04", "缺少操作人"));
    }
    let Some((index, home)) = asked_home(province, form) else { return Ok(json!([])) };
    let share = if home.title_holders().count() == 1 { "0" } else { "1" };
    let before = super::calendar::Day::of(2009, 9, 9);
    let since = if home.seller().is_some() { before } else { province.titled_on(index) };
    let current = home.title_holders().map(|owner| (owner, "1", since));
    let former = (home.former != NONE && home.seller().is_none()).then_some(home.former);
    let former = former.map(|owner| (owner, "2", before));
    let rows: Vec<Value> = former
        .into_iter()
        .chain(current)
        .map(|(owner, state, on)| {
            record(
                agency,
                vec![
                    ("bdcdyh", json!(province.unit_number(index))),
                    ("qlr", json!(name_of(province, owner))),
                    ("bdcqzh", json!(province.title_number(index))),
                    ("zjh", json!(registered_number(province, home, owner))),
                    ("zl", json!(province.address(index))),
                    ("mj", json!(yuan(province.area_cm2(index) / 100))),
                    ("yt", json!("住宅")),
                    ("gyfs", json!(share)),
                    ("qllx", json!("4")),
                    ("djsj", json!(on.java())),
                    ("fj", json!("无")),
                    ("qszt", json!(state)),
                ],
            )
        })
        .collect();
    Ok(json!(rows))
}

/// H3: homes and contracts of up to nine people. Rows are found by the number exactly as it was registered: who is known by
/// 15 digits is found by `oldIdNo` only.
fn family(agency: &Agency, form: &FormFields) -> Reply {
    let members: Vec<Value> = serde_json::from_str(field(form, "familyMembers"))
        .map_err(|_| ("01", "familyMembers不是JSON数组"))?;
    if members.is_empty() || members.len() > MOST_MEMBERS {
        return Err(("01", "家庭成员应为1至9人"));
    }
    let province = &agency.province;
    let (mut homes, mut contracts) = (Vec::new(), Vec::new());
    for member in &members {
        let text = |name| member.get(name).and_then(Value::as_str).unwrap_or_default();
        let Some((person, _)) = province.find_person(text("idNo")) else { continue };
        for (index, home) in province.homes_of(person) {
            let row =
                json!({ "bdcdyh": province.unit_number(index), "zl": province.address(index) });
            if home.title_holders().any(|holder| holder == person) {
                let number = registered_number(province, home, person);
                if number == text("idNo") || number == text("oldIdNo") {
                    homes.push(row);
                }
            } else if home.state == HomeState::Contracted {
                contracts.push(row);
            }
        }
    }
    // A couple's home belongs to both and is one home.
    for rows in [&mut homes, &mut contracts] {
        rows.sort_by_key(|row| row.get("bdcdyh").map(Value::to_string));
        rows.dedup();
    }
    let answered = 14 - agency.faults.cities_down();
    let checked: Vec<&str> =
        members.iter().filter_map(|member| member.get("idNo")?.as_str()).collect();
    Ok(record(
        agency,
        vec![
            ("members", json!(checked)),
            ("houses", json!(homes)),
            ("cities", json!(14)),
            ("contracts", json!(contracts)),
            ("remark", json!("")),
            ("answered", json!(answered)),
        ],
    ))
}

/// H4.
fn encumbrance(agency: &Agency, form: &FormFields) -> Reply {
    let province = &agency.province;
    let Some((index, home)) = asked_home(province, form) else { return Ok(Value::Null) };
    let mortgaged = home.has(HomeFlag::Mortgaged);
    let bank = if mortgaged { province.mortgagee(index) } else { "—" };
    Ok(record(
        agency,
        vec![
            ("bdcdyh", json!(province.unit_number(index))),
            ("dyzt", flag(mortgaged)),
            ("dyqr", json!(bank)),
            ("cfzt", flag(home.has(HomeFlag::Seized))),
            ("zl", json!(province.address(index))),
            ("yyzt", flag(home.has(HomeFlag::Disputed))),
            ("bz", json!("")),
            ("jzqzt", flag(home.has(HomeFlag::Residence))),
        ],
    ))
}

/// H5.
fn presale(agency: &Agency, form: &FormFields) -> Reply {
    let number = field(form, "YSXKZTYBH");
    let Some((project, valid, on)) = agency.province.presale(number) else {
        return Ok(Value::Null);
    };
    Ok(record(
        agency,
        vec![
            ("YSXKZTYBH", json!(number)),
            ("XMMC", json!(agency.province.project_name(project))),
            ("FZJG", json!("住房和城乡建设局")),
            ("ZT", flag(valid)),
            ("BZ", json!("无")),
            ("FZRQ", json!(on.compact())),
        ],
    ))
}

/// H6.
fn permit(agency: &Agency, form: &FormFields) -> Reply {
    let province = &agency.province;
    let number = field(form, "xkzh");
    let Some(permit) = province.permit(number) else { return Ok(Value::Null) };
    let kind = PermitKind::ALL.iter().find(|(kind, ..)| *kind == permit.kind);
    Ok(record(
        agency,
        vec![
            ("xkzh", json!(number)),
            ("sqr", json!(name_of(province, permit.holder))),
            ("fzjg", json!("自然资源和规划局")),
            ("sqrzjh", json!(number_of(province, permit.holder))),
            ("lb", json!(kind.map_or("", |&(.., code)| code))),
            ("yxzt", flag(permit.valid)),
            ("bz", json!("")),
            ("fzrq", json!(permit.on.iso())),
        ],
    ))
}

/// H7.
fn lease(agency: &Agency, form: &FormFields) -> Reply {
    let province = &agency.province;
    let number = field(form, "babh");
    let Some((index, home)) = province.home_by_lease(number) else { return Ok(Value::Null) };
    let (rent, ends) = province.lease_terms(index);
    Ok(record(
        agency,
        vec![
            ("babh", json!(number)),
            ("czr", json!(name_of(province, home.tenant))),
            ("zl", json!(province.address(index))),
            ("czrzjh", json!(number_of(province, home.tenant))),
            ("zt", json!("1")),
            ("yzj", json!(yuan(rent))),
            ("bz", json!("")),
            ("zzrq", json!(ends.iso())),
        ],
    ))
}
