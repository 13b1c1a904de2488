//! One synthetic province: people, families, employers and homes that agree with each other, from one seed.
//!
//! What links things is stored in small rows (who is married to whom, who owns what, who works where). Everything else (a
//! name, a price, a date of payment) is derived from the row's number when an agency is asked, so 100,000 people take a few
//! megabytes and a fraction of a second. The same seed and size give the same province in every run; only monthly things
//! (insurance, income, relief) run up to `today`.

mod employers;
mod homes;
pub mod names;
mod people;
mod work;

use std::ops::Range;

use thiserror::Error;

pub use self::employers::{Change, Employer, EmployerStatus};
pub use self::homes::{Home, HomeFlag, HomeKind, HomeState, Permit, PermitKind};
pub(in crate::simulate) use self::people::Census;
pub use self::people::{Marriage, MarriageEnd, Person, Relation, Trait};
pub use self::work::{Insurance, Pension};

use super::calendar::Day;
use super::numbers;
use super::random::Dice;

/// No such row.
pub const NONE: u32 = u32::MAX;

/// The day on which the province was drawn: no birth, marriage, contract or registration is later.
pub const DRAWN_ON: (u16, u8, u8) = (2026, 10, 31);

/// Most people of one province: sequence numbers of one birthday must suffice.
pub const MOST_PEOPLE: u32 = 2_000_000;
/// Fewest: the samples need room.
pub const FEWEST_PEOPLE: u32 = 200;

/// The 14 cities (市州): division code and name.
pub const CITIES: [(u32, &str); 14] = [
    (430_100, "长沙市"),
    (430_200, "株洲市"),
    (430_300, "湘潭市"),
    (430_400, "衡阳市"),
    (430_500, "邵阳市"),
    (430_600, "岳阳市"),
    (430_700, "常德市"),
    (430_800, "张家界市"),
    (430_900, "益阳市"),
    (431_000, "郴州市"),
    (431_100, "永州市"),
    (431_200, "怀化市"),
    (431_300, "娄底市"),
    (433_100, "湘西州"),
];

/// Why a province cannot be made.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ProvinceError {
    /// Too small or too large.
    #[error("a province has {FEWEST_PEOPLE} to {MOST_PEOPLE} people, not {0}")]
    Size(u32),
}

/// The province. Immutable once made.
pub struct Province {
    seed: u64,
    today: Day,
    people: Vec<Person>,
    /// First person of each household; households are runs of people.
    households: Vec<u32>,
    marriages: Vec<Marriage>,
    employers: Vec<Employer>,
    homes: Vec<Home>,
    /// (key of the number, person), sorted.
    by_key: Vec<(u64, u32)>,
    /// (owner, home), sorted.
    by_owner: Vec<(u32, u32)>,
}

impl Province {
    /// Draws a province of that many people; a tenth as many employers. `today` bounds monthly payments.
    ///
    /// # Errors
    /// When the size is out of bounds.
    pub fn generate(seed: u64, people: u32, today: Day) -> Result<Self, ProvinceError> {
        if !(FEWEST_PEOPLE..=MOST_PEOPLE).contains(&people) {
            return Err(ProvinceError::Size(people));
        }
        let mut employers = employers::draw(seed, people / 10);
        let drawn = people::draw(seed, people, &mut employers);
        let homes = homes::draw(seed, &drawn);
        let mut by_key: Vec<(u64, u32)> =
            (0..).zip(&drawn.people).map(|(index, person)| (person.key(), index)).collect();
        by_key.sort_unstable();
        let mut by_owner: Vec<(u32, u32)> = (0..)
            .zip(&homes)
            .flat_map(|(index, home)| {
                home.owners().chain(home.seller()).map(move |person| (person, index))
            })
            .collect();
        by_owner.sort_unstable();
        Ok(Self {
            seed,
            today,
            people: drawn.people,
            households: drawn.households,
            marriages: drawn.marriages,
            employers,
            homes,
            by_key,
            by_owner,
        })
    }

    /// The day up to which monthly payments run.
    pub fn today(&self) -> Day {
        self.today
    }

    /// How many people.
    pub fn population(&self) -> u32 {
        u32::try_from(self.people.len()).unwrap_or(u32::MAX)
    }

    /// How many employers.
    pub fn employer_count(&self) -> u32 {
        u32::try_from(self.employers.len()).unwrap_or(u32::MAX)
    }

    /// How many homes.
    pub fn home_count(&self) -> u32 {
        u32::try_from(self.homes.len()).unwrap_or(u32::MAX)
    }

    /// One person's row.
    pub fn person(&self, index: u32) -> Option<&Person> {
        self.people.get(index as usize)
    }

    /// One employer's row.
    pub fn employer(&self, index: u32) -> Option<&Employer> {
        self.employers.get(index as usize)
    }

    /// One home's row.
    pub fn home(&self, index: u32) -> Option<&Home> {
        self.homes.get(index as usize)
    }

    /// The person with that 18-character number, checked.
    pub fn find_person(&self, number: &str) -> Option<(u32, &Person)> {
        let key = numbers::key_of(number)?;
        let place = self.by_key.binary_search_by_key(&key, |&(key, _)| key).ok()?;
        let &(_, index) = self.by_key.get(place)?;
        Some((index, self.person(index)?))
    }

    /// The employer with that code.
    pub fn find_employer(&self, uscc: &str) -> Option<(u32, &Employer)> {
        let index = uscc.get(8..16)?.parse().ok()?;
        let employer = self.employer(index)?;
        (self.uscc(index) == uscc).then_some((index, employer))
    }

    /// Homes that a person owns or co-owns, has bought by a filed contract, or has sold by one and still holds.
    pub fn homes_of(&self, person: u32) -> impl Iterator<Item = (u32, &Home)> {
        let start = self.by_owner.partition_point(|&(owner, _)| owner < person);
        self.by_owner
            .get(start..)
            .unwrap_or_default()
            .iter()
            .take_while(move |&&(owner, _)| owner == person)
            .filter_map(|&(_, home)| Some((home, self.home(home)?)))
    }

    /// The people of a household, dead ones included.
    pub fn household(&self, person: &Person) -> Range<u32> {
        let first = self.households.get(person.household as usize).copied().unwrap_or(0);
        let next = self.households.get(person.household as usize + 1).copied();
        first..next.unwrap_or(self.population())
    }

    /// A person's marriages, oldest first.
    pub fn marriages_of(&self, person: &Person) -> impl Iterator<Item = (u32, &Marriage)> {
        person
            .marriages
            .into_iter()
            .filter_map(|index| Some((index, self.marriages.get(index as usize)?)))
    }

    /// Dice for one thing of the province.
    pub(super) fn dice(&self, purpose: &str, index: u32) -> Dice {
        Dice::new(self.seed, purpose, index)
    }

    /// The city a household or a home lies in: code and name.
    pub fn city(&self, purpose: &str, index: u32) -> (u32, &'static str) {
        let place = self.dice(purpose, index).below(14) as usize;
        CITIES.get(place).copied().unwrap_or((430_100, "长沙市"))
    }
}

#[cfg(test)]
mod tests;
