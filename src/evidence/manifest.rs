//! `manifest.json`: every file with its size and SHA-256, and what an archive wants to know of the whole.

use serde::{Deserialize, Serialize};

use super::statement::Statement;
use super::{FORMAT, Files, Package, Persons};
use crate::crypto::{hex, sha256};

/// Its path. It is the one file that it does not list.
pub(super) const PATH: &str = "manifest.json";

/// The manifest.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) format: String,
    pub(super) made_by: String,
    /// Entry of the case.
    pub(super) case: u64,
    pub(super) persons: Persons,
    pub(super) log: LogTold,
    pub(super) archive: Archive,
    pub(super) files: Vec<FileTold>,
}

/// The log that the entries are of.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogTold {
    pub(super) origin: String,
    /// Entries under the checkpoint.
    pub(super) size: String,
    /// The checkpoint's root, in base64.
    pub(super) root: String,
}

/// What an archive registers, by the names that archives use.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Archive {
    #[serde(rename = "办件编号")]
    case_number: String,
    #[serde(rename = "办件标识")]
    case_id: String,
    #[serde(rename = "事项编码")]
    item: String,
    #[serde(rename = "事项版本")]
    item_version: String,
    #[serde(rename = "设定依据")]
    legal_basis: Vec<String>,
    #[serde(rename = "规则摘要")]
    rule_sha256: String,
    #[serde(rename = "立档单位")]
    organisation: String,
    #[serde(rename = "立档单位名称")]
    organisation_zh: String,
    #[serde(rename = "业务系统")]
    system: String,
    #[serde(rename = "经办部门")]
    operator_unit: String,
    #[serde(rename = "申请日期")]
    submitted_on: String,
    #[serde(rename = "办结时间")]
    closed_at: String,
    #[serde(rename = "核验结论")]
    outcome: String,
    #[serde(rename = "数据截止时间")]
    as_of: Vec<String>,
    #[serde(rename = "数据提供部门")]
    agencies: Vec<String>,
    #[serde(rename = "依据协议")]
    agreements: Vec<AgreementKept>,
    #[serde(rename = "个人信息")]
    persons: String,
    #[serde(rename = "摘要算法")]
    digest: String,
    #[serde(rename = "签名算法")]
    signature: String,
    #[serde(rename = "语种")]
    language: String,
}

/// How long an agreement allows values to be kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgreementKept {
    #[serde(rename = "协议编号")]
    id: String,
    #[serde(rename = "版本")]
    version: u32,
    #[serde(rename = "可保存天数")]
    keep_for_days: u64,
}

/// One file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileTold {
    pub(super) path: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

impl FileTold {
    pub(super) fn of(path: &str, bytes: &[u8]) -> Self {
        let length = bytes.len() as u64;
        Self { path: path.to_owned(), bytes: length, sha256: hex(&sha256(bytes)) }
    }
}

/// The manifest of these files.
pub(super) fn manifest(package: &Package, told: &Statement, files: &Files) -> Manifest {
    let mut head = package.checkpoint.lines();
    let mut line = || head.next().unwrap_or_default().to_owned();
    let log = LogTold { origin: line(), size: line(), root: line() };
    let listed = files.iter().filter(|(path, _)| *path != PATH);
    Manifest {
        format: FORMAT.to_owned(),
        made_by: package.made_by.clone(),
        case: package.case,
        persons: package.persons,
        log,
        archive: archive(package, told),
        files: listed.map(|(path, bytes)| FileTold::of(path, bytes)).collect(),
    }
}

fn archive(package: &Package, told: &Statement) -> Archive {
    let answered = told.answers.iter();
    let mut agencies: Vec<String> = answered
        .clone()
        .filter(|answer| !answer.agency.is_empty())
        .map(|answer| format!("{} {}", answer.agency, answer.agency_zh).trim_end().to_owned())
        .collect();
    agencies.sort();
    agencies.dedup();
    let mut as_of: Vec<String> = answered.map(|answer| answer.as_of.clone()).collect();
    as_of.retain(|moment| !moment.is_empty());
    as_of.sort();
    as_of.dedup();
    let relied = told.agreements.iter().filter(|agreement| agreement.relied_on);
    Archive {
        case_number: told.case_number.clone(),
        case_id: told.case_id.clone(),
        item: told.item.clone(),
        item_version: told.item_version.clone(),
        legal_basis: told.legal_basis.clone(),
        rule_sha256: told.rule_sha256.clone(),
        organisation: told.organisation.clone(),
        organisation_zh: told.organisation_zh.clone(),
        system: told.system.clone(),
        operator_unit: told.operator_unit.clone(),
        submitted_on: told.submitted_on.clone(),
        closed_at: told.closed_at.clone(),
        outcome: told.outcome.clone(),
        as_of,
        agencies,
        agreements: relied
            .map(|agreement| AgreementKept {
                id: agreement.id.clone(),
                version: agreement.version,
                keep_for_days: agreement.keep_for_days,
            })
            .collect(),
        persons: package.persons.name().to_owned(),
        digest: "SHA-256".to_owned(),
        signature: "Ed25519 (c2sp.org/tlog-checkpoint)".to_owned(),
        language: "zh".to_owned(),
    }
}
