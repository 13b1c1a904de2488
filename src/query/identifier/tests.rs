//! Numbers that pass and numbers that fail, each for one reason.

use super::*;

#[test]
fn citizen_ids() {
    let cases: &[(&str, Result<&str, &str>)] = &[
        ("11010519491231002X", Ok("11010519491231002X")),
        ("440524188001010014", Ok("440524188001010014")),
        ("430000188001010014", Ok("430000188001010014")),
        ("430000188203150023", Ok("430000188203150023")),
        ("43000018800101009X", Ok("43000018800101009X")),
        ("430000188001010030", Ok("430000188001010030")),
        ("430000188001010081", Ok("430000188001010081")),
        // As people type them.
        ("43000018800101009x", Ok("43000018800101009X")),
        (" 430000188001010014 ", Ok("430000188001010014")),
        ("４３００００１８８００１０１００９Ｘ", Ok("43000018800101009X")),
        ("４３００００１８８００１０１００９ｘ", Ok("43000018800101009X")),
        // The old form.
        ("430000800101001", Ok("430000198001010013")),
        ("110105491231002", Ok("11010519491231002X")),
        ("43000080010100X", Err("characters")),
        ("430000801301001", Err("date")),
        // A specimen of a residence permit is built the same way.
        ("810000199408230021", Ok("810000199408230021")),
        ("", Err("length")),
        ("43000018800101001", Err("length")),
        ("4300001880010100144", Err("length")),
        // Cyrillic and the multiplication sign look like X.
        ("43000018800101009Х", Err("characters")),
        ("43000018800101009×", Err("characters")),
        ("4300001880010100X4", Err("characters")),
        ("430000 88001010014", Err("characters")),
        ("160000188001010014", Err("province")),
        ("910000188001010014", Err("province")),
        ("430000188002300014", Err("date")),
        ("430000188013010014", Err("date")),
        ("430000179901010014", Err("date")),
        ("430000188001010015", Err("check_digit")),
        ("430000188001010041", Err("check_digit")),
    ];
    for (raw, expected) in cases {
        assert_eq!(citizen_id(raw), expected.map(str::to_owned), "{raw}");
    }
}

#[test]
fn the_old_form_comes_back() {
    assert_eq!(id15("11010519491231002X").as_deref(), Some("110105491231002"));
    assert_eq!(id15("430000188001010014"), None);
    assert_eq!(id15("x"), None);
}

#[test]
fn credit_codes() {
    let valid = [
        "91350100M000100Y43",
        "91430000000000027J",
        "92430000000000027F",
        "12430000000000027P",
        "11430000000000027T",
        "52430000000000027K",
        "31430000000000027Q",
        "81430000000000027K",
        "91430000MA4L00011E",
    ];
    for code in valid {
        assert_eq!(uscc(code), Ok(code.to_owned()));
        assert_eq!(uscc(&code.to_ascii_lowercase()), Ok(code.to_owned()));
    }
    let invalid = [
        ("91430000000000027", "length"),
        ("9143000000000002IJ", "characters"),
        ("914300000000000Ж7J", "characters"),
        ("91A30000000000027J", "division"),
        ("91430000000000027K", "check_digit"),
        ("91430000000000207J", "check_digit"),
    ];
    for (code, check) in invalid {
        assert_eq!(uscc(code), Err(check), "{code}");
    }
}

#[test]
fn a_credit_code_around_a_wrong_organisation_code_is_named_so() {
    // The outer check character fits; the inner one should be 7.
    let with = |check: char| format!("91430000000000028{check}");
    let found = "0123456789ABCDEFGHJKLMNPQRTUWXY"
        .chars()
        .map(|check| uscc(&with(check)))
        .filter(|result| *result != Err("check_digit"))
        .collect::<Vec<_>>();
    assert_eq!(found, [Err("organisation_code")]);
}

#[test]
fn home_units() {
    assert_eq!(
        unit_number("430102 001005 GB00012 F00010203"),
        Ok("430102001005GB00012F00010203".to_owned())
    );
    assert_eq!(
        unit_number("430102001005gb00012w00000000"),
        Ok("430102001005GB00012W00000000".to_owned())
    );
    let invalid = [
        ("430102001005GB00012F0001020", "length"),
        ("430102001005GB00012F0001020A", "characters"),
        ("43010200100AGB00012F00010203", "characters"),
        ("990102001005GB00012F00010203", "province"),
        ("430102001005KB00012F00010203", "parcel_code"),
        ("430102001005GM00012F00010203", "parcel_code"),
        ("430102001005GB00012A00010203", "fixture_code"),
        ("430102001005GB00012W00010203", "fixture_code"),
    ];
    for (number, check) in invalid {
        assert_eq!(unit_number(number), Err(check), "{number}");
    }
}

#[test]
fn documents_of_others() {
    use IdentityDocument as Kind;
    let cases: &[(Kind, &str, Result<&str, &str>)] = &[
        (Kind::ResidencePermit, "810000199408230021", Ok("810000199408230021")),
        (Kind::ResidencePermit, "830000199201300022", Ok("830000199201300022")),
        (Kind::ResidencePermit, "430000188001010014", Err("area")),
        (Kind::ResidencePermit, "810000199408230022", Err("check_digit")),
        (Kind::PermanentResidence, "911124198108030024", Ok("911124198108030024")),
        (Kind::PermanentResidence, "911124198108030025", Err("check_digit")),
        (Kind::PermanentResidence, "430000188001010014", Err("area")),
        (Kind::PermanentResidence, "can110108010203", Ok("CAN110108010203")),
        (Kind::PermanentResidence, "CA1110108010203", Err("characters")),
        (Kind::PermanentResidence, "国民籍0108010203ab", Err("characters")),
        (Kind::Passport, "E12345678", Ok("E12345678")),
        (Kind::Passport, "E1", Err("length")),
        (Kind::Passport, "E12-45678", Err("characters")),
        (Kind::Military, "军字第1234567号", Ok("军字第1234567号")),
        (Kind::Other, "", Err("length")),
        (Kind::Other, "a\u{7}b", Err("characters")),
        (Kind::CitizenId, "430000188001010014", Ok("430000188001010014")),
    ];
    for (kind, raw, expected) in cases {
        assert_eq!(document(*kind, raw), expected.map(str::to_owned), "{raw}");
    }
    assert_eq!(division("430102"), Ok("430102".to_owned()));
    assert_eq!(division("990102"), Err("province"));
    assert_eq!(division("43010"), Err("length"));
    assert_eq!(division("43010a"), Err("characters"));
}

#[test]
fn identity_numbers_are_found_inside_case_numbers() {
    for text in [
        "430000188001010014",
        "W3-430000188001010014-2",
        "W3_43000018800101009x",
        "430000-18800101-0014",
        "20261123430000188001010014",
        "A430000800101001B",
        "911124198108030024",
    ] {
        assert!(contains_identity_number(text), "{text}");
    }
    for text in
        ["W3-2026-000001", "202609230001234567", "43000018800101001", "430000188001010015", ""]
    {
        assert!(!contains_identity_number(text), "{text}");
    }
}
