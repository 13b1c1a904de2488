//! What a program writes: read, so that it never waits for us, and thrown away, for it may hold anything. On request
//! it goes to the log at debug, in short lines and not too many.

use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes of a line that are told.
const LINE: usize = 512;
/// Lines told in one second.
const LINES: NonZeroU32 = NonZeroU32::new(50).unwrap();

/// Where it comes from.
pub(super) struct Origin {
    /// Name of the adapter.
    pub(super) adapter: String,
    /// `stdout` or `stderr`.
    pub(super) stream: &'static str,
    /// Whether it goes to the log.
    pub(super) log: bool,
}

/// Reads to the end.
pub(super) async fn read(mut pipe: impl AsyncRead + Unpin, origin: Origin) {
    let Origin { adapter, stream, log } = origin;
    let turns: DefaultDirectRateLimiter = RateLimiter::direct(Quota::per_second(LINES));
    let (mut bytes, mut untold) = (0_u64, 0_u64);
    let mut lines = Lines::default();
    let mut chunk = vec![0; 8192];
    while let Ok(count @ 1..) = pipe.read(&mut chunk).await {
        bytes += count as u64;
        let read = chunk.get(..count).unwrap_or_default();
        if !log {
            continue;
        }
        lines.take(read, |line| match turns.check() {
            Ok(()) => {
                tracing::debug!(adapter, stream, untold, ?line, "the program writes");
                untold = 0;
            }
            Err(_) => untold += 1,
        });
    }
    tracing::debug!(adapter, stream, bytes, untold, "the program writes no more");
}

/// Cuts bytes into lines.
#[derive(Default)]
struct Lines {
    held: Vec<u8>,
}

impl Lines {
    /// Tells each line that ends in these bytes, its first [`LINE`] bytes.
    fn take(&mut self, bytes: &[u8], mut tell: impl FnMut(&str)) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            let room = LINE - self.held.len();
            self.held.extend(text.iter().take(room));
            if ends {
                tell(&String::from_utf8_lossy(&self.held));
                self.held.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_and_short() {
        let mut told = Vec::new();
        let mut lines = Lines::default();
        let long = "x".repeat(3 * LINE);
        for bytes in ["one\ntw", "o", "\n\n", &long, &long, "\nlast"] {
            lines.take(bytes.as_bytes(), |line| told.push(line.to_owned()));
        }
        assert_eq!(told, ["one", "two", "", &long[..LINE]]);
        lines.take(b"\xff\n", |line| told.push(line.to_owned()));
        assert_eq!(told[4], "last\u{fffd}");
    }
}
