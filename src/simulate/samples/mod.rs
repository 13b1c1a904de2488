//! People, employers and homes at fixed places of every province, and one sensible question for each of the 30 facts with
//! the answer it must get. The demonstration and the tests ask these; the rest of the province is the crowd around them.
//!
//! | who | index | what is special |
//! |---|---|---|
//! | husband, wife, child, grandmother | 0 1 2 3 | one household; home 0 is theirs, new, mortgaged; both work for employer 0; she draws a pension |
//! | divorced woman | 4 | divorced from 5; the *marriage* certificate was issued again later (ICA after IB) |
//! | remarried man, second wife | 5 6 | his first marriage was to 4; he lets home 3 to the tenant |
//! | widow, deceased | 7 8 | civil affairs still say "married": the death is known to the police only |
//! | tenant | 9 | no home, a lease on file, works for employer 0 |
//! | dotted | 10 | a name with a middle dot, which civil affairs and housing write differently; home 2 is filed under a 15-digit number |
//! | rare | 11 | a name outside GBK; home 5 is seized and disputed |
//! | foreigner | 12 | permanent residence identity card; unknown to the population register |
//! | disabled | 13 | total loss of working capacity, employment ended |
//! | stale | 14 | cremated, yet alive in the police register |
//! | relief | 15 | draws the minimum living allowance |
//! | abroad | 16 | household cancelled, settled abroad |
//! | renamed | 17 | has a former name; home 4 is bought by contract, without title yet |
//! | seller | 18 | formerly owned home 1, now the widow's |
//! | builder | 19 | holds a planning permit |

mod questions;

pub use self::questions::{Sample, document, employer_subject, person, property, question};

use super::calendar::Day;
use super::province::{
    Census, EmployerStatus, Home, HomeFlag, HomeState, Marriage, MarriageEnd, NONE, Relation, Trait,
};

/// Married to [`WIFE`].
pub const HUSBAND: u32 = 0;
/// Married to [`HUSBAND`].
pub const WIFE: u32 = 1;
/// Their child, a minor.
pub const CHILD: u32 = 2;
/// His mother, a pensioner.
pub const GRANDMOTHER: u32 = 3;
/// Divorced, with a reissued marriage certificate.
pub const DIVORCED: u32 = 4;
/// Once married to [`DIVORCED`], now to [`SECOND_WIFE`].
pub const REMARRIED: u32 = 5;
/// Married to [`REMARRIED`].
pub const SECOND_WIFE: u32 = 6;
/// Widow of [`DECEASED`].
pub const WIDOW: u32 = 7;
/// Dead and cremated.
pub const DECEASED: u32 = 8;
/// Owns nothing, rents home 3.
pub const TENANT: u32 = 9;
/// Name with a middle dot; known to housing by the 15-digit number.
pub const DOTTED: u32 = 10;
/// Name outside GBK.
pub const RARE: u32 = 11;
/// Holds a permanent residence identity card.
pub const FOREIGNER: u32 = 12;
/// Total loss of working capacity, employment ended.
pub const DISABLED: u32 = 13;
/// Cremated, alive in the police register.
pub const STALE: u32 = 14;
/// On the minimum living allowance.
pub const RELIEF: u32 = 15;
/// Settled abroad.
pub const ABROAD: u32 = 16;
/// Has a former name.
pub const RENAMED: u32 = 17;
/// Former owner of home 1.
pub const SELLER: u32 = 18;
/// Holds a planning permit.
pub const BUILDER: u32 = 19;
/// How many sample people there are.
pub const COUNT: u32 = 20;

/// An active enterprise with twelve changes, so that its register of changes has several pages.
pub const ACTIVE_ENTERPRISE: u32 = 0;
/// An enterprise whose licence was revoked.
pub const REVOKED_ENTERPRISE: u32 = 1;
/// A deregistered enterprise.
pub const DEREGISTERED_ENTERPRISE: u32 = 2;
/// A public institution (USCC 12): unknown to market regulation.
pub const INSTITUTION: u32 = 6;
/// A private non-enterprise unit (USCC 52), registered by civil affairs.
pub const SERVICE_UNIT: u32 = 8;

/// The couple's home.
pub const COUPLE_HOME: u32 = 0;
/// The widow's, formerly the seller's.
pub const SOLD_HOME: u32 = 1;
/// Filed under a 15-digit number.
pub const OLD_NUMBER_HOME: u32 = 2;
/// Let to the tenant.
pub const LET_HOME: u32 = 3;
/// Contract without title.
pub const CONTRACTED_HOME: u32 = 4;
/// Seized and disputed.
pub const SEIZED_HOME: u32 = 5;
/// How many sample homes there are.
pub const HOME_COUNT: u32 = 6;

