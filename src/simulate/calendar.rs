//! Days and months as small numbers, and the forms agencies print them in.

/// A day, counted from 1900-01-01. Two bytes reach to 2079; day 0 stands for "no date", as the agencies' own sentinel does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(pub u16);

/// Days from 1900-01-01 to 1970-01-01.
const TO_UNIX: i64 = 25_567;

impl Day {
    /// The day of a year, month and day of month; days past the month's end run into the next month.
    pub fn of(year: u16, month: u8, day: u8) -> Self {
        // Howard Hinnant's `days_from_civil`: years begin in March, so that leap days come last.
        let shifted = i64::from(year) - i64::from(month <= 2);
        let era = shifted.div_euclid(400);
        let year_of_era = shifted.rem_euclid(400);
        let month_index = (i64::from(month) + 9) % 12;
        let day_of_year = (153 * month_index + 2) / 5 + i64::from(day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Self::from_unix_days(era * 146_097 + day_of_era - 719_468)
    }

    /// The day this many days after 1970-01-01.
    pub fn from_unix_days(days: i64) -> Self {
        Self(u16::try_from(days + TO_UNIX).unwrap_or(0))
    }

    /// Year, month, day of month.
    pub fn parts(self) -> (u16, u8, u8) {
        let days = i64::from(self.0) - TO_UNIX + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_index = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month_index + 2) / 5 + 1;
        let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (
            u16::try_from(year).unwrap_or(1900),
            u8::try_from(month).unwrap_or(1),
            u8::try_from(day).unwrap_or(1),
        )
    }

    /// True when it stands for "no date".
    pub fn is_none(self) -> bool {
        self.0 == 0
    }

    /// This many days later.
    pub fn plus(self, days: u32) -> Self {
        Self(u16::try_from(u32::from(self.0).saturating_add(days)).unwrap_or(u16::MAX))
    }

    /// Whole years from this day to `later`.
    pub fn years_until(self, later: Self) -> u16 {
        let (from, to) = (self.parts(), later.parts());
        to.0.saturating_sub(from.0).saturating_sub(u16::from((to.1, to.2) < (from.1, from.2)))
    }

    /// The month it lies in.
    pub fn month(self) -> Month {
        let (year, month, _) = self.parts();
        Month(year * 12 + u16::from(month) - 1)
    }

    /// `2019-05-20`
    pub fn iso(self) -> String {
        let (year, month, day) = self.parts();
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// `20190520`
    pub fn compact(self) -> String {
        let (year, month, day) = self.parts();
        format!("{year:04}{month:02}{day:02}")
    }

    /// `2019-05-20 00:00:00.0`, as Java prints a timestamp; no date becomes 1900-01-01.
    pub fn java(self) -> String {
        format!("{} 00:00:00.0", self.iso())
    }
}

/// A month, counted from year 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(pub u16);

impl Month {
    /// This many months earlier.
    pub fn minus(self, months: u16) -> Self {
        Self(self.0.saturating_sub(months))
    }

    /// Months from this one to `later`, both counted; zero when it is not later.
    pub fn through(self, later: Self) -> u16 {
        (later.0 + 1).saturating_sub(self.0)
    }

    /// `2019-05`
    pub fn iso(self) -> String {
        format!("{:04}-{:02}", self.0 / 12, self.0 % 12 + 1)
    }

    /// 201905
    pub fn period(self) -> i64 {
        i64::from(self.0 / 12) * 100 + i64::from(self.0 % 12) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_go_there_and_back() {
        assert_eq!(Day::of(1900, 1, 1), Day(0));
        assert_eq!(Day::of(1970, 1, 1), Day::from_unix_days(0));
        assert_eq!(Day::of(2000, 2, 29).iso(), "2000-02-29");
        assert_eq!(Day::of(2026, 10, 31).plus(1).iso(), "2026-11-01");
        assert_eq!(Day(0).java(), "1900-01-01 00:00:00.0");
        assert_eq!(Day::of(1980, 6, 2).years_until(Day::of(2026, 6, 1)), 45);
        assert_eq!(Day::of(2026, 1, 31).month().minus(1).iso(), "2025-12");
        assert_eq!(Day::of(2026, 11, 23).month().period(), 202_611);
    }
}
