//! An order as a page for people.

use jiff::tz::{TimeZone, offset};

use super::{Act, Order, Version};

/// The clock on the wall in China.
pub(super) fn in_china(at: jiff::Timestamp) -> String {
    let there = at.to_zoned(TimeZone::fixed(offset(8)));
    there.strftime("%Y-%m-%d %H:%M:%S, China time").to_string()
}

impl Order {
    /// What it does, in words.
    pub fn in_words(&self) -> String {
        let Ok(act) = self.act() else { return "makes no sense".to_owned() };
        let of = |Version { agreement, version }: Version| {
            let from = self.beginning_in_words().map(|from| format!(" from {from}"));
            format!("{agreement} version {version}{}", from.unwrap_or_default())
        };
        match act {
            Act::Suspend(version) => format!("suspends {}", of(version)),
            Act::Resume(version) => format!("resumes {}", of(version)),
            Act::Revoke(version) => format!("revokes {}", of(version)),
            Act::Freeze(scope) => {
                let about = scope.fact.map_or(String::new(), |fact| format!(" about {fact}"));
                let from = scope.caller.map_or(String::new(), |caller| format!(" from {caller}"));
                format!("freezes all questions{about}{from} to {}", scope.provider)
            }
            Act::Unfreeze(freeze) => format!("lifts the freeze {freeze}"),
        }
    }

    /// From when it acts, where it says so: `2026-12-01 00:00:00, China time`.
    pub fn beginning_in_words(&self) -> Option<String> {
        self.from.map(in_china)
    }

    /// What it does, in Chinese.
    fn in_chinese(&self) -> String {
        let Ok(act) = self.act() else { return "内容不成立".to_owned() };
        let by = &self.by;
        let of = |what: &str, Version { agreement, version }: Version| {
            let from = self
                .beginning_in_words()
                .map(|from| format!("自{}起", from.replace(", China time", "（北京时间）")));
            format!("{by}{}{what}协议 {agreement} 第 {version} 版", from.unwrap_or_default())
        };
        match act {
            Act::Suspend(version) => of("暂停", version),
            Act::Resume(version) => of("恢复", version),
            Act::Revoke(version) => of("撤销", version),
            Act::Freeze(scope) => {
                let caller = scope.caller.map_or("各方".to_owned(), |caller| caller.to_string());
                let fact =
                    scope.fact.map_or("全部查询".to_owned(), |fact| format!("{fact}的查询"));
                format!("{by}冻结{caller}对本单位{fact}")
            }
            Act::Unfreeze(freeze) => format!("{by}解除冻结（指令 {freeze}）"),
        }
    }

    /// A page for people who read Chinese.
    pub fn page_in_chinese(&self) -> String {
        let at = in_china(self.at).replace(", China time", "（北京时间）");
        let (id, does, reason) = (&self.id, self.in_chinese(), &self.reason);
        format!("指令 {id}\n  {does}\n  下达时间    {at}\n  事由        {reason}\n")
    }

    /// A page for people.
    pub fn page(&self) -> String {
        format!(
            "order {}\n  {} {}\n  given       {}\n  reason      {}\n",
            self.id,
            self.by,
            self.in_words(),
            in_china(self.at),
            self.reason
        )
    }
}
