//! What expressions can do, and what they cannot do to the gateway.

use serde_json::json;

use super::super::xml::Shape;
use super::*;

fn scope() -> Scope {
    let mut scope =
        Scope::new(Arc::new(Shape { lists: vec!["RECORD".to_owned()], ..Shape::default() }));
    scope.set("resp", json!({
        "status": 200,
        "text": "",
        "body": { "code": "00", "n": 18, "big": 430_000_188_001_010_014_i64, "half": 1234.5,
                  "rows": [{ "d": "20180101", "v": 1 }, { "d": "20200101", "v": 2 }, { "d": "20190101", "v": 3 }],
                  "none": [], "nil": null, "datas": "{\"a\": [1]}" },
    }));
    scope.set("codes", json!({ "matched": { "1": true, "0": false } }));
    scope.set("secret", json!({ "key": "0123456789abcdef" }));
    scope
}

fn evaluate(source: &str) -> Result<Json, Fault> {
    Expression::compile(source)
        .unwrap_or_else(|flaw| panic!("{source}: {flaw:?}"))
        .evaluate(&scope())
}

#[test]
fn whole_numbers_stay_whole_and_text_stays_text() {
    assert_eq!(evaluate("resp.body.big"), Ok(json!(430_000_188_001_010_014_i64)));
    assert_eq!(evaluate("resp.body.code"), Ok(json!("00")));
    assert_eq!(evaluate("resp.body.n + 1"), Ok(json!(19)));
    assert_eq!(evaluate("int('0012') * 2"), Ok(json!(24)));
    assert_eq!(evaluate("string(resp.status)"), Ok(json!("200")));
    assert_eq!(evaluate("[1, 'a', null, {'k': true}]"), Ok(json!([1, "a", null, { "k": true }])));
}

