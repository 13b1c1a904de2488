//! Files of questions are read strictly and say nothing about anybody; addresses are taken apart.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::greeting::host_and_port;
use crate::adapters::fixture;
use crate::adapters::tests::facts;
use crate::finding::Finding;

const QUESTION: &str = r#"
[[question]]
fact = "M2"
operator = { id = "desk", unit = "hall" }
[[question.subject]]
role = "person"
document_number = "430000188001010014"
name = "张三"
[[question.subject]]
role = "spouse"
document_number = "430000188203150023"
name = "李四"
"#;

fn read(text: &str, mode: u32) -> Result<usize, Vec<Finding>> {
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("questions.toml");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    fixture::questions(&file, &facts).map(|questions| questions.len())
}

#[test]
fn a_question_is_written_like_that_of_a_fixture() {
    assert_eq!(read(QUESTION, 0o600), Ok(1));
}

#[test]
fn what_is_wrong_is_told_without_a_value() {
    let told = |text: &str, mode| {
        let flaws = read(text, mode).err().unwrap_or_default();
        let told: Vec<String> = flaws.iter().map(ToString::to_string).collect();
        let told = told.join("\n");
        assert!(!told.contains("张三") && !told.contains("43000018800101"), "{told}");
        told
    };
    assert!(told(QUESTION, 0o640).contains("chmod 600"));
    assert!(told("", 0o600).contains("`question` is missing"));
    assert!(told(&QUESTION.repeat(2), 0o600).contains("has a question already"));
    assert!(told(&QUESTION.replace("0014\"", "0015\""), 0o600).contains("check `check_digit`"));
    assert!(
        told(&QUESTION.replace("role = \"spouse\"", "role = \"nobody\""), 0o600)
            .contains("unknown role")
    );
}

#[test]
fn addresses_are_taken_apart() {
    for (authority, host, port) in [
        ("agency.example", "agency.example", 443),
        ("agency.example:7501", "agency.example", 7501),
        ("127.0.0.1:7501", "127.0.0.1", 7501),
        ("[::1]:7501", "::1", 7501),
        ("[::1]", "::1", 443),
    ] {
        assert_eq!(host_and_port(authority, 443), (host.to_owned(), port), "{authority}");
    }
}
