//! The police (公安): SOAP 1.1 with the national platform's header, and XML escaped inside XML.
//!
//! One operation per fact, all with `in0` (the request package), `in1` (user) and `in2` (password). The reply's package says
//! `FHDM` 10 for success; a `RECORD` per record found. The platform in front of it answers with a SOAP fault.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;

use super::agency::Agency;
use super::platform::{Signed, check_form, is_signed};
use super::province::{Province, Trait};
use super::secrets::same;
use super::xml;

/// The account of the fund centre.
const USER: &str = "fund-centre";

/// The operation that reads a household book.
const BOOK: &str = "GK_GXFW_HJXX";

/// Operation, service id of the platform, and what answers it.
const OPERATIONS: [(&str, &str, Answer); 4] = [
    ("GK_GXFW_SFHC", "s_1200000900000_2109", identity),
    ("GK_GXFW_SWBS", "s_1200000900000_2110", death),
    (BOOK, "s_1200000900000_2111", household),
    ("GK_GXFW_HKZT", "s_1200000900000_2112", registration),
];

/// The operation that takes a dispute, and its service id.
const DISPUTES: (&str, &str) = ("GK_GXFW_JHJC", "s_1200000900000_2199");

/// Stands for the members of a book, which are elements of their own.
const MEMBERS: &str = "CY";

type Fields = Vec<(&'static str, String)>;
type Answer = fn(&Province, &Asked) -> Option<Fields>;

/// What one package asks.
struct Asked {
    number: String,
    name: String,
    relative: String,
}

pub(super) fn routes(agency: Agency) -> Router {
    let router = Router::new().route("/services/GkService", post(call)).with_state(agency.clone());
    agency.wrap(router)
}

async fn call(State(agency): State<Agency>, body: String) -> Response {
    match answer(&agency, &body) {
        Ok((operation, package)) => {
            let inner = format!(
                "<ns1:{operation}Response xmlns:ns1=\"http://gk.gxfw\">{}</ns1:{operation}Response>",
                xml::element("out", &package)
            );
            envelope(StatusCode::OK, &inner)
        }
        Err((code, text)) => {
            let fault = format!(
                "<soapenv:Fault><faultcode>soapenv:Server.{code}</faultcode>{}</soapenv:Fault>",
                xml::element("faultstring", text)
            );
            envelope(StatusCode::INTERNAL_SERVER_ERROR, &fault)
        }
    }
}

fn envelope(status: StatusCode, body: &str) -> Response {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope \
         xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    );
    (status, [(header::CONTENT_TYPE, "text/xml; charset=utf-8")], text).into_response()
}

/// The operation asked and the reply's package, or the platform's fault.
fn answer(agency: &Agency, body: &str) -> Result<(&'static str, String), (i64, &'static str)> {
    let document = xml::parse(body).ok_or((1, "报文不是XML"))?;
    let root = document.root();
    let soap_body = xml::find(root, "Body").ok_or((1, "缺少Body"))?;
    let known = OPERATIONS.iter().map(|&(operation, service, ask)| (operation, service, Some(ask)));
    let (operation, service, ask, node) = known
        .chain([(DISPUTES.0, DISPUTES.1, None)])
        .find_map(|(operation, service, ask)| {
            Some((operation, service, ask, xml::find(soap_body, operation)?))
        })
        .ok_or((-44, "服务不存在"))?;
    let call = Signed {
        requester: xml::text(root, "gjgxjhpt_rid"),
        service: xml::text(root, "gjgxjhpt_sid"),
        time: xml::text(root, "gjgxjhpt_rtime"),
        signature: xml::text(root, "gjgxjhpt_sign"),
    };
    check_form(&call, service, &agency.clock)?;
    if !is_signed(&call, agency.secrets.get("police-app-key")) {
        return Err((-5, "签名错误"));
    }
    let user = xml::text(node, "in1");
    let password = xml::text(node, "in2");
    if user != USER || !same(&password, agency.secrets.get("police-password")) {
        return Ok((operation, package("", "21", "用户名或密码错误", "")));
    }
    let request = xml::text(node, "in0");
    let Some(ask) = ask else { return Ok((operation, taken(agency, &request))) };
    if operation == BOOK && is_book_down(agency, &request) {
        return Err((12000, "县级户籍系统无应答"));
    }
    Ok((operation, reply(agency, ask, &request)))
}

