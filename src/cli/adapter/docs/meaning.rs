//! What the keys of a manifest are about, in the words of an agency's own people.

/// Chinese and English; empty where the key says it itself.
pub(super) fn meaning(key: &str) -> &'static str {
    let whole = WHOLE.iter().find(|(known, _)| *known == key);
    if let Some((_, meaning)) = whole {
        return meaning;
    }
    let of = |list: &'static [(&str, &str)], found: &dyn Fn(&str) -> bool| {
        list.iter().find(|(known, _)| found(known)).map(|(_, meaning)| *meaning)
    };
    let ends = |known: &str| key.ends_with(known);
    let starts = |known: &str| key.starts_with(known);
    of(ENDS, &ends).or_else(|| of(STARTS, &starts)).unwrap_or_default()
}

const WHOLE: &[(&str, &str)] = &[
    ("outcome.unavailable", "无法答复 cannot answer"),
    ("outcome.not_found", "查无记录 no record"),
    ("outcome.conflict", "记录互相矛盾 records that disagree"),
    ("outcome.found", "有记录 a record"),
    ("outcome.echo", "答复的正是所查对象 the record is that of whom was asked about"),
    ("document", "所读取的部分 the part that is read"),
    ("as_of", "数据时点 when the data was true"),
    ("checked", "实际核对的对象 subjects really checked"),
    ("statement", "查询语句 statement"),
    ("lookup", "查找值 what is looked up"),
    ("idempotent", "重复查询无妨 asking twice does no harm"),
    ("transport", "方式 transport"),
    ("maintenance", "停机时段（北京时间） when nobody is asked (China time)"),
    ("request.action", "SOAPAction"),
    ("request.header", "SOAP 头 inside soap:Header"),
    ("request.inner", "正文内的文本 text inside the body"),
    ("request.body", "正文 body"),
    ("sign.string", "待签字符串 what is signed"),
    ("sign.algorithm", "算法 algorithm"),
    ("sign.key", "密钥 key"),
    ("sign.encoding", "签名写法 how the signature is written"),
    ("session.expires", "登录有效期 until when"),
    ("session.failed", "登录未成 no log-in"),
    ("session.rejected", "登录已失效 the log-in is over"),
    ("file.as_of", "文件名中的时间 time in a file's name"),
    ("file.key", "查找列 column that rows are looked up by"),
    ("file.max_age", "数据最长时效 older files answer nothing"),
    ("file.pattern", "文件名 file names"),
    ("grpc.command", "程序 program"),
];

const ENDS: &[(&str, &str)] = &[
    (".base", "地址 address"),
    (".endpoint", "地址 address"),
    (".host", "地址 address"),
    (".server_name", "证书应有的名称 name the certificate must have"),
    (".ca", "信任的颁发者 authority that is trusted"),
    (".certificate", "网关出示的证书 the gateway's certificate"),
    (".max_body", "答复上限 most of a reply"),
    (".charset", "字符集 character set"),
    (".arrays", "总作列表的元素 elements that are always lists"),
    (".attempt_timeout", "单次时限 time for one attempt"),
    (".statement_timeout", "单次时限 time for one statement"),
    (".timeout", "单次时限 time for one exchange"),
    (".max_rows", "最多行数 most rows"),
    (".max_connections", "最多连接数 connections at once"),
    (".max_in_flight", "同时查询数 questions at once"),
    (".rate_per_second", "每秒查询数 questions a second"),
    (".burst", "停顿后可连发数 questions at once after a pause"),
    (".retries", "每次查询的重试次数 further attempts of one question"),
    (".retry_budget", "重试总量占比 further attempts as a share of all questions"),
    (".retry_floor", "不计占比的重试 further attempts whatever the share"),
    (".hedge_after", "等待多久再并发一次 a second question beside a slow one"),
    (".breaker.failures", "失败达此占比即停 share of failures that stops asking"),
    (".breaker.window", "统计次数 attempts looked back on"),
    (".breaker.enough", "至少统计次数 fewer attempts say nothing"),
    (".breaker.open_for", "停问时长 how long nobody asks"),
    (".breaker.probes", "恢复前的试探 attempts that try again"),
];

const STARTS: &[(&str, &str)] = &[
    ("request.path", "路径 path"),
    ("request.method", "方法 method"),
    ("request.headers", "请求头 header"),
    ("request.query", "地址参数 after the question mark"),
    ("request.", "正文 body"),
    ("parameters[", "语句参数 parameter"),
    ("paging.", "分页 more rows"),
    ("sign.values", "签名用值 value for signing"),
    ("sign.", "签名的位置 where the signature goes"),
    ("session.request", "登录请求 what asks for a log-in"),
    ("session.sign", "登录请求的签名 how that is signed"),
    ("session.values", "登录所得 what is kept of it"),
    ("secrets.", "密钥文件位置 where a secret is"),
    ("settings.", "常量 constant"),
];
