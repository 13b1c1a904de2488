//! Three charts as inline SVG: days as stacked bars, shares as one bar, durations as a histogram.

use std::collections::BTreeMap;
use std::time::Duration;

use super::calendar;
use super::figures::Day;
use super::labels::{DENIED, VERDICTS};
use super::page::{escape, grouped};
use super::sketch::Sketch;

const WIDTH: u64 = 960;

/// Bounds of the columns of the histogram of durations, and their names.
const DURATIONS: [(u64, &str); 10] = [
    (2, "2 ms"),
    (5, "5 ms"),
    (10, "10 ms"),
    (20, "20 ms"),
    (50, "50 ms"),
    (100, "100 ms"),
    (200, "200 ms"),
    (500, "500 ms"),
    (1000, "1 s"),
    (5000, "5 s"),
];

/// Questions of each day, stacked by what came of them.
pub fn days(days: &BTreeMap<u64, Day>) -> String {
    const HEIGHT: u64 = 150;
    let (Some((&first, _)), Some((&last, _))) = (days.first_key_value(), days.last_key_value())
    else {
        return String::new();
    };
    let total = |day: &Day| day.denied + day.verdicts.values().sum::<u64>();
    let most = days.values().map(total).max().unwrap_or(0).max(1);
    let step = (WIDTH - 60) / (last - first + 1).max(31);
    let mut bars = String::new();
    for (&number, day) in days {
        let x = 50 + (number - first) * step;
        let mut y = HEIGHT + 10;
        for (name, _, colour) in VERDICTS.iter().chain([&DENIED]) {
            let count = match *name {
                name if name == DENIED.0 => day.denied,
                name => day.verdicts.get(name).copied().unwrap_or(0),
            };
            let height = (count * HEIGHT).div_ceil(most).min(y - 10);
            if count > 0 {
                y -= height;
                let title = format!("{} {name}: {}", calendar::day(number), grouped(count));
                bars.push_str(&bar(
                    (x, y),
                    (step.saturating_sub(2).max(1), height),
                    colour,
                    &title,
                ));
            }
        }
    }
    let (base, label) = (HEIGHT + 10, HEIGHT + 26);
    let right = 50 + (last - first + 1) * step;
    let (from, to) = (calendar::day(first), calendar::day(last));
    let dates = match right - 50 {
        _ if first == last => text(50, label, "start", &from),
        // Two dates do not fit beside each other.
        width if width < 220 => text(50, label, "start", &format!("{from} – {to}")),
        _ => text(50, label, "start", &from) + &text(right, label, "end", &to),
    };
    let scale = text(44, 20, "end", &grouped(most)) + &text(44, base, "end", "0");
    let line = format!("<path d=\"M50 {base}H{right}\" stroke=\"#5b6570\" fill=\"none\"/>");
    let content = bars + &line + &scale + &dates;
    figure("每日查询 Questions by day", HEIGHT + 32, &content)
}

/// Shares of all questions, as one bar with a legend that has the counts.
pub fn shares(verdicts: &BTreeMap<&'static str, u64>, denied: u64) -> String {
    let parts: Vec<(&str, &str, &str, u64)> = VERDICTS
        .iter()
        .map(|&(name, zh, colour)| (name, zh, colour, verdicts.get(name).copied().unwrap_or(0)))
        .chain([(DENIED.0, DENIED.1, DENIED.2, denied)])
        .filter(|part| part.3 > 0)
        .collect();
    let all: u64 = parts.iter().map(|part| part.3).sum();
    if all == 0 {
        return String::new();
    }
    let (mut bars, mut legend) = (String::new(), String::new());
    let mut before = 0;
    for (place, (name, zh, colour, count)) in (0_u64..).zip(&parts) {
        let (from, to) = (before * WIDTH / all, (before + count) * WIDTH / all);
        before += count;
        let tenths = count * 1000 / all;
        let share = format!("{}.{}%", tenths / 10, tenths % 10);
        let title = format!("{name}: {} ({share})", grouped(*count));
        bars.push_str(&bar((from, 0), ((to - from).max(1), 22), colour, &title));
        let (x, y) = (place % 4 * 240, 40 + place / 4 * 20);
        legend.push_str(&bar((x, y - 9), (10, 10), colour, ""));
        let words = format!("{zh} {name} {} ({share})", grouped(*count));
        legend.push_str(&text(x + 16, y, "start", &words));
    }
    let rows = (parts.len() as u64).div_ceil(4);
    figure("结果构成 What came of them", 34 + rows * 20, &(bars + &legend))
}

/// How long answers took.
pub fn durations(sketch: &Sketch) -> String {
    const HEIGHT: u64 = 110;
    if sketch.count() == 0 {
        return String::new();
    }
    let limits: Vec<Duration> =
        DURATIONS.iter().map(|(millis, _)| Duration::from_millis(*millis)).collect();
    let counts = sketch.split(&limits);
    let most = counts.iter().max().copied().unwrap_or(1).max(1);
    let step = WIDTH / (counts.len() as u64);
    let last = DURATIONS.last().map_or("", |(_, name)| name);
    let names = DURATIONS.iter().map(|(_, name)| format!("&lt; {name}"));
    let names = names.chain([format!("≥ {last}")]);
    let mut content = String::new();
    for ((place, count), name) in (0_u64..).zip(&counts).zip(names) {
        let height = (count * HEIGHT).div_ceil(most);
        let (x, y) = (place * step, 16 + HEIGHT - height);
        if *count > 0 {
            content.push_str(&bar((x, y), (step - 8, height), "#1f4e79", ""));
            content.push_str(&text(x + (step - 8) / 2, y - 4, "middle", &grouped(*count)));
        }
        let (x, y) = (x + (step - 8) / 2, HEIGHT + 32);
        content
            .push_str(&format!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{name}</text>"));
    }
    let base = 16 + HEIGHT;
    content.push_str(&format!("<path d=\"M0 {base}H{WIDTH}\" stroke=\"#5b6570\" fill=\"none\"/>"));
    figure("用时 From arrival to the durable answer", HEIGHT + 38, &content)
}

fn figure(caption: &str, height: u64, content: &str) -> String {
    let caption = escape(caption);
    format!(
        "<figure><figcaption>{caption}</figcaption><svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         role=\"img\" aria-label=\"{caption}\">{content}</svg></figure>\n"
    )
}

fn bar((x, y): (u64, u64), (width, height): (u64, u64), colour: &str, title: &str) -> String {
    let title = match title.is_empty() {
        true => String::new(),
        false => format!("<title>{}</title>", escape(title)),
    };
    format!(
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{colour}\">{title}</rect>"
    )
}

fn text(x: u64, y: u64, anchor: &str, words: &str) -> String {
    let words = escape(words);
    format!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{words}</text>")
}
