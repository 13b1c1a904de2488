//! People, in households, with their marriages.

use super::employers::Employer;
use super::{DRAWN_ON, NONE, Province, names};
use crate::simulate::calendar::Day;
use crate::simulate::numbers;
use crate::simulate::random::Dice;
use crate::simulate::samples;

/// One person, 36 bytes. The rest is derived from the index.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// Birthday, as the number says.
    pub birth: Day,
    /// Sequence in the number; odd for men.
    pub sequence: u16,
    /// Set of [`Trait`].
    pub traits: u16,
    /// Place in the table of surnames.
    pub surname: u8,
    /// To the head of the household.
    pub relation: Relation,
    /// Row of the household.
    pub household: u32,
    /// Rows of up to two marriages, oldest first.
    pub marriages: [u32; 2],
    /// Row of the employer, or of the last one.
    pub employer: u32,
}

/// What may be said of a person, each one bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Trait {
    /// Holds a permanent residence identity card, not a citizen's.
    Foreigner = 1,
    /// Dead, and the police know.
    Dead = 2,
    /// Cremated; the police may not know yet.
    Cremated = 4,
    /// Draws a pension.
    Pensioner = 8,
    /// Assessed by the labour capacity board.
    Assessed = 16,
    /// On the list of the minimum living allowance.
    Relief = 32,
    /// Settled abroad, household registration cancelled.
    Abroad = 64,
    /// Moved to another province.
    Moved = 128,
    /// Employment ended.
    Left = 256,
    /// Had another name.
    Renamed = 512,
    /// Name with a middle dot, which registers write differently.
    Dotted = 1024,
    /// Name with a character outside GBK.
    RareName = 2048,
}

/// To the head of the household.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The head.
    Head,
    /// The head's spouse.
    Spouse,
    /// The head's child.
    Child,
    /// The head's parent.
    Parent,
}

impl Relation {
    /// Code of GB/T 4761, as the police print it; a child's depends on the sex.
    pub fn code(self, man: bool) -> &'static str {
        match (self, man) {
            (Self::Head, _) => "02",
            (Self::Spouse, true) => "11",
            (Self::Spouse, false) => "12",
            (Self::Child, true) => "20",
            (Self::Child, false) => "30",
            (Self::Parent, true) => "51",
            (Self::Parent, false) => "52",
        }
    }
}

/// A marriage and how it ended.
#[derive(Clone, Copy, Debug)]
pub struct Marriage {
    /// The husband.
    pub man: u32,
    /// The wife.
    pub woman: u32,
    /// Registered.
    pub on: Day,
    /// Ended; [`Day::is_none`] while it lasts.
    pub ended: Day,
    /// How it ended.
    pub end: MarriageEnd,
    /// A lost certificate was issued again on that day; of a marriage that has ended, the old one (op_type ICA after IB).
    pub reissued: Day,
}

/// How a marriage ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarriageEnd {
    /// It lasts, or ended by a death (which civil affairs do not register).
    None,
    /// Divorced at the registry.
    Divorced,
    /// Annulled.
    Annulled,
}

impl Person {
    /// First 17 digits of the number.
    pub fn key(&self) -> u64 {
        numbers::person_key(self.has(Trait::Foreigner), self.birth, self.sequence)
    }

    /// The whole number.
    pub fn number(&self) -> String {
        numbers::with_check(self.key())
    }

    /// By the number's 17th digit.
    pub fn is_man(&self) -> bool {
        self.sequence % 2 == 1
    }

    /// Whether that is true of the person.
    pub fn has(&self, wanted: Trait) -> bool {
        self.traits & wanted as u16 != 0
    }
}

impl Province {
    /// A person's name, in its right form.
    pub fn name(&self, index: u32) -> String {
        let Some(person) = self.person(index) else { return String::new() };
        let mut dice = self.dice("name", index);
        if person.has(Trait::Foreigner) {
            return names::foreign(&mut dice);
        }
        if person.has(Trait::Dotted) {
            return names::dotted(&mut dice);
        }
        if person.has(Trait::RareName) {
            return names::rare(&mut dice, person.surname);
        }
        names::citizen(&mut dice, person.surname)
    }

    /// The name a person had before.
    pub fn former_name(&self, index: u32) -> Option<String> {
        let person = self.person(index).filter(|person| person.has(Trait::Renamed))?;
        Some(names::citizen(&mut self.dice("former name", index), person.surname))
    }

    /// The county-level division of a person's household registration.
    pub fn division_of(&self, index: u32) -> u32 {
        let household = self.person(index).map_or(0, |person| person.household);
        self.city("household", household).0 + 2
    }

