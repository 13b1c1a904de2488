//! Orders one after the other, by table: what each does, or why it does nothing.

use super::super::tests::{freeze, order, version};
use super::*;
use crate::agreements::document::tests::NOW;
use crate::agreements::terms::Terms;
use crate::agreements::terms::tests::DRAFT;

fn agreement() -> Agreement {
    let terms = Terms::parse(std::path::Path::new("draft.toml"), DRAFT).unwrap();
    terms.agreement(&[]).unwrap()
}

/// Takes what is admitted; what each came to, in words.
fn run(orders: &[Order]) -> (Standing, Vec<String>) {
    let (mut standing, agreement) = (Standing::default(), agreement());
    let said = orders.iter().map(|order| match standing.admit(order, Some(&agreement), NOW) {
        Ok(effect) => {
            standing.take(order, [9; 32]);
            match effect {
                Effect::Suspended(_) => "suspended".to_owned(),
                Effect::Resumed(_) => "resumed".to_owned(),
                Effect::Revoked(_) => "revoked".to_owned(),
                Effect::Frozen(name) => format!("frozen {name}"),
                Effect::Lifted(name) => format!("lifted {name}"),
            }
        }
        Err(refused) => refused.to_string(),
    });
    let said = said.collect();
    (standing, said)
}

const FUND: &str = "fund-centre";
const CIVIL: &str = "civil-affairs";

fn suspend(id: &str, by: &str, before: u64) -> Order {
    order(id, by, before, &Act::Suspend(version(1)))
}

fn resume(id: &str, by: &str, before: u64) -> Order {
    order(id, by, before, &Act::Resume(version(1)))
}

fn revoke(id: &str, by: &str, before: u64) -> Order {
    order(id, by, before, &Act::Revoke(version(1)))
}

fn lift(id: &str, by: &str, freeze: &str) -> Order {
    order(id, by, 0, &Act::Unfreeze(freeze.to_owned()))
}

#[test]
fn each_party_resumes_what_it_suspended_and_revoking_is_final() {
    let from = Timestamp::default();
    let suspended = |by: &str| Some(Halt::Suspended { by: by.into(), from });
    let cases: [(&[Order], &[&str], Option<Halt>); 9] = [
        (&[suspend("one", CIVIL, 9)], &["suspended"], suspended(CIVIL)),
        (&[suspend("one", CIVIL, 9), resume("two", CIVIL, 8)], &["suspended", "resumed"], None),
        (
            &[suspend("one", CIVIL, 9), resume("two", FUND, 8)],
            &["suspended", "`fund-centre` has not suspended"],
            suspended(CIVIL),
        ),
        (
            &[suspend("one", CIVIL, 9), suspend("two", FUND, 8), resume("three", CIVIL, 7)],
            &["suspended", "suspended", "resumed"],
            suspended(FUND),
        ),
        (
            &[
                suspend("one", CIVIL, 9),
                suspend("two", FUND, 8),
                resume("three", CIVIL, 7),
                resume("four", FUND, 6),
            ],
            &["suspended", "suspended", "resumed", "resumed"],
            None,
        ),
        (
            &[revoke("one", FUND, 9), resume("two", FUND, 8), revoke("three", CIVIL, 7)],
            &["revoked", "`fund-centre` has revoked", "`fund-centre` has revoked"],
            Some(Halt::Revoked { by: FUND.into(), from }),
        ),
        // A resumption that was held back, and one that was used before.
        (
            &[
                suspend("one", CIVIL, 9),
                resume("two", CIVIL, 8),
                suspend("three", CIVIL, 6),
                resume("four", CIVIL, 7),
                resume("two", CIVIL, 8),
            ],
            &["suspended", "resumed", "suspended", "given a later order", "an order the id"],
            suspended(CIVIL),
        ),
        // Who suspends twice resumes once.
        (
            &[suspend("one", CIVIL, 9), suspend("two", CIVIL, 8), resume("three", CIVIL, 7)],
            &["suspended", "suspended", "resumed"],
            None,
        ),
        (
            &[
                suspend("one", "police", 9),
                order("two", CIVIL, 9, &Act::Suspend(version(2))),
                resume("three", CIVIL, 9),
            ],
            &["`police` is no party", "version 2 is not in force", "has not suspended"],
            None,
        ),
    ];
    for (number, (orders, expected, halt)) in cases.into_iter().enumerate() {
        let (standing, said) = run(orders);
        assert_eq!(said.len(), expected.len());
        for (said, expected) in said.iter().zip(expected) {
            assert!(said.contains(expected), "case {number}: {said}, not {expected}");
        }
        let halts = standing.halts();
        assert_eq!(halts.on(&agreement(), NOW), halt.as_ref(), "case {number}");
        let other = Agreement { version: 7, ..agreement() };
        assert_eq!(halts.on(&other, NOW), None, "of another version nothing was said");
    }
}

