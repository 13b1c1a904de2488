//! Folders into which an agency drops tables: whole ones, half ones, late ones, old ones.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use encoding_rs::GB18030;

use super::agency::*;
use crate::adapters::Adapter;
use crate::crypto;
use crate::query::time::Timestamp;

const MANIFEST: &str = r#"
schema = 1
name = "police"
version = "1.0.0"
agency = "police"
[file]
folder = "../dropped"
pattern = "people-*.csv"
as_of = "yyyyMMdd"
digest = "sha256"
key = "number"
max_bytes = 10000
max_rows = 3
[[operation]]
fact = "P1"
lookup = 'subject.person.document_number'
[operation.outcome]
not_found = 'size(resp.rows) == 0'
conflict = 'size(resp.rows) > 1'
found = 'true'
echo = 'fold(doc[0].name) == fold(subject.person.name)'
[operation.attributes]
identity_match = 'doc[0].status == "1"'
deceased = 'doc[0].dead == "是"'
"#;

/// A folder, and an office that reads it.
struct Shelf {
    office: Office,
}

impl Shelf {
    fn new() -> Self {
        let office = Office::new();
        fs::create_dir(office.path().join("dropped")).unwrap();
        Self { office }
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.office.path().join("dropped").join(name), bytes).unwrap();
    }

    fn mark(&self, name: &str, bytes: &[u8]) {
        let marker = format!("{}  {name}\n", crypto::hex(&crypto::sha256(bytes)).to_uppercase());
        self.write(&format!("{name}.ok"), marker.as_bytes());
    }

    fn drop(&self, name: &str, text: &str) {
        self.write(name, text.as_bytes());
        self.mark(name, text.as_bytes());
    }

    fn adapter(&self) -> Arc<Adapter> {
        self.office.adapter(MANIFEST)
    }
}

fn table(status: &str) -> String {
    format!(
        "name,number,status,dead\n张三,{HE},{status},否\n\"李, \"\"四\"\"\",{SHE},1,是\n王五,1,1,否\n王五,1,2,否\n"
    )
}

fn about(number: &str, name: &str) -> crate::query::Query {
    query("P1", vec![person("person", number, name)])
}

async fn answer(adapter: &Adapter, number: &str, name: &str) -> String {
    let answer = ask(adapter, &about(number, name)).await;
    told(&answer.unwrap_or_else(|failure| panic!("{}", failure.detail)))
}

const YES: &str = "deceased=false identity_match=true";
const NO: &str = "deceased=false identity_match=false";

#[tokio::test]
async fn found_not_found_and_conflict_with_the_age_of_the_table() {
    let shelf = Shelf::new();
    shelf.drop("people-20231114.csv", &table("1"));
    let adapter = shelf.adapter();
    assert_eq!(adapter.transport(), "file");
    assert_eq!(answer(&adapter, HE, "张三").await, YES);
    assert_eq!(answer(&adapter, SHE, "李, \"四\"").await, "deceased=true identity_match=true");
    assert_eq!(answer(&adapter, "1", "王五").await, "conflict");
    assert_eq!(answer(&adapter, "' OR 1=1 --", "王五").await, "not found");
    assert_eq!(failure(&adapter, &about(HE, "李四")).await.0, "contract_error");
    assert_eq!(failure(&adapter, &about("1", "张三")).await.0, "contract_error");
    assert_eq!(failure(&adapter, &about("", "李四")).await.0, "contract_error");
    // 2023-11-14 in China, for a "no" as well.
    for (number, name) in [(HE, "张三"), ("1", "王五"), ("2", "张三")] {
        let record = ask(&adapter, &about(number, name)).await.map_err(|failed| failed.detail);
        assert_eq!(
            record.unwrap().record.as_of,
            Timestamp::from_seconds(1_699_891_200),
            "{number}"
        );
    }
}

/// Where a rule for the time of a row has no row, or two, the table's own time stands.
#[tokio::test]
async fn without_a_row_the_time_is_that_of_the_table() {
    let shelf = Shelf::new();
    shelf.drop("people-20231114.csv", &table("1"));
    let rule = "fact = \"P1\"\nas_of = 'ms(doc[0].updated, \"yyyyMMdd\")'";
    let adapter = shelf.office.adapter(&MANIFEST.replace("fact = \"P1\"", rule));
    for (number, expected) in [("1", "conflict"), ("2", "not found")] {
        assert_eq!(answer(&adapter, number, "王五").await, expected);
        let record = ask(&adapter, &about(number, "王五")).await.map_err(|failed| failed.detail);
        assert_eq!(record.unwrap().record.as_of.0 / 1_000_000, FOURTEENTH, "{expected}");
    }
    assert_eq!(failure(&adapter, &about(HE, "张三")).await.0, "contract_error");
}

