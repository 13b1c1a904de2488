//! Names of people, employers and projects, drawn from small tables; with the characters that break naive software.

use crate::simulate::random::Dice;

const SURNAMES: &[&str] = &[
    "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "周", "吴", "徐", "孙", "马", "朱", "胡", "郭",
    "何", "罗", "高", "林", "郑", "梁", "谢", "唐", "许", "冯", "邓", "曹", "彭", "曾", "肖", "田",
    "董", "潘", "袁", "蔡", "蒋", "余", "于", "杜", "叶", "程", "魏", "苏", "吕", "丁", "任", "卢",
    "姚", "钟", "姜", "崔", "谭", "陆", "范", "石", "龙", "欧阳", "司马", "覃",
];

const GIVEN: &[&str] = &[
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明",
    "超", "秀", "霞", "平", "刚", "桂", "英", "华", "玉", "兰", "红", "梅", "建", "国", "文", "志",
    "海", "春", "燕", "雪", "鹏", "飞", "宇", "浩", "然", "思", "雨", "佳", "欣", "怡", "子", "涵",
    "梓", "萱", "晨", "曦", "博", "睿", "诗", "琪", "立", "新", "永", "安", "康", "宁", "瑞", "和",
];

/// Outside GBK, or outside GB 2312: names that get lost in old systems.
const RARE: &[&str] = &["䶮", "𠅤", "堃", "龘", "〇"];

/// Parts of names written with a middle dot (U+00B7, the right one).
const DOTTED: &[&str] = &[
    "买买提",
    "吐尔逊",
    "阿依古丽",
    "热合曼",
    "古丽娜尔",
    "艾力",
    "努尔兰",
    "扎西",
    "次仁",
    "卓玛",
];

const FOREIGN: &[&str] =
    &["ANDERSSON MARIA", "SMITH JOHN PAUL", "TANAKA YUKI", "DUBOIS JEAN-LUC", "KIM MINSU"];

/// How many surnames there are.
pub fn surnames() -> u32 {
    u32::try_from(SURNAMES.len()).unwrap_or(1)
}

/// A citizen's name; children carry their father's surname.
pub fn citizen(dice: &mut Dice, surname: u8) -> String {
    let first = dice.pick(GIVEN);
    let second = if dice.permille(780) { dice.pick(GIVEN) } else { "" };
    format!("{}{first}{second}", family(surname))
}

/// A citizen's name with a character that old systems cannot hold.
pub fn rare(dice: &mut Dice, surname: u8) -> String {
    format!("{}{}", family(surname), dice.pick(RARE))
}

fn family(surname: u8) -> &'static str {
    SURNAMES.get(usize::from(surname)).copied().unwrap_or("王")
}

/// A name of two parts with a middle dot between them.
pub fn dotted(dice: &mut Dice) -> String {
    format!("{}·{}", dice.pick(DOTTED), dice.pick(DOTTED))
}

/// A name as a foreigner's passport prints it.
pub fn foreign(dice: &mut Dice) -> String {
    dice.pick(FOREIGN).to_owned()
}

/// The same name as a register with the wrong middle dot holds it: U+2022 instead of U+00B7.
pub fn with_bullet(name: &str) -> String {
    name.replace('·', "•")
}

/// The same name as a register that types full stops holds it.
pub fn with_full_stop(name: &str) -> String {
    name.replace('·', "．")
}

/// The same name as a database in GBK holds it: what GBK does not have was lost in the loading.
pub fn in_gbk(name: &str) -> String {
    name.replace(['䶮', '𠅤'], "?")
}

const PLACES: &[&str] =
    &["湘江", "岳麓", "洞庭", "芙蓉", "潇湘", "星城", "雁城", "桃源", "沅水", "韶峰"];
const WORDS: &[&str] =
    &["鸿达", "恒信", "天元", "中联", "金桥", "瑞祥", "新远", "博雅", "同泰", "万里"];
const TRADES: &[&str] =
    &["科技", "建材", "物流", "食品", "机械", "信息", "医药", "文化", "环保", "电子"];
const OFFICES: &[&str] =
    &["测绘院", "设计院", "幼儿园", "医院", "图书馆", "研究所", "职业学院", "检测中心"];

/// An employer's name for a prefix of its code. The number keeps names apart.
pub fn employer(dice: &mut Dice, prefix: &str, index: u32) -> String {
    let (place, word, trade) = (dice.pick(PLACES), dice.pick(WORDS), dice.pick(TRADES));
    let office = dice.pick(OFFICES);
    match prefix {
        "91" => format!("湖南{place}{word}{trade}（{index}）有限公司"),
        "92" => format!("{place}{word}{trade}经营部（个体工商户）{index}号"),
        "93" => format!("{place}{word}种植专业合作社{index}"),
        "12" => format!("湖南省{place}{office}{index}"),
        "11" => format!("湖南省{place}事务管理局{index}"),
        "51" => format!("湖南省{place}{trade}协会{index}"),
        "52" => format!("{place}{word}{office}{index}"),
        _ => format!("湖南{place}公益基金会{index}"),
    }
}

/// A housing project's name.
pub fn project(dice: &mut Dice, index: u32) -> String {
    format!("{}{}花园{index}期", dice.pick(PLACES), dice.pick(WORDS))
}
