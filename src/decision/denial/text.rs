//! The code of each denial and the advice that goes with it, in the order of the checks.

/// Code and advice of one denial.
pub(super) struct Text {
    /// Stable code.
    pub(super) code: &'static str,
    /// What the caller should change; `{}` stands for what the denial names.
    pub(super) advice: &'static str,
    /// The same in Chinese.
    pub(super) advice_zh: &'static str,
}

pub(super) const MALFORMED: Text = Text {
    code: "MALFORMED",
    advice: "Correct these fields of the query and send it again: {}.",
    advice_zh: "请更正查询中的下列字段后重新提交：{}。",
};

pub(super) const CALLER_UNNAMED: Text = Text {
    code: "CALLER_UNNAMED",
    advice: "Use a certificate with the URI name `spiffe://<trust domain>/<organisation>/<system>`.",
    advice_zh: "请使用带有 URI 名称 `spiffe://<信任域>/<单位>/<系统>` 的证书。",
};

pub(super) const UNKNOWN_ORGANISATION: Text = Text {
    code: "UNKNOWN_ORGANISATION",
    advice: "The organisation named by the certificate is not in the party register. Ask the gateway's operator to enter it.",
    advice_zh: "证书所载单位未在单位名册中登记。请联系网关运维人员登记。",
};

pub(super) const UNKNOWN_SYSTEM: Text = Text {
    code: "UNKNOWN_SYSTEM",
    advice: "The system named by the certificate is not among those the party register lists for its organisation. Ask the gateway's operator to enter it.",
    advice_zh: "证书所载系统未在单位名册中该单位名下登记。请联系网关运维人员登记。",
};

pub(super) const FOREIGN_AUTHORITY: Text = Text {
    code: "FOREIGN_AUTHORITY",
    advice: "The certificate names one organisation and was issued by another's authority. Use a certificate from your own organisation's authority.",
    advice_zh: "证书载明一个单位，却由另一单位的 CA 签发。请使用本单位 CA 签发的证书。",
};

pub(super) const NO_QUERY_RIGHT: Text = Text {
    code: "NO_QUERY_RIGHT",
    advice: "This system is registered without the right to put questions. Ask from a system that has the right `query`, or have the party register changed.",
    advice_zh: "该系统已登记，但没有查询权。请改用具有 `query` 权限的系统，或者申请变更单位名册。",
};

pub(super) const UNKNOWN_FACT: Text = Text {
    code: "UNKNOWN_FACT",
    advice: "The catalogue has no fact of this code. `ListFacts` gives those it has.",
    advice_zh: "目录中没有这一事实代码。可用 `ListFacts` 查看现有事实。",
};

pub(super) const UNKNOWN_ITEM: Text = Text {
    code: "UNKNOWN_ITEM",
    advice: "Name in `purpose.item` a service item of the catalogue. `ListItems` gives those it has.",
    advice_zh: "请在 `purpose.item` 中填写目录已有的事项。可用 `ListItems` 查看现有事项。",
};

pub(super) const ITEM_VERSION_MISSING: Text = Text {
    code: "ITEM_VERSION_MISSING",
    advice: "Name in `purpose.item_version` the version of the item's rule that the case is decided by.",
    advice_zh: "请在 `purpose.item_version` 中填写办件所依据的事项版本。",
};

pub(super) const SUBJECT_MISSING: Text = Text {
    code: "SUBJECT_MISSING",
    advice: "Name at least one subject, in a role that the fact lists.",
    advice_zh: "请至少填写一个查询对象，其角色须为该事实所列角色。",
};

pub(super) const NOTHING_ASKED: Text = Text {
    code: "NOTHING_ASKED",
    advice: "Name at least one assertion, or an attribute to disclose.",
    advice_zh: "请至少填写一项核验内容，或者一项需要披露的属性。",
};

pub(super) const NO_AGREEMENT: Text = Text {
    code: "NO_AGREEMENT",
    advice: "There is no signed agreement under which your organisation may ask `{}` anything. Conclude one; nothing else opens the route.",
    advice_zh: "本单位与 `{}` 之间没有已签署的数据共享协议，不得查询。请先签订协议，别无他途。",
};

pub(super) const FACT_NOT_GRANTED: Text = Text {
    code: "FACT_NOT_GRANTED",
    advice: "No clause of your agreements grants the fact `{}`. Agree on one with the organisation that holds it.",
    advice_zh: "本单位的协议均未许可查询事实 `{}`。请与提供方协商增列。",
};

