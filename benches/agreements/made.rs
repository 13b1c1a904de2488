//! A province's agreements, signed: made once, and kept beside the build for the next run.
//!
//! Three hundred centres ask six agencies, under agreements of two to six clauses about what the sample catalogue knows.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, anyhow};
use heyan::agreements::document::{self, Signer};
use heyan::agreements::terms::Terms;
use heyan::catalogue::{Catalogue, Fact, Item};
use heyan::cli::demo::world::World;
use heyan::clock::now;
use heyan::crypto::SigningKey;
use heyan::pki::{self, OrganisationPlan};

const CENTRES: usize = 300;
const AGENCIES: [&str; 6] =
    ["police", "civil-affairs", "social-security", "housing", "tax", "market-regulation"];

/// An installation with so many agreements.
pub(crate) struct Made {
    folder: PathBuf,
    catalogue: Catalogue,
    /// Of the centres, then of the agencies.
    keys: Vec<(String, SigningKey)>,
}

impl Made {
    /// Makes what is not there yet, in a folder of its own.
    pub(crate) fn of(count: usize) -> anyhow::Result<Self> {
        let kept = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("agreements-{count}"));
        if !kept.join("whole").exists() {
            if kept.exists() {
                fs::remove_dir_all(&kept)?;
            }
            World::make(&kept, now())?;
            Self::fill(&kept, count)?;
            fs::write(kept.join("whole"), [])?;
        }
        Self::at(&kept)
    }

    /// Puts so many agreements, and the centres that have them, into an installation that is there.
    pub(crate) fn fill(folder: &Path, count: usize) -> anyhow::Result<()> {
        pki::init(&folder.join("centres"), &centres(), now())?;
        let into = |name: &str| folder.join("pki").join(name);
        for file in fs::read_dir(folder.join("centres/parties"))? {
            let file = file?;
            fs::rename(file.path(), into("parties").join(file.file_name()))?;
        }
        for name in (0..CENTRES).map(centre) {
            fs::rename(folder.join("centres").join(&name), into(&name))?;
        }
        Self::at(folder)?.sign_all(count)
    }

    fn at(folder: &Path) -> anyhow::Result<Self> {
        let catalogue =
            Catalogue::load(&folder.join("catalogue")).map_err(|all| anyhow!("{all:?}"))?;
        let parties = (0..CENTRES).map(centre).chain(AGENCIES.map(str::to_owned));
        let key = |party: String| {
            let key = SigningKey::read(&folder.join(format!("pki/{party}/signing.key")))?;
            Ok((party, key))
        };
        let keys = parties.map(key).collect::<anyhow::Result<_>>()?;
        Ok(Self { folder: folder.to_owned(), catalogue, keys })
    }

    /// A path inside the installation.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.join(name)
    }

    fn sign_all(&self, count: usize) -> anyhow::Result<()> {
        let next = AtomicUsize::new(0);
        let work = || -> anyhow::Result<()> {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok(());
                }
                let file = self.path(format!("agreements/{number:06}.json"));
                fs::write(file, self.signed(number, 1)?)?;
            }
        };
        let cores = thread::available_parallelism()?.get();
        thread::scope(|scope| {
            let all: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
            all.into_iter().try_for_each(|one| one.join().map_err(|_| anyhow!("it panicked"))?)
        })
    }

    /// This version of that agreement, signed by both parties.
    pub(crate) fn signed(&self, number: usize, version: u32) -> anyhow::Result<Vec<u8>> {
        let (consumer, provider) = (number % CENTRES, CENTRES + number / CENTRES % AGENCIES.len());
        let parties = [consumer, provider].map(|position| &self.keys[position]);
        let draft = self.draft(number, version, &parties[0].0, &parties[1].0);
        let terms =
            Terms::parse(Path::new("draft"), &draft).map_err(|finding| anyhow!("{finding}"))?;
        let kids = parties.map(|(party, _)| format!("{party}-1"));
        let signers = [0, 1].map(|place| Signer { kid: &kids[place], key: &parties[place].1 });
        document::sign(&terms.payload()?, &signers).context("signing")
    }

    fn draft(&self, number: usize, version: u32, consumer: &str, provider: &str) -> String {
        let mut chance = Chance(number as u64);
        let mut text = format!(
            "schema = 1\nid = \"hn-{number:06}\"\nversion = {version}\n\
             title = \"Facts for the provident fund, agreement {number}\"\n\
             title_zh = \"住房公积金业务信息共享协议（第{number}号）\"\n\
             consumer = \"{consumer}\"\nprovider = \"{provider}\"\nsystems = [\"approval\"]\n\
             effective_from = \"2018-06-01T00:00:00+08:00\"\n\
             effective_to = \"2048-06-01T00:00:00+08:00\"\n\
             retention = {{ keep_for = \"3y\", afterwards = \"delete\" }}\n\
             quota = {{ per_second = {}, per_day = {} }}\n",
            chance.below(200) + 1,
            chance.below(500_000) + 1,
        );
        for (party, instrument) in [
            (consumer, "住房公积金管理条例（国务院令第350号）"),
            (provider, "政务信息资源共享管理暂行办法（国发〔2016〕51号）"),
        ] {
            let _ = write!(
                text,
                "[[legal_basis]]\nparty = \"{party}\"\ninstrument = \"{instrument}\"\narticle = \"第五条\"\n"
            );
        }
        let facts: Vec<&Fact> =
            self.catalogue.facts().filter(|fact| fact.agency.as_str() == provider).collect();
        for fact in chance.some_of(&facts, 2) {
            self.clause(fact, &mut chance, &mut text);
        }
        text
    }

    fn clause(&self, fact: &Fact, chance: &mut Chance, text: &mut String) {
        let using: Vec<&Item> =
            self.catalogue.items().filter(|item| item.facts.contains(&fact.code)).collect();
        let mut codes: Vec<&str> = using.iter().map(|item| item.code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        let items = chance.some_of(&codes, 1);
        if items.is_empty() {
            return;
        }
        let materials: Vec<&str> = using
            .iter()
            .filter(|item| items.contains(&item.code.as_str()))
            .flat_map(|item| item.materials.keys().map(String::as_str))
            .collect();
        let mut replaces = chance.some_of(&materials, 0);
        replaces.sort_unstable();
        replaces.dedup();
        let names: Vec<&str> = fact.attributes.iter().map(|known| known.name.as_str()).collect();
        let (assert, disclose) = (chance.some_of(&names, 1), chance.some_of(&names, 0));
        let roles: Vec<&str> = fact.roles.iter().map(|role| role.name.as_str()).collect();
        let (code, days) = (&fact.code, chance.below(30) + 1);
        let _ = write!(
            text,
            "[[clause]]\nfact = \"{code}\"\nitems = {items:?}\nroles = {roles:?}\nassert = {assert:?}\n\
             disclose = {disclose:?}\nmax_age = \"{days}d\"\n\
             cache = {{ found = \"1d\", not_found = \"1h\" }}\nreplaces = {replaces:?}\n"
        );
    }
}

fn centre(number: usize) -> String {
    format!("centre-{number:03}")
}

fn centres() -> Vec<OrganisationPlan> {
    let model = pki::demonstration().swap_remove(0);
    let plan = |number| {
        let (id, name) = (centre(number).as_str().into(), format!("Centre {number}"));
        let systems = model.systems.iter().take(1).cloned().collect();
        OrganisationPlan { id, name, systems, ..model.clone() }
    };
    (0..CENTRES).map(plan).collect()
}

/// The same choices in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    /// About half of them, in their order; at least so many, if there are so many.
    fn some_of<T: Copy>(&mut self, all: &[T], least: usize) -> Vec<T> {
        let mut chosen: Vec<T> = all.iter().copied().filter(|_| self.below(2) == 0).collect();
        if chosen.len() < least {
            chosen = all.iter().copied().take(least).collect();
        }
        chosen
    }
}
