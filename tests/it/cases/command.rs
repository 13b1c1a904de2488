//! `heyan case` as a person types it.

use std::process::{Output, Stdio};

use heyan::simulate::samples;
use serde_json::Value;
use tokio::process::Command;

use super::application::today;
use super::replayed;
use crate::support::{ALL, Lab, PATIENCE};

async fn heyan(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heyan"));
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    tokio::time::timeout(4 * PATIENCE, command.output()).await.expect("it did not end").unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The form of W3, filled in for a person of the province.
async fn filled(lab: &Lab, index: u32, declares: bool) -> String {
    let catalogue = lab.path("catalogue").display().to_string();
    let output = heyan(&["case", "form", "W3", "--catalogue", &catalogue]).await;
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let form = String::from_utf8(output.stdout).unwrap();
    assert!(form.contains("租房提取") && form.contains("# declared_spouse ="), "{form}");
    let province = lab.simulation.province();
    let person = format!("{}/{}", province.name(index), province.person(index).unwrap().number());
    let mut form = form
        .replace("NAME/NUMBER\" }  # 申请人", &format!("{person}\" }}  # 申请人"))
        .replace("case_number  = \"\"", "case_number  = \"GJJ-2026-000778\"")
        .replace("id = \"\", unit = \"\"", "id = \"0042\", unit = \"hall-1\"")
        .replace("months_in_a_row = \"\"", "months_in_a_row = 12")
        .replace("withdrawn_within_12_months = \"\"", "withdrawn_within_12_months = false")
        .replace("amount_fen = \"\"", "amount_fen = 1800000");
    if declares {
        std::fs::write(lab.beside("single.pdf"), "unmarried").unwrap();
        form.push_str(&format!(
            "\n[evidence.single_declaration]\nissuer = \"applicant\"\nissued_on = {}\nfile = \"single.pdf\"\n",
            today()
        ));
    }
    let file = lab.beside(&format!("application-{index}.toml"));
    std::fs::write(&file, form).unwrap();
    file.display().to_string()
}

/// The printed command contests the answer as it stands there.
async fn contested_as_printed(text: &str) {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("contest it: heyan "));
    let line = line.unwrap_or_else(|| panic!("nothing contests it in: {text}"));
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("'{}' {line} --json", env!("CARGO_BIN_EXE_heyan")));
    shell.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(4 * PATIENCE, shell.output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let dispute: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&dispute["agency"], &dispute["verdict_before"]),
        (&"housing".into(), &"REFUTED".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filled_form_is_run_and_the_exit_code_is_the_outcome() {
    let lab = Lab::start(&ALL).await;
    let (identity, authority) =
        (lab.path("pki/fund-centre/approval"), lab.path("pki/fund-centre/ca.pem"));
    let (identity, authority) = (identity.display().to_string(), authority.display().to_string());
    let endpoint = lab.endpoint();
    let run = async |file: &str, more: &[&str]| {
        let given = ["--gateway", &endpoint, "--identity", &identity, "--authority", &authority];
        heyan(&[&["case", "--file", file], &given[..], more].concat()).await
    };

    let tenant = filled(&lab, samples::TENANT, true).await;
    let ready = run(&tenant, &["--json"]).await;
    assert_eq!(ready.status.code(), Some(0), "{}", told(&ready));
    let events: Vec<Value> = String::from_utf8(ready.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events[0]["opened"]["item_version"], "2026.2");
    let outcome = &events.last().unwrap()["outcome"];
    assert_eq!(outcome["outcome"], "READY");
    let states = outcome["needs"].as_array().unwrap().iter();
    assert!(states.filter(|need| need["required"] == true).all(|need| need["state"] != "OPEN"));

    let husband = filled(&lab, samples::HUSBAND, false).await;
    let refuted = run(&husband, &[]).await;
    let text = told(&refuted);
    assert_eq!(refuted.status.code(), Some(1), "{text}");
    for shown in ["REFUTED", "家庭住房套数", "请携带: 无房证明", "checked: applicant", "family 3"]
    {
        assert!(text.contains(shown), "`{shown}` is missing in: {text}");
    }
    contested_as_printed(&text).await;

    lab.simulation.faults("housing").set_outage(true);
    let builder = filled(&lab, samples::BUILDER, true).await;
    let open = run(&builder, &[]).await;
    assert_eq!(open.status.code(), Some(2), "{}", told(&open));
    assert!(told(&open).contains("NEEDS_COUNTER"), "{}", told(&open));
    replayed(&lab.entries());

    // What the gateway does not take is a refusal with every field, and no outcome.
    let text = std::fs::read_to_string(&tenant).unwrap().replace("months_in_a_row", "months");
    std::fs::write(&tenant, text).unwrap();
    let wrong = run(&tenant, &[]).await;
    assert_eq!(wrong.status.code(), Some(2), "{}", told(&wrong));
    assert!(told(&wrong).contains("given.months_in_a_row: missing"), "{}", told(&wrong));
    let none = heyan(&["case"]).await;
    assert_eq!(none.status.code(), Some(2));
    assert!(told(&none).contains("--file"), "{}", told(&none));
}
