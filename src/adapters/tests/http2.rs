//! An agency that speaks HTTP/2: one connection for many questions, and every way in which that can go wrong.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::{join, join_all};
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Barrier, Notify};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::agency::*;
use super::http::{manifest_at, row};

/// What the agency does with one question.
#[derive(Clone)]
enum Does {
    Answers,
    /// Once that many are under way.
    AnswersTogether(Arc<Barrier>),
    /// And then takes no more on this connection.
    AnswersLast,
    /// Until its caller gives up.
    Hangs,
    Refuses,
    /// More than `max_body`, in two pieces.
    Floods,
}

/// What it was asked, and over which connections.
#[derive(Default)]
struct Seen {
    asked: AtomicUsize,
    given_up: Notify,
    connections: Mutex<BTreeSet<usize>>,
}

struct Agency {
    port: u16,
    seen: Arc<Seen>,
    _tasks: JoinSet<()>,
}

type Script = dyn Fn(usize, usize) -> Does + Send + Sync;

impl Agency {
    /// The script is told which question it is, and over which connection it came, both from 0.
    async fn open(
        office: &Office,
        script: impl Fn(usize, usize) -> Does + Send + Sync + 'static,
    ) -> Self {
        let (seen, script): (Arc<Seen>, Arc<Script>) = (Arc::default(), Arc::new(script));
        let heard = Arc::clone(&seen);
        let serve = move |stream, connection| {
            let (seen, script) = (Arc::clone(&heard), Arc::clone(&script));
            async move {
                let _ended = answer(stream, connection, &seen, &script).await;
            }
        };
        let (port, tasks) = listen(office.server("localhost", &[b"h2"]), serve).await;
        Self { port, seen, _tasks: tasks }
    }

    /// How many connections questions came over.
    fn connections(&self) -> usize {
        self.seen.connections.lock().unwrap().len()
    }
}

async fn listen<F, C>(tls: Arc<ServerConfig>, serve: F) -> (u16, JoinSet<()>)
where
    F: Fn(TlsStream<TcpStream>, usize) -> C + Clone + Send + 'static,
    C: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (acceptor, mut tasks) = (TlsAcceptor::from(tls), JoinSet::new());
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        for connection in 0.. {
            let Ok((stream, _)) = listener.accept().await else { return };
            let (acceptor, serve) = (acceptor.clone(), serve.clone());
            connections.spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                serve(stream, connection).await;
            });
        }
    });
    (port, tasks)
}

async fn answer(
    stream: TlsStream<TcpStream>,
    connection: usize,
    seen: &Arc<Seen>,
    script: &Arc<Script>,
) -> Result<(), h2::Error> {
    let mut accepted = h2::server::handshake(stream).await?;
    let mut under_way = JoinSet::new();
    while let Some(question) = accepted.accept().await {
        let (request, respond) = question?;
        assert_eq!(request.headers().get("host"), None);
        let number = seen.asked.fetch_add(1, Ordering::SeqCst);
        seen.connections.lock().unwrap().insert(connection);
        let does = script(number, connection);
        let is_last = matches!(does, Does::AnswersLast);
        let seen = Arc::clone(seen);
        under_way.spawn(async move {
            let _given_up = act(request.into_body(), respond, does, &seen).await;
        });
        if is_last {
            accepted.graceful_shutdown();
        }
    }
    Ok(())
}

async fn act(
    mut body: RecvStream,
    mut respond: SendResponse<Bytes>,
    does: Does,
    seen: &Seen,
) -> Result<(), h2::Error> {
    while let Some(chunk) = body.data().await {
        body.flow_control().release_capacity(chunk?.len())?;
    }
    let head = || http::Response::builder().header("content-type", "application/json");
    match does {
        Does::Hangs => {
            poll_fn(|cx| respond.poll_reset(cx)).await?;
            seen.given_up.notify_one();
        }
        Does::Refuses => respond.send_reset(Reason::REFUSED_STREAM),
        Does::Floods => {
            let mut sending = respond.send_response(head().body(()).unwrap(), false)?;
            sending.send_data(Bytes::from(vec![b' '; 60_000]), false)?;
            sending.send_data(Bytes::from(vec![b' '; 60_000]), false)?;
            poll_fn(|cx| sending.poll_reset(cx)).await?;
            seen.given_up.notify_one();
        }
        Does::Answers | Does::AnswersLast | Does::AnswersTogether(_) => {
            if let Does::AnswersTogether(barrier) = &does {
                barrier.wait().await;
            }
            let mut sending = respond.send_response(head().body(()).unwrap(), false)?;
            sending.send_data(record(), true)?;
        }
    }
    Ok(())
}

