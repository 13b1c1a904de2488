//! PostgreSQL: its types, and what only it does.

use serde_json::json;

use super::{HE, Kind, suite};

pub(super) const TABLES: &str = "
CREATE ROLE fund_centre LOGIN PASSWORD 'pencil';
CREATE TABLE marriage (number char(18), name text, status varchar(2), registered_on date, certificate text);
INSERT INTO marriage VALUES {MARRIAGES};
CREATE FUNCTION scribble(number text) RETURNS int LANGUAGE sql AS
$$ INSERT INTO marriage (number) VALUES (number) RETURNING 1 $$;
CREATE TYPE sort AS ENUM ('one', 'two');
CREATE DOMAIN number AS text CHECK (length(value) = 18);
GRANT ALL ON marriage TO fund_centre;
";

suite!(Kind::PostgreSql);

#[tokio::test]
async fn every_type_that_is_read() {
    let front = Kind::PostgreSql.front().await;
    let statement = "SELECT true AS yes, false AS no, (-32768)::int2 AS small, 2147483647::int4 AS whole, \
         (-9223372036854775808)::int8 AS big, '张三 𠮷'::text AS words, '张'::varchar(3) AS few, \
         '张'::char(5) AS filled, 'n'::name AS name, '430000188001010014'::number AS domain, \
         12.50::numeric(12,2) AS yuan, -0.000120::numeric AS little, \
         123456789012345678901234567890::numeric AS much, '0001-01-01'::date AS first, \
         '2018-01-31'::date AS day, '2018-01-31 08:09:10.75'::timestamp AS moment, \
         '2018-01-31 23:09:10+00'::timestamptz AS instant, ''::text AS empty WHERE $1 = 1";
    let expected = json!({
        "yes": true, "no": false, "small": -32_768, "whole": i32::MAX, "big": i64::MIN,
        "words": "张三 𠮷", "few": "张", "filled": "张", "name": "n", "domain": "430000188001010014",
        "yuan": "12.50", "little": "-0.000120", "much": "123456789012345678901234567890",
        "first": "0001-01-01", "day": "2018-01-31", "moment": "2018-01-31 08:09:10",
        "instant": "2018-02-01 07:09:10", "empty": "",
    });
    assert_eq!(front.rows(statement, &[json!(1)]).await.unwrap(), [expected]);
}

#[tokio::test]
async fn every_parameter_that_can_be_sent() {
    let front = Kind::PostgreSql.front().await;
    let statement = "SELECT $1::text AS said, $2::bool AS yes, $3::int8 AS whole, $4::text AS none";
    let put = [json!("张三"), json!(true), json!(i64::MIN), json!(null)];
    let expected = json!({ "said": "张三", "yes": true, "whole": i64::MIN, "none": null });
    assert_eq!(front.rows(statement, &put).await.unwrap(), [expected]);
    for unfit in [json!(1.5), json!([1]), json!({}), json!(u64::MAX), json!("\0")] {
        let failed =
            front.rows("SELECT $1 AS said", std::slice::from_ref(&unfit)).await.unwrap_err();
        assert_eq!(failed.reason.code(), "contract_error", "{unfit}: {}", failed.detail);
    }
}

#[tokio::test]
async fn nulls_of_every_type() {
    let front = Kind::PostgreSql.front().await;
    for kind in ["bool", "int2", "int4", "int8", "text", "varchar", "char(3)", "numeric", "date"]
        .into_iter()
        .chain(["timestamp", "timestamptz", "float8", "bytea", "sort"])
    {
        let statement = format!("SELECT null::{kind} AS n WHERE $1 = 1");
        let rows = front.rows(&statement, &[json!(1)]).await.map_err(|failed| failed.detail);
        assert_eq!(rows.unwrap(), [json!({ "n": null })], "{kind}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_to_be_cast() {
    let front = Kind::PostgreSql.front().await;
    for value in [
        "1.5::float4",
        "1.5::float8",
        "'a'::bytea",
        "'{}'::json",
        "'{}'::jsonb",
        "gen_random_uuid()",
        "'08:09'::time",
        "'1 day'::interval",
        "ARRAY['a']",
        "'one'::sort",
        "'NaN'::numeric",
        "'Infinity'::numeric",
        "'infinity'::date",
        "'-infinity'::timestamp",
        "'infinity'::timestamptz",
        "'294276-12-31'::timestamp",
        "'4713-01-01 BC'::date",
    ] {
        let rows = front.rows(&format!("SELECT {value} AS n WHERE $1 = 1"), &[json!(1)]).await;
        if value.ends_with("BC'::date") {
            assert_eq!(rows.unwrap(), [json!({ "n": "-004712-01-01" })]);
            continue;
        }
        let failed = rows.map_err(|failed| (failed.reason.code(), failed.detail)).unwrap_err();
        assert_eq!(failed.0, "contract_error", "{value}");
        assert!(failed.1.contains("cast it"), "{value}: {}", failed.1);
    }
    let failed = front.rows("SELECT number FROM nowhere WHERE name = $1", &[json!(HE)]).await;
    assert_eq!(failed.unwrap_err().detail, "the database answered with SQLSTATE 42P01");
}
