//! An answer or a refusal, printed for people or as JSON; and the receipt's file.

use std::fmt::{self, Write as _};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, anyhow};
use serde_json::{Map, json};

use crate::client::{Refused, receipt};
use crate::proto::gateway::v1 as message;
use crate::query::value::Value;
use crate::wire;

/// China Standard Time, in which everybody concerned lives.
const CHINA: jiff::tz::Offset = jiff::tz::offset(8);

pub(super) fn print(reply: &message::VerifyResponse, receipt: Option<&Path>, as_json: bool) {
    if as_json {
        say!("{:#}", to_json(reply, receipt));
    } else {
        let mut text = String::new();
        // Writing into a string cannot fail.
        let _ = write_text(&mut text, reply, receipt);
        say!("{}", text.trim_end());
    }
}

pub(in crate::cli) fn print_refusal(refused: &Refused, as_json: bool) {
    if as_json {
        say!("{:#}", refusal_json(refused));
    } else {
        let mut text = String::new();
        let _ = write_refusal(&mut text, refused);
        eprint!("{text}");
    }
}

/// Writes the receipt with what opens its commitments; only the owner may read it.
pub(super) fn write_receipt(file: &Path, reply: &message::VerifyResponse) -> anyhow::Result<()> {
    let kept = reply.receipt.as_ref().ok_or_else(|| anyhow!("the gateway sent no receipt"))?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut opened| opened.write_all(receipt::to_json(kept).as_bytes()))
        .with_context(|| format!("cannot write the receipt `{}`", file.display()))
}

fn write_text(
    out: &mut String,
    reply: &message::VerifyResponse,
    receipt: Option<&Path>,
) -> fmt::Result {
    writeln!(out, "{}", verdict(reply.verdict()))?;
    for judgement in &reply.judgements {
        let comparison = comparison(judgement.comparison());
        let judged = verdict(judgement.verdict());
        writeln!(out, "  judged     {} {comparison}: {judged}", judgement.attribute)?;
    }
    for (attribute, value) in sorted(reply) {
        let part = if reply.masked.contains(attribute) { " (masked: a part only)" } else { "" };
        writeln!(out, "  disclosed  {attribute} = {}{part}", plain(value))?;
    }
    if let Some(until) = moment(reply.keep_until.as_ref()) {
        writeln!(out, "  may be kept until {until}")?;
    }
    if let Some(unavailability) = &reply.unavailability {
        write!(out, "  because    {}", unavailability.reason)?;
        match retry_seconds(unavailability) {
            Some(seconds) => writeln!(out, "; ask again in {seconds} s")?,
            None => writeln!(out)?,
        }
    }
    if let Some(at) = moment(reply.as_of.as_ref()) {
        writeln!(out, "  true as of {at}")?;
    }
    if let Some(source) = &reply.source {
        match source.kind() {
            message::source::Kind::Cache => writeln!(
                out,
                "  source     {}, kept from entry {}",
                source.agency, source.original_index
            )?,
            _ => writeln!(out, "  source     {}", source.agency)?,
        }
    }
    if !reply.subjects_checked.is_empty() {
        let roles: Vec<&str> =
            reply.subjects_checked.iter().map(|subject| subject.role.as_str()).collect();
        writeln!(out, "  checked    {}", roles.join(", "))?;
    }
    if let Some(grant) = &reply.grant {
        let message::Grant { agreement, version, clause } = grant;
        writeln!(out, "  under      {agreement} version {version}, clause {clause}")?;
    }
    writeln!(out, "  recorded   entry {}", reply.log_index)?;
    if let Some(file) = receipt {
        writeln!(out, "  receipt    {}", file.display())?;
    }
    Ok(())
}