fn record() -> Bytes {
    match super::http::reply(&row("1", HE, "20180131")) {
        super::agency::Does::Says(_, _, body) => body.into(),
        _ => Bytes::new(),
    }
}

/// Patient enough for a busy machine, and as many questions at once as there are.
fn manifest(port: u16) -> String {
    let text = manifest_at(port, "localhost").replace("\"400ms\"", "\"5s\"");
    text.replace("retries = 1", "retries = 1\nmax_in_flight = 200")
}

const MARRIED: &str = "married=true registered_on=2018-01-31";

async fn answered(adapter: &crate::adapters::Adapter) -> String {
    let answer = ask(adapter, &couple()).await;
    answer.map_or_else(|failure| failure.detail, |answer| told(&answer))
}

#[tokio::test]
async fn many_questions_share_few_connections() {
    let office = Office::new();
    let together = Arc::new(Barrier::new(100));
    let agency = Agency::open(&office, move |number, _| match number {
        0 => Does::Answers,
        _ => Does::AnswersTogether(Arc::clone(&together)),
    })
    .await;
    let adapter = office.adapter(&manifest(agency.port));
    assert_eq!(answered(&adapter).await, MARRIED);
    let all = join_all((0..100).map(|_| answered(&adapter))).await;
    assert!(all.iter().all(|answer| answer == MARRIED), "{all:?}");
    // Over HTTP/1.1 it would be one for each. More than two where several were opened before the first was.
    let connections = agency.connections();
    assert!((2..50).contains(&connections), "{connections}");
}

