//! Changes of clauses.

use std::collections::BTreeSet;

use super::super::form::{CacheWords, ClauseTerms, Terms};
use super::super::reading::{Line, Voice, plain, relation};
use super::pairing::{Numbered, Pair, pairs};
use super::{Change, Changed, Changes, Effect, attribute};
use crate::query::FactCode;

/// Every clause that changes, by what it is about.
pub(super) fn all(old: &Terms, new: &Terms, voice: &Voice<'_>) -> Vec<Changed> {
    let mut places = Vec::new();
    let mut touched: BTreeSet<&FactCode> = BTreeSet::new();
    for pair in pairs(old, new) {
        let (fact, place) = match pair {
            Pair::Kept(before, after) => (&after.1.fact, kept(before, after, voice)),
            Pair::Added(clause) => (&clause.1.fact, added(clause, voice)),
            Pair::Removed(clause) => (&clause.1.fact, removed(clause, voice)),
        };
        if !place.changes.is_empty() {
            touched.insert(fact);
            places.push(place);
        }
    }
    places.extend(touched.into_iter().filter_map(|fact| several(fact, old, new, voice)));
    places
}

/// A question comes under the first clause that grants it: where a fact has several, a change of one may let another
/// answer, on other terms.
fn several(fact: &FactCode, old: &Terms, new: &Terms, voice: &Voice<'_>) -> Option<Changed> {
    let count = |terms: &Terms| terms.clauses.iter().filter(|clause| clause.fact == *fact).count();
    if count(old) < 2 && count(new) < 2 {
        return None;
    }
    let mut changes = Changes::new(voice);
    changes.note(
        Effect::Either,
        "该事实有多个条款：查询适用其中首个予以许可的条款，须一并审阅。".to_owned(),
        "this fact has several clauses, and a question comes under the first that grants it: read them together"
            .to_owned(),
    );
    Some(changes.under(voice.fact(fact)))
}

fn place((number, clause): Numbered<'_>, voice: &Voice<'_>) -> String {
    let fact = voice.fact(&clause.fact);
    voice.say(format!("第 {number} 条 {fact}"), format!("Clause {number}: {fact}"))
}

/// The clause as it is read, so that nobody has to look it up.
fn in_full((number, clause): Numbered<'_>, effect: Effect, changes: &mut Changes<'_>) {
    for line in clause.read(number, changes.voice).lines {
        match line {
            Line::Says { term, text } => {
                changes.list.push(Change { effect, text: format!("{term}: {text}") });
            }
            Line::Table { names, rows } => {
                for row in rows {
                    let mut cells = row.into_iter().zip(names.iter().copied());
                    let mut text = cells.next().map(|(name, _)| name).unwrap_or_default();
                    for (cell, name) in cells {
                        text.push_str(&format!("; {name}: {cell}"));
                    }
                    changes.list.push(Change { effect, text });
                }
            }
        }
    }
}

fn added(clause: Numbered<'_>, voice: &Voice<'_>) -> Changed {
    let mut changes = Changes::new(voice);
    changes.note(Effect::Wider, "新增条款".to_owned(), "a new clause".to_owned());
    in_full(clause, Effect::Wider, &mut changes);
    changes.under(place(clause, voice))
}

fn removed(clause: Numbered<'_>, voice: &Voice<'_>) -> Changed {
    let mut changes = Changes::new(voice);
    changes.note(Effect::Narrower, "条款取消".to_owned(), "the clause is gone".to_owned());
    in_full(clause, Effect::Narrower, &mut changes);
    // What it withheld it withheld from every clause of the fact.
    for name in &clause.1.never {
        let name = voice.attribute(&clause.1.fact, name);
        changes.note(
            Effect::Wider,
            format!("不再列为不予共享：{name}"),
            format!("no longer withheld from every clause: {name}"),
        );
    }
    let place = place(clause, voice);
    changes.under(voice.say(format!("原{place}"), format!("{place} (of the old terms)")))
}

