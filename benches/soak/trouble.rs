//! What goes wrong, and what changes, while questions are asked: one thing after the other, again and again. Whatever the
//! gateway is told to take over, it is then seen to have taken over, from outside.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use heyan::agreements::document::Signer;
use heyan::agreements::order::{self, Act, Order, Version};
use heyan::clock::now;
use heyan::crypto::SigningKey;
use heyan::pki::{Authority, Leaf, issue, spiffe};
use rustix::process::Signal;
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::asked::{Asked, Came, Phase};
use super::connection::Connection;
use super::figures::Line;
use super::installation::Installation;
use super::process::Server;

/// In this order; what an agency does wrong ends with the next `off`. What has the gateway read its files again makes it
/// forget the answers kept for retries, and a new version those that are kept otherwise: it all stands at the beginning, and
/// in the rest of the time both come to their bounds.
const COURSE: [Step; 24] = [
    Step::NewAgreement,
    Step::NewCertificate,
    Step::Agency("outage"),
    Step::NewCertificate,
    Step::Agency("off"),
    Step::Suspend,
    Step::Resume,
    Step::NewCertificate,
    Step::Revoke,
    Step::NewAgreement,
    Step::Agency("errors:200"),
    Step::Agency("off"),
    Step::Agency("delay:300ms"),
    Step::Agency("off"),
    Step::Agency("outage"),
    Step::Agency("off"),
    Step::Agency("errors:200"),
    Step::Agency("off"),
    Step::Agency("delay:300ms"),
    Step::Agency("off"),
    Step::Agency("outage"),
    Step::Agency("off"),
    Step::Agency("delay:300ms"),
    Step::Agency("off"),
];

/// Whose orders they are; as the sample agreement has it, it may suspend and end it alone.
const BY: &str = "police";

/// The agreement that is asked under.
const AGREEMENT: &str = "hn-gjj-ga-2018-001";

/// What was told to the gateway must be seen within this: far longer than reading a few hundred files takes.
const SEEN_WITHIN: Duration = Duration::from_secs(20);

/// Between two looks whether it is.
const AGAIN: Duration = Duration::from_millis(50);

#[derive(Clone, Copy)]
enum Step {
    /// A word to the agency's switchboard.
    Agency(&'static str),
    /// The gateway gets a new certificate and key. A new connection must be shown it, and the one that was there from the
    /// beginning goes on.
    NewCertificate,
    /// Both parties sign the next version of the agreement that is asked under. A grant must name it.
    NewAgreement,
    /// The agency suspends it. A question must be denied.
    Suspend,
    /// And resumes it. A question must be answered.
    Resume,
    /// And ends it, until there is another version. A question must be denied.
    Revoke,
}

/// What was done, by kind.
#[derive(Clone, Copy, Default)]
pub(crate) struct Made {
    pub(crate) steps: u32,
    /// Certificates that a new connection was shown.
    pub(crate) certificates: u32,
    /// Versions of the agreement that a grant has named, the first included.
    pub(crate) versions: u32,
    /// Orders that were seen to act.
    pub(crate) orders: u32,
}

impl Made {
    /// The figures.
    pub(crate) fn lines(&self) -> Vec<Line> {
        vec![
            Line::told("troubles made", f64::from(self.steps)),
            Line::told(
                "  certificates that new connections were shown",
                f64::from(self.certificates),
            ),
            Line::told("  versions of the agreement that grants named", f64::from(self.versions)),
            Line::told("  orders that were seen to act", f64::from(self.orders)),
        ]
    }
}

/// How long all of it takes, once.
pub(crate) fn course(every: Duration) -> Duration {
    COURSE.iter().map(|_| every).sum()
}

/// Makes it.
pub(crate) struct Trouble<'a> {
    installation: &'a Installation,
    gateway: &'a Server,
    asked: Arc<Asked>,
    made: Made,
}

impl<'a> Trouble<'a> {
    pub(crate) fn new(
        installation: &'a Installation,
        gateway: &'a Server,
        asked: Arc<Asked>,
    ) -> Self {
        let made = Made { versions: 1, ..Made::default() };
        Self { installation, gateway, asked, made }
    }

    /// Takes a step in each `every` for that `length`; at the end everything behaves again.
    pub(crate) async fn run(mut self, every: Duration, length: Duration) -> anyhow::Result<Made> {
        let began = Instant::now();
        // Never closed: whatever changes, it goes on.
        let eldest = self.asked.connect().await?;
        let mut beat = interval(every);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for step in COURSE.iter().cycle() {
            beat.tick().await;
            if began.elapsed() + every > length {
                break;
            }
            self.take(*step, &eldest).await.with_context(|| format!("step {}", self.made.steps))?;
            self.made.steps += 1;
        }
        self.installation.switch("off")?;
        Ok(self.made)
    }

