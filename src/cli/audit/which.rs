//! The options that select entries, shared by the commands.

use anyhow::{Context, bail};
use clap::Args;

use crate::query::time::Timestamp;
use crate::query::value::Verdict;
use crate::report::calendar::{self, Range};
use crate::report::fields::KINDS;
use crate::report::select::Selection;

#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct Span {
    /// From this day on, or this moment (China time): 2026-11-01, 2026-11-01T08:30
    #[arg(long, value_name = "TIME", value_parser = calendar::beginning)]
    from: Option<Timestamp>,
    /// To the end of this day, or to this moment
    #[arg(long, value_name = "TIME", value_parser = calendar::end)]
    to: Option<Timestamp>,
}

impl Span {
    /// # Errors
    /// When it ends before it begins: nothing found would pass for nothing there.
    pub(in crate::cli) fn range(&self) -> anyhow::Result<Range> {
        if let (Some(from), Some(to)) = (self.from, self.to)
            && to <= from
        {
            bail!("--to lies before --from: no entry could be in between");
        }
        Ok(Range { from: self.from, until: self.to })
    }

    pub(super) fn holds(&self, at: Timestamp) -> bool {
        Range { from: self.from, until: self.to }.holds(at)
    }

    pub(super) fn is_given(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }
}

#[derive(Clone, Debug, Default, Args)]
pub(super) struct Which {
    /// Who asked
    #[arg(long, value_name = "ORGANISATION[/SYSTEM]")]
    caller: Option<String>,
    /// Who answers
    #[arg(long, value_name = "ORGANISATION")]
    provider: Option<String>,
    /// Code of the fact, such as M1
    #[arg(long, value_name = "CODE")]
    fact: Option<String>,
    /// Code of the item (事项), such as W3
    #[arg(long, value_name = "CODE")]
    item: Option<String>,
    /// Case number
    #[arg(long, value_name = "NUMBER")]
    case: Option<String>,
    /// Agreement; also denials that it could have permitted
    #[arg(long, value_name = "ID")]
    agreement: Option<String>,
    #[command(flatten)]
    span: Span,
    /// Verdict of the answer: confirmed, refuted, not_found, stale, conflict, unavailable
    #[arg(long, value_parser = verdict)]
    verdict: Option<Verdict>,
    /// Code of the denial, such as NO_AGREEMENT
    #[arg(long, value_name = "CODE")]
    denial: Option<String>,
    /// Kind of entry
    #[arg(long, value_parser = KINDS)]
    kind: Option<String>,
    /// The caller's id of the request, as a UUID or in hexadecimal
    #[arg(long, value_name = "ID")]
    request: Option<String>,
}

impl Which {
    pub(super) fn selection(&self) -> anyhow::Result<Selection> {
        let (caller, system) = match self.caller.as_deref().map(|caller| caller.split_once('/')) {
            Some(Some((organisation, system))) => {
                (Some(organisation.to_owned()), Some(system.to_owned()))
            }
            Some(None) => (self.caller.clone(), None),
            None => (None, None),
        };
        Ok(Selection {
            caller,
            system,
            provider: self.provider.clone(),
            fact: self.fact.clone(),
            item: self.item.clone(),
            case: self.case.clone(),
            agreement: self.agreement.clone(),
            range: self.span.range()?,
            verdict: self.verdict,
            denial: self.denial.clone(),
            kind: self.kind.clone(),
            request: self.request.as_deref().map(request_id).transpose()?,
        })
    }
}

fn verdict(text: &str) -> Result<Verdict, String> {
    let all = [
        Verdict::Confirmed,
        Verdict::Refuted,
        Verdict::NotFound,
        Verdict::Stale,
        Verdict::Conflict,
        Verdict::Unavailable,
    ];
    let wanted = text.to_uppercase().replace('-', "_");
    let found = all.into_iter().find(|verdict| verdict.name() == wanted);
    found.ok_or_else(|| {
        format!("the verdicts are {}", all.map(|verdict| verdict.name().to_lowercase()).join(", "))
    })
}

fn request_id(text: &str) -> anyhow::Result<[u8; 16]> {
    let id = uuid::Uuid::parse_str(text);
    match id.with_context(|| format!("`{text}` is no request id"))?.into_bytes() {
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] => bail!("a request id is not all zeros"),
        bytes => Ok(bytes),
    }
}