#[tokio::test]
async fn the_marker_comes_last_and_the_newest_file_answers() {
    let shelf = Shelf::new();
    let adapter = shelf.adapter();
    assert_eq!(failure(&adapter, &about(HE, "张三")).await.0, "unreachable");
    shelf.write("people-20231114.csv", table("1").as_bytes());
    assert_eq!(failure(&adapter, &about(HE, "张三")).await.0, "unreachable");
    shelf.mark("people-20231114.csv", table("1").as_bytes());
    assert_eq!(answer(&adapter, HE, "张三").await, YES);
    // Half of the next one, then all of it, then its marker.
    let next = table("2");
    shelf.write("people-20231115.csv", &next.as_bytes()[..60]);
    assert_eq!(answer(&adapter, HE, "张三").await, YES);
    shelf.mark("people-20231115.csv", next.as_bytes());
    assert_eq!(answer(&adapter, HE, "张三").await, YES);
    shelf.write("people-20231115.csv", next.as_bytes());
    assert_eq!(answer(&adapter, HE, "张三").await, NO);
    // An older one, one of tomorrow, and names that are none.
    for name in ["people-20231113.csv", "people-20231116.csv", "people-.csv", "people-20231399.csv"]
    {
        shelf.drop(name, &table("1"));
    }
    assert_eq!(answer(&adapter, HE, "张三").await, NO);
}

#[tokio::test]
async fn a_bad_file_changes_nothing() {
    let shelf = Shelf::new();
    shelf.drop("people-20231114.csv", &table("1"));
    let adapter = shelf.adapter();
    assert_eq!(answer(&adapter, HE, "张三").await, YES);
    let name = "people-20231115.csv";
    let huge = format!("{}{}", table("2"), "王五,3,1,否\n".repeat(1_000));
    for bad in [
        "",
        "name,number,status\n",
        &format!("name,status,dead\n张三,1,否\n{HE},1,否\n"),
        &format!("number,number,status\n{HE},{HE},2\n"),
        &format!("number,name,status,dead\n{HE},张三,2\n"),
        // A quote that is never closed would swallow the rest, and it would be "not found".
        &format!("number,name,status,dead\n{HE},张三,2,\"否\n{SHE},李四,1,是\n"),
        &format!("number,name,status,dead\n{HE},张三,2,\"否"),
        &format!("number,name,status,dead\n{HE},\"张三,2,否\n1,王\"五,1,否\n"),
        &huge,
    ] {
        shelf.drop(name, bad);
        assert_eq!(answer(&adapter, HE, "张三").await, YES, "{bad:.80}");
    }
    shelf.write(name, GB18030.encode(&table("2")).0.as_ref());
    shelf.mark(name, GB18030.encode(&table("2")).0.as_ref());
    assert_eq!(answer(&adapter, HE, "张三").await, YES);
    // Replaced while the marker is still the old one's.
    shelf.write(name, table("2").as_bytes());
    assert_eq!(answer(&adapter, HE, "张三").await, YES);
    shelf.drop(name, &table("2"));
    assert_eq!(answer(&adapter, HE, "张三").await, NO);
    // A gateway begun where the newest is bad takes the one before.
    shelf.write(name, b"broken");
    assert_eq!(answer(&shelf.adapter(), HE, "张三").await, YES);
}

/// Tools fill fields up, and begin a file with a byte order mark; with names of columns or without, nobody is lost.
#[tokio::test]
async fn keys_that_are_filled_up_and_a_mark_at_the_beginning() {
    let shelf = Shelf::new();
    let columns = "columns = [\"number\", \"name\", \"status\", \"dead\"]\nkey = ";
    let (head, lines) =
        ("number,name,status,dead\n", format!("{HE},张三,1,否\n {SHE}  ,李四,1,是\n"));
    for (manifest, text) in [
        (MANIFEST.to_owned(), format!("\u{feff}{head}{lines}")),
        (MANIFEST.replace("key = ", columns), format!("\u{feff}{lines}")),
        (MANIFEST.replace("key = ", columns), format!("{lines}\u{feff}1,王五,1,否\n")),
    ] {
        shelf.drop("people-20231114.csv", &text);
        let adapter = shelf.office.adapter(&manifest);
        assert_eq!(answer(&adapter, HE, "张三").await, YES, "{text}");
        assert_eq!(answer(&adapter, SHE, "李四").await, "deceased=true identity_match=true");
        let expected = if text.contains("王五") { YES } else { "not found" };
        assert_eq!(answer(&adapter, "1", "王五").await, expected);
    }
}

