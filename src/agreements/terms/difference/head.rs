//! Changes of what holds for every clause.

use super::super::TermsError;
use super::super::form::{Disposal, EndingTerms, ServingHours, Terms};
use super::super::reading::{Voice, days, disposal, plain};
use super::{Changed, Changes, Effect, Term, span};
use crate::decision::agreement::Hours;
use crate::query::OrganisationId;

/// Parties, time and measure.
pub(super) fn general(old: &Terms, new: &Terms, voice: &Voice<'_>) -> Result<Changed, TermsError> {
    let mut changes = Changes::new(voice);
    identity(old, new, &mut changes);
    let word = |text: &String| plain(text);
    changes.granted(
        ("可查询的系统", "systems that may ask"),
        (&old.systems, &new.systems),
        &|it| plain(it.as_str()),
    );
    let units = (old.operator_units.as_slice(), new.operator_units.as_slice());
    changes.accepted(("经办部门", "units whose operators may ask"), units, &word);
    let (from, until) = (("生效时间", "in force from"), ("失效时间", "in force until"));
    if old.effective_from != new.effective_from {
        let earlier = new.effective_from < old.effective_from;
        let effect = if earlier { Effect::Wider } else { Effect::Narrower };
        let moments = (voice.moment(old.effective_from), voice.moment(new.effective_from));
        changes.replaced(effect, from, &moments.0, &moments.1);
    }
    if old.effective_to != new.effective_to {
        let later = new.effective_to > old.effective_to;
        let effect = if later { Effect::Wider } else { Effect::Narrower };
        let moments = (voice.moment(old.effective_to), voice.moment(new.effective_to));
        changes.replaced(effect, until, &moments.0, &moments.1);
    }
    let overlap = ("此前各版的并行期", "use of earlier versions after the beginning");
    changes.longer(overlap, old.overlap.as_deref(), new.overlap.as_deref());
    let served = (old.agreement(&[])?.hours, new.agreement(&[])?.hours);
    if served.0 != served.1 {
        let words = (hours(old.hours.as_ref(), voice), hours(new.hours.as_ref(), voice));
        let effect = wider_hours(served.0.as_ref(), served.1.as_ref());
        changes.replaced(effect, ("服务时间", "hours"), &words.0, &words.1);
    }
    let (before, after) = (&old.quota, &new.quota);
    changes.limit(("每秒配额", "questions a second"), before.per_second, after.per_second);
    changes.limit(("每日配额", "questions a day"), before.per_day, after.per_day);
    changes.limit(("每月配额", "questions a month"), before.per_month, after.per_month);
    Ok(changes.under(voice.say("总则", "For every clause")))
}

/// Who the agreement is between, and which it is.
fn identity(old: &Terms, new: &Terms, changes: &mut Changes<'_>) {
    let voice = changes.voice;
    if old.id != new.id {
        // Versions replace each other, and quotas are counted, by id.
        changes.replaced(
            Effect::Either,
            ("协议编号", "agreement"),
            &plain(&old.id),
            &plain(&new.id),
        );
    }
    for (term, before, after) in [
        (("使用方", "consumer"), &old.consumer, &new.consumer),
        (("提供方", "provider"), &old.provider, &new.provider),
    ] {
        if before != after {
            let names = (voice.organisation(before), voice.organisation(after));
            changes.replaced(Effect::Either, term, &names.0, &names.1);
        }
    }
    if old.platform != new.platform {
        let name = |platform: &Option<OrganisationId>| {
            platform
                .as_ref()
                .map_or_else(|| voice.say("无", "none").to_owned(), |it| voice.organisation(it))
        };
        let names = (name(&old.platform), name(&new.platform));
        changes.replaced(
            Effect::Neutral,
            ("一并签署的平台方", "platform that signs as well"),
            &names.0,
            &names.1,
        );
    }
    let (before, after) = (old.version.to_string(), new.version.to_string());
    changes.reworded(("协议版本", "version"), &before, &after);
    changes.reworded(("中文名称", "Chinese title"), &old.title_zh, &new.title_zh);
    changes.reworded(("英文名称", "English title"), &old.title, &new.title);
}

/// What concerns the person, and what becomes of values.
pub(super) fn person(old: &Terms, new: &Terms, voice: &Voice<'_>) -> Changed {
    let mut changes = Changes::new(voice);
    let notices = (old.notices.as_slice(), new.notices.as_slice());
    changes.accepted(("告知书", "notice to the person"), notices, &|code| plain(code));
    let (before, after) = (&old.retention, &new.retention);
    let kept = ("数据留存期限", "values kept for");
    changes.longer(kept, Some(&before.keep_for), Some(&after.keep_for));
    if before.afterwards != after.afterwards {
        let effect = match after.afterwards {
            Disposal::Delete => Effect::Narrower,
            Disposal::Anonymise => Effect::Wider,
        };
        let words = (disposal(before.afterwards, voice), disposal(after.afterwards, voice));
        changes.replaced(effect, ("到期处置", "afterwards"), words.0, words.1);
    }
    changes.under(voice.say("告知与留存", "Notice and retention"))
}