pub(super) const SYSTEM_NOT_GRANTED: Text = Text {
    code: "SYSTEM_NOT_GRANTED",
    advice: "The agreement does not list the system `{}`. Ask from a listed system, or amend the agreement.",
    advice_zh: "协议未列系统 `{}`。请改用协议所列系统，或者修订协议。",
};

pub(super) const PURPOSE_NOT_GRANTED: Text = Text {
    code: "PURPOSE_NOT_GRANTED",
    advice: "The agreement does not grant this fact for the item `{}`. Ask for an item it lists, or amend the agreement.",
    advice_zh: "协议未许可为事项 `{}` 查询该事实。请限于协议所列事项，或者修订协议。",
};

pub(super) const MATERIAL_NOT_REPLACED: Text = Text {
    code: "MATERIAL_NOT_REPLACED",
    advice: "The clause does not replace the paper `{}`. Leave `purpose.replaced_material` empty or name a paper that the clause lists, or amend the agreement.",
    advice_zh: "该条款不替代材料 `{}`。请将 `purpose.replaced_material` 留空，或者填写条款所列材料，或者修订协议。",
};

pub(super) const NOT_YET_VALID: Text = Text {
    code: "NOT_YET_VALID",
    advice: "The agreement `{}` is not in force yet. Ask again once it is.",
    advice_zh: "协议 `{}` 尚未生效。请待生效后再查询。",
};

pub(super) const EXPIRED: Text = Text {
    code: "EXPIRED",
    advice: "The agreement `{}` has ended. Conclude a new version of it.",
    advice_zh: "协议 `{}` 已到期。请续签新版本。",
};

pub(super) const SUPERSEDED: Text = Text {
    code: "SUPERSEDED",
    advice: "A newer version has taken the place of this version of the agreement `{}` and does not grant this question. Read the newer one.",
    advice_zh: "协议 `{}` 的这一版本已被新版本取代，新版本未许可本次查询。请查阅新版本。",
};

pub(super) const AGREEMENT_SUSPENDED: Text = Text {
    code: "AGREEMENT_SUSPENDED",
    advice: "The agreement {} until that party resumes it. Ask that party when it will.",
    advice_zh: "协议{}，须由该方恢复。请向该方了解恢复时间。",
};

pub(super) const AGREEMENT_REVOKED: Text = Text {
    code: "AGREEMENT_REVOKED",
    advice: "The agreement {} and does not come back. Conclude a new one.",
    advice_zh: "协议{}，不再恢复。请另行签订。",
};

pub(super) const ROLE_NOT_GRANTED: Text = Text {
    code: "ROLE_NOT_GRANTED",
    advice: "The clause does not cover subjects in the role `{}`. Leave them out, or amend the agreement.",
    advice_zh: "该条款不适用于角色为 `{}` 的对象。请去掉该对象，或者修订协议。",
};

pub(super) const RELATION_NOT_PROVEN: Text = Text {
    code: "RELATION_NOT_PROVEN",
    advice: "The clause asks how the subject in the role `{}` belongs to the case. Give it a `relation` that the clause accepts; `VERIFIED` names in `shown_by` the log index of the answer that has shown it.",
    advice_zh: "该条款要求说明角色为 `{}` 的对象与办件的关系。请填写条款认可的 `relation`；填 `VERIFIED` 的，须在 `shown_by` 中填写能够证明该关系的答复的存证序号。",
};

pub(super) const ATTRIBUTE_WITHHELD: Text = Text {
    code: "ATTRIBUTE_WITHHELD",
    advice: "The agreement says that nothing of `{}` is ever shared. Ask without it.",
    advice_zh: "协议约定 `{}` 不予共享。请去掉该项后再查询。",
};

pub(super) const ATTRIBUTE_NOT_GRANTED: Text = Text {
    code: "ATTRIBUTE_NOT_GRANTED",
    advice: "The clause does not let `{}` be asserted about. Assert about an attribute it lists, or amend the agreement.",
    advice_zh: "该条款未许可核验 `{}`。请限于条款所列属性，或者修订协议。",
};

pub(super) const COMPARISON_NOT_GRANTED: Text = Text {
    code: "COMPARISON_NOT_GRANTED",
    advice: "The clause does not let {}. Use a comparison it lists, or amend the agreement.",
    advice_zh: "该条款未许可{}。请使用条款所列比较方式，或者修订协议。",
};