/// Where no line names the columns, nothing says that an empty file is a table in which nobody stands.
#[tokio::test]
async fn an_empty_file_is_no_table() {
    let shelf = Shelf::new();
    let columns = "columns = [\"number\", \"name\", \"status\", \"dead\"]\nkey = ";
    let adapter = shelf.office.adapter(&MANIFEST.replace("key = ", columns));
    for text in ["", "\n\n", "\u{feff}"] {
        shelf.drop("people-20231114.csv", text);
        assert_eq!(failure(&adapter, &about(HE, "张三")).await.0, "unreachable", "{text:?}");
    }
}

/// What an export leaves that failed at the agency, rightly marked.
#[tokio::test]
async fn a_table_with_fewer_rows_than_it_should_have_changes_nothing() {
    let shelf = Shelf::new();
    let names = format!("{}\n", table("1").lines().next().unwrap());
    let adapter = shelf.adapter();
    shelf.drop("people-20231113.csv", &names);
    assert_eq!(failure(&adapter, &about(HE, "张三")).await.0, "unreachable");
    shelf.drop("people-20231114.csv", &table("1"));
    assert_eq!(answer(&adapter, HE, "张三").await, YES);
    shelf.drop("people-20231115.csv", &names);
    assert_eq!(answer(&adapter, HE, "张三").await, YES);

    let set = |least: u32| {
        let least = format!("min_rows = {least}\nkey = ");
        shelf.office.adapter(&MANIFEST.replace("key = ", &least))
    };
    assert_eq!(answer(&set(4), HE, "张三").await, YES);
    assert_eq!(failure(&set(5), &about(HE, "张三")).await.0, "unreachable");
    assert_eq!(answer(&set(0), HE, "张三").await, "not found");
}

#[tokio::test]
async fn a_folder_that_is_gone_and_a_table_that_is_too_old() {
    let shelf = Shelf::new();
    shelf.drop("people-20231114.csv", &table("1"));
    let adapter = shelf.adapter();
    assert_eq!(answer(&adapter, HE, "张三").await, YES);
    fs::remove_dir_all(shelf.office.path().join("dropped")).unwrap();
    assert_eq!(answer(&adapter, HE, "张三").await, YES);
    let question = about(HE, "张三");
    // Two days after it was true.
    let midnight = Timestamp::from_seconds(1_699_891_200);
    for (after, is_good) in [(172_800, true), (172_801, false)] {
        let at = midnight.plus(Duration::from_secs(after));
        let asked = adapter.ask_granted(&|_| true, &question, at, BUDGET).await;
        match asked {
            // The question's own time goes on while it is asked.
            Ok(_) => assert!(is_good),
            Err(failure) => assert_eq!(failure.reason.code(), "unreachable", "{}", failure.detail),
        }
    }
}

#[tokio::test]
async fn other_charsets_separators_digests_and_no_header() {
    let shelf = Shelf::new();
    let text = format!("𠮷田|{HE}|1|否\r\n〇|{SHE}|1|是\r\n");
    let bytes = GB18030.encode(&text).0;
    shelf.write("people-20231115.csv", &bytes);
    shelf.write("people-20231115.csv.ok", crypto::hex(&crypto::sm3(&bytes)).as_bytes());
    let manifest = MANIFEST.replace("\"sha256\"", "\"sm3\"").replace(
        "key = ",
        "charset = \"gb18030\"\nseparator = \"|\"\ncolumns = [\"name\", \"number\", \"status\", \"dead\"]\nkey = ",
    );
    let adapter = shelf.office.adapter(&manifest);
    assert_eq!(answer(&adapter, HE, "𠮷田").await, YES);
    assert_eq!(answer(&adapter, SHE, "〇").await, "deceased=true identity_match=true");
}

const ADDED: &str = "as_of = \"yyyyMMdd\"\nas_of_in = ";

/// The time of the table that answers, and what it answers.
async fn dated(adapter: &Adapter) -> Result<(u64, String), String> {
    let answer = ask(adapter, &about(HE, "张三")).await.map_err(|failed| failed.detail)?;
    Ok((answer.record.as_of.0 / 1_000_000, told(&answer)))
}

/// 14 November 2023 in China.
const FOURTEENTH: u64 = 1_699_891_200;

