//! What follows from work: insurance, pension, assessment, income, relief.

use super::Province;
use super::people::Trait;
use crate::simulate::calendar::{Day, Month};
use crate::simulate::samples;

/// One person's social insurance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insurance {
    /// `1` paying, `2` paused, `3` ended.
    pub state: &'static str,
    /// The employer, or the last one.
    pub employer: u32,
    /// First month.
    pub since: Month,
    /// Last month paid.
    pub last: Month,
    /// Months paid in the twelve before `today`'s month.
    pub months_last_12: u16,
    /// Months paid in all.
    pub months_total: u16,
    /// Contribution base of the last month, fen.
    pub base_fen: i64,
}

/// One person's pension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pension {
    /// `110` enterprise, `120` public, `170` resident.
    pub scheme: &'static str,
    /// First month.
    pub since: Month,
    /// In payment.
    pub paying: bool,
}

impl Province {
    /// The month before today's: the newest one that has been settled.
    pub fn settled_month(&self) -> Month {
        self.today().month().minus(1)
    }

    /// Insurance of a person who works or has worked.
    pub fn insurance(&self, person: u32) -> Option<Insurance> {
        let row = self.person(person)?;
        let employer = self.employer_of(person)?;
        let mut dice = self.dice("insurance", person);
        let months = u16::try_from(dice.between(8, 200)).unwrap_or(8);
        let settled = self.settled_month();
        let since = settled.minus(months);
        let left = row.has(Trait::Left);
        let last = if left { self.employment_end(person).month().max(since) } else { settled };
        let paused = !left && person >= samples::COUNT && dice.permille(20);
        let last = if paused { settled.minus(4).max(since) } else { last };
        let total = since.through(last);
        let year_start = settled.minus(11).max(since);
        let base = i64::from(dice.between(3604, 20_000)) * 100;
        Some(Insurance {
            state: if left {
                "3"
            } else if paused {
                "2"
            } else {
                "1"
            },
            employer,
            since,
            last,
            months_last_12: if last < year_start { 0 } else { year_start.through(last) },
            months_total: total,
            base_fen: base,
        })
    }

    /// When employment ended, of a person who left.
    pub fn employment_end(&self, person: u32) -> Day {
        Day::of(2025, 2, 28).plus(self.dice("employment end", person).below(500))
    }

    /// Whether a person who left is registered as unemployed.
    pub fn is_unemployed(&self, person: u32) -> bool {
        self.person(person).is_some_and(|row| row.has(Trait::Left))
            && self.dice("unemployed", person).permille(400)
    }

    /// Pension of a person who draws one.
    pub fn pension(&self, person: u32) -> Option<Pension> {
        let row = self.person(person).filter(|row| row.has(Trait::Pensioner))?;
        let mut dice = self.dice("pension", person);
        let scheme = match dice.below(10) {
            0..5 => "110",
            5..8 => "120",
            _ => "170",
        };
        let age = if row.is_man() { 60 } else { 55 };
        let (year, month, day) = row.birth.parts();
        let since = Day::of(year + age, month, day).plus(31).month();
        // The insurer stops when it hears of the death, later than the police.
        let paying = !row.has(Trait::Dead) || dice.permille(100);
        Some(Pension { scheme, since, paying })
    }

    /// Grade (1 to 10; 1 to 4 is total loss) and day of the labour capacity assessment.
    pub fn assessment(&self, person: u32) -> Option<(u8, Day)> {
        self.person(person).filter(|row| row.has(Trait::Assessed))?;
        let mut dice = self.dice("assessment", person);
        let grade = if person == samples::DISABLED { 2 } else { dice.between(1, 10) };
        let on = Day::of(2018, 1, 8).plus(dice.below(2800));
        Some((u8::try_from(grade).unwrap_or(10), on))
    }

    /// Income of the last twelve months in fen, and months declared.
    pub fn income(&self, person: u32) -> Option<(i64, u16)> {
        let insurance = self.insurance(person)?;
        let months = insurance.months_last_12;
        Some((insurance.base_fen * i64::from(months), months))
    }

    /// Whether the minimum living allowance is paid this month; `None` for who never applied.
    pub fn relief(&self, person: u32) -> Option<bool> {
        self.person(person).filter(|row| row.has(Trait::Relief))?;
        Some(person == samples::RELIEF || self.dice("relief", person).permille(800))
    }

    /// When a person was cremated.
    pub fn cremated_on(&self, person: u32) -> Option<Day> {
        self.person(person).filter(|row| row.has(Trait::Cremated))?;
        Some(self.left_on(person).plus(self.dice("cremation", person).between(1, 9)))
    }
}
