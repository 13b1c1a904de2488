//! The register of the establishment office (机构编制, 编办): organs of state and public institutions, codes 11 and 12.
//!
//! A seventh agency, apart from the six: the tutorial adds it to a running gateway. Every call is signed with a shared
//! secret over method, path, query, key, time and nonce; a nonce is taken once. What it knows agrees with the six: the
//! same seed gives the same employers, and these are those that market regulation does not register.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Form, State};
use axum::http::HeaderMap;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::agency::Agency;
use super::calendar::Day;
use super::clock::Clock;
use super::faults::Faults;
use super::province::{Employer, EmployerStatus, Province};
use super::secrets::{Secrets, same};
use super::serve_tls::{self, Identity, Tasks};
use super::{SimulateError, control};
use crate::crypto::MacKey;

/// Name of the organisation in the party register.
pub const NAME: &str = "institution-register";
/// Where it listens unless told otherwise.
pub const PORT: u16 = 7507;
/// Where its switchboard listens unless told otherwise.
pub const CONTROL_PORT: u16 = 7508;

/// Its one service.
const PATH: &str = "/openapi/v1/institution";
/// The key of the one application that it knows.
const ACCESS_KEY: &str = "fund-centre";
/// A call's time may be this far from the register's.
const TIME_WINDOW: Duration = Duration::from_secs(300);
/// Nonces remembered: far more than one window sees in a trial.
const NONCES_MOST: usize = 8192;
/// People of the province behind it: of a tenth as many employers, some hundred are institutions.
const PEOPLE: u32 = 4000;
/// A certificate is good for five years from some day of these.
const CERTIFIED_FROM: (u16, u8, u8) = (2023, 6, 1);
const CERTIFIED_FOR: u32 = 5 * 365 + 1;

/// What to simulate, and where.
#[derive(Clone, Debug)]
pub struct RegisterConfig {
    /// The seed of the province that the six agencies answer from.
    pub seed: u64,
    /// Address to listen on; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Loopback address of the switchboard; port 0 lets the system choose.
    pub control: SocketAddr,
    /// Folder with the organisation's `agency.pem` and `agency.key`.
    pub pki: PathBuf,
    /// File of the secret shared with the gateway; made when it is missing.
    pub secret: PathBuf,
}

impl Default for RegisterConfig {
    fn default() -> Self {
        let loopback = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        Self {
            seed: 2018,
            listen: loopback(PORT),
            control: loopback(CONTROL_PORT),
            pki: PathBuf::from("pki").join(NAME),
            secret: PathBuf::from("institution-register-secret"),
        }
    }
}

/// The running register. It stops when told to, or when this is dropped.
pub struct InstitutionRegister {
    agency: Agency,
    address: SocketAddr,
    control: SocketAddr,
    tasks: Tasks,
}

/// Starts the register and its switchboard.
///
/// # Errors
/// When certificate or secret cannot be read, or an address is taken.
pub async fn start(config: RegisterConfig) -> Result<InstitutionRegister, SimulateError> {
    let clock = Clock::default();
    let province = Arc::new(Province::generate(config.seed, PEOPLE, clock.today())?);
    let secrets = Arc::new(Secrets::open_one(NAME, &config.secret)?);
    let agency = Agency::new(province, secrets, clock);
    let identity = Identity {
        certificate: config.pki.join("agency.pem"),
        key: config.pki.join("agency.key"),
        client_authority: None,
    };
    let tls = serve_tls::tls(&identity, &[b"http/1.1"])?;
    let tasks = Tasks::default();
    let (listener, address) = serve_tls::bind(config.listen).await?;
    let (control_listener, control) = serve_tls::bind(config.control).await?;
    serve_tls::serve(&tasks, listener, tls, agency.faults.clone(), routes(agency.clone()));
    let board = BTreeMap::from([(NAME, (agency.clone(), address))]);
    serve_tls::serve_plain(&tasks, control_listener, control::routes(board));
    Ok(InstitutionRegister { agency, address, control, tasks })
}

impl InstitutionRegister {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its switchboard listens.
    pub fn control(&self) -> SocketAddr {
        self.control
    }

    /// Its fault switches.
    pub fn faults(&self) -> &Faults {
        &self.agency.faults
    }

    /// Its clock.
    pub fn clock(&self) -> &Clock {
        &self.agency.clock
    }

    /// How many questions reached it so far.
    pub fn asked(&self) -> u64 {
        self.agency.asked()
    }

    /// Institutions of the register, in the order of their numbers: code, name, and whether they are active.
    pub fn institutions(&self) -> impl Iterator<Item = (String, String, bool)> {
        let province = &self.agency.province;
        (0..province.employer_count()).filter_map(move |index| {
            let row = province.employer(index).filter(|row| is_ours(row))?;
            let active = state(row) == "1";
            Some((province.uscc(index), province.employer_name(index), active))
        })
    }

