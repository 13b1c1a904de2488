//! Moments at a fixed distance, kept by the kernel's timer: the runtime's own is a millisecond coarse.

use std::os::fd::OwnedFd;
use std::time::Duration;

use anyhow::Context;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

/// Tells which moments have passed.
pub(crate) struct Ticker {
    timer: AsyncFd<OwnedFd>,
    began: Instant,
    period: Duration,
    passed: u64,
}

impl Ticker {
    /// The first moment is one period from now.
    #[expect(
        deprecated,
        reason = "an OwnedFd does not change its descriptor; what replaces this is unsafe"
    )]
    pub(crate) fn every(period: Duration) -> anyhow::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let distance = Timespec::try_from(period).ok().context("too long a period")?;
        let terms = Itimerspec { it_interval: distance, it_value: distance };
        let began = Instant::now();
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &terms)?;
        let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
        Ok(Self { timer, began, period, passed: 0 })
    }

    /// Waits until at least one more has passed, and returns all that have since the last time.
    pub(crate) async fn passed(&mut self) -> anyhow::Result<Vec<Instant>> {
        loop {
            let mut ready = self.timer.readable().await?;
            let mut count = [0; 8];
            let read = ready.try_io(|timer| Ok(rustix::io::read(timer, &mut count)?));
            if let Ok(read) = read {
                read?;
                let before = self.passed;
                self.passed += u64::from_ne_bytes(count);
                return (before + 1..=self.passed).map(|number| self.moment(number)).collect();
            }
        }
    }

    fn moment(&self, number: u64) -> anyhow::Result<Instant> {
        Ok(self.began + self.period * u32::try_from(number)?)
    }
}
