//! How much of what an agency is asked may be repetition.

use std::time::Duration;

use tower::retry::budget::{Budget as _, TpsBudget};

/// How long a question counts. Short enough that a quiet hour does not pay for a burst.
const REMEMBERED: Duration = Duration::from_secs(10);

/// Repetitions and hedges together: a share of the questions, and a floor for quiet times.
pub(super) struct Budget(TpsBudget);

impl Budget {
    /// `share` is from 0 to 1, and rounded down to one in so many; `floor` is per second.
    pub(super) fn new(share: f64, floor: u32) -> Self {
        // The crate takes the whole part of 1/share, which would make 0.4 into one half. A share that lies between two
        // whole numbers keeps the one that was meant.
        let one_in = if share > 0.0 { (1.0 / share - 1e-9).ceil() } else { 0.0 };
        let share = if one_in > 0.0 { (1.0 / (one_in + 0.25)) as f32 } else { 0.0 };
        Self(TpsBudget::new(REMEMBERED, floor, share))
    }

    /// A question is put to the agency for the first time.
    pub(super) fn asked(&self) {
        self.0.deposit();
    }

    /// Takes one repetition out of it; false when nothing is left.
    pub(super) fn take(&self) -> bool {
        self.0.withdraw()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(budget: &Budget) -> usize {
        (0..1_000).take_while(|_| budget.take()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_share_is_never_exceeded_and_a_floor_is_always_there() {
        for (share, questions, repetitions) in [
            (0.1, 100, 10),
            (0.4, 100, 33),
            (0.5, 100, 50),
            (1.0, 100, 100),
            (0.02, 100, 2),
            (0.0, 100, 0),
        ] {
            let budget = Budget::new(share, 0);
            assert!(!budget.take(), "nothing was asked yet");
            (0..questions).for_each(|_| budget.asked());
            assert_eq!(taken(&budget), repetitions, "{share}");
        }
        let quiet = Budget::new(0.0, 1);
        assert_eq!(taken(&quiet), 10);
        tokio::time::advance(REMEMBERED * 2).await;
        assert_eq!(taken(&quiet), 10);
    }
}