    /// Stops it and waits until the last connection has ended.
    pub async fn stop(self) {
        self.tasks.stop.cancel();
        self.tasks.tracker.close();
        self.tasks.tracker.wait().await;
    }
}

impl Drop for InstitutionRegister {
    fn drop(&mut self) {
        self.tasks.stop.cancel();
    }
}

#[derive(Clone)]
struct Office {
    agency: Agency,
    /// Nonces taken, the newest last.
    nonces: Arc<Mutex<VecDeque<String>>>,
}

fn routes(agency: Agency) -> Router {
    let office = Office { agency: agency.clone(), nonces: Arc::default() };
    let questions = Router::new().route(PATH, get(institution)).with_state(office);
    agency.wrap(questions)
}

/// The envelope of every reply; the status is always 200.
fn reply(code: &str, text: &str, result: Value) -> Json<Value> {
    Json(json!({ "code": code, "msg": text, "data": result }))
}

async fn institution(
    State(office): State<Office>,
    headers: HeaderMap,
    // Of a GET request this reads the query string.
    Form(params): Form<BTreeMap<String, String>>,
) -> Json<Value> {
    if let Err((code, text)) = office.admit(&params, &headers) {
        return reply(code, text, Value::Null);
    }
    let Some(uscc) = params.get("tyshxydm").filter(|code| code.len() == 18) else {
        return reply("4001", "参数错误：tyshxydm", Value::Null);
    };
    let province = &office.agency.province;
    match province.find_employer(uscc).filter(|(_, row)| is_ours(row)) {
        Some((index, row)) => reply("0000", "成功", office.record(index, row)),
        None => reply("1004", "未查询到登记信息", Value::Null),
    }
}

impl Office {
    /// Key, time, signature and nonce, in this order: a nonce is used up only by who could sign it.
    fn admit(
        &self,
        params: &BTreeMap<String, String>,
        headers: &HeaderMap,
    ) -> Result<(), (&'static str, &'static str)> {
        let header =
            |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (key, time) = (header("x-access-key"), header("x-timestamp"));
        let (nonce, signature) = (header("x-nonce"), header("x-signature"));
        if key != ACCESS_KEY {
            return Err(("4011", "accessKey不存在"));
        }
        let moment: i64 = time.parse().map_err(|_| ("4013", "时间戳无效"))?;
        if !self.agency.clock.is_near(moment, TIME_WINDOW) {
            return Err(("4013", "时间戳超出允许范围"));
        }
        let query: Vec<String> =
            params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let text = ["GET", PATH, &query.join("&"), key, time, nonce].join("\n");
        let expected = sign(self.agency.secrets.get(NAME), &text);
        if nonce.is_empty() || !same(expected, signature) {
            return Err(("4012", "签名错误"));
        }
        let mut taken = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.iter().any(|known| known == nonce) {
            return Err(("4014", "请求重复"));
        }
        taken.push_back(nonce.to_owned());
        if taken.len() > NONCES_MOST {
            taken.pop_front();
        }
        Ok(())
    }

    /// What the register holds, as of last night.
    fn record(&self, index: u32, row: &Employer) -> Value {
        let province = &self.agency.province;
        let is_institution = row.prefix == "12";
        let last_night = Day(self.agency.clock.today().0.saturating_sub(1));
        let until =
            if is_institution { certified_until(province, index).compact() } else { String::new() };
        let fields = vec![
            ("TYSHXYDM", json!(province.uscc(index))),
            ("JGMC", json!(province.employer_name(index))),
            // GB/T 20091: a legal person that is an organ of state, or a public institution.
            ("JGLX", json!(if is_institution { "51" } else { "31" })),
            ("DJZT", json!(state(row))),
            ("ZSYXQZ", json!(until)),
            // GB/T 2260.
            ("XZQHDM", json!("430000")),
            ("GXSJ", json!(format!("{}233000", last_night.compact()))),
        ];
        let fields = self.agency.faults.thin(fields).into_iter();
        Value::Object(fields.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
    }
}

/// Base64(HMAC-SHA256(secret, text)).
fn sign(secret: &str, text: &str) -> String {
    STANDARD.encode(MacKey::new(secret.as_bytes()).mac(&[text.as_bytes()]))
}

/// 机构编制 registers codes that begin with 1.
fn is_ours(row: &Employer) -> bool {
    row.prefix.starts_with('1')
}

/// 1 in being, 2 abolished (撤销), 3 deregistered. Nobody moves away from this register.
fn state(row: &Employer) -> &'static str {
    match row.status {
        EmployerStatus::Active | EmployerStatus::MovedAway => "1",
        EmployerStatus::Revoked => "2",
        EmployerStatus::Deregistered => "3",
    }
}

fn certified_until(province: &Province, index: u32) -> Day {
    let (year, month, day) = CERTIFIED_FROM;
    let from = Day::of(year, month, day).plus(province.dice("certificate", index).below(900));
    from.plus(CERTIFIED_FOR)
}

#[cfg(test)]
mod tests;
