//! How MySQL and MariaDB come to speak TLS, and the one part of their log-in that depends on it.
//!
//! The server greets first, in clear. The client answers with the beginning of its log-in to ask for TLS, and sends the
//! whole of it once the line is encrypted. The driver believes its line to be plain, so where the server asks for the
//! password itself, as it may over TLS, the answer is given here.

use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use super::connection::Ended;
use super::cut::Cut;

/// The capability to speak TLS.
const SSL: u32 = 0x0800;
/// The capability to do without messages that end definitions.
const NO_ENDS: u32 = 1 << 24;
/// Bytes of a log-in that a request for TLS repeats: capabilities, longest message, character set, nothing.
const REQUEST: usize = 32;
/// Longest message before TLS.
const MAX_MESSAGE: usize = 64 << 10;
/// Bytes before a message: its length, and its number.
const HEAD: usize = 4;
/// A way to log in of old servers that asks for the password before the log-in where the line is plain.
const OLD: &[u8] = b"sha256_password\0";
/// Offered in its place: the server then asks for the old one itself.
const OFFERED: &[u8] = b"mysql_native_password\0";

/// What the driver says once there is TLS.
pub(super) struct Begun {
    /// Its log-in.
    pub(super) login: Vec<u8>,
    /// Both sides are of the kind in which definitions end with a message of their own.
    pub(super) ends_definitions: bool,
}

/// Passes the greeting on and asks for TLS.
pub(super) async fn ask_for_tls(
    server: &mut TcpStream,
    driver: &mut UnixStream,
) -> Result<Begun, Ended> {
    let (number, mut greeting) = read(server).await?;
    if let Some(rest) = greeting.strip_suffix(OLD) {
        greeting = [rest, OFFERED].concat();
    }
    let offered = if greeting.first() == Some(&0xff) { 0 } else { capabilities(&greeting)? };
    let speaks_tls = offered & SSL != 0;
    if greeting.first() != Some(&0xff) && !speaks_tls {
        return Err(Ended::Cut(Cut::Plain));
    }
    driver.write_all(&packet(number, &greeting)).await?;
    if !speaks_tls {
        // An error in place of a greeting, such as too many connections: the driver knows its number.
        return Err(Ended::Gone);
    }
    let (number, mut login) = read(driver).await?;
    let Some(head) = login.first_chunk_mut() else { return Err(Ended::Cut(Cut::Broken)) };
    let wanted = u32::from_le_bytes(*head);
    *head = (wanted | SSL).to_le_bytes();
    let request = login.get(..REQUEST).ok_or(Ended::Cut(Cut::Broken))?;
    server.write_all(&packet(number, request)).await?;
    Ok(Begun {
        login: packet(number.wrapping_add(1), &login),
        ends_definitions: offered & wanted & NO_ENDS == 0,
    })
}

/// What the server can do. It stands behind its version, the connection's number, and half a nonce; the upper half,
/// which old servers have not, behind a character set and a state.
fn capabilities(greeting: &[u8]) -> Result<u32, Ended> {
    let version = greeting.iter().position(|byte| *byte == 0).unwrap_or(greeting.len());
    let at = version + 1 + 4 + 8 + 1;
    match (greeting.first(), greeting.get(at..)) {
        (Some(10), Some(&[a, b, _, _, _, c, d, ..])) => Ok(u32::from_le_bytes([a, b, c, d])),
        (Some(10), Some(&[a, b, ..])) => Ok(u32::from_le_bytes([a, b, 0, 0])),
        _ => Err(Ended::Cut(Cut::Broken)),
    }
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Result<(u8, Vec<u8>), Ended> {
    let mut head = [0; HEAD];
    stream.read_exact(&mut head).await?;
    let [low, middle, high, number] = head;
    let length = usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
    if length > MAX_MESSAGE {
        return Err(Ended::Cut(Cut::Long));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok((number, body))
}

fn packet(number: u8, body: &[u8]) -> Vec<u8> {
    let [low, middle, high, ..] = body.len().to_le_bytes();
    [&[low, middle, high, number], body].concat()
}

/// The log-in, from TLS to the server's word that it is over.
pub(super) struct Login<'a> {
    password: &'a SecretString,
    is_over: bool,
}

impl<'a> Login<'a> {
    /// With this password.
    pub(super) fn new(password: &'a SecretString) -> Self {
        Self { password, is_over: false }
    }

    /// True when the driver may hear everything from now on.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Of whole messages of the server, those that are for the driver, and what the server gets for the others.
    pub(super) fn hear(&mut self, mut messages: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let (mut passed, mut answer) = (Vec::new(), Vec::new());
        while let [low, middle, high, number, rest @ ..] = messages {
            let length = usize::from(*low) | usize::from(*middle) << 8 | usize::from(*high) << 16;
            let (body, after) = rest.split_at(length.min(rest.len()));
            if !self.is_over && wants_password(body) {
                let password = [self.password.expose_secret().as_bytes(), b"\0"].concat();
                answer.extend(packet(number.wrapping_add(1), &password));
            } else {
                passed.extend(packet(*number, body));
            }
            // OK, or an error.
            self.is_over |= matches!(body.first(), Some(0x00 | 0xff));
            messages = after;
        }
        (passed, answer)
    }
}

/// `caching_sha2_password` knows no digest of this account yet; or the account is of the old way.
fn wants_password(body: &[u8]) -> bool {
    body == [0x01, 0x04] || body.strip_prefix(&[0xfe]).is_some_and(|rest| rest.starts_with(OLD))
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::{Login, capabilities, packet};

    #[test]
    fn the_password_is_sent_where_it_is_asked_for_and_nowhere_else() {
        let password = SecretString::from("pencil");
        let mut login = Login::new(&password);
        let switch = packet(2, b"\xfecaching_sha2_password\0abcdefghijabcdefghij\0");
        assert_eq!(login.hear(&switch), (switch.clone(), vec![]));
        let wish = packet(4, &[1, 4]);
        assert_eq!(login.hear(&wish), (vec![], packet(5, b"pencil\0")));
        let old = packet(6, b"\xfesha256_password\0abcdefghijabcdefghij\0");
        assert_eq!(login.hear(&old), (vec![], packet(7, b"pencil\0")));
        assert!(!login.is_over());
        // Behind the OK, the same bytes are part of a reply.
        let rest = [packet(8, &[0, 0, 0, 2, 0, 0, 0]), wish].concat();
        assert_eq!(login.hear(&rest), (rest.clone(), vec![]));
        assert!(login.is_over());
        let mut refused = Login::new(&password);
        refused.hear(&packet(2, b"\xff\x15\x04#28000no"));
        assert!(refused.is_over());
    }

    #[test]
    fn a_greeting_says_whether_there_is_tls() {
        let greeting = b"\n8.0.18\0\x19\0\0\0\x114aB0c\x06g\0\xff\xff\xff\x02\0\xff\xc7\x15";
        assert_eq!(capabilities(greeting).ok(), Some(0xc7ff_ffff));
        assert_eq!(capabilities(&greeting[..greeting.len() - 3]).ok(), Some(0xffff));
        for broken in [&b""[..], b"\n8.0", b"\n8.0.18\0\x19\0\0\0\x114aB0c\x06g\0\xff", b"SSH-2.0-"]
        {
            assert!(capabilities(broken).is_err());
        }
    }
}