fn kept(before: Numbered<'_>, after: Numbered<'_>, voice: &Voice<'_>) -> Changed {
    let (old, new) = (before.1, after.1);
    let mut changes = Changes::new(voice);
    if before.0 != after.0 {
        let (from, to) = (before.0.to_string(), after.0.to_string());
        changes.reworded(("条款序号", "number of the clause"), &from, &to);
    }
    let items = (old.items.as_slice(), new.items.as_slice());
    changes.granted(("事项", "purpose"), items, &|item| voice.item(item));
    let roles = (old.roles.as_slice(), new.roles.as_slice());
    changes.granted(("对象角色", "roles"), roles, &|role| plain(role));
    relations(old, new, &mut changes);
    match (old.consent, new.consent) {
        (false, true) => changes.note(
            Effect::Narrower,
            "现须有本人同意的凭据".to_owned(),
            "the person's consent must now be referred to".to_owned(),
        ),
        (true, false) => changes.note(
            Effect::Wider,
            "不再要求本人同意的凭据".to_owned(),
            "the person's consent need no longer be referred to".to_owned(),
        ),
        (true, true) | (false, false) => {}
    }
    attribute::all(old, new, &mut changes);
    changes.longer(("结果最长时效", "oldest answer"), Some(&old.max_age), Some(&new.max_age));
    cache(old.cache.as_ref(), new.cache.as_ref(), &mut changes);
    let papers = (old.replaces.as_slice(), new.replaces.as_slice());
    let known: Vec<_> = old.items.iter().chain(&new.items).cloned().collect();
    changes.granted(("免提交材料", "papers it replaces"), papers, &|code| {
        voice.material(&known, code)
    });
    changes.under(place(after, voice))
}

/// Proofs of relation of roles that may be asked about before and after.
fn relations(old: &ClauseTerms, new: &ClauseTerms, changes: &mut Changes<'_>) {
    let voice = changes.voice;
    let words = |ties: &[crate::query::relation::Relation]| {
        voice.list(ties.iter().map(|tie| relation(*tie, voice)))
    };
    for role in old.roles.iter().filter(|role| new.roles.contains(role)) {
        let name = plain(role);
        match (old.relations.get(role), new.relations.get(role)) {
            (None, None) => {}
            (None, Some(ties)) => {
                let ties = words(ties);
                changes.note(
                    Effect::Narrower,
                    format!("{name}：现须证明与办件的关系：{ties}"),
                    format!("{name}: a relation to the case must now be shown: {ties}"),
                );
            }
            (Some(ties), None) => {
                let ties = words(ties);
                changes.note(
                    Effect::Wider,
                    format!("{name}：不再须证明与办件的关系（原：{ties}）"),
                    format!(
                        "{name}: no relation to the case need be shown any more (before: {ties})"
                    ),
                );
            }
            (Some(before), Some(after)) => {
                for tie in after.iter().filter(|tie| !before.contains(tie)) {
                    let tie = relation(*tie, voice);
                    changes.note(
                        Effect::Wider,
                        format!("{name}：与办件的关系亦可为：{tie}"),
                        format!("{name}: this relation to the case will now do: {tie}"),
                    );
                }
                for tie in before.iter().filter(|tie| !after.contains(tie)) {
                    let tie = relation(*tie, voice);
                    changes.note(
                        Effect::Narrower,
                        format!("{name}：与办件的关系不再可为：{tie}"),
                        format!("{name}: this relation to the case will no longer do: {tie}"),
                    );
                }
            }
        }
    }
}

fn cache(old: Option<&CacheWords>, new: Option<&CacheWords>, changes: &mut Changes<'_>) {
    let found = |cache: Option<&CacheWords>| cache.map(|cache| cache.found.clone());
    let not_found = |cache: Option<&CacheWords>| cache.map(|cache| cache.not_found.clone());
    let stale = |cache: Option<&CacheWords>| cache.and_then(|cache| cache.stale.clone());
    match (old, new) {
        (None, Some(_)) => changes.note(
            Effect::Wider,
            "现可缓存结果".to_owned(),
            "answers may now be kept".to_owned(),
        ),
        (Some(_), None) => changes.note(
            Effect::Narrower,
            "不再可缓存结果".to_owned(),
            "answers may no longer be kept".to_owned(),
        ),
        (Some(_), Some(_)) | (None, None) => {}
    }
    for (term, of) in [
        (("查到结果的缓存期", "kept when found"), &found as &dyn Fn(Option<&CacheWords>) -> _),
        (("查无结果的缓存期", "kept when there is no record"), &not_found),
        (("中断时延用期", "kept longer while the provider is away"), &stale),
    ] {
        changes.longer(term, of(old).as_deref(), of(new).as_deref());
    }
}