/// The sample agreement, which these may suspend and revoke alone with that many days of notice.
fn with_notice(suspend: &[&str], revoke: &[&str], days: u64) -> Agreement {
    let ending = |by: &[&str]| {
        let by = by.iter().map(|party| OrganisationId::from(*party)).collect();
        Ending { by, notice: Duration::from_secs(days * DAY) }
    };
    let platform = Some("data-authority".into());
    Agreement { suspension: ending(suspend), termination: ending(revoke), platform, ..agreement() }
}

const DAY: u64 = 86_400;

/// So many seconds after [`NOW`].
fn after(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(NOW.seconds() + seconds)
}

#[test]
fn only_whom_the_terms_list_may_halt_it_alone() {
    let agreement = with_notice(&[CIVIL, "data-authority"], &[], 0);
    let admit = |order: &Order| {
        Standing::default().admit(order, Some(&agreement), NOW).map_err(|refused| {
            assert!(refused.is_about_rights());
            (refused.code(), refused.to_string())
        })
    };
    for by in [CIVIL, "data-authority"] {
        assert_eq!(admit(&suspend("one", by, 5)), Ok(Effect::Suspended(version(1))));
    }
    let refused = |code, text: &str| Err((code, text.to_owned()));
    assert_eq!(
        admit(&suspend("one", FUND, 5)),
        refused(
            "NOT_ALONE",
            "the terms let `civil-affairs` and `data-authority` suspend it alone, and not `fund-centre`"
        )
    );
    assert_eq!(
        admit(&revoke("one", CIVIL, 5)),
        refused("NOT_ALONE", "the terms let nobody revoke it alone, and not `civil-affairs`")
    );
    assert_eq!(
        admit(&suspend("one", "police", 5)),
        refused("NO_PARTY", "`police` is no party to the agreement `hn-gjj-mz-2018-001`")
    );
    // What is already suspended can be resumed, whoever may suspend.
    let mut standing = Standing::default();
    standing.take(&suspend("one", FUND, 5), [9; 32]);
    let resumed = standing.admit(&resume("two", FUND, 4), Some(&agreement), NOW);
    assert_eq!(resumed, Ok(Effect::Resumed(version(1))));
}

#[test]
fn notice_is_kept_from_the_date_or_from_the_arrival() {
    let agreement = with_notice(&[CIVIL], &[CIVIL], 30);
    let admit = |order: Order| Standing::default().admit(&order, Some(&agreement), NOW);
    let notice = Duration::from_secs(30 * DAY);
    let too_soon = |earliest| Err(OrderRefused::TooSoon { notice, earliest });
    for (effect, order) in [
        (Effect::Suspended(version(1)), suspend as fn(&str, &str, u64) -> Order),
        (Effect::Revoked(version(1)), revoke),
    ] {
        assert_eq!(admit(order("one", CIVIL, 5)), too_soon(after(30 * DAY - 5)), "at once");
        let from = |seconds| order("one", CIVIL, 5).acting_from(after(seconds));
        assert_eq!(admit(from(30 * DAY - 6)), too_soon(after(30 * DAY - 5)));
        assert_eq!(admit(from(30 * DAY - 5)), Ok(effect));
    }
    // A date of last month gives nobody notice: until now nobody knew.
    let held_back = |seconds| revoke("one", CIVIL, 40 * DAY).acting_from(after(seconds));
    assert_eq!(admit(revoke("one", CIVIL, 40 * DAY)), too_soon(after(30 * DAY - 60)));
    assert_eq!(admit(held_back(0)), too_soon(after(30 * DAY - 60)));
    assert!(admit(held_back(30 * DAY - 60)).is_ok());
    let said = admit(revoke("one", CIVIL, 0)).unwrap_err().to_string();
    assert!(said.starts_with("the terms ask for notice of 30 days: not before 20"), "{said}");

    // Without notice an order acts at once, also one that was to act from a moment that has passed.
    let agreement = with_notice(&[CIVIL], &[CIVIL], 0);
    let late = suspend("one", CIVIL, 100).acting_from(after(0));
    assert!(Standing::default().admit(&late, Some(&agreement), after(DAY)).is_ok());
}