#[tokio::test]
async fn the_time_in_a_marker() {
    let shelf = Shelf::new();
    let manifest = MANIFEST
        .replace("as_of = \"yyyyMMdd\"\n", &format!("{ADDED}\"marker\"\n"))
        .replace("people-*.csv", "people.csv");
    let adapter = shelf.office.adapter(&manifest);
    let put = |status: &str, said: &str| {
        shelf.write("people.csv", table(status).as_bytes());
        let digest = crypto::hex(&crypto::sha256(table(status).as_bytes()));
        shelf.write("people.csv.ok", format!("{digest}{said}").as_bytes());
    };
    // Beside the file's name and a count; a line of its own; twice the same.
    put("1", "  people.csv\n4\n20231114\n");
    assert_eq!(dated(&adapter).await, Ok((FOURTEENTH, YES.to_owned())));
    put("2", " 20231115");
    assert_eq!(dated(&adapter).await, Ok((FOURTEENTH + 86_400, NO.to_owned())));
    // None, two, tomorrow, a day there is not: what was good goes on.
    for bad in ["", " people.csv", " 20231114 20231115", " 20231117", " 20231199"] {
        put("1", bad);
        assert_eq!(dated(&adapter).await, Ok((FOURTEENTH + 86_400, NO.to_owned())), "{bad}");
    }
    // An older one does not take the place of a newer one; the same day again does.
    put("1", " 20231114");
    assert_eq!(dated(&adapter).await, Ok((FOURTEENTH + 86_400, NO.to_owned())));
    put("1", " 20231115 20231115");
    assert_eq!(dated(&adapter).await, Ok((FOURTEENTH + 86_400, YES.to_owned())));
    assert!(dated(&shelf.office.adapter(&manifest)).await.is_ok());
}

#[tokio::test]
async fn the_time_in_a_first_line() {
    let shelf = Shelf::new();
    let manifest = MANIFEST.replace(
        "as_of = \"yyyyMMdd\"\n",
        "as_of = \"数据日期:yyyy-MM-dd\"\nas_of_in = \"first_line\"\n",
    );
    let adapter = shelf.office.adapter(&manifest);
    let with = |first: &str, status: &str| format!("{first}\n{}", table(status));
    shelf.drop("people-a.csv", &with("人口,数据日期:2023-11-14,4", "1"));
    assert_eq!(dated(&adapter).await, Ok((FOURTEENTH, YES.to_owned())));
    // The later one by what it says, not by its name; what says nothing, or two things, is not used.
    shelf.drop("people-0.csv", &with("数据日期:2023-11-15", "2"));
    shelf.drop("people-b.csv", &table("1"));
    shelf.drop("people-c.csv", &with("数据日期:2023-11-14,数据日期:2023-11-15", "1"));
    shelf.drop("people-d.csv", "");
    assert_eq!(dated(&adapter).await, Ok((FOURTEENTH + 86_400, NO.to_owned())));

    let columns = "columns = [\"name\", \"number\", \"status\", \"dead\"]\nkey = ";
    let adapter = shelf.office.adapter(&manifest.replace("key = ", columns));
    shelf.drop("people-e.csv", &format!("数据日期:2023-11-15\n张三,{HE},1,否\n"));
    assert_eq!(dated(&adapter).await, Ok((FOURTEENTH + 86_400, YES.to_owned())));
}

#[tokio::test]
async fn many_questions_while_a_new_file_is_read() {
    let shelf = Shelf::new();
    shelf.drop("people-20231114.csv", &table("1"));
    let adapter = shelf.adapter();
    let asked = (0..30).map(|_| answer(&adapter, HE, "张三"));
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!(answer, YES);
    }
}

#[test]
fn flaws_of_the_section() {
    let office = Office::new();
    for (good, bad) in [
        ("\"people-*.csv\"", "\"people.csv\""),
        ("\"people-*.csv\"", "\"../people-*.csv\""),
        ("\"people-*.csv\"", "\"people-*.csv.ok\""),
        ("\"yyyyMMdd\"", "\"yyyyMM\""),
        ("as_of = ", "as_of_in = \"column\"\nas_of = "),
        ("pattern = \"people-*.csv\"", "as_of_in = \"marker\"\npattern = \"people-*.csv*\""),
        ("pattern = \"people-*.csv\"", "as_of_in = \"marker\"\npattern = \"people.ok\""),
        ("pattern = \"people-*.csv\"", "as_of_in = \"marker\"\npattern = \"\""),
        ("\"sha256\"", "\"md5\""),
        ("key = ", "separator = \"||\"\nkey = "),
        ("key = ", "charset = \"big5\"\nkey = "),
        ("key = ", "columns = [\"name\"]\nkey = "),
        ("lookup = 'subject.person.document_number'\n", ""),
        ("max_rows = 3", "max_rows = 0"),
    ] {
        office.place("agency.toml", &MANIFEST.replace(good, bad));
        let (adapters, findings) = office.load(None);
        assert!(adapters.all().is_empty() && !findings.is_empty(), "{bad}");
    }
}
