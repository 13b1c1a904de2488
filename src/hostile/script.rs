//! What is said on a stream, step by step.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::sleep;

/// Between two drops: slow enough to keep somebody waiting, quick enough to keep a connection from going idle.
const DROP: Duration = Duration::from_millis(20);

/// One step.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Says this.
    Say(Vec<u8>),
    /// Says this so many times.
    Often(Vec<u8>, usize),
    /// Says this again and again, slowly, until the other side has gone.
    Drip(Vec<u8>),
    /// Says this again and again, as fast as it is taken.
    Flood(Vec<u8>),
    /// Says nothing more and stays.
    Hang,
    /// Ends the connection with a reset.
    Reset,
}

/// How the connection is to be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Properly.
    Close,
    /// With a reset.
    Reset,
}

/// Says all of it.
///
/// # Errors
/// When the other side has gone.
pub(super) async fn play<S: AsyncWrite + Unpin>(stream: &mut S, steps: &[Step]) -> io::Result<End> {
    for step in steps {
        match step {
            Step::Say(bytes) => stream.write_all(bytes).await?,
            Step::Often(bytes, times) => {
                for _ in 0..*times {
                    stream.write_all(bytes).await?;
                }
            }
            Step::Drip(bytes) => loop {
                stream.write_all(bytes).await?;
                stream.flush().await?;
                sleep(DROP).await;
            },
            Step::Flood(bytes) => loop {
                stream.write_all(bytes).await?;
            },
            Step::Hang => {
                stream.flush().await?;
                std::future::pending::<()>().await;
            }
            Step::Reset => {
                stream.flush().await?;
                return Ok(End::Reset);
            }
        }
    }
    stream.flush().await?;
    Ok(End::Close)
}