    /// The day of death, of registration abroad or of moving away.
    pub fn left_on(&self, index: u32) -> Day {
        Day::of(2021, 1, 5).plus(self.dice("left", index).below(1900))
    }

    /// True while the marriage is in force.
    pub fn is_married(&self, marriage: &Marriage) -> bool {
        marriage.end == MarriageEnd::None
    }

    /// The marriage certificate's number (op_type I) or that of the divorce.
    pub fn certificate(&self, marriage: u32, kind: &str, on: Day) -> String {
        let (city, _) = self.city("marriage", marriage);
        format!("{kind}{city}-{}-{:06}", on.parts().0, marriage % 1_000_000)
    }
}

/// What `draw` makes.
pub(super) struct Drawn {
    pub(super) people: Vec<Person>,
    pub(super) households: Vec<u32>,
    pub(super) marriages: Vec<Marriage>,
}

/// Draws households until there are that many people; the samples come first.
pub(super) fn draw(seed: u64, count: u32, employers: &mut [Employer]) -> Drawn {
    let mut census = Census {
        seed,
        count,
        people: Vec::with_capacity(count as usize),
        households: Vec::with_capacity(count as usize / 2),
        marriages: Vec::with_capacity(count as usize / 3),
        sequences: vec![[0; 2]; usize::from(Day::of(2030, 1, 1).0)],
        employers,
    };
    samples::settle(&mut census);
    while !census.is_full() {
        census.draw_household();
    }
    Drawn { people: census.people, households: census.households, marriages: census.marriages }
}

/// The province while people move in.
pub(in crate::simulate) struct Census<'a> {
    seed: u64,
    count: u32,
    people: Vec<Person>,
    households: Vec<u32>,
    marriages: Vec<Marriage>,
    /// Per birthday: how many men, how many women.
    sequences: Vec<[u16; 2]>,
    employers: &'a mut [Employer],
}

