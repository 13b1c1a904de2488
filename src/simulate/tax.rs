//! The tax bureau's own service (税务): XML over HTTPS, basic credential. The gateway does not speak it; the adapter program
//! in `tax_adapter.rs` does.
//!
//! A request is `TAXBIZML` with a head (service `FWDM`, request number, authorisation `SQBH`: tax data about a taxpayer needs
//! one on record) and a body; a reply has `FHM` 0 for success and at most one `JL` (record).

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::Node;

use super::agency::Agency;
use super::province::{Home, HomeState, Person, Province};
use super::secrets::same;
use super::xml;

/// The account of the adapter.
pub(super) const USER: &str = "fund-centre-adapter";

type Fields = Vec<(&'static str, String)>;
type Answer = fn(&Province, Node<'_, '_>) -> Option<Fields>;

/// Service code and what answers it.
const SERVICES: [(&str, Answer); 4] =
    [("A009", deed_tax), ("A021", invoice), ("A035", income), ("A047", standing)];

pub(super) fn routes(agency: Agency) -> Router {
    let router = Router::new().route("/TaxService", post(call)).with_state(agency.clone());
    agency.wrap(router)
}

async fn call(State(agency): State<Agency>, headers: HeaderMap, body: String) -> Response {
    let expected = STANDARD.encode(format!("{USER}:{}", agency.secrets.get("tax-password")));
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Basic ")).unwrap_or_default();
    if !same(&expected, given) {
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic")]).into_response();
    }
    ([(header::CONTENT_TYPE, "application/xml; charset=utf-8")], reply(&agency, &body))
        .into_response()
}

fn reply(agency: &Agency, body: &str) -> String {
    let Some(document) = xml::parse(body) else {
        return package("9001", "报文格式错误", None);
    };
    let root = document.root();
    if xml::text(root, "SQBH").is_empty() {
        return package("9003", "缺少纳税人授权编号", None);
    }
    let service = xml::text(root, "FWDM");
    match SERVICES.iter().find(|(code, _)| *code == service) {
        None => package("9002", "服务代码不存在", None),
        Some((_, ask)) => {
            let record = ask(&agency.province, root);
            package("0", "成功", record.map(|fields| agency.faults.thin(fields)))
        }
    }
}

fn package(code: &str, text: &str, record: Option<Fields>) -> String {
    let count = u8::from(record.is_some());
    let record =
        record.map_or_else(String::new, |fields| format!("<JL>{}</JL>", xml::elements(&fields)));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><TAXBIZML><HEAD>{}{}</HEAD><BODY><JLS>{count}</JLS>{record}</BODY></TAXBIZML>",
        xml::element("FHM", code),
        xml::element("FHXX", text),
    )
}

fn flag(value: bool) -> String {
    if value { "Y" } else { "N" }.to_owned()
}

fn yuan(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

/// Whether the taxpayer of the request is one of the home's owners.
fn is_owner(province: &Province, home: &Home, number: &str) -> bool {
    home.owners().filter_map(|owner| province.person(owner)).any(|person| person.number() == number)
}

/// T1: by the home and the payer's number.
fn deed_tax(province: &Province, request: Node<'_, '_>) -> Option<Fields> {
    let unit = xml::text(request, "BDCDYH");
    let number = xml::text(request, "NSRSBH");
    let (index, home) = match unit.as_str() {
        "" => province.home_by_title(&xml::text(request, "BDCQZH"))?,
        unit => province.home_by_unit(unit)?,
    };
    let paid = province.is_taxed(index);
    Some(vec![
        ("BDCDYH", province.unit_number(index)),
        ("WSZT", flag(paid)),
        ("DZSPHM", format!("3430{index:016}")),
        ("NSRYZ", flag(is_owner(province, home, &number))),
        ("NSRSBH", number),
        ("WSRQ", if paid { province.taxed_on(index).compact() } else { String::new() }),
        ("JSJE", yuan(province.price_fen(index))),
    ])
}

/// T2: an invoice of a new home.
fn invoice(province: &Province, request: Node<'_, '_>) -> Option<Fields> {
    let number = xml::text(request, "FPHM");
    let (index, home) = province.home_by_invoice(&number)?;
    let buyer = xml::text(request, "NSRSBH");
    Some(vec![
        ("FPHM", number),
        ("ZWBZ", flag(home.state != HomeState::Withdrawn)),
        ("GFYZ", flag(is_owner(province, home, &buyer))),
        ("JE", yuan(province.price_fen(index))),
        ("BZ", String::new()),
        ("KPRQ", province.contracted_on(index).compact()),
    ])
}

/// The person of that number and name.
fn person(province: &Province, request: Node<'_, '_>) -> Option<(u32, String)> {
    let number = xml::text(request, "NSRSBH");
    let (index, _): (u32, &Person) = province.find_person(&number)?;
    (province.name(index) == xml::text(request, "NSRMC").replace(['•', '．'], "·"))
        .then_some((index, number))
}

/// T3.
fn income(province: &Province, request: Node<'_, '_>) -> Option<Fields> {
    let (index, number) = person(province, request)?;
    let (income, months) = province.income(index)?;
    Some(vec![
        ("NSRSBH", number),
        ("SRHJ", yuan(income)),
        ("SSQZ", province.settled_month().iso()),
        ("SBYS", months.to_string()),
    ])
}

/// T4.
fn standing(province: &Province, request: Node<'_, '_>) -> Option<Fields> {
    let code = xml::text(request, "NSRSBH");
    let (index, _) = province.find_employer(&code)?;
    let (loss, cleared, arrears) = province.tax_standing(index);
    Some(vec![
        ("NSRSBH", code),
        ("KSBZ", flag(loss)),
        ("SSND", "2025".to_owned()),
        ("QSBZ", flag(cleared)),
        ("BZ", String::new()),
        ("QKBZ", flag(arrears)),
    ])
}
