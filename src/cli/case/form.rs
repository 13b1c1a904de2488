//! An item's application form, written out from its rule: everything it asks for, with a comment on each.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;

use crate::catalogue::rule::{External, Given, Party, Rule, Whose};
use crate::catalogue::{AttributeKind, Catalogue, Item};
use crate::clock::now;
use crate::query::ItemCode;

/// Arguments of `heyan case form`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    heyan case form W3 > application.toml\n  \
    heyan case form W3 --on 2026-05-01     # the rule of that day\n  \
    heyan case form L1 --catalogue config-example/catalogue")]
pub struct Form {
    /// Item code, such as W3
    item: String,
    /// Day of the application; without one, today
    #[arg(long, value_name = "YYYY-MM-DD")]
    on: Option<jiff::civil::Date>,
    /// Folder of the catalogue
    #[arg(long, value_name = "DIR", default_value = "catalogue")]
    catalogue: PathBuf,
}

/// Prints it.
pub(super) fn print(command: &Form) -> anyhow::Result<ExitCode> {
    let folder = command.catalogue.display();
    let catalogue = Catalogue::load(&command.catalogue).map_err(|findings| {
        let first = findings.first().map(ToString::to_string).unwrap_or_default();
        anyhow::anyhow!(
            "the catalogue `{folder}` has {} findings, the first: {first}",
            findings.len()
        )
    })?;
    let day = match command.on {
        Some(day) => day,
        None => now().day_in_china(),
    };
    let code = ItemCode::new(command.item.as_str());
    if !catalogue.has_item(&code) {
        bail!("the catalogue `{folder}` has no item `{code}`");
    }
    let item = catalogue.item_on(&code, &day.to_string()).with_context(|| {
        let of_it = catalogue.items().filter(|item| item.code == code);
        let known: Vec<String> =
            of_it.map(|item| format!("{} from {}", item.version, item.effective_from)).collect();
        format!("no version of `{code}` holds on {day}; there are {}", known.join(", "))
    })?;
    let written = item.rule.as_ref().with_context(|| {
        format!("`{code}` {} has no rule, so no case of it can be run", item.version)
    })?;
    say!("{}", form(item, &written.rule, &day.to_string()).trim_end());
    Ok(ExitCode::SUCCESS)
}

/// The form. What is optional is commented out.
fn form(item: &Item, rule: &Rule, day: &str) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    let _ = write_form(&mut out, item, rule, day);
    out
}

fn write_form(out: &mut String, item: &Item, rule: &Rule, day: &str) -> std::fmt::Result {
    let Item { code, version, title, title_zh, .. } = item;
    writeln!(out, "# {title_zh} — {title}: {code}, version {version}.")?;
    for basis in &rule.legal_basis {
        writeln!(out, "# {basis}")?;
    }
    if let Some(why) = &rule.person_decides {
        writeln!(out, "# A person decides in any case: {why}")?;
    }
    writeln!(
        out,
        "# Lines that begin with # may be left out; every other value is to be written.\n"
    )?;
    writeln!(out, "item         = \"{code}\"")?;
    writeln!(out, "case_number  = \"\"             # 办件编号")?;
    writeln!(out, "submitted_on = {day}     # 申请日期")?;
    writeln!(out, "operator     = {{ id = \"\", unit = \"\" }}  # 经办人")?;
    writeln!(out, "# notice     = \"\"             # 告知书文本代码")?;
    writeln!(out, "# consent    = \"\"             # 授权书编号\n")?;
    writeln!(out, "[parties]")?;
    for party in &rule.parties {
        writeln!(out, "{}", self::party(party))?;
    }
    if !rule.given.is_empty() {
        writeln!(out, "\n[given]")?;
    }
    for given in &rule.given {
        writeln!(out, "{}", self::given(given))?;
    }
    for external in &rule.externals {
        writeln!(out, "\n{}", self::external(external, day))?;
    }
    Ok(())
}

fn party(party: &Party) -> String {
    let Party { name, title_zh, kind, .. } = party;
    let value = match kind.as_str() {
        "person" => "NAME/NUMBER",
        "employer" => "NAME/USCC",
        "property" => "UNIT",
        _ => "NUMBER@DIVISION",
    };
    let one = format!("{{ {kind} = \"{value}\" }}");
    let line = match party.many {
        true => format!("{name} = [{one}]  # {title_zh}; one or more"),
        false => format!("{name} = {one}  # {title_zh}"),
    };
    if party.optional { format!("# {line}") } else { line }
}