impl Census<'_> {
    fn is_full(&self) -> bool {
        self.next() >= self.count
    }

    fn next(&self) -> u32 {
        u32::try_from(self.people.len()).unwrap_or(NONE)
    }

    /// Opens a household for the people settled next.
    pub(in crate::simulate) fn open_household(&mut self) {
        self.households.push(self.next());
    }

    /// Settles one person in the household opened last.
    pub(in crate::simulate) fn settle(
        &mut self,
        man: bool,
        birth: Day,
        relation: Relation,
        surname: u8,
    ) -> u32 {
        let index = self.next();
        let mut birth = birth;
        let sequence = loop {
            let Some(taken) = self.sequences.get_mut(usize::from(birth.0)) else { break 1 };
            let taken = if man { &mut taken[0] } else { &mut taken[1] };
            let sequence = *taken * 2 + if man { 1 } else { 2 };
            if sequence < 999 {
                *taken += 1;
                break sequence;
            }
            // Every number of that day is taken: born a day later.
            birth = birth.plus(1);
        };
        self.people.push(Person {
            birth,
            sequence,
            traits: 0,
            surname,
            relation,
            household: u32::try_from(self.households.len()).unwrap_or(1) - 1,
            marriages: [NONE; 2],
            employer: NONE,
        });
        index
    }

    /// Says something of a person.
    pub(in crate::simulate) fn mark(&mut self, person: u32, traits: &[Trait]) {
        if let Some(person) = self.people.get_mut(person as usize) {
            for &one in traits {
                person.traits |= one as u16;
            }
        }
    }

    /// Gives a person work.
    pub(in crate::simulate) fn employ(&mut self, person: u32, employer: u32) {
        if let Some(row) = self.people.get_mut(person as usize) {
            row.employer = employer;
            if let Some(employer) = self.employers.get_mut(employer as usize) {
                employer.headcount += 1;
            }
        }
    }

    /// Marries two people; how it ended comes with it.
    pub(in crate::simulate) fn marry(&mut self, marriage: Marriage) {
        let index = u32::try_from(self.marriages.len()).unwrap_or(NONE);
        for person in [marriage.man, marriage.woman] {
            if let Some(row) = self.people.get_mut(person as usize) {
                let free = row.marriages.iter_mut().find(|place| **place == NONE);
                if let Some(place) = free {
                    *place = index;
                }
            }
        }
        self.marriages.push(marriage);
    }

    fn draw_household(&mut self) {
        let number = u32::try_from(self.households.len()).unwrap_or(0);
        let mut dice = Dice::new(self.seed, "household", number);
        self.open_household();
        let year = u16::try_from(dice.between(1938, 2003)).unwrap_or(1980);
        let man_heads = dice.permille(700);
        let surname = u8::try_from(dice.below(names::surnames())).unwrap_or(0);
        let head = self.settle(man_heads, birthday(&mut dice, year), Relation::Head, surname);
        self.give_traits(&mut dice, head);
        if dice.permille(620) && year < 2002 && !self.is_full() {
            self.draw_couple(&mut dice, head, man_heads, year);
            let children = if year < 1955 { 0 } else { dice.below(3) };
            for _ in 0..children {
                let born = (year + 24 + u16::try_from(dice.below(10)).unwrap_or(0)).min(2025);
                if self.is_full() || born < year + 18 {
                    break;
                }
                let man = dice.permille(510);
                let child = self.settle(man, birthday(&mut dice, born), Relation::Child, surname);
                self.give_traits(&mut dice, child);
            }
        }
        if (1965..1995).contains(&year) && dice.permille(120) && !self.is_full() {
            let born = year - 22 - u16::try_from(dice.below(8)).unwrap_or(0);
            let man = dice.permille(400);
            let parent = self.settle(man, birthday(&mut dice, born), Relation::Parent, surname);
            self.give_traits(&mut dice, parent);
        }
    }

    /// A spouse for the head. One couple in seven has parted and still shares the household book, as happens: the book is no
    /// evidence of a marriage.
    fn draw_couple(&mut self, dice: &mut Dice, head: u32, man_heads: bool, year: u16) {
        let surname = u8::try_from(dice.below(names::surnames())).unwrap_or(0);
        let born = year.saturating_add(u16::try_from(dice.below(5)).unwrap_or(0)).min(2003);
        let spouse = self.settle(!man_heads, birthday(dice, born), Relation::Spouse, surname);
        self.give_traits(dice, spouse);
        let (man, woman) = if man_heads { (head, spouse) } else { (spouse, head) };
        let wed = (born + 22 + u16::try_from(dice.below(6)).unwrap_or(0)).min(2025);
        let on = birthday(dice, wed);
        let parted = dice.permille(140);
        let ended = on.plus(400 + dice.below(5000));
        let parted = parted && ended < drawn_on();
        let end = match (parted, dice.permille(30)) {
            (false, _) => MarriageEnd::None,
            (true, true) => MarriageEnd::Annulled,
            (true, false) => MarriageEnd::Divorced,
        };
        let reissued = on.plus(200 + dice.below(8000));
        let reissued = if dice.permille(50) && reissued < drawn_on() { reissued } else { Day(0) };
        let ended = if parted { ended } else { Day(0) };
        self.marry(Marriage { man, woman, on, ended, end, reissued });
    }

    fn give_traits(&mut self, dice: &mut Dice, index: u32) {
        let Some(person) = self.people.get(index as usize).copied() else { return };
        let age = person.birth.years_until(drawn_on());
        let mut mark = |on: bool, traits: &[Trait]| {
            if on {
                self.mark(index, traits);
            }
        };
        let dead = dice.permille(if age > 75 { 250 } else { 6 });
        mark(dead, &[Trait::Dead]);
        // Registers lag: one cremation in twenty has not reached the police.
        mark(
            if dead { dice.permille(900) } else { age > 60 && dice.permille(8) },
            &[Trait::Cremated],
        );
        let retired = age >= if person.is_man() { 61 } else { 56 };
        mark(retired && dice.permille(820), &[Trait::Pensioner]);
        mark(age > 20 && dice.permille(6), &[Trait::Assessed]);
        mark(dice.permille(15), &[Trait::Relief]);
        mark(!dead && dice.permille(3), &[Trait::Abroad]);
        mark(!dead && dice.permille(10), &[Trait::Moved]);
        mark(dice.permille(2), &[Trait::Foreigner]);
        mark(dice.permille(12), &[Trait::Renamed]);
        mark(dice.permille(6), &[Trait::Dotted]);
        mark(dice.permille(4), &[Trait::RareName]);
        let works = (20..61).contains(&age) && !retired && !dead && dice.permille(780);
        if works {
            let employer = dice.below(u32::try_from(self.employers.len()).unwrap_or(1));
            self.employ(index, employer);
            if dice.permille(60) {
                self.mark(index, &[Trait::Left]);
            }
        }
    }
}

/// The day the province was drawn.
pub(in crate::simulate) fn drawn_on() -> Day {
    let (year, month, day) = DRAWN_ON;
    Day::of(year, month, day)
}

fn birthday(dice: &mut Dice, year: u16) -> Day {
    Day::of(year, 1, 1).plus(dice.below(365))
}
