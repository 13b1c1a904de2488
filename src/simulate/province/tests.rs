//! The province agrees with itself, keeps its promises about traps, and repeats.

use super::*;
use crate::simulate::samples;

fn province() -> Province {
    Province::generate(7, 20_000, Day::of(2026, 11, 23)).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_province() {
    let (one, two) = (province(), province());
    for index in [0, 5, 777, 19_999] {
        assert_eq!(one.person(index).unwrap().number(), two.person(index).unwrap().number());
        assert_eq!(one.name(index), two.name(index));
    }
    assert_eq!(one.home_count(), two.home_count());
    let other = Province::generate(8, 20_000, Day::of(2026, 11, 23)).unwrap();
    assert_ne!(one.name(777), other.name(777));
    assert!(Province::generate(7, 3, Day(1)).is_err());
}

#[test]
fn every_number_leads_back_to_its_owner() {
    let province = province();
    for index in 0..province.population() {
        let number = province.person(index).unwrap().number();
        assert_eq!(province.find_person(&number).map(|found| found.0), Some(index));
    }
    for index in 0..province.employer_count() {
        let uscc = province.uscc(index);
        assert_eq!(province.find_employer(&uscc).map(|found| found.0), Some(index));
    }
    for index in 0..province.home_count() {
        let ways = [
            province.home_by_unit(&province.unit_number(index)),
            province.home_by_title(&province.title_number(index)),
            province.home_by_contract(&province.contract_number(index)),
        ];
        assert!(ways.iter().all(|way| way.is_some_and(|found| found.0 == index)));
    }
}

#[test]
fn marriages_homes_and_work_agree() {
    let province = province();
    let mut married = 0;
    for index in 0..province.population() {
        let person = province.person(index).unwrap();
        for (_, marriage) in province.marriages_of(person) {
            assert!([marriage.man, marriage.woman].contains(&index));
            assert!(province.person(marriage.man).unwrap().is_man());
            assert!(!province.person(marriage.woman).unwrap().is_man());
            married += 1;
        }
        for (_, home) in province.homes_of(index) {
            assert!(home.owners().chain(home.seller()).any(|person| person == index));
        }
        if let Some(insurance) = province.insurance(index) {
            assert!(insurance.months_last_12 <= 12);
            assert!(insurance.months_last_12 <= insurance.months_total);
        }
        assert!(province.household(person).contains(&index));
    }
    assert!(married > 5_000, "{married}");
    assert!(province.home_count() > 3_000);
}

#[test]
fn a_second_hand_home_under_contract_is_still_its_sellers() {
    let province = province();
    let (mut taxed, mut untaxed) = (0, 0);
    for index in 0..province.home_count() {
        let home = province.home(index).unwrap();
        let Some(seller) = home.seller() else {
            let titled = home.state == HomeState::Titled;
            assert!(home.title_holders().eq(home.owners().filter(|_| titled)));
            continue;
        };
        assert_eq!(home.kind(), HomeKind::SecondHand);
        assert_eq!(home.title_holders().collect::<Vec<_>>(), [seller]);
        assert!(province.homes_of(seller).any(|(held, _)| held == index));
        let paid = if province.is_taxed(index) { &mut taxed } else { &mut untaxed };
        *paid += 1;
    }
    assert!(taxed > 20 && untaxed > 20, "{taxed} {untaxed}");
}

#[test]
fn the_samples_are_what_they_say() {
    let province = province();
    let person = |index| province.person(index).unwrap();
    assert_eq!(province.homes_of(samples::TENANT).count(), 0);
    assert_eq!(province.homes_of(samples::WIFE).count(), 1);
    assert!(province.name(samples::DOTTED).contains('·'));
    assert!(person(samples::FOREIGNER).number().starts_with("911999"));
    assert!(person(samples::DISABLED).has(Trait::Left));
    assert_eq!(province.marriages_of(person(samples::REMARRIED)).count(), 2);
    assert_eq!(province.insurance(samples::HUSBAND).unwrap().state, "1");
    assert!(province.permit(&province.permit_number(samples::BUILDER).unwrap()).is_some());
    for fact in [
        "P1", "P2", "P3", "P4", "M1", "M2", "M3", "M4", "M5", "S1", "S2", "S3", "S4", "S5", "S6",
        "H1", "H2", "H3", "H4", "H5", "H6", "H7", "T1", "T2", "T3", "T4", "E1", "E2", "E3", "E4",
    ] {
        assert!(!samples::question(fact, &province).subjects.is_empty(), "{fact}");
    }
}