/// What no decision looks at.
pub(super) fn stated(old: &Terms, new: &Terms, voice: &Voice<'_>) -> Changed {
    let mut changes = Changes::new(voice);
    for (who, how_long, of) in ENDINGS {
        ending((who, how_long), (old, of(old)), (new, of(new)), &mut changes);
    }
    let quality = |terms: &Terms| match &terms.quality {
        None => voice.say("无", "none").to_owned(),
        Some(quality) => {
            let (channel, days) =
                (plain(&quality.dispute_channel), quality.provider_response_workdays);
            voice.say(
                format!("{days} 个工作日，{channel}"),
                format!("{days} working days, {channel}"),
            )
        }
    };
    changes.reworded(("校核纠错", "disputes"), &quality(old), &quality(new));
    let same = (Effect::Neutral, Effect::Neutral);
    let sentence = |text: &String| text.clone();
    let laws = |terms: &Terms| -> Vec<String> {
        let law = terms.legal_basis.iter();
        law.map(|it| {
            let (instrument, article) = (plain(&it.instrument), plain(&it.article));
            format!("{} {instrument} {article}", voice.organisation(&it.party))
        })
        .collect()
    };
    let duties = |terms: &Terms| -> Vec<String> {
        let duties = terms.undertakings.iter();
        duties.map(|it| format!("{} {}", voice.organisation(&it.party), plain(&it.text))).collect()
    };
    let annexes = |terms: &Terms| -> Vec<String> {
        let annexes = terms.annexes.iter();
        annexes.map(|it| format!("{} (SHA-256 {})", plain(&it.title), plain(&it.sha256))).collect()
    };
    let contacts = |terms: &Terms| -> Vec<String> {
        let contacts = terms.contacts.iter();
        contacts
            .map(|it| {
                let (office, reach) = (plain(&it.office), plain(&it.reach));
                format!("{} {office} {reach}", voice.organisation(&it.party))
            })
            .collect()
    };
    let mut compare = |term, texts: &dyn Fn(&Terms) -> Vec<String>| {
        changes.listed(term, (&texts(old), &texts(new)), same, &sentence);
    };
    compare(("法律依据", "legal basis"), &laws);
    compare(("承诺", "undertaking"), &duties);
    compare(("附件", "annex"), &annexes);
    compare(("联系方式", "contact"), &contacts);
    changes.under(voice.say("其他约定", "Other terms"))
}

type EndingOf = fn(&Terms) -> Option<&EndingTerms>;

/// Who may halt it alone, the notice of it, and where both stand.
const ENDINGS: [(Term, Term, EndingOf); 2] = [
    (
        ("可单方暂停的一方", "who may suspend alone"),
        ("暂停提前通知期", "notice of suspension"),
        |terms| terms.suspension.as_ref(),
    ),
    (
        ("可单方终止的一方", "who may revoke alone"),
        ("终止提前通知期", "notice of revocation"),
        |terms| terms.termination.as_ref(),
    ),
];

fn ending(
    (who, how_long): (Term, Term),
    (old, before): (&Terms, Option<&EndingTerms>),
    (new, after): (&Terms, Option<&EndingTerms>),
    changes: &mut Changes<'_>,
) {
    let voice = changes.voice;
    let by = |terms: &Terms, ending: Option<&EndingTerms>| {
        let both = || vec![terms.consumer.clone(), terms.provider.clone()];
        ending.map_or_else(both, |ending| ending.by.clone())
    };
    let parties = (by(old, before), by(new, after));
    let same = (Effect::Neutral, Effect::Neutral);
    changes.listed(who, (&parties.0, &parties.1), same, &|it| voice.organisation(it));
    let notice = |ending: Option<&EndingTerms>| ending.and_then(|ending| ending.notice.clone());
    let notices = (notice(before), notice(after));
    let length = |notice: &Option<String>| notice.as_deref().map(span).unwrap_or_default();
    if length(&notices.0) != length(&notices.1) {
        let words = |notice: &Option<String>| {
            let none = || voice.say("无", "none").to_owned();
            notice.as_deref().map_or_else(none, |notice| voice.span(notice))
        };
        changes.replaced(Effect::Neutral, how_long, &words(&notices.0), &words(&notices.1));
    }
}

fn hours(hours: Option<&ServingHours>, voice: &Voice<'_>) -> String {
    hours.map_or_else(
        || voice.say("全天候", "at all times").to_owned(),
        |hours| {
            let (from, to) = (plain(&hours.from), plain(&hours.to));
            format!("{} {from}–{to}", days(&hours.days, voice))
        },
    )
}

/// Whether any minute of the week is served that was not, and whether any no longer is.
fn wider_hours(old: Option<&Hours>, new: Option<&Hours>) -> Effect {
    let served = |hours: Option<&Hours>, day: u32, minute: u32| {
        hours.is_none_or(|hours| {
            hours.days.contains(&day) && (hours.from_minute..hours.to_minute).contains(&minute)
        })
    };
    let (mut more, mut less) = (false, false);
    for (day, minute) in (0..7).flat_map(|day| (0..24 * 60).map(move |minute| (day, minute))) {
        let (before, after) = (served(old, day, minute), served(new, day, minute));
        more |= after && !before;
        less |= before && !after;
    }
    match (more, less) {
        (true, false) => Effect::Wider,
        (false, true) => Effect::Narrower,
        (true, true) => Effect::Either,
        (false, false) => Effect::Neutral,
    }
}
