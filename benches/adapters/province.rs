//! An installation from the samples, before six simulated agencies with a runtime of their own.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use heyan::catalogue::Catalogue;
use heyan::cli::demo::world::World;
use heyan::clock::now;
use heyan::query::subject::Subject;
use heyan::query::{Operator, Purpose, Query};
use heyan::simulate::{self, Simulation, SimulationConfig, samples};
use tokio::runtime::Runtime;

/// People behind the agencies. Whom they are asked about is among the first.
const PEOPLE: u32 = 2_000;

/// Everything that is made for a measurement. It ends when it is dropped.
pub(crate) struct Province {
    pub(crate) world: World,
    pub(crate) simulation: Simulation,
    pub(crate) catalogue: Catalogue,
    /// Held so that the agencies run. Not on the runtime that is measured.
    _agencies: Runtime,
    folder: tempfile::TempDir,
}

impl Province {
    /// Makes it in a new folder for temporary files, with the sample manifests in `adapters/`.
    pub(crate) fn make() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let world = World::make(&folder.path().join("world"), now())?;
        let agencies =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let simulation = agencies.block_on(simulate::start(SimulationConfig {
            people: PEOPLE,
            pki: world.path("pki"),
            secrets: world.path("secrets"),
            ..SimulationConfig::default()
        }))?;
        world.place_adapters(&simulation.ports())?;
        let catalogue =
            Catalogue::load(&world.path("catalogue")).map_err(|all| anyhow!("{all:?}"))?;
        Ok(Self { world, simulation, catalogue, _agencies: agencies, folder })
    }

    /// A path inside the installation.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.world.path(name)
    }

    /// The sample question about that fact, and the answer to it.
    pub(crate) fn sample(&self, fact: &str) -> samples::Sample {
        samples::question(fact, self.simulation.province())
    }

    /// The same as a gateway puts it to an adapter.
    pub(crate) fn query(fact: &str, subjects: Vec<Subject>) -> Query {
        Query {
            request_id: [7; 16],
            fact: fact.into(),
            subjects,
            relations: Vec::new(),
            assertions: Vec::new(),
            disclose: Vec::new(),
            purpose: Purpose {
                item: "W3".into(),
                item_version: "2026.2".to_owned(),
                case_number: "GJJ-2026-000123".to_owned(),
                ..Purpose::default()
            },
            operator: Operator { id: "0042".to_owned(), unit: "counter-3".to_owned() },
            max_age: None,
            want_receipt: false,
        }
    }

    /// A folder beside the installation that nothing else uses.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