pub(in crate::cli) fn to_json(
    reply: &message::VerifyResponse,
    receipt: Option<&Path>,
) -> serde_json::Value {
    let judgements = reply.judgements.iter().map(|judgement| {
        json!({
            "attribute": judgement.attribute,
            "comparison": comparison(judgement.comparison()),
            "verdict": verdict(judgement.verdict()),
        })
    });
    let disclosed: Map<String, serde_json::Value> =
        sorted(reply).into_iter().map(|(name, value)| (name.clone(), json_value(value))).collect();
    let cached = |source: &message::Source| source.kind() == message::source::Kind::Cache;
    let checked = reply.subjects_checked.iter();
    json!({
        "request_id": reply.request_id,
        "verdict": verdict(reply.verdict()),
        "judgements": judgements.collect::<Vec<_>>(),
        "disclosed": disclosed,
        "masked": reply.masked,
        "keep_until": moment(reply.keep_until.as_ref()),
        "as_of": moment(reply.as_of.as_ref()),
        "source": reply.source.as_ref().map(|source| json!({
            "kind": if cached(source) { "cache" } else { "agency" },
            "agency": source.agency,
            "original_index": cached(source).then_some(source.original_index),
        })),
        "subjects_checked": checked
            .map(|subject| json!({ "role": subject.role, "position": subject.position }))
            .collect::<Vec<_>>(),
        "log_index": reply.log_index,
        "grant": reply.grant.as_ref().map(|grant| json!({
            "agreement": grant.agreement, "version": grant.version, "clause": grant.clause,
        })),
        "unavailability": reply.unavailability.as_ref().map(|unavailability| json!({
            "reason": unavailability.reason, "retry_after_seconds": retry_seconds(unavailability),
        })),
        "receipt": receipt,
    })
}

fn write_refusal(out: &mut String, refused: &Refused) -> fmt::Result {
    let reason = if refused.reason.is_empty() { "no reason given" } else { &refused.reason };
    writeln!(out, "REFUSED ({reason})")?;
    writeln!(out, "  why        {}", refused.message)?;
    for (field, problem) in &refused.fields {
        writeln!(out, "  wrong      {field}: {problem}")?;
    }
    if let Some(retry) = refused.retry_after {
        writeln!(out, "  ask again  in {} s", retry.as_secs_f64().ceil())?;
    }
    match refused.log_index {
        Some(index) => writeln!(out, "  recorded   entry {index}"),
        None => writeln!(out, "  recorded   no entry was made"),
    }
}

pub(in crate::cli) fn refusal_json(refused: &Refused) -> serde_json::Value {
    let fields = refused.fields.iter();
    json!({
        "refused": {
            "code": format!("{:?}", refused.code),
            "reason": refused.reason,
            "message": refused.message,
            "log_index": refused.log_index,
            "fields": fields
                .map(|(field, problem)| json!({ "field": field, "problem": problem }))
                .collect::<Vec<_>>(),
            "retry_after_seconds": refused.retry_after.map(|retry| retry.as_secs_f64()),
        },
    })
}

pub(in crate::cli) fn verdict(verdict: message::Verdict) -> &'static str {
    verdict.as_str_name().trim_start_matches("VERDICT_")
}

fn comparison(comparison: message::Comparison) -> &'static str {
    wire::read_comparison(comparison).map_or("?", |comparison| comparison.name())
}

fn sorted(reply: &message::VerifyResponse) -> Vec<(&String, &message::Value)> {
    let mut disclosed: Vec<_> = reply.disclosed.iter().collect();
    disclosed.sort_unstable_by_key(|(name, _)| *name);
    disclosed
}

fn plain(value: &message::Value) -> String {
    match wire::read_value(value) {
        Some(Value::Truth(truth)) => truth.to_string(),
        Some(Value::Integer(integer)) => integer.to_string(),
        Some(Value::Text(text) | Value::Date(text)) => text,
        Some(Value::People(people)) => {
            let people: Vec<String> =
                people.iter().map(|one| format!("{} {}", one.name, one.number)).collect();
            people.join(", ")
        }
        None => "?".to_owned(),
    }
}

fn json_value(value: &message::Value) -> serde_json::Value {
    wire::read_value(value).map_or(serde_json::Value::Null, |value| value.plain())
}

pub(in crate::cli) fn moment(at: Option<&prost_types::Timestamp>) -> Option<String> {
    let at = at?;
    let at = jiff::Timestamp::new(at.seconds, at.nanos).ok()?;
    Some(at.display_with_offset(CHINA).to_string())
}

