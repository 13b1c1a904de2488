//! Whatever of an application stands in its entry in clear names nobody: each of its texts in turn tries to.

use super::*;

const NAME: &str = "李雷";
const NUMBER: &str = "11010519491231002X";

/// An application that fills every kind of text there is.
fn whole() -> wire::CheckCaseRequest {
    let mut request = request();
    request.purpose.as_mut().unwrap().item = "W1".to_owned();
    request.purpose.as_mut().unwrap().notice = "notice-2026".to_owned();
    request.purpose.as_mut().unwrap().consent = "consent-1".to_owned();
    request.submitted_on = "2026-11-20".to_owned();
    request.subjects = vec![subject("applicant", "甲")];
    let text = |text: &str| value(wire::value::Kind::Text(text.to_owned()));
    let truth = |truth| value(wire::value::Kind::Truth(truth));
    let whole = |number| value(wire::value::Kind::Integer(number));
    request.given = [
        ("ground", text("build")),
        ("withdrawn_with_this_fen", whole(1)),
        ("home_used", truth(false)),
        ("trades_within_12_months", whole(0)),
        ("home_in_city", truth(true)),
        ("home_division", text("430102")),
        ("cost_fen", whole(2)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    request.evidence = vec![wire::Evidence {
        name: "identity_seen".to_owned(),
        issuer: "counter".to_owned(),
        digest: vec![1; 32],
        issued_on: "2026-11-20".to_owned(),
    }];
    request
}

/// Everything of it that its entry would hold.
fn recorded(request: &wire::CheckCaseRequest) -> Option<String> {
    let applied = read(request, &catalogue(), TODAY).ok()?;
    let course = serde_json::to_string(applied.case.course()).unwrap();
    let Applied { item, purpose, operator_unit, .. } = &applied;
    let head = [item.code.as_str(), &item.version, &purpose.case_number, operator_unit];
    Some(format!("{head:?} {course}"))
}

type Place = (&'static str, fn(&mut wire::CheckCaseRequest, String));

/// Every text of an application.
const PLACES: [Place; 16] = [
    ("case_id", |request, text| request.case_id = text),
    ("submitted_on", |request, text| request.submitted_on = text),
    ("item", |request, text| request.purpose.as_mut().unwrap().item = text),
    ("item_version", |request, text| request.purpose.as_mut().unwrap().item_version = text),
    ("case_number", |request, text| request.purpose.as_mut().unwrap().case_number = text),
    ("notice", |request, text| request.purpose.as_mut().unwrap().notice = text),
    ("consent", |request, text| request.purpose.as_mut().unwrap().consent = text),
    ("operator.id", |request, text| request.operator.as_mut().unwrap().id = text),
    ("operator.unit", |request, text| request.operator.as_mut().unwrap().unit = text),
    ("role", |request, text| request.subjects[0].role = text),
    ("name", |request, text| request.subjects[0] = subject("applicant", &text)),
    ("given name", |request, text| {
        request.given.insert(text, value(wire::value::Kind::Truth(true)));
    }),
    ("given text", |request, text| {
        request.given.insert("home_division".to_owned(), value(wire::value::Kind::Text(text)));
    }),
    ("given code", |request, text| {
        request.given.insert("ground".to_owned(), value(wire::value::Kind::Text(text)));
    }),
    ("evidence name", |request, text| request.evidence[0].name = text),
    ("evidence issuer", |request, text| request.evidence[0].issuer = text),
];

#[test]
fn no_text_of_an_application_carries_a_name_or_a_number_into_its_entry() {
    let taken = recorded(&whole()).expect("it is whole");
    assert!(taken.contains("GJJ-2026-1") && taken.contains("counter"), "{taken}");
    let issued_on: Place = ("issued_on", |request, text| request.evidence[0].issued_on = text);
    let upgraded = "110105491231002"; // The 15 digits it had before.
    for (place, put) in PLACES.into_iter().chain([issued_on]) {
        for text in [
            NAME.to_owned(),
            NUMBER.to_owned(),
            upgraded.to_owned(),
            format!("GJJ-{NUMBER}"),
            format!("GJJ-{}-{}", &NUMBER[..6], &NUMBER[6..]),
            format!("2026-11-20[{NUMBER}]"),
            format!("2026-11-20[x={NUMBER}]"),
            format!("2026-11-20T00:00:00[{NAME}]"),
        ] {
            let mut request = whole();
            put(&mut request, text.clone());
            let Some(recorded) = recorded(&request) else { continue };
            let bare: String = recorded.chars().filter(char::is_ascii_alphanumeric).collect();
            assert!(!recorded.contains(NAME), "{place} {text}: {recorded}");
            assert!(!bare.contains(NUMBER), "{place} {text}: {recorded}");
            assert!(!bare.contains(upgraded), "{place} {text}: {recorded}");
        }
    }
}

#[test]
fn a_day_in_another_form_is_a_flaw_at_its_paper() {
    for day in ["2026-11-20T00:00:00", "20261120", "", "2026-11-20[x=1]", "2026-02-30"] {
        let mut request = whole();
        request.evidence[0].issued_on = day.to_owned();
        let expected = ("evidence[0].issued_on".to_owned(), "date".to_owned());
        assert_eq!(flaws(&request), [expected], "{day}");
    }
}
