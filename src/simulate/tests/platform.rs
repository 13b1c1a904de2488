//! Police and civil affairs: the national platform's signature, time window and daily secret.

use std::collections::HashMap;
use std::time::Duration;

use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Standing;
use crate::simulate::platform::{REQUESTER, sign};
use crate::simulate::{samples, xml};

const MARRIAGES: &str = "s_X01201000200000000_4817";

struct Package<'a> {
    time: String,
    key: &'a str,
    password: &'a str,
    number: String,
    name: String,
    operator: &'a str,
}

impl Package<'_> {
    fn envelope(&self) -> String {
        let service = "s_1200000900000_2109";
        let signature = sign(self.key, service, REQUESTER, &self.time);
        let inner = format!(
            "<PACKAGE><PACKAGEHEAD><FWQQBH>r1</FWQQBH><QQRGMSFHM>{}</QQRGMSFHM><QQRDWDM>hall</QQRDWDM>\
             <QQYWLXDM>W3</QQYWLXDM></PACKAGEHEAD><DATA><RECORD no=\"1\"><GMSFHM>{}</GMSFHM><XM>{}</XM></RECORD></DATA></PACKAGE>",
            self.operator, self.number, self.name
        );
        format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header><tongtechheader>\
             <gjgxjhpt_rid>{REQUESTER}</gjgxjhpt_rid><gjgxjhpt_sid>{service}</gjgxjhpt_sid>\
             <gjgxjhpt_rtime>{}</gjgxjhpt_rtime><gjgxjhpt_sign>{signature}</gjgxjhpt_sign></tongtechheader></s:Header>\
             <s:Body><GK_GXFW_SFHC>{}<in1>fund-centre</in1>{}</GK_GXFW_SFHC></s:Body></s:Envelope>",
            self.time,
            xml::element("in0", &inner),
            xml::element("in2", self.password),
        )
    }
}

/// The inner package of a reply, unescaped; or the fault code.
fn inner(reply: &str) -> String {
    let document = roxmltree::Document::parse(reply).unwrap();
    let fault = xml::text(document.root(), "faultcode");
    if fault.is_empty() { xml::text(document.root(), "out") } else { fault }
}

#[tokio::test]
async fn the_police_check_signature_time_password_and_purpose() {
    let standing = Standing::start().await;
    let province = standing.simulation.province();
    let right = || Package {
        time: standing.now(),
        key: standing.secrets.get("police-app-key"),
        password: standing.secrets.get("police-password"),
        number: province.person(samples::HUSBAND).unwrap().number(),
        name: province.name(samples::HUSBAND),
        operator: "desk-7",
    };
    let ask = async |package: Package<'_>| {
        let path = "/services/GkService";
        inner(&standing.post("police", path, &HashMap::new(), package.envelope()).await.1)
    };
    let reply = ask(right()).await;
    assert!(
        reply.contains("<FHDM>10</FHDM>") && reply.contains("<XM_PPDDM>1</XM_PPDDM>"),
        "{reply}"
    );
    let reply = ask(Package { name: "别人".to_owned(), ..right() }).await;
    assert!(reply.contains("<GMSFHM_PPDDM>1</GMSFHM_PPDDM><XM_PPDDM>0</XM_PPDDM>"), "{reply}");
    let foreigner = province.person(samples::FOREIGNER).unwrap().number();
    let reply = ask(Package { number: foreigner, ..right() }).await;
    assert!(reply.contains("<GMSFHM_PPDDM>0</GMSFHM_PPDDM>"), "{reply}");

    assert_eq!(ask(Package { key: "wrong", ..right() }).await, "soapenv:Server.-5");
    let reply = ask(Package { password: "wrong", ..right() }).await;
    assert!(reply.contains("<FHDM>21</FHDM>"), "{reply}");
    let reply = ask(Package { operator: "", ..right() }).await;
    assert!(reply.contains("<FHDM>31</FHDM>"), "{reply}");
    let package = right();
    standing.simulation.clock().advance(Duration::from_secs(9 * 60));
    assert!(ask(Package { time: package.time.clone(), ..right() }).await.contains("<FHDM>10"));
    standing.simulation.clock().advance(Duration::from_secs(2 * 60));
    assert_eq!(ask(package).await, "soapenv:Server.-19");
    assert_eq!(standing.simulation.asked("police"), 8);
    assert_eq!(standing.simulation.asked("civil-affairs"), 0);
}

