//! How PostgreSQL is asked for TLS: before anything else is said.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::connection::Ended;
use super::cut::Cut;

/// The message with which a client asks for TLS: its length, and a number that is no version.
const REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Asks for TLS. Exactly the one byte of the answer is read: what somebody on the way may have put behind it does not
/// become part of the encrypted conversation.
pub(super) async fn ask_for_tls(server: &mut TcpStream) -> Result<(), Ended> {
    server.write_all(&REQUEST).await?;
    match server.read_u8().await? {
        b'S' => Ok(()),
        _ => Err(Ended::Cut(Cut::Plain)),
    }
}
