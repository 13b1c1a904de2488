//! Changes of what may be learnt of each attribute.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::super::form::{ClauseTerms, LimitTerms, LimitValue};
use super::super::reading::{comparison, mask, value};
use super::{Changes, Effect};
use crate::decision::mask::Mask;
use crate::query::value::Comparison;

/// Every attribute that either clause names.
pub(super) fn all(old: &ClauseTerms, new: &ClauseTerms, changes: &mut Changes<'_>) {
    let names: BTreeSet<&String> = [old, new]
        .into_iter()
        .flat_map(|clause| {
            let lists = clause.assert.iter().chain(&clause.disclose).chain(&clause.never);
            lists.chain(clause.mask.keys())
        })
        .collect();
    for name in names {
        withheld(name, old, new, changes);
        asserted(name, old, new, changes);
        disclosed(name, old, new, changes);
    }
}

fn withheld(name: &String, old: &ClauseTerms, new: &ClauseTerms, changes: &mut Changes<'_>) {
    let shown = changes.voice.attribute(&new.fact, name);
    match (old.never.contains(name), new.never.contains(name)) {
        (false, true) => changes.note(
            Effect::Narrower,
            format!("{shown}：列为不予共享"),
            format!("{shown}: never provided from now on, under whichever clause"),
        ),
        (true, false) => changes.note(
            Effect::Wider,
            format!("{shown}：不再列为不予共享"),
            format!("{shown}: no longer among what is never provided"),
        ),
        (true, true) | (false, false) => {}
    }
}

fn asserted(name: &String, old: &ClauseTerms, new: &ClauseTerms, changes: &mut Changes<'_>) {
    let voice = changes.voice;
    let shown = voice.attribute(&new.fact, name);
    match (old.assert.contains(name), new.assert.contains(name)) {
        (false, false) => {}
        (true, false) => changes.note(
            Effect::Narrower,
            format!("{shown}：不再可核验"),
            format!("{shown}: may no longer be asserted about"),
        ),
        (false, true) => {
            let limit = new.limits.get(name).map_or(String::new(), |limit| {
                let limit = limit.read(voice);
                voice.say(format!("（{limit}）"), format!(" ({limit})"))
            });
            changes.note(
                Effect::Wider,
                format!("{shown}：现可核验{limit}"),
                format!("{shown}: may now be asserted about{limit}"),
            );
        }
        (true, true) => {
            let none = LimitTerms::default();
            let before = old.limits.get(name).unwrap_or(&none);
            limits(&shown, before, new.limits.get(name).unwrap_or(&none), changes);
        }
    }
}

/// A limit that is left out limits nothing, as does each empty part of one.
fn limits(shown: &str, old: &LimitTerms, new: &LimitTerms, changes: &mut Changes<'_>) {
    let voice = changes.voice;
    let names = |list: &[Comparison]| -> Vec<String> {
        let words = list.iter().map(|one| comparison(*one, voice));
        words.map(|word| format!("{shown} {word}")).collect()
    };
    let (before, after) = (names(&old.comparisons), names(&new.comparisons));
    let term = ("核验的比较方式", "comparisons");
    changes.accepted(term, (&before, &after), &|name: &String| name.clone());

    let names = |list: &[LimitValue]| -> Vec<String> {
        let words = list.iter().map(|one| value(one, voice));
        words.map(|word| format!("{shown} {word}")).collect()
    };
    let (before, after) = (names(&old.values), names(&new.values));
    changes.accepted(
        ("核验的比较值", "values compared with"),
        (&before, &after),
        &|name: &String| name.clone(),
    );

    if old.multiple_of != new.multiple_of {
        // Multiples of 100 are multiples of 50.
        let covers = |few: i64, many: i64| few.checked_rem(many) == Some(0);
        let effect = match (old.multiple_of, new.multiple_of) {
            (None, _) => Effect::Narrower,
            (_, None) => Effect::Wider,
            (Some(old), Some(new)) if covers(old, new) => Effect::Wider,
            (Some(old), Some(new)) if covers(new, old) => Effect::Narrower,
            (Some(_), Some(_)) => Effect::Either,
        };
        let words = |step: Option<i64>| {
            step.map_or_else(
                || voice.say("不限", "any number").to_owned(),
                |step| voice.say(format!("{step} 的整数倍"), format!("multiples of {step}")),
            )
        };
        let (chinese, english) =
            (format!("{shown} 的比较值"), format!("{shown}: numbers compared with"));
        let (before, after) = (words(old.multiple_of), words(new.multiple_of));
        changes.note(
            effect,
            format!("{chinese}：由 {before} 改为 {after}"),
            format!("{english}: from {before} to {after}"),
        );
    }
}

/// How much of a value leaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leaves {
    Nothing,
    Part(Mask),
    Whole,
}

impl Leaves {
    fn of(clause: &ClauseTerms, name: &String) -> Self {
        match clause.mask.get(name) {
            Some(mask) => Self::Part(*mask),
            None if clause.disclose.contains(name) => Self::Whole,
            None => Self::Nothing,
        }
    }

    /// `None` where neither shows more than the other.
    fn compared(self, other: Self) -> Option<Ordering> {
        let rank = |leaves: Self| match leaves {
            Self::Nothing => 0,
            Self::Part(Mask::Year) => 1,
            Self::Part(Mask::Month | Mask::Name | Mask::Number) => 2,
            Self::Whole => 3,
        };
        let is_text = |leaves: Self| matches!(leaves, Self::Part(Mask::Name | Mask::Number));
        let is_date = |leaves: Self| matches!(leaves, Self::Part(Mask::Year | Mask::Month));
        let are_unlike = (is_text(self) && is_date(other)) || (is_date(self) && is_text(other));
        let are_texts = is_text(self) && is_text(other) && self != other;
        (!are_unlike && !are_texts).then(|| rank(self).cmp(&rank(other)))
    }
}

fn disclosed(name: &String, old: &ClauseTerms, new: &ClauseTerms, changes: &mut Changes<'_>) {
    let voice = changes.voice;
    let (before, after) = (Leaves::of(old, name), Leaves::of(new, name));
    let effect = match before.compared(after) {
        Some(Ordering::Equal) => return,
        Some(Ordering::Less) => Effect::Wider,
        Some(Ordering::Greater) => Effect::Narrower,
        None => Effect::Either,
    };
    let words = |leaves: Leaves| match leaves {
        Leaves::Nothing => voice.say("不披露", "not disclosed").to_owned(),
        Leaves::Part(kind) => {
            let left = mask(kind, voice);
            voice.say(format!("脱敏披露（{left}）"), format!("disclosed in part ({left})"))
        }
        Leaves::Whole => voice.say("全部披露", "disclosed whole").to_owned(),
    };
    let shown = voice.attribute(&new.fact, name);
    let (before, after) = (words(before), words(after));
    changes.note(
        effect,
        format!("{shown}：由{before}改为{after}"),
        format!("{shown}: from {before} to {after}"),
    );
}