fn headers(service: &str, secret: &str, time: &str) -> HashMap<&'static str, String> {
    HashMap::from([
        ("gjgxjhpt_rid", REQUESTER.to_owned()),
        ("gjgxjhpt_sid", service.to_owned()),
        ("gjgxjhpt_rtime", time.to_owned()),
        ("gjgxjhpt_sign", sign(secret, service, REQUESTER, time)),
    ])
}

async fn refresh(standing: &Standing, key: &str) -> Value {
    let headers = headers("s_0000000000000_0001", key, &standing.now());
    let (_, text) =
        standing.post("civil-affairs", "/refreshappsecret", &headers, String::new()).await;
    serde_json::from_str(&text).unwrap()
}

/// The secret of the day, decrypted as a client would.
async fn daily_secret(standing: &Standing) -> String {
    let key = standing.secrets.get("civil-affairs-app-key");
    let reply = refresh(standing, key).await;
    let mut bytes = STANDARD.decode(reply["data"]["secret"].as_str().unwrap()).unwrap();
    let key = UnboundCipherKey::new(&AES_256, key.as_bytes()).unwrap();
    let plain = DecryptingKey::ecb(key).unwrap();
    let plain = plain.decrypt(&mut bytes, DecryptionContext::None).unwrap();
    String::from_utf8(plain[..32].to_vec()).unwrap()
}

async fn marriages(standing: &Standing, person: u32, secret: &str, time: &str) -> Value {
    let province = standing.simulation.province();
    let number = province.person(person).unwrap().number();
    let body = json!({ "name_man": province.name(person), "cert_num_man": number });
    let headers = headers(MARRIAGES, secret, time);
    let path = "/gateway/marriage-person";
    let (_, text) = standing.post("civil-affairs", path, &headers, body.to_string()).await;
    serde_json::from_str(&text).unwrap()
}

/// A moment of the agencies' day that is not near midnight.
fn at_noon(standing: &Standing) {
    let clock = standing.simulation.clock();
    let to_midnight = clock.next_midnight_ms() - clock.now_ms();
    clock.move_to(to_midnight - 12 * 3_600_000);
}

#[tokio::test]
async fn civil_affairs_sign_with_a_secret_of_the_day() {
    let standing = Standing::start().await;
    at_noon(&standing);
    let secret = daily_secret(&standing).await;
    let reply = marriages(&standing, samples::HUSBAND, &secret, &standing.now()).await;
    assert_eq!((&reply["code"], &reply["data"]["result"][0]["op_type"]), (&json!(0), &json!("IA")));

    assert_eq!(refresh(&standing, "wrong").await["code"], -5);
    let code = async |secret: &str, time: &str| {
        marriages(&standing, samples::HUSBAND, secret, time).await["code"].clone()
    };
    assert_eq!(code("wrong", &standing.now()).await, -5);
    let old = (standing.simulation.clock().now_ms() - 11 * 60_000).to_string();
    assert_eq!(code(&secret, &old).await, -19);

    let clock = standing.simulation.clock();
    let to_midnight = clock.next_midnight_ms() - clock.now_ms();
    clock.advance(Duration::from_millis(u64::try_from(to_midnight).unwrap() + 1));
    let key = standing.secrets.get("civil-affairs-app-key");
    assert_eq!(refresh(&standing, key).await["code"], -50, "the platform is rolling its keys");
    clock.advance(Duration::from_secs(20));
    assert_eq!(code(&secret, &standing.now()).await, -41, "yesterday's secret is over");
    assert_ne!(daily_secret(&standing).await, secret);
}

#[tokio::test]
async fn a_reissued_certificate_is_dated_after_the_divorce() {
    let standing = Standing::start().await;
    at_noon(&standing);
    let secret = daily_secret(&standing).await;
    let reply = marriages(&standing, samples::DIVORCED, &secret, &standing.now()).await;
    let rows = reply["data"]["result"].as_array().unwrap();
    let newest = rows.iter().max_by_key(|row| row["op_date"].as_str().unwrap()).unwrap();
    assert_eq!((rows.len(), &newest["op_type"]), (3, &json!("ICA")));
    let reply = marriages(&standing, samples::TENANT, &secret, &standing.now()).await;
    assert_eq!((&reply["code"], &reply["data"]["total"]), (&json!(0), &json!(0)));
}
