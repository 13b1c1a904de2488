//! Housing and market regulation: secrets that end, purpose that must be stated, pages that must be turned.

use std::time::Duration;

use serde_json::{Value, json};

use super::Standing;
use crate::simulate::{housing, numbers, samples};

async fn request_secret(standing: &Standing, app_secret: &str) -> Value {
    let time = standing.now();
    let form = [
        ("appKey", "fund-centre".to_owned()),
        ("sign", housing::sign("fund-centre", app_secret, &time)),
        ("requestTime", time),
    ];
    standing.post_form("housing", "/app/refreshRequestSecret", &form).await
}

fn signed(standing: &Standing, secret: &str) -> Vec<(&'static str, String)> {
    let time = standing.now();
    let purpose = json!({ "powerMatters": "W3", "projectId": "GJJ-1", "accesscardId": "desk-7" });
    vec![
        ("appKey", "fund-centre".to_owned()),
        ("sign", housing::sign("fund-centre", secret, &time)),
        ("requestTime", time),
        ("additional", purpose.to_string()),
    ]
}

async fn family(standing: &Standing, secret: &str, people: &[u32], old: bool) -> Value {
    let province = standing.simulation.province();
    let members: Vec<Value> = people
        .iter()
        .map(|&index| {
            let number = province.person(index).unwrap().number();
            let old = numbers::old_form(&number).filter(|_| old).unwrap_or_default();
            json!({ "name": province.name(index), "idNo": number, "oldIdNo": old })
        })
        .collect();
    let mut form = signed(standing, secret);
    form.push(("familyMembers", Value::Array(members).to_string()));
    standing.post_form("housing", "/api/family", &form).await
}

/// `datas` of a family query: JSON in a string.
fn datas(reply: &Value) -> Value {
    serde_json::from_str(reply["datas"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn housing_counts_a_familys_homes_and_tells_who_answered() {
    let standing = Standing::start().await;
    let reply = request_secret(&standing, standing.secrets.get("housing-app-secret")).await;
    let secret = reply["datas"]["requestSecret"].as_str().unwrap().to_owned();
    let couple = [samples::HUSBAND, samples::WIFE, samples::CHILD];
    let found = datas(&family(&standing, &secret, &couple, true).await);
    assert_eq!(found["houses"].as_array().unwrap().len(), 1, "one home of two owners");
    assert_eq!(found["members"].as_array().unwrap().len(), 3);
    let found = datas(&family(&standing, &secret, &[samples::RENAMED], true).await);
    assert_eq!(
        (found["houses"].as_array().unwrap().len(), found["contracts"].as_array().unwrap().len()),
        (0, 1)
    );

    let owner = [samples::DOTTED];
    let by_new_number = datas(&family(&standing, &secret, &owner, false).await);
    let by_both = datas(&family(&standing, &secret, &owner, true).await);
    assert_eq!(by_new_number["houses"], json!([]), "the register knows 15 digits only");
    assert_eq!(by_both["houses"].as_array().unwrap().len(), 1);

    standing.simulation.faults("housing").set_cities_down(3);
    assert_eq!(datas(&family(&standing, &secret, &couple, true).await)["answered"], 11);
    assert_eq!(family(&standing, &secret, &[0; 10], true).await["code"], "01");
}

#[tokio::test]
async fn housing_refuses_wrong_old_and_purposeless_calls() {
    let standing = Standing::start().await;
    assert_eq!(request_secret(&standing, "wrong").await["code"], "03");
    let reply = request_secret(&standing, standing.secrets.get("housing-app-secret")).await;
    let secret = reply["datas"]["requestSecret"].as_str().unwrap().to_owned();
    assert_eq!(family(&standing, "wrong", &[0], true).await["code"], "03");
    let mut form = signed(&standing, &secret);
    form[3].1 = "{}".to_owned();
    assert_eq!(standing.post_form("housing", "/api/lease", &form).await["code"], "04");
    let form = signed(&standing, &secret);
    standing.simulation.clock().advance(Duration::from_secs(11 * 60));
    assert_eq!(standing.post_form("housing", "/api/lease", &form).await["code"], "05");
    standing.simulation.clock().advance(Duration::from_secs(5 * 60));
    assert_eq!(family(&standing, &secret, &[0], true).await["code"], "03", "after 15 minutes");
}

async fn token(standing: &Standing, secret: &str) -> Value {
    let body = json!({ "appId": "fund-centre", "appSecret": secret }).to_string();
    let headers = std::collections::HashMap::new();
    let (_, text) = standing.post("market-regulation", "/oauth/token", &headers, body).await;
    serde_json::from_str(&text).unwrap()
}

async fn changes(standing: &Standing, token: &str, uscc: &str, page: u32) -> Value {
    let path = format!("/api/enterprise/changes?uniscid={uscc}&pageNum={page}");
    let request =
        standing.client("market-regulation").get(standing.url("market-regulation", &path));
    let text = request.header("X-Access-Token", token).send().await.unwrap().text().await.unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn market_regulation_turns_pages_and_ends_tokens() {
    let standing = Standing::start().await;
    assert_eq!(token(&standing, "wrong").await["code"], "403");
    let issued = token(&standing, standing.secrets.get("market-regulation-secret")).await;
    let token = issued["data"]["accessToken"].as_str().unwrap().to_owned();
    let uscc = standing.simulation.province().uscc(samples::ACTIVE_ENTERPRISE);
    let mut rows = 0;
    for page in 1..=3 {
        let reply = changes(&standing, &token, &uscc, page).await;
        assert_eq!(reply["data"]["total"], 12);
        rows += reply["data"]["rows"].as_array().unwrap().len();
    }
    assert_eq!(rows, 12);
    let institution = standing.simulation.province().uscc(samples::INSTITUTION);
    assert_eq!(changes(&standing, &token, &institution, 1).await["code"], "404");
    assert_eq!(changes(&standing, "wrong", &uscc, 1).await["code"], "401");
    standing.simulation.clock().advance(Duration::from_secs(31 * 60));
    assert_eq!(changes(&standing, &token, &uscc, 1).await["code"], "401");
}
