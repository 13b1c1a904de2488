//! The code of each denial and the advice that goes with it, in the order of the checks.

/// Code and advice of one denial.
pub(super) struct Text {
    /// Stable code.
    pub(super) code: &'static str,
    /// What the caller should change; `{}` stands for what the denial names.
    pub(super) advice: &'static str,
}

pub(super) const MALFORMED: Text =
    Text { code: "MALFORMED", advice: "Correct these fields of the query and send it again: {}." };

pub(super) const CALLER_UNNAMED: Text = Text {
    code: "CALLER_UNNAMED",
    advice: "Use a certificate with the URI name `spiffe://<trust domain>/<organisation>/<system>`.",
};

pub(super) const UNKNOWN_ORGANISATION: Text = Text {
    code: "UNKNOWN_ORGANISATION",
    advice: "The organisation named by the certificate is not in the party register. Ask the gateway's operator to enter it.",
};

pub(super) const UNKNOWN_SYSTEM: Text = Text {
    code: "UNKNOWN_SYSTEM",
    advice: "The system named by the certificate is not among those the party register lists for its organisation. Ask the gateway's operator to enter it.",
};

pub(super) const FOREIGN_AUTHORITY: Text = Text {
    code: "FOREIGN_AUTHORITY",
    advice: "The certificate names one organisation and was issued by another's authority. Use a certificate from your own organisation's authority.",
};

pub(super) const NO_QUERY_RIGHT: Text = Text {
    code: "NO_QUERY_RIGHT",
    advice: "This system is registered without the right to put questions. Ask from a system that has the right `query`, or have the party register changed.",
};

pub(super) const UNKNOWN_FACT: Text = Text {
    code: "UNKNOWN_FACT",
    advice: "The catalogue has no fact of this code. `ListFacts` gives those it has.",
};

pub(super) const UNKNOWN_ITEM: Text = Text {
    code: "UNKNOWN_ITEM",
    advice: "Name in `purpose.item` a service item of the catalogue. `ListItems` gives those it has.",
};

pub(super) const ITEM_VERSION_MISSING: Text = Text {
    code: "ITEM_VERSION_MISSING",
    advice: "Name in `purpose.item_version` the version of the item's rule that the case is decided by.",
};

pub(super) const SUBJECT_MISSING: Text = Text {
    code: "SUBJECT_MISSING",
    advice: "Name at least one subject, in a role that the fact lists.",
};

pub(super) const NOTHING_ASKED: Text = Text {
    code: "NOTHING_ASKED",
    advice: "Name at least one assertion, or an attribute to disclose.",
};

pub(super) const NO_AGREEMENT: Text = Text {
    code: "NO_AGREEMENT",
    advice: "There is no signed agreement under which your organisation may ask `{}` anything. Conclude one; nothing else opens the route.",
};

pub(super) const FACT_NOT_GRANTED: Text = Text {
    code: "FACT_NOT_GRANTED",
    advice: "No clause of your agreements grants the fact `{}`. Agree on one with the organisation that holds it.",
};

pub(super) const SYSTEM_NOT_GRANTED: Text = Text {
    code: "SYSTEM_NOT_GRANTED",
    advice: "The agreement does not list the system `{}`. Ask from a listed system, or amend the agreement.",
};

pub(super) const PURPOSE_NOT_GRANTED: Text = Text {
    code: "PURPOSE_NOT_GRANTED",
    advice: "The agreement does not grant this fact for the item `{}`. Ask for an item it lists, or amend the agreement.",
};

pub(super) const MATERIAL_NOT_REPLACED: Text = Text {
    code: "MATERIAL_NOT_REPLACED",
    advice: "The clause does not replace the paper `{}`. Leave `purpose.replaced_material` empty or name a paper that the clause lists, or amend the agreement.",
};

pub(super) const NOT_YET_VALID: Text = Text {
    code: "NOT_YET_VALID",
    advice: "The agreement `{}` is not in force yet. Ask again once it is.",
};

pub(super) const EXPIRED: Text =
    Text { code: "EXPIRED", advice: "The agreement `{}` has ended. Conclude a new version of it." };

pub(super) const SUPERSEDED: Text = Text {
    code: "SUPERSEDED",
    advice: "A newer version has taken the place of this version of the agreement `{}` and does not grant this question. Read the newer one.",
};

pub(super) const AGREEMENT_SUSPENDED: Text = Text {
    code: "AGREEMENT_SUSPENDED",
    advice: "The agreement {} until that party resumes it. Ask that party when it will.",
};