fn retry_seconds(unavailability: &message::Unavailability) -> Option<i64> {
    unavailability.retry_after.as_ref().map(|retry| retry.seconds + i64::from(retry.nanos > 0))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::*;

    fn reply() -> message::VerifyResponse {
        message::VerifyResponse {
            verdict: message::Verdict::Confirmed.into(),
            judgements: vec![message::Judgement {
                attribute: "married".to_owned(),
                comparison: message::Comparison::Equal.into(),
                verdict: message::Verdict::Confirmed.into(),
            }],
            disclosed: HashMap::from([("since".to_owned(), wire::value(Value::Integer(3)))]),
            as_of: Some(prost_types::Timestamp { seconds: 1_795_400_000, nanos: 0 }),
            source: Some(message::Source {
                kind: message::source::Kind::Cache.into(),
                agency: "civil-affairs".to_owned(),
                original_index: 12,
            }),
            log_index: 17,
            receipt: Some(message::Receipt { index: 17, ..message::Receipt::default() }),
            ..message::VerifyResponse::default()
        }
    }

    #[test]
    fn people_see_the_verdict_first_and_the_entry() {
        let mut text = String::new();
        write_text(&mut text, &reply(), None).unwrap();
        let expected = "CONFIRMED\n  judged     married eq: CONFIRMED\n  disclosed  since = 3\n  \
            true as of 2026-11-23T10:13:20+08:00\n  source     civil-affairs, kept from entry 12\n  \
            recorded   entry 17\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_is_masked_is_called_so_and_how_long_it_may_be_kept() {
        let name = ("spouse_name".to_owned(), wire::value(Value::Text("张*".to_owned())));
        let reply = message::VerifyResponse {
            disclosed: HashMap::from([name]),
            masked: vec!["spouse_name".to_owned()],
            keep_until: Some(prost_types::Timestamp { seconds: 1_890_008_000, nanos: 0 }),
            ..reply()
        };
        let mut text = String::new();
        write_text(&mut text, &reply, None).unwrap();
        assert!(text.contains("  disclosed  spouse_name = 张* (masked: a part only)\n"), "{text}");
        assert!(text.contains("  may be kept until 2029-11-22T10:13:20+08:00\n"), "{text}");
        let json = to_json(&reply, None);
        assert_eq!(json["masked"], json!(["spouse_name"]));
        assert_eq!(json["keep_until"], "2029-11-22T10:13:20+08:00");
    }

    #[test]
    fn programs_see_the_same() {
        let json = to_json(&reply(), Some(Path::new("r.json")));
        assert_eq!(json["verdict"], "CONFIRMED");
        assert_eq!(json["disclosed"], json!({ "since": 3 }));
        let source = json!({ "kind": "cache", "agency": "civil-affairs", "original_index": 12 });
        assert_eq!(json["source"], source);
        assert_eq!((&json["log_index"], &json["receipt"]), (&json!(17), &json!("r.json")));
        assert_eq!(json["unavailability"], json!(null));
    }

    #[test]
    fn refusals_name_what_to_change_and_the_entry() {
        let refused = Refused {
            code: tonic::Code::InvalidArgument,
            reason: "malformed".to_owned(),
            message: "correct the request".to_owned(),
            log_index: Some(4),
            fields: vec![("fact".to_owned(), "unknown".to_owned())],
            retry_after: Some(Duration::from_millis(1500)),
        };
        let mut text = String::new();
        write_refusal(&mut text, &refused).unwrap();
        let expected = "REFUSED (malformed)\n  why        correct the request\n  wrong      fact: unknown\n  \
            ask again  in 2 s\n  recorded   entry 4\n";
        assert_eq!(text, expected);
        let json = refusal_json(&refused);
        assert_eq!(json["refused"]["code"], "InvalidArgument");
        assert_eq!(json["refused"]["fields"][0]["field"], "fact");
    }

    #[test]
    fn receipts_are_private_and_never_overwritten() {
        let name = format!("heyan-receipt-{}.json", std::process::id());
        let file = std::env::temp_dir().join(name);
        let _ = std::fs::remove_file(&file);
        write_receipt(&file, &reply()).unwrap();
        let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        assert!(write_receipt(&file, &reply()).is_err());
        std::fs::remove_file(&file).unwrap();
    }
}
