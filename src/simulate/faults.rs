//! What an agency can be made to do wrong, at any time: be slow, fail, disappear, or answer nonsense.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::random::Dice;

/// Switches of one agency. Clones share them.
#[derive(Clone, Default)]
pub struct Faults {
    switches: Arc<Switches>,
}

#[derive(Default)]
struct Switches {
    delay_ms: AtomicU32,
    jitter_ms: AtomicU32,
    /// Failing answers of a thousand.
    error_permille: AtomicU32,
    outage: AtomicBool,
    nonsense: AtomicU8,
    cities_down: AtomicU32,
    book_down: Mutex<String>,
    rolls: AtomicU64,
    /// What stands in the records, and what is written there instead.
    erratum: Mutex<Option<(String, String)>>,
}

/// Answers with status 200 that must never be taken for a "no".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Nonsense {
    /// Answers make sense.
    #[default]
    Off = 0,
    /// A proxy's error page in HTML, status 200.
    Html = 1,
    /// Half of the answer.
    Truncated = 2,
    /// The answer about somebody else.
    WrongPerson = 3,
    /// Every second field of each record is gone.
    MissingFields = 4,
}

impl Nonsense {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Off, "off"),
        (Self::Html, "html"),
        (Self::Truncated, "truncated"),
        (Self::WrongPerson, "wrong-person"),
        (Self::MissingFields, "missing-fields"),
    ];
}

impl Faults {
    /// Every answer takes this long, plus up to `jitter`.
    pub fn set_delay(&self, fixed: Duration, jitter: Duration) {
        let ms = |span: Duration| u32::try_from(span.as_millis()).unwrap_or(u32::MAX);
        self.switches.delay_ms.store(ms(fixed), Ordering::Relaxed);
        self.switches.jitter_ms.store(ms(jitter), Ordering::Relaxed);
    }

    /// This many of a thousand answers are a server's error.
    pub fn set_error_rate(&self, permille: u32) {
        self.switches.error_permille.store(permille, Ordering::Relaxed);
    }

    /// New connections are dropped before TLS, open ones are answered 503 and closed.
    pub fn set_outage(&self, on: bool) {
        self.switches.outage.store(on, Ordering::Relaxed);
    }

    /// Answers nonsense.
    pub fn set_nonsense(&self, kind: Nonsense) {
        self.switches.nonsense.store(kind as u8, Ordering::Relaxed);
    }

    /// Housing only: so many of the 14 city systems do not answer.
    pub fn set_cities_down(&self, cities: u32) {
        self.switches.cities_down.store(cities.min(14), Ordering::Relaxed);
    }

    /// Police only: the county that keeps the household book of the person with this number does not answer; of nobody's when
    /// empty.
    pub fn set_book_down(&self, number: &str) {
        let mut down = self.switches.book_down.lock().unwrap_or_else(PoisonError::into_inner);
        number.clone_into(&mut down);
    }

    /// HTTP agencies only: wherever `right` should stand in a record, `held` does. `None` puts the records right.
    pub fn set_erratum(&self, erratum: Option<(&str, &str)>) {
        let erratum = erratum.map(|(right, held)| (right.to_owned(), held.to_owned()));
        *self.switches.erratum.lock().unwrap_or_else(PoisonError::into_inner) = erratum;
    }

    /// An answer as the agency's records have it.
    pub fn as_held(&self, text: &str) -> Option<String> {
        let erratum = self.switches.erratum.lock().unwrap_or_else(PoisonError::into_inner);
        erratum.as_ref().map(|(right, held)| text.replace(right.as_str(), held))
    }