/// What stands against the agreement a day from now and ten days from now.
fn halted(standing: &Standing) -> [Option<Halt>; 2] {
    let halts = standing.halts();
    [1, 10].map(|days| halts.on(&agreement(), after(days * DAY)).cloned())
}

/// Orders, what each comes to, and [`halted`] after them.
type Foretold<'a> = (&'a [Order], &'a [&'a str], [Option<Halt>; 2]);

#[test]
fn what_is_to_come_can_be_resumed_or_brought_forward_and_never_put_off() {
    let in_days = |order: Order, days: u64| order.acting_from(after(days * DAY));
    let suspended = |from| Some(Halt::Suspended { by: CIVIL.into(), from });
    let revoked = |by: &str, from| Some(Halt::Revoked { by: by.into(), from });
    let cases: [Foretold<'_>; 7] = [
        (
            &[in_days(suspend("one", CIVIL, 9), 5)],
            &["suspended"],
            [None, suspended(after(5 * DAY))],
        ),
        (
            &[in_days(suspend("one", CIVIL, 9), 5), resume("two", CIVIL, 8)],
            &["suspended", "resumed"],
            [None, None],
        ),
        // Of two, the earlier beginning counts, whichever comes first.
        (
            &[in_days(suspend("one", CIVIL, 9), 5), in_days(suspend("two", CIVIL, 8), 7)],
            &["suspended", "suspended"],
            [None, suspended(after(5 * DAY))],
        ),
        (
            &[suspend("one", CIVIL, 9), in_days(suspend("two", CIVIL, 8), 5)],
            &["suspended", "suspended"],
            [suspended(Timestamp::default()), suspended(Timestamp::default())],
        ),
        // A revocation is final from the moment it is recorded; until it begins, an incident can still be met.
        (
            &[
                in_days(revoke("one", FUND, 9), 5),
                suspend("two", CIVIL, 8),
                resume("three", CIVIL, 7),
                in_days(revoke("four", FUND, 6), 6),
                resume("five", FUND, 5),
            ],
            &["revoked", "suspended", "resumed", "`fund-centre` has revoked", "has not suspended"],
            [None, revoked(FUND, after(5 * DAY))],
        ),
        // Either party may end it earlier than the other has said.
        (
            &[in_days(revoke("one", FUND, 9), 5), revoke("two", CIVIL, 8)],
            &["revoked", "revoked"],
            [revoked(CIVIL, Timestamp::default()), revoked(CIVIL, Timestamp::default())],
        ),
        (
            &[in_days(suspend("one", CIVIL, 9), 2), in_days(revoke("two", FUND, 8), 5)],
            &["suspended", "revoked"],
            [None, revoked(FUND, after(5 * DAY))],
        ),
    ];
    for (number, (orders, expected, halts)) in cases.into_iter().enumerate() {
        let (standing, said) = run(orders);
        for (said, expected) in said.iter().zip(expected) {
            assert!(said.contains(expected), "case {number}: {said}, not {expected}");
        }
        assert_eq!(halted(&standing), halts, "case {number}");
    }
    // Once it has begun nothing more is to be said.
    let (standing, _) = run(&[in_days(revoke("one", FUND, 9), 5)]);
    let later = order("two", CIVIL, 0, &Act::Suspend(version(1)));
    let refused = standing.admit(&later, Some(&agreement()), after(5 * DAY));
    assert_eq!(refused, Err(OrderRefused::Revoked(FUND.into())));
}

/// SplitMix64: the same orders on every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    fn order(&mut self, at: Timestamp) -> Order {
        let by = self.one(&[FUND, CIVIL, "data-authority", "police"]);
        let about = version(1 + u32::try_from(self.below(2)).unwrap());
        let id = format!("order-{}", self.below(40));
        let fact = self.one(&["", "M1", "M2"]);
        let act = match self.below(6) {
            0 | 1 => Act::Suspend(about),
            2 => Act::Resume(about),
            3 => Act::Revoke(about),
            4 => Act::Freeze(Scope {
                provider: by.into(),
                fact: (!fact.is_empty()).then(|| fact.into()),
                caller: None,
            }),
            _ => Act::Unfreeze(format!("order-{}", self.below(40))),
        };
        let given = Timestamp::from_seconds((at.seconds() + 70).saturating_sub(self.below(300)));
        let order = Order::new(&id, &by.into(), given, "an incident", &act);
        let from = given.plus(Duration::from_secs(self.below(3 * DAY)));
        let is_later = self.below(2) == 0 && matches!(act, Act::Suspend(_) | Act::Revoke(_));
        if is_later { order.acting_from(from) } else { order }
    }
}