#[test]
fn functions_of_the_manifest_language() {
    for (source, expected) in [
        (
            "hex(hmac_sm3('key', 'The quick brown fox jumps over the lazy dog'))",
            json!("bd4a34077888162b210645b8ebf74b9af357303789357a27c7fc457244ebd398"),
        ),
        (
            "hex(sm3('abc'))",
            json!("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        ),
        ("hex(gbk('张')) + hex(gb18030('𠮷'))", json!("d5c59534b235")),
        ("join(['a', 'b', 'c'], '-') + join([], '-')", json!("a-b-c")),
        ("http_date(784111777000)", json!("Sun, 06 Nov 1994 08:49:37 GMT")),
        (
            "base64(hmac_sha256('key', 'The quick brown fox jumps over the lazy dog'))",
            json!("97yD9DBThCSxMpjmqm+xQ+9NWaFJRhdZl0edvC0aPNg="),
        ),
        ("hex(md5('abc'))", json!("900150983cd24fb0d6963f7d28e17f72")),
        ("hex(sha256('')).size()", json!(64)),
        ("aes_ecb_decrypt(secret.key, 'NZayaIGYa337l7L4gUIrsg==')", json!("day-secret-2026")),
        ("json(resp.body.datas).a[0]", json!(1)),
        ("json('\"{\\\\\"a\\\\\":1}\"').a", json!(1)),
        ("json(resp.body.rows)[0].v", json!(1)),
        ("xml('<P><RECORD n=\"1\"><XM>a</XM></RECORD></P>').P.RECORD[0].XM", json!("a")),
        ("to_json({'a': 1})", json!("{\"a\":1}")),
        ("lower('ABC') + upper('d') + trim('  e ')", json!("abcDe")),
        ("time(0, 'yyyy-MM-dd HH:mm:ss')", json!("1970-01-01 08:00:00")),
        ("ms('1970-01-01 08:00:01', 'yyyy-MM-dd HH:mm:ss')", json!(1000)),
        ("date('20180131')", json!("2018-01-31")),
        ("date(20180131)", json!("2018-01-31")),
        ("date(resp.body.nil)", json!(null)),
        ("month('201801')", json!("2018-01")),
        ("fen('12.30')", json!(1230)),
        ("fen(resp.body.half)", json!(123_450)),
        ("latest(resp.body.rows, 'd').v", json!(2)),
        ("latest(resp.body.none, 'd')", json!(null)),
        ("first(resp.body.rows).v + last(resp.body.rows).v", json!(4)),
        ("or_null(resp.body, 'absent')", json!(null)),
        ("resp.body.rows.filter(row, row.v > 1).size()", json!(2)),
        ("resp.body.rows.exists(row, row.d == '20190101')", json!(true)),
        ("count(resp.body.rows) + count([])", json!(3)),
        ("has(resp.body.absent) ? 1 : 0", json!(0)),
        ("codes.matched['1']", json!(true)),
        ("id18('11010519491231002x')", json!("11010519491231002X")),
    ] {
        assert_eq!(evaluate(source), Ok(expected), "{source}");
    }
}

#[test]
fn failures_are_told_without_values() {
    for (source, expected) in [
        ("resp.body.absent", "there is no field `absent`"),
        (
            "codes.matched[resp.body.code]",
            "a value has no entry in the table or map it is looked up in",
        ),
        ("resp.body.code + 1", "it cannot be evaluated (a value has the wrong type)"),
        ("lower(resp.status)", "`lower`: takes text"),
        ("count('')", "`count`: takes a list"),
        ("count({})", "`count`: takes a list"),
        ("count(resp.body.nil)", "`count`: takes a list"),
        ("date(resp.body.datas)", "`date`: the text is no date"),
        ("id18(resp.body.code)", "`id18`: the text is no citizen ID"),
        (
            "int(resp.body.datas)",
            "it cannot be evaluated (a value does not have the form a function needs)",
        ),
        ("resp.body.rows[7]", "it cannot be evaluated (an index is outside its list)"),
        ("9223372036854775807 + resp.body.n", "it cannot be evaluated (a number is too large)"),
        ("resp.body.n / 0", "it cannot be evaluated (division by zero)"),
        ("absent.field", "there is no `absent` here"),
        (
            "hmac_sha256('a', 'b')",
            "it must be text, a number, a truth, a list, a map or null, not bytes: use `base64` or `hex`",
        ),
    ] {
        let fault = evaluate(source).unwrap_err().to_string();
        assert_eq!(fault, expected, "{source}");
        assert!(!fault.contains("00") && !fault.contains("[1]"), "{fault}");
    }
}

#[test]
fn names_are_checked_before_anything_runs() {
    let roles = Members::nested([("person", Members::of(["name", "document_number"]))]);
    let names = Names::default().with("subject", roles).with("resp", Members::of(["body"]));
    let flaws = |source: &str| {
        let expression = Expression::compile(source).unwrap();
        let flaws = expression.unknown_names(&names);
        flaws.into_iter().map(|flaw| (flaw.offset, flaw.problem)).collect::<Vec<_>>()
    };
    assert_eq!(flaws("subject.person.name == resp.body.rows.map(r, r.x)[0].y"), []);
    assert_eq!(flaws("has(subject.person.name) && resp.body.exists(k, k == 'a')"), []);
    assert_eq!(flaws("rsp.body"), [(0, "there is no `rsp` here; did you mean `resp`?".to_owned())]);
    assert_eq!(flaws("subject.spouse.name")[0].1, "there is no field `spouse` here");
    assert_eq!(
        flaws("1 + subject.person.nam")[0].1,
        "there is no field `nam` here; did you mean `name`?"
    );
    assert_eq!(flaws("lowr('a')")[0].1, "there is no function `lowr`; did you mean `lower`?");
    assert_eq!(flaws("lower('a', 'b')")[0].1, "`lower` takes 1 arguments, not 2");
    assert_eq!(flaws("'a'.lower()")[0].1, "there is no method `lower`");
    assert_eq!(flaws("now() + later").len(), 2);
    assert_eq!(flaws("resp.body.map(x, y)").len(), 1);
}

#[test]
fn syntax_errors_say_where() {
    let flaw = Expression::compile("1 +\n  )").unwrap_err();
    assert!(flaw.problem.starts_with("this is no expression"), "{flaw:?}");
    assert_eq!(flaw.offset, 6);
    assert!(Expression::compile("  ").is_err());
}

/// On three quarters of the stack that a thread of the runtime has, in a debug build.
#[test]
fn nothing_written_in_a_manifest_can_panic_or_exhaust_the_stack() {
    let hostile = [
        "(".repeat(2_000),
        "[".repeat(20) + &"]".repeat(20),
        "1".to_owned() + &"+1".repeat(399),
        "resp".to_owned() + &".a".repeat(399),
        "1".to_owned() + &"+1".repeat(30),
        "resp.body".to_owned() + &".a".repeat(29),
        "[".repeat(23) + "resp.body.n" + &"]".repeat(23),
        "lower(".repeat(23) + "resp.text" + &")".repeat(23),
        "-(".repeat(18) + "1" + &")".repeat(18),
        "-".repeat(150) + "1",
        "!".repeat(150) + "true",
        "1 == ".repeat(60) + "1",
        "true ? 1 : ".repeat(26) + "1",
        "a ? b : ".repeat(79) + "c",
        "true || ".repeat(79) + "true",
        "[[1]].map(a, [a].map(b, [b].map(c, [c].map(d, [d].map(e, e)))))".to_owned(),
        "(".repeat(24) + "1" + &")".repeat(24),
        "{".repeat(24) + &"}".repeat(24),
        "\"\\u0000\" + '\u{202e}'".to_owned(),
        "0x".to_owned(),
        "1e999".to_owned(),
        "99999999999999999999".to_owned(),
        "-9223372036854775808 / -1".to_owned(),
        "-9223372036854775808 % -1".to_owned(),
        "1 / 0u".to_owned(),
        "size".to_owned(),
        "type(1)".to_owned(),
        "b'\\xff'".to_owned(),
        "string(b'\\xff')".to_owned(),
        "'a'.matches('(')".to_owned(),
        "'aaaaaaaaaaaaaaaaaaaaaaaa!'.matches('(a*)*b')".to_owned(),
        "int(1e300)".to_owned(),
        "[1][-1]".to_owned(),
        "[1][1.5]".to_owned(),
        "{'a': 1, 'a': 2}".to_owned(),
        "{1: 2}".to_owned(),
        "{1.5: 2}".to_owned(),
        "resp{a: 1}".to_owned(),
        "resp.?body".to_owned(),
        "has(1)".to_owned(),
        "[1].map(x)".to_owned(),
        "'\\".to_owned(),
        "`".to_owned(),
        "@".to_owned(),
        "\0".to_owned(),
    ];
    std::thread::Builder::new()
        .stack_size(1536 * 1024)
        .spawn(move || {
            let scope = scope();
            for source in hostile {
                if let Ok(expression) = Expression::compile(&source) {
                    expression.unknown_names(&Names::default());
                    let _either = expression.evaluate(&scope);
                }
            }
        })
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn what_grows_without_bound_is_stopped() {
    budget::shrink(4 * 1024 * 1024);
    let mut scope = scope();
    let rows: Vec<Json> = (0..2_000).map(|id| json!({ "id": id, "name": "欧阳修文" })).collect();
    scope.set("rows", json!(rows));
    scope.set("long", json!("x".repeat(1 << 20)));
    let ten = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]";
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let nested = names
        .iter()
        .rev()
        .fold("true".to_owned(), |inside, name| format!("{ten}.all({name}, {inside})"));
    let strings = "a + a + a + a + a + a + a + a + a + a";
    let growing =
        (0..9).fold("['aaaaaaaaaa']".to_owned(), |before, _| format!("{before}.map(a, {strings})"));
    let lists = (0..9).fold("[rows]".to_owned(), |before, _| {
        format!("{before}.map(a, [a, a, a, a, a, a, a, a])")
    });
    let maps = (0..9).fold("[rows]".to_owned(), |before, _| {
        format!("{before}.map(a, {{'a': a, 'b': a, 'c': a, 'd': a}})")
    });
    let doubled = (0..12).fold("[long]".to_owned(), |before, _| format!("{before}.map(a, hex(a))"));
    for source in [
        nested,
        growing,
        lists,
        maps,
        doubled,
        "rows.all(a, !rows.exists(b, b.id == a.id + 2000))".to_owned(),
        "rows.all(a, rows.exists_one(b, b.id == a.id))".to_owned(),
        "rows.all(a, rows.filter(b, b.id == a.id).size() == 1)".to_owned(),
        "rows.map(a, a.id in rows.map(b, b.id))".to_owned(),
        "rows.map(a, rows == rows)".to_owned(),
        "rows.map(a, size(long) + a.id)".to_owned(),
        "rows.map(a, long.contains(a.name))".to_owned(),
        "rows.map(a, string(long).size())".to_owned(),
        "rows.map(a, long < long)".to_owned(),
        "rows.map(a, to_json(rows))".to_owned(),
        "rows.map(a, [rows])".to_owned(),
        "rows.map(a, rows.size() > 0 ? rows : [])".to_owned(),
        "rows.map(a, a.name.matches('^.*x{900}$'))".to_owned(),
        "long.matches('x*y')".to_owned(),
        "join(rows.map(a, a.name), long)".to_owned(),
        "json('[' + join(rows.map(a, join(rows.map(b, '0'), ',')), ',') + ']')".to_owned(),
        format!("[{}]", vec!["rows"; 200].join(", ")),
        vec!["long"; 31].join(" + "),
        "'x'.matches('(a{200}){200}')".to_owned(),
    ] {
        let expression = Expression::compile(&source).unwrap();
        let fault = expression.evaluate(&scope).expect_err(&source);
        let is_pattern = source.starts_with("'x'");
        assert_eq!(fault == Fault::Spent, !is_pattern, "{source}: {fault:?}");
        assert!(expression.taken(&scope).codes.is_empty());
    }
}

#[test]
fn what_manifests_do_is_well_inside_the_budget() {
    let mut scope = scope();
    let rows: Vec<Json> =
        (0..200).map(|id| json!({ "id": id, "name": "欧阳修文", "code": "1" })).collect();
    scope.set("rows", json!(rows));
    let many: Vec<Json> = (0..20_000).map(|id| json!({ "id": id })).collect();
    scope.set("many", json!(many));
    scope.set("long", json!("x".repeat(1 << 22)));
    for (source, expected) in [
        ("rows.all(a, rows.exists(b, b.id == a.id))", json!(true)),
        ("rows.filter(a, codes.matched[a.code]).size()", json!(200)),
        ("rows.map(a, a.id > 100, a.name + '/' + string(a.id)).size()", json!(99)),
        ("rows.exists_one(a, a.id == 7)", json!(true)),
        ("rows.filter(a, a.name.matches('^[\\\\u4e00-\\\\u9fa5]{2,5}$')).size()", json!(200)),
        ("many.filter(a, a.id >= 19000).size()", json!(1_000)),
        ("hex(sm3(long)).size()", json!(64)),
        ("long.contains('y') || long.size() == 4194304", json!(true)),
        ("1 + 2 + 3 - 4 + 5", json!(7)),
        ("[1] + [2] + [3]", json!([1, 2, 3])),
        ("'a' + 'b' + string(3)", json!("ab3")),
    ] {
        let value = Expression::compile(source).unwrap().evaluate(&scope);
        assert_eq!(value, Ok(expected), "{source}");
    }
}

#[test]
fn and_and_or_go_from_left_to_right_and_forget_no_error() {
    for source in [
        "resp.body.absent == '1004' || true",
        "resp.body.absent == '1004' || size(resp.body.none) == 0",
        "resp.body.absent == '1004' && false",
        "(resp.body.absent == '1' || false) || true",
        "false || (resp.body.absent == '1' || true)",
        "true && resp.body.absent == '1' && false",
        "resp.body.rows.exists(r, r.absent == 1 || true)",
        "[1, 2].exists(n, 10 / (n - 1) == 10)",
        "[1, 2].all(n, 10 / (n - 1) == 11)",
        "!(resp.body.absent == 'x' && false)",
        "(resp.body.absent == 'x' && false) ? 1 : 2",
        "resp.text || true",
        "resp.body.n && false",
        "true && resp.body.n",
        "false || resp.body.code",
        "[1].all(n, n)",
        "[0, 1].exists(n, n)",
    ] {
        let fault = evaluate(source);
        assert!(fault.is_err(), "{source}: {fault:?}");
    }
    for (source, expected) in [
        ("true || resp.body.absent == '1'", true),
        ("false && resp.body.absent == '1'", false),
        ("has(resp.body.absent) && resp.body.absent == '1'", false),
        ("!has(resp.body.absent) || resp.body.absent == '1'", true),
        ("resp.body.code == '00' && resp.body.n == 18 && resp.body.half > 1.0", true),
        ("codes.matched['0'] || codes.matched['1']", true),
        ("codes.matched['1'] && codes.matched['0']", false),
        ("[1, 2].exists(n, n == 1 || 10 / (n - 1) == 10)", true),
        ("[2, 1].exists(n, 10 / (n - 1) == 10)", true),
        ("resp.body.none.exists(n, n)", false),
        ("resp.body.none.all(n, n)", true),
        ("resp.body.rows.all(r, r.v > 0)", true),
    ] {
        assert_eq!(evaluate(source), Ok(json!(expected)), "{source}");
    }
}

#[test]
fn a_value_that_is_part_of_the_text_is_no_missing_field() {
    let mut scope = scope();
    scope.set("resp", json!({ "body": { "d": "01" } }));
    let fault = |source: &str| Expression::compile(source).unwrap().evaluate(&scope).unwrap_err();
    assert_eq!(fault("{'a': '2020-01-01'}[resp.body.d]"), Fault::NoEntry);
    assert_eq!(fault("{'01x': 1}[resp.body.d]"), Fault::NoEntry);
    assert_eq!(fault("resp.body['absent']"), Fault::Missing("absent".to_owned()));
    assert_eq!(fault("[1].map(a, resp.absent)"), Fault::Missing("absent".to_owned()));
}

#[test]
fn what_is_seen_and_what_is_written_are_maps_and_lists_of_one_kind() {
    for source in [
        "resp.body.rows == [{'d': '20180101', 'v': 1}, {'d': '20200101', 'v': 2}, {'d': '20190101', 'v': 3}]",
        "[{'d': '20180101', 'v': 1}] + resp.body.rows.filter(r, r.v > 1) == resp.body.rows.filter(r, r.v == 1) + [resp.body.rows[1], resp.body.rows[2]]",
        "[] == resp.body.none && resp.body.none == [] && [[]] == [resp.body.none]",
        "resp.body.rows[0] in [{'v': 1, 'd': '20180101'}] && {'v': 1, 'd': '20180101'} in resp.body.rows",
        "resp.body.rows[0] == {'v': 1, 'd': '20180101'} && {'v': 1, 'd': '20180101'} == resp.body.rows[0]",
        "[[1], [2]].exists(x, x == xml('<a><RECORD>1</RECORD></a>').a.RECORD.map(r, int(r)))",
        "resp.body.rows.map(r, r) == resp.body.rows && size(resp.body.rows) == 3 && size(resp.body.rows[0]) == 2",
        "has(resp.body.code) && !has(resp.body.absent) && resp.body.rows[0].all(k, k in ['d', 'v'])",
        "latest(resp.body.rows.map(r, {'at': r.d, 'row': r}), 'at').row == resp.body.rows[1]",
        "to_json(first(resp.body.rows)) == '{\"d\":\"20180101\",\"v\":1}' && [first([]), last([])] == [null, null]",
    ] {
        assert_eq!(evaluate(source), Ok(json!(true)), "{source}");
    }
    let fault = |source| evaluate(source).unwrap_err().to_string();
    assert_eq!(fault("latest([{'d': '1'}, {'d': 2}], 'd')"), fault("latest([1], 'd')"));
    assert_eq!(fault("or_null([], 'd')"), "`or_null`: takes a map and a field");
    assert_eq!(fault("xml(1)"), "`xml`: takes no such value");
}

#[test]
fn what_is_held_is_what_is_evaluated() {
    let scope = scope();
    for source in [
        "resp.body",
        "resp.body.rows[0]",
        "[resp.body.rows]",
        "resp.body.code",
        "null",
        "{'a': [1.5]}",
    ] {
        let expression = Expression::compile(source).unwrap();
        let held = expression.held(&scope).unwrap();
        assert_eq!(Ok(held.to_json()), expression.evaluate(&scope), "{source}");
        let mut again = Scope::inside(&Arc::new(Scope::default()));
        again.set("it", held);
        assert_eq!(
            Expression::compile("it").unwrap().evaluate(&again),
            expression.evaluate(&scope)
        );
    }
    let bytes = Expression::compile("gbk('a')").unwrap();
    assert_eq!(bytes.held(&scope).unwrap_err(), bytes.evaluate(&scope).unwrap_err());
    let body = Held::from(json!({ "rows": [1, { "a": null }], "n": 7 }));
    assert_eq!(body.values(), 6);
    assert_eq!(body.get("n").and_then(|n| n.as_u64()), Some(7));
    assert!(body.get("rows").unwrap().items().unwrap()[1].get("a").unwrap().is_null());
    let with = body.clone().with("rows", Held::list([]));
    assert_eq!((with.to_json(), body.values()), (json!({ "rows": [], "n": 7 }), 6));
}