/// Settles the sample people, in the order of their numbers.
pub(super) fn settle(census: &mut Census<'_>) {
    census.open_household();
    let husband = census.settle(true, Day::of(1985, 3, 12), Relation::Head, 2);
    let wife = census.settle(false, Day::of(1987, 8, 25), Relation::Spouse, 1);
    census.settle(false, Day::of(2018, 5, 6), Relation::Child, 2);
    let grandmother = census.settle(false, Day::of(1957, 11, 2), Relation::Parent, 3);
    census.mark(grandmother, &[Trait::Pensioner]);
    wed(census, husband, wife, Day::of(2013, 5, 20), Day(0), Day(0));
    census.employ(husband, ACTIVE_ENTERPRISE);
    census.employ(wife, ACTIVE_ENTERPRISE);

    let divorced = alone(census, false, Day::of(1980, 1, 30), 4);
    census.open_household();
    let remarried = census.settle(true, Day::of(1978, 9, 9), Relation::Head, 5);
    let second_wife = census.settle(false, Day::of(1984, 4, 17), Relation::Spouse, 6);
    let (parted, reissued) = (Day::of(2015, 7, 3), Day::of(2019, 3, 14));
    wed(census, remarried, divorced, Day::of(2006, 10, 1), parted, reissued);
    wed(census, remarried, second_wife, Day::of(2017, 1, 9), Day(0), Day(0));

    census.open_household();
    let widow = census.settle(false, Day::of(1950, 6, 18), Relation::Head, 7);
    let deceased = census.settle(true, Day::of(1948, 2, 3), Relation::Spouse, 8);
    census.mark(widow, &[Trait::Pensioner]);
    census.mark(deceased, &[Trait::Dead, Trait::Cremated]);
    wed(census, deceased, widow, Day::of(1974, 10, 1), Day(0), Day(0));

    let tenant = alone(census, true, Day::of(1996, 7, 7), 9);
    census.employ(tenant, ACTIVE_ENTERPRISE);
    settle_singles(census);
}

/// Who lives alone, from [`DOTTED`] to [`BUILDER`].
fn settle_singles(census: &mut Census<'_>) {
    let mut single = |man, birth, surname, traits: &[Trait]| {
        let person = alone(census, man, birth, surname);
        census.mark(person, traits);
    };
    single(true, Day::of(1982, 3, 21), 10, &[Trait::Dotted]);
    single(false, Day::of(1990, 12, 12), 11, &[Trait::RareName]);
    single(false, Day::of(1979, 5, 5), 12, &[Trait::Foreigner]);
    single(true, Day::of(1975, 10, 10), 13, &[Trait::Assessed, Trait::Left]);
    single(true, Day::of(1946, 1, 15), 14, &[Trait::Cremated, Trait::Pensioner]);
    single(false, Day::of(1962, 8, 8), 15, &[Trait::Relief]);
    single(true, Day::of(1988, 2, 14), 16, &[Trait::Abroad]);
    single(false, Day::of(1993, 9, 1), 17, &[Trait::Renamed]);
    single(true, Day::of(1968, 4, 4), 18, &[]);
    single(true, Day::of(1971, 6, 30), 19, &[]);
    census.employ(DISABLED, ACTIVE_ENTERPRISE);
}

fn alone(census: &mut Census<'_>, man: bool, birth: Day, surname: u8) -> u32 {
    census.open_household();
    census.settle(man, birth, Relation::Head, surname)
}

fn wed(census: &mut Census<'_>, man: u32, woman: u32, on: Day, ended: Day, reissued: Day) {
    let end = if ended.is_none() { MarriageEnd::None } else { MarriageEnd::Divorced };
    census.marry(Marriage { man, woman, on, ended, end, reissued });
}

/// Prefix and status of a sample employer.
pub(super) fn employer(index: u32) -> Option<(&'static str, EmployerStatus)> {
    let active = EmployerStatus::Active;
    Some(match index {
        0 => ("91", active),
        1 => ("91", EmployerStatus::Revoked),
        2 => ("91", EmployerStatus::Deregistered),
        3 => ("91", EmployerStatus::MovedAway),
        4 => ("93", active),
        5 => ("92", active),
        6 => ("12", active),
        7 => ("11", active),
        8 => ("52", active),
        9 => ("51", active),
        10 => ("53", EmployerStatus::Revoked),
        _ => return None,
    })
}

/// The sample homes, in the order of their numbers.
pub(super) fn homes() -> Vec<Home> {
    let home = |owner, state, flags| Home {
        owner,
        co_owner: NONE,
        former: NONE,
        state,
        flags,
        tenant: NONE,
    };
    let seized = HomeFlag::Seized as u16 | HomeFlag::Disputed as u16;
    vec![
        Home { co_owner: WIFE, ..home(HUSBAND, HomeState::Titled, HomeFlag::Mortgaged as u16) },
        Home { former: SELLER, ..home(WIDOW, HomeState::Titled, HomeFlag::Residence as u16) },
        home(DOTTED, HomeState::Titled, HomeFlag::OldNumber as u16),
        Home { tenant: TENANT, ..home(REMARRIED, HomeState::Titled, 0) },
        home(RENAMED, HomeState::Contracted, 0),
        home(RARE, HomeState::Titled, seized),
    ]
}
