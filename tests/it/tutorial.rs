//! The tutorial, run as a reader would: every file written, every command typed, and what it shows held against the page.
//!
//! Numbers, times and hexadecimal texts differ from run to run and are not compared, nor is what the page leaves out with
//! `…`. Servers get ports of the system's choice; which one stands for which on the page is learnt from what they print.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const PAGE: &str = include_str!("../../docs/tutorial-adapter.md");
/// The same page in Chinese: what is typed and what is shown is the same.
const PAGE_ZH: &str = include_str!("../../docs/tutorial-adapter.zh-CN.md");

/// Longer than any step takes on a machine under load; a step that hangs ends the test with what it had printed.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a fenced block of the page asks for.
#[derive(Debug, PartialEq)]
enum Step {
    /// A file below the reader's folder.
    File { path: String, text: String },
    /// A command, and the lines that the page shows of what it prints.
    Command { typed: String, shown: Vec<String> },
}

#[test]
fn a_stranger_who_follows_the_page_gets_an_answer_from_a_seventh_agency() {
    let steps = steps(PAGE);
    let commands = steps.iter().filter(|step| matches!(step, Step::Command { .. })).count();
    assert!(commands > 20 && steps.len() > commands + 4, "the page was not understood: {steps:#?}");
    let mut reader = Reader::sit_down();
    let began = Instant::now();
    for step in &steps {
        match step {
            Step::File { path, text } => reader.write(path, text),
            Step::Command { typed, shown } => reader.run(typed, shown),
        }
    }
    // The reader's own time is for reading: the machine's must be short.
    assert!(began.elapsed() < 5 * PATIENCE, "it took {:?}", began.elapsed());
}

/// Somebody at a terminal, in a folder that is thrown away. What they started ends with them.
struct Reader {
    home: TempDir,
    folder: PathBuf,
    /// Ports of the page, each with the real one.
    ports: BTreeMap<String, String>,
}

impl Reader {
    fn sit_down() -> Self {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().to_owned();
        Self { home, folder, ports: BTreeMap::new() }
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, self.with_real_ports(text)).unwrap();
    }

    fn run(&mut self, typed: &str, shown: &[String]) {
        if let Some(folder) = typed.strip_prefix("cd ") {
            self.folder = self.folder.join(folder);
            return;
        }
        // Fixed ports may be taken on the machine of a test.
        let command = self
            .with_real_ports(typed)
            .replace("simulate institution-register", "simulate institution-register --any-port");
        let printed = self.bash(&command);
        for (page, real) in told(shown, &printed).unwrap_or_else(|| {
            let log = std::fs::read_to_string(self.folder.join("gateway.log")).unwrap_or_default();
            panic!(
                "$ {command}\nprinted\n{printed}\nand not, as the page has it,\n{}\n\ngateway.log:\n{log}",
                shown.join("\n")
            )
        }) {
            self.ports.insert(page, real);
        }
    }

    /// Runs it and returns what it printed on both streams.
    fn bash(&self, command: &str) -> String {
        let binary = Path::new(env!("CARGO_BIN_EXE_heyan")).parent().unwrap();
        let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default());
        let out = self.home.path().join("printed");
        let file = std::fs::File::create(&out).unwrap();
        let mut child = Command::new("bash")
            .args(["-c", command])
            .current_dir(&self.folder)
            .env("PATH", path)
            .env("HEYAN__LISTEN", "127.0.0.1:0")
            .env("HEYAN__ADMIN", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        let began = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if began.elapsed() > PATIENCE {
                child.kill().unwrap();
                child.wait().unwrap();
                let log = std::fs::read_to_string(self.folder.join("gateway.log"));
                panic!("did not end: {command}\n{}", log.unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        std::fs::read_to_string(out).unwrap()
    }

    fn with_real_ports(&self, text: &str) -> String {
        self.ports.iter().fold(text.to_owned(), |text, (page, real)| {
            text.replace(&format!("127.0.0.1:{page}"), &format!("127.0.0.1:{real}"))
        })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        for name in ["gateway.pid", "office.pid"] {
            let Ok(pid) = std::fs::read_to_string(self.folder.join(name)) else { continue };
            // On a good end they are gone already.
            let _ = Command::new("kill").arg(pid.trim()).stderr(Stdio::null()).status();
        }
    }
}

/// The fenced blocks that ask for something, in order.
fn steps(page: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        if let Some((_, path)) = kind.split_once("file=") {
            let text = block.join("\n") + "\n";
            steps.push(Step::File { path: path.to_owned(), text });
        } else if kind == "console" {
            commands(&block, &mut steps);
        }
    }
    steps
}