/// Takes a dispute, and numbers it. The same again has the same number.
fn taken(agency: &Agency, request: &str) -> String {
    let Some(document) = xml::parse(request) else {
        return package("", "30", "报文格式错误", "");
    };
    let text = |name| xml::text(document.root(), name);
    let (request_number, id) = (text("FWQQBH"), text("SQBH"));
    if id.is_empty() || text("QQRDWDM").is_empty() {
        return package(&request_number, "31", "校核申请编号或单位为空", "");
    }
    let paper = json!({
        "dispute": id,
        "fact": text("FWDM"),
        "number": text("GMSFHM"),
        "ground": text("YY"),
        "text": text("SM"),
        "answer_by": text("HFQX"),
    });
    let number = format!("GA-JH-{:06}", agency.took(id, paper));
    package(
        &request_number,
        "10",
        "调用成功",
        &format!("<RECORD no=\"1\">{}</RECORD>", xml::element("JHBH", &number)),
    )
}

/// Whether the county that keeps the book asked for does not answer.
fn is_book_down(agency: &Agency, request: &str) -> bool {
    let number = xml::parse(request).map(|document| xml::text(document.root(), "GMSFHM"));
    number.is_some_and(|number| agency.faults.is_book_down(&number))
}

/// The reply's package to one request package.
fn reply(agency: &Agency, ask: Answer, request: &str) -> String {
    let Some(document) = xml::parse(request) else {
        return package("", "30", "报文格式错误", "");
    };
    let root = document.root();
    let request_number = xml::text(root, "FWQQBH");
    // Who asks, for whom, for what business: the register refuses a package that does not say.
    let purpose = ["QQRGMSFHM", "QQRDWDM", "QQYWLXDM"];
    if purpose.iter().any(|name| xml::text(root, name).is_empty()) {
        return package(&request_number, "31", "请求人或业务类型为空", "");
    }
    let asked = Asked {
        number: xml::text(root, "GMSFHM"),
        name: xml::text(root, "XM"),
        relative: xml::text(root, "QSGMSFHM"),
    };
    let record = ask(&agency.province, &asked).map_or_else(String::new, |fields| {
        let fields = agency.faults.thin(fields);
        let (members, fields): (Fields, Fields) =
            fields.into_iter().partition(|(name, _)| *name == MEMBERS);
        let members: String = members.into_iter().map(|(_, rows)| rows).collect();
        format!("<RECORD no=\"1\">{}{members}</RECORD>", xml::elements(&fields))
    });
    package(&request_number, "10", "调用成功", &record)
}

/// The register misspells the echo of the request's number (`FFQQBH` for `FWQQBH`), as the real one does.
fn package(request_number: &str, code: &str, text: &str, records: &str) -> String {
    let count = u8::from(!records.is_empty());
    format!(
        "<PACKAGE><PACKAGEHEAD>{}{}{}<JLS>{count}</JLS></PACKAGEHEAD><DATA>{records}</DATA></PACKAGE>",
        xml::element("FFQQBH", request_number),
        xml::element("FHDM", code),
        xml::element("FHMS", text),
    )
}

fn flag(value: bool) -> String {
    if value { "1" } else { "0" }.to_owned()
}

/// The matcher of the police takes every middle dot for the same.
fn same_name(one: &str, other: &str) -> bool {
    let dots = ['•', '‧', '・', '･', '⋅', '∙', '．', '.'];
    one.replace(dots, "·") == other.replace(dots, "·")
}