/// A line without its value: whatever stood there would be stated by whoever forgets it.
fn given(given: &Given) -> String {
    let Given { name, title_zh, .. } = given;
    let comment = match &given.kind {
        AttributeKind::Truth => "true or false, without quotes".to_owned(),
        AttributeKind::Integer => "whole number, without quotes; money in fen".to_owned(),
        AttributeKind::Date => "day, such as 2026-01-31".to_owned(),
        AttributeKind::Month => "month, such as 2026-01".to_owned(),
        AttributeKind::Code(codes) => format!("one of {}", codes.join(", ")),
        AttributeKind::Text | AttributeKind::People => "text".to_owned(),
    };
    let whose = match given.whose {
        Whose::Own => "from the centre's own ledger",
        Whose::Applicant => "as the applicant states it",
    };
    let line = format!("{name} = \"\"  # {title_zh}: {comment}, {whose}");
    if given.optional { format!("# {line}") } else { line }
}

fn external(external: &External, day: &str) -> String {
    let External { name, title_zh, issuer, .. } = external;
    let fresh = external.fresh_for.map(|limit| limit.as_secs() / 86_400);
    let fresh = fresh.map(|days| format!(", at most {days} days old")).unwrap_or_default();
    let counts = if external.suffices { "" } else { "; a person looks at it" };
    format!(
        "# {title_zh}{fresh}{counts}\n\
         # [evidence.{name}]\n\
         # issuer    = \"{issuer}\"\n\
         # issued_on = {day}\n\
         # file      = \"{name}.pdf\"   # or sha256 = \"…\""
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_form_of_each_item_with_a_rule_is_one_that_the_command_reads() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config-example/catalogue");
        let catalogue = Catalogue::load(&folder).unwrap();
        let mut forms = 0;
        for item in catalogue.items() {
            let Some(written) = &item.rule else { continue };
            let form = form(item, &written.rule, "2026-10-12");
            let read = |form: &str| {
                let file = tempfile::NamedTempFile::new().unwrap();
                std::fs::write(file.path(), form).unwrap();
                super::super::application::read(file.path())
            };
            // As it is printed it states nothing, and is refused until each value is written.
            let refused = read(&form).err().map(|error| format!("{error:#}")).unwrap_or_default();
            for given in written.rule.given.iter().filter(|given| !given.optional) {
                assert!(refused.contains(&given.name), "{}: {refused}", given.name);
                assert!(form.contains(&format!("\n{} = \"\"", given.name)), "{form}");
            }
            let filled: String =
                form.lines().map(|line| format!("{}\n", filled(line, &written.rule))).collect();
            let request = read(&filled).unwrap_or_else(|error| panic!("{filled}\n{error:#}"));
            let required = written.rule.parties.iter().filter(|party| !party.optional).count();
            assert_eq!(request.subjects.len(), required, "{form}");
            // With every optional line taken in, everything that the rule asks for is there.
            let whole: String =
                form.lines().map(|line| format!("{}\n", uncommented(line))).collect();
            for party in &written.rule.parties {
                assert!(whole.contains(&format!("\n{} = ", party.name)), "{whole}");
            }
            for external in &written.rule.externals {
                assert!(whole.contains(&format!("\n[evidence.{}]", external.name)), "{whole}");
            }
            forms += 1;
        }
        assert!(forms > 0);
    }

    /// The line of a stated value with some value of its type.
    fn filled(line: &str, rule: &Rule) -> String {
        let given = line.split_once(" = ").and_then(|(name, _)| rule.given(name));
        let value = match given.map(|given| &given.kind) {
            None => return line.to_owned(),
            Some(AttributeKind::Truth) => "true".to_owned(),
            Some(AttributeKind::Integer) => "1".to_owned(),
            Some(AttributeKind::Date) => "2026-01-31".to_owned(),
            Some(AttributeKind::Code(codes)) => format!("{:?}", codes[0]),
            Some(_) => "\"2026-01\"".to_owned(),
        };
        line.replacen("\"\"", &value, 1)
    }

    fn uncommented(line: &str) -> &str {
        match line.strip_prefix("# ") {
            Some(rest) if rest.contains(" = ") || rest.starts_with('[') => rest,
            _ => line,
        }
    }
}