pub(super) const AGREEMENT_REVOKED: Text = Text {
    code: "AGREEMENT_REVOKED",
    advice: "The agreement {} and does not come back. Conclude a new one.",
};

pub(super) const ROLE_NOT_GRANTED: Text = Text {
    code: "ROLE_NOT_GRANTED",
    advice: "The clause does not cover subjects in the role `{}`. Leave them out, or amend the agreement.",
};

pub(super) const RELATION_NOT_PROVEN: Text = Text {
    code: "RELATION_NOT_PROVEN",
    advice: "The clause asks how the subject in the role `{}` belongs to the case. Give it a `relation` that the clause accepts; `VERIFIED` names in `shown_by` the log index of the answer that has shown it.",
};

pub(super) const ATTRIBUTE_WITHHELD: Text = Text {
    code: "ATTRIBUTE_WITHHELD",
    advice: "The agreement says that nothing of `{}` is ever shared. Ask without it.",
};

pub(super) const ATTRIBUTE_NOT_GRANTED: Text = Text {
    code: "ATTRIBUTE_NOT_GRANTED",
    advice: "The clause does not let `{}` be asserted about. Assert about an attribute it lists, or amend the agreement.",
};

pub(super) const COMPARISON_NOT_GRANTED: Text = Text {
    code: "COMPARISON_NOT_GRANTED",
    advice: "The clause does not let {}. Use a comparison it lists, or amend the agreement.",
};

pub(super) const VALUE_NOT_GRANTED: Text = Text {
    code: "VALUE_NOT_GRANTED",
    advice: "The clause lets `{}` be compared with certain values only. Use a value it lists, or a whole multiple where it asks for one, or amend the agreement.",
};

pub(super) const DISCLOSURE_NOT_GRANTED: Text = Text {
    code: "DISCLOSURE_NOT_GRANTED",
    advice: "The clause does not let the value of `{}` leave. Ask without it, put an assertion about it where the clause lets you, or amend the agreement.",
};

pub(super) const CASE_MISSING: Text = Text {
    code: "CASE_MISSING",
    advice: "Name in `purpose.case_number` the open case that the question belongs to.",
};

pub(super) const OPERATOR_MISSING: Text = Text {
    code: "OPERATOR_MISSING",
    advice: "Name in `operator.id` and `operator.unit` the person who asks and their unit.",
};

pub(super) const OPERATOR_UNIT_NOT_GRANTED: Text = Text {
    code: "OPERATOR_UNIT_NOT_GRANTED",
    advice: "The agreement is not for operators of the unit `{}`. Ask from a unit it lists, or amend the agreement.",
};

pub(super) const NOTICE_MISSING: Text = Text {
    code: "NOTICE_MISSING",
    advice: "The agreement `{}` is used only after the person was told. Give notice, and name in `purpose.notice` which of the texts it lists they were given.",
};

pub(super) const CONSENT_MISSING: Text = Text {
    code: "CONSENT_MISSING",
    advice: "The clause of the agreement `{}` needs the consent of the person. Obtain it, and name in `purpose.consent` where it is kept.",
};

pub(super) const OUTSIDE_HOURS: Text = Text {
    code: "OUTSIDE_HOURS",
    advice: "The agreement `{}` is served at other hours (China time). Ask again then.",
};

pub(super) const QUOTA_UNKNOWN: Text = Text {
    code: "QUOTA_UNKNOWN",
    advice: "The gateway did not record how much of the quota of `{}` is used. Tell its operator: this is a fault of the gateway.",
};

pub(super) const QUOTA_MONTH: Text = Text {
    code: "QUOTA_MONTH",
    advice: "The month's quota of the agreement `{}` is used up. Ask again next month, China time, or agree on more.",
};

pub(super) const QUOTA_DAY: Text = Text {
    code: "QUOTA_DAY",
    advice: "The day's quota of the agreement `{}` is used up. Ask again after midnight, China time.",
};

pub(super) const QUOTA_SECOND: Text = Text {
    code: "QUOTA_SECOND",
    advice: "The agreement `{}` is asked too fast. Ask again in the next second.",
};

pub(super) const FROZEN: Text = Text {
    code: "FROZEN",
    advice: "Questions of this kind are frozen by {} until the freeze is lifted there. Ask there when it will be.",
};

pub(super) const DEADLINE_PAST: Text = Text {
    code: "DEADLINE_PAST",
    advice: "No time was left of the deadline. Ask again with a longer one.",
};