/// Whatever orders come: a replay that weighs the recorded ones again follows each, to the same effect, and so does a
/// gateway that starts anew and only takes them.
#[test]
fn the_recorded_orders_come_to_the_same_whoever_folds_them() {
    let (mut followed, mut refused) = (0, 0);
    for seed in 0..300 {
        let mut chance = Chance(seed);
        let notice = chance.below(2);
        let both: &[&str] = &[FUND, CIVIL];
        let first = with_notice(both, &[FUND, CIVIL, "data-authority"], notice);
        let second = Agreement { version: 2, ..with_notice(&[CIVIL], &[], 0) };
        let of = |order: &Order| match order.act().unwrap() {
            Act::Suspend(about) | Act::Resume(about) | Act::Revoke(about) => {
                Some(if about.version == 1 { &first } else { &second })
            }
            Act::Freeze(_) | Act::Unfreeze(_) => None,
        };
        let (mut gateway, mut log) = (Standing::default(), Vec::new());
        for number in 0..40 {
            let at = after(number * 3000);
            let order = chance.order(at);
            match gateway.admit(&order, of(&order), at) {
                Ok(effect) => {
                    gateway.take(&order, [9; 32]);
                    log.push((at, order, effect));
                }
                Err(_) => refused += 1,
            }
        }
        let (mut replayed, mut restarted) = (Standing::default(), Standing::default());
        for (at, order, effect) in &log {
            assert_eq!(replayed.admit(order, of(order), *at).as_ref(), Ok(effect), "seed {seed}");
            replayed.take(order, [9; 32]);
            restarted.take(order, [9; 32]);
            followed += 1;
        }
        for other in [&replayed, &restarted] {
            assert_eq!(other.freezes(), gateway.freezes(), "seed {seed}");
            for hours in 0..120 {
                let at = after(hours * 3600);
                for agreement in [&first, &second] {
                    let (found, expected) = (other.halts(), gateway.halts());
                    assert_eq!(found.on(agreement, at), expected.on(agreement, at), "seed {seed}");
                }
            }
        }
    }
    assert!(followed > 1000 && refused > 1000, "{followed} followed, {refused} refused");
}

#[test]
fn a_freeze_lasts_until_its_own_agency_lifts_it() {
    let (standing, said) = run(&[
        freeze("one", "police", 9),
        freeze("two", "police", 8),
        freeze("one", CIVIL, 7),
        lift("three", CIVIL, "two"),
        lift("three", "police", "one"),
        lift("four", "police", "one"),
    ]);
    let expected = [
        "frozen provider:police",
        "frozen provider:police",
        "frozen provider:civil-affairs",
        "`civil-affairs` has no freeze `two` in force; only who froze can lift",
        "lifted provider:police",
        "`police` has no freeze `one` in force; only who froze can lift",
    ];
    assert_eq!(said, expected);
    let names = |standing: &Standing| {
        let over = |provider: &str| {
            standing.freezes().over(Some(&provider.into()), Some(&"P1".into()), &FUND.into())
        };
        [over("police"), over(CIVIL), over("tax")].concat()
    };
    assert_eq!(names(&standing), ["provider:police", "provider:civil-affairs"]);
    let mut standing = standing;
    standing.take(&lift("five", "police", "two"), [9; 32]);
    assert_eq!(names(&standing), ["provider:civil-affairs"]);
}

#[test]
fn orders_of_tomorrow_wait_and_need_their_agreement() {
    let (standing, agreement) = (Standing::default(), agreement());
    let ahead = Order::new(
        "one",
        &CIVIL.into(),
        NOW.plus(AHEAD + Duration::from_secs(1)),
        "an incident",
        &Act::Suspend(version(1)),
    );
    assert_eq!(standing.admit(&ahead, Some(&agreement), NOW), Err(OrderRefused::Ahead));
    let later = NOW.plus(Duration::from_secs(1));
    assert!(standing.admit(&ahead, Some(&agreement), later).is_ok());
    let refused = standing.admit(&suspend("one", CIVIL, 0), None, NOW);
    assert_eq!(refused, Err(OrderRefused::NoAgreement(version(1))));
}