    async fn take(&mut self, step: Step, eldest: &Connection) -> anyhow::Result<()> {
        let is_denied = |came: &Came| matches!(came, Came::Denied);
        match step {
            Step::Agency(word) => self.installation.switch(word),
            Step::NewCertificate => self.exchange(eldest).await,
            Step::NewAgreement => self.renew(eldest).await,
            Step::Suspend => {
                self.asked.enter(Phase::Stopping)?;
                self.order(&Act::Suspend(self.version()))?;
                self.until("it is suspended", eldest, is_denied).await?;
                self.asked.enter(Phase::Stopped)
            }
            Step::Resume => {
                self.asked.enter(Phase::Starting)?;
                self.order(&Act::Resume(self.version()))?;
                let version = self.made.versions;
                let is_answered =
                    |came: &Came| matches!(came, Came::Answered(it) if *it == version);
                self.until("it is resumed", eldest, is_answered).await?;
                self.asked.enter(Phase::Granted)
            }
            Step::Revoke => {
                self.asked.enter(Phase::Stopping)?;
                self.order(&Act::Revoke(self.version()))?;
                self.until("it is revoked", eldest, is_denied).await?;
                self.asked.enter(Phase::Stopped)
            }
        }
    }

    /// A new certificate, until it is shown.
    async fn exchange(&mut self, eldest: &Connection) -> anyhow::Result<()> {
        let folder = self.installation.path("pki/fund-centre");
        let authority = Authority::read(&folder)?;
        let names = vec![spiffe(&"fund-centre".into(), &"gateway".into())];
        let validity = Duration::from_secs(86_400);
        let issued = issue(&authority, &Leaf { uris: names, from: now(), validity })?;
        let written = CertificateDer::from_pem_slice(issued.certificate.as_bytes())?;
        fs::write(folder.join("gateway.pem"), &issued.certificate)?;
        fs::write(folder.join("gateway.key"), issued.key)?;
        self.gateway.signal(Signal::HUP)?;
        let (address, caller) = self.asked.door();
        let terms = caller.terms(Resumption::disabled())?;
        let deadline = Instant::now() + SEEN_WITHIN;
        loop {
            let stream = caller.reach(address, &terms).await?;
            let (_, session) = stream.get_ref();
            if session.peer_certificates().and_then(<[_]>::first) == Some(&written) {
                break;
            }
            if Instant::now() > deadline {
                bail!("a new connection is still shown an earlier certificate");
            }
            sleep(AGAIN).await;
        }
        self.made.certificates += 1;
        let is_heard = |came: &Came| !matches!(came, Came::Other);
        self.until("the oldest connection goes on", eldest, is_heard).await
    }

    /// The next version, until a grant names it. It ends a revocation of the one before.
    async fn renew(&mut self, eldest: &Connection) -> anyhow::Result<()> {
        let version = self.made.versions + 1;
        let was_stopped = self.asked.is_stopped();
        if was_stopped {
            self.asked.enter(Phase::Starting)?;
        }
        self.installation.sign_version(version)?;
        self.gateway.signal(Signal::HUP)?;
        let is_new = |came: &Came| matches!(came, Came::Answered(named) if *named == version);
        self.until("a grant names the new version", eldest, is_new).await?;
        self.made.versions = version;
        self.asked.expect_version(version);
        if was_stopped { self.asked.enter(Phase::Granted) } else { Ok(()) }
    }

    /// The version in force.
    fn version(&self) -> Version {
        Version { agreement: AGREEMENT.to_owned(), version: self.made.versions }
    }

    /// Has the agency order it.
    fn order(&mut self, act: &Act) -> anyhow::Result<()> {
        let id = format!("soak-{}", self.made.orders);
        let order = Order::new(&id, &BY.into(), now(), "an exercise", act);
        let key = SigningKey::read(&self.installation.path(&format!("pki/{BY}/signing.key")))?;
        let document = order::sign(&order, Signer { kid: &format!("{BY}-1"), key: &key })?;
        fs::write(self.installation.path(&format!("orders/{id}.order.json")), document)?;
        self.made.orders += 1;
        self.gateway.signal(Signal::HUP)
    }

    /// Asks over that connection until what comes is as it must become.
    async fn until(
        &self,
        what: &str,
        connection: &Connection,
        is_so: impl Fn(&Came) -> bool,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + SEEN_WITHIN;
        while Instant::now() < deadline {
            if is_so(&self.asked.ask(connection).await?) {
                return Ok(());
            }
            sleep(AGAIN).await;
        }
        bail!("not seen: {what}")
    }
}
