//! Six simulated agencies over their real protocols, in front of one synthetic province.

pub mod calendar;
pub mod numbers;
pub mod province;
pub mod random;
pub mod samples;