fn commands(block: &[&str], into: &mut Vec<Step>) {
    let mut continues = false;
    for line in block {
        match (line.strip_prefix("$ "), into.last_mut()) {
            (Some(command), _) => {
                into.push(Step::Command { typed: command.to_owned(), shown: Vec::new() });
            }
            (None, Some(Step::Command { typed, .. })) if continues => {
                typed.push('\n');
                typed.push_str(line);
            }
            (None, Some(Step::Command { shown, .. })) => shown.push((*line).to_owned()),
            (None, _) => panic!("output without a command: {line}"),
        }
        continues = line.ends_with('\\');
    }
}

/// Ports of the page and the real ones, when what was printed is what is shown; `None` when it is not.
fn told(shown: &[String], printed: &str) -> Option<Vec<(String, String)>> {
    let printed: Vec<&str> = printed.lines().collect();
    fit(shown, &printed)
}

fn fit(shown: &[String], printed: &[&str]) -> Option<Vec<(String, String)>> {
    let Some((first, rest)) = shown.split_first() else {
        return printed.is_empty().then(Vec::new);
    };
    if first == "…" {
        return (0..=printed.len()).find_map(|skipped| fit(rest, &printed[skipped..]));
    }
    let (line, others) = printed.split_first()?;
    if !same(first, line) {
        return None;
    }
    let mut ports: Vec<_> = ports_of(first).into_iter().zip(ports_of(line)).collect();
    ports.extend(fit(rest, others)?);
    Some(ports)
}

/// Whether a line is as shown, apart from what differs from run to run.
fn same(shown: &str, printed: &str) -> bool {
    let (shown, printed) = (steady(shown), steady(printed));
    match shown.split_once('…') {
        Some((before, after)) => {
            printed.len() >= before.len() + after.len()
                && printed.starts_with(before)
                && printed.ends_with(after)
        }
        None => shown == printed,
    }
}

/// Each run of digits as one 0, each run of spaces as one, no spaces at the end.
fn steady(line: &str) -> String {
    let mut text = String::new();
    for character in line.trim_end().chars() {
        let character = if character.is_ascii_digit() { '0' } else { character };
        if !("0 ".contains(character) && text.ends_with(character)) {
            text.push(character);
        }
    }
    text
}

fn ports_of(line: &str) -> Vec<String> {
    let found = line.split("127.0.0.1:").skip(1);
    found.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect()).collect()
}

/// Whoever reads Chinese does what is tested here in English: file by file, command by command, under as many headings.
#[test]
fn the_chinese_page_has_the_same_files_and_commands() {
    let blocks = |page: &str| -> Vec<String> {
        let parts = page.split("\n```").map(str::to_owned);
        // Every second part is a block; the head of each says what it is.
        parts.skip(1).step_by(2).collect()
    };
    let (english, chinese) = (blocks(PAGE), blocks(PAGE_ZH));
    assert_eq!(english.len(), chinese.len());
    for (one, other) in english.iter().zip(&chinese) {
        assert_eq!(one, other);
    }
    assert_eq!(steps(PAGE), steps(PAGE_ZH));
    let headings = |page: &str| page.lines().filter(|line| line.starts_with("## ")).count();
    assert_eq!(headings(PAGE), headings(PAGE_ZH));
    // A file that is to be written is named above its block in both.
    for step in steps(PAGE) {
        if let Step::File { path, .. } = step {
            let named = format!("\n`{path}`");
            assert!(PAGE.contains(&named) && PAGE_ZH.contains(&named), "{path}");
        }
    }
}

#[test]
fn a_page_is_read_as_it_is_meant() {
    let page = "text\n```toml file=a/b.toml\nx = 1\n```\n```console\n$ one \\\n    two\nprinted 1\n$ three\n```\n```sh\nno\n```\n";
    let file = Step::File { path: "a/b.toml".to_owned(), text: "x = 1\n".to_owned() };
    let one =
        Step::Command { typed: "one \\\n    two".to_owned(), shown: vec!["printed 1".to_owned()] };
    let three = Step::Command { typed: "three".to_owned(), shown: Vec::new() };
    assert_eq!(steps(page), [file, one, three]);
}

#[test]
fn only_what_differs_from_run_to_run_may_differ() {
    let shown = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    assert!(told(&shown(&["entry 12  at 10:31"]), "entry 7 at 9:5\n").is_some());
    assert!(told(&shown(&["CONFIRMED"]), "REFUTED\n").is_none());
    assert!(told(&shown(&["CONFIRMED"]), "CONFIRMED\nmore\n").is_none());
    assert!(told(&shown(&["a", "…", "z"]), "a\nb\nc\nz\n").is_some());
    assert!(told(&shown(&["a", "…", "z"]), "a\nb\n").is_none());
    assert!(told(&shown(&["digest …"]), "digest 0af3\n").is_some());
    assert!(told(&[], "surprise\n").is_none());
    let ports = told(&shown(&["on 127.0.0.1:7507"]), "on 127.0.0.1:41234\n").unwrap();
    assert_eq!(ports, [("7507".to_owned(), "41234".to_owned())]);
}
