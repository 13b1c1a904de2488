//! Faults, switched while the agency runs.

use std::time::{Duration, Instant};

use super::Standing;
use crate::simulate::faults::Nonsense;

async fn body(standing: &Standing) -> Result<(u16, String), reqwest::Error> {
    let url = standing.url("market-regulation", "/api/enterprise/base?uniscid=1");
    let reply = standing.client("market-regulation").get(url).send().await?;
    Ok((reply.status().as_u16(), reply.text().await?))
}

#[tokio::test]
async fn every_fault_can_be_switched_on_and_off() {
    let standing = Standing::start().await;
    let faults = standing.simulation.faults("market-regulation");
    let healthy = body(&standing).await.unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&healthy.1).is_ok());

    faults.set_outage(true);
    assert!(body(&standing).await.is_err(), "new connections are dropped");
    faults.set_outage(false);
    faults.set_error_rate(1000);
    assert_eq!(body(&standing).await.unwrap().0, 500);
    faults.set_error_rate(0);
    faults.set_nonsense(Nonsense::Html);
    let (status, text) = body(&standing).await.unwrap();
    assert!(status == 200 && text.starts_with("<html>"));
    faults.set_nonsense(Nonsense::Truncated);
    let (status, text) = body(&standing).await.unwrap();
    assert!(status == 200 && healthy.1.starts_with(&text) && text.len() < healthy.1.len());
    faults.clear();
    faults.set_delay(Duration::from_millis(300), Duration::ZERO);
    let began = Instant::now();
    assert_eq!(body(&standing).await.unwrap(), healthy);
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn an_outage_closes_connections_that_are_open() {
    let standing = Standing::start().await;
    let client = standing.client("housing");
    let url = standing.url("housing", "/api/lease");
    assert_eq!(client.post(&url).body("").send().await.unwrap().status(), 415);
    standing.simulation.faults("housing").set_outage(true);
    match client.post(&url).body("").send().await {
        Ok(reply) => assert_eq!(reply.status(), 503),
        Err(error) => assert!(error.is_connect() || error.is_request()),
    }
    assert!(client.post(&url).body("").send().await.is_err());
}

#[tokio::test]
async fn the_switchboard_takes_words() {
    let standing = Standing::start().await;
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(super::trusting(&standing.pki("police").join("ca.pem")))
        .no_proxy()
        .build()
        .unwrap();
    let board = format!("http://{}", standing.simulation.control());
    let switch = async |agency: &str, words: &'static str| {
        let url = format!("{board}/faults/{agency}");
        client.post(url).body(words).send().await.unwrap().status().as_u16()
    };
    assert_eq!(switch("police", "outage+delay:1s").await, 200);
    assert!(standing.simulation.faults("police").is_out());
    assert_eq!(switch("police", "fire").await, 400);
    assert_eq!(switch("nobody", "outage").await, 404);
    assert_eq!(switch("police", "off").await, 200);
    assert!(!standing.simulation.faults("police").is_out());
    let list = client.get(&board).send().await.unwrap().text().await.unwrap();
    assert_eq!(list.lines().count(), 6);
}
