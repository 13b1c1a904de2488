//! Employers: enterprises, sole traders, public institutions, organs of state, social organisations.

use super::people::drawn_on;
use super::{NONE, Province, names};
use crate::simulate::calendar::Day;
use crate::simulate::numbers;
use crate::simulate::random::Dice;
use crate::simulate::samples;

/// One employer, 12 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Employer {
    /// First two characters of the code: who registered it, and as what.
    pub prefix: &'static str,
    /// Registration status.
    pub status: EmployerStatus,
    /// Insured people who work there.
    pub headcount: u32,
}

/// Registration status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmployerStatus {
    /// 存续
    Active,
    /// 吊销, not yet deregistered
    Revoked,
    /// 注销
    Deregistered,
    /// 迁出
    MovedAway,
}

/// One entry of the register of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What changed: `01` name, `02` address, `03` capital, `04` representative, `99` deregistration.
    pub item: &'static str,
    /// Before.
    pub before: String,
    /// After.
    pub after: String,
    /// When.
    pub on: Day,
}

pub(super) fn draw(seed: u64, count: u32) -> Vec<Employer> {
    (0..count)
        .map(|index| {
            let mut dice = Dice::new(seed, "employer", index);
            let prefix = match dice.below(1000) {
                0..550 => "91",
                550..650 => "92",
                650..680 => "93",
                680..880 => "12",
                880..960 => "11",
                960..980 => "51",
                980..995 => "52",
                _ => "53",
            };
            let status = match dice.below(1000) {
                0..900 => EmployerStatus::Active,
                900..940 => EmployerStatus::Revoked,
                940..985 => EmployerStatus::Deregistered,
                _ => EmployerStatus::MovedAway,
            };
            let (prefix, status) = samples::employer(index).unwrap_or((prefix, status));
            Employer { prefix, status, headcount: 0 }
        })
        .collect()
}

impl Province {
    /// An employer's unified social credit code. Its body is the row's number.
    pub fn uscc(&self, index: u32) -> String {
        self.employer(index).map_or_else(String::new, |row| numbers::uscc(row.prefix, index))
    }

    /// An employer's present name.
    pub fn employer_name(&self, index: u32) -> String {
        let Some(row) = self.employer(index) else { return String::new() };
        names::employer(&mut self.dice("employer name", index), row.prefix, index)
    }

    /// When it was registered.
    pub fn established(&self, index: u32) -> Day {
        Day::of(1995, 3, 1).plus(self.dice("established", index).below(9000))
    }

    /// The legal representative: some adult of the province.
    pub fn representative(&self, index: u32) -> u32 {
        let mut dice = self.dice("representative", index);
        let drawn = (0..50).map(|_| dice.below(self.population())).find(|&person| {
            self.person(person)
                .is_some_and(|row| (25..70).contains(&row.birth.years_until(drawn_on())))
        });
        drawn.unwrap_or(0)
    }

    /// The register of changes, oldest first. A deregistration is its last entry.
    pub fn changes(&self, index: u32) -> Vec<Change> {
        let Some(row) = self.employer(index) else { return Vec::new() };
        let mut dice = self.dice("changes", index);
        let count = if index == samples::ACTIVE_ENTERPRISE { 12 } else { dice.below(4) };
        let mut on = self.established(index);
        let mut changes = Vec::new();
        for number in 0..count {
            on = on.plus(30 + dice.below(150));
            let (item, before, after) = match (number, dice.below(3)) {
                (0, _) => ("01", self.former_employer_name(index), self.employer_name(index)),
                (_, 0) => ("02", "长沙市甲路1号".to_owned(), "长沙市乙路2号".to_owned()),
                (_, 1) => ("03", "100万元".to_owned(), "500万元".to_owned()),
                _ => ("04", "***".to_owned(), "***".to_owned()),
            };
            changes.push(Change { item, before, after, on });
        }
        if row.status == EmployerStatus::Deregistered {
            let on = self.status_since(index);
            changes.push(Change { item: "99", before: String::new(), after: String::new(), on });
        }
        changes
    }

    /// The name before the first change.
    pub fn former_employer_name(&self, index: u32) -> String {
        format!("长沙旧名{}", self.employer_name(index))
    }

    /// Since when the status holds.
    pub fn status_since(&self, index: u32) -> Day {
        match self.employer(index).map(|row| row.status) {
            Some(EmployerStatus::Active) | None => self.established(index),
            Some(_) => Day::of(2023, 6, 1).plus(self.dice("status", index).below(1100)),
        }
    }

    /// Loss in the last year, tax cleared, arrears of tax.
    pub fn tax_standing(&self, index: u32) -> (bool, bool, bool) {
        let mut dice = self.dice("tax standing", index);
        let cleared =
            self.employer(index).is_some_and(|row| row.status == EmployerStatus::Deregistered);
        (dice.permille(220), cleared, index != samples::ACTIVE_ENTERPRISE && dice.permille(40))
    }

    /// Whether it pays its social insurance, and how many months it owes.
    pub fn insurance_standing(&self, index: u32) -> (bool, u32) {
        let active = self.employer(index).is_some_and(|row| row.status == EmployerStatus::Active);
        let mut dice = self.dice("insurance standing", index);
        let owes = index != samples::ACTIVE_ENTERPRISE && dice.permille(50);
        match (active, owes) {
            (false, _) => (false, 0),
            (true, true) => (false, dice.between(1, 9)),
            (true, false) => (true, 0),
        }
    }

    /// The employer of a person, when there is one.
    pub fn employer_of(&self, person: u32) -> Option<u32> {
        self.person(person).map(|row| row.employer).filter(|&employer| employer != NONE)
    }
}
