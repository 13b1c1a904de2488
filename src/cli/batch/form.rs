//! `heyan batch form`: an empty form for a fact, made from what the gateway's catalogue says of it.

use std::fmt::{self, Write as _};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use super::columns::fields_of;
use crate::cli::query::Gateway;
use crate::proto::gateway::v1 as wire;

/// Arguments of `heyan batch form`.
#[derive(Debug, Args)]
pub(super) struct Form {
    /// Fact of the catalogue, such as P1
    fact: String,
    #[command(flatten)]
    gateway: Gateway,
}

/// Asks the gateway what the fact is about, and prints the form.
pub(super) async fn print(form: Form) -> anyhow::Result<ExitCode> {
    let facts = form.gateway.connect().await?.facts().await?;
    let known = facts.iter().find(|fact| fact.code == form.fact);
    let fact = known.with_context(|| format!("the gateway knows no fact `{}`", form.fact))?;
    let mut text = String::new();
    // Writing into a string cannot fail.
    let _ = write(&mut text, fact);
    say!("{}", text.trim_end());
    Ok(ExitCode::SUCCESS)
}

fn write(out: &mut String, fact: &wire::Fact) -> fmt::Result {
    writeln!(
        out,
        "# {} {} ({}), for `heyan batch FILE.csv --form THIS`.",
        fact.code, fact.title_zh, fact.title
    )?;
    writeln!(out, "fact = \"{}\"", fact.code)?;
    writeln!(
        out,
        "item = \"\"      # 服务事项 and the version of its rule, such as \"D2@2026.1\""
    )?;
    writeln!(
        out,
        "case = \"\"      # 办件编号 of the whole list; or a column `purpose.case_number` below"
    )?;
    writeln!(out, "operator = \"\"  # who asks, and their unit, such as \"0042/batch\"")?;
    writeln!(
        out,
        "# relation = \"case_party\"  # where the agreement wants to know how a subject belongs to the case"
    )?;
    writeln!(out, "# notice = \"\"   # code of the text of notice (告知)")?;
    writeln!(
        out,
        "# consent = \"\"  # number of the consent (授权); or a column `purpose.consent` below"
    )?;
    writeln!(out, "# material = \"\" # code of the paper that the answer replaces")?;
    writeln!(out, "# max_age = \"1d\"")?;
    let names: Vec<String> = fact
        .attributes
        .iter()
        .map(|attribute| format!("{} {}", attribute.name, attribute.title_zh))
        .collect();
    writeln!(out, "# What can be asserted: {}", names.join(", "))?;
    writeln!(out, "# assert = []   # empty: the fact's own confirmation\n")?;
    writeln!(out, "# On the left what the gateway wants, on the right your column.\n[columns]")?;
    for role in &fact.roles {
        for (field, is_needed, column) in fields_of(&role.kind) {
            let mark = if *is_needed && !role.optional { "" } else { "# " };
            writeln!(out, "{mark}\"{}.{field}\" = \"{column}\"", role.name)?;
        }
    }
    writeln!(out, "# \"purpose.case_number\" = \"办件编号\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_toml_and_names_every_field_of_the_fact() {
        let role = |name: &str, kind: &str, optional| wire::Role {
            name: name.to_owned(),
            kind: kind.to_owned(),
            optional,
            many: false,
        };
        let fact = wire::Fact {
            code: "S2".to_owned(),
            title_zh: "缴存".to_owned(),
            roles: vec![role("person", "person", false), role("employer", "employer", true)],
            ..wire::Fact::default()
        };
        let mut text = String::new();
        write(&mut text, &fact).unwrap();
        let form: toml::Table = text.parse().unwrap();
        assert_eq!(form["fact"].as_str(), Some("S2"));
        let columns = form["columns"].as_table().unwrap();
        assert_eq!(columns.len(), 2);
        assert_eq!(columns["person.document_number"].as_str(), Some("身份证号"));
        assert!(text.contains("# \"employer.uscc\" = "), "{text}");
    }
}
