//! Working days in China: Monday to Friday. Public holidays, and the weekends worked for them, are announced each year and
//! not known here; a day too early is what a reminder may be.

use jiff::civil::Date;

/// Working days for an agency's answer where the agreement says nothing: the regulation's own term for a conditional request.
pub const WORKDAYS: u32 = 10;

/// The last day of an answer that may take so many working days, counted from the day after `from`.
pub fn last_day(from: Date, workdays: u32) -> Date {
    let (mut day, mut left) = (from, workdays);
    while left > 0 {
        let Ok(next) = day.tomorrow() else { return day };
        day = next;
        if day.weekday().to_monday_zero_offset() < 5 {
            left -= 1;
        }
    }
    day
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn weekends_are_left_out() {
        // 2026-11-23 is a Monday.
        for (from, workdays, last) in [
            (date(2026, 11, 23), 0, date(2026, 11, 23)),
            (date(2026, 11, 23), 1, date(2026, 11, 24)),
            (date(2026, 11, 23), 4, date(2026, 11, 27)),
            (date(2026, 11, 23), 5, date(2026, 11, 30)),
            (date(2026, 11, 23), 10, date(2026, 12, 7)),
            (date(2026, 11, 27), 1, date(2026, 11, 30)),
            (date(2026, 11, 28), 1, date(2026, 11, 30)),
            (date(2026, 11, 29), 1, date(2026, 11, 30)),
        ] {
            assert_eq!(last_day(from, workdays), last, "{from} {workdays}");
        }
    }
}
