//! One connection of the driver and the one to the database that belongs to it.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::client::TlsStream;

use super::answers::Answers;
use super::cut::Cut;
use super::frames::Meter;
use super::mysql::{Begun, Login};
use super::{Way, mysql, postgres};
use crate::adapters::manifest::Dialect;

/// Bytes asked for at a time.
const CHUNK: usize = 16 << 10;
/// Larger buffers are given back once they are empty.
const KEPT: usize = 1 << 20;
/// For a farewell: to the database that we go, to the driver why.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// One side hung up.
    Gone,
    /// We did.
    Cut(Cut),
}

impl From<io::Error> for Ended {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

impl Way {
    /// Carries messages between the two until one of them goes.
    pub(super) async fn carry(&self, mut driver: UnixStream) {
        let ended = match timeout(self.patience, self.open(&mut driver)).await {
            Ok(Ok((mut server, answers))) => {
                let ended = self.between(&mut driver, &mut server, answers).await;
                // The database hears that we go, so that it ends what nobody waits for.
                let _gone = timeout(FAREWELL, server.shutdown()).await;
                ended
            }
            Ok(Err(ended)) => Err(ended),
            Err(_) => Err(Ended::Cut(Cut::Slow)),
        };
        if let Err(Ended::Cut(cut)) = ended {
            let _gone = timeout(FAREWELL, self.tell(cut, &mut driver)).await;
        }
    }

    /// Tells the driver, and waits until it hangs up: a close with something unread would take the words back.
    async fn tell(&self, cut: Cut, driver: &mut UnixStream) -> io::Result<()> {
        driver.write_all(&cut.said(self.dialect)).await?;
        driver.shutdown().await?;
        copy(driver, &mut sink()).await.map(|_| ())
    }

    /// A connection to the database, encrypted, and the database known to be the one; and what it may answer with.
    async fn open(
        &self,
        driver: &mut UnixStream,
    ) -> Result<(TlsStream<TcpStream>, Answers), Ended> {
        let away = |_| Ended::Cut(Cut::Away);
        let mut server = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(away)?;
        server.set_nodelay(true).map_err(away)?;
        let begun = match self.dialect {
            Dialect::PostgreSql => {
                postgres::ask_for_tls(&mut server).await?;
                Begun { login: Vec::new(), ends_definitions: false }
            }
            Dialect::MySql => mysql::ask_for_tls(&mut server, driver).await?,
        };
        let name =
            ServerName::try_from(self.host.clone()).map_err(|_| Ended::Cut(Cut::Stranger))?;
        let mut server =
            self.tls.connect(name, server).await.map_err(|error| Ended::Cut(distrusted(&error)))?;
        server.write_all(&begun.login).await?;
        server.flush().await?;
        Ok((server, Answers::new(begun.ends_definitions)))
    }

    /// Both directions in one task, so that a database that has gone takes the driver's connection with it, and the
    /// other way round.
    async fn between(
        &self,
        driver: &mut UnixStream,
        server: &mut TlsStream<TcpStream>,
        mut answers: Answers,
    ) -> Result<(), Ended> {
        let mut meter = Meter::new(self.dialect, self.most);
        let mut login = Login::new(&self.password);
        let (mut said, mut asked) = (BytesMut::new(), BytesMut::new());
        let mut until = Instant::now() + self.patience;
        loop {
            said.reserve(CHUNK);
            asked.reserve(CHUNK);
            tokio::select! {
                read = server.read_buf(&mut said) => {
                    if read? == 0 {
                        return Err(Ended::Gone);
                    }
                    // Late, or said to nobody: the driver opens another connection when it needs one.
                    if Instant::now() > until {
                        return Err(Ended::Cut(Cut::Slow));
                    }
                    let (mut whole, mut cut) = meter.pass(&said);
                    if self.dialect == Dialect::MySql {
                        let messages = said.get(..whole).unwrap_or_default();
                        let (fitting, unfitting) = answers.hear(messages);
                        (whole, cut) = (fitting, unfitting.or(cut));
                    }
                    let whole = said.split_to(whole);
                    if self.dialect == Dialect::MySql && !login.is_over() {
                        let (passed, answer) = login.hear(&whole);
                        self.send(server, &answer).await?;
                        driver.write_all(&passed).await?;
                    } else {
                        driver.write_all(&whole).await?;
                    }
                    if let Some(cut) = cut {
                        return Err(Ended::Cut(cut));
                    }
                    drop(whole);
                    if said.is_empty() && said.capacity() > KEPT {
                        said = BytesMut::new();
                    }
                }
                read = driver.read_buf(&mut asked) => {
                    if read? == 0 {
                        return Ok(());
                    }
                    if self.dialect == Dialect::MySql {
                        answers.ask(&asked);
                    }
                    self.send(server, &asked).await?;
                    asked.clear();
                    meter.begin_turn();
                    until = Instant::now() + self.patience;
                }
                () = sleep_until(until), if meter.is_owed() || !said.is_empty() => {
                    return Err(Ended::Cut(Cut::Slow));
                }
            }
        }
    }

    /// A database that does not take what it is asked must not hold on to a connection whose driver has gone.
    async fn send(&self, server: &mut TlsStream<TcpStream>, bytes: &[u8]) -> Result<(), Ended> {
        let sent = async {
            server.write_all(bytes).await?;
            server.flush().await
        };
        match timeout(self.patience, sent).await {
            Ok(sent) => Ok(sent?),
            Err(_) => Err(Ended::Cut(Cut::Slow)),
        }
    }
}

/// Why there is no TLS.
fn distrusted(error: &io::Error) -> Cut {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidCertificate(_)) => Cut::Stranger,
        Some(_) => Cut::Plain,
        None => Cut::Away,
    }
}