/// The citizen of that number; the register holds no foreigners.
fn citizen(province: &Province, number: &str) -> Option<u32> {
    let (index, person) = province.find_person(number)?;
    (!person.has(Trait::Foreigner)).then_some(index)
}

/// The citizen of that number and name.
fn named(province: &Province, asked: &Asked) -> Option<u32> {
    citizen(province, &asked.number).filter(|&index| same_name(&province.name(index), &asked.name))
}

fn has(province: &Province, index: u32, wanted: Trait) -> bool {
    province.person(index).is_some_and(|person| person.has(wanted))
}

/// P1: match codes only. A number nobody has gives a record too, with 0 for the number.
fn identity(province: &Province, asked: &Asked) -> Option<Fields> {
    let found = citizen(province, &asked.number);
    let name_matches = found.is_some_and(|index| same_name(&province.name(index), &asked.name));
    let dead = found.is_some_and(|index| has(province, index, Trait::Dead));
    Some(vec![
        ("GMSFHM", asked.number.clone()),
        ("GMSFHM_PPDDM", flag(found.is_some())),
        ("XM_PPDDM", flag(name_matches)),
        ("SWBS", flag(dead)),
    ])
}

/// P2: the death flag, and when the household registration was cancelled for it.
fn death(province: &Province, asked: &Asked) -> Option<Fields> {
    let index = named(province, asked)?;
    let dead = has(province, index, Trait::Dead);
    let cancelled = if dead { province.left_on(index).compact() } else { "19000101".to_owned() };
    Some(vec![("GMSFHM", asked.number.clone()), ("SWBS", flag(dead)), ("ZXRQ", cancelled)])
}

/// P3: the household; kinship shows only within one book.
fn household(province: &Province, asked: &Asked) -> Option<Fields> {
    let index = named(province, asked)?;
    let person = province.person(index)?;
    let members = province.household(person);
    let living = members.clone().filter(|&member| !has(province, member, Trait::Dead)).count();
    let together = match asked.relative.as_str() {
        "" => String::new(),
        number => flag(citizen(province, number).is_some_and(|other| members.contains(&other))),
    };
    Some(vec![
        ("GMSFHM", asked.number.clone()),
        ("HJDXZQH", province.division_of(index).to_string()),
        ("YHZGX", person.relation.code(person.is_man()).to_owned()),
        ("TH", together),
        ("CYM", province.former_name(index).unwrap_or_else(|| "无".to_owned())),
        ("HRS", living.to_string()),
        (MEMBERS, members_of(province, members)),
    ])
}

/// The living members of a book, as markup: how each stands to its head.
fn members_of(province: &Province, members: std::ops::Range<u32>) -> String {
    let row = |index: u32| {
        let person = province.person(index).filter(|person| !person.has(Trait::Dead))?;
        Some(format!(
            "<CY>{}</CY>",
            xml::elements(&[
                ("XM", province.name(index)),
                ("GMSFHM", person.number()),
                ("YHZGX", person.relation.code(person.is_man()).to_owned()),
            ])
        ))
    };
    members.filter_map(row).collect()
}

/// P4: whether the registration is still here, and why not.
fn registration(province: &Province, asked: &Asked) -> Option<Fields> {
    let index = named(province, asked)?;
    let (state, reason) = if has(province, index, Trait::Dead) {
        ("3", "01")
    } else if has(province, index, Trait::Abroad) {
        ("3", "02")
    } else if has(province, index, Trait::Moved) {
        ("2", "")
    } else {
        ("1", "")
    };
    let changed = if state == "1" { String::new() } else { province.left_on(index).iso() };
    Some(vec![
        ("GMSFHM", asked.number.clone()),
        ("HKZT", state.to_owned()),
        ("ZXYY", reason.to_owned()),
        ("BDRQ", changed),
    ])
}