pub(super) const VALUE_NOT_GRANTED: Text = Text {
    code: "VALUE_NOT_GRANTED",
    advice: "The clause lets `{}` be compared with certain values only. Use a value it lists, or a whole multiple where it asks for one, or amend the agreement.",
    advice_zh: "该条款只许可将 `{}` 与特定的值比较。请使用条款所列的值（约定倍数的，取其整倍数），或者修订协议。",
};

pub(super) const DISCLOSURE_NOT_GRANTED: Text = Text {
    code: "DISCLOSURE_NOT_GRANTED",
    advice: "The clause does not let the value of `{}` leave. Ask without it, put an assertion about it where the clause lets you, or amend the agreement.",
    advice_zh: "该条款未许可披露 `{}` 的值。请去掉该项，或者在条款许可时改为核验，或者修订协议。",
};

pub(super) const CASE_MISSING: Text = Text {
    code: "CASE_MISSING",
    advice: "Name in `purpose.case_number` the open case that the question belongs to.",
    advice_zh: "请在 `purpose.case_number` 中填写本次查询所属的在办件编号。",
};

pub(super) const OPERATOR_MISSING: Text = Text {
    code: "OPERATOR_MISSING",
    advice: "Name in `operator.id` and `operator.unit` the person who asks and their unit.",
    advice_zh: "请在 `operator.id` 和 `operator.unit` 中填写经办人及其所在部门。",
};

pub(super) const OPERATOR_UNIT_NOT_GRANTED: Text = Text {
    code: "OPERATOR_UNIT_NOT_GRANTED",
    advice: "The agreement is not for operators of the unit `{}`. Ask from a unit it lists, or amend the agreement.",
    advice_zh: "协议不适用于部门 `{}` 的经办人。请由协议所列部门经办，或者修订协议。",
};

pub(super) const NOTICE_MISSING: Text = Text {
    code: "NOTICE_MISSING",
    advice: "The agreement `{}` is used only after the person was told. Give notice, and name in `purpose.notice` which of the texts it lists they were given.",
    advice_zh: "协议 `{}` 要求先告知当事人。请履行告知，并在 `purpose.notice` 中填写所用告知书的代码。",
};

pub(super) const CONSENT_MISSING: Text = Text {
    code: "CONSENT_MISSING",
    advice: "The clause of the agreement `{}` needs the consent of the person. Obtain it, and name in `purpose.consent` where it is kept.",
    advice_zh: "协议 `{}` 的该条款要求取得本人同意。请取得同意，并在 `purpose.consent` 中填写同意书的存放编号。",
};

pub(super) const OUTSIDE_HOURS: Text = Text {
    code: "OUTSIDE_HOURS",
    advice: "The agreement `{}` is served at other hours (China time). Ask again then.",
    advice_zh: "当前不在协议 `{}` 的服务时间内（北京时间）。请在服务时间内查询。",
};

pub(super) const QUOTA_UNKNOWN: Text = Text {
    code: "QUOTA_UNKNOWN",
    advice: "The gateway did not record how much of the quota of `{}` is used. Tell its operator: this is a fault of the gateway.",
    advice_zh: "网关未记录协议 `{}` 的配额使用情况。这是网关故障，请告知网关运维人员。",
};

pub(super) const QUOTA_MONTH: Text = Text {
    code: "QUOTA_MONTH",
    advice: "The month's quota of the agreement `{}` is used up. Ask again next month, China time, or agree on more.",
    advice_zh: "协议 `{}` 本月配额已用完。请下月（北京时间）再查询，或者协商增加配额。",
};

pub(super) const QUOTA_DAY: Text = Text {
    code: "QUOTA_DAY",
    advice: "The day's quota of the agreement `{}` is used up. Ask again after midnight, China time.",
    advice_zh: "协议 `{}` 当日配额已用完。请次日零时（北京时间）后再查询。",
};

pub(super) const QUOTA_SECOND: Text = Text {
    code: "QUOTA_SECOND",
    advice: "The agreement `{}` is asked too fast. Ask again in the next second.",
    advice_zh: "协议 `{}` 每秒查询次数超限。请下一秒再查询。",
};

pub(super) const FROZEN: Text = Text {
    code: "FROZEN",
    advice: "Questions of this kind are frozen by {} until the freeze is lifted there. Ask there when it will be.",
    advice_zh: "此类查询已被{}冻结，须由该方解冻。请向该方了解解冻时间。",
};

pub(super) const DEADLINE_PAST: Text = Text {
    code: "DEADLINE_PAST",
    advice: "No time was left of the deadline. Ask again with a longer one.",
    advice_zh: "时限已到，未能处理。请放宽时限后重新查询。",
};
