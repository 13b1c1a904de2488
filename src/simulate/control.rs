//! The operator's switchboard: plain HTTP on the loopback, so that a running `heyan simulate` can be made to misbehave.
//!
//! `GET /` lists agencies, addresses and questions asked. `POST /faults/AGENCY` takes words in its body (`outage`, `delay:2s`,
//! …, `off`), separated by `+`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};

use super::agency::Agency;

/// Agencies by name, with their addresses.
pub(super) type Board = BTreeMap<&'static str, (Agency, SocketAddr)>;

pub(super) fn routes(board: Board) -> Router {
    Router::new().route("/", get(list)).route("/faults/{agency}", post(switch)).with_state(board)
}

async fn list(State(board): State<Board>) -> String {
    let mut text = String::new();
    for (name, (agency, address)) in &board {
        let out = if agency.faults.is_out() { "out" } else { "up" };
        let _ = writeln!(text, "{name} {address} {out} {}", agency.asked());
    }
    text
}

async fn switch(
    State(board): State<Board>,
    Path(agency): Path<String>,
    words: String,
) -> (StatusCode, String) {
    let Some((agency, _)) = board.get(agency.as_str()) else {
        return (StatusCode::NOT_FOUND, format!("no agency `{agency}`\n"));
    };
    for word in words.trim().split('+') {
        if let Err(unknown) = agency.faults.apply(word) {
            return (StatusCode::BAD_REQUEST, format!("{unknown}\n"));
        }
    }
    (StatusCode::OK, "done\n".to_owned())
}
