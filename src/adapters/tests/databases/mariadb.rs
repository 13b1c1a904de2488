//! MariaDB: its types, and what only it does.

use std::time::Duration;

use serde_json::json;

use super::{HE, Kind, about, answer, failure, suite};

pub(super) const TABLES: &str = "
SET NAMES utf8mb4;
CREATE DATABASE front CHARACTER SET utf8mb4;
USE front;
CREATE USER fund_centre IDENTIFIED BY 'pencil' REQUIRE SSL;
CREATE TABLE marriage (number CHAR(18), name VARCHAR(50), status VARCHAR(2), registered_on DATE, certificate TEXT) COLLATE utf8mb4_general_ci;
INSERT INTO marriage VALUES {MARRIAGES};
CREATE TABLE old (name VARCHAR(50)) CHARACTER SET gbk;
INSERT INTO old VALUES ('张三'), ('镕');
SET SESSION sql_mode = '';
SET time_zone = '+00:00';
CREATE TABLE kinds (truth BOOLEAN, little TINYINT, small SMALLINT, medium MEDIUMINT, whole INT, big BIGINT, plenty BIGINT UNSIGNED, yuan DECIMAL(12,2), day DATE, moment DATETIME(3), instant TIMESTAMP, filled CHAR(5), words VARCHAR(20), much TEXT, sort ENUM('一', '二'), either SET('a', 'b'), code VARCHAR(9) COLLATE utf8mb4_bin, wrong BOOLEAN, zero DATE, hour TIME, year YEAR, half FLOAT, twice DOUBLE, bits BIT(3), raw VARBINARY(9), blob_ BLOB);
INSERT INTO kinds VALUES (1, -128, -32768, -8388608, -2147483648, -9223372036854775808, 18446744073709551615, 12.5, '2018-01-31', '2018-01-31 08:09:10.750', '2018-01-31 23:09:10', '张', '张三 𠮷', '', '二', 'a,b', 'A', 7, '0000-00-00', '08:09:10', 2018, 1.5, 1.5, 5, x'ff00', x'ff00');
CREATE FUNCTION scribble(given TEXT) RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO marriage (number) VALUES (given); RETURN 1; END;
GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE ON front.* TO fund_centre;
";

suite!(Kind::MariaDb);

#[tokio::test]
async fn every_type_that_is_read() {
    let front = Kind::MariaDb.front().await;
    let statement = "SELECT truth, little, small, medium, whole, big, plenty, yuan, day, moment, instant, \
         filled, words, much, sort, either, code, zero FROM kinds WHERE $1 = 1";
    let expected = json!({
        "truth": true, "little": -128, "small": -32_768, "medium": -8_388_608, "whole": i32::MIN,
        "big": i64::MIN, "plenty": u64::MAX, "yuan": "12.50", "day": "2018-01-31",
        "moment": "2018-01-31 08:09:10", "instant": "2018-02-01 07:09:10", "filled": "张",
        "words": "张三 𠮷", "much": "", "sort": "二", "either": "a,b", "code": "A", "zero": null,
    });
    assert_eq!(front.rows(statement, &[json!(1)]).await.unwrap(), [expected]);
    let rows = front.rows("SELECT name FROM old WHERE name = $1", &[json!("镕")]).await.unwrap();
    assert_eq!(rows, [json!({ "name": "镕" })]);
}

#[tokio::test]
async fn every_parameter_that_can_be_sent() {
    let front = Kind::MariaDb.front().await;
    let statement = "SELECT ? AS said, ? AS yes, ? AS whole, ? AS none";
    let put = [json!("张三"), json!(true), json!(i64::MIN), json!(null)];
    let expected = json!({ "said": "张三", "yes": 1, "whole": i64::MIN, "none": null });
    assert_eq!(front.rows(statement, &put).await.unwrap(), [expected]);
    for unfit in [json!(1.5), json!([1]), json!({}), json!(u64::MAX)] {
        let failed =
            front.rows("SELECT $1 AS said", std::slice::from_ref(&unfit)).await.unwrap_err();
        assert_eq!(failed.reason.code(), "contract_error", "{unfit}: {}", failed.detail);
    }
}

#[tokio::test]
async fn nulls_of_every_type() {
    let front = Kind::MariaDb.front().await;
    for column in
        "truth little small medium whole big plenty yuan day moment filled words much sort"
            .split(' ')
            .chain("either code hour year half twice bits raw blob_".split(' '))
    {
        let statement = format!("SELECT NULLIF({column}, {column}) AS n FROM kinds WHERE $1 = 1");
        let rows = front.rows(&statement, &[json!(1)]).await.map_err(|failed| failed.detail);
        assert_eq!(rows.unwrap(), [json!({ "n": null })], "{column}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_to_be_cast() {
    let front = Kind::MariaDb.front().await;
    for column in "wrong hour year half twice bits raw blob_".split(' ') {
        let statement = format!("SELECT {column} FROM kinds WHERE $1 = 1");
        let failed = front.rows(&statement, &[json!(1)]).await;
        let failed = failed.map_err(|failed| (failed.reason.code(), failed.detail)).unwrap_err();
        assert_eq!(failed.0, "contract_error", "{column}");
        assert!(failed.1.contains("cast it"), "{column}: {}", failed.1);
    }
    let failed = front.rows("SELECT number FROM nowhere WHERE name = $1", &[json!(HE)]).await;
    assert_eq!(failed.unwrap_err().detail, "the database answered with error 1146");
}

/// Its usual collation takes every rare character for every other: the echo must compare the text.
#[tokio::test]
async fn a_name_that_its_collation_takes_for_another() {
    let front = Kind::MariaDb.front().await;
    let manifest = front.manifest("20s", "").replace("number = $1", "name = $1");
    let manifest =
        manifest.replace("['subject.person.document_number']", "['subject.person.name']");
    let adapter = front.office.adapter(&manifest);
    let number = "430000199001010019";
    let right = answer(&adapter, &about(number, "𠮷田·买买提")).await;
    assert!(right.ends_with("status=married"), "{right}");
    let (reason, detail) = failure(&adapter, &about(number, "𠮶田·买买提")).await;
    assert_eq!(reason, "contract_error");
    assert!(detail.contains("outcome.echo"), "{detail}");
}

/// It ends what does not depend on a row at the limit too, and then answers as if it had been worked out.
#[tokio::test]
async fn what_is_cut_short_without_a_word_is_no_answer() {
    let front = Kind::MariaDb.front().await;
    let line = front.line(Duration::from_secs(4));
    let statement = "SELECT BENCHMARK(1000000000, MD5('a')) AS cut, $1 AS said";
    let failed = front.put(&*line, statement, &[json!("a")]).await.unwrap_err();
    assert_eq!(failed.reason.code(), "timeout", "{}", failed.detail);
}
