//! Pages that stand alone: one file, no script, nothing loaded from anywhere, well-formed as XML, fit to be printed.

/// Looks: two type sizes, hairlines, one accent; the same on paper.
const STYLE: &str = "\
:root{--ink:#1b1f24;--soft:#5b6570;--line:#d9dee3;--accent:#1f4e79}\
*{box-sizing:border-box}\
body{margin:0 auto;max-width:70rem;padding:2.5rem 2rem;color:var(--ink);background:#fff;\
font:15px/1.6 -apple-system,'Segoe UI','PingFang SC','Microsoft YaHei','Noto Sans CJK SC','Source Han Sans SC',sans-serif}\
h1{font-size:1.6rem;line-height:1.3;margin:0 0 .3rem}\
h2{font-size:1.15rem;margin:2.6rem 0 .6rem;padding-top:.9rem;border-top:2px solid var(--ink)}\
h3{font-size:1rem;margin:1.6rem 0 .4rem}\
p{margin:.4rem 0;max-width:52rem}.soft{color:var(--soft)}\
code{font:13px/1.5 ui-monospace,Consolas,monospace;overflow-wrap:anywhere}\
pre{font:13px/1.5 ui-monospace,Consolas,monospace;background:#f5f7f9;padding:.8rem 1rem;overflow-x:auto;white-space:pre-wrap}\
table{border-collapse:collapse;width:100%;margin:.6rem 0;font-variant-numeric:tabular-nums}\
th,td{padding:.32rem .6rem .32rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}\
th{font-weight:600;color:var(--soft);border-bottom-color:var(--soft)}\
td.n,th.n{text-align:right}\
dl.tiles{display:flex;flex-wrap:wrap;gap:1.4rem 2.4rem;margin:1rem 0}\
dl.tiles div{min-width:6rem}dl.tiles dt{color:var(--soft);font-size:13px}\
dl.tiles dd{margin:0;font-size:1.35rem;font-variant-numeric:tabular-nums}\
figure{margin:1rem 0}figcaption{color:var(--soft);font-size:13px;margin-bottom:.3rem}\
svg{width:100%;height:auto;display:block}svg text{font-size:11px;fill:#5b6570}\
.wide{overflow-x:auto}\
@media print{body{max-width:none;padding:0;font-size:11pt}h2,h3{break-after:avoid}\
tr,figure,dl{break-inside:avoid}.wide{overflow:visible}thead{display:table-header-group}\
@page{margin:16mm}}";

/// Text as it may stand in an element or an attribute. Characters that XML has no place for become U+FFFD.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(character),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            character if character.is_control() => escaped.push('\u{fffd}'),
            character => escaped.push(character),
        }
    }
    escaped
}

/// What stands before the body of a page, up to and with its title.
pub fn begin(title: &str, subtitle: &str) -> String {
    let heading = (escape(title), escape(subtitle));
    head(title, "zh-CN", "")
        + &format!("<h1>{}</h1>\n<p class=\"soft\">{}</p>\n", heading.0, heading.1)
}

/// What stands before the body of a page that has looks of its own.
pub fn head(title: &str, language: &str, style: &str) -> String {
    let title = escape(title);
    format!(
        "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n\
         <title>{title}</title>\n<style>{STYLE}{style}</style>\n</head>\n<body>\n"
    )
}

/// What stands after it.
pub const END: &str = "</body>\n</html>\n";

/// A row of figures, each with its name.
pub fn tiles(figures: &[(&str, String)]) -> String {
    let mut text = String::from("<dl class=\"tiles\">\n");
    for (name, figure) in figures {
        text.push_str(&format!(
            "<div><dt>{}</dt><dd>{}</dd></div>\n",
            escape(name),
            escape(figure)
        ));
    }
    text + "</dl>\n"
}

/// A table; the columns from `numbers` on are right-aligned.
pub fn table(
    names: &[&str],
    numbers: usize,
    rows: impl IntoIterator<Item = Vec<String>>,
) -> String {
    let mut text = table_begin(names, numbers);
    for row in rows {
        text.push_str(&table_row(&row, numbers));
    }
    text + TABLE_END
}

/// The beginning of a table that is written row by row.
pub fn table_begin(names: &[&str], numbers: usize) -> String {
    let cells: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let head = row("th", &cells, numbers);
    format!("<div class=\"wide\"><table>\n<thead>{head}</thead>\n<tbody>\n")
}

/// One row of it.
pub fn table_row(cells: &[String], numbers: usize) -> String {
    row("td", cells, numbers) + "\n"
}

/// The end of it.
pub const TABLE_END: &str = "</tbody>\n</table></div>\n";

fn row(element: &str, cells: &[String], numbers: usize) -> String {
    let cells: String = cells
        .iter()
        .enumerate()
        .map(|(place, cell)| {
            let class = if place >= numbers { " class=\"n\"" } else { "" };
            format!("<{element}{class}>{}</{element}>", escape(cell))
        })
        .collect();
    format!("<tr>{cells}</tr>")
}

/// A number for people: 1,234,567.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_stands_in_a_page_it_stays_well_formed() {
        let wild = "<script>alert('x')</script> & \"q\" \u{1b}[2J \u{ffff} ]]> 公积金";
        let body = tiles(&[(wild, wild.to_owned())])
            + &table(&[wild, "n"], 1, [vec![wild.to_owned(), "1".to_owned()]]);
        let page = begin(wild, wild) + &body + END;
        let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
        let document = roxmltree::Document::parse_with_options(&page, options).unwrap();
        assert!(document.descendants().all(|node| !node.has_tag_name("script")));
        let title = document.descendants().find(|node| node.tag_name().name() == "title").unwrap();
        assert!(title.text().unwrap().contains("<script>alert('x')</script> & \"q\""));
    }

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1234567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
