//! Reckoning with thresholds: a share of an amount, so many times an amount, the next step of what an agreement lets ask.
//!
//! There is always a side on which it is safe to err, so whoever writes a rule says which way a rest goes.

use serde::Deserialize;

/// What is made of a whole number `n`: `n × times ÷ over`, as a whole multiple of `step`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// From 1.
    pub times: i64,
    /// From 1.
    pub over: i64,
    /// From 1.
    pub step: i64,
    /// Where a rest goes.
    pub round: Round,
}

/// Where a rest goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Round {
    /// To the next number above, towards positive infinity.
    Up,
    /// To the next number below, towards negative infinity.
    Down,
}

impl Scale {
    /// The number made of this one; `None` when it is too large, or the scale makes no sense.
    pub fn of(&self, number: i64) -> Option<i64> {
        let product = i128::from(number).checked_mul(i128::from(self.times))?;
        let divisor = i128::from(self.over).checked_mul(i128::from(self.step))?;
        let below = product.checked_div_euclid(divisor)?;
        let rest = product.checked_rem_euclid(divisor)?;
        let steps =
            if rest != 0 && self.round == Round::Up { below.checked_add(1)? } else { below };
        i64::try_from(steps.checked_mul(i128::from(self.step))?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(times: i64, over: i64, step: i64, round: Round) -> Scale {
        Scale { times, over, step, round }
    }

    #[test]
    fn a_rest_goes_where_the_rule_says() {
        // A fifth of a price, and a price of which it is none.
        assert_eq!(scale(20, 100, 1, Round::Up).of(1_000), Some(200));
        assert_eq!(scale(20, 100, 1, Round::Up).of(1_001), Some(201));
        assert_eq!(scale(20, 100, 1, Round::Down).of(1_001), Some(200));
        // Twelve instalments of 3,000.01 yuan are 60 % of 60,000.20 yuan: in steps of 1,000.
        assert_eq!(scale(1_200, 60, 100_000, Round::Up).of(300_001), Some(6_100_000));
        assert_eq!(scale(1_200, 60, 100_000, Round::Down).of(300_001), Some(6_000_000));
        assert_eq!(scale(1, 1, 6, Round::Up).of(0), Some(0));
        assert_eq!(
            [1, 6, 7, 12, 13].map(|n| scale(1, 1, 6, Round::Up).of(n).unwrap()),
            [6, 6, 12, 12, 18]
        );
        assert_eq!(scale(1, 2, 1, Round::Up).of(-3), Some(-1));
        assert_eq!(scale(1, 2, 1, Round::Down).of(-3), Some(-2));
    }

    #[test]
    fn what_is_too_large_is_no_number() {
        assert_eq!(scale(2, 1, 1, Round::Down).of(i64::MAX), None);
        assert_eq!(scale(i64::MAX, i64::MAX, 1, Round::Up).of(i64::MAX), Some(i64::MAX));
        assert_eq!(scale(1, 1, 10, Round::Up).of(i64::MAX), None);
        assert_eq!(scale(1, 0, 1, Round::Up).of(1), None);
    }
}