#[tokio::test]
async fn one_that_hangs_does_not_stop_the_others_and_ends_alone() {
    let office = Office::new();
    let agency = Agency::open(&office, |number, _| match number {
        1 => Does::Hangs,
        _ => Does::Answers,
    })
    .await;
    let text =
        manifest(agency.port).replace("retries = 1", "retries = 0\nattempt_timeout = \"2s\"");
    let adapter = office.adapter(&text);
    assert_eq!(answered(&adapter).await, MARRIED);
    let hung = async {
        let (reason, detail) = failure(&adapter, &couple()).await;
        assert_eq!(reason, "timeout", "{detail}");
    };
    let others = async {
        while agency.seen.asked.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        for _ in 0..20 {
            assert_eq!(answered(&adapter).await, MARRIED);
        }
    };
    join(hung, others).await;
    agency.seen.given_up.notified().await;
    assert_eq!(answered(&adapter).await, MARRIED);
    // Its end was no reason to leave a connection on which others were answered meanwhile.
    assert_eq!(agency.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_has_gone_silent_is_left() {
    let office = Office::new();
    let agency = Agency::open(&office, |number, connection| match (number, connection) {
        (0, _) => Does::Answers,
        (_, 0) => Does::Hangs,
        _ => Does::Answers,
    })
    .await;
    let text = manifest(agency.port).replace("\"5s\"", "\"1s\"");
    let adapter = office.adapter(&text);
    assert_eq!(answered(&adapter).await, MARRIED);
    // The first attempt goes where the question before it went, its repetition elsewhere.
    assert_eq!(answered(&adapter).await, MARRIED);
    assert_eq!((agency.connections(), agency.seen.asked.load(Ordering::SeqCst)), (2, 3));
    assert_eq!(answered(&adapter).await, MARRIED);
    assert_eq!(agency.connections(), 2);
}

#[tokio::test]
async fn an_agency_that_takes_no_more_on_a_connection_is_asked_on_another() {
    let office = Office::new();
    let agency = Agency::open(&office, |number, _| match number {
        2 => Does::AnswersLast,
        _ => Does::Answers,
    })
    .await;
    let text = manifest(agency.port).replace("retries = 1", "retries = 0");
    let adapter = office.adapter(&text);
    // The one in whose middle it says so is answered like all others, and none needs a repetition.
    for number in 0..6 {
        assert_eq!(answered(&adapter).await, MARRIED, "{number}");
    }
    assert_eq!(agency.connections(), 2);
}

#[tokio::test]
async fn what_was_not_taken_is_repeated_by_the_limits_and_nowhere_else() {
    let office = Office::new();
    let agency = Agency::open(&office, |number, _| match number {
        0 | 2 => Does::Refuses,
        _ => Does::Answers,
    })
    .await;
    let text = manifest(agency.port);
    assert_eq!(answered(&office.adapter(&text)).await, MARRIED);
    assert_eq!(agency.seen.asked.load(Ordering::SeqCst), 2);
    let impatient = office.adapter(&text.replace("retries = 1", "retries = 0"));
    let (reason, detail) = failure(&impatient, &couple()).await;
    assert_eq!(reason, "unreachable");
    assert!(detail.contains("HTTP/2: refused stream"), "{detail}");
    assert_eq!(agency.seen.asked.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_reply_too_long_ends_alone() {
    let office = Office::new();
    let agency = Agency::open(&office, |number, _| match number {
        1 => Does::Floods,
        _ => Does::Answers,
    })
    .await;
    let adapter = office.adapter(&manifest(agency.port));
    assert_eq!(answered(&adapter).await, MARRIED);
    let (reason, detail) = failure(&adapter, &couple()).await;
    assert_eq!(reason, "contract_error");
    assert!(detail.contains("longer than `max_body` (100000 bytes)"), "{detail}");
    agency.seen.given_up.notified().await;
    assert_eq!(answered(&adapter).await, MARRIED);
    assert_eq!(agency.connections(), 1);
}

#[tokio::test]
async fn an_agency_that_offers_it_and_does_not_speak_it_is_told_of() {
    let office = Office::new();
    let serve = |mut stream: TlsStream<TcpStream>, _| async move {
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let mut head = [0; 4096];
        let _read = stream.read(&mut head).await;
        let body = String::from_utf8(record().to_vec()).unwrap();
        let status = if is_http2 { "400 Bad Request" } else { "200 OK" };
        let reply = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        let _written = stream.write_all(reply.as_bytes()).await;
        let _shut = stream.shutdown().await;
        let _rest = stream.read_to_end(&mut Vec::new()).await;
    };
    let (port, _tasks) = listen(office.server("localhost", &[b"h2", b"http/1.1"]), serve).await;
    let (reason, detail) = failure(&office.adapter(&manifest(port)), &couple()).await;
    assert_eq!(reason, "unreachable");
    assert!(detail.contains("`http = \"1.1\"` in the manifest"), "{detail}");
    let plain = manifest(port).replace("max_body", "http = \"1.1\"\nmax_body");
    assert_eq!(answered(&office.adapter(&plain)).await, MARRIED);
}

#[tokio::test]
async fn what_an_agency_says_as_it_ends_a_connection_is_not_told() {
    let office = Office::new();
    let serve = |mut stream: TlsStream<TcpStream>, _| async move {
        let debug = format!("no {HE}");
        let length = u8::try_from(8 + debug.len()).unwrap();
        // SETTINGS without any, then GOAWAY: no stream was taken, ENHANCE_YOUR_CALM.
        let mut frames = vec![0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, length, 7, 0, 0, 0, 0, 0];
        frames.extend([0, 0, 0, 0, 0, 0, 0, 11]);
        frames.extend(debug.as_bytes());
        let _read = stream.read(&mut [0; 4096]).await;
        let _written = stream.write_all(&frames).await;
        let _rest = stream.read_to_end(&mut Vec::new()).await;
    };
    let (port, _tasks) = listen(office.server("localhost", &[b"h2"]), serve).await;
    // `failure` looks for personal data in what is told.
    let (reason, detail) = failure(&office.adapter(&manifest(port)), &couple()).await;
    assert_eq!(reason, "unreachable");
    assert!(detail.contains("HTTP/2: "), "{detail}");
}
