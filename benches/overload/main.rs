//! What becomes of answers when more is asked than the gateway can, and of one caller beside another that floods it.
//!
//! `cargo bench --bench overload` runs every part, `-- kept fair` some, `--json` prints them for programs. The gateway is the
//! built program with its limits as delivered; with two cores and `taskset` it has core 0, while this generator and the
//! simulated agencies share core 1. Numbers of one machine say little: quote the ratios, and only those of one run. The
//! goals are those of `docs/performance.md`.

#[path = "../agencies/mod.rs"]
mod agencies;
mod fair;
#[path = "../figures/mod.rs"]
mod figures;
mod flood;
#[path = "../request/installation.rs"]
#[allow(dead_code, reason = "other benches need more of it")]
mod installation;
mod load;
#[path = "../agreements/made.rs"]
#[allow(
    dead_code,
    clippy::indexing_slicing,
    reason = "made elsewhere, and one agreement is enough here"
)]
mod made;
#[path = "../request/process.rs"]
#[allow(dead_code, reason = "cores are not chosen here")]
mod process;
#[path = "../request/questions.rs"]
#[allow(dead_code, reason = "other benches need more of it")]
mod questions;

use std::fs;
use std::time::Duration;

use clap::Parser;
use heyan::client::Client;
use tokio::runtime::Runtime;

use self::figures::Part;
use self::installation::Installation;
use self::process::Server;
use self::questions::Asked;

/// The gateway's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What all parts measure on.
pub(crate) struct Ground {
    installation: Installation,
    people: Asked,
    runtime: Runtime,
    options: Options,
}

const PARTS: &[Part<Ground>] = &[
    ("kept", flood::kept),
    ("fresh", flood::fresh),
    ("refusal", flood::refusal),
    ("fair", fair::run),
];

#[derive(Parser)]
pub(crate) struct Options {
    #[command(subcommand)]
    role: Option<agencies::Role>,
    /// Only these parts: kept, fresh, refusal, fair
    parts: Vec<String>,
    /// Length of one measurement
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Pairs of measurements in `fair`, alone and beside the flood; the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// People in the province: at least as many as fresh answers are wanted in the whole run
    #[arg(long, default_value_t = 400_000, value_parser = clap::value_parser!(u32).range(2000..=2_000_000))]
    people: u32,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    /// Passed by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

impl Ground {
    /// A gateway of its own.
    fn start(&self, log: &str, limits: &[(&str, &str)]) -> anyhow::Result<Server> {
        self.installation.create_log(log)?;
        self.installation.start_on(log, true, limits)
    }

    /// So many connections as that system of the fund centre.
    async fn connect(
        &self,
        gateway: &Server,
        system: &str,
        count: usize,
    ) -> anyhow::Result<Vec<Client>> {
        let folder = self.installation.path("pki/fund-centre");
        let read = |name: String| fs::read(folder.join(name));
        let authority = read("ca.pem".to_owned())?;
        let (certificate, key) = (read(format!("{system}.pem"))?, read(format!("{system}.key"))?);
        let endpoint = format!("https://{}", gateway.address());
        let mut clients = Vec::new();
        for _ in 0..count {
            let connecting =
                Client::connect(&endpoint, &authority, &certificate, &key, "localhost");
            clients.push(connecting.await?);
        }
        Ok(clients)
    }

    fn length(&self) -> Duration {
        Duration::from_secs(self.options.seconds)
    }
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if let Some(role) = &options.role {
        return role.play();
    }
    let pinned = process::pin_this_to_core(process::GENERATOR_CORE);
    let folder = tempfile::tempdir()?;
    let installation = Installation::make(&folder.path().join("installation"), options.people, 0)?;
    let people = questions::people(options.people)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ground = Ground { installation, people, runtime, options };
    if !ground.options.json {
        println!("pinned to cores: {}", if pinned { "yes" } else { "no" });
    }
    figures::run(PARTS, &ground.options.parts, &ground, ground.options.json)
}
