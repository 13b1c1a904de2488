//! One connection of PostgreSQL's wire: TLS is asked for in clear and given, then pgwire takes message by message.
//!
//! pgwire could end TLS itself, but the same switch brings in its certificate parser and with it a second crypto library.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt as _;
use pgwire::api::{ClientInfo, DefaultClient, PgWireConnectionState, PgWireServerHandlers};
use pgwire::error::{ErrorInfo, PgWireError};
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use pgwire::tokio::server::{PgWireMessageServerCodec, process_error, process_message};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::codec::Framed;

/// A client that has not logged in by then is dropped.
const LOGIN_LIMIT: Duration = Duration::from_secs(10);
/// Code in place of a protocol version: the client asks for TLS.
const SSL_REQUEST: u32 = 80_877_103;
/// The same for Kerberos encryption, which some clients ask for first.
const GSS_REQUEST: u32 = 80_877_104;
/// Bytes of either request: length and code.
const REQUEST_BYTES: u32 = 8;
/// PostgreSQL's own bound on a start-up packet, in bytes.
const MOST_STARTUP_BYTES: u32 = 10_000;

/// Serves one client until it hangs up, breaks the protocol or is refused. Who does not ask for TLS is told so and dropped.
///
/// # Errors
/// Whatever ends the connection early; `TimedOut` when the client does not log in within ten seconds.
pub(crate) async fn serve_connection(
    stream: TcpStream,
    acceptor: &TlsAcceptor,
    handlers: &impl PgWireServerHandlers,
) -> io::Result<()> {
    let deadline = Instant::now() + LOGIN_LIMIT;
    match timeout_at(deadline, secure(stream, acceptor)).await?? {
        Some(stream) => converse(stream, deadline, handlers).await,
        None => Ok(()),
    }
}

/// The stream under TLS; `None` when the client wanted none. Reads not a byte beyond the request, so nothing that was sent
/// in clear is later taken for something said under TLS.
async fn secure(
    mut stream: TcpStream,
    acceptor: &TlsAcceptor,
) -> io::Result<Option<TlsStream<TcpStream>>> {
    let mut request = (stream.read_u32().await?, stream.read_u32().await?);
    if request == (REQUEST_BYTES, GSS_REQUEST) {
        stream.write_all(b"N").await?;
        request = (stream.read_u32().await?, stream.read_u32().await?);
    }
    if request == (REQUEST_BYTES, SSL_REQUEST) {
        stream.write_all(b"S").await?;
        return acceptor.accept(stream).await.map(Some);
    }
    let rest = request.0.min(MOST_STARTUP_BYTES).saturating_sub(REQUEST_BYTES);
    refuse(stream, rest.into()).await?;
    Ok(None)
}

/// Says that TLS is required. What the client has sent is read first: closing on unread bytes would take the answer back.
async fn refuse(mut stream: TcpStream, rest: u64) -> io::Result<()> {
    tokio::io::copy(&mut (&mut stream).take(rest), &mut tokio::io::sink()).await?;
    let (severity, code) = ("FATAL".to_owned(), "28000".to_owned());
    let refusal = ErrorInfo::new(severity, code, "connection requires TLS".to_owned());
    let mut answer = BytesMut::new();
    PgWireBackendMessage::ErrorResponse(refusal.into()).encode(&mut answer)?;
    stream.write_all(&answer).await?;
    stream.shutdown().await
}

/// Login, then questions and answers. No COPY: no statement of ours starts one.
async fn converse(
    stream: TlsStream<TcpStream>,
    deadline: Instant,
    handlers: &impl PgWireServerHandlers,
) -> io::Result<()> {
    let startup = handlers.startup_handler();
    let (simple, extended) = (handlers.simple_query_handler(), handlers.extended_query_handler());
    let (copy, cancel) = (handlers.copy_handler(), handlers.cancel_handler());
    let client = DefaultClient::new(stream.get_ref().0.peer_addr()?, true);
    let mut socket = Framed::new(stream, PgWireMessageServerCodec::new(client));
    socket.set_state(PgWireConnectionState::AwaitingStartup);
    loop {
        let is_logging_in = matches!(
            socket.state(),
            PgWireConnectionState::AwaitingStartup
                | PgWireConnectionState::AuthenticationInProgress
        );
        let message = if is_logging_in {
            timeout_at(deadline, socket.next()).await?
        } else {
            socket.next().await
        };
        let Some(message) = message.transpose()? else { return Ok(()) };
        let is_last = matches!(message, PgWireFrontendMessage::CancelRequest(_));
        if matches!(message, PgWireFrontendMessage::Terminate(_)) {
            return Ok(());
        }
        let waits_for_sync = message.is_extended_query();
        let done = process_message(
            message,
            &mut socket,
            startup.clone(),
            simple.clone(),
            extended.clone(),
            copy.clone(),
            cancel.clone(),
        );
        let failure: Option<PgWireError> = done.await.err();
        let is_fatal = failure.as_ref().is_some_and(PgWireError::is_fatal);
        if let Some(failure) = failure {
            process_error(&mut socket, failure, waits_for_sync).await?;
        }
        if is_fatal || is_last {
            return Ok(());
        }
    }
}
