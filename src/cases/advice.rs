//! What to do about each thing that is missing, in a short sentence for the person at the counter.

use super::conclude::{Missing, Why};

/// The sentence, in Chinese. `what` is the Chinese name of what it is about: a fact, a group, a party, a paper, a stated
/// value or a need.
pub fn advice(missing: &Missing, what: &str) -> String {
    match missing.why {
        Why::Denied => {
            let code = &missing.code;
            format!("现行数据共享协议未支持核验“{what}”（{code}），请到窗口提交相应材料。")
        }
        Why::NotAsked => format!("“{what}”此次未能核验，请稍后重新核验，或到窗口提交相应材料。"),
        Why::Unavailable => {
            format!("主管部门暂未答复“{what}”，请稍后重新核验，或到窗口提交相应材料。")
        }
        Why::NotFound => {
            format!("主管部门未查到“{what}”的记录，这不代表不符合条件；请到窗口提交相应材料。")
        }
        Why::Stale => format!("“{what}”的数据已过时限，请稍后重新核验，或到窗口提交近期材料。"),
        Why::Conflict => format!("主管部门关于“{what}”的记录互有矛盾，请到窗口由工作人员核实。"),
        Why::Refuted => refuted(missing, what),
        Why::Doubtful => {
            format!("“{what}”的核验结果与申报不一致，仅供参考，请到窗口由工作人员核实。")
        }
        Why::Unchecked => {
            format!("主管部门未核验“{what}”所涉的全部人员，请稍后重新核验，或到窗口提交相应材料。")
        }
        Why::FamilyIncomplete => {
            format!("“{what}”尚未全部核清，请到窗口提交婚姻、户籍等证明材料。")
        }
        Why::DeclaredDiffers => {
            format!("申报的“{what}”与主管部门登记不一致，请核对后重新申报，或到窗口核实。")
        }
        Why::EvidenceMissing => format!("请提交“{what}”。"),
        Why::EvidenceOld => format!("“{what}”已超过有效期限，请重新开具后提交。"),
        Why::EvidenceForPerson => format!("“{what}”已收到，须由窗口工作人员审核。"),
        Why::NotStated | Why::NotNamed => format!("申请中未填写“{what}”，请补充后重新申报。"),
        Why::StatedOtherwise => {
            format!("所填“{what}”不符合本事项的规定，请核对，或到窗口由工作人员核实。")
        }
        Why::Waits => {
            format!("“{what}”须待其他核验有结果后才能核验，请稍后重新核验，或到窗口办理。")
        }
        Why::NoWay => format!("“{what}”没有适用的核验方式，请到窗口办理。"),
    }
}

/// A "no" can be contested: with the entry's number where an agency said it.
fn refuted(missing: &Missing, what: &str) -> String {
    match missing.log_index {
        Some(index) => format!(
            "主管部门的登记不符合“{what}”的要求。如有异议，可凭日志第{index}号记录到窗口或向该部门申请核查、更正。"
        ),
        None => format!("公积金中心的账目不符合“{what}”的要求。如有异议，可到窗口申请核查、更正。"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_a_sentence_of_its_own_that_names_what_it_is_about() {
        let sentences: BTreeSet<String> = Why::ALL
            .into_iter()
            .map(|why| {
                let missing =
                    Missing { why, of: "homes".to_owned(), code: "X".to_owned(), log_index: None };
                let sentence = advice(&missing, "家庭住房套数");
                assert!(sentence.contains("“家庭住房套数”"), "{why:?}: {sentence}");
                assert!(sentence.ends_with('。') && sentence.chars().count() <= 60, "{sentence}");
                sentence
            })
            .collect();
        // What is not stated and who is not named are filled in the same way.
        assert_eq!(sentences.len(), Why::ALL.len() - 1);
    }

    #[test]
    fn a_no_of_an_agency_is_contested_by_its_entry() {
        let missing = Missing {
            why: Why::Refuted,
            of: "homes".to_owned(),
            code: String::new(),
            log_index: Some(41),
        };
        assert!(advice(&missing, "家庭住房套数").contains("日志第41号记录"));
    }
}
