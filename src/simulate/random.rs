//! Numbers that look random and are always the same: a hash of seed, purpose and index. No state to carry, so any part of
//! the province can be derived at any time, in any order.

/// What a number is drawn for; two purposes never share a draw.
#[derive(Clone, Copy, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// The dice of one thing (`index`) for one purpose.
    pub fn new(seed: u64, purpose: &str, index: u32) -> Self {
        let mut state = mix(seed ^ 0x6865_7961_6e00_2018);
        for byte in purpose.bytes() {
            state = mix(state ^ u64::from(byte));
        }
        Self { state: mix(state ^ (u64::from(index) << 8)) }
    }

    /// 64 even bits.
    pub fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A number below `limit`; 0 when the limit is 0.
    pub fn below(&mut self, limit: u32) -> u32 {
        let high = (u128::from(self.draw()) * u128::from(limit)) >> 64;
        u32::try_from(high).unwrap_or(0)
    }

    /// A number from `low` to `high`, both possible.
    pub fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in `parts` of a thousand cases.
    pub fn permille(&mut self, parts: u32) -> bool {
        self.below(1000) < parts
    }

    /// One of the choices; the type's default when there is none.
    pub fn pick<T: Copy + Default>(&mut self, choices: &[T]) -> T {
        let place = self.below(u32::try_from(choices.len()).unwrap_or(u32::MAX));
        choices.get(place as usize).copied().unwrap_or_default()
    }
}

/// The finaliser of SplitMix64.
fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_repeat_and_differ_by_purpose() {
        let first = Dice::new(1, "home", 7).draw();
        assert_eq!(first, Dice::new(1, "home", 7).draw());
        assert_ne!(first, Dice::new(1, "name", 7).draw());
        assert_ne!(first, Dice::new(2, "home", 7).draw());
        let mut dice = Dice::new(1, "spread", 0);
        let tens = (0..10_000).filter(|_| dice.permille(100)).count();
        assert!((800..1200).contains(&tens), "{tens}");
    }
}
