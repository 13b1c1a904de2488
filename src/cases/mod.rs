//! Cases: one application for an item, from its rule to an outcome. Pure: it says what to ask next and what follows from the
//! answers; whoever runs it asks the gateway.
//!
//! What a case has found out is its [`Course`], which names nobody. [`conclude`] looks at the rule and the course only, so an
//! auditor comes to the same outcome from the log.

pub mod advice;
pub mod application;
pub mod conclude;
pub mod course;
pub mod day;
mod family;
pub mod filed;
pub mod progress;
mod question_id;
mod sound;
mod standing;
#[cfg(test)]
mod tests;

/// No case lasts longer, whatever its caller allows: a drain waits for them, and an auditor looks for a case's answers
/// within an hour of it.
pub const LONGEST: std::time::Duration = std::time::Duration::from_secs(600);

pub use self::advice::advice;
pub use self::application::{Application, Attached, Flaw};
pub use self::conclude::{Conclusion, Missing, NeedState, Outcome, State, Why, conclude};
pub use self::course::{About, Answer, Course, Shape, Told, Unheard};
pub use self::filed::{Filed, NotFiled};
pub use self::progress::{Asking, Case, Heard};
pub use self::question_id::question_id;
pub use self::sound::{on_word, places, unsound};
