//! What goes wrong, and what changes, while questions are asked: one thing after the other, again and again.

use std::fs;

use anyhow::Context;
use heyan::clock::now;
use heyan::pki::{Authority, Leaf, issue, spiffe};
use rustix::process::Signal;

use super::installation::Installation;
use super::process::Server;

/// In this order; what an agency does wrong ends with the next `off`.
const COURSE: [Step; 10] = [
    Step::Agency("outage"),
    Step::Agency("off"),
    Step::NewCertificate,
    Step::Agency("errors:200"),
    Step::NewAgreement,
    Step::Agency("off"),
    Step::Agency("delay:300ms"),
    Step::NewCertificate,
    Step::Agency("off"),
    Step::NewAgreement,
];

#[derive(Clone, Copy)]
enum Step {
    /// A word to the agency's switchboard.
    Agency(&'static str),
    /// The gateway gets a new certificate and key.
    NewCertificate,
    /// Both parties sign the next version of the agreement that is asked under.
    NewAgreement,
}

/// Makes it.
pub(crate) struct Trouble<'a> {
    installation: &'a Installation,
    gateway: &'a Server,
    made: u32,
    version: u32,
}

impl<'a> Trouble<'a> {
    pub(crate) fn new(installation: &'a Installation, gateway: &'a Server) -> Self {
        Self { installation, gateway, made: 0, version: 1 }
    }

    /// Takes the next step.
    pub(crate) fn next(&mut self) -> anyhow::Result<()> {
        let step = COURSE.iter().cycle().nth(self.made as usize % COURSE.len());
        self.made += 1;
        match step.context("the course has an end")? {
            Step::Agency(word) => self.installation.switch(word),
            Step::NewCertificate => {
                let folder = self.installation.path("pki/fund-centre");
                let authority = Authority::read(&folder)?;
                let names = vec![spiffe(&"fund-centre".into(), &"gateway".into())];
                let validity = std::time::Duration::from_secs(86_400);
                let issued = issue(&authority, &Leaf { uris: names, from: now(), validity })?;
                fs::write(folder.join("gateway.pem"), issued.certificate)?;
                fs::write(folder.join("gateway.key"), issued.key)?;
                self.gateway.signal(Signal::HUP)
            }
            Step::NewAgreement => {
                self.version += 1;
                self.installation.sign_version(self.version)?;
                self.gateway.signal(Signal::HUP)
            }
        }
    }

    /// Everything behaves again.
    pub(crate) fn end(&self) -> anyhow::Result<()> {
        self.installation.switch("off")
    }

    /// How many steps were taken.
    pub(crate) fn made(&self) -> u32 {
        self.made
    }

    /// Versions of the agreement that were put in force.
    pub(crate) fn versions(&self) -> u32 {
        self.version
    }
}