    /// True when records are wrong.
    pub fn has_erratum(&self) -> bool {
        self.switches.erratum.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Everything works again.
    pub fn clear(&self) {
        self.set_erratum(None);
        self.set_delay(Duration::ZERO, Duration::ZERO);
        self.set_error_rate(0);
        self.set_outage(false);
        self.set_nonsense(Nonsense::Off);
        self.set_cities_down(0);
        self.set_book_down("");
    }

    /// Applies one switch in words: `outage`, `delay:2s`, `jitter:500ms`, `errors:50` (of a thousand), `html`, `truncated`,
    /// `wrong-person`, `missing-fields`, `cities:3`, `book:NUMBER`, `erratum:"IA">"IB"` (records hold the second where the
    /// first is right), `corrected`, `off`.
    ///
    /// # Errors
    /// The word, when it is none of these.
    pub fn apply(&self, word: &str) -> Result<(), UnknownFault> {
        let unknown = || UnknownFault(word.to_owned());
        let (name, value) = word.split_once(':').unwrap_or((word, ""));
        let count = || value.parse().map_err(|_| unknown());
        let span = || humantime::parse_duration(value).map_err(|_| unknown());
        let kept =
            |which: &AtomicU32| Duration::from_millis(u64::from(which.load(Ordering::Relaxed)));
        match name {
            "off" => self.clear(),
            "outage" => self.set_outage(true),
            "delay" => self.set_delay(span()?, kept(&self.switches.jitter_ms)),
            "jitter" => self.set_delay(kept(&self.switches.delay_ms), span()?),
            "errors" => self.set_error_rate(count()?),
            "cities" => self.set_cities_down(count()?),
            "book" => self.set_book_down(value),
            "erratum" => self.set_erratum(Some(value.split_once('>').ok_or_else(unknown)?)),
            "corrected" => self.set_erratum(None),
            _ => {
                let known = Nonsense::ALL.into_iter().find(|&(_, known)| known == name);
                self.set_nonsense(known.ok_or_else(unknown)?.0);
            }
        }
        Ok(())
    }

    /// True during an outage.
    pub fn is_out(&self) -> bool {
        self.switches.outage.load(Ordering::Relaxed)
    }

    /// Which nonsense, if any.
    pub fn nonsense(&self) -> Nonsense {
        let kind = self.switches.nonsense.load(Ordering::Relaxed);
        let known = Nonsense::ALL.into_iter().find(|&(known, _)| known as u8 == kind);
        known.map_or(Nonsense::Off, |(known, _)| known)
    }

    /// City systems that do not answer.
    pub fn cities_down(&self) -> u32 {
        self.switches.cities_down.load(Ordering::Relaxed)
    }

    /// Whether the household book of the person with this number cannot be had.
    pub fn is_book_down(&self, number: &str) -> bool {
        let down = self.switches.book_down.lock().unwrap_or_else(PoisonError::into_inner);
        !down.is_empty() && *down == number
    }

    /// How long the next answer is held back, and whether it is an error.
    pub fn roll(&self) -> (Duration, bool) {
        let turn = self.switches.rolls.fetch_add(1, Ordering::Relaxed);
        let mut dice = Dice::new(turn, "fault", 0);
        let jitter = dice.below(self.switches.jitter_ms.load(Ordering::Relaxed));
        let delay = self.switches.delay_ms.load(Ordering::Relaxed).saturating_add(jitter);
        let fails = dice.permille(self.switches.error_permille.load(Ordering::Relaxed));
        (Duration::from_millis(u64::from(delay)), fails)
    }

    /// The fields of one record, as many as the agency still sends.
    pub fn thin<T>(&self, fields: Vec<T>) -> Vec<T> {
        let every = if self.nonsense() == Nonsense::MissingFields { 2 } else { 1 };
        fields.into_iter().step_by(every).collect()
    }
}

/// A fault nobody knows.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is no fault; known are outage, delay:2s, jitter:500ms, errors:50, html, truncated, wrong-person, missing-fields, cities:3, book:NUMBER, erratum:RIGHT>HELD, corrected and off"
)]
pub struct UnknownFault(pub String);

/// The same text about somebody else: in every identity number, code or unit number some digits are turned round.
pub fn about_somebody_else(text: &str) -> String {
    let mut changed = String::with_capacity(text.len());
    let mut run = String::new();
    for character in text.chars() {
        if character.is_ascii_alphanumeric() {
            run.push(character);
            continue;
        }
        changed.push_str(&turned(&run));
        changed.push(character);
        run.clear();
    }
    changed.push_str(&turned(&run));
    changed
}

fn turned(run: &str) -> String {
    let digits = run.bytes().filter(u8::is_ascii_digit).count();
    if run.len() < 14 || digits < 12 {
        return run.to_owned();
    }
    run.char_indices()
        .map(|(place, character)| match character.to_digit(10) {
            Some(digit) if place >= 10 => char::from_digit(9 - digit, 10).unwrap_or(character),
            _ => character,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_switch_faults() {
        let faults = Faults::default();
        for word in ["delay:2s", "errors:1000", "wrong-person", "cities:3", "outage"] {
            faults.apply(word).unwrap();
        }
        assert_eq!(faults.roll(), (Duration::from_secs(2), true));
        assert_eq!(faults.nonsense(), Nonsense::WrongPerson);
        assert!(faults.is_out() && faults.cities_down() == 3);
        faults.apply("book:430000198001010013").unwrap();
        assert!(faults.is_book_down("430000198001010013") && !faults.is_book_down(""));
        faults.apply("erratum:\"IA\">\"IB\"").unwrap();
        assert_eq!(faults.as_held(r#"["IA","IC"]"#).unwrap(), r#"["IB","IC"]"#);
        faults.apply("corrected").unwrap();
        assert!(!faults.has_erratum() && faults.apply("erratum:IA").is_err());
        faults.apply("off").unwrap();
        assert!(!faults.is_book_down("430000198001010013"));
        assert_eq!(faults.roll(), (Duration::ZERO, false));
        assert!(faults.apply("fire").is_err());
    }

    #[test]
    fn somebody_else_keeps_the_shape() {
        let text = r#"{"id":"430000198001010013","name":"王伟","n":12}"#;
        let other = about_somebody_else(text);
        assert_ne!(other, text);
        assert_eq!(other.len(), text.len());
        assert!(other.contains("王伟") && other.contains(r#""n":12"#));
    }
}
